/// Text that must not be shown: printing it, in whatever way, gives `<secret>`.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself, for the request that needs it.
    package let revealed: String

    package init(_ revealed: String) { self.revealed = revealed }

    package var description: String { revealed.isEmpty ? "" : "<secret>" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

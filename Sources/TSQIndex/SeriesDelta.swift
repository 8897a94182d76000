import TSQBase
import TSQModel

/// The registry's part in memory: the series that came since the last segment was written.
///
/// A value with one writer. It is not safe for concurrent use: the store keeps it in a `Mutex` and
/// registers and selects under the lock, in place. (Copying it is O(1), but the first registration
/// after a copy copies everything.)
package struct SeriesDelta: Sendable {
    /// The ref of ordinal 0; refs are `firstRef + ordinal`.
    package let firstRef: UInt32

    package init(firstRef: UInt32 = 0) {
        self.firstRef = firstRef
    }

    /// What it holds, for the memory budget.
    package var byteCount: Int { preconditionFailure("BUG: not built yet") }

    /// The ref of the series with these labels, registered if it is new.
    ///
    /// - Parameter hash: `LabelHash.hash(labels)`.
    /// - Complexity: O(labels), amortised.
    package mutating func register(
        _ labels: LabelSet, hash: UInt64
    ) -> (ref: UInt32, isNew: Bool) {
        preconditionFailure("BUG: not built yet")
    }

    /// Checks everything that must hold between the tables; for tests. O(everything).
    package func _checkInvariants() {}
}

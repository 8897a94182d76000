/// Log lines and counters from the layers that know no logging library, handed in from above.
///
/// Called from any thread, also on hot paths' error branches: an implementation must not block.
package protocol EventSink: Sendable {
    /// One line of the log. `fields` are key–value pairs in the order to print.
    func log(_ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)])
    /// Adds to the counter `name` (a full metric name, e.g. `tsq_storage_lost_samples_total`).
    func count(_ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)])
}

package enum EventLevel: Int, Sendable, Comparable {
    case debug, info, warning, error

    package static func < (a: EventLevel, b: EventLevel) -> Bool { a.rawValue < b.rawValue }
}

/// Drops everything: for tests and for programs that do not care.
package struct NullEventSink: EventSink {
    package init() {}
    package func log(
        _ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)]
    ) {}
    package func count(
        _ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)]
    ) {}
}

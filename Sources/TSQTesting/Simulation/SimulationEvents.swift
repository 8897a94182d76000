import TSQBase
import TSQIO

/// Keeps what a store says: how often it named a loss, and its last lines.
final class SimulationEvents: EventSink {
    private struct State {
        var errors = 0
        var cuts = 0
        var unsafeStarts = 0
        var lines: [String] = []
    }

    private let state = Guarded(State())
    private static let linesMax = 12

    /// Lines of level error, and counts of lost samples and bytes.
    var errorCount: Int { state.withLock { $0.errors } }
    var lines: [String] { state.withLock { $0.lines } }

    /// How often a bad end of the log was cut off: a record half written, or a damaged one.
    var cutCount: Int { state.withLock { $0.cuts } }
    /// How often a start could not make the log durable.
    var unsafeStartCount: Int { state.withLock { $0.unsafeStarts } }
    func reset() {
        state.withLock {
            $0.errors = 0
            $0.cuts = 0
        }
    }

    /// Other errors say that something is refused, now.
    private static func namesLoss(_ message: String) -> Bool {
        ["set aside", "damaged", "lost", "skipped", "cannot be", "missing", "put together"]
            .contains { message.contains($0) }
    }

    func log(_ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)]) {
        let text = fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        state.withLock { state in
            if level >= .error, Self.namesLoss(message) { state.errors += 1 }
            if message.contains("cut off") { state.cuts += 1 }
            if message.contains("log was not made durable") { state.unsafeStarts += 1 }
            state.lines.append("\(level) \(message) \(text)")
            if state.lines.count > Self.linesMax { state.lines.removeFirst() }
        }
    }

    func count(_ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)]) {
        let isLoss = "\(name)".contains("lost") || "\(name)".contains("damaged")
        if isLoss { state.withLock { $0.errors += 1 } }
    }
}

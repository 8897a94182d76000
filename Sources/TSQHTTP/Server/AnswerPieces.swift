import Synchronization
import TSQEngine
import TSQJSON

/// The rest of a long answer. A piece is written when the socket has taken the one before, so a slow
/// client costs the result's columns and one piece, not the whole text.
package final class AnswerPieces: Sendable {
    private let writer: Mutex<QueryAnswerWriter>
    private let held: HeldAnswers
    private let byteCount: Int64

    init(_ writer: QueryAnswerWriter, byteCount: Int64, held: HeldAnswers) {
        self.writer = Mutex(writer)
        self.held = held
        self.byteCount = byteCount
        held.add(byteCount)
    }

    deinit { held.add(-byteCount) }

    /// nil after the last piece. O(piece); not for an event loop.
    func next() -> [UInt8]? {
        writer.withLock { $0.next() }
    }
}

/// Bytes of results whose answers are on their way to clients.
package final class HeldAnswers: Sendable {
    private let count = Atomic<Int64>(0)

    package init() {}

    package var byteCount: Int64 { count.load(ordering: .relaxed) }

    func add(_ byteCount: Int64) { count.wrappingAdd(byteCount, ordering: .relaxed) }
}

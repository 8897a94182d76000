import NIOCore
import Synchronization
import TSQEngine
import TSQJSON

/// A long answer, written by a few threads a little ahead of what the socket took: a slow client costs
/// the result's columns and a few pieces, not the whole text, and no thread.
package final class AnswerPieces: Sendable {
    /// Pieces written, or being written, that the socket has not been given.
    static let aheadMax = 4
    /// Writing begins anew when no more than this are left: not a change of thread for every piece.
    private static let aheadMin = 2
    /// Threads that write one answer at once.
    static let writersMax = 2
    /// Pieces that a thread writes before it asks for its turn again.
    private static let turnPieces = 8
    /// Pieces in memory at most: those ahead, the writers' own room, the one that is sent.
    static let heldMax = aheadMax + writersMax + 1

    private struct State {
        /// Where the first piece begins that nobody writes yet.
        var place: QueryAnswer.Place
        /// Pieces that were begun, and given to the socket.
        var begun = 1
        var taken = 0
        var written: [Int: ByteBuffer] = [:]
        var writers = 0
        var refusal: WorkPool.Refusal?
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var idle: [Scribe] = []
        /// Pieces that were sent: their room is used again.
        var spare: [ByteBuffer] = []

        init(_ place: QueryAnswer.Place) { self.place = place }

        var canBegin: Bool { place != .end && begun - taken < AnswerPieces.aheadMax }

        mutating func take() -> ByteBuffer? {
            guard let piece = written.removeValue(forKey: taken) else { return nil }
            taken += 1
            return piece
        }

        mutating func end(_ scribe: Scribe) {
            writers -= 1
            idle.append(scribe)
        }
    }

    /// What a thread needs for writing; it goes from one to the next.
    private struct Scribe {
        var writer: QueryAnswerWriter
        var json: JSONWriter
    }

    private let answer: QueryAnswer
    private let pool: WorkPool
    private let state: Mutex<State>
    private let held: HeldAnswers
    private let byteCount: Int64

    /// Starts the writing of what comes behind the first piece, which ends at `place`.
    init(
        _ answer: QueryAnswer, from place: QueryAnswer.Place, pool: WorkPool, held: HeldAnswers
    ) {
        self.answer = answer
        self.pool = pool
        self.held = held
        state = Mutex(State(place))
        byteCount = answer.byteCount
        held.add(byteCount)
        startWriters()
    }

    deinit { held.add(-byteCount) }

    /// Pieces that were begun and not taken.
    var aheadCount: Int { state.withLock { $0.begun - $0.taken } }

    // MARK: Reading

    /// Puts the first piece in place.
    func begin(with first: [UInt8]) {
        deliver(ByteBuffer(bytes: first), 0)
    }

    /// The next piece; nil after the last one.
    func next() async throws -> ByteBuffer? {
        defer { startWriters() }
        if let piece = state.withLock({ $0.take() }) { return piece }
        return try await withCheckedThrowingContinuation { continuation in
            let answer: Result<ByteBuffer?, any Error>? = state.withLock { state in
                if let piece = state.take() { return .success(piece) }
                if state.place == .end && state.taken == state.begun { return .success(nil) }
                if let refusal = state.refusal { return .failure(refusal) }
                state.reader = continuation
                return nil
            }
            if let answer { continuation.resume(with: answer) }
        }
    }

    /// A piece that was sent.
    func giveBack(_ piece: consuming ByteBuffer) {
        let piece = piece
        state.withLock { if $0.spare.count < Self.aheadMax { $0.spare.append(piece) } }
    }

    // MARK: Writing

    private func startWriters() {
        let count = state.withLock { state -> Int in
            guard state.canBegin, state.begun - state.taken <= Self.aheadMin else { return 0 }
            let count = Self.writersMax - state.writers
            state.writers = Self.writersMax
            return count
        }
        for _ in 0..<count {
            pool.start { [self] in
                write()
            } refused: { [self] in
                refuse($0)
            }
        }
    }

    private func refuse(_ refusal: WorkPool.Refusal) {
        let reader = state.withLock { state in
            state.writers -= 1
            state.refusal = refusal
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(throwing: refusal)
    }

    /// O(pieces of a turn); runs on a thread of the pool.
    private func write() {
        var scribe =
            state.withLock { $0.idle.popLast() }
            ?? Scribe(writer: QueryAnswerWriter(answer), json: JSONWriter(reserving: 0))
        for _ in 0..<Self.turnPieces {
            guard let piece = beginPiece(scribe) else { return }
            scribe.json.removeAll()
            scribe.writer.write(from: piece.start, to: piece.end, to: &scribe.json)
            var buffer = piece.room
            buffer.clear(minimumCapacity: scribe.json.bytes.count)
            buffer.writeBytes(scribe.json.bytes)
            deliver(buffer, piece.number)
        }
        state.withLock { $0.end(scribe) }
        startWriters()
    }

    /// nil where there is nothing to begin now; then the writer has ended.
    private func beginPiece(
        _ scribe: Scribe
    ) -> (number: Int, start: QueryAnswer.Place, end: QueryAnswer.Place, room: ByteBuffer)? {
        state.withLock { state in
            guard state.canBegin else {
                state.end(scribe)
                return nil
            }
            let start = state.place
            state.place = answer.end(from: start)
            state.begun += 1
            // The oldest is the likeliest that the socket has done with.
            let room = state.spare.isEmpty ? ByteBuffer() : state.spare.removeFirst()
            return (state.begun - 1, start, state.place, room)
        }
    }

    private func deliver(_ piece: ByteBuffer, _ number: Int) {
        let waiting = state.withLock {
            state -> (CheckedContinuation<ByteBuffer?, any Error>, ByteBuffer)? in
            state.written[number] = piece
            guard let reader = state.reader, let piece = state.take() else { return nil }
            state.reader = nil
            return (reader, piece)
        }
        if let waiting { waiting.0.resume(returning: waiting.1) }
    }
}

/// Bytes of results whose answers are on their way to clients.
package final class HeldAnswers: Sendable {
    private let count = Atomic<Int64>(0)

    package init() {}

    package var byteCount: Int64 { count.load(ordering: .relaxed) }

    func add(_ byteCount: Int64) { count.wrappingAdd(byteCount, ordering: .relaxed) }
}

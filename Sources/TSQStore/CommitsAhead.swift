import TSQBase
import TSQIO

/// A commit as the log has it.
struct LoggedCommit: Sendable {
    var series: [LogRecord.NewSeries]
    var batch: AcceptedBatch
}

/// The commits of one log segment, decoded by a helper while those of the segment before are put into
/// the head: a segment can be read alone, and decoding is most of a start after a kill.
final class CommitsAhead: Sendable {
    private struct State {
        /// Not taken yet, in the segment's order; nil where it was.
        var commits: [(offset: UInt64, commit: Result<LoggedCommit, ByteReadError>?)] = []
        var taken = 0
        /// Records before this have been looked at.
        var reached: UInt64 = 0
        /// What follows was not decoded.
        var isOver = false
        var isUnwanted = false
        var rows = LogRows()
    }

    let segment: UInt64
    private let state = Gate(State())

    /// Shorter segments are read faster than another thread wakes up; longer ones no writer makes.
    static let byteCounts = 1 << 12...64 << 20

    private init(_ segment: UInt64) { self.segment = segment }

    /// Nil when no thread is idle.
    static func begin(_ segment: LogSegmentBytes) -> CommitsAhead? {
        let commits = CommitsAhead(segment.segment)
        return HelperPool.shared.tryRun { commits.decode(segment) } ? commits : nil
    }

    private func decode(_ segment: LogSegmentBytes) {
        var rows = LogRows()
        var records = LogRecordWalk(segment)
        while records.next() {
            let isCommit = LogRecord.Kind(rawValue: records.kind) == .commit
            let offset = records.offset
            let commit = isCommit ? Self.decode(records.payload, &rows) : nil
            let isUnwanted = state.withLock { state in
                if let commit { state.commits.append((offset, commit)) }
                state.reached = offset + 1
                return state.isUnwanted
            }
            state.signal()
            if isUnwanted { break }
        }
        state.withLock { state in
            state.isOver = true
            state.rows = rows
        }
        state.signal()
    }

    static func decode(
        _ payload: [UInt8], _ rows: inout LogRows
    ) -> Result<LoggedCommit, ByteReadError> {
        do throws(ByteReadError) {
            let (series, batch) = try LogRecord.decodeCommit(payload.span, rows: &rows)
            return .success(LoggedCommit(series: series, batch: batch))
        } catch {
            return .failure(error)
        }
    }

    /// Whether the next commit not taken is at this place; waits until that is known.
    func has(_ offset: UInt64) -> Bool {
        state.wait { state -> Bool? in
            if state.reached <= offset && !state.isOver { return nil }
            return state.commits.count > state.taken && state.commits[state.taken].offset == offset
        }
    }

    /// The commit for which `has` said yes.
    func take() -> Result<LoggedCommit, ByteReadError>? {
        state.withLock { state in
            guard state.taken < state.commits.count else { return nil }
            state.taken += 1
            return state.commits[state.taken - 1].commit.take()
        }
    }

    /// What rows behind the last commit here refer to; waits until all are decoded.
    func rowsAtEnd() -> LogRows { state.wait { $0.isOver ? $0.rows : nil } }

    /// Lets the helper go.
    func stop() { state.withLock { $0.isUnwanted = true } }
}

/// The segments ahead of a cursor that helpers decode, or are to.
struct CommitsAheadQueue {
    /// Ascending; the first may be the one that the cursor is in.
    private var begun: [CommitsAhead] = []
    /// Waits for a helper to be idle.
    private var next: LogSegmentBytes?
    private var entered: UInt64?
    var isOff = false

    /// The cursor is in a segment: the one behind it can be begun.
    mutating func enter(_ cursor: inout LogCursor) throws(IOError) {
        let segment = cursor.place.segment
        if entered == segment || isOff { return }
        entered = segment
        begun.removeAll { $0.segment < segment }
        next = try cursor.readAhead(byteCounts: CommitsAhead.byteCounts)
        begin()
    }

    /// Gives the next segment to a helper as soon as one is idle.
    mutating func begin() {
        guard let segment = next, let commits = CommitsAhead.begin(segment) else { return }
        begun.append(commits)
        next = nil
    }

    private func commits(of segment: UInt64) -> CommitsAhead? {
        begun.first.flatMap { $0.segment == segment ? $0 : nil }
    }

    /// Whether a helper has the commit at this place.
    func has(_ place: LogPlace) -> Bool { commits(of: place.segment)?.has(place.offset) ?? false }

    /// The commit at this place, if a helper has it.
    func take(_ place: LogPlace) -> Result<LoggedCommit, ByteReadError>? {
        guard let commits = commits(of: place.segment), commits.has(place.offset) else {
            return nil
        }
        return commits.take()
    }

    /// What rows behind the last commit that a helper has of a segment refer to; nil when it has had
    /// none of it. The rest is for the caller.
    mutating func rowsAtEnd(of segment: UInt64) -> LogRows? {
        guard let commits = commits(of: segment) else { return nil }
        begun.removeFirst()
        return commits.rowsAtEnd()
    }

    func stop() {
        for commits in begun { commits.stop() }
    }
}

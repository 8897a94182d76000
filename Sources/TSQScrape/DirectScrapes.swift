import TSQBase
import TSQHTTPClient

/// Scrapes one target from a loop: timer, fetch, parsing and commit one after the other, without a
/// change of thread between them. For targets of plain HTTP, which are nearly all.
final class DirectScrapes: @unchecked Sendable {
    // Safe to send because: everything below is touched on the connection's loop only.

    /// What the target's own loop decides.
    struct Steps: Sendable {
        /// The time of a scrape that begins now.
        var begin: @Sendable () -> TimestampMs
        /// How long to wait for the scrape after the one that began at this time.
        var waitMs: @Sendable (TimestampMs?) -> Int64
        var nowMs: @Sendable () -> TimestampMs
        /// Parses and commits what a fetch that began at the monotonic `startedNs` gave.
        var commit: @Sendable (FetchOutcome, TimestampMs, UInt64) -> Void
        /// The target needs another client: this scrape has no page yet.
        var leave: @Sendable (TimestampMs) -> Void
        var nowNs: @Sendable () -> UInt64
    }

    enum FetchOutcome {
        case response(FetchResponse)
        case failure(FetchError)
    }

    private let connection: PageConnection
    private let timeoutMs: Int64
    private let bodyBytesMax: Int?
    private let steps: Steps
    private var timer: PageLoop.Timer?
    private var isStopping = false

    init(_ connection: PageConnection, timeoutMs: Int64, bodyBytesMax: Int?, _ steps: Steps) {
        self.connection = connection
        self.timeoutMs = timeoutMs
        self.bodyBytesMax = bodyBytesMax
        self.steps = steps
    }

    func start() {
        connection.loop.execute { [self] in wait(after: nil) }
    }

    /// Begins no scrape any more. Returns when the one under way is committed or given up.
    func stop() async {
        await withCheckedContinuation { continuation in
            connection.loop.execute { [self] in
                isStopping = true
                timer?.cancel()
                connection.close()
                continuation.resume()
            }
        }
    }

    private func wait(after startedMs: TimestampMs?) {
        if isStopping { return }
        timer = connection.loop.schedule(afterMs: max(0, steps.waitMs(startedMs))) { [self] in
            scrape()
        }
    }

    private func scrape() {
        if isStopping { return }
        let startedMs = steps.nowMs()
        let timeMs = steps.begin()
        let startedNs = steps.nowNs()
        connection.fetch(timeoutMs: timeoutMs, bodyBytesMax: bodyBytesMax) { [self] outcome in
            switch outcome {
            case .response(let response):
                steps.commit(.response(response), timeMs, startedNs)
                connection.recycle(response)
            case .failure(let error):
                // Stopped in the middle: the target did not fail, so nothing is written.
                if !isStopping { steps.commit(.failure(error), timeMs, startedNs) }
            case .unsuited:
                if isStopping { return }
                isStopping = true
                return steps.leave(timeMs)
            }
            wait(after: startedMs)
        }
    }
}

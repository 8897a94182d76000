import Foundation
import TSQBase

/// Threads of their own for work that computes for long or reads the disk: never an event loop, never
/// Swift's cooperative pool. Clients take turns (`FairQueue`); threads are started when they are first
/// needed and stay until the pool is shut down.
package final class WorkPool: @unchecked Sendable {
    // Safe to send because: `condition` is held wherever a variable is read or written.

    /// What waits at most: beyond it work is refused at once instead of piling up.
    package static let waitingCountMax = 10_000
    /// What waits at most for one client, so that the queue has room for others.
    package static let waitingPerClientMax = 2_000
    /// Room for deeply nested expressions.
    private static let stackBytes = 8 << 20
    /// How often waiting work is looked over for deadlines that passed.
    private static let watchIntervalNs: UInt64 = 20_000_000

    /// Why work did not run.
    package enum Refusal: Error, Equatable {
        /// `waitingCountMax` or `waitingPerClientMax` are waiting.
        case full
        /// The deadline passed while it waited.
        case timedOut
        /// The client went away while it waited.
        case left
        case shutDown
    }

    private struct Item {
        let deadlineNs: UInt64
        let start: @Sendable () -> Void
        let refuse: @Sendable (Refusal) -> Void
    }

    private let name: String
    private let threadCountMax: Int
    /// Threads that one client may have at once: some stay free for others.
    let threadsPerClientMax: Int
    private let clock = SystemClock()
    private let condition = NSCondition()
    private var waiting = FairQueue<Item>()
    private var runningByClient: [String: Int] = [:]
    private var runningCount = 0
    private var threadCount = 0
    private var idleCount = 0
    private var isWatched = false
    private var isShutDown = false

    package init(name: String, threads threadCountMax: Int) {
        precondition(threadCountMax > 0, "BUG: a pool without threads")
        self.name = name
        self.threadCountMax = threadCountMax
        threadsPerClientMax = threadCountMax - threadCountMax / 4
    }

    /// Waiting and running now, for `/metrics`.
    package var load: (waiting: Int, running: Int) {
        condition.withLock { (waiting.count, runningCount) }
    }

    /// Runs `work` on one of the threads.
    ///
    /// - Parameters:
    ///   - client: who asks; clients take turns.
    ///   - deadlineNs: when waiting ends, on the monotonic clock. Work that began is not stopped.
    ///   - presence: work whose client left does not begin.
    package func run<Value: Sendable>(
        for client: String = "", deadlineNs: UInt64 = .max, presence: ClientPresence? = nil,
        _ work: @escaping @Sendable () -> Value
    ) async throws(Refusal) -> Value {
        let result: Result<Value, Refusal> = await withCheckedContinuation { continuation in
            start(for: client, deadlineNs: deadlineNs, presence: presence) {
                continuation.resume(returning: .success(work()))
            } refused: {
                continuation.resume(returning: .failure($0))
            }
        }
        return try result.get()
    }

    /// Counts work that runs elsewhere as if it ran here, until `leave`: small work on the thread that
    /// asks. False where something waits or no more may run.
    func tryEnter(_ client: String) -> Bool {
        condition.withLock {
            guard !isShutDown, waiting.count == 0, mayStart(client) else { return false }
            begin(client)
            return true
        }
    }

    func leave(_ client: String) {
        condition.withLock {
            end(client)
            // What came meanwhile may have waited for this.
            if waiting.count > 0 { condition.broadcast() }
        }
    }

    /// Runs `work` on one of the threads, or calls `refused`, on any thread; parameters as for `run`.
    func start(
        for client: String = "", deadlineNs: UInt64 = .max, presence: ClientPresence? = nil,
        _ work: @escaping @Sendable () -> Void, refused: @escaping @Sendable (Refusal) -> Void
    ) {
        submit(Item(deadlineNs: deadlineNs, start: work, refuse: refused), client, presence)
    }

    /// Lets running and waiting work end, takes no more.
    package func shutDown() {
        condition.withLock {
            isShutDown = true
            condition.broadcast()
        }
    }

    private func submit(_ item: Item, _ client: String, _ presence: ClientPresence?) {
        let submitted: Result<UInt64, Refusal> = condition.withLock {
            if isShutDown { return .failure(.shutDown) }
            if waiting.count >= Self.waitingCountMax
                || waiting.count(of: client) >= Self.waitingPerClientMax
            {
                return .failure(.full)
            }
            let id = waiting.append(item, of: client)
            var hasThread = idleCount >= waiting.count
            if !hasThread && threadCount < threadCountMax {
                startThread()
                hasThread = true
            } else {
                condition.signal()
            }
            // What begins at once needs no watch: it would cost more than a small query.
            if !hasThread || !mayStartAll(of: client) { watchDeadlines() }
            return .success(id)
        }
        switch submitted {
        case .failure(let refusal): item.refuse(refusal)
        case .success(let id):
            presence?.whenLeft { [weak self] in self?.withdraw(id, client) }
        }
    }

    private func withdraw(_ id: UInt64, _ client: String) {
        condition.withLock { waiting.remove(id, of: client) }?.refuse(.left)
    }

    // MARK: Threads

    /// `condition` is held.
    private func startThread() {
        threadCount += 1
        let thread = Thread { [self] in
            // A name given to `Thread` does not always reach the system's thread.
            SystemThread.currentName = name
            runThread()
        }
        thread.stackSize = Self.stackBytes
        thread.start()
    }

    private func runThread() {
        condition.lock()
        while true {
            if let (client, item) = waiting.takeFirst(where: mayStart) {
                begin(client)
                condition.unlock()
                item.start()
                condition.lock()
                end(client)
            } else if isShutDown && waiting.count == 0 {
                break
            } else {
                idleCount += 1
                condition.wait()
                idleCount -= 1
            }
        }
        threadCount -= 1
        // Another thread may wait for the last piece of a client that had its share.
        condition.broadcast()
        condition.unlock()
    }

    /// Whether `client` may have one more run.
    private func mayStart(_ client: String) -> Bool {
        runningCount < threadCountMax
            && runningByClient[client, default: 0] < threadsPerClientMax
    }

    private func begin(_ client: String) {
        runningCount += 1
        runningByClient[client, default: 0] += 1
    }

    private func end(_ client: String) {
        runningCount -= 1
        let running = runningByClient[client, default: 1] - 1
        runningByClient[client] = running > 0 ? running : nil
    }

    /// Whether all that waits may run at once, with all of `client`'s.
    private func mayStartAll(of client: String) -> Bool {
        runningCount + waiting.count <= threadCountMax
            && runningByClient[client, default: 0] + waiting.count(of: client)
                <= threadsPerClientMax
    }

    // MARK: Deadlines

    /// Looks after deadlines while something waits. `condition` is held.
    private func watchDeadlines() {
        if isWatched { return }
        isWatched = true
        Task.detached { [weak self] in
            while true {
                try? await Task.sleep(nanoseconds: Self.watchIntervalNs)
                guard let self, self.refuseOverdue() else { return }
            }
        }
    }

    /// - Returns: whether anything still waits.
    private func refuseOverdue() -> Bool {
        let nowNs = clock.monotonicNs()
        let (overdue, goesOn) = condition.withLock {
            let overdue = waiting.removeAll { $0.deadlineNs <= nowNs }
            isWatched = waiting.count > 0
            return (overdue, isWatched)
        }
        for item in overdue { item.refuse(.timedOut) }
        return goesOn
    }
}

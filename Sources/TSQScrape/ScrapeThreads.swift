import Foundation
import Synchronization

/// A few threads that parse pages and commit samples: work that computes or waits for a lock and
/// must not sit on the cooperative pool or an event loop.
final class ScrapeThreads: Sendable {
    /// Jobs wait here when all threads are busy; every target has at most one, so that the number of
    /// targets bounds the queue.
    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var head = 0
        var threadCount = 0
        var isStopped = false
    }

    init(count: Int) {
        for index in 0..<count {
            let thread = Thread { [self] in loop() }
            thread.name = "tsq-scrape-\(index)"
            thread.stackSize = 1 << 20
            state.withLock { $0.threadCount += 1 }
            thread.start()
        }
    }

    /// Ends the threads when the queue is empty; nothing may be run afterwards.
    func stop() {
        let count = state.withLock { state in
            state.isStopped = true
            return state.threadCount
        }
        for _ in 0..<count { wakeUp.signal() }
    }

    /// Runs `body` on one of the threads and returns what it returns.
    func run<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                precondition(!state.isStopped, "BUG: a scrape after the threads were stopped")
                state.jobs.append { continuation.resume(returning: body()) }
            }
            wakeUp.signal()
        }
    }

    private func loop() {
        while true {
            wakeUp.wait()
            let (job, isStopped) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                guard state.head < state.jobs.count else { return (nil, state.isStopped) }
                let job = state.jobs[state.head]
                state.head += 1
                if state.head == state.jobs.count {
                    state.jobs.removeAll(keepingCapacity: true)
                    state.head = 0
                }
                return (job, state.isStopped)
            }
            if let job {
                job()
            } else if isStopped {
                return
            }
        }
    }
}

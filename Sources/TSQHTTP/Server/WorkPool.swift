import Foundation

/// Threads of their own for work that computes for long or reads the disk: never an event loop, never
/// Swift's cooperative pool. Work starts in order of arrival; threads are started when they are first
/// needed and stay until the pool is shut down.
package final class WorkPool: @unchecked Sendable {
    // Safe to send because: `condition` is held wherever a variable is read or written.

    /// What waits at most: beyond it work is refused at once instead of piling up.
    package static let waitingCountMax = 10_000
    /// Room for deeply nested expressions.
    private static let stackBytes = 8 << 20

    /// `waitingCountMax` are waiting, or the pool is shut down.
    package struct Refusal: Error {}

    private let name: String
    private let threadCountMax: Int
    private let condition = NSCondition()
    private var waiting = Queue()
    private var threadCount = 0
    private var idleCount = 0
    private var isShutDown = false

    package init(name: String, threads threadCountMax: Int) {
        precondition(threadCountMax > 0, "BUG: a pool without threads")
        self.name = name
        self.threadCountMax = threadCountMax
    }

    /// Waiting and running now, for `/metrics`.
    package var load: (waiting: Int, running: Int) {
        condition.withLock { (waiting.count, threadCount - idleCount) }
    }

    /// Runs `work` on one of the threads.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(Refusal) -> Value {
        let value: Value? = await withCheckedContinuation { continuation in
            let accepted = submit { continuation.resume(returning: work()) }
            if !accepted { continuation.resume(returning: nil) }
        }
        guard let value else { throw Refusal() }
        return value
    }

    /// Lets running and waiting work end, takes no more.
    package func shutDown() {
        condition.withLock {
            isShutDown = true
            condition.broadcast()
        }
    }

    private func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        condition.withLock {
            if isShutDown || waiting.count >= Self.waitingCountMax { return false }
            waiting.append(work)
            if idleCount < waiting.count && threadCount < threadCountMax {
                threadCount += 1
                let thread = Thread { [self] in runThread() }
                thread.name = name
                thread.stackSize = Self.stackBytes
                thread.start()
            } else {
                condition.signal()
            }
            return true
        }
    }

    private func runThread() {
        condition.lock()
        while true {
            if let work = waiting.takeFirst() {
                condition.unlock()
                work()
                condition.lock()
            } else if isShutDown {
                break
            } else {
                idleCount += 1
                condition.wait()
                idleCount -= 1
            }
        }
        threadCount -= 1
        condition.unlock()
    }

    /// First in, first out, without moving the rest at every step.
    private struct Queue {
        private var items: [@Sendable () -> Void] = []
        private var start = 0

        var count: Int { items.count - start }

        mutating func append(_ item: @escaping @Sendable () -> Void) { items.append(item) }

        mutating func takeFirst() -> (@Sendable () -> Void)? {
            guard start < items.count else { return nil }
            let item = items[start]
            start += 1
            if start >= 64, start * 2 > items.count {
                items.removeFirst(start)
                start = 0
            }
            return item
        }
    }
}

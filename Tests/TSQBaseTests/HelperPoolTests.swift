import Synchronization
import TSQBase
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Helper pool") struct HelperPoolTests {
    @Test("a helper works while the caller does")
    func together() {
        let pool = HelperPool(threadCount: 1)
        let hasHelped = Flag()
        #expect(pool.tryRun { hasHelped.set() })
        hasHelped.wait()
    }

    @Test("a busy pool refuses work instead of queueing it")
    func busy() {
        let pool = HelperPool(threadCount: 1)
        let isReleased = Flag()
        let isRunning = Flag()
        #expect(
            pool.tryRun {
                isRunning.set()
                isReleased.wait()
            })
        isRunning.wait()
        #expect(!pool.tryRun {})
        isReleased.set()
    }

    @Test("helpers run on other processors than who asks, where there are others")
    func processors() {
        let pool = HelperPool(threadCount: 1)
        guard HelperPool.processorCount() > 1 else { return }
        let seen = Mutex<Int?>(nil)
        var compared = 0
        // The first work of a thread runs where the system starts it.
        #expect(pool.tryRun {})
        for _ in 0..<1000 where compared < 100 {
            let done = Flag()
            while !pool.isIdle { sched_yield() }
            let before = SystemThread.currentProcessor
            let isTaken = pool.tryRun {
                seen.withLock { $0 = SystemThread.currentProcessor }
                done.set()
            }
            // Whoever was moved meanwhile proves nothing.
            let hasStayed = before == SystemThread.currentProcessor
            #expect(isTaken)
            done.wait()
            if !hasStayed || before == nil { continue }
            compared += 1
            #expect(seen.withLock { $0 } != before)
        }
        #if os(Linux)
            #expect(compared > 0)
        #endif
    }

    private final class Flag: Sendable {
        private let gate = Gate(false)

        func set() {
            gate.withLock { $0 = true }
            gate.signal()
        }

        func wait() { _ = gate.wait { $0 ? true : nil } }
    }

    @Test("a thread has the name it gave itself, as far as the system keeps it")
    func name() {
        let seen = Mutex<[String]>([])
        let thread = SystemThread {
            SystemThread.currentName = "tsq-a-very-long-name"
            seen.withLock { $0.append(SystemThread.currentName) }
        }
        thread?.join()
        #if os(Linux)
            #expect(seen.withLock { $0 } == ["tsq-a-very-long"])
        #endif
    }
}

import Synchronization
import TSQBase
import Testing

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

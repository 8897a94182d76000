import TSQBase
import Testing

@Suite("Parallel ranges") struct ParallelRangesTests {
    @Test("parts come in order and cover the range", arguments: [0, 1, 2, 7, 1000, 4096])
    func order(_ count: Int) {
        for partMin in [1, 10, 5000] {
            let parts = ParallelRanges.map(count: count, partMin: partMin) { $0 }
            #expect(parts.first?.lowerBound == 0 && parts.last?.upperBound == count)
            for index in parts.indices.dropFirst() {
                #expect(parts[index].lowerBound == parts[index - 1].upperBound)
            }
            #expect(parts.count == 1 || parts.allSatisfy { $0.count >= partMin })
        }
    }

    @Test("helpers and caller work at the same time")
    func together() {
        let pool = HelperPool(threadCount: 1)
        let inside = Gate(0)
        let met = ParallelRanges.map(count: 2, partMin: 1, pool: pool) { _ in
            inside.withLock { $0 += 1 }
            let clock = SystemClock()
            let untilNs = clock.monotonicNs() + 5_000_000_000
            while inside.withLock({ $0 < 2 }) {
                if clock.monotonicNs() > untilNs { return false }
            }
            return true
        }
        #expect(met == [true, true])
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
        #expect(ParallelRanges.map(count: 10, partMin: 1, pool: pool) { $0.count } == [5, 5])
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
}

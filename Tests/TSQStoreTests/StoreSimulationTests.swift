import TSQTesting
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// More with TSQ_SEEDS=1000; `store-torture simulate` runs thousands.
private let seedCount = getenv("TSQ_SEEDS").flatMap { Int(String(cString: $0)) } ?? 24

@Suite("Store in simulation")
struct StoreSimulationTests {
    @Test(
        "through kills, power cuts, failing calls, full disks and damage the store has what it must",
        arguments: 0..<seedCount)
    func seeds(seed: Int) throws {
        let summary = try StoreSimulation(seed: UInt64(seed)).run()
        #expect(summary.samplesCommitted > 0)
    }

    @Test("the same seed gives the same run, call by call")
    func replays() throws {
        let first = try StoreSimulation(seed: 7).run(steps: 60)
        let second = try StoreSimulation(seed: 7).run(steps: 60)
        #expect(first.digest == second.digest && first.injected == second.injected)
    }
}

import TSQTesting
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// More with TSQ_SEEDS=1000; `store-torture simulate` runs thousands.
private let seedCount = getenv("TSQ_SEEDS").flatMap { Int(String(cString: $0)) } ?? 24

/// In the first four a start's fsync of an old log segment fails, and the power is cut after it; in the
/// last two a log is damaged, replaced, and then the MANIFEST is lost.
private let knownSeeds: [UInt64] = [2776, 6002, 7132, 7747, 16899, 7239, 8075, 60571]

@Suite("Store in simulation")
struct StoreSimulationTests {
    @Test(
        "through kills, power cuts, failing calls, full disks and damage the store has what it must",
        arguments: 0..<seedCount)
    func seeds(seed: Int) throws {
        let summary = try StoreSimulation(seed: UInt64(seed)).run()
        #expect(summary.samplesCommitted > 0)
    }

    @Test(
        "with limits of bytes and memory it gives up what it must, and nothing else",
        arguments: 0..<seedCount / 3)
    func limits(seed: Int) throws {
        _ = try StoreSimulation(seed: UInt64(seed), hasLimits: true).run()
    }

    @Test("seeds that failed once", arguments: knownSeeds)
    func known(seed: UInt64) throws {
        _ = try StoreSimulation(seed: seed).run(checksAlways: true)
    }

    @Test("the same seed gives the same run, call by call")
    func replays() throws {
        let first = try StoreSimulation(seed: 7).run(steps: 60)
        let second = try StoreSimulation(seed: 7).run(steps: 60)
        #expect(first.digest == second.digest && first.injected == second.injected)
    }

    @Test(
        "another process, with another seed for hashes, makes the same calls",
        .enabled(if: TortureProgram.path != nil))
    func replaysInAnotherProcess() throws {
        let count = 6
        var total = StoreSimulation.Summary()
        for seed in 0..<count { total.add(try StoreSimulation(seed: UInt64(seed)).run()) }
        let digest = String(total.digest, radix: 16)
        #expect(try TortureProgram.run(["simulate", "0", "\(count)", digest]) == 0)
    }
}

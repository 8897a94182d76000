import TSQTesting

extension StoreTorture {
    private static let failuresMax = 5

    /// Runs `count` seeds from `first` on; prints what was done and every failure. A single seed is
    /// checked after every step.
    ///
    /// - Parameters:
    ///   - hasLimits: with limits of bytes and memory.
    ///   - digest: what the calls to the disk must come to.
    static func simulate(
        _ first: UInt64, _ count: Int, hasLimits: Bool = false, digest: UInt64? = nil
    ) throws -> Bool {
        var total = StoreSimulation.Summary()
        var failures = 0
        var done = 0
        for seed in first..<(first + UInt64(max(0, count))) {
            do {
                let simulation = StoreSimulation(seed: seed, hasLimits: hasLimits)
                total.add(try simulation.run(checksAlways: count == 1))
                done += 1
            } catch let failure as StoreSimulation.Failure {
                print("FAILED \(failure)")
                failures += 1
                if failures >= failuresMax { break }
            }
        }
        print(
            "\(done) seeds right, \(failures) failed, \(total.samplesCommitted) samples committed")
        print("operations: \(list(total.operations))")
        print("faults: \(list(total.injected))")
        print("digest of all calls: \(String(total.digest, radix: 16))")
        return failures == 0 && digest ?? total.digest == total.digest
    }

    private static func list(_ counts: [String: Int]) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}

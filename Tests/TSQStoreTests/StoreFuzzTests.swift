import TSQTesting
import Testing

@Suite("Store files with wrong contents under right checksums")
struct StoreFuzzTests {
    @Test("log, block, index and MANIFEST are refused or read, and never trap")
    func changedFiles() throws {
        var fuzz = try StoreFuzz(storeCount: 2)
        for seed in UInt64(0)..<150 { fuzz.step(seed: seed) }
        #expect(fuzz.answered > 0 && fuzz.refused > 0)
    }
}

import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Verifying and analyzing a store")
struct StoreVerifyTests {
    private let start: TimestampMs = 1_700_000_000_000

    /// Floats, gaps, start times, histograms, exemplars, a deletion; blocks, and a log behind them.
    private func filled(_ harness: StoreHarness) throws -> Store {
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<5).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        for step in 0..<40 {
            let time = start + Int64(step) * 1000
            var batch = WriteBatch(origin: .scrape, group: group)
            batch.rowTimeMs = time
            for (index, ref) in refs.enumerated() where (step + index) % 7 != 0 {
                batch.rowRefs.append(ref)
                batch.rowValues.append(Double(step * index) / 10)
            }
            batch.exemplars.append(
                (refs[0], Exemplar(labels: labels("x"), value: 1, timeMs: time)))
            _ = try store.commit(batch)
            if step % 10 == 9 { try store.checkpoint() }
        }
        var batch = WriteBatch(origin: .timestamped)
        let ref = try store.resolve(labels("h"))
        for step in 0..<3 {
            var histogram = Histogram()
            histogram.count = 2
            histogram.sum = Double(step)
            batch.histogramRefs.append(ref)
            batch.histograms.append(histogram, timeMs: start + Int64(step), startTimeMs: 5)
            batch.refs.append(refs[1])
            batch.times.append(start + 50_000 + Int64(step))
            batch.values.append(3)
            batch.startTimes.append(start)
        }
        _ = try store.commit(batch)
        try store.checkpoint()
        _ = try store.deleteSeries(
            matching: [[LabelMatcher(equal: "i", "3")]], fromMs: start, toMs: start + 5000)
        try store.add(labels("late"), [(start + 90_000, 1)])
        return store
    }

    private func verify(_ harness: StoreHarness) throws -> VerifyReport {
        try Store.verify(directory: "d", fileSystem: harness.disk)
    }

    @Test("a sound store is found sound, closed or while it is written, before and after merges")
    func sound() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        for round in 0..<4 {
            switch round {
            case 1: while try store.mergeBlocks() {}
            case 2: try store.compactDeletions()
            case 3: try store.close()
            default: break
            }
            let report = try verify(harness)
            #expect(report.problems == [], "round \(round)")
            #expect(report.isSound && report.unnamedFiles.isEmpty)
            #expect(report.seriesCount == 6 && report.blockCount > 0)
            #expect(report.logSampleCount == 1 && report.exemplarCount == 40)
        }
    }

    @Test("a bit flipped in any file is found and named, or changes nothing that counts")
    func flipped() throws {
        let harness = StoreHarness()
        try filled(harness).close()
        #expect(try verify(harness).isSound)
        for path in harness.disk.paths where path != "d/lock" {
            let count = try harness.disk.readAll(path).count
            let name = String(path.dropFirst(2))
            let isLog = name.hasPrefix("log/")
            for byte in stride(from: 0, to: count, by: isLog ? 7 : max(1, count / 300)) {
                harness.disk.flipBit(path, byte: byte, bit: byte % 8)
                let report = try verify(harness)
                // The log has a torn end for a damage in its last record, and segments that were cut.
                if !isLog {
                    #expect(!report.isSound, "\(path) byte \(byte)")
                    #expect(
                        report.problems.contains { $0.file == name || $0.file == "MANIFEST" },
                        "\(path) byte \(byte): \(report.problems)")
                }
                harness.disk.flipBit(path, byte: byte, bit: byte % 8)
            }
        }
    }

    @Test("files that are missing are named, and those that no MANIFEST names are listed")
    func missing() throws {
        let harness = StoreHarness()
        try filled(harness).close()
        let block = try #require(harness.disk.paths.first { $0.hasSuffix(".blk") })
        let index = try #require(harness.disk.paths.first { $0.hasSuffix(".idx") })
        try harness.disk.rename(block, to: "d/blocks/999.blk")
        try harness.disk.remove(index)
        let report = try verify(harness)
        let files = Set(report.problems.map(\.file))
        #expect(files.isSuperset(of: [String(block.dropFirst(2)), String(index.dropFirst(2))]))
        #expect(report.unnamedFiles == ["blocks/999.blk"])
        // Blocks say how many samples nobody can find any more.
        #expect(
            report.problems.contains { $0.reason.contains("no labels") && $0.lostSamples ?? 0 > 0 })
    }

    @Test("no directory is an error, and so is one that is no store")
    func noStore() {
        let disk = SimFileSystem(seed: 1)
        #expect(throws: StoreError.self) {
            try Store.verify(directory: "nowhere", fileSystem: disk)
        }
    }

    @Test("an analysis counts series, samples and bytes by metric, label and kind of chunk")
    func analysis() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        try store.compactDeletions()
        let analysis = try Store.analyze(directory: "d", fileSystem: harness.disk)
        #expect(analysis.problems.isEmpty)
        #expect(analysis.seriesCount == 6)
        #expect(analysis.seriesByMetric.first == .init(name: "m", value: 5))
        #expect(analysis.valuesByLabel.first == .init(name: "i", value: 5))
        let samples = try store.samples(named: "m").values.reduce(0) { $0 + $1.count }
        #expect(analysis.samplesByMetric.first == .init(name: "m", value: UInt64(samples)))
        #expect(analysis.sampleCount == UInt64(samples) + 3)
        #expect(analysis.chunkKinds.reduce(0) { $0 + $1.sampleCount } == analysis.sampleCount)
        #expect(analysis.chunkKinds.contains { $0.name == "histogram" && $0.sampleCount == 3 })
        let blocks = try Store.blocks(directory: "d", fileSystem: harness.disk)
        #expect(blocks.reduce(0) { $0 + $1.sampleCount } == analysis.sampleCount)
        #expect(blocks.reduce(0) { $0 + $1.byteCount } == analysis.blockBytes)
    }
}

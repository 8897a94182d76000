import TSQBase
import TSQIO

extension Store {
    /// Blocks of one level that follow each other are merged when there are this many.
    static let mergeFanIn = 8

    /// The blocks to merge next: a run of neighbours in sequence, so that the order of writes stays
    /// what it was, of one level, that together cover no more than a block's range.
    static func mergeCandidates(
        _ blocks: [Manifest.BlockEntry], blockRangeMs: Int64
    ) -> [Manifest.BlockEntry] {
        var run: [Manifest.BlockEntry] = []
        var (low, high) = (TimestampMs.max, TimestampMs.min)
        for block in blocks {
            let newLow = min(low, block.minTimeMs)
            let newHigh = max(high, block.maxTimeMs)
            let (span, overflow) = newHigh.subtractingReportingOverflow(newLow)
            let fits =
                !overflow && span <= blockRangeMs && block.level == run.first?.level ?? block.level
            if !fits || block.level >= mergeLevelMax {
                run = []
                (low, high) = (block.minTimeMs, block.maxTimeMs)
            } else {
                (low, high) = (newLow, newHigh)
            }
            if block.level < mergeLevelMax { run.append(block) }
            if run.count >= mergeFanIn { return run }
        }
        return []
    }

    /// Blocks of this level are not merged any further (larger ranges have their own issue).
    static let mergeLevelMax: UInt8 = 3

    /// Merges one run of small blocks; false when there is none.
    func mergeBlocks() throws(StoreError) -> Bool {
        try manifest.withLock { (manifest) throws(StoreError) -> Bool in
            let run = Self.mergeCandidates(
                manifest.blocks, blockRangeMs: options.blockRangeMs)
            let files = Set(run.map(\.file))
            let sources = core.withLock { core in
                core.blocks.filter { files.contains($0.entry.file) }
            }
            // A block that is set aside stays what it is.
            if run.isEmpty || sources.count != run.count { return false }
            var next = manifest
            next.generation += 1
            let merged: [Block]
            do {
                merged = try merge(sources, &next)
                try fileSystem.syncDirectory(Path.join(directory, "blocks"))
                next.blocks.removeAll { files.contains($0.file) }
                next.blocks += merged.map(\.entry)
                next.blocks.sort { $0.sequence < $1.sequence }
                try next.write(directory, fileSystem)
            } catch {
                manifest.skipNumbers(of: next)
                throw .storage(Self.text(error))
            }
            core.withLock { core in
                core.blocks.removeAll { files.contains($0.entry.file) }
                core.blocks += merged
                core.blocks.sort { $0.entry.sequence < $1.entry.sequence }
            }
            let old = manifest
            manifest = next
            removeObsolete(old, next)
            return true
        }
    }

    private func merge(_ sources: [Block], _ next: inout Manifest) throws -> [Block] {
        let sequence = sources.map(\.entry.sequence).max() ?? 0
        let level = (sources.map(\.entry.level).max() ?? 0) + 1
        let files = FileNumbers(next.nextFile, next.nextSequence)
        let minTimeMs = sources.map(\.entry.minTimeMs).min() ?? 0
        let maxTimeMs = sources.map(\.entry.maxTimeMs).max() ?? 0
        var output = BlockSeriesWriter(
            minTimeMs: minTimeMs, maxTimeMs: maxTimeMs, blockRangeMs: options.blockRangeMs
        ) { [directory, fileSystem] () throws(IOError) in
            try files.makeWriter(directory, fileSystem, sequence: sequence)
        }
        var reader = SeriesReader(StoreSnapshot(generations: [], blocks: sources))
        var columns = SampleColumns()
        for ref in try Self.refs(of: sources) {
            columns.removeAll()
            try reader.read(
                ref, EmptyCollection(), fromMs: .min, toMs: .max, into: &columns)
            if !columns.isEmpty { try output.add(ref: ref, columns) }
        }
        let written = try output.finish()
        (next.nextFile, next.nextSequence) = (files.nextFile, files.nextSequence)
        return try open(files.entries(written, level: level))
    }

    /// The series of some blocks, ascending.
    private static func refs(of blocks: [Block]) throws -> [UInt32] {
        var refs: [UInt32] = []
        for block in blocks {
            for page in 0..<block.pageCount {
                for chunk in try block.entries(ofPage: page) where refs.last != chunk.ref {
                    refs.append(chunk.ref)
                }
            }
        }
        refs.sort()
        var unique: [UInt32] = []
        unique.reserveCapacity(refs.count / max(1, blocks.count))
        for ref in refs where unique.last != ref { unique.append(ref) }
        return unique
    }
}

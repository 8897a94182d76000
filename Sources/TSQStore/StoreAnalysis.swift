import TSQBase
import TSQChunks
import TSQIO
import TSQIndex
import TSQModel

/// What a store's series and chunks look like: for `tsq tsdb analyze`.
package struct StoreAnalysis: Sendable {
    package typealias Entry = LabelStatistics.Entry

    package struct ChunkKind: Sendable, Equatable {
        /// `constant`, `decimal`, `bits`, `xor`, `raw`, `compressed decimal` …, `histogram`.
        package var name: String
        package var chunkCount: UInt64 = 0
        package var sampleCount: UInt64 = 0
        /// Of values, presence and start times; time columns apart.
        package var byteCount: UInt64 = 0
    }

    /// Series in blocks, and what of them is in the newest block.
    package var seriesCount: UInt64 = 0
    package var newestBlockSeriesCount: UInt64 = 0
    /// Series that begin after the oldest block: they came while the store was written.
    package var bornSeriesCount: UInt64 = 0
    /// Series with no samples in the newest block: they have ended, or pause.
    package var endedSeriesCount: UInt64 = 0
    /// Series of the index without samples in any block.
    package var emptySeriesCount: UInt64 = 0
    package var labelPairCount: UInt64 = 0
    package var sampleCount: UInt64 = 0
    package var chunkCount: UInt64 = 0
    package var blockBytes: UInt64 = 0
    package var indexBytes: UInt64 = 0
    package var timeColumnCount: UInt64 = 0
    package var timeColumnBytes: UInt64 = 0
    package var minTimeMs: TimestampMs?
    package var maxTimeMs: TimestampMs?

    // Each largest first, at most as many as were asked for.
    package var seriesByMetric: [Entry] = []
    package var samplesByMetric: [Entry] = []
    package var bytesByMetric: [Entry] = []
    /// Values that each label has.
    package var valuesByLabel: [Entry] = []
    /// Series that have `name=value`.
    package var seriesByPair: [Entry] = []
    /// By bytes.
    package var chunkKinds: [ChunkKind] = []
    /// What could not be read.
    package var problems: [String] = []
}

extension Store {
    /// Reads the entries and the first bytes of all chunks of a store, also of one that another
    /// process writes right now; what is in the log only is not in the figures.
    ///
    /// - Parameter limit: entries a list.
    /// - Complexity: O(chunks + label values); 16 bytes for each series.
    package static func analyze(
        directory: String, limit: Int = 20, fileSystem: any FileSystem = PosixFileSystem()
    ) throws(StoreError) -> StoreAnalysis {
        var last = StoreError.format("\(directory) is no store: it has no MANIFEST")
        for _ in 0..<StoreVerifier.attemptsMax {
            guard let manifest = try Manifest.read(directory, fileSystem) else { throw last }
            do throws(StoreError) {
                let replay = try StoreOpening.contents(
                    directory, manifest, StoreOptions(), fileSystem, NullEventSink(),
                    isWriter: false)
                var analyzer = StoreAnalyzer(replay.core.blocks, replay.registry)
                return try analyzer.run(limit: limit)
            } catch {
                // A file is gone: there is a newer MANIFEST.
                last = error
            }
        }
        throw last
    }
}

/// Adds up one store's figures.
private struct StoreAnalyzer {
    private struct Totals {
        var samples: UInt64 = 0
        var bytes: UInt64 = 0
    }

    private let blocks: [Block]
    private let registry: Registry
    private var result = StoreAnalysis()
    /// By series number.
    private var totals: [Totals] = []
    private var kinds: [String: StoreAnalysis.ChunkKind] = [:]

    init(_ blocks: [Block], _ registry: Registry) {
        self.blocks = blocks
        self.registry = registry
    }

    mutating func run(limit: Int) throws(StoreError) -> StoreAnalysis {
        totals = [Totals](repeating: Totals(), count: Int(registry.nextRef))
        var oldest = RefBits()
        var newest = RefBits()
        let byTime = blocks.sorted { $0.footer.minTimeMs < $1.footer.minTimeMs }
        for block in byTime {
            add(block)
            if block === byTime.first { fill(&oldest, block) }
            if block === byTime.last { fill(&newest, block) }
        }
        result.minTimeMs = blocks.map(\.footer.minTimeMs).min()
        result.maxTimeMs = blocks.map(\.footer.maxTimeMs).max()
        for (ref, total) in totals.enumerated() where total.samples > 0 {
            let ref = UInt32(ref)
            result.seriesCount += 1
            if !oldest.contains(ref) { result.bornSeriesCount += 1 }
            if newest.contains(ref) {
                result.newestBlockSeriesCount += 1
            } else {
                result.endedSeriesCount += 1
            }
        }
        do throws(IndexError) {
            try addLabels(limit)
        } catch {
            result.problems.append(error.message)
        }
        result.chunkKinds = kinds.values.sorted {
            ($0.byteCount, $1.name) > ($1.byteCount, $0.name)
        }
        return result
    }

    private func fill(_ refs: inout RefBits, _ block: Block) {
        if let series = try? block.seriesRefs() { refs.formUnion(series) }
    }

    private mutating func add(_ block: Block) {
        result.blockBytes += UInt64(block.byteCount)
        result.timeColumnCount += UInt64(block.footer.timesCount)
        do throws(BlockError) {
            var rowCounts: [UInt64] = []
            for index in 0..<block.footer.timesCount {
                let column = try block.timeColumn(index)
                rowCounts.append(UInt64(column.count))
                result.timeColumnBytes +=
                    UInt64(column.byteCount) + UInt64(BlockFormat.timeEntryByteCount)
            }
            for page in 0..<block.pageCount {
                for chunk in try block.entries(ofPage: page) {
                    try add(chunk, block, rowCounts)
                }
                try block.forget(page: page)
            }
        } catch {
            result.problems.append("\(block.path): \(error.reason)")
        }
    }

    private mutating func add(
        _ chunk: BlockChunk, _ block: Block, _ rowCounts: [UInt64]
    ) throws(BlockError) {
        var samples = Int(chunk.timeColumn) < rowCounts.count ? rowCounts[Int(chunk.timeColumn)] : 0
        if chunk.flags.contains(.presence) {
            samples = UInt64(try block.presence(chunk).count)
        }
        let bytes = UInt64(chunk.valuesCount + chunk.presenceCount + chunk.startTimesCount)
        let name = try block.kindName(chunk)
        var kind = kinds[name] ?? StoreAnalysis.ChunkKind(name: name)
        kind.chunkCount += 1
        kind.sampleCount += samples
        kind.byteCount += bytes
        kinds[name] = kind
        result.chunkCount += 1
        result.sampleCount += samples
        if Int(chunk.ref) < totals.count {
            totals[Int(chunk.ref)].samples += samples
            totals[Int(chunk.ref)].bytes += bytes
        }
    }

    private mutating func addLabels(_ limit: Int) throws(IndexError) {
        var valuesByLabel: [String: Set<String>] = [:]
        var seriesByPair: [String: UInt64] = [:]
        var metrics: [String: (series: UInt64, totals: Totals)] = [:]
        for segment in registry.segments {
            let index = segment.index
            result.indexBytes += UInt64(index.bytes.raw.count)
            for name in try index.labelNames() {
                for (value, count) in try index.labelValues(name) {
                    valuesByLabel[name, default: []].insert(value)
                    seriesByPair["\(name)=\(value)", default: 0] += UInt64(count)
                }
            }
            for ordinal in 0..<UInt32(index.seriesCount) {
                let ref = Int(try index.ref(ordinal))
                if ref >= totals.count || totals[ref].samples == 0 {
                    result.emptySeriesCount += 1
                }
            }
            for (metric, _) in try index.labelValues(LabelName.metricName) {
                var sum = metrics[metric] ?? (0, Totals())
                for ordinal in try index.select([
                    LabelMatcher(equal: LabelName.metricName, metric)
                ]) {
                    let ref = Int(try index.ref(ordinal))
                    if ref >= totals.count || totals[ref].samples == 0 { continue }
                    sum.series += 1
                    sum.totals.samples += totals[ref].samples
                    sum.totals.bytes += totals[ref].bytes
                }
                metrics[metric] = sum
            }
        }
        result.labelPairCount = UInt64(seriesByPair.count)
        result.valuesByLabel = Store.top(
            valuesByLabel.map { .init(name: $0.key, value: UInt64($0.value.count)) }, limit)
        result.seriesByPair = Store.top(
            seriesByPair.map { .init(name: $0.key, value: $0.value) }, limit)
        func top(_ value: (UInt64, Totals) -> UInt64) -> [StoreAnalysis.Entry] {
            Store.top(
                metrics.map {
                    .init(name: $0.key, value: value($0.value.series, $0.value.totals))
                }, limit)
        }
        result.seriesByMetric = top { series, _ in series }
        result.samplesByMetric = top { _, totals in totals.samples }
        result.bytesByMetric = top { _, totals in totals.bytes }
    }
}

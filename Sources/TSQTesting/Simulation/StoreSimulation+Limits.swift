import TSQBase
import TSQIO
import TSQModel
import TSQStore

// Limits of bytes and of memory: what a store gives up to keep them, and nothing else.

extension StoreSimulation {
    func chooseLimits() {
        func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &limitRandom) }
        let way = below(4)
        // A fresh store has some KB, a run leaves some ten.
        if way == 0 || way == 2 { options.retentionBytes = UInt64(2000 + below(20_000)) }
        if way == 1 || way == 2 {
            options.retentionDiskShare = Double(20 + below(75)) / 100
        }
        // With two reasons to go nobody could tell what must be there.
        if keepsBytes { options.retentionMs = .max }
        if way == 3 || below(2) == 0 { options.memoryLimitBytes = UInt64(16_000 + below(100_000)) }
    }

    var keepsBytes: Bool { options.retentionBytes > 0 || options.retentionDiskShare > 0 }

    private var bytesMax: UInt64 {
        let share = Double(disk.sizeBytes) * options.retentionDiskShare
        return min(
            options.retentionBytes == 0 ? .max : options.retentionBytes,
            options.retentionDiskShare == 0 ? .max : UInt64(clamping: GoNumber.int64(share)))
    }

    /// The blocks that must go: the oldest, until the rest is within the limit. The newest stays,
    /// and whatever has newer writes than one that stays: those would have older values again.
    private func excess(_ blocks: [Store._BlockSummary]) -> Set<UInt64> {
        let folders = ["log", "index", "blocks", "deletions", "exemplars"]
        var left = disk.byteCount(
            inDirectories: folders.map { Path.join(Self.directory, $0) })
        var kept = blocks.sorted { ($0.maxTimeMs, $0.sequence) < ($1.maxTimeMs, $1.sequence) }
        var gone: Set<UInt64> = []
        while left > bytesMax {
            let oldest = kept.dropLast().firstIndex { block in
                !kept.contains {
                    $0.sequence < block.sequence && $0.minTimeMs <= block.maxTimeMs
                        && $0.maxTimeMs >= block.minTimeMs
                }
            }
            guard let oldest else { break }
            left -= min(left, kept[oldest].byteCount)
            gone.insert(kept.remove(at: oldest).file)
        }
        return gone
    }

    /// Maintains a store that keeps to a number of bytes, and holds what goes against the blocks
    /// that were there.
    func maintainWithinBytes() throws {
        try checkpoint()
        lastDeletion = nil
        try attempt("maintain") { store in
            let before = self.disk.failureCount
            let gone = self.excess(store._blocks)
            // Where a commit fails, or the head is not cut, other blocks come and go.
            let isForeseen =
                store.readOnlyReason == nil && store.statisticsInMemory().headSamples == 0
            let all = try self.table(of: store)
            let rest = isForeseen ? try self.table(of: store, without: gone) : [:]
            for (key, value) in rest where all[key] != value {
                throw self.failure("without blocks \(gone) another value comes back: \(key)")
            }
            let lost = all.keys.filter { rest[$0] == nil }
                .map { (key: $0, value: StoredValue?.none) }
            do {
                try store.maintain()
            } catch {
                // What it has not done may be done at the next start: a MANIFEST in doubt says so.
                try self.acceptLoss(all, store)
                self.model.doubt(isForeseen ? lost : all.map { ($0.key, nil) }, isWhole: false)
                throw error
            }
            if isForeseen && self.disk.failureCount == before {
                self.model.acknowledge(lost, isDurable: true)
                self.note("maintain drops \(gone.count) blocks, \(lost.count) samples")
                if !gone.isEmpty { self.count("blocks beyond the bytes kept") }
            } else {
                try self.acceptLoss(all, store)
            }
        }
        if store?.readOnlyReason == nil { try checkEverything() }
    }

    /// What is gone is gone where it could not be foreseen; nothing may come.
    private func acceptLoss(_ before: SampleTable, _ store: Store) throws {
        let after = try table(of: store)
        for (key, value) in after where before[key] != value {
            throw failure("by the retention another value comes back: \(key)")
        }
        let lost = before.keys.filter { after[$0] == nil }
        model.acknowledge(lost.map { ($0, nil) }, isDurable: true)
        note("maintain drops \(lost.count) samples")
    }

    private func table(
        of store: Store, without blocks: Set<UInt64>
    ) throws -> SampleTable {
        let symbols = SymbolTable()
        let request = SelectRequest(
            matchers: [try LabelMatcher("__name__", .regex, ".+")], fromMs: .min, toMs: .max)
        let selection = try store._select(request, symbols: symbols, withoutBlocks: blocks)
        return try table(of: selection, symbols, .min, .max)
    }

    /// The batch without the samples of series that the store refuses by its memory limit.
    func withinMemory(_ batch: SimulatedBatch) throws -> SimulatedBatch {
        guard options.memoryLimitBytes > 0, let store, store.readOnlyReason == nil else {
            return batch
        }
        var known = Set(model.live.keys.lazy.map(\.series)).union(resolvedNow)
        var refused: Set<Int> = []
        for number in batch.series where !refused.contains(number) {
            let isRefused = try isRefused(number, store)
            if isRefused && known.contains(number) {
                throw failure("series \(number) is refused, and is one of the store's")
            }
            if isRefused {
                refused.insert(number)
            } else {
                known.insert(number)
                resolvedNow.insert(number)
                resolved.insert(number)
            }
        }
        var batch = batch
        batch.remove(refused)
        return batch
    }

    /// Whether a series is refused; it must be for the right reason, by its name, and be counted.
    private func isRefused(_ number: Int, _ store: Store) throws -> Bool {
        let before = store.statisticsInMemory()
        let memory = before.memory
        let limit = memory.limitBytes ?? .max
        // The head is given half of the share, full or not.
        let isFull =
            memory.seriesBytes + memory.exemplarBytes + memory.labelBytes + limit / 2 > limit
        if let reason = try reasonAgainst(number, store) {
            count("series refused")
            if !isFull || !reason.contains("metric m\(number % 4) ") {
                throw failure("series \(number) is refused without need: \(reason)")
            }
            if store.statisticsInMemory().seriesRefused != before.seriesRefused + 1 {
                throw failure("a refused series is not counted")
            }
            return true
        }
        let seriesCount = store.statisticsInMemory().headSeries
        if isFull && seriesCount > before.headSeries {
            throw failure("series \(number) is taken beyond the limit")
        }
        return false
    }

    private func reasonAgainst(_ number: Int, _ store: Store) throws -> String? {
        do throws(AppendError) {
            _ = try store.resolve(series[number])
            return nil
        } catch {
            guard case .seriesLimit(let reason) = error else { throw error }
            return reason
        }
    }
}

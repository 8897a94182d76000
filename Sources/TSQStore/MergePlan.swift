import TSQBase

/// Which blocks are merged next.
///
/// Fresh blocks are joined eight at a time, twice, where they follow each other; then those that
/// begin in one window of the block range are joined once nothing more is expected in it, then those
/// of windows three times as long, and so on up to `rangeMaxMs`. A sample is thus written about once
/// for each of these lengths, most of the time as bytes that are copied.
struct MergePlan {
    let blockRangeMs: Int64
    /// Blocks do not become longer than windows of about this.
    let rangeMaxMs: Int64
    /// Windows that end before this are complete.
    let settledMs: TimestampMs
    /// A merged block has at most about this many bytes.
    let bytesMax: UInt64
    let deletions: [Deletion]
    /// Blocks that are left as they are: they could not be read.
    let excluded: Set<UInt64>
    /// Blocks that have been there for a while: little ones are merged with a big one.
    let ripe: Set<UInt64>

    /// Fresh blocks of one level that follow each other are merged when there are this many.
    static let fanIn = 8
    /// Blocks of this level are not fresh.
    static let freshLevelMax: UInt8 = 2
    /// Blocks merged at once, at most.
    static let sourcesMax = 32
    /// Each window is this many times as long as the one before.
    static let windowFactor: Int64 = 3
    /// A block is written again for others that have at least this part of its bytes.
    static let rewriteFactor: UInt64 = 8

    /// - Parameter blocks: ascending by sequence.
    /// - Returns: the blocks to merge, ascending by sequence; none: nothing is to be done.
    func next(_ blocks: [Manifest.BlockEntry]) -> [Manifest.BlockEntry] {
        let fresh = freshRun(blocks)
        return fresh.isEmpty ? window(blocks) : fresh
    }

    private static func span(_ low: TimestampMs, _ high: TimestampMs) -> Int64 {
        let (span, overflow) = high.subtractingReportingOverflow(low)
        return overflow ? .max : span
    }

    /// A run of fresh neighbours of one level that together cover no more than the block range.
    private func freshRun(_ blocks: [Manifest.BlockEntry]) -> [Manifest.BlockEntry] {
        var run: [Manifest.BlockEntry] = []
        for block in blocks {
            if block.level >= Self.freshLevelMax || excluded.contains(block.file) {
                run = []
                continue
            }
            let low = min(block.minTimeMs, run.map(\.minTimeMs).min() ?? .max)
            let high = max(block.maxTimeMs, run.map(\.maxTimeMs).max() ?? .min)
            let fits =
                block.level == run.first?.level ?? block.level
                && Self.span(low, high) <= blockRangeMs && !isParted(run, from: block)
            if !fits { run = [] }
            run.append(block)
            if run.count == Self.fanIn { return run }
        }
        return []
    }

    /// Whether a deletion hides samples of `run`, or may, and none of `block`.
    private func isParted(
        _ run: [Manifest.BlockEntry], from block: Manifest.BlockEntry
    ) -> Bool {
        deletions.contains { deletion in
            block.sequence >= deletion.sequenceEnd
                && run.contains {
                    deletion.concerns(
                        sequence: $0.sequence, minMs: $0.minTimeMs, maxMs: $0.maxTimeMs)
                }
        }
    }

    /// The blocks of one window to merge.
    func window(_ blocks: [Manifest.BlockEntry]) -> [Manifest.BlockEntry] {
        var range = blockRangeMs
        while range <= rangeMaxMs {
            var groups: [Int64: [Manifest.BlockEntry]] = [:]
            for block in blocks
            where Self.span(block.minTimeMs, block.maxTimeMs) / 2 < range
                && !excluded.contains(block.file)
            {
                groups[Self.floor(block.minTimeMs, range), default: []].append(block)
            }
            for (index, group) in groups.sorted(by: { $0.key < $1.key }) where group.count > 1 {
                let (start, overflow) = (index + 1).multipliedReportingOverflow(by: range)
                if overflow || start > settledMs { continue }
                let run = compatible(group, blocks)
                if !run.isEmpty { return run }
            }
            let (wider, overflow) = range.multipliedReportingOverflow(by: Self.windowFactor)
            if overflow { break }
            range = wider
        }
        return []
    }

    private static func floor(_ timeMs: TimestampMs, _ range: Int64) -> Int64 {
        timeMs >= 0 ? timeMs / range : (timeMs + 1) / range - 1
    }

    /// The first blocks of a window that can be merged without changing what counts, if that is
    /// worth it.
    private func compatible(
        _ group: [Manifest.BlockEntry], _ all: [Manifest.BlockEntry]
    ) -> [Manifest.BlockEntry] {
        for start in group.indices {
            var run = [group[start]]
            var bytes = group[start].byteCount
            for block in group[(start + 1)...] {
                bytes += block.byteCount
                if run.count == Self.sourcesMax || bytes > bytesMax || isParted(run, from: block)
                    || Self.isOvertaken(run, by: block, all)
                {
                    break
                }
                run.append(block)
            }
            if run.count > 1 && isWorthIt(run) { return run }
        }
        return []
    }

    /// Whether a block that stays has newer writes than one of `run` at the same times, and older
    /// ones than `block`: the merge, which gets the sequence of `block`, would overtake it.
    private static func isOvertaken(
        _ run: [Manifest.BlockEntry], by block: Manifest.BlockEntry, _ all: [Manifest.BlockEntry]
    ) -> Bool {
        let files = Set(run.map(\.file))
        return all.contains { other in
            other.sequence < block.sequence && !files.contains(other.file)
                && run.contains {
                    $0.sequence < other.sequence && $0.minTimeMs <= other.maxTimeMs
                        && $0.maxTimeMs >= other.minTimeMs
                }
        }
    }

    private func isWorthIt(_ run: [Manifest.BlockEntry]) -> Bool {
        guard let largest = run.max(by: { $0.byteCount < $1.byteCount }) else { return false }
        let others = run.filter { $0.file != largest.file }
        let bytes = others.reduce(0) { $0 + $1.byteCount }
        return largest.byteCount / Self.rewriteFactor <= bytes || others.count >= Self.fanIn
            || others.allSatisfy { ripe.contains($0.file) }
    }
}

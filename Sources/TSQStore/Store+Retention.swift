import Synchronization
import TSQBase
import TSQIO

extension Store {
    /// Removes blocks, oldest first and as a whole, until what is kept is within the retention by
    /// time, by bytes and by share of the disk. The newest block stays.
    func applyRetention(nowMs: TimestampMs) throws(StoreError) {
        let bytesMax = try retentionBytesMax()
        try manifest.withLock { (manifest) throws(StoreError) in
            let cutoffMs = core.withLock { $0.cutoffMs(nowMs: nowMs) }
            let gone = Self.beyondRetention(
                manifest.blocks, cutoffMs: cutoffMs, bytes: bytesMax.map { _ in diskBytes() } ?? 0,
                bytesMax: bytesMax ?? .max)
            if gone.isEmpty { return }
            let files = Set(gone.map(\.file))
            var next = manifest
            next.generation += 1
            next.blocks.removeAll { files.contains($0.file) }
            try install(&manifest, next)
            core.withLock { core in core.blocks.removeAll { files.contains($0.entry.file) } }
            registryIsStale.store(true, ordering: .relaxed)
            events.log(
                .info, "blocks are removed: they are beyond the retention",
                [
                    ("blocks", "\(gone.count)"),
                    ("samples", "\(gone.reduce(0) { $0 + $1.sampleCount })"),
                    ("bytes", "\(gone.reduce(0) { $0 + $1.byteCount })"),
                ])
        }
    }

    /// What the directory may take; nil: as much as it wants.
    private func retentionBytesMax() throws(StoreError) -> UInt64? {
        var result = options.retentionBytes == 0 ? nil : Optional(options.retentionBytes)
        if options.retentionDiskShare > 0 {
            do throws(IOError) {
                let capacity = Double(try fileSystem.capacityBytes(directory))
                let share = GoNumber.uint64Saturating(capacity * min(1, options.retentionDiskShare))
                result = min(result ?? .max, share)
            } catch {
                throw Self.storeError(error)
            }
        }
        return result
    }

    /// The blocks to remove: those that end before `cutoffMs`, and the oldest until `bytes` less what
    /// is removed is within `bytesMax`; the newest is not removed for that.
    ///
    /// A block that has newer writes for times of one that stays waits until that one goes: what it
    /// had overwritten would be visible again.
    private static func beyondRetention(
        _ blocks: [Manifest.BlockEntry], cutoffMs: TimestampMs, bytes: UInt64, bytesMax: UInt64
    ) -> [Manifest.BlockEntry] {
        var kept = blocks.sorted {
            ($0.maxTimeMs, $0.sequence) < ($1.maxTimeMs, $1.sequence)
        }
        let newest = kept.last?.file
        var gone: [Manifest.BlockEntry] = []
        var left = bytes
        while true {
            let next = kept.firstIndex { block in
                let isBeyond =
                    block.maxTimeMs < cutoffMs || left > bytesMax && block.file != newest
                return isBeyond && !kept.contains { block.overtakes($0) }
            }
            guard let next else { return gone }
            left -= min(left, kept[next].byteCount)
            gone.append(kept.remove(at: next))
        }
    }
}

extension Manifest.BlockEntry {
    /// Whether this has newer writes at times that `other` has, too.
    fileprivate func overtakes(_ other: Manifest.BlockEntry) -> Bool {
        other.sequence < sequence && other.minTimeMs <= maxTimeMs && other.maxTimeMs >= minTimeMs
    }
}

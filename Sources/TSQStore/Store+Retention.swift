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
            var gone = manifest.blocks.filter { $0.maxTimeMs < cutoffMs }
            if let bytesMax {
                gone = Self.oldest(
                    manifest.blocks, besides: gone, bytes: diskBytes(), bytesMax: bytesMax)
            }
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

    /// The blocks to remove: `gone`, and the oldest of the rest until `bytes` less what is removed
    /// is within `bytesMax`.
    private static func oldest(
        _ blocks: [Manifest.BlockEntry], besides gone: [Manifest.BlockEntry], bytes: UInt64,
        bytesMax: UInt64
    ) -> [Manifest.BlockEntry] {
        var result = gone
        let files = Set(gone.map(\.file))
        var left = bytes - min(bytes, gone.reduce(0) { $0 + $1.byteCount })
        let byAge = blocks.filter { !files.contains($0.file) }.sorted {
            ($0.maxTimeMs, $0.sequence) < ($1.maxTimeMs, $1.sequence)
        }
        for block in byAge.dropLast() {
            if left <= bytesMax { break }
            left -= min(left, block.byteCount)
            result.append(block)
        }
        return result
    }
}

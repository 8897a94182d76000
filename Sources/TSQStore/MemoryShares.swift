import TSQBase
import TSQIndex

/// How a memory limit is divided: each part keeps to its share by itself.
///
/// What is mapped does not count: the system takes it back when it wants.
package struct MemoryShares: Sendable, Equatable {
    /// Head, registry and states of series, exemplars.
    package let storeBytes: UInt64
    /// What all queries that run at once may take: the engine's pool.
    package let queryBytes: UInt64
    /// The rest is the program's, the scraper's and the server's.
    package let restBytes: UInt64

    /// - Parameter limitBytes: of `--storage.memory-limit`; 0: no limit.
    package init?(limitBytes: UInt64) {
        if limitBytes == 0 { return nil }
        storeBytes = limitBytes / 2
        queryBytes = limitBytes / 4
        restBytes = limitBytes - storeBytes - queryBytes
    }
}

/// What a store has in memory, part by part, in bytes.
package struct StoreMemory: Sendable, Equatable {
    /// Samples that are in no block yet.
    package var headBytes: UInt64 = 0
    /// What is known of every series.
    package var seriesBytes: UInt64 = 0
    /// Labels that are in no index segment yet.
    package var labelBytes: UInt64 = 0
    package var exemplarBytes: UInt64 = 0
    /// Blocks and index segments as files that are mapped: only what is read of them is in memory,
    /// and the system takes it back when it wants.
    package var mappedBytes: UInt64 = 0
    /// The store's share of the limit; nil: no limit.
    package var limitBytes: UInt64?

    package init() {}

    /// What counts towards the limit.
    package var usedBytes: UInt64 { headBytes + seriesBytes + labelBytes + exemplarBytes }
}

extension StoreCore {
    /// What an exemplar takes, about.
    private static let exemplarBytes = 250

    var memory: StoreMemory {
        var memory = StoreMemory()
        memory.headBytes = UInt64(
            clamping: active.byteCount + frozen.reduce(0) { $0 + $1.byteCount })
        memory.seriesBytes = UInt64(clamping: series.byteCount + droppedRefs.byteCount)
        memory.exemplarBytes = UInt64(clamping: exemplars.count * Self.exemplarBytes)
        memory.mappedBytes = blocks.reduce(0) { $0 + UInt64(clamping: $1.byteCount) }
        memory.limitBytes = options.memoryShares?.storeBytes
        return memory
    }
}

extension Registry {
    /// Labels that are in memory, which numbers were given out, and selections kept.
    var byteCount: Int {
        delta.byteCount + frozen.reduce(0) { $0 + $1.byteCount } + resolved.byteCount
            + selections.byteCount
    }

    var mappedBytes: UInt64 {
        segments.reduce(0) { $0 + UInt64(clamping: $1.index.bytes.raw.count) }
    }
}

extension StoreOptions {
    package var memoryShares: MemoryShares? { MemoryShares(limitBytes: memoryLimitBytes) }

    /// What the head's buffers may take of a store's share before it is cut; nil: no limit.
    var headShareBytes: Int? { memoryShares.map { Int(clamping: $0.storeBytes / 2) } }
}

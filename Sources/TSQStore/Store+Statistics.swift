import TSQBase
import TSQIO
import TSQIndex
import TSQModel

extension StoreCore {
    /// Counters, head and blocks; what is on the disk is the caller's to add.
    func summary(seriesCount: Int) -> StoreStatistics {
        var result = statistics
        let heads = (frozen + [active]).filter { !$0.isEmpty }
        result.headSeries = seriesCount
        result.headSamples = heads.reduce(0) { $0 + $1.sampleCount }
        result.headChunks = heads.reduce(0) { sum, head in
            sum + head.side.count + head.buffers.reduce(0) { $0 + $1.layout.refs.count }
        }
        result.headMinTimeMs = heads.map(\.minTimeMs).min()
        result.headMaxTimeMs = heads.map(\.maxTimeMs).max()
        result.blockCount = blocks.count
        result.deletionCount = undoableDeletions().count
        result.exemplarCount = exemplars.count
        result.memory = memory
        result.minTimeMs = (heads.map(\.minTimeMs) + blocks.map(\.footer.minTimeMs)).min()
        result.maxTimeMs = (heads.map(\.maxTimeMs) + blocks.map(\.footer.maxTimeMs)).max()
        return result
    }
}

extension Store {
    /// What the store holds and has done. Asks the disk for sizes.
    package func statistics() -> StoreStatistics {
        var statistics = statisticsInMemory()
        statistics.blockBytes = byteCount(of: "blocks")
        statistics.logBytes = byteCount(of: "log")
        statistics.diskBytes = diskBytes()
        return statistics
    }

    /// Likewise, without what only the disk says.
    package func statisticsInMemory() -> StoreStatistics {
        let (seriesCount, labelBytes, indexBytes) = registry.withLock {
            ($0.seriesCount, $0.byteCount, $0.mappedBytes)
        }
        var statistics = core.withLock { $0.summary(seriesCount: seriesCount) }
        statistics.memory.labelBytes = UInt64(clamping: labelBytes)
        statistics.memory.mappedBytes += indexBytes
        statistics.deletionCount = deletions().count
        return statistics
    }

    /// Everything in the directory but snapshots.
    func diskBytes() -> UInt64 {
        (["log"] + Manifest.folders).reduce(0) { $0 + byteCount(of: $1) }
    }

    private func byteCount(of folder: String) -> UInt64 {
        let path = Path.join(directory, folder)
        let names = (try? fileSystem.list(path)) ?? []
        return names.reduce(0) { sum, name in
            sum + ((try? fileSystem.byteCount(Path.join(path, name))) ?? 0)
        }
    }

    /// The labels of all series; each list has at most `limit` entries.
    ///
    /// - Complexity: O(label values).
    package func labelStatistics(limit: Int) -> LabelStatistics {
        registry.withLock { registry in
            var result = LabelStatistics()
            result.seriesCount = registry.seriesCount
            var byName: [String: [String: UInt64]] = [:]
            for part in registry.parts {
                for name in (try? part.labelNames()) ?? [] {
                    for (value, count) in (try? part.labelValues(name)) ?? [] {
                        byName[name, default: [:]][value, default: 0] += UInt64(count)
                    }
                }
            }
            var pairs: [LabelStatistics.Entry] = []
            for (name, values) in byName {
                result.labelPairCount += values.count
                result.labelValueCountByLabelName.append(
                    .init(name: name, value: UInt64(values.count)))
                result.memoryBytesByLabelName.append(
                    .init(
                        name: name,
                        value: values.reduce(0) {
                            $0 + UInt64(name.utf8.count + $1.key.utf8.count) * $1.value
                        }))
                let entries = values.map {
                    LabelStatistics.Entry(name: $0.key, value: $0.value)
                }
                if name == LabelName.metricName {
                    result.seriesCountByMetricName = Self.top(entries, limit)
                }
                pairs += Self.top(entries, limit).map {
                    LabelStatistics.Entry(name: "\(name)=\($0.name)", value: $0.value)
                }
            }
            result.labelValueCountByLabelName = Self.top(result.labelValueCountByLabelName, limit)
            result.memoryBytesByLabelName = Self.top(result.memoryBytesByLabelName, limit)
            result.seriesCountByLabelValuePair = Self.top(pairs, limit)
            return result
        }
    }

    static func top(
        _ entries: [LabelStatistics.Entry], _ limit: Int
    ) -> [LabelStatistics.Entry] {
        let sorted = entries.sorted {
            $0.value == $1.value ? isBytewiseLess($0.name, $1.name) : $0.value > $1.value
        }
        return Array(sorted.prefix(max(0, limit)))
    }
}

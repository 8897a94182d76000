import Synchronization
import TSQBase
import TSQEngine

/// Which queries took so little when they were last asked that handing them to another thread would
/// cost more than they do. These are answered where they arrive, on the connection's event loop.
///
/// Why that holds nobody up: the same query, at about the same time of its data, took less than
/// `costMaxNs` within the last minute, so what it reads has been read from the disk, and few series
/// have its labels. That may have changed since, so it has bounds (`bounded`) at which it is given up
/// and begun again on a thread of the query pool, which also gets everything that fails.
final class SmallQueries: Sendable {
    /// What requests have in common that ask the same again.
    struct Key: Hashable {
        var text: String
        /// From the first step to the last, and between two; 0 for an instant query.
        var (lengthMs, stepMs): (Int64, Int64)
    }

    /// Two changes of thread cost 50 to 200 µs, and a busy machine adds to what is measured.
    static let costMaxNs: UInt64 = 1_000_000
    /// A longer answer takes as long to send as to hand over.
    static let answerByteCountMax = 16 << 10
    /// Longer texts are not looked up.
    static let textByteCountMax = 1024
    /// What has not been asked for so long may have left the page cache.
    static let ageMaxNs: UInt64 = 60_000_000_000
    /// The data may lie so far from the last ones: the next refresh of a dashboard.
    static let moveMaxMs: Int64 = 60_000
    /// Queries that are remembered.
    static let countMax = 512

    private struct Entry {
        var askedNs: UInt64
        var atMs: TimestampMs
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let clock: any WallClock

    init(clock: any WallClock = SystemClock()) { self.clock = clock }

    /// The engine with bounds that a small query does not reach.
    static func bounded(_ engine: QueryEngine) -> QueryEngine {
        engine.bounded { options in
            options.samplesMax = min(options.samplesMax, 20_000)
            options.bytesMax = min(options.bytesMax, 4 << 20)
            options.timeoutMs = min(options.timeoutMs, 2)
            options.threads = 1
        }
    }

    /// - Parameter atMs: the query's last step.
    func contains(_ key: Key, atMs: TimestampMs) -> Bool {
        let nowNs = clock.monotonicNs()
        return entries.withLock { entries in
            guard let entry = entries[key] else { return false }
            let (moveMs, overflow) = atMs.subtractingReportingOverflow(entry.atMs)
            return !overflow && moveMs.magnitude <= Self.moveMaxMs.magnitude
                && nowNs - entry.askedNs <= Self.ageMaxNs
        }
    }

    /// Remembers or forgets a query by what it took; `byteCount` is its answer's, nil where it failed.
    func note(_ key: Key, atMs: TimestampMs, costNs: UInt64, byteCount: Int?) {
        let isSmall =
            costNs <= Self.costMaxNs && (byteCount ?? .max) <= Self.answerByteCountMax
            && key.text.utf8.count <= Self.textByteCountMax
        let nowNs = clock.monotonicNs()
        entries.withLock { entries in
            if !isSmall {
                entries[key] = nil
                return
            }
            if entries.count >= Self.countMax && entries[key] == nil {
                entries = entries.filter { nowNs - $0.value.askedNs <= Self.ageMaxNs }
                if entries.count >= Self.countMax { entries.removeAll() }
            }
            entries[key] = Entry(askedNs: nowNs, atMs: atMs)
        }
    }
}

import TSQBase
import TSQChunks
import TSQIO

/// Merges blocks into one, series by series: of the sources a page each is in memory.
///
/// Chunks that are long enough are copied as they are; short ones that follow each other are joined,
/// and those that overlap are merged sample by sample, the newer write winning.
struct BlockMerge {
    /// Chunks of at least this many samples are copied.
    static let copySamplesMin = BlockFormat.chunkSamplesMax / 2

    private struct Part {
        var source: Int
        var chunk: BlockChunk
        var minMs: TimestampMs
        var maxMs: TimestampMs
        var rowCount: Int
    }

    private let deletions: [Deletion]
    private var scans: [BlockScan]
    private var cursors: [BlockCursor]
    /// By source and its time column: the output's time column; `.max`: not there yet.
    private var columnNumbers: [[UInt32]]
    private var reader: SeriesReader
    private var output: BlockSeriesWriter
    private let pace: (Int) throws(MergeInterrupted) -> Void
    private var columns = SampleColumns()

    /// - Parameters:
    ///   - sources: ascending by sequence.
    ///   - deletions: those whose samples are left out.
    ///   - pace: called with the bytes of every page that is done with; may wait, or throw to end
    ///     the merge.
    init(
        _ sources: [Block], leavingOut deletions: [Deletion],
        pace: @escaping (Int) throws(MergeInterrupted) -> Void,
        makeWriter: @escaping () throws(IOError) -> BlockWriter
    ) {
        self.deletions = deletions
        self.pace = pace
        scans = sources.map { BlockScan($0) }
        cursors = sources.map { BlockCursor($0) }
        columnNumbers = sources.map {
            [UInt32](repeating: .max, count: Int($0.footer.timesCount))
        }
        reader = SeriesReader(
            StoreSnapshot(generations: [], blocks: sources, deletions: deletions))
        // One range whatever the times.
        output = BlockSeriesWriter(
            minTimeMs: 0, maxTimeMs: 0, blockRangeMs: 1, makeWriter: makeWriter)
    }

    /// - Throws: `SourceDamage` naming the source that cannot be read, `IOError`,
    ///   `MergeInterrupted`.
    /// - Complexity: O(bytes of the sources).
    mutating func run() throws -> [(path: String, footer: BlockFooter, bytes: UInt64)] {
        for source in scans.indices { try advance(source) }
        while let ref = scans.lazy.compactMap(\.ref).min() {
            try merge(ref)
            for source in scans.indices where scans[source].ref == ref { try advance(source) }
        }
        return try output.finish()
    }

    private mutating func advance(_ source: Int) throws {
        let done: Int?
        do throws(BlockError) {
            done = try scans[source].advance()
        } catch {
            throw SourceDamage(file: scans[source].block.entry.file, reason: error.reason)
        }
        if let done { try pace(done) }
    }

    private mutating func merge(_ ref: UInt32) throws {
        var floats: [Part] = []
        var histograms: [Part] = []
        for source in scans.indices where scans[source].ref == ref {
            for chunk in scans[source].chunks {
                let column = try reading(source) { (cursor) throws(BlockError) in
                    try cursor.block.timeColumn(chunk.timeColumn)
                }
                let part = Part(
                    source: source, chunk: chunk, minMs: column.minTimeMs,
                    maxMs: column.maxTimeMs, rowCount: Int(column.count))
                if chunk.flags.contains(.histogram) {
                    histograms.append(part)
                } else {
                    floats.append(part)
                }
            }
        }
        if Self.arrange(&floats), Self.arrange(&histograms), !isHidden(ref, floats + histograms) {
            try write(ref, floats)
            try write(ref, histograms)
            return
        }
        columns.removeAll()
        do throws(BlockError) {
            try reader.read(
                ref, EmptyCollection(), fromMs: .min, toMs: .max, into: &columns)
        } catch {
            throw SourceDamage(
                file: try damaged(floats + histograms, error.reason), reason: error.reason)
        }
        if !columns.isEmpty { try output.add(ref: ref, columns) }
    }

    /// Sorts by time; false when two overlap.
    private static func arrange(_ parts: inout [Part]) -> Bool {
        if parts.count < 2 { return true }
        parts.sort { $0.minMs < $1.minMs }
        return zip(parts, parts.dropFirst()).allSatisfy { $0.maxMs < $1.minMs }
    }

    private func isHidden(_ ref: UInt32, _ parts: [Part]) -> Bool {
        deletions.contains { deletion in
            deletion.refs.contains(ref)
                && parts.contains {
                    deletion.concerns(
                        sequence: cursors[$0.source].block.entry.sequence, minMs: $0.minMs,
                        maxMs: $0.maxMs)
                }
        }
    }

    /// Writes parts of one kind that do not overlap.
    private mutating func write(_ ref: UInt32, _ parts: [Part]) throws {
        var start = 0
        while start < parts.count {
            var end = start + 1
            if parts[start].rowCount < Self.copySamplesMin {
                while end < parts.count, parts[end].rowCount < Self.copySamplesMin { end += 1 }
            }
            if end == start + 1 {
                try copy(ref, parts[start])
            } else {
                try join(ref, parts[start..<end])
            }
            start = end
        }
    }

    /// Decodes parts and encodes them as few chunks.
    private mutating func join(_ ref: UInt32, _ parts: ArraySlice<Part>) throws {
        columns.removeAll()
        var identity = TimesIdentity()
        var joined = SampleColumns()
        swap(&joined, &columns)
        for part in parts {
            try reading(part.source) { (cursor) throws(BlockError) in
                try cursor.decode(
                    part.chunk, fromMs: .min, toMs: .max, into: &joined, identity: &identity)
            }
        }
        joined.timesID = joined.times.isEmpty ? 0 : identity.id
        swap(&joined, &columns)
        try output.add(ref: ref, columns)
    }

    private mutating func copy(_ ref: UInt32, _ part: Part) throws {
        guard let writer = try output.singleWriter() else { return }
        let column = try timeColumn(part, writer)
        let block = cursors[part.source].block
        do {
            try writer.addCopy(
                ref: ref, part.chunk, of: block, timeColumn: column, rowCount: part.rowCount)
        } catch let error as BlockError {
            throw SourceDamage(file: block.entry.file, reason: error.reason)
        }
    }

    private mutating func timeColumn(_ part: Part, _ writer: BlockWriter) throws -> UInt32 {
        let index = Int(part.chunk.timeColumn)
        let known = columnNumbers[part.source][index]
        if known != .max { return known }
        let times = try reading(part.source) { (cursor) throws(BlockError) in
            try cursor.times(part.chunk.timeColumn)
        }
        let number = writer.timeColumn(times.span)
        columnNumbers[part.source][index] = number
        return number
    }

    private mutating func reading<Result>(
        _ source: Int, _ body: (inout BlockCursor) throws(BlockError) -> Result
    ) throws(SourceDamage) -> Result {
        do throws(BlockError) {
            return try body(&cursors[source])
        } catch {
            throw SourceDamage(
                file: cursors[source].block.entry.file, reason: error.reason)
        }
    }

    /// Finds the source whose chunks cannot be decoded.
    private mutating func damaged(_ parts: [Part], _ reason: String) throws -> UInt64 {
        for part in parts {
            var scratch = SampleColumns()
            var identity = TimesIdentity()
            try reading(part.source) { (cursor) throws(BlockError) in
                try cursor.decode(
                    part.chunk, fromMs: .min, toMs: .max, into: &scratch, identity: &identity)
            }
        }
        return parts.first.map { cursors[$0.source].block.entry.file } ?? 0
    }
}

/// A source of a merge cannot be read: it is left as it is from then on.
struct SourceDamage: Error {
    var file: UInt64
    var reason: String
}

/// The store is being closed.
struct MergeInterrupted: Error {}

/// The series of a block, ascending, page by page.
struct BlockScan {
    let block: Block
    private var page = -1
    private var pageChunks: [BlockChunk] = []
    private var range = 0..<0
    /// Nil before the first and behind the last.
    private(set) var ref: UInt32?
    private var lastRef: UInt32?

    init(_ block: Block) { self.block = block }

    /// The chunks of `ref`.
    var chunks: ArraySlice<BlockChunk> { pageChunks[range] }

    /// Goes to the next series.
    ///
    /// - Returns: the bytes of a page that is done with, when one is.
    mutating func advance() throws(BlockError) -> Int? {
        var done: Int?
        if range.upperBound == pageChunks.count {
            if page >= 0 && page < block.pageCount {
                done = Int(try block.page(page).byteCount)
                try block.forget(page: page)
            }
            page += 1
            range = 0..<0
            guard page < block.pageCount else {
                pageChunks = []
                ref = nil
                return done
            }
            pageChunks = try block.entries(ofPage: page)
        }
        let start = range.upperBound
        guard start < pageChunks.count else {
            ref = nil
            throw BlockError(reason: "page \(page) is empty")
        }
        var end = start + 1
        while end < pageChunks.count, pageChunks[end].ref == pageChunks[start].ref { end += 1 }
        if let last = lastRef, pageChunks[start].ref <= last {
            throw BlockError(reason: "page \(page): series out of order")
        }
        range = start..<end
        ref = pageChunks[start].ref
        lastRef = ref
        return done
    }
}

import TSQBase
import TSQIO

/// Reads one block as a whole and holds it against docs/format/block.md.
struct BlockVerifier {
    private let name: String
    private let entry: Manifest.BlockEntry
    private let registered: RefBits?
    private var sampleCount: UInt64 = 0
    private var chunkCount: UInt64 = 0
    private var seriesCount: UInt64 = 0
    private var minMs = TimestampMs.max
    private var maxMs = TimestampMs.min
    private var isUsed: [Bool] = []
    private var unknownSeries: UInt64 = 0
    private var unknownSamples: UInt64 = 0

    /// - Parameter registered: the series that have labels; nil: that is not looked at.
    init(_ name: String, _ entry: Manifest.BlockEntry, _ registered: RefBits?) {
        self.name = name
        self.entry = entry
        self.registered = registered
    }

    mutating func verify(_ file: MappedFile, _ report: inout VerifyReport) {
        do throws(BlockError) {
            let block = try Block(entry, file)
            verifyEnds(block, &report)
            isUsed = [Bool](repeating: false, count: Int(block.footer.timesCount))
            let isWhole = verifyColumns(block, &report)
            let isComplete = try verifyPages(block, isWhole, &report)
            report.pageCount += UInt64(block.pageCount)
            report.chunkCount += chunkCount
            report.sampleCount += sampleCount
            report.timeColumnCount += UInt64(block.footer.timesCount)
            if unknownSeries > 0 {
                report.add(
                    name, "\(unknownSeries) of its series have no labels in any index segment",
                    lostSamples: unknownSamples)
            }
            if isComplete { verifySums(block, &report) }
        } catch {
            report.add(name, error.reason, lostSamples: entry.sampleCount)
        }
    }

    private func verifyEnds(_ block: Block, _ report: inout VerifyReport) {
        let footer = block.footer
        if block.headerSequence != footer.sequence {
            report.add(name, at: 0, "header and footer differ")
        }
        if footer.sequence != entry.sequence || footer.minTimeMs != entry.minTimeMs
            || footer.maxTimeMs != entry.maxTimeMs || footer.sampleCount != entry.sampleCount
            || UInt64(block.byteCount) != entry.byteCount
        {
            report.add(name, "it is not what the MANIFEST says of it")
        }
    }

    /// Whether every time column can be read.
    private func verifyColumns(_ block: Block, _ report: inout VerifyReport) -> Bool {
        var isWhole = true
        for index in 0..<block.footer.timesCount {
            do throws(BlockError) {
                let column = try block.timeColumn(index)
                let times = try block.decodeTimes(index)
                if times.isEmpty || times.first != column.minTimeMs
                    || times.last != column.maxTimeMs
                {
                    report.add(name, at: column.offset, "time column \(index): wrong bounds")
                }
                if !zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) {
                    report.add(
                        name, at: column.offset, "time column \(index) does not ascend")
                }
            } catch {
                isWhole = false
                report.add(name, error.reason)
            }
        }
        return isWhole
    }

    /// Whether every page can be read.
    private mutating func verifyPages(
        _ block: Block, _ hasColumns: Bool, _ report: inout VerifyReport
    ) throws(BlockError) -> Bool {
        var isComplete = hasColumns
        var cursor = BlockCursor(block)
        var lastRef: UInt32?
        var end = UInt64(BlockFormat.headerByteCount)
        for index in 0..<block.pageCount {
            let page = try block.page(index)
            if page.firstRef > page.lastRef || lastRef.map({ page.firstRef <= $0 }) ?? false {
                report.add(name, at: page.offset, "page \(index): series out of order")
            }
            if page.offset != end {
                report.add(name, at: page.offset, "page \(index) does not follow the one before")
            }
            end = page.offset &+ UInt64(page.byteCount)
            lastRef = page.lastRef
            do throws(BlockError) {
                let chunks = try block.entries(ofPage: index)
                if chunks.first?.ref != page.firstRef || chunks.last?.ref != page.lastRef {
                    report.add(name, at: page.offset, "page \(index): other series than named")
                }
                if try !verify(chunks, &cursor, &report) { isComplete = false }
                try block.forget(page: index)
            } catch {
                isComplete = false
                report.add(name, at: page.offset, error.reason)
            }
        }
        return isComplete
    }

    private mutating func verify(
        _ chunks: [BlockChunk], _ cursor: inout BlockCursor, _ report: inout VerifyReport
    ) throws(BlockError) -> Bool {
        var isComplete = true
        var columns = SampleColumns()
        var lastRef: UInt32?
        // Of the chunk before, floats and histograms each for themselves.
        var ends = (floats: TimestampMs.min, histograms: TimestampMs.min)
        for chunk in chunks {
            if lastRef != chunk.ref {
                seriesCount += 1
                ends = (.min, .min)
                if !hasLabels(chunk.ref) { unknownSeries += 1 }
            }
            let isFirst = lastRef != chunk.ref
            lastRef = chunk.ref
            chunkCount += 1
            if Int(chunk.timeColumn) < isUsed.count { isUsed[Int(chunk.timeColumn)] = true }
            columns.removeAll()
            var identity = TimesIdentity()
            do throws(BlockError) {
                try cursor.decode(
                    chunk, fromMs: .min, toMs: .max, into: &columns, identity: &identity)
            } catch {
                isComplete = false
                report.add(name, at: UInt64(clamping: chunk.offset), error.reason)
                continue
            }
            let isHistogram = chunk.flags.contains(.histogram)
            let times = isHistogram ? columns.histograms.times : columns.times
            guard let first = times.first, let last = times.last else {
                report.add(
                    name, at: UInt64(clamping: chunk.offset),
                    "series \(chunk.ref): a chunk without samples")
                continue
            }
            let end = isHistogram ? ends.histograms : ends.floats
            if !isFirst && first <= end {
                report.add(
                    name, at: UInt64(clamping: chunk.offset),
                    "series \(chunk.ref): chunks overlap")
            }
            if isHistogram { ends.histograms = last } else { ends.floats = last }
            sampleCount += UInt64(times.count)
            if !hasLabels(chunk.ref) { unknownSamples += UInt64(times.count) }
            // A footer's bounds are those of the time columns.
            minMs = min(minMs, first)
            maxMs = max(maxMs, last)
        }
        return isComplete
    }

    private func hasLabels(_ ref: UInt32) -> Bool { registered?.contains(ref) ?? true }

    private func verifySums(_ block: Block, _ report: inout VerifyReport) {
        let footer = block.footer
        func check(_ what: String, _ counted: UInt64, _ said: UInt64) {
            if counted != said {
                report.add(name, "it has \(counted) \(what), its footer says \(said)")
            }
        }
        check("samples", sampleCount, footer.sampleCount)
        check("chunks", chunkCount, footer.chunkCount)
        check("series", seriesCount, footer.seriesCount)
        if sampleCount > 0 && (minMs < footer.minTimeMs || maxMs > footer.maxTimeMs) {
            report.add(name, "it has samples outside of the times that its footer says")
        }
        if let unused = isUsed.firstIndex(of: false) {
            report.add(name, "time column \(unused) belongs to no chunk")
        }
    }
}

extension Block {
    /// The sequence in the header; nil when the header is none.
    var headerSequence: UInt64? {
        guard let header = try? bytes(0, BlockFormat.headerByteCount) else { return nil }
        var reader = ByteReader(header)
        guard (try? reader.u64()) == BlockFormat.magic else { return nil }
        return try? reader.u64()
    }
}

import TSQBase
import TSQIO
import TSQIndex
import TSQModel

extension Store: LogReader {
    private var logDirectory: String { Path.join(directory, "log") }

    package func oldestPosition() -> LogPosition {
        let segments = (try? LogFormat.segments(in: logDirectory, fileSystem)) ?? []
        guard let first = segments.first else { return endPosition() }
        return LogPosition(segment: first, offset: UInt64(LogFormat.segmentHeaderByteCount))
    }

    package func endPosition() -> LogPosition {
        let end = log.end
        return LogPosition(segment: end.segment, offset: end.offset)
    }

    package func read(
        from position: LogPosition, batchesMax: Int, _ body: (borrowing WriteBatch) -> Void
    ) throws(SourceError) -> LogPosition {
        let start = LogPlace(segment: position.segment, offset: position.offset)
        do {
            if let oldest = try LogFormat.segments(in: logDirectory, fileSystem).first,
                oldest > start.segment
            {
                throw SourceError.storage(
                    "log segment \(start.segment) is gone, the oldest is \(oldest)")
            }
            // From the start of the segment, for the layouts and rows that stand before the place.
            var cursor = try LogCursor(
                directory: logDirectory, from: LogPlace(segment: start.segment, offset: 0),
                fileSystem: fileSystem)
            var rows = LogRows()
            var segment = start.segment
            var count = 0
            while count < batchesMax, try cursor.next() {
                if cursor.recordStart.segment != segment {
                    segment = cursor.recordStart.segment
                    rows.removeAll()
                }
                guard cursor.kind == LogRecord.Kind.commit.rawValue else { continue }
                // Rows before the place as well: those behind it are differences to them.
                let (_, batch) = try LogRecord.decodeCommit(cursor.payload.span, rows: &rows)
                if cursor.recordStart >= start {
                    body(batch.writeBatch)
                    count += 1
                }
            }
            let end = max(start, cursor.place)
            return LogPosition(segment: end.segment, offset: end.offset)
        } catch let error as SourceError {
            throw error
        } catch {
            throw .storage(Self.text(error))
        }
    }

    package func labels(of ref: SeriesRef) -> LabelSet? {
        registry.withLock { try? $0.labels(of: ref.rawValue) }
    }
}

extension AcceptedBatch {
    /// As the writer would have handed it in, without what was refused.
    var writeBatch: WriteBatch {
        var batch = WriteBatch(origin: origin)
        if let layout = rowLayout {
            batch.group = WriteGroup(layout.group)
            batch.rowTimeMs = rowTimeMs
            for (column, value) in rowValues.enumerated()
            where value.bitPattern != RowLayout.absentBits {
                batch.rowRefs.append(layout.refs[column])
                batch.rowValues.append(value)
                if !rowStartTimes.isEmpty { batch.rowStartTimes.append(rowStartTimes[column]) }
            }
        }
        batch.refs = loose.refs
        batch.times = loose.times
        batch.values = loose.values
        batch.startTimes = loose.startTimes
        batch.histogramRefs = histogramRefs
        batch.histograms = histograms
        batch.exemplars = exemplars
        return batch
    }
}

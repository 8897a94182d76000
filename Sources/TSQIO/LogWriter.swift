import CLZ4
import TSQBase

/// Appends records to a segmented log.
///
/// `append` returns after write(2): the record survives the process. `sync` makes everything
/// appended so far survive a power cut; it does not hold up appends, and callers that wait for it
/// together share one fsync.
package final class LogWriter: Sendable {
    private struct State: ~Copyable {
        var file: any File
        var segment: UInt64
        /// Bytes of whole records; beyond them may lie what a failed write left.
        var offset: UInt64
        /// Items of the records from `countedFrom` on.
        var itemCount: UInt64 = 0
        var countedFrom: UInt64
        var buffer: [UInt8] = []
        /// Set when the end of the file is not where `offset` says: nothing may be appended then.
        var broken: IOError?
        /// Set when an fsync has failed: what it was to make durable may be lost, although the next
        /// fsync succeeds. Nothing is durable, and nothing is taken, from then on.
        var failedSync: IOError?
        var bytesAppended: UInt64 = 0

        init(_ begun: borrowing Begun) {
            file = begun.file
            segment = begun.segment
            offset = begun.offset
            countedFrom = begun.offset
        }

        func segmentEnd(isDurable: Bool) -> LogSegmentEnd {
            LogSegmentEnd(
                segment: segment, offset: offset, countedFrom: countedFrom, itemCount: itemCount,
                isDurable: isDurable)
        }

        /// Goes on in another segment.
        mutating func goOn(_ begun: borrowing Begun) {
            file.close()
            file = begun.file
            segment = begun.segment
            offset = begun.offset
            countedFrom = begun.offset
            itemCount = 0
            broken = nil
        }
    }

    /// A segment that has been begun.
    private struct Begun {
        var file: any File
        var segment: UInt64
        /// Behind its header and what it says of the segment before.
        var offset: UInt64
    }

    private let directory: String
    private let fileSystem: any FileSystem
    private let segmentBytesMax: UInt64
    private let state: Guarded<State>
    private let synced: Guarded<LogPlace>

    /// Starts segment `segment`, which must not exist yet.
    ///
    /// - Parameter previous: how the segment before ended.
    package init(
        directory: String, segment: UInt64, after previous: LogSegmentEnd? = nil,
        segmentBytesMax: UInt64, fileSystem: any FileSystem
    ) throws(IOError) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.segmentBytesMax = segmentBytesMax
        let begun = try Self.begin(directory, segment, after: previous, fileSystem)
        state = Guarded(State(begun))
        synced = Guarded(LogPlace(segment: segment, offset: begun.offset))
    }

    /// Where the next record will be.
    package var end: LogPlace {
        state.withLock { LogPlace(segment: $0.segment, offset: $0.offset) }
    }

    /// Counts the items of the segment from here on; answers `end`.
    package func countFromHere() -> LogPlace {
        state.withLock { state in
            state.countedFrom = state.offset
            state.itemCount = 0
            return LogPlace(segment: state.segment, offset: state.offset)
        }
    }

    /// Everything before this survives a power cut.
    package var syncedEnd: LogPlace { synced.withLock { $0 } }
    /// Whether an fsync has failed: nothing is taken any more.
    package var isUnsafe: Bool { state.withLock { $0.failedSync != nil } }
    /// Bytes appended since this writer was made.
    package var bytesAppended: UInt64 { state.withLock { $0.bytesAppended } }

    /// Appends one record, which has so many items (samples).
    ///
    /// - Returns: the place behind it.
    /// - Throws: when it could not be written; the log is then as it was before, or takes nothing
    ///   more.
    @discardableResult
    package func append(
        kind: UInt8, _ payload: Span<UInt8>, itemCount: Int = 0
    ) throws(IOError) -> LogPlace {
        precondition(
            payload.count <= LogFormat.payloadByteCountMax,
            "BUG: a log record of \(payload.count) bytes")
        return try state.withLock { (state) throws(IOError) -> LogPlace in
            if let failed = state.failedSync ?? state.broken { throw failed }
            Self.encode(kind: kind, payload, into: &state.buffer)
            do throws(IOError) {
                try state.file.append(state.buffer.span)
            } catch {
                do throws(IOError) {
                    try state.file.truncate(to: state.offset)
                } catch let second {
                    state.broken = second
                }
                throw error
            }
            state.offset += UInt64(state.buffer.count)
            state.itemCount += UInt64(itemCount)
            state.bytesAppended += UInt64(state.buffer.count)
            return LogPlace(segment: state.segment, offset: state.offset)
        }
    }

    /// Makes everything appended so far durable.
    package func sync() throws(IOError) { try sync(to: end) }

    /// Returns when everything before `place` is durable.
    package func sync(to place: LogPlace) throws(IOError) {
        try synced.withLock { (synced) throws(IOError) in
            if synced >= place { return }
            // Segments before the current one were synced when they were left.
            let (file, end) = try state.withLock { (state) throws(IOError) in
                if let failed = state.failedSync { throw failed }
                return (state.file, LogPlace(segment: state.segment, offset: state.offset))
            }
            do throws(IOError) {
                try file.sync()
            } catch {
                state.withLock { $0.failedSync = error }
                throw error
            }
            synced = max(synced, end)
        }
    }

    /// Starts the next segment when this one is full or takes no more; answers the number of the
    /// segment that the next record goes to. `append` itself never changes the segment.
    ///
    /// - Parameter byteCount: a segment with less is not full.
    package func rotateIfNeeded(atLeast byteCount: UInt64 = 0) throws(IOError) -> UInt64 {
        try state.withLock { (state) throws(IOError) -> UInt64 in
            let bytesMax = max(segmentBytesMax, byteCount)
            if state.offset > bytesMax || state.broken != nil { try rotate(&state) }
            return state.segment
        }
    }

    /// Ends the segment, durably, and starts the next; answers its number.
    @discardableResult
    package func rotate() throws(IOError) -> UInt64 {
        try state.withLock { (state) throws(IOError) -> UInt64 in
            try rotate(&state)
            return state.segment
        }
    }

    /// Starts the next segment without making the one before durable: for one whose fsync failed,
    /// after which nobody knows what of it is on the disk.
    package func abandonSegment() throws(IOError) {
        try synced.withLock { (synced) throws(IOError) in
            synced = try state.withLock { (state) throws(IOError) -> LogPlace in
                let end = state.segmentEnd(isDurable: false)
                state.goOn(try Self.begin(directory, state.segment + 1, after: end, fileSystem))
                state.failedSync = nil
                return LogPlace(segment: state.segment, offset: state.offset)
            }
        }
    }

    private func rotate(_ state: inout State) throws(IOError) {
        if let failed = state.failedSync { throw failed }
        do throws(IOError) {
            // Also of a broken segment everything before its end was acknowledged.
            try state.file.sync()
        } catch {
            state.failedSync = error
            throw error
        }
        let end = state.segmentEnd(isDurable: true)
        state.goOn(try Self.begin(directory, state.segment + 1, after: end, fileSystem))
    }

    package func close() throws(IOError) {
        try sync()
        state.withLock { $0.file.close() }
    }

    private static func begin(
        _ directory: String, _ segment: UInt64, after previous: LogSegmentEnd?,
        _ fileSystem: any FileSystem
    ) throws(IOError) -> Begun {
        let path = Path.join(directory, LogFormat.name(segment))
        let file = try fileSystem.open(path, .create)
        var header = ByteWriter(reserving: LogFormat.segmentHeaderByteCount)
        header.u64(LogFormat.magic)
        header.u64(segment)
        if let previous {
            var record: [UInt8] = []
            encode(kind: LogFormat.segmentEndKind, previous.encode().span, into: &record)
            header.bytes += record
        }
        do throws(IOError) {
            try file.append(header.bytes.span)
            try file.sync()
            try fileSystem.syncDirectory(directory)
        } catch {
            // What of it is on the disk is not known: nobody shall take it for a segment.
            file.close()
            try? fileSystem.remove(path)
            throw error
        }
        return Begun(file: file, segment: segment, offset: UInt64(header.bytes.count))
    }

    private static func encode(
        kind: UInt8, _ payload: Span<UInt8>, into buffer: inout [UInt8]
    ) {
        let headerCount = LogFormat.recordHeaderByteCount
        let bound = max(payload.count, Int(LZ4_compressBound(Int32(payload.count))))
        buffer.removeAll(keepingCapacity: true)
        buffer.reserveCapacity(headerCount + bound)
        var header = ByteWriter(reserving: headerCount)
        // Safe because: the capacity reserved covers the header and the worst case of LZ4.
        var stored = 0
        var flags: UInt8 = 0
        let body = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            payload.withUnsafeBytes { raw in
                let packed = target.withMemoryRebound(to: CChar.self) { out in
                    LZ4_compress_default(
                        raw.baseAddress?.assumingMemoryBound(to: CChar.self), out.baseAddress,
                        Int32(raw.count), Int32(out.count))
                }
                if packed > 0, Int(packed) < raw.count {
                    flags = LogFormat.flagLZ4
                    stored = Int(packed)
                } else {
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: raw)
                    stored = raw.count
                }
            }
            count = stored
        }
        header.u16(LogFormat.marker)
        header.u8(kind)
        header.u8(flags)
        header.u32(UInt32(stored))
        header.u32(UInt32(payload.count))
        header.u32(0)
        let crc = LogFormat.checksum(header: header.bytes.span, payload: body.span)
        header.patchU32(at: headerCount - 4, crc)
        buffer.append(contentsOf: header.bytes)
        buffer.append(contentsOf: body)
    }
}

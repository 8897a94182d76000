import TSQBase

/// Reads a segmented log from a place on, also while somebody appends to it.
///
/// Records that fail their checksum are skipped and listed in `damages`; a bad stretch at the end of
/// the last segment is a record that was being written (`tornTail`), and no damage.
package struct LogCursor {
    private let fileSystem: any FileSystem
    private let directory: String
    private var segments: [UInt64] = []
    private var file: (any File)?
    /// A window of the segment: `window[0]` is at byte `windowOffset`.
    private var window: [UInt8] = []
    private var windowOffset: UInt64 = 0

    /// Where the next record is looked for.
    package private(set) var place: LogPlace
    /// The kind, payload and start of the record that `next()` found.
    package private(set) var kind: UInt8 = 0
    package private(set) var payload: [UInt8] = []
    package private(set) var recordStart: LogPlace
    package private(set) var damages: [LogDamage] = []
    /// How segments ended that were read, as the ones behind them say.
    package private(set) var ends: [LogSegmentEnd] = []
    /// The segment left last: how far it could be read, and what of `damages` is its end.
    private var left: (place: LogPlace, damage: Int?)?
    /// Where the last segment's readable part ends, when bytes follow it.
    package private(set) var tornTail: LogPlace?

    /// A segment that was read before the cursor got there: it is the window then.
    private var ahead: LogSegmentBytes?

    private static let windowByteCount = 1 << 20

    package init(
        directory: String, from place: LogPlace, fileSystem: any FileSystem
    ) throws(IOError) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.place = place
        self.recordStart = place
        segments = try LogFormat.segments(in: directory, fileSystem)
        // Before the first one nothing is written; any other place was in a segment once.
        let isMissing = place.segment > 0 && !segments.contains(place.segment)
        if isMissing || place.segment == 0 && segments.first ?? 1 > 1 {
            damage(upTo: place.offset, "the segment is missing")
        }
        skipMissingSegments()
    }

    /// Reads the segment behind the one that the cursor is in, as far as it is written by now.
    ///
    /// - Returns: nil when there is none of such a length.
    package mutating func readAhead(
        byteCounts: ClosedRange<Int>
    ) throws(IOError) -> LogSegmentBytes? {
        guard let following = segments.first(where: { $0 > place.segment }) else { return nil }
        let path = Path.join(directory, LogFormat.name(following))
        let file: any File
        do throws(IOError) {
            file = try fileSystem.open(path, .read)
        } catch {
            // Whoever gets there says so.
            return nil
        }
        defer { file.close() }
        let byteCount = Int(clamping: try file.byteCount())
        guard byteCounts.contains(byteCount) else { return nil }
        var bytes: [UInt8] = []
        _ = try file.read(at: 0, byteCount: byteCount, into: &bytes)
        let read = LogSegmentBytes(segment: following, bytes: bytes)
        ahead = read
        return read
    }

    /// Finds the next record; false at the end of what is written.
    ///
    /// - Parameter isKnown: whether the caller has had the whole record at a place from what
    ///   `readAhead` gave: its payload is not unpacked then.
    package mutating func next(
        isKnown: (LogPlace) -> Bool = { _ in false }
    ) throws(IOError) -> Bool {
        while true {
            guard try openSegment() else { return false }
            if isKnown(place), try passRecord(at: place.offset) { return true }
            if try readRecord(at: place.offset) {
                if kind != LogFormat.segmentEndKind { return true }
                noteSegmentEnd()
                continue
            }
            let end = try segmentEnd()
            if place.offset < end, let found = try resynchronize(after: place.offset, end: end) {
                damage(upTo: found, "the record's checksum is wrong")
                place.offset = found
                continue
            }
            guard let following = segments.first(where: { $0 > place.segment }) else {
                // A writer may have gone on to a new segment since the directory was listed.
                segments = try LogFormat.segments(in: directory, fileSystem)
                if segments.contains(where: { $0 > place.segment }) {
                    window.removeAll(keepingCapacity: true)
                    continue
                }
                tornTail = place.offset < end ? place : nil
                // What is there now may be half of what is being written.
                window.removeAll(keepingCapacity: true)
                return false
            }
            left = (place, place.offset < end ? damages.count : nil)
            if place.offset < end { damage(upTo: end, "the segment's end cannot be read") }
            // A writer counts up by one.
            if following != place.segment + 1 { damage(upTo: place.offset, "segments are missing") }
            leaveSegment(for: following)
        }
    }

    /// Holds what was read of the segment before against what this one says of its end.
    private mutating func noteSegmentEnd() {
        guard let end = try? LogSegmentEnd(payload.span), let (reached, index) = left,
            end.segment == reached.segment
        else { return }
        ends.append(end)
        guard reached.offset < end.offset else {
            // What follows is of a write that failed.
            if let index { damages.remove(at: index) }
            return
        }
        if let index {
            damages[index].byteCount = end.offset - reached.offset
        } else {
            damages.append(
                LogDamage(
                    path: Path.join(directory, LogFormat.name(end.segment)), segment: end.segment,
                    offset: reached.offset, byteCount: end.offset - reached.offset,
                    reason: "the segment is cut off"))
        }
    }

    private mutating func damage(upTo end: UInt64, _ reason: String) {
        damages.append(
            LogDamage(
                path: Path.join(directory, LogFormat.name(place.segment)),
                segment: place.segment, offset: place.offset, byteCount: end - place.offset,
                reason: reason))
    }

    private mutating func leaveSegment(for segment: UInt64) {
        file?.close()
        file = nil
        window.removeAll(keepingCapacity: true)
        place = LogPlace(segment: segment, offset: UInt64(LogFormat.segmentHeaderByteCount))
    }

    private mutating func skipMissingSegments() {
        place.offset = max(place.offset, UInt64(LogFormat.segmentHeaderByteCount))
        if segments.contains(place.segment) { return }
        guard let following = segments.first(where: { $0 > place.segment }) else { return }
        place = LogPlace(segment: following, offset: UInt64(LogFormat.segmentHeaderByteCount))
    }

    /// Opens the segment of `place`; false when there is none yet.
    private mutating func openSegment() throws(IOError) -> Bool {
        if file != nil { return true }
        if !segments.contains(place.segment) {
            segments = try LogFormat.segments(in: directory, fileSystem)
            skipMissingSegments()
            if !segments.contains(place.segment) { return false }
        }
        file = try fileSystem.open(
            Path.join(directory, LogFormat.name(place.segment)), .read)
        window.removeAll(keepingCapacity: true)
        if let ahead, ahead.segment == place.segment { (window, windowOffset) = (ahead.bytes, 0) }
        ahead = nil
        return true
    }

    private func segmentEnd() throws(IOError) -> UInt64 { try file?.byteCount() ?? 0 }

    /// Makes `byteCount` bytes from `offset` on available in the window; false when the segment has
    /// fewer.
    private mutating func fill(at offset: UInt64, byteCount: Int) throws(IOError) -> Bool {
        guard let file else { return false }
        if offset >= windowOffset,
            offset + UInt64(byteCount) <= windowOffset + UInt64(window.count)
        {
            return true
        }
        window.removeAll(keepingCapacity: true)
        windowOffset = offset
        let wanted = max(byteCount, Self.windowByteCount)
        while window.count < byteCount {
            let count = try file.read(
                at: offset + UInt64(window.count), byteCount: wanted - window.count,
                into: &window)
            if count == 0 { return false }
        }
        return true
    }

    /// Moves behind the record at `offset`, which is whole, with nothing but its kind read.
    private mutating func passRecord(at offset: UInt64) throws(IOError) -> Bool {
        let headerCount = LogFormat.recordHeaderByteCount
        guard try fill(at: offset, byteCount: headerCount),
            let record = LogFormat.header(window.span, at: Int(offset - windowOffset))
        else { return false }
        kind = record.kind
        payload.removeAll(keepingCapacity: true)
        recordStart = LogPlace(segment: place.segment, offset: offset)
        place.offset = offset + UInt64(headerCount + record.storedByteCount)
        return true
    }

    /// Reads the record at `offset` and moves behind it; false when there is none that is whole.
    private mutating func readRecord(at offset: UInt64) throws(IOError) -> Bool {
        let headerCount = LogFormat.recordHeaderByteCount
        guard try fill(at: offset, byteCount: headerCount) else { return false }
        guard let record = LogFormat.header(window.span, at: Int(offset - windowOffset)) else {
            return false
        }
        let total = headerCount + record.storedByteCount
        guard try fill(at: offset, byteCount: total) else { return false }
        // Into the memory that the record before had.
        var unpacked: [UInt8] = []
        swap(&unpacked, &payload)
        defer { swap(&unpacked, &payload) }
        guard record.unpack(window.span, at: Int(offset - windowOffset), into: &unpacked) else {
            return false
        }
        kind = record.kind
        recordStart = LogPlace(segment: place.segment, offset: offset)
        place.offset = offset + UInt64(total)
        return true
    }

    /// The offset of the next whole record behind a bad one.
    private mutating func resynchronize(
        after bad: UInt64, end: UInt64
    ) throws(IOError) -> UInt64? {
        let (start, kind, payload) = (place, kind, payload)
        defer { (place, self.kind, self.payload) = (start, kind, payload) }
        var offset = bad + 1
        while offset + UInt64(LogFormat.recordHeaderByteCount) <= end {
            guard try fill(at: offset, byteCount: 2) else { return nil }
            let index = Int(offset - windowOffset)
            let marker = UInt16(window[index]) | UInt16(window[index + 1]) << 8
            if marker == LogFormat.marker, try readRecord(at: offset) { return offset }
            offset += 1
        }
        return nil
    }
}

import TSQExposition

/// Cuts a page that arrives in pieces into parts that can be read alone: each ends with a line, and
/// the type of the family that goes on is repeated.
struct PagePieces {
    struct Part {
        var bytes: [UInt8]
        /// Lines of the page before the part, less those that were repeated.
        var lineOffset: Int
    }

    /// Parts are about this long.
    static let partByteCount = 4 << 20
    /// A longer line is no sample.
    static let lineByteCountMax = 1 << 20

    struct LineTooLong: Error {}

    private let format: ExpositionFormat
    private var waiting: [UInt8] = []
    /// The last `# TYPE` line of the parts before.
    private var typeLine: [UInt8] = []
    private var lineCount = 0

    init(format: ExpositionFormat) { self.format = format }

    /// - Returns: a part, when enough has arrived.
    mutating func add(_ bytes: some Collection<UInt8>) throws(LineTooLong) -> Part? {
        waiting += bytes
        if waiting.count < Self.partByteCount { return nil }
        guard let end = waiting.lastIndex(of: 0x0A) else {
            if waiting.count > Self.partByteCount + Self.lineByteCountMax { throw LineTooLong() }
            return nil
        }
        var part = part(Array(waiting[...end]))
        // Only the last part ends the page.
        if format == .openMetrics { part.bytes += "# EOF\n".utf8 }
        waiting.removeFirst(end + 1)
        return part
    }

    /// What is left, with the page's own end.
    mutating func finish() -> Part { part(waiting) }

    private mutating func part(_ lines: [UInt8]) -> Part {
        let part = Part(
            bytes: typeLine + lines, lineOffset: lineCount - (typeLine.isEmpty ? 0 : 1))
        lineCount += lines.count { $0 == 0x0A }
        var start = lines.startIndex
        while start < lines.endIndex {
            let end = lines[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? lines.endIndex
            if lines[start] == 0x23, lines[start..<end].starts(with: "# TYPE ".utf8) {
                typeLine = Array(lines[start..<end])
            }
            start = end
        }
        return part
    }
}

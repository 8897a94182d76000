import TSQBase
import TSQModel

/// Reads a metrics page line by line.
///
/// What a line says is in the properties after `next()`; a series' labels are decoded only when
/// `labels()` asks for them. In the steady state of a scrape `nextMatching(_:)` takes a line whose
/// series part is known, and only its number is decoded.
///
/// - Complexity: one pass over the bytes; `labels()` and `exemplar()` look at their part again.
/// - Source: what Prometheus 3.14 accepts (model/textparse), which is laxer than the OpenMetrics
///   specification; docs/DIFFERENCES.md has the list.
package struct ExpositionScanner: ~Copyable, ~Escapable {
    package enum Entry: Sendable, Equatable {
        /// A sample: `series`, `value`, `timestampMs`, `labels()`, `exemplar()`.
        case series
        /// Metadata: `familyName`, then `help` / `kind` / `unit`.
        case help, type, unit
        case comment
        /// The page is complete.
        case end
    }

    package let page: Span<UInt8>
    package let format: ExpositionFormat

    /// The offset of the next byte to read.
    var offset = 0
    /// Where the current line begins.
    var lineStart = 0

    /// The bytes of the current sample's series part: name and labels as they are written.
    package internal(set) var series: Range<Int> = 0..<0
    package internal(set) var value: Double = 0
    /// nil when the line has none.
    package var timestampMs: TimestampMs? { hasTimestamp ? timeMs : nil }
    package internal(set) var hasTimestamp = false
    var timeMs: TimestampMs = 0

    /// Ranges of the tokens of the current series: the name, then label names and values in turn.
    /// Quotes are left out.
    var nameRange: Range<Int>?
    var labelRanges: [Range<Int>] = []
    var exemplarRanges: [Range<Int>] = []
    package internal(set) var hasExemplar = false
    var exemplarValue: Double = 0
    var exemplarTimeMs: TimestampMs?
    /// Whether the token ranges describe `series` (they do not after `nextMatching`).
    var hasTokens = false

    var metaName: Range<Int> = 0..<0
    var metaText: Range<Int> = 0..<0
    /// The type of the current `# TYPE` line.
    package internal(set) var kind = MetricMetadata.Kind.unknown

    @_lifetime(copy page)
    package init(_ page: Span<UInt8>, format: ExpositionFormat) {
        self.page = page
        self.format = format
    }

    /// The next entry.
    ///
    /// - Throws: `ExpositionError`; nothing after it can be read.
    package mutating func next() throws(ExpositionError) -> Entry {
        switch format {
        case .prometheusText: try nextText()
        case .openMetrics: try nextOpenMetrics()
        }
    }

    /// Takes the next line if its series part is exactly `known`, a series part that this scanner (or
    /// one of the same format) gave before; false, with nothing consumed, when it is not or when
    /// something about the line is unusual.
    package mutating func nextMatching(_ known: Span<UInt8>) -> Bool {
        let start = offset
        let end = start + known.count
        guard end < page.count, page[unchecked: end] == Byte.space,
            bytesEqual(page, start, known)
        else { return false }
        lineStart = start
        hasTokens = false
        hasExemplar = false
        hasTimestamp = false
        if takePlainNumber(from: end + 1) {
            series = start..<end
            return true
        }
        offset = end
        do throws(ExpositionError) {
            try takeSuffix()
        } catch {
            offset = start
            return false
        }
        series = start..<end
        return true
    }

    /// Skips a comment that stands here word for word, its newline included (`known` ends in one).
    package mutating func skipMatching(_ known: Span<UInt8>) -> Bool {
        guard offset + known.count <= page.count, bytesEqual(page, offset, known) else {
            return false
        }
        offset += known.count
        return true
    }

    /// The bytes of the current entry's line, with its newline.
    package var lineRange: Range<Int> { lineStart..<offset }

    /// The rest of a sample line after the series part.
    mutating func takeSuffix() throws(ExpositionError) {
        switch format {
        case .prometheusText: try takeTextSuffix()
        case .openMetrics: try takeOpenMetricsSuffix()
        }
    }

    /// A number of up to 15 digits with a decimal point or without, then the end of the line: nearly
    /// every line. Sets `value` and `offset` when it is one.
    private mutating func takePlainNumber(from start: Int) -> Bool {
        var index = start
        let count = page.count
        var negative = false
        if index < count, page[unchecked: index] == 0x2D {
            negative = true
            index += 1
        }
        var mantissa: UInt64 = 0
        var digits = 0
        var pointAt = -1
        while index < count {
            let byte = page[unchecked: index]
            let digit = byte &- 0x30
            if digit < 10 {
                mantissa = mantissa &* 10 &+ UInt64(digit)
                digits += 1
            } else if byte == 0x2E, pointAt < 0 {
                pointAt = digits
            } else {
                break
            }
            index += 1
        }
        guard index < count, page[unchecked: index] == Byte.newline, digits > 0, digits <= 15
        else { return false }
        // Exact: both operands are, and one division rounds once.
        let magnitude =
            pointAt < 0
            ? Double(mantissa) : Double(mantissa) / Self.powersOfTen[digits - pointAt]
        value = negative ? -magnitude : magnitude
        offset = index + 1
        return true
    }

    private static let powersOfTen: [16 of Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// An error at `at`, with its line and column.
    func error(_ message: String, at: Int) -> ExpositionError {
        var line = 1
        var start = 0
        for index in 0..<min(at, page.count) where page[index] == Byte.newline {
            line += 1
            start = index + 1
        }
        return ExpositionError(message, line: line, column: at - start + 1)
    }

    /// The bytes `range` for an error text, quoted, at most `errorBytesMax` of them.
    func quoted(_ range: Range<Int>) -> String {
        let clamped = range.lowerBound..<min(range.upperBound, page.count)
        let shown = clamped.prefix(Limits.errorBytesMax)
        return GoQuote.quoted(string(shown))
            + (shown.count < clamped.count ? "…" : "")
    }

    func string(_ range: Range<Int>) -> String {
        page.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

/// Bytes that mean something in the formats.
enum Byte {
    static let tab: UInt8 = 0x09
    static let newline: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let hash: UInt8 = 0x23
    static let comma: UInt8 = 0x2C
    static let equal: UInt8 = 0x3D
    static let backslash: UInt8 = 0x5C
    static let openBrace: UInt8 = 0x7B
    static let closeBrace: UInt8 = 0x7D

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    /// The first byte of a label name.
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte == 0x5F }
}

/// Bounds of this module.
package enum Limits {
    /// What an error shows of a line.
    package static let errorBytesMax = 120
}

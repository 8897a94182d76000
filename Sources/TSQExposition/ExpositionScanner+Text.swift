import TSQBase
import TSQModel

/// Prometheus text format 0.0.4: blanks between tokens do not count.
extension ExpositionScanner {
    mutating func nextText() throws(ExpositionError) -> Entry {
        while true {
            lineStart = offset
            skipBlanks()
            guard offset < page.count else { return .end }
            let byte = page[offset]
            switch byte {
            case Byte.newline:
                offset += 1
            case Byte.hash:
                return try takeTextComment()
            case Byte.openBrace:
                hasTokens = false
                nameRange = nil
                try takeTextLabels()
                try finishTextSeries()
                return .series
            default:
                guard takeMetricName() else {
                    throw unexpected("expected a valid start token")
                }
                let end = offset
                skipBlanks()
                if offset < page.count, page[offset] == Byte.openBrace {
                    try takeTextLabels()
                } else {
                    offset = end
                    labelRanges.removeAll(keepingCapacity: true)
                }
                try finishTextSeries()
                return .series
            }
        }
    }

    private mutating func finishTextSeries() throws(ExpositionError) {
        guard nameRange != nil else {
            throw error("metric name not set", at: lineStart)
        }
        series = lineStart..<offset
        hasTokens = true
        hasExemplar = false
        try takeTextSuffix()
    }

    /// Value, perhaps a timestamp in ms, end of line.
    mutating func takeTextSuffix() throws(ExpositionError) {
        skipBlanks()
        let start = offset
        while offset < page.count {
            let byte = page[unchecked: offset]
            if byte == Byte.space || byte == Byte.newline || byte == Byte.tab
                || byte == Byte.openBrace
            {
                break
            }
            offset += 1
        }
        if offset == start { throw unexpected("expected value after metric") }
        value = try number(start..<offset)
        hasTimestamp = false
        skipBlanks()
        if offset < page.count, Byte.isDigit(page[offset]) {
            try takeTextTimestamp()
            skipBlanks()
            if offset < page.count, page[offset] != Byte.newline {
                throw unexpected("expected next entry after timestamp")
            }
        }
        guard offset < page.count else { return }
        guard page[offset] == Byte.newline else {
            throw unexpected("expected timestamp or new record")
        }
        offset += 1
    }

    private mutating func takeTextTimestamp() throws(ExpositionError) {
        let start = offset
        var result: Int64 = 0
        var overflow = false
        while offset < page.count, Byte.isDigit(page[offset]) {
            let (product, tooLarge) = result.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeSum) = product.addingReportingOverflow(Int64(page[offset] - 0x30))
            overflow = overflow || tooLarge || tooLargeSum
            result = sum
            offset += 1
        }
        if overflow {
            throw error("timestamp out of range: \(quoted(start..<offset))", at: start)
        }
        timeMs = result
        hasTimestamp = true
    }

    /// `# HELP name text`, `# TYPE name kind`, or a comment.
    private mutating func takeTextComment() throws(ExpositionError) -> Entry {
        let end = lineEnd(from: offset)
        offset += 1
        let entry: Entry
        if !skipBlanks() {
            entry = .comment
        } else if takeWord("HELP") {
            entry = .help
        } else if takeWord("TYPE") {
            entry = .type
        } else {
            entry = .comment
        }
        guard entry != .comment else {
            metaText = lineStart..<end
            offset = min(end + 1, page.count)
            return .comment
        }
        let word = entry == .help ? "HELP" : "TYPE"
        guard takeFamilyName() else { throw unexpected("expected metric name after \(word)") }
        let textEnd = lineEnd(from: offset)
        metaText = min(offset + 1, textEnd)..<textEnd
        if entry == .type {
            kind = try textKind(metaText)
        } else if !isUTF8(metaText) {
            throw error("help text \(quoted(metaText)) is not a valid utf8 string", at: offset)
        }
        offset = min(textEnd + 1, page.count)
        return entry
    }

    private func textKind(
        _ range: Range<Int>
    ) throws(ExpositionError) -> MetricMetadata.Kind {
        switch string(range) {
        case "counter": return .counter
        case "gauge": return .gauge
        case "histogram": return .histogram
        case "summary": return .summary
        case "untyped": return .unknown
        default: throw error("invalid metric type \(quoted(range))", at: range.lowerBound)
        }
    }

    /// The word, blanks after it included; false (nothing taken) when it is another.
    private mutating func takeWord(_ word: StaticString) -> Bool {
        let letters = word.utf8CodeUnitCount
        guard offset + letters < page.count else { return false }
        for index in 0..<letters where page[offset + index] != word.utf8Start[index] {
            return false
        }
        let start = offset
        offset += letters
        if skipBlanks() { return true }
        offset = start
        return false
    }

    /// `{a="b", "quoted name"="c", "metric.name"}`; blanks anywhere, commas optional after a value.
    private mutating func takeTextLabels() throws(ExpositionError) {
        labelRanges.removeAll(keepingCapacity: true)
        offset += 1
        while true {
            skipBlanks()
            guard offset < page.count else { throw unexpected("expected label name") }
            if page[offset] == Byte.closeBrace {
                offset += 1
                return
            }
            let isQuoted = page[offset] == Byte.quote
            guard let name = isQuoted ? takeQuoted(newlines: true) : takeLabelName() else {
                throw unexpected("expected label name")
            }
            skipBlanks()
            let byte = offset < page.count ? page[offset] : 0
            if isQuoted, byte == Byte.comma || byte == Byte.closeBrace {
                try setQuotedName(name)
                offset += 1
                if byte == Byte.closeBrace { return }
                continue
            }
            guard byte == Byte.equal else { throw unexpected("expected equal") }
            offset += 1
            skipBlanks()
            try takeValue(of: name, newlines: true)
            skipBlanks()
            if offset < page.count, page[offset] == Byte.comma { offset += 1 }
        }
    }

    /// True when there was at least one.
    @discardableResult
    private mutating func skipBlanks() -> Bool {
        let start = offset
        while offset < page.count,
            page[unchecked: offset] == Byte.space || page[unchecked: offset] == Byte.tab
        {
            offset += 1
        }
        return offset > start
    }
}

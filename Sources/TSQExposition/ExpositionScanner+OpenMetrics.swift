import TSQBase
import TSQModel

/// OpenMetrics: single spaces, no blank lines, no comments, `# EOF` at the end.
extension ExpositionScanner {
    mutating func nextOpenMetrics() throws(ExpositionError) -> Entry {
        lineStart = offset
        guard offset < page.count else {
            throw error("data does not end with # EOF", at: offset)
        }
        switch page[offset] {
        case Byte.hash:
            return try takeOpenMetricsComment()
        case Byte.openBrace:
            nameRange = nil
            try takeOpenMetricsLabels(isExemplar: false)
        default:
            guard takeMetricName() else { throw unexpected("expected a valid start token") }
            if offset < page.count, page[offset] == Byte.openBrace {
                try takeOpenMetricsLabels(isExemplar: false)
            } else {
                labelRanges.removeAll(keepingCapacity: true)
            }
        }
        guard nameRange != nil else { throw error("metric name not set", at: lineStart) }
        series = lineStart..<offset
        hasTokens = true
        try takeOpenMetricsSuffix()
        return .series
    }

    /// ` value[ timestamp][ # {labels} value[ timestamp]]\n`, times in seconds.
    mutating func takeOpenMetricsSuffix() throws(ExpositionError) {
        hasExemplar = false
        hasTimestamp = false
        value = try takeNumber("expected value after metric")
        guard offset < page.count else {
            throw error("data does not end with # EOF", at: offset)
        }
        if page[offset] == Byte.space, !isAtExemplar {
            timeMs = try takeSeconds("invalid timestamp")
            hasTimestamp = true
        }
        if isAtExemplar { try takeExemplar() }
        guard offset < page.count else {
            throw error("data does not end with # EOF", at: offset)
        }
        guard page[offset] == Byte.newline else {
            throw unexpected(
                hasTimestamp || hasExemplar
                    ? "expected next entry after timestamp" : "expected timestamp or # symbol")
        }
        offset += 1
    }

    private var isAtExemplar: Bool {
        offset + 3 < page.count && page[offset] == Byte.space && page[offset + 1] == Byte.hash
            && page[offset + 2] == Byte.space && page[offset + 3] == Byte.openBrace
    }

    private mutating func takeExemplar() throws(ExpositionError) {
        offset += 3
        try takeOpenMetricsLabels(isExemplar: true)
        exemplarValue = try takeNumber("expected value after exemplar labels")
        exemplarTimeMs = nil
        if offset < page.count, page[offset] == Byte.space {
            exemplarTimeMs = try takeSeconds("invalid exemplar timestamp")
        }
        hasExemplar = true
    }

    /// One space, then the number up to the next space or the line's end.
    private mutating func takeNumber(_ expected: String) throws(ExpositionError) -> Double {
        guard offset < page.count, page[offset] == Byte.space else { throw unexpected(expected) }
        offset += 1
        let start = offset
        while offset < page.count, page[unchecked: offset] != Byte.space,
            page[unchecked: offset] != Byte.newline
        {
            offset += 1
        }
        if offset == start { throw unexpected(expected) }
        return try number(start..<offset)
    }

    /// Seconds as ms, cut off after the third decimal. Plain decimals are exact, so that what is
    /// exported comes back the same; Prometheus multiplies, which for times since 1970 with real
    /// clocks gives the same.
    private mutating func takeSeconds(_ invalid: String) throws(ExpositionError) -> TimestampMs {
        let start = offset + 1
        let seconds = try takeNumber("expected timestamp")
        if !seconds.isFinite { throw error("\(invalid) \(seconds)", at: start) }
        return exactMs(start..<offset) ?? GoNumber.int64(seconds * 1000)
    }

    /// nil for anything but digits with one point at most, and for numbers too long to be times.
    private func exactMs(_ range: Range<Int>) -> TimestampMs? {
        var index = range.lowerBound
        let isNegative = page[index] == 0x2D
        if isNegative { index += 1 }
        guard range.upperBound - index <= 24 else { return nil }
        var whole: Int64 = 0
        var decimals = -1
        while index < range.upperBound {
            let byte = page[index]
            if byte == 0x2E, decimals < 0 {
                decimals = 0
            } else if Byte.isDigit(byte) {
                guard whole < Int64.max / 100_000 else { return nil }
                if decimals < 3 { whole = whole * 10 + Int64(byte - 0x30) }
                if decimals >= 0 { decimals += 1 }
            } else {
                return nil
            }
            index += 1
        }
        for _ in min(max(decimals, 0), 3)..<3 { whole *= 10 }
        return isNegative ? -whole : whole
    }

    private mutating func takeOpenMetricsLabels(isExemplar: Bool) throws(ExpositionError) {
        if isExemplar {
            exemplarRanges.removeAll(keepingCapacity: true)
        } else {
            labelRanges.removeAll(keepingCapacity: true)
        }
        offset += 1
        while true {
            guard offset < page.count else { throw unexpected("expected label name") }
            if page[offset] == Byte.closeBrace {
                offset += 1
                return
            }
            let isQuoted = page[offset] == Byte.quote
            guard let name = isQuoted ? takeQuoted(newlines: !isExemplar) : takeLabelName() else {
                throw unexpected("expected label name")
            }
            let byte = offset < page.count ? page[offset] : 0
            if isQuoted, !isExemplar, byte == Byte.comma || byte == Byte.closeBrace {
                try setQuotedName(name)
                offset += 1
                if byte == Byte.closeBrace { return }
                continue
            }
            guard byte == Byte.equal else { throw unexpected("expected equal") }
            offset += 1
            try takeValue(of: name, newlines: false, isExemplar: isExemplar)
            guard offset < page.count else { throw unexpected("expected comma or brace close") }
            if page[offset] == Byte.comma {
                offset += 1
            } else if page[offset] != Byte.closeBrace {
                throw unexpected("expected comma or brace close")
            }
        }
    }

    /// `# HELP`, `# TYPE`, `# UNIT`, `# EOF`; anything else is an error.
    private mutating func takeOpenMetricsComment() throws(ExpositionError) -> Entry {
        let end = lineEnd(from: offset)
        if end - offset == 5, string(offset..<end) == "# EOF" {
            offset = min(end + 1, page.count)
            if offset < page.count { throw error("unexpected data after # EOF", at: offset) }
            return .end
        }
        let word = string(offset..<min(offset + 7, end))
        let entry: Entry
        switch word {
        case "# HELP ": entry = .help
        case "# TYPE ": entry = .type
        case "# UNIT ": entry = .unit
        default:
            throw error("expected a valid start token, got \(quoted(offset..<end))", at: offset)
        }
        offset += 7
        guard takeFamilyName() else {
            throw unexpected("expected metric name after \(word.dropFirst(2).dropLast())")
        }
        guard offset < page.count, page[offset] == Byte.space else {
            throw unexpected("expected text in \(word.dropFirst(2).dropLast())")
        }
        let textEnd = lineEnd(from: offset)
        guard textEnd < page.count else {
            throw error("data does not end with # EOF", at: textEnd)
        }
        metaText = (offset + 1)..<textEnd
        switch entry {
        case .type: kind = try openMetricsKind(metaText)
        case .unit: try checkUnit()
        default:
            if !isUTF8(metaText) {
                throw error("help text \(quoted(metaText)) is not a valid utf8 string", at: offset)
            }
        }
        offset = textEnd + 1
        return entry
    }

    private func openMetricsKind(
        _ range: Range<Int>
    ) throws(ExpositionError) -> MetricMetadata.Kind {
        guard let kind = MetricMetadata.Kind(rawValue: string(range)) else {
            throw error("invalid metric type \(quoted(range))", at: range.lowerBound)
        }
        return kind
    }

    /// A family with a unit is named by it.
    private func checkUnit() throws(ExpositionError) {
        if metaText.isEmpty { return }
        let (name, unit) = (string(metaName), string(metaText))
        if !name.hasSuffix("_" + unit) || name.utf8.count <= unit.utf8.count + 1 {
            throw error(
                "unit \(GoQuote.quoted(unit)) not a suffix of metric \(GoQuote.quoted(name))",
                at: metaText.lowerBound)
        }
    }
}

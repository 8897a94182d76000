import TSQBase
import TSQModel

/// What both formats share.
extension ExpositionScanner {
    /// The offset of the next newline, or the page's end.
    func lineEnd(from start: Int) -> Int {
        var index = start
        while index < page.count, page[unchecked: index] != Byte.newline { index += 1 }
        return index
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*` becomes the name of the series.
    mutating func takeMetricName() -> Bool {
        guard let range = takeName(colons: true) else { return false }
        nameRange = range
        return true
    }

    mutating func takeLabelName() -> Range<Int>? { takeName(colons: false) }

    private mutating func takeName(colons: Bool) -> Range<Int>? {
        let start = offset
        while offset < page.count {
            let byte = page[unchecked: offset]
            let isFirst = offset == start
            guard
                Byte.isLetter(byte) || colons && byte == 0x3A || !isFirst && Byte.isDigit(byte)
            else { break }
            offset += 1
        }
        return offset > start ? start..<offset : nil
    }

    /// The name of a metadata line, quoted or not.
    mutating func takeFamilyName() -> Bool {
        guard offset < page.count else { return false }
        let isQuoted = page[offset] == Byte.quote
        guard let name = isQuoted ? takeQuoted(newlines: true) : takeName(colons: true) else {
            return false
        }
        metaName = name
        return true
    }

    /// What is between two quotes, escapes as they are; nil (nothing taken) when it does not end.
    mutating func takeQuoted(newlines: Bool) -> Range<Int>? {
        var index = offset + 1
        while index < page.count {
            let byte = page[unchecked: index]
            if byte == Byte.quote {
                let range = (offset + 1)..<index
                offset = index + 1
                return range
            }
            if byte == Byte.backslash {
                index += 1
                guard index < page.count, page[index] != Byte.newline else { return nil }
            } else if byte == Byte.newline, !newlines {
                return nil
            }
            index += 1
        }
        return nil
    }

    /// A quoted string alone in the braces is the metric's name.
    mutating func setQuotedName(_ name: Range<Int>) throws(ExpositionError) {
        if nameRange != nil {
            throw error("metric name already set", at: name.lowerBound - 1)
        }
        try checkUTF8(name, "metric name")
        nameRange = name
    }

    /// The quoted value after the equals sign; appends the ranges of name and value.
    mutating func takeValue(
        of name: Range<Int>, newlines: Bool, isExemplar: Bool = false
    ) throws(ExpositionError) {
        try checkUTF8(name, "label name")
        guard offset < page.count, page[offset] == Byte.quote,
            let value = takeQuoted(newlines: newlines)
        else { throw unexpected("expected label value") }
        try checkUTF8(value, "label value")
        if isExemplar {
            exemplarRanges.append(name)
            exemplarRanges.append(value)
        } else {
            labelRanges.append(name)
            labelRanges.append(value)
        }
    }

    func checkUTF8(_ range: Range<Int>, _ what: String) throws(ExpositionError) {
        if !isUTF8(range) {
            throw error("invalid UTF-8 \(what): \(quoted(range))", at: range.lowerBound)
        }
    }

    func isUTF8(_ range: Range<Int>) -> Bool {
        var isASCII = true
        for index in range where page[unchecked: index] >= 0x80 {
            isASCII = false
            break
        }
        if isASCII { return true }
        return page.extracting(range).withUnsafeBufferPointer {
            String(validating: $0, as: UTF8.self) != nil
        }
    }

    /// A value: Go's number syntax without hexadecimal, underscores; NaN becomes the ordinary NaN.
    func number(_ range: Range<Int>) throws(ExpositionError) -> Double {
        do {
            return try DecimalParse.double(page.extracting(range))
        } catch {
            let reason = error == .range ? "value out of range" : "invalid syntax"
            throw self.error(
                "strconv.ParseFloat: parsing \(quoted(range)): \(reason)", at: range.lowerBound)
        }
    }

    /// `message, got "x"` at the current position.
    func unexpected(_ message: String) -> ExpositionError {
        guard offset < page.count else {
            return error("\(message), got end of page", at: offset)
        }
        return error("\(message), got \(quoted(offset..<(offset + 1)))", at: offset)
    }
}

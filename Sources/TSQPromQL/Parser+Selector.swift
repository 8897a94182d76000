import TSQBase
import TSQModel

extension Parser {
    /// A selector; its name, if it has one, has been read.
    mutating func parseSelector(name: Token?) throws(PromQLSyntaxError) -> VectorSelector {
        var matchers: [LabelMatcher] = []
        var range = name?.range
        if let open = try accept(.leftBrace) {
            matchers = try parseMatchers()
            range = SourceRange(name?.start ?? open.start, lastConsumedEnd)
        }
        if let name { matchers.append(LabelMatcher(equal: LabelName.metricName, name.text)) }
        return VectorSelector(
            name: name?.text, matchers: matchers, range: range ?? lastRead.range)
    }

    /// The text as nothing but a selector.
    mutating func parseWholeSelector() throws(PromQLSyntaxError) -> VectorSelector {
        let token = try peek()
        var name: Token?
        if token.isMetricName {
            name = try advance()
        } else if token.kind != .leftBrace {
            throw unexpected()
        }
        let selector = try parseSelector(name: name)
        if try peek().kind != .endOfInput { throw unexpected() }
        return selector
    }

    /// Up to and with the closing brace.
    private mutating func parseMatchers() throws(PromQLSyntaxError) -> [LabelMatcher] {
        var matchers: [LabelMatcher] = []
        while try accept(.rightBrace) == nil {
            matchers.append(try parseMatcher())
            if try accept(.comma) == nil {
                _ = try expect(
                    .rightBrace, in: "label matching", expecting: "\",\" or \"}\"")
                break
            }
        }
        return matchers
    }

    private mutating func parseMatcher() throws(PromQLSyntaxError) -> LabelMatcher {
        let (token, name) = try takeLabelName(in: "label matching")
        let operation: LabelMatcher.Operation
        switch try peek().kind {
        case .assign: operation = .equal
        case .binary(.notEqual): operation = .notEqual
        case .equalRegex: operation = .regex
        case .notEqualRegex: operation = .notRegex
        default:
            if token.kind == .string { return LabelMatcher(equal: LabelName.metricName, name) }
            throw unexpected(in: "label matching", expecting: "label matching operator")
        }
        try advance()
        guard try peek().kind == .string else {
            throw unexpected(in: "label matching", expecting: "string")
        }
        let literal = try advance()
        let bytes = try unquote(literal)
        let value = String(decoding: bytes, as: UTF8.self)
        do throws(RegexError) {
            var matcher = try LabelMatcher(name, operation, value)
            if !value.utf8.elementsEqual(bytes) { matcher.invalidBytes = bytes }
            return matcher
        } catch {
            throw failure(SourceRange(token.start, literal.end), error.message)
        }
    }

    /// A label's name, in quotes or not. (One in quotes may turn out to be a metric's.)
    private mutating func takeLabelName(
        in place: String
    ) throws(PromQLSyntaxError) -> (token: Token, name: String) {
        let token = try peek()
        switch token.kind {
        case .identifier:
            try advance()
            return (token, token.text)
        case .string:
            try advance()
            return (token, String(decoding: try unquote(token), as: UTF8.self))
        default: throw unexpected(in: place, expecting: "identifier or \"}\"")
        }
    }

    // MARK: Metrics

    /// `name{a="b"}`, `{"name", a="b"}`, `name`, `{}` or nothing.
    mutating func parseWholeMetric() throws(PromQLSyntaxError) -> LabelSet {
        var labels: [Label] = []
        let token = try peek()
        if token.isMetricName { try advance() }
        if try accept(.leftBrace) != nil {
            while try accept(.rightBrace) == nil {
                labels.append(try parseLabel())
                if try accept(.comma) == nil {
                    _ = try expect(
                        .rightBrace, in: "label set", expecting: "\",\" or \"}\"")
                    break
                }
            }
        }
        if token.isMetricName { labels.append(Label(LabelName.metricName, token.text)) }
        if try peek().kind != .endOfInput { throw unexpected() }
        return LabelSet(labels)
    }

    private mutating func parseLabel() throws(PromQLSyntaxError) -> Label {
        let (token, name) = try takeLabelName(in: "label set")
        if try accept(.assign) == nil {
            if token.kind == .string { return Label(LabelName.metricName, name) }
            throw unexpected(in: "label set", expecting: "\"=\"")
        }
        guard try peek().kind == .string else {
            throw unexpected(in: "label set", expecting: "string")
        }
        let value = try unquote(try advance())
        return Label(name, String(decoding: value, as: UTF8.self))
    }
}

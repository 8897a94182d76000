import TSQBase
import TSQModel

extension Parser {
    // MARK: Vector matching

    /// `bool`, `on (…) group_left (…)`, `fill (…)`, each of them or none.
    mutating func parseBinaryModifiers() throws(PromQLSyntaxError) -> (VectorMatching, Bool) {
        var matching = VectorMatching()
        let returnsBool = try accept(.keyword(.bool)) != nil
        let word = try peek().kind
        if word == .keyword(.on) || word == .keyword(.ignoring) {
            try advance()
            matching.isOn = word == .keyword(.on)
            matching.labels = try parseGrouping()
            let group = try peek().kind
            if group == .keyword(.groupLeft) || group == .keyword(.groupRight) {
                try advance()
                matching.cardinality = group == .keyword(.groupLeft) ? .manyToOne : .oneToMany
                if try peek().kind == .leftParen { matching.include = try parseGrouping() }
            }
        }
        try parseFill(&matching)
        return (matching, returnsBool)
    }

    /// `fill(x)`, or `fill_left(x)` and `fill_right(y)` in any order.
    private mutating func parseFill(
        _ matching: inout VectorMatching
    ) throws(PromQLSyntaxError) {
        switch try peek().kind {
        case .keyword(.fill):
            guard try beginsFill() else { return }
            let value = try parseFillValue()
            matching.fillLeft = value
            matching.fillRight = value
            matching.isFillOfBoth = true
        case .keyword(.fillLeft):
            guard try beginsFill() else { return }
            matching.fillLeft = try parseFillValue()
            if try peek().kind == .keyword(.fillRight), try beginsFill() {
                matching.fillRight = try parseFillValue()
            }
        case .keyword(.fillRight):
            guard try beginsFill() else { return }
            matching.fillRight = try parseFillValue()
            if try peek().kind == .keyword(.fillLeft), try beginsFill() {
                matching.fillLeft = try parseFillValue()
            }
        default: return
        }
    }

    /// Whether the word that comes next is the modifier, not a metric of that name.
    private mutating func beginsFill() throws(PromQLSyntaxError) -> Bool {
        var ahead = lexer
        return ahead.next().kind == .leftParen
    }

    private mutating func parseFillValue() throws(PromQLSyntaxError) -> Double {
        try advance()
        _ = try expect(.leftParen)
        let value = try parseSignedNumber()
        _ = try expect(.rightParen)
        return value
    }

    /// A number or duration with an optional sign.
    private mutating func parseSignedNumber(
        in context: String = "", expecting expected: String = ""
    ) throws(PromQLSyntaxError) -> Double {
        var isNegative = false
        if try accept(.binary(.subtract)) != nil {
            isNegative = true
        } else {
            _ = try accept(.binary(.add))
        }
        switch try peek().kind {
        case .number, .duration: break
        default: throw unexpected(in: context, expecting: expected)
        }
        let value = try parseNumberOrDuration().value
        return isNegative ? -value : value
    }

    // MARK: Label lists

    /// `(a, b, "c d")` of `by`, `on` and their like; a comma may follow the last.
    mutating func parseGrouping() throws(PromQLSyntaxError) -> [String] {
        _ = try expect(.leftParen, in: "grouping opts", expecting: "\"(\"")
        var labels: [String] = []
        while try accept(.rightParen) == nil {
            labels.append(try parseGroupingLabel())
            if try accept(.comma) == nil {
                _ = try expect(
                    .rightParen, in: "grouping opts", expecting: "\",\" or \")\"")
                break
            }
        }
        return labels
    }

    private mutating func parseGroupingLabel() throws(PromQLSyntaxError) -> String {
        let token = try peek()
        if token.kind == .string {
            try advance()
            let bytes = try unquote(token)
            let label = String(decoding: bytes, as: UTF8.self)
            if label.isEmpty || !label.utf8.elementsEqual(bytes) {
                throw failure(
                    token.range,
                    "invalid label name for grouping: \(GoQuote.quoted(bytes: bytes))")
            }
            return label
        }
        if !token.isLabelName { throw unexpected(in: "grouping opts", expecting: "label") }
        try advance()
        return token.text
    }

    // MARK: offset, @, anchored, smoothed

    /// `offset 5m` after `expression`.
    mutating func parseOffset(after expression: Expr) throws(PromQLSyntaxError) -> Expr {
        try advance()
        let offset = try parseOffsetDuration()
        let end = lastConsumedEnd
        var result = expression
        func conflicts(_ existing: DurationExpr?) throws(PromQLSyntaxError) {
            if existing != nil {
                throw failure(expression.range, "offset may not be set multiple times")
            }
        }
        switch expression {
        case .vectorSelector(var node):
            try conflicts(node.offset)
            node.offset = offset
            node.range.end = end
            result = .vectorSelector(node)
        case .matrixSelector(var node):
            try conflicts(node.selector.offset)
            node.selector.offset = offset
            node.range.end = end
            result = .matrixSelector(node)
        case .subquery(var node):
            try conflicts(node.offset)
            node.offset = offset
            node.range.end = end
            result = .subquery(node)
        default:
            throw failure(
                expression.range,
                "offset modifier must be preceded by an instant vector selector or range vector "
                    + "selector or a subquery")
        }
        return result
    }

    /// `@ 1609746000`, `@ start()` after `expression`.
    mutating func parseAt(after expression: Expr) throws(PromQLSyntaxError) -> Expr {
        try advance()
        let at: AtModifier
        switch try peek().kind {
        case .preprocessor(.start), .preprocessor(.end):
            let word = try advance().kind
            _ = try expect(.leftParen, in: "@", expecting: "timestamp")
            _ = try expect(.rightParen, in: "@", expecting: "timestamp")
            at = word == .preprocessor(.start) ? .start : .end
        default:
            let seconds = try parseSignedNumber(in: "@", expecting: "timestamp")
            if !(seconds > -0x1p63 && seconds < 0x1p63) {
                throw failure(
                    expression.range,
                    "timestamp out of bounds for @ modifier: \(GoFormat.fixed6(seconds))")
            }
            at = .timestampMs(GoNumber.int64((seconds * 1000).rounded(.toNearestOrAwayFromZero)))
        }
        let end = lastConsumedEnd
        var result = expression
        func conflicts(_ existing: AtModifier?) throws(PromQLSyntaxError) {
            if existing != nil {
                throw failure(expression.range, "@ <timestamp> may not be set multiple times")
            }
        }
        switch expression {
        case .vectorSelector(var node):
            try conflicts(node.at)
            node.at = at
            node.range.end = end
            result = .vectorSelector(node)
        case .matrixSelector(var node):
            try conflicts(node.selector.at)
            node.selector.at = at
            node.range.end = end
            result = .matrixSelector(node)
        case .subquery(var node):
            try conflicts(node.at)
            node.at = at
            node.range.end = end
            result = .subquery(node)
        default:
            throw failure(
                expression.range,
                "@ modifier must be preceded by an instant vector selector or range vector "
                    + "selector or a subquery")
        }
        return result
    }

    /// `anchored` or `smoothed` after `expression`.
    func setExtended(
        _ expression: inout Expr, isAnchored: Bool
    ) throws(PromQLSyntaxError) {
        let word = isAnchored ? "anchored" : "smoothed"
        guard options.extendedRangeSelectors else {
            throw failure(
                expression.range, "\(word) modifier is experimental and not enabled")
        }
        func set(_ node: inout VectorSelector) throws(PromQLSyntaxError) {
            if isAnchored { node.isAnchored = true } else { node.isSmoothed = true }
            if node.isAnchored && node.isSmoothed {
                throw failure(
                    expression.range,
                    "anchored and smoothed modifiers cannot be used together")
            }
        }
        switch expression {
        case .vectorSelector(var node):
            try set(&node)
            expression = .vectorSelector(node)
        case .matrixSelector(var node):
            try set(&node.selector)
            expression = .matrixSelector(node)
        case .subquery:
            throw failure(expression.range, "\(word) modifier is not supported for subqueries")
        default:
            // Prometheus's words, on two lines: no line of the sources may say so of itself.
            throw failure(
                expression.range,
                "\(word) modifier not"
                    + " implemented")
        }
    }
}

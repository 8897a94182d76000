import TSQBase
import TSQModel

extension Parser {
    private static let anyDuration = "number, duration, step(), or range()"
    /// Go's limit of a time.Duration in seconds.
    private static let secondsMax = 0x1p63 / 1e9

    // MARK: Brackets

    /// `[5m]` or `[5m:1m]` after `expression`.
    mutating func parseBrackets(after expression: Expr) throws(PromQLSyntaxError) -> Expr {
        let open = try advance()
        durationOperators = 0
        let context = DurationPlace("subquery or range selector", Self.anyDuration)
        let length = try positive(try parseDuration(context))
        if try accept(.colon) != nil {
            return .subquery(try parseSubquery(of: expression, length: length))
        }
        let close = try expect(
            .rightBracket, in: "subquery or range", expecting: "\":\" or \"]\"")
        let brackets = SourceRange(open.start, close.end)
        guard case .vectorSelector(let selector) = expression else {
            throw failure(brackets, "ranges only allowed for vector selectors")
        }
        if case .literal = selector.offset {
            throw failure(brackets, "no offset modifiers allowed before range")
        }
        if case .timestampMs = selector.at {
            throw failure(brackets, "no @ modifiers allowed before range")
        }
        return .matrixSelector(
            MatrixSelector(
                selector: selector, length: length,
                range: SourceRange(selector.range.start, close.end)))
    }

    private mutating func parseSubquery(
        of expression: Expr, length: DurationExpr
    ) throws(PromQLSyntaxError) -> SubqueryExpr {
        var step: DurationExpr?
        if try peek().kind != .rightBracket {
            let context = DurationPlace(
                "subquery selector", "number, duration, step(), range(), or \"]\"")
            step = try positive(try parseDuration(context))
        }
        let close = try expect(.rightBracket, in: "subquery selector", expecting: "\"]\"")
        return SubqueryExpr(
            inner: expression, length: length, step: step,
            range: SourceRange(expression.range.start, close.end))
    }

    /// Refuses a length that is known not to be positive.
    private func positive(_ duration: DurationExpr) throws(PromQLSyntaxError) -> DurationExpr {
        let seconds: Double
        switch duration {
        case .literal(let ms, _): seconds = Double(ms)
        case .number(let value, _): seconds = value
        default: return duration
        }
        if seconds <= 0 { throw failure(duration.range, "duration must be greater than 0") }
        return duration.asLength
    }

    // MARK: Arithmetic

    /// Where a duration stands, for the error about what is none.
    private struct DurationPlace {
        var name: String
        var expected: String

        init(_ name: String, _ expected: String) {
            self.name = name
            self.expected = expected
        }
    }

    /// Durations, numbers, `step()`, `range()` with `+ - * / % ^ ( )` and `min_of`, `max_of`.
    private mutating func parseDuration(
        _ place: DurationPlace, above precedenceMin: Int = 0
    ) throws(PromQLSyntaxError) -> DurationExpr {
        try enter(at: try peek().range)
        let operand = try parseDurationOperand(place)
        let result = try parseDurationOperators(place, after: operand, above: precedenceMin)
        leave()
        return result
    }

    private mutating func parseDurationOperators(
        _ place: DurationPlace, after operand: DurationExpr, above precedenceMin: Int
    ) throws(PromQLSyntaxError) -> DurationExpr {
        var left = operand
        while case .binary(let operation) = try peek().kind, operation.isArithmetic,
            operation.precedence > precedenceMin
        {
            let token = try advance()
            try countDurationOperator(at: token.range)
            let right = try parseDuration(
                place,
                above: operation == .power ? operation.precedence - 1 : operation.precedence)
            if operation == .divide || operation == .modulo, right.isZeroLiteral {
                throw failure(
                    token.range, operation == .divide ? "division by zero" : "modulo by zero")
            }
            left = .binary(
                operation, left, right,
                range: SourceRange(left.range.start, right.range.end))
        }
        return left
    }

    private mutating func parseDurationOperand(
        _ place: DurationPlace
    ) throws(PromQLSyntaxError) -> DurationExpr {
        let token = try peek()
        switch token.kind {
        case .number, .duration: return try parseDurationLiteral()
        case .binary(.add), .binary(.subtract):
            try advance()
            let operand = try parseDuration(place, above: BinaryOperator.unaryPrecedence)
            return operand.signed(token.kind == .binary(.subtract), from: token.start)
        case .preprocessor(.step), .preprocessor(.range), .preprocessor(.minOf),
            .preprocessor(.maxOf):
            return try parseDurationFunction(place)
        case .leftParen: return try parseDurationParens(place)
        default: throw unexpected(in: place.name, expecting: place.expected)
        }
    }

    private mutating func parseDurationParens(
        _ place: DurationPlace
    ) throws(PromQLSyntaxError) -> DurationExpr {
        try advance()
        let inner = try parseDuration(place)
        _ = try expect(.rightParen, in: place.name, expecting: place.expected)
        switch inner {
        case .literal, .number, .paren: return inner
        // Prometheus's positions leave the parentheses out, as they do the words of min_of and max_of.
        default: return .paren(inner, range: inner.range)
        }
    }

    private mutating func parseDurationLiteral() throws(PromQLSyntaxError) -> DurationExpr {
        let literal = try parseNumberOrDuration()
        if literal.value > Self.secondsMax || literal.value < -Self.secondsMax {
            throw failure(literal.range, "duration out of range")
        }
        if literal.isDuration {
            let ms = GoNumber.int64((literal.value * 1000).rounded())
            return .literal(ms: ms, range: literal.range)
        }
        return .number(literal.value, range: literal.range)
    }

    /// `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`.
    private mutating func parseDurationFunction(
        _ place: DurationPlace
    ) throws(PromQLSyntaxError) -> DurationExpr {
        let word = try advance()
        _ = try expect(.leftParen, in: place.name, expecting: place.expected)
        switch word.kind {
        case .preprocessor(.minOf), .preprocessor(.maxOf):
            let first = try parseDuration(place)
            _ = try expect(.comma, in: place.name, expecting: place.expected)
            let second = try parseDuration(place)
            _ = try expect(.rightParen, in: place.name, expecting: place.expected)
            let range = SourceRange(first.range.start, second.range.end)
            return word.kind == .preprocessor(.minOf)
                ? .minOf(first, second, range: range) : .maxOf(first, second, range: range)
        default:
            let close = try expect(.rightParen, in: place.name, expecting: place.expected)
            let range = SourceRange(word.start, close.end)
            return word.kind == .preprocessor(.step) ? .step(range: range) : .range(range: range)
        }
    }

    // MARK: Offsets

    /// The duration after `offset`: one term. `offset 2 ^ 2` is the square of a selector; only what
    /// begins with a parenthesis goes on with operators.
    ///
    /// - Returns: nil for an offset of 0.
    mutating func parseOffsetDuration() throws(PromQLSyntaxError) -> DurationExpr? {
        durationOperators = 0
        let place = DurationPlace("offset", Self.anyDuration)
        let first = try peek()
        let duration: DurationExpr
        switch first.kind {
        case .binary(.add), .binary(.subtract):
            try advance()
            let isNegation = first.kind == .binary(.subtract)
            let operand: DurationExpr
            if case .binary = try peek().kind {
                operand = try parseDuration(place, above: BinaryOperator.unaryPrecedence)
            } else {
                operand = try parseDurationOperand(place)
            }
            duration = operand.signed(isNegation, from: first.start)
        case .leftParen:
            let operand = try parseDurationOperand(place)
            duration = try parseDurationOperators(place, after: operand, above: 0)
        default: duration = try parseDurationOperand(place)
        }
        let offset = duration.asLength
        if case .literal(0, _) = offset { return nil }
        return offset
    }
}

extension BinaryOperator {
    /// What durations can be combined with.
    fileprivate var isArithmetic: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .modulo, .power: true
        default: false
        }
    }
}

extension DurationExpr {
    package var range: SourceRange {
        switch self {
        case .literal(_, let range), .step(let range), .range(let range), .negate(_, let range),
            .binary(_, _, _, let range), .minOf(_, _, let range), .maxOf(_, _, let range),
            .paren(_, let range), .number(_, let range):
            range
        }
    }

    /// Go's `Duration.Seconds()`.
    static func seconds(ms: Int64) -> Double {
        Double(ms / 1000) + Double(ms % 1000 * 1_000_000) / 1e9
    }

    fileprivate var isZeroLiteral: Bool {
        switch self {
        case .literal(let ms, _): ms == 0
        case .number(let value, _): value == 0
        default: false
        }
    }

    /// Where a length is wanted, a bare number is one of seconds.
    fileprivate var asLength: DurationExpr {
        guard case .number(let seconds, let range) = self else { return self }
        let nanoseconds = GoNumber.int64((seconds * 1e9).rounded(.toNearestOrAwayFromZero))
        return .literal(ms: nanoseconds / 1_000_000, range: range)
    }

    /// With a sign, which literals take in.
    fileprivate func signed(_ isNegation: Bool, from start: Int) -> DurationExpr {
        let wide = SourceRange(start, range.end)
        switch self {
        case .literal(let ms, _): return .literal(ms: isNegation ? -ms : ms, range: wide)
        case .number(let value, _): return .number(isNegation ? -value : value, range: wide)
        default: return isNegation ? .negate(self, range: wide) : self
        }
    }
}

import TSQBase
import TSQModel

extension BinaryOperator {
    /// Larger binds tighter.
    var precedence: Int {
        switch self {
        case .or: 1
        case .and, .unless: 2
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .trimUpper,
            .trimLower:
            3
        case .add, .subtract: 4
        case .multiply, .divide, .modulo, .atan2: 5
        case .power: 6
        }
    }

    static let unaryPrecedence = 5
}

extension Parser {
    /// The whole text as one expression, not yet type-checked.
    mutating func parseWhole() throws(PromQLSyntaxError) -> Expr {
        if try peek().kind == .endOfInput {
            throw failure(SourceRange(0, 0), "no expression found in input")
        }
        let expression = try parseExpression()
        if try peek().kind != .endOfInput { throw unexpected() }
        return expression
    }

    /// An operand followed by all operators that bind tighter than `precedenceMin`.
    mutating func parseExpression(
        above precedenceMin: Int = 0
    ) throws(PromQLSyntaxError) -> Expr {
        try enter(at: try peek().range)
        var left = try parseUnary()
        var leftHeight = height
        while case .binary(let operation) = try peek().kind, operation.precedence > precedenceMin {
            let token = try advance()
            let (matching, returnsBool) = try parseBinaryModifiers()
            // Only ^ associates to the right.
            let right = try parseExpression(
                above: operation == .power ? operation.precedence - 1 : operation.precedence)
            let node = BinaryExpr(
                operation: operation, left: left, right: right, matching: matching,
                returnsBool: returnsBool)
            left = .binary(node)
            try setHeight(above: max(leftHeight, height), at: token.range)
            leftHeight = height
            if !options.fillModifiers, matching.fillLeft != nil || matching.fillRight != nil {
                throw failure(
                    left.range, "binop fill modifiers are experimental and not enabled")
            }
        }
        height = leftHeight
        leave()
        return left
    }

    private mutating func parseUnary() throws(PromQLSyntaxError) -> Expr {
        let token = try peek()
        let isNegation = token.kind == .binary(.subtract)
        guard isNegation || token.kind == .binary(.add) else { return try parsePostfix() }
        try advance()
        let operand = try parseExpression(above: BinaryOperator.unaryPrecedence)
        if case .number(var literal) = operand {
            if isNegation { literal.value *= -1 }
            literal.range.start = token.start
            return .number(literal)
        }
        try setHeight(above: height, at: token.range)
        return .unary(
            UnaryExpr(
                isNegation: isNegation, operand: operand,
                range: SourceRange(token.start, operand.range.end)))
    }

    /// A primary with its `[…]`, `offset …`, `@ …`, `anchored`, `smoothed`.
    private mutating func parsePostfix() throws(PromQLSyntaxError) -> Expr {
        height = 1
        var expression = try parsePrimary()
        while true {
            let token = try peek()
            switch token.kind {
            case .leftBracket: expression = try parseBrackets(after: expression)
            case .keyword(.offset): expression = try parseOffset(after: expression)
            case .at: expression = try parseAt(after: expression)
            case .keyword(.anchored), .keyword(.smoothed):
                try advance()
                try setExtended(&expression, isAnchored: token.kind == .keyword(.anchored))
            default: return expression
            }
            try setHeight(above: height, at: token.range)
        }
    }

    private mutating func parsePrimary() throws(PromQLSyntaxError) -> Expr {
        let token = try peek()
        switch token.kind {
        case .number, .duration: return .number(try parseNumberOrDuration())
        case .string:
            try advance()
            let bytes = try unquote(token)
            var literal = StringLiteral(
                value: String(decoding: bytes, as: UTF8.self), range: token.range)
            if !literal.value.utf8.elementsEqual(bytes) { literal.invalidBytes = bytes }
            return .string(literal)
        case .leftParen:
            try advance()
            let inner = try parseExpression()
            let close = try expect(.rightParen)
            try setHeight(above: height, at: token.range)
            return .paren(ParenExpr(inner: inner, range: SourceRange(token.start, close.end)))
        case .leftBrace: return .vectorSelector(try parseSelector(name: nil))
        case .aggregator(let operation):
            try advance()
            switch try peek().kind {
            case .leftParen, .keyword(.by), .keyword(.without):
                return try parseAggregation(operation, token)
            default: return .vectorSelector(try parseSelector(name: token))
            }
        case .identifier, .preprocessor:
            try advance()
            if try peek().kind == .leftParen { return try parseCall(token) }
            return .vectorSelector(try parseSelector(name: token))
        default:
            guard token.isMetricName else { throw unexpected() }
            try advance()
            return .vectorSelector(try parseSelector(name: token))
        }
    }

    /// `5`, `0x1F`, `5m`.
    mutating func parseNumberOrDuration() throws(PromQLSyntaxError) -> NumberLiteral {
        let token = try advance()
        if token.kind == .duration {
            do {
                let ms = try PromDuration.parse(token.text)
                return NumberLiteral(
                    value: DurationExpr.seconds(ms: ms), isDuration: true, range: token.range)
            } catch {
                throw failure(token.range, error.message)
            }
        }
        switch LiteralText.number(token.text) {
        case .success(let value): return NumberLiteral(value: value, range: token.range)
        case .failure(let reason):
            throw failure(token.range, "error parsing number: " + reason.message)
        }
    }

    func unquote(_ token: Token) throws(PromQLSyntaxError) -> [UInt8] {
        if let bytes = LiteralText.unquote(token.text) { return bytes }
        throw failure(
            token.range, "error unquoting string \(GoQuote.quoted(token.text)): invalid syntax")
    }

    // MARK: Calls

    private mutating func parseCall(_ name: Token) throws(PromQLSyntaxError) -> Expr {
        let arguments = try parseArguments()
        // Words of the language that are functions, too, are lexed in any case.
        let text = name.kind == .identifier ? name.text : name.text.lowercased()
        guard let function = FunctionTable.find(text) else {
            throw failure(name.range, "unknown function with name \(GoQuote.quoted(name.text))")
        }
        if function.isExperimental, !options.experimentalFunctions {
            throw failure(name.range, "function \(GoQuote.quoted(name.text)) is not enabled")
        }
        return .call(
            CallExpr(
                function: function, arguments: arguments,
                range: SourceRange(name.start, lastConsumedEnd)))
    }

    private mutating func parseArguments() throws(PromQLSyntaxError) -> [Expr] {
        _ = try expect(.leftParen)
        if try accept(.rightParen) != nil { return [] }
        var arguments = [try parseExpression()]
        var heightMax = height
        while let comma = try accept(.comma) {
            if !(try peek().startsExpression) {
                throw failure(
                    comma.range, "trailing commas not allowed in function call args")
            }
            arguments.append(try parseExpression())
            heightMax = max(heightMax, height)
        }
        let close = try expect(.rightParen)
        try setHeight(above: heightMax, at: close.range)
        return arguments
    }

    // MARK: Aggregations

    private mutating func parseAggregation(
        _ operation: AggregateOperator, _ token: Token
    ) throws(PromQLSyntaxError) -> Expr {
        aggregationDepth += 1
        var grouping: (labels: [String], isWithout: Bool)? = try parseGroupingModifier()
        let arguments = try parseArguments()
        if grouping == nil { grouping = try parseGroupingModifier() }
        aggregationDepth -= 1
        let range = SourceRange(token.start, aggregationEnd)
        if arguments.isEmpty {
            throw failure(range, "no arguments for aggregate expression provided")
        }
        if operation.isExperimental, !options.experimentalFunctions {
            throw failure(
                range,
                "\(operation.rawValue)() is experimental and must be enabled with "
                    + "--enable-feature=promql-experimental-functions")
        }
        let wanted = operation.takesParameter ? 2 : 1
        if arguments.count != wanted {
            throw failure(
                range,
                "wrong number of arguments for aggregate expression provided, "
                    + "expected \(wanted), got \(arguments.count)")
        }
        return .aggregate(
            AggregateExpr(
                operation: operation, operand: arguments[wanted - 1],
                parameter: operation.takesParameter ? arguments[0] : nil,
                grouping: grouping?.labels ?? [], isWithout: grouping?.isWithout ?? false,
                range: range))
    }

    /// Every aggregation ends with a closing parenthesis, its own or that of its grouping.
    private var aggregationEnd: Int { lastConsumedEnd }

    /// `by (…)` or `without (…)`.
    private mutating func parseGroupingModifier() throws(PromQLSyntaxError) -> (
        labels: [String], isWithout: Bool
    )? {
        if try accept(.keyword(.by)) != nil { return (try parseGrouping(), false) }
        if try accept(.keyword(.without)) != nil { return (try parseGrouping(), true) }
        return nil
    }
}

import TSQBase
import TSQModel

/// Recursive descent over the tokens of one query.
///
/// Tokens are read only when a decision needs them: Prometheus's parser reports the first error that it
/// meets, and a complaint of the lexer about the next token comes after a complaint about what has been
/// read. For the same reason the first error ends everything (Prometheus collects them and prints the
/// first).
struct Parser {
    /// Nesting of parentheses, calls, signs and powers: the parser calls itself for each.
    static let nestingMax = 200
    /// Height of the tree, to which chains of operators (`a or b or c …`) add: what recursion over a
    /// tree, also that which releases it, must bear on any thread.
    static let heightMax = 500

    let text: String
    let options: ParseOptions
    var lexer: Lexer
    private var lookahead: Token?
    /// The token that was read last: that is the unexpected one.
    private(set) var lastRead: Token
    /// Where the last closing bracket, number or duration that was consumed ends.
    private(set) var lastConsumedEnd = 0
    /// > 0 within an aggregation: an error that nothing else explains is then reported "in
    /// aggregation".
    var aggregationDepth = 0
    private var depth = 0
    /// The height of the tree that was returned last.
    var height = 0
    /// Operators of the duration that is being read: they bound its height.
    var durationOperators = 0

    init(_ text: String, options: ParseOptions) {
        self.text = text
        self.options = options
        lexer = Lexer(text)
        lastRead = Token(kind: .endOfInput, start: 0, end: 0, text: "")
    }

    // MARK: Tokens

    /// The next token without consuming it.
    mutating func peek() throws(PromQLSyntaxError) -> Token {
        if let lookahead { return lookahead }
        let token = lexer.next()
        lastRead = token
        if case .error(let reason) = token.kind { throw failure(token.range, reason) }
        lookahead = token
        return token
    }

    @discardableResult
    mutating func advance() throws(PromQLSyntaxError) -> Token {
        let token = try peek()
        lookahead = nil
        lastConsumedEnd = token.end
        return token
    }

    /// Consumes the next token if it is a `kind`.
    mutating func accept(_ kind: TokenKind) throws(PromQLSyntaxError) -> Token? {
        try peek().kind == kind ? try advance() : nil
    }

    mutating func expect(
        _ kind: TokenKind, in context: String = "", expecting expected: String = ""
    ) throws(PromQLSyntaxError) -> Token {
        if let token = try accept(kind) { return token }
        throw unexpected(in: context, expecting: expected)
    }

    // MARK: Errors

    func failure(_ range: SourceRange, _ reason: String) -> PromQLSyntaxError {
        PromQLSyntaxError(in: text, range, reason)
    }

    /// `unexpected <token> in …, expected …`, about the token that was read last.
    func unexpected(in context: String = "", expecting expected: String = "") -> PromQLSyntaxError {
        let place = context.isEmpty && aggregationDepth > 0 ? "aggregation" : context
        var reason = "unexpected " + lastRead.summary
        if !place.isEmpty { reason += " in " + place }
        if !expected.isEmpty { reason += ", expected " + expected }
        return failure(lastRead.range, reason)
    }

    // MARK: Depth

    /// Call at the start of whatever recurses, `leave` at its end.
    mutating func enter(at range: SourceRange) throws(PromQLSyntaxError) {
        depth += 1
        if depth > Self.nestingMax {
            throw failure(
                range, "expression is nested too deeply (limit \(Self.nestingMax))")
        }
    }

    mutating func leave() { depth -= 1 }

    /// Says that the tree to be returned has `children` below its root.
    mutating func setHeight(
        above children: Int, at range: SourceRange
    ) throws(PromQLSyntaxError) {
        height = children + 1
        if height > Self.heightMax { throw tooHigh(range) }
    }

    mutating func countDurationOperator(at range: SourceRange) throws(PromQLSyntaxError) {
        durationOperators += 1
        if durationOperators > Self.heightMax { throw tooHigh(range) }
    }

    func tooHigh(_ range: SourceRange) -> PromQLSyntaxError {
        failure(range, "expression has too many operators in a row (limit \(Self.heightMax))")
    }
}

extension PromQLSyntaxError {
    /// With Prometheus's message: `<line>:<column>: parse error: <reason>`, columns in bytes from 1.
    init(in text: String, _ range: SourceRange, _ reason: String) {
        self.init(
            range: range, reason: reason,
            message: Self.position(of: range.start, in: text) + ": parse error: " + reason)
    }

    /// - Source: Prometheus promql/parser/posrange, `StartPosInput`.
    private static func position(of offset: Int, in text: String) -> String {
        if text.isEmpty { return "unknown position" }
        var line = 1
        var lineStart = 0
        for (index, byte) in text.utf8.prefix(offset).enumerated() where byte == 0x0A {
            line += 1
            lineStart = index + 1
        }
        return "\(line):\(offset - lineStart + 1)"
    }
}

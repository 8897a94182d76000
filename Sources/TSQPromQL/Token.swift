import TSQBase

/// What the lexer tells apart.
enum TokenKind: Equatable {
    case endOfInput
    /// The lexer's complaint.
    case error(String)
    /// A name without a colon.
    case identifier
    /// A name with a colon.
    case metricIdentifier
    case number
    case duration
    case string
    case leftParen, rightParen, leftBrace, rightBrace, leftBracket, rightBracket
    case comma, colon, at
    /// `=`; `!=` is `binary(.notEqual)` also inside braces.
    case assign
    case equalRegex, notEqualRegex
    case binary(BinaryOperator)
    case aggregator(AggregateOperator)
    case keyword(Keyword)
    case preprocessor(Preprocessor)
}

enum Keyword: String, CaseIterable {
    case offset, smoothed, anchored, by, without, on, ignoring, bool, fill
    case groupLeft = "group_left"
    case groupRight = "group_right"
    case fillLeft = "fill_left"
    case fillRight = "fill_right"

    /// Whether a metric may be called so without quotes.
    var isMetricName: Bool {
        switch self {
        case .on, .ignoring, .bool, .groupLeft, .groupRight: false
        default: true
        }
    }
}

/// Words that stand for something of the query itself, and the duration functions.
enum Preprocessor: String, CaseIterable {
    case start, end, step, range
    case minOf = "min_of"
    case maxOf = "max_of"
}

struct Token {
    var kind: TokenKind
    /// UTF-8 bytes of the query.
    var start: Int
    var end: Int
    /// As written.
    var text: String

    var range: SourceRange { SourceRange(start, end) }

    /// As error texts name it: `identifier "bar"`, `<op:+>`, `end of input`.
    ///
    /// - Source: Prometheus promql/parser/lex.go, `Item.desc`.
    var summary: String {
        switch kind {
        case .endOfInput: "end of input"
        case .error(let text): text
        case .identifier: "identifier " + GoQuote.quoted(text)
        case .metricIdentifier: "metric identifier " + GoQuote.quoted(text)
        case .number: "number " + shortened
        case .duration: "duration " + shortened
        case .string: "string " + shortened
        case .keyword: "<\(text)>"
        case .binary, .at, .equalRegex, .notEqualRegex: "<op:\(text)>"
        case .aggregator: "<aggr:\(text)>"
        default: shortened
        }
    }

    private var shortened: String {
        text.utf8.count > 10
            ? GoQuote.quoted(String(String.UnicodeScalarView(text.unicodeScalars.prefix(10))))
                + "..."
            : GoQuote.quoted(text)
    }

    /// Whether the token may be a metric's name.
    var isMetricName: Bool {
        switch kind {
        case .identifier, .metricIdentifier, .aggregator, .preprocessor: true
        case .binary(let operation): operation.isSet
        case .keyword(let keyword): keyword.isMetricName
        default: false
        }
    }

    /// Whether the token may be a label's name in `by (…)` and its like.
    var isLabelName: Bool {
        switch kind {
        case .identifier, .metricIdentifier, .aggregator, .preprocessor, .keyword: true
        case .binary(let operation): operation.isSet || operation == .atan2
        default: false
        }
    }

    var startsExpression: Bool {
        switch kind {
        case .number, .duration, .string, .leftParen, .leftBrace, .binary(.add), .binary(.subtract):
            true
        default: isMetricName
        }
    }
}

extension TokenKind {
    /// Words with a meaning, in lower case.
    static let words: [String: TokenKind] = {
        var words: [String: TokenKind] = ["inf": .number, "nan": .number]
        for operation in [BinaryOperator.and, .or, .unless, .atan2] {
            words[operation.rawValue] = .binary(operation)
        }
        for operation in AggregateOperator.allCases {
            words[operation.rawValue] = .aggregator(operation)
        }
        for keyword in Keyword.allCases { words[keyword.rawValue] = .keyword(keyword) }
        for word in Preprocessor.allCases { words[word.rawValue] = .preprocessor(word) }
        return words
    }()
}

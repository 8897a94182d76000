import TSQBase
import TSQModel

/// A range of the query text in UTF-8 bytes, the end exclusive.
package struct SourceRange: Hashable, Sendable {
    package var start: Int
    package var end: Int

    package init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }
}

/// The type of an expression, with Prometheus's names.
package enum ValueType: String, Sendable {
    case none, scalar, string
    case vector
    case matrix

    /// As error texts call it (`instant vector`).
    package var documented: String {
        switch self {
        case .vector: "instant vector"
        case .matrix: "range vector"
        case .scalar, .string, .none: rawValue
        }
    }
}

/// A PromQL expression, parsed and type-checked.
///
/// - Source: the shapes of Prometheus promql/parser/ast.go, 3.14.
package indirect enum Expr: Sendable {
    case number(NumberLiteral)
    case string(StringLiteral)
    case paren(ParenExpr)
    case unary(UnaryExpr)
    case binary(BinaryExpr)
    case aggregate(AggregateExpr)
    case call(CallExpr)
    case vectorSelector(VectorSelector)
    case matrixSelector(MatrixSelector)
    case subquery(SubqueryExpr)

    package var type: ValueType {
        switch self {
        case .number: .scalar
        case .string: .string
        case .paren(let node): node.inner.type
        case .unary(let node): node.operand.type
        case .binary(let node):
            node.left.type == .scalar && node.right.type == .scalar ? .scalar : .vector
        case .aggregate, .vectorSelector: .vector
        case .call(let node): node.function.returnType
        case .matrixSelector, .subquery: .matrix
        }
    }

    package var range: SourceRange {
        switch self {
        case .number(let node): node.range
        case .string(let node): node.range
        case .paren(let node): node.range
        case .unary(let node): node.range
        case .binary(let node): SourceRange(node.left.range.start, node.right.range.end)
        case .aggregate(let node): node.range
        case .call(let node): node.range
        case .vectorSelector(let node): node.range
        case .matrixSelector(let node): node.range
        case .subquery(let node): node.range
        }
    }
}

package struct NumberLiteral: Sendable {
    package var value: Double
    /// Written as a duration (`5m`): printed as one.
    package var isDuration: Bool
    package var range: SourceRange

    package init(value: Double, isDuration: Bool = false, range: SourceRange) {
        self.value = value
        self.isDuration = isDuration
        self.range = range
    }
}

package struct StringLiteral: Sendable {
    /// Bytes that are no UTF-8 (`"\xff"`) are replaced by U+FFFD.
    package var value: String
    /// The exact bytes, where they are no UTF-8.
    package var invalidBytes: [UInt8]?
    package var range: SourceRange

    package init(value: String, range: SourceRange) {
        self.value = value
        self.range = range
    }
}

package struct ParenExpr: Sendable {
    package var inner: Expr
    package var range: SourceRange

    package init(inner: Expr, range: SourceRange) {
        self.inner = inner
        self.range = range
    }
}

package struct UnaryExpr: Sendable {
    package var isNegation: Bool
    package var operand: Expr
    package var range: SourceRange

    package init(isNegation: Bool, operand: Expr, range: SourceRange) {
        self.isNegation = isNegation
        self.operand = operand
        self.range = range
    }
}

package enum BinaryOperator: String, Sendable, CaseIterable {
    case power = "^"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case atan2
    case add = "+"
    case subtract = "-"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    /// Native histograms: keep the buckets below / above the number.
    case trimUpper = "</"
    case trimLower = ">/"
    case and
    case unless
    case or

    package var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    package var isSet: Bool { self == .and || self == .unless || self == .or }
}

/// How the sides of a vector–vector operation find each other.
package struct VectorMatching: Sendable {
    package enum Cardinality: String, Sendable {
        case oneToOne = "one-to-one"
        case manyToOne = "many-to-one"
        case oneToMany = "one-to-many"
        case manyToMany = "many-to-many"
    }

    package var cardinality: Cardinality = .oneToOne
    /// The labels of `on` or `ignoring`.
    package var labels: [String] = []
    /// `on(…)`, else `ignoring(…)` (also where neither is written).
    package var isOn = false
    /// The extra labels of `group_left(…)`/`group_right(…)`.
    package var include: [String] = []
    /// `fill` values of the missing side.
    package var fillLeft: Double?
    package var fillRight: Double?
    /// Both were given as one `fill`: seen in print only.
    package var isFillOfBoth = false

    package init() {}
}

package struct BinaryExpr: Sendable {
    package var operation: BinaryOperator
    package var left: Expr
    package var right: Expr
    /// nil unless both sides are vectors.
    package var matching: VectorMatching?
    package var returnsBool: Bool

    package init(
        operation: BinaryOperator, left: Expr, right: Expr, matching: VectorMatching?,
        returnsBool: Bool
    ) {
        self.operation = operation
        self.left = left
        self.right = right
        self.matching = matching
        self.returnsBool = returnsBool
    }
}

package enum AggregateOperator: String, Sendable, CaseIterable {
    case sum, avg, count, min, max, group, stddev, stdvar, topk, bottomk, quantile
    case countValues = "count_values"
    case limitk
    case limitRatio = "limit_ratio"

    package var takesParameter: Bool {
        switch self {
        case .topk, .bottomk, .quantile, .countValues, .limitk, .limitRatio: true
        default: false
        }
    }

    package var isExperimental: Bool { self == .limitk || self == .limitRatio }
}

package struct AggregateExpr: Sendable {
    package var operation: AggregateOperator
    package var operand: Expr
    package var parameter: Expr?
    package var grouping: [String]
    /// `without (…)`, else `by (…)`.
    package var isWithout: Bool
    package var range: SourceRange

    package init(
        operation: AggregateOperator, operand: Expr, parameter: Expr?, grouping: [String],
        isWithout: Bool, range: SourceRange
    ) {
        self.operation = operation
        self.operand = operand
        self.parameter = parameter
        self.grouping = grouping
        self.isWithout = isWithout
        self.range = range
    }
}

package struct CallExpr: Sendable {
    package var function: Function
    package var arguments: [Expr]
    package var range: SourceRange

    package init(function: Function, arguments: [Expr], range: SourceRange) {
        self.function = function
        self.arguments = arguments
        self.range = range
    }
}

/// `@ …`.
package enum AtModifier: Sendable, Hashable {
    case timestampMs(Int64)
    case start
    case end
}

/// A length of time in a selector: a number, or arithmetic that is worked out when the query's step
/// and range are known.
package indirect enum DurationExpr: Sendable {
    /// Milliseconds (exact, as written).
    case literal(ms: Int64, range: SourceRange)
    case step(range: SourceRange)
    case range(range: SourceRange)
    case negate(DurationExpr, range: SourceRange)
    /// `+ - * / % ^`.
    case binary(BinaryOperator, DurationExpr, DurationExpr, range: SourceRange)
    case minOf(DurationExpr, DurationExpr, range: SourceRange)
    case maxOf(DurationExpr, DurationExpr, range: SourceRange)
    case paren(DurationExpr, range: SourceRange)
    /// A bare number inside arithmetic: seconds where a length is wanted, a factor in `5m * 2`.
    case number(Double, range: SourceRange)
}

package struct VectorSelector: Sendable {
    /// The name written before the braces, if one was.
    package var name: String?
    /// All conditions as written; that of a name before the braces is the last.
    package var matchers: [LabelMatcher]
    package var offset: DurationExpr?
    package var at: AtModifier?
    package var isAnchored = false
    package var isSmoothed = false
    package var range: SourceRange

    package init(name: String?, matchers: [LabelMatcher], range: SourceRange) {
        self.name = name
        self.matchers = matchers
        self.range = range
    }
}

package struct MatrixSelector: Sendable {
    package var selector: VectorSelector
    package var length: DurationExpr
    package var range: SourceRange

    package init(selector: VectorSelector, length: DurationExpr, range: SourceRange) {
        self.selector = selector
        self.length = length
        self.range = range
    }
}

package struct SubqueryExpr: Sendable {
    package var inner: Expr
    package var length: DurationExpr
    /// nil: the default resolution (global evaluation interval).
    package var step: DurationExpr?
    package var offset: DurationExpr?
    package var at: AtModifier?
    package var range: SourceRange

    package init(inner: Expr, length: DurationExpr, step: DurationExpr?, range: SourceRange) {
        self.inner = inner
        self.length = length
        self.step = step
        self.range = range
    }
}

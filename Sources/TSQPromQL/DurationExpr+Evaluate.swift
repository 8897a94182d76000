import Glibc
import TSQBase

/// What `step()` and `range()` stand for in a duration: those of the query.
package struct DurationContext: Sendable, Hashable {
    /// The query's resolution; that of an instant query is what the engine takes for it.
    package var stepMs: Int64
    /// End − start of the query; 0 for an instant query.
    package var rangeMs: Int64

    package init(stepMs: Int64, rangeMs: Int64) {
        self.stepMs = stepMs
        self.rangeMs = rangeMs
    }
}

/// A duration that cannot be worked out.
package struct DurationError: Error, Equatable, Sendable {
    /// With the place as Prometheus gives it, in bytes from 0: `4:8: division by zero`.
    package let message: String

    init(_ range: SourceRange, _ reason: String) {
        message = "\(range.start):\(range.end): \(reason)"
    }
}

extension DurationExpr {
    /// The length in milliseconds, what is below them cut off.
    ///
    /// - Parameter allowsNegative: an offset may be negative or 0, a range and a subquery's step not.
    /// - Throws: `DurationError` for a length that must not be, and for a division by 0.
    /// - Source: Prometheus promql/durations.go.
    package func evaluateMs(
        in context: DurationContext, allowsNegative: Bool
    ) throws(DurationError) -> Int64 {
        if case .literal(let ms, let range) = self {
            if ms <= 0 && !allowsNegative {
                throw DurationError(range, "duration must be greater than 0")
            }
            return ms
        }
        let seconds = try evaluateSeconds(in: context)
        if !allowsNegative, !(seconds > 0) {
            throw DurationError(range, "duration must be greater than 0")
        }
        // The limit is that of Go's nanoseconds; beyond it Prometheus's result wraps.
        if !(seconds.magnitude < 0x1p63 / 1e9) {
            throw DurationError(range, "duration is out of range")
        }
        return GoNumber.int64(seconds * 1000)
    }

    /// The value in seconds, as Prometheus's floating-point arithmetic has it.
    func evaluateSeconds(in context: DurationContext) throws(DurationError) -> Double {
        switch self {
        case .literal(let ms, _): return Self.seconds(ms: ms)
        case .number(let value, _): return value
        case .step: return Self.seconds(ms: context.stepMs)
        case .range: return Self.seconds(ms: context.rangeMs)
        case .negate(let operand, _): return -(try operand.evaluateSeconds(in: context))
        case .paren(let inner, _): return try inner.evaluateSeconds(in: context)
        case .minOf(let first, let second, _):
            let (a, b) = try Self.pair(first, second, in: context)
            return a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
        case .maxOf(let first, let second, _):
            let (a, b) = try Self.pair(first, second, in: context)
            return a.isNaN || b.isNaN ? .nan : Swift.max(a, b)
        case .binary(let operation, let left, let right, let range):
            let (a, b) = try Self.pair(left, right, in: context)
            switch operation {
            case .add: return a + b
            case .subtract: return a - b
            case .multiply: return a * b
            case .divide:
                if b == 0 { throw DurationError(range, "division by zero") }
                return a / b
            case .modulo:
                if b == 0 { throw DurationError(range, "modulo by zero") }
                return fmod(a, b)
            case .power: return pow(a, b)
            default: preconditionFailure("BUG: \(operation) in a duration")
            }
        }
    }

    private static func pair(
        _ a: DurationExpr, _ b: DurationExpr, in context: DurationContext
    ) throws(DurationError) -> (Double, Double) {
        (try a.evaluateSeconds(in: context), try b.evaluateSeconds(in: context))
    }
}

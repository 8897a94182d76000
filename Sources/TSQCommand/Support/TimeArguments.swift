import ArgumentParser
import TSQBase
import TSQHTTP

/// A length of time on the command line: `15s`, `1h30m`, or seconds.
struct DurationArgument: ExpressibleByArgument, Equatable {
    let ms: Int64

    init(ms: Int64) { self.ms = ms }

    init?(argument: String) {
        if let ms = try? PromDuration.parse(argument) {
            self.init(ms: ms)
        } else if let seconds = try? DecimalParse.double(argument), seconds.isFinite {
            self.init(ms: GoNumber.int64Saturating((seconds * 1000).rounded()))
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { PromDuration.format(ms: ms) }
}

/// A time on the command line: RFC 3339, seconds since 1970, `now`, or `-5m` before now.
struct TimeArgument: ExpressibleByArgument, Equatable {
    enum Value: Equatable {
        case absolute(ms: TimestampMs)
        case beforeNow(ms: Int64)
    }

    let value: Value

    init?(argument: String) {
        if argument == "now" {
            value = .beforeNow(ms: 0)
        } else if let seconds = try? DecimalParse.double(argument), seconds.isFinite {
            value = .absolute(ms: GoNumber.int64Saturating((seconds * 1000).rounded()))
        } else if argument.hasPrefix("-"), let ms = try? PromDuration.parse(argument.dropFirst()) {
            value = .beforeNow(ms: ms)
        } else if let ms = RFC3339.parse(argument) {
            value = .absolute(ms: ms)
        } else {
            return nil
        }
    }

    func resolved(nowMs: TimestampMs) -> TimestampMs {
        switch value {
        case .absolute(let ms): ms
        case .beforeNow(let ms): nowMs - ms
        }
    }
}

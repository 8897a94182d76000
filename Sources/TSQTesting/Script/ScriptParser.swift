import TSQBase
import TSQModel

/// Reads a `.test` script.
///
/// - Source: behaviour of Prometheus promql/promqltest/test.go, 3.14.
struct ScriptParser {
    /// Trimmed; comments are empty.
    private let lines: [String]
    private var index = 0

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let trimmed = Self.trimmed(line)
            return trimmed.hasPrefix("#") ? "" : String(trimmed)
        }
    }

    static func trimmed(_ text: some StringProtocol) -> Substring {
        func isSpace(_ character: Character) -> Bool { character.isWhitespace }
        let head = Substring(text).drop(while: isSpace)
        guard let end = head.lastIndex(where: { !isSpace($0) }) else { return "" }
        return head[...end]
    }

    mutating func parse() -> [ScriptCommand] {
        var commands: [ScriptCommand] = []
        while index < lines.count {
            let line = lines[index]
            let number = index + 1
            index += 1
            if line.isEmpty { continue }
            do {
                commands.append(ScriptCommand(line: number, action: try action(line)))
            } catch {
                commands.append(ScriptCommand(line: number, action: .invalid(error.reason)))
                while index < lines.count, !lines[index].isEmpty { index += 1 }
            }
        }
        return commands
    }

    private mutating func action(
        _ line: String
    ) throws(ScriptSyntaxError) -> ScriptCommand.Action {
        var words = Words(line)
        let command = words.next().lowercased()
        switch command {
        case "clear": return .clear
        case "load", "load_with_nhcb":
            return .load(
                try load(
                    stepMs: try Self.duration(words.rest),
                    convertsClassicHistograms: command != "load"))
        case let word where word.hasPrefix("eval"):
            return .evaluate(try evaluation(modifier: word.dropFirst(4), &words))
        default: throw ScriptSyntaxError("invalid command \(GoQuote.quoted(line))")
        }
    }

    /// The next line of the block, nil at its end.
    private mutating func blockLine() -> String? {
        guard index < lines.count, !lines[index].isEmpty else { return nil }
        index += 1
        return lines[index - 1]
    }

    static func duration(_ text: some StringProtocol) throws(ScriptSyntaxError) -> Int64 {
        do {
            return try PromDuration.parse(text)
        } catch {
            throw ScriptSyntaxError("invalid duration \(GoQuote.quoted(text)): \(error.message)")
        }
    }

    // MARK: load

    private mutating func load(
        stepMs: Int64, convertsClassicHistograms: Bool
    ) throws(ScriptSyntaxError) -> ScriptLoad {
        var load = ScriptLoad(
            stepMs: stepMs, convertsClassicHistograms: convertsClassicHistograms)
        var defaults: [Int64?] = []
        var pending: (labels: LabelSet, startTimes: [Int64?])?
        while let line = blockLine() {
            var words = Words(line)
            let first = words.next()
            if first.hasSuffix("@st") {
                let startTimes = try StartTimeNotation.parse(words.rest)
                if first == "@st" {
                    defaults = startTimes
                } else if pending == nil {
                    pending = (
                        try SeriesNotation.parseLabels(first.dropLast(3)), startTimes
                    )
                } else {
                    throw ScriptSyntaxError("@st line has no following sample line")
                }
                continue
            }
            let (labels, values) = try SeriesNotation.parse(line)
            var startTimes: [Int64?] = []
            if let pending {
                guard pending.labels == labels, pending.startTimes.count == values.count else {
                    throw ScriptSyntaxError("@st line does not fit the sample line after it")
                }
                startTimes = pending.startTimes
            } else if !defaults.isEmpty {
                startTimes = values.indices.map { defaults[$0 % defaults.count] }
            }
            pending = nil
            load.series.append(
                ScriptLoad.Series(labels: labels, values: values, startTimes: startTimes))
        }
        if pending != nil { throw ScriptSyntaxError("@st line has no following sample line") }
        return load
    }

    // MARK: eval

    private mutating func evaluation(
        modifier: Substring, _ words: inout Words
    ) throws(ScriptSyntaxError) -> ScriptEvaluation {
        var evaluation = try head(&words)
        switch modifier {
        case "": break
        case "_fail": evaluation.expectsFailure = .any
        case "_warn": evaluation.warnings = [.any]
        case "_info": evaluation.infos = [.any]
        case "_ordered": evaluation.isOrdered = true
        default: throw ScriptSyntaxError("invalid command eval\(modifier)")
        }
        while let line = blockLine() {
            if try expectation(line, &evaluation) { continue }
            if let value = try? DecimalParse.double(line) {
                evaluation.expectedScalar = value
                break
            }
            let (labels, values) = try SeriesNotation.parse(line)
            if values.isEmpty { throw ScriptSyntaxError("a series without values") }
            if values.count > 1 && !evaluation.isRange && evaluation.rangeVector == nil {
                throw ScriptSyntaxError(
                    "several values for an instant query; say `expect range vector`")
            }
            evaluation.series.append(
                ScriptEvaluation.Expected(
                    position: evaluation.series.count + 1, labels: labels, values: values))
        }
        return evaluation
    }

    /// `instant at T QUERY` or `range from T to T step T QUERY`.
    private func head(_ words: inout Words) throws(ScriptSyntaxError) -> ScriptEvaluation {
        let kind = words.next()
        var times: [Int64] = []
        let markers = kind == "range" ? ["from", "to", "step"] : ["at"]
        guard kind == "range" || kind == "instant" else {
            throw ScriptSyntaxError("invalid evaluation: expected instant or range")
        }
        for marker in markers {
            guard words.next() == marker else {
                throw ScriptSyntaxError("invalid evaluation: expected \(GoQuote.quoted(marker))")
            }
            times.append(try Self.duration(words.next()))
        }
        if words.rest.isEmpty { throw ScriptSyntaxError("invalid evaluation: no query") }
        if kind == "instant" {
            return ScriptEvaluation(
                query: String(words.rest), isRange: false, startMs: times[0], endMs: times[0],
                stepMs: 0)
        }
        guard times[1] >= times[0] else { throw ScriptSyntaxError("end before start") }
        return ScriptEvaluation(
            query: String(words.rest), isRange: true, startMs: times[0], endMs: times[1],
            stepMs: times[2])
    }

    /// Takes an `expect …` line or one of the older spellings; false if `line` is neither.
    private func expectation(
        _ line: String, _ evaluation: inout ScriptEvaluation
    ) throws(ScriptSyntaxError) -> Bool {
        var words = Words(line)
        let first = words.next()
        if evaluation.expectsFailure != nil {
            if first == "expected_fail_message" {
                evaluation.expectsFailure = .exactly(String(words.rest))
                return true
            }
            if first == "expected_fail_regexp" {
                evaluation.expectsFailure = try Self.regex(words.rest)
                return true
            }
        }
        guard first == "expect" else { return false }
        let kind = words.next()
        switch kind {
        case "range" where words.rest.hasPrefix("vector"):
            _ = words.next()
            evaluation.rangeVector = try rangeVector(&words)
        case "string":
            var scanner = NotationScanner(words.rest)
            evaluation.expectedString = try scanner.quoted()
        case "ordered": evaluation.isOrdered = true
        case "no_warn": evaluation.forbidsWarnings = true
        case "no_info": evaluation.forbidsInfos = true
        case "fail": evaluation.expectsFailure = try Self.textMatch(words.rest)
        case "warn": evaluation.warnings.append(try Self.textMatch(words.rest))
        case "info": evaluation.infos.append(try Self.textMatch(words.rest))
        default: throw ScriptSyntaxError("invalid expectation \(GoQuote.quoted(line))")
        }
        let isContradictory =
            evaluation.forbidsWarnings && !evaluation.warnings.isEmpty
            || evaluation.forbidsInfos && !evaluation.infos.isEmpty
        if isContradictory { throw ScriptSyntaxError("contradictory expectations") }
        return true
    }

    private func rangeVector(
        _ words: inout Words
    ) throws(ScriptSyntaxError) -> (startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64) {
        var times: [Int64] = []
        for marker in ["from", "to", "step"] {
            guard words.next() == marker else {
                throw ScriptSyntaxError("invalid range vector: expected \(marker)")
            }
            times.append(try Self.duration(words.next()))
        }
        return (times[0], times[1], times[2])
    }

    private static func textMatch(
        _ text: Substring
    ) throws(ScriptSyntaxError) -> ScriptEvaluation.TextMatch {
        if text.isEmpty { return .any }
        if text.hasPrefix("msg:") { return .exactly(String(trimmed(text.dropFirst(4)))) }
        if text.hasPrefix("regex:") { return try regex(trimmed(text.dropFirst(6))) }
        throw ScriptSyntaxError("expected msg: or regex: at \(GoQuote.quoted(text))")
    }

    private static func regex(
        _ pattern: Substring
    ) throws(ScriptSyntaxError) -> ScriptEvaluation.TextMatch {
        do {
            // A script's pattern may match anywhere; ours are anchored.
            return .regex(try GoRegex(".*(?:" + pattern + ").*"))
        } catch {
            throw ScriptSyntaxError("invalid regex \(GoQuote.quoted(pattern)): \(error.message)")
        }
    }
}

/// The words of a line, one by one, and what is left.
struct Words {
    private(set) var rest: Substring

    init(_ line: some StringProtocol) { rest = ScriptParser.trimmed(line) }

    mutating func next() -> Substring {
        let word = rest.prefix { !$0.isWhitespace }
        rest = rest[word.endIndex...].drop { $0.isWhitespace }
        return word
    }
}

// Random queries, answered by the engine and by the reference evaluator, compared.
//
//     promql-fuzz FIRST COUNT     tries the seeds FIRST, FIRST+1, …; prints those whose answers
//                                 differ; exit code 1 when one does
//     promql-fuzz show SEED       prints the query of a seed and both answers
//     promql-fuzz show SEED QUERY answers to another query on the seed's data, at its times
//     promql-fuzz extreme FIRST COUNT   runs odd queries at odd times: nothing may trap
//     promql-fuzz script FILE…    runs test scripts against both
//     promql-fuzz parse QUERY…    prints each query as it is printed, or what is wrong with it
import TSQBase
import TSQEngine
import TSQPromQL
import TSQTesting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@main
struct PromQLFuzz {
    static func main() {
        let arguments = CommandLine.arguments
        if arguments.count > 2, arguments[1] == "script" {
            exit(runScripts(arguments[2...]) ? 0 : 1)
        }
        if arguments.count > 2, arguments[1] == "parse" {
            for query in arguments[2...] { parse(query) }
            exit(0)
        }
        if arguments.count == 4, arguments[1] == "extreme", let first = UInt64(arguments[2]),
            let count = UInt64(arguments[3])
        {
            runExtremes(first: first, count: count)
            exit(0)
        }
        if arguments.count == 4, arguments[1] == "show", let seed = UInt64(arguments[2]) {
            var trial = RandomTrial(seed: seed)
            trial.text = arguments[3]
            show(trial)
            exit(0)
        }
        guard arguments.count == 3, let number = UInt64(arguments[2]) else { usage() }
        if arguments[1] == "show" {
            show(RandomTrial(seed: number))
        } else if let first = UInt64(arguments[1]) {
            exit(compare(first: first, count: number) ? 0 : 1)
        } else {
            usage()
        }
    }

    /// A query that takes longer is named.
    private static let slowSeconds = 5

    private static func usage() -> Never {
        print(
            "usage: promql-fuzz FIRST COUNT | show SEED [QUERY] | extreme FIRST COUNT | "
                + "script FILE… | parse QUERY…")
        exit(2)
    }

    private static func parse(_ query: String) {
        do throws(PromQLSyntaxError) {
            let expr = try PromQLParser.parse(query, options: EngineOptions.script.parse)
            print("\(query)  =>  \(expr)")
        } catch {
            print("\(query)  =>  error \(error.message)")
        }
    }

    private static func runExtremes(first: UInt64, count: UInt64) {
        let clock = ContinuousClock()
        var answered = 0
        for seed in first..<(first &+ count) {
            let trial = ExtremeTrial(seed: seed)
            // Before it runs: a trap must not hide the query.
            if seed % progressEvery == 0 { print("at seed \(seed)") }
            let start = clock.now
            answered += trial.run()
            if clock.now - start > .seconds(slowSeconds) { print("slow: \(trial)") }
        }
        print("seeds \(first)..<\(first &+ count): \(answered) answers, no trap")
    }

    private static let progressEvery: UInt64 = 1000

    private static func runScripts(_ files: ArraySlice<String>) -> Bool {
        let evaluators: [(name: String, any ScriptEvaluator)] = [
            ("engine", EngineUnderScript()), ("reference", ReferenceEvaluator(options: .script)),
        ]
        var hasFailed = false
        for file in files {
            guard let text = contents(of: file) else {
                print("\(file): cannot be read")
                hasFailed = true
                continue
            }
            for (name, evaluator) in evaluators {
                let report = PromQLScript.run(text: text, fileName: file, evaluator: evaluator)
                for line in report.lines { print("\(name): \(line)") }
                if !report.failures.isEmpty { hasFailed = true }
            }
        }
        return !hasFailed
    }

    private static func contents(of file: String) -> String? {
        guard let stream = fopen(file, "r") else { return nil }
        defer { fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    private static func show(_ trial: RandomTrial) {
        print(trial)
        print("engine:    \(description(trial.engineAnswer))")
        print("reference: \(description(trial.expected))")
        if case .different(let difference) = trial.run() { print("differ: \(difference)") }
    }

    private static func description(_ answer: Result<QueryResult, QueryError>) -> String {
        switch answer {
        case .failure(let error): "error \(error.message)"
        case .success(let result):
            ([RandomTrial.text(of: result.value)] + result.warnings + result.infos)
                .joined(separator: "\n    ")
        }
    }

    private static func compare(first: UInt64, count: UInt64) -> Bool {
        let clock = ContinuousClock()
        let start = clock.now
        var (parsed, different) = (0, 0)
        for seed in first..<(first &+ count) {
            let trial = RandomTrial(seed: seed)
            let trialStart = clock.now
            defer {
                if clock.now - trialStart > .seconds(slowSeconds) { print("slow: \(trial)") }
            }
            switch trial.run() {
            case .unparsed: continue
            case .same: parsed += 1
            case .different(let difference):
                parsed += 1
                different += 1
                print("\(trial): \(difference)")
                fflush(nil)
            }
        }
        let seconds = (clock.now - start) / .seconds(1)
        print(
            "seeds \(first)..<\(first &+ count): \(parsed) expressions, \(different) differ, "
                + "\(GoNumber.int64(seconds)) s, \(GoNumber.int64(Double(parsed) / seconds)) a second"
        )
        return different == 0
    }
}

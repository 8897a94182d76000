// Random queries, answered by the engine and by the reference evaluator, compared.
//
//     promql-fuzz FIRST COUNT     tries the seeds FIRST, FIRST+1, …; prints those whose answers
//                                 differ; exit code 1 when one does
//     promql-fuzz show SEED       prints the query of a seed and both answers
import TSQBase
import TSQEngine
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
        guard arguments.count == 3, let number = UInt64(arguments[2]) else { usage() }
        if arguments[1] == "show" {
            show(RandomTrial(seed: number))
        } else if let first = UInt64(arguments[1]) {
            exit(compare(first: first, count: number) ? 0 : 1)
        } else {
            usage()
        }
    }

    private static func usage() -> Never {
        print("usage: promql-fuzz FIRST COUNT | promql-fuzz show SEED")
        exit(2)
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

import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

/// One random query, mutilated now and then, at times and steps at the ends of what there is. Any
/// answer will do: nothing may trap, and what a query takes is bounded.
package struct ExtremeTrial: CustomStringConvertible {
    private static let times: [TimestampMs] = [
        .min, .min + 1, .min / 2, -(1 << 53), -1, 0, 1, 1 << 53, .max / 2, .max - 1, .max,
    ]
    private static let steps: [Int64] = [1, 7, 1000, 60_000, 1 << 40, .max / 2, .max]
    /// A query's time and memory here.
    private static let timeoutMs: Int64 = 1000
    private static let bytesMax: Int64 = 64 << 20

    package let seed: UInt64
    package private(set) var text: String
    private var startMs: TimestampMs
    private var endMs: TimestampMs
    private var stepMs: Int64

    package init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed ^ 0x5EED)
        func pick<T>(_ choices: [T]) -> T {
            choices[Int.random(in: 0..<choices.count, using: &random)]
        }
        var expressions = RandomExpression(seed: seed)
        text = expressions.nextInstant()
        if Int.random(in: 0..<3, using: &random) == 0 { text = Self.mutilated(text, &random) }
        stepMs = pick(Self.steps)
        startMs = pick(Self.times)
        let (end, overflow) = startMs.addingReportingOverflow(
            stepMs.multipliedReportingOverflow(by: pick([0, 1, 5])).partialValue)
        endMs = overflow || end < startMs ? startMs : end
    }

    /// Bytes changed, removed, doubled.
    private static func mutilated(_ text: String, _ random: inout SplitMix64) -> String {
        var bytes = Array(text.utf8)
        let odd = Array("()[]{}\"'`,:@-+*/^%<>=!~#\\x0159eE._ \n\u{7F}ä".utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = odd[Int.random(in: 0..<odd.count, using: &random)]
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(odd[Int.random(in: 0..<odd.count, using: &random)], at: place)
            default:
                let end = min(bytes.count, place + Int.random(in: 1...12, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package var description: String {
        "seed \(seed): \(text) from \(startMs) to \(endMs) step \(stepMs)"
    }

    /// Runs the query as an instant and as a range query.
    ///
    /// - Returns: how many were answered.
    package func run() -> Int {
        var options = EngineOptions.script
        options.delayedNameRemoval = seed % 2 == 0
        options.timeoutMs = Self.timeoutMs
        options.bytesMax = Self.bytesMax
        let engine = QueryEngine(options: options)
        let source = RandomTrial.sources[Int(seed % UInt64(RandomTrial.sources.count))]
        let instant = try? engine.instant(text, atMs: startMs, from: source)
        let range = try? engine.range(
            text, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source)
        return (instant == nil ? 0 : 1) + (range == nil ? 0 : 1)
    }
}

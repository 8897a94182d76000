import Foundation
import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

@Suite struct ScratchTests {
    @Test func show() throws {
        let env = ProcessInfo.processInfo.environment
        guard let file = env["TSQ_SCRATCH"] else { return }
        // seed startMs endMs stepMs late|once query
        for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
            let p = line.split(separator: " ", maxSplits: 5).map(String.init)
            let source = RandomSeries.source(seed: UInt64(p[0])! % 4)
            var o = EngineOptions.script
            o.delayedNameRemoval = p[4] == "late"
            print("##", line)
            for (n, e) in [("ENG", EngineUnderScript(QueryEngine(options: o)) as any ScriptEvaluator), ("REF", ReferenceEvaluator(options: o))] {
                do {
                    let r = try p[1] == p[2] ? e.instant(p[5], atMs: Int64(p[1])!, from: source) : e.range(p[5], startMs: Int64(p[1])!, endMs: Int64(p[2])!, stepMs: Int64(p[3])!, from: source)
                    switch r.value {
                    case .vector(let s), .matrix(let s):
                        for row in PlainSeries.all(of: s) { print(n, row.labels, row.points.map { "\($0.value)@\($0.timeMs)" }) }
                    default: print(n, r.value)
                    }
                    print(n, r.warnings, r.infos)
                } catch { print(n, "ERR", error) }
            }
        }
    }
}

import Foundation
import TSQBase
import TSQExposition
import Testing

@Suite struct OpenMetricsTests {
    @Test("samples, seconds, units, exemplars")
    func samples() throws {
        let page = try read(
            #"""
            # HELP h_seconds Some "text" with \"escapes\"
            # TYPE h_seconds histogram
            # UNIT h_seconds seconds
            h_seconds_bucket{le="1"} 4 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1.5
            h_seconds_bucket{le="+Inf"} 5 # {} 3
            h_seconds_count 5
            h_seconds_sum 9.25
            h_seconds_created 1520872607.123
            # EOF

            """#, .openMetrics)
        #expect(
            page.samples == [
                ReadSample(
                    #"{__name__="h_seconds_bucket", le="1.0"}"#, 4, 1_520_879_607_789,
                    exemplar: #"{trace_id="KOO5S4vxi0o"} 0.67 1500"#),
                ReadSample(
                    #"{__name__="h_seconds_bucket", le="+Inf"}"#, 5, exemplar: "{} 3.0 -"),
                ReadSample(#"{__name__="h_seconds_count"}"#, 5),
                ReadSample(#"{__name__="h_seconds_sum"}"#, 9.25),
                ReadSample(#"{__name__="h_seconds_created"}"#, 1_520_872_607.123),
            ])
        #expect(
            page.metadata == [
                #"HELP h_seconds=Some "text" with "escapes""#, "TYPE h_seconds=histogram",
                "UNIT h_seconds=seconds",
            ])
    }

    @Test(
        "what is wrong is named with its line and column",
        arguments: [
            ("a 1\n", 2, 1, "data does not end with # EOF"),
            ("a 1\n# EOF\na 2\n", 3, 1, "unexpected data after # EOF"),
            ("a  1\n# EOF\n", 1, 3, "expected value after metric"),
            ("a 1 \n# EOF\n", 1, 5, "expected timestamp"),
            ("\n# EOF\n", 1, 1, "expected a valid start token"),
            ("# a comment\n# EOF\n", 1, 1, "expected a valid start token"),
            ("a{b=\"c\"d=\"e\"} 1\n# EOF\n", 1, 8, "expected comma or brace close"),
            ("a 1 NaN\n# EOF\n", 1, 5, "invalid timestamp"),
            ("# UNIT a_seconds bytes\n# EOF\n", 1, 18, "not a suffix"),
            ("# TYPE a untyped\n# EOF\n", 1, 10, "invalid metric type"),
            ("a 1 # {b=\"c\"}\n# EOF\n", 1, 14, "expected value after exemplar labels"),
        ])
    func errors(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: ExpositionError.self) { try read(text, .openMetrics) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    static let directory: String? = {
        let shared =
            ProcessInfo.processInfo.environment["TSQ_SHARED"]
            ?? FileManager.default.currentDirectoryPath + "/../shared"
        let path = shared + "/conformance/openmetrics/parsers"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    @Test("no page that the OpenMetrics project calls good is refused")
    func conformance() throws {
        guard let directory = Self.directory else { return }
        var (good, goodPassed, bad, badRefused) = (0, 0, 0, 0)
        var refused: [String] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
            guard
                let bytes = FileManager.default.contents(atPath: "\(directory)/\(name)/metrics"),
                let json = FileManager.default.contents(atPath: "\(directory)/\(name)/test.json")
            else { continue }
            let isGood = String(decoding: json, as: UTF8.self)
                .replacingOccurrences(of: " ", with: "").contains("\"shouldParse\":true")
            let parsed = (try? read(Array(bytes), .openMetrics)) != nil
            if isGood {
                good += 1
                goodPassed += parsed ? 1 : 0
                if !parsed { refused.append(name) }
            } else {
                bad += 1
                badRefused += parsed ? 0 : 1
            }
        }
        print("openmetrics: \(goodPassed)/\(good) good taken, \(badRefused)/\(bad) bad refused")
        #expect(refused == [])
        #expect(good + bad >= 200)
        #expect(badRefused >= 80)
    }
}

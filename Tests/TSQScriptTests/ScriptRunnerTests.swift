import TSQBase
import TSQModel
import TSQTesting
import Testing

@Suite("The runner of scripts")
struct ScriptRunnerTests {
    private func run(_ text: String) -> ScriptReport {
        PromQLScript.run(
            text: text, fileName: "case.test", evaluator: ReferenceEvaluator(options: .script))
    }

    private static let data = """
        load 1m
          m{a="1"} 1 2 3
          m{a="2"} 4 5 6
          h{} {{schema:0 count:3 sum:4 buckets:[1 2]}}x3


        """

    @Test(
        "notices what is not as expected",
        arguments: [
            // A wrong value, a missing and an unexpected series, a wrong order.
            "eval instant at 1m m{a=\"1\"}\n  m{a=\"1\"} 3",
            "eval instant at 1m m{a=\"1\"}\n  m{a=\"1\"} 2\n  m{a=\"3\"} 2",
            "eval instant at 1m m\n  m{a=\"1\"} 2",
            "eval instant at 1m sort_desc(m)\n  expect ordered\n  m{a=\"1\"} 2\n  m{a=\"2\"} 5",
            // A number instead of a histogram, another bucket, another hint.
            "eval instant at 1m h\n  h 3",
            "eval instant at 1m h\n  h {{schema:0 count:3 sum:4 buckets:[2 1]}}",
            "eval instant at 1m h\n  h {{count:3 sum:4 counter_reset_hint:gauge buckets:[1 2]}}",
            // Errors that come or do not come, or are others.
            "eval instant at 1m m + on(b) m\n  m 1",
            "eval instant at 1m m\n  expect fail",
            "eval instant at 1m topk(NaN, m)\n  expect fail msg: something else",
            // Annotations that come or do not come, or are others.
            "eval instant at 1m rate(m[2m])\n  expect no_info\n  {a=\"1\"} 0.016666\n  {a=\"2\"} 0.016666",
            "eval instant at 1m m\n  expect warn\n  m{a=\"1\"} 2\n  m{a=\"2\"} 5",
            "eval instant at 1m quantile(2, m)\n  expect warn msg: PromQL warning: x\n  {} Inf",
            // Points too many, too few, at other times.
            "eval range from 0 to 2m step 1m m{a=\"1\"}\n  m{a=\"1\"} 1 2",
            "eval range from 0 to 2m step 1m m{a=\"1\"}\n  m{a=\"1\"} 1 2 3 4",
            "eval range from 0 to 2m step 1m m{a=\"1\"}\n  m{a=\"1\"} 1 _ 3",
            // What cannot be read.
            "evaluate everything", "eval instant at noon m", "load 1m\n  m{a=1} 2",
            "eval instant at 1m m\n  expect nothing", "eval instant at 1m 1\n  2",
        ])
    func failures(_ script: String) {
        let report = run(Self.data + script)
        #expect(report.failures.count == 1)
        #expect(report.lines.last == "0 passed, 1 failed")
    }

    @Test("names file and line, and goes on after a failure")
    func places() {
        let report = run("\n# nothing yet\neval instant at 0 1\n  2\n\neval instant at 0 1\n  1")
        #expect(report.failures.map(\.place) == ["case.test:3"])
        #expect(report.passed == [6])
        #expect(report.lines.last == "1 passed, 1 failed")
    }

    @Test("takes the older spellings")
    func olderSpellings() {
        let report = run(
            Self.data + """
                eval_fail instant at 1m topk(NaN, m)
                  expected_fail_message Parameter value is NaN

                eval_fail instant at 1m topk(NaN, m)
                  expected_fail_regexp value .* NaN

                eval_warn instant at 1m quantile(2, m)
                  {} Inf

                eval_info instant at 1m h + 1

                eval_ordered instant at 1m sort_desc(m)
                  m{a="2"} 5
                  m{a="1"} 2

                clear

                eval instant at 1m m
                """)
        #expect(report.failures == [])
        #expect(report.passedCount == 6)
    }

    @Test("runs an instant query as a range query, too: what differs there is a failure")
    func rangeVariant() {
        // Twins that only an instant query with late names lets pass.
        let report = run(
            Self.data + """
                eval instant at 1m sum(label_replace(m, "a", "", "a", ".*"))
                  {} 7
                """)
        #expect(report.failures.count == 1)
    }
}

@Suite("Series in the notation of scripts")
struct SeriesNotationTests {
    @Test(
        "numbers",
        arguments: [
            ("m 1", [1]), ("m 1x2", [1, 1, 1]), ("m 1+2x3", [1, 3, 5, 7]), ("m 5-2x2", [5, 3, 1]),
            ("m -1-1x1 0x0", [-1, -2, 0]), ("m 1e3 .5 -Inf", [1000, 0.5, -.infinity]),
        ] as [(String, [Double])])
    func numbers(_ line: String, _ values: [Double]) throws {
        let parsed = try SeriesNotation.parse(line)
        #expect(parsed.labels == LabelSet(["__name__": "m"]))
        #expect(parsed.values == values.map { .float($0) })
    }

    @Test("gaps and stale markers")
    func gaps() throws {
        let values = try SeriesNotation.parseValues("_ _x2 stale 1")
        #expect(values.prefix(3) == [.omitted, .omitted, .omitted])
        guard case .float(let marker) = values[3] else {
            Issue.record("no stale marker")
            return
        }
        #expect(StaleMarker.isStale(marker))
        #expect(values.last == .float(1))
    }

    @Test("labels in every spelling")
    func labels() throws {
        let expected = LabelSet(["__name__": "m", "a": "x\ny", "b.c": "é"])
        for text in [
            #"m{a="x\ny", "b.c"="é"}"#, #"{"m", a="x\x0ay", "b.c"="\u00e9",}"#,
            #"{__name__='m', a="x\ny", "b.c"=`é`}"#,
        ] {
            #expect(try SeriesNotation.parseLabels(text) == expected)
        }
    }

    @Test("histograms grow by another one, in the first one's resolution")
    func histograms() throws {
        let line =
            "{{schema:0 count:1 sum:2 buckets:[1]}}+{{schema:1 count:2 sum:1 buckets:[1 1]}}x2"
        let values = try SeriesNotation.parseValues(line)
        #expect(values.count == 3)
        guard case .histogram(let last, let isHintGiven) = values[2] else {
            Issue.record("no histogram")
            return
        }
        // Buckets 0 and 1 of schema 1 lie in buckets 0 and 1 of schema 0.
        #expect(last.count == 5 && last.sum == 4 && last.positiveBuckets == [3, 2])
        #expect(!isHintGiven)
    }

    @Test(
        "what is malformed is refused",
        arguments: [
            "", "{a=1} 1", "m{a=\"1\" 1", "m 1x", "m 1+x2", "m {{nonsense:1}}", "m {{sum:1",
            "m 1 2a",
            "m 1x99999999999", "m {{schema:1}}+{{schema:0}}x1", "m {{counter_reset_hint:maybe}}",
        ])
    func malformed(_ line: String) {
        #expect(throws: ScriptSyntaxError.self) { try SeriesNotation.parse(line) }
    }
}

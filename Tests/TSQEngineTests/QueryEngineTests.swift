import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

@Suite struct QueryEngineTests {
    let engine = QueryEngine()

    @Test("the look-back is open on the left: a sample exactly that old is not seen")
    func lookback() throws {
        let source = QueryFixture.source([(["__name__": "m"], [1])])
        #expect(
            QueryFixture.text(try engine.instant("m", atMs: 299_999, from: source)).count == 1)
        #expect(QueryFixture.text(try engine.instant("m", atMs: 300_000, from: source)).isEmpty)
    }

    @Test("a stale marker hides the series until the next sample")
    func staleness() throws {
        let source = QueryFixture.source([(["__name__": "m"], [1, StaleMarker.value, 3])])
        let answer = try engine.range(
            "m", startMs: 0, endMs: 30_000, stepMs: 10_000, from: source)
        #expect(QueryFixture.text(answer) == [#"{__name__="m"} 0:1.0 20:3.0 30:3.0"#])
    }

    @Test("an instant query of a range vector gives its samples, a range query of one is refused")
    func rangeVectors() throws {
        let source = QueryFixture.source([(["__name__": "m"], [1, 2, 3, 4])])
        let answer = try engine.instant("m[20s]", atMs: 30_000, from: source)
        #expect(QueryFixture.text(answer) == [#"{__name__="m"} 20:3.0 30:4.0"#])
        let error = QueryFixture.error { () throws(QueryError) in
            try engine.range("m[20s]", startMs: 0, endMs: 10, stepMs: 1, from: source)
        }
        #expect(
            error
                == .badData(
                    #"invalid expression type "range vector" for range query, must be Scalar or "#
                        + "instant Vector"))
    }

    @Test("results do not depend on how many steps are worked on at once")
    func tiles() throws {
        let source = QueryFixture.counters(7)
        let queries = [
            "counter_total", "rate(counter_total[1m])", "sum by (even) (rate(counter_total[1m]))",
            "topk(2, counter_total)", "quantile(0.3, counter_total)",
            "counter_total / on (i) group_left () counter_total",
            "count_values(\"v\", counter_total)",
            "max_over_time(sum(counter_total)[1m:7s])", "absent(counter_total > 100)",
            "counter_total > 50 or counter_total < 20", "scalar(counter_total{i=\"3\"})",
            "rate(counter_total[1m] @ 300)", "-counter_total offset 20s",
            "limitk by (even) (1, counter_total)",
        ]
        for query in queries {
            var answers: Set<[String]> = []
            for steps in [1, 2, 5, 1000] {
                var options = EngineOptions()
                options.parse = .all
                options.tileStepsMax = steps
                let answer = try QueryEngine(options: options).range(
                    query, startMs: 0, endMs: 600_000, stepMs: 13_000, from: source)
                answers.insert(QueryFixture.text(answer))
            }
            #expect(answers.count == 1, "\(query)")
            #expect(answers.first?.isEmpty == false, "\(query)")
        }
    }

    @Test("dropping names must not make two series one at the same step")
    func sameLabelset() throws {
        let source = QueryFixture.source([
            (["__name__": "a", "l": "1"], [1, 2]), (["__name__": "b", "l": "1"], [3, 4]),
        ])
        for query in [#"-{l="1"}"#, #"{l="1"} + 1"#, #"rate({l="1"}[1m])"#, #"abs({l="1"})"#] {
            let error = QueryFixture.error { () throws(QueryError) in
                try engine.instant(query, atMs: 10_000, from: source)
            }
            #expect(
                error == .execution("vector cannot contain metrics with the same labelset"),
                "\(query)")
        }
    }

    @Test("series that become equal but never meet are one series")
    func mergedSeries() throws {
        let source = QueryFixture.source([
            (["__name__": "a", "l": "1"], [1, StaleMarker.value]),
            (["__name__": "b", "l": "1"], [nil, nil, nil, 4]),
        ])
        let answer = try engine.range(
            #"-{l="1"}"#, startMs: 0, endMs: 30_000, stepMs: 10_000, from: source)
        #expect(QueryFixture.text(answer) == [#"{l="1"} 0:-1.0 30:-4.0"#])
    }

    @Test("annotations carry prefix and place, ten of each kind at most")
    func annotations() throws {
        let source = QueryFixture.source(
            (0..<12).map { (["__name__": "gauge_\($0)", "i": "\($0)"], [1, 2, 3]) })
        let answer = try engine.instant(
            "rate({__name__=~\"gauge_.*\", __name__!=\"gauge_0\"}[1m]) or\n"
                + "quantile_over_time(2, gauge_0[1m])",
            atMs: 20_000, from: source)
        #expect(
            answer.warnings == [
                "PromQL warning: quantile value should be between 0 and 1, got 2 (2:20)"
            ])
        #expect(answer.infos.count == 11)
        #expect(answer.infos.last == "1 more info annotations omitted")
    }

    @Test("sort orders an instant answer, NaN last both ways, and warns in a range query")
    func sorting() throws {
        let source = QueryFixture.source([
            (["__name__": "m", "l": "a"], [.nan]), (["__name__": "m", "l": "b"], [2]),
            (["__name__": "m", "l": "c"], [1]),
        ])
        func order(_ query: String) throws -> [String] {
            QueryFixture.text(try engine.instant(query, atMs: 0, from: source)).map {
                String($0.split(separator: " ")[1].dropLast())
            }
        }
        #expect(try order("sort(m)") == [#"l="c""#, #"l="b""#, #"l="a""#])
        #expect(try order("sort_desc(m)") == [#"l="b""#, #"l="c""#, #"l="a""#])
        let answer = try engine.range("sort(m)", startMs: 0, endMs: 10, stepMs: 10, from: source)
        #expect(answer.warnings.first?.hasSuffix("(1:1)") == true)
    }
}

import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

@Suite struct VectorMatchTests {
    let engine = QueryEngine()
    let source = QueryFixture.source([
        (["__name__": "many", "g": "x", "m": "1"], [1]),
        (["__name__": "many", "g": "x", "m": "2"], [2]),
        (["__name__": "one", "g": "x", "extra": "e"], [10]),
        (["__name__": "twice", "g": "x", "n": "1"], [10]),
        (["__name__": "twice", "g": "x", "n": "2"], [20]),
        (["__name__": "turns", "g": "x", "n": "1"], [5, StaleMarker.value]),
        (["__name__": "turns", "g": "x", "n": "2"], [nil, 7]),
    ])

    func error(_ query: String) -> String? {
        QueryFixture.error { () throws(QueryError) in
            try engine.instant(query, atMs: 0, from: source)
        }?.message
    }

    @Test("group_left joins many to one and takes the listed labels")
    func groupLeft() throws {
        let answer = try engine.instant(
            "many * on (g) group_left (extra) one", atMs: 0, from: source)
        #expect(
            QueryFixture.text(answer) == [
                #"{extra="e", g="x", m="1"} 0:10.0"#, #"{extra="e", g="x", m="2"} 0:20.0"#,
            ])
    }

    @Test("a name that group_left takes stays after `bool`")
    func includedName() throws {
        let answer = try engine.instant(
            "many > bool on (g) group_left (__name__) one", atMs: 0, from: source)
        #expect(
            QueryFixture.text(answer) == [
                #"{__name__="one", g="x", m="1"} 0:0.0"#, #"{__name__="one", g="x", m="2"} 0:0.0"#,
            ])
    }

    @Test("of several mistakes within a subquery the first step's is told")
    func mistakesOfSubquery() {
        // At 0 s two on the left meet one, at 10 s the right has two.
        let source = QueryFixture.source([
            (["__name__": "left", "n": "1"], [1, 1]),
            (["__name__": "left", "n": "2"], [1, StaleMarker.value]),
            (["__name__": "right", "n": "1"], [1, 1]),
            (["__name__": "right", "n": "2"], [nil, 1]),
        ])
        for query in [
            "(left + on () right)[15s:10s]", "count_over_time((left + on () right)[15s:10s])",
        ] {
            let error = QueryFixture.error { () throws(QueryError) in
                try engine.instant(query, atMs: 10_000, from: source)
            }
            #expect(error?.message.hasPrefix("multiple matches for labels: many-to-one") == true)
        }
    }

    @Test("two series on the one side are named in the error")
    func duplicates() {
        #expect(
            error("many * on (g) group_left () twice")
                == #"found duplicate series for the match group {g="x"} on the right hand-side of "#
                + #"the operation: [{__name__="twice", g="x", n="2"}, "#
                + #"{__name__="twice", g="x", n="1"}];many-to-many matching not allowed: matching "#
                + "labels must be unique on one side")
    }

    @Test("one-to-one with several on the left must be made explicit")
    func implicitManyToOne() {
        #expect(
            error("many * on (g) one")
                == "multiple matches for labels: many-to-one matching must be explicit "
                + "(group_left/group_right)")
    }

    @Test("a filtered comparison counts as a match, too")
    func filteredMatches() {
        #expect(error("many > on (g) one")?.hasPrefix("multiple matches for labels") == true)
    }

    @Test("result labels must be unique within a group")
    func groupingLabels() {
        #expect(
            error(#"label_replace(many, "m", "", "m", ".*") * on (g) group_left () one"#)?
                .hasPrefix("vector cannot contain") == true)
        #expect(
            error(
                #"{__name__=~"many|one", g="x"} * on (g) group_left (m) label_replace(one, "m", "3", "", "")"#
            )
                == "multiple matches for labels: grouping labels must ensure unique matches")
    }

    @Test("series of the one side may take turns")
    func turns() throws {
        let answer = try engine.range(
            "many{m=\"1\"} * on (g) group_left (n) turns", startMs: 0, endMs: 10_000,
            stepMs: 10_000, from: source)
        #expect(
            QueryFixture.text(answer) == [
                #"{g="x", m="1", n="1"} 0:5.0"#, #"{g="x", m="1", n="2"} 10:7.0"#,
            ])
    }

    @Test("fill values stand in for a missing side")
    func fill() throws {
        var options = EngineOptions()
        options.parse = .all
        let answer = try QueryEngine(options: options).instant(
            "many + on (m) fill_right (100) one", atMs: 0, from: source)
        #expect(QueryFixture.text(answer) == [#"{m="1"} 0:101.0"#, #"{m="2"} 0:102.0"#])
    }

    @Test("and, unless and or go by match groups at each step")
    func sets() throws {
        func lines(_ query: String) throws -> Int {
            QueryFixture.text(try engine.instant(query, atMs: 0, from: source)).count
        }
        #expect(try lines("many and on (g) one") == 2)
        #expect(try lines("many unless on (g) one") == 0)
        #expect(try lines("many or on (g) twice") == 2)
        #expect(try lines("many or twice") == 4)
        #expect(try lines("many and on (g) nothing") == 0)
    }
}

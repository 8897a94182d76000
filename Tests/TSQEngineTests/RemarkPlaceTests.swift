import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQTesting
import Testing

/// A remark that is made at several places is told once, with the place that is evaluated last.
@Suite("Places of remarks")
struct RemarkPlaceTests {
    private static let source = QueryFixture.source([
        (["__name__": "pressure", "pipe": "a"], [1, 2, 3, 4]),
        (["__name__": "pressure", "pipe": "b"], [4, 3, 2, 1]),
    ])

    private func places(_ query: String) throws(QueryError) -> [String] {
        var options = EngineOptions()
        options.parse.experimentalFunctions = true
        let answer = try QueryEngine(options: options).range(
            query, startMs: 20_000, endMs: 30_000, stepMs: 5000, from: Self.source)
        return (answer.warnings + answer.infos).map { text in
            String(text[(text.lastIndex(of: "(") ?? text.startIndex)...])
        }
    }

    @Test(
        "the right operand comes after the left one",
        arguments: [
            ("rate(pressure[30s]) + rate(pressure[20s])", "(1:28)"),
            ("sum(rate(pressure[20s])) + sum(increase(pressure[20s]))", "(1:41)"),
            ("rate(pressure[30s])\n  + rate(pressure[20s])", "(2:10)"),
        ])
    func operands(query: String, place: String) throws {
        #expect(try places(query) == [place])
    }

    @Test(
        "a part that stands there twice makes its remarks at both places",
        arguments: [
            ("rate(pressure[20s]) / rate(pressure[20s])", "(1:28)"),
            ("sum(rate( pressure[20s])) / (sum( rate(pressure[20s])))", "(1:40)"),
            (
                "quantile_over_time(2, pressure[20s]) - quantile_over_time(2, pressure[20s])",
                "(1:59)"
            ),
            (
                "(rate(pressure[20s]) + rate(pressure[20s])) "
                    + "* (rate(pressure[20s]) + rate(pressure[20s]))", "(1:75)"
            ),
            // Only what is twice there: the limits are not.
            ("quantile(2, pressure) or quantile(0.5, pressure)", "(1:10)"),
        ])
    func repeated(query: String, place: String) throws {
        #expect(try places(query) == [place])
    }
}

import TSQBase
import TSQModel
import TSQPromQL
import Testing

@testable import TSQEngine

@Suite("Expressions that were parsed before")
struct ParsedQueriesTests {
    private func find(
        _ queries: ParsedQueries, _ text: String, _ parsedCount: inout Int
    ) throws -> String {
        var count = 0
        let expr = try queries.find(text) { (text) throws(PromQLSyntaxError) in
            count += 1
            return try PromQLParser.parse(text, options: ParseOptions())
        }
        parsedCount += count
        return expr.description
    }

    @Test("each is parsed once, what is no expression every time, and long ones too")
    func once() throws {
        let queries = ParsedQueries()
        var parsedCount = 0
        for _ in 0..<3 {
            #expect(try find(queries, "sum(rate(x[5m])) / 2", &parsedCount).hasPrefix("sum("))
        }
        #expect(parsedCount == 1)
        for _ in 0..<2 {
            #expect(throws: PromQLSyntaxError.self) { try find(queries, "sum(", &parsedCount) }
        }
        let long = String(repeating: "1 + ", count: ParsedQueries.textByteCountMax / 4) + "1"
        parsedCount = 0
        for _ in 0..<2 { _ = try find(queries, long, &parsedCount) }
        #expect(parsedCount == 2)
    }

    @Test("no more than a bound")
    func bound() throws {
        let queries = ParsedQueries()
        var parsedCount = 0
        for number in 0..<(ParsedQueries.countMax * 2 + 3) {
            _ = try find(queries, "x + \(number)", &parsedCount)
            #expect(queries.count <= ParsedQueries.countMax)
        }
        #expect(queries.count == 3)
    }
}

import TSQBase
import TSQModel
import TSQPromQL

extension TSQAnswer {
    static func series(
        _ selector: String, startMs: TimestampMs, endMs: TimestampMs,
        from source: any SeriesSource
    ) throws(TSQError) -> [[String: String]] {
        let matchers: [LabelMatcher]
        do throws(PromQLSyntaxError) {
            matchers = try PromQLParser.parseSelector(selector)
        } catch {
            throw TSQError(error.message)
        }
        do throws(SourceError) {
            let symbols = SymbolTable()
            let selection = try source.select(
                SelectRequest(matchers: matchers, fromMs: startMs - 1, toMs: endMs),
                symbols: symbols)
            return (0..<selection.count).map {
                selection.labels.labelSet($0, symbols).dictionary
            }
        } catch {
            throw TSQError(error.message)
        }
    }
}

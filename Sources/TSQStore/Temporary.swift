import TSQIndex
import TSQModel
import TSQBase
extension SeriesDelta: SeriesIndexPart {
    package var seriesCount: Int { preconditionFailure() }
    package func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] { preconditionFailure() }
    package func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32 { preconditionFailure() }
    package func ordinal(ref: UInt32) throws(IndexError) -> UInt32? { preconditionFailure() }
    package func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? { preconditionFailure() }
    package func appendLabels(of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable) throws(IndexError) { preconditionFailure() }
    package func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet { preconditionFailure() }
    package func labelNames() throws(IndexError) -> [String] { preconditionFailure() }
    package func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String] { preconditionFailure() }
    package func labelValues(_ name: String) throws(IndexError) -> [(value: String, seriesCount: Int)] { preconditionFailure() }
    package func labelValues(_ name: String, of ordinals: Span<UInt32>) throws(IndexError) -> [String] { preconditionFailure() }
}
extension IndexSegment: SeriesIndexPart {
    package var seriesCount: Int { preconditionFailure() }
    package func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] { preconditionFailure() }
    package func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32 { preconditionFailure() }
    package func ordinal(ref: UInt32) throws(IndexError) -> UInt32? { preconditionFailure() }
    package func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? { preconditionFailure() }
    package func appendLabels(of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable) throws(IndexError) { preconditionFailure() }
    package func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet { preconditionFailure() }
    package func labelNames() throws(IndexError) -> [String] { preconditionFailure() }
    package func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String] { preconditionFailure() }
    package func labelValues(_ name: String) throws(IndexError) -> [(value: String, seriesCount: Int)] { preconditionFailure() }
    package func labelValues(_ name: String, of ordinals: Span<UInt32>) throws(IndexError) -> [String] { preconditionFailure() }
}

import TSQIndex
import TSQModel
import TSQBase
extension IndexSegment: SeriesIndexPart {
    package var seriesCount: Int { preconditionFailure() }
    package func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] {
        preconditionFailure()
    }
    package func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32 { preconditionFailure() }
    package func ordinal(ref: UInt32) throws(IndexError) -> UInt32? { preconditionFailure() }
    package func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? {
        preconditionFailure()
    }
    package func appendLabels(
        of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable
    ) throws(IndexError) { preconditionFailure() }
    package func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet {
        preconditionFailure()
    }
    package func labelNames() throws(IndexError) -> [String] { preconditionFailure() }
    package func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String] {
        preconditionFailure()
    }
    package func labelValues(_ name: String) throws(IndexError) -> [(
        value: String, seriesCount: Int
    )] { preconditionFailure() }
    package func labelValues(_ name: String, of ordinals: Span<UInt32>) throws(IndexError)
        -> [String]
    { preconditionFailure() }
    package var handleCount: Int { preconditionFailure() }
    package func handlesInLabelOrder() throws(IndexError) -> [UInt32] { preconditionFailure() }
    package func ordinalsInLabelOrder() throws(IndexError) -> [UInt32] { preconditionFailure() }
    package func appendHandles(of ordinal: UInt32, into handles: inout [UInt32]) throws(IndexError)
    { preconditionFailure() }
    package func withPair(
        _ handle: UInt32, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError) { preconditionFailure() }
}

extension Store {
    /// Until the index can be written: everything stays in head and log.
    static let writesSegments = false
}

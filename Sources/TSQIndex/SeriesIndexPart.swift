import TSQBase
import TSQModel

/// One part of the registry that labels are looked up in: the delta in memory or a segment on disk.
///
/// Within a part, series are numbered by *ordinals* 0…; the *ref* is the store-wide number
/// (`SeriesRef.rawValue`). Over all parts of a registry a label set has one ref, and a ref is in one
/// part; parts of other kinds (one index a block) may repeat label sets, `SelectedSeries` joins them.
package protocol SeriesIndexPart {
    var seriesCount: Int { get }

    /// The series that satisfy every matcher, as ordinals in label order.
    ///
    /// - Complexity: O(series selected + values of the matched labels that have to be tried); never
    ///   O(all series) where a matcher wants a non-empty value.
    func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32]

    /// The store-wide number of the series `ordinal`.
    func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32

    /// The ordinal of the series `ref`, nil when it is in another part.
    func ordinal(ref: UInt32) throws(IndexError) -> UInt32?

    /// The ref of the series with exactly these labels. `hash` is `LabelHash.hash(labels)`, computed
    /// once for all parts.
    func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32?

    /// Appends the labels of `ordinals`, in their order, symbols interned into `symbols`.
    func appendLabels(
        of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable
    ) throws(IndexError)

    func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet

    /// All label names, sorted bytewise.
    func labelNames() throws(IndexError) -> [String]

    /// The label names of `ordinals` (ascending or in label order), sorted bytewise.
    func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String]

    /// All values of label `name` with the number of series that have them, sorted bytewise. For
    /// label values without matchers and for `status/tsdb`.
    func labelValues(_ name: String) throws(IndexError) -> [(value: String, seriesCount: Int)]

    /// The values that `ordinals` have for label `name`, sorted bytewise.
    func labelValues(_ name: String, of ordinals: Span<UInt32>) throws(IndexError) -> [String]

    // What merging into a segment needs. Pairs (label name, value) have handles below `handleCount`.

    var handleCount: Int { get }

    /// All handles, ordered by name and value, bytewise.
    func handlesInLabelOrder() throws(IndexError) -> [UInt32]

    func ordinalsInLabelOrder() throws(IndexError) -> [UInt32]

    /// Appends the handles of each series' labels in label order, and where each series' end.
    func appendHandles(
        of ordinals: ArraySlice<UInt32>, into handles: inout [UInt32], ends: inout [Int]
    ) throws(IndexError)

    /// Calls `body` with the name and the value of a pair.
    func withPair(
        _ handle: UInt32,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError)
}

/// The hash of a label set that finds its series: the same in every process, stored in segments.
package enum LabelHash {
    /// XXH64 over `name 0xFF value 0xFF` of every label (0xFF occurs in no UTF-8 text).
    package static func hash(_ labels: LabelSet) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        for label in labels.labels {
            bytes.append(contentsOf: label.name.utf8)
            bytes.append(0xFF)
            bytes.append(contentsOf: label.value.utf8)
            bytes.append(0xFF)
        }
        return XXHash64.hash(bytes)
    }
}

import TSQModel

/// The series of a damaged segment that can still be read, as a part to write a new segment from.
package struct ReadableSeries: SeriesIndexPart {
    private let segment: IndexSegment
    private let ordinals: [UInt32]

    /// Tries the ref and all labels of every series.
    ///
    /// - Complexity: O(labels of all series).
    package init(_ segment: IndexSegment) {
        self.segment = segment
        var isReadable = [Bool?](repeating: nil, count: segment.handleCount)
        var ordinals: [UInt32] = []
        for ordinal in 0..<UInt32(segment.seriesCount) {
            do throws(IndexError) {
                _ = try segment.ref(ordinal)
                var handles: [UInt32] = []
                var ends: [Int] = []
                try segment.appendHandles(of: [ordinal][...], into: &handles, ends: &ends)
                var isWhole = true
                for handle in handles {
                    if isReadable[Int(handle)] == nil {
                        isReadable[Int(handle)] = (try? segment.withPair(handle) { _, _ in }) != nil
                    }
                    isWhole = isWhole && isReadable[Int(handle)] == true
                }
                if isWhole { ordinals.append(ordinal) }
            } catch {
                // It is one of those that are lost.
            }
        }
        self.ordinals = ordinals
    }

    package var seriesCount: Int { ordinals.count }
    package var handleCount: Int { segment.handleCount }
    package func ordinalsInLabelOrder() -> [UInt32] { ordinals }
    package func handlesInLabelOrder() -> [UInt32] { segment.handlesInLabelOrder() }

    package func ref(_ ordinal: UInt32) throws(IndexError) -> UInt32 { try segment.ref(ordinal) }

    package func appendHandles(
        of ordinals: ArraySlice<UInt32>, into handles: inout [UInt32], ends: inout [Int]
    ) throws(IndexError) {
        try segment.appendHandles(of: ordinals, into: &handles, ends: &ends)
    }

    package func withPair(
        _ handle: UInt32,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError) {
        try segment.withPair(handle, body)
    }

    // What is not needed to write a segment answers as the segment does.

    package func select(_ matchers: [LabelMatcher]) throws(IndexError) -> [UInt32] {
        let readable = Set(ordinals)
        return try segment.select(matchers).filter(readable.contains)
    }

    package func ordinal(ref: UInt32) throws(IndexError) -> UInt32? {
        try segment.ordinal(ref: ref)
    }

    package func lookup(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? {
        try segment.lookup(labels, hash: hash)
    }

    package func appendLabels(
        of ordinals: Span<UInt32>, into labels: inout SeriesLabels, symbols: SymbolTable
    ) throws(IndexError) {
        try segment.appendLabels(of: ordinals, into: &labels, symbols: symbols)
    }

    package func labelSet(_ ordinal: UInt32) throws(IndexError) -> LabelSet {
        try segment.labelSet(ordinal)
    }

    package func labelNames() throws(IndexError) -> [String] {
        try segment.labelNames(of: ordinals.span)
    }

    package func labelNames(of ordinals: Span<UInt32>) throws(IndexError) -> [String] {
        try segment.labelNames(of: ordinals)
    }

    package func labelValues(
        _ name: String
    ) throws(IndexError) -> [(value: String, seriesCount: Int)] {
        try segment.labelValues(name)
    }

    package func labelValues(
        _ name: String, of ordinals: Span<UInt32>
    ) throws(IndexError) -> [String] {
        try segment.labelValues(name, of: ordinals)
    }
}

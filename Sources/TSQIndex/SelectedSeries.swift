import TSQBase
import TSQModel

/// Series selected over several index parts, in label order.
///
/// - Shape: series `i` is `members[memberEnds[i-1]..<memberEnds[i]]`: the parts that have it.
package struct SelectedSeries: Sendable {
    package struct Member: Sendable, Equatable {
        /// Index into the parts given.
        package var part: Int
        package var ordinal: UInt32
        package var ref: UInt32
    }

    package private(set) var labels = SeriesLabels()
    package private(set) var members: [Member] = []
    package private(set) var memberEnds: [UInt32] = []

    package var count: Int { memberEnds.count }

    package func members(_ series: Int) -> ArraySlice<Member> {
        members[(series == 0 ? 0 : Int(memberEnds[series - 1]))..<Int(memberEnds[series])]
    }

    /// Resolves the matchers in every part and merges the answers by their labels.
    ///
    /// - Parameter keep: whether the series with this ref is wanted (has samples in the range); asked
    ///   before its labels are read.
    package init(
        _ parts: [any SeriesIndexPart], matching matchers: [LabelMatcher], symbols: SymbolTable,
        keep: (UInt32) -> Bool = { _ in true }
    ) throws(IndexError) {
        preconditionFailure("BUG: not built yet")
    }
}

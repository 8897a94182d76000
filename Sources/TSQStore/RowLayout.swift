import TSQModel

/// Which series the columns of a row group are. Rows of an earlier, shorter layout are rows of a
/// layout that extends it, with the columns at the end missing.
final class RowLayout: Sendable {
    /// Unique while the store is open.
    let id: UInt32
    /// By which others know what they keep of it.
    let serial = SerialNumber.next()
    let group: UInt32
    let refs: [SeriesRef]
    /// Columns by ascending ref; empty when `refs` ascend themselves.
    private let columnsByRef: [UInt32]
    let refBounds: RefBounds

    /// - Precondition: no ref occurs twice.
    init(id: UInt32, group: UInt32, refs: [SeriesRef]) {
        self.id = id
        self.group = group
        self.refs = refs
        var ascending = true
        for index in refs.indices.dropFirst() where refs[index].rawValue < refs[index - 1].rawValue
        {
            ascending = false
            break
        }
        columnsByRef =
            ascending
            ? []
            : refs.indices.map { UInt32($0) }.sorted {
                refs[Int($0)].rawValue < refs[Int($1)].rawValue
            }
        var bounds = RefBounds()
        for ref in refs { bounds.extend(ref.rawValue) }
        refBounds = bounds
    }

    /// The column of position `rank` in ascending order of refs.
    func column(rank: Int) -> Int { columnsByRef.isEmpty ? rank : Int(columnsByRef[rank]) }

    func column(of ref: UInt32) -> Int? {
        // The series of a page are mostly registered one after the other.
        let guess = Int(ref &- refBounds.low)
        if ref >= refBounds.low && guess < refs.count {
            let column = column(rank: guess)
            if refs[column].rawValue == ref { return column }
        }
        var low = 0
        var high = refs.count
        while low < high {
            let middle = (low + high) / 2
            if refs[column(rank: middle)].rawValue < ref { low = middle + 1 } else { high = middle }
        }
        guard low < refs.count else { return nil }
        let found = column(rank: low)
        return refs[found].rawValue == ref ? found : nil
    }

    /// Whether the columns of `shorter` are the first of this.
    func extends(_ shorter: RowLayout) -> Bool {
        refs.count >= shorter.refs.count
            && refs[..<shorter.refs.count].elementsEqual(shorter.refs)
    }

    var byteCount: Int { refs.count * 4 + columnsByRef.count * 4 }

    /// The value of a cell without a sample: a NaN that no data has. (Samples that have these bits
    /// take the side path.)
    static let absentBits: UInt64 = 0x7FF4_7B5D_A1C3_9E06
}

/// The lowest and the highest of some refs; of none, `low` lies above `high`.
struct RefBounds: Sendable {
    private(set) var low = UInt32.max
    private(set) var high: UInt32 = 0

    mutating func extend(_ ref: UInt32) {
        low = min(low, ref)
        high = max(high, ref)
    }

    @inline(__always)
    func overlaps(_ other: RefBounds) -> Bool { low <= other.high && other.low <= high }
}

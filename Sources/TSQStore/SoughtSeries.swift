/// Series of a selection that are sought in one block after the other.
struct SoughtSeries {
    /// Of the selection.
    private let refs: [UInt32]
    private let kept: KeptChunks?
    /// Those still sought, in ascending order of their refs.
    private(set) var order: [UInt32]
    private var ascending: [UInt32] = []
    private var isWhole = true

    /// - Parameters:
    ///   - order: the positions in `refs` in ascending order of the refs.
    ///   - kept: of the selection that consists of `refs`.
    init(_ refs: [UInt32], order: [UInt32], kept: KeptChunks?) {
        self.refs = refs
        self.order = order
        self.kept = kept
    }

    var isEmpty: Bool { order.isEmpty }

    mutating func remove(where isKnown: (_ series: Int) -> Bool) {
        order.removeAll { isKnown(Int($0)) }
        ascending = []
        isWhole = isWhole && order.count == refs.count
    }

    /// Calls `body` with all chunks that a block has of the series, and maybe with some of series
    /// removed.
    ///
    /// - Parameter body: with a position in `refs`, and a chunk, or why the series cannot be looked up.
    ///   Answers whether to go on.
    mutating func lookUp(
        _ cursor: borrowing BlockCursor,
        _ body: (_ series: Int, _ chunk: Result<BlockChunk, BlockError>) -> Bool
    ) {
        if let found = kept?.find(cursor.block) {
            for index in found.chunks.indices {
                if !body(Int(found.series[index]), .success(found.chunks[index])) { return }
            }
            return
        }
        if ascending.count != order.count { ascending = order.map { refs[Int($0)] } }
        var found = isWhole && kept != nil ? ChunkCache.Found() : nil
        cursor.lookUp(ascending) { position, chunk in
            let series = order[position]
            if case .success(let chunk) = chunk {
                found?.append(chunk, of: series)
            } else {
                found = nil
            }
            if body(Int(series), chunk) { return true }
            found = nil
            return false
        }
        if let found { kept?.keep(found, cursor.block) }
    }
}

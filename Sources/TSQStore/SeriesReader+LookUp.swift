import TSQBase

extension SeriesReader {
    /// Looks up the chunks of many series with samples in `fromMs < time <= toMs`, page by page;
    /// nil when they are more than a selection keeps.
    ///
    /// - Parameters:
    ///   - seriesCount: of the selection that `series` are of.
    ///   - newestAtMs: of a series' samples up to here only the newest is wanted. Newer blocks are
    ///     looked into first: mostly the older ones have nothing then that matters.
    func chunkPlaces(
        _ series: consuming SoughtSeries, seriesCount: Int, fromMs: TimestampMs,
        newestAtMs: TimestampMs, toMs: TimestampMs, chunksMax: Int
    ) -> ChunkPlaces? {
        var found = ChunkPlaces.Builder(seriesCount: seriesCount, chunksMax: chunksMax)
        // No sample of a series before this matters.
        let narrows = newestAtMs > fromMs && snapshot.deletions.isEmpty
        var neededMs = [TimestampMs](repeating: fromMs, count: narrows ? seriesCount : 0)
        var isNarrowed = false
        for index in blocks(fromMs, toMs, newestFirst: narrows) {
            let block = cursors[index].block
            if isNarrowed {
                series.remove { neededMs[$0] > block.footer.maxTimeMs }
                isNarrowed = false
            }
            if series.isEmpty { break }
            var isFull = false
            var bounds = BlockCursor.ColumnBounds()
            found.begin(cursor: index)
            series.lookUp(cursors[index]) { number, chunk in
                do throws(BlockError) {
                    let chunk = try chunk.get()
                    try bounds.find(chunk, block)
                    if bounds.minMs > toMs || bounds.maxMs <= fromMs { return true }
                    if narrows {
                        if bounds.maxMs < neededMs[number] { return true }
                        if bounds.minMs <= newestAtMs && chunk.hasAllRows {
                            let newest = bounds.maxMs <= newestAtMs ? bounds.maxMs : bounds.minMs
                            neededMs[number] = max(neededMs[number], newest)
                            isNarrowed = true
                        }
                    }
                    isFull = !found.add(chunk, cursor: index, series: number)
                } catch {
                    // Reading the series will say what is wrong.
                    found.setUnknown(number)
                }
                return !isFull
            }
            if isFull { return nil }
        }
        return found.build()
    }

    /// Sets those of `isFound` whose series may have samples with `fromMs < time <= toMs` in a block
    /// (by the bounds of their chunks), or cannot be looked up.
    ///
    /// - Parameters:
    ///   - isFound: by the position in the selection that `series` are of.
    ///   - isOver: nobody wants to know any more.
    func findSamples(
        _ series: consuming SoughtSeries, fromMs: TimestampMs, toMs: TimestampMs,
        into isFound: inout [Bool], refs: [UInt32], isOver: () -> Bool
    ) {
        for index in blocks(fromMs, toMs, newestFirst: true) {
            if series.isEmpty || isOver() { return }
            let block = cursors[index].block
            var bounds = BlockCursor.ColumnBounds()
            var lookCount = 0
            series.lookUp(cursors[index]) { number, chunk in
                lookCount += 1
                if lookCount % Self.chunksPerLook == 0 && isOver() { return false }
                do throws(BlockError) {
                    let chunk = try chunk.get()
                    try bounds.find(chunk, block)
                    let isVisible = isVisible(
                        refs[number], (bounds.minMs, bounds.maxMs), index, fromMs: fromMs,
                        toMs: toMs)
                    if isVisible { isFound[number] = true }
                } catch {
                    // Reading the series will say what is wrong.
                    isFound[number] = true
                }
                return true
            }
            series.remove { isFound[$0] }
        }
    }

    /// Chunks looked at between two looks at whether anybody still wants them.
    private static let chunksPerLook = 4096

    private func blocks(_ fromMs: TimestampMs, _ toMs: TimestampMs, newestFirst: Bool) -> [Int] {
        let indices = cursors.indices.filter { overlaps($0, fromMs, toMs) }
        if !newestFirst { return indices }
        return indices.sorted {
            cursors[$0].block.footer.maxTimeMs > cursors[$1].block.footer.maxTimeMs
        }
    }
}

import TSQBase

/// Where the blocks have the chunks of some consecutive series of a selection.
struct ChunkLookUp: Sendable {
    /// Which series.
    private(set) var window: Range<Int>
    /// Nil: the one series of the window has more chunks than may be kept.
    private(set) var places: ChunkPlaces?
    /// Of the samples up to here only each series' newest is sure to be in a chunk found.
    let newestAtMs: TimestampMs

    /// What is looked up: the series' refs, in the order of the selection, and the range of times.
    struct Request: Sendable {
        var refs: [UInt32]
        /// The positions in `refs` in ascending order of the refs, and what is known of their chunks:
        /// where these are series that are selected again.
        var order: [UInt32] = []
        var kept: KeptChunks?
        var fromMs: TimestampMs
        var toMs: TimestampMs
        var chunksMax = ChunkPlaces.chunksMax

        /// The range wanted, no further than the samples of `blocks` reach.
        fileprivate func range(
            within blocks: [Block]
        ) -> (fromMs: TimestampMs, toMs: TimestampMs) {
            var (firstMs, lastMs) = (TimestampMs.max, TimestampMs.min)
            for block in blocks {
                firstMs = min(firstMs, block.footer.minTimeMs)
                lastMs = max(lastMs, block.footer.maxTimeMs)
            }
            return (max(fromMs, firstMs == .min ? .min : firstMs - 1), min(toMs, lastMs))
        }

        fileprivate func series(_ window: Range<Int>) -> SoughtSeries {
            if window.count == refs.count && order.count == refs.count {
                return SoughtSeries(refs, order: order, kept: kept)
            }
            let refs = Array(refs[window])
            return SoughtSeries(refs, order: RefOrder.ascending(refs), kept: nil)
        }

        /// How many series' chunks may be kept, at a guess.
        func seriesCount(_ reader: SeriesReader, newestAtMs: TimestampMs) -> Int {
            var chunks = reader.chunksPerSeries(fromMs, toMs)
            // The newest sample is in one chunk, and where those of the series differ in another.
            if newestAtMs >= toMs { chunks = min(chunks, 2) }
            return max(1, chunksMax / chunks)
        }
    }

    /// Looks up the series from `start` on: `count` of them, or as many as may be kept.
    init(
        _ request: Request, from start: Int, count: Int, newestAtMs: TimestampMs,
        _ reader: SeriesReader
    ) {
        self.newestAtMs = newestAtMs
        var count = count
        // After the first time: these have more chunks than others.
        while true {
            count = min(max(1, count), request.refs.count - start)
            window = start..<(start + count)
            func lookUp() -> ChunkPlaces? {
                reader.chunkPlaces(
                    request.series(window), seriesCount: count, fromMs: request.fromMs,
                    newestAtMs: newestAtMs, toMs: request.toMs, chunksMax: request.chunksMax)
            }
            // Deletions may hide the newest samples.
            let isPlain = reader.snapshot.deletions.isEmpty
            if let kept = request.kept, count == request.refs.count, isPlain {
                let blocks = reader.snapshot.blocks
                places = kept.whole(
                    blocks, request.range(within: blocks), newestAtMs: newestAtMs, lookUp)
            } else {
                places = lookUp()
            }
            if places != nil || count == 1 { return }
            count /= 4
        }
    }

    func serves(_ series: Int, newestAtMs: TimestampMs) -> Bool {
        window.contains(series) && self.newestAtMs <= newestAtMs
    }
}

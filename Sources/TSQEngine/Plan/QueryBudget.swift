import TSQBase

/// What a query may still use: samples, bytes, time; and whether anybody still wants its answer.
///
/// A copy for another thread (`fork`) counts samples of its own and shares the rest.
struct QueryBudget: Sendable {
    /// Where Prometheus's errors say it happened.
    static let place = "expression evaluation"
    static let executionPlace = "query execution"
    /// Rows between two looks at the clock: a row costs 0.1 µs or more, the clock 30 ns.
    private static let ticksPerClockRead = 16

    let memory: QueryMemory
    private var samplesMax: Int64
    private let clock = SystemClock()
    private let deadlineNs: UInt64
    private let cancellation: QueryCancellation?
    /// Nobody takes what a fork works out any more.
    private var abandonment: QueryCancellation?
    private var ticks = 0
    private(set) var samples: Int64 = 0
    private(set) var peakSamples: Int64 = 0

    init(options: EngineOptions, query: QueryOptions) {
        samplesMax = options.samplesMax
        memory = QueryMemory(bytesMax: options.bytesMax, pool: options.memoryPool)
        cancellation = query.cancellation
        let timeoutMs = min(query.timeoutMs ?? options.timeoutMs, options.timeoutMs)
        deadlineNs = clock.monotonicNs() &+ UInt64(max(0, min(timeoutMs, 1 << 40))) &* 1_000_000
    }

    /// For another thread: the samples it counts are held against the limit by whoever takes its
    /// rows, in the order of the rows.
    ///
    /// - Parameter abandonment: ends the work of this fork alone.
    func fork(abandonment: QueryCancellation? = nil) -> QueryBudget {
        var copy = self
        copy.abandonment = abandonment
        copy.samplesMax = .max
        copy.samples = 0
        copy.peakSamples = 0
        return copy
    }

    /// To be called for each row and tile.
    @inline(__always)
    mutating func tick() throws(QueryError) {
        ticks &+= 1
        if let cancellation, cancellation.isCancelled { return try check() }
        if ticks % Self.ticksPerClockRead != 0 { return }
        try check()
    }

    func check() throws(QueryError) {
        if cancellation?.isCancelled == true || abandonment?.isCancelled == true {
            throw .canceled("query was canceled in \(Self.place)")
        }
        if clock.monotonicNs() > deadlineNs {
            throw .timeout("query timed out in \(Self.place)")
        }
    }

    /// Whether `check` would throw: for places that cannot.
    var isOver: Bool {
        (cancellation?.isCancelled ?? false) || clock.monotonicNs() > deadlineNs
    }

    /// Samples that are held now, as Prometheus counts them: points of the results of operators.
    mutating func hold(samples count: Int64) throws(QueryError) {
        samples += count
        peakSamples = max(peakSamples, samples)
        if samples > samplesMax {
            throw .execution(
                "query processing would load too many samples into memory in "
                    + Self.executionPlace)
        }
    }

    /// An operator has reduced its input, which was taken in while `held` samples were held, to
    /// `count` points.
    mutating func release(downTo held: Int64, keeping count: Int) throws(QueryError) {
        samples = held
        try hold(samples: Int64(count))
    }

    /// As `release`, where nothing is kept.
    mutating func forget(downTo held: Int64) { samples = held }

    /// Begins to count samples apart from those held: `finish` gives what was counted since.
    mutating func record() -> SampleMark {
        let mark = SampleMark(samples: samples, peak: peakSamples, most: samplesMax)
        samples = 0
        peakSamples = 0
        samplesMax = .max
        return mark
    }

    mutating func finish(_ mark: SampleMark) -> SampleHold {
        let hold = SampleHold(peak: peakSamples, kept: samples)
        samples = mark.samples
        peakSamples = mark.peak
        samplesMax = mark.most
        return hold
    }

    /// Holds what was counted apart, as if it happened now.
    mutating func replay(_ hold: SampleHold) throws(QueryError) {
        if hold.peak > hold.kept {
            let before = samples
            try self.hold(samples: hold.peak)
            samples = before
        }
        try self.hold(samples: hold.kept)
    }
}

/// Samples that a part of the work held at most, and those it went on to hold.
struct SampleHold {
    var peak: Int64 = 0
    var kept: Int64 = 0
}

/// What was held when samples began to be counted apart.
struct SampleMark {
    fileprivate var samples: Int64
    fileprivate var peak: Int64
    fileprivate var most: Int64

    fileprivate init(samples: Int64, peak: Int64, most: Int64) {
        self.samples = samples
        self.peak = peak
        self.most = most
    }
}

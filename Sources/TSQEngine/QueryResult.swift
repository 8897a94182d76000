import TSQBase
import TSQModel

/// The answer of a query.
package struct QueryResult: Sendable {
    package enum Value: Sendable {
        case scalar(timeMs: TimestampMs, Double)
        case string(timeMs: TimestampMs, String)
        /// Instant vector: exactly one point (float or histogram) a series.
        case vector(ResultSeries)
        /// Range query, or an instant query whose expression is a range vector: ascending points.
        case matrix(ResultSeries)
    }

    package var value: Value
    /// With prefix and position: `PromQL warning: … (1:5)`. At most ten of each kind.
    package var warnings: [String]
    package var infos: [String]
    package var statistics: QueryStatistics
    /// The plan as executed, where `QueryOptions.explain` asked for it.
    package var explain: ExplainNode?
    /// What the answer's columns are charged to until it goes; its JSON is to be charged, too.
    package var memory: QueryMemory?

    package init(
        value: Value, warnings: [String] = [], infos: [String] = [],
        statistics: QueryStatistics = QueryStatistics()
    ) {
        self.value = value
        self.warnings = warnings
        self.infos = infos
        self.statistics = statistics
    }
}

/// Result series as columns.
///
/// - Shape: series `i` has float points `pointEnds[i-1]..<pointEnds[i]` of `times`/`values` and
///   histogram points `histogramEnds[i-1]..<histogramEnds[i]` of `histogramTimes`/`histograms`.
///   `pointEnds.count == histogramEnds.count == labels.count`.
/// - Units: ms. Times ascend within a series.
/// - Order: matrix: sorted by labels. Vector: as the expression delivers (sort, topk).
package struct ResultSeries: @unchecked Sendable {
    // Safe to send because: the engine hands the symbol table over with the result and keeps no
    // reference that writes.
    package var symbols: SymbolTable
    package var labels = SeriesLabels()
    package var times: [TimestampMs] = []
    package var values: [Double] = []
    package var pointEnds: [Int] = []
    package var histogramTimes: [TimestampMs] = []
    package var histograms: [Histogram] = []
    package var histogramEnds: [Int] = []

    package init(symbols: SymbolTable) { self.symbols = symbols }

    package var count: Int { labels.count }

    package func points(_ series: Int) -> Range<Int> {
        (series == 0 ? 0 : pointEnds[series - 1])..<pointEnds[series]
    }

    package func histogramPoints(_ series: Int) -> Range<Int> {
        (series == 0 ? 0 : histogramEnds[series - 1])..<histogramEnds[series]
    }

    /// Ends a series whose points were appended.
    package mutating func closeSeries(_ pairs: some Sequence<LabelPair>) {
        labels.append(pairs)
        pointEnds.append(values.count)
        histogramEnds.append(histograms.count)
    }
}

/// What a query cost.
package struct QueryStatistics: Sendable {
    /// Samples in the windows of all steps, as Prometheus counts `totalQueryableSamples`.
    package var totalQueryableSamples: Int64 = 0
    /// As Prometheus counts `samplesRead`: the points of instant selectors; of windows, the samples
    /// that the step before did not have; of a subquery, those of its inside and of its windows.
    package var samplesRead: Int64 = 0
    package var peakSamples: Int64 = 0
    /// Bytes charged to the query at most at once.
    package var peakBytes: Int64 = 0
    package var preparationNs: UInt64 = 0
    package var evaluationNs: UInt64 = 0
    package var sortNs: UInt64 = 0

    package init() {}
}

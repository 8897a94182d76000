import TSQBase
import TSQModel

/// A random batch of samples, and what a store must do with it.
struct SimulatedBatch {
    struct Item {
        var series: Int
        var timeMs: TimestampMs
        var value: StoredValue
        var histogram: Histogram?

        var key: SampleKey {
            SampleKey(series: series, timeMs: timeMs, isHistogram: histogram != nil)
        }
    }

    var origin: WriteOrigin
    var row: [Item] = []
    var loose: [Item] = []
    var histograms: [Item] = []
    var exemplars: [(series: Int, exemplar: Exemplar)] = []

    var isEmpty: Bool { row.isEmpty && loose.isEmpty && histograms.isEmpty }
    /// In the order in which they are resolved.
    var series: [Int] { (row + loose + histograms).map(\.series) + exemplars.map(\.series) }

    mutating func remove(_ refused: Set<Int>) {
        row.removeAll { refused.contains($0.series) }
        loose.removeAll { refused.contains($0.series) }
        histograms.removeAll { refused.contains($0.series) }
        exemplars.removeAll { refused.contains($0.series) }
    }

    /// The store's batch; `ref` resolves a series.
    func writeBatch(
        _ group: WriteGroup?, _ ref: (Int) throws -> SeriesRef
    ) rethrows -> WriteBatch {
        var batch = WriteBatch(origin: origin, group: group)
        batch.rowTimeMs = row.first?.timeMs ?? 0
        for item in row {
            batch.rowRefs.append(try ref(item.series))
            batch.rowValues.append(Double(bitPattern: item.value.bits))
        }
        if row.contains(where: { $0.value.startTimeMs != 0 }) {
            batch.rowStartTimes = row.map(\.value.startTimeMs)
        }
        for item in loose {
            batch.refs.append(try ref(item.series))
            batch.times.append(item.timeMs)
            batch.values.append(Double(bitPattern: item.value.bits))
        }
        if loose.contains(where: { $0.value.startTimeMs != 0 }) {
            batch.startTimes = loose.map(\.value.startTimeMs)
        }
        for item in histograms {
            guard let histogram = item.histogram else { continue }
            batch.histogramRefs.append(try ref(item.series))
            batch.histograms.append(
                histogram, timeMs: item.timeMs, startTimeMs: item.value.startTimeMs)
        }
        for (series, exemplar) in exemplars {
            batch.exemplars.append((try ref(series), exemplar))
        }
        return batch
    }

    /// What the acceptance table says: the samples taken, and how many are refused by reason.
    func accepted(
        by model: SimulationModel, _ rules: AcceptanceRules
    ) -> (writes: [(key: SampleKey, value: StoredValue?)], refused: [String: Int]) {
        var writes: [(key: SampleKey, value: StoredValue?)] = []
        var refused: [String: Int] = [:]
        var inBatch: SampleTable = [:]
        for item in row + loose + histograms {
            if let reason = rules.reasonAgainst(item.timeMs) {
                refused[reason, default: 0] += 1
                continue
            }
            let newestMs = model.newestMs(item.series)
            if let present = inBatch[item.key] ?? model.live[item.key] {
                if present.bits == item.value.bits { continue }
                if origin != .backfill(overwrite: true) {
                    refused["duplicate", default: 0] += 1
                    continue
                }
            } else if rules.isOutOfOrder(origin, item.timeMs, newestMs) {
                refused["out_of_order", default: 0] += 1
                continue
            }
            writes.append((item.key, item.value))
            inBatch[item.key] = item.value
        }
        return (writes, refused)
    }
}

/// The numbers that acceptance depends on.
struct AcceptanceRules {
    var nowMs: TimestampMs
    var cutoffMs: TimestampMs
    var windowMs: Int64
    var futureToleranceMs: Int64

    func reasonAgainst(_ timeMs: TimestampMs) -> String? {
        // No range begins before the smallest number, so nothing could read a sample there.
        timeMs > nowMs + futureToleranceMs
            ? "future" : timeMs < cutoffMs || timeMs == .min ? "too_old" : nil
    }

    func isOutOfOrder(_ origin: WriteOrigin, _ timeMs: TimestampMs, _ newestMs: Int64) -> Bool {
        if timeMs > newestMs { return false }
        switch origin {
        case .scrape: return true
        case .timestamped:
            let (behind, overflow) = newestMs.subtractingReportingOverflow(timeMs)
            return overflow || behind > windowMs
        case .backfill: return false
        }
    }
}

/// Makes random values, histograms and batches.
struct SimulatedSamples {
    var random: SplitMix64

    mutating func value() -> UInt64 {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: UInt64.random(in: 0 ... .max, using: &random)
        case 1: StaleMarker.value.bitPattern
        case 2: (-0.0).bitPattern
        case 3: (Double(Int.random(in: -50...50, using: &random)) / 10).bitPattern
        case 4: 0x7FF4_7B5D_A1C3_9E06  // what rows use for "no sample"
        case 5: Double(1).bitPattern
        default: Double(Int.random(in: 0...1_000_000, using: &random)).bitPattern
        }
    }

    mutating func startTime(_ timeMs: TimestampMs) -> TimestampMs {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: timeMs - 5000
        case 1: timeMs - Int64.random(in: 1...100_000, using: &random)
        default: 0
        }
    }

    mutating func histogram() -> Histogram {
        var result = Histogram()
        let count = Int.random(in: 0...6, using: &random)
        func buckets(_ random: inout SplitMix64) -> [Double] {
            (0..<count).map { _ in Double(Int.random(in: 0...900, using: &random)) }
        }
        result.hint = CounterResetHint(rawValue: UInt8.random(in: 0...3, using: &random)) ?? .gauge
        result.count = Double(Int.random(in: 0...9999, using: &random))
        result.sum = Double(bitPattern: value())
        result.positiveBuckets = buckets(&random)
        if count > 0 {
            result.positiveSpans = [
                HistogramSpan(
                    offset: Int32.random(in: -4...4, using: &random), length: UInt32(count))
            ]
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            result.schema = Histogram.customSchema
            result.customBounds = (0..<count).map { Double($0) * 1.5 }
        } else {
            result.schema = Int32.random(in: -4...8, using: &random)
            result.zeroThreshold = 0.001
            result.zeroCount = Double(Int.random(in: 0...5, using: &random))
            result.negativeBuckets = buckets(&random)
            result.negativeSpans = result.positiveSpans
        }
        return result
    }

    /// A number that stands for a histogram's every bit.
    static func digest(_ histogram: Histogram) -> UInt64 {
        var writer = ByteWriter()
        writer.u32(UInt32(bitPattern: histogram.schema))
        writer.u8(histogram.hint.rawValue)
        for value in [
            histogram.zeroThreshold, histogram.zeroCount, histogram.count, histogram.sum,
        ] { writer.u64(value.bitPattern) }
        for spans in [histogram.positiveSpans, histogram.negativeSpans] {
            writer.u32(UInt32(spans.count))
            for span in spans {
                writer.u32(UInt32(bitPattern: span.offset))
                writer.u32(span.length)
            }
        }
        for values in [
            histogram.positiveBuckets, histogram.negativeBuckets, histogram.customBounds,
        ] {
            writer.u32(UInt32(values.count))
            for value in values { writer.u64(value.bitPattern) }
        }
        return XXHash64.hash(writer.bytes)
    }
}

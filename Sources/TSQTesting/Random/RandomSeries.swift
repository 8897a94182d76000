import TSQBase
import TSQModel

/// Series of every kind, with gaps, resets, stale markers and odd values, the same for a seed.
package struct RandomSeries {
    /// The samples lie within [0, lengthMs].
    package static let lengthMs: Int64 = 40 * 60_000

    private var random: SplitMix64
    private var series: [MemorySource.Series] = []
    /// Added to all times.
    private let shiftMs: Int64

    /// - Parameter shiftMs: when it begins; the times before 1970 are negative.
    package static func source(seed: UInt64, shiftMs: Int64 = 0) -> MemorySource {
        var maker = RandomSeries(random: SplitMix64(seed: seed), shiftMs: shiftMs)
        maker.fill()
        return MemorySource(maker.series)
    }

    private init(random: SplitMix64, shiftMs: Int64) {
        self.random = random
        self.shiftMs = shiftMs
    }

    private mutating func fill() {
        for job in ["api", "web"] {
            for instance in ["0", "1", "2"] {
                add(
                    "requests_total", job, instance, counter(step: 10),
                    extra: ["__type__": "counter"])
                add("errors_total", job, instance, counter(step: 1))
                add(
                    "memory", job, instance, gauge(), extra: ["__type__": "gauge", "__unit__": "b"])
                add("odd", job, instance, oddValues())
                add("started_total", job, instance, startedCounter())
                add("delay", job, instance, histograms(.exponential))
                add("size", job, instance, histograms(.custom))
                add(
                    "depth", job, instance, histograms(.gauge),
                    extra: ["__type__": "gaugehistogram"])
                add("mixed", job, instance, mixture())
                add("extreme", job, instance, extremeHistograms())
            }
            add("http.requests", job, "0", counter(step: 5), extra: ["service.name": "a b"])
            add("http.requests", job, "1", counter(step: 5), extra: ["service.name": "ä"])
            buckets(job: job)
            infoSeries(job: job)
        }
    }

    /// One version after the other; now and then two for a time.
    private mutating func infoSeries(job: String) {
        let all = constant()
        var (early, late) = (SampleColumns(), SampleColumns())
        let middle = all.times.count / 2
        let overlap = Int(below(3))
        for (index, timeMs) in all.times.enumerated() {
            if index < middle + overlap { early.appendFloat(1, timeMs: timeMs) }
            if index >= middle { late.appendFloat(1, timeMs: timeMs + 1) }
        }
        add("target_info", job, "0", early, extra: ["version": "1.\(job.count)"])
        add("target_info", job, "0", late, extra: ["version": "1.9", "os": "linux"])
        add("target_info", job, "1", constant(), extra: ["version": "2.0", "os": "linux"])
        add("build_info", job, "1", constant(), extra: ["branch": "main", "le": "1"])
        add("build_info", job, "2", constant(), extra: ["branch": "main", "version": "2.0"])
    }

    private mutating func add(
        _ name: String, _ job: String, _ instance: String, _ columns: SampleColumns,
        extra: [String: String] = [:]
    ) {
        var labels = LabelSet([
            LabelName.metricName: name, "job": job, "instance": instance,
        ])
        for (key, value) in extra { labels[key] = value }
        series.append(MemorySource.Series(labels: labels, columns: columns))
    }

    // MARK: Times

    /// Every 15 or 30 s with jitter, now and then a gap.
    private mutating func times() -> [TimestampMs] {
        let gapMs: Int64 = chance(2) ? 15_000 : 30_000
        var times: [TimestampMs] = []
        var timeMs = Int64.random(in: 0..<gapMs, using: &random)
        while timeMs <= Self.lengthMs {
            if !chance(20) { times.append(shiftMs + timeMs + (chance(3) ? below(2000) : 0)) }
            if chance(60) { timeMs += 6 * 60_000 }
            timeMs += gapMs
        }
        return times
    }

    private mutating func chance(_ oneIn: Int64) -> Bool { below(oneIn) == 0 }

    private mutating func below(_ bound: Int64) -> Int64 {
        Int64.random(in: 0..<bound, using: &random)
    }

    // MARK: Floats

    private mutating func counter(step: Int64) -> SampleColumns {
        var columns = SampleColumns()
        var value = Double(below(1000))
        for timeMs in times() {
            value = chance(25) ? Double(below(step + 1)) : value + Double(below(step + 1))
            columns.appendFloat(chance(90) ? StaleMarker.value : value, timeMs: timeMs)
        }
        return columns
    }

    /// A counter that says when it began; sometimes a delta, sometimes unknown or in the future.
    private mutating func startedCounter() -> SampleColumns {
        var columns = SampleColumns()
        var value = 0.0
        var startMs = shiftMs - 1
        var previousMs = startMs
        for timeMs in times() {
            if chance(12) {
                value = Double(below(20))
                startMs = previousMs + below(max(1, timeMs - previousMs))
            } else {
                value += Double(below(10))
            }
            let odd = [0, previousMs, timeMs, timeMs + 5, previousMs - 1]
            let told = chance(8) ? odd[Int(below(5))] : startMs
            columns.appendFloat(value, timeMs: timeMs, startTimeMs: told)
            previousMs = timeMs
        }
        return columns
    }

    private mutating func gauge() -> SampleColumns {
        var columns = SampleColumns()
        var value = 50.0
        for timeMs in times() {
            value += Double.random(in: -5...5, using: &random)
            columns.appendFloat(chance(30) ? StaleMarker.value : value, timeMs: timeMs)
        }
        return columns
    }

    private mutating func oddValues() -> SampleColumns {
        let odd: [Double] = [
            .nan, .infinity, -.infinity, 0, -0.0, 1e308, -1e308, .leastNonzeroMagnitude, 0x1p63, 1,
            -1, 1e100, -0x1p63, .leastNormalMagnitude / 8, 0.1, 1e16, StaleMarker.value,
        ]
        var columns = SampleColumns()
        for timeMs in times() {
            let pick = chance(2) ? odd[Int(below(Int64(odd.count)))] : Double(below(5))
            columns.appendFloat(pick, timeMs: timeMs)
        }
        return columns
    }

    private mutating func constant() -> SampleColumns {
        var columns = SampleColumns()
        for timeMs in times() { columns.appendFloat(1, timeMs: timeMs) }
        return columns
    }

    private mutating func buckets(job: String) {
        let times = times()
        let bounds = ["0.1", "0.5", "1", "2.5", "10", "+Inf"]
        var counts = [Double](repeating: 0, count: bounds.count)
        var columns = [SampleColumns](repeating: SampleColumns(), count: bounds.count)
        for timeMs in times {
            if chance(30) { counts = counts.map { _ in 0 } }
            var increase = 0.0
            for index in bounds.indices {
                increase += Double(below(4))
                counts[index] += increase
                // A page that was read while it was being written.
                let torn = chance(80) ? -3.0 : 0
                columns[index].appendFloat(counts[index] + torn, timeMs: timeMs)
            }
        }
        for (bound, column) in zip(bounds, columns) {
            add("latency_bucket", job, "0", column, extra: [LabelName.bucketBound: bound])
        }
    }

    // MARK: Histograms

    private enum Kind { case exponential, custom, gauge }

    private mutating func histograms(_ kind: Kind) -> SampleColumns {
        var columns = SampleColumns()
        var current = fresh(kind)
        var previous: Histogram?
        for timeMs in times() {
            if chance(25) {
                current = fresh(kind)
            } else {
                grow(&current)
            }
            current.hint = kind == .gauge ? .gauge : .unknown
            var stored = current
            if chance(40) { stored.sum = StaleMarker.value }
            stored.hint = StoredHint.hint(of: current, after: previous)
            columns.histograms.append(stored, timeMs: timeMs)
            previous = stored
        }
        return columns
    }

    private mutating func fresh(_ kind: Kind) -> Histogram {
        var histogram = Histogram()
        switch kind {
        case .custom:
            histogram.schema = Histogram.customSchema
            histogram.customBounds = chance(4) ? [1, 5, 10] : [1, 2, 5, 10]
            histogram.positiveSpans = [
                HistogramSpan(offset: 0, length: UInt32(histogram.customBounds.count + 1))
            ]
            histogram.positiveBuckets = [Double](
                repeating: 0, count: histogram.customBounds.count + 1)
        case .exponential, .gauge:
            histogram.schema = Int32(below(3))
            histogram.zeroThreshold = chance(3) ? 0.01 : 0.001
            histogram.zeroCount = Double(below(3))
            histogram.positiveSpans = [
                HistogramSpan(offset: Int32(below(3)) - 1, length: 3),
                HistogramSpan(offset: 2, length: 2),
            ]
            histogram.positiveBuckets = [0, 0, 0, 0, 0]
            if chance(2) {
                histogram.negativeSpans = [HistogramSpan(offset: 0, length: 2)]
                histogram.negativeBuckets = [0, 0]
            }
        }
        histogram.count = histogram.zeroCount
        grow(&histogram)
        return histogram
    }

    private mutating func grow(_ histogram: inout Histogram) {
        for index in histogram.positiveBuckets.indices {
            let more = Double(below(5))
            histogram.positiveBuckets[index] += more
            histogram.count += more
            histogram.sum += more * Double(index + 1)
        }
        for index in histogram.negativeBuckets.indices {
            let more = Double(below(3))
            histogram.negativeBuckets[index] += more
            histogram.count += more
            histogram.sum -= more * Double(index + 1)
        }
    }

    /// Resolutions from the coarsest to the finest, sums and counts that are no numbers, resets that
    /// are told.
    private mutating func extremeHistograms() -> SampleColumns {
        var columns = SampleColumns()
        var current = fresh(.exponential)
        let hints: [CounterResetHint] = [.unknown, .reset, .notReset, .gauge]
        for timeMs in times() {
            if chance(6) {
                current = fresh(chance(4) ? .custom : .exponential)
                if !current.usesCustomBounds { current.schema = Int32(below(13)) - 4 }
            }
            grow(&current)
            var stored = current
            switch below(14) {
            case 0: stored.sum = .nan
            case 1: stored.sum = .infinity
            case 2: stored.count += 3  // Observations of NaN.
            case 3: stored.sum = StaleMarker.value
            case 4:
                stored = Histogram()
                stored.schema = 3
            case 5: stored.positiveBuckets[0] = 1e308
            case 6: (stored.sum, stored.count) = (.nan, stored.count + 2)
            default: break
            }
            stored.hint = hints[Int(below(4))]
            columns.histograms.append(stored, timeMs: timeMs)
        }
        return columns
    }

    private mutating func mixture() -> SampleColumns {
        var columns = SampleColumns()
        var current = fresh(.exponential)
        for timeMs in times() {
            if chance(3) {
                columns.appendFloat(Double(below(50)), timeMs: timeMs)
            } else {
                grow(&current)
                columns.histograms.append(current, timeMs: timeMs)
            }
        }
        return columns
    }
}

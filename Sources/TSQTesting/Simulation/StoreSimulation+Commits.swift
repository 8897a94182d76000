import TSQBase
import TSQModel
import TSQStore

extension StoreSimulation {
    /// Hands a batch to the store and to the model, and compares what they make of it.
    private func commit(_ batch: SimulatedBatch, group: WriteGroup? = nil, _ name: String) throws {
        let batch = try withinMemory(batch)
        if batch.isEmpty { return }
        let rules = AcceptanceRules(
            nowMs: clock.nowMs(), cutoffMs: cutoffMs, windowMs: options.outOfOrderWindowMs,
            futureToleranceMs: options.futureToleranceMs)
        let (writes, refused) = batch.accepted(by: model, rules)
        var isDone = false
        let dead = disk.isDead
        try attempt(name) { store in
            let report: CommitReport
            do {
                let written = try batch.writeBatch(group) { index in
                    let ref = try store.resolve(self.series[index])
                    self.resolved.insert(index)
                    self.resolvedNow.insert(index)
                    return ref
                }
                for entry in batch.exemplars { self.exemplarsGiven.insert(entry.exemplar) }
                report = try store.commit(written)
            } catch {
                self.model.doubt(writes)
                isDone = true
                self.note("\(name) of \(writes.count) in doubt")
                throw error
            }
            isDone = true
            var reasons: [String: Int] = [:]
            for refusal in report.refusals { reasons[refusal.reason.rawValue, default: 0] += 1 }
            let isAsExpected = report.acceptedCount == writes.count && reasons == refused
            if !isAsExpected && !self.model.doubtful({ _ in true }).isEmpty {
                // What was held against a commit in doubt is itself in doubt, sample by sample.
                self.model.doubt(writes, isWhole: false)
                self.note(
                    "\(name) of \(writes.count), after a doubt \(report.acceptedCount) taken, "
                        + "\(reasons) refused")
                return
            }
            // Before anything ends the process: this was acknowledged.
            self.model.acknowledge(writes, isDurable: self.options.syncIntervalMs == 0)
            self.countSamples(writes.count)
            self.note("\(name) of \(writes.count)")
            if !isAsExpected {
                throw self.failure(
                    "\(name): \(report.acceptedCount) taken and \(reasons) refused, "
                        + "not \(writes.count) and \(refused)")
            }
        }
        if !isDone && !dead { note("\(name) not done") }
    }

    /// One sample of a series, now; whatever becomes of it.
    func commitNow(_ number: Int) throws {
        guard let store else { return }
        let value = StoredValue(bits: samples.value(), startTimeMs: 0)
        let key = SampleKey(series: number, timeMs: clock.nowMs())
        var batch = WriteBatch(origin: .scrape)
        do {
            batch.refs = [try store.resolve(series[number])]
            resolved.insert(number)
            batch.times = [key.timeMs]
            batch.values = [Double(bitPattern: value.bits)]
            _ = try store.commit(batch)
            model.acknowledge([(key, value)], isDurable: options.syncIntervalMs == 0)
        } catch {
            model.doubt([(key, value)])
        }
        clock.advance(byMs: 1000)
    }

    func commitRow() throws {
        if groups.count < 3, let store {
            let first = below(series.count)
            groups.append((store.openGroup(), (0..<8).map { (first + $0) % series.count }))
        }
        guard !groups.isEmpty else { return }
        let index = below(groups.count)
        changeMembers(index)
        let time = max(clock.nowMs(), lastRowMs + 1)
        lastRowMs = time
        var batch = SimulatedBatch(origin: below(8) == 0 ? .timestamped : .scrape)
        let hasStarts = below(5) == 0
        for member in groups[index].members {
            let start = hasStarts ? samples.startTime(time) : 0
            batch.row.append(
                SimulatedBatch.Item(
                    series: member, timeMs: time,
                    value: StoredValue(bits: samples.value(), startTimeMs: start)))
        }
        if below(6) == 0 { batch.exemplars = [exemplar(groups[index].members[0], time)] }
        try commit(batch, group: groups[index].group, "row")
    }

    private func exemplar(_ series: Int, _ time: TimestampMs) -> (series: Int, exemplar: Exemplar) {
        (
            series,
            Exemplar(
                labels: LabelSet(["trace": "\(below(1 << 30))"]), value: 1.5,
                timeMs: below(5) == 0 ? nil : time)
        )
    }

    /// Now and then a series goes, comes, comes twice, or the order changes.
    private func changeMembers(_ index: Int) {
        switch below(12) {
        case 0: groups[index].members.removeLast()
        case 1: groups[index].members.reverse()
        case 2:
            let extra = below(series.count)
            if below(20) == 0 || !groups[index].members.contains(extra) {
                groups[index].members.append(extra)
            }
        case 3: if series.count < 150 { groups[index].members.append(addSeries()) }
        case 4: if groups[index].members.count > 20 { groups[index].members.removeFirst(12) }
        default: break
        }
        if groups[index].members.isEmpty { groups[index].members = [below(series.count)] }
    }

    private func origin() -> WriteOrigin {
        switch below(4) {
        case 0: .timestamped
        case 1: .backfill(overwrite: false)
        case 2: .scrape
        default: .backfill(overwrite: true)
        }
    }

    private func startOfTimes() -> TimestampMs {
        let now = clock.nowMs()
        switch below(16) {
        case 0: return now + 599_990
        case 1: return now + 700_000
        case 2: return options.retentionMs == .max ? [-5, 0, .min, .max - 1000][below(4)] : now
        case 3: return now
        default:
            let back = Int64(below(6)) * 1_000_000
            let time = now - back - Int64(below(30))
            // Where the retention may have been at work nothing is certain.
            return max(time, model.cutoffMs)
        }
    }

    private func looseItems() -> [SimulatedBatch.Item] {
        var items: [SimulatedBatch.Item] = []
        for _ in 0..<(1 + below(3)) {
            let member = below(series.count)
            if items.contains(where: { $0.series == member }) { continue }
            var time = startOfTimes()
            let hasStarts = below(4) == 0 && time > 0
            for _ in 0..<(1 + below(20)) {
                let start = hasStarts ? samples.startTime(time) : 0
                items.append(
                    SimulatedBatch.Item(
                        series: member, timeMs: time,
                        value: StoredValue(bits: samples.value(), startTimeMs: start)))
                // Now and then a second sample of one time.
                time &+= Int64(below(10) == 0 ? 0 : 1 + below(3))
            }
        }
        return items
    }

    func commitLoose() throws {
        var batch = SimulatedBatch(origin: origin())
        batch.loose = looseItems()
        try commit(batch, "loose \(batch.origin)")
    }

    private func histogramItems() -> [SimulatedBatch.Item] {
        let member = below(series.count)
        var time = startOfTimes()
        return (0..<(1 + below(5))).map { _ in
            defer { time &+= Int64(1 + below(3)) }
            let histogram = samples.histogram()
            return SimulatedBatch.Item(
                series: member, timeMs: time,
                value: StoredValue(
                    bits: SimulatedSamples.digest(histogram),
                    startTimeMs: time > 0 ? samples.startTime(time) : 0),
                histogram: histogram)
        }
    }

    func commitHistograms() throws {
        var batch = SimulatedBatch(origin: origin())
        batch.histograms = histogramItems()
        try commit(batch, "histograms")
    }

    func commitMixed() throws {
        var batch = SimulatedBatch(origin: origin())
        batch.loose = looseItems()
        batch.histograms = histogramItems()
        batch.exemplars = [exemplar(batch.loose[0].series, clock.nowMs())]
        if let entry = groups.last {
            let time = max(clock.nowMs(), lastRowMs + 1)
            lastRowMs = time
            batch.row = entry.members.map {
                SimulatedBatch.Item(
                    series: $0, timeMs: time,
                    value: StoredValue(bits: samples.value(), startTimeMs: 0))
            }
            try commit(batch, group: entry.group, "mixed")
        } else {
            try commit(batch, "mixed")
        }
    }
}

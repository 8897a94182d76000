import TSQBase
import TSQIO
import TSQModel
import TSQStore

extension StoreSimulation {
    /// A deletion that may be undone: it was the last, and everything it hid was visible.
    struct LastDeletion {
        var id: UInt64
        var hidden: SampleTable
    }

    func feature() throws {
        switch below(6) {
        case 0, 1: try delete()
        case 2: try undo()
        case 3: try snapshot()
        case 4:
            // One that is ended half-way has given back a part.
            lastDeletion = nil
            try attempt("deletions compacted") { try $0.compactDeletions() }
        default: try verify(mustBeSound: false)
        }
    }

    private func delete() throws {
        // Of the lists of matchers those that need a value.
        let matchers = try matchers([0, 1, 3, 5, 8, 10, 11][below(7)])
        let (fromMs, toMs) = range()
        let wanted = Set(
            series.indices.filter { index in matchers.allSatisfy { $0.matches(series[index]) } })
        let isInside: (SampleKey) -> Bool = {
            wanted.contains($0.series) && $0.timeMs >= fromMs && $0.timeMs <= toMs
        }
        let hidden = model.expected(isInside)
        let doubtful = model.doubtful(isInside)
        let writes = Set(hidden.keys).union(doubtful)
            .map { (key: $0, value: StoredValue?.none) }
        lastDeletion = nil
        try attempt("deletion") { store in
            let report: DeletionReport
            do {
                report = try store.deleteSeries(matching: [matchers], fromMs: fromMs, toMs: toMs)
            } catch {
                self.model.doubt(writes)
                self.note("deletion of \(writes.count) in doubt")
                throw error
            }
            self.model.acknowledge(writes, isDurable: true)
            self.note("deletion of \(writes.count)")
            if let id = report.id, doubtful.isEmpty {
                self.lastDeletion = LastDeletion(id: id, hidden: hidden)
            }
            let isCertain =
                doubtful.isEmpty && !hidden.keys.contains { $0.timeMs < self.model.cutoffMs }
            if isCertain && report.sampleCount != UInt64(hidden.count) {
                throw self.failure(
                    "a deletion hides \(report.sampleCount) samples, not \(hidden.count)")
            }
        }
    }

    private func undo() throws {
        guard let deletion = lastDeletion else { return }
        lastDeletion = nil
        let writes = deletion.hidden.filter { model.live[$0.key] == nil }
            .map { (key: $0.key, value: StoredValue?.some($0.value)) }
        try attempt("deletion undone") { store in
            if !store.deletions().contains(where: { $0.id == deletion.id }) { return }
            do {
                try store.undoDeletion(deletion.id)
            } catch {
                self.model.doubt(writes)
                self.note("undo of \(writes.count) in doubt")
                throw error
            }
            self.model.acknowledge(writes, isDurable: true)
            self.note("undo of \(writes.count)")
        }
    }

    private func snapshot() throws {
        snapshotCount += 1
        let name = "s\(snapshotCount)"
        try attempt("snapshot") { store in
            let before = self.disk.failureCount
            let path = try store.snapshot(name: name)
            let reader = try Store.openReadOnly(directory: path, fileSystem: self.disk)
            if self.disk.failureCount > before { return }
            let found = try self.table(of: reader)
            let wrong = self.model.mismatch(found, { _ in true }, .running, lossIsNamed: false)
            if let wrong { throw self.failure("a snapshot: \(wrong)") }
        }
    }

    /// Lets the store's own verification read everything.
    func verify(mustBeSound: Bool) throws {
        try attempt("verify") { _ in
            let before = self.disk.failureCount
            let report = try Store.verify(directory: Self.directory, fileSystem: self.disk)
            if mustBeSound && !report.isSound && self.disk.failureCount == before {
                throw self.failure("verify finds \(report.problems.prefix(3))")
            }
        }
    }
}

import TSQBase
import TSQModel
import TSQStore

extension StoreSimulation {
    /// One random operation.
    func operate() throws {
        if hasLimits, Int.random(in: 0..<12, using: &limitRandom) == 0 { try maintain() }
        switch below(44) {
        case 0..<9: try commitRow()
        case 9..<13: try commitLoose()
        case 13..<15: try commitHistograms()
        case 15..<17: try commitMixed()
        case 17..<19: try attempt("query") { try self.query($0) }
        case 19: try attempt("label lists") { try self.lists($0) }
        case 20: try checkEverything()
        case 21: try readOnly()
        case 22: try refreshReader()
        case 23: try holdSelection()
        case 24: try releaseSelection()
        case 25, 26: try checkpoint()
        case 27, 28: try maintain()
        case 29: try restart()
        case 30:
            try attempt("sync") {
                try $0.sync()
                self.model.sync()
            }
        case 31: try crash()
        case 32: moveClock()
        case 33: try attempt("invariants") { $0._checkInvariants() }
        case 34: planFault()
        case 35: limitDisk()
        case 36: try exemplars()
        case 37: try followLog()
        case 40..<44: try feature()
        default: if groups.count > 1 && below(4) == 0 { closeGroup() } else { try commitRow() }
        }
    }

    private func moveClock() {
        count("clock")
        switch below(6) {
        case 0: clock.advance(byMs: -Int64(below(5000)))
        case 1: clock.advance(byMs: Int64(below(3 * 3_600_000)))
        default: clock.advance(byMs: Int64(below(120_000)))
        }
    }

    private func planFault() {
        let call = disk.callCount + 1 + below(40)
        switch below(5) {
        case 0: disk.plan(.fails(5), atCall: call)
        case 1: disk.plan(.fails(28), atCall: call)
        case 2:
            // Several in a row: what tidies up after the first fails as well.
            for offset in 0..<3 { disk.plan(.fails(5), atCall: call + offset) }
        default: disk.plan(.kills, atCall: call)
        }
    }

    private func limitDisk() {
        count("disk limit")
        if disk.isLimited {
            disk.limit(toBytes: nil)
        } else {
            disk.limit(toBytes: disk.usedBytes + below(3000))
        }
    }

    private func maintain() throws {
        if keepsBytes { return try maintainWithinBytes() }
        let cutoffMs = cutoffMs
        model.raiseCutoff(to: cutoffMs)
        if options.deletionUndoMs < 3_600_000 { lastDeletion = nil }
        try attempt("maintain") {
            let before = $0.statisticsInMemory().checkpoints
            try $0.maintain()
            if $0.statisticsInMemory().checkpoints > before { self.model.sync() }
            self.note("maintain")
        }
    }

    func checkpoint() throws {
        try attempt("checkpoint") {
            try $0.checkpoint()
            self.model.sync()
            self.note("checkpoint")
        }
    }

    private func restart() throws {
        var closed = false
        try attempt("close") {
            try $0.close()
            closed = true
        }
        if closed {
            model.sync()
            try reopen(after: below(2) == 0 ? .killed : .running)
        } else if store != nil {
            try crash()
        }
    }

    func checkEverything() throws {
        try attempt("read everything") { store in
            let found = try self.table(of: store)
            let wrong = self.model.mismatch(found, { _ in true }, .running, lossIsNamed: false)
            if let wrong { throw self.failure(wrong) }
        }
    }

    private func readOnly() throws {
        try attempt("read-only opening") { _ in
            let before = self.disk.failureCount
            let named = SimulationEvents()
            let reader = try Store.openReadOnly(
                directory: Self.directory, fileSystem: self.disk, events: named)
            // What a fault hid from it, it does not show.
            if self.disk.failureCount > before { return }
            let found = try self.table(of: reader)
            // Of a commit that failed a part may be readable in a log that fails: that is named.
            let wrong = self.model.mismatch(
                found, { _ in true }, .running, lossIsNamed: named.errorCount > 0)
            if let wrong { throw self.failure("a reader: \(wrong)") }
            try self.query(reader, lossIsNamed: named.errorCount > 0)
            try self.lists(reader)
            self.held.reader = reader
        }
    }

    private func refreshReader() throws {
        guard let reader = held.reader else { return }
        try attempt("reader's refresh") { _ in
            let before = self.disk.failureCount
            try reader.refresh()
            if self.disk.failureCount > before {
                self.held.reader = nil
                return
            }
            let found = try self.table(of: reader)
            let wrong = self.model.mismatch(found, { _ in true }, .running, lossIsNamed: false)
            if let wrong { throw self.failure("a refreshed reader: \(wrong)") }
        }
    }

    private func holdSelection() throws {
        try attempt("selection held") { store in
            let symbols = SymbolTable()
            let selection = try store.select(
                SelectRequest(
                    matchers: try self.matchers(2), fromMs: .min, toMs: .max), symbols: symbols)
            let table = try self.table(of: selection, symbols, .min, .max)
            self.held.selection = (selection, symbols, table)
        }
    }

    private func releaseSelection() throws {
        guard let (selection, symbols, table) = held.selection else { return }
        held.selection = nil
        try attempt("held selection read") { _ in
            if try self.table(of: selection, symbols, .min, .max) != table {
                throw self.failure("a selection has changed")
            }
        }
    }

    /// Exemplars: none may come from nowhere.
    private func exemplars() throws {
        try attempt("exemplars") { store in
            let found = try store.exemplars(matching: [], fromMs: .min, toMs: .max)
            for (labels, exemplars) in found {
                let isKnown =
                    self.seriesOfLabels[labels] != nil
                    && exemplars.allSatisfy { self.exemplarsGiven.contains($0) }
                if !isKnown { throw self.failure("exemplars from nowhere: \(exemplars)") }
            }
        }
    }

    /// Who follows the log sees each sample that was written since, in order.
    private func followLog() throws {
        try attempt("log followed") { store in
            guard let position = self.held.logPosition else {
                self.held.logPosition = store.endPosition()
                return
            }
            var position2 = position
            while true {
                let next: LogPosition
                do {
                    next = try store.read(from: position2, batchesMax: 3) { _ in }
                } catch SourceError.storage(let text) where text.contains("is gone") {
                    break
                }
                if next == position2 { break }
                position2 = next
            }
            self.held.logPosition = store.endPosition()
        }
    }

    private func closeGroup() {
        let (group, _) = groups.remove(at: below(groups.count))
        store?.closeGroup(group)
    }
}

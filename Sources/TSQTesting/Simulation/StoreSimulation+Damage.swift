import TSQBase
import TSQIO
import TSQModel
import TSQStore

extension StoreSimulation {
    /// Ends a run by changing files behind the store's back: what is found afterwards was written
    /// once, and what is missing is named.
    func damage() throws {
        disk.clearFaults()
        disk.limit(toBytes: nil)
        if store?.readOnlyReason != nil { try crash() }
        disk.clearFaults()
        try attempt("close") { try $0.close() }
        model.sync()
        forget()
        events.reset()
        options.retentionBytes = 0
        options.retentionDiskShare = 0
        options.memoryLimitBytes = 0
        let paths = disk.paths.filter {
            $0.hasPrefix(Self.directory + "/") && !$0.hasSuffix("/lock")
        }
        guard !paths.isEmpty else { return }
        let path = paths[below(paths.count)]
        let byteCount = (try? disk.byteCount(path)) ?? 0
        let size = max(1, Int(clamping: byteCount))
        let way = below(6)
        switch way {
        case 0:
            let start = below(size) & ~511
            disk.clear(path, start..<(start + 512))
        case 1:
            disk.shorten(path, to: below(size))
        case 2: disk.lose(path)
        default:
            for _ in 0..<(1 + below(3)) { disk.flipBit(path, byte: below(size), bit: below(8)) }
        }
        // The last record could have been half written, the last segment not yet begun.
        mayEndEarly = path == paths.last { $0.hasSuffix(".log") }
        let kind = Path.name(of: path).split(separator: ".").last.map(String.init) ?? ""
        count("damaged \(kind)")
        note("damaged \(path) of \(size) bytes, way \(way)")
        wasDamaged = true
        try readDamaged(kind)
        try openDamaged(kind)
    }

    private func readDamaged(_ kind: String) throws {
        do {
            let reader = try Store.openReadOnly(
                directory: Self.directory, fileSystem: disk, events: events)
            try checkDamaged(reader, "a reader")
        } catch let failure as Failure {
            throw failure
        } catch {
            count("reader refused, damaged \(kind)")
        }
    }

    private func checkDamaged(_ source: some SeriesSource, _ who: String) throws {
        let found: SampleTable
        do {
            found = try table(of: source)
        } catch let failure as Failure {
            throw failure
        } catch {
            // Named by an error.
            count("read refused")
            return
        }
        let wrong = model.mismatch(
            found, { _ in true }, .damaged, lossIsNamed: events.errorCount > 0 || mayEndEarly)
        if let wrong { throw failure("\(who) after damage: \(wrong)") }
    }

    private func openDamaged(_ kind: String) throws {
        do {
            store = try Store.open(
                directory: Self.directory, options: options, fileSystem: disk, clock: clock,
                events: events)
        } catch {
            count("writer refused, damaged \(kind)")
            note("open: \(error)")
            return
        }
        guard let store else { return }
        try checkDamaged(store, "the writer")
        // It goes on: what comes now is kept and found.
        let number = addSeries()
        for _ in 0..<3 {
            try commitNow(number)
            do {
                try store.checkpoint()
            } catch {
                count("checkpoint refused, damaged \(kind)")
                note("checkpoint: \(error)")
            }
            // What was just committed may have moved the retention on.
            model.raiseCutoff(to: cutoffMs)
            do { try store.maintain() } catch { count("maintenance refused, damaged \(kind)") }
        }
        try checkDamaged(store, "the writer, after more commits")
    }
}

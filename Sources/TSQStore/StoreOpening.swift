import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// What opening a directory brings together.
struct StoreOpening {
    var manifest: Manifest
    var replay: LogReplay
    var log: LogWriter
    var needsCheckpoint: Bool

    /// Opens for writing; the directory's lock is held.
    static func run(
        _ directory: String, _ options: StoreOptions, _ fileSystem: any FileSystem,
        _ events: any EventSink
    ) throws(StoreError) -> StoreOpening {
        var manifest = try ManifestRebuild.manifest(directory, fileSystem, events)
        do throws(IOError) {
            if manifest.generation == 0 {
                manifest.generation = 1
                try manifest.write(directory, fileSystem)
            }
            // The writer before may have been killed between the rename and this.
            try fileSystem.syncDirectory(directory)
            try removeLeftovers(directory, manifest, fileSystem)
        } catch {
            throw Store.storeError(error)
        }
        try IndexRepair.run(directory, &manifest, fileSystem, events)
        var replay = try contents(
            directory, manifest, options, fileSystem, events, isWriter: true)
        try IndexRepair.replaceRestored(
            &replay.registry, directory, &manifest, fileSystem, events)
        try replay.run(directory: Path.join(directory, "log"), fileSystem)
        replay.finish()
        replay.core.statistics.samplesLost += replay.lostSamples
        report(replay, events)
        do throws(IOError) {
            let (log, fault) = try startLog(directory, options, &replay, fileSystem)
            if let fault {
                events.log(
                    .warning, "the log was not made durable: its samples go into blocks",
                    [("error", fault.message)])
            }
            return StoreOpening(
                manifest: manifest, replay: replay, log: log,
                needsCheckpoint: replay.needsCheckpoint || fault != nil)
        } catch {
            throw Store.storeError(error)
        }
    }

    /// What the MANIFEST names, opened, with the log not replayed yet. `known` blocks are not
    /// opened a second time.
    ///
    /// - Parameter isWriter: a missing file is a damage to be named; to a reader it means that the
    ///   MANIFEST is not the newest any more.
    static func contents(
        _ directory: String, _ manifest: Manifest, _ options: StoreOptions,
        _ fileSystem: any FileSystem, _ events: any EventSink, isWriter: Bool,
        known: [UInt64: Block] = [:]
    ) throws(StoreError) -> LogReplay {
        var segments: [Registry.Segment] = []
        var setAside = 0
        for entry in manifest.indexes {
            let path = Path.join(directory, Manifest.indexName(entry.file))
            do {
                let segment = try IndexRepair.open(entry, path, fileSystem)
                segments.append(segment)
                if let damage = segment.damage {
                    events.log(
                        .error, "the footer of an index segment is damaged: it is made anew",
                        [("file", path), ("error", damage.message)])
                }
            } catch {
                // Going on without an index that is not damaged would give its series other numbers.
                try checkIsGone(error, isWriter, isMediumDamage: false)
                setAside += 1
                events.log(
                    .error, "an index segment is set aside: its series cannot be found",
                    [
                        ("file", path), ("error", text(error)),
                        ("series", "\(entry.seriesCount)"),
                    ])
            }
        }
        var blocks: [Block] = []
        var lost: UInt64 = 0
        for entry in manifest.blocks {
            if let block = known[entry.file] {
                blocks.append(block)
                continue
            }
            let path = Path.join(directory, Manifest.blockName(entry.file))
            do {
                blocks.append(try Block(entry, try fileSystem.map(path)))
            } catch {
                try checkIsGone(error, isWriter)
                lost += entry.sampleCount
                setAside += 1
                events.log(
                    .error, "a block is set aside",
                    [("file", path), ("error", text(error)), ("samples", "\(entry.sampleCount)")])
                events.count(
                    "tsq_storage_lost_samples_total", by: entry.sampleCount, labels: [])
            }
        }
        let registry = Registry(segments: segments, nextRef: manifest.nextRef)
        var core = StoreCore(
            active: HeadGeneration(number: 1, logStart: manifest.logStart, startedMs: .max),
            blocks: blocks,
            series: SeriesStates(
                openedCount: manifest.nextRef, openedNewestMs: manifest.newestMs),
            newestMs: manifest.newestMs, options: options)
        core.statistics.samplesLost = lost
        core.statistics.setAsideCount = setAside
        core.begunDeletions = manifest.begunDeletions
        for file in manifest.deletions {
            let path = Path.join(directory, Deletion.name(file))
            do {
                core.deletions.append(try Deletion(file: file, try fileSystem.readAll(path)))
            } catch {
                try checkIsGone(error, isWriter)
                events.log(
                    .error, "a deletion is set aside: what it hid is visible again",
                    [("file", path), ("error", text(error))])
            }
        }
        for entry in manifest.exemplars {
            let path = Path.join(directory, Manifest.exemplarsName(entry.file))
            do {
                for exemplar in try ExemplarFile.decode(try fileSystem.readAll(path)) {
                    core.exemplars.append(exemplar.ref, exemplar.exemplar)
                }
            } catch {
                try checkIsGone(error, isWriter)
                events.log(
                    .error, "a file of exemplars is set aside",
                    [("file", path), ("error", text(error)), ("exemplars", "\(entry.count)")])
            }
        }
        core.exemplars.setSaved(core.exemplars.appendedCount)
        return LogReplay(registry: registry, core: core, from: manifest.logStart)
    }

    /// Throws when a file was refused for a reason that may be over the next time; one that is gone,
    /// or that the medium refuses, is set aside.
    private static func checkIsGone(
        _ error: any Error, _ isWriter: Bool, isMediumDamage: Bool = true
    ) throws(StoreError) {
        guard let error = error as? IOError else { return }
        if error.isNotFound ? isWriter : isMediumDamage && error.isMedium { return }
        throw .storage(error.message)
    }

    private static func text(_ error: any Error) -> String {
        switch error {
        case let error as StoreError: error.message
        case let error as IOError: error.message
        case let error as BlockError: error.reason
        case let error as IndexError: error.message
        default: "\(error)"
        }
    }

    static func report(_ replay: LogReplay, _ events: any EventSink) {
        for damage in replay.damages {
            events.log(
                .error, "a damaged stretch of the log is skipped",
                [
                    ("file", damage.path), ("offset", "\(damage.offset)"),
                    ("bytes", "\(damage.byteCount)"), ("reason", damage.reason),
                ])
            events.count("tsq_storage_log_damaged_bytes_total", by: damage.byteCount, labels: [])
        }
        if replay.lostSamples > 0 {
            var fields = [(key: "samples", value: "\(replay.lostSamples)")]
            // Those of records that are gone altogether have times that nobody knows.
            if replay.lostFromMs <= replay.lostToMs {
                fields += [
                    ("from_ms", "\(replay.lostFromMs)"), ("to_ms", "\(replay.lostToMs)"),
                ]
            }
            events.log(
                .error, "samples of the log are lost: their records, or their series', are damaged",
                fields)
            events.count(
                "tsq_storage_lost_samples_total", by: replay.lostSamples, labels: [])
        }
        if let torn = replay.tornTail {
            events.log(
                .warning, "the log's last record was being written at the end; it is cut off",
                [("segment", "\(torn.segment)"), ("offset", "\(torn.offset)")])
        }
    }

    /// Cuts off a torn tail, makes the log durable and begins a segment of this writer's own.
    ///
    /// - Returns: the log, and why what it holds already is not durable.
    private static func startLog(
        _ directory: String, _ options: StoreOptions, _ replay: inout LogReplay,
        _ fileSystem: any FileSystem
    ) throws(IOError) -> (LogWriter, fault: IOError?) {
        let logDirectory = Path.join(directory, "log")
        if let torn = replay.tornTail {
            let path = Path.join(logDirectory, LogFormat.name(torn.segment))
            let file = try fileSystem.open(path, .update)
            defer { file.close() }
            try file.truncate(to: torn.offset)
        }
        let segments = try LogFormat.segments(in: logDirectory, fileSystem)
        var bytes: UInt64 = 0
        var previous: LogSegmentEnd?
        var fault: IOError?
        for segment in segments where segment >= replay.core.active.logStart.segment {
            let path = Path.join(logDirectory, LogFormat.name(segment))
            let byteCount = try fileSystem.byteCount(path)
            bytes += byteCount
            var isDurable = replay.durableSegments.contains(segment)
            if !isDurable {
                let failure = try makeDurable(path, fileSystem)
                isDurable = failure == nil
                fault = fault ?? failure
            }
            previous = replay.segmentEnd(segment, byteCount: byteCount, isDurable: isDurable)
        }
        replay.core.logBytes = bytes
        let next = max(segments.last ?? 0, replay.core.active.logStart.segment) + 1
        replay.core.loggedSegment = next
        let log = try LogWriter(
            directory: logDirectory, segment: next, after: previous,
            segmentBytesMax: options.logSegmentBytes, fileSystem: fileSystem)
        return (log, fault)
    }

    /// What is shown from here on has to survive a power cut as what is acknowledged does. Whether an
    /// earlier writer's last fsync failed nobody can say, so it is written again.
    private static func makeDurable(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(IOError) -> IOError? {
        let file = try fileSystem.open(path, .update)
        defer { file.close() }
        do throws(IOError) {
            try file.writeAgain()
            return nil
        } catch {
            return error
        }
    }

    /// Removes what no MANIFEST names: files of a checkpoint or merge that did not end.
    private static func removeLeftovers(
        _ directory: String, _ manifest: Manifest, _ fileSystem: any FileSystem
    ) throws(IOError) {
        let snapshots = Path.join(directory, Store.snapshotsFolder)
        if fileSystem.exists(snapshots) {
            for name in try fileSystem.list(snapshots) {
                let path = Path.join(snapshots, name)
                if !fileSystem.exists(Path.join(path, Manifest.fileName)) {
                    try Store.removeDirectory(path, fileSystem)
                }
            }
        }
        let named = Set(manifest.fileNames)
        for folder in Manifest.folders {
            for name in try fileSystem.list(Path.join(directory, folder))
            where !named.contains("\(folder)/\(name)") {
                try fileSystem.remove(Path.join(directory, "\(folder)/\(name)"))
            }
        }
    }
}

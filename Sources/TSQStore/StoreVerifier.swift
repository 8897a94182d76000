import TSQBase
import TSQIO
import TSQIndex
import TSQModel

extension Store {
    /// Reads everything of a store, also of one that another process writes right now: holds every
    /// checksum and every rule of the formats against it, and says what is wrong where. Takes no lock
    /// and changes nothing.
    ///
    /// - Throws: `.format` when the directory has no MANIFEST; `.storage` when it changes faster than
    ///   it can be read. What is damaged is in the report.
    /// - Complexity: O(bytes); memory for the largest index segment and a page of a block.
    package static func verify(
        directory: String, fileSystem: any FileSystem = PosixFileSystem()
    ) throws(StoreError) -> VerifyReport {
        var last = StoreError.storage("\(directory) changes faster than it can be read")
        for _ in 0..<StoreVerifier.attemptsMax {
            var verifier = StoreVerifier(directory, fileSystem)
            do throws(StoreError) {
                if try verifier.open() {
                    verifier.verify()
                    return verifier.report
                }
            } catch {
                guard case .storage = error else { throw error }
                last = error
            }
        }
        throw last
    }

    /// The blocks of a store, ascending by their first time. Takes no lock.
    package static func blocks(
        directory: String, fileSystem: any FileSystem = PosixFileSystem()
    ) throws(StoreError) -> [BlockInfo] {
        guard let manifest = try Manifest.read(directory, fileSystem) else {
            throw .format("\(directory) is no store: it has no MANIFEST")
        }
        return manifest.blocks.map { entry in
            let file = Manifest.blockName(entry.file)
            let block = try? Block(entry, try fileSystem.map(Path.join(directory, file)))
            return BlockInfo(
                file: file, level: Int(entry.level), sequence: entry.sequence,
                minTimeMs: entry.minTimeMs, maxTimeMs: entry.maxTimeMs,
                sampleCount: entry.sampleCount, byteCount: entry.byteCount,
                seriesCount: block?.footer.seriesCount, chunkCount: block?.footer.chunkCount)
        }.sorted { ($0.minTimeMs, $0.sequence) < ($1.minTimeMs, $1.sequence) }
    }
}

/// Verifies one directory.
struct StoreVerifier {
    private let directory: String
    private let fileSystem: any FileSystem
    private(set) var report = VerifyReport()
    private var manifest = Manifest()
    private var indexes: [(name: String, entry: Manifest.IndexEntry, file: MappedFile)] = []
    private var blocks: [(name: String, entry: Manifest.BlockEntry, file: MappedFile)] = []
    private var small: [(name: String, bytes: [UInt8])] = []
    private var registered = RefBits()

    static let attemptsMax = 20

    init(_ directory: String, _ fileSystem: any FileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    /// Opens all files of one generation and reads the log; false when the writer put in another one
    /// meanwhile.
    mutating func open() throws(StoreError) -> Bool {
        let found: Manifest?
        do throws(StoreError) {
            found = try Manifest.read(directory, fileSystem)
        } catch {
            guard case .format(let reason) = error else { throw error }
            report.add(Manifest.fileName, reason)
            return true
        }
        guard let found else {
            throw .format("\(directory) is no store: it has no MANIFEST")
        }
        manifest = found
        var missing: [(name: String, reason: String)] = []
        for name in manifest.fileNames {
            do throws(IOError) {
                try open(name)
            } catch {
                missing.append((name, error.message))
            }
        }
        try readLog()
        let now = try Manifest.read(directory, fileSystem)
        if now?.generation != manifest.generation { return false }
        for (name, reason) in missing { report.add(name, reason) }
        findUnnamed()
        return true
    }

    private mutating func open(_ name: String) throws(IOError) {
        let path = Path.join(directory, name)
        if let entry = manifest.blocks.first(where: { Manifest.blockName($0.file) == name }) {
            blocks.append((name, entry, try fileSystem.map(path)))
        } else if let entry = manifest.indexes.first(where: {
            Manifest.indexName($0.file) == name
        }) {
            indexes.append((name, entry, try fileSystem.map(path)))
        } else {
            small.append((name, try fileSystem.readAll(path)))
        }
    }

    private mutating func readLog() throws(StoreError) {
        var replay = try StoreOpening.contents(
            directory, Manifest.logOnly(manifest), StoreOptions(), fileSystem,
            NullEventSink(), isWriter: true)
        let folder = Path.join(directory, "log")
        if fileSystem.exists(folder) { try replay.run(directory: folder, fileSystem) }
        report.logRecordCount = replay.recordCount
        report.logSampleCount = replay.core.active.sampleCount
        for damage in replay.damages {
            report.add(
                "log/" + LogFormat.name(damage.segment), at: damage.offset,
                "\(damage.reason): \(damage.byteCount) bytes cannot be read")
        }
        if replay.lostSamples > 0 {
            report.add(
                "log", "records of the log, or what they refer to, are damaged",
                lostSamples: replay.lostSamples)
        }
        for ref in manifest.nextRef..<max(manifest.nextRef, replay.registry.nextRef) {
            registered.insert(ref)
        }
        let segments = (try? LogFormat.segments(in: folder, fileSystem)) ?? []
        report.logSegmentCount = segments.count
        for segment in segments {
            let path = Path.join(folder, LogFormat.name(segment))
            report.byteCount += (try? fileSystem.byteCount(path)) ?? 0
        }
    }

    private mutating func findUnnamed() {
        let named = Set(manifest.fileNames)
        for folder in Manifest.folders {
            for name in (try? fileSystem.list(Path.join(directory, folder))) ?? []
            where !named.contains("\(folder)/\(name)") {
                report.unnamedFiles.append("\(folder)/\(name)")
            }
        }
    }

    mutating func verify() {
        report.generation = manifest.generation
        verifyManifest()
        for (name, entry, file) in indexes { verifyIndex(name, entry, file) }
        for (name, entry, file) in blocks {
            report.blockCount += 1
            report.byteCount += UInt64(file.byteCount)
            var verifier = BlockVerifier(name, entry, registered)
            verifier.verify(file, &report)
        }
        for (name, bytes) in small {
            report.byteCount += UInt64(bytes.count)
            do throws(StoreError) {
                try verifySmall(name, bytes)
            } catch {
                report.add(name, error.message)
            }
        }
    }

    private mutating func verifyManifest() {
        let files =
            manifest.blocks.map(\.file) + manifest.indexes.map(\.file) + manifest.deletions
            + manifest.exemplars.map(\.file)
        if Set(files).count != files.count {
            report.add(Manifest.fileName, "a file is named twice")
        }
        if let last = files.max(), last >= manifest.nextFile {
            report.add(Manifest.fileName, "file \(last) is beyond the next file's number")
        }
        let sequences = manifest.blocks.map(\.sequence)
        if !zip(sequences, sequences.dropFirst()).allSatisfy({ $0 < $1 }) {
            report.add(Manifest.fileName, "the blocks are not ascending by sequence")
        }
        if let last = sequences.last, last >= manifest.nextSequence {
            report.add(Manifest.fileName, "sequence \(last) is beyond the next one")
        }
        if let newest = manifest.blocks.map(\.maxTimeMs).max(), newest > manifest.newestMs {
            report.add(Manifest.fileName, "a block has samples behind the newest time")
        }
    }

    private mutating func verifyIndex(
        _ name: String, _ entry: Manifest.IndexEntry, _ file: MappedFile
    ) {
        report.indexCount += 1
        report.byteCount += UInt64(file.byteCount)
        do {
            let segment = try IndexSegment(try MappedIndexBytes(file))
            report.seriesCount += UInt64(segment.seriesCount)
            if UInt64(segment.seriesCount) != entry.seriesCount {
                report.add(
                    name,
                    "it has \(segment.seriesCount) series, the MANIFEST says \(entry.seriesCount)")
            }
            // First, so that what is damaged does not hide which series there are.
            for ordinal in 0..<UInt32(segment.seriesCount) {
                let ref = try segment.ref(ordinal)
                if registered.contains(ref) {
                    report.add(name, "series \(ref) is in two segments")
                }
                if ref >= manifest.nextRef {
                    report.add(name, "series \(ref) is beyond the next one's number")
                }
                registered.insert(ref)
            }
            try segment.verify()
        } catch let error as IndexError {
            switch error {
            case .checksum(let offset), .malformed(let offset, _):
                report.add(name, at: UInt64(offset), error.message)
            default: report.add(name, error.message)
            }
        } catch {
            report.add(name, Store.text(error))
        }
    }

    private mutating func verifySmall(_ name: String, _ bytes: [UInt8]) throws(StoreError) {
        if let file = manifest.deletions.first(where: { Deletion.name($0) == name }) {
            let deletion = try Deletion(file: file, bytes)
            report.deletionCount += 1
            if deletion.sequenceEnd > manifest.nextSequence {
                report.add(name, "it is of a sequence that is not given yet")
            }
            if UInt64(deletion.refs.count) != deletion.seriesCount {
                report.add(name, "it has \(deletion.refs.count) series and says another number")
            }
        } else if let entry = manifest.exemplars.first(where: {
            Manifest.exemplarsName($0.file) == name
        }) {
            let count = try ExemplarFile.decode(bytes).count
            report.exemplarCount += count
            if UInt64(count) != entry.count {
                report.add(name, "it has \(count) exemplars, the MANIFEST says \(entry.count)")
            }
        }
    }
}

extension Manifest {
    /// One that names no files: for reading the log alone.
    static func logOnly(_ manifest: Manifest) -> Manifest {
        var result = manifest
        result.blocks = []
        result.indexes = []
        result.deletions = []
        result.exemplars = []
        return result
    }
}

import TSQBase
import TSQIO
import TSQIndex

/// Puts a MANIFEST together from the files that are there, when it is damaged or gone.
///
/// Blocks and index segments say themselves what they hold. What only a MANIFEST knows is which of
/// them were replaced by others and not removed yet (after a kill in that moment), and where the log
/// begins: all of it is replayed, so samples that were deleted a moment before may be visible again.
///
/// No MANIFEST says either that a file was made durable: its writer may have died before, or after an
/// fsync that failed. So files are written once more before others go, or the log is cut, for them.
struct ManifestRebuild {
    let directory: String
    let fileSystem: any FileSystem
    private(set) var manifest = Manifest()
    /// Files that do not say what they hold.
    private(set) var unreadable: [String] = []

    /// Generations of rebuilt MANIFESTs begin here, above all others.
    private static let generationMin: UInt64 = 1 << 48

    init(_ directory: String, _ fileSystem: any FileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    /// Whether the directory has files that a MANIFEST would name.
    static func isNeeded(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(IOError) -> Bool {
        for folder in ["index", "blocks"] {
            let path = Path.join(directory, folder)
            if fileSystem.exists(path), try !fileSystem.list(path).isEmpty { return true }
        }
        return false
    }

    /// The MANIFEST of a directory, for its writer: read, or rebuilt, or that of a new store.
    ///
    /// - Throws: `.format` for one of another version; `.storage`, `.noSpace`.
    static func manifest(
        _ directory: String, _ fileSystem: any FileSystem, _ events: any EventSink
    ) throws(StoreError) -> Manifest {
        let path = Path.join(directory, Manifest.fileName)
        var reason = "it is missing"
        do throws(StoreError) {
            if let found = try Manifest.read(directory, fileSystem) { return found }
        } catch {
            guard case .format(let text) = error, try !isOfAnotherVersion(path, fileSystem) else {
                throw error
            }
            reason = text
        }
        do throws(IOError) {
            if try !isNeeded(directory, fileSystem), !fileSystem.exists(path) {
                return Manifest()
            }
            var rebuild = ManifestRebuild(directory, fileSystem)
            try rebuild.run()
            try rebuild.setAside()
            if fileSystem.exists(path) {
                // For whoever wants to look at it.
                try fileSystem.rename(path, to: path + ".damaged")
            }
            try rebuild.manifest.write(directory, fileSystem)
            events.log(
                .error, "the MANIFEST is put together anew from the files that are there",
                [
                    ("reason", reason), ("blocks", "\(rebuild.manifest.blocks.count)"),
                    ("index_segments", "\(rebuild.manifest.indexes.count)"),
                    ("left_out", rebuild.unreadable.joined(separator: " ")),
                ])
            return rebuild.manifest
        } catch {
            throw Store.storeError(error)
        }
    }

    private static func isOfAnotherVersion(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(StoreError) -> Bool {
        do throws(IOError) {
            let bytes = try fileSystem.readAll(path)
            return bytes.count >= 8 && bytes.starts(with: "TSQMAN".utf8) && bytes[7] == 0x0A
                && !(UInt8(ascii: "1")...UInt8(ascii: "3")).contains(bytes[6])
        } catch {
            throw Store.storeError(error)
        }
    }

    /// Moves what cannot be read out of the way of the files that are in use.
    private func setAside() throws(IOError) {
        if unreadable.isEmpty { return }
        let folder = Path.join(directory, "damaged")
        try fileSystem.makeDirectory(folder)
        for name in unreadable {
            let flat = String(name.map { $0 == "/" ? "-" : $0 })
            try fileSystem.rename(
                Path.join(directory, name), to: Path.join(folder, flat))
        }
        try fileSystem.syncDirectory(folder)
    }

    mutating func run() throws(IOError) {
        manifest.generation = Self.generationMin
        let log = Path.join(directory, "log")
        if fileSystem.exists(log), let first = try LogFormat.segments(in: log, fileSystem).first {
            manifest.logStart = LogPlace(segment: first, offset: 0)
        }
        try findIndexes()
        try findBlocks()
        for (name, number) in try files("deletions", ".del") {
            do {
                let bytes = try durableBytes(name)
                let deletion = try Deletion(file: number, bytes)
                manifest.nextSequence = max(manifest.nextSequence, deletion.sequenceEnd)
                manifest.deletions.append(number)
            } catch {
                try leaveOut(name, error)
            }
        }
        for (name, number) in try files("exemplars", ".exm") {
            do {
                let bytes = try durableBytes(name)
                let count = try ExemplarFile.decode(bytes).count
                manifest.exemplars.append(
                    Manifest.ExemplarEntry(file: number, count: UInt64(count)))
            } catch {
                try leaveOut(name, error)
            }
        }
    }

    /// The numbered files of a folder, ascending.
    private mutating func files(
        _ folder: String, _ ending: String
    ) throws(IOError) -> [(name: String, number: UInt64)] {
        let path = Path.join(directory, folder)
        if !fileSystem.exists(path) { return [] }
        var found: [(name: String, number: UInt64)] = []
        for name in try fileSystem.list(path) where name.hasSuffix(ending) {
            guard let number = UInt64(name.dropLast(ending.utf8.count)) else { continue }
            found.append(("\(folder)/\(name)", number))
            manifest.nextFile = max(manifest.nextFile, number + 1)
        }
        return found.sorted { $0.number < $1.number }
    }

    private struct FoundIndex {
        var name: String
        var entry: Manifest.IndexEntry
        var refs: [UInt32]
        var isSound: Bool
    }

    /// Newer first: a segment has what those had that it was joined from. One with a damage comes after
    /// those that have its series and are sound.
    private mutating func findIndexes() throws(IOError) {
        let found = try openIndexes()
        var registered = RefBits()
        for index in found.filter(\.isSound) + found.filter({ !$0.isSound }) {
            if index.refs.contains(where: registered.contains) { continue }
            // The log may have these series too, but not for long.
            try makeDurable(index.name)
            for ref in index.refs { registered.insert(ref) }
            manifest.indexes.append(index.entry)
        }
        manifest.indexes.sort { $0.file < $1.file }
    }

    /// The index segments, newer first.
    private mutating func openIndexes() throws(IOError) -> [FoundIndex] {
        var found: [FoundIndex] = []
        for (name, number) in try files("index", ".idx").reversed() {
            do {
                let file = try fileSystem.map(Path.join(directory, name))
                let segment = try IndexSegment(try MappedIndexBytes(file))
                let refs = try (0..<UInt32(segment.seriesCount)).map { ordinal in
                    try segment.ref(ordinal)
                }
                // Also of one that is left out: its numbers were given.
                if let last = refs.max() { manifest.nextRef = max(manifest.nextRef, last + 1) }
                let entry = Manifest.IndexEntry(
                    file: number, seriesCount: UInt64(segment.seriesCount))
                let isSound = (try? segment.verify()) != nil
                found.append(FoundIndex(name: name, entry: entry, refs: refs, isSound: isSound))
            } catch {
                try leaveOut(name, error)
            }
        }
        return found
    }

    private mutating func findBlocks() throws(IOError) {
        var bySequence: [UInt64: Manifest.BlockEntry] = [:]
        for (name, number) in try files("blocks", ".blk") {
            do {
                let file = try fileSystem.map(Path.join(directory, name))
                let entry = try Self.entry(name, number, file)
                // A newer file of the same sequence is a merge or a rewriting of the older, which is
                // given up for it. One of another's place needs no such care: the log has its samples.
                if bySequence[entry.sequence] != nil {
                    try verify(name, entry, file)
                    try makeDurable(name)
                }
                let last = try Block(entry, file).lastRef()
                bySequence[entry.sequence] = entry
                manifest.newestMs = max(manifest.newestMs, entry.maxTimeMs)
                if let last { manifest.nextRef = max(manifest.nextRef, last + 1) }
            } catch {
                try leaveOut(name, error)
            }
        }
        manifest.blocks = bySequence.values.sorted { $0.sequence < $1.sequence }
        manifest.nextSequence = (manifest.blocks.last?.sequence ?? 0) + 1
    }

    private static func entry(
        _ name: String, _ number: UInt64, _ file: MappedFile
    ) throws -> Manifest.BlockEntry {
        let footer = try BlockFooter(of: file)
        return Manifest.BlockEntry(
            file: number, level: footer.maxTimeMs > footer.minTimeMs ? 1 : 0,
            (name, footer, UInt64(clamping: file.byteCount)))
    }

    /// Leaves a file out that cannot be read, or not be made durable for its medium.
    ///
    /// - Throws: an error that may be over the next time.
    private mutating func leaveOut(_ name: String, _ error: any Error) throws(IOError) {
        if let error = error as? IOError, error.code != 0, !error.isMedium { throw error }
        unreadable.append(name)
    }
}

extension BlockFooter {
    /// That of a mapped block.
    init(of file: MappedFile) throws {
        let count = BlockFormat.footerByteCount
        try self.init(try file.bytes(at: file.byteCount - count, count: count))
    }
}

extension Block {
    /// The largest series number; nil when there is none.
    func lastRef() throws(BlockError) -> UInt32? {
        pageCount == 0 ? nil : try page(pageCount - 1).lastRef
    }
}

import TSQBase
import TSQIO
import TSQIndex

/// Puts a MANIFEST together from the files that are there, when it is damaged or gone.
///
/// Blocks and index segments say themselves what they hold. What only a MANIFEST knows is which of
/// them were replaced by others and not removed yet (after a kill in that moment), and where the log
/// begins: all of it is replayed, so samples that were deleted a moment before may be visible again.
struct ManifestRebuild {
    private let directory: String
    private let fileSystem: any FileSystem
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
                let bytes = try fileSystem.readAll(Path.join(directory, name))
                let deletion = try Deletion(file: number, bytes)
                manifest.nextSequence = max(manifest.nextSequence, deletion.sequenceEnd)
                manifest.deletions.append(number)
            } catch {
                unreadable.append(name)
            }
        }
        for (name, number) in try files("exemplars", ".exm") {
            do {
                let bytes = try fileSystem.readAll(Path.join(directory, name))
                let count = try ExemplarFile.decode(bytes).count
                manifest.exemplars.append(
                    Manifest.ExemplarEntry(file: number, count: UInt64(count)))
            } catch {
                unreadable.append(name)
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

    private mutating func findIndexes() throws(IOError) {
        var registered = RefBits()
        // Newer first: a segment has what those had that it was joined from.
        for (name, number) in try files("index", ".idx").reversed() {
            do {
                let file = try fileSystem.map(Path.join(directory, name))
                let segment = try IndexSegment(try MappedIndexBytes(file))
                var refs: [UInt32] = []
                for ordinal in 0..<UInt32(segment.seriesCount) {
                    refs.append(try segment.ref(ordinal))
                }
                // Also of one that is left out: its numbers were given.
                if let last = refs.max() { manifest.nextRef = max(manifest.nextRef, last + 1) }
                if refs.contains(where: registered.contains) { continue }
                for ref in refs { registered.insert(ref) }
                manifest.indexes.insert(
                    Manifest.IndexEntry(file: number, seriesCount: UInt64(segment.seriesCount)),
                    at: 0)
            } catch {
                unreadable.append(name)
            }
        }
    }

    private mutating func findBlocks() throws(IOError) {
        var bySequence: [UInt64: Manifest.BlockEntry] = [:]
        for (name, number) in try files("blocks", ".blk") {
            do {
                let file = try fileSystem.map(Path.join(directory, name))
                let footer = try BlockFooter(of: file)
                let level: UInt8 = footer.maxTimeMs > footer.minTimeMs ? 1 : 0
                // A newer file of the same sequence is a merge or a rewriting of the older.
                bySequence[footer.sequence] = Manifest.BlockEntry(
                    file: number, level: level,
                    (name, footer, UInt64(clamping: file.byteCount)))
                manifest.newestMs = max(manifest.newestMs, footer.maxTimeMs)
                let refs = try Block(
                    Manifest.BlockEntry(
                        file: number, level: level,
                        (name, footer, UInt64(clamping: file.byteCount))), file
                ).lastRef()
                if let refs { manifest.nextRef = max(manifest.nextRef, refs + 1) }
            } catch {
                unreadable.append(name)
            }
        }
        manifest.blocks = bySequence.values.sorted { $0.sequence < $1.sequence }
        manifest.nextSequence = (manifest.blocks.last?.sequence ?? 0) + 1
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

import Synchronization
import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Puts index segments right of which a part was found damaged.
///
/// At a start only, when no writer holds the number of a series that may be lost: whoever finds the
/// damage leaves the file `repair` in the directory.
struct IndexRepair {
    static let markerName = "repair"

    private let directory: String
    private let fileSystem: any FileSystem
    private let events: any EventSink

    /// Repairs what the MANIFEST names, where the marker asks for it.
    static func run(
        _ directory: String, _ manifest: inout Manifest, _ fileSystem: any FileSystem,
        _ events: any EventSink
    ) throws(StoreError) {
        let marker = Path.join(directory, markerName)
        if !fileSystem.exists(marker) { return }
        let repair = IndexRepair(directory: directory, fileSystem: fileSystem, events: events)
        do {
            try repair.run(&manifest)
            try fileSystem.remove(marker)
        } catch {
            throw Store.storeError(error)
        }
    }

    /// Opens a segment, also one of which only the footer is damaged.
    static func open(
        _ entry: Manifest.IndexEntry, _ path: String, _ fileSystem: any FileSystem
    ) throws -> Registry.Segment {
        let bytes = try MappedIndexBytes(try fileSystem.map(path))
        do throws(IndexError) {
            return Registry.Segment(entry: entry, index: try IndexSegment(bytes))
        } catch {
            guard let restored = IndexFooterSearch.restore(bytes) else { throw error }
            return Registry.Segment(entry: entry, index: restored, damage: error)
        }
    }

    /// Writes anew the segments whose footers were restored.
    static func replaceRestored(
        _ registry: inout Registry, _ directory: String, _ manifest: inout Manifest,
        _ fileSystem: any FileSystem, _ events: any EventSink
    ) throws(StoreError) {
        let repair = IndexRepair(directory: directory, fileSystem: fileSystem, events: events)
        for (place, segment) in registry.segments.enumerated() {
            guard let damage = segment.damage else { continue }
            do {
                let entry = try repair.rewrite(segment.entry, segment.index, damage, &manifest)
                guard let entry else { continue }
                let path = Path.join(directory, Manifest.indexName(entry.file))
                registry.segments[place] = try open(entry, path, fileSystem)
            } catch {
                throw Store.storeError(error)
            }
        }
    }

    private func run(_ manifest: inout Manifest) throws {
        for entry in manifest.indexes {
            let name = Manifest.indexName(entry.file)
            let path = Path.join(directory, name)
            // One that cannot be opened at all is set aside by the start.
            guard
                let segment = try? IndexSegment(try MappedIndexBytes(try fileSystem.map(path)))
            else { continue }
            do throws(IndexError) {
                try segment.verify()
            } catch {
                _ = try rewrite(entry, segment, error, &manifest)
            }
        }
    }

    /// Writes what of a segment can be read; nil when that is nothing.
    private func rewrite(
        _ entry: Manifest.IndexEntry, _ segment: IndexSegment, _ error: IndexError,
        _ manifest: inout Manifest
    ) throws -> Manifest.IndexEntry? {
        let readable = ReadableSeries(segment)
        var next = manifest
        next.generation += 1
        next.nextFile += 1
        let place = next.indexes.firstIndex(of: entry) ?? 0
        next.indexes.removeAll { $0 == entry }
        var written: Manifest.IndexEntry?
        if readable.seriesCount > 0 {
            let path = Path.join(directory, Manifest.indexName(manifest.nextFile))
            let file = try fileSystem.open(path, .create)
            defer { file.close() }
            try IndexSegmentWriter.write([readable], keep: { _ in true }) {
                (bytes) throws(IOError) in try file.append(bytes)
            }
            try file.sync()
            try fileSystem.syncDirectory(Path.directory(of: path))
            let new = Manifest.IndexEntry(
                file: manifest.nextFile, seriesCount: UInt64(readable.seriesCount))
            next.indexes.insert(new, at: place)
            written = new
        }
        try next.write(directory, fileSystem)
        manifest = next
        // For whoever wants to look at it.
        let folder = Path.join(directory, "damaged")
        try fileSystem.makeDirectory(folder)
        try fileSystem.rename(
            Path.join(directory, Manifest.indexName(entry.file)),
            to: Path.join(folder, "index-\(entry.file).idx"))
        events.log(
            .error, "a damaged index segment is written anew from what of it can be read",
            [
                ("file", Manifest.indexName(entry.file)), ("error", error.message),
                ("series", "\(readable.seriesCount)"),
                ("lost_series", "\(segment.seriesCount - readable.seriesCount)"),
            ])
        return written
    }
}

extension Store {
    /// Notes that an index segment is damaged: the next start repairs it.
    func noteIndexDamage(_ reason: String) {
        let isNew = !hasIndexDamage.exchange(true, ordering: .relaxed)
        if !isNew { return }
        let marker = Path.join(directory, IndexRepair.markerName)
        let isMarked = (try? fileSystem.open(marker, .create)) != nil
        events.log(
            .error, "an index segment is damaged; the next start writes it anew",
            [("error", reason), ("marked", "\(isMarked)")])
    }
}

import TSQBase
import TSQIO
import TSQIndex
import TSQModel

/// Labels ↔ refs: the immutable segments on disk, what is being written to one, and what is new.
///
/// Refs count up and are never used again.
struct Registry {
    struct Segment {
        var entry: Manifest.IndexEntry
        var index: IndexSegment
        /// What is wrong with the file, when the index is one in memory instead.
        var damage: IndexError?
    }

    var segments: [Segment] {
        didSet { revision = .next() }
    }
    /// Series that a checkpoint is writing to a segment; more than one after a failed checkpoint.
    private(set) var frozen: [SeriesDelta] = []
    private(set) var delta: SeriesDelta
    var resolved = ResolvedRefs()
    /// Another one whenever other series may be selected; no two registries share one but as copies.
    private(set) var revision = RegistryRevision.next()
    /// Copies share it: they may have the same series.
    let selections = SelectionCache()

    init(segments: [Segment], nextRef: UInt32) {
        self.segments = segments
        delta = SeriesDelta(firstRef: nextRef)
    }

    var nextRef: UInt32 { delta.firstRef + UInt32(delta.seriesCount) }

    /// All parts; do not keep them beyond the lock (a copy makes the next registration slow).
    var parts: [any SeriesIndexPart] {
        var parts: [any SeriesIndexPart] = segments.map(\.index)
        for frozen in frozen { parts.append(frozen) }
        parts.append(delta)
        return parts
    }

    var seriesCount: Int { parts.reduce(0) { $0 + $1.seriesCount } }

    mutating func register(
        _ labels: LabelSet
    ) throws(IndexError) -> (ref: UInt32, isNew: Bool) {
        let hash = LabelHash.hash(labels)
        if let ref = try find(labels, hash: hash) { return (ref, false) }
        return (add(labels, hash: hash), true)
    }

    /// The ref of the series with these labels.
    ///
    /// - Parameter hash: `LabelHash.hash(labels)`.
    func find(_ labels: LabelSet, hash: UInt64) throws(IndexError) -> UInt32? {
        for segment in segments.reversed() {
            if let ref = try segment.index.lookup(labels, hash: hash) { return ref }
        }
        for frozen in frozen {
            if let ref = frozen.lookup(labels, hash: hash) { return ref }
        }
        return delta.lookup(labels, hash: hash)
    }

    /// Registers a series that is not there.
    mutating func add(_ labels: LabelSet, hash: UInt64) -> UInt32 {
        revision = .next()
        return delta.register(labels, hash: hash).ref
    }

    func labels(of ref: UInt32) throws(IndexError) -> LabelSet? {
        for part in parts {
            if let ordinal = try part.ordinal(ref: ref) { return try part.labelSet(ordinal) }
        }
        return nil
    }

    /// Series below this are in segments, or set aside.
    var frozenEnd: UInt32 { delta.firstRef }

    /// Sets the new series aside for a checkpoint; they stay visible.
    mutating func freeze() {
        if delta.seriesCount == 0 { return }
        let next = nextRef
        frozen.append(delta)
        delta = SeriesDelta(firstRef: next)
    }

    /// Puts a segment in the place of others.
    mutating func replace(_ files: Set<UInt64>, by segment: Segment?) {
        segments.removeAll { files.contains($0.entry.file) }
        if let segment { segments.insert(segment, at: 0) }
    }

    /// The series set aside are in `segments` now.
    mutating func replaceFrozen(by segments: [Segment]) {
        self.segments = segments
        frozen = []
    }
}

/// A mapped file as the index reads it.
final class MappedIndexBytes: IndexBytes {
    private let file: MappedFile
    // Safe to send because: the mapped bytes never change and live as long as `file`.
    nonisolated(unsafe) let raw: UnsafeRawBufferPointer

    init(_ file: MappedFile) throws(IOError) {
        self.file = file
        raw = UnsafeRawBufferPointer(try file.unsafeBytes(at: 0, count: file.byteCount))
    }

    func forget() { file.forget(0..<file.byteCount) }
}

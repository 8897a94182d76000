import TSQBase

/// How a file is opened.
package enum FileMode: Sendable {
    /// An existing file, for reading.
    case read
    /// A new or emptied file, for appending and reading.
    case create
    /// An existing file, for appending at its end and reading.
    case append
    /// An existing file, for writing anew what it has, and reading.
    case update
}

/// The disk as a value: the store does all its reading and writing through it, so that tests and the
/// simulator see, tear, lose and refuse every access.
///
/// Safe from any thread. Paths are plain strings joined by `/`.
package protocol FileSystem: Sendable {
    func open(_ path: String, _ mode: FileMode) throws(IOError) -> any File
    /// The whole file as it is now, for reading. The file must not be changed while it is mapped:
    /// only finished, immutable files are.
    func map(_ path: String) throws(IOError) -> MappedFile
    func rename(_ from: String, to: String) throws(IOError)
    func remove(_ path: String) throws(IOError)
    func removeDirectory(_ path: String) throws(IOError)
    /// A second name for the same file.
    func link(_ from: String, to: String) throws(IOError)
    /// Names in a directory, sorted, without `.` and `..`.
    func list(_ directory: String) throws(IOError) -> [String]
    /// Makes a directory and those above it; one that exists is no error.
    func makeDirectory(_ path: String) throws(IOError)
    /// Makes created, renamed and removed names of the directory durable.
    func syncDirectory(_ path: String) throws(IOError)
    /// Takes an exclusive lock that ends with the process; nil when somebody else holds it.
    func lock(_ path: String) throws(IOError) -> (any FileLock)?
    func exists(_ path: String) -> Bool
    func byteCount(_ path: String) throws(IOError) -> UInt64
    /// Bytes that can still be written on the file system of `path`.
    func freeBytes(_ path: String) throws(IOError) -> UInt64
    /// The size of the file system of `path`.
    func capacityBytes(_ path: String) throws(IOError) -> UInt64
}

/// An open file. Closed when it is released, or before by `close()`.
package protocol File: AnyObject, Sendable {
    var path: String { get }
    /// Writes all of `bytes` at the end.
    ///
    /// - Throws: when not all could be written; part of them may be in the file then.
    func append(_ bytes: Span<UInt8>) throws(IOError)
    /// Writes all of `bytes` at `offset`; only of a file opened with `.update`.
    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(IOError)
    /// Appends up to `byteCount` bytes from `offset` on to `buffer`; answers how many there were.
    func read(
        at offset: UInt64, byteCount: Int, into buffer: inout [UInt8]
    ) throws(IOError) -> Int
    func byteCount() throws(IOError) -> UInt64
    func truncate(to byteCount: UInt64) throws(IOError)
    /// Makes everything appended durable.
    func sync() throws(IOError)
    func close()
}

extension File {
    /// Read and written again at once.
    private static var pieceByteCount: UInt64 { 1 << 20 }

    /// Makes durable what can be read, also where an fsync has failed before: the system may show then
    /// what is not on the disk, and the next fsync has nothing to write and succeeds. So every byte is
    /// written once more, in its place: what is on the disk stays as it is, whenever the power goes.
    package func writeAgain() throws(IOError) {
        let end = try byteCount()
        var (offset, piece): (UInt64, [UInt8]) = (0, [])
        while offset < end {
            piece.removeAll(keepingCapacity: true)
            let wanted = Int(min(end - offset, Self.pieceByteCount))
            if try read(at: offset, byteCount: wanted, into: &piece) == 0 {
                throw IOError(.read, path, reason: "the file ended at byte \(offset) of \(end)")
            }
            try write(piece.span, at: offset)
            offset += UInt64(piece.count)
        }
        try sync()
    }
}

/// Held while a directory has its one writer.
package protocol FileLock: AnyObject, Sendable {
    func unlock()
}

extension FileSystem {
    /// All bytes of a file.
    package func readAll(_ path: String) throws(IOError) -> [UInt8] {
        let file = try open(path, .read)
        defer { file.close() }
        var bytes: [UInt8] = []
        let total = Int(clamping: try file.byteCount())
        bytes.reserveCapacity(total)
        while bytes.count < total {
            let count = try file.read(
                at: UInt64(bytes.count), byteCount: total - bytes.count, into: &bytes)
            if count == 0 {
                throw IOError(
                    .read, path, reason: "the file ended at byte \(bytes.count) of \(total)")
            }
        }
        return bytes
    }

    /// Makes a directory whose name survives a power cut, those above it included.
    package func makeDurableDirectory(_ path: String) throws(IOError) {
        let isNew = !exists(path)
        if isNew {
            let parent = Path.directory(of: path)
            if parent != path && !exists(parent) { try makeDurableDirectory(parent) }
            try makeDirectory(path)
        }
        var name = path
        repeat {
            let parent = Path.directory(of: name)
            if parent == name { return }
            do throws(IOError) {
                try syncDirectory(parent)
            } catch {
                // Somebody else's directory, which need not be readable.
                if !error.isPermission { throw error }
            }
            name = parent
            // Of one that was there the names above were synced before it was made.
        } while isNew && name != "."
    }

    /// Writes a file of that name as a whole and makes it durable: first under another name, then
    /// renamed, so that a reader sees the old content or the new.
    package func replace(_ path: String, with bytes: Span<UInt8>) throws(IOError) {
        let temporary = path + ".tmp"
        try write(temporary, bytes)
        try rename(temporary, to: path)
        try syncDirectory(Path.directory(of: path))
    }

    /// Writes and syncs a file whose name nobody knows yet. The directory is not synced.
    package func write(_ path: String, _ bytes: Span<UInt8>) throws(IOError) {
        let file = try open(path, .create)
        defer { file.close() }
        try file.append(bytes)
        try file.sync()
    }
}

/// Paths as strings.
package enum Path {
    package static func join(_ directory: String, _ name: String) -> String {
        directory.isEmpty
            ? name : directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    package static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }
}

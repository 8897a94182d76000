#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import TSQBase

/// The machine's file system: write(2), pread(2), fsync(2), flock(2), mmap(2).
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, _ mode: FileMode) throws(IOError) -> any File {
        switch mode {
        case .read: try openFile(path, O_RDONLY, .open)
        case .create: try openFile(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, .create)
        case .append: try openFile(path, O_RDWR | O_APPEND, .open)
        case .update: try openFile(path, O_RDWR, .open)
        }
    }

    private func openFile(
        _ path: String, _ flags: Int32, _ operation: IOOperation
    ) throws(IOError) -> PosixFile {
        let descriptor = retrying { posixOpen(path, flags | O_CLOEXEC, 0o644) }
        if descriptor < 0 { throw IOError(operation, path, code: errno) }
        return PosixFile(path: path, descriptor: descriptor)
    }

    package func map(_ path: String) throws(IOError) -> MappedFile {
        let file = try openFile(path, O_RDONLY, .open)
        defer { file.close() }
        let byteCount = Int(clamping: try file.byteCount())
        if byteCount == 0 { return MappedFile(path: path, base: nil, byteCount: 0) {} }
        let base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, file.descriptor, 0)
        guard let base, base != MAP_FAILED else { throw IOError(.map, path, code: errno) }
        // Selected series are spread over a block: reading ahead would only fill memory.
        madvise(base, byteCount, MADV_RANDOM)
        nonisolated(unsafe) let mapped = base
        return MappedFile(
            path: path, base: base, byteCount: byteCount,
            drop: { offset, count in
                let pageBytes = 1 << 12
                let start = (offset + pageBytes - 1) & ~(pageBytes - 1)
                let end = (offset + count) & ~(pageBytes - 1)
                if start < end {
                    madvise(mapped.advanced(by: start), end - start, MADV_DONTNEED)
                }
            }
        ) {
            munmap(mapped, byteCount)
        }
    }

    package func rename(_ from: String, to: String) throws(IOError) {
        if posixRename(from, to) != 0 { throw IOError(.rename, from, code: errno) }
    }

    package func remove(_ path: String) throws(IOError) {
        if unlink(path) != 0 { throw IOError(.remove, path, code: errno) }
    }

    package func removeDirectory(_ path: String) throws(IOError) {
        if rmdir(path) != 0 { throw IOError(.remove, path, code: errno) }
    }

    package func link(_ from: String, to: String) throws(IOError) {
        if posixLink(from, to) != 0 { throw IOError(.link, to, code: errno) }
    }

    package func list(_ directory: String) throws(IOError) -> [String] {
        guard let handle = opendir(directory) else { throw IOError(.list, directory, code: errno) }
        defer { closedir(handle) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(handle) else {
                if errno != 0 { throw IOError(.list, directory, code: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)
                ) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func makeDirectory(_ path: String) throws(IOError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let parent = Path.directory(of: path)
        guard errno == ENOENT, parent != path, parent != "." else {
            throw IOError(.makeDirectory, path, code: errno)
        }
        try makeDirectory(parent)
        if mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw IOError(.makeDirectory, path, code: errno)
        }
    }

    package func syncDirectory(_ path: String) throws(IOError) {
        let directory = try openFile(path, O_RDONLY | O_DIRECTORY, .open)
        defer { directory.close() }
        try directory.sync()
    }

    package func lock(_ path: String) throws(IOError) -> (any FileLock)? {
        let file = try openFile(path, O_RDWR | O_CREAT, .open)
        if retrying({ flock(file.descriptor, LOCK_EX | LOCK_NB) }) != 0 {
            if errno == EWOULDBLOCK { return nil }
            throw IOError(.lock, path, code: errno)
        }
        return PosixLock(file)
    }

    package func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package func byteCount(_ path: String) throws(IOError) -> UInt64 {
        var status = stat()
        if stat(path, &status) != 0 { throw IOError(.size, path, code: errno) }
        return UInt64(clamping: status.st_size)
    }

    package func freeBytes(_ path: String) throws(IOError) -> UInt64 {
        var status = statvfs()
        if statvfs(path, &status) != 0 { throw IOError(.space, path, code: errno) }
        return UInt64(status.f_bavail) &* UInt64(status.f_frsize)
    }

    package func capacityBytes(_ path: String) throws(IOError) -> UInt64 {
        var status = statvfs()
        if statvfs(path, &status) != 0 { throw IOError(.space, path, code: errno) }
        return UInt64(status.f_blocks) &* UInt64(status.f_frsize)
    }
}

private final class PosixLock: FileLock {
    private let file: PosixFile
    init(_ file: PosixFile) { self.file = file }
    func unlock() { file.close() }
}

// The names that a method of the same name would hide.
func posixOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func posixRename(_ from: String, _ to: String) -> Int32 { rename(from, to) }
private func posixLink(_ from: String, _ to: String) -> Int32 { link(from, to) }

/// Repeats a call that a signal interrupted.
func retrying<I: SignedInteger>(_ call: () -> I) -> I {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

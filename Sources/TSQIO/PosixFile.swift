#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization
import TSQBase

/// A file descriptor.
final class PosixFile: File {
    let path: String
    private let handle: Mutex<Int32>

    init(path: String, descriptor: Int32) {
        self.path = path
        handle = Mutex(descriptor)
    }

    deinit { close() }

    var descriptor: Int32 { handle.withLock { $0 } }

    func append(_ bytes: Span<UInt8>) throws(IOError) {
        let descriptor = descriptor
        // Safe because: `done` stays below `bytes.count`.
        let code: Int32 = bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let count = retrying {
                    posixWrite(descriptor, raw.baseAddress?.advanced(by: done), raw.count - done)
                }
                if count < 0 { return errno }
                done += count
            }
            return 0
        }
        if code != 0 { throw IOError(.write, path, code: code) }
    }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(IOError) {
        let descriptor = descriptor
        // Safe because: `done` stays below `bytes.count`.
        let code: Int32 = bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let position = off_t(clamping: offset &+ UInt64(done))
                let start = raw.baseAddress?.advanced(by: done)
                let count = retrying { pwrite(descriptor, start, raw.count - done, position) }
                if count < 0 { return errno }
                done += count
            }
            return 0
        }
        if code != 0 { throw IOError(.write, path, code: code) }
    }

    func read(
        at offset: UInt64, byteCount: Int, into buffer: inout [UInt8]
    ) throws(IOError) -> Int {
        let descriptor = descriptor
        var code: Int32 = 0
        var done = 0
        // Safe because: `done` stays below `byteCount`, for which there is room behind `count`.
        buffer.append(addingCapacity: byteCount) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { raw, count in
                while done < byteCount {
                    let position = off_t(clamping: offset &+ UInt64(done))
                    let target = raw.baseAddress?.advanced(by: count + done)
                    let got = retrying { pread(descriptor, target, byteCount - done, position) }
                    if got < 0 { code = errno }
                    if got <= 0 { break }
                    done += got
                }
                count += done
            }
        }
        if code != 0 { throw IOError(.read, path, code: code) }
        return done
    }

    func byteCount() throws(IOError) -> UInt64 {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw IOError(.size, path, code: errno) }
        return UInt64(clamping: status.st_size)
    }

    func truncate(to byteCount: UInt64) throws(IOError) {
        let descriptor = descriptor
        if retrying({ ftruncate(descriptor, off_t(clamping: byteCount)) }) != 0 {
            throw IOError(.truncate, path, code: errno)
        }
    }

    func sync() throws(IOError) {
        let descriptor = descriptor
        if retrying({ fsync(descriptor) }) != 0 { throw IOError(.sync, path, code: errno) }
    }

    func close() {
        handle.withLock { descriptor in
            if descriptor >= 0 { posixClose(descriptor) }
            descriptor = -1
        }
    }
}

private func posixWrite(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, start, count)
}
private func posixClose(_ descriptor: Int32) { _ = close(descriptor) }

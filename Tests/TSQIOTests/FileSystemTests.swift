import TSQBase
import TSQTesting
import Testing

@testable import TSQIO

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("File systems")
struct FileSystemTests {
    /// A new directory for one test.
    static func temporaryDirectory() throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = Path.join(base, "tsq-io-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try PosixFileSystem().makeDirectory(path)
        return path
    }

    static func remove(_ directory: String, _ system: any FileSystem) throws {
        for name in try system.list(directory) {
            try system.remove(Path.join(directory, name))
        }
        try system.removeDirectory(directory)
    }

    @Test("the real and the simulated one do the same", arguments: [false, true])
    func behaviour(simulated: Bool) throws {
        let system: any FileSystem = simulated ? SimFileSystem(seed: 3) : PosixFileSystem()
        let directory = simulated ? "x" : try Self.temporaryDirectory()
        try system.makeDirectory(Path.join(directory, "a/b"))
        let path = Path.join(directory, "f")
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        try system.replace(path, with: bytes.span)
        #expect(try system.readAll(path) == bytes)
        #expect(try system.byteCount(path) == 1000)
        #expect(try system.list(directory) == ["a", "f"])
        let file = try system.open(path, .append)
        try file.append([1, 2, 3].span)
        try file.sync()
        #expect(try system.readAll(path) == bytes + [1, 2, 3])
        let updated = try system.open(path, .update)
        try updated.write([9, 8].span, at: 1)
        try updated.writeAgain()
        #expect(try system.readAll(path) == [0, 9, 8] + bytes[3...] + [1, 2, 3])
        try updated.write([1, 2].span, at: 1)
        try file.truncate(to: 2)
        #expect(try system.readAll(path) == [0, 1])
        let mapped = try system.map(path)
        let whole = try mapped.bytes(at: 0, count: 2)
        #expect(whole[1] == 1)
        var failed = false
        do {
            _ = try mapped.bytes(at: 1, count: 2).count
        } catch {
            failed = error.operation == .read
        }
        #expect(failed)
        try system.link(path, to: Path.join(directory, "g"))
        try system.rename(path, to: Path.join(directory, "h"))
        #expect(try system.list(directory) == ["a", "g", "h"])
        #expect(!system.exists(path) && system.exists(Path.join(directory, "h")))
        do {
            _ = try system.open(path, .read)
            Issue.record("a missing file was opened")
        } catch {
            #expect(error.isNotFound && error.message == "open \(path): No such file or directory")
        }
        let lock = try system.lock(Path.join(directory, "lock"))
        #expect(lock != nil)
        #expect(try system.lock(Path.join(directory, "lock")) == nil)
        lock?.unlock()
        #expect(try system.lock(Path.join(directory, "lock")) != nil)
        #expect(try system.freeBytes(directory) > 0)
        if !simulated {
            try system.removeDirectory(Path.join(directory, "a/b"))
            try system.removeDirectory(Path.join(directory, "a"))
            try Self.remove(directory, system)
        }
    }

    @Test("a worker runs when it is woken and stops when told")
    func worker() throws {
        let ran = Guarded(0)
        let worker = try #require(Worker(intervalMs: 60_000) { ran.withLock { $0 += 1 } })
        worker.wake()
        for _ in 0..<2000 where ran.withLock({ $0 == 0 }) { usleep(1000) }
        worker.stop()
        #expect(ran.withLock { $0 } >= 1)
    }
}

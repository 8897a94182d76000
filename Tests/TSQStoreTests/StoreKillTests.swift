import TSQIO
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Store and SIGKILL")
struct StoreKillTests {
    /// The program that writes and is killed lies beside the tests.
    private static var program: String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = Path.join(
            Path.directory(of: String(decoding: buffer[..<count], as: UTF8.self)), "store-torture")
        return PosixFileSystem().exists(path) ? path : nil
    }

    @Test("kills under load: nothing acknowledged is missing", .enabled(if: program != nil))
    func killLoop() throws {
        let program = try #require(Self.program)
        let kills = getenv("TSQ_KILLS").flatMap { Int(String(cString: $0)) } ?? 12
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let directory = Path.join(base, "tsq-kill-\(getpid())")
        defer { Self.remove(directory) }
        #expect(try Self.run([program, "loop", directory, "\(kills)"]) == 0)
    }

    private static func run(_ words: [String]) throws -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, words[0], nil, nil, &arguments, environ)
        if code != 0 { throw IOError(.open, words[0], code: code) }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return status
    }

    private static func remove(_ directory: String) {
        let system = PosixFileSystem()
        for folder in ["log", "index", "blocks", ""] {
            let path = folder.isEmpty ? directory : Path.join(directory, folder)
            for name in (try? system.list(path)) ?? [] {
                try? system.remove(Path.join(path, name))
            }
            try? system.removeDirectory(path)
        }
    }
}

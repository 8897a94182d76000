import TSQIO
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Store and SIGKILL")
struct StoreKillTests {
    @Test(
        "kills under load: nothing acknowledged is missing",
        .enabled(if: TortureProgram.path != nil))
    func killLoop() throws {
        let kills = getenv("TSQ_KILLS").flatMap { Int(String(cString: $0)) } ?? 12
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let directory = Path.join(base, "tsq-kill-\(getpid())")
        defer { Self.remove(directory) }
        #expect(try TortureProgram.run(["loop", directory, "\(kills)"]) == 0)
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

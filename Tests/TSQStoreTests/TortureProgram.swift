import TSQIO
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `store-torture`, which lies beside the tests.
enum TortureProgram {
    static var path: String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = Path.join(
            Path.directory(of: String(decoding: buffer[..<count], as: UTF8.self)), "store-torture")
        return PosixFileSystem().exists(path) ? path : nil
    }

    /// Runs the program to its end; its status.
    static func run(_ words: [String]) throws -> Int32 {
        let program = try #require(path)
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, program, nil, nil, &arguments, environ)
        if code != 0 { throw IOError(.open, program, code: code) }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return status
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What was tried when the file system refused.
package enum IOOperation: String, Sendable, CaseIterable {
    case open, create, read, write, sync, truncate, rename, remove, list, lock, map, space, size
    case link
    case makeDirectory = "make directory"
}

/// A refusal of the file system: what was tried, on which path, and the system's reason.
package struct IOError: Error, Sendable, Equatable {
    package let operation: IOOperation
    package let path: String
    /// `errno`, or 0 where tsq itself found the fault (a short read, a map beyond the end).
    package let code: Int32
    package let reason: String

    package init(_ operation: IOOperation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
        self.reason = Self.text(of: code)
    }

    package init(_ operation: IOOperation, _ path: String, reason: String) {
        self.operation = operation
        self.path = path
        self.code = 0
        self.reason = reason
    }

    /// `write data/log/00000001.log: No space left on device`
    package var message: String { "\(operation.rawValue) \(path): \(reason)" }
    package var isNotFound: Bool { code == ENOENT }
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
    package var isExisting: Bool { code == EEXIST }
    /// The medium itself failed.
    package var isMedium: Bool { code == EIO }
    package var isPermission: Bool { code == EACCES || code == EPERM || code == EROFS }

    private static func text(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return buffer.withUnsafeBufferPointer { chars in
            chars.baseAddress.map { String(cString: $0) } ?? "error \(code)"
        }
    }
}

import TSQBase

/// Why an index file cannot be used.
package enum IndexError: Error, Equatable, Sendable {
    /// The file is no index, or one of another version.
    case notAnIndex(String)
    /// The checksum of the block at this offset does not fit its bytes.
    case checksum(offset: Int)
    /// The bytes at this offset contradict the format.
    case malformed(offset: Int, reason: String)
    /// The bytes could not be read (disk error, file shorter than its header says).
    case unreadable(String)

    package var message: String {
        switch self {
        case .notAnIndex(let reason): "not an index: \(reason)"
        case .checksum(let offset): "index block at byte \(offset) fails its checksum"
        case .malformed(let offset, let reason): "index is malformed at byte \(offset): \(reason)"
        case .unreadable(let reason): "index cannot be read: \(reason)"
        }
    }
}

import Synchronization

/// Numbers that no two objects of the process share: other than identifiers that are read from files,
/// and other than addresses, they never mean something else.
enum SerialNumber {
    private static let last = Atomic<UInt64>(0)

    static func next() -> UInt64 { last.add(1, ordering: .relaxed).newValue }
}

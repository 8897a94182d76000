import TSQModel

/// What matcher resolution needs of an index part. Pairs (label name, value) have handles.
protocol PostingsSource {
    var seriesCount: Int { get }

    func nameIndex(_ name: String) throws(IndexError) -> Int?
    func handle(_ name: Int, _ value: String) throws(IndexError) -> UInt32?
    func valueCount(_ name: Int) throws(IndexError) -> Int

    /// Calls `body` with every value of the name that begins with `prefix`, in any order.
    func visitValues(
        _ name: Int, prefix: String, _ body: (UInt32, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError)

    func withValue<R>(
        _ handle: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R
    ) throws(IndexError) -> R

    /// Handles are below.
    var handleCount: Int { get }

    /// The handle of the value that each of `ordinals` (ascending) has for a label; `noHandle` where
    /// it lacks the label.
    func handles(of ordinals: [UInt32], _ name: Int) throws(IndexError) -> [UInt32]

    func postingsCount(_ handle: UInt32) throws(IndexError) -> Int
    /// Appends the ordinals of the pair, ascending.
    func appendPostings(_ handle: UInt32, into ordinals: inout [UInt32]) throws(IndexError)
    /// Those of `candidates` (ascending) that the pair has, or that it does not have.
    func filter(
        _ candidates: [UInt32], having handle: UInt32, _ isWanted: Bool
    ) throws(IndexError) -> [UInt32]
}

extension PostingsSource {
    static var noHandle: UInt32 { .max }
}

/// A set of handles.
struct HandleSet {
    private var words: [UInt64]

    init(limit: Int) { words = [UInt64](repeating: 0, count: (limit + 63) / 64) }

    @inline(__always)
    func contains(_ handle: UInt32) -> Bool {
        words[Int(handle >> 6)] >> UInt64(handle & 63) & 1 == 1
    }

    @inline(__always)
    mutating func insert(_ handle: UInt32) { words[Int(handle >> 6)] |= 1 << UInt64(handle & 63) }
}

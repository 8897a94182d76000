/// The bytes of an immutable file, read in place; unmapped when released.
package final class MappedFile: @unchecked Sendable {
    // Safe to send because: the bytes are never written, and live as long as this object.
    private let base: UnsafeRawPointer?
    package let byteCount: Int
    package let path: String
    private let release: @Sendable () -> Void
    private let drop: (@Sendable (_ offset: Int, _ count: Int) -> Void)?

    /// Takes over `byteCount` readable bytes at `base`; `release` frees them.
    ///
    /// - Parameter drop: gives the memory of a range back; its bytes can still be read.
    package init(
        path: String, base: UnsafeRawPointer?, byteCount: Int,
        drop: (@Sendable (_ offset: Int, _ count: Int) -> Void)? = nil,
        release: @escaping @Sendable () -> Void
    ) {
        self.drop = drop
        self.path = path
        self.base = base
        self.byteCount = base == nil ? 0 : byteCount
        self.release = release
    }

    /// A copy of `bytes` behind the same interface: for the simulator and tests.
    package convenience init(path: String, copying bytes: [UInt8]) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count), alignment: 16)
        bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
        nonisolated(unsafe) let owned = buffer
        self.init(path: path, base: UnsafeRawPointer(buffer.baseAddress), byteCount: bytes.count) {
            owned.deallocate()
        }
    }

    deinit { release() }

    /// Gives back the memory of a range that is not read again soon, as far as it is whole pages.
    package func forget(_ range: Range<Int>) {
        let inside = range.clamped(to: 0..<byteCount)
        if !inside.isEmpty { drop?(inside.lowerBound, inside.count) }
    }

    /// `count` bytes from `offset` on, valid while this object lives.
    ///
    /// - Throws: `IOError` when the file has fewer.
    @_lifetime(borrow self)
    package func bytes(at offset: Int, count: Int) throws(IOError) -> Span<UInt8> {
        let span = Span(_unsafeElements: try unsafeBytes(at: offset, count: count))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// As `bytes`, for owners that hold this object as long as they use the pointer.
    package func unsafeBytes(
        at offset: Int, count: Int
    ) throws(IOError) -> UnsafeBufferPointer<UInt8> {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw IOError(
                .read, path,
                reason: "\(count) bytes wanted at \(offset), the file has \(byteCount)")
        }
        // Safe because: the range was checked against the length that was mapped.
        return UnsafeBufferPointer(
            start: count == 0
                ? nil : base?.advanced(by: offset).assumingMemoryBound(to: UInt8.self),
            count: count)
    }
}

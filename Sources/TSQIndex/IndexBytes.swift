/// The bytes of an index file, mapped or in memory. The store conforms its mapped file to it.
///
/// The bytes neither move nor change nor become fewer while this object lives; an index holds it as
/// long as it reads.
package protocol IndexBytes: AnyObject, Sendable {
    var raw: UnsafeRawBufferPointer { get }
    /// Gives back the memory of bytes that can be had again. They can still be read.
    func forget()
}

extension IndexBytes {
    package func forget() {}
}

/// An index file held in memory.
package final class IndexBuffer: IndexBytes {
    // Safe to send because: written once, before `init` returns.
    package nonisolated(unsafe) let raw: UnsafeRawBufferPointer

    package init(_ bytes: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(bytes.count, 1), alignment: 8)
        copy.copyBytes(from: bytes)
        raw = UnsafeRawBufferPointer(rebasing: copy[..<bytes.count])
    }

    deinit { UnsafeMutableRawPointer(mutating: raw.baseAddress)?.deallocate() }
}

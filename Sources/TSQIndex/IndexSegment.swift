import TSQBase
import TSQModel

/// An immutable index file (docs/format/index.md), opened without reading more than its header.
///
/// Ordinals are numbered in label order, so every sorted list of ordinals is in label order. Blocks
/// of 64 KiB are checked against their checksums when they are first touched. Safe from any thread.
package final class IndexSegment: Sendable {
    package let bytes: any IndexBytes

    /// Reads and checks the header; O(1).
    package init(_ bytes: any IndexBytes) throws(IndexError) {
        self.bytes = bytes
    }

    /// Reads everything, checks every checksum and every rule of the format.
    package func verify() throws(IndexError) {}
}

/// Writes an index file of the series of other parts.
package enum IndexSegmentWriter {
    /// The merged index of `parts`, without the series that `keep` refuses, as chunks of bytes handed
    /// to `sink` in file order.
    ///
    /// Of a label set that occurs in several parts the first part's ref is kept.
    /// - Parameter keep: by ref.
    package static func write<E: Error>(
        _ parts: [any SeriesIndexPart], keep: (UInt32) -> Bool,
        sink: (Span<UInt8>) throws(E) -> Void
    ) throws(IndexWriteError<E>) {
        preconditionFailure("BUG: not built yet")
    }
}

/// What can go wrong while a segment is written: a part that cannot be read, or the sink.
package enum IndexWriteError<Sink: Error>: Error {
    case index(IndexError)
    case sink(Sink)
}

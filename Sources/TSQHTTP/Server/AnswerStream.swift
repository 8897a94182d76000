import Hummingbird
import NIOCore

/// Sends a long answer piece by piece, as the socket takes it.
struct AnswerStream: Sendable {
    let pieces: AnswerPieces
    let compression: Compression?
    let pool: WorkPool
    let channel: any Channel

    /// A client that takes nothing for so long has its connection closed: its answer holds memory.
    private static let stallMax = TimeAmount.seconds(60)

    func write(to writer: inout any ResponseBodyWriter) async throws {
        if compression == nil {
            while let piece = try await pieces.next() {
                try await write(piece, &writer)
                pieces.giveBack(piece)
            }
        } else {
            try await writeCompressed(to: &writer)
        }
        try await writer.finish(nil)
    }

    private func writeCompressed(to writer: inout any ResponseBodyWriter) async throws {
        let packer = Packer(compression)
        var piece = try await pieces.next()
        while let plain = piece {
            let next = try await pieces.next()
            let packed = try await pool.run { packer.pack(plain, isLast: next == nil) }
            guard let packed else { throw CompressionFailure() }
            if packed.readableBytes > 0 { try await write(packed, &writer) }
            pieces.giveBack(plain)
            piece = next
        }
    }

    private struct CompressionFailure: Error {}

    private func write(
        _ piece: ByteBuffer, _ writer: inout any ResponseBodyWriter
    ) async throws {
        let channel = channel
        let watch = channel.eventLoop.scheduleTask(in: Self.stallMax) {
            channel.close(promise: nil)
        }
        defer { watch.cancel() }
        try await writer.write(piece)
    }

    /// One piece at a time goes through it, each after the one before.
    private final class Packer: @unchecked Sendable {
        // Safe to send because: `write` awaits a call before it makes the next.
        private let compressor: StreamCompressor?

        init(_ compression: Compression?) {
            compressor = compression.flatMap(StreamCompressor.init)
        }

        func pack(_ plain: ByteBuffer, isLast: Bool) -> ByteBuffer? {
            compressor?.compress(Array(plain.readableBytesView), isLast: isLast)
                .map { ByteBuffer(bytes: $0) }
        }
    }
}

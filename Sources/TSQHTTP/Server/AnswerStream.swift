import Hummingbird
import NIOCore

/// Sends a long answer piece by piece, as the socket takes it.
struct AnswerStream: Sendable {
    let first: [UInt8]
    let rest: AnswerPieces
    let compression: Compression?
    let pool: WorkPool
    let channel: any Channel

    /// A client that takes nothing for so long has its connection closed: its answer holds memory.
    private static let stallMax = TimeAmount.seconds(60)

    func write(to writer: inout any ResponseBodyWriter) async throws {
        if compression == nil { return try await writePlain(to: &writer) }
        let packer = Packer(compression)
        var piece: [UInt8]? = first
        while let plain = piece {
            let (packed, next) = try await pool.run { [rest] in
                let next = rest.next()
                return (packer.pack(plain, isLast: next == nil), next)
            }
            guard let packed else { throw CompressionFailure() }
            if !packed.isEmpty { try await write(packed, &writer) }
            piece = next
        }
        try await writer.finish(nil)
    }

    /// The next piece is made while the socket takes the one before it.
    private func writePlain(to writer: inout any ResponseBodyWriter) async throws {
        var piece: [UInt8]? = first
        while let bytes = piece {
            async let next = pool.run { [rest] in rest.next() }
            try await write(bytes, &writer)
            piece = try await next
        }
        try await writer.finish(nil)
    }

    private struct CompressionFailure: Error {}

    private func write(_ bytes: [UInt8], _ writer: inout any ResponseBodyWriter) async throws {
        let channel = channel
        let watch = channel.eventLoop.scheduleTask(in: Self.stallMax) {
            channel.close(promise: nil)
        }
        defer { watch.cancel() }
        try await writer.write(ByteBuffer(bytes: bytes))
    }

    /// One piece at a time goes through it, each after the one before.
    private final class Packer: @unchecked Sendable {
        // Safe to send because: `write` awaits a call before it makes the next.
        private let compressor: StreamCompressor?
        private let isPlain: Bool

        init(_ compression: Compression?) {
            compressor = compression.flatMap(StreamCompressor.init)
            isPlain = compression == nil
        }

        func pack(_ plain: [UInt8], isLast: Bool) -> [UInt8]? {
            if isPlain { return plain }
            return compressor?.compress(plain, isLast: isLast)
        }
    }
}

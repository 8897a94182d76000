import TSQBase
import TSQChunks

extension Block {
    /// Which rows of its time column a chunk has; it has the flag.
    func presence(_ chunk: BlockChunk) throws(BlockError) -> PresenceBitmap {
        let bytes = try bytes(chunk.offset + chunk.valuesCount, chunk.presenceCount)
        do throws(ChunkError) {
            return try PresenceBitmap.decode(bytes)
        } catch {
            throw BlockError(reason: "series \(chunk.ref): \(error.message)")
        }
    }

    /// The name of the encoding of a chunk's values (docs/format/chunks.md).
    func kindName(_ chunk: BlockChunk) throws(BlockError) -> String {
        if chunk.flags.contains(.histogram) { return "histogram" }
        let bytes = try bytes(chunk.offset, chunk.valuesCount)
        var reader = ByteReader(bytes)
        guard let kind = try? reader.u8() else { return "empty" }
        if kind != Self.compressedKind { return Self.kindName(kind) }
        // Count, length of the inner chunk, then the beginning of an LZ4 block: its first byte says
        // how long the literals are, and the first literal is the inner kind.
        guard (try? reader.uvarint()) != nil, (try? reader.uvarint()) != nil,
            let token = try? reader.u8()
        else { return "compressed" }
        if token >> 4 == 15 {
            while (try? reader.u8()) == 255 {}
        }
        guard let inner = try? reader.u8() else { return "compressed" }
        return "compressed \(Self.kindName(inner))"
    }

    private static let compressedKind: UInt8 = 5

    private static func kindName(_ kind: UInt8) -> String {
        switch kind {
        case 0: "constant"
        case 1: "decimal"
        case 2: "bits"
        case 3: "xor"
        case 4: "raw"
        default: "kind \(kind)"
        }
    }
}

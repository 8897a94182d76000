import Testing

@testable import TSQBase

@Suite("Checksums and hashes")
struct HashTests {
    @Test("CRC-32C of the check string is the published one")
    func crc() {
        #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum([]) == 0)
    }

    @Test("CRC-32C in pieces equals that of the whole, wherever it is cut")
    func crcPieces() {
        let bytes = (0..<100).map { UInt8($0) }
        for cut in 0...100 {
            var crc = CRC32C()
            crc.update(bytes.span.extracting(0..<cut))
            crc.update(bytes.span.extracting(cut..<100))
            #expect(crc.value == CRC32C.checksum(bytes))
        }
    }

    @Test("CRC-32C by the table is that of the processor, at every length and place")
    func crcByTable() {
        var random = SplitMix64(seed: 3)
        let bytes = (0..<300).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for count in 0...200 {
            let part = bytes.span.extracting((count % 13)..<(count % 13 + count))
            var crc = CRC32C()
            crc.updateByTable(part)
            #expect(crc.value == CRC32C.checksum(part))
        }
    }

    @Test(
        "xxHash of known texts is the published one",
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B),
            ("abc", 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] as [(String, UInt64)])
    func xxHash(text: String, hash: UInt64) {
        #expect(XXHash64.hash(Array(text.utf8)) == hash)
    }
}

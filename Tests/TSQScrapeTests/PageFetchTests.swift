import NIOCore
import NIOHTTP1
import Testing

@testable import TSQHTTPClient

@Suite("Pages over plain HTTP")
struct PageFetchTests {
    // "a 1\nb 2\n" as gzip -n makes it.
    private static let packed: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x54, 0x30, 0xE4, 0x4A, 0x52, 0x30, 0xE2, 2, 0,
        0x7E, 0x4E, 0x8F, 0x97, 8, 0, 0, 0,
    ]

    @Test("gzip bodies are unpacked, within the limit; damaged ones are refused at every byte")
    func gzip() throws {
        var body: [UInt8] = []
        try Inflate.gzip(Self.packed, into: &body, bodyBytesMax: 100)
        #expect(String(decoding: body, as: UTF8.self) == "a 1\nb 2\n")
        body = []
        try Inflate.gzip(Self.packed + Self.packed, into: &body, bodyBytesMax: 100)
        #expect(body.count == 16)
        body = []
        #expect(throws: Inflate.Failure.tooLarge) {
            try Inflate.gzip(Self.packed, into: &body, bodyBytesMax: 7)
        }
        for count in 0..<Self.packed.count {
            body = []
            #expect(throws: Inflate.Failure.malformed) {
                try Inflate.gzip(Array(Self.packed[..<count]), into: &body, bodyBytesMax: 100)
            }
        }
    }

    @Test("only plain HTTP addresses are taken, and asked for as they are written")
    func addresses() throws {
        #expect(PageAddress("https://h/metrics") == nil)
        #expect(PageAddress("http://u:p@h/metrics") == nil)
        #expect(PageAddress("http://h:99999/metrics") == nil)
        let address = try #require(PageAddress("http://[::1]:9100/m%20x?a=b&c"))
        #expect(address.host == "::1" && address.port == 9100)
        let request = try address.request(["Accept": "*/*"])
        #expect(request.head.uri == "/m%20x?a=b&c" && request.head.method == .GET)
        #expect(request.head.headers == ["Accept": "*/*", "Host": "[::1]:9100"])
        #expect(
            String(buffer: request.bytes)
                == "GET /m%20x?a=b&c HTTP/1.1\r\nAccept: */*\r\nHost: [::1]:9100\r\n\r\n")
        let named = try #require(PageAddress("http://h")).request(["Host": "other"])
        #expect(named.head.uri == "/" && named.head.headers == ["Host": "other"])
    }

    @Test("a header that would end early is refused")
    func brokenHeaders() throws {
        let address = try #require(PageAddress("http://h/metrics"))
        for headers in [["X-A": "b\r\nX-C: d"], ["X A": "b"], ["": "b"]] as [HTTPHeaders] {
            #expect(throws: FetchError.self) { _ = try address.request(headers) }
        }
    }
}

import TSQBase
import Testing

@testable import TSQHTTPClient

@Suite("HTTP responses of targets")
struct ResponseParserTests {
    private struct Read: Equatable {
        var status = 0
        var body = ""
        var isComplete = false
        var isReusable = true
    }

    /// Feeds `text` in the pieces that end at `cuts`.
    private func read(
        _ text: String, cuts: [Int] = [], bodyBytesMax: Int = 1000, ends: Bool = false
    ) throws -> Read {
        let bytes = Array(text.utf8)
        var parser = ResponseParser(bodyBytesMax: bodyBytesMax)
        var body: [UInt8] = []
        var result = Read()
        var start = 0
        for end in cuts + [bytes.count] {
            let isComplete = try bytes[start..<end].withUnsafeBytes {
                try parser.feed($0, into: &body)
            }
            result.isComplete = isComplete
            start = end
        }
        if ends {
            try parser.end()
            result.isComplete = true
        }
        result.status = parser.status
        result.body = String(decoding: body, as: UTF8.self)
        result.isReusable = parser.isReusable
        return result
    }

    private static let responses: [(text: String, body: String, isReusable: Bool)] = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\na 1\nb",
            "a 1\nb", true
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", "", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n"
                + "a;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n", "a 1\n0123456789", true
        ),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "x", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", false),
    ]

    @Test("a response is the same however its bytes are cut")
    func cuts() throws {
        for response in Self.responses {
            let count = response.text.utf8.count
            for first in 0...count {
                for second in [first, (first + count) / 2, count] {
                    let found = try read(response.text, cuts: [first, second])
                    #expect(found.body == response.body && found.isComplete)
                    #expect(found.isReusable == response.isReusable)
                }
            }
        }
    }

    @Test("a body without a length ends with the connection; a shorter one is none")
    func ends() throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n"
        #expect(try read(text, ends: true).body == "a 1\n")
        #expect(try !read(text).isComplete)
        #expect(throws: ResponseParser.Failure.ended) {
            try read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na 1\n", ends: true)
        }
    }

    @Test(
        "what is not understood is left to the other client",
        arguments: [
            "HTTP/2 200\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        ])
    func unsuited(text: String) {
        #expect(throws: ResponseParser.Failure.unsuited) { try read(text) }
    }

    @Test("a longer body than allowed is refused, announced or not")
    func limit() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n",
            "HTTP/1.1 200 OK\r\n\r\n01234567890",
        ] {
            #expect(throws: ResponseParser.Failure.bodyTooLarge) {
                try read(text, bodyBytesMax: 10)
            }
        }
    }

    @Test("an endless head is refused")
    func endlessHead() {
        let text = "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 20_000)
        #expect(throws: ResponseParser.Failure.unsuited) { try read(text) }
    }

    @Test("any bytes give a response or an error, and never a trap")
    func anyBytes() {
        var random = SplitMix64(seed: 5)
        var failures = 0
        for response in Self.responses {
            for _ in 0..<300 {
                var bytes = Array(response.text.utf8)
                for _ in 0..<(1 + random.next() % 3) {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                        truncatingIfNeeded: random.next())
                }
                do {
                    _ = try read(String(decoding: bytes, as: UTF8.self))
                } catch {
                    failures += 1
                }
            }
        }
        #expect(failures > 100)
    }

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
        let request = try #require(address.request([("Accept", "*/*")]))
        #expect(
            String(decoding: request, as: UTF8.self)
                == "GET /m%20x?a=b&c HTTP/1.1\r\nHost: [::1]:9100\r\nAccept: */*\r\n\r\n")
        #expect(address.request([("A", "b\r\nC: d")]) == nil)
        #expect(address.request([("A b", "c")]) == nil)
        #expect(
            PageAddress("http://h")?.request([]) == Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8))
    }
}

import NIOCore
import NIOEmbedded
import NIOHTTP1
import TSQBase
import TSQModel
import Testing

@testable import TSQHTTP

@Suite("Quick answers", .timeLimit(.minutes(5)))
struct QuickAnswerTests {
    private static let uri = "/api/v1/query?query=vector(1)&time=1700000600"

    private let routes: APIRoutes
    private let channel: EmbeddedChannel

    init() throws {
        routes = try APIRoutes(APIFixture.context())
        channel = EmbeddedChannel(handler: QuickAnswers(routes))
        remember("vector(1)")
    }

    private func remember(_ text: String) {
        routes.smallQueries.note(
            SmallQueries.Key(text: text, lengthMs: 0, stepMs: 0), atMs: APIFixture.nowMs, costNs: 1,
            byteCount: 1)
    }

    private func ask(
        _ uri: String = uri, method: HTTPMethod = .GET, version: HTTPVersion = .http1_1,
        headers: HTTPHeaders = [:]
    ) throws {
        let head = HTTPRequestHead(version: version, method: method, uri: uri, headers: headers)
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    private func answered() throws -> (head: HTTPResponseHead, body: String)? {
        guard case .head(let head) = try channel.readOutbound(as: HTTPServerResponsePart.self)
        else { return nil }
        guard
            case .body(.byteBuffer(let body)) = try channel.readOutbound(
                as: HTTPServerResponsePart.self),
            case .end = try channel.readOutbound(as: HTTPServerResponsePart.self)
        else { return nil }
        return (head, String(buffer: body))
    }

    private func passedOn() throws -> [HTTPServerRequestPart] {
        var parts: [HTTPServerRequestPart] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            parts.append(part)
        }
        return parts
    }

    @Test("a query that was small is answered at once, as the web server would")
    func quick() async throws {
        defer { routes.shutDown() }
        try ask(headers: ["Origin": "http://example.com"])
        let answer = try #require(try answered())
        #expect(answer.head.status == .ok)
        #expect(answer.head.headers["Content-Type"] == ["application/json"])
        #expect(answer.head.headers["Content-Length"] == [String(answer.body.utf8.count)])
        #expect(answer.head.headers["access-control-allow-origin"] == ["*"])
        #expect(answer.head.headers["Date"].first?.hasSuffix(" GMT") == true)
        let query = "query=vector(1)&time=1700000600"
        let other = await routes.respond(
            to: APIRequest(
                method: "GET", path: "/api/v1/query", query: query,
                form: FormParameters(query: query)))
        guard case .bytes(let bytes) = other.body else {
            Issue.record("an answer in pieces")
            return
        }
        #expect(answer.body == String(decoding: bytes, as: UTF8.self))
        #expect(try passedOn().isEmpty)
    }

    @Test("what was not small, and what is no plain query, goes on as it came")
    func others() throws {
        defer { routes.shutDown() }
        let all: [(uri: String, method: HTTPMethod, version: HTTPVersion, headers: HTTPHeaders)] = [
            ("/api/v1/query?query=vector(2)&time=1700000600", .GET, .http1_1, [:]),
            ("/api/v1/query?query=vector(1)&time=never", .GET, .http1_1, [:]),
            (Self.uri + "&stats=all", .GET, .http1_1, [:]),
            ("/api/v1/query_exemplars?query=vector(1)", .GET, .http1_1, [:]),
            ("/-/healthy", .GET, .http1_1, [:]),
            (Self.uri, .POST, .http1_1, [:]),
            (Self.uri, .GET, .http1_0, [:]),
            (Self.uri, .GET, .http1_1, ["Connection": "close"]),
        ]
        for (uri, method, version, headers) in all {
            try ask(uri, method: method, version: version, headers: headers)
            let head = HTTPRequestHead(version: version, method: method, uri: uri, headers: headers)
            #expect(try passedOn() == [.head(head), .end(nil)])
            #expect(try answered() == nil)
            // Its answer comes from behind.
            try channel.writeOutbound(HTTPServerResponsePart.end(nil))
            _ = try channel.readOutbound(as: HTTPServerResponsePart.self)
        }
        try ask()
        #expect(try answered() != nil)
    }

    @Test("no answer overtakes that of an earlier request")
    func order() throws {
        defer { routes.shutDown() }
        try ask("/-/healthy")
        try ask()
        #expect(try passedOn().count == 4)
        #expect(try answered() == nil)
        for _ in 0..<2 {
            try channel.writeOutbound(HTTPServerResponsePart.end(nil))
            _ = try channel.readOutbound(as: HTTPServerResponsePart.self)
        }
        try ask()
        #expect(try answered() != nil)
    }

    @Test("a request with a body goes on whole")
    func body() throws {
        defer { routes.shutDown() }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: Self.uri)
        let parts: [HTTPServerRequestPart] = [
            .head(head), .body(ByteBuffer(string: "x")), .end(nil),
        ]
        for part in parts { try channel.writeInbound(part) }
        #expect(try passedOn() == parts)
        #expect(try answered() == nil)
    }

    @Test("longer answers are compressed where the client takes that")
    func compressed() throws {
        defer { routes.shutDown() }
        let uri = "/api/v1/query_range?query=up&start=1700000000&end=1700000600&step=5"
        routes.smallQueries.note(
            SmallQueries.Key(text: "up", lengthMs: 600_000, stepMs: 5000),
            atMs: APIFixture.nowMs, costNs: 1, byteCount: 1)
        try ask(uri)
        let plain = try #require(try answered())
        #expect(plain.body.utf8.count > Compression.byteCountMin)
        #expect(plain.head.headers["Content-Encoding"].isEmpty)
        // Nothing but the answer may say that it is small: that took its time on this machine.
        routes.smallQueries.note(
            SmallQueries.Key(text: "up", lengthMs: 600_000, stepMs: 5000),
            atMs: APIFixture.nowMs, costNs: 1, byteCount: 1)
        try ask(uri, headers: ["Accept-Encoding": "gzip", "Origin": "http://example.com"])
        guard case .head(let head) = try channel.readOutbound(as: HTTPServerResponsePart.self),
            case .body(.byteBuffer(let body)) = try channel.readOutbound(
                as: HTTPServerResponsePart.self)
        else {
            Issue.record("no answer")
            return
        }
        #expect(head.headers["Content-Encoding"] == ["gzip"])
        #expect(head.headers["Vary"] == ["Origin, Accept-Encoding"])
        #expect(head.headers["Content-Length"] == [String(body.readableBytes)])
        #expect(body.readableBytes < plain.body.utf8.count)
        #expect(body.getBytes(at: 0, length: 2) == [0x1F, 0x8B])
    }
}

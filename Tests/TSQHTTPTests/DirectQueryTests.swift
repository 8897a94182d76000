import Foundation
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import TSQBase
import TSQModel
import TSQTesting
import Testing

@testable import TSQHTTP

@Suite("Direct queries", .timeLimit(.minutes(5)))
struct DirectQueryTests {
    private static let uri = "/api/v1/query?query=vector(1)&time=1700000600"
    private static let form = "application/x-www-form-urlencoded"

    private let routes: APIRoutes
    private let disconnects = Disconnects()
    private let source = GatedSource()
    private let recorder = Recorder()
    private let channel: NIOAsyncTestingChannel

    init() async throws {
        var context = APIFixture.context()
        context.source = source
        let (routes, disconnects, recorder) = (try APIRoutes(context), disconnects, recorder)
        self.routes = routes
        channel = try await NIOAsyncTestingChannel {
            try $0.pipeline.syncOperations.addHandlers([
                Recorder.Front(recorder), DirectQueries(routes, disconnects),
                Recorder.Back(recorder),
            ])
        }
    }

    private func remember(_ text: String, lengthMs: Int64 = 0, stepMs: Int64 = 0) {
        routes.smallQueries.note(
            SmallQueries.Key(text: text, lengthMs: lengthMs, stepMs: stepMs),
            atMs: APIFixture.nowMs, costNs: 1, byteCount: 1)
    }

    private func ask(
        _ uri: String = uri, method: HTTPMethod = .GET, version: HTTPVersion = .http1_1,
        headers: HTTPHeaders = [:], body: [String] = []
    ) async throws {
        let head = HTTPRequestHead(version: version, method: method, uri: uri, headers: headers)
        try await channel.writeInbound(HTTPServerRequestPart.head(head))
        for piece in body {
            try await channel.writeInbound(
                HTTPServerRequestPart.body(ByteBuffer(string: piece)))
        }
        try await channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    private func answer() async throws -> (head: HTTPResponseHead, body: ByteBuffer) {
        func next() async throws -> HTTPServerResponsePart {
            try await channel.waitForOutboundWrite(as: HTTPServerResponsePart.self)
        }
        guard case .head(let head) = try await next() else { throw Missing() }
        var body = ByteBuffer()
        while case .body(.byteBuffer(let piece)) = try await next() {
            body.writeImmutableBuffer(piece)
        }
        return (head, body)
    }

    private struct Missing: Error {}

    private func passedOn() async throws -> [HTTPServerRequestPart] {
        var parts: [HTTPServerRequestPart] = []
        while let part = try await channel.readInbound(as: HTTPServerRequestPart.self) {
            parts.append(part)
        }
        return parts
    }

    /// What the web server would write last of all.
    private func answerFromBehind() async throws {
        try await channel.writeOutbound(HTTPServerResponsePart.end(nil))
        _ = try await channel.readOutbound(as: HTTPServerResponsePart.self)
    }

    private func onLoop(
        _ body: @escaping @Sendable (NIOAsyncTestingChannel) throws -> Void
    ) async throws {
        let channel = channel
        try await channel.eventLoop.submit { try body(channel) }.get()
    }

    private static func text(_ value: Int) -> String { "[1700000600,\"\(value)\"]" }

    // MARK: What is answered here

    @Test("a query is answered as the web server would, small or not", arguments: [true, false])
    func answered(isSmall: Bool) async throws {
        defer { routes.shutDown() }
        if isSmall { remember("vector(1)") }
        try await ask(headers: ["Origin": "http://example.com"])
        let (head, body) = try await answer()
        #expect(head.status == .ok)
        #expect(head.headers["Content-Type"] == ["application/json"])
        #expect(head.headers["Content-Length"] == [String(body.readableBytes)])
        #expect(head.headers["access-control-allow-origin"] == ["*"])
        #expect(head.headers["Date"].first?.hasSuffix(" GMT") == true)
        let query = "query=vector(1)&time=1700000600"
        let other = await routes.respond(
            to: APIRequest(
                method: "GET", path: "/api/v1/query", query: query,
                form: FormParameters(query: query)))
        guard case .bytes(let bytes) = other.body else {
            Issue.record("an answer in pieces")
            return
        }
        #expect(String(buffer: body) == String(decoding: bytes, as: UTF8.self))
        #expect(try await passedOn().isEmpty)
    }

    @Test("what is wrong with a query is answered, too")
    func refused() async throws {
        defer { routes.shutDown() }
        try await ask("/api/v1/query?query=vector(1)&time=never")
        #expect(try await answer().head.status == .badRequest)
        try await ask("/api/v1/query?query=sum(")
        #expect(try await answer().head.status == .badRequest)
        try await ask("/api/v1/query_range?query=up&start=0&end=1&step=1&timeout=0s")
        #expect(try await answer().head.status == .serviceUnavailable)
        #expect(try await passedOn().isEmpty)
    }

    @Test("a form is read with its body, however it is cut, before the URL's parameters")
    func form() async throws {
        defer { routes.shutDown() }
        try await ask(
            "/api/v1/query?query=vector(2)&time=1700000600", method: .POST,
            headers: ["Content-Type": Self.form], body: ["que", "ry=vec", "tor(3)"])
        let (head, body) = try await answer()
        #expect(head.status == .ok)
        #expect(String(buffer: body).contains(Self.text(3)))
    }

    @Test("longer answers are compressed where the client takes that")
    func compressed() async throws {
        defer { routes.shutDown() }
        source.open()
        let uri = "/api/v1/query_range?query=up&start=1700000000&end=1700000600&step=5"
        for isSmall in [true, false] {
            // Nothing but the answer may say that it is small: that takes its time on this machine.
            func prepare() {
                if isSmall { remember("up", lengthMs: 600_000, stepMs: 5000) }
            }
            prepare()
            try await ask(uri)
            let plain = try await answer()
            #expect(plain.body.readableBytes > Compression.byteCountMin)
            #expect(plain.head.headers["Content-Encoding"].isEmpty)
            prepare()
            try await ask(
                uri, headers: ["Accept-Encoding": "gzip", "Origin": "http://example.com"])
            let (head, body) = try await answer()
            #expect(head.headers["Content-Encoding"] == ["gzip"])
            #expect(head.headers["Vary"] == ["Origin, Accept-Encoding"])
            #expect(head.headers["Content-Length"] == [String(body.readableBytes)])
            #expect(body.readableBytes < plain.body.readableBytes)
            #expect(body.getBytes(at: 0, length: 2) == [0x1F, 0x8B])
        }
    }

    // MARK: What goes on

    @Test("what is no plain request for a query goes on as it came, body and all")
    func others() async throws {
        defer { routes.shutDown() }
        let long = String(repeating: "x", count: DirectRequest.bodyByteCountMax)
        let all: [(HTTPRequestHead, body: [String])] = [
            (HTTPRequestHead(version: .http1_1, method: .GET, uri: "/-/healthy"), []),
            (HTTPRequestHead(version: .http1_1, method: .PUT, uri: Self.uri), []),
            (HTTPRequestHead(version: .http1_1, method: .POST, uri: Self.uri), ["x"]),
            (
                HTTPRequestHead(
                    version: .http1_0, method: .GET, uri: Self.uri,
                    headers: ["Connection": "keep-alive"]), []
            ),
            (HTTPRequestHead(version: .http1_1, method: .GET, uri: Self.uri), ["x"]),
            (
                HTTPRequestHead(
                    version: .http1_1, method: .GET, uri: "/api/v1/query_exemplars?query=up"), []
            ),
            (
                HTTPRequestHead(
                    version: .http1_1, method: .GET, uri: Self.uri,
                    headers: ["Connection": "close"]), []
            ),
            (
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: Self.uri,
                    headers: ["Content-Type": Self.form, "Expect": "100-continue"]), ["query=1"]
            ),
            (
                HTTPRequestHead(
                    version: .http1_1, method: .POST, uri: Self.uri,
                    headers: ["Content-Type": Self.form]), [long, "y"]
            ),
        ]
        for (head, body) in all {
            try await ask(
                head.uri, method: head.method, version: head.version, headers: head.headers,
                body: body)
            let pieces = body.map { HTTPServerRequestPart.body(ByteBuffer(string: $0)) }
            #expect(try await passedOn() == [.head(head)] + pieces + [.end(nil)])
            #expect(try await channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
            try await answerFromBehind()
        }
        try await ask()
        #expect(try await answer().head.status == .ok)
    }

    @Test("the web server is told that a client of HTTP/1.0 waits for the end of the connection")
    func oldClient() async throws {
        defer { routes.shutDown() }
        try await ask(version: .http1_0)
        guard case .head(let head) = try await passedOn().first else { throw Missing() }
        #expect(head.headers["Connection"] == ["close"])
    }

    // MARK: Order

    @Test("no answer overtakes that of an earlier request that went on")
    func orderBehindOthers() async throws {
        defer { routes.shutDown() }
        try await ask("/-/healthy")
        try await ask()
        #expect(try await passedOn().count == 4)
        for _ in 0..<2 { try await answerFromBehind() }
        try await ask()
        #expect(try await answer().head.status == .ok)
    }

    @Test("requests that come while a query is worked on wait for it, in their order")
    func order() async throws {
        defer { routes.shutDown() }
        remember("vector(7)")
        try await ask("/api/v1/query?query=count(up)&time=1700000600")
        try await ask("/api/v1/query?query=vector(7)&time=1700000600")
        try await ask("/api/v1/query?query=vector(8)&time=1700000600")
        try await ask("/-/healthy")
        try await onLoop { $0.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        #expect(try await passedOn().isEmpty)
        #expect(try await channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
        source.open()
        for value in [2, 7, 8] {
            #expect(String(buffer: try await answer().body).contains(Self.text(value)))
        }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/-/healthy")
        let healthy = try await channel.waitForInboundWrite(as: HTTPServerRequestPart.self)
        #expect(healthy == .head(head))
        try await onLoop { _ in }
        #expect(recorder.seen == ["request", "quiesce"])
    }

    @Test("a connection that brings too much meanwhile is closed")
    func tooMuch() async throws {
        defer { routes.shutDown() }
        defer { source.open() }
        try await ask("/api/v1/query?query=count(up)&time=1700000600")
        for _ in 0..<DirectQueries.waitingCountMax / 2 { try await ask() }
        #expect(recorder.seen.isEmpty)
        try? await ask()
        #expect(recorder.seen == ["close all"])
        try await channel.closeFuture.get()
    }

    @Test("nothing is read while a query is worked on, except that the client left")
    func reads() async throws {
        defer { routes.shutDown() }
        try await ask("/api/v1/query?query=count(up)&time=1700000600")
        try await onLoop { $0.read() }
        #expect(recorder.seen.isEmpty)
        source.open()
        _ = try await answer()
        try await onLoop { _ in }
        #expect(recorder.seen == ["read"])
        try await onLoop { $0.read() }
        #expect(recorder.seen == ["read", "read"])
    }

    // MARK: Leaving

    /// Does `body` while a query is worked on, which lets nothing through.
    ///
    /// - Returns: the answer's text.
    private func answer(
        meanwhile body: @escaping @Sendable (NIOAsyncTestingChannel) throws -> Void
    ) async throws -> String {
        try await ask("/api/v1/query?query=count(up)&time=1700000600")
        try await onLoop(body)
        #expect(recorder.seen.isEmpty)
        source.open()
        let text = String(buffer: try await answer().body)
        try await onLoop { _ in }
        return text
    }

    @Test("the end of the client's input cancels its query, and goes on behind the answer")
    func inputClosed() async throws {
        defer { routes.shutDown() }
        let text = try await answer {
            $0.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        #expect(text.contains("canceled"))
        #expect(recorder.seen == ["inputClosed"])
    }

    @Test("a server that stops cancels the query, and closes behind the answer")
    func stop() async throws {
        defer { routes.shutDown() }
        let text = try await answer { [disconnects] in
            $0.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            $0.close(mode: .output, promise: nil)
            disconnects.cancelAll()
        }
        #expect(text.contains("canceled"))
        #expect(recorder.seen == ["quiesce", "close output"])
    }

    @Test("what the parser says of a later request comes behind the answer")
    func parserError() async throws {
        defer { routes.shutDown() }
        let text = try await answer {
            $0.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        }
        #expect(text.contains(Self.text(2)))
        #expect(recorder.seen == ["error"])
    }

    @Test("a connection that is gone ends its query, and its answer goes nowhere")
    func gone() async throws {
        defer { routes.shutDown() }
        /// For at most ten seconds: the query lasts thirty.
        func wait(forRunning count: Int) async throws {
            for _ in 0..<10_000 where routes.queryLoad.running != count {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(routes.queryLoad.running == count)
        }
        try await ask("/api/v1/query?query=sum(slow)&time=1700000600")
        try await wait(forRunning: 1)
        try await channel.close()
        try await wait(forRunning: 0)
        try await onLoop { _ in }
        #expect(try await channel.readOutbound(as: HTTPServerResponsePart.self) == nil)
    }
}

/// A source that answers once it is opened; for `slow` at once, and slowly.
private final class GatedSource: SelectOnlySource, Sendable {
    private let gate = DispatchSemaphore(value: 0)
    private let source = APIFixture.source

    func open() { gate.signal() }

    func select(
        _ request: SelectRequest, symbols: SymbolTable
    ) throws(SourceError) -> any SeriesSelection {
        if request.matchers.contains(where: { $0.value == "slow" }) {
            return try SlowSource().select(request, symbols: symbols)
        }
        gate.wait()
        gate.signal()
        return try source.select(request, symbols: symbols)
    }
}

/// What happens around the handler, in order.
private final class Recorder: Sendable {
    private let names = Mutex<[String]>([])

    var seen: [String] { names.withLock { $0 } }

    fileprivate func add(_ name: String) { names.withLock { $0.append(name) } }

    /// Before the handler: what it lets out.
    final class Front: ChannelOutboundHandler {
        typealias OutboundIn = Any

        let recorder: Recorder

        init(_ recorder: Recorder) { self.recorder = recorder }

        func read(context: ChannelHandlerContext) {
            recorder.add("read")
            context.read()
        }

        func close(
            context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
        ) {
            recorder.add("close \(mode)")
            context.close(mode: mode, promise: promise)
        }
    }

    /// Behind the handler: what it lets in.
    final class Back: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        let recorder: Recorder

        init(_ recorder: Recorder) { self.recorder = recorder }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .head = Self.unwrapInboundIn(data) { recorder.add("request") }
            context.fireChannelRead(data)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            recorder.add(event is ChannelShouldQuiesceEvent ? "quiesce" : "\(event)")
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            recorder.add("error")
        }
    }
}

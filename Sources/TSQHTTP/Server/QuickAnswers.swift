import NIOCore
import NIOHTTP1
import TSQBase

/// Answers queries that were small the last time (`SmallQueries`) as soon as they have been read:
/// what the web server does around a request takes longer than they do. Everything else goes on to
/// the web server, untouched.
///
/// Stands right behind the parser. One for each connection.
final class QuickAnswers: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let routes: APIRoutes
    /// A request of which nothing but the head has come.
    private var held: HTTPRequestHead?
    /// Requests that went on and have no answer yet: answers keep the order of the requests.
    private var unanswered = 0
    private var address: String?
    private var date: (second: Int64, text: String) = (.min, "")

    init(_ routes: APIRoutes) { self.routes = routes }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head) where unanswered == 0 && Self.mayBeQuick(head):
            held = head
            return
        case .head: unanswered += 1
        case .body: passHeld(context)
        case .end:
            if let head = held, answer(head, context) {
                held = nil
                return
            }
            passHeld(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    private func passHeld(_ context: ChannelHandlerContext) {
        guard let head = held else { return }
        held = nil
        unanswered += 1
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
    }

    private static func mayBeQuick(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.version == .http1_1 && head.uri.hasPrefix("/api/v1/query")
            && head.isKeepAlive
    }

    /// False where it is the web server's.
    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Bool {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? String(parts[1]) : ""
        let headers = head.headers
        let request = APIRequest(
            method: "GET", path: String(parts[0]), query: query,
            form: FormParameters(query: query), accept: headers.first(name: "Accept"),
            origin: headers.first(name: "Origin"),
            client: client(headers, context))
        guard let response = routes.respondAtOnce(to: request),
            case .bytes(var body) = response.body
        else { return false }
        var fields = HTTPHeaders()
        if let type = response.contentType { fields.add(name: "Content-Type", value: type) }
        for (name, value) in response.headers { fields.add(name: name, value: value) }
        if body.count >= Compression.byteCountMin,
            let compression = Compression.negotiate(
                acceptEncoding: headers.first(name: "Accept-Encoding"))
        {
            let vary = fields["Vary"] + ["Accept-Encoding"]
            fields.replaceOrAdd(name: "Vary", value: vary.joined(separator: ", "))
            // At most `SmallQueries.answerByteCountMax`.
            if let compressed = compression.compress(body) {
                body = compressed
                fields.add(name: "Content-Encoding", value: compression.rawValue)
            }
        }
        fields.add(name: "Content-Length", value: String(body.count))
        fields.add(name: "Date", value: dateText())
        let status = HTTPResponseStatus(statusCode: response.status)
        let answer = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        context.write(Self.wrapOutboundOut(.head(answer)), promise: nil)
        context.write(
            Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        return true
    }

    /// As the web server's requests say it: both take turns together.
    private func client(_ headers: HTTPHeaders, _ context: ChannelHandlerContext) -> String {
        let address = self.address ?? context.channel.remoteAddress?.ipAddress ?? ""
        self.address = address
        return APIServer.client(
            address: address, dashboard: headers.first(name: APIServer.dashboardHeader))
    }

    private func dateText() -> String {
        let nowMs = routes.context.clock.nowMs()
        if nowMs / 1000 != date.second { date = (nowMs / 1000, HTTPDate.format(ms: nowMs)) }
        return date.text
    }
}

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import TSQBase

/// Answers queries right behind the HTTP parser: what the web server does around a request takes
/// longer than a small query, and a twentieth of what one of some milliseconds does. Everything else
/// goes on to the web server, untouched.
///
/// Requests of a connection are answered one after another, in their order. While a query is worked
/// on, nothing more is read, and what would end the connection's input or output waits.
///
/// One for each connection; on its event loop.
final class DirectQueries: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Parts of later requests that came along with the one that is worked on: a connection that
    /// brings more is closed.
    static let waitingCountMax = 10_000

    private enum State {
        case idle
        case reading(DirectRequest)
        /// `number` tells this query from those before.
        case answering(number: UInt64)
        case closed
    }

    private enum Signal {
        case event(Any)
        case error(any Error)
    }

    private let routes: APIRoutes
    private let disconnects: Disconnects
    private var state = State.idle
    /// Requests that went on and have no answer yet: answers keep the order of the requests.
    private var unanswered = 0
    private var queryCount: UInt64 = 0
    private var presence: ClientPresence?
    private var ticket: Disconnects.Ticket?
    private var address: String?
    private var dates = DateHeader()

    /// What waits for the query's end.
    private var waiting: [HTTPServerRequestPart] = []
    private var isReadingWaiting = false
    private var waitingSignals: [Signal] = []
    private var waitsForRead = false
    private var waitsForClose = false
    private var waitingClose: EventLoopPromise<Void>?

    init(_ routes: APIRoutes, _ disconnects: Disconnects) {
        self.routes = routes
        self.disconnects = disconnects
    }

    private var isAnswering: Bool {
        if case .answering = state { true } else { false }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        if !isAnswering { return read(part, context) }
        waiting.append(part)
        if waiting.count > Self.waitingCountMax { context.close(promise: nil) }
    }

    private func read(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
        case (.head(let head), .idle):
            if unanswered == 0, let request = DirectRequest(head) {
                state = .reading(request)
                return
            }
            unanswered += 1
            context.fireChannelRead(Self.wrapInboundOut(.head(Self.saysClose(head))))
            return
        case (.body(let bytes), .reading(var request)):
            state = .idle
            if request.append(bytes) {
                state = .reading(request)
                return
            }
            passOn(request, context)
        case (.end, .reading(let request)):
            if start(request, context) { return }
            passOn(request, context)
        default: break
        }
        context.fireChannelRead(Self.wrapInboundOut(part))
    }

    /// A client of HTTP/1.0 waits for the end of the connection unless it says otherwise; the web
    /// server only looks for what it says.
    private static func saysClose(_ head: HTTPRequestHead) -> HTTPRequestHead {
        if head.version != .http1_0 || head.isKeepAlive { return head }
        var head = head
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        return head
    }

    /// What was read of a request that is the web server's after all.
    private func passOn(_ request: DirectRequest, _ context: ChannelHandlerContext) {
        state = .idle
        stopWatching()
        unanswered += 1
        for part in request.parts { context.fireChannelRead(Self.wrapInboundOut(part)) }
    }

    /// False where it is the web server's.
    private func start(_ request: DirectRequest, _ context: ChannelHandlerContext) -> Bool {
        queryCount += 1
        let (number, presence) = (queryCount, ClientPresence())
        state = .answering(number: number)
        self.presence = presence
        ticket = disconnects.watch(context.channel, presence)
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        let (loop, acceptEncoding) = (context.eventLoop, request.acceptEncoding)
        return routes.startQuery(
            request.apiRequest(from: remoteAddress(context), presence)
        ) { answer in
            // Here it is on the thread that evaluated the query.
            var answer = answer
            let compression = answer.compress(acceptEncoding: acceptEncoding)
            if loop.inEventLoop {
                bound.value.handler.send(answer, compression, number, bound.value.context)
            } else {
                loop.execute { [answer] in
                    bound.value.handler.send(answer, compression, number, bound.value.context)
                }
            }
        }
    }

    private func remoteAddress(_ context: ChannelHandlerContext) -> String {
        let address = self.address ?? context.channel.remoteAddress?.ipAddress ?? ""
        self.address = address
        return address
    }

    // MARK: Answers

    private func send(
        _ answer: APIResponse, _ compression: Compression?, _ number: UInt64,
        _ context: ChannelHandlerContext
    ) {
        guard case .answering(number: number) = state else { return }
        var fields = HTTPHeaders()
        if let type = answer.contentType { fields.add(name: "Content-Type", value: type) }
        for (name, value) in answer.headers { fields.add(name: name, value: value) }
        if let count = answer.byteCount { fields.add(name: "Content-Length", value: String(count)) }
        fields.add(name: "Date", value: dates.text(atMs: routes.context.clock.nowMs()))
        let head = HTTPResponseHead(
            version: .http1_1, status: APIServer.status(answer.status), headers: fields)
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        switch answer.body {
        case .bytes(let bytes):
            let body = ByteBuffer(bytes: bytes)
            context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
            end(context)
        case .pieces(let pieces):
            let stream = AnswerStream(
                pieces: pieces, compression: compression, pool: routes.answerPool,
                channel: context.channel)
            send(stream, number, context)
        }
    }

    private func send(
        _ stream: AnswerStream, _ number: UInt64, _ context: ChannelHandlerContext
    ) {
        let loop = context.eventLoop
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        Task(executorPreference: LoopExecutor(loop)) {
            var writer: any ResponseBodyWriter = DirectBodyWriter(
                context: NIOLoopBound(bound.value.context, eventLoop: loop), loop: loop)
            do {
                try await stream.write(to: &writer)
            } catch {
                // Too late for another status: an answer without an end says that it is broken.
                bound.value.context.close(promise: nil)
            }
            bound.value.handler.ended(number, bound.value.context)
        }
    }

    private func ended(_ number: UInt64, _ context: ChannelHandlerContext) {
        if case .answering(number: number) = state { end(context) }
    }

    /// The query is answered: what waited goes on.
    private func end(_ context: ChannelHandlerContext) {
        state = .idle
        stopWatching()
        // One of those that waited was answered at once: others may wait behind it.
        if isReadingWaiting { return }
        readWaiting(context)
        if isAnswering { return }
        passOnSignals(context)
        if waitsForRead {
            waitsForRead = false
            context.read()
        }
        if waitsForClose {
            waitsForClose = false
            context.close(mode: .output, promise: waitingClose)
            waitingClose = nil
        }
    }

    private func passOnSignals(_ context: ChannelHandlerContext) {
        let signals = waitingSignals
        waitingSignals = []
        for signal in signals {
            switch signal {
            case .event(let event): context.fireUserInboundEventTriggered(event)
            case .error(let error): context.fireErrorCaught(error)
            }
        }
    }

    private func stopWatching() {
        if let ticket { disconnects.end(ticket) }
        (ticket, presence) = (nil, nil)
    }

    /// Requests that came along, up to the next one that takes its time.
    private func readWaiting(_ context: ChannelHandlerContext) {
        if waiting.isEmpty { return }
        isReadingWaiting = true
        defer { isReadingWaiting = false }
        let parts = waiting
        waiting = []
        for (index, part) in parts.enumerated() {
            if isAnswering {
                waiting = Array(parts[index...])
                break
            }
            read(part, context)
        }
        context.fireChannelReadComplete()
    }

    // MARK: The connection

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = Self.unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    func read(context: ChannelHandlerContext) {
        if isAnswering {
            waitsForRead = true
        } else {
            context.read()
        }
    }

    func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        guard isAnswering, mode == .output else {
            return context.close(mode: mode, promise: promise)
        }
        waitsForClose = true
        waitingClose.setOrCascade(to: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as ChannelEvent where event == .inputClosed && isAnswering:
            // As in Go's server: nobody waits for the answer.
            presence?.leave()
            waitingSignals.append(.event(event))
        case let event as ChannelShouldQuiesceEvent where isAnswering:
            waitingSignals.append(.event(event))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The parser's about a later request, which is not that of this answer.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isAnswering {
            waitingSignals.append(.error(error))
        } else {
            context.fireErrorCaught(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        presence?.leave()
        stopWatching()
        state = .closed
        waiting = []
        waitingSignals = []
        waitingClose?.fail(ChannelError.alreadyClosed)
        waitingClose = nil
        context.fireChannelInactive()
    }
}

/// The body of an answer that goes out in pieces.
private struct DirectBodyWriter: ResponseBodyWriter {
    let context: NIOLoopBound<ChannelHandlerContext>
    let loop: any EventLoop

    /// Returns when the socket took it.
    mutating func write(_ buffer: ByteBuffer) async throws {
        try await send(.body(.byteBuffer(buffer)))
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await send(.end(nil))
    }

    private func send(_ part: HTTPServerResponsePart) async throws {
        try await loop.flatSubmit { [context, loop] in
            let promise = loop.makePromise(of: Void.self)
            context.value.writeAndFlush(DirectQueries.wrapOutboundOut(part), promise: promise)
            return promise.futureResult
        }.get()
    }
}

import NIOCore
import NIOHTTP1
import NIOPosix
import TSQBase

/// A connection to one target that is kept from scrape to scrape, used on one loop only.
///
/// It speaks plain HTTP/1.1 (NIO's codec) and reads the body into the loop's own buffer. What it does
/// not know (redirects, other encodings) it says so, and the caller fetches the page in the long way.
package final class PageConnection: @unchecked Sendable {
    // Safe to send because: everything below is touched on `loop` only.

    package enum Outcome {
        case response(FetchResponse)
        case failure(FetchError)
        /// The target needs a client that knows more.
        case unsuited
    }

    package let loop: PageLoop
    private let address: PageAddress
    private let makeRequest: () throws(FetchError) -> PageRequest
    private var channel: (any Channel)?
    private var sender: RequestSender?
    private var exchange: Exchange?
    /// Counts exchanges and connections, so that what comes late from an older one is told apart.
    private var number: UInt64 = 0

    /// A request that is under way.
    private struct Exchange {
        let request: PageRequest
        /// What has come of the response.
        var head: HTTPResponseHead?
        var body: [UInt8]
        let bodyBytesMax: Int
        let deadline: NIODeadline
        /// The connection was used before: the server may have closed it meanwhile.
        var isOnUsed: Bool
        var timeout: Scheduled<Void>?
        let done: (Outcome) -> Void

        /// Appends a piece of the body; false when it becomes longer than allowed.
        mutating func take(_ piece: ByteBuffer) -> Bool {
            if piece.readableBytes > bodyBytesMax - body.count { return false }
            piece.withUnsafeReadableBytes { body.append(contentsOf: $0) }
            return true
        }

        mutating func swapBody(_ other: inout [UInt8]) { swap(&body, &other) }
    }

    init(
        _ loop: PageLoop, _ address: PageAddress,
        makeRequest: @escaping () throws(FetchError) -> PageRequest
    ) {
        self.loop = loop
        self.address = address
        self.makeRequest = makeRequest
    }

    /// Fetches the page; calls `done` exactly once, on the loop. One fetch at a time; on the loop.
    package func fetch(
        timeoutMs: Int64, bodyBytesMax limit: Int?, _ done: @escaping (Outcome) -> Void
    ) {
        precondition(exchange == nil, "BUG: two fetches on one connection")
        let request: PageRequest
        do throws(FetchError) {
            request = try makeRequest()
        } catch {
            return done(.failure(error))
        }
        let bodyBytesMax = limit ?? HTTPFetcher.bodyBytesMaxDefault
        let deadline = NIODeadline.now() + .milliseconds(timeoutMs)
        let timeout = loop.loop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            finish(.failure(.timeout), keep: false)
        }
        exchange = Exchange(
            request: request, body: loop.takeBuffer(), bodyBytesMax: bodyBytesMax,
            deadline: deadline, isOnUsed: channel != nil, timeout: timeout, done: done)
        if let channel { send(on: channel) } else { connect() }
    }

    /// The page has been read: its buffer serves the next one.
    package func recycle(_ response: consuming FetchResponse) {
        loop.putBuffer(response.body)
    }

    /// Ends the fetch under way, if any, and the connection. On the loop.
    package func close() {
        finish(.failure(.connection("context canceled")), keep: false)
        drop()
    }

    private func connect() {
        number += 1
        let mine = number
        let handler = PageHandler(self, mine)
        let sender = RequestSender()
        let left = (exchange?.deadline ?? .now()) - .now()
        let connecting = ClientBootstrap(group: loop.loop)
            .connectTimeout(max(left, .milliseconds(1)))
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 15)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // As `addHTTPClientHandlers`, without the encoder: the bytes are always the same.
                    try channel.pipeline.syncOperations.addHandlers([
                        sender,
                        ByteToMessageHandler(
                            HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)),
                        handler,
                    ])
                }
            }
            .connect(host: address.host, port: address.port)
        connecting.assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let channel):
                guard mine == number, exchange != nil else {
                    channel.close(promise: nil)
                    return
                }
                self.channel = channel
                self.sender = sender
                send(on: channel)
            case .failure(let error):
                if mine == number { fail(error) }
            }
        }
    }

    private func send(on channel: any Channel) {
        guard let exchange, let sender else { return }
        let mine = number
        sender.bytes = exchange.request.bytes
        let part = HTTPClientRequestPart.head(exchange.request.head)
        if exchange.isOnUsed {
            // Where it fails the connection ends, and the request is made anew on another.
            channel.pipeline.syncOperations.writeAndFlush(NIOAny(part), promise: nil)
        } else {
            channel.writeAndFlush(part).assumeIsolated()
                .whenFailure { [self] error in failed(error, mine) }
        }
    }

    private func fail(_ error: any Error) {
        let limit = exchange?.bodyBytesMax ?? 0
        finish(
            .failure(HTTPFetcher.failure(error, limit: limit, url: address.url)), keep: false)
    }

    private func drop() {
        number += 1
        channel?.close(promise: nil)
        channel = nil
        sender = nil
    }

    private func finish(_ outcome: Outcome, keep: Bool) {
        guard let exchange else { return }
        self.exchange = nil
        exchange.timeout?.cancel()
        if !keep { drop() }
        if case .response = outcome {} else { loop.putBuffer(exchange.body) }
        exchange.done(outcome)
    }

    // MARK: What the channel says

    fileprivate func received(_ part: HTTPClientResponsePart, _ from: UInt64) {
        guard from == number else { return }
        switch part {
        case .head(let head):
            guard let limit = exchange?.bodyBytesMax else { return drop() }
            exchange?.head = head
            if let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }) {
                if length > limit { return refuseLength(limit) }
                exchange?.body.reserveCapacity(length)
            }
        case .body(let piece):
            if let limit = exchange?.bodyBytesMax, exchange?.take(piece) == false {
                refuseLength(limit)
            }
        case .end: complete()
        }
    }

    private func refuseLength(_ limit: Int) {
        finish(.failure(.bodyTooLarge(limit: limit)), keep: false)
    }

    fileprivate func ended(_ from: UInt64) {
        guard from == number else { return }
        channel = nil
        sender = nil
        number += 1
        guard var current = exchange else { return }
        if current.isOnUsed, current.head == nil {
            // The server closed an idle connection just when it was used again.
            current.isOnUsed = false
            exchange = current
            return connect()
        }
        finish(.failure(.connection(HTTPFetcher.closedText)), keep: false)
    }

    fileprivate func failed(_ error: any Error, _ from: UInt64) {
        guard from == number else { return }
        switch error {
        case HTTPParserError.invalidEOFState: ended(from)
        // Not HTTP/1.1 as it should be: the other client says what is wrong.
        case is HTTPParserError, is NIOHTTPDecoderError: finish(.unsuited, keep: false)
        default:
            if let exchange, exchange.isOnUsed, exchange.head == nil { return ended(from) }
            fail(error)
        }
        if from == number { drop() }
    }

    private func complete() {
        guard let head = exchange?.head else { return }
        let status = Int(head.status.code)
        if (300..<400).contains(status) { return finish(.unsuited, keep: false) }
        switch head.headers.first(name: "Content-Encoding")?.lowercased() ?? "" {
        case "", "identity": break
        case "gzip", "x-gzip":
            var unpacked = loop.takeBuffer()
            do throws(Inflate.Failure) {
                try Inflate.gzip(
                    exchange?.body ?? [], into: &unpacked,
                    bodyBytesMax: exchange?.bodyBytesMax ?? 0)
            } catch {
                loop.putBuffer(unpacked)
                let limit = exchange?.bodyBytesMax ?? 0
                return finish(
                    .failure(
                        error == .tooLarge
                            ? .bodyTooLarge(limit: limit)
                            : .connection("response body cannot be decompressed: gzip")),
                    keep: false)
            }
            exchange?.swapBody(&unpacked)
            loop.putBuffer(unpacked)
        default: return finish(.unsuited, keep: false)
        }
        var body: [UInt8] = []
        exchange?.swapBody(&body)
        finish(
            .response(
                FetchResponse(
                    status: status, contentType: head.headers.first(name: "Content-Type") ?? "",
                    body: body)),
            keep: head.isKeepAlive)
    }
}

/// Writes requests whose bytes are known. The decoder of responses must see their heads as well.
private final class RequestSender: ChannelOutboundHandler, @unchecked Sendable {
    // Safe to send because: it is made for one loop and used there only.
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    var bytes = ByteBuffer()

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(Self.wrapOutboundOut(bytes), promise: promise)
    }
}

/// Hands on what a channel reads.
private final class PageHandler: ChannelInboundHandler, @unchecked Sendable {
    // Safe to send because: it is made for one loop and used there only.
    typealias InboundIn = HTTPClientResponsePart

    private weak var connection: PageConnection?
    private let number: UInt64

    init(_ connection: PageConnection, _ number: UInt64) {
        self.connection = connection
        self.number = number
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection?.received(Self.unwrapInboundIn(data), number)
    }

    func channelInactive(context: ChannelHandlerContext) { connection?.ended(number) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection?.failed(error, number)
        context.close(promise: nil)
    }
}

import NIOCore
import NIOPosix
import TSQBase

/// A connection to one target that is kept from scrape to scrape, used on one loop only.
///
/// It speaks plain HTTP/1.1 and reads the body into the loop's own buffer. What it does not know
/// (redirects, other encodings) it says so, and the caller fetches the page in the long way.
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
    private let makeRequest: () throws(FetchError) -> [UInt8]?
    private var channel: (any Channel)?
    private var exchange: Exchange?
    /// Counts exchanges and connections, so that what comes late from an older one is told apart.
    private var number: UInt64 = 0

    /// A request that is under way.
    private struct Exchange {
        var request: [UInt8]
        var parser: ResponseParser
        var body: [UInt8]
        let bodyBytesMax: Int
        let deadline: NIODeadline
        /// The connection was used before: the server may have closed it meanwhile.
        var isOnUsed: Bool
        var timeout: Scheduled<Void>?
        let done: (Outcome) -> Void

        mutating func take(
            _ bytes: UnsafeRawBufferPointer
        ) throws(ResponseParser.Failure) -> Bool {
            try parser.feed(bytes, into: &body)
        }

        mutating func swapBody(_ other: inout [UInt8]) { swap(&body, &other) }
    }

    init(
        _ loop: PageLoop, _ address: PageAddress,
        makeRequest: @escaping () throws(FetchError) -> [UInt8]?
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
        let request: [UInt8]
        do throws(FetchError) {
            guard let made = try makeRequest() else { return done(.unsuited) }
            request = made
        } catch {
            return done(.failure(error))
        }
        let bodyBytesMax = limit ?? HTTPFetcher.bodyBytesMaxDefault
        let deadline = NIODeadline.now() + .milliseconds(timeoutMs)
        let timeout = loop.loop.assumeIsolated().scheduleTask(deadline: deadline) { [self] in
            finish(.failure(.timeout), keep: false)
        }
        exchange = Exchange(
            request: request, parser: ResponseParser(bodyBytesMax: bodyBytesMax),
            body: loop.takeBuffer(), bodyBytesMax: bodyBytesMax, deadline: deadline,
            isOnUsed: channel != nil, timeout: timeout, done: done)
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
        let left = (exchange?.deadline ?? .now()) - .now()
        let connecting = ClientBootstrap(group: loop.loop)
            .connectTimeout(max(left, .milliseconds(1)))
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 15)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler)
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
                send(on: channel)
            case .failure(let error):
                if mine == number { fail(error) }
            }
        }
    }

    private func send(on channel: any Channel) {
        guard let exchange else { return }
        channel.writeAndFlush(channel.allocator.buffer(bytes: exchange.request), promise: nil)
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

    fileprivate func received(_ bytes: UnsafeRawBufferPointer, _ from: UInt64) {
        guard from == number else { return }
        // Bytes that nobody asked for.
        if exchange == nil { return drop() }
        do throws(ResponseParser.Failure) {
            let isComplete = try exchange?.take(bytes) ?? false
            if isComplete { complete() }
        } catch {
            refuse(error)
        }
    }

    fileprivate func ended(_ from: UInt64) {
        guard from == number else { return }
        channel = nil
        number += 1
        guard var current = exchange else { return }
        if current.isOnUsed, !current.parser.hasBegun {
            // The server closed an idle connection just when it was used again.
            current.isOnUsed = false
            exchange = current
            return connect()
        }
        do throws(ResponseParser.Failure) {
            try exchange?.parser.end()
            complete()
        } catch {
            refuse(error)
        }
    }

    fileprivate func failed(_ error: any Error, _ from: UInt64) {
        guard from == number else { return }
        if let exchange, exchange.isOnUsed, !exchange.parser.hasBegun { return ended(from) }
        fail(error)
        drop()
    }

    private func refuse(_ failure: ResponseParser.Failure) {
        switch failure {
        case .unsuited: finish(.unsuited, keep: false)
        case .ended: finish(.failure(.connection(HTTPFetcher.closedText)), keep: false)
        case .bodyTooLarge:
            let limit = exchange?.bodyBytesMax ?? 0
            finish(.failure(.bodyTooLarge(limit: limit)), keep: false)
        }
    }

    private func complete() {
        guard let parser = exchange?.parser else { return }
        if (300..<400).contains(parser.status) { return finish(.unsuited, keep: false) }
        switch parser.contentEncoding {
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
                    status: parser.status, contentType: parser.contentType, body: body)),
            keep: parser.isReusable)
    }
}

/// Hands on what a channel reads.
private final class PageHandler: ChannelInboundHandler, @unchecked Sendable {
    // Safe to send because: it is made for one loop and used there only.
    typealias InboundIn = ByteBuffer

    private weak var connection: PageConnection?
    private let number: UInt64

    init(_ connection: PageConnection, _ number: UInt64) {
        self.connection = connection
        self.number = number
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = Self.unwrapInboundIn(data)
        buffer.withUnsafeReadableBytes { connection?.received($0, number) }
    }

    func channelInactive(context: ChannelHandlerContext) { connection?.ended(number) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection?.failed(error, number)
        context.close(promise: nil)
    }
}

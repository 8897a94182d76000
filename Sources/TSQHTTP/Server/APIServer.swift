import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import TSQEngine

/// The web server around the routes.
package struct APIServer: Sendable {
    /// A form body larger than this is refused, as Go's form parser refuses it.
    static let formByteCountMax = 10 << 20
    /// A dashboard's name is cut off here: it becomes a key.
    static let dashboardByteCountMax = 64
    /// `--web.max-connections`
    package static let connectionCountMax = 512

    /// Grafana says which dashboard it asks for.
    static let dashboardHeader = "X-Dashboard-Uid"

    package let routes: APIRoutes
    private let disconnects = Disconnects()

    package init(_ routes: APIRoutes) { self.routes = routes }

    /// Tells what is being answered that nobody waits, so that a stop does not wait for long queries.
    package func cancelRunning() { disconnects.cancelAll() }

    /// Address and dashboard: Grafana asks for all of its users from one address.
    static func client(address: String, dashboard: String?) -> String {
        guard let dashboard else { return address }
        return address + " " + dashboard.prefix(dashboardByteCountMax)
    }

    /// A web application to run as a service. It answers until its task is cancelled or its service
    /// group shuts down.
    ///
    /// - Parameter onRunning: called with the port that is listened on.
    package func application(
        host: String, port: Int, logger: Logger,
        onRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        Application(
            responder: APIResponder(routes: routes, disconnects: disconnects),
            server: HTTPServerBuilder { responder in
                LoopBoundChannel(
                    routes: routes,
                    http1: HTTP1Channel(
                        responder: responder,
                        configuration: HTTP1Channel.Configuration(
                            additionalChannelHandlers: [DisconnectHandler(disconnects)])))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    Self.connectionCountMax)),
            onServerRunning: { await onRunning($0.localAddress?.port ?? port) },
            logger: logger)
    }
}

/// What a request brings along: the connection, to notice that the client went away.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Between the web server's types and the routes'.
struct APIResponder: HTTPResponder {
    let routes: APIRoutes
    let disconnects: Disconnects

    func respond(to request: Request, context: APIRequestContext) async throws -> Response {
        let presence = ClientPresence()
        let ticket = disconnects.watch(context.channel, presence)
        defer { disconnects.end(ticket) }
        let query = request.uri.query ?? ""
        var apiRequest = APIRequest(
            method: request.method.rawValue, path: request.uri.path, query: query,
            form: FormParameters(query: query), accept: request.headers[.accept],
            origin: request.headers[.origin], client: Self.client(request, context.channel),
            presence: presence)
        if routes.takesBody(apiRequest) {
            apiRequest.contentType = request.headers[.contentType]
            apiRequest.upload = Upload(
                request.body, contentEncoding: request.headers[.contentEncoding])
        } else if Self.hasForm(request) {
            guard let buffer = try? await request.body.collect(upTo: APIServer.formByteCountMax)
            else { return Response(status: .contentTooLarge) }
            apiRequest.form = FormParameters(query: query, body: Array(buffer.readableBytesView))
        }
        let answer = await routes.respond(to: apiRequest)
        return await response(answer, to: request, context.channel)
    }

    private static func client(_ request: Request, _ channel: any Channel) -> String {
        APIServer.client(
            address: channel.remoteAddress?.ipAddress ?? "",
            dashboard: dashboardField.flatMap { request.headers[$0] })
    }

    private static let dashboardField = HTTPField.Name(APIServer.dashboardHeader)

    private static func hasForm(_ request: Request) -> Bool {
        guard request.method == .post || request.method == .put else { return false }
        return request.headers[.contentType]?.lowercased()
            .hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    private func response(
        _ answer: APIResponse, to request: Request, _ channel: any Channel
    ) async -> Response {
        var headers = HTTPFields()
        if let type = answer.contentType { headers[.contentType] = type }
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) {
                headers.append(HTTPField(name: name, value: value))
            }
        }
        let status = HTTPResponse.Status(
            code: answer.status, reasonPhrase: Self.reason(answer.status))
        func compression() -> Compression? {
            Compression.negotiate(acceptEncoding: request.headers[.acceptEncoding])
        }
        switch answer.body {
        case .bytes(var body):
            if body.count >= Compression.byteCountMin, let compression = compression() {
                Self.addVary(&headers)
                // Large bodies take milliseconds: not on an event loop.
                let plain = body
                if let compressed = try? await routes.lookupPool.run({
                    compression.compress(plain)
                }) {
                    body = compressed
                    headers[.contentEncoding] = compression.rawValue
                }
            }
            if request.method == .head {
                headers[.contentLength] = String(body.count)
                return Response(status: status, headers: headers)
            }
            return Response(
                status: status, headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        case .pieces(let pieces):
            let compression = compression()
            if let compression {
                Self.addVary(&headers)
                headers[.contentEncoding] = compression.rawValue
            }
            let stream = AnswerStream(
                pieces: pieces, compression: compression, pool: routes.answerPool,
                channel: channel)
            return Response(
                status: status, headers: headers,
                body: ResponseBody { writer in try await stream.write(to: &writer) })
        }
    }

    private static func addVary(_ headers: inout HTTPFields) {
        headers[.vary] = headers[.vary].map { $0 + ", Accept-Encoding" } ?? "Accept-Encoding"
    }

    /// Go's names of the statuses that are used.
    private static func reason(_ status: Int) -> String {
        status == 499 ? "Client Closed Request" : HTTPResponse.Status(code: status).reasonPhrase
    }
}

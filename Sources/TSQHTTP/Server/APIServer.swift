import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
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

    static func isForm(contentType: String?) -> Bool {
        contentType?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    /// With Go's names of the statuses that are used.
    static func status(_ code: Int) -> HTTPResponseStatus {
        code == 499
            ? .custom(code: 499, reasonPhrase: "Client Closed Request")
            : HTTPResponseStatus(statusCode: code)
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
                    routes: routes, disconnects: disconnects,
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
        return APIServer.isForm(contentType: request.headers[.contentType])
    }

    private func response(
        _ answer: APIResponse, to request: Request, _ channel: any Channel
    ) async -> Response {
        let (answer, compression) = await compressed(answer, request.headers[.acceptEncoding])
        var headers = HTTPFields()
        if let type = answer.contentType { headers[.contentType] = type }
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) {
                headers.append(HTTPField(name: name, value: value))
            }
        }
        let known = APIServer.status(answer.status)
        let status = HTTPResponse.Status(code: answer.status, reasonPhrase: known.reasonPhrase)
        switch answer.body {
        case .bytes(let body):
            if request.method == .head {
                headers[.contentLength] = String(body.count)
                return Response(status: status, headers: headers)
            }
            return Response(
                status: status, headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        case .pieces(let pieces):
            let stream = AnswerStream(
                pieces: pieces, compression: compression, pool: routes.answerPool,
                channel: channel)
            return Response(
                status: status, headers: headers,
                body: ResponseBody { writer in try await stream.write(to: &writer) })
        }
    }

    private func compressed(
        _ answer: APIResponse, _ acceptEncoding: String?
    ) async -> (APIResponse, Compression?) {
        @Sendable func compress() -> (APIResponse, Compression?) {
            var answer = answer
            let compression = answer.compress(acceptEncoding: acceptEncoding)
            return (answer, compression)
        }
        guard acceptEncoding != nil, let count = answer.byteCount,
            count >= Compression.byteCountMin
        else { return compress() }
        return (try? await routes.lookupPool.run(compress)) ?? (answer, nil)
    }
}

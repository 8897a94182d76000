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
    /// `--web.max-connections`
    static let connectionCountMax = 512

    package let routes: APIRoutes
    private let disconnects = Disconnects()

    package init(_ routes: APIRoutes) { self.routes = routes }

    /// Cancels what is being answered, so that a stop does not wait for long queries.
    package func cancelRunning() { disconnects.cancelAll() }

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
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [DisconnectHandler(disconnects)])),
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
        guard let form = try await Self.form(request) else {
            return Response(status: .contentTooLarge)
        }
        let cancellation = QueryCancellation()
        let apiRequest = APIRequest(
            method: request.method.rawValue, path: request.uri.path,
            query: request.uri.query ?? "", form: form,
            accept: request.headers[.accept], origin: request.headers[.origin],
            cancellation: cancellation)
        let ticket = disconnects.watch(context.channel, cancellation)
        defer { disconnects.end(ticket) }
        let answer = await routes.respond(to: apiRequest)
        return await response(answer, to: request)
    }

    private func response(_ answer: APIResponse, to request: Request) async -> Response {
        var headers = HTTPFields()
        if let type = answer.contentType { headers[.contentType] = type }
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) {
                headers.append(HTTPField(name: name, value: value))
            }
        }
        var body = answer.body
        if body.count >= Compression.byteCountMin,
            let compression = Compression.negotiate(
                acceptEncoding: request.headers[.acceptEncoding])
        {
            headers[.vary] = headers[.vary].map { $0 + ", Accept-Encoding" } ?? "Accept-Encoding"
            // Large bodies take milliseconds: not on an event loop.
            let plain = body
            if let compressed = try? await routes.lookupPool.run({ compression.compress(plain) }) {
                body = compressed
                headers[.contentEncoding] = compression.rawValue
            }
        }
        let status = HTTPResponse.Status(
            code: answer.status, reasonPhrase: Self.reason(answer.status))
        if request.method == .head {
            headers[.contentLength] = String(body.count)
            return Response(status: status, headers: headers)
        }
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// Go's names of the statuses that are used.
    private static func reason(_ status: Int) -> String {
        status == 499 ? "Client Closed Request" : HTTPResponse.Status(code: status).reasonPhrase
    }

    /// nil where the body is too large.
    private static func form(_ request: Request) async throws -> FormParameters? {
        let query = request.uri.query ?? ""
        let isForm =
            request.headers[.contentType]?.lowercased()
            .hasPrefix("application/x-www-form-urlencoded") ?? false
        guard isForm, request.method == .post || request.method == .put else {
            return FormParameters(query: query)
        }
        guard let buffer = try? await request.body.collect(upTo: APIServer.formByteCountMax) else {
            return nil
        }
        return FormParameters(query: query, body: Array(buffer.readableBytesView))
    }
}

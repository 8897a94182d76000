import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTPCompression
import NIOPosix
import NIOSSL
import TSQBase
import TSQConfig

/// A client for all requests of one configuration section: its connections, credentials and TLS.
///
/// Requests run on NIO's event loops and no thread waits for them. Call `shutdown` at the end.
package final class HTTPFetcher: Fetcher {
    /// A decompressed body is never longer, whatever the configuration says.
    package static let bodyBytesMaxDefault = 1 << 30
    /// Redirects followed in one request.
    package static let redirectsMax = 10
    /// As Prometheus: longer than most scrape intervals.
    private static let idleSeconds: Int64 = 300

    private let client: HTTPClient
    private let config: HTTPClientConfig
    private let userAgent: String

    /// - Throws: `ConfigError` when certificates or the proxy's address cannot be read.
    package init(_ config: HTTPClientConfig, userAgent: String) throws(ConfigError) {
        self.config = config
        self.userAgent = userAgent
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration =
            config.followRedirects
            ? .follow(max: Self.redirectsMax, allowCycles: false) : .disallow
        settings.decompression = .enabled(limit: .size(Self.bodyBytesMaxDefault))
        settings.connectionPool.idleTimeout = .seconds(Self.idleSeconds)
        settings.httpVersion = config.enableHTTP2 ? .automatic : .http1Only
        settings.tlsConfiguration = try TLSSettings.make(config.tls)
        if let proxy = config.proxyURL?.revealed, !proxy.isEmpty {
            settings.proxy = try Self.proxy(proxy)
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    /// Ends open connections; requests that are under way fail.
    package func shutdown() async {
        try? await client.shutdown()
    }

    package func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        let deadline = NIODeadline.now() + .milliseconds(request.timeoutMs)
        let prepared = try prepare(request)
        do {
            return try await perform(prepared, request, deadline)
        } catch .connection(let text) where text == Self.closedText && deadline > .now() {
            // The server closed an idle connection just when it was used again: not its failure.
            return try await perform(prepared, request, deadline)
        }
    }

    static let closedText = "EOF"

    private func perform(
        _ prepared: HTTPClient.Request, _ request: FetchRequest, _ deadline: NIODeadline
    ) async throws(FetchError) -> FetchResponse {
        let limit = request.bodyBytesMax ?? Self.bodyBytesMaxDefault
        do {
            let task = client.execute(
                request: prepared,
                delegate: ResponseAccumulator(request: prepared, maxBodySize: limit),
                deadline: deadline)
            let response = try await withTaskCancellationHandler {
                try await task.futureResult.get()
            } onCancel: {
                task.cancel()
            }
            return FetchResponse(
                status: Int(response.status.code),
                contentType: response.headers.first(name: "Content-Type") ?? "",
                body: response.body.map { Array($0.readableBytesView) } ?? [])
        } catch {
            throw Self.failure(error, limit: limit, url: request.url)
        }
    }

    private func prepare(_ request: FetchRequest) throws(FetchError) -> HTTPClient.Request {
        let headers = try headers(request.headers)
        do {
            return try HTTPClient.Request(url: request.url, method: .GET, headers: headers)
        } catch {
            throw .connection("unsupported or invalid URL")
        }
    }

    private func headers(
        _ own: [(name: String, value: String)]
    ) throws(FetchError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.add(name: "User-Agent", value: userAgent)
        for (name, value) in own { headers.replaceOrAdd(name: name, value: value) }
        if let credentials = try Credentials.authorization(config) {
            headers.replaceOrAdd(name: "Authorization", value: credentials)
        }
        for header in config.headers {
            headers.remove(name: header.name)
            for value in header.values + header.secrets.map(\.revealed) {
                headers.add(name: header.name, value: value)
            }
            for file in header.files {
                headers.add(name: header.name, value: try Credentials.read(file))
            }
        }
        return headers
    }

    package func connection(
        url: String, headers own: [(name: String, value: String)], on loop: PageLoop
    ) -> PageConnection? {
        guard config.proxyURL == nil, !config.proxyFromEnvironment, config.oauth2 == nil,
            let address = PageAddress(url)
        else { return nil }
        var known: PageRequest?
        let changes = config.readsFiles
        return PageConnection(loop, address) { [self] () throws(FetchError) in
            if let known { return known }
            let request = try address.request(try headers(own))
            if !changes { known = request }
            return request
        }
    }

    /// The words that Prometheus has for it; nothing of the request but its address is in them.
    static func failure(_ error: any Error, limit: Int, url: String) -> FetchError {
        if let error = error as? FetchError { return error }
        if error is ResponseAccumulator.ResponseTooBigError { return .bodyTooLarge(limit: limit) }
        if let error = error as? HTTPClientError {
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout, .getConnectionFromPoolTimeout:
                return .timeout
            case .remoteConnectionClosed: return .connection(closedText)
            default: return .connection(error.shortDescription)
            }
        }
        if let error = error as? NIOConnectionError { return .connection(describe(error)) }
        if let error = error as? ChannelError, case .connectTimeout = error { return .timeout }
        if error is NIOHTTPDecompression.DecompressionError {
            return .connection("response body cannot be decompressed: \(error)")
        }
        if let error = error as? IOError {
            let isDialing = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT]
                .contains(error.errnoCode)
            let what =
                isDialing ? "dial tcp \(hostPort(url)): connect" : "read tcp \(hostPort(url))"
            return .connection("\(what): \(errnoText(error.errnoCode))")
        }
        if let error = error as? NIOSSLError { return .connection("tls: \(error)") }
        return .connection("\(error)")
    }

    private static func describe(_ error: NIOConnectionError) -> String {
        let hasAddress = error.dnsAError == nil && error.dnsAAAAError == nil
        if !hasAddress && error.connectionErrors.isEmpty {
            return "dial tcp: lookup \(error.host): no such host"
        }
        let reason = error.connectionErrors.first.map { failed -> String in
            if let io = failed.error as? IOError { return Self.errnoText(io.errnoCode) }
            return "\(failed.error)"
        }
        return "dial tcp \(error.host):\(error.port): connect: \(reason ?? "no address")"
    }

    private static func hostPort(_ url: String) -> String {
        guard let parts = URLComponents(string: url), let host = parts.host else { return "" }
        return "\(host):\(parts.port ?? (parts.scheme == "https" ? 443 : 80))"
    }

    private static func errnoText(_ code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection refused"
        case EHOSTUNREACH: "no route to host"
        case ENETUNREACH: "network is unreachable"
        case ECONNRESET: "connection reset by peer"
        case ETIMEDOUT: "connection timed out"
        default: String(cString: strerror(code)).lowercased()
        }
    }

    private static func proxy(_ text: String) throws(ConfigError) -> HTTPClient.Configuration.Proxy
    {
        guard let url = URL(string: text), let host = url.host, url.scheme == "http" else {
            throw ConfigError("proxy_url must be of the form http://host:port")
        }
        guard let user = url.user, let password = url.password else {
            return .server(host: host, port: url.port ?? 80)
        }
        return .server(
            host: host, port: url.port ?? 80,
            authorization: .basic(username: user, password: password))
    }
}

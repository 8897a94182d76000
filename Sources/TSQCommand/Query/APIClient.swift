import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TSQBase

/// Asks a server's HTTP API.
struct APIClient: Sendable {
    /// Without a slash at its end.
    let url: String
    /// Answers larger than this are refused.
    private static let answerByteCountMax = 1 << 30
    /// Longer than a server's own limit of two minutes, so that its error is seen.
    private static let timeoutSeconds: Int64 = 130

    /// Lives as long as the process. A server that is not there is an answer: no second try.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    init(url: String) {
        let withScheme = url.contains("://") ? url : "http://" + url
        self.url = withScheme.hasSuffix("/") ? String(withScheme.dropLast()) : withScheme
    }

    /// The whole answer.
    ///
    /// - Throws: `CommandFailure` with the server's own error text.
    func ask(
        _ path: String, _ parameters: [(String, String)], method: String = "POST"
    ) async throws -> [UInt8] {
        let form = parameters.map { "\(Self.formEscaped($0))=\(Self.formEscaped($1))" }
            .joined(separator: "&")
        var request = HTTPClientRequest(url: "\(url)/api/v1/\(path)")
        if method == "POST" {
            request.method = .POST
            request.headers.add(
                name: "content-type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: form))
        } else {
            request.url += "?" + form
        }
        return try await execute(request)
    }

    /// Sends a body as it is.
    ///
    /// - Throws: `CommandFailure` with the server's own error text.
    func send(_ path: String, _ body: [UInt8], contentType: String) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: "\(url)/api/v1/\(path)")
        request.method = .POST
        request.headers.add(name: "content-type", value: contentType)
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await execute(request)
    }

    private func execute(_ request: HTTPClientRequest) async throws -> [UInt8] {
        do {
            let response = try await Self.client.execute(
                request, timeout: .seconds(Self.timeoutSeconds))
            let buffer = try await response.body.collect(upTo: Self.answerByteCountMax)
            let body = Array(buffer.readableBytesView)
            guard (200..<300).contains(response.status.code) else {
                throw Self.failure(body, status: Int(response.status.code))
            }
            return body
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            let text = "\(error)"
            throw CommandFailure(
                "\(url): " + (text.contains("Connection refused") ? "connection refused" : text))
        }
    }

    private static func failure(_ body: [UInt8], status: Int) -> CommandFailure {
        struct Body: Decodable { let error: String }
        if let parsed = try? JSONDecoder().decode(Body.self, from: Data(body)) {
            return CommandFailure(parsed.error)
        }
        return CommandFailure("the server answered HTTP \(status)")
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw CommandFailure("the server's answer is not the JSON that was expected")
        }
    }

    static func formEscaped(_ text: String) -> String { escaped(text, keeping: "-._~") }

    static func pathEscaped(_ text: String) -> String { escaped(text, keeping: "-._~:") }

    private static func escaped(_ text: String, keeping: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
            let digit = byte >= 0x30 && byte <= 0x39
            if letter || digit || keeping.utf8.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += byte < 16 ? "%0" : "%"
                result += String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}

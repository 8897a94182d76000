import HummingbirdCore
import NIOCore

/// A request's body as it arrives.
package struct Upload: Sendable {
    private let body: RequestBody
    let contentEncoding: String?

    init(_ body: RequestBody, contentEncoding: String?) {
        self.body = body
        self.contentEncoding = contentEncoding
    }

    /// Calls `take` with each piece, one after the other.
    func forEach(_ take: ([UInt8]) async throws -> Void) async throws {
        for try await buffer in body { try await take(Array(buffer.readableBytesView)) }
    }
}

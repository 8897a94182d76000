import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import NIOCore
import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

@testable import TSQHTTP

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Heavy queries over a socket", .serialized)
struct HeavyQueryTests {
    /// Lasts half a minute.
    private static let endless = "sum(slow)"

    private var context: APIContext {
        var context = APIFixture.context()
        context.source = SlowSource()
        return context
    }

    /// Looks every millisecond, for at most ten seconds.
    private func eventually(_ condition: () -> Bool) async throws {
        for _ in 0..<10_000 where !condition() { try await Task.sleep(for: .milliseconds(1)) }
        try #require(condition())
    }

    private func withServer(
        _ context: APIContext = APIFixture.context(),
        _ body: @Sendable (any TestClientProtocol, APIRoutes) async throws -> Void
    ) async throws {
        let routes = try APIRoutes(context)
        defer { routes.shutDown() }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let application = APIServer(routes).application(
            host: "127.0.0.1", port: 0, logger: logger)
        try await application.test(.live) { client in try await body(client, routes) }
    }

    /// Connects, sends a request for `query` and reads nothing.
    private func connect(port: Int, _ query: String) throws -> Int32 {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(fd >= 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0)
        let request = Array(
            "GET /api/v1/query?time=1700000600&query=\(query) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        try #require(write(fd, request, request.count) == request.count)
        return fd
    }

    @Test("a client that disconnects frees its query within 100 ms")
    func disconnect() async throws {
        try await withServer(context) { client, routes in
            let port = try #require(client.port)
            var took: [Duration] = []
            // A busy machine holds up many of them; the query itself would last 30 s.
            for _ in 0..<20 where took.count(where: { $0 < .milliseconds(100) }) < 3 {
                let fd = try connect(port: port, Self.endless)
                try await eventually { routes.queryLoad.running > 0 }
                try await Task.sleep(for: .milliseconds(50))
                #expect(routes.queryLoad.running == 1)
                let started = ContinuousClock.now
                close(fd)
                try await eventually { routes.queryLoad.running == 0 }
                took.append(ContinuousClock.now - started)
            }
            #expect(took.count(where: { $0 < .milliseconds(100) }) == 3, "\(took)")
        }
    }

    @Test("a query that waits is given up when its client leaves, and when its time is over")
    func inQueue() async throws {
        var context = context
        context.options.queryConcurrency = 1
        try await withServer(context) { client, routes in
            let port = try #require(client.port)
            let first = try connect(port: port, Self.endless)
            try await eventually { routes.queryLoad.running > 0 }
            let second = try connect(port: port, "up")
            try await eventually { routes.queryLoad.waiting > 0 }
            close(second)
            try await eventually { routes.queryLoad.waiting == 0 }
            let answer = try await client.execute(
                uri: "/api/v1/query?query=up&timeout=50ms", method: .get)
            #expect(answer.status.code == 503)
            #expect(
                String(buffer: answer.body)
                    == #"{"status":"error","errorType":"timeout","error":"query timed out in query queue"}"#
            )
            close(first)
            try await eventually { routes.queryLoad.running == 0 }
        }
    }

    @Test("a long answer goes out in pieces and is the same, compressed or not")
    func pieces() async throws {
        var columns = SampleColumns()
        for step in 0..<120_000 {
            columns.times.append(1_700_000_000_000 + Int64(step) * 5)
            columns.values.append(Double(step) / 8)
        }
        var context = APIFixture.context()
        context.source = MemorySource([
            (LabelSet(["__name__": "long", "part": "1"]), columns),
            (LabelSet(["__name__": "long", "part": "2"]), columns),
        ])
        try await withServer(context) { client, routes in
            let uri = "/api/v1/query?query=long%5B10m%5D&time=1700000600"
            let plain = try await client.execute(uri: uri, method: .get)
            let body = Array(plain.body.readableBytesView)
            #expect(plain.status == .ok && body.count > 4 << 20)
            struct Answer: Decodable {
                struct Data: Decodable {
                    struct Series: Decodable { var metric: [String: String] }
                    var result: [Series]
                }
                var data: Data
            }
            let answer = try JSONDecoder().decode(Answer.self, from: Data(body))
            #expect(answer.data.result.map { $0.metric["part"] } == ["1", "2"])
            let packed = try await client.execute(
                uri: uri, method: .get, headers: [.acceptEncoding: "gzip"])
            #expect(packed.headers[.contentEncoding] == "gzip")
            let inflater = try #require(StreamInflater())
            var inflated: [UInt8] = []
            try inflater.inflate(Array(packed.body.readableBytesView)) { inflated += $0 }
            #expect(inflated == body && inflater.isComplete)
            // A thread that wrote may let go of the answer a little later than the client has it.
            try await eventually { routes.heldAnswers.byteCount == 0 }
        }
    }

    @Test("a client that reads nothing holds the result, not its text, and leaving frees it")
    func slowReader() async throws {
        var columns = SampleColumns()
        for step in 0..<600_000 {
            columns.times.append(1_700_000_000_001 + Int64(step))
            columns.values.append(Double(step))
        }
        var context = APIFixture.context()
        context.source = MemorySource([(LabelSet(["__name__": "long"]), columns)])
        try await withServer(context) { client, routes in
            let port = try #require(client.port)
            let fd = try connect(port: port, "long%5B10m%5D")
            try await eventually { routes.heldAnswers.byteCount > 0 }
            // The query's thread is free while the client makes up its mind.
            try await eventually { routes.queryLoad.running == 0 }
            try await Task.sleep(for: .milliseconds(100))
            #expect(routes.heldAnswers.byteCount > 9_000_000)
            close(fd)
            try await eventually { routes.heldAnswers.byteCount == 0 }
        }
    }
}

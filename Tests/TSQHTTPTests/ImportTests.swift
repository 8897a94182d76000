import HummingbirdTesting
import HTTPTypes
import NIOCore
import TSQBase
import TSQEngine
import TSQExposition
import TSQModel
import TSQStore
import TSQTesting
import Testing

@testable import TSQHTTP

@Suite("Import")
struct ImportTests {
    private struct StoreClock: WallClock {
        func nowMs() -> TimestampMs { APIFixture.nowMs }
        func monotonicNs() -> UInt64 { SystemClock().monotonicNs() }
    }

    private func context() throws -> APIContext {
        var options = StoreOptions()
        options.runsInBackground = false
        options.retentionMs = .max
        let store = try Store.open(
            directory: "d", options: options, fileSystem: SimFileSystem(seed: 1),
            clock: StoreClock())
        var context = APIFixture.context()
        context.source = store
        context.importer = store
        return context
    }

    private static let openMetrics = "application/openmetrics-text"

    @Test("samples are visible at once, refusals are counted and listed, faults are named")
    func answers() async throws {
        let text = try await APIFixture.withClient(try context()) { client in
            func send(_ body: String, _ type: String, _ query: String = "") -> GoldenRequest {
                GoldenRequest(
                    "/api/v1/import\(query)", method: "POST", body: body,
                    headers: [.contentType: type])
            }
            let page = "# TYPE h histogram\nh_bucket{le=\"1\"} 1 1600000000\n# EOF\n"
            let requests = [
                send(page, Self.openMetrics),
                send("a 1 1600000000000\na 2 1600000001000\n", "text/plain; version=0.0.4"),
                GoldenRequest("/api/v1/query?query=%7B__name__=~%22a%7Ch.*%22%7D&time=1600000001"),
                // Again: nothing changes. Another value: refused, and taken when that is wished.
                send(page, Self.openMetrics),
                send("a 3 1600000001000\n", "text/plain"),
                send("a 3 1600000001000\n", "text/plain", "?overwrite=true"),
                GoldenRequest("/api/v1/query?query=a&time=1600000001"),
                send("a 1 1600000000000\na{b=\"c} 2 1\n", "text/plain"),
                send("a 1\n", "text/plain"),
                send("a 1 1600000000\n", Self.openMetrics),
                send("a 1 99999999999000\n", "text/plain"),
                send("a 1 1\n", "application/x-www-form-urlencoded"),
                send("a 1 1\n", "text/plain", "?overwrite=perhaps"),
                GoldenRequest("/api/v1/import"),
            ]
            var text = ""
            for request in requests { text += try await request.transcript(client) + "\n" }
            return text
        }
        try Golden.check("http/import.txt", text)
    }

    @Test("without the flag the endpoint says how it is turned on")
    func disabled() async throws {
        try await APIFixture.withClient { client in
            let answer = try await client.execute(
                uri: "/api/v1/import", method: .post, body: ByteBuffer(string: "a 1 1\n"))
            #expect(answer.status.code == 500)
            #expect(String(buffer: answer.body).contains("--web.enable-import"))
        }
    }

    @Test("a store that takes nothing answers 503 with its reason")
    func full() async throws {
        var options = StoreOptions()
        options.runsInBackground = false
        let disk = SimFileSystem(seed: 1)
        let store = try Store.open(
            directory: "d", options: options, fileSystem: disk, clock: StoreClock())
        var context = APIFixture.context()
        context.importer = store
        disk.limit(toBytes: disk.usedBytes)
        try await APIFixture.withClient(context) { client in
            let page = (0..<2000).map { "a{n=\"\($0)\"} \($0) 1700000600000\n" }.joined()
            let answer = try await client.execute(
                uri: "/api/v1/import", method: .post, headers: [.contentType: "text/plain"],
                body: ByteBuffer(string: page))
            #expect(answer.status.code == 503)
            #expect(String(buffer: answer.body).contains("\"errorType\":\"unavailable\""))
        }
    }

    @Test("a large gzipped page goes in part by part, with types and line numbers kept")
    func large() async throws {
        var page = "# TYPE h histogram\n"
        for number in 0..<150_000 {
            page += "h_bucket{le=\"\(number % 7)\"} \(number) \(1_500_000_000 + number)\n"
        }
        let bytes = Array((page + "# EOF\n").utf8)
        let packed = try #require(Compression.gzip.compress(bytes))
        let wrong = Array((page + "h_bucket{le=} 1 1\n# EOF\n").utf8)
        try await APIFixture.withClient(try context()) { client in
            let answer = try await client.execute(
                uri: "/api/v1/import", method: .post,
                headers: [.contentType: Self.openMetrics, .contentEncoding: "gzip"],
                body: ByteBuffer(bytes: packed))
            #expect(
                String(buffer: answer.body)
                    == #"{"status":"success","data":{"samples":150000,"series":7,"#
                    + #""refused":{},"refusals":[]}}"#)
            let count = try await client.execute(
                uri: "/api/v1/query?time=1500150000&query="
                    + "sum(count_over_time(h_bucket%7Ble=~%22..0%22%7D%5B2d%5D))", method: .get)
            // Every `le` got its decimal point: the type is known in every part.
            #expect(String(buffer: count.body).contains("\"150000\""))
            let refused = try await client.execute(
                uri: "/api/v1/import", method: .post,
                headers: [.contentType: Self.openMetrics], body: ByteBuffer(bytes: wrong))
            #expect(refused.status.code == 400)
            #expect(String(buffer: refused.body).contains("line 150002,"))
        }
    }
}

@Suite("PagePieces")
struct PagePiecesTests {
    @Test("parts end with lines and put together give the page, the repeated type left out")
    func parts() throws {
        var pieces = PagePieces(format: .prometheusText)
        let page = Array(
            (0..<400_000).map { $0 % 1000 == 0 ? "# TYPE m\($0) gauge\n" : "m\($0) 1 1\n" }
                .joined().utf8)
        var seen: [UInt8] = []
        func take(_ part: PagePieces.Part) {
            #expect(part.bytes.last == 0x0A)
            let repeated = seen.isEmpty ? 0 : part.bytes.prefix { $0 != 0x0A }.count + 1
            #expect(part.lineOffset + (repeated > 0 ? 1 : 0) == seen.count { $0 == 0x0A })
            seen += part.bytes.dropFirst(repeated)
        }
        for start in stride(from: 0, to: page.count, by: 100_003) {
            if let part = try pieces.add(page[start..<min(page.count, start + 100_003)]) {
                take(part)
            }
        }
        take(pieces.finish())
        #expect(seen == page)
        var endless = PagePieces(format: .prometheusText)
        #expect(throws: PagePieces.LineTooLong.self) {
            for _ in 0..<60 { _ = try endless.add([UInt8](repeating: 0x61, count: 100_000)) }
        }
    }
}

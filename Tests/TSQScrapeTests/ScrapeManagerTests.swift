import Foundation
import Synchronization
import TSQBase
import TSQConfig
import TSQHTTPClient
import TSQModel
import Testing

@testable import TSQScrape

@Suite(.timeLimit(.minutes(2))) struct ScrapeManagerTests {
    static func config(_ text: String) throws -> ServerConfig { try ServerConfig.parse(text) }

    static func job(
        _ address: String, interval: String = "100ms", _ more: String = "", name: String = "j"
    ) -> String {
        """
        global: {scrape_timeout: \(interval), scrape_interval: \(interval)}
        scrape_configs:
          - job_name: \(name)
            static_configs: [{targets: ['\(address)']}]
        \(more)
        """
    }

    /// Waits until the condition holds, at most ten seconds.
    static func wait(_ condition: @Sendable () -> Bool) async throws {
        for _ in 0..<1000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("waited in vain")
    }

    @Test("a page behind a redirect is scraped from the first scrape on")
    func redirect() async throws {
        let server = try PageServer { request in
            var response = PageServer.Response("a 1\n")
            if request.path == "/metrics" {
                response.status = "302 Found"
                response.headers["Location"] = "/other"
            }
            return response
        }
        defer { server.close() }
        let appender = RecordingAppender()
        let outcomes = Mutex<[ScrapeOutcome]>([])
        let manager = ScrapeManager(
            appender: appender, onScrape: { outcome in outcomes.withLock { $0.append(outcome) } })
        try await manager.apply(try Self.config(Self.job(server.address)))
        try await Self.wait { outcomes.withLock { $0.count >= 4 } }
        await manager.stop()
        #expect(outcomes.withLock { $0.allSatisfy { $0.error == nil && $0.sampleCount == 1 } })
    }

    @Test("a server that ends each connection is scraped without a failure")
    func closingServer() async throws {
        let server = try PageServer { _ in
            var response = PageServer.Response("a 1\n")
            response.headers["Connection"] = "close"
            return response
        }
        defer { server.close() }
        let outcomes = Mutex<[ScrapeOutcome]>([])
        let manager = ScrapeManager(
            appender: RecordingAppender(),
            onScrape: { outcome in outcomes.withLock { $0.append(outcome) } })
        try await manager.apply(try Self.config(Self.job(server.address)))
        try await Self.wait { outcomes.withLock { $0.count >= 6 } }
        await manager.stop()
        #expect(outcomes.withLock { $0.allSatisfy { $0.error == nil } })
    }

    @Test("a target is scraped on its schedule over HTTP, with times on the schedule")
    func schedule() async throws {
        let served = Mutex<[PageServer.Request]>([])
        let server = try PageServer { request in
            let count = served.withLock { requests in
                requests.append(request)
                return requests.count
            }
            return PageServer.Response("a \(count)\n")
        }
        defer { server.close() }
        let appender = RecordingAppender()
        let outcomes = Mutex<[ScrapeOutcome]>([])
        let manager = ScrapeManager(
            appender: appender, userAgent: "tsq/test",
            onScrape: { outcome in outcomes.withLock { $0.append(outcome) } })
        try await manager.apply(try Self.config(Self.job(server.address)))
        try await Self.wait { appender.batches.count >= 12 }
        let pool = manager.pools()[0]
        await manager.stop()

        let times = appender.batches.map(\.rowTimeMs)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        // What is within 1 ms of the schedule is on it.
        let offset = Target.all(try Self.config(Self.job(server.address)).scrapeConfigs[0])
            .compactMap { outcome in
                if case .target(let target) = outcome {
                    Int64(target.offsetHash % 100)
                } else {
                    nil
                }
            }[0]
        #expect(times.allSatisfy { ![1, 99].contains(($0 - offset) % 100) })
        #expect(pool.active[0].health == .up)
        #expect(pool.active[0].scrapeURL == "http://\(server.address)/metrics")
        let request = served.withLock { $0[0] }
        #expect(request.path == "/metrics")
        #expect(request.headers["user-agent"] == "tsq/test")
        #expect(request.headers["accept-encoding"] == "gzip")
        #expect(request.headers["x-prometheus-scrape-timeout-seconds"] == "0.1")
        #expect(outcomes.withLock { $0.count } >= 12)
        #expect(outcomes.withLock { $0[0].bodyByteCount } == 4)
        let opened = appender.state.withLock { ($0.groupsOpened, $0.groupsClosed) }
        #expect(opened == (1, 1))
    }

    @Test("what goes wrong with a target is in its error, never a secret")
    func errors() async throws {
        let server = try PageServer { request in
            switch request.path {
            case "/404":
                var response = PageServer.Response("x")
                response.status = "404 Not Found"
                return response
            case "/html":
                var response = PageServer.Response("x")
                response.headers["Content-Type"] = "text/html"
                return response
            case "/slow":
                var response = PageServer.Response()
                response.isSilent = true
                return response
            case "/auth":
                return PageServer.Response(
                    "a{auth=\"\(request.headers["authorization"] ?? "")\"} 1\n")
            default: return PageServer.Response(String(repeating: "a 1\n", count: 1000))
            }
        }
        defer { server.close() }
        let appender = RecordingAppender()
        let manager = ScrapeManager(appender: appender)
        func section(_ name: String, _ path: String, _ more: String = "") -> String {
            """
              - job_name: \(name)
                metrics_path: \(path)
                scrape_interval: 300ms
                scrape_timeout: 200ms
                static_configs: [{targets: ['\(server.address)']}]
            \(more)

            """
        }
        let text =
            "scrape_configs:\n" + section("missing", "/404") + section("html", "/html")
            + section("slow", "/slow") + section("big", "/big", "    body_size_limit: 1KB")
            + section(
                "auth", "/auth", "    basic_auth: {username: me, password: s3cret}")
            + section("bearer", "/auth", "    authorization: {credentials: t0ken}")
            + "  - job_name: refused\n    scrape_interval: 300ms\n    scrape_timeout: 200ms\n"
            + "    basic_auth: {username: me, password: s3cret}\n"
            + "    static_configs: [{targets: ['127.0.0.1:1']}]\n"
        try await manager.apply(try Self.config(text))
        try await Self.wait {
            manager.pools().allSatisfy { $0.active[0].health != .unknown }
        }
        var errors: [String: String] = [:]
        for pool in manager.pools() { errors[pool.name] = pool.active[0].lastError }
        await manager.stop()
        #expect(errors["missing"] == "server returned HTTP status 404 Not Found")
        #expect(
            errors["html"]?.hasPrefix("received unsupported Content-Type \"text/html\"") == true)
        #expect(
            errors["slow"]
                == "Get \"http://\(server.address)/slow\": context deadline exceeded")
        #expect(errors["big"] == "body size limit exceeded")
        #expect(errors["auth"] == "")
        #expect(
            errors["refused"]
                == "Get \"http://127.0.0.1:1/metrics\": dial tcp 127.0.0.1:1: connect: "
                + "connection refused")
        let labels = appender.state.withLock { $0.labels.compactMap { $0["auth"] } }
        #expect(Set(labels) == ["Basic bWU6czNjcmV0", "Bearer t0ken"])
        #expect(!errors.values.contains { $0.contains("s3cret") })
    }

    @Test("a compressed page is read")
    func compression() async throws {
        // "a 1\nb 2\n", gzip.
        let body: [UInt8] = [
            0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xFF, 0x4B, 0x54, 0x30, 0xE4,
            0x4A, 0x52, 0x30, 0xE2, 0x02, 0x00,
        ]
        let crc: [UInt8] = Self.crc32(Array("a 1\nb 2\n".utf8))
        let server = try PageServer { _ in
            var response = PageServer.Response()
            response.headers["Content-Encoding"] = "gzip"
            response.body = body + crc + [8, 0, 0, 0]
            return response
        }
        defer { server.close() }
        let appender = RecordingAppender()
        let manager = ScrapeManager(appender: appender)
        try await manager.apply(try Self.config(Self.job(server.address, interval: "200ms")))
        try await Self.wait { appender.batches.count >= 1 }
        await manager.stop()
        #expect(appender.lines(0).filter { $0.hasPrefix("a{") || $0.hasPrefix("b{") }.count == 2)
    }

    static func crc32(_ bytes: [UInt8]) -> [UInt8] {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
        }
        crc = ~crc
        return (0..<4).map { UInt8(truncatingIfNeeded: crc >> UInt32(8 * $0)) }
    }

    @Test("a changed configuration keeps what stays and says farewell to what goes")
    func reload() async throws {
        let server = try PageServer { _ in PageServer.Response("a 1\n") }
        let other = try PageServer { _ in PageServer.Response("b 1\n") }
        defer {
            server.close()
            other.close()
        }
        let appender = RecordingAppender()
        let manager = ScrapeManager(appender: appender)
        try await manager.apply(try Self.config(Self.job(server.address)))
        try await Self.wait { appender.batches.count >= 2 }
        // The same again: nothing restarts.
        try await manager.apply(try Self.config(Self.job(server.address)))
        #expect(appender.state.withLock { $0.groupsOpened } == 1)
        // Another setting: the loop restarts, the series go on.
        try await manager.apply(
            try Self.config(Self.job(server.address, "    honor_labels: true")))
        try await Self.wait { manager.pools()[0].active[0].health == .up }
        #expect(appender.state.withLock { $0.groupsOpened } == 2)
        func staleCount() -> Int {
            appender.batches.reduce(0) { sum, batch in
                sum + (batch.rowValues + batch.values).filter(StaleMarker.isStale).count
            }
        }
        #expect(staleCount() == 0)
        // Another target: the old one's series end.
        try await manager.apply(try Self.config(Self.job(other.address)))
        try await Self.wait {
            appender.batches.contains { $0.rowValues.contains(where: StaleMarker.isStale) }
        }
        #expect(staleCount() == 6)
        await manager.stop()
        let groups = appender.state.withLock { ($0.groupsOpened, $0.groupsClosed) }
        #expect(groups == (3, 3))
    }

    @Test("a stop in the middle of a scrape ends it and writes no failure")
    func stopping() async throws {
        let isAsked = Mutex(false)
        let server = try PageServer { _ in
            isAsked.withLock { $0 = true }
            var response = PageServer.Response()
            response.isSilent = true
            return response
        }
        defer { server.close() }
        let appender = RecordingAppender()
        let manager = ScrapeManager(appender: appender)
        try await manager.apply(try Self.config(Self.job(server.address, interval: "8s")))
        try await Self.wait { isAsked.withLock { $0 } }
        await manager.stop()
        await manager.stop()
        // A scrape that goes on until its timeout, after eight seconds, writes that it failed.
        #expect(appender.batches.isEmpty)
    }

    @Test("too many targets fail all of them")
    func targetLimit() async throws {
        let appender = RecordingAppender()
        let manager = ScrapeManager(appender: appender)
        let text = """
            scrape_configs:
              - job_name: j
                scrape_interval: 100ms
                scrape_timeout: 100ms
                target_limit: 1
                static_configs: [{targets: ['a:1', 'b:1']}]
            """
        try await manager.apply(try Self.config(text))
        try await Self.wait { manager.pools()[0].active.allSatisfy { $0.health == .down } }
        let error = manager.pools()[0].active[0].lastError
        await manager.stop()
        #expect(error == "target_limit exceeded (number of targets: 2, limit: 1)")
    }
}

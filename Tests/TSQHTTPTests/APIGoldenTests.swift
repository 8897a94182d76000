import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import TSQBase
import TSQEngine
import TSQModel
import Testing

@testable import TSQHTTP

@Suite("HTTP answers against golden files")
struct APIGoldenTests {
    private func check(
        _ name: String, context: APIContext = APIFixture.context(),
        _ requests: [GoldenRequest]
    ) async throws {
        let text = try await APIFixture.withClient(context) { client in
            var text = ""
            for request in requests { text += try await request.transcript(client) + "\n" }
            return text
        }
        try Golden.check("http/\(name).txt", text)
    }

    @Test("query answers every type, and says what is wrong with its parameters")
    func query() async throws {
        let at = "time=1700000600"
        try await check(
            "query",
            [
                GoldenRequest("/api/v1/query?query=up&\(at)"),
                GoldenRequest("/api/v1/query?query=up"),
                GoldenRequest("/api/v1/query?query=1%2B1&time=2023-11-14T22:23:20.5Z"),
                GoldenRequest("/api/v1/query?query=%22a%3Cb%22&\(at)"),
                GoldenRequest("/api/v1/query?query=requests_total%5B30s%5D&\(at)"),
                GoldenRequest("/api/v1/query?query=native&\(at)"),
                GoldenRequest("/api/v1/query?query=odd&\(at)"),
                GoldenRequest("/api/v1/query?query=up&limit=1&\(at)"),
                GoldenRequest("/api/v1/query?query=rate(up%5B5m%5D)&\(at)"),
                GoldenRequest("/api/v1/query?query=none&\(at)"),
                GoldenRequest("/api/v1/query", method: "POST", form: "query=sum(up)&\(at)"),
                GoldenRequest("/api/v1/query?query=up&time=1700000900&lookback_delta=10m"),
                GoldenRequest("/api/v1/query?query=up&lookback_delta=x"),
                GoldenRequest("/api/v1/query?query=up&limit=-1&time=x"),
                GoldenRequest("/api/v1/query?query=up&time=x&timeout=y"),
                GoldenRequest("/api/v1/query?query=up&timeout=y"),
                GoldenRequest("/api/v1/query?query=up%7B"),
                GoldenRequest("/api/v1/query"),
                GoldenRequest("/api/v1/query?query=up+%2B+on(job)+up&\(at)"),
                GoldenRequest("/api/v1/query?query=up&timeout=0s"),
            ])
    }

    @Test("query_range checks its parameters in Prometheus's order")
    func queryRange() async throws {
        let span = "start=1700000000&end=1700000060&step=30"
        try await check(
            "query_range",
            [
                GoldenRequest("/api/v1/query_range?query=requests_total&\(span)"),
                GoldenRequest("/api/v1/query_range", method: "POST", form: "query=up&\(span)"),
                GoldenRequest("/api/v1/query_range?query=1&\(span)"),
                GoldenRequest("/api/v1/query_range?query=up&limit=1&\(span)"),
                GoldenRequest("/api/v1/query_range?query=up%5B1m%5D&\(span)"),
                GoldenRequest("/api/v1/query_range?query=up&limit=x"),
                GoldenRequest("/api/v1/query_range?query=up"),
                GoldenRequest("/api/v1/query_range?query=up&start=1"),
                GoldenRequest("/api/v1/query_range?query=up&start=2&end=1"),
                GoldenRequest("/api/v1/query_range?query=up&start=1&end=2"),
                GoldenRequest("/api/v1/query_range?query=up&start=1&end=2&step=-1"),
                GoldenRequest("/api/v1/query_range?query=up&start=0&end=11001&step=1"),
                GoldenRequest("/api/v1/query_range?query=none&start=0&end=11000&step=1"),
                GoldenRequest("/api/v1/query_range?query=up&start=0&end=1&step=1&timeout=x"),
            ])
    }

    @Test("statistics count samples, and those of each step where that is turned on")
    func statistics() async throws {
        let uri =
            "/api/v1/query_range?query=sum_over_time(requests_total%5B30s%5D)"
            + "&start=1700000000&end=1700000060&step=30&stats=all"
        struct Answer: Decodable {
            struct Data: Decodable { let stats: Statistics }
            struct Statistics: Decodable {
                struct Samples: Decodable {
                    let totalQueryableSamplesPerStep: [[Int]]?
                    let totalQueryableSamples: Int
                }
                let samples: Samples
            }
            let data: Data
        }
        for isOn in [false, true] {
            var context = APIFixture.context()
            context.options.tellsStepStatistics = isOn
            try await APIFixture.withClient(context) { client in
                let body = try await client.execute(uri: uri, method: .get).body
                let samples = try JSONDecoder().decode(
                    Answer.self, from: Data(body.readableBytesView)
                ).data.stats.samples
                #expect(samples.totalQueryableSamples == 5)
                #expect(
                    samples.totalQueryableSamplesPerStep
                        == (isOn
                            ? [[1_700_000_000, 1], [1_700_000_030, 2], [1_700_000_060, 2]] : nil))
            }
        }
    }

    @Test("labels, values and series are listed, cut at the limit, and checked")
    func lookups() async throws {
        try await check(
            "lookups",
            [
                GoldenRequest("/api/v1/labels"),
                GoldenRequest("/api/v1/labels", method: "POST", form: "match[]=up"),
                GoldenRequest("/api/v1/labels?limit=2"),
                GoldenRequest("/api/v1/labels?limit=x"),
                GoldenRequest("/api/v1/labels?match[]=up%7B"),
                GoldenRequest("/api/v1/labels?match[]=%7Bjob=~%22.*%22%7D"),
                GoldenRequest("/api/v1/label/__name__/values"),
                GoldenRequest("/api/v1/label/instance/values?match[]=up&limit=1"),
                GoldenRequest("/api/v1/label/U__k8s_2e_name/values"),
                GoldenRequest("/api/v1/label/k8s.name/values"),
                GoldenRequest("/api/v1/label/path/values"),
                GoldenRequest("/api/v1/series"),
                GoldenRequest("/api/v1/series?match[]=up"),
                GoldenRequest("/api/v1/series?match[]=up&match[]=%7B__name__=~%22.%2B%22%7D"),
                GoldenRequest("/api/v1/series?match[]=up&limit=1"),
                GoldenRequest("/api/v1/series?match[]=up&start=x"),
                GoldenRequest("/api/v1/series?match[]=up%7B"),
                GoldenRequest("/api/v1/query_exemplars?query=up&start=1700000000&end=1700000600"),
                GoldenRequest("/api/v1/query_exemplars?query=1&start=1&end=2"),
                GoldenRequest("/api/v1/query_exemplars?query=up&start=2&end=1"),
            ])
    }

    @Test("targets, metadata and status pages have Prometheus's members")
    func status() async throws {
        try await check(
            "status",
            [
                GoldenRequest("/api/v1/targets"),
                GoldenRequest("/api/v1/targets?state=active&scrapePool=none"),
                GoldenRequest("/api/v1/targets/metadata?metric=up&limit=1"),
                GoldenRequest("/api/v1/targets/relabel_steps"),
                GoldenRequest("/api/v1/targets/relabel_steps?scrapePool=node"),
                GoldenRequest("/api/v1/targets/relabel_steps?scrapePool=x&labels=%7B%7D"),
                GoldenRequest("/api/v1/targets/relabel_steps?scrapePool=node&labels=%5B1%5D"),
                GoldenRequest(
                    "/api/v1/targets/relabel_steps?scrapePool=node"
                        + "&labels=%7B%22__address__%22:%22a:1%22%7D"),
                GoldenRequest(
                    "/api/v1/targets/relabel_steps?scrapePool=node"
                        + "&labels=%7B%22__address__%22:%22b:1%22%7D"),
                GoldenRequest("/api/v1/scrape_pools"),
                GoldenRequest("/api/v1/scrape_pools/config"),
                GoldenRequest("/api/v1/scrape_pools/config?scrapePool=node"),
                GoldenRequest("/api/v1/features"),
                GoldenRequest("/api/v1/notifications"),
                GoldenRequest("/api/v1/metadata"),
                GoldenRequest("/api/v1/metadata?metric=requests&limit_per_metric=1"),
                GoldenRequest("/api/v1/metadata?limit=x"),
                GoldenRequest("/api/v1/rules"),
                GoldenRequest("/api/v1/alerts"),
                GoldenRequest("/api/v1/alertmanagers"),
                GoldenRequest("/api/v1/status/config"),
                GoldenRequest("/api/v1/status/flags"),
                GoldenRequest("/api/v1/status/buildinfo"),
                GoldenRequest("/api/v1/status/runtimeinfo"),
                GoldenRequest("/api/v1/status/tsdb?limit=1"),
                GoldenRequest("/api/v1/status/tsdb?limit=0"),
                GoldenRequest("/api/v1/status/tsdb/blocks"),
                GoldenRequest("/api/v1/status/walreplay"),
                GoldenRequest("/api/v1/format_query?query=sum(up)by(job)"),
                GoldenRequest("/api/v1/format_query?query=up%7B"),
                GoldenRequest("/api/v1/parse_query?query=up%3E1"),
            ])
    }

    @Test("the admin endpoints need their flag, check what they get and answer as Prometheus's")
    func admin() async throws {
        let base = "/api/v1/admin/tsdb"
        let selector = "match[]=up"
        try await check(
            "admin-off",
            [
                GoldenRequest("\(base)/delete_series?\(selector)", method: "POST"),
                GoldenRequest("\(base)/clean_tombstones", method: "PUT"),
                GoldenRequest("\(base)/snapshot", method: "POST"),
                GoldenRequest("\(base)/deletions"),
            ])
        var context = APIFixture.context()
        context.admin = APIFixture.admin
        try await check(
            "admin", context: context,
            [
                GoldenRequest("\(base)/delete_series?\(selector)", method: "POST"),
                GoldenRequest("\(base)/delete_series", method: "PUT", form: selector),
                GoldenRequest("\(base)/delete_series?\(selector)&dry_run=1", method: "POST"),
                GoldenRequest("\(base)/delete_series?\(selector)&dry_run=x", method: "POST"),
                GoldenRequest("\(base)/delete_series", method: "POST"),
                GoldenRequest("\(base)/delete_series?\(selector)&start=x", method: "POST"),
                GoldenRequest("\(base)/delete_series?match[]=up%7B", method: "POST"),
                GoldenRequest("\(base)/delete_series?\(selector)&\(selector)", method: "POST"),
                GoldenRequest("\(base)/delete_series?\(selector)"),
                GoldenRequest("\(base)/deletions"),
                GoldenRequest("\(base)/undo_deletion?id=7", method: "POST"),
                GoldenRequest("\(base)/undo_deletion?id=8", method: "POST"),
                GoldenRequest("\(base)/undo_deletion", method: "POST"),
                GoldenRequest("\(base)/clean_tombstones", method: "POST"),
                GoldenRequest("\(base)/snapshot", method: "POST"),
                GoldenRequest("\(base)/snapshot?skip_head=true", method: "PUT"),
                GoldenRequest("\(base)/snapshot?skip_head=x", method: "POST"),
            ])
    }

    @Test("a store that takes no samples says so on /-/ready and in the notifications")
    func readOnly() async throws {
        var context = APIFixture.context()
        context.readOnlyReason = { "the disk is full: 0 bytes free in data" }
        context.configState = { (false, 1_700_000_000_500) }
        try await check(
            "read-only", context: context,
            [
                GoldenRequest("/-/ready"), GoldenRequest("/-/healthy"),
                GoldenRequest("/api/v1/notifications"),
                GoldenRequest("/api/v1/query?query=up&time=1700000600"),
            ])
    }

    @Test("paths and methods that are not there answer as Go's router, origins get CORS headers")
    func edges() async throws {
        try await check(
            "edges",
            [
                GoldenRequest("/-/healthy"), GoldenRequest("/-/healthy", method: "HEAD"),
                GoldenRequest("/-/ready"), GoldenRequest("/-/reload", method: "POST"),
                GoldenRequest("/-/quit", method: "PUT"), GoldenRequest("/-/reload"),
                GoldenRequest("/nope"), GoldenRequest("/api/v1/nope"),
                GoldenRequest("/api/v1/query/?query=1"),
                GoldenRequest("/api/v1/query", method: "DELETE"),
                GoldenRequest("/api/v1/targets", method: "POST"),
                GoldenRequest(
                    "/api/v1/query", method: "OPTIONS", headers: [.origin: "http://grafana"]),
                GoldenRequest("/api/v1/alerts", headers: [.origin: "http://grafana"]),
                GoldenRequest("/graph"),
                GoldenRequest("/version"),
                GoldenRequest("/federate?match[]=up&match[]=%7B%22http.requests%22%7D"),
                GoldenRequest("/federate?match[]=up%7B"),
                GoldenRequest("/metrics"),
            ])
    }
}

@Suite("The web server")
struct APIServerTests {
    @Test("large answers are compressed where the client takes it, small ones are not")
    func compression() async throws {
        try await APIFixture.withClient { client in
            let large = "/api/v1/query_range?query=up&start=1700000000&end=1700000600&step=1"
            let packed = try await client.execute(
                uri: large, method: .get, headers: [.acceptEncoding: "gzip, deflate"])
            #expect(packed.headers[.contentEncoding] == "gzip")
            #expect(Array(packed.body.readableBytesView.prefix(2)) == [0x1F, 0x8B])
            let plain = try await client.execute(uri: large, method: .get)
            #expect(plain.headers[.contentEncoding] == nil)
            #expect(plain.body.readableBytes > packed.body.readableBytes * 3)
            let small = try await client.execute(
                uri: "/api/v1/query?query=1", method: .get, headers: [.acceptEncoding: "gzip"])
            #expect(small.headers[.contentEncoding] == nil)
        }
    }

    @Test("before the store is ready only the liveness page answers")
    func notReady() async throws {
        var context = APIFixture.context()
        context.isReady = { false }
        try await APIFixture.withClient(context) { client in
            for uri in ["/-/ready", "/api/v1/query?query=1", "/api/v1/status/flags"] {
                let response = try await client.execute(uri: uri, method: .get)
                #expect(response.status == .serviceUnavailable, "\(uri)")
                #expect(String(buffer: response.body) == "Service Unavailable")
            }
            let healthy = try await client.execute(uri: "/-/healthy", method: .get)
            #expect(healthy.status == .ok)
        }
    }

    @Test("reload runs what it is given, and says when it fails")
    func reload() async throws {
        struct Broken: Error, CustomStringConvertible { var description: String { "line 3: bad" } }
        var context = APIFixture.context()
        context.reload = {}
        try await APIFixture.withClient(context) { client in
            let response = try await client.execute(uri: "/-/reload", method: .post)
            #expect(response.status == .ok)
        }
        context.reload = { throw Broken() }
        try await APIFixture.withClient(context) { client in
            let response = try await client.execute(uri: "/-/reload", method: .post)
            #expect(response.status == .internalServerError)
            #expect(
                String(buffer: response.body) == "failed to reload config: line 3: bad\n")
        }
    }

    @Test("statistics come when they are asked for")
    func statistics() async throws {
        try await APIFixture.withClient { client in
            let body = String(
                buffer: try await client.execute(
                    uri: "/api/v1/query?query=up&stats=1", method: .get
                ).body)
            #expect(body.contains(#""stats":{"timings":{"evalTotalTime":"#))
            #expect(body.contains(#""samples":{"totalQueryableSamples":2"#))
        }
    }

    @Test("over a real connection, answers follow one another")
    func live() async throws {
        try await APIFixture.withClient(live: true) { client in
            for _ in 0..<3 {
                let response = try await client.execute(
                    uri: "/api/v1/query?query=1%2B1&time=5", method: .get)
                #expect(
                    String(buffer: response.body)
                        == #"{"status":"success","data":{"resultType":"scalar","result":[5,"2"]}}"#)
            }
        }
    }
}

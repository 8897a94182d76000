import ArgumentParser
import Foundation
import TSQBase
import TSQEngine
import TSQHTTP
import TSQJSON
import TSQModel
import TSQPromQL
import TSQStore

/// Where answers come from: a directory, or a server.
struct SourceOptions: ParsableArguments {
    @Option(help: "The directory of a store; another process may be writing it.")
    var data: String?

    @Option(help: "The URL of a server, tsq or Prometheus. (default: http://127.0.0.1:9090)")
    var server: String?

    static let serverDefault = "http://127.0.0.1:9090"

    mutating func validate() throws {
        if data != nil && server != nil {
            throw ValidationError("Give either --data or --server, not both.")
        }
    }

    var source: QuerySource {
        get throws {
            guard let data else { return .server(APIClient(url: server ?? Self.serverDefault)) }
            guard FileManager.default.fileExists(atPath: data) else {
                throw CommandFailure("\(data): no such directory")
            }
            do throws(StoreError) {
                return .store(try Store.openReadOnly(directory: data))
            } catch {
                throw CommandFailure(error.message)
            }
        }
    }
}

enum QuerySource {
    case store(any SeriesSource)
    case server(APIClient)
}

/// What `query` asks for.
enum QuerySpan: Equatable {
    case instant(atMs: TimestampMs)
    case range(startMs: TimestampMs, endMs: TimestampMs, stepMs: Int64)
}

extension QuerySource {
    /// The answer as the HTTP API gives it: both sources then go the same way to the screen.
    func query(
        _ expression: String, _ span: QuerySpan, explain: Bool = false
    ) async throws -> [UInt8] {
        switch self {
        case .store(let source):
            return try Self.evaluate(expression, span, source, explain: explain)
        case .server(let client):
            var parameters = [("query", expression)]
            if explain { parameters.append(("explain", "1")) }
            switch span {
            case .instant(let atMs):
                return try await client.ask(
                    "query", parameters + [("time", Self.seconds(atMs))])
            case .range(let startMs, let endMs, let stepMs):
                return try await client.ask(
                    "query_range",
                    parameters + [
                        ("start", Self.seconds(startMs)), ("end", Self.seconds(endMs)),
                        ("step", Self.seconds(stepMs)),
                    ])
            }
        }
    }

    /// All experimental syntax is on: a command line asks for what it writes.
    private static func evaluate(
        _ expression: String, _ span: QuerySpan, _ source: any SeriesSource, explain: Bool
    ) throws -> [UInt8] {
        var options = EngineOptions()
        options.parse = .all
        let engine = QueryEngine(options: options)
        var query = QueryOptions()
        query.explain = explain
        do throws(QueryError) {
            let result =
                switch span {
                case .instant(let atMs):
                    try engine.instant(expression, atMs: atMs, from: source, options: query)
                case .range(let startMs, let endMs, let stepMs):
                    try engine.range(
                        expression, startMs: startMs, endMs: endMs, stepMs: stepMs, from: source,
                        options: query)
                }
            return QueryAnswerWriter.whole(result)
        } catch {
            throw CommandFailure(error.message)
        }
    }

    static func seconds(_ ms: Int64) -> String {
        var bytes: [UInt8] = []
        DecimalPrint.appendSeconds(ms: ms, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The label sets of the selectors' series, in label order.
    func series(
        _ selectors: [String], fromMs: TimestampMs, toMs: TimestampMs
    ) async throws -> [LabelSet] {
        switch self {
        case .store(let source):
            let matchers = try Self.matchers(selectors)
            do throws(SourceError) {
                var found = Set<LabelSet>()
                for list in matchers {
                    let symbols = SymbolTable()
                    let selection = try source.select(
                        SelectRequest(matchers: list, fromMs: fromMs - 1, toMs: toMs),
                        symbols: symbols)
                    for index in 0..<selection.count {
                        found.insert(selection.labels.labelSet(index, symbols))
                    }
                }
                return found.sorted(by: LabelSet.isOrderedBefore)
            } catch {
                throw CommandFailure(error.message)
            }
        case .server(let client):
            let answer = try await client.ask(
                "series", selectors.map { ("match[]", $0) } + Self.bounds(fromMs, toMs))
            struct Body: Decodable { let data: [[String: String]] }
            return try APIClient.decode(Body.self, answer).data
                .map { LabelSet($0.map { Label($0.key, $0.value) }) }
        }
    }

    /// Label names, or the values of one label.
    func labels(
        valuesOf name: String?, _ selectors: [String], fromMs: TimestampMs, toMs: TimestampMs
    ) async throws -> [String] {
        switch self {
        case .store(let source):
            let matchers = try Self.matchers(selectors)
            do throws(SourceError) {
                guard let name else {
                    return try source.labelNames(matching: matchers, fromMs: fromMs, toMs: toMs)
                }
                return try source.labelValues(
                    name, matching: matchers, fromMs: fromMs, toMs: toMs)
            } catch {
                throw CommandFailure(error.message)
            }
        case .server(let client):
            let path = name.map { "label/\(APIClient.pathEscaped($0))/values" } ?? "labels"
            let answer = try await client.ask(
                path, selectors.map { ("match[]", $0) } + Self.bounds(fromMs, toMs),
                method: "GET")
            struct Body: Decodable { let data: [String] }
            return try APIClient.decode(Body.self, answer).data
        }
    }

    static func matchers(_ selectors: [String]) throws -> [[LabelMatcher]] {
        do throws(PromQLSyntaxError) {
            return try PromQLParser.parseSelectors(selectors)
        } catch {
            throw CommandFailure(error.message)
        }
    }

    private static func bounds(
        _ fromMs: TimestampMs, _ toMs: TimestampMs
    ) -> [(String, String)] {
        [("start", seconds(fromMs)), ("end", seconds(toMs))]
    }
}

import TSQBase
import TSQEngine
import TSQJSON
import TSQModel
import TSQPromQL

extension APIRoutes {
    func labelNames(_ request: APIRequest) async -> APIResponse {
        await lookUp(request, matcherError: { APIError(.badData, $0) }) { source, lookup in
            let names = Result { () throws(SourceError) in
                try source.labelNames(
                    matching: lookup.matchers, fromMs: lookup.fromMs, toMs: lookup.toMs)
            }
            return Self.listAnswer(names, limit: lookup.limit)
        }
    }

    func labelValues(_ request: APIRequest, name: String) async -> APIResponse {
        let name = name.hasPrefix("U__") ? LabelEscapes.unescaped(name) : name
        // A path cannot carry invalid UTF-8 here: decoding replaced it.
        guard !name.isEmpty, !name.unicodeScalars.contains("\u{FFFD}") else {
            return .failure(APIError(.badData, "invalid label name: \(GoQuote.quoted(name))"))
        }
        return await lookUp(request, matcherError: { APIError(.badData, $0) }) { source, lookup in
            let values = Result { () throws(SourceError) in
                try source.labelValues(
                    name, matching: lookup.matchers, fromMs: lookup.fromMs, toMs: lookup.toMs)
            }
            return Self.listAnswer(values, limit: lookup.limit)
        }
    }

    func series(_ request: APIRequest) async -> APIResponse {
        if let problem = request.form.problem {
            return .failure(APIError(.badData, "error parsing form values: \(problem)"))
        }
        if request.form.all("match[]").isEmpty {
            return .failure(APIError(.badData, "no match[] parameter provided"))
        }
        return await lookUp(request, matcherError: { .parameter("match[]", $0) }) {
            source, lookup in
            let series: [LabelSet]
            do throws(SourceError) {
                series = try Self.series(source, lookup)
            } catch {
                return .failure(APIError(error))
            }
            let isCut = lookup.limit > 0 && series.count > lookup.limit
            return .json(
                Envelope.success(
                    warnings: isCut ? [Self.truncationWarning] : [],
                    reserving: 64 + series.count * 160
                ) { json in
                    json.beginArray()
                    for labels in isCut ? series.prefix(lookup.limit) : series[...] {
                        json.element()
                        json.labels(labels)
                    }
                    json.endArray()
                })
        }
    }

    func queryExemplars(_ request: APIRequest) async -> APIResponse {
        let form = request.form
        let fromMs: TimestampMs
        let toMs: TimestampMs
        let selectors: [[LabelMatcher]]
        do throws(APIError) {
            fromMs = try ParameterValues.time(
                form, "start", default: ParameterValues.timeMinMs)
            toMs = try ParameterValues.time(form, "end", default: ParameterValues.timeMaxMs)
            if toMs < fromMs {
                throw APIError(
                    .badData, "end timestamp must not be before start timestamp")
            }
            selectors = try Self.selectors(form["query"], context.engine().options.parse)
        } catch {
            return .failure(error)
        }
        if selectors.isEmpty { return .noContent }
        let source = context.source
        return await onLookupPool {
            do throws(SourceError) {
                let found = try source.exemplars(matching: selectors, fromMs: fromMs, toMs: toMs)
                return .json(Envelope.success { Self.append(found, to: &$0) })
            } catch {
                return .failure(APIError(error))
            }
        }
    }

    // MARK: Lookups

    struct Lookup: Sendable {
        var limit: Int
        var fromMs: TimestampMs
        var toMs: TimestampMs
        var matchers: [[LabelMatcher]]
    }

    private func lookUp(
        _ request: APIRequest, matcherError: (String) -> APIError,
        _ answer: @escaping @Sendable (any SeriesSource, Lookup) -> APIResponse
    ) async -> APIResponse {
        let lookup: Lookup
        do throws(APIError) {
            lookup = try Self.lookup(request.form, matcherError)
        } catch {
            return .failure(error)
        }
        let source = context.source
        return await onLookupPool { answer(source, lookup) }
    }

    private static func lookup(
        _ form: FormParameters, _ matcherError: (String) -> APIError
    ) throws(APIError) -> Lookup {
        let limit = try ParameterValues.limit(form)
        let fromMs = try ParameterValues.time(
            form, "start", default: ParameterValues.timeMinMs)
        let toMs = try ParameterValues.time(form, "end", default: ParameterValues.timeMaxMs)
        do throws(ParameterValues.MatcherError) {
            let matchers = try ParameterValues.matchers(form.all("match[]"))
            return Lookup(limit: limit, fromMs: fromMs, toMs: toMs, matchers: matchers)
        } catch {
            throw matcherError(error.message)
        }
    }

    private static func listAnswer(
        _ result: Result<[String], SourceError>, limit: Int
    ) -> APIResponse {
        switch result {
        case .failure(let error): return .failure(APIError(error))
        case .success(let list):
            let isCut = limit > 0 && list.count > limit
            return .json(
                Envelope.success(warnings: isCut ? [truncationWarning] : []) {
                    $0.strings(isCut ? list.prefix(limit) : list[...])
                })
        }
    }

    /// The series of any of the selectors, each once, in label order; one more than the limit at most.
    /// As in Prometheus the samples are not decoded: what the source lists for the range counts.
    static func series(
        _ source: any SeriesSource, _ lookup: Lookup
    ) throws(SourceError) -> [LabelSet] {
        var found: [LabelSet] = []
        for matchers in lookup.matchers {
            let symbols = SymbolTable()
            let selection = try source.select(
                SelectRequest(matchers: matchers, fromMs: lookup.fromMs - 1, toMs: lookup.toMs),
                symbols: symbols)
            let count =
                lookup.limit > 0 ? min(selection.count, lookup.limit + 1) : selection.count
            for index in 0..<count { found.append(selection.labels.labelSet(index, symbols)) }
        }
        if lookup.matchers.count > 1 {
            found = Set(found).sorted(by: LabelSet.isOrderedBefore)
        }
        return found
    }

    // MARK: Exemplars

    private static func selectors(
        _ query: String, _ options: ParseOptions
    ) throws(APIError) -> [[LabelMatcher]] {
        do throws(PromQLSyntaxError) {
            var selectors: [[LabelMatcher]] = []
            try PromQLParser.parse(query, options: options).forEachSelector {
                selectors.append($0)
            }
            return selectors
        } catch {
            throw APIError(.badData, error.message)
        }
    }

    private static func append(
        _ found: [(labels: LabelSet, exemplars: [Exemplar])], to json: inout JSONWriter
    ) {
        json.beginArray()
        for entry in found {
            json.element()
            json.beginObject()
            json.key("seriesLabels")
            json.labels(entry.labels)
            json.key("exemplars")
            json.beginArray()
            for exemplar in entry.exemplars {
                json.element()
                json.beginObject()
                json.key("labels")
                json.labels(exemplar.labels)
                json.key("value")
                json.sampleValue(exemplar.value)
                json.key("timestamp")
                json.time(ms: exemplar.timeMs ?? 0)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
    }
}

import TSQBase
import TSQJSON
import TSQModel
import TSQPromQL
import TSQScrape

extension APIRoutes {
    func targets(_ request: APIRequest) -> APIResponse {
        let state = request.form.fromURL("state").lowercased()
        let poolName = request.form.fromURL("scrapePool")
        let showsActive = ["", "any", "active"].contains(state)
        let showsDropped = ["", "any", "dropped"].contains(state)
        let pools = context.scrapePools().sorted { isBytewiseLess($0.name, $1.name) }
        let shown = pools.filter { poolName.isEmpty || $0.name == poolName }
        return .json(
            Envelope.success { json in
                json.beginObject()
                json.key("activeTargets")
                json.beginArray()
                for pool in showsActive ? shown : [] {
                    for target in pool.active {
                        json.element()
                        Self.append(target, to: &json)
                    }
                }
                json.endArray()
                json.key("droppedTargets")
                json.beginArray()
                for pool in showsDropped ? shown : [] {
                    for target in pool.dropped {
                        json.element()
                        json.beginObject()
                        json.key("discoveredLabels")
                        json.labels(target.discoveredLabels)
                        json.key("scrapePool")
                        json.string(target.scrapePool)
                        json.endObject()
                    }
                }
                json.endArray()
                json.key("droppedTargetCounts")
                if showsDropped {
                    json.beginObject()
                    for pool in pools {
                        json.key(pool.name)
                        json.int(pool.droppedCount)
                    }
                    json.endObject()
                } else {
                    json.null()
                }
                json.endObject()
            })
    }

    private static func append(_ target: TargetStatus, to json: inout JSONWriter) {
        json.beginObject()
        json.key("discoveredLabels")
        json.labels(target.discoveredLabels)
        json.key("labels")
        json.labels(target.labels)
        json.key("scrapePool")
        json.string(target.scrapePool)
        json.key("scrapeUrl")
        json.string(target.scrapeURL)
        json.key("globalUrl")
        json.string(target.globalURL)
        json.key("lastError")
        json.string(target.lastError)
        json.key("lastScrape")
        // Go's zero time where there was none yet.
        json.string(target.lastScrapeMs.map { RFC3339.format(ms: $0) } ?? "0001-01-01T00:00:00Z")
        json.key("lastScrapeDuration")
        json.number(target.lastScrapeDurationSeconds)
        json.key("health")
        json.string(target.health.rawValue)
        json.key("scrapeInterval")
        json.string(PromDuration.format(ms: target.scrapeIntervalMs))
        json.key("scrapeTimeout")
        json.string(PromDuration.format(ms: target.scrapeTimeoutMs))
        json.endObject()
    }

    /// Metadata by metric name, each distinct one once.
    func metadata(_ request: APIRequest) -> APIResponse {
        let limit: Int
        let limitPerMetric: Int
        do throws(APIError) {
            limit = try Self.number(request.form, "limit")
            limitPerMetric = try Self.number(request.form, "limit_per_metric")
        } catch {
            return .failure(error)
        }
        let metric = request.form["metric"]
        var byName: [String: [MetricMetadata]] = [:]
        for target in context.targetMetadata() {
            for family in target.families where metric.isEmpty || family.name == metric {
                var list = byName[family.name] ?? []
                let isFull = limitPerMetric > 0 && list.count >= limitPerMetric
                if !isFull && !list.contains(family.metadata) { list.append(family.metadata) }
                byName[family.name] = list
            }
        }
        let names = byName.keys.sorted(by: isBytewiseLess)
        return .json(
            Envelope.success { json in
                json.beginObject()
                for name in limit >= 0 ? names.prefix(limit) : names[...] {
                    json.key(name)
                    json.beginArray()
                    for metadata in byName[name] ?? [] {
                        json.element()
                        json.beginObject()
                        Self.append(metadata, to: &json)
                        json.endObject()
                    }
                    json.endArray()
                }
                json.endObject()
            })
    }

    func targetsMetadata(_ request: APIRequest) -> APIResponse {
        let limit: Int
        var matchers: [LabelMatcher] = []
        do throws(APIError) {
            limit = try Self.number(request.form, "limit")
            let selector = request.form["match_target"]
            if !selector.isEmpty {
                do throws(PromQLSyntaxError) {
                    matchers = try PromQLParser.parseSelector(selector)
                } catch {
                    throw APIError.parameter("match_target", error.message)
                }
            }
        } catch {
            return .failure(error)
        }
        let metric = request.form["metric"]
        return .json(
            Envelope.success { json in
                json.beginArray()
                var count = 0
                for target in context.targetMetadata()
                where matchers.allSatisfy({ $0.matches(target.target) }) {
                    if limit >= 0 && count >= limit { break }
                    for family in target.families where metric.isEmpty || family.name == metric {
                        count += 1
                        json.element()
                        json.beginObject()
                        json.key("target")
                        json.labels(target.target)
                        if metric.isEmpty {
                            json.key("metric")
                            json.string(family.name)
                        }
                        Self.append(family.metadata, to: &json)
                        json.endObject()
                    }
                }
                json.endArray()
            })
    }

    private static func append(_ metadata: MetricMetadata, to json: inout JSONWriter) {
        json.key("type")
        json.string(metadata.kind.rawValue)
        json.key("help")
        json.string(metadata.help)
        json.key("unit")
        json.string(metadata.unit)
    }

    /// −1 where it is not given: no limit.
    private static func number(
        _ form: FormParameters, _ name: String
    ) throws(APIError) -> Int {
        if form[name].isEmpty { return -1 }
        guard let value = try? ParameterValues.goInteger(form[name]) else {
            throw APIError(.badData, "\(name) must be a number")
        }
        return value
    }
}

import TSQBase
import TSQJSON
import TSQMetrics
import TSQModel

extension APIRoutes {
    func status(_ page: Route.StatusPage, _ request: APIRequest) async -> APIResponse {
        switch page {
        case .buildinfo: return buildInfo()
        case .runtimeinfo: return runtimeInfo()
        case .config:
            let text = context.configText()
            return object {
                $0.key("yaml")
                $0.string(text)
            }
        case .flags:
            let flags = context.options.flags.sorted { isBytewiseLess($0.key, $1.key) }
            return object {
                for (name, value) in flags {
                    $0.key(name)
                    $0.string(value)
                }
            }
        case .walreplay:
            return object {
                for name in ["min", "max", "current"] {
                    $0.key(name)
                    $0.int(0)
                }
            }
        case .tsdb: return await tsdb(request)
        case .blocks:
            let blocks = context.blocks
            return await onLookupPool { [self] in
                let list = blocks()
                return object { Self.append(list, to: &$0) }
            }
        }
    }

    /// What is turned on, by area.
    func features() -> APIResponse {
        let areas = context.options.features.sorted { isBytewiseLess($0.key, $1.key) }
        return object {
            for (area, features) in areas {
                $0.key(area)
                $0.beginObject()
                for (name, isOn) in features.sorted(by: { isBytewiseLess($0.key, $1.key) }) {
                    $0.key(name)
                    $0.bool(isOn)
                }
                $0.endObject()
            }
        }
    }

    /// What whoever runs the server should know now.
    func notifications() -> APIResponse {
        var texts: [String] = []
        if !context.configState().isGood { texts.append("Configuration reload has failed.") }
        if let reason = context.readOnlyReason() { texts.append("No samples are taken: \(reason)") }
        return .json(
            Envelope.success { json in
                json.beginArray()
                for text in texts {
                    json.element()
                    json.beginObject()
                    json.key("text")
                    json.string(text)
                    json.key("date")
                    json.string(RFC3339.format(ms: context.clock.nowMs()))
                    json.key("active")
                    json.bool(true)
                    json.endObject()
                }
                json.endArray()
            })
    }

    func rules() -> APIResponse {
        object {
            $0.key("groups")
            $0.strings([])
        }
    }

    func alerts() -> APIResponse {
        object {
            $0.key("alerts")
            $0.strings([])
        }
    }

    func alertmanagers() -> APIResponse {
        object {
            $0.key("activeAlertmanagers")
            $0.strings([])
            $0.key("droppedAlertmanagers")
            $0.strings([])
        }
    }

    private func object(_ members: (inout JSONWriter) -> Void) -> APIResponse {
        .json(
            Envelope.success {
                $0.beginObject()
                members(&$0)
                $0.endObject()
            })
    }

    private func buildInfo() -> APIResponse {
        object { appendBuildInfo(to: &$0) }
    }

    private func appendBuildInfo(to json: inout JSONWriter) {
        let members: [(StaticString, String)] = [
            ("version", context.options.version), ("revision", context.options.revision),
            ("branch", "tsq"), ("buildUser", ""), ("buildDate", ""), ("goVersion", ""),
        ]
        for (name, value) in members {
            json.key(name)
            json.string(value)
        }
    }

    /// `/version`: the same without an envelope.
    func version() -> APIResponse {
        var json = JSONWriter()
        json.beginObject()
        appendBuildInfo(to: &json)
        json.endObject()
        return .json(json.bytes)
    }

    private func runtimeInfo() -> APIResponse {
        let options = context.options
        let config = context.configState()
        return object {
            $0.key("startTime")
            $0.string(RFC3339.format(ms: options.startedMs))
            $0.key("CWD")
            $0.string(options.workingDirectory)
            $0.key("hostname")
            $0.string(options.hostname)
            $0.key("serverTime")
            $0.string(RFC3339.format(ms: context.clock.nowMs()))
            $0.key("reloadConfigSuccess")
            $0.bool(config.isGood)
            $0.key("lastConfigTime")
            $0.string(RFC3339.format(ms: config.loadedMs))
            $0.key("corruptionCount")
            $0.int(0)
            // What there is in place of goroutines: threads that answer queries.
            $0.key("goroutineCount")
            $0.int(queryPool.load.running)
            $0.key("GOMAXPROCS")
            $0.int(options.processorCount)
            $0.key("GOMEMLIMIT")
            $0.int(Int64.max)
            $0.key("GOGC")
            $0.string("")
            $0.key("GODEBUG")
            $0.string("")
            $0.key("storageRetention")
            $0.string(options.storageRetention)
        }
    }

    private func tsdb(_ request: APIRequest) async -> APIResponse {
        var limit = 10
        let text = request.form["limit"]
        if !text.isEmpty {
            guard let value = Int(text), value >= 1 else {
                return .failure(APIError(.badData, "limit must be a positive number"))
            }
            if value > 10_000 {
                return .failure(APIError(.badData, "limit must not exceed 10000"))
            }
            limit = value
        }
        let headStatus = context.headStatus
        return await onLookupPool { [self, limit] in
            let head = headStatus(limit)
            return object { Self.append(head, to: &$0) }
        }
    }

    /// As Prometheus's block metas, with the file's name in place of a ULID.
    private static func append(_ blocks: [BlockStatus], to json: inout JSONWriter) {
        json.key("blocks")
        json.beginArray()
        for block in blocks {
            json.element()
            json.beginObject()
            json.key("ulid")
            json.string(block.name)
            json.key("minTime")
            json.int(block.minTimeMs)
            json.key("maxTime")
            json.int(block.maxTimeMs)
            json.key("stats")
            json.beginObject()
            let counts: [(StaticString, UInt64)] = [
                ("numSamples", block.sampleCount), ("numSeries", block.seriesCount),
                ("numChunks", block.chunkCount), ("numBytes", block.byteCount),
            ]
            for (name, count) in counts {
                json.key(name)
                json.int(Int64(clamping: count))
            }
            json.endObject()
            json.key("compaction")
            json.beginObject()
            json.key("level")
            json.int(block.level)
            json.endObject()
            json.key("version")
            json.int(1)
            json.endObject()
        }
        json.endArray()
    }

    private static func append(_ head: HeadStatus, to json: inout JSONWriter) {
        json.key("headStats")
        json.beginObject()
        json.key("numSeries")
        json.int(head.seriesCount)
        json.key("numLabelPairs")
        json.int(head.labelPairCount)
        json.key("chunkCount")
        json.int(head.chunkCount)
        json.key("minTime")
        json.int(head.minTimeMs)
        json.key("maxTime")
        json.int(head.maxTimeMs)
        json.endObject()
        let lists: [(StaticString, [HeadStatus.Entry])] = [
            ("seriesCountByMetricName", head.seriesCountByMetricName),
            ("labelValueCountByLabelName", head.labelValueCountByLabelName),
            ("memoryInBytesByLabelName", head.memoryInBytesByLabelName),
            ("seriesCountByLabelValuePair", head.seriesCountByLabelValuePair),
        ]
        for (name, entries) in lists {
            json.key(name)
            json.beginArray()
            for entry in entries {
                json.element()
                json.beginObject()
                json.key("name")
                json.string(entry.name)
                json.key("value")
                json.int(Int64(clamping: entry.value))
                json.endObject()
            }
            json.endArray()
        }
    }

    // MARK: Lifecycle and own metrics

    func metrics(_ request: APIRequest) -> APIResponse {
        let format = MetricsPageFormat.negotiate(accept: request.accept)
        return APIResponse(
            contentType: format.contentType, body: context.metrics.exposition(format))
    }

    func reload() async -> APIResponse {
        guard let reload = context.reload else {
            return .plainError("Lifecycle API is not enabled.", status: 403)
        }
        do {
            try await reload()
            return .text("")
        } catch {
            return .plainError("failed to reload config: \(error)", status: 500)
        }
    }

    func quit() -> APIResponse {
        guard let quit = context.quit else {
            return .plainError("Lifecycle API is not enabled.", status: 403)
        }
        quit()
        return .text("Requesting termination... Goodbye!")
    }

    func page() -> APIResponse {
        APIResponse(contentType: "text/html; charset=utf-8", body: QueryPage.bytes)
    }
}

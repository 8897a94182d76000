import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL

extension APIRoutes {
    /// The newest sample of each selected series within the look-back, as text 0.0.4 with timestamps.
    ///
    /// - Source: Prometheus web/federate.go: external labels where the series has none of the name,
    ///   `instance=""` where it has no instance, so that the scraping side leaves it empty; stale
    ///   series left out; native histograms have no text form and are left out.
    func federate(_ request: APIRequest) async -> APIResponse {
        let matchers: [[LabelMatcher]]
        do throws(ParameterValues.MatcherError) {
            matchers = try ParameterValues.matchers(request.form.all("match[]"))
        } catch {
            return .plainError(error.message, status: 400)
        }
        let now = context.clock.nowMs()
        let lookup = Lookup(
            limit: 0, fromMs: now - context.engine().options.lookbackMs, toMs: now,
            matchers: matchers)
        let (source, external) = (context.source, context.externalLabels())
        return await onLookupPool {
            do throws(SourceError) {
                let samples = try Self.newest(source, lookup)
                return APIResponse(
                    contentType:
                        "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
                    body: Self.text(samples, external))
            } catch {
                return .plainError(error.message, status: 500)
            }
        }
    }

    private typealias Newest = (labels: LabelSet, timeMs: TimestampMs, value: Double)

    private static func newest(
        _ source: any SeriesSource, _ lookup: Lookup
    ) throws(SourceError) -> [Newest] {
        var found: [LabelSet: Newest] = [:]
        for matchers in lookup.matchers {
            let symbols = SymbolTable()
            let selection = try source.select(
                SelectRequest(matchers: matchers, fromMs: lookup.fromMs, toMs: lookup.toMs),
                symbols: symbols)
            var columns = SampleColumns()
            for index in 0..<selection.count {
                try selection.read(
                    index, fromMs: lookup.fromMs, toMs: lookup.toMs, into: &columns)
                guard let time = columns.times.last, let value = columns.values.last,
                    !StaleMarker.isStale(value), columns.histograms.times.last ?? .min < time
                else { continue }
                let labels = selection.labels.labelSet(index, symbols)
                found[labels] = (labels, time, value)
            }
        }
        return found.values.sorted {
            let (a, b) = ($0.labels.metricName ?? "", $1.labels.metricName ?? "")
            return a == b ? LabelSet.isOrderedBefore($0.labels, $1.labels) : isBytewiseLess(a, b)
        }
    }

    private static func text(_ samples: [Newest], _ external: LabelSet) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(samples.count * 120)
        var family: String?
        for sample in samples {
            guard let name = sample.labels.metricName else { continue }
            let isLegacy = LabelName.isLegacyValidMetric(name)
            if name != family {
                family = name
                let shown = isLegacy ? name : quoted(name)
                bytes.append(contentsOf: "# TYPE \(shown) untyped\n".utf8)
            }
            var labels = sample.labels
            labels[LabelName.metricName] = nil
            for label in external.labels where labels[label.name] == nil {
                labels[label.name] = label.value
            }
            var parts = isLegacy ? [] : [quoted(name)]
            parts += labels.labels.map {
                (LabelName.isLegacyValid($0.name) ? $0.name : quoted($0.name)) + "="
                    + quoted($0.value)
            }
            if labels[LabelName.instance] == nil { parts.append("instance=\"\"") }
            let start = (isLegacy ? name : "") + "{" + parts.joined(separator: ",") + "} "
            bytes.append(contentsOf: start.utf8)
            DecimalPrint.append(sample.value, .general, to: &bytes)
            bytes.append(0x20)
            DecimalPrint.append(sample.timeMs, to: &bytes)
            bytes.append(0x0A)
        }
        return bytes
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"": result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

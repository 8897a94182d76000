import Foundation
import TSQBase
import TSQModel

/// An answer of the HTTP API, taken apart for tables and graphs.
struct QueryAnswer {
    struct Series {
        var labels: LabelSet
        var points: [Point]
    }

    struct Point {
        var timeMs: TimestampMs
        /// As the answer spells it; a native histogram as its JSON.
        var text: String
        /// nil for histograms and strings.
        var value: Double?
    }

    enum Kind: String {
        case scalar, string, vector, matrix
    }

    var kind: Kind
    var series: [Series]
    var notes: [String]

    init(_ body: [UInt8]) throws {
        guard let root = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let data = root["data"] as? [String: Any],
            let kind = (data["resultType"] as? String).flatMap(Kind.init)
        else { throw CommandFailure("the answer is not the JSON that was expected") }
        self.kind = kind
        notes = (root["warnings"] as? [String] ?? []) + (root["infos"] as? [String] ?? [])
        switch kind {
        case .scalar, .string:
            let point = Self.point(data["result"], isText: kind == .string)
            series = [Series(labels: LabelSet(), points: point.map { [$0] } ?? [])]
        case .vector, .matrix:
            series = (data["result"] as? [[String: Any]] ?? []).map(Self.series)
        }
    }

    private static func series(_ json: [String: Any]) -> Series {
        let metric = json["metric"] as? [String: String] ?? [:]
        let single = [json["value"], json["histogram"]].compactMap { $0 }
        let many = (json["values"] as? [Any] ?? []) + (json["histograms"] as? [Any] ?? [])
        return Series(
            labels: LabelSet(metric.map { Label($0.key, $0.value) }),
            points: (single + many).compactMap { point($0, isText: false) })
    }

    private static func point(_ json: Any?, isText: Bool) -> Point? {
        guard let pair = json as? [Any], pair.count == 2, let time = pair[0] as? NSNumber else {
            return nil
        }
        let timeMs = GoNumber.int64Saturating((time.doubleValue * 1000).rounded())
        if let text = pair[1] as? String {
            let value = isText ? nil : try? DecimalParse.double(text)
            return Point(timeMs: timeMs, text: text, value: value)
        }
        let histogram =
            (try? JSONSerialization.data(withJSONObject: pair[1], options: .sortedKeys)) ?? Data()
        return Point(timeMs: timeMs, text: String(decoding: histogram, as: UTF8.self))
    }
}

extension LabelSet {
    /// `name{a="b"}` as people write it.
    var seriesText: String {
        var rest = self
        rest[LabelName.metricName] = nil
        guard let name = metricName else { return rest.description }
        if !LabelName.isLegacyValidMetric(name) { return description }
        return rest.labels.isEmpty ? name : name + rest.description
    }
}

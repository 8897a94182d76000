/// The series of one metric name.
struct MetricFamily {
    enum Kind: String {
        case counter, gauge, histogram
    }

    enum Series {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)
    }

    let kind: Kind
    /// By the labels as they are printed, without braces.
    var series: [String: Series] = [:]

    init(kind: Kind) { self.kind = kind }
}

/// What a program says about a metric beforehand.
struct MetricDescription {
    var help: String?
    var buckets: [Double]?
}

/// Names and labels as the exposition format wants them.
enum MetricText {
    /// Replaces what a metric name may not contain by `_` (swift-metrics labels often have dots).
    static func metricName(_ label: String) -> String {
        sanitized(label, colon: true)
    }

    static func labelName(_ name: String) -> String {
        sanitized(name, colon: false)
    }

    /// `a="b",c="d"`, sorted by name. Of two values for one name the last wins.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var byName: [String: String] = [:]
        for (name, value) in dimensions { byName[labelName(name)] = value }
        return byName.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(escaped($0.value, quote: true))\"" }
            .joined(separator: ",")
    }

    /// Backslash and newline escaped, in label values the quote, too.
    static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func sanitized(_ text: String, colon: Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            let letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F
            let digit = byte >= 0x30 && byte <= 0x39
            if digit && bytes.isEmpty { bytes.append(0x5F) }
            bytes.append(letter || digit || (colon && byte == 0x3A) ? byte : 0x5F)
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }
}

/// A label at the borders, where strings are: configuration, relabelling, rules, JSON.
package struct Label: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Byte by byte: Swift's own comparison calls texts equal that differ in normalisation only.
    package static func == (a: Label, b: Label) -> Bool {
        a.name.utf8.elementsEqual(b.name.utf8) && a.value.utf8.elementsEqual(b.value.utf8)
    }
}

/// Names that have a meaning of their own.
package enum LabelName {
    /// The metric's name is a label, too.
    package static let metricName = "__name__"
    /// With `type-and-unit-labels`: treated like the name.
    package static let metricType = "__type__"
    package static let metricUnit = "__unit__"
    package static let bucketBound = "le"
    package static let quantile = "quantile"
    package static let job = "job"
    package static let instance = "instance"

    /// `[a-zA-Z_][a-zA-Z0-9_]*`: printed without quotes.
    package static func isLegacyValid(_ name: some StringProtocol) -> Bool {
        var first = true
        for byte in name.utf8 {
            let letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F
            if !letter && (first || byte < 0x30 || byte > 0x39) { return false }
            first = false
        }
        return !first
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`: a metric name that needs no quotes.
    package static func isLegacyValidMetric(_ name: some StringProtocol) -> Bool {
        var first = true
        for byte in name.utf8 {
            let letter =
                (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F || byte == 0x3A
            if !letter && (first || byte < 0x30 || byte > 0x39) { return false }
            first = false
        }
        return !first
    }
}

/// Compares strings by their UTF-8 bytes: the order of everything that Prometheus sorts. (Swift's own
/// order compares what Unicode calls equivalent as equal.)
package func isBytewiseLess(_ a: String, _ b: String) -> Bool {
    var a = a
    var b = b
    return a.withUTF8 { a in b.withUTF8 { b in a.lexicographicallyPrecedes(b) } }
}

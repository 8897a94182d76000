import TSQBase
import TSQExposition
import TSQModel

/// A page as a list, for comparisons.
struct ReadSample: Equatable {
    var labels: String
    var value: UInt64
    var timeMs: Int64?
    var exemplar: String?

    init(_ labels: String, _ value: Double, _ timeMs: Int64? = nil, exemplar: String? = nil) {
        self.labels = labels
        self.value = value.bitPattern
        self.timeMs = timeMs
        self.exemplar = exemplar
    }
}

struct ReadPage: Equatable {
    var samples: [ReadSample] = []
    var metadata: [String] = []
}

func read(
    _ bytes: [UInt8], _ format: ExpositionFormat = .prometheusText
) throws(ExpositionError) -> ReadPage {
    var scanner = ExpositionScanner(bytes.span, format: format)
    var page = ReadPage()
    var kind = MetricMetadata.Kind.unknown
    while true {
        switch try scanner.next() {
        case .series:
            var exemplar: String?
            if let found = scanner.exemplar() {
                exemplar = "\(found.labels) \(found.value) \(found.timeMs.map(String.init) ?? "-")"
            }
            page.samples.append(
                ReadSample(
                    "\(scanner.labels(family: kind))", scanner.value, scanner.timestampMs,
                    exemplar: exemplar))
        case .help: page.metadata.append("HELP \(scanner.familyName)=\(scanner.help)")
        case .type:
            kind = scanner.kind
            page.metadata.append("TYPE \(scanner.familyName)=\(scanner.kind)")
        case .unit: page.metadata.append("UNIT \(scanner.familyName)=\(scanner.unit)")
        case .comment: break
        case .end: return page
        }
    }
}

func read(
    _ text: String, _ format: ExpositionFormat = .prometheusText
) throws(ExpositionError) -> ReadPage {
    try read(Array(text.utf8), format)
}

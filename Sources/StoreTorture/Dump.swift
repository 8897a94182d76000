import TSQBase
import TSQIO
import TSQModel
import TSQStore
import TSQTesting

extension StoreTorture {
    /// Runs the simulation of one seed and writes the files it has left to `directory`.
    static func extract(_ directory: String, _ seed: UInt64) throws {
        let simulation = StoreSimulation(seed: seed)
        _ = try simulation.run()
        let system = PosixFileSystem()
        for (path, bytes) in try simulation.files() {
            let target = Path.join(directory, StoreSimulation.pathInStore(path))
            try system.makeDirectory(Path.directory(of: target))
            try system.write(target, bytes.span)
        }
    }

    /// Prints everything a store has, as `Tests/system/read_store.py` does.
    static func dump(_ directory: String) throws {
        let store = try Store.openReadOnly(directory: directory)
        let symbols = SymbolTable()
        let selection = try store.select(
            SelectRequest(
                matchers: [try LabelMatcher(LabelName.metricName, .regex, ".*")], fromMs: .min,
                toMs: .max), symbols: symbols)
        var columns = SampleColumns()
        for index in 0..<selection.count {
            try selection.read(index, fromMs: .min, toMs: .max, into: &columns)
            if columns.isEmpty { continue }
            let pairs = selection.labels.labelSet(index, symbols).labels.map {
                "[\(json($0.name)),\(json($0.value))]"
            }
            print("[\(pairs.joined(separator: ","))]")
            for row in columns.times.indices {
                let start = columns.startTimes.isEmpty ? 0 : columns.startTimes[row]
                print("f \(columns.times[row]) \(words([columns.values[row]])) \(start)")
            }
            for row in 0..<columns.histograms.count { print(text(columns.histograms, row)) }
        }
    }

    private static func text(_ columns: HistogramColumns, _ row: Int) -> String {
        let h = columns.histogram(row)
        let start = columns.startTimes.isEmpty ? 0 : columns.startTimes[row]
        let spans = [h.positiveSpans, h.negativeSpans].map { spans in
            spans.isEmpty
                ? "-" : spans.map { "\($0.offset):\($0.length)" }.joined(separator: ",")
        }
        let numbers = words([h.zeroThreshold, h.zeroCount, h.count, h.sum])
        return "h \(columns.times[row]) \(start) \(h.schema) \(h.hint.rawValue) \(numbers) "
            + "\(spans[0]) \(spans[1]) \(words(h.positiveBuckets)) \(words(h.negativeBuckets)) "
            + words(h.customBounds)
    }

    private static func words(_ values: [Double]) -> String {
        if values.isEmpty { return "-" }
        return values.map { value in
            let digits = String(value.bitPattern, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined(separator: ",")
    }

    private static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

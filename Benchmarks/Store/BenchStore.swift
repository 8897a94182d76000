// Measures the store alone: appending prepared rows, disk and memory, reading, starting.
//
//     bench-store DIR [series] [rows] [seriesPerGroup]
//     bench-store --start DIR     opening a directory, and the newest samples of the series m1
//     bench-store --cut DIR       what a directory (of job "j") takes once its log is in blocks
import TSQBase
import TSQIO
import TSQModel
import TSQStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The next values of a page like those of the benchmark exporter: counters, gauges, constants, a
/// random walk.
struct PageValues {
    var values: [Double]
    private var random: SplitMix64

    init(count: Int, seed: UInt64) {
        values = [Double](repeating: 0, count: count)
        random = SplitMix64(seed: seed)
    }

    mutating func advance() {
        for index in values.indices {
            let draw = random.next()
            switch index % 10 {
            case 0, 1, 2: values[index] += Double(draw % 97)
            case 3: values[index] += Double(draw % 100) / 100
            case 4: if draw % 4 == 0 { values[index] = Double(draw >> 8 & 0xFFFF) }
            case 5: values[index] = Double(draw % 10_000) / 100
            case 6, 7: values[index] = Double(index)
            case 8: if draw % 30 == 0 { values[index] += 1 }
            default: values[index] += Double(draw % 1_000_000) / 999_983 - 0.5
            }
        }
    }
}

struct StandardErrorEvents: EventSink {
    func log(
        _ level: EventLevel, _ message: String, _ fields: [(key: String, value: String)]
    ) {
        print("\(level): \(message) \(fields)")
    }
    func count(_ name: StaticString, by amount: UInt64, labels: [(name: String, value: String)]) {}
}

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func residentKiB() -> Int {
    guard let bytes = try? PosixFileSystem().readAllOfProc("/proc/self/status") else { return 0 }
    let text = String(decoding: bytes, as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix("VmRSS:") {
        return Int(line.split(separator: " ").dropFirst().first ?? "") ?? 0
    }
    return 0
}

extension PosixFileSystem {
    /// Files of /proc say that they are empty.
    func readAllOfProc(_ path: String) throws(IOError) -> [UInt8] {
        let file = try open(path, .read)
        var bytes: [UInt8] = []
        _ = try file.read(at: 0, byteCount: 1 << 16, into: &bytes)
        return bytes
    }
}

/// CPU seconds of this process: other work on the machine does not count.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = cpuSeconds()
    try body()
    return cpuSeconds() - start
}

func rounded(_ value: Double, _ digits: Int = 3) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
}

@main
struct BenchStore {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "--cut" { return try cut(arguments[2]) }
        if arguments.count == 3, arguments[1] == "--start" { return try start(arguments[2]) }
        let directory = arguments.count > 1 ? arguments[1] : "bench-data"
        let seriesCount = arguments.count > 2 ? Int(arguments[2]) ?? 57_000 : 57_000
        let rowCount = arguments.count > 3 ? Int(arguments[3]) ?? 240 : 240
        let width = arguments.count > 4 ? Int(arguments[4]) ?? 1140 : 1140
        try append(directory, seriesCount, rowCount, width)
        try read(directory, seriesCount)
        try backfill(directory + "-import")
    }

    /// Real time: a start is waited for. The directory is left as it is, but for segments of its log.
    static func start(_ directory: String) throws {
        var options = StoreOptions()
        options.retentionMs = .max
        options.runsInBackground = false
        let clock = SystemClock()
        for _ in 0..<7 {
            let begunNs = clock.monotonicNs()
            let store = try Store.open(directory: directory, options: options)
            let openNs = clock.monotonicNs()
            let endMs = (store.statistics().maxTimeMs ?? 0) - 30_000
            let selection = try store.select(
                SelectRequest(
                    matchers: [LabelMatcher(equal: "__name__", "m1")], fromMs: endMs - 300_000,
                    toMs: endMs), symbols: SymbolTable())
            let selectNs = clock.monotonicNs()
            var columns = SampleColumns()
            for index in 0..<selection.count {
                try selection.read(
                    index, fromMs: endMs - 300_000, newestAtMs: endMs, toMs: endMs,
                    into: &columns)
            }
            let readNs = clock.monotonicNs()
            func ms(_ from: UInt64, _ to: UInt64) -> String {
                rounded(Double(to - from) / 1e6, 1)
            }
            print(
                "open \(ms(begunNs, openNs)) ms; select \(selection.count) series "
                    + "\(ms(openNs, selectNs)) ms; read them \(ms(selectNs, readNs)) ms")
            try store.close()
        }
    }

    static func cut(_ directory: String) throws {
        var options = StoreOptions()
        options.retentionMs = .max
        options.runsInBackground = false
        let store = try Store.open(directory: directory, options: options)
        try store.checkpoint()
        try store.maintain()
        let statistics = store.statistics()
        let selection = try store.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: "job", "j")], fromMs: 0, toMs: .max),
            symbols: SymbolTable())
        var columns = SampleColumns()
        var samples = 0
        for index in 0..<selection.count {
            try selection.read(index, fromMs: 0, toMs: .max, into: &columns)
            samples += columns.times.count
        }
        let index = statistics.diskBytes - statistics.blockBytes - statistics.logBytes
        print(
            "\(samples) samples in \(statistics.blockCount) blocks: "
                + "\(rounded(Double(statistics.blockBytes) / Double(samples))) bytes/sample, "
                + "with the index "
                + "\(rounded(Double(statistics.blockBytes + index) / Double(samples)))")
        try store.close()
    }

    /// As `tsq import` does: loose samples, series after series, in batches of some thousand.
    static func backfill(_ directory: String) throws {
        var options = StoreOptions()
        options.retentionMs = .max
        let store = try Store.open(directory: directory, options: options)
        let startMs: TimestampMs = 1_690_000_000_000
        var batch = WriteBatch(origin: .backfill(overwrite: false))
        var accepted = 0
        let took = try seconds {
            for series in 0..<240 {
                let labels = LabelSet(["__name__": "imported", "i": "\(series)"])
                let ref = try store.resolve(labels)
                for row in 0..<480 {
                    batch.refs.append(ref)
                    batch.times.append(startMs + Int64(row) * 5000)
                    batch.values.append(Double(row * series))
                    if batch.refs.count == 5000 {
                        accepted += try store.commit(batch).acceptedCount
                        batch.removeAll()
                    }
                }
            }
            accepted += try store.commit(batch).acceptedCount
        }
        print("import: \(accepted) loose samples in \(rounded(took * 1000, 1)) ms")
        let again = try seconds {
            batch.removeAll()
            for series in 0..<240 {
                let labels = LabelSet(["__name__": "imported", "i": "\(series)"])
                let ref = try store.resolve(labels)
                for row in 0..<20 {
                    batch.refs.append(ref)
                    batch.times.append(startMs - 1_000_000 + Int64(row) * 5000)
                    batch.values.append(Double(row * series))
                }
            }
            accepted = try store.commit(batch).acceptedCount
        }
        print("import of older ones: \(accepted) in \(rounded(again * 1000, 1)) ms")
        try store.close()
    }

    static func append(
        _ directory: String, _ seriesCount: Int, _ rowCount: Int, _ width: Int
    ) throws {
        var options = StoreOptions()
        options.retentionMs = .max
        options.runsInBackground = false
        let store = try Store.open(
            directory: directory, options: options, events: StandardErrorEvents())
        let baseKiB = residentKiB()
        var batches: [WriteBatch] = []
        let registering = try seconds {
            for start in stride(from: 0, to: seriesCount, by: width) {
                var batch = WriteBatch(origin: .scrape, group: store.openGroup())
                for series in start..<min(start + width, seriesCount) {
                    let labels = LabelSet([
                        "__name__": "m\(series % width / 10)", "instance": "web-\(start / width)",
                        "job": "bench", "device": "d\(series % 10)", "zone": "z\(series % 3)",
                    ])
                    batch.rowRefs.append(try store.resolve(labels))
                }
                batches.append(batch)
            }
        }
        print("register \(seriesCount) series: \(rounded(registering)) s")
        var pages = batches.map {
            PageValues(count: $0.rowRefs.count, seed: UInt64($0.rowRefs[0].rawValue))
        }
        let startMs = SystemClock().nowMs() - Int64(rowCount) * 1000
        var appendSeconds = 0.0
        var maintainSeconds = 0.0
        var residentMax = 0
        for row in 0..<rowCount {
            for index in batches.indices {
                pages[index].advance()
                batches[index].rowValues = pages[index].values
                batches[index].rowTimeMs = startMs + Int64(row) * 1000 + Int64(index)
            }
            appendSeconds += try seconds {
                for batch in batches { _ = try store.commit(batch) }
            }
            maintainSeconds += try seconds { try store.maintain() }
            residentMax = max(residentMax, residentKiB())
        }
        let samples = Double(seriesCount * rowCount)
        print(
            "append: \(rounded(samples / appendSeconds / 1e6, 1)) M samples/s of CPU in commit; "
                + "cuts and merges \(rounded(maintainSeconds / samples * 1e6)) s/M samples")
        print("resident: at most \(residentMax) KiB (\(baseKiB) at start)")
        let statistics = store.statistics()
        print(
            "disk: blocks \(rounded(Double(statistics.blockBytes) / samples)) bytes/sample in "
                + "\(statistics.blockCount), log \(rounded(Double(statistics.logBytes) / samples)), "
                + "all \(rounded(Double(statistics.diskBytes) / samples))")
        let checkpoint = try seconds { try store.checkpoint() }
        let after = store.statistics()
        print(
            "checkpoint: \(rounded(checkpoint)) s; then blocks "
                + "\(rounded(Double(after.blockBytes) / samples)), all "
                + "\(rounded(Double(after.diskBytes) / samples)) bytes/sample")
        var path = ""
        let snapshot = try seconds { path = try store.snapshot(name: "bench") }
        let taken = try Store.blocks(directory: path)
        let bytes = taken.reduce(0) { $0 + $1.byteCount } + indexBytes(path)
        print(
            "snapshot: \(rounded(snapshot)) s of CPU; \(rounded(Double(bytes) / samples, 3)) "
                + "bytes/sample, index included, in \(taken.count) blocks")
        let verifying = try seconds {
            let report = try Store.verify(directory: path)
            for problem in report.problems { print("  \(problem)") }
        }
        print("verify: \(rounded(verifying)) s of CPU")
        // As after SIGKILL the log has something to replay.
        for index in batches.indices {
            batches[index].rowTimeMs += 1000
            _ = try store.commit(batches[index])
        }
        try store.close()
        print("resident after closing: \(residentKiB()) KiB")
    }

    private static func indexBytes(_ directory: String) -> UInt64 {
        let (system, path) = (PosixFileSystem(), Path.join(directory, "index"))
        return ((try? system.list(path)) ?? []).reduce(0) {
            $0 + ((try? system.byteCount(Path.join(path, $1))) ?? 0)
        }
    }

    static func read(_ directory: String, _ seriesCount: Int) throws {
        var opened: Store?
        let opening = try seconds { opened = try Store.open(directory: directory) }
        guard let store = opened else { return }
        print("open: \(rounded(opening * 1000, 1)) ms; resident \(residentKiB()) KiB")
        for (name, matchers) in [
            ("one metric", [LabelMatcher(equal: "__name__", "m5")]),
            ("one instance", [LabelMatcher(equal: "instance", "web-3")]),
            ("one device", [LabelMatcher(equal: "device", "d3")]),
            ("everything", [LabelMatcher(equal: "job", "bench")]),
            ("one device again", [LabelMatcher(equal: "device", "d3")]),
        ] {
            var samples = 0
            var count = 0
            var sum = 0.0
            var selecting = 0.0
            let took = try seconds {
                let symbols = SymbolTable()
                var selection: (any SeriesSelection)?
                selecting = try seconds {
                    selection = try store.select(
                        SelectRequest(matchers: matchers, fromMs: 0, toMs: .max), symbols: symbols)
                }
                guard let selection else { return }
                var columns = SampleColumns()
                count = selection.count
                for index in 0..<selection.count {
                    try selection.read(index, fromMs: 0, toMs: .max, into: &columns)
                    samples += columns.times.count
                    sum += columns.values.last ?? 0
                }
            }
            print(
                "\(name): \(count) series, \(samples) samples, select \(rounded(selecting * 1000, 2)) "
                    + "ms, all \(rounded(took * 1000, 2)) ms, "
                    + "\(rounded(Double(samples) / (took - selecting) / 1e6, 1)) M samples/s (\(sum))"
            )
        }
        print("resident: \(residentKiB()) KiB")
        try store.close()
    }
}

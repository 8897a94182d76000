// Tortures the store: simulated disks, and real SIGKILL on a real disk.
//
//     store-torture simulate FIRST COUNT
//                                      runs the simulation for COUNT seeds; exit code 1 when a
//                                      store did what it must not
//     store-torture extract DIR SEED   runs one seed and writes the files it has left to DIR
//     store-torture dump DIR           prints everything a store has
//     store-torture loop DIR KILLS     writes DIR in a child process, kills it again and again, and
//                                      looks whether everything acknowledged is there; exit code 1
//                                      when something is missing
//     store-torture write DIR FIRST    the child: commits from step FIRST on for ever, and writes the
//                                      number of each acknowledged step to standard output
import TSQBase
import TSQIO
import TSQModel
import TSQStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@main
struct StoreTorture {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == "dump" {
            try dump(arguments[2])
            return
        }
        guard arguments.count == 4, let number = Int64(arguments[3]) else {
            print(
                "usage: store-torture simulate FIRST COUNT | store-torture extract DIR SEED | "
                    + "store-torture dump DIR | store-torture loop DIR KILLS | "
                    + "store-torture write DIR FIRST")
            exit(2)
        }
        switch arguments[1] {
        case "write": try write(arguments[2], number)
        case "simulate": exit(try simulate(UInt64(arguments[2]) ?? 0, Int(number)) ? 0 : 1)
        case "extract": try extract(arguments[2], UInt64(clamping: number))
        case "loop": exit(try loop(arguments[2], Int(number)) ? 0 : 1)
        default: exit(2)
        }
    }

    static let seriesCount = 50
    static let startMs: TimestampMs = 1_600_000_000_000

    /// The series that step `step` has a sample of: some come and go.
    static func hasSample(_ series: Int, _ step: Int64) -> Bool {
        series % 10 != 9 || step / 7 % 2 != 0
    }

    static func labels(_ series: Int, _ step: Int64) -> LabelSet {
        LabelSet([
            Label(LabelName.metricName, "m"), Label("i", "\(series)"),
            Label("era", "\(step / 500)"),
        ])
    }

    static func value(_ series: Int, _ step: Int64) -> Double {
        Double(step * 1000 + Int64(series))
    }

    static func write(_ directory: String, _ first: Int64) throws {
        var options = StoreOptions()
        options.runsInBackground = false
        options.retentionMs = .max
        options.checkpointLogBytes = 100_000
        let store = try Store.open(directory: directory, options: options)
        var batch = WriteBatch(origin: .scrape, group: store.openGroup())
        var step = first
        while true {
            batch.removeAll()
            batch.rowTimeMs = startMs + step * 1000
            for series in 0..<seriesCount where hasSample(series, step) {
                batch.rowRefs.append(try store.resolve(labels(series, step)))
                batch.rowValues.append(value(series, step))
            }
            _ = try store.commit(batch)
            var acknowledged = step
            if Self.send(1, &acknowledged, 8) != 8 { return }
            if step % 13 == 0 { try store.maintain() }
            if step % 17 == 0 { try store.checkpoint() }
            step += 1
        }
    }

    private static func send(_ file: Int32, _ value: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(file, value, count)
        #else
            Darwin.write(file, value, count)
        #endif
    }

    static func loop(_ directory: String, _ kills: Int) throws -> Bool {
        var next: Int64 = 0
        var missing = 0
        var random = SplitMix64(seed: 11)
        for _ in 0..<kills {
            next = try life(
                directory, from: next, afterUs: UInt32.random(in: 5000...80_000, using: &random))
        }
        let store = try Store.openReadOnly(directory: directory)
        missing = try self.missing(store, upTo: next)
        print(
            "\(kills) kills, \(next) commits acknowledged, \(missing) samples missing, "
                + "\(store.statistics().blockCount) blocks")
        return missing == 0 && next > 0
    }

    /// One child's life; answers the first step that was not acknowledged.
    static func life(_ directory: String, from first: Int64, afterUs: UInt32) throws -> Int64 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw IOError(.open, "pipe", code: errno) }
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        var words: [UnsafeMutablePointer<CChar>?] = [
            strdup(CommandLine.arguments[0]), strdup("write"), strdup(directory),
            strdup("\(first)"), nil,
        ]
        var child: pid_t = 0
        let code = posix_spawn(&child, CommandLine.arguments[0], &actions, nil, &words, environ)
        posix_spawn_file_actions_destroy(&actions)
        for word in words { free(word) }
        close(ends[1])
        if code != 0 { throw IOError(.open, CommandLine.arguments[0], code: code) }
        // The time counts from the first commit: a start takes longer or shorter.
        var step: Int64 = 0
        var next = first
        if read(ends[0], &step, 8) == 8 { next = step + 1 }
        usleep(afterUs)
        kill(child, SIGKILL)
        while read(ends[0], &step, 8) == 8 { next = step + 1 }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        close(ends[0])
        if status != SIGKILL { print("the writer ended by itself: \(status)") }
        return next
    }

    static func missing(_ store: ReadOnlyStore, upTo end: Int64) throws -> Int {
        let symbols = SymbolTable()
        let selection = try store.select(
            SelectRequest(
                matchers: [LabelMatcher(equal: LabelName.metricName, "m")], fromMs: 0, toMs: .max),
            symbols: symbols)
        var right = 0
        var columns = SampleColumns()
        for index in 0..<selection.count {
            let found = selection.labels.labelSet(index, symbols)
            let series = Int(found["i"] ?? "") ?? -1
            try selection.read(index, fromMs: 0, toMs: .max, into: &columns)
            for row in columns.times.indices {
                let step = (columns.times[row] - startMs) / 1000
                if step < end && columns.values[row] == value(series, step)
                    && found["era"] == "\(step / 500)"
                {
                    right += 1
                }
            }
        }
        var expected = 0
        for step in 0..<end {
            for series in 0..<seriesCount where hasSample(series, step) { expected += 1 }
        }
        return expected - right
    }
}

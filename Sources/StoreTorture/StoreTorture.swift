// Tortures the store: simulated disks, and real SIGKILL on a real disk.
//
//     store-torture simulate FIRST COUNT [DIGEST]
//                                      runs the simulation for COUNT seeds; exit code 1 when a
//                                      store did what it must not, or when the calls to the disk
//                                      are not those of the digest
//     store-torture limits FIRST COUNT  likewise, with limits of bytes and of memory
//     store-torture extract DIR SEED   runs one seed and writes the files it has left to DIR
//     store-torture fuzz SECONDS SEED  changes files under right checksums and reads them
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
        if arguments.count == 5, arguments[1] == "simulate", let first = UInt64(arguments[2]),
            let count = Int(arguments[3]), let digest = UInt64(arguments[4], radix: 16)
        {
            exit(try simulate(first, count, digest: digest) ? 0 : 1)
        }
        guard arguments.count == 4, let number = Int64(arguments[3]) else {
            print(
                "usage: store-torture simulate FIRST COUNT [DIGEST] | "
                    + "store-torture limits FIRST COUNT | store-torture extract DIR SEED | "
                    + "store-torture fuzz SECONDS SEED | store-torture dump DIR | "
                    + "store-torture loop DIR KILLS | store-torture write DIR FIRST")
            exit(2)
        }
        switch arguments[1] {
        case "write": try write(arguments[2], number)
        case "simulate": exit(try simulate(UInt64(arguments[2]) ?? 0, Int(number)) ? 0 : 1)
        case "limits":
            exit(try simulate(UInt64(arguments[2]) ?? 0, Int(number), hasLimits: true) ? 0 : 1)
        case "fuzz": exit(try fuzz(Int64(arguments[2]) ?? 0, UInt64(clamping: number)) ? 0 : 1)
        case "extract": try extract(arguments[2], UInt64(clamping: number))
        case "loop": exit(try loop(arguments[2], Int(number)) ? 0 : 1)
        default: exit(2)
        }
    }

    static func write(_ directory: String, _ first: Int64) throws {
        var options = StoreOptions()
        // Threads of the store's own checkpoint, merge and sync beside the commits.
        options.retentionMs = .max
        options.checkpointLogBytes = 100_000
        options.logSegmentBytes = 200_000
        let store = try Store.open(directory: directory, options: options)
        let group = store.openGroup()
        var step = first
        while true {
            for batch in try TortureLoad.batches(step, group, store.resolve) {
                let report = try store.commit(batch)
                if report.refusedCount > 0 { print("refused: \(report.refusals)") }
            }
            var acknowledged = step
            if send(1, &acknowledged, 8) != 8 { return }
            if step % 13 == 0 { try store.maintain() }
            if step % 17 == 0 { try store.checkpoint() }
            step += 1
        }
    }

    static func send(_ file: Int32, _ value: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(file, value, count)
        #else
            Darwin.write(file, value, count)
        #endif
    }

    static func loop(_ directory: String, _ kills: Int) throws -> Bool {
        var next: Int64 = 0
        var (missing, readersMissing) = (0, 0)
        var random = SplitMix64(seed: 11)
        for number in 0..<kills {
            let reads = number % 5 == 4
            next = try life(
                directory, from: next, afterUs: UInt32.random(in: 5000...80_000, using: &random)
            ) { acknowledged in
                // Beside the writer: whatever was acknowledged before the reader opened is there.
                if !reads { return }
                let store = try Store.openReadOnly(directory: directory)
                readersMissing += try self.missing(store, upTo: acknowledged).missing
            }
        }
        let store = try Store.openReadOnly(directory: directory)
        let (expected, lost) = try self.missing(store, upTo: next)
        missing = lost
        print(
            "\(kills) kills, \(next) steps and \(expected) samples acknowledged, "
                + "\(missing) missing, \(readersMissing) missing to readers beside the writer, "
                + "\(store.statistics().blockCount) blocks")
        return missing == 0 && readersMissing == 0 && next > 0
    }

    /// One child's life; answers the first step that was not acknowledged.
    static func life(
        _ directory: String, from first: Int64, afterUs: UInt32, meanwhile: (Int64) throws -> Void
    ) throws -> Int64 {
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
        try meanwhile(next)
        kill(child, SIGKILL)
        while read(ends[0], &step, 8) == 8 { next = step + 1 }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        close(ends[0])
        if status != SIGKILL { print("the writer ended by itself: \(status)") }
        return next
    }

    /// How many samples steps before `end` have, and how many of them the store has not, or otherwise.
    static func missing(
        _ store: ReadOnlyStore, upTo end: Int64
    ) throws -> (expected: Int, missing: Int) {
        var found: [LabelSet: SampleColumns] = [:]
        let symbols = SymbolTable()
        let selection = try store.select(
            SelectRequest(
                matchers: [try LabelMatcher(LabelName.metricName, .regex, ".+")], fromMs: .min,
                toMs: .max), symbols: symbols)
        for index in 0..<selection.count {
            var columns = SampleColumns()
            try selection.read(index, fromMs: .min, toMs: .max, into: &columns)
            found[selection.labels.labelSet(index, symbols)] = columns
        }
        return TortureLoad.count(found, upTo: end)
    }
}

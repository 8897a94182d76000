import TSQBase
import TSQIO
import TSQModel
import TSQStore

/// Changes files of stores in ways that their checksums do not show, and reads them: a decoder may
/// refuse or answer, and never traps.
package struct StoreFuzz {
    private let stores: [[(path: String, bytes: [UInt8])]]
    package private(set) var refused = 0
    package private(set) var answered = 0

    /// - Throws: `StoreSimulation.Failure`.
    package init(storeCount: Int = 6) throws {
        stores = try (0..<storeCount).map { index in
            // Seeds that do not end with damage.
            let simulation = StoreSimulation(seed: UInt64(index) * 4 + 1)
            _ = try simulation.run(steps: 60 + 30 * index)
            return try simulation.files().filter { !$0.path.hasSuffix("/lock") }
        }
    }

    /// One change and everything that reads it; the same seed does the same.
    package mutating func step(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let files = stores[Int.random(in: 0..<stores.count, using: &random)]
        let disk = SimFileSystem(seed: seed, givesShortReads: false)
        var index = Int.random(in: 0..<files.count, using: &random)
        // Half of the time what matters most, whatever the number of blocks.
        if Bool.random(using: &random) {
            let kind = ["MANIFEST", ".log", ".idx", ".blk"][Int.random(in: 0..<4, using: &random)]
            let some = files.indices.filter { files[$0].path.hasSuffix(kind) }
            if let chosen = some.randomElement(using: &random) { index = chosen }
        }
        for (place, file) in files.enumerated() {
            var bytes = file.bytes
            if place == index { Self.change(&bytes, file.path, &random) }
            try? disk.makeDirectory(Path.directory(of: file.path))
            try? disk.write(file.path, bytes.span)
        }
        do {
            let reader = try Store.openReadOnly(
                directory: StoreSimulation.directory, fileSystem: disk)
            try Self.read(reader)
            if Int.random(in: 0..<4, using: &random) == 0 { try Self.write(disk) }
            answered += 1
        } catch {
            refused += 1
        }
    }

    private static func read(_ source: some SeriesSource) throws {
        let symbols = SymbolTable()
        let selection = try source.select(
            SelectRequest(
                matchers: [try LabelMatcher("__name__", .regex, ".*")], fromMs: .min, toMs: .max),
            symbols: symbols)
        var columns = SampleColumns()
        var firstError: (any Error)?
        for index in 0..<selection.count {
            do {
                try selection.read(index, fromMs: .min, toMs: .max, into: &columns)
            } catch {
                firstError = error
            }
        }
        let job = try LabelMatcher("job", .notEqual, "even")
        _ = try source.labelNames(matching: [[job]], fromMs: 0, toMs: .max)
        _ = try source.labelValues("i", matching: [], fromMs: .min, toMs: .max)
        _ = try source.exemplars(matching: [], fromMs: .min, toMs: .max)
        if let firstError { throw firstError }
    }

    private static func write(_ disk: SimFileSystem) throws {
        var options = StoreOptions()
        options.runsInBackground = false
        options.retentionMs = .max
        let store = try Store.open(
            directory: StoreSimulation.directory, options: options, fileSystem: disk)
        let ref = try store.resolve(LabelSet(["__name__": "new"]))
        var batch = WriteBatch(origin: .backfill(overwrite: true))
        batch.refs = [ref]
        batch.times = [1_700_000_000_000]
        batch.values = [1]
        _ = try store.commit(batch)
        try store.checkpoint()
        try store.maintain()
        try store.close()
    }

    private static func change(
        _ bytes: inout [UInt8], _ path: String, _ random: inout SplitMix64
    ) {
        if bytes.isEmpty { return }
        let seal = Reseal(path)
        // Seen through its seals, so that the change is behind the checksum of a log record, too.
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[at] = 0xFF
            case 2: bytes[at] = 0
            case 3:
                for index in at..<min(bytes.count, at + 8) { bytes[index] = 0xFF }
            case 4:
                for index in at..<min(bytes.count, at + 9) { bytes[index] = 0x80 }
            case 5:
                let other = Int.random(in: 0..<bytes.count, using: &random)
                let count = min(16, bytes.count - at, bytes.count - other)
                for index in 0..<count { bytes[at + index] = bytes[other + index] }
            default: bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        }
        if Int.random(in: 0..<8, using: &random) != 0 { seal.apply(&bytes) }
    }
}

/// Makes checksums right again (docs/format).
private struct Reseal {
    private let path: String

    init(_ path: String) { self.path = path }

    func apply(_ bytes: inout [UInt8]) {
        if path.hasSuffix("MANIFEST") {
            if bytes.count < 4 { return }
            put(crc(bytes, 0..<(bytes.count - 4)), bytes.count - 4, &bytes)
        } else if path.hasSuffix(".log") {
            sealLog(&bytes)
        } else if path.hasSuffix(".idx") {
            sealIndex(&bytes)
        } else if path.hasSuffix(".blk") {
            sealBlock(&bytes)
        } else if bytes.count >= 4 {
            put(crc(bytes, 0..<(bytes.count - 4)), bytes.count - 4, &bytes)
        }
    }

    private func crc(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        CRC32C.checksum(bytes.span.extracting(range))
    }

    private func u32(_ bytes: [UInt8], _ offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private func put(_ value: UInt32, _ offset: Int, _ bytes: inout [UInt8]) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
        }
    }

    private func sealLog(_ bytes: inout [UInt8]) {
        var at = 16
        while at + 16 <= bytes.count {
            let stored = u32(bytes, at + 4)
            let end = at + 16 + stored
            if stored > bytes.count || end > bytes.count { return }
            var sum = CRC32C()
            sum.update(bytes.span.extracting(at..<(at + 12)))
            sum.update(bytes.span.extracting((at + 16)..<end))
            put(sum.value, at + 12, &bytes)
            at = end
        }
    }

    private func sealIndex(_ bytes: inout [UInt8]) {
        let footer = bytes.count - 232
        if footer < 4 { return }
        let table = u32(bytes, footer + 208)
        if table <= footer, footer - table < 1 << 16 {
            for block in 0..<((footer - table) / 4) where block * 65_536 < table {
                let end = min(table, (block + 1) * 65_536)
                put(crc(bytes, (block * 65_536)..<end), table + 4 * block, &bytes)
            }
            put(crc(bytes, table..<footer), footer + 216, &bytes)
        }
        put(crc(bytes, footer..<(footer + 220)), footer + 220, &bytes)
    }

    private func sealBlock(_ bytes: inout [UInt8]) {
        let footer = bytes.count - 96
        if footer < 16 { return }
        let (times, timesCount) = (u32(bytes, footer), u32(bytes, footer + 8))
        let (pages, pagesCount) = (u32(bytes, footer + 16), u32(bytes, footer + 24))
        func sealTable(_ start: Int, _ count: Int, _ size: Int, _ place: (Int) -> (Int, Int)) {
            if start > footer || count > footer || start + count * size > footer { return }
            for entry in 0..<count {
                let at = start + entry * size
                let (offsetAt, checkAt) = place(at)
                let (offset, length) = (u32(bytes, offsetAt), u32(bytes, offsetAt + 8))
                if offset <= footer, length <= footer - offset {
                    put(crc(bytes, offset..<(offset + length)), checkAt, &bytes)
                }
            }
        }
        sealTable(times, timesCount, 40) { ($0, $0 + 12) }
        sealTable(pages, pagesCount, 24) { ($0 + 8, $0 + 20) }
        if times <= footer, timesCount <= footer, times + timesCount * 40 <= footer {
            put(crc(bytes, times..<(times + timesCount * 40)), footer + 12, &bytes)
        }
        if pages <= footer, pagesCount <= footer, pages + pagesCount * 24 <= footer {
            put(crc(bytes, pages..<(pages + pagesCount * 24)), footer + 28, &bytes)
        }
        put(crc(bytes, footer..<(footer + 80)), footer + 80, &bytes)
    }
}

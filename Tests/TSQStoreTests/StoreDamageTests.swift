import TSQBase
import TSQIO
import TSQModel
import TSQTesting
import Testing

@testable import TSQStore

@Suite("Store with damaged files, and old ones")
struct StoreDamageTests {
    private func filled(_ harness: StoreHarness, rows: Int = 5) throws -> Store {
        let store = try harness.open()
        let group = store.openGroup()
        let refs = try (0..<3).map { try store.resolve(labels("m", ["i": "\($0)"])) }
        let start = harness.clock.nowMs()
        for step in 0..<rows {
            try store.addRow(
                group, start + Int64(step) * 1000, refs.map { ($0, Double(step) + 0.5) })
        }
        return store
    }

    @Test("a flipped bit in a block gives the right samples or an error, never wrong ones")
    func flippedBlock() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        try store.checkpoint()
        let expected = try store.samples(named: "m")
        try store.close()
        let path = try #require(harness.disk.paths.first { $0.hasSuffix(".blk") })
        var errors = 0
        for byte in 0..<(try harness.disk.readAll(path).count) {
            harness.disk.flipBit(path, byte: byte, bit: byte % 8)
            do {
                let reader = try harness.openReadOnly()
                let found = try reader.samples(named: "m")
                // Set aside as a whole: then nothing is found.
                #expect(found == expected || found.isEmpty, "byte \(byte)")
                if found.isEmpty { errors += 1 }
            } catch is SourceError {
                errors += 1
            }
            harness.disk.flipBit(path, byte: byte, bit: byte % 8)
        }
        #expect(errors > 100)
    }

    @Test("a flipped bit anywhere in the log is survived, and gives no other values")
    func flippedLog() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        try store.close()
        let path = try #require(harness.disk.paths.last { $0.hasSuffix(".log") })
        for byte in stride(from: 16, to: try harness.disk.readAll(path).count, by: 3) {
            harness.disk.flipBit(path, byte: byte, bit: 2)
            let reader = try harness.openReadOnly()
            let found = try reader.samples(named: "m")
            for (_, samples) in found { #expect(samples.count <= 5) }
            #expect(found.values.allSatisfy { $0.allSatisfy { $0.bits & 0xFFFF_FFFF == 0 } })
            harness.disk.flipBit(path, byte: byte, bit: 2)
        }
    }

    @Test(
        "a damaged log record takes the rows along that are differences to it, no other; all named",
        arguments: [40, 25, 2])
    func damagedRecord(rowsBeforeEnd: Int) throws {
        let harness = StoreHarness()
        let store = try filled(harness, rows: 60)
        let expected = try store.samples(named: "m")
        try store.close()
        let path = try #require(harness.disk.paths.last { $0.hasSuffix(".log") })
        let byteCount = try harness.disk.readAll(path).count
        harness.disk.flipBit(path, byte: byteCount - byteCount * rowsBeforeEnd / 60, bit: 0)
        let again = try harness.open()
        let found = try again.samples(named: "m")
        for (labels, all) in expected {
            let kept = try #require(found[labels])
            let lost = all.filter { !kept.contains($0) }
            #expect(kept.allSatisfy { all.contains($0) })
            #expect(!lost.isEmpty && lost.count <= LogRows.distanceMax + 1)
            let first = try #require(all.firstIndex { $0 == lost.first })
            #expect(Array(all[first..<(first + lost.count)]) == lost)
        }
        try again.close()
        #expect(try harness.open().samples(named: "m") == found)
    }

    @Test("a damaged or missing MANIFEST is put together anew, with everything")
    func damagedManifest() throws {
        for isMissing in [false, true] {
            let harness = StoreHarness()
            let store = try filled(harness)
            try store.checkpoint()
            let group = store.openGroup()
            let refs = try (0..<3).map { try store.resolve(labels("m", ["i": "\($0)"])) }
            let time = harness.clock.nowMs() + 100_000
            try store.addRow(group, time, refs.map { ($0, 1) })
            try store.checkpoint()
            try store.addRow(group, time + 1000, refs.map { ($0, 2) })
            let expected = try store.samples(named: "m")
            #expect(expected.values.allSatisfy { $0.count == 7 })
            try store.close()
            if isMissing {
                try harness.disk.remove("d/MANIFEST")
            } else {
                harness.disk.flipBit("d/MANIFEST", byte: 12, bit: 1)
            }
            // A reader changes nothing: it says what is wrong.
            #expect(throws: StoreError.self) { try harness.openReadOnly() }
            let again = try harness.open()
            #expect(try again.samples(named: "m") == expected)
            #expect(try again.add(labels("m", ["i": "0"]), [(time + 5000, 3)]).acceptedCount == 1)
            try again.checkpoint()
            again._checkInvariants()
            try again.close()
            #expect(
                try harness.open().samples(named: "m").values.map(\.count).sorted() == [7, 7, 8])
            let problems = try Store.verify(directory: "d", fileSystem: harness.disk).problems
            #expect(problems.isEmpty)
        }
    }

    @Test("a damaged index segment is written anew at the next start, with all that can be read")
    func damagedIndex() throws {
        var rebuilt = 0
        var lostSome = 0
        func series(_ index: Int) -> LabelSet {
            labels(
                "m",
                [
                    "i": "value-\(index)-\(index * 7919 % 1000)-of-a-longer-text",
                    "j": "\(index % 9)",
                ])
        }
        let seriesCount = 4000
        let whole = StoreHarness()
        let start = whole.clock.nowMs()
        let store = try whole.open()
        // More than a checksum's block of labels.
        var batch = WriteBatch(origin: .timestamped)
        for index in 0..<seriesCount {
            batch.refs.append(try store.resolve(series(index)))
            batch.times.append(start)
            batch.values.append(Double(index))
        }
        _ = try store.commit(batch)
        try store.checkpoint()
        try store.close()
        let path = try #require(whole.disk.paths.first { $0.hasSuffix(".idx") })
        let count = try whole.disk.readAll(path).count
        #expect(count > 3 << 16)
        for attempt in 0..<20 {
            let harness = try whole.copy()
            // Not at its ends, which are checked at the start.
            harness.disk.flipBit(path, byte: 16 + attempt * (count - 600) / 20, bit: 2)
            let damaged = try harness.open()
            for _ in 0..<2 {
                _ = try? damaged.samples(named: "m")
                _ = try? damaged.add(labels("x"), [(start + 1, 1)])
            }
            for index in stride(from: 0, to: seriesCount, by: 25) {
                _ = try? damaged.resolve(series(index))
            }
            try? damaged.close()
            if !harness.disk.paths.contains("d/repair") { continue }
            let again = try harness.open()
            #expect(!harness.disk.paths.contains("d/repair"))
            let found = try again.samples(named: "m")
            rebuilt += 1
            if found.count < seriesCount { lostSome += 1 }
            // What is found is right.
            for (labels, samples) in found {
                let index = labels["i"]?.split(separator: "-").dropFirst().first ?? ""
                #expect(samples.first.map { Double(bitPattern: $0.bits) } == Double(index))
            }
            #expect(try again.add(labels("new"), [(start + 2, 1)]).acceptedCount == 1)
            again._checkInvariants()
        }
        // Postings and hash slots are made anew from the series: nothing is lost with them.
        #expect(rebuilt > 10 && lostSome < rebuilt)
    }

    @Test("an index segment whose footer is damaged is made anew, and loses nothing")
    func damagedIndexFooter() throws {
        for back in [1, 9, 13, 17, 40, 232] {
            let harness = StoreHarness()
            let store = try filled(harness)
            try store.checkpoint()
            let expected = try store.samples(named: "m")
            try store.close()
            let path = try #require(harness.disk.paths.first { $0.hasSuffix(".idx") })
            harness.disk.flipBit(path, byte: try harness.disk.readAll(path).count - back, bit: 3)
            #expect(try !Store.verify(directory: "d", fileSystem: harness.disk).isSound)
            let events = LineEvents()
            let reader = try Store.openReadOnly(
                directory: "d", fileSystem: harness.disk, events: events)
            #expect(try reader.samples(named: "m") == expected, "back \(back)")
            #expect(events.lines.contains { $0.contains("footer") })
            let again = try harness.open()
            #expect(try again.samples(named: "m") == expected)
            #expect(again.statistics().setAsideCount == 0)
            try again.add(labels("n"), [(harness.clock.nowMs(), 1)])
            try again.checkpoint()
            try again.close()
            #expect(try Store.verify(directory: "d", fileSystem: harness.disk).isSound)
            #expect(try harness.open().samples(named: "m") == expected)
        }
    }

    @Test("a block that cannot be opened is moved aside when the MANIFEST is rebuilt, not removed")
    func damagedManifestAndBlock() throws {
        let harness = StoreHarness()
        let store = try filled(harness)
        try store.checkpoint()
        try store.close()
        let path = try #require(harness.disk.paths.first { $0.hasSuffix(".blk") })
        let count = try harness.disk.readAll(path).count
        harness.disk.flipBit(path, byte: count - 30, bit: 1)
        harness.disk.flipBit("d/MANIFEST", byte: 12, bit: 1)
        let again = try harness.open()
        _ = try again.samples(named: "m")
        #expect(harness.disk.paths.contains("d/damaged/blocks-" + Path.name(of: path)))
        #expect(harness.disk.paths.contains("d/MANIFEST.damaged"))
    }

    @Test("a MANIFEST of a later version is refused and left as it is")
    func laterManifest() throws {
        let harness = StoreHarness()
        try filled(harness).close()
        // `3` becomes `7`.
        harness.disk.flipBit("d/MANIFEST", byte: 6, bit: 2)
        let bytes = try harness.disk.readAll("d/MANIFEST")
        #expect(throws: StoreError.self) { try harness.open() }
        #expect(try harness.disk.readAll("d/MANIFEST") == bytes)
    }

    @Test("retention counts back from the smaller of now and the newest sample")
    func retention() throws {
        var harness = StoreHarness()
        harness.options.retentionMs = 10 * 3_600_000
        let store = try harness.open()
        let now = harness.clock.nowMs()
        let hour: Int64 = 3_600_000
        #expect(try store.add(labels("old"), [(now - 9 * hour, 1)]).acceptedCount == 1)
        try store.checkpoint()
        #expect(try store.add(labels("new"), [(now, 1)]).acceptedCount == 1)
        try store.checkpoint()
        #expect(
            try store.add(labels("old"), [(now - 11 * hour, 1)]).refusals.map(\.reason)
                == [.tooOld])
        // The clock goes on, but no newer sample comes: nothing is thrown away.
        harness.clock.advance(byMs: 100 * hour)
        try store.maintain()
        #expect(try store.samples(named: "old").count == 1)
        // A newer sample comes: the old block goes as a whole.
        try store.add(labels("new"), [(now + 2 * hour, 2)])
        try store.maintain()
        #expect(try store.samples(named: "old").isEmpty)
        #expect(try store.samples(named: "new")[labels("new")]?.count == 2)
        // The two of the newer samples: the second was cut because the head was old.
        #expect(harness.disk.paths.filter { $0.hasSuffix(".blk") }.count == 2)
    }

    @Test("back-filled years are spread over blocks of limited ranges, in any order of arrival")
    func backfill() throws {
        let harness = StoreHarness()
        let store = try harness.open()
        let day: Int64 = 86_400_000
        let start = harness.clock.nowMs() - 1000 * day
        var random = SplitMix64(seed: 4)
        let days = (0..<1000).shuffled(using: &random)
        for part in stride(from: 0, to: 1000, by: 100) {
            let times = days[part..<(part + 100)].sorted()
            try store.add(labels("y"), times.map { (start + Int64($0) * day, Double($0)) })
        }
        let expected = (0..<1000).map { Sample(start + Int64($0) * day, Double($0)) }
        #expect(try store.samples(named: "y")[labels("y")] == expected)
        try store.checkpoint()
        #expect(try store.samples(named: "y")[labels("y")] == expected)
        let count = store.statistics().blockCount
        #expect(count > 10 && count < 40)
    }

    @Test("histograms and start times survive log and blocks")
    func histograms() throws {
        let harness = StoreHarness()
        var store = try harness.open()
        let ref = try store.resolve(labels("h"))
        let plain = try store.resolve(labels("c"))
        let now = harness.clock.nowMs()
        var batch = WriteBatch(origin: .timestamped)
        for step in 0..<4 {
            var histogram = Histogram()
            histogram.schema = 3
            histogram.hint = step == 2 ? .reset : .notReset
            histogram.count = Double(step + 3)
            histogram.sum = 1.5
            histogram.positiveSpans = [HistogramSpan(offset: 1, length: 2)]
            histogram.positiveBuckets = [Double(step), 2]
            batch.histogramRefs.append(ref)
            batch.histograms.append(
                histogram, timeMs: now + Int64(step), startTimeMs: step == 0 ? 0 : now - 5)
            batch.refs.append(plain)
            batch.times.append(now + Int64(step))
            batch.values.append(Double(step))
            batch.startTimes.append(step == 1 ? 0 : now - 7)
        }
        #expect(try store.commit(batch).acceptedCount == 8)
        for round in 0..<3 {
            if round == 1 {
                try store.close()
                store = try harness.open()
            }
            if round == 2 { try store.checkpoint() }
            let symbols = SymbolTable()
            var columns = SampleColumns()
            let h = try store.select(
                SelectRequest(
                    matchers: [LabelMatcher(equal: "__name__", "h")], fromMs: 0, toMs: .max),
                symbols: symbols)
            try h.read(0, fromMs: 0, toMs: .max, into: &columns)
            #expect(columns.histograms == batch.histograms, "round \(round)")
            let c = try store.select(
                SelectRequest(
                    matchers: [LabelMatcher(equal: "__name__", "c")], fromMs: 0, toMs: .max),
                symbols: symbols)
            try c.read(0, fromMs: 0, toMs: .max, into: &columns)
            #expect(columns.startTimes == batch.startTimes, "round \(round)")
        }
    }
}

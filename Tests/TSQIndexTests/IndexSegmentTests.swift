import TSQBase
import TSQIndex
import TSQModel
import Testing

@Suite("IndexSegment")
struct IndexSegmentTests {
    struct NoError: Error {}

    static func write(
        _ parts: [any SeriesIndexPart], keep: (UInt32) -> Bool = { _ in true }
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try IndexSegmentWriter.write(parts, keep: keep) { (span: Span<UInt8>) throws(NoError) in
            span.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    static func segment(_ bytes: [UInt8]) throws(IndexError) -> IndexSegment {
        try IndexSegment(IndexBuffer(bytes))
    }

    @Test(
        "a segment answers what the delta it was written from answers",
        arguments: [0, 1, 2, 15, 16, 17, 100, 1500])
    func roundTrip(count: Int) throws {
        let (delta, model) = SeriesDeltaTests.random(count, seed: UInt64(count), firstRef: 3)
        let segment = try Self.segment(Self.write([delta]))
        try segment.verify()
        #expect(try differences(segment, model, seed: UInt64(count), rounds: 100) == [])
    }

    @Test(
        "a footer is found again from the sections, if they and the checksums are whole",
        arguments: [1, 2, 15, 16, 17, 33, 100, 3000])
    func footerSearch(count: Int) throws {
        let (delta, model) = SeriesDeltaTests.random(count, seed: UInt64(count), firstRef: 3)
        let whole = try Self.write([delta])
        for damage in 0..<12 {
            var bytes = whole
            switch damage {
            case 0: for index in bytes.indices.suffix(232) { bytes[index] = 0 }
            case 1: bytes[bytes.count - 1] ^= 1
            default: bytes[bytes.count - 232 + damage * 19] ^= 4
            }
            #expect(throws: IndexError.self) { try Self.segment(bytes) }
            let found = try #require(IndexFooterSearch.restore(IndexBuffer(bytes)))
            #expect(found.bytes.raw.elementsEqual(whole))
            if damage == 0 {
                #expect(try differences(found, model, seed: UInt64(count), rounds: 10) == [])
            }
            // Nothing is made of sections that are damaged as well.
            bytes[16 + damage * (bytes.count - 260) / 12] ^= 2
            #expect(IndexFooterSearch.restore(IndexBuffer(bytes)) == nil)
        }
        #expect(IndexFooterSearch.restore(IndexBuffer(Array(whole.dropLast(8)))) == nil)
    }

    @Test("segments and deltas merge; series that are not kept go, with their pairs")
    func merging() throws {
        for seed: UInt64 in 1...6 {
            var random = SplitMix64(seed: seed)
            var model = IndexModel()
            var known: Set<LabelSet> = []
            var parts: [any SeriesIndexPart] = []
            var firstRef: UInt32 = 10
            for part in 0..<4 {
                var delta = SeriesDelta(firstRef: firstRef)
                for _ in 0..<(part * 150) {
                    let labels = IndexModel.labels(&random)
                    // A label set is in one part of a registry.
                    if known.insert(labels).inserted {
                        let (ref, _) = delta.register(labels, hash: LabelHash.hash(labels))
                        model.series[ref] = labels
                    }
                }
                firstRef += UInt32(delta.seriesCount) + 5
                let isSegment = part != 2
                parts.append(isSegment ? try Self.segment(Self.write([delta])) : delta)
            }
            model.series = model.series.filter { $0.key % 3 != 0 }
            let merged = try Self.segment(Self.write(parts) { $0 % 3 != 0 })
            try merged.verify()
            #expect(try differences(merged, model, seed: seed, rounds: 60) == [])
            let symbols = SymbolTable()
            let matchers = [try LabelMatcher("instance", .regex, "web-1.*|")]
            let selected = try SelectedSeries(parts, matching: matchers, symbols: symbols) {
                $0 % 3 != 0
            }
            let expected = model.select(matchers)
            #expect(
                (0..<selected.count).map { selected.labels.labelSet($0, symbols) }
                    == expected.map(\.labels))
            #expect(
                (0..<selected.count).flatMap { selected.refs($0) }
                    == expected.map(\.ref))
            #expect(selected.hasAllLabels)
            for some in [parts, [merged]] {
                let narrowed = try SelectedSeries(
                    some, matching: matchers, symbols: symbols, labelNames: ["job"], narrowedMin: 0
                ) { $0 % 3 != 0 }
                #expect(!narrowed.hasAllLabels || expected.isEmpty)
                #expect(
                    (0..<narrowed.count).map { narrowed.labels.labelSet($0, symbols) }
                        == expected.map { series in
                            LabelSet(
                                series.labels.labels.filter {
                                    $0.name == "job" || $0.name == LabelName.metricName
                                })
                        })
                #expect(
                    (0..<narrowed.count).flatMap { narrowed.refs($0) } == expected.map(\.ref))
            }
        }
    }

    @Test("label sets that several parts have are selected once, with a member for each part")
    func repeated() throws {
        var parts: [any SeriesIndexPart] = []
        for part in 0..<3 {
            var delta = SeriesDelta(firstRef: UInt32(part) * 100)
            for index in 0...part {
                let labels = LabelSet(["__name__": "up", "n": "\(index)"])
                _ = delta.register(labels, hash: LabelHash.hash(labels))
            }
            parts.append(delta)
        }
        let symbols = SymbolTable()
        let up = [LabelMatcher(equal: "__name__", "up")]
        let selected = try SelectedSeries(parts, matching: up, symbols: symbols)
        #expect(selected.count == 3)
        #expect(Array(selected.refs(0)) == [0, 100, 200])
        #expect(Array(selected.refs(1)) == [101, 201])
        #expect(Array(selected.refs(2)) == [202])
        let merged = try Self.segment(Self.write(parts))
        #expect(try merged.select(up).map { try merged.ref($0) } == [0, 101, 202])
    }

    @Test("long lists of postings come back, dense and sparse")
    func longLists() throws {
        var delta = SeriesDelta()
        for index in 0..<3000 {
            let labels = LabelSet([
                "a": "x", "b": index % 3 == 0 ? "third" : "other",
                "c": String(index &* 2_654_435_761 % 97), "z": "\(10_000 + index)",
            ])
            _ = delta.register(labels, hash: LabelHash.hash(labels))
        }
        let segment = try Self.segment(Self.write([delta]))
        try segment.verify()
        for matchers in [
            [LabelMatcher(equal: "a", "x")], [LabelMatcher(equal: "b", "third")],
            [LabelMatcher(equal: "b", "other"), LabelMatcher(equal: "c", "13")],
            [try LabelMatcher("b", .notEqual, "third"), LabelMatcher(equal: "c", "13")],
            [try LabelMatcher("z", .regex, "1[01].*5"), LabelMatcher(equal: "b", "third")],
        ] {
            let refs = try segment.select(matchers).map { try segment.ref($0) }
            #expect(refs == delta.select(matchers).map { delta.ref($0) })
            #expect(!refs.isEmpty)
        }
    }

    @Test("a series stands in the hash slot that the format says, so that lookups are short")
    func hashSlots() throws {
        for index in 0..<50 {
            var delta = SeriesDelta()
            let labels = LabelSet(["n": "\(index)"])
            let hash = LabelHash.hash(labels)
            _ = delta.register(labels, hash: hash)
            let bytes = try Self.write([delta])
            // Section 9: two slots, their tags before the ordinals.
            let footer = bytes.count - 232
            let section = Int(bytes[footer + 9 * 16]) | Int(bytes[footer + 9 * 16 + 1]) << 8
            let slot = hash < 1 << 63 ? 0 : 1
            #expect(bytes[section + slot] == UInt8(truncatingIfNeeded: hash))
            #expect(bytes[section + 4 + slot * 4] == 1)
            #expect(bytes[section + 4 + (1 - slot) * 4] == 0)
        }
    }

    @Test("a file cut anywhere is no index")
    func truncation() throws {
        let bytes = try Self.write([SeriesDeltaTests.random(5, seed: 1).delta])
        for count in 0..<bytes.count {
            #expect(throws: IndexError.self) { try Self.segment(Array(bytes[..<count])) }
        }
    }

    @Test("every flipped bit is found by a checksum")
    func bitFlips() throws {
        let bytes = try Self.write([SeriesDeltaTests.random(5, seed: 1).delta])
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit >> 3] ^= 1 << UInt8(bit & 7)
            #expect(throws: IndexError.self, "bit \(bit)") {
                try Self.segment(flipped).verify()
            }
        }
    }

    @Test(
        "bytes that are wrong under right checksums are refused or answer something, never a trap")
    func forged() throws {
        let (delta, model) = SeriesDeltaTests.random(40, seed: 9)
        let bytes = try Self.write([delta])
        let footer = bytes.count - 232
        var random = SplitMix64(seed: 4)
        for _ in 0..<400 {
            var forged = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                forged[Int.random(in: 16..<(footer - 4), using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            let body = CRC32C.checksum(Array(forged[..<(footer - 4)]))
            Self.put(body, at: footer - 4, &forged)
            let table = CRC32C.checksum(Array(forged[(footer - 4)..<footer]))
            Self.put(table, at: footer + 216, &forged)
            let whole = CRC32C.checksum(Array(forged[footer..<(footer + 220)]))
            Self.put(whole, at: footer + 220, &forged)
            guard let segment = try? Self.segment(forged) else { continue }
            _ = try? segment.verify()
            for _ in 0..<5 {
                let ordinals = (try? segment.select(IndexModel.matchers(&random))) ?? []
                var labels = SeriesLabels()
                try? segment.appendLabels(
                    of: ordinals.span, into: &labels, symbols: SymbolTable())
                _ = try? segment.labelNames(of: ordinals.span)
                _ = try? segment.labelValues("job", of: ordinals.span)
            }
            for (ref, labels) in model.series.prefix(5) {
                _ = try? segment.lookup(labels, hash: LabelHash.hash(labels))
                _ = try? segment.ordinal(ref: ref)
            }
            _ = try? Self.write([segment])
        }
    }

    static func put(_ value: UInt32, at offset: Int, _ bytes: inout [UInt8]) {
        for index in 0..<4 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
        }
    }
}

import TSQBase
import TSQTesting
import Testing

@testable import TSQIO

@Suite("Segmented log")
struct LogTests {
    let disk = SimFileSystem(seed: 7)

    private func makeLog(segmentBytesMax: UInt64 = 1 << 20) throws -> LogWriter {
        try disk.makeDirectory("log")
        return try LogWriter(
            directory: "log", segment: 1, segmentBytesMax: segmentBytesMax, fileSystem: disk)
    }

    private func payload(_ number: Int) -> [UInt8] {
        (0..<(number * 7 % 50)).map { UInt8(truncatingIfNeeded: $0 &* number) }
    }

    private func readAll(
        from place: LogPlace = LogPlace(segment: 1, offset: 0)
    ) throws -> (payloads: [[UInt8]], cursor: LogCursor) {
        var cursor = try LogCursor(directory: "log", from: place, fileSystem: disk)
        var payloads: [[UInt8]] = []
        while try cursor.next() { payloads.append(cursor.payload) }
        return (payloads, cursor)
    }

    @Test("records come back in order, over segments")
    func roundTrip() throws {
        let log = try makeLog(segmentBytesMax: 300)
        for number in 0..<100 {
            _ = try log.rotateIfNeeded()
            try log.append(kind: 3, payload(number).span)
        }
        let (payloads, cursor) = try readAll()
        #expect(payloads == (0..<100).map(payload))
        #expect(cursor.place == log.end && cursor.damages.isEmpty && cursor.tornTail == nil)
        #expect(try LogFormat.segments(in: "log", disk).count > 5)
    }

    @Test("compressible payloads take less room")
    func compression() throws {
        let log = try makeLog()
        let zeros = [UInt8](repeating: 0, count: 10_000)
        try log.append(kind: 1, zeros.span)
        #expect(log.end.offset < 500)
        #expect(try readAll().payloads == [zeros])
    }

    @Test("a reader goes on where it stopped when more was appended")
    func tailing() throws {
        let log = try makeLog(segmentBytesMax: 200)
        var cursor = try LogCursor(
            directory: "log", from: LogPlace(segment: 1, offset: 0), fileSystem: disk)
        for number in 1..<60 {
            _ = try log.rotateIfNeeded()
            try log.append(kind: 1, payload(number).span)
            let first = try cursor.next()
            #expect(first && cursor.payload == payload(number))
            #expect(try !cursor.next())
        }
    }

    @Test("a log that ends at any byte gives every whole record before it, and says where it ends")
    func tornAtEveryByte() throws {
        let log = try makeLog()
        var ends: [UInt64] = []
        for number in 3..<8 {
            ends.append(try log.append(kind: 1, payload(number).span).offset)
        }
        let path = "log/" + LogFormat.name(1)
        let whole = try disk.readAll(path)
        for count in 16...whole.count {
            let file = try disk.open(path, .create)
            try file.append(whole.span.extracting(0..<count))
            let (payloads, cursor) = try readAll()
            let complete = ends.filter { $0 <= UInt64(count) }.count
            #expect(payloads == (3..<(3 + complete)).map(payload))
            let end = complete == 0 ? 16 : ends[complete - 1]
            let torn = end == UInt64(count) ? nil : LogPlace(segment: 1, offset: end)
            #expect(cursor.tornTail == torn)
            #expect(cursor.damages.isEmpty)
        }
    }

    @Test("a flipped bit costs one record, which is named; never a wrong payload")
    func flippedBits() throws {
        let log = try makeLog()
        let good = (3..<7).map(payload)
        for bytes in good { try log.append(kind: 1, bytes.span) }
        let path = "log/" + LogFormat.name(1)
        let byteCount = try disk.readAll(path).count
        for byte in 16..<byteCount {
            for bit in [0, 3, 7] {
                disk.flipBit(path, byte: byte, bit: bit)
                let (payloads, cursor) = try readAll()
                #expect(payloads.count == 3 && payloads.allSatisfy { good.contains($0) })
                #expect((cursor.damages.count == 1) != (cursor.tornTail != nil))
                disk.flipBit(path, byte: byte, bit: bit)
            }
        }
    }

    @Test("a write that fails half-way leaves the log as it was")
    func failedWrite() throws {
        let log = try makeLog()
        try log.append(kind: 1, payload(5).span)
        disk.plan(.fails(5), atCall: disk.callCount + 1)
        #expect(throws: IOError.self) { try log.append(kind: 1, payload(6).span) }
        try log.append(kind: 1, payload(7).span)
        let (payloads, cursor) = try readAll()
        #expect(payloads == [payload(5), payload(7)] && cursor.damages.isEmpty)
    }

    @Test("what was synced survives a power cut; what follows may be there in part")
    func powerCut() throws {
        for seed in UInt64(0)..<50 {
            let disk = SimFileSystem(seed: seed)
            try disk.makeDurableDirectory("log")
            let log = try LogWriter(
                directory: "log", segment: 1, segmentBytesMax: 200, fileSystem: disk)
            for number in 0..<20 {
                _ = try log.rotateIfNeeded()
                try log.append(kind: 1, payload(number).span)
            }
            try log.sync()
            for number in 20..<25 { try log.append(kind: 1, payload(number).span) }
            disk.cutPower()
            var cursor = try LogCursor(
                directory: "log", from: LogPlace(segment: 1, offset: 0), fileSystem: disk)
            var payloads: [[UInt8]] = []
            while try cursor.next() { payloads.append(cursor.payload) }
            #expect(Array(payloads.prefix(20)) == (0..<20).map(payload), "seed \(seed)")
        }
    }

    @Test("a segment that is cut off anywhere is noticed, also between two records, if one follows")
    func cutSegment() throws {
        let log = try makeLog(segmentBytesMax: 200)
        var places: [LogPlace] = []
        for number in 1..<40 {
            _ = try log.rotateIfNeeded()
            places.append(try log.append(kind: 1, payload(number).span, itemCount: number))
        }
        #expect(try readAll().cursor.ends.count == Int(log.end.segment) - 1)
        for segment in 1..<log.end.segment {
            let ends = places.enumerated().filter { $0.element.segment == segment }
            let whole = try #require(ends.last).element.offset
            let path = Path.join("log", LogFormat.name(segment))
            let content = try disk.readAll(path)
            for byteCount in 16..<Int(whole) {
                disk.shorten(path, to: byteCount)
                let (payloads, cursor) = try readAll()
                let readable = ends.last { $0.element.offset <= byteCount }?.element.offset
                let damage = try #require(cursor.damages.first)
                #expect(cursor.damages.count == 1 && damage.segment == segment)
                #expect(damage.offset + damage.byteCount == whole)
                if let readable { #expect(damage.offset == readable) }
                #expect(payloads.count == 39 - ends.count { $0.element.offset > byteCount })
                #expect(cursor.ends.contains { $0.segment == segment && $0.offset == whole })
                let file = try disk.open(path, .append)
                try file.append(content.span.extracting(byteCount..<content.count))
            }
        }
        #expect(try readAll().cursor.damages.isEmpty)
    }

    @Test("what a failed write leaves at the end of a segment is no damage")
    func failedTruncation() throws {
        let log = try makeLog()
        try log.append(kind: 1, payload(5).span)
        for call in 1...2 { disk.plan(.fails(5), atCall: disk.callCount + call) }
        #expect(throws: IOError.self) { try log.append(kind: 1, payload(6).span) }
        let path = Path.join("log", LogFormat.name(1))
        #expect(try disk.byteCount(path) > log.end.offset)
        _ = try log.rotateIfNeeded()
        try log.append(kind: 1, payload(7).span)
        let (payloads, cursor) = try readAll()
        #expect(payloads == [payload(5), payload(7)] && cursor.damages.isEmpty)
    }

    @Test("segments without a record of the end before them are read as they were")
    func withoutEnds() throws {
        for segment in UInt64(1)...2 {
            try disk.makeDirectory("log")
            let log = try LogWriter(
                directory: "log", segment: segment, segmentBytesMax: 200, fileSystem: disk)
            try log.append(kind: 1, payload(Int(segment)).span)
        }
        let (payloads, cursor) = try readAll()
        #expect(payloads == [payload(1), payload(2)])
        #expect(cursor.damages.isEmpty && cursor.ends.isEmpty)
    }

    @Test("a segment that cannot be begun is not left behind")
    func failedBeginning() throws {
        let log = try makeLog()
        try log.append(kind: 1, payload(5).span)
        // The fsync of the old segment, then creation, write and fsync of the new, its directory's.
        for call in 2...5 {
            disk.plan(.fails(5), atCall: disk.callCount + call)
            #expect(throws: IOError.self) { try log.rotate() }
            #expect(try LogFormat.segments(in: "log", disk) == [1], "call \(call)")
        }
        try log.rotate()
        try log.append(kind: 1, payload(6).span)
        disk.kill()
        let (payloads, cursor) = try readAll()
        #expect(payloads == [payload(5), payload(6)] && cursor.damages.isEmpty)
    }
}

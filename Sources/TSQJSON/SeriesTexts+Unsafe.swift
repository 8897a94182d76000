import TSQBase
import TSQEngine
import TSQModel

/// What the series of one answer have in common as text: names and values of labels, escaped and
/// quoted once a symbol, and the times of points, printed once a step.
///
/// Safe because: every append asks for the room of all that it writes: `pointRoom` a point, the
/// texts' own lengths, copies of whole words and numbers in `slack` more.
struct SeriesTexts {
    private let symbols: SymbolTable
    /// `"text"` of the symbols met, end to end.
    private var texts = JSONWriter()
    /// Where each symbol's text begins; 0: not written yet.
    private var starts: [UInt32]
    private var ends: [UInt32]
    /// The times whose texts are in `timeTexts`, ascending.
    private var times: [TimestampMs] = []
    /// `,[1767226805.123,"` in `timeRoom` bytes each.
    private var timeTexts: [UInt8] = []
    private var timeCounts: [UInt8] = []

    /// The longest is `,[-9223372036854775.808,"`.
    private static let timeRoom = 32
    /// A time, a number of at most 26 bytes, what closes it.
    private static let pointRoom = 60
    private static let slack = DecimalPrint.roomMax + timeRoom

    init(_ symbols: SymbolTable) {
        self.symbols = symbols
        starts = [UInt32](repeating: 0, count: symbols.count)
        ends = starts
        texts.raw(" ")
    }

    /// Appends `{"name":"value",…}`.
    mutating func appendMetric(_ labels: ArraySlice<LabelPair>, to json: inout JSONWriter) {
        var byteCount = 2
        for pair in labels { byteCount += length(pair.name) + length(pair.value) + 2 }
        texts.withBytes { texts in
            json.append(room: byteCount + Self.slack) { out in
                var at = out
                at[0] = 0x7B
                at += 1
                for (index, pair) in labels.enumerated() {
                    if index > 0 {
                        at[0] = 0x2C
                        at += 1
                    }
                    at += copy(pair.name, texts, to: at)
                    at[0] = 0x3A
                    at += 1
                    at += copy(pair.value, texts, to: at)
                }
                at[0] = 0x7D
                return at + 1 - out
            }
        }
    }

    /// How long the text of `symbol` is; writes it when it is not there yet.
    private mutating func length(_ symbol: SymbolID) -> Int {
        let index = Int(symbol.rawValue)
        if starts[index] == 0 {
            starts[index] = UInt32(texts.bytes.count)
            texts.label(symbol, symbols)
            ends[index] = UInt32(texts.bytes.count)
        }
        return Int(ends[index] - starts[index])
    }

    @inline(__always)
    private func copy(
        _ symbol: SymbolID, _ texts: UnsafeBufferPointer<UInt8>,
        to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let index = Int(symbol.rawValue)
        let (start, count) = (Int(starts[index]), Int(ends[index] - starts[index]))
        guard let base = texts.baseAddress else { return 0 }
        if count <= 16 && start + 16 <= texts.count {
            let words = UnsafeRawPointer(base + start)
            let target = UnsafeMutableRawPointer(out)
            target.storeBytes(of: words.loadUnaligned(as: UInt64.self), as: UInt64.self)
            target.storeBytes(
                of: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self), toByteOffset: 8,
                as: UInt64.self)
        } else {
            out.update(from: base + start, count: count)
        }
        return count
    }

    /// Appends `[time,"value"]` for each of the points, commas between them.
    mutating func appendPoints(
        _ times: Span<TimestampMs>, _ values: Span<Double>, to json: inout JSONWriter
    ) {
        precondition(times.count == values.count, "BUG: a time without a value")
        if times.isEmpty { return }
        prepare(times)
        timeTexts.withUnsafeBufferPointer { texts in
            guard let texts = texts.baseAddress else { return }
            json.append(room: times.count * Self.pointRoom + Self.slack) { out in
                var at = out
                var cursor = 0
                for index in 0..<times.count {
                    let timeMs = times[index]
                    while self.times[cursor] < timeMs { cursor += 1 }
                    // Not before the first: its comma is left out.
                    let skipped = index == 0 ? 1 : 0
                    Self.copyTime(texts + cursor * Self.timeRoom + skipped, to: at)
                    at += Int(timeCounts[cursor]) - skipped
                    at += DecimalPrint.writeJSON(values[index], to: at)
                    at[0] = 0x22
                    at[1] = 0x5D
                    at += 2
                }
                return at - out
            }
        }
    }

    /// Sees to it that all of `times` have texts.
    private mutating func prepare(_ wanted: Span<TimestampMs>) {
        var cursor = 0
        for index in 0..<wanted.count {
            let timeMs = wanted[index]
            while cursor < times.count, times[cursor] < timeMs { cursor += 1 }
            if cursor < times.count, times[cursor] == timeMs { continue }
            // Series of steps that have not been met: begin anew with this one's.
            times.removeAll(keepingCapacity: true)
            timeTexts.removeAll(keepingCapacity: true)
            timeCounts.removeAll(keepingCapacity: true)
            for index in 0..<wanted.count { addTime(wanted[index]) }
            timeTexts.append(contentsOf: repeatElement(0, count: Self.timeRoom))
            return
        }
    }

    private mutating func addTime(_ timeMs: TimestampMs) {
        let start = timeTexts.count
        timeTexts.append(0x2C)
        timeTexts.append(0x5B)
        DecimalPrint.appendSeconds(ms: timeMs, to: &timeTexts)
        timeTexts.append(0x2C)
        timeTexts.append(0x22)
        timeCounts.append(UInt8(truncatingIfNeeded: timeTexts.count - start))
        while timeTexts.count < start + Self.timeRoom { timeTexts.append(0) }
        times.append(timeMs)
    }

    /// A whole slot, of which the caller wants the first bytes.
    @inline(__always)
    private static func copyTime(
        _ text: UnsafePointer<UInt8>, to out: UnsafeMutablePointer<UInt8>
    ) {
        let (source, target) = (UnsafeRawPointer(text), UnsafeMutableRawPointer(out))
        target.storeBytes(
            of: source.loadUnaligned(fromByteOffset: 0, as: SIMD32<UInt8>.self),
            as: SIMD32<UInt8>.self)
    }
}

extension JSONWriter {
    /// Appends what `body` writes, of which it answers the count, at most `room` bytes.
    @inline(__always)
    mutating func append(room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        bytes.append(addingCapacity: room) { (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { buffer, count in
                guard let out = buffer.baseAddress else { return }
                let written = body(out + count)
                precondition(written <= room, "BUG: \(written) bytes in the room of \(room)")
                count += written
            }
        }
    }

    func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        bytes.withUnsafeBufferPointer(body)
    }
}

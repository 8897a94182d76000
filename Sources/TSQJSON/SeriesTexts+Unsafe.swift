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

    /// Appends `{"name":"value",…}`, the labels of a series.
    mutating func appendMetric(
        _ labels: borrowing SeriesLabels, _ series: Int, to json: inout JSONWriter
    ) {
        let range = labels.range(series)
        let pairs = labels.pairs.span.extracting(range)
        var byteCount = 2
        for index in pairs.indices {
            byteCount += length(pairs[index].name) + length(pairs[index].value) + 2
        }
        let (starts, ends) = (starts.span, ends.span)
        let texts = texts.bytes.span
        json.bytes.append(addingCapacity: byteCount + Self.slack) {
            (span: inout OutputSpan<UInt8>) in
            span.withUnsafeMutableBufferPointer { buffer, count in
                guard let out = buffer.baseAddress.map({ $0 + count }) else { return }
                var at = out
                at[0] = 0x7B
                at += 1
                for index in pairs.indices {
                    if index > 0 {
                        at[0] = 0x2C
                        at += 1
                    }
                    at += Self.copy(pairs[index].name, starts, ends, texts, to: at)
                    at[0] = 0x3A
                    at += 1
                    at += Self.copy(pairs[index].value, starts, ends, texts, to: at)
                }
                at[0] = 0x7D
                count += at + 1 - out
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
    private static func copy(
        _ symbol: SymbolID, _ starts: Span<UInt32>, _ ends: Span<UInt32>, _ texts: Span<UInt8>,
        to out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let index = Int(symbol.rawValue)
        let (start, end) = (Int(starts[index]), Int(ends[index]))
        texts.withUnsafeBytes { texts in
            guard let base = texts.baseAddress else { return }
            let target = UnsafeMutableRawPointer(out)
            if end - start <= 16 && start + 16 <= texts.count {
                let low = base.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                let high = base.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
                target.storeBytes(of: low, as: UInt64.self)
                target.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
            } else {
                target.copyMemory(from: base + start, byteCount: end - start)
            }
        }
        return end - start
    }

    /// Appends `[time,"value"]` for each of the points, commas between them.
    ///
    /// - Parameter shared: times that others may have, too, `times` among them.
    mutating func appendPoints(
        _ times: Span<TimestampMs>, _ values: Span<Double>, among shared: Span<TimestampMs>,
        to json: inout JSONWriter
    ) {
        precondition(times.count == values.count, "BUG: a time without a value")
        if times.isEmpty { return }
        prepare(times, among: shared)
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
    private mutating func prepare(
        _ wanted: Span<TimestampMs>, among shared: Span<TimestampMs>
    ) {
        var cursor = 0
        for index in 0..<wanted.count {
            let timeMs = wanted[index]
            while cursor < times.count, times[cursor] < timeMs { cursor += 1 }
            if cursor < times.count, times[cursor] == timeMs { continue }
            // Series of steps that have not been met: begin anew with this one's.
            times.removeAll(keepingCapacity: true)
            timeTexts.removeAll(keepingCapacity: true)
            timeCounts.removeAll(keepingCapacity: true)
            for index in 0..<shared.count { addTime(shared[index]) }
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
}

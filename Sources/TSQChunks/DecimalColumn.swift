import TSQBase

/// Values as integers divided by a power of ten: what was decimal text is exact this way.
///
/// - Source: Afroozeh, Kuffó, Boncz: ALP, Adaptive Lossless floating-Point Compression (2023), with
///   a division where ALP multiplies, so that every decimal of at most 15 digits is exact.
enum DecimalColumn {
    static let exponentMax = 22
    static let exceptionsFlag: UInt8 = 0x80
    /// Values looked at to choose the exponent.
    private static let sampleCount = 32
    /// Beyond this many runs of exceptions per value another codec is better.
    private static let valuesPerException = 8

    private static let roundingShift = 0x1.8p52

    /// 10^i, exact.
    static let powers: [Double] = {
        var powers: [Double] = [1]
        for _ in 0..<exponentMax { powers.append((powers.last ?? 1) * 10) }
        return powers
    }()

    /// Fills `scratch.candidate`; false when the values are no decimals.
    static func encode(_ values: Span<Double>, _ scratch: inout ChunkScratch) -> Bool {
        guard var exponent = sampledExponent(values) else { return false }
        var needed = exponent
        guard fill(values, exponent, &scratch, &needed) else {
            // Some need a larger exponent; then perhaps all are exact with it.
            if needed == exponent { return false }
            exponent = needed
            guard fill(values, exponent, &scratch, &needed) else { return false }
            write(exponent, &scratch)
            return true
        }
        write(exponent, &scratch)
        if needed == exponent { return true }
        swap(&scratch.candidate, &scratch.best)
        let byteCount = scratch.best.count
        exponent = needed
        if fill(values, exponent, &scratch, &needed) {
            write(exponent, &scratch)
            if scratch.candidate.count < byteCount { return true }
        }
        swap(&scratch.candidate, &scratch.best)
        return true
    }

    private static func write(_ exponent: Int, _ scratch: inout ChunkScratch) {
        scratch.candidate.bytes.removeAll(keepingCapacity: true)
        let hasExceptions = !scratch.exceptions.isEmpty
        scratch.candidate.u8(UInt8(exponent) | (hasExceptions ? exceptionsFlag : 0))
        if hasExceptions {
            ValueExceptions.encode(scratch.exceptions, into: &scratch.candidate)
        }
        IntColumn.encode(&scratch.ints, into: &scratch.candidate)
    }

    /// The largest exponent that a value of a sample needs, nil when most are no decimals.
    private static func sampledExponent(_ values: Span<Double>) -> Int? {
        let step = max(1, values.count / sampleCount)
        var exponent = 0
        var failures = 0
        var sampled = 0
        var index = 0
        while index < values.count {
            sampled += 1
            let value = values[index]
            if integer(value, exponent) == nil {
                if let needed = neededExponent(value, above: exponent) {
                    exponent = needed
                } else if value.isFinite {
                    failures += 1
                }
            }
            index += step
        }
        return failures * valuesPerException > sampled ? nil : exponent
    }

    /// The smallest exponent above `exponent` that makes `value` an integer.
    private static func neededExponent(_ value: Double, above exponent: Int) -> Int? {
        // NaN, ±Inf, −0 and what is beyond 2^53 needs no search.
        guard value.magnitude < 0x1p53, value != 0 else { return nil }
        var candidate = exponent + 1
        while candidate <= exponentMax {
            if integer(value, candidate) != nil { return candidate }
            candidate += 1
        }
        return nil
    }

    /// Fills the integers and exceptions of `values`; false when there are too many exceptions.
    private static func fill(
        _ values: Span<Double>, _ exponent: Int, _ scratch: inout ChunkScratch,
        _ neededMax: inout Int
    ) -> Bool {
        fill(values, exponent, &scratch.ints.ints, &scratch.exceptions, &neededMax)
    }

    private static func fill(
        _ values: Span<Double>, _ exponent: Int, _ integers: inout [Int64],
        _ runs: inout [ValueExceptions.Run], _ neededMax: inout Int
    ) -> Bool {
        let count = values.count
        runs.removeAll(keepingCapacity: true)
        integers.removeAll(keepingCapacity: true)
        integers.append(contentsOf: repeatElement(0, count: count))
        var ints = integers.mutableSpan
        var previous: Int64 = 0
        var isFirst = true
        let runsMax = count / valuesPerException + 2
        for index in 0..<count {
            if let exact = integer(values[index], exponent) {
                // Exceptions before the first integer repeat it.
                if isFirst {
                    for earlier in 0..<index { ints[earlier] = exact }
                    isFirst = false
                }
                previous = exact
            } else {
                if let needed = neededExponent(values[index], above: exponent) {
                    neededMax = max(neededMax, needed)
                }
                ValueExceptions.append(values[index].bitPattern, at: index, to: &runs)
                if runs.count > runsMax { return false }
            }
            ints[index] = previous
        }
        return true
    }

    /// `value × 10^exponent` as an integer, when dividing it again gives `value` bit for bit.
    @inline(__always)
    static func integer(_ value: Double, _ exponent: Int) -> Int64? {
        let power = powers.withUnsafeBufferPointer { $0[exponent] }
        let scaled = value * power
        // Adding 1.5 × 2^52 leaves the rounded integer in the low bits.
        if scaled.magnitude <= 0x1p51 {
            let roundedBits = (scaled + roundingShift).bitPattern &- roundingShift.bitPattern
            let whole = Int64(bitPattern: roundedBits)
            return (Double(whole) / power).bitPattern == value.bitPattern ? whole : nil
        }
        guard let whole = GoNumber.exactInt64(scaled.rounded()) else { return nil }
        return (Double(whole) / power).bitPattern == value.bitPattern ? whole : nil
    }

    /// - Returns: whether there are no exceptions, so that all values are finite.
    static func decode(
        _ reader: inout ChunkReader, into out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) -> Bool {
        let head = try reader.u8()
        let exponent = Int(head & ~exceptionsFlag)
        if exponent > exponentMax { throw reader.malformed("exponent \(exponent)") }
        let exceptions = head & exceptionsFlag == 0 ? nil : try ValueExceptions.skip(&reader)
        let power = powers.withUnsafeBufferPointer { $0[exponent] }
        if try !IntColumn.decodeDifferences(&reader, dividedBy: power, into: out) {
            // The integers are decoded in the memory of the values and converted in place.
            try out.asIntegers { ints throws(ChunkError) in
                try IntColumn.decode(&reader, into: ints)
            }
            convert(out, power)
        }
        guard let (runs, count) = exceptions else { return true }
        try ValueExceptions.apply(runs, count, to: out)
        return false
    }

    private static func convert(_ out: UnsafeMutableBufferPointer<Double>, _ power: Double) {
        let count = out.count
        if power == 1 {
            for index in 0..<count {
                out[index] = Double(Int64(bitPattern: out[index].bitPattern))
            }
        } else {
            for index in 0..<count {
                out[index] = Double(Int64(bitPattern: out[index].bitPattern)) / power
            }
        }
    }
}

extension UnsafeMutableBufferPointer<Double> {
    /// The same memory as integers.
    ///
    /// Safe because: both types have eight bytes, the same alignment and no invalid bit patterns.
    func asIntegers<E: Error>(
        _ body: (UnsafeMutableBufferPointer<Int64>) throws(E) -> Void
    ) throws(E) {
        try withMemoryRebound(to: Int64.self) { ints throws(E) in try body(ints) }
    }
}

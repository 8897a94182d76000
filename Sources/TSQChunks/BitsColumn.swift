import TSQBase

/// Values as their bit patterns, packed like integers: the differences of a full-precision walk take
/// the bits that are random and no more.
enum BitsColumn {
    static let exceptionsFlag: UInt8 = 0x80

    static func encode(_ values: Span<Double>, _ scratch: inout ChunkScratch) {
        fill(values, &scratch.ints.ints, &scratch.exceptions)
        scratch.candidate.bytes.removeAll(keepingCapacity: true)
        let hasExceptions = !scratch.exceptions.isEmpty
        scratch.candidate.u8(hasExceptions ? exceptionsFlag : 0)
        if hasExceptions {
            ValueExceptions.encode(scratch.exceptions, into: &scratch.candidate)
        }
        IntColumn.encode(&scratch.ints, into: &scratch.candidate)
    }

    private static func fill(
        _ values: Span<Double>, _ integers: inout [Int64], _ runs: inout [ValueExceptions.Run]
    ) {
        let count = values.count
        runs.removeAll(keepingCapacity: true)
        integers.removeAll(keepingCapacity: true)
        integers.append(contentsOf: repeatElement(0, count: count))
        var ints = integers.mutableSpan
        var previous: Int64 = 0
        var isFirst = true
        for index in 0..<count {
            if values[index].isFinite {
                previous = Int64(bitPattern: values[index].bitPattern)
                if isFirst {
                    for earlier in 0..<index { ints[earlier] = previous }
                    isFirst = false
                }
            } else {
                ValueExceptions.append(values[index].bitPattern, at: index, to: &runs)
            }
            ints[index] = previous
        }
    }

    static func decode(
        _ reader: inout ChunkReader, into out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) {
        let head = try reader.u8()
        if head & ~exceptionsFlag != 0 { throw reader.malformed("column head \(head)") }
        let exceptions = head & exceptionsFlag == 0 ? nil : try ValueExceptions.skip(&reader)
        // The integers are the values' bits: nothing is left to do after decoding them.
        if try !IntColumn.decodeDifferences(&reader, dividedBy: nil, into: out) {
            try out.asIntegers { ints throws(ChunkError) in
                try IntColumn.decode(&reader, into: ints)
            }
        }
        if let (runs, count) = exceptions { try ValueExceptions.apply(runs, count, to: out) }
    }
}

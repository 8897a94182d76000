extension IntColumn {
    /// Decodes `out.count` integers.
    ///
    /// Safe because: every index into `out` is below its count: the packed count k is at most the
    /// residual count m = count − order (all of them or the ones of the bitmap), exceptions are
    /// checked against k.
    static func decode(
        _ reader: inout ChunkReader, into out: UnsafeMutableBufferPointer<Int64>
    ) throws(ChunkError) {
        let count = out.count
        guard count > 0, let start = out.baseAddress else { return }
        let head = try reader.u8()
        let order = Int(head & orderMask)
        let isPacked = head & packedFlag != 0
        let known = orderMask | packedFlag | sparseFlag | dividedFlag | exceptionsFlag
        if order > orderMax || order > count || head & ~known != 0
            || !isPacked && head & ~orderMask != 0
        {
            throw reader.malformed("column head \(head)")
        }
        var first: Int64 = 0
        var step: Int64 = 0
        if order > 0 { first = try reader.varint() }
        if order > 1 { step = try reader.varint() }
        let residualCount = count - order
        let residuals = start + order
        if residualCount > 0 {
            let base = try reader.varint()
            if isPacked {
                try unpack(&reader, head, base, residuals, residualCount)
            } else {
                residuals.update(repeating: base, count: residualCount)
            }
        }
        integrate(start, count: count, order: order, first: first, step: step)
    }

    /// The commonest column, differences without exceptions, in one pass: its integers divided by
    /// `power`, or as the bits of doubles where that is nil. False, and nothing read, where the column
    /// is of another kind.
    ///
    /// Safe because: `out` has `count + 1` values where `count` differences are unpacked.
    static func decodeDifferences(
        _ reader: inout ChunkReader, dividedBy power: Double?,
        into out: UnsafeMutableBufferPointer<Double>
    ) throws(ChunkError) -> Bool {
        guard out.count > 1, let start = out.baseAddress else { return false }
        var rest = reader
        let head = try rest.u8()
        if head & ~dividedFlag != 1 | packedFlag { return false }
        let first = try rest.varint()
        let base = try rest.varint()
        let factor = head & dividedFlag != 0 ? try rest.uvarint() : 1
        let width = Int(try rest.u8())
        if width > 64 { return false }
        let count = out.count - 1
        let packed = try rest.bytes(BitPacking.byteCount(count, width: width))
        let isDone = BitPacking.unpackDifferences(
            packed, slack: rest.loadable, width: width, count: count, first: first, base: base,
            factor: Int64(bitPattern: factor), power: power, into: start)
        if isDone { reader = rest }
        return isDone
    }

    private static func unpack(
        _ reader: inout ChunkReader, _ head: UInt8, _ base: Int64,
        _ residuals: UnsafeMutablePointer<Int64>, _ residualCount: Int
    ) throws(ChunkError) {
        let factor = head & dividedFlag != 0 ? try reader.uvarint() : 1
        let width = Int(try reader.u8())
        if width > 64 { throw reader.malformed("width \(width)") }
        // The exceptions come before the bits that they replace: remember where, read them after.
        var exceptions = reader
        var exceptionCount = 0
        if head & exceptionsFlag != 0 {
            exceptionCount = try reader.count(max: residualCount)
            if exceptionCount == 0 { throw reader.malformed("no exceptions") }
            exceptions = reader
            for _ in 0..<exceptionCount {
                _ = try reader.uvarint()
                _ = try reader.uvarint()
            }
        }
        var packedCount = residualCount
        var bitmap = UnsafeRawBufferPointer(start: nil, count: 0)
        if head & sparseFlag != 0 {
            bitmap = try reader.bytes((residualCount + 7) / 8)
            packedCount = 0
            for byte in bitmap { packedCount += byte.nonzeroBitCount }
            let unused = bitmap.count * 8 - residualCount
            if unused > 0, bitmap[bitmap.count - 1] >> UInt8(8 - unused) != 0 {
                throw reader.malformed("bits beyond the bitmap")
            }
        }
        let packed = try reader.bytes(BitPacking.byteCount(packedCount, width: width))
        let slack = reader.loadable
        residuals.withMemoryRebound(to: UInt64.self, capacity: residualCount) { units in
            BitPacking.unpack(
                packed, slack: slack, width: width, count: packedCount,
                base: UInt64(bitPattern: base),
                factor: factor, into: units)
        }
        var index = 0
        for _ in 0..<exceptionCount {
            index += try exceptions.count(max: ChunkLimits.samplesMax)
            let value = try exceptions.varint()
            if index >= packedCount { throw exceptions.malformed("exception beyond the column") }
            residuals[index] = base &+ Int64(bitPattern: factor) &* value
            index += 1
        }
        if head & sparseFlag != 0 { spread(residuals, residualCount, packedCount, bitmap) }
    }

    /// Moves the packed residuals to where the bitmap has ones, from the back.
    private static func spread(
        _ residuals: UnsafeMutablePointer<Int64>, _ count: Int, _ packedCount: Int,
        _ bitmap: UnsafeRawBufferPointer
    ) {
        var rest = packedCount
        var index = count - 1
        while index >= 0 {
            let present = bitmap[index >> 3] >> UInt8(index & 7) & 1 == 1
            if present {
                rest -= 1
                residuals[index] = residuals[rest]
            } else {
                residuals[index] = 0
            }
            index -= 1
        }
    }

    private static func integrate(
        _ out: UnsafeMutablePointer<Int64>, count: Int, order: Int, first: Int64, step: Int64
    ) {
        if order == 0 { return }
        var value = first
        out[0] = value
        if order == 1 {
            for index in 1..<max(1, count) {
                value &+= out[index]
                out[index] = value
            }
            return
        }
        var step = step
        value &+= step
        out[1] = value
        for index in 2..<max(2, count) {
            step &+= out[index]
            value &+= step
            out[index] = value
        }
    }
}

import TSQBase

/// Signed 64-bit integers as differences, packed with exceptions (docs/format/chunks.md, "Integer
/// column"): what decimal values, bit patterns, times and bucket counts all become.
///
/// - Source: Zukowski et al., Super-Scalar RAM-CPU Cache Compression (2006), for the patched frame of
///   reference; the rest is the obvious.
enum IntColumn {
    static let orderMask: UInt8 = 0x03
    static let packedFlag: UInt8 = 0x04
    static let sparseFlag: UInt8 = 0x08
    static let dividedFlag: UInt8 = 0x10
    static let exceptionsFlag: UInt8 = 0x20
    static let orderMax = 2

    /// Appends the smallest of the encodings of `scratch.ints`.
    static func encode(_ scratch: inout IntScratch, into writer: inout ByteWriter) {
        let count = scratch.ints.count
        if count == 0 { return }
        var best: IntPlan?
        var bestOrder = 0
        for order in 0...min(orderMax, count) {
            scratch.difference(order)
            let plan = IntPlan.choose(&scratch, order: order)
            if plan.byteCount < (best?.byteCount ?? Int.max) {
                best = plan
                bestOrder = order
            }
            // Nothing is shorter than a constant; higher orders only add first values.
            if plan.isConstant { break }
        }
        guard let best else { return }
        write(best, order: bestOrder, &scratch, into: &writer)
    }

    private static func write(
        _ plan: IntPlan, order: Int, _ scratch: inout IntScratch, into writer: inout ByteWriter
    ) {
        var head = UInt8(order)
        if !plan.isConstant { head |= packedFlag }
        if plan.isSparse { head |= sparseFlag }
        if plan.divisor > 1 { head |= dividedFlag }
        scratch.split(plan, order: order)
        if !scratch.exceptionIndices.isEmpty { head |= exceptionsFlag }
        writer.u8(head)
        if order > 0 { writer.varint(scratch.ints[0]) }
        if order > 1 { writer.varint(scratch.ints[1] &- scratch.ints[0]) }
        if scratch.ints.count == order { return }
        writer.varint(plan.base)
        if plan.isConstant { return }
        if plan.divisor > 1 { writer.uvarint(plan.divisor) }
        writer.u8(UInt8(plan.width))
        if !scratch.exceptionIndices.isEmpty {
            writer.uvarint(UInt64(scratch.exceptionIndices.count))
            var next = 0
            for (index, value) in zip(scratch.exceptionIndices, scratch.exceptionValues) {
                writer.uvarint(UInt64(Int(index) - next))
                writer.varint(value)
                next = Int(index) + 1
            }
        }
        if plan.isSparse { writer.raw(scratch.bitmap) }
        scratch.packed.removeAll(keepingCapacity: true)
        BitPacking.pack(scratch.units, width: plan.width, into: &scratch.packed)
        writer.raw(scratch.packed)
    }
}

/// Buffers of `IntColumn.encode`. The caller fills `ints`.
struct IntScratch: Sendable {
    var ints: [Int64] = []
    /// The residuals of order 1 and 2.
    private var differences1: [Int64] = []
    private var differences2: [Int64] = []
    /// The residuals that are not 0, of the order looked at.
    var nonzeros: [Int64] = []
    fileprivate(set) var units: [UInt64] = []
    fileprivate(set) var exceptionIndices: [UInt32] = []
    fileprivate(set) var exceptionValues: [Int64] = []
    fileprivate(set) var bitmap: [UInt8] = []
    fileprivate var packed: [UInt8] = []

    func residuals(_ order: Int) -> [Int64] {
        order == 0 ? ints : order == 1 ? differences1 : differences2
    }

    /// Fills the residuals of `order` from those of the order below.
    mutating func difference(_ order: Int) {
        switch order {
        case 1: Self.difference(ints, into: &differences1)
        case 2: Self.difference(differences1, into: &differences2)
        default: break
        }
    }

    private static func difference(_ values: [Int64], into result: inout [Int64]) {
        let source = values.span
        let count = source.count - 1
        result.removeAll(keepingCapacity: true)
        result.append(contentsOf: repeatElement(0, count: count))
        var target = result.mutableSpan
        for index in 0..<count { target[index] = source[index + 1] &- source[index] }
    }

    /// Splits the residuals into what is packed and what are exceptions.
    fileprivate mutating func split(_ plan: IntPlan, order: Int) {
        exceptionIndices.removeAll(keepingCapacity: true)
        exceptionValues.removeAll(keepingCapacity: true)
        units.removeAll(keepingCapacity: true)
        if plan.isConstant { return }
        let all = residuals(order)
        if plan.isSparse {
            fillNonzeros(all)
            bitmap.removeAll(keepingCapacity: true)
            bitmap.append(contentsOf: repeatElement(0, count: (all.count + 7) / 8))
            for index in 0..<all.count where all[index] != 0 {
                bitmap[index >> 3] |= 1 << UInt8(index & 7)
            }
        }
        let packedResiduals = plan.isSparse ? nonzeros : all
        let shift = plan.divisorShift
        units.append(contentsOf: repeatElement(0, count: packedResiduals.count))
        for index in 0..<packedResiduals.count {
            let offset = packedResiduals[index] &- plan.base
            if packedResiduals[index] >= plan.base {
                let distance = UInt64(bitPattern: offset)
                let unit = shift.map { distance >> $0 } ?? distance / plan.divisor
                if BitPacking.bitCount(unit) <= plan.width {
                    units[index] = unit
                    continue
                }
            }
            exceptionIndices.append(UInt32(index))
            exceptionValues.append(
                plan.divisor == 1 ? offset : offset / Int64(bitPattern: plan.divisor))
        }
    }

    mutating func fillNonzeros(_ all: [Int64]) {
        nonzeros.removeAll(keepingCapacity: true)
        nonzeros.reserveCapacity(all.count)
        for value in all where value != 0 { nonzeros.append(value) }
    }
}

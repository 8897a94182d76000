import TSQBase

/// How one integer column will be written, and how many bytes that takes.
struct IntPlan {
    var base: Int64 = 0
    var divisor: UInt64 = 1
    var width = 0
    var isConstant = false
    var isSparse = false
    var byteCount = 0

    /// The shift that divides by the divisor, when it is a power of two.
    var divisorShift: UInt64? {
        divisor.nonzeroBitCount == 1 ? UInt64(divisor.trailingZeroBitCount) : nil
    }

    /// The best plan for the residuals of `order`.
    static func choose(_ scratch: inout IntScratch, order: Int) -> IntPlan {
        let residuals = scratch.residuals(order)
        // Head and first values.
        var fixed = 1
        if order > 0 { fixed += varintByteCount(scratch.ints[0]) }
        if order > 1 { fixed += varintByteCount(scratch.ints[1] &- scratch.ints[0]) }
        if residuals.isEmpty {
            var plan = IntPlan()
            plan.isConstant = true
            plan.byteCount = fixed
            return plan
        }
        var best = dense(residuals.span)
        if !best.isConstant {
            let span = residuals.span
            var zeroCount = 0
            for index in 0..<span.count where span[index] == 0 { zeroCount += 1 }
            // Below that, a bit a residual costs more than it saves.
            if zeroCount * 8 > residuals.count && zeroCount < residuals.count {
                scratch.fillNonzeros(residuals)
                var sparse = dense(scratch.nonzeros.span)
                if sparse.isConstant {
                    // A single value beside 0: packed with width 0.
                    sparse.isConstant = false
                    sparse.byteCount += 1
                }
                sparse.isSparse = true
                sparse.byteCount += (residuals.count + 7) / 8
                if sparse.byteCount < best.byteCount { best = sparse }
            }
        }
        best.byteCount += fixed
        return best
    }

    /// The best dense plan for `residuals` (at least one), first values left out.
    private static func dense(_ residuals: Span<Int64>) -> IntPlan {
        var low = residuals[0]
        var high = low
        for index in 1..<residuals.count {
            low = min(low, residuals[index])
            high = max(high, residuals[index])
        }
        if low == high {
            var plan = IntPlan()
            plan.base = low
            plan.isConstant = true
            plan.byteCount = varintByteCount(low)
            return plan
        }
        let plan = with(base: low, residuals)
        let robust = robustBase(residuals)
        if robust == low { return plan }
        let other = with(base: robust, residuals)
        return other.byteCount < plan.byteCount ? other : plan
    }

    /// The smallest residual that is not far below most of them: a counter's reset must not widen
    /// all the other differences.
    private static func robustBase(_ residuals: Span<Int64>) -> Int64 {
        let step = max(1, residuals.count / 32)
        var low = residuals[0]
        var high = low
        var index = step / 2
        while index < residuals.count {
            // The first value stands for an outlier at the start; leave the sample without it.
            if index == step / 2 {
                low = residuals[index]
                high = low
            }
            low = min(low, residuals[index])
            high = max(high, residuals[index])
            index += step
        }
        let (range, overflow) = high.subtractingReportingOverflow(low)
        let (floor, underflow) = low.subtractingReportingOverflow(range)
        if overflow || underflow { return low }
        var base = low
        for index in 0..<residuals.count {
            let value = residuals[index]
            if value >= floor && value < base { base = value }
        }
        return base
    }

    private static func with(base: Int64, _ residuals: Span<Int64>) -> IntPlan {
        var plan = IntPlan()
        plan.base = base
        plan.divisor = divisor(base, residuals)
        // How many need how many bits; what lies below the base is always an exception.
        var lengths = InlineArray<65, Int32>(repeating: 0)
        var belowCount = 0
        var belowBytes = 0
        var widest = 0
        let shift = plan.divisorShift
        for index in 0..<residuals.count {
            let value = residuals[index]
            if value >= base {
                let distance = UInt64(bitPattern: value &- base)
                let unit = shift.map { distance >> $0 } ?? distance / plan.divisor
                let bits = BitPacking.bitCount(unit)
                lengths[bits] += 1
                widest = max(widest, bits)
            } else {
                belowCount += 1
                belowBytes += varintByteCount(
                    plan.divisor == 1
                        ? value &- base : (value &- base) / Int64(bitPattern: plan.divisor))
            }
        }
        let gapBytes = residuals.count > 2048 ? 2 : 1
        var exceptionCount = belowCount
        var exceptionBytes = belowBytes
        var best = Int.max
        // Wider than the widest saves nothing.
        var width = widest
        while true {
            let bytes =
                BitPacking.byteCount(residuals.count, width: width) + exceptionBytes
                + exceptionCount * gapBytes + (exceptionCount > 0 ? 1 : 0)
            if bytes < best {
                best = bytes
                plan.width = width
            }
            if width == 0 { break }
            let count = Int(lengths[width])
            exceptionCount += count
            exceptionBytes += count * (min(width, 63) + 7) / 7
            // Exceptions only become more.
            if exceptionBytes + exceptionCount * gapBytes >= best { break }
            width -= 1
        }
        plan.byteCount =
            best + 1 + varintByteCount(base)
            + (plan.divisor > 1 ? (BitPacking.bitCount(plan.divisor) + 6) / 7 : 0)
        return plan
    }

    /// The greatest common divisor of all distances from `base`; 1 when one of them does not fit.
    private static func divisor(_ base: Int64, _ residuals: Span<Int64>) -> UInt64 {
        var divisor: UInt64 = 0
        for index in 0..<residuals.count {
            let (distance, overflow) = residuals[index].subtractingReportingOverflow(base)
            if overflow { return 1 }
            var a = distance.magnitude
            if a == 0 { continue }
            if divisor == 0 {
                divisor = a
                continue
            }
            if a % divisor == 0 { continue }
            while a != 0 { (divisor, a) = (a, divisor % a) }
            if divisor == 1 { return 1 }
        }
        // Int64.min has no positive counterpart to divide by.
        return divisor == 0 || divisor > UInt64(Int64.max) ? 1 : divisor
    }

    static func varintByteCount(_ value: Int64) -> Int {
        let zigzag = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        return max(1, (BitPacking.bitCount(zigzag) + 6) / 7)
    }
}

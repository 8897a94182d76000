/// The decimal number of the fewest digits that reads back as a given `Double`; of several, the one
/// closest to it: value = `digits` × 10^`exponent`.
///
/// - Source: R. Giulietti, "The Schubfach way to render doubles" (2020): of the multiples of 10^k and
///   10^(k+1) around the value, with 10^k just below the distance of its neighbours, one lies in
///   the interval that rounds to it. The bounds are worked out with 128-bit powers of ten, rounded
///   to odd, which decides every comparison exactly.
struct ShortestDecimal {
    /// At most 17 of them; without zeros at the end.
    private(set) var digits: UInt64
    private(set) var exponent: Int

    /// - Parameter magnitude: finite, > 0.
    @inline(__always)
    init(_ magnitude: Double) {
        let bits = magnitude.bitPattern
        let biased = Int(truncatingIfNeeded: bits >> 52) & 0x7FF
        let fraction = bits & 0xF_FFFF_FFFF_FFFF
        let c = biased == 0 ? fraction : fraction | 1 << 52
        let q = max(1, biased) &- 1075
        // Below a power of two the neighbour is only half as far away.
        let isIrregular = fraction == 0 && biased > 1
        let k = isIrregular ? Self.floorLog10ThreeQuarters(q) : Self.floorLog10PowerOf2(q)
        let h = UInt64(truncatingIfNeeded: q &+ PowersOfTen.floorLog2(-k) &+ 1)
        let power = PowersOfTen.power(-k)
        let out = c & 1
        let below = Self.roundToOdd(power, (c << 2 &- (isIrregular ? 1 : 2)) << h)
        let value = Self.roundToOdd(power, (c << 2) << h)
        let above = Self.roundToOdd(power, (c << 2 &+ 2) << h)
        let s = value >> 2
        if s >= 10 {
            let tens = s / 10
            let low = tens &* 40
            let takesLow = below &+ out <= low
            let takesHigh = low &+ 40 &+ out <= above
            if takesLow != takesHigh {
                (digits, exponent) = (takesLow ? tens : tens &+ 1, k &+ 1)
                removeZeros()
                return
            }
        }
        let takesLow = below &+ out <= s << 2
        let takesHigh = (s << 2) &+ 4 &+ out <= above
        exponent = k
        if takesLow != takesHigh {
            digits = takesLow ? s : s &+ 1
        } else {
            // Both, or neither of two equally good: the closer one, at half the even one.
            let middle = (s << 2) &+ 2
            digits = value < middle || value == middle && s & 1 == 0 ? s : s &+ 1
        }
        removeZeros()
    }

    @inline(__always)
    private mutating func removeZeros() {
        while true {
            let (quotient, rest) = digits.quotientAndRemainder(dividingBy: 10)
            if rest != 0 || quotient == 0 { return }
            digits = quotient
            exponent &+= 1
        }
    }

    /// power × c / 2^128, the last bit set when that is no integer.
    @inline(__always)
    private static func roundToOdd(_ power: (high: UInt64, low: UInt64), _ c: UInt64) -> UInt64 {
        let low = power.low.multipliedFullWidth(by: c).high
        let high = power.high.multipliedFullWidth(by: c)
        let (rest, carries) = high.low.addingReportingOverflow(low)
        let whole = high.high &+ (carries ? 1 : 0)
        return whole | (rest > 1 ? 1 : 0)
    }

    /// ⌊log₁₀ 2^q⌋ for |q| ≤ 1500.
    @inline(__always)
    static func floorLog10PowerOf2(_ q: Int) -> Int { (q &* 1_262_611) >> 22 }

    /// ⌊log₁₀(¾ · 2^q)⌋ for |q| ≤ 1500.
    @inline(__always)
    static func floorLog10ThreeQuarters(_ q: Int) -> Int { (q &* 1_262_611 &- 524_031) >> 22 }
}

/// Powers of ten as 128-bit numbers: ⌊10^e / 2^(⌊log₂ 10^e⌋ − 127)⌋ + 1.
enum PowersOfTen {
    static let range = -293...325

    /// ⌊log₂ 10^e⌋ for |e| ≤ 1200.
    @inline(__always)
    static func floorLog2(_ e: Int) -> Int { (e &* 1_741_647) >> 19 }

    @inline(__always)
    static func power(_ e: Int) -> (high: UInt64, low: UInt64) {
        let words = words.span
        let index = (e &- range.lowerBound) &* 2
        return (words[index], words[index &+ 1])
    }

    /// High and low word of each, worked out once with long multiplication and division: 50 µs.
    private static let words: [UInt64] = {
        var negative: [(UInt64, UInt64)] = []
        // 2^1280 / 10^n: enough bits that the 128 highest are exact for every n.
        var quotient = [UInt64](repeating: 0, count: 20) + [1]
        for _ in 1...(-range.lowerBound) {
            var rest: UInt64 = 0
            for index in quotient.indices.reversed() {
                (quotient[index], rest) = UInt64(10).dividingFullWidth((rest, quotient[index]))
            }
            negative.append(highestBits(quotient))
        }
        var words: [UInt64] = []
        for pair in negative.reversed() { words += [pair.0, pair.1] }
        var product: [UInt64] = [1]
        for _ in 0...range.upperBound {
            let pair = highestBits(product)
            words += [pair.0, pair.1]
            var carry: UInt64 = 0
            for index in product.indices {
                let (high, low) = product[index].multipliedFullWidth(by: 10)
                let (sum, carries) = low.addingReportingOverflow(carry)
                product[index] = sum
                carry = high &+ (carries ? 1 : 0)
            }
            if carry > 0 { product.append(carry) }
        }
        return words
    }()

    /// The 128 highest bits, and 1 added. `number`: words, the lowest first.
    private static func highestBits(_ number: [UInt64]) -> (UInt64, UInt64) {
        func bit(_ index: Int) -> UInt64 {
            index < 0 ? 0 : number[index >> 6] >> UInt64(index & 63) & 1
        }
        var top = number.count - 1
        while number[top] == 0 { top -= 1 }
        let length = top * 64 + 64 - number[top].leadingZeroBitCount
        var (high, low): (UInt64, UInt64) = (0, 0)
        for place in 0..<128 {
            high = high << 1 | low >> 63
            low = low << 1 | bit(length - 1 - place)
        }
        let (sum, carries) = low.addingReportingOverflow(1)
        return (carries ? high + 1 : high, sum)
    }
}

import Testing

@testable import TSQBase

@Suite("Decimal numbers")
struct DecimalTests {
    @Test(
        "the JSON layout has an exponent below 1e-6 and from 1e21 on",
        arguments: [
            (0.0, "0"), (-0.0, "-0"), (1, "1"), (-1.5, "-1.5"), (1e-6, "0.000001"),
            (9.9e-7, "9.9e-07"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
            (1.5e300, "1.5e+300"), (Double.leastNonzeroMagnitude, "5e-324"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123_456_789.125, "123456789.125"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (1e15, "1000000000000000"), (0x1p53, "9007199254740992"),
        ])
    func json(value: Double, text: String) {
        #expect(DecimalPrint.string(value, .json) == text)
    }

    @Test(
        "the exposition layout has an exponent below 1e-4 and from 1e+06 on",
        arguments: [
            (0.0, "0"), (-0.0, "-0"), (100_000, "100000"), (123_456, "123456"), (1e6, "1e+06"),
            (1_234_567, "1.234567e+06"), (0.0001, "0.0001"), (0.00001, "1e-05"), (2.5, "2.5"),
        ])
    func general(value: Double, text: String) {
        #expect(DecimalPrint.string(value, .general) == text)
    }

    @Test(
        "the alert layout always has an exponent of two digits at least",
        arguments: [(1.0, "1e+00"), (0, "0e+00"), (12.5, "1.25e+01"), (1e-300, "1e-300")])
    func exponent(value: Double, text: String) {
        #expect(DecimalPrint.string(value, .exponent) == text)
    }

    @Test(
        "seconds have at most three decimals and no zeros at their end",
        arguments: [
            (0, "0"), (1000, "1"), (1500, "1.5"), (1_435_781_430_781, "1435781430.781"),
            (-1, "-0.001"), (10, "0.01"), (Int64.min, "-9223372036854775.808"),
        ] as [(Int64, String)])
    func seconds(ms: Int64, text: String) {
        var bytes: [UInt8] = []
        DecimalPrint.appendSeconds(ms: ms, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    /// The digits of the standard library's spelling and their place, the plain way.
    private func plain(_ value: Double) -> (digits: String, point: Int) {
        var digits = ""
        var (point, exponent) = (0, 0)
        let parts = value.magnitude.description.split(separator: "e")
        if parts.count > 1 { exponent = Int(parts[1]) ?? 0 }
        var isFraction = false
        for character in parts[0] {
            if character == "." {
                isFraction = true
            } else if digits.isEmpty && character == "0" {
                if isFraction { point -= 1 }
            } else {
                digits.append(character)
                if !isFraction { point += 1 }
            }
        }
        while digits.last == "0" { digits.removeLast() }
        return (digits, point + exponent)
    }

    private func expectShortest(_ value: Double) {
        let decimal = ShortestDecimal(value.magnitude)
        let digits = "\(decimal.digits)"
        let expected = plain(value)
        #expect(digits == expected.digits, "\(value)")
        #expect(digits.count + decimal.exponent == expected.point, "\(value)")
        #expect(json(value) == jsonPlain(value), "\(value)")
    }

    private func json(_ value: Double) -> String { DecimalPrint.string(value, .json) }

    private func jsonPlain(_ value: Double) -> String {
        let (digits, point) = plain(value)
        let sign = value < 0 ? "-" : ""
        func zeros(_ count: Int) -> String { String(repeating: "0", count: count) }
        if value.magnitude < 1e-6 || value.magnitude >= 1e21 {
            let rest = digits.dropFirst()
            let exponent = abs(point - 1)
            return "\(sign)\(digits.prefix(1))\(rest.isEmpty ? "" : ".\(rest)")"
                + "e\(point < 1 ? "-" : "+")\(exponent < 10 ? "0" : "")\(exponent)"
        }
        if point <= 0 { return "\(sign)0.\(zeros(-point))\(digits)" }
        if point >= digits.count { return sign + digits + zeros(point - digits.count) }
        return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
    }

    @Test("the shortest digits are those of the standard library, for any bits")
    func shortest() {
        var random = SplitMix64(seed: 77)
        for _ in 0..<8000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite && value != 0 { expectShortest(value) }
        }
    }

    @Test("the shortest digits are right at powers of two and ten and beside them")
    func borders() {
        var value = Double.leastNonzeroMagnitude
        while value.isFinite {
            for near in [value.nextDown, value, value.nextUp] where near > 0 {
                expectShortest(near)
            }
            value *= 2
        }
        for exponent in -323...308 {
            guard let power = Double("1e\(exponent)") else { continue }
            for near in [power.nextDown, power, power.nextUp] where near > 0 {
                expectShortest(near)
            }
        }
        for near in [0.5, 0.3, 2.5e-6, 1e-6, 1e21.nextDown, .greatestFiniteMagnitude, 0x1p52] {
            expectShortest(-near)
        }
    }

    @Test("short decimals, whole numbers and quotients are printed as the plain way does")
    func shortDecimals() {
        var random = SplitMix64(seed: 5)
        for _ in 0..<3000 {
            let whole = Double(random.next() >> (random.next() % 60)) + 1
            let divisor = [1, 10, 100, 1000, 10_000, 1e6][Int(random.next() % 6)]
            expectShortest(whole / divisor)
            expectShortest(whole / Double(random.next() % 1000 + 1))
        }
    }

    @Test("eight digits at once are the digits one by one")
    func eightDigits() {
        var random = SplitMix64(seed: 9)
        for index in 0..<20_000 {
            // All numbers of four digits on either side, then any of eight.
            let value = index < 10_000 ? index * 10_001 : Int(random.next() % 100_000_000)
            let word = DecimalPrint.eightDigits(UInt32(value))
            var text = ""
            for place in 0..<8 {
                text.unicodeScalars.append(
                    Unicode.Scalar(UInt8(truncatingIfNeeded: word >> UInt64(place * 8))))
            }
            #expect(text == String(repeating: "0", count: 8 - "\(value)".count) + "\(value)")
        }
    }

    @Test("the approximated logarithms are exact where they are used")
    func logarithms() {
        for q in -1060...971 {
            // 2^q = s.ddd × 10^e by the standard library.
            let exact = plain(Double(sign: .plus, exponent: q, significand: 1)).point - 1
            #expect(ShortestDecimal.floorLog10PowerOf2(q) == exact)
        }
    }

    @Test("every number reads back as the same bits from every layout")
    func roundTrip() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<50_000 {
            let value = Double(bitPattern: random.next())
            if value.isNaN { continue }
            for layout in [DecimalPrint.Layout.json, .general, .exponent, .fixed] {
                let text = DecimalPrint.string(value, layout)
                #expect(try DecimalParse.double(text).bitPattern == value.bitPattern, "\(text)")
            }
        }
    }

    @Test("the short way of the parser gives the exactly rounded value")
    func shortWay() throws {
        var random = SplitMix64(seed: 2)
        for _ in 0..<50_000 {
            let mantissa = Int64.random(in: -10_000_000_000...10_000_000_000, using: &random)
            let text = "\(mantissa)e\(Int.random(in: -30...30, using: &random))"
            #expect(try DecimalParse.double(text) == Double(text), "\(text)")
        }
    }

    @Test(
        "what Go does not read as a number is refused",
        arguments: [
            "", "+", "-", ".", "e5", "1e", "1e+", "0x10", "1_000", "1.2.3", "1 ", " 1", "nan1",
            "+nan", "infin", "--1", "1f",
        ])
    func refused(text: String) {
        #expect(throws: DecimalParse.Failure.syntax) { try DecimalParse.double(text) }
    }

    @Test(
        "the spellings of infinity and NaN are read in any case",
        arguments: ["inf", "+Inf", "Infinity", "+INFINITY", "iNf"])
    func infinity(text: String) throws {
        #expect(try DecimalParse.double(text) == .infinity)
        #expect(try DecimalParse.double("NaN").bitPattern == StaleMarker.ordinaryNaNBits)
    }

    @Test("a number beyond the largest is out of range, one below the smallest is 0")
    func range() throws {
        #expect(throws: DecimalParse.Failure.range) { try DecimalParse.double("1e999") }
        #expect(try DecimalParse.double("1e-999") == 0)
        #expect(try DecimalParse.double("-0").sign == .minus)
    }
}

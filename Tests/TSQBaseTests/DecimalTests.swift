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

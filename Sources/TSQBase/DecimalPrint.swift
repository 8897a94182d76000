/// `Double` to decimal text, in Go's layouts, always the shortest digits that read back the same.
package enum DecimalPrint {
    package enum Layout: Sendable {
        /// The HTTP API: digits only, an exponent where |x| < 1e-6 or ≥ 1e21.
        /// - Source: Prometheus util/jsonutil/marshal.go.
        case json
        /// Exposition formats and error texts: Go's `'g'` and `%v`, an exponent below 1e-4 and from
        /// 1e+06 on.
        case general
        /// An alert's value: Go's `'e'`, `1e+00`.
        case exponent
        /// Printed expressions: Go's `'f'`, never an exponent.
        case fixed
    }

    /// Appends `value` to `bytes`.
    package static func append(_ value: Double, _ layout: Layout, to bytes: inout [UInt8]) {
        if layout == .json {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: roomMax) { room in
                guard let out = room.baseAddress else { return }
                let count = writeJSON(value, to: out)
                bytes.append(contentsOf: UnsafeBufferPointer(start: out, count: count))
            }
            return
        }
        if appendWhole(value, layout, to: &bytes) { return }
        if value.isNaN {
            bytes.append(contentsOf: "NaN".utf8)
        } else if value.isInfinite {
            bytes.append(contentsOf: (value < 0 ? "-Inf" : "+Inf").utf8)
        } else {
            if value.sign == .minus { bytes.append(0x2D) }
            let digits = Digits(value.magnitude)
            switch layout {
            case .general:
                let exponent = digits.point - 1
                exponent < -4 || exponent >= 6
                    ? appendExponent(digits, to: &bytes) : appendFixed(digits, to: &bytes)
            case .exponent: appendExponent(digits, to: &bytes)
            case .json, .fixed: appendFixed(digits, to: &bytes)
            }
        }
    }

    package static func string(_ value: Double, _ layout: Layout) -> String {
        var bytes: [UInt8] = []
        append(value, layout, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends an integer's decimal digits.
    package static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(0x2D) }
        appendDigits(value.magnitude, to: &bytes)
    }

    /// Appends a time in ms as seconds with at most three decimals, as the HTTP API prints it.
    package static func appendSeconds(ms: Int64, to bytes: inout [UInt8]) {
        if ms < 0 { bytes.append(0x2D) }
        let (seconds, rest) = ms.magnitude.quotientAndRemainder(dividingBy: 1000)
        appendDigits(seconds, to: &bytes)
        if rest == 0 { return }
        bytes.append(0x2E)
        bytes.append(0x30 + UInt8(rest / 100))
        if rest % 100 == 0 { return }
        bytes.append(0x30 + UInt8(rest / 10 % 10))
        if rest % 10 == 0 { return }
        bytes.append(0x30 + UInt8(rest % 10))
    }

    /// Whole numbers, by far the most frequent values, by hand.
    private static func appendWhole(
        _ value: Double, _ layout: Layout, to bytes: inout [UInt8]
    ) -> Bool {
        guard layout == .fixed, value.magnitude < 1e15,
            let whole = GoNumber.exactInt64(value), whole != 0 || value.sign == .plus
        else { return false }
        append(whole, to: &bytes)
        return true
    }

    private static func appendDigits(_ value: UInt64, to bytes: inout [UInt8]) {
        if value < 10 {
            bytes.append(0x30 + UInt8(value))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { scratch in
            var index = 20
            var rest = value
            while rest > 0 {
                index -= 1
                scratch[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: scratch[index..<20])
        }
    }

    private static func appendFixed(_ digits: Digits, to bytes: inout [UInt8]) {
        if digits.count == 0 {
            bytes.append(0x30)
        } else if digits.point <= 0 {
            bytes.append(0x30)
            bytes.append(0x2E)
            for _ in 0..<(-digits.point) { bytes.append(0x30) }
            digits.append(0..<digits.count, to: &bytes)
        } else if digits.point >= digits.count {
            digits.append(0..<digits.count, to: &bytes)
            for _ in 0..<(digits.point - digits.count) { bytes.append(0x30) }
        } else {
            digits.append(0..<digits.point, to: &bytes)
            bytes.append(0x2E)
            digits.append(digits.point..<digits.count, to: &bytes)
        }
    }

    private static func appendExponent(_ digits: Digits, to bytes: inout [UInt8]) {
        if digits.count == 0 {
            bytes.append(contentsOf: "0e+00".utf8)
            return
        }
        digits.append(0..<1, to: &bytes)
        if digits.count > 1 {
            bytes.append(0x2E)
            digits.append(1..<digits.count, to: &bytes)
        }
        let exponent = digits.point - 1
        bytes.append(0x65)
        bytes.append(exponent < 0 ? 0x2D : 0x2B)
        if exponent.magnitude < 10 { bytes.append(0x30) }
        appendDigits(UInt64(exponent.magnitude), to: &bytes)
    }
}

/// The shortest decimal digits of a finite number ≥ 0: value = 0.d₁d₂… × 10^point.
private struct Digits {
    private var storage: InlineArray<20, UInt8> = .init(repeating: 0)
    private(set) var count = 0
    private(set) var point = 0

    init(_ value: Double) {
        if value == 0 {
            point = 1
            return
        }
        let decimal = ShortestDecimal(value)
        var rest = decimal.digits
        var place = 20
        while rest > 0 {
            place -= 1
            storage[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count = 20 - place
        for index in 0..<count { storage[index] = storage[place + index] }
        point = count + decimal.exponent
    }

    func append(_ range: Range<Int>, to bytes: inout [UInt8]) {
        for index in range { bytes.append(storage[index]) }
    }
}

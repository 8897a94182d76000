import TSQBase

/// A row of values as its difference to the row before (docs/format/log.md): a nibble a value, then
/// the bytes that the nibbles ask for.
enum LogRow {
    /// Nibbles.
    private enum Form {
        static let same: UInt8 = 0
        /// Differences of integers, of 1, 2 or 4 bytes, by their decimal exponent 0…3.
        static let exponent0: UInt8 = 1
        static let exponent1: UInt8 = 4
        static let exponent2: UInt8 = 6
        static let exponent3: UInt8 = 9
        /// The low 6, 7 or 8 bytes of the bits' xor.
        static let xor: UInt8 = 12
        static let none: UInt8 = 15
    }

    /// Bytes that follow for each nibble.
    private static let byteCounts: [16 of Int] = [0, 1, 2, 4, 1, 2, 1, 2, 4, 1, 2, 4, 6, 7, 8, 0]
    private static let exponents: [16 of Int] = [0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0]
    private static let powers: [4 of Double] = [1, 10, 100, 1000]
    /// Adding 1.5 × 2^52 leaves the rounded integer in the low bits.
    private static let roundingShift = 0x1.8p52
    private static let scaledMax = 0x1p51

    /// `value × power` as the nearest integer; nil beyond 2^51, and for NaN.
    @inline(__always)
    private static func rounded(_ value: Double, _ power: Double) -> Int64? {
        let scaled = value * power
        guard scaled.magnitude <= scaledMax else { return nil }
        return Int64(
            bitPattern: (scaled + roundingShift).bitPattern &- roundingShift.bitPattern)
    }

    /// Appends the count of `values`, their nibbles and bytes. Columns that `base` has not are held
    /// against 0.
    ///
    /// Safe because: the space made covers all nibbles and eight bytes a value; a store of eight
    /// bytes begins at the end of what the values before took.
    static func encode(_ values: [Double], base: [Double], into writer: inout ByteWriter) {
        let count = values.count
        writer.uvarint(UInt64(count))
        let start = writer.bytes.count
        let nibbleBytes = (count + 1) / 2
        writer.bytes.append(contentsOf: repeatElement(0, count: nibbleBytes + 8 * count))
        let used = writer.bytes.withUnsafeMutableBytes { raw in
            values.withUnsafeBufferPointer { values in
                base.withUnsafeBufferPointer { base in
                    var offset = start + nibbleBytes
                    for index in 0..<count {
                        let old = index < base.count ? base[index] : 0
                        let (form, word) = choose(values[index], old)
                        let shift: UInt8 = index & 1 == 0 ? 0 : 4
                        raw[start + index >> 1] |= form << shift
                        if form != Form.same {
                            raw.storeBytes(
                                of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
                            offset += byteCounts[Int(form)]
                        }
                    }
                    return offset
                }
            }
        }
        writer.bytes.removeLast(writer.bytes.count - used)
    }

    /// The shortest form of `value` after `old`, and its bytes as the low ones of a word.
    @inline(__always)
    private static func choose(_ value: Double, _ old: Double) -> (form: UInt8, word: UInt64) {
        let xor = value.bitPattern ^ old.bitPattern
        if xor == 0 { return (Form.same, 0) }
        if let whole = rounded(value, 1), Double(whole).bitPattern == value.bitPattern {
            if let from = rounded(old, 1),
                let found = difference(whole &- from, Form.exponent0, hasFour: true)
            {
                return found
            }
        } else if let thousandths = rounded(value, 1000),
            (Double(thousandths) / 1000).bitPattern == value.bitPattern,
            let found = decimal(thousandths, old)
        {
            return found
        }
        if xor >> 48 == 0 { return (Form.xor, xor) }
        return (xor >> 56 == 0 ? Form.xor + 1 : Form.xor + 2, xor)
    }

    @inline(__always)
    private static func decimal(
        _ thousandths: Int64, _ old: Double
    ) -> (form: UInt8, word: UInt64)? {
        // What is exact in tenths or hundredths is so in thousandths, being the same fraction.
        if thousandths % 100 == 0, let from = rounded(old, 10),
            let found = difference(thousandths / 100 &- from, Form.exponent1, hasFour: false)
        {
            return found
        }
        if thousandths % 10 == 0, let from = rounded(old, 100),
            let found = difference(thousandths / 10 &- from, Form.exponent2, hasFour: true)
        {
            return found
        }
        guard let from = rounded(old, 1000) else { return nil }
        return difference(thousandths &- from, Form.exponent3, hasFour: true)
    }

    @inline(__always)
    private static func difference(
        _ value: Int64, _ form: UInt8, hasFour: Bool
    ) -> (form: UInt8, word: UInt64)? {
        let word = UInt64(bitPattern: value)
        if value == Int64(Int8(truncatingIfNeeded: value)) { return (form, word) }
        if value == Int64(Int16(truncatingIfNeeded: value)) { return (form + 1, word) }
        if hasFour, value == Int64(Int32(truncatingIfNeeded: value)) { return (form + 2, word) }
        return nil
    }

    /// Reads what `encode` wrote; `base` is the row that was given there, nil when it is not known:
    /// then the answer is empty and only `count` tells of the row.
    ///
    /// Safe because: the bytes that all nibbles ask for are taken, checked, before the loop; eight
    /// bytes are loaded only where eight are left.
    static func decode(
        _ reader: inout ByteReader, base: [Double]?
    ) throws(ByteReadError) -> (count: Int, values: [Double]) {
        let count = try reader.count(max: reader.remaining * 2)
        let nibbles = try reader.bytes((count + 1) / 2)
        guard let total = nibbles.withUnsafeBytes({ byteCount($0, count) }) else {
            throw .truncated(offset: reader.offset, needed: count)
        }
        let data = try reader.bytes(total)
        guard let base else { return (count, []) }
        let values = [Double](unsafeUninitializedCapacity: count) { target, initialized in
            nibbles.withUnsafeBytes { nibbles in
                data.withUnsafeBytes { data in
                    base.withUnsafeBufferPointer { base in
                        decode(nibbles, data, base, count, into: target)
                    }
                }
            }
            initialized = count
        }
        return (count, values)
    }

    /// The bytes that `count` nibbles ask for; nil when one is none.
    private static func byteCount(_ nibbles: UnsafeRawBufferPointer, _ count: Int) -> Int? {
        var total = 0
        var isWrong = false
        for index in 0..<(count >> 1) {
            let byte = nibbles[index]
            total &+= byteCounts[Int(byte & 15)] &+ byteCounts[Int(byte >> 4)]
            isWrong = isWrong || byte & 15 == Form.none || byte >> 4 == Form.none
        }
        if count & 1 == 1 {
            let form = nibbles[count >> 1] & 15
            total &+= byteCounts[Int(form)]
            isWrong = isWrong || form == Form.none
        }
        return isWrong ? nil : total
    }

    private static func decode(
        _ nibbles: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer,
        _ base: UnsafeBufferPointer<Double>, _ count: Int,
        into target: UnsafeMutableBufferPointer<Double>
    ) {
        var offset = 0
        for index in 0..<count {
            let form = Int(nibbles[index >> 1] >> (index & 1 == 0 ? 0 : 4) & 15)
            let old = index < base.count ? base[index] : 0
            let byteCount = byteCounts[form]
            let word = load(data, offset, byteCount)
            offset &+= byteCount
            target.initializeElement(at: index, to: value(UInt8(form), word, byteCount, old))
        }
    }

    /// `byteCount` bytes as the low ones of a word.
    @inline(__always)
    private static func load(
        _ data: UnsafeRawBufferPointer, _ offset: Int, _ byteCount: Int
    ) -> UInt64 {
        if byteCount == 0 { return 0 }
        if offset + 8 <= data.count {
            let word = UInt64(
                littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return word & (UInt64.max &>> UInt64(64 - 8 * byteCount))
        }
        var word: UInt64 = 0
        for byte in 0..<byteCount { word |= UInt64(data[offset + byte]) << UInt64(8 * byte) }
        return word
    }

    @inline(__always)
    private static func value(
        _ form: UInt8, _ word: UInt64, _ byteCount: Int, _ old: Double
    ) -> Double {
        if form == Form.same { return old }
        if form >= Form.xor { return Double(bitPattern: old.bitPattern ^ word) }
        let unused = UInt64(64 - 8 * byteCount)
        let difference = Int64(bitPattern: word &<< unused) &>> Int64(unused)
        if form < Form.exponent1 { return Double((rounded(old, 1) ?? 0) &+ difference) }
        let power = powers[exponents[Int(form)]]
        // An encoder refers to no base beyond; any other bytes give some value.
        return Double((rounded(old, power) ?? 0) &+ difference) / power
    }
}

/// What the rows of a log refer to, from record to record of one segment.
struct LogRows: Sendable {
    struct Base: Sendable {
        var timeMs: TimestampMs
        var values: [Double]
        /// Rows since the last that referred to none.
        var distance = 0
    }

    /// A row refers to the one before at most so many times in sequence: what a lost record takes
    /// with it is bounded.
    static let distanceMax = 16

    /// By id.
    var layouts: [UInt32: RowLayout] = [:]
    /// The newest row of each group.
    private var bases: [UInt32: Base] = [:]

    /// Forgets everything: another segment begins.
    mutating func removeAll() {
        layouts.removeAll(keepingCapacity: true)
        bases.removeAll(keepingCapacity: true)
    }

    /// Lets the next row of each group stand for itself.
    mutating func forgetRows() { bases.removeAll(keepingCapacity: true) }

    /// The row that the group's next one is written against; nil: none.
    func base(of group: UInt32) -> Base? {
        bases[group].flatMap { $0.distance < Self.distanceMax ? $0 : nil }
    }

    /// The row of the group at exactly this time, if it is the newest.
    func base(of group: UInt32, at timeMs: TimestampMs) -> Base? {
        bases[group].flatMap { $0.timeMs == timeMs ? $0 : nil }
    }

    mutating func note(
        _ group: UInt32, timeMs: TimestampMs, values: [Double], after base: Base?
    ) {
        bases[group] = Base(
            timeMs: timeMs, values: values, distance: base.map { $0.distance + 1 } ?? 0)
    }
}

import TSQBase
import TSQModel

/// Writes JSON into one byte array: 0.15 µs a sample against 2.4 µs of an encoder.
///
/// Commas are the writer's affair: `element()` before each member of an array, `key(_:)` before each
/// member of an object.
package struct JSONWriter: Sendable {
    package internal(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init(reserving byteCount: Int = 1024) { bytes.reserveCapacity(byteCount) }

    /// Begins anew in the room that is there.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    @inline(__always)
    package mutating func raw(_ text: StaticString) {
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    package mutating func beginObject() { open(0x7B) }
    package mutating func endObject() { close(0x7D) }
    package mutating func beginArray() { open(0x5B) }
    package mutating func endArray() { close(0x5D) }

    /// Starts the next element of an array.
    package mutating func element() {
        if needsComma { bytes.append(0x2C) }
        needsComma = true
    }

    /// After a value that was written raw: what comes next needs a comma.
    mutating func afterValue() { needsComma = true }

    /// Starts the next member of an object; the name needs no escapes.
    package mutating func key(_ name: StaticString) {
        element()
        bytes.append(0x22)
        raw(name)
        raw("\":")
    }

    package mutating func key(_ name: String) {
        element()
        string(name)
        bytes.append(0x3A)
    }

    package mutating func null() { raw("null") }
    package mutating func bool(_ value: Bool) { value ? raw("true") : raw("false") }
    package mutating func int(_ value: Int64) { DecimalPrint.append(value, to: &bytes) }
    package mutating func int(_ value: Int) { DecimalPrint.append(Int64(value), to: &bytes) }

    /// A JSON number; what JSON cannot say becomes 0.
    package mutating func number(_ value: Double) {
        DecimalPrint.append(value.isFinite ? value : 0, .json, to: &bytes)
    }

    /// A sample's value: a number in quotes.
    package mutating func sampleValue(_ value: Double) {
        bytes.append(0x22)
        DecimalPrint.append(value, .json, to: &bytes)
        bytes.append(0x22)
    }

    /// Seconds with at most three decimals.
    package mutating func time(ms: TimestampMs) {
        DecimalPrint.appendSeconds(ms: ms, to: &bytes)
    }

    /// A string with `<`, `>`, `&`, U+2028 and U+2029 escaped, as Go's encoder does.
    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0, escapingHTML: true) }
    }

    /// A label's name or value: Prometheus writes these without the escapes for HTML.
    package mutating func label(_ text: String) {
        var text = text
        text.withUTF8 { string($0, escapingHTML: false) }
    }

    package mutating func label(_ symbol: SymbolID, _ symbols: SymbolTable) {
        symbols.withBytes(symbol) { string($0, escapingHTML: false) }
    }

    package mutating func strings(_ texts: some Sequence<String>) {
        beginArray()
        for text in texts {
            element()
            string(text)
        }
        endArray()
    }

    package mutating func labels(_ labels: LabelSet) {
        beginObject()
        for label in labels.labels {
            element()
            self.label(label.name)
            bytes.append(0x3A)
            self.label(label.value)
        }
        endObject()
    }

    private mutating func open(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func string(_ text: UnsafeBufferPointer<UInt8>, escapingHTML: Bool) {
        bytes.append(0x22)
        var start = 0
        var index = 0
        while index < text.count {
            let byte = text[index]
            var length = 1
            var escape: StaticString?
            var hexadecimal = false
            switch byte {
            case 0x22: escape = "\\\""
            case 0x5C: escape = "\\\\"
            case 0x0A: escape = "\\n"
            case 0x0D: escape = "\\r"
            case 0x09: escape = "\\t"
            case 0..<0x20: hexadecimal = true
            case 0x3C, 0x3E, 0x26: hexadecimal = escapingHTML
            case 0xE2 where escapingHTML && index + 2 < text.count && text[index + 1] == 0x80:
                // U+2028 and U+2029 end lines in JavaScript.
                if text[index + 2] == 0xA8 { escape = "\\u2028" }
                if text[index + 2] == 0xA9 { escape = "\\u2029" }
                length = escape == nil ? 1 : 3
            default: break
            }
            if escape != nil || hexadecimal {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
                if let escape { raw(escape) } else { appendHexadecimal(byte) }
                start = index + length
            }
            index += length
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        bytes.append(0x22)
    }

    private mutating func appendHexadecimal(_ byte: UInt8) {
        raw("\\u00")
        for digit in [byte >> 4, byte & 15] {
            bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
    }
}

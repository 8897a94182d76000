import TSQBase

/// The parameters of a request in Go's order: those of the body first, then those of the URL.
package struct FormParameters: Sendable {
    private var body: [(name: String, value: String)] = []
    private var query: [(name: String, value: String)] = []
    /// The first thing that was wrong, in the words of Go's `url.ParseQuery`. What could be read is
    /// there nevertheless.
    package private(set) var problem: String?

    package init(query: String, body: [UInt8]? = nil) {
        if let body { self.body = parse(body[...]) }
        self.query = parse(Array(query.utf8)[...])
    }

    /// The first value of `name`, empty where there is none.
    package subscript(name: String) -> String {
        (body.first { $0.name == name } ?? query.first { $0.name == name })?.value ?? ""
    }

    /// Only of the URL.
    package func fromURL(_ name: String) -> String {
        query.first { $0.name == name }?.value ?? ""
    }

    package func all(_ name: String) -> [String] {
        (body + query).filter { $0.name == name }.map(\.value)
    }

    private mutating func parse(_ text: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        var result: [(name: String, value: String)] = []
        for field in text.split(separator: 0x26) {
            if field.contains(0x3B) {
                problem = problem ?? "invalid semicolon separator in query"
                continue
            }
            let separator = field.firstIndex(of: 0x3D) ?? field.endIndex
            guard let name = decode(field[..<separator]),
                let value = decode(field[separator...].dropFirst())
            else { continue }
            result.append((name, value))
        }
        return result
    }

    private mutating func decode(_ text: ArraySlice<UInt8>) -> String? {
        switch Self.percentDecoded(text, plusIsSpace: true) {
        case .success(let decoded): return decoded
        case .failure(let error):
            problem = problem ?? "invalid URL escape \(GoQuote.quoted(error.escape))"
            return nil
        }
    }

    struct EscapeError: Error { let escape: String }

    static func percentDecoded(
        _ text: ArraySlice<UInt8>, plusIsSpace: Bool
    ) -> Result<String, EscapeError> {
        guard text.contains(where: { $0 == 0x25 || $0 == 0x2B }) else {
            return .success(String(decoding: text, as: UTF8.self))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            switch text[index] {
            case 0x25:
                guard index + 2 < text.endIndex, let high = hexadecimal(text[index + 1]),
                    let low = hexadecimal(text[index + 2])
                else {
                    return .failure(
                        EscapeError(
                            escape: String(decoding: text[index...].prefix(3), as: UTF8.self)))
                }
                bytes.append(high << 4 | low)
                index += 3
            case 0x2B where plusIsSpace:
                bytes.append(0x20)
                index += 1
            default:
                bytes.append(text[index])
                index += 1
            }
        }
        return .success(String(decoding: bytes, as: UTF8.self))
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

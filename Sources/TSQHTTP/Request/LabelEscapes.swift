/// The `U__` spelling of names that do not fit a URL or an old client.
///
/// - Source: prometheus/common model.UnescapeName, value encoding: `_` + hexadecimal + `_` is a
///   character, `__` an underscore.
enum LabelEscapes {
    /// `name` unchanged where it is no valid escape.
    static func unescaped(_ name: String) -> String {
        guard name.hasPrefix("U__") else { return name }
        var result = String.UnicodeScalarView()
        var rest = name.unicodeScalars.dropFirst(3)
        while let scalar = rest.popFirst() {
            guard scalar == "_" else {
                result.append(scalar)
                continue
            }
            if rest.first == "_" {
                rest.removeFirst()
                result.append("_")
                continue
            }
            guard let end = rest.firstIndex(of: "_") else { return name }
            let digits = String(rest[..<end])
            guard !digits.isEmpty, digits.utf8.count <= 6, let code = UInt32(digits, radix: 16),
                let decoded = Unicode.Scalar(code)
            else { return name }
            result.append(decoded)
            rest = rest[rest.index(after: end)...]
        }
        return String(result)
    }
}

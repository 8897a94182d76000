import TSQBase

/// Which series `limit_ratio` keeps.
package enum LimitRatio {
    /// Where the series lies between 0 and 1.
    ///
    /// - Parameter labelBytes: every label in name order, name then value, each as its length (one
    ///   byte; 255 then three bytes little-endian from 255 on) and its bytes.
    package static func position(labelBytes: Span<UInt8>) -> Double {
        Double(XXHash64.hash(labelBytes)) / Double(UInt64.max)
    }

    /// Appends one string as `position` wants it.
    package static func append(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        if text.count < 255 {
            bytes.append(UInt8(text.count))
        } else {
            bytes.append(255)
            bytes.append(UInt8(truncatingIfNeeded: text.count))
            bytes.append(UInt8(truncatingIfNeeded: text.count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: text.count >> 16))
        }
        bytes.append(contentsOf: text)
    }

    /// Whether `limit_ratio(ratio, …)` keeps a series; a negative ratio keeps the complement of
    /// `1 + ratio`.
    package static func isSelected(position: Double, ratio: Double) -> Bool {
        ratio >= 0 ? position < ratio : position >= 1 + ratio
    }

    package static func isSelected(labelBytes: Span<UInt8>, ratio: Double) -> Bool {
        isSelected(position: position(labelBytes: labelBytes), ratio: ratio)
    }
}

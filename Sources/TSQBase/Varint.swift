/// LEB128 varints and zigzag, as protobuf and tsq's own formats use them.
package enum Varint {
    /// A UInt64 takes at most this many bytes.
    package static let byteCountMax = 10

    @inlinable
    package static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }

    @inlinable
    package static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whether `page` has the bytes `known` at `start`.
// Safe because: the precondition keeps the compared range inside the page.
@inline(__always)
func bytesEqual(_ page: Span<UInt8>, _ start: Int, _ known: Span<UInt8>) -> Bool {
    precondition(start >= 0 && start + known.count <= page.count, "BUG: compares beyond the page")
    return page.withUnsafeBufferPointer { a in
        known.withUnsafeBufferPointer { b in
            guard let x = a.baseAddress, let y = b.baseAddress else { return known.isEmpty }
            return memcmp(x + start, y, b.count) == 0
        }
    }
}

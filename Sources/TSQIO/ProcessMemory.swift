import CMalloc

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a server does to keep its resident memory near what it uses. For whole programs: a library in
/// another program leaves that program's memory alone.
package enum ProcessMemory {
    /// Larger blocks are the columns of results and large tables: between small ones that live on,
    /// their place in a heap could not be given back.
    private static let mappedByteCountMin = 1 << 20
    /// Free memory at a heap's end that the next query finds where the last one left it, until `trim`:
    /// to map and clear its pages anew took a twentieth of a query's time.
    private static let keptByteCountMax = 2 << 20

    /// Before any thread starts: threads share two heaps instead of having one each, so that what one
    /// frees another uses; large blocks stay out of them.
    package static func shareHeaps() {
        tsq_malloc_limit_heaps(2)
        tsq_malloc_map_from(mappedByteCountMin)
        tsq_malloc_keep(keptByteCountMax)
    }

    /// Gives back what was freed, and the pages of code, blocks and index segments: what is used
    /// comes again from the page cache, what was for the start or for one query does not.
    package static func trim() {
        tsq_malloc_trim()
        #if os(Linux)
            for range in cleanRanges() {
                // Safe because: these pages are never written, so that each can be read again.
                madvise(
                    UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count,
                    MADV_DONTNEED)
            }
        #endif
    }

    /// Mappings of files that nobody can have written to: code, and what is shared for reading.
    /// (Data that the linker relocated is read-only as well, but private and changed.)
    static func cleanRanges() -> [Range<UInt>] {
        var ranges: [Range<UInt>] = []
        // lower-upper perms offset device inode path
        for line in mappings().split(separator: 0x0A) {
            let fields = line.split(separator: 0x20)
            guard fields.count >= 6, fields[4] != [0x30],
                fields[1].elementsEqual("r-xp".utf8) || fields[1].elementsEqual("r--s".utf8)
            else { continue }
            let bounds = fields[0].split(separator: 0x2D).compactMap {
                UInt(String(decoding: $0, as: UTF8.self), radix: 16)
            }
            if bounds.count == 2, bounds[0] < bounds[1] { ranges.append(bounds[0]..<bounds[1]) }
        }
        return ranges
    }

    /// A process has few hundred mappings, a line each.
    private static let mappingsBytesMax = 1 << 20

    private static func mappings() -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(IOError) {
            let file = try PosixFileSystem().open("/proc/self/maps", .read)
            defer { file.close() }
            while bytes.count < mappingsBytesMax {
                // Such files give whole lines, a page at most, whatever is asked for.
                let count = try file.read(
                    at: UInt64(bytes.count), byteCount: 1 << 16, into: &bytes)
                if count == 0 { break }
            }
        } catch {
            return []
        }
        return bytes
    }
}

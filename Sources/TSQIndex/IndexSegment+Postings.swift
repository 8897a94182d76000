import TSQModel

extension IndexSegment: PostingsSource {
    func nameIndex(_ name: String) throws(IndexError) -> Int? {
        let name = Array(name.utf8)
        var (low, high) = (0, nameCount)
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compare(try nameBytes(middle), name)
            if order == 0 { return middle }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private static func compare(_ raw: UnsafeRawBufferPointer, _ text: [UInt8]) -> Int {
        raw.withMemoryRebound(to: UInt8.self) { raw in
            text.withUnsafeBufferPointer { compareBytes(raw, $0) }
        }
    }

    /// The first handle of the name whose value is not below `text`, and whether it is `text`.
    private func search(
        _ name: Int, _ text: [UInt8]
    ) throws(IndexError) -> (handle: Int, isEqual: Bool, end: Int) {
        let range = try pairRange(name)
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compare(try valueBytes(middle), text)
            if order == 0 { return (middle, true, range.upperBound) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (low, false, range.upperBound)
    }

    func handle(_ name: Int, _ value: String) throws(IndexError) -> UInt32? {
        let (handle, isEqual, _) = try search(name, Array(value.utf8))
        return isEqual ? UInt32(handle) : nil
    }

    func valueCount(_ name: Int) throws(IndexError) -> Int { try pairRange(name).count }

    func visitValues(
        _ name: Int, prefix: String, _ body: (UInt32, UnsafeBufferPointer<UInt8>) -> Void
    ) throws(IndexError) {
        let prefix = Array(prefix.utf8)
        var (handle, _, end) = try search(name, prefix)
        while handle < end {
            let value = try valueBytes(handle)
            if !value.starts(with: prefix) { return }
            value.withMemoryRebound(to: UInt8.self) { body(UInt32(handle), $0) }
            handle += 1
        }
    }

    func withValue<R>(
        _ handle: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R
    ) throws(IndexError) -> R {
        try valueBytes(Int(handle)).withMemoryRebound(to: UInt8.self, body)
    }

    func handles(of ordinals: [UInt32], _ name: Int) throws(IndexError) -> [UInt32] {
        var cursor = SeriesCursor(self)
        let range = try pairRange(name)
        var result: [UInt32] = []
        result.reserveCapacity(ordinals.count)
        for ordinal in ordinals {
            try cursor.seek(Int(ordinal))
            result.append(cursor.handles.first { range.contains(Int($0)) } ?? Self.noHandle)
        }
        return result
    }

    func postings(_ handle: UInt32) throws(IndexError) -> PostingsList {
        let start = Int(try u32(.postingsOffsets, Int(handle)))
        let bytes = try slice(.postings, start, Int(try u32(.postingsOffsets, Int(handle) + 1)))
        return try PostingsList(
            bytes, fileOffset: range(.postings).lowerBound + start, limit: seriesCount)
    }

    func postingsCount(_ handle: UInt32) throws(IndexError) -> Int { try postings(handle).count }

    func appendPostings(
        _ handle: UInt32, into ordinals: inout [UInt32]
    ) throws(IndexError) {
        try postings(handle).append(into: &ordinals)
    }

    func filter(
        _ candidates: [UInt32], having handle: UInt32, _ isWanted: Bool
    ) throws(IndexError) -> [UInt32] {
        try postings(handle).filter(candidates, isWanted)
    }
}

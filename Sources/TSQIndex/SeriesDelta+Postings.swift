import TSQModel

extension SeriesDelta: PostingsSource {
    func nameIndex(_ name: String) -> Int? { findName(name) }

    func handle(_ name: Int, _ value: String) -> UInt32? {
        findPair(name, value).map { UInt32($0) }
    }

    func valueCount(_ name: Int) -> Int { pairsOfName[name].count }

    func visitValues(
        _ name: Int, prefix: String, _ body: (UInt32, UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var prefix = prefix
        prefix.withUTF8 { prefix in
            for pair in pairsOfName[name] {
                values.withBytes(Int(pair)) { value in
                    if prefix.isEmpty || value.starts(with: prefix) { body(pair, value) }
                }
            }
        }
    }

    func withValue<R>(_ handle: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        values.withBytes(Int(handle), body)
    }

    func handles(of ordinals: [UInt32], _ name: Int) -> [UInt32] {
        ordinals.map { handle(ofSeries: $0, name) ?? Self.noHandle }
    }

    @inline(__always)
    func handle(ofSeries ordinal: UInt32, _ name: Int) -> UInt32? {
        for index in range(Int(ordinal)) where Int(nameOfPair[Int(seriesPairs[index])]) == name {
            return seriesPairs[index]
        }
        return nil
    }

    func postingsCount(_ handle: UInt32) -> Int { chains.count(Int(handle)) }

    func appendPostings(_ handle: UInt32, into ordinals: inout [UInt32]) {
        ordinals.reserveCapacity(ordinals.count + postingsCount(handle))
        chains.visit(Int(handle)) { ordinals.append(contentsOf: $0) }
    }

    func filter(
        _ candidates: [UInt32], having handle: UInt32, _ isWanted: Bool
    ) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(candidates.count)
        let candidates = candidates.span
        var at = 0
        chains.visit(Int(handle)) { part in
            guard let last = part.last else { return }
            // Blocks below the next candidate are passed over by their last number.
            if at == candidates.count || last < candidates[at] { return }
            var index = 0
            while at < candidates.count, candidates[at] <= last {
                while part[index] < candidates[at] { index += 1 }
                if (part[index] == candidates[at]) == isWanted { result.append(candidates[at]) }
                at += 1
            }
        }
        if !isWanted {
            while at < candidates.count {
                result.append(candidates[at])
                at += 1
            }
        }
        return result
    }
}

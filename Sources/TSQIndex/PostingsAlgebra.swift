/// Operations on ascending lists of numbers without repetition.
package enum PostingsAlgebra {
    /// Lists that differ by more than this factor are intersected by galloping.
    private static let gallopFactor = 16

    /// The numbers in both lists.
    ///
    /// - Complexity: O(a + b), or O(small × log(large / small)) when the sizes differ much.
    package static func intersection(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        a.count <= b.count ? intersectionSmall(a, b) : intersectionSmall(b, a)
    }

    private static func intersectionSmall(_ small: [UInt32], _ large: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        if small.isEmpty || large.isEmpty { return result }
        result.reserveCapacity(small.count)
        let (small, large) = (small.span, large.span)
        let gallops = large.count / small.count > gallopFactor
        var at = 0
        for index in 0..<small.count {
            let wanted = small[index]
            if gallops {
                at = gallop(large, from: at, to: wanted)
            } else {
                while at < large.count, large[at] < wanted { at += 1 }
            }
            if at == large.count { break }
            if large[at] == wanted {
                result.append(wanted)
                at += 1
            }
        }
        return result
    }

    /// The first index at or after `from` whose number is not below `wanted`.
    static func gallop(_ list: Span<UInt32>, from: Int, to wanted: UInt32) -> Int {
        var low = from
        var step = 1
        while low + step < list.count, list[low + step] < wanted {
            low += step
            step *= 2
        }
        var high = min(list.count, low + step + 1)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The numbers in `a` that are not in `b`.
    package static func subtracting(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        if b.isEmpty { return a }
        var result: [UInt32] = []
        result.reserveCapacity(a.count)
        let (a, b) = (a.span, b.span)
        let gallops = b.count / max(1, a.count) > gallopFactor
        var at = 0
        for index in 0..<a.count {
            let number = a[index]
            if gallops {
                at = gallop(b, from: at, to: number)
            } else {
                while at < b.count, b[at] < number { at += 1 }
            }
            if at == b.count || b[at] != number { result.append(number) }
        }
        return result
    }

    /// The numbers of lists that stand end to end in `concatenated`, each once; all are below
    /// `limit`.
    ///
    /// - Complexity: O(n + limit / 64), or O(n log n) for few numbers.
    package static func union(_ concatenated: [UInt32], limit: Int) -> [UInt32] {
        if concatenated.count < limit / 64 { return sortedUnion(concatenated) }
        var words = [UInt64](repeating: 0, count: (limit + 63) / 64)
        for number in concatenated { words[Int(number >> 6)] |= 1 << UInt64(number & 63) }
        var result: [UInt32] = []
        result.reserveCapacity(min(concatenated.count, limit))
        for index in words.indices {
            var word = words[index]
            while word != 0 {
                result.append(UInt32(index << 6 + word.trailingZeroBitCount))
                word &= word &- 1
            }
        }
        return result
    }

    private static func sortedUnion(_ numbers: [UInt32]) -> [UInt32] {
        let sorted = numbers.sorted()
        var result: [UInt32] = []
        result.reserveCapacity(sorted.count)
        for number in sorted where result.last != number { result.append(number) }
        return result
    }
}

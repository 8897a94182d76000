import TSQBase

extension Histogram {
    /// The bounds that both lists have.
    package static func sharedBounds(_ a: [Double], _ b: [Double]) -> [Double] {
        var shared: [Double] = []
        var (left, right) = (0, 0)
        while left < a.count && right < b.count {
            if a[left] == b[right] {
                shared.append(a[left])
                left += 1
                right += 1
            } else if a[left] < b[right] {
                left += 1
            } else {
                right += 1
            }
        }
        return shared
    }
}

extension IndexedBuckets {
    /// Buckets over fewer custom bounds: each goes to the first bound that is not below its own.
    func remapped(from bounds: [Double], to shared: [Double]) -> IndexedBuckets {
        var result = IndexedBuckets()
        var target = 0
        for position in indexes.indices {
            let source = Int(indexes[position])
            var slot = shared.count
            if source < bounds.count && source >= 0 {
                while target < shared.count && shared[target] < bounds[source] { target += 1 }
                slot = target
            }
            if let last = result.indexes.last, last == Int32(slot) {
                let end = result.counts.count - 1
                if isCompensated {
                    var sum = KahanSum(result.counts[end], result.compensations[end])
                    sum.add(counts[position])
                    sum.add(compensations[position])
                    result.counts[end] = sum.sum
                    result.compensations[end] = sum.compensation
                } else {
                    result.counts[end] += counts[position]
                }
            } else {
                result.append(
                    Int32(slot), counts[position], isCompensated ? compensations[position] : nil)
            }
        }
        return result
    }
}

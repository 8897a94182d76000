import TSQBase

/// The k largest or smallest elements, ties decided as a binary heap of k elements decides them.
///
/// - Source: Prometheus promql/engine.go, aggregationK; Go container/heap.
enum ReferenceHeap {
    static func best(
        _ samples: [ReferenceSample], count: Int, isLargest: Bool
    ) -> [ReferenceSample] {
        /// NaN is the worst element of all.
        func isWorse(_ a: Double, _ b: Double) -> Bool {
            a.isNaN || (isLargest ? a < b : a > b)
        }
        var heap: [(value: Double, sample: ReferenceSample)] = []
        func siftDown() {
            var index = 0
            while 2 * index + 1 < heap.count {
                var child = 2 * index + 1
                if child + 1 < heap.count, isWorse(heap[child + 1].value, heap[child].value) {
                    child += 1
                }
                if !isWorse(heap[child].value, heap[index].value) { break }
                heap.swapAt(index, child)
                index = child
            }
        }
        for sample in samples {
            guard let value = sample.value.float else { continue }
            if heap.count < count {
                heap.append((value, sample))
                var index = heap.count - 1
                while index > 0, isWorse(heap[index].value, heap[(index - 1) / 2].value) {
                    heap.swapAt(index, (index - 1) / 2)
                    index = (index - 1) / 2
                }
            } else if let worst = heap.first?.value,
                isLargest ? worst < value : worst > value, !worst.isNaN
            {
                heap[0] = (value, sample)
                siftDown()
            } else if let worst = heap.first?.value, worst.isNaN, !value.isNaN {
                heap[0] = (value, sample)
                siftDown()
            }
        }
        GoSort.sort(&heap) { isWorse($1.value, $0.value) }
        return heap.map(\.sample)
    }
}

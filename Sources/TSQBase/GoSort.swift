/// Sorts as Go does (`sort.Sort`, `slices.SortFunc`): where elements are equal, or are not told apart
/// consistently (NaN), their order is that of the algorithm.
///
/// It is the pattern-defeating quicksort of O. Peters with Go's thresholds, and with the xorshift
/// generator of G. Marsaglia, seeded with the length, where patterns are broken.
package enum GoSort {
    package static func sort<Element>(
        _ elements: inout [Element], _ isLess: (Element, Element) -> Bool
    ) {
        withoutActuallyEscaping(isLess) { isLess in
            let count = elements.count
            var run = GoSortRun(elements: elements, isLess: isLess)
            elements = []
            run.sort(0, count, depth: Int.bitWidth - count.leadingZeroBitCount)
            elements = run.elements
        }
    }
}

/// One sort at work.
private struct GoSortRun<Element> {
    var elements: [Element]
    let isLess: (Element, Element) -> Bool

    private enum Hint { case none, ascending, descending }

    /// So many are sorted by insertion.
    private static var insertionMax: Int { 12 }
    /// From here on the pivot is a median of medians, and elements out of place are shifted.
    private static var longMin: Int { 50 }
    /// Elements out of place that are shifted before giving up.
    private static var shiftsMax: Int { 5 }

    private func less(_ i: Int, _ j: Int) -> Bool { isLess(elements[i], elements[j]) }

    /// - Parameter depth: the partitions out of balance that are left until heap sort takes over.
    mutating func sort(_ first: Int, _ last: Int, depth: Int) {
        var (start, end, depth) = (first, last, depth)
        var (wasBalanced, wasPartitioned) = (true, true)
        while true {
            let length = end - start
            if length <= Self.insertionMax { return insertionSort(start, end) }
            if depth == 0 { return heapSort(start, end) }
            if !wasBalanced {
                breakPatterns(start, end)
                depth -= 1
            }
            var (pivot, hint) = choosePivot(start, end)
            if hint == .descending {
                elements[start..<end].reverse()
                pivot = end - 1 - (pivot - start)
                hint = .ascending
            }
            if wasBalanced && wasPartitioned && hint == .ascending && shiftFew(start, end) {
                return
            }
            if start > 0 && !less(start - 1, pivot) {
                start = gatherEqual(start, end, pivot)
                continue
            }
            let middle: Int
            (middle, wasPartitioned) = partition(start, end, pivot)
            let (left, right) = (middle - start, end - middle)
            wasBalanced = min(left, right) >= length / 8
            if left < right {
                sort(start, middle, depth: depth)
                start = middle + 1
            } else {
                sort(middle + 1, end, depth: depth)
                end = middle
            }
        }
    }

    private mutating func insertionSort(_ start: Int, _ end: Int) {
        var next = start + 1
        while next < end {
            sinkLeft(next, downTo: start)
            next += 1
        }
    }

    private mutating func sinkLeft(_ index: Int, downTo start: Int) {
        var index = index
        while index > start && less(index, index - 1) {
            elements.swapAt(index, index - 1)
            index -= 1
        }
    }

    // MARK: Heap sort

    private mutating func heapSort(_ start: Int, _ end: Int) {
        let count = end - start
        for root in stride(from: (count - 1) / 2, through: 0, by: -1) {
            siftDown(root, count, start)
        }
        for last in stride(from: count - 1, through: 0, by: -1) {
            elements.swapAt(start, start + last)
            siftDown(0, last, start)
        }
    }

    private mutating func siftDown(_ root: Int, _ count: Int, _ start: Int) {
        var root = root
        while true {
            var child = 2 * root + 1
            if child >= count { return }
            if child + 1 < count && less(start + child, start + child + 1) { child += 1 }
            if !less(start + root, start + child) { return }
            elements.swapAt(start + root, start + child)
            root = child
        }
    }

    // MARK: Partitions

    /// Moves what is less than the pivot before it; says whether nothing had to be moved.
    private mutating func partition(_ start: Int, _ end: Int, _ pivot: Int) -> (Int, Bool) {
        elements.swapAt(start, pivot)
        var (low, high) = (start + 1, end - 1)
        var isFirst = true
        while true {
            while low <= high && less(low, start) { low += 1 }
            while low <= high && !less(high, start) { high -= 1 }
            if low > high { break }
            elements.swapAt(low, high)
            low += 1
            high -= 1
            isFirst = false
        }
        elements.swapAt(high, start)
        return (high, isFirst)
    }

    /// Where nothing is less than the pivot: moves its equals to the start; returns where they end.
    private mutating func gatherEqual(_ start: Int, _ end: Int, _ pivot: Int) -> Int {
        elements.swapAt(start, pivot)
        var (low, high) = (start + 1, end - 1)
        while true {
            while low <= high && !less(start, low) { low += 1 }
            while low <= high && less(start, high) { high -= 1 }
            if low > high { return low }
            elements.swapAt(low, high)
            low += 1
            high -= 1
        }
    }

    /// Shifts a few elements that are out of place; says whether all are in order then.
    private mutating func shiftFew(_ start: Int, _ end: Int) -> Bool {
        var index = start + 1
        for _ in 0..<Self.shiftsMax {
            while index < end && !less(index, index - 1) { index += 1 }
            if index == end { return true }
            if end - start < Self.longMin { return false }
            elements.swapAt(index, index - 1)
            // As far as the array goes, not the part.
            if index - start >= 2 { sinkLeft(index - 1, downTo: 0) }
            if end - index >= 2 {
                var next = index + 1
                while next < end && less(next, next - 1) {
                    elements.swapAt(next, next - 1)
                    next += 1
                }
            }
        }
        return false
    }

    private mutating func breakPatterns(_ start: Int, _ end: Int) {
        let length = end - start
        if length < 8 { return }
        var random = UInt64(length)
        let mask = UInt64(1) << UInt64(Int.bitWidth - length.leadingZeroBitCount) - 1
        let middle = start + length / 4 * 2
        for index in (middle - 1)...(middle + 1) {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            var other = Int(truncatingIfNeeded: random & mask)
            if other >= length { other -= length }
            elements.swapAt(index, start + other)
        }
    }

    // MARK: Pivots

    private func choosePivot(_ start: Int, _ end: Int) -> (Int, Hint) {
        let length = end - start
        let quarter = length / 4
        var places = (start + quarter, start + quarter * 2, start + quarter * 3)
        if length < 8 { return (places.1, .ascending) }
        var swaps = 0
        if length >= Self.longMin {
            places.0 = median(places.0 - 1, places.0, places.0 + 1, &swaps)
            places.1 = median(places.1 - 1, places.1, places.1 + 1, &swaps)
            places.2 = median(places.2 - 1, places.2, places.2 + 1, &swaps)
        }
        let pivot = median(places.0, places.1, places.2, &swaps)
        // Four medians of three swaps each.
        return (pivot, swaps == 0 ? .ascending : swaps == 12 ? .descending : .none)
    }

    private func median(_ a: Int, _ b: Int, _ c: Int, _ swaps: inout Int) -> Int {
        var (low, middle, high) = (a, b, c)
        order(&low, &middle, &swaps)
        order(&middle, &high, &swaps)
        order(&low, &middle, &swaps)
        return middle
    }

    private func order(_ a: inout Int, _ b: inout Int, _ swaps: inout Int) {
        if !less(b, a) { return }
        swap(&a, &b)
        swaps += 1
    }
}

import Synchronization

/// The bytes that all queries together may hold: engines that are given the same pool share it.
package final class MemoryPool: Sendable {
    package let bytesMax: Int64
    private let used = Atomic<Int64>(0)

    package init(bytesMax: Int64) { self.bytesMax = bytesMax }

    package var bytesInUse: Int64 { used.load(ordering: .relaxed) }

    /// False where the pool has too little left: nothing was taken then.
    func take(_ bytes: Int64) -> Bool {
        let after = used.wrappingAdd(bytes, ordering: .relaxed).newValue
        if after <= bytesMax { return true }
        give(bytes)
        return false
    }

    func give(_ bytes: Int64) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}

/// The bytes that one query and its answer hold. The answer keeps it: what is charged goes back to
/// the pool when the last reference goes.
package final class QueryMemory: Sendable {
    package let bytesMax: Int64
    private let pool: MemoryPool?
    private let used = Atomic<Int64>(0)
    private let peak = Atomic<Int64>(0)

    init(bytesMax: Int64, pool: MemoryPool?) {
        self.bytesMax = bytesMax
        self.pool = pool
    }

    deinit { pool?.give(used.load(ordering: .relaxed)) }

    package var bytesInUse: Int64 { used.load(ordering: .relaxed) }
    package var bytesPeak: Int64 { peak.load(ordering: .relaxed) }

    /// Charges `count` bytes, those of the answer's JSON for instance.
    ///
    /// - Parameter part: which part of the query or answer wants them.
    /// - Throws: `execution` where the query or all queries together would hold too much; nothing was
    ///   charged then.
    package func hold(_ count: Int64, for part: @autoclosure () -> String) throws(QueryError) {
        if count <= 0 { return }
        let before = used.load(ordering: .relaxed)
        if !isWithin(count) {
            throw .execution(
                "query would use more than its \(bytesMax) bytes of memory: \(part()) wants "
                    + "\(count) bytes, \(before) are in use")
        }
        if let pool, !pool.take(count) {
            used.wrappingSubtract(count, ordering: .relaxed)
            throw .execution(
                "all queries together would use more than their \(pool.bytesMax) bytes of memory: "
                    + "\(part()) wants \(count) bytes, \(pool.bytesInUse) are in use, \(before) of "
                    + "them by this query")
        }
    }

    /// Charges `count` bytes where there is room; for what can be done without.
    func tryHold(_ count: Int64) -> Bool {
        if !isWithin(count) { return false }
        if let pool, !pool.take(count) {
            used.wrappingSubtract(count, ordering: .relaxed)
            return false
        }
        return true
    }

    private func isWithin(_ count: Int64) -> Bool {
        let after = used.wrappingAdd(count, ordering: .relaxed).newValue
        if after > bytesMax {
            used.wrappingSubtract(count, ordering: .relaxed)
            return false
        }
        peak.max(after, ordering: .relaxed)
        return true
    }

    package func release(_ count: Int64) {
        if count <= 0 { return }
        used.wrappingSubtract(count, ordering: .relaxed)
        pool?.give(count)
    }

    /// What the answer holds, `count` bytes, in place of all that was charged so far: a helper that is
    /// late to see the query end keeps this account, but not the answer's.
    func answer(
        of count: Int64, for part: @autoclosure () -> String
    ) throws(QueryError) -> QueryMemory {
        let before = used.load(ordering: .relaxed)
        release(before - count)
        try hold(count - before, for: part())
        let answer = QueryMemory(bytesMax: bytesMax, pool: pool)
        answer.used.store(count, ordering: .relaxed)
        answer.peak.store(bytesPeak, ordering: .relaxed)
        used.wrappingSubtract(count, ordering: .relaxed)
        return answer
    }
}

/// Bytes charged for one thing whose size changes.
struct MemoryCharge {
    private(set) var bytes: Int64 = 0

    /// Changes what is charged; `owner` is named where it is too much.
    mutating func set(
        _ count: Int, _ query: QueryContext, _ owner: Operator
    ) throws(QueryError) {
        let wanted = Int64(count)
        if wanted == bytes { return }
        if wanted < bytes {
            query.budget.memory.release(bytes - wanted)
        } else {
            try query.budget.memory.hold(wanted - bytes, for: query.text(of: owner))
        }
        bytes = wanted
    }

    /// Charges `count` more, until the next `set`.
    mutating func grow(
        by count: Int, _ query: QueryContext, _ owner: Operator
    ) throws(QueryError) {
        try query.budget.memory.hold(Int64(count), for: query.text(of: owner))
        bytes += Int64(count)
    }
}

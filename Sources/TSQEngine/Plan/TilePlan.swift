/// Cuts an operator's steps into tiles that fit the byte budget.
struct TilePlan {
    /// A tile is given at most this part of the budget: results and symbols need some, too.
    private static let budgetShare: Int64 = 2
    /// Rows of wide operators (joins, quantiles) beyond this only miss caches: a join of 5,000 series
    /// then takes tiles of 1,400 steps.
    private static let rowBytesMax = 64 << 20
    let tiles: [Tile]

    init(_ operation: Operator) {
        let total = operation.steps.count
        let memory = operation.query.budget.memory
        let share = Int(max(1, (memory.bytesMax - memory.bytesInUse) / Self.budgetShare))
        let available = min(share, Self.rowBytesMax)
        var count = max(1, min(total, operation.query.options.tileStepsMax))
        while count > 1 && operation.bytesHeld(stepCount: count) > available {
            count = (count + 1) / 2
        }
        count = max(1, count)
        tiles = stride(from: 0, to: total, by: count).map {
            Tile($0, min(count, total - $0))
        }
    }
}

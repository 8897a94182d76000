/// Cuts an operator's steps into tiles that fit the byte budget.
struct TilePlan {
    /// A tile is given at most this part of the budget: results and symbols need some, too.
    private static let budgetShare: Int64 = 2
    let tiles: [Tile]

    init(_ operation: Operator) {
        let total = operation.steps.count
        let memory = operation.query.budget.memory
        let available = Int(max(1, (memory.bytesMax - memory.bytesInUse) / Self.budgetShare))
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

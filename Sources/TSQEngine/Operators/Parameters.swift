import TSQModel

/// The scalar arguments of a function or aggregation: one array of values a step each.
struct Parameters {
    let operators: [Operator]
    private(set) var values: [[Double]]
    private var row = StepRow(stepCount: 0)

    init(_ operators: [Operator]) {
        self.operators = operators
        values = [[Double]](repeating: [], count: operators.count)
    }

    /// The values of a tile as they are, for another thread.
    init(valuesOf other: Parameters) {
        operators = []
        values = other.values
    }

    func prepare() throws(QueryError) {
        for one in operators { try one.prepare() }
    }

    /// Works out the values of `tile`'s steps.
    mutating func begin(_ tile: Tile) throws(QueryError) {
        for index in operators.indices {
            if let constant = operators[index].constant {
                if values[index].count != tile.count {
                    values[index] = [Double](repeating: constant, count: tile.count)
                }
                continue
            }
            try operators[index].begin(tile)
            guard try operators[index].next(into: &row) != nil else {
                values[index] = [Double](repeating: .nan, count: tile.count)
                continue
            }
            values[index] = row.values
        }
    }
}

/// The smallest and largest of a parameter's values by Go's rules: a NaN makes both NaN, unless an
/// infinity is among them.
///
/// - Source: Prometheus promql/value.go `newFParams`.
struct ParameterRange {
    private(set) var min = Double.greatestFiniteMagnitude
    private(set) var max = -Double.greatestFiniteMagnitude
    private(set) var hasNaN = false

    init(_ values: [Double] = []) {
        for value in values {
            if value.isNaN { hasNaN = true }
            min = GoMath.min(min, value)
            max = GoMath.max(max, value)
        }
    }

    /// Takes in the values of other steps.
    mutating func merge(_ other: ParameterRange) {
        if other.hasNaN { hasNaN = true }
        min = GoMath.min(min, other.min)
        max = GoMath.max(max, other.max)
    }
}

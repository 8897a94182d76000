import TSQBase

/// What an operator did, counted only when a plan is to be explained. One thread at a time counts;
/// copies for other threads count in forks.
final class OperatorProbe {
    private var rowCount: Int64 = 0
    private var sampleCount: Int64 = 0
    private var timeNs: UInt64 = 0
    private var forks: [OperatorProbe] = []
    private let clock = SystemClock()

    func fork() -> OperatorProbe {
        let probe = OperatorProbe()
        forks.append(probe)
        return probe
    }

    /// Adds the time that `body` takes.
    @inline(__always)
    func measure<R>(_ body: () throws(QueryError) -> R) throws(QueryError) -> R {
        let startNs = clock.monotonicNs()
        defer { timeNs &+= clock.monotonicNs() &- startNs }
        return try body()
    }

    func add(timeNs more: UInt64) { timeNs &+= more }

    func count(rows: Int64 = 1, samples: Int64) {
        rowCount += rows
        sampleCount += samples
    }

    var samples: Int64 { forks.reduce(sampleCount) { $0 + $1.samples } }

    /// Adds what was counted here and in the forks to `node`.
    func report(to node: inout ExplainNode) {
        node.rowCount += rowCount
        node.sampleCount += sampleCount
        node.timeNs &+= timeNs
        for fork in forks { fork.report(to: &node) }
    }
}

/// Counts what passes through it; in plans that are to be explained only.
final class Measured: UnaryOperator {
    private let name: String
    private let detail: String
    private let probe: OperatorProbe
    private var tileSteps = 0

    init(_ child: Operator, name: String, detail: String) {
        self.name = name
        self.detail = detail
        probe = OperatorProbe()
        super.init(child)
    }

    private init(_ other: Measured, over child: Operator) {
        name = other.name
        detail = other.detail
        probe = other.probe.fork()
        super.init(other, over: child)
    }

    override var constant: Double? { child.constant }

    override func open() throws(QueryError) {
        try probe.measure { () throws(QueryError) in try super.open() }
    }

    override func start(_ tile: Tile) throws(QueryError) {
        tileSteps = max(tileSteps, tile.count)
        try probe.measure { () throws(QueryError) in try super.start(tile) }
    }

    override var canCopy: Bool { true }

    override func copy(over child: Operator) -> Operator { Measured(self, over: child) }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        let index = try probe.measure { () throws(QueryError) in try child.next(into: &row) }
        if index != nil { probe.count(samples: row.pointCount) }
        return index
    }

    override func explain() -> [ExplainNode] {
        let inputs = child.inputs
        var node = ExplainNode(
            name: name, detail: detail, seriesCount: series.count,
            byteCount: Int64(child.ownBytes(stepCount: tileSteps)),
            children: inputs.flatMap { $0.explain() })
        probe.report(to: &node)
        if let read = child.samplesRead { node.sampleCount = read }
        return [node]
    }
}

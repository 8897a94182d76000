import TSQBase
import TSQEngine
import TSQModel
import TSQPromQL
import TSQStore

/// What a deletion hides.
public struct TSQDeletion: Sendable, Hashable {
    /// By which it can be undone; nil where it was only counted or nothing was hidden.
    public var id: UInt64?
    public var seriesCount: Int
    public var sampleCount: Int
}

/// One operator of a query as it was executed.
public struct TSQPlan: Sendable, Hashable {
    /// A function or operator of PromQL, or `select` and the like.
    public var name: String
    /// Grouping, matching, matchers; may be empty.
    public var detail: String
    public var seriesCount: Int
    /// Rows delivered: a row is a series' values over the steps that are worked on at once.
    public var rowCount: Int
    public var sampleCount: Int
    /// What it held itself at most at once.
    public var byteCount: Int
    /// Time within it and those beneath it.
    public var seconds: Double
    public var children: [TSQPlan]

    init(_ node: ExplainNode) {
        name = node.name
        detail = node.detail
        seriesCount = node.seriesCount
        rowCount = Int(node.rowCount)
        sampleCount = Int(node.sampleCount)
        byteCount = Int(node.byteCount)
        seconds = Double(node.timeNs) / 1e9
        children = node.children.map(TSQPlan.init)
    }
}

extension TSQDatabase {
    /// Deletes the samples of the series that a selector chooses, in [startMs, endMs]. Queries do not
    /// see them any more when this returns; what is appended later is visible. The space is given back
    /// after a day or by `reclaimDeleted()`, and until then `undoDeletion` brings the samples back.
    ///
    /// - Parameter dryRun: only counts.
    @discardableResult
    public func delete(
        _ selector: String, startMs: Int64 = .min, endMs: Int64 = .max, dryRun: Bool = false
    ) throws(TSQError) -> TSQDeletion {
        let matchers: [LabelMatcher]
        do throws(PromQLSyntaxError) {
            matchers = try PromQLParser.parseSelector(selector)
        } catch {
            throw TSQError(error.message)
        }
        return try failing { () throws(StoreError) in
            let report = try store.deleteSeries(
                matching: [matchers], fromMs: startMs, toMs: endMs, dryRun: dryRun)
            return TSQDeletion(
                id: report.id, seriesCount: Int(clamping: report.seriesCount),
                sampleCount: Int(clamping: report.sampleCount))
        }
    }

    /// Brings back what a deletion hid, while its space was not given back.
    public func undoDeletion(_ id: UInt64) throws(TSQError) {
        try failing { () throws(StoreError) in try store.undoDeletion(id) }
    }

    /// Gives the space of everything deleted back now. It cannot be undone afterwards.
    public func reclaimDeleted() throws(TSQError) {
        try failing { () throws(StoreError) in try store.compactDeletions() }
    }

    /// Takes a snapshot by hard links: a directory that opens like any other, and costs space only as
    /// the database changes.
    ///
    /// - Parameter name: letters, digits, `-`, `_` and `.`, not beginning with `.`.
    /// - Returns: its path, below `snapshots` of the database's directory.
    public func snapshot(name: String) throws(TSQError) -> String {
        try failing { () throws(StoreError) in try store.snapshot(name: name) }
    }

    /// The plan of a range query as it is executed: what each operator delivered, held and took.
    public func explain(
        _ expression: String, startMs: Int64, endMs: Int64, stepMs: Int64
    ) throws(TSQError) -> TSQPlan {
        guard stepMs > 0, endMs >= startMs else {
            throw TSQError("a range needs a step above 0 and an end that is not before its start")
        }
        var options = QueryOptions()
        options.explain = true
        do throws(QueryError) {
            let result = try engine.range(
                expression, startMs: startMs, endMs: endMs, stepMs: stepMs, from: store,
                options: options)
            guard let plan = result.explain else { throw .execution("there is no plan") }
            return TSQPlan(plan)
        } catch {
            throw TSQError(error.message)
        }
    }

    /// Reads everything in a directory, also one that another process writes, and holds every checksum
    /// and rule against it.
    ///
    /// - Returns: what is wrong, a line each; empty when nothing is.
    public static func verify(directory: String) throws(TSQError) -> [String] {
        do throws(StoreError) {
            return try Store.verify(directory: directory).problems.map(\.description)
        } catch {
            throw TSQError(error.message)
        }
    }

    private func failing<Value>(
        _ body: () throws(StoreError) -> Value
    ) throws(TSQError) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            throw TSQError(error.message)
        }
    }
}

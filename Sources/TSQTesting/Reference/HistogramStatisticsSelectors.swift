import TSQPromQL

/// The selectors whose histograms Prometheus reads without buckets, since only count and sum are
/// asked for. What can be seen of it: unknown counter reset hints are worked out while reading.
///
/// - Source: Prometheus promql/engine.go, detectHistogramStatsDecoding.
enum HistogramStatisticsSelectors {
    static func find(in expression: Expr) -> Set<SourceRange> {
        var found: Set<SourceRange> = []
        visit(expression, path: [], &found)
        return found
    }

    private enum Step { case subquery, statistics, buckets }

    private static func visit(_ expression: Expr, path: [Step], _ found: inout Set<SourceRange>) {
        switch expression {
        case .number, .string: break
        case .paren(let node): visit(node.inner, path: path, &found)
        case .unary(let node): visit(node.operand, path: path, &found)
        case .binary(let node):
            let isTrim = node.operation == .trimUpper || node.operation == .trimLower
            let path = isTrim ? path + [.buckets] : path
            visit(node.left, path: path, &found)
            visit(node.right, path: path, &found)
        case .aggregate(let node):
            visit(node.operand, path: path, &found)
            if let parameter = node.parameter { visit(parameter, path: path, &found) }
        case .call(let node):
            var path = path
            switch node.function.name {
            case "histogram_count", "histogram_sum", "histogram_avg": path.append(.statistics)
            case "histogram_quantile", "histogram_quantiles", "histogram_fraction":
                path.append(.buckets)
            default: break
            }
            for argument in node.arguments { visit(argument, path: path, &found) }
        case .subquery(let node): visit(node.inner, path: path + [.subquery], &found)
        case .matrixSelector(let node): mark(node.selector, path: path, &found)
        case .vectorSelector(let node): mark(node, path: path, &found)
        }
    }

    /// From the inside out: statistics count unless something above needs the buckets.
    private static func mark(
        _ selector: VectorSelector, path: [Step], _ found: inout Set<SourceRange>
    ) {
        var isStatistics = false
        for step in path.reversed() {
            switch step {
            case .statistics: isStatistics = true
            case .subquery, .buckets: return
            }
        }
        if isStatistics { found.insert(selector.range) }
    }
}

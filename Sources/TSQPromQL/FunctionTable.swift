/// All PromQL functions of Prometheus 3.14.
package enum FunctionTable {
    /// Sorted by name.
    package static let all: [Function] = []

    private static let byName: [String: Function] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The function called `name` (function names are case-sensitive).
    package static func find(_ name: String) -> Function? { byName[name] }
}

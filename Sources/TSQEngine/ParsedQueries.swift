import Synchronization
import TSQPromQL

/// Expressions that were asked for before, parsed: a dashboard asks the same again and again.
///
/// All go when there are too many.
final class ParsedQueries: Sendable {
    static let countMax = 256
    /// Longer texts are parsed every time.
    static let textByteCountMax = 1024

    private let known = Mutex<[String: Expr]>([:])

    var count: Int { known.withLock { $0.count } }

    /// The expression of `text`, by `parse` where it is not known; what it throws is not kept.
    func find(
        _ text: String, _ parse: (String) throws(PromQLSyntaxError) -> Expr
    ) throws(PromQLSyntaxError) -> Expr {
        if text.utf8.count > Self.textByteCountMax { return try parse(text) }
        if let expr = known.withLock({ $0[text] }) { return expr }
        let expr = try parse(text)
        known.withLock { known in
            if known.count >= Self.countMax { known.removeAll(keepingCapacity: true) }
            known[text] = expr
        }
        return expr
    }
}

import TSQBase
import TSQModel

/// Functions of a range vector, by name.
package enum RangeFunctions {
    /// The kernel of `name`, nil where no such function of a range vector exists.
    /// `absent_over_time` is the engine's: it looks at all series together.
    package static func kernel(named name: String) -> RangeKernel? { nil }
}

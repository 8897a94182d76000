import TSQBase
import TSQModel

/// Functions of an instant vector that treat each series alone, by name.
package enum ElementFunctions {
    /// The kernel of `name`, nil where there is none.
    ///
    /// Scalar arguments are `context.parameters`, in the order of the signature (`clamp`: 0 = min,
    /// 1 = max; `round`: 0 = to nearest, or none).
    package static func kernel(named name: String) -> ElementKernel? { nil }
}

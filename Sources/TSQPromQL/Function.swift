/// A PromQL function's signature.
package struct Function: Sendable {
    package let name: String
    package let arguments: [ValueType]
    /// 0: exactly `arguments`; n > 0: the last n may be left out; −1: the last may repeat any number
    /// of times, also none.
    package let variadic: Int
    package let returnType: ValueType
    package let isExperimental: Bool

    package init(
        _ name: String, _ arguments: [ValueType], variadic: Int = 0,
        returns returnType: ValueType = .vector, experimental: Bool = false
    ) {
        self.name = name
        self.arguments = arguments
        self.variadic = variadic
        self.returnType = returnType
        self.isExperimental = experimental
    }
}

/// A PromQL function's signature.
package struct Function: Sendable {
    package let name: String
    package let arguments: [ValueType]
    /// 0: exactly `arguments`. Otherwise the last of them may be left out, or repeat: n > 0 times at
    /// most, −1 any number of times.
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

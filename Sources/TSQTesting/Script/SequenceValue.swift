import TSQModel

/// One point in a script's series notation.
package enum SequenceValue: Sendable, Equatable {
    /// `_`
    case omitted
    /// `stale` is the stale marker.
    case float(Double)
    /// `isHintGiven`: the notation says a counter reset hint, so a comparison looks at it.
    case histogram(Histogram, isHintGiven: Bool)
}

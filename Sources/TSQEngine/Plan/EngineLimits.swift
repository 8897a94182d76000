/// Bounds that no query passes, whatever its options say.
enum EngineLimits {
    /// Steps of a range query or of a subquery's inside. The HTTP layer allows 11,000; rules, the
    /// library and subqueries more. Beyond this a single row would not fit any budget.
    static let stepsMax: Int64 = 100_000_000
}

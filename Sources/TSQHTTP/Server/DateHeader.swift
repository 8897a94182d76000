import TSQBase

/// The header `Date`, made once a second.
struct DateHeader {
    private var second = Int64.min
    private var text = ""

    mutating func text(atMs nowMs: TimestampMs) -> String {
        if nowMs / 1000 != second {
            second = nowMs / 1000
            text = HTTPDate.format(ms: nowMs)
        }
        return text
    }
}

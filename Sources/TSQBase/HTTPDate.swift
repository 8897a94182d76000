/// The time as HTTP's `Date` header has it: `Thu, 26 Nov 2026 20:34:07 GMT`.
///
/// - Source: RFC 9110, 5.6.7.
package enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    package static func format(ms: TimestampMs) -> String {
        let (days, second) = RFC3339.floorDivide(RFC3339.floorDivide(ms, 1000).0, 86_400)
        let (year, month, day) = RFC3339.civil(days)
        // 1 January 1970 was a Thursday.
        let weekday = weekdays[Int(RFC3339.floorDivide(days + 4, 7).1)]
        let time = [second / 3600, second / 60 % 60, second % 60].map { RFC3339.padded($0, 2) }
        return "\(weekday), \(RFC3339.padded(day, 2)) \(months[Int(month) - 1]) "
            + "\(RFC3339.padded(year, 4)) \(time.joined(separator: ":")) GMT"
    }
}

/// A UTC date and time of day of any Int64 of Unix seconds.
///
/// - Source: Go's time package: proleptic Gregorian calendar; times that it cannot hold wrap around
///   (the year of Int64.min seconds is 292277026596).
struct GregorianDate {
    let year: Int64
    /// 1…12
    let month: Int
    /// 1…31
    let day: Int
    /// 1…366
    let dayOfYear: Int
    /// 0 = Sunday
    let weekday: Int
    let hour: Int
    let minute: Int

    /// Seconds from 1 January of Go's year 0, −292277022399, to 1970. That year begins a 400-year
    /// cycle on a Monday, like 2001.
    private static let secondsTo1970: Int64 = 9_223_372_028_715_321_600
    private static let firstYear: Int64 = -292_277_022_399
    private static let daysBeforeMonth = [
        0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365,
    ]

    init(unixSeconds: Int64) {
        let total = UInt64(bitPattern: unixSeconds &+ Self.secondsTo1970)
        let days = total / 86_400
        let time = Int(total % 86_400)
        hour = time / 3600
        minute = time % 3600 / 60
        weekday = Int((days + 1) % 7)

        var rest = days
        let cycles = rest / 146_097
        rest %= 146_097
        // The last day of a cycle and of a leap year would start another century, another year.
        let centuries = min(rest / 36_524, 3)
        rest -= centuries * 36_524
        let quads = rest / 1461
        rest -= quads * 1461
        let years = min(rest / 365, 3)
        rest -= years * 365
        let yearsBefore = Int64(cycles * 400 + centuries * 100 + quads * 4 + years)
        year = Self.firstYear + yearsBefore
        dayOfYear = Int(rest) + 1

        let leap = Self.isLeap(year) ? 1 : 0
        var month = 1
        while month < 12 && Int(rest) >= Self.daysBeforeMonth[month] + (month >= 2 ? leap : 0) {
            month += 1
        }
        self.month = month
        day = Int(rest) - Self.daysBeforeMonth[month - 1] - (month > 2 ? leap : 0) + 1
    }

    var daysInMonth: Int {
        Self.daysBeforeMonth[month] - Self.daysBeforeMonth[month - 1]
            + (month == 2 && Self.isLeap(year) ? 1 : 0)
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }
}

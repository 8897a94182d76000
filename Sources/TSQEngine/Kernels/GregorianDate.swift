/// A UTC date and time of day of any Int64 of Unix seconds.
///
/// - Source: Go's time package: proleptic Gregorian calendar; times that it cannot hold wrap around
///   (the year of Int64.min seconds is 292277026596).
struct GregorianDate {
    /// Days since 1 January of Go's year 0, −292277022399. That year begins a 400-year cycle on a
    /// Monday, like 2001.
    private let days: UInt64
    /// Seconds of the day.
    private let time: UInt64

    private static let secondsTo1970: Int64 = 9_223_372_028_715_321_600
    private static let firstYear: Int64 = -292_277_022_399
    private static let daysBeforeMonth = [
        0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365,
    ]

    init(unixSeconds: Int64) {
        let total = UInt64(bitPattern: unixSeconds &+ Self.secondsTo1970)
        days = total / 86_400
        time = total % 86_400
    }

    var hour: Int { Int(time / 3600) }
    var minute: Int { Int(time % 3600 / 60) }
    /// 0 = Sunday
    var weekday: Int { Int((days + 1) % 7) }
    var year: Int64 { yearAndDay.year }
    /// 1…366
    var dayOfYear: Int { yearAndDay.day + 1 }
    /// 1…12
    var month: Int { monthAndDay.month }
    /// 1…31
    var day: Int { monthAndDay.day }

    var daysInMonth: Int {
        let (year, month) = (yearAndDay.year, monthAndDay.month)
        return Self.daysBeforeMonth[month] - Self.daysBeforeMonth[month - 1]
            + (month == 2 && Self.isLeap(year) ? 1 : 0)
    }

    /// The year and the day within it from 0.
    private var yearAndDay: (year: Int64, day: Int) {
        let cycles = days / 146_097
        var rest = days % 146_097
        // The last day of a cycle and of a leap year would start another century, another year.
        let centuries = min(rest / 36_524, 3)
        rest -= centuries * 36_524
        let quads = rest / 1461
        rest -= quads * 1461
        let years = min(rest / 365, 3)
        rest -= years * 365
        let before = Int64(cycles * 400 + centuries * 100 + quads * 4 + years)
        return (Self.firstYear + before, Int(rest))
    }

    private var monthAndDay: (month: Int, day: Int) {
        let (year, day) = yearAndDay
        let leap = Self.isLeap(year) ? 1 : 0
        var month = 1
        while month < 12 && day >= Self.daysBeforeMonth[month] + (month >= 2 ? leap : 0) {
            month += 1
        }
        return (month, day - Self.daysBeforeMonth[month - 1] - (month > 2 ? leap : 0) + 1)
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }
}

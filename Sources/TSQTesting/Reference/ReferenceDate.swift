/// A moment in the Gregorian calendar, UTC, for any number of seconds: at the ends it wraps as Go's
/// time package does.
struct ReferenceDate {
    /// Jan 1 of this year begins a cycle of 400 years, and is a Monday.
    private static let firstYear: Int64 = -292_277_022_399
    private static let daysInCycle: UInt64 = 146_097

    private(set) var minute: Int64
    private(set) var hour: Int64
    /// Sunday is 0.
    private(set) var dayOfWeek: Int64
    /// From 1.
    private(set) var dayOfYear: Int64
    private(set) var day: Int64
    private(set) var month: Int64
    private(set) var year: Int64
    private(set) var daysInMonth: Int64

    /// - Parameter seconds: since 1970.
    init(seconds: Int64) {
        // From the start of the first year: 730,692,556 cycles before year 1, which is 719,162 days
        // before 1970.
        let daysBefore1970: UInt64 = 730_692_556 * Self.daysInCycle + 719_162
        let total = UInt64(bitPattern: seconds) &+ daysBefore1970 &* 86_400
        let days = total / 86_400
        let secondOfDay = Int64(total % 86_400)
        minute = secondOfDay / 60 % 60
        hour = secondOfDay / 3600
        dayOfWeek = Int64((days + 1) % 7)
        var rest = Int64(days % Self.daysInCycle)
        var year = Self.firstYear + 400 * Int64(days / Self.daysInCycle)
        func isLeap(_ year: Int64) -> Bool {
            year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        }
        while rest >= (isLeap(year) ? 366 : 365) {
            rest -= isLeap(year) ? 366 : 365
            year += 1
        }
        self.year = year
        dayOfYear = rest + 1
        let lengths: [Int64] = [
            31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
        ]
        var month = 0
        while rest >= lengths[month] {
            rest -= lengths[month]
            month += 1
        }
        self.month = Int64(month) + 1
        day = rest + 1
        daysInMonth = lengths[month]
    }
}

import TSQBase
import Testing

@testable import TSQScrape

@Suite struct ScheduleTests {
    @Test("a scrape that is at most 2 ms and 1 % of the interval late is put on the schedule")
    func alignment() {
        var schedule = Schedule(intervalMs: 5000, offsetHash: 1234)
        #expect(schedule.offsetMs == 1234)
        #expect(schedule.next(atOrAfter: 10_000) == 11_234)
        #expect(schedule.next(atOrAfter: 11_234) == 11_234)
        #expect(schedule.next(atOrAfter: 11_235) == 16_234)
        #expect(schedule.timestamp(atMs: 11_236) == 11_234)
        #expect(schedule.timestamp(atMs: 16_237) == 16_237)
        #expect(schedule.timestamp(atMs: 21_233) == 21_234)
        var fast = Schedule(intervalMs: 100, offsetHash: 0)
        #expect(fast.timestamp(atMs: 1001) == 1000)
        #expect(fast.timestamp(atMs: 1102) == 1102)
    }

    @Test("times never go back, whatever the clock does")
    func backwards() {
        var schedule = Schedule(intervalMs: 1000, offsetHash: 0)
        #expect(schedule.timestamp(atMs: 10_000) == 10_000)
        #expect(schedule.timestamp(atMs: 7000) == 11_000)
        #expect(schedule.timestamp(atMs: 8000) == 12_000)
        #expect(schedule.timestamp(atMs: 20_000) == 20_000)
        #expect(schedule.timestamp(atMs: 20_000) == 21_000)
    }

    @Test("negative times have a schedule, too")
    func negative() {
        let schedule = Schedule(intervalMs: 1000, offsetHash: 300)
        #expect(schedule.next(atOrAfter: -1000) == -700)
        #expect(schedule.next(atOrAfter: -700) == -700)
    }
}

import Foundation
import Synchronization
import TSQBase
import TSQEngine
import TSQModel
import TSQTesting
import Testing

@testable import TSQHTTP

@Suite("Small queries", .timeLimit(.minutes(5)))
struct SmallQueryTests {
    private final class TestClock: WallClock {
        private let ns = Atomic<UInt64>(1)

        func nowMs() -> TimestampMs { 0 }
        func monotonicNs() -> UInt64 { ns.load(ordering: .relaxed) }
        func advance(_ count: UInt64) { ns.wrappingAdd(count, ordering: .relaxed) }
    }

    private let key = SmallQueries.Key(text: "up", lengthMs: 60_000, stepMs: 1000)

    @Test("a query is small while it was small lately, at about the same time of its data")
    func remembers() {
        let clock = TestClock()
        let queries = SmallQueries(clock: clock)
        #expect(!queries.contains(key, atMs: 0))
        queries.note(key, atMs: 0, costNs: SmallQueries.costMaxNs, byteCount: 100)
        #expect(queries.contains(key, atMs: SmallQueries.moveMaxMs))
        #expect(queries.contains(key, atMs: -SmallQueries.moveMaxMs))
        #expect(!queries.contains(key, atMs: SmallQueries.moveMaxMs + 1))
        #expect(!queries.contains(key, atMs: .min))
        #expect(!queries.contains(key, atMs: .max))
        var other = key
        other.lengthMs += 1
        #expect(!queries.contains(other, atMs: 0))
        clock.advance(SmallQueries.ageMaxNs)
        #expect(queries.contains(key, atMs: 0))
        clock.advance(1)
        #expect(!queries.contains(key, atMs: 0))
    }

    @Test("a query that took long, had a long answer or failed is no longer small")
    func forgets() {
        let queries = SmallQueries(clock: TestClock())
        func isKept(_ costNs: UInt64, _ byteCount: Int?) -> Bool {
            queries.note(key, atMs: 0, costNs: 1, byteCount: 1)
            queries.note(key, atMs: 0, costNs: costNs, byteCount: byteCount)
            return queries.contains(key, atMs: 0)
        }
        #expect(isKept(SmallQueries.costMaxNs, SmallQueries.answerByteCountMax))
        #expect(!isKept(SmallQueries.costMaxNs + 1, 1))
        #expect(!isKept(1, SmallQueries.answerByteCountMax + 1))
        #expect(!isKept(1, nil))
        let long = SmallQueries.Key(
            text: String(repeating: "+", count: SmallQueries.textByteCountMax + 1), lengthMs: 0,
            stepMs: 0)
        queries.note(long, atMs: 0, costNs: 1, byteCount: 1)
        #expect(!queries.contains(long, atMs: 0))
    }

    @Test("however many queries are asked, few are remembered")
    func bounded() {
        let queries = SmallQueries(clock: TestClock())
        func key(_ number: Int) -> SmallQueries.Key {
            SmallQueries.Key(text: "\(number)", lengthMs: 0, stepMs: 0)
        }
        for number in 0..<SmallQueries.countMax * 3 {
            queries.note(key(number), atMs: 0, costNs: 1, byteCount: 1)
            #expect(queries.contains(key(number), atMs: 0))
        }
        let kept = (0..<SmallQueries.countMax * 3).count {
            queries.contains(key($0), atMs: 0)
        }
        #expect(kept <= SmallQueries.countMax)
    }

    /// Tells on which threads it was asked; grows when it is told to.
    private final class Source: SelectOnlySource {
        private let small: MemorySource
        private let large: MemorySource
        let state = Mutex((isLarge: false, selections: [Bool]()))

        init() {
            func source(_ count: Int) -> MemorySource {
                MemorySource(
                    (0..<count).map { number in
                        var columns = SampleColumns()
                        columns.times.append(APIFixture.nowMs)
                        columns.values.append(Double(number))
                        return (LabelSet(["__name__": "m", "n": "\(number)"]), columns)
                    })
            }
            small = source(2)
            large = source(25_000)
        }

        func select(
            _ request: SelectRequest, symbols: SymbolTable
        ) throws(SourceError) -> any SeriesSelection {
            let isOnPool = SystemThread.currentName == "tsq-query"
            let isLarge = state.withLock { state in
                state.selections.append(isOnPool)
                return state.isLarge
            }
            return try (isLarge ? large : small).select(request, symbols: symbols)
        }
    }

    @Test(
        "a small query is answered where it arrives, and one that has grown on the pool, the same")
    func routes() async throws {
        let source = Source()
        var context = APIFixture.context()
        context.source = source
        let routes = try APIRoutes(context)
        defer { routes.shutDown() }
        let atMs = APIFixture.nowMs
        let smallKey = SmallQueries.Key(text: "count(m)", lengthMs: 0, stepMs: 0)
        func ask(_ more: String = "") async -> (text: String, isOnPool: [Bool]) {
            source.state.withLock { $0.selections = [] }
            let query = "query=count(m)&time=1700000600" + more
            let answer = await routes.respond(
                to: APIRequest(
                    method: "GET", path: "/api/v1/query", query: query,
                    form: FormParameters(query: query)))
            guard case .bytes(let bytes) = answer.body else { return ("", []) }
            return (String(decoding: bytes, as: UTF8.self), source.state.withLock { $0.selections })
        }
        #expect(await ask().isOnPool == [true])
        // A busy machine may have taken its time: what counts here is what follows from it.
        routes.smallQueries.note(smallKey, atMs: atMs, costNs: 1, byteCount: 1)
        let here = await ask()
        #expect(here.isOnPool == [false])
        #expect(here.text.contains(#""2""#))
        for more in ["&stats=all", "&explain=1", "&timeout=1m", "&lookback_delta=1m"] {
            #expect(await ask(more).isOnPool == [true])
        }
        // No more may run: it waits with the others.
        routes.smallQueries.note(smallKey, atMs: atMs, costNs: 1, byteCount: 1)
        // The work before may not have let go of its thread yet.
        while routes.queryLoad != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        let share = routes.queryPool.threadsPerClientMax
        for _ in 0..<share { #expect(routes.queryPool.tryEnter("")) }
        async let waiting = ask()
        while routes.queryLoad.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
        for _ in 0..<share { routes.queryPool.leave("") }
        #expect(await waiting.isOnPool == [true])
        routes.smallQueries.note(smallKey, atMs: atMs, costNs: 1, byteCount: 1)
        source.state.withLock { $0.isLarge = true }
        let grown = await ask()
        #expect(grown.isOnPool == [false, true])
        #expect(grown.text.contains(#""25000""#))
        #expect(!routes.smallQueries.contains(smallKey, atMs: atMs))
        // A thread may let go of its work a little later than the answer is there.
        while routes.queryLoad != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
    }
}

import CZlib
import Foundation
import Synchronization
import TSQBase
import Testing

@testable import TSQHTTP

/// A value that tasks share.
private final class Probe<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<R>(_ body: (inout Value) -> R) -> R {
        value.withLock { value in
            var copy = value
            defer { value = copy }
            return body(&copy)
        }
    }
}

@Suite("WorkPool", .timeLimit(.minutes(5)))
struct WorkPoolTests {
    @Test("no more than the given number of pieces runs at once, and all of them run")
    func bounded() async throws {
        let pool = WorkPool(name: "test", threads: 3)
        let state = Probe((running: 0, most: 0))
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await pool.run {
                        state.withLock {
                            $0.running += 1
                            $0.most = max($0.most, $0.running)
                        }
                        Thread.sleep(forTimeInterval: 0.002)
                        state.withLock { $0.running -= 1 }
                        return number
                    }
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(results == Set(0..<40))
        #expect(state.withLock { $0.most } == 3)
        while pool.load != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        pool.shutDown()
    }

    @Test("work starts in order of arrival")
    func order() async throws {
        let pool = WorkPool(name: "test", threads: 1)
        let order = Probe<[Int]>([])
        let gate = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run { gate.wait() } }
            while pool.load.running == 0 { await Task.yield() }
            for number in 0..<10 {
                group.addTask { try await pool.run { order.withLock { $0.append(number) } } }
                while pool.load.waiting <= number { await Task.yield() }
            }
            gate.signal()
            try await group.waitForAll()
        }
        #expect(order.withLock { $0 } == Array(0..<10))
        pool.shutDown()
    }

    @Test(
        "work that runs elsewhere counts, and what waits for it begins when it ends, or is given up"
    )
    func entered() async throws {
        let pool = WorkPool(name: "test", threads: 2)
        #expect(pool.tryEnter("a") && pool.load == (0, 1))
        #expect(pool.tryEnter("b") && pool.load == (0, 2))
        #expect(!pool.tryEnter("c"))
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await pool.run(for: "c") { 7 } }
            while pool.load.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
            let soon = SystemClock().monotonicNs() + 30_000_000
            await #expect(throws: WorkPool.Refusal.timedOut) {
                try await pool.run(for: "d", deadlineNs: soon) { 1 }
            }
            #expect(pool.load == (1, 2))
            pool.leave("a")
            let answer = try await group.next()
            #expect(answer == 7)
        }
        pool.leave("b")
        while pool.load != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        pool.shutDown()
        #expect(!pool.tryEnter("a"))
    }

    @Test("work that runs elsewhere does not exceed its client's share, or go before what waits")
    func enteredShare() async throws {
        let pool = WorkPool(name: "test", threads: 4)
        for _ in 0..<3 { #expect(pool.tryEnter("a")) }
        #expect(!pool.tryEnter("a"))
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask { try await pool.run(for: "a") { 7 } }
            while pool.load.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
            #expect(!pool.tryEnter("b"))
            pool.leave("a")
            let answer = try await group.next()
            #expect(answer == 7)
        }
        for _ in 0..<2 { pool.leave("a") }
        while pool.load != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        pool.shutDown()
    }

    @Test("a pool that is shut down refuses work")
    func refuses() async {
        let pool = WorkPool(name: "test", threads: 1)
        pool.shutDown()
        await #expect(throws: WorkPool.Refusal.shutDown) { try await pool.run { 1 } }
    }

    @Test("one client's hundred pieces do not keep another client waiting")
    func fair() async throws {
        let pool = WorkPool(name: "test", threads: 4)
        #expect(pool.threadsPerClientMax == 3)
        let gate = DispatchSemaphore(value: 0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask { try? await pool.run(for: "greedy") { gate.wait() } }
            }
            while pool.load != (97, 3) { await Task.yield() }
            // The fourth thread is free for somebody else, though all three others never end.
            let answer = try? await pool.run(for: "modest") { 42 }
            #expect(answer == 42)
            for _ in 0..<100 { gate.signal() }
        }
        while pool.load != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        pool.shutDown()
    }

    @Test("what waits longer than it may, or for a client that left, is given up")
    func givenUp() async throws {
        let pool = WorkPool(name: "test", threads: 1)
        let gate = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pool.run { gate.wait() } }
            while pool.load.running == 0 { await Task.yield() }
            let soon = SystemClock().monotonicNs() + 30_000_000
            await #expect(throws: WorkPool.Refusal.timedOut) {
                try await pool.run(deadlineNs: soon) { 1 }
            }
            let presence = ClientPresence()
            group.addTask {
                while pool.load.waiting == 0 { try await Task.sleep(for: .milliseconds(1)) }
                presence.leave()
            }
            await #expect(throws: WorkPool.Refusal.left) {
                try await pool.run(presence: presence) { 1 }
            }
            await #expect(throws: WorkPool.Refusal.left) {
                try await pool.run(presence: presence) { 1 }
            }
            gate.signal()
            try await group.waitForAll()
        }
        while pool.load != (0, 0) { try await Task.sleep(for: .milliseconds(1)) }
        pool.shutDown()
    }
}

@Suite("Compression")
struct CompressionTests {
    @Test(
        "gzip is preferred, what is refused is not used",
        arguments: [
            (nil, nil), ("", nil), ("gzip", .gzip), ("deflate, gzip;q=0.5", .gzip),
            ("gzip;q=0, deflate", .deflate), ("br", nil), ("GZIP", .gzip),
        ] as [(String?, Compression?)])
    func negotiation(header: String?, expected: Compression?) {
        #expect(Compression.negotiate(acceptEncoding: header) == expected)
    }

    @Test("what is compressed inflates to itself", arguments: [Compression.gzip, .deflate])
    func roundTrip(compression: Compression) throws {
        let plain = (0..<5000).flatMap { Array("[\($0),\"\($0 % 7)\"],".utf8) }
        let packed = try #require(compression.compress(plain))
        #expect(packed.count < plain.count / 3)
        var stream = z_stream()
        // 32 more than the window's bits: either frame.
        #expect(
            inflateInit2_(&stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK)
        defer { inflateEnd(&stream) }
        var input = packed
        let inflated = input.withUnsafeMutableBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: plain.count + 100) { output, count in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                count = inflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
        #expect(inflated == plain)
    }

    @Test("what does not get smaller is left as it is")
    func incompressible() {
        var random = SplitMix64(seed: 3)
        let noise = (0..<2000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        #expect(Compression.gzip.compress(noise) == nil)
    }
}

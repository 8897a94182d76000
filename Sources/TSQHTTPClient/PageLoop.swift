import NIOCore
import NIOPosix
import Synchronization
import TSQBase

/// Threads that scrape: each waits for the timers and sockets of its targets, and fetches, parses and
/// commits their pages itself. Nothing else runs on them, so what blocks there delays scrapes only.
package final class PageLoops: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let loops: [PageLoop]
    private let next = Atomic<Int>(0)

    package init(count: Int) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        var loops: [PageLoop] = []
        for loop in group.makeIterator() { loops.append(PageLoop(loop)) }
        self.loops = loops
    }

    /// The loop for the next target.
    package func assign() -> PageLoop {
        loops[next.wrappingAdd(1, ordering: .relaxed).oldValue % loops.count]
    }

    /// Ends the threads; nothing may be asked of a loop afterwards.
    package func shutdown() async { try? await group.shutdownGracefully() }
}

/// One of these threads.
package final class PageLoop: @unchecked Sendable {
    // Safe to send because: `buffers` is touched on `loop` only.
    let loop: any EventLoop
    private var buffers: [[UInt8]] = []

    /// Buffers kept for the next pages, and how large they may be to be kept.
    private static let buffersMax = 2
    private static let bufferBytesMax = 4 << 20

    fileprivate init(_ loop: any EventLoop) { self.loop = loop }

    package func execute(_ body: @escaping @Sendable () -> Void) { loop.execute(body) }

    package struct Timer: Sendable {
        fileprivate let scheduled: Scheduled<Void>
        package func cancel() { scheduled.cancel() }
    }

    /// Runs `body` on the loop after `waitMs`.
    package func schedule(afterMs waitMs: Int64, _ body: @escaping @Sendable () -> Void) -> Timer {
        Timer(scheduled: loop.scheduleTask(in: .milliseconds(waitMs), body))
    }

    /// An empty buffer, with room if one was given back.
    func takeBuffer() -> [UInt8] {
        var buffer = buffers.popLast() ?? []
        // Not when it was given back: then others may still have held it, and it would be copied.
        buffer.removeAll(keepingCapacity: true)
        return buffer
    }

    func putBuffer(_ buffer: [UInt8]) {
        if buffer.capacity > 0, buffer.capacity <= Self.bufferBytesMax,
            buffers.count < Self.buffersMax
        {
            buffers.append(buffer)
        }
    }
}

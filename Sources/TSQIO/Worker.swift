#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization
import TSQBase

/// A thread that does its work every so often, and at once when it is woken.
///
/// A thread of its own because what blocks or computes for long belongs on no event loop and not on
/// the cooperative pool.
package final class Worker: Sendable {
    private let stopping = Atomic<Bool>(false)
    private let intervalMs: Int32
    private let body: @Sendable () -> Void
    /// A pipe: a byte in it ends the wait. (poll(2) does not care for steps of the wall clock.)
    private let wakeRead: Int32
    private let wakeWrite: Int32
    private let thread: Mutex<SystemThread?>

    /// Starts the thread; nil when the system gives none.
    package init?(intervalMs: Int64, _ body: @escaping @Sendable () -> Void) {
        self.intervalMs = Int32(clamping: max(1, intervalMs))
        self.body = body
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wakeRead = ends[0]
        wakeWrite = ends[1]
        thread = Mutex(nil)
        guard let started = SystemThread({ [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    deinit {
        close(wakeRead)
        close(wakeWrite)
    }

    /// Holds up the calling thread.
    package static func sleep(ms: Int64) { _ = poll(nil, 0, Int32(clamping: ms)) }

    /// Ends the wait.
    package func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes as well.
        _ = write(wakeWrite, &byte, 1)
    }

    /// Waits for the work under way, then ends the thread.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        wake()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func run() {
        while !stopping.load(ordering: .acquiring) {
            var entry = pollfd(fd: wakeRead, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, intervalMs) > 0 {
                var drain = [UInt8](repeating: 0, count: 64)
                while read(wakeRead, &drain, drain.count) > 0 {}
            }
            if stopping.load(ordering: .acquiring) { break }
            body()
        }
    }
}

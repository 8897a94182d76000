import CProcessor
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A few threads of the process that help others out: work is handed over only where a thread is idle,
/// so nobody ever waits for one, and however many ask there are never more threads than processors.
///
/// Threads of their own, because what computes for long belongs on no event loop and not on the
/// cooperative pool. Safe from any thread.
package final class HelperPool: Sendable {
    /// One thread less than the machine has processors, as whoever asks has one, and at least one.
    package static let shared = HelperPool(
        threadCount: max(1, min(processorCount() - 1, threadsMax)))

    /// More helpers than this have not been tried.
    private static let threadsMax = 32

    package let threadCount: Int
    private let state: Mutex<State>

    private struct State {
        var started = 0
        /// Threads that wait for work.
        var idle: [Helper] = []
    }

    package init(threadCount: Int) {
        self.threadCount = threadCount
        state = Mutex(State())
    }

    package static func processorCount() -> Int {
        max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// Whether a thread would take work now.
    package var isIdle: Bool {
        state.withLock { !$0.idle.isEmpty || $0.started < threadCount }
    }

    /// Has a thread of the pool run `body` at once; false where all are busy.
    package func tryRun(_ body: @escaping @Sendable () -> Void) -> Bool {
        let (helper, mayStart) = state.withLock { state -> (Helper?, Bool) in
            if let helper = state.idle.popLast() { return (helper, false) }
            if state.started == threadCount { return (nil, false) }
            state.started += 1
            return (nil, true)
        }
        if let helper {
            helper.give(body)
            return true
        }
        if !mayStart { return false }
        if start(body) { return true }
        state.withLock { $0.started -= 1 }
        return false
    }

    /// Starts a thread whose first work is `body`; false where the system gives none.
    private func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let thread = SystemThread { [self] in
            SystemThread.currentName = "tsq-helper"
            let helper = Helper()
            body()
            while true {
                state.withLock { $0.idle.append(helper) }
                helper.take()()
            }
        }
        thread?.detach()
        return thread != nil
    }

    /// A thread of the pool: its work, and where it may run.
    private final class Helper: Sendable {
        private struct Work {
            var body: (@Sendable () -> Void)?
            /// The processor that it keeps off.
            var leftOut: Int32 = -1
        }

        private let thread = tsq_thread_current()
        private let work = Gate(Work())

        /// Wakes the thread on another processor than the one that asks, which goes on with work of its
        /// own: the system would put both on one now and then, though another is idle (a virtual
        /// machine's idle processor looks as if it had been taken away).
        func give(_ body: @escaping @Sendable () -> Void) {
            let processor = tsq_processor_current()
            work.withLock { work in
                if processor >= 0 && work.leftOut != processor {
                    // Where that is refused it runs wherever the system likes.
                    if tsq_processor_leave_out(thread, processor) == 0 { work.leftOut = processor }
                }
                work.body = body
            }
            work.signal()
        }

        func take() -> @Sendable () -> Void {
            work.wait { $0.body.take() }
        }
    }
}

/// A value under a lock, with a place to wait until it has changed.
package final class Gate<Value>: @unchecked Sendable {
    // Safe to send because: `value` is touched under `mutex` only.
    private var value: Value
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init(_ value: consuming sending Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }

    /// Wakes one of those that wait.
    package func signal() { pthread_cond_signal(condition) }

    /// Wakes all of those that wait.
    package func signalAll() { pthread_cond_broadcast(condition) }

    /// Waits until `body` gives something, looking anew after each signal.
    package func wait<R>(until body: (inout Value) -> R?) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let answer = body(&value) { return answer }
            pthread_cond_wait(condition, mutex)
        }
    }

    /// As `wait`, at most about `timeoutNs` between two signals; nil when that time went by.
    package func wait<R>(atMostNs timeoutNs: UInt64, until body: (inout Value) -> R?) -> R? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let answer = body(&value) { return answer }
            // Where the wall clock steps meanwhile the wait ends early or late: nobody relies on it.
            var until = timespec()
            clock_gettime(CLOCK_REALTIME, &until)
            let (seconds, rest) = timeoutNs.quotientAndRemainder(dividingBy: 1_000_000_000)
            until.tv_sec += Int(truncatingIfNeeded: seconds)
            until.tv_nsec += Int(truncatingIfNeeded: rest)
            if until.tv_nsec >= 1_000_000_000 {
                until.tv_sec += 1
                until.tv_nsec -= 1_000_000_000
            }
            if pthread_cond_timedwait(condition, mutex, &until) != 0 { return body(&value) }
        }
    }
}

import Synchronization

/// A value that is reached only under its lock.
///
/// As `Mutex`, but the body may throw typed errors, and take in and give out what is not `Sendable`.
package final class Guarded<Value: ~Copyable>: @unchecked Sendable {
    // Safe to send because: `value` is touched only inside `mutex`.
    private let mutex = Mutex<Void>(())
    private var value: Value

    package init(_ value: consuming sending Value) { self.value = value }

    package func withLock<Result, E: Error>(
        _ body: (inout Value) throws(E) -> Result
    ) throws(E) -> Result {
        var outcome: Swift.Result<Result, E>?
        mutex.withLock { _ in
            do throws(E) {
                outcome = .success(try body(&value))
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else { preconditionFailure("BUG: the mutex did not call its body") }
        return try outcome.get()
    }
}

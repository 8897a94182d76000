import Synchronization

extension Mutex where Value: ~Copyable {
    /// `withLock` for bodies with typed errors and results that need not be sent.
    package borrowing func withLockTyped<Result, E: Error>(
        _ body: (inout Value) throws(E) -> Result
    ) throws(E) -> Result {
        var outcome: Swift.Result<Result, E>?
        withLock { value in
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

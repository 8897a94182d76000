import Synchronization
import TSQEngine

/// Whether the client that waits for an answer is still there.
package final class ClientPresence: Sendable {
    private struct State {
        var hasLeft = false
        var handlers: [@Sendable () -> Void] = []
    }

    /// Set when the client leaves: ends the query that runs for it.
    package let cancellation = QueryCancellation()
    private let state = Mutex(State())

    package init() {}

    /// Calls `handler` when the client leaves, at once where it has left. A request has a few of
    /// these in its life; they go with it.
    func whenLeft(_ handler: @escaping @Sendable () -> Void) {
        let hasLeft = state.withLock { state in
            if !state.hasLeft { state.handlers.append(handler) }
            return state.hasLeft
        }
        if hasLeft { handler() }
    }

    package func leave() {
        cancellation.cancel()
        let handlers = state.withLock { state in
            defer { state = State(hasLeft: true) }
            return state.handlers
        }
        for handler in handlers { handler() }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread of the system that runs one closure: for work that blocks or computes for long, which
/// belongs on no event loop and not on the cooperative pool.
///
/// Whoever starts one either joins or detaches it, once.
package struct SystemThread: @unchecked Sendable {
    // Safe to send because: the handle is only a name of the thread.
    private let handle: pthread_t

    /// Starts the thread; nil when the system gives none.
    package init?(_ body: @escaping @Sendable () -> Void) {
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        #if canImport(Darwin)
            var started: pthread_t?
        #else
            var started = pthread_t()
        #endif
        if pthread_create(&started, nil, Self.entry, context) != 0 {
            Unmanaged<Body>.fromOpaque(context).release()
            return nil
        }
        #if canImport(Darwin)
            guard let started else { return nil }
        #endif
        handle = started
    }

    /// Waits for the end of the thread.
    package func join() { pthread_join(handle, nil) }

    /// Lets the thread end by itself.
    package func detach() { pthread_detach(handle) }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    #if canImport(Darwin)
        private static let entry:
            @convention(c) (UnsafeMutableRawPointer) ->
                UnsafeMutableRawPointer? = { context in
                    Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                }
    #else
        private static let entry:
            @convention(c) (UnsafeMutableRawPointer?) ->
                UnsafeMutableRawPointer? = { context in
                    guard let context else { return nil }
                    Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                }
    #endif
}

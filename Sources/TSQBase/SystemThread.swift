import CProcessor

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

    /// What `top` and debuggers call the thread that asks; the system keeps 15 bytes. Empty where there
    /// is no such file.
    ///
    /// - Source: proc(5), `comm`; `pthread_setname_np` is hidden behind a macro on Linux.
    package static var currentName: String {
        get {
            let file = open(nameFile, O_RDONLY | O_CLOEXEC)
            if file < 0 { return "" }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = read(file, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 10 }, as: UTF8.self)
        }
        set {
            let file = open(nameFile, O_WRONLY | O_CLOEXEC)
            if file < 0 { return }
            defer { close(file) }
            let bytes = Array(newValue.utf8.prefix(15))
            // A thread without its name works as well.
            _ = write(file, bytes, bytes.count)
        }
    }

    /// The processor that the thread that asks runs on; nil where the system does not tell.
    package static var currentProcessor: Int? {
        let processor = tsq_processor_current()
        return processor < 0 ? nil : Int(processor)
    }

    private static let nameFile = "/proc/thread-self/comm"

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

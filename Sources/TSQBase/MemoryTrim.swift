#if canImport(Glibc)
    import Glibc
#endif

/// Gives freed memory back to the system.
package enum MemoryTrim {
    /// Has a helper do it in a moment, so that what the caller is about to free goes as well. Where all
    /// helpers are busy the next one asked will.
    ///
    /// The C library keeps what was freed for the next allocation; after a query of hundreds of
    /// megabytes that is memory which nobody else can use. Walking its lists takes some milliseconds.
    package static func soon() {
        #if canImport(Glibc)
            _ = HelperPool.shared.tryRun {
                usleep(2000)
                _ = trim?(0)
            }
        #endif
    }

    #if canImport(Glibc)
        /// malloc_trim(3), which no module of the C library shows; nil where it has none.
        private static let trim: (@convention(c) @Sendable (Int) -> Int32)? = {
            guard let symbol = dlsym(nil, "malloc_trim") else { return nil }
            return unsafeBitCast(symbol, to: (@convention(c) @Sendable (Int) -> Int32).self)
        }()
    #endif
}

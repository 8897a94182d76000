#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the system says about this process, nil where it does not say it (no `/proc`).
///
/// - Source: proc(5); the names are those of the Prometheus client libraries.
struct ProcessMetrics {
    var cpuSeconds: Double?
    var residentBytes: Double?
    var virtualBytes: Double?
    var openFDs: Double?
    var maxFDs: Double?
    var startTimeSeconds: Double?
    var threads: Double?

    static func read() -> ProcessMetrics {
        var result = ProcessMetrics()
        #if os(Linux)
            result.readStat()
        #endif
        result.openFDs = countEntries("/proc/self/fd")
        var limit = rlimit()
        #if os(Linux)
            let resource = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        #else
            let resource = RLIMIT_NOFILE
        #endif
        if getrlimit(resource, &limit) == 0 { result.maxFDs = Double(limit.rlim_cur) }
        return result
    }

    #if os(Linux)
        private mutating func readStat() {
            // The second field is the program's name in parentheses and may contain anything.
            guard let text = Self.contents("/proc/self/stat"),
                let close = text.lastIndex(of: ")")
            else { return }
            let fields = text[text.index(after: close)...].split { $0 == " " || $0 == "\n" }
            // fields[0] is field 3 of proc(5).
            func field(_ number: Int) -> Double? {
                number - 3 < fields.count ? Double(fields[number - 3]) : nil
            }
            let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
            let pageBytes = Double(sysconf(Int32(_SC_PAGESIZE)))
            if let user = field(14), let system = field(15) {
                cpuSeconds = (user + system) / ticks
            }
            threads = field(20)
            virtualBytes = field(23)
            residentBytes = field(24).map { $0 * pageBytes }
            if let started = field(22), let boot = Self.bootTimeSeconds() {
                startTimeSeconds = boot + started / ticks
            }
        }

        private static func bootTimeSeconds() -> Double? {
            guard let text = contents("/proc/stat") else { return nil }
            for line in text.split(separator: "\n") where line.hasPrefix("btime ") {
                return Double(line.dropFirst(6))
            }
            return nil
        }

        private static func contents(_ path: String) -> String? {
            let fd = open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { return nil }
            defer { close(fd) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 8192)
            while true {
                let count = Glibc.read(fd, &buffer, buffer.count)
                guard count > 0 else { break }
                bytes.append(contentsOf: buffer[..<count])
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    #endif

    /// Entries of a directory without `.`, `..` and the descriptor that reads it.
    private static func countEntries(_ path: String) -> Double? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return Double(count)
    }
}

extension MetricsPage {
    mutating func process(_ metrics: ProcessMetrics) {
        func one(
            _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: Double?
        ) {
            guard let value else { return }
            head(name, kind, help)
            line(name, "", value)
        }
        one(
            "process_cpu_seconds_total", .counter,
            "Total user and system CPU time spent in seconds.", metrics.cpuSeconds)
        one(
            "process_max_fds", .gauge, "Maximum number of open file descriptors.", metrics.maxFDs)
        one("process_open_fds", .gauge, "Number of open file descriptors.", metrics.openFDs)
        one(
            "process_resident_memory_bytes", .gauge, "Resident memory size in bytes.",
            metrics.residentBytes)
        one(
            "process_start_time_seconds", .gauge,
            "Start time of the process since unix epoch in seconds.", metrics.startTimeSeconds)
        one("process_threads", .gauge, "Number of threads of the process.", metrics.threads)
        one(
            "process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.",
            metrics.virtualBytes)
    }
}

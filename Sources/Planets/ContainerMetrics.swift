import Foundation

/// The application's container under cAdvisor's names, so that a machine without containers can show
/// the whole dashboard: figures of the process's own control group, or of the process where the
/// control group cannot be read. Samples carry timestamps, as cAdvisor's do.
struct ContainerMetrics: Sendable {
    /// The label `name`.
    let containerName: String

    func page(now: Date = Date()) -> String {
        let timeMs = (now.timeIntervalSince1970 * 1000).rounded()
        let labels =
            "{cpu=\"total\",id=\"/docker/\(containerName)\",image=\"planets\","
            + "name=\"\(containerName)\"}"
        let memoryLabels = labels.replacingOccurrences(of: "cpu=\"total\",", with: "")
        let stamp = String(format: "%.0f", timeMs)
        return """
            # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
            # TYPE container_cpu_usage_seconds_total counter
            container_cpu_usage_seconds_total\(labels) \(cpuSeconds()) \(stamp)
            # HELP container_memory_usage_bytes Current memory usage in bytes, including all memory \
            regardless of when it was accessed
            # TYPE container_memory_usage_bytes gauge
            container_memory_usage_bytes\(memoryLabels) \(memoryBytes()) \(stamp)

            """
    }

    private func cpuSeconds() -> Double {
        if let stat = Self.controlGroupFile("cpu.stat"),
            let line = stat.split(separator: "\n").first(where: { $0.hasPrefix("usage_usec ") }),
            let microseconds = Double(line.dropFirst("usage_usec ".count))
        {
            return microseconds / 1e6
        }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private func memoryBytes() -> Double {
        if let current = Self.controlGroupFile("memory.current"),
            let bytes = Double(current.trimmingCharacters(in: .whitespacesAndNewlines))
        {
            return bytes
        }
        let statm = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = statm.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// A file of the process's version 2 control group.
    private static func controlGroupFile(_ name: String) -> String? {
        guard let groups = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8),
            let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::") })
        else { return nil }
        let path = "/sys/fs/cgroup" + line.dropFirst(3) + "/" + name
        return try? String(contentsOfFile: path, encoding: .utf8)
    }
}

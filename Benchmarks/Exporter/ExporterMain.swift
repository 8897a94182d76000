import Glibc
import Synchronization
import TSQBase

/// Serves the pages of many targets: `GET /t/N/metrics`. All servers that scrape within one second
/// see the same page.
///
/// usage: bench-exporter PORT TARGETS SERIES_PER_TARGET
@main
enum ExporterMain {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        guard arguments.count == 3, arguments[0] < 65536, arguments[1] > 0 else {
            print("usage: bench-exporter PORT TARGETS PLAIN_SERIES_PER_TARGET")
            exit(2)
        }
        let pages = PageSet(targets: arguments[1], plainSeries: arguments[2])
        let socket = ListeningSocket(port: UInt16(arguments[0]))
        Thread.detach { pages.run() }
        print("bench-exporter: \(arguments[1]) targets on port \(arguments[0])")
        fflush(nil)
        while let connection = socket.accept() {
            Thread.detach { Connection(descriptor: connection, pages: pages).run() }
        }
    }
}

/// The current page of each target, made anew every second.
final class PageSet: Sendable {
    private let pages: Mutex<[[UInt8]]>
    private let plainSeries: Int
    private let targets: Int

    init(targets: Int, plainSeries: Int) {
        self.targets = targets
        self.plainSeries = plainSeries
        pages = Mutex(.init(repeating: [], count: targets))
    }

    func run() {
        var workloads = (0..<targets).map { Workload(target: $0, plainSeries: plainSeries) }
        while true {
            var next = [[UInt8]](repeating: [], count: targets)
            for target in 0..<targets {
                workloads[target].advance()
                workloads[target].render(into: &next[target])
            }
            pages.withLock { $0 = next }
            usleep(1_000_000)
        }
    }

    func page(_ target: Int) -> [UInt8]? {
        pages.withLock { target >= 0 && target < $0.count ? $0[target] : nil }
    }
}

enum Thread {
    /// Runs `body` on a new thread of its own.
    static func detach(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }
}

struct ListeningSocket {
    private let descriptor: Int32

    init(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 1024) == 0 else {
            perror("bench-exporter: listen")
            exit(1)
        }
    }

    func accept() -> Int32? {
        let connection = Glibc.accept(descriptor, nil, nil)
        return connection < 0 ? nil : connection
    }
}

/// One keep-alive HTTP/1.1 connection.
struct Connection {
    static let requestBytesMax = 16384

    let descriptor: Int32
    let pages: PageSet

    func run() {
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: Self.requestBytesMax)
        var filled = 0
        while true {
            let space = Self.requestBytesMax - filled
            let got = buffer.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.map { $0 + filled }, space)
            }
            if got <= 0 { return }
            filled += got
            let request = String(decoding: buffer[..<filled], as: UTF8.self)
            guard request.utf8.suffix(4).elementsEqual("\r\n\r\n".utf8) else {
                if filled == Self.requestBytesMax { return }
                continue
            }
            filled = 0
            let fields = request.split(separator: "/", maxSplits: 3)
            let body = fields.count > 2 ? Int(fields[2]).flatMap { pages.page($0) } : nil
            if !send(body) { return }
        }
    }

    private func send(_ body: [UInt8]?) -> Bool {
        let status = body == nil ? "404 Not Found" : "200 OK"
        let type = "text/plain; version=0.0.4; charset=utf-8"
        var answer = Array(
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body?.count ?? 0)\r\n\r\n"
                .utf8)
        answer.append(contentsOf: body ?? [])
        var sent = 0
        while sent < answer.count {
            let rest = answer.count - sent
            let got = answer.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + sent }, rest)
            }
            if got <= 0 { return false }
            sent += got
        }
        return true
    }
}

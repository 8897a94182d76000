import Foundation
import Synchronization

/// A few lines of HTTP on a loopback port, answered by a closure: enough to be scraped.
final class PageServer: Sendable {
    struct Request: Sendable {
        var path: String
        /// Names in lower case.
        var headers: [String: String]
    }

    struct Response: Sendable {
        var status = "200 OK"
        var headers = ["Content-Type": "text/plain; version=0.0.4"]
        var body: [UInt8] = []
        /// Nothing is answered.
        var isSilent = false

        init(_ text: String = "") { body = Array(text.utf8) }
    }

    let port: UInt16
    private let listener: Int32
    private let answer: @Sendable (Request) -> Response
    private let isClosed = Mutex(false)

    init(_ answer: @escaping @Sendable (Request) -> Response) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let handle = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && listen(handle, 64) == 0
                    && getsockname(handle, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in accept() }.start()
    }

    var address: String { "127.0.0.1:\(port)" }

    func close() {
        isClosed.withLock { $0 = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    private func accept() {
        while true {
            let connection = Glibc.accept(listener, nil, nil)
            if connection < 0 { return }
            Thread { [self] in serve(connection) }.start()
        }
    }

    private func serve(_ connection: Int32) {
        defer { Glibc.close(connection) }
        var pending: [UInt8] = []
        while let request = read(connection, &pending) {
            let response = answer(request)
            if response.isSilent {
                Thread.sleep(forTimeInterval: 3)
                return
            }
            var head = "HTTP/1.1 \(response.status)\r\nContent-Length: \(response.body.count)\r\n"
            for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
            var bytes = Array((head + "\r\n").utf8) + response.body
            while !bytes.isEmpty {
                let sent = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                if sent <= 0 { return }
                bytes.removeFirst(sent)
            }
        }
    }

    private func read(_ connection: Int32, _ pending: inout [UInt8]) -> Request? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: pending, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
                pending.removeFirst(text[..<end.upperBound].utf8.count)
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    if parts.count == 2 {
                        headers[parts[0].lowercased()] = parts[1].trimmingCharacters(
                            in: .whitespaces)
                    }
                }
                let path = lines[0].split(separator: " ")
                return Request(path: path.count > 1 ? String(path[1]) : "", headers: headers)
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            if count <= 0 { return nil }
            pending += buffer[..<count]
        }
    }
}

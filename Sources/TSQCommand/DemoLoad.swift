import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TSQBase

/// A small, uneven load on the demo application, so that its metrics move: readers, a writer, and
/// listeners that come and go.
struct DemoLoad {
    let port: Int
    private let names = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus"]

    init(port: Int) { self.port = port }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for reader in 0..<3 { group.addTask { await read(seed: UInt64(reader)) } }
            group.addTask { await write() }
            for listener in 0..<4 { group.addTask { await listen(seed: UInt64(listener)) } }
        }
    }

    private var base: String { "http://127.0.0.1:\(port)" }

    /// Lists planets, looks at one now and then, and asks for some that are not there.
    private func read(seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        while !Task.isCancelled {
            let path =
                switch random.next() % 10 {
                case 0..<6: "/planets"
                case 6..<9: "/planets/\(random.next() % 12)"
                default: "/"
                }
            await send(.GET, path)
            try? await Task.sleep(for: .milliseconds(Int64(30 + random.next() % 200)))
        }
    }

    private func write() async {
        var random = SplitMix64(seed: 99)
        while !Task.isCancelled {
            let name = names[Int(random.next() % UInt64(names.count))]
            await send(.POST, "/planets", "{\"name\":\"\(name) \(random.next() % 1000)\"}")
            if random.next() % 3 == 0 { await send(.DELETE, "/planets/\(random.next() % 200)") }
            try? await Task.sleep(for: .milliseconds(Int64(400 + random.next() % 2000)))
        }
    }

    /// Keeps the event stream open for a while, then stays away for a while.
    private func listen(seed: UInt64) async {
        var random = SplitMix64(seed: 1000 + seed)
        while !Task.isCancelled {
            let openMs = Int64(5000 + random.next() % 30_000)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let request = HTTPClientRequest(url: base + "/events")
                    guard
                        let response = try? await HTTPClient.shared.execute(
                            request, timeout: .hours(1))
                    else { return }
                    do {
                        for try await _ in response.body where Task.isCancelled { return }
                    } catch {
                        // The application ended the stream, or this listener's time is up.
                        return
                    }
                }
                group.addTask { try? await Task.sleep(for: .milliseconds(openMs)) }
                await group.next()
                group.cancelAll()
            }
            try? await Task.sleep(for: .milliseconds(Int64(1000 + random.next() % 10_000)))
        }
    }

    /// Failures do not matter here: the application may still be starting.
    private func send(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil
    ) async {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        guard
            let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(5))
        else { return }
        _ = try? await response.body.collect(upTo: 1 << 20)
    }
}

import Metrics

/// Hands every event to all connected `/events` clients and counts them.
actor Broadcaster {
    /// A client that is further behind loses its oldest events.
    static let queuedEventsMax = 64

    private var clients: [Int: AsyncStream<String>.Continuation] = [:]
    private var nextClient = 0
    private let connected = Gauge(label: "http_connected_sse_clients")

    init() { connected.record(0) }

    /// The events for one more client, as lines of the event-stream format. The client is gone when
    /// the stream ends or is no longer read.
    func connect() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(Self.queuedEventsMax))
        let client = nextClient
        nextClient += 1
        clients[client] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.disconnect(client) }
        }
        connected.record(clients.count)
        continuation.yield("event: connected\ndata: \(client)\n\n")
        return stream
    }

    func send(event: String, data: String) {
        for continuation in clients.values {
            continuation.yield("event: \(event)\ndata: \(data)\n\n")
        }
    }

    private func disconnect(_ client: Int) {
        clients[client] = nil
        connected.record(clients.count)
    }
}

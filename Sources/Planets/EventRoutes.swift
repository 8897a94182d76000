import AsyncAlgorithms
import Hummingbird
import ServiceLifecycle

/// `/events`: changes of the catalogue as server-sent events.
struct EventRoutes<Context: RequestContext>: Sendable {
    /// A write is the only way to notice that a client has gone: so often there is one at least.
    static var pingInterval: Duration { .seconds(1) }

    let broadcaster: Broadcaster

    func add(to router: Router<Context>) {
        router.get("events") { _, _ -> Response in
            let events = await broadcaster.connect()
            let pings = AsyncTimerSequence(interval: Self.pingInterval, clock: .continuous)
                .map { _ in ": ping\n\n" }
            return Response(
                status: .ok,
                headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
                body: ResponseBody { writer in
                    for try await text in merge(events, pings).cancelOnGracefulShutdown() {
                        try await writer.write(ByteBuffer(string: text))
                    }
                    try await writer.finish(nil)
                })
        }
    }
}

import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// Runs the task of a connection on the connection's own event loop: reading a request and writing
/// its answer then cost no change of thread. What computes or waits runs on the pools' threads
/// (`WorkPool`), as before.
struct LoopBoundChannel: ServerChildChannel {
    let routes: APIRoutes
    let disconnects: Disconnects
    let http1: HTTP1Channel

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http1.setup(channel: channel, logger: logger).flatMapThrowing {
            [routes, disconnects] value in
            let pipeline = channel.pipeline.syncOperations
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(
                DirectQueries(routes, disconnects), position: .after(parser))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
            await http1.handle(value: value, logger: logger)
        }
    }
}

/// An event loop as the executor of tasks.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

import NIOCore
import NIOEmbedded
import TSQEngine
import Testing

@testable import TSQHTTP

@Suite("Disconnects")
struct DisconnectTests {
    @Test("the end of a client's input cancels what runs for it, and nothing else")
    func inputClosed() throws {
        let disconnects = Disconnects()
        let channel = EmbeddedChannel(handler: DisconnectHandler(disconnects))
        let other = EmbeddedChannel(handler: DisconnectHandler(disconnects))
        let (ended, running, others) = (
            ClientPresence(), ClientPresence(), ClientPresence()
        )
        disconnects.end(disconnects.watch(channel, ended))
        _ = disconnects.watch(channel, running)
        _ = disconnects.watch(other, others)
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(
            running.cancellation.isCancelled && !ended.cancellation.isCancelled
                && !others.cancellation.isCancelled)
        disconnects.cancelAll()
        #expect(others.cancellation.isCancelled)
        _ = try channel.finish()
        _ = try other.finish()
    }

    @Test("a closed connection cancels, too")
    func inactive() throws {
        let disconnects = Disconnects()
        let channel = EmbeddedChannel(handler: DisconnectHandler(disconnects))
        let running = ClientPresence()
        _ = disconnects.watch(channel, running)
        channel.pipeline.fireChannelInactive()
        #expect(running.cancellation.isCancelled)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}

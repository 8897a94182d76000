import NIOCore
import Synchronization

/// Tells the requests of clients that went away.
final class Disconnects: Sendable {
    struct Ticket {
        fileprivate let channel: ObjectIdentifier
        fileprivate let number: UInt64
    }

    private struct State {
        var nextNumber: UInt64 = 0
        var byChannel: [ObjectIdentifier: [UInt64: ClientPresence]] = [:]
    }

    private let state = Mutex(State())

    /// Until `end`, `presence` is told when the channel's client goes away.
    func watch(_ channel: any Channel, _ presence: ClientPresence) -> Ticket {
        let id = ObjectIdentifier(channel)
        return state.withLock { state in
            state.nextNumber += 1
            state.byChannel[id, default: [:]][state.nextNumber] = presence
            return Ticket(channel: id, number: state.nextNumber)
        }
    }

    func end(_ ticket: Ticket) {
        state.withLock { state in
            guard var running = state.byChannel[ticket.channel] else { return }
            running[ticket.number] = nil
            state.byChannel[ticket.channel] = running.isEmpty ? nil : running
        }
    }

    /// The server stops: nobody waits for what still runs.
    func cancelAll() {
        let all = state.withLock { state in
            defer { state.byChannel = [:] }
            return state.byChannel.values.flatMap(\.values)
        }
        for presence in all { presence.leave() }
    }

    fileprivate func clientLeft(_ channel: any Channel) {
        let running = state.withLock { $0.byChannel.removeValue(forKey: ObjectIdentifier(channel)) }
        for presence in (running ?? [:]).values { presence.leave() }
    }
}

/// Notices that a client went away while its request is worked on. The connection itself stays half
/// open until there is an answer to write, so its end of input is what counts, as in Go's server.
final class DisconnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let disconnects: Disconnects

    init(_ disconnects: Disconnects) { self.disconnects = disconnects }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            disconnects.clientLeft(context.channel)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        disconnects.clientLeft(context.channel)
        context.fireChannelInactive()
    }
}

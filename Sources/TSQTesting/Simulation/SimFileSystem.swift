import TSQBase
import TSQIO

/// A disk in memory that does what real ones do to programs: it forgets, tears and reorders what was
/// not synced, refuses calls, and answers reads in pieces. The same seed gives the same faults.
///
/// - What survives: after `kill()` all that was written, as after SIGKILL; after `cutPower()` what
///   was synced, and of the rest any part: each write as a whole, up to a point, or not at all; each
///   created, renamed or removed name or not.
package final class SimFileSystem: FileSystem {
    /// What a planned fault does.
    package enum Fault: Sendable, Equatable {
        /// The call fails with this `errno`; a write may have been done in part.
        case fails(Int32)
        /// The process ends in this call: it and all after it fail.
        case kills
    }

    struct State {
        var random: SplitMix64
        var files: [String: SimInode] = [:]
        var durable: [String: SimInode] = [:]
        var directories: Set<String> = [".", "/", ""]
        var locked: Set<String> = []
        var calls = 0
        var faults: [Int: Fault] = [:]
        var dead = false
        var capacityBytes: Int?
        /// Handles and locks of an earlier life of the process are void.
        var life = 0

        var usedBytes: Int { files.values.reduce(0) { $0 + $1.content.count } }
    }

    let state: Guarded<State>
    let givesShortReads: Bool

    package init(seed: UInt64, givesShortReads: Bool = true) {
        state = Guarded(State(random: SplitMix64(seed: seed)))
        self.givesShortReads = givesShortReads
    }

    /// The number of calls so far: where faults can be planned.
    package var callCount: Int { state.withLock { $0.calls } }
    package func plan(_ fault: Fault, atCall call: Int) {
        state.withLock { $0.faults[call] = fault }
    }
    package func clearFaults() { state.withLock { $0.faults = [:] } }

    /// The disk's size; writes beyond it fail with ENOSPC.
    package func limit(toBytes bytes: Int?) { state.withLock { $0.capacityBytes = bytes } }
    package var usedBytes: Int { state.withLock { $0.usedBytes } }

    /// Ends the process: handles and locks are gone, what was written stays.
    package func kill() {
        state.withLock { state in
            state.life += 1
            state.dead = false
            state.locked = []
            state.faults = [:]
        }
    }

    /// Ends process and machine: what was not synced may be lost, in part or out of order.
    package func cutPower() {
        kill()
        state.withLock { state in
            var survivors: [String: SimInode] = [:]
            for path in Set(state.files.keys).union(state.durable.keys).sorted() {
                let (now, synced) = (state.files[path], state.durable[path])
                let kept = now === synced || Bool.random(using: &state.random) ? now : synced
                if let kept { survivors[path] = kept }
            }
            var seen: Set<ObjectIdentifier> = []
            for (_, inode) in survivors.sorted(by: { $0.key < $1.key })
            where seen.insert(ObjectIdentifier(inode)).inserted {
                inode.losePower(&state.random)
            }
            state.files = survivors
            state.durable = survivors
        }
    }

    /// Changes one bit of a file, as failing media do.
    package func flipBit(_ path: String, byte: Int, bit: Int) {
        state.withLock { state in
            guard let inode = state.files[path], byte < inode.content.count else { return }
            inode.content[byte] ^= 1 << UInt8(bit & 7)
            if byte < inode.synced.count { inode.synced[byte] ^= 1 << UInt8(bit & 7) }
        }
    }

    /// The files there are, sorted.
    package var paths: [String] { state.withLock { $0.files.keys.sorted() } }

    /// Counts a call and fails it where that is planned. `torn` is called instead for a call that
    /// fails half-way.
    func enter(
        _ operation: IOOperation, _ path: String, _ state: inout State, life: Int? = nil,
        torn: ((inout State) -> Void)? = nil
    ) throws(IOError) {
        if let life, life != state.life {
            throw IOError(operation, path, reason: "the process of this handle has ended")
        }
        if state.dead { throw IOError(operation, path, reason: "killed") }
        state.calls += 1
        guard let fault = state.faults[state.calls] else { return }
        torn?(&state)
        switch fault {
        case .fails(let code): throw IOError(operation, path, code: code)
        case .kills:
            state.dead = true
            throw IOError(operation, path, reason: "killed")
        }
    }
}

/// A file's content now and as it is on the disk.
final class SimInode: @unchecked Sendable {
    // Safe to send because: only touched under the file system's lock.
    var content: [UInt8] = []
    var synced: [UInt8] = []
    /// Since the last sync, in order.
    var writes: [Write] = []

    enum Write {
        case append(offset: Int, bytes: [UInt8])
        case truncate(Int)
    }

    func sync() {
        synced = content
        writes = []
    }

    func losePower(_ random: inout SplitMix64) {
        var kept = synced
        for write in writes {
            switch write {
            case .truncate(let count):
                if Bool.random(using: &random) && kept.count > count {
                    kept.removeLast(kept.count - count)
                }
            case .append(let offset, let bytes):
                let fate = Int.random(in: 0..<3, using: &random)
                if fate == 0 { continue }
                let count =
                    fate == 1 ? bytes.count : Int.random(in: 0...bytes.count, using: &random)
                if kept.count < offset + count {
                    // A hole reads as zeros.
                    kept.append(contentsOf: repeatElement(0, count: offset + count - kept.count))
                }
                kept.replaceSubrange(offset..<(offset + count), with: bytes[..<count])
            }
        }
        content = kept
        sync()
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import TSQBase
import TSQIO

/// A disk in memory that does what real ones do to programs: it forgets, tears and reorders what was
/// not synced, refuses calls, and answers reads in pieces. The same seed gives the same faults.
///
/// - What survives: after `kill()` all that was written, as after SIGKILL; after `cutPower()` what
///   was synced, and of the rest any part: each write as a whole, up to a point, or not at all; each
///   created, renamed or removed name or not, a directory with all that is in it.
/// - A failed fsync: what was not durable before it never will be, though it can be read until the
///   power goes and the next fsync succeeds, as on Linux.
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
        var durableDirectories: Set<String> = [".", "/", ""]
        var locked: Set<String> = []
        var calls = 0
        var faults: [Int: Fault] = [:]
        var dead = false
        var capacityBytes: Int?
        /// Handles and locks of an earlier life of the process are void.
        var life = 0
        /// What was done to the program, by kind.
        var injected: [String: Int] = [:]
        /// Depends on every call and its path: equal for equal runs.
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325

        /// A file with two names counts once.
        var usedBytes: Int {
            var seen: Set<ObjectIdentifier> = []
            return files.values.reduce(0) {
                seen.insert(ObjectIdentifier($1)).inserted ? $0 + $1.content.count : $0
            }
        }

        var sizeBytes: Int { capacityBytes ?? 1 << 40 }

        mutating func note(_ kind: String, _ count: Int = 1) { injected[kind, default: 0] += count }
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
    package var sizeBytes: Int { state.withLock { $0.sizeBytes } }

    /// What the files of some directories have, each name for itself.
    package func byteCount(inDirectories directories: [String]) -> UInt64 {
        state.withLock { state in
            state.files.reduce(0) { sum, file in
                directories.contains(Path.directory(of: file.key))
                    ? sum + UInt64(file.value.content.count) : sum
            }
        }
    }

    /// The files there are, sorted.
    package var paths: [String] { state.withLock { $0.files.keys.sorted() } }

    /// Whether the process has ended: every call fails until `kill` or `cutPower`.
    package var isDead: Bool { state.withLock { $0.dead } }
    package var isLimited: Bool { state.withLock { $0.capacityBytes != nil } }
    /// Faults that happened, by kind: `EIO write`, `kill rename`, `short read`, `torn write` …
    package var injected: [String: Int] { state.withLock { $0.injected } }
    /// Calls that failed because it was planned, or because the disk was full.
    package var failureCount: Int {
        injected.reduce(0) { sum, entry in
            entry.key.hasPrefix("E") || entry.key.hasPrefix("kill") ? sum + entry.value : sum
        }
    }
    package var digest: UInt64 { state.withLock { $0.digest } }

    /// Counts a call and fails it where that is planned. `torn` is called instead for a call that
    /// fails half-way.
    func enter(
        _ operation: IOOperation, _ path: String, _ state: inout State, life: Int? = nil,
        torn: ((inout State, Fault) -> Void)? = nil
    ) throws(IOError) {
        if let life, life != state.life {
            throw IOError(operation, path, reason: "the process of this handle has ended")
        }
        if state.dead { throw IOError(operation, path, reason: "killed") }
        state.calls += 1
        for byte in path.utf8 { state.digest = (state.digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for byte in operation.rawValue.utf8 {
            state.digest = (state.digest ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        guard let fault = state.faults[state.calls] else { return }
        torn?(&state, fault)
        switch fault {
        case .fails(let code):
            let name = code == ENOSPC ? "ENOSPC" : code == EIO ? "EIO" : "E\(code)"
            state.note("\(name) \(operation.rawValue)")
            throw IOError(operation, path, code: code)
        case .kills:
            state.note("kill \(operation.rawValue)")
            state.dead = true
            throw IOError(operation, path, reason: "killed")
        }
    }
}

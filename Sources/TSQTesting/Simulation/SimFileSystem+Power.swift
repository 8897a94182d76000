import TSQBase
import TSQIO

extension SimFileSystem {
    /// The process ends now: every call of it fails from here on.
    package func die() { state.withLock { $0.dead = true } }

    /// Ends the process: handles and locks are gone, what was written stays. What a failed fsync has
    /// left in memory only may be shown to the next process, too.
    ///
    /// - Parameter evicts: whether such memory is given back; nil: by chance.
    package func kill(evicts: Bool? = nil) {
        state.withLock { state in
            state.life += 1
            state.dead = false
            state.locked = []
            state.faults = [:]
            for (_, inode) in state.files.sorted(by: { $0.key < $1.key }) where inode.hasDropped {
                if evicts ?? Bool.random(using: &state.random) {
                    inode.evict()
                } else {
                    state.note("shown though not on the disk")
                }
            }
        }
    }

    /// Reads from the disk again what a failed fsync has left in memory as clean.
    package func dropCaches() {
        state.withLock { state in
            for inode in state.files.values { inode.evict() }
        }
    }

    /// Ends process and machine: what was not synced may be lost, in part or out of order.
    package func cutPower() {
        kill()
        state.withLock { state in
            state.note("power cut")
            state.loseDirectories()
            var survivors: [String: SimInode] = [:]
            for path in Set(state.files.keys).union(state.durable.keys).sorted() {
                let (now, synced) = (state.files[path], state.durable[path])
                guard state.directories.contains(Path.directory(of: path)) else { continue }
                if now === synced {
                    survivors[path] = now
                    continue
                }
                let isKept = Bool.random(using: &state.random)
                if !isKept { state.note("name undone by a power cut") }
                if let inode = isKept ? now : synced { survivors[path] = inode }
            }
            var seen: Set<ObjectIdentifier> = []
            for (_, inode) in survivors.sorted(by: { $0.key < $1.key })
            where seen.insert(ObjectIdentifier(inode)).inserted {
                inode.losePower(&state)
            }
            state.files = survivors
            state.durable = survivors
        }
    }

    /// Changes one bit of a file, as failing media do.
    package func flipBit(_ path: String, byte: Int, bit: Int) {
        state.withLock { state in
            guard let inode = state.files[path], byte < inode.content.count else { return }
            state.note("flipped bit")
            inode.content[byte] ^= 1 << UInt8(bit & 7)
            if byte < inode.synced.count { inode.synced[byte] ^= 1 << UInt8(bit & 7) }
        }
    }

    /// Makes a stretch of a file zeros, as a lost sector reads.
    package func clear(_ path: String, _ range: Range<Int>) {
        state.withLock { state in
            guard let inode = state.files[path] else { return }
            state.note("cleared sector")
            for byte in range.clamped(to: inode.content.indices) { inode.content[byte] = 0 }
            for byte in range.clamped(to: inode.synced.indices) { inode.synced[byte] = 0 }
        }
    }

    /// Cuts a file off, as a repaired file system may.
    package func shorten(_ path: String, to byteCount: Int) {
        state.withLock { state in
            guard let inode = state.files[path], byteCount < inode.content.count else { return }
            state.note("shortened file")
            inode.content.removeLast(inode.content.count - byteCount)
            inode.sync()
        }
    }

    /// Takes a file away behind the program's back.
    package func lose(_ path: String) {
        state.withLock { state in
            if state.files.removeValue(forKey: path) == nil { return }
            state.note("lost file")
            state.durable[path] = nil
        }
    }
}

extension SimFileSystem.State {
    /// Not durable before the directory above is synced: after a power cut it may be gone.
    mutating func renameDirectory(_ from: String, _ to: String) {
        func moved(_ path: String) -> String? {
            path.hasPrefix(from + "/") ? to + path.dropFirst(from.count) : nil
        }
        for (path, inode) in files {
            guard let new = moved(path) else { continue }
            files[path] = nil
            files[new] = inode
        }
        for (path, inode) in durable {
            guard let new = moved(path) else { continue }
            durable[path] = nil
            durable[new] = inode
        }
        for path in directories where path == from || moved(path) != nil {
            directories.remove(path)
            directories.insert(moved(path) ?? to)
            if durableDirectories.remove(path) != nil, let new = moved(path) {
                durableDirectories.insert(new)
            }
        }
    }

    /// A directory whose name was not synced may be gone, and with it everything below.
    fileprivate mutating func loseDirectories() {
        for path in directories.subtracting(durableDirectories).sorted() {
            if Bool.random(using: &random) {
                directories.remove(path)
                note("directory lost by a power cut")
            } else {
                durableDirectories.insert(path)
            }
        }
        // Parents come before what is below them.
        for path in directories.sorted() where path.contains("/") && path != "/" {
            if directories.contains(Path.directory(of: path)) { continue }
            directories.remove(path)
        }
        durableDirectories = directories
    }
}

/// A file's content now and as it is on the disk.
final class SimInode: @unchecked Sendable {
    // Safe to send because: only touched under the file system's lock.
    var content: [UInt8] = []
    var synced: [UInt8] = []
    /// Since the last sync, in order.
    var writes: [Write] = []
    /// Whether a failed sync has dropped writes that `content` still shows.
    private(set) var hasDropped = false

    enum Write {
        case bytes(offset: Int, [UInt8])
        case truncate(Int)
    }

    func sync() {
        if hasDropped {
            for write in writes { Self.apply(write, to: &synced) }
        } else {
            synced = content
        }
        writes = []
    }

    /// What a failed fsync leaves: the pages count as clean, and are not on the disk.
    func failSync() {
        if writes.isEmpty { return }
        writes = []
        hasDropped = true
    }

    /// Forgets what a failed sync has left in memory.
    fileprivate func evict() {
        if !hasDropped { return }
        content = synced
        for write in writes { Self.apply(write, to: &content) }
        hasDropped = false
    }

    static func apply(_ write: Write, count: Int? = nil, to bytes: inout [UInt8]) {
        switch write {
        case .truncate(let count):
            if bytes.count > count { bytes.removeLast(bytes.count - count) }
        case .bytes(let offset, let new):
            let end = offset + (count ?? new.count)
            if bytes.count < end {
                // A hole reads as zeros.
                bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
            }
            bytes.replaceSubrange(offset..<end, with: new[..<(end - offset)])
        }
    }

    fileprivate func losePower(_ state: inout SimFileSystem.State) {
        var kept = synced
        for write in writes {
            switch write {
            case .truncate:
                if Bool.random(using: &state.random) {
                    Self.apply(write, to: &kept)
                } else {
                    state.note("lost truncation")
                }
            case .bytes(_, let bytes):
                let fate = Int.random(in: 0..<3, using: &state.random)
                if fate == 0 {
                    state.note("lost write")
                } else if fate == 1 {
                    Self.apply(write, to: &kept)
                } else {
                    let count = Int.random(in: 0...bytes.count, using: &state.random)
                    state.note("torn write")
                    Self.apply(write, count: count, to: &kept)
                }
            }
        }
        hasDropped = false
        content = kept
        synced = kept
        writes = []
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import TSQBase
import TSQIO

extension SimFileSystem {
    package func open(_ path: String, _ mode: FileMode) throws(IOError) -> any File {
        try state.withLock { (state) throws(IOError) -> any File in
            let operation: IOOperation = mode == .create ? .create : .open
            try enter(operation, path, &state)
            let inode: SimInode
            if let found = state.files[path] {
                inode = found
                if mode == .create {
                    inode.writes.append(.truncate(0))
                    inode.content = []
                }
            } else if mode == .create {
                guard state.directories.contains(Path.directory(of: path)) else {
                    throw IOError(operation, path, code: ENOENT)
                }
                if let capacity = state.capacityBytes, state.usedBytes >= capacity {
                    state.note("ENOSPC of a full disk")
                    throw IOError(operation, path, code: ENOSPC)
                }
                inode = SimInode()
                state.files[path] = inode
            } else {
                throw IOError(operation, path, code: ENOENT)
            }
            return SimFile(path: path, inode: inode, life: state.life, system: self)
        }
    }

    package func map(_ path: String) throws(IOError) -> MappedFile {
        try state.withLock { (state) throws(IOError) -> MappedFile in
            try enter(.map, path, &state)
            guard let inode = state.files[path] else { throw IOError(.open, path, code: ENOENT) }
            return MappedFile(path: path, copying: inode.content)
        }
    }

    package func rename(_ from: String, to: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.rename, from, &state)
            if state.directories.contains(from) {
                state.renameDirectory(from, to)
                return
            }
            guard let inode = state.files.removeValue(forKey: from) else {
                throw IOError(.rename, from, code: ENOENT)
            }
            state.files[to] = inode
        }
    }

    package func remove(_ path: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.remove, path, &state)
            if state.files.removeValue(forKey: path) == nil {
                throw IOError(.remove, path, code: ENOENT)
            }
        }
    }

    package func removeDirectory(_ path: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.remove, path, &state)
            if state.files.keys.contains(where: { Path.directory(of: $0) == path }) {
                throw IOError(.remove, path, code: ENOTEMPTY)
            }
            if state.directories.contains(where: { $0 != path && Path.directory(of: $0) == path }) {
                throw IOError(.remove, path, code: ENOTEMPTY)
            }
            state.directories.remove(path)
            // Whether the name survives a power cut is left open; an empty directory does no harm.
            state.durableDirectories.remove(path)
        }
    }

    package func link(_ from: String, to: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.link, to, &state)
            guard let inode = state.files[from] else { throw IOError(.link, from, code: ENOENT) }
            if state.files[to] != nil { throw IOError(.link, to, code: EEXIST) }
            state.files[to] = inode
        }
    }

    package func list(_ directory: String) throws(IOError) -> [String] {
        try state.withLock { (state) throws(IOError) -> [String] in
            try enter(.list, directory, &state)
            guard state.directories.contains(directory) else {
                throw IOError(.list, directory, code: ENOENT)
            }
            let children = Set(state.files.keys).union(state.directories).filter {
                !$0.isEmpty && $0 != "/" && $0 != "." && Path.directory(of: $0) == directory
            }
            return children.map { Path.name(of: $0) }.sorted()
        }
    }

    package func makeDirectory(_ path: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.makeDirectory, path, &state)
            var current = path
            while !state.directories.contains(current) {
                state.directories.insert(current)
                current = Path.directory(of: current)
            }
        }
    }

    package func syncDirectory(_ path: String) throws(IOError) {
        try state.withLock { (state) throws(IOError) in
            try enter(.sync, path, &state)
            guard state.directories.contains(path) else {
                throw IOError(.sync, path, code: ENOENT)
            }
            for name in state.directories where Path.directory(of: name) == path {
                state.durableDirectories.insert(name)
            }
            for name in Set(state.files.keys).union(state.durable.keys)
            where Path.directory(of: name) == path {
                state.durable[name] = state.files[name]
            }
        }
    }

    package func lock(_ path: String) throws(IOError) -> (any FileLock)? {
        try state.withLock { (state) throws(IOError) -> (any FileLock)? in
            try enter(.lock, path, &state)
            guard state.locked.insert(path).inserted else { return nil }
            return SimLock(path: path, life: state.life, system: self)
        }
    }

    package func exists(_ path: String) -> Bool {
        state.withLock { $0.files[path] != nil || $0.directories.contains(path) }
    }

    package func byteCount(_ path: String) throws(IOError) -> UInt64 {
        try state.withLock { (state) throws(IOError) -> UInt64 in
            try enter(.size, path, &state)
            guard let inode = state.files[path] else { throw IOError(.size, path, code: ENOENT) }
            return UInt64(inode.content.count)
        }
    }

    package func freeBytes(_ path: String) throws(IOError) -> UInt64 {
        try state.withLock { (state) throws(IOError) -> UInt64 in
            try enter(.space, path, &state)
            guard let capacity = state.capacityBytes else { return 1 << 40 }
            return UInt64(max(0, capacity - state.usedBytes))
        }
    }

    package func capacityBytes(_ path: String) throws(IOError) -> UInt64 {
        try state.withLock { (state) throws(IOError) -> UInt64 in
            try enter(.space, path, &state)
            return UInt64(state.sizeBytes)
        }
    }
}

private final class SimFile: File {
    let path: String
    private let inode: SimInode
    private let life: Int
    private let system: SimFileSystem

    init(path: String, inode: SimInode, life: Int, system: SimFileSystem) {
        self.path = path
        self.inode = inode
        self.life = life
        self.system = system
    }

    func append(_ bytes: Span<UInt8>) throws(IOError) {
        let all = bytes.withUnsafeBufferPointer { Array($0) }
        try system.state.withLock { (state) throws(IOError) in
            func write(_ count: Int) {
                let part = Array(all[..<count])
                inode.writes.append(.bytes(offset: inode.content.count, part))
                inode.content.append(contentsOf: part)
            }
            try system.enter(.write, path, &state, life: life) { state, _ in
                write(Int.random(in: 0...all.count, using: &state.random))
            }
            if let capacity = state.capacityBytes {
                let room = max(0, capacity - state.usedBytes)
                if room < all.count {
                    write(room)
                    state.note("ENOSPC of a full disk")
                    throw IOError(.write, path, code: ENOSPC)
                }
            }
            write(all.count)
        }
    }

    func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(IOError) {
        let all = bytes.withUnsafeBufferPointer { Array($0) }
        try system.state.withLock { (state) throws(IOError) in
            func write(_ count: Int) {
                let write = SimInode.Write.bytes(offset: Int(offset), Array(all[..<count]))
                inode.writes.append(write)
                SimInode.apply(write, to: &inode.content)
            }
            try system.enter(.write, path, &state, life: life) { state, _ in
                write(Int.random(in: 0...all.count, using: &state.random))
            }
            write(all.count)
        }
    }

    func read(
        at offset: UInt64, byteCount: Int, into buffer: inout [UInt8]
    ) throws(IOError) -> Int {
        var result: ArraySlice<UInt8> = []
        try system.state.withLock { (state) throws(IOError) in
            try system.enter(.read, path, &state, life: life)
            let start = Int(clamping: offset)
            guard start < inode.content.count else { return }
            var count = min(byteCount, inode.content.count - start)
            if system.givesShortReads && count > 1 {
                let whole = count
                count = Int.random(in: 1...count, using: &state.random)
                if count < whole { state.note("short read") }
            }
            result = inode.content[start..<(start + count)]
        }
        buffer.append(contentsOf: result)
        return result.count
    }

    func byteCount() throws(IOError) -> UInt64 {
        try system.state.withLock { (state) throws(IOError) -> UInt64 in
            try system.enter(.size, path, &state, life: life)
            return UInt64(inode.content.count)
        }
    }

    func truncate(to byteCount: UInt64) throws(IOError) {
        try system.state.withLock { (state) throws(IOError) in
            try system.enter(.truncate, path, &state, life: life)
            let count = Int(clamping: byteCount)
            inode.writes.append(.truncate(count))
            if inode.content.count > count {
                inode.content.removeLast(inode.content.count - count)
            }
        }
    }

    func sync() throws(IOError) {
        try system.state.withLock { (state) throws(IOError) in
            try system.enter(.sync, path, &state, life: life) { _, fault in
                if fault != .kills { self.inode.failSync() }
            }
            inode.sync()
        }
    }

    func close() {}
}

private final class SimLock: FileLock {
    private let path: String
    private let life: Int
    private let system: SimFileSystem

    init(path: String, life: Int, system: SimFileSystem) {
        self.path = path
        self.life = life
        self.system = system
    }

    deinit { unlock() }

    func unlock() {
        system.state.withLock { state in
            if state.life == life { state.locked.remove(path) }
        }
    }
}

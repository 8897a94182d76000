import TSQBase
import TSQIO

extension Store {
    static let snapshotsFolder = "snapshots"

    /// Makes `snapshots/NAME` a store directory of its own that has everything committed before this
    /// call. Files are shared by hard links; small fresh blocks are merged on the way, in the snapshot
    /// only. Commits, queries and merges go on meanwhile.
    ///
    /// - Parameters:
    ///   - name: letters, digits, `-`, `_` and `.`, not beginning with `.`.
    ///   - includingHead: cuts what is in memory to a block first; without, the snapshot has what is
    ///     in blocks.
    /// - Returns: the snapshot's path.
    /// - Throws: `.invalid` when the name will not do or is taken; `.storage`, `.noSpace`.
    package func snapshot(
        name: String, includingHead: Bool = true
    ) throws(StoreError) -> String {
        guard Self.isSnapshotName(name) else {
            throw .invalid("\(GoQuote.quoted(name)) is no name for a snapshot")
        }
        return try snapshots.withLock { (_) throws(StoreError) -> String in
            let target = Path.join(Path.join(directory, Self.snapshotsFolder), name)
            if fileSystem.exists(Path.join(target, Manifest.fileName)) {
                throw .invalid("there is a snapshot \(name)")
            }
            if includingHead { try checkpoint() }
            do {
                try Self.removeDirectory(target, fileSystem)
                try write(target)
            } catch {
                try? Self.removeDirectory(target, fileSystem)
                throw Self.storeError(error)
            }
            events.log(.info, "a snapshot is taken", [("directory", target)])
            return target
        }
    }

    private static func isSnapshotName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 128 && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    private func write(_ target: String) throws {
        for folder in ["log"] + Manifest.folders {
            try fileSystem.makeDirectory(Path.join(target, folder))
        }
        // Under the lock, so that no file goes away meanwhile.
        var taken = try manifest.withLock { (manifest) throws(IOError) -> Manifest in
            for name in manifest.fileNames {
                let path = Path.join(directory, name)
                // One that is missing is set aside here as well.
                if fileSystem.exists(path) {
                    try fileSystem.link(path, to: Path.join(target, name))
                }
            }
            return manifest
        }
        // Its log begins anew.
        taken.logStart = LogPlace(segment: 0, offset: 0)
        try mergeFresh(target, &taken)
        for folder in ["log"] + Manifest.folders {
            try fileSystem.syncDirectory(Path.join(target, folder))
        }
        try taken.write(target, fileSystem)
        try fileSystem.syncDirectory(Path.directory(of: target))
        try fileSystem.syncDirectory(directory)
    }

    /// Merges the blocks of each window of the block range: what a checkpoint writes is small.
    private func mergeFresh(_ target: String, _ taken: inout Manifest) throws {
        let plan = MergePlan(
            blockRangeMs: options.blockRangeMs, rangeMaxMs: options.blockRangeMs,
            settledMs: .max, bytesMax: .max, deletions: core.withLock { $0.deletions },
            excluded: Set(taken.blocks.filter { $0.level >= Self.mergedLevel }.map(\.file)),
            ripe: Set(taken.blocks.map(\.file)))
        while true {
            let run = plan.window(taken.blocks)
            if run.isEmpty { return }
            var sources: [Block] = []
            for entry in run {
                let path = Path.join(target, Manifest.blockName(entry.file))
                sources.append(try Block(entry, try fileSystem.map(path)))
            }
            let number = taken.nextFile
            let path = Path.join(target, Manifest.blockName(number))
            let sequence = run.map(\.sequence).max() ?? 0
            var merge = BlockMerge(sources, leavingOut: [], pace: { _ in }) {
                [fileSystem] () throws(IOError) in
                try BlockWriter(path: path, sequence: sequence, fileSystem: fileSystem)
            }
            let written: [(path: String, footer: BlockFooter, bytes: UInt64)]
            do {
                written = try merge.run()
            } catch is SourceDamage {
                // The snapshot has the blocks as they are.
                try? fileSystem.remove(path)
                return
            }
            taken.nextFile += 1
            let files = Set(run.map(\.file))
            taken.blocks.removeAll { files.contains($0.file) }
            taken.blocks += written.map {
                Manifest.BlockEntry(file: number, level: Self.mergedLevel, $0)
            }
            taken.blocks.sort { $0.sequence < $1.sequence }
            for entry in run {
                try fileSystem.remove(Path.join(target, Manifest.blockName(entry.file)))
            }
        }
    }

    /// Blocks of this level are not merged on the way into a snapshot.
    private static let mergedLevel = MergePlan.freshLevelMax + 1

    /// Removes a snapshot, or what is left of one, its MANIFEST first.
    static func removeDirectory(
        _ path: String, _ fileSystem: any FileSystem
    ) throws(IOError) {
        if !fileSystem.exists(path) { return }
        let marker = Path.join(path, Manifest.fileName)
        if fileSystem.exists(marker) { try fileSystem.remove(marker) }
        for folder in ["log"] + Manifest.folders {
            let folder = Path.join(path, folder)
            if !fileSystem.exists(folder) { continue }
            for name in try fileSystem.list(folder) {
                try fileSystem.remove(Path.join(folder, name))
            }
            try fileSystem.removeDirectory(folder)
        }
        for name in try fileSystem.list(path) { try fileSystem.remove(Path.join(path, name)) }
        try fileSystem.removeDirectory(path)
    }
}

import TSQIO
import TSQStore
import TSQTesting

extension StoreTorture {
    /// Runs the simulation of one seed and writes the files it has left to `directory`.
    static func extract(_ directory: String, _ seed: UInt64) throws {
        let simulation = StoreSimulation(seed: seed)
        _ = try simulation.run()
        let system = PosixFileSystem()
        for (path, bytes) in try simulation.files() {
            let name = StoreSimulation.pathInStore(path)
            if name.hasPrefix("snapshots/") || name == "lock" || name == "reserve" { continue }
            let target = Path.join(directory, name)
            try system.makeDirectory(Path.directory(of: target))
            try system.write(target, bytes.span)
        }
    }

    /// Prints everything a store has, as `Tests/system/read_store.py` does.
    static func dump(_ directory: String) throws {
        let store = try Store.openReadOnly(directory: directory)
        try StoreDump.write(store) { print($0) }
    }
}

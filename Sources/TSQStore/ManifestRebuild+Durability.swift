import TSQBase
import TSQIO

// What a rebuilt MANIFEST names without another having named it.

/// Part of a file is not what was written.
struct IncompleteFile: Error {
    var reason: String
}

extension ManifestRebuild {
    /// Makes durable what can be read of a file, whatever its writer came to.
    func makeDurable(_ name: String) throws(IOError) {
        let path = Path.join(directory, name)
        let file = try fileSystem.open(path, .update)
        defer { file.close() }
        try file.writeAgain()
        try fileSystem.syncDirectory(Path.directory(of: path))
    }

    /// The bytes of a small file, which are durable from here on.
    func durableBytes(_ name: String) throws(IOError) -> [UInt8] {
        try makeDurable(name)
        return try fileSystem.readAll(Path.join(directory, name))
    }

    /// - Throws: when not all of a block is what was written.
    func verify(
        _ name: String, _ entry: Manifest.BlockEntry, _ file: MappedFile
    ) throws(IncompleteFile) {
        var report = VerifyReport()
        var verifier = BlockVerifier(name, entry, nil)
        verifier.verify(file, &report)
        if let problem = report.problems.first { throw IncompleteFile(reason: problem.reason) }
    }
}

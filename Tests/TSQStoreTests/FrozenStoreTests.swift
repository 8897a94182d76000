import Foundation
import TSQIO
import TSQStore
import TSQTesting
import Testing

/// A store of each format version is kept in `testdata` with what it held when it was written.
/// Made by
///
///     store-torture extract testdata/store-vN 1204
///     store-torture dump testdata/store-vN > testdata/store-vN.txt
@Suite("Stores of every format version")
struct FrozenStoreTests {
    private static let testdata = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "testdata")

    @Test(
        "a frozen store is read as on the day it was written", arguments: ["store-v1", "store-v2"])
    func frozen(name: String) throws {
        let store = try Store.openReadOnly(directory: Self.testdata.appending(path: name).path())
        var lines: [String] = []
        try StoreDump.write(store) { lines.append($0) }
        let expected = try String(
            contentsOf: Self.testdata.appending(path: "\(name).txt"), encoding: .utf8)
        let isEqual = lines.joined(separator: "\n") + "\n" == expected
        #expect(isEqual && lines.count > 100)
    }
}

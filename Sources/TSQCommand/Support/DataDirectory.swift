import Foundation
import TSQBase
import TSQStore

/// Opens stores for commands.
enum DataDirectory {
    /// For writing, without a retention: a command that fills a directory drops nothing.
    static func open(
        _ path: String, syncIntervalMs: Int64 = 1000, events: any EventSink = NullEventSink()
    ) throws(CommandFailure) -> Store {
        var options = StoreOptions()
        options.retentionMs = .max
        options.syncIntervalMs = syncIntervalMs
        do throws(StoreError) {
            return try Store.open(directory: path, options: options, events: events)
        } catch {
            throw CommandFailure(error.message)
        }
    }

    static func close(_ store: Store) throws(CommandFailure) {
        do throws(StoreError) {
            try store.close()
        } catch {
            throw CommandFailure(error.message)
        }
    }

    static func openReadOnly(_ path: String) throws(CommandFailure) -> ReadOnlyStore {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("\(path): no such directory")
        }
        do throws(StoreError) {
            return try Store.openReadOnly(directory: path)
        } catch {
            throw CommandFailure(error.message)
        }
    }
}

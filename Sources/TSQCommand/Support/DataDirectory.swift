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

    /// For a command that changes what is there: a directory that is none is not made.
    static func openExisting(_ path: String) throws(CommandFailure) -> Store {
        guard FileManager.default.fileExists(atPath: path + "/MANIFEST") else {
            throw CommandFailure(
                FileManager.default.fileExists(atPath: path)
                    ? "\(path) is no store: it has no MANIFEST" : "\(path): no such directory")
        }
        return try open(path)
    }

    /// What `body` does with the store, which is closed afterwards in any case.
    static func closing<Value>(
        _ store: Store, _ body: () throws(StoreError) -> Value
    ) throws(CommandFailure) -> Value {
        let value: Value
        do throws(StoreError) {
            value = try body()
        } catch {
            // The first fault is the one to tell.
            try? store.close()
            throw CommandFailure(error.message)
        }
        try close(store)
        return value
    }

    /// What `body` reads from a directory.
    static func reading<Value>(
        _ path: String, _ body: () throws(StoreError) -> Value
    ) throws(CommandFailure) -> Value {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure("\(path): no such directory")
        }
        do throws(StoreError) {
            return try body()
        } catch {
            throw CommandFailure(error.message)
        }
    }
}

import Foundation
import TSQBase

extension ServerConfig {
    /// Reads and checks a configuration file.
    ///
    /// - Throws: `ConfigError` with the file, and the line where there is one.
    package static func load(path: String) throws(ConfigError) -> ServerConfig {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigError("open \(path): no such file or directory")
        }
        let text = String(decoding: data, as: UTF8.self)
        do {
            return try parse(text, directory: (path as NSString).deletingLastPathComponent)
        } catch {
            var error = error
            error.file = error.file ?? path
            throw error
        }
    }
}

extension ServerConfig {
    /// Checks the text of a configuration file.
    ///
    /// - Parameter directory: Where relative paths in it count from.
    package static func parse(
        _ text: String, directory: String = ""
    ) throws(ConfigError) -> ServerConfig {
        throw ConfigError("not read yet")
    }
}

import Foundation
import TSQBase
import TSQConfig

/// The `Authorization` header of a configuration; files are read for every request, so that a
/// renewed token counts at once.
enum Credentials {
    /// A secret's file is at most this long.
    static let fileBytesMax = 1 << 20

    static func authorization(_ config: HTTPClientConfig) throws(FetchError) -> String? {
        if let basic = config.basicAuth {
            let user =
                basic.usernameFile.isEmpty ? basic.username : try read(basic.usernameFile)
            let password =
                basic.passwordFile.isEmpty
                ? basic.password.revealed : try read(basic.passwordFile)
            return "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        }
        if let authorization = config.authorization {
            let credentials =
                authorization.credentialsFile.isEmpty
                ? authorization.credentials.revealed : try read(authorization.credentialsFile)
            return credentials.isEmpty ? nil : "\(authorization.type) \(credentials)"
        }
        if config.oauth2 != nil {
            throw .connection("oauth2 is not supported yet")
        }
        return nil
    }

    static func read(_ path: String) throws(FetchError) -> String {
        guard let data = FileManager.default.contents(atPath: path), data.count <= fileBytesMax
        else {
            throw .connection("unable to read file \(path)")
        }
        return String(decoding: data, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

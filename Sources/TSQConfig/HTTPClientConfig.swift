/// How to talk to a server: everything a scrape or an Alertmanager section may say about its client.
package struct HTTPClientConfig: Hashable, Sendable {
    package var basicAuth: BasicAuth?
    package var authorization: Authorization?
    package var oauth2: OAuth2?
    package var tls = TLSConfig()
    package var followRedirects = true
    package var enableHTTP2 = true
    package var proxyURL: Secret?
    package var noProxy = ""
    package var proxyFromEnvironment = false
    /// Header names as written, values in order.
    package var headers: [HeaderConfig] = []

    package init() {}

    /// Whether a request's headers may differ from those of the one before.
    package var readsFiles: Bool {
        basicAuth.map { !$0.usernameFile.isEmpty || !$0.passwordFile.isEmpty } ?? false
            || authorization.map { !$0.credentialsFile.isEmpty } ?? false
            || headers.contains { !$0.files.isEmpty }
    }

    package struct BasicAuth: Hashable, Sendable {
        package var username = ""
        package var usernameFile = ""
        package var password = Secret("")
        package var passwordFile = ""

        package init() {}
    }

    package struct Authorization: Hashable, Sendable {
        package var type = "Bearer"
        package var credentials = Secret("")
        package var credentialsFile = ""

        package init() {}
    }

    package struct OAuth2: Hashable, Sendable {
        package var clientID = ""
        package var clientSecret = Secret("")
        package var clientSecretFile = ""
        package var tokenURL = ""
        package var scopes: [String] = []
        package var endpointParams: [String: String] = [:]

        package init() {}
    }

    package struct TLSConfig: Hashable, Sendable {
        package var ca = ""
        package var cert = ""
        package var key = Secret("")
        package var caFile = ""
        package var certFile = ""
        package var keyFile = ""
        package var serverName = ""
        package var insecureSkipVerify = false
        package var minVersion = ""
        package var maxVersion = ""

        package init() {}
    }

    package struct HeaderConfig: Hashable, Sendable {
        package var name: String
        package var values: [String] = []
        package var secrets: [Secret] = []
        package var files: [String] = []

        package init(name: String) { self.name = name }
    }
}

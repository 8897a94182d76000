import TSQBase
import Yams

extension HTTPClientConfig {
    /// Takes the client keys out of a section that has them beside its own.
    ///
    /// - Source: Prometheus common/config, whose texts these are.
    static func parse(
        _ section: YAMLSection, enableHTTP2: Bool = true
    ) throws(ConfigError) -> HTTPClientConfig {
        var config = HTTPClientConfig()
        config.enableHTTP2 = enableHTTP2
        config.basicAuth = try basicAuth(section)
        config.authorization = try authorization(section)
        config.oauth2 = try oauth2(section)
        if let tls = try section.section("tls_config") { config.tls = try tlsConfig(tls) }
        config.followRedirects = try section.bool("follow_redirects") ?? true
        config.enableHTTP2 = try section.bool("enable_http2") ?? enableHTTP2
        config.proxyURL = try section.string("proxy_url").map(Secret.init)
        config.noProxy = try section.string("no_proxy") ?? ""
        config.proxyFromEnvironment = try section.bool("proxy_from_environment") ?? false
        _ = section.take("proxy_connect_header")
        config.headers = try headers(section)
        try config.mergeBearerToken(section)
        try config.check(section)
        return config
    }

    /// The old spelling of an authorization.
    private mutating func mergeBearerToken(_ section: YAMLSection) throws(ConfigError) {
        let token = try section.string("bearer_token") ?? ""
        let file = try section.string("bearer_token_file") ?? ""
        if token.isEmpty && file.isEmpty { return }
        if !token.isEmpty && !file.isEmpty {
            throw section.error(
                "at most one of bearer_token & bearer_token_file must be configured",
                at: "bearer_token_file")
        }
        if basicAuth != nil || oauth2 != nil {
            throw section.error(
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
                    + "configured", at: token.isEmpty ? "bearer_token_file" : "bearer_token")
        }
        if authorization != nil {
            throw section.error(
                "authorization is not compatible with bearer_token & bearer_token_file",
                at: "authorization")
        }
        var result = Authorization()
        result.credentials = Secret(token)
        result.credentialsFile = file
        authorization = result
    }

    private func check(_ section: YAMLSection) throws(ConfigError) {
        if let basicAuth {
            if !basicAuth.username.isEmpty && !basicAuth.usernameFile.isEmpty {
                throw section.error(
                    "at most one of basic_auth username, username_file & username_ref must be "
                        + "configured", at: "basic_auth")
            }
            if !basicAuth.password.revealed.isEmpty && !basicAuth.passwordFile.isEmpty {
                throw section.error(
                    "at most one of basic_auth password, password_file & password_ref must be "
                        + "configured", at: "basic_auth")
            }
        }
        if let authorization {
            if authorization.type.lowercased() == "basic" {
                throw section.error(
                    "authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
                    at: "authorization")
            }
            if basicAuth != nil || oauth2 != nil {
                throw section.error(
                    "at most one of basic_auth, oauth2 & authorization must be configured",
                    at: "authorization")
            }
            if !authorization.credentials.revealed.isEmpty,
                !authorization.credentialsFile.isEmpty
            {
                throw section.error(
                    "at most one of authorization credentials & credentials_file must be "
                        + "configured", at: "authorization")
            }
        }
        if basicAuth != nil, oauth2 != nil {
            throw section.error(
                "at most one of basic_auth, oauth2 & authorization must be configured",
                at: "oauth2")
        }
        if proxyFromEnvironment, proxyURL.map({ !$0.revealed.isEmpty }) ?? false {
            throw section.error(
                "if proxy_from_environment is configured, proxy_url must not be configured",
                at: "proxy_url")
        }
    }

    private static func basicAuth(_ parent: YAMLSection) throws(ConfigError) -> BasicAuth? {
        guard let section = try parent.section("basic_auth") else { return nil }
        var result = BasicAuth()
        result.username = try section.string("username") ?? ""
        result.usernameFile = try section.string("username_file") ?? ""
        _ = section.take("username_ref")
        result.password = Secret(try section.string("password") ?? "")
        result.passwordFile = try section.string("password_file") ?? ""
        _ = section.take("password_ref")
        try section.finish()
        return result
    }

    private static func authorization(
        _ parent: YAMLSection
    ) throws(ConfigError) -> Authorization? {
        guard let section = try parent.section("authorization") else { return nil }
        var result = Authorization()
        let type = try section.string("type") ?? ""
        result.type = type.isEmpty ? "Bearer" : type
        result.credentials = Secret(try section.string("credentials") ?? "")
        result.credentialsFile = try section.string("credentials_file") ?? ""
        _ = section.take("credentials_ref")
        try section.finish()
        return result
    }

    private static func oauth2(_ parent: YAMLSection) throws(ConfigError) -> OAuth2? {
        guard let section = try parent.section("oauth2") else { return nil }
        var result = OAuth2()
        result.clientID = try section.string("client_id") ?? ""
        result.clientSecret = Secret(try section.string("client_secret") ?? "")
        result.clientSecretFile = try section.string("client_secret_file") ?? ""
        result.tokenURL = try section.string("token_url") ?? ""
        result.scopes = try section.strings("scopes") ?? []
        for (name, value) in try section.pairs("endpoint_params") ?? [] {
            result.endpointParams[name] = try YAMLSection.text(value)
        }
        // Known, without a meaning here yet.
        for key in oauth2Rest { _ = section.take(key) }
        try section.finish()
        if result.clientID.isEmpty {
            throw section.error("oauth2 client_id must be configured")
        }
        if result.tokenURL.isEmpty {
            throw section.error("oauth2 token_url must be configured")
        }
        return result
    }

    private static let oauth2Rest = [
        "client_secret_ref", "client_certificate_key_id", "client_certificate_key",
        "client_certificate_key_file", "client_certificate_key_ref", "signature_algorithm", "iss",
        "audience", "claims", "grant_type", "tls_config", "proxy_url", "no_proxy",
        "proxy_from_environment", "proxy_connect_header",
    ]

    static func tlsConfig(_ section: YAMLSection) throws(ConfigError) -> TLSConfig {
        var result = TLSConfig()
        result.ca = try section.string("ca") ?? ""
        result.cert = try section.string("cert") ?? ""
        result.key = Secret(try section.string("key") ?? "")
        result.caFile = try section.string("ca_file") ?? ""
        result.certFile = try section.string("cert_file") ?? ""
        result.keyFile = try section.string("key_file") ?? ""
        result.serverName = try section.string("server_name") ?? ""
        result.insecureSkipVerify = try section.bool("insecure_skip_verify") ?? false
        result.minVersion = try section.string("min_version") ?? ""
        result.maxVersion = try section.string("max_version") ?? ""
        for key in ["ca_ref", "cert_ref", "key_ref"] { _ = section.take(key) }
        try section.finish()
        for (key, version) in [
            ("min_version", result.minVersion), ("max_version", result.maxVersion),
        ] where !version.isEmpty && !tlsVersions.contains(version) {
            throw section.error("unknown TLS version: \(version)", at: key)
        }
        if !result.ca.isEmpty && !result.caFile.isEmpty {
            throw section.error("at most one of ca and ca_file must be configured", at: "ca_file")
        }
        let hasCert = !result.cert.isEmpty || !result.certFile.isEmpty
        let hasKey = !result.key.revealed.isEmpty || !result.keyFile.isEmpty
        if hasCert != hasKey {
            throw section.error(
                hasCert
                    ? "exactly one of key or key_file must be configured when a client "
                        + "certificate is configured"
                    : "exactly one of cert or cert_file must be configured when a client key is "
                        + "configured")
        }
        return result
    }

    private static let tlsVersions = ["TLS10", "TLS11", "TLS12", "TLS13"]

    private static func headers(_ parent: YAMLSection) throws(ConfigError) -> [HeaderConfig] {
        var result: [HeaderConfig] = []
        for (name, node) in try parent.pairs("http_headers") ?? [] {
            let section = try YAMLSection(node, "config.Header")
            var header = HeaderConfig(name: name)
            header.values = try section.strings("values") ?? []
            header.secrets = (try section.strings("secrets") ?? []).map(Secret.init)
            header.files = try section.strings("files") ?? []
            try section.finish()
            if reservedHeaders.contains(name.lowercased()) {
                throw section.error(
                    "setting header \(GoQuote.quoted(name)) is not allowed")
            }
            result.append(header)
        }
        return result
    }

    /// Headers that the client itself sets.
    private static let reservedHeaders: Set<String> = [
        "authorization", "host", "content-encoding", "content-length", "content-type",
        "user-agent", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version", "x-prometheus-scrape-timeout-seconds", "x-amz-date",
        "x-amz-security-token", "x-amz-content-sha256",
    ]
}

import NIOSSL
import TSQConfig

/// `tls_config` as NIO takes it.
enum TLSSettings {
    static func make(_ config: HTTPClientConfig.TLSConfig) throws(ConfigError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if config.insecureSkipVerify { tls.certificateVerification = .none }
        tls.minimumTLSVersion = version(config.minVersion) ?? .tlsv12
        tls.maximumTLSVersion = version(config.maxVersion)
        do {
            if !config.ca.isEmpty {
                tls.trustRoots = .certificates(
                    try NIOSSLCertificate.fromPEMBytes(Array(config.ca.utf8)))
            } else if !config.caFile.isEmpty {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(config.caFile))
            }
            if !config.cert.isEmpty || !config.certFile.isEmpty {
                let chain =
                    config.cert.isEmpty
                    ? try NIOSSLCertificate.fromPEMFile(config.certFile)
                    : try NIOSSLCertificate.fromPEMBytes(Array(config.cert.utf8))
                tls.certificateChain = chain.map { .certificate($0) }
                let key =
                    config.key.revealed.isEmpty
                    ? try NIOSSLPrivateKey(file: config.keyFile, format: .pem)
                    : try NIOSSLPrivateKey(bytes: Array(config.key.revealed.utf8), format: .pem)
                tls.privateKey = .privateKey(key)
            }
        } catch {
            // The error names no content of a key.
            throw ConfigError(
                "tls_config: unable to load certificates "
                    + "(\([config.caFile, config.certFile].filter { !$0.isEmpty }))")
        }
        return tls
    }

    private static func version(_ name: String) -> TLSVersion? {
        switch name {
        case "TLS10": .tlsv1
        case "TLS11": .tlsv11
        case "TLS12": .tlsv12
        case "TLS13": .tlsv13
        default: nil
        }
    }
}

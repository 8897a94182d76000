import Logging
import Synchronization
import TSQBase
import TSQHTTP
import TSQJSON

/// The line formats of `--log.format`.
enum LogFormat: String {
    case logfmt, json
}

/// Log lines on stderr as Prometheus writes them: `time=… level=INFO msg="…" key=value`.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let format: LogFormat
    private let clock = SystemClock()

    init(level: Logger.Level, format: LogFormat) {
        logLevel = level
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let fields = merged.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        StandardError.write(
            Self.line(
                format, RFC3339.format(ms: clock.nowMs()), Self.name(event.level),
                "\(event.message)", fields))
    }

    static func line(
        _ format: LogFormat, _ time: String, _ level: String, _ message: String,
        _ fields: [(key: String, value: String)]
    ) -> String {
        switch format {
        case .logfmt:
            var line = "time=\(time) level=\(level) msg=\(quoted(message))"
            for (key, value) in fields { line += " \(key)=\(quoted(value))" }
            return line + "\n"
        case .json:
            var json = JSONWriter()
            json.beginObject()
            for (key, value) in [("time", time), ("level", level), ("msg", message)] + fields {
                json.key(key)
                json.string(value)
            }
            json.endObject()
            return String(decoding: json.bytes, as: UTF8.self) + "\n"
        }
    }

    /// In quotes where it would not be read back as one word.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                GoQuote.isWordScalar($0)
            }
        return isPlain ? text : GoQuote.quoted(text)
    }

    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error, .critical: "ERROR"
        }
    }
}

extension GoQuote {
    fileprivate static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value > 0x20 && scalar.value != 0x7F && scalar != "\"" && scalar != "="
            && scalar != "\\" && scalar != "\u{FFFD}"
    }
}

extension EventLevel {
    var loggerLevel: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

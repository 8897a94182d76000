import Synchronization
import TSQBase
import TSQExposition
import TSQJSON
import TSQModel

extension APIRoutes {
    /// Whether the route reads the body itself, as it arrives.
    func takesBody(_ request: APIRequest) -> Bool {
        request.method == "POST" && Route(request.segments) == .importSamples
    }

    /// Samples of any time within the retention, in OpenMetrics or the text format, gzipped or not.
    /// They are visible when the answer arrives, and earlier, part by part. A page that turns out to
    /// be wrong somewhere leaves the parts before it stored; sending it again changes nothing.
    func importSamples(_ request: APIRequest) async -> APIResponse {
        guard let appender = context.importer else {
            return .failure(
                APIError(.unavailable, "import is disabled: start with --web.enable-import"))
        }
        let overwrites: Bool
        do throws(APIError) {
            overwrites = try ParameterValues.flag(
                FormParameters(query: request.query), "overwrite")
        } catch {
            return .failure(error)
        }
        guard let upload = request.upload, let format = Self.format(request.contentType) else {
            return .failure(
                APIError(
                    .badData,
                    "Content-Type must be application/openmetrics-text (times in seconds) or "
                        + "text/plain (times in milliseconds), got "
                        + GoQuote.quoted(request.contentType ?? "")))
        }
        let session = ImportSession(
            SampleImporter(store: appender, overwrites: overwrites), format)
        do {
            try session.begin(contentEncoding: upload.contentEncoding)
            try await upload.forEach { bytes in
                if let failure = try await lookupPool.run({ session.add(bytes) }) {
                    throw failure
                }
            }
            return try await lookupPool.run { session.finish() }
        } catch let error as APIError {
            return ImportSession.answer(error)
        } catch is WorkPool.Refusal {
            return .failure(APIError(.timeout, "too many requests are waiting"))
        } catch {
            return .failure(APIError(.badData, "the body ended early: \(error)"))
        }
    }

    private static func format(_ contentType: String?) -> ExpositionFormat? {
        let type = contentType?.split(separator: ";").first.map {
            $0.filter { $0 != " " }.lowercased()
        }
        switch type {
        case "application/openmetrics-text": return .openMetrics
        case "text/plain": return .prometheusText
        default: return nil
        }
    }
}

/// One import while its body arrives.
private final class ImportSession: Sendable {
    private struct State: ~Copyable {
        var importer: SampleImporter
        var pieces: PagePieces
        var inflater: StreamInflater?
    }

    private let format: ExpositionFormat
    private let state: Mutex<State>

    init(_ importer: SampleImporter, _ format: ExpositionFormat) {
        self.format = format
        state = Mutex(State(importer: importer, pieces: PagePieces(format: format)))
    }

    func begin(contentEncoding: String?) throws(APIError) {
        switch contentEncoding {
        case nil, "", "identity": return
        case "gzip":
            let isStarted = state.withLock { state in
                state.inflater = StreamInflater()
                return state.inflater != nil
            }
            if !isStarted { throw APIError(.internal, "zlib does not start") }
        case .some(let other):
            throw APIError(
                .badData, "Content-Encoding must be gzip or identity, got \(GoQuote.quoted(other))")
        }
    }

    /// - Returns: what ends the import.
    func add(_ bytes: [UInt8]) -> APIError? {
        state.withLock { state in
            do {
                if let inflater = state.inflater {
                    try inflater.inflate(bytes) { plain in
                        if let part = try state.pieces.add(plain) {
                            try state.importer.read(
                                part.bytes, format: format, lineOffset: part.lineOffset)
                        }
                    }
                } else if let part = try state.pieces.add(bytes) {
                    try state.importer.read(
                        part.bytes, format: format, lineOffset: part.lineOffset)
                }
                return nil
            } catch {
                return Self.failure(error, state.importer)
            }
        }
    }

    func finish() -> APIResponse {
        state.withLock { state in
            do {
                if let inflater = state.inflater, !inflater.isComplete {
                    throw StreamInflater.Damaged()
                }
                let part = state.pieces.finish()
                try state.importer.read(part.bytes, format: format, lineOffset: part.lineOffset)
                return Self.answer(state.importer)
            } catch {
                return Self.answer(Self.failure(error, state.importer))
            }
        }
    }

    /// A store that takes nothing now may take it later: 503, unlike Prometheus's `unavailable`.
    static func answer(_ error: APIError) -> APIResponse {
        var response = APIResponse.failure(error)
        if error.kind == .unavailable { response.status = 503 }
        return response
    }

    private static func failure(_ error: any Error, _ importer: SampleImporter) -> APIError {
        let kept = " (\(importer.acceptedCount) samples before it were stored)"
        switch error {
        case SampleImporter.Failure.page(let text): return APIError(.badData, text + kept)
        case SampleImporter.Failure.store(.invalidLabels(let text)):
            return APIError(.badData, text + kept)
        case SampleImporter.Failure.store(let error):
            return APIError(.unavailable, error.message + kept)
        case is StreamInflater.Damaged:
            return APIError(.badData, "the gzip data is damaged or cut" + kept)
        case is PagePieces.LineTooLong: return APIError(.badData, "a line is too long" + kept)
        default: return APIError(.internal, "\(error)" + kept)
        }
    }

    private static func answer(_ importer: SampleImporter) -> APIResponse {
        .json(
            Envelope.success { json in
                json.beginObject()
                json.key("samples")
                json.int(importer.acceptedCount)
                json.key("series")
                json.int(importer.seriesCount)
                json.key("refused")
                json.beginObject()
                for (reason, count) in importer.refusedCounts.sorted(by: { $0.key < $1.key }) {
                    json.key(reason)
                    json.int(count)
                }
                json.endObject()
                json.key("refusals")
                json.beginArray()
                for refused in importer.refusals {
                    json.element()
                    json.beginObject()
                    json.key("series")
                    json.string(refused.series)
                    json.key("timestamp")
                    json.time(ms: refused.timeMs)
                    json.key("reason")
                    json.string(refused.reason)
                    json.endObject()
                }
                json.endArray()
                json.endObject()
            })
    }
}

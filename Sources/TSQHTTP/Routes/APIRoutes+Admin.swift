import TSQBase
import TSQJSON
import TSQModel

extension APIRoutes {
    /// - Source: Prometheus web/api/v1: deleteSeries, cleanTombstones, snapshot. `dry_run`,
    ///   `deletions` and `undo_deletion` are tsq's own.
    func admin(_ action: Route.AdminAction, _ request: APIRequest) async -> APIResponse {
        guard let admin = context.admin else {
            return .failure(APIError(.unavailable, "admin APIs disabled"))
        }
        switch action {
        case .deleteSeries: return await deleteSeries(admin, request)
        case .deletions: return await onLookupPool { Self.list(admin.deletions()) }
        case .undoDeletion: return await undoDeletion(admin, request)
        case .cleanTombstones:
            return await adminAnswer { () throws(StoreAdmin.Failure) in
                try admin.clean()
                return .noContent
            }
        case .snapshot: return await snapshot(admin, request)
        }
    }

    private func deleteSeries(_ admin: StoreAdmin, _ request: APIRequest) async -> APIResponse {
        let form = request.form
        if let problem = form.problem {
            return .failure(APIError(.badData, "error parsing form values: \(problem)"))
        }
        if form.all("match[]").isEmpty {
            return .failure(APIError(.badData, "no match[] parameter provided"))
        }
        let fromMs: TimestampMs
        let toMs: TimestampMs
        let isDryRun: Bool
        let matchers: [[LabelMatcher]]
        do throws(APIError) {
            fromMs = try ParameterValues.time(form, "start", default: ParameterValues.timeMinMs)
            toMs = try ParameterValues.time(form, "end", default: ParameterValues.timeMaxMs)
            isDryRun = try ParameterValues.flag(form, "dry_run")
            do throws(ParameterValues.MatcherError) {
                matchers = try ParameterValues.matchers(form.all("match[]"))
            } catch {
                throw .parameter("match[]", error.message)
            }
        } catch {
            return .failure(error)
        }
        return await adminAnswer { () throws(StoreAdmin.Failure) in
            let deletion = try admin.delete(matchers, fromMs, toMs, isDryRun)
            if !isDryRun { return .noContent }
            return .json(
                Envelope.success { json in
                    json.beginObject()
                    json.key("series")
                    json.int(Int64(clamping: deletion.seriesCount))
                    json.key("samples")
                    json.int(Int64(clamping: deletion.sampleCount))
                    json.endObject()
                })
        }
    }

    private func undoDeletion(_ admin: StoreAdmin, _ request: APIRequest) async -> APIResponse {
        guard let id = UInt64(request.form["id"]) else {
            return .failure(
                .parameter("id", "\(GoQuote.quoted(request.form["id"])) is no deletion's number"))
        }
        return await adminAnswer { () throws(StoreAdmin.Failure) in
            try admin.undo(id)
            return .noContent
        }
    }

    private func snapshot(_ admin: StoreAdmin, _ request: APIRequest) async -> APIResponse {
        let skipsHead: Bool
        do throws(APIError) {
            skipsHead = try ParameterValues.flag(request.form, "skip_head")
        } catch {
            return .failure(error)
        }
        return await adminAnswer { () throws(StoreAdmin.Failure) in
            let name = try admin.snapshot(!skipsHead)
            return .json(
                Envelope.success { json in
                    json.beginObject()
                    json.key("name")
                    json.string(name)
                    json.endObject()
                })
        }
    }

    private func adminAnswer(
        _ work: @escaping @Sendable () throws(StoreAdmin.Failure) -> APIResponse
    ) async -> APIResponse {
        await onLookupPool {
            do throws(StoreAdmin.Failure) {
                return try work()
            } catch {
                return .failure(APIError(error.isRequest ? .badData : .internal, error.message))
            }
        }
    }

    private static func list(_ deletions: [StoreAdmin.PendingDeletion]) -> APIResponse {
        .json(
            Envelope.success { json in
                json.beginArray()
                for deletion in deletions {
                    json.element()
                    json.beginObject()
                    json.key("id")
                    json.string(String(deletion.id))
                    json.key("selector")
                    json.string(deletion.selector)
                    json.key("start")
                    json.time(ms: deletion.fromMs)
                    json.key("end")
                    json.time(ms: deletion.toMs)
                    json.key("made")
                    json.time(ms: deletion.madeMs)
                    json.key("series")
                    json.int(Int64(clamping: deletion.seriesCount))
                    json.key("samples")
                    json.int(Int64(clamping: deletion.sampleCount))
                    json.endObject()
                }
                json.endArray()
            })
    }
}

/// The frame of every answer under `/api/v1`.
package enum Envelope {
    /// `{"status":"success","data":…}` with warnings and infos behind it where there are any.
    package static func success(
        warnings: [String] = [], infos: [String] = [], reserving byteCount: Int = 1024,
        _ data: (inout JSONWriter) -> Void
    ) -> [UInt8] {
        var json = JSONWriter(reserving: byteCount)
        json.beginObject()
        json.key("status")
        json.raw("\"success\"")
        json.key("data")
        data(&json)
        append(warnings, infos, to: &json)
        json.endObject()
        return json.bytes
    }

    package static func failure(_ error: APIError, warnings: [String] = []) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.raw("\"error\"")
        json.key("errorType")
        json.string(error.kind.rawValue)
        json.key("error")
        json.string(error.message)
        append(warnings, [], to: &json)
        json.endObject()
        return json.bytes
    }

    private static func append(
        _ warnings: [String], _ infos: [String], to json: inout JSONWriter
    ) {
        if !warnings.isEmpty {
            json.key("warnings")
            json.strings(warnings)
        }
        if !infos.isEmpty {
            json.key("infos")
            json.strings(infos)
        }
    }
}

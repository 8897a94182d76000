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

    /// The members that tell of remarks on an answer.
    package static func append(
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

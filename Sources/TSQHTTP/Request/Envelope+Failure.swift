import TSQJSON

extension Envelope {
    /// `{"status":"error","errorType":…,"error":…}`.
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
}

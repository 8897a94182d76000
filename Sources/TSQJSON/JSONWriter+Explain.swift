import TSQEngine

extension JSONWriter {
    /// A plan as it was executed: `{"name":…,"detail":…,"series":…,"rows":…,"samples":…,"bytes":…,
    /// "seconds":…,"children":[…]}`.
    mutating func plan(_ node: ExplainNode) {
        beginObject()
        key("name")
        string(node.name)
        key("detail")
        string(node.detail)
        key("series")
        int(node.seriesCount)
        key("rows")
        int(node.rowCount)
        key("samples")
        int(node.sampleCount)
        key("bytes")
        int(node.byteCount)
        key("seconds")
        number(Double(node.timeNs) / 1e9)
        key("children")
        beginArray()
        for child in node.children {
            element()
            plan(child)
        }
        endArray()
        endObject()
    }
}

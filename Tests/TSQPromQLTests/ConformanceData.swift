import Foundation
import Testing

/// Recorded queries and answers of Prometheus, which lie outside the project.
enum ConformanceData {
    struct APICase: Sendable {
        var path: String
        var query: String?
        var status: Int
        var error: String?
        /// `data` as sorted JSON.
        var data: String?
    }

    static let folder: URL? = {
        let environment = ProcessInfo.processInfo.environment["TSQ_SHARED"]
        let shared = environment ?? "../shared"
        let folder = URL(fileURLWithPath: shared).appendingPathComponent("conformance")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()

    /// The expressions of all `eval` lines, of those that may fail, too.
    static let scriptQueries: [String] = {
        guard let folder = folder?.appendingPathComponent("promql"),
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        else { return [] }
        var queries: [String] = []
        for name in names.sorted() where name.hasSuffix(".test") {
            let url = folder.appendingPathComponent(name)
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
            for line in text.split(separator: "\n") {
                if let query = expression(of: line) { queries.append(query) }
            }
        }
        return queries
    }()

    private static func expression(of line: Substring) -> String? {
        guard line.hasPrefix("eval") else { return nil }
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count > 4 else { return nil }
        let start = words[1] == "range" ? 8 : 4
        guard words.count > start, words[1] == "range" || words[1] == "instant" else { return nil }
        return String(line[words[start].startIndex...])
    }

    static let apiCases: [APICase] = {
        guard let url = folder?.appendingPathComponent("api/cases.jsonl"),
            let text = try? String(contentsOf: url, encoding: .utf8)
        else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)),
                let root = object as? [String: Any],
                let answer = root["answer"] as? [String: Any]
            else { return nil }
            return APICase(
                path: root["path"] as? String ?? "",
                query: (root["params"] as? [String: Any])?["query"] as? String,
                status: root["status"] as? Int ?? 0, error: answer["error"] as? String,
                data: answer["data"].flatMap(sorted))
        }
    }()

    /// `object` as JSON with sorted keys, as `ExprJSON` gives it up to Go's escapes.
    private static func sorted(_ object: Any) -> String? {
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object,
                options: [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes])
        else { return nil }
        return String(decoding: data, as: UTF8.self)
    }

    /// The JSON of a syntax tree with the matchers of each selector in one order.
    static func sortingMatchers(_ json: String) -> String? {
        func sort(_ value: Any) -> Any {
            if let array = value as? [Any] { return array.map(sort) }
            guard var object = value as? [String: Any] else { return value }
            for (key, member) in object {
                let members = sort(member)
                object[key] =
                    key != "matchers"
                    ? members
                    : (members as? [Any] ?? []).compactMap(sorted).sorted()
            }
            return object
        }
        return (try? JSONSerialization.jsonObject(with: Data(json.utf8))).map(sort)
            .flatMap(sorted)
    }
}

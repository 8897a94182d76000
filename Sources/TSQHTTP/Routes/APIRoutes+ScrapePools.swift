import Foundation
import TSQBase
import TSQJSON
import TSQModel
import TSQRelabel
import TSQScrape

/// What the API tells of a pool's configuration.
package struct ScrapePoolConfig: Sendable {
    package var yaml: String
    package var relabelRules: [RelabelRule]

    package init(yaml: String, relabelRules: [RelabelRule]) {
        self.yaml = yaml
        self.relabelRules = relabelRules
    }
}

extension APIRoutes {
    func scrapePools() -> APIResponse {
        let names = context.scrapePools().map(\.name).sorted(by: isBytewiseLess)
        return .json(
            Envelope.success { json in
                json.beginObject()
                json.key("scrapePools")
                json.strings(names)
                json.endObject()
            })
    }

    func scrapePoolConfig(_ request: APIRequest) -> APIResponse {
        do throws(APIError) {
            let config = try poolConfig(request)
            return .json(
                Envelope.success { json in
                    json.beginObject()
                    json.key("yaml")
                    json.string(config.yaml)
                    json.endObject()
                })
        } catch {
            return .failure(error)
        }
    }

    /// What each relabelling rule of a pool makes of a target's labels, up to the rule that drops it.
    func relabelSteps(_ request: APIRequest) -> APIResponse {
        let config: ScrapePoolConfig
        var labels: LabelSet
        do throws(APIError) {
            config = try poolConfig(request)
            labels = try Self.labels(request.form["labels"])
        } catch {
            return .failure(error)
        }
        return .json(
            Envelope.success { json in
                json.beginObject()
                json.key("steps")
                json.beginArray()
                for rule in config.relabelRules {
                    let isKept = rule.apply(to: &labels)
                    json.element()
                    json.beginObject()
                    json.key("rule")
                    Self.append(rule, to: &json)
                    json.key("output")
                    json.labels(isKept ? labels : LabelSet())
                    json.key("keep")
                    json.bool(isKept)
                    json.endObject()
                    if !isKept { break }
                }
                json.endArray()
                json.endObject()
            })
    }

    private func poolConfig(_ request: APIRequest) throws(APIError) -> ScrapePoolConfig {
        let name = request.form["scrapePool"]
        if name.isEmpty { throw APIError(.badData, "no scrapePool parameter provided") }
        guard let config = context.scrapePoolConfig(name) else {
            throw APIError(
                .badData,
                "error retrieving scrape config: scrape pool \(GoQuote.quoted(name)) not found")
        }
        return config
    }

    private static func labels(_ text: String) throws(APIError) -> LabelSet {
        if text.isEmpty { throw APIError(.badData, "no labels parameter provided") }
        guard let pairs = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        else {
            throw APIError(
                .badData, "error parsing labels: an object of strings was expected")
        }
        return LabelSet(pairs.map { Label($0.key, $0.value) })
    }

    /// Fields as in the configuration, empty ones left out.
    private static func append(_ rule: RelabelRule, to json: inout JSONWriter) {
        json.beginObject()
        if !rule.sourceLabels.isEmpty {
            json.key("source_labels")
            json.strings(rule.sourceLabels)
        }
        json.key("separator")
        json.string(rule.separator)
        json.key("regex")
        json.string(rule.regex.pattern)
        if rule.modulus != 0 {
            json.key("modulus")
            json.int(Int64(clamping: rule.modulus))
        }
        if !rule.targetLabel.isEmpty {
            json.key("target_label")
            json.string(rule.targetLabel)
        }
        json.key("replacement")
        json.string(rule.replacement)
        json.key("action")
        json.string(rule.action.rawValue)
        json.endObject()
    }
}

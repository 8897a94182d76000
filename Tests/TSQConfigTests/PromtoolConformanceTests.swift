import Foundation
import Testing

@testable import TSQConfig

/// The recorded verdicts of promtool 3.14, when the conformance data is at hand.
@Suite struct PromtoolConformanceTests {
    static let directory: String? = {
        let shared =
            ProcessInfo.processInfo.environment["TSQ_SHARED"]
            ?? FileManager.default.currentDirectoryPath + "/../shared"
        let path = shared + "/conformance/promtool"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    /// Prometheus was recorded without this service discovery; here it is accepted and named.
    static let knownDifferences: Set<String> = ["config/scrape_interval_larger.good.yml"]

    @Test("every configuration file gets promtool's verdict for promtool's reason")
    func verdicts() throws {
        guard let directory = Self.directory else { return }
        let data = try #require(
            FileManager.default.contents(atPath: directory + "/expected.tsv"))
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        var passed = 0
        var failed: [String] = []
        for line in lines where line.hasPrefix("check config") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            let file = String(fields[1])
            let reason = fields.count > 3 ? String(fields[3]) : ""
            if let complaint = Self.complaint(directory, file, fields[2] == "0", reason) {
                failed.append("\(file): \(complaint)")
            } else {
                passed += 1
            }
        }
        print("promtool check config: \(passed) passed, \(failed.count) failed")
        for line in failed { print("  ", line) }
        #expect(
            failed.filter { line in !Self.knownDifferences.contains { line.hasPrefix($0) } } == [])
        #expect(passed >= 120)
    }

    @Test("the article's configuration loads unchanged")
    func seed() throws {
        guard let directory = Self.directory else { return }
        let config = try ServerConfig.load(path: directory + "/../../seed/prometheus.yml")
        #expect(config.scrapeConfigs.map(\.scrapeIntervalMs) == [5000, 5000])
        #expect(config.ruleFiles.count == 1)
    }

    static func complaint(
        _ directory: String, _ file: String, _ good: Bool, _ reason: String
    ) -> String? {
        do {
            _ = try ServerConfig.load(path: directory + "/" + file, syntaxOnly: true)
            return good ? nil : "accepted, expected \(reason)"
        } catch {
            if good { return "refused: \(error)" }
            let expected = reason.range(of: "\(file): ").map { reason[$0.upperBound...] } ?? ""
            // The record cuts long lines.
            let same = error.message.hasPrefix(expected) || expected.hasPrefix(error.message)
            if error.line == nil { return "no line: \(error)" }
            return same ? nil : "said \(error.message) instead of \(expected)"
        }
    }
}

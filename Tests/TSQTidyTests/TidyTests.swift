import Foundation
import Testing

@Suite("The sources keep their rules")
struct TidyTests {
    /// Targets that know neither Foundation nor NIO.
    static let foundationFree: Set<String> = [
        "TSQBase", "TSQModel", "TSQChunks", "TSQIndex", "TSQIO", "TSQStore", "TSQPromQL",
        "TSQEngine", "TSQJSON", "TSQExposition", "TSQRelabel",
    ]

    @Test("no file is longer than 500 lines")
    func fileLength() throws {
        let long = try SourceTree("Sources", "Tests", "Benchmarks").files
            .filter { $0.lines.count > 501 }
            .map { "\($0.path): \($0.lines.count) lines" }
        #expect(long == [])
    }

    @Test("no line is longer than 104 columns, string literals over lines apart")
    func lineLength() throws {
        let tree = try SourceTree("Sources")
        let long = tree.files.flatMap { file in
            var inLiteral = false
            return file.lines.enumerated().compactMap { index, line -> String? in
                let delimiters = line.components(separatedBy: "\"\"\"").count - 1
                defer { if delimiters % 2 == 1 { inLiteral.toggle() } }
                if inLiteral || delimiters > 0 || line.count <= 104 { return nil }
                return "\(file.path):\(index + 1): \(line.count) columns"
            }
        }
        #expect(long == [])
    }

    @Test("nothing below the configuration imports Foundation or NIO")
    func foundation() throws {
        let findings = try SourceTree("Sources").findings(
            in: { Self.foundationFree.contains($0.target ?? "") },
            { $0.contains(/^\s*(public |package )?import (Foundation|NIO)/) })
        #expect(findings == [])
    }

    @Test("no forced try, no forced cast, no fatalError")
    func forced() throws {
        let findings = try SourceTree("Sources").findings {
            $0.contains(/\btry!|\bas! |\bfatalError\(/)
        }
        #expect(findings == [])
    }

    @Test("a precondition's message begins with BUG")
    func preconditions() throws {
        let tree = try SourceTree("Sources")
        let bad = tree.files.flatMap { file in
            file.lines.indices.compactMap { index -> String? in
                let line = file.lines[index]
                guard line.contains(/\b(precondition|preconditionFailure)\(/) else { return nil }
                let statement = file.lines[index..<min(index + 6, file.lines.count)].joined()
                return statement.contains("\"BUG: ") ? nil : "\(file.path):\(index + 1)"
            }
        }
        #expect(bad == [])
    }

    /// Conversions that name what they convert: a rounding, a division by a floating-point number, a
    /// value called seconds or value. The compiler cannot forbid the rest; the helper is the rule.
    @Test("floating-point numbers become integers through GoNumber only")
    func conversions() throws {
        let findings = try SourceTree("Sources").findings(
            in: { !$0.path.hasSuffix("GoNumber.swift") },
            {
                $0.contains(
                    /\bU?Int(8|16|32|64)?\((.*\.rounded\(|.*\b(floor|ceil|trunc)\(|Double\(|[a-z]*[sS]econds\b|.*\d\.\d)/
                )
            })
        #expect(findings == [])
    }

    @Test("nothing is marked as not done")
    func leftovers() throws {
        let findings = try SourceTree("Sources", "Benchmarks").files.flatMap { file in
            file.lines.enumerated().filter {
                $0.element.contains(/\b(TODO|FIXME|XXX|not (yet )?implemented)\b/)
            }.map { "\(file.path):\($0.offset + 1)" }
        }
        #expect(findings == [])
    }
}

import NIOCore
import TSQEngine
import TSQJSON
import TSQModel
import Testing

@testable import TSQHTTP

@Suite("AnswerPieces")
struct AnswerPiecesTests {
    /// Some forty pieces.
    private var result: QueryResult {
        let symbols = SymbolTable()
        let name = symbols.intern("n")
        var series = ResultSeries(symbols: symbols)
        for index in 0..<3000 {
            for point in 0..<100 {
                series.times.append(1_700_000_000_000 + Int64(point) * 15_000)
                series.values.append(Double(point) / Double(index + 7))
            }
            series.closeSeries([LabelPair(name: name, value: symbols.intern("\(index)"))])
        }
        return QueryResult(value: .matrix(series))
    }

    private func pieces(
        _ answer: QueryAnswer, _ pool: WorkPool, _ held: HeldAnswers = HeldAnswers()
    ) -> AnswerPieces {
        let end = answer.end(from: .start)
        let pieces = AnswerPieces(answer, from: end, pool: pool, held: held)
        var json = JSONWriter()
        var writer = QueryAnswerWriter(answer)
        writer.write(from: .start, to: end, to: &json)
        pieces.begin(with: json.bytes)
        return pieces
    }

    @Test("the pieces come in order, whoever writes them, and their room is used again")
    func order() async throws {
        let pool = WorkPool(name: "test", threads: 2)
        defer { pool.shutDown() }
        let result = result
        for _ in 0..<5 {
            let pieces = pieces(QueryAnswer(result), pool)
            var bytes: [UInt8] = []
            var count = 0
            while let piece = try await pieces.next() {
                bytes += piece.readableBytesView
                count += 1
                // Sometimes the socket keeps it.
                if count % 3 > 0 { pieces.giveBack(piece) }
            }
            #expect(count > 30)
            #expect(bytes == QueryAnswerWriter.whole(result))
            #expect(try await pieces.next() == nil)
        }
    }

    @Test("no more is written ahead than a few pieces, and no thread stays with them")
    func ahead() async throws {
        let pool = WorkPool(name: "test", threads: 2)
        defer { pool.shutDown() }
        let pieces = pieces(QueryAnswer(result), pool)
        for _ in 0..<3 {
            while pool.load != (0, 0) || pieces.aheadCount < AnswerPieces.aheadMax {
                try await Task.sleep(for: .milliseconds(1))
            }
            try await Task.sleep(for: .milliseconds(5))
            #expect(pieces.aheadCount == AnswerPieces.aheadMax)
            #expect(pool.load == (0, 0))
            for _ in 0..<3 { _ = try await pieces.next() }
        }
    }

    @Test("what the writers are refused the reader is told")
    func refused() async throws {
        let pool = WorkPool(name: "test", threads: 2)
        pool.shutDown()
        let pieces = pieces(QueryAnswer(result), pool)
        #expect(try await pieces.next() != nil)
        await #expect(throws: WorkPool.Refusal.shutDown) { try await pieces.next() }
    }

    @Test("what is left unread goes with the reader")
    func abandoned() async throws {
        let pool = WorkPool(name: "test", threads: 2)
        defer { pool.shutDown() }
        let held = HeldAnswers()
        var pieces: AnswerPieces? = pieces(QueryAnswer(result), pool, held)
        weak let seen = pieces
        _ = try await pieces?.next()
        pieces = nil
        for _ in 0..<10_000 where seen != nil { try await Task.sleep(for: .milliseconds(1)) }
        #expect(seen == nil && held.byteCount == 0)
    }
}

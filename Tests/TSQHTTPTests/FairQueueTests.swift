import TSQBase
import Testing

@testable import TSQHTTP

@Suite("FairQueue")
struct FairQueueTests {
    @Test("clients take turns, entries of one client go in order of arrival")
    func turns() {
        var queue = FairQueue<String>()
        for number in 1...4 { _ = queue.append("a\(number)", of: "a") }
        _ = queue.append("b1", of: "b")
        _ = queue.append("c1", of: "c")
        _ = queue.append("b2", of: "b")
        var order: [String] = []
        while let (_, element) = queue.takeFirst(where: { _ in true }) { order.append(element) }
        #expect(order == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"])
        #expect(queue.count == 0)
    }

    @Test("a client that may not start is passed over and keeps its turn")
    func passedOver() {
        var queue = FairQueue<Int>()
        _ = queue.append(1, of: "a")
        _ = queue.append(2, of: "b")
        #expect(queue.takeFirst { $0 != "a" }?.element == 2)
        #expect(queue.takeFirst { $0 != "a" } == nil)
        #expect(queue.takeFirst { _ in true }?.element == 1)
    }

    @Test("what is removed does not come, whatever the order of calls")
    func randomOperations() {
        var random = SplitMix64(seed: 5)
        var queue = FairQueue<UInt64>()
        var model: [(id: UInt64, client: String, element: UInt64)] = []
        for number in 0..<UInt64(3000) {
            let client = "\(random.next() % 5)"
            switch random.next() % 4 {
            case 0, 1:
                model.append((queue.append(number, of: client), client, number))
            case 2:
                guard let victim = model.randomElement(using: &random) else { continue }
                #expect(queue.remove(victim.id, of: victim.client) == victim.element)
                #expect(queue.remove(victim.id, of: victim.client) == nil)
                model.removeAll { $0.id == victim.id }
            default:
                guard let taken = queue.takeFirst(where: { _ in true }) else {
                    #expect(model.isEmpty)
                    continue
                }
                // The oldest one of its client.
                let first = model.first { $0.client == taken.client }
                #expect(first?.element == taken.element)
                model.removeAll { $0.element == taken.element }
            }
            #expect(queue.count == model.count)
        }
        let odd = queue.removeAll { $0 % 2 == 1 }
        let expected: [UInt64] = model.map(\.element).filter { $0 % 2 == 1 }
        #expect(odd.sorted() == expected.sorted())
        #expect(queue.count == model.count - odd.count)
    }
}

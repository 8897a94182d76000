/// Waiting entries of several clients. Clients take turns, entries of one client go in order of
/// arrival: whoever sends a hundred requests at once waits for them, not everybody else.
struct FairQueue<Element> {
    private struct Entry {
        let id: UInt64
        let element: Element
    }

    private var lines: [String: [Entry]] = [:]
    /// The clients that wait, the next one first.
    private var turns: [String] = []
    private var nextID: UInt64 = 0
    private(set) var count = 0

    func count(of client: String) -> Int { lines[client]?.count ?? 0 }

    /// - Returns: what `remove` takes.
    mutating func append(_ element: Element, of client: String) -> UInt64 {
        nextID += 1
        count += 1
        if lines[client] == nil { turns.append(client) }
        lines[client, default: []].append(Entry(id: nextID, element: element))
        return nextID
    }

    /// The first entry of the next client that may have one more.
    ///
    /// - Complexity: O(waiting clients + entries of the client).
    mutating func takeFirst(
        where mayStart: (_ client: String) -> Bool
    ) -> (client: String, element: Element)? {
        guard let index = turns.firstIndex(where: mayStart) else { return nil }
        let client = turns.remove(at: index)
        guard var line = lines.removeValue(forKey: client), !line.isEmpty else { return nil }
        let entry = line.removeFirst()
        count -= 1
        if !line.isEmpty {
            lines[client] = line
            turns.append(client)
        }
        return (client, entry.element)
    }

    /// nil where the entry is gone already.
    mutating func remove(_ id: UInt64, of client: String) -> Element? {
        guard var line = lines.removeValue(forKey: client) else { return nil }
        defer { put(line, of: client) }
        guard let index = line.firstIndex(where: { $0.id == id }) else { return nil }
        count -= 1
        return line.remove(at: index).element
    }

    /// Takes out every entry that `isWanted` says yes to.
    mutating func removeAll(where isWanted: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for client in turns {
            guard let line = lines.removeValue(forKey: client) else { continue }
            removed += line.lazy.map(\.element).filter(isWanted)
            put(line.filter { !isWanted($0.element) }, of: client)
        }
        count -= removed.count
        return removed
    }

    private mutating func put(_ line: [Entry], of client: String) {
        if line.isEmpty {
            turns.removeAll { $0 == client }
        } else {
            lines[client] = line
        }
    }
}

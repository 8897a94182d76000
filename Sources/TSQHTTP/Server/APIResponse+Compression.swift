extension APIResponse {
    /// Compresses the body if the client takes that and it is worth it, and says so in the headers.
    /// Takes milliseconds for a large one: not for an event loop.
    ///
    /// - Parameter acceptEncoding: the request's header.
    /// - Returns: with what pieces are to be compressed as they are sent; nil: not at all.
    mutating func compress(acceptEncoding: String?) -> Compression? {
        if let count = byteCount, count < Compression.byteCountMin { return nil }
        guard let compression = Compression.negotiate(acceptEncoding: acceptEncoding) else {
            return nil
        }
        switch body {
        case .bytes(let plain):
            addVary()
            guard let compressed = compression.compress(plain) else { return nil }
            body = .bytes(compressed)
            headers.append(("Content-Encoding", compression.rawValue))
            return nil
        case .pieces:
            addVary()
            headers.append(("Content-Encoding", compression.rawValue))
            return compression
        }
    }

    /// A request's header decided over the body: one header names all that did.
    private mutating func addVary() {
        let name = "Accept-Encoding"
        if let index = headers.firstIndex(where: { $0.name.lowercased() == "vary" }) {
            headers[index].value += ", " + name
        } else {
            headers.append(("Vary", name))
        }
    }
}

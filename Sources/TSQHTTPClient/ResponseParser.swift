/// One HTTP/1.1 response from its bytes, in whatever pieces they come.
///
/// It reads what servers of metrics send. Anything else is `unsuited`: the caller asks again with a
/// client that knows the whole protocol.
///
/// - Source: RFC 9112, sections 4 to 7.
struct ResponseParser {
    enum Failure: Error, Equatable {
        case unsuited
        case bodyTooLarge
        /// The connection ended before the response.
        case ended
    }

    private enum State: Equatable {
        case head
        case body(left: Int)
        case chunkHead
        case chunk(left: Int)
        /// The line end after a chunk.
        case chunkEnd
        case trailers
        case untilEnd
        case done
    }

    /// Status line and headers are at most this long; so is a chunk's head.
    static let headBytesMax = 1 << 16

    private var state = State.head
    /// A head, a chunk's head or a trailer that is not complete.
    private var line: [UInt8] = []
    private(set) var status = 0
    private(set) var contentType = ""
    private(set) var contentEncoding = ""
    /// Whether another request may follow on the connection.
    private(set) var isReusable = true
    /// Whether anything of a response has come.
    private(set) var hasBegun = false
    private let bodyBytesMax: Int

    init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }

    /// Takes the next bytes and appends what is of the body to `body`; answers whether the response
    /// is complete.
    mutating func feed(
        _ bytes: UnsafeRawBufferPointer, into body: inout [UInt8]
    ) throws(Failure) -> Bool {
        var offset = 0
        if !bytes.isEmpty { hasBegun = true }
        while offset < bytes.count {
            switch state {
            case .head:
                guard let end = try takeLine(bytes, &offset, upTo: [13, 10, 13, 10]) else {
                    return false
                }
                try readHead(Array(line[..<end]), &body)
            case .body(let left):
                let count = min(left, bytes.count - offset)
                try append(bytes, &offset, count, &body)
                state = count == left ? .done : .body(left: left - count)
            case .chunkHead:
                guard let end = try takeLine(bytes, &offset, upTo: [13, 10]) else { return false }
                let size = try Self.chunkSize(line[..<end])
                line.removeAll(keepingCapacity: true)
                state = size == 0 ? .trailers : .chunk(left: size)
            case .chunk(let left):
                let count = min(left, bytes.count - offset)
                try append(bytes, &offset, count, &body)
                state = count == left ? .chunkEnd : .chunk(left: left - count)
            case .chunkEnd:
                guard let end = try takeLine(bytes, &offset, upTo: [13, 10]) else { return false }
                if end != 0 { throw .unsuited }
                line.removeAll(keepingCapacity: true)
                state = .chunkHead
            case .trailers:
                guard let end = try takeLine(bytes, &offset, upTo: [13, 10]) else { return false }
                line.removeAll(keepingCapacity: true)
                if end == 0 { state = .done }
            case .untilEnd:
                try append(bytes, &offset, bytes.count - offset, &body)
            case .done:
                // More than was asked for.
                isReusable = false
                return true
            }
        }
        return state == .done
    }

    /// The connection ended: so did a body without a length.
    mutating func end() throws(Failure) {
        isReusable = false
        if state != .untilEnd && state != .done { throw .ended }
        state = .done
    }

    private func append(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ count: Int, _ body: inout [UInt8]
    ) throws(Failure) {
        if count > bodyBytesMax - body.count { throw .bodyTooLarge }
        body.append(contentsOf: bytes[offset..<(offset + count)])
        offset += count
    }

    /// Moves bytes into `line` until it ends in `mark`; then answers where that begins.
    private mutating func takeLine(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, upTo mark: [UInt8]
    ) throws(Failure) -> Int? {
        while offset < bytes.count {
            line.append(bytes[offset])
            offset += 1
            if line.count >= mark.count, line.last == 10,
                line.suffix(mark.count).elementsEqual(mark)
            {
                return line.count - mark.count
            }
            if line.count > Self.headBytesMax { throw .unsuited }
        }
        return nil
    }

    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(Failure) -> Int {
        var size = 0
        var digits = 0
        for byte in line {
            let value: Int
            switch byte {
            case 0x30...0x39: value = Int(byte) - 0x30
            case 0x41...0x46: value = Int(byte) - 0x41 + 10
            case 0x61...0x66: value = Int(byte) - 0x61 + 10
            // Extensions say nothing to us.
            case 0x3B, 0x20,
                0x09 where digits > 0:
                return size
            default: throw .unsuited
            }
            digits += 1
            if digits > 12 { throw .unsuited }
            size = size * 16 + value
        }
        if digits == 0 { throw .unsuited }
        return size
    }

    private mutating func readHead(_ head: [UInt8], _ body: inout [UInt8]) throws(Failure) {
        line.removeAll(keepingCapacity: true)
        let lines = head.split(separator: 10, omittingEmptySubsequences: false).map {
            $0.last == 13 ? $0.dropLast() : $0
        }
        try readStatus(String(decoding: lines.first ?? [], as: UTF8.self))
        var length: Int?
        var isChunked = false
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: 0x3A), line.first != 0x20, line.first != 0x09
            else {
                throw .unsuited
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = Self.trimmed(line[(colon + 1)...])
            switch name {
            case "content-length":
                guard let count = Int(value), count >= 0, length ?? count == count else {
                    throw .unsuited
                }
                length = count
            case "transfer-encoding":
                if value.lowercased() != "chunked" { throw .unsuited }
                isChunked = true
            case "content-type": contentType = contentType.isEmpty ? value : contentType
            case "content-encoding": contentEncoding = value.lowercased()
            case "connection":
                let options = value.lowercased()
                if options.contains("close") { isReusable = false }
                if options.contains("upgrade") { throw .unsuited }
            default: break
            }
        }
        // Those announce that the response proper follows.
        if status < 200 { return }
        if status == 204 || status == 304 {
            state = .done
        } else if isChunked {
            state = .chunkHead
        } else if let length {
            if length > bodyBytesMax { throw .bodyTooLarge }
            body.reserveCapacity(length)
            state = length == 0 ? .done : .body(left: length)
        } else {
            isReusable = false
            state = .untilEnd
        }
    }

    /// `HTTP/1.1 200 OK`
    private mutating func readStatus(_ line: String) throws(Failure) {
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0",
            parts[1].utf8.count == 3, let status = Int(parts[1]), status >= 100, status != 101
        else { throw .unsuited }
        if parts[0] == "HTTP/1.0" { isReusable = false }
        self.status = status
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        var slice = bytes
        while let first = slice.first, first == 0x20 || first == 0x09 { slice.removeFirst() }
        while let last = slice.last, last == 0x20 || last == 0x09 { slice.removeLast() }
        return String(decoding: slice, as: UTF8.self)
    }
}

import Foundation

/// A recorded sequence of `/metrics` pages: `#PAGE <ms>` lines between the pages.
struct RecordedPages {
    struct Page {
        /// Since the first page.
        var offsetMs: Int64
        var body: [UInt8]
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    let pages: [Page]

    init(_ name: String) throws {
        let text = try String(
            contentsOf: Self.root.appending(path: "testdata/planets/\(name).pages"), encoding: .utf8
        )
        var pages: [Page] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#PAGE "), let offsetMs = Int64(line.dropFirst("#PAGE ".count)) {
                pages.append(Page(offsetMs: offsetMs, body: []))
            } else if !pages.isEmpty {
                pages[pages.count - 1].body += Array(line.utf8) + [0x0A]
            }
        }
        // The split leaves an empty piece behind the last line end.
        if !pages.isEmpty { pages[pages.count - 1].body.removeLast() }
        self.pages = pages
    }
}

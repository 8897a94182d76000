import ArgumentParser
import TSQConfig

/// A size on the command line: `512MB`, `1.5GiB`, or bytes.
struct ByteSizeArgument: ExpressibleByArgument, Equatable {
    let byteCount: Int

    init(byteCount: Int) { self.byteCount = byteCount }

    init?(argument: String) {
        if let byteCount = Int(argument) {
            self.byteCount = byteCount
        } else if let byteCount = try? ByteSize.parse(argument) {
            self.byteCount = byteCount
        } else {
            return nil
        }
        if byteCount < 0 { return nil }
    }

    var text: String { ByteSize.format(byteCount) }

    var defaultValueDescription: String { text }
}

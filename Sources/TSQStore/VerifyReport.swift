import TSQBase

/// What `Store.verify` found.
package struct VerifyReport: Sendable {
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// Relative to the store's directory.
        package var file: String
        /// Where in the file, as far as it is known.
        package var offset: UInt64?
        package var reason: String
        /// Samples that cannot be read because of it, as far as it is known.
        package var lostSamples: UInt64?

        package var description: String {
            var text = file
            if let offset { text += " at byte \(offset)" }
            text += ": \(reason)"
            if let lostSamples { text += " (\(lostSamples) samples)" }
            return text
        }
    }

    /// At most this many problems are listed.
    package static let problemsMax = 1000

    /// The first `problemsMax`.
    package private(set) var problems: [Problem] = []
    package private(set) var problemCount = 0
    /// Files that no MANIFEST names: of a checkpoint or merge that did not end, or that runs now.
    package var unnamedFiles: [String] = []

    package var generation: UInt64 = 0
    package var indexCount = 0
    package var seriesCount: UInt64 = 0
    package var blockCount = 0
    package var pageCount: UInt64 = 0
    package var chunkCount: UInt64 = 0
    package var timeColumnCount: UInt64 = 0
    /// In blocks.
    package var sampleCount: UInt64 = 0
    package var logSegmentCount = 0
    /// Beyond the MANIFEST's place.
    package var logRecordCount = 0
    package var logSampleCount = 0
    package var deletionCount = 0
    package var exemplarCount = 0
    /// Of everything that was read.
    package var byteCount: UInt64 = 0

    package var isSound: Bool { problemCount == 0 }

    mutating func add(
        _ file: String, at offset: UInt64? = nil, _ reason: String, lostSamples: UInt64? = nil
    ) {
        problemCount += 1
        if problems.count < Self.problemsMax {
            problems.append(
                Problem(file: file, offset: offset, reason: reason, lostSamples: lostSamples))
        }
    }
}

/// One block, as `tsq tsdb list` shows it.
package struct BlockInfo: Sendable, Equatable {
    package var file: String
    package var level: Int
    package var sequence: UInt64
    package var minTimeMs: TimestampMs
    package var maxTimeMs: TimestampMs
    package var sampleCount: UInt64
    package var byteCount: UInt64
    /// Nil when the block cannot be opened.
    package var seriesCount: UInt64?
    package var chunkCount: UInt64?
}

import TSQBase

/// `bench-core [chunks|index] [series]`: the codecs and the index alone.
@main
struct BenchCore {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let series = arguments.compactMap { Int($0) }.first ?? 1_000_000
        if !arguments.contains("index") { ChunkBench.run() }
        if !arguments.contains("chunks") { try IndexBench.run(seriesCount: series) }
    }
}

// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// `TSQ_CORE_ONLY=1` leaves out everything that needs a package from elsewhere (server, scraper,
/// command line): the storage and query libraries then build and test in seconds.
let coreOnly = ProcessInfo.processInfo.environment["TSQ_CORE_ONLY"] != nil

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func executable(
    _ name: String, path: String? = nil, _ dependencies: [Target.Dependency]
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

/// The release program has the Swift libraries in itself: it starts in half the time, takes less
/// memory, and runs where no toolchain is. `TSQ_DYNAMIC=1` builds without, for toolchains that have
/// no static libraries.
let staticLinking: [LinkerSetting] =
    ProcessInfo.processInfo.environment["TSQ_DYNAMIC"] != nil
    ? []
    : [
        .unsafeFlags(
            ["-static-stdlib"]
                + [
                    "Foundation", "FoundationInternationalization", "FoundationEssentials",
                    "CoreFoundation", "_FoundationCollections", "_FoundationICU",
                    "_FoundationCShims", "BlocksRuntime",
                ].map { "-l\($0)" },
            .when(platforms: [.linux], configuration: .release))
    ]

// A target may import only targets above it (docs/ARCHITECTURE.md).
let coreTargets: [Target] = [
    .target(name: "CLZ4", linkerSettings: [.linkedLibrary("lz4")]),
    .target(name: "CChecksum"),
    .target(name: "CMalloc"),
    .target(name: "CPrefetch"),
    .target(name: "CProcessor"),
    .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
    library("TSQBase", ["CChecksum", "CProcessor"]),
    library("TSQModel", ["TSQBase", "CRE2"]),
    library("TSQChunks", ["TSQBase", "CLZ4"]),
    library("TSQIndex", ["TSQModel", "TSQBase"]),
    library("TSQIO", ["TSQBase", "CLZ4", "CMalloc"]),
    library("TSQStore", ["TSQIndex", "TSQChunks", "TSQIO", "TSQModel", "TSQBase", "CPrefetch"]),
    library("TSQPromQL", ["TSQModel", "TSQBase"]),
    library("TSQEngine", ["TSQPromQL", "TSQModel", "TSQBase"]),
    library("TSQJSON", ["TSQEngine", "TSQModel", "TSQBase"]),
    library("TSQExposition", ["TSQModel", "TSQBase"]),
    library("TSQRelabel", ["TSQModel", "TSQBase"]),
    library(
        "TSQTesting",
        [
            "TSQStore", "TSQEngine", "TSQPromQL", "TSQExposition", "TSQIO", "TSQChunks", "TSQIndex",
            "TSQModel", "TSQBase",
        ]),
    executable("bench-exporter", path: "Benchmarks/Exporter", ["TSQBase"]),
    executable(
        "bench-engine", path: "Benchmarks/Engine",
        ["TSQJSON", "TSQStore", "TSQEngine", "TSQPromQL", "TSQIO", "TSQModel", "TSQBase"]),
    executable(
        "store-torture", path: "Sources/StoreTorture",
        ["TSQTesting", "TSQStore", "TSQChunks", "TSQIndex", "TSQIO", "TSQModel", "TSQBase"]),
    executable(
        "promql-fuzz", path: "Sources/PromQLFuzz",
        ["TSQTesting", "TSQEngine", "TSQPromQL", "TSQBase"]),
    executable(
        "bench-store", path: "Benchmarks/Store", ["TSQStore", "TSQIO", "TSQModel", "TSQBase"]),
    executable(
        "bench-core", path: "Benchmarks/Core",
        ["TSQChunks", "TSQIndex", "TSQModel", "TSQBase"]),
    executable(
        "bench-kernels", path: "Benchmarks/Kernels",
        ["TSQEngine", "TSQPromQL", "TSQModel", "TSQBase"]),
    tests("TSQTidyTests", []),
    tests("TSQBaseTests", ["TSQBase"]),
    tests("TSQModelTests", ["TSQModel", "TSQBase"]),
    tests("TSQChunksTests", ["TSQChunks", "TSQBase", "TSQTesting"]),
    tests("TSQIndexTests", ["TSQIndex", "TSQModel", "TSQBase", "TSQTesting"]),
    tests("TSQIOTests", ["TSQIO", "TSQBase", "TSQTesting"]),
    tests(
        "TSQStoreTests",
        ["TSQStore", "TSQIO", "TSQModel", "TSQBase", "TSQTesting", "store-torture"]),
    tests("TSQPromQLTests", ["TSQPromQL", "TSQModel", "TSQBase"]),
    tests("TSQEngineTests", ["TSQEngine", "TSQPromQL", "TSQModel", "TSQBase", "TSQTesting"]),
    tests("TSQScriptTests", ["TSQTesting", "TSQEngine", "TSQModel", "TSQBase"]),
    tests("TSQJSONTests", ["TSQJSON", "TSQEngine", "TSQModel", "TSQBase"]),
    tests("TSQExpositionTests", ["TSQExposition", "TSQModel", "TSQBase", "TSQTesting"]),
    tests("TSQRelabelTests", ["TSQRelabel", "TSQModel", "TSQBase"]),
]

let serverTargets: [Target] = [
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
    library(
        "TSQConfig",
        [
            "TSQPromQL", "TSQRelabel", "TSQModel", "TSQBase",
            .product(name: "Yams", package: "Yams"),
        ]),
    library(
        "TSQHTTPClient",
        [
            "TSQConfig", "TSQBase", "CZlib",
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]),
    library(
        "TSQScrape",
        [
            "TSQHTTPClient", "TSQExposition", "TSQRelabel", "TSQConfig", "TSQModel", "TSQBase",
        ]),
    library(
        "TSQMetrics",
        [
            "TSQExposition", "TSQModel", "TSQBase",
            .product(name: "Metrics", package: "swift-metrics"),
        ]),
    library(
        "TSQHTTP",
        [
            "TSQJSON", "TSQEngine", "TSQScrape", "TSQMetrics", "TSQPromQL", "TSQExposition",
            "TSQRelabel", "TSQModel", "TSQBase", "CZlib",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    library(
        "TSQKit",
        ["TSQStore", "TSQEngine", "TSQScrape", "TSQConfig", "TSQPromQL", "TSQModel", "TSQBase"]),
    library(
        "TSQCommand",
        [
            "TSQHTTP", "TSQJSON", "TSQStore", "TSQEngine", "TSQScrape", "TSQConfig", "TSQMetrics",
            "TSQExposition", "TSQPromQL", "TSQTesting", "TSQIO", "TSQModel", "TSQBase", "CZlib",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "AsyncHTTPClient", package: "async-http-client"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    .executableTarget(
        name: "tsq", dependencies: ["TSQCommand", "TSQIO"], swiftSettings: settings,
        linkerSettings: staticLinking),
    executable(
        "planets", path: "Sources/Planets",
        [
            "TSQMetrics", "TSQBase",
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "GRDB", package: "GRDB.swift"),
            .product(name: "Metrics", package: "swift-metrics"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
    tests(
        "TSQDashboardTests",
        [
            "TSQHTTP", "TSQJSON", "TSQScrape", "TSQConfig", "TSQExposition", "TSQStore",
            "TSQEngine",
            "TSQModel", "TSQBase",
        ]),
    tests("TSQConfigTests", ["TSQConfig", "TSQModel", "TSQBase"]),
    tests(
        "TSQScrapeTests",
        [
            "TSQScrape", "TSQHTTPClient", "TSQExposition", "TSQRelabel", "TSQConfig", "TSQStore",
            "TSQModel", "TSQBase", "TSQTesting",
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    tests(
        "TSQMetricsTests",
        [
            "TSQMetrics", "TSQExposition", "TSQBase",
            .product(name: "Metrics", package: "swift-metrics"),
        ]),
    tests(
        "TSQHTTPTests",
        [
            "TSQHTTP", "TSQMetrics", "TSQScrape", "TSQStore", "TSQEngine", "TSQTesting",
            "TSQExposition", "TSQRelabel", "TSQModel", "TSQBase", "CZlib",
            .product(name: "HTTPTypes", package: "swift-http-types"),
            .product(name: "Hummingbird", package: "hummingbird"),
            .product(name: "HummingbirdTesting", package: "hummingbird"),
            .product(name: "Logging", package: "swift-log"),
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOEmbedded", package: "swift-nio"),
            .product(name: "NIOHTTP1", package: "swift-nio"),
        ]),
    tests("TSQKitTests", ["TSQKit"]),
    tests(
        "TSQCommandTests",
        [
            "TSQCommand", "TSQModel", "TSQBase",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
]

let package = Package(
    name: "tsq",
    platforms: [.macOS(.v26)],
    products: coreOnly
        ? []
        : [
            .executable(name: "tsq", targets: ["tsq"]),
            .executable(name: "planets", targets: ["planets"]),
            .library(name: "TSQKit", targets: ["TSQKit"]),
            .library(name: "TSQMetrics", targets: ["TSQMetrics"]),
        ],
    dependencies: coreOnly
        ? []
        : [
            .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
            .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
            .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
            .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
            .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
            .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
            .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
            .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
            .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
            .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
            .package(
                url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        ],
    targets: coreOnly ? coreTargets : coreTargets + serverTargets
)

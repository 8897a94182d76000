import ArgumentParser
import Foundation
import Hummingbird
import Logging
import Metrics
import ServiceLifecycle
import TSQMetrics
import UnixSignals

/// The demo application: a small web service with something to see on its `/metrics` page.
@main
struct PlanetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "planets",
        abstract: "A catalogue of planets over HTTP, with server-sent events and metrics.",
        discussion: """
            EXAMPLES
              planets --port 9000
              curl http://127.0.0.1:9000/planets
              curl -N http://127.0.0.1:9000/events
              curl http://127.0.0.1:9000/metrics
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port of the application.")
    var port = 9000

    @Option(
        help: "Also serve the container's figures under cAdvisor's names on this port; 0 = do not.")
    var containerPort = 0

    @Option(help: "The database file. Without it the catalogue lives in memory.")
    var database: String?

    func run() async throws {
        let metrics = PrometheusMetricsFactory()
        MetricsMiddleware<BasicRequestContext>.describe(to: metrics)
        MetricsSystem.bootstrap(metrics)
        var logger = Logger(label: "planets")
        logger.logLevel = .notice

        var services: [any Service] = [
            try application(metrics: metrics, logger: logger)
        ]
        if containerPort != 0 { services.append(containerApplication(logger: logger)) }
        print("planets: listening on http://\(host):\(port)/")
        try await ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
    }

    private func application(
        metrics: PrometheusMetricsFactory, logger: Logger
    ) throws -> some Service {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: MetricsMiddleware())
        let broadcaster = Broadcaster()
        PlanetRoutes(store: try PlanetStore(path: database), broadcaster: broadcaster)
            .add(to: router)
        EventRoutes(broadcaster: broadcaster).add(to: router)
        router.get { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: IndexPage.html)))
        }
        router.get("metrics") { request, _ in
            let format = MetricsPageFormat.negotiate(accept: request.headers[.accept])
            return Response(
                status: .ok, headers: [.contentType: format.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: metrics.exposition(format))))
        }
        return Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "planets"),
            logger: logger)
    }

    private func containerApplication(logger: Logger) -> some Service {
        let router = Router(context: BasicRequestContext.self)
        let container = ContainerMetrics(containerName: "mongodb-redis")
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: container.page())))
        }
        return Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: containerPort), serverName: "planets"),
            logger: logger)
    }
}

import Foundation
import GRDB
import Hummingbird

/// `/planets`: read and change the catalogue. Every change goes to `/events`, too.
struct PlanetRoutes<Context: RequestContext>: Sendable {
    let store: PlanetStore
    let broadcaster: Broadcaster

    func add(to router: Router<Context>) {
        let planets = router.group("planets")
        planets.get { request, _ -> [Planet] in
            try await store.list(type: kind(in: request))
        }
        planets.get("{planet_id}") { _, context -> Planet in
            let id = try context.parameters.require("planet_id", as: Int64.self)
            guard let planet = try await store.find(id: id) else { throw notFound(id) }
            return planet
        }
        planets.post { request, context -> EditedResponse<Planet> in
            let planet = try await context.decodePlanet(request)
            let created = try await refusingDuplicates { try await store.create(planet) }
            await broadcaster.send(event: "planet-created", data: created.name)
            return EditedResponse(status: .created, response: created)
        }
        planets.put("{planet_id}") { request, context -> Planet in
            let id = try context.parameters.require("planet_id", as: Int64.self)
            let planet = try await context.decodePlanet(request)
            guard
                let updated = try await refusingDuplicates({
                    try await store.replace(id: id, by: planet)
                })
            else { throw notFound(id) }
            await broadcaster.send(event: "planet-updated", data: updated.name)
            return updated
        }
        planets.delete("{planet_id}") { _, context -> HTTPResponse.Status in
            let id = try context.parameters.require("planet_id", as: Int64.self)
            guard try await store.delete(id: id) else { throw notFound(id) }
            await broadcaster.send(event: "planet-deleted", data: String(id))
            return .noContent
        }
    }

    private func kind(in request: Request) throws -> Planet.Kind? {
        guard let text = request.uri.queryParameters.get("type") else { return nil }
        guard let kind = Planet.Kind(rawValue: text) else {
            throw HTTPError(.badRequest, message: "no planet type is called \(text)")
        }
        return kind
    }

    private func notFound(_ id: Int64) -> HTTPError {
        HTTPError(.notFound, message: "no planet has the number \(id)")
    }

    private func refusingDuplicates<Result>(
        _ change: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await change()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            throw HTTPError(.conflict, message: "another planet has this name")
        }
    }
}

extension RequestContext {
    fileprivate func decodePlanet(_ request: Request) async throws -> Planet {
        try await requestDecoder.decode(Planet.self, from: request, context: self)
    }
}

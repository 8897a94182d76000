import Foundation
import GRDB

/// The catalogue in SQLite.
struct PlanetStore: Sendable {
    private let database: DatabaseQueue

    /// - Parameter path: the database file; nil keeps it in memory.
    init(path: String?) throws {
        database = try path.map { try DatabaseQueue(path: $0) } ?? DatabaseQueue()
        var migrator = DatabaseMigrator()
        migrator.registerMigration("planets") { db in
            try db.create(table: Planet.databaseTableName) { table in
                table.autoIncrementedPrimaryKey("id")
                table.column("name", .text).notNull().unique()
                table.column("type", .text).notNull()
                table.column("meanRadius", .double).notNull()
                table.column("satellites", .jsonText)
            }
            for var planet in Planet.solarSystem { try planet.insert(db) }
        }
        try migrator.migrate(database)
    }

    /// All planets in the order of their numbers, of one kind where `type` is given.
    func list(type: Planet.Kind?) async throws -> [Planet] {
        try await database.read { db in
            let all = Planet.order(Column("id"))
            return try (type.map { all.filter(Column("type") == $0.rawValue) } ?? all).fetchAll(db)
        }
    }

    func find(id: Int64) async throws -> Planet? {
        try await database.read { try Planet.fetchOne($0, key: id) }
    }

    func create(_ planet: Planet) async throws -> Planet {
        try await database.write { db in
            var planet = planet
            planet.id = nil
            return try planet.insertAndFetch(db)
        }
    }

    /// nil when there is no planet `id`.
    func replace(id: Int64, by planet: Planet) async throws -> Planet? {
        try await database.write { db in
            var planet = planet
            planet.id = id
            guard try Planet.exists(db, key: id) else { return nil }
            try planet.update(db)
            return planet
        }
    }

    /// Whether there was one to delete.
    func delete(id: Int64) async throws -> Bool {
        try await database.write { try Planet.deleteOne($0, key: id) }
    }
}

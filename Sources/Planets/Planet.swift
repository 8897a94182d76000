import Foundation
import GRDB
import Hummingbird

/// A planet of the catalogue.
struct Planet: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable {
        case terrestrial = "TerrestrialPlanet"
        case gasGiant = "GasGiant"
        case iceGiant = "IceGiant"
        case dwarf = "DwarfPlanet"
    }

    var id: Int64?
    var name: String
    var type: Kind
    /// Kilometres.
    var meanRadius: Double
    var satellites: [String]?
}

extension Planet: FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "planet"

    mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }
}

extension Planet: ResponseEncodable {}

extension Planet {
    /// What the catalogue holds at its first start.
    static let solarSystem: [Planet] = [
        Planet(name: "Mercury", type: .terrestrial, meanRadius: 2439.7),
        Planet(name: "Venus", type: .terrestrial, meanRadius: 6051.8),
        Planet(name: "Earth", type: .terrestrial, meanRadius: 6371, satellites: ["Moon"]),
        Planet(
            name: "Mars", type: .terrestrial, meanRadius: 3389.5, satellites: ["Phobos", "Deimos"]),
        Planet(
            name: "Jupiter", type: .gasGiant, meanRadius: 69_911,
            satellites: ["Io", "Europa", "Ganymede", "Callisto"]),
        Planet(
            name: "Saturn", type: .gasGiant, meanRadius: 58_232,
            satellites: ["Titan", "Rhea", "Enceladus"]),
        Planet(
            name: "Uranus", type: .iceGiant, meanRadius: 25_362,
            satellites: ["Titania", "Oberon", "Miranda"]),
        Planet(name: "Neptune", type: .iceGiant, meanRadius: 24_622, satellites: ["Triton"]),
        Planet(name: "Pluto", type: .dwarf, meanRadius: 1188.3, satellites: ["Charon"]),
    ]
}

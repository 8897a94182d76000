/// Milliseconds since 1970-01-01T00:00:00Z, the unit of every time in tsq.
package typealias TimestampMs = Int64

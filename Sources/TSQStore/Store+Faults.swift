import Synchronization
import TSQBase
import TSQIO

/// Why a store takes no more samples.
enum WriteStop: Sendable, Equatable {
    case closed
    /// What was acknowledged may not be durable, or not be in the log as it is in memory: a
    /// checkpoint puts that right.
    case unsafeLog
    /// The reserve was given up, and there is no room to make it again.
    case noSpace
}

extension Store {
    private var reservePath: String { Path.join(directory, "reserve") }

    /// Refuses commits from here on, for the first reason given; that the log is unsafe counts before
    /// that there is no room: room alone does not put that right.
    func stopWrites(_ stop: WriteStop, _ reason: String) {
        let isNew = core.withLock { core in
            // A closed store stays closed.
            let isGraver = stop == .closed || stop == .unsafeLog && core.stop == .noSpace
            if core.refusal != nil && !isGraver { return false }
            core.refusal = reason
            core.stop = stop
            return true
        }
        if isNew && stop != .closed {
            events.log(.error, "no more samples are taken", [("reason", reason)])
        }
    }

    private func resumeWrites(_ stop: WriteStop) {
        let wasStopped = core.withLock { core in
            guard core.stop == stop else { return false }
            core.stop = nil
            core.refusal = nil
            core.writeFault = nil
            return true
        }
        if wasStopped { events.log(.info, "samples are taken again", []) }
    }

    /// Why commits are refused or failed last; nil while they are taken.
    package var readOnlyReason: String? { core.withLock { $0.refusal ?? $0.writeFault } }

    /// Runs what must be able to end on a full disk: when there is no room it gives up the reserve
    /// and tries again, once.
    ///
    /// - Parameter always: called after each try.
    func withReserve<Result>(
        _ body: () throws(StoreError) -> Result, always: () -> Void = {}
    ) throws(StoreError) -> Result {
        do throws(StoreError) {
            defer { always() }
            return try body()
        } catch {
            guard case .noSpace(let reason) = error, giveUpReserve(reason) else { throw error }
        }
        defer { always() }
        return try body()
    }

    /// Removes the reserve; false when there is none.
    private func giveUpReserve(_ reason: String) -> Bool {
        guard options.reserveBytes > 0, fileSystem.exists(reservePath),
            (try? fileSystem.remove(reservePath)) != nil
        else { return false }
        stopWrites(.noSpace, "the disk is full: \(reason)")
        return true
    }

    /// Makes the reserve where it is missing.
    ///
    /// - Returns: whether it is there (or none is wanted).
    func makeReserve() -> Bool {
        if options.reserveBytes == 0 { return true }
        let bytes = reserveBytesWanted
        let isThere = fileSystem.exists(reservePath)
        if isThere && reserveBytesMade.load(ordering: .relaxed) >= bytes / 2 { return true }
        do throws(IOError) {
            if isThere {
                let made = try fileSystem.byteCount(reservePath)
                reserveBytesMade.store(made, ordering: .relaxed)
                if made >= bytes / 2 { return true }
            }
            // Half as much again: room that is full at once would be no room.
            let wanted = bytes + bytes / 2
            let free = try fileSystem.freeBytes(directory)
            if free < wanted {
                if isThere { return true }
                stopWrites(
                    .noSpace,
                    "the disk is full: \(free) bytes are free, \(wanted) are needed to go on")
                return false
            }
            try writeReserve(bytes)
            reserveBytesMade.store(bytes, ordering: .relaxed)
            return true
        } catch {
            try? fileSystem.remove(reservePath + ".tmp")
            if isThere { return true }
            stopWrites(.noSpace, "the disk is full: \(error.message)")
            return false
        }
    }

    /// A small store has a small reserve.
    private var reserveBytesWanted: UInt64 {
        let blockBytes = core.withLock { $0.blocks.reduce(0) { $0 + $1.entry.byteCount } }
        return min(options.reserveBytes, max(Self.reserveBytesMin, blockBytes / 16))
    }

    private static let reserveBytesMin: UInt64 = 256 << 10

    private func writeReserve(_ bytes: UInt64) throws(IOError) {
        let temporary = reservePath + ".tmp"
        let file = try fileSystem.open(temporary, .create)
        defer { file.close() }
        var left = Int(clamping: bytes)
        let zeros = [UInt8](repeating: 0, count: min(left, 1 << 20))
        while left > 0 {
            // Written, not only made long: its blocks must be its own.
            let count = min(left, zeros.count)
            try file.append(zeros.span.extracting(0..<count))
            left -= count
        }
        try file.sync()
        try fileSystem.rename(temporary, to: reservePath)
        try fileSystem.syncDirectory(directory)
    }

    /// Looks whether what stopped commits is over.
    func recover() {
        let (stop, fault) = core.withLock { ($0.stop, $0.writeFault) }
        switch stop {
        case .closed: return
        case .unsafeLog: recoverLog()
        case .noSpace: if makeReserve() { resumeWrites(.noSpace) }
        case nil:
            if makeReserve(), fault != nil, let free = try? fileSystem.freeBytes(directory),
                free > Self.freeBytesMin
            {
                core.withLock { $0.writeFault = nil }
            }
        }
    }

    /// With less than this free, a commit that failed is expected to fail again.
    private static let freeBytesMin: UInt64 = 1 << 20

    /// Begins a new segment, and puts all that the log has into blocks: then nothing depends on what
    /// became of the old segment.
    private func recoverLog() {
        do throws(IOError) {
            try log.abandonSegment()
        } catch {
            return
        }
        do throws(StoreError) {
            try checkpoint(replacesLog: true)
            resumeWrites(.unsafeLog)
        } catch {
            events.log(.error, "the log cannot be replaced", [("error", error.message)])
        }
    }
}

extension StoreCore {
    /// Notes that a commit could not be written; the next one tries again.
    mutating func noteWriteFault(_ error: IOError, _ events: any EventSink) -> String {
        let what = error.isNoSpace ? "the disk is full" : "the log cannot be written"
        let reason = "\(what): \(error.message)"
        if writeFault == nil {
            events.log(.error, "commits fail", [("reason", reason)])
        }
        writeFault = reason
        return reason
    }

    /// Notes that a commit was written.
    mutating func noteWritten(_ events: any EventSink) {
        if writeFault == nil { return }
        writeFault = nil
        events.log(.info, "commits are taken again", [])
    }
}

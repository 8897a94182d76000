import Glibc
import TSQEngine

func hash(_ result: QueryResult) -> UInt64 {
    var hasher: UInt64 = 0xCBF2_9CE4_8422_2325
    switch result.value {
    case .vector(let series), .matrix(let series):
        for value in series.values {
            hasher = (hasher ^ value.bitPattern) &* 0x100_0000_01B3
        }
    case .scalar(_, let value): hasher ^= value.bitPattern
    case .string: break
    }
    return hasher
}

/// What all threads of this process have used, in ms.
func processorMs() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

func median(_ values: [Double]) -> Double {
    (values.sorted()[values.count / 2] * 100).rounded() / 100
}

/// The processor's time of `body`, in ms.
func processor(_ body: () throws -> Void) rethrows -> Double {
    let startMs = processorMs()
    try body()
    return processorMs() - startMs
}

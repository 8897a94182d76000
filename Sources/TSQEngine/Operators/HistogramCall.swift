import TSQBase
import TSQModel
import TSQPromQL

/// `histogram_quantile`, `histogram_quantiles`, `histogram_fraction`: classic buckets are gathered
/// by their labels without `le`, native histograms stand alone.
final class HistogramCall: UnaryOperator {
    enum Kind {
        /// One parameter: φ.
        case quantile
        /// Any number of parameters; the label tells their values apart.
        case quantiles(label: String)
        /// Two parameters: lower and upper bound.
        case fraction
    }

    private let kind: Kind
    private var parameters: Parameters
    private let ranges: HistogramCallRanges
    private var context: KernelContext
    private var names: SeriesNames
    private var buckets = BucketTable()
    private var rows = RowStore()
    private var store = BucketRows()
    private var tile = Tile(0, 0)
    private var variants = [Variant(parameter: 0, phi: nil)]
    /// The parameters at each step of the tile.
    private var values: [[Double]] = []
    /// Those of `quantiles` at each step of the query: their values name the series.
    private var allValues: [[Double]] = []
    /// Variant and turn of the next row: `variant * seriesPerVariant + turn`.
    ///
    /// - Source: Prometheus promql/functions.go `funcHistogramQuantile`, for the order.
    private var position: Int?

    /// What each histogram is asked for.
    private struct Variant {
        var parameter: Int
        /// The answer is for steps at which the parameter has this value; nil: for all.
        var phi: Double?

        func applies(_ value: Double) -> Bool {
            guard let phi else { return true }
            return phi == value || phi.isNaN && value.isNaN
        }
    }

    init(
        _ child: Operator, _ kind: Kind, parameters: [Operator], ranges: HistogramCallRanges,
        context: KernelContext
    ) {
        self.kind = kind
        self.parameters = Parameters(parameters)
        self.ranges = ranges
        self.context = context
        names = SeriesNames(child.query)
        super.init(child)
    }

    private var seriesPerVariant: Int { buckets.groupCount + child.series.count }

    override func open() throws(QueryError) {
        try parameters.prepare()
        try child.prepare()
        names.labels = child.series.labels
        buckets = try BucketTable(child.series, query)
        var label: SymbolID?
        if case .quantiles(let name) = kind {
            label = query.symbols.intern(name)
            try readParameters()
        }
        let delayed = query.options.delayedNameRemoval
        func add(_ pairs: ArraySlice<LabelPair>, _ phi: SymbolID?) {
            var labels = delayed ? Array(pairs) : query.withoutReserved(pairs)
            if let label, let phi { labels = query.setting(label, to: phi, in: labels[...]) }
            series.append(labels, dropsName: delayed)
        }
        for variant in variants {
            let phi = variant.phi.map { query.symbols.intern(OpenMetricsNumber.text($0)) }
            for group in 0..<buckets.groupCount { add(buckets.labels[group], phi) }
            for index in 0..<child.series.count { add(child.series.labels[index], phi) }
        }
    }

    /// Works out the parameters of `quantiles` at all steps, and from them the variants.
    private func readParameters() throws(QueryError) {
        let count = parameters.values.count
        try query.budget.memory.hold(
            Int64(count * steps.count * 8), for: query.text(of: self))
        let held = query.budget.samples
        allValues = [[Double]](repeating: [], count: count)
        for tile in TilePlan(child).tiles {
            try parameters.begin(tile)
            for index in 0..<count { allValues[index] += parameters.values[index] }
        }
        query.budget.forget(downTo: held)
        variants = []
        for (parameter, values) in allValues.enumerated() {
            var known: Set<UInt64> = []
            var last: Double?
            for value in values where value != last {
                last = value
                // 0 and −0 are one φ, and so are all NaNs.
                let phi = value == 0 ? 0 : value.isNaN ? .nan : value
                if known.insert(phi.bitPattern).inserted {
                    variants.append(Variant(parameter: parameter, phi: phi))
                }
            }
        }
        let more = max(0, variants.count - count) * seriesPerVariant
        try query.budget.memory.hold(
            Int64(more * Self.bytesPerNamedSeries), for: query.text(of: self))
    }

    /// What a series costs that there is only because φ varies, at least.
    private static let bytesPerNamedSeries = 64

    override func start(_ tile: Tile) throws(QueryError) {
        self.tile = tile
        if allValues.isEmpty {
            try parameters.begin(tile)
            values = parameters.values
        } else {
            values = allValues.map { Array($0[tile.first..<(tile.first + tile.count)]) }
        }
        if case .fraction = kind {
        } else {
            for (index, values) in values.enumerated() {
                for value in values where value.isNaN || value < 0 || value > 1 {
                    query.warnOfQuantile(value, ranges.parameters[index])
                }
            }
        }
        context.steps = stepRange(tile)
        try child.begin(tile)
        rows.removeAll()
        store.begin(groups: buckets.groupCount, series: child.series.count)
        position = nil
    }

    override func next(into row: inout StepRow) throws(QueryError) -> Int? {
        if position == nil {
            let held = query.budget.samples
            while let index = try child.next(into: &row) {
                try holdHistograms(of: row)
                takeIn(&row, index)
            }
            dropConflicts()
            position = 0
            // A parameter has one value a step, however many variants it has.
            let answers = allValues.isEmpty ? 1 : allValues.count
            try query.budget.release(
                downTo: held, keeping: seriesPerVariant * answers * tile.count)
        }
        while let place = position, place < series.count {
            position = place + 1
            let (variant, turn) = place.quotientAndRemainder(dividingBy: seriesPerVariant)
            // Native histograms come first.
            let natives = child.series.count
            let output = turn < natives ? buckets.groupCount + turn : turn - natives
            row.reset(stepCount: tile.count)
            if output < buckets.groupCount {
                if store.members[output].isEmpty { continue }
                fillClassic(output, variants[variant], &row)
            } else {
                let index = output - buckets.groupCount
                guard let source = store.nativeRow[index] else { continue }
                // Removed at once, the name is gone by now.
                if query.options.delayedNameRemoval { names.describe(index, query, &context) }
                fillNative(source, variants[variant], &row)
            }
            return variant * seriesPerVariant + output
        }
        query.take(&context)
        return nil
    }

    private func takeIn(_ row: inout StepRow, _ index: Int) {
        var hasFloat = false
        var hasHistogram = false
        for tag in row.tags {
            if tag == StepRow.Tag.float { hasFloat = true }
            if tag == StepRow.Tag.histogram { hasHistogram = true }
        }
        if hasFloat && buckets.group(index) == nil { warnOfBucket(index) }
        if !hasHistogram && (!hasFloat || buckets.group(index) == nil) { return }
        let place = rows.append(&row)
        if hasFloat, let group = buckets.group(index) {
            store.members[group].append((buckets.upperBound(index), place))
        }
        if hasHistogram { store.nativeRow[index] = place }
    }

    private func warnOfBucket(_ index: Int) {
        let value = query.text(child.series.labels.value(index, of: query.bucketSymbol))
        query.annotations.warn(
            "bucket label \"le\" is missing or has a malformed value of \(GoQuote.quoted(value))"
                + nameClause(child.series.labels[index]), ranges.vector)
    }

    /// Prometheus knows the name only where it is removed late.
    private func nameClause(_ pairs: ArraySlice<LabelPair>) -> String {
        let name = query.text(pairs.first { $0.name == query.nameSymbol }?.value)
        if !query.options.delayedNameRemoval || name.isEmpty { return "" }
        return " for metric name \(GoQuote.quoted(name))"
    }

    /// Classic buckets and a native histogram with the same labels at the same step: neither counts.
    private func dropConflicts() {
        for index in 0..<child.series.count {
            guard let place = store.nativeRow[index], let group = buckets.sameLabels(index),
                !store.members[group].isEmpty
            else { continue }
            for step in 0..<tile.count
            where rows[place].tags[step] == StepRow.Tag.histogram
                && store.members[group].contains(where: {
                    rows[$0.row].tags[step] == StepRow.Tag.float
                })
            {
                rows[place].setAbsent(step)
                for member in store.members[group]
                where rows[member.row].tags[step] == StepRow.Tag.float {
                    rows[member.row].setAbsent(step)
                }
                query.annotations.warn(
                    "vector contains a mix of classic and native histograms"
                        + nameClause(child.series.labels[index]), ranges.vector)
            }
        }
    }

    private func fillClassic(_ group: Int, _ variant: Variant, _ row: inout StepRow) {
        var gathered: [ClassicBucket] = []
        let phi = values[variant.parameter]
        for step in 0..<tile.count where variant.applies(phi[step]) {
            gathered.removeAll(keepingCapacity: true)
            for (bound, place) in store.members[group]
            where rows[place].tags[step] == StepRow.Tag.float {
                gathered.append(ClassicBucket(upperBound: bound, count: rows[place].values[step]))
            }
            if gathered.isEmpty { continue }
            if case .fraction = kind {
                row.setFloat(
                    step, ClassicHistogram.fraction(values[0][step], values[1][step], &gathered))
                continue
            }
            let answer = ClassicHistogram.quantile(phi[step], &gathered)
            row.setFloat(step, answer.value)
            if let repair = answer.repair {
                query.annotations.inform(
                    "input to histogram_quantile needed to be fixed for monotonicity (see "
                        + "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                        + "#histogram_quantile)" + nameClause(buckets.labels[group]),
                    ranges.repaired, repair: repair, timeMs: steps.timeMs(tile.first + step))
            }
        }
    }

    private func fillNative(_ place: Int, _ variant: Variant, _ row: inout StepRow) {
        let phi = values[variant.parameter]
        for step in 0..<tile.count
        where rows[place].tags[step] == StepRow.Tag.histogram && variant.applies(phi[step]) {
            guard let histogram = rows[place].histograms[step] else { continue }
            if case .fraction = kind {
                row.setFloat(
                    step,
                    NativeHistogram.fraction(
                        values[0][step], values[1][step], histogram, &context))
            } else {
                row.setFloat(step, NativeHistogram.quantile(phi[step], histogram, &context))
            }
        }
    }

    override var inputs: [any PlanPart] { parameters.operators + [child] }

    override func ownBytes(stepCount: Int) -> Int {
        child.series.count * stepCount * Self.bytesPerStep
    }

    override func tableBytes() -> Int { series.byteCount + buckets.byteCount }
}

/// Where the arguments stand in the text.
struct HistogramCallRanges {
    var vector: SourceRange
    /// Where Prometheus says that classic buckets were repaired: the second argument, whatever it is.
    var repaired: SourceRange
    var parameters: [SourceRange]
}

/// The classic buckets among the series: which histogram each belongs to.
struct BucketTable {
    private var groupOf: [Int32] = []
    private var bounds: [Double] = []
    /// The group whose labels are those of the series: a native histogram beside classic buckets.
    private var sameLabelsAs: [Int32] = []
    /// Labels of each histogram, without `le`.
    private(set) var labels = SeriesLabels()
    private(set) var groupCount = 0

    init() {}

    init(_ input: OutputSeries, _ query: QueryContext) throws(QueryError) {
        var index = LabelIndex()
        var scratch: [LabelPair] = []
        var parsed: [SymbolID: Double] = [:]
        for series in 0..<input.count {
            try query.check(series)
            guard let value = input.labels.value(series, of: query.bucketSymbol),
                let bound = Self.bound(value, query, &parsed)
            else {
                groupOf.append(-1)
                bounds.append(.nan)
                continue
            }
            scratch.removeAll(keepingCapacity: true)
            for place in input.labels.range(series)
            where input.labels.pairs[place].name != query.bucketSymbol {
                scratch.append(input.labels.pairs[place])
            }
            groupOf.append(Int32(index.insert(scratch).index))
            bounds.append(bound)
        }
        for series in 0..<input.count {
            sameLabelsAs.append(Int32(index.find(input.labels[series]) ?? -1))
        }
        labels = index.labels
        groupCount = index.count
    }

    private static func bound(
        _ value: SymbolID, _ query: QueryContext, _ parsed: inout [SymbolID: Double]
    ) -> Double? {
        if let known = parsed[value] { return known }
        do {
            let bound = try DecimalParse.double(query.symbols.string(value))
            parsed[value] = bound
            return bound
        } catch {
            return nil
        }
    }

    var byteCount: Int { groupOf.count * 16 + labels.byteCount }

    func group(_ series: Int) -> Int? { groupOf[series] < 0 ? nil : Int(groupOf[series]) }
    func upperBound(_ series: Int) -> Double { bounds[series] }
    func sameLabels(_ series: Int) -> Int? {
        sameLabelsAs[series] < 0 ? nil : Int(sameLabelsAs[series])
    }
}

/// The rows of a tile, by histogram.
struct BucketRows {
    var members: [[(upperBound: Double, row: Int)]] = []
    var nativeRow: [Int?] = []

    mutating func begin(groups: Int, series: Int) {
        if members.count != groups { members = [[(Double, Int)]](repeating: [], count: groups) }
        for index in members.indices { members[index].removeAll(keepingCapacity: true) }
        nativeRow = [Int?](repeating: nil, count: series)
    }
}

/// How OpenMetrics spells a number: with a decimal point.
enum OpenMetricsNumber {
    static func text(_ value: Double) -> String {
        let text = DecimalPrint.string(value, .general)
        if !value.isFinite || text.utf8.contains(where: { $0 == 0x2E || $0 == 0x65 }) {
            return text
        }
        return text + ".0"
    }
}

extension QueryContext {
    func warnOfQuantile(_ phi: Double, _ range: SourceRange) {
        annotations.warn(
            "quantile value should be between 0 and 1, got \(DecimalPrint.string(phi, .general))",
            range)
    }
}

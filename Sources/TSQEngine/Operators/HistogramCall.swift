import TSQBase
import TSQModel
import TSQPromQL

/// `histogram_quantile`, `histogram_quantiles`, `histogram_fraction`: classic buckets are gathered
/// by their labels without `le`, native histograms stand alone.
final class HistogramCall: UnaryOperator {
    enum Kind {
        /// One parameter: φ.
        case quantile
        /// Any number of parameters; the label tells them apart.
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
    /// Quantile and output series of the next row: `quantile * seriesPerQuantile + series`.
    private var position: Int?

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

    /// How often each histogram is answered.
    private var variantCount: Int {
        if case .quantiles = kind { return parameters.values.count }
        return 1
    }

    private var seriesPerVariant: Int { buckets.groupCount + child.series.count }

    override func prepare() throws(QueryError) {
        try parameters.prepare()
        try child.prepare()
        buckets = BucketTable(child.series, query)
        let delayed = query.options.delayedNameRemoval
        func add(_ pairs: ArraySlice<LabelPair>, variant: Int) {
            var labels = delayed ? Array(pairs) : query.withoutReserved(pairs)
            if case .quantiles(let label) = kind {
                labels = query.setting(
                    query.symbols.intern(label), to: quantileText(variant), in: labels[...])
            }
            series.append(labels, dropsName: delayed)
        }
        for variant in 0..<variantCount {
            for group in 0..<buckets.groupCount { add(buckets.labels[group], variant: variant) }
            for index in 0..<child.series.count {
                add(child.series.labels[index], variant: variant)
            }
        }
    }

    private func quantileText(_ variant: Int) -> SymbolID {
        // The value at the first step names the series: φ that vary would need series of their own
        // at each value.
        let value = firstValues[variant]
        return query.symbols.intern(OpenMetricsNumber.text(value))
    }

    private lazy var firstValues: [Double] = {
        var copy = parameters
        do throws(QueryError) {
            try copy.begin(Tile(0, 1))
        } catch {
            return [Double](repeating: .nan, count: variantCount)
        }
        return copy.values.map { $0.first ?? .nan }
    }()

    override func begin(_ tile: Tile) throws(QueryError) {
        self.tile = tile
        try parameters.begin(tile)
        if case .fraction = kind {
        } else {
            for (index, values) in parameters.values.enumerated() {
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
            while let index = try child.next(into: &row) { takeIn(&row, index) }
            dropConflicts()
            position = 0
            try query.budget.release(downTo: held, keeping: series.count * tile.count)
        }
        while let place = position, place < series.count {
            position = place + 1
            let (variant, output) = place.quotientAndRemainder(dividingBy: seriesPerVariant)
            row.reset(stepCount: tile.count)
            if output < buckets.groupCount {
                if store.members[output].isEmpty { continue }
                fillClassic(output, variant, &row)
            } else {
                let index = output - buckets.groupCount
                guard let source = store.nativeRow[index] else { continue }
                names.describe(child.series.labels, index, query, &context)
                fillNative(source, variant, &row)
            }
            return place
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

    private func fillClassic(_ group: Int, _ variant: Int, _ row: inout StepRow) {
        var gathered: [ClassicBucket] = []
        for step in 0..<tile.count {
            gathered.removeAll(keepingCapacity: true)
            for (bound, place) in store.members[group]
            where rows[place].tags[step] == StepRow.Tag.float {
                gathered.append(ClassicBucket(upperBound: bound, count: rows[place].values[step]))
            }
            if gathered.isEmpty { continue }
            if case .fraction = kind {
                row.setFloat(
                    step,
                    ClassicHistogram.fraction(
                        parameters.values[0][step], parameters.values[1][step], &gathered))
                continue
            }
            let answer = ClassicHistogram.quantile(parameters.values[variant][step], &gathered)
            row.setFloat(step, answer.value)
            if let repair = answer.repair {
                query.annotations.inform(
                    "input to histogram_quantile needed to be fixed for monotonicity (see "
                        + "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                        + "#histogram_quantile)" + nameClause(buckets.labels[group]),
                    ranges.vector, repair: repair, timeMs: steps.timeMs(tile.first + step))
            }
        }
    }

    private func fillNative(_ place: Int, _ variant: Int, _ row: inout StepRow) {
        for step in 0..<tile.count where rows[place].tags[step] == StepRow.Tag.histogram {
            guard let histogram = rows[place].histograms[step] else { continue }
            if case .fraction = kind {
                row.setFloat(
                    step,
                    NativeHistogram.fraction(
                        parameters.values[0][step], parameters.values[1][step], histogram,
                        &context))
            } else {
                row.setFloat(
                    step,
                    NativeHistogram.quantile(parameters.values[variant][step], histogram, &context))
            }
        }
    }

    override func bytesHeld(stepCount: Int) -> Int {
        child.bytesHeld(stepCount: stepCount)
            + child.series.count * stepCount * Self.bytesPerStep
    }
}

/// Where the arguments stand in the text.
struct HistogramCallRanges {
    var vector: SourceRange
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

    init(_ input: OutputSeries, _ query: QueryContext) {
        var index = LabelIndex()
        var scratch: [LabelPair] = []
        var parsed: [SymbolID: Double] = [:]
        for series in 0..<input.count {
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

import TSQBase
import TSQModel

extension QueryContext {
    /// `__name__`, `__type__`, `__unit__`: what goes when a value no longer is the metric's.
    func isReserved(_ name: SymbolID) -> Bool {
        name == nameSymbol || name == typeSymbol || name == unitSymbol
    }

    func withoutReserved(_ pairs: ArraySlice<LabelPair>) -> [LabelPair] {
        pairs.filter { !isReserved($0.name) }
    }

    /// The series of an operator whose values are no longer the metric's.
    ///
    /// - Parameter keepsType: `__type__` and `__unit__` stay, unless names are removed late.
    func droppingName(_ input: OutputSeries, keepsType: Bool = false) -> OutputSeries {
        if options.delayedNameRemoval {
            var output = input
            output.dropsName = [Bool](repeating: true, count: input.count)
            return output
        }
        let (second, third) = keepsType ? (nameSymbol, nameSymbol) : (typeSymbol, unitSymbol)
        var output = OutputSeries()
        let (labels, isAlike) = input.labels.without(nameSymbol, second, third)
        output.labels = labels
        // What all had in common told none of them apart.
        output.isDistinct = input.isDistinct && isAlike
        return output
    }

    /// `pairs` with `name` set to `value`, or without it where `value` is empty.
    func setting(
        _ name: SymbolID, to value: SymbolID, in pairs: ArraySlice<LabelPair>
    ) -> [LabelPair] {
        var result = pairs.filter { $0.name != name }
        if value == emptySymbol { return result }
        let place = result.firstIndex { symbols.isLess(name, $0.name) } ?? result.count
        result.insert(LabelPair(name: name, value: value), at: place)
        return result
    }

    func text(_ symbol: SymbolID?) -> String { symbol.map { symbols.string($0) } ?? "" }

    /// As Prometheus prints a series in an error: `name{a="b"}`.
    func describe(_ pairs: some Sequence<LabelPair>) -> String {
        LabelSet(
            sorted: pairs.map { Label(symbols.string($0.name), symbols.string($0.value)) }
        ).description
    }

    /// Label order: names and values bytewise, pair by pair; a prefix comes first.
    func isOrderedBefore(_ a: ArraySlice<LabelPair>, _ b: ArraySlice<LabelPair>) -> Bool {
        var i = a.startIndex
        var j = b.startIndex
        while i < a.endIndex && j < b.endIndex {
            if a[i].name != b[j].name { return symbols.isLess(a[i].name, b[j].name) }
            if a[i].value != b[j].value { return symbols.isLess(a[i].value, b[j].value) }
            i += 1
            j += 1
        }
        return a.count < b.count
    }
}

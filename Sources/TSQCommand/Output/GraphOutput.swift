import TSQBase
import TSQHTTP

/// Draws series over time with braille dots: two columns and four rows of dots a character.
struct GraphOutput {
    /// More than this do not show apart; the rest is only counted.
    static let seriesShownMax = 12
    private static let colours = [36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91]

    let columns: Int
    let rows: Int
    /// Off where the output is no terminal.
    var usesColour = StandardOutput.isTerminal

    func render(_ answer: QueryAnswer) -> String {
        let series = answer.series.prefix(Self.seriesShownMax)
        let points = series.flatMap(\.points)
        let finite = points.compactMap(\.value).filter(\.isFinite)
        guard let startMs = points.map(\.timeMs).min(), let endMs = points.map(\.timeMs).max(),
            var low = finite.min(), var high = finite.max()
        else { return "no data\n" }
        if low == high {
            low -= 1
            high += 1
        }
        let labels = (0..<rows).map { row in
            Self.axisText(high - (high - low) * Double(row) / Double(max(1, rows - 1)))
        }
        let labelWidth = labels.map(\.count).max() ?? 0
        let width = max(10, columns - labelWidth - 3)
        var canvas = Canvas(columns: width, rows: rows)
        for (index, one) in series.enumerated() {
            draw(one.points, index, (startMs, endMs, low, high), &canvas)
        }
        var text = ""
        for row in 0..<rows {
            // A label every fourth line, and on the last.
            let label = row % 4 == 0 || row == rows - 1 ? labels[row] : ""
            text += String(repeating: " ", count: labelWidth - label.count) + label + " ┤"
            text += canvas.line(row) { colour($1, $0) } + "\n"
        }
        text += timeAxis(startMs, endMs, labelWidth, width)
        for (index, one) in series.enumerated() {
            let last = one.points.last.map { "  " + $0.text } ?? ""
            text += colour(index, "●") + " " + one.labels.seriesText + last + "\n"
        }
        if answer.series.count > series.count {
            text += "… and \(answer.series.count - series.count) more series\n"
        }
        return text
    }

    private func draw(
        _ points: [QueryAnswer.Point], _ index: Int,
        _ frame: (startMs: Int64, endMs: Int64, low: Double, high: Double), _ canvas: inout Canvas
    ) {
        let spanMs = Double(max(1, frame.endMs - frame.startMs))
        var last: (x: Int, y: Int, timeMs: Int64)?
        // A gap is more than one step without a value; the shortest distance is the step.
        let stepMs = zip(points, points.dropFirst()).map { $1.timeMs - $0.timeMs }.min() ?? 0
        for point in points {
            guard let value = point.value, value.isFinite else {
                last = nil
                continue
            }
            let across = Double(point.timeMs - frame.startMs) / spanMs
            let up = (value - frame.low) / (frame.high - frame.low)
            let x = GoNumber.int((across * Double(canvas.dotColumns - 1)).rounded())
            let y = GoNumber.int(((1 - up) * Double(canvas.dotRows - 1)).rounded())
            if let last, point.timeMs - last.timeMs <= stepMs * 3 / 2 {
                canvas.line(from: (last.x, last.y), to: (x, y), colour: index)
            } else {
                canvas.dot(x, y, colour: index)
            }
            last = (x, y, point.timeMs)
        }
    }

    private func timeAxis(
        _ startMs: Int64, _ endMs: Int64, _ labelWidth: Int, _ width: Int
    ) -> String {
        let indent = String(repeating: " ", count: labelWidth + 2)
        let start = RFC3339.format(ms: startMs / 1000 * 1000)
        let end = RFC3339.format(ms: endMs / 1000 * 1000)
        let gap = max(1, width - start.count - end.count)
        return String(repeating: " ", count: labelWidth + 1) + "└"
            + String(repeating: "─", count: width) + "\n" + indent + start
            + String(repeating: " ", count: gap) + end + "\n"
    }

    private func colour(_ index: Int, _ text: String) -> String {
        guard usesColour else { return text }
        return "\u{1B}[\(Self.colours[index % Self.colours.count])m\(text)\u{1B}[0m"
    }

    /// Four digits are enough to read a height.
    static func axisText(_ value: Double) -> String {
        for (limit, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")]
        where value.magnitude >= limit {
            return rounded(value / (unit == "k" ? 1e3 : limit)) + unit
        }
        return rounded(value)
    }

    private static func rounded(_ value: Double) -> String {
        if value == 0 { return "0" }
        var scale = 1.0
        var magnitude = value.magnitude
        while magnitude < 1000 && scale < 1e12 {
            magnitude *= 10
            scale *= 10
        }
        return DecimalPrint.string((value * scale).rounded() / scale, .json)
    }
}

/// A field of braille dots with one colour a character.
struct Canvas {
    let columns: Int
    let rows: Int
    private var cells: [UInt8]
    private var colours: [Int]
    /// Bits of a braille character by row and column of the dot.
    private static let bits: [[UInt8]] = [
        [0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80],
    ]

    var dotColumns: Int { columns * 2 }
    var dotRows: Int { rows * 4 }

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
        cells = [UInt8](repeating: 0, count: columns * rows)
        colours = [Int](repeating: 0, count: columns * rows)
    }

    mutating func dot(_ x: Int, _ y: Int, colour: Int) {
        guard (0..<dotColumns).contains(x), (0..<dotRows).contains(y) else { return }
        let cell = y / 4 * columns + x / 2
        cells[cell] |= Self.bits[y % 4][x % 2]
        colours[cell] = colour
    }

    mutating func line(from a: (x: Int, y: Int), to b: (x: Int, y: Int), colour: Int) {
        let steps = max(abs(b.x - a.x), abs(b.y - a.y))
        for step in 0...max(1, steps) {
            let part = Double(step) / Double(max(1, steps))
            dot(
                a.x + GoNumber.int((Double(b.x - a.x) * part).rounded()),
                a.y + GoNumber.int((Double(b.y - a.y) * part).rounded()), colour: colour)
        }
    }

    /// One line of characters; `paint` gets runs of one colour.
    func line(_ row: Int, paint: (String, Int) -> String) -> String {
        var text = ""
        var run = ""
        var runColour: Int?
        for cell in (row * columns)..<((row + 1) * columns) {
            let colour: Int? = cells[cell] == 0 ? nil : colours[cell]
            if colour != runColour {
                text += runColour.map { paint(run, $0) } ?? run
                run = ""
                runColour = colour
            }
            run +=
                cells[cell] == 0 ? " " : String(UnicodeScalar(0x2800 + UInt32(cells[cell])) ?? " ")
        }
        return text + (runColour.map { paint(run, $0) } ?? run)
    }
}

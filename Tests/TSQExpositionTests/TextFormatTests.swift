import Foundation
import TSQBase
import TSQExposition
import Testing

@Suite struct TextFormatTests {
    @Test("names, labels, escapes, numbers and times are read as Prometheus reads them")
    func samples() throws {
        let page = try read(
            #"""
            # A comment
            #HELP none of this counts
            # HELP up Whether it is \\ up.\nSecond line with "quotes"

            # TYPE up gauge
            up 1
            up{} 2
            up{job="a",instance="b:1",} 3 1520879607789
              spaced   { a = "x" , b="y" c="z" }	4   12
            escapes{v="back\\slash \"quote\" new\nline tab\t"} +Inf
            no_space{a="b"}-2.5e-3
            numbers -Inf
            numbers{n="1"} NaN
            numbers{n="2"} 0x
            """#.replacingOccurrences(of: "\nnumbers{n=\"2\"} 0x", with: ""))
        let nan = Double(bitPattern: StaleMarker.ordinaryNaNBits)
        #expect(
            page.samples == [
                ReadSample(#"{__name__="up"}"#, 1),
                ReadSample(#"{__name__="up"}"#, 2),
                ReadSample(#"{__name__="up", instance="b:1", job="a"}"#, 3, 1_520_879_607_789),
                ReadSample(#"{__name__="spaced", a="x", b="y", c="z"}"#, 4, 12),
                ReadSample(
                    #"{__name__="escapes", v="back\\slash \"quote\" new\nline tab\\t"}"#, .infinity),
                ReadSample(#"{__name__="no_space", a="b"}"#, -0.0025),
                ReadSample(#"{__name__="numbers"}"#, -.infinity),
                ReadSample(#"{__name__="numbers", n="1"}"#, nan),
            ])
        #expect(
            page.metadata == [
                "HELP up=Whether it is \\ up.\nSecond line with \"quotes\"", "TYPE up=gauge",
            ])
    }

    @Test("names in quotes may be any UTF-8")
    func quotedNames() throws {
        let page = try read(
            """
            # HELP "http.status:sum" text
            # TYPE "http.status:sum" counter
            {"http.status:sum",method="GET","path with space"="/ü"} 8
            {"only"} 1
            {"esc\\"aped"} 2

            """)
        #expect(
            page.samples.map(\.labels) == [
                #"{__name__="http.status:sum", method="GET", "path with space"="/ü"}"#,
                #"{__name__="only"}"#, #"{__name__="esc\"aped"}"#,
            ])
        #expect(page.metadata.last == "TYPE http.status:sum=counter")
    }

    @Test("bounds and quantiles become floats, in their families only")
    func floatLabels() throws {
        let page = try read(
            """
            # TYPE h histogram
            h_bucket{le="1"} 1
            h_bucket{le="0.50"} 1
            h_bucket{le="+Inf"} 1
            h_bucket{le="1e6"} 1
            h_bucket{le="other"} 1
            # TYPE s summary
            s{quantile="1"} 1
            s{le="1"} 1
            # TYPE g gauge
            g{le="1"} 1

            """)
        #expect(
            page.samples.map(\.labels) == [
                #"{__name__="h_bucket", le="1.0"}"#, #"{__name__="h_bucket", le="0.5"}"#,
                #"{__name__="h_bucket", le="+Inf"}"#, #"{__name__="h_bucket", le="1e+06"}"#,
                #"{__name__="h_bucket", le="other"}"#, #"{__name__="s", quantile="1.0"}"#,
                #"{__name__="s", le="1"}"#, #"{__name__="g", le="1"}"#,
            ])
    }

    @Test(
        "what is wrong is named with its line and column",
        arguments: [
            ("a 1\nb{x} 2\n", 2, 4, "expected equal"),
            ("a 1\r\n", 1, 3, "strconv.ParseFloat: parsing \"1\\r\": invalid syntax"),
            ("a\n", 1, 2, "expected value after metric"),
            ("a{b='c'} 1\n", 1, 5, "expected label value"),
            ("a{b=\"c} 1\n", 1, 5, "expected label value"),
            ("a{b=\"c\" 1\n", 1, 9, "expected label name"),
            ("a{,b=\"c\"} 1\n", 1, 3, "expected label name"),
            ("a 1 2 3\n", 1, 7, "expected next entry after timestamp"),
            ("a 1 x\n", 1, 5, "expected timestamp or new record"),
            ("a 0x10p1\n", 1, 3, "invalid syntax"),
            ("a 1_000\n", 1, 3, "invalid syntax"),
            ("a 1e999\n", 1, 3, "value out of range"),
            ("a 1 99999999999999999999\n", 1, 5, "timestamp out of range"),
            ("# TYPE a unknown\n", 1, 10, "invalid metric type \"unknown\""),
            ("# TYPE a  gauge\n", 1, 10, "invalid metric type \" gauge\""),
            ("# HELP 1a text\n", 1, 8, "expected metric name after HELP"),
            ("1a 1\n", 1, 1, "expected a valid start token"),
            ("{a=\"b\"} 1\n", 1, 1, "metric name not set"),
            ("{\"a\",\"b\"} 1\n", 1, 6, "metric name already set"),
            ("a{\"b\"} 1\n", 1, 3, "metric name already set"),
        ])
    func errors(text: String, line: Int, column: Int, message: String) {
        let error = #expect(throws: ExpositionError.self) { try read(text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test("text that is not UTF-8 is refused")
    func invalidUTF8() {
        for text in ["a{b=\"?\"} 1\n", "# HELP a ?\n", "{\"?\"} 1\n"] {
            let bytes = text.utf8.map { $0 == 0x3F ? 0xFF : $0 }
            #expect(throws: ExpositionError.self) { try read(bytes) }
        }
    }

    @Test("a last line without a newline counts")
    func lastLine() throws {
        #expect(try read("a 1\nb 2").samples.count == 2)
        #expect(try read("a 1\n# TYPE b gauge").metadata == ["TYPE b=gauge"])
        #expect(try read("").samples.isEmpty)
    }
}

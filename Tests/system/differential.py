#!/usr/bin/env python3
"""Random expressions over random data, answered by Debian's prometheus and by tsq, compared.

    differential.py [--count 2000] [--seed 1] [--tsq .build/release/tsq] [--port 23400]

Only what did not change between Prometheus 2.42 (Debian's) and 3.14 is asked: no sample lies on the
edge of a window (left-open since 3.0), series have no gaps and reach beyond all windows
(extrapolation, 2.51), histograms are classic and whole, `stddev` sees no NaN or Inf (3.0), `atan2`
is not with scalars (its name was kept). Values may differ by 1e-9 (sums are compensated since 2.54).
Exit code 1 where answers differ; 2 without the programs.
"""
import argparse, json, math, os, random, shutil, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request

START = 1_700_000_000  # of the data, s
LENGTH = 4 * 3600
GAP = 15
SHIFT = 7.123  # samples lie beside the seconds that are asked for


def data(rng):
    """OpenMetrics text of counters, gauges and classic histograms."""
    series = []
    for job in ("api", "web"):
        for instance in "012":
            labels = f'job="{job}",instance="{instance}"'
            total, gauge = rng.randrange(1000), 50.0
            counts = [0] * 5
            rows = {"requests": [], "memory": [], "level": []}
            buckets = [[] for _ in counts]
            for _ in range(LENGTH // GAP):
                total = rng.randrange(5) if rng.random() < 0.01 else total + rng.randrange(20)
                gauge = round(gauge + rng.uniform(-3, 3), 2)
                rows["requests"].append(total)
                rows["memory"].append(gauge)
                rows["level"].append(rng.choice([0, 1, 1, 2, -1]))
                more = 0
                for index in range(5):
                    more += rng.randrange(4)
                    counts[index] += more
                    buckets[index].append(counts[index])
            series.append(("requests_total", "counter", labels, rows["requests"]))
            series.append(("memory", "gauge", labels, rows["memory"]))
            series.append(("level", "gauge", labels, rows["level"]))
            for bound, values in zip(("0.1", "0.5", "1.0", "2.5", "+Inf"), buckets):
                series.append(("latency_bucket", "gauge", labels + f',le="{bound}"', values))
    for job, team in (("api", "x"), ("web", "y")):
        series.append(("owner", "gauge", f'job="{job}",team="{team}"', [1] * (LENGTH // GAP)))
    lines, last = [], None
    for name, kind, labels, values in sorted(series, key=lambda s: s[0]):
        family = name.removesuffix("_total")
        if family != last:
            lines.append(f"# TYPE {family} {kind}")
            last = family
        for step, value in enumerate(values):
            lines.append(f"{name}{{{labels}}} {value} {START + SHIFT + step * GAP:.3f}")
    return "\n".join(lines) + "\n# EOF\n"


class Expressions:
    """Text of an instant vector, of bounded depth."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def labels(self):
        return ", ".join(self.rng.sample(["job", "instance", "le", "team"], self.rng.randrange(3)))

    def selector(self):
        name = self.pick("requests_total", "memory", "level", "latency_bucket", "owner")
        matcher = self.pick(
            "", "", '{job="api"}', '{instance=~"0|1"}', '{instance!="2"}', '{job!~"w.*"}')
        return name + matcher + self.pick("", "", "", " offset 3m", " @ %d" % (START + 7000))

    def matrix(self):
        name = self.pick("requests_total", "memory", "level")
        return f'{name}[{self.pick("1m", "2m", "5m", "10m")}]' + self.pick("", "", " offset 2m")

    def number(self):
        return self.pick("0", "1", "2", "-1", "0.5", "10", "3.7", "time()", "pi()", "Inf", "NaN")

    def vector(self, depth=0):
        kind = self.rng.randrange(8) if depth < 3 else 0
        if kind == 0:
            return self.selector()
        if kind == 1:
            name = self.pick(
                "rate", "increase", "irate", "delta", "idelta", "deriv", "resets", "changes",
                "avg_over_time", "min_over_time", "max_over_time", "sum_over_time",
                "count_over_time", "last_over_time", "stddev_over_time", "stdvar_over_time",
                "present_over_time")
            return f"{name}({self.matrix()})"
        if kind == 2:
            return self.pick(
                f"quantile_over_time({self.pick('0.5', '0', '1', '0.9')}, {self.matrix()})",
                f"predict_linear({self.matrix()}, {self.pick('60', '-30', '3600')})",
                f"max_over_time((rate(requests_total[2m]))[10m:{self.pick('1m', '47s')}])",
                f"histogram_quantile({self.pick('0.5', '0.9', '0.99', '0.1')}, "
                f"sum by (le, job) (rate(latency_bucket[5m])))")
        if kind == 3:
            name = self.pick(
                "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sin", "cos",
                "tan", "asin", "atan", "sinh", "tanh", "asinh", "deg", "rad", "minute", "hour",
                "day_of_week", "day_of_month", "days_in_month", "month", "year", "timestamp",
                "absent")
            return f"{name}({self.vector(depth + 1)})"
        if kind == 4:
            inner = self.vector(depth + 1)
            return self.pick(
                f"clamp({inner}, 1, 20)", f"clamp_min({inner}, 3)", f"clamp_max({inner}, 3)",
                f'label_replace({inner}, "copy", "x$1", "instance", "(.*)")',
                f'label_join({inner}, "both", "-", "job", "instance")',
                f"vector(scalar({inner}))", f"-({inner})")
        if kind == 5:
            name = self.pick(
                "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "quantile")
            parameter = f"{self.pick('0.5', '0.9')}, " if name == "quantile" else ""
            by = self.pick("", f"by ({self.labels()})", f"without ({self.labels()})")
            operand = self.selector() if name.startswith("std") else self.vector(depth + 1)
            return f"{name} {by} ({parameter}{operand})"
        left = self.vector(depth + 1)
        if kind == 6:
            operation = self.pick("+", "-", "*", "/", "%", "^", ">", "<=", "== bool", "!=")
            return f"({left}) {operation} {self.number()}"
        operation = self.pick("+", "*", "/", ">", "== bool", "and", "or", "unless")
        matching = self.pick("", f"on ({self.labels()})", f"ignoring ({self.labels()})")
        if matching and operation not in ("and", "or", "unless"):
            matching += self.pick("", " group_left", " group_right ()")
        return f"({left}) {operation} {matching} ({self.vector(depth + 1)})"


def ask(port, expression, at, is_range):
    parameters = {"query": expression}
    if is_range:
        parameters |= {"start": at, "end": at + 600, "step": 61}
    else:
        parameters["time"] = at
    path = "query_range" if is_range else "query"
    url = f"http://127.0.0.1:{port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def number(text):
    return float(text)


def is_close(a, b):
    a, b = number(a), number(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-6)


def rows(answer):
    result = answer["data"]["result"]
    if answer["data"]["resultType"] in ("scalar", "string"):
        return {(): [result]}
    return {
        tuple(sorted(row["metric"].items())): row.get("values") or [row["value"]]
        for row in result}


def difference(ours, theirs):
    if ours["status"] != theirs["status"]:
        return (f"tsq: {ours.get('error', 'an answer')}, "
                f"prometheus: {theirs.get('error', 'an answer')}")
    if ours["status"] == "error":
        return None
    a, b = rows(ours), rows(theirs)
    if a.keys() != b.keys():
        return f"series: {sorted(a.keys() ^ b.keys())[:3]}"
    for labels, points in a.items():
        if len(points) != len(b[labels]):
            return f"{labels}: {len(points)} points, expected {len(b[labels])}"
        for point, other in zip(points, b[labels]):
            if point[0] != other[0] or not is_close(point[1], other[1]):
                return f"{labels}: {point}, expected {other}"
    return None


def wait_for(port):
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"nothing answers on port {port}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tsq", default=".build/release/tsq")
    parser.add_argument("--port", type=int, default=23400)
    options = parser.parse_args()
    for program in ("prometheus", "promtool", options.tsq):
        if not shutil.which(program):
            print(f"{program} is not here")
            return 2
    rng = random.Random(options.seed)
    directory = tempfile.mkdtemp(prefix="tsq-differential-")
    servers = []
    try:
        page, config = os.path.join(directory, "page.om"), os.path.join(directory, "empty.yml")
        with open(page, "w") as file:
            file.write(data(rng))
        open(config, "w").close()
        theirs, ours = os.path.join(directory, "theirs"), os.path.join(directory, "ours")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", page, theirs],
            check=True, **quiet)
        subprocess.run([options.tsq, "import", page, "--data", ours], check=True, **quiet)
        for program, path, port in (
                ("prometheus", theirs, options.port), (options.tsq, ours, options.port + 1)):
            serve = [] if program == "prometheus" else ["serve"]
            servers.append(subprocess.Popen(
                [program, *serve, f"--config.file={config}", f"--storage.tsdb.path={path}",
                 "--storage.tsdb.retention.time=100y",
                 f"--web.listen-address=127.0.0.1:{port}"], **quiet))
        wait_for(options.port)
        wait_for(options.port + 1)
        expressions, failures, answered = Expressions(rng), 0, 0
        for _ in range(options.count):
            text = expressions.vector()
            at = START + rng.randrange(3600, LENGTH - 1800) + 0.5
            is_range = rng.random() < 0.5
            other = ask(options.port, text, at, is_range)
            text_difference = difference(ask(options.port + 1, text, at, is_range), other)
            answered += other["status"] == "success"
            if text_difference:
                failures += 1
                print(f"{text} {'from' if is_range else 'at'} {at}: {text_difference}")
        print(f"{options.count} expressions, {answered} answered, {failures} differ")
        return 1 if failures else 0
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

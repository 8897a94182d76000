#!/usr/bin/env python3
"""Scrapes the same targets with tsq, Debian's prometheus and Debian's victoria-metrics at once, and
prints CPU, memory, disk, query latencies and the start after SIGKILL side by side.

usage: compare-peers.py --bin DIR [--targets 50] [--series 1000] [--seconds 240] [--only tsq,prometheus]
                        [--freeze] [--growth]

A query is asked over one connection that stays open, and its whole answer is read; the servers take
turns, query by query, so that what else the machine does meets all of them. The first answer of each
is not counted. --freeze stops the exporter (SIGSTOP) while queries are timed: then nobody scrapes.
--growth asks tsq how the time a sample takes grows with the steps and with the range, over series that
are imported for it.

DIR holds the release binaries tsq and bench-exporter. Everything listens on 127.0.0.1 and stops by
itself. Needs Debian's packages prometheus and victoria-metrics.
"""
import argparse, http.client, json, math, os, shutil, signal, statistics, subprocess, sys, tempfile
import time, urllib.parse

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--targets", type=int, default=50)
ap.add_argument("--series", type=int, default=1000, help="plain series a target; histograms add 14 a hundred")
ap.add_argument("--seconds", type=int, default=240)
ap.add_argument("--only", default="tsq,prometheus,victoria")
ap.add_argument("--repeat", type=int, default=9)
ap.add_argument("--freeze", action="store_true", help="nobody scrapes while queries are timed")
ap.add_argument("--growth", action="store_true", help="only: how time grows with steps and range")
ap.add_argument("--port", type=int, default=19100, help="first of the ports used, a hundred apart")
ap.add_argument("--keep", action="store_true", help="keep the data directories")
a = ap.parse_args()

PORT = {"exporter": a.port, "tsq": a.port + 90, "prometheus": a.port + 190, "victoria": a.port + 290}
work = tempfile.mkdtemp(prefix="compare-peers-")
tick = os.sysconf("SC_CLK_TCK")
started = []


def start(name, command):
    log = open(f"{work}/{name}.log", "a")
    p = subprocess.Popen(command, stdout=log, stderr=log)
    started.append(p)
    return p


def configuration():
    lines = ["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:", "- job_name: j", "  static_configs:"]
    for t in range(a.targets):
        lines.append(f"  - {{targets: ['127.0.0.1:{PORT['exporter']}'], labels: {{__metrics_path__: '/t/{t}/metrics', instance: 'web-{t}:9000'}}}}")
    path = f"{work}/scrape.yml"
    open(path, "w").write("\n".join(lines) + "\n")
    return path


def command(name, config):
    data = f"{work}/{name}"
    return {
        "tsq": [f"{a.bin}/tsq", f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{PORT['tsq']}"],
        "prometheus": ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{PORT['prometheus']}", "--log.level=error"],
        "victoria": ["victoria-metrics", f"-promscrape.config={config}", f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{PORT['victoria']}", "-retentionPeriod=1", "-search.latencyOffset=0s"],
    }[name]


def stat(pid):
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    rss = 0
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            rss = int(line.split()[1]) * 1024
    return (int(f[11]) + int(f[12])) / tick, rss


connections = {}


def ask(name, path, params, timeout=120):
    """The answer's bytes, over a connection that stays open."""
    url = f"{path}?{urllib.parse.urlencode(params)}"
    for attempt in range(2):
        try:
            if name not in connections:
                connections[name] = http.client.HTTPConnection("127.0.0.1", PORT[name], timeout=timeout)
            connections[name].request("GET", url)
            response = connections[name].getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"{name}: {response.status} {body[:200]}")
            return body
        except (http.client.HTTPException, OSError):
            connections.pop(name, None)
            if attempt == 1:
                raise


def timed(name, query, start, end, step):
    """Milliseconds until the whole answer is there; an instant query where step is 0."""
    t = time.perf_counter()
    if step:
        ask(name, "/api/v1/query_range", {"query": query, "start": start, "end": end, "step": step, "nocache": 1})
    else:
        ask(name, "/api/v1/query", {"query": query, "time": end, "nocache": 1})
    return (time.perf_counter() - t) * 1000


def growth():
    """Imports 12 series of a sample every 15 s over 30 days, and asks for more and more of them."""
    series, interval, days = 12, 15, 30
    end = int(time.time()) // 3600 * 3600 - 3600
    page = f"{work}/growth.prom"
    with open(page, "w") as f:
        for s in range(series):
            total = s
            for i in range(days * 86400 // interval):
                total += (i * 7 + s * 13) % 97
                f.write(f'grown{{i="{s}"}} {total} {(end - days * 86400 + i * interval) * 1000}\n')
    data = f"{work}/growth"
    subprocess.run([f"{a.bin}/tsq", "import", page, "--data", data], check=True, stdout=subprocess.DEVNULL)
    config = f"{work}/none.yml"
    open(config, "w").write("scrape_configs: []\n")
    start("tsq", [f"{a.bin}/tsq", f"--config.file={config}", f"--storage.tsdb.path={data}",
                  f"--web.listen-address=127.0.0.1:{PORT['tsq']}", "--storage.tsdb.retention.time=60d"])
    for _ in range(200):
        try:
            if value("tsq", f"count(grown @ {end - 60})") == series:
                break
        except OSError:
            pass
        time.sleep(0.05)
    query = "sum(rate(grown[5m]))"
    print("| query | steps | range | ms | ns a sample read |\n|---|---:|---|---:|---:|")
    cases = [(steps, 60, f"{steps} min") for steps in (60, 120, 300, 600)]
    cases += [(d * 86400 // 300, 300, f"{d} d") for d in (1, 3, 10, 30)]
    for steps, step, name in cases:
        times = [timed("tsq", query, end - steps * step, end, step) for _ in range(a.repeat + 1)][1:]
        ms = statistics.median(times)
        samples = series * (steps * step + 300) / interval
        print(f"| `{query}`, step {step} s | {steps} | {name} | {ms:.2f} | {ms * 1e6 / samples:.1f} |", flush=True)


def value(name, query):
    r = json.loads(ask(name, "/api/v1/query", {"query": query}))["data"]["result"]
    return float(r[0]["value"][1]) if r else 0.0


def du(path):
    total = 0
    for root, _, files in os.walk(path):
        for f in files:
            try:
                total += os.stat(os.path.join(root, f)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


if a.growth:
    try:
        growth()
    finally:
        for p in started:
            p.kill()
        shutil.rmtree(work, ignore_errors=True)
    sys.exit(0)

names = [n for n in ("tsq", "prometheus", "victoria") if n in a.only.split(",")]
result = {n: {} for n in names}
try:
    start("exporter", [f"{a.bin}/bench-exporter", str(PORT["exporter"]), str(a.targets), str(a.series)])
    time.sleep(2)
    config = configuration()
    process = {n: start(n, command(n, config)) for n in names}
    series = a.targets * (a.series + a.series // 100 * 14)
    print(f"{a.targets} targets, {series} series, scraped every second for {a.seconds} s", flush=True)
    time.sleep(min(30, a.seconds / 4))
    before = {n: (time.time(), *stat(process[n].pid)) for n in names}
    time.sleep(a.seconds - min(30, a.seconds / 4))
    for n in names:
        cpu, rss = stat(process[n].pid)
        t0, cpu0, _ = before[n]
        scraped = (time.time() - t0) * series / 1e6
        result[n]["CPU s per million samples"] = (cpu - cpu0) / scraped
        result[n]["resident bytes per series"] = rss / series
        result[n]["resident MB"] = rss / 1e6

    end = math.floor(time.time()) - 2
    QUERIES = {
        "instant selector, 5,000 series": ("m1", 0),
        "rate at one instant": ("rate(m1[1m])", 0),
        "sum by (rate), 60 steps": ("sum by (instance)(rate(m1[1m]))", 60),
        "bare rate, 60 steps": ("rate(m1[1m])", 60),
        "heat map, 600 series": ("sum(increase(h_bucket[30s])) by (le)", 60),
        "histogram quantile": ("histogram_quantile(0.9, sum by (le)(rate(h_bucket[1m])))", 60),
        "ratio of two sums": ("sum(rate(h_sum[1m])) / sum(rate(h_count[1m]))", 60),
        "max by (max_over_time)": ("max by (zone)(max_over_time(m5[2m]))", 60),
        "topk of a sum": ("topk(5, sum by (device)(rate(m2[1m])))", 60),
        "regex selection": ('sum(m3{instance=~"web-(1|2).*",mode!~"re.*"})', 60),
        "quantile by": ("quantile by (mode)(0.5, m5)", 60),
        "one-to-one join": ("m0 / m1", 60),
        "one series": ('m0{instance="web-1:9000",device="dev1",mode="read"}', 60),
    }
    if a.freeze:
        started[0].send_signal(signal.SIGSTOP)
    step = max(1, (a.seconds - 60) // 60)
    for title, (query, steps) in QUERIES.items():
        times = {n: [] for n in names}
        for turn in range(a.repeat + 1):
            for n in names:
                took = timed(n, query, end - steps * step, end, step if steps else 0)
                if turn > 0:
                    times[n].append(took)
        for n in names:
            result[n]["ms: " + title] = statistics.median(times[n])
    if a.freeze:
        started[0].send_signal(signal.SIGCONT)

    for n in names:
        process[n].kill()
        process[n].wait()
    connections.clear()
    for n in names:
        # What was scraped over the whole run, the health series included.
        result[n]["disk bytes per sample"] = du(f"{work}/{n}") / ((series + 5 * a.targets) * a.seconds)
        t = time.perf_counter()
        p = start(n, command(n, config))
        while True:
            try:
                if value(n, f"count(m1 offset 10s)") > 0:
                    break
            except Exception:
                pass
            if time.perf_counter() - t > 120:
                break
            time.sleep(0.01)
        result[n]["s from start after SIGKILL to answer"] = time.perf_counter() - t
        p.kill()
        p.wait()
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
    if a.keep:
        print("data kept in", work)
    else:
        shutil.rmtree(work, ignore_errors=True)

rows = list(dict.fromkeys(k for n in names for k in result[n]))
others = [n for n in names if n != "tsq"] if "tsq" in names else []
print("| | " + " | ".join(names) + "".join(f" | {n} / tsq" for n in others) + " |")
print("|---|" + "---:|" * (len(names) + len(others)))
for row in rows:
    figures = [f"{result[n].get(row, math.nan):.3g}" for n in names]
    figures += [f"{result[n].get(row, math.nan) / result['tsq'][row]:.2f}" for n in others]
    print(f"| {row} | " + " | ".join(figures) + " |")
for n in others:
    ratios = [result[n][r] / result["tsq"][r] for r in rows if r.startswith("ms: ")]
    print(f"queries: {n} takes {statistics.geometric_mean(ratios):.2f} times as long as tsq (geometric mean), at least {min(ratios):.2f}")

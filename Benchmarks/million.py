#!/usr/bin/env python3
"""One million series with tsq: scraped, queried and started again after SIGKILL, with memory and times.

usage: million.py --bin DIR [--targets 50] [--series 17600] [--interval 15] [--seconds 180] [--peers]

DIR holds the release binaries tsq and bench-exporter; --peers does the same to Debian's prometheus and
victoria-metrics, one after the other. Everything listens on 127.0.0.1 and stops by itself. Sizes of
memory are the largest of samples taken every half second, mapped pages included.
"""
import argparse, json, math, os, shutil, subprocess, tempfile, threading, time, urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--targets", type=int, default=50)
ap.add_argument("--series", type=int, default=17600, help="plain series a target; histograms add 14 a hundred")
ap.add_argument("--interval", type=int, default=15, help="seconds between scrapes")
ap.add_argument("--seconds", type=int, default=180)
ap.add_argument("--peers", action="store_true")
ap.add_argument("--port", type=int, default=24300)
a = ap.parse_args()

EXPORTER, PORT = a.port, a.port + 1
series = a.targets * (a.series + a.series // 100 * 14)
tick = os.sysconf("SC_CLK_TCK")
work = tempfile.mkdtemp(prefix="million-")


def configuration():
    lines = [f"global: {{scrape_interval: {a.interval}s, scrape_timeout: {a.interval}s}}", "scrape_configs:", "- job_name: j", "  static_configs:"]
    for t in range(a.targets):
        lines.append(f"  - {{targets: ['127.0.0.1:{EXPORTER}'], labels: {{__metrics_path__: '/t/{t}/metrics', instance: 'web-{t}:9000'}}}}")
    path = f"{work}/scrape.yml"
    open(path, "w").write("\n".join(lines) + "\n")
    return path


def command(name, config):
    data = f"{work}/{name}"
    return {
        "tsq": [f"{a.bin}/tsq", f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{PORT}"],
        "prometheus": ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error"],
        "victoria": ["victoria-metrics", f"-promscrape.config={config}", "-promscrape.maxScrapeSize=64MB", f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{PORT}", "-retentionPeriod=1", "-search.latencyOffset=0s", "-search.maxUniqueTimeseries=2000000"],
    }[name]


def cpu(pid):
    f = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / tick


class Resident(threading.Thread):
    """The largest resident size seen."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.largest = pid, 0
        self.start()

    def run(self):
        try:
            while True:
                for line in open(f"/proc/{self.pid}/status"):
                    if line.startswith("VmRSS:"):
                        self.largest = max(self.largest, int(line.split()[1]) * 1024)
                time.sleep(0.5)
        except (FileNotFoundError, ProcessLookupError):
            pass


def ask(path, **params):
    url = f"http://127.0.0.1:{PORT}{path}?{urllib.parse.urlencode(params)}"
    with urllib.request.urlopen(url, timeout=120) as r:
        return r.read()


def value(query, **params):
    r = json.loads(ask("/api/v1/query", query=query, **params))["data"]["result"]
    return float(r[0]["value"][1]) if r else 0.0


def du(path):
    return sum(os.stat(os.path.join(root, f)).st_blocks * 512 for root, _, files in os.walk(path) for f in files)


QUERIES = {
    "one series": 'm0{instance="web-1:9000",device="dev1",mode="read"}',
    "count of one metric": "count(m1)",
    "rate of one metric": f"sum(rate(m1[{4 * a.interval}s]))",
    "one instance by mode": 'sum by (mode)({instance="web-7:9000",__name__=~"m.*"})',
    "regex over instances": 'sum({__name__="m3",instance=~"web-(1|2)[0-9]:.*"})',
    "count of everything": 'count({job="j"})',
}


def measure(name, config):
    rows = {}
    log = open(f"{work}/{name}.log", "w")
    process = subprocess.Popen(command(name, config), stdout=log, stderr=log)
    try:
        resident = Resident(process.pid)
        warm = min(2 * a.interval + 5, a.seconds // 2)
        time.sleep(warm)
        rows["resident MB, first scrapes"] = resident.largest / 1e6
        resident.largest = 0
        cpu0, t0 = cpu(process.pid), time.time()
        time.sleep(a.seconds - warm)
        scraped = (time.time() - t0) / a.interval * series / 1e6
        rows["CPU s per million samples"] = (cpu(process.pid) - cpu0) / scraped
        rows["resident MB, scraping"] = resident.largest / 1e6
        rows["resident bytes a series"] = resident.largest / series
        now = time.time() - 2
        rows["series found"] = value('count({job="j"})', time=now)
        for title, query in QUERIES.items():
            times = []
            for _ in range(5):
                t = time.perf_counter()
                ask("/api/v1/query", query=query, time=now, nocache=1)
                times.append((time.perf_counter() - t) * 1000)
            rows["ms: " + title] = sorted(times)[2]
        rows["resident MB, queries"] = resident.largest / 1e6
        process.kill()
        process.wait()
        rows["disk MB"] = du(f"{work}/{name}") / 1e6
        t = time.perf_counter()
        process = subprocess.Popen(command(name, config), stdout=log, stderr=log)
        while time.perf_counter() - t < 120:
            try:
                if value(f"count(m1 offset {2 * a.interval}s)") > 0:
                    break
            except Exception:
                pass
            time.sleep(0.005)
        rows["s from start after SIGKILL to answer"] = time.perf_counter() - t
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(f"{work}/{name}", ignore_errors=True)
    return rows


exporter = subprocess.Popen([f"{a.bin}/bench-exporter", str(EXPORTER), str(a.targets), str(a.series)], stdout=subprocess.DEVNULL)
try:
    time.sleep(5)
    config = configuration()
    names = ["tsq", "prometheus", "victoria"] if a.peers else ["tsq"]
    print(f"{a.targets} targets, {series} series, scraped every {a.interval} s for {a.seconds} s", flush=True)
    result = {name: measure(name, config) for name in names}
finally:
    exporter.kill()
    shutil.rmtree(work, ignore_errors=True)

print("| | " + " | ".join(names) + " |")
print("|---|" + "---:|" * len(names))
for row in result["tsq"]:
    print(f"| {row} | " + " | ".join(f"{result[n].get(row, math.nan):.3g}" for n in names) + " |")

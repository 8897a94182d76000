#!/usr/bin/env python3
"""Holds tsq's answers to the dashboard's expressions against Debian's prometheus.

usage: side-by-side.py --bin DIR [--seconds 400]

Both servers scrape the same planets application and node exporter, each on its own schedule; then every
expression is asked of both as a range query. The first table shows both answers and the largest
relative difference: these differ because the two scrape at different moments. The second proves that
nothing else differs: prometheus's own samples are dumped, imported into tsq, and asked again; there
the answers must be equal. It looks at the last minute, when the longest window (5 m) is full. Needs Debian's prometheus and prometheus-node-exporter.
"""
import argparse, json, math, os, shutil, subprocess, sys, tempfile, threading, time
import urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--seconds", type=int, default=400)
a = ap.parse_args()
work = tempfile.mkdtemp(prefix="side-by-side-")
APP, CONTAINER, NODE, TSQ, PROM, COPY = 19000, 19080, 19110, 19191, 19291, 19192
EXPRESSIONS = [
    "rate(http_requests_total[5m])",
    "rate(http_response_time_seconds_sum[5m]) / rate(http_response_time_seconds_count[5m])",
    'increase(http_requests_total{method="GET",path="/planets"}[1m])',
    'sum(increase(http_response_time_seconds_bucket{path="/planets"}[30s])) by (le)',
    "http_connected_sse_clients",
    'rate(process_cpu_seconds_total{job="mongodb_redis_web_app"}[1m])',
    "sum(rate(container_cpu_usage_seconds_total{name='mongodb-redis'}[1m])) by (name)",
    'process_resident_memory_bytes{job="mongodb_redis_web_app"} / 1024 / 1024',
    'container_memory_usage_bytes{name="mongodb-redis"} / 1024 / 1024',
    "sum by (mode)(rate(node_cpu_seconds_total[1m]))",
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
]
started = []


def start(name, *command):
    log = open(f"{work}/{name}.log", "a")
    p = subprocess.Popen(command, stdout=log, stderr=log)
    started.append(p)
    return p


def ask(port, query, begin, end, step):
    url = f"http://127.0.0.1:{port}/api/v1/query_range?" + urllib.parse.urlencode(
        {"query": query, "start": begin, "end": end, "step": step})
    with urllib.request.urlopen(url, timeout=30) as r:
        return {json.dumps(s["metric"], sort_keys=True): {t: float(v) for t, v in s["values"]}
                for s in json.load(r)["data"]["result"]}


def load(stop):
    n = 0
    while not stop.is_set():
        n += 1
        for path in ("/planets", f"/planets/{n % 9 + 1}", "/"):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{APP}{path}", timeout=2).read()
            except OSError:
                pass
        time.sleep(0.01)


def compare(title, first, second, begin, end, step):
    print(f"\n{title}\n| expression | series | points | one answer | other answer | largest relative difference |\n|---|---:|---:|---:|---:|---:|")
    worst = 0.0
    for e in EXPRESSIONS:
        x, y = ask(first, e, begin, end, step), ask(second, e, begin, end, step)
        largest, points = 0.0, 0
        # A bucket label is 1.0 in one and 1 in the other: prometheus normalises it only since 3.0.
        x = {k.replace('"le": "1.0"', '"le": "1"'): v for k, v in x.items()}
        y = {k.replace('"le": "1.0"', '"le": "1"'): v for k, v in y.items()}
        for k in set(x) | set(y):
            for t in set(x.get(k, {})) | set(y.get(k, {})):
                v, w = x.get(k, {}).get(t), y.get(k, {}).get(t)
                points += 1
                if v is None or w is None:
                    largest = max(largest, math.inf)
                elif not (math.isnan(v) and math.isnan(w)) and v != w:
                    largest = max(largest, abs(v - w) / max(abs(v), abs(w)))
        worst = max(worst, largest)
        last = lambda r: next((f"{list(v.values())[-1]:.9g}" for v in r.values() if v), "–")
        print(f"| `{e}` | {len(x)} | {points} | {last(x)} | {last(y)} | {largest:.3g} |")
    print(f"largest: {worst:.3g}")
    return worst


try:
    start("planets", f"{a.bin}/planets", "--port", str(APP), "--container-port", str(CONTAINER))
    start("node", "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{NODE}")
    config = f"{work}/prometheus.yml"
    open(config, "w").write(f"""
scrape_configs:
  - {{job_name: mongodb_redis_web_app, scrape_interval: 5s, static_configs: [{{targets: ['127.0.0.1:{APP}']}}]}}
  - {{job_name: cadvisor, scrape_interval: 5s, static_configs: [{{targets: ['127.0.0.1:{CONTAINER}']}}]}}
  - {{job_name: node, scrape_interval: 5s, static_configs: [{{targets: ['127.0.0.1:{NODE}']}}]}}
""")
    time.sleep(1)
    tsq = start("tsq", f"{a.bin}/tsq", f"--config.file={config}", f"--storage.tsdb.path={work}/tsq", f"--web.listen-address=127.0.0.1:{TSQ}")
    prom = start("prometheus", "prometheus", f"--config.file={config}", f"--storage.tsdb.path={work}/prometheus", f"--web.listen-address=127.0.0.1:{PROM}")
    stop = threading.Event()
    threading.Thread(target=load, args=(stop,), daemon=True).start()
    time.sleep(a.seconds)
    # Off every sample's millisecond: windows were closed on the left before Prometheus 3.
    end = math.floor(time.time()) - 5 + 0.4567
    # Whole windows only: rate() extrapolates to the first sample ever otherwise than before 2.51.
    begin = max(end - a.seconds + 330, end - 60)
    compare("Each with its own scrapes (differences come from the scrape times)", PROM, TSQ, begin, end, 5)
    stop.set()
    prom.terminate(); prom.wait()

    dump = subprocess.run(["promtool", "tsdb", "dump", f"{work}/prometheus"], capture_output=True, text=True, check=True).stdout
    families = {}
    for line in dump.splitlines():
        labels, sample, ms = line.rsplit(" ", 2)
        families.setdefault(labels, []).append((int(ms), sample))
    with open(f"{work}/dump.om", "w") as f:
        for labels, samples in families.items():
            name = labels.split('__name__="', 1)[1].split('"', 1)[0]
            rest = labels.replace(f'__name__="{name}"', "", 1).replace("{, ", "{", 1).replace('", ', '",')
            for ms, sample in sorted(samples):
                # A stale marker prints as NaN; no expression here produces another NaN.
                if sample != "NaN":
                    f.write(f"{name}{rest} {sample} {ms / 1000:.3f}\n")
        f.write("# EOF\n")
    subprocess.run([f"{a.bin}/tsq", "import", f"{work}/dump.om", "--data", f"{work}/copy"], check=True, stdout=subprocess.DEVNULL)
    start("copy", f"{a.bin}/tsq", f"--storage.tsdb.path={work}/copy", f"--web.listen-address=127.0.0.1:{COPY}", "--storage.tsdb.retention.time=100y")
    open(f"{work}/empty.yml", "w").write("scrape_configs: []\n")
    start("prometheus", "prometheus", f"--config.file={work}/empty.yml", f"--storage.tsdb.path={work}/prometheus", f"--web.listen-address=127.0.0.1:{PROM}")
    time.sleep(4)
    worst = compare("The same samples in both", PROM, COPY, begin, end, 5)
    sys.exit(0 if worst < 1e-9 else 1)
finally:
    for p in started:
        if p.poll() is None:
            p.kill()
    shutil.rmtree(work, ignore_errors=True)

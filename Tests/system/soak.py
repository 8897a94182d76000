#!/usr/bin/env python3
"""Runs tsq for a long time with series that come and go, and holds its memory at the end against the beginning.

usage: soak.py --bin DIR [--minutes 12] [--series 2000] [--port 26200]

An exporter of its own serves pages whose series change: every 20 s a tenth of them ends and as many new
ones begin. Queries, label lists and series lists run all the time. Resident memory is noted every 5 s,
after a warm-up of a quarter of the time; the median of the last quarter must not be more than a fifth and
8 MB above that of the first one behind the warm-up, and threads and open files must not grow. At the end
everything scraped is counted. Ends with "N passed, N failed".
"""
import argparse, http.server, json, os, shutil, statistics, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--minutes", type=float, default=12)
ap.add_argument("--series", type=int, default=2000)
ap.add_argument("--port", type=int, default=26200)
a = ap.parse_args()
SERVER = f"http://127.0.0.1:{a.port}"
work = tempfile.mkdtemp(prefix="tsq-soak-")
passed = failed = 0
started = time.time()


def check(title, good, seen):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAILED") + f" {title}: {seen}", flush=True)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        now = time.time() - started
        lines = ["# TYPE work_total counter\n"]
        for i in range(a.series):
            # Each tenth of the series changes in its turn.
            era = int((now + 20 * (i % 10)) // 200)
            lines.append(f'work_total{{pod="p{i}-{era}",zone="z{i % 7}"}} {int(now * (i % 13 + 1))}\n')
        body = "".join(lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def get(path, **parameters):
    url = SERVER + path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())["data"]


def value(expression, at=None):
    found = get("/api/v1/query", query=expression, time=f"{at or time.time():.3f}")["result"]
    return float(found[0]["value"][1]) if found else 0.0


def resident(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def ask():
    now = time.time()
    get("/api/v1/query_range", query="sum by (zone) (rate(work_total[1m]))", start=now - 300, end=now, step=5)
    get("/api/v1/query", query='topk(5, work_total{pod=~"p1.*"})')
    get("/api/v1/label/zone/values")
    get("/api/v1/series", **{"match[]": 'work_total{zone="z3"}', "start": now - 60, "end": now})


pages = http.server.ThreadingHTTPServer(("127.0.0.1", a.port + 1), Page)
threading.Thread(target=pages.serve_forever, daemon=True).start()
open(f"{work}/c.yml", "w").write(
    f"global: {{scrape_interval: 1s}}\nscrape_configs:\n  - {{job_name: soak, static_configs: [{{targets: ['127.0.0.1:{a.port + 1}']}}]}}\n")
server = subprocess.Popen(
    [f"{a.bin}/tsq", "serve", f"--config.file={work}/c.yml", f"--storage.tsdb.path={work}/data", f"--web.listen-address=127.0.0.1:{a.port}"],
    stdout=open(f"{work}/log", "w"), stderr=subprocess.STDOUT)
memory, errors = [], 0
try:
    time.sleep(3)
    end = started + 60 * a.minutes
    while time.time() < end:
        try:
            ask()
        except (OSError, KeyError, ValueError) as error:
            errors += 1
            print(f"query failed: {error}")
        memory.append((time.time(), resident(server.pid), len(os.listdir(f"/proc/{server.pid}/task")), len(os.listdir(f"/proc/{server.pid}/fd"))))
        time.sleep(5)
    behind = [entry for entry in memory if entry[0] > started + 15 * a.minutes]
    first, last = behind[:max(1, len(behind) // 3)], behind[-max(1, len(behind) // 3):]
    begin, final = (statistics.median(entry[1] for entry in part) for part in (first, last))
    check("memory at the end against the beginning", final <= begin * 1.2 + 8, f"{begin:.1f} MB, then {final:.1f} MB, highest {max(e[1] for e in memory):.1f} MB")
    check("threads", last[-1][2] <= first[0][2] + 2, f"{first[0][2]}, then {last[-1][2]}")
    check("open files", last[-1][3] <= first[0][3] + 8, f"{first[0][3]}, then {last[-1][3]}")
    check("every query was answered", errors == 0, f"{errors} failed of {4 * len(memory)}")
    check("tsq ran on", server.poll() is None, server.poll())
    now = time.time() - 2
    scraped = value("sum(sum_over_time(scrape_samples_scraped[1d]))", now)
    stored = value("sum(count_over_time(work_total[1d]))", now)
    stale = value("count(count_over_time(work_total[1d]))", now)
    check("every sample scraped is stored", stored >= scraped > 0, f"{scraped:.0f} scraped, {stored:.0f} stored (stale markers not counted), {stale:.0f} series")
    log = open(f"{work}/log").read()
    check("no error in the log", "level=ERROR" not in log, [line for line in log.splitlines() if "level=ERROR" in line][:2])
finally:
    server.kill()
    server.wait()
    shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

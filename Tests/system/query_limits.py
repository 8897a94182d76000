#!/usr/bin/env python3
"""Queries that want too much, clients that leave, and scrapes that must not notice.

usage: query_limits.py --bin DIR [--series 2000] [--port 27100]

Serves a page to four scrapes a second, imports an hour of one-second data through the server's own
endpoint, and then: asks for more than the budget allows; leaves in the middle of heavy queries; reads
long answers slowly; sends a hundred queries at once while somebody else sends one. Measured: what the
answers say, how soon a left query ends, how late the scrapes were, and the resident memory before and
after. Needs nothing but Python. Ends with "N passed, N failed".
"""
import argparse, http.server, json, random, shutil, socket, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--series", type=int, default=2000)
ap.add_argument("--port", type=int, default=27100)
ap.add_argument("--page", action="store_true", help=argparse.SUPPRESS)
a = ap.parse_args()
SERVER, PAGE = f"http://127.0.0.1:{a.port}", a.port + 1
BUDGET = 24 << 20
work = tempfile.mkdtemp(prefix="tsq-limits-")
passed = failed = 0


def check(title, good, seen):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAILED") + f" {title}: {seen}", flush=True)


class Page(http.server.BaseHTTPRequestHandler):
    page = "".join(f'scraped{{n="{n}"}} {n * 1.5}\n' for n in range(1000)).encode()

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


def ask(path, headers={}, **parameters):
    """Status, parsed answer, seconds."""
    request = urllib.request.Request(f"{SERVER}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", headers=headers)
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read()
    return status, json.loads(body), time.monotonic() - started


def leave_open(query, **parameters):
    """A connection with a query under way, nothing read."""
    connection = socket.create_connection(("127.0.0.1", a.port))
    text = urllib.parse.urlencode(dict(parameters, query=query))
    connection.sendall(f"GET /api/v1/query?{text} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def metric(name):
    page = urllib.request.urlopen(f"{SERVER}/metrics", timeout=10).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name)


def resident():
    return int(next(line for line in open(f"/proc/{server.pid}/status") if line.startswith("VmRSS")).split()[1]) << 10


def settled():
    """The resident size when it no longer falls."""
    least, since = resident(), time.monotonic()
    while time.monotonic() - since < 3:
        time.sleep(0.2)
        if resident() < least - (1 << 20):
            least, since = resident(), time.monotonic()
    return resident()


if a.page:
    http.server.ThreadingHTTPServer(("127.0.0.1", PAGE), Page).serve_forever()
# A process of its own: what this one does must not slow the page down.
pages = subprocess.Popen([sys.executable, __file__, "--bin", a.bin, "--port", str(a.port), "--page"])
jobs = "".join(f"  - {{job_name: j{n}, static_configs: [{{targets: ['127.0.0.1:{PAGE}']}}]}}\n" for n in range(4))
open(f"{work}/c.yml", "w").write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + jobs)
server = subprocess.Popen(
    [f"{a.bin}/tsq", f"--config.file={work}/c.yml", f"--storage.tsdb.path={work}/data", f"--web.listen-address=127.0.0.1:{a.port}",
     f"--query.max-bytes={BUDGET}", "--query.max-concurrency=8", "--web.enable-import", "--log.level=error"])
try:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{SERVER}/-/ready", timeout=1)
            break
        except OSError:
            time.sleep(0.1)
    end = int(time.time()) - 60
    begin = end - 3600
    with open(f"{work}/page.om", "w") as page:
        page.write("# TYPE m gauge\n")
        for n in range(a.series):
            value = random.random()
            page.writelines(f'm{{n="{n}"}} {value + t % 97} {t}\n' for t in range(begin, end, 2))
        page.write("# EOF\n")
    started = time.monotonic()
    out = subprocess.run([f"{a.bin}/tsq", "import", f"{work}/page.om", "--server", SERVER], capture_output=True, text=True)
    count = a.series * 1800
    check("import into the running server", out.returncode == 0 and f"{count} samples of {a.series} series" in out.stdout,
          f"{out.stdout.strip().splitlines()[-1:]} {out.stderr.strip()[:200]} in {time.monotonic() - started:.1f} s")
    status, answer, _ = ask("query", query="sum(count_over_time(m[2h]))", time=end)
    check("what was imported is there at once", answer["data"]["result"][0]["value"][1] == str(count), answer["data"]["result"])
    for _ in range(3):
        ask("query_range", query="sum(rate(m[5m]))", start=begin, end=end, step=15)
    before = settled()
    first = time.time()

    status, answer, seconds = ask("query", query="m[1h]", time=end)
    check("a query over its bytes is refused with 422", status == 422 and answer["errorType"] == "execution" and str(BUDGET) in answer["error"],
          f"{status} after {seconds:.2f} s: {answer.get('error', '')[:160]}")
    status, answer, _ = ask("query_range", query="m", start=begin, end=end, step=1)
    check("a range query over its bytes is refused with 422", status == 422, f"{status}: {answer.get('error', '')[:160]}")
    status, answer, seconds = ask("query", query="sum(m)", time=end, timeout="0.000001")
    check("a query without time is refused with 503", status == 503 and answer["errorType"] == "timeout", f"{status}: {answer.get('error')}")

    worst = 0
    for n in range(10):
        connection = leave_open("sum(sum_over_time(avg_over_time(m[5m])[1h:1s]))", time=end)
        while metric("prometheus_engine_queries") < 1:
            pass
        time.sleep(random.uniform(0.05, 0.5))
        connection.close()
        left = time.monotonic()
        while metric("prometheus_engine_queries") > 0 and time.monotonic() - left < 10:
            pass
        worst = max(worst, time.monotonic() - left)
    check("a client that leaves frees its query within 100 ms", worst < 0.1, f"{worst * 1000:.0f} ms at worst, of 10, the look at /metrics included")

    answers = []
    greedy = [threading.Thread(target=lambda: answers.append(ask("query_range", {"X-Dashboard-Uid": "greedy"},
              query="sum(rate(m[5m]))", start=begin, end=end, step=2)[0])) for _ in range(60)]
    for thread in greedy:
        thread.start()
    time.sleep(0.3)
    slowest = max(ask("query", {"X-Dashboard-Uid": "modest"}, query="m{n='7'}", time=end)[2] for _ in range(10))
    waiting = metric("tsq_queries_waiting")
    for thread in greedy:
        thread.join()
    check("sixty queries of one client do not hold up another's", slowest < 1.5 and waiting > 0 and answers == [200] * 60,
          f"{slowest * 1000:.0f} ms at worst, {waiting:.0f} were waiting")

    # Long answers: some are read slowly, some not at all.
    slow = [leave_open("m{n=~'[0-9]|[0-9][0-9]|[0-4][0-9][0-9]'}[30m]", time=end) for _ in range(6)]
    time.sleep(3)
    held, during = metric("tsq_query_answer_bytes"), resident()
    for connection in slow:
        connection.recv(65536)
    status, answer, _ = ask("query", query="count(m)", time=end)
    check("answers nobody reads take their columns and no thread", held > 0 and status == 200,
          f"{held / 1e6:.0f} MB held, {(during - before) / 1e6:.0f} MB more resident")
    for connection in slow:
        connection.close()
    time.sleep(1)
    check("they are gone when the clients are", metric("tsq_query_answer_bytes") == 0, metric("tsq_query_answer_bytes"))

    last = time.time()
    after = settled()
    check("the memory is back where it was", after < before * 1.15 + (24 << 20), f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")
    status, answer, _ = ask("query", query=f"up[{int(last - first)}s]", time=int(last))
    late, fetched = 0, 0
    for series in answer["data"]["result"]:
        times = [float(t) for t, _ in series["values"]]
        fetched += len(times)
        late = max([late] + [b - a - 1 for a, b in zip(times, times[1:])])
    good = all(v == "1" for series in answer["data"]["result"] for _, v in series["values"])
    check("meanwhile the scrapes went on, on time", good and fetched >= 4 * (last - first - 2) and late < 0.5,
          f"{fetched} scrapes in {last - first:.0f} s, {late * 1000:.0f} ms late at most")
finally:
    server.terminate()
    server.wait()
    pages.kill()
    shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

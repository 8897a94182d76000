#!/usr/bin/env python3
"""Kills `tsq scrape` with SIGKILL again and again and counts what is missing.

usage: kill_scrape.py --bin DIR [--kills 20] [--seconds 3]

A line of `tsq scrape` is printed when the scrape's commit has returned, so every line that was read is
an acknowledgement. Meanwhile `tsq query --data` reads the same directory. At the end every line must
be found again: `up` has at least as many samples as lines were read, and each page's samples are all
there. Needs Debian's prometheus-node-exporter. Ends with "N passed, N failed".
"""
import argparse, csv, io, random, shutil, signal, subprocess, sys, tempfile, time

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--kills", type=int, default=20)
ap.add_argument("--seconds", type=float, default=3)
a = ap.parse_args()
NODE = 19591
work = tempfile.mkdtemp(prefix="tsq-kill-")
data = f"{work}/d"
passed = failed = 0


def check(title, good, seen):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAILED") + f" {title}: {seen}", flush=True)


def query(expression):
    p = subprocess.run([f"{a.bin}/tsq", "query", expression, "--data", data, "-o", "csv"], capture_output=True, text=True)
    if p.returncode:
        raise SystemExit(f"tsq query failed: {p.stderr}")
    rows = list(csv.DictReader(io.StringIO(p.stdout)))
    return float(rows[0]["value"]) if rows else 0.0


exporter = subprocess.Popen(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{NODE}"], stderr=subprocess.DEVNULL)
acknowledged = meanwhile = 0
samples = 0
try:
    time.sleep(1)
    for kill in range(a.kills):
        p = subprocess.Popen([f"{a.bin}/tsq", "scrape", f"http://127.0.0.1:{NODE}/metrics", "--data", data, "--interval", "100ms"],
                             stdout=subprocess.PIPE, text=True)
        end = time.time() + random.uniform(0.3, 1) * a.seconds
        while time.time() < end:
            line = p.stdout.readline()
            if not line:
                raise SystemExit("tsq scrape ended by itself")
            if " samples, " in line:
                acknowledged += 1
                samples += int(line.split("  ")[1].split(" ")[0])
        if kill % 5 == 0 and acknowledged:
            meanwhile = query("count_over_time(up[1h])")
            check(f"a reader beside the writer sees what was acknowledged (kill {kill})", meanwhile >= acknowledged, f"{meanwhile:.0f} of {acknowledged}")
        p.send_signal(signal.SIGKILL)
        # What it printed before it died was acknowledged, too.
        for line in p.stdout.read().splitlines():
            if " samples, " in line and line.endswith(" ms"):
                acknowledged += 1
                samples += int(line.split("  ")[1].split(" ")[0])
        p.wait()
    up = query("count_over_time(up[1h])")
    check("every acknowledged scrape is there", up >= acknowledged, f"{up:.0f} stored, {acknowledged} acknowledged, after {a.kills} kills")
    stored = query("sum(sum_over_time(scrape_samples_scraped[1h]))")
    page = subprocess.run([f"{a.bin}/tsq", "export", '{job="scrape",__name__!~"up|scrape_.*"}', "--data", data], capture_output=True, text=True, check=True).stdout
    counted = sum(1 for line in page.splitlines() if not line.startswith("#"))
    check("every sample of every stored scrape is there", counted >= stored >= samples, f"{counted:.0f} stored, {stored:.0f} scraped, {samples} acknowledged")
finally:
    exporter.kill()
    shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

#!/usr/bin/env python3
"""Fills the disk under a running tsq, and sees it refuse clearly, recover by itself and lose nothing.

usage: full_disk.py --bin DIR [--bytes 48M] [--port 26100]

Mounts a small tmpfs (needs root; says so and ends with code 77 where that is not permitted), lets tsq
scrape bench-exporter into it, and fills the rest with a file. Expected: /-/ready says why, the log says
it, a write over HTTP is refused with the reason, queries go on being answered. When the file is removed
scrapes are taken again without a restart. After SIGKILL and a start everything that a query had shown
is there. Ends with "N passed, N failed".
"""
import argparse, json, os, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--bytes", default="48M")
ap.add_argument("--port", type=int, default=26100)
a = ap.parse_args()
EXPORTER = a.port + 1
SERVER = f"http://127.0.0.1:{a.port}"
work = tempfile.mkdtemp(prefix="tsq-full-")
mount = f"{work}/disk"
log_path = f"{work}/log"
passed = failed = 0
processes = []


def check(title, good, seen):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAILED") + f" {title}: {str(seen)[:200]}", flush=True)


def get(path, data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(SERVER + path, data=data, headers={"Content-Type": "text/plain"}), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def query(expression, at):
    status, text = get("/api/v1/query?" + urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"}))
    if status != 200:
        print(f"query: {status} {text[:200]}")
        return 0.0
    result = json.loads(text)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def stored(at):
    """Samples of the scraped pages that a query shows before `at`."""
    return query('sum(sum_over_time(scrape_samples_scraped{job="full"}[1h]))', at)


def wait(seconds, condition):
    end = time.time() + seconds
    while time.time() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.25)
    return None


def serve():
    process = subprocess.Popen(
        [f"{a.bin}/tsq", "serve", f"--config.file={work}/c.yml", f"--storage.tsdb.path={mount}/data",
         f"--web.listen-address=127.0.0.1:{a.port}", "--web.enable-import"],
        stdout=open(log_path, "a"), stderr=subprocess.STDOUT)
    processes.append(process)
    return process


def log():
    return open(log_path).read()


def fill(path):
    """Leaves no page free."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


os.mkdir(mount)
if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={a.bytes}", "tmpfs", mount], capture_output=True).returncode:
    print("skipped: this needs the right to mount a tmpfs")
    os.rmdir(mount)
    sys.exit(77)
try:
    targets = ", ".join(f"'127.0.0.1:{EXPORTER}'" for _ in range(1))
    open(f"{work}/c.yml", "w").write(
        "global: {scrape_interval: 1s}\nscrape_configs:\n" + "".join(
            f"  - {{job_name: full, metrics_path: /t/{n}/metrics, static_configs: [{{targets: [{targets}], labels: {{n: '{n}'}}}}]}}\n"
            .replace("job_name: full", f"job_name: full{n}") for n in range(3))
        .replace("labels: {", "labels: {job: full, "))
    processes.append(subprocess.Popen([f"{a.bin}/bench-exporter", str(EXPORTER), "3", "1000"], stdout=subprocess.DEVNULL))
    server = serve()
    check("tsq is ready", wait(30, lambda: get("/-/ready")[0] == 200), get("/-/ready"))
    check("scrapes are stored", wait(20, lambda: (stored(time.time()) or 0) > 10000), stored(time.time()))

    fill(f"{mount}/ballast")
    refused = wait(60, lambda: get("/-/ready")[0] not in (0, 200) and get("/-/ready"))
    check("/-/ready refuses and says why", refused and "disk" in refused[1].lower(), refused or get("/-/ready"))
    check("the log says it", "disk is full" in log() or "No space left" in log(), log()[-200:])
    now = time.time()
    # More than a page of the disk that may have some room left.
    lines = "".join(f'pushed{{n="{n}"}} {n} {int(now * 1000)}\n' for n in range(20_000)).encode()
    status, text = get("/api/v1/import", lines)
    check("a write over HTTP is refused with the reason", status >= 400 and ("disk" in text.lower() or "space" in text.lower()), (status, text))
    time.sleep(3)
    before_time = time.time()
    before = stored(before_time)
    check("queries are answered meanwhile", before and before > 10000, before)
    lines = log().count("\n")
    time.sleep(5)
    check("the log is not flooded", log().count("\n") - lines < 40, f"{log().count(chr(10)) - lines} lines in 5 s")
    check("tsq goes on running", server.poll() is None, server.poll())

    os.remove(f"{mount}/ballast")
    ready = wait(60, lambda: get("/-/ready")[0] == 200)
    check("it recovers by itself", ready, get("/-/ready"))
    check("scrapes are stored again", wait(30, lambda: (stored(time.time()) or 0) > before + 5000), (before, stored(time.time())))
    check("nothing that was shown is gone", (stored(before_time) or 0) >= before, (before, stored(before_time)))

    shown_time = time.time()
    shown = stored(shown_time)
    fill(f"{mount}/ballast")
    time.sleep(4)
    server.kill()
    server.wait()
    server = serve()
    started = wait(30, lambda: get("/-/ready")[0] != 0)
    check("it starts on a full disk", started and server.poll() is None, get("/-/ready"))
    check("and answers queries with everything", wait(20, lambda: (stored(shown_time) or 0) >= shown), (shown, stored(shown_time)))
    os.remove(f"{mount}/ballast")
    check("and recovers", wait(60, lambda: get("/-/ready")[0] == 200), get("/-/ready"))
    server.kill()
    server.wait()
    server = serve()
    check("after SIGKILL it starts", wait(30, lambda: get("/-/ready")[0] == 200), get("/-/ready"))
    check("samples acknowledged and missing: 0", (stored(shown_time) or 0) >= shown, f"{shown} shown before, {stored(shown_time)} now")
finally:
    for process in processes:
        process.kill()
        process.wait()
    if failed:
        print(log()[-3000:])
    subprocess.run(["umount", "-l", mount])
    shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

#!/usr/bin/env python3
"""Drives a running tsq with other people's clients: Debian's promtool and prometheus-api-client (PyPI).

usage: clients.py --bin DIR

Starts tsq with node exporter as its target, lets it scrape for some seconds, and holds what the clients
print against what was expected. Needs Debian's prometheus and prometheus-node-exporter, and
`pip install prometheus-api-client[dataframe]`. Ends with "N passed, N failed".
"""
import argparse, datetime, os, shutil, subprocess, sys, tempfile, time, urllib.request

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
a = ap.parse_args()
PORT, NODE = 19490, 19491
SERVER = f"http://127.0.0.1:{PORT}"
work = tempfile.mkdtemp(prefix="tsq-clients-")
started, passed, failed = [], 0, 0


def start(*command):
    started.append(subprocess.Popen(command, stdout=open(f"{work}/log", "a"), stderr=subprocess.STDOUT))


def check(title, good, seen):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAILED") + f" {title}: {str(seen)[:160]!r}")


def promtool(*arguments):
    p = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


try:
    start("prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{NODE}")
    open(f"{work}/c.yml", "w").write(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - {{job_name: node, static_configs: [{{targets: ['127.0.0.1:{NODE}']}}]}}
  - {{job_name: tsq, static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]}}
""")
    start(f"{a.bin}/tsq", f"--config.file={work}/c.yml", f"--storage.tsdb.path={work}/data", f"--web.listen-address=127.0.0.1:{PORT}")
    time.sleep(12)
    now = int(time.time())

    code, out = promtool("query", "instant", SERVER, "up")
    check("promtool query instant", code == 0 and out.count("=> 1 @[") == 2, out)
    code, out = promtool("query", "instant", SERVER, "up{")
    check("promtool query instant of a wrong query", code != 0 and "parse error" in out, out)
    code, out = promtool("query", "range", f"--start={now - 10}", f"--end={now}", "--step=1s", SERVER, "rate(node_cpu_seconds_total[5s])")
    check("promtool query range", code == 0 and "node" in out and " @[" in out, out)
    code, out = promtool("query", "series", "--match=node_load1", SERVER)
    check("promtool query series", code == 0 and '__name__="node_load1"' in out, out)
    code, out = promtool("query", "labels", SERVER, "job")
    check("promtool query labels", code == 0 and out.split() == ["node", "tsq"], out)
    page = subprocess.run(["curl", "-s", f"{SERVER}/metrics"], capture_output=True, text=True).stdout
    p = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
    check("promtool check metrics of tsq's own page", p.returncode == 0, p.stdout + p.stderr)

    from prometheus_api_client import MetricRangeDataFrame, MetricSnapshotDataFrame, PrometheusConnect
    client = PrometheusConnect(url=SERVER, disable_ssl=True)
    check("api client: connection", client.check_prometheus_connection(), True)
    names = client.all_metrics()
    check("api client: all_metrics", "node_load1" in names and "up" in names, len(names))
    check("api client: label values", sorted(client.get_label_values("job")) == ["node", "tsq"], client.get_label_values("job"))
    up = client.custom_query("sum(up)")
    check("api client: custom_query", up[0]["value"][1] == "2", up)
    end = datetime.datetime.now()
    series = client.custom_query_range("up", start_time=end - datetime.timedelta(seconds=8), end_time=end, step="1")
    check("api client: custom_query_range", len(series) == 2 and len(series[0]["values"]) >= 7, len(series[0]["values"]))
    data = client.get_metric_range_data("node_load1", start_time=end - datetime.timedelta(seconds=8), end_time=end)
    check("api client: get_metric_range_data", len(data) == 1 and len(data[0]["values"]) >= 5, len(data[0]["values"]))
    frame = MetricRangeDataFrame(data)
    check("api client: data frame", len(frame) >= 5 and set(frame["job"]) == {"node"}, frame.shape)
    snapshot = MetricSnapshotDataFrame(client.get_current_metric_value("up"))
    check("api client: snapshot", len(snapshot) == 2, snapshot.shape)
    aggregated = client.get_metric_aggregation("node_load1", ["max", "average"])
    check("api client: aggregation", aggregated and "max" in aggregated, aggregated)
finally:
    for p in started:
        p.kill()
    shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

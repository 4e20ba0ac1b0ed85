"""Peers beside bench_parquet_read: parquet_read_peer.py FILE [ROUNDS]. Each reads the whole file into memory on one thread; seconds,
best and median, one line of JSON."""

import json
import os
import statistics
import sys
import time

os.environ["POLARS_MAX_THREADS"] = "1"

import duckdb
import polars
import pyarrow
import pyarrow.parquet

path = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
pyarrow.set_cpu_count(1)
pyarrow.set_io_thread_count(1)
db = duckdb.connect()
db.execute("set threads=1")


def with_duckdb():
    result = db.execute(f"select * from '{path}'")
    return result.to_arrow_table() if hasattr(result, "to_arrow_table") else result.fetch_arrow_table()


def timed(read):
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        read()
        seconds.append(time.perf_counter() - start)
    return {"best_s": round(min(seconds), 3), "median_s": round(statistics.median(seconds), 3)}


print(json.dumps({
    "pyarrow " + pyarrow.__version__: timed(lambda: pyarrow.parquet.read_table(path, use_threads=False)),
    "polars " + polars.__version__: timed(lambda: polars.read_parquet(path)),
    "duckdb " + duckdb.__version__: timed(with_duckdb),
}))

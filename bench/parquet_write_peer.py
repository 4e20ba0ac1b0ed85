"""Writes the table of `bench_parquet_write FILE` with others, one thread each, zstd level 1, in seconds of
the processor: parquet_write_peer.py FILE [ROUNDS]"""

import os
import statistics
import sys
import time

source, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import duckdb  # noqa: E402
import polars  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

pa.set_cpu_count(1)
table = pq.read_table(source, use_threads=False)
out = source + ".peer"


def report(name, write):
    times = []
    for _ in range(rounds):
        start = time.process_time()
        write()
        times.append(time.process_time() - start)
    size = os.path.getsize(out) / 1e6
    print(f"{name:44} {statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f})  {size:6.1f} MB")


print(f"{table.num_rows} rows, medians of {rounds}")
report(f"pyarrow {pa.__version__}, no compression", lambda: pq.write_table(table, out, compression="none"))
report(f"pyarrow {pa.__version__}", lambda: pq.write_table(table, out, compression="zstd", compression_level=1))
report(
    f"pyarrow {pa.__version__}, page index",
    lambda: pq.write_table(table, out, compression="zstd", compression_level=1, write_page_index=True),
)
arrow_table = table
frame = polars.from_arrow(table)
report(f"polars {polars.__version__}", lambda: frame.write_parquet(out, compression="zstd", compression_level=1))
db = duckdb.connect(config={"threads": 1})
db.execute("CREATE TABLE t AS SELECT * FROM arrow_table")
report(f"DuckDB {duckdb.__version__} COPY", lambda: db.execute(f"COPY t TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"))
os.remove(out)

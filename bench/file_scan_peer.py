"""DuckDB beside bench_file_scan: file_scan_peer.py FILE COLUMN,COLUMN,... [FILTER [ROUNDS]]. One thread; every value is produced and looked
at once (a minimum of each column), so its figure has that little work more."""

import statistics
import sys
import time

import duckdb

path, columns = sys.argv[1], sys.argv[2].split(",")
filter = sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] else "true"
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
db = duckdb.connect()
db.execute("set threads = 1")
wall, cpu = [], []
for _ in range(rounds):
    w, c = time.perf_counter(), time.process_time()
    rows = db.execute(f"select count(*), {', '.join(f'min({c})' for c in columns)} from read_parquet('{path}') where {filter}").fetchone()[0]
    wall.append(time.perf_counter() - w)
    cpu.append(time.process_time() - c)
print(f"DuckDB {rows} rows: best {min(wall):.3f} s, median {statistics.median(wall):.3f} s; processor {statistics.median(cpu):.3f} s")

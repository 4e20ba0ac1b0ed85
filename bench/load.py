"""firn ingest --from json|csv beside DuckDB + PyIceberg and pyarrow + PyIceberg: flat rows of eight columns, types inferred, into one
committed Iceberg table, zstd, one thread each.

Usage: load.py [--firn build/firn] [--rows N] [--runs N] [--only json|csv]    (with the test environment's python)
"""
import argparse
import csv
import datetime
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("id", "ts", "user", "kind", "amount", "count", "ok", "note")


def generated(n):
    r = random.Random(2)
    start = datetime.datetime(2024, 1, 1)
    for i in range(n):
        yield (i, (start + datetime.timedelta(seconds=i * 3.7)).isoformat(timespec="milliseconds") + "Z", f"user-{r.randrange(100000):06}",
               r.choice(("click", "view", "buy", "return")), round(r.random() * 1000, 2), r.randrange(100), r.random() < 0.5,
               f"note {r.randrange(1000000)} about something, long enough")


def write_inputs(folder, n):
    with open(f"{folder}/rows.json", "w") as f, open(f"{folder}/rows.csv", "w", newline="") as g:
        w = csv.writer(g)
        w.writerow(COLUMNS)
        for row in generated(n):
            f.write(json.dumps(dict(zip(COLUMNS, row))) + "\n")
            w.writerow([str(v).lower() if isinstance(v, bool) else v for v in row])


def peer(engine, path, warehouse):
    """Runs in a process of its own: reads, writes a Parquet file, makes the table."""
    from pyiceberg.catalog.sql import SqlCatalog
    import pyarrow.parquet as pq

    import duckdb, pyarrow.csv, pyarrow.json  # noqa: so that the time below is without them

    started = time.process_time()
    shutil.rmtree(warehouse, ignore_errors=True)
    os.makedirs(warehouse)
    catalog = SqlCatalog("default", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")
    catalog.create_namespace("db")
    form = path.rsplit(".")[-1]
    if engine == "duckdb":
        con = duckdb.connect()
        con.execute("set threads=1")
        file = f"{warehouse}/rows.parquet"
        con.execute(f"copy (select * replace (ts::timestamptz as ts) from read_{form}('{path}')) to '{file}' (format parquet, compression zstd)")
        table = catalog.create_table("db.t", schema=pq.read_schema(file))
        table.add_files([f"file://{file}"])
    else:
        import pyarrow as pa

        pa.set_cpu_count(1)
        pa.set_io_thread_count(1)
        if form == "json":
            import pyarrow.json as reader
        else:
            import pyarrow.csv as reader
        rows = reader.__dict__[f"read_{form}"](path)
        at = rows.schema.get_field_index("ts")
        if rows.schema.field(at).type == pa.string():
            import pyarrow.compute as pc

            rows = rows.set_column(at, "ts", pc.strptime(pc.utf8_slice_codeunits(rows["ts"], 0, 19), "%Y-%m-%dT%H:%M:%S", "us").cast(pa.timestamp("us", "UTC")))
        rows = rows.set_column(at, "ts", rows["ts"].cast(pa.timestamp("us", "UTC")))
        table = catalog.create_table("db.t", schema=rows.schema)
        table.append(rows)
    files = table.inspect.files()
    print(sum(files["record_count"].to_pylist()), sum(files["file_size_in_bytes"].to_pylist()), time.process_time() - started)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--firn", default=os.path.join(HERE, "..", "build", "firn"))
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--only", choices=("json", "csv"))
    p.add_argument("--peer", nargs=3, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.peer:
        return peer(*args.peer)
    work = tempfile.mkdtemp(prefix="firn-bench-")

    def before(_):
        shutil.rmtree(f"{work}/firn", ignore_errors=True)
        os.makedirs(f"{work}/firn")

    try:
        write_inputs(work, args.rows)
        for form in (args.only,) if args.only else ("json", "csv"):
            path = f"{work}/rows.{form}"
            commands = {"firn": [args.firn, "ingest", "db.t", path, "--from", form, "--catalog", f"sqlite:{work}/firn/catalog.db",
                                 "--warehouse", f"{work}/firn/warehouse", "--format", "json"]}
            for engine in ("duckdb", "pyarrow"):
                commands[f"{engine} + pyiceberg"] = [sys.executable, os.path.abspath(__file__), "--peer", engine, path, f"{work}/peer"]
            results = measure.in_turn(commands, args.runs, before)
            print(f"\n{args.rows} rows, {os.path.getsize(path) / 1e6:.0f} MB of {form}, one thread, median of {args.runs}")
            measure.table(results, base="firn")
            ours = json.loads(results["firn"][0]["out"])
            sizes = [f"firn {ours['bytes-written'] / 1e6:.1f} MB"]
            for name in list(results)[1:]:
                rows, size, _ = results[name][0]["out"].split()
                cpu = statistics.median(float(r["out"].split()[2]) for r in results[name])
                assert int(rows) == ours["rows"] == args.rows
                sizes.append(f"{name} {int(size) / 1e6:.1f} MB")
                print(f"{name}: {cpu:.2f} s of processor without Python's start and imports")
            print("data files:", ", ".join(sizes))
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()

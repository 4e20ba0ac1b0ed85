"""A filter on the partition column, and on the sort column, of a table of about a hundred files: firn, and DuckDB's read_parquet over the
folder of the same files, in turn.

    sql_prune.py [--scale N] [--threads 1,2] [--runs N] [--keep FOLDER]

The tables are TPC-H's lineitem by month of l_shipdate (84 files at scale factor 1), and in the order of l_orderkey in files of about
2.5 MB (about a hundred), both written by firn. Wants what tpch.py wants."""
import argparse
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tpch  # noqa: E402

QUERIES = {
    "one month": ("lineitem", "SELECT count(*), sum(l_extendedprice) FROM {t} WHERE l_shipdate BETWEEN DATE '1994-03-01' AND DATE '1994-03-31'"),
    "one day, all columns": ("lineitem", "SELECT * FROM {t} WHERE l_shipdate = DATE '1995-06-17' ORDER BY ALL LIMIT 10"),
    "no partition tells": ("lineitem", "SELECT count(*), max(l_comment) FROM {t} WHERE l_orderkey = 3000000"),
    "count(*)": ("lineitem", "SELECT count(*) FROM {t}"),
    "min and max": ("lineitem", "SELECT min(l_shipdate), max(l_shipdate), count(l_orderkey) FROM {t}"),
    "sorted: one key": ("ordered", "SELECT count(*), max(l_comment) FROM {t} WHERE l_orderkey = 3000000"),
    "sorted: a range": ("ordered", "SELECT count(*), sum(l_quantity) FROM {t} WHERE l_orderkey BETWEEN 3000000 AND 3050000"),
}


def make(folder, data):
    if os.path.exists(f"{folder}/catalog.db"):
        return
    os.makedirs(folder, exist_ok=True)
    ours = tpch.Firn(folder, 1)
    ours.ask(
        "CREATE TABLE lineitem PARTITIONED BY (month(l_shipdate)) "
        f"AS SELECT * FROM read_parquet('{data}/lineitem.parquet') ORDER BY l_shipdate, l_orderkey"
    )
    ours.ask(
        "CREATE TABLE ordered TBLPROPERTIES ('write.target-file-size-bytes' = '2500000') "
        f"AS SELECT * FROM read_parquet('{data}/lineitem.parquet') ORDER BY l_orderkey"
    )
    ours.close()


def compare(folder, threads, runs):
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    ours = tpch.Firn(folder, threads)
    fine = True
    for name, (table, query) in QUERIES.items():
        files = f"{folder}/warehouse/tpch/{table}/data/**/*.parquet"
        peer, own = [], []
        for _ in range(runs):
            started = time.monotonic()
            rows = connection.execute(query.format(t=f"read_parquet('{files}', hive_partitioning = false)")).fetchall()
            peer.append(time.monotonic() - started)
            seconds, own_rows = ours.ask(query.format(t=table))
            own.append(seconds)
        fine = fine and tpch.equal(rows, own_rows)
        a, b = statistics.median(peer) * 1e3, statistics.median(own) * 1e3
        print(f"  {threads} threads  {name:22} DuckDB {a:8.1f} ms   firn {b:8.1f} ms   {b / a:5.2f} x"
              f"{'' if tpch.equal(rows, own_rows) else '   DIFFERENT'}")
    ours.close()
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    tpch.environment()
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(arguments.keep or temporary)
        tables = f"{folder}/months{arguments.scale}"
        make(tables, tpch.generate(folder, arguments.scale))
        fine = [compare(tables, int(n), arguments.runs) for n in arguments.threads.split(",")]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())

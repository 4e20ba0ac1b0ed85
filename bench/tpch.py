"""The 22 queries of TPC-H over firn tables, and over the same Parquet files read natively by DuckDB.

    tpch.py [--scale N] [--threads 1,2] [--runs N] [--keep FOLDER] [QUERY...]

Data comes from PyPI's tpchgen-cli and the queries from DuckDB's tpch extension (PyPI duckdb-extension-tpch), in a virtual environment
of their own below .cache. firn makes the tables itself (CREATE TABLE AS), so that both sides read what firn wrote. Answers must be
equal, row by row. Wants build/bench_sql (-DFIRN_BENCH=ON) and libduckdb (tools/setup sql)."""
import argparse
import datetime
import decimal
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
VENV = os.path.join(ROOT, ".cache", "tpch-venv")
LIBRARY = os.environ.get("FIRN_DUCKDB", os.path.join(ROOT, ".cache", "duckdb", "libduckdb.so"))
BENCH = os.path.join(ROOT, "build", "bench_sql")
TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]


def environment():
    """Runs this script again in its own environment, made when it is not there."""
    python = os.path.join(VENV, "bin", "python")
    if sys.prefix == VENV:
        return
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        wanted = ["tpchgen-cli", "duckdb==1.5.5", "duckdb-extension-tpch==1.5.5"]
        subprocess.run([python, "-m", "pip", "-q", "install", *wanted], check=True)
    os.execv(python, [python, *sys.argv])


def generate(folder, scale):
    made = os.path.join(folder, f"sf{scale}")
    if not os.path.exists(os.path.join(made, "lineitem.parquet")):
        tool = os.path.join(VENV, "bin", "tpchgen-cli")
        subprocess.run([tool, "parquet", "-s", str(scale), "--output-dir", made], check=True, stdout=subprocess.DEVNULL)
    return made


class Firn:
    """One process of bench_sql, asked one statement at a time."""

    def __init__(self, folder, threads):
        catalog = f"sqlite:{folder}/catalog.db"
        command = [BENCH, LIBRARY, catalog, f"{folder}/warehouse", "tpch", str(threads), "1"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, statement):
        self.process.stdin.write(" ".join(statement.strip().rstrip(";").split("\n")) + ";\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("bench_sql failed")
        answer = json.loads(line)
        return answer["s"][0], answer["rows"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_tables(folder, data):
    if os.path.exists(f"{folder}/catalog.db"):
        return
    os.makedirs(folder, exist_ok=True)
    started = time.monotonic()
    ours = Firn(folder, 1)
    for t in TABLES:
        ours.ask(f"CREATE TABLE {t} AS SELECT * FROM read_parquet('{data}/{t}.parquet')")
    ours.close()
    print(f"tables made in {time.monotonic() - started:.1f} s")


def native(folder, threads):
    import duckdb

    connection = duckdb.connect(config={"threads": threads, "memory_limit": "4GB"})
    extension = glob.glob(f"{VENV}/lib/python*/site-packages/duckdb_extension_tpch/extensions/v1.5.5/tpch.duckdb_extension")
    connection.execute(f"LOAD '{extension[0]}'")
    for t in TABLES:
        connection.execute(f"CREATE VIEW {t} AS SELECT * FROM read_parquet('{folder}/warehouse/tpch/{t}/data/**/*.parquet')")
    return connection


def plain(value):
    """What JSON has of a value: decimals and dates as text there, so both become numbers or text."""
    if isinstance(value, (decimal.Decimal, int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a))
    return a == b


def equal(rows, others):
    return len(rows) == len(others) and all(
        len(r) == len(o) and all(same(plain(x), plain(y)) for x, y in zip(r, o)) for r, o in zip(rows, others)
    )


def compare(folder, threads, runs, only):
    connection = native(folder, threads)
    queries = connection.execute("SELECT query_nr, query FROM tpch_queries()").fetchall()
    queries = [(n, q) for n, q in queries if not only or n in only]
    ours = Firn(folder, threads)
    totals, wrong = [0.0, 0.0], []
    for number, query in queries:
        times, own_times = [], []
        for _ in range(runs):  # in turn, for the machine is not ours alone
            started = time.monotonic()
            rows = connection.execute(query).fetchall()
            times.append(time.monotonic() - started)
            own_time, own_rows = ours.ask(query)
            own_times.append(own_time)
        peer, own = statistics.median(times), statistics.median(own_times)
        totals[0] += peer
        totals[1] += own
        if not equal(rows, own_rows):
            wrong.append(number)
        print(f"  Q{number:<2}  DuckDB {peer:6.3f} s   firn {own:6.3f} s   {own / peer:5.2f} x{'   DIFFERENT' if number in wrong else ''}")
    ours.close()
    print(f"{threads} threads: DuckDB {totals[0]:.2f} s, firn {totals[1]:.2f} s, {totals[1] / totals[0]:.2f} x, answers "
          f"{'differ in ' + str(wrong) if wrong else 'equal'}")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", help="data and tables are made here once, and found again")
    parser.add_argument("query", nargs="*", type=int)
    arguments = parser.parse_args()
    environment()
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(arguments.keep or temporary)
        tables = f"{folder}/tables{arguments.scale}"
        make_tables(tables, generate(folder, arguments.scale))
        fine = [compare(tables, int(n), arguments.runs, arguments.query) for n in arguments.threads.split(",")]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())

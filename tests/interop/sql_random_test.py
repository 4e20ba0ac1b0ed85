"""Random tables and random queries: firn sql, DuckDB on the same files and PyIceberg must agree.

PyIceberg reads the whole table and DuckDB asks its rows; DuckDB reads the table itself with its iceberg extension; firn sql does both
by itself. Arguments after the build folder: the first seed and how many (1 and 20 without; ./check --full has 300).
"""

import io
import math
import os
import sys
import uuid

import peers

try:
    import pyarrow as pa
    import random_tables
except ImportError:
    pa = random_tables = None

# What the peers cannot do, by the sentence that they say; such a query is compared with the others alone.
PEER_LIMITS = ("Not implemented", "not implemented", "Conversion Error", "Out of Range", "Invalid Input", "Binder Error", "Could not convert",
               "INTERNAL", "Overflow", "overflow", "pytz")


def plain(v):
    """Values so that equal ones have equal texts."""
    if isinstance(v, float):
        return "nan" if math.isnan(v) else repr(v + 0.0)
    if isinstance(v, dict):
        return "{" + ", ".join(f"{k}: {plain(x)}" for k, x in v.items()) + "}"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(plain(x) for x in v) + "]"
    if isinstance(v, bytes):
        return v.hex()
    if hasattr(v, "normalize") and hasattr(v, "as_tuple"):
        return format(v.normalize(), "f") if v else "0"
    return str(v)


def is_uuid(kind):
    return pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16


def bag(table):
    """The rows of an Arrow table as sorted texts."""
    lists = [[plain(uuid.UUID(bytes=v) if is_uuid(c.type) and isinstance(v, bytes) else v) for v in c.to_pylist()] for c in table.columns]
    return sorted("\t".join(row) for row in zip(*lists)) if lists else []


def ask_firn(table, statements):
    """The answer of each statement as an Arrow table; one process for all."""
    run = peers.firn("sql", "--format", "arrow", *statements, cwd=table["folder"], env={"ASAN_OPTIONS": "detect_leaks=0"})
    stream, answers = io.BytesIO(run.stdout.encode("utf-8", "surrogateescape")), []
    while stream.tell() < len(stream.getbuffer()):
        answers.append(pa.ipc.open_stream(stream).read_all())
    assert len(answers) == len(statements), (len(answers), len(statements))
    return answers


def ask_peer(db, statement, what):
    try:
        return db.execute(statement).to_arrow_table()
    except Exception as error:
        if any(limit in str(error) for limit in PEER_LIMITS):
            return None
        raise AssertionError(f"{what}: {statement}: {error}") from error


def compare(seed, statement, ours, theirs, who):
    a, b = bag(ours), bag(theirs)
    if a != b:
        only_ours = sorted(set(a) - set(b))[:3]
        only_theirs = sorted(set(b) - set(a))[:3]
        raise AssertionError(f"seed {seed}: {statement}\n  firn: {len(a)} rows, {who}: {len(b)}\n  only firn's: {only_ours}\n  only {who}'s: {only_theirs}")


def check_table(seed, folder, counts):
    home = os.path.join(folder, str(seed))
    os.mkdir(home)
    peers.firn("table", "list", cwd=home, status=None)
    peers.firn("sql", "create namespace r", cwd=home, status=None)
    os.makedirs(os.path.join(home, "firn-data", "warehouse"), exist_ok=True)
    with open(os.path.join(home, "firn-data", "FORMAT"), "w", encoding="utf-8") as f:
        f.write("1\n")
    catalog = peers.pyiceberg_catalog(os.path.join(home, "firn-data"))
    catalog.create_namespace_if_not_exists("r")
    table = random_tables.Maker(seed, catalog, "r.t").make()
    statements = random_tables.queries(seed, table.schema())
    db = peers.duckdb()
    db.execute("SET TimeZone = 'UTC'")
    # Into a table: on Arrow itself DuckDB lets Arrow filter, which thinks otherwise of NaN and -0.0.
    db.register("arrow_of_pyiceberg", table.scan().to_arrow())
    db.execute("CREATE TABLE from_pyiceberg AS SELECT * FROM arrow_of_pyiceberg")
    answers = ask_firn({"folder": home}, [s.format(t="r.t") for s in statements])
    for statement, ours in zip(statements, answers):
        agreed = False
        for who, name in (("PyIceberg", "from_pyiceberg"), ("DuckDB", f"iceberg_scan('{table.metadata_location}')")):
            theirs = ask_peer(db, statement.format(t=name), who)
            if theirs is None:
                continue
            if who == "DuckDB" and agreed and bag(ours) != bag(theirs):
                # Two of three agree. Its iceberg extension passes over files of times before 1970, and of NaN, by wrong bounds.
                counts["DuckDB alone"] = counts.get("DuckDB alone", 0) + 1
                print(f"seed {seed}: DuckDB stands alone: {statement}", flush=True)
                continue
            compare(seed, statement, ours, theirs, who)
            agreed = True
            counts[who] = counts.get(who, 0) + 1
    counts["queries"] = counts.get("queries", 0) + len(statements)
    snapshots = table.metadata.snapshots
    for snapshot in snapshots[:-1][:3]:
        ours = ask_firn({"folder": home}, [f"select id from r.t for version as of {snapshot.snapshot_id}"])[0]
        compare(seed, f"version {snapshot.snapshot_id}", ours, table.scan(snapshot_id=snapshot.snapshot_id, selected_fields=("id",)).to_arrow(), "PyIceberg")
    db.close()


def random_tables_agree(folder):
    peers.need("pyarrow", "pyiceberg", "duckdb")
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    counts, failed = {}, []
    for seed in range(first, first + n):
        try:
            check_table(seed, folder, counts)
        except AssertionError as error:
            failed.append(str(error))
            print(f"seed {seed} FAILED: {error}", flush=True)
    print(f"seeds {first} to {first + n - 1}: {counts}, {len(failed)} failed")
    assert not failed, f"{len(failed)} tables differ"
    assert counts.get("DuckDB alone", 0) <= max(5, counts["queries"] // 100), "DuckDB's own faults are rarer than that"


if __name__ == "__main__":
    peers.run(random_tables_agree)

"""Filters that other engines answer by the statistics, page indexes and bloom filters of files that firn wrote: a bound that is wrong, or
a filter that denies what is there, shows as rows that are lost. What an engine finds by a filter is compared with the rows themselves.
The build folder is the argument; a number after it: the seed of the first table."""

import json
import os
import random
import subprocess
import sys

import peers

COUNT = 30
FIRST = int(sys.argv[2]) if len(sys.argv) > 2 else 0
SIGNS = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def tables(folder):
    """Seed, path and rows of each, and the columns that filters are asked of."""
    run = subprocess.run([os.path.join(peers.BUILD, "parquet_make"), folder, str(FIRST), str(COUNT)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    for seed in range(FIRST, FIRST + COUNT):
        with open(os.path.join(folder, f"{seed}.json")) as f:
            about = json.load(f)
        fields = [f for f in about["schema"]["children"] if f["kind"] in KINDS]
        for field in fields:
            field["has_filter"] = about["options"].get(field["name"], {}).get("bloom_filter", False)
        yield seed, os.path.join(folder, f"{seed}.parquet"), fields


KINDS = ("int", "long", "string", "binary", "float", "double", "date", "timestamp", "decimal", "boolean")


def questions(seed, table, fields):
    """(column, sign, value, how many rows there are), the answer counted over the whole table by pyarrow, without statistics."""
    import pyarrow as pa
    import pyarrow.compute as pc

    compare = {"==": pc.equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}
    r = random.Random(seed)
    for field in fields:
        column = table.column(field["name"])
        real = field["kind"] in ("float", "double")
        there = column.drop_null().unique()
        if real:  # engines differ in where NaN stands
            there = there.filter(pc.invert(pc.is_nan(there)))
        if len(there) == 0:
            continue
        # The ends of a column are where a bound may be one too small; those of text are cut.
        order = pc.sort_indices(there)
        picks = {0, 1, len(there) - 2, len(there) - 1} | {r.randrange(len(there)) for _ in range(3)}
        for pick in sorted(p for p in picks if 0 <= p < len(there)):
            value = there[order[pick].as_py()]
            for sign in ("==", "<", "<=") if real else SIGNS:
                answer = compare[sign](column, pa.scalar(value.as_py(), column.type))
                yield field, sign, value, pc.sum(answer).as_py() or 0


def pyarrow_loses_no_rows_by_filters(folder):
    peers.need("pyarrow")
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    n = 0
    for seed, path, fields in tables(folder):
        table, data = pq.ParquetFile(path).read(), ds.dataset(path, format="parquet")
        compare = {"==": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
        for field, sign, value, wanted in questions(seed, table, fields):
            got = data.count_rows(filter=getattr(pc.field(field["name"]), compare[sign])(value))
            # Where statistics say that all numbers of a row group are in, pyarrow counts its NaN too.
            too_many = got > wanted and field["kind"] in ("float", "double")
            assert got == wanted or too_many, f"seed {seed}: {field['name']} ({field['kind']}) {sign} {value}: {got} rows, not {wanted}"
            n += 1
    assert n > COUNT * 5, n


def duckdb_loses_no_rows_by_filters(folder):
    peers.need("pyarrow")
    import pyarrow.parquet as pq

    db, n = peers.duckdb(), 0
    db.execute("SET TimeZone = 'UTC'")
    for seed, path, fields in tables(folder):
        table = pq.ParquetFile(path).read()
        for field, sign, value, wanted in questions(seed, table, fields):
            if field["kind"] == "binary" and field["has_filter"]:
                continue  # DuckDB 1.5 looks for the hash of a blob's text, escapes and all: it loses rows of its own files too
            name = field["name"].replace('"', '""')
            query = f"""SELECT count("{name}") FROM read_parquet(?) WHERE "{name}" {SIGNS[sign]} ?"""
            try:
                value = value.as_py()
            except (ValueError, OverflowError):  # a year that Python does not know
                continue
            got = db.execute(query, [path, value]).fetchone()[0]
            assert got == wanted, f"seed {seed}: {field['name']} ({field['kind']}) {sign} {value!r}: {got} rows, not {wanted}"
            n += 1
    assert n > COUNT * 5, n


def polars_loses_no_rows_by_filters(folder):
    peers.need("polars", "pyarrow")
    import polars
    import pyarrow.parquet as pq

    n = 0
    for seed, path, fields in tables(folder):
        table = pq.ParquetFile(path).read()
        for field, sign, value, wanted in questions(seed, table, fields):
            if field["kind"] in ("decimal", "float"):  # a Python value is no decimal or float of the column's own width
                continue
            try:
                value = value.as_py()
            except (ValueError, OverflowError):
                continue
            column = polars.col(field["name"])
            asked = {"==": column == value, "<": column < value, "<=": column <= value, ">": column > value, ">=": column >= value}[sign]
            try:
                got = polars.scan_parquet(path).select(field["name"]).filter(asked).collect().height
            except polars.exceptions.PolarsError as why:  # a type of another column that it does not know
                assert "not supported" in str(why) or "not implemented" in str(why), f"seed {seed}: {why}"
                break
            assert got == wanted, f"seed {seed}: {field['name']} ({field['kind']}) {sign} {value!r}: {got} rows, not {wanted}"
            n += 1
    assert n > COUNT * 3, n


if __name__ == "__main__":
    peers.run(pyarrow_loses_no_rows_by_filters, duckdb_loses_no_rows_by_filters, polars_loses_no_rows_by_filters)

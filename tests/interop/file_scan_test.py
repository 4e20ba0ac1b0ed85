"""Filters on Parquet files of pyarrow, DuckDB and polars: firn skips row groups, pages and rows, and hands out just the rows that DuckDB
finds in the same table in memory. file_scan_tool compares skipping with not skipping, value by value. Each file and its filters come of
a seed that a failure names. The build folder is the argument; a number after it: so many files more."""

import datetime
import decimal
import json
import math
import os
import random
import struct
import subprocess
import sys

import peers

D = decimal.Decimal
COUNT = 14
MORE = int(sys.argv[2]) if len(sys.argv) > 2 else 0
FILTERS = 24


def ask(path, filters, batch_rows=0):
    tool = os.path.join(peers.BUILD, "file_scan_tool")
    run = subprocess.run([tool, path, str(batch_rows)], input="\n".join(filters) + "\n", capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr[-4000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


# ---- tables ----

EPOCH = datetime.datetime(1970, 1, 1)


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def makers():
    """Name, Arrow type, and a value from a random source and a number that grows along the file."""
    import pyarrow as pa

    def real(r, at):
        return r.choice((r.choice((0.0, -0.0, math.nan, math.inf, -math.inf, 1e300)), at / 7, at / 7, at / 7, r.uniform(-5, 5)))

    def text(r, at):
        return r.choice(("", "a", f"k{at:06d}", f"k{at:06d}", "prefix-" * 20 + f"{at:05d}", "\U0010ffff" * 3, "\ud7ff\uffff", f"ü{at % 7}"))

    return [
        ("i", pa.int32(), lambda r, at: at + r.randrange(-3, 4)),
        ("n", pa.int64(), lambda r, at: r.choice((at, -at, at << 33, -(2**63), 2**63 - 1, r.randrange(100)))),
        ("f", pa.float32(), lambda r, at: float32(min(max(real(r, at), -1e30), 1e30))),
        ("d", pa.float64(), real),
        ("s", pa.string(), text),
        ("low", pa.string(), lambda r, at: f"kind-{at // 400}"),
        ("b", pa.bool_(), lambda r, at: (at // 700) % 2 == 0),
        ("day", pa.date32(), lambda r, at: (EPOCH + datetime.timedelta(days=at * 3 - 4000)).date()),
        ("ts", pa.timestamp("us"), lambda r, at: EPOCH + datetime.timedelta(microseconds=at * 86_400_000_123 - 10**14)),
        ("dec", pa.decimal128(9, 2), lambda r, at: D(at * 10 - 7000) / 100),
        ("wide", pa.decimal128(30, 4), lambda r, at: D(at - 500) * D("1000000000000.0001")),
    ]


def random_table(r):
    import pyarrow as pa

    n = r.choice((1, 50, 1500, 4000))
    columns, fields = [], []
    for name, kind, make in r.sample(makers(), r.randrange(3, 9)):
        style, nulls = r.choice(("clustered", "clustered", "random", "constant")), r.choice((0, 0, 0.03, 0.9))
        empty = range(*sorted((r.randrange(n + 1), r.randrange(n + 1)))) if r.random() < 0.3 else ()
        values = []
        for i in range(n):
            at = {"clustered": i, "random": r.randrange(n), "constant": 7}[style]
            values.append(None if i in empty or r.random() < nulls else make(r, at))
        columns.append(pa.array(values, kind))
        fields.append((name, kind))
    if r.random() < 0.6:  # a struct that may be null, around a number
        values = [None if r.random() < 0.1 else {"x": i, "y": f"y{i % 5}"} if r.random() < 0.9 else {"x": None, "y": None} for i in range(n)]
        kind = pa.struct([("x", pa.int32()), ("y", pa.string())])
        columns.append(pa.array(values, kind))
        fields.append(("st", kind))
    if r.random() < 0.6:  # and a list, which is read around what is skipped
        kind = pa.list_(pa.int64())
        columns.append(pa.array([None if i % 11 == 0 else list(range(i, i + i % 4)) for i in range(n)], kind))
        fields.append(("l", kind))
    return pa.Table.from_arrays(columns, schema=pa.schema([pa.field(*f) for f in fields]))


# ---- filters, as firn and as DuckDB say them ----


def literal(value):
    """For firn and for DuckDB."""
    if isinstance(value, bool):
        return str(value).lower(), str(value).lower()
    if isinstance(value, float):
        return repr(value), f"{value!r}::double"
    if isinstance(value, (datetime.datetime, datetime.date)):
        kind = "timestamp" if isinstance(value, datetime.datetime) else "date"
        return f"'{value.isoformat()}'", f"{kind} '{value.isoformat(' ') if kind == 'timestamp' else value.isoformat()}'"
    if isinstance(value, str):
        quoted = "'" + value.replace("'", "''") + "'"
        return quoted, quoted
    if isinstance(value, D):
        return f"{value:f}", f"{value:f}::decimal(38, 4)"
    return str(value), f"({value})::bigint"


def term(name, kind):
    import pyarrow as pa

    column = ".".join(f'"{part}"' for part in name.split("."))
    return f"{column}::double" if pa.types.is_floating(kind) else column


class Filters:
    def __init__(self, r, table):
        import pyarrow as pa

        self.r, self.leaves = r, []
        for field in table.schema:
            if pa.types.is_struct(field.type):
                column = table.column(field.name).combine_chunks()
                self.leaves += [(f"{field.name}.{f.name}", f.type, self.values(column.field(f.name))) for f in field.type]
                self.leaves.append((field.name, None, []))
            elif pa.types.is_list(field.type):
                self.leaves.append((field.name, None, []))
            else:
                self.leaves.append((field.name, field.type, self.values(table.column(field.name).combine_chunks())))

    def values(self, column):
        """Some that are there, the ends among them, and some beside them."""
        there = [v for v in (column[self.r.randrange(len(column))].as_py() for _ in range(12)) if v is not None]
        there = [v for v in there if not (isinstance(v, float) and (math.isnan(v) or math.isinf(v)))]
        more = []
        for v in there:
            if isinstance(v, bool):
                more.append(not v)
            elif isinstance(v, int) and abs(v) < 2**62:
                more += [v + 1, v * 2 + 1]
            elif isinstance(v, float) and v != 0:
                more.append(v + 0.25)
            elif isinstance(v, str):
                more += [v + "a", v[:3]]
            elif isinstance(v, D):
                more.append(v + D("0.01"))
            elif isinstance(v, datetime.date):
                more.append(v + datetime.timedelta(days=1))
        return there * 2 + more

    def atom(self):
        """Firn's text, DuckDB's."""
        import pyarrow as pa

        r = self.r
        name, kind, values = r.choice(self.leaves)
        column = term(name, kind) if kind is not None else f'"{name}"'
        what = r.choice(("compare", "compare", "compare", "compare", "in", "null", "nan", "like"))
        if not values or what == "null":
            negated = "not " if r.random() < 0.5 else ""
            return f"{name} is {negated}null", f"{column} is {negated}null"
        if what == "nan" and pa.types.is_floating(kind):
            negated = r.random() < 0.5
            return (f"{name} is not nan", f"not coalesce(isnan({column}), false)") if negated else (f"{name} is nan", f"coalesce(isnan({column}), false)")
        if what == "like" and pa.types.is_string(kind):
            prefix = r.choice(values)[: r.choice((0, 1, 4, 200))]
            if "%" in prefix or "_" in prefix:
                prefix = ""
            mine, theirs = literal(prefix + "%")[0], literal(prefix)[1]
            if r.random() < 0.3:
                return f"{name} not like {mine}", f"(not starts_with({column}, {theirs}) or {column} is null)"
            return f"{name} like {mine}", f"starts_with({column}, {theirs})"
        if what == "in":
            picked = [literal(r.choice(values)) for _ in range(r.choice((1, 2, 5, 20)))]
            mine, theirs = ", ".join(p[0] for p in picked), ", ".join(p[1] for p in picked)
            if r.random() < 0.3:
                return f"{name} not in ({mine})", f"({column} not in ({theirs}) or {column} is null)"
            return f"{name} in ({mine})", f"{column} in ({theirs})"
        sign = r.choice(("=", "=", "<", "<=", ">", ">=", "!="))
        mine, theirs = literal(r.choice(values))
        sql = f"{column} {sign} {theirs}"
        return f"{name} {sign} {mine}", f"({sql} or {column} is null)" if sign == "!=" else sql

    def make(self, depth):
        if depth == 0 or self.r.random() < 0.3:
            return self.atom()
        join = self.r.choice((" and ", " or "))
        a, b = self.make(depth - 1), self.make(depth - 1)
        return f"({a[0]}{join}{b[0]})", f"({a[1]}{join}{b[1]})"


# ---- the comparison ----


def each_seed(folder, write, count):
    import duckdb
    import pyarrow as pa

    db = duckdb.connect()
    db.execute("set threads = 1")
    n_rows, n_groups, n_pages = 0, 0, 0
    for seed in range(count + MORE):
        r = random.Random(seed)
        path = os.path.join(folder, "t.parquet")
        table = random_table(r)
        options = write(r, table, path)
        make = Filters(r, table)
        filters = [make.make(r.choice((0, 0, 1, 1, 2, 3))) for _ in range(FILTERS)]
        what = f"seed {seed}, {table.num_rows} rows, {options}"
        try:
            answers = ask(path, [f[0] for f in filters], r.choice((0, 7, 2048)))
        except AssertionError as why:
            raise AssertionError(f"{what}: {why}") from None
        db.register("given", table.append_column("row number", pa.array(range(table.num_rows), pa.int64())))
        db.execute("create or replace table t as select * from given")  # over Arrow itself NaN would be compared by pyarrow
        for (mine, theirs), got in zip(filters, answers):
            wanted = [row[0] for row in db.execute(f'select "row number" from t where {theirs} order by 1').fetchall()]
            if got["rows"] != wanted:
                first = min(set(got["rows"]) ^ set(wanted))
                raise AssertionError(f"{what}: {mine}: {len(got['rows'])} rows, not {len(wanted)}; first {first}: {table.slice(first, 1).to_pylist()}")
            n_rows, n_groups, n_pages = n_rows + len(wanted), n_groups + got["row_groups"][1], n_pages + got["pages"][1]
    return n_rows, n_groups, n_pages


def filters_on_files_of_pyarrow_find_the_rows(folder):
    peers.need("pyarrow", "duckdb")
    import pyarrow.parquet as pq

    def write(r, table, path):
        bloom = [n for n, t in zip(table.column_names, table.schema.types) if n not in ("b", "st", "l") and r.random() < 0.5]
        options = {
            "compression": r.choice(("none", "snappy", "zstd")),
            "data_page_version": r.choice(("1.0", "2.0")),
            "use_dictionary": r.random() < 0.6,
            "data_page_size": r.choice((100, 1000, 1 << 20)),
            "write_batch_size": r.choice((3, 64, 1024)),
            "max_rows_per_page": r.choice((20, 130, 20000)),
            "row_group_size": r.choice((100, 1000, 1 << 20, 1 << 20)) if table.num_rows > 60 else 3,
            "write_page_index": r.random() < 0.8,
            "write_statistics": r.random() < 0.8,
            "use_deprecated_int96_timestamps": r.random() < 0.1,
            "bloom_filter_options": {n: {"ndv": 100, "fpp": 0.01} for n in bloom} if r.random() < 0.5 else None,
            "store_schema": False,
        }
        pq.write_table(table, path, **options)
        return options

    n_rows, n_groups, n_pages = each_seed(folder, write, COUNT)
    assert n_rows > 1000 and n_groups > 100 and n_pages > 1000, (n_rows, n_groups, n_pages)


def filters_on_files_of_duckdb_find_the_rows(folder):
    peers.need("pyarrow", "duckdb")
    import duckdb

    db = duckdb.connect()

    def write(r, table, path):
        codec, limit = r.choice(("uncompressed", "snappy", "zstd")), r.choice((1, 50, 100000))
        db.register("given", table)
        db.execute(f"copy given to '{path}' (format parquet, compression {codec}, row_group_size 2048, dictionary_size_limit {limit})")
        return codec, limit

    n_rows, n_groups, _ = each_seed(folder, write, COUNT)
    assert n_rows > 1000 and n_groups > 30, (n_rows, n_groups)


def filters_on_files_of_polars_find_the_rows(folder):
    peers.need("polars", "pyarrow", "duckdb")
    import polars

    def write(r, table, path):
        options = {
            "compression": r.choice(("uncompressed", "snappy", "zstd")),
            "row_group_size": r.choice((50, 500, 5000)),
            "data_page_size": r.choice((100, 3000, 1 << 20)),
            "statistics": r.choice((True, False, "full")),
        }
        polars.from_arrow(table).write_parquet(path, **options)
        return options

    n_rows, n_groups, _ = each_seed(folder, write, COUNT)
    assert n_rows > 1000 and n_groups > 30, (n_rows, n_groups)


def filters_skip_no_rows_of_foreign_files(folder):
    """Whatever the statistics of old and odd writers say: skipping gives the rows that come without. Their values are compared elsewhere."""
    peers.need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    root, read, matched, skipped = peers.shared_data(), 0, 0, 0
    for place in ("parquet-testing/data", "arrow-testing/data/parquet", "iceberg", "duckdb-iceberg"):
        for below, _, names in sorted(os.walk(os.path.join(root, place))):
            for name in sorted(n for n in names if n.endswith(".parquet")):
                path = os.path.join(below, name)
                try:
                    table = pq.ParquetFile(path).read()
                    plain = [f.name for f in table.schema if is_askable(f) and table.schema.names.count(f.name) == 1]
                    if not 0 < table.num_rows < 20000 or not plain or not all(n.replace("_", "").isalnum() for n in plain):
                        continue
                    make = Filters(random.Random(len(path)), table.select(plain))
                except (OSError, pa.ArrowException, NotImplementedError, ValueError, OverflowError):
                    continue  # not for pyarrow
                run = subprocess.run([os.path.join(peers.BUILD, "file_scan_tool"), path], input="true\n", capture_output=True, text=True)
                if run.returncode != 0:
                    assert "UNSUPPORTED" in run.stderr or "CORRUPT" in run.stderr or "INVALID" in run.stderr, f"{path}: {run.stderr[-2000:]}"
                    continue
                try:
                    answers = ask(path, [make.make(r)[0] for r in (0,) * 9 + (1, 2)])
                except AssertionError as why:
                    raise AssertionError(f"{path}: {why}") from None
                read, matched = read + 1, matched + sum(len(a["rows"]) for a in answers)
                skipped += sum(a["row_groups"][1] for a in answers)
    assert read >= 40 and matched > 1000 and skipped > 50, (read, matched, skipped)
    print(f"{read} files, {skipped} row groups skipped")


def is_askable(field):
    import pyarrow as pa

    kind = field.type
    return (pa.types.is_integer(kind) and not pa.types.is_uint64(kind)) or pa.types.is_string(kind) or kind in (
        pa.bool_(), pa.float32(), pa.float64(), pa.date32(), pa.timestamp("us"))


if __name__ == "__main__":
    peers.run(filters_skip_no_rows_of_foreign_files, filters_on_files_of_pyarrow_find_the_rows, filters_on_files_of_duckdb_find_the_rows, filters_on_files_of_polars_find_the_rows)

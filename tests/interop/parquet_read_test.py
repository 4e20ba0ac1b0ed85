"""The Parquet reader, value by value against pyarrow: files of every type, written by pyarrow, polars and DuckDB with every page version,
codec and encoding that is read; whole, by ranges of rows, row by row. And every Parquet file of ../shared/testdata is named as read or
refused with its sentence (foreign_files_test.py compares their values). The build folder is the argument."""

import datetime
import decimal
import json
import os
import random
import subprocess

import peers
import values

D = decimal.Decimal
decimal.getcontext().prec = 60


def dump(path, *words):
    """Schema and rows as the dumper shows them, or the sentence of the refusal. A crash fails the test."""
    run = subprocess.run([os.path.join(peers.BUILD, "parquet_dump"), path, *map(str, words)], capture_output=True, timeout=300)
    assert run.returncode in (0, 1), f"{path}: exit {run.returncode}\n{run.stderr.decode('utf-8', 'replace')[-4000:]}"
    if run.returncode == 1:
        said = run.stderr.decode("utf-8", "replace").splitlines()[-1]
        assert said.startswith("FIRN_"), f"{path}: {said}"
        return None, said
    lines = run.stdout.decode("utf-8", "surrogateescape").splitlines()
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]


def wanted_rows(table):
    columns = [column.combine_chunks() for column in table.columns]
    columns = [c.chunk(0) if hasattr(c, "chunk") and c.num_chunks else c for c in columns]
    return [[values.from_arrow(c, i) for c in columns] for i in range(table.num_rows)]


def check_same(path, got, wanted, what):
    assert not isinstance(got, str), f"{path} {what}: {got}"
    assert len(got) == len(wanted), f"{path} {what}: {len(got)} rows, not {len(wanted)}"
    for i, (have, want) in enumerate(zip(got, wanted)):
        assert values.same(have, want), f"{path} {what}: row {i}: {[(h, w) for h, w in zip(have, want) if not values.same(h, w)][:3]}"


def check_file(path, wanted, seed=0):
    """Whole, some ranges, some single rows."""
    check_same(path, dump(path)[1], wanted, "whole")
    r = random.Random(seed)
    n = len(wanted)
    for _ in range(4 if n else 0):
        first = r.randrange(n)
        count = r.randrange(1, n - first + 1)
        check_same(path, dump(path, "rows", first, count)[1], wanted[first:first + count], f"rows {first} and {count}")
    rows = sorted(r.sample(range(n), min(n, 12)))
    check_same(path, dump(path, "row", *rows)[1], [wanted[i] for i in rows], f"row {rows}")


def random_table(r, n):
    """Every type that has a kind, nulls in runs and alone, repeating and distinct values, nested in every way."""
    import pyarrow as pa

    def some(make, nulls=0.2):
        out = []
        while len(out) < n:
            run = r.choice((1, 1, 2, 40))
            value = None if r.random() < nulls else make()
            out += [value] * run if r.random() < 0.3 else [None if r.random() < nulls else make() for _ in range(run)]
        return out[:n]

    text = lambda: r.choice(("", "a", "snow", "névé", "x" * 300)) + (str(r.random()) if r.random() < 0.5 else "")
    number = lambda bits: lambda: r.choice((0, 1, -1, 2**(bits - 1) - 1, -2**(bits - 1), r.randrange(-100, 100)))
    unsigned = lambda bits: lambda: r.choice((0, 1, 2**bits - 1, r.randrange(100)))
    moment = lambda: datetime.datetime(1, 1, 1) + datetime.timedelta(microseconds=r.randrange(9998 * 365 * 86400 * 10**6))
    dec = lambda p, s: lambda: D(r.choice((0, 1, -1, 10**p - 1, 1 - 10**p, r.randrange(10**p)))).scaleb(-s)
    lists = lambda make: lambda: [None if r.random() < 0.2 else make() for _ in range(r.choice((0, 1, 2, 3, 30)))]
    point = lambda: {"x": None if r.random() < 0.3 else r.random(), "tags": r.choice((None, [], ["t", None], [text()]))}
    point_type = pa.struct([("x", pa.float64()), ("tags", pa.list_(pa.string()))])
    some_map = lambda: [(f"k{i}", r.choice((None, i))) for i in range(r.randrange(4))]
    columns = {
        "b": pa.array(some(lambda: r.random() < 0.5)),
        "required": pa.array([r.randrange(10) for _ in range(n)], pa.int32()),
        "i8": pa.array(some(number(8)), pa.int8()),
        "i16": pa.array(some(number(16)), pa.int16()),
        "i32": pa.array(some(number(32)), pa.int32()),
        "i64": pa.array(some(number(64)), pa.int64()),
        "u8": pa.array(some(unsigned(8)), pa.uint8()),
        "u16": pa.array(some(unsigned(16)), pa.uint16()),
        "u32": pa.array(some(unsigned(32)), pa.uint32()),
        "f16": pa.array(some(lambda: r.choice((0.0, -1.5, 65504.0, 6e-8))), pa.float16()),
        "f32": pa.array(some(lambda: r.choice((0.0, -0.0, float("nan"), r.random()))), pa.float32()),
        "f64": pa.array(some(lambda: r.choice((1e300, float("-inf"), r.random())))),
        "date": pa.array(some(lambda: moment().date())),
        "ms": pa.array(some(lambda: moment().replace(microsecond=1000)), pa.timestamp("ms")),
        "us": pa.array(some(moment), pa.timestamp("us", "UTC")),
        "ns": pa.array(some(number(64)), pa.int64()).cast(pa.timestamp("ns")),
        "t_ms": pa.array(some(lambda: moment().replace(microsecond=7000).time()), pa.time32("ms")),
        "t_us": pa.array(some(lambda: moment().time()), pa.time64("us")),
        "d9": pa.array(some(dec(9, 2)), pa.decimal128(9, 2)),
        "d18": pa.array(some(dec(18, 0)), pa.decimal128(18, 0)),
        "d38": pa.array(some(dec(38, 10)), pa.decimal128(38, 10)),
        "text": pa.array(some(text)),
        "few": pa.array(some(lambda: r.choice(("red", "green", "blue")))),
        "bin": pa.array(some(lambda: r.randbytes(r.randrange(20)))),
        "fix": pa.array(some(lambda: r.randbytes(5)), pa.binary(5)),
        "nothing": pa.nulls(n),
        "all_null": pa.array([None] * n, pa.string()),
        "list": pa.array(some(lists(number(32))), pa.list_(pa.int32())),
        "texts": pa.array(some(lists(text)), pa.list_(pa.string())),
        "bits": pa.array(some(lists(lambda: r.random() < 0.5)), pa.list_(pa.bool_())),
        "point": pa.array(some(point), point_type),
        "points": pa.array(some(lists(point)), pa.list_(point_type)),
        "map": pa.array(some(some_map), pa.map_(pa.string(), pa.int64())),
        "deep": pa.array(some(lists(lists(lists(text)))), pa.list_(pa.list_(pa.list_(pa.string())))),
    }
    nullable = lambda name: name != "required"
    schema = pa.schema([pa.field(k, c.type, nullable=nullable(k)) for k, c in columns.items()])
    return pa.Table.from_arrays(list(columns.values()), schema=schema)


def files_of_pyarrow_have_equal_values(folder):
    peers.need("pyarrow")
    import pyarrow.parquet as pq

    codecs = ("none", "snappy", "gzip", "zstd", "brotli", "lz4")
    path = os.path.join(folder, "t.parquet")
    for seed in range(14):
        r = random.Random(seed)
        n = r.choice((0, 1, 63, 500, 1500))
        table = random_table(r, n)
        options = {
            "compression": codecs[seed % len(codecs)],
            "data_page_version": r.choice(("1.0", "2.0")),
            "use_dictionary": r.choice((True, False, ["few", "text", "list.list.element"])),
            "dictionary_pagesize_limit": r.choice((100, 1 << 20)),
            "data_page_size": r.choice((1, 500, 1 << 20)),
            "write_batch_size": r.choice((1, 7, 1024)),
            "row_group_size": r.choice((max(1, n // 3), 1 << 20)),
            "write_page_index": r.random() < 0.7,
            "write_page_checksum": r.random() < 0.5,
            "use_compliant_nested_type": r.random() < 0.5,
            "store_schema": False,
        }
        pq.write_table(table, path, **options)
        try:
            # float16 reads as float and times in milliseconds as microseconds: the JSON is the same but for its digits
            check_file(path, wanted_rows(widened(table)), seed)
        except AssertionError as why:
            raise AssertionError(f"seed {seed}, {n} rows, {options}: {why}") from None


def widened(table):
    import pyarrow as pa

    for name, kind in (("f16", pa.float32()), ("ms", pa.timestamp("us")), ("t_ms", pa.time64("us"))):
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    return table


def files_of_duckdb_and_polars_have_equal_values(folder):
    peers.need("duckdb", "polars", "pyarrow")
    import duckdb
    import polars
    import pyarrow.parquet as pq

    path = os.path.join(folder, "t.parquet")
    query = """select i, case when i % 7 = 0 then null else 'row ' || (i % 100) end as t, i / 3.0 as f, (i * 1.25)::decimal(18, 2) as d,
        timestamp '2020-01-01' + interval (i) hour as ts, [i, null, i + 1] as l, {'a': i, 'b': ['x', null]} as s, map {i::varchar: i} as m,
        uuid() as u, (i % 3 = 0) as b, i::utinyint % 200 as small from range(5000) r(i)"""
    db = duckdb.connect()
    for codec in ("uncompressed", "snappy", "zstd", "gzip", "brotli", "lz4_raw"):
        db.execute(f"copy ({query.replace('i::utinyint % 200', '(i % 200)::utinyint')}) to '{path}' (format parquet, compression {codec}, row_group_size 2048)")
        check_file(path, wanted_rows(pq.read_table(path)))
    frame = polars.DataFrame({"a": [1, None, 3] * 500, "t": ["x", "yy", None] * 500, "l": [[1, 2], [], None] * 500, "s": [{"p": 1}, {"p": None}, None] * 500})
    for codec in ("uncompressed", "zstd", "lz4", "snappy"):
        frame.write_parquet(path, compression=codec, row_group_size=400, data_page_size=1000)
        check_file(path, wanted_rows(pq.read_table(path)))


def decimals_of_any_storage_have_equal_values(folder):
    peers.need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = os.path.join(folder, "t.parquet")
    for as_integer in (False, True):
        for precision in range(1, 39):
            column = [D(10**precision - 1), None, D(1 - 10**precision), D(0), D(-1)] * 5
            table = pa.table({"d": pa.array(column, pa.decimal128(precision, 0))})
            pq.write_table(table, path, store_decimal_as_integer=as_integer, use_dictionary=precision % 2 == 0)
            check_same(path, dump(path)[1], [[None if v is None else str(v)] for v in column], f"decimal({precision})")


def every_foreign_file_is_read_or_refused_by_a_sentence(folder):
    root = peers.shared_data()
    outcomes = {}
    for place, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(place, name)
            with open(path, "rb") as f:
                if f.read(4) not in (b"PAR1", b"PARE"):
                    continue
            shown = os.path.relpath(path, root)
            schema, got = dump(path)
            outcomes[shown] = "read" if schema else got
            print(f"  {shown}: {'%d rows' % len(got) if schema else got}")
    bad = {name: what for name, what in outcomes.items() if "bad_data" in name or "corrupt" in name}
    assert len(outcomes) > 200 and len(bad) >= 5, (len(outcomes), bad)
    may_be_read = {"parquet-testing/bad_data/ARROW-GH-41317.parquet"}
    assert all(what != "read" for name, what in bad.items() if name not in may_be_read), bad
    n_read = sum(what == "read" for what in outcomes.values())
    print(f"  {n_read} files are read, {len(outcomes) - n_read} refused")
    unread = ("DELTA_", "BYTE_STREAM_SPLIT", "LZ4 of Hadoop", "LZO", "encrypted")
    for name, what in outcomes.items():
        if what.startswith("FIRN_UNSUPPORTED") and "fuzzing" not in name:
            assert any(word in what for word in unread), f"{name}: {what}"
        if what.startswith("FIRN_CORRUPT"):
            assert any(word in name for word in ("bad_data", "fuzzing", "corrupt", "INVALID")), f"{name}: {what}"


if __name__ == "__main__":
    peers.run(files_of_pyarrow_have_equal_values, files_of_duckdb_and_polars_have_equal_values, decimals_of_any_storage_have_equal_values,
              every_foreign_file_is_read_or_refused_by_a_sentence)

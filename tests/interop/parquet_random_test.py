"""Tables of random nested types, written by pyarrow, DuckDB and polars in every shape of page, are read by firn as they were: whole, by
ranges of rows, row by row. The types nest lists, structs and maps in each other, with required parts inside optional ones and with
nulls and emptiness at every level. Every file comes of a seed that a failure names. The build folder is the argument; a number after
it: so many files more."""

import datetime
import decimal
import json
import os
import random
import subprocess
import sys

import peers
import values

D = decimal.Decimal
EPOCH = datetime.datetime(1970, 1, 1)
COUNT = 24
MORE = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def dump(path, *words):
    run = subprocess.run([os.path.join(peers.BUILD, "parquet_dump"), path, *map(str, words)], capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr.decode("utf-8", "replace")[-4000:]
    return [json.loads(line) for line in run.stdout.decode("utf-8").splitlines()[1:]]


def shown(value, kind):
    """A Python value of an Arrow type as firn prints it."""
    import pyarrow as pa

    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {f.name: shown(value[f.name], f.type) for f in kind}
    if pa.types.is_map(kind):
        return {"keys": [shown(k, kind.key_type) for k, _ in value], "values": [shown(v, kind.item_type) for _, v in value]}
    if pa.types.is_list(kind):
        return [shown(v, kind.value_type) for v in value]
    if pa.types.is_timestamp(kind):
        return values.timestamp((value - EPOCH) // datetime.timedelta(microseconds=1), kind)
    return values.plain(value)


class Maker:
    """Random types and values of them. `plain`: only what every engine keeps as it is."""

    def __init__(self, r, plain):
        self.r, self.plain = r, plain

    def leaf(self):
        import pyarrow as pa

        kinds = [pa.int32(), pa.int64(), pa.string(), pa.string(), pa.bool_(), pa.float64(), pa.date32()]
        more = [pa.binary(), pa.binary(3), pa.decimal128(7, 2), pa.decimal128(17, 3), pa.decimal128(30, 9), pa.timestamp("us")]
        return self.r.choice(kinds if self.plain else kinds + more)

    def type(self, depth):
        import pyarrow as pa

        what = self.r.choice(("leaf", "list", "list", "struct", "map")) if depth > 0 else "leaf"
        if what == "list":
            return pa.list_(self.field("element", depth - 1))
        if what == "map" and not self.plain:
            return pa.map_(self.r.choice((pa.string(), pa.int32())), self.field("value", depth - 1))
        if what in ("map", "struct"):
            return pa.struct([self.field(f"f{i}", depth - 1) for i in range(self.r.randrange(1, 4))])
        return self.leaf()

    def field(self, name, depth):
        import pyarrow as pa

        return pa.field(name, self.type(depth), nullable=self.plain or self.r.random() < 0.6)

    def value(self, field):
        import pyarrow as pa

        r, kind = self.r, field.type
        if field.nullable and r.random() < 0.25:
            return None
        if pa.types.is_struct(kind):
            return {f.name: self.value(f) for f in kind}
        if pa.types.is_map(kind):
            keys = range(r.choice((0, 0, 1, 2, 5)))
            return [(k if pa.types.is_int32(kind.key_type) else f"k{k}", self.value(kind.item_field)) for k in keys]
        if pa.types.is_list(kind):
            return [self.value(kind.value_field) for _ in range(r.choice((0, 0, 1, 2, 3, 9)))]
        return self.scalar(kind)

    def scalar(self, kind):
        import pyarrow as pa

        r = self.r
        if pa.types.is_integer(kind):
            top = 2 ** (kind.bit_width - 1)
            return r.choice((0, -1, top - 1, -top, r.randrange(20), r.randrange(-top, top)))
        if pa.types.is_string(kind):
            return r.choice(("", "red", "green", "névé", "x" * 40, str(r.randrange(10**6)), "𝔣" * r.randrange(30)))
        if pa.types.is_boolean(kind):
            return r.random() < 0.5
        if pa.types.is_float64(kind):
            return r.choice((0.0, 1.5, float("inf"), r.random()))
        if pa.types.is_date32(kind):
            return datetime.date(1, 1, 1) + datetime.timedelta(days=r.randrange(3_600_000))
        if pa.types.is_timestamp(kind):
            return datetime.datetime(1, 1, 1) + datetime.timedelta(microseconds=r.randrange(9998 * 365 * 86400 * 10**6))
        if pa.types.is_decimal(kind):
            top = 10**kind.precision
            return D(r.choice((0, -1, top - 1, 1 - top, r.randrange(-top + 1, top)))).scaleb(-kind.scale, decimal.Context(prec=60))
        return r.randbytes(3 if pa.types.is_fixed_size_binary(kind) else r.randrange(12))


def random_table(r, plain):
    import pyarrow as pa

    make = Maker(r, plain)
    n = r.choice((1, 2, 30, 400, 1200))
    fields = [make.field(f"c{i}", r.choice((0, 1, 2, 3, 4))) for i in range(r.randrange(1, 6))]
    rows = []
    while len(rows) < n:  # runs of equal rows, and long ones among short ones
        row = [make.value(f) for f in fields]
        rows += [row] * r.choice((1, 1, 1, 2, 70))
    rows = rows[:n]
    columns = [pa.array([row[i] for row in rows], f.type) for i, f in enumerate(fields)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields)), [[shown(v, f.type) for v, f in zip(row, fields)] for row in rows]


def check_same(what, got, wanted, first=0):
    assert len(got) == len(wanted), f"{what}: {len(got)} rows, not {len(wanted)}"
    for i, (have, want) in enumerate(zip(got, wanted)):
        assert values.same(have, want), f"{what}: row {first + i}: {[(h, w) for h, w in zip(have, want) if not values.same(h, w)][:2]}"


def check_file(path, wanted, r):
    n = len(wanted)
    check_same("whole", dump(path), wanted)
    for _ in range(3):
        first = r.randrange(n)
        count = r.choice((1, r.randrange(1, n - first + 1)))
        check_same(f"rows {first} and {count}", dump(path, "rows", first, count), wanted[first : first + count], first)
    ends = sorted(r.choices(range(n + 1), k=r.choice((2, 6, 20))))
    ranges = list(zip(ends[::2], ends[1::2]))
    got = dump(path, "ranges", *(word for a, b in ranges for word in (a, b - a)))
    check_same(f"ranges {ranges}", got, [row for a, b in ranges for row in wanted[a:b]])
    rows = sorted(r.sample(range(n), min(n, 12)))
    check_same(f"row {rows}", dump(path, "row", *rows), [wanted[i] for i in rows])


def each_seed(folder, write, plain, count):
    for seed in range(count + MORE):
        r = random.Random(seed)
        path = os.path.join(folder, "t.parquet")
        table, wanted = random_table(r, plain)
        options = write(r, table, path)
        try:
            check_file(path, wanted, r)
        except Exception as why:
            raise AssertionError(f"seed {seed}, {len(wanted)} rows of {table.schema}, {options}: {why}") from None


def nested_tables_of_pyarrow_are_read_as_they_were(folder):
    peers.need("pyarrow")
    import pyarrow.parquet as pq

    def write(r, table, path):
        options = {
            "compression": r.choice(("none", "snappy", "gzip", "zstd", "brotli", "lz4")),
            "version": r.choice(("1.0", "2.4", "2.6")),
            "data_page_version": r.choice(("1.0", "2.0")),
            "use_dictionary": r.random() < 0.7,
            "dictionary_pagesize_limit": r.choice((1, 60, 600, 1 << 20)),  # the dictionary ends in the middle of the chunk
            "data_page_size": r.choice((1, 100, 3000, 1 << 20)),
            "write_batch_size": r.choice((1, 3, 64, 1024)),
            "row_group_size": r.choice((7, 100, 1 << 20)) if table.num_rows > 20 else 3,
            "write_page_index": r.random() < 0.6,
            "write_statistics": r.random() < 0.6,
            "write_page_checksum": r.random() < 0.5,
            "store_decimal_as_integer": r.random() < 0.5,
            "use_compliant_nested_type": r.random() < 0.7,
            "store_schema": False,
        }
        pq.write_table(table, path, **options)
        return options

    each_seed(folder, write, False, COUNT)


def nested_tables_of_duckdb_are_read_as_they_were(folder):
    peers.need("duckdb", "pyarrow")
    import duckdb

    db = duckdb.connect()

    def write(r, table, path):
        codec, limit = r.choice(("uncompressed", "snappy", "zstd", "gzip", "brotli", "lz4_raw")), r.choice((1, 50, 100000))
        db.register("given", table)
        db.execute(f"copy given to '{path}' (format parquet, compression {codec}, row_group_size 2048, dictionary_size_limit {limit})")
        return codec, limit

    each_seed(folder, write, True, COUNT // 2)


def nested_tables_of_polars_are_read_as_they_were(folder):
    peers.need("polars", "pyarrow")
    import polars

    def write(r, table, path):
        options = {
            "compression": r.choice(("uncompressed", "snappy", "zstd", "gzip", "brotli", "lz4")),
            "row_group_size": r.choice((5, 100, 5000)),
            "data_page_size": r.choice((100, 3000, 1 << 20)),
            "statistics": r.random() < 0.5,
        }
        polars.from_arrow(table).write_parquet(path, **options)
        return options

    each_seed(folder, write, True, COUNT // 2)


if __name__ == "__main__":
    peers.run(nested_tables_of_pyarrow_are_read_as_they_were, nested_tables_of_duckdb_are_read_as_they_were,
              nested_tables_of_polars_are_read_as_they_were)

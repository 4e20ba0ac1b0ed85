"""Random tables that firn wrote as Parquet: pyarrow, DuckDB and polars read every value as it was, and an independent reader of
footers and page indexes finds every statistic right."""

import decimal
import importlib
import json
import math
import os
import struct
import subprocess

import peers

COUNT = 60
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class Case:
    def __init__(self, folder, seed):
        self.path = os.path.join(folder, f"{seed}.parquet")
        with open(os.path.join(folder, f"{seed}.json")) as f:
            self.about = json.load(f)
        with open(os.path.join(folder, f"{seed}.rows"), encoding="utf-8") as f:
            self.rows = [json.loads(line) for line in f.read().splitlines()]
        self.fields = self.about["schema"]["children"]
        self.name = f"seed {seed}"


def cases(folder):
    run = subprocess.run([os.path.join(peers.BUILD, "parquet_make"), folder, "0", str(COUNT)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    for seed in range(COUNT):
        yield Case(folder, seed)


# Arrow arrays of any engine in the form of parquet_make.


def unscaled(value):
    sign, digits, exponent = value.as_tuple()
    assert exponent <= 0
    number = int("".join(map(str, digits)))
    return str(-number if sign else number)


def from_arrow(array, field):
    """All values of an array. `field` says what they mean where engines use other types for the same."""
    import pyarrow as pa

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # of no chunk
            return [v for chunk in array.chunks for v in from_arrow(chunk, field)]
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    kind, t = field["kind"], array.type
    if kind == "unknown":
        assert array.null_count == len(array)
        return [None] * len(array)
    if kind == "struct":
        fields = [from_arrow(c, f) for c, f in zip(array.flatten(), field["children"])]
        valid = array.is_valid().to_pylist()
        return [[f[i] for f in fields] if v else None for i, v in enumerate(valid)]
    if kind in ("list", "map"):
        return lists_from_arrow(array, field)
    if kind in ("float", "double"):
        return array.view(pa.int32() if kind == "float" else pa.int64()).to_pylist()
    if kind == "decimal":
        return [None if v is None else unscaled(v) for v in array.to_pylist()]
    if kind == "date":
        return array.cast(pa.date32()).view(pa.int32()).to_pylist()
    if kind.startswith("time"):
        wanted = UNITS["ns" if kind.endswith("_ns") else "us"]
        has = UNITS[t.unit]
        values = array.view(pa.int64()).to_pylist()
        return [None if v is None else v * has // wanted for v in values]
    values = array.to_pylist()
    if kind == "uuid":
        return [v.hex() if isinstance(v, bytes) else None if v is None else str(v).replace("-", "") for v in values]
    return [v.hex() if isinstance(v, bytes) else v for v in values]


def lists_from_arrow(array, field):
    import pyarrow as pa

    offsets = array.offsets.to_pylist()
    if field["kind"] == "map":
        entries = array.values if not pa.types.is_map(array.type) else None
        keys, values = (entries.field(0), entries.field(1)) if entries is not None else (array.keys, array.items)
        # Keys and items of a map array begin at its first entry, values of a list array at the start of its buffer.
        base = offsets[0] if entries is None and len(keys) != array.values.offset + len(array.values) else 0
        flat = [list(pair) for pair in zip(from_arrow(keys, field["children"][0]), from_arrow(values, field["children"][1]))]
    else:
        base, flat = 0, from_arrow(array.values, field["children"][0])
    valid = array.is_valid().to_pylist()
    return [flat[offsets[i] - base : offsets[i + 1] - base] if v else None for i, v in enumerate(valid)]


def nan_is_nan(value, kind):
    """Engines may change which NaN it is."""
    if value is not None and kind in ("float", "double"):
        bits = struct.pack("<i" if kind == "float" else "<q", value)
        return "NaN" if math.isnan(struct.unpack("<f" if kind == "float" else "<d", bits)[0]) else value
    return value


def compare(case, engine, table):
    assert table.num_rows == len(case.rows), f"{case.name}: {engine} sees {table.num_rows} rows, not {len(case.rows)}"
    for c, field in enumerate(case.fields):
        got, wanted = from_arrow(table.column(c), field), [row[c] for row in case.rows]
        for i, (g, w) in enumerate(zip(got, wanted)):
            assert g == w or nan_is_nan(g, field["kind"]) == nan_is_nan(w, field["kind"]), (
                f"{case.name}: {engine}: {field['name']} ({field['kind']}), row {i}: {g!r} is not {w!r}"
            )


def below(field):
    return [field] + [f for child in field["children"] for f in below(child)]


def peer(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        peers.skip(f"there is no {name}; tools/setup check installs it")


def pyarrow_reads_every_value(folder):
    pq = peer("pyarrow.parquet")
    for case in cases(folder):
        compare(case, "pyarrow", pq.ParquetFile(case.path).read())


def field_ids(arrow_field):
    import pyarrow as pa

    own = int((arrow_field.metadata or {}).get(b"PARQUET:field_id", -1))
    t = arrow_field.type
    if pa.types.is_map(t):
        below = [t.key_field, t.item_field]
    else:
        below = [t.field(i) for i in range(t.num_fields)] if pa.types.is_nested(t) else []
    return [own] + [i for f in below for i in field_ids(f)]


def pyarrow_sees_ids_indexes_and_null_counts(folder):
    pq = peer("pyarrow.parquet")
    codecs = {"none": "UNCOMPRESSED", "lz4_raw": "LZ4"}
    for case in cases(folder):
        file = pq.ParquetFile(case.path)
        got = [i for f in file.schema_arrow for i in field_ids(f)]
        assert got == [f["id"] for c in case.fields for f in below(c)], f"{case.name}: {got}"
        wanted = case.about["codec"]
        for g in range(file.metadata.num_row_groups):
            group = file.metadata.row_group(g)
            assert group.num_rows <= case.about["row_group_rows"]
            for c in range(file.metadata.num_columns):
                chunk = group.column(c)
                assert chunk.has_offset_index, f"{case.name}: {chunk.path_in_schema}"
                assert chunk.compression in (codecs.get(wanted, wanted.upper()), "UNCOMPRESSED")
        assert [f["n_nulls"] for f in case.about["columns"]] == [
            sum(file.metadata.row_group(g).column(c).statistics.null_count for g in range(file.metadata.num_row_groups))
            for c in range(file.metadata.num_columns)
        ], case.name


def duckdb_reads_every_value(folder):
    db = peers.duckdb()
    db.execute("SET TimeZone = 'UTC'")
    for case in cases(folder):
        # DuckDB has no type for them: it reads nanoseconds in UTC as microseconds, cut towards zero.
        coarse = {f["name"] for f in case.fields if any(g["kind"] == "timestamptz_ns" for g in below(f))}
        flat = {f["name"] for f in case.fields if f["kind"] == "timestamptz_ns"}
        table = db.execute("SELECT * FROM read_parquet(?)", [case.path]).to_arrow_table()
        if coarse:
            for c, f in enumerate(case.fields):
                if f["name"] in flat:
                    got = from_arrow(table.column(c), {**f, "kind": "timestamptz"})
                    wanted = [None if r[c] is None else math.trunc(decimal.Decimal(r[c]) / 1000) for r in case.rows]
                    assert got == wanted, f"{case.name}: {f['name']}"
            keep = [c for c, f in enumerate(case.fields) if f["name"] not in coarse]
            table = table.select(keep)
            case.rows = [[row[c] for c in keep] for row in case.rows]
            case.fields = [case.fields[c] for c in keep]
        if case.fields:
            compare(case, "DuckDB", table)


def polars_reads_every_value(folder):
    polars = peer("polars")
    for case in cases(folder):
        compare(case, "polars", polars.read_parquet(case.path).to_arrow())


# An independent reader of footers and page indexes.


def thrift(data, at=0):
    """The struct at `at` as {field id: value}, and where it ends."""
    fields, last = {}, 0
    while True:
        head, at = data[at], at + 1
        if head == 0:
            return fields, at
        if head >> 4:
            last += head >> 4
        else:
            last, at = zigzag(data, at)
        assert last not in fields
        fields[last], at = thrift_value(data, at, head & 15, head & 15 == 1)


def varint(data, at):
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def zigzag(data, at):
    value, at = varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def thrift_value(data, at, kind, boolean):
    if kind in (1, 2):
        return boolean, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        return zigzag(data, at)
    if kind == 8:
        size, at = varint(data, at)
        return data[at : at + size], at + size
    if kind == 9:
        head, at = data[at], at + 1
        size = head >> 4
        if size == 15:
            size, at = varint(data, at)
        values = []
        for _ in range(size):
            if head & 15 in (1, 2):
                value, at = data[at] == 1, at + 1
            else:
                value, at = thrift_value(data, at, head & 15, False)
            values.append(value)
        return values, at
    assert kind == 12, kind
    return thrift(data, at)


def leaves(field, prefix=()):
    """(field, path of indexes into values, whether below a list) of each leaf."""
    if field["kind"] == "struct":
        return [leaf for i, c in enumerate(field["children"]) for leaf in leaves(c, (*prefix, i))]
    if field["kind"] == "list":
        return leaves(field["children"][0], (*prefix, "each"))
    if field["kind"] == "map":
        return [leaf for i, c in enumerate(field["children"]) for leaf in leaves(c, (*prefix, "each", i))]
    return [(field, prefix)]


def at_path(value, path):
    """All levels that a value makes below a path: what is null or empty makes one None."""
    if value is None or not path:
        return [value]
    if path[0] == "each":
        return [v for e in value for v in at_path(e, path[1:])] if value else [None]
    return at_path(value[path[0]], path[1:])


def ordered(value, field):
    """A value in its order; None for NaN."""
    kind = field["kind"]
    if kind in ("float", "double"):
        number = struct.unpack("<f" if kind == "float" else "<d", struct.pack("<i" if kind == "float" else "<q", value))[0]
        return None if math.isnan(number) else number
    if kind == "string":
        return value.encode()
    if kind in ("binary", "fixed", "uuid"):
        return bytes.fromhex(value)
    return int(value)


def stored(data, field, physical):
    """The same of plain-encoded bytes."""
    kind = field["kind"]
    if kind in ("string", "binary", "fixed", "uuid"):
        if kind == "string":
            data.decode()  # a bound is valid text
        return bytes(data)
    if physical == 0:
        return data[0]
    if kind == "decimal" and physical == 7:
        return int.from_bytes(data, "big", signed=True)
    return struct.unpack({1: "<i", 2: "<q", 4: "<f", 5: "<d"}[physical], data)[0]


def check_bounds(what, values, lower, upper, exact=None):
    """`values` in their order, without nulls and NaN; exact: (lower, upper), None where nobody says."""
    low, high = min(values), max(values)
    assert lower <= low and (upper is None or upper >= high), f"{what}: {lower!r}..{upper!r} does not hold {low!r}..{high!r}"
    if isinstance(low, float):
        assert low != 0 or math.copysign(1, lower) < 0, f"{what}: the lower bound is +0.0"
        assert high != 0 or math.copysign(1, upper) > 0, f"{what}: the upper bound is -0.0"
    if exact is not None:
        assert exact == (lower == low, upper == high), f"{what}: {lower!r}..{upper!r} is exact: {exact}"
    if not isinstance(low, bytes):
        assert lower == low and upper == high, f"{what}: {lower!r}..{upper!r} is not {low!r}..{high!r}"


def is_sorted(pairs, direction):
    return all(direction * (a[i] > b[i]) - direction * (a[i] < b[i]) <= 0 for a, b in zip(pairs, pairs[1:]) for i in (0, 1))


def check_chunk(case, data, chunk, leaf, rows, has_bounds):
    """One chunk: its statistics, its page indexes, and that its pages are what the indexes say."""
    field, path = leaf
    meta, what = chunk[3], f"{case.name}: {'.'.join(n.decode() for n in chunk[3][3])}"
    physical = meta[1]
    is_real = field["kind"] in ("float", "double")
    levels = [at_path(row, path) for row in rows]
    values = [v for levels_of_row in levels for v in levels_of_row]
    statistics = meta[12]
    assert meta[5] == len(values) and statistics[3] == values.count(None), what
    numbers = [ordered(v, field) for v in values if v is not None]
    assert statistics.get(9) == (numbers.count(None) if is_real else None), f"{what}: {statistics}"
    numbers = [n for n in numbers if n is not None]
    assert (6 in statistics) == (5 in statistics) == bool(numbers and has_bounds), f"{what}: {statistics}"
    if 6 in statistics:
        bounds = stored(statistics[6], field, physical), stored(statistics[5], field, physical)
        check_bounds(what, numbers, *bounds, (statistics[8], statistics[7]))

    offsets = thrift(data, chunk[4])
    assert offsets[1] == chunk[4] + chunk[5], what
    pages = offsets[0][1]
    assert pages[0][3] == 0 and pages[0][1] == meta[9], what
    ends = [p[3] for p in pages[1:]] + [len(rows)]
    index = None
    if 6 in chunk:
        index, end = thrift(data, chunk[6])
        assert end == chunk[6] + chunk[7] and len(index[1]) == len(index[2]) == len(index[3]) == len(index[5]) == len(pages), what
        shown = [(stored(a, field, physical), stored(b, field, physical)) for n, a, b in zip(index[1], index[2], index[3]) if not n]
        ascends, descends = is_sorted(shown, 1), is_sorted(shown, -1)
        assert index[4] == (1 if ascends else 2 if descends else 0), f"{what}: order {index[4]} of {shown}"
    has_page_of_nans = False
    at = meta[9]
    for i, (page, end) in enumerate(zip(pages, ends)):
        of_page = [v for row in levels[page[3] : end] for v in row]
        numbers = [ordered(v, field) for v in of_page if v is not None]
        nans = numbers.count(None)
        has_page_of_nans |= bool(numbers) and nans == len(numbers)
        assert page[1] == at and end > page[3], what
        at += page[2]
        head, body = thrift(data, page[1])
        assert head[1] == 0 and head[5][1] == len(of_page) and body + head[3] == at, f"{what}: page {i}: {head}"
        assert end - page[3] <= case.about["page_rows"] and (head[2] <= case.about["page_bytes"] + 32 or end - page[3] == 1), (
            f"{what}: page {i} has {head[2]} bytes and {end - page[3]} rows"
        )
        if index is not None:
            assert index[1][i] == (not numbers) and index[5][i] == of_page.count(None), f"{what}: page {i}"
            assert not is_real or index[8][i] == nans
            if numbers:
                bounds = stored(index[2][i], field, physical), stored(index[3][i], field, physical)
                check_bounds(f"{what}: page {i}", [n for n in numbers if n is not None], *bounds)
    start = meta.get(11, meta[9])
    assert at == start + meta[7], f"{what}: {at} is not the end"
    assert (index is None) == (not has_bounds or has_page_of_nans), f"{what}: a column index is {index}"


def statistics_and_page_indexes_are_right(folder):
    for case in cases(folder):
        with open(case.path, "rb") as f:
            data = f.read()
        assert data[:4] == data[-4:] == b"PAR1"
        size = int.from_bytes(data[-8:-4], "little")
        footer, end = thrift(data, len(data) - 8 - size)
        assert end == len(data) - 8 and footer[3] == len(case.rows) and footer[1] == 1, case.name
        all_leaves = [(f, (c, *path)) for c, field in enumerate(case.fields) for f, path in leaves(field)]
        assert len(footer[7]) == len(all_leaves) and all(o == {1: {}} for o in footer[7]), case.name
        first = 0
        for group in footer[4]:
            rows = case.rows[first : first + group[3]]
            first += group[3]
            for chunk, leaf in zip(group[1], all_leaves, strict=True):
                own = case.about["options"].get(case.fields[leaf[1][0]]["name"], {})
                has_bounds = own.get("bounds") != 2 and leaf[0]["kind"] != "unknown"
                check_chunk(case, data, chunk, leaf, rows, has_bounds)
            assert group[2] == sum(c[3][6] for c in group[1]) and group[6] == sum(c[3][7] for c in group[1]), case.name
        assert case.about["split_offsets"] == [g[5] for g in footer[4]], case.name
        check_told(case, footer, all_leaves)


def single_value(data, field):
    """A bound as Iceberg stores it."""
    if field["kind"] == "decimal":
        assert len(data) == 1 or not (data[0] in (0, 255) and (data[0] ^ data[1]) < 128), f"{data!r} is not the shortest"
        return int.from_bytes(data, "big", signed=True)
    kinds = {"boolean": "<b", "int": "<i", "date": "<i", "float": "<f", "double": "<d"}
    if field["kind"] in ("string", "binary", "fixed", "uuid"):
        return data
    return struct.unpack(kinds.get(field["kind"], "<q"), data)[0]


def check_told(case, footer, all_leaves):
    """What the writer told its caller, for Iceberg's metrics."""
    for told, (field, path), c in zip(case.about["columns"], all_leaves, range(len(all_leaves)), strict=True):
        what = f"{case.name}: {field['name']} ({field['kind']})"
        values = [v for row in case.rows for v in at_path(row, path)]
        numbers = [ordered(v, field) for v in values if v is not None]
        is_real = field["kind"] in ("float", "double")
        assert told["id"] == field["id"] and told["in_list"] == ("each" in path), what
        assert told["n_values"] == len(values) and told["n_nulls"] == values.count(None), what
        assert told["n_nans"] == (numbers.count(None) if is_real else -1), what
        assert told["compressed_bytes"] == sum(g[1][c][3][7] for g in footer[4]), what
        numbers = [n for n in numbers if n is not None]
        bounds = case.about["options"].get(case.fields[path[0]]["name"], {}).get("bounds", 0)
        wants = bool(numbers) and bounds != 2 and "each" not in path and field["kind"] != "unknown"
        assert ("lower" in told) == wants, f"{what}: {told}"
        if not wants:
            continue
        lower = single_value(bytes.fromhex(told["lower"]), field)
        upper = single_value(bytes.fromhex(told["upper"]), field) if "upper" in told else None
        check_bounds(what, numbers, lower, upper)
        if bounds == 1 or field["kind"] == "uuid":
            assert (lower, upper) == (min(numbers), max(numbers)), what
        elif field["kind"] == "string":
            assert lower.decode() == min(numbers).decode()[:16] and (upper is None or len(upper.decode()) <= 16), what
        elif field["kind"] in ("binary", "fixed"):
            assert lower == min(numbers)[:16] and (upper is None or len(upper) <= 16), what
        if upper is None:
            cut = max(numbers)[:16] if field["kind"] != "string" else max(numbers).decode()[:16]
            assert set(cut) <= {255} or set(cut) <= {"\U0010ffff"}, f"{what}: there is an upper bound"


def duckdb_probes_the_filters(folder):
    db = peers.duckdb()
    n_probed = n_excluded = 0
    for case in cases(folder):
        for c, field in enumerate(case.fields):
            if not case.about["options"].get(field["name"], {}).get("bloom_filter") or field["kind"] not in ("string", "long", "int"):
                continue
            if any(f["children"] for f in case.fields[:c]):
                continue  # DuckDB 1.5 takes the number of a column for that of a leaf, and so looks elsewhere
            present = {row[c] for row in case.rows if row[c] is not None}
            literal = "CAST(? AS " + {"string": "VARCHAR", "long": "BIGINT", "int": "INTEGER"}[field["kind"]] + ")"
            for value in sorted(present)[:5]:
                probe = f"SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe('{case.path}', '{field['name']}', {literal})"
                assert db.execute(probe, [value]).fetchone()[0] is False, f"{case.name}: {field['name']} = {value!r}"
            for value in ("no such text", "another") if field["kind"] == "string" else (-77777777, 123456789):
                excluded = db.execute(probe, [value]).fetchone()[0] if present and value not in present else None
                n_probed += excluded is not None
                n_excluded += excluded is True
    assert n_probed > 10 and n_excluded >= 0.9 * n_probed, f"{n_excluded} of {n_probed} absent values are excluded"


decimal.getcontext().prec = 80
peers.run(
    pyarrow_reads_every_value,
    pyarrow_sees_ids_indexes_and_null_counts,
    duckdb_reads_every_value,
    polars_reads_every_value,
    statistics_and_page_indexes_are_right,
    duckdb_probes_the_filters,
)

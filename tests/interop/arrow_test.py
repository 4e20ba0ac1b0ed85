"""The Arrow C stream interface, in and out, against pyarrow, polars and DuckDB: what they export passes through firn's batches and must
come back as the same values. The build folder is the argument."""

import ctypes
import datetime
import decimal
import os
import tempfile
import uuid

import peers

try:
    import pyarrow as pa
except ImportError:
    pa = None  # every test says so and skips

D = decimal.Decimal


class Stream(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("get_schema", "get_next", "get_last_error", "release", "private_data")]


def through(reader, as_views=False):
    """A pyarrow reader passed through firn: the table that comes out, or the sentence that refused it."""
    path = os.path.join(peers.BUILD, "arrow_peer.so")
    library = ctypes.CDLL(path)
    library.arrow_peer_pass.argtypes = [ctypes.POINTER(Stream), ctypes.POINTER(Stream), ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    into, out, text = Stream(), Stream(), ctypes.create_string_buffer(512)
    reader._export_to_c(ctypes.addressof(into))
    status = library.arrow_peer_pass(ctypes.byref(into), ctypes.byref(out), int(as_views), text, len(text))
    if status != 0:
        return text.value.decode()
    return pa.RecordBatchReader._import_from_c(ctypes.addressof(out)).read_all()


def passed(table, as_views=False, chunk=None):
    got = through(pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=chunk)), as_views)
    assert not isinstance(got, str), got
    got.validate(full=True)
    return got


def written(table, chunk=None):
    """A table passed through firn's batches into an IPC stream, read by pyarrow."""
    library = ctypes.CDLL(os.path.join(peers.BUILD, "arrow_peer.so"))
    library.arrow_peer_write.argtypes = [ctypes.POINTER(Stream), ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    into, text = Stream(), ctypes.create_string_buffer(512)
    pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=chunk))._export_to_c(ctypes.addressof(into))
    with tempfile.NamedTemporaryFile() as file:
        status = library.arrow_peer_write(ctypes.byref(into), file.name.encode(), text, len(text))
        assert status == 0, text.value.decode()
        got = pa.ipc.open_stream(file.read()).read_all()
    got.validate(full=True)
    return got


def check(table, **how):
    """The values must be those that went in; types may widen."""
    for got in (written(table, **how), passed(table, False, **how), passed(table, True, **how)):
        assert got.num_rows == table.num_rows, (got.num_rows, table.num_rows)
        assert got.column_names == table.column_names
        for name in table.column_names:
            want, have = table[name].to_pylist(), got[name].to_pylist()
            assert repr(have) == repr(want), f"{name}: {[(h, w) for h, w in zip(have, want) if repr(h) != repr(w)][:5]}"
    return got


def numbers_times_and_decimals_pass(folder):
    peers.need("pyarrow")
    n = 1000
    some = lambda values: [None if i % 7 == 3 else v for i, v in enumerate(values)]
    us = [datetime.datetime(1900, 1, 1) + datetime.timedelta(days=i * 77, microseconds=i) for i in range(n)]
    check(pa.table({
        "b": pa.array(some([i % 3 == 0 for i in range(n)])),
        "i8": pa.array(some([i % 256 - 128 for i in range(n)]), pa.int8()),
        "u16": pa.array(some([i * 65 for i in range(n)]), pa.uint16()),
        "i32": pa.array(some([i - 500 for i in range(n)]), pa.int32()),
        "u32": pa.array(some([2**32 - 1 - i for i in range(n)]), pa.uint32()),
        "i64": pa.array([i * 2**50 for i in range(n)], pa.int64()),
        "f32": pa.array(some([i / 7 for i in range(n)]), pa.float32()),
        "f64": pa.array(some([i / 7 for i in range(n)])),
        "date": pa.array(some([d.date() for d in us])),
        "us": pa.array(some(us), pa.timestamp("us")),
        "ts": pa.array(some([d.replace(microsecond=0) for d in us]), pa.timestamp("s")),
        "time": pa.array(some([d.time() for d in us]), pa.time64("us")),
        "dec": pa.array(some([D(i - 500) * 10**20 / 1000 for i in range(n)]), pa.decimal128(38, 3)),
        "nothing": pa.nulls(n),
    }), chunk=137)


def zones_become_utc_and_unsigned_longs_decimals(folder):
    peers.need("pyarrow")
    table = pa.table({
        "z": pa.array([datetime.datetime(2020, 5, 1, 12)], pa.timestamp("ms", "Europe/Berlin")),
        "ns": pa.array([2**62 + 1, None, 5], pa.int64()).cast(pa.timestamp("ns", "UTC")).slice(0, 1),
        "u64": pa.array([2**64 - 1], pa.uint64()),
        "half": pa.array([1.5], pa.float16()),
    })
    got = passed(table)
    assert got.schema.field("z").type == pa.timestamp("us", "UTC"), got.schema
    assert got["z"].cast(pa.int64()).to_pylist() == [table["z"].cast(pa.int64())[0].as_py() * 1000]
    assert got.schema.field("ns").type == pa.timestamp("ns", "UTC")
    assert got["ns"].cast(pa.int64()).to_pylist() == [2**62 + 1]
    assert got["u64"].to_pylist() == [D(2**64 - 1)]
    assert got["half"].to_pylist() == [1.5]


def every_form_of_text_passes(folder):
    peers.need("pyarrow")
    texts = ["", "a", None, "twelve bytes", "thirteen bytes", "névé " * 50, None, "x" * 5000] * 20
    raw = [None if t is None else t.encode() for t in texts]
    columns = {str(t): pa.array(texts, t) for t in (pa.string(), pa.large_string(), pa.string_view())}
    columns |= {str(t): pa.array(raw, t) for t in (pa.binary(), pa.large_binary(), pa.binary_view())}
    columns["fixed"] = pa.array([b"abc", None] * 80, pa.binary(3))
    columns["dictionary"] = pa.array(texts).dictionary_encode()
    got = check(pa.table(columns), chunk=33)
    assert got.schema.field("string").type == pa.string_view()
    assert passed(pa.table(columns)).schema.field("string").type == pa.large_string()


def lists_maps_and_structs_pass(folder):
    peers.need("pyarrow")
    lists = [[1, None], [], None, [3], [4, 5, 6]] * 11
    point = pa.struct([("x", pa.float64()), pa.field("y", pa.string(), nullable=False)])
    points = [{"x": 1.5, "y": "a"}, {"x": None, "y": "b"}, {"x": 2.5, "y": ""}] * 18 + [{"x": 0.0, "y": "z"}]
    columns = {str(t): pa.array(lists, t) for t in (pa.list_(pa.int32()), pa.large_list(pa.int64()))}
    columns["view"] = pa.array(lists, pa.list_view(pa.int32()))
    columns["fixed"] = pa.array([[1, 2], [3, None], [5, 6], [7, 8], [9, 0]] * 11, pa.list_(pa.int16(), 2))
    columns["fixed_nulls"] = pa.array([[1, 2], None, [5, 6], None, [9, 0]] * 11, pa.list_(pa.int16(), 2))
    columns["struct"] = pa.array(points, point)
    columns["list_of_struct"] = pa.array([points[:2], None, [], points[3:5], [None]] * 11, pa.list_(point))
    columns["map"] = pa.array([[("k", 1)], [], None, [("a", None), ("b", 2)], [("c", 3)]] * 11, pa.map_(pa.string(), pa.int64()))
    columns["list_of_list"] = pa.array([[["a"], []], [], None, [None, ["b", None]], [["c"]]] * 11, pa.list_(pa.list_(pa.string())))
    columns["null_struct"] = pa.array([None, {"a": None}, {"a": [1]}, None, None] * 11, pa.struct([("a", pa.list_(pa.int8()))]))
    check(pa.table(columns), chunk=9)


def slices_pass(folder):
    peers.need("pyarrow")
    table = pa.table({
        "t": pa.array(["s%d" % (i % 50) if i % 5 else None for i in range(500)]),
        "l": pa.array([[i, i + 1] if i % 3 else None for i in range(500)]),
        "b": pa.array([i % 2 == 0 for i in range(500)]),
        "s": pa.StructArray.from_arrays([pa.array(range(500)), pa.array([str(i) for i in range(500)])], ["x", "y"]),
    })
    for start, length in ((1, 3), (7, 100), (63, 65), (499, 1), (100, 0)):
        check(table.slice(start, length))


def uuids_and_field_ids_are_kept(folder):
    peers.need("pyarrow")
    ids = [uuid.UUID(int=i * 2**90) for i in range(5)]
    field = pa.field("u", pa.uuid(), nullable=False, metadata={b"PARQUET:field_id": b"7"})
    array = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([u.bytes for u in ids], pa.binary(16)))
    got = passed(pa.table([array], schema=pa.schema([field])))
    assert got.schema.field("u").type == pa.uuid(), got.schema
    assert not got.schema.field("u").nullable
    assert got.schema.field("u").metadata[b"PARQUET:field_id"] == b"7"
    assert got["u"].to_pylist() == ids


def what_has_no_kind_is_refused_by_name(folder):
    peers.need("pyarrow")
    for array in (pa.array([1], pa.duration("us")), pa.array([D(1)], pa.decimal256(50, 0)), pa.array([(1, 2, 3)], pa.month_day_nano_interval())):
        said = through(pa.table({"odd": array}).to_reader())
        assert isinstance(said, str) and "odd has the Arrow type" in said, said


def wrong_text_is_refused(folder):
    peers.need("pyarrow")
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    try:
        through(pa.table({"t": bad}).to_reader())
    except (OSError, pa.ArrowException) as why:
        assert "text 0 is not UTF-8" in str(why), why
    else:
        raise AssertionError("it was taken")


def polars_and_duckdb_pass(folder):
    peers.need("pyarrow", "polars", "duckdb")
    import duckdb
    import polars

    frame = polars.DataFrame({"a": [1, 2, None], "t": ["x", None, "a longer text than fits"], "l": [["p"], [], None]})
    assert through(pa.RecordBatchReader.from_stream(frame), True).to_pylist() == frame.to_dicts()
    db = duckdb.connect()
    query = db.execute("select i, i::varchar || ' is a number' as t, [i, i + 1] as l, {'a': i} as s, map {i: 'v'} as m from range(5000) r(i)")
    table = query.to_arrow_table() if hasattr(query, "to_arrow_table") else query.fetch_arrow_table()
    got = through(table.to_reader())
    assert got.to_pylist() == table.to_pylist()


if __name__ == "__main__":
    peers.run(numbers_times_and_decimals_pass, zones_become_utc_and_unsigned_longs_decimals, every_form_of_text_passes,
              lists_maps_and_structs_pass, slices_pass, uuids_and_field_ids_are_kept, what_has_no_kind_is_refused_by_name,
              wrong_text_is_refused, polars_and_duckdb_pass)

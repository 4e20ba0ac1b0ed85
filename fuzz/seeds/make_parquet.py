"""Makes the seeds of the Parquet and thrift fuzzers with pyarrow: make_parquet.py. Small on purpose: tests cut them at every length and
flip every byte. They are kept in the repository; run this only to change them."""

import datetime
import decimal
import os

import pyarrow as pa
import pyarrow.parquet as pq

here = os.path.dirname(os.path.realpath(__file__))
D = decimal.Decimal


def every_third_null(values):
    return [None if i % 3 == 2 else v for i, v in enumerate(values)]


def flat():
    n = 12
    return pa.table({
        "b": pa.array(every_third_null([i % 2 == 0 for i in range(n)])),
        "i": pa.array(range(n), pa.int32()),
        "l": pa.array(every_third_null(range(n)), pa.int64()),
        "s": pa.array(["snow", "ice", None, "névé"] * 3),
        "bin": pa.array(every_third_null([bytes([i, 255]) for i in range(n)]), pa.binary()),
        "t": pa.array(every_third_null([datetime.datetime(1969, 12, 31, 23, 59, i) for i in range(n)]), pa.timestamp("us", "UTC")),
        "d": pa.array([D(i - 6) / 100 for i in range(n)], pa.decimal128(9, 2)),
    })


def nested():
    point = pa.struct([("x", pa.float64()), pa.field("y", pa.int32(), nullable=False)])
    return pa.table({
        "tags": pa.array([["a", None], [], None, ["b"], ["c", "d", "e"]], pa.list_(pa.string())),
        "p": pa.array([{"x": 1.5, "y": 1}, None, {"x": None, "y": 3}, {"x": 4.0, "y": 4}, None], point),
        "track": pa.array([[{"x": 1.0, "y": 1}], None, [], [None, {"x": None, "y": 2}], [{"x": 5.0, "y": 5}]], pa.list_(point)),
        "m": pa.array([[("k", [1, 2])], [], None, [("a", None), ("b", [])], [("z", [3])]], pa.map_(pa.string(), pa.list_(pa.int32()))),
        "ll": pa.array([[[True], []], [], None, [None, [False, None]], [[True]]], pa.list_(pa.list_(pa.bool_()))),
    })


def odd():
    return pa.table({
        "old": pa.array([datetime.datetime(2001, 1, 1), None, datetime.datetime(1900, 1, 1)], pa.timestamp("ns")),
        "u8": pa.array([1, 255, None], pa.uint8()),
        "u32": pa.array([1, 2**32 - 1, None], pa.uint32()),
        "u64": pa.array([1, 2**64 - 1, None], pa.uint64()),
        "ms": pa.array([datetime.time(1, 2, 3), None, datetime.time(0)], pa.time32("ms")),
        "wide": pa.array([D("-1.5"), None, D(10**35)], pa.decimal128(38, 2)),
        "f16": pa.array([1.5, None, -2.0], pa.float16()),
        "fix": pa.array([b"abc", None, b"xyz"], pa.binary(3)),
        "nothing": pa.nulls(3),
    })


def write(name, table, **options):
    path = os.path.join(here, "parquet", name + ".parquet")
    pq.write_table(table, path, store_schema=False, **options)
    footer = open(path, "rb").read()
    n = int.from_bytes(footer[-8:-4], "little")
    open(os.path.join(here, "thrift", name + ".footer"), "wb").write(footer[-8 - n:-8])


write("flat", flat(), compression="zstd", row_group_size=8, data_page_size=1, write_batch_size=3, write_page_index=True, write_page_checksum=True)
write("flat_v2", flat().select(["b", "s", "i"]), compression="snappy", data_page_version="2.0", column_encoding={"b": "RLE", "i": "PLAIN"}, use_dictionary=["s"])
write("nested", nested(), compression="none", write_page_index=True)
write("nested_v2", nested().select(["track", "m"]), compression="gzip", data_page_version="2.0", use_compliant_nested_type=False)
write("odd", odd(), compression="none", use_deprecated_int96_timestamps=True, use_dictionary=False)

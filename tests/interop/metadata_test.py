"""Table metadata and single values, firn's against PyIceberg's: what firn writes PyIceberg reads, with the same meaning."""

import decimal
import glob
import json
import os
import random
import struct
import subprocess
import uuid
from urllib.parse import quote_plus

import peers

TOOL = os.path.join(peers.BUILD, "metadata_tool")


def pyiceberg():
    try:
        import pyiceberg as module
    except ImportError:
        peers.skip("there is no pyiceberg; tools/setup check installs it")
    return module


def rewritten(path):
    """What firn writes after reading `path`, or None and its sentence."""
    run = subprocess.run([TOOL, "rewrite", path], capture_output=True, timeout=60)
    assert run.returncode in (0, 1), f"{path}: exit {run.returncode}: {run.stderr.decode()}"
    if run.returncode == 1:
        sentence = run.stderr.decode().strip()
        assert sentence and "\n" not in sentence, f"{path}: {sentence!r} is no sentence"
        return None, sentence
    return run.stdout.decode(), None


def meaning(text):
    """Table metadata as PyIceberg understands it, as plain values. Empty and missing mean the same, and main is always there."""
    from pyiceberg.table.metadata import TableMetadataUtil

    found = TableMetadataUtil.parse_raw(text).model_dump()
    found["refs"] = {name: ref for name, ref in found["refs"].items()}
    found["location"] = found["location"].rstrip("/")
    return found


def check_same(before, after, path):
    a, b = meaning(before), meaning(after)
    for key in a.keys() | b.keys():
        if key == "last-column-id" and path.endswith("example_table_metadata_v2.json"):
            continue  # that file's own is lower than its columns
        assert a.get(key) == b.get(key), f"{path}: {key}\n  was {a.get(key)}\n  is  {b.get(key)}"


def files_of_other_projects_mean_the_same_after_firn_wrote_them(folder):
    pyiceberg()
    root = peers.shared_data()
    n = 0
    for path in sorted(glob.glob(root + "/iceberg*/**/*.json", recursive=True) + glob.glob(root + "/duckdb-iceberg/**/*.json", recursive=True)):
        name = os.path.basename(path)
        if not (name.startswith("TableMetadata") or name.endswith(".metadata.json") or name.startswith("example_table")):
            continue
        if any(word in path for word in (".gz.", ".zstd.")):
            continue
        after, _ = rewritten(path)
        if after is None:
            continue  # which, and why, is in conformance/metadata_files_test
        with open(path) as f:
            before = f.read()
        if "legacy_v1/metadata/v2" in path:  # a snapshot that lists its manifests itself, which PyIceberg does not read
            a, b = json.loads(before), json.loads(after)
            assert a["snapshots"] == b["snapshots"] and a["refs"] == b["refs"] and a["schema"]["fields"] == b["schema"]["fields"]
        elif "WithoutCurrentId" in name or "WithoutDefaultId" in name or "Compat" in name:
            meaning(after)  # PyIceberg does not read these before, but does now
        else:
            check_same(before, after, path)
        n += 1
    assert n >= 50, n


def packed_files_mean_the_same(folder):
    import gzip

    pyiceberg()
    paths = glob.glob(peers.shared_data() + "/duckdb-iceberg/**/*.gz.metadata.json", recursive=True)
    assert len(paths) == 2
    for path in paths:
        after, _ = rewritten(path)
        check_same(gzip.open(path).read().decode(), after, path)


def every_type():
    from pyiceberg.schema import Schema
    from pyiceberg import types as t

    return Schema(
        t.NestedField(1, "b", t.BooleanType(), required=False),
        t.NestedField(2, "i", t.IntegerType(), required=True, doc='a "doc" with ü'),
        t.NestedField(3, "l", t.LongType(), required=True),
        t.NestedField(4, "f", t.FloatType(), required=False),
        t.NestedField(5, "d", t.DoubleType(), required=False),
        t.NestedField(6, "dec", t.DecimalType(38, 10), required=False),
        t.NestedField(7, "day", t.DateType(), required=False),
        t.NestedField(8, "clock", t.TimeType(), required=False),
        t.NestedField(9, "ts", t.TimestampType(), required=False),
        t.NestedField(10, "tz", t.TimestamptzType(), required=False),
        t.NestedField(11, "s", t.StringType(), required=True),
        t.NestedField(12, "u", t.UUIDType(), required=False),
        t.NestedField(13, "fx", t.FixedType(7), required=False),
        t.NestedField(14, "bin", t.BinaryType(), required=False),
        t.NestedField(15, "li", t.ListType(16, t.StructType(t.NestedField(17, "x", t.LongType(), required=True)), element_required=True), required=False),
        t.NestedField(18, "m", t.MapType(19, t.StringType(), 20, t.ListType(21, t.DateType(), element_required=False), value_required=False), required=False),
        identifier_field_ids=[2, 11],
    )


def tables_that_pyiceberg_makes_come_back_equal(folder):
    pyiceberg()
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.table.metadata import new_table_metadata
    from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
    from pyiceberg import transforms as tr

    spec = PartitionSpec(
        PartitionField(10, 1000, tr.DayTransform(), "tz_day"),
        PartitionField(3, 1001, tr.BucketTransform(16), "l_bucket"),
        PartitionField(11, 1002, tr.TruncateTransform(4), "s_trunc"),
        PartitionField(7, 1003, tr.IdentityTransform(), "day"),
    )
    order = SortOrder(SortField(3, tr.IdentityTransform(), SortDirection.DESC, NullOrder.NULLS_LAST), SortField(10, tr.HourTransform(), SortDirection.ASC, NullOrder.NULLS_FIRST))
    for version in (1, 2):
        for partitioned in (False, True):
            made = new_table_metadata(
                schema=every_type(),
                partition_spec=spec if partitioned else PartitionSpec(),
                sort_order=order if partitioned else SortOrder(),
                location="s3://bucket/some where/ü",
                properties={"owner": "lena", "format-version": str(version), "quote": 'a "b" \\ \n \u2028'},
                table_uuid=uuid.uuid4(),
            )
            path = os.path.join(folder, f"{version}-{partitioned}.metadata.json")
            with open(path, "w") as f:
                f.write(made.model_dump_json())
            after, sentence = rewritten(path)
            assert after is not None, sentence
            check_same(made.model_dump_json(), after, path)
            keys = json.loads(after).keys()
            assert ("schema" in keys) == ("partition-spec" in keys) == (version == 1)
            assert ("last-sequence-number" in keys) == (version == 2)


def random_values(seed, n):
    """Type texts and values of Python, with their JSON."""
    rng = random.Random(seed)

    def text(alphabet):
        return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))

    for _ in range(n):
        yield "boolean", rng.random() < 0.5
        yield "int", rng.choice([0, 1, -1, 34, -(2**31) + 10, 2**31 - 1, rng.randrange(-(10**6), 10**6)])
        yield "long", rng.choice([0, -1, 2**63 - 1, -(2**63) + 10, rng.randrange(-(2**62), 2**62)])
        yield "float", rng.choice([0.0, 1.5, -2.25, 2.0**100])
        yield "double", rng.choice([0.0, 0.1, -1e300, rng.random()])
        yield "date", rng.choice([0, -1, -719162, 2932896, rng.randrange(-50000, 50000)])
        yield "time", rng.randrange(86400 * 10**6)
        yield "timestamp", rng.choice([0, -1, 1510871468000001, rng.randrange(-(2**50), 2**50)])
        yield "timestamptz", rng.choice([0, -1, 1510871468000000, rng.randrange(-(2**50), 2**50)])
        yield "string", rng.choice(["iceberg", "", text("abc"), text("aé\U0001f427z/ =%+~*_-."), text("\ud7ff\ue000\U0010ffff")])
        yield "uuid", uuid.UUID(int=rng.getrandbits(128))
        yield "binary", rng.randbytes(rng.randrange(12))
        yield "fixed[5]", rng.randbytes(5)
        scale = rng.randrange(0, 10)
        digits = rng.choice([9, 18, 38])
        unscaled = rng.choice([0, 1, -1, 127, 128, -128, -129, rng.randrange(-(10 ** (digits - 1)), 10 ** (digits - 1))])
        with decimal.localcontext(prec=50):
            yield f"decimal({digits}, {scale})", decimal.Decimal(unscaled).scaleb(-scale)


def iceberg_type(text):
    from pyiceberg.types import IcebergType

    return IcebergType.handle_primitive_type(text, None)


def same(kind, read, value):
    """PyIceberg reads times as objects and holds them as numbers; decimals have a scale that == does not see."""
    from pyiceberg import conversions

    if str(kind) == "float":  # the shortest text that gives the same 32 bits is another double
        return struct.pack("<f", read) == struct.pack("<f", value)
    return conversions.to_json(kind, read) == conversions.to_json(kind, value) and (read == value or str(kind) in ("date", "time", "timestamp", "timestamptz"))


def check_value(kind, text, value, got):
    """One line of the tool against PyIceberg's conversions and transforms."""
    from pyiceberg import conversions, transforms as tr

    assert got["binary"] == conversions.to_bytes(kind, value).hex(), (text, value, got)
    assert same(kind, conversions.from_json(kind, got["json"]), value), (text, value, got)
    for name, made in {
        "identity": tr.IdentityTransform(), "bucket[16]": tr.BucketTransform(16), "truncate[7]": tr.TruncateTransform(7),
        "year": tr.YearTransform(), "month": tr.MonthTransform(), "day": tr.DayTransform(), "hour": tr.HourTransform(),
    }.items():
        assert made.can_transform(kind) == (name in got), (text, name)
        if name not in got or got[name] == "does not fit":
            continue
        wanted = made.transform(kind)(value)
        result = made.result_type(kind)
        if name in ("year", "month", "day", "hour", "bucket[16]"):
            assert got[name][0] == (conversions.to_json(result, wanted) if name == "day" else wanted), (text, value, name, got)
        else:
            assert same(result, conversions.from_json(result, got[name][0]), wanted), (text, value, name, got)
        human = made.to_human_string(kind, wanted)
        if text.startswith("decimal") and name != "bucket[16]":
            assert decimal.Decimal(got[name][1][2:]) == wanted, (text, value, name, got)  # plain digits where others write 1E-7
        elif text not in ("float", "double", "time", "boolean", "uuid", "timestamp", "timestamptz") or name in ("year", "month", "day", "hour"):
            # The others are written as the Java reference does, which PyIceberg does not always do. "*" and "~" are encoded
            # the other way round by it; what reads as the same name is the same.
            assert got[name][1].replace("*", "%2A").replace("%7E", "~") == f"p={quote_plus(human, safe='')}", (text, value, name, got)


def single_values_have_the_same_bytes_json_buckets_and_paths(folder):
    pyiceberg()
    from pyiceberg import conversions

    cases = [(text, iceberg_type(text), value) for text, value in random_values(7, 150)]
    lines = "".join(json.dumps({"type": text, "value": conversions.to_json(kind, value)}) + "\n" for text, kind, value in cases)
    run = subprocess.run([TOOL, "values"], input=lines.encode(), capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr.decode()
    results = [json.loads(line) for line in run.stdout.decode().splitlines()]
    assert len(results) == len(cases)
    for (text, kind, value), got in zip(cases, results):
        check_value(kind, text, value, got)


peers.run(
    files_of_other_projects_mean_the_same_after_firn_wrote_them,
    packed_files_mean_the_same,
    tables_that_pyiceberg_makes_come_back_equal,
    single_values_have_the_same_bytes_json_buckets_and_paths,
)

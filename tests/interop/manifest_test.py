"""Manifests and manifest lists: those of PyIceberg and of others read here, ours read by PyIceberg and fastavro, field by field."""

import datetime
import decimal
import json
import os
import subprocess
import uuid

import peers
import values

TOOL = os.path.join(peers.BUILD, "manifest_tool")
MAPS = ["column_sizes", "value_counts", "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds"]
COUNTS = [f"{which}_{what}_count" for what in ("files", "rows") for which in ("added", "existing", "deleted")]
# Files whose refusal is meant, and what the sentence must say.
REFUSED = {"manifest-list-v3-encrypted.avro": "encrypted",
           # Their snapshot id is 9876543210123456789, which no long can be.
           **{name: "value is broken or ends early" for name in (
               "482c51b1-71ea-4508-b282-e2d753a5ef36-m0.avro",
               "snap-9876543210123456789-1-a6381c94-219a-4ddf-83b5-54875a7d3775.avro")}}


def tool(*words, status=0):
    run = subprocess.run([TOOL, *map(str, words)], capture_output=True, timeout=300)
    if status is not None and run.returncode != status:
        raise AssertionError(f"manifest_tool {words}: exit {run.returncode}: {run.stderr.decode()[-3000:]}")
    return run


def tool_json(*words):
    return [json.loads(line) for line in tool(*words).stdout.splitlines()]


def fastavro_records(path):
    try:
        import fastavro
    except ImportError:
        peers.skip("there is no fastavro; tools/setup check installs it")
    with open(path, "rb") as f:
        reader = fastavro.reader(f)
        return reader.metadata, reader.writer_schema, list(reader)


def avro_files():
    for folder, _, names in os.walk(peers.shared_data()):
        for name in sorted(names):
            if name.endswith(".avro"):
                yield name, os.path.join(folder, name)


# What others say of an entry, in the form of manifest_tool.

def map_of(pairs):
    if pairs is None:
        return None
    items = pairs.items() if hasattr(pairs, "items") else [(p["key"], p["value"]) for p in pairs]
    return {str(k): v.hex() if isinstance(v, bytes) else v for k, v in items}


def hex_of(value):
    return None if value is None else bytes(value).hex()


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f") + ("+00:00" if value.tzinfo else "")
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S.%f")
    return str(value) if isinstance(value, uuid.UUID) else values.plain(value)


def sane_offsets(offsets, size):
    ascend = all(a < b for a, b in zip(offsets or [], (offsets or [])[1:]))
    return offsets if offsets and ascend and offsets[-1] < size else []


def entry_of_fastavro(record, list_entry, version):
    file = record["data_file"]
    seq, snapshot = list_entry["sequence_number"], list_entry["added_snapshot_id"]
    added = record["status"] == 1

    def inherited(key):
        if version == 1:
            return 0
        return record[key] if record.get(key) is not None else seq if added or seq == 0 else -1

    return {"status": record["status"], "snapshot_id": snapshot if record.get("snapshot_id") is None else record["snapshot_id"],
            "sequence_number": inherited("sequence_number"), "file_sequence_number": inherited("file_sequence_number"),
            "content": file.get("content", 0), "file_path": file["file_path"], "file_format": file["file_format"].upper(),
            "partition": [plain(v) for v in (file["partition"] or {}).values()],
            "record_count": file["record_count"], "file_size_in_bytes": file["file_size_in_bytes"],
            **{key: map_of(file.get(key)) for key in MAPS}, "key_metadata": hex_of(file.get("key_metadata")),
            "split_offsets": sane_offsets(file.get("split_offsets"), file["file_size_in_bytes"]),
            "equality_ids": file.get("equality_ids") or [],
            "sort_order_id": None if file.get("content", 0) == 1 else file.get("sort_order_id")}


def list_of_fastavro(record, version):
    # Older writers called the counts of files by other names; the ids are the same.
    found = {key: record.get(key, record.get(key.replace("_files_", "_data_files_"))) for key in COUNTS}
    known = all(v is not None for v in found.values())
    return {"manifest_path": record["manifest_path"], "manifest_length": record["manifest_length"],
            "partition_spec_id": record["partition_spec_id"], "content": record.get("content", 0),
            "sequence_number": record.get("sequence_number", 0), "min_sequence_number": record.get("min_sequence_number", 0),
            "added_snapshot_id": record["added_snapshot_id"], **{k: v if known else None for k, v in found.items()},
            "partitions": [{"contains_null": p["contains_null"], "contains_nan": p.get("contains_nan"),
                            "lower_bound": hex_of(p["lower_bound"]), "upper_bound": hex_of(p["upper_bound"])}
                           for p in record.get("partitions") or []],
            "key_metadata": hex_of(record.get("key_metadata"))}


def as_fastavro_has_it(value):
    """fastavro takes every timestamp for UTC, and a UUID in a fixed for bytes."""
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return value.replace("-", "")
    return value.removesuffix("+00:00") if isinstance(value, str) else value


def compare(what, got, wanted):
    if isinstance(wanted.get("partition"), list):
        got = {**got, "partition": [as_fastavro_has_it(v) for v in got["partition"].values()]}
        wanted = {**wanted, "partition": [as_fastavro_has_it(v) for v in wanted["partition"]]}
    bad = [(k, got.get(k), v) for k, v in wanted.items() if not values.same(got.get(k), v)]
    assert not bad, f"{what}: {bad[:3]}"


def every_list_of_others_has_the_entries_that_fastavro_reads(folder):
    n = n_entries = 0
    for name, path in avro_files():
        try:
            metadata, schema, records = fastavro_records(path)
        except (KeyError, ValueError):  # not a file for fastavro: the next test but one looks at it
            continue
        if schema.get("name") != "manifest_file" or metadata.get("format-version") == "3" or name in REFUSED:
            continue
        got = tool_json("list", path)
        assert len(got) == len(records), name
        for g, record in zip(got, records):
            compare(name, g, list_of_fastavro(record, int(metadata.get("format-version", 1))))
            n_entries += 1
        n += 1
    assert n >= 20, n
    print(f"{n} lists, {n_entries} manifests")


def every_manifest_of_others_has_the_entries_that_fastavro_reads(folder):
    n = n_entries = 0
    inherited = {"sequence_number": 4711, "added_snapshot_id": 815}
    for name, path in avro_files():
        try:
            metadata, schema, records = fastavro_records(path)
        except (KeyError, ValueError):
            continue
        version = int(metadata.get("format-version", 2 if "sequence_number" in str(schema) else 1))
        if schema.get("name") != "manifest_entry" or version == 3 or name in REFUSED:
            continue
        deletes = int(metadata.get("content") == "deletes")
        got = tool_json("manifest", path, -1, inherited["sequence_number"], inherited["added_snapshot_id"], deletes)
        assert len(got) == len(records), name
        for g, record in zip(got, records):
            compare(name, g, entry_of_fastavro(record, inherited, version))
            n_entries += 1
        n += 1
    assert n >= 20, n
    print(f"{n} manifests, {n_entries} entries")


def every_avro_file_of_others_is_read_or_refused_by_a_sentence(folder):
    n_read, n_refused = 0, 0
    for name, path in avro_files():
        run = tool("avro", path, status=None)
        assert run.returncode in (0, 1), f"{name}: exit {run.returncode}: {run.stderr.decode()[-3000:]}"
        if run.returncode == 1:
            assert len(run.stderr.splitlines()) == 1 and REFUSED.get(name, "?") in run.stderr.decode(), f"{name}: {run.stderr.decode()}"
            n_refused += 1
            continue
        n_read += 1
        try:
            records = fastavro_records(path)[2]
        except (KeyError, ValueError):
            continue
        got = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(got) == len(records), f"{name}: {len(got)} records, not {len(records)}"
        if "/arrow-testing/" in path or "/avro/share/" in path:
            same_plain_values(name, got, records)
    assert n_read >= 70 and n_refused == len(REFUSED), (n_read, n_refused)
    print(f"{n_read} read, {n_refused} refused")


def same_plain_values(name, got, records):
    """Columns of numbers and texts; the forms of other types are tested by avro_json_test."""
    for g, record in zip(got, records):
        for key, value in record.items() if isinstance(record, dict) else ():
            if isinstance(value, (int, float, str, bytes)) and not isinstance(value, bool):
                assert values.same(g[key], values.plain(value)), f"{name}: {key}: {g[key]!r}, not {value!r}"


def version_3_is_refused_by_a_sentence(folder):
    n = 0
    for name, path in avro_files():
        try:
            metadata, schema, _ = fastavro_records(path)
        except (KeyError, ValueError):
            continue
        if metadata.get("format-version") == "3":
            kind = ["manifest", path, -1, 1, 1, int(metadata.get("content") == "deletes")] if schema["name"] == "manifest_entry" else ["list", path]
            run = tool(*kind, status=1)
            assert b"format version 3" in run.stderr, run.stderr
            n += 1
    assert n >= 2, n


# PyIceberg's files.

def entry_of_pyiceberg(entry, names):
    file = entry.data_file
    return {"status": int(entry.status), "snapshot_id": entry.snapshot_id, "sequence_number": entry.sequence_number,
            "content": int(file.content), "file_path": file.file_path, "file_format": file.file_format.name,
            "partition": {name: by_type(file.partition[i], kind) for i, (name, kind) in enumerate(names)},
            "record_count": file.record_count, "file_size_in_bytes": file.file_size_in_bytes,
            **{key: map_of(getattr(file, key)) for key in MAPS}, "key_metadata": hex_of(file.key_metadata),
            "split_offsets": file.split_offsets or [], "equality_ids": file.equality_ids or [], "sort_order_id": file.sort_order_id}


def by_type(value, kind):
    """A partition value of PyIceberg, which keeps dates and times as numbers, as manifest_tool shows it."""
    kind = str(kind)
    epoch = datetime.datetime(1970, 1, 1)
    if value is None or isinstance(value, bool):
        return value
    if kind == "date":
        return value.isoformat() if isinstance(value, datetime.date) else (epoch + datetime.timedelta(days=value)).date().isoformat()
    if kind == "time":
        return plain((epoch + datetime.timedelta(microseconds=value)).time())
    if kind.startswith("timestamp"):
        return plain(epoch + datetime.timedelta(microseconds=value)) + ("+00:00" if kind == "timestamptz" else "")
    return plain(uuid.UUID(bytes=value)) if kind == "uuid" and isinstance(value, bytes) else plain(value)


def list_of_pyiceberg(m):
    return {"manifest_path": m.manifest_path, "manifest_length": m.manifest_length, "partition_spec_id": m.partition_spec_id,
            "content": int(m.content), "sequence_number": m.sequence_number or 0, "min_sequence_number": m.min_sequence_number or 0,
            "added_snapshot_id": m.added_snapshot_id, **{key: getattr(m, key) for key in COUNTS},
            "partitions": [{"contains_null": p.contains_null, "contains_nan": p.contains_nan, "lower_bound": hex_of(p.lower_bound),
                            "upper_bound": hex_of(p.upper_bound)} for p in m.partitions or []],
            "key_metadata": hex_of(m.key_metadata)}


def pyiceberg_table(catalog, name, version):
    import pyarrow as pa
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, TruncateTransform
    from pyiceberg.types import (BinaryType, BooleanType, DateType, DecimalType, DoubleType, LongType, NestedField, StringType, TimestampType,
                                 TimestamptzType)

    kinds = [LongType(), StringType(), BooleanType(), DateType(), TimestampType(), TimestamptzType(), DecimalType(9, 2), DoubleType(), BinaryType()]
    schema = Schema(*[NestedField(i + 1, f"c{i + 1}", kind, required=False) for i, kind in enumerate(kinds)])
    transforms = [(1, BucketTransform(4), "1 bucket.x"), (2, TruncateTransform(2), "two"), (3, IdentityTransform(), "flag"),
                  (4, IdentityTransform(), "on"), (5, DayTransform(), "day"), (6, IdentityTransform(), "tz"), (7, IdentityTransform(), "price")]
    spec = PartitionSpec(*[PartitionField(source, 1000 + i, t, n) for i, (source, t, n) in enumerate(transforms)])
    table = catalog.create_table(f"ns.{name}", schema, partition_spec=spec, properties={"format-version": str(version)})
    day = datetime.datetime(1969, 12, 31, 23, 30)
    utc = datetime.timezone.utc
    rows = [[7, "zürich", True, day.date(), day, day.replace(tzinfo=utc), decimal.Decimal("-1.05"), float("nan"), b"\xff\x00"],
            [8, "", False, datetime.date(2024, 6, 15), datetime.datetime(2024, 6, 15, 1, 2, 3, 4), datetime.datetime(2024, 6, 15, tzinfo=utc),
             decimal.Decimal("1420.00"), -0.0, b""],
            [None] * 9]
    arrow = table.schema().as_arrow()
    for batch in (rows, rows[:1], rows[1:]):
        table.append(pa.Table.from_arrays([pa.array(c, f.type) for c, f in zip(map(list, zip(*batch)), arrow)], schema=arrow))
    table.delete("c1 = 7")
    return table


def what_pyiceberg_writes_reads_the_same_here(folder):
    try:
        from pyiceberg.catalog import load_catalog
    except ImportError:
        peers.skip("there is no pyiceberg; tools/setup check installs it")
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/w")
    catalog.create_namespace("ns")
    n = 0
    for version in (1, 2):
        table = pyiceberg_table(catalog, f"v{version}", version)
        for snapshot in table.snapshots():
            got = tool_json("list", snapshot.manifest_list.removeprefix("file://"))
            manifests = snapshot.manifests(table.io)
            assert len(got) == len(manifests)
            for g, m in zip(got, manifests):
                compare(snapshot.manifest_list, g, list_of_pyiceberg(m))
                types = [(f.name, f.field_type) for f in table.specs()[m.partition_spec_id].partition_type(table.schema()).fields]
                n += same_entries(m, table.io, types)
    assert n >= 30, n
    print(f"{n} entries of PyIceberg's tables")


def same_entries(m, io, types):
    entries = m.fetch_manifest_entry(io, discard_deleted=False)
    got = tool_json("manifest", m.manifest_path.removeprefix("file://"), m.partition_spec_id, m.sequence_number or 0, m.added_snapshot_id, int(m.content))
    assert len(got) == len(entries), m.manifest_path
    for g, e in zip(got, entries):
        compare(m.manifest_path, g, entry_of_pyiceberg(e, types))
    return len(got)


# Ours.

def what_is_written_here_reads_the_same_in_pyiceberg(folder):
    try:
        from pyiceberg.io.pyarrow import PyArrowFileIO
        from pyiceberg.manifest import read_manifest_list
    except ImportError:
        peers.skip("there is no pyiceberg; tools/setup check installs it")
    tool("write", folder)
    io = PyArrowFileIO()
    manifests = list(read_manifest_list(io.new_input(f"{folder}/list.avro")))
    got = tool_json("list", f"{folder}/list.avro")
    assert [m.sequence_number for m in manifests] == [9, 9] and [m.min_sequence_number for m in manifests] == [3, 9]
    names = list(tool_json("manifest", manifests[0].manifest_path, 7, 9, 77, 0)[0]["partition"])
    kinds = ["boolean", "int", "long", "float", "double", "decimal", "decimal", "date", "time", "timestamp", "timestamptz", "string", "uuid",
             "fixed", "binary", "uuid"]
    n = 0
    for g, m in zip(got, manifests):
        compare("list.avro", g, list_of_pyiceberg(m))
        n += same_entries(m, io, list(zip(names, kinds)))
    assert n == 5, n


def what_is_written_here_reads_the_same_in_fastavro(folder):
    tool("write", folder)
    list_entries = fastavro_records(f"{folder}/list.avro")[2]
    for g, record in zip(tool_json("list", f"{folder}/list.avro"), list_entries):
        compare("list.avro", g, list_of_fastavro(record, 2))
    for m in list_entries:
        metadata, _, records = fastavro_records(m["manifest_path"])
        assert metadata["format-version"] == "2" and metadata["content"] == ("deletes" if m["content"] else "data")
        assert [f["name"] for f in json.loads(metadata["partition-spec"])][11] == "9 s.x"
        assert json.loads(metadata["schema"])["schema-id"] == 3
        assert "_9_x20s_x2Ex" in records[0]["data_file"]["partition"]
        got = tool_json("manifest", m["manifest_path"], 7, m["sequence_number"], m["added_snapshot_id"], m["content"])
        assert len(got) == len(records)
        for g, record in zip(got, records):
            compare(m["manifest_path"], g, entry_of_fastavro(record, m, 2))


def what_is_written_here_is_read_by_duckdb(folder):
    db = peers.duckdb()
    tool("write", folder)
    got = db.execute(f"SELECT manifest_path, added_rows_count, content FROM read_avro('{folder}/list.avro')").fetchall()
    assert got == [(f"{folder}/m0.avro", 100, 0), (f"{folder}/m1.avro", 200, 1)], got
    statuses = db.execute(f"SELECT status, data_file.record_count FROM read_avro('{folder}/m0.avro')").fetchall()
    assert statuses == [(1, 100), (0, 100), (2, 100)], statuses


peers.run(every_list_of_others_has_the_entries_that_fastavro_reads, every_manifest_of_others_has_the_entries_that_fastavro_reads,
          every_avro_file_of_others_is_read_or_refused_by_a_sentence, version_3_is_refused_by_a_sentence,
          what_pyiceberg_writes_reads_the_same_here, what_is_written_here_reads_the_same_in_pyiceberg,
          what_is_written_here_reads_the_same_in_fastavro, what_is_written_here_is_read_by_duckdb)

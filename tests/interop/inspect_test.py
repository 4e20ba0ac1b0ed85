"""Metadata tables, firn's against PyIceberg's table.inspect, on tables that PyIceberg made at random."""

import datetime
import decimal
import functools
import json
import os
import random
import struct
import subprocess
import sys

import peers
import values

TOOL = os.path.join(peers.BUILD, "inspect_tool")
SEEDS = range(1, int(sys.argv[2]) if len(sys.argv) > 2 else 13)
# What the two show under different names or not at all is left out: their schemas are compared apart.
OURS_ALONE = {"first_row_id", "referenced_data_file", "content_offset", "content_size_in_bytes", "table_name",
              "parent_snapshot_id"}


def inspect(location, kind, snapshot=None):
    """The columns and the rows of a metadata table."""
    words = [TOOL, location, kind] + ([str(snapshot)] if snapshot is not None else [])
    run = subprocess.run(words, capture_output=True, timeout=60)
    assert run.returncode == 0, f"{kind} of {location}: {run.stderr.decode()}"
    lines = [json.loads(line) for line in run.stdout.decode().splitlines()]
    return [f["name"] for f in lines[0]["fields"]], lines[1:]


# --- random tables ---

COLUMNS = {
    "flag": ("BooleanType", lambda r: r.random() < 0.5),
    "i": ("IntegerType", lambda r: r.randint(-1000, 1000)),
    "l": ("LongType", lambda r: r.randint(-2**62, 2**62)),
    "f": ("FloatType", lambda r: r.choice([0.5, -1.25, float("nan")])),
    "d": ("DoubleType", lambda r: r.choice([1e300, -0.0, float("nan"), 7.25])),
    "price": ("DecimalType", lambda r: decimal.Decimal(r.randint(-10**6, 10**6)).scaleb(-2)),
    "day": ("DateType", lambda r: datetime.date(1969, 12, 1) + datetime.timedelta(days=r.randint(0, 90))),
    "at": ("TimestamptzType", lambda r: datetime.datetime(1969, 12, 31, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=r.randint(0, 90))),
    "ts": ("TimestampType", lambda r: datetime.datetime(2024, 2, 28) + datetime.timedelta(minutes=r.randint(0, 9000))),
    "name": ("StringType", lambda r: r.choice(["", "eu", "Zürich/1", "a" * 40, "𝄞 clef"])),
    "raw": ("BinaryType", lambda r: r.choice([b"", b"\xff\x00", b"\xff" * 30])),
    "clock": ("TimeType", lambda r: datetime.time(r.randint(0, 23), r.randint(0, 59), 1, 999_999)),
}
TRANSFORMS = {
    "i": ["identity", "bucket[4]", "truncate[10]", "void"], "l": ["identity", "bucket[3]"], "price": ["identity", "truncate[50]"],
    "day": ["identity", "day", "month", "year"], "at": ["day", "hour", "month"], "ts": ["day", "year"],
    "name": ["identity", "truncate[2]", "bucket[5]"], "flag": ["identity"],
}


def schema_of(names):
    from pyiceberg import types
    from pyiceberg.schema import Schema

    fields = []
    for i, name in enumerate(names):
        kind = getattr(types, COLUMNS[name][0])
        fields.append(types.NestedField(i + 1, name, kind(9, 2) if name == "price" else kind(), required=False))
    last = len(fields)
    fields.append(types.NestedField(last + 1, "tags", types.ListType(last + 2, types.StringType(), element_required=False), required=False))
    return Schema(*fields)


def spec_of(rng, schema, names):
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import parse_transform

    chosen = rng.sample([n for n in names if n in TRANSFORMS], k=rng.randint(0, 2))
    return PartitionSpec(*(PartitionField(schema.find_field(n).field_id, 1000 + i, parse_transform(rng.choice(TRANSFORMS[n])), "p_" + n)
                           for i, n in enumerate(chosen)))


def rows_for(rng, table):
    import pyarrow as pa

    schema = table.schema().as_arrow()
    columns = []
    n = rng.randint(1, 30)
    for field in schema:
        if field.name == "tags":
            made = [rng.choice([None, [], ["x", None]]) for _ in range(n)]
        elif field.name in COLUMNS:
            made = [None if rng.random() < 0.15 else COLUMNS[field.name][1](rng) for _ in range(n)]
        else:
            made = [rng.choice([None, 1, 2]) for _ in range(n)]
        columns.append(pa.array(made, type=field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type))
        if isinstance(field.type, pa.BaseExtensionType):
            columns[-1] = pa.ExtensionArray.from_storage(field.type, columns[-1])
    return pa.Table.from_arrays(columns, schema=schema)


def change(rng, table):
    """One change of the table; what PyIceberg cannot do with this one is passed over."""
    from pyiceberg import types

    what = rng.random()
    if what < 0.55:
        table.append(rows_for(rng, table))
    elif what < 0.65 and "i" in table.schema().column_names:
        table.delete(f"i > {rng.randint(-500, 900)}")
    elif what < 0.7:
        table.overwrite(rows_for(rng, table))
    elif what < 0.78:
        with table.update_schema() as update:
            update.add_column(f"new{rng.randint(0, 10**6)}", types.IntegerType())
    elif what < 0.84 and "i" in table.schema().column_names:
        with table.update_schema() as update:
            if isinstance(table.schema().find_type("i"), types.IntegerType):
                update.update_column("i", types.LongType())
            else:
                update.rename_column("i", "renamed")
    elif what < 0.9 and table.format_version == 2:
        with table.update_spec() as update:
            if table.spec().fields and rng.random() < 0.5:
                update.remove_field(table.spec().fields[0].name)
            elif "day" in table.schema().column_names:
                update.add_field("day", "bucket[3]", f"added{rng.randint(0, 10**6)}")
    elif table.current_snapshot() is not None:
        head = table.current_snapshot().snapshot_id
        with table.manage_snapshots() as refs:
            if rng.random() < 0.5:
                refs.create_tag(head, f"t{rng.randint(0, 10**6)}", max_ref_age_ms=rng.choice([None, 10**10]))
            else:
                refs.create_branch(head, f"b{rng.randint(0, 10**6)}", min_snapshots_to_keep=rng.choice([None, 3]))


def random_table(folder, seed):
    from pyiceberg.catalog.sql import SqlCatalog

    rng = random.Random(seed)
    catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/c{seed}.db", warehouse=f"file://{folder}/w{seed}")
    catalog.create_namespace("db")
    names = sorted(rng.sample(sorted(COLUMNS), k=rng.randint(3, len(COLUMNS))))
    properties = {"format-version": rng.choice(["1", "2", "2"]), "commit.manifest-merge.enabled": rng.choice(["true", "false"]),
                  "commit.manifest.min-count-to-merge": "2", "write.metadata.previous-versions-max": "3"}
    schema = schema_of(names)
    table = catalog.create_table("db.t", schema, partition_spec=spec_of(rng, schema, names), properties=properties)
    for _ in range(rng.randint(2, 9)):
        try:
            change(rng, table)
        except (NotImplementedError, ValueError, TypeError) as e:  # of the peer, which then has changed nothing
            print(f"seed {seed}: passed over: {str(e)[:120]}")
        table = catalog.load_table("db.t")
    return table


# --- comparing ---

def plain(arrow):
    """Rows of an Arrow table as firn prints them; times get the zone that the peer leaves out."""
    import pyarrow as pa

    columns = {}
    for name, column in zip(arrow.column_names, arrow.columns):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            column = column.cast(pa.timestamp("us", tz="UTC"))
        column = column.combine_chunks()
        columns[name] = [values.from_arrow(column, i) for i in range(len(column))]
    return [{name: columns[name][i] for name in columns} for i in range(arrow.num_rows)]


def by_key(value):
    """Maps in the order of their keys: neither side promises one."""
    if isinstance(value, dict) and list(value) == ["keys", "values"]:
        return dict(sorted(zip(map(str, value["keys"]), value["values"])))
    if isinstance(value, dict):
        return {k: by_key(v) for k, v in value.items()}
    if isinstance(value, list):
        return [by_key(v) for v in value]
    return value


def as_float(text):
    """A float's text as its four bytes: the reference prints the shortest, the peer the double's."""
    try:
        return struct.pack("<f", float(text))
    except (TypeError, ValueError, OverflowError):
        return None


def compared(ours, theirs, where):
    """Fails unless what the peer shows is what firn shows. A map or list that is missing is empty to the peer."""
    if isinstance(theirs, dict):
        if ours is None:
            assert theirs == {} or all(v is None for v in theirs.values()), f"{where}: null, not {theirs}"
            return
        for key in theirs:
            if key not in ours and where.endswith("readable_metrics"):
                continue  # the peer has columns of nested types there, firn what is in them
            if key == "partition" and not theirs[key]:
                continue  # of an unpartitioned table
            assert key in ours, f"{where}: no {key} in {ours}"
            compared(ours[key], theirs[key], f"{where}.{key}")
        # The peer leaves out the spec's id in entries, what is new in version 3, and partition fields that no manifest has.
        extra = {k: v for k, v in ours.items() if k not in theirs and v is not None and k != "spec_id"}
        assert not extra or where.endswith("readable_metrics"), f"{where}: {extra} is not there"
    elif isinstance(theirs, list) and ours is not None:
        assert len(ours) == len(theirs), f"{where}: {ours} is not {theirs}"
        for i, pair in enumerate(zip(ours, theirs)):
            compared(*pair, f"{where}[{i}]")
    else:
        same = values.same(ours, theirs) or (ours is None and theirs in ([], "None"))
        same |= ours == "" and theirs is None and "_bound" in where  # the peer takes an empty bound for none
        same |= "partition_summaries" in where and as_float(ours) is not None and as_float(ours) == as_float(theirs)
        assert same, f"{where}: {ours!r} is not {theirs!r}"


def compare(table, kind, wanted, key, snapshot=None, extra_columns=()):
    columns, rows = inspect(table.metadata_location, kind, snapshot)
    theirs = [by_key(row) for row in plain(wanted)]
    ours = [by_key(row) for row in rows]
    # In `partitions` the peer has the fields of the manifests' specs alone, and perhaps none.
    unpartitioned = {"partition", "spec_id"} if kind == "partitions" and "partition" not in wanted.column_names else set()
    expected = [c for c in columns if c not in OURS_ALONE and c not in extra_columns and c not in unpartitioned]
    # The peer puts the partition before the spec's id in files; firn has the reference's order.
    assert sorted(expected) == sorted(c for c in wanted.column_names if c in columns), f"{kind}: {columns}, not {wanted.column_names}"
    assert len(ours) == len(theirs), f"{kind}: {len(ours)} rows, not {len(theirs)}"
    for a, b in zip(sorted(ours, key=key), sorted(theirs, key=key)):
        compared({c: a[c] for c in expected}, {c: b[c] for c in expected}, kind)
    return len(ours)


def partition(row):
    return json.dumps({k: v for k, v in row.get("partition", {}).items() if v is not None}, sort_keys=True)


def metadata_tables_are_those_of_pyiceberg(folder):
    peers.need("pyiceberg", "sqlalchemy", "pyarrow")
    counts = {}
    for seed in SEEDS:
        print(f"seed {seed}")
        table = random_table(folder, seed)
        see = table.inspect
        path = lambda row: row["file_path"]
        tables = [
            ("snapshots", see.snapshots, lambda row: row["snapshot_id"], {}),
            ("history", see.history, lambda row: row["made_current_at"] + str(row["snapshot_id"]),
             {"extra_columns": ("operation", "summary", "committed_at")}),
            ("refs", see.refs, lambda row: row["name"], {}),
            ("metadata_log_entries", see.metadata_log_entries, lambda row: row["file"], {}),
            ("manifests", see.manifests, lambda row: row["path"], {}),
            ("all_manifests", see.all_manifests, lambda row: (row["path"], row["reference_snapshot_id"]), {}),
        ]
        if table.current_snapshot() is not None:
            tables += [
                ("files", see.files, path, {}), ("data_files", see.data_files, path, {}), ("delete_files", see.delete_files, path, {}),
                ("entries", see.entries, lambda row: row["data_file"]["file_path"], {}),
                ("partitions", see.partitions, partition, {}),
            ]
            for snapshot in list(table.snapshots())[:2]:
                of = {"snapshot": snapshot.snapshot_id}
                tables.append(("files", functools.partial(see.files, snapshot.snapshot_id), path, of))
                tables.append(("partitions", functools.partial(see.partitions, snapshot.snapshot_id), partition, of))
        for kind, ask, key, how in tables:
            try:
                wanted = ask()
            except Exception as e:  # what the peer cannot show it cannot be asked
                print(f"seed {seed}: the peer's {kind}: {type(e).__name__}: {str(e)[:120]}")
                inspect(table.metadata_location, kind, how.get("snapshot"))
                continue
            counts[kind] = counts.get(kind, 0) + compare(table, kind, wanted, key, **how)
    print(counts)
    assert all(counts[kind] > 10 for kind in ("snapshots", "history", "refs", "manifests", "files", "entries", "partitions")), counts


def metadata_tables_of_foreign_tables_are_those_of_pyiceberg(folder):
    peers.need("pyiceberg", "pyarrow")
    from pyiceberg.table import StaticTable

    root = os.path.join(peers.shared_data(), "duckdb-iceberg")
    os.chdir(root)  # their paths are relative
    with open("EXPECTED.json", encoding="utf-8") as f:
        paths = list(json.load(f))
    counts = {}
    for path in paths:
        shown = peers.firn("table", "show", "./" + path, "--format", "json", status=None)
        if shown.returncode != 0:
            continue  # version 3
        location = json.loads(shown.stdout)["metadata-location"].removeprefix("file://")
        for kind, key in (("files", "file_path"), ("delete_files", "file_path"), ("manifests", "path"), ("snapshots", "snapshot_id"), ("refs", "name")):
            try:
                wanted = getattr(StaticTable.from_metadata(location).inspect, kind)()
            except Exception as e:  # what the peer cannot show it cannot be asked
                print(f"{path}: the peer's {kind}: {type(e).__name__}: {str(e)[:120]}")
                continue
            run = peers.firn("table", "inspect", "./" + path, kind, status=None)
            assert run.returncode == 0 or "neither an absolute path nor a URI" in run.stderr, f"{path}: {kind}: {run.stderr}"
            if run.returncode != 0:
                continue
            ours = sorted((by_key(json.loads(line)) for line in run.stdout.splitlines()), key=lambda row: row[key])
            theirs = sorted((by_key(row) for row in plain(wanted)), key=lambda row: row[key])
            assert len(ours) == len(theirs), f"{path}: {kind}: {len(ours)} rows, not {len(theirs)}"
            for a, b in zip(ours, theirs):
                compared({c: v for c, v in a.items() if c in b}, {c: v for c, v in b.items() if c in a}, kind)
            counts[kind] = counts.get(kind, 0) + len(ours)
    print(counts)
    assert counts["files"] > 20 and counts["snapshots"] > 20, counts


def a_metadata_table_is_printed(folder):
    peers.need("pyiceberg", "sqlalchemy", "pyarrow")
    table = random_table(folder, 3)
    path = table.metadata_location.removeprefix("file://")
    assert peers.firn_json("table", "refs", path, "--format", "json")[0]["type"] == "BRANCH"
    assert "BRANCH" in peers.firn("table", "refs", path).stdout
    manifests = peers.firn_json("table", "manifests", path, "--format", "json")
    assert all(m["path"] in peers.firn("table", "manifests", path).stdout for m in manifests) and manifests
    files = peers.firn_json("table", "inspect", path, "FILES", "--columns", "record_count,file_path")
    assert files and all(list(f) == ["record_count", "file_path"] for f in files)
    assert "but history, snapshots" in peers.firn("table", "inspect", path, "nothing", status=1).stderr
    assert "no column x" in peers.firn("table", "inspect", path, "files", "--columns", "x", status=1).stderr
    assert "not of one snapshot" in peers.firn("table", "inspect", path, "refs", "--snapshot", table.current_snapshot().snapshot_id, status=1).stderr


peers.run(metadata_tables_are_those_of_pyiceberg, metadata_tables_of_foreign_tables_are_those_of_pyiceberg, a_metadata_table_is_printed)

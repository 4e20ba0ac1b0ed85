"""One SQLite catalog, two programs: what PyIceberg makes and appends firn reads, and the reverse."""

import datetime
import decimal
import json
import os
import sqlite3
import uuid

import archive
import peers

UTC = datetime.timezone.utc


def data(folder):
    return os.path.join(folder, "firn-data")


def make_data_folder(folder):
    """firn makes its catalog with the first thing that needs one."""
    peers.need("pyarrow", "pyiceberg")
    path = os.path.join(folder, "one.ndjson")
    rows = archive.write(path, 50)
    peers.firn("ingest", "cloudevent.valid", path, cwd=folder)
    return rows


def pyiceberg_appends_to_what_firn_made(folder):
    rows = make_data_folder(folder)
    catalog = peers.pyiceberg_catalog(data(folder))
    table = catalog.load_table("cloudevent.valid")
    more = {row["id"]: row for _, row in archive.events(70, seed=8)}
    table.append(arrow_table(table, more.values()))
    read = {json.loads(line)["id"]: json.loads(line) for line in peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout.splitlines()}
    assert read.keys() == rows.keys() | more.keys()
    for row_id, row in read.items():
        archive.check_row(row, rows.get(row_id) or more[row_id])
    # And firn goes on after that.
    path = os.path.join(folder, "three.ndjson")
    rows |= more | archive.write(path, 30, seed=9)
    peers.firn("ingest", "cloudevent.valid", path, cwd=folder)
    archive.check_pyiceberg(catalog.load_table("cloudevent.valid"), rows)
    snapshots = peers.firn_json("table", "snapshots", "cloudevent.valid", "--format", "json", cwd=folder)
    assert [s["summary"]["total-records"] for s in snapshots] == ["50", "120", "150"], snapshots
    assert [s["parent-snapshot-id"] for s in snapshots[1:]] == [s["snapshot-id"] for s in snapshots[:-1]]


def arrow_table(table, rows):
    import pyarrow as pa

    rows = [{**row, "extras": json.dumps(row["extras"])} for row in rows]
    return pa.Table.from_pylist(rows, schema=table.schema().as_arrow())


def firn_reads_every_type_that_pyiceberg_writes(folder):
    make_data_folder(folder)
    import pyarrow as pa

    schema = pa.schema([
        ("b", pa.bool_()), ("i", pa.int32()), ("l", pa.int64()), ("f", pa.float32()), ("d", pa.float64()), ("dec", pa.decimal128(20, 3)),
        ("day", pa.date32()), ("t", pa.time64("us")), ("ts", pa.timestamp("us")), ("tz", pa.timestamp("us", "UTC")), ("s", pa.string()),
        ("bin", pa.binary()), ("fix", pa.binary(4)), ("list", pa.list_(pa.int32())), ("st", pa.struct([("x", pa.int32()), ("y", pa.string())])),
        ("m", pa.map_(pa.string(), pa.int64()))])
    first = {"b": True, "i": -5, "l": 1 << 60, "f": 0.5, "d": -0.1, "dec": decimal.Decimal("-12345678901234567.890"), "day": datetime.date(1969, 12, 31),
             "t": datetime.time(23, 59, 59, 999999), "ts": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
             "tz": datetime.datetime(2500, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "s": "żółw\n", "bin": b"\x00\xff", "fix": b"abcd", "list": [1, None, 3],
             "st": {"x": 1, "y": None}, "m": [("k", 1), ("j", None)]}
    table = pa.Table.from_pylist([first, dict.fromkeys(first)], schema=schema)
    catalog = peers.pyiceberg_catalog(data(folder))
    catalog.create_namespace("other")
    catalog.create_table("other.types", schema=schema).append(table)
    lines = peers.firn("table", "cat", "other.types", cwd=folder).stdout.splitlines()
    assert json.loads(lines[0]) == {
        "b": True, "i": -5, "l": 1 << 60, "f": 0.5, "d": -0.1, "dec": "-12345678901234567.890", "day": "1969-12-31", "t": "23:59:59.999999",
        "ts": "1969-12-31T23:59:59.999999", "tz": "2500-01-02T03:04:05.000006+00:00", "s": "żółw\n", "bin": "00ff", "fix": "61626364",
        "list": [1, None, 3], "st": {"x": 1, "y": None}, "m": {"keys": ["k", "j"], "values": [1, None]}}, lines[0]
    assert json.loads(lines[1]) == dict.fromkeys(first), lines[1]
    assert "other.types" in peers.firn("table", "list", cwd=folder).stdout.split()


def pyiceberg_uses_a_table_that_firn_created(folder):
    peers.need("pyarrow", "pyiceberg")
    import pyarrow as pa

    schema = {"type": "struct", "fields": [{"id": 1, "name": "id", "required": True, "type": "long"}, {"id": 2, "name": "at", "required": False, "type": "timestamptz"},
                                           {"id": 3, "name": "who", "required": False, "type": "uuid"}]}
    spec = {"spec-id": 0, "fields": [{"name": "at_day", "transform": "day", "source-id": 2}]}
    for name, what in (("schema.json", schema), ("spec.json", spec)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(what, f)
    peers.firn("table", "create", "ns.made", "--schema", "schema.json", "--partition-spec", "spec.json", "--properties", "a=b", cwd=folder)
    table = peers.pyiceberg_catalog(data(folder)).load_table("ns.made")
    assert table.format_version == 2 and table.properties["a"] == "b"
    assert [str(f.transform) for f in table.spec().fields] == ["day"]
    assert [(f.field_id, f.name, f.required, str(f.field_type)) for f in table.schema().fields] == [
        (1, "id", True, "long"), (2, "at", False, "timestamptz"), (3, "who", False, "uuid")]
    who = uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7")
    table.append(pa.Table.from_pylist([{"id": 1, "at": datetime.datetime(2026, 1, 2, tzinfo=UTC), "who": who.bytes}, {"id": 2}],
                                      schema=pa.schema([pa.field("id", pa.int64(), nullable=False), ("at", pa.timestamp("us", "UTC")), ("who", pa.uuid())])))
    rows = sorted(peers.firn_json("table", "cat", "ns.made", cwd=folder), key=lambda row: row["id"])
    assert rows == [{"id": 1, "at": "2026-01-02T00:00:00.000000+00:00", "who": str(who)}, {"id": 2, "at": None, "who": None}], rows


def both_see_renames_drops_and_registrations(folder):
    make_data_folder(folder)
    catalog = peers.pyiceberg_catalog(data(folder))
    location = catalog.load_table("cloudevent.valid").metadata_location
    peers.firn("table", "rename", "cloudevent.valid", "cloudevent.kept", cwd=folder)
    assert catalog.table_exists("cloudevent.kept") and not catalog.table_exists("cloudevent.valid")
    peers.firn("table", "drop", "cloudevent.kept", cwd=folder)
    assert not catalog.table_exists("cloudevent.kept")
    peers.firn("table", "register", "cloudevent.again", location, cwd=folder)
    assert catalog.load_table("cloudevent.again").scan().to_arrow().num_rows == 50
    catalog.rename_table("cloudevent.again", "cloudevent.more")
    assert len(peers.firn("table", "cat", "cloudevent.more", cwd=folder).stdout.splitlines()) == 50
    catalog.drop_table("cloudevent.more")
    assert "cloudevent.more" not in peers.firn("table", "list", cwd=folder).stdout
    failed = peers.firn("table", "show", "cloudevent.more", cwd=folder, status=1)
    assert "cloudevent.more" in failed.stderr and len(failed.stderr.splitlines()) == 1, failed.stderr


def the_catalog_has_the_tables_of_pyiceberg(folder):
    make_data_folder(folder)
    peer = os.path.join(folder, "peer")
    os.makedirs(peer)
    peers.pyiceberg_catalog(peer).create_namespace("x")

    def columns(path):
        with sqlite3.connect(path) as db:
            return {t: {(name, kind, notnull, pk) for _, name, kind, notnull, _, pk in db.execute(f"PRAGMA table_info({t})")}
                    for t in ("iceberg_tables", "iceberg_namespace_properties")}

    assert columns(os.path.join(data(folder), "catalog.db")) == columns(os.path.join(peer, "catalog.db"))


peers.run(pyiceberg_appends_to_what_firn_made, firn_reads_every_type_that_pyiceberg_writes, pyiceberg_uses_a_table_that_firn_created,
          both_see_renames_drops_and_registrations, the_catalog_has_the_tables_of_pyiceberg)

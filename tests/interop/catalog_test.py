"""One SQLite catalog file, shared with PyIceberg: what one makes the other reads, and both may commit at once."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import peers

TOOL = os.path.join(peers.BUILD, "catalog_tool")
SCHEMA = json.dumps({"type": "struct", "schema-id": 0, "fields": [
    {"id": 1, "name": "id", "required": True, "type": "long"},
    {"id": 2, "name": "at", "required": False, "type": "timestamptz"},
    {"id": 3, "name": "tags", "required": False, "type": {"type": "list", "element-id": 4, "element": "string", "element-required": False}}]})
# What PyIceberg made before it had iceberg_type.
OLD_LAYOUT = """
CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
  metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,
  property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL, PRIMARY KEY (catalog_name, namespace, property_key));
"""


def words_for(folder, words, name):
    option = "" if name is None else f"?name={name}"
    return [TOOL, f"sqlite:{folder}/catalog.db{option}", f"file://{folder}/warehouse", *words]


def tool(folder, *words, status=None, name=None):
    """Runs the tool; gives its lines. With `status`, it must fail with that status, and its sentence is the answer."""
    run = subprocess.run(words_for(folder, words, name), capture_output=True, text=True, timeout=120)
    if status is None:
        assert run.returncode == 0, f"{words}: {run.stderr}"
        return run.stdout.splitlines()
    assert run.returncode == 1 and run.stderr.startswith(status + ": "), f"{words}: {run.returncode} {run.stdout}{run.stderr}"
    return run.stderr.split(": ", 1)[1].strip()


def load(folder, table, **how):
    return json.loads(tool(folder, "load", table, **how)[0])


def pyiceberg(folder, name="default"):
    try:
        from pyiceberg.catalog import load_catalog
    except ImportError:
        peers.skip("there is no pyiceberg; tools/setup check installs it")
    return load_catalog(name, type="sql", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")


def columns(path, table):
    with sqlite3.connect(path) as db:
        return [row[1:] for row in db.execute(f"PRAGMA table_info({table})")]


def rows(folder, sql):
    with sqlite3.connect(f"{folder}/catalog.db") as db:
        return db.execute(sql).fetchall()


def the_tables_are_pyicebergs(folder):
    ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
    os.mkdir(ours), os.mkdir(theirs)
    tool(ours, "namespaces")
    pyiceberg(theirs)
    for table in ("iceberg_tables", "iceberg_namespace_properties"):
        assert columns(f"{ours}/catalog.db", table) == columns(f"{theirs}/catalog.db", table) != []


def pyiceberg_reads_what_firn_makes(folder):
    tool(folder, "namespace-create", "db.raw", "owner=snow")
    made = json.loads(tool(folder, "create", "db.raw.events", SCHEMA, "k=v")[0])
    catalog = pyiceberg(folder)
    assert sorted(catalog.list_namespaces()) == [("db",)]
    assert catalog.list_namespaces("db") == [("db", "raw")]
    assert catalog.load_namespace_properties("db.raw") == {"owner": "snow"}
    assert catalog.load_namespace_properties("db") == {"exists": "true"}
    assert catalog.list_tables("db.raw") == [("db", "raw", "events")]
    table = catalog.load_table("db.raw.events")
    assert table.metadata_location == made["metadata-location"]
    assert table.location() == f"file://{folder}/warehouse/db/raw/events"
    assert str(table.metadata.table_uuid) == made["metadata"]["table-uuid"]
    assert [(f.field_id, f.name, str(f.field_type)) for f in table.schema().fields] == [(1, "id", "long"), (2, "at", "timestamptz"), (3, "tags", "list<string>")]
    assert table.schema().fields[2].field_type.element_id == 4
    assert table.properties["k"] == "v"
    assert rows(folder, "SELECT iceberg_type, previous_metadata_location FROM iceberg_tables") == [("TABLE", None)]
    catalog.rename_table("db.raw.events", "db.renamed")
    assert tool(folder, "tables", "db") == ["db.renamed"]
    catalog.drop_table("db.renamed")
    assert tool(folder, "tables", "db") == []


def firn_reads_what_pyiceberg_makes(folder):
    from pyiceberg.exceptions import NoSuchTableError
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import DayTransform
    from pyiceberg.types import LongType, NestedField, TimestamptzType

    catalog = pyiceberg(folder)
    catalog.create_namespace("a")
    catalog.create_namespace("b.c", {"owner": "snow"})  # "b" is there only because of "b.c"
    schema = Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "at", TimestamptzType()))
    spec = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=DayTransform(), name="at_day"))
    table = catalog.create_table("b.c.t", schema, partition_spec=spec, properties={"p": "q"})
    assert tool(folder, "namespaces") == ["a", "b"]
    assert tool(folder, "namespaces", "b") == ["b.c"]
    assert tool(folder, "namespace-show", "b.c") == ["owner=snow"]
    assert tool(folder, "namespace-show", "a") == []
    assert tool(folder, "namespace-show", "b") == []
    assert tool(folder, "tables", "b.c") == ["b.c.t"]
    read = load(folder, "b.c.t")
    assert read["metadata-location"] == table.metadata_location
    assert read["metadata"]["table-uuid"] == str(table.metadata.table_uuid)
    assert read["metadata"]["partition-specs"][0]["fields"] == [{"source-id": 2, "field-id": 1000, "name": "at_day", "transform": "day"}]
    assert read["metadata"]["properties"]["p"] == "q"
    tool(folder, "namespace-unset", "b.c", "owner")
    assert catalog.load_namespace_properties("b.c") == {"exists": "true"}
    tool(folder, "namespace-set", "b.c", "x=1")
    assert catalog.load_namespace_properties("b.c")["x"] == "1"
    tool(folder, "rename", "b.c.t", "a.t")
    assert catalog.load_table("a.t").metadata_location == table.metadata_location
    tool(folder, "drop", "a.t")
    try:
        catalog.load_table("a.t")
        raise AssertionError("it is still there")
    except NoSuchTableError:
        pass
    tool(folder, "register", "a.again", table.metadata_location)
    assert catalog.load_table("a.again").metadata.table_uuid == table.metadata.table_uuid
    tool(folder, "drop", "a.again")
    tool(folder, "namespace-drop", "a")
    assert catalog.list_namespaces() == [("b",)]


def both_commit_in_turn(folder):
    import pyarrow as pa

    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    catalog = pyiceberg(folder)
    for i in range(3):
        table = catalog.load_table("db.t")
        table.append(pa.Table.from_pylist([{"id": i}], schema=pa.schema([pa.field("id", pa.int64(), nullable=False)])))
        tool(folder, "set", "db.t", f"firn-{i}=1")
    table = catalog.load_table("db.t")
    assert {f"firn-{i}" for i in range(3)} <= table.properties.keys()
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == [0, 1, 2]
    read = load(folder, "db.t")["metadata"]
    assert len(read["snapshots"]) == 3 and len(read["metadata-log"]) == 6
    assert rows(folder, "SELECT previous_metadata_location FROM iceberg_tables") == [(read["metadata-log"][-1]["metadata-file"],)]


def whoever_comes_second_is_told(folder):
    from pyiceberg.exceptions import CommitFailedException

    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    catalog = pyiceberg(folder)
    stale = catalog.load_table("db.t")
    real_write = catalog._write_metadata

    def late(*args, **kwargs):  # firn commits between PyIceberg's reading and its swap
        tool(folder, "set", "db.t", "winner=firn")
        return real_write(*args, **kwargs)

    catalog._write_metadata = late
    try:
        with stale.transaction() as t:
            t.set_properties({"winner": "pyiceberg"})
        raise AssertionError("both won")
    except CommitFailedException:
        pass
    assert load(folder, "db.t")["metadata"]["properties"]["winner"] == "firn"


def an_older_layout_is_left_as_it_is(folder):
    with sqlite3.connect(f"{folder}/catalog.db") as db:
        db.executescript(OLD_LAYOUT)
    before = columns(f"{folder}/catalog.db", "iceberg_tables")
    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    tool(folder, "set", "db.t", "k=v")
    tool(folder, "rename", "db.t", "db.u")
    assert tool(folder, "tables", "db") == ["db.u"]
    assert columns(f"{folder}/catalog.db", "iceberg_tables") == before
    assert pyiceberg(folder).load_table("db.u").properties["k"] == "v"
    tool(folder, "drop", "db.u")


def views_are_no_tables(folder):
    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    with sqlite3.connect(f"{folder}/catalog.db") as db:
        db.execute("INSERT INTO iceberg_tables SELECT catalog_name, table_namespace, 'v', metadata_location, NULL, 'VIEW' FROM iceberg_tables")
        db.execute("INSERT INTO iceberg_tables SELECT catalog_name, table_namespace, 'n', metadata_location, NULL, NULL FROM iceberg_tables WHERE table_name = 't'")
    assert tool(folder, "tables", "db") == ["db.n", "db.t"]
    tool(folder, "load", "db.n")
    for words in (["load", "db.v"], ["drop", "db.v"], ["set", "db.v", "k=v"], ["rename", "db.v", "db.w"]):
        assert "there is no such table" in tool(folder, *words, status="FIRN_NOT_FOUND")
    tool(folder, "create", "db.v", SCHEMA, status="FIRN_EXISTS")
    tool(folder, "rename", "db.t", "db.v", status="FIRN_EXISTS")
    tool(folder, "drop", "db.t"), tool(folder, "drop", "db.n")
    tool(folder, "namespace-drop", "db", status="FIRN_CONFLICT")


def catalogs_in_one_file_are_told_apart_by_name(folder):
    tool(folder, "namespace-create", "db", name="other")
    made = json.loads(tool(folder, "create", "db.t", SCHEMA, name="other")[0])
    assert tool(folder, "namespaces") == []
    assert pyiceberg(folder).list_namespaces() == []
    assert pyiceberg(folder, "other").load_table("db.t").metadata_location == made["metadata-location"]
    # Their tables must not share a folder either.
    tool(folder, "namespace-create", "db")
    mine = json.loads(tool(folder, "create", "db.t", SCHEMA)[0])
    assert mine["metadata"]["location"] != made["metadata"]["location"]


def what_does_not_fit_is_refused(folder):
    tool(folder, "namespace-create", "n" * 255)
    tool(folder, "namespace-create", "é" * 255)  # characters, not bytes
    assert "256 characters" in tool(folder, "namespace-create", "n" * 256, status="FIRN_INVALID")
    tool(folder, "namespace-create", "db", "k=" + "v" * 1000)
    tool(folder, "namespace-set", "db", "k=" + "v" * 1001, status="FIRN_INVALID")
    tool(folder, "namespace-set", "db", "k" * 256 + "=v", status="FIRN_INVALID")
    tool(folder, "namespace-set", "db", "exists=false", status="FIRN_INVALID")
    tool(folder, "create", "db." + "t" * 256, SCHEMA, status="FIRN_INVALID")
    assert "the catalog's name has 256 characters" in tool(folder, "namespaces", name="x" * 256, status="FIRN_INVALID")


def a_foreign_database_is_refused(folder):
    with sqlite3.connect(f"{folder}/catalog.db") as db:
        db.execute("CREATE TABLE iceberg_tables (something TEXT)")
    assert "not those of an Iceberg catalog" in tool(folder, "namespaces", status="FIRN_CORRUPT")


def a_newer_firns_catalog_is_refused(folder):
    tool(folder, "namespaces")
    with sqlite3.connect(f"{folder}/catalog.db") as db:
        db.execute("UPDATE firn_versions SET version = 99 WHERE part = 'catalog'")
    assert "use the newer firn" in tool(folder, "namespaces", status="FIRN_UNSUPPORTED")


def missing_metadata_is_said(folder):
    tool(folder, "namespace-create", "db")
    made = json.loads(tool(folder, "create", "db.t", SCHEMA)[0])
    os.remove(made["metadata-location"].removeprefix("file://"))
    assert "its metadata file is gone: " + made["metadata-location"] in tool(folder, "load", "db.t", status="FIRN_CORRUPT")


def a_locked_database_is_said(folder):
    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    db = sqlite3.connect(f"{folder}/catalog.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    assert "locked by others" in tool(folder, "set", "db.t", "k=v", status="FIRN_BUSY")
    assert 4 < time.monotonic() - started < 9
    load(folder, "db.t")  # readers are not in its way
    db.execute("ROLLBACK")
    metadata = os.listdir(f"{folder}/warehouse/db/t/metadata")
    assert len(metadata) == 1, metadata  # the file of the commit that did not happen is gone
    tool(folder, "set", "db.t", "k=v")


def start(folder, *words):
    return subprocess.Popen(words_for(folder, words, None), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def no_commit_is_lost_among_processes(folder):
    from pyiceberg.exceptions import CommitFailedException

    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    n = 40
    running = [start(folder, "hammer", "db.t", f"p{i}", str(n)) for i in range(2)]
    catalog, done = pyiceberg(folder), 0
    while done < 10:
        try:
            with catalog.load_table("db.t").transaction() as t:
                t.set_properties({f"py-{done}": "set"})
            done += 1
        except CommitFailedException:
            pass
    lost = 0
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        lost += int(out.split()[-1])
    properties = load(folder, "db.t")["metadata"]["properties"]
    wanted = {f"p{i}-{j}" for i in range(2) for j in range(n)} | {f"py-{j}" for j in range(10)}
    assert wanted <= properties.keys(), sorted(wanted - properties.keys())
    print(f"  {len(wanted)} commits by three processes, {lost} races lost by firn")


def a_killed_process_leaves_a_whole_catalog(folder):
    tool(folder, "namespace-create", "db")
    tool(folder, "create", "db.t", SCHEMA)
    chance = random.Random(7)
    for i in range(12):
        process = start(folder, "hammer", "db.t", f"k{i}", "100000")
        time.sleep(0.03 + chance.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        told = [line for line in process.communicate(timeout=60)[0].split("\n")[:-1]]
        properties = load(folder, "db.t")["metadata"]["properties"]
        assert all(f"k{i}-{number}" in properties for number in told), (i, told)
    shown = set(os.listdir(f"{folder}/warehouse/db/t/metadata"))
    assert os.path.basename(load(folder, "db.t")["metadata-location"]) in shown


peers.run(the_tables_are_pyicebergs, pyiceberg_reads_what_firn_makes, firn_reads_what_pyiceberg_makes, both_commit_in_turn,
          whoever_comes_second_is_told, an_older_layout_is_left_as_it_is, views_are_no_tables, catalogs_in_one_file_are_told_apart_by_name,
          what_does_not_fit_is_refused, a_foreign_database_is_refused, a_newer_firns_catalog_is_refused, missing_metadata_is_said,
          a_locked_database_is_said, no_commit_is_lost_among_processes, a_killed_process_leaves_a_whole_catalog)

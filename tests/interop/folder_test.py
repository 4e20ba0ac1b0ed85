"""A folder catalog's tables, by their path alone: DuckDB and PyIceberg read them after each commit, and firn reads and commits to
tables in that layout that PyIceberg made."""

import gzip
import json
import os
import random
import shutil
import subprocess
import time

import archive
import peers

TOOL = os.path.join(peers.BUILD, "catalog_tool")


def ingest(folder, seed, n=300):
    path = os.path.join(folder, f"events-{seed}.ndjson")
    rows = archive.write(path, n, seed=seed)
    peers.firn("ingest", "cloudevent.valid", path, "--catalog", f"folder:{folder}/wh", "--quiet", cwd=folder)
    return rows


def hint(table):
    with open(os.path.join(table, "metadata/version-hint.text"), encoding="ascii") as f:
        return int(f.read())


def every_commit_is_read_by_path(folder):
    peers.need("pyiceberg", "pyarrow")
    from pyiceberg.table import StaticTable

    db, rows, table, last = peers.duckdb(), {}, os.path.join(folder, "wh/cloudevent/valid"), 0
    for seed in range(1, 5):
        rows.update(ingest(folder, seed))
        version = hint(table)
        assert version > last, f"{version} after {last}"
        last = version
        archive.check_duckdb(db, table, rows, 100)
        archive.check_duckdb(db, f"{table}/metadata/v{version}.metadata.json", rows, 20)
        archive.check_pyiceberg(StaticTable.from_metadata(table), rows, 50)
        archive.check_pyiceberg(StaticTable.from_metadata(f"{table}/metadata/v{version}.metadata.json"), rows, 20)
        lines = peers.firn("table", "cat", "./wh/cloudevent/valid", "--columns", "id", cwd=folder).stdout.splitlines()
        assert {json.loads(line)["id"] for line in lines} == set(rows)
        lines = peers.firn("table", "cat", "cloudevent.valid", "--columns", "id", "--catalog", "folder:wh", cwd=folder).stdout.splitlines()
        assert {json.loads(line)["id"] for line in lines} == set(rows)
    assert not os.path.exists(os.path.join(folder, "firn-data")), "a folder catalog needs no data directory"
    tables = peers.firn("table", "list", "--catalog", f"folder:file://{folder}/wh").stdout.split()
    assert "cloudevent.valid" in tables, tables


def a_late_hint_hides_nothing_from_firn(folder):
    rows = {**ingest(folder, 1), **ingest(folder, 2)}
    table = os.path.join(folder, "wh/cloudevent/valid")
    for late in ("1", "nonsense", ""):
        with open(os.path.join(table, "metadata/version-hint.text"), "w", encoding="ascii") as f:
            f.write(late)
        for name, how in (("cloudevent.valid", ("--catalog", "folder:wh")), ("./wh/cloudevent/valid", ())):
            lines = peers.firn("table", "cat", name, "--columns", "id", *how, cwd=folder).stdout.splitlines()
            assert len(lines) == len(rows), f"{name}, hint {late!r}: {len(lines)} rows, not {len(rows)}"


def a_warehouse_that_was_moved_is_read(folder):
    rows = ingest(folder, 1)
    shutil.move(os.path.join(folder, "wh"), os.path.join(folder, "elsewhere"))
    table = os.path.join(folder, "elsewhere/cloudevent/valid")
    n = peers.duckdb().execute(f"SELECT count(*) FROM iceberg_scan('{table}', allow_moved_paths = true)").fetchone()[0]
    assert n == len(rows)
    assert len(peers.firn("table", "cat", table, "--columns", "id").stdout.splitlines()) == len(rows)
    path = os.path.join(folder, "more.ndjson")
    archive.write(path, 10, seed=9)
    refused = peers.firn("ingest", "cloudevent.valid", path, "--catalog", f"folder:{folder}/elsewhere", "--quiet", status=1).stderr
    assert "one that was moved is read by its path" in refused, refused
    assert not os.path.exists(os.path.join(folder, "wh")), "nothing is written to the old place"


def tables_that_pyiceberg_made_are_read_and_committed_to(folder):
    """PyIceberg has no such catalog, but its metadata under such a name is a table of one."""
    peers.need("pyiceberg", "sqlalchemy", "pyarrow")
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import StaticTable

    catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}/wh")
    catalog.create_namespace("db")
    rows = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", None, "ü"]})
    for name, ending in (("plain", ".metadata.json"), ("packed", ".gz.metadata.json"), ("old", ".metadata.json.gz")):
        table = catalog.create_table(f"db.{name}", rows.schema, location=f"file://{folder}/wh/db/{name}")
        table.append(rows)
        table = catalog.load_table(f"db.{name}")
        metadata = os.path.join(folder, "wh/db", name, "metadata")
        with open(table.metadata_location.removeprefix("file://"), "rb") as f:
            text = f.read()
        with open(os.path.join(metadata, "v7" + ending), "wb") as f:
            f.write(text if name == "plain" else gzip.compress(text))
        got = peers.firn("table", "cat", f"db.{name}", "--catalog", f"folder:file://{folder}/wh").stdout.splitlines()
        assert [json.loads(line) for line in got] == rows.to_pylist(), got
        run = subprocess.run([TOOL, f"folder:file://{folder}/wh", f"file://{folder}/wh/", "set", f"db.{name}", "k=v"], capture_output=True, timeout=60)
        assert run.returncode == 0, run.stderr.decode()
        assert hint(os.path.join(folder, "wh/db", name)) == 8
        after = StaticTable.from_metadata(os.path.join(folder, "wh/db", name))
        assert after.properties["k"] == "v" and after.scan().to_arrow().to_pylist() == rows.to_pylist()
        assert after.metadata.metadata_log[-1].metadata_file.endswith("/v7" + ending)
    assert sorted(peers.firn("table", "list", "--catalog", f"folder:{folder}/wh").stdout.split()) == ["db.old", "db.packed", "db.plain"]


def a_dropped_table_is_gone_for_readers_too(folder):
    ingest(folder, 1)
    table = os.path.join(folder, "wh/cloudevent/valid")
    version = hint(table)
    peers.firn("table", "drop", "cloudevent.valid", "--catalog", f"folder:{folder}/wh")
    left = os.listdir(os.path.join(table, "metadata"))
    assert not [name for name in left if name.endswith(".metadata.json") or name == "version-hint.text"], left
    (kept,) = [name for name in left if name.startswith(f"dropped-v{version}-")]
    peers.firn("table", "register", "cloudevent.valid", os.path.join(table, "metadata", kept), "--catalog", f"folder:{folder}/wh")
    assert len(peers.firn("table", "cat", table, "--columns", "id").stdout.splitlines()) == 300
    assert peers.duckdb().execute(f"SELECT count(*) FROM iceberg_scan('{table}')").fetchone()[0] == 300


def killed_writers_leave_what_they_said(folder):
    """Two processes commit as fast as they can and are killed again and again; every commit that was told is there."""
    where = [TOOL, f"folder:{folder}/wh", f"{folder}/wh"]
    schema = '{"type": "struct", "schema-id": 0, "fields": [{"id": 1, "name": "id", "required": false, "type": "long"}]}'
    for words in (["namespace-create", "db"], ["create", "db.t", schema]):
        subprocess.run(where + words, check=True, capture_output=True, timeout=60)
    rng, told = random.Random(5), set()
    for i in range(12):
        writers = [subprocess.Popen(where + ["hammer", "db.t", f"{i}{w}", "1000"], stdout=subprocess.PIPE) for w in "ab"]
        time.sleep(rng.uniform(0.02, 0.3))
        for name, writer in zip("ab", writers):
            writer.kill()
            told |= {f"{i}{name}-{n}" for n in writer.communicate()[0].decode().split("\n")[:-1] if n.isdigit()}
        (shown,) = (json.loads(line) for line in subprocess.run(where + ["load", "db.t"], check=True, capture_output=True, timeout=60).stdout.splitlines())
        missing = told - set(shown["metadata"]["properties"])
        assert not missing, f"round {i}: {sorted(missing)[:5]} of {len(told)} are not there"
    assert len(told) > 50, len(told)
    print(f"{len(told)} commits were told")


peers.run(killed_writers_leave_what_they_said, every_commit_is_read_by_path, a_late_hint_hides_nothing_from_firn, a_warehouse_that_was_moved_is_read,
          tables_that_pyiceberg_made_are_read_and_committed_to, a_dropped_table_is_gone_for_readers_too)

"""The index follows what PyIceberg does to the archive's tables, and a person sees it with SQLite."""

import datetime
import os
import random
import sqlite3
import subprocess

import archive
import peers

TOOL = os.path.join(peers.BUILD, "index_tool")
N = 3000
COLUMNS = ["subject", "event_time", "event_type", "id", "source", "producer", "data_content_type", "data_version", "extras", "index_key"]


def ingest(folder, n=N, **how):
    path = os.path.join(folder, "events.ndjson")
    rows = archive.write(path, n, **how)
    peers.firn("ingest", "cloudevent.valid", path, "--quiet", cwd=folder)
    return rows


def table(folder):
    return peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table("cloudevent.valid")


def follow(folder, index="index.db", steps=()):
    data = os.path.join(folder, "firn-data")
    run = subprocess.run([TOOL, f"sqlite:{data}/catalog.db", f"{data}/warehouse", f"{data}/{index}", *map(str, steps)], capture_output=True,
                         text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def seen(folder, index="index.db"):
    """What select * from cloud_event gives, by key."""
    db = sqlite3.connect(f"file:{folder}/firn-data/{index}?mode=ro", uri=True)
    cursor = db.execute("select * from cloud_event")
    assert [c[0] for c in cursor.description] == COLUMNS
    rows = {row[-1]: row for row in cursor}
    db.close()
    return rows


def check(folder, index="index.db"):
    """Every row of the table is in the index once, with its header, and its key leads to it."""
    import pyarrow.parquet as pq

    wanted = {row["id"]: row for row in table(folder).scan().to_arrow().to_pylist()}
    got = seen(folder, index)
    assert sorted(row[3] for row in got.values()) == sorted(wanted), f"{len(got)} rows, {len(wanted)} in the table"
    files = {}
    for key, row in got.items():
        want = wanted[row[3]]
        time = want["time"].astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        header = (want["subject"], time, want["type"], want["id"], want["source"], want["producer"], want["data_content_type"],
                  want["data_version"])
        assert row[:8] == tuple("" if v is None else v for v in header), (row, want)
        path, _, number = key.rpartition("#")
        if path not in files:
            files[path] = pq.read_table(os.path.join(folder, "firn-data", "warehouse", path), columns=["id"])["id"].to_pylist()
        assert files[path][int(number)] == row[3]


def check_rebuilt(folder):
    """What was followed step by step is what one gets from nothing."""
    followed = seen(folder)
    peers.firn("index", "rebuild", "--quiet", cwd=folder)
    assert seen(folder) == followed


def rebuild_finds_every_row(folder):
    peers.need("pyiceberg", "pyarrow")
    ingest(folder)
    said = peers.firn("index", "status", cwd=folder, status=1).stderr
    assert "firn index rebuild" in said, said
    peers.firn("index", "rebuild", cwd=folder)
    check(folder)
    (status,) = peers.firn_json("index", "status", "--format", "json", cwd=folder)
    assert status["rows"] == N and status["pending_files"] == 0, status
    assert [t["behind"] for t in status["tables"]] == [0, 0], status
    ingest(folder, 10, seed=8)
    (status,) = peers.firn_json("index", "status", "--format", "json", cwd=folder)
    assert status["tables"][0]["behind"] == 1, status
    assert "1 snapshot behind" in peers.firn("index", "status", cwd=folder).stdout


def changed(folder, change):
    peers.need("pyiceberg", "pyarrow")
    ingest(folder)
    assert follow(folder) == ""
    change(table(folder))
    assert follow(folder) == ""
    check(folder)
    check_rebuilt(folder)


def an_append_of_others_is_found(folder):
    def change(t):
        rows = t.scan().to_arrow()
        more = rows.slice(0, 100)
        import pyarrow as pa

        ids = pa.array([f"new-{i}" for i in range(100)])
        t.append(more.set_column(more.schema.get_field_index("id"), "id", ids))

    changed(folder, change)


def rows_that_others_delete_are_gone(folder):
    changed(folder, lambda t: t.delete("type = 'vehicle.trip'"))


def what_others_overwrite_has_new_keys(folder):
    def change(t):
        rows = t.scan(row_filter="type == 'vehicle.status'").to_arrow()
        t.overwrite(rows.slice(0, rows.num_rows // 2), overwrite_filter="type = 'vehicle.status'")

    changed(folder, change)


def everything_rewritten_is_rekeyed(folder):
    old = {}

    def change(t):
        old.update(seen(folder))
        t.overwrite(t.scan().to_arrow())

    changed(folder, change)
    assert not set(old) & set(seen(folder)) and sorted(r[:9] for r in old.values()) == sorted(r[:9] for r in seen(folder).values())


def expired_snapshots_are_caught_up_with(folder):
    """The snapshot that was indexed is gone: everything live is compared."""
    def change(t):
        t.delete("type = 'vehicle.trip'")
        t.append(t.scan(row_filter="type == 'vehicle.fingerprint'").to_arrow().slice(0, 0))
        snapshots = [s.snapshot_id for s in t.snapshots() if s.snapshot_id != t.current_snapshot().snapshot_id]
        t.maintenance.expire_snapshots().by_ids(snapshots).commit()
        for path in {os.path.join(d, f) for d, _, fs in os.walk(folder) for f in fs if f.startswith("snap-")}:
            if not t.current_snapshot().manifest_list.endswith(os.path.basename(path)):
                os.remove(path)

    changed(folder, change)


def many_changes_and_kills_between_them(folder):
    peers.need("pyiceberg", "pyarrow")
    r = random.Random(5)
    ingest(folder, 500, seed=1)
    for i in range(8):
        t = table(folder)
        what = r.randrange(4)
        if what == 0:
            ingest(folder, 300, seed=100 + i)
        elif what == 1:
            t.delete(f"type = 'vehicle.{r.choice(('status', 'trip', 'fingerprint'))}' and data_version = 'r/v0/s' and "
                     f"time < '{archive.START + datetime.timedelta(hours=r.randrange(70)):%Y-%m-%dT%H:%M:%S+00:00}'")
        elif what == 2:
            t.overwrite(t.scan().to_arrow())
        else:
            old = r.choice(t.snapshots()).snapshot_id
            t.manage_snapshots().set_current_snapshot(old).commit() if hasattr(t.manage_snapshots(), "set_current_snapshot") else t.delete("type = 'x'")
        follow(folder, steps=[r.randrange(4)])  # dies somewhere on the way
        if i % 3 == 2:
            follow(folder)
            check(folder)
    follow(folder)
    check(folder)
    check_rebuilt(folder)


def a_column_of_others_does_no_harm(folder):
    def change(t):
        with t.update_schema() as update:
            from pyiceberg.types import StringType

            update.add_column("note", StringType())
            update.rename_column("producer", "maker")
        t.append(t.scan().to_arrow().slice(0, 0))

    peers.need("pyiceberg", "pyarrow")
    ingest(folder, 100)
    follow(folder)
    change(table(folder))
    ingest_rows = seen(folder)
    assert follow(folder) == "" and seen(folder) == ingest_rows


def a_table_without_its_columns_is_told(folder):
    def change(t):
        with t.update_schema(allow_incompatible_changes=True) as update:
            update.delete_column("subject")
        t.append(t.scan().to_arrow().slice(0, 10))

    peers.need("pyiceberg", "pyarrow")
    ingest(folder, 100)
    follow(folder)
    change(table(folder))
    said = follow(folder)
    assert "cannot be read" in said, said


def a_damaged_index_names_the_remedy(folder):
    ingest(folder, 100)
    peers.firn("index", "rebuild", "--quiet", cwd=folder)
    path = os.path.join(folder, "firn-data", "index.db")
    for spoil in (lambda: open(path, "wb").write(b"this is no database" * 100), lambda: os.truncate(path, 8192 + 100),
                  lambda: sqlite3.connect(path).execute("update firn_versions set version = 9").connection.commit()):
        spoil()
        said = peers.firn("index", "status", cwd=folder, status=1).stderr
        assert "firn index rebuild" in said, said
        peers.firn("index", "rebuild", "--quiet", cwd=folder)
        (status,) = peers.firn_json("index", "status", "--format", "json", cwd=folder)
        assert status["rows"] == 100, status


peers.run(rebuild_finds_every_row, an_append_of_others_is_found, rows_that_others_delete_are_gone, what_others_overwrite_has_new_keys,
          everything_rewritten_is_rekeyed, expired_snapshots_are_caught_up_with, many_changes_and_kills_between_them,
          a_column_of_others_does_no_harm, a_table_without_its_columns_is_told, a_damaged_index_names_the_remedy)

"""Appends of firn as other programs see them: PyIceberg, DuckDB and fastavro read, PyIceberg appends in between."""

import datetime
import json
import os
import random
import signal
import subprocess
import threading
import time

import peers

TOOL = os.path.join(peers.BUILD, "append_tool")
EPOCH = datetime.datetime(2025, 6, 15, tzinfo=datetime.timezone.utc)
FIRST_DAY = (EPOCH - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).days


def words_for(folder, *words):
    return [TOOL, f"sqlite:{folder}/catalog.db", f"file://{folder}/warehouse", *words]


def tool(folder, *words, status=None):
    """Runs the tool; gives its answer. With `status`, it must fail so, and the sentence is the answer."""
    run = subprocess.run(words_for(folder, *words), capture_output=True, text=True, timeout=120)
    if status is None:
        assert run.returncode == 0, f"{words}: {run.stderr}"
        return json.loads(run.stdout)
    assert run.returncode == 1 and run.stderr.startswith(status + ": "), f"{words}: {run.returncode} {run.stdout}{run.stderr}"
    return run.stderr.split(": ", 1)[1].strip()


def make_table(folder, properties=None, partitioned=True):
    """A table that PyIceberg makes: id long, at timestamptz, name string, partitioned by day(at)."""
    try:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.partitioning import PartitionField, PartitionSpec
        from pyiceberg.schema import Schema
        from pyiceberg.transforms import DayTransform
        from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType
    except ImportError:
        peers.skip("there is no pyiceberg; tools/setup check installs it")
    os.makedirs(f"{folder}/warehouse", exist_ok=True)
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace_if_not_exists("db")
    schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "at", TimestamptzType(), required=False),
                    NestedField(3, "name", StringType(), required=False))
    spec = PartitionSpec(PartitionField(2, 1000, DayTransform(), "at_day")) if partitioned else PartitionSpec()
    return catalog, catalog.create_table("db.t", schema, partition_spec=spec, properties=properties or {})


def rows_of(first, n, day):
    return [{"id": first + i, "at": EPOCH + datetime.timedelta(days=day, seconds=i), "name": f"name-{first + i}"} for i in range(n)]


def arrow(rows):
    import pyarrow as pa

    fields = [("id", pa.int64()), ("at", pa.timestamp("us", tz="UTC")), ("name", pa.string())]
    schema = pa.schema([pa.field(name, kind, metadata={"PARQUET:field_id": str(i + 1)}) for i, (name, kind) in enumerate(fields)])
    return pa.Table.from_pylist(rows, schema=schema)


def write_file(folder, name, rows, day):
    """A data file that somebody wrote, and its line in a list."""
    import pyarrow.parquet

    path = f"{folder}/warehouse/data/{name}.parquet"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pyarrow.parquet.write_table(arrow(rows), path)
    ids = [row["id"] for row in rows]
    line = {"path": f"file://{path}", "rows": len(rows), "size": os.path.getsize(path), "lower": min(ids), "upper": max(ids)}
    return line if day is None else {**line, "day": FIRST_DAY + day}


def append(folder, name, *parts, branch=None):
    """Appends one file for each (first id, number of rows, day) and gives the rows."""
    rows, listed = [], f"{folder}/{name}.list"
    with open(listed, "w") as out:
        for i, (first, n, day) in enumerate(parts):
            part = rows_of(first, n, day)
            print(json.dumps(write_file(folder, f"{name}-{i}", part, day)), file=out)
            rows += part
    tool(folder, "append", "db.t", listed, *([branch] if branch else []))
    return rows


def check_rows(table, rows, **how):
    key = lambda row: row["id"]
    assert sorted(table.scan(**how).to_arrow().to_pylist(), key=key) == sorted(rows, key=key)


def pyiceberg_reads_what_was_appended(folder):
    catalog, _ = make_table(folder)
    rows = append(folder, "one", (0, 100, 0), (100, 50, 1), (150, 10, 2))
    rows += append(folder, "two", (160, 40, 1))
    table = catalog.load_table("db.t")
    check_rows(table, rows)
    check_rows(table, [r for r in rows if r["at"] < EPOCH + datetime.timedelta(days=1)], row_filter="at < '2025-06-16T00:00:00+00:00'")
    assert len(list(table.scan(row_filter="at < '2025-06-16T00:00:00+00:00'").plan_files())) == 1  # by partition
    assert len(list(table.scan(row_filter="id >= 155 and id < 160").plan_files())) == 1  # by bounds
    snapshots = table.inspect.snapshots().to_pylist()
    assert [s["operation"] for s in snapshots] == ["append", "append"]
    assert snapshots[1]["parent_id"] == snapshots[0]["snapshot_id"]
    summary = dict(snapshots[1]["summary"])
    assert summary["total-records"] == "200" and summary["added-records"] == "40" and summary["total-data-files"] == "4", summary
    assert summary["changed-partition-count"] == "1" and summary["total-delete-files"] == "0", summary
    assert sorted((p["partition"]["at_day"], p["record_count"]) for p in table.inspect.partitions().to_pylist()) == [
        (datetime.date(2025, 6, 15), 100), (datetime.date(2025, 6, 16), 90), (datetime.date(2025, 6, 17), 10)]
    manifests = table.inspect.manifests().to_pylist()
    assert [m["added_data_files_count"] for m in manifests] == [1, 3], manifests
    assert manifests[1]["partition_summaries"][0]["lower_bound"] == "2025-06-15", manifests


def duckdb_reads_what_was_appended(folder):
    catalog, _ = make_table(folder, {"commit.manifest.min-count-to-merge": "2"})
    rows = append(folder, "one", (0, 100, 0), (100, 50, 1)) + append(folder, "two", (150, 40, 1))
    location = catalog.load_table("db.t").metadata_location.removeprefix("file://")
    db = peers.duckdb()
    found = db.execute(f"SELECT count(*), sum(id), count(DISTINCT name) FROM iceberg_scan('{location}')").fetchone()
    assert found[0] == len(rows) and found[1] == sum(r["id"] for r in rows) and found[2] == len(rows), found


def pyiceberg_and_firn_append_in_turn_and_firn_merges_both(folder):
    catalog, _ = make_table(folder, {"commit.manifest.min-count-to-merge": "5"})
    rows = []
    for i in range(9):
        if i % 2 == 0:
            more = rows_of(i * 10, 10, i % 3)
            catalog.load_table("db.t").append(arrow(more))
            rows += more
        else:
            rows += append(folder, f"f{i}", (i * 10, 10, i % 3))
    table = catalog.load_table("db.t")
    check_rows(table, rows)
    assert len(table.inspect.manifests()) < 9
    entries = [e for m in table.current_snapshot().manifests(table.io) for e in m.fetch_manifest_entry(table.io)]
    assert len(entries) == 9 and len({e.data_file.file_path for e in entries}) == 9
    assert sorted(e.sequence_number for e in entries) == list(range(1, 10))  # merged entries kept theirs
    assert [s.summary["total-records"] for s in table.snapshots()] == [str(n * 10) for n in range(1, 10)]


def manifests_are_what_the_specification_says(folder):
    try:
        import fastavro
    except ImportError:
        peers.skip("there is no fastavro; tools/setup check installs it")
    catalog, _ = make_table(folder)
    append(folder, "one", (0, 5, 0))
    append(folder, "two", (5, 5, 1))
    table = catalog.load_table("db.t")
    snapshot = table.current_snapshot()
    with open(snapshot.manifest_list.removeprefix("file://"), "rb") as f:
        reader = fastavro.reader(f)
        assert reader.metadata["format-version"] == "2" and reader.metadata["snapshot-id"] == str(snapshot.snapshot_id)
        assert reader.metadata["sequence-number"] == "2"
        listed = list(reader)
    assert [m["sequence_number"] for m in listed] == [2, 1] and [m["min_sequence_number"] for m in listed] == [2, 1]
    assert listed[0]["added_snapshot_id"] == snapshot.snapshot_id
    for m in listed:
        path = m["manifest_path"].removeprefix("file://")
        assert os.path.getsize(path) == m["manifest_length"]
        with open(path, "rb") as f:
            reader = fastavro.reader(f)
            assert reader.codec == "deflate"
            assert reader.metadata["content"] == "data" and reader.metadata["partition-spec-id"] == "0"
            for entry in reader:
                assert entry["status"] == 1
                # Inherited: null in the file, so that an attempt that lost its race can be used again.
                assert entry["sequence_number"] is None and entry["file_sequence_number"] is None


def a_branch_is_seen_as_a_branch(folder):
    catalog, _ = make_table(folder)
    rows = append(folder, "one", (0, 10, 0))
    more = append(folder, "two", (10, 10, 0), branch="dev")
    table = catalog.load_table("db.t")
    check_rows(table, rows)
    check_rows(table, rows + more, snapshot_id=table.refs()["dev"].snapshot_id)


def a_path_twice_and_a_missing_table_are_refused(folder):
    catalog, _ = make_table(folder)
    listed = f"{folder}/twice.list"
    line = json.dumps(write_file(folder, "x", rows_of(0, 5, 0), 0))
    with open(listed, "w") as out:
        print(line, line, sep="\n", file=out)
    assert "is in this append twice" in tool(folder, "append", "db.t", listed, status="FIRN_INVALID")
    assert "db.none" in tool(folder, "append", "db.none", listed, status="FIRN_NOT_FOUND")
    assert catalog.load_table("db.t").current_snapshot() is None


def many_programs_append_at_once(folder):
    catalog, _ = make_table(folder, {"commit.retry.min-wait-ms": "10", "commit.retry.max-wait-ms": "200", "commit.manifest.min-count-to-merge": "8"})
    n_each, lock, rows, failures = 6, threading.Lock(), [], []

    def by_firn(number):
        try:
            for i in range(n_each):
                more = append(folder, f"w{number}-{i}", (number * 10000 + i * 10, 10, i % 3))
                with lock:
                    rows.extend(more)
        except Exception as why:  # told by the main thread
            failures.append(why)

    def by_pyiceberg(number):
        from pyiceberg.exceptions import CommitFailedException

        mine, done = make_another_catalog(folder), 0
        while done < n_each and not failures:
            more = rows_of(number * 10000 + done * 10, 10, done % 3)
            try:
                mine.load_table("db.t").append(arrow(more))
            except CommitFailedException:
                continue
            except Exception as why:
                if "database is locked" in str(why):
                    continue
                failures.append(why)
                return
            done += 1
            with lock:
                rows.extend(more)

    threads = [threading.Thread(target=by_firn, args=(n,)) for n in range(4)] + [threading.Thread(target=by_pyiceberg, args=(9,))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
    table = catalog.load_table("db.t")
    check_rows(table, rows)
    assert len(table.snapshots()) == 5 * n_each
    parents = [s.parent_snapshot_id for s in table.snapshots()]
    assert parents[1:] == [s.snapshot_id for s in table.snapshots()][:-1]


def make_another_catalog(folder):
    from pyiceberg.catalog import load_catalog

    return load_catalog("default", type="sql", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")


def a_killed_append_is_in_whole_or_not_at_all(folder):
    catalog, _ = make_table(folder, {"commit.manifest.min-count-to-merge": "4"})
    rng, expected = random.Random(5), set()
    began = time.monotonic()
    append(folder, "first", (0, 10, 0))
    usual = time.monotonic() - began
    for i in range(1, 25):
        listed = f"{folder}/k{i}.list"
        lines = [write_file(folder, f"k{i}-{k}", rows_of(i * 100 + k * 10, 10, k), k) for k in range(2)]
        with open(listed, "w") as out:
            for line in lines:
                print(json.dumps(line), file=out)
        run = subprocess.Popen(words_for(folder, "append", "db.t", listed), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            run.wait(rng.uniform(0, min(usual, 0.3)))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
        run.communicate()
        if run.returncode == 0:
            expected.add(i)
    table = catalog.load_table("db.t")
    ids = [row["id"] for row in table.scan().to_arrow().to_pylist()]
    assert len(ids) == len(set(ids))
    there = {i // 100 for i in ids if i >= 100}
    assert expected <= there, expected - there
    for i in there:
        assert sum(1 for n in ids if n // 100 == i) == 20, f"append {i} is in by halves"
    check_rows(table, rows_of(0, 10, 0) + [r for i in there for k in range(2) for r in rows_of(i * 100 + k * 10, 10, k)])


def a_purge_leaves_nothing_of_the_table(folder):
    catalog, _ = make_table(folder)
    append(folder, "one", (0, 10, 0), (10, 10, 1))
    catalog.load_table("db.t").append(arrow(rows_of(20, 10, 0)))
    answer = tool(folder, "purge", "db.t")
    assert answer["failed"] == 0 and answer["data"] == 3, answer
    left = [os.path.join(path, name) for path, _, names in os.walk(f"{folder}/warehouse") for name in names]
    assert left == [], left
    assert not catalog.table_exists("db.t")


def entries_of(table):
    return [e for m in table.current_snapshot().manifests(table.io) for e in m.fetch_manifest_entry(table.io)]


def files_that_pyiceberg_deleted_stay_deleted_when_firn_merges(folder):
    catalog, table = make_table(folder, {"commit.manifest.min-count-to-merge": "2"})
    first = rows_of(0, 10, 0) + rows_of(10, 10, 1)  # two files, one manifest
    table.append(arrow(first))
    table.delete("at >= '2025-06-16T00:00:00+00:00'")  # a whole file: its entry becomes DELETED
    assert sorted(e.status for m in table.current_snapshot().manifests(table.io) for e in m.fetch_manifest_entry(table.io, discard_deleted=False)) == [0, 2]
    rows = first[:10] + append(folder, "one", (20, 5, 0))
    table = catalog.load_table("db.t")
    assert len(table.inspect.manifests()) == 1
    check_rows(table, rows)
    assert table.current_snapshot().summary["total-records"] == "15" and table.current_snapshot().summary["total-data-files"] == "2"


def old_metadata_files_are_removed_as_the_table_asks(folder):
    catalog, table = make_table(folder, {"write.metadata.previous-versions-max": "3", "write.metadata.delete-after-commit.enabled": "true"})
    at = table.metadata_location.removeprefix("file://").rsplit("/", 1)[0]
    rows = []
    for i in range(10):
        rows += append(folder, f"f{i}", (i * 10, 10, i % 3))
        table = catalog.load_table("db.t")
        logged = [entry.metadata_file for entry in table.metadata.metadata_log]
        there = {f"file://{at}/{name}" for name in os.listdir(at) if name.endswith(".metadata.json")}
        assert len(logged) == min(i + 1, 3) and there == {*logged, table.metadata_location}, (i, logged, there)
    check_rows(table, rows)
    stamps = [entry.timestamp_ms for entry in table.metadata.metadata_log]
    assert stamps == sorted(stamps) and stamps[-1] <= table.metadata.last_updated_ms
    assert [entry.snapshot_id for entry in table.history()] == [s.snapshot_id for s in table.snapshots()] and len(table.history()) == 10
    for snapshot in table.snapshots():  # what was trimmed is no part of any snapshot
        assert len(table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()) == snapshot.sequence_number * 10


def many_appends_are_merged_and_keep_their_order(folder):
    catalog, _ = make_table(folder, {"commit.manifest.min-count-to-merge": "30"})
    rows = rows_of(0, 40, 0)
    for i in range(40):
        with open(f"{folder}/{i}.list", "w") as out:
            print(json.dumps(write_file(folder, f"f{i}", rows[i:i + 1], 0)), file=out)
        tool(folder, "append", "db.t", f"{folder}/{i}.list")
    table = catalog.load_table("db.t")
    check_rows(table, rows)
    sizes = [m["added_data_files_count"] + m["existing_data_files_count"] for m in table.inspect.manifests().to_pylist()]
    assert sizes == [1] * 10 + [30], sizes  # the thirtieth append made one of thirty
    numbers = {s.snapshot_id: s.sequence_number for s in table.snapshots()}
    assert list(numbers.values()) == list(range(1, 41))
    for e in entries_of(table):  # each entry is still of the snapshot that brought it
        assert numbers[e.snapshot_id] == e.sequence_number == int(e.data_file.file_path.rsplit("/f", 1)[1].split("-")[0].removesuffix(".parquet")) + 1
    assert [int(s.summary["total-data-files"]) for s in table.snapshots()] == list(range(1, 41))


def packed_metadata_goes_both_ways(folder):
    catalog, _ = make_table(folder, {"write.metadata.compression-codec": "gzip", "write.metadata.previous-versions-max": "2",
                                     "write.metadata.delete-after-commit.enabled": "true"})
    rows = []
    for i in range(4):
        rows += append(folder, f"f{i}", (i * 20, 10, 0))
        location = catalog.load_table("db.t").metadata_location
        assert location.endswith(".gz.metadata.json"), location
        with open(location.removeprefix("file://"), "rb") as f:
            assert f.read(2) == b"\x1f\x8b"
        more = rows_of(i * 20 + 10, 10, 1)
        catalog.load_table("db.t").append(arrow(more))
        rows += more
    check_rows(catalog.load_table("db.t"), rows)


def a_version_1_table_is_read_and_after_its_upgrade_merged(folder):
    catalog, table = make_table(folder, {"format-version": "1", "commit.manifest.min-count-to-merge": "2"})
    assert table.format_version == 1
    rows = []
    for i in range(3):
        rows += (more := rows_of(i * 10, 10, i))
        table.append(arrow(more))
    words = ("--catalog", f"sqlite:{folder}/catalog.db", "--warehouse", f"file://{folder}/warehouse")
    assert sorted(r["id"] for r in peers.firn_json("table", "cat", "db.t", *words)) == list(range(30))
    with open(f"{folder}/x.list", "w") as out:
        print(json.dumps(write_file(folder, "x", rows_of(30, 10, 0), 0)), file=out)
    assert "version 1" in tool(folder, "append", "db.t", f"{folder}/x.list", status="FIRN_UNSUPPORTED")
    with table.transaction() as t:
        t.upgrade_table_version(2)
    tool(folder, "append", "db.t", f"{folder}/x.list")
    rows += rows_of(30, 10, 0)
    table = catalog.load_table("db.t")
    assert table.format_version == 2 and len(table.inspect.manifests()) == 1
    check_rows(table, rows)
    assert sorted(e.sequence_number for e in entries_of(table)) == [0, 0, 0, 1]  # what version 1 wrote came before all
    table.append(arrow(rows_of(40, 10, 0)))
    check_rows(catalog.load_table("db.t"), rows + rows_of(40, 10, 0))
    assert sorted(r["id"] for r in peers.firn_json("table", "cat", "db.t", *words)) == list(range(50))


peers.run(pyiceberg_reads_what_was_appended, duckdb_reads_what_was_appended, pyiceberg_and_firn_append_in_turn_and_firn_merges_both,
          manifests_are_what_the_specification_says, a_branch_is_seen_as_a_branch, a_path_twice_and_a_missing_table_are_refused,
          many_programs_append_at_once, a_killed_append_is_in_whole_or_not_at_all, a_purge_leaves_nothing_of_the_table,
          files_that_pyiceberg_deleted_stay_deleted_when_firn_merges, old_metadata_files_are_removed_as_the_table_asks,
          many_appends_are_merged_and_keep_their_order, packed_metadata_goes_both_ways, a_version_1_table_is_read_and_after_its_upgrade_merged)

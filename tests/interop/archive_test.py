"""CloudEvents that firn ingests, read by PyIceberg, DuckDB and firn itself: the same rows in every column."""

import json
import os
import random

import archive
import peers

N = 20_000


def ingest(folder, n=N, *options, **how):
    path = os.path.join(folder, f"events-{how.get('seed', 7)}.ndjson")
    rows = archive.write(path, n, **how)
    (said,) = peers.firn_json("ingest", "cloudevent.valid", path, "--format", "json", *options, cwd=folder)
    assert said["valid"]["rows"] == n and said["partial"]["rows"] == 0 and said["dead_letter"]["rows"] == 0, said
    return rows


def table(folder, name="cloudevent.valid"):
    return peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table(name)


def pyiceberg_reads_every_row(folder):
    rows = ingest(folder)
    archive.check_pyiceberg(table(folder), rows)


def duckdb_reads_every_row(folder):
    rows = ingest(folder)
    archive.check_duckdb(peers.duckdb(), table(folder).metadata_location, rows)


def firn_reads_every_row(folder):
    rows = ingest(folder)
    n = 0
    for line in peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout.splitlines():
        row = json.loads(line)
        archive.check_row(row, rows[row["id"]])
        n += 1
    assert n == len(rows)


def every_codec_is_read_by_both(folder):
    rows = {}
    for seed, codec in enumerate(("none", "snappy", "gzip", "lz4", "zstd", "zstd:9", "brotli")):
        rows.update(ingest(folder, 500, "--compression", codec, seed=100 + seed))
    archive.check_pyiceberg(table(folder), rows)
    archive.check_duckdb(peers.duckdb(), table(folder).metadata_location, rows)


def files_lie_by_day_and_carry_statistics(folder):
    rows = ingest(folder, 3000)
    files = table(folder).inspect.files().to_pylist()
    days = {row["time"].date() for row in rows.values()}
    assert len(files) == len(days), f"{len(files)} files for {len(days)} days"
    for f in files:
        day = f["readable_metrics"]["time"]["lower_bound"].date()
        assert day == f["readable_metrics"]["time"]["upper_bound"].date()
        assert f"/cloudevent/valid/year={day:%Y}/month={day:%m}/day={day:%d}/batch-" in f["file_path"], f["file_path"]
        mine = [row for row in rows.values() if row["time"].date() == day]
        assert f["record_count"] == len(mine)
        subject = f["readable_metrics"]["subject"]
        assert subject["lower_bound"] <= min(r["subject"] for r in mine) and subject["upper_bound"] >= max(r["subject"] for r in mine)
        assert subject["null_value_count"] == 0 and f["readable_metrics"]["data"]["lower_bound"] is None
        assert os.path.getsize(f["file_path"].removeprefix("file://")) == f["file_size_in_bytes"]


def a_day_is_pruned_by_pyiceberg(folder):
    rows = ingest(folder, 3000)
    day = sorted({row["time"].date() for row in rows.values()})[1]
    low, high = f"{day}T00:00:00+00:00", f"{day}T23:59:59.999999+00:00"
    scan = table(folder).scan(row_filter=f"time >= '{low}' and time <= '{high}'")
    assert len(list(scan.plan_files())) == 1
    assert scan.to_arrow().num_rows == sum(row["time"].date() == day for row in rows.values())


def small_files_and_commits_on_the_way(folder):
    """A commit is made after the block in which its number of events was reached."""
    rows = ingest(folder, 2 * N, "--target-file-size", "200KB", "--commit-every", "5000", "--threads", "2")
    archive.check_pyiceberg(table(folder), rows)
    snapshots = peers.firn_json("table", "snapshots", "cloudevent.valid", "--format", "json", cwd=folder)
    assert len(snapshots) >= 3, len(snapshots)
    assert len(peers.firn_json("table", "files", "cloudevent.valid", "--format", "json", cwd=folder)) > 6


def what_is_broken_is_kept(folder):
    lines = [line for line, _ in archive.events(40)]
    r = random.Random(5)
    broken = []
    for i in range(0, 40, 2):
        cut = lines[i].encode()[:r.randrange(10, len(lines[i]) - 2)]
        lines[i] = cut.decode("utf-8", "surrogateescape")
        broken.append(cut)
    lines[1] = lines[1].replace('"subject"', '"object"')
    text = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
    (said,) = peers.firn_json("ingest", "cloudevent.valid", "--format", "json", cwd=folder, stdin=text)
    assert (said["valid"]["rows"], said["partial"]["rows"], said["dead_letter"]["rows"]) == (19, 1, 20), said
    letters = table(folder, "cloudevent.dead_letter").scan().to_arrow().to_pylist()
    assert sorted(letter["payload"] for letter in letters) == sorted(broken)
    assert all(letter["error"] and letter["origin"] == "stdin" and letter["received"] for letter in letters), letters[0]
    assert table(folder, "cloudevent.partial").scan().to_arrow().to_pylist()[0]["subject"] is None


peers.run(pyiceberg_reads_every_row, duckdb_reads_every_row, firn_reads_every_row, every_codec_is_read_by_both,
          files_lie_by_day_and_carry_statistics, a_day_is_pruned_by_pyiceberg, small_files_and_commits_on_the_way, what_is_broken_is_kept)

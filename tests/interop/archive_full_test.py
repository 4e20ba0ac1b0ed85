"""Many small archives, each from a seed with options of its own: PyIceberg and DuckDB agree with every one. FIRN_SEEDS says how
many; the seed of a failure is printed."""

import os
import random
import tempfile

import archive
import peers

SEEDS = int(os.environ.get("FIRN_SEEDS", "100"))


def options(r):
    words = ["--compression", r.choice(("none", "snappy", "gzip", "lz4", "zstd", "zstd:1", "zstd:15", "brotli"))]
    if r.random() < 0.5:
        words += ["--target-file-size", r.choice(("64KB", "300KB", "2MB"))]
    if r.random() < 0.5:
        words += ["--memory", r.choice(("8MB", "16MB"))]
    if r.random() < 0.5:
        words += ["--threads", str(r.randrange(1, 5))]
    if r.random() < 0.3:
        words += ["--commit-every", str(r.randrange(100, 3000))]
    return words


def one_archive(seed, folder):
    r = random.Random(seed)
    rows = {}
    for run in range(r.randrange(1, 4)):
        path = os.path.join(folder, f"{run}.ndjson")
        rows |= archive.write(path, r.randrange(1, 4000), seed=seed * 10 + run, days=r.choice((1, 3, 40)))
        peers.firn("ingest", "cloudevent.valid", path, *options(r), cwd=folder)
    table = peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table("cloudevent.valid")
    archive.check_pyiceberg(table, rows)
    archive.check_duckdb(peers.duckdb(), table.metadata_location, rows)


def every_archive_is_read_by_both(folder):
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory(dir=folder) as below:
            try:
                one_archive(seed, below)
            except Exception as e:
                raise AssertionError(f"seed {seed}") from e


peers.run(every_archive_is_read_by_both)

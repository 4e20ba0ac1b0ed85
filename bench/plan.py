"""Planning over 100,000 data files with full statistics of 14 columns: firn beside PyIceberg, and beside libdeflate alone.

Usage: plan.py [--bench build/bench_plan] [--files N] [--runs N] [--keep FOLDER] [--no-peer]    (with the test environment's python)
The table is made twice: by firn's own commits (one a day), and with the same entries in manifests that PyIceberg wrote. Each run is a
process of its own; seconds are the processor's, because machines are shared: of firn, on one thread, the best of seven rounds (median of
the runs), of PyIceberg those of plan_files.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = "column_2 >= '2024-06-05T00:00:00+00:00' and column_2 < '2024-06-06T00:00:00+00:00'"
FILTERS = {
    "everything": "",
    "one day of ten (the partition: clustered)": DAY,
    "a number that one file holds (bounds)": "column_1 >= 5000000 and column_1 < 5001000",
    "text that no file excludes (bounds)": "column_5 = 'm'",
}

COMPARED = list(FILTERS)[:2]  # of PyIceberg the others tell nothing new


def manifests_of(metadata):
    from pyiceberg.io import load_file_io
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(metadata)
    return table, table.current_snapshot().manifests(load_file_io())


def write_peer_table(metadata, folder):
    """The same entries, in manifests and a list that PyIceberg writes; gives the new metadata's path."""
    from pyiceberg.io.pyarrow import PyArrowFileIO
    from pyiceberg.manifest import write_manifest, write_manifest_list

    table, manifests = manifests_of(metadata)
    io = PyArrowFileIO()
    snapshot = table.current_snapshot()
    os.makedirs(folder)
    written = []
    for i, m in enumerate(manifests):
        output = io.new_output(f"{folder}/m{i}.avro")
        with write_manifest(2, table.spec(), table.schema(), output, snapshot.snapshot_id, "deflate") as writer:
            for entry in m.fetch_manifest_entry(io):
                writer.add_entry(entry)
        written.append(writer.to_manifest_file())
    listing = io.new_output(f"{folder}/list.avro")
    with write_manifest_list(2, listing, snapshot.snapshot_id, snapshot.parent_snapshot_id, snapshot.sequence_number, "deflate") as writer:
        writer.add_manifests(written)
    with open(metadata, encoding="utf-8") as f:
        as_json = json.load(f)
    as_json["snapshots"] = [dict(s, **{"manifest-list": f"{folder}/list.avro"}) for s in as_json["snapshots"] if s["snapshot-id"] == snapshot.snapshot_id]
    path = f"{folder}/00011-peer.metadata.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(as_json, f)
    return path


def peer(metadata, text):
    """A process of its own: PyIceberg's seconds and files."""
    import time

    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(metadata)
    started = time.process_time()
    tasks = list(table.scan(row_filter=text).plan_files() if text else table.scan().plan_files())
    print(time.process_time() - started, len(tasks))


def run_firn(bench, how, metadata, text):
    run = measure.run([bench, how, metadata, text, "7"])
    seconds, files, skipped, read, passed, _, mb = run["out"].split()
    return {"ms": float(seconds) * 1e3, "files": int(files), "skipped": int(skipped), "manifests": f"{read} of {int(read) + int(passed)}", "mb": int(mb)}


def median_of(runs, key):
    return sorted(r[key] for r in runs)[len(runs) // 2]


def line(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def report(args, name, metadata):
    _, manifests = manifests_of(metadata)
    paths = [m.manifest_path for m in manifests]
    floors = [float(measure.run([args.bench, "inflate", *paths])["out"].split()[0]) * 1e3 for _ in range(args.runs)]
    floor = sorted(floors)[len(floors) // 2]
    print(f"\n{name}: {len(paths)} manifests, {sum(os.path.getsize(p) for p in paths) / 1e6:.1f} MB; libdeflate alone {floor:.0f} ms\n")
    line("filter", "files", "manifests read", "firn, files", "with all statistics", "as tasks", "peak", "of libdeflate", "PyIceberg", "peak")
    line(*["---"] * 10)
    for what, text in FILTERS.items():
        ours = {how: [run_firn(args.bench, how, metadata, text) for _ in range(args.runs)] for how in ("files", "full", "tasks")}
        one = ours["files"][0]
        cells = [what, one["files"], one["manifests"], *(f"{median_of(ours[how], 'ms'):.1f} ms" for how in ours),
                 f"{max(r['mb'] for r in ours['full']):.0f} MB", f"{median_of(ours['full'], 'ms') / floor:.2f}" if not text else ""]
        if not args.no_peer and what in COMPARED:
            theirs = measure.run([sys.executable, __file__, "--peer", metadata, text])
            seconds, files = theirs["out"].split()
            assert int(files) == one["files"], f"PyIceberg plans {files} files, firn {one['files']}"
            cells += [f"{float(seconds) * 1e3:.0f} ms", f"{theirs['mb']:.0f} MB"]
        line(*cells)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--peer":
        peer(sys.argv[2], sys.argv[3])
        return
    p = argparse.ArgumentParser()
    p.add_argument("--bench", default=os.path.join(HERE, "..", "build", "bench_plan"))
    p.add_argument("--files", type=int, default=100_000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--keep", help="a folder for the tables, used again when they are there")
    p.add_argument("--no-peer", action="store_true")
    args = p.parse_args()
    work = args.keep or tempfile.mkdtemp(prefix="firn-bench-")
    try:
        if not os.path.exists(f"{work}/own"):
            subprocess.run([args.bench, "make", f"{work}/own", "10", str(args.files // 10)], check=True, capture_output=True)
        own = max(glob.glob(f"{work}/own/bench/plan/metadata/*.metadata.json"))
        if not os.path.exists(f"{work}/peer"):
            write_peer_table(own, f"{work}/peer")
        report(args, "Written by firn", own)
        report(args, "Written by PyIceberg", f"{work}/peer/00011-peer.metadata.json")
    finally:
        if not args.keep:
            shutil.rmtree(work)


if __name__ == "__main__":
    main()

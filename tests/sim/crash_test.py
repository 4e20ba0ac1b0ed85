"""Simulated crashes of a whole firn, and PyIceberg, one reader for all, reading what is on the disk after every 50th of them.

  crash_test.py BUILD [FROM N [EVERY]]
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import peers  # noqa: E402

FROM, N, EVERY = [int(word) for word in (sys.argv[2:] + ["1", "100", "50"][len(sys.argv) - 2:])]


def read(folder, wanted):
    """Every row once, each table as many as firn itself has found."""
    from pyiceberg.catalog import load_catalog
    catalog = load_catalog("default", **{"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "moved.to": f"{folder}/",
                                         "py-io-impl": "moved_io.MovedFileIO"})
    for name, n in wanted.items():
        payload = "payload" if name == "dead_letter" else "data"
        rows = []
        if catalog.table_exists(f"cloudevent.{name}"):
            rows = catalog.load_table(f"cloudevent.{name}").scan().to_arrow().column(payload).to_pylist()
        assert len(rows) == n and len(set(rows)) == n, f"{folder}: {name} has {len(rows)} rows for PyIceberg, {n} for firn"


def crashes_leave_what_was_promised(folder):
    peers.need("pyiceberg", "pyarrow")
    command = [os.path.join(peers.BUILD, "crash_sim"), "--scenario", "live", "--seeds", str(FROM), str(N), "--export", folder, str(EVERY)]
    n_read = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sim:
        for line in sim.stdout:
            if not line.startswith(folder):
                print(line, end="")
                continue
            path, *counts = line.split()
            read(path, {name: int(n) for name, n in (count.split("=") for count in counts)})
            shutil.rmtree(path)
            n_read += 1
    assert sim.returncode == 0, "see the seed above"
    print(f"PyIceberg has read {n_read} of the disks")
    assert n_read == len([seed for seed in range(FROM, FROM + N) if seed % EVERY == 0])


peers.run(crashes_leave_what_was_promised)

"""What committer_test.py and committer_full_test.py share: a table, files for it, committers, and writers beside them."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import peers

TOOL = os.path.join(peers.BUILD, "committer_tool")
ROWS = 10  # in a file
PROPERTIES = {"commit.manifest.min-count-to-merge": "20", "commit.retry.num-retries": "30", "commit.retry.min-wait-ms": "20"}


class House:
    """A catalog with a table, data files that wait for it, and the committers' logs."""

    def __init__(self, folder, n_files):
        peers.need("pyiceberg", "pyarrow")
        from pyiceberg.schema import Schema
        from pyiceberg.types import LongType, NestedField, StringType

        self.folder, self.n_files = folder, n_files
        self.foreign_ids = []
        self.conflicts = 0
        os.makedirs(f"{folder}/warehouse")
        schema = Schema(NestedField(1, "id", LongType(), required=False), NestedField(2, "name", StringType(), required=False))
        catalog = self.catalog()
        catalog.create_namespace("db")
        self.uuid = str(catalog.create_table("db.t", schema, properties=PROPERTIES).metadata.table_uuid)
        with open(f"{folder}/list", "w") as out:
            for i in range(n_files):
                out.write(json.dumps(self.write_file(i)) + "\n")

    def catalog(self):
        from pyiceberg.catalog import load_catalog

        return load_catalog(
            "default", type="sql", uri=f"sqlite:///{self.folder}/catalog.db", warehouse=f"file://{self.folder}/warehouse"
        )

    def table(self):
        return self.catalog().load_table("db.t")

    @staticmethod
    def arrow(ids):
        import pyarrow as pa

        fields = [("id", pa.int64()), ("name", pa.string())]
        schema = pa.schema([pa.field(name, kind, metadata={"PARQUET:field_id": str(i + 1)}) for i, (name, kind) in enumerate(fields)])
        return pa.Table.from_pylist([{"id": i, "name": f"name-{i}"} for i in ids], schema=schema)

    def write_file(self, i):
        import pyarrow.parquet

        path = f"{self.folder}/warehouse/data/{i}.parquet"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pyarrow.parquet.write_table(self.arrow(range(i * ROWS, (i + 1) * ROWS)), path)
        return {"path": f"file://{path}", "rows": ROWS, "size": os.path.getsize(path)}

    def words(self, log, pace_ms, age_ms):
        catalog, warehouse = f"sqlite:{self.folder}/catalog.db", f"file://{self.folder}/warehouse"
        words = [TOOL, catalog, warehouse, log if ":" in log else f"{self.folder}/{log}", "db.t", f"{self.folder}/list", str(pace_ms)]
        return words + ([str(age_ms)] if age_ms is not None else [])

    def start(self, log="log", pace_ms=0, age_ms=None):
        return subprocess.Popen(self.words(log, pace_ms, age_ms), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def finish(process, timeout=300):
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == 0, f"the committer ended with {process.returncode}: {err}"
        return json.loads(out)

    # --- writers beside the committers ---

    def foreign_writer(self, stop, pause_s):
        """PyIceberg appends rows of its own until it is told to stop."""
        from pyiceberg.exceptions import CommitFailedException, ValidationException

        table, next_id = self.table(), 10**9
        while not stop.is_set():
            try:
                table.append(self.arrow([next_id]))
                self.foreign_ids.append(next_id)
                next_id += 1
            except (CommitFailedException, ValidationException):  # a race lost, or its snapshot was expired meanwhile
                self.conflicts += 1
                table.refresh()
            except Exception as failure:  # the catalog is locked, or the answer is not known
                self.note_unknown(failure, next_id)
                next_id += 1
            stop.wait(pause_s)

    def note_unknown(self, failure, row_id):
        """What PyIceberg cannot tell is told by the table."""
        if "locked" not in str(failure) and "unknown" not in str(failure).lower():
            raise failure
        if row_id in self.ids():
            self.foreign_ids.append(row_id)

    def foreign_expirer(self, stop, pause_s, keep=5):
        """PyIceberg forgets all but the newest snapshots, again and again."""
        from pyiceberg.exceptions import CommitFailedException

        while not stop.wait(pause_s):
            try:
                table = self.table()
                old = sorted(table.metadata.snapshots, key=lambda s: s.sequence_number)[:-keep]
                if old:
                    table.maintenance.expire_snapshots().by_ids([s.snapshot_id for s in old]).commit()
            except CommitFailedException:
                self.conflicts += 1
            except Exception as failure:  # locked, or a committer has expired the same ones
                if "locked" not in str(failure) and "does not exist" not in str(failure):
                    raise

    # --- what there must be ---

    def ids(self):
        return self.table().scan(selected_fields=("id",)).to_arrow()["id"].to_pylist()

    def check(self):
        """Every row once; one line of history."""
        ids = self.ids()
        wanted = list(range(self.n_files * ROWS)) + self.foreign_ids
        assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} rows are there twice"
        assert set(ids) == set(wanted), f"missing {sorted(set(wanted) - set(ids))[:5]}, too many {sorted(set(ids) - set(wanted))[:5]}"
        metadata = self.table().metadata
        snapshots = sorted(metadata.snapshots, key=lambda s: s.sequence_number)
        for before, after in zip(snapshots, snapshots[1:]):
            assert after.parent_snapshot_id == before.snapshot_id, "the history is no line"
        assert metadata.current_snapshot_id == snapshots[-1].snapshot_id
        positions = [v for k, v in metadata.properties.items() if k.startswith("firn.positions.")]
        assert positions == [json.dumps({"0": self.n_files}, separators=(",", ":"))], positions
        return metadata


def run_beside(house, seconds, foreign_pause_s, expire_pause_s, kill_pause_s=None):
    """Two committers that both see every record, PyIceberg appending and expiring beside them; with
    `kill_pause_s` one of them is killed and started again all the time."""
    pace_ms = max(1, int(seconds * 1000 / house.n_files))
    log = f"shared:{int(time.time() * 1000)}"
    stop, failures = threading.Event(), []

    def guarded(body, *words):
        try:
            body(*words)
        except Exception as failure:
            failures.append(failure)
            stop.set()

    threads = [
        threading.Thread(target=guarded, args=(house.foreign_writer, stop, foreign_pause_s)),
        threading.Thread(target=guarded, args=(house.foreign_expirer, stop, expire_pause_s)),
    ]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    a, b, kills = house.start(log, pace_ms, 5000), house.start(log, pace_ms, 5000), 0
    while kill_pause_s is not None and b.poll() is None and a.poll() is None and time.monotonic() - started < seconds:
        time.sleep(random.uniform(0.2, 1.8) * kill_pause_s)
        b.send_signal(signal.SIGKILL)
        b.communicate()
        kills += 1
        b = house.start(log, pace_ms, 5000)
    results = [house.finish(a, 600), house.finish(b, 600)]
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, str(failures)[:500]
    house.check()
    return {"committers": results, "foreign": len(house.foreign_ids), "foreign conflicts": house.conflicts, "kills": kills}

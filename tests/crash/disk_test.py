"""firn up on a disk that is full, or may not be written: it says so, keeps what it answered, and goes on when it can."""

import glob
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
import live  # noqa: E402
import peers  # noqa: E402


class SmallDisk:
    """A file system of its own, mounted at `folder` while the block runs."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    def __enter__(self):
        os.makedirs(self.folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.folder], capture_output=True).returncode != 0:
            peers.skip("only root may mount a small disk")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self, ballast, left):
        """With one large file, until so many bytes are left, more or less."""
        with open(ballast, "wb", buffering=0) as f:
            while (room := os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_bsize - left) > 0:
                try:
                    f.write(bytes(min(room, 1 << 20)))
                except OSError:  # others write too
                    break

    def set_writable(self, writable):
        subprocess.run(["mount", "-o", f"remount,{'rw' if writable else 'ro'}", self.folder], check=True, capture_output=True)


def ids_of(data, table="valid"):
    rows = peers.pyiceberg_catalog(data).load_table(f"cloudevent.{table}").scan(selected_fields=("id",)).to_arrow().to_pylist()
    ids = sorted(row["id"] for row in rows)
    assert len(ids) == len(set(ids)), "rows are doubled"
    return ids


def a_full_disk_is_said_and_loses_nothing(folder):
    """Events are taken until the disk is full; with room again the same process commits them all and takes more."""
    peers.need("pyiceberg", "pyarrow")
    with SmallDisk(f"{folder}/disk", "24m") as disk:
        data, ballast, answered = f"{disk.folder}/data", f"{disk.folder}/ballast", []
        with live.up(data, live.QUICK) as firn:
            with open(ballast, "wb") as f:
                f.write(bytes(14 << 20))
            n, status, until = 0, 202, time.monotonic() + 60
            while status in (202, 429) and time.monotonic() < until:
                events = [live.event(i, data={"i": i, "pad": os.urandom(2000).hex()}) for i in range(n, n + 20)]
                status, _, body = firn.ask("POST", "/v1/events", json.dumps(events).encode(), {"Content-Type": live.BATCH})
                answered += [e["id"] for e in events] if status == 202 else []
                n += 20
            assert status == 503 and b"nothing of the request was taken" in body, (status, body[:300])
            assert firn.process.poll() is None, firn.log()[-2000:]
            os.unlink(ballast)
            until = time.monotonic() + 60
            more = [live.event(i) for i in range(n, n + 5)]
            while (status := firn.post(more)) != 202:
                assert status in (429, 503) and time.monotonic() < until, status
                time.sleep(0.2)
            answered += [e["id"] for e in more]
            firn.wait_visible(len(answered), within_s=90)
            assert firn.get_json("/readyz")["ready"]
        assert ids_of(data) == sorted(answered)


def a_full_disk_at_the_start_is_said(folder):
    with SmallDisk(f"{folder}/disk", "1m") as disk:
        disk.fill(f"{disk.folder}/ballast", 0)
        refused = peers.firn("up", "--data", f"{disk.folder}/data", "--listen", "127.0.0.1:0", status=1)
        assert "No space left on device" in refused.stderr, refused.stderr
        assert refused.stderr.count("\n") == 1, refused.stderr
        os.unlink(f"{disk.folder}/ballast")
    # what half a start has left is no hindrance
    with SmallDisk(f"{folder}/disk2", "8m") as disk:
        with live.up(f"{disk.folder}/data", live.QUICK) as firn:
            assert firn.post([live.event(1)]) == 202
            firn.wait_visible(1)


def every_size_of_a_full_disk_is_survived(folder):
    """The disk is full at another point of a life each time; once there is room everything that was answered is there, once."""
    peers.need("pyiceberg", "pyarrow")
    with SmallDisk(f"{folder}/disk", "16m") as disk:
        data, ballast, answered, n = f"{disk.folder}/data", f"{disk.folder}/ballast", [], 0
        for left in (0, 4, 12, 40, 80, 160, 400, 900):  # KiB
            with live.up(data, live.QUICK) as firn:
                disk.fill(ballast, left << 10)
                for _ in range(15):
                    events = [live.event(i, data={"i": i, "pad": os.urandom(300).hex()}) for i in range(n, n + 10)]
                    if firn.post(events) == 202:
                        answered += [e["id"] for e in events]
                    n += 10
                    time.sleep(0.02)
                firn.kill()
            os.unlink(ballast)
        with live.up(data, live.QUICK) as firn:
            assert firn.post([live.event(n)]) == 202
            answered.append(f"e{n}")
            firn.wait_visible(len(answered), within_s=90)
        ids = ids_of(data)
        lost = set(answered) - set(ids)
        assert not lost, f"{len(lost)} answered events are lost: {sorted(lost)[:5]}"
        assert set(ids) == set(answered), f"refused with 503, and there all the same: {sorted(set(ids) - set(answered))[:5]}"


def a_read_only_disk_is_said(folder):
    with SmallDisk(f"{folder}/disk", "8m") as disk:
        data = f"{disk.folder}/data"
        with live.up(data, live.QUICK) as firn:
            assert firn.post([live.event(i) for i in range(10)]) == 202
            firn.wait_visible(10)
        disk.set_writable(False)
        refused = peers.firn("up", "--data", data, "--listen", "127.0.0.1:0", status=1)
        assert "ead-only" in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr
        refused = peers.firn("up", "--data", f"{disk.folder}/other", "--listen", "127.0.0.1:0", status=1)
        assert "ead-only" in refused.stderr, refused.stderr
        assert len(peers.firn_json("table", "cat", f"{data}/warehouse/cloudevent/valid")) == 10  # by its folder the table can be read
        disk.set_writable(True)
        with live.up(data, live.QUICK) as firn:
            assert firn.post([live.event(i) for i in range(10, 12)]) == 202
            firn.wait_visible(12)
        assert not glob.glob(f"{disk.folder}/other/*")


peers.run(a_full_disk_is_said_and_loses_nothing, a_full_disk_at_the_start_is_said, every_size_of_a_full_disk_is_survived,
          a_read_only_disk_is_said)

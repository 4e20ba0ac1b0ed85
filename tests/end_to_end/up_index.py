"""The index of a running firn up: killed, damaged, of a newer version, rebuilt beside it, and followed by others' changes."""

import glob
import os
import random
import sqlite3
import subprocess
import time

import live
import peers


def wait_until(is_so, within_s=30):
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def seen(data):
    """Key by id, as sqlite3 shows it."""
    db = sqlite3.connect(f"file:{data}/index.db?mode=ro", uri=True)
    rows = db.execute("select id, index_key from cloud_event").fetchall()
    db.close()
    assert len({i for i, _ in rows}) == len(rows)
    return dict(rows)


def fill(data, n=50):
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(n)]) == 202
        firn.wait_visible(n)


def refused(data):
    run = subprocess.run([peers.FIRN, "up", "--data", data, "--listen", "127.0.0.1:0"], capture_output=True, timeout=60)
    assert run.returncode == 1, run
    return run.stderr.decode()


def an_index_of_a_newer_version_is_refused_with_its_remedy(folder):
    data = f"{folder}/data"
    fill(data)
    db = sqlite3.connect(f"{data}/index.db")
    db.execute("update firn_versions set version = 99 where part = 'index'")
    db.commit()
    db.close()
    said = refused(data)
    assert "index.db" in said and "version 99" in said and "firn index rebuild" in said, said
    peers.firn("index", "rebuild", "--data", data)
    with live.up(data, live.QUICK):
        assert len(seen(data)) == 50


def a_damaged_index_is_refused_with_its_remedy(folder):
    data = f"{folder}/data"
    fill(data)
    path = f"{data}/index.db"
    whole = open(path, "rb").read()
    for damaged in (b"no database at all" * 1000, whole[:5000], whole[:len(whole) // 2], whole[:8192] + b"\xff" * 4096 + whole[12288:]):
        for end in ("-wal", "-shm"):
            if os.path.exists(path + end):
                os.unlink(path + end)
        with open(path, "wb") as f:
            f.write(damaged)
        run = subprocess.run([peers.FIRN, "index", "status", "--data", data], capture_output=True, timeout=60)
        if run.returncode != 0:
            said = run.stderr.decode()
            assert "firn index rebuild" in said, said
        os.unlink(path)  # the other remedy
        with live.up(data, live.QUICK):
            wait_until(lambda: len(seen(data)) == 50)


def an_empty_index_is_filled(folder):
    data = f"{folder}/data"
    fill(data)
    for name in glob.glob(f"{data}/index.db*"):
        os.unlink(name)
    open(f"{data}/index.db", "wb").close()
    with live.up(data, live.QUICK):
        wait_until(lambda: len(seen(data)) == 50)


def status_works_beside_a_server_and_rebuild_is_refused(folder):
    data = f"{folder}/data"
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(50)]) == 202
        firn.wait_visible(50)
        wait_until(lambda: len(seen(data)) == 50)
        said = peers.firn("index", "rebuild", "--data", data, status=1).stderr
        assert "stop it first" in said, said
        wait_until(lambda: peers.firn_json("index", "status", "--data", data, "--format", "json")[0]["pending_files"] == 0)
        (status,) = peers.firn_json("index", "status", "--data", data, "--format", "json")
        assert status["rows"] == 50 and status["tables"][0]["behind"] == 0 and status["commit_log"].endswith("0:1"), status


def every_row_is_found_and_fetched_after_kills(folder):
    data = f"{folder}/data"
    r = random.Random(11)
    acknowledged, n, uncertain = set(), 0, set()
    for _ in range(6):
        with live.up(data, live.QUICK) as firn:
            until = time.monotonic() + r.random() * 1.5
            while time.monotonic() < until:
                ids = range(n, n + r.randrange(1, 40))
                n = ids.stop
                uncertain.update(f"e{i}" for i in ids)
                assert firn.post([live.event(i) for i in ids]) == 202
                acknowledged.update(f"e{i}" for i in ids)
            firn.kill()
    with live.up(data, live.QUICK) as firn:
        firn.wait_visible(len(acknowledged))
        wait_until(lambda: len(seen(data)) >= len(acknowledged))
        found = seen(data)
        assert acknowledged <= set(found) <= uncertain
        for i in r.sample(sorted(found), min(50, len(found))):
            (hit,) = firn.get_json("/v1/events", id=i, data="true")["events"]
            assert hit["key"] == found[i] and hit["event"]["data"] == {"i": int(i[1:])}, hit
        followed = found
    peers.firn("index", "rebuild", "--data", data, "--quiet")
    assert seen(data) == followed


def a_rewrite_by_others_has_new_keys_and_the_old_ones_are_gone(folder):
    peers.need("pyiceberg")
    data = f"{folder}/data"
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(30)]) == 202
        firn.wait_visible(30)
        wait_until(lambda: len(seen(data)) == 30)
        old = seen(data)
        table = peers.pyiceberg_catalog(data).load_table("cloudevent.valid")
        table.overwrite(table.scan().to_arrow())
        wait_until(lambda: not set(old.values()) & set(seen(data).values()))
        new = seen(data)
        assert set(new) == set(old)
        (hit,) = firn.get_json("/v1/events", id="e7", data="true")["events"]
        assert hit["key"] == new["e7"] and hit["event"]["data"] == {"i": 7}, hit
        table.refresh()
        table.delete("id = 'e7'")
        wait_until(lambda: "e7" not in seen(data))
        assert firn.get_json("/v1/events", id="e7")["events"] == []
        assert len(seen(data)) == 29


if __name__ == "__main__":
    peers.run(an_index_of_a_newer_version_is_refused_with_its_remedy, a_damaged_index_is_refused_with_its_remedy, an_empty_index_is_filled,
              status_works_beside_a_server_and_rebuild_is_refused, every_row_is_found_and_fetched_after_kills,
              a_rewrite_by_others_has_new_keys_and_the_old_ones_are_gone)

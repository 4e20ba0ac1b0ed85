"""What goes wrong around a running firn up, and what it says and keeps then."""

import glob
import json
import os
import shutil
import socket
import sqlite3
import time

import live
import peers

LOCKED_S = 60 if os.environ.get("FIRN_FULL") else 8


def wait_until(is_so, what, within_s=60):
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def a_locked_catalog_is_waited_for(folder):
    """Somebody holds the catalog's database for a minute (some seconds here): events are taken all the same, and committed once."""
    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(0)]) == 202
        firn.wait_visible(1)
        catalog = sqlite3.connect(f"{firn.data}/catalog.db", isolation_level=None, timeout=30)
        catalog.execute("BEGIN EXCLUSIVE")
        until, n = time.monotonic() + LOCKED_S, 1
        while time.monotonic() < until:
            assert firn.post([live.event(n)]) == 202
            n += 1
            time.sleep(0.2)
        catalog.execute("ROLLBACK")
        catalog.close()
        firn.wait_visible(n, within_s=90)
        assert firn.get_json("/readyz")["ready"]
        wait_until(lambda: len(firn.get_json("/v1/events", limit=1000)["events"]) == n, "the index has not caught up")


def a_body_of_a_gibibyte_is_refused_at_once(folder):
    """Announced: before a byte of it is read. In chunks: as soon as it is too large. Memory stays what it was."""
    with live.up(f"{folder}/data") as firn:
        before = firn.rss()
        with socket.create_connection((firn.host, firn.port)) as s:
            s.sendall(b"POST /v1/events HTTP/1.1\r\nHost: firn\r\nContent-Type: application/cloudevents+json\r\nContent-Length: 1073741824\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 413"), "not refused"
        with socket.create_connection((firn.host, firn.port)) as s:
            s.settimeout(30)
            s.sendall(b"POST /v1/events HTTP/1.1\r\nHost: firn\r\nContent-Type: application/cloudevents+json\r\nTransfer-Encoding: chunked\r\n\r\n")
            chunk, sent, answer = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n", 0, b""
            try:
                while sent < 1 << 30:
                    s.sendall(chunk)
                    sent += 1 << 20
            except (BrokenPipeError, ConnectionResetError, TimeoutError):
                pass
            try:
                answer = s.recv(100)
            except ConnectionResetError:
                pass
            assert answer.startswith(b"HTTP/1.1 413"), answer  # what comes after it is read for a moment, so that the answer is seen, and dropped
        assert firn.peak_rss() - before < 160 << 20, (before, firn.peak_rss())
        assert firn.post([live.event(1)]) == 202


def clients_that_lie_stall_or_go_away_leave_nothing(folder):
    head = b"POST /v1/events HTTP/1.1\r\nHost: firn\r\nContent-Type: application/cloudevents+json\r\nContent-Length: %d\r\n\r\n"
    body = json.dumps(live.event(7)).encode()
    with live.up(f"{folder}/data", {**live.QUICK, "server.header_timeout": "500ms", "server.body_timeout": "500ms"}) as firn:
        for sent in (b"POST /v1/ev", head % 1000 + body, head % len(body) + body[:20]):  # stalls in the head, promises too much, stops in the middle
            with socket.create_connection((firn.host, firn.port)) as s:
                s.settimeout(10)
                s.sendall(sent)
                answer = b"".join(iter(lambda: s.recv(1000), b""))  # until the server ends it
                assert not answer or answer.startswith(b"HTTP/1.1 408"), answer
        with socket.create_connection((firn.host, firn.port)) as s:
            s.sendall(head % len(body) + body[:20])  # and goes away
        slow = socket.create_connection((firn.host, firn.port))  # a byte now and then never completes in time
        started = time.monotonic()
        try:
            while time.monotonic() - started < 10:
                slow.sendall(b"x")
                time.sleep(0.1)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert time.monotonic() - started < 10, "a trickling client is never let go"
        assert firn.post([live.event(1)]) == 202
        firn.wait_visible(1)
        firn.stop()
        assert firn.rows() == 1


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 0x40]))


def damage_within_a_journal_stops_the_start_with_a_sentence(folder):
    """In the event journal and in the commit log. What is damaged was promised: going on as if it had never been would lose it."""
    for name in ("events", "commits"):
        data = f"{folder}/{name}"
        with live.up(data, {"ingest.batching.period": "1h" if name == "events" else "50ms", "committer.batching.period": "1h"}) as firn:
            for i in range(5):
                assert firn.post([live.event(i)]) == 202
                time.sleep(0.2)
            firn.kill()
        segment = max(glob.glob(f"{data}/{name}/*.log"), key=os.path.getsize)
        flip(segment, os.path.getsize(segment) // 2)
        refused = peers.firn("up", "--data", data, "--listen", "127.0.0.1:0", status=1)
        assert os.path.basename(segment) in refused.stderr and len(refused.stderr.strip().splitlines()) == 1, refused.stderr
        flip(segment, os.path.getsize(segment) // 2)
        with live.up(data, live.QUICK) as firn:  # repaired, nothing is lost
            firn.wait_visible(5)
            firn.stop()
            assert firn.rows() == 5


def refused_start(data, *words):
    """What a start says that is refused, in one sentence."""
    try:
        live.Up(data, None, *words, wait_s=30).kill()
    except AssertionError:
        with open(f"{data}.log", encoding="utf-8") as log:
            return log.read().strip().splitlines()[-1]
    raise AssertionError("it has started")


def a_commit_log_that_is_gone_doubles_nothing(folder):
    """The event journal still has events that are in the tables, and only the commit log said so."""
    data = f"{folder}/data"
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(10)]) == 202
        firn.wait_visible(10)
    os.rename(f"{data}/commits", f"{folder}/commits")
    for _ in range(2):
        said = refused_start(data)
        assert f"{data}/commits" in said and f"{data}/events" in said, said
    os.rename(f"{folder}/commits", f"{data}/commits")
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(10)]) == 202
        firn.wait_visible(11)
        firn.stop()
        assert firn.rows() == 11
    os.rename(f"{data}/commits", f"{folder}/commits")  # both: all that was accepted is in the tables, and they begin anew
    os.rename(f"{data}/events", f"{folder}/events")
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(11)]) == 202
        firn.wait_visible(12)
        firn.stop()
        assert firn.rows() == 12


def an_older_commit_log_put_back_takes_no_event(folder):
    """Its new records would get numbers that the tables have passed. Enough of them, and it would seem to be as new as the tables."""
    data = f"{folder}/data"
    journals = ("events", "commits")
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(0)]) == 202
        firn.wait_visible(1)
    for name in journals:
        shutil.copytree(f"{data}/{name}", f"{folder}/old-{name}")
    with live.up(data, live.QUICK) as firn:
        for i in range(1, 4):
            assert firn.post([live.event(i)]) == 202
            firn.wait_visible(i + 1)
    for name in journals:
        os.rename(f"{data}/{name}", f"{folder}/new-{name}")
        os.rename(f"{folder}/old-{name}", f"{data}/{name}")
    for _ in range(2):
        said = refused_start(data)
        assert "older state" in said, said
    for name in journals:
        shutil.rmtree(f"{data}/{name}")
        os.rename(f"{folder}/new-{name}", f"{data}/{name}")
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(4)]) == 202
        firn.wait_visible(5)
        firn.stop()
        assert firn.rows() == 5


def smaller_bodies_than_before_are_no_trouble_for_the_journal(folder):
    """The journal keeps a body that was taken when larger ones were allowed."""
    data = f"{folder}/data"
    large = live.event(1, data="x" * (3 << 20))
    with live.up(data, live.QUICK) as firn:
        assert firn.post([live.event(0)]) == 202
        assert firn.post([large]) == 202
        firn.kill()
    small = {**live.QUICK, "ingest.max_body_size": "1MB", "ingest.max_event_size": "512kB"}
    with live.up(data, small) as firn:
        assert firn.post([large]) == 413
        firn.wait_visible(2)
        firn.stop()
        assert firn.rows() == 2


def a_copied_folder_is_not_served_as_if_it_were_the_first(folder):
    """The copy's catalog names the first one's files: serving it would write there, and its expiry remove what the first needs."""
    with live.up(f"{folder}/first", live.QUICK) as firn:
        assert firn.post([live.event(0)]) == 202
        firn.wait_visible(1)
    shutil.copytree(f"{folder}/first", f"{folder}/copy")
    said = refused_start(f"{folder}/copy")
    assert f"{folder}/first/warehouse" in said and f"{folder}/copy/warehouse" in said, said
    said = refused_start(f"{folder}/first", "--warehouse", f"{folder}/elsewhere")
    assert f"{folder}/first/warehouse" in said and f"{folder}/elsewhere" in said, said
    with live.up(f"{folder}/first", live.QUICK) as firn:
        assert firn.post([live.event(1)]) == 202
        firn.wait_visible(2)


def a_table_of_a_version_that_is_not_written_takes_no_event(folder):
    """It is said at the start, and not when events have been accepted that cannot be committed."""
    with live.up(f"{folder}/data") as firn:
        pass
    catalog = peers.pyiceberg_catalog(firn.data)
    table = catalog.load_table("cloudevent.valid")
    catalog.drop_table("cloudevent.valid")
    made = catalog.create_table("cloudevent.valid", table.schema(), table.location(), table.spec(), properties={"format-version": "1"})
    assert made.metadata.format_version == 1
    said = refused_start(f"{folder}/data")
    assert "valid cannot take events" in said and "format version 1" in said, said
    with made.transaction() as change:
        change.upgrade_table_version(2)
    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(0)]) == 202
        firn.wait_visible(1)


def an_index_of_a_newer_version_is_left_alone(folder):
    with live.up(f"{folder}/data") as firn:
        pass
    with sqlite3.connect(f"{folder}/data/index.db") as index:
        index.execute("UPDATE firn_versions SET version = version + 100")
    refused = peers.firn("up", "--data", f"{folder}/data", "--listen", "127.0.0.1:0", status=1)
    assert "newer" in refused.stderr and "index" in refused.stderr, refused.stderr


def a_folder_of_a_newer_format_is_left_alone(folder):
    os.makedirs(f"{folder}/data")
    with open(f"{folder}/data/FORMAT", "w", encoding="ascii") as f:
        f.write("1000\n")
    refused = peers.firn("up", "--data", f"{folder}/data", "--listen", "127.0.0.1:0", status=1)
    assert "newer firn" in refused.stderr, refused.stderr
    assert os.listdir(f"{folder}/data") == ["FORMAT"]


def a_taken_address_is_said_and_leaves_the_folder_free(folder):
    with live.up(f"{folder}/one") as firn:
        refused = peers.firn("up", "--data", f"{folder}/two", "--listen", f"127.0.0.1:{firn.port}", status=1)
        assert str(firn.port) in refused.stderr, refused.stderr
    with live.up(f"{folder}/two") as firn:
        assert firn.post([live.event(1)]) == 202


if __name__ == "__main__":
    peers.run(a_locked_catalog_is_waited_for, a_body_of_a_gibibyte_is_refused_at_once, clients_that_lie_stall_or_go_away_leave_nothing,
              damage_within_a_journal_stops_the_start_with_a_sentence, a_commit_log_that_is_gone_doubles_nothing,
              an_older_commit_log_put_back_takes_no_event,
              smaller_bodies_than_before_are_no_trouble_for_the_journal, a_copied_folder_is_not_served_as_if_it_were_the_first,
              a_table_of_a_version_that_is_not_written_takes_no_event, an_index_of_a_newer_version_is_left_alone,
              a_folder_of_a_newer_format_is_left_alone, a_taken_address_is_said_and_leaves_the_folder_free)

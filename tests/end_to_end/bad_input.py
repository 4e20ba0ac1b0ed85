"""Input that is wrong and disks that are full: one sentence that names the thing, nothing lost, nothing left behind."""

import json
import os
import signal
import subprocess

import peers

GOOD = {"id": "1", "source": "s", "type": "t", "specversion": "1.0", "subject": "a", "time": "2025-06-15T12:00:00Z", "data": {"x": 1}}


def event(**changes):
    return json.dumps({**GOOD, **changes}).encode()


# What is no event at all, and a word of the reason.
NO_EVENTS = {
    b'{"id":"1"': "offset",
    b'{"id":"1",}': "offset",
    b'{"id":01}': "offset",
    b"[1,2]": "object",
    b'"text"': "object",
    b'{"id":"\xff\xfe"}': "offset",
    b'{"id":"\\ud800"}': "offset",
    b'{"id":"a\x01"}': "offset",
    b'{"id":"1","id":"2"}': "given twice",
    b'{"data":' + b"[" * 10_000 + b"]" * 10_000 + b"}": "deep",
    b'{"data":1,"data_base64":"AA=="}': "both",
    b'{"id":"1"} x': "offset",
}

# What is an event and lacks something.
PARTIAL = [
    b"{}",
    event(id=""),
    event(id=7),
    event(time="2025-06-15T12:00:00"),
    event(time="2025-13-15T12:00:00Z"),
    event(time="yesterday"),
    event(time="99999-01-01T00:00:00Z"),
    event(subject=None),
    json.dumps({k: v for k, v in GOOD.items() if k != "type"}).encode(),
]

# What looks odd and is valid.
VALID = [
    event(),
    event(weight=12345678901234567890123, tags="no list"),
    event(data={"n": 123456789012345678901234567890}),
    event(time="0000-01-01T00:00:00Z"),
    event(time="9999-12-31T23:59:59.999999999+23:59"),
    b"  " + event() + b" \r",
    event(subject="\u0000 zero \U0001f427"),
]


def a_budget_too_small_is_refused(folder):
    """It once became 0 where it was shared out, which means the default."""
    failed = peers.firn("ingest", "cloudevent.valid", "--memory", "1", cwd=folder, stdin=event(), status=1)
    assert "--memory must be 1MB at least" in failed.stderr, failed.stderr


def days_in_no_order_make_a_file_each(folder):
    """Events of many days at random once made a file of nearly every one of them."""
    days = [f"{2020 + i // 336}-{i // 28 % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(200)]
    text = b"\n".join(event(id=str(i), time=days[i * 7919 % 200] + "T01:02:03Z") for i in range(4000))
    (said,) = peers.firn_json("ingest", "cloudevent.valid", "--format", "json", cwd=folder, stdin=text)
    assert (said["valid"]["rows"], said["valid"]["files"]) == (4000, 200), said


def every_odd_line_goes_where_it_belongs(folder):
    text = b"\n".join([*NO_EVENTS, *PARTIAL, *VALID]) + b"\n"
    (said,) = peers.firn_json("ingest", "cloudevent.valid", "--format", "json", cwd=folder, stdin=text)
    assert [said[t]["rows"] for t in ("valid", "partial", "dead_letter")] == [len(VALID), len(PARTIAL), len(NO_EVENTS)], said
    for letter in peers.firn_json("table", "cat", "cloudevent.dead_letter", cwd=folder):
        payload = bytes.fromhex(letter["payload"])
        assert NO_EVENTS[payload] in letter["error"], (payload[:80], letter["error"])
        assert letter["origin"] == "stdin" and text[int(letter["position"].removeprefix("offset ")) :].startswith(payload)
    rows = peers.firn_json("table", "cat", "cloudevent.valid", cwd=folder)
    extras = [json.loads(r["extras"]) for r in rows]
    assert {"weight": 12345678901234567890123, "tags": "no list"} in extras
    assert "0000-01-01T00:00:00.000000+00:00" in [r["time"] for r in rows]
    assert "\u0000 zero \U0001f427" in [r["subject"] for r in rows]
    assert b'123456789012345678901234567890' in b"".join(bytes.fromhex(r["data"]) for r in rows)


def an_event_over_the_limit_ends_the_run_and_leaves_nothing(folder):
    text = event() + b"\n" + event(data="x" * 3_000_000) + b"\n"
    failed = peers.firn("ingest", "cloudevent.valid", "--max-event-size", "1MB", cwd=folder, stdin=text, status=1)
    assert "stdin: the event at offset" in failed.stderr and "1048576" in failed.stderr, failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout == ""
    assert not data_files(os.path.join(folder, "firn-data"))
    peers.firn("ingest", "cloudevent.valid", "--max-event-size", "4MB", cwd=folder, stdin=text)
    assert len(peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout.splitlines()) == 2


def data_files(folder):
    return [f for _, _, names in os.walk(folder) for f in names if f.endswith(".parquet") or f.endswith(".tmp")]


def a_warehouse_that_cannot_be_written_is_named(folder):
    blocked = os.path.join(folder, "file")
    open(blocked, "w").close()
    failed = peers.firn("ingest", "cloudevent.valid", "--warehouse", f"{blocked}/warehouse", cwd=folder, stdin=event(), status=1)
    assert len(failed.stderr.splitlines()) == 1 and blocked in failed.stderr, failed.stderr
    failed = peers.firn("ingest", "cloudevent.valid", "--catalog", f"sqlite:{blocked}/catalog.db", cwd=folder, stdin=event(), status=1)
    assert len(failed.stderr.splitlines()) == 1 and blocked in failed.stderr, failed.stderr


def a_full_disk_is_said_and_nothing_is_committed(folder):
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode != 0:
        peers.skip(f"no small disk can be mounted: {mount.stderr.strip()}")
    try:
        peers.firn("ingest", "cloudevent.valid", "--warehouse", f"{disk}/warehouse", cwd=folder, stdin=event())
        events = b"".join(event(id=str(i), data=os.urandom(30_000).hex()) + b"\n" for i in range(200))
        failed = peers.firn("ingest", "cloudevent.valid", "--warehouse", f"{disk}/warehouse", cwd=folder, stdin=events, status=1)
        assert len(failed.stderr.splitlines()) == 1 and "space" in failed.stderr and disk in failed.stderr, failed.stderr
        assert len(data_files(disk)) == 1, "what was not committed is still there"
        assert len(peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout.splitlines()) == 1
        peers.firn("ingest", "cloudevent.valid", cwd=folder, stdin=event(id="2"))
        assert len(peers.firn("table", "cat", "cloudevent.valid", cwd=folder).stdout.splitlines()) == 2
    finally:
        subprocess.run(["umount", disk], check=True)


def a_full_output_is_said(folder):
    peers.firn("ingest", "cloudevent.valid", cwd=folder, stdin=event())
    with open("/dev/full", "w") as full:
        run = subprocess.run([peers.FIRN, "table", "cat", "cloudevent.valid"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 1 and "output cannot be written" in run.stderr, run.stderr


def a_reader_that_has_seen_enough_ends_it_quietly(folder):
    events = b"".join(event(id=str(i), data="x" * 200) + b"\n" for i in range(5000))
    peers.firn("ingest", "cloudevent.valid", cwd=folder, stdin=events)
    cat = subprocess.Popen([peers.FIRN, "table", "cat", "cloudevent.valid"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert cat.stdout.readline()
    cat.stdout.close()
    assert cat.stderr.read() == b""
    assert cat.wait(60) == -signal.SIGPIPE


def wrong_usage_is_told_apart_from_failure(folder):
    for words in (["frobnicate"], ["ingest"], ["table"], ["table", "cat"], ["table", "cat", "a.b", "--nonsense"],
                  ["table", "list", "--format", "xml"], ["ingest", "cloudevent.valid", "-x"]):
        run = peers.firn(*words, cwd=folder, status=2)
        assert run.stderr and not run.stdout, words
    for words, about in ((["table", "show", "a.b"], "firn-data"), (["ingest", "cloudevent.valid", "missing.ndjson"], "missing.ndjson"),
                         (["ingest", "other.table"], "cloudevent.valid"), (["parquet", "cat", "missing.parquet"], "missing.parquet"),
                         (["table", "cat", "./nowhere/"], "nowhere"), (["ingest", "cloudevent.valid", "--threads", "0"], "threads"),
                         (["ingest", "cloudevent.valid", "--compression", "lzo"], "compression")):
        run = peers.firn(*words, cwd=folder, stdin=b"", status=1)
        assert len(run.stderr.splitlines()) == 1 and about in run.stderr, (words, run.stderr)


def a_newer_data_directory_is_refused(folder):
    peers.firn("ingest", "cloudevent.valid", cwd=folder, stdin=event())
    with open(os.path.join(folder, "firn-data/FORMAT"), "w") as f:
        f.write("999\n")
    failed = peers.firn("table", "list", cwd=folder, status=1)
    assert "format 999" in failed.stderr and "newer" in failed.stderr, failed.stderr


peers.run(a_budget_too_small_is_refused, days_in_no_order_make_a_file_each, every_odd_line_goes_where_it_belongs, an_event_over_the_limit_ends_the_run_and_leaves_nothing,
          a_warehouse_that_cannot_be_written_is_named, a_full_disk_is_said_and_nothing_is_committed, a_full_output_is_said,
          a_reader_that_has_seen_enough_ends_it_quietly,
          wrong_usage_is_told_apart_from_failure, a_newer_data_directory_is_refused)

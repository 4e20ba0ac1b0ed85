"""An input of all sorts, events that lack something, binary and large payloads, lines that are no events: nothing of it is lost."""

import base64
import datetime
import json
import os
import subprocess
import sys

import archive
import peers

NAMES = {"data_content_type": "datacontenttype", "data_version": "dataversion"}


def nothing_of_a_mixed_input_is_lost(folder):
    """Every line is in one of the three tables, whatever it was, and every day has a file of its own."""
    events = os.path.join(folder, "events.ndjson")
    subprocess.run([sys.executable, os.path.join(peers.ROOT, "bench/events.py"), "20000", events, "--mixed"], check=True)
    with open(events, "rb") as f:
        lines = f.read().splitlines()
    (result,) = peers.firn_json("ingest", "cloudevent.valid", events, "--format", "json", cwd=folder)
    assert sum(result[t]["rows"] for t in ("valid", "partial", "dead_letter")) == len(lines), result
    n_broken = sum(line == b"{broken" for line in lines)
    assert result["dead_letter"]["rows"] == n_broken > 0

    wanted = {}
    for line in lines:
        if line != b"{broken":
            event = json.loads(line)
            wanted.setdefault(event.get("id"), []).append(event)
    n_seen = 0
    for table in ("valid", "partial"):
        for row in peers.firn_json("table", "cat", f"cloudevent.{table}", cwd=folder):
            n_seen += 1
            (event,) = [e for e in wanted[row["id"]] if row["id"] is not None or e["producer"] == row["producer"] and same_time(e, row)]
            check_mixed(row, event)
    assert n_seen == len(lines) - n_broken
    dead = peers.firn_json("table", "cat", "cloudevent.dead_letter", cwd=folder)
    assert all(bytes.fromhex(d["payload"]) == b"{broken" and d["origin"].endswith("events.ndjson") for d in dead)
    offsets = sorted(int(d["position"].removeprefix("offset ")) for d in dead)
    at, starts = 0, []
    for line in lines:
        starts += [at] if line == b"{broken" else []
        at += len(line) + 1
    assert offsets == starts

    paths = [f["path"] for f in peers.firn_json("table", "files", "cloudevent.valid", "--format", "json", cwd=folder)]
    days = sorted(p.split("/valid/")[1].rsplit("/", 1)[0] for p in paths)
    assert days == [f"year=2025/month=06/day={d}" for d in (15, 16, 17, 18)], days
    assert all("batch-" in p for p in paths)


def same_time(event, row):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")) == datetime.datetime.fromisoformat(row["time"])


def check_mixed(row, event):
    for column in archive.COLUMNS:
        name = NAMES.get(column, column)
        if column == "data":
            data = bytes.fromhex(row["data"]) if row["data"] is not None else None
            if "data_base64" in event:
                assert data == base64.b64decode(event["data_base64"])
            elif event.get("datacontenttype") == "text/plain":
                assert data.decode() == event["data"]
            else:
                assert json.loads(data) == event["data"]
        elif column == "time":
            assert (row["time"] is None) == ("time" not in event)
        elif column == "extras":
            extra = {k: v for k, v in event.items() if k in ("traceparent", "weight")}
            assert json.loads(row["extras"]) == extra
        else:
            assert row[column] == event.get(name), (column, row[column], event.get(name))


peers.run(nothing_of_a_mixed_input_is_lost)

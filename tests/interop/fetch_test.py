"""Events back by key: byte for byte what was ingested, also from files that others wrote; as JSON what Python and the CloudEvents SDK
read."""

import base64
import datetime
import json
import os
import random
import subprocess

import archive
import peers

N = 3000


def ingested(folder, lines):
    """Ingests lines of events; {id: key}."""
    path = os.path.join(folder, "events.ndjson")
    with open(path, "wb") as f:
        f.writelines(lines)
    peers.firn("ingest", "cloudevent.valid", path, cwd=folder)
    return keys_of(os.path.join(folder, "firn-data/warehouse"))


def keys_of(warehouse):
    import pyarrow.parquet as pq
    keys = {}
    for where, _, names in os.walk(os.path.join(warehouse, "cloudevent/valid")):
        for name in names:
            if name.endswith(".parquet"):
                path = os.path.join(where, name)
                for row, event_id in enumerate(pq.read_table(path, columns=["id"], partitioning=None)["id"].to_pylist()):
                    keys[event_id] = f"{os.path.relpath(path, warehouse)}#{row}"
    return keys


def payload(key, folder, *options):
    run = subprocess.run([peers.FIRN, "fetch", key, *options], cwd=folder, capture_output=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


def every_payload_comes_back_byte_for_byte(folder):
    rows, lines = {}, []
    for line, row in archive.events(N):
        lines.append(line.encode() + b"\n")
        rows[row["id"]] = row
    keys = ingested(folder, lines)
    assert keys.keys() == rows.keys()
    chosen = random.Random(3).sample(sorted(keys), 300)
    found = peers.firn_json("fetch", *(keys[i] for i in chosen), cwd=folder)
    assert [line["event"]["id"] for line in found] == chosen
    for line in found:
        assert line["event"]["data"] == json.loads(rows[line["event"]["id"]]["data"])
    for i in chosen[:20]:
        assert payload(keys[i], folder) == rows[i]["data"]


ODD = [  # (members of the event, the payload)
    ({"datacontenttype": "application/json", "data": {"a": [1.50, 1e400, "ż", None]}}, None),
    ({"data": "a JSON text"}, b'"a JSON text"'),
    ({"data": None}, b"null"),
    ({"datacontenttype": "text/plain", "data": "line\r\nłine\u0000"}, "line\r\nłine\u0000".encode()),
    ({"datacontenttype": "image/png", "data_base64": base64.b64encode(bytes(range(256))).decode()}, bytes(range(256))),
    ({"datacontenttype": "application/json", "data_base64": base64.b64encode(b"{ no json").decode()}, b"{ no json"),
    ({"datacontenttype": "application/xml", "data": "<a/>"}, b"<a/>"),
    ({"datacontenttype": "text/plain", "data_base64": ""}, b""),
    ({}, b""),
]


def odd_events(folder):
    lines, wanted = [], {}
    for i, (members, data) in enumerate(ODD):
        event = {"specversion": "1.0", "id": f"odd-{i}", "source": "/s \u00e9", "type": "t", "subject": "x", "time": f"2025-06-15T12:00:0{i}.123456789Z",
                 "tags": ["a", 'b"'], "comexample": "ext", "number": 5, "flag": True, **members}
        line = json.dumps(event).replace("Infinity", "1e400").encode()
        lines.append(line + b"\n")
        wanted[f"odd-{i}"] = (event, line[line.index(b'"data": ') + 8:-1] if data is None else data)
    return ingested(folder, lines), wanted


def odd_payloads_come_back_byte_for_byte(folder):
    keys, wanted = odd_events(folder)
    for event_id, (_, data) in wanted.items():
        got = payload(keys[event_id], folder)
        assert got == data, (event_id, got, data)


def python_reads_the_same_event_as_json(folder):
    keys, wanted = odd_events(folder)
    for event_id, (event, data) in wanted.items():
        text = payload(keys[event_id], folder, "--event")
        got = json.loads(text)
        assert got.pop("time") == event["time"][:-4] + "Z"
        body = got.pop("data", None), got.pop("data_base64", None)
        for name, value in event.items():
            if name not in ("time", "data", "data_base64"):
                assert got.pop(name) == value, (event_id, name)
        assert not got, got
        if body[1] is not None:
            assert base64.b64decode(body[1]) == data
        elif "data" in event:
            assert body[0] == json.loads(json.dumps(event["data"]))


def the_cloudevents_sdk_reads_the_same_event(folder):
    peers.need("cloudevents.core")
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent
    keys, wanted = odd_events(folder)
    for event_id, (event, data) in wanted.items():
        text = payload(keys[event_id], folder, "--event")
        got = JSONFormat().read(lambda attributes, body: CloudEvent({k: v for k, v in attributes.items() if k != "tags"}, body), text)
        assert got.get_id() == event["id"] and got.get_source() == event["source"] and got.get_type() == event["type"]
        assert got.get_subject() == event["subject"] and got.get_specversion() == "1.0"
        assert got.get_time() == datetime.datetime(2025, 6, 15, 12, 0, int(event_id[4:]), 123456, tzinfo=datetime.timezone.utc)
        assert got.get_extension("comexample") == "ext" and got.get_extension("number") == 5
        if "data_base64" in event or event.get("datacontenttype") == "application/xml":
            assert got.get_data() in (data, data.decode("latin-1")), (event, got.get_data())
        elif "data" in event:
            assert got.get_data() == json.loads(json.dumps(event["data"]))


# ---- files of others ----

def foreign(folder, table, name="foreign.parquet", **how):
    """Writes a file into a warehouse; the path to fetch from."""
    import pyarrow.parquet as pq
    where = os.path.join(folder, "wh/cloudevent/valid")
    os.makedirs(where, exist_ok=True)
    pq.write_table(table, os.path.join(where, name), **how)
    return f"cloudevent/valid/{name}"


def fetch_foreign(folder, keys):
    return peers.firn_json("fetch", *keys, "--warehouse", os.path.join(folder, "wh"), cwd=folder)


def plain_columns(n):
    import pyarrow as pa
    return {
        "data": pa.array([None if i % 9 == 8 else b'{"i": %d, "pad": "%s"}' % (i, b"x" * (i % 300)) for i in range(n)], pa.binary()),
        "id": [f"e{i}" for i in range(n)],
        "subject": [f"s{i % 5}" for i in range(n)],
        "time": pa.array([1750000000000000 + i for i in range(n)], pa.timestamp("us", "UTC")),
        "tags": [["a", f"t{i % 3}"] if i % 2 else None for i in range(n)],
        "unrelated": list(range(n)),
    }


def files_of_pyarrow_are_read_whatever_their_form(folder):
    peers.need("pyarrow")
    import pyarrow as pa
    n = 2000
    table = pa.table(plain_columns(n))
    forms = [dict(), dict(write_page_index=True), dict(compression="none", use_dictionary=False), dict(compression="zstd", data_page_version="2.0"),
             dict(row_group_size=97, compression="gzip"), dict(data_page_size=500, write_page_index=True, compression="lz4"),
             dict(data_page_size=500, use_dictionary=False, data_page_version="2.0")]
    rows = [0, 1, 96, 97, 98, 1000, 1007, 1999]
    for number, form in enumerate(forms):
        path = foreign(folder, table, f"form-{number}.parquet", **form)
        for row, line in zip(rows, fetch_foreign(folder, [f"{path}#{row}" for row in rows]), strict=True):
            event = line["event"]
            assert event["id"] == f"e{row}" and event["subject"] == f"s{row % 5}" and event["specversion"] == "1.0", (form, line)
            assert event.get("tags") == (["a", f"t{row % 3}"] if row % 2 else None)
            assert event.get("data") == (None if row % 9 == 8 else {"i": row, "pad": "x" * (row % 300)}), form
        assert peers.firn("fetch", f"{path}#{n}", "--warehouse", os.path.join(folder, "wh"), status=1).stderr.startswith("Error: there is no event")


def dimo_archives_are_read(folder):
    """Milliseconds, required header columns, no specversion, base64 as text, everything else in extras."""
    peers.need("pyarrow")
    import pyarrow as pa
    n = 50
    texts = {name: pa.array([f"{name}-{i}" for i in range(n)], pa.string()) for name in ("subject", "type", "id", "source", "producer", "data_version")}
    columns = {"subject": texts["subject"], "time": pa.array([1750000000123 + i for i in range(n)], pa.timestamp("ms", "UTC")), "type": texts["type"],
               "id": texts["id"], "source": texts["source"], "producer": texts["producer"],
               "data_content_type": pa.array(["application/json" if i % 2 else "image/png" for i in range(n)]), "data_version": texts["data_version"],
               "extras": pa.array(["{}" if i % 3 else '{"dataschema":"urn:x","tags":["a","b"],"raweventid":"r%d"}' % i for i in range(n)]),
               "data_base64": pa.array([None if i % 2 else base64.b64encode(bytes([i, 255, 0])) for i in range(n)], pa.binary()),
               "data": pa.array([b'{"i":%d}' % i if i % 2 else None for i in range(n)], pa.binary()),
               "data_index_key": pa.array([None] * n, pa.string()), "voids_id": pa.array([""] * n)}
    schema = pa.schema([pa.field(name, columns[name].type, nullable=name.startswith("data")) for name in columns])
    path = foreign(folder, pa.table(columns, schema=schema), compression="snappy", row_group_size=10)
    for i, line in enumerate(fetch_foreign(folder, [f"{path}#{i}" for i in range(n)])):
        event = line["event"]
        assert event["id"] == f"id-{i}" and event["specversion"] == "1.0" and event["dataversion"] == f"data_version-{i}"
        assert event["time"] == f"2025-06-15T15:06:40.{123 + i}000Z", event
        assert event.get("dataschema") == (None if i % 3 else "urn:x") and event.get("raweventid") == (None if i % 3 else f"r{i}")
        assert event.get("tags") == (None if i % 3 else ["a", "b"])
        assert event.get("data") == ({"i": i} if i % 2 else None)
        assert event.get("data_base64") == (None if i % 2 else base64.b64encode(bytes([i, 255, 0])).decode())


def files_of_no_events_are_not_found(folder):
    peers.need("pyarrow")
    import pyarrow as pa
    tables = [pa.table({"id": ["1"]}), pa.table({"id": [1], "data": [b""]}), pa.table({"a": [1]}), pa.table({"id": ["1"], "data": [b"x"], "subject": [1]})]
    for number, table in enumerate(tables):
        path = foreign(folder, table, f"other-{number}.parquet")
        run = peers.firn("fetch", f"{path}#0", "--warehouse", os.path.join(folder, "wh"), status=1)
        assert "there is no event of the key" in run.stderr, run.stderr


peers.run(every_payload_comes_back_byte_for_byte, odd_payloads_come_back_byte_for_byte, python_reads_the_same_event_as_json,
          the_cloudevents_sdk_reads_the_same_event, files_of_pyarrow_are_read_whatever_their_form, dimo_archives_are_read,
          files_of_no_events_are_not_found)

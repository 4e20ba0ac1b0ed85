"""A million events over HTTP in batches of 100 from 8 clients, and a mix of days, types and sizes: nothing is lost, and keys give the bytes back."""

import base64
import concurrent.futures
import http.client
import json
import os
import random
import time

import archive
import live
import peers

N = int(os.environ.get("FIRN_EVENTS", "1000000"))
CLIENTS, BATCH_OF = 8, 100


def post_share(port, path, share):
    """One client, in a process of its own: every 8th batch of the lines of a file. Gives how many were accepted, and how often it had to wait."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    accepted = waits = number = 0
    with open(path, "rb") as f:
        batch = []
        for line in f:
            batch.append(line.rstrip(b"\n"))
            if len(batch) == BATCH_OF:
                if number % CLIENTS == share:
                    taken, waited = post_patiently(connection, b"[" + b",".join(batch) + b"]")
                    accepted, waits = accepted + taken, waits + waited
                number, batch = number + 1, []
    if batch and number % CLIENTS == share:
        accepted += post_patiently(connection, b"[" + b",".join(batch) + b"]")[0]
    return accepted, waits


def post_patiently(connection, body):
    for attempt in range(200):
        connection.request("POST", "/v1/events", body=body, headers={"Content-Type": live.BATCH})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 202:
            return json.loads(text)["accepted"], attempt
        assert answer.status == 429, (answer.status, text)
        time.sleep(float(answer.headers["Retry-After"]) / 4)
    raise AssertionError("429 for ever")


def keys_give_the_bytes_back(firn, rows, n):
    """Random events, found in the index by id, fetched alone and many at once."""
    chosen = random.Random(5).sample(sorted(rows), min(n, len(rows)))
    keys = {}
    for i in chosen:
        (found,) = firn.get_json("/v1/events", id=i)["events"]
        assert found["event"]["subject"] == rows[i]["subject"], found
        keys[i] = found["key"]
        assert firn.get("/v1/events/fetch", key=found["key"]) == rows[i]["data"], i
    for start in range(0, len(chosen), 100):
        part = chosen[start:start + 100]
        status, _, body = firn.ask("POST", "/v1/events/fetch", json.dumps({"keys": [keys[i] for i in part]}).encode(), {"Content-Type": "application/json"})
        assert status == 200, body[:500]
        for i, answer in zip(part, json.loads(body)["events"], strict=True):
            event = answer["event"]
            got = base64.b64decode(event["data_base64"]) if "data_base64" in event else event.get("data")
            assert got == rows[i]["data"] or got == json.loads(rows[i]["data"]), i
            assert event["id"] == i


def a_million_events_over_http(folder):
    path = os.path.join(folder, "events.ndjson")
    rows = archive.write(path, N)
    with live.up(f"{folder}/data") as firn, concurrent.futures.ProcessPoolExecutor(CLIENTS) as pool:
        started = time.monotonic()
        shares = [pool.submit(post_share, firn.port, path, share) for share in range(CLIENTS)]
        accepted = [share.result() for share in shares]
        took = time.monotonic() - started
        assert sum(n for n, _ in accepted) == N, accepted
        firn.wait_visible(N, within_s=120)
        visible = time.monotonic() - started
        print(f"{N} events in {took:.1f} s ({N / took:.0f}/s), visible after {visible:.1f} s, {sum(w for _, w in accepted)} times told to wait, "
              f"peak {firn.peak_rss() >> 20} MiB")
        until = time.monotonic() + 120
        while firn.metrics()["firn_index_rows_total"] < N:
            assert time.monotonic() < until, firn.metrics()["firn_index_rows_total"]
            time.sleep(0.2)
        keys_give_the_bytes_back(firn, rows, 1000)
        table = peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid")
        archive.check_pyiceberg(table, rows)
        archive.check_duckdb(peers.duckdb(), table.metadata_location, rows)


def mixed(r, i):
    """One event of the mix: over days, of many types, small and large, JSON, text and bytes, in the three modes: (mode, body, headers, wanted)."""
    kind = i % 5
    head = {"specversion": "1.0", "id": f"m{i}", "source": f"src{i % 7}", "type": f"type{i % 11}", "subject": f"mix{i % 53}",
            "time": f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}T{i % 24:02d}:00:00.{i:06d}Z"}
    if kind == 0:  # bytes in binary mode
        data = r.randbytes(r.choice((0, 1, 100, 5000, 70_000)))
        return data, {**{f"ce-{k}": v for k, v in head.items()}, "Content-Type": "application/octet-stream"}, data
    if kind == 1:  # large JSON
        data = json.dumps({"blob": "x" * r.choice((10, 66_000, 300_000)), "i": i}).encode()
    elif kind == 2:
        data = json.dumps(r.choice(("text", "", "żółw 雪"))).encode()
        head["datacontenttype"] = "text/plain"
    elif kind == 3:
        raw = r.randbytes(r.choice((3, 3_000, 1_200_000 if i % 50 == 3 else 30)))
        return json.dumps({**head, "data_base64": base64.b64encode(raw).decode()}).encode(), {"Content-Type": live.EVENT}, raw
    else:
        data = b'{ "spaced" :  [1, 2.50, 1e3] }'
    body = json.dumps(head).encode()[:-1] + b', "data": ' + data + b"}"
    wanted = json.loads(data).encode() if kind == 2 else data
    return body, {"Content-Type": live.EVENT}, wanted


def days_types_and_sizes_mixed(folder):
    r = random.Random(11)
    n = 3000
    with live.up(f"{folder}/data", live.QUICK) as firn:
        wanted = {}
        for i in range(n):
            body, headers, wanted[f"m{i}"] = mixed(r, i)
            assert firn.ask("POST", "/v1/events", body, headers)[0] == 202, i
        firn.wait_visible(n)
        scan = peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid").scan().to_arrow()
        got = dict(zip(scan["id"].to_pylist(), scan["data"].to_pylist(), strict=True))
        assert got.keys() == wanted.keys() and scan.num_rows == n
        wrong = [i for i in wanted if (got[i] or b"") != wanted[i]]
        assert not wrong, wrong[:5]
        for i in r.sample(sorted(wanted), 1000):
            (found,) = firn.get_json("/v1/events", id=i)["events"]
            assert firn.get("/v1/events/fetch", key=found["key"]) == wanted[i], i


if __name__ == "__main__":
    peers.run(a_million_events_over_http, days_types_and_sizes_mixed)

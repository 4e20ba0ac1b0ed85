"""Events back from a running firn: the same to every client, to many at once, after others rewrote their files, and when they are large."""

import base64
import concurrent.futures
import http.client
import json
import os
import random
import time

import live
import peers

LOOK = {**live.QUICK, "index.look_every": "100ms"}


def wait_for(what, within_s=30):
    until = time.monotonic() + within_s
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, "nothing after a while"
        time.sleep(0.05)


def find(firn, n, **query):
    """The hits of a search, once there are n."""
    return wait_for(lambda: (lambda hits: hits if len(hits) >= n else None)(firn.get_json("/v1/events", limit=1000, **query)["events"]))


def every_way_gives_the_same_event(folder):
    with live.up(f"{folder}/data", LOOK) as firn:
        events = [live.event(i, subject="one subject", tags=["t", f"t{i % 2}"], comext=f"v {i}", data={"i": i, "text": "ż\n"}) for i in range(20)]
        assert firn.post(events) == 202
        hits = find(firn, 20, subject="one subject", order="asc")
        assert [h["event"]["id"] for h in hits] == [e["id"] for e in events]
        keys = [h["key"] for h in hits]
        many = json.loads(firn.ask("POST", "/v1/events/fetch", json.dumps({"keys": keys}).encode())[2])["events"]
        told = peers.firn_json("fetch", *keys, "--data", firn.data)
        searched = peers.firn_json("fetch", "--subject", "one subject", "--order", "asc", "--limit", 100, "--with-data", "--data", firn.data)
        for i, (event, key) in enumerate(zip(events, keys)):
            assert firn.get("/v1/events/fetch", key=key) == json.dumps(event["data"]).encode()
            status, headers, body = firn.ask("GET", f"/v1/events/fetch?key={key.replace('#', '%23')}", headers={"Accept": "application/cloudevents+json"})
            one = json.loads(body)
            assert status == 200 and headers["content-type"].startswith("application/cloudevents+json")
            assert one == many[i]["event"] == told[i]["event"] == searched[i]["event"], (one, many[i], told[i], searched[i])
            assert {**one, "time": event["time"]} == event, (one, event)
        assert peers.firn("fetch", "--subject", "one subject", "--latest", "--data", firn.data).stdout == json.dumps(events[-1]["data"])
    # And without a server.
    assert peers.firn_json("fetch", *keys, "--data", firn.data) == told


def the_cloudevents_sdk_reads_payloads_and_events(folder):
    peers.need("cloudevents.core")
    from cloudevents.core.bindings.http import from_http_event
    from cloudevents.core.bindings.http import HTTPMessage
    with live.up(f"{folder}/data", LOOK) as firn:
        picture = bytes(range(256))
        events = [live.event(0, subject="Euro € \"%", datacontenttype="application/json"), live.event(1, datacontenttype="text/plain", data="żółw"),
                  {**live.event(2, datacontenttype="image/png"), "data_base64": base64.b64encode(picture).decode()}]
        del events[2]["data"]
        assert firn.post(events) == 202
        hits = {h["event"]["id"]: h["key"] for h in find(firn, 3)}
        for event, data in zip(events, ({"i": 0}, "żółw", picture)):
            for accept in ("*/*", "application/cloudevents+json"):
                _, headers, body = firn.ask("GET", f"/v1/events/fetch?key={hits[event['id']].replace('#', '%23')}", headers={"Accept": accept})
                got = from_http_event(HTTPMessage(headers=dict(headers.items()), body=body))
                assert (got.get_id(), got.get_source(), got.get_type(), got.get_subject()) == (event["id"], "test", "t", event["subject"])
                assert got.get_data() == data, (got.get_data(), data)


def many_clients_get_their_own(folder):
    with live.up(f"{folder}/data", {**LOOK, "fetch.cache": "1MB"}) as firn:
        r = random.Random(5)
        sent = {}
        for batch in range(10):  # files of their own, so that the cache has something to do
            events = [live.event(batch * 100 + i, data={"n": batch * 100 + i, "pad": "x" * r.randrange(5000)}) for i in range(100)]
            sent.update({e["id"]: e["data"] for e in events})
            assert firn.post(events) == 202
            time.sleep(0.25)
        hits = find(firn, 1000)
        keys = [(h["key"], h["event"]["id"]) for h in hits]

        def client(seed):
            mine = random.Random(seed)
            connection = firn.connect()
            for _ in range(40):
                key, event_id = mine.choice(keys)
                connection.request("GET", f"/v1/events/fetch?key={key.replace('#', '%23')}")
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200 and answer.headers["ce-id"] == event_id and json.loads(body) == sent[event_id]
            connection.close()
            return 40

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            assert sum(pool.map(client, range(64))) == 64 * 40
        metrics = firn.metrics()
        assert metrics["firn_fetch_keys_total"] >= 64 * 40 and metrics["firn_fetch_files_opened_total"] >= 5, metrics
        assert 0 < metrics["firn_fetch_cache_bytes"] <= 1 << 20


def keys_of_rewritten_files_are_gone_and_new_ones_work(folder):
    """PyIceberg deletes a row, which rewrites its file; the old object goes as an expiry would remove it."""
    with live.up(f"{folder}/data", LOOK) as firn:
        assert firn.post([live.event(i, time="2025-06-15T12:00:00Z") for i in range(20)]) == 202
        firn.wait_visible(20)
        old = {h["event"]["id"]: h["key"] for h in find(firn, 20)}
        assert len({key.split("#")[0] for key in old.values()}) == 1
        peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid").delete("id = 'e7'")
        new = wait_for(lambda: (lambda found: found if len(found) == 19 else None)({h["event"]["id"]: h["key"] for h in firn.get_json("/v1/events", limit=100)["events"]}))
        assert not set(new.values()) & set(old.values()) and "e7" not in new
        for event_id, key in new.items():
            assert json.loads(firn.get("/v1/events/fetch", key=key)) == {"i": int(event_id[1:])}
        assert json.loads(firn.get("/v1/events/fetch", key=old["e3"])) == {"i": 3}  # the object is still there
        os.unlink(f"{firn.data}/warehouse/{old['e3'].split('#')[0]}")
        said = json.loads(firn.get("/v1/events/fetch", status=410, key=old["e3"]))
        assert "rewritten or removed" in said["error"]["message"] and said["error"]["code"] == 410
        firn.get("/v1/events/fetch", status=404, key="cloudevent/valid/never.parquet#0")
        run = peers.firn("fetch", old["e3"], "--data", firn.data, status=1)
        assert "rewritten or removed" in run.stderr


def large_payloads_come_whole_or_break_off(folder):
    """A file with checksums of its pages, as pyarrow writes them: what is streamed is checked before its last piece."""
    peers.need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq
    with live.up(f"{folder}/data", LOOK) as firn:
        noise = random.Random(3).randbytes(20 << 20)
        where = f"{firn.data}/warehouse/cloudevent/valid"
        os.makedirs(where, exist_ok=True)
        table = pa.table({"id": ["a", "b", "c"], "data": pa.array([b" " * 2000, noise, b"[]"], pa.binary())})
        pq.write_table(table, f"{where}/large.parquet", compression="none", use_dictionary=False, data_page_size=1000, write_batch_size=1,
                       write_page_index=True, write_page_checksum=True)
        before = firn.peak_rss()
        for _ in range(3):
            assert firn.get("/v1/events/fetch", key="cloudevent/valid/large.parquet#1") == noise
        assert firn.peak_rss() - before < 8 << 20, "a streamed payload is not held"
        assert firn.get("/v1/events/fetch", key="cloudevent/valid/large.parquet#2") == b"[]"
        with open(f"{where}/large.parquet", "rb") as f:
            broken = bytearray(f.read())
        broken[broken.index(noise) + len(noise) // 2] ^= 1
        with open(f"{where}/broken.parquet", "wb") as f:
            f.write(broken)
        try:
            got = firn.get("/v1/events/fetch", key="cloudevent/valid/broken.parquet#1")
            raise AssertionError(f"{len(got)} bytes with a flipped bit came whole")
        except (http.client.IncompleteRead, ConnectionError):
            pass
        firn.here.connection = None
        assert firn.get("/v1/events/fetch", key="cloudevent/valid/large.parquet#1") == noise


def legacy_objects_come_from_their_roots(folder):
    roots = [f"{folder}/old", f"{folder}/older"]
    for root in roots:
        os.makedirs(root)
    name = "adid:erc721:137:0xbA57:42!2024-05-01T00:00:00Z!status!0xF2!e-1"
    with open(f"{roots[1]}/{name}", "w", encoding="utf-8") as f:
        f.write(json.dumps({**live.event(1), "data": {"from": "older"}}))
    with open(f"{folder}/secret", "w", encoding="utf-8") as f:
        f.write(json.dumps(live.event(2)))
    os.symlink(f"{folder}/secret", f"{roots[0]}/link")
    settings = {**LOOK, "fetch.legacy_roots": ",".join(roots)}
    config = f"{folder}/firn.yaml"
    with open(config, "w", encoding="utf-8") as f:
        f.write("fetch:\n  legacy_roots:\n" + "".join(f"    - {root}\n" for root in roots))
    del settings["fetch.legacy_roots"]
    with live.up(f"{folder}/data", settings, "--config", config) as firn:
        assert json.loads(firn.get("/v1/events/fetch", key=name)) == {"from": "older"}
        assert json.loads(firn.get("/v1/events/fetch", key=f"{roots[1]}/{name}")) == {"from": "older"}
        firn.get("/v1/events/fetch", status=404, key=f"{roots[0]}/{name}")
        for hostile in ("../secret", f"{folder}/secret", "older/../../secret", f"{roots[0]}/../secret", f"file://{folder}/secret"):
            firn.get("/v1/events/fetch", status=400, key=hostile)


peers.run(every_way_gives_the_same_event, the_cloudevents_sdk_reads_payloads_and_events, many_clients_get_their_own,
          keys_of_rewritten_files_are_gone_and_new_ones_work, large_payloads_come_whole_or_break_off, legacy_objects_come_from_their_roots)

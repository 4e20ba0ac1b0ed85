"""firn up, as people use it: events in over HTTP, in the table for PyIceberg and DuckDB, back by key, gone and back again."""

import json
import os
import time

import live
import peers

SLOW = {"ingest.batching.period": "1h", "committer.batching.period": "1h"}


def every_mode_is_accepted_and_comes_back(folder):
    with live.up(f"{folder}/data", live.QUICK) as firn:
        one, *many = [live.event(i) for i in range(12)]
        assert firn.ask("POST", "/v1/events", json.dumps(one).encode(), {"Content-Type": live.EVENT})[0] == 202
        assert firn.post(many) == 202
        lines = "\n".join(json.dumps(live.event(i)) for i in range(12, 15)).encode()
        assert firn.ask("POST", "/v1/events", lines, {"Content-Type": "application/x-ndjson"})[0] == 202
        picture = bytes(range(256)) * 20
        head = {"ce-specversion": "1.0", "ce-id": "picture", "ce-source": "cam%20era", "ce-type": "image", "ce-subject": "garden",
                "ce-time": "2025-06-16T00:00:00Z", "ce-weather": "rain", "Content-Type": "image/png"}
        assert firn.ask("POST", "/v1/events", picture, head)[0] == 202
        firn.wait_visible(16)
        rows = peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid").scan().to_arrow().to_pylist()
        assert sorted(row["id"] for row in rows) == sorted([f"e{i}" for i in range(15)] + ["picture"])
        (row,) = [row for row in rows if row["id"] == "picture"]
        assert row["data"] == picture and row["source"] == "cam era" and json.loads(row["extras"]) == {"weather": "rain"}
        status, headers, body = firn.ask("GET", "/v1/events/latest?subject=garden")
        assert (status, headers["content-type"], headers["ce-id"], headers["ce-weather"]) == (200, "image/png", "picture", "rain") and body == picture
        found = firn.get_json("/v1/events", subject="s3", data="true")
        assert [e["event"]["data"] for e in found["events"]] == [{"i": 3}]
        key = found["events"][0]["key"]
        assert json.loads(firn.get("/v1/events/fetch", key=key)) == {"i": 3}
        fetched = peers.firn("fetch", key, env={"FIRN_DATA": firn.data})
        assert fetched.stdout == json.dumps({"i": 3}), fetched.stdout


def what_is_broken_is_kept_and_what_is_no_request_is_refused(folder):
    with live.up(f"{folder}/data", live.QUICK) as firn:
        partial, twice = live.event(1), '{"id":"a","id":"b","specversion":"1.0"}'
        del partial["subject"]
        body = f"[{json.dumps(partial)}, 17, {twice}]".encode()
        assert firn.ask("POST", "/v1/events", body, {"Content-Type": live.BATCH})[0] == 202
        for wrong, status, kind in ((b'[{"id":', 400, live.BATCH), (b"{]", 400, live.EVENT), (b"x", 415, "text/plain"), (b"", 400, live.EVENT)):
            assert firn.ask("POST", "/v1/events", wrong, {"Content-Type": kind})[0] == status, (wrong, status)
        assert firn.ask("POST", "/v1/events", b"[]", {"Content-Type": live.BATCH})[0] == 202
        assert firn.ask("PUT", "/v1/events", b"[]")[0] == 405 and firn.ask("GET", "/v1/nothing")[0] == 404
        firn.wait_visible(1, "cloudevent.partial")
        firn.wait_visible(2, "cloudevent.dead_letter")


def sigterm_commits_what_was_accepted(folder):
    with live.up(f"{folder}/data", SLOW) as firn:
        assert firn.post([live.event(i) for i in range(500)]) == 202
        assert firn.rows() == 0
        firn.stop()
        assert firn.rows() == 500
    with live.up(f"{folder}/data", live.QUICK) as firn:  # and a second life goes on where the first ended
        assert firn.post([live.event(i) for i in range(500, 600)]) == 202
        firn.wait_visible(600)
        assert firn.rows() == 600


def a_second_start_is_refused(folder):
    with live.up(f"{folder}/data") as firn:
        again = peers.firn("up", "--data", firn.data, "--listen", "127.0.0.1:0", status=1)
        assert "is served by another firn already" in again.stderr and str(firn.process.pid) in again.stderr, again.stderr
        assert firn.get_json("/readyz")["ready"]


def beyond_the_loopback_needs_a_word(folder):
    refused = peers.firn("up", "--data", f"{folder}/data", "--listen", "0.0.0.0:0", status=1)
    assert "insecure" in refused.stderr, refused.stderr


def a_key_sent_twice_is_one_event(folder):
    with live.up(f"{folder}/data", live.QUICK) as firn:
        head = {"Idempotency-Key": "5f0f8f2e-0000-4000-8000-000000000001"}
        assert firn.post([live.event(1)], head) == 202 and firn.post([live.event(1)], head) == 202
        assert firn.post([live.event(2)], head) == 422
        firn.wait_visible(1)
        firn.stop()
        assert firn.rows() == 1
    with live.up(f"{folder}/data", live.QUICK) as firn:  # known after a restart too
        assert firn.post([live.event(1)], head) == 202
        firn.stop()
        assert firn.rows() == 1


def metrics_and_health_say_how_it_is(folder):
    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(10)]) == 202
        firn.wait_visible(10)
        health = firn.get_json("/readyz")
        assert health["ready"] and len(health["services"]) == 4, health
        assert firn.get("/healthz")
        metrics = firn.metrics()
        for name in ("iceberg_records_written_total", "iceberg_batches_committed_total", "iceberg_bytes_written_total",
                     "iceberg_commit_duration_seconds_count", "iceberg_records_per_batch_count"):
            assert metrics[name] >= 1, (name, metrics)


def an_index_that_is_gone_is_made_anew(folder):
    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(i) for i in range(100)]) == 202
        firn.wait_visible(100)
        before = firn.get_json("/v1/events", limit=100)
        firn.stop()
    for name in os.listdir(f"{folder}/data"):
        if name.startswith("index.db"):
            os.unlink(f"{folder}/data/{name}")
    with live.up(f"{folder}/data", live.QUICK) as firn:
        wait_until(lambda: len(firn.get_json("/v1/events", limit=100)["events"]) == 100)
        assert firn.get_json("/v1/events", limit=100)["events"] == before["events"]


def others_may_widen_rename_and_repartition_the_table(folder):
    """A table that PyIceberg had added a column to was refused at the next start, for good."""
    from pyiceberg.transforms import BucketTransform
    from pyiceberg.types import StringType

    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(1)]) == 202
        firn.wait_visible(1)
        table = peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid")
        with table.update_schema() as update:
            update.add_column("note", StringType())
            update.rename_column("producer", "maker")
        with table.update_spec() as update:
            update.add_field("subject", BucketTransform(4))
        assert firn.post([live.event(2, producer="p2")]) == 202  # by a writer that has seen the table before
        firn.wait_visible(2)
    with live.up(f"{folder}/data", live.QUICK) as firn:
        assert firn.post([live.event(3, producer="p3")]) == 202
        firn.wait_visible(3)
        peers.firn("ingest", "cloudevent.valid", env=firn.catalog_env(), stdin=json.dumps(live.event(4, producer="p4")).encode())
        rows = peers.pyiceberg_catalog(firn.data).load_table("cloudevent.valid").scan().to_arrow().to_pylist()
        assert sorted((row["id"], row["maker"], row["note"]) for row in rows) == [("e1", None, None), ("e2", "p2", None), ("e3", "p3", None), ("e4", "p4", None)]
        wait_until(lambda: len(firn.get_json("/v1/events", limit=100)["events"]) == 4)
        (found,) = firn.get_json("/v1/events", id="e3", data="true")["events"]
        assert found["event"]["producer"] == "p3" and found["event"]["data"] == {"i": 3}, found


def wait_until(is_so, within_s=30):
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


if __name__ == "__main__":
    peers.run(every_mode_is_accepted_and_comes_back, what_is_broken_is_kept_and_what_is_no_request_is_refused, sigterm_commits_what_was_accepted,
              a_second_start_is_refused, beyond_the_loopback_needs_a_word, a_key_sent_twice_is_one_event, metrics_and_health_say_how_it_is,
              an_index_that_is_gone_is_made_anew, others_may_widen_rename_and_repartition_the_table)

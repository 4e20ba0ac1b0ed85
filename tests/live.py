"""A running `firn up` for tests and benches: started on a free port, spoken to over HTTP, stopped and reaped.

    with live.up(folder) as firn:
        assert firn.post(events) == 202
        firn.wait_visible(len(events))
"""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import peers

BATCH = "application/cloudevents-batch+json"
EVENT = "application/cloudevents+json"
QUICK = {"ingest.batching.period": "200ms", "committer.batching.period": "300ms", "index.look_every": "300ms"}


def event(i, **more):
    """A small valid event; its number is in id, subject and data."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_750_000_000 + i // 1000)) + f".{i % 1000:03d}Z"
    return {"specversion": "1.0", "id": f"e{i}", "source": "test", "type": "t", "subject": f"s{i % 97}", "time": at, "data": {"i": i}, **more}


def as_environment(settings):
    return {"FIRN_" + key.upper().replace(".", "_"): str(value) for key, value in settings.items()}


class Up:
    def __init__(self, data, settings=None, *words, wait_s=30, wrap=()):
        """`settings`: keys of the configuration, given by the environment."""
        self.data = os.path.realpath(data)
        self.errors = open(f"{self.data}.log", "ab+")
        started = time.monotonic()
        self.process = subprocess.Popen([*wrap, peers.FIRN, "up", "--data", self.data, "--listen", "127.0.0.1:0", *map(str, words)],
                                        stdout=subprocess.PIPE, stderr=self.errors, env={**os.environ, **as_environment(settings or {})})
        line = self.process.stdout.readline().decode()
        self.ready_s = time.monotonic() - started
        found = re.search(r"https?://([^:]+):(\d+)", line)
        if not found:
            self.process.wait(wait_s)
            raise AssertionError(f"firn up did not start: {line!r}\n{self.log()[-3000:]}")
        self.line, self.host, self.port = line.strip(), found[1], int(found[2])
        self.here = threading.local()

    def log(self):
        self.errors.flush()
        with open(self.errors.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """On this thread's kept connection: (status, headers, body)."""
        for again in (False, True):
            connection = getattr(self.here, "connection", None) or self.connect()
            self.here.connection = connection
            try:
                connection.request(method, path, body=body, headers=headers or {})
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                self.here.connection = None
                if again or method != "GET":  # whether an unanswered POST was taken is for the test to know
                    raise

    def get(self, path, status=200, **query):
        words = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        got, headers, body = self.ask("GET", path + ("?" + urllib.parse.urlencode(words) if words else ""))
        assert got == status, (path, got, body[:500])
        return body

    def get_json(self, path, **query):
        return json.loads(self.get(path, **query))

    def post(self, events, headers=None):
        """Events in batched mode; the status."""
        status, _, body = self.ask("POST", "/v1/events", json.dumps(events).encode(), {"Content-Type": BATCH, **(headers or {})})
        if status == 202:
            assert json.loads(body)["accepted"] == len(events), body
        return status

    def metrics(self):
        """Name with labels -> value."""
        lines = self.get("/metrics").decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line and not line.startswith("#")}

    def rows(self, table="cloudevent.valid"):
        """How many rows the table has now, by its snapshot's summary."""
        run = peers.firn("table", "show", table, "--format", "json", env=self.catalog_env(), status=None)
        if run.returncode != 0:
            return 0
        (shown,) = [json.loads(line) for line in run.stdout.splitlines()]
        metadata = shown["metadata"]
        current = [s for s in metadata.get("snapshots", []) if s["snapshot-id"] == metadata.get("current-snapshot-id")]
        return int(current[0]["summary"]["total-records"]) if current else 0

    def catalog_env(self):
        return {"FIRN_CATALOG": f"sqlite:{self.data}/catalog.db", "FIRN_WAREHOUSE": f"{self.data}/warehouse"}

    def wait_visible(self, n, table="cloudevent.valid", within_s=60):
        until = time.monotonic() + within_s
        while self.rows(table) < n:
            assert time.monotonic() < until, f"{self.rows(table)} of {n} rows in {table} after {within_s} s\n{self.log()[-2000:]}"
            assert self.process.poll() is None, self.log()[-3000:]
            time.sleep(0.05)

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s+(\d+) kB", f.read())[1]) << 10

    def peak_rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1]) << 10

    def stop(self, status=0, within_s=60):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"firn up did not stop within {within_s} s\n{self.log()[-3000:]}") from None
        assert self.process.returncode == status, (self.process.returncode, self.log()[-3000:])

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def up(data, settings=None, *words, **how):
    """Started, and ended whatever happens; stopped politely when the block ends well."""
    firn = Up(data, settings, *words, **how)
    try:
        yield firn
        if firn.process.poll() is None:
            firn.stop()
    finally:
        if firn.process.poll() is None:
            firn.kill()
        firn.process.stdout.close()
        firn.errors.close()

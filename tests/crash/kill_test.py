"""firn up, killed again and again under load; nothing that was answered is lost or doubled.

Clients post events with numbers of their own. firn is killed at random times, and at system calls of its write path, from the first of
its life on (strace delivers the signal at the n-th call of a kind). After each kill PyIceberg, one reader that lives as long as the
test, reads the table. At the end firn is drained, and every answered event must be there once, what was not answered once or never, and
every row of the index must fetch its bytes.

  kill_test.py BUILD [KILLS [SEED]]
"""

import hashlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
import live  # noqa: E402
import peers  # noqa: E402

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
SETTINGS = {**live.QUICK, "ingest.batching.count": 300, "committer.batching.count": 5, "ingest.remember": "10m"}
CALLS = ("openat", "write", "pwrite64", "fdatasync", "fsync", "rename", "link", "unlink", "mkdir", "ftruncate", "close", "fcntl")
N_CLIENTS = 4
BROKEN = (http.client.HTTPException, ConnectionError, TimeoutError, OSError)


class Ledger:
    """What was sent, and what became of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}  # number -> hash of its payload
        self.answered = set()
        self.open = []  # requests with a key that had no answer: sent again, with the same key, after the next start
        self.n_repeated = 0

    def next(self, n, r):
        with self.lock:
            first = len(self.sent)
            events = []
            for i in range(first, first + n):
                data = {"n": i, "pad": "".join(r.choices("abcdefgh", k=r.choice((0, 10, 100, 3000))))}
                day = r.randrange(1, 6)
                events.append({"specversion": "1.0", "id": f"e{i}", "source": "crash", "type": f"t{i % 3}", "subject": f"s{i % 11}",
                               "time": f"2025-06-{day:02d}T10:00:00.{i % 1000000:06d}Z", "data": data})
                self.sent[i] = hash_of(json.dumps(data).encode())
            return events

    def was_answered(self, events):
        with self.lock:
            self.answered.update(int(e["id"][1:]) for e in events)

    def was_lost(self, request):
        with self.lock:
            self.open.append(request)

    def take_open(self):
        with self.lock:
            self.n_repeated += bool(self.open)
            return self.open.pop() if self.open else None


def hash_of(data):
    return hashlib.sha256(data).digest()


def body_of(events):
    return json.dumps(events).encode()


class Client(threading.Thread):
    """Posts until firn is gone."""

    def __init__(self, firn, ledger, seed):
        super().__init__()
        self.firn, self.ledger, self.r, self.stop, self.error = firn, ledger, random.Random(seed), False, None

    def run(self):
        try:
            while not self.stop and self.post_one():
                time.sleep(self.r.random() * 0.03)
        except Exception:  # told by whoever joins
            self.error = traceback.format_exc()

    def post_one(self):
        request = self.ledger.take_open() if self.r.random() < 0.3 else None
        if request is None:
            events = self.ledger.next(self.r.choice((1, 1, 5, 20)), self.r)
            request = (f"key-{events[0]['id']}" if self.r.random() < 0.6 else None, events)
        key, events = request
        head = {"Content-Type": live.BATCH, **({"Idempotency-Key": key} if key else {})}
        try:
            status, _, body = self.firn.ask("POST", "/v1/events", body_of(events), head)
        except BROKEN:
            if key:
                self.ledger.was_lost(request)
            return False
        if status in (429, 503):  # 503: it is on its way out
            if key:
                self.ledger.was_lost(request)
            return status == 429
        assert status == 202, (status, body)
        self.ledger.was_answered(events)
        return True


def strace_of(r):
    """Kills firn at the n-th call of a kind; firn itself is the process that was started, strace its companion."""
    call, n = r.choice(CALLS), int(2 ** (r.random() * 7))
    return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}"], call


def live_and_die(data, ledger, r, counts):
    """One life, and its end by a kill."""
    wrap, how = strace_of(r) if HAS_STRACE and r.random() < 0.7 else ((), "at a random time")
    try:
        firn = live.Up(data, SETTINGS, wrap=wrap)
    except AssertionError as why:
        assert how in CALLS, why  # it may be killed before it says a word
        counts["before it was ready"] = counts.get("before it was ready", 0) + 1
        return
    clients = [Client(firn, ledger, r.random()) for _ in range(N_CLIENTS)]
    for client in clients:
        client.start()
    try:
        firn.process.wait(0.05 + r.random() ** 2 * (1.5 if how not in CALLS else 3))
    except subprocess.TimeoutExpired:
        how = "at a random time"
        firn.kill()
    firn.process.stdout.close()
    firn.errors.close()
    assert firn.process.returncode == -9, (firn.process.returncode, firn.log()[-2000:])
    counts[how] = counts.get(how, 0) + 1
    for client in clients:
        client.stop = True
        client.join(60)
        assert not client.is_alive() and client.error is None, client.error


def read_table(catalog, name, columns=("id", "data")):
    """The table and its rows; None and none where it was not made yet."""
    from pyiceberg.exceptions import NoSuchTableError
    try:
        table = catalog.load_table(f"cloudevent.{name}")
    except NoSuchTableError:
        return None, []
    return table, table.scan(selected_fields=columns).to_arrow().to_pylist()


def check_ids(ledger, rows):
    ids = {row["id"] for row in rows}
    assert len(ids) == len(rows), f"{len(rows) - len(ids)} rows are doubled"
    assert all(int(i[1:]) in ledger.sent for i in ids), "there are rows that nobody sent"


def check_rows(ledger, rows):
    """How often each number is there; each as it was sent."""
    seen = {}
    for row in rows:
        n = json.loads(row["data"])["n"]
        assert row["id"] == f"e{n}" and hash_of(row["data"]) == ledger.sent[n], f"event {n} is not what was sent"
        seen[n] = seen.get(n, 0) + 1
    doubled = [n for n, times in seen.items() if times > 1]
    assert not doubled, f"doubled: {doubled[:10]}"
    return seen


def check_history(table):
    by_id = {s.snapshot_id: s for s in table.metadata.snapshots}
    at, n = table.current_snapshot(), 0
    while at is not None:
        n, at = n + 1, by_id.get(at.parent_snapshot_id)
    assert n == len(by_id), f"{len(by_id)} snapshots, {n} of them are the history"


def check_index(firn, n_rows):
    """Every row of the index fetches its bytes, and there is one for each row of the table."""
    n, cursor = 0, {}
    while True:
        found = firn.get_json("/v1/events", limit=500, order="asc", **cursor)
        keys = [e["key"] for e in found["events"]]
        answers = json.loads(firn.ask("POST", "/v1/events/fetch", json.dumps({"keys": keys}).encode(), {"Content-Type": "application/json"})[2])
        assert len(answers["events"]) == len(keys), answers.keys()
        for hit, answer in zip(found["events"], answers["events"]):
            assert answer["event"]["id"] == hit["event"]["id"] and answer["event"]["data"]["n"] == int(hit["event"]["id"][1:]), (hit, answer)
        n += len(keys)
        if not found.get("cursor"):
            break
        cursor = {"cursor": found["cursor"]}
    assert n == n_rows, f"{n} rows in the index, {n_rows} in the table"


def finish(data, ledger):
    """No more kills: what had no answer gets one, and everything becomes visible."""
    with live.up(data, SETTINGS) as firn:
        while request := ledger.take_open():
            key, events = request
            assert firn.post(events, {"Idempotency-Key": key}) == 202
            ledger.was_answered(events)
    with live.up(data, SETTINGS) as firn:  # SIGTERM has committed and indexed everything
        catalog = peers.pyiceberg_catalog(data)
        table, rows = read_table(catalog, "valid")
        seen = check_rows(ledger, rows)
        lost = [n for n in ledger.answered if n not in seen]
        assert not lost, f"{len(lost)} of {len(ledger.answered)} answered events are lost: {lost[:10]}"
        check_history(table)
        check_index(firn, len(rows))
        for name in ("partial", "dead_letter"):
            assert not read_table(catalog, name, ("*",))[1], f"{name} has rows that nobody sent"
    return len(rows)


HAS_STRACE = shutil.which("strace") is not None


def answered_events_survive_kills(folder):
    peers.need("pyiceberg", "pyarrow")
    print(f"seed {SEED}, {KILLS} kills" + ("" if HAS_STRACE else "; SKIPPED without strace: kills at system calls"))
    r, data, ledger, counts = random.Random(SEED), f"{folder}/data", Ledger(), {}
    catalog = None
    for _ in range(KILLS):
        live_and_die(data, ledger, r, counts)
        if os.path.exists(f"{data}/catalog.db") and os.path.getsize(f"{data}/catalog.db") > 0:
            catalog = catalog or peers.pyiceberg_catalog(data)
            check_ids(ledger, read_table(catalog, "valid", ("id",))[1])
    n_rows = finish(data, ledger)
    print(f"{len(ledger.sent)} events sent, {len(ledger.answered)} answered, {n_rows} in the table; kills: "
          + ", ".join(f"{n} {how}" for how, n in sorted(counts.items())))
    assert len(ledger.answered) > 0


peers.run(answered_events_survive_kills)

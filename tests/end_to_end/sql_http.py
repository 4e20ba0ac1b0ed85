"""POST /v1/sql of a running firn up: rows as JSON lines and Arrow, limits, and nothing but reading the catalog's tables."""

import http.client
import json
import os
import time

import live
import peers

# What reads files, the network or the machine, changes something, or is no query.
REFUSED = [
    "create table cloudevent.x (a int)", "drop table cloudevent.valid", "insert into cloudevent.valid select * from cloudevent.valid",
    "alter table cloudevent.valid add column x int", "delete from cloudevent.valid", "update cloudevent.valid set id = 'x'",
    "attach '/tmp/x.db'", "attach ':memory:' as y", "install httpfs", "load httpfs", "pragma database_list", "set memory_limit = '100GB'",
    "copy (select 1) to '/tmp/firn-was-here.csv'", "copy cloudevent.valid to '/tmp/firn-was-here.parquet'", "export database '/tmp/firn-was-here'",
    "select * from read_csv('/etc/passwd')", "select * from read_text('/etc/passwd')", "select * from '/etc/passwd'", "select * from read_blob('/etc/*')",
    "select * from glob('/*')", "select * from read_parquet('http://127.0.0.1:1/x.parquet')", "select * from sniff_csv('/etc/passwd')",
    "select getenv('HOME')", "select * from read_json('/etc/passwd')", "select * from './firn-data/warehouse/cloudevent/valid'",
    "select * from 'firn-data/catalog.db'", "create temp table x as select 1", "create macro f() as 1", "use cloudevent; select 1", "call pragma_version()",
    "select * from duckdb_settings()", "select * from duckdb_secrets()", "checkpoint", "vacuum", "with x as (select * from read_csv('/etc/passwd')) select * from x",
    "select (select content from read_text('/etc/passwd'))", "explain analyze select * from read_csv('/etc/passwd')", "describe read_csv('/etc/passwd')",
    "summarize '/etc/passwd'", "from '/etc/passwd'", "prepare x as select 1", "execute x", "begin", "set variable x = 1", "reset all",
    "select * from parquet_metadata('/etc/passwd')", "select * from parquet_scan('/etc/passwd')", "pivot '/etc/passwd' on a", "table '/etc/passwd'",
    "select * from \"/etc/passwd\"", "select * from query('select * from read_text(''/etc/passwd'')')", "select * from query_table('/etc/passwd')",
    "select * from which_secret('x', 's3')", "select current_setting('home_directory')",
]


def ask(firn, text, status=200, **headers):
    got, answered, body = firn.ask("POST", "/v1/sql", text if isinstance(text, bytes) else text.encode(), {"Content-Type": "text/plain", **headers})
    assert got == status or status is None, (text[:100], got, body[:500])
    return got, answered, body


def lines(body):
    return [json.loads(line) for line in body.splitlines()]


def filled(firn, n=1000):
    events = [live.event(i) for i in range(n)]
    firn.ask("POST", "/v1/events", json.dumps(events), {"Content-Type": live.BATCH})
    deadline = time.monotonic() + 30
    while lines(ask(firn, "select count(*) as n from cloudevent.valid")[2]) != [{"n": n}]:
        assert time.monotonic() < deadline, "the events do not show"
        time.sleep(0.1)


def queries_are_answered(folder):
    peers.need("pyarrow")
    import pyarrow as pa

    with live.up(os.path.join(folder, "data"), live.QUICK) as firn:
        filled(firn)
        _, headers, body = ask(firn, "select id, subject from cloudevent.valid where id in ('e5', 'e7') order by id")
        assert headers["Content-Type"] == "application/x-ndjson" and lines(body) == [{"id": "e5", "subject": "s5"}, {"id": "e7", "subject": "s7"}], body
        _, _, body = ask(firn, json.dumps({"query": "select id from cloudevent.valid", "limit": 10}), **{"Content-Type": "application/json"})
        assert len(lines(body)) == 10
        _, _, body = ask(firn, json.dumps({"query": "select count(*) as n from valid", "namespace": "cloudevent"}), **{"Content-Type": "application/json"})
        assert lines(body) == [{"n": 1000}]
        _, headers, body = ask(firn, "select id, time from cloudevent.valid", Accept="application/vnd.apache.arrow.stream")
        table = pa.ipc.open_stream(body).read_all()
        assert table.num_rows == 1000 and headers["Content-Type"] == "application/vnd.apache.arrow.stream"
        assert lines(ask(firn, "select count(*) as n from cloudevent.valid.snapshots")[2])[0]["n"] >= 1
        assert len(lines(ask(firn, "select range as i from range(500000)")[2])) == 500000
        for text, status in (("select", 400), ("select * from cloudevent.nothing", 404), ("", 400), ("select 1; select 2", 400), (b"select '\xff'", 400)):
            got, _, body = ask(firn, text, None)
            assert got == status and json.loads(body)["error"]["message"].count("\n") == 0, (text, got, body)


def nothing_but_reading_tables_is_allowed(folder):
    data = os.path.join(folder, "data")
    with live.up(data, live.QUICK) as firn:
        filled(firn, 10)
        for text in REFUSED:
            got, _, body = ask(firn, text, None)
            assert got in (400, 403, 404, 501), (text, got, body[:300])
            assert "\n" not in json.loads(body)["error"]["message"], (text, body)
            assert "root:" not in body.decode(), text
        assert not [name for name in os.listdir("/tmp") if name.startswith("firn-was-here")]
        assert lines(ask(firn, "select count(*) as n from cloudevent.valid")[2]) == [{"n": 10}]
        assert "panic" not in firn.log()


def rows_and_time_are_limited(folder):
    settings = {**live.QUICK, "sql.max_rows": 1000, "sql.timeout": "1s", "sql.max_queries": 2}
    with live.up(os.path.join(folder, "data"), settings) as firn:
        assert ask(firn, "select range from range(1001)", None)[0] == 413
        assert len(lines(ask(firn, "select range from range(1000)")[2])) == 1000
        started = time.monotonic()
        got, _, body = ask(firn, "select count(*) from range(10000000000) a where sin(a.range) > 2", None)
        assert got == 504 and time.monotonic() - started < 10, (got, body)
        long = "select count(*) from range(10000000000) a where sin(a.range) > 2"
        waiting = []
        for _ in range(4):
            c = http.client.HTTPConnection(firn.host, firn.port, timeout=30)
            c.request("POST", "/v1/sql", long)
            waiting.append(c)
        codes = sorted(c.getresponse().status for c in waiting)
        assert codes.count(429) >= 1 and codes.count(504) >= 1 and set(codes) <= {429, 504}, codes
        assert ask(firn, "select 1 as a")[2] == b'{"a":1}\n'


def clients_that_leave_stop_their_queries(folder):
    with live.up(os.path.join(folder, "data"), {**live.QUICK, "sql.max_rows": 1000000000, "sql.max_queries": 1, "sql.timeout": "60s"}) as firn:
        c = http.client.HTTPConnection(firn.host, firn.port, timeout=30)
        c.request("POST", "/v1/sql", "select range as a, 'some text that is long' as b from range(900000000)")
        assert c.getresponse().read(1000)
        c.close()
        deadline = time.monotonic() + 20
        while ask(firn, "select 1 as a", None)[0] != 200:
            assert time.monotonic() < deadline, "the query still runs"
            time.sleep(0.1)


if __name__ == "__main__":
    peers.run(queries_are_answered, nothing_but_reading_tables_is_allowed, rows_and_time_are_limited, clients_that_leave_stop_their_queries)

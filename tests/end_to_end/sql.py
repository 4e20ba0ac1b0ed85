"""firn sql from the command line: the ledger's statements, time travel in every form, forms of output, hostile text."""

import csv
import datetime
import io
import json
import os
import time

import peers

ASAN = {"ASAN_OPTIONS": "detect_leaks=0"}


def sql(folder, *words, status=0, stdin=None):
    return peers.firn("sql", *words, cwd=folder, status=status, stdin=stdin, env=ASAN)


def rows(folder, *words):
    return [json.loads(line) for line in sql(folder, "--format", "json", *words).stdout.splitlines()]


def start(folder):
    """A data directory, as the first ingest makes it."""
    peers.firn("ingest", "cloudevent.valid", "--quiet", cwd=folder, stdin=b"")


def users(folder):
    """processed.users of the ledger with three snapshots; gives their ids and a time between the first two."""
    start(folder)
    sql(folder, "create namespace processed; create table processed.users (user_id string, email string, created_at timestamp) using iceberg")
    sql(folder, "insert into processed.users values ('u1', 'a@x', timestamp '2024-01-01 10:00:00')")
    time.sleep(0.05)
    between = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.05)
    sql(folder, "insert into processed.users select 'u2', 'b@x', timestamp '2024-02-01 10:00:00'")
    sql(folder, "insert into processed.users (user_id) values ('u3')")
    snapshots = [s["snapshot_id"] for s in rows(folder, "select snapshot_id from processed.users.snapshots order by committed_at")]
    assert len(snapshots) == 3, snapshots
    return snapshots, between


def time_travel_takes_every_form_of_the_ledger(folder):
    snapshots, between = users(folder)
    first, text = snapshots[0], between.strftime("%Y-%m-%d %H:%M:%S.%f")
    forms = [f"for system_version as of {first}", f"for version as of {first}", f"FOR SYSTEM_TIME AS OF '{text}'",
             f"FOR TIMESTAMP AS OF TIMESTAMP '{text}'", f"for timestamp as of '{text}'", f"version as of {first}",
             f"timestamp as of '{text}'", f"at (version => {first})", f"at (timestamp => timestamp '{text}')",
             f"for timestamp as of timestamp '{between.strftime('%Y-%m-%dT%H:%M:%S.%f')}+00:00'"]
    for form in forms:
        assert rows(folder, f"select user_id from processed.users {form}") == [{"user_id": "u1"}], form
        assert rows(folder, f"select x.user_id from processed.users {form} as x where x.user_id = 'u1'") == [{"user_id": "u1"}], form
    joined = rows(folder, f"select count(*) as n from processed.users for version as of {first} a join processed.users b using (user_id)")
    assert joined == [{"n": 1}], joined
    new = rows(folder, f"select user_id from processed.users except select user_id from processed.users for version as of {first} order by 1")
    assert new == [{"user_id": "u2"}, {"user_id": "u3"}], new
    said = sql(folder, "select * from processed.users for timestamp as of '1999-01-01'", status=1).stderr
    assert said.count("\n") == 1 and "1999" in said, said
    said = sql(folder, "select * from processed.users for version as of 42", status=1).stderr
    assert said.count("\n") == 1 and "42" in said, said


def branches_and_tags_are_those_of_pyiceberg(folder):
    peers.need("pyiceberg")
    snapshots, _ = users(folder)
    table = peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table("processed.users")
    table.manage_snapshots().create_tag(snapshots[0], "theirs").create_branch(snapshots[1], "audit").commit()
    assert rows(folder, "select user_id from processed.users for version as of 'theirs'") == [{"user_id": "u1"}]
    assert len(rows(folder, "select user_id from processed.users.branch_audit")) == 2
    assert len(rows(folder, "select user_id from processed.users version as of 'audit'")) == 2
    sql(folder, f"alter table processed.users create tag ours as of version {snapshots[1]} retain 7 days")
    sql(folder, "alter table processed.users create branch staging")
    refs = {r["name"]: r for r in rows(folder, "select * from processed.users.refs")}
    assert set(refs) == {"main", "theirs", "audit", "ours", "staging"}, refs
    table.refresh()
    assert table.metadata.refs["ours"].snapshot_id == snapshots[1] and table.metadata.refs["ours"].max_ref_age_ms == 7 * 86400000
    assert table.scan(snapshot_id=table.snapshot_by_name("ours").snapshot_id).to_arrow().num_rows == 2
    sql(folder, "alter table processed.users drop tag theirs")
    table.refresh()
    assert "theirs" not in table.metadata.refs


def evolution_takes_the_forms_of_the_ledger(folder):
    users(folder)
    for statement in ("ALTER TABLE processed.users ADD COLUMN email_verified BOOLEAN",
                      "ALTER TABLE processed.users RENAME COLUMN email TO mail",
                      "ALTER TABLE processed.users DROP COLUMN created_at"):
        sql(folder, statement)
    found = rows(folder, "select * from processed.users order by user_id")
    assert found[0] == {"user_id": "u1", "mail": "a@x", "email_verified": None}, found
    sql(folder, "create table processed.events (event_id string, user_id string, event_time timestamp, event_data string) using iceberg partitioned by (hours(event_time))")
    sql(folder, "insert into processed.events values ('e1', 'u1', timestamp '2024-01-01 23:59:59', '{}'), ('e2', 'u1', timestamp '2023-05-01 00:00:00', '{}')")
    sql(folder, "ALTER TABLE processed.events SET PARTITION SPEC (days(event_time))")
    sql(folder, "insert into processed.events values ('e3', 'u2', timestamp '2024-01-02 00:00:00', '{}')")
    said = sql(folder, "--timing", "--format", "json", "select event_id from processed.events where event_time >= '2024-01-01' order by 1")
    assert [json.loads(line)["event_id"] for line in said.stdout.splitlines()] == ["e1", "e3"]
    assert ", 2 of 3 files" in said.stderr, said.stderr
    said = sql(folder, "create table processed.fct (date_key int) partitioned by (months(date_key))", status=1).stderr
    assert said.count("\n") == 1 and "month" in said and "date_key" in said, said


def metadata_tables_are_tables(folder):
    snapshots, _ = users(folder)
    history = rows(folder, "select snapshot_id, parent_snapshot_id, operation, table_name from processed.users.history order by committed_at")
    assert [h["snapshot_id"] for h in history] == snapshots and history[1]["parent_snapshot_id"] == snapshots[0], history
    assert history[0]["operation"] == "append" and "users" in history[0]["table_name"], history
    for name in ("files", "data_files", "manifests", "entries", "partitions", "refs", "metadata_log_entries", "all_data_files", "all_manifests", "all_entries", "all_files"):
        found = rows(folder, f"select count(*) as n from processed.users.{name}")
        assert found[0]["n"] >= 1, (name, found)
    files = rows(folder, "select sum(record_count) as n, count(*) as files from processed.users.files")
    assert files == [{"n": "3", "files": 3}] or files[0]["files"] == 3, files
    files = rows(folder, f"select record_count from processed.users.files for version as of {snapshots[0]}")
    assert files == [{"record_count": 1}], files


def output_takes_every_form(folder):
    peers.need("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet

    query = "select 1 as n, 'a|b' as t, null::double as f, [1, 2] as l, {'x': 'y\"'} as s union all select 2, 'line\nend', 1.5, [], null order by 1"
    table = sql(folder, query).stdout
    assert table.splitlines()[0].split(" | ")[0].strip() == "n" and "NULL" in table and "line\\nend" in table and table.endswith("(2 rows)\n"), table
    found = list(csv.reader(io.StringIO(sql(folder, "--format", "csv", query).stdout, newline="")))
    assert found[0] == ["n", "t", "f", "l", "s"] and found[2][1] == "line\nend" and found[1][2] == "", found
    assert rows(folder, query)[0] == {"n": 1, "t": "a|b", "f": None, "l": [1, 2], "s": {"x": 'y"'}}
    assert sql(folder, "--format", "markdown", query).stdout.splitlines()[2].startswith("| 1 | a\\|b | NULL |")
    arrow = pa.ipc.open_stream(sql(folder, "--format", "arrow", query).stdout.encode("utf-8", "surrogateescape")).read_all()
    parquet = pa.parquet.read_table(io.BytesIO(sql(folder, "--format", "parquet", query).stdout.encode("utf-8", "surrogateescape")))
    assert arrow.to_pylist() == parquet.to_pylist() and arrow.column("t").to_pylist() == ["a|b", "line\nend"]
    assert sql(folder, stdin=b"select 1 as a; select 2 as b;\n-- the end").stdout.count("(1 row)") == 2


def tables_are_found_by_their_path(folder):
    users(folder)
    path = "./firn-data/warehouse/processed/users"
    assert rows(folder, f"select count(*) as n from '{path}'") == [{"n": 3}]
    elsewhere = os.path.join(folder, "elsewhere")
    os.mkdir(elsewhere)
    assert rows(elsewhere, f"select count(*) as n from '.{path}'") == [{"n": 3}]
    assert rows(elsewhere, f"select count(*) as n from '{folder}/firn-data/warehouse/processed/users'") == [{"n": 3}]


STAR = {
    "dim_date": ("date_key int, full_date date, month int, month_name string, year int, is_weekend boolean",
                 "select strftime(d, '%Y%m%d')::int, d::date, month(d), monthname(d), year(d), dayofweek(d) in (0, 6) from range(timestamp '2023-01-01', timestamp '2025-01-01', interval 1 day) r(d)"),
    "dim_customer": ("customer_key bigint, customer_id string, segment string, is_current boolean, valid_from timestamp",
                     "select i, 'c' || i, ['retail', 'trade', 'public'][i % 3 + 1], i % 4 <> 0, timestamp '2020-01-01' from range(100) r(i)"),
    "dim_product": ("product_key bigint, sku string, category string, list_price decimal(10, 2)",
                    "select i, 'sku' || i, ['ice', 'snow', 'water'][i % 3 + 1], (i * 3.5)::decimal(10, 2) from range(50) r(i)"),
    "fct_orders": ("order_key bigint, date_key int, customer_key bigint, product_key bigint, order_id string, quantity int, total_amount decimal(10, 2), created_at timestamp",
                   "select i, strftime(date '2023-01-01' + (i * 7 % 730)::int, '%Y%m%d')::int, i % 100, i % 50, 'o' || i // 2, i % 5 + 1, (i % 997 * 1.25)::decimal(10, 2), timestamp '2024-01-01' from range(5000) r(i)"),
}

STAR_QUERIES = [
    "select d.year, d.month, p.category, sum(f.total_amount) as total, count(distinct f.order_id) as orders, avg(f.total_amount) as average from analytics.fct_orders f "
    "inner join analytics.dim_date d on f.date_key = d.date_key inner join analytics.dim_product p on f.product_key = p.product_key where d.year = 2024 group by d.year, d.month, p.category order by 1, 2, 4 desc",
    "select c.segment, count(distinct f.customer_key) as customers, sum(f.total_amount) as total, sum(f.quantity) as units from analytics.fct_orders f "
    "inner join analytics.dim_customer c on f.customer_key = c.customer_key where c.is_current = true group by c.segment order by total desc",
    "with a as (select d.month, sum(f.total_amount) as s from analytics.fct_orders f inner join analytics.dim_date d on f.date_key = d.date_key where d.year = 2023 group by d.month), "
    "b as (select d.month, sum(f.total_amount) as s from analytics.fct_orders f inner join analytics.dim_date d on f.date_key = d.date_key where d.year = 2024 group by d.month) "
    "select a.month, a.s as before, b.s as after, b.s - a.s as change, round((b.s - a.s) / a.s * 100, 2) as percent from a inner join b on a.month = b.month order by a.month",
]


def a_star_schema_is_asked(folder):
    """The shapes of the ledger's queries (SQL-07, SQL-08) over its star schema, beside DuckDB's own tables."""
    peers.need("duckdb", "pyarrow")
    import duckdb
    import pyarrow as pa

    start(folder)
    own = duckdb.connect()
    own.execute("create schema analytics")
    sql(folder, "create namespace analytics")
    for name, (columns, query) in STAR.items():
        sql(folder, f"create table analytics.{name} ({columns}) using iceberg", f"insert into analytics.{name} {query}")
        own.execute(f"create table analytics.{name} ({columns})")
        own.execute(f"insert into analytics.{name} {query}")
    for query in STAR_QUERIES:
        ours = pa.ipc.open_stream(sql(folder, "--format", "arrow", query).stdout.encode("utf-8", "surrogateescape")).read_all()
        assert [list(map(float_or_text, row.values())) for row in ours.to_pylist()] == [list(map(float_or_text, row)) for row in own.execute(query).fetchall()], query
    said = sql(folder, "select month_name from analytics.dim_date group by month_name order by month", status=1).stderr  # CH-25
    assert said.count("\n") == 1 and "GROUP BY" in said, said


def float_or_text(v):
    return v if isinstance(v, str) else float(v)


def the_first_create_makes_a_data_directory(folder):
    assert rows(folder, "select 1 as a") == [{"a": 1}] and os.listdir(folder) == []
    assert "without a catalog" in sql(folder, "select * from a.b", status=1).stderr
    sql(folder, "create namespace a; create table a.t as select 7 as n")
    assert rows(folder, "select * from a.t") == [{"n": 7}]
    assert "FIRN_SCAN" in sql(folder, "explain select * from a.t").stdout
    assert list(rows(folder, "select (select max(n) from a.t)")[0]) == ["(SELECT max(n) FROM a.t AS t)"]


def hostile_text_gets_one_sentence(folder):
    users(folder)
    before = sorted(os.listdir(folder))
    hostile = ["select 'never ends", 'select "never ends', "select $$never ends", "select 1 /* never ends", "select * from nowhere.nothing",
               "select * from processed.user", "select nothing from processed.users", "select email from processed.users a, processed.users b",
               "delete from processed.users", "update processed.users set email = 'x'", "merge into processed.users using x on true",
               "truncate table processed.users", "select", "from", "create table", "insert into", "alter table", "drop", "select * from processed.users for version as of",
               "create table processed.users (a int)", "create table nowhere.t (a int)", "alter table processed.users drop column nothing",
               "select \0 1", "select * from processed.users.nothing", "select * from a.b.c.d.e.f", "insert into processed.users select 1", "insert into processed.users values ('a')"]
    for text in hostile:
        run = sql(folder, stdin=text.encode(), status=1)
        assert run.stderr.count("\n") == 1 and len(run.stderr) < 1000, (text, run.stderr)
    for text in (b"(" * 10_000_000, b"select " + b"(" * 5_000_000 + b"1" + b")" * 5_000_000, b"select '" + b"x" * 10_000_000, b"select 1 " + b"+ 1 " * 100_000,
                 b"/*" * 3_000_000, b"select " + b"[" * 100_000, b"select case when " * 20_000, b"select not " + b"not " * 100_000 + b"true"):
        started = time.monotonic()
        run = sql(folder, stdin=text, status=None)
        assert run.returncode in (0, 1) and run.stderr.count("\n") <= 1 and len(run.stderr) < 1000, (text[:30], run.returncode, run.stderr[:2000])
        assert time.monotonic() - started < 60, text[:30]
    assert sorted(os.listdir(folder)) == before


if __name__ == "__main__":
    peers.run(time_travel_takes_every_form_of_the_ledger, branches_and_tags_are_those_of_pyiceberg, evolution_takes_the_forms_of_the_ledger,
              metadata_tables_are_tables, output_takes_every_form, tables_are_found_by_their_path, a_star_schema_is_asked, the_first_create_makes_a_data_directory, hostile_text_gets_one_sentence)

"""Rows that firn ingest puts into tables are those that PyIceberg and DuckDB read from them, and from the input."""

import csv
import datetime
import decimal
import json
import os
import random

import peers

DAYS = 5


def table_of(folder, name):
    return peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table(name)


def rows_of(table):
    return table.scan().to_arrow().to_pylist()


def generated(n, seed):
    r = random.Random(seed)
    start = datetime.datetime(2024, 2, 27, tzinfo=datetime.timezone.utc)
    for i in range(n):
        row = {"id": i, "ts": start + datetime.timedelta(milliseconds=r.randrange(DAYS * 86_400_000)), "region": r.choice(("eu", "us", "a/b=c", "żółw")),
               "amount": r.choice((None, round(r.uniform(-1e6, 1e6), 4))), "count": r.randrange(-(2**63), 2**63), "ok": r.random() < 0.5,
               "note": r.choice((None, "", "a, \"b\"\n", "雪\t", " x "))}
        yield row


def text_of(row):
    return {**row, "ts": row["ts"].isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def same(got, wanted):
    assert len(got) == len(wanted), f"{len(got)} rows, not {len(wanted)}"
    got = sorted(got, key=lambda row: row["id"])
    for a, b in zip(got, wanted):
        assert a == b, f"{a} is not {b}"


def json_lines_with_partitions_and_order(folder):
    peers.need("pyarrow", "pyiceberg")
    wanted = list(generated(3000, 1))
    path = os.path.join(folder, "rows.ndjson")
    with open(path, "w") as f:
        f.writelines(json.dumps(text_of(row)) + "\n" for row in wanted)
    result = peers.firn_json("ingest", "db.t", path, "--from", "json", "--partition-by", "day(ts), region", "--sort-by", "count desc", "--format", "json", cwd=folder)[0]
    assert result["rows"] == 3000 and result["created"] and result["files"] == DAYS * 4, result
    table = table_of(folder, "db.t")
    same(rows_of(table), wanted)
    assert [f.name for f in table.spec().fields] == ["ts_day", "region"]
    assert str(table.sort_order().fields[0].direction) == "SortDirection.DESC" or "DESC" in str(table.sort_order())
    import pyarrow.parquet as pq

    for file in table.inspect.files().to_pylist():
        rows = pq.ParquetFile(file["file_path"].removeprefix("file://")).read().to_pylist()
        assert file["sort_order_id"] == 1
        counts = [row["count"] for row in rows]
        assert counts == sorted(counts, reverse=True)
        assert len({(row["ts"].date(), row["region"]) for row in rows}) == 1
    day = rows_of_filter(table, "ts >= '2024-02-28T00:00:00+00:00' and ts < '2024-02-29T00:00:00+00:00'")
    assert {row["id"] for row in day} == {row["id"] for row in wanted if row["ts"].day == 28}


def rows_of_filter(table, text):
    return table.scan(row_filter=text).to_arrow().to_pylist()


def csv_as_python_writes_it(folder):
    peers.need("pyarrow", "pyiceberg")
    wanted = list(generated(2000, 2))
    path = os.path.join(folder, "rows.csv")
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(wanted[0])
        for row in wanted:
            # None and "" are the same to Python's writer: nulls stay bare, an empty text would be lost.
            w.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in text_of(row).values()])
    peers.firn("ingest", "db.c", path, "--from", "csv", cwd=folder)
    same(rows_of(table_of(folder, "db.c")), [{**row, "note": row["note"] or None} for row in wanted])


def parquet_of_other_writers(folder):
    peers.need("pyarrow", "pyiceberg", "duckdb")
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = list(generated(1000, 3))
    nested = [{**row, "price": decimal.Decimal(row["id"]).scaleb(-2), "tags": ["x"] * (row["id"] % 3) if row["id"] % 5 else None,
               "place": {"lat": row["id"] / 8, "day": datetime.date(2024, 1, 1 + row["id"] % 28)} if row["id"] % 7 else None} for row in wanted]
    types = pa.schema([("id", pa.int64()), ("ts", pa.timestamp("ns", "UTC")), ("region", pa.dictionary(pa.int8(), pa.string())), ("amount", pa.float64()),
                       ("count", pa.int64()), ("ok", pa.bool_()), ("note", pa.large_string()), ("price", pa.decimal128(12, 2)),
                       ("tags", pa.list_(pa.string())), ("place", pa.struct([("lat", pa.float64()), ("day", pa.date32())]))])
    first, second = os.path.join(folder, "a.parquet"), os.path.join(folder, "b.parquet")
    pq.write_table(pa.Table.from_pylist(nested[:500], schema=types), first)
    rest = pa.Table.from_pylist(nested[500:], schema=types.set(1, pa.field("ts", pa.timestamp("us", "UTC"))))
    duckdb.sql("select * from rest").write_parquet(second)
    result = peers.firn_json("ingest", "db.p", first, second, "--from", "parquet", "--format", "json", cwd=folder)[0]
    assert result["rows"] == 1000, result
    same(rows_of(table_of(folder, "db.p")), nested)
    pq.write_table(pa.table({"ID": pa.array([5000], pa.int32()), "extra": pa.array([[1, 2]])}), first)
    peers.firn("ingest", "db.p", first, "--from", "parquet", cwd=folder)
    row = [row for row in rows_of(table_of(folder, "db.p")) if row["id"] == 5000][0]
    assert row["extra"] == [1, 2] and row["place"] is None
    pq.write_table(pa.table({"id": pa.array(["x"])}), first)
    assert "column id is long in the table and string in the rows" in peers.firn("ingest", "db.p", first, "--from", "parquet", cwd=folder, status=1).stderr


def what_duckdb_infers_of_the_same_input(folder):
    """Public edge cases: both must find the same values where both find a type."""
    peers.need("duckdb")
    import duckdb

    cases = {"quotes.csv": 'a,b,c\n1,"x ""y"" z","1,5"\n2,"line\nend",\n3,,"q"\n', "semicolon.csv": "a;b\n1;x\n2;y\n",
             "crlf.csv": "a,b\r\n1,2.5\r\n2,3\r\n", "bom.csv": "\ufeffa,b\n1,é\n", "tabs.csv": "a\tb\n1\tx y\n",
             "flat.json": '{"a":1,"b":"x"}\n{"a":2.5,"b":null}\n', "nested.json": '{"a":{"x":1,"y":[1,2]},"b":[{"z":"q"},{"z":null}]}\n',
             "array.json": '[{"a":1,"b":true},{"a":2,"b":false}]', "dates.json": '{"d":"2024-02-29","t":"2024-02-29 01:02:03"}\n'}
    for name, text in cases.items():
        path = os.path.join(folder, name)
        with open(path, "w", newline="", encoding="utf-8") as f:
            f.write(text)
        form = name.rsplit(".")[-1]
        table = "e." + name.split(".")[0]
        peers.firn("ingest", table, path, "--from", form, cwd=folder)
        got = peers.firn_json("table", "cat", table, cwd=folder)
        reader = f"read_csv('{path}', quote='\"')" if form == "csv" else f"read_json('{path}')"
        wanted = [json.loads(row[0]) for row in duckdb.sql(f"select to_json(whole) from {reader} whole").fetchall()]
        for a, b in zip(got, wanted, strict=True):
            a = {k: v.replace("T", " ").removesuffix(".000000") if k == "t" else v for k, v in a.items()}
            assert a == b, f"{name}: {a} is not {b}"


def a_failed_run_leaves_nothing_behind(folder):
    path = os.path.join(folder, "rows.ndjson")
    with open(path, "w") as f:
        f.write("".join('{"id":%d,"pad":"%s"}\n' % (i, "x" * 40) for i in range(100000)) + '{"id":"x"}\n')  # longer than the sample
    said = peers.firn("ingest", "db.t", path, "--from", "json", cwd=folder, status=1).stderr
    assert 'line 100001: id is "x", which is no long' in said, said
    peers.firn("table", "show", "db.t", cwd=folder, status=1)
    left = [f for _, _, files in os.walk(os.path.join(folder, "firn-data", "warehouse")) for f in files]
    assert left == [], left
    said = peers.firn("ingest", "db.t", path, "--from", "json", "--commit-every", "20000", cwd=folder, status=1).stderr
    assert "commits, which stay" in said, said
    n = peers.firn("table", "cat", "db.t", cwd=folder).stdout.count("\n")
    assert 20000 <= n < 100000, n


peers.run(json_lines_with_partitions_and_order, csv_as_python_writes_it, parquet_of_other_writers, what_duckdb_infers_of_the_same_input,
          a_failed_run_leaves_nothing_behind)

"""Generated CloudEvents, what the archive's table must hold for them, and the comparison with what a peer reads."""

import datetime
import json
import random
import uuid

COLUMNS = ("subject", "time", "type", "id", "source", "producer", "data_content_type", "data_version", "specversion", "dataschema",
           "signature", "tags", "extras", "data")
ATTRIBUTES = {"datacontenttype": "data_content_type", "dataversion": "data_version"}
UTC = datetime.timezone.utc
START = datetime.datetime(2025, 6, 13, 22, 0, tzinfo=UTC)


def events(n, seed=7, days=3):
    """(line, row) of n valid events over some days, in no order of time; `row` is the table's row as Python values."""
    r = random.Random(seed)
    subjects = [f"did:erc721:137:0x{r.getrandbits(160):040x}:{i}" for i in range(500)]
    sources = [f"0x{r.getrandbits(160):040x}" for _ in range(20)]
    for i in range(n):
        time = START + datetime.timedelta(microseconds=r.randrange(days * 86_400_000_000))
        event = {"id": str(uuid.UUID(int=r.getrandbits(128), version=4)), "source": r.choice(sources), "producer": r.choice(subjects),
                 "specversion": "1.0", "subject": r.choice(subjects), "time": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                 "type": r.choice(("vehicle.status", "vehicle.status", "vehicle.fingerprint", "vehicle.trip")),
                 "datacontenttype": "application/json", "dataversion": "r/v0/s"}
        data = json.dumps({"speed": round(r.random() * 130, 2), "odometer": r.randrange(300000), "note": r.choice(("", "żółw", "雪", "a\nb"))})
        if i % 7 == 0:
            event["tags"] = ["a", "schnee", f"t{i % 13}"][:1 + i % 3]
        if i % 11 == 0:
            event["traceparent"] = f"00-{r.getrandbits(128):032x}-01"
        if i % 101 == 0:
            event["time"] = time.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=45))).isoformat(timespec="microseconds")
        line = json.dumps(event)[:-1] + ', "data": ' + data + "}"
        yield line, row_of(event, time, data.encode())


def row_of(event, time, data):
    row = dict.fromkeys(COLUMNS)
    extras = {}
    for key, value in event.items():
        column = ATTRIBUTES.get(key, key)
        if column == "time":
            row["time"] = time
        elif column in row and column not in ("extras", "data"):
            row[column] = value
        else:
            extras[key] = value
    row["extras"], row["data"] = extras, data
    return row


def write(path, n, **how):
    """Writes n events to `path` and gives the rows that the table must hold, by id."""
    rows = {}
    with open(path, "w", encoding="utf-8") as f:
        for line, row in events(n, **how):
            f.write(line + "\n")
            rows[row["id"]] = row
    assert len(rows) == n
    return rows


def summary(rows):
    """(count, sum of payload lengths, distinct ids, first time, last time)."""
    times = [row["time"] for row in rows.values()]
    return len(rows), sum(len(row["data"]) for row in rows.values()), len(rows), min(times), max(times)


def check_row(got, wanted):
    """A row as a peer gives it (a dict) against the one wanted, column by column; extras are compared as JSON."""
    assert tuple(got) == COLUMNS, tuple(got)
    for column in COLUMNS:
        value = got[column]
        if column == "extras":
            value = json.loads(value)
        elif column == "time" and isinstance(value, str):
            value = datetime.datetime.fromisoformat(value)
        elif column == "data" and isinstance(value, str):
            value = bytes.fromhex(value)
        assert value == wanted[column], f"{column} of {wanted['id']}: {value!r} is not {wanted[column]!r}"


def check_pyiceberg(table, rows, n_random=1000):
    import pyarrow.compute as pc

    scan = table.scan().to_arrow()
    times = pc.min_max(scan["time"]).as_py()
    got = (scan.num_rows, pc.sum(pc.binary_length(scan["data"])).as_py(), pc.count_distinct(scan["id"]).as_py(), times["min"], times["max"])
    assert got == summary(rows), f"{got} is not {summary(rows)}"
    for i in random.Random(3).sample(range(scan.num_rows), min(n_random, scan.num_rows)):
        (row,) = scan.slice(i, 1).to_pylist()
        check_row(row, rows[row["id"]])


def check_duckdb(db, metadata_location, rows, n_random=1000):
    db.execute("SET TimeZone = 'UTC'")
    source = f"iceberg_scan('{metadata_location}')"
    got = db.execute(f"SELECT count(*), sum(octet_length(data)), count(DISTINCT id), min(epoch_us(time)), max(epoch_us(time)) FROM {source}").fetchone()
    n, size, ids, first, last = summary(rows)
    assert got == (n, size, ids, micros(first), micros(last)), f"{got} is not {summary(rows)}"
    ids = random.Random(4).sample(sorted(rows), min(n_random, len(rows)))
    wanted = ", ".join(f"'{i}'" for i in ids)
    columns = ", ".join("epoch_us(time) AS time" if c == "time" else c for c in COLUMNS)
    found = db.execute(f"SELECT {columns} FROM {source} WHERE id IN ({wanted})").fetchall()
    assert len(found) == len(ids)
    for values in found:
        row = dict(zip(COLUMNS, values))
        row["time"] = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(microseconds=row["time"])
        check_row(row, rows[row["id"]])


def micros(time):
    return (time - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)

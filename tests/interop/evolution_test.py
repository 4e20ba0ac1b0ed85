"""Tables that PyIceberg made and whose schema and partitioning then changed: firn reads every value that PyIceberg reads."""

import datetime
import decimal
import os

import peers
import values

N = 40


def catalog_of(folder):
    """A catalog that PyIceberg made in a data directory of firn, with one namespace."""
    peers.need("pyarrow", "pyiceberg")
    os.makedirs(os.path.join(folder, "firn-data"))
    catalog = peers.pyiceberg_catalog(os.path.join(folder, "firn-data"))
    catalog.create_namespace("e")
    return catalog


def rows_of(arrow):
    columns = [column.combine_chunks() for column in arrow.columns]
    return [{name: values.from_arrow(column, i) for name, column in zip(arrow.column_names, columns)} for i in range(arrow.num_rows)]


def same_rows(folder, table, key="k", n_wanted=None):
    """Every row of every column, and every snapshot, as PyIceberg gives them. Gives the rows of the current one."""
    table.refresh()
    name = ".".join(table.name())
    order = lambda row: (row[key] is None, row[key])
    for snapshot in [None, *(s.snapshot_id for s in table.snapshots())]:
        wanted = sorted(rows_of(table.scan(snapshot_id=snapshot).to_arrow()), key=order)
        named = [] if snapshot is None else ["--snapshot", snapshot]
        got = sorted(peers.firn_json("table", "cat", name, *named, cwd=folder), key=order)
        assert len(got) == len(wanted), f"{len(got)} rows, not {len(wanted)}, of snapshot {snapshot}"
        for a, b in zip(got, wanted):
            assert list(a) == list(b) and values.same(a, b), f"snapshot {snapshot}:\n{a} is not\n{b}"
        current = got if snapshot is None else current
    assert n_wanted is None or len(current) == n_wanted
    return current


def flat_rows(first, n):
    return [{"k": i, "i": None if i % 7 == 0 else -i, "f": i / 8, "dec": None if i % 5 == 0 else decimal.Decimal(i).scaleb(-2), "s": f"text {i}",
             "b": i % 3 == 0, "d": datetime.date(1969, 12, 20) + datetime.timedelta(days=i)} for i in range(first, first + n)]


def flat_schema(pa, **other):
    types = {"k": pa.int64(), "i": pa.int32(), "f": pa.float32(), "dec": pa.decimal128(9, 2), "s": pa.string(), "b": pa.bool_(), "d": pa.date32()}
    return pa.schema([(name, other.get(name, kind)) for name, kind in types.items()])


def columns_are_added_dropped_renamed_promoted_and_moved(folder):
    catalog = catalog_of(folder)
    import pyarrow as pa
    from pyiceberg.types import DecimalType, DoubleType, LongType, StringType

    table = catalog.create_table("e.flat", flat_schema(pa))
    table.append(pa.Table.from_pylist(flat_rows(0, N), schema=flat_schema(pa)))
    with table.update_schema() as change:
        change.update_column("i", LongType())
        change.update_column("f", DoubleType())
        change.update_column("dec", DecimalType(20, 2))
        change.rename_column("s", "text")
        change.delete_column("b")
    with table.update_schema() as change:
        change.add_column("s", StringType())  # a new column under an old name: old rows have nothing in it
        change.move_first("d")
        change.move_after("s", "k")
    more = [{**row, "i": 1 << 40, "f": 1e300, "dec": decimal.Decimal("123456789012345678.90"), "text": row["s"] + "!", "s": "new"} for row in flat_rows(N, N)]
    table.append(pa.Table.from_pylist(more, schema=table.schema().as_arrow()))
    with table.update_schema() as change:
        change.delete_column("text")
    with table.update_schema() as change:
        change.add_column("b", LongType())  # and one of another type under a dropped name
    table.append(pa.Table.from_pylist([{**row, "b": 7} for row in flat_rows(2 * N, N)], schema=table.schema().as_arrow()))
    same_rows(folder, table, n_wanted=3 * N)


def nested(i):
    """A row whose every level is null, empty or full in its turn."""
    inner = None if i % 4 == 1 else {"x": i, "y": None if i % 3 == 0 else f"y{i}", "gone": i}
    return {
        "k": i,
        "st": None if i % 5 == 1 else {"n": None if i % 7 == 2 else i, "deep": inner},
        "ls": None if i % 6 == 1 else [] if i % 6 == 2 else [None if j == 2 else {"a": i, "b": None if j == 1 else -j} for j in range(i % 5)],
        "ll": None if i % 8 == 1 else [None if j == 1 else list(range(j)) for j in range(i % 4)],
        "ints": None if i % 3 == 1 else [None if j == 0 else j for j in range(i % 3)],
        "m": None if i % 7 == 1 else [(f"k{j}", None if j == 1 else {"v": j, "w": None if i % 2 else f"w{i}"}) for j in range(i % 4)],
    }


def nested_schema(pa):
    inner = pa.struct([("x", pa.int32()), ("y", pa.string()), ("gone", pa.int64())])
    return pa.schema([
        ("k", pa.int64()), ("st", pa.struct([("n", pa.int32()), ("deep", inner)])), ("ls", pa.list_(pa.struct([("a", pa.int32()), ("b", pa.int64())]))),
        ("ll", pa.list_(pa.list_(pa.int32()))), ("ints", pa.list_(pa.int32())),
        ("m", pa.map_(pa.string(), pa.struct([("v", pa.int32()), ("w", pa.string())])))])


def parts_of_structs_lists_and_maps_change(folder):
    catalog = catalog_of(folder)
    import pyarrow as pa
    from pyiceberg.types import DoubleType, ListType, LongType, NestedField, StringType, StructType

    table = catalog.create_table("e.nested", nested_schema(pa))
    table.append(pa.Table.from_pylist([nested(i) for i in range(N)], schema=nested_schema(pa)))
    same_rows(folder, table, n_wanted=N)
    with table.update_schema() as change:
        change.update_column(("st", "n"), LongType())
        change.update_column(("st", "deep", "x"), LongType())
        change.delete_column(("st", "deep", "gone"))
        change.rename_column(("st", "deep", "y"), "why")
        change.add_column(("st", "more"), StructType(NestedField(-1, "p", StringType()), NestedField(-2, "q", ListType(-3, LongType(), False))))
        change.move_first(("st", "deep"))
        change.update_column(("ls", "element", "a"), LongType())
        change.add_column(("ls", "element", "c"), StringType())
        change.move_first(("ls", "element", "b"))
        change.update_column(("ll", "element", "element"), LongType())
        change.update_column(("ints", "element"), LongType())
        change.delete_column(("m", "value", "v"))
        change.rename_column("m", "map")
    with table.update_schema() as change:  # new parts under old names
        change.add_column(("st", "deep", "y"), DoubleType())
        change.add_column(("map", "value", "v"), StringType())
    same_rows(folder, table, n_wanted=N)
    row = nested(3)
    row["st"] = {"n": 1 << 50, "deep": {"x": 1 << 51, "why": "!", "y": 0.5}, "more": {"p": "p", "q": [1, None]}}
    row["map"] = [("z", {"w": "w", "v": "text"})]
    table.append(pa.Table.from_pylist([{**row, "k": N}], schema=table.schema().as_arrow()))
    with table.update_schema() as change:  # a struct of which a file may have nothing left
        change.delete_column(("st", "n"))
        change.delete_column(("st", "deep"))
    same_rows(folder, table, n_wanted=N + 1)


def empty_lists_are_promoted_too(folder):
    catalog = catalog_of(folder)
    import pyarrow as pa
    from pyiceberg.types import LongType

    schema = pa.schema([("k", pa.int64()), ("ints", pa.list_(pa.int32()))])
    table = catalog.create_table("e.empty", schema)
    table.append(pa.Table.from_pylist([{"k": i, "ints": None if i % 2 else []} for i in range(N)], schema=schema))
    with table.update_schema() as change:
        change.update_column(("ints", "element"), LongType())
    same_rows(folder, table, n_wanted=N)


def without_column(path, *names):
    """Writes a data file again without some of its columns, as files moved from Hive are."""
    import pyarrow.parquet as pq

    path = path.removeprefix("file://")
    whole = pq.read_table(path, partitioning=None)
    pq.write_table(whole.drop_columns(list(names)), path)


def a_file_without_its_partition_columns_has_their_values(folder):
    """Spec: Column Projection: identity partition values come from the manifest; promoted, renamed, of every type, also null."""
    catalog = catalog_of(folder)
    import pyarrow as pa
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.types import DecimalType, DoubleType, LongType

    table = catalog.create_table("e.hive", flat_schema(pa))
    with table.update_spec() as change:
        for name in ("i", "f", "dec", "s", "b", "d"):
            change.add_field(name, IdentityTransform(), f"{name}_part")
    rows = flat_rows(0, 4) + flat_rows(10, 3) + [{**dict.fromkeys(flat_rows(0, 1)[0]), "k": 99}]
    table.append(pa.Table.from_pylist(rows, schema=flat_schema(pa)))
    for task in table.scan().plan_files():
        without_column(task.file.file_path, "i", "f", "dec", "s", "b", "d")
    read = {row["k"]: row for row in same_rows(folder, table, n_wanted=len(rows))}
    assert read[1]["i"] == -1 and read[1]["dec"] == "0.01" and read[3]["b"] is True and read[11]["d"] == "1969-12-31" and read[99]["s"] is None
    with table.update_schema() as change:
        change.update_column("i", LongType())
        change.update_column("f", DoubleType())
        change.update_column("dec", DecimalType(20, 2))
        change.rename_column("s", "text")
    after = {row["k"]: row for row in same_rows(folder, table, n_wanted=len(rows))}
    assert all(row == {**{name: read[k][name] for name in row if name != "text"}, "text": read[k]["s"]} for k, row in after.items())


def partitioning_changes_over_time(folder):
    catalog = catalog_of(folder)
    import pyarrow as pa
    from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform, TruncateTransform

    table = catalog.create_table("e.specs", flat_schema(pa))
    table.append(pa.Table.from_pylist(flat_rows(0, N), schema=flat_schema(pa)))
    with table.update_spec() as change:
        change.add_field("b", IdentityTransform(), "b_part")
        change.add_field("k", BucketTransform(4), "k_bucket")
    table.append(pa.Table.from_pylist(flat_rows(N, N), schema=flat_schema(pa)))
    with table.update_spec() as change:
        change.remove_field("k_bucket")
        change.rename_field("b_part", "renamed")
        change.add_field("d", DayTransform(), "d_day")
        change.add_field("s", TruncateTransform(6), "s_cut")
    table.append(pa.Table.from_pylist(flat_rows(2 * N, N), schema=flat_schema(pa)))
    with table.update_spec() as change:
        change.remove_field("renamed")
    with table.update_schema() as change:
        change.delete_column("b")
        change.rename_column("s", "t")
    table.append(pa.Table.from_pylist([{**row, "t": row["s"]} for row in flat_rows(3 * N, N)], schema=table.schema().as_arrow()))
    same_rows(folder, table, n_wanted=4 * N)
    shown = peers.firn_json("table", "files", "e.specs", "--format", "json", cwd=folder)
    wanted = {task.file.file_path: (task.file.spec_id, task.file.record_count) for task in table.scan().plan_files()}
    assert {f["path"]: (f["spec-id"], f["records"]) for f in shown} == wanted
    some = peers.firn_json("table", "cat", "e.specs", "--columns", "t,k,t", cwd=folder)
    assert len(some) == 4 * N and all(set(row) == {"t", "k"} and row["t"] == f"text {row['k']}" for row in some)


def row_groups_without_rows_hide_nothing(folder):
    catalog = catalog_of(folder)
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = catalog.create_table("e.groups", flat_schema(pa))
    table.append(pa.Table.from_pylist(flat_rows(0, N), schema=flat_schema(pa)))
    (task,) = table.scan().plan_files()
    path = task.file.file_path.removeprefix("file://")
    whole = pq.read_table(path, partitioning=None)
    with pq.ParquetWriter(path, whole.schema) as writer:
        for part in (whole.slice(0, 0), whole.slice(0, 5), whole.slice(0, 0), whole.slice(0, 0), whole.slice(5)):
            writer.write_table(part)
    assert pq.ParquetFile(path).metadata.num_row_groups == 5
    same_rows(folder, table, n_wanted=N)


peers.run(columns_are_added_dropped_renamed_promoted_and_moved, parts_of_structs_lists_and_maps_change, empty_lists_are_promoted_too,
          a_file_without_its_partition_columns_has_their_values, partitioning_changes_over_time, row_groups_without_rows_hide_nothing)

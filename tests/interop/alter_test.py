"""The same changes by firn and by PyIceberg on twin tables: schemas, specs, sort orders, refs and properties come out equal, the one refuses
what the other refuses, and each reads the other's rows, old files by the ids of their columns."""

import datetime
import decimal
import json
import os
import random
import sys

import peers
import values

NAME_MAPPING = "schema.name-mapping.default"
PRIMITIVES = ["boolean", "int", "long", "float", "double", "decimal(9, 2)", "date", "time", "timestamp", "timestamptz", "string", "binary", "fixed[4]"]


class Twins:
    """e.mine, changed by firn, and e.theirs, changed by PyIceberg."""

    def __init__(self, folder, schema, version=2, **how):
        peers.need("pyarrow", "pyiceberg")
        self.folder = folder
        os.makedirs(os.path.join(folder, "firn-data"))
        self.catalog = peers.pyiceberg_catalog(os.path.join(folder, "firn-data"))
        self.catalog.create_namespace("e")
        for name in ("mine", "theirs"):
            table = self.catalog.create_table(f"e.{name}", schema, properties={"format-version": str(version)}, **how)
            setattr(self, name, table)
        self.k = 0

    def firn(self, *words):
        """Whether firn takes the change."""
        run = peers.firn("table", *words, cwd=self.folder, status=None)
        assert run.returncode in (0, 1), f"{words}: {run.stderr}"
        self.said = run.stderr
        return run.returncode == 0

    def alter(self, *words, **options):
        return self.firn("alter", "e.mine", *words)

    def theirs_takes(self, change):
        from pyiceberg.exceptions import ValidationError

        try:
            change()
            return True
        except (ValueError, KeyError, NotImplementedError, ValidationError) as refused:  # what PyIceberg refuses with
            self.refused = refused
            return False

    def refresh(self):
        self.mine.refresh()
        self.theirs.refresh()

    def check_same(self, what):
        """Everything that both write of what is changed here."""
        self.refresh()
        mine, theirs = facts(self.mine), facts(self.theirs)
        for key in theirs:
            if mine[key] != theirs[key]:
                a, b = ([v for v in x if v not in y] if isinstance(x, list) else x for x, y in ((mine[key], theirs[key]), (theirs[key], mine[key])))
                raise AssertionError(f"after {what}: {key}:\nfirn      {a}\nPyIceberg {b}")

    def append(self, n, rng):
        """The same rows to both, by PyIceberg. False: it cannot write such partitions (two of one column, times of day)."""
        import pyarrow as pa

        self.refresh()
        rows = [row_of(self.theirs.schema(), self.k + i, rng) for i in range(n)]
        for table in (self.mine, self.theirs):
            try:
                table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))
            except (ValueError, AttributeError) as cannot:
                assert table is self.mine, cannot
                print(f"PyIceberg cannot append: {cannot}"[:120], flush=True)
                return False
        self.k += n
        return True

    def check_rows(self, n_wanted):
        """firn, PyIceberg and DuckDB read the same rows of both tables."""
        self.refresh()
        read = {}
        for table in (self.mine, self.theirs):
            name = ".".join(table.name())
            read[f"PyIceberg, {name}"] = rows_of(table.scan().to_arrow())
            read[f"firn, {name}"] = peers.firn_json("table", "cat", name, cwd=self.folder)
            read[f"DuckDB, {name}"] = rows_of(peers.duckdb().execute(f"from iceberg_scan('{table.metadata_location}')").to_arrow_table())
        wanted = read.pop("PyIceberg, e.theirs")
        assert len(wanted) == n_wanted
        for who, got in read.items():
            assert len(got) == n_wanted, f"{who}: {len(got)} rows, not {n_wanted}"
            for a, b in zip(sorted(got, key=lambda r: r["k"]), sorted(wanted, key=lambda r: r["k"])):
                assert list(a) == list(b) and values.same(a, b), f"{who}:\n{a} is not\n{b}"


def rows_of(arrow):
    columns = [column.combine_chunks() for column in arrow.columns]
    return [{name: values.from_arrow(column, i) for name, column in zip(arrow.column_names, columns)} for i in range(arrow.num_rows)]


def facts(table):
    m = json.loads(table.metadata.model_dump_json())
    numbers = {s.snapshot_id: i for i, s in enumerate(table.metadata.snapshots)}
    return {
        "schemas": [{**s, "identifier-field-ids": sorted(s.get("identifier-field-ids", []))} for s in m["schemas"]], "current schema": m["current-schema-id"],
        "last column id": m["last-column-id"], "specs": m["partition-specs"], "default spec": m["default-spec-id"],
        "last partition id": m["last-partition-id"], "sort orders": [o for o in m["sort-orders"] if o["order-id"] != 0],
        "default sort order": m["default-sort-order-id"], "properties": {k: v for k, v in m["properties"].items() if k != NAME_MAPPING}, "version": m["format-version"],
        "refs": {name: {**ref, "snapshot-id": numbers[ref["snapshot-id"]]} for name, ref in m["refs"].items()},
        "log": [numbers.get(entry["snapshot-id"]) for entry in m["snapshot-log"]],
    }


# --- values ---

def row_of(schema, k, rng):
    return {field.name: k if field.name == "k" else value_of(field.field_type, rng, field.required) for field in schema.fields}


def value_of(kind, rng, required):
    from pyiceberg import types

    if not required and rng.random() < 0.25:
        return None
    if isinstance(kind, types.StructType):
        return {f.name: value_of(f.field_type, rng, f.required) for f in kind.fields}
    if isinstance(kind, types.ListType):
        return [value_of(kind.element_type, rng, kind.element_required) for _ in range(rng.randrange(3))]
    if isinstance(kind, types.MapType):
        return [(i, value_of(kind.value_type, rng, kind.value_required)) for i in range(rng.randrange(3))]
    n = rng.randrange(-1000, 1000)
    return {
        types.BooleanType: lambda: n > 0, types.IntegerType: lambda: n, types.LongType: lambda: n << 20, types.FloatType: lambda: n / 8,
        types.DoubleType: lambda: n / 3, types.DecimalType: lambda: decimal.Decimal(n).scaleb(-kind.scale), types.DateType: lambda: datetime.date(1971, 5, 1) + datetime.timedelta(days=n // 90),
        types.TimeType: lambda: datetime.time(1, 2, 3, abs(n)), types.StringType: lambda: f"s{n}", types.BinaryType: lambda: b"b%d" % n,
        types.TimestampType: lambda: datetime.datetime(2001, 1, 1) + datetime.timedelta(hours=n // 50),
        types.TimestamptzType: lambda: datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(hours=n // 50),
        types.FixedType: lambda: b"%04d" % abs(n),
    }[type(kind)]()


def type_of(text):
    """firn's words for a type as PyIceberg's object."""
    from pyiceberg import types

    ids = iter(range(100000, 200000))

    def nested(text):
        if text.startswith("list<"):
            return types.ListType(next(ids), nested(text[5:-1]), False)
        if text.startswith("map<int, "):
            return types.MapType(next(ids), types.IntegerType(), next(ids), nested(text[9:-1]), False)
        if text.startswith("struct<"):
            parts, depth, at = [], 0, 7
            for i in range(7, len(text)):
                depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(text[i], 0)
                if depth < 0 or depth == 0 and text[i] == ",":
                    parts.append(text[at:i].strip())
                    at = i + 1
            return types.StructType(*[types.NestedField(next(ids), *(lambda n, t: (n.strip(), nested(t.strip()), False))(*p.split(":", 1))) for p in parts])
        return types.IcebergType.model_validate(text)

    return nested(text)


# --- random changes ---

def paths_of(schema):
    """Every field: its path, the type, whether it is in a struct."""
    from pyiceberg import types

    found = []

    def below(kind, path):
        if isinstance(kind, types.StructType):
            for f in kind.fields:
                found.append(((*path, f.name), f.field_type, True))
                below(f.field_type, (*path, f.name))
        elif isinstance(kind, types.ListType):
            found.append(((*path, "element"), kind.element_type, False))
            below(kind.element_type, (*path, "element"))
        elif isinstance(kind, types.MapType):
            found.append(((*path, "value"), kind.value_type, False))
            below(kind.value_type, (*path, "value"))

    below(schema.as_struct(), ())
    return found


def used_ids(table):
    return {f.source_id for f in table.spec().fields} | {f.source_id for f in table.sort_order().fields} | set(table.schema().identifier_field_ids)


def holds_used(table, path):
    """Whether a field or one below it is used by spec, order or identifiers: firn refuses to drop it, PyIceberg does not."""
    schema = table.schema()
    prefix = ".".join(path)
    names = {schema.find_column_name(i) for i in used_ids(table)}
    return any(name == prefix or name.startswith(prefix + ".") for name in names)


def change_schema(twins, rng, names):
    """One change of the schema by both, mostly a lawful one. Gives what it was."""
    from pyiceberg import types

    table, schema = twins.theirs, twins.theirs.schema()
    fields = paths_of(schema)
    path, kind, in_struct = rng.choice(fields)
    dotted = ".".join(path)
    parents = [()] + [p for p, t, _ in fields if isinstance(t, types.StructType)]

    def update(do):
        def run():
            with table.update_schema() as change:
                do(change)
        return twins.theirs_takes(run)

    deed = rng.choice(["add", "add", "drop", "rename", "move", "type", "doc", "optional", "required"])
    if deed == "add":
        parent = rng.choice(parents)
        text = rng.choice(PRIMITIVES + ["list<int>", "map<int, string>", "struct<a: int, b: list<string>>", "list<struct<x: date, y: float>>",
                                        "map<int, struct<v: decimal(5, 1)>>"])
        name = next(names) if rng.random() < 0.9 else rng.choice(fields)[0][-1]
        words = ["add-column", ".".join((*parent, name)), text]
        if rng.random() < 0.3:
            words += ["doc", "what it is"]
        ours = twins.alter(*words)
        theirs = update(lambda change: change.add_column((*parent, name), type_of(text), doc="what it is" if "doc" in words else None))
    elif deed == "drop":
        alone = in_struct and len((schema.find_field(".".join(path[:-1])).field_type if len(path) > 1 else schema.as_struct()).fields) == 1
        if dotted == "k":
            return "nothing"
        if alone or holds_used(table, path):
            assert not twins.alter("drop-column", dotted), dotted  # PyIceberg takes it, and the table is broken
            return "nothing"
        words = ["drop-column", dotted]
        ours, theirs = twins.alter(*words), update(lambda change: change.delete_column(path))
    elif deed == "rename":
        if dotted == "k" or not in_struct:
            return "nothing"
        name = next(names) if rng.random() < 0.8 else rng.choice(fields)[0][-1]
        siblings = {p[-1] for p, _, _ in fields if p[:-1] == path[:-1]}
        words = ["rename-column", dotted, name]
        if name in siblings and name != path[-1]:
            assert not twins.alter(*words)  # PyIceberg writes a schema that it cannot read
            return "nothing"
        ours, theirs = twins.alter(*words), update(lambda change: change.rename_column(path, name))
    elif deed == "move":
        siblings = [p for p, _, s in fields if p[:-1] == path[:-1] and s]
        if not in_struct or len(path) > 1 and not isinstance(schema.find_field(".".join(path[:-1])).field_type, types.StructType):
            return "nothing"
        other = rng.choice(siblings if rng.random() < 0.9 else [p for p, _, _ in fields])
        where = rng.choice(["first", "before", "after"])
        words = ["move-column", dotted, where] + ([] if where == "first" else [".".join(other)])
        ours = twins.alter(*words)
        theirs = update(lambda change: change.move_first(path) if where == "first" else getattr(change, f"move_{where}")(path, other))
    elif deed == "type":
        promoted = {"int": "long", "float": "double", "decimal(9, 2)": "decimal(18, 2)", "decimal(5, 1)": "decimal(6, 1)"}.get(str(kind))
        text = promoted if promoted and rng.random() < 0.8 else rng.choice(PRIMITIVES)
        if not isinstance(kind, types.PrimitiveType):
            return "nothing"
        if {str(kind), text} == {"string", "binary"}:
            assert not twins.alter("set-type", dotted, text)  # no promotion of the specification; PyIceberg takes it
            return "nothing"
        words = ["set-type", dotted, text]
        ours, theirs = twins.alter(*words), update(lambda change: change.update_column(path, type_of(text)))
    elif deed == "doc":
        if not in_struct:
            return "nothing"
        words = ["set-doc", dotted, f"about {rng.randrange(5)}"]
        ours, theirs = twins.alter(*words), update(lambda change: change.update_column(path, doc=words[2]))
    else:
        if dotted == "k":
            return "nothing"
        words = [f"set-{deed}", dotted]
        ours = twins.alter(*words)
        theirs = update(lambda change: change.update_column(path, required=deed == "required"))
    assert ours == theirs, f"{words}: firn {'took it' if ours else 'refused: ' + twins.said}, PyIceberg {'took it' if theirs else f'refused: {twins.refused}'}"
    return " ".join(words)


TERMS = {"day": ("day({})", "DayTransform"), "hour": ("hour({})", "HourTransform"), "month": ("month({})", "MonthTransform"), "year": ("year({})", "YearTransform"),
         "identity": ("{}", "IdentityTransform"), "bucket": ("bucket(8, {})", "BucketTransform"), "truncate": ("truncate({}, 5)", "TruncateTransform")}


def some_term(twins, rng):
    """A transform of a column outside of lists and maps that may take it, in firn's words and PyIceberg's."""
    from pyiceberg import transforms, types

    schema = twins.theirs.schema()
    free = [(p, t) for p, t, _ in paths_of(schema) if isinstance(t, types.PrimitiveType) and "element" not in p and "value" not in p]
    path, kind = rng.choice(free)
    lawful = [name for name in TERMS if transform_of(name).can_transform(kind) and not isinstance(kind, (types.FloatType, types.DoubleType))]
    if not lawful:
        return None
    name = rng.choice(lawful)
    return TERMS[name][0].format(".".join(path)), ".".join(path), transform_of(name)


def transform_of(name):
    from pyiceberg import transforms

    kind = getattr(transforms, TERMS[name][1])
    return kind(8) if name == "bucket" else kind(5) if name == "truncate" else kind()


def change_spec(twins, rng, names):
    table = twins.theirs

    def update(do):
        def run():
            with table.update_spec() as change:
                do(change)
        return twins.theirs_takes(run)

    live = [f.name for f in table.spec().fields if str(f.transform) != "void"]
    deed = rng.choice(["add", "add", "drop", "rename"])
    if deed == "add":
        term = some_term(twins, rng)
        taken = term is not None and table.schema().find_field(term[1]).field_id in {f.source_id for f in table.spec().fields}
        if term is None or len(live) > 3 or taken and rng.random() < 0.8:  # two of one column PyIceberg cannot write
            return "nothing"
        text, column, transform = term
        name = next(names) if rng.random() < 0.3 else None
        words = ["add-partition", text if name is None else f"{text} as {name}"]
        ours, theirs = twins.alter(*words), update(lambda change: change.add_field(column, transform, name))
    elif deed == "drop":
        name = rng.choice(live + ["nix"])
        words = ["drop-partition", name]
        ours, theirs = twins.alter(*words), update(lambda change: change.remove_field(name))
    else:
        name = rng.choice(live + ["nix"])
        to = next(names)
        words = ["rename-partition", name, to]
        ours, theirs = twins.alter(*words), update(lambda change: change.rename_field(name, to))
    assert ours == theirs, f"{words}: firn {'took it' if ours else 'refused: ' + twins.said}, PyIceberg {'took it' if theirs else f'refused: {twins.refused}'}"
    return " ".join(words)


def change_order(twins, rng, names):
    from pyiceberg.table.sorting import NullOrder

    terms = [t for t in (some_term(twins, rng) for _ in range(rng.randrange(3))) if t is not None]
    if not terms and twins.theirs.sort_order().is_unsorted:
        return "nothing"
    how = [(rng.choice(["asc", "desc"]), rng.choice(["first", "last"])) for _ in terms]
    text = ", ".join(f"{t[0]} {d} nulls {n}" for t, (d, n) in zip(terms, how))
    with twins.theirs.update_sort_order() as change:
        for (_, column, transform), (direction, nulls) in zip(terms, how):
            getattr(change, direction)(column, transform, NullOrder.NULLS_FIRST if nulls == "first" else NullOrder.NULLS_LAST)
    assert twins.alter("sort-by", text), twins.said
    return f"sort-by {text}"


def change_refs(twins, rng, names):
    table = twins.theirs
    order = {name: [s.snapshot_id for s in t.metadata.snapshots] for name, t in (("mine", twins.mine), ("theirs", twins.theirs))}
    i = rng.randrange(len(order["mine"]))
    mine, theirs = order["mine"][i], order["theirs"][i]
    refs = [name for name in table.metadata.refs if name != "main"]

    def update(do):
        def run():
            with table.manage_snapshots() as change:
                do(change)
        return twins.theirs_takes(run)

    deed = rng.choice(["branch", "tag", "drop", "rollback", "current"])
    name = next(names)
    if deed == "branch":
        words = ["branch", "e.mine", name, "--at", mine, "--min-snapshots", 3, "--max-snapshot-age", "7d", "--max-age", "30d"]
        day = 86_400_000
        ours, took = twins.firn(*words), update(lambda c: c.create_branch(theirs, name, max_ref_age_ms=30 * day, max_snapshot_age_ms=7 * day, min_snapshots_to_keep=3))
    elif deed == "tag":
        words = ["tag", "e.mine", name, "--at", mine, "--max-age", "1h"]
        ours, took = twins.firn(*words), update(lambda c: c.create_tag(theirs, name, max_ref_age_ms=3_600_000))
    elif deed == "drop":
        if not refs:
            return "nothing"
        name = rng.choice(refs)
        kind = table.metadata.refs[name].snapshot_ref_type.value
        words = [kind, "e.mine", name, "--drop"]
        ours, took = twins.firn(*words), update(lambda c: getattr(c, f"remove_{kind}")(name))
    else:
        words = ["rollback", "e.mine", mine] + (["--any"] if deed == "current" else [])
        ours = twins.firn(*words)
        took = update(lambda c: c.rollback_to_snapshot(theirs) if deed == "rollback" else c.set_current_snapshot(theirs))
    assert ours == took, f"{words}: firn {'took it' if ours else 'refused: ' + twins.said}, PyIceberg {'took it' if took else f'refused: {twins.refused}'}"
    return " ".join(map(str, words))


def change_properties(twins, rng, names):
    key = f"p{rng.randrange(4)}"
    if rng.random() < 0.3:
        assert twins.firn("properties", "e.mine", "--remove", key), twins.said
        if key in twins.theirs.metadata.properties:
            with twins.theirs.transaction() as t:
                t.remove_properties(key)
        return f"remove {key}"
    value = f"v{rng.randrange(4)}"
    assert twins.firn("properties", "e.mine", f"{key}={value}"), twins.said
    with twins.theirs.transaction() as t:
        t.set_properties({key: value})
    return f"{key}={value}"


def first_schema():
    from pyiceberg.schema import Schema
    from pyiceberg.types import IntegerType, ListType, LongType, MapType, NestedField, StringType, StructType, TimestamptzType

    return Schema(
        NestedField(1, "k", LongType(), required=True), NestedField(2, "at", TimestamptzType()), NestedField(3, "name", StringType()),
        NestedField(4, "st", StructType(NestedField(7, "n", IntegerType()), NestedField(8, "s", StringType()), NestedField(9, "t", StringType()))),
        NestedField(5, "ls", ListType(10, StructType(NestedField(11, "a", IntegerType()), NestedField(12, "b", StringType())), False)),
        NestedField(6, "m", MapType(13, IntegerType(), 14, StructType(NestedField(15, "v", IntegerType()), NestedField(16, "w", StringType())), False)))


def random_sequence(folder, seed, version, n_changes):
    print(f"seed {seed}, version {version}", flush=True)
    rng = random.Random(seed)
    names = (f"n{i}" for i in range(10 ** 6))
    twins = Twins(folder, first_schema(), version=version)
    assert twins.append(5, rng) and twins.append(5, rng)
    said = []
    for step in range(n_changes):
        change = rng.choices([change_schema, change_spec, change_order, change_refs, change_properties], [8, 3, 1, 2, 1])[0]
        try:
            said.append(change(twins, rng, names))
            twins.check_same(said[-1])
        except AssertionError:
            print("\n".join(said[-10:]), flush=True)
            raise
        if step % 12 == 11:
            n_rows = len(twins.theirs.scan().to_arrow())
            n_rows += 5 if twins.append(5, rng) else 0
            twins.check_same("an append")
            twins.check_rows(n_rows)
    twins.check_rows(len(twins.theirs.scan().to_arrow()))


def random_changes_come_out_equal(folder):
    seeds = [int(s) for s in sys.argv[2:]] or [1, 5]
    for seed in seeds:
        random_sequence(os.path.join(folder, str(seed)), seed, 2 if seed % 5 else 1, 26)


def widening_is_union_by_name(folder):
    """Nested columns that the table lacks, wider types and docs, in one commit."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import DoubleType, IntegerType, ListType, LongType, MapType, NestedField, StringType, StructType

    twins = Twins(folder, first_schema())
    rng = random.Random(9)
    assert twins.append(5, rng)
    wide = Schema(
        NestedField(1, "new", StructType(NestedField(20, "x", IntegerType()), NestedField(21, "y", ListType(22, StringType(), False)))),
        NestedField(2, "k", LongType(), required=True), NestedField(3, "name", StringType(), doc="whose"),
        NestedField(4, "st", StructType(NestedField(23, "extra", DoubleType()), NestedField(24, "n", LongType()))),
        NestedField(5, "ls", ListType(25, StructType(NestedField(26, "c", StringType()), NestedField(27, "a", LongType())), False)),
        NestedField(6, "m", MapType(28, IntegerType(), 29, StructType(NestedField(30, "v", LongType())), False)))
    path = os.path.join(folder, "wide.json")
    with open(path, "w") as f:
        f.write(wide.model_dump_json())
    assert twins.alter("widen", path), twins.said
    with twins.theirs.update_schema() as change:
        change.union_by_name(wide)
    twins.check_same("widen")
    assert twins.append(5, rng)
    twins.check_rows(10)
    assert twins.alter("widen", path) and "nothing had to change" in twins.said


def identifiers_and_the_name_mapping_follow(folder):
    from pyiceberg.types import IntegerType

    twins = Twins(folder, first_schema())
    for table in (twins.mine, twins.theirs):
        from pyiceberg.table.name_mapping import create_mapping_from_schema

        with table.transaction() as t:
            t.set_properties({NAME_MAPPING: create_mapping_from_schema(table.schema()).model_dump_json()})
    assert twins.alter("set-identifiers", "k")
    with twins.theirs.update_schema() as change:
        change.set_identifier_fields("k")
    twins.check_same("identifiers")
    assert not twins.alter("drop-column", "k") and not twins.alter("set-optional", "k") and not twins.alter("set-identifiers", "name")
    for words, do in ((["rename-column", "k", "key"], lambda c: c.rename_column("k", "key")), (["rename-column", "st.n", "number"], lambda c: c.rename_column(("st", "n"), "number")),
                      (["add-column", "st.n", "int"], lambda c: c.add_column(("st", "n"), IntegerType())), (["drop-column", "name"], lambda c: c.delete_column("name")),
                      (["rename-column", "at", "name"], lambda c: c.rename_column("at", "name"))):
        assert twins.alter(*words), twins.said
        with twins.theirs.update_schema() as change:
            do(change)
        twins.refresh()
        mappings = [json.loads(t.metadata.properties[NAME_MAPPING]) for t in (twins.mine, twins.theirs)]
        assert normal(mappings[0]) == normal(mappings[1]), f"{words}:\n{mappings[0]}\n{mappings[1]}"


def normal(mapping):
    """PyIceberg writes an empty list of fields where there are none."""
    return [{"id": m.get("field-id"), "names": sorted(m["names"]), "fields": normal(m.get("fields", []))} for m in mapping]


def rollback_and_fast_forward(folder):
    twins = Twins(folder, first_schema())
    rng = random.Random(4)
    for _ in range(3):
        assert twins.append(2, rng)
    twins.refresh()
    first, second, third = (s.snapshot_id for s in twins.mine.snapshots())
    when = datetime.datetime.fromtimestamp(twins.mine.snapshots()[1].timestamp_ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds")
    assert twins.firn("branch", "e.mine", "ahead") and twins.firn("tag", "e.mine", "then", "--time", when)
    assert twins.firn("rollback", "e.mine", "--time", when), twins.said  # from before that time
    assert twins.mine.refresh().metadata.current_snapshot_id == first
    assert twins.mine.metadata.refs["then"].snapshot_id == second
    assert len(twins.mine.scan().to_arrow()) == 2
    assert not twins.firn("rollback", "e.mine", third) and "not an ancestor" in twins.said
    assert twins.firn("branch", "e.mine", "main", "--fast-forward", "ahead"), twins.said
    assert twins.mine.refresh().metadata.current_snapshot_id == third
    assert twins.firn("branch", "e.mine", "ahead", "--replace", "--at", first) and not twins.firn("branch", "e.mine", "main", "--fast-forward", "ahead")
    assert twins.firn("tag", "e.mine", "then", "--rename", "once") and twins.firn("branch", "e.mine", "ahead", "--retain", "--min-snapshots", 2)
    refs = twins.mine.refresh().metadata.refs
    assert refs["once"].snapshot_id == second and refs["ahead"].min_snapshots_to_keep == 2 and "then" not in refs
    scan = f"iceberg_scan('{twins.mine.metadata_location}', snapshot_from_id => {second}::ubigint)"
    assert peers.duckdb().execute(f"select count(k) from {scan}").fetchall() == [(4,)]
    assert twins.firn("rollback", "e.mine", "once") and len(peers.firn_json("table", "cat", "e.mine", cwd=folder)) == 4
    lines = peers.firn("table", "rollback", "e.mine", first, "--dry-run", cwd=folder).stdout.splitlines()
    assert [list(json.loads(line))[0] for line in lines] == ["type", "type", "action"] and twins.mine.refresh().metadata.current_snapshot_id == second


def processes_lose_nothing(folder):
    """Three processes add columns and properties at once to one table."""
    from concurrent.futures import ThreadPoolExecutor

    twins = Twins(folder, first_schema())
    assert twins.firn("properties", "e.mine", "commit.retry.num-retries=100", "commit.retry.min-wait-ms=5", "commit.retry.max-wait-ms=50"), twins.said

    def work(who):
        for i in range(8):
            peers.firn("table", "alter", "e.mine", "add-column", f"w{who}_{i}", "int", cwd=folder)
            peers.firn("table", "properties", "e.mine", f"w{who}.{i}=x", cwd=folder)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    table = twins.mine.refresh()
    wanted = [f"{who}_{i}" for who in range(3) for i in range(8)]
    assert {f.name[1:] for f in table.schema().fields if f.name.startswith("w")} == set(wanted)
    assert all(table.properties[f"w{name.replace('_', '.')}"] == "x" for name in wanted)
    assert table.metadata.last_column_id == 16 + len(wanted)


def hostile_words_are_one_sentence(folder):
    twins = Twins(folder, first_schema())
    before = twins.mine.metadata_location
    long = "x" * 100_000
    for words in (["add-column", long, "int"], ["add-column", "x", "list<" * 5000], ["add-column", "x", "struct<" + "a: struct<" * 100 + "b: int" + ">" * 101],
                  ["rename-column", "name", long], ["add-partition", "bucket(0, k)"], ["add-partition", "(" * 100_000], ["sort-by", '"' * 99_999],
                  ["partition-by", ",".join(["k"] * 5000)], ["set-type", "k", "decimal(99999999999999999999, 1)"], ["upgrade", "99999999999999999999"],
                  ["add-column", "x\ud800".encode("utf-8", "surrogatepass"), "int"], ["drop-column", "name';drop table x"], ["set-doc", "name", b"\xff"]):
        run = peers.subprocess.run([peers.FIRN, "table", "alter", "e.mine", *words], cwd=folder, capture_output=True)
        assert run.returncode == 1 and run.stderr.count(b"\n") == 1 and len(run.stderr) < 1000, (words[0], run.returncode, run.stderr[:2000])
    assert twins.mine.refresh().metadata_location == before


peers.run(random_changes_come_out_equal, widening_is_union_by_name, identifiers_and_the_name_mapping_follow, rollback_and_fast_forward,
          processes_lose_nothing, hostile_words_are_one_sentence)

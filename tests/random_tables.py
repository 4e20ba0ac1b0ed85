"""Iceberg tables from a seed, written by PyIceberg: types, nesting, nulls and hard values, partitions, evolution of schema and spec,
rows rewritten and removed (copy on write); and random queries over them.

Used by tests/interop/sql_random_test.py. The same seed gives the same table and the same queries.
"""

import datetime
import decimal
import math
import random
import string
import uuid

import pyarrow as pa
from pyiceberg import types as t
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, HourTransform, IdentityTransform, MonthTransform, TruncateTransform, YearTransform

EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
TEXTS = ["", "a", "ab", "abc", "zzz", "Ä", "日本語テキスト", "x" * 30, "prefix-" * 5, "\U0010ffff\U0010ffff end", "it's", 'say "hi"', "%_", "NULL"]


def simple_types(rnd):
    p = rnd.randint(1, 38)
    return [t.BooleanType(), t.IntegerType(), t.LongType(), t.FloatType(), t.DoubleType(), t.DecimalType(p, rnd.randint(0, p)), t.DateType(),
            t.TimeType(), t.TimestampType(), t.TimestamptzType(), t.StringType(), t.BinaryType(), t.FixedType(rnd.randint(1, 12)), t.UUIDType(),
            t.StringType(), t.IntegerType(), t.LongType(), t.DateType(), t.TimestampType()]


def arrow_type(kind):
    if isinstance(kind, t.StructType):
        return pa.struct([pa.field(f.name, arrow_type(f.field_type), nullable=not f.required) for f in kind.fields])
    if isinstance(kind, t.ListType):
        return pa.list_(pa.field("element", arrow_type(kind.element_type), nullable=not kind.element_required))
    if isinstance(kind, t.MapType):
        return pa.map_(arrow_type(kind.key_type), pa.field("value", arrow_type(kind.value_type), nullable=not kind.value_required))
    if isinstance(kind, t.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, t.FixedType):
        return pa.binary(len(kind))
    return {t.BooleanType: pa.bool_(), t.IntegerType: pa.int32(), t.LongType: pa.int64(), t.FloatType: pa.float32(), t.DoubleType: pa.float64(),
            t.DateType: pa.date32(), t.TimeType: pa.time64("us"), t.TimestampType: pa.timestamp("us"), t.TimestamptzType: pa.timestamp("us", "UTC"),
            t.StringType: pa.large_string(), t.BinaryType: pa.large_binary(), t.UUIDType: pa.uuid()}[type(kind)]


def value(rnd, kind):
    """A value as pyarrow takes it; never None at the top."""
    if isinstance(kind, t.BooleanType):
        return rnd.random() < 0.5
    if isinstance(kind, t.IntegerType):
        return rnd.choice([rnd.randint(-20, 20), rnd.randint(-2**31, 2**31 - 1), -2**31, 2**31 - 1, 0])
    if isinstance(kind, t.LongType):
        return rnd.choice([rnd.randint(-20, 20), rnd.randint(-2**63, 2**63 - 1), -2**63, 2**63 - 1, 0])
    if isinstance(kind, (t.FloatType, t.DoubleType)):
        return rnd.choice([rnd.randint(-100, 100) / 4, 0.0, -0.0, math.nan, math.inf, -math.inf, rnd.randint(-2**20, 2**20) / 64])
    if isinstance(kind, t.DecimalType):
        limit = 10**kind.precision - 1
        unscaled = rnd.choice([rnd.randint(-limit, limit), rnd.randint(-9, 9), limit, -limit])
        return decimal.Decimal(unscaled).scaleb(-kind.scale, decimal.Context(prec=60))
    if isinstance(kind, t.DateType):
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=rnd.choice([rnd.randint(-800, 800), rnd.randint(-5, 5), rnd.randint(-100000, 100000)]))
    if isinstance(kind, t.TimeType):
        return (datetime.datetime.min + datetime.timedelta(microseconds=rnd.randint(0, 86399999999))).time()
    if isinstance(kind, (t.TimestampType, t.TimestamptzType)):
        us = rnd.choice([rnd.randint(-10**8, 10**8), rnd.randint(-5 * 10**13, 5 * 10**13), -1, 0, 86400 * 10**6])
        moment = EPOCH + datetime.timedelta(microseconds=us)
        return moment.replace(tzinfo=UTC) if isinstance(kind, t.TimestamptzType) else moment
    if isinstance(kind, t.StringType):
        return rnd.choice([rnd.choice(TEXTS), "".join(rnd.choices(string.ascii_lowercase, k=rnd.randint(0, 3))), rnd.choice(TEXTS) + str(rnd.randint(0, 9))])
    if isinstance(kind, t.BinaryType):
        return rnd.choice([b"", b"\x00", b"\xff" * 20, rnd.randbytes(rnd.randint(0, 24))])
    if isinstance(kind, t.FixedType):
        return rnd.randbytes(len(kind))
    if isinstance(kind, t.UUIDType):
        return uuid.UUID(bytes=rnd.randbytes(16)).bytes
    if isinstance(kind, t.StructType):
        return {f.name: maybe(rnd, f.field_type, f.required) for f in kind.fields}
    if isinstance(kind, t.ListType):
        return [maybe(rnd, kind.element_type, kind.element_required) for _ in range(rnd.randint(0, 4))]
    keys = {repr(k): k for k in (value(rnd, kind.key_type) for _ in range(rnd.randint(0, 3)))}
    return [(k, maybe(rnd, kind.value_type, kind.value_required)) for k in keys.values()]


def maybe(rnd, kind, required, nulls=0.15):
    return None if not required and rnd.random() < nulls else value(rnd, kind)


class Maker:
    """One table while it is made."""

    def __init__(self, seed, catalog, name):
        self.rnd, self.catalog, self.name, self.next_name = random.Random(seed), catalog, name, 0
        rnd = self.rnd
        fields = [t.NestedField(1, "id", t.LongType(), required=False)]
        self.ids = 1
        for _ in range(rnd.randint(2, 7)):
            fields.append(self.field(rnd.random() < 0.25))
        self.table = catalog.create_table(name, Schema(*fields), properties=self.properties())
        self.rows = 0
        if rnd.random() < 0.7:
            self.evolve_spec()

    def properties(self):
        rnd = self.rnd
        found = {"format-version": rnd.choice(["1", "2", "2"])}
        if rnd.random() < 0.5:
            found["write.parquet.row-group-limit"] = str(rnd.choice([50, 200, 1000]))
        if rnd.random() < 0.4:
            found["write.parquet.page-row-limit"] = str(rnd.choice([20, 100]))
        if rnd.random() < 0.3:
            found["write.metadata.metrics.default"] = rnd.choice(["none", "counts", "truncate(4)", "full"])
        return found

    def id(self):
        self.ids += 1
        return self.ids

    def field(self, nested):
        self.next_name += 1
        return t.NestedField(self.id(), f"c{self.next_name}", self.kind(2 if nested else 0), required=False)

    def kind(self, depth, inside=False):
        rnd = self.rnd
        if depth == 0 or rnd.random() < 0.4:
            kind = rnd.choice(simple_types(rnd))
            return t.StringType() if inside and isinstance(kind, t.UUIDType) else kind  # pyarrow makes no nested extension arrays
        shape = rnd.randint(0, 2)
        if shape == 0:
            return t.StructType(*[t.NestedField(self.id(), f"f{i}", self.kind(depth - 1, True), required=False) for i in range(rnd.randint(1, 3))])
        if shape == 1:
            return t.ListType(self.id(), self.kind(depth - 1, True), element_required=False)
        key, val = self.id(), self.id()
        return t.MapType(key, rnd.choice([t.StringType(), t.IntegerType()]), val, self.kind(depth - 1, True), value_required=False)

    def evolve_spec(self):
        rnd = self.rnd
        used = {f.source_id for f in self.table.spec().fields}
        sources = [f for f in self.table.schema().fields if not f.field_type.is_struct and f.field_type.is_primitive and f.field_id not in used]
        sources = [f for f in sources if not isinstance(f.field_type, (t.FloatType, t.DoubleType, t.BooleanType, t.TimeType, t.UUIDType, t.FixedType, t.BinaryType))]
        if not sources:
            return
        source = rnd.choice(sources)
        kind = source.field_type
        choices = [BucketTransform(rnd.choice([2, 5])), IdentityTransform()]
        if isinstance(kind, (t.StringType, t.IntegerType, t.LongType)):
            choices += [TruncateTransform(rnd.choice([1, 3, 10]))]
        if isinstance(kind, t.DateType):
            choices = [YearTransform(), MonthTransform(), DayTransform(), BucketTransform(3)]
        if isinstance(kind, (t.TimestampType, t.TimestamptzType)):
            choices = [YearTransform(), MonthTransform(), DayTransform(), HourTransform(), BucketTransform(3)]
        if isinstance(kind, t.DecimalType):
            choices = [BucketTransform(3), IdentityTransform()]
        with self.table.update_spec() as update:
            update.add_field(source.name, rnd.choice(choices), f"p{len(self.table.metadata.partition_specs)}_{source.name}")

    def evolve_schema(self):
        rnd = self.rnd
        deed = rnd.choice(["add", "drop", "rename", "promote", "promote"])
        columns = [f for f in self.table.schema().fields if f.name != "id"]
        sources = {f.source_id for s in self.table.metadata.partition_specs for f in s.fields}
        with self.table.update_schema() as update:
            if deed == "add" or not columns:
                self.next_name += 1
                update.add_column(f"c{self.next_name}", self.kind(rnd.choice([0, 0, 1])))
            elif deed == "drop":
                free = [f for f in columns if f.field_id not in sources]
                if free:
                    update.delete_column(rnd.choice(free).name)
            elif deed == "rename":
                self.next_name += 1
                update.rename_column(rnd.choice(columns).name, f"r{self.next_name}")
            else:
                for f in columns:
                    if isinstance(f.field_type, t.IntegerType):
                        update.update_column(f.name, t.LongType())
                    elif isinstance(f.field_type, t.FloatType):
                        update.update_column(f.name, t.DoubleType())
                    elif isinstance(f.field_type, t.DecimalType) and f.field_type.precision < 38:
                        update.update_column(f.name, t.DecimalType(rnd.randint(f.field_type.precision, 38), f.field_type.scale))

    def append(self):
        rnd, n = self.rnd, self.rnd.choice([1, 10, 100, 400])
        fields = self.table.schema().fields
        columns = {}
        for f in fields:
            if f.name == "id":
                columns["id"] = pa.array(range(self.rows, self.rows + n), pa.int64())
                continue
            nulls = rnd.choice([0, 0.1, 0.1, 1])
            pool = [value(rnd, f.field_type) for _ in range(rnd.choice([1, 3, n]))]
            if rnd.random() < 0.3:
                pool.sort(key=repr)
            values = [None if rnd.random() < nulls else pool[i * len(pool) // n] for i in range(n)]
            kind = arrow_type(f.field_type)
            columns[f.name] = pa.array(values, pa.binary(16)).cast(kind) if isinstance(f.field_type, t.UUIDType) else pa.array(values, kind)
        self.rows += n
        self.table.append(pa.table(columns))

    def remove(self):
        """Copy on write: files are dropped or rewritten, never delete files."""
        low = self.rnd.randint(0, max(self.rows - 1, 0))
        self.table.delete(f"id >= {low} and id < {low + self.rnd.randint(1, 60)}")

    def make(self):
        rnd = self.rnd
        for _ in range(rnd.randint(2, 6)):
            for deed, chance in ((self.evolve_schema, 0.35), (self.evolve_spec, 0.2)):
                if rnd.random() < chance and self.rows > 0:
                    deed()
            self.append()
            if rnd.random() < 0.15:
                self.remove()
        return self.table


def literal(rnd, kind):
    """A value as SQL text; None where the kind has none that all engines read alike."""
    v = value(rnd, kind)
    if isinstance(kind, (t.IntegerType, t.LongType)):
        return f"({v})" if v > -2**63 else "(-9223372036854775807 - 1)"
    if isinstance(kind, t.DecimalType):
        return f"cast('{v:f}' as decimal({kind.precision}, {kind.scale}))"
    if isinstance(kind, t.FloatType):
        return f"cast('{v}' as float)"
    if isinstance(kind, t.DoubleType):
        return f"cast('{v}' as double)"
    if isinstance(kind, t.BooleanType):
        return str(v).lower()
    if isinstance(kind, t.DateType):
        return f"date '{v}'" if v.year > 0 else None
    if isinstance(kind, t.TimeType):
        return f"time '{v}'"
    if isinstance(kind, t.TimestampType):
        return f"timestamp '{v}'"
    if isinstance(kind, t.TimestamptzType):
        return f"timestamptz '{v}'"
    if isinstance(kind, t.StringType):
        return "'" + v.replace("'", "''") + "'"
    if isinstance(kind, t.UUIDType):
        return f"'{uuid.UUID(bytes=v)}'::uuid"
    return None


def predicate(rnd, schema, depth=2):
    if depth > 0 and rnd.random() < 0.45:
        left, right = predicate(rnd, schema, depth - 1), predicate(rnd, schema, depth - 1)
        return rnd.choice([f"({left} and {right})", f"({left} or {right})", f"(not {left})"])
    field = rnd.choice(schema.fields)
    name, kind = f'"{field.name}"', field.field_type
    if isinstance(kind, t.StructType) and rnd.random() < 0.7:
        inner = rnd.choice(kind.fields)
        name, kind = f'{name}."{inner.name}"', inner.field_type
    texts = [literal(rnd, kind) for _ in range(3)] if kind.is_primitive else [None]
    if None in texts or rnd.random() < 0.15:
        return f"{name} is {rnd.choice(['', 'not '])}null"
    shape = rnd.randint(0, 6)
    if isinstance(kind, t.StringType) and shape == 6:
        prefix = rnd.choice(["a%", "prefix-%", "x%", "日%", "%b", "_b%"])
        return f"{name} {rnd.choice(['', 'not '])}like '{prefix}'"
    if shape == 5:
        return f"{name} {rnd.choice(['', 'not '])}in ({', '.join(texts)})"
    if shape == 4:
        return f"{name} between {texts[0]} and {texts[1]}"
    return f"{name} {rnd.choice(['=', '<>', '<', '<=', '>', '>='])} {texts[0]}"


def queries(seed, schema, n=20):
    """SQL texts over a table called {t}; their rows are compared as bags."""
    rnd = random.Random(seed * 7919 + 1)
    found = ["select * from {t}", "select count(*) as n from {t}"]
    plain = [f for f in schema.fields if f.field_type.is_primitive and not isinstance(f.field_type, (t.FixedType, t.BinaryType))]
    ordered = [f for f in plain if not isinstance(f.field_type, (t.BooleanType, t.UUIDType))]
    while len(found) < n:
        where = f" where {predicate(rnd, schema)}" if rnd.random() < 0.85 else ""
        shape = rnd.randint(0, 5)
        some = rnd.sample(schema.fields, rnd.randint(1, len(schema.fields)))
        names = ", ".join(f'"{f.name}"' for f in some)
        if shape <= 2:
            found.append(f"select {names} from {{t}}{where}")
        elif shape == 3:
            parts = ["count(*) as n"] + [f'min("{f.name}") as a{i}, max("{f.name}") as b{i}, count("{f.name}") as c{i}' for i, f in enumerate(rnd.sample(ordered, min(2, len(ordered))))]
            found.append(f"select {', '.join(parts)} from {{t}}{where}")
        elif shape == 4 and plain:
            key = rnd.choice(plain).name
            found.append(f'select "{key}" as k, count(*) as n, count(distinct id) as d, sum(id)::bigint as s from {{t}}{where} group by 1')
        else:
            found.append(f"select id from {{t}}{where} order by id desc limit {rnd.randint(1, 20)}")
    return found

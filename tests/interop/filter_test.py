"""Filters as firn judges them beside PyIceberg: the same rows match, and what one of the two prunes the other prunes too, or it is known why not."""

import collections
import datetime
import decimal
import json
import os
import random
import subprocess

import peers

peers.need("pyiceberg")

from pyiceberg.conversions import to_bytes  # noqa: E402
from pyiceberg.expressions import (And, EqualTo, GreaterThan, GreaterThanOrEqual, In, IsNull, LessThan, LessThanOrEqual, Not, NotEqualTo, NotIn,  # noqa: E402
                                   NotNull, NotStartsWith, Or, StartsWith)
from pyiceberg.expressions.literals import literal  # noqa: E402
from pyiceberg.expressions.visitors import (_InclusiveMetricsEvaluator, _StrictMetricsEvaluator, expression_evaluator, inclusive_projection,  # noqa: E402
                                            manifest_evaluator, rewrite_not)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestFile, PartitionFieldSummary  # noqa: E402
from pyiceberg.partitioning import PartitionField, PartitionSpec  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.transforms import (BucketTransform, DayTransform, HourTransform, IdentityTransform, MonthTransform, TruncateTransform,  # noqa: E402
                                  YearTransform)
from pyiceberg.typedef import Record  # noqa: E402
from pyiceberg.types import (BooleanType, DateType, DecimalType, DoubleType, IntegerType, LongType, NestedField, StringType, TimestampType,  # noqa: E402
                             TimestamptzType)

TOOL = os.path.join(peers.BUILD, "filter_tool")
SEED = int(os.environ.get("FIRN_SEED", "1"))
WORLDS, ROWS, FILTERS = 150, 16, 6
TEXTS = ["", "a", "ab", "abc", "abd", "b", "zz", "é", "éa", "\U0001F600", "ab\U0001F600"]
EPOCH = datetime.datetime(1970, 1, 1)
TYPES = [BooleanType(), IntegerType(), LongType(), DoubleType(), DecimalType(9, 2), DateType(), TimestampType(), TimestamptzType(), StringType(), StringType()]
COMPARISONS = [EqualTo, NotEqualTo, LessThan, LessThanOrEqual, GreaterThan, GreaterThanOrEqual]


def some_value(dice, kind):
    """As PyIceberg keeps it: days, microseconds, Decimal."""
    if isinstance(kind, BooleanType):
        return dice.random() < 0.5
    if isinstance(kind, (IntegerType, LongType)):
        return dice.randint(-12, 12)
    if isinstance(kind, DoubleType):
        return dice.choice([-1.5, -0.5, 0.0, 0.5, 2.5, 1e30])
    if isinstance(kind, DecimalType):
        return decimal.Decimal(dice.randint(-90, 90)).scaleb(-2)
    if isinstance(kind, DateType):
        return 20000 + dice.randint(-40, 40)
    if isinstance(kind, (TimestampType, TimestamptzType)):
        return 1728000000000000 + dice.randint(-40, 40) * 43200000000 + dice.choice([0, 0, 1, -1])
    return dice.choice(TEXTS)


def as_literal(kind, value):
    """PyIceberg knows dates and times in filters as Python's own."""
    if isinstance(kind, DateType):
        return literal((EPOCH + datetime.timedelta(days=value)).date())
    if isinstance(kind, TimestampType):
        return literal(EPOCH + datetime.timedelta(microseconds=value))
    if isinstance(kind, TimestamptzType):
        return literal((EPOCH + datetime.timedelta(microseconds=value)).replace(tzinfo=datetime.timezone.utc))
    return literal(value)


def some_transform(dice, kind):
    options = [IdentityTransform()]
    if not isinstance(kind, (BooleanType, DoubleType)):
        options.append(BucketTransform(dice.randint(1, 4)))
    if isinstance(kind, (IntegerType, LongType, StringType, DecimalType)):
        options.append(TruncateTransform(dice.randint(1, 4)))
    if isinstance(kind, (DateType, TimestampType, TimestamptzType)):
        options += [YearTransform(), MonthTransform(), DayTransform()]
    if isinstance(kind, (TimestampType, TimestamptzType)):
        options.append(HourTransform())
    return dice.choice(options)


class World:
    def __init__(self, dice):
        self.dice = dice
        kinds = [dice.choice(TYPES) for _ in range(dice.randint(1, 4))]
        self.fields = [NestedField(i + 1, "abcd"[i], kind, required=False) for i, kind in enumerate(kinds)]
        self.schema = Schema(*self.fields)
        parts = []
        for i in range(dice.randint(0, 2)):
            source = dice.randrange(len(kinds))
            parts.append(PartitionField(source + 1, 1000 + i, some_transform(dice, kinds[source]), f"p{i}"))
        self.spec = PartitionSpec(*parts, spec_id=1)
        self.partition_schema = Schema(*self.spec.partition_type(self.schema).fields)
        pools = [[some_value(dice, kind) for _ in range(dice.randint(1, 5))] for kind in kinds]
        odds = dice.choice([0, 0.1, 0.5])
        self.rows = [[None if dice.random() < odds else dice.choice(pool) for pool in pools] for _ in range(ROWS)]
        self.files = collections.defaultdict(list)
        for row in self.rows:
            self.files[self.tuple_of(row)].append(row)

    def tuple_of(self, row):
        return tuple(part.transform.transform(self.fields[part.source_id - 1].field_type)(row[part.source_id - 1]) for part in self.spec.fields)

    def predicate(self):
        dice, c = self.dice, self.dice.randrange(len(self.fields))
        kind, name = self.fields[c].field_type, self.fields[c].name
        known = [row[c] for row in self.rows if row[c] is not None]

        def value():
            return as_literal(kind, dice.choice(known) if known and dice.random() < 0.5 else some_value(dice, kind))

        how = dice.random()
        if how < 0.15:
            return dice.choice([IsNull, NotNull])(name)
        if how < 0.35:
            return dice.choice([In, NotIn])(name, {value() for _ in range(dice.randint(2, 4))})
        if how < 0.6 and isinstance(kind, StringType):
            return dice.choice([StartsWith, NotStartsWith])(name, dice.choice(TEXTS[1:]))
        return dice.choice(COMPARISONS)(name, value())

    def filter(self, depth=2):
        how = self.dice.random()
        if depth == 0 or how < 0.5:
            return self.predicate()
        if how < 0.7:
            return And(self.filter(depth - 1), self.filter(depth - 1))
        if how < 0.9:
            return Or(self.filter(depth - 1), self.filter(depth - 1))
        return Not(self.filter(depth - 1))

    def statistics(self, rows):
        """Counts of all columns, bounds of most."""
        values = {f.field_id: [row[f.field_id - 1] for row in rows if row[f.field_id - 1] is not None] for f in self.fields}
        stats = {"values": {i: len(rows) for i in values}, "nulls": {i: len(rows) - len(v) for i, v in values.items()},
                 "nans": {f.field_id: 0 for f in self.fields if isinstance(f.field_type, DoubleType)}, "lower": {}, "upper": {}}
        for f in self.fields:
            known = values[f.field_id]
            if known and self.dice.random() < 0.9:
                stats["lower"][f.field_id] = to_bytes(f.field_type, min(known, key=order))
                stats["upper"][f.field_id] = to_bytes(f.field_type, max(known, key=order))
        return stats

    def summaries(self):
        out = []
        for i, f in enumerate(self.partition_schema.fields):
            known = [key[i] for key in self.files if key[i] is not None]
            out.append({"null": len(known) < len(self.files), "nan": False, "lower": to_bytes(f.field_type, min(known, key=order)) if known else None,
                        "upper": to_bytes(f.field_type, max(known, key=order)) if known else None})
        return out


def order(value):
    return value.encode() if isinstance(value, str) else value


def hexed(schema, values):
    return [None if value is None else to_bytes(f.field_type, value).hex() for f, value in zip(schema.fields, values)]


def question(world, expression, files, summaries):
    def pairs(known, change=lambda v: v):
        return [[i, change(v)] for i, v in known.items()]
    return {"schema": json.loads(world.schema.model_dump_json()), "spec": json.loads(world.spec.model_dump_json()), "filter": json.loads(expression.model_dump_json()),
            "files": [{"records": len(rows), "partition": hexed(world.partition_schema, key), "values": pairs(s["values"]), "nulls": pairs(s["nulls"]),
                       "nans": pairs(s["nans"]), "lower": pairs(s["lower"], bytes.hex), "upper": pairs(s["upper"], bytes.hex)} for key, rows, s in files],
            "manifests": [[{**s, "lower": s["lower"] and s["lower"].hex(), "upper": s["upper"] and s["upper"].hex()} if s["lower"] != b"" else
                           {**s, "lower": "", "upper": s["upper"].hex()} for s in summaries]],
            "rows": [hexed(world.schema, row) for row in world.rows]}


def pyiceberg_says(world, expression, files, summaries):
    inclusive, strict = _InclusiveMetricsEvaluator(world.schema, expression), _StrictMetricsEvaluator(world.schema, expression)
    projected = inclusive_projection(world.schema, world.spec)(expression)
    on_tuple = expression_evaluator(world.partition_schema, projected, True) if world.spec.fields else lambda _: True
    on_row = expression_evaluator(world.schema, rewrite_not(expression), True)  # as its scans do; a bare Not would match nulls
    judged = []
    for key, rows, s in files:
        file = DataFile.from_args(content=DataFileContent.DATA, file_path="f", file_format=FileFormat.PARQUET, partition=Record(*key), record_count=len(rows),
                                  file_size_in_bytes=1, value_counts=s["values"], null_value_counts=s["nulls"], nan_value_counts=s["nans"],
                                  lower_bounds=s["lower"], upper_bounds=s["upper"])
        partition = on_tuple(Record(*key))
        judged.append([partition and inclusive.eval(file), strict.eval(file), partition])
    listed = [PartitionFieldSummary.from_args(contains_null=s["null"], contains_nan=s["nan"], lower_bound=s["lower"], upper_bound=s["upper"]) for s in summaries]
    manifest = ManifestFile.from_args(manifest_path="m", manifest_length=1, partition_spec_id=1, partitions=listed)
    reads = manifest_evaluator(world.spec, world.schema, projected)(manifest) if world.spec.fields else True
    return {"files": judged, "manifests": [reads], "rows": [on_row(Record(*row)) for row in world.rows]}


def ask_firn(questions):
    run = subprocess.run([TOOL], input="".join(json.dumps(q) + "\n" for q in questions).encode(), capture_output=True, timeout=600)
    assert run.returncode == 0, run.stderr.decode()
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def filters_mean_the_same_to_both(folder):
    dice = random.Random(SEED)
    asked = []
    for _ in range(WORLDS):
        world = World(dice)
        files = [(key, rows, world.statistics(rows)) for key, rows in world.files.items()]
        summaries = world.summaries()
        for _ in range(FILTERS):
            expression = world.filter()
            asked.append((world, expression, files, summaries))
    answers = ask_firn([question(*a) for a in asked])
    assert len(answers) == len(asked)
    tally = collections.Counter()
    for (world, expression, files, summaries), ours in zip(asked, answers):
        where = f"seed {SEED}: {expression}: {ours}"
        assert "error" not in ours, where
        theirs = pyiceberg_says(world, expression, files, summaries)
        assert ours["rows"] == theirs["rows"], f"{where}\nPyIceberg: {theirs}\n{world.rows}"
        matches = dict(zip(map(tuple, world.rows), ours["rows"]))
        for (_, rows, s), (may, must, partition), (may_there, must_there, partition_there) in zip(files, ours["files"], theirs["files"]):
            some, every = any(matches[tuple(row)] for row in rows), all(matches[tuple(row)] for row in rows)
            assert may or not some, f"{where}: firn prunes a file with a match"
            assert partition or not some, f"{where}: firn prunes a partition with a match"
            assert every or not must, f"{where}: firn is wrongly sure"
            assert may_there or not may, f"{where}: PyIceberg prunes more: {rows} {s}"
            assert must or not must_there or not every, f"{where}: PyIceberg is surer: {rows} {s}"
            assert partition_there or not partition, f"{where}: PyIceberg prunes more partitions"
            tally.update(files=1, pruned=not may, pruned_there=not may_there, sure=must, sure_there=must_there, partitions=not partition,
                         partitions_there=not partition_there, wrong_there=(some and not may_there) or (must_there and not every))
        assert ours["manifests"][0] or not any(ours["rows"]), f"{where}: firn prunes a manifest with a match"
        assert theirs["manifests"][0] or not ours["manifests"][0], f"{where}: PyIceberg prunes more manifests: {summaries}"
        tally.update(manifests=1, manifests_pruned=not ours["manifests"][0], manifests_pruned_there=not theirs["manifests"][0])
    print(dict(tally))
    assert tally["pruned"] > tally["files"] / 5 and tally["sure"] > tally["files"] / 20 and tally["manifests_pruned"] > tally["manifests"] / 50


peers.run(filters_mean_the_same_to_both)

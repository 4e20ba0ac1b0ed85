"""Values of Arrow and Python in the JSON form that firn prints rows in, to compare the two."""

import datetime
import decimal
import math
import uuid

EPOCH = datetime.date(1970, 1, 1)


def from_arrow(array, i):
    """Value i of an Arrow array as firn prints it."""
    import pyarrow as pa

    if not array[i].is_valid:
        return None
    kind = array.type
    if pa.types.is_dictionary(kind):
        return from_arrow(array.dictionary_decode(), i)
    if isinstance(kind, pa.BaseExtensionType):
        value = array[i].as_py()
        return str(value) if isinstance(value, uuid.UUID) else from_arrow(array.storage, i)
    if pa.types.is_uint64(kind):
        return str(array[i].as_py())
    if pa.types.is_timestamp(kind):
        return timestamp(array[i].value, kind)
    if pa.types.is_time(kind):
        return time(array[i].value, kind.unit)
    if pa.types.is_struct(kind):
        return {kind.field(k).name: from_arrow(array.field(k), i) for k in range(kind.num_fields)}
    if pa.types.is_map(kind):
        entries = array[i].values
        return {"keys": [from_arrow(entries.field(0), k) for k in range(len(entries))],
                "values": [from_arrow(entries.field(1), k) for k in range(len(entries))]}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values = array[i].values
        return [from_arrow(values, k) for k in range(len(values))]
    return plain(array[i].as_py())


def plain(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def timestamp(value, kind):
    nanos = value * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
    days, rest = divmod(nanos, 86_400 * 10**9)
    return date(days) + "T" + time(rest, "ns" if kind.unit == "ns" else "rest") + ("+00:00" if kind.tz else "")


def date(days):
    """Days since 1970 as text, also beyond the years that Python knows: 400 years have 146,097 days."""
    cycles, days = divmod(days, 146_097)
    day = EPOCH + datetime.timedelta(days=days)
    year = day.year + 400 * cycles
    return f"{'+' if year > 9999 else ''}{year:04d}-{day:%m-%d}"


def time(value, unit):
    nanos = value * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "rest": 1}[unit]
    seconds, rest = divmod(nanos, 10**9)
    fraction = f"{rest:09d}" if unit == "ns" else f"{rest // 1000:06d}"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction}"


def from_avro(value):
    """A value as fastavro gives it, in the form firn prints Avro in; None where the two cannot be compared."""
    if isinstance(value, dict):
        return {k: from_avro(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_avro(v) for v in value]
    return plain(value)


def same(a, b):
    """Equal, floats to the last digit that a float32 keeps when they were printed from one."""
    if isinstance(a, float) and isinstance(b, (float, int)) and not isinstance(b, bool):
        return a == b or math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-45)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b or isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b and isinstance(a, bool) == isinstance(b, bool)

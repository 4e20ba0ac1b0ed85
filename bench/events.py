"""CloudEvents like those of a fleet of vehicles: structured JSON, one a line, about 480 bytes, the same for the same count.

Usage: events.py COUNT FILE [--mixed]
--mixed spreads them over three days, and makes some partial, some with binary data or tags, some broken: for tests.
"""
import base64
import datetime
import json
import random
import sys
import uuid

START_US = 1_750_000_000_000_000  # 2025-06-15T15:06:40Z
DAY_US = 86_400_000_000


def people(rng):
    subjects = [f"did:erc721:137:0x{rng.getrandbits(160):040x}:{i}" for i in range(5000)]
    sources = [f"0x{rng.getrandbits(160):040x}" for _ in range(20)]
    types = ["status"] * 8 + ["fingerprint", "attestation"]
    return subjects, sources, types


def rfc3339(us):
    at = datetime.datetime.fromtimestamp(us // 1_000_000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{us % 1_000_000:06d}Z"


def event(rng, i, subjects, sources, types, spread_us):
    subject = rng.choice(subjects)
    return {
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "source": rng.choice(sources),
        "producer": subject,
        "specversion": "1.0",
        "subject": subject,
        "time": rfc3339(START_US + i * 200 + rng.randrange(spread_us)),
        "type": rng.choice(types),
        "datacontenttype": "application/json",
        "dataversion": "r/v0/s",
        "data": {
            "speed": round(rng.random() * 130, 2),
            "odometer": rng.randrange(300000),
            "fuel": round(rng.random() * 100, 1),
            "loc": {"lat": round(rng.uniform(-90, 90), 6), "lon": round(rng.uniform(-180, 180), 6)},
        },
    }


def mix(rng, e):
    """Some events become other than plain; None is a line that is no event at all."""
    kind = rng.randrange(100)
    if kind < 3:
        del e[rng.choice(["id", "source", "type", "specversion", "subject", "time"])]
    elif kind < 5:
        return None
    elif kind < 15:
        e["tags"] = rng.choice([[], ["a"], ["a", "é\n"], ["x"] * 5])
    elif kind < 25:
        del e["data"]
        e["datacontenttype"] = "application/octet-stream"
        e["data_base64"] = base64.b64encode(rng.randbytes(rng.randrange(300))).decode()
    elif kind < 30:
        e["data"] = "text " + "ü" * rng.randrange(50)
        e["datacontenttype"] = "text/plain"
    elif kind < 35:
        e["traceparent"] = f"00-{rng.getrandbits(128):032x}"
        e["weight"] = rng.randrange(1 << 70)
    elif kind < 36:
        e["data"] = {"blob": "x" * rng.randrange(200_000)}
    return e


def write(count, out, mixed):
    rng = random.Random(7)
    subjects, sources, types = people(rng)
    for i in range(count):
        e = event(rng, i, subjects, sources, types, 3 * DAY_US if mixed else 2_000_000)
        e = mix(rng, e) if mixed else e
        out.write("{broken" if e is None else json.dumps(e, separators=(",", ":"), ensure_ascii=mixed and i % 2 == 0))
        out.write("\n")


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        write(int(sys.argv[1]), f, "--mixed" in sys.argv)

"""A million events, as fast as the release build goes: PyIceberg and DuckDB agree with the source."""

import os

import archive
import peers

N = int(os.environ.get("FIRN_EVENTS", "1000000"))


def a_million_events_are_read_by_pyiceberg_and_duckdb(folder):
    path = os.path.join(folder, "events.ndjson")
    rows = archive.write(path, N)
    (said,) = peers.firn_json("ingest", "cloudevent.valid", path, "--format", "json", cwd=folder)
    print(f"{N} events, {said['bytes-read'] / 1e6:.0f} MB, in {said['seconds']:.2f} s; {said['bytes-written'] / 1e6:.0f} MB of Parquet")
    assert said["valid"]["rows"] == N, said
    table = peers.pyiceberg_catalog(os.path.join(folder, "firn-data")).load_table("cloudevent.valid")
    archive.check_pyiceberg(table, rows)
    archive.check_duckdb(peers.duckdb(), table.metadata_location, rows)


peers.run(a_million_events_are_read_by_pyiceberg_and_duckdb)

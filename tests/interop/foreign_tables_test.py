"""Tables that other engines wrote, by their path: the rows that PyIceberg and DuckDB read, or a refusal that says why."""

import json
import os
import re

import peers
import values

# Tables of ../shared/testdata that firn must refuse, and what its sentence names. All others that a peer reads firn reads too.
REFUSED = {
    "equality_delete_cross_partition": "delete",
    "equality_delete_extra_column": "delete",
    "legacy_bare_deletion_vector": "version 3|delet",
    "timestamptz_ns": "version 3|timestamptz_ns",
    "big_query_error": "neither an absolute path nor a URI",
    "generated_bounds": "s3:",
}


# Where the metadata to look at is not the file with the highest number.
METADATA = {"equality_delete_extra_column": "/metadata/vfinal.metadata.json"}


def expected():
    root = os.path.join(peers.shared_data(), "duckdb-iceberg")
    with open(os.path.join(root, "EXPECTED.json"), encoding="utf-8") as f:
        return root, json.load(f)


def short_name(path):
    return path.removeprefix("data/persistent/").split("/")[0]


def rows_of(answer):
    return answer.get("rows") if isinstance(answer, dict) else None


def tables_that_peers_read_have_the_same_rows_here(folder):
    root, tables = expected()
    n = 0
    for path, answers in tables.items():
        rows = [r for r in (rows_of(answers["duckdb"]), rows_of(answers["pyiceberg"])) if r is not None]
        if short_name(path) in REFUSED or not rows:
            continue
        lines = peers.firn("table", "cat", "./" + path, cwd=root).stdout.splitlines()
        assert len(lines) == rows[0], f"{path}: {len(lines)} rows, not {rows[0]}"
        columns = next(a["columns"] for a in (answers["duckdb"], answers["pyiceberg"]) if isinstance(a, dict) and "columns" in a)
        assert all(list(json.loads(line)) == columns for line in lines), f"{path}: {lines[:1]}, not {columns}"
        n += 1
    assert n >= 10, f"only {n} tables compared"


def their_values_are_those_that_pyiceberg_reads(folder):
    from pyiceberg.table import StaticTable

    root, tables = expected()
    n = 0
    os.chdir(root)
    for path, answers in tables.items():
        if short_name(path) in REFUSED or not rows_of(answers["pyiceberg"]):
            continue
        shown = peers.firn_json("table", "show", "./" + path, "--format", "json", cwd=root)[0]["metadata-location"]
        arrow = StaticTable.from_metadata(shown.removeprefix("file://")).scan().to_arrow()
        wanted = [{name: values.from_arrow(column.combine_chunks(), i) for name, column in zip(arrow.column_names, arrow.columns)}
                  for i in range(arrow.num_rows)]
        got = peers.firn_json("table", "cat", "./" + path, cwd=root)
        key = lambda row: json.dumps(row, sort_keys=True)
        for a, b in zip(sorted(got, key=key), sorted(wanted, key=key), strict=True):
            assert values.same(a, b), f"{path}: {a} is not {b}"
        n += 1
    assert n >= 8, f"only {n} tables compared"


def what_is_not_built_is_refused_by_a_sentence(folder):
    root, tables = expected()
    refused = 0
    for path in tables:
        words = REFUSED.get(short_name(path))
        if words is None:
            continue
        failed = peers.firn("table", "cat", "./" + path + METADATA.get(short_name(path), ""), cwd=root, status=1)
        assert len(failed.stderr.splitlines()) == 1 and re.search(words, failed.stderr), f"{path}: {failed.stderr}"
        refused += 1
    assert refused == len(REFUSED)


def every_table_is_read_or_refused_and_none_crashes(folder):
    root, tables = expected()
    for path in tables:
        run = peers.firn("table", "show", "./" + path, cwd=root, status=None)
        assert run.returncode in (0, 1), f"{path}: {run.returncode}\n{run.stderr}"
        assert run.returncode == 0 or len(run.stderr.splitlines()) == 1, run.stderr


peers.run(tables_that_peers_read_have_the_same_rows_here, their_values_are_those_that_pyiceberg_reads, what_is_not_built_is_refused_by_a_sentence,
          every_table_is_read_or_refused_and_none_crashes)

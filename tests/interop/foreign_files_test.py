"""Parquet and Avro files of other writers: the values that pyarrow and fastavro read, or a refusal by name; never a crash."""

import json
import os

import peers
import values

PLAIN = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
CODECS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4_RAW"}
# What firn refuses though its encodings and codecs are known, and why.
REFUSED = {}
# Files that pyarrow reads in another way than firn does, and why.
OTHERWISE = {}


def files(ending, *below):
    root = peers.shared_data()
    for place in below:
        for folder, _, names in os.walk(os.path.join(root, place)):
            for name in sorted(names):
                if name.endswith(ending):
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, root), path


def is_within_reach(metadata):
    for g in range(metadata.num_row_groups):
        for c in range(metadata.num_columns):
            column = metadata.row_group(g).column(c)
            if not set(column.encodings) <= PLAIN or column.compression not in CODECS:
                return False
    return True


def is_refused_by_a_sentence(name, run):
    assert run.returncode == 1, f"{name}: exit {run.returncode}\n{run.stdout[-500:]}{run.stderr[-4000:]}"
    assert len(run.stderr.splitlines()) == 1 and os.path.basename(name) in run.stderr, f"{name}: {run.stderr}"


def parquet_files_have_the_values_that_pyarrow_reads(folder):
    import pyarrow.parquet as pq

    read, refused, wrong = 0, 0, []
    for name, path in files(".parquet", "parquet-testing/data", "arrow-testing/data/parquet", "iceberg/parquet"):
        run = peers.firn("parquet", "cat", path, status=None)
        try:
            within_reach = is_within_reach(pq.ParquetFile(path).metadata)
            table = pq.read_table(path, partitioning=None)
        except Exception:  # pyarrow cannot read it: then it only must not crash us
            assert run.returncode in (0, 1), f"{name}: exit {run.returncode}\n{run.stderr[-4000:]}"
            continue
        if not within_reach or os.path.basename(name) in REFUSED:
            is_refused_by_a_sentence(name, run)
            refused += 1
            continue
        if run.returncode != 0:
            wrong.append(f"{name}: {run.stderr[-2000:]}")
            continue
        if os.path.basename(name) in OTHERWISE:
            continue
        wrong += differences(name, table, [json.loads(line) for line in run.stdout.splitlines()])
        read += 1
    assert not wrong, "\n".join(wrong)
    assert read >= 30 and refused >= 10, (read, refused)
    print(f"{read} files have equal values, {refused} are refused by name")


def differences(name, table, got):
    if len(got) != table.num_rows:
        return [f"{name}: {len(got)} rows, not {table.num_rows}"]
    columns = [column.combine_chunks() for column in table.columns]
    stride = table.num_rows // 500 + 1
    for i in range(0, table.num_rows, stride):
        wanted = {n: values.from_arrow(column, i) for n, column in zip(table.column_names, columns)}
        if not values.same(got[i], wanted):
            bad = [k for k in wanted if not values.same(got[i].get(k), wanted[k])]
            return [f"{name}: row {i}: {[(k, got[i].get(k), wanted[k]) for k in bad][:3]}"]
    return []


def damaged_parquet_files_are_refused_by_a_sentence(folder):
    n = 0
    for name, path in files("", "parquet-testing/bad_data", "arrow-testing/data/parquet/fuzzing"):
        for command in ("meta", "cat"):
            run = peers.firn("parquet", command, path, status=None)
            assert run.returncode in (0, 1), f"{name}: exit {run.returncode}\n{run.stderr[-4000:]}"
            assert run.returncode == 0 or len(run.stderr.splitlines()) == 1, f"{name}: {run.stderr}"
        n += 1
    assert n >= 4, n


def avro_files_have_the_values_that_fastavro_reads(folder):
    import fastavro

    n = 0
    for name, path in files(".avro", "avro", "arrow-testing/data/avro", "duckdb-iceberg"):
        with open(path, "rb") as f:
            try:
                wanted = [values.from_avro(record) for record in fastavro.reader(f)]
            except Exception:  # fastavro cannot read it
                continue
        run = peers.firn("avro", "cat", path, status=None)
        if run.returncode != 0:
            is_refused_by_a_sentence(name, run)
            assert os.path.basename(name) in REFUSED, f"{name}: {run.stderr}"
            continue
        got = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(got) == len(wanted), f"{name}: {len(got)} records, not {len(wanted)}"
        n += 1
    assert n >= 20, n


peers.run(parquet_files_have_the_values_that_pyarrow_reads, damaged_parquet_files_are_refused_by_a_sentence,
          avro_files_have_the_values_that_fastavro_reads)

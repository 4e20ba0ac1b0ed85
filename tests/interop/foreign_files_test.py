"""Parquet and Avro files of other writers: the values that pyarrow and fastavro read, or a refusal by name; never a crash."""

import json
import os

import peers
import values

PLAIN = {"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"}
# pyarrow calls LZ4_RAW and the older framed LZ4 the same.
CODECS = {"UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4"}
# What firn refuses though its encodings and codecs seem to be known, and why.
REFUSED = {
    "hadoop_lz4_compressed.parquet": "the framed LZ4 of Hadoop",
    "hadoop_lz4_compressed_larger.parquet": "the framed LZ4 of Hadoop",
    "datapage_v1-corrupt-checksum.parquet": "its pages have wrong check sums, at which pyarrow does not look",
    "482c51b1-71ea-4508-b282-e2d753a5ef36-m0.avro": "its snapshot id does not fit in 64 bits; fastavro wraps it",
    "snap-9876543210123456789-1-a6381c94-219a-4ddf-83b5-54875a7d3775.avro": "the same",
}
# Rows that pyarrow reads wrong.
OTHERWISE = {("int96_from_spark.parquet", 5): "the year 290000 overflows there"}


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
            table = pq.read_table(path, partitioning=None, coerce_int96_timestamp_unit="us")
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
        wrong += differences(name, as_firn_has_it(table, path), [json.loads(line) for line in run.stdout.splitlines()])
        read += 1
    assert not wrong, "\n".join(wrong)
    assert read >= 30 and refused >= 10, (read, refused)
    print(f"{read} files have equal values, {refused} are refused by name")


def as_firn_has_it(table, path):
    """The table with the types that Iceberg has: INT96 is timestamptz, a time of day has microseconds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.ParquetFile(path).schema
    int96 = {schema.column(i).path for i in range(len(schema)) if schema.column(i).physical_type == "INT96"}
    for i, field in enumerate(table.schema):
        kind = field.type
        if field.name in int96:
            kind = pa.timestamp("us", "UTC")
        elif kind == pa.time64("ns"):
            kind = pa.time64("us")
        if kind != field.type:
            table = table.set_column(i, field.name, table.column(i).cast(kind, safe=False))
    return table


def differences(name, table, got):
    if len(got) != table.num_rows:
        return [f"{name}: {len(got)} rows, not {table.num_rows}"]
    columns = [column.combine_chunks() for column in table.columns]
    stride = table.num_rows // 500 + 1
    for i in range(0, table.num_rows, stride):
        wanted = {n: values.from_arrow(column, i) for n, column in zip(table.column_names, columns)}
        if not values.same(got[i], wanted) and (os.path.basename(name), i) not in OTHERWISE:
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

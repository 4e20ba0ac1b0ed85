"""Peer of firn ingest: DuckDB turns structured CloudEvents into one Parquet file with the archive's columns, PyIceberg makes a table
of it in a SQLite catalog. Usage: ingest_peer.py EVENTS WAREHOUSE THREADS LEVEL"""
import os
import shutil
import sys

import duckdb
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog

QUERY = """
copy (select subject, "time"::timestamptz as time, type, id, source, producer,
             datacontenttype as data_content_type, dataversion as data_version, specversion,
             null::varchar as dataschema, null::varchar as signature, []::varchar[] as tags, '{{}}' as extras,
             data::varchar::blob as data
      from read_json('{events}', format='newline_delimited',
                     columns={{id:'VARCHAR', source:'VARCHAR', producer:'VARCHAR', specversion:'VARCHAR',
                               subject:'VARCHAR', "time":'VARCHAR', type:'VARCHAR', datacontenttype:'VARCHAR',
                               dataversion:'VARCHAR', data:'JSON'}}))
to '{file}' (format parquet, compression zstd, compression_level {level})
"""


def main(events, warehouse, threads, level):
    shutil.rmtree(warehouse, ignore_errors=True)
    os.makedirs(warehouse)
    file = f"{warehouse}/events.parquet"
    con = duckdb.connect()
    con.execute(f"set threads={threads}")
    con.execute("set preserve_insertion_order=true")
    con.execute(QUERY.format(events=events, file=file, level=level))
    catalog = SqlCatalog("default", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")
    catalog.create_namespace("cloudevent")
    table = catalog.create_table("cloudevent.valid", schema=pq.read_schema(file))
    table.add_files([f"file://{file}"])
    print(table.current_snapshot().summary["total-records"], os.path.getsize(file))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

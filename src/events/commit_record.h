/* The commit record: what a range of accepted events became, on its way through the commit log. It is
 * self-contained: the committer appends its files, and the indexer finds them, without asking anybody.
 *
 * As JSON, one object:
 *   {"version": 1, "journal": "<id>", "first": 0, "next": 120, "accepted-us": ..., "written-us": ...,
 *    "tables": [{"namespace": ["cloudevent"], "name": "valid", "uuid": "...", "files": [{...}]}]}
 * A file has the fields of a data file by their names in the REST specification (DataFile), with `partition`
 * and bounds as hex of the specification's binary single-value form, so that they can be kept without knowing
 * types. A version that is newer than this program is FIRN_UNSUPPORTED. Unknown members are ignored. What
 * version 1 wrote is read forever: tests/data/commit_record.v1.json. */
#ifndef FIRN_EVENTS_COMMIT_RECORD_H
#define FIRN_EVENTS_COMMIT_RECORD_H

#include "base/arena.h"
#include "base/builder.h"
#include "iceberg/meta/manifest.h"

enum { FIRN_COMMIT_RECORD_VERSION = 1 };

/* A file's partition as it stands in the record: one for each field of its spec; data NULL: null. */
typedef struct firn_commit_record_partition {
  size_t n;
  const firn_bytes *values;
} firn_commit_record_partition;

typedef struct firn_commit_record_table {
  size_t n_levels;
  const char *const *levels; /* of the namespace */
  const char *name;
  const char *uuid; /* of the table when the files were written; lower case */
  size_t n_files;
  const firn_data_file *files; /* data files. When read: `partition` is NULL until firn_commit_record_bind */
  const firn_commit_record_partition *partitions; /* one for each file; only when read */
} firn_commit_record_table;

typedef struct firn_commit_record {
  const char *journal;  /* id of the event journal */
  uint64_t first, next; /* the range of its records; never empty */
  int64_t accepted_us;  /* when the earliest of them was accepted */
  int64_t written_us;
  size_t n_tables; /* 0: the range made no file */
  const firn_commit_record_table *tables;
} firn_commit_record;

/* `tables` has the metadata of each table of the record, whose specs tell how long the tuples are. What JSON
 * cannot hold as it is (text that is no UTF-8) and what no record may hold (delete files, an unknown spec) is
 * FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_commit_record_write(const firn_commit_record *record,
                                                   const firn_metadata *const *tables, firn_builder *out,
                                                   firn_error *err);
/* Into `arena`; it borrows nothing from `json`. FIRN_CORRUPT says what is wrong. */
FIRN_MUST_USE firn_status firn_commit_record_read(firn_bytes json, firn_arena *arena, firn_commit_record *out,
                                                  firn_error *err);
/* Makes the partition tuples of a table's files, by the specs that the table has now: `*out` are the table's
 * files with them, in `arena`; they borrow from the record. FIRN_INVALID when the table has lost a spec or
 * the column it was made from, FIRN_CORRUPT when a value does not fit. */
FIRN_MUST_USE firn_status firn_commit_record_bind(const firn_commit_record_table *table,
                                                  const firn_metadata *metadata, firn_arena *arena,
                                                  firn_data_file **out, firn_error *err);

#endif

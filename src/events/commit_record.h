/* The commit record: what a range of accepted events became, on its way through the commit log. It is
 * self-contained: the committer appends its files, and the indexer finds them, without asking anybody.
 *
 * As JSON, one object:
 *   {"version": 1, "journal": "<id>", "first": 0, "next": 120, "accepted-us": ..., "written-us": ...,
 *    "tables": [{"namespace": ["cloudevent"], "name": "valid", "uuid": "...", "files": [{...}]}]}
 * A file has the fields of a data file by their names in the specification; bounds and partition values are
 * hex of the specification's binary single-value form, so that they can be kept without knowing types. A
 * version that is newer than this program is FIRN_UNSUPPORTED. Unknown members are ignored. */
#ifndef FIRN_EVENTS_COMMIT_RECORD_H
#define FIRN_EVENTS_COMMIT_RECORD_H

#include "base/arena.h"
#include "base/builder.h"
#include "iceberg/meta/manifest.h"

enum { FIRN_COMMIT_RECORD_VERSION = 1 };

typedef struct firn_commit_record_table {
  size_t n_levels;
  const char *const *levels; /* of the namespace */
  const char *name;
  const char *uuid; /* of the table when the files were written */
  size_t n_files;
  /* When read: `partition` is NULL until firn_commit_record_bind. */
  firn_data_file *files;
  firn_bytes **partitions; /* [file][field of its spec]; data NULL: null. Only when read */
  size_t *n_partition_fields;
} firn_commit_record_table;

typedef struct firn_commit_record {
  const char *journal;  /* id of the event journal */
  uint64_t first, next; /* the range of its records */
  int64_t accepted_us;  /* when the earliest of them was accepted */
  int64_t written_us;
  size_t n_tables;
  firn_commit_record_table *tables;
} firn_commit_record;

/* Specs by id and a schema in which their sources exist, of the table that files belong to, are needed to
 * know partition values. */
FIRN_MUST_USE firn_status firn_commit_record_write(const firn_commit_record *record,
                                                   const firn_metadata *const *tables, /* one for each */
                                                   firn_builder *out, firn_error *err);
/* Into `arena`; it borrows nothing from `json`. FIRN_CORRUPT says what is wrong. */
FIRN_MUST_USE firn_status firn_commit_record_read(firn_bytes json, firn_arena *arena, firn_commit_record *out,
                                                  firn_error *err);
/* Makes the partition tuples of a table's files, by the specs that the table has now. */
FIRN_MUST_USE firn_status firn_commit_record_bind(firn_commit_record_table *table,
                                                  const firn_metadata *metadata, firn_arena *arena,
                                                  firn_error *err);

#endif

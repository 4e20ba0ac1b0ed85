/* A table's metadata at one moment. Follows the Iceberg specification: Table Metadata, Snapshots, Snapshot
 * References; Appendix C. Versions 1 and 2 are read; 2 is written; 3 has its place and is refused for now.
 *
 * firn_metadata is immutable and counted; threads may share it; the last one to let go frees it. Its arrays
 * and texts live as long as it does. */
#ifndef FIRN_ICEBERG_META_METADATA_H
#define FIRN_ICEBERG_META_METADATA_H

#include "iceberg/types/spec.h"

typedef struct firn_property {
  const char *key, *value;
} firn_property;

typedef struct firn_properties {
  size_t n;
  const firn_property *items; /* keys are unique, in the order of the file */
} firn_properties;

typedef struct firn_snapshot {
  int64_t snapshot_id;
  bool has_parent;
  int64_t parent_snapshot_id;
  int64_t sequence_number; /* 0 in v1 */
  int64_t timestamp_ms;
  const char *manifest_list; /* NULL in v1 tables that list `manifests` */
  size_t n_manifests;
  const char *const *manifests;
  const char
      *operation; /* "append", "replace", "overwrite", "delete"; NULL where a v1 snapshot has no summary */
  firn_properties summary; /* without "operation" */
  bool has_schema_id;
  int32_t schema_id;
} firn_snapshot;

typedef struct firn_ref {
  const char *name;
  int64_t snapshot_id;
  bool is_branch; /* else a tag */
  /* 0: not set. Spec: Snapshot Retention Policy */
  int64_t min_snapshots_to_keep, max_snapshot_age_ms, max_ref_age_ms;
} firn_ref;

typedef struct firn_snapshot_log_entry {
  int64_t timestamp_ms, snapshot_id;
} firn_snapshot_log_entry;

typedef struct firn_metadata_log_entry {
  int64_t timestamp_ms;
  const char *metadata_file;
} firn_metadata_log_entry;

/* Statistics and partition statistics files: kept as they are. */
typedef struct firn_statistics_file {
  int64_t snapshot_id;
  firn_bytes json; /* the whole object */
} firn_statistics_file;

/* The open struct: build one, then firn_metadata_new copies and freezes it. */
typedef struct firn_metadata_fields {
  int32_t format_version;
  const char *table_uuid; /* lower case; NULL in old v1 tables */
  const char *location;   /* without a trailing slash */
  int64_t last_sequence_number;
  int64_t last_updated_ms;
  int32_t last_column_id;
  size_t n_schemas;
  const firn_schema *schemas;
  int32_t current_schema_id;
  size_t n_specs;
  const firn_partition_spec *specs;
  int32_t default_spec_id;
  int32_t last_partition_id;
  size_t n_sort_orders;
  const firn_sort_order *sort_orders;
  int32_t default_sort_order_id;
  firn_properties properties;
  bool has_current_snapshot;
  int64_t current_snapshot_id;
  size_t n_snapshots;
  const firn_snapshot *snapshots;
  size_t n_snapshot_log;
  const firn_snapshot_log_entry *snapshot_log;
  size_t n_metadata_log;
  const firn_metadata_log_entry *metadata_log;
  size_t n_refs;
  const firn_ref *refs; /* "main" is among them when there is a current snapshot */
  size_t n_statistics;
  const firn_statistics_file *statistics;
  size_t n_partition_statistics;
  const firn_statistics_file *partition_statistics;
} firn_metadata_fields;

typedef struct firn_metadata firn_metadata;

/* Copies `fields` deeply and checks them against each other (ids exist, refs name snapshots, the current ones
 * are there): FIRN_INVALID when they do not fit. */
FIRN_MUST_USE firn_status firn_metadata_new(const firn_metadata_fields *fields, firn_metadata **out,
                                            firn_error *err);
firn_metadata *firn_metadata_ref(firn_metadata *m);
void firn_metadata_unref(firn_metadata *m); /* NULL is fine */
void firn_metadata_unref_pointer(firn_metadata **m);
#define FIRN_AUTO_METADATA FIRN_AUTO(firn_metadata_unref_pointer) firn_metadata

const firn_metadata_fields *firn_metadata_get(const firn_metadata *m);
/* How much memory it holds. */
size_t firn_metadata_size(const firn_metadata *m);

/* Parses metadata JSON, packed by gzip or zstd or not (told by its first bytes). FIRN_UNSUPPORTED for a
 * version beyond 2. */
FIRN_MUST_USE firn_status firn_metadata_read(firn_bytes in, firn_metadata **out, firn_error *err);
/* Writes it as version 1 or 2, whichever it is. */
void firn_metadata_write(const firn_metadata *m, firn_json_writer *w);

/* NULL when there is none. */
const firn_schema *firn_metadata_schema(const firn_metadata *m, int32_t schema_id);
const firn_schema *firn_metadata_current_schema(const firn_metadata *m);
const firn_partition_spec *firn_metadata_spec(const firn_metadata *m, int32_t spec_id);
const firn_partition_spec *firn_metadata_default_spec(const firn_metadata *m);
/* A schema in which the sources of a spec exist: the current one, else the newest that has them. NULL: none
 * has. */
const firn_schema *firn_metadata_schema_of_spec(const firn_metadata *m, const firn_partition_spec *spec);
const firn_sort_order *firn_metadata_sort_order(const firn_metadata *m, int32_t order_id);
const firn_snapshot *firn_metadata_snapshot(const firn_metadata *m, int64_t snapshot_id);
const firn_snapshot *firn_metadata_current_snapshot(const firn_metadata *m);
/* What was current at that time: the last entry of the snapshot log that is not later. NULL when the log does
 * not reach back so far. Its snapshot may have expired. Spec: Point in Time Reads. */
const firn_snapshot_log_entry *firn_metadata_log_at(const firn_metadata *m, int64_t timestamp_ms);
const firn_ref *firn_metadata_ref_named(const firn_metadata *m, const char *name);
const char *firn_metadata_property(const firn_metadata *m, const char *key);
const char *firn_properties_get(const firn_properties *p, const char *key);

/* The parts of the JSON that travel alone, in updates and requests. A string map; a value that is no string
 * is FIRN_CORRUPT. */
FIRN_MUST_USE firn_status firn_properties_read(const firn_json_value *json, firn_arena *arena,
                                               firn_properties *out, firn_error *err);
void firn_properties_write(const firn_properties *p, firn_json_writer *w);
/* Spec: Appendix C, Snapshots. `format_version` 1 leaves the sequence number out. */
FIRN_MUST_USE firn_status firn_snapshot_read(const firn_json_value *json, firn_arena *arena,
                                             firn_snapshot *out, firn_error *err);
void firn_snapshot_write(const firn_snapshot *s, int32_t format_version, firn_json_writer *w);
/* The object of a ref; `name` is borrowed into `out`. */
FIRN_MUST_USE firn_status firn_ref_read(const char *name, const firn_json_value *json, firn_ref *out,
                                        firn_error *err);

#endif

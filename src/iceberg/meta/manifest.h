/* Manifests and manifest lists. Follows the Iceberg specification: Manifests; Manifest Lists; Sequence Number
 * Inheritance; Appendix A, Avro. Versions 1 and 2 are read, 2 is written; files of version 3, and deletion
 * vectors wherever they turn up, are FIRN_UNSUPPORTED for now: reading on would give deleted rows back.
 *
 * Files are read entry by entry, so that a manifest of any size needs little memory. What stands in them is
 * found by field id, and by name where a file has no ids. Readers and writers belong to one thread. */
#ifndef FIRN_ICEBERG_META_MANIFEST_H
#define FIRN_ICEBERG_META_MANIFEST_H

#include "formats/avro/avro.h"
#include "iceberg/meta/metadata.h"

typedef enum firn_content {
  FIRN_CONTENT_DATA = 0,
  FIRN_CONTENT_POSITION_DELETES = 1,
  FIRN_CONTENT_EQUALITY_DELETES = 2
} firn_content;
typedef enum firn_entry_status {
  FIRN_ENTRY_EXISTING = 0,
  FIRN_ENTRY_ADDED = 1,
  FIRN_ENTRY_DELETED = 2
} firn_entry_status;

typedef struct firn_id_count {
  int32_t id;
  int64_t n;
} firn_id_count;

typedef struct firn_id_bytes {
  int32_t id;
  firn_bytes value;
} firn_id_bytes;

typedef struct firn_id_counts {
  bool present; /* a missing map means unknown, not zero */
  size_t n;
  const firn_id_count *items;
} firn_id_counts;

typedef struct firn_id_bounds {
  bool present;
  size_t n;
  const firn_id_bytes *items; /* as they stand in the file: of any length, whatever the column's type */
} firn_id_bounds;

/* What is known of a column; false when nothing is. */
bool firn_id_counts_get(const firn_id_counts *counts, int32_t id, int64_t *n);
bool firn_id_bounds_get(const firn_id_bounds *bounds, int32_t id, firn_bytes *value);

/* Spec: Data File Fields. */
typedef struct firn_data_file {
  firn_content content;
  const char *path;
  const char *format; /* "PARQUET"; upper case, whatever the file says */
  int32_t spec_id;    /* of the manifest; a tuple means nothing without it */
  const firn_value
      *partition; /* one for each field of the spec; their bytes are borrowed like all the rest */
  int64_t record_count;
  int64_t size_bytes;
  firn_id_counts column_sizes, value_counts, null_counts, nan_counts;
  firn_id_bounds lower_bounds, upper_bounds;
  firn_bytes key_metadata; /* data NULL: none */
  size_t n_split_offsets;  /* 0 too where the file's are nonsense: not ascending, or beyond its size */
  const int64_t *split_offsets;
  size_t n_equality_ids;
  const int32_t *equality_ids;
  bool has_sort_order_id; /* never for position deletes */
  int32_t sort_order_id;
  const char *referenced_data_file; /* position deletes of one data file; NULL: none */
} firn_data_file;

/* Sequence numbers and snapshot id as inherited: a reader does not show the nulls of the file. */
typedef struct firn_manifest_entry {
  firn_entry_status status;
  int64_t snapshot_id;
  int64_t sequence_number;      /* data sequence number; -1: unknown, of DELETED entries only */
  int64_t file_sequence_number; /* -1: unknown, for early writers of version 2 did not keep it */
  /* An ADDED file whose rows are older than its snapshot (compaction): the writer then keeps its data
   * sequence number rather than leave it to be inherited. */
  bool keeps_sequence_number;
  firn_data_file file;
} firn_manifest_entry;

typedef struct firn_field_summary {
  bool contains_null;
  bool has_contains_nan, contains_nan;
  firn_bytes lower, upper; /* data NULL: none */
} firn_field_summary;

/* An entry of a manifest list. Spec: Manifest Lists. */
typedef struct firn_manifest_file {
  const char *path;
  int64_t size_bytes;
  int32_t spec_id; /* -1: as the manifest's own head says (version 1 tables without manifest lists) */
  bool is_deletes;
  int64_t sequence_number, min_sequence_number;
  int64_t added_snapshot_id;
  bool has_counts; /* v1 may lack some */
  int32_t n_added_files, n_existing_files, n_deleted_files;
  int64_t n_added_rows, n_existing_rows, n_deleted_rows;
  size_t n_partitions;
  const firn_field_summary *partitions; /* NULL: the list gives none, which says nothing of the partitions */
  firn_bytes key_metadata;
} firn_manifest_file;

/* Copies that live in `arena`. A tuple does not know how long it is: `n_partition_fields` are those of the
 * entry's spec. Without statistics the maps of the copy are unknown. */
FIRN_MUST_USE firn_status firn_data_file_copy(const firn_data_file *from, size_t n_partition_fields,
                                              bool with_statistics, firn_arena *arena, firn_data_file *out,
                                              firn_error *err);
FIRN_MUST_USE firn_status firn_manifest_file_copy(const firn_manifest_file *from, firn_arena *arena,
                                                  firn_manifest_file *out, firn_error *err);

typedef struct firn_manifest_list_reader firn_manifest_list_reader;
/* `source` is borrowed until the reader is closed. */
FIRN_MUST_USE firn_status firn_manifest_list_open(firn_avro_source source, firn_ctx *ctx,
                                                  firn_manifest_list_reader **out, firn_error *err);
int32_t firn_manifest_list_format_version(const firn_manifest_list_reader *r);
/* Borrowed until the following next; NULL after the last. */
FIRN_MUST_USE firn_status firn_manifest_list_next(firn_manifest_list_reader *r, firn_ctx *ctx,
                                                  const firn_manifest_file **out, firn_error *err);
void firn_manifest_list_close(firn_manifest_list_reader *r);
void firn_manifest_list_close_pointer(firn_manifest_list_reader **r);
#define FIRN_AUTO_MANIFEST_LIST_READER FIRN_AUTO(firn_manifest_list_close_pointer) firn_manifest_list_reader

typedef struct firn_manifest_reader firn_manifest_reader;
/* `manifest` gives what is inherited. The partition spec and its types are those of `metadata` (which may
 * have promoted a type since), and without it, or where it does not know them, those of the manifest's own
 * head. A column that neither knows, and an unknown transform, have the type that stands in the file.
 * `metadata` is borrowed until the reader is closed. */
FIRN_MUST_USE firn_status firn_manifest_open(firn_avro_source source, firn_ctx *ctx,
                                             const firn_manifest_file *manifest,
                                             const firn_metadata *metadata, firn_manifest_reader **out,
                                             firn_error *err);
/* What of a manifest is wanted; zero: everything. What is not costs little more than its bytes. */
typedef struct firn_manifest_wishes {
  bool only_columns; /* of the statistics, counts and bounds of these columns; the rest looks unknown */
  size_t n_columns;
  const int32_t *columns; /* ascending, borrowed until the reader is closed */
  /* Asked of each entry, once, before its statistics are decoded: there are status, snapshot id, path,
   * partition, row count and size, nothing else. False: passes over the entry. Delete files and
   * broken entries are not asked about. NULL: all are wanted. */
  bool (*wants)(void *arg, const firn_manifest_entry *entry);
  void *arg;
} firn_manifest_wishes;

FIRN_MUST_USE firn_status firn_manifest_open_for(firn_avro_source source, firn_ctx *ctx,
                                                 const firn_manifest_file *manifest,
                                                 const firn_metadata *metadata,
                                                 const firn_manifest_wishes *wishes,
                                                 firn_manifest_reader **out, firn_error *err);
/* Of the reader: the spec of its tuples, and their types (a STRUCT, a child for each field). */
const firn_partition_spec *firn_manifest_spec(const firn_manifest_reader *r);
const firn_field *firn_manifest_partition_type(const firn_manifest_reader *r);
/* Borrowed until the following next; NULL after the last. */
FIRN_MUST_USE firn_status firn_manifest_next(firn_manifest_reader *r, firn_ctx *ctx,
                                             const firn_manifest_entry **out, firn_error *err);
void firn_manifest_close(firn_manifest_reader *r);
void firn_manifest_close_pointer(firn_manifest_reader **r);
#define FIRN_AUTO_MANIFEST_READER FIRN_AUTO(firn_manifest_close_pointer) firn_manifest_reader

typedef struct firn_manifest_writer firn_manifest_writer;
typedef struct firn_manifest_writer_options {
  int32_t format_version;    /* 2 */
  const firn_schema *schema; /* of the table, borrowed like the spec until the writer is closed */
  const firn_partition_spec *spec;
  /* The types of tuples, as firn_manifest_partition_type gives them when manifests are merged whose columns
   * may be gone from the schema. NULL: by spec and schema. */
  const firn_field *partition_type;
  bool is_deletes;
  int64_t snapshot_id; /* of the snapshot being made */
  firn_codec codec;    /* DEFLATE is what every reader has */
  const firn_env *env; /* random bytes for the sync marker */
} firn_manifest_writer_options;

FIRN_MUST_USE firn_status firn_manifest_writer_open(const firn_manifest_writer_options *options,
                                                    firn_avro_sink sink, firn_manifest_writer **out,
                                                    firn_error *err);
/* ADDED entries get null sequence numbers (they are inherited, see keeps_sequence_number) and, like DELETED
 * ones, the snapshot id of the options; EXISTING and DELETED keep their sequence numbers, EXISTING its
 * snapshot id too. The entry's `spec_id` is not looked at. */
FIRN_MUST_USE firn_status firn_manifest_writer_add(firn_manifest_writer *w, const firn_manifest_entry *entry,
                                                   firn_error *err);
uint64_t firn_manifest_writer_size(const firn_manifest_writer *w);
/* Fills all of `out` but its path and `sequence_number` (-1: assigned by the list, as is
 * `min_sequence_number` when nothing older is in it). Lives in `arena`. */
FIRN_MUST_USE firn_status firn_manifest_writer_finish(firn_manifest_writer *w, firn_arena *arena,
                                                      firn_manifest_file *out, firn_error *err);
void firn_manifest_writer_close(firn_manifest_writer *w);
void firn_manifest_writer_close_pointer(firn_manifest_writer **w);
#define FIRN_AUTO_MANIFEST_WRITER FIRN_AUTO(firn_manifest_writer_close_pointer) firn_manifest_writer

typedef struct firn_manifest_list_options {
  int32_t format_version; /* 2 */
  int64_t snapshot_id;
  bool has_parent;
  int64_t parent_snapshot_id;
  int64_t sequence_number; /* given to manifests whose own is -1, which must be of this snapshot */
  firn_codec codec;
  const firn_env *env;
} firn_manifest_list_options;

/* The whole list, onto `out`. */
FIRN_MUST_USE firn_status firn_manifest_list_write(const firn_manifest_list_options *options,
                                                   const firn_manifest_file *const *manifests, size_t n,
                                                   firn_builder *out, firn_error *err);

#endif

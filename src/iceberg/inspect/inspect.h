/* Metadata tables: what a table knows of itself, as rows. Columns, names and types are those of the
 * reference's metadata tables (docs: Spark queries, Inspecting tables), so that a query works here as it does
 * there: `history`, `snapshots`, `refs`, `metadata_log_entries`; `files`, `data_files`, `delete_files`,
 * `manifests`, `entries`, `partitions` of one snapshot; `all_data_files`, `all_delete_files`, `all_files`,
 * `all_manifests`, `all_entries` of all.
 *
 * `history` has further columns behind the reference's. An `all_` table reads every manifest once, so its
 * files come once for each manifest that has them. An inspection belongs to one thread at a time. */
#ifndef FIRN_ICEBERG_INSPECT_INSPECT_H
#define FIRN_ICEBERG_INSPECT_INSPECT_H

#include "column/vector.h"
#include "iceberg/meta/metadata.h"
#include "iceberg/scan/object.h"

typedef enum firn_inspect_kind {
  FIRN_INSPECT_HISTORY = 0,
  FIRN_INSPECT_SNAPSHOTS,
  FIRN_INSPECT_REFS,
  FIRN_INSPECT_METADATA_LOG_ENTRIES,
  FIRN_INSPECT_FILES,
  FIRN_INSPECT_DATA_FILES,
  FIRN_INSPECT_DELETE_FILES,
  FIRN_INSPECT_MANIFESTS,
  FIRN_INSPECT_ENTRIES,
  FIRN_INSPECT_PARTITIONS,
  FIRN_INSPECT_ALL_FILES,
  FIRN_INSPECT_ALL_DATA_FILES,
  FIRN_INSPECT_ALL_DELETE_FILES,
  FIRN_INSPECT_ALL_MANIFESTS,
  FIRN_INSPECT_ALL_ENTRIES,
} firn_inspect_kind;

/* "snapshots" and so on, in any case; false: there is no such metadata table. */
bool firn_inspect_kind_of(firn_bytes name, firn_inspect_kind *out);
const char *firn_inspect_name(firn_inspect_kind kind);

/* Borrowed until the close. */
typedef struct firn_inspect_options {
  firn_inspect_kind kind;
  const char *table_name; /* as people write it */
  const firn_metadata *metadata;
  const char *metadata_location;
  const firn_snapshot *snapshot; /* of those that belong to one; NULL: no snapshot, no rows */
  firn_stores *stores;
  const firn_moved *moved; /* NULL: nothing moved */
  /* The columns wanted, by their places among all of the table's (firn_inspect_columns), each at most once;
   * `n_columns` 0: none, batches then only count rows. NULL: all. */
  const uint32_t *columns;
  size_t n_columns;
} firn_inspect_options;

/* All columns of a metadata table, a STRUCT in `arena`; its texts are borrowed from `metadata`. */
FIRN_MUST_USE firn_status firn_inspect_columns(firn_inspect_kind kind, const firn_metadata *metadata,
                                               firn_arena *arena, firn_field *out, firn_error *err);
/* Whether its rows are of one snapshot, so that it can be seen at another time. */
bool firn_inspect_is_of_snapshot(firn_inspect_kind kind);

typedef struct firn_inspect firn_inspect;

FIRN_MUST_USE firn_status firn_inspect_open(const firn_inspect_options *options, firn_ctx *ctx,
                                            firn_inspect **out, firn_error *err);
/* A STRUCT of the columns wanted. */
const firn_field *firn_inspect_schema(const firn_inspect *i);
/* `*out` is NULL after the last batch of at most 2,048 rows; borrowed until the following next. Memory is
 * that of a batch (some 16 MiB), of one manifest and of a manifest list, whatever the table's size;
 * `partitions`, which must add up, has its partitions in memory, and the `all_` tables a number for each
 * manifest. */
FIRN_MUST_USE firn_status firn_inspect_next(firn_inspect *i, firn_ctx *ctx, const firn_batch **out,
                                            firn_error *err);
void firn_inspect_close(firn_inspect *i);
void firn_inspect_close_pointer(firn_inspect **i);
#define FIRN_AUTO_INSPECT FIRN_AUTO(firn_inspect_close_pointer) firn_inspect

#endif

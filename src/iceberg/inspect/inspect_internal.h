/* What the metadata tables have in common, and one function for each kind: it adds the next row. */
#ifndef FIRN_ICEBERG_INSPECT_INSPECT_INTERNAL_H
#define FIRN_ICEBERG_INSPECT_INSPECT_INTERNAL_H

#include "iceberg/inspect/cells_internal.h"
#include "iceberg/inspect/columns_internal.h"
#include "iceberg/meta/manifest.h"

/* Goes through the manifests of one snapshot or of all, those of all each once, and through their entries. */
typedef struct firn_walk {
  firn_arena list; /* the manifests of the snapshot */
  const firn_manifest_file *manifests;
  size_t n_manifests, next_manifest, next_snapshot;
  const firn_snapshot *snapshot; /* whose manifests they are; NULL: before the first, and after the last */
  uint64_t *seen;                /* hashes of the paths that have been; 0: free */
  size_t n_seen, seen_capacity;
  firn_arena bytes; /* of the manifest being read */
  firn_bytes rest;
  const firn_manifest_file *manifest;
  firn_manifest_reader *reader;
  int *places; /* in its tuples, of each unified partition column */
} firn_walk;

typedef struct firn_partition_row firn_partition_row;

struct firn_inspect {
  firn_inspect_options options;
  firn_moved moved;
  firn_arena arena; /* the columns, and what is made once */
  firn_metadata_columns columns;
  firn_field root; /* the columns wanted */
  uint32_t *wanted;
  firn_vector **cells; /* of every column: its vector in the batch; NULL: not wanted */
  size_t batch_rows;
  firn_arena batch_arena;
  firn_batch batch;
  firn_cells c;
  bool is_over;
  size_t next;       /* of what the metadata says */
  bool *is_ancestor; /* history: of each snapshot */
  firn_walk walk;
  firn_partition_row *partitions; /* NULL: not added up yet */
  size_t n_partitions;
};

/* Each adds a row to the batch, or says that there are no more. */
typedef firn_status firn_inspect_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err);
firn_inspect_row firn_inspect_manifest_row;
firn_inspect_row firn_inspect_file_row;
firn_inspect_row firn_inspect_partition_row;

/* `*out` NULL: that was the last. Entries of manifests that this kind of table does not show are passed over;
 * what is yielded is borrowed until the following call. */
FIRN_MUST_USE firn_status firn_walk_manifest(firn_inspect *i, firn_ctx *ctx, const firn_manifest_file **out,
                                             firn_error *err);
FIRN_MUST_USE firn_status firn_walk_entry(firn_inspect *i, firn_ctx *ctx, const firn_manifest_entry **out,
                                          firn_error *err);
void firn_walk_end(firn_walk *w);

/* The value of a unified partition column in the entry that came last. */
firn_value firn_walk_partition_value(const firn_inspect *i, const firn_data_file *file, size_t column);

#endif

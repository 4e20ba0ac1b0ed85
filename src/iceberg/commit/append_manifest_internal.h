/* Writing and reading manifests within an append: shared by append_manifest.c and append_merge.c. */
#ifndef FIRN_ICEBERG_COMMIT_APPEND_MANIFEST_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_APPEND_MANIFEST_INTERNAL_H

#include "iceberg/commit/append_internal.h"

/* commit.manifest.target-size-bytes, within what is held in memory. */
size_t firn_manifest_target(const firn_metadata *base);

/* A row of manifests of one spec: a full one is put away and the next begun. */
typedef struct firn_manifest_row {
  firn_appending *a;
  const firn_metadata *base;
  const firn_partition_spec *spec;
  const firn_schema *schema;
  size_t target_bytes;
  firn_manifest_array *into; /* what has been put away, in the append's arena */
  firn_builder bytes;
  firn_manifest_writer *writer; /* NULL: none is open */
} firn_manifest_row;

FIRN_MUST_USE firn_status firn_manifest_row_add(firn_manifest_row *row, const firn_manifest_entry *entry,
                                                firn_error *err);
FIRN_MUST_USE firn_status firn_manifest_row_finish(firn_manifest_row *row, firn_error *err);
void firn_manifest_row_close(firn_manifest_row *row);
#define FIRN_AUTO_MANIFEST_ROW FIRN_AUTO(firn_manifest_row_close) firn_manifest_row

/* Every entry of one manifest. */
typedef firn_status (*firn_entry_visit)(void *arg, const firn_manifest_entry *entry, firn_error *err);
FIRN_MUST_USE firn_status firn_manifest_read_all(firn_appending *a, const firn_metadata *base,
                                                 const firn_manifest_file *m, firn_entry_visit visit,
                                                 void *arg, firn_error *err);

#endif

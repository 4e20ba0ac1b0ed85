/* Data files that a load has written and not committed: rows in the form of the table as it is now, sorted by
 * its order, under its properties. When the table changes on the way, files of its earlier form stay what
 * they are: field ids tell. */
#ifndef FIRN_SERVICES_LOAD_FILES_INTERNAL_H
#define FIRN_SERVICES_LOAD_FILES_INTERNAL_H

#include "iceberg/meta/metadata.h"
#include "iceberg/write/table_writer.h"

typedef struct firn_load_files firn_load_files;

typedef struct firn_load_files_options {
  firn_stores *stores;
  size_t memory_bytes;
  size_t max_open_files;      /* 0: 64 */
  uint64_t target_file_bytes; /* 0: the table's */
} firn_load_files_options;

FIRN_MUST_USE firn_status firn_load_files_open(const firn_load_files_options *options, firn_load_files **out,
                                               firn_error *err);
/* The table as it is from now on; before the first write. */
FIRN_MUST_USE firn_status firn_load_files_set_table(firn_load_files *f, firn_ctx *ctx, firn_metadata *table,
                                                    firn_error *err);
/* Batches have the table's current schema. Borrowed during the call. */
FIRN_MUST_USE firn_status firn_load_files_write(firn_load_files *f, firn_ctx *ctx, const firn_batch *batch,
                                                firn_error *err);
/* Closes all files; their entries are borrowed until the keep or the close. */
FIRN_MUST_USE firn_status firn_load_files_finish(firn_load_files *f, firn_ctx *ctx,
                                                 const firn_data_file **files, size_t *n, firn_error *err);
/* A table knows them, or may know them. Writing may go on. */
void firn_load_files_keep(firn_load_files *f, firn_ctx *ctx);
/* Removes what was not kept. NULL is fine. */
void firn_load_files_close(firn_load_files *f, firn_ctx *ctx);

#endif

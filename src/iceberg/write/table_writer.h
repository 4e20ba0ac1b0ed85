/* The one writer stack, for every producer: batches -> partition fan-out -> rolling files -> Parquet -> data
 * file entries.
 *
 * Follows the Iceberg specification: Partitioning; Manifests, Data File Fields; Column Projection (field
 * ids). A byte budget holds over all open files (buffers, dictionaries, bloom filters and page indexes
 * count): beyond it the largest writer's row group is cut, and when that is not enough the file that was used
 * longest ago is closed.
 *
 * One thread at a time. Files that were made and not kept are removed by `close`: no table knows them. */
#ifndef FIRN_ICEBERG_WRITE_TABLE_WRITER_H
#define FIRN_ICEBERG_WRITE_TABLE_WRITER_H

#include "formats/parquet/writer.h"
#include "iceberg/meta/manifest.h"
#include "io/stores.h"

/* Where the next file of a partition goes: a path below the table's location, in `arena`; NULL when there is
 * no memory. */
typedef const char *(*firn_file_namer)(void *arg, firn_ctx *ctx, const firn_partition_spec *spec,
                                       const firn_schema *schema, const firn_value *tuple, firn_arena *arena);

typedef struct firn_table_writer_options {
  const firn_schema *schema; /* the table's; batches have its shape */
  const firn_partition_spec *spec;
  int32_t sort_order_id; /* of the rows as given; 0: unsorted */
  const char *location;  /* of the table */
  firn_file_namer namer; /* NULL: data/<partition path>/<uuid>.parquet */
  void *namer_arg;
  firn_parquet_writer_options parquet;
  uint64_t target_file_bytes; /* 0: 128 MB */
  size_t memory_bytes;        /* 0: 64 MiB */
  size_t max_open_files;      /* 0: 64 */
  firn_stores *stores;
} firn_table_writer_options;

typedef struct firn_table_writer firn_table_writer;

/* `options` is copied; what it points to must outlive the writer. */
FIRN_MUST_USE firn_status firn_table_writer_open(const firn_table_writer_options *options,
                                                 firn_table_writer **out, firn_error *err);

/* Sends every row to its partition's file. The batch is borrowed during the call only. After a failure rows
 * are missing: every further write and finish fails the same way, and only the close is left. */
FIRN_MUST_USE firn_status firn_table_writer_write(firn_table_writer *w, firn_ctx *ctx,
                                                  const firn_batch *batch, firn_error *err);

size_t firn_table_writer_memory(const firn_table_writer *w);
int64_t firn_table_writer_rows(const firn_table_writer *w);

/* Closes all files and hands their entries over: borrowed until firn_table_writer_keep or the close. */
FIRN_MUST_USE firn_status firn_table_writer_finish(firn_table_writer *w, firn_ctx *ctx,
                                                   const firn_data_file **files, size_t *n_files,
                                                   firn_error *err);
/* After a finish: a table knows the files now, or may know them. They stay, and the writer may be used again.
 */
void firn_table_writer_keep(firn_table_writer *w);
/* Closes, and removes every file that was made and not kept. NULL is fine. */
void firn_table_writer_close(firn_table_writer *w, firn_ctx *ctx);

#endif

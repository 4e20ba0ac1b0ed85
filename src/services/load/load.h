/* Rows of files into a table: JSON, CSV, Parquet in; one commit a run (or every so many rows) out. Makes the
 * table when it is not there, and widens it as its schema evolution says.
 *
 *   strict       rows must fit the table: a field that it lacks, or a value of another type, ends the run
 *   add_columns  fields that it lacks become columns (the default)
 *   full         and columns are promoted, and made optional where rows lack them
 *
 * Follows the requirement ledger SCH-01 to SCH-05 (its error sentences too), PRT-01 to PRT-11, and the
 * Iceberg specification: Schema Evolution; Partitioning; Sorting. */
#ifndef FIRN_SERVICES_LOAD_LOAD_H
#define FIRN_SERVICES_LOAD_LOAD_H

#include "formats/parquet/reader.h"
#include "iceberg/commit/catalog.h"
#include "rows/csv.h"

typedef enum firn_load_evolution {
  FIRN_LOAD_ADD_COLUMNS = 0,
  FIRN_LOAD_STRICT,
  FIRN_LOAD_FULL,
} firn_load_evolution;

typedef struct firn_load_options {
  firn_catalog *catalog; /* borrowed, like the rest */
  firn_table_id table;
  const firn_schema *schema; /* of a new table, and of the rows of JSON and CSV; NULL: inferred */
  const char *partition_by;  /* of a new table: terms (iceberg/types/terms.h); NULL: none. For a table that is
                                there it must say what the table has */
  const char *sort_by;       /* the same; rows of a file are written sorted by the table's order */
  firn_load_evolution evolution;
  bool make_namespace;        /* of a new table, when it is not there */
  uint64_t commit_every;      /* rows; 0: one commit at the end */
  int64_t commit_every_us;    /* the same by time */
  size_t memory_bytes;        /* 0: 256 MiB */
  size_t max_open_files;      /* 0: 64. Fewer than partitions that come in no order make many small files */
  uint64_t target_file_bytes; /* 0: the table's write.target-file-size-bytes, else 128 MB */
  size_t max_row_bytes;       /* of JSON and CSV; 0: 16 MiB */
  firn_csv_options csv;
  /* Told after every batch; NULL: nobody wants to know. */
  void (*progress)(void *arg, uint64_t n_rows, uint64_t bytes_read);
  void *progress_arg;
} firn_load_options;

typedef struct firn_load_result {
  uint64_t n_rows, n_files, n_commits, bytes_read, bytes_written;
  bool made_table;
  size_t n_columns_added;
  int64_t snapshot_id; /* of the last commit; 0: none */
} firn_load_result;

typedef struct firn_load firn_load;

FIRN_MUST_USE firn_status firn_load_open(const firn_load_options *options, firn_ctx *ctx, firn_load **out,
                                         firn_error *err);
/* All rows of one input; `name` for error texts. */
FIRN_MUST_USE firn_status firn_load_json(firn_load *l, firn_ctx *ctx, const char *name, firn_rows_input input,
                                         firn_error *err);
FIRN_MUST_USE firn_status firn_load_csv(firn_load *l, firn_ctx *ctx, const char *name, firn_rows_input input,
                                        firn_error *err);
FIRN_MUST_USE firn_status firn_load_parquet(firn_load *l, firn_ctx *ctx, const char *name,
                                            firn_parquet_source source, firn_error *err);
/* Batches of a caller's, whose columns are matched by name (INSERT, CREATE TABLE AS). */
FIRN_MUST_USE firn_status firn_load_batch(firn_load *l, firn_ctx *ctx, const firn_batch *batch,
                                          firn_error *err);
/* Commits what is left. Without it nothing since the last commit is in the table, and its files are removed.
 */
FIRN_MUST_USE firn_status firn_load_finish(firn_load *l, firn_ctx *ctx, firn_load_result *out,
                                           firn_error *err);
/* What is committed. */
const firn_load_result *firn_load_so_far(const firn_load *l);
void firn_load_close(firn_load *l, firn_ctx *ctx); /* NULL is fine */

#endif

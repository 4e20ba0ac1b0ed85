/* Events from inputs into the archive's tables: split, read, written by several workers, committed together.
 *
 * The three tables are made when they are not there. Files become visible only at a commit; what was not
 * committed when an ingest ends is removed. One thread uses an ingest; the pool of the context's environment
 * does the work. */
#ifndef FIRN_SERVICES_INGEST_INGEST_H
#define FIRN_SERVICES_INGEST_INGEST_H

#include "iceberg/commit/catalog.h"
#include "services/ingest/archive_writer.h"

typedef struct firn_ingest_counts {
  int64_t n_rows[FIRN_ARCHIVE_N_TABLES];
  int64_t n_files[FIRN_ARCHIVE_N_TABLES];
  int64_t snapshot_id[FIRN_ARCHIVE_N_TABLES]; /* of the last commit; 0: none */
  uint64_t bytes_in, bytes_out;
  int64_t n_commits; /* rounds, not tables */
} firn_ingest_counts;

typedef struct firn_ingest_options {
  firn_catalog *catalog;
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES];
  firn_codec codec;
  int level;
  uint64_t target_file_bytes; /* 0: 128 MB */
  size_t memory_bytes;        /* 0: 96 MiB, for all writers */
  size_t max_open_files;     /* 0: 64 for each worker and table. Fewer than the days of an input that is in no
                              * order make many small files */
  size_t max_event_bytes;    /* 0: 16 MiB */
  unsigned n_workers;        /* 0: 1 */
  size_t batch_rows;         /* 0: 1,024 */
  int64_t commit_every_rows; /* 0: only when told */
  int64_t commit_every_us;   /* the same */
  /* Told after every block or so; may be NULL. */
  void (*progress)(void *arg, const firn_ingest_counts *so_far);
  void *progress_arg;
} firn_ingest_options;

typedef struct firn_ingest firn_ingest;

/* Loads or makes the namespace and the tables. */
FIRN_MUST_USE firn_status firn_ingest_open(const firn_ingest_options *options, firn_ctx *ctx,
                                           firn_ingest **out, firn_error *err);
/* Everything of one input. Commits on the way when the options ask for it. */
FIRN_MUST_USE firn_status firn_ingest_input(firn_ingest *g, firn_ctx *ctx, const firn_input *input,
                                            firn_error *err);
/* Commits what has been written; nothing when there is nothing. After FIRN_UNCERTAIN nothing is removed. */
FIRN_MUST_USE firn_status firn_ingest_commit(firn_ingest *g, firn_ctx *ctx, firn_error *err);
/* What is committed. */
const firn_ingest_counts *firn_ingest_committed(const firn_ingest *g);
void firn_ingest_close(firn_ingest *g, firn_ctx *ctx); /* NULL is fine */

#endif

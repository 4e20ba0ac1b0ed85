/* The indexer: keeps an index up with the tables. It follows the commit log, whose files it indexes as soon
 * as their record is durable, and the snapshots of the tables, which bring what others appended, rewrote or
 * removed. Both positions are kept in the index, in the transaction of the rows.
 *
 * Headers are read from the files themselves, without `data`, so that every way leads to the same rows.
 *
 * One thread steps it. */
#ifndef FIRN_SERVICES_INDEXER_INDEXER_H
#define FIRN_SERVICES_INDEXER_INDEXER_H

#include "commitlog/commitlog.h"
#include "iceberg/commit/catalog.h"
#include "index/index.h"
#include "services/common/service.h"

typedef struct firn_indexer_options {
  firn_index *index;     /* borrowed */
  firn_commit_log *log;  /* borrowed; NULL: snapshots alone (firn index rebuild) */
  firn_catalog *catalog; /* borrowed */
  firn_stores *stores;   /* borrowed */
  const char *warehouse; /* location that keys are relative to */
  size_t n_tables;
  const firn_table_id *tables; /* events to be indexed: valid and partial */
  int64_t look_every_us;       /* at the tables, for what others did; 0: 10 s */
  int64_t max_rows;            /* of one transaction; 0: 500,000 */
  /* A sentence about tables or files that cannot be followed while the rest goes on; NULL: there are none any
   * more. Told when it changes, by the thread that steps. May be NULL */
  void (*problem)(void *arg, const char *text);
  void (*progress)(void *arg, int64_t n_files, int64_t n_rows); /* may be NULL */
  void *arg;
} firn_indexer_options;

typedef struct firn_indexer firn_indexer;

/* With a log it becomes one of its consumers, so it is opened before anything advances there. */
FIRN_MUST_USE firn_status firn_indexer_open(const firn_indexer_options *options, firn_ctx *ctx,
                                            firn_indexer **out, firn_error *err);
/* A table has a new snapshot: look at the next step. Any thread. */
void firn_indexer_look(firn_indexer *x);
void firn_indexer_close(firn_indexer *x); /* NULL is fine */

/* Which snapshot of a table an index has; `table` is its name, parts joined by dots. */
typedef struct firn_indexed_place {
  bool is_known;    /* false: none yet */
  const char *uuid; /* of the table */
  bool is_empty;    /* the table had no snapshot */
  int64_t snapshot_id;
} firn_indexed_place;

FIRN_MUST_USE firn_status firn_indexed_place_of(firn_index *index, firn_ctx *ctx, const char *table,
                                                firn_arena *arena, firn_indexed_place *out, firn_error *err);

extern const firn_service_ops firn_indexer_service; /* self: the indexer */
extern const firn_metric_set firn_indexer_metrics;

#endif

/* The committer: folds records of the commit log into one append for each table, exactly once.
 *
 * A commit holds, beside its files: in the snapshot's summary `firn.commit-id` and `firn.log.<log-id>` =
 * {"<partition>": next} with what changed, and the whole map in the table's property
 * `firn.positions.<log-id>`. Where to go on is the larger, partition by partition, of the property and of
 * what the ancestors of the branch's head say. Every attempt reads both from its refreshed base and drops
 * files of records that are covered already; the head of the branch is the fence. So any number of committers
 * may run, and one is enough.
 *
 * A commit is made when `max_files` files wait, or `period_us` after the first of them came; who is far
 * behind takes up to sixteen times as many at once. The log keeps a record until every table's stored
 * position has passed it; a table for which nothing comes gets its position by a commit of the property
 * alone, now and then.
 *
 * What it will not do: commit to a table whose UUID is not that of the record, or go on from a position that
 * the log does not have. It says so and stops. A catalog that is busy or away is tried again.
 *
 * One thread steps it. */
#ifndef FIRN_SERVICES_COMMITTER_COMMITTER_H
#define FIRN_SERVICES_COMMITTER_COMMITTER_H

#include "commitlog/commitlog.h"
#include "iceberg/commit/catalog.h"
#include "services/common/service.h"

typedef struct firn_committer_options {
  const char *consumer;  /* its name among the log's consumers; NULL: "committer" */
  firn_commit_log *log;  /* borrowed */
  firn_catalog *catalog; /* borrowed */
  size_t n_tables;       /* tables whose positions are kept up even when nothing arrives for them; copied */
  const firn_table_id *tables; /* committed to in this order: what people look at comes last */
  unsigned max_files;          /* 0: 100 */
  int64_t period_us;           /* after the first pending record; 0: 10 s */
  /* Older snapshots are expired unless the table says otherwise; 0: 6 h, -1: never. */
  int64_t snapshot_age_us;
  unsigned keep_up_records;     /* so far an idle table's position may lie behind; 0: 1,000 */
  void (*on_commit)(void *arg); /* a table has a new snapshot; may be NULL */
  void *arg;
} firn_committer_options;

typedef struct firn_committer firn_committer;

/* Adds itself to the log's consumers. The catalog is not asked before the first step, so it may be away. */
FIRN_MUST_USE firn_status firn_committer_open(const firn_committer_options *options, firn_ctx *ctx,
                                              firn_committer **out, firn_error *err);
/* Asks the tables where they are, as the first step does otherwise: for those who must not take events that
 * could not be committed, above all when the log was put back to an older state. FIRN_INVALID as said above.
 */
FIRN_MUST_USE firn_status firn_committer_check(firn_committer *c, firn_ctx *ctx, firn_error *err);
void firn_committer_close(firn_committer *c); /* NULL is fine */

extern const firn_service_ops firn_committer_service; /* self: the committer */
/* Commits, files, rows and their sizes; how far the log is ahead in records, and how old what is not visible
 * is. */
extern const firn_metric_set firn_committer_metrics;

#endif

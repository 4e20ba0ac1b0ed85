/* The committer: folds records of the commit log into one append for each table, exactly once.
 *
 * A commit holds, beside its files: in the snapshot's summary `firn.commit-id` and `firn.log.<log-id>` =
 * {"<partition>": next} with what changed, and the whole map in the table's property
 * `firn.positions.<log-id>`. Where to go on is the larger, partition by partition, of the property and of
 * what the ancestors of the branch's head say. Every attempt reads both from its refreshed base and drops
 * files of records that are covered already; the head of the branch is the fence. So any number of committers
 * may run, and one is enough.
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
  firn_commit_log *log;  /* borrowed */
  firn_catalog *catalog; /* borrowed */
  size_t n_tables;       /* tables whose positions are kept up even when nothing arrives for them */
  const firn_table_id *tables;
  unsigned max_files; /* 0: 100 */
  int64_t period_us;  /* after the first pending record; 0: 10 s */
  int64_t
      snapshot_age_us; /* older snapshots are expired unless the table says otherwise; 0: 6 h, -1: never */
  void (*on_commit)(void *arg); /* a table has a new snapshot; may be NULL */
  void *arg;
} firn_committer_options;

typedef struct firn_committer firn_committer;

FIRN_MUST_USE firn_status firn_committer_open(const firn_committer_options *options, firn_ctx *ctx,
                                              firn_committer **out, firn_error *err);
void firn_committer_close(firn_committer *c); /* NULL is fine */

extern const firn_service_ops firn_committer_service; /* self: the committer */
/* Commits, files, rows and their sizes; how far the log is ahead in records, and how old what is not visible
 * is. */
extern const firn_metric_set firn_committer_metrics;

#endif

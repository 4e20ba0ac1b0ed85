/* Batches: the event journal into files, and the files into records of the commit log.
 *
 * A step takes the next records of the journal; a batch closes at `max_events`, at `max_bytes`, or
 * `period_us` after its first request arrived, always between two requests: a request larger than that is a
 * batch of its own. Several batches are written at once by the pool, each by an archive writer of its own,
 * and their commit records are appended in the order of the journal. Once a record is durable its range is
 * given to `on_covered`. After a crash the last durable record says where to go on: what was written beyond
 * it is written again, and its files are orphans. When a batch cannot be written (a full disk) its files are
 * removed and the same requests are tried again.
 *
 * Nothing is judged here: what is no event becomes a dead letter with its client, the time of the request and
 * the number of the event in it, from 0.
 *
 * One thread steps it. */
#ifndef FIRN_SERVICES_INGEST_BATCHES_H
#define FIRN_SERVICES_INGEST_BATCHES_H

#include "base/journal.h"
#include "commitlog/commitlog.h"
#include "services/common/service.h"
#include "services/ingest/archive_writer.h"

enum { FIRN_BATCHES_MAX_WRITERS = 64 };

typedef struct firn_batches_options {
  firn_journal *journal; /* borrowed */
  firn_commit_log *log;  /* borrowed */
  firn_catalog *catalog; /* borrowed: the tables are loaded, and made when they are not there */
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES]; /* what they point to is borrowed */
  const char *warehouse; /* below it their files must lie, else nobody could fetch them; NULL: anywhere */
  firn_codec codec;
  int level;
  size_t memory_bytes; /* 0: 96 MiB, of all writers at a time */
  unsigned n_writers;  /* batches at a time; 0: 2, at most FIRN_BATCHES_MAX_WRITERS */
  int64_t max_events;  /* 0: 10,000 */
  uint64_t max_bytes;  /* of requests; 0: 64 MiB */
  int64_t period_us;   /* 0: 5 s */
  /* Records of the journal before `position` are safe. Told once at the start too. May be NULL. */
  firn_status (*on_covered)(void *arg, firn_ctx *ctx, uint64_t position, firn_error *err);
  void (*on_record)(void *arg); /* the commit log has grown: wakes committer and indexer. May be NULL */
  void *arg;
} firn_batches_options;

typedef struct firn_batches firn_batches;

/* Reads the log to find where to go on. FIRN_CORRUPT when log and journal do not fit together: going on would
 * lose or double events. */
FIRN_MUST_USE firn_status firn_batches_open(const firn_batches_options *options, firn_ctx *ctx,
                                            firn_batches **out, firn_error *err);
/* The first record of the journal that is not safe in files. */
uint64_t firn_batches_covered(const firn_batches *b);
void firn_batches_close(firn_batches *b); /* NULL is fine; its steps are over */

extern const firn_service_ops firn_batches_service; /* self: the batches */
extern const firn_metric_set firn_batches_metrics;

#endif

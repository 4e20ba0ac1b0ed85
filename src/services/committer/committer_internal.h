/* A committer at work: shared by the files of this room.
 *
 *   committer.c      opening, the step, metrics
 *   pending.c        records read from the log and held until they are committed
 *   commit_table.c   the append of one table, and its position alone
 *   expire_table.c   its old snapshots
 *   begin.c          where to go on: the positions of all tables against the log */
#ifndef FIRN_SERVICES_COMMITTER_COMMITTER_INTERNAL_H
#define FIRN_SERVICES_COMMITTER_COMMITTER_INTERNAL_H

#include "base/metrics.h"
#include "events/commit_record.h"
#include "services/committer/committer.h"
#include "services/committer/positions.h"

#define FIRN_COMMITTER_BRANCH "main"

typedef struct firn_pending_record {
  int32_t partition;
  uint64_t position;
  firn_commit_record record;
  const size_t *tables; /* of each of its tables: where it is among those that are followed */
} firn_pending_record;

/* Records that are read and not yet in every table. */
typedef struct firn_pending {
  firn_arena arena; /* the records */
  size_t n, capacity;
  firn_pending_record *items;
  size_t n_files;
  size_t n_bytes;   /* of JSON */
  int64_t since_us; /* monotonic: when the first of them was read */
} firn_pending;

/* A table that is committed to. */
typedef struct firn_followed {
  firn_table_id id;
  const char *name;          /* "cloudevent.valid" */
  bool is_there;             /* in the catalog, when it was looked at last */
  bool is_done;              /* has what is pending */
  firn_log_positions stored; /* what the table is known to say */
  bool has_expired;
  int64_t expired_us; /* monotonic: when its snapshots were last looked through */
} firn_followed;

struct firn_committer {
  firn_committer_options options; /* defaults filled in */
  firn_arena arena;               /* lives as long as the committer: names of tables */
  size_t n_tables, capacity_tables;
  firn_followed *tables; /* those of the options first */
  firn_commit_log_consumer *consumer;
  firn_commit_log_reader *reader; /* NULL: to be opened at `next` */
  bool has_begun;                 /* positions are known */
  firn_arena state;               /* all positions here and in `tables`; emptied when it begins anew */
  firn_log_positions freed;       /* what the consumer was told: records before are not needed */
  firn_log_positions done;        /* records before are in their tables */
  firn_log_positions next;        /* the next record to read */
  firn_pending pending;
  bool has_more;                      /* the bound ended the reading, not the log */
  int64_t shown_behind, shown_age_us; /* of the gauges, which know only differences */
};

enum {
  FIRN_COMMITTER_COMMITS,
  FIRN_COMMITTER_COMMIT_US,
  FIRN_COMMITTER_FILES,
  FIRN_COMMITTER_ROWS,
  FIRN_COMMITTER_BYTES,
  FIRN_COMMITTER_BEHIND,
  FIRN_COMMITTER_AGE_US,
  FIRN_COMMITTER_LATENCY_US,
  FIRN_COMMITTER_RECORDS,
  FIRN_COMMITTER_EXPIRED,
  FIRN_COMMITTER_EXPIRE_FAILURES,
  FIRN_COMMITTER_N_METRICS,
};

/* Finds out where to go on, checks it against the log, opens the reader. */
FIRN_MUST_USE firn_status firn_committer_begin(firn_committer *c, firn_ctx *ctx, firn_error *err);
/* The table of that name among those that are followed; it is added when it is not. */
FIRN_MUST_USE firn_status firn_committer_follow(firn_committer *c, const firn_table_id *id, size_t *out,
                                                firn_error *err);
/* What a table that was just loaded says, in `arena`, against what it said before and what the log has. When
 * it went back the committer begins anew: FIRN_CONFLICT. */
FIRN_MUST_USE firn_status firn_committer_look(firn_committer *c, firn_ctx *ctx, const firn_followed *t,
                                              const firn_metadata *metadata, firn_arena *arena,
                                              firn_log_positions *out, firn_error *err);
/* Keeps what a table says. */
FIRN_MUST_USE firn_status firn_committer_note(firn_committer *c, firn_followed *t,
                                              const firn_log_positions *stored, firn_error *err);

/* Reads what the log has, within bounds. After a failure what was read before is there. */
FIRN_MUST_USE firn_status firn_pending_read(firn_committer *c, firn_ctx *ctx, firn_error *err);
void firn_pending_clear(firn_committer *c);

/* Brings what is pending for a table into it. */
FIRN_MUST_USE firn_status firn_committer_commit(firn_committer *c, firn_ctx *ctx, firn_followed *t,
                                                firn_error *err);
/* Expires its old snapshots when it is time. What fails is told in the log and tried again later. */
void firn_committer_expire(firn_committer *c, firn_ctx *ctx, firn_followed *t);
/* Brings a table's stored position up to `done` without a snapshot. */
FIRN_MUST_USE firn_status firn_committer_keep_up(firn_committer *c, firn_ctx *ctx, firn_followed *t,
                                                 firn_error *err);

#endif

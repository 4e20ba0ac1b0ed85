#include "services/committer/committer.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/time.h"
#include "services/committer/committer_internal.h"

enum {
  DEFAULT_FILES = 100,
  DEFAULT_PERIOD_US = 10 * 1000 * 1000,
  DEFAULT_KEEP_UP = 1000,
  MAX_FILES = 100000
};

static const int64_t default_age_us = 6 * FIRN_US_PER_HOUR;

static const firn_metric metrics[] = {
    [FIRN_COMMITTER_COMMITS] = {"iceberg_batches_committed_total", "Appends committed to tables",
                                FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_COMMIT_US] = {"iceberg_commit_duration_seconds", "Time of one append, attempts included",
                                  FIRN_METRIC_HISTOGRAM, 1e-6},
    [FIRN_COMMITTER_FILES] = {"firn_committer_files_total", "Data files committed", FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_ROWS] = {"firn_committer_rows_total", "Rows in them", FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_BYTES] = {"firn_committer_bytes_total", "Their bytes", FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_BEHIND] = {"firn_committer_behind_records",
                               "Records of the commit log that are not yet in their tables",
                               FIRN_METRIC_GAUGE, 1},
    [FIRN_COMMITTER_AGE_US] =
        {"firn_committer_oldest_pending_seconds",
         "Since the oldest event was accepted that is in the commit log and not yet visible",
         FIRN_METRIC_GAUGE, 1e-6},
    [FIRN_COMMITTER_LATENCY_US] = {"firn_committer_event_latency_seconds",
                                   "From the acceptance of a record's earliest event to its commit",
                                   FIRN_METRIC_HISTOGRAM, 1e-6},
    [FIRN_COMMITTER_RECORDS] = {"firn_committer_records_total",
                                "Records of the commit log brought into tables", FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_EXPIRED] = {"firn_committer_expired_snapshots_total", "Snapshots expired",
                                FIRN_METRIC_COUNTER, 1},
    [FIRN_COMMITTER_EXPIRE_FAILURES] = {"firn_committer_expire_failures_total",
                                        "Expirations that failed and are tried again", FIRN_METRIC_COUNTER,
                                        1},
};
_Static_assert(FIRN_COUNT_OF(metrics) == FIRN_COMMITTER_N_METRICS, "a metric is missing");
const firn_metric_set firn_committer_metrics = {metrics, FIRN_COUNT_OF(metrics)};

/* --- opening --- */

static firn_status fill_options(firn_committer *c, const firn_committer_options *given, firn_error *err) {
  firn_committer_options *o = &c->options;
  *o = *given;
  o->max_files = o->max_files == 0 ? DEFAULT_FILES : o->max_files > MAX_FILES ? MAX_FILES : o->max_files;
  o->period_us = o->period_us <= 0 ? DEFAULT_PERIOD_US : o->period_us;
  o->snapshot_age_us = o->snapshot_age_us == 0 ? default_age_us : o->snapshot_age_us;
  o->keep_up_records = o->keep_up_records == 0 ? DEFAULT_KEEP_UP : o->keep_up_records;
  o->consumer = o->consumer == NULL ? "committer" : o->consumer;
  o->tables = NULL;
  for (size_t i = 0; i < o->n_tables; i++) {
    size_t at;
    FIRN_TRY(firn_committer_follow(c, &given->tables[i], &at, err));
    if (at != i) {
      return firn_error_set(err, FIRN_INVALID, "%s is to be committed to twice", c->tables[at].name);
    }
  }
  return FIRN_OK;
}

firn_status firn_committer_open(const firn_committer_options *options, firn_ctx *ctx, firn_committer **out,
                                firn_error *err) {
  firn_committer *c = firn_alloc(sizeof *c);
  if (c == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a committer");
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions first, end;
  firn_status status = fill_options(c, options, err);
  if (status == FIRN_OK) {
    status = firn_commit_log_range(c->options.log, ctx, &scratch, &first, &end, err);
  }
  if (status == FIRN_OK) { /* from the start, so that nothing is freed before the tables have been asked */
    status =
        firn_commit_log_consumer_add(c->options.log, ctx, c->options.consumer, &first, &c->consumer, err);
  }
  if (status != FIRN_OK) {
    firn_committer_close(c);
    return status;
  }
  *out = c;
  return FIRN_OK;
}

firn_status firn_committer_check(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  return c->has_begun ? FIRN_OK : firn_committer_begin(c, ctx, err);
}

void firn_committer_close(firn_committer *c) {
  if (c == NULL) {
    return;
  }
  firn_commit_log_reader_close(c->reader);
  firn_commit_log_consumer_close(c->consumer);
  firn_arena_free(&c->pending.arena);
  firn_arena_free(&c->state);
  firn_arena_free(&c->arena);
  firn_free(c);
}

/* --- what is due --- */

/* The period is measured by a clock that nobody sets. */
static int64_t period_left(const firn_committer *c, firn_ctx *ctx) {
  int64_t waited = firn_ctx_monotonic_us(ctx) - c->pending.since_us;
  return waited >= c->options.period_us ? 0 : c->options.period_us - (waited < 0 ? 0 : waited);
}

static bool is_due(const firn_committer *c, firn_ctx *ctx) {
  const firn_pending *p = &c->pending;
  return p->n > 0 && (c->has_more || p->n_files >= c->options.max_files || period_left(c, ctx) == 0);
}

static void count_records(const firn_committer *c, firn_ctx *ctx) {
  int64_t now = firn_ctx_now_us(ctx);
  for (size_t i = 0; i < c->pending.n; i++) {
    firn_metric_observe(ctx, &firn_committer_metrics, FIRN_COMMITTER_LATENCY_US,
                        now - c->pending.items[i].record.accepted_us); /* clocks that went back count as 0 */
  }
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_RECORDS, (int64_t)c->pending.n);
}

/* A table that fails does not hold up the others; the first failure is told. */
static firn_status commit_tables(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  firn_status first = FIRN_OK;
  for (size_t i = 0; i < c->n_tables && c->has_begun; i++) {
    firn_error why;
    firn_status status = c->tables[i].is_done ? FIRN_OK : firn_committer_commit(c, ctx, &c->tables[i], &why);
    c->tables[i].is_done = status == FIRN_OK;
    if (status != FIRN_OK && first == FIRN_OK) {
      first = status;
      if (err != NULL) {
        *err = why;
      }
    }
  }
  return first;
}

static firn_status commit_pending(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(commit_tables(c, ctx, err));
  FIRN_TRY(firn_positions_merge(&c->done, &c->next, &c->state, err));
  count_records(c, ctx);
  firn_pending_clear(c);
  return FIRN_OK;
}

/* --- what the log may free --- */

/* What every table's stored position has passed. */
static firn_status find_passed(const firn_committer *c, firn_arena *arena, firn_log_positions *out,
                               firn_error *err) {
  firn_log_positions passed = {0};
  for (size_t p = 0; p < c->done.n; p++) {
    uint64_t least = c->done.items[p].next;
    for (size_t i = 0; i < c->n_tables; i++) {
      uint64_t stored = firn_positions_get(&c->tables[i].stored, c->done.items[p].partition);
      least = c->tables[i].is_there && stored < least ? stored : least;
    }
    FIRN_TRY(firn_positions_raise(&passed, c->done.items[p].partition, least, arena, err));
  }
  *out = passed;
  return FIRN_OK;
}

/* Tables for which nothing came would hold the log, or be left behind its start: now and then they get their
 * position. */
static firn_status keep_up(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions passed;
  if (firn_positions_distance(&c->freed, &c->done) == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(find_passed(c, &scratch, &passed, err));
  if (firn_positions_distance(&passed, &c->done) >= c->options.keep_up_records) {
    for (size_t i = 0; i < c->n_tables; i++) {
      if (!firn_positions_reach(&c->tables[i].stored, &c->done)) {
        FIRN_TRY(firn_committer_keep_up(c, ctx, &c->tables[i], err));
      }
    }
    FIRN_TRY(find_passed(c, &scratch, &passed, err));
  }
  if (firn_positions_distance(&c->freed, &passed) == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_commit_log_consumer_advance(c->consumer, ctx, &passed, err));
  return firn_positions_merge(&c->freed, &passed, &c->state, err);
}

/* --- the step --- */

static void show(firn_committer *c, firn_ctx *ctx) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions first, end;
  if (ctx->env->metrics == NULL ||
      firn_commit_log_range(c->options.log, ctx, &scratch, &first, &end, NULL) != FIRN_OK) {
    return;
  }
  int64_t behind = (int64_t)firn_positions_distance(&c->done, &end);
  int64_t age = c->pending.n == 0 ? 0 : firn_ctx_now_us(ctx) - c->pending.items[0].record.accepted_us;
  age = age < 0 ? 0 : age;
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_BEHIND, behind - c->shown_behind);
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_AGE_US, age - c->shown_age_us);
  c->shown_behind = behind;
  c->shown_age_us = age;
}

static firn_status work(firn_committer *c, firn_ctx *ctx, bool is_draining, firn_error *err) {
  if (!c->has_begun) {
    FIRN_TRY(firn_committer_begin(c, ctx, err));
  }
  firn_error why = {0};
  firn_status reading = firn_pending_read(c, ctx, &why);
  /* What was read before a record that cannot be is committed before the failure is told. */
  if (c->pending.n > 0 && (is_draining || reading != FIRN_OK || is_due(c, ctx))) {
    FIRN_TRY(commit_pending(c, ctx, err));
  }
  FIRN_TRY(keep_up(c, ctx, err));
  if (reading != FIRN_OK && err != NULL) {
    *err = why;
  }
  return reading;
}

static firn_status step(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err) {
  firn_committer *c = self;
  firn_status status = work(c, ctx, is_draining, err);
  show(c, ctx);
  if (status == FIRN_OK) {
    *wait_us = c->has_more ? 0 : c->pending.n > 0 ? period_left(c, ctx) : FIRN_STEP_IDLE;
  }
  return status;
}

const firn_service_ops firn_committer_service = {.name = "committer", .step = step};

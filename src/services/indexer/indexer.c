#include "services/indexer/indexer.h"

#include <stdio.h>

#include "base/alloc.h"
#include "services/indexer/indexer_internal.h"

enum { DEFAULT_LOOK_US = 10000000, DEFAULT_MAX_ROWS = 500000 };

static const firn_metric metrics[FIRN_INDEXER_N_METRICS] = {
    [FIRN_INDEXER_FILES] = {"firn_index_files_total", "Data files added to the index", FIRN_METRIC_COUNTER,
                            1},
    [FIRN_INDEXER_ROWS] = {"firn_index_rows_total", "Rows added to the index", FIRN_METRIC_COUNTER, 1},
    [FIRN_INDEXER_GONE] = {"firn_index_files_gone_total", "Data files that left their table",
                           FIRN_METRIC_COUNTER, 1},
    [FIRN_INDEXER_UNREAD] = {"firn_index_files_unread_total", "Attempts to read a data file that failed",
                             FIRN_METRIC_COUNTER, 1},
    [FIRN_INDEXER_LOAD_US] = {"firn_index_load_seconds", "Time of one transaction of the index",
                              FIRN_METRIC_HISTOGRAM, 1e-6},
};
const firn_metric_set firn_indexer_metrics = {metrics, FIRN_INDEXER_N_METRICS};

static firn_status open_tables(firn_indexer *x, firn_error *err) {
  const firn_indexer_options *o = &x->options;
  x->tables = firn_new_n(&x->arena, firn_indexed_table, o->n_tables);
  if (x->tables == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an indexer");
  }
  for (size_t i = 0; i < o->n_tables; i++) {
    x->tables[i] =
        (firn_indexed_table){.id = &o->tables[i], .name = firn_table_id_text(&o->tables[i], &x->arena)};
    if (x->tables[i].name == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for an indexer");
    }
  }
  return FIRN_OK;
}

firn_status firn_indexer_open(const firn_indexer_options *options, firn_ctx *ctx, firn_indexer **out,
                              firn_error *err) {
  firn_error own;
  firn_indexer *x = firn_alloc(sizeof *x);
  if (x == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an indexer");
  }
  x->options = *options;
  x->options.look_every_us = options->look_every_us == 0 ? DEFAULT_LOOK_US : options->look_every_us;
  x->options.max_rows = options->max_rows == 0 ? DEFAULT_MAX_ROWS : options->max_rows;
  x->next_table = options->n_tables;
  atomic_init(&x->must_look, true);
  firn_status status = open_tables(x, &own);
  if (status == FIRN_OK) {
    status = firn_indexer_know_place(x, ctx, &own);
  }
  if (status != FIRN_OK) {
    firn_indexer_close(x);
    return firn_error_set(err, status, "%s", own.text);
  }
  *out = x;
  return FIRN_OK;
}

void firn_indexer_look(firn_indexer *x) {
  atomic_store(&x->must_look, true);
}

void firn_indexer_close(firn_indexer *x) {
  if (x == NULL) {
    return;
  }
  firn_commit_log_reader_close(x->reader);
  firn_commit_log_consumer_close(x->consumer);
  firn_catch_up_end(&x->catch_up);
  for (size_t i = 0; x->tables != NULL && i < x->options.n_tables; i++) {
    firn_metadata_unref(x->tables[i].metadata);
  }
  firn_path_set_free(&x->passed);
  firn_path_set_free(&x->warned);
  firn_arena_free(&x->passed_arena);
  firn_arena_free(&x->warned_arena);
  firn_arena_free(&x->arena);
  firn_free(x);
}

/* What the index has not taken is read again, from where the index says it is. */
static void forget(firn_indexer *x) {
  firn_commit_log_reader_close(x->reader);
  x->reader = NULL;
  x->is_known = false;
  firn_catch_up_end(&x->catch_up);
  x->next_table = x->options.n_tables;
  atomic_store(&x->must_look, true);
}

static void begin_look_if_due(firn_indexer *x, firn_ctx *ctx, bool is_draining) {
  bool is_over = x->catch_up.table == NULL && x->next_table == x->options.n_tables;
  bool is_due = firn_ctx_monotonic_us(ctx) >= x->next_look_us;
  if (is_draining) {
    is_due = !x->looked_while_draining;
  }
  if (is_over && (atomic_load(&x->must_look) || is_due)) {
    atomic_store(&x->must_look, false);
    x->looked_while_draining = is_draining;
    x->next_look_us = firn_ctx_monotonic_us(ctx) + x->options.look_every_us;
    x->next_table = 0;
  }
}

static void tell_problem(firn_indexer *x) {
  const char *text = "";
  for (size_t i = 0; text[0] == '\0' && i < x->options.n_tables; i++) {
    text = x->tables[i].problem;
  }
  if (x->options.problem != NULL && strcmp(text, x->told) != 0) {
    (void)snprintf(x->told, sizeof x->told, "%s", text);
    x->options.problem(x->options.arg, text[0] == '\0' ? NULL : text);
  }
}

static firn_status step(firn_indexer *x, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err) {
  bool more_records, more_tables;
  x->looked_while_draining = x->looked_while_draining && is_draining;
  FIRN_TRY(firn_indexer_follow_log(x, ctx, &more_records, err));
  begin_look_if_due(x, ctx, is_draining);
  FIRN_TRY(firn_indexer_follow_tables(x, ctx, &more_tables, err));
  tell_problem(x);
  if (more_records || more_tables || atomic_load(&x->must_look)) {
    *wait_us = 0;
  } else if (is_draining) {
    *wait_us = x->looked_while_draining ? FIRN_STEP_IDLE : 0;
  } else {
    int64_t left = x->next_look_us - firn_ctx_monotonic_us(ctx);
    *wait_us = left > 0 ? left : 0;
  }
  return FIRN_OK;
}

static firn_status indexer_step(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us,
                                firn_error *err) {
  firn_indexer *x = self;
  firn_error own;
  firn_status status = step(x, ctx, is_draining, wait_us, &own);
  if (status == FIRN_OK) {
    return FIRN_OK;
  }
  forget(x);
  /* Whether a load whose commit got lost is there, the index itself says at the next step. */
  return firn_error_set(err, status == FIRN_UNCERTAIN ? FIRN_IO : status, "%s", own.text);
}

const firn_service_ops firn_indexer_service = {.name = "indexer", .step = indexer_step};

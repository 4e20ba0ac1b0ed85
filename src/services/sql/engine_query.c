/* Statements of the engine's language: plans, and rows while they come. */
#include "services/sql/engine_internal.h"

#include <assert.h>
#include <string.h>

#include "services/sql/duck_text_internal.h"
#include "services/sql/engine_state_internal.h"

enum {
  SHADOW_MAX = 16 << 20, /* bytes of CREATE TABLE */
  PLAN_MAX = 64 << 20,   /* bytes of a plan's JSON */
  ROWS_MEMORY_MAX = 1 << 30,
  NAP_FIRST_US = 20, /* while the engine's own threads are at work and there is nothing for ours */
  NAP_LAST_US = 1000,
};

struct firn_engine_rows {
  firn_engine_link *link;
  firn_ctx *ctx;
  duck_prepared prepared;
  duck_pending pending;
  duck_result result;
  duck_chunk chunk;
  bool has_rows, is_over;
  size_t n_columns;
  firn_duck_column *columns;
  firn_field schema;
  firn_field *fields; /* its children */
  firn_batch batch;
  firn_arena kept; /* schema */
  firn_arena now;  /* of the batch */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
}

/* A source's failure goes before what the engine makes of it, and who asked to stop knows why. */
static firn_status failure_of(firn_engine_rows *r, const char *text, firn_error *err) {
  firn_engine_link *l = r->link;
  (void)pthread_mutex_lock(&l->mutex);
  firn_error failure = l->failure;
  (void)pthread_mutex_unlock(&l->mutex);
  if (failure.status != FIRN_OK) {
    return firn_error_set(err, failure.status, "%s", failure.text);
  }
  if (atomic_load(&l->is_interrupted)) {
    return firn_error_set(err, FIRN_CANCELLED, "the statement was interrupted");
  }
  FIRN_TRY(firn_ctx_check(r->ctx, err));
  return firn_engine_failure(text, err);
}

/* Time to stop: by the caller's context, or because someone interrupted. */
static firn_status check(firn_engine_rows *r, firn_error *err) {
  if (atomic_load(&r->link->is_interrupted)) {
    return firn_error_set(err, FIRN_CANCELLED, "the statement was interrupted");
  }
  return firn_ctx_check(r->ctx, err);
}

static firn_status run_tasks(firn_engine_rows *r, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  int64_t nap = NAP_FIRST_US;
  for (;;) {
    FIRN_TRY(check(r, err));
    switch (api->pending_execute_task(r->pending)) {
      case DUCK_PENDING_READY:
        return FIRN_OK;
      case DUCK_PENDING_NOT_READY:
        nap = NAP_FIRST_US;
        break;
      case DUCK_PENDING_NO_TASKS:
        r->ctx->env->sleep_us(r->ctx->env->self, nap);
        nap = nap * 2 < NAP_LAST_US ? nap * 2 : NAP_LAST_US;
        break;
      default:
        return failure_of(r, api->pending_error(r->pending), err);
    }
  }
}

/* Runs what is prepared until its first rows are there, or it is done. */
static firn_status execute(firn_engine_rows *r, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  if (api->pending_prepared_streaming(r->prepared, &r->pending) != DUCK_SUCCESS) {
    return failure_of(r, api->pending_error(r->pending), err);
  }
  FIRN_TRY(run_tasks(r, err));
  if (api->execute_pending(r->pending, &r->result) != DUCK_SUCCESS) {
    return failure_of(r, api->result_error(&r->result), err);
  }
  return FIRN_OK;
}

static void forget_execution(firn_engine_rows *r) {
  const duck_api *api = r->link->engine->api;
  api->destroy_data_chunk(&r->chunk);
  api->destroy_result(&r->result);
  r->result = (duck_result){0};
  api->destroy_pending(&r->pending);
  api->destroy_prepare(&r->prepared);
}

/* One statement may become several in the engine (PIVOT makes a type first): those before the last make
 * something; nothing else is let through. */
static firn_status execute_all(firn_engine_rows *r, duck_statements statements, uint64_t n, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  for (uint64_t i = 0; i < n; i++) {
    forget_execution(r);
    if (api->prepare_extracted_statement(r->link->connection, statements, i, &r->prepared) != DUCK_SUCCESS) {
      return failure_of(r, api->prepare_error(r->prepared), err);
    }
    duck_statement_kind kind = api->prepared_statement_type(r->prepared);
    if (n > 1 && kind != (i + 1 < n ? DUCK_STATEMENT_CREATE : DUCK_STATEMENT_SELECT)) {
      return firn_error_set(err, FIRN_INVALID, "several statements where one is expected");
    }
    FIRN_TRY(execute(r, err));
  }
  return FIRN_OK;
}

static firn_status read_columns(firn_engine_rows *r, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  r->schema = (firn_field){.id = FIRN_NO_ID, .name = "rows", .required = true, .kind = FIRN_KIND_STRUCT};
  r->has_rows = api->result_return_type(r->result) == DUCK_RESULT_ROWS;
  if (!r->has_rows) {
    return FIRN_OK;
  }
  r->n_columns = (size_t)api->column_count(&r->result);
  r->columns = firn_new_n(&r->kept, firn_duck_column, r->n_columns + 1);
  r->fields = firn_new_n(&r->kept, firn_field, r->n_columns + 1);
  r->batch.columns = firn_new_n(&r->kept, firn_vector, r->n_columns + 1);
  if (r->columns == NULL || r->fields == NULL || r->batch.columns == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < r->n_columns; i++) {
    duck_type type = api->column_logical_type(&r->result, i);
    firn_status status =
        firn_duck_column_of(api, type, api->column_name(&r->result, i), &r->kept, &r->columns[i], err);
    api->destroy_logical_type(&type);
    FIRN_TRY(status);
    r->fields[i] = r->columns[i].field;
  }
  r->schema.n_children = (uint32_t)r->n_columns;
  r->schema.children = r->fields;
  r->batch.schema = &r->schema;
  return FIRN_OK;
}

firn_status firn_engine_rows_rename(firn_engine_rows *r, uint32_t column, const char *name, firn_error *err) {
  const char *kept = firn_arena_text(&r->kept, firn_bytes_of(name));
  if (kept == NULL) {
    return no_memory(err);
  }
  r->fields[column].name = kept;
  return FIRN_OK;
}

static firn_status query(firn_engine_rows *r, const char *sql, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  duck_statements statements = NULL;
  uint64_t n = api->extract_statements(r->link->connection, sql, &statements);
  const char *why = n == 0 && statements != NULL ? api->extract_statements_error(statements) : NULL;
  firn_status status = n > 0         ? execute_all(r, statements, n, err)
                       : why != NULL ? firn_engine_failure(why, err)
                                     : firn_error_set(err, FIRN_INVALID, "there is no statement");
  api->destroy_extracted(&statements);
  FIRN_TRY(status);
  return read_columns(r, err);
}

static void begin(firn_engine_link *l, firn_ctx *ctx) {
  assert(l->rows == NULL);
  (void)pthread_mutex_lock(&l->mutex);
  l->ctx = ctx;
  l->failure.status = FIRN_OK;
  l->done = 0;
  for (firn_bound *b = l->bound; b != NULL; b = b->next) {
    b->n_openings = 0;
  }
  (void)pthread_mutex_unlock(&l->mutex);
  atomic_store(&l->is_interrupted, false);
}

firn_status firn_engine_query(firn_engine_link *l, firn_ctx *ctx, const char *sql, firn_engine_rows **out,
                              firn_error *err) {
  firn_engine_rows *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return no_memory(err);
  }
  begin(l, ctx);
  r->link = l;
  r->ctx = ctx;
  r->kept.max_bytes = r->now.max_bytes = ROWS_MEMORY_MAX;
  l->rows = r;
  firn_status status = firn_engine_watch_begin(l, err);
  if (status == FIRN_OK) {
    status = query(r, sql, err);
  }
  if (status != FIRN_OK) {
    firn_engine_rows_close(r);
    return status;
  }
  *out = r;
  return FIRN_OK;
}

const firn_field *firn_engine_rows_schema(const firn_engine_rows *r) {
  return &r->schema;
}

static firn_status fetch(firn_engine_rows *r, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  api->destroy_data_chunk(&r->chunk);
  firn_arena_reset(&r->now);
  FIRN_TRY(check(r, err));
  r->chunk = api->fetch_chunk(r->result);
  if (r->chunk == NULL) {
    r->is_over = true;
    const char *why = api->result_error(&r->result);
    return why == NULL || why[0] == '\0' ? FIRN_OK : failure_of(r, why, err);
  }
  return FIRN_OK;
}

static firn_status take_chunk(firn_engine_rows *r, firn_error *err) {
  const duck_api *api = r->link->engine->api;
  r->batch.n_rows = (size_t)api->data_chunk_get_size(r->chunk);
  for (size_t i = 0; i < r->n_columns; i++) {
    FIRN_TRY(firn_duck_take(api, api->data_chunk_get_vector(r->chunk, i), &r->columns[i], r->batch.n_rows,
                            &r->now, &r->batch.columns[i], err));
  }
  return FIRN_OK;
}

firn_status firn_engine_rows_next(firn_engine_rows *r, firn_ctx *ctx, const firn_batch **out,
                                  firn_error *err) {
  (void)ctx; /* that of the query, which its threads hold too */
  while (r->has_rows && !r->is_over) {
    FIRN_TRY(fetch(r, err));
    if (r->chunk != NULL && r->link->engine->api->data_chunk_get_size(r->chunk) > 0) {
      FIRN_TRY(take_chunk(r, err));
      *out = &r->batch;
      return FIRN_OK;
    }
  }
  *out = NULL;
  return FIRN_OK;
}

/* The engine keeps what belonged to a statement until the next begins, and its threads may be about to let
 * go of their parts: when this returns, no source is being read. */
static void let_go(firn_engine_link *l) {
  (void)pthread_mutex_lock(&l->mutex);
  bool is_held = l->n_readings > 0;
  (void)pthread_mutex_unlock(&l->mutex);
  if (!is_held) {
    return;
  }
  duck_result nothing = {0};
  (void)l->engine->api->query(l->connection, "SELECT 1", &nothing); /* whatever it says */
  l->engine->api->destroy_result(&nothing);
  (void)pthread_mutex_lock(&l->mutex);
  while (l->n_readings > 0) {
    (void)pthread_cond_wait(&l->is_let_go, &l->mutex);
  }
  (void)pthread_mutex_unlock(&l->mutex);
}

void firn_engine_rows_close(firn_engine_rows *r) {
  if (r == NULL) {
    return;
  }
  firn_engine_link *l = r->link;
  if (!r->is_over) { /* the engine's threads run on otherwise, and are waited for */
    l->engine->api->interrupt(l->connection);
  }
  forget_execution(r);
  firn_engine_watch_end(l); /* before the next statement, which must not be interrupted */
  let_go(l);
  l->rows = NULL;
  l->ctx = NULL;
  firn_arena_free(&r->kept);
  firn_arena_free(&r->now);
  firn_free(r);
}

/* An empty table of the same columns, for the planner. */
static firn_status make_shadow(const duck_api *api, duck_connection planner, firn_bound *b, firn_error *err) {
  FIRN_AUTO_BUILDER sql = FIRN_BUILDER_INIT(SHADOW_MAX);
  firn_builder_add_text(&sql, "CREATE OR REPLACE TEMP TABLE ");
  firn_duck_name_text(b->name, &sql);
  firn_duck_columns_text(b->source->schema, &sql);
  firn_builder_add_u8(&sql, '\0');
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&sql, &text, err));
  FIRN_TRY(firn_engine_do(api, planner, (const char *)text.data, err));
  b->has_shadow = true;
  return FIRN_OK;
}

static firn_status make_shadows(firn_engine_link *l, duck_connection planner, firn_error *err) {
  for (firn_bound *b = l->bound; b != NULL; b = b->next) {
    if (!b->has_shadow) {
      FIRN_TRY(make_shadow(l->engine->api, planner, b, err));
    }
  }
  return FIRN_OK;
}

/* The one text that the statement `prepared` yields, in `arena`. */
static firn_status one_text(const duck_api *api, duck_prepared prepared, firn_arena *arena, firn_bytes *out,
                            firn_error *err) {
  duck_pending pending = NULL;
  duck_result result = {0};
  firn_status status = FIRN_OK;
  duck_chunk chunk = NULL;
  if (api->pending_prepared_streaming(prepared, &pending) != DUCK_SUCCESS) {
    status = firn_engine_failure(api->pending_error(pending), err);
  } else if (api->execute_pending(pending, &result) != DUCK_SUCCESS) {
    status = firn_engine_failure(api->result_error(&result), err);
  } else if ((chunk = api->fetch_chunk(result)) == NULL || api->data_chunk_get_size(chunk) != 1) {
    status = firn_error_set(err, FIRN_UNSUPPORTED, "DuckDB gives no plan");
  } else {
    const duck_text *text = api->vector_get_data(api->data_chunk_get_vector(chunk, 0));
    firn_bytes bytes = firn_duck_text_bytes(text);
    *out = bytes.len > PLAN_MAX ? (firn_bytes){NULL, 0} : firn_arena_copy(arena, bytes);
    status = out->data == NULL ? no_memory(err) : FIRN_OK;
  }
  api->destroy_data_chunk(&chunk);
  api->destroy_result(&result);
  api->destroy_pending(&pending);
  return status;
}

static firn_status plan_text(firn_engine_link *l, const char *select, firn_arena *arena, firn_bytes *out,
                             firn_error *err) {
  const duck_api *api = l->engine->api;
  duck_connection planner;
  duck_prepared prepared = NULL;
  FIRN_TRY(firn_engine_planner(l, &planner, err));
  FIRN_TRY(make_shadows(l, planner, err));
  firn_status status;
  if (api->prepare(planner, "SELECT json_serialize_plan(CAST($1 AS VARCHAR), optimize := true)", &prepared) !=
          DUCK_SUCCESS ||
      api->bind_varchar(prepared, 1, select) != DUCK_SUCCESS) {
    status = firn_engine_failure(api->prepare_error(prepared), err);
  } else {
    status = one_text(api, prepared, arena, out, err);
  }
  api->destroy_prepare(&prepared);
  return status;
}

firn_status firn_engine_plan(firn_engine_link *l, const char *select, firn_arena *arena,
                             const firn_json_value **out, firn_error *err) {
  firn_bytes text = {0};
  const firn_json_value *plan;
  firn_status status = plan_text(l, select, arena, &text, err);
  if (status == FIRN_OK) {
    status = firn_json_tree_read(text, arena, &plan, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, FIRN_UNSUPPORTED, "planning");
  }
  const firn_json_value *failed = firn_json_get(plan, "error");
  if (failed == NULL || failed->kind != FIRN_JSON_FALSE) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the statement has no plan that can be looked at");
  }
  *out = plan;
  return FIRN_OK;
}

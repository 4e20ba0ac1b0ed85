/* Sources under names: the table function that the engine reads them by, the views over it. */
#include "services/sql/engine_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/sql/engine_state_internal.h"

/* What a view, once bound, knows: whose source, by its number. */
typedef struct bind_data {
  firn_engine *engine;
  uint64_t link_id;
  int64_t number;
} bind_data;

/* A thread's part in a reading. */
typedef struct local_data {
  firn_reading_now *reading;
  firn_sql_reader *reader;
} local_data;

static void unbound_error(firn_error *err) {
  firn_error_write(err, FIRN_NOT_FOUND, "the tables of an earlier statement can be read no more");
}

/* Only a connection's own sources: what others have bound is none of its business. */
static firn_engine_link *find_link(firn_engine *e, uint64_t id) {
  (void)pthread_mutex_lock(&e->mutex);
  firn_engine_link *l = e->links;
  while (l != NULL && l->id != id) {
    l = l->next;
  }
  (void)pthread_mutex_unlock(&e->mutex);
  return l;
}

static firn_bound *find_bound(firn_engine_link *l, int64_t number) {
  (void)pthread_mutex_lock(&l->mutex);
  firn_bound *b = l->bound;
  while (b != NULL && b->number != number) {
    b = b->next;
  }
  (void)pthread_mutex_unlock(&l->mutex);
  return b;
}

static uint64_t client_id(const duck_api *api, duck_bind_info info) {
  duck_client client = NULL;
  api->table_function_get_client_context(info, &client);
  uint64_t id = api->client_context_get_connection_id(client);
  api->destroy_client_context(&client);
  return id;
}

/* The first failure of a source, in its own words, for who waits for the rows. */
static void keep_failure(firn_engine_link *l, const firn_error *err) {
  (void)pthread_mutex_lock(&l->mutex);
  if (l->failure.status == FIRN_OK) {
    l->failure = *err;
  }
  (void)pthread_mutex_unlock(&l->mutex);
}

static bool add_column(const duck_api *api, duck_bind_info info, const char *name, duck_type type) {
  if (type == NULL) {
    return false;
  }
  api->bind_add_result_column(info, name, type);
  api->destroy_logical_type(&type);
  return true;
}

/* The engine asks for the first column when it needs none (count(*)): that one is ours, and costs nothing. */
static bool add_columns(const duck_api *api, duck_bind_info info, const char *any, const firn_field *schema) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char **names = firn_duck_names(schema, &arena);
  bool is_fine = names != NULL && add_column(api, info, any, api->create_logical_type(DUCK_BOOLEAN));
  for (uint32_t i = 0; is_fine && i < schema->n_children; i++) {
    is_fine = add_column(api, info, names[i], firn_duck_type_of(api, &schema->children[i]));
  }
  return is_fine;
}

static void fail_bind(const duck_api *api, duck_bind_info info, firn_engine_link *l, const firn_error *err) {
  if (l != NULL) {
    keep_failure(l, err);
  }
  api->bind_set_error(info, err->text);
}

static void on_bind(duck_bind_info info) {
  const duck_api *api = firn_duck_api();
  firn_engine *e = api->bind_get_extra_info(info);
  duck_value value = api->bind_get_parameter(info, 0);
  int64_t number = api->get_int64(value);
  api->destroy_value(&value);
  firn_engine_link *l = find_link(e, client_id(api, info));
  firn_bound *b = l == NULL ? NULL : find_bound(l, number);
  firn_error err;
  if (b == NULL) {
    unbound_error(&err);
    fail_bind(api, info, l, &err);
    return;
  }
  bind_data *data = firn_alloc(sizeof *data);
  if (data == NULL || !add_columns(api, info, b->any, b->source->schema)) {
    firn_free(data);
    firn_error_write(&err, FIRN_NOMEM, "no memory to bind a table");
    fail_bind(api, info, l, &err);
    return;
  }
  *data = (bind_data){.engine = e, .link_id = l->id, .number = number};
  api->bind_set_bind_data(info, data, firn_free);
  if (b->source->n_rows >= 0) {
    api->bind_set_cardinality(info, (uint64_t)b->source->n_rows, b->source->is_exact_count);
  }
}

static void reading_close(firn_reading_now *r) {
  firn_engine_link *l = r->link;
  (void)pthread_mutex_lock(&l->mutex);
  for (firn_reading_now **at = &l->readings; *at != NULL; at = &(*at)->next) {
    if (*at == r) {
      *at = r->next;
      l->done += r->source->n_rows > 0 ? (double)r->source->n_rows : 1;
      break;
    }
  }
  (void)pthread_mutex_unlock(&l->mutex);
  r->source->ops->close(r->scan);
  (void)pthread_mutex_lock(&l->mutex);
  if (--l->n_readings == 0) { /* now the source may be freed */
    (void)pthread_cond_broadcast(&l->is_let_go);
  }
  (void)pthread_mutex_unlock(&l->mutex);
}

static void reading_unref(void *arg) {
  firn_reading_now *r = arg;
  if (r == NULL || atomic_fetch_sub(&r->n_holders, 1) > 1) {
    return;
  }
  if (r->scan != NULL) {
    reading_close(r);
  }
  firn_free(r->columns_of_vectors);
  firn_free(r);
}

/* The columns wanted, without the first, which is ours. */
static firn_status choose_columns(const duck_api *api, duck_init_info info, firn_reading_now *r,
                                  uint32_t **columns, firn_error *err) {
  r->n_vectors = (size_t)api->init_get_column_count(info);
  r->columns_of_vectors = firn_alloc((r->n_vectors + 1) * sizeof *r->columns_of_vectors);
  *columns = firn_alloc((r->n_vectors + 1) * sizeof **columns);
  if (*columns == NULL || r->columns_of_vectors == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to open a table");
  }
  for (size_t i = 0; i < r->n_vectors; i++) {
    uint64_t column = api->init_get_column_index(info, i);
    if (column == 0 || column > r->source->schema->n_children) {
      r->columns_of_vectors[i] = SIZE_MAX;
      continue;
    }
    r->columns_of_vectors[i] = r->n_columns;
    (*columns)[r->n_columns++] = (uint32_t)(column - 1);
  }
  return FIRN_OK;
}

static firn_status reading_open(const duck_api *api, duck_init_info info, firn_engine_link *l, firn_bound *b,
                                firn_reading_now *r, firn_error *err) {
  uint32_t *columns FIRN_AUTO(firn_free_pointer) = NULL;
  FIRN_TRY(choose_columns(api, info, r, &columns, err));
  FIRN_TRY(r->source->ops->open(r->source, columns, r->n_columns, l->ctx, &r->scan, err));
  (void)pthread_mutex_lock(&l->mutex);
  b->n_openings++;
  l->n_readings++;
  r->next = l->readings;
  l->readings = r;
  (void)pthread_mutex_unlock(&l->mutex);
  return FIRN_OK;
}

static void fail_init(const duck_api *api, duck_init_info info, firn_engine_link *l, const firn_error *err) {
  if (l != NULL) {
    keep_failure(l, err);
  }
  api->init_set_error(info, err->text);
}

static void on_init(duck_init_info info) {
  const duck_api *api = firn_duck_api();
  const bind_data *data = api->init_get_bind_data(info);
  firn_error err = {.status = FIRN_OK};
  firn_engine_link *l = find_link(data->engine, data->link_id);
  firn_bound *b = l == NULL ? NULL : find_bound(l, data->number);
  if (b == NULL || l->ctx == NULL) {
    unbound_error(&err);
    fail_init(api, info, l, &err);
    return;
  }
  firn_reading_now *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    firn_error_write(&err, FIRN_NOMEM, "no memory to open a table");
    fail_init(api, info, l, &err);
    return;
  }
  r->link = l;
  r->source = b->source;
  atomic_init(&r->n_holders, 1);
  if (reading_open(api, info, l, b, r, &err) != FIRN_OK) {
    fail_init(api, info, l, &err);
    reading_unref(r);
    return;
  }
  api->init_set_init_data(info, r, reading_unref);
  unsigned most =
      r->source->max_readers < data->engine->n_threads ? r->source->max_readers : data->engine->n_threads;
  api->init_set_max_threads(info, most == 0 ? 1 : most);
}

static void local_close(local_data *local) {
  if (local->reader != NULL) {
    local->reading->source->ops->reader_close(local->reader);
    local->reader = NULL;
  }
}

static void local_free(void *arg) {
  local_data *local = arg;
  if (local != NULL) {
    local_close(local);
    reading_unref(local->reading);
    firn_free(local);
  }
}

static void on_local_init(duck_init_info info) {
  const duck_api *api = firn_duck_api();
  local_data *local = firn_alloc(sizeof *local);
  if (local == NULL) {
    const bind_data *data = api->init_get_bind_data(info);
    firn_error err = {.status = FIRN_NOMEM, .text = "no memory to read a table"};
    fail_init(api, info, find_link(data->engine, data->link_id), &err);
    return;
  }
  api->init_set_init_data(info, local, local_free);
}

static firn_status fill_chunk(const duck_api *api, const firn_reading_now *r, const firn_batch *batch,
                              duck_chunk output, firn_error *err) {
  if (batch->n_rows > FIRN_SQL_BATCH_ROWS) {
    return firn_error_set(err, FIRN_LIMIT, "a batch of %zu rows is too large", batch->n_rows);
  }
  for (size_t i = 0; i < r->n_vectors; i++) {
    size_t column = r->columns_of_vectors[i];
    duck_vector into = api->data_chunk_get_vector(output, i);
    if (column == SIZE_MAX) {
      memset(api->vector_get_data(into), 0, batch->n_rows);
      continue;
    }
    FIRN_TRY(firn_duck_fill(api, &batch->columns[column], &batch->schema->children[column],
                            r->source->is_text_checked, into, err));
  }
  api->data_chunk_set_size(output, batch->n_rows);
  return FIRN_OK;
}

static firn_status scan_some(const duck_api *api, firn_reading_now *r, local_data *local, duck_chunk output,
                             firn_error *err) {
  firn_ctx *ctx = r->link->ctx;
  if (local->reading == NULL) { /* the engine shows the reading here first */
    local->reading = r;
    (void)atomic_fetch_add(&r->n_holders, 1);
    FIRN_TRY(r->source->ops->reader_open(r->scan, ctx, &local->reader, err));
  }
  const firn_batch *batch = NULL;
  if (local->reader != NULL) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(r->source->ops->next(local->reader, ctx, &batch, err));
  }
  if (batch == NULL) {
    local_close(local);
    api->data_chunk_set_size(output, 0);
    return FIRN_OK;
  }
  return fill_chunk(api, r, batch, output, err);
}

static void on_scan(duck_function_info info, duck_chunk output) {
  const duck_api *api = firn_duck_api();
  firn_error err = {.status = FIRN_OK};
  firn_reading_now *r = api->function_get_init_data(info);
  if (scan_some(api, r, api->function_get_local_init_data(info), output, &err) != FIRN_OK) {
    keep_failure(r->link, &err);
    api->function_set_error(info, err.text);
  }
}

firn_status firn_engine_function_register(firn_engine *e, duck_connection connection, firn_error *err) {
  const duck_api *api = e->api;
  duck_table_function function = api->create_table_function();
  duck_type number = api->create_logical_type(DUCK_BIGINT);
  api->table_function_set_name(function, FIRN_ENGINE_FUNCTION);
  api->table_function_add_parameter(function, number);
  api->table_function_set_extra_info(function, e, NULL);
  api->table_function_set_bind(function, on_bind);
  api->table_function_set_init(function, on_init);
  api->table_function_set_local_init(function, on_local_init);
  api->table_function_set_function(function, on_scan);
  api->table_function_supports_projection_pushdown(function, true);
  duck_state state = api->register_table_function(connection, function);
  api->destroy_logical_type(&number);
  api->destroy_table_function(&function);
  return state == DUCK_SUCCESS
             ? FIRN_OK
             : firn_error_set(err, FIRN_UNSUPPORTED, "DuckDB refuses firn's table function");
}

static firn_status make_view(firn_engine_link *l, const firn_bound *b, firn_error *err) {
  char sql[FIRN_ENGINE_NAME_SIZE + FIRN_ENGINE_ANY_SIZE + 128];
  (void)snprintf(sql, sizeof sql,
                 "CREATE OR REPLACE TEMP VIEW \"%s\" AS SELECT * EXCLUDE (%s) FROM " FIRN_ENGINE_FUNCTION
                 "(%" PRId64 ")",
                 b->name, b->any, b->number);
  return firn_engine_do(l->engine->api, l->connection, sql, err);
}

/* A name that no column has: underscores, as many as it takes. */
static bool name_any(const firn_field *schema, char out[FIRN_ENGINE_ANY_SIZE]) {
  for (size_t len = 1; len < FIRN_ENGINE_ANY_SIZE; len++) {
    memset(out, '_', len);
    out[len] = '\0';
    if (firn_field_child(schema, out) == NULL) {
      return true;
    }
  }
  return false;
}

static bool is_plain_name(const char *name) {
  size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  return len > 0 && name[len] == '\0' && len < FIRN_ENGINE_NAME_SIZE;
}

static firn_bound *bound_new(firn_engine *e, const char *name, const firn_sql_source *source) {
  firn_bound *b = firn_alloc(sizeof *b);
  if (b == NULL) {
    return NULL;
  }
  memcpy(b->name, name, strlen(name));
  b->source = source;
  (void)pthread_mutex_lock(&e->mutex);
  b->number = ++e->last_number;
  (void)pthread_mutex_unlock(&e->mutex);
  return b;
}

firn_status firn_engine_bind(firn_engine_link *l, const char *name, firn_sql_source *source,
                             firn_error *err) {
  if (!is_plain_name(name)) {
    return firn_error_set(err, FIRN_INVALID, "%s is no name to bind a table by", name);
  }
  firn_bound *b = bound_new(l->engine, name, source);
  if (b == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to bind a table");
  }
  if (source->schema->n_children == 0 || !name_any(source->schema, b->any)) {
    firn_free(b);
    return firn_error_set(err, FIRN_UNSUPPORTED, "a table without columns cannot be queried");
  }
  (void)pthread_mutex_lock(&l->mutex);
  b->next = l->bound;
  l->bound = b;
  (void)pthread_mutex_unlock(&l->mutex);
  l->failure.status = FIRN_OK;
  firn_status status = make_view(l, b, err); /* binds, and so asks for `b` */
  if (status == FIRN_OK) {
    return FIRN_OK;
  }
  (void)pthread_mutex_lock(&l->mutex);
  if (l->failure.status != FIRN_OK) {
    status = firn_error_set(err, l->failure.status, "%s", l->failure.text);
  }
  l->bound = b->next;
  (void)pthread_mutex_unlock(&l->mutex);
  firn_free(b);
  return status;
}

/* Without memory of ours, which may have run out. */
static void drop(const duck_api *api, duck_connection connection, const char *kind, const char *name) {
  char sql[FIRN_ENGINE_NAME_SIZE + 64];
  (void)snprintf(sql, sizeof sql, "DROP %s IF EXISTS temp.main.\"%s\"", kind, name);
  /* What stays behind names a number that is known no more, and goes with the connection. */
  FIRN_IGNORE(firn_engine_do(api, connection, sql, NULL));
}

void firn_engine_unbind_all(firn_engine_link *l) {
  (void)pthread_mutex_lock(&l->mutex);
  firn_bound *b = l->bound;
  assert(l->n_readings == 0);
  l->bound = NULL;
  (void)pthread_mutex_unlock(&l->mutex);
  while (b != NULL) {
    firn_bound *next = b->next;
    drop(l->engine->api, l->connection, "VIEW", b->name);
    if (b->has_shadow) {
      drop(l->engine->api, l->planner, "TABLE", b->name);
    }
    firn_free(b);
    b = next;
  }
}

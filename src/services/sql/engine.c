#include "services/sql/engine_internal.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "services/sql/engine_state_internal.h"

enum {
  MEMORY_DEFAULT = 1 << 30,
  PLANNER_MEMORY = 256 << 20,
  THREADS_MAX = 256,
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the SQL engine");
}

firn_status firn_engine_do(const duck_api *api, duck_connection connection, const char *sql,
                           firn_error *err) {
  duck_result result = {0};
  firn_status status = FIRN_OK;
  if (api->query(connection, sql, &result) != DUCK_SUCCESS) {
    status = firn_engine_failure(api->result_error(&result), err);
  }
  api->destroy_result(&result);
  return status;
}

/* Settings that hold from the start. The home of extensions and secrets is never looked at: nothing is
 * fetched or loaded behind the user's back. */
static const char *const settings[][2] = {
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"allow_community_extensions", "false"},
    {"allow_persistent_secrets", "false"},
};

static bool set_numbers(const duck_api *api, duck_config config, uint64_t memory_bytes, unsigned n_threads) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(64);
  firn_builder_addf(&b, "%" PRIu64 "B%c%u%c", memory_bytes, 0, n_threads, 0);
  if (b.failed != FIRN_OK) {
    return false;
  }
  const char *memory = (const char *)b.data, *threads = memory + strlen(memory) + 1;
  return api->set_config(config, "memory_limit", memory) == DUCK_SUCCESS &&
         api->set_config(config, "threads", threads) == DUCK_SUCCESS;
}

static firn_status configure(const duck_api *api, const firn_engine_options *o, duck_config *config,
                             firn_error *err) {
  if (api->create_config(config) != DUCK_SUCCESS) {
    return no_memory(err);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(settings); i++) {
    if (api->set_config(*config, settings[i][0], settings[i][1]) != DUCK_SUCCESS) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "DuckDB does not know the setting %s", settings[i][0]);
    }
  }
  if (!set_numbers(api, *config, o->memory_bytes, o->n_threads)) {
    return firn_error_set(err, FIRN_INVALID, "DuckDB refuses %" PRIu64 " bytes of memory or %u threads",
                          o->memory_bytes, o->n_threads);
  }
  const char *spill = o->spill_folder == NULL ? "" : o->spill_folder;
  if (api->set_config(*config, "temp_directory", spill) != DUCK_SUCCESS) {
    return firn_error_set(err, FIRN_INVALID, "DuckDB refuses the folder %s to spill to", spill);
  }
  return FIRN_OK;
}

static firn_status database_open(const duck_api *api, const firn_engine_options *o, duck_database *out,
                                 firn_error *err) {
  duck_config config = NULL;
  char *reason = NULL;
  firn_status status = configure(api, o, &config, err);
  if (status == FIRN_OK && api->open_ext(NULL, out, config, &reason) != DUCK_SUCCESS) {
    *out = NULL;
    status = firn_engine_failure(reason, err);
  }
  api->free(reason);
  api->destroy_config(&config);
  return status;
}

/* What only an open database can be told; the lock last. */
static firn_status settle(firn_engine *e, duck_connection connection, bool is_planner, firn_error *err) {
  FIRN_TRY(firn_engine_do(e->api, connection, "SET GLOBAL TimeZone = 'UTC'", err));
  if (is_planner) {
    FIRN_TRY(firn_engine_do(
        e->api, connection,
        "SET GLOBAL disabled_optimizers = 'statistics_propagation,empty_result_pullup,late_materialization'",
        err));
  } else {
    FIRN_TRY(firn_engine_function_register(e, connection, err));
  }
  if (!e->is_closed) {
    return FIRN_OK;
  }
  /* A statement from a network must not keep the binder busy, which nothing interrupts: 250 is a second. */
  FIRN_TRY(firn_engine_do(e->api, connection, "SET GLOBAL max_expression_depth = 250", err));
  FIRN_TRY(firn_engine_do(e->api, connection, "SET GLOBAL enable_external_access = false", err));
  return firn_engine_do(e->api, connection, "SET GLOBAL lock_configuration = true", err);
}

static firn_status database_make(firn_engine *e, const firn_engine_options *o, bool is_planner,
                                 duck_database *out, firn_error *err) {
  FIRN_TRY(database_open(e->api, o, out, err));
  duck_connection connection = NULL;
  if (e->api->connect(*out, &connection) != DUCK_SUCCESS) {
    return no_memory(err);
  }
  firn_status status = settle(e, connection, is_planner, err);
  e->api->disconnect(&connection);
  return status;
}

static unsigned threads_of(unsigned wanted) {
  long there = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned n = wanted != 0 ? wanted : there > 0 ? (unsigned)there : 1;
  return n > THREADS_MAX ? THREADS_MAX : n;
}

firn_status firn_engine_open(const firn_engine_options *options, firn_ctx *ctx, firn_engine **out,
                             firn_error *err) {
  (void)ctx;
  firn_engine *e = firn_alloc(sizeof *e);
  if (e == NULL) {
    return no_memory(err);
  }
  if (pthread_mutex_init(&e->mutex, NULL) != 0) {
    firn_free(e);
    return no_memory(err);
  }
  firn_engine_options o = *options;
  o.memory_bytes = o.memory_bytes == 0 ? MEMORY_DEFAULT : o.memory_bytes;
  o.n_threads = e->n_threads = threads_of(o.n_threads);
  e->is_closed = o.is_closed;
  firn_status status = firn_engine_watch_open(e, err);
  if (status == FIRN_OK) {
    status = firn_duck_api_load(o.library, &e->api, err);
  }
  if (status == FIRN_OK) {
    status = database_make(e, &o, false, &e->database, err);
  }
  if (status != FIRN_OK) {
    firn_engine_close(e);
    return status;
  }
  *out = e;
  return FIRN_OK;
}

void firn_engine_type_text(const firn_field *field, firn_builder *out) {
  firn_duck_type_text(field, out);
}

void firn_engine_name_text(const char *name, firn_builder *out) {
  firn_duck_name_text(name, out);
}

unsigned firn_engine_threads(const firn_engine *e) {
  return e->n_threads;
}

void firn_engine_close(firn_engine *e) {
  if (e == NULL) {
    return;
  }
  firn_engine_watch_close(e);
  if (e->planner != NULL) {
    e->api->close(&e->planner);
  }
  if (e->database != NULL) {
    e->api->close(&e->database);
  }
  (void)pthread_mutex_destroy(&e->mutex);
  firn_free(e);
}

/* The number by which callbacks know a connection. */
static uint64_t connection_id(const duck_api *api, duck_connection connection) {
  duck_client client = NULL;
  api->connection_get_client_context(connection, &client);
  uint64_t id = api->client_context_get_connection_id(client);
  api->destroy_client_context(&client);
  return id;
}

static void link_free(firn_engine_link *l) {
  (void)pthread_cond_destroy(&l->is_let_go);
  (void)pthread_mutex_destroy(&l->mutex);
  firn_free(l);
}

firn_status firn_engine_link_open(firn_engine *e, firn_ctx *ctx, firn_engine_link **out, firn_error *err) {
  (void)ctx;
  firn_engine_link *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return no_memory(err);
  }
  if (pthread_mutex_init(&l->mutex, NULL) != 0) {
    firn_free(l);
    return no_memory(err);
  }
  (void)pthread_cond_init(&l->is_let_go, NULL); /* cannot fail without attributes */
  l->engine = e;
  if (e->api->connect(e->database, &l->connection) != DUCK_SUCCESS) {
    link_free(l);
    return no_memory(err);
  }
  l->id = connection_id(e->api, l->connection);
  (void)pthread_mutex_lock(&e->mutex);
  l->next = e->links;
  e->links = l;
  (void)pthread_mutex_unlock(&e->mutex);
  *out = l;
  return FIRN_OK;
}

static void leave_engine(firn_engine_link *l) {
  firn_engine *e = l->engine;
  (void)pthread_mutex_lock(&e->mutex);
  for (firn_engine_link **at = &e->links; *at != NULL; at = &(*at)->next) {
    if (*at == l) {
      *at = l->next;
      break;
    }
  }
  (void)pthread_mutex_unlock(&e->mutex);
}

void firn_engine_link_close(firn_engine_link *l) {
  if (l == NULL) {
    return;
  }
  firn_engine_unbind_all(l);
  leave_engine(l);
  if (l->planner != NULL) {
    l->engine->api->disconnect(&l->planner);
  }
  l->engine->api->disconnect(&l->connection);
  link_free(l);
}

static firn_status planner_database(firn_engine *e, firn_error *err) {
  if (e->planner != NULL) {
    return FIRN_OK;
  }
  firn_engine_options o = {.memory_bytes = PLANNER_MEMORY, .n_threads = 1, .is_closed = e->is_closed};
  duck_database made = NULL;
  firn_status status = database_make(e, &o, true, &made, err);
  if (status != FIRN_OK) {
    e->api->close(&made);
    return status;
  }
  e->planner = made;
  return FIRN_OK;
}

firn_status firn_engine_planner(firn_engine_link *l, duck_connection *out, firn_error *err) {
  firn_engine *e = l->engine;
  if (l->planner == NULL) {
    (void)pthread_mutex_lock(&e->mutex);
    firn_status status = planner_database(e, err);
    (void)pthread_mutex_unlock(&e->mutex);
    FIRN_TRY(status);
    if (e->api->connect(e->planner, &l->planner) != DUCK_SUCCESS) {
      l->planner = NULL;
      return no_memory(err);
    }
  }
  *out = l->planner;
  return FIRN_OK;
}

void firn_engine_interrupt(firn_engine_link *l) {
  atomic_store(&l->is_interrupted, true);
  l->engine->api->interrupt(l->connection);
}

static double weight_of(const firn_sql_source *source) {
  return source->n_rows > 0 ? (double)source->n_rows : 1;
}

double firn_engine_progress(firn_engine_link *l) {
  (void)pthread_mutex_lock(&l->mutex);
  double all = 0, done = l->done;
  for (const firn_bound *b = l->bound; b != NULL; b = b->next) {
    all += weight_of(b->source) * (double)(b->n_openings == 0 ? 1 : b->n_openings);
  }
  for (const firn_reading_now *r = l->readings; r != NULL; r = r->next) {
    done += weight_of(r->source) * r->source->ops->progress(r->scan);
  }
  (void)pthread_mutex_unlock(&l->mutex);
  if (all > 0) {
    return done < all ? done / all : 1;
  }
  double percentage = l->engine->api->query_progress(l->connection).percentage;
  return percentage < 0 ? -1 : percentage / 100;
}

#include "apps/firn/serve.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "apps/firn/data.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "catalogs/catalogs.h"
#include "services/committer/committer.h"
#include "services/fetch/fetch.h"
#include "services/indexer/indexer.h"
#include "services/ingest/batches.h"
#include "services/ingest/intake.h"
#include "services/sql/http.h"

/* In the order in which they drain. */
enum { INTAKE, BATCHES, COMMITTER, INDEXER, N_SERVICES };

enum { DRAIN_MORE_US = 5000000 /* for each service, beyond the deadline of the connections */ };

struct firn_serving {
  const firn_settings *settings;
  firn_arena arena;
  firn_env env;
  firn_ctx ctx; /* of the services: a signal does not cancel them, it drains them */
  const char *folder, *warehouse, *catalog_uri, *url;
  firn_table_id tables[FIRN_ARCHIVE_N_TABLES];
  void (*on_failed)(void *arg);
  void *arg;

  firn_data_lock *lock;
  firn_log *log;
  firn_metrics *metrics;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_journal *journal;
  firn_commit_log *commit_log;
  firn_index *index;
  firn_fetch *fetch;
  firn_sql_http *sql;
  firn_committer *committer;
  firn_indexer *indexer;
  firn_batches *batches;
  firn_intake *intake;
  firn_health *health;
  firn_router *router;
  firn_http_server *server;
  firn_service *services[N_SERVICES];
};

static const firn_metric_set *const metric_sets[] = {
    &firn_store_metrics,     &firn_journal_metrics, &firn_server_metrics,
    &firn_http_metrics,      &firn_intake_metrics,  &firn_batches_metrics,
    &firn_committer_metrics, &firn_indexer_metrics, &firn_fetch_metrics,
};

/* What one service tells another: there is something for you. A service starts before those that tell it. */
static void wake(firn_serving *s, int service) {
  if (s->services[service] != NULL) {
    firn_service_wake(s->services[service]);
  }
}
static void wake_intake(void *arg) {
  wake(arg, INTAKE);
}
static void wake_batches(void *arg) {
  wake(arg, BATCHES);
}
static void wake_log_readers(void *arg) {
  firn_serving *s = arg;
  wake(s, COMMITTER);
  wake(s, INDEXER);
}
static void wake_indexer(void *arg) {
  firn_serving *s = arg;
  firn_indexer_look(s->indexer);
  wake(s, INDEXER);
}
static firn_status range_is_covered(void *arg, firn_ctx *ctx, uint64_t position, firn_error *err) {
  return firn_intake_covered(((firn_serving *)arg)->intake, ctx, position, err);
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a server");
}

static const char *below(firn_serving *s, const char *name) {
  return firn_arena_printf(&s->arena, "%s/%s", s->folder, name);
}

/* The folder, its lock, and where catalog and warehouse are. */
static firn_status take_places(firn_serving *s, firn_app *app, firn_error *err) {
  const firn_settings *set = s->settings;
  s->folder = firn_app_absolute(app, set->data);
  if (s->folder == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_data_open(s->folder, true, &s->arena, err));
  FIRN_TRY(firn_data_lock_take(s->folder, &s->ctx, &s->arena, &s->lock, err));
  s->catalog_uri =
      set->catalog != NULL ? set->catalog : firn_arena_printf(&s->arena, "sqlite:%s/catalog.db", s->folder);
  s->warehouse = set->warehouse != NULL ? firn_app_absolute(app, set->warehouse) : NULL;
  FIRN_TRY(firn_app_folder_catalog(app, &s->catalog_uri, &s->warehouse, err));
  s->warehouse = s->warehouse != NULL ? s->warehouse : below(s, "warehouse");
  return s->catalog_uri == NULL || s->warehouse == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status name_tables(firn_serving *s, firn_error *err) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    const char *text = firn_arena_printf(&s->arena, "%s.%s", s->settings->namespace_name,
                                         firn_archive_table_name((firn_archive_table)t));
    if (text == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(firn_table_id_parse(text, &s->arena, &s->tables[t], err));
  }
  return FIRN_OK;
}

/* Log, metrics and the threads that write files beside the service's own. */
static firn_status open_surroundings(firn_serving *s, firn_error *err) {
  firn_log_level level = FIRN_LOG_INFO;
  (void)firn_log_level_parse(firn_bytes_of(s->settings->log.level),
                             &level); /* the table of keys has checked it */
  firn_log_form form = strcmp(s->settings->log.form, "json") == 0 ? FIRN_LOG_AS_JSON : FIRN_LOG_AS_TEXT;
  FIRN_TRY(firn_log_open_fd(level, form, STDERR_FILENO, &s->log, err));
  FIRN_TRY(firn_metrics_open(metric_sets, FIRN_COUNT_OF(metric_sets), &s->metrics, err));
  s->env.log = s->log;
  s->env.metrics = s->metrics;
  return firn_pool_open((unsigned)s->settings->ingest.writers - 1, &s->env.pool, err);
}

/* What a crash left half written was promised to nobody; somebody may want to look at it all the same. */
static void tell_torn_end(firn_serving *s) {
  uint64_t size;
  const char *path = firn_journal_torn(s->journal, &size);
  if (path != NULL) {
    FIRN_LOG_WITH(&s->ctx, FIRN_LOG_WARN, "the event journal had a torn end, which was put aside",
                  FIRN_LOG_TEXT("file", path), FIRN_LOG_INT("bytes", (int64_t)size));
  }
}

/* Which events are in files only the commit log says. Without it those that the event journal still keeps
 * would be written once more. It is made before the first event is taken. */
static firn_status open_commit_log(firn_serving *s, const char *events, const char *commits,
                                   firn_error *err) {
  bool is_there;
  FIRN_TRY(firn_local_commit_log_look(commits, &s->ctx, &is_there, err));
  if (!is_there && firn_journal_next(s->journal) > 0) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "there is no commit log in %s, and only it says which of the events in %s are in "
                          "the tables already: bring it back, or, to begin anew without those that are not "
                          "in the tables, move that folder away too",
                          commits, events);
  }
  return firn_local_commit_log_open(commits, &s->ctx, &s->commit_log, err);
}

static firn_status open_storage(firn_serving *s, firn_error *err) {
  const char *events = below(s, "events");
  const char *commits = below(s, "commits");
  const char *index = below(s, "index.db");
  if (events == NULL || commits == NULL || index == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_stores_open(&s->env, &s->stores, err));
  FIRN_TRY(firn_catalog_open(&s->ctx, s->catalog_uri, s->warehouse, s->stores, &s->catalog, err));
  /* The intake bounds what is added. What is there may have been taken when larger bodies were allowed. */
  firn_journal_options journal = {.folder = events, .kind = "events", .max_record_bytes = UINT32_MAX};
  FIRN_TRY(firn_journal_open(&journal, &s->ctx, &s->journal, err));
  tell_torn_end(s);
  FIRN_TRY(open_commit_log(s, events, commits, err));
  return firn_sqlite_index_open(index, &s->ctx, &s->index, err);
}

static void index_problem(void *arg, const char *text) {
  firn_serving *s = arg;
  if (text == NULL) {
    FIRN_LOG(&s->ctx, FIRN_LOG_INFO, "the index follows every table again");
  } else {
    FIRN_LOG_WITH(&s->ctx, FIRN_LOG_WARN, "the index lacks something", FIRN_LOG_TEXT("reason", text));
  }
}

static firn_status open_readers(firn_serving *s, firn_error *err) {
  const firn_settings *set = s->settings;
  firn_fetch_options fetch = {.stores = s->stores,
                              .warehouse = s->warehouse,
                              .index = s->index,
                              .cache_bytes = set->fetch.cache_bytes,
                              .max_event_bytes = set->fetch.stream_above_bytes,
                              .n_legacy_roots = set->fetch.legacy_roots.n,
                              .legacy_roots = set->fetch.legacy_roots.items,
                              .subject_format = set->fetch.subject_format};
  FIRN_TRY(firn_fetch_open(&fetch, &s->ctx, &s->fetch, err));
  firn_indexer_options indexer = {.index = s->index,
                                  .log = s->commit_log,
                                  .catalog = s->catalog,
                                  .stores = s->stores,
                                  .warehouse = s->warehouse,
                                  .n_tables = FIRN_ARCHIVE_PARTIAL + 1,
                                  .tables = s->tables,
                                  .look_every_us = set->index.look_every_us,
                                  .max_rows = set->index.max_rows,
                                  .problem = index_problem,
                                  .arg = s};
  FIRN_TRY(firn_indexer_open(&indexer, &s->ctx, &s->indexer, err));
  firn_committer_options committer = {.log = s->commit_log,
                                      .catalog = s->catalog,
                                      .n_tables = FIRN_ARCHIVE_N_TABLES,
                                      .tables = s->tables,
                                      .max_files = (unsigned)set->committer.max_files,
                                      .period_us = set->committer.period_us,
                                      .snapshot_age_us = set->committer.snapshot_age_us,
                                      .on_commit = wake_indexer,
                                      .arg = s};
  return firn_committer_open(&committer, &s->ctx, &s->committer, err);
}

/* The intake comes first: the batches tell it at once what is safe already. */
static firn_status open_writers(firn_serving *s, firn_error *err) {
  const firn_settings *set = s->settings;
  firn_intake_options intake = {.journal = s->journal,
                                .max_event_bytes = set->ingest.max_event_bytes,
                                .max_body_bytes = set->ingest.max_body_bytes,
                                .max_journal_bytes = set->ingest.max_journal_bytes,
                                .remember_us = set->ingest.remember_us,
                                .remember_bytes = set->ingest.remember_bytes,
                                .max_keys = (size_t)set->ingest.remember_keys,
                                .on_durable = wake_batches,
                                .on_added = wake_intake,
                                .arg = s};
  FIRN_TRY(firn_intake_open(&intake, &s->ctx, &s->intake, err));
  firn_batches_options batches = {.journal = s->journal,
                                  .log = s->commit_log,
                                  .catalog = s->catalog,
                                  .warehouse = s->warehouse,
                                  .memory_bytes = set->ingest.memory_bytes,
                                  .n_writers = (unsigned)set->ingest.writers,
                                  .max_events = set->ingest.batch_events,
                                  .max_bytes = set->ingest.batch_bytes,
                                  .period_us = set->ingest.batch_period_us,
                                  .on_covered = range_is_covered,
                                  .on_record = wake_log_readers,
                                  .arg = s};
  memcpy(batches.tables, s->tables, sizeof batches.tables);
  FIRN_TRY(firn_codec_parse(set->ingest.compression, &batches.codec, &batches.level, err));
  return firn_batches_open(&batches, &s->ctx, &s->batches, err);
}

static firn_status open_sql(firn_serving *s, firn_app *app, firn_error *err) {
  const firn_settings *set = s->settings;
  const char *spill = below(s, "spill");
  firn_sql_http_options options = {.max_rows = (uint64_t)set->sql.max_rows,
                                   .max_duration_us = set->sql.timeout_us,
                                   .max_queries = (unsigned)set->sql.max_queries};
  options.sql =
      (firn_sql_options){.library = set->sql.library != NULL ? set->sql.library : firn_app_sql_library(app),
                         .catalog = s->catalog,
                         .stores = s->stores,
                         .memory_bytes = set->sql.memory_bytes,
                         .spill_folder = spill,
                         .n_threads = (unsigned)set->sql.threads};
  return spill == NULL ? no_memory(err) : firn_sql_http_open(&options, &s->ctx, &s->sql, err);
}

static void service_failed(void *arg, const firn_error *err) {
  firn_serving *s = arg;
  FIRN_LOG_WITH(&s->ctx, FIRN_LOG_ERROR, "a service has stopped", FIRN_LOG_TEXT("reason", err->text));
  s->on_failed(s->arg);
}

static firn_status start_services(firn_serving *s, firn_error *err) {
  const struct {
    int i;
    const firn_service_ops *ops;
    void *self;
  } order[] = {{INDEXER, &firn_indexer_service, s->indexer},
               {COMMITTER, &firn_committer_service, s->committer},
               {BATCHES, &firn_batches_service, s->batches},
               {INTAKE, &firn_intake_service, s->intake}};
  for (size_t k = 0; k < FIRN_COUNT_OF(order); k++) {
    FIRN_TRY(firn_service_start(order[k].ops, order[k].self, &s->ctx, s->health, service_failed, s,
                                &s->services[order[k].i], err));
  }
  return FIRN_OK;
}

static firn_status listen_on(firn_serving *s, firn_error *err) {
  const firn_settings *set = s->settings;
  firn_route_set *sets = firn_new_n(&s->arena, firn_route_set, 3);
  if (sets == NULL) {
    return no_memory(err);
  }
  sets[0] = firn_intake_routes(s->intake);
  sets[1] = firn_fetch_routes(s->fetch);
  sets[2] = firn_sql_http_routes(s->sql);
  FIRN_TRY(firn_router_open(sets, 3, NULL, s->health, &s->ctx, &s->router, err));
  firn_http_server_options server = {.n_workers = (unsigned)set->server.workers,
                                     .max_connections = (unsigned)set->server.max_connections,
                                     .body_memory_bytes = set->server.body_memory_bytes,
                                     .header_timeout_us = set->server.header_timeout_us,
                                     .body_timeout_us = set->server.body_timeout_us,
                                     .answer_timeout_us = set->server.answer_timeout_us,
                                     .idle_timeout_us = set->server.idle_timeout_us,
                                     .max_header_bytes = set->server.max_header_bytes,
                                     .tls_certificate = set->server.tls_certificate,
                                     .tls_key = set->server.tls_key,
                                     .handler = firn_router_handler(s->router)};
  FIRN_TRY(firn_settings_address(set, &s->arena, &server.address, &server.port, err));
  FIRN_TRY(firn_http_server_open(&server, &s->ctx, &s->server, err));
  const char *scheme = server.tls_certificate == NULL ? "http" : "https";
  s->url = firn_arena_printf(&s->arena, strchr(server.address, ':') == NULL ? "%s://%s:%u" : "%s://[%s]:%u",
                             scheme, server.address, firn_http_server_port(s->server));
  return s->url == NULL ? no_memory(err) : FIRN_OK;
}

#ifdef __GLIBC__
/* Large blocks go back to the system when they are freed: else each of the threads keeps what its largest
 * batch or body took, and an idle firn holds twice of what it needs. */
static void give_memory_back(void) {
  enum { LARGE = 128 << 10, FREE_AT_THE_END = 256 << 10 };
  (void)mallopt(M_MMAP_THRESHOLD, LARGE); /* only for size; refusals change nothing else */
  (void)mallopt(M_TRIM_THRESHOLD, FREE_AT_THE_END);
}
#else
static void give_memory_back(void) {}
#endif

static firn_status open_all(firn_serving *s, firn_app *app, firn_error *err) {
  FIRN_TRY(take_places(s, app, err));
  FIRN_TRY(name_tables(s, err));
  FIRN_TRY(open_surroundings(s, err));
  FIRN_TRY(firn_health_open(&s->health, err));
  FIRN_TRY(open_storage(s, err));
  FIRN_TRY(open_readers(s, err));
  FIRN_TRY(open_writers(s, err));
  FIRN_TRY(open_sql(s, app, err));
  FIRN_TRY(firn_committer_check(s->committer, &s->ctx, err)); /* before any event is taken */
  FIRN_TRY(start_services(s, err));
  return listen_on(s, err);
}

firn_status firn_serving_open(firn_app *app, const firn_settings *settings, void (*on_failed)(void *arg),
                              void *arg, firn_serving **out, firn_error *err) {
  give_memory_back();
  firn_serving *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return no_memory(err);
  }
  *s = (firn_serving){.settings = settings, .env = app->env, .on_failed = on_failed, .arg = arg};
  s->ctx = (firn_ctx){.env = &s->env};
  firn_status status = open_all(s, app, err);
  if (status != FIRN_OK) {
    firn_serving_close(s);
    return status;
  }
  *out = s;
  return FIRN_OK;
}

const char *firn_serving_url(const firn_serving *s) {
  return s->url;
}

const char *firn_serving_data(const firn_serving *s) {
  return s->folder;
}

firn_status firn_serving_drain(firn_serving *s, firn_error *err) {
  int64_t deadline = firn_ctx_monotonic_us(&s->ctx) + s->settings->server.drain_timeout_us;
  firn_sql_http_stop(s->sql);
  firn_http_server_drain(s->server, &s->ctx, deadline);
  for (int i = 0; i < N_SERVICES; i++) {
    int64_t least = firn_ctx_monotonic_us(&s->ctx) + DRAIN_MORE_US;
    FIRN_TRY(firn_service_drain(s->services[i], &s->ctx, deadline > least ? deadline : least, err));
  }
  return FIRN_OK;
}

void firn_serving_close(firn_serving *s) {
  if (s == NULL) {
    return;
  }
  firn_intake_stop(s->intake);
  if (s->sql != NULL) {
    firn_sql_http_stop(s->sql);
  }
  for (int i = 0; i < N_SERVICES; i++) { /* the one that answers requests first: the server waits for none */
    firn_service_stop(s->services[i]);
  }
  firn_http_server_close(s->server);
  firn_router_close(s->router);
  firn_sql_http_close(s->sql);
  firn_intake_close(s->intake);
  firn_batches_close(s->batches);
  firn_committer_close(s->committer);
  firn_indexer_close(s->indexer);
  firn_fetch_close(s->fetch);
  firn_index_close(s->index);
  firn_commit_log_close(s->commit_log);
  firn_journal_close(s->journal);
  firn_catalog_close(s->catalog);
  firn_stores_close(s->stores);
  firn_health_close(s->health);
  firn_pool_close(s->env.pool);
  firn_metrics_close(s->metrics);
  firn_log_close(s->log);
  firn_data_lock_release(s->lock);
  firn_arena_free(&s->arena);
  firn_free(s);
}

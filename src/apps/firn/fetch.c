/* firn fetch KEY..., firn fetch --subject S ...: events back, by key or by what the index finds. */
#include "services/fetch/fetch.h"

#include <errno.h>
#include <string.h>

#include "apps/firn/command.h"
#include "apps/firn/data.h"
#include "apps/firn/print.h"
#include "apps/firn/settings.h"
#include "base/file.h"
#include "events/event_http.h"
#include "services/fetch/query.h"

enum {
  PAGE = 1000,          /* hits that are looked for at a time */
  PAGE_WITH_DATA = 100, /* the same with their payloads, which are all in memory */
  LIMIT = 10,
};

const firn_option firn_fetch_command_options[] = {
    {"output", "FILE", "where the payload goes (default -: standard output)"},
    {"event", NULL, "the whole event as JSON, not its payload alone"},
    {"subject", "TEXT", "search: events of this subject"},
    {"type", "TEXT", "of this type"},
    {"source", "TEXT", "of this source"},
    {"producer", "TEXT", "of this producer"},
    {"id", "TEXT", "of this id"},
    {"dataversion", "TEXT", "of this data version"},
    {"tag", "TEXT", "that have this tag"},
    {"after", "TIME", "later than 2025-06-15T12:00:00Z"},
    {"before", "TIME", "earlier than that"},
    {"order", "asc|desc", "the oldest or the newest first (default desc)"},
    {"limit", "N", "at most so many (default 10)"},
    {"latest", NULL, "the newest one: its payload, as by its key"},
    {"with-data", NULL, "search: with payloads, not headers alone"},
    {"config", "FILE", "the configuration file of `firn up` (FIRN_CONFIG)"},
    {"data", "DIR", "the data directory (default ./firn-data; FIRN_DATA)"},
    {0},
};

/* The options that are parameters of a search, by the same names. */
static const char *const search_options[] = {"subject",     "type", "source", "producer", "id",
                                             "dataversion", "tag",  "after",  "before",   "order"};

/* What a running command has. */
typedef struct fetching {
  firn_app *app;
  const firn_args *args;
  firn_index *index;
  firn_fetch *fetch;
  FILE *to;
  bool is_file; /* `to` is one that was opened here */
} fetching;

/* ---- opening ---- */

static const char *below(firn_app *app, const char *folder, const char *name) {
  return firn_arena_printf(app->arena, "%s/%s", folder, name);
}

/* The index, when there is one: asking must not make it. By key it only tells what is gone from what never
 * was, so one that cannot be read is no reason to stop there. */
static firn_status open_index(fetching *g, const char *folder, bool is_needed, firn_error *err) {
  firn_file_info info;
  const char *path = below(g->app, folder, "index.db");
  if (path == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  firn_status status = firn_file_stat(&g->app->ctx, path, &info, err);
  if (status == FIRN_NOT_FOUND && is_needed) {
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "there is no index %s to search in: `firn up` makes it, and `firn index rebuild`",
                          path);
  }
  status = status == FIRN_OK ? firn_sqlite_index_open(path, &g->app->ctx, &g->index, err) : status;
  return is_needed ? status : FIRN_OK;
}

/* The roots of legacy objects, those on this machine from where the program was started. */
static firn_status legacy_roots(firn_app *app, const firn_settings *settings, firn_fetch_options *options,
                                firn_error *err) {
  size_t n = settings->fetch.legacy_roots.n;
  const char **roots = firn_new_n(app->arena, const char *, n + 1);
  for (size_t i = 0; roots != NULL && i < n; i++) {
    roots[i] = firn_app_absolute(app, settings->fetch.legacy_roots.items[i]);
    roots = roots[i] == NULL ? NULL : roots;
  }
  options->n_legacy_roots = n;
  options->legacy_roots = roots;
  return roots != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a path");
}

static firn_status open_fetch(fetching *g, bool is_search, firn_error *err) {
  firn_settings settings;
  firn_fetch_options options = {0};
  FIRN_TRY(firn_settings_load(g->app, g->args, &settings, err));
  const char *folder = firn_app_absolute(g->app, settings.data);
  if (folder == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  bool is_elsewhere = settings.warehouse != NULL && settings.warehouse[0] != '\0';
  if (is_search || !is_elsewhere) {
    FIRN_TRY(firn_data_open(folder, false, g->app->arena, err));
  }
  options.warehouse =
      is_elsewhere ? firn_app_absolute(g->app, settings.warehouse) : below(g->app, folder, "warehouse");
  if (options.warehouse == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  FIRN_TRY(open_index(g, folder, is_search, err));
  FIRN_TRY(firn_app_stores(g->app, &options.stores, err));
  options.index = g->index;
  FIRN_TRY(legacy_roots(g->app, &settings, &options, err));
  return firn_fetch_open(&options, &g->app->ctx, &g->fetch, err);
}

static firn_status open_output(fetching *g, firn_error *err) {
  const char *path = firn_args_value(g->args, "output");
  g->to = g->app->out;
  if (path == NULL || strcmp(path, "-") == 0) {
    return FIRN_OK;
  }
  g->to = fopen(path, "wbe");
  if (g->to == NULL) {
    return firn_error_set(err, errno == EACCES ? FIRN_DENIED : FIRN_IO, "%s cannot be written: %s", path,
                          strerror(errno));
  }
  g->is_file = true;
  return FIRN_OK;
}

/* A file that could not be written as a whole says so. */
static firn_status close_output(fetching *g, firn_status status, firn_error *err) {
  if (!g->is_file) {
    return status;
  }
  bool failed = ferror(g->to) != 0;
  failed = fclose(g->to) != 0 || failed;
  if (status == FIRN_OK && failed) {
    return firn_error_set(err, FIRN_IO, "%s cannot be written", firn_args_value(g->args, "output"));
  }
  return status;
}

/* ---- one ---- */

static firn_status print_payload(fetching *g, const firn_event *e, firn_error *err) {
  if (e->data.len > 0 && fwrite(e->data.data, 1, e->data.len, g->to) != e->data.len) {
    return firn_error_set(err, FIRN_IO, "the payload cannot be written: %s", strerror(errno));
  }
  return FIRN_OK;
}

static firn_status print_event(fetching *g, const firn_event *e, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_event_write_json(e, true, &w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, g->to, err);
}

/* The file is opened only when there is something to write: a failure leaves what was there before. */
static firn_status fetch_one(fetching *g, const char *key, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  bool as_event = firn_args_has(g->args, "event");
  firn_event e;
  unsigned what = as_event ? FIRN_FETCH_DATA | FIRN_FETCH_HEADER : FIRN_FETCH_DATA;
  FIRN_TRY(firn_fetch_key_event(g->fetch, &g->app->ctx, firn_bytes_of(key), what, &arena, &e, err));
  FIRN_TRY(open_output(g, err));
  firn_status status = as_event ? print_event(g, &e, err) : print_payload(g, &e, err);
  return close_output(g, status, err);
}

/* ---- many ---- */

/* A line: {"key": ..., "event": ...}, or "error" where there is none. */
static firn_status print_line(fetching *g, const char *key, const firn_fetched *fetched, bool has_event,
                              bool with_data, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "key", key);
  if (has_event) {
    firn_json_key(&w, "event");
    firn_event_write_json(&fetched->event, with_data && fetched->status == FIRN_OK, &w);
  }
  if (fetched->status != FIRN_OK) {
    firn_json_add_text(&w, "error", fetched->text);
  }
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, g->to, err);
}

static firn_status some_failed(size_t n_failed, size_t n, firn_error *err) {
  return n_failed == 0
             ? FIRN_OK
             : firn_error_set(err, FIRN_NOT_FOUND, "%zu of %zu events could not be fetched", n_failed, n);
}

static firn_status print_keys(fetching *g, size_t from, size_t n, size_t *n_failed, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes keys[PAGE_WITH_DATA];
  firn_fetched *out = firn_new_n(&arena, firn_fetched, n);
  if (out == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu events", n);
  }
  for (size_t i = 0; i < n; i++) {
    keys[i] = firn_bytes_of(g->args->words[from + i]);
  }
  FIRN_TRY(firn_fetch_keys(g->fetch, &g->app->ctx, keys, n, FIRN_FETCH_DATA | FIRN_FETCH_HEADER, &arena, out,
                           err));
  for (size_t i = 0; i < n; i++) {
    *n_failed += out[i].status != FIRN_OK;
    FIRN_TRY(print_line(g, g->args->words[from + i], &out[i], out[i].status == FIRN_OK, true, err));
  }
  return FIRN_OK;
}

static firn_status fetch_words(fetching *g, firn_error *err) {
  size_t n_failed = 0;
  size_t n = g->args->n_words;
  FIRN_TRY(open_output(g, err));
  firn_status status = FIRN_OK;
  for (size_t from = 0; from < n && status == FIRN_OK; from += PAGE_WITH_DATA) {
    status = print_keys(g, from, n - from < PAGE_WITH_DATA ? n - from : PAGE_WITH_DATA, &n_failed, err);
  }
  status = close_output(g, status, err);
  return status == FIRN_OK ? some_failed(n_failed, n, err) : status;
}

/* ---- search ---- */

static firn_status read_query(fetching *g, firn_fetch_query *q, firn_error *err) {
  *q = (firn_fetch_query){.takes = FIRN_QUERY_PAGING};
  for (size_t i = 0; i < FIRN_COUNT_OF(search_options); i++) {
    const char *value = firn_args_value(g->args, search_options[i]);
    if (value != NULL) {
      FIRN_TRY(firn_fetch_query_add(q, firn_bytes_of(search_options[i]), firn_bytes_of(value), g->app->arena,
                                    err));
    }
  }
  q->with_data = firn_args_has(g->args, "with-data");
  return FIRN_OK;
}

static firn_status fetch_latest(fetching *g, firn_fetch_query *q, firn_error *err) {
  firn_index_hits hits = {0};
  q->index.limit = 1;
  FIRN_TRY(firn_index_search(g->index, &g->app->ctx, &q->index, g->app->arena, &hits, err));
  if (hits.n == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "no event matches");
  }
  return fetch_one(g, hits.items[0].key, err);
}

/* One page of a search; `*cursor` (in `next`) goes on, NULL: that was all. */
static firn_status print_page(fetching *g, const firn_fetch_query *q, firn_arena *next, const char **cursor,
                              size_t *n, size_t *n_failed, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  FIRN_TRY(firn_fetch_search(g->fetch, &g->app->ctx, &q->index, q->with_data, &arena, &hits, &events, err));
  for (size_t i = 0; i < hits.n; i++) {
    *n_failed += events[i].status != FIRN_OK;
    FIRN_TRY(print_line(g, hits.items[i].key, &events[i], true, q->with_data, err));
  }
  *n += hits.n;
  firn_arena_reset(next);
  *cursor = hits.cursor == NULL ? NULL : firn_arena_text(next, firn_bytes_of(hits.cursor));
  return hits.cursor != NULL && *cursor == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a cursor")
                                                : FIRN_OK;
}

static firn_status print_found(fetching *g, firn_fetch_query *q, firn_error *err) {
  FIRN_AUTO_ARENA even = FIRN_ARENA_INIT(0); /* cursors, in turn: one is read while the next is made */
  FIRN_AUTO_ARENA odd = FIRN_ARENA_INIT(0);
  uint64_t limit = LIMIT;
  size_t n = 0;
  size_t n_failed = 0;
  FIRN_TRY(firn_args_count(g->args, "limit", &limit, err));
  for (unsigned page = 0; n < limit; page++) {
    size_t most = q->with_data ? PAGE_WITH_DATA : PAGE;
    q->index.limit = (uint32_t)(limit - n < most ? limit - n : most);
    FIRN_TRY(print_page(g, q, page % 2 == 0 ? &even : &odd, &q->index.cursor, &n, &n_failed, err));
    if (q->index.cursor == NULL) {
      break;
    }
  }
  return some_failed(n_failed, n, err);
}

static firn_status fetch_search(fetching *g, firn_error *err) {
  firn_fetch_query q;
  FIRN_TRY(read_query(g, &q, err));
  if (firn_args_has(g->args, "latest")) {
    return fetch_latest(g, &q, err);
  }
  FIRN_TRY(open_output(g, err));
  return close_output(g, print_found(g, &q, err), err);
}

/* ---- the command ---- */

static firn_status check_args(const firn_args *args, bool *is_search, firn_error *err) {
  *is_search = firn_args_has(args, "latest");
  for (size_t i = 0; i < FIRN_COUNT_OF(search_options); i++) {
    *is_search = *is_search || firn_args_has(args, search_options[i]);
  }
  if (*is_search && args->n_words > 0) {
    return firn_error_set(err, FIRN_INVALID, "a key is fetched or events are searched for, not both at once");
  }
  if (!*is_search && args->n_words == 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "say what to fetch: a key such as cloudevent/valid/.../batch-1.parquet#0, or "
                          "--subject, --type, --latest, ... (firn help fetch)");
  }
  return FIRN_OK;
}

firn_status firn_fetch_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  fetching g = {.app = app, .args = args};
  bool is_search = false;
  FIRN_TRY(check_args(args, &is_search, err));
  firn_status status = open_fetch(&g, is_search, err);
  if (status == FIRN_OK) {
    status = is_search            ? fetch_search(&g, err)
             : args->n_words == 1 ? fetch_one(&g, args->words[0], err)
                                  : fetch_words(&g, err);
  }
  firn_fetch_close(g.fetch);
  firn_index_close(g.index);
  return status;
}

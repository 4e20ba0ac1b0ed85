#include "services/fetch/fetch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "services/fetch/fetch_internal.h"

enum { CACHE_DEFAULT = 64 << 20, EVENT_DEFAULT = 1 << 20 };

enum { KEYS, MISSING, SECONDS, BYTES, OPENED, CACHED_BYTES };

static const firn_metric metrics[] = {
    [KEYS] = {"firn_fetch_keys_total", "Events fetched by key", FIRN_METRIC_COUNTER, 1},
    [MISSING] = {"firn_fetch_missing_total", "Keys of no event, or of one that is gone", FIRN_METRIC_COUNTER,
                 1},
    [SECONDS] = {"firn_fetch_seconds", "Time of fetching one event, or the many of one call",
                 FIRN_METRIC_HISTOGRAM, 1e-6},
    [BYTES] = {"firn_fetch_bytes_total", "Bytes of payloads fetched", FIRN_METRIC_COUNTER, 1},
    [OPENED] = {"firn_fetch_files_opened_total", "Data files that were not in the cache", FIRN_METRIC_COUNTER,
                1},
    [CACHED_BYTES] = {"firn_fetch_cache_bytes", "Footers and page indexes in the cache", FIRN_METRIC_GAUGE,
                      1},
};

const firn_metric_set firn_fetch_metrics = {metrics, FIRN_COUNT_OF(metrics)};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for fetch");
}

static const char *copy_text(firn_fetch *f, const char *text) {
  return firn_arena_text(&f->arena, firn_bytes_of(text));
}

static firn_status copy_options(firn_fetch *f, const firn_fetch_options *o, firn_error *err) {
  f->options = *o;
  f->options.cache_bytes = o->cache_bytes == 0 ? CACHE_DEFAULT : o->cache_bytes;
  f->options.max_event_bytes = o->max_event_bytes == 0 ? EVENT_DEFAULT : o->max_event_bytes;
  f->options.warehouse = copy_text(f, o->warehouse);
  const char **roots = firn_new_n(&f->arena, const char *, o->n_legacy_roots + 1);
  bool right = f->options.warehouse != NULL && roots != NULL;
  for (size_t i = 0; i < o->n_legacy_roots && right; i++) {
    roots[i] = copy_text(f, o->legacy_roots[i]);
    right = roots[i] != NULL;
  }
  f->options.legacy_roots = roots;
  if (o->subject_format != NULL) {
    f->options.subject_format = copy_text(f, o->subject_format);
    right = right && f->options.subject_format != NULL;
  }
  return right ? FIRN_OK : no_memory(err);
}

firn_status firn_fetch_open(const firn_fetch_options *options, firn_ctx *ctx, firn_fetch **out,
                            firn_error *err) {
  (void)ctx;
  FIRN_AUTO_FETCH *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(copy_options(f, options, err));
  FIRN_TRY(firn_stores_find(f->options.stores, f->options.warehouse, &f->arena, &f->store, &f->base, err));
  FIRN_TRY(firn_file_cache_open(f->options.cache_bytes, &f->cache, err));
  *out = FIRN_HAND_OVER(f);
  return FIRN_OK;
}

void firn_fetch_close(firn_fetch *f) {
  if (f != NULL) {
    firn_file_cache_close(f->cache);
    firn_arena_free(&f->arena);
    firn_free(f);
  }
}

void firn_fetch_close_pointer(firn_fetch **f) {
  firn_fetch_close(*f);
}

/* ---- one key ---- */

firn_status firn_fetch_parse(const firn_fetch *f, firn_bytes text, firn_fetch_key *out, const char **root,
                             firn_error *err) {
  *root = NULL;
  firn_status status = firn_fetch_key_parse(text, f->options.warehouse, out, err);
  for (size_t i = 0; i < f->options.n_legacy_roots && status == FIRN_INVALID; i++) {
    firn_fetch_key key;
    if (firn_fetch_key_parse(text, f->options.legacy_roots[i], &key, NULL) == FIRN_OK) {
      *out = key;
      *root = key.is_legacy ? f->options.legacy_roots[i] : NULL;
      return FIRN_OK;
    }
  }
  return status;
}

/* The object's path in the warehouse's store, in `arena`. */
static const char *path_in_store(const firn_fetch *f, firn_bytes path, firn_arena *arena) {
  return firn_arena_printf(arena, "%s%s%.*s", f->base, f->base[0] == '\0' ? "" : "/",
                           FIRN_FORMAT_BYTES(path));
}

static bool is_parquet_name(firn_bytes path) {
  static const char end[] = ".parquet";
  size_t len = sizeof end - 1;
  return path.len > len && memcmp(path.data + path.len - len, end, len) == 0;
}

/* What a failure means to who asked by key: a file that the index knows as gone is FIRN_EXISTS, an object
 * that is no data file is as good as none. Places in the store are not told. */
static firn_status explain(const firn_fetch *f, firn_ctx *ctx, const firn_fetch_key *key, firn_status status,
                           firn_error *err) {
  if (status == FIRN_CORRUPT && !is_parquet_name(key->path)) {
    return firn_error_set(err, FIRN_NOT_FOUND, "the key %.*s#%" PRId64 " names no data file",
                          FIRN_FORMAT_BYTES(key->path), key->row);
  }
  if (status != FIRN_NOT_FOUND) {
    return status;
  }
  firn_index_file_state state = FIRN_INDEX_FILE_UNKNOWN;
  if (f->options.index != NULL) {
    FIRN_TRY(firn_index_file_state_of(f->options.index, ctx, key->path, &state, err));
  }
  if (state == FIRN_INDEX_FILE_GONE) {
    return firn_error_set(
        err, FIRN_EXISTS,
        "the file of this key was rewritten or removed from its table: search for the event "
        "to find its new key");
  }
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no event of the key %.*s#%" PRId64,
                        FIRN_FORMAT_BYTES(key->path), key->row);
}

/* One of the keys of a call. */
typedef struct item {
  firn_fetch_key key;
  const char *root; /* of a legacy key that names it */
  bool has_header;  /* from the index: in out->event, but for the data */
  firn_fetched *out;
} item;

static void set_status(item *it, firn_status status, const firn_error *err) {
  it->out->status = status;
  size_t len = strlen(err->text);
  len = len < sizeof it->out->text ? len : sizeof it->out->text - 1;
  memcpy(it->out->text, err->text, len);
  it->out->text[len] = '\0';
}

/* What ends the whole call, whatever key it happened to. */
static bool is_whole(firn_status status) {
  return status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT;
}

/* What was cached of a file may be of an object that is no more, or another by now. */
static bool is_stale(firn_status status) {
  return status == FIRN_CONFLICT || status == FIRN_CORRUPT || status == FIRN_NOT_FOUND;
}

/* Items of one file, in the order of their rows. */
typedef struct group {
  item *const *items;
  size_t n;
  const char *path; /* in the store */
  unsigned what;
  firn_arena *arena;
} group;

/* Reads `n` items from `first` on, whose rows the file has. */
static firn_status read_items(const group *g, firn_ctx *ctx, const firn_archive_file *file, size_t first,
                              size_t n, firn_error *err) {
  int64_t *rows = firn_new_n(g->arena, int64_t, n);
  firn_event *events = firn_new_n(g->arena, firn_event, n);
  if (rows == NULL || events == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    rows[i] = g->items[first + i]->key.row;
  }
  FIRN_TRY(firn_archive_file_read(file, ctx, rows, n, g->what, g->arena, events, err));
  for (size_t i = 0; i < n; i++) {
    firn_fetched *out = g->items[first + i]->out;
    if ((g->what & FIRN_FETCH_HEADER) == 0 && g->items[first + i]->has_header) {
      out->event.has_data = events[i].has_data;
      out->event.data = events[i].data;
    } else {
      out->event = events[i];
    }
    out->status = FIRN_OK;
  }
  return FIRN_OK;
}

/* Reads all rows at once; when that fails, one by one, so that a broken page costs its own rows only. */
static firn_status read_open_file(firn_fetch *f, firn_ctx *ctx, const group *g, const firn_archive_file *file,
                                  bool *is_old, firn_error *err) {
  size_t n_there = 0; /* rows ascend */
  while (n_there < g->n && g->items[n_there]->key.row < firn_archive_file_rows(file)) {
    n_there++;
  }
  firn_status status = n_there == 0 ? FIRN_OK : read_items(g, ctx, file, 0, n_there, err);
  for (size_t i = 0; i < n_there && status != FIRN_OK && !is_whole(status); i++) {
    firn_status one = n_there == 1 ? status : read_items(g, ctx, file, i, 1, err);
    if (is_whole(one)) {
      return one;
    }
    *is_old = *is_old || is_stale(one);
    if (one != FIRN_OK) {
      set_status(g->items[i], explain(f, ctx, &g->items[i]->key, one, err), err);
    }
  }
  for (size_t i = n_there; i < g->n; i++) {
    set_status(g->items[i], explain(f, ctx, &g->items[i]->key, FIRN_NOT_FOUND, err), err);
  }
  return is_whole(status) ? status : FIRN_OK;
}

static firn_status read_group(firn_fetch *f, firn_ctx *ctx, const group *g, firn_error *err) {
  for (int attempt = 0;; attempt++) {
    firn_cached_file *hold = NULL;
    firn_status status = firn_file_cache_get(f->cache, ctx, f->store, g->path, &hold, err);
    for (size_t i = 0; i < g->n && status != FIRN_OK && !is_whole(status); i++) {
      firn_error why = *err;
      set_status(g->items[i], explain(f, ctx, &g->items[i]->key, status, &why), &why);
    }
    if (status != FIRN_OK) {
      return is_whole(status) ? status : FIRN_OK;
    }
    bool is_old = false;
    status = read_open_file(f, ctx, g, firn_cached_file_of(hold), &is_old, err);
    if (is_old) {
      firn_file_cache_forget(f->cache, hold);
    }
    firn_file_cache_release(f->cache, hold);
    if (status != FIRN_OK || !is_old || attempt == 1) {
      return status;
    }
  }
}

/* By path, then row. */
static int compare_items(const void *a, const void *b) {
  const item *x = *(item *const *)a;
  const item *y = *(item *const *)b;
  int order = firn_bytes_compare(x->key.path, y->key.path);
  return order != 0 ? order : (x->key.row > y->key.row) - (x->key.row < y->key.row);
}

static bool all_have_headers(const group *g) {
  bool all = true;
  for (size_t i = 0; i < g->n && all; i++) {
    all = g->items[i]->has_header;
  }
  return all;
}

/* The header comes from the index where that knows the row: its columns would cost a page each, and their
 * dictionaries. An index that fails costs time only. */
static firn_status find_header(firn_fetch *f, firn_ctx *ctx, item *it, firn_arena *arena, firn_error *err) {
  firn_index_row row;
  bool is_there = false;
  firn_status status =
      firn_index_row_at(f->options.index, ctx, it->key.path, it->key.row, arena, &row, &is_there, err);
  if (status == FIRN_OK && is_there) {
    status = firn_fetch_row_event(&row, arena, &it->out->event, err);
    it->has_header = status == FIRN_OK;
  }
  return is_whole(status) ? status : FIRN_OK;
}

static firn_status read_archives(firn_fetch *f, firn_ctx *ctx, item **items, size_t n, unsigned what,
                                 firn_arena *arena, firn_error *err) {
  if (n > 1) {
    qsort(items, n, sizeof *items, compare_items);
  }
  for (size_t first = 0, end; first < n; first = end) {
    for (end = first + 1; end < n && firn_bytes_equal(items[end]->key.path, items[first]->key.path);) {
      end++;
    }
    group g = {.items = items + first, .n = end - first, .arena = arena};
    g.what = what & ~(all_have_headers(&g) ? (unsigned)FIRN_FETCH_HEADER : 0u);
    if (g.what == 0) {
      continue; /* the index has said it all */
    }
    g.path = path_in_store(f, items[first]->key.path, arena);
    if (g.path == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_group(f, ctx, &g, err));
  }
  return FIRN_OK;
}

/* Sorts keys out: legacy ones are read at once, the others are gathered. */
static firn_status begin_item(firn_fetch *f, firn_ctx *ctx, firn_bytes key, unsigned what, item *it,
                              firn_arena *arena, firn_error *err) {
  firn_status status = firn_fetch_parse(f, key, &it->key, &it->root, err);
  if (status == FIRN_OK && it->key.is_legacy) {
    status = firn_fetch_legacy(f, ctx, it->key.path, it->root, what, arena, &it->out->event, err);
  }
  if (is_whole(status)) {
    return status;
  }
  if (status != FIRN_OK) {
    set_status(it, status, err);
  }
  return FIRN_OK;
}

static void count(firn_ctx *ctx, const firn_fetched *out, size_t n, int64_t since_us) {
  int64_t n_missing = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < n; i++) {
    n_missing += out[i].status == FIRN_NOT_FOUND || out[i].status == FIRN_EXISTS;
    bytes += out[i].status == FIRN_OK ? (int64_t)out[i].event.data.len : 0;
  }
  firn_metric_add(ctx, &firn_fetch_metrics, KEYS, (int64_t)n);
  firn_metric_add(ctx, &firn_fetch_metrics, MISSING, n_missing);
  firn_metric_add(ctx, &firn_fetch_metrics, BYTES, bytes);
  firn_metric_observe(ctx, &firn_fetch_metrics, SECONDS, firn_ctx_monotonic_us(ctx) - since_us);
}

firn_status firn_fetch_keys(firn_fetch *f, firn_ctx *ctx, const firn_bytes *keys, size_t n, unsigned what,
                            firn_arena *arena, firn_fetched *out, firn_error *err) {
  int64_t since_us = firn_ctx_monotonic_us(ctx);
  firn_error scratch;
  err = err == NULL ? &scratch : err;
  item *items = firn_new_n(arena, item, n);
  item **archived = firn_new_n(arena, item *, n);
  size_t n_archived = 0;
  if (items == NULL || archived == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    out[i] = (firn_fetched){0};
    items[i].out = &out[i];
    FIRN_TRY(begin_item(f, ctx, keys[i], what, &items[i], arena, err));
    if (out[i].status != FIRN_OK || items[i].key.is_legacy) {
      continue;
    }
    archived[n_archived++] = &items[i];
    if ((what & FIRN_FETCH_HEADER) != 0 && f->options.index != NULL) {
      FIRN_TRY(find_header(f, ctx, &items[i], arena, err));
    }
  }
  FIRN_TRY(read_archives(f, ctx, archived, n_archived, what, arena, err));
  count(ctx, out, n, since_us);
  return FIRN_OK;
}

firn_status firn_fetch_key_event(firn_fetch *f, firn_ctx *ctx, firn_bytes key, unsigned what,
                                 firn_arena *arena, firn_event *out, firn_error *err) {
  firn_fetched fetched;
  FIRN_TRY(firn_fetch_keys(f, ctx, &key, 1, what, arena, &fetched, err));
  if (fetched.status != FIRN_OK) {
    return firn_error_set(err, fetched.status, "%s", fetched.text);
  }
  *out = fetched.event;
  return FIRN_OK;
}

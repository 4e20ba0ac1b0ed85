/* From keys to events: file by file, the rows of one file together. */
#include <inttypes.h>
#include <stdlib.h>

#include "services/fetch/fetch_internal.h"

enum {
  TOGETHER = 16, /* rows of one read, where what is fetched has to be bounded */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for fetch");
}

const char *firn_fetch_path(const firn_fetch *f, firn_bytes path, firn_arena *arena) {
  return firn_arena_printf(arena, "%s%s%.*s", f->base, f->base[0] == '\0' ? "" : "/",
                           FIRN_FORMAT_BYTES(path));
}

static bool is_parquet_name(firn_bytes path) {
  static const char end[] = ".parquet";
  size_t len = sizeof end - 1;
  return path.len > len && memcmp(path.data + path.len - len, end, len) == 0;
}

firn_status firn_fetch_explain(const firn_fetch *f, firn_ctx *ctx, const firn_fetch_key *key,
                               firn_status status, firn_error *err) {
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

typedef struct call {
  firn_fetch *f;
  firn_ctx *ctx;
  firn_fetch_request *r;
  size_t bytes; /* of payloads so far */
} call;

/* Items of one file, in the order of their rows. */
typedef struct group {
  item **items;
  size_t n;
  const char *path; /* in the store */
  unsigned what;
} group;

static void set_status(item *it, firn_status status, const firn_error *err) {
  it->out->status = status;
  size_t len = strlen(err->text);
  len = len < sizeof it->out->text ? len : sizeof it->out->text - 1;
  memcpy(it->out->text, err->text, len);
  it->out->text[len] = '\0';
}

/* What ends the whole call, whatever key it happened to. */
static bool is_whole(firn_status status) {
  return status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT || status == FIRN_BUSY;
}

/* The status of one key; what ends the whole call is passed on. */
static firn_status set_failure(call *c, item *it, firn_status status, firn_error *err) {
  status = firn_fetch_explain(c->f, c->ctx, &it->key, status, err);
  if (is_whole(status)) {
    return status;
  }
  set_status(it, status, err);
  return FIRN_OK;
}

/* What was cached of a file may be of an object that is no more, or another by now. */
static bool is_stale(firn_status status) {
  return status == FIRN_CONFLICT || status == FIRN_CORRUPT || status == FIRN_NOT_FOUND;
}

size_t firn_fetch_page_bound(const firn_fetch *f) {
  return f->options.max_event_bytes + FIRN_LARGE_PAGE;
}

/* Counts what has come, against the budget of all answers. */
static firn_status take_bytes(call *c, const firn_event *events, size_t n, firn_error *err) {
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++) {
    bytes += events[i].data.len;
  }
  c->bytes += bytes;
  if (!c->r->is_bounded || bytes == 0) {
    return FIRN_OK;
  }
  if (!firn_fetch_reserve(c->f, bytes)) {
    return firn_error_set(err, FIRN_BUSY, "too much is being fetched at the moment: try again");
  }
  c->r->reserved += bytes;
  return FIRN_OK;
}

/* Reads rows, which the file has, in one go. */
static firn_status read_items(call *c, const group *g, const firn_archive_file *file, item **items, size_t n,
                              firn_error *err) {
  firn_arena *arena = c->r->arena;
  int64_t *numbers = firn_new_n(arena, int64_t, n);
  firn_event *events = firn_new_n(arena, firn_event, n);
  if (numbers == NULL || events == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    numbers[i] = items[i]->key.row;
  }
  firn_archive_rows rows = {.n = n, .rows = numbers, .what = g->what};
  rows.max_page_bytes = c->r->is_bounded ? firn_fetch_page_bound(c->f) : 0;
  FIRN_TRY(firn_archive_file_read(file, c->ctx, &rows, arena, events, err));
  FIRN_TRY(take_bytes(c, events, n, err));
  for (size_t i = 0; i < n; i++) {
    firn_fetched *out = items[i]->out;
    if ((g->what & FIRN_FETCH_HEADER) == 0 && items[i]->has_header) {
      out->event.has_data = events[i].has_data;
      out->event.data = events[i].data;
    } else {
      out->event = events[i];
    }
    out->status = FIRN_OK;
  }
  return FIRN_OK;
}

/* The same; when it fails, one by one, so that a broken page costs its own rows only. */
static firn_status read_some(call *c, const group *g, const firn_archive_file *file, item **items, size_t n,
                             bool *is_old, firn_error *err) {
  firn_status status = read_items(c, g, file, items, n, err);
  for (size_t i = 0; i < n && status != FIRN_OK && !is_whole(status); i++) {
    firn_status one = n == 1 ? status : read_items(c, g, file, items + i, 1, err);
    if (is_whole(one)) {
      return one;
    }
    *is_old = *is_old || is_stale(one);
    if (one != FIRN_OK) {
      FIRN_TRY(set_failure(c, items[i], one, err));
    }
  }
  return is_whole(status) ? status : FIRN_OK;
}

/* Whether the row may be read here and now: it is not too large to be held, and there is room left for it.
 * Else its status says why not. */
static bool may_read(const call *c, const group *g, const firn_archive_file *file, item *it,
                     firn_error *err) {
  if (!c->r->is_bounded || (g->what & FIRN_FETCH_DATA) == 0) {
    return true;
  }
  size_t large = firn_archive_file_large(file, it->key.row);
  if (large > firn_fetch_page_bound(c->f)) {
    set_status(
        it, firn_error_set(err, FIRN_LIMIT, "a payload of about %zu bytes: fetch it by its key alone", large),
        err);
    return false;
  }
  if (c->bytes > FIRN_FETCH_MOST_BYTES) {
    set_status(
        it, firn_error_set(err, FIRN_LIMIT, "this is more than one answer holds: ask for fewer events"), err);
    return false;
  }
  return true;
}

static firn_status read_open_file(call *c, const group *g, const firn_archive_file *file, bool *is_old,
                                  firn_error *err) {
  item **batch = firn_new_n(c->r->arena, item *, g->n);
  size_t most = c->r->is_bounded ? TOGETHER : g->n;
  if (batch == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < g->n;) {
    size_t n = 0;
    for (; i < g->n && n < most; i++) {
      item *it = g->items[i];
      if (it->key.row >= firn_archive_file_rows(file)) {
        FIRN_TRY(set_failure(c, it, FIRN_NOT_FOUND, err));
      } else if (may_read(c, g, file, it, err)) {
        batch[n++] = it;
      }
    }
    FIRN_TRY(n == 0 ? FIRN_OK : read_some(c, g, file, batch, n, is_old, err));
  }
  return FIRN_OK;
}

static firn_status read_group(call *c, const group *g, firn_error *err) {
  for (int attempt = 0;; attempt++) {
    firn_cached_file *hold = NULL;
    firn_status status = firn_file_cache_get(c->f->cache, c->ctx, c->f->store, g->path, &hold, err);
    for (size_t i = 0; i < g->n && status != FIRN_OK && !is_whole(status); i++) {
      firn_error why = *err;
      firn_status explained = set_failure(c, g->items[i], status, &why);
      if (explained != FIRN_OK) {
        return firn_error_set(err, explained, "%s", why.text);
      }
    }
    if (status != FIRN_OK) {
      return is_whole(status) ? status : FIRN_OK;
    }
    bool is_old = false;
    status = read_open_file(c, g, firn_cached_file_of(hold), &is_old, err);
    if (is_old) {
      firn_file_cache_forget(c->f->cache, hold);
    }
    firn_file_cache_release(c->f->cache, hold);
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

static firn_status read_archives(call *c, item **items, size_t n, firn_error *err) {
  if (n > 1) {
    qsort(items, n, sizeof *items, compare_items);
  }
  for (size_t first = 0, end; first < n; first = end) {
    for (end = first + 1; end < n && firn_bytes_equal(items[end]->key.path, items[first]->key.path);) {
      end++;
    }
    group g = {.items = items + first, .n = end - first};
    g.what = c->r->what & ~(all_have_headers(&g) ? (unsigned)FIRN_FETCH_HEADER : 0u);
    if (g.what == 0) {
      continue; /* the index has said it all */
    }
    g.path = firn_fetch_path(c->f, items[first]->key.path, c->r->arena);
    if (g.path == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_group(c, &g, err));
  }
  return FIRN_OK;
}

/* The header comes from the index where that knows the row: its columns would cost a page each, and their
 * dictionaries. An index that fails costs time only. */
static firn_status find_header(call *c, item *it, firn_error *err) {
  firn_index_row row;
  bool is_there = false;
  firn_status status = firn_index_row_at(c->f->options.index, c->ctx, it->key.path, it->key.row, c->r->arena,
                                         &row, &is_there, err);
  if (status == FIRN_OK && is_there) {
    status = firn_fetch_row_event(&row, c->r->arena, &it->out->event, err);
    it->has_header = status == FIRN_OK;
  }
  return status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT ? status : FIRN_OK;
}

/* Reads a key. Legacy objects are read at once; `*is_archived`: it names a row, to be read with others. */
static firn_status begin_item(call *c, firn_bytes key, item *it, bool *is_archived, firn_error *err) {
  const firn_fetch_request *r = c->r;
  firn_status status = firn_fetch_parse(c->f, key, &it->key, &it->root, err);
  if (status == FIRN_OK && it->key.is_legacy) {
    status = firn_fetch_legacy(c->f, c->ctx, it->key.path, it->root, r->what, r->arena, &it->out->event, err);
    status = status == FIRN_OK ? take_bytes(c, &it->out->event, 1, err) : status;
  }
  if (is_whole(status)) {
    return status;
  }
  if (status != FIRN_OK) {
    set_status(it, status, err);
  }
  *is_archived = status == FIRN_OK && !it->key.is_legacy;
  bool wants_header = (r->what & FIRN_FETCH_HEADER) != 0 && c->f->options.index != NULL;
  return *is_archived && wants_header ? find_header(c, it, err) : FIRN_OK;
}

firn_status firn_fetch_read(firn_fetch *f, firn_ctx *ctx, firn_fetch_request *r, firn_fetched *out,
                            firn_error *err) {
  call c = {.f = f, .ctx = ctx, .r = r};
  item *items = firn_new_n(r->arena, item, r->n);
  item **archived = firn_new_n(r->arena, item *, r->n);
  size_t n_archived = 0;
  if (items == NULL || archived == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < r->n; i++) {
    bool is_archived = false;
    out[i] = (firn_fetched){0};
    items[i].out = &out[i];
    FIRN_TRY(begin_item(&c, r->keys[i], &items[i], &is_archived, err));
    if (is_archived) {
      archived[n_archived++] = &items[i];
    }
  }
  return read_archives(&c, archived, n_archived, err);
}

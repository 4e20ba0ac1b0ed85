#include "io/store.h"

#include <assert.h>
#include <inttypes.h>

#include "base/alloc.h"

/* One request's worth for small objects: metadata files and manifest lists mostly fit. */
enum { FIRST_READ = 64 << 10 };

/* Long paths lose their beginning in error texts, so that the reason behind them is not cut off. */
enum { SHOWN_PATH = 240 };

enum {
  STATS,
  READS,
  READ_BYTES,
  READ_SECONDS,
  WRITES,
  WRITTEN_BYTES,
  WRITE_SECONDS,
  LISTS,
  REMOVED,
  FAILURES,
};

static const firn_metric metrics[] = {
    [STATS] = {"firn_store_stats_total", "Looks at an object", FIRN_METRIC_COUNTER, 1},
    [READS] = {"firn_store_reads_total", "Reads of an object, each of one or many ranges",
               FIRN_METRIC_COUNTER, 1},
    [READ_BYTES] = {"firn_store_read_bytes_total", "Bytes read from objects", FIRN_METRIC_COUNTER, 1},
    [READ_SECONDS] = {"firn_store_read_seconds", "Time of a read", FIRN_METRIC_HISTOGRAM, 1e-6},
    [WRITES] = {"firn_store_writes_total", "Objects written", FIRN_METRIC_COUNTER, 1},
    [WRITTEN_BYTES] = {"firn_store_written_bytes_total", "Bytes of objects written", FIRN_METRIC_COUNTER, 1},
    [WRITE_SECONDS] = {"firn_store_write_seconds", "Time of writing an object, of a streamed one its end",
                       FIRN_METRIC_HISTOGRAM, 1e-6},
    [LISTS] = {"firn_store_lists_total", "Listings begun", FIRN_METRIC_COUNTER, 1},
    [REMOVED] = {"firn_store_removed_total", "Objects asked to be removed", FIRN_METRIC_COUNTER, 1},
    [FAILURES] = {"firn_store_failures_total", "Calls that failed", FIRN_METRIC_COUNTER, 1},
};

const firn_metric_set firn_store_metrics = {metrics, FIRN_COUNT_OF(metrics)};

static int64_t started(const firn_ctx *ctx) {
  return ctx->env->metrics == NULL ? 0 : firn_ctx_monotonic_us(ctx);
}

/* Counts a call, and passes its status on. */
static firn_status count(const firn_ctx *ctx, size_t calls, int64_t n, firn_status status) {
  firn_metric_add(ctx, &firn_store_metrics, calls, n);
  bool is_answer =
      status == FIRN_OK || status == FIRN_NOT_FOUND || status == FIRN_EXISTS || status == FIRN_CONFLICT;
  if (!is_answer) {
    firn_metric_add(ctx, &firn_store_metrics, FAILURES, 1);
  }
  return status;
}

/* What a finished read or write moved, and how long it took. */
static void count_bytes(const firn_ctx *ctx, size_t bytes, size_t seconds, uint64_t n, int64_t since_us) {
  if (ctx->env->metrics != NULL) {
    firn_metric_add(ctx, &firn_store_metrics, bytes, (int64_t)n);
    firn_metric_observe(ctx, &firn_store_metrics, seconds, firn_ctx_monotonic_us(ctx) - since_us);
  }
}

typedef struct shown_path {
  const char *cut, *root, *path; /* for "%s%s%s" */
} shown_path;

static shown_path shown(const firn_store *s, const char *path) {
  size_t len = strlen(path);
  if (len <= SHOWN_PATH) {
    return (shown_path){"", strlen(s->root) <= SHOWN_PATH ? s->root : "...", path};
  }
  const char *end = path + (len - SHOWN_PATH);
  while (((unsigned char)*end & 0xC0) == 0x80) { /* not in the middle of a UTF-8 character */
    end++;
  }
  return (shown_path){"...", "", end};
}

static firn_status fail(const firn_store *s, firn_status status, const char *doing, const char *path,
                        firn_error *err) {
  shown_path p = shown(s, path);
  return firn_error_while(err, status, "%s: %s %s%s%s", s->ops->scheme, doing, p.cut, p.root, p.path);
}

/* `may_end_open`: a prefix, whose last part is no part yet. */
static firn_status check_path(const char *path, bool may_end_open, firn_error *err) {
  size_t len = strlen(path);
  if (len > FIRN_PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "the path has %zu bytes, more than %d", len, FIRN_PATH_MAX);
  }
  for (const char *part = path;;) {
    size_t part_len = strcspn(part, "/");
    bool is_last = part[part_len] == '\0';
    if (is_last && may_end_open) {
      return FIRN_OK;
    }
    if (part_len == 0) {
      return firn_error_set(err, FIRN_INVALID, "the path \"%.*s\" has an empty part", SHOWN_PATH, path);
    }
    if ((part_len == 1 && part[0] == '.') || (part_len == 2 && part[0] == '.' && part[1] == '.')) {
      return firn_error_set(err, FIRN_INVALID, "the path \"%.*s\" has a part \"%.*s\"", SHOWN_PATH, path,
                            (int)part_len, part);
    }
    if (is_last) {
      return FIRN_OK;
    }
    part += part_len + 1;
  }
}

static firn_status check_condition(const firn_store *s, firn_put_if when, firn_error *err) {
  if (when.kind == FIRN_PUT_ABSENT && (s->can & FIRN_STORE_IF_ABSENT) == 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "this store cannot write under the condition 'if absent'");
  }
  if (when.kind == FIRN_PUT_MATCH && (s->can & FIRN_STORE_IF_MATCH) == 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "this store cannot write under the condition 'if unchanged'");
  }
  if (when.kind == FIRN_PUT_MATCH && (when.etag == NULL || when.etag[0] == '\0')) {
    return firn_error_set(err, FIRN_INVALID, "the condition 'if unchanged' needs an etag");
  }
  return FIRN_OK;
}

static firn_status begin(firn_ctx *ctx, const char *path, firn_error *err) {
  FIRN_TRY(check_path(path, false, err));
  return firn_ctx_check(ctx, err);
}

firn_status firn_store_stat(firn_store *s, firn_ctx *ctx, const char *path, firn_object_info *out,
                            firn_error *err) {
  firn_status status = begin(ctx, path, err);
  if (status == FIRN_OK) {
    status = count(ctx, STATS, 1, s->ops->stat(s, ctx, path, out, err));
  }
  return status == FIRN_OK ? FIRN_OK : fail(s, status, "looking at", path, err);
}

static firn_status check_ranges(const firn_range *ranges, size_t n, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (ranges[i].len > INT64_MAX ||
        (!ranges[i].from_end && ranges[i].offset > INT64_MAX - (uint64_t)ranges[i].len)) {
      return firn_error_set(err, FIRN_INVALID, "%zu bytes from %" PRIu64 " are beyond any object",
                            ranges[i].len, ranges[i].offset);
    }
  }
  return FIRN_OK;
}

firn_status firn_store_read(firn_store *s, firn_ctx *ctx, const char *path, firn_range *ranges, size_t n,
                            firn_object_info *info, firn_error *err) {
  firn_status status = begin(ctx, path, err);
  if (status == FIRN_OK) {
    status = check_ranges(ranges, n, err);
  }
  int64_t since = started(ctx);
  if (status == FIRN_OK) {
    status = count(ctx, READS, 1, s->ops->read(s, ctx, path, ranges, n, info, err));
  }
  if (status != FIRN_OK) {
    return fail(s, status, "reading", path, err);
  }
  uint64_t got = 0;
  for (size_t i = 0; i < n; i++) {
    got += ranges[i].got;
  }
  count_bytes(ctx, READ_BYTES, READ_SECONDS, got, since);
  return FIRN_OK;
}

/* What is behind the first read, into `whole`. */
static firn_status read_rest(firn_store *s, firn_ctx *ctx, const char *path, const firn_object_info *first,
                             size_t done, uint8_t *whole, firn_error *err) {
  firn_range rest = {.offset = done, .len = (size_t)first->size_bytes - done, .into = whole + done};
  firn_object_info info;
  FIRN_TRY(firn_store_read(s, ctx, path, &rest, 1, &info, err));
  if (rest.got != rest.len || info.size_bytes != first->size_bytes || strcmp(info.etag, first->etag) != 0) {
    (void)firn_error_set(err, FIRN_CONFLICT, "it was replaced meanwhile");
    return fail(s, FIRN_CONFLICT, "reading", path, err);
  }
  return FIRN_OK;
}

firn_status firn_store_read_all(firn_store *s, firn_ctx *ctx, const char *path, size_t max_bytes,
                                firn_arena *arena, firn_bytes *out, firn_error *err) {
  void *buffer FIRN_AUTO(firn_free_pointer) = firn_alloc_raw(FIRST_READ);
  if (buffer == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to read %s", path);
  }
  firn_range first = {.len = FIRST_READ, .into = buffer};
  firn_object_info info;
  FIRN_TRY(firn_store_read(s, ctx, path, &first, 1, &info, err));
  if (info.size_bytes > max_bytes) {
    (void)firn_error_set(err, FIRN_LIMIT, "%" PRIu64 " bytes are more than the limit of %zu", info.size_bytes,
                         max_bytes);
    return fail(s, FIRN_LIMIT, "reading", path, err);
  }
  size_t size = (size_t)info.size_bytes;
  uint8_t *whole = firn_arena_alloc_bytes(arena, size);
  if (whole == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the %zu bytes of %s", size, path);
  }
  memcpy(whole, buffer, first.got);
  if (first.got < size) {
    FIRN_TRY(read_rest(s, ctx, path, &info, first.got, whole, err));
  }
  *out = (firn_bytes){whole, size};
  return FIRN_OK;
}

firn_status firn_store_put(firn_store *s, firn_ctx *ctx, const char *path, firn_bytes data, firn_put_if when,
                           firn_object_info *info, firn_error *err) {
  firn_status status = begin(ctx, path, err);
  if (status == FIRN_OK) {
    status = check_condition(s, when, err);
  }
  int64_t since = started(ctx);
  if (status == FIRN_OK) {
    status = count(ctx, WRITES, 1, s->ops->put(s, ctx, path, data, when, info, err));
  }
  if (status != FIRN_OK) {
    return fail(s, status, "writing", path, err);
  }
  count_bytes(ctx, WRITTEN_BYTES, WRITE_SECONDS, data.len, since);
  return FIRN_OK;
}

firn_status firn_store_write(firn_store *s, firn_ctx *ctx, const char *path, firn_put_if when,
                             firn_writer **out, firn_error *err) {
  firn_status status = begin(ctx, path, err);
  if (status == FIRN_OK) {
    status = check_condition(s, when, err);
  }
  if (status == FIRN_OK) {
    status = count(ctx, WRITES, 0, s->ops->writer_open(s, ctx, path, when, out, err));
  }
  return status == FIRN_OK ? FIRN_OK : fail(s, status, "writing", path, err);
}

void firn_writer_init(firn_writer *w, const firn_writer_ops *ops, const firn_store *store, const char *path) {
  assert(strlen(path) <= FIRN_PATH_MAX);
  *w = (firn_writer){.ops = ops, .store = store};
  memcpy(w->path, path, strlen(path) + 1);
}

static firn_status writer_fail(firn_writer *w, firn_status status, firn_error *err) {
  w->is_done = true;
  return fail(w->store, status, "writing", w->path, err);
}

static firn_status writer_begin(const firn_writer *w, firn_ctx *ctx, firn_error *err) {
  if (w->is_done) {
    return firn_error_set(err, FIRN_INVALID, "the write has ended already");
  }
  return firn_ctx_check(ctx, err);
}

firn_status firn_writer_write(firn_writer *w, firn_ctx *ctx, firn_bytes data, firn_error *err) {
  firn_status status = writer_begin(w, ctx, err);
  if (status == FIRN_OK) {
    status = count(ctx, WRITES, 0, w->ops->write(w, ctx, data, err));
  }
  if (status != FIRN_OK) {
    return writer_fail(w, status, err);
  }
  w->written_bytes += data.len;
  return FIRN_OK;
}

firn_status firn_writer_finish(firn_writer *w, firn_ctx *ctx, firn_object_info *info, firn_error *err) {
  int64_t since = started(ctx);
  firn_status status = writer_begin(w, ctx, err);
  if (status == FIRN_OK) {
    status = count(ctx, WRITES, 1, w->ops->finish(w, ctx, info, err));
  }
  if (status != FIRN_OK) {
    return writer_fail(w, status, err);
  }
  w->is_done = true;
  count_bytes(ctx, WRITTEN_BYTES, WRITE_SECONDS, w->written_bytes, since);
  return FIRN_OK;
}

void firn_writer_close(firn_writer *w) {
  if (w != NULL) {
    w->ops->close(w);
  }
}

firn_status firn_store_list(firn_store *s, firn_ctx *ctx, const char *prefix, firn_listing **out,
                            firn_error *err) {
  firn_status status = check_path(prefix, true, err);
  if (status == FIRN_OK) {
    status = firn_ctx_check(ctx, err);
  }
  if (status == FIRN_OK) {
    status = count(ctx, LISTS, 1, s->ops->list(s, ctx, prefix, out, err));
  }
  return status == FIRN_OK ? FIRN_OK : fail(s, status, "listing", prefix, err);
}

void firn_listing_init(firn_listing *l, const firn_listing_ops *ops, const firn_store *store,
                       const char *prefix) {
  assert(strlen(prefix) <= FIRN_PATH_MAX);
  *l = (firn_listing){.ops = ops, .store = store};
  memcpy(l->prefix, prefix, strlen(prefix) + 1);
}

firn_status firn_listing_next(firn_listing *l, firn_ctx *ctx, const firn_listed **out, firn_error *err) {
  if (l->failed != FIRN_OK) { /* a listing that broke off must not look complete when asked again */
    (void)firn_error_set(err, l->failed, "it has failed before");
    return fail(l->store, l->failed, "listing", l->prefix, err);
  }
  const firn_listed *next = NULL;
  firn_status status = l->is_over ? FIRN_OK : firn_ctx_check(ctx, err);
  if (status == FIRN_OK && !l->is_over) {
    status = count(ctx, LISTS, 0, l->ops->next(l, ctx, &next, err));
  }
  if (status != FIRN_OK) {
    l->failed = status;
    return fail(l->store, status, "listing", l->prefix, err);
  }
  l->is_over = next == NULL;
  *out = next;
  return FIRN_OK;
}

void firn_listing_close(firn_listing *l) {
  if (l != NULL) {
    l->ops->close(l);
  }
}

firn_status firn_store_remove(firn_store *s, firn_ctx *ctx, const char *const *paths, size_t n,
                              firn_status *each, firn_error *err) {
  firn_status status = firn_ctx_check(ctx, err);
  const char *bad = n > 0 ? paths[0] : "";
  for (size_t i = 0; i < n && status == FIRN_OK; i++) { /* before any is gone */
    bad = paths[i];
    status = check_path(paths[i], false, err);
  }
  if (status == FIRN_OK && n > 0) {
    status = count(ctx, REMOVED, (int64_t)n, s->ops->remove(s, ctx, paths, n, each, err));
    return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s: removing", s->ops->scheme);
  }
  for (size_t i = 0; i < n && each != NULL; i++) {
    each[i] = status;
  }
  return status == FIRN_OK ? FIRN_OK : fail(s, status, "removing", bad, err);
}

bool firn_store_can(const firn_store *s, unsigned wanted) {
  return (s->can & wanted) == wanted;
}

void firn_store_close(firn_store *s) {
  if (s != NULL) {
    s->ops->close(s);
  }
}

void firn_store_close_pointer(firn_store **s) {
  firn_store_close(*s);
}
void firn_writer_close_pointer(firn_writer **w) {
  firn_writer_close(*w);
}
void firn_listing_close_pointer(firn_listing **l) {
  firn_listing_close(*l);
}

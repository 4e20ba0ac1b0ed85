#include "services/fetch/fetch.h"

#include "base/alloc.h"
#include "services/fetch/fetch_internal.h"

enum { CACHE_DEFAULT = 64 << 20, EVENT_DEFAULT = 1 << 20, ANSWER_DEFAULT = 256 << 20 };

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
  f->options.answer_bytes = o->answer_bytes == 0 ? ANSWER_DEFAULT : o->answer_bytes;
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
  atomic_init(&f->held_bytes, 0);
  atomic_init(&f->counted_bytes, 0);
  atomic_init(&f->counted_opened, 0);
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

/* ---- memory of answers ---- */

bool firn_fetch_reserve(firn_fetch *f, size_t bytes) {
  size_t held = atomic_load(&f->held_bytes);
  do {
    if (bytes > f->options.answer_bytes || held > f->options.answer_bytes - bytes) {
      return false;
    }
  } while (!atomic_compare_exchange_weak(&f->held_bytes, &held, held + bytes));
  return true;
}

void firn_fetch_release(firn_fetch *f, size_t bytes) {
  (void)atomic_fetch_sub(&f->held_bytes, bytes);
}

/* ---- fetching ---- */

/* What the cache has come to since the last look. */
static void count_cache(firn_fetch *f, firn_ctx *ctx) {
  firn_file_cache_count c = firn_file_cache_counts(f->cache);
  size_t bytes = atomic_exchange(&f->counted_bytes, c.bytes);
  size_t opened = atomic_exchange(&f->counted_opened, (size_t)c.n_opened);
  firn_metric_add(ctx, &firn_fetch_metrics, CACHED_BYTES, (int64_t)c.bytes - (int64_t)bytes);
  firn_metric_add(ctx, &firn_fetch_metrics, OPENED, (int64_t)c.n_opened - (int64_t)opened);
}

static void count(firn_fetch *f, firn_ctx *ctx, const firn_fetched *out, size_t n, int64_t since_us) {
  int64_t n_missing = 0;
  int64_t bytes = 0;
  if (ctx->env->metrics == NULL) {
    return;
  }
  count_cache(f, ctx);
  for (size_t i = 0; i < n; i++) {
    n_missing += out[i].status == FIRN_NOT_FOUND || out[i].status == FIRN_EXISTS;
    bytes += out[i].status == FIRN_OK ? (int64_t)out[i].event.data.len : 0;
  }
  firn_metric_add(ctx, &firn_fetch_metrics, KEYS, (int64_t)n);
  firn_metric_add(ctx, &firn_fetch_metrics, MISSING, n_missing);
  firn_metric_add(ctx, &firn_fetch_metrics, BYTES, bytes);
  firn_metric_observe(ctx, &firn_fetch_metrics, SECONDS, firn_ctx_monotonic_us(ctx) - since_us);
}

firn_status firn_fetch_run(firn_fetch *f, firn_ctx *ctx, firn_fetch_request *r, firn_fetched *out,
                           firn_error *err) {
  firn_error scratch;
  int64_t since_us = firn_ctx_monotonic_us(ctx);
  FIRN_TRY(firn_fetch_read(f, ctx, r, out, err == NULL ? &scratch : err));
  count(f, ctx, out, r->n, since_us);
  return FIRN_OK;
}

firn_status firn_fetch_keys(firn_fetch *f, firn_ctx *ctx, const firn_bytes *keys, size_t n, unsigned what,
                            firn_arena *arena, firn_fetched *out, firn_error *err) {
  firn_fetch_request r = {.keys = keys, .n = n, .what = what, .arena = arena};
  return firn_fetch_run(f, ctx, &r, out, err);
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

#include "io/stores.h"

#include <stdatomic.h>

#include "base/alloc.h"

/* A wrapper: every function asks `is_hit` once and either passes on, or fails, or (FIRN_UNCERTAIN) passes on
 * and loses the answer. Inner functions are called through their table, so that texts carry one scheme only.
 */
typedef struct faulty_store {
  firn_store base;
  firn_store *inner;
  size_t fail_at;
  firn_status status;
  atomic_size_t calls;
} faulty_store;

typedef struct faulty_writer {
  firn_writer base;
  firn_writer *inner;
} faulty_writer;

typedef struct faulty_listing {
  firn_listing base;
  firn_listing *inner;
} faulty_listing;

static faulty_store *of(const firn_store *s) {
  return (faulty_store *)(uintptr_t)s;
}

static bool is_hit(faulty_store *f) {
  return atomic_fetch_add_explicit(&f->calls, 1, memory_order_relaxed) == f->fail_at;
}

/* Whether a call that is hit is carried out all the same. */
static bool is_done_first(const faulty_store *f) {
  return f->status == FIRN_UNCERTAIN;
}

static firn_status fault(const faulty_store *f, firn_error *err) {
  return firn_error_set(err, f->status, "injected fault");
}

static firn_status faulty_stat(firn_store *s, firn_ctx *ctx, const char *path, firn_object_info *out,
                               firn_error *err) {
  faulty_store *f = of(s);
  return is_hit(f) ? fault(f, err) : f->inner->ops->stat(f->inner, ctx, path, out, err);
}

static firn_status faulty_read(firn_store *s, firn_ctx *ctx, const char *path, firn_range *ranges, size_t n,
                               firn_object_info *info, firn_error *err) {
  faulty_store *f = of(s);
  return is_hit(f) ? fault(f, err) : f->inner->ops->read(f->inner, ctx, path, ranges, n, info, err);
}

static firn_status faulty_put(firn_store *s, firn_ctx *ctx, const char *path, firn_bytes data,
                              firn_put_if when, firn_object_info *info, firn_error *err) {
  faulty_store *f = of(s);
  bool hit = is_hit(f);
  if (!hit || is_done_first(f)) {
    FIRN_TRY(f->inner->ops->put(f->inner, ctx, path, data, when, info, err));
  }
  return hit ? fault(f, err) : FIRN_OK;
}

static firn_status writer_write(firn_writer *base, firn_ctx *ctx, firn_bytes data, firn_error *err) {
  faulty_writer *w = (faulty_writer *)base;
  faulty_store *f = of(base->store);
  return is_hit(f) ? fault(f, err) : w->inner->ops->write(w->inner, ctx, data, err);
}

static firn_status writer_finish(firn_writer *base, firn_ctx *ctx, firn_object_info *info, firn_error *err) {
  faulty_writer *w = (faulty_writer *)base;
  faulty_store *f = of(base->store);
  bool hit = is_hit(f);
  if (!hit || is_done_first(f)) {
    FIRN_TRY(w->inner->ops->finish(w->inner, ctx, info, err));
  }
  return hit ? fault(f, err) : FIRN_OK;
}

static void writer_close(firn_writer *base) {
  faulty_writer *w = (faulty_writer *)base;
  w->inner->ops->close(w->inner);
  firn_free(w);
}

static const firn_writer_ops writer_ops = {
    .write = writer_write, .finish = writer_finish, .close = writer_close};

static firn_status faulty_writer_open(firn_store *s, firn_ctx *ctx, const char *path, firn_put_if when,
                                      firn_writer **out, firn_error *err) {
  faulty_store *f = of(s);
  if (is_hit(f)) {
    return fault(f, err);
  }
  faulty_writer *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a writer");
  }
  firn_status status = f->inner->ops->writer_open(f->inner, ctx, path, when, &w->inner, err);
  if (status != FIRN_OK) {
    firn_free(w);
    return status;
  }
  firn_writer_init(&w->base, &writer_ops, s, path);
  *out = &w->base;
  return FIRN_OK;
}

static firn_status listing_next(firn_listing *base, firn_ctx *ctx, const firn_listed **out, firn_error *err) {
  faulty_listing *l = (faulty_listing *)base;
  faulty_store *f = of(base->store);
  return is_hit(f) ? fault(f, err) : l->inner->ops->next(l->inner, ctx, out, err);
}

static void listing_close(firn_listing *base) {
  faulty_listing *l = (faulty_listing *)base;
  l->inner->ops->close(l->inner);
  firn_free(l);
}

static const firn_listing_ops listing_ops = {.next = listing_next, .close = listing_close};

static firn_status faulty_list(firn_store *s, firn_ctx *ctx, const char *prefix, firn_listing **out,
                               firn_error *err) {
  faulty_store *f = of(s);
  if (is_hit(f)) {
    return fault(f, err);
  }
  faulty_listing *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a listing");
  }
  firn_status status = f->inner->ops->list(f->inner, ctx, prefix, &l->inner, err);
  if (status != FIRN_OK) {
    firn_free(l);
    return status;
  }
  firn_listing_init(&l->base, &listing_ops, s, prefix);
  *out = &l->base;
  return FIRN_OK;
}

static firn_status faulty_remove(firn_store *s, firn_ctx *ctx, const char *const *paths, size_t n,
                                 firn_status *each, firn_error *err) {
  faulty_store *f = of(s);
  bool hit = is_hit(f);
  if (!hit || is_done_first(f)) {
    FIRN_TRY(f->inner->ops->remove(f->inner, ctx, paths, n, each, err));
  }
  for (size_t i = 0; i < n && hit && each != NULL; i++) {
    each[i] = f->status;
  }
  return hit ? fault(f, err) : FIRN_OK;
}

static void faulty_close(firn_store *s) {
  faulty_store *f = of(s);
  firn_store_close(f->inner);
  firn_free(f);
}

static const firn_store_ops faulty_ops = {
    .scheme = "faulty",
    .stat = faulty_stat,
    .read = faulty_read,
    .put = faulty_put,
    .writer_open = faulty_writer_open,
    .list = faulty_list,
    .remove = faulty_remove,
    .close = faulty_close,
};

firn_status firn_faulty_store_open(firn_store *inner, size_t fail_at, firn_status status, firn_store **out,
                                   firn_error *err) {
  faulty_store *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    firn_store_close(inner); /* it was handed over */
    return firn_error_set(err, FIRN_NOMEM, "no memory for a faulty store");
  }
  f->base = (firn_store){.ops = &faulty_ops, .can = inner->can, .root = inner->root};
  f->inner = inner;
  f->fail_at = fail_at;
  f->status = status;
  *out = &f->base;
  return FIRN_OK;
}

size_t firn_faulty_store_calls(const firn_store *faulty) {
  return atomic_load_explicit(&of(faulty)->calls, memory_order_relaxed);
}

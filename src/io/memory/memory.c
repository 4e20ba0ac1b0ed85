#include "io/stores.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/builder.h"

/* An object and its path behind it. It is replaced, never changed. */
typedef struct object {
  uint8_t *data;
  size_t len;
  int64_t modified_us;
  uint64_t version; /* the store's count of writes: the etag */
  char path[];
} object;

typedef struct memory_store {
  firn_store base;
  size_t max_bytes;
  pthread_mutex_t lock; /* guards what follows; held for copies in memory, never longer */
  object **objects;     /* in the byte order of their paths */
  size_t n, capacity;
  size_t used_bytes;
  uint64_t n_writes;
} memory_store;

typedef struct memory_writer {
  firn_writer base;
  firn_put_if when;
  char etag[FIRN_ETAG_MAX]; /* what `when` points to */
  firn_builder data;
} memory_writer;

typedef struct memory_listing {
  firn_listing base;
  firn_listed item;
  char path[FIRN_PATH_MAX + 1]; /* of the item before; "" at first */
} memory_listing;

static memory_store *of(const firn_store *s) {
  return (memory_store *)(uintptr_t)s;
}

static void object_free(object *o) {
  if (o != NULL) {
    firn_free(o->data);
    firn_free(o);
  }
}

static void object_free_pointer(object **o) {
  object_free(*o);
}

static object *object_new(const char *path, firn_bytes data) {
  object *o = firn_alloc(sizeof *o + strlen(path) + 1);
  if (o == NULL) {
    return NULL;
  }
  memcpy(o->path, path, strlen(path) + 1);
  o->data = firn_alloc_raw(data.len);
  if (o->data == NULL) {
    firn_free(o);
    return NULL;
  }
  if (data.len > 0) {
    memcpy(o->data, data.data, data.len);
  }
  o->len = data.len;
  return o;
}

/* Where `path` is or would be, under the lock. */
static size_t position(const memory_store *m, const char *path, bool *is_there) {
  size_t low = 0;
  size_t high = m->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(m->objects[middle]->path, path) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *is_there = low < m->n && strcmp(m->objects[low]->path, path) == 0;
  return low;
}

static void describe(const object *o, firn_object_info *out) {
  *out = (firn_object_info){.size_bytes = o->len, .modified_us = o->modified_us};
  (void)snprintf(out->etag, sizeof out->etag, "%" PRIu64, o->version); /* fits */
}

static firn_status not_found(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "no such object");
}

static firn_status memory_stat(firn_store *s, firn_ctx *ctx, const char *path, firn_object_info *out,
                               firn_error *err) {
  (void)ctx;
  memory_store *m = of(s);
  bool is_there;
  pthread_mutex_lock(&m->lock);
  size_t at = position(m, path, &is_there);
  if (is_there) {
    describe(m->objects[at], out);
  }
  pthread_mutex_unlock(&m->lock);
  return is_there ? FIRN_OK : not_found(err);
}

static void copy_range(const object *o, firn_range *r) {
  size_t from;
  if (r->from_end) {
    from = r->len < o->len ? o->len - r->len : 0;
  } else {
    from = r->offset < o->len ? (size_t)r->offset : o->len;
  }
  r->got = r->len < o->len - from ? r->len : o->len - from;
  if (r->got > 0) {
    memcpy(r->into, o->data + from, r->got);
  }
}

static firn_status memory_read(firn_store *s, firn_ctx *ctx, const char *path, firn_range *ranges, size_t n,
                               firn_object_info *info, firn_error *err) {
  (void)ctx;
  memory_store *m = of(s);
  bool is_there;
  pthread_mutex_lock(&m->lock);
  size_t at = position(m, path, &is_there);
  for (size_t i = 0; i < n && is_there; i++) {
    copy_range(m->objects[at], &ranges[i]);
  }
  if (is_there && info != NULL) {
    describe(m->objects[at], info);
  }
  pthread_mutex_unlock(&m->lock);
  return is_there ? FIRN_OK : not_found(err);
}

static firn_status check_condition(const object *now, firn_put_if when, firn_error *err) {
  if (when.kind == FIRN_PUT_ABSENT && now != NULL) {
    return firn_error_set(err, FIRN_EXISTS, "it is already there");
  }
  if (when.kind == FIRN_PUT_MATCH) {
    firn_object_info info = {.etag = ""};
    if (now != NULL) {
      describe(now, &info);
    }
    if (strcmp(info.etag, when.etag) != 0) {
      return firn_error_set(err, FIRN_CONFLICT, "it was changed or removed meanwhile");
    }
  }
  return FIRN_OK;
}

static firn_status make_room(memory_store *m, firn_error *err) {
  if (m->n < m->capacity) {
    return FIRN_OK;
  }
  size_t capacity = m->capacity < 16 ? 16 : m->capacity * 2;
  object **moved = firn_realloc(m->objects, capacity * sizeof *moved);
  if (moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu objects", capacity);
  }
  m->objects = moved;
  m->capacity = capacity;
  return FIRN_OK;
}

/* Under the lock: takes `*made` and leaves what it replaced there, to be freed. */
static firn_status publish_locked(memory_store *m, object **made, firn_put_if when, firn_error *err) {
  bool is_there;
  size_t at = position(m, (*made)->path, &is_there);
  object *old = is_there ? m->objects[at] : NULL;
  FIRN_TRY(check_condition(old, when, err));
  size_t kept_bytes = m->used_bytes - (old == NULL ? 0 : old->len);
  if (m->max_bytes != 0 && (*made)->len > m->max_bytes - kept_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "the store is full: it may hold %zu bytes", m->max_bytes);
  }
  if (!is_there) {
    FIRN_TRY(make_room(m, err));
    memmove(m->objects + at + 1, m->objects + at, (m->n - at) * sizeof *m->objects);
    m->n++;
  }
  (*made)->version = ++m->n_writes;
  m->objects[at] = *made;
  m->used_bytes = kept_bytes + (*made)->len;
  *made = old;
  return FIRN_OK;
}

static firn_status publish(memory_store *m, firn_ctx *ctx, const char *path, firn_bytes data,
                           firn_put_if when, firn_object_info *info, firn_error *err) {
  object *made FIRN_AUTO(object_free_pointer) = object_new(path, data);
  if (made == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes", data.len);
  }
  made->modified_us = firn_ctx_now_us(ctx);
  pthread_mutex_lock(&m->lock);
  object *published = made;
  firn_status status = publish_locked(m, &made, when, err);
  if (status == FIRN_OK && info != NULL) {
    describe(published, info);
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

static firn_status memory_put(firn_store *s, firn_ctx *ctx, const char *path, firn_bytes data,
                              firn_put_if when, firn_object_info *info, firn_error *err) {
  return publish(of(s), ctx, path, data, when, info, err);
}

static firn_status writer_write(firn_writer *base, firn_ctx *ctx, firn_bytes data, firn_error *err) {
  (void)ctx;
  memory_writer *w = (memory_writer *)base;
  firn_bytes so_far;
  firn_builder_add(&w->data, data);
  return firn_builder_finish(&w->data, &so_far, err);
}

static firn_status writer_finish(firn_writer *base, firn_ctx *ctx, firn_object_info *info, firn_error *err) {
  memory_writer *w = (memory_writer *)base;
  return publish(of(base->store), ctx, base->path, firn_builder_bytes(&w->data), w->when, info, err);
}

static void writer_close(firn_writer *base) {
  memory_writer *w = (memory_writer *)base;
  firn_builder_free(&w->data);
  firn_free(w);
}

static const firn_writer_ops writer_ops = {
    .write = writer_write, .finish = writer_finish, .close = writer_close};

static firn_status memory_writer_open(firn_store *s, firn_ctx *ctx, const char *path, firn_put_if when,
                                      firn_writer **out, firn_error *err) {
  (void)ctx;
  memory_writer *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a writer");
  }
  firn_writer_init(&w->base, &writer_ops, s, path);
  w->data = (firn_builder)FIRN_BUILDER_INIT(of(s)->max_bytes);
  w->when = when;
  if (when.kind == FIRN_PUT_MATCH) {
    (void)snprintf(w->etag, sizeof w->etag, "%s", when.etag); /* a longer one is none of ours */
    w->when.etag = w->etag;
  }
  *out = &w->base;
  return FIRN_OK;
}

/* Looks the following path up anew each time, so objects may come and go meanwhile. */
static firn_status listing_next(firn_listing *base, firn_ctx *ctx, const firn_listed **out, firn_error *err) {
  (void)ctx;
  (void)err;
  memory_listing *l = (memory_listing *)base;
  memory_store *m = of(base->store);
  bool is_there;
  *out = NULL;
  pthread_mutex_lock(&m->lock);
  size_t at = position(m, l->path[0] == '\0' ? base->prefix : l->path, &is_there);
  if (is_there && l->path[0] != '\0') {
    at++;
  }
  if (at < m->n && strncmp(m->objects[at]->path, base->prefix, strlen(base->prefix)) == 0) {
    const object *o = m->objects[at];
    memcpy(l->path, o->path, strlen(o->path) + 1);
    l->item = (firn_listed){.path = l->path, .size_bytes = o->len, .modified_us = o->modified_us};
    *out = &l->item;
  }
  pthread_mutex_unlock(&m->lock);
  return FIRN_OK;
}

static void listing_close(firn_listing *base) {
  firn_free(base);
}

static const firn_listing_ops listing_ops = {.next = listing_next, .close = listing_close};

static firn_status memory_list(firn_store *s, firn_ctx *ctx, const char *prefix, firn_listing **out,
                               firn_error *err) {
  (void)ctx;
  memory_listing *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a listing");
  }
  firn_listing_init(&l->base, &listing_ops, s, prefix);
  *out = &l->base;
  return FIRN_OK;
}

static firn_status memory_remove(firn_store *s, firn_ctx *ctx, const char *const *paths, size_t n,
                                 firn_status *each, firn_error *err) {
  (void)ctx;
  (void)err;
  memory_store *m = of(s);
  pthread_mutex_lock(&m->lock);
  for (size_t i = 0; i < n; i++) {
    bool is_there;
    size_t at = position(m, paths[i], &is_there);
    if (is_there) {
      m->used_bytes -= m->objects[at]->len;
      object_free(m->objects[at]);
      memmove(m->objects + at, m->objects + at + 1, (m->n - at - 1) * sizeof *m->objects);
      m->n--;
    }
    if (each != NULL) {
      each[i] = FIRN_OK;
    }
  }
  pthread_mutex_unlock(&m->lock);
  return FIRN_OK;
}

static void memory_close(firn_store *s) {
  memory_store *m = of(s);
  for (size_t i = 0; i < m->n; i++) {
    object_free(m->objects[i]);
  }
  firn_free(m->objects);
  pthread_mutex_destroy(&m->lock);
  firn_free(m);
}

static const firn_store_ops memory_ops = {
    .scheme = "memory",
    .stat = memory_stat,
    .read = memory_read,
    .put = memory_put,
    .writer_open = memory_writer_open,
    .list = memory_list,
    .remove = memory_remove,
    .close = memory_close,
};

firn_status firn_memory_store_open(size_t max_bytes, firn_store **out, firn_error *err) {
  memory_store *m = firn_alloc(sizeof *m);
  if (m == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a memory store");
  }
  int failed = pthread_mutex_init(&m->lock, NULL);
  if (failed != 0) {
    firn_free(m);
    return firn_error_set(err, FIRN_NOMEM, "no lock for a memory store: %s", strerror(failed));
  }
  m->base = (firn_store){.ops = &memory_ops,
                         .can = FIRN_STORE_IF_ABSENT | FIRN_STORE_IF_MATCH | FIRN_STORE_LIST_ORDERED,
                         .root = ""};
  m->max_bytes = max_bytes;
  *out = &m->base;
  return FIRN_OK;
}

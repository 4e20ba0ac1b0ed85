#include "services/fetch/cache_internal.h"

#include <assert.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { N_BUCKETS = 1 << 10, ENTRY_OVERHEAD = 256 };

typedef enum state { OPENING, READY, FAILED } state;

struct firn_cached_file {
  struct firn_cached_file *next;          /* of its bucket */
  struct firn_cached_file *newer, *older; /* READY and cached: by their last use */
  size_t bucket;
  bool is_cached; /* in its bucket */
  state state;
  unsigned n_users; /* whoever opens or waits, too */
  size_t bytes;
  firn_archive_file *file; /* READY */
  firn_error failure;      /* FAILED */
  char path[];
};

struct firn_file_cache {
  size_t max_bytes;
  pthread_mutex_t lock; /* guards everything that follows, and all entries but a READY one's file */
  pthread_cond_t opened;
  firn_cached_file *buckets[N_BUCKETS];
  firn_cached_file *newest, *oldest;
  firn_file_cache_count count;
};

firn_status firn_file_cache_open(size_t max_bytes, firn_file_cache **out, firn_error *err) {
  firn_file_cache *c = firn_alloc(sizeof *c);
  if (c == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a cache");
  }
  c->max_bytes = max_bytes;
  (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail on Linux, like the next */
  (void)pthread_cond_init(&c->opened, NULL);
  *out = c;
  return FIRN_OK;
}

static void lock(firn_file_cache *c) {
  (void)pthread_mutex_lock(&c->lock); /* fails only when it is used wrongly */
}
static void unlock(firn_file_cache *c) {
  (void)pthread_mutex_unlock(&c->lock);
}

static void free_entry(firn_cached_file *e) {
  firn_archive_file_close(e->file);
  firn_free(e);
}

/* The following are called under the lock. */

static void leave_order(firn_file_cache *c, firn_cached_file *e) {
  *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
  *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
  e->newer = e->older = NULL;
}

static void become_newest(firn_file_cache *c, firn_cached_file *e) {
  e->older = c->newest;
  e->newer = NULL;
  *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
  c->newest = e;
}

static firn_cached_file *find(firn_file_cache *c, size_t bucket, const char *path) {
  firn_cached_file *e = c->buckets[bucket];
  while (e != NULL && strcmp(e->path, path) != 0) {
    e = e->next;
  }
  return e;
}

/* Takes it out of the cache. When nobody uses it, it is the caller's to free, outside the lock. */
static void take_out(firn_file_cache *c, firn_cached_file *e) {
  firn_cached_file **link = &c->buckets[e->bucket];
  while (*link != e) {
    link = &(*link)->next;
  }
  *link = e->next;
  e->is_cached = false;
  if (e->state == READY) {
    leave_order(c, e);
    c->count.bytes -= e->bytes;
    c->count.n_files--;
  }
}

/* Takes out the oldest until the budget holds; those nobody uses come back as a list to be freed. One that is
 * larger than the budget goes itself, not all the others. */
static firn_cached_file *evict(firn_file_cache *c) {
  firn_cached_file *unused = NULL;
  if (c->newest != NULL && c->newest->bytes > c->max_bytes) {
    take_out(c, c->newest); /* just opened, and in use by its opener */
    c->count.n_evicted++;
  }
  while (c->count.bytes > c->max_bytes && c->oldest != NULL) {
    firn_cached_file *e = c->oldest;
    take_out(c, e);
    c->count.n_evicted++;
    if (e->n_users == 0) {
      e->next = unused;
      unused = e;
    }
  }
  return unused;
}

static void free_list(firn_cached_file *e) {
  while (e != NULL) {
    firn_cached_file *next = e->next;
    free_entry(e);
    e = next;
  }
}

/* Lets go of an entry; true: it was the last hold on one that is cached no more, to be freed by the caller.
 */
static bool drop_user(firn_cached_file *e) {
  assert(e->n_users > 0);
  return --e->n_users == 0 && !e->is_cached;
}

/* An opener's own end says nothing about the file. */
static bool is_openers_own(firn_status status) {
  return status == FIRN_TIMEOUT || status == FIRN_CANCELLED || status == FIRN_NOMEM;
}

/* Opens what this thread has entered as OPENING. Without the lock. */
static firn_status open_entry(firn_file_cache *c, firn_ctx *ctx, firn_store *store, firn_cached_file *e,
                              firn_error *err) {
  firn_error failure = {.status = FIRN_OK};
  firn_archive_file *file = NULL;
  firn_status status = firn_archive_file_open(store, e->path, ctx, &file, &failure);
  lock(c);
  c->count.n_opened++;
  e->state = status == FIRN_OK ? READY : FAILED;
  e->file = file;
  e->failure = failure;
  firn_cached_file *unused = NULL;
  bool is_last = false;
  if (status == FIRN_OK) {
    e->bytes = firn_archive_file_memory(file) + ENTRY_OVERHEAD + strlen(e->path);
    become_newest(c, e);
    c->count.bytes += e->bytes;
    c->count.n_files++;
    unused = evict(c);
  } else {
    take_out(c, e);
    is_last = drop_user(e);
  }
  (void)pthread_cond_broadcast(&c->opened);
  unlock(c);
  free_list(unused);
  if (is_last) {
    free_entry(e);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_set(err, status, "%s", failure.text);
}

/* Waits, holding the lock, until the entry is open or has failed. `*again`: the opener gave up for reasons of
 * its own, the caller should try. */
static firn_status wait_for(firn_file_cache *c, firn_cached_file *e, bool *again, firn_error *err) {
  while (e->state == OPENING) {
    (void)pthread_cond_wait(&c->opened, &c->lock);
  }
  *again = false;
  if (e->state == READY) {
    return FIRN_OK;
  }
  firn_error failure = e->failure;
  bool is_last = drop_user(e);
  *again = is_openers_own(failure.status);
  if (is_last) {
    free_entry(e); /* it holds no file */
  }
  return *again ? FIRN_OK : firn_error_set(err, failure.status, "%s", failure.text);
}

static firn_cached_file *new_entry(const char *path, size_t bucket) {
  size_t len = strlen(path);
  firn_cached_file *e = firn_alloc(sizeof *e + len + 1);
  if (e != NULL) {
    memcpy(e->path, path, len + 1);
    e->bucket = bucket;
    e->n_users = 1;
    e->is_cached = true;
  }
  return e;
}

/* The entry that is there, once it is open; `*out` NULL: there is none, and a new one of this thread's is
 * entered as `*mine`. */
static firn_status find_or_enter(firn_file_cache *c, const char *path, firn_cached_file **out,
                                 firn_cached_file **mine, firn_error *err) {
  size_t bucket = firn_xxh64(firn_bytes_of(path)) % N_BUCKETS;
  *out = *mine = NULL;
  for (;;) {
    firn_cached_file *e = find(c, bucket, path);
    if (e == NULL) {
      *mine = new_entry(path, bucket);
      if (*mine == NULL) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for a data file");
      }
      (*mine)->next = c->buckets[bucket];
      c->buckets[bucket] = *mine;
      return FIRN_OK;
    }
    bool again = false;
    e->n_users++;
    FIRN_TRY(wait_for(c, e, &again, err));
    if (!again) {
      if (e->is_cached) { /* it may have left while this thread waited */
        leave_order(c, e);
        become_newest(c, e);
      }
      c->count.n_hits++;
      *out = e;
      return FIRN_OK;
    }
  }
}

firn_status firn_file_cache_get(firn_file_cache *c, firn_ctx *ctx, firn_store *store, const char *path,
                                firn_cached_file **out, firn_error *err) {
  firn_cached_file *found = NULL;
  firn_cached_file *mine = NULL;
  lock(c);
  firn_status status = find_or_enter(c, path, &found, &mine, err);
  unlock(c);
  FIRN_TRY(status);
  if (mine != NULL) {
    FIRN_TRY(open_entry(c, ctx, store, mine, err));
    found = mine;
  }
  *out = found;
  return FIRN_OK;
}

const firn_archive_file *firn_cached_file_of(const firn_cached_file *h) {
  return h->file;
}

void firn_file_cache_release(firn_file_cache *c, firn_cached_file *h) {
  lock(c);
  bool is_last = drop_user(h);
  unlock(c);
  if (is_last) {
    free_entry(h);
  }
}

void firn_file_cache_forget(firn_file_cache *c, firn_cached_file *h) {
  lock(c);
  if (h->is_cached) {
    take_out(c, h);
  }
  unlock(c);
}

firn_file_cache_count firn_file_cache_counts(firn_file_cache *c) {
  lock(c);
  firn_file_cache_count count = c->count;
  unlock(c);
  return count;
}

void firn_file_cache_close(firn_file_cache *c) {
  if (c == NULL) {
    return;
  }
  for (size_t i = 0; i < N_BUCKETS; i++) {
    free_list(c->buckets[i]);
  }
  (void)pthread_cond_destroy(&c->opened);
  (void)pthread_mutex_destroy(&c->lock);
  firn_free(c);
}

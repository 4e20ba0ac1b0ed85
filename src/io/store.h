/* Objects under paths, whatever keeps them: a folder, memory, later S3, GCS, Azure.
 *
 * A store knows whole objects and nothing of what they mean. Paths are relative to the store's root, `/`
 * between parts, no leading `/`; a part that is empty, `.` or `..`, and a path beyond FIRN_PATH_MAX bytes, is
 * refused with FIRN_INVALID before a backend sees it. An object appears whole or not at all: `put` and a
 * writer's `finish` publish, a failed or aborted write leaves nothing behind.
 *
 * Threads may share a store; a writer, a listing and the ranges of a read belong to one thread at a time.
 * Results that a caller could not know are FIRN_UNCERTAIN: a write whose answer was lost. Every error text
 * begins with the scheme, what was being done, and the object ("file: writing /lake/t/x: the disk is full").
 */
#ifndef FIRN_IO_STORE_H
#define FIRN_IO_STORE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"
#include "base/metrics.h"

typedef struct firn_store firn_store;
typedef struct firn_writer firn_writer;
typedef struct firn_listing firn_listing;

enum { FIRN_ETAG_MAX = 128, FIRN_PATH_MAX = 1024 /* bytes: the shortest limit among the stores */ };

typedef struct firn_object_info {
  uint64_t size_bytes;
  int64_t
      modified_us; /* since 1970, UTC; 0 when the store does not say: S3 does not answer a write with it */
  char etag[FIRN_ETAG_MAX]; /* changes with the content; "" when the store has none */
} firn_object_info;

/* A range to read; it ends below INT64_MAX. It is cut where the object ends: `got` says how many bytes came.
 * The last `len` bytes, with size and etag, are one request to a far store: no need to ask for the size
 * before. */
typedef struct firn_range {
  uint64_t offset; /* from the start, or, with `from_end`, the last `len` bytes (offset is then ignored) */
  size_t len;
  bool from_end;
  uint8_t *into; /* the caller's, `len` bytes */
  size_t got;    /* output */
} firn_range;

/* The condition of a write. */
typedef struct firn_put_if {
  enum { FIRN_PUT_ANY = 0, FIRN_PUT_ABSENT, FIRN_PUT_MATCH } kind;
  const char *etag; /* FIRN_PUT_MATCH: what must be there now */
} firn_put_if;

#define FIRN_PUT_ALWAYS ((firn_put_if){FIRN_PUT_ANY, NULL})
#define FIRN_PUT_IF_ABSENT ((firn_put_if){FIRN_PUT_ABSENT, NULL})   /* else FIRN_EXISTS */
#define FIRN_PUT_IF_MATCH(tag) ((firn_put_if){FIRN_PUT_MATCH, tag}) /* else FIRN_CONFLICT */

/* What a kind of store guarantees. A condition that it cannot keep is FIRN_UNSUPPORTED, never ignored. */
enum {
  FIRN_STORE_IF_ABSENT = 1 << 0,
  FIRN_STORE_IF_MATCH = 1 << 1,
  FIRN_STORE_LIST_ORDERED = 1 << 2, /* listings come in the byte order of paths */
  FIRN_STORE_DURABLE = 1 << 3,      /* what was written outlives the process and a loss of power */
};

/* What a backend does. It sees only checked paths and conditions that it said it can keep; its error texts
 * name the reason and the remedy, the dispatch functions below add the deed and the path. */
typedef struct firn_store_ops {
  const char *scheme; /* "file", "memory", ... */
  firn_status (*stat)(firn_store *, firn_ctx *, const char *path, firn_object_info *out, firn_error *);
  firn_status (*read)(firn_store *, firn_ctx *, const char *path, firn_range *ranges, size_t n,
                      firn_object_info *info, firn_error *);
  firn_status (*put)(firn_store *, firn_ctx *, const char *path, firn_bytes data, firn_put_if when,
                     firn_object_info *info, firn_error *);
  firn_status (*writer_open)(firn_store *, firn_ctx *, const char *path, firn_put_if when, firn_writer **out,
                             firn_error *);
  firn_status (*list)(firn_store *, firn_ctx *, const char *prefix, firn_listing **out, firn_error *);
  firn_status (*remove)(firn_store *, firn_ctx *, const char *const *paths, size_t n, firn_status *each,
                        firn_error *);
  void (*close)(firn_store *);
} firn_store_ops;

struct firn_store { /* first member of every backend's own struct */
  const firn_store_ops *ops;
  unsigned can;     /* FIRN_STORE_...: of this store, for servers of one kind differ */
  const char *root; /* stands before paths in error texts: "/lake/", "s3://b/", "" */
};

typedef struct firn_writer_ops {
  firn_status (*write)(firn_writer *, firn_ctx *, firn_bytes data, firn_error *);
  firn_status (*finish)(firn_writer *, firn_ctx *, firn_object_info *info, firn_error *);
  void (*close)(firn_writer *); /* frees it; aborts when `finish` did not succeed */
} firn_writer_ops;

struct firn_writer { /* first member of every backend's own struct */
  const firn_writer_ops *ops;
  const firn_store *store;
  char path[FIRN_PATH_MAX + 1];
  uint64_t written_bytes;
  bool is_done; /* finished, or failed: nothing more may be added */
};

typedef struct firn_listed {
  const char *path; /* as given to the other functions; borrowed until the following next */
  uint64_t size_bytes;
  int64_t modified_us;
} firn_listed;

/* One that failed, or has come to its end, is not asked again. */
typedef struct firn_listing_ops {
  firn_status (*next)(firn_listing *, firn_ctx *, const firn_listed **out, firn_error *);
  void (*close)(firn_listing *);
} firn_listing_ops;

struct firn_listing { /* first member of every backend's own struct */
  const firn_listing_ops *ops;
  const firn_store *store;
  char prefix[FIRN_PATH_MAX + 1];
  firn_status failed;
  bool is_over;
};

/* FIRN_NOT_FOUND when there is no such object. */
FIRN_MUST_USE firn_status firn_store_stat(firn_store *store, firn_ctx *ctx, const char *path,
                                          firn_object_info *out, firn_error *err);

/* Reads all ranges of one object, in any order and in parallel if the store can; returns when all are in. A
 * range that begins at or behind the end gets 0 bytes. `info` (may be NULL) gets what stat would say. All
 * ranges come from one version of the object, else FIRN_CONFLICT. */
FIRN_MUST_USE firn_status firn_store_read(firn_store *store, firn_ctx *ctx, const char *path,
                                          firn_range *ranges, size_t n, firn_object_info *info,
                                          firn_error *err);

/* The whole object into `arena`; FIRN_LIMIT when it is larger than `max_bytes`. */
FIRN_MUST_USE firn_status firn_store_read_all(firn_store *store, firn_ctx *ctx, const char *path,
                                              size_t max_bytes, firn_arena *arena, firn_bytes *out,
                                              firn_error *err);

/* Creates or replaces an object under a condition. When a store that is FIRN_STORE_DURABLE says FIRN_OK the
 * object is on its disk. `info` may be NULL. */
FIRN_MUST_USE firn_status firn_store_put(firn_store *store, firn_ctx *ctx, const char *path, firn_bytes data,
                                         firn_put_if when, firn_object_info *info, firn_error *err);

/* Streams an object of unknown size. It appears at `finish`, as put would have made it; until then, and after
 * a failure, there is nothing. The condition is checked no later than then. */
FIRN_MUST_USE firn_status firn_store_write(firn_store *store, firn_ctx *ctx, const char *path,
                                           firn_put_if when, firn_writer **out, firn_error *err);
FIRN_MUST_USE firn_status firn_writer_write(firn_writer *w, firn_ctx *ctx, firn_bytes data, firn_error *err);
FIRN_MUST_USE firn_status firn_writer_finish(firn_writer *w, firn_ctx *ctx, firn_object_info *info,
                                             firn_error *err);
/* NULL is fine; without a finish this aborts. The bytes on their way go whatever becomes of the operation's
 * deadline; the environment of the context it was opened with must still be there. */
void firn_writer_close(firn_writer *w);

/* Every object whose path begins with `prefix` ("" for all; "db/ev" finds "db/events/1"), folders below it
 * included. Objects that come or go meanwhile may be seen or not. */
FIRN_MUST_USE firn_status firn_store_list(firn_store *store, firn_ctx *ctx, const char *prefix,
                                          firn_listing **out, firn_error *err);
FIRN_MUST_USE firn_status firn_listing_next(firn_listing *l, firn_ctx *ctx, const firn_listed **out,
                                            firn_error *err);
void firn_listing_close(firn_listing *l); /* NULL is fine */

/* Removes many objects; one that is not there counts as removed. `each` (may be NULL) gets a status for every
 * path; the result is the first failure. */
FIRN_MUST_USE firn_status firn_store_remove(firn_store *store, firn_ctx *ctx, const char *const *paths,
                                            size_t n, firn_status *each, firn_error *err);

/* For backends: fill the part of a new writer or listing that the dispatch functions use. `path` and `prefix`
 * have been checked. */
void firn_writer_init(firn_writer *w, const firn_writer_ops *ops, const firn_store *store, const char *path);
void firn_listing_init(firn_listing *l, const firn_listing_ops *ops, const firn_store *store,
                       const char *prefix);

/* Whether the store keeps all of the FIRN_STORE_ capabilities in `wanted`. */
bool firn_store_can(const firn_store *store, unsigned wanted);

/* Calls, bytes and times of all stores, counted by the functions above. An object that is not there, is there
 * already or was changed counts as no failure. */
extern const firn_metric_set firn_store_metrics;

void firn_store_close(firn_store *store); /* NULL is fine */
void firn_store_close_pointer(firn_store **store);
void firn_writer_close_pointer(firn_writer **w);
void firn_listing_close_pointer(firn_listing **l);
#define FIRN_AUTO_STORE FIRN_AUTO(firn_store_close_pointer) firn_store
#define FIRN_AUTO_WRITER FIRN_AUTO(firn_writer_close_pointer) firn_writer
#define FIRN_AUTO_LISTING FIRN_AUTO(firn_listing_close_pointer) firn_listing

#endif

/* Open data files by their path, the most recently used within a budget of bytes.
 *
 * Threads may share it. A file that several ask for at once is opened by the first, the others wait for it;
 * what is in use stays open when it leaves the cache, until the last user lets go. A file larger than the
 * budget is opened for its users alone. */
#ifndef FIRN_SERVICES_FETCH_CACHE_INTERNAL_H
#define FIRN_SERVICES_FETCH_CACHE_INTERNAL_H

#include "services/fetch/archive_file_internal.h"

typedef struct firn_file_cache firn_file_cache;
typedef struct firn_cached_file firn_cached_file; /* a user's hold on a file */

FIRN_MUST_USE firn_status firn_file_cache_open(size_t max_bytes, firn_file_cache **out, firn_error *err);
/* Nobody may hold a file any more. NULL is fine. */
void firn_file_cache_close(firn_file_cache *c);

/* The file at `path` of `store`, opened when it is not at hand. One store for one cache. */
FIRN_MUST_USE firn_status firn_file_cache_get(firn_file_cache *c, firn_ctx *ctx, firn_store *store,
                                              const char *path, firn_cached_file **out, firn_error *err);
const firn_archive_file *firn_cached_file_of(const firn_cached_file *h);
void firn_file_cache_release(firn_file_cache *c, firn_cached_file *h);
/* The file is not what it was: the next to ask for it opens it anew. The hold stays. */
void firn_file_cache_forget(firn_file_cache *c, firn_cached_file *h);

typedef struct firn_file_cache_count {
  size_t n_files, bytes;
  uint64_t n_hits, n_opened, n_evicted; /* n_opened: also those that failed */
} firn_file_cache_count;
firn_file_cache_count firn_file_cache_counts(firn_file_cache *c);

#endif

#include "catalogs/metadata_cache.h"

#include <pthread.h>

#include "base/alloc.h"

enum { ENTRIES_MOST = 64 };

struct firn_metadata_entry {
  firn_metadata *metadata;
  size_t size_bytes;
  uint64_t used; /* when it was used last, by the cache's own count */
  const char *etag;
  char location[]; /* and the etag behind it */
};

struct firn_metadata_cache {
  size_t max_bytes;
  pthread_mutex_t lock; /* guards what follows; never held while metadata is freed */
  uint64_t now;
  size_t n, size_bytes;
  firn_metadata_entry *entries[ENTRIES_MOST + 1]; /* one more while one is put in */
};

firn_status firn_metadata_cache_new(size_t max_bytes, firn_metadata_cache **out, firn_error *err) {
  firn_metadata_cache *cache = firn_alloc(sizeof *cache);
  if (cache == NULL || pthread_mutex_init(&cache->lock, NULL) != 0) {
    firn_free(cache);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a cache of metadata");
  }
  cache->max_bytes = max_bytes;
  *out = cache;
  return FIRN_OK;
}

void firn_metadata_entry_free(firn_metadata_entry *entry) {
  if (entry != NULL) {
    firn_metadata_unref(entry->metadata);
    firn_free(entry);
  }
}

void firn_metadata_cache_free(firn_metadata_cache *cache) {
  if (cache == NULL) {
    return;
  }
  for (size_t i = 0; i < cache->n; i++) {
    firn_metadata_entry_free(cache->entries[i]);
  }
  (void)pthread_mutex_destroy(&cache->lock);
  firn_free(cache);
}

firn_status firn_metadata_entry_new(const char *location, const char *etag, firn_metadata *m,
                                    firn_metadata_entry **out, firn_error *err) {
  size_t location_size = strlen(location) + 1;
  size_t etag_size = strlen(etag) + 1;
  firn_metadata_entry *entry = firn_alloc(sizeof *entry + location_size + etag_size);
  if (entry == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to remember metadata");
  }
  memcpy(entry->location, location, location_size);
  memcpy(entry->location + location_size, etag, etag_size);
  entry->etag = entry->location + location_size;
  entry->metadata = firn_metadata_ref(m);
  entry->size_bytes = firn_metadata_size(m) + sizeof *entry + location_size + etag_size;
  *out = entry;
  return FIRN_OK;
}

/* --- under the lock --- */

static size_t find(const firn_metadata_cache *cache, const char *location) {
  size_t i = 0;
  while (i < cache->n && strcmp(cache->entries[i]->location, location) != 0) {
    i++;
  }
  return i;
}

static firn_metadata_entry *take_out(firn_metadata_cache *cache, size_t i) {
  firn_metadata_entry *entry = cache->entries[i];
  cache->entries[i] = cache->entries[--cache->n];
  cache->size_bytes -= entry->size_bytes;
  return entry;
}

static size_t oldest(const firn_metadata_cache *cache) {
  size_t found = 0;
  for (size_t i = 1; i < cache->n; i++) {
    if (cache->entries[i]->used < cache->entries[found]->used) {
      found = i;
    }
  }
  return found;
}

/* --- for all --- */

firn_metadata *firn_metadata_cache_get(firn_metadata_cache *cache, const char *location, const char *etag) {
  firn_metadata *m = NULL;
  if (cache == NULL) {
    return NULL;
  }
  (void)pthread_mutex_lock(&cache->lock);
  size_t i = find(cache, location);
  if (i < cache->n && strcmp(cache->entries[i]->etag, etag) == 0) {
    cache->entries[i]->used = ++cache->now;
    m = firn_metadata_ref(cache->entries[i]->metadata);
  }
  (void)pthread_mutex_unlock(&cache->lock);
  return m;
}

void firn_metadata_cache_remove(firn_metadata_cache *cache, const char *location) {
  firn_metadata_entry *entry = NULL;
  if (cache == NULL) {
    return;
  }
  (void)pthread_mutex_lock(&cache->lock);
  size_t i = find(cache, location);
  if (i < cache->n) {
    entry = take_out(cache, i);
  }
  (void)pthread_mutex_unlock(&cache->lock);
  firn_metadata_entry_free(entry);
}

void firn_metadata_cache_put(firn_metadata_cache *cache, firn_metadata_entry *entry) {
  firn_metadata_entry *out[ENTRIES_MOST + 2]; /* freed when the lock is gone */
  size_t n_out = 0;
  if (cache == NULL || entry->size_bytes > cache->max_bytes) {
    firn_metadata_entry_free(entry);
    return;
  }
  (void)pthread_mutex_lock(&cache->lock);
  size_t same = find(cache, entry->location);
  if (same < cache->n) {
    out[n_out++] = take_out(cache, same);
  }
  entry->used = ++cache->now;
  cache->entries[cache->n++] = entry;
  cache->size_bytes += entry->size_bytes;
  while (cache->n > ENTRIES_MOST || cache->size_bytes > cache->max_bytes) {
    out[n_out++] = take_out(cache, oldest(cache));
  }
  (void)pthread_mutex_unlock(&cache->lock);
  for (size_t i = 0; i < n_out; i++) {
    firn_metadata_entry_free(out[i]);
  }
}

/* Parsed metadata of tables, by the location of its file: such files never change, so who has parsed one need
 * not do so again. A catalog loads a table's metadata several times for each commit.
 *
 * Bounded by bytes and by number; what was used longest ago goes first. Threads may share it. */
#ifndef FIRN_CATALOGS_METADATA_CACHE_H
#define FIRN_CATALOGS_METADATA_CACHE_H

#include "iceberg/meta/metadata.h"

typedef struct firn_metadata_cache firn_metadata_cache;

/* What does not fit in `max_bytes` alone is not kept. */
FIRN_MUST_USE firn_status firn_metadata_cache_new(size_t max_bytes, firn_metadata_cache **out,
                                                  firn_error *err);
void firn_metadata_cache_free(firn_metadata_cache *cache); /* NULL is fine */

/* The caller's own reference; NULL: it is not there. `etag` tells files apart where a location may be used
 * again; "" where it never is. A NULL cache has nothing. */
firn_metadata *firn_metadata_cache_get(firn_metadata_cache *cache, const char *location, const char *etag);

/* Making an entry may fail, putting it in does not, so that it can be done after a commit. */
typedef struct firn_metadata_entry firn_metadata_entry;
FIRN_MUST_USE firn_status firn_metadata_entry_new(const char *location, const char *etag, firn_metadata *m,
                                                  firn_metadata_entry **out, firn_error *err);
void firn_metadata_entry_free(firn_metadata_entry *entry); /* NULL is fine */
/* The entry is the cache's from then on. */
void firn_metadata_cache_put(firn_metadata_cache *cache, firn_metadata_entry *entry);
/* Forgets a location: nobody will ask for it again soon. */
void firn_metadata_cache_remove(firn_metadata_cache *cache, const char *location);

#endif

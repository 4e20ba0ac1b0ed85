/* Every kind of store, listed once (stores.c), and from a location to its store.
 *
 * A location is what Iceberg metadata holds: "file:///lake/t", "/lake/t", "memory://name/t", later
 * "s3://bucket/t". */
#ifndef FIRN_IO_STORES_H
#define FIRN_IO_STORES_H

#include "io/store.h"

/* A folder of the local file system; it is made, parents included, when it is not there. Objects are files; a
 * write goes to a temporary name beside its target, is synced, then linked or renamed, then its directory is
 * synced. */
FIRN_MUST_USE firn_status firn_local_store_open(const char *folder, const firn_env *env, firn_store **out,
                                                firn_error *err);

/* Objects in this process's memory, bounded by `max_bytes` (0: none). For tests and the memory catalog. */
FIRN_MUST_USE firn_status firn_memory_store_open(size_t max_bytes, firn_store **out, firn_error *err);

/* Wraps another store, which it then owns, and makes call number `fail_at` (from 0, counting every call, a
 * writer's and a listing's too) fail with `status`. FIRN_UNCERTAIN carries the call out first and then loses
 * the answer; every other status does nothing. `fail_at` SIZE_MAX never fails; firn_faulty_store_calls says
 * how many calls there were. */
FIRN_MUST_USE firn_status firn_faulty_store_open(firn_store *inner, size_t fail_at, firn_status status,
                                                 firn_store **out, firn_error *err);
size_t firn_faulty_store_calls(const firn_store *faulty);

/* A set of stores by location. Absolute locations are split into a root that a store serves and a path below
 * it; stores are opened at the first use and live as long as the set. Threads may share it. */
typedef struct firn_stores firn_stores;

FIRN_MUST_USE firn_status firn_stores_open(const firn_env *env, firn_stores **out, firn_error *err);
void firn_stores_close(firn_stores *stores);

/* `*store` is borrowed from the set; `*path` is the rest of `location` inside it, in `arena`. For local files
 * the root is "/". FIRN_UNSUPPORTED names a scheme that no store serves. */
FIRN_MUST_USE firn_status firn_stores_find(firn_stores *stores, const char *location, firn_arena *arena,
                                           firn_store **store, const char **path, firn_error *err);

/* Serves `scheme`://`authority` from a store of the caller's, which stays the caller's (tests, memory
 * catalogs). */
FIRN_MUST_USE firn_status firn_stores_add(firn_stores *stores, const char *scheme, const char *authority,
                                          firn_store *store, firn_error *err);

#endif

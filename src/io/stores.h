/* Every kind of store, and from a location to its store (stores.c lists the kinds that locations can name).
 *
 * A location is what Iceberg metadata holds: "file:///lake/t", "/lake/t", "memory://name/t", later
 * "s3://bucket/t". It is taken as written: nothing in it is percent-decoded, as other engines do. */
#ifndef FIRN_IO_STORES_H
#define FIRN_IO_STORES_H

#include "io/store.h"

/* A folder of the local file system, by an absolute path; it is made, parents included, when it is not there.
 * Objects are files; a write goes to a temporary name beside its target, is synced, then renamed or linked,
 * then its directory (and the parents of directories that had to be made) are synced. FIRN_PUT_MATCH is
 * FIRN_UNSUPPORTED: no call of a file system compares and replaces in one step, and a lock would bind only
 * those who ask for it. Symbolic links are followed where a path names them (a warehouse may be spread over
 * disks), but listings never enter or show them, so nothing outside the folder is ever found by a listing. */
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

/* A set of stores by location: the part that names a server and a bucket, or the local root, picks the store,
 * the rest is a path in it. Stores are opened at the first use and live as long as the set. Threads may share
 * it. */
typedef struct firn_stores firn_stores;

FIRN_MUST_USE firn_status firn_stores_open(const firn_env *env, firn_stores **out, firn_error *err);
void firn_stores_close(firn_stores *stores); /* NULL is fine */
void firn_stores_close_pointer(firn_stores **stores);
#define FIRN_AUTO_STORES FIRN_AUTO(firn_stores_close_pointer) firn_stores

/* `*store` is borrowed from the set; `*path` is the rest of `location` inside it, in `arena`, without slashes
 * at its ends ("" for the root). For local files the root is "/". FIRN_INVALID for a relative path,
 * FIRN_UNSUPPORTED names a scheme that no store serves. */
FIRN_MUST_USE firn_status firn_stores_find(firn_stores *stores, const char *location, firn_arena *arena,
                                           firn_store **store, const char **path, firn_error *err);

/* A path on this machine (also as "file:/...") made absolute and rid of "", "." and "..": metadata must not
 * depend on where the program was started. Relative ones begin in `folder`. URIs stay as they are. In
 * `arena`; NULL: no memory, or a relative path without a folder. */
const char *firn_location_absolute(const char *folder, const char *location, firn_arena *arena);

/* Serves `scheme`://`authority` from a store of the caller's, which stays the caller's (tests, memory
 * catalogs) and must be taken out before it is closed. FIRN_EXISTS when another one is served there. */
FIRN_MUST_USE firn_status firn_stores_add(firn_stores *stores, const char *scheme, const char *authority,
                                          firn_store *store, firn_error *err);
void firn_stores_take_out(firn_stores *stores, const firn_store *store);

#endif

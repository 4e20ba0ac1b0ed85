/* Catalogs that keep only a pointer for each table: the location of its current metadata file. Everything
 * else about tables is the same for all of them and lies here: where a new table goes, what a commit does. A
 * backend finds pointers and swaps them, several at once or none. */
#ifndef FIRN_CATALOGS_POINTER_H
#define FIRN_CATALOGS_POINTER_H

#include "catalogs/metadata_cache.h"
#include "iceberg/commit/catalog.h"

/* One pointer to set. */
typedef struct firn_pointer_swap {
  const firn_table_id *table;
  const char *from; /* what must be there now; NULL: there must be no such table */
  const char *to;
  const firn_metadata *metadata; /* what `to` holds, or, with `name_file`, is to hold */
} firn_pointer_swap;

typedef struct firn_pointer_ops {
  /* In `arena`. FIRN_NOT_FOUND when there is no such table. */
  firn_status (*find)(firn_catalog *, firn_ctx *, const firn_table_id *, firn_arena *, const char **location,
                      firn_error *);
  /* All or none. FIRN_CONFLICT when a `from` is not what is there, FIRN_EXISTS when a table that must not be
   * is, FIRN_NOT_FOUND when a new one's namespace is not there. FIRN_UNCERTAIN only when it may have
   * happened. */
  firn_status (*swap)(firn_catalog *, firn_ctx *, const firn_pointer_swap *, size_t n, firn_error *);
  /* Whether a pointer of any table begins with `folder`, which ends with a slash. */
  firn_status (*is_used)(firn_catalog *, firn_ctx *, const char *folder, bool *out, firn_error *);
  /* For catalogs whose pointers are the names of metadata files, so that writing a file is the swap: the name
   * of the one that follows `before` (NULL: of a table that is not there yet), in `arena`. `swap` then writes
   * it. NULL: files have names of their own and are written before the swap. */
  firn_status (*name_file)(firn_catalog *, const firn_table_id *, const firn_metadata *next,
                           const char *before, firn_arena *, const char **out, firn_error *);
} firn_pointer_ops;

typedef struct firn_pointer_catalog { /* first member of such a backend's own struct */
  firn_catalog base;
  const firn_pointer_ops *pointers;
  const char *warehouse;      /* without a slash at its end; NULL: none */
  firn_metadata_cache *cache; /* NULL: every load reads the file. The backend makes and frees it */
} firn_pointer_catalog;

enum { FIRN_POINTER_CACHE_BYTES = 32 << 20 };

/* What a lost race says, in the words that users look for. */
FIRN_MUST_USE firn_status firn_pointer_lost(firn_error *err);

/* For the tables of catalogs: members of firn_catalog_ops of the same names. */
FIRN_MUST_USE firn_status firn_pointer_table_create(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                    const firn_table_create *how, firn_table *out,
                                                    firn_error *err);
FIRN_MUST_USE firn_status firn_pointer_table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                  firn_table *out, firn_error *err);
FIRN_MUST_USE firn_status firn_pointer_table_exists(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                    bool *out, firn_error *err);
FIRN_MUST_USE firn_status firn_pointer_table_register(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                      const char *metadata_location, firn_table *out,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_pointer_commit(firn_catalog *c, firn_ctx *ctx,
                                              const firn_table_commit *commits, size_t n, firn_table *out,
                                              firn_error *err);

#endif

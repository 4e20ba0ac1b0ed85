/* What every catalog must do. Catalogs (catalogs/) fulfil this; everything above speaks only to it.
 *
 * A catalog maps identifiers to the current metadata of tables and swaps it atomically. Threads may share a
 * catalog. A commit answers FIRN_OK, FIRN_CONFLICT (it did not happen; reload and try again), FIRN_UNCERTAIN
 * (the answer was lost: look for the snapshot id in the table's history before repeating, and never delete
 * files) or another failure (it did not happen). */
#ifndef FIRN_ICEBERG_COMMIT_CATALOG_H
#define FIRN_ICEBERG_COMMIT_CATALOG_H

#include "iceberg/commit/update.h"
#include "io/stores.h"

enum { FIRN_NAMESPACE_MAX_LEVELS = 16 };

typedef struct firn_namespace {
  size_t n_levels;
  const char *const *levels;
} firn_namespace;

typedef struct firn_table_id {
  firn_namespace ns;
  const char *name;
} firn_table_id;

/* "a.b.t" split at its dots, the last part the table's name; in `arena`. Empty parts are FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_table_id_parse(const char *text, firn_arena *arena, firn_table_id *out,
                                              firn_error *err);
FIRN_MUST_USE firn_status firn_namespace_parse(const char *text, firn_arena *arena, firn_namespace *out,
                                               firn_error *err);
bool firn_table_id_equal(const firn_table_id *a, const firn_table_id *b);
/* Levels and name joined by dots, in `arena`; NULL: no memory. */
const char *firn_table_id_text(const firn_table_id *id, firn_arena *arena);
const char *firn_namespace_text(const firn_namespace *ns, firn_arena *arena);

typedef struct firn_catalog firn_catalog;

/* A table as loaded. `store_path` of a location comes from firn_catalog_stores. The caller lets go with
 * firn_table_release. */
typedef struct firn_table {
  firn_metadata *metadata;  /* one reference is the caller's */
  char *metadata_location;  /* owned */
  char etag[FIRN_ETAG_MAX]; /* "" where the catalog has none */
} firn_table;

void firn_table_release(firn_table *table); /* fine on {0}, and twice */
#define FIRN_AUTO_TABLE FIRN_AUTO(firn_table_release) firn_table

typedef struct firn_table_create {
  const char *location;              /* NULL: <warehouse>/<namespace>/<table> */
  const firn_schema *schema;         /* ids are assigned anew, a whole level before its children */
  const firn_partition_spec *spec;   /* NULL: unpartitioned. Source ids are those of `schema` */
  const firn_sort_order *sort_order; /* NULL: unsorted */
  firn_properties properties;
  int32_t format_version; /* 0: 2 */
} firn_table_create;

/* What a catalog may lack; a call that it lacks is FIRN_UNSUPPORTED. */
enum {
  FIRN_CATALOG_VIEWS = 1 << 0,
  FIRN_CATALOG_MULTI_TABLE = 1 << 1, /* commits of several tables are one transaction */
  FIRN_CATALOG_CREDENTIALS = 1 << 2,
  FIRN_CATALOG_NAMESPACE_PROPERTIES = 1 << 3,
  FIRN_CATALOG_DURABLE = 1 << 4,
};

typedef struct firn_table_commit {
  firn_table_id table;
  size_t n_requirements;
  const firn_requirement *requirements;
  size_t n_updates;
  const firn_update *updates;
} firn_table_commit;

typedef struct firn_names {
  size_t n;
  const firn_table_id *items;
} firn_names;

typedef struct firn_namespaces {
  size_t n;
  const firn_namespace *items;
} firn_namespaces;

typedef struct firn_catalog_ops {
  const char *kind; /* "sqlite", "memory", ... */
  unsigned can;
  firn_status (*namespace_create)(firn_catalog *, firn_ctx *, const firn_namespace *, const firn_properties *,
                                  firn_error *);
  firn_status (*namespace_load)(firn_catalog *, firn_ctx *, const firn_namespace *, firn_arena *,
                                firn_properties *out, firn_error *);
  firn_status (*namespace_list)(firn_catalog *, firn_ctx *, const firn_namespace *parent, firn_arena *,
                                firn_namespaces *out, firn_error *);
  firn_status (*namespace_update)(firn_catalog *, firn_ctx *, const firn_namespace *,
                                  const firn_properties *set, const char *const *remove, size_t n_remove,
                                  firn_error *);
  firn_status (*namespace_drop)(firn_catalog *, firn_ctx *, const firn_namespace *, firn_error *);
  firn_status (*table_list)(firn_catalog *, firn_ctx *, const firn_namespace *, firn_arena *, firn_names *out,
                            firn_error *);
  firn_status (*table_create)(firn_catalog *, firn_ctx *, const firn_table_id *, const firn_table_create *,
                              firn_table *out, firn_error *);
  firn_status (*table_load)(firn_catalog *, firn_ctx *, const firn_table_id *, firn_table *out, firn_error *);
  firn_status (*table_exists)(firn_catalog *, firn_ctx *, const firn_table_id *, bool *out, firn_error *);
  firn_status (*table_register)(firn_catalog *, firn_ctx *, const firn_table_id *,
                                const char *metadata_location, firn_table *out, firn_error *);
  firn_status (*table_rename)(firn_catalog *, firn_ctx *, const firn_table_id *from, const firn_table_id *to,
                              firn_error *);
  firn_status (*table_drop)(firn_catalog *, firn_ctx *, const firn_table_id *, firn_error *);
  firn_status (*commit)(firn_catalog *, firn_ctx *, const firn_table_commit *, size_t n, firn_table *out,
                        firn_error *);
  void (*close)(firn_catalog *);
} firn_catalog_ops;

struct firn_catalog {
  const firn_catalog_ops *ops; /* first member of every backend's own struct */
  firn_stores *stores;         /* borrowed: where tables live */
};

/* Every call fails with the catalog's kind and the identifier in its text. `properties`, `parent` may be
 * NULL. */
FIRN_MUST_USE firn_status firn_catalog_namespace_create(firn_catalog *c, firn_ctx *ctx,
                                                        const firn_namespace *ns,
                                                        const firn_properties *properties, firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_namespace_load(firn_catalog *c, firn_ctx *ctx,
                                                      const firn_namespace *ns, firn_arena *arena,
                                                      firn_properties *out, firn_error *err);
/* The namespaces one level below `parent` (NULL: the first level). */
FIRN_MUST_USE firn_status firn_catalog_namespace_list(firn_catalog *c, firn_ctx *ctx,
                                                      const firn_namespace *parent, firn_arena *arena,
                                                      firn_namespaces *out, firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_namespace_update(firn_catalog *c, firn_ctx *ctx,
                                                        const firn_namespace *ns, const firn_properties *set,
                                                        const char *const *remove, size_t n_remove,
                                                        firn_error *err);
/* FIRN_CONFLICT when it is not empty. */
FIRN_MUST_USE firn_status firn_catalog_namespace_drop(firn_catalog *c, firn_ctx *ctx,
                                                      const firn_namespace *ns, firn_error *err);

FIRN_MUST_USE firn_status firn_catalog_table_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                  firn_arena *arena, firn_names *out, firn_error *err);
/* The namespace must exist. `out` may be NULL in create, register and commit. */
FIRN_MUST_USE firn_status firn_catalog_table_create(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                    const firn_table_create *how, firn_table *out,
                                                    firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                  firn_table *out, firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_table_exists(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                    bool *out, firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_table_register(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                      const char *metadata_location, firn_table *out,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_catalog_table_rename(firn_catalog *c, firn_ctx *ctx, const firn_table_id *from,
                                                    const firn_table_id *to, firn_error *err);
/* Forgets the table; its files stay (see firn_table_purge in iceberg/commit/purge.h). */
FIRN_MUST_USE firn_status firn_catalog_table_drop(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                                  firn_error *err);

/* Checks the requirements against the current metadata, applies the updates, writes a new metadata file,
 * swaps it in. Several tables at once need FIRN_CATALOG_MULTI_TABLE; `out` then is an array of `n`. */
FIRN_MUST_USE firn_status firn_catalog_commit(firn_catalog *c, firn_ctx *ctx,
                                              const firn_table_commit *commits, size_t n, firn_table *out,
                                              firn_error *err);

bool firn_catalog_can(const firn_catalog *c, unsigned wanted);
void firn_catalog_close(firn_catalog *c); /* NULL is fine */
void firn_catalog_close_pointer(firn_catalog **c);
#define FIRN_AUTO_CATALOG FIRN_AUTO(firn_catalog_close_pointer) firn_catalog

#endif

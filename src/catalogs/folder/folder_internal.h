/* The parts of the folder catalog. Paths are those of its store; a table's or namespace's has no slash at its
 * end. */
#ifndef FIRN_CATALOGS_FOLDER_FOLDER_INTERNAL_H
#define FIRN_CATALOGS_FOLDER_FOLDER_INTERNAL_H

#include "catalogs/pointer.h"

typedef struct firn_folder_catalog {
  firn_pointer_catalog base;
  firn_store *store; /* borrowed from the stores */
  const char *root;  /* the warehouse's path in it; "" for all of it */
  char texts[];      /* what `root` and the warehouse's location point to */
} firn_folder_catalog;

/* --- names.c --- */

/* The path of a namespace (`name` NULL) or a table. FIRN_INVALID for names that make no folder. */
FIRN_MUST_USE firn_status firn_folder_path(const firn_folder_catalog *c, const firn_namespace *ns,
                                           const char *name, firn_arena *arena, const char **out,
                                           firn_error *err);
/* The location that metadata gives it, in `arena`; NULL: no memory. */
const char *firn_folder_location(const firn_folder_catalog *c, const char *path, firn_arena *arena);

/* Whether there is a namespace: one that was made here, or one with a table anywhere below it. */
FIRN_MUST_USE firn_status firn_folder_namespace_is_there(const firn_folder_catalog *c, firn_ctx *ctx,
                                                         const char *path, bool *out, firn_error *err);
/* FIRN_EXISTS when the namespace or one that it lies in is a table. */
FIRN_MUST_USE firn_status firn_folder_check_levels(const firn_folder_catalog *c, firn_ctx *ctx,
                                                   const firn_namespace *ns, firn_error *err);
/* How many tables there are below a path. */
FIRN_MUST_USE firn_status firn_folder_count_tables(firn_store *store, firn_ctx *ctx, const char *path,
                                                   int64_t *out, bool *has_any, firn_error *err);

/* Of firn_catalog_ops. */
FIRN_MUST_USE firn_status firn_folder_namespace_create(firn_catalog *c, firn_ctx *ctx,
                                                       const firn_namespace *ns,
                                                       const firn_properties *properties, firn_error *err);
FIRN_MUST_USE firn_status firn_folder_namespace_load(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                     firn_arena *arena, firn_properties *out,
                                                     firn_error *err);
FIRN_MUST_USE firn_status firn_folder_namespace_list(firn_catalog *c, firn_ctx *ctx,
                                                     const firn_namespace *parent, firn_arena *arena,
                                                     firn_namespaces *out, firn_error *err);
FIRN_MUST_USE firn_status firn_folder_namespace_drop(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                     firn_error *err);
FIRN_MUST_USE firn_status firn_folder_table_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                 firn_arena *arena, firn_names *out, firn_error *err);

/* --- version.c --- */

/* The status of a call that changes nothing: the words for a commit's outcome are not its own. */
FIRN_MUST_USE firn_status firn_folder_certain(firn_status status, firn_error *err);

/* The number in "v12.metadata.json", "v12.gz.metadata.json" or "v12.metadata.json.gz"; 0: it is no such name.
 */
int32_t firn_folder_version_of(const char *name);

typedef struct firn_folder_version {
  int32_t number; /* 0: there is none */
  const char *path;
} firn_folder_version;

/* The newest version of the table at `path`. */
FIRN_MUST_USE firn_status firn_folder_newest(firn_store *store, firn_ctx *ctx, const char *path,
                                             firn_arena *arena, firn_folder_version *out, firn_error *err);
/* All of them, ascending; in `arena`. */
FIRN_MUST_USE firn_status firn_folder_versions(firn_store *store, firn_ctx *ctx, const char *path,
                                               firn_arena *arena, firn_folder_version **out, size_t *n,
                                               firn_error *err);
/* The path of the plain file of a version, in `arena`; NULL: no memory. */
const char *firn_folder_version_path(const char *path, int32_t number, firn_arena *arena);

/* Makes version `number` of a table, whose version before is at `before` (NULL: the first of it).
 * FIRN_EXISTS: somebody else made it; FIRN_CONFLICT: the table was dropped or went on without us;
 * FIRN_UNCERTAIN. */
FIRN_MUST_USE firn_status firn_folder_publish(firn_store *store, firn_ctx *ctx, const char *path,
                                              int32_t number, const char *before, firn_bytes data,
                                              firn_error *err);
/* Takes every version away, the newest last, and leaves a copy of that one under a name that is no version.
 */
FIRN_MUST_USE firn_status firn_folder_forget(firn_store *store, firn_ctx *ctx, const char *path,
                                             firn_error *err);

#endif

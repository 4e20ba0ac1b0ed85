/* Metadata files of catalogs that keep only a pointer (SQL, memory, later folder): names, reading, writing,
 * and deleting the ones that the metadata log no longer names (write.metadata.delete-after-commit.enabled).
 */
#ifndef FIRN_ICEBERG_COMMIT_METADATA_FILE_H
#define FIRN_ICEBERG_COMMIT_METADATA_FILE_H

#include "iceberg/commit/catalog.h"

/* Reads and parses the metadata file at `location`. */
FIRN_MUST_USE firn_status firn_metadata_file_read(firn_stores *stores, firn_ctx *ctx, const char *location,
                                                  firn_metadata **out, firn_error *err);

/* Writes `m` as <location>/metadata/NNNNN-<uuid>.metadata.json (.gz.metadata.json with
 * write.metadata.compression-codec=gzip), NNNNN one more than that of `previous_location` (NULL: 00000). The
 * new location is in `arena`. */
FIRN_MUST_USE firn_status firn_metadata_file_write(firn_stores *stores, firn_ctx *ctx, const firn_metadata *m,
                                                   const char *previous_location, firn_arena *arena,
                                                   const char **out, firn_error *err);

/* Whether a metadata file is, or may be, the current one of any table: of one that was registered from it. */
typedef bool (*firn_metadata_in_use)(void *self, firn_ctx *ctx, const char *location);

/* After a commit from `before` to `after`: deletes metadata files that fell off the log, when the table asks
 * for it. The log may be a stranger's, so what is not named like a metadata file stays. `in_use` may be NULL.
 * What cannot be deleted is left; this never fails. */
void firn_metadata_file_trim(firn_stores *stores, firn_ctx *ctx, const firn_metadata *before,
                             const firn_metadata *after, firn_metadata_in_use in_use, void *self);

/* The updates that make a new table of `how` at `location`, in `arena`: what catalogs that build tables
 * themselves apply to NULL. */
FIRN_MUST_USE firn_status firn_table_create_updates(const firn_table_create *how, const char *location,
                                                    const firn_env *env, firn_arena *arena,
                                                    const firn_update **updates, size_t *n, firn_error *err);

#endif

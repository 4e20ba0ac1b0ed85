/* The files of a table beside its data: metadata, manifests, manifest lists. Where they lie, what they are
 * called, how they are read and written.
 *
 * Their names hold random UUIDs, so a writer owns its names: writing one again after a lost answer puts the
 * same bytes under the same name, and a lost answer never leaves the outcome of a commit open. */
#ifndef FIRN_ICEBERG_COMMIT_TABLE_FILE_H
#define FIRN_ICEBERG_COMMIT_TABLE_FILE_H

#include "iceberg/meta/metadata.h"
#include "io/stores.h"

/* <location>/metadata/NAME, or below write.metadata.path; in `arena`. NULL: no memory. */
const char *firn_table_file_location(const firn_metadata *m, const char *name, firn_arena *arena);

/* The whole file; FIRN_LIMIT when it is larger than `max_bytes`. Never FIRN_CONFLICT or FIRN_UNCERTAIN. */
FIRN_MUST_USE firn_status firn_table_file_read(firn_stores *stores, firn_ctx *ctx, const char *location,
                                               size_t max_bytes, firn_arena *arena, firn_bytes *out,
                                               firn_error *err);

/* Writes a file under a name that is this writer's alone. Never FIRN_UNCERTAIN: a file that may or may not be
 * there is written again, and given up as FIRN_IO. */
FIRN_MUST_USE firn_status firn_table_file_write(firn_stores *stores, firn_ctx *ctx, const char *location,
                                                firn_bytes data, firn_error *err);

/* Removes a file that nothing refers to; whether it is gone. For tidying up, even after the
 * deadline of `ctx`: what cannot be removed is left to orphan removal. */
bool firn_table_file_discard(firn_stores *stores, firn_ctx *ctx, const char *location);

#endif

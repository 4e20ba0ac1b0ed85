/* Appending data files to a table: one snapshot, committed against whoever else commits. Follows the Iceberg
 * specification: Snapshots, Manifests, Optimistic Concurrency; Appendix F, Optional Snapshot Summary Fields.
 *
 * An append writes its manifests once and uses them in every attempt, since entries that it ADDED inherit
 * their sequence numbers. Each attempt loads the table anew, writes a manifest list and asks the catalog to
 * swap, with the head of the branch as the fence. It keeps one snapshot id through all attempts, by which it
 * recognises its own commit when an answer was lost. Data files are never removed here.
 *
 * An append runs on the caller's thread; any number may run against one catalog at a time. */
#ifndef FIRN_ICEBERG_COMMIT_APPEND_H
#define FIRN_ICEBERG_COMMIT_APPEND_H

#include "iceberg/commit/catalog.h"
#include "iceberg/meta/manifest.h"

/* Looks at the table as it is before an attempt, the first one too. Whatever but FIRN_OK ends the append with
 * that status; nothing of it is then in the table. */
typedef firn_status (*firn_append_validate)(void *arg, const firn_metadata *base, firn_ctx *ctx,
                                            firn_error *err);

enum { FIRN_APPEND_TABLE_RETRIES = 0, FIRN_APPEND_NO_RETRIES = -1 };

typedef struct firn_append {
  /* Content DATA, each with the id of a spec of the table and a tuple of that spec; no path twice. Whether
   * one is in the table already is the caller's affair. None at all makes a snapshot that adds nothing. */
  size_t n_files;
  const firn_data_file *files;
  firn_properties summary;    /* into the snapshot's summary; none of the keys that an append makes itself */
  firn_properties properties; /* of the table, set in the same commit */
  const char *branch;         /* NULL: "main". One that does not exist starts at the current snapshot */
  bool fast;     /* leave the table's manifests alone; else commit.manifest-merge.enabled decides */
  int n_retries; /* FIRN_APPEND_TABLE_RETRIES: commit.retry.num-retries of the table */
  firn_append_validate validate; /* NULL: nothing is looked at */
  void *validate_arg;
} firn_append;

typedef struct firn_append_result {
  firn_snapshot snapshot; /* as committed, in the caller's arena */
  int n_attempts;
  bool was_uncertain; /* an answer was lost, and the snapshot found in the table afterwards */
  size_t n_manifests; /* of the snapshot */
} firn_append_result;

/* FIRN_CONFLICT: every attempt lost its race, nothing happened. FIRN_UNCERTAIN: an answer was lost and the
 * table could not tell whether the snapshot is in it; the text holds the snapshot's id, by which the caller
 * must look before it appends the same files again. Every other failure: nothing happened. Manifests and
 * lists of what did not happen are removed, but for those that a wrong answer might still hide behind. Data
 * files are the caller's. `result` may be NULL. */
FIRN_MUST_USE firn_status firn_append_commit(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *table,
                                             const firn_append *append, firn_arena *arena,
                                             firn_append_result *result, firn_error *err);

#endif

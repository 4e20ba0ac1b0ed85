/* One append at work: shared by the append*.c files.
 *
 *   append.c           one attempt, and the whole
 *   append_race.c      attempts against others, lost answers, giving up
 *   append_check.c     what the caller gave
 *   append_manifest.c  manifests written, read and merged
 *   append_summary.c   the snapshot's summary */
#ifndef FIRN_ICEBERG_COMMIT_APPEND_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_APPEND_INTERNAL_H

#include "base/uuid.h"
#include "iceberg/commit/append.h"
#include "iceberg/commit/table_file.h"

/* Manifests in the order of a manifest list. */
typedef struct firn_manifest_array {
  size_t n, capacity;
  const firn_manifest_file **items;
} firn_manifest_array;

/* A merge that was done in an earlier attempt, used again when the same manifests meet again. */
typedef struct firn_merge_done {
  size_t n_from;
  const char *const *from; /* their paths */
  firn_manifest_array made;
} firn_merge_done;

typedef struct firn_appending {
  firn_catalog *catalog;
  firn_ctx *ctx;
  const firn_table_id *table;
  const firn_append *append;
  const char *branch;
  firn_arena *arena; /* lives as long as the append */

  char uuid[FIRN_UUID_TEXT]; /* in the names of all files of this append */
  int64_t snapshot_id;       /* the same in every attempt; 0: not chosen yet */
  bool has_manifests;
  firn_manifest_array added; /* the new files, one manifest or more for each spec */
  unsigned n_manifest_files; /* written so far: they are numbered */
  size_t n_merges, capacity_merges;
  firn_merge_done *merges;
  /* Everything written, to be tidied up when it did not enter the table. */
  size_t n_written, capacity_written;
  const char **written;
} firn_appending;

/* What an attempt would commit. */
typedef struct firn_append_attempt {
  const firn_metadata *base;
  bool has_parent;
  firn_snapshot parent; /* borrowed from `base` */
  firn_manifest_array manifests;
  size_t n_replaced;  /* manifests of the table that were merged */
  bool is_in_already; /* the table's manifests hold ours: an earlier attempt did happen */
  firn_snapshot snapshot;
  const char *list; /* location of the manifest list */
} firn_append_attempt;

/* Everything that attempt `number` (from 1) would commit on `attempt->base`: looks, writes manifests and
 * list. */
FIRN_MUST_USE firn_status firn_append_prepare(firn_appending *a, int number, firn_append_attempt *attempt,
                                              firn_arena *scratch, firn_error *err);
/* Asks the catalog: its answer is the result. */
FIRN_MUST_USE firn_status firn_append_swap(firn_appending *a, const firn_append_attempt *attempt,
                                           firn_error *err);
/* Removes what was written for other attempts than the one that is in the table. */
void firn_append_tidy_up(firn_appending *a, const firn_append_attempt *winner);
/* Attempts until one is in the table or none may follow. */
FIRN_MUST_USE firn_status firn_append_race(firn_appending *a, firn_arena *arena, firn_append_result *result,
                                           firn_error *err);

/* Paths unique, contents data, specs known, no summary key that an append makes itself. */
FIRN_MUST_USE firn_status firn_append_check(const firn_append *append, const firn_metadata *base,
                                            firn_error *err);

FIRN_MUST_USE firn_status firn_manifest_array_add(firn_manifest_array *a, const firn_manifest_file *m,
                                                  firn_arena *arena, firn_error *err);
/* Remembers a file for tidying up. */
FIRN_MUST_USE firn_status firn_appending_wrote(firn_appending *a, const char *location, firn_error *err);

/* Writes the manifests of the new files: once for all attempts. */
FIRN_MUST_USE firn_status firn_append_write_manifests(firn_appending *a, const firn_metadata *base,
                                                      firn_error *err);
/* Fills the attempt's manifests: ours and those of its parent, merged where the table asks for it. */
FIRN_MUST_USE firn_status firn_append_gather(firn_appending *a, firn_append_attempt *attempt,
                                             firn_arena *scratch, firn_error *err);
/* Data manifests of one list, newest first, merged as the table's properties say. */
FIRN_MUST_USE firn_status firn_append_merge(firn_appending *a, firn_append_attempt *attempt,
                                            firn_manifest_array *data, firn_arena *scratch, firn_error *err);
/* The summary of the attempt's snapshot, in `scratch`. */
FIRN_MUST_USE firn_status firn_append_summary(const firn_appending *a, const firn_append_attempt *attempt,
                                              firn_arena *scratch, firn_properties *out, firn_error *err);
/* Whether an append makes this key of a summary itself. */
bool firn_append_makes_key(const char *key);

#endif

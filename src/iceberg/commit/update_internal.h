/* A table's metadata while updates are applied to it: shared by the update_*.c files of this room.
 *
 * `f` starts as a shallow copy of the base's fields. Its arrays are the base's until something is added or
 * taken away; then they are the draft's own, in its arena. firn_metadata_new copies everything at the end. */
#ifndef FIRN_ICEBERG_COMMIT_UPDATE_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_UPDATE_INTERNAL_H

#include "iceberg/commit/update.h"

typedef struct firn_draft {
  const firn_metadata *base; /* NULL: a new table */
  firn_arena *arena;
  firn_metadata_fields f;
  struct {
    size_t schemas, specs, sort_orders, snapshots, snapshot_log, refs, statistics, partition_statistics;
  } capacity; /* of the arrays in `f`; 0: still the base's */
  int64_t now_ms;
  bool changed;
  /* What -1 means in this list of updates. */
  bool has_last_schema, has_last_spec, has_last_order;
  int32_t last_schema, last_spec, last_order;
  /* Snapshots added by this list of updates. */
  size_t n_added, capacity_added;
  int64_t *added;
  bool removed_snapshots;
  bool checks_defaults; /* the current schema, spec or order changed: look whether they fit */
  size_t first_new_log; /* entries of the snapshot log from here on come from this list */
} firn_draft;

/* The array `items` of `n` with room for one more, in the draft's arena; NULL: no memory. `*capacity` is 0 as
 * long as the array is the base's: then it is copied. */
void *firn_draft_room(firn_draft *d, const void *items, size_t n, size_t *capacity, size_t item_size);
/* The same without room: a copy to take things out of, whose capacity is `n`. */
void *firn_draft_own(firn_draft *d, const void *items, size_t n, size_t *capacity, size_t item_size);

FIRN_MUST_USE firn_status firn_draft_add_schema(firn_draft *d, const firn_schema *schema, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_set_schema(firn_draft *d, int32_t id, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_remove_schemas(firn_draft *d, const int64_t *ids, size_t n,
                                                    firn_error *err);
FIRN_MUST_USE firn_status firn_draft_add_spec(firn_draft *d, const firn_partition_spec *spec,
                                              firn_error *err);
FIRN_MUST_USE firn_status firn_draft_set_spec(firn_draft *d, int32_t id, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_remove_specs(firn_draft *d, const int64_t *ids, size_t n,
                                                  firn_error *err);
FIRN_MUST_USE firn_status firn_draft_add_order(firn_draft *d, const firn_sort_order *order, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_set_order(firn_draft *d, int32_t id, firn_error *err);
/* What a new table gets when the updates did not say, and whether the defaults fit the current schema. */
FIRN_MUST_USE firn_status firn_draft_finish_schemas(firn_draft *d, firn_error *err);

FIRN_MUST_USE firn_status firn_draft_add_snapshot(firn_draft *d, const firn_snapshot *snapshot,
                                                  firn_error *err);
FIRN_MUST_USE firn_status firn_draft_set_ref(firn_draft *d, const firn_ref *ref, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_remove_ref(firn_draft *d, const char *name, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_remove_snapshots(firn_draft *d, const int64_t *ids, size_t n,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_draft_set_statistics(firn_draft *d, const firn_statistics_file *file,
                                                    bool partition, firn_error *err);
FIRN_MUST_USE firn_status firn_draft_remove_statistics(firn_draft *d, const int64_t *ids, size_t n,
                                                       bool partition, firn_error *err);
/* Corrects the snapshot log after everything else. */
FIRN_MUST_USE firn_status firn_draft_finish_log(firn_draft *d, firn_error *err);

/* Every id that the updates carry in arrays is looked up in a sorted copy. */
typedef struct firn_id_set {
  size_t n;
  int64_t *ids;
} firn_id_set;
FIRN_MUST_USE firn_status firn_id_set_make(const int64_t *ids, size_t n, firn_arena *arena, firn_id_set *out,
                                           firn_error *err);
bool firn_id_set_has(const firn_id_set *set, int64_t id);

#endif

/* Whether the parts of a table's metadata fit each other. Spec: Table Metadata Fields. */
#include <inttypes.h>
#include <stdlib.h>

#include "iceberg/meta/metadata_internal.h"

enum { LARGEST_FIELD_ID = INT32_MAX - 200 }; /* Spec: Reserved Field IDs */

static int compare_ids(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Ids must be unique, and `chosen` must be one of them. The array is the caller's to lose. */
static firn_status check_ids(int32_t *ids, size_t n, int32_t chosen, const char *what, firn_status wrong,
                             firn_error *err) {
  bool found = false;
  qsort(ids, n, sizeof *ids, compare_ids);
  for (size_t i = 0; i < n; i++) {
    if (i > 0 && ids[i] == ids[i - 1]) {
      return firn_error_set(err, wrong, "%s %d is there twice", what, ids[i]);
    }
    found = found || ids[i] == chosen;
  }
  return found ? FIRN_OK : firn_error_set(err, wrong, "there is no %s %d, the current one", what, chosen);
}

static firn_status check_schemas(const firn_metadata_fields *f, int32_t *ids, firn_status wrong,
                                 firn_error *err) {
  for (size_t i = 0; i < f->n_schemas; i++) {
    ids[i] = f->schemas[i].schema_id;
    int32_t last = firn_schema_last_id(&f->schemas[i]);
    if (last > f->last_column_id) {
      return firn_error_set(err, wrong, "schema %d has field %d, beyond last-column-id %d", ids[i], last,
                            f->last_column_id);
    }
    if (last > LARGEST_FIELD_ID) {
      return firn_error_set(err, wrong, "schema %d has field %d, an id that is reserved", ids[i], last);
    }
  }
  return check_ids(ids, f->n_schemas, f->current_schema_id, "schema", wrong, err);
}

static firn_status check_specs(const firn_metadata_fields *f, int32_t *ids, firn_status wrong,
                               firn_error *err) {
  for (size_t i = 0; i < f->n_specs; i++) {
    ids[i] = f->specs[i].spec_id;
    int32_t last = firn_partition_spec_last_id(&f->specs[i]);
    if (last > f->last_partition_id && f->specs[i].n_fields > 0) {
      return firn_error_set(err, wrong, "partition spec %d has field %d, beyond last-partition-id %d", ids[i],
                            last, f->last_partition_id);
    }
  }
  FIRN_TRY(check_ids(ids, f->n_specs, f->default_spec_id, "partition spec", wrong, err));
  for (size_t i = 0; i < f->n_sort_orders; i++) {
    ids[i] = f->sort_orders[i].order_id;
  }
  return check_ids(ids, f->n_sort_orders, f->default_sort_order_id, "sort order", wrong, err);
}

static firn_status check_snapshots(const firn_metadata *m, firn_status wrong, firn_error *err) {
  const firn_metadata_fields *f = &m->f;
  for (size_t i = 0; i < f->n_snapshots; i++) {
    const firn_snapshot *s = &f->snapshots[i];
    if (s->sequence_number < 0 || s->sequence_number > f->last_sequence_number) {
      return firn_error_set(err, wrong,
                            "snapshot %" PRId64 " has sequence number %" PRId64
                            ", and the table's last is %" PRId64,
                            s->snapshot_id, s->sequence_number, f->last_sequence_number);
    }
  }
  if (f->has_current_snapshot && firn_metadata_current_snapshot(m) == NULL) {
    return firn_error_set(err, wrong, "there is no snapshot %" PRId64 ", the current one",
                          f->current_snapshot_id);
  }
  return FIRN_OK;
}

static int compare_refs(const void *a, const void *b) {
  return strcmp((*(const firn_ref *const *)a)->name, (*(const firn_ref *const *)b)->name);
}

static firn_status check_refs(const firn_metadata *m, firn_arena *scratch, firn_status wrong,
                              firn_error *err) {
  const firn_metadata_fields *f = &m->f;
  const firn_ref **sorted = firn_new_n(scratch, const firn_ref *, f->n_refs);
  if (sorted == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
  }
  for (size_t i = 0; i < f->n_refs; i++) {
    const firn_ref *ref = sorted[i] = &f->refs[i];
    if (firn_metadata_snapshot(m, ref->snapshot_id) == NULL) {
      return firn_error_set(err, wrong, "%s %s names snapshot %" PRId64 ", which is not there",
                            ref->is_branch ? "branch" : "tag", ref->name, ref->snapshot_id);
    }
  }
  qsort(sorted, f->n_refs, sizeof(firn_ref *), compare_refs);
  for (size_t i = 1; i < f->n_refs; i++) {
    if (compare_refs(&sorted[i - 1], &sorted[i]) == 0) {
      return firn_error_set(err, wrong, "ref %s is there twice", sorted[i]->name);
    }
  }
  const firn_ref *head = firn_metadata_ref_named(m, "main");
  if ((head != NULL) != f->has_current_snapshot) {
    return firn_error_set(err, wrong, "branch main and a current snapshot come together, and one is missing");
  }
  if (head != NULL && (head->snapshot_id != f->current_snapshot_id || !head->is_branch)) {
    return firn_error_set(err, wrong, "main is not a branch at the current snapshot %" PRId64,
                          f->current_snapshot_id);
  }
  return FIRN_OK;
}

firn_status firn_metadata_check(const firn_metadata *m, firn_status wrong, firn_error *err) {
  const firn_metadata_fields *f = &m->f;
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  if (f->format_version != 1 && f->format_version != 2) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "table format version %d is not supported (1 and 2 are)",
                          f->format_version);
  }
  if (f->location == NULL || f->location[0] == '\0') {
    return firn_error_set(err, wrong, "the table has no location");
  }
  if (f->table_uuid == NULL && f->format_version > 1) {
    return firn_error_set(err, wrong, "a table of version %d needs a \"table-uuid\"", f->format_version);
  }
  size_t most = f->n_schemas > f->n_specs ? f->n_schemas : f->n_specs;
  int32_t *ids = firn_new_n(&scratch, int32_t, most > f->n_sort_orders ? most : f->n_sort_orders);
  if (ids == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
  }
  FIRN_TRY(check_schemas(f, ids, wrong, err));
  FIRN_TRY(check_specs(f, ids, wrong, err));
  FIRN_TRY(check_snapshots(m, wrong, err));
  return check_refs(m, &scratch, wrong, err);
}

/* Merging manifests within an append, as commit.manifest-merge.enabled, commit.manifest.min-count-to-merge
 * and commit.manifest.target-size-bytes say: runs of neighbours of one spec that fit into one manifest become
 * one, packed from the oldest so that the newest stays the one that is filled up next time. */
#include <string.h>

#include "iceberg/commit/append_manifest_internal.h"
#include "iceberg/commit/property.h"

enum { DEFAULT_MIN_COUNT = 100 };

typedef struct merging {
  firn_appending *a;
  firn_append_attempt *attempt;
  firn_manifest_row row;
} merging;

static firn_status merge_entry(void *arg, const firn_manifest_entry *entry, firn_error *err) {
  merging *m = arg;
  firn_manifest_entry moved = *entry;
  if (entry->status == FIRN_ENTRY_DELETED) {
    return FIRN_OK; /* deleted by an earlier snapshot: its own manifests tell that */
  }
  if (entry->snapshot_id != m->a->snapshot_id) {
    moved.status = FIRN_ENTRY_EXISTING; /* keeps the sequence numbers that it had or inherited */
  }
  return firn_manifest_row_add(&m->row, &moved, err);
}

static void close_merging(merging *m) {
  firn_manifest_row_close(&m->row);
}

static firn_status write_merged(firn_appending *a, firn_append_attempt *attempt,
                                const firn_partition_spec *spec, const firn_schema *schema,
                                const firn_manifest_file *const *from, size_t n, firn_manifest_array *made,
                                firn_error *err) {
  merging m FIRN_AUTO(close_merging) = {.a = a, .attempt = attempt};
  m.row = (firn_manifest_row){.a = a,
                              .base = attempt->base,
                              .spec = spec,
                              .schema = schema,
                              /* What fits together compressed may not while it is written: leave it room. */
                              .target_bytes = firn_manifest_target(attempt->base) * 4,
                              .into = made};
  for (size_t i = 0; i < n; i++) {
    firn_status status = firn_manifest_read_all(a, attempt->base, from[i], merge_entry, &m, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "merging manifest %s", from[i]->path);
    }
  }
  return firn_manifest_row_finish(&m.row, err);
}

/* --- merges of earlier attempts --- */

static const firn_merge_done *find_merge(const firn_appending *a, const firn_manifest_file *const *from,
                                         size_t n) {
  for (size_t i = 0; i < a->n_merges; i++) {
    const firn_merge_done *done = &a->merges[i];
    size_t same = 0;
    while (done->n_from == n && same < n && strcmp(done->from[same], from[same]->path) == 0) {
      same++;
    }
    if (done->n_from == n && same == n) {
      return done;
    }
  }
  return NULL;
}

static firn_status remember_merge(firn_appending *a, const firn_manifest_file *const *from, size_t n,
                                  firn_manifest_array made, firn_error *err) {
  firn_merge_done *merges =
      firn_arena_grow(a->arena, a->merges, a->n_merges, &a->capacity_merges, sizeof *a->merges);
  const char **paths = firn_new_n(a->arena, const char *, n);
  bool complete = merges != NULL && paths != NULL;
  for (size_t i = 0; complete && i < n; i++) {
    paths[i] = firn_arena_text(a->arena, firn_bytes_of(from[i]->path)); /* `from` ends with the attempt */
    complete = paths[i] != NULL;
  }
  if (!complete) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to remember a merge of %zu manifests", n);
  }
  a->merges = merges;
  merges[a->n_merges++] = (firn_merge_done){.n_from = n, .from = paths, .made = made};
  return FIRN_OK;
}

static firn_status merge_run(firn_appending *a, firn_append_attempt *attempt, const firn_partition_spec *spec,
                             const firn_schema *schema, const firn_manifest_file *const *from, size_t n,
                             firn_manifest_array *made, firn_error *err) {
  const firn_merge_done *done = find_merge(a, from, n);
  if (done != NULL) {
    *made = done->made;
    return FIRN_OK;
  }
  FIRN_TRY(write_merged(a, attempt, spec, schema, from, n, made, err));
  return remember_merge(a, from, n, *made, err);
}

/* --- which are merged --- */

static firn_status keep_run(const firn_manifest_file *const *run, size_t n, firn_manifest_array *out,
                            firn_arena *scratch, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_manifest_array_add(out, run[i], scratch, err));
  }
  return FIRN_OK;
}

/* One run of neighbours that fit together. The run with the newest manifest waits until there are enough. */
static firn_status settle_run(firn_appending *a, firn_append_attempt *attempt,
                              const firn_manifest_file *const *run, size_t n, bool has_newest,
                              firn_manifest_array *out, firn_arena *scratch, firn_error *err) {
  int64_t min_count = firn_property_int64(&firn_metadata_get(attempt->base)->properties,
                                          FIRN_PROPERTY_MERGE_MIN_COUNT, DEFAULT_MIN_COUNT);
  const firn_partition_spec *spec = firn_metadata_spec(attempt->base, run[0]->spec_id);
  const firn_schema *schema = spec == NULL ? NULL : firn_metadata_schema_of_spec(attempt->base, spec);
  /* A spec or column that the table has forgotten: what it wrote is left as it is. */
  if (n == 1 || schema == NULL || (has_newest && (int64_t)n < min_count)) {
    return keep_run(run, n, out, scratch, err);
  }
  firn_manifest_array made = {0};
  FIRN_TRY(merge_run(a, attempt, spec, schema, run, n, &made, err));
  for (size_t i = 0; i < n; i++) {
    attempt->n_replaced += run[i]->added_snapshot_id != a->snapshot_id;
  }
  return keep_run(made.items, made.n, out, scratch, err);
}

typedef struct run_end {
  size_t from, to;
} run_end;

static firn_status merge_spec(firn_appending *a, firn_append_attempt *attempt,
                              const firn_manifest_array *group, const firn_manifest_file *newest,
                              firn_manifest_array *out, firn_arena *scratch, firn_error *err) {
  size_t target = firn_manifest_target(attempt->base);
  run_end *runs = firn_new_n(scratch, run_end, group->n);
  if (runs == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", group->n);
  }
  size_t n_runs = 0, end = group->n;
  uint64_t weight = 0;
  for (size_t i = group->n; i > 0; i--) {
    uint64_t size = group->items[i - 1]->size_bytes < 0 ? 0 : (uint64_t)group->items[i - 1]->size_bytes;
    if (i < end && (size > target || weight > target - size)) {
      runs[n_runs++] = (run_end){.from = i, .to = end};
      end = i;
      weight = 0;
    }
    weight += size;
  }
  runs[n_runs++] = (run_end){.from = 0, .to = end};
  for (size_t i = n_runs; i > 0; i--) {
    const firn_manifest_file *const *run = group->items + runs[i - 1].from;
    size_t n = runs[i - 1].to - runs[i - 1].from;
    FIRN_TRY(settle_run(a, attempt, run, n, run[0] == newest, out, scratch, err));
  }
  return FIRN_OK;
}

/* The largest spec id below `below` that occurs. */
static bool next_spec(const firn_manifest_array *data, int64_t below, int32_t *out) {
  bool found = false;
  for (size_t i = 0; i < data->n; i++) {
    int32_t id = data->items[i]->spec_id;
    if (id < below && (!found || id > *out)) {
      *out = id;
      found = true;
    }
  }
  return found;
}

static bool is_live(const firn_appending *a, const firn_manifest_file *m) {
  return m->n_added_files > 0 || m->n_existing_files > 0 || m->added_snapshot_id == a->snapshot_id;
}

firn_status firn_append_merge(firn_appending *a, firn_append_attempt *attempt, firn_manifest_array *data,
                              firn_arena *scratch, firn_error *err) {
  if (attempt->is_in_already || data->n == 0) {
    return FIRN_OK;
  }
  const firn_manifest_file *newest = data->items[0];
  firn_manifest_array out = {0};
  int32_t spec_id = 0;
  for (int64_t below = INT64_MAX; next_spec(data, below, &spec_id); below = spec_id) {
    firn_manifest_array group = {0};
    for (size_t i = 0; i < data->n; i++) {
      if (data->items[i]->spec_id == spec_id && is_live(a, data->items[i])) {
        FIRN_TRY(firn_manifest_array_add(&group, data->items[i], scratch, err));
      }
    }
    if (group.n > 0) {
      FIRN_TRY(merge_spec(a, attempt, &group, newest, &out, scratch, err));
    }
  }
  *data = out;
  return FIRN_OK;
}

/* Updates of snapshots, refs and statistics. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/update_internal.h"

#define MAIN_BRANCH "main"

enum { CLOCK_SKEW_MS = 60 * 1000 }; /* what the reference forgives between the clocks of two machines */

static const firn_snapshot *find_snapshot(const firn_draft *d, int64_t id) {
  for (size_t i = d->f.n_snapshots; i > 0; i--) { /* from the end: it is most often the newest */
    if (d->f.snapshots[i - 1].snapshot_id == id) {
      return &d->f.snapshots[i - 1];
    }
  }
  return NULL;
}

static bool was_added(const firn_draft *d, int64_t id) {
  for (size_t i = d->n_added; i > 0; i--) {
    if (d->added[i - 1] == id) {
      return true;
    }
  }
  return false;
}

/* --- adding a snapshot --- */

/* `later` by more than the skew; times of others may be any numbers. */
static bool is_ahead(int64_t later, int64_t earlier) {
  int64_t by;
  return later > earlier && (__builtin_sub_overflow(later, earlier, &by) || by > CLOCK_SKEW_MS);
}

static firn_status check_order_of_time(const firn_draft *d, const firn_snapshot *s, firn_error *err) {
  if (is_ahead(s->timestamp_ms, d->now_ms)) {
    return firn_error_set(err, FIRN_INVALID,
                          "Invalid snapshot timestamp %" PRId64 ": more than a minute ahead of %" PRId64,
                          s->timestamp_ms, d->now_ms);
  }
  if (d->f.n_snapshot_log == 0) {
    return FIRN_OK;
  }
  int64_t last = d->f.snapshot_log[d->f.n_snapshot_log - 1].timestamp_ms;
  if (is_ahead(last, s->timestamp_ms)) {
    return firn_error_set(err, FIRN_INVALID,
                          "Invalid snapshot timestamp %" PRId64 ": before last snapshot timestamp %" PRId64,
                          s->timestamp_ms, last);
  }
  return FIRN_OK;
}

static firn_status check_sequence(const firn_draft *d, const firn_snapshot *s, firn_error *err) {
  if (d->f.format_version == 1) {
    if (s->sequence_number != 0) {
      return firn_error_set(err, FIRN_INVALID,
                            "Cannot add snapshot with sequence number %" PRId64 ": it is 0 in version 1",
                            s->sequence_number);
    }
    return FIRN_OK;
  }
  /* A snapshot without a parent starts a history of its own: whoever replaces a table may do so from an older
   * base. Everybody else loses the race and tries again. */
  if (s->has_parent && s->sequence_number <= d->f.last_sequence_number) {
    return firn_error_set(err, FIRN_CONFLICT,
                          "Cannot add snapshot with sequence number %" PRId64
                          " older than last sequence number %" PRId64,
                          s->sequence_number, d->f.last_sequence_number);
  }
  if (s->sequence_number < 1) {
    return firn_error_set(err, FIRN_INVALID, "Cannot add snapshot with sequence number %" PRId64,
                          s->sequence_number);
  }
  return FIRN_OK;
}

static firn_status check_snapshot(const firn_draft *d, const firn_snapshot *s, firn_error *err) {
  const char *missing = d->f.n_schemas == 0       ? "a schema"
                        : d->f.n_specs == 0       ? "a partition spec"
                        : d->f.n_sort_orders == 0 ? "a sort order"
                                                  : NULL;
  if (missing != NULL) {
    return firn_error_set(err, FIRN_INVALID, "Attempting to add a snapshot before %s is added", missing);
  }
  if (find_snapshot(d, s->snapshot_id) != NULL) {
    return firn_error_set(err, FIRN_INVALID, "Snapshot already exists for id: %" PRId64, s->snapshot_id);
  }
  bool knows_schema = !s->has_schema_id;
  for (size_t i = 0; i < d->f.n_schemas && !knows_schema; i++) {
    knows_schema = d->f.schemas[i].schema_id == s->schema_id;
  }
  if (!knows_schema) {
    return firn_error_set(err, FIRN_INVALID, "snapshot %" PRId64 " has the unknown schema %" PRId32,
                          s->snapshot_id, s->schema_id);
  }
  if (s->manifest_list == NULL && d->f.format_version > 1) {
    return firn_error_set(err, FIRN_INVALID, "snapshot %" PRId64 " has no manifest list", s->snapshot_id);
  }
  FIRN_TRY(check_sequence(d, s, err));
  return check_order_of_time(d, s, err);
}

firn_status firn_draft_add_snapshot(firn_draft *d, const firn_snapshot *snapshot, firn_error *err) {
  FIRN_TRY(check_snapshot(d, snapshot, err));
  firn_snapshot *own =
      firn_draft_room(d, d->f.snapshots, d->f.n_snapshots, &d->capacity.snapshots, sizeof *own);
  int64_t *added = firn_draft_room(d, d->added, d->n_added, &d->capacity_added, sizeof *added);
  if (own == NULL || added == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu snapshots", d->f.n_snapshots + 1);
  }
  own[d->f.n_snapshots] = *snapshot;
  d->f.snapshots = own;
  d->f.n_snapshots++;
  added[d->n_added] = snapshot->snapshot_id;
  d->added = added;
  d->n_added++;
  if (snapshot->sequence_number > d->f.last_sequence_number) {
    d->f.last_sequence_number = snapshot->sequence_number;
  }
  if (snapshot->timestamp_ms > d->now_ms) {
    d->now_ms = snapshot->timestamp_ms; /* a clock a little ahead of ours: the log stays in order */
  }
  d->changed = true;
  return FIRN_OK;
}

/* --- refs --- */

static size_t find_ref(const firn_draft *d, const char *name) {
  size_t i = 0;
  while (i < d->f.n_refs && strcmp(d->f.refs[i].name, name) != 0) {
    i++;
  }
  return i;
}

static bool same_ref(const firn_ref *a, const firn_ref *b) {
  return a->snapshot_id == b->snapshot_id && a->is_branch == b->is_branch &&
         a->min_snapshots_to_keep == b->min_snapshots_to_keep &&
         a->max_snapshot_age_ms == b->max_snapshot_age_ms && a->max_ref_age_ms == b->max_ref_age_ms;
}

/* Spec: Snapshot Retention Policy. */
static firn_status check_ref(const firn_ref *ref, firn_error *err) {
  if (ref->name == NULL || ref->name[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "a ref needs a name");
  }
  if (strcmp(ref->name, MAIN_BRANCH) == 0 && !ref->is_branch) {
    return firn_error_set(err, FIRN_INVALID, "Cannot set %s to a tag, it must be a branch", ref->name);
  }
  if (ref->min_snapshots_to_keep < 0 || ref->max_snapshot_age_ms < 0 || ref->max_ref_age_ms < 0) {
    return firn_error_set(err, FIRN_INVALID, "ref %s: retention must be greater than 0", ref->name);
  }
  if (!ref->is_branch && (ref->min_snapshots_to_keep > 0 || ref->max_snapshot_age_ms > 0)) {
    return firn_error_set(err, FIRN_INVALID,
                          "tag %s: only branches keep a number of snapshots or snapshots of an age",
                          ref->name);
  }
  return FIRN_OK;
}

/* `main` moved: the table's current snapshot with it, and the log says when. A snapshot made in this list of
 * updates became current when it was made, an older one (a rollback) now. */
static firn_status move_main(firn_draft *d, const firn_snapshot *to, firn_error *err) {
  if (d->f.has_current_snapshot && d->f.current_snapshot_id == to->snapshot_id) {
    return FIRN_OK;
  }
  d->f.has_current_snapshot = true;
  d->f.current_snapshot_id = to->snapshot_id;
  firn_snapshot_log_entry *own =
      firn_draft_room(d, d->f.snapshot_log, d->f.n_snapshot_log, &d->capacity.snapshot_log, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the snapshot log");
  }
  own[d->f.n_snapshot_log] =
      (firn_snapshot_log_entry){.timestamp_ms = was_added(d, to->snapshot_id) ? to->timestamp_ms : d->now_ms,
                                .snapshot_id = to->snapshot_id};
  d->f.snapshot_log = own;
  d->f.n_snapshot_log++;
  return FIRN_OK;
}

firn_status firn_draft_set_ref(firn_draft *d, const firn_ref *ref, firn_error *err) {
  FIRN_TRY(check_ref(ref, err));
  size_t at = find_ref(d, ref->name);
  if (at < d->f.n_refs && same_ref(&d->f.refs[at], ref)) {
    return FIRN_OK;
  }
  const firn_snapshot *to = find_snapshot(d, ref->snapshot_id);
  if (to == NULL) {
    return firn_error_set(err, FIRN_INVALID, "Cannot set %s to unknown snapshot: %" PRId64, ref->name,
                          ref->snapshot_id);
  }
  firn_ref *own = firn_draft_room(d, d->f.refs, d->f.n_refs, &d->capacity.refs, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu refs", d->f.n_refs + 1);
  }
  own[at] = *ref;
  d->f.refs = own;
  d->f.n_refs += at == d->f.n_refs;
  d->changed = true;
  return strcmp(ref->name, MAIN_BRANCH) == 0 ? move_main(d, to, err) : FIRN_OK;
}

firn_status firn_draft_remove_ref(firn_draft *d, const char *name, firn_error *err) {
  if (strcmp(name, MAIN_BRANCH) == 0) {
    d->f.has_current_snapshot = false;
    d->f.current_snapshot_id = 0;
  }
  size_t at = find_ref(d, name);
  if (at == d->f.n_refs) {
    return FIRN_OK;
  }
  firn_ref *own = firn_draft_own(d, d->f.refs, d->f.n_refs, &d->capacity.refs, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu refs", d->f.n_refs);
  }
  memmove(&own[at], &own[at + 1], (d->f.n_refs - at - 1) * sizeof *own);
  d->f.refs = own;
  d->f.n_refs--;
  d->changed = true;
  return FIRN_OK;
}

/* --- statistics --- */

typedef struct statistics_list {
  const firn_statistics_file **items;
  size_t *n, *capacity;
} statistics_list;

static statistics_list list_of(firn_draft *d, bool partition) {
  if (partition) {
    return (statistics_list){&d->f.partition_statistics, &d->f.n_partition_statistics,
                             &d->capacity.partition_statistics};
  }
  return (statistics_list){&d->f.statistics, &d->f.n_statistics, &d->capacity.statistics};
}

firn_status firn_draft_set_statistics(firn_draft *d, const firn_statistics_file *file, bool partition,
                                      firn_error *err) {
  statistics_list list = list_of(d, partition);
  firn_statistics_file *own = firn_draft_room(d, *list.items, *list.n, list.capacity, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu statistics files", *list.n + 1);
  }
  size_t at = 0;
  while (at < *list.n && own[at].snapshot_id != file->snapshot_id) {
    at++;
  }
  own[at] = *file; /* one file for a snapshot: the new one takes the old one's place */
  *list.n += at == *list.n;
  *list.items = own;
  d->changed = true;
  return FIRN_OK;
}

static firn_status drop_statistics(firn_draft *d, const firn_id_set *of, bool partition, firn_error *err) {
  statistics_list list = list_of(d, partition);
  if (*list.n == 0) {
    return FIRN_OK;
  }
  firn_statistics_file *own = firn_draft_own(d, *list.items, *list.n, list.capacity, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu statistics files", *list.n);
  }
  size_t kept = 0;
  for (size_t i = 0; i < *list.n; i++) {
    if (!firn_id_set_has(of, own[i].snapshot_id)) {
      own[kept++] = own[i];
    }
  }
  d->changed = d->changed || kept != *list.n;
  *list.items = own;
  *list.n = kept;
  return FIRN_OK;
}

firn_status firn_draft_remove_statistics(firn_draft *d, const int64_t *ids, size_t n, bool partition,
                                         firn_error *err) {
  firn_id_set removed;
  FIRN_TRY(firn_id_set_make(ids, n, d->arena, &removed, err));
  return drop_statistics(d, &removed, partition, err);
}

/* --- removing snapshots --- */

/* A ref whose snapshot is gone goes too. */
static firn_status drop_dangling_refs(firn_draft *d, const firn_id_set *removed, firn_error *err) {
  for (size_t i = d->f.n_refs; i > 0; i--) {
    if (firn_id_set_has(removed, d->f.refs[i - 1].snapshot_id)) {
      FIRN_TRY(firn_draft_remove_ref(d, d->f.refs[i - 1].name, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_draft_remove_snapshots(firn_draft *d, const int64_t *ids, size_t n, firn_error *err) {
  firn_id_set removed;
  FIRN_TRY(firn_id_set_make(ids, n, d->arena, &removed, err));
  firn_snapshot *own =
      firn_draft_own(d, d->f.snapshots, d->f.n_snapshots, &d->capacity.snapshots, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu snapshots", d->f.n_snapshots);
  }
  size_t kept = 0;
  for (size_t i = 0; i < d->f.n_snapshots; i++) {
    if (!firn_id_set_has(&removed, own[i].snapshot_id)) {
      own[kept++] = own[i];
    }
  }
  bool any = kept != d->f.n_snapshots;
  d->f.snapshots = own;
  d->f.n_snapshots = kept;
  if (!any) {
    return FIRN_OK;
  }
  d->changed = true;
  d->removed_snapshots = true;
  FIRN_TRY(drop_dangling_refs(d, &removed, err));
  FIRN_TRY(drop_statistics(d, &removed, false, err));
  return drop_statistics(d, &removed, true, err);
}

/* --- the snapshot log, when all is done --- */

static firn_status ids_of_snapshots(const firn_draft *d, firn_id_set *out, firn_error *err) {
  int64_t *ids = firn_new_n(d->arena, int64_t, d->f.n_snapshots);
  if (ids == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu ids", d->f.n_snapshots);
  }
  for (size_t i = 0; i < d->f.n_snapshots; i++) {
    ids[i] = d->f.snapshots[i].snapshot_id;
  }
  return firn_id_set_make(ids, d->f.n_snapshots, d->arena, out, err);
}

/* Whether an entry stands for a moment that nobody saw: a snapshot that this very list of updates added, made
 * current and replaced again. */
static bool is_intermediate(const firn_draft *d, size_t i) {
  int64_t id = d->f.snapshot_log[i].snapshot_id;
  bool is_current = d->f.has_current_snapshot && id == d->f.current_snapshot_id;
  return i >= d->first_new_log && !is_current && was_added(d, id);
}

/* An entry whose snapshot is gone takes all before it along: what stayed would claim, by its neighbour's
 * time, to have been current while the lost one was. */
firn_status firn_draft_finish_log(firn_draft *d, firn_error *err) {
  if (!d->removed_snapshots && d->f.n_snapshot_log <= d->first_new_log + 1) {
    return FIRN_OK;
  }
  firn_id_set there;
  FIRN_TRY(ids_of_snapshots(d, &there, err));
  firn_snapshot_log_entry *kept = firn_new_n(d->arena, firn_snapshot_log_entry, d->f.n_snapshot_log);
  if (kept == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the snapshot log");
  }
  size_t n = 0;
  for (size_t i = 0; i < d->f.n_snapshot_log; i++) {
    if (!firn_id_set_has(&there, d->f.snapshot_log[i].snapshot_id)) {
      n = d->removed_snapshots ? 0 : n;
    } else if (!is_intermediate(d, i)) {
      kept[n++] = d->f.snapshot_log[i];
    }
  }
  d->f.snapshot_log = kept;
  d->f.n_snapshot_log = n;
  d->capacity.snapshot_log = n;
  return FIRN_OK;
}

/* Which snapshots and references go. Spec: Snapshot Retention Policy. */
#include <string.h>

#include "iceberg/commit/property.h"
#include "iceberg/maintain/expire_internal.h"

#define MAIN_BRANCH "main"

typedef struct planning {
  const firn_metadata *metadata;
  const firn_metadata_fields *m;
  const firn_expire *how;
  firn_arena *arena;
  int64_t now_ms, older_than_ms, max_ref_age_ms;
  int64_t keep_at_least;
  bool *keeps;      /* by place in `m->snapshots` */
  bool *referenced; /* an ancestor of a branch, or a tag's */
} planning;

static size_t place_of(const planning *p, const firn_snapshot *s) {
  return (size_t)(s - p->m->snapshots);
}

static const firn_snapshot *parent_of(const planning *p, const firn_snapshot *s) {
  return s->has_parent ? firn_metadata_snapshot(p->metadata, s->parent_snapshot_id) : NULL;
}

/* `now` minus an age that may be anything. */
static int64_t time_before(int64_t now_ms, int64_t age_ms) {
  int64_t at;
  return __builtin_sub_overflow(now_ms, age_ms, &at) ? INT64_MIN : at;
}

static bool ref_stays(const planning *p, const firn_ref *ref) {
  const firn_snapshot *head = firn_metadata_snapshot(p->metadata, ref->snapshot_id);
  int64_t max_age_ms = ref->max_ref_age_ms > 0 ? ref->max_ref_age_ms : p->max_ref_age_ms;
  return strcmp(ref->name, MAIN_BRANCH) == 0 || head == NULL ||
         head->timestamp_ms >= time_before(p->now_ms, max_age_ms);
}

/* --- producers --- */

typedef struct seen_keys {
  size_t n, capacity;
  const char **items;
} seen_keys;

static bool is_position(const planning *p, const char *key) {
  for (size_t i = 0; i < p->how->n_keep_newest_of; i++) {
    if (strncmp(key, p->how->keep_newest_of[i], strlen(p->how->keep_newest_of[i])) == 0) {
      return true;
    }
  }
  return false;
}

static bool has_seen(const seen_keys *seen, const char *key) {
  for (size_t i = 0; i < seen->n; i++) {
    if (strcmp(seen->items[i], key) == 0) {
      return true;
    }
  }
  return false;
}

/* Keeps a snapshot that has a position which none after it has. */
static firn_status keep_positions(planning *p, const firn_snapshot *s, seen_keys *seen, firn_error *err) {
  for (size_t i = 0; i < s->summary.n; i++) {
    const char *key = s->summary.items[i].key;
    if (!is_position(p, key) || has_seen(seen, key)) {
      continue;
    }
    seen->items = firn_arena_grow(p->arena, seen->items, seen->n, &seen->capacity, sizeof *seen->items);
    if (seen->items == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu keys", seen->n + 1);
    }
    seen->items[seen->n++] = key;
    p->keeps[place_of(p, s)] = true;
  }
  return FIRN_OK;
}

/* --- what is kept --- */

static firn_status keep_branch(planning *p, const firn_ref *ref, firn_error *err) {
  int64_t at_least = ref->min_snapshots_to_keep > 0 ? ref->min_snapshots_to_keep : p->keep_at_least;
  int64_t older_than_ms =
      ref->max_snapshot_age_ms > 0 ? time_before(p->now_ms, ref->max_snapshot_age_ms) : p->older_than_ms;
  seen_keys seen = {0};
  const firn_snapshot *s = firn_metadata_snapshot(p->metadata, ref->snapshot_id);
  /* No history is longer than there are snapshots, whatever parents a broken one names. */
  for (size_t n = 0; s != NULL && n < p->m->n_snapshots; n++) {
    size_t at = place_of(p, s);
    p->referenced[at] = true;
    p->keeps[at] = p->keeps[at] || n == 0 || (int64_t)n < at_least || s->timestamp_ms >= older_than_ms;
    FIRN_TRY(keep_positions(p, s, &seen, err));
    s = parent_of(p, s);
  }
  return FIRN_OK;
}

static void keep_tag(planning *p, const firn_ref *ref) {
  const firn_snapshot *s = firn_metadata_snapshot(p->metadata, ref->snapshot_id);
  if (s != NULL) {
    p->keeps[place_of(p, s)] = p->referenced[place_of(p, s)] = true;
  }
}

static firn_status keep_refs(planning *p, firn_expire_plan *out, firn_error *err) {
  for (size_t i = 0; i < p->m->n_refs; i++) {
    const firn_ref *ref = &p->m->refs[i];
    if (!ref_stays(p, ref)) {
      out->refs[out->n_refs++] = ref->name;
    } else if (ref->is_branch) {
      FIRN_TRY(keep_branch(p, ref, err));
    } else {
      keep_tag(p, ref);
    }
  }
  return FIRN_OK;
}

static int64_t property(const planning *p, const char *key, int64_t otherwise) {
  int64_t v = firn_property_int64(&p->m->properties, key, otherwise);
  return v > 0 ? v : otherwise;
}

firn_status firn_expire_make_plan(const firn_metadata *metadata, const firn_expire *how, int64_t now_ms,
                                  firn_arena *arena, firn_expire_plan *out, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  planning p = {.metadata = metadata,
                .m = m,
                .how = how,
                .arena = arena,
                .now_ms = now_ms,
                .older_than_ms = how->older_than_us / 1000,
                .keeps = firn_new_n(arena, bool, m->n_snapshots),
                .referenced = firn_new_n(arena, bool, m->n_snapshots)};
  firn_expire_plan plan = {.snapshots = firn_new_n(arena, int64_t, m->n_snapshots),
                           .refs = firn_new_n(arena, const char *, m->n_refs)};
  if (p.keeps == NULL || p.referenced == NULL || plan.snapshots == NULL || plan.refs == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu snapshots", m->n_snapshots);
  }
  p.max_ref_age_ms = property(&p, FIRN_PROPERTY_MAX_REF_AGE_MS, INT64_MAX);
  p.keep_at_least =
      how->keep_at_least > 0 ? how->keep_at_least : property(&p, FIRN_PROPERTY_MIN_SNAPSHOTS, 1);
  FIRN_TRY(keep_refs(&p, &plan, err));
  for (size_t i = 0; i < m->n_snapshots; i++) {
    bool is_young = !p.referenced[i] && m->snapshots[i].timestamp_ms >= p.older_than_ms;
    if (!p.keeps[i] && !is_young) {
      plan.snapshots[plan.n_snapshots++] = m->snapshots[i].snapshot_id;
    }
  }
  *out = plan;
  return FIRN_OK;
}

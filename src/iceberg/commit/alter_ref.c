/* Branches, tags and what main points to. Spec: Snapshot References; Snapshot Retention Policy. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/alter_internal.h"

static firn_ref *find_ref(firn_altering *a, const char *name) {
  for (size_t i = 0; i < a->n_refs; i++) {
    if (strcmp(a->refs[i].name, name) == 0) {
      return &a->refs[i];
    }
  }
  return NULL;
}

static const char *kind_name(bool is_branch) {
  return is_branch ? "branch" : "tag";
}

static bool is_main(const char *name) {
  return strcmp(name, FIRN_MAIN_BRANCH) == 0;
}

static firn_status need_ref(firn_altering *a, const char *name, firn_ref **out, firn_error *err) {
  *out = name == NULL ? NULL : find_ref(a, name);
  return *out != NULL ? FIRN_OK
                      : firn_error_set(err, FIRN_NOT_FOUND, "there is no branch or tag %.80s",
                                       name == NULL ? "without a name" : name);
}

static firn_status need_kind(firn_altering *a, const char *name, bool is_branch, firn_ref **out,
                             firn_error *err) {
  firn_ref *found = name == NULL ? NULL : find_ref(a, name);
  if (found == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no %s %.80s", kind_name(is_branch),
                          name == NULL ? "without a name" : name);
  }
  if (found->is_branch != is_branch) {
    return firn_error_set(err, FIRN_INVALID, "%.80s is a %s, not a %s", name, kind_name(found->is_branch),
                          kind_name(is_branch));
  }
  *out = found;
  return FIRN_OK;
}

static firn_status add_ref(firn_altering *a, const firn_ref *ref, firn_error *err) {
  a->refs = firn_arena_grow(a->arena, a->refs, a->n_refs, &a->capacity_refs, sizeof *a->refs);
  if (a->refs == NULL) {
    return firn_alter_no_memory(err);
  }
  a->refs[a->n_refs++] = *ref;
  return FIRN_OK;
}

/* --- snapshots --- */

static firn_status current_of(firn_altering *a, int64_t *out, firn_error *err) {
  const firn_ref *main_ref = find_ref(a, FIRN_MAIN_BRANCH);
  if (main_ref == NULL) {
    return firn_error_set(err, FIRN_INVALID, "the table has no snapshot yet");
  }
  *out = main_ref->snapshot_id;
  return FIRN_OK;
}

static firn_status need_snapshot(const firn_altering *a, int64_t id, firn_error *err) {
  return firn_metadata_snapshot(a->base, id) != NULL
             ? FIRN_OK
             : firn_error_set(err, FIRN_NOT_FOUND, "there is no snapshot %" PRId64, id);
}

/* Spec: Point in Time Reads: what was current at that time. */
static firn_status current_at(const firn_altering *a, int64_t time_ms, int64_t *out, firn_error *err) {
  const firn_snapshot_log_entry *entry = firn_metadata_log_at(a->base, time_ms);
  if (entry == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "the table's history does not reach back so far");
  }
  *out = entry->snapshot_id;
  return FIRN_OK;
}

static firn_status resolve(firn_altering *a, const firn_change_at *at, int64_t *out, firn_error *err) {
  firn_ref *ref;
  switch (at->kind) {
    case FIRN_AT_ID:
      *out = at->id;
      break;
    case FIRN_AT_TIME:
      FIRN_TRY(current_at(a, at->id, out, err));
      break;
    case FIRN_AT_REF:
      FIRN_TRY(need_ref(a, at->ref, &ref, err));
      *out = ref->snapshot_id;
      break;
    default:
      FIRN_TRY(current_of(a, out, err));
  }
  return need_snapshot(a, *out, err);
}

/* The snapshot's parent, NULL at the end of what is known. */
static const firn_snapshot *parent_of(const firn_altering *a, const firn_snapshot *s) {
  return s->has_parent ? firn_metadata_snapshot(a->base, s->parent_snapshot_id) : NULL;
}

/* Whether `ancestor` is `head` or before it. Foreign parents may run in a circle, so steps are counted. */
static bool is_ancestor(const firn_altering *a, int64_t ancestor, int64_t head) {
  const firn_snapshot *at = firn_metadata_snapshot(a->base, head);
  for (size_t i = 0; at != NULL && i <= a->f->n_snapshots; i++) {
    if (at->snapshot_id == ancestor) {
      return true;
    }
    at = parent_of(a, at);
  }
  return false;
}

/* The newest ancestor of the head from before a time. */
static const firn_snapshot *ancestor_before(const firn_altering *a, int64_t head, int64_t time_ms) {
  const firn_snapshot *found = NULL;
  const firn_snapshot *at = firn_metadata_snapshot(a->base, head);
  for (size_t i = 0; at != NULL && i <= a->f->n_snapshots; i++) {
    if (at->timestamp_ms < time_ms && (found == NULL || at->timestamp_ms > found->timestamp_ms)) {
      found = at;
    }
    at = parent_of(a, at);
  }
  return found;
}

/* --- retention --- */

static firn_status take_age(int64_t given, int64_t *out, firn_error *err) {
  if (given < FIRN_RETENTION_DEFAULT) {
    return firn_error_set(err, FIRN_INVALID, "retention must be greater than 0");
  }
  if (given != 0) {
    *out = given == FIRN_RETENTION_DEFAULT ? 0 : given;
  }
  return FIRN_OK;
}

static firn_status take_retention(const firn_change *c, firn_ref *ref, firn_error *err) {
  FIRN_TRY(take_age(c->min_snapshots_to_keep, &ref->min_snapshots_to_keep, err));
  FIRN_TRY(take_age(c->max_snapshot_age_ms, &ref->max_snapshot_age_ms, err));
  FIRN_TRY(take_age(c->max_ref_age_ms, &ref->max_ref_age_ms, err));
  if (!ref->is_branch && (ref->min_snapshots_to_keep != 0 || ref->max_snapshot_age_ms != 0)) {
    return firn_error_set(err, FIRN_INVALID,
                          "tag %.80s: only branches keep a number of snapshots or snapshots of an age",
                          ref->name);
  }
  if (ref->min_snapshots_to_keep > INT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "%s cannot keep more than %d snapshots", ref->name, INT32_MAX);
  }
  return FIRN_OK;
}

/* --- changes --- */

static firn_status create(firn_altering *a, const firn_change *c, bool is_branch, firn_error *err) {
  FIRN_TRY(firn_alter_name_check(c->name, "the name of a branch or tag", err));
  const firn_ref *there = find_ref(a, c->name);
  if (there != NULL && there->is_branch == is_branch && c->if_not_exists) {
    return FIRN_OK;
  }
  if (there != NULL) {
    return firn_error_set(err, FIRN_EXISTS, "there is a %s %.80s already", kind_name(there->is_branch),
                          c->name);
  }
  if (is_main(c->name) && !is_branch) {
    return firn_error_set(err, FIRN_INVALID, "main is a branch and cannot be a tag");
  }
  firn_ref made = {.name = c->name, .is_branch = is_branch};
  FIRN_TRY(resolve(a, &c->at, &made.snapshot_id, err));
  FIRN_TRY(take_retention(c, &made, err));
  return add_ref(a, &made, err);
}

static firn_status replace(firn_altering *a, const firn_change *c, bool is_branch, firn_error *err) {
  firn_ref *ref;
  int64_t id;
  FIRN_TRY(need_kind(a, c->name, is_branch, &ref, err));
  FIRN_TRY(resolve(a, &c->at, &id, err));
  FIRN_TRY(take_retention(c, ref, err));
  ref->snapshot_id = id;
  return FIRN_OK;
}

static firn_status drop(firn_altering *a, const firn_change *c, bool is_branch, firn_error *err) {
  firn_ref *ref;
  if (c->name != NULL && is_main(c->name)) {
    return firn_error_set(err, FIRN_INVALID, "main cannot be dropped");
  }
  firn_status status = need_kind(a, c->name, is_branch, &ref, err);
  if (status == FIRN_NOT_FOUND && c->if_exists) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  size_t at = (size_t)(ref - a->refs);
  memmove(ref, ref + 1, (a->n_refs - at - 1) * sizeof *ref);
  a->n_refs--;
  return FIRN_OK;
}

static firn_status rename_ref(firn_altering *a, const firn_change *c, firn_error *err) {
  firn_ref *ref;
  FIRN_TRY(need_ref(a, c->name, &ref, err));
  FIRN_TRY(firn_alter_name_check(c->to, "the new name of a branch or tag", err));
  if (is_main(c->name) || is_main(c->to)) {
    return firn_error_set(err, FIRN_INVALID, "main keeps its name");
  }
  const firn_ref *there = find_ref(a, c->to);
  if (there != NULL && there != ref) {
    return firn_error_set(err, FIRN_EXISTS, "there is a %s %.80s already", kind_name(there->is_branch),
                          c->to);
  }
  ref->name = c->to;
  return FIRN_OK;
}

static firn_status set_retention(firn_altering *a, const firn_change *c, firn_error *err) {
  firn_ref *ref;
  FIRN_TRY(need_ref(a, c->name, &ref, err));
  return take_retention(c, ref, err);
}

static firn_status fast_forward(firn_altering *a, const firn_change *c, firn_error *err) {
  firn_ref *ref, *to;
  FIRN_TRY(need_kind(a, c->name, true, &ref, err));
  FIRN_TRY(need_ref(a, c->to, &to, err));
  if (!is_ancestor(a, ref->snapshot_id, to->snapshot_id)) {
    return firn_error_set(err, FIRN_INVALID, "%.80s cannot be fast-forwarded: it is not an ancestor of %.80s",
                          c->name, c->to);
  }
  ref->snapshot_id = to->snapshot_id;
  return FIRN_OK;
}

static firn_status move_main(firn_altering *a, int64_t to, firn_error *err) {
  firn_ref *ref = find_ref(a, FIRN_MAIN_BRANCH);
  if (ref == NULL) {
    const firn_ref made = {.name = FIRN_MAIN_BRANCH, .is_branch = true, .snapshot_id = to};
    return add_ref(a, &made, err);
  }
  ref->snapshot_id = to;
  return FIRN_OK;
}

static firn_status rollback(firn_altering *a, const firn_change *c, firn_error *err) {
  int64_t head, to;
  FIRN_TRY(current_of(a, &head, err));
  if (c->at.kind == FIRN_AT_TIME) {
    const firn_snapshot *found = ancestor_before(a, head, c->at.id);
    if (found == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND,
                            "there is no snapshot from before that time to roll back to");
    }
    return move_main(a, found->snapshot_id, err);
  }
  FIRN_TRY(resolve(a, &c->at, &to, err));
  if (!is_ancestor(a, to, head)) {
    return firn_error_set(err, FIRN_INVALID,
                          "snapshot %" PRId64
                          " is not an ancestor of the current one, so main cannot be "
                          "rolled back to it",
                          to);
  }
  return move_main(a, to, err);
}

static firn_status set_current(firn_altering *a, const firn_change *c, firn_error *err) {
  int64_t to;
  FIRN_TRY(resolve(a, &c->at, &to, err));
  return move_main(a, to, err);
}

firn_status firn_alter_ref(firn_altering *a, const firn_change *c, firn_error *err) {
  switch (c->kind) {
    case FIRN_CHANGE_CREATE_BRANCH:
      return create(a, c, true, err);
    case FIRN_CHANGE_CREATE_TAG:
      return create(a, c, false, err);
    case FIRN_CHANGE_REPLACE_BRANCH:
      return replace(a, c, true, err);
    case FIRN_CHANGE_REPLACE_TAG:
      return replace(a, c, false, err);
    case FIRN_CHANGE_DROP_BRANCH:
      return drop(a, c, true, err);
    case FIRN_CHANGE_DROP_TAG:
      return drop(a, c, false, err);
    case FIRN_CHANGE_RENAME_REF:
      return rename_ref(a, c, err);
    case FIRN_CHANGE_SET_RETENTION:
      return set_retention(a, c, err);
    case FIRN_CHANGE_FAST_FORWARD:
      return fast_forward(a, c, err);
    case FIRN_CHANGE_ROLLBACK:
      return rollback(a, c, err);
    default:
      return set_current(a, c, err);
  }
}

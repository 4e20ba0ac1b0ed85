/* The attempts of an append against whoever else commits: waits between them, answers that get lost, when to
 * give up and what may then be removed. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/append_internal.h"
#include "iceberg/commit/retry_internal.h"

/* What is known about the race between attempts. */
typedef struct race {
  int n_attempts;
  firn_retry retry;
  const char *table_uuid;
  /* An answer was lost and the table has not told yet: that attempt expected this head of the branch, so once
   * the branch has moved away from it, it cannot happen any more. */
  bool is_open;
  bool open_had_head;
  int64_t open_head;
  bool leaves_files;   /* an answer was once lost: what was written for it stays */
  const char *refused; /* the manifest list of an attempt that was refused; NULL: none */
  firn_status last_status;
  firn_error last_error;     /* why the last attempt has to be repeated */
  firn_append_result result; /* of the last attempt, in the caller's arena: made before it is committed */
} race;

/* --- what the caller gets --- */

static firn_status copy_properties(const firn_properties *from, firn_arena *arena, firn_properties *out,
                                   firn_error *err) {
  firn_property *items = firn_new_n(arena, firn_property, from->n);
  bool complete = items != NULL;
  for (size_t i = 0; complete && i < from->n; i++) {
    items[i].key = firn_arena_text(arena, firn_bytes_of(from->items[i].key));
    items[i].value = firn_arena_text(arena, firn_bytes_of(from->items[i].value));
    complete = items[i].key != NULL && items[i].value != NULL;
  }
  if (!complete) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a snapshot's summary");
  }
  *out = (firn_properties){.n = from->n, .items = items};
  return FIRN_OK;
}

/* What the caller gets is made before the commit: after it nothing may fail. */
static firn_status make_result(race *r, const firn_snapshot *snapshot, size_t n_manifests, firn_arena *arena,
                               firn_error *err) {
  firn_append_result made = {.snapshot = *snapshot, .n_attempts = r->n_attempts, .n_manifests = n_manifests};
  made.snapshot.operation = firn_arena_text(arena, firn_bytes_of(snapshot->operation));
  made.snapshot.manifest_list = firn_arena_text(arena, firn_bytes_of(snapshot->manifest_list));
  if (made.snapshot.operation == NULL || made.snapshot.manifest_list == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an append's result");
  }
  FIRN_TRY(copy_properties(&snapshot->summary, arena, &made.snapshot.summary, err));
  r->result = made;
  return FIRN_OK;
}

/* --- one round: look, prepare, swap --- */

static firn_status load_table(firn_appending *a, const race *r, firn_table *table, firn_error *err) {
  for (int64_t i = 0;; i++) {
    firn_status status = firn_catalog_table_load(a->catalog, a->ctx, a->table, table, err);
    bool worth_waiting = r->is_open || status == FIRN_BUSY;
    if (status == FIRN_OK || !worth_waiting || i >= r->retry.n_checks) {
      return status;
    }
    FIRN_TRY(firn_retry_wait(a->ctx, r->retry.check_min_wait_ms, r->retry.check_max_wait_ms, i, err));
  }
}

/* Spec: a table's UUID never changes; another one is another table under the same name. */
static firn_status check_identity(firn_appending *a, race *r, const firn_metadata *base, firn_error *err) {
  const char *uuid = firn_metadata_get(base)->table_uuid;
  uuid = uuid == NULL ? "" : uuid;
  if (r->table_uuid == NULL) {
    firn_retry_read(&r->retry, &firn_metadata_get(base)->properties, a->append->n_retries, a->ctx);
    r->table_uuid = firn_arena_text(a->arena, firn_bytes_of(uuid));
    return r->table_uuid != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a UUID");
  }
  if (strcmp(r->table_uuid, uuid) == 0) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_INVALID, "table UUID does not match: %s is gone, under its name is now %s",
                        r->table_uuid, uuid);
}

/* Once the branch has left the head that an attempt expected, the attempt cannot happen any more. */
static void settle_open_attempt(const firn_appending *a, race *r, const firn_metadata *base) {
  const firn_ref *head = firn_metadata_ref_named(base, a->branch);
  bool unmoved = r->open_had_head ? head != NULL && head->snapshot_id == r->open_head : head == NULL;
  r->is_open = r->is_open && unmoved;
}

static void note_open_attempt(const firn_appending *a, race *r, const firn_metadata *base) {
  const firn_ref *head = firn_metadata_ref_named(base, a->branch);
  r->is_open = r->leaves_files = true;
  r->open_had_head = head != NULL;
  r->open_head = head == NULL ? 0 : head->snapshot_id;
}

static bool may_try_again(const firn_appending *a, const race *r) {
  return r->n_attempts <= r->retry.n_retries && firn_ctx_monotonic_us(a->ctx) <= r->retry.give_up_us;
}

static firn_status out_of_attempts(const race *r, firn_error *err) {
  if (err != NULL) {
    *err = r->last_error;
  }
  /* A lost answer that the table has refuted since was a lost race. */
  bool refuted = r->last_status == FIRN_UNCERTAIN && !r->is_open;
  return firn_error_while(err, refuted ? FIRN_CONFLICT : r->last_status, "%d attempts", r->n_attempts);
}

/* A refusal may be the echo of an earlier success (a proxy that sent the commit twice), so the list of an
 * attempt goes only after a look at the table has not found its snapshot. */
static void drop_refused_list(firn_appending *a, race *r) {
  if (r->refused != NULL) {
    firn_table_file_discard(a->catalog->stores, a->ctx, r->refused);
    r->refused = NULL;
  }
}

/* It did not happen. Where the failure smells of the outside world its files stay all the same: manifests
 * that nobody names cost little, missing ones a table. */
static firn_status commit_failed(race *r, firn_error *err) {
  firn_status status = r->last_status;
  r->leaves_files =
      r->leaves_files || status == FIRN_IO || status == FIRN_TIMEOUT || status == FIRN_CANCELLED;
  if (err != NULL) {
    *err = r->last_error;
  }
  return status;
}

/* FIRN_OK with `*done` false: try again. */
static firn_status try_round(firn_appending *a, race *r, firn_arena *arena, bool *done, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(load_table(a, r, &table, err));
  FIRN_TRY(check_identity(a, r, table.metadata, err));
  const firn_snapshot *ours =
      r->n_attempts == 0 ? NULL : firn_metadata_snapshot(table.metadata, a->snapshot_id);
  if (ours != NULL) { /* whoever answered what: it is in */
    FIRN_TRY(make_result(r, ours, r->result.n_manifests, arena, err));
    *done = r->result.was_uncertain = true;
    return FIRN_OK;
  }
  settle_open_attempt(a, r, table.metadata);
  drop_refused_list(a, r);
  if (r->n_attempts > 0 && !may_try_again(a, r)) {
    return out_of_attempts(r, err);
  }
  firn_append_attempt attempt = {.base = table.metadata};
  FIRN_TRY(firn_append_prepare(a, r->n_attempts + 1, &attempt, &scratch, err));
  if (attempt.is_in_already) {
    *done = r->result.was_uncertain = true;
    return FIRN_OK;
  }
  r->n_attempts++;
  FIRN_TRY(make_result(r, &attempt.snapshot, attempt.manifests.n, arena, err));
  r->last_status = firn_append_swap(a, &attempt, &r->last_error);
  switch (r->last_status) {
    case FIRN_OK:
      r->is_open = false;
      *done = true;
      firn_append_tidy_up(a, &attempt);
      return FIRN_OK;
    case FIRN_UNCERTAIN:
      note_open_attempt(a, r, table.metadata);
      return FIRN_OK;
    case FIRN_CONFLICT:
    case FIRN_BUSY:
      r->refused = attempt.list;
      return FIRN_OK;
    default:
      return commit_failed(r, err);
  }
}

/* --- the end --- */

static firn_status give_up(firn_appending *a, const race *r, firn_status status, firn_error *err) {
  if (r->is_open) {
    return firn_error_while(err, FIRN_UNCERTAIN,
                            "the answer to a commit was lost, so snapshot %" PRId64
                            " may or may not be in the table",
                            a->snapshot_id);
  }
  bool leaves_files = r->leaves_files || r->refused != NULL; /* refused, and nobody has looked since */
  for (size_t i = 0; i < a->n_written && !leaves_files; i++) {
    firn_table_file_discard(a->catalog->stores, a->ctx, a->written[i]);
  }
  return status;
}

static firn_status race_to_the_end(firn_appending *a, race *r, firn_arena *arena, firn_error *err) {
  bool done = false;
  FIRN_TRY(try_round(a, r, arena, &done, err));
  for (int64_t nth = 0; !done; nth++) {
    if (may_try_again(a, r)) {
      FIRN_TRY(firn_retry_wait(a->ctx, r->retry.min_wait_ms, r->retry.max_wait_ms, nth, err));
    }
    FIRN_TRY(try_round(a, r, arena, &done, err)); /* the last one only looks */
  }
  return FIRN_OK;
}

firn_status firn_append_race(firn_appending *a, firn_arena *arena, firn_append_result *result,
                             firn_error *err) {
  race r = {.retry = FIRN_RETRY_INIT};
  firn_status status = race_to_the_end(a, &r, arena, err);
  if (status != FIRN_OK) {
    return give_up(a, &r, status, err);
  }
  *result = r.result;
  return FIRN_OK;
}

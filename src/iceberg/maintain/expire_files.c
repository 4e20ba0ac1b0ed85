/* Which files nobody needs once some snapshots are gone. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "iceberg/commit/table_file.h"
#include "iceberg/maintain/expire_internal.h"
#include "iceberg/meta/manifest.h"

static const size_t list_max_bytes = (size_t)1 << 30;

enum { FIRST_PLACES = 64 };

/* Paths, each once. */
typedef struct path_set {
  firn_arena *arena;
  size_t n, n_places;
  const char **places; /* NULL: free */
} path_set;

typedef struct finding {
  firn_stores *stores;
  firn_ctx *ctx;
  const firn_metadata *before, *after;
  firn_arena *arena;
  path_set needed; /* manifests and lists */
  path_set taken;  /* manifests that are to be removed */
  firn_expire_files *out;
} finding;

/* --- sets of paths --- */

static size_t find_place(const path_set *s, const char *path) {
  size_t at = (size_t)firn_xxh64(firn_bytes_of(path)) & (s->n_places - 1);
  while (s->places[at] != NULL && strcmp(s->places[at], path) != 0) {
    at = (at + 1) & (s->n_places - 1);
  }
  return at;
}

static bool has_path(const path_set *s, const char *path) {
  return s->n_places > 0 && s->places[find_place(s, path)] != NULL;
}

static bool grow_set(path_set *s) {
  path_set larger = {
      .arena = s->arena, .n = s->n, .n_places = s->n_places == 0 ? FIRST_PLACES : s->n_places * 2};
  larger.places = firn_new_n(s->arena, const char *, larger.n_places);
  for (size_t i = 0; larger.places != NULL && i < s->n_places; i++) {
    if (s->places[i] != NULL) {
      larger.places[find_place(&larger, s->places[i])] = s->places[i];
    }
  }
  if (larger.places != NULL) {
    *s = larger;
  }
  return larger.places != NULL;
}

/* Copies the path; `*kept` (may be NULL) is the set's own. */
static firn_status add_path(path_set *s, const char *path, const char **kept, firn_error *err) {
  const char *copy = NULL;
  if (s->n * 2 < s->n_places || grow_set(s)) {
    size_t at = find_place(s, path);
    copy = s->places[at] != NULL ? s->places[at] : firn_arena_text(s->arena, firn_bytes_of(path));
    s->n += s->places[at] == NULL && copy != NULL;
    s->places[at] = copy;
  }
  if (kept != NULL) {
    *kept = copy;
  }
  return copy != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for %zu paths", s->n + 1);
}

/* --- manifests of a snapshot --- */

typedef firn_status (*visit_manifest)(finding *f, const char *path, firn_error *err);

static firn_status visit_list(finding *f, const char *list, visit_manifest visit, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(f->stores, f->ctx, list, list_max_bytes, &scratch, &bytes, err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), f->ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, f->ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(visit(f, m->path, err));
  }
}

static firn_status visit_snapshot(finding *f, const firn_snapshot *s, visit_manifest visit, firn_error *err) {
  for (size_t i = 0; s->manifest_list == NULL && i < s->n_manifests; i++) {
    FIRN_TRY(visit(f, s->manifests[i], err));
  }
  if (s->manifest_list == NULL) {
    return FIRN_OK;
  }
  firn_status status = visit_list(f, s->manifest_list, visit, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest list %s", s->manifest_list);
}

/* --- what is needed --- */

static firn_status need(finding *f, const char *path, firn_error *err) {
  return add_path(&f->needed, path, NULL, err);
}

static bool is_head(const firn_metadata *m, int64_t snapshot_id) {
  const firn_metadata_fields *fields = firn_metadata_get(m);
  for (size_t i = 0; i < fields->n_refs; i++) {
    if (fields->refs[i].snapshot_id == snapshot_id) {
      return true;
    }
  }
  return false;
}

/* Where snapshots went, the parents that stay tell what was shared with them. */
static firn_status need_parents_of_gone(finding *f, firn_error *err) {
  const firn_metadata_fields *before = firn_metadata_get(f->before);
  for (size_t i = 0; i < before->n_snapshots; i++) {
    const firn_snapshot *s = &before->snapshots[i];
    const firn_snapshot *parent =
        s->has_parent ? firn_metadata_snapshot(f->after, s->parent_snapshot_id) : NULL;
    if (parent != NULL && firn_metadata_snapshot(f->after, s->snapshot_id) == NULL) {
      FIRN_TRY(visit_snapshot(f, parent, need, err));
    }
  }
  return FIRN_OK;
}

/* The newest snapshot whose parent went in an earlier expiry: -1 where there is none. It and its children may
 * share manifests with any older one, and what lay between cannot tell. */
static int64_t newest_behind_gap(const finding *f) {
  const firn_metadata_fields *before = firn_metadata_get(f->before);
  int64_t newest = -1;
  for (size_t i = 0; i < before->n_snapshots; i++) {
    const firn_snapshot *s = &before->snapshots[i];
    if (s->has_parent && firn_metadata_snapshot(f->before, s->parent_snapshot_id) == NULL &&
        s->sequence_number > newest) {
      newest = s->sequence_number;
    }
  }
  return newest;
}

static firn_status find_needed(finding *f, firn_error *err) {
  const firn_metadata_fields *after = firn_metadata_get(f->after);
  int64_t behind_gap = newest_behind_gap(f);
  for (size_t i = 0; i < after->n_snapshots; i++) {
    const firn_snapshot *s = &after->snapshots[i];
    bool is_root = !s->has_parent || firn_metadata_snapshot(f->after, s->parent_snapshot_id) == NULL;
    if (s->manifest_list != NULL) {
      FIRN_TRY(need(f, s->manifest_list, err));
    }
    if (is_root || s->sequence_number <= behind_gap || is_head(f->after, s->snapshot_id)) {
      FIRN_TRY(visit_snapshot(f, s, need, err));
    }
  }
  return need_parents_of_gone(f, err);
}

/* --- what is not --- */

static firn_status put_out(finding *f, const char *path, firn_error *err) {
  firn_expire_files *out = f->out;
  const char **items = firn_arena_grow(f->arena, out->items, out->n, &out->capacity, sizeof *items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu paths", out->n + 1);
  }
  items[out->n++] = path;
  out->items = items;
  return FIRN_OK;
}

static firn_status take(finding *f, const char *path, firn_error *err) {
  const char *kept;
  if (has_path(&f->needed, path) || has_path(&f->taken, path)) {
    return FIRN_OK;
  }
  FIRN_TRY(add_path(&f->taken, path, &kept, err));
  f->out->n_manifests++;
  return put_out(f, kept, err);
}

/* Manifests first: a list that is still there leads to what could not be removed. */
static firn_status take_gone(finding *f, firn_error *err) {
  const firn_metadata_fields *before = firn_metadata_get(f->before);
  for (size_t i = 0; i < before->n_snapshots; i++) {
    const firn_snapshot *s = &before->snapshots[i];
    if (firn_metadata_snapshot(f->after, s->snapshot_id) == NULL) {
      firn_status status = visit_snapshot(f, s, take, err);
      if (status != FIRN_OK && status != FIRN_NOT_FOUND) { /* an earlier expiry was here */
        return status;
      }
    }
  }
  for (size_t i = 0; i < before->n_snapshots; i++) {
    const firn_snapshot *s = &before->snapshots[i];
    bool is_gone = firn_metadata_snapshot(f->after, s->snapshot_id) == NULL;
    if (is_gone && s->manifest_list != NULL && !has_path(&f->needed, s->manifest_list)) {
      f->out->n_lists++;
      FIRN_TRY(put_out(f, s->manifest_list, err));
    }
  }
  return FIRN_OK;
}

/* --- statistics --- */

static const char *statistics_path(finding *f, const firn_statistics_file *file) {
  const firn_json_value *json;
  const char *path;
  bool is_read = firn_json_tree_read(file->json, f->arena, &json, NULL) == FIRN_OK &&
                 firn_json_need_text(json, "statistics-path", f->arena, &path, NULL) == FIRN_OK;
  return is_read ? path : NULL; /* what cannot be read stays */
}

static firn_status take_statistics(finding *f, const firn_statistics_file *before, size_t n_before,
                                   const firn_statistics_file *after, size_t n_after, firn_error *err) {
  path_set stay = {.arena = f->arena};
  for (size_t i = 0; i < n_after; i++) {
    const char *path = statistics_path(f, &after[i]);
    if (path == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(add_path(&stay, path, NULL, err));
  }
  for (size_t i = 0; i < n_before; i++) {
    const char *path = statistics_path(f, &before[i]);
    if (path != NULL && !has_path(&stay, path)) {
      f->out->n_statistics++;
      FIRN_TRY(put_out(f, path, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_expire_find_files(firn_stores *stores, firn_ctx *ctx, const firn_metadata *before,
                                   const firn_metadata *after, firn_arena *arena, firn_expire_files *out,
                                   firn_error *err) {
  const firn_metadata_fields *then = firn_metadata_get(before), *now = firn_metadata_get(after);
  firn_expire_files files = {0};
  finding f = {.stores = stores,
               .ctx = ctx,
               .before = before,
               .after = after,
               .arena = arena,
               .needed.arena = arena,
               .taken.arena = arena,
               .out = &files};
  FIRN_TRY(find_needed(&f, err));
  FIRN_TRY(
      take_statistics(&f, then->statistics, then->n_statistics, now->statistics, now->n_statistics, err));
  FIRN_TRY(take_statistics(&f, then->partition_statistics, then->n_partition_statistics,
                           now->partition_statistics, now->n_partition_statistics, err));
  FIRN_TRY(take_gone(&f, err));
  *out = files;
  return FIRN_OK;
}

/* The manifests of a snapshot, or of the snapshots since another one. */
#include <inttypes.h>

#include "iceberg/scan/files_internal.h"

typedef firn_status (*manifest_visit)(void *arg, const firn_manifest_file *m, firn_error *err);

/* Old v1 snapshots name their manifests one by one. Spec: Snapshots, `manifests`. */
static firn_status visit_inline(const firn_snapshot *snapshot, manifest_visit visit, void *arg,
                                firn_error *err) {
  for (size_t i = 0; i < snapshot->n_manifests; i++) {
    const firn_manifest_file m = {
        .path = snapshot->manifests[i], .spec_id = -1, .added_snapshot_id = snapshot->snapshot_id};
    FIRN_TRY(visit(arg, &m, err));
  }
  return FIRN_OK;
}

static firn_status visit_list(firn_avro_source source, firn_ctx *ctx, manifest_visit visit, void *arg,
                              firn_error *err) {
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(source, ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(visit(arg, m, err));
  }
}

/* Calls `visit` with each manifest of the snapshot, borrowed for the call. */
static firn_status visit_manifests(const firn_snapshot *snapshot, firn_stores *stores,
                                   const firn_moved *moved, firn_ctx *ctx, manifest_visit visit, void *arg,
                                   firn_error *err) {
  if (snapshot->manifest_list == NULL) {
    return visit_inline(snapshot, visit, arg, err);
  }
  FIRN_AUTO_OBJECT_STREAM stream = {0};
  firn_status status = firn_object_stream_open(&stream, stores, moved, ctx, snapshot->manifest_list, 0, err);
  if (status == FIRN_OK) {
    status = visit_list(firn_object_stream_source(&stream), ctx, visit, arg, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "manifest list %s", snapshot->manifest_list);
  }
  return FIRN_OK;
}

/* --- all of a snapshot --- */

typedef struct gathering {
  firn_arena *arena;
  firn_manifest_file *items;
  size_t n, capacity;
} gathering;

static firn_status gather(void *arg, const firn_manifest_file *m, firn_error *err) {
  gathering *g = arg;
  g->items = firn_arena_grow(g->arena, g->items, g->n, &g->capacity, sizeof *g->items);
  if (g->items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", g->n + 1);
  }
  return firn_manifest_file_copy(m, g->arena, &g->items[g->n++], err);
}

firn_status firn_snapshot_manifests(const firn_snapshot *snapshot, firn_stores *stores,
                                    const firn_moved *moved, firn_ctx *ctx, firn_arena *arena,
                                    const firn_manifest_file **out, size_t *n, firn_error *err) {
  gathering g = {.arena = arena};
  FIRN_TRY(visit_manifests(snapshot, stores, moved, ctx, gather, &g, err));
  *out = g.items;
  *n = g.n;
  return FIRN_OK;
}

/* --- those to be read --- */

typedef struct choosing {
  const firn_files_options *options;
  const firn_snapshot *snapshot; /* whose list is being read */
  firn_manifest_judge judge;
  void *judge_arg;
  firn_arena *arena;
  firn_chosen_manifests *out;
} choosing;

static void count(atomic_int_fast64_t *counter) {
  (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static firn_status refuse_deletes(const choosing *c, const firn_manifest_file *m, firn_error *err) {
  if (m->has_counts && m->n_added_files == 0 && m->n_existing_files == 0) {
    return FIRN_OK; /* none of them is left */
  }
  return firn_error_set(err, FIRN_UNSUPPORTED,
                        "snapshot %" PRId64 " has delete files, which are not applied yet: manifest %s",
                        c->snapshot->snapshot_id, m->path);
}

static firn_status add_chosen(choosing *c, const firn_manifest_file *m, firn_error *err) {
  firn_chosen_manifests *all = c->out;
  firn_chosen_manifest *items =
      firn_arena_grow(c->arena, all->items, all->n, &all->capacity, sizeof *all->items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", all->n + 1);
  }
  all->items = items;
  firn_manifest_file without = *m; /* nobody asks the summaries twice */
  without.n_partitions = 0;
  without.partitions = NULL;
  items[all->n].snapshot_id = c->snapshot->snapshot_id;
  FIRN_TRY(firn_manifest_file_copy(&without, c->arena, &items[all->n].file, err));
  all->n++;
  return FIRN_OK;
}

static firn_status choose(void *arg, const firn_manifest_file *m, firn_error *err) {
  choosing *c = arg;
  /* -1: a list of version 1 that does not say; then the entries do. */
  bool is_of_another = m->added_snapshot_id != c->snapshot->snapshot_id && m->added_snapshot_id != -1;
  if (c->options->is_incremental && is_of_another) {
    return FIRN_OK;
  }
  if (m->is_deletes) {
    return refuse_deletes(c, m, err);
  }
  bool may = true;
  FIRN_TRY(c->judge(c->judge_arg, m, &may, err));
  if (c->options->counts != NULL) {
    count(may ? &c->options->counts->manifests : &c->options->counts->manifests_skipped);
  }
  return may ? add_chosen(c, m, err) : FIRN_OK;
}

static firn_status choose_of(choosing *c, const firn_snapshot *snapshot, firn_ctx *ctx, firn_error *err) {
  c->snapshot = snapshot;
  return visit_manifests(snapshot, c->options->stores, c->options->moved, ctx, choose, c, err);
}

/* --- appends since a snapshot --- */

/* Whether the snapshot appended; FIRN_UNSUPPORTED when that cannot be told apart from what else it did. */
static firn_status is_append(const firn_snapshot *s, bool *out, firn_error *err) {
  const char *operation = s->operation == NULL ? "" : s->operation;
  *out = strcmp(operation, "append") == 0;
  if (*out || strcmp(operation, "replace") == 0 || strcmp(operation, "delete") == 0) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_UNSUPPORTED,
                        "snapshot %" PRId64
                        " (operation '%s') did not only append, so what was appended since "
                        "cannot be told",
                        s->snapshot_id, operation);
}

static firn_status next_older(const firn_files_options *o, const firn_snapshot *s, const firn_snapshot **out,
                              firn_error *err) {
  if (!s->has_parent) {
    return firn_error_set(err, FIRN_INVALID, "snapshot %" PRId64 " is no ancestor of snapshot %" PRId64,
                          o->after_snapshot_id, o->snapshot->snapshot_id);
  }
  *out = NULL;
  if (s->parent_snapshot_id == o->after_snapshot_id) {
    return FIRN_OK; /* it may have expired */
  }
  *out = firn_metadata_snapshot(o->metadata, s->parent_snapshot_id);
  if (*out == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "snapshot %" PRId64 ", on the way from %" PRId64 " back to %" PRId64
                          ", has expired",
                          s->parent_snapshot_id, o->snapshot->snapshot_id, o->after_snapshot_id);
  }
  return FIRN_OK;
}

/* The snapshots that appended, newest first. */
static firn_status find_appends(const firn_files_options *o, firn_arena *arena, const firn_snapshot ***out,
                                size_t *n, firn_error *err) {
  size_t most = firn_metadata_get(o->metadata)->n_snapshots;
  const firn_snapshot **found = firn_new_n(arena, const firn_snapshot *, most);
  if (found == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu snapshots", most);
  }
  const firn_snapshot *s = o->snapshot->snapshot_id == o->after_snapshot_id ? NULL : o->snapshot;
  for (size_t steps = 0; s != NULL; steps++) {
    if (steps == most) {
      return firn_error_set(err, FIRN_CORRUPT, "the parents of snapshot %" PRId64 " go round in a circle",
                            o->snapshot->snapshot_id);
    }
    bool appended;
    FIRN_TRY(is_append(s, &appended, err));
    if (appended) {
      found[(*n)++] = s;
    }
    FIRN_TRY(next_older(o, s, &s, err));
  }
  *out = found;
  return FIRN_OK;
}

firn_status firn_manifests_choose(const firn_files_options *options, firn_manifest_judge judge, void *arg,
                                  firn_ctx *ctx, firn_arena *arena, firn_chosen_manifests *out,
                                  firn_error *err) {
  choosing c = {.options = options, .judge = judge, .judge_arg = arg, .arena = arena, .out = out};
  if (options->snapshot == NULL) {
    return FIRN_OK;
  }
  if (!options->is_incremental) {
    return choose_of(&c, options->snapshot, ctx, err);
  }
  const firn_snapshot **appends = NULL;
  size_t n = 0;
  FIRN_TRY(find_appends(options, arena, &appends, &n, err));
  for (size_t i = n; i > 0; i--) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(choose_of(&c, appends[i - 1], ctx, err));
  }
  return FIRN_OK;
}

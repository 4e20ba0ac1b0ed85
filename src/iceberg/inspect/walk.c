#include "base/alloc.h"
#include "base/hash.h"
#include "iceberg/inspect/inspect_internal.h"
#include "iceberg/scan/files.h"

enum { MANIFEST_MAX = 256 << 20 };

static bool is_of_all(const firn_inspect *i) {
  return i->options.kind >= FIRN_INSPECT_ALL_FILES;
}

static bool shows(const firn_inspect *i, const firn_manifest_file *m) {
  switch (i->options.kind) {
    case FIRN_INSPECT_DATA_FILES:
    case FIRN_INSPECT_ALL_DATA_FILES:
      return !m->is_deletes;
    case FIRN_INSPECT_DELETE_FILES:
    case FIRN_INSPECT_ALL_DELETE_FILES:
      return m->is_deletes;
    default:
      return true;
  }
}

static bool shows_deleted(const firn_inspect *i) {
  return i->options.kind == FIRN_INSPECT_ENTRIES || i->options.kind == FIRN_INSPECT_ALL_ENTRIES;
}

/* --- manifests that have been --- */

static bool insert_hash(uint64_t *table, size_t capacity, uint64_t hash) {
  size_t at = hash & (capacity - 1);
  while (table[at] != 0 && table[at] != hash) {
    at = (at + 1) & (capacity - 1);
  }
  bool is_new = table[at] == 0;
  table[at] = hash;
  return is_new;
}

static firn_status make_room(firn_walk *w, firn_error *err) {
  if (2 * (w->n_seen + 1) <= w->seen_capacity) {
    return FIRN_OK;
  }
  size_t capacity = w->seen_capacity == 0 ? 64 : 2 * w->seen_capacity;
  uint64_t *table = firn_alloc(capacity * sizeof *table);
  if (table == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", w->n_seen);
  }
  for (size_t i = 0; i < w->seen_capacity; i++) {
    if (w->seen[i] != 0) {
      (void)insert_hash(table, capacity, w->seen[i]);
    }
  }
  firn_free(w->seen);
  w->seen = table;
  w->seen_capacity = capacity;
  return FIRN_OK;
}

static firn_status note_manifest(firn_walk *w, const char *path, bool *is_new, firn_error *err) {
  uint64_t hash = firn_xxh3(0, firn_bytes_of(path));
  FIRN_TRY(make_room(w, err));
  *is_new = insert_hash(w->seen, w->seen_capacity, hash == 0 ? 1 : hash);
  w->n_seen += *is_new;
  return FIRN_OK;
}

/* --- from snapshot to manifest to entry --- */

static const firn_snapshot *next_snapshot(firn_inspect *i) {
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  size_t at = i->walk.next_snapshot++;
  if (is_of_all(i)) {
    return at < m->n_snapshots ? &m->snapshots[at] : NULL;
  }
  return at == 0 ? i->options.snapshot : NULL;
}

static firn_status enter_snapshot(firn_inspect *i, firn_ctx *ctx, firn_error *err) {
  firn_walk *w = &i->walk;
  firn_arena_reset(&w->list);
  w->next_manifest = w->n_manifests = 0;
  w->snapshot = next_snapshot(i);
  if (w->snapshot == NULL) {
    return FIRN_OK;
  }
  return firn_snapshot_manifests(w->snapshot, i->options.stores, &i->moved, ctx, &w->list, &w->manifests,
                                 &w->n_manifests, err);
}

firn_status firn_walk_manifest(firn_inspect *i, firn_ctx *ctx, const firn_manifest_file **out,
                               firn_error *err) {
  firn_walk *w = &i->walk;
  *out = NULL;
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    while (w->next_manifest == w->n_manifests) {
      FIRN_TRY(enter_snapshot(i, ctx, err));
      if (w->snapshot == NULL) {
        return FIRN_OK;
      }
    }
    const firn_manifest_file *m = &w->manifests[w->next_manifest++];
    bool is_new = true;
    if (!shows(i, m)) {
      continue;
    }
    if (is_of_all(i) && i->options.kind != FIRN_INSPECT_ALL_MANIFESTS) {
      FIRN_TRY(note_manifest(w, m->path, &is_new, err));
    }
    if (is_new) {
      *out = m;
      return FIRN_OK;
    }
  }
}

static firn_status find_places(firn_inspect *i, firn_error *err) {
  firn_walk *w = &i->walk;
  const firn_unified *partition = &i->columns.partition;
  if (w->places == NULL) {
    w->places = firn_new_n(&i->arena, int, partition->n);
  }
  if (w->places == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition columns", partition->n);
  }
  for (size_t k = 0; k < partition->n; k++) {
    w->places[k] = firn_unified_place(&partition->fields[k], firn_manifest_spec(w->reader));
  }
  return FIRN_OK;
}

static firn_status enter_manifest(firn_inspect *i, firn_ctx *ctx, firn_error *err) {
  firn_walk *w = &i->walk;
  firn_arena_reset(&w->bytes);
  FIRN_TRY(firn_object_read(i->options.stores, &i->moved, ctx, w->manifest->path, MANIFEST_MAX, &w->bytes,
                            &w->rest, err));
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&w->rest), ctx, w->manifest, i->options.metadata,
                              &w->reader, err));
  return find_places(i, err);
}

/* The next entry to show of the manifest that is open; NULL closes it. */
static firn_status next_in_manifest(firn_inspect *i, firn_ctx *ctx, const firn_manifest_entry **out,
                                    firn_error *err) {
  do {
    FIRN_TRY(firn_manifest_next(i->walk.reader, ctx, out, err));
  } while (*out != NULL && (*out)->status == FIRN_ENTRY_DELETED && !shows_deleted(i));
  if (*out == NULL) {
    firn_manifest_close(i->walk.reader);
    i->walk.reader = NULL;
  }
  return FIRN_OK;
}

firn_status firn_walk_entry(firn_inspect *i, firn_ctx *ctx, const firn_manifest_entry **out,
                            firn_error *err) {
  firn_walk *w = &i->walk;
  *out = NULL;
  while (*out == NULL) {
    firn_status status = FIRN_OK;
    if (w->reader == NULL) {
      FIRN_TRY(firn_walk_manifest(i, ctx, &w->manifest, err));
      if (w->manifest == NULL) {
        return FIRN_OK;
      }
      status = enter_manifest(i, ctx, err);
    }
    if (status == FIRN_OK) {
      status = next_in_manifest(i, ctx, out, err);
    }
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "manifest %s", w->manifest->path);
    }
  }
  return FIRN_OK;
}

firn_value firn_walk_partition_value(const firn_inspect *i, const firn_data_file *file, size_t column) {
  int place = i->walk.places[column];
  if (place < 0) {
    return (firn_value){.kind = i->columns.partition.fields[column].type.kind, .is_null = true};
  }
  return file->partition[place];
}

void firn_walk_end(firn_walk *w) {
  firn_manifest_close(w->reader);
  firn_arena_free(&w->bytes);
  firn_arena_free(&w->list);
  firn_free(w->seen);
}

/* Entries of manifests and of manifest lists, copied to outlive their readers. */
#include "iceberg/meta/manifest.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest's entry");
}

static firn_status copy_text(const char **text, firn_arena *arena, firn_error *err) {
  if (*text == NULL) {
    return FIRN_OK;
  }
  *text = firn_arena_text(arena, firn_bytes_of(*text));
  return *text != NULL ? FIRN_OK : no_memory(err);
}

static firn_status copy_bytes(firn_bytes *bytes, firn_arena *arena, firn_error *err) {
  if (bytes->data == NULL) {
    return FIRN_OK;
  }
  *bytes = firn_arena_copy(arena, *bytes);
  return bytes->data != NULL ? FIRN_OK : no_memory(err);
}

/* `n` items of `size` bytes, which hold no pointers. */
static firn_status copy_items(const void **items, size_t n, size_t size, firn_arena *arena, firn_error *err) {
  void *copy = n == 0 ? NULL : firn_arena_alloc_n(arena, n, size);
  if (n > 0 && copy == NULL) {
    return no_memory(err);
  }
  if (n > 0) {
    memcpy(copy, *items, n * size);
  }
  *items = copy;
  return FIRN_OK;
}

static firn_status copy_counts(firn_id_counts *counts, firn_arena *arena, firn_error *err) {
  const void *items = counts->items;
  FIRN_TRY(copy_items(&items, counts->n, sizeof *counts->items, arena, err));
  counts->items = items;
  return FIRN_OK;
}

static firn_status copy_bounds(firn_id_bounds *bounds, firn_arena *arena, firn_error *err) {
  firn_id_bytes *copy = firn_new_n(arena, firn_id_bytes, bounds->n);
  if (copy == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < bounds->n; i++) {
    copy[i] = bounds->items[i];
    FIRN_TRY(copy_bytes(&copy[i].value, arena, err));
  }
  bounds->items = copy;
  return FIRN_OK;
}

static firn_status copy_tuple(const firn_value **tuple, size_t n, firn_arena *arena, firn_error *err) {
  if (*tuple == NULL) {
    return FIRN_OK;
  }
  firn_value *copy = firn_new_n(arena, firn_value, n);
  if (copy == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_value_copy(&(*tuple)[i], arena, &copy[i], err));
  }
  *tuple = copy;
  return FIRN_OK;
}

static firn_status copy_statistics(firn_data_file *f, firn_arena *arena, firn_error *err) {
  FIRN_TRY(copy_counts(&f->column_sizes, arena, err));
  FIRN_TRY(copy_counts(&f->value_counts, arena, err));
  FIRN_TRY(copy_counts(&f->null_counts, arena, err));
  FIRN_TRY(copy_counts(&f->nan_counts, arena, err));
  FIRN_TRY(copy_bounds(&f->lower_bounds, arena, err));
  return copy_bounds(&f->upper_bounds, arena, err);
}

firn_status firn_data_file_copy(const firn_data_file *from, size_t n_partition_fields, bool with_statistics,
                                firn_arena *arena, firn_data_file *out, firn_error *err) {
  firn_data_file f = *from;
  FIRN_TRY(copy_text(&f.path, arena, err));
  FIRN_TRY(copy_text(&f.format, arena, err));
  FIRN_TRY(copy_text(&f.referenced_data_file, arena, err));
  FIRN_TRY(copy_tuple(&f.partition, n_partition_fields, arena, err));
  FIRN_TRY(copy_bytes(&f.key_metadata, arena, err));
  const void *items = f.split_offsets;
  FIRN_TRY(copy_items(&items, f.n_split_offsets, sizeof *f.split_offsets, arena, err));
  f.split_offsets = items;
  items = f.equality_ids;
  FIRN_TRY(copy_items(&items, f.n_equality_ids, sizeof *f.equality_ids, arena, err));
  f.equality_ids = items;
  if (with_statistics) {
    FIRN_TRY(copy_statistics(&f, arena, err));
  } else {
    f.column_sizes = f.value_counts = f.null_counts = f.nan_counts = (firn_id_counts){0};
    f.lower_bounds = f.upper_bounds = (firn_id_bounds){0};
  }
  *out = f;
  return FIRN_OK;
}

firn_status firn_manifest_file_copy(const firn_manifest_file *from, firn_arena *arena,
                                    firn_manifest_file *out, firn_error *err) {
  firn_manifest_file m = *from;
  FIRN_TRY(copy_text(&m.path, arena, err));
  FIRN_TRY(copy_bytes(&m.key_metadata, arena, err));
  if (from->partitions != NULL) { /* NULL is not the same as none */
    firn_field_summary *partitions = firn_new_n(arena, firn_field_summary, from->n_partitions);
    if (partitions == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < from->n_partitions; i++) {
      partitions[i] = from->partitions[i];
      FIRN_TRY(copy_bytes(&partitions[i].lower, arena, err));
      FIRN_TRY(copy_bytes(&partitions[i].upper, arena, err));
    }
    m.partitions = partitions;
  }
  *out = m;
  return FIRN_OK;
}

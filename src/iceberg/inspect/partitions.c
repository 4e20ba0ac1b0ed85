#include "base/alloc.h"
#include "iceberg/inspect/inspect_internal.h"

/* What is added up for one partition. */
struct firn_partition_row {
  firn_value *tuple; /* of the unified columns */
  size_t n_own;      /* how many of them its spec has: a null there is another than a column that is not */
  uint64_t hash;
  int32_t spec_id;
  int64_t n_records, n_files, n_bytes;
  int64_t n_position_records, n_position_files;
  int64_t n_equality_records, n_equality_files;
  const firn_snapshot *updated; /* NULL: no snapshot that is still known */
};

/* The partitions found so far, and their places by hash. */
typedef struct sums {
  firn_partition_row *rows;
  size_t n, capacity;
  uint32_t *places; /* 1 and up; 0: free */
  size_t n_places;
} sums;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for partitions");
}

static void sums_free(sums *s) {
  firn_free(s->places);
}

static uint64_t hash_of(const firn_value *tuple, size_t n) {
  uint64_t hash = 0;
  for (size_t i = 0; i < n; i++) {
    hash = hash * UINT64_C(0x9E3779B97F4A7C15) + firn_value_hash(&tuple[i]);
  }
  return hash ^ (hash >> 32);
}

static bool is_same(const firn_partition_row *a, const firn_partition_row *b, size_t n) {
  if (a->hash != b->hash || a->n_own != b->n_own) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    if (a->tuple[i].kind != b->tuple[i].kind || !firn_value_equal(&a->tuple[i], &b->tuple[i])) {
      return false;
    }
  }
  return true;
}

static firn_status grow_places(sums *s, firn_error *err) {
  if (2 * (s->n + 1) <= s->n_places) {
    return FIRN_OK;
  }
  size_t n_places = s->n_places == 0 ? 64 : 2 * s->n_places;
  uint32_t *places = firn_alloc(n_places * sizeof *places);
  if (places == NULL || s->n >= UINT32_MAX) {
    firn_free(places);
    return no_memory(err);
  }
  for (size_t i = 0; i < s->n; i++) {
    size_t at = s->rows[i].hash & (n_places - 1);
    while (places[at] != 0) {
      at = (at + 1) & (n_places - 1);
    }
    places[at] = (uint32_t)i + 1;
  }
  firn_free(s->places);
  s->places = places;
  s->n_places = n_places;
  return FIRN_OK;
}

/* The row of the partition of `key`, whose tuple is copied when it is a new one. */
static firn_status find_or_add(sums *s, const firn_partition_row *key, size_t n_columns, firn_arena *arena,
                               firn_partition_row **out, firn_error *err) {
  FIRN_TRY(grow_places(s, err));
  size_t at = key->hash & (s->n_places - 1);
  for (; s->places[at] != 0; at = (at + 1) & (s->n_places - 1)) {
    *out = &s->rows[s->places[at] - 1];
    if (is_same(*out, key, n_columns)) {
      return FIRN_OK;
    }
  }
  s->rows = firn_arena_grow(arena, s->rows, s->n, &s->capacity, sizeof *s->rows);
  firn_value *tuple = firn_new_n(arena, firn_value, n_columns);
  if (s->rows == NULL || tuple == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n_columns; i++) {
    FIRN_TRY(firn_value_copy(&key->tuple[i], arena, &tuple[i], err));
  }
  *out = &s->rows[s->n++];
  **out = *key;
  (*out)->tuple = tuple;
  s->places[at] = (uint32_t)s->n;
  return FIRN_OK;
}

/* Counts come from files that may say anything. */
static int64_t plus(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void add_up(firn_partition_row *row, const firn_data_file *file, const firn_snapshot *snapshot) {
  if (snapshot != NULL && (row->updated == NULL || snapshot->timestamp_ms > row->updated->timestamp_ms)) {
    row->updated = snapshot;
    row->spec_id = file->spec_id;
  }
  if (file->content == FIRN_CONTENT_DATA) {
    row->n_records = plus(row->n_records, file->record_count);
    row->n_bytes = plus(row->n_bytes, file->size_bytes);
    row->n_files++;
  } else if (file->content == FIRN_CONTENT_POSITION_DELETES) {
    row->n_position_records = plus(row->n_position_records, file->record_count);
    row->n_position_files++;
  } else {
    row->n_equality_records = plus(row->n_equality_records, file->record_count);
    row->n_equality_files++;
  }
}

static firn_status add_entry(firn_inspect *i, sums *s, const firn_manifest_entry *e, firn_value *tuple,
                             firn_error *err) {
  size_t n = i->columns.partition.n;
  firn_partition_row key = {.tuple = tuple, .spec_id = e->file.spec_id};
  for (size_t k = 0; k < n; k++) {
    tuple[k] = firn_walk_partition_value(i, &e->file, k);
    key.n_own += i->walk.places[k] >= 0;
  }
  key.hash = hash_of(tuple, n);
  firn_partition_row *row;
  FIRN_TRY(find_or_add(s, &key, n, &i->arena, &row, err));
  add_up(row, &e->file, firn_metadata_snapshot(i->options.metadata, e->snapshot_id));
  return FIRN_OK;
}

static firn_status add_entries(firn_inspect *i, firn_ctx *ctx, sums *s, firn_error *err) {
  firn_value *tuple = firn_new_n(&i->arena, firn_value, i->columns.partition.n);
  if (tuple == NULL) {
    return no_memory(err);
  }
  for (;;) {
    const firn_manifest_entry *e;
    FIRN_TRY(firn_walk_entry(i, ctx, &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(add_entry(i, s, e, tuple, err));
  }
}

static firn_status sum_up(firn_inspect *i, firn_ctx *ctx, firn_error *err) {
  sums s FIRN_AUTO(sums_free) = {0};
  FIRN_TRY(add_entries(i, ctx, &s, err));
  i->n_partitions = s.n;
  i->partitions = s.rows != NULL ? s.rows : firn_new(&i->arena, firn_partition_row);
  return i->partitions == NULL ? no_memory(err) : FIRN_OK;
}

static int32_t as_int(int64_t n) {
  return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static void put_row(firn_inspect *i, const firn_partition_row *row) {
  firn_vector **v = i->cells;
  if (i->columns.partition.n > 0) {
    firn_vector *tuple = *v++;
    for (size_t k = 0; tuple != NULL && k < i->columns.partition.n; k++) {
      firn_cell_value(&i->c, &tuple->children[k], &row->tuple[k]);
    }
    firn_cell_struct(&i->c, tuple);
    firn_cell_int(&i->c, *v++, row->spec_id);
  }
  firn_cell_long(&i->c, *v++, row->n_records);
  firn_cell_int(&i->c, *v++, as_int(row->n_files));
  firn_cell_long(&i->c, *v++, row->n_bytes);
  firn_cell_long(&i->c, *v++, row->n_position_records);
  firn_cell_int(&i->c, *v++, as_int(row->n_position_files));
  firn_cell_long(&i->c, *v++, row->n_equality_records);
  firn_cell_int(&i->c, *v++, as_int(row->n_equality_files));
  if (row->updated == NULL) {
    firn_cell_null(&i->c, *v++);
    firn_cell_null(&i->c, *v);
  } else {
    firn_cell_time_ms(&i->c, *v++, row->updated->timestamp_ms);
    firn_cell_long(&i->c, *v, row->updated->snapshot_id);
  }
}

firn_status firn_inspect_partition_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  if (i->partitions == NULL) {
    FIRN_TRY(sum_up(i, ctx, err));
  }
  *is_over = i->next == i->n_partitions;
  if (!*is_over) {
    put_row(i, &i->partitions[i->next++]);
  }
  return FIRN_OK;
}

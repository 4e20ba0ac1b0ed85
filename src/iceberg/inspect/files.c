#include "iceberg/inspect/inspect_internal.h"

/* --- manifests --- */

static const firn_field *tuple_source(const firn_inspect *i, const firn_partition_field *f) {
  return firn_spec_source(firn_metadata_current_schema(i->options.metadata), f->source_id);
}

/* As people read it; null when there is no bound, or none that can be read. */
static void put_bound(firn_inspect *i, firn_vector *v, const firn_partition_field *f, firn_bytes bound) {
  const firn_field *source = f == NULL ? NULL : tuple_source(i, f);
  firn_value value;
  firn_field type = {0};
  if (source == NULL || f->transform.kind == FIRN_TRANSFORM_UNKNOWN) {
    firn_cell_null(&i->c, v);
    return;
  }
  firn_transform_result(&f->transform, source, &type);
  if (!firn_bound_read(bound, &type, &value)) {
    firn_cell_null(&i->c, v);
    return;
  }
  const char *text = firn_transform_human(&f->transform, source, &value, i->c.arena);
  i->c.failed |= text == NULL;
  firn_cell_text(&i->c, v, text);
}

static void put_summaries(firn_inspect *i, firn_vector *v, const firn_manifest_file *m) {
  const firn_partition_spec *spec = firn_metadata_spec(i->options.metadata, m->spec_id);
  if (m->partitions == NULL) {
    firn_cell_null(&i->c, v);
    return;
  }
  for (size_t k = 0; k < m->n_partitions && firn_cell_entry(&i->c, v); k++) {
    const firn_field_summary *s = &m->partitions[k];
    const firn_partition_field *f = spec != NULL && k < spec->n_fields ? &spec->fields[k] : NULL;
    firn_vector *of = v->children[0].children;
    firn_cell_bool(&i->c, &of[0], s->contains_null);
    if (s->has_contains_nan) {
      firn_cell_bool(&i->c, &of[1], s->contains_nan);
    } else {
      firn_cell_null(&i->c, &of[1]);
    }
    put_bound(i, &of[2], f, s->lower);
    put_bound(i, &of[3], f, s->upper);
    firn_cell_struct(&i->c, &v->children[0]);
  }
  firn_cell_list(&i->c, v);
}

static void put_count(firn_inspect *i, firn_vector *v, bool is_known, int32_t n) {
  if (is_known) {
    firn_cell_int(&i->c, v, n);
  } else {
    firn_cell_null(&i->c, v);
  }
}

firn_status firn_inspect_manifest_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  const firn_manifest_file *m;
  FIRN_TRY(firn_walk_manifest(i, ctx, &m, err));
  *is_over = m == NULL;
  if (m == NULL) {
    return FIRN_OK;
  }
  bool data_known = m->has_counts || m->is_deletes;
  bool deletes_known = m->has_counts || !m->is_deletes;
  firn_vector **v = i->cells;
  firn_cell_int(&i->c, *v++, m->is_deletes ? 1 : 0);
  firn_cell_text(&i->c, *v++, m->path);
  if (i->walk.snapshot->manifest_list != NULL) { /* else a table of version 1, where nothing says it */
    firn_cell_long(&i->c, *v++, m->size_bytes);
  } else {
    firn_cell_null(&i->c, *v++);
  }
  put_count(i, *v++, m->spec_id >= 0, m->spec_id);
  firn_cell_long(&i->c, *v++, m->added_snapshot_id);
  put_count(i, *v++, data_known, m->is_deletes ? 0 : m->n_added_files);
  put_count(i, *v++, data_known, m->is_deletes ? 0 : m->n_existing_files);
  put_count(i, *v++, data_known, m->is_deletes ? 0 : m->n_deleted_files);
  put_count(i, *v++, deletes_known, m->is_deletes ? m->n_added_files : 0);
  put_count(i, *v++, deletes_known, m->is_deletes ? m->n_existing_files : 0);
  put_count(i, *v++, deletes_known, m->is_deletes ? m->n_deleted_files : 0);
  if (*v != NULL) {
    put_summaries(i, *v, m);
  }
  v++;
  if (i->options.kind == FIRN_INSPECT_ALL_MANIFESTS) {
    firn_cell_long(&i->c, *v++, i->walk.snapshot->snapshot_id);
    firn_cell_bytes(&i->c, *v, m->key_metadata);
  }
  return FIRN_OK;
}

/* --- files and entries --- */

static void put_counts(firn_inspect *i, firn_vector *v, const firn_id_counts *counts) {
  if (!counts->present) {
    firn_cell_null(&i->c, v);
    return;
  }
  for (size_t k = 0; k < counts->n && firn_cell_entry(&i->c, v); k++) {
    firn_cell_int(&i->c, &v->children[0], counts->items[k].id);
    firn_cell_long(&i->c, &v->children[1], counts->items[k].n);
  }
  firn_cell_list(&i->c, v);
}

static void put_bounds(firn_inspect *i, firn_vector *v, const firn_id_bounds *bounds) {
  if (!bounds->present) {
    firn_cell_null(&i->c, v);
    return;
  }
  for (size_t k = 0; k < bounds->n && firn_cell_entry(&i->c, v); k++) {
    firn_bytes value = bounds->items[k].value;
    firn_cell_int(&i->c, &v->children[0], bounds->items[k].id);
    firn_cell_bytes(&i->c, &v->children[1], value.data == NULL ? FIRN_LITERAL("") : value);
  }
  firn_cell_list(&i->c, v);
}

static void put_offsets(firn_inspect *i, firn_vector *v, const firn_data_file *file) {
  if (file->n_split_offsets == 0) {
    firn_cell_null(&i->c, v);
    return;
  }
  for (size_t k = 0; k < file->n_split_offsets && firn_cell_entry(&i->c, v); k++) {
    firn_cell_long(&i->c, &v->children[0], file->split_offsets[k]);
  }
  firn_cell_list(&i->c, v);
}

static void put_equality_ids(firn_inspect *i, firn_vector *v, const firn_data_file *file) {
  if (file->n_equality_ids == 0) {
    firn_cell_null(&i->c, v);
    return;
  }
  for (size_t k = 0; k < file->n_equality_ids && firn_cell_entry(&i->c, v); k++) {
    firn_cell_int(&i->c, &v->children[0], file->equality_ids[k]);
  }
  firn_cell_list(&i->c, v);
}

static void put_partition(firn_inspect *i, firn_vector *v, const firn_data_file *file) {
  for (size_t k = 0; v != NULL && k < i->columns.partition.n; k++) {
    firn_value value = firn_walk_partition_value(i, file, k);
    firn_cell_value(&i->c, &v->children[k], &value);
  }
  firn_cell_struct(&i->c, v);
}

/* Of `of`, the children of one column's struct. */
static void put_metrics_of(firn_inspect *i, firn_vector *of, const firn_field *column,
                           const firn_data_file *file) {
  const firn_id_counts *counts[] = {&file->column_sizes, &file->value_counts, &file->null_counts,
                                    &file->nan_counts};
  const firn_id_bounds *bounds[] = {&file->lower_bounds, &file->upper_bounds};
  for (size_t k = 0; k < FIRN_COUNT_OF(counts); k++) {
    int64_t n;
    if (firn_id_counts_get(counts[k], column->id, &n)) {
      firn_cell_long(&i->c, of++, n);
    } else {
      firn_cell_null(&i->c, of++);
    }
  }
  for (size_t k = 0; k < FIRN_COUNT_OF(bounds); k++) {
    firn_bytes bytes;
    firn_value value;
    if (firn_id_bounds_get(bounds[k], column->id, &bytes) && firn_bound_read(bytes, column, &value)) {
      firn_cell_value(&i->c, of++, &value);
    } else {
      firn_cell_null(&i->c, of++);
    }
  }
}

static void put_metrics(firn_inspect *i, firn_vector *v, const firn_data_file *file) {
  for (size_t k = 0; v != NULL && k < i->columns.n_measured; k++) {
    put_metrics_of(i, v->children[k].children, i->columns.measured[k].field, file);
    firn_cell_struct(&i->c, &v->children[k]);
  }
  firn_cell_struct(&i->c, v);
}

/* The columns of a file, as far as `v` has them. Returns what is behind them. */
static firn_vector **put_file(firn_inspect *i, firn_vector **v, const firn_data_file *file) {
  firn_cell_int(&i->c, *v++, (int32_t)file->content);
  firn_cell_text(&i->c, *v++, file->path);
  firn_cell_text(&i->c, *v++, file->format);
  firn_cell_int(&i->c, *v++, file->spec_id);
  if (i->columns.partition.n > 0) {
    put_partition(i, *v++, file);
  }
  firn_cell_long(&i->c, *v++, file->record_count);
  firn_cell_long(&i->c, *v++, file->size_bytes);
  put_counts(i, *v++, &file->column_sizes);
  put_counts(i, *v++, &file->value_counts);
  put_counts(i, *v++, &file->null_counts);
  put_counts(i, *v++, &file->nan_counts);
  put_bounds(i, *v++, &file->lower_bounds);
  put_bounds(i, *v++, &file->upper_bounds);
  firn_cell_bytes(&i->c, *v++, file->key_metadata);
  put_offsets(i, *v++, file);
  put_equality_ids(i, *v++, file);
  if (file->has_sort_order_id) {
    firn_cell_int(&i->c, *v++, file->sort_order_id);
  } else {
    firn_cell_null(&i->c, *v++);
  }
  firn_cell_null(&i->c, *v++); /* first_row_id: of version 3, as the two at the end */
  firn_cell_text(&i->c, *v++, file->referenced_data_file);
  firn_cell_null(&i->c, *v++);
  firn_cell_null(&i->c, *v++);
  return v;
}

static void put_known(firn_inspect *i, firn_vector *v, int64_t sequence_number) {
  if (sequence_number >= 0) {
    firn_cell_long(&i->c, v, sequence_number);
  } else {
    firn_cell_null(&i->c, v);
  }
}

enum { MOST_FILE_COLUMNS = 32 };

static firn_vector **put_entry(firn_inspect *i, firn_vector **v, const firn_manifest_entry *e) {
  firn_cell_int(&i->c, *v++, (int32_t)e->status);
  firn_cell_long(&i->c, *v++, e->snapshot_id);
  put_known(i, *v++, e->sequence_number);
  put_known(i, *v++, e->file_sequence_number);
  firn_vector *data_file = *v++;
  if (data_file != NULL) {
    firn_vector *of[MOST_FILE_COLUMNS];
    for (uint32_t k = 0; k < data_file->n_children; k++) {
      of[k] = &data_file->children[k];
    }
    (void)put_file(i, of, &e->file);
    firn_cell_struct(&i->c, data_file);
  }
  return v;
}

firn_status firn_inspect_file_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  const firn_manifest_entry *e;
  bool is_entry = i->options.kind == FIRN_INSPECT_ENTRIES || i->options.kind == FIRN_INSPECT_ALL_ENTRIES;
  FIRN_TRY(firn_walk_entry(i, ctx, &e, err));
  *is_over = e == NULL;
  if (e == NULL) {
    return FIRN_OK;
  }
  firn_vector **v = is_entry ? put_entry(i, i->cells, e) : put_file(i, i->cells, &e->file);
  if (i->columns.n_measured > 0) {
    put_metrics(i, *v, &e->file);
  }
  return FIRN_OK;
}

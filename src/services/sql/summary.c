#include "services/sql/summary_internal.h"

enum { SCRATCH_MAX = 16 << 20 };

/* Kinds whose bounds are the smallest and the largest value that occurs. */
static bool is_exact_kind(firn_kind kind) {
  switch (kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_DECIMAL:
    case FIRN_KIND_DATE:
    case FIRN_KIND_TIME:
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return true;
    default:
      return false;
  }
}

/* Both bounds of a file's column; false when they are not there, or make no sense. */
static bool read_bounds(const firn_data_file *f, const firn_field *field, firn_value *lower,
                        firn_value *upper) {
  firn_bytes low, up;
  return firn_id_bounds_get(&f->lower_bounds, field->id, &low) &&
         firn_id_bounds_get(&f->upper_bounds, field->id, &up) && firn_bound_read(low, field, lower) &&
         firn_bound_read(up, field, upper) && firn_value_compare(lower, upper) <= 0;
}

/* Adds what a file says of a column; false when it does not say enough. */
static bool add_column(firn_summary_column *c, const firn_data_file *f) {
  int64_t n_nulls, n_values;
  int32_t id = c->field->id;
  if (!firn_id_counts_get(&f->null_counts, id, &n_nulls) || n_nulls < 0 || n_nulls > f->record_count ||
      (firn_id_counts_get(&f->value_counts, id, &n_values) && n_values != f->record_count)) {
    return false;
  }
  int64_t n_valid = f->record_count - n_nulls;
  if (n_valid == 0) {
    return true;
  }
  firn_value lower, upper;
  if (!read_bounds(f, c->field, &lower, &upper) ||
      (n_valid == 1 && firn_value_compare(&lower, &upper) != 0)) {
    return false;
  }
  c->lower = c->n_valid == 0 || firn_value_compare(&lower, &c->lower) < 0 ? lower : c->lower;
  c->upper = c->n_valid == 0 || firn_value_compare(&upper, &c->upper) > 0 ? upper : c->upper;
  c->n_valid += n_valid;
  return true;
}

static bool add_file(firn_summary *s, const firn_data_file *f) {
  if (f->record_count < 0 || __builtin_add_overflow(s->n_rows, f->record_count, &s->n_rows)) {
    return false;
  }
  for (size_t i = 0; i < s->n_columns; i++) {
    if (!add_column(&s->columns[i], f)) {
      return false;
    }
  }
  return true;
}

/* Whether the filter lets all rows of the entry that came last through. */
static firn_status all_match(firn_files *files, const firn_expr *filter, firn_arena *scratch, bool *out,
                             firn_error *err) {
  *out = true;
  if (filter == NULL) {
    return FIRN_OK;
  }
  const firn_expr *residual;
  firn_arena_reset(scratch);
  FIRN_TRY(firn_files_residual(files, scratch, &residual, err));
  *out = residual->op == FIRN_EXPR_TRUE;
  return FIRN_OK;
}

static firn_status add_files(firn_files *files, const firn_expr *filter, firn_ctx *ctx, firn_summary *s,
                             firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(SCRATCH_MAX);
  while (s->is_exact) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_files_next(files, ctx, &entry, err));
    if (entry == NULL) {
      break;
    }
    FIRN_TRY(all_match(files, filter, &scratch, &s->is_exact, err));
    s->is_exact = s->is_exact && add_file(s, &entry->file);
  }
  return FIRN_OK;
}

/* No file was opened: all of them were passed over. */
static void tell_counts(const firn_scan_counts *own, firn_scan_counts *out) {
  if (out != NULL) {
    out->manifests += own->manifests;
    out->manifests_skipped += own->manifests_skipped;
    out->files_skipped += own->files + own->files_skipped;
  }
}

static bool choose(const firn_table_view *view, const uint32_t *columns, firn_summary *s) {
  for (size_t i = 0; i < s->n_columns; i++) {
    s->columns[i].field = &view->schema->root.children[columns[i]];
    if (!is_exact_kind(s->columns[i].field->kind)) {
      return false;
    }
  }
  return true;
}

firn_status firn_summary_make(const firn_table_view *view, const firn_expr *filter, const uint32_t *columns,
                              size_t n, firn_ctx *ctx, firn_arena *arena, firn_summary *out,
                              firn_error *err) {
  *out = (firn_summary){.n_columns = n, .columns = firn_new_n(arena, firn_summary_column, n + 1)};
  if (out->columns == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu columns", n);
  }
  out->is_exact = choose(view, columns, out);
  if (!out->is_exact || view->snapshot == NULL) {
    return FIRN_OK;
  }
  firn_scan_counts counts = {0};
  const firn_files_options options = {
      .metadata = view->metadata,
      .snapshot = view->snapshot,
      .stores = view->stores,
      .moved = &view->moved,
      .schema = view->schema,
      .filter = filter,
      .with_statistics = n > 0,
      .counts = &counts,
  };
  FIRN_AUTO_FILES *files = NULL;
  FIRN_TRY(firn_files_open(&options, ctx, &files, err));
  FIRN_TRY(add_files(files, filter, ctx, out, err));
  if (out->is_exact) {
    tell_counts(&counts, view->counts);
  }
  return FIRN_OK;
}

firn_status firn_summary_batch_new(const firn_summary *s, const firn_field *root, firn_arena *arena,
                                   firn_batch *out, firn_error *err) {
  FIRN_TRY(firn_batch_new(root, FIRN_SQL_BATCH_ROWS, arena, out, err));
  for (size_t i = 0; i < s->n_columns; i++) {
    FIRN_TRY(firn_vector_need_validity(&out->columns[i], FIRN_SQL_BATCH_ROWS, arena, err));
  }
  return FIRN_OK;
}

static void put(firn_vector *v, size_t i, const firn_value *value) {
  switch (v->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      v->i32[i] = value->i32;
      break;
    case FIRN_KIND_DECIMAL:
      v->dec[i] = value->dec;
      break;
    default:
      v->i64[i] = value->i64;
  }
}

/* The upper bound comes first, then the lower as often as there are values, then nulls. */
static void fill(const firn_summary_column *c, int64_t first, size_t n, firn_vector *v) {
  v->len = n;
  v->n_nulls = 0;
  memset(v->validity, 0xFF, firn_bit_words(n) * sizeof *v->validity);
  for (size_t i = 0; i < n; i++) {
    int64_t row = first + (int64_t)i;
    if (row < c->n_valid) {
      put(v, i, row == 0 ? &c->upper : &c->lower);
    } else {
      firn_vector_set_null(v, i);
    }
  }
}

void firn_summary_rows(const firn_summary *s, int64_t first, firn_batch *batch) {
  int64_t left = first < s->n_rows ? s->n_rows - first : 0;
  batch->n_rows = left < FIRN_SQL_BATCH_ROWS ? (size_t)left : FIRN_SQL_BATCH_ROWS;
  for (size_t i = 0; i < s->n_columns; i++) {
    fill(&s->columns[i], first, batch->n_rows, &batch->columns[i]);
  }
}

#include "iceberg/write/data_file.h"

firn_status firn_data_file_of_parquet(const firn_parquet_file_info *info, firn_arena *arena,
                                      firn_data_file *out, firn_error *err) {
  size_t n = info->n_columns;
  firn_id_count *sizes = firn_new_n(arena, firn_id_count, n);
  firn_id_count *values = firn_new_n(arena, firn_id_count, n);
  firn_id_count *nulls = firn_new_n(arena, firn_id_count, n);
  firn_id_count *nans = firn_new_n(arena, firn_id_count, n);
  firn_id_bytes *lower = firn_new_n(arena, firn_id_bytes, n);
  firn_id_bytes *upper = firn_new_n(arena, firn_id_bytes, n);
  if (sizes == NULL || values == NULL || nulls == NULL || nans == NULL || lower == NULL || upper == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the metrics of %zu columns", n);
  }
  size_t n_nans = 0;
  size_t n_lower = 0;
  size_t n_upper = 0;
  for (size_t i = 0; i < n; i++) {
    const firn_parquet_column_info *c = &info->columns[i];
    sizes[i] = (firn_id_count){c->field_id, c->compressed_bytes};
    values[i] = (firn_id_count){c->field_id, c->n_values};
    nulls[i] = (firn_id_count){c->field_id, c->n_nulls};
    if (c->n_nans >= 0) {
      nans[n_nans++] = (firn_id_count){c->field_id, c->n_nans};
    }
    if (c->has_bounds) {
      lower[n_lower++] = (firn_id_bytes){c->field_id, c->lower};
    }
    if (c->has_bounds && c->has_upper) {
      upper[n_upper++] = (firn_id_bytes){c->field_id, c->upper};
    }
  }
  out->content = FIRN_CONTENT_DATA;
  out->format = "PARQUET";
  out->record_count = info->n_rows;
  out->size_bytes = (int64_t)info->size_bytes;
  out->column_sizes = (firn_id_counts){true, n, sizes};
  out->value_counts = (firn_id_counts){true, n, values};
  out->null_counts = (firn_id_counts){true, n, nulls};
  out->nan_counts = (firn_id_counts){true, n_nans, nans};
  out->lower_bounds = (firn_id_bounds){true, n_lower, lower};
  out->upper_bounds = (firn_id_bounds){true, n_upper, upper};
  out->n_split_offsets = info->n_row_groups;
  out->split_offsets = info->split_offsets;
  return FIRN_OK;
}

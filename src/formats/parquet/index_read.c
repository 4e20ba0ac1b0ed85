/* Page indexes. Follows parquet-format: PageIndex.md. */
#include <inttypes.h>

#include "formats/parquet/metadata.h"
#include "formats/thrift/thrift.h"

static firn_status broken(const char *what, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "%s", what);
}

static firn_parquet_page_location read_location(firn_thrift_reader *r) {
  firn_parquet_page_location page = {-1, -1, -1};
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        page.offset = firn_thrift_i64(r, f);
        break;
      case 2:
        page.compressed_bytes = firn_thrift_i32(r, f);
        break;
      case 3:
        page.first_row = firn_thrift_i64(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
  return page;
}

/* Pages ascend in offset and row, do not overlap, and the first begins at row 0. */
static bool locations_are_right(const firn_parquet_page_location *pages, size_t n, int64_t n_rows,
                                uint64_t file_bytes) {
  int64_t end = 0;
  for (size_t i = 0; i < n; i++) {
    const firn_parquet_page_location *p = &pages[i];
    bool row_fits = i == 0 ? p->first_row == 0 : p->first_row >= pages[i - 1].first_row;
    if (!row_fits || p->first_row > n_rows || p->compressed_bytes <= 0 || p->offset < end ||
        (uint64_t)p->offset > file_bytes ||
        (uint64_t)p->compressed_bytes > file_bytes - (uint64_t)p->offset) {
      return false;
    }
    end = p->offset + p->compressed_bytes;
  }
  return n > 0 || n_rows == 0;
}

firn_status firn_parquet_offset_index_read(firn_bytes in, int64_t n_rows, uint64_t file_bytes,
                                           firn_arena *arena, firn_parquet_offset_index *out,
                                           firn_error *err) {
  firn_thrift_reader r = firn_thrift_reader_over(in);
  firn_parquet_offset_index index = {0};
  size_t capacity = 0;
  firn_parquet_page_location *pages = NULL;
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    if (f.id != 1 || pages != NULL) {
      firn_thrift_skip(&r, f.type);
      continue;
    }
    index.n_pages = firn_thrift_list_begin(&r, f, FIRN_THRIFT_STRUCT);
    for (size_t i = 0; i < index.n_pages && !r.in.bad; i++) {
      pages = firn_arena_grow(arena, pages, i, &capacity, sizeof *pages);
      if (pages == NULL) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for %zu pages", index.n_pages);
      }
      pages[i] = read_location(&r);
    }
  }
  firn_thrift_struct_end(&r);
  if (r.in.bad || !locations_are_right(pages, index.n_pages, n_rows, file_bytes)) {
    return broken("the offset index is broken", err);
  }
  index.pages = pages;
  *out = index;
  return FIRN_OK;
}

typedef struct column_lists {
  size_t n_null_pages, n_mins, n_maxes, n_counts;
  bool *null_pages;
  firn_bytes *mins, *maxes;
  int64_t *counts;
} column_lists;

static firn_bytes *read_binaries(firn_thrift_reader *r, firn_thrift_field f, firn_arena *arena, size_t *n) {
  *n = firn_thrift_list_begin(r, f, FIRN_THRIFT_BINARY);
  firn_bytes *items = firn_new_n(arena, firn_bytes, *n);
  for (size_t i = 0; items != NULL && i < *n && !r->in.bad; i++) {
    items[i] = firn_arena_copy(arena, firn_thrift_binary_element(r));
    items = items[i].data == NULL ? NULL : items;
  }
  return items;
}

static bool *read_bools(firn_thrift_reader *r, firn_thrift_field f, firn_arena *arena, size_t *n) {
  *n = firn_thrift_list_begin(r, f, FIRN_THRIFT_TRUE);
  bool *items = firn_new_n(arena, bool, *n);
  for (size_t i = 0; items != NULL && i < *n; i++) {
    items[i] = firn_thrift_bool_element(r);
  }
  return items;
}

static int64_t *read_counts(firn_thrift_reader *r, firn_thrift_field f, firn_arena *arena, size_t *n) {
  *n = firn_thrift_list_begin(r, f, FIRN_THRIFT_I64);
  int64_t *items = firn_new_n(arena, int64_t, *n);
  for (size_t i = 0; items != NULL && i < *n; i++) {
    items[i] = firn_thrift_i64_element(r);
  }
  return items;
}

firn_status firn_parquet_column_index_read(firn_bytes in, firn_arena *arena, firn_parquet_column_index *out,
                                           firn_error *err) {
  firn_thrift_reader r = firn_thrift_reader_over(in);
  column_lists l = {0};
  int32_t order = 0;
  bool out_of_memory = false;
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    switch (f.id) {
      case 1:
        out_of_memory |= (l.null_pages = read_bools(&r, f, arena, &l.n_null_pages)) == NULL;
        break;
      case 2:
        out_of_memory |= (l.mins = read_binaries(&r, f, arena, &l.n_mins)) == NULL;
        break;
      case 3:
        out_of_memory |= (l.maxes = read_binaries(&r, f, arena, &l.n_maxes)) == NULL;
        break;
      case 4:
        order = firn_thrift_i32(&r, f);
        break;
      case 5:
        out_of_memory |= (l.counts = read_counts(&r, f, arena, &l.n_counts)) == NULL;
        break;
      default:
        firn_thrift_skip(&r, f.type);
        break;
    }
    if (out_of_memory) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a column index");
    }
  }
  firn_thrift_struct_end(&r);
  bool same = l.n_null_pages == l.n_mins && l.n_mins == l.n_maxes;
  if (r.in.bad || !same || l.null_pages == NULL || (l.counts != NULL && l.n_counts != l.n_mins)) {
    return broken("the column index is broken", err);
  }
  *out = (firn_parquet_column_index){
      .n_pages = l.n_mins, .null_pages = l.null_pages, .mins = l.mins, .maxes = l.maxes, .n_nulls = l.counts};
  out->order = order == 1 ? FIRN_ORDER_ASCENDING : order == 2 ? FIRN_ORDER_DESCENDING : FIRN_ORDER_NONE;
  return FIRN_OK;
}

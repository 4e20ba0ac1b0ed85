#include "formats/parquet/chunk_internal.h"

#include <assert.h>

#include "base/alloc.h"
#include "formats/parquet/bloom_internal.h"
#include "formats/parquet/hybrid_write_internal.h"

/* So many values are looked at before a dictionary is judged, if it does not fill up earlier: enough to see
 * values that come round in turn. */
enum { TRIAL_VALUES = 1 << 16, LENGTH_BITS = 32 };

/* In the footer; the index has the same. */
static const firn_bound_limit footer_limit = {.bytes = 64};

static unsigned plain_bits(const firn_parquet_node *leaf) {
  switch (leaf->type) {
    case FIRN_PARQUET_BOOLEAN:
      return 1;
    case FIRN_PARQUET_INT32:
    case FIRN_PARQUET_FLOAT:
      return 32;
    case FIRN_PARQUET_INT64:
    case FIRN_PARQUET_DOUBLE:
      return 64;
    case FIRN_PARQUET_INT96:
      return 96;
    case FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY:
      return 8 * (unsigned)leaf->type_length;
    case FIRN_PARQUET_BYTE_ARRAY:
      return 0;
  }
  return 0;
}

static bool is_real(firn_bound_order order) {
  return order == FIRN_BOUND_FLOAT || order == FIRN_BOUND_DOUBLE;
}

static bool holds_runs(const firn_chunk_writer *c) {
  firn_parquet_type type = c->path->leaf->type;
  return type == FIRN_PARQUET_BYTE_ARRAY || type == FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
}

static void start_chunk(firn_chunk_writer *c) {
  bool tries = c->settings.try_dictionary && c->path->leaf->type != FIRN_PARQUET_BOOLEAN;
  c->mode = tries ? FIRN_CHUNK_TRIAL : FIRN_CHUNK_PLAIN;
  firn_dictionary_init(&c->dictionary, c->value_bits / 8, c->settings.dictionary_bytes);
}

void firn_chunk_init(firn_chunk_writer *c, const firn_leaf_path *path, const firn_chunk_settings *settings,
                     firn_chunk_scratch *scratch) {
  const firn_parquet_node *leaf = path->leaf;
  firn_bound_order order = firn_bound_order_of(leaf);
  bool wants_bounds = settings->bounds != FIRN_BOUNDS_NONE && order != FIRN_BOUND_NONE;
  *c = (firn_chunk_writer){.path = path,
                           .settings = *settings,
                           .scratch = scratch,
                           .order = wants_bounds || is_real(order) ? order : FIRN_BOUND_NONE,
                           .wants_bounds = wants_bounds,
                           .rep_width = firn_bit_width((uint32_t)leaf->max_rep),
                           .def_width = firn_bit_width((uint32_t)leaf->max_def),
                           .value_bits = plain_bits(leaf)};
  c->file.n_nans = is_real(order) ? 0 : -1;
  start_chunk(c);
}

static void bounds_free(firn_chunk_bounds *b) {
  firn_builder_free(&b->lower);
  firn_builder_free(&b->upper);
  *b = (firn_chunk_bounds){0};
}

/* Empties a builder; its memory stays for the next row group where that comes at once. */
static void clear(firn_builder *b, bool keeps_memory) {
  if (keeps_memory) {
    firn_builder_reset(b);
  } else {
    firn_builder_free(b);
  }
}

static void clear_pending(firn_chunk_writer *c, bool keeps_memory) {
  clear(&c->rep, keeps_memory);
  clear(&c->def, keeps_memory);
  clear(&c->indexes, keeps_memory);
  clear(&c->plain, keeps_memory);
  c->n_rows = c->n_levels = c->n_values = 0;
  c->plain_bits = 0;
  c->extremes = (firn_extremes){0};
}

static void free_pages(firn_chunk_writer *c) {
  firn_page_entry *pages = (firn_page_entry *)(void *)c->entries.data;
  for (size_t i = 0; i < c->entries.len / sizeof *pages; i++) {
    firn_free(pages[i].data);
  }
  firn_free(c->dictionary_page.data);
  c->dictionary_page = (firn_page_entry){0};
  c->page_bytes = 0;
}

void firn_chunk_reset(firn_chunk_writer *c, bool keeps_memory) {
  clear_pending(c, keeps_memory);
  firn_dictionary_reset(&c->dictionary);
  free_pages(c);
  clear(&c->entries, keeps_memory);
  clear(&c->page_bounds, keeps_memory);
  clear(&c->hashes, keeps_memory);
  bounds_free(&c->bounds);
  c->is_uncompressed = c->no_column_index = false;
  c->n_done_rows = c->n_done_values = c->n_nulls = c->n_nans = c->encoded_bytes = 0;
  c->head_bytes = 0;
  c->indexed_pages = c->plain_pages = 0;
  start_chunk(c);
}

void firn_chunk_free(firn_chunk_writer *c) {
  firn_chunk_reset(c, false);
  bounds_free(&c->file.bounds);
}

void firn_chunk_scratch_free(firn_chunk_scratch *s) {
  firn_builder_free(&s->levels);
  firn_builder_free(&s->body);
  firn_builder_free(&s->head);
  firn_builder_free(&s->values);
  firn_builder_free(&s->packed);
  firn_builder_free(&s->judged);
  firn_builder_free(&s->seen);
}

size_t firn_chunk_scratch_memory(const firn_chunk_scratch *s) {
  return s->levels.capacity + s->body.capacity + s->head.capacity + s->values.capacity + s->packed.capacity +
         s->judged.capacity + s->seen.capacity;
}

static firn_status no_memory(const firn_chunk_writer *c, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "%s: no memory for a page", c->path->dotted);
}

/* Whole rows from the start of a run. */
typedef struct extent {
  size_t rows, levels, values;
  uint64_t bits;
} extent;

/* What limits an extent; the first row is taken whatever it costs if `at_least_one`. */
typedef struct room {
  uint64_t bits;
  size_t rows;
  unsigned value_bits; /* 0: runs of bytes, each with its length */
  bool at_least_one;
} room;

static uint64_t run_bits(firn_bytes v) {
  return LENGTH_BITS + 8 * (uint64_t)v.len;
}

/* One value a row. */
static extent fit_flat(const firn_leaf_run *run, room r) {
  size_t most = run->n_rows < r.rows ? run->n_rows : r.rows;
  extent e = {0};
  if (r.value_bits != 0) {
    uint64_t fit = r.bits / r.value_bits;
    e.rows = fit < most ? (size_t)fit : most;
    if (e.rows == 0 && most > 0 && r.at_least_one) {
      e.rows = 1;
    }
    e.bits = e.rows * (uint64_t)r.value_bits;
  } else {
    const firn_bytes *v = run->values;
    while (e.rows < most) {
      uint64_t bits = run_bits(v[e.rows]);
      if (e.bits + bits > r.bits && !(r.at_least_one && e.rows == 0)) {
        break;
      }
      e.bits += bits;
      e.rows++;
    }
  }
  e.levels = e.values = e.rows;
  return e;
}

/* The row that begins at level `e->levels`, added to `e`. */
static void add_row(const firn_chunk_writer *c, const firn_leaf_run *run, unsigned value_bits, extent *e) {
  uint8_t max_def = (uint8_t)c->path->leaf->max_def;
  unsigned level_bits = c->rep_width + c->def_width;
  e->rows++;
  do {
    e->bits += level_bits;
    if (run->def == NULL || run->def[e->levels] == max_def) {
      e->bits += value_bits != 0 ? value_bits : run_bits(((const firn_bytes *)run->values)[e->values]);
      e->values++;
    }
    e->levels++;
  } while (e->levels < run->n_levels && run->rep != NULL && run->rep[e->levels] != 0);
}

static extent fit(const firn_chunk_writer *c, const firn_leaf_run *run, room r) {
  if (run->rep == NULL && run->def == NULL) {
    return fit_flat(run, r);
  }
  if (run->rep == NULL && run->n_values == 0) { /* nothing but nulls: levels alone count */
    r.value_bits = c->def_width;
    extent nulls = fit_flat(run, r);
    nulls.values = 0;
    return nulls;
  }
  extent e = {0};
  while (e.levels < run->n_levels && e.rows < r.rows) {
    extent next = e;
    add_row(c, run, r.value_bits, &next);
    if (next.bits > r.bits && !(r.at_least_one && e.rows == 0)) {
      break;
    }
    e = next;
  }
  return e;
}

static size_t stored_size(const firn_chunk_writer *c) {
  if (holds_runs(c)) {
    return sizeof(firn_bytes);
  }
  return c->value_bits == 1 ? 1 : c->value_bits / 8;
}

static void advance(const firn_chunk_writer *c, firn_leaf_run *run, extent e) {
  run->n_rows -= e.rows;
  run->n_levels -= e.levels;
  run->n_values -= e.values;
  run->rep = run->rep == NULL ? NULL : run->rep + e.levels;
  run->def = run->def == NULL ? NULL : run->def + e.levels;
  if (run->values != NULL) {
    run->values = (const uint8_t *)run->values + e.values * stored_size(c);
  }
}

static void append_filled(firn_builder *to, const uint8_t *levels, uint8_t otherwise, size_t n) {
  uint8_t *into = firn_builder_reserve(to, n);
  if (into == NULL) {
    return;
  }
  if (levels != NULL) {
    memcpy(into, levels, n);
  } else {
    memset(into, otherwise, n);
  }
  firn_builder_claim(to, n);
}

static firn_status append_levels(firn_chunk_writer *c, const firn_leaf_run *run, extent e, firn_error *err) {
  if (c->rep_width > 0) {
    append_filled(&c->rep, run->rep, 0, e.levels);
  }
  if (c->def_width > 0) {
    append_filled(&c->def, run->def, (uint8_t)c->path->leaf->max_def, e.levels);
  }
  if (c->rep.failed != FIRN_OK || c->def.failed != FIRN_OK) {
    return no_memory(c, err);
  }
  c->n_rows += e.rows;
  c->n_levels += e.levels;
  c->n_values += e.values;
  return FIRN_OK;
}

/* Copies runs behind each other, with their lengths if they have any; notes where the extremes lie. */
static void append_runs(firn_chunk_writer *c, const firn_bytes *values, size_t n, uint8_t *to) {
  size_t min = SIZE_MAX, max = SIZE_MAX, min_at = 0, max_at = 0;
  size_t head = c->value_bits == 0 ? sizeof(uint32_t) : 0;
  if (c->order != FIRN_BOUND_NONE) {
    firn_extremes_of_runs(c->order, values, n, &min, &max);
  }
  for (size_t i = 0; i < n; i++) {
    uint32_t len = (uint32_t)values[i].len;
    memcpy(to, &len, head);
    to += head;
    min_at = i == min ? (size_t)(to - c->plain.data) : min_at;
    max_at = i == max ? (size_t)(to - c->plain.data) : max_at;
    if (len > 0) {
      memcpy(to, values[i].data, len);
    }
    to += len;
  }
  if (c->order != FIRN_BOUND_NONE) {
    firn_extremes_add_run(&c->extremes, c->order, c->plain.data, min_at, values[min].len);
    firn_extremes_add_run(&c->extremes, c->order, c->plain.data, max_at, values[max].len);
  }
}

/* As they are kept until the page is made: a byte for a boolean. */
static size_t plain_bytes(const firn_chunk_writer *c, const firn_leaf_run *run, extent e) {
  if (c->value_bits != 0) {
    return c->value_bits == 1 ? e.values : e.values * (c->value_bits / 8);
  }
  bool has_levels = run->rep != NULL || run->def != NULL;
  return (e.bits - (has_levels ? e.levels * (uint64_t)(c->rep_width + c->def_width) : 0)) / 8;
}

static void add_hashes(firn_chunk_writer *c, const void *values, size_t n) {
  uint64_t *hashes = firn_builder_reserve(&c->hashes, n * sizeof(uint64_t)) == NULL
                         ? NULL
                         : (uint64_t *)(void *)(c->hashes.data + c->hashes.len);
  size_t size = stored_size(c);
  for (size_t i = 0; hashes != NULL && i < n; i++) {
    hashes[i] = firn_bloom_hash(holds_runs(c) ? ((const firn_bytes *)values)[i]
                                              : (firn_bytes){(const uint8_t *)values + i * size, size});
  }
  if (hashes != NULL) {
    firn_builder_claim(&c->hashes, n * sizeof(uint64_t));
  }
}

static firn_status append_plain(firn_chunk_writer *c, const void *values, size_t n, size_t size,
                                firn_error *err) {
  if (c->plain.len == 0) {
    if (firn_builder_reserve(&c->plain, FIRN_PLAIN_START) == NULL) {
      return no_memory(c, err);
    }
    firn_builder_claim(&c->plain, FIRN_PLAIN_START);
  }
  if (n == 0) {
    return FIRN_OK;
  }
  uint8_t *to = firn_builder_reserve(&c->plain, size);
  if (to == NULL) {
    return no_memory(c, err);
  }
  if (holds_runs(c)) {
    append_runs(c, values, n, to);
  } else {
    memcpy(to, values, size);
    firn_extremes_add(&c->extremes, c->order, values, n);
  }
  firn_builder_claim(&c->plain, size);
  if (c->settings.bloom_filter) {
    add_hashes(c, values, n);
    if (c->hashes.failed != FIRN_OK) {
      return no_memory(c, err);
    }
  }
  return FIRN_OK;
}

static firn_status add_plain(firn_chunk_writer *c, firn_leaf_run run, firn_error *err) {
  uint64_t page_bits = 8 * (uint64_t)c->settings.page_bytes;
  while (run.n_levels > 0) {
    room r = {.bits = c->plain_bits < page_bits ? page_bits - c->plain_bits : 0,
              .rows = c->settings.page_rows - c->n_rows,
              .value_bits = c->value_bits,
              .at_least_one = c->n_rows == 0};
    extent e = fit(c, &run, r);
    if (e.rows == 0) {
      FIRN_TRY(firn_page_close_plain(c, err));
      continue;
    }
    FIRN_TRY(append_levels(c, &run, e, err));
    FIRN_TRY(append_plain(c, run.values, e.values, plain_bytes(c, &run, e), err));
    c->plain_bits += e.bits;
    advance(c, &run, e);
  }
  return FIRN_OK;
}

static unsigned index_bits(const firn_chunk_writer *c) {
  return c->dictionary.n < 2 ? 1 : firn_bit_width(c->dictionary.n - 1);
}

static bool fills_a_page(const firn_chunk_writer *c) {
  uint64_t bits =
      c->n_levels * (uint64_t)(c->rep_width + c->def_width) + c->n_values * (uint64_t)index_bits(c);
  return c->n_rows >= c->settings.page_rows || bits >= 8 * (uint64_t)c->settings.page_bytes;
}

static void drop_front(firn_builder *b, size_t len) {
  if (len > 0) {
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
  }
}

/* Makes pages of the pending rows: of those that fill some, or of all. */
static firn_status drain(firn_chunk_writer *c, bool all, firn_error *err) {
  const uint32_t *indexes = (const uint32_t *)(const void *)c->indexes.data;
  bool has_nulls = c->n_values != c->n_levels;
  firn_leaf_run left = {.n_rows = c->n_rows,
                        .n_levels = c->n_levels,
                        .n_values = c->n_values,
                        .rep = c->rep_width > 0 ? c->rep.data : NULL,
                        .def = has_nulls ? c->def.data : NULL};
  room r = {.bits = 8 * (uint64_t)c->settings.page_bytes,
            .rows = c->settings.page_rows,
            .value_bits = index_bits(c),
            .at_least_one = true};
  while (left.n_levels > 0) {
    extent e = fit(c, &left, r);
    if (e.levels == left.n_levels && !all) {
      break;
    }
    size_t level = c->n_levels - left.n_levels;
    firn_indexed_rows rows = {.rep = c->rep_width > 0 ? c->rep.data + level : NULL,
                              .def = c->def_width > 0 ? c->def.data + level : NULL,
                              .indexes = e.values == 0 ? NULL : indexes + (c->n_values - left.n_values),
                              .n_rows = e.rows,
                              .n_levels = e.levels,
                              .n_values = e.values};
    FIRN_TRY(firn_page_add_indexed(c, &rows, err));
    advance(c, &left, e);
  }
  drop_front(&c->rep, c->rep_width > 0 ? c->n_levels - left.n_levels : 0);
  drop_front(&c->def, c->def_width > 0 ? c->n_levels - left.n_levels : 0);
  drop_front(&c->indexes, (c->n_values - left.n_values) * sizeof *indexes);
  c->n_rows = left.n_rows;
  c->n_levels = left.n_levels;
  c->n_values = left.n_values;
  return FIRN_OK;
}

/* Whether values by index take clearly less than the values themselves would. */
static bool dictionary_pays(const firn_chunk_writer *c) {
  const uint32_t *indexes = (const uint32_t *)(const void *)c->indexes.data;
  uint64_t plain = 0;
  if (c->value_bits != 0) {
    plain = (uint64_t)c->n_values * c->value_bits / 8;
  } else {
    for (size_t i = 0; i < c->n_values; i++) {
      plain += sizeof(uint32_t) + firn_dictionary_value(&c->dictionary, indexes[i]).len;
    }
  }
  uint64_t indexed = c->dictionary.plain.len + (uint64_t)c->n_values * index_bits(c) / 8;
  return indexed < plain - plain / 5;
}

/* The values of the pending rows, out of the dictionary. */
static const void *look_up(firn_chunk_writer *c, const uint32_t *indexes, size_t n) {
  size_t size = stored_size(c);
  assert(size > 0);
  firn_builder *values = &c->scratch->values;
  firn_builder_reset(values);
  uint8_t *to = n > SIZE_MAX / size ? NULL : firn_builder_reserve(values, n * size);
  for (size_t i = 0; to != NULL && i < n; i++) {
    firn_bytes v = firn_dictionary_value(&c->dictionary, indexes[i]);
    if (holds_runs(c)) {
      memcpy(to + i * size, &v, size);
    } else {
      memcpy(to + i * size, v.data, size);
    }
  }
  return to;
}

/* The dictionary was not worth it: everything pending is added once more, plain. */
static firn_status start_over_plain(firn_chunk_writer *c, firn_error *err) {
  FIRN_AUTO_BUILDER rep = c->rep, def = c->def, indexes = c->indexes;
  firn_leaf_run run = {.n_rows = c->n_rows,
                       .n_levels = c->n_levels,
                       .n_values = c->n_values,
                       .rep = c->rep_width > 0 ? rep.data : NULL,
                       .def = c->n_values != c->n_levels ? def.data : NULL};
  c->rep = c->def = c->indexes = (firn_builder)FIRN_BUILDER_INIT(0);
  c->n_rows = c->n_levels = c->n_values = 0;
  c->mode = FIRN_CHUNK_PLAIN;
  run.values = look_up(c, (const uint32_t *)(const void *)indexes.data, run.n_values);
  if (run.values == NULL) {
    return no_memory(c, err);
  }
  FIRN_TRY(add_plain(c, run, err));
  firn_dictionary_reset(&c->dictionary);
  return FIRN_OK;
}

static firn_status end_trial(firn_chunk_writer *c, firn_error *err) {
  if (c->n_values == 0 || !dictionary_pays(c)) {
    return start_over_plain(c, err);
  }
  c->mode = FIRN_CHUNK_INDEXED;
  return FIRN_OK;
}

static size_t look_for(firn_chunk_writer *c, const firn_leaf_run *run, uint32_t *indexes) {
  if (holds_runs(c)) {
    return firn_dictionary_add_bytes(&c->dictionary, run->values, run->n_values, indexes);
  }
  return c->value_bits == 32 ? firn_dictionary_add4(&c->dictionary, run->values, run->n_values, indexes)
                             : firn_dictionary_add8(&c->dictionary, run->values, run->n_values, indexes);
}

/* The whole rows at the start of a run that have at most `n_values` values. */
static extent rows_with(const firn_chunk_writer *c, const firn_leaf_run *run, size_t n_values) {
  extent e = {0};
  while (e.levels < run->n_levels) {
    extent next = e;
    add_row(c, run, 1, &next);
    if (next.values > n_values) {
      break;
    }
    e = next;
  }
  return e;
}

/* Adds what the dictionary takes of a run; the rest stays in `run`. */
static firn_status add_indexed(firn_chunk_writer *c, firn_leaf_run *run, firn_error *err) {
  size_t size = run->n_values * sizeof(uint32_t);
  uint8_t *to = firn_builder_reserve(&c->indexes, size);
  if (to == NULL) {
    return no_memory(c, err);
  }
  size_t n = run->n_values == 0 ? 0 : look_for(c, run, (uint32_t *)(void *)to);
  if (c->dictionary.failed != FIRN_OK) {
    return no_memory(c, err);
  }
  extent e = {.rows = run->n_rows, .levels = run->n_levels, .values = run->n_values};
  if (n < run->n_values) {
    e = rows_with(c, run, n);
  }
  firn_builder_claim(&c->indexes, e.values * sizeof(uint32_t));
  FIRN_TRY(append_levels(c, run, e, err));
  advance(c, run, e);
  return FIRN_OK;
}

firn_status firn_chunk_add(firn_chunk_writer *c, const firn_leaf_run *rows, firn_error *err) {
  firn_leaf_run run = *rows;
  if (c->mode == FIRN_CHUNK_PLAIN) {
    return add_plain(c, run, err);
  }
  FIRN_TRY(add_indexed(c, &run, err));
  bool is_full = run.n_levels > 0;
  if (c->mode == FIRN_CHUNK_TRIAL && (is_full || c->n_values >= TRIAL_VALUES)) {
    FIRN_TRY(end_trial(c, err));
  }
  if (c->mode == FIRN_CHUNK_INDEXED && (is_full || fills_a_page(c))) {
    FIRN_TRY(drain(c, is_full, err));
  }
  if (is_full) {
    c->mode = FIRN_CHUNK_PLAIN;
    return add_plain(c, run, err);
  }
  return FIRN_OK;
}

size_t firn_chunk_encoded_bytes(const firn_chunk_writer *c) {
  size_t indexed = c->n_values * (size_t)index_bits(c) / 8 + c->n_levels * (c->rep_width + c->def_width) / 8;
  return c->encoded_bytes + c->dictionary.plain.len +
         (c->mode == FIRN_CHUNK_PLAIN ? (size_t)(c->plain_bits / 8) : indexed);
}

size_t firn_chunk_file_bytes(const firn_chunk_writer *c) {
  return c->page_bytes + (firn_chunk_encoded_bytes(c) - c->encoded_bytes);
}

size_t firn_chunk_memory(const firn_chunk_writer *c) {
  return c->page_bytes + c->rep.capacity + c->def.capacity + c->indexes.capacity + c->plain.capacity +
         c->entries.capacity + c->page_bounds.capacity + c->hashes.capacity + c->bounds.lower.capacity +
         c->bounds.upper.capacity + c->file.bounds.lower.capacity + c->file.bounds.upper.capacity +
         firn_dictionary_memory(&c->dictionary);
}

static firn_status count_in(firn_chunk_writer *c, firn_error *err) {
  c->file.n_values += (int64_t)c->n_done_values;
  c->file.n_nulls += (int64_t)c->n_nulls;
  c->file.n_nans += c->file.n_nans < 0 ? 0 : (int64_t)c->n_nans;
  c->file.compressed_bytes += (int64_t)c->dictionary_page.bytes;
  c->file.bounds.broken |= c->bounds.broken;
  if (c->bounds.any && !c->file.bounds.broken) {
    FIRN_TRY(firn_chunk_bounds_add(&c->file.bounds, c->order, firn_builder_bytes(&c->bounds.lower),
                                   firn_builder_bytes(&c->bounds.upper), err));
  }
  const firn_page_entry *pages = (const firn_page_entry *)(const void *)c->entries.data;
  for (size_t i = 0; i < c->entries.len / sizeof *pages; i++) {
    c->file.compressed_bytes += (int64_t)pages[i].bytes;
  }
  return FIRN_OK;
}

firn_status firn_chunk_finish(firn_chunk_writer *c, firn_error *err) {
  if (c->mode == FIRN_CHUNK_TRIAL) {
    FIRN_TRY(end_trial(c, err));
  }
  if (c->mode == FIRN_CHUNK_INDEXED) {
    FIRN_TRY(drain(c, true, err));
  }
  FIRN_TRY(firn_page_close_plain(c, err));
  if (c->dictionary.n > 0) {
    FIRN_TRY(firn_page_make_dictionary(c, err));
  }
  return count_in(c, err);
}

static void describe_bounds(const firn_chunk_writer *c, uint8_t shortened[FIRN_BOUND_ROOM],
                            firn_parquet_statistics *s) {
  firn_bytes lower = firn_builder_bytes(&c->bounds.lower), upper = firn_builder_bytes(&c->bounds.upper);
  if (!c->bounds.any || c->bounds.broken) {
    return;
  }
  s->has_min = firn_bound_lower(c->order, lower, footer_limit, &s->min);
  s->min_exact = s->min.len == lower.len;
  s->has_max = firn_bound_upper(c->order, upper, footer_limit, shortened, &s->max);
  s->max_exact = s->max.data == upper.data;
}

static void describe(const firn_chunk_writer *c, int64_t offset, firn_chunk_entry *out) {
  const firn_page_entry *pages = (const firn_page_entry *)(const void *)c->entries.data;
  firn_codec codec = c->is_uncompressed ? FIRN_CODEC_NONE : c->settings.codec;
  int64_t dictionary = (int64_t)c->dictionary_page.bytes;
  *out = (firn_chunk_entry){.n_nans = c->file.n_nans < 0 ? -1 : (int64_t)c->n_nans,
                            .dictionary_pages = dictionary > 0,
                            .indexed_pages = c->indexed_pages,
                            .plain_pages = c->plain_pages};
  firn_parquet_chunk *d = &out->chunk;
  d->leaf = c->path->leaf;
  d->codec = codec;
  d->codec_known = true;
  d->codec_number = firn_parquet_codec_number(codec);
  d->encodings = 1U << FIRN_PARQUET_RLE;
  d->encodings |= c->plain_pages > 0 || dictionary > 0 ? 1U << FIRN_PARQUET_PLAIN : 0;
  d->encodings |= c->indexed_pages > 0 ? 1U << FIRN_PARQUET_RLE_DICTIONARY : 0;
  d->n_values = (int64_t)c->n_done_values;
  d->compressed_bytes = dictionary;
  for (size_t i = 0; i < c->entries.len / sizeof *pages; i++) {
    d->compressed_bytes += (int64_t)pages[i].bytes;
  }
  d->uncompressed_bytes = (int64_t)c->encoded_bytes + c->head_bytes;
  d->dictionary_page_offset = dictionary > 0 ? offset : 0;
  d->data_page_offset = offset + dictionary;
  d->statistics.n_nulls = (int64_t)c->n_nulls;
}

firn_status firn_chunk_write(firn_chunk_writer *c, firn_parquet_sink sink, int64_t offset,
                             firn_chunk_entry *out, firn_error *err) {
  const firn_page_entry *pages = (const firn_page_entry *)(const void *)c->entries.data;
  if (c->dictionary_page.bytes > 0) {
    FIRN_TRY(sink.write(sink.self, (firn_bytes){c->dictionary_page.data, c->dictionary_page.bytes}, err));
  }
  for (size_t i = 0; i < c->entries.len / sizeof *pages; i++) {
    FIRN_TRY(sink.write(sink.self, (firn_bytes){pages[i].data, pages[i].bytes}, err));
  }
  describe(c, offset, out);
  describe_bounds(c, c->footer_room, &out->chunk.statistics);
  return FIRN_OK;
}

/* Spec: PageIndex.md, boundary order: of both lists, without pages of nulls. */
static int boundary_order(const firn_chunk_writer *c, const firn_page_entry *pages, size_t n) {
  bool ascends = true, descends = true;
  const firn_page_entry *before = NULL;
  for (size_t i = 0; i < n; i++) {
    const firn_page_entry *p = &pages[i];
    if (p->is_null) {
      continue;
    }
    if (before != NULL) {
      const uint8_t *b = c->page_bounds.data;
      int low = firn_bound_compare(c->order, (firn_bytes){b + before->lower_at, before->lower_len},
                                   (firn_bytes){b + p->lower_at, p->lower_len});
      int high = firn_bound_compare(c->order, (firn_bytes){b + before->upper_at, before->upper_len},
                                    (firn_bytes){b + p->upper_at, p->upper_len});
      ascends = ascends && low <= 0 && high <= 0;
      descends = descends && low >= 0 && high >= 0;
    }
    before = p;
  }
  return ascends ? FIRN_ORDER_ASCENDING : descends ? FIRN_ORDER_DESCENDING : FIRN_ORDER_NONE;
}

firn_status firn_chunk_indexes(firn_chunk_writer *c, int64_t offset, firn_builder *column_index,
                               firn_builder *offset_index, firn_error *err) {
  const firn_page_entry *pages = (const firn_page_entry *)(const void *)c->entries.data;
  size_t n = c->entries.len / sizeof *pages;
  firn_builder *offsets = &c->scratch->values;
  firn_builder_reset(offsets);
  offset += (int64_t)c->dictionary_page.bytes;
  for (size_t i = 0; i < n; i++) {
    firn_builder_add(offsets, (firn_bytes){(const uint8_t *)&offset, sizeof offset});
    offset += (int64_t)pages[i].bytes;
  }
  if (offsets->failed != FIRN_OK) {
    return no_memory(c, err);
  }
  firn_encode_offset_index(pages, n, (const int64_t *)(const void *)offsets->data, offset_index);
  if (c->wants_bounds && !c->no_column_index) {
    firn_column_index_parts parts = {.pages = pages,
                                     .n = n,
                                     .bounds = c->page_bounds.data,
                                     .order = boundary_order(c, pages, n),
                                     .has_nans = c->file.n_nans >= 0};
    firn_encode_column_index(&parts, column_index);
  }
  return column_index->failed != FIRN_OK || offset_index->failed != FIRN_OK ? no_memory(c, err) : FIRN_OK;
}

firn_status firn_chunk_bloom(firn_chunk_writer *c, firn_builder *to, firn_error *err) {
  const uint64_t *hashes = (const uint64_t *)(const void *)c->hashes.data;
  size_t n = c->hashes.len / sizeof *hashes;
  if (!c->settings.bloom_filter) {
    return FIRN_OK;
  }
  size_t size = firn_bloom_size(n + c->dictionary.n, c->settings.bloom_fpp);
  uint8_t *filter = firn_alloc(size);
  if (filter == NULL) {
    return no_memory(c, err);
  }
  for (size_t i = 0; i < n; i++) {
    firn_bloom_add(filter, size, hashes[i]);
  }
  for (uint32_t i = 0; i < c->dictionary.n; i++) {
    firn_bloom_add(filter, size, firn_bloom_hash(firn_dictionary_value(&c->dictionary, i)));
  }
  firn_bloom_write(filter, size, to);
  firn_free(filter);
  return to->failed != FIRN_OK ? no_memory(c, err) : FIRN_OK;
}

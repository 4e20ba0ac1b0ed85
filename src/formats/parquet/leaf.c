#include "formats/parquet/leaf_internal.h"

#include <assert.h>
#include <inttypes.h>

#include "base/alloc.h"

enum { MAX_LEVELS = 1 << 26 /* of one batch: what a run of two bytes may claim */, FIRST_BLOCK = 64 };

firn_status firn_parquet_buffer_reserve(firn_parquet_buffer *b, size_t size, firn_error *err) {
  if (size <= b->capacity) {
    return FIRN_OK;
  }
  size_t capacity = b->capacity + b->capacity / 2 > size ? b->capacity + b->capacity / 2 : size;
  uint8_t *moved = firn_realloc(b->data, capacity);
  if (moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a batch of %zu bytes", capacity);
  }
  memset(moved + b->capacity, 0, capacity - b->capacity);
  b->data = moved;
  b->capacity = capacity;
  return FIRN_OK;
}

void firn_parquet_buffer_free(firn_parquet_buffer *b) {
  firn_free(b->data);
  *b = (firn_parquet_buffer){NULL, 0};
}

/* Bytes that `n` values take. */
static size_t values_bytes(const firn_parquet_leaf *l, size_t n) {
  return l->values.value_size > 0 ? n * l->values.value_size : firn_bit_words(n) * sizeof(uint64_t);
}

firn_status firn_parquet_leaf_init(firn_parquet_leaf *l, const firn_parquet_node *node, firn_error *err) {
  firn_field field = {0};
  firn_parquet_convert convert;
  FIRN_TRY(firn_parquet_leaf_kind(node, &field, &convert, err));
  if (node->max_def > FIRN_PARQUET_MAX_LEVEL || node->max_rep > FIRN_PARQUET_MAX_LEVEL) {
    return firn_error_set(err, FIRN_LIMIT, "column %s nests deeper than %d levels", node->name,
                          FIRN_PARQUET_MAX_LEVEL);
  }
  l->node = node;
  l->kind = field.kind;
  l->max_def = (uint8_t)node->max_def;
  l->max_rep = (uint8_t)node->max_rep;
  firn_parquet_values_init(&l->values, node, convert, field.kind);
  return FIRN_OK;
}

static void drop_dictionary(firn_parquet_leaf *l) {
  firn_free(l->dictionary_page);
  l->dictionary_page = NULL;
  l->has_dictionary = false;
  l->values.dictionary = NULL;
  l->values.n_dictionary = 0;
}

void firn_parquet_leaf_free(firn_parquet_leaf *l) {
  drop_dictionary(l);
  firn_parquet_pages_free(&l->pages);
  firn_parquet_buffer_free(&l->dictionary);
  firn_parquet_buffer_free(&l->def_levels);
  firn_parquet_buffer_free(&l->rep_levels);
  firn_parquet_buffer_free(&l->slots);
  firn_parquet_buffer_free(&l->validity);
  firn_parquet_buffer_free(&l->dense);
}

static void reset(firn_parquet_leaf *l) {
  drop_dictionary(l);
  l->is_whole = true;
  l->pages_begin_rows = false;
  l->next_location = l->end_location = NULL;
  l->n_loaded = 0;
  l->page_left = 0;
  l->n_levels = l->n_pending = l->n_dense = l->n_dense_taken = l->n_rows_begun = l->n_older = 0;
}

firn_status firn_parquet_leaf_begin(firn_parquet_leaf *l, const firn_parquet_chunk *chunk, firn_error *err) {
  uint64_t at = (uint64_t)chunk->offset;
  reset(l);
  return firn_parquet_pages_begin(&l->pages, chunk, at, at, at + (uint64_t)chunk->compressed_bytes, err);
}

/* Where the dictionary ends that stands before the first data page and is needed wherever reading begins. The
 * index names that page; some writers give the chunk's first page, the dictionary, as the first of data. */
static uint64_t dictionary_end(const firn_parquet_chunk *chunk, const firn_parquet_offset_index *index) {
  int64_t first = index->pages[0].offset;
  return (uint64_t)(first > chunk->data_page_offset ? first : chunk->data_page_offset);
}

/* The last page that begins at or before a row. */
static size_t page_of(const firn_parquet_offset_index *index, int64_t row) {
  size_t low = 0;
  size_t high = index->n_pages;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (index->pages[middle].first_row <= row) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Where the pages of rows [from, to) end. */
static uint64_t pages_end(const firn_parquet_offset_index *index, int64_t from, int64_t to) {
  const firn_parquet_page_location *last = &index->pages[page_of(index, to > from ? to - 1 : from)];
  return (uint64_t)last->offset + (uint64_t)last->compressed_bytes;
}

firn_status firn_parquet_leaf_begin_at(firn_parquet_leaf *l, const firn_parquet_chunk *chunk,
                                       const firn_parquet_offset_index *index, int64_t from, int64_t to,
                                       size_t *skip, firn_error *err) {
  size_t first = page_of(index, from);
  reset(l);
  l->is_whole = false;
  l->pages_begin_rows = true;
  l->next_location = &index->pages[first];
  l->end_location = index->pages + index->n_pages;
  *skip = (size_t)(from - index->pages[first].first_row);
  return firn_parquet_pages_begin(&l->pages, chunk, dictionary_end(chunk, index),
                                  (uint64_t)index->pages[first].offset, pages_end(index, from, to), err);
}

firn_status firn_parquet_leaf_go_on(firn_parquet_leaf *l, const firn_parquet_offset_index *index, int64_t at,
                                    int64_t from, int64_t to, size_t *skip, firn_error *err) {
  *skip = (size_t)(from - at);
  if (l->is_whole || index->n_pages == 0) {
    return FIRN_OK;
  }
  size_t page = page_of(index, from);
  bool is_ahead = l->next_location != NULL && &index->pages[page] >= l->next_location;
  if (is_ahead) { /* what is left of the page, or of the rows below lists, is passed over with it */
    l->page_left = 0;
    l->n_levels = l->n_pending = l->n_dense = l->n_dense_taken = l->n_rows_begun = l->n_older = 0;
    l->next_location = &index->pages[page];
    *skip = (size_t)(from - index->pages[page].first_row);
    firn_parquet_pages_recycle(&l->pages, 0);
  }
  uint64_t next = is_ahead ? (uint64_t)index->pages[page].offset : firn_parquet_pages_at(&l->pages);
  return firn_parquet_pages_go_on(&l->pages, next, pages_end(index, from, to), err);
}

static firn_status levels_end_early(firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "levels end early or are larger than the schema allows");
}

static size_t count_of(const uint8_t *levels, uint8_t wanted, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    count += levels[i] == wanted;
  }
  return count;
}

/* The rows that the offset index promises of the next page; -1: there is none to tell. Goes on to the page
 * behind it. */
static int64_t promised_rows(firn_parquet_leaf *l) {
  const firn_parquet_page_location *p = l->next_location;
  if (p == NULL) {
    return -1;
  }
  bool is_last = p + 1 == l->end_location;
  l->next_location = is_last ? NULL : p + 1;
  return (is_last ? l->n_rows : p[1].first_row) - p->first_row;
}

/* A flat leaf has as many values as rows. */
static firn_status check_rows(int64_t n_rows, int64_t promised, firn_error *err) {
  if (promised >= 0 && n_rows != promised) {
    return firn_error_set(err, FIRN_CORRUPT, "a page has %" PRId64 " rows, the offset index says %" PRId64,
                          n_rows, promised);
  }
  return FIRN_OK;
}

/* Below lists: counts the rows of the page that has begun, which must begin with one of its own. A page may
 * be left before its end, so it is now or never. */
static firn_status check_nested_rows(const firn_parquet_leaf *l, int64_t promised, firn_error *err) {
  enum { AT_ONCE = 1024 };
  uint8_t levels[AT_ONCE];
  firn_rle rep = l->rep;
  int64_t n_rows = 0;
  for (size_t at = 0; promised >= 0 && at < l->page_left; at += AT_ONCE) {
    size_t n = l->page_left - at < AT_ONCE ? l->page_left - at : AT_ONCE;
    if (!firn_rle_read_u8(&rep, l->max_rep, levels, n)) {
      return levels_end_early(err);
    }
    if (at == 0 && levels[0] != 0) {
      return firn_error_set(err, FIRN_CORRUPT, "a page begins in the middle of a row");
    }
    n_rows += (int64_t)count_of(levels, 0, n);
  }
  return check_rows(n_rows, promised, err);
}

static bool at_end(firn_parquet_leaf *l) {
  if (l->page_left > 0) {
    return false;
  }
  return firn_parquet_pages_at_end(&l->pages) || (l->is_whole && l->n_loaded >= l->pages.chunk->n_values);
}

static firn_status read_dictionary(firn_parquet_leaf *l, const firn_parquet_page *page, firn_error *err) {
  const firn_parquet_page_head *h = &page->head;
  firn_page_buffer *buffer = firn_parquet_pages_detach(&l->pages);
  if (l->has_dictionary || l->n_loaded > 0) {
    firn_free(buffer);
    return firn_error_set(err, FIRN_CORRUPT, "a second dictionary, or one behind the data");
  }
  l->has_dictionary = true;
  l->dictionary_page = buffer;
  if (l->kind == FIRN_KIND_UNKNOWN) {
    return FIRN_OK;
  }
  if (h->encoding != FIRN_PARQUET_PLAIN && h->encoding != FIRN_PARQUET_PLAIN_DICTIONARY) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the dictionary is encoded as %s, which is not read",
                          firn_parquet_encoding_name(h->encoding));
  }
  size_t n = (size_t)h->n_values;
  size_t width = l->values.stored_width > 0 ? l->values.stored_width : sizeof(uint32_t);
  if (n > page->values.len / width) { /* before memory is taken for them */
    return firn_error_set(err, FIRN_CORRUPT, "%zu entries are not in a dictionary of %zu bytes", n,
                          page->values.len);
  }
  if (n > 0 && l->values.value_size > l->pages.max_page_bytes / n) {
    return firn_error_set(err, FIRN_LIMIT, "a dictionary of %zu entries; %zu bytes are the most", n,
                          l->pages.max_page_bytes);
  }
  FIRN_TRY(firn_parquet_buffer_reserve(&l->dictionary, values_bytes(l, n > 0 ? n : 1), err));
  FIRN_TRY(firn_parquet_dictionary_read(&l->values, page->values, l->dictionary.data, n, err));
  l->values.dictionary = l->dictionary.data;
  l->values.n_dictionary = n;
  return FIRN_OK;
}

static unsigned bits_for(unsigned max) {
  return max == 0 ? 0 : 32 - (unsigned)__builtin_clz(max);
}

static firn_status start_page(firn_parquet_leaf *l, const firn_parquet_page *page, firn_error *err) {
  const firn_parquet_page_head *h = &page->head;
  if (l->is_whole && h->n_values > l->pages.chunk->n_values - l->n_loaded) {
    return firn_error_set(err, FIRN_CORRUPT, "more values than the %" PRId64 " of the column chunk",
                          l->pages.chunk->n_values);
  }
  l->n_pages_read += l->next_location != NULL;
  int64_t promised = promised_rows(l);
  l->n_loaded += h->n_values;
  l->page_left = (size_t)h->n_values;
  l->pages_begin_rows = l->pages_begin_rows || h->type == FIRN_PAGE_DATA_V2;
  l->def = firn_rle_over(page->def, bits_for(l->max_def));
  l->rep = firn_rle_over(page->rep, bits_for(l->max_rep));
  l->n_older = l->n_pending;
  FIRN_TRY(l->max_rep == 0 ? check_rows(h->n_values, promised, err) : check_nested_rows(l, promised, err));
  return firn_parquet_values_start(&l->values, h->encoding, page->values, err);
}

/* The next page that has values. */
static firn_status load_page(firn_parquet_leaf *l, firn_ctx *ctx, firn_error *err) {
  while (l->page_left == 0) {
    if (at_end(l)) {
      return firn_error_set(err, FIRN_CORRUPT, "it has fewer values than the row group has rows");
    }
    firn_parquet_page page;
    FIRN_TRY(firn_parquet_pages_next(&l->pages, ctx, &page, err));
    if (page.head.type == FIRN_PAGE_DICTIONARY) {
      FIRN_TRY(read_dictionary(l, &page, err));
      continue;
    }
    FIRN_TRY(start_page(l, &page, err));
    if (l->page_left == 0) { /* nothing points into it, and there may be many such pages */
      firn_free(firn_parquet_pages_detach(&l->pages));
    }
  }
  return FIRN_OK;
}

void firn_parquet_leaf_next_batch(firn_parquet_leaf *l) {
  if (l->max_rep == 0) {
    firn_parquet_pages_recycle(&l->pages, l->page_left > 0 ? 1 : 0);
    return;
  }
  size_t n = l->n_pending - l->n_levels;
  size_t n_dense = l->n_dense - l->n_dense_taken;
  if (n > 0 && l->n_levels > 0) {
    memmove(l->def_levels.data, l->def_levels.data + l->n_levels, n);
    memmove(l->rep_levels.data, l->rep_levels.data + l->n_levels, n);
  }
  if (n_dense > 0 && l->n_dense_taken > 0) {
    if (l->values.value_size > 0) {
      memmove(l->dense.data, l->dense.data + values_bytes(l, l->n_dense_taken), values_bytes(l, n_dense));
    } else {
      uint64_t *bits = (uint64_t *)(void *)l->dense.data;
      for (size_t i = 0; i < n_dense; i++) {
        firn_bits_put(bits, i, firn_bit(bits, l->n_dense_taken + i), 1);
      }
    }
  }
  l->n_older = l->n_older > l->n_levels ? l->n_older - l->n_levels : 0;
  l->n_pending = n;
  l->n_dense = n_dense;
  l->n_levels = l->n_dense_taken = 0;
  if (l->n_older == 0) { /* else views of the backlog point into older pages too */
    firn_parquet_pages_recycle(&l->pages, l->page_left > 0 || n > 0 ? 1 : 0);
  }
}

/* ---- flat ---- */

firn_status firn_parquet_leaf_rows_at_hand(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows,
                                           size_t max_bytes, size_t *out, firn_error *err) {
  FIRN_TRY(load_page(l, ctx, err));
  size_t rows = l->page_left;
  if (rows < n_rows) {
    rows += firn_parquet_pages_ahead(&l->pages, n_rows - rows, max_bytes);
  }
  *out = rows < n_rows ? rows : n_rows;
  return FIRN_OK;
}

/* Moves `n_valid` values that stand at the front of a run of `n` to where the bits from `at` on are set, from
 * the back, so that none is overwritten before it has moved; nulls become zero. */
static void spread_at(uint8_t *values, size_t size, const uint64_t *validity, size_t at, size_t n,
                      size_t n_valid) {
  uint8_t *run = values + at * size;
  size_t from = n_valid;
  for (size_t i = n; i-- > 0;) {
    if (firn_bit(validity, at + i)) {
      from--;
      memmove(run + i * size, run + from * size, size);
    } else {
      memset(run + i * size, 0, size);
    }
  }
}

static void spread_bits(uint64_t *bits, const uint64_t *validity, size_t at, size_t n, size_t n_valid) {
  size_t from = n_valid;
  for (size_t i = n; i-- > 0;) {
    bool valid = firn_bit(validity, at + i);
    from -= valid;
    firn_bits_put(bits, at + i, valid ? firn_bit(bits, at + from) : 0, 1);
  }
}

static void spread(uint8_t *values, size_t size, const uint64_t *validity, size_t at, size_t n,
                   size_t n_valid) {
  switch (size) { /* constant sizes make the moves single instructions */
    case 0:
      spread_bits((uint64_t *)(void *)values, validity, at, n, n_valid);
      break;
    case 4:
      spread_at(values, 4, validity, at, n, n_valid);
      break;
    case 8:
      spread_at(values, 8, validity, at, n, n_valid);
      break;
    case 16:
      spread_at(values, 16, validity, at, n, n_valid);
      break;
    default:
      spread_at(values, size, validity, at, n, n_valid);
      break;
  }
}

/* Bits of validity from levels; how many are set. */
static size_t bits_of_levels(const uint8_t *levels, uint8_t wanted, uint64_t *bits, size_t at, size_t n) {
  size_t n_set = 0;
  for (size_t i = 0; i < n;) {
    size_t k = n - i < 64 ? n - i : 64;
    uint64_t word = 0;
    for (size_t j = 0; j < k; j++) {
      word |= (uint64_t)(levels[i + j] == wanted) << j;
    }
    firn_bits_put(bits, at + i, word, k);
    n_set += (size_t)__builtin_popcountll(word);
    i += k;
  }
  return n_set;
}

/* The next `n` definition levels of the page, as bits from `at` on. */
static firn_status read_validity(firn_parquet_leaf *l, size_t at, size_t n, size_t *n_valid,
                                 firn_error *err) {
  uint64_t *bits = (uint64_t *)(void *)l->validity.data;
  *n_valid = 0;
  if (!l->keeps_levels && l->max_def == 1) {
    return firn_rle_read_bits(&l->def, bits, at, n, n_valid) ? FIRN_OK : levels_end_early(err);
  }
  uint8_t *levels = l->def_levels.data + at;
  if (!firn_rle_read_u8(&l->def, l->max_def, levels, n)) {
    return levels_end_early(err);
  }
  *n_valid = bits_of_levels(levels, l->max_def, bits, at, n);
  return FIRN_OK;
}

static firn_status reserve_flat(firn_parquet_leaf *l, size_t n, firn_error *err) {
  FIRN_TRY(firn_parquet_buffer_reserve(&l->slots, values_bytes(l, n), err));
  if (l->max_def > 0) {
    FIRN_TRY(firn_parquet_buffer_reserve(&l->validity, firn_bit_words(n) * sizeof(uint64_t), err));
    FIRN_TRY(firn_parquet_buffer_reserve(&l->def_levels, n, err));
  }
  return FIRN_OK;
}

static firn_vector vector_of(const firn_parquet_leaf *l, size_t len, size_t n_nulls, void *values) {
  firn_vector v = {.kind = l->kind, .len = len, .n_nulls = n_nulls, .values = values};
  if (n_nulls > 0 && l->kind != FIRN_KIND_UNKNOWN) {
    v.validity = (uint64_t *)(void *)l->validity.data;
  }
  if (l->node->repetition == FIRN_PARQUET_REQUIRED && l->kind != FIRN_KIND_UNKNOWN) {
    v.validity = NULL; /* only something above it is null there */
    v.n_nulls = 0;
  }
  return v;
}

firn_status firn_parquet_leaf_read(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows, firn_vector *out,
                                   firn_error *err) {
  size_t n_nulls = 0;
  FIRN_TRY(reserve_flat(l, n_rows, err));
  for (size_t at = 0; at < n_rows;) {
    FIRN_TRY(load_page(l, ctx, err));
    size_t n = l->page_left < n_rows - at ? l->page_left : n_rows - at;
    size_t n_valid = n;
    if (l->max_def > 0) {
      FIRN_TRY(read_validity(l, at, n, &n_valid, err));
    }
    if (n_valid > 0) {
      FIRN_TRY(l->values.decoder->read(&l->values, l->slots.data, at, n_valid, err));
    }
    if (n_valid < n && l->kind != FIRN_KIND_UNKNOWN) {
      spread(l->slots.data, l->values.value_size, (const uint64_t *)(const void *)l->validity.data, at, n,
             n_valid);
    }
    n_nulls += n - n_valid;
    l->page_left -= n;
    at += n;
  }
  l->n_levels = n_rows;
  *out = vector_of(l, n_rows, n_nulls, l->kind == FIRN_KIND_UNKNOWN ? NULL : l->slots.data);
  return FIRN_OK;
}

static firn_status skip_in_page(firn_parquet_leaf *l, size_t n, firn_error *err) {
  size_t n_valid = n;
  if (l->max_def > 0) {
    FIRN_TRY(reserve_flat(l, n, err));
    FIRN_TRY(read_validity(l, 0, n, &n_valid, err));
  }
  FIRN_TRY(l->values.decoder->skip(&l->values, n_valid, err));
  l->page_left -= n;
  return FIRN_OK;
}

firn_status firn_parquet_leaf_skip(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows, firn_error *err) {
  enum { STEP = 1 << 16 }; /* bounds the levels that are decoded at once */
  while (n_rows > 0) {
    firn_parquet_page_head head = {.type = -1};
    if (l->page_left == 0 && !at_end(l)) {
      FIRN_TRY(firn_parquet_pages_peek(&l->pages, ctx, &head, err));
    }
    bool is_data = head.type == FIRN_PAGE_DATA || head.type == FIRN_PAGE_DATA_V2;
    if (is_data && (size_t)head.n_values <= n_rows) {
      FIRN_TRY(check_rows(head.n_values, promised_rows(l), err));
      l->n_loaded += head.n_values;
      n_rows -= (size_t)head.n_values;
      firn_parquet_pages_skip(&l->pages, &head);
      continue;
    }
    FIRN_TRY(load_page(l, ctx, err));
    size_t n = l->page_left < n_rows ? l->page_left : n_rows;
    n = n < STEP ? n : STEP;
    FIRN_TRY(skip_in_page(l, n, err));
    n_rows -= n;
  }
  return FIRN_OK;
}

/* ---- below lists ---- */

/* Reads `n` more levels of the page, and their values, into the backlog. */
static firn_status read_block(firn_parquet_leaf *l, size_t n, firn_error *err) {
  size_t at = l->n_pending;
  if (n > MAX_LEVELS - at) {
    return firn_error_set(err, FIRN_LIMIT, "more than %d values in one batch of rows", MAX_LEVELS);
  }
  FIRN_TRY(firn_parquet_buffer_reserve(&l->def_levels, at + n, err));
  FIRN_TRY(firn_parquet_buffer_reserve(&l->rep_levels, at + n, err));
  uint8_t *def = l->def_levels.data + at;
  uint8_t *rep = l->rep_levels.data + at;
  if (!firn_rle_read_u8(&l->rep, l->max_rep, rep, n) || !firn_rle_read_u8(&l->def, l->max_def, def, n)) {
    return levels_end_early(err);
  }
  if (at == 0 && rep[0] != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "a row begins in the middle of a list");
  }
  size_t n_valid = count_of(def, l->max_def, n);
  FIRN_TRY(firn_parquet_buffer_reserve(&l->dense, values_bytes(l, l->n_dense + n_valid), err));
  if (n_valid > 0) {
    FIRN_TRY(l->values.decoder->read(&l->values, l->dense.data, l->n_dense, n_valid, err));
  }
  l->n_pending += n;
  l->n_dense += n_valid;
  l->n_rows_begun += count_of(rep, 0, n);
  l->page_left -= n;
  return FIRN_OK;
}

/* The last row that has begun may go on in what has not been read. */
static size_t complete_rows(firn_parquet_leaf *l) {
  bool ended = at_end(l) || (l->page_left == 0 && l->pages_begin_rows);
  return l->n_rows_begun - (l->n_rows_begun > 0 && !ended);
}

firn_status firn_parquet_leaf_fill(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows, size_t max_bytes,
                                   size_t *out, firn_error *err) {
  enum { BLOCK_MAX = 1 << 13, LEVELS_ENOUGH = 1 << 20 };
  for (;;) {
    size_t rows = complete_rows(l);
    bool enough = l->pages.live_bytes > max_bytes || l->n_pending > LEVELS_ENOUGH;
    if (rows >= n_rows || (rows > 0 && enough)) {
      *out = rows < n_rows ? rows : n_rows;
      return FIRN_OK;
    }
    if (at_end(l) && rows > 0) { /* the next batch will find out that rows are missing */
      *out = rows;
      return FIRN_OK;
    }
    if (l->pages.live_bytes / 2 > l->pages.max_page_bytes && l->page_left == 0) {
      return firn_error_set(err, FIRN_LIMIT, "one row has more than %zu bytes of pages",
                            l->pages.max_page_bytes);
    }
    FIRN_TRY(load_page(l, ctx, err));
    size_t n = n_rows - rows > FIRST_BLOCK ? n_rows - rows : FIRST_BLOCK;
    n = n < BLOCK_MAX ? n : BLOCK_MAX;
    FIRN_TRY(read_block(l, n < l->page_left ? n : l->page_left, err));
  }
}

/* How many levels the first `n_rows` rows have. */
static size_t levels_of_rows(const firn_parquet_leaf *l, size_t n_rows) {
  const uint8_t *rep = l->rep_levels.data;
  size_t rows = 0;
  for (size_t i = 0; i < l->n_pending; i++) {
    rows += rep[i] == 0;
    if (rows > n_rows) {
      return i;
    }
  }
  return l->n_pending;
}

/* Gives every slot a value, nulls zero. */
static void fill_slots(firn_parquet_leaf *l, size_t n_slots) {
  size_t size = l->values.value_size;
  uint64_t *validity = (uint64_t *)(void *)l->validity.data;
  const uint8_t *def = l->def_levels.data;
  size_t slot = 0;
  for (size_t i = 0; i < l->n_levels; i++) {
    if (def[i] >= l->slot_def) {
      firn_bits_put(validity, slot++, def[i] == l->max_def, 1);
    }
  }
  if (l->kind == FIRN_KIND_UNKNOWN) {
    return;
  }
  size_t bytes = values_bytes(l, l->n_dense_taken);
  if (bytes > 0) {
    memcpy(l->slots.data, l->dense.data, bytes);
  }
  spread(l->slots.data, size, validity, 0, n_slots, l->n_dense_taken);
}

firn_status firn_parquet_leaf_take(firn_parquet_leaf *l, size_t n_rows, firn_vector *out, firn_error *err) {
  assert(l->n_levels == 0 && l->n_dense_taken == 0);
  size_t n = levels_of_rows(l, n_rows);
  const uint8_t *def = l->def_levels.data;
  size_t n_slots = 0;
  for (size_t i = 0; i < n; i++) {
    n_slots += def[i] >= l->slot_def;
  }
  l->n_levels = n;
  l->n_dense_taken = count_of(def, l->max_def, n);
  l->n_rows_begun -= n_rows;
  void *values = l->dense.data;
  if (n_slots != l->n_dense_taken) {
    FIRN_TRY(firn_parquet_buffer_reserve(&l->validity, firn_bit_words(n_slots) * sizeof(uint64_t), err));
    FIRN_TRY(firn_parquet_buffer_reserve(&l->slots, values_bytes(l, n_slots), err));
    fill_slots(l, n_slots);
    values = l->slots.data;
  }
  *out = vector_of(l, n_slots, n_slots - l->n_dense_taken, l->kind == FIRN_KIND_UNKNOWN ? NULL : values);
  return FIRN_OK;
}

firn_status firn_parquet_leaf_finish(firn_parquet_leaf *l, firn_error *err) {
  if (l->n_pending > l->n_levels ||
      (l->is_whole && (l->page_left > 0 || l->n_loaded != l->pages.chunk->n_values))) {
    return firn_error_set(err, FIRN_CORRUPT, "it has more values than the row group has rows");
  }
  return FIRN_OK;
}

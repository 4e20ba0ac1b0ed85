/* From rows to pages: levels, values, compression, head, statistics. Spec: README.md, Data Pages;
 * Compression.md. */
#include "base/alloc.h"
#include "formats/parquet/chunk_internal.h"
#include "formats/parquet/hybrid_write_internal.h"

/* In the column index and the footer; whole bounds are kept beside them. */
static const firn_bound_limit index_limit = {.bytes = 64};

/* What is known of a page when its body is made. */
typedef struct page_facts {
  size_t n_rows, n_levels, n_values, n_nans;
  bool has_bounds;
  firn_bytes min, max;
  firn_parquet_encoding encoding;
} page_facts;

static firn_status check_builder(const firn_builder *b, firn_error *err) {
  firn_bytes built;
  return firn_builder_finish(b, &built, err);
}

static firn_status replace(firn_builder *b, firn_bytes with, firn_error *err) {
  firn_builder_reset(b);
  firn_builder_add(b, with);
  return check_builder(b, err);
}

firn_status firn_chunk_bounds_add(firn_chunk_bounds *b, firn_bound_order order, firn_bytes min,
                                  firn_bytes max, firn_error *err) {
  if (!b->any || firn_bound_compare(order, min, firn_builder_bytes(&b->lower)) < 0) {
    FIRN_TRY(replace(&b->lower, min, err));
  }
  if (!b->any || firn_bound_compare(order, max, firn_builder_bytes(&b->upper)) > 0) {
    FIRN_TRY(replace(&b->upper, max, err));
  }
  b->any = true;
  return FIRN_OK;
}

static void add_bound(firn_chunk_writer *c, firn_bytes v, uint32_t *at, uint32_t *len) {
  *at = (uint32_t)c->page_bounds.len;
  *len = (uint32_t)v.len;
  firn_builder_add(&c->page_bounds, v);
}

/* The page's line in the column index, and its share of the chunk's bounds. */
static firn_status note_bounds(firn_chunk_writer *c, const page_facts *facts, firn_page_entry *e,
                               firn_error *err) {
  uint8_t room[FIRN_BOUND_ROOM];
  firn_bytes low, high;
  if (!c->wants_bounds || facts->n_values == 0 || c->bounds.broken) {
    return FIRN_OK;
  }
  if (!facts->has_bounds) { /* nothing but NaN: Spec: then the chunk has no column index */
    c->no_column_index = true;
    return FIRN_OK;
  }
  if (!firn_bound_lower(c->order, facts->min, index_limit, &low) ||
      !firn_bound_lower(c->order, facts->max, index_limit, &high)) {
    c->bounds.broken = c->no_column_index = true;
    return FIRN_OK;
  }
  if (!firn_bound_upper(c->order, facts->max, index_limit, room, &high)) {
    high = facts->max; /* nothing shorter is large enough */
  }
  add_bound(c, low, &e->lower_at, &e->lower_len);
  add_bound(c, high, &e->upper_at, &e->upper_len);
  FIRN_TRY(check_builder(&c->page_bounds, err));
  return firn_chunk_bounds_add(&c->bounds, c->order, facts->min, facts->max, err);
}

static bool pays(size_t packed, size_t raw) {
  return packed < raw - raw / 16;
}

/* Whether compression does anything for this chunk, judged by its first page and what the dictionary has so
 * far. */
static firn_status judge_compression(firn_chunk_writer *c, size_t packed, size_t raw, firn_error *err) {
  if (c->dictionary.n > 0) {
    firn_builder *judged = &c->scratch->judged;
    firn_builder_reset(judged);
    FIRN_TRY(firn_compress(c->settings.compressor, firn_builder_bytes(&c->dictionary.plain), judged, err));
    packed += judged->len;
    raw += c->dictionary.plain.len;
  }
  c->is_uncompressed = !pays(packed, raw);
  return FIRN_OK;
}

/* The body as it will stand in the file; borrowed. */
static firn_status pack(firn_chunk_writer *c, firn_bytes body, bool is_first, firn_bytes *out,
                        firn_error *err) {
  if (body.len > INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "%s: a page of %zu bytes; Parquet allows 2 GiB", c->path->dotted,
                          body.len);
  }
  *out = body;
  if (c->settings.compressor == NULL || c->is_uncompressed) {
    return FIRN_OK;
  }
  firn_builder *packed = &c->scratch->packed;
  firn_builder_reset(packed);
  FIRN_TRY(firn_compress(c->settings.compressor, body, packed, err));
  if (is_first && c->settings.skip_incompressible) {
    FIRN_TRY(judge_compression(c, packed->len, body.len, err));
  }
  return c->is_uncompressed ? FIRN_OK : firn_builder_finish(packed, out, err);
}

/* Head and body, in a block of their own size: what many pages take together would be moved again and again
 * if it grew in one piece. */
static firn_status make_page(firn_chunk_writer *c, firn_page_head *head, firn_bytes body, firn_page_entry *e,
                             firn_error *err) {
  firn_bytes packed;
  firn_builder *thrift = &c->scratch->head;
  FIRN_TRY(pack(c, body, c->entries.len == 0 && !head->is_dictionary, &packed, err));
  head->uncompressed_bytes = body.len;
  head->compressed_bytes = packed.len;
  firn_builder_reset(thrift);
  firn_encode_page_head(head, thrift);
  FIRN_TRY(check_builder(thrift, err));
  e->bytes = thrift->len + packed.len;
  e->data = firn_alloc_raw(e->bytes);
  if (e->data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "%s: no memory for a page of %zu bytes", c->path->dotted,
                          e->bytes);
  }
  memcpy(e->data, thrift->data, thrift->len);
  if (packed.len > 0) {
    memcpy(e->data + thrift->len, packed.data, packed.len);
  }
  c->page_bytes += e->bytes;
  c->head_bytes += (int64_t)thrift->len;
  c->encoded_bytes += body.len;
  return FIRN_OK;
}

static firn_status add_data_page(firn_chunk_writer *c, const page_facts *facts, firn_bytes body,
                                 firn_error *err) {
  firn_page_entry e = {.first_row = (int64_t)c->n_done_rows,
                       .n_nulls = (int64_t)(facts->n_levels - facts->n_values),
                       .n_nans = (int64_t)facts->n_nans,
                       .is_null = facts->n_values == 0};
  firn_page_head head = {.encoding = facts->encoding, .n_values = facts->n_levels};
  FIRN_TRY(note_bounds(c, facts, &e, err));
  firn_page_entry *kept = (firn_page_entry *)(void *)firn_builder_reserve(&c->entries, sizeof e);
  if (kept == NULL) {
    return check_builder(&c->entries, err);
  }
  FIRN_TRY(make_page(c, &head, body, &e, err));
  *kept = e; /* from here on the chunk frees it */
  firn_builder_claim(&c->entries, sizeof e);
  c->n_done_rows += facts->n_rows;
  c->n_done_values += facts->n_levels;
  c->n_nulls += (size_t)e.n_nulls;
  c->n_nans += facts->n_nans;
  *(facts->encoding == FIRN_PARQUET_PLAIN ? &c->plain_pages : &c->indexed_pages) += 1;
  return FIRN_OK;
}

/* Levels of a v1 page: each kind with its length in front, none where there is only one level. */
static void write_levels(firn_builder *to, const uint8_t *levels, size_t n, unsigned width) {
  if (width == 0) {
    return;
  }
  size_t start = to->len;
  firn_builder_add_u32le(to, 0);
  firn_hybrid_write_levels(to, levels, n, width);
  if (to->failed == FIRN_OK) {
    uint32_t len = (uint32_t)(to->len - start - sizeof len);
    memcpy(to->data + start, &len, sizeof len);
  }
}

static void pack_booleans(firn_builder *to, const uint8_t *values, size_t n) {
  uint8_t *bits = firn_builder_reserve(to, (n + 7) / 8);
  if (bits == NULL) {
    return;
  }
  memset(bits, 0, (n + 7) / 8);
  for (size_t i = 0; i < n; i++) {
    bits[i / 8] |= (uint8_t)(values[i] << (i % 8));
  }
  firn_builder_claim(to, (n + 7) / 8);
}

/* The open page's levels and values in one piece. Few levels fit into the room before the values. */
static firn_status plain_body(firn_chunk_writer *c, firn_bytes *body, firn_error *err) {
  firn_builder *levels = &c->scratch->levels;
  firn_builder_reset(levels);
  write_levels(levels, c->rep.data, c->n_levels, c->rep_width);
  write_levels(levels, c->def.data, c->n_levels, c->def_width);
  FIRN_TRY(check_builder(levels, err));
  bool is_boolean = c->path->leaf->type == FIRN_PARQUET_BOOLEAN;
  firn_bytes values = {c->plain.data + FIRN_PLAIN_START, c->plain.len - FIRN_PLAIN_START};
  if (levels->len <= FIRN_PLAIN_START && !is_boolean) {
    uint8_t *start = c->plain.data + FIRN_PLAIN_START - levels->len;
    if (levels->len > 0) {
      memcpy(start, levels->data, levels->len);
    }
    *body = (firn_bytes){start, levels->len + values.len};
    return FIRN_OK;
  }
  if (is_boolean) {
    pack_booleans(levels, values.data, values.len);
  } else {
    firn_builder_add(levels, values);
  }
  return firn_builder_finish(levels, body, err);
}

firn_status firn_page_close_plain(firn_chunk_writer *c, firn_error *err) {
  uint8_t room[16];
  firn_bytes body;
  if (c->n_rows == 0) {
    return FIRN_OK;
  }
  page_facts facts = {.n_rows = c->n_rows,
                      .n_levels = c->n_levels,
                      .n_values = c->n_values,
                      .n_nans = c->extremes.n_nans,
                      .has_bounds = c->extremes.any,
                      .encoding = FIRN_PARQUET_PLAIN};
  if (facts.has_bounds) {
    firn_extremes_get(&c->extremes, c->order, c->plain.data, room, &facts.min, &facts.max);
  }
  FIRN_TRY(plain_body(c, &body, err));
  FIRN_TRY(add_data_page(c, &facts, body, err));
  firn_builder_reset(&c->rep);
  firn_builder_reset(&c->def);
  c->plain.len = FIRN_PLAIN_START;
  c->n_rows = c->n_levels = c->n_values = 0;
  c->plain_bits = 0;
  c->extremes = (firn_extremes){0};
  return FIRN_OK;
}

/* Of runs of bytes: each distinct value of the page is looked at once. */
static firn_status extremes_of_runs(firn_chunk_writer *c, const firn_indexed_rows *rows, firn_extremes *out,
                                    firn_error *err) {
  const firn_dictionary *d = &c->dictionary;
  firn_builder_reset(&c->scratch->seen);
  uint8_t *seen = firn_builder_reserve(&c->scratch->seen, d->n);
  if (seen == NULL) {
    return check_builder(&c->scratch->seen, err);
  }
  memset(seen, 0, d->n);
  for (size_t i = 0; i < rows->n_values; i++) {
    seen[rows->indexes[i]] = 1;
  }
  for (uint32_t i = 0; i < d->n; i++) {
    if (seen[i] != 0) {
      firn_bytes v = firn_dictionary_value(d, i);
      firn_extremes_add_run(out, c->order, d->plain.data, (size_t)(v.data - d->plain.data), v.len);
    }
  }
  return FIRN_OK;
}

static firn_status extremes_of_numbers(firn_chunk_writer *c, const firn_indexed_rows *rows,
                                       firn_extremes *out, firn_error *err) {
  size_t width = c->dictionary.width;
  firn_builder_reset(&c->scratch->values);
  uint8_t *values = firn_builder_reserve(&c->scratch->values, rows->n_values * width);
  if (values == NULL) {
    return check_builder(&c->scratch->values, err);
  }
  for (size_t i = 0; i < rows->n_values; i++) {
    memcpy(values + i * width, c->dictionary.plain.data + rows->indexes[i] * width, width);
  }
  firn_extremes_add(out, c->order, values, rows->n_values);
  return FIRN_OK;
}

static firn_status indexed_extremes(firn_chunk_writer *c, const firn_indexed_rows *rows, firn_extremes *out,
                                    firn_error *err) {
  switch (c->order) {
    case FIRN_BOUND_NONE:
      return FIRN_OK;
    case FIRN_BOUND_BYTES:
    case FIRN_BOUND_TEXT:
    case FIRN_BOUND_DECIMAL:
      return extremes_of_runs(c, rows, out, err);
    default:
      return extremes_of_numbers(c, rows, out, err);
  }
}

firn_status firn_page_add_indexed(firn_chunk_writer *c, const firn_indexed_rows *rows, firn_error *err) {
  uint8_t room[16];
  firn_bytes made;
  firn_extremes extremes = {0};
  page_facts facts = {.n_rows = rows->n_rows,
                      .n_levels = rows->n_levels,
                      .n_values = rows->n_values,
                      .encoding = FIRN_PARQUET_RLE_DICTIONARY};
  FIRN_TRY(indexed_extremes(c, rows, &extremes, err));
  facts.n_nans = extremes.n_nans;
  facts.has_bounds = extremes.any;
  if (extremes.any) {
    firn_extremes_get(&extremes, c->order, c->dictionary.plain.data, room, &facts.min, &facts.max);
  }
  firn_builder *body = &c->scratch->body;
  unsigned width = c->dictionary.n < 2 ? 1 : firn_bit_width(c->dictionary.n - 1);
  firn_builder_reset(body);
  write_levels(body, rows->rep, rows->n_levels, c->rep_width);
  write_levels(body, rows->def, rows->n_levels, c->def_width);
  firn_builder_add_u8(body, (uint8_t)width);
  firn_hybrid_write_indexes(body, rows->indexes, rows->n_values, width);
  FIRN_TRY(firn_builder_finish(body, &made, err));
  return add_data_page(c, &facts, made, err);
}

firn_status firn_page_make_dictionary(firn_chunk_writer *c, firn_error *err) {
  firn_page_head head = {.is_dictionary = true, .encoding = FIRN_PARQUET_PLAIN, .n_values = c->dictionary.n};
  return make_page(c, &head, firn_builder_bytes(&c->dictionary.plain), &c->dictionary_page, err);
}

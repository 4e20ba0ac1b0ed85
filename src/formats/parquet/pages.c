#include "formats/parquet/pages_internal.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "formats/parquet/values_internal.h"

enum {
  HEAD_GUESS = 512,          /* most heads are much smaller */
  HEAD_MAX_BYTES = 16 << 20, /* statistics may carry long values */
  SPARE_MAX_BYTES = 4 << 20, /* a larger buffer is not worth keeping */
};

static firn_page_segment *current(firn_parquet_pages *p) {
  return &p->segments[p->current];
}

static void begin_segment(firn_page_segment *s, uint64_t at, uint64_t end) {
  s->at = at;
  s->end = end;
  s->window_at = at;
  s->window_len = 0;
}

static firn_status check_run(const firn_parquet_chunk *chunk, uint64_t data_at, uint64_t data_end,
                             firn_error *err) {
  uint64_t start = (uint64_t)chunk->offset;
  uint64_t end = start + (uint64_t)chunk->compressed_bytes;
  if (data_at < start || data_end < data_at || data_end > end) {
    return firn_error_set(err, FIRN_CORRUPT, "the offset index names pages outside the column chunk");
  }
  return FIRN_OK;
}

uint64_t firn_parquet_pages_at(const firn_parquet_pages *p) {
  return p->segments[1].at;
}

firn_status firn_parquet_pages_go_on(firn_parquet_pages *p, uint64_t data_at, uint64_t data_end,
                                     firn_error *err) {
  data_end = data_end > data_at ? data_end : data_at; /* the page in use is the last one */
  FIRN_TRY(check_run(p->chunk, data_at, data_end, err));
  p->segments[1].at = data_at;
  p->segments[1].end = data_end;
  return FIRN_OK;
}

firn_status firn_parquet_pages_begin(firn_parquet_pages *p, const firn_parquet_chunk *chunk,
                                     uint64_t dictionary_end, uint64_t data_at, uint64_t data_end,
                                     firn_error *err) {
  uint64_t start = (uint64_t)chunk->offset;
  FIRN_TRY(check_run(chunk, data_at, data_end, err));
  p->chunk = chunk;
  p->current = 0;
  begin_segment(&p->segments[0], start, dictionary_end <= data_at ? dictionary_end : start);
  begin_segment(&p->segments[1], data_at, data_end);
  firn_parquet_pages_recycle(p, 0);
  return FIRN_OK;
}

static void pass_empty_segments(firn_parquet_pages *p) {
  while (p->current == 0 && p->segments[0].at >= p->segments[0].end) {
    p->current = 1;
  }
}

bool firn_parquet_pages_at_end(firn_parquet_pages *p) {
  pass_empty_segments(p);
  return current(p)->at >= current(p)->end;
}

/* What the window holds from the next page on. */
static firn_bytes at_hand(const firn_page_segment *s, uint64_t at) {
  if (at < s->window_at || at >= s->window_at + s->window_len) {
    return (firn_bytes){NULL, 0};
  }
  size_t from = (size_t)(at - s->window_at);
  return (firn_bytes){s->window + from, s->window_len - from};
}

/* Moves what is still wanted to the front and makes room for `len` bytes from the next page on. */
static firn_status make_room(firn_page_segment *s, size_t len, firn_error *err) {
  firn_bytes kept = at_hand(s, s->at);
  if (kept.len > 0 && kept.data != s->window) {
    memmove(s->window, kept.data, kept.len);
  }
  s->window_at = s->at;
  s->window_len = kept.len;
  if (len > s->capacity) {
    uint8_t *moved = firn_realloc(s->window, len);
    if (moved == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory to read %zu bytes ahead", len);
    }
    s->window = moved;
    s->capacity = len;
  }
  return FIRN_OK;
}

/* How many bytes should be in the window: at least `needed`, usually a window full, never beyond the end. */
static size_t window_size(const firn_parquet_pages *p, const firn_page_segment *s, size_t needed) {
  size_t wanted = needed > p->window_bytes ? needed : p->window_bytes;
  uint64_t left = s->end - s->at;
  return wanted < left ? wanted : (size_t)left;
}

static firn_status fill(firn_parquet_pages *p, firn_ctx *ctx, size_t needed, firn_error *err) {
  firn_page_segment *s = current(p);
  if (at_hand(s, s->at).len >= needed) {
    return FIRN_OK;
  }
  if (needed > s->end - s->at) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "a page of %zu bytes at %" PRIu64 " crosses the end of its column", needed, s->at);
  }
  size_t size = window_size(p, s, needed);
  FIRN_TRY(make_room(s, size, err));
  firn_parquet_range range = {s->at + s->window_len, size - s->window_len, s->window + s->window_len};
  FIRN_TRY(firn_parquet_file_fetch(p->file, ctx, &range, 1, err));
  s->window_len = size;
  return FIRN_OK;
}

/* How much of the next page is known to be needed; `*there` when all of it is in the window. */
static size_t next_needs(const firn_page_segment *s, bool *there) {
  firn_parquet_page_head head;
  firn_bytes have = at_hand(s, s->at);
  *there = false;
  if (have.len == 0 || !firn_parquet_page_head_read(have, &head)) {
    return HEAD_GUESS;
  }
  if (head.compressed_bytes < 0) { /* the page will be refused when it is read */
    *there = true;
    return 0;
  }
  size_t needed = (size_t)head.head_bytes + (size_t)head.compressed_bytes;
  *there = have.len >= needed;
  return needed;
}

bool firn_parquet_pages_lack(const firn_parquet_pages *p) {
  for (unsigned i = p->current; i < 2; i++) {
    bool there;
    if (p->segments[i].at < p->segments[i].end) {
      (void)next_needs(&p->segments[i], &there); /* only whether it is there */
      if (!there) {
        return true;
      }
    }
  }
  return false;
}

firn_status firn_parquet_pages_want(firn_parquet_pages *p, firn_error *err) {
  for (unsigned i = 0; i < 2; i++) {
    firn_page_segment *s = &p->segments[i];
    bool there;
    s->wanted = 0;
    if (s->at >= s->end) {
      continue;
    }
    size_t have = at_hand(s, s->at).len;
    size_t size = window_size(p, s, next_needs(s, &there));
    if (have < size && (!there || have < size / 2)) {
      FIRN_TRY(make_room(s, size, err));
      s->wanted = size;
    }
  }
  return FIRN_OK;
}

size_t firn_parquet_pages_ranges(const firn_parquet_pages *p, firn_parquet_range ranges[2]) {
  size_t n = 0;
  for (unsigned i = 0; i < 2; i++) {
    const firn_page_segment *s = &p->segments[i];
    if (s->wanted > s->window_len) {
      ranges[n++] = (firn_parquet_range){.offset = s->window_at + s->window_len,
                                         .len = s->wanted - s->window_len,
                                         .into = s->window + s->window_len};
    }
  }
  return n;
}

void firn_parquet_pages_filled(firn_parquet_pages *p) {
  for (unsigned i = 0; i < 2; i++) {
    firn_page_segment *s = &p->segments[i];
    s->window_len = s->wanted > 0 ? s->wanted : s->window_len;
    s->wanted = 0;
  }
}

static firn_status check_head(const firn_parquet_pages *p, const firn_page_segment *s,
                              const firn_parquet_page_head *h, firn_error *err) {
  if (h->compressed_bytes < 0 || h->uncompressed_bytes < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "its head has no sizes");
  }
  if ((uint64_t)h->head_bytes + (uint64_t)h->compressed_bytes > s->end - s->at) {
    return firn_error_set(err, FIRN_CORRUPT, "%" PRId32 " bytes cross the end of the column",
                          h->compressed_bytes);
  }
  if ((size_t)h->uncompressed_bytes > p->max_page_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "%" PRId32 " bytes; %zu are the most", h->uncompressed_bytes,
                          p->max_page_bytes);
  }
  bool has_values =
      h->type == FIRN_PAGE_DATA || h->type == FIRN_PAGE_DATA_V2 || h->type == FIRN_PAGE_DICTIONARY;
  if (has_values && h->n_values < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "its head does not count its values");
  }
  return FIRN_OK;
}

static firn_status peek(firn_parquet_pages *p, firn_ctx *ctx, firn_parquet_page_head *out, firn_error *err) {
  pass_empty_segments(p);
  firn_page_segment *s = current(p);
  uint64_t left = s->end - s->at;
  for (size_t size = HEAD_GUESS;; size *= 4) {
    size = size < left ? size : (size_t)left;
    FIRN_TRY(fill(p, ctx, size, err));
    if (firn_parquet_page_head_read(at_hand(s, s->at), out)) {
      return check_head(p, s, out, err);
    }
    if (size == left || size > HEAD_MAX_BYTES) {
      return firn_error_set(err, FIRN_CORRUPT, "its head is broken");
    }
  }
}

firn_status firn_parquet_pages_peek(firn_parquet_pages *p, firn_ctx *ctx, firn_parquet_page_head *out,
                                    firn_error *err) {
  if (firn_parquet_pages_at_end(p)) {
    return firn_error_set(err, FIRN_CORRUPT, "the pages end early");
  }
  uint64_t at = current(p)->at;
  firn_status status = peek(p, ctx, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "page at %" PRIu64, at);
}

static bool is_data(const firn_parquet_page_head *h) {
  return h->type == FIRN_PAGE_DATA || h->type == FIRN_PAGE_DATA_V2;
}

size_t firn_parquet_pages_ahead(const firn_parquet_pages *p, size_t n_values, size_t max_bytes) {
  const firn_page_segment *s = &p->segments[1];
  firn_parquet_page_head head;
  size_t values = 0;
  size_t bytes = 0;
  for (uint64_t at = s->at; values < n_values && bytes < max_bytes && at < s->end;) {
    firn_bytes have = at_hand(s, at);
    if (have.len == 0 || !firn_parquet_page_head_read(have, &head) || head.compressed_bytes < 0 ||
        head.uncompressed_bytes < 0) {
      break;
    }
    if (is_data(&head)) {
      bytes += (size_t)head.uncompressed_bytes;
      if (bytes > max_bytes || head.n_values < 0) {
        break;
      }
      values += (size_t)head.n_values;
    }
    at += (uint64_t)head.head_bytes + (uint64_t)head.compressed_bytes;
  }
  return values;
}

void firn_parquet_pages_skip(firn_parquet_pages *p, const firn_parquet_page_head *head) {
  current(p)->at += (uint64_t)head->head_bytes + (uint64_t)head->compressed_bytes;
}

/* A buffer for a page of `size` bytes, padded, the newest of the live ones. */
static firn_status take_buffer(firn_parquet_pages *p, size_t size, firn_page_buffer **out, firn_error *err) {
  size_t capacity = size + FIRN_PAGE_PADDING;
  firn_page_buffer *b = NULL;
  for (firn_page_buffer **at = &p->spare; *at != NULL; at = &(*at)->next) {
    if ((*at)->capacity >= capacity) {
      b = *at;
      *at = b->next;
      break;
    }
  }
  if (b == NULL) {
    b = firn_alloc_raw(sizeof *b + capacity);
    if (b == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a page of %zu bytes", size);
    }
    b->capacity = capacity;
  }
  memset(b->bytes + size, 0, FIRN_PAGE_PADDING);
  b->next = p->live;
  p->live = b;
  p->live_bytes += b->capacity;
  *out = b;
  return FIRN_OK;
}

static firn_status inflate(firn_parquet_pages *p, bool is_compressed, firn_bytes in, uint8_t *into,
                           size_t size, firn_error *err) {
  if (size == 0) { /* a page without values may have no compressed bytes either */
    return FIRN_OK;
  }
  /* parquet-cpp before 2.0 said of its compressed pages of version 2 that they were not (ARROW-10353). */
  is_compressed = is_compressed || in.len != size;
  if (is_compressed && p->chunk->codec != FIRN_CODEC_NONE) {
    return firn_decompress(p->decompressor, p->chunk->codec, in, into, size, err);
  }
  if (in.len != size) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu bytes are stored, %zu claimed", in.len, size);
  }
  memcpy(into, in.data, size);
  return FIRN_OK;
}

/* Version 2: levels stand uncompressed before the values. */
static firn_status unpack_v2(firn_parquet_pages *p, const firn_parquet_page_head *h, firn_bytes stored,
                             uint8_t *into, firn_parquet_page *out, firn_error *err) {
  int64_t levels = (int64_t)h->def_bytes + h->rep_bytes;
  if (h->def_bytes < 0 || h->rep_bytes < 0 || levels > h->compressed_bytes ||
      levels > h->uncompressed_bytes) {
    return firn_error_set(err, FIRN_CORRUPT, "its levels are longer than the page");
  }
  size_t n_levels = (size_t)levels;
  size_t rep = (size_t)h->rep_bytes;
  if (n_levels > 0) {
    memcpy(into, stored.data, n_levels);
  }
  out->rep = (firn_bytes){into, rep};
  out->def = (firn_bytes){into + rep, (size_t)h->def_bytes};
  out->values = (firn_bytes){into + n_levels, (size_t)h->uncompressed_bytes - n_levels};
  return inflate(p, h->is_compressed, firn_bytes_part(stored, n_levels, stored.len), into + n_levels,
                 out->values.len, err);
}

static firn_status take_levels(firn_bytes *rest, firn_bytes *out, firn_error *err) {
  firn_cursor c = firn_cursor_over(*rest);
  *out = firn_cursor_take(&c, firn_cursor_u32le(&c));
  if (c.bad) {
    return firn_error_set(err, FIRN_CORRUPT, "its levels are longer than the page");
  }
  *rest = firn_bytes_part(*rest, firn_cursor_offset(&c), rest->len);
  return FIRN_OK;
}

/* Version 1: levels, where there can be any, stand behind their lengths and are compressed with the values.
 */
static firn_status unpack_v1(firn_parquet_pages *p, const firn_parquet_page_head *h, firn_bytes stored,
                             uint8_t *into, firn_parquet_page *out, firn_error *err) {
  const firn_parquet_node *leaf = p->chunk->leaf;
  FIRN_TRY(inflate(p, true, stored, into, (size_t)h->uncompressed_bytes, err));
  out->values = (firn_bytes){into, (size_t)h->uncompressed_bytes};
  out->rep = out->def = (firn_bytes){into, 0};
  if (h->type == FIRN_PAGE_DICTIONARY) {
    return FIRN_OK;
  }
  if (leaf->max_rep > 0) {
    FIRN_TRY(take_levels(&out->values, &out->rep, err));
  }
  return leaf->max_def > 0 ? take_levels(&out->values, &out->def, err) : FIRN_OK;
}

static firn_status check_levels(const firn_parquet_pages *p, const firn_parquet_page_head *h,
                                firn_error *err) {
  const firn_parquet_node *leaf = p->chunk->leaf;
  if (h->type != FIRN_PAGE_DATA) {
    return FIRN_OK;
  }
  if ((leaf->max_def > 0 && h->def_encoding != FIRN_PARQUET_RLE) ||
      (leaf->max_rep > 0 && h->rep_encoding != FIRN_PARQUET_RLE)) {
    int32_t encoding =
        leaf->max_def > 0 && h->def_encoding != FIRN_PARQUET_RLE ? h->def_encoding : h->rep_encoding;
    return firn_error_set(err, FIRN_UNSUPPORTED, "its levels are encoded as %s, which is not read",
                          firn_parquet_encoding_name(encoding));
  }
  return FIRN_OK;
}

static firn_status load(firn_parquet_pages *p, firn_ctx *ctx, firn_parquet_page *out, firn_error *err) {
  firn_parquet_page_head *h = &out->head;
  FIRN_TRY(peek(p, ctx, h, err));
  firn_page_segment *s = current(p);
  size_t head_bytes = (size_t)h->head_bytes;
  FIRN_TRY(fill(p, ctx, head_bytes + (size_t)h->compressed_bytes, err));
  firn_bytes stored = firn_bytes_part(at_hand(s, s->at), head_bytes, (size_t)h->compressed_bytes);
  if (h->has_crc && !p->skip_checksums && firn_crc32(0, stored) != h->crc) {
    return firn_error_set(err, FIRN_CORRUPT, "the checksum does not match");
  }
  FIRN_TRY(check_levels(p, h, err));
  firn_page_buffer *buffer = NULL;
  FIRN_TRY(take_buffer(p, (size_t)h->uncompressed_bytes, &buffer, err));
  firn_parquet_pages_skip(p, h);
  return h->type == FIRN_PAGE_DATA_V2 ? unpack_v2(p, h, stored, buffer->bytes, out, err)
                                      : unpack_v1(p, h, stored, buffer->bytes, out, err);
}

firn_status firn_parquet_pages_next(firn_parquet_pages *p, firn_ctx *ctx, firn_parquet_page *out,
                                    firn_error *err) {
  for (;;) {
    firn_parquet_page page = {0};
    FIRN_TRY(firn_parquet_pages_peek(p, ctx, &page.head, err));
    if (!is_data(&page.head) && page.head.type != FIRN_PAGE_DICTIONARY) {
      firn_parquet_pages_skip(p, &page.head); /* index pages, and kinds to come */
      continue;
    }
    uint64_t at = current(p)->at;
    firn_status status = load(p, ctx, &page, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "page at %" PRIu64, at);
    }
    *out = page;
    return FIRN_OK;
  }
}

firn_page_buffer *firn_parquet_pages_detach(firn_parquet_pages *p) {
  firn_page_buffer *b = p->live;
  p->live = b->next;
  p->live_bytes -= b->capacity;
  b->next = NULL;
  return b;
}

static void free_buffers(firn_page_buffer *b) {
  while (b != NULL) {
    firn_page_buffer *next = b->next;
    firn_free(b);
    b = next;
  }
}

void firn_parquet_pages_recycle(firn_parquet_pages *p, size_t keep) {
  firn_page_buffer **at = &p->live;
  for (size_t i = 0; i < keep && *at != NULL; i++) {
    at = &(*at)->next;
  }
  firn_page_buffer *gone = *at;
  *at = NULL;
  while (gone != NULL) {
    firn_page_buffer *next = gone->next;
    p->live_bytes -= gone->capacity;
    if (gone->capacity > SPARE_MAX_BYTES) {
      firn_free(gone);
    } else {
      gone->next = p->spare;
      p->spare = gone;
    }
    gone = next;
  }
}

void firn_parquet_pages_free(firn_parquet_pages *p) {
  free_buffers(p->live);
  free_buffers(p->spare);
  firn_free(p->segments[0].window);
  firn_free(p->segments[1].window);
  *p = (firn_parquet_pages){0};
}

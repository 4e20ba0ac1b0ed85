/* Where a large value lies in the file, so that it can be read in pieces. */
#include <inttypes.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "formats/parquet/file_internal.h"
#include "formats/parquet/page_internal.h"

enum {
  HEAD_BYTES = 4 << 10, /* of a page: its head and what stands before its one value */
};

/* The levels of one value that may be null: what it says, and how many bytes it takes; 0: it is not that.
 * Spec: Encodings.md, the RLE / bit-packing hybrid of one bit. */
static size_t read_level(firn_bytes levels, bool *is_there) {
  firn_cursor c = firn_cursor_over(levels);
  uint64_t run = firn_cursor_varint(&c);
  firn_bytes value = firn_cursor_take(&c, 1);
  bool is_one = (run & 1) == 0 ? run >> 1 == 1 : run >> 1 >= 1;
  if (c.bad || !is_one) {
    return 0;
  }
  *is_there = (value.data[0] & 1) != 0;
  return levels.len;
}

/* The levels at the start of a page's body: false when they are not those of one value. */
static bool pass_levels(const firn_parquet_page_head *h, const firn_parquet_node *leaf, firn_cursor *body,
                        bool *is_there) {
  *is_there = true;
  if (leaf->max_def == 0) {
    return h->type == FIRN_PAGE_DATA || (h->def_bytes == 0 && h->rep_bytes == 0);
  }
  uint64_t len = 0;
  if (h->type == FIRN_PAGE_DATA) {
    len = h->def_encoding == FIRN_PARQUET_RLE ? firn_cursor_u32le(body) : 0;
  } else {
    len = h->rep_bytes == 0 && h->def_bytes > 0 ? (uint64_t)h->def_bytes : 0;
  }
  firn_bytes levels = firn_cursor_take(body, len);
  return !body->bad && levels.len > 0 && read_level(levels, is_there) > 0;
}

/* Whether the page is one value, as it is. `start` is what has been read of the page. */
static void look_inside(const firn_parquet_page_head *h, const firn_parquet_chunk *c, firn_bytes start,
                        firn_parquet_located *out) {
  bool is_data = h->type == FIRN_PAGE_DATA || h->type == FIRN_PAGE_DATA_V2;
  bool is_stored =
      c->codec_known && c->codec == FIRN_CODEC_NONE && h->compressed_bytes == h->uncompressed_bytes;
  bool is_one = h->n_values == 1 && h->encoding == FIRN_PARQUET_PLAIN && c->leaf->max_rep == 0 &&
                c->leaf->max_def <= 1 && c->leaf->type == FIRN_PARQUET_BYTE_ARRAY;
  if (!is_data || !is_stored || !is_one || c->refused != NULL) {
    return;
  }
  firn_bytes body = firn_bytes_part(start, (size_t)h->head_bytes, start.len);
  firn_cursor cursor = firn_cursor_over(body);
  bool is_there = false;
  if (!pass_levels(h, c->leaf, &cursor, &is_there) || !is_there) {
    return;
  }
  uint64_t len = firn_cursor_u32le(&cursor);
  size_t before = firn_cursor_offset(&cursor);
  if (cursor.bad || before + len != (uint64_t)h->compressed_bytes) {
    return;
  }
  out->is_plain = true;
  out->offset += (uint64_t)h->head_bytes + before;
  out->len = len;
  out->has_crc = h->has_crc;
  out->crc = h->crc;
  out->crc_before = firn_crc32(0, firn_bytes_part(body, 0, before));
}

static size_t group_of(const firn_parquet_metadata *m, int64_t row) {
  size_t g = 0;
  while (g < m->n_row_groups && row >= m->row_groups[g].first_row + m->row_groups[g].n_rows) {
    g++;
  }
  return g;
}

static const firn_parquet_chunk *chunk_of(const firn_parquet_file *f, int64_t row, uint32_t leaf) {
  return &f->metadata->row_groups[group_of(f->metadata, row)].chunks[leaf];
}

/* The page of the row, by the offset index; NULL: there is none. `*is_alone`: it is the only row there. */
static firn_status find_page(const firn_parquet_file *f, firn_ctx *ctx, int64_t row, uint32_t leaf,
                             firn_arena *arena, const firn_parquet_page_location **page, bool *is_alone,
                             firn_error *err) {
  const firn_parquet_metadata *m = f->metadata;
  size_t g = group_of(m, row);
  if (row < 0 || g == m->n_row_groups) {
    return firn_error_set(err, FIRN_NOT_FOUND, "row %" PRId64 " of %" PRId64, row, m->n_rows);
  }
  firn_parquet_offset_index index = {0};
  firn_status status = firn_parquet_file_offset_index(f, ctx, g, leaf, arena, &index, err);
  *page = NULL;
  *is_alone = false;
  if (status != FIRN_OK) {
    return status == FIRN_NOT_FOUND || status == FIRN_CORRUPT ? FIRN_OK : status;
  }
  int64_t in_group = row - m->row_groups[g].first_row;
  for (size_t i = 0; i < index.n_pages && index.pages[i].first_row <= in_group; i++) {
    int64_t end = i + 1 < index.n_pages ? index.pages[i + 1].first_row : m->row_groups[g].n_rows;
    *page = &index.pages[i];
    *is_alone = end - index.pages[i].first_row == 1;
  }
  return FIRN_OK;
}

firn_status firn_parquet_locate(const firn_parquet_file *f, firn_ctx *ctx, int64_t row, uint32_t column,
                                size_t least_bytes, firn_parquet_located *out, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  const firn_parquet_page_location *page = NULL;
  bool is_alone = false;
  firn_parquet_located found = {0};
  const firn_parquet_node *root = f->metadata->root;
  if (column >= root->n_children || root->children[column].n_children > 0) {
    return firn_error_set(err, FIRN_INVALID, "column %" PRIu32 " has no values of its own", column);
  }
  uint32_t leaf = root->children[column].leaf;
  FIRN_TRY(find_page(f, ctx, row, leaf, &scratch, &page, &is_alone, err));
  if (page != NULL) {
    found.stored_bytes = (size_t)page->compressed_bytes;
    found.offset = (uint64_t)page->offset;
  }
  if (found.stored_bytes >= least_bytes && page != NULL) {
    uint8_t start[HEAD_BYTES];
    size_t len = found.stored_bytes < sizeof start ? found.stored_bytes : sizeof start;
    firn_parquet_range range = {.offset = found.offset, .len = len, .into = start};
    firn_parquet_page_head head;
    FIRN_TRY(firn_parquet_file_fetch(f, ctx, &range, 1, err));
    if (firn_parquet_page_head_read((firn_bytes){start, len}, &head) && head.uncompressed_bytes >= 0 &&
        head.compressed_bytes >= 0 &&
        (size_t)head.head_bytes + (size_t)head.compressed_bytes == found.stored_bytes) {
      found.page_bytes = (size_t)head.uncompressed_bytes;
      if (is_alone) {
        look_inside(&head, chunk_of(f, row, leaf), (firn_bytes){start, len}, &found);
      }
    }
  }
  *out = found;
  return FIRN_OK;
}

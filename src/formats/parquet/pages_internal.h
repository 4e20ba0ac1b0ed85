/* The pages of one column chunk, one after the other: read through a window, checked, decompressed.
 *
 * A page's bytes stay where they are until firn_parquet_pages_recycle, so views may point into them. */
#ifndef FIRN_FORMATS_PARQUET_PAGES_INTERNAL_H
#define FIRN_FORMATS_PARQUET_PAGES_INTERNAL_H

#include "formats/parquet/file_internal.h"
#include "formats/parquet/page_internal.h"

typedef struct firn_page_buffer {
  struct firn_page_buffer *next;
  size_t capacity;
  uint8_t bytes[];
} firn_page_buffer;

/* A run of the file that holds pages, and the part of it that is in memory. */
typedef struct firn_page_segment {
  uint64_t at, end; /* the next page; where the last one ends */
  uint8_t *window;
  size_t capacity;
  uint64_t window_at; /* file offset of its first byte */
  size_t window_len;
  size_t wanted; /* what window_len will be when the ranges asked for are in; 0: nothing is asked for */
} firn_page_segment;

typedef struct firn_parquet_pages {
  const firn_parquet_file *file;
  firn_decompressor *decompressor; /* the reader's */
  const firn_parquet_chunk *chunk;
  size_t max_page_bytes;
  size_t window_bytes; /* what is read at once */
  bool skip_checksums;
  firn_page_segment segments[2]; /* the dictionary when it is read apart from the data, then the data */
  unsigned current;
  firn_page_buffer *live, *spare; /* the newest live one first */
  size_t live_bytes;
} firn_parquet_pages;

typedef struct firn_parquet_page {
  firn_parquet_page_head head;
  firn_bytes rep, def, values; /* each readable for FIRN_PAGE_PADDING bytes more */
} firn_parquet_page;

/* Begins a chunk: all of it, or the dictionary, which ends at `dictionary_end` at the latest (where the chunk
 * begins: there is none to look for), and the pages in [data_at, data_end). */
FIRN_MUST_USE firn_status firn_parquet_pages_begin(firn_parquet_pages *p, const firn_parquet_chunk *chunk,
                                                   uint64_t dictionary_end, uint64_t data_at,
                                                   uint64_t data_end, firn_error *err);

/* Where the next data page is; and goes on at `data_at`, at or behind it, and to `data_end`. What the window
 * holds from there on stays. */
uint64_t firn_parquet_pages_at(const firn_parquet_pages *p);
FIRN_MUST_USE firn_status firn_parquet_pages_go_on(firn_parquet_pages *p, uint64_t data_at, uint64_t data_end,
                                                   firn_error *err);

bool firn_parquet_pages_at_end(firn_parquet_pages *p);

/* Whether the next page is not wholly in memory. */
bool firn_parquet_pages_lack(const firn_parquet_pages *p);
/* Reading ahead, in three steps so that all columns can be read at once: what is wanted (nothing while the
 * windows hold enough), the ranges of it, at most 2, and that they are in. */
FIRN_MUST_USE firn_status firn_parquet_pages_want(firn_parquet_pages *p, firn_error *err);
size_t firn_parquet_pages_ranges(const firn_parquet_pages *p, firn_parquet_range ranges[2]);
void firn_parquet_pages_filled(firn_parquet_pages *p);

/* The head of the next page, wherever it has to be read from. */
FIRN_MUST_USE firn_status firn_parquet_pages_peek(firn_parquet_pages *p, firn_ctx *ctx,
                                                  firn_parquet_page_head *out, firn_error *err);
/* How many values the following data pages have, as far as the window shows them: counts until `n_values` or
 * `max_bytes` are reached. */
size_t firn_parquet_pages_ahead(const firn_parquet_pages *p, size_t n_values, size_t max_bytes);

FIRN_MUST_USE firn_status firn_parquet_pages_next(firn_parquet_pages *p, firn_ctx *ctx,
                                                  firn_parquet_page *out, firn_error *err);
/* Passes over the page that was peeked at. */
void firn_parquet_pages_skip(firn_parquet_pages *p, const firn_parquet_page_head *head);

/* Takes the newest page's buffer out of the live ones: the caller frees it. */
firn_page_buffer *firn_parquet_pages_detach(firn_parquet_pages *p);
/* Gives back the buffers of all pages but the newest `keep` (0 or 1). */
void firn_parquet_pages_recycle(firn_parquet_pages *p, size_t keep);
void firn_parquet_pages_free(firn_parquet_pages *p);

#endif

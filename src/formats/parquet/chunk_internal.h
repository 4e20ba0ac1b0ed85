/* Writes the chunks of one leaf, one row group after the other: rows in, finished pages and their statistics
 * kept until the row group is written.
 *
 * A chunk begins on trial: values go to a dictionary and only their indexes are kept, without making pages.
 * When there are enough of them to judge, or the dictionary is full, either pages of indexes are made from
 * there on, or everything so far is made into plain pages as if there never had been a dictionary. A
 * dictionary that fills up later stays, and plain pages follow. */
#ifndef FIRN_FORMATS_PARQUET_CHUNK_INTERNAL_H
#define FIRN_FORMATS_PARQUET_CHUNK_INTERNAL_H

#include "formats/parquet/dictionary_internal.h"
#include "formats/parquet/encode_internal.h"
#include "formats/parquet/extremes_internal.h"
#include "formats/parquet/shred_internal.h"
#include "formats/parquet/writer.h"

typedef struct firn_chunk_settings {
  size_t page_bytes, page_rows, dictionary_bytes;
  bool try_dictionary, skip_incompressible, bloom_filter;
  double bloom_fpp;
  firn_parquet_bounds bounds;
  firn_codec codec;
  firn_compressor *compressor; /* shared by all leaves of the same codec and level; NULL for NONE */
} firn_chunk_settings;

/* Room that the leaves of a file share. */
typedef struct firn_chunk_scratch {
  firn_builder levels, body, head, values, packed, judged, seen;
} firn_chunk_scratch;

void firn_chunk_scratch_free(firn_chunk_scratch *s);
size_t firn_chunk_scratch_memory(const firn_chunk_scratch *s);

typedef enum firn_chunk_mode { FIRN_CHUNK_TRIAL = 0, FIRN_CHUNK_INDEXED, FIRN_CHUNK_PLAIN } firn_chunk_mode;

/* Minimum and maximum of many pages, whole. */
typedef struct firn_chunk_bounds {
  bool any;
  bool broken; /* text that is not UTF-8: there are none */
  firn_builder lower, upper;
} firn_chunk_bounds;

typedef struct firn_chunk_writer {
  const firn_leaf_path *path;
  firn_chunk_settings settings;
  firn_chunk_scratch *scratch;
  firn_bound_order order; /* NONE also where nothing needs to be compared or counted */
  bool wants_bounds;
  unsigned rep_width, def_width;
  unsigned value_bits; /* of a plain value; 0: runs of bytes with a length */

  /* Rows that are in no page yet. On trial and while indexed there may be many pages of them, in plain mode
   * at most one page. */
  firn_chunk_mode mode;
  size_t n_rows, n_levels, n_values;
  firn_builder rep, def;      /* a byte a level; empty where all are 0 */
  firn_builder indexes;       /* uint32_t */
  firn_builder plain;         /* from PLAIN_START on; a byte for a boolean */
  uint64_t plain_bits;        /* what the open page takes, levels included */
  firn_extremes extremes;     /* of the open plain page */
  firn_dictionary dictionary; /* n == 0: none */

  /* Pages that are done. */
  firn_builder entries;            /* firn_page_entry */
  size_t page_bytes;               /* of their data */
  firn_builder page_bounds;        /* what they point to */
  firn_page_entry dictionary_page; /* made at the end; no bytes: there is none */
  firn_builder hashes;             /* uint64_t, of values in no dictionary, for the bloom filter */
  bool is_uncompressed;            /* compression did not pay */
  bool no_column_index;
  size_t n_done_rows, n_done_values, n_nulls, n_nans;
  size_t encoded_bytes; /* of bodies, before compression */
  int64_t head_bytes;
  int32_t indexed_pages, plain_pages;
  firn_chunk_bounds bounds;
  uint8_t footer_room[FIRN_BOUND_ROOM]; /* for the shortened upper bound */

  /* Of the whole file. */
  struct {
    int64_t n_values, n_nulls, n_nans, compressed_bytes;
    firn_chunk_bounds bounds;
  } file;
} firn_chunk_writer;

void firn_chunk_init(firn_chunk_writer *c, const firn_leaf_path *path, const firn_chunk_settings *settings,
                     firn_chunk_scratch *scratch);
void firn_chunk_free(firn_chunk_writer *c);

FIRN_MUST_USE firn_status firn_chunk_add(firn_chunk_writer *c, const firn_leaf_run *run, firn_error *err);

/* Bytes before compression, as a row group counts them. */
size_t firn_chunk_encoded_bytes(const firn_chunk_writer *c);
/* Bytes that it would add to the file: an estimate. */
size_t firn_chunk_file_bytes(const firn_chunk_writer *c);
size_t firn_chunk_memory(const firn_chunk_writer *c);

/* Makes the last page and the dictionary page. */
FIRN_MUST_USE firn_status firn_chunk_finish(firn_chunk_writer *c, firn_error *err);
/* Then: writes the chunk, which begins at `offset` of the file, and describes it. Bounds in `out` are
 * borrowed. */
FIRN_MUST_USE firn_status firn_chunk_write(firn_chunk_writer *c, firn_parquet_sink sink, int64_t offset,
                                           firn_chunk_entry *out, firn_error *err);
/* Then: page indexes and the bloom filter; nothing is added where there is none. */
FIRN_MUST_USE firn_status firn_chunk_indexes(firn_chunk_writer *c, int64_t offset, firn_builder *column_index,
                                             firn_builder *offset_index, firn_error *err);
FIRN_MUST_USE firn_status firn_chunk_bloom(firn_chunk_writer *c, firn_builder *to, firn_error *err);
/* Then: ready for the next row group. */
void firn_chunk_reset(firn_chunk_writer *c, bool keeps_memory);

/* page_write.c, for chunk.c: closes the open plain page, or makes a page of the first `n_levels` pending
 * ones. */
enum { FIRN_PLAIN_START = 64 }; /* room for the levels of most pages, so that values need not move */
FIRN_MUST_USE firn_status firn_page_close_plain(firn_chunk_writer *c, firn_error *err);
typedef struct firn_indexed_rows {
  const uint8_t *rep, *def;
  const uint32_t *indexes;
  size_t n_rows, n_levels, n_values;
} firn_indexed_rows;
FIRN_MUST_USE firn_status firn_page_add_indexed(firn_chunk_writer *c, const firn_indexed_rows *rows,
                                                firn_error *err);
FIRN_MUST_USE firn_status firn_page_make_dictionary(firn_chunk_writer *c, firn_error *err);

/* Takes a minimum and maximum into account. */
FIRN_MUST_USE firn_status firn_chunk_bounds_add(firn_chunk_bounds *b, firn_bound_order order, firn_bytes min,
                                                firn_bytes max, firn_error *err);

#endif

/* Writes a Parquet file: batches in, bytes out through a callback, statistics back.
 * Follows parquet-format: README.md (pages, levels), Encodings.md (PLAIN, RLE_DICTIONARY), PageIndex.md,
 * BloomFilter.md.
 *
 * Rows never straddle pages, so that one row can be read by its page alone. Row groups are cut by bytes.
 * Memory is bounded: firn_parquet_writer_memory says what is held, and a caller with many writers flushes the
 * largest. Order at the end of the file: bloom filters, column indexes, offset indexes, footer, so that one
 * read of the tail holds them all.
 *
 * A writer belongs to one thread at a time. Batches are borrowed during the call only. */
#ifndef FIRN_FORMATS_PARQUET_WRITER_H
#define FIRN_FORMATS_PARQUET_WRITER_H

#include "column/vector.h"
#include "formats/codec/codec.h"

/* Where the bytes go, in order. */
typedef struct firn_parquet_sink {
  firn_status (*write)(void *self, firn_bytes data, firn_error *err);
  void *self;
} firn_parquet_sink;

typedef enum firn_parquet_dictionary {
  FIRN_DICTIONARY_AUTO = 0, /* tried; given up when it does not pay */
  FIRN_DICTIONARY_OFF,
} firn_parquet_dictionary;

typedef enum firn_parquet_bounds {
  FIRN_BOUNDS_TRUNCATED =
      0, /* text and binary to 16 code points or bytes in FileInfo (Iceberg: truncate(16)) */
  FIRN_BOUNDS_FULL,
  FIRN_BOUNDS_NONE, /* no minimum and maximum anywhere; counts are kept */
} firn_parquet_bounds;

/* How one leaf is written, by its dotted path ("data", "tags.list.element"). */
typedef struct firn_parquet_column_options {
  const char *path;
  firn_parquet_dictionary dictionary;
  firn_parquet_bounds bounds;
  bool has_codec; /* else the file's */
  firn_codec codec;
  int level;
  size_t page_bytes; /* 0: the file's */
  bool bloom_filter;
  double bloom_fpp; /* 0: 0.01 */
} firn_parquet_column_options;

typedef struct firn_parquet_writer_options {
  firn_codec codec;
  int level;               /* 0 or FIRN_LEVEL_DEFAULT: the codec's */
  size_t page_bytes;       /* uncompressed; 0: 1 MiB. A larger row stands alone in its page */
  size_t page_rows;        /* 0: 20,000 */
  size_t row_group_bytes;  /* encoded, before compression; 0: 128 MiB */
  size_t row_group_rows;   /* 0: 1,048,576 */
  size_t dictionary_bytes; /* 0: 1 MiB */
  size_t footer_bytes; /* firn_parquet_writer_is_full answers true before the footer grows beyond; 0: 8 MiB */
  /* A chunk whose first page (with what its dictionary has then) compression does not shrink by a sixteenth
   * is left uncompressed; all pages of a chunk have one codec, so the first one decides. */
  bool skip_incompressible;
  const char *created_by; /* NULL: "firn version X (build Y)" */
  size_t n_columns;
  const firn_parquet_column_options *columns;
  size_t n_key_values;
  const struct firn_parquet_key_value *key_values;
} firn_parquet_writer_options;

/* What is known of a leaf after the file is closed. Counts are of leaf values, nulls included. */
typedef struct firn_parquet_column_info {
  int32_t field_id;
  firn_kind kind;
  bool in_list; /* below a list or map: counts only, no bounds (Iceberg keeps none for repeated fields) */
  int64_t compressed_bytes; /* page heads and dictionaries included */
  int64_t n_values, n_nulls;
  int64_t n_nans; /* -1 where the kind has none */
  bool has_bounds;
  firn_bytes lower,
      upper; /* Iceberg's single-value serialization; see `bounds`. -0.0 stands before +0.0, NaN is none */
  bool has_upper; /* an upper bound that cannot be truncated is left out */
} firn_parquet_column_info;

typedef struct firn_parquet_file_info {
  uint64_t size_bytes;
  int64_t n_rows;
  size_t n_row_groups;
  const int64_t *split_offsets; /* where each row group begins, ascending */
  size_t n_columns;             /* leaves */
  const firn_parquet_column_info *columns;
} firn_parquet_file_info;

typedef struct firn_parquet_writer firn_parquet_writer;

/* `schema` is a STRUCT and is copied, as are the options. The sink gets the magic at the first write. */
FIRN_MUST_USE firn_status firn_parquet_writer_open(const firn_field *schema,
                                                   const firn_parquet_writer_options *options,
                                                   firn_parquet_sink sink, firn_parquet_writer **out,
                                                   firn_error *err);

/* Adds rows. The batch's schema must have the writer's shape (firn_field_same_type). A null in a required
 * column, a decimal beyond its precision and a fixed value of another width are FIRN_INVALID and nothing of
 * the batch is kept. After any other failure the file is void. Text is not checked to be UTF-8; what is not
 * has no bounds. */
FIRN_MUST_USE firn_status firn_parquet_writer_write(firn_parquet_writer *w, const firn_batch *batch,
                                                    firn_error *err);

/* Writes out what is held as a row group, and gives its memory back; nothing when there are no rows. (Row
 * groups that end by their size keep their memory for the next one.) */
FIRN_MUST_USE firn_status firn_parquet_writer_flush(firn_parquet_writer *w, firn_error *err);

size_t firn_parquet_writer_memory(
    const firn_parquet_writer *w); /* bytes held, buffers, dictionaries, filters, indexes */
uint64_t firn_parquet_writer_size(
    const firn_parquet_writer *w); /* of the file if it were closed now: an estimate */
int64_t firn_parquet_writer_rows(const firn_parquet_writer *w);
bool firn_parquet_writer_is_full(
    const firn_parquet_writer *w); /* the footer is near its bound: close and go on in a new file */

/* Writes the rest and the footer. `info` lives in `arena`. After a failure the file is void. */
FIRN_MUST_USE firn_status firn_parquet_writer_finish(firn_parquet_writer *w, firn_arena *arena,
                                                     firn_parquet_file_info *info, firn_error *err);
void firn_parquet_writer_close(firn_parquet_writer *w); /* NULL is fine; frees, writes nothing */
void firn_parquet_writer_close_pointer(firn_parquet_writer **w);
#define FIRN_AUTO_PARQUET_WRITER FIRN_AUTO(firn_parquet_writer_close_pointer) firn_parquet_writer

#endif

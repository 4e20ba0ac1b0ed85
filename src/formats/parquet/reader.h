/* Reads Parquet files: an open file (immutable, shared) and readers over it (one thread each).
 * Follows parquet-format: README.md, Encodings.md, LogicalTypes.md (with its rules for legacy lists and
 * maps), PageIndex.md, BloomFilter.md, Compression.md.
 *
 * How stored types are read where the kinds differ: small and unsigned integers widen (8 and 16 bits to int,
 * unsigned 32 to long, unsigned 64 to decimal(20, 0)), float16 to float, INT96 to timestamptz, milliseconds
 * to microseconds, decimals of any storage to decimal, intervals to fixed(12), variants to the struct that
 * they are stored as. Text is UTF-8 or the page is FIRN_CORRUPT. Times in nanoseconds that are not whole
 * microseconds are FIRN_UNSUPPORTED.
 *
 * A file is reached through a callback that reads ranges, so this room never meets a store. Every length,
 * offset and count in the file is checked against what is there. Encodings and codecs that we do not have are
 * FIRN_UNSUPPORTED by name. */
#ifndef FIRN_FORMATS_PARQUET_READER_H
#define FIRN_FORMATS_PARQUET_READER_H

#include "base/ctx.h"
#include "column/vector.h"
#include "formats/parquet/metadata.h"

typedef struct firn_parquet_range {
  uint64_t offset;
  size_t len;
  uint8_t *into; /* exactly `len` bytes must be filled */
} firn_parquet_range;

typedef struct firn_parquet_source {
  /* Fills all ranges; threads may call it at once. */
  firn_status (*read)(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n, firn_error *err);
  void *self;
  uint64_t size_bytes;
} firn_parquet_source;

/* A source over bytes in memory, which must outlive it. */
firn_parquet_source firn_parquet_source_over(const firn_bytes *file);

typedef struct firn_parquet_file firn_parquet_file;

/* Reads and decodes the footer: one read of the last `tail_bytes` (0: 64 KiB), a second one when the footer
 * is larger. `max_footer_bytes` 0: 256 MiB. The source must outlive the file. */
FIRN_MUST_USE firn_status firn_parquet_file_open(firn_parquet_source source, firn_ctx *ctx, size_t tail_bytes,
                                                 size_t max_footer_bytes, firn_parquet_file **out,
                                                 firn_error *err);
/* Threads may share it. */
const firn_parquet_metadata *firn_parquet_file_metadata(const firn_parquet_file *f);
/* Bytes that the open file holds. */
size_t firn_parquet_file_memory(const firn_parquet_file *f);
void firn_parquet_file_close(firn_parquet_file *f);
void firn_parquet_file_close_pointer(firn_parquet_file **f);
#define FIRN_AUTO_PARQUET_FILE FIRN_AUTO(firn_parquet_file_close_pointer) firn_parquet_file

/* Page indexes of one chunk; FIRN_NOT_FOUND when the file has none. */
FIRN_MUST_USE firn_status firn_parquet_file_offset_index(const firn_parquet_file *f, firn_ctx *ctx,
                                                         size_t row_group, uint32_t leaf, firn_arena *arena,
                                                         firn_parquet_offset_index *out, firn_error *err);
FIRN_MUST_USE firn_status firn_parquet_file_column_index(const firn_parquet_file *f, firn_ctx *ctx,
                                                         size_t row_group, uint32_t leaf, firn_arena *arena,
                                                         firn_parquet_column_index *out, firn_error *err);

/* Decodes the offset indexes of a leaf in all row groups and keeps them with the file, so that reading rows
 * need not. Before other threads share the file. A row group without one is read as before. */
FIRN_MUST_USE firn_status firn_parquet_file_keep_index(firn_parquet_file *f, firn_ctx *ctx, uint32_t leaf,
                                                       firn_error *err);
/* What is kept of one; NULL: nothing. */
const firn_parquet_offset_index *firn_parquet_file_kept_index(const firn_parquet_file *f, size_t row_group,
                                                              uint32_t leaf);

/* Whether a row group's bloom filter admits the value (plain-encoded); true where there is none. */
FIRN_MUST_USE firn_status firn_parquet_file_may_contain(const firn_parquet_file *f, firn_ctx *ctx,
                                                        size_t row_group, uint32_t leaf, firn_bytes value,
                                                        bool *out, firn_error *err);

typedef struct firn_parquet_reader_options {
  size_t n_columns; /* which children of the file's schema, in the order wanted; 0 with columns NULL: all */
  const uint32_t *columns;
  /* Of their leaves: which are wanted, one for each leaf of the file; NULL: all. Structs come without the
   * children that have none; an entry of a list, and key and value of a map, must have one. */
  const bool *leaves;
  int64_t first_row; /* counted over the file */
  int64_t n_rows;    /* 0: to the end. Pages outside the range are neither read nor decoded where there is an
                        index */
  size_t
      batch_rows; /* at most; 0: 4,096. Large pages make batches smaller, so that few are in memory at once */
  size_t max_page_bytes;   /* uncompressed; 0: 1 GiB. A larger one is FIRN_LIMIT */
  size_t read_ahead_bytes; /* for all columns together; 0: 8 MiB. More hides the latency of an object store */
  bool skip_checksums;     /* of pages, where the file has them */
  bool seeks;              /* firn_parquet_reader_seek says which rows, and there are none before it does */
  /* Of one that seeks: it will be sent to whole row groups, so their indexes are not loaded. */
  bool whole_groups;
} firn_parquet_reader_options;

typedef struct firn_parquet_reader firn_parquet_reader;

/* `f` must outlive the reader. */
FIRN_MUST_USE firn_status firn_parquet_reader_open(const firn_parquet_file *f,
                                                   const firn_parquet_reader_options *options,
                                                   firn_parquet_reader **out, firn_error *err);
/* The schema of the batches: the chosen columns. */
const firn_field *firn_parquet_reader_schema(const firn_parquet_reader *r);
/* `*out` is NULL after the last batch; borrowed until the following next. Batches never cross row groups. */
FIRN_MUST_USE firn_status firn_parquet_reader_next(firn_parquet_reader *r, firn_ctx *ctx,
                                                   const firn_batch **out, firn_error *err);
/* The same, with at most `max_rows` in this batch. */
FIRN_MUST_USE firn_status firn_parquet_reader_next_rows(firn_parquet_reader *r, firn_ctx *ctx,
                                                        size_t max_rows, const firn_batch **out,
                                                        firn_error *err);
/* Goes on with rows [first, end), for readers that seek; `first` is not before what was read. Pages outside
 * are neither fetched nor decoded where there is an index; those inside are read ahead. The batch that came
 * last is gone. */
FIRN_MUST_USE firn_status firn_parquet_reader_seek(firn_parquet_reader *r, int64_t first, int64_t end,
                                                   firn_error *err);
/* Of the column chunks that were begun, for readers that seek: pages that their indexes name, and those of
 * them that were read. */
void firn_parquet_reader_pages(const firn_parquet_reader *r, int64_t *n_pages, int64_t *n_read);
/* The number, in the file, of the first row of the batch that came last. */
int64_t firn_parquet_reader_row(const firn_parquet_reader *r);
void firn_parquet_reader_close(firn_parquet_reader *r);
void firn_parquet_reader_close_pointer(firn_parquet_reader **r);
#define FIRN_AUTO_PARQUET_READER FIRN_AUTO(firn_parquet_reader_close_pointer) firn_parquet_reader

/* One row by its number: reads only its page (and dictionary) of each chosen column. The batch has one row
 * and lives in `arena`. FIRN_NOT_FOUND when the file has fewer rows. */
FIRN_MUST_USE firn_status firn_parquet_read_row(const firn_parquet_file *f, firn_ctx *ctx, int64_t row,
                                                const uint32_t *columns, size_t n_columns, firn_arena *arena,
                                                firn_batch *out, firn_error *err);

typedef struct firn_parquet_rows {
  size_t n;
  const int64_t *rows; /* ascending; the same one may come again */
  size_t n_columns;
  const uint32_t *columns;
  size_t max_page_bytes; /* uncompressed; 0: 1 GiB. A larger one is FIRN_LIMIT */
} firn_parquet_rows;

/* Many rows by their numbers: all their pages in one call to the source, where there is an index. `out` gets
 * a batch of one row for each, in `arena`. */
FIRN_MUST_USE firn_status firn_parquet_read_rows(const firn_parquet_file *f, firn_ctx *ctx,
                                                 const firn_parquet_rows *what, firn_arena *arena,
                                                 firn_batch *out, firn_error *err);

/* Where one value lies. */
typedef struct firn_parquet_located {
  size_t stored_bytes; /* of its page in the file, head included; 0: there is no index to tell */
  size_t page_bytes;   /* of the page when it is decompressed; 0: nobody looked, or its head cannot be read */
  /* The page holds this value alone, as it is: the value's bytes are `len` ones of the file from `offset` on,
   * and may be read in pieces. firn_crc32 of them, begun with `crc_before`, is `crc` where there is one. */
  bool is_plain;
  uint64_t offset, len;
  bool has_crc;
  uint32_t crc_before, crc;
} firn_parquet_located;

/* Looks at the page that a row has in a column of runs of bytes: by the index alone, and, when the page has
 * `least_bytes` or more, at its start, which is one read. FIRN_NOT_FOUND when the file has fewer rows. */
FIRN_MUST_USE firn_status firn_parquet_locate(const firn_parquet_file *f, firn_ctx *ctx, int64_t row,
                                              uint32_t column, size_t least_bytes, firn_parquet_located *out,
                                              firn_error *err);

#endif

/* Decoders of values: one table of functions for each encoding, listed in values.c. They turn the stored form
 * of a page's non-null values into values of the leaf's kind, as many at a time as the reader asks for. */
#ifndef FIRN_FORMATS_PARQUET_VALUES_INTERNAL_H
#define FIRN_FORMATS_PARQUET_VALUES_INTERNAL_H

#include "base/error.h"
#include "formats/parquet/rle_internal.h"
#include "formats/parquet/schema_internal.h"

/* Bytes that must be readable behind a page's. */
enum { FIRN_PAGE_PADDING = FIRN_RLE_PADDING };

typedef struct firn_parquet_values firn_parquet_values;

typedef struct firn_parquet_decoder {
  /* Begins a page's values. `data` is readable for FIRN_PAGE_PADDING bytes more and outlives the page's
   * views. */
  firn_status (*start)(firn_parquet_values *v, firn_bytes data, firn_error *err);
  /* Writes the next `n` values as items [at, at + n) of `out` (of the leaf's kind; bits for booleans). */
  firn_status (*read)(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err);
  firn_status (*skip)(firn_parquet_values *v, size_t n, firn_error *err);
} firn_parquet_decoder;

/* The state of decoding one leaf. The first part is constant for the leaf, the second for a row group. */
struct firn_parquet_values {
  firn_parquet_convert convert;
  size_t stored_width; /* 0: booleans and runs of any length */
  size_t value_size;   /* 0: bits */

  const void *dictionary; /* `n_dictionary` values of `value_size` */
  size_t n_dictionary;

  const firn_parquet_decoder *decoder; /* of the page */
  const uint8_t *at, *end;
  bool text_is_ascii; /* TEXT: the whole page is, so no value need be looked at */
  size_t bit_at;      /* plain booleans */
  firn_rle rle;       /* dictionary indexes, run-length booleans */
};

void firn_parquet_values_init(firn_parquet_values *v, const firn_parquet_node *leaf,
                              firn_parquet_convert convert, firn_kind kind);

/* Begins a page in this encoding; FIRN_UNSUPPORTED by name where we have no decoder. */
FIRN_MUST_USE firn_status firn_parquet_values_start(firn_parquet_values *v, int32_t encoding, firn_bytes data,
                                                    firn_error *err);

/* Decodes a dictionary page into `out`, `n` values. */
FIRN_MUST_USE firn_status firn_parquet_dictionary_read(firn_parquet_values *v, firn_bytes data, void *out,
                                                       size_t n, firn_error *err);

/* Turns `n` stored values of one width into values; FIRN_CORRUPT for what no value can be. */
FIRN_MUST_USE firn_status firn_parquet_convert_fixed(firn_parquet_convert convert, const uint8_t *in,
                                                     size_t width, size_t n, void *out, firn_error *err);
/* Two's complement, most significant byte first; false when it is empty or does not fit in 128 bits. */
bool firn_parquet_decimal_of(firn_bytes big_endian, void *out);

/* Whether every byte is below 0x80. */
bool firn_is_ascii(const uint8_t *at, size_t len);

#endif

#include "formats/parquet/values_internal.h"

#include <assert.h>

#include "base/utf8.h"
#include "column/vector.h"
#include "formats/parquet/page_internal.h"

enum { INDEX_BLOCK = 1024, LENGTH_BYTES = 4, LONGEST_INDEX = 32 };

static firn_status ends_early(firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "the values end early");
}

bool firn_is_ascii(const uint8_t *at, size_t len) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + 32 <= len; i += 32) {
    uint64_t w[4];
    memcpy(w, at + i, sizeof w);
    seen |= w[0] | w[1] | w[2] | w[3];
  }
  for (; i < len; i++) {
    seen |= at[i];
  }
  return (seen & UINT64_C(0x8080808080808080)) == 0;
}

static uint32_t load_length(const uint8_t *at) {
  uint32_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

/* ---- PLAIN, values of a fixed width ---- */

static firn_status plain_start(firn_parquet_values *v, firn_bytes data, firn_error *err) {
  (void)err;
  v->at = data.data;
  v->end = data.data + data.len;
  v->bit_at = 0;
  v->text_is_ascii = v->convert == FIRN_CONVERT_TEXT && firn_is_ascii(data.data, data.len);
  return FIRN_OK;
}

static firn_status fixed_skip(firn_parquet_values *v, size_t n, firn_error *err) {
  if (n > (size_t)(v->end - v->at) / v->stored_width) {
    return ends_early(err);
  }
  v->at += n * v->stored_width;
  return FIRN_OK;
}

static firn_status fixed_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  const uint8_t *from = v->at;
  FIRN_TRY(fixed_skip(v, n, err));
  return firn_parquet_convert_fixed(v->convert, from, v->stored_width, n, (uint8_t *)out + at * v->value_size,
                                    err);
}

/* ---- PLAIN, booleans ---- */

static firn_status bits_skip(firn_parquet_values *v, size_t n, firn_error *err) {
  if (n > (size_t)(v->end - v->at) * 8 - v->bit_at) {
    return ends_early(err);
  }
  v->bit_at += n;
  return FIRN_OK;
}

static firn_status bits_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  size_t from = v->bit_at;
  FIRN_TRY(bits_skip(v, n, err));
  for (size_t done = 0; done < n; done += 64) {
    firn_bits_put(out, at + done, firn_bits_get(v->at, from + done), n - done < 64 ? n - done : 64);
  }
  return FIRN_OK;
}

/* ---- PLAIN, runs of bytes, each behind its length ---- */

static firn_status bytes_skip(firn_parquet_values *v, size_t n, firn_error *err) {
  const uint8_t *at = v->at;
  for (size_t i = 0; i < n; i++) {
    size_t left = (size_t)(v->end - at);
    if (left < LENGTH_BYTES || load_length(at) > left - LENGTH_BYTES) {
      return ends_early(err);
    }
    at += LENGTH_BYTES + load_length(at);
  }
  v->at = at;
  return FIRN_OK;
}

static firn_status check_text(const firn_bytes *texts, size_t n, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (!firn_is_ascii(texts[i].data, texts[i].len) && !firn_utf8_is_valid(texts[i])) {
      return firn_error_set(err, FIRN_CORRUPT, "text is not UTF-8");
    }
  }
  return FIRN_OK;
}

static firn_status views_read(firn_parquet_values *v, firn_bytes *out, size_t n, firn_error *err) {
  const uint8_t *at = v->at;
  const uint8_t *end = v->end;
  for (size_t i = 0; i < n; i++) {
    size_t left = (size_t)(end - at);
    if (FIRN_UNLIKELY(left < LENGTH_BYTES)) {
      return ends_early(err);
    }
    size_t len = load_length(at);
    if (FIRN_UNLIKELY(len > left - LENGTH_BYTES)) {
      return ends_early(err);
    }
    at += LENGTH_BYTES;
    out[i] = (firn_bytes){at, len};
    at += len;
  }
  v->at = at;
  return v->convert == FIRN_CONVERT_TEXT && !v->text_is_ascii ? check_text(out, n, err) : FIRN_OK;
}

static firn_status bytes_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  if (v->convert != FIRN_CONVERT_DECIMAL_BYTES) {
    return views_read(v, (firn_bytes *)out + at, n, err);
  }
  for (size_t i = 0; i < n; i++) {
    firn_bytes stored;
    FIRN_TRY(views_read(v, &stored, 1, err));
    if (!firn_parquet_decimal_of(stored, (firn_decimal *)out + at + i)) {
      return firn_error_set(err, FIRN_CORRUPT, "a decimal of %zu bytes is outside the range of its type",
                            stored.len);
    }
  }
  return FIRN_OK;
}

/* ---- RLE_DICTIONARY: a byte with the width of indexes, then their runs ---- */

static firn_status dictionary_start(firn_parquet_values *v, firn_bytes data, firn_error *err) {
  if (v->dictionary == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "values refer to a dictionary that is not there");
  }
  if (data.len == 0) { /* a page of nulls may leave out even the width */
    v->rle = firn_rle_over(data, 1);
    return FIRN_OK;
  }
  if (data.data[0] > LONGEST_INDEX) {
    return firn_error_set(err, FIRN_CORRUPT, "dictionary indexes of %u bits", data.data[0]);
  }
  v->rle = firn_rle_over(firn_bytes_part(data, 1, data.len), data.data[0]);
  return FIRN_OK;
}

static firn_status no_such_entry(const firn_parquet_values *v, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "an index beyond the %zu entries of the dictionary",
                        v->n_dictionary);
}

/* A value with the size and alignment of decimals and views. */
typedef struct sixteen_bytes {
  uint64_t a, b;
} sixteen_bytes;

static void repeat(const firn_parquet_values *v, uint32_t index, uint8_t *out, size_t n) {
  const uint8_t *entry = (const uint8_t *)v->dictionary + (size_t)index * v->value_size;
  if (v->value_size == sizeof(sixteen_bytes)) {
    sixteen_bytes value;
    memcpy(&value, entry, sizeof value);
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * sizeof value, &value, sizeof value);
    }
  } else if (v->value_size == sizeof(uint64_t)) {
    uint64_t value;
    memcpy(&value, entry, sizeof value);
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * sizeof value, &value, sizeof value);
    }
  } else {
    uint32_t value;
    memcpy(&value, entry, sizeof value);
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * sizeof value, &value, sizeof value);
    }
  }
}

static void gather(const firn_parquet_values *v, const uint32_t *indexes, uint8_t *out, size_t n) {
  const uint8_t *entries = v->dictionary;
  if (v->value_size == sizeof(sixteen_bytes)) {
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * 16, entries + (size_t)indexes[i] * 16, 16);
    }
  } else if (v->value_size == sizeof(uint64_t)) {
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * 8, entries + (size_t)indexes[i] * 8, 8);
    }
  } else {
    for (size_t i = 0; i < n; i++) {
      memcpy(out + i * 4, entries + (size_t)indexes[i] * 4, 4);
    }
  }
}

static uint32_t largest(const uint32_t *values, size_t n) {
  uint32_t max = 0;
  for (size_t i = 0; i < n; i++) {
    max = values[i] > max ? values[i] : max;
  }
  return max;
}

static firn_status dictionary_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  uint8_t *into = (uint8_t *)out + at * v->value_size;
  firn_rle *r = &v->rle;
  while (n > 0) {
    if (!firn_rle_begin_run(r)) {
      return ends_early(err);
    }
    size_t k;
    if (r->n_repeats > 0) {
      k = r->n_repeats < n ? (size_t)r->n_repeats : n;
      if (r->value >= v->n_dictionary) {
        return no_such_entry(v, err);
      }
      repeat(v, r->value, into, k);
      r->n_repeats -= k;
    } else {
      uint32_t indexes[INDEX_BLOCK];
      k = n < INDEX_BLOCK ? n : INDEX_BLOCK;
      k = r->n_packed < k ? (size_t)r->n_packed : k;
      firn_unpack_u32(r->packed, r->packed_at, r->width, indexes, k);
      if (largest(indexes, k) >= v->n_dictionary) {
        return no_such_entry(v, err);
      }
      gather(v, indexes, into, k);
      r->packed_at += k;
      r->n_packed -= k;
    }
    into += k * v->value_size;
    n -= k;
  }
  return FIRN_OK;
}

static firn_status indexes_skip(firn_parquet_values *v, size_t n, firn_error *err) {
  return firn_rle_skip(&v->rle, n) ? FIRN_OK : ends_early(err);
}

/* ---- RLE, for booleans: four bytes of length, then runs ---- */

static firn_status runs_start(firn_parquet_values *v, firn_bytes data, firn_error *err) {
  if (data.len < LENGTH_BYTES || load_length(data.data) > data.len - LENGTH_BYTES) {
    return ends_early(err);
  }
  v->rle = firn_rle_over(firn_bytes_part(data, LENGTH_BYTES, load_length(data.data)), 1);
  return FIRN_OK;
}

static firn_status runs_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  return firn_rle_read_bits(&v->rle, out, at, n, NULL) ? FIRN_OK : ends_early(err);
}

/* ---- the unknown kind: nothing may come ---- */

static firn_status nothing_start(firn_parquet_values *v, firn_bytes data, firn_error *err) {
  (void)v;
  (void)data;
  (void)err;
  return FIRN_OK;
}

static firn_status nothing_skip(firn_parquet_values *v, size_t n, firn_error *err) {
  (void)v;
  return n == 0 ? FIRN_OK
                : firn_error_set(err, FIRN_CORRUPT, "a value in a column of the type that is always null");
}

static firn_status nothing_read(firn_parquet_values *v, void *out, size_t at, size_t n, firn_error *err) {
  (void)out;
  (void)at;
  return nothing_skip(v, n, err);
}

static const firn_parquet_decoder plain_fixed = {plain_start, fixed_read, fixed_skip};
static const firn_parquet_decoder plain_bits = {plain_start, bits_read, bits_skip};
static const firn_parquet_decoder plain_bytes = {plain_start, bytes_read, bytes_skip};
static const firn_parquet_decoder dictionary = {dictionary_start, dictionary_read, indexes_skip};
static const firn_parquet_decoder boolean_runs = {runs_start, runs_read, indexes_skip};
static const firn_parquet_decoder nothing = {nothing_start, nothing_read, nothing_skip};

static const firn_parquet_decoder *plain_of(const firn_parquet_values *v) {
  if (v->convert == FIRN_CONVERT_BITS) {
    return &plain_bits;
  }
  return v->stored_width > 0 ? &plain_fixed : &plain_bytes;
}

/* The decoder of an encoding for this leaf; NULL where there is none. A new encoding is a line here. */
static const firn_parquet_decoder *decoder_of(const firn_parquet_values *v, int32_t encoding) {
  if (v->convert == FIRN_CONVERT_NOTHING) {
    return &nothing;
  }
  switch (encoding) {
    case FIRN_PARQUET_PLAIN:
      return plain_of(v);
    case FIRN_PARQUET_PLAIN_DICTIONARY:
    case FIRN_PARQUET_RLE_DICTIONARY:
      return v->convert == FIRN_CONVERT_BITS ? NULL : &dictionary;
    case FIRN_PARQUET_RLE:
      return v->convert == FIRN_CONVERT_BITS ? &boolean_runs : NULL;
    default:
      return NULL;
  }
}

void firn_parquet_values_init(firn_parquet_values *v, const firn_parquet_node *leaf,
                              firn_parquet_convert convert, firn_kind kind) {
  *v = (firn_parquet_values){.convert = convert,
                             .stored_width = firn_parquet_stored_width(leaf),
                             .value_size = firn_kind_value_size(kind)};
}

firn_status firn_parquet_values_start(firn_parquet_values *v, int32_t encoding, firn_bytes data,
                                      firn_error *err) {
  v->decoder = decoder_of(v, encoding);
  if (v->decoder == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "values are encoded as %s, which is not read yet",
                          firn_parquet_encoding_name(encoding));
  }
  return v->decoder->start(v, data, err);
}

firn_status firn_parquet_dictionary_read(firn_parquet_values *v, firn_bytes data, void *out, size_t n,
                                         firn_error *err) {
  firn_parquet_values plain = *v;
  if (v->convert == FIRN_CONVERT_NOTHING || v->convert == FIRN_CONVERT_BITS) {
    return firn_error_set(err, FIRN_CORRUPT, "a dictionary for a type that has none");
  }
  FIRN_TRY(firn_parquet_values_start(&plain, FIRN_PARQUET_PLAIN, data, err));
  return plain.decoder->read(&plain, out, 0, n, err);
}

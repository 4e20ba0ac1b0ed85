/* Vectors and batches: the values of columns in memory, between decoders, writers and engines.
 *
 * The layout follows Arrow (validity bitmaps, offsets) with one difference: runs of bytes are views (pointer
 * and length), so text can be handed from a JSON line or a Parquet page to a writer without a copy. What
 * views point to lives as long as the batch says (usually until the following `next`).
 *
 * Values where a vector is null are unspecified but initialised, and runs of bytes are empty there.
 *
 * Vectors are plain structs; who fills one owns its memory, as a rule an arena. */
#ifndef FIRN_COLUMN_VECTOR_H
#define FIRN_COLUMN_VECTOR_H

#include "column/type.h"

__extension__ typedef __int128 firn_decimal; /* unscaled value */

typedef struct firn_vector firn_vector;

struct firn_vector {
  firn_kind kind;
  size_t len;
  /* bit i % 64 of word i / 64 is set where value i is not null; bits from `len` on mean
   * nothing; NULL: none is null. A vector of the unknown kind is all null whatever stands here. */
  uint64_t *validity;
  size_t n_nulls;
  union {
    void *values;
    uint64_t *bits;    /* BOOLEAN: like validity */
    int32_t *i32;      /* INT, DATE */
    int64_t *i64;      /* LONG, TIME, TIMESTAMP... */
    float *f32;        /* FLOAT */
    double *f64;       /* DOUBLE */
    firn_decimal *dec; /* DECIMAL */
    firn_bytes *bytes; /* STRING, BINARY, UUID, FIXED, ... */
    int32_t
        *offsets; /* LIST, MAP: len + 1, the first 0; entries of value i are [offsets[i], offsets[i + 1]) */
  };
  uint32_t n_children; /* STRUCT: its fields, each of `len`; LIST: element; MAP: keys and values */
  firn_vector *children;
};

typedef struct firn_batch {
  const firn_field *schema; /* a STRUCT; column i belongs to its child i */
  size_t n_rows;
  firn_vector *columns;
} firn_batch;

static inline bool firn_bit(const uint64_t *bits, size_t i) {
  return (bits[i / 64] >> (i % 64)) & 1;
}
static inline void firn_bit_set(uint64_t *bits, size_t i) {
  bits[i / 64] |= UINT64_C(1) << (i % 64);
}
static inline void firn_bit_clear(uint64_t *bits, size_t i) {
  bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}
static inline size_t firn_bit_words(size_t n) {
  return (n + 63) / 64;
}

static inline bool firn_vector_is_null(const firn_vector *v, size_t i) {
  if (v->kind == FIRN_KIND_UNKNOWN) {
    return true;
  }
  return v->validity != NULL && !firn_bit(v->validity, i);
}

/* Makes room for `capacity` values of `field` in `arena`, children of structs included (those of lists and
 * maps get room for `capacity` too, and are made larger by firn_vector_grow). `len` is 0, nothing is null. */
FIRN_MUST_USE firn_status firn_vector_new(const firn_field *field, size_t capacity, firn_arena *arena,
                                          firn_vector *out, firn_error *err);

/* Moves the first `len` values to room for `capacity` of them in `arena`: children of structs too, those of
 * lists and maps not. The old room stays in its arena. */
FIRN_MUST_USE firn_status firn_vector_grow(firn_vector *v, size_t capacity, firn_arena *arena,
                                           firn_error *err);

/* Gives a vector without one a validity bitmap for `capacity` values, the first `len` of them valid. */
FIRN_MUST_USE firn_status firn_vector_need_validity(firn_vector *v, size_t capacity, firn_arena *arena,
                                                    firn_error *err);

/* A batch with a vector for each child of `schema`, `n_rows` 0. */
FIRN_MUST_USE firn_status firn_batch_new(const firn_field *schema, size_t capacity, firn_arena *arena,
                                         firn_batch *out, firn_error *err);

/* A copy of the batch, its schema and all that its views point to, in `arena`. */
FIRN_MUST_USE firn_status firn_batch_copy(const firn_batch *from, firn_arena *arena, firn_batch *out,
                                          firn_error *err);

/* Checks what a careless producer may get wrong: lengths of children, offsets that do not ascend, kinds that
 * do not match the schema, null counts. For batches that come from outside the library. */
FIRN_MUST_USE firn_status firn_batch_check(const firn_batch *batch, firn_error *err);

/* Marks value i as null and counts it. It must have been valid and the vector must have a validity bitmap. */
static inline void firn_vector_set_null(firn_vector *v, size_t i) {
  firn_bit_clear(v->validity, i);
  v->n_nulls++;
}

#endif

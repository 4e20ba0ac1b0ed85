/* Sets of values. A few are compared one after the other; numbers close together are a bitmap; others are
 * halved, and runs of bytes hashed. */
#include <assert.h>

#include "base/hash.h"
#include "iceberg/expr/compare_internal.h"
#include "iceberg/expr/expr_internal.h"

enum { FEW = 6, MAX_BITS = 1 << 16 };

struct firn_value_set {
  firn_kind kind;
  size_t n;
  const firn_literal *literals;
  /* whole numbers within a span: a bit for each of them, from `first` on */
  const uint64_t *bits;
  int64_t first;
  uint64_t span;
  const int64_t *numbers; /* sorted */
  /* runs of bytes: indexes of literals + 1 by hash, 0 where there is none */
  const uint32_t *slots;
  size_t mask;
};

static bool is_i32(firn_kind k) {
  return k == FIRN_KIND_INT || k == FIRN_KIND_DATE;
}

static bool is_whole(firn_kind k) {
  return is_i32(k) || k == FIRN_KIND_LONG || (k >= FIRN_KIND_TIME && k <= FIRN_KIND_TIMESTAMPTZ_NS);
}

static int64_t whole(const firn_value *v) {
  return is_i32(v->kind) ? v->i32 : v->i64;
}

static bool make_numbers(firn_value_set *set, firn_arena *arena) {
  set->first = whole(&set->literals[0].value);
  set->span = (uint64_t)whole(&set->literals[set->n - 1].value) - (uint64_t)set->first;
  if (set->span < MAX_BITS) {
    uint64_t *bits = firn_new_n(arena, uint64_t, firn_bit_words((size_t)set->span + 1));
    for (size_t i = 0; bits != NULL && i < set->n; i++) {
      firn_bit_set(bits, (size_t)((uint64_t)whole(&set->literals[i].value) - (uint64_t)set->first));
    }
    set->bits = bits;
    return bits != NULL;
  }
  int64_t *numbers = firn_new_n(arena, int64_t, set->n);
  for (size_t i = 0; numbers != NULL && i < set->n; i++) {
    numbers[i] = whole(&set->literals[i].value);
  }
  set->numbers = numbers;
  return numbers != NULL;
}

__extension__ typedef unsigned __int128 wide;

/* Of all bytes. Short ones, which most keys are, in two words that overlap; the rest as files are hashed. */
static inline size_t hash_of(firn_bytes b) {
  uint64_t head = 0, tail = 0;
  if (b.len > 2 * sizeof head) {
    return (size_t)firn_xxh3(0, b);
  }
  if (b.len >= sizeof head) {
    memcpy(&head, b.data, sizeof head);
    memcpy(&tail, b.data + b.len - sizeof tail, sizeof tail);
  } else if (b.len > 0) {
    memcpy(&head, b.data, b.len);
  }
  wide product = (wide)(head ^ UINT64_C(0x9E3779B97F4A7C15)) * (tail ^ b.len ^ UINT64_C(0xD6E8FEB86659FD93));
  return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

static bool make_slots(firn_value_set *set, firn_arena *arena) {
  size_t n_slots = 16;
  while (n_slots < set->n * 2) {
    n_slots *= 2;
  }
  uint32_t *slots = firn_new_n(arena, uint32_t, n_slots);
  set->slots = slots;
  set->mask = n_slots - 1;
  for (size_t i = 0; slots != NULL && i < set->n; i++) {
    size_t at = hash_of(set->literals[i].value.bytes) & set->mask;
    while (slots[at] != 0) {
      at = (at + 1) & set->mask;
    }
    slots[at] = (uint32_t)(i + 1);
  }
  return slots != NULL;
}

const firn_value_set *firn_value_set_new(firn_kind kind, const firn_literal *literals, size_t n,
                                         size_t n_rows, firn_arena *arena) {
  assert(n > 0 && n < UINT32_MAX);
  firn_value_set *set = firn_new(arena, firn_value_set);
  if (set == NULL) {
    return NULL;
  }
  *set = (firn_value_set){.kind = kind, .n = n, .literals = literals};
  bool made = true;
  if (n <= FEW || n > n_rows) {
    return set;
  }
  if (is_whole(kind)) {
    made = make_numbers(set, arena);
  } else if (firn_kind_is_bytes(kind)) {
    made = make_slots(set, arena);
  }
  return made ? set : NULL;
}

/* Which values are literal `i`. */
static void equal_to(const firn_value_set *set, size_t i, const void *values, size_t n, uint64_t *out) {
  const firn_value *x = &set->literals[i].value;
  if (is_i32(set->kind)) {
    firn_compare_i32(values, n, FIRN_COMPARE_EQ, x->i32, out);
  } else if (is_whole(set->kind)) {
    firn_compare_i64(values, n, FIRN_COMPARE_EQ, x->i64, out);
  } else if (set->kind == FIRN_KIND_FLOAT) {
    firn_compare_f32(values, n, FIRN_COMPARE_EQ, x->f32, out);
  } else if (set->kind == FIRN_KIND_DOUBLE) {
    firn_compare_f64(values, n, FIRN_COMPARE_EQ, x->f64, out);
  } else if (set->kind == FIRN_KIND_DECIMAL) {
    firn_compare_decimal(values, n, FIRN_COMPARE_EQ, x->dec, out);
  } else {
    firn_compare_bytes(values, n, FIRN_COMPARE_EQ, x->bytes, out);
  }
}

static bool has_number(const firn_value_set *set, int64_t v) {
  uint64_t at = (uint64_t)v - (uint64_t)set->first;
  if (at > set->span) {
    return false;
  }
  if (set->bits != NULL) {
    return firn_bit(set->bits, (size_t)at);
  }
  const int64_t *low = set->numbers;
  for (size_t n = set->n; n > 1;) { /* no branch depends on the values, so none is guessed wrongly */
    size_t half = n / 2;
    low += low[half] <= v ? half : 0;
    n -= half;
  }
  return *low == v;
}

static bool has_bytes(const firn_value_set *set, firn_bytes v) {
  size_t at = hash_of(v) & set->mask;
  for (; set->slots[at] != 0; at = (at + 1) & set->mask) {
    if (firn_bytes_equal(set->literals[set->slots[at] - 1].value.bytes, v)) {
      return true;
    }
  }
  return false;
}

/* In the literals themselves, by halving. */
static bool has_value(const firn_value_set *set, const void *values, size_t i) {
  firn_value v = {.kind = set->kind};
  if (is_i32(set->kind)) {
    v.i32 = ((const int32_t *)values)[i];
  } else if (is_whole(set->kind)) {
    v.i64 = ((const int64_t *)values)[i];
  } else if (set->kind == FIRN_KIND_FLOAT) {
    v.f32 = ((const float *)values)[i];
  } else if (set->kind == FIRN_KIND_DOUBLE) {
    v.f64 = ((const double *)values)[i];
  } else if (set->kind == FIRN_KIND_DECIMAL) {
    v.dec = ((const firn_decimal *)values)[i];
  } else {
    v.bytes = ((const firn_bytes *)values)[i];
  }
  firn_expr in = {.literals = set->literals, .n_literals = set->n};
  return firn_literals_have(&in, &v);
}

static bool has_at(const firn_value_set *set, const void *values, size_t i) {
  if (set->slots != NULL) {
    return has_bytes(set, ((const firn_bytes *)values)[i]);
  }
  if (set->bits == NULL && set->numbers == NULL) {
    return has_value(set, values, i);
  }
  return has_number(set, is_i32(set->kind) ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i]);
}

/* Sixty-four rows a turn. The kind is looked at for each; what it decides is the same each time, so the
 * branch costs nothing beside the search. */
void firn_value_set_has(const firn_value_set *set, const void *values, size_t n, uint64_t *out) {
  bool is_bytes = firn_kind_is_bytes(set->kind);
  size_t size = is_bytes ? sizeof(firn_bytes) : firn_kind_value_size(set->kind);
  for (size_t base = 0; base < n; base += 64) {
    size_t rows = n - base < 64 ? n - base : 64;
    const uint8_t *at = (const uint8_t *)values + base * size;
    uint64_t word = 0;
    if (set->n <= FEW) {
      for (size_t i = 0; i < set->n; i++) {
        uint64_t same = 0;
        equal_to(set, i, at, rows, &same);
        word |= same;
      }
    } else {
      for (size_t i = 0; i < rows; i++) {
        word |= (uint64_t)has_at(set, at, i) << i;
      }
    }
    out[base / 64] = word;
  }
}

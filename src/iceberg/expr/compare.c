#include "iceberg/expr/compare_internal.h"

#include <assert.h>

enum { GROUP = 64 };

/* Sixty-four answers of a byte each, 0 or 1, as bits: a multiplication gathers eight of them in its highest
 * byte. */
static inline uint64_t packed(const uint8_t *answers) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < 8; i++) {
    uint64_t eight;
    memcpy(&eight, answers + 8 * i, sizeof eight);
    bits |= (eight * UINT64_C(0x0102040810204080)) >> 56 << (8 * i);
  }
  return bits;
}

/* A loop of 64 with nothing in it but `answer`, so that the compiler makes it one of vectors; what is left at
 * the end goes one by one. */
#define EACH_ROW(n, out, answer)                 \
  do {                                           \
    uint8_t answers[GROUP] = {0};                \
    size_t base = 0, word = 0;                   \
    for (; base + GROUP <= (n); base += GROUP) { \
      for (size_t k = 0; k < GROUP; k++) {       \
        size_t i = base + k;                     \
        answers[k] = (answer);                   \
      }                                          \
      (out)[word++] = packed(answers);           \
    }                                            \
    if (base < (n)) {                            \
      memset(answers, 0, sizeof answers);        \
      for (size_t i = base; i < (n); i++) {      \
        answers[i - base] = (answer);            \
      }                                          \
      (out)[word] = packed(answers);             \
    }                                            \
  } while (0)

#define DEFINE_COMPARE(name, type)                                                               \
  void firn_compare_##name(const type *v, size_t n, firn_compare_op op, type x, uint64_t *out) { \
    if (op == FIRN_COMPARE_LT) {                                                                 \
      EACH_ROW(n, out, v[i] < x);                                                                \
    } else if (op == FIRN_COMPARE_LT_EQ) {                                                       \
      EACH_ROW(n, out, v[i] <= x);                                                               \
    } else {                                                                                     \
      EACH_ROW(n, out, v[i] >= x && v[i] <= x);                                                  \
    }                                                                                            \
  }

DEFINE_COMPARE(i32, int32_t)
DEFINE_COMPARE(i64, int64_t)
DEFINE_COMPARE(f32, float)
DEFINE_COMPARE(f64, double)
DEFINE_COMPARE(decimal, firn_decimal)

/* The first eight bytes, the first the most significant, zeros behind a shorter text. */
static inline uint64_t head_of(firn_bytes b) {
  uint64_t head = 0;
  if (b.len >= sizeof head) {
    memcpy(&head, b.data, sizeof head);
  } else if (b.len > 0) {
    memcpy(&head, b.data, b.len);
  }
  return __builtin_bswap64(head);
}

/* Most texts differ within eight bytes. */
static inline int order_bytes(firn_bytes a, uint64_t head_b, firn_bytes b) {
  uint64_t head_a = head_of(a);
  if (head_a != head_b) {
    return head_a < head_b ? -1 : 1;
  }
  return firn_bytes_compare(a, b);
}

/* The last eight bytes of eight or more: keys that begin alike end differently. */
static inline uint64_t tail_of(firn_bytes b) {
  uint64_t tail;
  memcpy(&tail, b.data + b.len - sizeof tail, sizeof tail);
  return tail;
}

static inline bool same_long(firn_bytes a, uint64_t tail_b, firn_bytes b) {
  return a.len == b.len && tail_of(a) == tail_b && memcmp(a.data, b.data, b.len) == 0;
}

static void compare_equal(const firn_bytes *v, size_t n, firn_bytes x, uint64_t *out) {
  if (x.len < sizeof(uint64_t)) {
    EACH_ROW(n, out, firn_bytes_equal(v[i], x));
    return;
  }
  uint64_t tail = tail_of(x);
  EACH_ROW(n, out, same_long(v[i], tail, x));
}

void firn_compare_bytes(const firn_bytes *v, size_t n, firn_compare_op op, firn_bytes x, uint64_t *out) {
  uint64_t head = head_of(x);
  if (op == FIRN_COMPARE_LT) {
    EACH_ROW(n, out, order_bytes(v[i], head, x) < 0);
  } else if (op == FIRN_COMPARE_LT_EQ) {
    EACH_ROW(n, out, order_bytes(v[i], head, x) <= 0);
  } else {
    compare_equal(v, n, x, out);
  }
}

void firn_prefix_bytes(const firn_bytes *v, size_t n, firn_bytes prefix, uint64_t *out) {
  EACH_ROW(n, out, firn_bytes_has_prefix(v[i], prefix));
}

void firn_nan_f32(const float *v, size_t n, uint64_t *out) {
  EACH_ROW(n, out, v[i] != v[i]);
}

void firn_nan_f64(const double *v, size_t n, uint64_t *out) {
  EACH_ROW(n, out, v[i] != v[i]);
}

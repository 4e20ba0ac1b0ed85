#include "formats/parquet/hybrid_write_internal.h"

#include <assert.h>

enum { GROUP = 8, VARINT_MAX = 10 };

/* Exactly one of both is not NULL; the compiler makes a copy of what is below for each. */
typedef struct numbers {
  const uint8_t *bytes;
  const uint32_t *words;
} numbers;

static inline uint32_t at(numbers v, size_t i) {
  return v.words != NULL ? v.words[i] : v.bytes[i];
}

/* How many values from `i` on are equal, counted up to `end`. */
static inline size_t run_length(numbers v, size_t i, size_t end) {
  uint32_t first = at(v, i);
  size_t j = i + 1;
  if (v.bytes != NULL) { /* levels are mostly one long run: eight at a time */
    uint64_t same = first * UINT64_C(0x0101010101010101), eight;
    for (; j + sizeof eight <= end; j += sizeof eight) {
      memcpy(&eight, v.bytes + j, sizeof eight);
      if (eight != same) {
        break;
      }
    }
  }
  while (j < end && at(v, j) == first) {
    j++;
  }
  return j - i;
}

/* A run must be so long that it pays: it costs up to four bytes with the head that follows it. */
static inline size_t shortest_run(unsigned width) {
  return width >= 4 ? GROUP : (size_t)GROUP * (4 / (width == 0 ? 1 : width) + 1);
}

static inline uint8_t *put_varint(uint8_t *to, uint64_t v) {
  while (v >= 0x80) {
    *to++ = (uint8_t)(v | 0x80);
    v >>= 7;
  }
  *to++ = (uint8_t)v;
  return to;
}

static inline uint8_t *put_run(uint8_t *to, uint32_t value, size_t n, unsigned width) {
  to = put_varint(to, (uint64_t)n << 1);
  for (unsigned bit = 0; bit < width; bit += 8) {
    *to++ = (uint8_t)(value >> bit);
  }
  return to;
}

/* `n` values, filled up with zeros to whole groups. */
static inline uint8_t *put_packed(uint8_t *to, numbers v, size_t from, size_t n, unsigned width) {
  size_t groups = (n + GROUP - 1) / GROUP;
  to = put_varint(to, (uint64_t)groups << 1 | 1);
  uint8_t *end = to + groups * width;
  uint64_t bits = 0;
  unsigned used = 0;
  for (size_t i = 0; i < n; i++) {
    bits |= (uint64_t)at(v, from + i) << used;
    used += width;
    if (used >= 32) {
      uint32_t low = (uint32_t)bits;
      memcpy(to, &low, sizeof low);
      to += sizeof low;
      bits >>= 32;
      used -= 32;
    }
  }
  while (to < end) {
    *to++ = (uint8_t)bits;
    bits >>= 8;
  }
  assert(to == end);
  return to;
}

/* Where the packed groups that begin at `i` end: where a run begins that pays, or at `n`. */
static inline size_t packed_end(numbers v, size_t i, size_t n, size_t shortest) {
  do {
    i = n - i < GROUP ? n : i + GROUP;
  } while (i < n && run_length(v, i, n - i < shortest ? n : i + shortest) < shortest);
  return i;
}

static inline void write_hybrid(firn_builder *b, numbers v, size_t n, unsigned width) {
  size_t shortest = shortest_run(width);
  for (size_t i = 0; i < n;) {
    size_t run = run_length(v, i, n);
    bool is_run = run >= shortest || run == n - i;
    size_t end = is_run ? i + run : packed_end(v, i, n, shortest);
    size_t most = VARINT_MAX + (is_run ? sizeof(uint32_t) : ((end - i + GROUP - 1) / GROUP) * width);
    uint8_t *room = firn_builder_reserve(b, most);
    if (room == NULL) {
      return;
    }
    uint8_t *to = is_run ? put_run(room, at(v, i), run, width) : put_packed(room, v, i, end - i, width);
    firn_builder_claim(b, (size_t)(to - room));
    i = end;
  }
}

unsigned firn_bit_width(uint32_t max) {
  return max == 0 ? 0 : 32 - (unsigned)__builtin_clz(max);
}

void firn_hybrid_write_levels(firn_builder *to, const uint8_t *values, size_t n, unsigned width) {
  write_hybrid(to, (numbers){.bytes = values}, n, width);
}

void firn_hybrid_write_indexes(firn_builder *to, const uint32_t *values, size_t n, unsigned width) {
  write_hybrid(to, (numbers){.words = values}, n, width);
}

#include "formats/parquet/rle_internal.h"

#include <assert.h>

static uint64_t load64(const uint8_t *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

firn_rle firn_rle_over(firn_bytes in, unsigned width) {
  assert(width <= 32);
  return (firn_rle){.at = in.data, .end = in.data + in.len, .width = width};
}

/* A run's head: a LEB128 number. */
static bool read_head(firn_rle *r, uint64_t *out) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (r->at == r->end) {
      return false;
    }
    uint8_t byte = *r->at++;
    v |= (uint64_t)(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      *out = v;
      return true;
    }
  }
  return false;
}

static bool begin_packed(firn_rle *r, uint64_t groups) {
  uint64_t left = (uint64_t)(r->end - r->at);
  r->packed = r->at;
  r->packed_at = 0;
  if (groups > left / r->width) { /* writers may cut the padding of the last run */
    r->n_packed = left * 8 / r->width;
    r->at = r->end;
  } else {
    r->n_packed = groups * 8;
    r->at += groups * r->width;
  }
  return r->n_packed > 0;
}

static bool begin_repeats(firn_rle *r, uint64_t count) {
  size_t bytes = (r->width + 7) / 8;
  if (bytes > (size_t)(r->end - r->at)) {
    return false;
  }
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; i++) {
    value |= (uint32_t)r->at[i] << (8 * i);
  }
  r->at += bytes;
  r->value = value;
  r->n_repeats = count;
  return true;
}

bool firn_rle_begin_run(firn_rle *r) {
  while (r->n_repeats == 0 && r->n_packed == 0) {
    if (r->width == 0) { /* nothing need be written for values that can only be 0 */
      r->value = 0;
      r->n_repeats = UINT64_MAX;
      return true;
    }
    uint64_t head;
    if (!read_head(r, &head) || head == 1) {
      return false;
    }
    if (!((head & 1) != 0 ? begin_packed(r, head >> 1) : begin_repeats(r, head >> 1))) {
      return false;
    }
  }
  return true;
}

void firn_unpack_u32(const uint8_t *packed, uint64_t first, unsigned width, uint32_t *out, size_t n) {
  uint64_t mask = (UINT64_C(1) << width) - 1;
  uint64_t bit = first * width;
  for (size_t i = 0; i < n; i++, bit += width) {
    out[i] = (uint32_t)((load64(packed + bit / 8) >> (bit % 8)) & mask);
  }
}

void firn_unpack_u8(const uint8_t *packed, uint64_t first, unsigned width, uint8_t *out, size_t n) {
  uint64_t mask = (UINT64_C(1) << width) - 1;
  uint64_t bit = first * width;
  for (size_t i = 0; i < n; i++, bit += width) {
    out[i] = (uint8_t)((load64(packed + bit / 8) >> (bit % 8)) & mask);
  }
}

static uint8_t largest(const uint8_t *values, size_t n) {
  uint8_t max = 0;
  for (size_t i = 0; i < n; i++) {
    max = values[i] > max ? values[i] : max;
  }
  return max;
}

bool firn_rle_read_u8(firn_rle *r, uint8_t max, uint8_t *out, size_t n) {
  assert(r->width <= 8);
  while (n > 0) {
    if (!firn_rle_begin_run(r)) {
      return false;
    }
    size_t k;
    if (r->n_repeats > 0) {
      k = r->n_repeats < n ? (size_t)r->n_repeats : n;
      if (r->value > max) {
        return false;
      }
      memset(out, (int)r->value, k);
      r->n_repeats -= k;
    } else {
      k = r->n_packed < n ? (size_t)r->n_packed : n;
      firn_unpack_u8(r->packed, r->packed_at, r->width, out, k);
      if (largest(out, k) > max) {
        return false;
      }
      r->packed_at += k;
      r->n_packed -= k;
    }
    out += k;
    n -= k;
  }
  return true;
}

uint64_t firn_bits_get(const uint8_t *bytes, uint64_t at) {
  unsigned shift = (unsigned)(at % 8);
  uint64_t low = load64(bytes + at / 8) >> shift;
  return shift == 0 ? low : low | (uint64_t)bytes[at / 8 + 8] << (64 - shift);
}

void firn_bits_put(uint64_t *bits, size_t at, uint64_t v, size_t n) {
  if (n == 0) {
    return;
  }
  uint64_t mask = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
  unsigned shift = (unsigned)(at % 64);
  v &= mask;
  bits[at / 64] = (bits[at / 64] & ~(mask << shift)) | v << shift;
  if (shift != 0 && n > 64 - shift) {
    bits[at / 64 + 1] = (bits[at / 64 + 1] & ~(mask >> (64 - shift))) | v >> (64 - shift);
  }
}

void firn_bits_fill(uint64_t *bits, size_t at, size_t n, bool set) {
  uint64_t v = set ? UINT64_MAX : 0;
  size_t head = (64 - at % 64) % 64 < n ? (64 - at % 64) % 64 : n;
  firn_bits_put(bits, at, v, head);
  at += head;
  n -= head;
  if (n >= 64) {
    memset(bits + at / 64, set ? 0xFF : 0, n / 64 * sizeof *bits);
  }
  firn_bits_put(bits, at + n / 64 * 64, v, n % 64);
}

static size_t copy_bits(uint64_t *bits, size_t at, const uint8_t *from, uint64_t from_at, size_t n) {
  size_t n_set = 0;
  for (size_t done = 0; done < n;) {
    size_t k = n - done < 64 ? n - done : 64;
    uint64_t v = firn_bits_get(from, from_at + done);
    v &= k == 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1;
    firn_bits_put(bits, at + done, v, k);
    n_set += (size_t)__builtin_popcountll(v);
    done += k;
  }
  return n_set;
}

bool firn_rle_read_bits(firn_rle *r, uint64_t *bits, size_t at, size_t n, size_t *n_set) {
  assert(r->width == 1);
  size_t set = 0;
  while (n > 0) {
    if (!firn_rle_begin_run(r)) {
      return false;
    }
    size_t k;
    if (r->n_repeats > 0) {
      k = r->n_repeats < n ? (size_t)r->n_repeats : n;
      if (r->value > 1) {
        return false;
      }
      firn_bits_fill(bits, at, k, r->value == 1);
      set += r->value == 1 ? k : 0;
      r->n_repeats -= k;
    } else {
      k = r->n_packed < n ? (size_t)r->n_packed : n;
      set += copy_bits(bits, at, r->packed, r->packed_at, k);
      r->packed_at += k;
      r->n_packed -= k;
    }
    at += k;
    n -= k;
  }
  if (n_set != NULL) {
    *n_set += set;
  }
  return true;
}

bool firn_rle_skip(firn_rle *r, size_t n) {
  while (n > 0) {
    if (!firn_rle_begin_run(r)) {
      return false;
    }
    uint64_t *left = r->n_repeats > 0 ? &r->n_repeats : &r->n_packed;
    size_t k = *left < n ? (size_t)*left : n;
    r->packed_at += r->n_repeats > 0 ? 0 : k;
    *left -= k;
    n -= k;
  }
  return true;
}

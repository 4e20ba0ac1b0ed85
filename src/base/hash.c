#include "base/hash.h"

#include <libdeflate.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

static uint32_t rotate(uint32_t v, unsigned by) {
  return v << by | v >> (32 - by);
}

static uint32_t scramble(uint32_t k) {
  return rotate(k * UINT32_C(0xCC9E2D51), 15) * UINT32_C(0x1B873593);
}

uint32_t firn_murmur3(firn_bytes bytes) {
  uint32_t h = 0;
  size_t at = 0;
  for (; at + 4 <= bytes.len; at += 4) {
    const uint8_t *b = bytes.data + at;
    uint32_t k = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    h = rotate(h ^ scramble(k), 13) * 5 + UINT32_C(0xE6546B64);
  }
  uint32_t rest = 0;
  for (size_t i = at; i < bytes.len; i++) {
    rest |= (uint32_t)bytes.data[i] << (8 * (i - at));
  }
  h ^= scramble(rest); /* of nothing it is nothing */
  h ^= (uint32_t)bytes.len;
  h = (h ^ h >> 16) * UINT32_C(0x85EBCA6B);
  h = (h ^ h >> 13) * UINT32_C(0xC2B2AE35);
  return h ^ h >> 16;
}

uint32_t firn_crc32(uint32_t so_far, firn_bytes bytes) {
  return bytes.len == 0 ? so_far : libdeflate_crc32(so_far, bytes.data, bytes.len);
}

uint64_t firn_xxh64(firn_bytes bytes) {
  return XXH64(bytes.data, bytes.len, 0);
}

uint64_t firn_xxh3(uint64_t seed, firn_bytes bytes) {
  return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}

uint64_t firn_xxh3_parts(uint64_t seed, const firn_bytes *parts, size_t n_parts) {
  if (n_parts == 1) {
    return firn_xxh3(seed, parts[0]);
  }
  XXH3_state_t state;
  XXH3_INITSTATE(&state);                         /* the reset below looks at its seed */
  (void)XXH3_64bits_reset_withSeed(&state, seed); /* these two fail for NULL only */
  for (size_t i = 0; i < n_parts; i++) {
    if (parts[i].len > 0) {
      (void)XXH3_64bits_update(&state, parts[i].data, parts[i].len);
    }
  }
  return XXH3_64bits_digest(&state);
}

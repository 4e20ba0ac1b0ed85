/* The fast reader on any machine: blocks of eight bytes in one word. */
#include "base/json_internal.h"

#define BLOCK 8
#define TARGET

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (uint64_t)(b))

static inline uint64_t load(const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

/* The top bits of eight bytes as eight bits, the first byte's lowest. */
static inline uint32_t gather(uint64_t tops) {
  return (uint32_t)(((tops & EACH_BYTE(0x80)) >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* A top bit for each byte, all below 0x80, that is less than `n`; and that equals `c`. No carry leaves a
 * byte. */
static inline uint64_t below(uint64_t v, uint8_t n) {
  return ~(v + EACH_BYTE(0x80 - n));
}
static inline uint64_t equal(uint64_t v, uint8_t c) {
  return below(v ^ EACH_BYTE(c), 1);
}

static inline uint32_t special_in(const uint8_t *p) {
  uint64_t v = load(p), ascii = v & EACH_BYTE(0x7F);
  return gather(v | below(ascii, 0x20) | equal(ascii, '"') | equal(ascii, '\\'));
}

static inline uint32_t digits_in(const uint8_t *p) {
  uint64_t v = load(p), ascii = v & EACH_BYTE(0x7F);
  return gather(~v & below(ascii, '9' + 1) & ~below(ascii, '0'));
}

#include "base/json_fast.inc"

const firn_json_reader firn_json_swar = FAST_READER;

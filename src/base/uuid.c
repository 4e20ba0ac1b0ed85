#include "base/uuid.h"

static firn_uuid marked(firn_uuid uuid, unsigned version) {
  uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | version << 4);
  uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80); /* RFC 9562, 4.1: the variant */
  return uuid;
}

firn_uuid firn_uuid_v4(const firn_ctx *ctx) {
  firn_uuid uuid;
  firn_ctx_random(ctx, uuid.bytes, sizeof uuid.bytes);
  return marked(uuid, 4);
}

firn_uuid firn_uuid_v7(const firn_ctx *ctx) {
  firn_uuid uuid;
  firn_ctx_random(ctx, uuid.bytes + 8, 8);
  int64_t now_us = firn_ctx_now_us(ctx);
  uint64_t us = now_us > 0 ? (uint64_t)now_us : 0;
  uint64_t ms = us / 1000;
  uint64_t part = us % 1000 * 4096 / 1000; /* RFC 9562, 6.2, method 3: the rest of the clock in rand_a */
  for (int i = 0; i < 6; i++) {
    uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
  }
  uuid.bytes[6] = (uint8_t)(part >> 8);
  uuid.bytes[7] = (uint8_t)part;
  return marked(uuid, 7);
}

static bool has_hyphen_before(size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void firn_uuid_text(firn_uuid uuid, char out[FIRN_UUID_TEXT]) {
  static const char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < sizeof uuid.bytes; i++) {
    if (has_hyphen_before(i)) {
      *out++ = '-';
    }
    *out++ = hex[uuid.bytes[i] >> 4];
    *out++ = hex[uuid.bytes[i] & 15];
  }
  *out = '\0';
}

/* The value of a hexadecimal digit, above 15 for anything else. */
static unsigned hex_value(uint8_t c) {
  unsigned lower = c | 0x20u;
  if (c >= '0' && c <= '9') {
    return c - (unsigned)'0';
  }
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

firn_status firn_uuid_parse(firn_bytes text, firn_uuid *out, firn_error *err) {
  firn_uuid uuid;
  bool good = text.len == FIRN_UUID_TEXT - 1;
  const uint8_t *at = text.data;
  for (size_t i = 0; i < sizeof uuid.bytes && good; i++) {
    if (has_hyphen_before(i)) {
      good = *at++ == '-';
    }
    unsigned high = hex_value(at[0]), low = hex_value(at[1]);
    good = good && high < 16 && low < 16;
    uuid.bytes[i] = (uint8_t)(high << 4 | low);
    at += 2;
  }
  if (!good) {
    return firn_error_set(err, FIRN_INVALID, "not a UUID: 32 hexadecimal digits in 8-4-4-4-12 are due");
  }
  *out = uuid;
  return FIRN_OK;
}

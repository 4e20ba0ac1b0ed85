#include "services/sql/duck_text_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "iceberg/types/value.h"

enum {
  SHOWN_MAX = 64 << 20, /* bytes of one value's text */
  BIGNUM_MAX = 4096,    /* bytes of a whole number: writing its digits takes time by their square */
  BIGNUM_HEAD = 3,
  ZONE_MAX_S = 16 * 3600 - 1, /* TIME_TZ holds this, less the zone's seconds, in its lower bits */
};

#define SECOND INT64_C(1000000)

/* "HH:MM:SS", and the fraction that `digits` digits have, without zeros at its end. */
static void add_clock(firn_builder *b, uint64_t units, uint64_t per_second, int digits) {
  uint64_t seconds = units / per_second, fraction = units % per_second;
  firn_builder_addf(b, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600, seconds / 60 % 60,
                    seconds % 60);
  if (fraction == 0) {
    return;
  }
  for (; fraction % 10 == 0; digits--) {
    fraction /= 10;
  }
  firn_builder_addf(b, ".%0*" PRIu64, digits, fraction);
}

/* "2 years", with a space before all but the first. */
static void add_part(firn_builder *b, int32_t n, const char *unit) {
  if (n != 0) {
    firn_builder_addf(b, "%s%" PRId32 " %s%s", b->len == 0 ? "" : " ", n, unit, n == 1 || n == -1 ? "" : "s");
  }
}

static void show_interval(firn_builder *b, const duck_interval *v) {
  add_part(b, v->months / 12, "year");
  add_part(b, v->months % 12, "month");
  add_part(b, v->days, "day");
  if (v->micros != 0 || b->len == 0) {
    uint64_t micros = v->micros < 0 ? -(uint64_t)v->micros : (uint64_t)v->micros;
    firn_builder_addf(b, "%s%s", b->len == 0 ? "" : " ", v->micros < 0 ? "-" : "");
    add_clock(b, micros, (uint64_t)SECOND, 6);
  }
}

static void show_time_tz(firn_builder *b, uint64_t bits) {
  int32_t zone = ZONE_MAX_S - (int32_t)(bits & 0xFFFFFF);
  unsigned seconds = (unsigned)abs(zone);
  add_clock(b, bits >> 24, (uint64_t)SECOND, 6);
  firn_builder_addf(b, "%c%02u:%02u", zone < 0 ? '-' : '+', seconds / 3600, seconds / 60 % 60);
  if (seconds % 60 != 0) {
    firn_builder_addf(b, ":%02u", seconds % 60);
  }
}

/* The first byte says how many bits of the second are no part of it. */
static void show_bits(firn_builder *b, firn_bytes v) {
  for (size_t i = 8 + (v.len == 0 ? 0 : v.data[0] & 7); i < v.len * 8; i++) {
    firn_builder_add_u8(b, (v.data[i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0');
  }
}

/* A head of three bytes whose first bit is set for what is not negative, then the magnitude; all bits are
 * turned where it is negative. Digits come from the end, by dividing by 10^9. */
static void show_bignum(firn_builder *b, firn_bytes v, firn_arena *arena) {
  if (v.len <= BIGNUM_HEAD || v.len > BIGNUM_MAX) {
    b->failed = v.len <= BIGNUM_HEAD ? FIRN_CORRUPT : FIRN_LIMIT;
    return;
  }
  bool is_negative = (v.data[0] & 0x80) == 0;
  size_t n = v.len - BIGNUM_HEAD, n_parts = 0;
  uint8_t *left = firn_arena_alloc_bytes(arena, n);
  uint32_t *parts = firn_new_n(arena, uint32_t, n); /* each byte gives at most a third of one */
  if (left == NULL || parts == NULL) {
    b->failed = FIRN_NOMEM;
    return;
  }
  for (size_t i = 0; i < n; i++) {
    left[i] = is_negative ? (uint8_t)~v.data[BIGNUM_HEAD + i] : v.data[BIGNUM_HEAD + i];
  }
  for (size_t first = 0; first < n;) {
    uint64_t rest = 0;
    for (size_t i = first; i < n; i++) {
      rest = rest << 8 | left[i];
      left[i] = (uint8_t)(rest / 1000000000);
      rest %= 1000000000;
    }
    parts[n_parts++] = (uint32_t)rest;
    while (first < n && left[first] == 0) {
      first++;
    }
  }
  firn_builder_addf(b, "%s%" PRIu32, is_negative ? "-" : "", parts[n_parts - 1]);
  for (size_t i = n_parts - 1; i-- > 0;) {
    firn_builder_addf(b, "%09" PRIu32, parts[i]);
  }
}

firn_status firn_duck_show(duck_type_id id, const void *data, size_t i, firn_arena *arena, firn_bytes *out,
                           firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(SHOWN_MAX);
  switch ((int)id) {
    case DUCK_INTERVAL:
      show_interval(&b, (const duck_interval *)data + i);
      break;
    case DUCK_TIME_TZ:
      show_time_tz(&b, ((const uint64_t *)data)[i]);
      break;
    case DUCK_TIME_NS:
      add_clock(&b, (uint64_t)((const int64_t *)data)[i], UINT64_C(1000000000), 9);
      break;
    case DUCK_BIT:
      show_bits(&b, firn_duck_text_bytes((const duck_text *)data + i));
      break;
    default:
      show_bignum(&b, firn_duck_text_bytes((const duck_text *)data + i), arena);
      break;
  }
  return firn_builder_finish_copy(&b, arena, out, err);
}

firn_status firn_duck_show_value(const firn_vector *v, const firn_field *field, size_t i, firn_arena *arena,
                                 firn_bytes *out, firn_error *err) {
  if (v->kind == FIRN_KIND_STRING) {
    *out = v->bytes[i];
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(SHOWN_MAX);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_vector_write_json(v, field, i, &w);
  FIRN_TRY(firn_builder_finish_copy(&b, arena, out, err));
  if (out->len >= 2 && out->data[0] == '"') { /* dates and the like: their text alone */
    *out = firn_bytes_part(*out, 1, out->len - 2);
  }
  return FIRN_OK;
}

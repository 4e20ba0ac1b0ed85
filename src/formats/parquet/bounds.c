#include "formats/parquet/bounds_internal.h"

#include <assert.h>

#include "base/utf8.h"

enum {
  CODE_POINT_MAX = 0x10FFFF,
  SURROGATES_BEGIN = 0xD800,
  SURROGATES_END = 0xE000,
};

firn_bound_order firn_bound_order_of(const firn_parquet_node *leaf) {
  switch (leaf->logical) {
    case FIRN_LOGICAL_UNKNOWN:
    case FIRN_LOGICAL_GEOMETRY:
    case FIRN_LOGICAL_GEOGRAPHY:
    case FIRN_LOGICAL_INTERVAL:
      return FIRN_BOUND_NONE;
    case FIRN_LOGICAL_STRING:
      return FIRN_BOUND_TEXT;
    default:
      break;
  }
  switch (leaf->type) {
    case FIRN_PARQUET_BOOLEAN:
      return FIRN_BOUND_BOOLEAN;
    case FIRN_PARQUET_INT32:
      return FIRN_BOUND_INT32;
    case FIRN_PARQUET_INT64:
      return FIRN_BOUND_INT64;
    case FIRN_PARQUET_FLOAT:
      return FIRN_BOUND_FLOAT;
    case FIRN_PARQUET_DOUBLE:
      return FIRN_BOUND_DOUBLE;
    case FIRN_PARQUET_BYTE_ARRAY:
    case FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY:
      return leaf->logical == FIRN_LOGICAL_DECIMAL ? FIRN_BOUND_DECIMAL : FIRN_BOUND_BYTES;
    case FIRN_PARQUET_INT96: /* Spec: its order was never agreed on */
      return FIRN_BOUND_NONE;
  }
  return FIRN_BOUND_NONE;
}

static int compare_int64(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

static int compare_double(double a, double b) {
  return (a > b) - (a < b);
}

static int32_t int32_of(firn_bytes v) {
  int32_t i;
  memcpy(&i, v.data, sizeof i);
  return i;
}

static int64_t int64_of(firn_bytes v) {
  int64_t i;
  memcpy(&i, v.data, sizeof i);
  return i;
}

static double float_of(firn_bytes v) {
  float f;
  memcpy(&f, v.data, sizeof f);
  return (double)f;
}

static double double_of(firn_bytes v) {
  double d;
  memcpy(&d, v.data, sizeof d);
  return d;
}

static int compare_decimals(firn_bytes a, firn_bytes b) {
  assert(a.len == b.len && a.len > 0);
  bool a_negative = a.data[0] >= 0x80, b_negative = b.data[0] >= 0x80;
  if (a_negative != b_negative) {
    return a_negative ? -1 : 1;
  }
  return firn_bytes_compare(a, b);
}

int firn_bound_compare(firn_bound_order order, firn_bytes a, firn_bytes b) {
  switch (order) {
    case FIRN_BOUND_INT32:
      return compare_int64(int32_of(a), int32_of(b));
    case FIRN_BOUND_INT64:
      return compare_int64(int64_of(a), int64_of(b));
    case FIRN_BOUND_FLOAT:
      return compare_double(float_of(a), float_of(b));
    case FIRN_BOUND_DOUBLE:
      return compare_double(double_of(a), double_of(b));
    case FIRN_BOUND_DECIMAL:
      return compare_decimals(a, b);
    case FIRN_BOUND_NONE:
    case FIRN_BOUND_BOOLEAN:
    case FIRN_BOUND_BYTES:
    case FIRN_BOUND_TEXT:
      break;
  }
  return firn_bytes_compare(a, b);
}

/* How many bytes of `v` are whole code points within the limit; false when one on the way is none. */
static bool text_prefix(firn_bytes v, firn_bound_limit limit, size_t *len) {
  size_t at = 0;
  for (size_t n = 0; at < v.len && (limit.code_points == 0 || n < limit.code_points); n++) {
    uint32_t point;
    size_t size = firn_utf8_decode(v.data + at, v.data + v.len, &point);
    if (size == 0) {
      return false;
    }
    if (limit.bytes != 0 && at + size > limit.bytes) {
      break;
    }
    at += size;
  }
  *len = at;
  return true;
}

static bool prefix(firn_bound_order order, firn_bytes v, firn_bound_limit limit, size_t *len) {
  if (order == FIRN_BOUND_TEXT) {
    return text_prefix(v, limit, len);
  }
  bool cuts = order == FIRN_BOUND_BYTES && limit.bytes != 0 && limit.bytes < v.len;
  *len = cuts ? limit.bytes : v.len;
  return true;
}

bool firn_bound_lower(firn_bound_order order, firn_bytes v, firn_bound_limit limit, firn_bytes *out) {
  size_t len;
  if (!prefix(order, v, limit, &len)) {
    return false;
  }
  *out = firn_bytes_part(v, 0, len);
  return true;
}

/* The last byte that is not 0xFF plus one, what follows cut off. */
static size_t increment_bytes(uint8_t *bytes, size_t len) {
  while (len > 0 && bytes[len - 1] == 0xFF) {
    len--;
  }
  if (len > 0) {
    bytes[len - 1]++;
  }
  return len;
}

/* The last code point that is not the largest plus one, surrogates left out, what follows cut off. */
static size_t increment_text(uint8_t *text, size_t len) {
  while (len > 0) {
    size_t start = len - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) {
      start--;
    }
    uint32_t point = 0;
    (void)firn_utf8_decode(text + start, text + len, &point); /* decoded before */
    if (point < CODE_POINT_MAX) {
      point = point + 1 == SURROGATES_BEGIN ? SURROGATES_END : point + 1;
      return start + firn_utf8_encode(point, text + start);
    }
    len = start;
  }
  return 0;
}

bool firn_bound_upper(firn_bound_order order, firn_bytes v, firn_bound_limit limit,
                      uint8_t room[FIRN_BOUND_ROOM], firn_bytes *out) {
  size_t len;
  if (!prefix(order, v, limit, &len)) {
    return false;
  }
  if (len == v.len) {
    *out = v;
    return true;
  }
  assert(len <= FIRN_BOUND_ROOM - 4);
  memcpy(room, v.data, len);
  len = order == FIRN_BOUND_TEXT ? increment_text(room, len) : increment_bytes(room, len);
  *out = (firn_bytes){room, len};
  return len > 0;
}

/* Big-endian two's complement in as few bytes as hold it. */
static firn_bytes shortest(firn_bytes v) {
  size_t skip = 0;
  while (skip + 1 < v.len && ((v.data[skip] == 0x00 && v.data[skip + 1] < 0x80) ||
                              (v.data[skip] == 0xFF && v.data[skip + 1] >= 0x80))) {
    skip++;
  }
  return firn_bytes_part(v, skip, v.len);
}

firn_bytes firn_bound_single_value(const firn_parquet_node *leaf, firn_bytes v,
                                   uint8_t room[FIRN_BOUND_ROOM]) {
  if (leaf->logical != FIRN_LOGICAL_DECIMAL) {
    return v;
  }
  if (leaf->type == FIRN_PARQUET_INT32 || leaf->type == FIRN_PARQUET_INT64) {
    for (size_t i = 0; i < v.len; i++) {
      room[i] = v.data[v.len - 1 - i];
    }
    v.data = room;
  }
  return shortest(v);
}

#include "formats/parquet/statistics.h"

#include <math.h>

#include "column/vector.h"
#include "formats/parquet/bounds_internal.h"
#include "formats/parquet/values_internal.h"

bool firn_parquet_has_order(const firn_parquet_metadata *m, const firn_parquet_node *leaf) {
  return leaf->leaf < m->n_ordered && m->type_ordered[leaf->leaf] &&
         firn_bound_order_of(leaf) != FIRN_BOUND_NONE;
}

/* NaN is no bound; a zero may stand for either. */
static bool check_real(firn_kind kind, bool is_min, void *value) {
  if (kind == FIRN_KIND_FLOAT) {
    float *f = value;
    *f = *f == 0 ? (is_min ? -0.0F : 0.0F) : *f;
    return !isnan(*f);
  }
  if (kind == FIRN_KIND_DOUBLE) {
    double *d = value;
    *d = *d == 0 ? (is_min ? -0.0 : 0.0) : *d;
    return !isnan(*d);
  }
  return true;
}

bool firn_parquet_bound_read(const firn_parquet_node *leaf, firn_bytes stored, bool is_min, void *out) {
  firn_field field = {0};
  firn_parquet_convert convert;
  if (firn_parquet_leaf_kind(leaf, &field, &convert, NULL) != FIRN_OK) {
    return false;
  }
  size_t width = firn_parquet_stored_width(leaf);
  switch (convert) {
    case FIRN_CONVERT_NOTHING:
    case FIRN_CONVERT_INT96:
      return false;
    case FIRN_CONVERT_BITS:
      *(uint8_t *)out = stored.len == 1 && stored.data[0] != 0;
      return stored.len == 1 && stored.data[0] <= 1;
    case FIRN_CONVERT_BYTES:
    case FIRN_CONVERT_TEXT:
      memcpy(out, &stored, sizeof stored);
      return true;
    case FIRN_CONVERT_DECIMAL_BYTES:
      return firn_parquet_decimal_of(stored, out);
    default:
      return stored.len == width &&
             firn_parquet_convert_fixed(convert, stored.data, width, 1, out, NULL) == FIRN_OK &&
             check_real(field.kind, is_min, out);
  }
}

/* Big-endian two's complement of just `width` bytes; false when the value needs more. */
static bool store_decimal(firn_decimal v, size_t width, uint8_t *out) {
  for (size_t i = width; i-- > 0;) {
    out[i] = (uint8_t)(v & 0xFF);
    v >>= 8;
  }
  return v == ((out[0] & 0x80) != 0 ? -1 : 0);
}

static bool is_ambiguous(firn_kind kind, const void *value) {
  if (kind == FIRN_KIND_FLOAT) {
    float f = *(const float *)value;
    return isnan(f) || f == 0;
  }
  if (kind == FIRN_KIND_DOUBLE) {
    double d = *(const double *)value;
    return isnan(d) || d == 0;
  }
  return false;
}

bool firn_parquet_stored_form(const firn_parquet_node *leaf, const void *value,
                              uint8_t room[FIRN_PARQUET_VALUE_MAX], firn_bytes *out) {
  firn_field field = {0};
  firn_parquet_convert convert;
  if (firn_parquet_leaf_kind(leaf, &field, &convert, NULL) != FIRN_OK || is_ambiguous(field.kind, value)) {
    return false;
  }
  size_t width = firn_parquet_stored_width(leaf);
  firn_decimal decimal = 0;
  if (field.kind == FIRN_KIND_DECIMAL) {
    memcpy(&decimal, value, sizeof decimal);
  }
  *out = (firn_bytes){room, width};
  switch (convert) {
    case FIRN_CONVERT_COPY4:
    case FIRN_CONVERT_COPY8:
      memcpy(room, value, width);
      return true;
    case FIRN_CONVERT_FIXED:
    case FIRN_CONVERT_BYTES:
    case FIRN_CONVERT_TEXT:
      memcpy(out, value, sizeof *out);
      return convert != FIRN_CONVERT_FIXED || out->len == width;
    case FIRN_CONVERT_DECIMAL4:
    case FIRN_CONVERT_DECIMAL8: {
      int64_t narrow = (int64_t)decimal;
      memcpy(room, &narrow, width);
      return narrow == decimal && (width == sizeof narrow || narrow == (int32_t)narrow);
    }
    case FIRN_CONVERT_DECIMAL_FIXED:
      return width > 0 && width <= FIRN_PARQUET_VALUE_MAX && store_decimal(decimal, width, room);
    default:
      return false;
  }
}

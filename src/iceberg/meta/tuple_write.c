#include <assert.h>
#include <stdio.h>

#include "iceberg/meta/tuple_internal.h"

/* Avro would have a named type written once and its name stand for it after that; PyIceberg cannot read that.
 * So the second of a kind is defined under a name of its own. */
static bool is_named_before(const firn_field *type, uint32_t i) {
  for (uint32_t j = 0; j < i; j++) {
    if (firn_field_same_type(&type->children[j], &type->children[i])) {
      return true;
    }
  }
  return false;
}

/* {"type": base, "logicalType": logical, and "adjust-to-utc" where `utc` is 0 or 1}. */
static void write_logical(firn_json_writer *w, const char *base, const char *logical, int utc) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", base);
  firn_json_add_text(w, "logicalType", logical);
  if (utc >= 0) {
    firn_json_add_bool(w, "adjust-to-utc", utc > 0);
  }
  firn_json_end_object(w);
}

static uint32_t fixed_width(const firn_field *f) {
  return f->kind == FIRN_KIND_UUID      ? 16
         : f->kind == FIRN_KIND_DECIMAL ? firn_decimal_width(f->precision)
                                        : f->width;
}

static void write_fixed(firn_json_writer *w, const firn_field *f, bool named_before) {
  char name[40], own[64];
  if (f->kind == FIRN_KIND_DECIMAL) {
    (void)snprintf(name, sizeof name, "decimal_%u_%u", (unsigned)f->precision, (unsigned)f->scale);
  } else if (f->kind == FIRN_KIND_UUID) {
    (void)snprintf(name, sizeof name, "uuid_fixed");
  } else {
    (void)snprintf(name, sizeof name, "fixed_%u", (unsigned)f->width);
  }
  (void)snprintf(own, sizeof own, "%s_%d", name, (int)f->id);
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "fixed");
  firn_json_add_text(w, "name", named_before ? own : name);
  firn_json_add_int64(w, "size", fixed_width(f));
  if (f->kind == FIRN_KIND_DECIMAL) {
    firn_json_add_text(w, "logicalType", "decimal");
    firn_json_add_int64(w, "precision", f->precision);
    firn_json_add_int64(w, "scale", f->scale);
  } else if (f->kind == FIRN_KIND_UUID) {
    firn_json_add_text(w, "logicalType", "uuid");
  }
  firn_json_end_object(w);
}

static void write_type(firn_json_writer *w, const firn_field *f, bool named_before) {
  switch (f->kind) {
    case FIRN_KIND_DATE:
      write_logical(w, "int", "date", -1);
      return;
    case FIRN_KIND_TIME:
      write_logical(w, "long", "time-micros", -1);
      return;
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
      write_logical(w, "long", "timestamp-micros", f->kind == FIRN_KIND_TIMESTAMPTZ);
      return;
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      write_logical(w, "long", "timestamp-nanos", f->kind == FIRN_KIND_TIMESTAMPTZ_NS);
      return;
    case FIRN_KIND_DECIMAL:
    case FIRN_KIND_UUID:
    case FIRN_KIND_FIXED:
      write_fixed(w, f, named_before);
      return;
    case FIRN_KIND_BINARY:
      firn_json_write_text(w, "bytes");
      return;
    default: /* Avro and Iceberg call them the same */
      firn_json_write_text(w, firn_kind_name(f->kind));
      return;
  }
}

static firn_status check_kind(const firn_field *f, firn_error *err) {
  if (firn_kind_is_nested(f->kind) || f->kind >= FIRN_KIND_VARIANT) {
    return firn_error_set(err, FIRN_INVALID, "partition field %s cannot be a %s", f->name,
                          firn_kind_name(f->kind));
  }
  return FIRN_OK;
}

static firn_status write_field(firn_json_writer *w, const firn_field *type, uint32_t i, firn_builder *name,
                               firn_error *err) {
  const firn_field *f = &type->children[i];
  FIRN_TRY(check_kind(f, err));
  firn_builder_reset(name);
  firn_avro_name_sanitize(firn_bytes_of(f->name), name);
  firn_bytes sane;
  FIRN_TRY(firn_builder_finish(name, &sane, err));
  firn_json_begin_object(w);
  firn_json_key(w, "name");
  firn_json_write_bytes(w, sane);
  firn_json_key(w, "type");
  if (f->kind == FIRN_KIND_UNKNOWN) { /* Spec: Appendix A: unknown is null, and nothing else */
    firn_json_write_text(w, "null");
  } else {
    firn_json_begin_array(w);
    firn_json_write_text(w, "null");
    write_type(w, f, is_named_before(type, i));
    firn_json_end_array(w);
  }
  firn_json_key(w, "default");
  firn_json_write_null(w);
  firn_json_add_int64(w, "field-id", f->id);
  if (!firn_bytes_is(sane, f->name)) {
    firn_json_add_text(w, "iceberg-field-name", f->name);
  }
  firn_json_end_object(w);
  return FIRN_OK;
}

/* Two names that differ may be the same once they are sanitized. */
static firn_status check_names(const firn_field *type, firn_error *err) {
  FIRN_AUTO_BUILDER a = FIRN_BUILDER_INIT(0), b = FIRN_BUILDER_INIT(0);
  for (uint32_t i = 0; i < type->n_children; i++) {
    firn_builder_reset(&a);
    firn_avro_name_sanitize(firn_bytes_of(type->children[i].name), &a);
    for (uint32_t j = 0; j < i; j++) {
      firn_builder_reset(&b);
      firn_avro_name_sanitize(firn_bytes_of(type->children[j].name), &b);
      firn_bytes name, other;
      FIRN_TRY(firn_builder_finish(&a, &name, err));
      FIRN_TRY(firn_builder_finish(&b, &other, err));
      if (firn_bytes_equal(name, other)) {
        return firn_error_set(err, FIRN_UNSUPPORTED,
                              "partition fields %s and %s have one name in Avro; rename one of them",
                              type->children[j].name, type->children[i].name);
      }
    }
  }
  return FIRN_OK;
}

firn_status firn_tuple_write_schema(const firn_field *type, firn_json_writer *w, firn_error *err) {
  FIRN_AUTO_BUILDER name = FIRN_BUILDER_INIT(0);
  FIRN_TRY(check_names(type, err));
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "record");
  firn_json_add_text(w, "name", "r102");
  firn_json_key(w, "fields");
  firn_json_begin_array(w);
  for (uint32_t i = 0; i < type->n_children; i++) {
    FIRN_TRY(write_field(w, type, i, &name, err));
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
  return FIRN_OK;
}

/* `width` bytes, big endian, the sign in front. */
static bool write_decimal(firn_decimal v, uint32_t width, firn_builder *out) {
  uint8_t bytes[16];
  for (int i = 15; i >= 0; i--, v >>= 8) {
    bytes[i] = (uint8_t)(v & 0xFF);
  }
  assert(width >= 1 && width <= 16);
  uint8_t sign = (bytes[16 - width] & 0x80) != 0 ? 0xFF : 0;
  for (uint32_t i = 0; i < 16 - width; i++) {
    if (bytes[i] != sign) {
      return false;
    }
  }
  firn_builder_add(out, (firn_bytes){bytes + (16 - width), width});
  return true;
}

static bool write_value(const firn_field *f, const firn_value *v, firn_builder *out) {
  uint32_t bits32;
  uint64_t bits64;
  switch (f->kind) {
    case FIRN_KIND_BOOLEAN:
      firn_builder_add_u8(out, v->boolean);
      return true;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      firn_builder_add_zigzag(out, v->i32);
      return true;
    case FIRN_KIND_FLOAT:
      memcpy(&bits32, &v->f32, sizeof bits32);
      firn_builder_add_u32le(out, bits32);
      return true;
    case FIRN_KIND_DOUBLE:
      memcpy(&bits64, &v->f64, sizeof bits64);
      firn_builder_add_u64le(out, bits64);
      return true;
    case FIRN_KIND_DECIMAL:
      return write_decimal(v->dec, fixed_width(f), out);
    case FIRN_KIND_UUID:
    case FIRN_KIND_FIXED:
      firn_builder_add(out, v->bytes);
      return v->bytes.len == fixed_width(f);
    case FIRN_KIND_STRING:
    case FIRN_KIND_BINARY:
      firn_avro_put_bytes(out, v->bytes);
      return true;
    default:
      firn_builder_add_zigzag(out, v->i64);
      return true;
  }
}

firn_status firn_tuple_write(const firn_field *type, const firn_value *tuple, firn_builder *out,
                             firn_error *err) {
  for (uint32_t i = 0; i < type->n_children; i++) {
    const firn_field *f = &type->children[i];
    const firn_value *v = &tuple[i];
    if (f->kind == FIRN_KIND_UNKNOWN) {
      if (!v->is_null) {
        return firn_error_set(err, FIRN_UNSUPPORTED,
                              "partition field %s has a transform or column of unknown type", f->name);
      }
      continue; /* Avro's null takes no bytes */
    }
    firn_builder_add_zigzag(out, v->is_null ? 0 : 1);
    if (!v->is_null && (v->kind != f->kind || !write_value(f, v, out))) {
      return firn_error_set(err, FIRN_INVALID, "a value of partition field %s is no %s", f->name,
                            firn_kind_name(f->kind));
    }
  }
  return FIRN_OK;
}

/* Partition tuples in manifests: from Avro by the types of a spec, and back. Spec: Manifests, Data File
 * Fields; Appendix A, Avro. */
#include "iceberg/meta/tuple_internal.h"

#include "iceberg/meta/record_program_internal.h"

#define NOWHERE SIZE_MAX

typedef struct step {
  size_t to; /* index in the tuple; NOWHERE: passed over */
  int null_branch;
  const firn_avro_schema *schema; /* without the union; when passed over: with it */
  firn_kind kind;
  uint32_t width; /* FIXED */
  const char *name;
} step;

struct firn_tuple_program {
  size_t n_values;
  const firn_value *blank; /* nulls of the right kinds */
  size_t n_steps;
  const step *steps;
};

static bool is_logical(const firn_avro_schema *s, const char *logical) {
  return s->logical_type != NULL && strcmp(s->logical_type, logical) == 0;
}

/* What a value is when only the file can say. */
static firn_kind kind_of(const firn_avro_schema *s) {
  switch (s->type) {
    case FIRN_AVRO_BOOLEAN:
      return FIRN_KIND_BOOLEAN;
    case FIRN_AVRO_INT:
      return is_logical(s, "date") ? FIRN_KIND_DATE : FIRN_KIND_INT;
    case FIRN_AVRO_LONG:
      if (is_logical(s, "timestamp-micros")) {
        return s->adjust_to_utc ? FIRN_KIND_TIMESTAMPTZ : FIRN_KIND_TIMESTAMP;
      }
      if (is_logical(s, "timestamp-nanos")) {
        return s->adjust_to_utc ? FIRN_KIND_TIMESTAMPTZ_NS : FIRN_KIND_TIMESTAMP_NS;
      }
      return is_logical(s, "time-micros") ? FIRN_KIND_TIME : FIRN_KIND_LONG;
    case FIRN_AVRO_FLOAT:
      return FIRN_KIND_FLOAT;
    case FIRN_AVRO_DOUBLE:
      return FIRN_KIND_DOUBLE;
    case FIRN_AVRO_BYTES:
      return is_logical(s, "decimal") ? FIRN_KIND_DECIMAL : FIRN_KIND_BINARY;
    case FIRN_AVRO_STRING:
      return FIRN_KIND_STRING;
    case FIRN_AVRO_FIXED:
      return is_logical(s, "decimal") ? FIRN_KIND_DECIMAL
             : is_logical(s, "uuid")  ? FIRN_KIND_UUID
                                      : FIRN_KIND_FIXED;
    default:
      return FIRN_KIND_UNKNOWN;
  }
}

void firn_tuple_type_of_file(const firn_avro_schema *optional, firn_field *out) {
  const firn_avro_schema *s = optional;
  int null_branch;
  out->kind = firn_avro_optional(optional, &s, &null_branch) ? kind_of(s) : FIRN_KIND_UNKNOWN;
  if (out->kind == FIRN_KIND_DECIMAL) {
    bool sane = s->precision > 0 && s->precision <= 38 && s->scale >= 0 && s->scale <= s->precision;
    out->kind = sane ? FIRN_KIND_DECIMAL : FIRN_KIND_BINARY;
    out->precision = sane ? (uint8_t)s->precision : 0;
    out->scale = sane ? (uint8_t)s->scale : 0;
  } else if (out->kind == FIRN_KIND_FIXED) {
    out->width = s->size;
  }
}

/* Whether what stands in the file can become a value of the type; promotions included (Spec: Schema
 * Evolution). A date may be a plain int and the reverse: writers differ about the result of `day`. */
static bool fits(const firn_avro_schema *s, const firn_field *type) {
  bool is_int = s->type == FIRN_AVRO_INT;
  bool is_bytes = s->type == FIRN_AVRO_BYTES || s->type == FIRN_AVRO_STRING;
  switch (type->kind) {
    case FIRN_KIND_BOOLEAN:
      return s->type == FIRN_AVRO_BOOLEAN;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
    case FIRN_KIND_LONG:
    case FIRN_KIND_TIME:
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return is_int || s->type == FIRN_AVRO_LONG;
    case FIRN_KIND_FLOAT:
      return s->type == FIRN_AVRO_FLOAT;
    case FIRN_KIND_DOUBLE:
      return s->type == FIRN_AVRO_FLOAT || s->type == FIRN_AVRO_DOUBLE;
    case FIRN_KIND_STRING:
    case FIRN_KIND_BINARY:
      return is_bytes || s->type == FIRN_AVRO_FIXED;
    case FIRN_KIND_DECIMAL:
      return s->type == FIRN_AVRO_FIXED || s->type == FIRN_AVRO_BYTES;
    case FIRN_KIND_UUID:
      return (s->type == FIRN_AVRO_FIXED && s->size == 16) || s->type == FIRN_AVRO_BYTES;
    case FIRN_KIND_FIXED:
      return (s->type == FIRN_AVRO_FIXED && s->size == type->width) || s->type == FIRN_AVRO_BYTES;
    default:
      return false;
  }
}

static size_t place_of(const firn_avro_field *field, const firn_field *type, bool by_id) {
  for (uint32_t i = 0; i < type->n_children; i++) {
    const firn_field *child = &type->children[i];
    if (by_id ? child->id == field->field_id
              : strcmp(child->name, field->true_name) == 0 || strcmp(child->name, field->name) == 0) {
      return i;
    }
  }
  return NOWHERE;
}

static firn_status plan_step(const firn_avro_field *field, const firn_field *type, bool by_id, step *out,
                             firn_error *err) {
  *out = (step){.to = place_of(field, type, by_id), .schema = field->schema, .name = field->name};
  if (out->to == NOWHERE || field->schema->type == FIRN_AVRO_NULL) {
    out->to = NOWHERE;
    return FIRN_OK;
  }
  const firn_field *child = &type->children[out->to];
  if (child->kind == FIRN_KIND_UNKNOWN) { /* not even the file's type is one of ours: the value stays null */
    out->to = NOWHERE;
    return FIRN_OK;
  }
  out->kind = child->kind;
  out->width = child->width;
  if (!firn_avro_optional(field->schema, &out->schema, &out->null_branch) || !fits(out->schema, child)) {
    return firn_error_set(err, FIRN_CORRUPT, "partition field %s of type %s stands there as Avro %s",
                          child->name, firn_kind_name(child->kind), firn_avro_type_name(out->schema->type));
  }
  return FIRN_OK;
}

firn_status firn_tuple_program_make(const firn_avro_schema *record, const firn_field *type, firn_arena *arena,
                                    const firn_tuple_program **out, firn_error *err) {
  firn_tuple_program *p = firn_new(arena, firn_tuple_program);
  firn_value *blank = firn_new_n(arena, firn_value, type->n_children);
  step *steps = firn_new_n(arena, step, record->n_fields);
  if (p == NULL || blank == NULL || steps == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a partition type");
  }
  for (uint32_t i = 0; i < type->n_children; i++) {
    blank[i] = (firn_value){.kind = type->children[i].kind, .is_null = true};
  }
  bool by_id = firn_avro_has_ids(record);
  for (size_t i = 0; i < record->n_fields; i++) {
    FIRN_TRY(plan_step(&record->fields[i], type, by_id, &steps[i], err));
  }
  *p = (firn_tuple_program){type->n_children, blank, record->n_fields, steps};
  *out = p;
  return FIRN_OK;
}

/* Two's complement, big endian; false when it does not fit in 16 bytes. */
static bool decimal_of(firn_bytes in, firn_decimal *out) {
  if (in.len == 0) {
    return false;
  }
  uint8_t sign = (in.data[0] & 0x80) != 0 ? 0xFF : 0;
  size_t extra = in.len > 16 ? in.len - 16 : 0;
  for (size_t i = 0; i < extra; i++) {
    if (in.data[i] != sign) {
      return false;
    }
  }
  __extension__ unsigned __int128 v = sign != 0 ? ~(__extension__(unsigned __int128) 0) : 0;
  for (size_t i = extra; i < in.len; i++) {
    v = v << 8 | in.data[i];
  }
  *out = (firn_decimal)v;
  return extra == 0 || ((*out < 0) == (sign != 0));
}

static firn_bytes take_bytes(const firn_avro_schema *s, firn_cursor *c) {
  return firn_cursor_take(c, s->type == FIRN_AVRO_FIXED ? s->size : (uint64_t)firn_cursor_zigzag(c));
}

static double take_real(const firn_avro_schema *s, firn_cursor *c) {
  uint64_t bits = firn_cursor_le(c, s->type == FIRN_AVRO_FLOAT ? 4 : 8);
  if (s->type == FIRN_AVRO_FLOAT) {
    uint32_t half = (uint32_t)bits;
    float f;
    memcpy(&f, &half, sizeof f);
    return (double)f;
  }
  double d;
  memcpy(&d, &bits, sizeof d);
  return d;
}

/* False when the bytes are there and make no such value. */
static bool take_value(const step *s, firn_cursor *c, firn_value *v) {
  int64_t number;
  v->is_null = false;
  switch (s->kind) {
    case FIRN_KIND_BOOLEAN:
      v->boolean = firn_cursor_u8(c) != 0;
      return true;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      number = firn_cursor_zigzag(c);
      v->i32 = (int32_t)number;
      return v->i32 == number;
    case FIRN_KIND_FLOAT: {
      uint32_t bits = firn_cursor_u32le(c);
      memcpy(&v->f32, &bits, sizeof bits);
      return true;
    }
    case FIRN_KIND_DOUBLE:
      v->f64 = take_real(s->schema, c);
      return true;
    case FIRN_KIND_DECIMAL:
      return decimal_of(take_bytes(s->schema, c), &v->dec) || c->bad;
    case FIRN_KIND_UUID:
      v->bytes = take_bytes(s->schema, c);
      return v->bytes.len == 16 || c->bad;
    case FIRN_KIND_FIXED:
      v->bytes = take_bytes(s->schema, c);
      return v->bytes.len == s->width || c->bad;
    case FIRN_KIND_STRING:
    case FIRN_KIND_BINARY:
      v->bytes = take_bytes(s->schema, c);
      return true;
    default:
      v->i64 = firn_cursor_zigzag(c);
      return true;
  }
}

static firn_status run_step(const step *s, firn_cursor *c, firn_value *tuple, firn_error *err) {
  if (s->to == NOWHERE) {
    (void)firn_avro_skip(c, s->schema); /* the cursor knows */
  } else if (s->null_branch >= 0) {
    uint64_t branch = (uint64_t)firn_cursor_zigzag(c);
    c->bad = c->bad || branch > 1;
    if (!c->bad && branch == (uint64_t)s->null_branch) {
      return FIRN_OK;
    }
  }
  if (s->to != NOWHERE && !c->bad && !take_value(s, c, &tuple[s->to])) {
    c->bad = true;
    return firn_error_set(err, FIRN_CORRUPT, "partition field %s has a value that is no %s", s->name,
                          firn_kind_name(s->kind));
  }
  return c->bad ? firn_error_set(err, FIRN_CORRUPT, "partition field %s ends early", s->name) : FIRN_OK;
}

firn_status firn_tuple_program_run(const firn_tuple_program *p, firn_cursor *c, firn_arena *arena,
                                   const firn_value **out, firn_error *err) {
  firn_value *tuple = firn_new_n(arena, firn_value, p->n_values);
  if (tuple == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a partition tuple");
  }
  memcpy(tuple, p->blank, p->n_values * sizeof *tuple);
  for (size_t i = 0; i < p->n_steps; i++) {
    FIRN_TRY(run_step(&p->steps[i], c, tuple, err));
  }
  *out = tuple;
  return FIRN_OK;
}

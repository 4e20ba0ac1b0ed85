#include <strings.h>

#include "services/sql/ddl_internal.h"

enum {
  DECIMAL_MAX_PRECISION = 38,
  DECIMAL_PRECISION = 18, /* of DECIMAL alone, as the engine has it */
  DECIMAL_SCALE = 3,
  FIXED_MAX = 1 << 20,
};

/* Names of types without parameters: the engine's, Spark's, Trino's, Iceberg's. Sorted. */
static const struct {
  const char *name;
  firn_kind kind;
} simple_types[] = {
    {"bigint", FIRN_KIND_LONG},
    {"binary", FIRN_KIND_BINARY},
    {"blob", FIRN_KIND_BINARY},
    {"bool", FIRN_KIND_BOOLEAN},
    {"boolean", FIRN_KIND_BOOLEAN},
    {"bpchar", FIRN_KIND_STRING},
    {"bytea", FIRN_KIND_BINARY},
    {"byte", FIRN_KIND_INT},
    {"char", FIRN_KIND_STRING},
    {"date", FIRN_KIND_DATE},
    {"datetime", FIRN_KIND_TIMESTAMP},
    {"double", FIRN_KIND_DOUBLE},
    {"float", FIRN_KIND_FLOAT},
    {"float4", FIRN_KIND_FLOAT},
    {"float8", FIRN_KIND_DOUBLE},
    {"int", FIRN_KIND_INT},
    {"int1", FIRN_KIND_INT},
    {"int2", FIRN_KIND_INT},
    {"int4", FIRN_KIND_INT},
    {"int8", FIRN_KIND_LONG},
    {"integer", FIRN_KIND_INT},
    {"json", FIRN_KIND_STRING},
    {"logical", FIRN_KIND_BOOLEAN},
    {"long", FIRN_KIND_LONG},
    {"nvarchar", FIRN_KIND_STRING},
    {"real", FIRN_KIND_FLOAT},
    {"short", FIRN_KIND_INT},
    {"signed", FIRN_KIND_INT},
    {"smallint", FIRN_KIND_INT},
    {"string", FIRN_KIND_STRING},
    {"text", FIRN_KIND_STRING},
    {"timestamp_ltz", FIRN_KIND_TIMESTAMPTZ},
    {"timestamp_ms", FIRN_KIND_TIMESTAMP},
    {"timestamp_ntz", FIRN_KIND_TIMESTAMP},
    {"timestamp_s", FIRN_KIND_TIMESTAMP},
    {"timestamptz", FIRN_KIND_TIMESTAMPTZ},
    {"tinyint", FIRN_KIND_INT},
    {"uinteger", FIRN_KIND_LONG},
    {"usmallint", FIRN_KIND_INT},
    {"utinyint", FIRN_KIND_INT},
    {"uuid", FIRN_KIND_UUID},
    {"varbinary", FIRN_KIND_BINARY},
    {"varchar", FIRN_KIND_STRING},
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a type");
}

/* (n): a length that says nothing here, as in VARCHAR(20) or TIMESTAMP(6). */
static firn_status skip_length(firn_parser *p, firn_error *err) {
  int64_t ignored;
  if (!firn_parser_takes(p, "(")) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_parser_whole(p, "a length", &ignored, err));
  return firn_parser_need(p, ")", err);
}

static firn_status read_decimal(firn_parser *p, firn_field *out, firn_error *err) {
  int64_t precision = DECIMAL_PRECISION, scale = DECIMAL_SCALE;
  if (firn_parser_takes(p, "(")) {
    scale = 0;
    FIRN_TRY(firn_parser_whole(p, "a precision", &precision, err));
    if (precision < 1 || precision > DECIMAL_MAX_PRECISION) {
      p->at--;
      return firn_parser_fail(p, "a precision from 1 to 38", err);
    }
    if (firn_parser_takes(p, ",")) {
      FIRN_TRY(firn_parser_whole(p, "a scale", &scale, err));
    }
    if (scale < 0 || scale > precision) {
      p->at--;
      return firn_parser_fail(p, "a scale that is not negative and not above the precision", err);
    }
    FIRN_TRY(firn_parser_need(p, ")", err));
  }
  out->kind = FIRN_KIND_DECIMAL;
  out->precision = (uint8_t)precision;
  out->scale = (uint8_t)scale;
  return FIRN_OK;
}

static firn_status read_fixed(firn_parser *p, firn_field *out, firn_error *err) {
  int64_t width;
  bool is_square = firn_parser_takes(p, "[");
  FIRN_TRY(is_square ? FIRN_OK : firn_parser_need(p, "(", err));
  FIRN_TRY(firn_parser_whole(p, "a length", &width, err));
  if (width < 1 || width > FIXED_MAX) {
    p->at--;
    return firn_parser_fail(p, "a length from 1 to 1048576", err);
  }
  out->kind = FIRN_KIND_FIXED;
  out->width = (uint32_t)width;
  return firn_parser_need(p, is_square ? "]" : ")", err);
}

/* TIMESTAMP [(6)] [WITH | WITHOUT TIME ZONE], TIME likewise. */
static firn_status read_time(firn_parser *p, bool is_stamp, firn_field *out, firn_error *err) {
  FIRN_TRY(skip_length(p, err));
  bool zoned = firn_parser_takes(p, "with time zone");
  if (!zoned) {
    (void)firn_parser_takes(p, "without time zone");
  }
  if (zoned && !is_stamp) {
    p->at--;
    return firn_parser_fail(p, "TIME without a time zone", err);
  }
  out->kind = !is_stamp ? FIRN_KIND_TIME : zoned ? FIRN_KIND_TIMESTAMPTZ : FIRN_KIND_TIMESTAMP;
  return FIRN_OK;
}

static firn_status read_type(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                             firn_error *err);

/* Type parameters stand in <> or (). */
static firn_status open_parameters(firn_parser *p, const char **closing, firn_error *err) {
  bool is_round = firn_parser_takes(p, "(");
  *closing = is_round ? ")" : ">";
  return is_round ? FIRN_OK : firn_parser_need(p, "<", err);
}

static firn_field *new_children(firn_parser *p, const char *first, const char *second, int32_t *last_id) {
  firn_field *children = firn_new_n(p->arena, firn_field, 2);
  if (children != NULL) {
    children[0] = (firn_field){.id = ++*last_id, .name = first};
    children[1] = (firn_field){.id = second == NULL ? FIRN_NO_ID : ++*last_id, .name = second};
  }
  return children;
}

static firn_status make_list(firn_parser *p, const firn_field *element, int32_t *last_id, firn_field *out,
                             firn_error *err) {
  firn_field *children = new_children(p, "element", NULL, last_id);
  if (children == NULL) {
    return no_memory(err);
  }
  int32_t id = children[0].id;
  children[0] = *element;
  children[0].id = id;
  children[0].name = "element";
  out->kind = FIRN_KIND_LIST;
  out->n_children = 1;
  out->children = children;
  return FIRN_OK;
}

static firn_status read_list(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                             firn_error *err) {
  const char *closing;
  firn_field element = {0};
  FIRN_TRY(open_parameters(p, &closing, err));
  FIRN_TRY(read_type(p, last_id, depth + 1, &element, err));
  FIRN_TRY(firn_parser_need(p, closing, err));
  return make_list(p, &element, last_id, out, err);
}

static firn_status read_map(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                            firn_error *err) {
  const char *closing;
  FIRN_TRY(open_parameters(p, &closing, err));
  firn_field *children = new_children(p, "key", "value", last_id);
  if (children == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(read_type(p, last_id, depth + 1, &children[0], err));
  FIRN_TRY(firn_parser_need(p, ",", err));
  FIRN_TRY(read_type(p, last_id, depth + 1, &children[1], err));
  children[0].required = true;
  out->kind = FIRN_KIND_MAP;
  out->n_children = 2;
  out->children = children;
  return firn_parser_need(p, closing, err);
}

static firn_status read_member(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                               firn_error *err) {
  *out = (firn_field){.id = ++*last_id};
  FIRN_TRY(firn_parser_name(p, "a field's name", &out->name, err));
  (void)firn_parser_takes(p, ":");
  FIRN_TRY(read_type(p, last_id, depth + 1, out, err));
  out->required = firn_parser_takes(p, "not null");
  if (firn_parser_takes(p, "comment")) {
    FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes", &out->doc, err));
  }
  return FIRN_OK;
}

static firn_status read_struct(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                               firn_error *err) {
  const char *closing;
  FIRN_TRY(open_parameters(p, &closing, err));
  firn_field *fields = NULL;
  size_t n = 0, capacity = 0;
  do {
    fields = firn_arena_grow(p->arena, fields, n, &capacity, sizeof *fields);
    if (fields == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_member(p, last_id, depth, &fields[n], err));
    n++;
  } while (firn_parser_takes(p, ","));
  out->kind = FIRN_KIND_STRUCT;
  out->n_children = (uint32_t)n;
  out->children = fields;
  return firn_parser_need(p, closing, err);
}

static bool find_simple(firn_bytes word, firn_kind *out) {
  for (size_t i = 0; i < FIRN_COUNT_OF(simple_types); i++) {
    if (word.len == strlen(simple_types[i].name) &&
        strncasecmp((const char *)word.data, simple_types[i].name, word.len) == 0) {
      *out = simple_types[i].kind;
      return true;
    }
  }
  return false;
}

static firn_status read_named(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                              firn_error *err) {
  const firn_token *t = firn_parser_token(p, 0);
  if (firn_parser_takes(p, "struct") || firn_parser_takes(p, "row")) {
    return read_struct(p, last_id, depth, out, err);
  }
  if (firn_parser_takes(p, "array") || firn_parser_takes(p, "list")) {
    return read_list(p, last_id, depth, out, err);
  }
  if (firn_parser_takes(p, "map")) {
    return read_map(p, last_id, depth, out, err);
  }
  if (firn_parser_takes(p, "decimal") || firn_parser_takes(p, "numeric") || firn_parser_takes(p, "dec")) {
    return read_decimal(p, out, err);
  }
  if (firn_parser_takes(p, "hugeint")) {
    out->kind = FIRN_KIND_DECIMAL;
    out->precision = DECIMAL_MAX_PRECISION;
    return FIRN_OK;
  }
  if (firn_parser_takes(p, "fixed")) {
    return read_fixed(p, out, err);
  }
  bool is_stamp = firn_parser_takes(p, "timestamp");
  if (is_stamp || firn_parser_takes(p, "time")) {
    return read_time(p, is_stamp, out, err);
  }
  if (t->kind != FIRN_TOKEN_WORD || !find_simple(firn_parser_bytes(p, t), &out->kind)) {
    return firn_parser_fail(p, "a type (BIGINT, STRING, TIMESTAMP, DECIMAL(10, 2), STRUCT<...>, ...)", err);
  }
  p->at++;
  (void)firn_parser_takes(p, "precision"); /* DOUBLE PRECISION */
  (void)firn_parser_takes(p, "varying");
  return skip_length(p, err);
}

static firn_status read_type(firn_parser *p, int32_t *last_id, unsigned depth, firn_field *out,
                             firn_error *err) {
  if (depth >= FIRN_TYPE_MAX_DEPTH - 1) {
    return firn_parser_fail(p, "a type of less depth", err);
  }
  FIRN_TRY(read_named(p, last_id, depth, out, err));
  while (firn_parser_takes(p, "[")) { /* int[], int[3]: lists */
    firn_field element = *out;
    int64_t ignored;
    if (++depth >= FIRN_TYPE_MAX_DEPTH - 1) {
      return firn_parser_fail(p, "a type of less depth", err);
    }
    if (!firn_parser_sees(p, 0, "]")) {
      FIRN_TRY(firn_parser_whole(p, "a length", &ignored, err));
    }
    FIRN_TRY(firn_parser_need(p, "]", err));
    element.required = false;
    FIRN_TRY(make_list(p, &element, last_id, out, err));
  }
  return FIRN_OK;
}

firn_status firn_sql_type_read(firn_parser *p, int32_t *last_id, firn_field *out, firn_error *err) {
  return read_type(p, last_id, 0, out, err);
}

firn_status firn_sql_column_read(firn_parser *p, int32_t *last_id, firn_field *out, bool *is_identifier,
                                 firn_error *err) {
  *out = (firn_field){.id = ++*last_id};
  FIRN_TRY(firn_parser_name(p, "a column's name", &out->name, err));
  FIRN_TRY(read_type(p, last_id, 0, out, err));
  for (;;) {
    if (firn_parser_takes(p, "not null")) {
      out->required = true;
    } else if (firn_parser_takes(p, "comment")) {
      FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes", &out->doc, err));
    } else if (is_identifier != NULL && firn_parser_takes(p, "primary key")) {
      out->required = true;
      *is_identifier = true;
    } else if (!firn_parser_takes(p, "null")) {
      return FIRN_OK;
    }
  }
}

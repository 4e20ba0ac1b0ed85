/* The JSON form of the REST specification. Two generations of it are read (a predicate's "term" and "value",
 * and the newer "child", "left" and "right" with references and literals as objects); what is written is the
 * first, which everybody reads. */
#include <stdio.h>

#include "base/number.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/literal_internal.h"
#include "iceberg/types/value.h"

enum { MAX_DIGITS = 38, MAX_TYPE = 40 };

static const struct {
  const char *name;
  firn_expr_op op;
} names[] = {
    {"true", FIRN_EXPR_TRUE},
    {"false", FIRN_EXPR_FALSE},
    {"not", FIRN_EXPR_NOT},
    {"and", FIRN_EXPR_AND},
    {"or", FIRN_EXPR_OR},
    {"is-null", FIRN_EXPR_IS_NULL},
    {"not-null", FIRN_EXPR_NOT_NULL},
    {"is-nan", FIRN_EXPR_IS_NAN},
    {"not-nan", FIRN_EXPR_NOT_NAN},
    {"lt", FIRN_EXPR_LT},
    {"lt-eq", FIRN_EXPR_LT_EQ},
    {"gt", FIRN_EXPR_GT},
    {"gt-eq", FIRN_EXPR_GT_EQ},
    {"eq", FIRN_EXPR_EQ},
    {"not-eq", FIRN_EXPR_NOT_EQ},
    {"starts-with", FIRN_EXPR_STARTS_WITH},
    {"not-starts-with", FIRN_EXPR_NOT_STARTS_WITH},
    {"in", FIRN_EXPR_IN},
    {"not-in", FIRN_EXPR_NOT_IN},
};

typedef struct reader {
  firn_arena *arena;
  size_t n_nodes;
} reader;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an expression");
}

static firn_status count_node(reader *r, firn_error *err) {
  if (++r->n_nodes > FIRN_EXPR_MAX_NODES) {
    return firn_error_set(err, FIRN_LIMIT, "an expression has more than %d parts", FIRN_EXPR_MAX_NODES);
  }
  return FIRN_OK;
}

/* The member by its newer or its older name. */
static firn_status need(const firn_json_value *object, const char *newer, const char *older,
                        const firn_json_value **out, firn_error *err) {
  *out = firn_json_get_some(object, newer);
  if (*out == NULL) {
    *out = firn_json_get_some(object, older);
  }
  return *out == NULL ? firn_error_set(err, FIRN_CORRUPT, "\"%s\" is missing", older) : FIRN_OK;
}

static bool is_type(const firn_json_value *json, const char *type) {
  const firn_json_value *v = firn_json_get_some(json, "type");
  return v != NULL && v->kind == FIRN_JSON_STRING && firn_bytes_is(v->text, type);
}

/* ---- Terms */

static firn_status read_reference(reader *r, const firn_json_value *json, const char **out, firn_error *err) {
  if (json->kind == FIRN_JSON_STRING) {
    if (json->text.len > 0 && memchr(json->text.data, '\0', json->text.len) != NULL) {
      return firn_error_set(err, FIRN_CORRUPT, "the name of a column has a zero byte");
    }
    *out = firn_arena_text(r->arena, json->text);
    return *out == NULL ? no_memory(err) : FIRN_OK;
  }
  if (!is_type(json, "reference")) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "a predicate is about something that is no column");
  }
  if (firn_json_get_some(json, "id") != NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "a column is named by its id");
  }
  return firn_json_need_text(json, firn_json_get_some(json, "name") != NULL ? "name" : "term", r->arena, out,
                             err);
}

static firn_status read_term(reader *r, const firn_json_value *json, firn_expr *out, firn_error *err) {
  if (!is_type(json, "transform")) {
    return read_reference(r, json, &out->name, err);
  }
  const firn_json_value *transform = firn_json_get_some(json, "transform");
  const firn_json_value *term = firn_json_get_some(json, "term");
  if (transform == NULL || transform->kind != FIRN_JSON_STRING || term == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "a transform needs \"transform\" and \"term\"");
  }
  FIRN_TRY(firn_transform_read(transform->text, r->arena, &out->transform, err));
  if (out->transform.kind == FIRN_TRANSFORM_UNKNOWN) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "transform %s is not known", out->transform.text);
  }
  return read_reference(r, term, &out->name, err);
}

/* ---- Literals */

/* A double where it says all that is written; a decimal where that has more digits. */
static firn_status read_real(const firn_json_value *json, firn_literal *out, firn_error *err) {
  char shortest[FIRN_NUMBER_MAX];
  firn_decimal written, kept;
  int written_exponent, kept_exponent;
  double v;
  if (!firn_number_to_double(json->text, &v)) {
    return no_memory(err);
  }
  if (v - v != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "a number is beyond the largest double");
  }
  *out = firn_literal_double(v);
  if (!firn_decimal_literal(json->text, &written, &written_exponent) || written_exponent > 0 ||
      written_exponent < -MAX_DIGITS) {
    return FIRN_OK;
  }
  size_t len = firn_number_of_double(v, shortest);
  firn_bytes text = {(const uint8_t *)shortest, len};
  bool same = firn_decimal_literal(text, &kept, &kept_exponent);
  while (same && kept != 0 && kept % 10 == 0) {
    kept /= 10;
    kept_exponent++;
  }
  firn_decimal plain = written;
  int plain_exponent = written_exponent;
  while (plain != 0 && plain % 10 == 0) {
    plain /= 10;
    plain_exponent++;
  }
  if (same && (plain != kept || (plain != 0 && plain_exponent != kept_exponent))) {
    *out = (firn_literal){.value = {.kind = FIRN_KIND_DECIMAL, .dec = written},
                          .precision = MAX_DIGITS,
                          .scale = (uint8_t)-written_exponent};
  }
  return FIRN_OK;
}

static firn_status read_number(const firn_json_value *json, firn_literal *out, firn_error *err) {
  int64_t v;
  firn_decimal wide;
  int exponent;
  if (firn_json_value_int64(json, &v)) {
    *out = firn_literal_long(v);
    return FIRN_OK;
  }
  bool is_whole = true;
  for (size_t i = 0; i < json->text.len; i++) {
    uint8_t c = json->text.data[i];
    is_whole = is_whole && ((c >= '0' && c <= '9') || c == '-');
  }
  if (is_whole && firn_decimal_literal(json->text, &wide, &exponent)) {
    *out = (firn_literal){.value = {.kind = FIRN_KIND_DECIMAL, .dec = wide}, .precision = MAX_DIGITS};
    return FIRN_OK;
  }
  return read_real(json, out, err);
}

static firn_status read_plain(const firn_json_value *json, firn_literal *out, firn_error *err) {
  switch (json->kind) {
    case FIRN_JSON_TRUE:
    case FIRN_JSON_FALSE:
      *out = firn_literal_bool(json->kind == FIRN_JSON_TRUE);
      return FIRN_OK;
    case FIRN_JSON_STRING:
      *out = (firn_literal){.value = {.kind = FIRN_KIND_STRING, .bytes = json->text}};
      return FIRN_OK;
    case FIRN_JSON_NUMBER:
      return read_number(json, out, err);
    default:
      return firn_error_set(err, FIRN_CORRUPT, "a literal is null or no single value");
  }
}

static firn_status read_typed(reader *r, const firn_json_value *json, const firn_field *type,
                              firn_literal *out, firn_error *err) {
  if (type == NULL) {
    return read_plain(json, out, err);
  }
  *out = (firn_literal){.precision = type->precision, .scale = type->scale};
  FIRN_TRY(firn_value_read_json(json, type, r->arena, &out->value, err));
  return out->value.is_null ? firn_error_set(err, FIRN_CORRUPT, "a literal is null") : FIRN_OK;
}

/* `*type` is given, or NULL where the object has no "data-type". */
static firn_status read_data_type(reader *r, const firn_json_value *object, firn_field *room,
                                  const firn_field **type, firn_error *err) {
  const firn_json_value *text = firn_json_get_some(object, "data-type");
  *type = NULL;
  if (text == NULL) {
    return FIRN_OK;
  }
  if (text->kind != FIRN_JSON_STRING) {
    return firn_error_set(err, FIRN_CORRUPT, "\"data-type\" is not a string");
  }
  *room = (firn_field){.id = FIRN_NO_ID, .name = ""};
  FIRN_TRY(firn_type_read(text->text, r->arena, room, err));
  *type = room;
  return FIRN_OK;
}

static firn_status read_literal(reader *r, const firn_json_value *json, firn_literal *out, firn_error *err) {
  firn_field room;
  const firn_field *type = NULL;
  const firn_json_value *value = json;
  FIRN_TRY(count_node(r, err));
  if (json->kind == FIRN_JSON_OBJECT) {
    if (!is_type(json, "literal")) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "a column is compared with something that is no literal");
    }
    FIRN_TRY(need(json, "value", "value", &value, err));
    FIRN_TRY(read_data_type(r, json, &room, &type, err));
  }
  return read_typed(r, value, type, out, err);
}

static firn_status read_literals(reader *r, const firn_json_value *json, firn_expr *e, firn_error *err) {
  firn_field room;
  const firn_field *type = NULL;
  if (json->kind == FIRN_JSON_OBJECT && is_type(json, "literals")) {
    FIRN_TRY(read_data_type(r, json, &room, &type, err));
    FIRN_TRY(need(json, "values", "values", &json, err));
  }
  if (json->kind != FIRN_JSON_ARRAY) {
    return firn_error_set(err, FIRN_CORRUPT, "\"values\" is not an array");
  }
  firn_literal *literals = firn_new_n(r->arena, firn_literal, json->n_items);
  if (literals == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < json->n_items; i++) {
    FIRN_TRY(type == NULL ? read_literal(r, &json->items[i], &literals[i], err)
                          : read_typed(r, &json->items[i], type, &literals[i], err));
  }
  r->n_nodes += type == NULL ? 0 : json->n_items;
  e->literals = literals;
  e->n_literals = json->n_items;
  return count_node(r, err);
}

/* ---- Expressions */

/* "NOT_NULL" and "not-null" are one. */
static firn_status read_op(const firn_json_value *json, firn_expr_op *out, firn_error *err) {
  const firn_json_value *type = firn_json_get_some(json, "type");
  char name[MAX_TYPE];
  if (type == NULL || type->kind != FIRN_JSON_STRING) {
    return firn_error_set(err, FIRN_CORRUPT, "an expression has no \"type\"");
  }
  size_t len = type->text.len < sizeof name ? type->text.len : 0;
  for (size_t i = 0; i < len; i++) {
    char c = (char)type->text.data[i];
    name[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    if (firn_bytes_is((firn_bytes){(const uint8_t *)name, len}, names[i].name)) {
      *out = names[i].op;
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "expressions of type %.*s are not known",
                        FIRN_FORMAT_BYTES(firn_bytes_part(type->text, 0, MAX_TYPE)));
}

static firn_status read_predicate(reader *r, const firn_json_value *json, firn_expr_op op,
                                  const firn_expr **out, firn_error *err) {
  bool is_comparison = !firn_op_is_unary(op) && !firn_op_is_set(op);
  const firn_json_value *term, *value;
  firn_literal *literal;
  firn_expr e = {.op = op};
  FIRN_TRY(need(json, is_comparison ? "left" : "child", "term", &term, err));
  FIRN_TRY(read_term(r, term, &e, err));
  if (firn_op_is_set(op)) {
    FIRN_TRY(need(json, "values", "values", &value, err));
    FIRN_TRY(read_literals(r, value, &e, err));
    if (e.n_literals == 0) {
      *out = firn_expr_constant(op == FIRN_EXPR_NOT_IN);
      return FIRN_OK;
    }
  } else if (is_comparison) {
    FIRN_TRY(need(json, "right", "value", &value, err));
    literal = firn_new(r->arena, firn_literal);
    if (literal == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_literal(r, value, literal, err));
    e.literals = literal;
    e.n_literals = 1;
  }
  *out = firn_expr_like(&e, op, e.literals, e.n_literals, r->arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_expr(reader *r, const firn_json_value *json, unsigned depth, const firn_expr **out,
                             firn_error *err) {
  const firn_json_value *left, *right;
  const firn_expr *first, *second;
  firn_expr_op op;
  FIRN_TRY(count_node(r, err));
  if (depth > FIRN_EXPR_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "an expression is nested more than %d deep", FIRN_EXPR_MAX_DEPTH);
  }
  if (json->kind == FIRN_JSON_OBJECT && is_type(json, "literal")) {
    FIRN_TRY(need(json, "value", "value", &json, err));
  }
  if (json->kind == FIRN_JSON_TRUE || json->kind == FIRN_JSON_FALSE) {
    *out = firn_expr_constant(json->kind == FIRN_JSON_TRUE);
    return FIRN_OK;
  }
  FIRN_TRY(read_op(json, &op, err));
  switch (op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      *out = firn_expr_constant(op == FIRN_EXPR_TRUE);
      return FIRN_OK;
    case FIRN_EXPR_NOT:
      FIRN_TRY(need(json, "child", "child", &left, err));
      FIRN_TRY(read_expr(r, left, depth + 1, &first, err));
      *out = firn_expr_not(first, r->arena);
      break;
    case FIRN_EXPR_AND:
    case FIRN_EXPR_OR:
      FIRN_TRY(need(json, "left", "left", &left, err));
      FIRN_TRY(need(json, "right", "right", &right, err));
      FIRN_TRY(read_expr(r, left, depth + 1, &first, err));
      FIRN_TRY(read_expr(r, right, depth + 1, &second, err));
      *out = op == FIRN_EXPR_AND ? firn_expr_and(first, second, r->arena)
                                 : firn_expr_or(first, second, r->arena);
      break;
    default:
      return read_predicate(r, json, op, out, err);
  }
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_expr_read(const firn_json_value *json, firn_arena *arena, const firn_expr **out,
                           firn_error *err) {
  reader r = {.arena = arena};
  const firn_expr *made;
  FIRN_TRY(read_expr(&r, json, 0, &made, err));
  *out = made;
  return FIRN_OK;
}

/* ---- Writing */

/* A literal that nobody has bound, of a kind that plain JSON does not show, carries its type. */
static bool is_plain(const firn_value *v) {
  return v->kind == FIRN_KIND_BOOLEAN || v->kind == FIRN_KIND_LONG || v->kind == FIRN_KIND_STRING ||
         (v->kind == FIRN_KIND_DOUBLE && v->f64 - v->f64 == 0);
}

static void write_literal(const firn_expr *e, const firn_literal *l, firn_json_writer *w) {
  firn_field type = {.kind = l->value.kind, .precision = l->precision, .scale = l->scale};
  char text[64];
  if (e->field != NULL || is_plain(&l->value)) {
    firn_value_write_json(&l->value, &type, w);
    return;
  }
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "literal");
  firn_json_key(w, "value");
  firn_value_write_json(&l->value, &type, w);
  if (type.kind == FIRN_KIND_DECIMAL) {
    (void)snprintf(text, sizeof text, "decimal(%u, %u)", type.precision, type.scale);
  } else if (type.kind == FIRN_KIND_FIXED) {
    (void)snprintf(text, sizeof text, "fixed[%zu]", l->value.bytes.len);
  } else {
    (void)snprintf(text, sizeof text, "%s", firn_kind_name(type.kind));
  }
  firn_json_add_text(w, "data-type", text);
  firn_json_end_object(w);
}

static void write_predicate(const firn_expr *e, firn_json_writer *w) {
  firn_json_key(w, "term");
  if (e->transform.kind == FIRN_TRANSFORM_IDENTITY) {
    firn_json_write_text(w, e->name);
  } else {
    char transform[64];
    firn_transform_text(&e->transform, transform);
    firn_json_begin_object(w);
    firn_json_add_text(w, "type", "transform");
    firn_json_add_text(w, "transform", transform);
    firn_json_add_text(w, "term", e->name);
    firn_json_end_object(w);
  }
  if (firn_op_is_set(e->op)) {
    firn_json_key(w, "values");
    firn_json_begin_array(w);
    for (size_t i = 0; i < e->n_literals; i++) {
      write_literal(e, &e->literals[i], w);
    }
    firn_json_end_array(w);
  } else if (!firn_op_is_unary(e->op)) {
    firn_json_key(w, "value");
    write_literal(e, &e->literals[0], w);
  }
}

void firn_expr_write(const firn_expr *e, firn_json_writer *w) {
  if (e->op <= FIRN_EXPR_FALSE) {
    firn_json_write_bool(w, e->op == FIRN_EXPR_TRUE);
    return;
  }
  firn_json_begin_object(w);
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    if (names[i].op == e->op) {
      firn_json_add_text(w, "type", names[i].name);
    }
  }
  if (firn_op_is_predicate(e->op)) {
    write_predicate(e, w);
  } else {
    firn_json_key(w, e->op == FIRN_EXPR_NOT ? "child" : "left");
    firn_expr_write(e->left, w);
    if (e->op != FIRN_EXPR_NOT) {
      firn_json_key(w, "right");
      firn_expr_write(e->right, w);
    }
  }
  firn_json_end_object(w);
}

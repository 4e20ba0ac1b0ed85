/* The text form, written. */

#include "base/number.h"
#include "base/time.h"
#include "base/uuid.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/words_internal.h"

/* Whether the name is read back as it is: words with dots between them, none of them reserved. */
static bool is_plain(const char *name) {
  firn_bytes rest = firn_bytes_of(name);
  bool is_one_word = strchr(name, '.') == NULL;
  if (rest.len == 0 || (is_one_word && firn_word_is_reserved(rest))) {
    return false;
  }
  bool at_start = true;
  for (size_t i = 0; i < rest.len; i++) {
    uint8_t c = rest.data[i];
    if (at_start ? !firn_is_name_start(c) : !(firn_is_name_char(c) || c == '.')) {
      return false;
    }
    at_start = c == '.';
  }
  return !at_start;
}

static void add_quoted(firn_bytes text, char quote, firn_builder *to) {
  firn_builder_add_u8(to, (uint8_t)quote);
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == (uint8_t)quote) {
      firn_builder_add_u8(to, (uint8_t)quote);
    }
    firn_builder_add_u8(to, text.data[i]);
  }
  firn_builder_add_u8(to, (uint8_t)quote);
}

static void add_name(const char *name, firn_builder *to) {
  if (is_plain(name)) {
    firn_builder_add_text(to, name);
  } else {
    add_quoted(firn_bytes_of(name), '"', to);
  }
}

static void add_term(const firn_expr *e, firn_builder *to) {
  if (e->transform.kind == FIRN_TRANSFORM_IDENTITY) {
    add_name(e->name, to);
    return;
  }
  char transform[64];
  firn_transform_text(&e->transform, transform);
  firn_builder_add_text(to, transform);
  firn_builder_add_u8(to, '(');
  add_name(e->name, to);
  firn_builder_add_u8(to, ')');
}

/* Always with an exponent: without one it would be a decimal. */
static void add_real(double v, bool is_float, firn_builder *to) {
  char text[FIRN_NUMBER_MAX];
  if (v - v != 0) {
    firn_builder_add_text(to, v != v ? "nan" : v < 0 ? "-infinity" : "infinity");
    return;
  }
  size_t len = is_float ? firn_number_of_float((float)v, text) : firn_number_of_double(v, text);
  firn_builder_add(to, (firn_bytes){(const uint8_t *)text, len});
  if (memchr(text, 'e', len) == NULL) {
    firn_builder_add_text(to, "e0");
  }
}

static void add_decimal(const firn_literal *l, firn_builder *to) {
  char text[FIRN_DECIMAL_TEXT_MAX];
  size_t len = firn_decimal_text(l->value.dec, l->scale, text);
  firn_builder_add(to, (firn_bytes){(const uint8_t *)text, len});
  if (l->scale == 0) {
    firn_builder_add_u8(to, '.'); /* without a point it would be a long */
  }
}

static void add_hex(firn_bytes bytes, firn_builder *to) {
  firn_builder_add_text(to, "x'");
  for (size_t i = 0; i < bytes.len; i++) {
    firn_builder_addf(to, "%02x", bytes.data[i]);
  }
  firn_builder_add_u8(to, '\'');
}

static void add_time(const firn_value *v, firn_builder *to) {
  char text[FIRN_TIME_TEXT_MAX];
  size_t len;
  bool ns = v->kind == FIRN_KIND_TIMESTAMP_NS || v->kind == FIRN_KIND_TIMESTAMPTZ_NS;
  bool zoned = v->kind == FIRN_KIND_TIMESTAMPTZ || v->kind == FIRN_KIND_TIMESTAMPTZ_NS;
  if (v->kind == FIRN_KIND_DATE) {
    len = firn_date_text(v->i32, text);
  } else if (v->kind != FIRN_KIND_TIME) {
    len = firn_timestamp_text(v->i64, ns ? FIRN_NANOS : FIRN_MICROS, zoned, text);
  } else if (v->i64 >= 0 && v->i64 < FIRN_US_PER_DAY) {
    len = firn_time_text(v->i64, FIRN_MICROS, text);
  } else {
    firn_builder_addf(to, "%lld", (long long)v->i64); /* no time of any day */
    return;
  }
  add_quoted((firn_bytes){(const uint8_t *)text, len}, '\'', to);
}

static void add_uuid(firn_bytes bytes, firn_builder *to) {
  char text[FIRN_UUID_TEXT];
  firn_uuid uuid;
  if (bytes.len != sizeof uuid.bytes) {
    add_hex(bytes, to);
    return;
  }
  memcpy(uuid.bytes, bytes.data, sizeof uuid.bytes);
  firn_uuid_text(uuid, text);
  firn_builder_addf(to, "'%s'", text);
}

static void add_literal(const firn_literal *l, firn_builder *to) {
  const firn_value *v = &l->value;
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      firn_builder_add_text(to, v->boolean ? "true" : "false");
      break;
    case FIRN_KIND_INT:
      firn_builder_addf(to, "%d", v->i32);
      break;
    case FIRN_KIND_LONG:
      firn_builder_addf(to, "%lld", (long long)v->i64);
      break;
    case FIRN_KIND_FLOAT:
      add_real((double)v->f32, true, to);
      break;
    case FIRN_KIND_DOUBLE:
      add_real(v->f64, false, to);
      break;
    case FIRN_KIND_DECIMAL:
      add_decimal(l, to);
      break;
    case FIRN_KIND_STRING:
      add_quoted(v->bytes, '\'', to);
      break;
    case FIRN_KIND_UUID:
      add_uuid(v->bytes, to);
      break;
    default:
      if (firn_kind_is_bytes(v->kind)) {
        add_hex(v->bytes, to);
      } else {
        add_time(v, to);
      }
  }
}

static void add_prefix(firn_bytes prefix, firn_builder *to) {
  firn_builder_add_u8(to, '\'');
  for (size_t i = 0; i < prefix.len; i++) {
    uint8_t c = prefix.data[i];
    if (c == '%' || c == '_' || c == '\\') {
      firn_builder_add_u8(to, '\\');
    } else if (c == '\'') {
      firn_builder_add_u8(to, '\'');
    }
    firn_builder_add_u8(to, c);
  }
  firn_builder_add_text(to, "%'");
}

static void add_list(const firn_expr *e, firn_builder *to) {
  firn_builder_add_u8(to, '(');
  for (size_t i = 0; i < e->n_literals; i++) {
    firn_builder_add_text(to, i == 0 ? "" : ", ");
    add_literal(&e->literals[i], to);
  }
  firn_builder_add_u8(to, ')');
}

static void add_predicate(const firn_expr *e, firn_builder *to) {
  static const char *const words[] = {
      [FIRN_EXPR_IS_NULL] = " is null",
      [FIRN_EXPR_NOT_NULL] = " is not null",
      [FIRN_EXPR_IS_NAN] = " is nan",
      [FIRN_EXPR_NOT_NAN] = " is not nan",
      [FIRN_EXPR_LT] = " < ",
      [FIRN_EXPR_LT_EQ] = " <= ",
      [FIRN_EXPR_GT] = " > ",
      [FIRN_EXPR_GT_EQ] = " >= ",
      [FIRN_EXPR_EQ] = " = ",
      [FIRN_EXPR_NOT_EQ] = " != ",
      [FIRN_EXPR_STARTS_WITH] = " like ",
      [FIRN_EXPR_NOT_STARTS_WITH] = " not like ",
      [FIRN_EXPR_IN] = " in ",
      [FIRN_EXPR_NOT_IN] = " not in ",
  };
  add_term(e, to);
  firn_builder_add_text(to, words[e->op]);
  bool is_prefix = e->op == FIRN_EXPR_STARTS_WITH || e->op == FIRN_EXPR_NOT_STARTS_WITH;
  if (firn_op_is_set(e->op)) {
    add_list(e, to);
  } else if (is_prefix) {
    add_prefix(e->literals[0].value.bytes, to);
  } else if (!firn_op_is_unary(e->op)) {
    add_literal(&e->literals[0], to);
  }
}

static void add_expr(const firn_expr *e, firn_builder *to);

static void add_operand(const firn_expr *e, bool in_parentheses, firn_builder *to) {
  if (in_parentheses) {
    firn_builder_add_u8(to, '(');
  }
  add_expr(e, to);
  if (in_parentheses) {
    firn_builder_add_u8(to, ')');
  }
}

static size_t count_operands(const firn_expr *e, firn_expr_op op) {
  return e->op == op ? count_operands(e->left, op) + count_operands(e->right, op) : 1;
}

/* Whether reading the operands of a chain in a row joins them to this very tree. */
static bool is_even(const firn_expr *e, firn_expr_op op, size_t n) {
  if (e->op != op) {
    return n == 1;
  }
  size_t half = n - n / 2;
  return n > 1 && is_even(e->left, op, half) && is_even(e->right, op, n - half);
}

/* The operands of a chain, in a row. */
static void add_row(const firn_expr *e, firn_expr_op op, firn_builder *to) {
  if (e->op != op) {
    add_operand(e, e->op == FIRN_EXPR_OR, to); /* binds more loosely than AND */
    return;
  }
  add_row(e->left, op, to);
  firn_builder_add_text(to, op == FIRN_EXPR_AND ? " and " : " or ");
  add_row(e->right, op, to);
}

static void add_expr(const firn_expr *e, firn_builder *to) {
  switch (e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      firn_builder_add_text(to, e->op == FIRN_EXPR_TRUE ? "true" : "false");
      break;
    case FIRN_EXPR_NOT:
      firn_builder_add_text(to, "not ");
      add_operand(e->left, e->left->op == FIRN_EXPR_AND || e->left->op == FIRN_EXPR_OR, to);
      break;
    case FIRN_EXPR_AND:
    case FIRN_EXPR_OR:
      if (is_even(e, e->op, count_operands(e, e->op))) {
        add_row(e, e->op, to);
        break;
      }
      add_operand(e->left, e->left->op == e->op || e->left->op == FIRN_EXPR_OR, to);
      firn_builder_add_text(to, e->op == FIRN_EXPR_AND ? " and " : " or ");
      add_operand(e->right, e->right->op == e->op || e->right->op == FIRN_EXPR_OR, to);
      break;
    default:
      add_predicate(e, to);
  }
}

const char *firn_expr_text(const firn_expr *e, firn_arena *arena) {
  FIRN_AUTO_BUILDER to = FIRN_BUILDER_INIT(0);
  firn_bytes built;
  add_expr(e, &to);
  return firn_builder_finish(&to, &built, NULL) == FIRN_OK ? firn_arena_text(arena, built) : NULL;
}

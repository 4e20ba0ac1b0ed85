/* The text form, read. */
#include <math.h>

#include "base/number.h"
#include "base/utf8.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/literal_internal.h"
#include "iceberg/expr/words_internal.h"

enum { MAX_DIGITS = 38, SHOWN = 40 };

typedef enum token_kind { AT_END, NAME, NUMBER, TEXT, HEX, SYMBOL } token_kind;

typedef struct token {
  token_kind kind;
  firn_bytes raw; /* NAME: with its dots; TEXT, HEX: what stands between the quotes */
  bool is_quoted; /* NAME: some part of it is */
  size_t at;
} token;

typedef struct parser {
  firn_bytes text;
  size_t at; /* behind `now` */
  token now;
  firn_arena *arena;
  size_t n_nodes;
  unsigned depth;
} parser;

bool firn_word_is(firn_bytes word, const char *lower) {
  size_t i = 0;
  for (; i < word.len && lower[i] != '\0'; i++) {
    uint8_t c = word.data[i];
    if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)lower[i]) {
      return false;
    }
  }
  return i == word.len && lower[i] == '\0';
}

bool firn_word_is_reserved(firn_bytes word) {
  static const char *const reserved[] = {"and",  "or",   "not",   "in", "between",
                                         "like", "true", "false", "is", "null"};
  for (size_t i = 0; i < FIRN_COUNT_OF(reserved); i++) {
    if (firn_word_is(word, reserved[i])) {
      return true;
    }
  }
  return false;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an expression");
}

static firn_status expected(const parser *p, const char *what, firn_error *err) {
  if (p->now.kind == AT_END) {
    return firn_error_set(err, FIRN_INVALID, "at its end, %s is expected", what);
  }
  firn_bytes shown = firn_utf8_prefix(firn_bytes_part(p->text, p->now.at, p->text.len), SHOWN);
  size_t len = 0;
  while (len < shown.len && len < p->at - p->now.at) {
    len++;
  }
  return firn_error_set(err, FIRN_INVALID, "at byte %zu, %s is expected, not %.*s", p->now.at + 1, what,
                        FIRN_FORMAT_BYTES(firn_bytes_part(shown, 0, len)));
}

static uint8_t peek(const parser *p, size_t ahead) {
  return p->at + ahead < p->text.len ? p->text.data[p->at + ahead] : 0;
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

/* Passes over a quoted run whose quote is doubled inside; `p->at` is at the first quote. */
static firn_status scan_quoted(parser *p, firn_bytes *inside, firn_error *err) {
  uint8_t quote = p->text.data[p->at];
  size_t first = ++p->at;
  for (; p->at < p->text.len; p->at++) {
    if (p->text.data[p->at] == quote) {
      if (peek(p, 1) != quote) {
        *inside = firn_bytes_part(p->text, first, p->at - first);
        p->at++;
        return FIRN_OK;
      }
      p->at++;
    }
  }
  return firn_error_set(err, FIRN_INVALID, "at byte %zu, a quote is opened and never closed", first);
}

static firn_status scan_name(parser *p, firn_error *err) {
  size_t first = p->at;
  p->now.kind = NAME;
  for (;;) {
    if (peek(p, 0) == '"') {
      firn_bytes ignored;
      p->now.is_quoted = true;
      FIRN_TRY(scan_quoted(p, &ignored, err));
    } else {
      while (firn_is_name_char(peek(p, 0))) {
        p->at++;
      }
    }
    if (peek(p, 0) != '.' || !(peek(p, 1) == '"' || firn_is_name_start(peek(p, 1)))) {
      break;
    }
    p->at++;
  }
  p->now.raw = firn_bytes_part(p->text, first, p->at - first);
  return FIRN_OK;
}

static void scan_digits(parser *p) {
  while (is_digit(peek(p, 0))) {
    p->at++;
  }
}

static void scan_number(parser *p) {
  size_t first = p->at;
  p->at += peek(p, 0) == '-' || peek(p, 0) == '+';
  scan_digits(p);
  if (peek(p, 0) == '.') {
    p->at++;
    scan_digits(p);
  }
  bool has_sign = peek(p, 1) == '-' || peek(p, 1) == '+';
  if ((peek(p, 0) | 0x20) == 'e' && is_digit(peek(p, has_sign ? 2 : 1))) {
    p->at += has_sign ? 2 : 1;
    scan_digits(p);
  }
  p->now.kind = NUMBER;
  p->now.raw = firn_bytes_part(p->text, first, p->at - first);
}

static firn_status next(parser *p, firn_error *err) {
  while (is_space(peek(p, 0))) {
    p->at++;
  }
  p->now = (token){.kind = AT_END, .at = p->at};
  if (p->at == p->text.len) {
    return FIRN_OK;
  }
  uint8_t c = peek(p, 0), after = peek(p, 1);
  if (c == '\'') {
    p->now.kind = TEXT;
    return scan_quoted(p, &p->now.raw, err);
  }
  if ((c | 0x20) == 'x' && after == '\'') {
    p->now.kind = HEX;
    p->at++;
    return scan_quoted(p, &p->now.raw, err);
  }
  if (c == '"' || firn_is_name_start(c)) {
    return scan_name(p, err);
  }
  if (is_digit(c) || ((c == '-' || c == '+') && is_digit(after))) {
    scan_number(p);
    return FIRN_OK;
  }
  bool is_two = (c == '<' && (after == '=' || after == '>')) || ((c == '>' || c == '!') && after == '=');
  p->now.kind = SYMBOL;
  p->now.raw = firn_bytes_part(p->text, p->at, is_two ? 2 : 1);
  p->at += p->now.raw.len;
  return FIRN_OK;
}

static bool at_word(const parser *p, const char *word) {
  return p->now.kind == NAME && !p->now.is_quoted && firn_word_is(p->now.raw, word);
}
static bool at_symbol(const parser *p, const char *symbol) {
  return p->now.kind == SYMBOL && firn_bytes_is(p->now.raw, symbol);
}

static firn_status take_word(parser *p, const char *word, firn_error *err) {
  return at_word(p, word) ? next(p, err) : expected(p, word, err);
}
static firn_status take_symbol(parser *p, const char *symbol, firn_error *err) {
  return at_symbol(p, symbol) ? next(p, err) : expected(p, symbol, err);
}

static firn_status count_node(parser *p, firn_error *err) {
  if (++p->n_nodes > FIRN_EXPR_MAX_NODES) {
    return firn_error_set(err, FIRN_LIMIT, "it has more than %d parts", FIRN_EXPR_MAX_NODES);
  }
  return FIRN_OK;
}

/* A copy in which each doubled quote is one; terminated. */
static char *undoubled(firn_bytes in, uint8_t quote, firn_arena *arena, size_t *len) {
  char *out = (char *)firn_arena_alloc_bytes(arena, in.len + 1);
  *len = 0;
  for (size_t i = 0; out != NULL && i < in.len; i++) {
    out[(*len)++] = (char)in.data[i];
    i += in.data[i] == quote && i + 1 < in.len;
  }
  if (out != NULL) {
    out[*len] = '\0';
  }
  return out;
}

/* The parts of a name without their quotes, dots between them. */
static firn_status take_name(parser *p, const char **out, firn_error *err) {
  if (p->now.kind != NAME || (!p->now.is_quoted && firn_word_is_reserved(p->now.raw))) {
    return expected(p, "the name of a column", err);
  }
  firn_bytes raw = p->now.raw;
  char *name = (char *)firn_arena_alloc_bytes(p->arena, raw.len + 1);
  size_t n = 0;
  bool inside = false;
  if (name == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < raw.len; i++) {
    bool is_quote = raw.data[i] == '"';
    if (is_quote && inside && i + 1 < raw.len && raw.data[i + 1] == '"') {
      i++;
      is_quote = false;
    }
    if (is_quote) {
      inside = !inside;
    } else {
      name[n++] = (char)raw.data[i];
    }
  }
  name[n] = '\0';
  *out = name;
  return next(p, err);
}

/* Without an exponent a number is exact: a long, or a decimal with the digits that are written. */
static firn_status take_number(parser *p, firn_literal *out, firn_error *err) {
  firn_bytes raw = p->now.raw;
  firn_decimal v;
  int exponent;
  bool has_point = memchr(raw.data, '.', raw.len) != NULL;
  bool has_exponent = memchr(raw.data, 'e', raw.len) != NULL || memchr(raw.data, 'E', raw.len) != NULL;
  if (!has_exponent && firn_decimal_literal(raw, &v, &exponent) && exponent >= -MAX_DIGITS) {
    if (!has_point && v >= INT64_MIN && v <= INT64_MAX) {
      *out = firn_literal_long((int64_t)v);
    } else {
      *out = (firn_literal){.value = {.kind = FIRN_KIND_DECIMAL, .dec = v},
                            .precision = MAX_DIGITS,
                            .scale = (uint8_t)-exponent};
    }
    return next(p, err);
  }
  /* Digits on both sides of the point, and no plus: what the reader of numbers wants. */
  bool is_plain = raw.data[0] != '+' && raw.data[raw.len - 1] != '.' && raw.len < 400;
  double real;
  for (size_t i = 0; i + 1 < raw.len; i++) {
    is_plain = is_plain && !(raw.data[i] == '.' && !is_digit(raw.data[i + 1]));
  }
  if (!is_plain) {
    return expected(p, "a number with digits around its point", err);
  }
  if (!firn_number_to_double(raw, &real)) {
    return no_memory(err);
  }
  if (real - real != 0) {
    return expected(p, "a number that a double can hold", err);
  }
  *out = firn_literal_double(real);
  return next(p, err);
}

static int hex_digit(uint8_t c) {
  if (is_digit(c)) {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static firn_status take_hex(parser *p, firn_literal *out, firn_error *err) {
  firn_bytes raw = p->now.raw;
  uint8_t *bytes = firn_arena_alloc_bytes(p->arena, raw.len / 2);
  if (bytes == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i + 1 < raw.len; i += 2) {
    int high = hex_digit(raw.data[i]), low = hex_digit(raw.data[i + 1]);
    if (high < 0 || low < 0) {
      return expected(p, "x'' with hexadecimal digits", err);
    }
    bytes[i / 2] = (uint8_t)(high << 4 | low);
  }
  if (raw.len % 2 != 0) {
    return expected(p, "an even number of hexadecimal digits", err);
  }
  *out = (firn_literal){.value = {.kind = FIRN_KIND_BINARY, .bytes = {bytes, raw.len / 2}}};
  return next(p, err);
}

static bool at_infinity(const parser *p) {
  return at_word(p, "infinity") || at_word(p, "inf");
}

static firn_status take_literal(parser *p, firn_literal *out, firn_error *err) {
  FIRN_TRY(count_node(p, err));
  if (p->now.kind == NUMBER) {
    return take_number(p, out, err);
  }
  if (p->now.kind == HEX) {
    return take_hex(p, out, err);
  }
  if (p->now.kind == TEXT) {
    size_t len;
    char *text = undoubled(p->now.raw, '\'', p->arena, &len);
    if (text == NULL) {
      return no_memory(err);
    }
    *out = (firn_literal){.value = {.kind = FIRN_KIND_STRING, .bytes = {(const uint8_t *)text, len}}};
    return next(p, err);
  }
  bool negative = at_symbol(p, "-");
  if (negative) {
    FIRN_TRY(next(p, err));
  }
  if (at_infinity(p)) {
    *out = firn_literal_double(negative ? -(double)INFINITY : (double)INFINITY);
    return next(p, err);
  }
  if (!negative && at_word(p, "nan")) {
    *out = firn_literal_double((double)NAN);
    return next(p, err);
  }
  if (!negative && (at_word(p, "true") || at_word(p, "false"))) {
    *out = firn_literal_bool(at_word(p, "true"));
    return next(p, err);
  }
  return expected(p, "a number, a 'text', x'00', true or false", err);
}

/* What a predicate is about. */
typedef struct term {
  const char *name;
  firn_transform transform;
} term;

static const char *singular(firn_bytes word) {
  static const char *const known[] = {"year", "month", "day",      "hour", "years",  "months",
                                      "days", "hours", "identity", "void", "bucket", "truncate"};
  for (size_t i = 0; i < FIRN_COUNT_OF(known); i++) {
    if (firn_word_is(word, known[i])) {
      return i >= 4 && i < 8 ? known[i - 4] : known[i];
    }
  }
  return NULL;
}

/* "[16]" or, inside of the parentheses, "16,". */
static firn_status take_width(parser *p, const char *transform, term *out, firn_error *err) {
  char text[64];
  if (p->now.kind != NUMBER || p->now.raw.len > 12) {
    return expected(p, "a width", err);
  }
  FIRN_AUTO_BUILDER spelled = FIRN_BUILDER_INIT(sizeof text);
  firn_builder_addf(&spelled, "%s[%.*s]", transform, FIRN_FORMAT_BYTES(p->now.raw));
  firn_bytes built;
  FIRN_TRY(firn_builder_finish(&spelled, &built, err));
  firn_status status = firn_transform_read(built, p->arena, &out->transform, NULL);
  if (status != FIRN_OK || out->transform.kind == FIRN_TRANSFORM_UNKNOWN) {
    return expected(p, "a width from 1 to 2147483647 of bucket or truncate", err);
  }
  return next(p, err);
}

static firn_status take_transform(parser *p, firn_bytes word, term *out, firn_error *err) {
  const char *transform = singular(word);
  if (transform == NULL) {
    return expected(p, "a transform in front of it (bucket, truncate, year, month, day, hour) or an operator",
                    err);
  }
  bool is_wide = strcmp(transform, "bucket") == 0 || strcmp(transform, "truncate") == 0;
  bool in_front = at_symbol(p, "[");
  if (in_front) {
    FIRN_TRY(next(p, err));
    FIRN_TRY(take_width(p, transform, out, err));
    FIRN_TRY(take_symbol(p, "]", err));
  }
  FIRN_TRY(take_symbol(p, "(", err));
  if (is_wide && !in_front) {
    FIRN_TRY(take_width(p, transform, out, err));
    FIRN_TRY(take_symbol(p, ",", err));
  } else if (!is_wide) {
    FIRN_TRY(firn_transform_read(firn_bytes_of(transform), p->arena, &out->transform, err));
  }
  FIRN_TRY(take_name(p, &out->name, err));
  return take_symbol(p, ")", err);
}

static firn_status take_term(parser *p, term *out, firn_error *err) {
  firn_bytes word = p->now.raw;
  *out = (term){.transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
  FIRN_TRY(take_name(p, &out->name, err));
  if (at_symbol(p, "[") || at_symbol(p, "(")) {
    return take_transform(p, word, out, err);
  }
  return FIRN_OK;
}

static firn_status make(parser *p, const term *t, firn_expr_op op, const firn_literal *literals, size_t n,
                        const firn_expr **out, firn_error *err) {
  firn_expr like = {.name = t->name, .transform = t->transform};
  *out = firn_expr_like(&like, op, literals, n, p->arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status make_compare(parser *p, const term *t, firn_expr_op op, firn_literal literal,
                                const firn_expr **out, firn_error *err) {
  firn_literal *kept = firn_new(p->arena, firn_literal);
  if (kept == NULL) {
    return no_memory(err);
  }
  *kept = literal;
  return make(p, t, op, kept, 1, out, err);
}

static firn_status take_between(parser *p, const term *t, bool negated, const firn_expr **out,
                                firn_error *err) {
  firn_literal low, high;
  const firn_expr *from, *to;
  FIRN_TRY(next(p, err));
  FIRN_TRY(take_literal(p, &low, err));
  FIRN_TRY(take_word(p, "and", err));
  FIRN_TRY(take_literal(p, &high, err));
  FIRN_TRY(make_compare(p, t, negated ? FIRN_EXPR_LT : FIRN_EXPR_GT_EQ, low, &from, err));
  FIRN_TRY(make_compare(p, t, negated ? FIRN_EXPR_GT : FIRN_EXPR_LT_EQ, high, &to, err));
  *out = negated ? firn_expr_or(from, to, p->arena) : firn_expr_and(from, to, p->arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status take_in(parser *p, const term *t, bool negated, const firn_expr **out, firn_error *err) {
  firn_literal *literals = NULL;
  size_t n = 0, capacity = 0;
  FIRN_TRY(next(p, err));
  FIRN_TRY(take_symbol(p, "(", err));
  while (!at_symbol(p, ")")) {
    if (n > 0) {
      FIRN_TRY(take_symbol(p, ",", err));
    }
    literals = firn_arena_grow(p->arena, literals, n, &capacity, sizeof *literals);
    if (literals == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(take_literal(p, &literals[n], err));
    n++;
  }
  FIRN_TRY(next(p, err));
  if (n == 0) {
    *out = firn_expr_constant(negated);
    return FIRN_OK;
  }
  return make(p, t, negated ? FIRN_EXPR_NOT_IN : FIRN_EXPR_IN, literals, n, out, err);
}

/* 'prefix%': the one pattern there is. A backslash makes the next %, _ or backslash a plain one. */
static firn_status take_like(parser *p, const term *t, bool negated, const firn_expr **out, firn_error *err) {
  FIRN_TRY(next(p, err));
  if (p->now.kind != TEXT) {
    return expected(p, "a pattern in quotes", err);
  }
  size_t len, n = 0;
  char *text = undoubled(p->now.raw, '\'', p->arena, &len);
  if (text == NULL) {
    return no_memory(err);
  }
  bool is_open = false;
  for (size_t i = 0; i < len; i++) {
    bool is_escape =
        text[i] == '\\' && i + 1 < len && (text[i + 1] == '%' || text[i + 1] == '_' || text[i + 1] == '\\');
    bool is_wild = !is_escape && (text[i] == '%' || text[i] == '_');
    if (text[i] == '_' ? is_wild : is_open && !is_wild) {
      return expected(p, "a pattern like 'prefix%', without other wildcards,", err);
    }
    is_open = is_open || is_wild;
    i += is_escape;
    if (!is_wild) {
      text[n++] = text[i];
    }
  }
  firn_literal literal = {.value = {.kind = FIRN_KIND_STRING, .bytes = {(const uint8_t *)text, n}}};
  firn_expr_op op = is_open ? FIRN_EXPR_STARTS_WITH : FIRN_EXPR_EQ;
  FIRN_TRY(next(p, err));
  return make_compare(p, t, negated ? firn_op_negated(op) : op, literal, out, err);
}

static firn_status take_is(parser *p, const term *t, const firn_expr **out, firn_error *err) {
  FIRN_TRY(next(p, err));
  bool negated = at_word(p, "not");
  if (negated) {
    FIRN_TRY(next(p, err));
  }
  firn_expr_op op = FIRN_EXPR_IS_NULL;
  if (at_word(p, "nan")) {
    op = FIRN_EXPR_IS_NAN;
  } else if (!at_word(p, "null")) {
    return expected(p, "null or nan", err);
  }
  FIRN_TRY(next(p, err));
  return make(p, t, negated ? firn_op_negated(op) : op, NULL, 0, out, err);
}

static firn_status take_comparison(parser *p, const term *t, const firn_expr **out, firn_error *err) {
  static const struct {
    const char *symbol;
    firn_expr_op op;
  } symbols[] = {
      {"=", FIRN_EXPR_EQ},     {"!=", FIRN_EXPR_NOT_EQ}, {"<>", FIRN_EXPR_NOT_EQ}, {"<", FIRN_EXPR_LT},
      {"<=", FIRN_EXPR_LT_EQ}, {">", FIRN_EXPR_GT},      {">=", FIRN_EXPR_GT_EQ},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(symbols); i++) {
    if (at_symbol(p, symbols[i].symbol)) {
      firn_literal literal;
      FIRN_TRY(next(p, err));
      FIRN_TRY(take_literal(p, &literal, err));
      return make_compare(p, t, symbols[i].op, literal, out, err);
    }
  }
  return expected(p, "=, !=, <, <=, >, >=, in, between, like or is", err);
}

static firn_status take_predicate(parser *p, const firn_expr **out, firn_error *err) {
  term t;
  FIRN_TRY(count_node(p, err));
  FIRN_TRY(take_term(p, &t, err));
  if (at_word(p, "is")) {
    return take_is(p, &t, out, err);
  }
  bool negated = at_word(p, "not");
  if (negated) {
    FIRN_TRY(next(p, err));
  }
  if (at_word(p, "in")) {
    return take_in(p, &t, negated, out, err);
  }
  if (at_word(p, "between")) {
    return take_between(p, &t, negated, out, err);
  }
  if (at_word(p, "like")) {
    return take_like(p, &t, negated, out, err);
  }
  return negated ? expected(p, "in, between or like", err) : take_comparison(p, &t, out, err);
}

static firn_status take_chain(parser *p, firn_expr_op op, const firn_expr **out, firn_error *err);

/* One more level: of parentheses or of NOT. */
static firn_status go_down(parser *p, firn_error *err) {
  if (++p->depth > FIRN_EXPR_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "at byte %zu, it is nested more than %d deep", p->now.at + 1,
                          FIRN_EXPR_MAX_DEPTH);
  }
  FIRN_TRY(count_node(p, err));
  return next(p, err);
}

static firn_status take_operand(parser *p, const firn_expr **out, firn_error *err) {
  if (at_word(p, "not")) {
    const firn_expr *e;
    FIRN_TRY(go_down(p, err));
    FIRN_TRY(take_operand(p, &e, err));
    p->depth--;
    *out = firn_expr_not(e, p->arena);
    return *out == NULL ? no_memory(err) : FIRN_OK;
  }
  if (at_symbol(p, "(")) {
    FIRN_TRY(go_down(p, err));
    FIRN_TRY(take_chain(p, FIRN_EXPR_OR, out, err));
    p->depth--;
    return take_symbol(p, ")", err);
  }
  if (at_word(p, "true") || at_word(p, "false")) {
    *out = firn_expr_constant(at_word(p, "true"));
    return next(p, err);
  }
  return take_predicate(p, out, err);
}

/* Operands with `op` between them, joined evenly; those of OR are chains of AND. */
static firn_status take_chain(parser *p, firn_expr_op op, const firn_expr **out, firn_error *err) {
  const firn_expr **operands = NULL;
  size_t n = 0, capacity = 0;
  bool is_or = op == FIRN_EXPR_OR;
  for (;;) {
    operands = firn_arena_grow(p->arena, operands, n, &capacity, sizeof *operands);
    if (operands == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(is_or ? take_chain(p, FIRN_EXPR_AND, &operands[n], err) : take_operand(p, &operands[n], err));
    n++;
    if (!at_word(p, is_or ? "or" : "and")) {
      break;
    }
    FIRN_TRY(count_node(p, err));
    FIRN_TRY(next(p, err));
  }
  *out = firn_expr_join(op, operands, n, p->arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_expr_parse(firn_bytes text, firn_arena *arena, const firn_expr **out, firn_error *err) {
  parser p = {.text = text, .arena = arena};
  const firn_expr *made;
  if (!firn_utf8_is_valid(text) || (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)) {
    return firn_error_set(err, FIRN_INVALID, "a filter is not UTF-8 text without zero bytes");
  }
  firn_status status = next(&p, err);
  if (status == FIRN_OK) {
    status = take_chain(&p, FIRN_EXPR_OR, &made, err);
  }
  if (status == FIRN_OK && p.now.kind != AT_END) {
    status = expected(&p, "and, or, or its end", err);
  }
  if (status != FIRN_OK) {
    return status == FIRN_NOMEM ? status : firn_error_while(err, status, "filter");
  }
  *out = made;
  return FIRN_OK;
}

#include "services/sql/token_internal.h"

#include <inttypes.h>

#include "base/builder.h"
#include "base/utf8.h"
#include "services/sql/sql.h"

/* How the text ends when it ends too early. */
typedef enum ending {
  ENDS_WELL = 0,
  ENDS_IN_TEXT,
  ENDS_IN_NAME,
  ENDS_IN_DOLLARS,
  ENDS_IN_COMMENT,
} ending;

typedef struct lexer {
  const uint8_t *data;
  size_t len, at;
  size_t opened; /* where the comment or token began that was met last */
  ending ending;
} lexer;

static uint8_t peek(const lexer *l, size_t ahead) {
  return l->at + ahead < l->len ? l->data[l->at + ahead] : 0;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_word_start(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word_part(uint8_t c) {
  return is_word_start(c) || is_digit(c) || c == '$';
}

/* Bytes of the blank that stands here, 0: none. The engine takes Unicode's blanks as blanks, so do we. */
static size_t blank_len(const lexer *l) {
  uint8_t c = peek(l, 0);
  if (c == ' ' || (c >= '\t' && c <= '\r')) {
    return 1;
  }
  if (c < 0xC2) {
    return 0;
  }
  uint32_t code = 0;
  size_t len = firn_utf8_decode(l->data + l->at, l->data + l->len, &code);
  bool blank = code == 0xA0 || (code >= 0x2000 && code <= 0x200D) || code == 0x202F || code == 0x205F ||
               code == 0x2060 || code == 0x3000 || code == 0xFEFF;
  return blank ? len : 0;
}

static void skip_line_comment(lexer *l) {
  const uint8_t *end = memchr(l->data + l->at, '\n', l->len - l->at);
  l->at = end == NULL ? l->len : (size_t)(end - l->data);
}

/* They nest, as in the engine. */
static void skip_block_comment(lexer *l) {
  size_t depth = 0;
  l->opened = l->at;
  do {
    if (peek(l, 0) == '/' && peek(l, 1) == '*') {
      depth++;
      l->at += 2;
    } else if (peek(l, 0) == '*' && peek(l, 1) == '/') {
      depth--;
      l->at += 2;
    } else {
      l->at++;
    }
  } while (depth > 0 && l->at < l->len);
  if (depth > 0) {
    l->at = l->len;
    l->ending = ENDS_IN_COMMENT;
  }
}

static void skip_blanks(lexer *l) {
  while (l->at < l->len && l->ending == ENDS_WELL) {
    size_t blank = blank_len(l);
    if (blank > 0) {
      l->at += blank;
    } else if (peek(l, 0) == '-' && peek(l, 1) == '-') {
      skip_line_comment(l);
    } else if (peek(l, 0) == '/' && peek(l, 1) == '*') {
      skip_block_comment(l);
    } else {
      return;
    }
  }
}

/* Stands behind the opening quote. A doubled quote stands for itself. */
static void take_quoted(lexer *l, uint8_t quote, bool has_escapes, ending otherwise) {
  while (l->at < l->len) {
    uint8_t c = l->data[l->at];
    if (c == '\\' && has_escapes && l->at + 1 < l->len) {
      l->at += 2;
    } else if (c == quote && peek(l, 1) == quote) {
      l->at += 2;
    } else if (c == quote) {
      l->at++;
      return;
    } else {
      l->at++;
    }
  }
  l->ending = otherwise;
}

/* The length of the "$tag$" that begins here; 0: none does. */
static size_t dollar_tag_len(const lexer *l) {
  size_t len = 1;
  if (is_digit(peek(l, len))) {
    return 0; /* a parameter: $1 */
  }
  while (peek(l, len) != '$' && is_word_part(peek(l, len))) {
    len++;
  }
  return peek(l, len) == '$' ? len + 1 : 0;
}

static firn_token_kind take_dollars(lexer *l) {
  size_t tag_len = dollar_tag_len(l);
  if (tag_len == 0) {
    l->at++;
    return FIRN_TOKEN_MARK;
  }
  firn_bytes rest = {l->data + l->at + tag_len, l->len - l->at - tag_len};
  const uint8_t *tag = l->data + l->at;
  const uint8_t *found = rest.len == 0 ? NULL : memmem(rest.data, rest.len, tag, tag_len);
  if (found == NULL) {
    l->at = l->len;
    l->ending = ENDS_IN_DOLLARS;
  } else {
    l->at = (size_t)(found - l->data) + tag_len;
  }
  return FIRN_TOKEN_TEXT;
}

static firn_token_kind take_word(lexer *l) {
  uint8_t first = peek(l, 0);
  if (peek(l, 1) == '\'' && first != 0 && strchr("eEbBxX", first) != NULL) {
    l->at += 2;
    take_quoted(l, '\'', first == 'e' || first == 'E', ENDS_IN_TEXT);
    return FIRN_TOKEN_TEXT;
  }
  while (l->at < l->len && is_word_part(l->data[l->at]) && blank_len(l) == 0) {
    l->at++;
  }
  return FIRN_TOKEN_WORD;
}

static firn_token_kind take_number(lexer *l) {
  bool has_exponent = false;
  while (l->at < l->len) {
    uint8_t c = l->data[l->at];
    bool exponent =
        (c == 'e' || c == 'E') && !has_exponent &&
        (is_digit(peek(l, 1)) || ((peek(l, 1) == '-' || peek(l, 1) == '+') && is_digit(peek(l, 2))));
    if (exponent) {
      has_exponent = true;
      l->at += 2;
    } else if (is_digit(c) || c == '.' || (c == '_' && is_digit(peek(l, 1)))) {
      l->at++;
    } else {
      break;
    }
  }
  return FIRN_TOKEN_NUMBER;
}

static firn_token_kind take_mark(lexer *l) {
  static const char pairs[][3] = {"::", ":=", "=>", "->", "<=", ">=", "<>", "!=", "||"};
  l->at++;
  for (size_t i = 0; i < FIRN_COUNT_OF(pairs) && l->at < l->len; i++) {
    if (memcmp(l->data + l->at - 1, pairs[i], 2) == 0) {
      l->at++;
      break;
    }
  }
  return FIRN_TOKEN_MARK;
}

/* The next token, blanks and comments passed over. */
static firn_token take(lexer *l) {
  skip_blanks(l);
  size_t start = l->at;
  uint8_t c = peek(l, 0);
  firn_token_kind kind = FIRN_TOKEN_MARK;
  if (l->ending == ENDS_WELL) {
    l->opened = start;
  }
  if (l->at >= l->len) {
    kind = FIRN_TOKEN_END;
  } else if (is_word_start(c)) {
    kind = take_word(l);
  } else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)))) {
    kind = take_number(l);
  } else if (c == '\'') {
    l->at++;
    take_quoted(l, '\'', false, ENDS_IN_TEXT);
    kind = FIRN_TOKEN_TEXT;
  } else if (c == '"' || c == '`') {
    l->at++;
    take_quoted(l, c, false, ENDS_IN_NAME);
    kind = FIRN_TOKEN_QUOTED;
  } else if (c == '$') {
    kind = take_dollars(l);
  } else {
    kind = take_mark(l);
  }
  return (firn_token){kind, (uint32_t)start, (uint32_t)(l->at - start)};
}

firn_sql_place firn_sql_place_of(firn_bytes text, size_t at) {
  firn_sql_place place = {1, 1};
  for (size_t i = 0; i < at && i < text.len; i++) {
    if (text.data[i] == '\n') {
      place = (firn_sql_place){place.line + 1, 1};
    } else if ((text.data[i] & 0xC0) != 0x80) {
      place.column++;
    }
  }
  return place;
}

static firn_status text_check(firn_bytes text, firn_error *err) {
  if (text.len > FIRN_SQL_MAX_BYTES) {
    return firn_error_set(err, FIRN_LIMIT, "the statement has %zu bytes; %d are the most", text.len,
                          FIRN_SQL_MAX_BYTES);
  }
  size_t valid = firn_utf8_valid_len(text);
  if (valid < text.len) {
    firn_sql_place place = firn_sql_place_of(text, valid);
    return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: this is not UTF-8", place.line,
                          place.column);
  }
  const uint8_t *zero = text.len == 0 ? NULL : memchr(text.data, 0, text.len);
  if (zero != NULL) {
    firn_sql_place place = firn_sql_place_of(text, (size_t)(zero - text.data));
    return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: a zero byte", place.line, place.column);
  }
  return FIRN_OK;
}

static firn_status ending_check(firn_bytes text, const lexer *l, firn_error *err) {
  static const char *const what[] = {[ENDS_IN_TEXT] = "a text in quotes",
                                     [ENDS_IN_NAME] = "a name in quotes",
                                     [ENDS_IN_DOLLARS] = "a text in dollar quotes",
                                     [ENDS_IN_COMMENT] = "a comment"};
  if (l->ending == ENDS_WELL) {
    return FIRN_OK;
  }
  firn_sql_place place = firn_sql_place_of(text, l->opened);
  return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: %s begins here and does not end",
                        place.line, place.column, what[l->ending]);
}

/* What would cost the engine too much: see the limits' comments. */
typedef struct depth {
  size_t brackets, arrows;
} depth;

static bool is_mark(firn_bytes text, const firn_token *t, const char *mark) {
  return t->kind == FIRN_TOKEN_MARK && firn_bytes_is((firn_bytes){text.data + t->at, t->len}, mark);
}

static bool is_word(firn_bytes text, const firn_token *t, const char *lower) {
  size_t len = strlen(lower);
  if (t->kind != FIRN_TOKEN_WORD || t->len != len) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if ((text.data[t->at + i] | 0x20) != (uint8_t)lower[i]) {
      return false;
    }
  }
  return true;
}

static firn_status depth_check(firn_bytes text, const firn_token *t, depth *d, firn_error *err) {
  uint8_t c = text.data[t->at];
  bool mark = t->kind == FIRN_TOKEN_MARK;
  bool opens = (mark && (c == '(' || c == '[' || c == '{')) || is_word(text, t, "case");
  bool closes = (mark && (c == ')' || c == ']' || c == '}')) || is_word(text, t, "end");
  if (opens || closes || (mark && c == ',')) {
    d->arrows = 0;
  } else if (is_mark(text, t, "->")) {
    d->arrows++;
  }
  d->brackets += opens;
  d->brackets -= closes && d->brackets > 0;
  if (d->brackets <= FIRN_SQL_MAX_DEPTH && d->arrows <= FIRN_SQL_MAX_ARROWS) {
    return FIRN_OK;
  }
  firn_sql_place place = firn_sql_place_of(text, t->at);
  return firn_error_set(err, FIRN_LIMIT, "line %zu, column %zu: more than %d %s", place.line, place.column,
                        opens ? FIRN_SQL_MAX_DEPTH : FIRN_SQL_MAX_ARROWS,
                        opens ? "brackets within each other" : "arrows in one expression");
}

firn_status firn_sql_tokens(firn_bytes text, firn_arena *arena, const firn_token **out, size_t *n,
                            firn_error *err) {
  FIRN_TRY(text_check(text, err));
  lexer l = {.data = text.data, .len = text.len};
  depth d = {0};
  firn_token *items = NULL;
  size_t count = 0, capacity = 0;
  for (;;) {
    firn_token t = take(&l);
    FIRN_TRY(ending_check(text, &l, err));
    if (t.kind != FIRN_TOKEN_END) {
      FIRN_TRY(depth_check(text, &t, &d, err));
    }
    if (count >= FIRN_SQL_MAX_TOKENS) {
      return firn_error_set(err, FIRN_LIMIT, "the statement has more than %d words and marks",
                            FIRN_SQL_MAX_TOKENS);
    }
    items = firn_arena_grow(arena, items, count, &capacity, sizeof *items);
    if (items == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for the words of a statement");
    }
    items[count] = t;
    if (t.kind == FIRN_TOKEN_END) {
      break;
    }
    count++;
  }
  *out = items;
  *n = count;
  return FIRN_OK;
}

/* A backslash and what follows it, as PostgreSQL reads E'...'; returns what follows the escape. */
static const uint8_t *unescape(const uint8_t *at, const uint8_t *end, firn_builder *to) {
  static const char letters[] = "bfnrt", values[] = "\b\f\n\r\t";
  const char *letter = *at == 0 ? NULL : strchr(letters, *at);
  if (letter != NULL) {
    firn_builder_add_u8(to, (uint8_t)values[letter - letters]);
    return at + 1;
  }
  unsigned base = *at == 'x' ? 16 : 8, code = 0;
  const uint8_t *digit = base == 16 ? at + 1 : at;
  const uint8_t *last = digit + (base == 16 ? 2 : 3);
  const uint8_t *first = digit;
  for (; digit < end && digit < last; digit++) {
    unsigned v = is_digit(*digit) ? *digit - (unsigned)'0' : (*digit | 0x20u) - (unsigned)'a' + 10;
    if (v >= base) {
      break;
    }
    code = code * base + v;
  }
  firn_builder_add_u8(to, digit == first ? *at : (uint8_t)code);
  return digit == first ? at + 1 : digit;
}

static void add_unquoted(const uint8_t *at, const uint8_t *end, uint8_t quote, bool has_escapes,
                         firn_builder *to) {
  while (at < end) {
    if (*at == '\\' && has_escapes && at + 1 < end) {
      at = unescape(at + 1, end, to);
    } else {
      firn_builder_add_u8(to, *at);
      at += *at == quote ? 2 : 1; /* a quote stands doubled */
    }
  }
}

firn_status firn_token_text(firn_bytes text, const firn_token *t, firn_arena *arena, const char **out,
                            firn_error *err) {
  const uint8_t *at = text.data + t->at, *end = at + t->len;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(FIRN_SQL_MAX_BYTES + 1);
  if (t->kind == FIRN_TOKEN_TEXT && *at == '$') {
    size_t tag = (size_t)((const uint8_t *)memchr(at + 1, '$', t->len - 1) - at) + 1;
    firn_builder_add(&b, (firn_bytes){at + tag, t->len - 2 * tag});
  } else if (t->kind == FIRN_TOKEN_TEXT || t->kind == FIRN_TOKEN_QUOTED) {
    bool has_prefix = *at != '\'' && *at != '"' && *at != '`';
    bool has_escapes = has_prefix && (*at | 0x20) == 'e';
    at += has_prefix;
    add_unquoted(at + 1, end - 1, *at, has_escapes, &b);
  } else {
    firn_builder_add(&b, (firn_bytes){at, t->len});
  }
  firn_bytes made;
  FIRN_TRY(firn_builder_finish(&b, &made, err));
  if (made.len > 0 && (memchr(made.data, 0, made.len) != NULL || !firn_utf8_is_valid(made))) {
    firn_sql_place place = firn_sql_place_of(text, t->at);
    return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: no text with such bytes can stand here",
                          place.line, place.column);
  }
  *out = firn_arena_text(arena, made);
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a text of a statement") : FIRN_OK;
}

bool firn_sql_next_statement(firn_bytes *rest, firn_bytes *statement, bool *is_open) {
  lexer l = {.data = rest->data, .len = rest->len};
  *is_open = false;
  size_t start = SIZE_MAX;
  for (;;) {
    firn_token t = take(&l);
    bool ends = t.kind == FIRN_TOKEN_MARK && t.len == 1 && l.data[t.at] == ';';
    if (start == SIZE_MAX && !ends && t.kind != FIRN_TOKEN_END) {
      start = t.at;
    }
    if (l.ending != ENDS_WELL || t.kind == FIRN_TOKEN_END) {
      bool is_there = start != SIZE_MAX || l.ending != ENDS_WELL;
      *is_open = is_there;
      *statement = start == SIZE_MAX ? *rest : firn_bytes_part(*rest, start, rest->len);
      *rest = (firn_bytes){rest->data, 0};
      return is_there;
    }
    if (ends && start != SIZE_MAX) {
      *statement = (firn_bytes){l.data + start, t.at - start};
      *rest = firn_bytes_part(*rest, l.at, rest->len);
      return true;
    }
  }
}

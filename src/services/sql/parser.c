#include "services/sql/parser_internal.h"

#include "base/number.h"

static int compare_folded(firn_bytes word, const char *lower, size_t len) {
  for (size_t i = 0; i < word.len && i < len; i++) {
    uint8_t c = word.data[i];
    c = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
    if (c != (uint8_t)lower[i]) {
      return c < (uint8_t)lower[i] ? -1 : 1;
    }
  }
  return (word.len > len) - (word.len < len);
}

static bool token_is(const firn_parser *p, const firn_token *t, const char *what, size_t len) {
  if (t->kind != FIRN_TOKEN_WORD && t->kind != FIRN_TOKEN_MARK) {
    return false;
  }
  firn_bytes b = firn_parser_bytes(p, t);
  char lower[32];
  if (b.len != len || len > sizeof lower) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    lower[i] = what[i] >= 'A' && what[i] <= 'Z' ? (char)(what[i] | 0x20) : what[i];
  }
  return compare_folded(b, lower, len) == 0;
}

bool firn_parser_sees(const firn_parser *p, size_t ahead, const char *word_or_mark) {
  return token_is(p, firn_parser_token(p, ahead), word_or_mark, strlen(word_or_mark));
}

/* How many tokens the words are; 0 when others come. */
static size_t match(const firn_parser *p, const char *words) {
  size_t n = 0;
  while (*words != 0) {
    size_t len = strcspn(words, " ");
    if (!token_is(p, firn_parser_token(p, n), words, len)) {
      return 0;
    }
    n++;
    words += len + (words[len] == ' ');
  }
  return n;
}

bool firn_parser_sees_all(const firn_parser *p, const char *words) {
  return match(p, words) > 0;
}

bool firn_parser_takes(firn_parser *p, const char *words) {
  size_t n = match(p, words);
  p->at += n;
  return n > 0;
}

firn_status firn_parser_fail(const firn_parser *p, const char *wanted, firn_error *err) {
  const firn_token *t = firn_parser_token(p, 0);
  firn_sql_place place = firn_sql_place_of(p->text, t->at);
  if (t->kind == FIRN_TOKEN_END) {
    return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: %s is expected, but the statement ends",
                          place.line, place.column, wanted);
  }
  firn_bytes shown = firn_parser_bytes(p, t);
  enum { SHOWN_MAX = 60 };
  bool cut = shown.len > SHOWN_MAX;
  size_t len = cut ? SHOWN_MAX : shown.len;
  while (cut && len > 0 && (shown.data[len] & 0xC0) == 0x80) {
    len--;
  }
  return firn_error_set(err, FIRN_INVALID, "line %zu, column %zu: %s is expected, not %.*s%s", place.line,
                        place.column, wanted, (int)len, (const char *)shown.data, cut ? "..." : "");
}

firn_status firn_parser_need(firn_parser *p, const char *words, firn_error *err) {
  return firn_parser_takes(p, words) ? FIRN_OK : firn_parser_fail(p, words, err);
}

firn_status firn_parser_need_end(const firn_parser *p, firn_error *err) {
  return firn_parser_is_over(p) ? FIRN_OK : firn_parser_fail(p, "the end of the statement", err);
}

firn_status firn_parser_name(firn_parser *p, const char *what, const char **out, firn_error *err) {
  const firn_token *t = firn_parser_token(p, 0);
  if (t->kind != FIRN_TOKEN_WORD && t->kind != FIRN_TOKEN_QUOTED) {
    return firn_parser_fail(p, what, err);
  }
  FIRN_TRY(firn_token_text(p->text, t, p->arena, out, err));
  if ((*out)[0] == 0) {
    return firn_parser_fail(p, what, err);
  }
  p->at++;
  return FIRN_OK;
}

firn_status firn_parser_names(firn_parser *p, const char *what, size_t *n, const char *const **out,
                              firn_error *err) {
  const char *parts[FIRN_SQL_MAX_PARTS];
  size_t count = 0;
  do {
    if (count == FIRN_SQL_MAX_PARTS) {
      return firn_parser_fail(p, "a name of fewer parts", err);
    }
    FIRN_TRY(firn_parser_name(p, what, &parts[count], err));
    count++;
  } while (firn_parser_takes(p, "."));
  const char **kept = firn_new_n(p->arena, const char *, count);
  if (kept == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a name");
  }
  memcpy(kept, parts, count * sizeof *kept);
  *n = count;
  *out = kept;
  return FIRN_OK;
}

firn_status firn_parser_quoted_text(firn_parser *p, const char *what, const char **out, firn_error *err) {
  if (firn_parser_token(p, 0)->kind != FIRN_TOKEN_TEXT) {
    return firn_parser_fail(p, what, err);
  }
  FIRN_TRY(firn_token_text(p->text, firn_parser_token(p, 0), p->arena, out, err));
  p->at++;
  return FIRN_OK;
}

firn_status firn_parser_whole(firn_parser *p, const char *what, int64_t *out, firn_error *err) {
  bool is_negative = firn_parser_sees(p, 0, "-");
  const firn_token *t = firn_parser_token(p, is_negative);
  firn_bytes digits = firn_parser_bytes(p, t);
  uint64_t v = 0;
  bool fits = t->kind == FIRN_TOKEN_NUMBER && digits.len <= 19;
  for (size_t i = 0; fits && i < digits.len; i++) {
    fits = digits.data[i] >= '0' && digits.data[i] <= '9';
    v = v * 10 + (uint64_t)(digits.data[i] - '0');
  }
  if (!fits || v > INT64_MAX) {
    return firn_parser_fail(p, what, err);
  }
  p->at += 1 + (size_t)is_negative;
  *out = is_negative ? -(int64_t)v : (int64_t)v;
  return FIRN_OK;
}

firn_status firn_parser_skip_brackets(firn_parser *p, firn_error *err) {
  size_t depth = 0;
  do {
    if (firn_parser_is_over(p)) {
      return firn_parser_fail(p, "a closing bracket", err);
    }
    const firn_token *t = firn_parser_token(p, 0);
    uint8_t c = t->kind == FIRN_TOKEN_MARK ? p->text.data[t->at] : 0;
    depth += c == '(' || c == '[' || c == '{';
    depth -= c == ')' || c == ']' || c == '}';
    p->at++;
  } while (depth > 0);
  return FIRN_OK;
}

/* The engine's list (duckdb_keywords()), sorted: first those of its category "reserved". */
static const char *const reserved[] = {
    "all",          "analyse",     "analyze", "and",       "any",        "array",      "as",
    "asc",          "asymmetric",  "both",    "case",      "cast",       "check",      "collate",
    "column",       "constraint",  "create",  "default",   "deferrable", "desc",       "describe",
    "distinct",     "do",          "else",    "end",       "except",     "false",      "fetch",
    "for",          "foreign",     "from",    "group",     "having",     "in",         "initially",
    "intersect",    "into",        "lambda",  "lateral",   "leading",    "limit",      "not",
    "null",         "offset",      "on",      "only",      "or",         "order",      "pivot",
    "pivot_longer", "pivot_wider", "placing", "primary",   "qualify",    "references", "returning",
    "select",       "show",        "some",    "summarize", "symmetric",  "table",      "then",
    "to",           "trailing",    "true",    "union",     "unique",     "unpivot",    "using",
    "variadic",     "when",        "where",   "window",    "with",
};

/* And those of "type_function", which may be names but no aliases. */
static const char *const no_alias[] = {
    "anti",    "asof",         "at",      "authorization", "binary",   "by",         "collation",
    "columns", "concurrently", "cross",   "freeze",        "full",     "generated",  "glob",
    "ilike",   "inner",        "is",      "isnull",        "join",     "left",       "like",
    "map",     "natural",      "notnull", "outer",         "overlaps", "positional", "right",
    "semi",    "similar",      "struct",  "tablesample",   "try_cast", "unpack",     "verbose",
};

static bool is_listed(firn_bytes word, const char *const *list, size_t n) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = compare_folded(word, list[middle], strlen(list[middle]));
    if (order == 0) {
      return true;
    }
    *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
  }
  return false;
}

bool firn_parser_is_reserved(firn_bytes word) {
  return is_listed(word, reserved, FIRN_COUNT_OF(reserved));
}

bool firn_parser_is_no_alias(firn_bytes word) {
  return firn_parser_is_reserved(word) || is_listed(word, no_alias, FIRN_COUNT_OF(no_alias));
}

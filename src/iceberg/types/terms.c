#include "iceberg/types/terms.h"

#include <strings.h>

#include "base/utf8.h"

enum { SHOWN = 60 }; /* bytes of the text in an error */

typedef enum token_kind { END, WORD, QUOTED, NUMBER, SIGN } token_kind;

typedef struct token {
  token_kind kind;
  firn_bytes text; /* of a quoted one what is between the quotes */
  uint8_t quote;   /* of a quoted one */
} token;

typedef struct reader {
  firn_bytes text;
  size_t at; /* behind `next` */
  token next;
  const firn_schema *schema;
  firn_arena *arena;
} reader;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for partition or sort terms");
}

/* --- tokens --- */

static bool is_letter(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static firn_status read_quoted(reader *r, size_t from, firn_error *err) {
  uint8_t quote = r->text.data[from];
  size_t at = from + 1;
  while (at < r->text.len &&
         (r->text.data[at] != quote || (at + 1 < r->text.len && r->text.data[at + 1] == quote))) {
    at += r->text.data[at] == quote ? 2 : 1; /* a quote written twice is one */
  }
  if (at >= r->text.len) {
    return firn_error_set(err, FIRN_INVALID, "a quoted name has no end: %.*s",
                          FIRN_FORMAT_BYTES(firn_bytes_part(r->text, from, SHOWN)));
  }
  r->next = (token){QUOTED, firn_bytes_part(r->text, from + 1, at - from - 1), quote};
  r->at = at + 1;
  return FIRN_OK;
}

static firn_status advance(reader *r, firn_error *err) {
  size_t from = r->at;
  while (from < r->text.len && is_space(r->text.data[from])) {
    from++;
  }
  if (from == r->text.len) {
    r->next = (token){.kind = END};
    r->at = from;
    return FIRN_OK;
  }
  uint8_t first = r->text.data[from];
  if (first == '"' || first == '`') {
    return read_quoted(r, from, err);
  }
  size_t to = from + 1;
  while ((is_letter(first) || is_digit(first)) && to < r->text.len &&
         (is_letter(r->text.data[to]) || is_digit(r->text.data[to]))) {
    to++;
  }
  token_kind kind = is_letter(first) ? WORD : is_digit(first) ? NUMBER : SIGN;
  r->next = (token){kind, firn_bytes_part(r->text, from, to - from), 0};
  r->at = to;
  return FIRN_OK;
}

/* "day(ts day": what was wanted, and what is there. */
static firn_status unexpected(const reader *r, const char *wanted, firn_error *err) {
  if (r->next.kind == END) {
    return firn_error_set(err, FIRN_INVALID, "the text ends where %s should be", wanted);
  }
  return firn_error_set(err, FIRN_INVALID, "\"%.*s\" stands where %s should be",
                        FIRN_FORMAT_BYTES(firn_bytes_part(r->next.text, 0, SHOWN)), wanted);
}

static bool is_sign(const reader *r, const char *sign) {
  return r->next.kind == SIGN && firn_bytes_is(r->next.text, sign);
}

static bool is_word(const reader *r, const char *word) {
  return r->next.kind == WORD && r->next.text.len == strlen(word) &&
         strncasecmp((const char *)r->next.text.data, word, r->next.text.len) == 0;
}

static firn_status take_sign(reader *r, const char *sign, firn_error *err) {
  if (!is_sign(r, sign)) {
    char wanted[] = {'"', sign[0], '"', '\0'};
    return unexpected(r, wanted, err);
  }
  return advance(r, err);
}

/* Takes the word when it is there. */
static firn_status may_take_word(reader *r, const char *word, bool *taken, firn_error *err) {
  *taken = is_word(r, word);
  return *taken ? advance(r, err) : FIRN_OK;
}

/* --- names --- */

static void add_part(const token *t, firn_builder *to) {
  for (size_t i = 0; i < t->text.len; i++) {
    firn_builder_add_u8(to, t->text.data[i]);
    i += t->kind == QUOTED && t->text.data[i] == t->quote; /* the second of two */
  }
}

/* The rest of a dotted name, whose first part was `first`. */
static firn_status read_name(reader *r, token first, const char **out, bool *is_quoted, firn_error *err) {
  FIRN_AUTO_BUILDER name = FIRN_BUILDER_INIT(0);
  *is_quoted = first.kind == QUOTED;
  add_part(&first, &name);
  while (is_sign(r, ".")) {
    FIRN_TRY(advance(r, err));
    if (r->next.kind != WORD && r->next.kind != QUOTED) {
      return unexpected(r, "a part of a name", err);
    }
    *is_quoted = *is_quoted || r->next.kind == QUOTED;
    firn_builder_add_u8(&name, '.');
    add_part(&r->next, &name);
    FIRN_TRY(advance(r, err));
  }
  firn_bytes built;
  FIRN_TRY(firn_builder_finish(&name, &built, err));
  *out = firn_arena_text(r->arena, built);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_column(reader *r, token first, firn_term *out, firn_error *err) {
  const char *name;
  bool is_quoted;
  FIRN_TRY(read_name(r, first, &name, &is_quoted, err));
  FIRN_TRY(firn_schema_need(r->schema, name, !is_quoted, &out->source, err));
  out->source_name = firn_schema_name_of(r->schema, out->source->id, r->arena);
  return out->source_name == NULL ? no_memory(err) : FIRN_OK;
}

/* --- transforms --- */

static const struct {
  const char *name;
  firn_transform_kind kind;
} transforms[] = {
    {"identity", FIRN_TRANSFORM_IDENTITY}, {"bucket", FIRN_TRANSFORM_BUCKET},
    {"truncate", FIRN_TRANSFORM_TRUNCATE}, {"trunc", FIRN_TRANSFORM_TRUNCATE},
    {"year", FIRN_TRANSFORM_YEAR},         {"years", FIRN_TRANSFORM_YEAR},
    {"month", FIRN_TRANSFORM_MONTH},       {"months", FIRN_TRANSFORM_MONTH},
    {"day", FIRN_TRANSFORM_DAY},           {"days", FIRN_TRANSFORM_DAY},
    {"date", FIRN_TRANSFORM_DAY},          {"hour", FIRN_TRANSFORM_HOUR},
    {"hours", FIRN_TRANSFORM_HOUR},        {"date_hour", FIRN_TRANSFORM_HOUR},
    {"void", FIRN_TRANSFORM_VOID},
};

static bool has_width(firn_transform_kind kind) {
  return kind == FIRN_TRANSFORM_BUCKET || kind == FIRN_TRANSFORM_TRUNCATE;
}

static firn_status find_transform(firn_bytes name, firn_transform *out, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(transforms); i++) {
    const char *known = transforms[i].name;
    if (name.len == strlen(known) && strncasecmp((const char *)name.data, known, name.len) == 0) {
      *out = (firn_transform){.kind = transforms[i].kind};
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_INVALID,
                        "there is no transform %.*s; there are identity, bucket, truncate, year, month, day, "
                        "hour and void",
                        FIRN_FORMAT_BYTES(firn_bytes_part(name, 0, SHOWN)));
}

static firn_status read_width(reader *r, firn_transform *t, firn_error *err) {
  int64_t width = 0;
  if (r->next.kind != NUMBER) {
    return unexpected(r, "a number", err);
  }
  for (size_t i = 0; i < r->next.text.len && width <= INT32_MAX; i++) {
    uint8_t c = r->next.text.data[i];
    width = is_digit(c) ? width * 10 + (c - '0') : INT64_MAX / 16;
  }
  if (width < 1 || width > INT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "\"%.*s\" is no number from 1 to %d",
                          FIRN_FORMAT_BYTES(firn_bytes_part(r->next.text, 0, SHOWN)), INT32_MAX);
  }
  if (!has_width(t->kind) || t->width != 0) {
    char text[64];
    firn_transform_text(t, text);
    return firn_error_set(err, FIRN_INVALID, "%s takes no %snumber", text, t->width == 0 ? "" : "second ");
  }
  t->width = (int32_t)width;
  return advance(r, err);
}

/* One of what stands between the parentheses. */
static firn_status read_argument(reader *r, firn_term *out, firn_error *err) {
  if (r->next.kind == NUMBER) {
    return read_width(r, &out->transform, err);
  }
  if (r->next.kind != WORD && r->next.kind != QUOTED) {
    return unexpected(r, "a column", err);
  }
  if (out->source != NULL) {
    return firn_error_set(err, FIRN_INVALID, "a transform takes one column");
  }
  token first = r->next;
  FIRN_TRY(advance(r, err));
  return read_column(r, first, out, err);
}

/* Behind the transform's name: "(16, id)" or "[16](id)". */
static firn_status read_call(reader *r, firn_bytes name, firn_term *out, firn_error *err) {
  FIRN_TRY(find_transform(name, &out->transform, err));
  if (is_sign(r, "[")) {
    FIRN_TRY(advance(r, err));
    FIRN_TRY(read_width(r, &out->transform, err));
    FIRN_TRY(take_sign(r, "]", err));
  }
  FIRN_TRY(take_sign(r, "(", err));
  FIRN_TRY(read_argument(r, out, err));
  while (is_sign(r, ",")) {
    FIRN_TRY(advance(r, err));
    FIRN_TRY(read_argument(r, out, err));
  }
  FIRN_TRY(take_sign(r, ")", err));
  if (out->source == NULL) {
    return firn_error_set(err, FIRN_INVALID, "%.*s names no column", FIRN_FORMAT_BYTES(name));
  }
  if (has_width(out->transform.kind) && out->transform.width == 0) {
    return firn_error_set(err, FIRN_INVALID, "%.*s needs a number, as in %.*s(16, %.80s)",
                          FIRN_FORMAT_BYTES(name), FIRN_FORMAT_BYTES(name), out->source_name);
  }
  return FIRN_OK;
}

static firn_status read_term(reader *r, firn_term *out, firn_error *err) {
  *out = (firn_term){0};
  if (r->next.kind != WORD && r->next.kind != QUOTED) {
    return unexpected(r, "a column or a transform", err);
  }
  token first = r->next;
  FIRN_TRY(advance(r, err));
  bool is_call = first.kind == WORD && (is_sign(r, "(") || is_sign(r, "["));
  FIRN_TRY(is_call ? read_call(r, first.text, out, err) : read_column(r, first, out, err));
  return firn_spec_source_check(r->schema, out->source->id, &out->transform, err);
}

/* "as d" */
static firn_status read_alias(reader *r, firn_term *out, firn_error *err) {
  bool has_alias;
  FIRN_TRY(may_take_word(r, "as", &has_alias, err));
  if (!has_alias) {
    return FIRN_OK;
  }
  if (r->next.kind != WORD && r->next.kind != QUOTED) {
    return unexpected(r, "a name", err);
  }
  token first = r->next;
  bool is_quoted;
  FIRN_TRY(advance(r, err));
  FIRN_TRY(read_name(r, first, &out->name, &is_quoted, err));
  return out->name[0] != '\0' ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "a name behind \"as\" is empty");
}

/* "desc nulls last" */
static firn_status read_direction(reader *r, firn_term *out, firn_error *err) {
  bool is_ascending, says_nulls;
  FIRN_TRY(may_take_word(r, "asc", &is_ascending, err));
  if (!is_ascending) {
    FIRN_TRY(may_take_word(r, "desc", &out->descending, err));
  }
  out->nulls_last = out->descending;
  FIRN_TRY(may_take_word(r, "nulls", &says_nulls, err));
  if (!says_nulls) {
    return FIRN_OK;
  }
  bool is_first;
  FIRN_TRY(may_take_word(r, "first", &is_first, err));
  if (!is_first && !is_word(r, "last")) {
    return unexpected(r, "\"first\" or \"last\"", err);
  }
  out->nulls_last = !is_first;
  return is_first ? FIRN_OK : advance(r, err);
}

/* --- lists --- */

static firn_status read_terms(firn_bytes text, const firn_schema *schema, bool sorts, firn_arena *arena,
                              const firn_term **out, size_t *n, firn_error *err) {
  if (!firn_utf8_is_valid(text) || (text.len > 0 && memchr(text.data, 0, text.len) != NULL)) {
    return firn_error_set(err, FIRN_INVALID, "the text is not UTF-8 without zeros");
  }
  reader r = {.text = text, .schema = schema, .arena = arena};
  firn_term *terms = NULL;
  size_t count = 0, capacity = 0;
  FIRN_TRY(advance(&r, err));
  while (r.next.kind != END) {
    if (count > 0) {
      FIRN_TRY(take_sign(&r, ",", err));
    }
    if (count == FIRN_TERMS_MAX) {
      return firn_error_set(err, FIRN_LIMIT, "there are more than %d terms", FIRN_TERMS_MAX);
    }
    terms = firn_arena_grow(arena, terms, count, &capacity, sizeof *terms);
    if (terms == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_term(&r, &terms[count], err));
    FIRN_TRY(sorts ? read_direction(&r, &terms[count], err) : read_alias(&r, &terms[count], err));
    count++;
  }
  *out = terms;
  *n = count;
  return FIRN_OK;
}

firn_status firn_partition_terms_read(firn_bytes text, const firn_schema *schema, firn_arena *arena,
                                      const firn_term **out, size_t *n, firn_error *err) {
  firn_status status = read_terms(text, schema, false, arena, out, n, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "partition terms");
}

const char *firn_term_name(const firn_term *term, bool when_changed, firn_arena *arena) {
  const char *column = term->source_name;
  const firn_transform *t = &term->transform;
  switch (t->kind) {
    case FIRN_TRANSFORM_BUCKET:
      return when_changed ? firn_arena_printf(arena, "%s_bucket_%d", column, t->width)
                          : firn_arena_printf(arena, "%s_bucket", column);
    case FIRN_TRANSFORM_TRUNCATE:
      return when_changed ? firn_arena_printf(arena, "%s_trunc_%d", column, t->width)
                          : firn_arena_printf(arena, "%s_trunc", column);
    case FIRN_TRANSFORM_YEAR:
      return firn_arena_printf(arena, "%s_year", column);
    case FIRN_TRANSFORM_MONTH:
      return firn_arena_printf(arena, "%s_month", column);
    case FIRN_TRANSFORM_DAY:
      return firn_arena_printf(arena, "%s_day", column);
    case FIRN_TRANSFORM_HOUR:
      return firn_arena_printf(arena, "%s_hour", column);
    case FIRN_TRANSFORM_VOID:
      return firn_arena_printf(arena, "%s_null", column);
    default:
      return column;
  }
}

static bool is_time(firn_transform_kind kind) {
  return kind == FIRN_TRANSFORM_YEAR || kind == FIRN_TRANSFORM_MONTH || kind == FIRN_TRANSFORM_DAY ||
         kind == FIRN_TRANSFORM_HOUR;
}

/* As the reference: a column has one time transform, and no transform twice. */
static firn_status check_redundant(const firn_term *terms, size_t i, firn_error *err) {
  for (size_t k = 0; k < i; k++) {
    bool same_source = terms[k].source == terms[i].source;
    bool both_times = is_time(terms[k].transform.kind) && is_time(terms[i].transform.kind);
    if (same_source && (both_times || firn_transform_equal(&terms[k].transform, &terms[i].transform))) {
      char a[64], b[64];
      firn_transform_text(&terms[k].transform, a);
      firn_transform_text(&terms[i].transform, b);
      return firn_error_set(err, FIRN_INVALID, "%s and %s of %.80s are redundant", a, b,
                            terms[i].source_name);
    }
  }
  return FIRN_OK;
}

firn_status firn_partition_terms_parse(firn_bytes text, const firn_schema *schema, firn_arena *arena,
                                       firn_partition_spec *out, firn_error *err) {
  const firn_term *terms;
  size_t n;
  FIRN_TRY(firn_partition_terms_read(text, schema, arena, &terms, &n, err));
  firn_partition_field *fields = firn_new_n(arena, firn_partition_field, n);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    fields[i] = (firn_partition_field){
        .source_id = terms[i].source->id,
        .field_id = FIRN_FIRST_PARTITION_ID + (int32_t)i,
        .name = terms[i].name != NULL ? terms[i].name : firn_term_name(&terms[i], false, arena),
        .transform = terms[i].transform};
    if (fields[i].name == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(check_redundant(terms, i, err));
  }
  firn_partition_spec made = {.n_fields = n, .fields = fields};
  FIRN_TRY(firn_partition_spec_check(&made, schema, err));
  *out = made;
  return FIRN_OK;
}

firn_status firn_sort_terms_parse(firn_bytes text, const firn_schema *schema, firn_arena *arena,
                                  firn_sort_order *out, firn_error *err) {
  const firn_term *terms;
  size_t n;
  firn_status status = read_terms(text, schema, true, arena, &terms, &n, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "sort terms");
  }
  firn_sort_field *fields = firn_new_n(arena, firn_sort_field, n);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    fields[i] =
        (firn_sort_field){terms[i].source->id, terms[i].transform, terms[i].descending, terms[i].nulls_last};
  }
  *out = (firn_sort_order){.order_id = n == 0 ? 0 : 1, .n_fields = n, .fields = fields};
  return FIRN_OK;
}

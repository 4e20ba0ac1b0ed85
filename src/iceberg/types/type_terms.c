/* Types as people write them. */
#include <strings.h>

#include "base/utf8.h"
#include "iceberg/types/terms.h"

enum { SHOWN = 60 };

typedef struct reader {
  firn_bytes text;
  size_t at;
  firn_arena *arena;
} reader;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a type");
}

static void skip_blanks(reader *r) {
  while (r->at < r->text.len && (r->text.data[r->at] == ' ' || r->text.data[r->at] == '\t' ||
                                 r->text.data[r->at] == '\n' || r->text.data[r->at] == '\r')) {
    r->at++;
  }
}

static bool take(reader *r, char sign) {
  skip_blanks(r);
  bool there = r->at < r->text.len && r->text.data[r->at] == (uint8_t)sign;
  r->at += there;
  return there;
}

static firn_bytes rest(const reader *r) {
  return firn_bytes_part(r->text, r->at, SHOWN);
}

static firn_status need(reader *r, char sign, firn_error *err) {
  return take(r, sign) ? FIRN_OK
                       : firn_error_set(err, FIRN_INVALID, "'%c' is missing before \"%.*s\"", sign,
                                        FIRN_FORMAT_BYTES(rest(r)));
}

static bool is_word_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c >= 0x80;
}

/* Letters, digits and the like; empty when there are none. */
static firn_bytes take_word(reader *r) {
  skip_blanks(r);
  size_t from = r->at;
  while (r->at < r->text.len && is_word_byte(r->text.data[r->at])) {
    r->at++;
  }
  return firn_bytes_part(r->text, from, r->at - from);
}

static bool may_take(reader *r, const char *word) {
  size_t before = r->at;
  firn_bytes found = take_word(r);
  bool same = found.len == strlen(word) && strncasecmp((const char *)found.data, word, found.len) == 0;
  r->at = same ? r->at : before;
  return same;
}

static firn_status take_name(reader *r, const char **out, firn_error *err) {
  skip_blanks(r);
  uint8_t quote = r->at < r->text.len ? r->text.data[r->at] : 0;
  if (quote != '"' && quote != '`') {
    firn_bytes word = take_word(r);
    if (word.len == 0) {
      return firn_error_set(err, FIRN_INVALID, "a field's name is missing before \"%.*s\"",
                            FIRN_FORMAT_BYTES(rest(r)));
    }
    *out = firn_arena_text(r->arena, word);
    return *out == NULL ? no_memory(err) : FIRN_OK;
  }
  FIRN_AUTO_BUILDER name = FIRN_BUILDER_INIT(0);
  for (r->at++; r->at < r->text.len; r->at++) {
    uint8_t c = r->text.data[r->at];
    bool twice = c == quote && r->at + 1 < r->text.len && r->text.data[r->at + 1] == quote;
    if (c == quote && !twice) {
      break;
    }
    r->at += twice;
    firn_builder_add_u8(&name, c);
  }
  firn_bytes built;
  FIRN_TRY(firn_builder_finish(&name, &built, err));
  FIRN_TRY(need(r, (char)quote, err));
  *out = firn_arena_text(r->arena, built);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_type(reader *r, unsigned depth, firn_field *out, firn_error *err);

/* A type, and whether it is required. */
static firn_status read_part(reader *r, unsigned depth, firn_field *out, firn_error *err) {
  out->id = FIRN_NO_ID;
  FIRN_TRY(read_type(r, depth, out, err));
  out->required = may_take(r, "required");
  return FIRN_OK;
}

static firn_status read_list(reader *r, unsigned depth, firn_field *out, firn_error *err) {
  firn_field *element = firn_new(r->arena, firn_field);
  if (element == NULL) {
    return no_memory(err);
  }
  element->name = "element";
  FIRN_TRY(read_part(r, depth, element, err));
  out->kind = FIRN_KIND_LIST;
  out->n_children = 1;
  out->children = element;
  return FIRN_OK;
}

static firn_status read_map(reader *r, unsigned depth, firn_field *out, firn_error *err) {
  firn_field *parts = firn_new_n(r->arena, firn_field, 2);
  if (parts == NULL) {
    return no_memory(err);
  }
  parts[0].name = "key";
  parts[1].name = "value";
  FIRN_TRY(read_part(r, depth, &parts[0], err));
  parts[0].required = true;
  FIRN_TRY(need(r, ',', err));
  FIRN_TRY(read_part(r, depth, &parts[1], err));
  out->kind = FIRN_KIND_MAP;
  out->n_children = 2;
  out->children = parts;
  return FIRN_OK;
}

static firn_status read_struct(reader *r, unsigned depth, firn_field *out, firn_error *err) {
  firn_field *fields = NULL;
  size_t n = 0, capacity = 0;
  do {
    fields = firn_arena_grow(r->arena, fields, n, &capacity, sizeof *fields);
    if (fields == NULL) {
      return no_memory(err);
    }
    fields[n] = (firn_field){0};
    FIRN_TRY(take_name(r, &fields[n].name, err));
    (void)take(r, ':');
    firn_status status = read_part(r, depth, &fields[n], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "field %.80s", fields[n].name);
    }
    n++;
  } while (take(r, ','));
  out->kind = FIRN_KIND_STRUCT;
  out->n_children = (uint32_t)n; /* a field takes three bytes of the text at least */
  out->children = fields;
  return FIRN_OK;
}

/* A word, and behind it what stands in brackets: "decimal(9, 2)", "fixed[4]". */
static firn_status read_primitive(reader *r, size_t from, firn_field *out, firn_error *err) {
  skip_blanks(r);
  uint8_t open = r->at < r->text.len ? r->text.data[r->at] : 0;
  if (open == '(' || open == '[') {
    const uint8_t *close = memchr(r->text.data + r->at, open == '(' ? ')' : ']', r->text.len - r->at);
    r->at = close == NULL ? r->text.len : (size_t)(close - r->text.data) + 1;
  }
  firn_bytes text = firn_bytes_part(r->text, from, r->at - from);
  while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
    text.len--;
  }
  firn_status status = firn_type_read(text, r->arena, out, err);
  /* To a reader of metadata this would be a broken file; here somebody wrote it. */
  return status == FIRN_CORRUPT ? FIRN_INVALID : status;
}

static firn_status read_type(reader *r, unsigned depth, firn_field *out, firn_error *err) {
  static const struct {
    const char *name;
    firn_status (*read)(reader *r, unsigned depth, firn_field *out, firn_error *err);
  } nested[] = {{"list", read_list}, {"map", read_map}, {"struct", read_struct}};
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types are nested deeper than %d levels", FIRN_TYPE_MAX_DEPTH);
  }
  skip_blanks(r);
  size_t from = r->at;
  firn_bytes word = take_word(r);
  if (word.len == 0) {
    return firn_error_set(err, FIRN_INVALID, "a type is missing before \"%.*s\"", FIRN_FORMAT_BYTES(rest(r)));
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(nested); i++) {
    if (firn_bytes_is(word, nested[i].name)) {
      FIRN_TRY(need(r, '<', err));
      FIRN_TRY(nested[i].read(r, depth + 1, out, err));
      return need(r, '>', err);
    }
  }
  return read_primitive(r, from, out, err);
}

firn_status firn_type_parse(firn_bytes text, firn_arena *arena, firn_field *out, firn_error *err) {
  reader r = {.text = text, .arena = arena};
  firn_field made = *out;
  if (!firn_utf8_is_valid(text) || (text.len > 0 && memchr(text.data, 0, text.len) != NULL)) {
    return firn_error_set(err, FIRN_INVALID, "the text of a type is not UTF-8 without zeros");
  }
  firn_status status = read_type(&r, 0, &made, err);
  skip_blanks(&r);
  if (status == FIRN_OK && r.at < text.len) {
    status = firn_error_set(err, FIRN_INVALID, "\"%.*s\" stands behind it", FIRN_FORMAT_BYTES(rest(&r)));
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "type %.*s", FIRN_FORMAT_BYTES(firn_bytes_part(text, 0, SHOWN)));
  }
  *out = made;
  return FIRN_OK;
}

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/config_internal.h"
#include "base/utf8.h"

enum { SHOWN_MAX = 80, VARIABLE_MAX = 128, NUMBER_TEXT_MAX = 32 };

typedef struct unit {
  const char *name;
  int64_t factor;
} unit;

/* The first of equal factors is the one that is written. */
static const unit sizes[] = {{"TB", INT64_C(1) << 40},
                             {"T", INT64_C(1) << 40},
                             {"TiB", INT64_C(1) << 40},
                             {"GB", INT64_C(1) << 30},
                             {"G", INT64_C(1) << 30},
                             {"GiB", INT64_C(1) << 30},
                             {"MB", INT64_C(1) << 20},
                             {"M", INT64_C(1) << 20},
                             {"MiB", INT64_C(1) << 20},
                             {"KB", INT64_C(1) << 10},
                             {"K", INT64_C(1) << 10},
                             {"KiB", INT64_C(1) << 10},
                             {"kB", INT64_C(1) << 10},
                             {"B", 1},
                             {"", 1}};
static const unit times[] = {{"d", INT64_C(86400000000)},
                             {"h", INT64_C(3600000000)},
                             {"m", 60000000},
                             {"s", 1000000},
                             {"ms", 1000},
                             {"us", 1}};

static const struct {
  const char *word;
  bool value;
} booleans[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a configuration");
}

/* The largest unit that divides it. */
static const char *scaled_text(int64_t v, const unit *units, size_t n, char out[NUMBER_TEXT_MAX]) {
  const unit *u = &units[n - 1];
  for (size_t i = n; v != 0 && i > 0; i--) {
    u = v % units[i - 1].factor == 0 ? &units[i - 1] : u;
  }
  if (v == 0 && units == times) {
    u = &times[3]; /* 0s */
  }
  (void)snprintf(out, NUMBER_TEXT_MAX, "%" PRId64 "%s", v / u->factor, u->name);
  return out;
}

static const char *number_text(firn_config_type type, int64_t v, char out[NUMBER_TEXT_MAX]) {
  if (type == FIRN_CONFIG_SIZE) {
    return scaled_text(v, sizes, FIRN_COUNT_OF(sizes), out);
  }
  if (type == FIRN_CONFIG_DURATION) {
    return scaled_text(v, times, FIRN_COUNT_OF(times), out);
  }
  (void)snprintf(out, NUMBER_TEXT_MAX, "%" PRId64, v);
  return out;
}

/* Onto the end of a text of FIRN_CONFIG_TEXT_MAX; what does not fit is cut off. */
static void append(char *text, const char *format, ...) FIRN_PRINTF(2, 3);
static void append(char *text, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text + used, FIRN_CONFIG_TEXT_MAX - used, format, args);
  va_end(args);
}

static void append_range(const firn_config_key *key, char *out) {
  char least[NUMBER_TEXT_MAX], most[NUMBER_TEXT_MAX];
  const char *comma = key->type == FIRN_CONFIG_COUNT ? "" : ",";
  if (key->least != 0 || key->most != 0) {
    (void)number_text(key->type, key->least, least);
    (void)number_text(key->type, key->most, most);
    if (key->most == INT64_MAX) {
      append(out, "%s %s or more", comma, least);
    } else {
      append(out, "%s from %s to %s", comma, least, most);
    }
  }
  if (key->word != NULL) {
    append(out, ", or %s", key->word);
  }
}

const char *firn_config_allowed(const firn_config_key *key, char out[FIRN_CONFIG_TEXT_MAX]) {
  static const char *const words[] = {
      [FIRN_CONFIG_TEXT] = "a text",
      [FIRN_CONFIG_TEXTS] = "a text or a list of texts",
      [FIRN_CONFIG_BOOL] = "true or false (yes, no, on, off)",
      [FIRN_CONFIG_COUNT] = "a whole number",
      [FIRN_CONFIG_SIZE] = "a size such as 512KB, 64MB or 1GB",
      [FIRN_CONFIG_DURATION] = "a time such as 500ms, 10s, 5m, 6h or 7d",
      [FIRN_CONFIG_CHOICE] = "one of ",
  };
  out[0] = '\0';
  append(out, "%s", words[key->type]);
  append_range(key, out);
  for (size_t i = 0; key->type == FIRN_CONFIG_CHOICE && key->choices[i] != NULL; i++) {
    append(out, "%s%s", i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ", key->choices[i]);
  }
  return out;
}

static firn_status refuse(const firn_config_key *key, firn_bytes text, firn_error *err) {
  char allowed[FIRN_CONFIG_TEXT_MAX];
  (void)firn_config_allowed(key, allowed);
  if (key->is_secret) {
    return firn_error_set(err, FIRN_INVALID, "%s (secret) must be %s", key->path, allowed);
  }
  firn_bytes shown = firn_utf8_prefix(text, SHOWN_MAX);
  return firn_error_set(err, FIRN_INVALID, "%s is \"%.*s%s\"; it must be %s", key->path,
                        FIRN_FORMAT_BYTES(shown), shown.len < text.len ? "..." : "", allowed);
}

/* Digits without a zero in front, which YAML once read as octal. How many there are; 0: none or too many. */
static size_t read_digits(firn_bytes text, int64_t *out) {
  size_t n = 0;
  int64_t v = 0;
  while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9') {
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.data[n] - '0', &v)) {
      return 0;
    }
    n++;
  }
  *out = v;
  return n > 1 && text.data[0] == '0' ? 0 : n;
}

static bool read_count(firn_bytes text, int64_t *out) {
  bool is_negative = text.len > 0 && text.data[0] == '-';
  firn_bytes digits = firn_bytes_part(text, is_negative, text.len);
  if (digits.len == 0 || read_digits(digits, out) != digits.len) {
    return false;
  }
  *out = is_negative ? -*out : *out;
  return true;
}

static bool read_scaled(firn_bytes text, const unit *units, size_t n, int64_t *out) {
  int64_t v;
  size_t n_digits = read_digits(text, &v);
  firn_bytes rest = firn_bytes_part(text, n_digits, text.len);
  for (size_t i = 0; n_digits > 0 && i < n; i++) {
    if (firn_bytes_is(rest, units[i].name)) {
      return !__builtin_mul_overflow(v, units[i].factor, out);
    }
  }
  *out = 0;
  return units == times && n_digits == 1 && rest.len == 0 && v == 0; /* 0 is 0 of anything */
}

static firn_status put_number(const firn_config_key *key, firn_bytes text, void *at, firn_error *err) {
  int64_t v;
  bool is_word = key->word != NULL && firn_bytes_is(text, key->word);
  bool is_number = is_word;
  if (is_word) {
    v = key->word_value;
  } else if (key->type == FIRN_CONFIG_COUNT) {
    is_number = read_count(text, &v);
  } else if (key->type == FIRN_CONFIG_SIZE) {
    is_number = read_scaled(text, sizes, FIRN_COUNT_OF(sizes), &v);
  } else {
    is_number = read_scaled(text, times, FIRN_COUNT_OF(times), &v);
  }
  bool has_range = key->least != 0 || key->most != 0;
  if (!is_number || (!is_word && has_range && (v < key->least || v > key->most))) {
    return refuse(key, text, err);
  }
  memcpy(at, &v, sizeof v); /* a SIZE is below 2^63: the same bits */
  return FIRN_OK;
}

static bool is_same_word(firn_bytes text, const char *word) {
  size_t n = strlen(word);
  bool is_same = text.len == n;
  for (size_t i = 0; is_same && i < n; i++) {
    uint8_t c = text.data[i];
    is_same = (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == word[i];
  }
  return is_same;
}

static firn_status put_bool(const firn_config_key *key, firn_bytes text, void *at, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(booleans); i++) {
    if (is_same_word(text, booleans[i].word)) {
      memcpy(at, &booleans[i].value, sizeof booleans[i].value);
      return FIRN_OK;
    }
  }
  return refuse(key, text, err);
}

static firn_status put_choice(const firn_config_key *key, firn_bytes text, void *at, firn_error *err) {
  size_t n = 0;
  for (; key->choices[n] != NULL; n++) {
    if (firn_bytes_is(text, key->choices[n])) {
      memcpy(at, &key->choices[n], sizeof key->choices[n]);
      return FIRN_OK;
    }
  }
  return refuse(key, text, err);
}

static firn_status put_text(const firn_config_key *key, firn_bytes text, firn_arena *arena, const char **at,
                            firn_error *err) {
  if (text.len > 0 && (memchr(text.data, 0, text.len) != NULL || !firn_utf8_is_valid(text))) {
    return firn_error_set(err, FIRN_INVALID, "%s is no text in UTF-8", key->path);
  }
  *at = text.len == 0 ? NULL : firn_arena_text(arena, text);
  return text.len > 0 && *at == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_config_put(const firn_config_key *key, firn_bytes text, firn_arena *arena, void *into,
                            firn_error *err) {
  uint8_t *at = (uint8_t *)into + key->offset;
  const char *copy;
  switch (key->type) {
    case FIRN_CONFIG_TEXT:
      FIRN_TRY(put_text(key, text, arena, &copy, err));
      memcpy(at, &copy, sizeof copy);
      return FIRN_OK;
    case FIRN_CONFIG_BOOL:
      return put_bool(key, text, at, err);
    case FIRN_CONFIG_CHOICE:
      return put_choice(key, text, at, err);
    default:
      assert(key->type != FIRN_CONFIG_TEXTS);
      return put_number(key, text, at, err);
  }
}

firn_status firn_config_put_texts(const firn_config_key *key, const firn_bytes *texts, size_t n,
                                  firn_arena *arena, void *into, firn_error *err) {
  const char **items = firn_new_n(arena, const char *, n);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(put_text(key, texts[i], arena, &items[i], err));
    if (items[i] == NULL) {
      return firn_error_set(err, FIRN_INVALID, "%s has an empty text", key->path);
    }
  }
  firn_config_texts list = {.n = n, .items = items};
  memcpy((uint8_t *)into + key->offset, &list, sizeof list);
  return FIRN_OK;
}

/* Line breaks for YAML, and what it refuses to see unescaped. */
static bool must_escape(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
         c == 0xFFFF;
}

/* In double quotes, so that it reads back as the same. */
static void add_quoted(const char *text, firn_builder *out) {
  firn_bytes left = firn_bytes_of(text);
  firn_builder_add_u8(out, '"');
  while (left.len > 0) {
    uint32_t c = 0;
    size_t n = firn_utf8_decode(left.data, left.data + left.len, &c);
    assert(n > 0); /* only UTF-8 was taken */
    if (must_escape(c)) {
      firn_builder_addf(out, "\\u%04" PRIx32, c);
    } else {
      firn_builder_add_text(out, c == '$' ? "$" : c == '"' || c == '\\' ? "\\" : "");
      firn_builder_add(out, firn_bytes_part(left, 0, n));
    }
    left = firn_bytes_part(left, n > 0 ? n : 1, left.len);
  }
  firn_builder_add_u8(out, '"');
}

bool firn_config_add_value(const firn_config_key *key, const void *from, firn_builder *out) {
  const uint8_t *at = (const uint8_t *)from + key->offset;
  const char *text;
  firn_config_texts texts;
  bool is_set;
  int64_t v;
  char number[NUMBER_TEXT_MAX];
  switch (key->type) {
    case FIRN_CONFIG_TEXT:
    case FIRN_CONFIG_CHOICE:
      memcpy(&text, at, sizeof text);
      if (text != NULL) {
        add_quoted(text, out);
      }
      return text != NULL;
    case FIRN_CONFIG_TEXTS:
      memcpy(&texts, at, sizeof texts);
      for (size_t i = 0; i < texts.n; i++) {
        firn_builder_add_text(out, i == 0 ? "[" : ", ");
        add_quoted(texts.items[i], out);
      }
      firn_builder_add_text(out, texts.n == 0 ? "[]" : "]");
      return true;
    case FIRN_CONFIG_BOOL:
      memcpy(&is_set, at, sizeof is_set);
      firn_builder_add_text(out, is_set ? "true" : "false");
      return true;
    default:
      memcpy(&v, at, sizeof v);
      firn_builder_add_text(
          out, key->word != NULL && v == key->word_value ? key->word : number_text(key->type, v, number));
      return true;
  }
}

static bool is_name_start(uint8_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* The length of the variable's name at the start of `text`; 0: there is none. */
static size_t name_len(firn_bytes text) {
  size_t n = 0;
  while (n < text.len &&
         (is_name_start(text.data[n]) || (n > 0 && text.data[n] >= '0' && text.data[n] <= '9'))) {
    n++;
  }
  return n < VARIABLE_MAX ? n : 0;
}

/* `inside` is what stands between the braces. */
static firn_status expand_one(firn_bytes inside, const firn_config_sources *sources, firn_builder *out,
                              firn_error *err) {
  char name[VARIABLE_MAX];
  size_t n = name_len(inside);
  firn_bytes rest = firn_bytes_part(inside, n, inside.len);
  if (n == 0 || (rest.len > 0 && rest.data[0] != ':')) {
    firn_bytes shown = firn_utf8_prefix(inside, SHOWN_MAX);
    return firn_error_set(
        err, FIRN_INVALID,
        "${%.*s} names no variable; write ${NAME} or ${NAME:default}, and $$ for a dollar sign",
        FIRN_FORMAT_BYTES(shown));
  }
  memcpy(name, inside.data, n);
  name[n] = '\0';
  if (rest.len > 1 && rest.data[1] == '-') {
    /* In a shell ${X:-8} is 8; by the rule here it would be -8. */
    return firn_error_set(err, FIRN_INVALID,
                          "${%s:-...} is a shell's way; write ${%s:default}, without the -", name, name);
  }
  const char *value = sources->env == NULL ? NULL : sources->env(sources->self, name);
  if (value != NULL && value[0] != '\0') {
    firn_builder_add_text(out, value);
  } else if (rest.len > 0) {
    firn_builder_add(out, firn_bytes_part(rest, 1, rest.len));
  } else {
    return firn_error_set(err, FIRN_INVALID,
                          "the environment variable %s is not set; set it, or write ${%s:default}", name,
                          name);
  }
  return FIRN_OK;
}

firn_status firn_config_expand(firn_bytes text, const firn_config_sources *sources, firn_arena *arena,
                               firn_bytes *out, firn_error *err) {
  if (text.len == 0 || memchr(text.data, '$', text.len) == NULL) {
    *out = text;
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    uint8_t next = i + 1 < text.len ? text.data[i + 1] : 0;
    if (c != '$' || (next != '$' && next != '{')) {
      firn_builder_add_u8(&b, c);
    } else if (next == '$') {
      firn_builder_add_u8(&b, '$');
      i++;
    } else {
      const uint8_t *end = memchr(text.data + i, '}', text.len - i);
      if (end == NULL) {
        return firn_error_set(err, FIRN_INVALID, "a ${ without its }; write $$ for a dollar sign");
      }
      size_t at = i + 2;
      i = (size_t)(end - text.data);
      FIRN_TRY(expand_one(firn_bytes_part(text, at, i - at), sources, &b, err));
    }
  }
  return firn_builder_finish_copy(&b, arena, out, err);
}

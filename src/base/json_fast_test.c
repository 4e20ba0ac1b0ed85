/* The fast readers against the plain one: on random texts and random damage, whatever is asked of them, they
 * must give the same tokens, spans, errors and states. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "base/json.h"
#include "base/json_internal.h"
#include "test.h"

static const firn_json_reader *fast_readers(size_t i) {
  if (i == 0) {
    return &firn_json_swar;
  }
#if defined(__x86_64__)
  if (i == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) {
    return &firn_json_avx2;
  }
#endif
  return NULL;
}

static uint64_t below(uint64_t n) {
  return test_random() % n;
}

static void add_one_of(firn_builder *b, const char *const *texts, size_t n) {
  firn_builder_add_text(b, texts[below(n)]);
}

static void add_space(firn_builder *b) {
  static const char *const spaces[] = {"", "", "", "", "", " ", "\n", "\t \r\n  "};
  add_one_of(b, spaces, FIRN_COUNT_OF(spaces));
}

static void add_string(firn_builder *b) {
  static const char *const parts[] = {"a",
                                      "snow",
                                      "a longer run of plain text",
                                      "\\n",
                                      "\\\"",
                                      "\\\\",
                                      "\\u00e9",
                                      "\\ud83d\\ude00",
                                      "\xC3\xA9",
                                      "\xE2\x82\xAC",
                                      "\xF0\x9F\x98\x80",
                                      "{[,:]}",
                                      "0123456789",
                                      "\x7f",
                                      "0xf9d9ac27b566aa3354c06181afa01284383a86fe"};
  firn_builder_add_u8(b, '"');
  for (uint64_t n = below(6); n > 0; n--) {
    add_one_of(b, parts, FIRN_COUNT_OF(parts));
  }
  firn_builder_add_u8(b, '"');
}

static void add_digits(firn_builder *b, uint64_t most) {
  for (uint64_t n = 1 + below(most); n > 0; n--) {
    firn_builder_add_u8(b, (uint8_t)('0' + below(10)));
  }
}

static void add_number(firn_builder *b) {
  static const char *const heads[] = {"", "-"};
  add_one_of(b, heads, 2);
  if (below(4) == 0) {
    firn_builder_add_text(b, "0");
  } else {
    firn_builder_add_u8(b, (uint8_t)('1' + below(9)));
    add_digits(b, below(10) == 0 ? 60 : 10);
  }
  if (below(2) == 0) {
    firn_builder_add_text(b, ".");
    add_digits(b, below(10) == 0 ? 60 : 10);
  }
  if (below(6) == 0) {
    static const char *const exponents[] = {"e", "E", "e+", "e-", "E-"};
    add_one_of(b, exponents, FIRN_COUNT_OF(exponents));
    add_digits(b, 3);
  }
}

static void add_value(firn_builder *b, unsigned depth);

static void add_container(firn_builder *b, unsigned depth, bool is_object) {
  firn_builder_add_text(b, is_object ? "{" : "[");
  add_space(b);
  for (uint64_t n = below(5); n > 0; n--) {
    if (is_object) {
      add_string(b);
      add_space(b);
      firn_builder_add_text(b, ":");
      add_space(b);
    }
    add_value(b, depth + 1);
    add_space(b);
    if (n > 1) {
      firn_builder_add_text(b, ",");
      add_space(b);
    }
  }
  firn_builder_add_text(b, is_object ? "}" : "]");
}

static void add_value(firn_builder *b, unsigned depth) {
  static const char *const words[] = {"true", "false", "null"};
  uint64_t kind = below(depth < 4 ? 8 : 5);
  if (kind >= 5) {
    add_container(b, depth, kind != 5);
  } else if (kind >= 3) {
    add_number(b);
  } else if (kind >= 1) {
    add_string(b);
  } else {
    add_one_of(b, words, FIRN_COUNT_OF(words));
  }
}

/* One to three small changes, such as a broken program or a broken wire makes. */
static void damage(firn_builder *b) {
  static const char bytes[] = "\"\\{}[]:, \n\x01\x80\xC3\xE2\xF0\xFF-+.eE0159utfn/";
  for (uint64_t n = 1 + below(3); n > 0 && b->len > 0; n--) {
    size_t at = (size_t)below(b->len);
    switch (below(4)) {
      case 0:
        b->len = at;
        break;
      case 1:
        b->data[at] = (uint8_t)bytes[below(sizeof bytes)];
        break;
      case 2:
        memmove(b->data + at, b->data + at + 1, b->len - at - 1);
        b->len--;
        break;
      default:
        firn_builder_add_u8(b, 0);
        memmove(b->data + at + 1, b->data + at, b->len - at - 1);
        b->data[at] = (uint8_t)bytes[below(sizeof bytes)];
        break;
    }
  }
}

/* A deed on one reader, and everything that can be seen of it. */
typedef struct outcome {
  firn_status status;
  firn_error err;
  firn_json_token first, second;
  firn_bytes span;
} outcome;

static outcome do_one(const firn_json_reader *reader, firn_json *j, unsigned deed) {
  outcome o = {.err = {.text = ""}};
  switch (deed) {
    case 0:
      o.status = reader->next(j, &o.first, &o.err);
      break;
    case 1:
      o.status = (reader->skip)(j, &o.span, &o.err); /* cmocka has a macro of that name */
      break;
    case 2:
      o.status = reader->next_member(j, &o.first, &o.second, &o.err);
      break;
    default:
      o.status = reader->next_item(j, &o.first, &o.err);
      break;
  }
  return o;
}

static bool same_token(const firn_json_token *a, const firn_json_token *b) {
  return a->kind == b->kind && a->raw.data == b->raw.data && a->raw.len == b->raw.len &&
         a->has_escapes == b->has_escapes && a->is_integer == b->is_integer;
}

/* Outputs were zero before, so those of a failure must still be. */
static bool same_outcome(const outcome *a, const outcome *b) {
  return a->status == b->status && strcmp(a->err.text, b->err.text) == 0 &&
         same_token(&a->first, &b->first) && same_token(&a->second, &b->second) &&
         a->span.data == b->span.data && a->span.len == b->span.len;
}

static bool same_state(const firn_json *a, const firn_json *b) {
  bool same = a->at == b->at && a->depth == b->depth && a->expect == b->expect;
  for (size_t i = 0; i < a->depth && same; i++) {
    same = (a->in_object[i / 64] >> (i % 64) & 1) == (b->in_object[i / 64] >> (i % 64) & 1);
  }
  return same;
}

/* Walks the text with both, by `deed`, or by deeds at random when there is none. */
static void compare(const firn_json_reader *fast, firn_bytes text, int deed) {
  firn_json a, b;
  firn_json_init(&a, text);
  b = a;
  for (size_t step = 0; step < text.len + 3; step++) {
    unsigned now = deed >= 0 ? (unsigned)deed : below(8) < 5 ? 0 : (unsigned)below(4);
    now = deed >= 2 && step == 0 ? 0 : now; /* members and items are inside something */
    outcome one = do_one(&firn_json_plain, &a, now), two = do_one(fast, &b, now);
    if (!same_outcome(&one, &two) || !same_state(&a, &b)) {
      fail_msg("step %zu, deed %u: plain %s \"%s\" at %zu, fast %s \"%s\" at %zu: %.*s", step, now,
               firn_status_name(one.status), one.err.text, firn_json_offset(&a), firn_status_name(two.status),
               two.err.text, firn_json_offset(&b), FIRN_FORMAT_BYTES(text));
    }
    if (one.status != FIRN_OK || one.first.kind == FIRN_JSON_END) {
      return;
    }
  }
}

static void compare_all(firn_bytes text) {
  uint8_t *copy = firn_alloc_raw(text.len); /* its own block: ASan sees a read beyond its end */
  assert_non_null(copy);
  if (text.len > 0) {
    memcpy(copy, text.data, text.len);
  }
  for (size_t i = 0; fast_readers(i) != NULL; i++) {
    for (int deed = -1; deed < 4; deed++) {
      compare(fast_readers(i), (firn_bytes){copy, text.len}, deed);
    }
  }
  firn_free(copy);
}

static void random_texts_read_the_same(void **state) {
  (void)state;
  (void)test_ctx();
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  size_t n_valid = 0;
  for (int i = 0; i < 6000; i++) {
    firn_builder_reset(&b);
    add_space(&b);
    if (i % 4 == 0) {
      add_value(&b, 0);
    } else {
      add_container(&b, 0, i % 4 != 1);
    }
    add_space(&b);
    compare_all(firn_builder_bytes(&b));
    assert_true(firn_json_is_valid(firn_builder_bytes(&b)));
    damage(&b);
    compare_all(firn_builder_bytes(&b));
    n_valid += firn_json_is_valid(firn_builder_bytes(&b));
  }
  assert_in_range(n_valid, 100, 4000); /* damage breaks most texts, and not all */
}

static const char event[] =
    "{\"id\":\"961e090f-a025-438c-8cc6-c8153f3e5ac3\",\"time\":\"2025-06-15T15:06:41.389386Z\",\"data\":{"
    "\"speed\":95.8,"
    "\"odometer\":51017,\"loc\":{\"lat\":3.582932,\"lon\":-116.174562},\"t\":[true,false,null,"
    "\"\xC3\xA9\\n\",1e5,-0,0.5]}}";

static void every_cut_and_change_of_an_event_reads_the_same(void **state) {
  (void)state;
  (void)test_ctx();
  char text[sizeof event];
  for (size_t len = 0; len < sizeof event; len++) {
    compare_all((firn_bytes){(const uint8_t *)event, len});
  }
  static const char changes[] = "\"\\x0-.,:[]{} \x1f\x80\xFF";
  for (size_t i = 0; i < sizeof event - 1; i++) {
    for (size_t c = 0; c < sizeof changes; c++) {
      memcpy(text, event, sizeof text);
      text[i] = changes[c];
      compare_all((firn_bytes){(const uint8_t *)text, sizeof text - 1});
    }
  }
}

/* Strings and numbers of every length, so that each kind of end meets each place in a block. */
static void every_length_reads_the_same(void **state) {
  (void)state;
  (void)test_ctx();
  static const char *const shapes[] = {"[\"%s\"]",
                                       "[\"%s\\n\"]",
                                       "[\"%s\xC3\xA9\",1]",
                                       "[\"%s\x01\"]",
                                       "{\"%s\":%s}",
                                       "[%s]",
                                       "[-%s.%s]",
                                       "[%s.]",
                                       "%s",
                                       "[%s.%se+%s]",
                                       "[%se]",
                                       "[%s.%s",
                                       "[0%s]",
                                       "{\"a\":%s,\"b\":%s}",
                                       "[\"%s\xC3"};
  for (size_t len = 0; len < 75; len++) {
    char digits[80] = "";
    memset(digits, '7', len);
    digits[len] = '\0';
    for (size_t s = 0; s < FIRN_COUNT_OF(shapes); s++) {
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      for (const char *at = shapes[s]; *at != '\0'; at++) {
        if (at[0] == '%') {
          firn_builder_add_text(&b, digits);
          at++;
        } else {
          firn_builder_add_u8(&b, (uint8_t)*at);
        }
      }
      compare_all(firn_builder_bytes(&b));
    }
  }
}

static void depth_is_bounded_the_same(void **state) {
  (void)state;
  char text[1200];
  for (size_t deep = 509; deep < 516; deep++) {
    memset(text, '[', deep);
    memset(text + deep, ']', deep);
    compare_all((firn_bytes){(const uint8_t *)text, 2 * deep});
    memset(text, ' ', 1);
    compare_all((firn_bytes){(const uint8_t *)text, 2 * deep});
  }
  static char objects[600 * 6];
  for (size_t deep = 500; deep < 515; deep++) { /* objects and arrays in turn: {"a":[{"a":[ */
    size_t len = 0;
    for (size_t i = 0; i < deep; i++) {
      memcpy(objects + len, i % 2 == 0 ? "{\"a\":" : "[", i % 2 == 0 ? 5 : 1);
      len += i % 2 == 0 ? 5 : 1;
    }
    objects[len++] = '1';
    for (size_t i = deep; i-- > 0;) {
      objects[len++] = i % 2 == 0 ? '}' : ']';
    }
    compare_all((firn_bytes){(const uint8_t *)objects, len});
    compare_all((firn_bytes){(const uint8_t *)objects, len - 1});
  }
}

RUN_TESTS(random_texts_read_the_same, every_cut_and_change_of_an_event_reads_the_same,
          every_length_reads_the_same, depth_is_bounded_the_same)

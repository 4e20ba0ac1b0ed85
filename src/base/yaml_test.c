#include "base/yaml.h"

#include <stdlib.h>

#include "base/builder.h"
#include "test.h"

static firn_status read_text(const char *text, firn_arena *arena, const firn_yaml **out, firn_error *err) {
  return firn_yaml_read(firn_bytes_of(text), 1 << 20, arena, out, err);
}

static void reads_maps_lists_and_scalars(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_yaml *y;
  CHECK_OK(
      read_text("# a comment\n"
                "server:\n"
                "  listen: 127.0.0.1:8181   # another\n"
                "  tls: {key: 'k''ey', certificate: \"c\\u00e4\"}\n"
                "roots:\n- a\n- b: 1\n- [c, d]\n"
                "long: |\n  two\n  lines\n"
                "folded: >-\n  one\n  line\n",
                &arena, &y, &err));
  assert_int_equal(y->kind, FIRN_YAML_MAP);
  assert_int_equal(y->n, 4);
  const firn_yaml *server = firn_yaml_get(y, "server");
  assert_int_equal(y->members[0].line, 2);
  CHECK_BYTES(firn_yaml_get(server, "listen")->text, "127.0.0.1:8181");
  assert_int_equal(firn_yaml_get(server, "listen")->line, 3);
  assert_int_equal(firn_yaml_get(server, "listen")->column, 11);
  const firn_yaml *tls = firn_yaml_get(server, "tls");
  CHECK_BYTES(firn_yaml_get(tls, "key")->text, "k'ey");
  CHECK_BYTES(firn_yaml_get(tls, "certificate")->text, "c\xC3\xA4");
  const firn_yaml *roots = firn_yaml_get(y, "roots");
  assert_int_equal(roots->kind, FIRN_YAML_LIST);
  assert_int_equal(roots->n, 3);
  CHECK_BYTES(roots->items[0]->text, "a");
  CHECK_BYTES(firn_yaml_get(roots->items[1], "b")->text, "1");
  CHECK_BYTES(roots->items[2]->items[1]->text, "d");
  CHECK_BYTES(firn_yaml_get(y, "long")->text, "two\nlines\n");
  CHECK_BYTES(firn_yaml_get(y, "folded")->text, "one line");
  assert_null(firn_yaml_get(y, "serve"));
  assert_null(firn_yaml_get(roots, "a"));
  assert_null(firn_yaml_get(NULL, "a"));
}

static void guesses_no_types(void **state) {
  (void)state;
  static const char *const oddities[] = {"no",   "NO",  "0o14", "014",   "1_000",    "~",
                                         "null", "1e3", ".inf", "0x1F",  "12:30:45", "2025-01-01",
                                         "=",    "+1",  "True", "-.nan", "1.0",      "y"};
  for (size_t i = 0; i < FIRN_COUNT_OF(oddities); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    const firn_yaml *y;
    CHECK_OK(read_text(
        firn_arena_printf(&arena, "a: %s\nb: \"%s\"\nc: '%s'", oddities[i], oddities[i], oddities[i]), &arena,
        &y, &err));
    for (size_t k = 0; k < 3; k++) {
      const firn_yaml *v = y->members[k].value;
      assert_int_equal(v->kind, FIRN_YAML_SCALAR);
      CHECK_BYTES(v->text, oddities[i]);
      assert_int_equal(v->is_quoted, k > 0);
    }
  }
}

static void nothing_is_null_and_empty_text_is_not(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_yaml *y;
  CHECK_OK(read_text("a:\nb: ''\nc: # later\n", &arena, &y, &err));
  assert_int_equal(y->members[0].value->kind, FIRN_YAML_NULL);
  assert_int_equal(y->members[1].value->kind, FIRN_YAML_SCALAR);
  assert_int_equal(y->members[1].value->text.len, 0);
  assert_int_equal(y->members[2].value->kind, FIRN_YAML_NULL);
  static const char *const empties[] = {"",      "\n",         "# only a comment\n",
                                        "---\n", "---\n...\n", "\xEF\xBB\xBF"};
  for (size_t i = 0; i < FIRN_COUNT_OF(empties); i++) {
    CHECK_OK(read_text(empties[i], &arena, &y, &err));
    assert_int_equal(y->kind, FIRN_YAML_NULL);
  }
  CHECK_OK(firn_yaml_read((firn_bytes){NULL, 0}, 10, &arena, &y, &err));
  CHECK_OK(
      read_text("\xEF\xBB\xBF"
                "a: 1\n",
                &arena, &y, &err));
  CHECK_BYTES(y->members[0].key, "a");
}

static void an_alias_is_the_very_node(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_yaml *y;
  CHECK_OK(read_text("a: &x {k: v}\nb: *x\nc: &x 2\nd: *x\n", &arena, &y, &err));
  assert_ptr_equal(firn_yaml_get(y, "a"), firn_yaml_get(y, "b"));
  CHECK_BYTES(firn_yaml_get(y, "d")->text, "2");
}

typedef struct bad {
  const char *text;
  firn_status status;
  const char *says;
} bad;

static const bad bads[] = {
    {"a: 1\nb: 2\na: 3\n", FIRN_CORRUPT, "line 3: a is given again, first in line 1"},
    {"x:\n  - {k: 1, l: 2, k: 3}\n", FIRN_CORRUPT, "line 2: k is given again, first in line 2"},
    {"a: !!int 3\n", FIRN_UNSUPPORTED,
     "line 1, column 4: the tag tag:yaml.org,2002:int: tags are not supported"},
    {"a: !secret x\n", FIRN_UNSUPPORTED, "the tag !secret"},
    {"!!map {a: 1}\n", FIRN_UNSUPPORTED, "the tag"},
    {"!!seq [a]\n", FIRN_UNSUPPORTED, "the tag"},
    {"!x a: 1\n", FIRN_UNSUPPORTED, "the tag !x"},
    {"a: 1\n---\nb: 2\n", FIRN_UNSUPPORTED, "line 2, column 1: a second document begins"},
    {"base: &b {k: 1}\na:\n  <<: *b\n", FIRN_UNSUPPORTED,
     "line 3, column 3: merge keys (<<) are not supported"},
    {"? [a, b]\n: c\n", FIRN_UNSUPPORTED, "line 1, column 3: a key must be plain text"},
    {"&a k: 1\n", FIRN_UNSUPPORTED, "a key must be plain text"},
    {"a: &x k\n*x : 1\n", FIRN_UNSUPPORTED, "a key must be plain text"},
    {"'': 1\n", FIRN_CORRUPT, "a key is empty"},
    {"?\n: 1\n", FIRN_CORRUPT, "a key is empty"},
    {"\"a\\0b\": 1\n", FIRN_CORRUPT, "a key with a zero byte"},
    {"a: \"b\\0c\"\n", FIRN_CORRUPT, "line 1, column 4: a text with a zero byte"},
    {"a: *nobody\n", FIRN_CORRUPT, "*nobody names nothing that is complete before it"},
    {"a: &a [*a]\n", FIRN_CORRUPT, "*a names nothing that is complete before it"},
    {"a:\n\tb: 1\n", FIRN_CORRUPT, "line 2, column 1: a tab cannot indent in YAML; write spaces"},
    {"a: {b: 1\nc: 2\n", FIRN_CORRUPT, "line 2"},
    {"a: [1, 2\n", FIRN_CORRUPT, "did not find expected ',' or ']'"},
    {"a: \"open\n", FIRN_CORRUPT, "that began in line 1"},
    {"a: b: c\n", FIRN_CORRUPT, "mapping values are not allowed in this context"},
    {"a: 1\n b: 2\n", FIRN_CORRUPT, "line 2"},
    {"a: x\x01y\n", FIRN_CORRUPT, "line 1, column 5: control characters are not allowed"},
    {"ok: 1\nb: \xC3\xA4\xFF\n", FIRN_CORRUPT, "line 2, column 5: invalid leading UTF-8 octet"},
    {"b: \xC0\xAF\n", FIRN_CORRUPT, "line 1, column 4"},
    {"b: \xED\xA0\x80\n", FIRN_CORRUPT, "line 1, column 4"},
    {"a: @x\n", FIRN_CORRUPT, "found character that cannot start any token"},
    {"\xFF\xFE"
     "a",
     FIRN_CORRUPT, "line 1"},
    {"%YAML 3.0\n---\na: 1\n", FIRN_CORRUPT, "found incompatible YAML document"},
};

static void refuses_with_line_and_column(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(bads); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err = {0};
    const firn_yaml *y = NULL;
    assert_int_equal(read_text(bads[i].text, &arena, &y, &err), bads[i].status);
    CHECK_SAYS(bads[i].says);
    assert_null(y);
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_yaml *y;
  assert_int_equal(firn_yaml_read((firn_bytes){(const uint8_t *)"a: b\0c", 6}, 100, &arena, &y, &err),
                   FIRN_CORRUPT);
  CHECK_SAYS("line 1, column 5: control characters");
}

static void refuses_what_is_too_long(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_yaml *y;
  CHECK_OK(firn_yaml_read(FIRN_LITERAL("a: 1"), 4, &arena, &y, &err));
  assert_int_equal(firn_yaml_read(FIRN_LITERAL("a: 12"), 4, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("5 bytes are more than the 4 that are allowed");
}

/* `n` lists within each other. */
static firn_status nest(size_t n, const char *around, firn_arena *arena, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_yaml *y;
  firn_builder_add_text(&b, around);
  for (size_t i = 0; i < 2 * n; i++) {
    firn_builder_add_text(&b, i < n ? "[" : "]");
  }
  return firn_yaml_read(firn_builder_bytes(&b), 1 << 20, arena, &y, err);
}

static void refuses_what_is_too_deep(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  CHECK_OK(nest(64, "", &arena, &err));
  assert_int_equal(nest(65, "", &arena, &err), FIRN_LIMIT);
  CHECK_SAYS("nested deeper than 64 levels");
  assert_int_equal(nest(10000, "", &arena, &err), FIRN_LIMIT);
  const firn_yaml *y;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "a0: &a0 [x]\n");
  for (int i = 1; i < 80; i++) { /* a level more each, none of them deep as written */
    firn_builder_addf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
  }
  assert_int_equal(firn_yaml_read(firn_builder_bytes(&b), 1 << 20, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("line 64, column 12: nested deeper than 64 levels");
}

static void refuses_a_billion_laughs(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(1 << 22);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  const firn_yaml *y;
  firn_builder_add_text(&b, "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
  for (char c = 'b'; c < 'j'; c++) {
    firn_builder_addf(&b, "%c: &%c [", c, c);
    for (int i = 0; i < 9; i++) {
      firn_builder_addf(&b, "%s*%c", i == 0 ? "" : ", ", c - 1);
    }
    firn_builder_add_text(&b, "]\n");
  }
  assert_int_equal(firn_yaml_read(firn_builder_bytes(&b), 1 << 20, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("more than 100000 values, aliases written out");
}

static void refuses_too_many_values(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  const firn_yaml *y;
  for (int i = 0; i < 100000; i++) {
    firn_builder_add_text(&b, "- a\n");
  }
  assert_int_equal(firn_yaml_read(firn_builder_bytes(&b), 1 << 20, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("line 100000, column 3: more than 100000 values");
}

/* What made the reading take as long as the square of its input. */
static void refuses_too_many_anchors_and_directives(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER anchors = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER directives = FIRN_BUILDER_INIT(0);
  firn_error err;
  const firn_yaml *y;
  for (int i = 0; i < 1000; i++) {
    firn_builder_addf(&anchors, "- &a%d x\n", i);
  }
  CHECK_OK(firn_yaml_read(firn_builder_bytes(&anchors), 1 << 20, &arena, &y, &err));
  firn_builder_add_text(&anchors, "- &b x\n");
  assert_int_equal(firn_yaml_read(firn_builder_bytes(&anchors), 1 << 20, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("line 1001: more than 1000 anchors");
  for (int i = 0; i < 101; i++) {
    firn_builder_addf(&directives, "%%TAG !a%d! b\n", i);
  }
  firn_builder_add_text(&directives, "---\na\n");
  assert_int_equal(firn_yaml_read(firn_builder_bytes(&directives), 1 << 20, &arena, &y, &err), FIRN_LIMIT);
  CHECK_SAYS("more than 100 lines begin with %");
}

/* A few of everything: no cut and no flipped bit may crash. */
static const char sample[] =
    "# c\nserver: &s\n  listen: \"127.0.0.1:\\u0038181\"\n  tls: {key: 'a', b: [x, *s2]}\n"
    "s2: &s2 |\n  text\n  more\nlist:\n- &l a\n- *l\n- >\n  folded\n";

static void survives_every_cut_and_every_flip(void **state) {
  (void)state;
  size_t len = sizeof sample - 1;
  for (size_t i = 0; i < len; i++) {
    for (unsigned bit = 0; bit < 9; bit++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      uint8_t *copy = malloc(len);
      assert_non_null(copy);
      memcpy(copy, sample, len);
      copy[i] = (uint8_t)(copy[i] ^ (bit < 8 ? 1u << bit : 0));
      const firn_yaml *y = NULL;
      firn_status status = firn_yaml_read((firn_bytes){copy, bit < 8 ? len : i}, len, &arena, &y, NULL);
      assert_true((status == FIRN_OK) == (y != NULL));
      assert_true(status == FIRN_OK || status == FIRN_CORRUPT || status == FIRN_UNSUPPORTED);
      free(copy);
    }
  }
}

static firn_status read_all(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_yaml *y;
  firn_status status = read_text("a: &x {k: v, l: [1, 2]}\nb: *x\nc: 'q'\nd:\n", &arena, &y, NULL);
  if (status == FIRN_OK) {
    assert_int_equal(y->n, 4);
    status = read_text("", &arena, &y, NULL);
  }
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_all);
}

RUN_TESTS(reads_maps_lists_and_scalars, guesses_no_types, nothing_is_null_and_empty_text_is_not,
          an_alias_is_the_very_node, refuses_with_line_and_column, refuses_what_is_too_long,
          refuses_what_is_too_deep, refuses_a_billion_laughs, refuses_too_many_values,
          refuses_too_many_anchors_and_directives, survives_every_cut_and_every_flip, survives_oom)

#include "events/fetch_key.h"

#include "test.h"

static const char path[] = "cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet";

static firn_status parse(const char *text, const char *warehouse, firn_fetch_key *out) {
  return firn_fetch_key_parse(firn_bytes_of(text), warehouse, out, NULL);
}

static void a_key_is_a_path_and_a_row(void **state) {
  (void)state;
  firn_error err;
  firn_fetch_key key;
  CHECK_OK(firn_fetch_key_parse(FIRN_LITERAL("cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet#42"),
                                NULL, &key, &err));
  CHECK_BYTES(key.path, path);
  assert_false(key.is_legacy);
  assert_int_equal(key.row, 42);
  CHECK_OK(parse("a#9223372036854775807", NULL, &key));
  assert_int_equal(key.row, INT64_MAX);
  CHECK_OK(parse("a#0", NULL, &key));
  assert_int_equal(key.row, 0);
}

static void the_last_hash_splits(void **state) {
  (void)state;
  firn_fetch_key key;
  firn_error err;
  CHECK_OK(firn_fetch_key_parse(FIRN_LITERAL("a/day=#3/b.parquet#7"), NULL, &key, &err));
  CHECK_BYTES(key.path, "a/day=#3/b.parquet");
  assert_int_equal(key.row, 7);
}

static void a_key_without_a_row_is_legacy(void **state) {
  (void)state;
  firn_error err;
  firn_fetch_key key;
  CHECK_OK(firn_fetch_key_parse(
      FIRN_LITERAL("adid:erc721:137:0xbA57:42!2024-05-01T00:00:00Z!dimo.status!0xF2!e-1"), NULL, &key, &err));
  assert_true(key.is_legacy);
  CHECK_BYTES(key.path, "adid:erc721:137:0xbA57:42!2024-05-01T00:00:00Z!dimo.status!0xF2!e-1");
}

static void a_key_may_begin_with_the_warehouse(void **state) {
  (void)state;
  static const struct {
    const char *text, *warehouse;
  } cases[] = {
      {"s3://b/wh/t/f.parquet#1", "s3://b/wh"},
      {"s3://b/wh/t/f.parquet#1", "s3://b/wh/"},
      {"/lake/t/f.parquet#1", "/lake"},
      {"file:///lake/t/f.parquet#1", "/lake/"},
      {"file:/lake/t/f.parquet#1", "file:///lake"},
      {"/lake/t/f.parquet#1", "file:///lake"},
      {"t/f.parquet#1", "s3://b/wh"},
      {"t/f.parquet#1", "/lake"},
      {"/t/f.parquet#1", "/"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    firn_fetch_key key;
    CHECK_STATUS(parse(cases[i].text, cases[i].warehouse, &key), FIRN_OK);
    CHECK_BYTES(key.path, "t/f.parquet");
  }
}

static void hostile_keys_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "#",
      "#1",
      "a#",
      "a#-1",
      "a#+1",
      "a# 1",
      "a#1 ",
      "a#01",
      "a#1.0",
      "a#0x1",
      "a#1e3",
      "a#x",
      "/a#1",
      "//a#1",
      "a//b#1",
      "a/#1",
      "a/./b#1",
      "./a#1",
      "../a#1",
      "a/../b#1",
      "a/..#1",
      "..#1",
      ".#1",
      "..",
      "a/../b",
      "/etc/passwd",
      "s3://other/t#1",
      "file:///etc/passwd",
      "file:///etc/x#1",
      "http://h/t#1",
      "s3://b/whx/t#1",
      "s3://b/wh#1",
      "s3://b/wh/#1",
      "s3://b/wh/../t#1",
      "s3://b/wh//t#1",
      "s3://b/wh/s3://b/wh/t#1",
      "s3://b/wh//etc/passwd#1",
      "a\n#1",
      "a\r\nb",
      "a\x7f#1",
      "a\x1b#1",
      "\xff#1",
      "a\xc0\xaf..#1",
      "a#9223372036854775808",
      "a#99999999999999999999999999999",
      "a#\xd9\xa1",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    firn_fetch_key key = {.row = -7};
    firn_error err;
    firn_status status = firn_fetch_key_parse(firn_bytes_of(texts[i]), "s3://b/wh", &key, &err);
    if (status != FIRN_INVALID) {
      print_error("taken: %s\n", texts[i]);
    }
    assert_int_equal(status, FIRN_INVALID);
    assert_int_equal(key.row, -7); /* outputs are written on success only */
    assert_true(strlen(err.text) > 0);
  }
}

static void zero_bytes_and_long_keys_are_refused(void **state) {
  (void)state;
  firn_fetch_key key;
  CHECK_STATUS(firn_fetch_key_parse((firn_bytes){(const uint8_t *)"a\0b#1", 5}, NULL, &key, NULL),
               FIRN_INVALID);
  uint8_t text[FIRN_FETCH_KEY_MAX + 1];
  memset(text, 'a', sizeof text);
  CHECK_STATUS(firn_fetch_key_parse((firn_bytes){text, sizeof text}, NULL, &key, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_fetch_key_parse((firn_bytes){text, sizeof text - 1}, NULL, &key, NULL), FIRN_OK);
}

/* Whatever is made of a key that is taken, it stays below the warehouse: no part of it is empty, "." or "..",
 * and its text reads back as the same key. */
static void any_key_that_is_taken_stays_inside(void **state) {
  (void)state;
  static const char letters[] = "ab./#0123:\\%";
  size_t n_taken = 0;
  (void)test_ctx();
  for (int i = 0; i < 200000; i++) {
    char text[12];
    size_t len = 1 + test_random() % (sizeof text - 1);
    for (size_t at = 0; at < len; at++) {
      text[at] = letters[test_random() % (sizeof letters - 1)];
    }
    firn_fetch_key key;
    if (firn_fetch_key_parse((firn_bytes){(const uint8_t *)text, len}, "ab", &key, NULL) != FIRN_OK) {
      continue;
    }
    n_taken++;
    char padded[32] = "/";
    memcpy(padded + 1, key.path.data, key.path.len);
    padded[key.path.len + 1] = '/';
    padded[key.path.len + 2] = '\0';
    assert_null(strstr(padded, "//"));
    assert_null(strstr(padded, "/./"));
    assert_null(strstr(padded, "/../"));
    if (!key.is_legacy) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_fetch_key again;
      CHECK_STATUS(parse(firn_fetch_key_text(key.path, key.row, &arena), NULL, &again), FIRN_OK);
      assert_true(firn_bytes_equal(key.path, again.path));
      assert_int_equal(key.row, again.row);
    }
  }
  assert_true(n_taken > 1000);
}

static void a_file_has_a_path_below_its_warehouse(void **state) {
  (void)state;
  firn_error err;
  firn_bytes out = {0};
  CHECK_OK(firn_fetch_key_path("file:///lake/t/f.parquet", "/lake/", &out, &err));
  CHECK_BYTES(out, "t/f.parquet");
  CHECK_OK(firn_fetch_key_path("s3://b/t/f.parquet", "s3://b", &out, &err));
  CHECK_BYTES(out, "t/f.parquet");
  CHECK_STATUS(firn_fetch_key_path("s3://b2/t/f.parquet", "s3://b", &out, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_fetch_key_path("/lakes/t/f.parquet", "/lake", &out, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_fetch_key_path("/lake/../f.parquet", "/lake", &out, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_fetch_key_path("/lake", "/lake", &out, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_fetch_key_path("t/f.parquet", "/lake", &out, NULL), FIRN_INVALID);
}

static firn_status make_text(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  return firn_fetch_key_text(firn_bytes_of(path), 7, &arena) == NULL ? FIRN_NOMEM : FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(make_text);
}

RUN_TESTS(a_key_is_a_path_and_a_row, the_last_hash_splits, a_key_without_a_row_is_legacy,
          a_key_may_begin_with_the_warehouse, hostile_keys_are_refused, zero_bytes_and_long_keys_are_refused,
          any_key_that_is_taken_stays_inside, a_file_has_a_path_below_its_warehouse, survives_oom)

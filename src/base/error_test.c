#include "base/error.h"

#include "base/utf8.h"
#include "test.h"

static firn_status read_block(firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "block %d: wrong marker", 3);
}

static firn_status scan(firn_error *err) {
  firn_status status = read_block(err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "scanning %s", "db.events");
}

static firn_status pass_on(firn_error *err) {
  FIRN_TRY(scan(err));
  return FIRN_OK;
}

static void reads_as_one_sentence(void **state) {
  (void)state;
  firn_error err;
  assert_int_equal(pass_on(&err), FIRN_CORRUPT);
  assert_int_equal(err.status, FIRN_CORRUPT);
  assert_string_equal(err.text, "scanning db.events: block 3: wrong marker");
}

static void nobody_needs_to_listen(void **state) {
  (void)state;
  assert_int_equal(pass_on(NULL), FIRN_CORRUPT);
}

static void long_texts_are_cut_between_characters(void **state) {
  (void)state;
  static char name[600];
  for (size_t shift = 0; shift < 4; shift++) { /* so that the cut meets each byte of a character */
    memset(name, 'x', shift);
    for (size_t i = shift; i + 3 < sizeof name; i += 3) {
      memcpy(name + i, "\xE2\x82\xAC", 3);
    }
    firn_error err;
    (void)firn_error_set(&err, FIRN_INVALID, "%s", name);
    size_t len = strlen(err.text);
    assert_in_range(len, sizeof err.text - 4, sizeof err.text - 1);
    assert_string_equal(err.text + len - 3, "...");
    assert_true(firn_utf8_is_valid(firn_bytes_of(err.text)));
    (void)firn_error_set(&err, FIRN_INVALID, "%s", name);
    (void)firn_error_while(&err, FIRN_INVALID, "reading");
    len = strlen(err.text);
    assert_string_equal(err.text + len - 3, "...");
    assert_memory_equal(err.text, "reading: ", 9);
    assert_true(firn_utf8_is_valid(firn_bytes_of(err.text)));
  }
}

static void statuses_have_names(void **state) {
  (void)state;
  assert_string_equal(firn_status_name(FIRN_OK), "FIRN_OK");
  assert_string_equal(firn_status_name(FIRN_UNCERTAIN), "FIRN_UNCERTAIN");
  assert_string_equal(firn_status_name(FIRN_NOMEM), "FIRN_NOMEM");
  assert_string_equal(firn_status_name((firn_status)99), "FIRN_?");
}

RUN_TESTS(reads_as_one_sentence, nobody_needs_to_listen, long_texts_are_cut_between_characters,
          statuses_have_names)

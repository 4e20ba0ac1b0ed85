#include "base/utf8.h"

#include "test.h"

static void every_code_point_goes_there_and_back(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x10FFFF; c++) {
    if (c == 0xD800) {
      c = 0xE000;
    }
    uint8_t text[4];
    uint32_t back = UINT32_MAX;
    size_t len = firn_utf8_encode(c, text);
    assert_true(firn_utf8_decode(text, text + len, &back) == len && back == c);
    assert_true(len == 1 || firn_utf8_decode(text, text + len - 1, &back) == 0);
  }
}

/* The definition once more, as a table of ranges (Unicode, table 3-7). */
static bool is_character(const uint8_t *b, size_t len) {
  static const uint8_t ranges[][9] = {
      {1, 0x00, 0x7F},
      {2, 0xC2, 0xDF, 0x80, 0xBF},
      {3, 0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF},
      {3, 0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF},
      {3, 0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF},
      {3, 0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF},
      {4, 0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
      {4, 0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
      {4, 0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF},
  };
  for (size_t r = 0; r < FIRN_COUNT_OF(ranges); r++) {
    bool fits = ranges[r][0] == len;
    for (size_t i = 0; i < len && fits; i++) {
      fits = b[i] >= ranges[r][1 + 2 * i] && b[i] <= ranges[r][2 + 2 * i];
    }
    if (fits) {
      return true;
    }
  }
  return false;
}

static void accepts_just_what_the_table_says(void **state) {
  (void)state;
  static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF};
  for (int lead = 0; lead < 256; lead++) {
    for (size_t i = 0; i < 1000; i++) {
      uint8_t b[4] = {(uint8_t)lead, edges[i % 10], edges[i / 10 % 10], edges[i / 100]};
      uint32_t c;
      size_t len = firn_utf8_decode(b, b + 4, &c);
      size_t wanted = 0;
      for (size_t n = 1; n <= 4; n++) {
        wanted = is_character(b, n) ? n : wanted;
      }
      assert_int_equal(len, wanted);
    }
  }
}

static void measures_text(void **state) {
  (void)state;
  firn_bytes text = FIRN_LITERAL("a long line of ASCII, caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  assert_true(firn_utf8_is_valid(text));
  assert_int_equal(firn_utf8_count(text), 30);
  CHECK_BYTES(firn_utf8_prefix(FIRN_LITERAL("\xC3\xA9\xE2\x82\xACz"), 2), "\xC3\xA9\xE2\x82\xAC");
  CHECK_BYTES(firn_utf8_prefix(FIRN_LITERAL("\xC3\xA9z"), 0), "");
  CHECK_BYTES(firn_utf8_prefix(FIRN_LITERAL("\xC3\xA9z"), 9), "\xC3\xA9z");
  assert_int_equal(firn_utf8_valid_len(FIRN_LITERAL("0123456789\xE2\x82")), 10);
  assert_int_equal(firn_utf8_valid_len(FIRN_LITERAL("\xC3\xA9\x80")), 2);
  assert_true(firn_utf8_is_valid((firn_bytes){NULL, 0}));
  assert_int_equal(firn_utf8_count((firn_bytes){NULL, 0}), 0);
}

RUN_TESTS(every_code_point_goes_there_and_back, accepts_just_what_the_table_says, measures_text)

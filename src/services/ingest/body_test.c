#include "services/ingest/body.h"

#include "base/json.h"
#include "test.h"

static firn_status check(firn_event_mode mode, firn_bytes body, size_t max, uint32_t *n, firn_error *err) {
  /* In a block of its own, so that ASan sees every byte beyond it. */
  uint8_t *copy = firn_alloc_raw(body.len + (body.len == 0));
  assert_non_null(copy);
  if (body.len > 0) {
    memcpy(copy, body.data, body.len);
  }
  firn_status status = firn_body_check(mode, (firn_bytes){copy, body.len}, max, n, err);
  firn_free(copy);
  return status;
}

static void has(firn_event_mode mode, const char *body, uint32_t wanted) {
  firn_error err;
  uint32_t n;
  CHECK_OK(check(mode, firn_bytes_of(body), 100, &n, &err));
  assert_int_equal(n, wanted);
}

static void is_refused(firn_event_mode mode, const char *body, firn_status wanted, const char *because) {
  firn_error err;
  uint32_t n;
  CHECK_STATUS(check(mode, firn_bytes_of(body), 10, &n, &err), wanted);
  CHECK_SAYS(because);
}

static void counts_events(void **state) {
  (void)state;
  has(FIRN_EVENT_STRUCTURED, " {} ", 1);
  has(FIRN_EVENT_STRUCTURED, "5", 1);
  has(FIRN_EVENT_BATCHED, "[]", 0);
  has(FIRN_EVENT_BATCHED, " [ 1 , [2,3], {\"a\":[]}, \"x\\\"\" ] ", 4);
  has(FIRN_EVENT_LINES, "", 0);
  has(FIRN_EVENT_LINES, " \r\n\n\t", 0);
  has(FIRN_EVENT_LINES, "1\n2\r\n\n 3", 3);
  has(FIRN_EVENT_LINES, "1\n", 1);
  has(FIRN_EVENT_LINES, "{\nx\n}", 3); /* lines stand alone */
  has(FIRN_EVENT_BINARY, "\xFF", 1);
  has(FIRN_EVENT_BINARY, "", 1);
}

static void says_where_it_is_no_json(void **state) {
  (void)state;
  is_refused(FIRN_EVENT_STRUCTURED, "", FIRN_CORRUPT, "no JSON");
  is_refused(FIRN_EVENT_STRUCTURED, "{}x", FIRN_CORRUPT, "offset 2");
  is_refused(FIRN_EVENT_BATCHED, "{}", FIRN_CORRUPT, "array");
  is_refused(FIRN_EVENT_BATCHED, "[1,]", FIRN_CORRUPT, "offset 3");
  is_refused(FIRN_EVENT_BATCHED, "[1]]", FIRN_CORRUPT, "offset 3");
}

static void names_the_event_that_is_too_large(void **state) {
  (void)state;
  is_refused(FIRN_EVENT_STRUCTURED, "\"123456789\"", FIRN_LIMIT, "event 0 has 11 bytes, and at most 10");
  is_refused(FIRN_EVENT_BATCHED, "[1,\"12345678\",\"123456789\"]", FIRN_LIMIT, "event 2 ");
  is_refused(FIRN_EVENT_BATCHED, "[1,[1,2,3,4,5]]", FIRN_LIMIT, "event 1 ");
  is_refused(FIRN_EVENT_LINES, "\n1\n\"123456789\"  ", FIRN_LIMIT, "event 1 ");
  is_refused(FIRN_EVENT_BINARY, "12345678901", FIRN_LIMIT, "event 0 ");
  uint32_t n;
  CHECK_STATUS(check(FIRN_EVENT_BATCHED, FIRN_LITERAL("[  \"12345678\"  ]"), 10, &n, NULL), FIRN_OK);
}

/* Whatever is done to it: a batch is taken exactly when it is JSON. */
static void takes_what_is_json_and_nothing_else(void **state) {
  (void)state;
  static const char whole[] = "[{\"id\":\"\\u00e9\",\"data\":[1.5e3,-0,null]},true ,\"\xC3\xA9\\n\", {} ]";
  for (size_t len = 0; len < sizeof whole; len++) {
    uint32_t n;
    firn_bytes cut = {(const uint8_t *)whole, len};
    firn_status status = check(FIRN_EVENT_BATCHED, cut, 1000, &n, NULL);
    assert_true((status == FIRN_OK) == (len == sizeof whole - 1));
  }
  for (size_t i = 0; i < sizeof whole - 1; i++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      char copy[sizeof whole];
      uint32_t n;
      memcpy(copy, whole, sizeof whole);
      copy[i] = (char)(copy[i] ^ (1 << bit));
      firn_bytes body = {(const uint8_t *)copy, sizeof whole - 1};
      bool is_good = i > 0 && firn_json_is_valid(body);
      assert_true((check(FIRN_EVENT_BATCHED, body, 1000, &n, NULL) == FIRN_OK) == is_good);
      assert_true((check(FIRN_EVENT_STRUCTURED, body, 1000, &n, NULL) == FIRN_OK) ==
                  firn_json_is_valid(body));
    }
  }
}

static void deep_nesting_is_the_senders_fault(void **state) {
  (void)state;
  firn_error err;
  uint32_t n;
  uint8_t deep[2000];
  memset(deep, '[', sizeof deep);
  CHECK_STATUS(check(FIRN_EVENT_STRUCTURED, (firn_bytes){deep, sizeof deep}, 1 << 20, &n, &err),
               FIRN_CORRUPT);
  CHECK_STATUS(check(FIRN_EVENT_BATCHED, (firn_bytes){deep, sizeof deep}, 1 << 20, &n, &err), FIRN_CORRUPT);
}

RUN_TESTS(counts_events, says_where_it_is_no_json, names_the_event_that_is_too_large,
          takes_what_is_json_and_nothing_else, deep_nesting_is_the_senders_fault)

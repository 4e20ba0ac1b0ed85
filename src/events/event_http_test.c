#include "events/event_http.h"

#include <stdio.h>

#include "base/json.h"
#include "test.h"

enum { MAX_HEADERS = 16 };

static firn_arena arena = FIRN_ARENA_INIT(0);

/* "name: value" texts, the last one NULL. */
static size_t headers_of(const char *const *lines, firn_event_header *out) {
  size_t n = 0;
  for (; lines[n] != NULL; n++) {
    const char *colon = strchr(lines[n], ':');
    out[n].name = (firn_bytes){(const uint8_t *)lines[n], (size_t)(colon - lines[n])};
    out[n].value = firn_bytes_of(colon + 2);
  }
  return n;
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static firn_status mode(const char *const *lines, const char *body, firn_event_mode *out, firn_error *err) {
  firn_event_header h[MAX_HEADERS];
  return firn_event_mode_of(h, headers_of(lines, h), firn_bytes_of(body), out, err);
}

static void is_mode(const char *const *lines, const char *body, firn_event_mode wanted) {
  firn_error err;
  firn_event_mode got;
  CHECK_OK(mode(lines, body, &got, &err));
  assert_int_equal(got, wanted);
}

static void is_no_mode(const char *const *lines, const char *because) {
  firn_error err;
  firn_event_mode got;
  CHECK_STATUS(mode(lines, "{}", &got, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS(because);
}

static void tells_the_mode_of_a_request(void **state) {
  (void)state;
  is_mode(LINES("Content-Type: application/cloudevents+json"), "[", FIRN_EVENT_STRUCTURED);
  is_mode(LINES("content-type: Application/CloudEvents-Batch+JSON ; charset=UTF-8"), "{", FIRN_EVENT_BATCHED);
  is_mode(LINES("Content-Type: application/x-ndjson"), "", FIRN_EVENT_LINES);
  is_mode(LINES("Content-Type: application/json; x=y; charset=\"utf-8\""), " \r\n\t[", FIRN_EVENT_BATCHED);
  is_mode(LINES("Content-Type: application/json"), " {", FIRN_EVENT_STRUCTURED);
  is_mode(LINES("Accept: */*"), "[]", FIRN_EVENT_BATCHED);
  is_mode(LINES("Accept: */*"), "", FIRN_EVENT_STRUCTURED);
  is_mode(LINES("Content-Type: "), "[", FIRN_EVENT_BATCHED);
}

static void any_ce_header_means_binary_unless_the_type_says_event(void **state) {
  (void)state;
  is_mode(LINES("Content-Type: image/png", "CE-Id: 1"), "", FIRN_EVENT_BINARY);
  is_mode(LINES("ce-id: 1"), "[", FIRN_EVENT_BINARY);
  is_mode(LINES("ce-id: 1", "Content-Type: application/json"), "[", FIRN_EVENT_BINARY);
  is_mode(LINES("ce-id: 1", "Content-Type: application/x-ndjson"), "[", FIRN_EVENT_BINARY);
  is_mode(LINES("ce-id: 1", "Content-Type: application/cloudevents+json"), "", FIRN_EVENT_STRUCTURED);
}

static void other_content_types_are_refused(void **state) {
  (void)state;
  is_no_mode(LINES("Content-Type: text/plain"), "text/plain");
  is_no_mode(LINES("Content-Type: application/x-www-form-urlencoded"), "application/cloudevents+json");
  is_no_mode(LINES("Content-Type: application/cloudevents+avro", "ce-id: 1"), "avro");
  is_no_mode(LINES("Content-Type: application/jsonp"), "jsonp");
  is_no_mode(LINES("Content-Type: application/json", "content-type: application/json"), "twice");
  is_no_mode(LINES("Content-Type: application/json; charset=utf-16"), "utf-16");
}

static firn_status read(const char *const *lines, const char *body, firn_event *out, firn_error *err) {
  firn_event_header h[MAX_HEADERS];
  firn_arena_reset(&arena);
  return firn_event_read_binary(h, headers_of(lines, h), firn_bytes_of(body), &arena, out, err);
}

static firn_event event_of(const char *const *lines, const char *body) {
  firn_error err;
  firn_event e;
  CHECK_OK(read(lines, body, &e, &err));
  return e;
}

static void is_no_event(const char *const *lines, const char *because) {
  firn_error err;
  firn_event e;
  CHECK_STATUS(read(lines, "", &e, &err), FIRN_CORRUPT);
  CHECK_SAYS(because);
}

static void reads_every_attribute(void **state) {
  (void)state;
  firn_event e =
      event_of(LINES("Host: x", "ce-id: 7", "ce-source: /car", "ce-producer: p", "CE-SpecVersion: 1.0",
                     "ce-subject: s", "ce-time: 2025-06-15T14:00:00.1234567+02:00", "ce-type: t",
                     "Content-Type: image/png; q=1", "ce-dataversion: v1", "ce-dataschema: http://x",
                     "ce-signature: sig", "ce-tags: [\"a\",\"b\"]", "ce-Trace: 1"),
               "\1\2");
  assert_true(firn_event_is_valid(&e));
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "7");
  CHECK_BYTES(e.texts[FIRN_EVENT_SOURCE], "/car");
  CHECK_BYTES(e.texts[FIRN_EVENT_PRODUCER], "p");
  CHECK_BYTES(e.texts[FIRN_EVENT_SPECVERSION], "1.0");
  CHECK_BYTES(e.texts[FIRN_EVENT_SUBJECT], "s");
  CHECK_BYTES(e.texts[FIRN_EVENT_TYPE], "t");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATA_CONTENT_TYPE], "image/png; q=1");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATA_VERSION], "v1");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATASCHEMA], "http://x");
  CHECK_BYTES(e.texts[FIRN_EVENT_SIGNATURE], "sig");
  assert_int_equal(e.time_us, INT64_C(1749988800123456));
  assert_int_equal(e.n_tags, 2);
  CHECK_BYTES(e.tags[1], "b");
  CHECK_BYTES(e.extras, "{\"trace\":\"1\"}");
  assert_true(e.has_data);
  CHECK_BYTES(e.data, "\1\2");
}

static void values_are_unquoted_and_decoded_once(void **state) {
  (void)state;
  firn_event e = event_of(LINES("ce-id: a%20b%E2%82%AC", "ce-source: \"q \\\"x\\\" \\\\ %41\"",
                                "ce-subject: 100%", "ce-type: %2525%zz%4", "ce-signature: \"", "ce-x: \"\""),
                          "");
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "a b\xE2\x82\xAC");
  CHECK_BYTES(e.texts[FIRN_EVENT_SOURCE], "q \"x\" \\ A");
  CHECK_BYTES(e.texts[FIRN_EVENT_SUBJECT], "100%");
  CHECK_BYTES(e.texts[FIRN_EVENT_TYPE], "%25%zz%4");
  CHECK_BYTES(e.texts[FIRN_EVENT_SIGNATURE], "\"");
  CHECK_BYTES(e.extras, "{\"x\":\"\"}");
}

static void without_body_and_type_there_is_no_data(void **state) {
  (void)state;
  firn_event e = event_of(LINES("ce-id: 1"), "");
  assert_false(e.has_data);
  e = event_of(LINES("ce-id: 1", "Content-Type: text/plain"), "");
  assert_true(e.has_data);
  assert_int_equal(e.data.len, 0);
  e = event_of(LINES("ce-id: 1"), "x");
  assert_true(e.has_data);
  assert_null(e.texts[FIRN_EVENT_DATA_CONTENT_TYPE].data);
}

static void what_has_the_wrong_form_goes_to_extras(void **state) {
  (void)state;
  firn_event e = event_of(LINES("ce-time: yesterday", "ce-tags: a,b", "ce-q: \"\\\"\""), "");
  assert_false(e.has_time);
  assert_false(e.has_tags);
  CHECK_BYTES(e.extras, "{\"time\":\"yesterday\",\"tags\":\"a,b\",\"q\":\"\\\"\"}");
  e = event_of(LINES("ce-tags: [\"a\",1]"), "");
  assert_false(e.has_tags);
  CHECK_BYTES(e.extras, "{\"tags\":\"[\\\"a\\\",1]\"}");
  e = event_of(LINES("ce-tags: []"), "");
  assert_true(e.has_tags);
  assert_int_equal(e.n_tags, 0);
}

static void an_empty_text_is_there_all_the_same(void **state) {
  (void)state;
  firn_event e = event_of(LINES("ce-id: "), "");
  assert_non_null(e.texts[FIRN_EVENT_ID].data);
  assert_int_equal(e.texts[FIRN_EVENT_ID].len, 0);
  assert_null(e.texts[FIRN_EVENT_SOURCE].data);
}

static void what_breaks_the_rules_is_no_event(void **state) {
  (void)state;
  is_no_event(LINES("ce-id: 1", "CE-ID: 1"), "\"id\" is given twice");
  is_no_event(LINES("ce-time: x", "ce-time: 2025-06-15T14:00:00Z"), "\"time\" is given twice");
  is_no_event(LINES("ce-other: 1", "ce-OTHER: 2"), "\"other\" is given twice");
  is_no_event(LINES("ce-datacontenttype: a/b", "Content-Type: a/b"), "\"datacontenttype\" is given twice");
  is_no_event(LINES("Content-Type: a/b", "Content-Type: a/b"), "twice");
  is_no_event(LINES("ce-: 1"), "without a name");
  is_no_event(LINES("ce-data: 1"), "the body is the data");
  is_no_event(LINES("ce-data_base64: 1"), "the body is the data");
  is_no_event(LINES("ce-id: \xFF"), "no UTF-8");
  is_no_event(LINES("ce-id: %ff"), "no UTF-8");
  is_no_event(LINES("ce-id: %ED%A0%80"), "no UTF-8");
  is_no_event(LINES("ce-\xC3: 1"), "no UTF-8");
  is_no_event(LINES("Content-Type: \xFF"), "no UTF-8");
}

static void ten_thousand_headers_are_refused_soon(void **state) {
  (void)state;
  enum { N = 10000 };
  static firn_event_header many[N];
  static char names[N][16];
  firn_error err;
  firn_event e;
  firn_arena_reset(&arena);
  for (size_t i = 0; i < N; i++) {
    int len = snprintf(names[i], sizeof names[i], "ce-x%zu", i);
    many[i] = (firn_event_header){{(const uint8_t *)names[i], (size_t)len}, FIRN_LITERAL("v")};
  }
  CHECK_STATUS(firn_event_read_binary(many, N, FIRN_LITERAL(""), &arena, &e, &err), FIRN_CORRUPT);
  CHECK_SAYS("more than 1024");
  CHECK_OK(firn_event_read_binary(many, 1024, FIRN_LITERAL(""), &arena, &e, &err));
  assert_true(firn_json_is_valid(e.extras));
}

/* Every byte in names and values, in blocks of their own so that ASan sees the ends. */
static void no_header_reads_beyond_its_end(void **state) {
  (void)state;
  for (int round = 0; round < 20000; round++) {
    firn_event_header h[4];
    uint8_t *owned[8];
    size_t n = test_random() % 4;
    for (size_t i = 0; i < 2 * n; i++) {
      static const uint8_t often[] = "%\"\\ce-[]4aF ";
      size_t len = test_random() % 12;
      owned[i] = firn_alloc_raw(len + 3);
      assert_non_null(owned[i]);
      size_t from = i % 2 == 0 ? 3 : 0;
      memcpy(owned[i], "ce-", from);
      for (size_t j = 0; j < len; j++) {
        owned[i][from + j] =
            test_random() % 2 ? often[test_random() % (sizeof often - 1)] : (uint8_t)test_random();
      }
      owned[i] = firn_realloc(owned[i], from + len + (from + len == 0));
      firn_bytes text = {owned[i], from + len};
      *(i % 2 == 0 ? &h[i / 2].name : &h[i / 2].value) = text;
    }
    firn_event e;
    firn_event_mode m;
    firn_arena_reset(&arena);
    (void)!firn_event_mode_of(h, n, FIRN_LITERAL("{"), &m, NULL); /* any answer will do */
    if (firn_event_read_binary(h, n, FIRN_LITERAL(""), &arena, &e, NULL) == FIRN_OK) {
      assert_true(firn_json_is_valid(e.extras));
    }
    for (size_t i = 0; i < 2 * n; i++) {
      firn_free(owned[i]);
    }
  }
}

static firn_status read_some(void) {
  FIRN_AUTO_ARENA own = FIRN_ARENA_INIT(0);
  firn_event_header h[MAX_HEADERS];
  firn_event e;
  size_t n = headers_of(LINES("ce-id: %41", "ce-tags: [\"a\\n\"]", "ce-x: 1", "ce-y: \"z\""), h);
  return firn_event_read_binary(h, n, FIRN_LITERAL("x"), &own, &e, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_some);
  firn_arena_free(&arena); /* the last test: ASan looks for leaks */
}

RUN_TESTS(tells_the_mode_of_a_request, any_ce_header_means_binary_unless_the_type_says_event,
          other_content_types_are_refused, reads_every_attribute, values_are_unquoted_and_decoded_once,
          without_body_and_type_there_is_no_data, what_has_the_wrong_form_goes_to_extras,
          an_empty_text_is_there_all_the_same, what_breaks_the_rules_is_no_event,
          ten_thousand_headers_are_refused_soon, no_header_reads_beyond_its_end, survives_oom)

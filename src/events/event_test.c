#include "events/event.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/builder.h"
#include "test.h"

static const char *const whole =
    "{\"id\":\"7\",\"source\":\"/car\",\"producer\":\"p\",\"specversion\":\"1.0\",\"subject\":\"s\","
    "\"time\":\"2025-06-15T14:00:00.1234567+02:00\",\"type\":\"status\",\"datacontenttype\":\"application/"
    "json\","
    "\"dataversion\":\"v1\",\"dataschema\":\"http://x\",\"signature\":\"sig\",\"tags\":[\"a\",\"b\\n\"],"
    "\"trace\":{\"x\": 1},\"data\":{\"speed\" : 1.50}}";

static firn_arena arena = FIRN_ARENA_INIT(0);

static firn_event read(const char *json) {
  firn_error err;
  firn_event e;
  firn_arena_reset(&arena);
  CHECK_OK(firn_event_read(firn_bytes_of(json), &arena, &e, &err));
  return e;
}

static void is_no_event(const char *json, const char *because) {
  firn_error err;
  firn_event e;
  firn_arena_reset(&arena);
  CHECK_STATUS(firn_event_read(firn_bytes_of(json), &arena, &e, &err), FIRN_CORRUPT);
  CHECK_SAYS(because);
}

static void reads_every_attribute(void **state) {
  (void)state;
  firn_event e = read(whole);
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "7");
  CHECK_BYTES(e.texts[FIRN_EVENT_SOURCE], "/car");
  CHECK_BYTES(e.texts[FIRN_EVENT_PRODUCER], "p");
  CHECK_BYTES(e.texts[FIRN_EVENT_SPECVERSION], "1.0");
  CHECK_BYTES(e.texts[FIRN_EVENT_SUBJECT], "s");
  CHECK_BYTES(e.texts[FIRN_EVENT_TYPE], "status");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATA_CONTENT_TYPE], "application/json");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATA_VERSION], "v1");
  CHECK_BYTES(e.texts[FIRN_EVENT_DATASCHEMA], "http://x");
  CHECK_BYTES(e.texts[FIRN_EVENT_SIGNATURE], "sig");
  assert_true(e.has_time);
  assert_int_equal(e.time_us, INT64_C(1749988800123456));
  assert_int_equal(e.n_tags, 2);
  CHECK_BYTES(e.tags[1], "b\n");
  CHECK_BYTES(e.extras, "{\"trace\":{\"x\": 1}}");
  CHECK_BYTES(e.data, "{\"speed\" : 1.50}");
  assert_true(firn_event_is_valid(&e));
}

static void an_event_that_lacks_something_is_partial(void **state) {
  (void)state;
  static const char *const names[] = {"id", "source", "type", "specversion", "subject", "time"};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    char *json = strdup(whole);
    char quoted[32];
    (void)snprintf(quoted, sizeof quoted, "\"%s\":", names[i]);
    strstr(json, quoted)[1] = 'X'; /* now it is another attribute */
    firn_event e = read(json);
    assert_false(firn_event_is_valid(&e));
    free(json);
  }
  firn_event empty = read("{}");
  assert_false(firn_event_is_valid(&empty));
  CHECK_BYTES(empty.extras, "{}");
  assert_false(empty.has_data);
}

static void a_wrong_type_leaves_the_column_null_and_goes_to_extras(void **state) {
  (void)state;
  firn_event e =
      read("{\"id\":7,\"tags\":[\"a\",1],\"time\":\"2025-06-15T14:00:00\",\"subject\":{\"a\":[]}}");
  assert_null(e.texts[FIRN_EVENT_ID].data);
  assert_false(e.has_tags);
  assert_false(e.has_time);
  CHECK_BYTES(e.extras,
              "{\"id\":7,\"tags\":[\"a\",1],\"time\":\"2025-06-15T14:00:00\",\"subject\":{\"a\":[]}}");
  e = read("{\"time\":\"9999-99-15T14:00:00Z\",\"big\":123456789012345678901234567890}");
  assert_false(e.has_time);
  CHECK_BYTES(e.extras, "{\"time\":\"9999-99-15T14:00:00Z\",\"big\":123456789012345678901234567890}");
}

static void null_means_not_set(void **state) {
  (void)state;
  firn_event e = read("{\"id\":null,\"other\":null,\"tags\":null,\"data\":null}");
  assert_null(e.texts[FIRN_EVENT_ID].data);
  assert_false(e.has_tags);
  CHECK_BYTES(e.extras, "{}");
  CHECK_BYTES(e.data, "null");
}

static void an_empty_text_is_kept_and_not_valid(void **state) {
  (void)state;
  firn_event e = read("{\"id\":\"\"}");
  assert_non_null(e.texts[FIRN_EVENT_ID].data);
  assert_int_equal(e.texts[FIRN_EVENT_ID].len, 0);
  assert_false(firn_event_is_valid(&e));
}

static void data_is_kept_byte_for_byte(void **state) {
  (void)state;
  CHECK_BYTES(read("{\"data\": [ 1 , 2.0 ]  }").data, "[ 1 , 2.0 ]");
  CHECK_BYTES(read("{\"data\":\"a\\u0041\"}").data, "\"a\\u0041\"");
  CHECK_BYTES(read("{\"datacontenttype\":\"text/plain\",\"data\":\"a\\u0041\"}").data, "aA");
  CHECK_BYTES(read("{\"data\":\"<a/>\",\"datacontenttype\":\"application/xml\"}").data, "<a/>");
  CHECK_BYTES(read("{\"datacontenttype\":\"text/plain\",\"data\":{\"a\":1}}").data, "{\"a\":1}");
  CHECK_BYTES(read("{\"data_base64\":\"Zm9vYg==\"}").data, "foob");
  CHECK_BYTES(read("{\"data\":{\"a\":1,\"a\":2}}").data, "{\"a\":1,\"a\":2}");
}

static void base64_that_is_none_goes_to_extras(void **state) {
  (void)state;
  firn_event e = read("{\"data_base64\":\"Zm9v!\"}");
  assert_false(e.has_data);
  CHECK_BYTES(e.extras, "{\"data_base64\":\"Zm9v!\"}");
  CHECK_BYTES(read("{\"data_base64\":5}").extras, "{\"data_base64\":5}");
}

static void what_is_no_event_says_why(void **state) {
  (void)state;
  is_no_event("[]", "must be a JSON object");
  is_no_event("7", "must be a JSON object");
  is_no_event("", "");
  is_no_event("{\"id\":\"a\",\"id\":\"b\"}", "\"id\" is given twice");
  is_no_event("{\"id\":\"a\",\"\\u0069d\":\"b\"}", "\"id\" is given twice");
  is_no_event("{\"id\":5,\"id\":5}", "\"id\" is given twice");
  is_no_event("{\"x\":1,\"y\":2,\"x\":3}", "\"x\" is given twice");
  is_no_event("{\"data\":1,\"data_base64\":\"\"}", "both given");
  is_no_event("{\"id\":\"a\"} {", "offset");
  is_no_event("{\"id\":\"\xff\"}", "");
}

static void refuses_every_cut(void **state) {
  (void)state;
  for (size_t len = 0; len < strlen(whole); len++) {
    firn_event e;
    firn_arena_reset(&arena);
    uint8_t *copy = malloc(len + 1); /* of its own, so that ASan sees what is read beyond */
    memcpy(copy, whole, len);
    uint8_t *exact = realloc(copy, len == 0 ? 1 : len);
    CHECK_STATUS(firn_event_read((firn_bytes){exact, len}, &arena, &e, NULL), FIRN_CORRUPT);
    free(exact);
  }
}

static void many_attributes_are_bounded(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "{\"a\":1");
  for (int i = 0; i < 2000; i++) {
    firn_builder_addf(&b, ",\"a%d\":1", i);
  }
  firn_builder_add_text(&b, "}");
  firn_event e;
  firn_arena_reset(&arena);
  CHECK_STATUS(firn_event_read(firn_builder_bytes(&b), &arena, &e, NULL), FIRN_CORRUPT);
}

/* Tags of three bytes each once took thirty times their size of memory. */
static void too_many_tags_stay_raw(void **state) {
  (void)state;
  for (size_t n = 1 << 16; n <= (1 << 16) + 1; n++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_builder_add_text(&b, "{\"tags\":[\"\"");
    for (size_t i = 1; i < n; i++) {
      firn_builder_add_text(&b, ",\"\"");
    }
    firn_builder_add_text(&b, "]}");
    firn_error err;
    firn_event e;
    firn_arena_reset(&arena);
    CHECK_OK(firn_event_read(firn_builder_bytes(&b), &arena, &e, &err));
    assert_int_equal(e.has_tags, n == 1 << 16);
    assert_int_equal(e.n_tags, e.has_tags ? n : 0);
    assert_int_equal(e.extras.len, e.has_tags ? 2 : b.len);
  }
}

static void knows_json_content_types(void **state) {
  (void)state;
  static const char *const json[] = {"", "application/json", "text/JSON; charset=utf-8",
                                     "application/x+json ;a=b"};
  static const char *const other[] = {"text/plain", "application/jsonl", "json", "image/png"};
  for (size_t i = 0; i < FIRN_COUNT_OF(json); i++) {
    assert_true(firn_content_type_is_json(firn_bytes_of(json[i])));
    assert_false(firn_content_type_is_json(firn_bytes_of(other[i])));
  }
}

static firn_status read_whole(void) {
  FIRN_AUTO_ARENA own = FIRN_ARENA_INIT(0);
  firn_event e;
  return firn_event_read(firn_bytes_of(whole), &own, &e, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_whole);
  firn_arena_free(&arena);
}

RUN_TESTS(reads_every_attribute, an_event_that_lacks_something_is_partial,
          a_wrong_type_leaves_the_column_null_and_goes_to_extras, null_means_not_set,
          an_empty_text_is_kept_and_not_valid, data_is_kept_byte_for_byte, base64_that_is_none_goes_to_extras,
          what_is_no_event_says_why, refuses_every_cut, many_attributes_are_bounded, too_many_tags_stay_raw,
          knows_json_content_types, survives_oom)

#include "base/json_tree.h"
#include "events/event_http.h"
#include "test.h"

static firn_status write_event(const firn_event *e, bool with_data, firn_arena *arena, firn_bytes *out,
                               firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_event_write_json(e, with_data, &w);
  return firn_builder_finish_copy(&b, arena, out, err);
}

/* Reads `json`, writes it, and wants `wanted`. */
static void check_written(const char *json, bool with_data, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_event e;
  firn_bytes out;
  CHECK_OK(firn_event_read(firn_bytes_of(json), &arena, &e, &err));
  CHECK_OK(write_event(&e, with_data, &arena, &out, &err));
  CHECK_BYTES(out, wanted);
}

static void an_event_is_written_in_the_json_format(void **state) {
  (void)state;
  check_written(
      "{\"type\":\"t\",\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"subject\":\"x\",\"time\":"
      "\"2025-06-15T14:00:00.5+02:00\",\"data\": {\"a\" : 1} ,\"tags\":[\"u\",\"v\\n\"],\"own\":[1, 2],"
      "\"producer\":\"p\",\"dataversion\":\"v1\",\"dataschema\":\"urn:x\",\"signature\":\"0xab\"}",
      true,
      "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"x\","
      "\"dataschema\":\"urn:x\",\"dataversion\":\"v1\",\"producer\":\"p\",\"signature\":\"0xab\",\"time\":"
      "\"2025-06-15T12:00:00.500000Z\",\"tags\":[\"u\",\"v\\n\"],\"own\":[1, 2],\"data\":{\"a\" : 1}}");
}

static void data_is_left_out_of_headers(void **state) {
  (void)state;
  check_written("{\"id\":\"1\",\"data\":1}", false, "{\"id\":\"1\"}");
  check_written("{\"id\":\"1\",\"data_base64\":\"AQ==\"}", false, "{\"id\":\"1\"}");
  check_written("{\"id\":\"1\",\"data_base64\":\"no base64\",\"x\":1}", false, "{\"id\":\"1\",\"x\":1}");
  check_written("{\"id\":\"1\",\"data_base64\":\"no base64\",\"x\":1}", true,
                "{\"id\":\"1\",\"x\":1,\"data_base64\":\"no base64\"}");
}

static void data_is_json_text_or_base64(void **state) {
  (void)state;
  static const struct {
    const char *type; /* NULL: none */
    const char *data;
    size_t len;
    const char *wanted;
  } cases[] = {
      {NULL, "[1]", 3, "{\"data\":[1]}"},
      {NULL, "\"text\"", 6, "{\"data\":\"text\"}"},
      {NULL, "null", 4, "{\"data\":null}"},
      {NULL, "no json", 7, "{\"data_base64\":\"bm8ganNvbg==\"}"},
      {NULL, "", 0, "{\"data_base64\":\"\"}"},
      {NULL, "\"\\ud800\"", 8, "{\"data_base64\":\"Ilx1ZDgwMCI=\"}"},
      {"application/json", "{", 1, "{\"datacontenttype\":\"application/json\",\"data_base64\":\"ew==\"}"},
      {"a/b+json; x=y", "1", 1, "{\"datacontenttype\":\"a/b+json; x=y\",\"data\":1}"},
      {"text/plain", "1\"\n", 3, "{\"datacontenttype\":\"text/plain\",\"data\":\"1\\\"\\n\"}"},
      {"TEXT/xml", "", 0, "{\"datacontenttype\":\"TEXT/xml\",\"data\":\"\"}"},
      {"text/plain", "\xff", 1, "{\"datacontenttype\":\"text/plain\",\"data_base64\":\"/w==\"}"},
      {"image/png", "1", 1, "{\"datacontenttype\":\"image/png\",\"data_base64\":\"MQ==\"}"},
      {"text", "1", 1, "{\"datacontenttype\":\"text\",\"data_base64\":\"MQ==\"}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_bytes out;
    firn_event e = {.has_data = true, .data = {(const uint8_t *)cases[i].data, cases[i].len}};
    e.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = firn_bytes_of(cases[i].type);
    CHECK_OK(write_event(&e, true, &arena, &out, &err));
    CHECK_BYTES(out, cases[i].wanted);
  }
}

/* As deep as the reader goes, it would be too deep inside an event. */
static void very_deep_json_is_base64(void **state) {
  (void)state;
  for (size_t depth = 480; depth <= 512; depth += 8) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    char text[1025];
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    firn_event e = {.has_data = true, .data = {(const uint8_t *)text, 2 * depth}};
    firn_event again;
    firn_bytes out;
    CHECK_OK(write_event(&e, true, &arena, &out, &err));
    assert_int_equal(out.data[6] == '_', depth > 496); /* {"data_base64" */
    CHECK_OK(firn_event_read(out, &arena, &again, &err));
    assert_true(firn_bytes_equal(again.data, e.data));
  }
  firn_event flat = {.has_data = true, .data = FIRN_LITERAL("[")};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "[0");
  for (int i = 0; i < 1000; i++) {
    firn_builder_add_text(&b, ",[]");
  }
  firn_builder_add_text(&b, "]");
  flat.data = firn_builder_bytes(&b);
  firn_bytes out;
  firn_error err;
  CHECK_OK(write_event(&flat, true, &arena, &out, &err));
  assert_true(firn_bytes_has_prefix(out, FIRN_LITERAL("{\"data\":[0,")));
}

/* Only files of others can have such extras. */
static void foreign_extras_lose_nothing_and_double_nothing(void **state) {
  (void)state;
  static const struct {
    const char *extras, *wanted;
  } cases[] = {
      {"{\"id\":\"other\",\"dataschema\":\"urn:x\",\"tags\":[\"a\"],\"raweventid\":\"r\"}",
       "{\"id\":\"1\",\"dataschema\":\"urn:x\",\"tags\":[\"a\"],\"raweventid\":\"r\"}"},
      {" {\"i\\u0064\":2 , \"x\" : null } ", "{\"id\":\"1\",\"x\":null}"},
      {"[1]", "{\"id\":\"1\",\"extras\":\"[1]\"}"},
      {"{\"a\":", "{\"id\":\"1\",\"extras\":\"{\\\"a\\\":\"}"},
      {"", "{\"id\":\"1\"}"},
      {"{}", "{\"id\":\"1\"}"},
      {"{ }", "{\"id\":\"1\"}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_bytes out;
    firn_event e = {.extras = firn_bytes_of(cases[i].extras)};
    e.texts[FIRN_EVENT_ID] = FIRN_LITERAL("1");
    CHECK_OK(write_event(&e, true, &arena, &out, &err));
    CHECK_BYTES(out, cases[i].wanted);
  }
}

/* ---- what is written reads back as the same event ---- */

static firn_bytes random_text(firn_arena *arena, size_t longest) {
  static const char *const pieces[] = {"a",
                                       "B",
                                       "0",
                                       "\"",
                                       "\\",
                                       "/",
                                       "\n",
                                       "\t",
                                       "\x01",
                                       " ",
                                       "%",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       ":",
                                       "{",
                                       "]",
                                       ",",
                                       "\x7f",
                                       "'"};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes out;
  for (size_t n = test_random() % (longest + 1); n > 0; n--) {
    firn_builder_add_text(&b, pieces[test_random() % (sizeof pieces / sizeof pieces[0])]);
  }
  assert_int_equal(firn_builder_finish_copy(&b, arena, &out, NULL), FIRN_OK);
  return out;
}

static firn_bytes random_json(firn_arena *arena, unsigned depth) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_bytes out;
  size_t n = test_random() % 4;
  switch (test_random() % (depth == 0 ? 4 : 6)) {
    case 0:
      firn_json_write_int64(&w, (int64_t)test_random());
      break;
    case 1:
      firn_json_write_bytes(&w, random_text(arena, 8));
      break;
    case 2:
      firn_json_write_bool(&w, test_random() % 2 == 0);
      break;
    case 3:
      firn_json_write_raw(&w, FIRN_LITERAL("1.50e+2"));
      break;
    case 4:
      firn_json_begin_array(&w);
      for (; n > 0; n--) {
        firn_json_write_raw(&w, random_json(arena, depth - 1));
      }
      firn_json_end_array(&w);
      break;
    default:
      w.indent = (unsigned)(test_random() % 3);
      firn_json_begin_object(&w);
      for (; n > 0; n--) {
        firn_json_key_bytes(&w, random_text(arena, 3));
        firn_json_write_raw(&w, random_json(arena, depth - 1));
      }
      firn_json_end_object(&w);
      break;
  }
  assert_int_equal(firn_builder_finish_copy(&b, arena, &out, NULL), FIRN_OK);
  return out;
}

static firn_bytes random_bytes(firn_arena *arena) {
  uint8_t bytes[64];
  size_t len = test_random() % sizeof bytes;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)test_random();
  }
  return firn_arena_copy(arena, (firn_bytes){bytes, len});
}

static void random_data(firn_event *e, firn_arena *arena) {
  static const char *const types[] = {"application/json",        "text/plain", "text/json", "image/png",
                                      "application/x+json; a=b", "",           "no type"};
  if (test_random() % 4 != 0) {
    e->texts[FIRN_EVENT_DATA_CONTENT_TYPE] = firn_bytes_of(types[test_random() % 7]);
  }
  e->has_data = test_random() % 8 != 0;
  if (e->has_data) {
    uint64_t kind = test_random() % 3;
    e->data = kind == 0 ? random_bytes(arena) : kind == 1 ? random_text(arena, 20) : random_json(arena, 3);
  }
}

static firn_event random_event(firn_arena *arena) {
  firn_event e = {0};
  for (size_t i = 0; i < FIRN_EVENT_N_TEXTS; i++) {
    if (test_random() % 4 != 0 && i != FIRN_EVENT_DATA_CONTENT_TYPE) {
      e.texts[i] = random_text(arena, 12);
    }
  }
  e.has_time = test_random() % 8 != 0;
  e.time_us = e.has_time ? (int64_t)(test_random() % 250000000000000000) - 62135596800000000 : 0;
  e.has_tags = test_random() % 2 == 0;
  if (e.has_tags) {
    e.n_tags = test_random() % 4;
    firn_bytes *tags = firn_new_n(arena, firn_bytes, 4);
    for (size_t i = 0; i < e.n_tags; i++) {
      tags[i] = random_text(arena, 6);
    }
    e.tags = tags;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  for (size_t i = 0, n = test_random() % 3; i < n; i++) {
    char key[8] = "own";
    key[3] = (char)('a' + i);
    firn_json_key(&w, key);
    firn_json_write_raw(&w, random_json(arena, 2));
  }
  if (!e.has_time && test_random() % 2 == 0) {
    firn_json_add_text(&w, "time", "yesterday");
  }
  firn_json_end_object(&w);
  assert_int_equal(firn_builder_finish_copy(&b, arena, &e.extras, NULL), FIRN_OK);
  random_data(&e, arena);
  return e;
}

static firn_bytes trimmed(firn_bytes text) {
  while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4) != NULL) {
    text = firn_bytes_part(text, 1, text.len);
  }
  while (text.len > 0 && memchr(" \t\r\n", text.data[text.len - 1], 4) != NULL) {
    text.len--;
  }
  return text;
}

static void check_same(const firn_event *a, const firn_event *b) {
  for (size_t i = 0; i < FIRN_EVENT_N_TEXTS; i++) {
    assert_int_equal(a->texts[i].data == NULL, b->texts[i].data == NULL);
    assert_true(firn_bytes_equal(a->texts[i], b->texts[i]));
  }
  assert_int_equal(a->has_time, b->has_time);
  assert_int_equal(a->has_time ? a->time_us : 0, b->has_time ? b->time_us : 0);
  assert_int_equal(a->has_tags, b->has_tags);
  assert_int_equal(a->n_tags, b->n_tags);
  for (size_t i = 0; i < a->n_tags; i++) {
    assert_true(firn_bytes_equal(a->tags[i], b->tags[i]));
  }
  assert_true(firn_bytes_equal(a->extras, b->extras));
  assert_int_equal(a->has_data, b->has_data);
  bool is_json =
      firn_content_type_is_json(a->texts[FIRN_EVENT_DATA_CONTENT_TYPE]) && firn_json_is_valid(a->data);
  assert_true(firn_bytes_equal(is_json ? trimmed(a->data) : a->data, b->data));
}

static void what_is_written_reads_back_the_same(void **state) {
  (void)state;
  (void)test_ctx();
  for (int i = 0; i < 3000; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_event e = random_event(&arena);
    firn_event again;
    firn_bytes out;
    CHECK_OK(write_event(&e, true, &arena, &out, &err));
    CHECK_OK(firn_event_read(out, &arena, &again, &err));
    check_same(&e, &again);
    e.has_data = false;
    e.data = (firn_bytes){0};
    CHECK_OK(write_event(&e, false, &arena, &out, &err));
    CHECK_OK(firn_event_read(out, &arena, &again, &err));
    check_same(&e, &again);
  }
}

/* ---- headers ---- */

static firn_bytes find_header(const firn_event_header *headers, size_t n, const char *name) {
  firn_bytes found = {0};
  for (size_t i = 0; i < n; i++) {
    if (firn_bytes_is(headers[i].name, name)) {
      assert_null(found.data); /* no header twice */
      found = headers[i].value;
    }
  }
  return found;
}

static void an_event_has_its_headers(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_event e;
  firn_event_header *h = NULL;
  size_t n = 0;
  CHECK_OK(firn_event_read(
      FIRN_LITERAL("{\"specversion\":\"1.0\",\"id\":\"1 "
                   "\\\"%\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"Euro \xe2\x82\xac\","
                   "\"time\":\"2025-06-15T12:00:00Z\",\"datacontenttype\":\"text/plain; "
                   "charset=utf-8\",\"data\":\"x\","
                   "\"tags\":[\"a\",\"b "
                   "c\"],\"num\":-1.5e3,\"yes\":true,\"obj\":{},\"list\":[],\"Upper\":\"u\",\"with-dash\":"
                   "\"d\",\"x\":\"y\\r\\nset-cookie: z\"}"),
      &arena, &e, &err));
  CHECK_OK(firn_event_write_headers(&e, &arena, &h, &n, &err));
  CHECK_BYTES(h[0].name, "content-type");
  CHECK_BYTES(h[0].value, "text/plain; charset=utf-8");
  CHECK_BYTES(find_header(h, n, "ce-specversion"), "1.0");
  CHECK_BYTES(find_header(h, n, "ce-id"), "1%20%22%25");
  CHECK_BYTES(find_header(h, n, "ce-source"), "/s");
  CHECK_BYTES(find_header(h, n, "ce-type"), "t");
  CHECK_BYTES(find_header(h, n, "ce-subject"), "Euro%20%E2%82%AC"); /* the binding's own example */
  CHECK_BYTES(find_header(h, n, "ce-time"), "2025-06-15T12:00:00.000000Z");
  CHECK_BYTES(find_header(h, n, "ce-tags"), "[%22a%22,%22b%20c%22]");
  CHECK_BYTES(find_header(h, n, "ce-num"), "-1.5e3");
  CHECK_BYTES(find_header(h, n, "ce-yes"), "true");
  CHECK_BYTES(find_header(h, n, "ce-x"), "y%0D%0Aset-cookie:%20z");
  assert_int_equal(n, 11);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(h[i].value.data[h[i].value.len], 0);
  }
}

static void content_types_that_are_no_header_become_bytes(void **state) {
  (void)state;
  static const struct {
    const char *type, *wanted;
  } cases[] = {
      {"image/png", "image/png"},
      {"a/b;c=d", "a/b;c=d"},
      {"a/b ; c=\"d e\"", "a/b ; c=\"d e\""},
      {"text/html\r\nset-cookie: x", "application/octet-stream"},
      {"a/b; c=\n", "application/octet-stream"},
      {"a/b; \xc3\xa9", "application/octet-stream"},
      {"a", "application/octet-stream"},
      {"/", "application/octet-stream"},
      {"a/", "application/octet-stream"},
      {"/b", "application/octet-stream"},
      {"a/b/c", "application/octet-stream"},
      {"a b/c", "application/octet-stream"},
      {" a/b", "application/octet-stream"},
      {"a/b,c/d", "application/octet-stream"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    firn_event e = {.has_data = true, .data = FIRN_LITERAL("1")};
    e.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = firn_bytes_of(cases[i].type);
    CHECK_BYTES(firn_event_content_type(&e), cases[i].wanted);
  }
  firn_event none = {.has_data = true, .data = FIRN_LITERAL("{}")};
  CHECK_BYTES(firn_event_content_type(&none), "application/json");
  none.data = FIRN_LITERAL("{");
  CHECK_BYTES(firn_event_content_type(&none), "application/octet-stream");
}

/* Whatever an event says, each header is one line of printable ASCII. */
static void no_header_can_be_broken_out_of(void **state) {
  (void)state;
  (void)test_ctx();
  for (int i = 0; i < 1000; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_event e = random_event(&arena);
    e.texts[FIRN_EVENT_SUBJECT] = random_bytes(&arena);
    e.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = i % 2 == 0 ? random_bytes(&arena) : random_text(&arena, 5);
    firn_event_header *h = NULL;
    size_t n = 0;
    CHECK_OK(firn_event_write_headers(&e, &arena, &h, &n, &err));
    for (size_t k = 0; k < n; k++) {
      for (size_t at = 0; at < h[k].value.len; at++) {
        assert_in_range(h[k].value.data[at], 0x20 + (k > 0), 0x7e);
      }
      for (size_t at = 0; at < h[k].name.len; at++) {
        uint8_t c = h[k].name.data[at];
        assert_true((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
      }
    }
  }
}

static void headers_that_no_client_takes_are_left_out(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_builder_add_text(&b, "{");
  for (int i = 0; i < 100; i++) {
    firn_builder_addf(&b, "\"x%d\":\"%0*d\",", i, i == 0 ? 9000 : 10, 0);
  }
  firn_builder_add_text(&b, "\"last\":1}");
  firn_event e = {.extras = firn_builder_bytes(&b)};
  e.texts[FIRN_EVENT_ID] = FIRN_LITERAL("1");
  firn_event_header *h = NULL;
  size_t n = 0;
  CHECK_OK(firn_event_write_headers(&e, &arena, &h, &n, &err));
  assert_int_equal(n, 64);
  assert_null(find_header(h, n, "ce-x0").data);
  CHECK_BYTES(find_header(h, n, "ce-x1"), "0000000000");
  firn_bytes tags[1] = {{0}};
  tags[0] = firn_arena_copy(&arena, firn_bytes_part(firn_builder_bytes(&b), 0, 9000));
  firn_event tagged = {.has_tags = true, .n_tags = 1, .tags = tags};
  CHECK_OK(firn_event_write_headers(&tagged, &arena, &h, &n, &err));
  assert_int_equal(n, 1);
}

static firn_status write_both(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_event e;
  firn_bytes json;
  firn_event_header *h;
  size_t n;
  FIRN_TRY(firn_event_read(
      FIRN_LITERAL(
          "{\"id\":\"1\",\"tags\":[\"a\"],\"x\\u0079\":\"\\n\",\"datacontenttype\":\"a/b\",\"data\":\"c\"}"),
      &arena, &e, &err));
  FIRN_TRY(write_event(&e, true, &arena, &json, &err));
  return firn_event_write_headers(&e, &arena, &h, &n, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_both);
}

RUN_TESTS(an_event_is_written_in_the_json_format, data_is_left_out_of_headers, data_is_json_text_or_base64,
          very_deep_json_is_base64, foreign_extras_lose_nothing_and_double_nothing,
          what_is_written_reads_back_the_same, an_event_has_its_headers,
          content_types_that_are_no_header_become_bytes, no_header_can_be_broken_out_of,
          headers_that_no_client_takes_are_left_out, survives_oom)

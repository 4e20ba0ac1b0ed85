/* Fetch over HTTP, by real sockets: an archive in memory, an index in a file. */
#include "services/fetch/fetch.h"

#include <pthread.h>

#include "base/json_tree.h"
#include "events/event_http.h"
#include "http.h"
#include "services/common/router.h"
#include "services/fetch/fetch_internal.h"
#include "test_archive.h"

enum { N = 40 };

#define ONE "cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet"
#define ONE_URL "cloudevent%2Fvalid/year=2025/month=06/day=15/batch-1.parquet"
#define GONE "cloudevent/valid/year=2025/month=06/day=15/batch-0.parquet"

typedef struct world {
  firn_env env;
  firn_ctx ctx;
  firn_stores *stores;
  firn_store *memory;
  firn_index *index;
  firn_fetch *fetch;
  firn_health *health;
  firn_router *router;
  firn_http_server *server;
  firn_route_set sets[1];
  uint16_t port;
  firn_arena arena;
  firn_event events[N];
  firn_bytes large[2];
} world;

/* What the indexer would make of an event. */
static firn_index_row row_of(const firn_event *e, int64_t row, firn_arena *arena) {
  firn_builder b = FIRN_BUILDER_INIT(0);
  firn_event rest = {.has_tags = e->has_tags, .n_tags = e->n_tags, .tags = e->tags, .extras = e->extras};
  rest.texts[FIRN_EVENT_SIGNATURE] = e->texts[FIRN_EVENT_SIGNATURE];
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_event_write_json(&rest, false, &w);
  firn_index_row r = {.subject = e->texts[FIRN_EVENT_SUBJECT],
                      .has_time = e->has_time,
                      .time_us = e->time_us,
                      .type = e->texts[FIRN_EVENT_TYPE],
                      .id = e->texts[FIRN_EVENT_ID],
                      .source = e->texts[FIRN_EVENT_SOURCE],
                      .producer = e->texts[FIRN_EVENT_PRODUCER],
                      .data_content_type = e->texts[FIRN_EVENT_DATA_CONTENT_TYPE],
                      .row = row};
  assert_int_equal(firn_builder_finish_copy(&b, arena, &r.extras, NULL), FIRN_OK);
  firn_builder_free(&b);
  return r;
}

static void load_index(world *w) {
  firn_error err;
  FIRN_AUTO_INDEX_LOAD *load = NULL;
  CHECK_OK(firn_index_load_begin(w->index, &w->ctx, &load, &err));
  CHECK_OK(firn_index_load_file(load, &w->ctx, "cloudevent.valid", GONE, &err));
  CHECK_OK(firn_index_load_gone(load, &w->ctx, GONE, &err));
  CHECK_OK(firn_index_load_file(load, &w->ctx, "cloudevent.valid", ONE, &err));
  for (size_t i = 0; i < N; i++) {
    firn_index_row row = row_of(&w->events[i], (int64_t)i, &w->arena);
    CHECK_OK(firn_index_load_row(load, &w->ctx, &row, &err));
  }
  CHECK_OK(firn_index_load_commit(load, &w->ctx, &err));
}

static void make_events(world *w) {
  for (size_t i = 0; i < N; i++) {
    w->events[i] = test_archive_event(i, 20, &w->arena);
  }
  firn_event *odd = &w->events[1];
  odd->texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("text/html\r\nset-cookie: stolen=1");
  odd->texts[FIRN_EVENT_SUBJECT] = FIRN_LITERAL("a\r\nb \xe2\x82\xac");
  odd->data = FIRN_LITERAL("<script>\r\n\0\xff");
  w->events[2].texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("text/html");
  w->events[3].texts[FIRN_EVENT_SUBJECT] = FIRN_LITERAL("did:erc721:137:0xbA57:42");
  w->events[4].texts[FIRN_EVENT_SUBJECT] = FIRN_LITERAL("did:erc721:137:0xbA57:42");
}

/* Payloads that are too large to be treated like others: one in a file that is not compressed,
 * one in a file that is. */
enum { LARGE = 3 << 20 };
#define RAW "cloudevent/valid/year=2025/month=06/day=16/raw.parquet"
#define PACKED "cloudevent/valid/year=2025/month=06/day=16/packed.parquet"

static void put_large(world *w) {
  firn_error err;
  firn_event e[3];
  uint8_t *noise = firn_arena_alloc_bytes(&w->arena, LARGE);
  char *text = firn_arena_printf(&w->arena, "\"%*s\"", LARGE, "");
  for (size_t i = 0; i < LARGE; i++) {
    noise[i] = (uint8_t)test_random();
  }
  for (size_t i = 0; i < 3; i++) {
    e[i] = test_archive_event(i, 20, &w->arena);
  }
  e[1].texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("video/mp4");
  e[1].data = (firn_bytes){noise, LARGE};
  const test_archive_options raw = {.has_codec = true, .codec = FIRN_CODEC_NONE};
  CHECK_OK(test_archive_put(w->memory, &w->ctx, "wh/" RAW, e, 3, &raw, &err));
  w->large[0] = e[1].data;
  e[1].texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("application/json");
  e[1].data = firn_bytes_of(text);
  CHECK_OK(test_archive_put(w->memory, &w->ctx, "wh/" PACKED, e, 3, &(test_archive_options){0}, &err));
  w->large[1] = e[1].data;
}

static void start(world *w) {
  firn_error err;
  char index[512];
  *w = (world){.env = firn_env_system};
  w->ctx = (firn_ctx)FIRN_CTX_INIT(&w->env);
  CHECK_OK(firn_stores_open(&w->env, &w->stores, &err));
  CHECK_OK(firn_memory_store_open(0, &w->memory, &err));
  CHECK_OK(firn_stores_add(w->stores, "memory", "lake", w->memory, &err));
  make_events(w);
  CHECK_OK(test_archive_put(w->memory, &w->ctx, "wh/" ONE, w->events, N, &(test_archive_options){0}, &err));
  CHECK_OK(firn_store_put(w->memory, &w->ctx, "wh/broken.parquet", FIRN_LITERAL("PAR1 broken PAR1"),
                          FIRN_PUT_ALWAYS, NULL, &err));
  put_large(w);
  (void)snprintf(index, sizeof index, "%s/index.db", test_folder());
  CHECK_OK(firn_sqlite_index_open(index, &w->ctx, &w->index, &err));
  load_index(w);
  firn_fetch_options fetch = {.stores = w->stores,
                              .warehouse = "memory://lake/wh",
                              .index = w->index,
                              .subject_format = "did:erc721:137:0xbA57:%s"};
  CHECK_OK(firn_fetch_open(&fetch, &w->ctx, &w->fetch, &err));
  w->sets[0] = firn_fetch_routes(w->fetch);
  CHECK_OK(firn_health_open(&w->health, &err));
  CHECK_OK(firn_router_open(w->sets, 1, NULL, w->health, &w->ctx, &w->router, &err));
  firn_http_server_options options = {
      .address = "127.0.0.1", .n_workers = 2, .handler = firn_router_handler(w->router)};
  CHECK_OK(firn_http_server_open(&options, &w->ctx, &w->server, &err));
  w->port = firn_http_server_port(w->server);
}

static void stop(world *w) {
  firn_http_server_close(w->server);
  firn_router_close(w->router);
  firn_health_close(w->health);
  firn_fetch_close(w->fetch);
  firn_index_close(w->index);
  firn_stores_take_out(w->stores, w->memory);
  firn_stores_close(w->stores);
  firn_store_close(w->memory);
  firn_arena_free(&w->arena);
}

static http_answer ask(world *w, const char *method, const char *target, const char *more, const char *body) {
  char request[8192];
  (void)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n%s",
                 method, target, more, strlen(body), body);
  return http_ask(w->port, request);
}

static http_answer get(world *w, const char *target) {
  return ask(w, "GET", target, "", "");
}

#define CHECK_HEADER(a, name, value) check_header(&(a), name, value, __LINE__)
static void check_header(const http_answer *a, const char *name, const char *wanted, int line) {
  const char *got = http_header(a, name);
  if (got == NULL || strcmp(got, wanted) != 0) {
    print_error("line %d: %s: %s\n", line, name, got == NULL ? "(none)" : got);
  }
  assert_non_null(got);
  assert_string_equal(got, wanted);
}

static void check_body(const http_answer *a, firn_bytes wanted) {
  assert_true(a->is_whole);
  assert_int_equal(a->body_len, wanted.len);
  assert_memory_equal(a->body, wanted.data, wanted.len);
}

static void a_payload_answers_as_itself(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = get(&w, "/v1/events/fetch?key=" ONE_URL "%235");
  assert_int_equal(a.code, 200);
  check_body(&a, w.events[5].data);
  CHECK_HEADER(a, "Content-Type", "application/json");
  CHECK_HEADER(a, "ce-id", "2-5");
  CHECK_HEADER(a, "ce-type", "odd");
  CHECK_HEADER(a, "ce-specversion", "1.0");
  CHECK_HEADER(a, "ce-time", "2025-06-15T15:06:40.005000Z");
  CHECK_HEADER(a, "ce-tags", "[%22tag2%22]");
  CHECK_HEADER(a, "Firn-Key", ONE "#5");
  CHECK_HEADER(a, "ETag", "\"" ONE "#5\"");
  CHECK_HEADER(a, "X-Content-Type-Options", "nosniff");
  a = ask(&w, "HEAD", "/v1/events/fetch?key=" ONE_URL "%235", "", "");
  assert_int_equal(a.code, 200);
  CHECK_HEADER(a, "ce-id", "2-5");
  a = get(&w, "/v1/events/fetch?key=" ONE_URL "%236"); /* it has no data */
  assert_int_equal(a.code, 204);
  CHECK_HEADER(a, "ce-id", "2-6");
  stop(&w);
}

static void hostile_headers_stay_in_their_lines(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = get(&w, "/v1/events/fetch?key=" ONE_URL "%231");
  assert_int_equal(a.code, 200);
  check_body(&a, w.events[1].data);
  CHECK_HEADER(a, "Content-Type", "application/octet-stream");
  CHECK_HEADER(a, "ce-subject", "a%0D%0Ab%20%E2%82%AC");
  assert_null(http_header(&a, "set-cookie"));
  a = get(&w, "/v1/events/fetch?key=" ONE_URL "%232");
  CHECK_HEADER(a, "Content-Type", "text/html");
  CHECK_HEADER(a, "Content-Security-Policy", "default-src 'none'; sandbox");
  stop(&w);
}

static void an_event_answers_as_json_where_that_is_asked_for(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = ask(&w, "GET", "/v1/events/fetch?key=" ONE_URL "%231",
                      "Accept: text/plain;q=0.5, Application/CloudEvents+JSON\r\n", "");
  assert_int_equal(a.code, 200);
  CHECK_HEADER(a, "Content-Type", "application/cloudevents+json; charset=utf-8");
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_event e;
  CHECK_OK(firn_event_read((firn_bytes){(const uint8_t *)a.body, a.body_len}, &arena, &e, &err));
  assert_true(firn_bytes_equal(e.data, w.events[1].data));
  assert_true(firn_bytes_equal(e.texts[FIRN_EVENT_SUBJECT], w.events[1].texts[FIRN_EVENT_SUBJECT]));
  a = ask(&w, "GET", "/v1/events/fetch?key=" ONE_URL "%235",
          "Accept: application/cloudevents+json;q=0, */*\r\n", "");
  CHECK_HEADER(a, "Content-Type", "application/json");
  stop(&w);
}

static void what_the_client_has_is_not_sent_again(void **state) {
  (void)state;
  world w;
  start(&w);
  static const char target[] = "/v1/events/fetch?key=" ONE_URL "%235";
  http_answer a = ask(&w, "GET", target, "If-None-Match: \"x\", W/\"" ONE "#5\"\r\n", "");
  assert_int_equal(a.code, 304);
  assert_int_equal(a.body_len, 0);
  CHECK_HEADER(a, "ETag", "\"" ONE "#5\"");
  assert_int_equal(ask(&w, "GET", target, "If-None-Match: *\r\n", "").code, 304);
  assert_int_equal(ask(&w, "GET", target, "If-None-Match: \"" ONE "#4\"\r\n", "").code, 200);
  /* The same bytes are not the same answer in another form. */
  a = ask(&w, "GET", target, "Accept: application/cloudevents+json\r\nIf-None-Match: \"" ONE "#5\"\r\n", "");
  assert_int_equal(a.code, 200);
  CHECK_HEADER(a, "ETag", "\"" ONE "#5;event\"");
  /* What is not there is not there, whatever the client says that it has. */
  assert_int_equal(ask(&w, "GET", "/v1/events/fetch?key=no.parquet%231", "If-None-Match: *\r\n", "").code,
                   404);
  stop(&w);
}

static void failures_say_what_they_are(void **state) {
  (void)state;
  world w;
  start(&w);
  static const struct {
    const char *target;
    int code;
    const char *says;
  } cases[] = {
      {"/v1/events/fetch?key=" ONE_URL "%2340", 404, "there is no event of the key"},
      {"/v1/events/fetch?key=no.parquet%230", 404, "there is no event of the key no.parquet#0"},
      {"/v1/events/fetch?key=" GONE "%230", 410, "rewritten or removed"},
      {"/v1/events/fetch?key=broken.parquet%230", 500, "broken.parquet"},
      {"/v1/events/fetch?key=a/../b%230", 400, "..\\\""},
      {"/v1/events/fetch?key=%2Fetc%2Fpasswd%230", 400, "relative to the warehouse"},
      {"/v1/events/fetch?key=file:%2F%2F%2Fetc%2Fpasswd%230", 400, "relative to the warehouse"},
      {"/v1/events/fetch?key=a%00b%230", 400, "percent-encoding"},
      {"/v1/events/fetch?key=a%01b%230", 400, "control character"},
      {"/v1/events/fetch?key=a%23-1", 400, "row"},
      {"/v1/events/fetch?key=a%2399999999999999999999", 400, "row"},
      {"/v1/events/fetch?key=", 400, "key"},
      {"/v1/events/fetch?key=legacy", 404, "legacy"},
      {"/v1/events/fetch", 400, "the parameter key is missing"},
      {"/v1/events/fetch?key=a%230&key=b%230", 400, "once"},
      {"/v1/events/fetch?key=a%230&x=1", 400, "one parameter"},
      {"/v1/events?subjct=x", 400, "did you mean subject?"},
      {"/v1/events?zzzzzz=x", 400, "there is no parameter"},
      {"/v1/events?subject=", 400, "subject is empty"},
      {"/v1/events?subject=a&subject=b", 400, "given twice"},
      {"/v1/events?after=yesterday", 400, "2025-06-15T12:00:00Z"},
      {"/v1/events?limit=0", 400, "1 to 10000"},
      {"/v1/events?limit=10001", 400, "1 to 10000"},
      {"/v1/events?limit=-1", 400, "1 to 10000"},
      {"/v1/events?limit=1001&data=true", 400, "1000"},
      {"/v1/events?order=up", 400, "asc or desc"},
      {"/v1/events?data=1", 400, "true or false"},
      {"/v1/events?cursor=nonsense", 400, "cursor"},
      {"/v1/events/latest?limit=1", 400, "there is no parameter"},
      {"/v1/events/latest?subject=nobody", 404, "no event matches"},
      {"/v1/vehicle/objects/x", 400, "number"},
      {"/v1/vehicle/objects/-1", 400, "number"},
      {"/v1/vehicle/objects/1?subject=x", 400, "in the path"},
      {"/v1/vehicle/objects/1?limit=1001", 400, "1000"},
      {"/v1/vehicle/latest-object/7", 404, "no event matches"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    http_answer a = get(&w, cases[i].target);
    if (a.code != cases[i].code || strstr(a.body, cases[i].says) == NULL) {
      print_error("%s: %d %s\n", cases[i].target, a.code, a.body);
    }
    assert_int_equal(a.code, cases[i].code);
    assert_non_null(strstr(a.body, cases[i].says));
    assert_non_null(strstr(a.body, "{\"error\":{\"message\":"));
  }
  stop(&w);
}

/* "key" of number `i` of a list of events. */
static bool has_key(const http_answer *a, int row) {
  char key[256];
  (void)snprintf(key, sizeof key, "{\"key\":\"" ONE "#%d\"", row);
  return strstr(a->body, key) != NULL;
}

static void a_search_finds_headers_and_data(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = get(&w, "/v1/events?subject=0-20");
  assert_int_equal(a.code, 200);
  assert_string_equal(a.body,
                      "{\"events\":[{\"key\":\"" ONE
                      "#20\",\"event\":{\"specversion\":\"1.0\",\"id\":\"2-20\","
                      "\"source\":\"/source\",\"type\":\"even\",\"subject\":\"0-20\",\"datacontenttype\":"
                      "\"application/json\",\"producer\":\"4-20\",\"signature\":\"9-20\",\"time\":"
                      "\"2025-06-15T15:06:40.020000Z\"}}],\"cursor\":null}");
  a = get(&w, "/v1/events?subject=0-21&data=true");
  assert_non_null(strstr(a.body, "\"tags\":[\"tag0\"],\"n\":21,\"data\":{\"i\":21,\"fill\":"));
  a = get(&w, "/v1/events?type=odd&limit=3&order=asc");
  assert_true(has_key(&a, 1) && has_key(&a, 3) && has_key(&a, 5) && !has_key(&a, 7) && !has_key(&a, 2));
  a = get(&w, "/v1/events?tag=tag0&tag=tag1&source=/source&limit=100");
  assert_true(has_key(&a, 1) && has_key(&a, 3) && !has_key(&a, 5));
  a = get(&w, "/v1/events?after=2025-06-15T15:06:40.010Z&before=2025-06-15T17:06:40.013%2B02:00");
  assert_true(has_key(&a, 11) && has_key(&a, 12) && !has_key(&a, 10) && !has_key(&a, 13));
  a = get(&w, "/v1/events?subject=nobody");
  assert_string_equal(a.body, "{\"events\":[],\"cursor\":null}");
  stop(&w);
}

static void a_cursor_goes_through_all_of_them_once(void **state) {
  (void)state;
  world w;
  start(&w);
  int seen[N] = {0};
  char target[1024] = "/v1/events?limit=7";
  for (int page = 0; page < 10; page++) {
    http_answer a = get(&w, target);
    assert_int_equal(a.code, 200);
    for (int i = 0; i < N; i++) {
      seen[i] += has_key(&a, i);
    }
    const char *cursor = strstr(a.body, "\"cursor\":\"");
    if (cursor == NULL) {
      break;
    }
    (void)snprintf(target, sizeof target, "/v1/events?limit=7&cursor=%.*s", (int)strcspn(cursor + 10, "\""),
                   cursor + 10);
  }
  for (int i = 0; i < N; i++) {
    assert_int_equal(seen[i], 1);
  }
  stop(&w);
}

static void the_latest_is_one_payload(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = get(&w, "/v1/events/latest?type=even");
  assert_int_equal(a.code, 200);
  CHECK_HEADER(a, "ce-id", "2-38");
  check_body(&a, w.events[38].data);
  a = ask(&w, "GET", "/v1/events/latest?type=even", "Accept: application/cloudevents+json\r\n", "");
  assert_non_null(strstr(a.body, "\"id\":\"2-38\""));
  stop(&w);
}

static void many_keys_are_answered_in_order(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a =
      ask(&w, "POST", "/v1/events/fetch", "Content-Type: application/json\r\n",
          "{\"keys\":[\"" ONE "#9\",\"../x#1\",\"" ONE "#3\",\"" GONE "#1\",\"no#1\",\"" ONE "#9\"]}");
  assert_int_equal(a.code, 200);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_json_value *json = NULL;
  const firn_json_value *list = NULL;
  CHECK_OK(firn_json_tree_read((firn_bytes){(const uint8_t *)a.body, a.body_len}, &arena, &json, &err));
  CHECK_OK(firn_json_need_array(json, "events", &list, &err));
  static const int codes[] = {0, 400, 0, 410, 404, 0};
  static const char *const ids[] = {"2-9", NULL, "2-3", NULL, NULL, "2-9"};
  assert_int_equal(list->n_items, FIRN_COUNT_OF(codes));
  for (size_t i = 0; i < FIRN_COUNT_OF(codes); i++) {
    const firn_json_value *event = firn_json_get(&list->items[i], "event");
    assert_int_equal(event == NULL, ids[i] == NULL);
    if (event != NULL) {
      CHECK_BYTES(firn_json_get(event, "id")->text, ids[i]);
      assert_non_null(firn_json_get(event, "data"));
    } else {
      int64_t code = 0;
      CHECK_OK(firn_json_need_int64(firn_json_get(&list->items[i], "error"), "code", &code, &err));
      assert_int_equal(code, codes[i]);
    }
  }
  a = ask(&w, "POST", "/v1/events/fetch", "", "{\"data\":false,\"keys\":[\"" ONE "#9\"]}");
  assert_null(strstr(a.body, "\"data\""));
  assert_int_equal(ask(&w, "POST", "/v1/events/fetch", "", "{\"keys\":[]}").code, 200);
  stop(&w);
}

static void bodies_that_are_no_keys_are_refused(void **state) {
  (void)state;
  world w;
  start(&w);
  static const char *const bodies[] = {"",
                                       "[]",
                                       "{}",
                                       "{\"keys\":1}",
                                       "{\"keys\":[1]}",
                                       "{\"keys\":[\"a#1\"",
                                       "{\"key\":[\"a#1\"]}",
                                       "{\"keys\":[],\"keys\":[]}",
                                       "{\"keys\":[],\"data\":1}",
                                       "{\"keys\":null}"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bodies); i++) {
    assert_int_equal(ask(&w, "POST", "/v1/events/fetch", "", bodies[i]).code, 400);
  }
  assert_int_equal(ask(&w, "POST", "/v1/events/fetch?key=1", "", "{\"keys\":[]}").code, 400);
  FIRN_AUTO_BUILDER many = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&many, "{\"keys\":[\"\"");
  for (size_t i = 0; i < 1001; i++) {
    firn_builder_add_text(&many, ",\"a\"");
  }
  firn_builder_add(&many, FIRN_LITERAL("]}\0"));
  http_answer a = ask(&w, "POST", "/v1/events/fetch", "", (const char *)many.data);
  assert_int_equal(a.code, 400);
  assert_non_null(strstr(a.body, "1000 are the most"));
  stop(&w);
}

static void the_old_paths_answer_in_their_old_shapes(void **state) {
  (void)state;
  world w;
  start(&w);
  http_answer a = get(&w, "/v1/vehicle/latest-index-key/42");
  assert_int_equal(a.code, 200);
  assert_non_null(strstr(a.body, "{\"specversion\":\"1.0\",\"id\":\"2-4\""));
  assert_non_null(strstr(a.body, "\"data\":{\"key\":\"" ONE "#4\"}}"));
  a = get(&w, "/v1/vehicle/index-keys/42?limit=5&after=2025-06-15T00:00:00Z");
  assert_int_equal(a.body[0], '[');
  assert_non_null(strstr(a.body, "\"data\":{\"key\":\"" ONE "#4\"}},{"));
  assert_non_null(strstr(a.body, "\"data\":{\"key\":\"" ONE "#3\"}}]"));
  a = get(&w, "/v1/vehicle/latest-object/42?type=odd");
  assert_non_null(strstr(a.body, "{\"specversion\":\"1.0\",\"id\":\"2-3\""));
  assert_non_null(strstr(a.body, "\"data\":{\"i\":3,"));
  a = ask(&w, "POST", "/v1/vehicle/objects/42", "", "");
  assert_int_equal(a.code, 200);
  assert_non_null(strstr(a.body, "\"data\":{\"i\":4,"));
  assert_non_null(strstr(a.body, "\"data\":{\"i\":3,"));
  a = get(&w, "/v1/vehicle/objects/7");
  assert_string_equal(a.body, "[]");
  stop(&w);
}

/* Reads a large body off the wire and compares all of it. */
static void check_large(world *w, const char *target, firn_bytes wanted) {
  char request[1024];
  (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", target);
  int fd = http_connect(w->port);
  assert_true(http_say(fd, request));
  uint8_t *got = firn_alloc(LARGE + 4096);
  size_t len = 0;
  const uint8_t *body = NULL;
  while (body == NULL || len - (size_t)(body - got) < wanted.len) {
    ssize_t n = http_is_readable(fd, 10000) ? recv(fd, got + len, LARGE + 4096 - len, 0) : -1;
    assert_true(n > 0);
    len += (size_t)n;
    for (size_t i = 0; body == NULL && i + 4 <= len; i++) {
      body = memcmp(got + i, "\r\n\r\n", 4) == 0 ? got + i + 4 : NULL;
    }
    assert_int_equal(memcmp(got, "HTTP/1.1 200", 12), 0);
  }
  assert_int_equal(len - (size_t)(body - got), wanted.len);
  assert_memory_equal(body, wanted.data, wanted.len);
  (void)close(fd);
  firn_free(got);
}

static void large_payloads_are_streamed_or_held(void **state) {
  (void)state;
  world w;
  start(&w);
  for (int round = 0; round < 2; round++) {
    check_large(&w, "/v1/events/fetch?key=" RAW "%231", w.large[0]);
    check_large(&w, "/v1/events/fetch?key=" PACKED "%231", w.large[1]);
  }
  http_answer a = get(&w, "/v1/events/fetch?key=" RAW "%231");
  CHECK_HEADER(a, "Content-Type", "video/mp4");
  CHECK_HEADER(a, "ce-id", "2-1");
  CHECK_HEADER(a, "ETag", "\"" RAW "#1\"");
  a = ask(&w, "HEAD", "/v1/events/fetch?key=" RAW "%231", "", "");
  CHECK_HEADER(a, "Content-Length", "3145728");
  a = ask(&w, "GET", "/v1/events/fetch?key=" RAW "%231", "If-None-Match: *\r\n", "");
  assert_int_equal(a.code, 304);
  a = ask(&w, "GET", "/v1/events/fetch?key=" RAW "%231", "Accept: application/cloudevents+json\r\n", "");
  assert_int_equal(a.code, 200);
  assert_true(a.is_whole && a.body_len > LARGE * 4 / 3);
  /* Beside others there is no room for it. */
  a = ask(&w, "POST", "/v1/events/fetch", "", "{\"keys\":[\"" RAW "#1\",\"" RAW "#0\",\"" PACKED "#1\"]}");
  assert_int_equal(a.code, 200);
  assert_non_null(strstr(a.body, "fetch it by its key alone"));
  assert_non_null(strstr(a.body, "\"id\":\"2-0\""));
  assert_int_equal(atomic_load(&w.fetch->held_bytes), 0);
  stop(&w);
}

/* Answers share a budget: what it does not hold is told to come again, or that it never will. */
static void answers_are_held_within_a_budget(void **state) {
  (void)state;
  world w;
  start(&w);
  w.fetch->options.answer_bytes = 8 << 20;
  assert_true(firn_fetch_reserve(w.fetch, 7 << 20));
  http_answer a = get(&w, "/v1/events/fetch?key=" PACKED "%231");
  assert_int_equal(a.code, 429);
  assert_non_null(http_header(&a, "Retry-After"));
  check_large(&w, "/v1/events/fetch?key=" RAW "%231", w.large[0]); /* takes none of it */
  firn_fetch_release(w.fetch, 7 << 20);
  check_large(&w, "/v1/events/fetch?key=" PACKED "%231", w.large[1]);
  w.fetch->options.answer_bytes = 4 << 20;
  a = get(&w, "/v1/events/fetch?key=" PACKED "%231");
  assert_int_equal(a.code, 413);
  assert_non_null(strstr(a.body, "cannot be streamed"));
  w.fetch->options.answer_bytes = 10;
  assert_int_equal(get(&w, "/v1/events/fetch?key=" ONE_URL "%235").code, 429);
  assert_int_equal(get(&w, "/v1/events?subject=0-21&data=true").code, 429);
  assert_int_equal(get(&w, "/v1/events?subject=0-21").code, 200);
  assert_int_equal(atomic_load(&w.fetch->held_bytes), 0);
  stop(&w);
}

typedef struct asker {
  world *w;
  size_t seed, n_wrong;
} asker;

static void *ask_for_many(void *arg) {
  asker *me = arg;
  for (size_t i = 0; i < 12; i++) {
    size_t row = (me->seed * 7 + i * 11) % N;
    char target[256];
    (void)snprintf(target, sizeof target, "/v1/events/fetch?key=%s%%23%zu", ONE_URL, row);
    http_answer *a = firn_alloc(sizeof *a);
    *a = get(me->w, target);
    firn_bytes wanted = me->w->events[row].data;
    bool is_right = a->code == (me->w->events[row].has_data ? 200 : 204) && a->body_len == wanted.len &&
                    (wanted.len == 0 || memcmp(a->body, wanted.data, wanted.len) == 0);
    me->n_wrong += is_right ? 0 : 1;
    if (i % 4 == 0) {
      *a = get(me->w, "/v1/events?type=odd&data=true&limit=5");
      me->n_wrong += a->code == 200 ? 0 : 1;
    }
    firn_free(a);
  }
  return NULL;
}

static void clients_at_once_get_their_own(void **state) {
  (void)state;
  world w;
  pthread_t threads[6];
  asker askers[6];
  start(&w);
  for (size_t i = 0; i < FIRN_COUNT_OF(threads); i++) {
    askers[i] = (asker){.w = &w, .seed = i};
    assert_int_equal(pthread_create(&threads[i], NULL, ask_for_many, &askers[i]), 0);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(threads); i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(askers[i].n_wrong, 0);
  }
  assert_int_equal(atomic_load(&w.fetch->held_bytes), 0);
  stop(&w);
}

RUN_TESTS(clients_at_once_get_their_own, large_payloads_are_streamed_or_held,
          answers_are_held_within_a_budget, a_payload_answers_as_itself, hostile_headers_stay_in_their_lines,
          an_event_answers_as_json_where_that_is_asked_for, what_the_client_has_is_not_sent_again,
          failures_say_what_they_are, a_search_finds_headers_and_data, a_cursor_goes_through_all_of_them_once,
          the_latest_is_one_payload, many_keys_are_answered_in_order, bodies_that_are_no_keys_are_refused,
          the_old_paths_answer_in_their_old_shapes)

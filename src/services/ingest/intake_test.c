/* Requests over real HTTP; the intake is stepped by the test's own thread. */
#include "services/ingest/intake.h"

#include <pthread.h>

#include "failing_files.h"
#include "http.h"

typedef struct fixture {
  failing_files files;
  char folder[600];
  firn_metrics *metrics;
  firn_journal *journal;
  firn_intake_options options;
  firn_intake *intake;
  firn_health *health;
  firn_router *router;
  firn_http_server *server;
  uint16_t port;
} fixture;

static firn_ctx *ctx_of(fixture *f) {
  return &f->files.ctx;
}

static void open_intake(fixture *f, uint64_t segment_bytes) {
  firn_error err;
  firn_journal_options o = {.folder = f->folder, .kind = "events", .segment_bytes = segment_bytes};
  CHECK_OK(firn_journal_open(&o, ctx_of(f), &f->journal, &err));
  f->options.journal = f->journal;
  CHECK_OK(firn_intake_open(&f->options, ctx_of(f), &f->intake, &err));
}

static void open_server(fixture *f) {
  firn_error err;
  static firn_route_set set; /* outlives the router */
  set = firn_intake_routes(f->intake);
  CHECK_OK(firn_router_open(&set, 1, NULL, f->health, ctx_of(f), &f->router, &err));
  firn_http_server_options options = {
      .address = "127.0.0.1", .n_workers = 4, .handler = firn_router_handler(f->router)};
  CHECK_OK(firn_http_server_open(&options, ctx_of(f), &f->server, &err));
  f->port = firn_http_server_port(f->server);
}

static void start_with(fixture *f, const firn_intake_options *options, uint64_t segment_bytes) {
  static const firn_metric_set *const sets[] = {&firn_intake_metrics};
  firn_error err;
  *f = (fixture){.options = *options};
  failing_files_init(&f->files, test_ctx());
  f->files.skips_sync = true;
  CHECK_OK(firn_metrics_open(sets, 1, &f->metrics, &err));
  f->files.env.metrics = f->metrics;
  (void)snprintf(f->folder, sizeof f->folder, "%s/events", test_folder());
  CHECK_OK(firn_health_open(&f->health, &err));
  open_intake(f, segment_bytes);
  open_server(f);
}

static void start(fixture *f) {
  start_with(f, &(firn_intake_options){.max_event_bytes = 1000}, 0);
}

static void close_all(fixture *f) {
  firn_intake_stop(f->intake);
  firn_http_server_close(f->server);
  firn_router_close(f->router);
  firn_intake_close(f->intake);
  firn_journal_close(f->journal);
}

static void stop(fixture *f) {
  close_all(f);
  firn_health_close(f->health);
  firn_metrics_close(f->metrics);
}

/* As after a crash: what was synced is there. */
static void reopen(fixture *f) {
  close_all(f);
  open_intake(f, 0);
  open_server(f);
}

static firn_status step(fixture *f, int64_t *wait_us, firn_error *err) {
  return firn_intake_service.step(f->intake, ctx_of(f), false, wait_us, err);
}

static void step_well(fixture *f) {
  firn_error err;
  int64_t wait_us;
  CHECK_OK(step(f, &wait_us, &err));
}

static int send_post(fixture *f, const char *headers, firn_bytes body) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_addf(&b, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n%s\r\n", body.len,
                    headers);
  firn_builder_add(&b, body);
  int fd = http_connect(f->port);
  assert_true(http_send(fd, b.data, b.len));
  return fd;
}

static http_answer wait_for(fixture *f, int fd) {
  while (!http_is_readable(fd, 1)) {
    step_well(f);
  }
  http_answer a = http_read(fd, false);
  (void)close(fd);
  return a;
}

static http_answer post_bytes(fixture *f, const char *headers, firn_bytes body) {
  return wait_for(f, send_post(f, headers, body));
}

static http_answer post(fixture *f, const char *headers, const char *body) {
  return post_bytes(f, headers, firn_bytes_of(body));
}

static void is_accepted(http_answer a, int n) {
  char wanted[40];
  (void)snprintf(wanted, sizeof wanted, "{\"accepted\":%d}", n);
  if (a.code != 202) {
    print_error("%s\n", a.body);
  }
  assert_int_equal(a.code, 202);
  assert_string_equal(a.body, wanted);
  assert_string_equal(http_header(&a, "Content-Type"), "application/json");
}

static void is_refused(http_answer a, int code, const char *because) {
  if (a.code != code || strstr(a.body, because) == NULL) {
    print_error("%d %s\n", a.code, a.body);
  }
  assert_int_equal(a.code, code);
  assert_non_null(strstr(a.body, because));
}

static uint64_t n_records(fixture *f) {
  return firn_journal_next(f->journal);
}

/* Record `position` of the journal, borrowed from `arena`. */
static firn_accepted record(fixture *f, uint64_t position, firn_arena *arena) {
  firn_error err;
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  firn_journal_record got;
  firn_accepted a;
  bool is_there;
  CHECK_OK(firn_journal_reader_open(f->journal, ctx_of(f), position, &r, &err));
  CHECK_OK(firn_journal_reader_next(r, ctx_of(f), &got, &is_there, &err));
  assert_true(is_there);
  firn_bytes copy = firn_arena_copy(arena, got.bytes);
  CHECK_OK(firn_accepted_read(copy, arena, &a, &err));
  return a;
}

static void each_mode_is_accepted_and_kept_as_it_came(void **state) {
  (void)state;
  fixture f;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  start(&f);
  is_accepted(post(&f, "Content-Type: application/cloudevents+json\r\n", " {\"id\":\"1\"} "), 1);
  is_accepted(post(&f, "Content-Type: application/cloudevents-batch+json\r\n", "[{}, 2,\"x\" ]"), 3);
  is_accepted(post(&f, "Content-Type: application/x-ndjson\r\n", "{}\n\n{\r\n{}"), 3); /* a broken line too */
  is_accepted(post(&f, "ce-id: 1\r\nCe-Source: s\r\nContent-Type: image/png\r\nAuthorization: Bearer x\r\n",
                   "\x89png"),
              1);
  is_accepted(post(&f, "", "[{}]"), 1);
  assert_int_equal(n_records(&f), 5);
  firn_accepted a = record(&f, 0, &arena);
  assert_int_equal(a.mode, FIRN_EVENT_STRUCTURED);
  CHECK_BYTES(a.body, " {\"id\":\"1\"} ");
  CHECK_BYTES(a.client, "http 127.0.0.1");
  assert_null(a.idempotency_key.data);
  assert_int_equal(record(&f, 1, &arena).n_events, 3);
  assert_int_equal(record(&f, 2, &arena).mode, FIRN_EVENT_LINES);
  a = record(&f, 3, &arena);
  assert_int_equal(a.mode, FIRN_EVENT_BINARY);
  assert_int_equal(a.n_headers, 3); /* no secrets */
  CHECK_BYTES(a.body, "\x89png");
  assert_int_equal(record(&f, 4, &arena).mode, FIRN_EVENT_BATCHED);
  stop(&f);
}

static void nothing_is_answered_before_the_sync(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd[3];
  for (int i = 0; i < 3; i++) {
    fd[i] = send_post(&f, "", FIRN_LITERAL("{}"));
  }
  while (n_records(&f) < 3) {
    (void)usleep(1000);
  }
  for (int i = 0; i < 3; i++) {
    assert_false(http_is_readable(fd[i], 20));
  }
  size_t n_syncs = f.files.n_syncs;
  for (int i = 0; i < 3; i++) {
    is_accepted(wait_for(&f, fd[i]), 1);
  }
  assert_true(f.files.n_syncs - n_syncs <= 3); /* one, when all three waited at the first step */
  stop(&f);
}

static void an_empty_batch_is_accepted_and_not_kept(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_accepted(post(&f, "", "[]"), 0);
  is_accepted(post(&f, "Content-Type: application/x-ndjson\r\n", "\n \r\n"), 0);
  assert_int_equal(n_records(&f), 0);
  stop(&f);
}

static void what_is_no_json_is_refused_with_its_place(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_refused(post(&f, "", "{\"id\":}"), 400, "offset 6");
  is_refused(post(&f, "", ""), 400, "no JSON");
  is_refused(post(&f, "", "{} {}"), 400, "offset 3");
  is_refused(post(&f, "", "[{},]"), 400, "offset 4");
  is_refused(post(&f, "", "[{}"), 400, "offset 3");
  is_refused(post(&f, "", "[{}] x"), 400, "offset 5");
  is_refused(post(&f, "", "\"\xFF\""), 400, "no JSON");
  is_refused(post(&f, "Content-Type: application/cloudevents-batch+json\r\n", "{}"), 400, "array");
  is_refused(post(&f, "Content-Type: text/plain\r\n", "{}"), 415, "application/cloudevents+json");
  char deep[1300];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  is_refused(post(&f, "", deep), 400, "no JSON");
  assert_int_equal(n_records(&f), 0);
  stop(&f);
}

static void one_event_too_large_refuses_the_whole_batch(void **state) {
  (void)state;
  fixture f;
  start(&f);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_addf(&b, "[{},{},\"%0*d\"]", 998, 0);
  is_accepted(post_bytes(&f, "", firn_builder_bytes(&b)), 3);
  firn_builder_reset(&b);
  firn_builder_addf(&b, "[{},{},\"%0*d\",{}]", 999, 0);
  is_refused(post_bytes(&f, "", firn_builder_bytes(&b)), 413, "event 2 ");
  firn_builder_reset(&b);
  firn_builder_addf(&b, "{}\n\"%0*d\"", 999, 0);
  is_refused(post_bytes(&f, "Content-Type: application/x-ndjson\r\n", firn_builder_bytes(&b)), 413,
             "event 1 ");
  is_refused(post_bytes(&f, "ce-id: 1\r\n", firn_builder_bytes(&b)), 413, "event 0 ");
  assert_int_equal(n_records(&f), 1);
  stop(&f);
}

static void a_repeated_key_is_answered_as_the_first_time(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "Idempotency-Key: b\r\n", "[{},{}]"), 2);
  assert_int_equal(n_records(&f), 2);
  is_refused(post(&f, "Idempotency-Key: a\r\n", "[{}]"), 422, "new key");
  is_refused(post(&f, "Idempotency-Key: a\r\nce-id: 1\r\n", "[{},{}]"), 422, "new key");
  is_accepted(post(&f, "Idempotency-Key: c\r\nce-id: 1\r\n", "x"), 1);
  is_refused(post(&f, "Idempotency-Key: c\r\nce-id: 2\r\n", "x"), 422, "new key");
  assert_int_equal(n_records(&f), 3);
  stop(&f);
}

static void keys_have_bounds(void **state) {
  (void)state;
  fixture f;
  start(&f);
  char headers[400];
  (void)snprintf(headers, sizeof headers, "Idempotency-Key: %0*d\r\n", 256, 1);
  is_accepted(post(&f, headers, "{}"), 1);
  (void)snprintf(headers, sizeof headers, "Idempotency-Key: %0*d\r\n", 257, 1);
  is_refused(post(&f, headers, "{}"), 400, "256");
  is_refused(post(&f, "Idempotency-Key:\r\n", "{}"), 400, "256");
  stop(&f);
}

static void a_key_that_is_under_way_waits_for_the_same_sync(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int first = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  while (n_records(&f) < 1) {
    (void)usleep(1000);
  }
  int second = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  int other = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("[]"));
  is_accepted(wait_for(&f, other), 0); /* nothing in it: its key is not looked at */
  other = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("[{}]"));
  is_refused(http_read(other, false), 422, "new key");
  (void)close(other);
  is_accepted(wait_for(&f, first), 1);
  is_accepted(wait_for(&f, second), 1);
  assert_int_equal(n_records(&f), 1);
  stop(&f);
}

static void keys_are_found_again_when_the_journal_is_opened(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "", "[{},{}]"), 2);
  is_accepted(post(&f, "Idempotency-Key: b\r\nce-id: 1\r\n", "x"), 1);
  reopen(&f);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "Idempotency-Key: b\r\nce-id: 1\r\n", "x"), 1);
  is_refused(post(&f, "Idempotency-Key: b\r\n", "{}"), 422, "new key");
  assert_int_equal(n_records(&f), 3);
  stop(&f);
}

static void cover(fixture *f, uint64_t position) {
  firn_error err;
  CHECK_OK(firn_intake_covered(f->intake, ctx_of(f), position, &err));
}

static void keys_are_forgotten_some_time_after_their_events_are_in_files(void **state) {
  (void)state;
  fixture f;
  firn_error err;
  int64_t wait_us;
  start_with(&f, &(firn_intake_options){.remember_us = 5000000}, 4096);
  char body[3100];
  (void)snprintf(body, sizeof body, "\"%0*d\"", 3000, 0);
  for (int i = 0; i < 8; i++) {
    char key[40];
    (void)snprintf(key, sizeof key, "Idempotency-Key: %d\r\n", i);
    is_accepted(post(&f, key, body), 1);
  }
  f.files.env.sleep_us(NULL, 20000000); /* not in files: they are kept */
  CHECK_OK(step(&f, &wait_us, &err));
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  cover(&f, 4);
  assert_int_equal(firn_journal_first(f.journal), 0);
  CHECK_OK(step(&f, &wait_us, &err));
  assert_true(wait_us > 4000000 && wait_us <= 5000000);
  is_accepted(post(&f, "Idempotency-Key: 1\r\n", body), 1);
  assert_int_equal(n_records(&f), 8);
  f.files.env.sleep_us(NULL, wait_us);
  CHECK_OK(step(&f, &wait_us, &err));
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  assert_true(firn_journal_first(f.journal) > 1 && firn_journal_first(f.journal) <= 4);
  is_accepted(post(&f, "Idempotency-Key: 1\r\n", body), 1);
  is_accepted(post(&f, "Idempotency-Key: 7\r\n", body), 1);
  assert_int_equal(n_records(&f), 9);
  stop(&f);
}

static void without_keys_the_journal_is_freed_at_once(void **state) {
  (void)state;
  fixture f;
  start_with(&f, &(firn_intake_options){.max_event_bytes = 0}, 4096);
  char body[3100];
  (void)snprintf(body, sizeof body, "\"%0*d\"", 3000, 0);
  for (int i = 0; i < 8; i++) {
    is_accepted(post(&f, "", body), 1);
  }
  cover(&f, 8);
  assert_true(firn_journal_first(f.journal) >= 6);
  stop(&f);
}

static void keys_keep_no_more_of_the_journal_than_they_may(void **state) {
  (void)state;
  fixture f;
  start_with(&f, &(firn_intake_options){.remember_bytes = 10000}, 4096);
  char body[3100];
  (void)snprintf(body, sizeof body, "\"%0*d\"", 3000, 0);
  for (int i = 0; i < 80; i++) {
    char key[40];
    (void)snprintf(key, sizeof key, "Idempotency-Key: %d\r\n", i);
    is_accepted(post(&f, key, body), 1);
  }
  cover(&f, 80);
  assert_true(firn_journal_bytes(f.journal, firn_journal_first(f.journal)) < 20000);
  stop(&f);
}

static void too_many_keys_push_the_oldest_out_or_are_refused(void **state) {
  (void)state;
  fixture f;
  start_with(&f, &(firn_intake_options){.max_keys = 2}, 0);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "{}"), 1);
  is_accepted(post(&f, "Idempotency-Key: b\r\n", "{}"), 1);
  is_refused(post(&f, "Idempotency-Key: c\r\n", "{}"), 429, "keys");
  cover(&f, 1);
  is_accepted(post(&f, "Idempotency-Key: c\r\n", "{}"), 1);
  is_accepted(post(&f, "Idempotency-Key: b\r\n", "{}"), 1); /* still known */
  assert_int_equal(n_records(&f), 3);
  cover(&f, 3);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "{}"), 1); /* forgotten */
  assert_int_equal(n_records(&f), 4);
  stop(&f);
}

static void a_full_journal_asks_to_come_again(void **state) {
  (void)state;
  fixture f;
  start_with(&f, &(firn_intake_options){.max_journal_bytes = 5000}, 4096);
  char body[3100];
  (void)snprintf(body, sizeof body, "\"%0*d\"", 3000, 0);
  is_accepted(post(&f, "", body), 1);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", body), 1);
  http_answer a = post(&f, "Idempotency-Key: b\r\n", body);
  is_refused(a, 429, "try again");
  assert_string_equal(http_header(&a, "Retry-After"), "1");
  is_accepted(post(&f, "Idempotency-Key: a\r\n", body), 1); /* it is there already */
  cover(&f, 1);
  is_accepted(post(&f, "Idempotency-Key: b\r\n", body), 1);
  assert_int_equal(n_records(&f), 3);
  stop(&f);
}

static void a_full_disk_refuses_and_takes_again_when_there_is_room(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_accepted(post(&f, "", "{}"), 1);
  f.files.only = "append";
  f.files.tears = true;
  failing_files_fail(&f.files, 0, SIZE_MAX);
  is_refused(post(&f, "Idempotency-Key: a\r\n", "{}"), 503, "nothing of the request was taken");
  is_refused(post(&f, "Idempotency-Key: a\r\n", "{}"), 503, "nothing of the request was taken");
  failing_files_fail(&f.files, 0, 0);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "{}"), 1);
  assert_int_equal(n_records(&f), 2);
  reopen(&f);
  assert_int_equal(n_records(&f), 2);
  stop(&f);
}

static void a_write_that_cannot_be_undone_stops_the_service(void **state) {
  (void)state;
  fixture f;
  firn_error err;
  int64_t wait_us;
  start(&f);
  f.files.tears = true;
  failing_files_fail(&f.files, 0, SIZE_MAX);
  int fd = send_post(&f, "", FIRN_LITERAL("{}"));
  is_refused(http_read(fd, false), 503, "whether the events were taken is not known");
  (void)close(fd);
  CHECK_STATUS(step(&f, &wait_us, &err), FIRN_UNCERTAIN);
  failing_files_fail(&f.files, 0, 0);
  reopen(&f);
  is_accepted(post(&f, "", "{}"), 1);
  assert_int_equal(n_records(&f), 1);
  stop(&f);
}

static void after_a_failed_sync_nobody_knows_and_the_service_stops(void **state) {
  (void)state;
  fixture f;
  firn_error err;
  int64_t wait_us;
  start(&f);
  int fd = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  int repeat = -1;
  while (n_records(&f) < 1) {
    (void)usleep(1000);
  }
  repeat = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  (void)usleep(50000);
  f.files.only = "sync";
  failing_files_fail(&f.files, 0, 1);
  CHECK_STATUS(step(&f, &wait_us, &err), FIRN_UNCERTAIN);
  CHECK_SAYS("started again");
  is_refused(http_read(fd, false), 503, "not known");
  (void)close(fd);
  int late = send_post(&f, "", FIRN_LITERAL("{}"));
  is_refused(http_read(late, false), 503, "");
  (void)close(late);
  is_refused(http_read(repeat, false), 503, "");
  (void)close(repeat);
  reopen(&f);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "{}"), 1); /* there or not: it is once now */
  assert_int_equal(n_records(&f), 1);
  stop(&f);
}

static void who_still_waits_at_the_end_is_told(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = send_post(&f, "", FIRN_LITERAL("{}"));
  while (n_records(&f) < 1) {
    (void)usleep(1000);
  }
  (void)usleep(50000);
  firn_intake_stop(f.intake);
  is_refused(http_read(fd, false), 503, "stopping");
  (void)close(fd);
  fd = send_post(&f, "", FIRN_LITERAL("{}"));
  is_refused(http_read(fd, false), 503, "stopping");
  (void)close(fd);
  stop(&f);
}

static int64_t metric(fixture *f, const char *name) {
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(f->metrics, &at, &v);) {
    if (strcmp(v.metric->name, name) == 0) {
      return v.value;
    }
  }
  fail();
  return 0;
}

static void counts_what_is_durable(void **state) {
  (void)state;
  fixture f;
  start(&f);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "Idempotency-Key: a\r\n", "[{},{}]"), 2);
  is_accepted(post(&f, "", "{}"), 1);
  is_refused(post(&f, "", "{"), 400, "");
  step_well(&f);
  assert_int_equal(metric(&f, "firn_intake_events_total"), 3);
  assert_int_equal(metric(&f, "firn_intake_requests_total"), 2);
  assert_int_equal(metric(&f, "firn_intake_bytes_total"), 9);
  assert_int_equal(metric(&f, "firn_intake_repeated_total"), 1);
  assert_int_equal(metric(&f, "firn_intake_waiting_requests"), 0);
  assert_int_equal(metric(&f, "firn_intake_keys"), 1);
  assert_true(metric(&f, "firn_intake_journal_bytes") > 9);
  cover(&f, 2);
  assert_int_equal(metric(&f, "firn_intake_journal_bytes"), 0);
  stop(&f);
}

/* Many clients that use one key each time, twice at once; the intake runs on this thread. */
typedef struct client {
  pthread_t thread;
  uint16_t port;
  int number;
  int n_accepted;
} client;

enum { N_CLIENTS = 8, N_EACH = 25 };
static atomic_int n_done;

static atomic_bool is_gate_reached, is_gate_open;
static atomic_int n_added;

/* Fails the first append, but not before the test says so. */
static firn_status gated_append(firn_file *file, firn_bytes data, firn_error *err) {
  if (atomic_exchange(&is_gate_reached, true)) {
    return failing_append(file, data, err);
  }
  while (!is_gate_open) {
    (void)usleep(1000);
  }
  return firn_error_set(err, FIRN_IO, "no space");
}

static void count_added(void *arg) {
  (void)arg;
  atomic_fetch_add(&n_added, 1);
}

/* Two requests have one key; the first fails while the second waits for it, and then the key comes with other
 * events: these must not answer for the second's. */
static void who_waits_for_a_key_is_not_answered_by_other_events_of_that_key(void **state) {
  (void)state;
  fixture f;
  start_with(&f, &(firn_intake_options){.max_event_bytes = 1000, .on_added = count_added}, 0);
  is_gate_reached = is_gate_open = false;
  n_added = 0;
  f.files.ops.append = gated_append;
  int first = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  while (!is_gate_reached) {
    (void)usleep(1000);
  }
  int second = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("{}"));
  while (n_added < 1) { /* it waits */
    (void)usleep(1000);
  }
  is_gate_open = true;
  is_refused(http_read(first, false), 503, "nothing of the request was taken");
  int third = send_post(&f, "Idempotency-Key: a\r\n", FIRN_LITERAL("[{},{}]"));
  while (firn_journal_next(f.journal) < 1) {
    (void)usleep(1000);
  }
  is_refused(wait_for(&f, second), 503, "was not taken");
  is_accepted(wait_for(&f, third), 2);
  (void)close(first);
  stop(&f);
}

static void *send_many(void *arg) {
  client *c = arg;
  for (int i = 0; i < N_EACH; i++) {
    char request[200];
    (void)snprintf(
        request, sizeof request,
        "POST /v1/events HTTP/1.1\r\nHost: h\r\nIdempotency-Key: %d-%d\r\nContent-Length: 2\r\n\r\n{}",
        c->number / 2, i); /* two clients share their keys */
    c->n_accepted += http_ask(c->port, request).code == 202;
  }
  atomic_fetch_add(&n_done, 1);
  return NULL;
}

static void two_at_once_with_one_key_are_one_record(void **state) {
  (void)state;
  fixture f;
  client clients[N_CLIENTS];
  start(&f);
  n_done = 0;
  for (int i = 0; i < N_CLIENTS; i++) {
    clients[i] = (client){.port = f.port, .number = i};
    assert_int_equal(pthread_create(&clients[i].thread, NULL, send_many, &clients[i]), 0);
  }
  while (n_done < N_CLIENTS) {
    step_well(&f);
  }
  for (int i = 0; i < N_CLIENTS; i++) {
    (void)pthread_join(clients[i].thread, NULL); /* it was made */
    assert_int_equal(clients[i].n_accepted, N_EACH);
  }
  assert_int_equal(n_records(&f), N_CLIENTS / 2 * N_EACH);
  stop(&f);
}

RUN_TESTS(each_mode_is_accepted_and_kept_as_it_came, nothing_is_answered_before_the_sync,
          an_empty_batch_is_accepted_and_not_kept, what_is_no_json_is_refused_with_its_place,
          one_event_too_large_refuses_the_whole_batch, a_repeated_key_is_answered_as_the_first_time,
          keys_have_bounds, a_key_that_is_under_way_waits_for_the_same_sync,
          keys_are_found_again_when_the_journal_is_opened,
          keys_are_forgotten_some_time_after_their_events_are_in_files,
          without_keys_the_journal_is_freed_at_once, keys_keep_no_more_of_the_journal_than_they_may,
          too_many_keys_push_the_oldest_out_or_are_refused, a_full_journal_asks_to_come_again,
          a_full_disk_refuses_and_takes_again_when_there_is_room,
          a_write_that_cannot_be_undone_stops_the_service,
          after_a_failed_sync_nobody_knows_and_the_service_stops, who_still_waits_at_the_end_is_told,
          counts_what_is_durable, who_waits_for_a_key_is_not_answered_by_other_events_of_that_key,
          two_at_once_with_one_key_are_one_record)

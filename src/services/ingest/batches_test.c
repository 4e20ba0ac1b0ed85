/* One thread, no sleeping: the clock is the test's. */
#include "services/ingest/batches.h"

#include <stdio.h>

#include "base/pool.h"
#include "base/time.h"
#include "catalogs/catalogs.h"
#include "events/commit_record.h"
#include "failing_files.h"
#include "services/ingest/accepted.h"
#include "test.h"

enum { SECOND = 1000000 };

/* A journal and a commit log in a folder, tables in a store in memory that may fail. */
typedef struct world {
  failing_files files;
  firn_env env;
  firn_ctx ctx;
  int64_t wall_offset_us; /* the wall clock against the monotonic one */
  char events[600], commits[600];
  firn_stores *stores;
  firn_store *memory; /* owned by the faulty one */
  firn_store *faulty;
  firn_catalog *catalog;
  firn_journal *journal;
  firn_commit_log *log;
  firn_batches_options options;
  firn_batches *batches;
  uint64_t covered;
  unsigned n_told, n_records;
} world;

static world *the_world; /* for the clock alone */

static int64_t wall_clock(void *self) {
  return the_world->ctx.env->monotonic_us(self) + the_world->wall_offset_us;
}

static firn_status on_covered(void *arg, firn_ctx *ctx, uint64_t position, firn_error *err) {
  world *w = arg;
  w->covered = position;
  w->n_told++;
  return firn_journal_free_before(w->journal, ctx, position, err);
}

static void on_record(void *arg) {
  ((world *)arg)->n_records++;
}

static firn_status open_journals(world *w, firn_error *err) {
  firn_journal_options o = {.folder = w->events, .kind = "events"};
  FIRN_TRY(firn_journal_open(&o, &w->ctx, &w->journal, err));
  return firn_local_commit_log_open(w->commits, &w->ctx, &w->log, err);
}

static firn_status open_tables(world *w, size_t fail_at, firn_status fault, firn_error *err) {
  FIRN_TRY(firn_stores_open(&w->env, &w->stores, err));
  FIRN_TRY(firn_memory_store_open(0, &w->memory, err));
  FIRN_TRY(firn_faulty_store_open(w->memory, fail_at, fault, &w->faulty, err));
  FIRN_TRY(firn_stores_add(w->stores, "fault", "x", w->faulty, err));
  return firn_catalog_open(&w->ctx, "memory:test", "fault://x/warehouse", w->stores, &w->catalog, err);
}

static void set_options(world *w) {
  static const char *const level = "cloudevent";
  w->options = (firn_batches_options){
      .journal = w->journal,
      .log = w->log,
      .catalog = w->catalog,
      .codec = FIRN_CODEC_ZSTD,
      .level = FIRN_LEVEL_DEFAULT,
      .max_events = 10,
      .on_covered = on_covered,
      .on_record = on_record,
      .arg = w,
  };
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    w->options.tables[t] =
        (firn_table_id){.ns = {1, &level}, .name = firn_archive_table_name((firn_archive_table)t)};
  }
}

static firn_status world_open(world *w, const char *folder, size_t fail_at, firn_status fault,
                              firn_error *err) {
  *w = (world){.batches = NULL};
  the_world = w;
  failing_files_init(&w->files, test_ctx());
  w->files.skips_sync = true;
  w->env = w->files.env;
  w->env.now_us = wall_clock;
  w->ctx = (firn_ctx)FIRN_CTX_INIT(&w->env);
  (void)snprintf(w->events, sizeof w->events, "%s/events", folder);
  (void)snprintf(w->commits, sizeof w->commits, "%s/commits", folder);
  FIRN_TRY(open_journals(w, err));
  FIRN_TRY(open_tables(w, fail_at, fault, err));
  set_options(w);
  return FIRN_OK;
}

static void close_journals(world *w) {
  firn_commit_log_close(w->log);
  firn_journal_close(w->journal);
  w->log = NULL;
  w->journal = NULL;
}

static void world_close(world *w) {
  firn_batches_close(w->batches);
  firn_catalog_close(w->catalog);
  if (w->stores != NULL && w->faulty != NULL) {
    firn_stores_take_out(w->stores, w->faulty);
  }
  firn_stores_close(w->stores);
  firn_store_close(w->faulty);
  close_journals(w);
}

static void sleep_us(world *w, int64_t us) {
  w->env.sleep_us(w->env.self, us);
}

static firn_status add(world *w, const firn_accepted *a, firn_error *err) {
  FIRN_AUTO_BUILDER head = FIRN_BUILDER_INIT(0);
  firn_bytes parts[2] = {{0}, a->body};
  uint64_t position;
  firn_accepted_write_head(a, &head);
  FIRN_TRY(firn_builder_finish(&head, &parts[0], err));
  FIRN_TRY(firn_journal_add(w->journal, &w->ctx, parts, 2, &position, err));
  return firn_journal_sync(w->journal, &w->ctx, NULL, err);
}

static firn_status post(world *w, firn_event_mode mode, const char *body, uint32_t n_events,
                        firn_error *err) {
  firn_accepted a = {.mode = mode,
                     .received_us = w->env.now_us(w->env.self),
                     .n_events = n_events,
                     .client = FIRN_LITERAL("http 127.0.0.1"),
                     .body = firn_bytes_of(body)};
  return add(w, &a, err);
}

/* An array of `n` valid events, of the day `day` of June. */
static firn_status post_batch(world *w, unsigned n, unsigned day, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (unsigned i = 0; i < n; i++) {
    firn_builder_addf(
        &b,
        "%s{\"id\":\"%u\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"a\","
        "\"time\":\"2025-06-%02uT12:00:00Z\",\"data\":{}}",
        i == 0 ? "[" : ",\n", i, day);
  }
  firn_builder_add(&b, FIRN_LITERAL("]\0"));
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  return post(w, FIRN_EVENT_BATCHED, (const char *)text.data, n, err);
}

/* What the commit log says: the rows of each table, record by record, and the ranges without a gap. */
typedef struct counts {
  size_t n_records, n_files;
  int64_t n_rows[FIRN_ARCHIVE_N_TABLES];
  int64_t rows_of_record[64];
  uint64_t next;
} counts;

static void count_record(const firn_commit_record *r, counts *c) {
  assert_int_equal(r->first, c->next);
  assert_true(r->next > r->first);
  c->next = r->next;
  for (size_t i = 0; i < r->n_tables; i++) {
    for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
      for (size_t f = 0; strcmp(r->tables[i].name, firn_archive_table_name((firn_archive_table)t)) == 0 &&
                         f < r->tables[i].n_files;
           f++) {
        c->n_rows[t] += r->tables[i].files[f].record_count;
        c->rows_of_record[c->n_records] += r->tables[i].files[f].record_count;
        c->n_files++;
      }
    }
  }
  c->n_records++;
}

static counts read_log(world *w) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_COMMIT_LOG_READER *reader = NULL;
  firn_log_positions first;
  firn_log_positions next;
  counts c = {0};
  CHECK_OK(firn_commit_log_range(w->log, &w->ctx, &arena, &first, &next, &err));
  CHECK_OK(firn_commit_log_reader_open(w->log, &w->ctx, &first, &reader, &err));
  for (;;) {
    firn_commit_log_record record;
    firn_commit_record r;
    bool is_there;
    CHECK_OK(firn_commit_log_reader_next(reader, &w->ctx, &record, &is_there, &err));
    if (!is_there) {
      return c;
    }
    CHECK_OK(firn_commit_record_read(record.bytes, &arena, &r, &err));
    assert_string_equal(r.journal, firn_journal_id(w->journal));
    count_record(&r, &c);
  }
}

static size_t count_data_files(world *w) {
  firn_error err;
  size_t n = 0;
  FIRN_AUTO_LISTING *listing = NULL;
  CHECK_OK(firn_store_list(w->memory, &w->ctx, "", &listing, &err));
  for (;;) {
    const firn_listed *listed;
    CHECK_OK(firn_listing_next(listing, &w->ctx, &listed, &err));
    if (listed == NULL) {
      return n;
    }
    n += strstr(listed->path, ".parquet") != NULL;
  }
}

static firn_status step(world *w, bool is_draining, int64_t *wait_us, firn_error *err) {
  return firn_batches_service.step(w->batches, &w->ctx, is_draining, wait_us, err);
}

/* Steps until nothing is due. */
static int64_t run(world *w, bool is_draining) {
  firn_error err;
  int64_t wait_us = 0;
  while (wait_us == 0) {
    CHECK_OK(step(w, is_draining, &wait_us, &err));
  }
  return wait_us;
}

static void begin(world *w) {
  firn_error err;
  CHECK_OK(world_open(w, test_folder(), SIZE_MAX, FIRN_IO, &err));
}

static void open_batches(world *w) {
  firn_error err;
  CHECK_OK(firn_batches_open(&w->options, &w->ctx, &w->batches, &err));
}

static void an_empty_journal_waits_for_somebody(void **state) {
  (void)state;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  assert_int_equal(run(&w, false), FIRN_STEP_IDLE);
  assert_int_equal(w.n_told, 1);
  assert_int_equal(w.covered, 0);
  assert_int_equal(run(&w, true), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 0);
}

static void a_batch_closes_by_its_events(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  for (int i = 0; i < 5; i++) {
    CHECK_OK(post_batch(&w, 4, 15, &err)); /* 8 fit, 12 do not */
  }
  int64_t wait_us = run(&w, false);
  assert_true(wait_us > 0 && wait_us <= 5 * SECOND);
  counts c = read_log(&w);
  assert_int_equal(c.n_records, 2);
  assert_int_equal(c.rows_of_record[0], 8);
  assert_int_equal(c.rows_of_record[1], 8);
  assert_int_equal(w.covered, 4);
  assert_int_equal(firn_batches_covered(w.batches), 4);
  assert_int_equal(w.n_records, 2);
}

static void a_batch_that_is_exactly_full_does_not_wait(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  CHECK_OK(post_batch(&w, 10, 15, &err));
  assert_int_equal(run(&w, false), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 1);
}

static void a_large_request_is_a_batch_of_its_own(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  w.options.n_writers = 1;
  open_batches(&w);
  CHECK_OK(post_batch(&w, 1, 15, &err));
  CHECK_OK(post_batch(&w, 25, 15, &err));
  CHECK_OK(post_batch(&w, 1, 15, &err));
  assert_true(run(&w, false) > 0);
  counts c = read_log(&w);
  assert_int_equal(c.n_records, 2);
  assert_int_equal(c.rows_of_record[0], 1);
  assert_int_equal(c.rows_of_record[1], 25);
}

/* With one writer there is no place for the large one when it is seen. */
static void a_large_request_at_the_end_does_not_wait(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  w.options.n_writers = 1;
  open_batches(&w);
  CHECK_OK(post_batch(&w, 1, 15, &err));
  CHECK_OK(post_batch(&w, 25, 15, &err));
  assert_int_equal(run(&w, false), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 2);
}

static void a_batch_closes_by_its_bytes(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  w.options.max_bytes = 1000; /* six events of 120 bytes and some */
  open_batches(&w);
  for (int i = 0; i < 12; i++) {
    CHECK_OK(post_batch(&w, 1, 15, &err));
  }
  (void)run(&w, true);
  counts c = read_log(&w);
  assert_true(c.n_records >= 2 && c.n_records <= 4);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_VALID], 12);
}

static void a_batch_closes_by_its_period(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  CHECK_OK(post_batch(&w, 1, 15, &err));
  sleep_us(&w, SECOND); /* it was seen later than it arrived: arrival counts */
  int64_t wait_us = run(&w, false);
  assert_true(wait_us > 3 * SECOND && wait_us <= 4 * SECOND);
  sleep_us(&w, wait_us - SECOND);
  wait_us = run(&w, false);
  assert_true(wait_us > 0 && wait_us <= SECOND);
  assert_int_equal(read_log(&w).n_records, 0);
  sleep_us(&w, wait_us);
  assert_int_equal(run(&w, false), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 1);
}

static void the_clock_going_back_an_hour_holds_no_batch(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  CHECK_OK(post_batch(&w, 1, 15, &err));
  w.wall_offset_us = -3600 * (int64_t)SECOND;
  int64_t wait_us = run(&w, false);
  assert_true(wait_us > 0 && wait_us <= 5 * SECOND);
  sleep_us(&w, wait_us);
  assert_int_equal(run(&w, false), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 1);
}

static void draining_closes_the_open_batch_at_once(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  CHECK_OK(post_batch(&w, 1, 15, &err));
  assert_int_equal(run(&w, true), FIRN_STEP_IDLE);
  assert_int_equal(read_log(&w).n_records, 1);
  assert_int_equal(w.covered, 1);
}

static void several_tables_and_days_are_one_record(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  w.options.max_events = 100;
  open_batches(&w);
  CHECK_OK(post_batch(&w, 3, 15, &err));
  CHECK_OK(post_batch(&w, 2, 16, &err));
  CHECK_OK(post(&w, FIRN_EVENT_STRUCTURED, " {\"id\":\"1\"} \n", 1, &err));
  CHECK_OK(post(&w, FIRN_EVENT_LINES, "{\"id\":\"2\"}\r\n\n 5 \n\"text\"", 3, &err));
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "[ 1, \"[,]\" , {\"id\":1,\"id\":2}]", 3, &err));
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "[]", 0, &err));
  CHECK_OK(post(&w, FIRN_EVENT_LINES, "\n", 0, &err));
  (void)run(&w, true);
  counts c = read_log(&w);
  assert_int_equal(c.n_records, 1);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_VALID], 5);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_PARTIAL], 2);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_DEAD_LETTER], 5);
  assert_int_equal(c.n_files, 4);
  assert_int_equal(count_data_files(&w), 4);
}

/* Nothing of it went through intake's checks; nothing of it is lost. */
static void what_is_broken_all_the_same_becomes_a_dead_letter(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  w.options.max_events = 100;
  open_batches(&w);
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "[1, 2, x", 3, &err)); /* two items and the rest */
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "{}", 1, &err));
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "", 1, &err));
  CHECK_OK(post(&w, FIRN_EVENT_STRUCTURED, "", 1, &err));
  CHECK_OK(post(&w, FIRN_EVENT_STRUCTURED, "\xFF", 1, &err));
  CHECK_OK(post(&w, FIRN_EVENT_LINES, "{\n}", 2, &err));
  (void)run(&w, true);
  counts c = read_log(&w);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_DEAD_LETTER], 3 + 1 + 1 + 1 + 1 + 2);
}

static void a_range_without_events_is_recorded_too(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  CHECK_OK(post(&w, FIRN_EVENT_BATCHED, "[]", 0, &err));
  (void)run(&w, true);
  counts c = read_log(&w);
  assert_int_equal(c.n_records, 1);
  assert_int_equal(c.n_files, 0);
  assert_int_equal(w.covered, 1);
}

static void reopen(world *w) {
  firn_error err;
  firn_batches_close(w->batches);
  w->batches = NULL;
  close_journals(w);
  CHECK_OK(open_journals(w, &err));
  w->options.journal = w->journal;
  w->options.log = w->log;
  open_batches(w);
}

static void what_was_written_without_a_record_is_written_again(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  for (int i = 0; i < 7; i++) {
    CHECK_OK(post_batch(&w, 4, 15, &err));
    (void)run(&w, false);
    reopen(&w);
    assert_int_equal(firn_batches_covered(w.batches), w.covered);
  }
  (void)run(&w, true);
  counts c = read_log(&w);
  assert_int_equal(c.next, 7);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_VALID], 28);
  assert_int_equal(count_data_files(&w), c.n_files);
}

/* Every store call fails in turn; the service tries again, and all is there once. */
static bool run_with_fault(size_t fail_at, firn_status fault, unsigned n_threads) {
  firn_error err;
  world w FIRN_AUTO(world_close);
  CHECK_OK(world_open(&w, test_folder(), fail_at, fault, &err));
  CHECK_OK(firn_pool_open(n_threads, &w.env.pool, &err));
  int64_t wait_us = 0;
  for (int i = 0; i < 5; i++) {
    CHECK_OK(post_batch(&w, 6, 14 + (unsigned)i, &err));
  }
  firn_status status = FIRN_OK;
  unsigned n_failed = 0;
  while (w.batches == NULL) { /* making the tables may fail too */
    status = firn_batches_open(&w.options, &w.ctx, &w.batches, &err);
    assert_true(status == FIRN_OK || ++n_failed < 3);
  }
  while (wait_us == 0) {
    status = step(&w, true, &wait_us, &err);
    assert_true(status == FIRN_OK || status == FIRN_IO);
    assert_true(status == FIRN_OK || ++n_failed < 3);
  }
  counts c = read_log(&w);
  assert_int_equal(c.next, 5);
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_VALID], 30);
  bool is_over = firn_faulty_store_calls(w.faulty) <= fail_at;
  if (fault != FIRN_UNCERTAIN || is_over) { /* a lost answer may leave an orphan */
    assert_int_equal(count_data_files(&w), c.n_files);
  }
  firn_pool_close(w.env.pool);
  return is_over;
}

static void every_failing_store_call_loses_and_doubles_nothing(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_UNCERTAIN};
  for (size_t k = 0; k < FIRN_COUNT_OF(faults); k++) {
    size_t n = 0;
    while (!run_with_fault(n, faults[k], 0)) {
      n++;
    }
    assert_true(n > 20); /* it did go through all of them */
  }
}

static void a_failing_batch_among_several_at_once_is_written_again(void **state) {
  (void)state;
  for (size_t n = 0; n < 40; n += 7) {
    (void)run_with_fault(n, FIRN_IO, 2);
  }
}

/* Requests are posted and batches written until one of the two fails for good, or all is done. Gives the
 * number of requests that were acknowledged. */
static uint64_t post_and_write(world *w, bool *has_failed) {
  firn_error err;
  uint64_t n_acknowledged = 0;
  firn_service_loop loop = {.ops = &firn_batches_service, .self = w->batches};
  firn_status status = FIRN_OK;
  for (unsigned i = 0; i < 6 && status == FIRN_OK; i++) {
    int64_t wait_us = 0;
    status = post_batch(w, 6, 15 + i % 2, &err);
    if (status == FIRN_OK) {
      n_acknowledged = firn_journal_next(w->journal);
    } else if (status != FIRN_UNCERTAIN) { /* refused, and the client may try again */
      status = FIRN_OK;
    }
    for (int n = 0; n < 4 && status == FIRN_OK && wait_us == 0; n++) {
      status = firn_service_loop_step(&loop, &w->ctx, i == 5, &wait_us, &err);
    }
  }
  *has_failed = status != FIRN_OK;
  return n_acknowledged;
}

/* Call `fail_at` of the files under both journals fails, and with `for_good` all after it; then firn is
 * started again. */
static bool run_with_file_fault(size_t fail_at, bool for_good, bool tears) {
  firn_error err;
  bool has_failed;
  world w FIRN_AUTO(world_close);
  CHECK_OK(world_open(&w, test_folder(), SIZE_MAX, FIRN_IO, &err));
  w.options.max_events = 12;
  open_batches(&w);
  w.files.tears = tears;
  failing_files_fail(&w.files, fail_at, for_good ? SIZE_MAX : 1);
  uint64_t n_acknowledged = post_and_write(&w, &has_failed);
  bool is_over = !failing_files_has_failed(&w.files);
  failing_files_fail(&w.files, 0, 0);
  assert_true(!is_over || (!has_failed && n_acknowledged == 6));
  reopen(&w);
  assert_true(firn_journal_next(w.journal) >= n_acknowledged);
  (void)run(&w, true);
  counts c = read_log(&w); /* its ranges follow each other */
  assert_int_equal(c.next, firn_journal_next(w.journal));
  assert_int_equal(c.n_rows[FIRN_ARCHIVE_VALID], c.next * 6);
  return is_over;
}

static void every_failing_call_on_a_journal_loses_and_doubles_nothing(void **state) {
  (void)state;
  for (int way = 0; way < 4; way += 3) { /* once, and for good with torn writes */
    size_t n = 0;
    while (!run_with_file_fault(n, (way & 1) != 0, (way & 2) != 0)) {
      n++;
    }
    assert_true(n > 20);
  }
}

static void a_store_that_refuses_stops_the_service(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  CHECK_OK(world_open(&w, test_folder(), SIZE_MAX, FIRN_IO, &err));
  open_batches(&w);
  size_t n_calls = firn_faulty_store_calls(w.faulty);
  world v FIRN_AUTO(world_close);
  CHECK_OK(world_open(&v, test_folder(), n_calls, FIRN_DENIED, &err));
  open_batches(&v);
  CHECK_OK(post_batch(&v, 1, 15, &err));
  int64_t wait_us;
  CHECK_STATUS(step(&v, true, &wait_us, &err), FIRN_DENIED);
  CHECK_SAYS("writing the events of records 0 to 0");
  assert_int_equal(read_log(&v).n_records, 0);
}

/* The journal of another time beside the log. */
static void a_log_that_is_ahead_of_the_journal_stops_it(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  firn_commit_record r = {.journal = firn_journal_id(w.journal), .first = 0, .next = 7};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes json;
  firn_log_position at;
  CHECK_OK(firn_commit_record_write(&r, NULL, &b, &err));
  CHECK_OK(firn_builder_finish(&b, &json, &err));
  CHECK_OK(firn_commit_log_append(w.log, &w.ctx, json, &at, &err));
  CHECK_STATUS(firn_batches_open(&w.options, &w.ctx, &w.batches, &err), FIRN_CORRUPT);
  CHECK_SAYS("not of one time");
}

static void a_log_of_other_journals_means_a_new_one(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  firn_commit_record r = {.journal = "11111111-2222-3333-4444-555555555555", .first = 3, .next = 7};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes json;
  firn_log_position at;
  CHECK_OK(firn_commit_record_write(&r, NULL, &b, &err));
  CHECK_OK(firn_builder_finish(&b, &json, &err));
  CHECK_OK(firn_commit_log_append(w.log, &w.ctx, json, &at, &err));
  open_batches(&w);
  assert_int_equal(firn_batches_covered(w.batches), 0);
}

static void a_log_that_was_lost_stops_it(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  firn_journal_close(w.journal);
  firn_journal_options o = {.folder = w.events, .kind = "events", .segment_bytes = 4096};
  CHECK_OK(firn_journal_open(&o, &w.ctx, &w.journal, &err));
  w.options.journal = w.journal;
  for (int i = 0; i < 10; i++) {
    CHECK_OK(post_batch(&w, 10, 15, &err));
  }
  CHECK_OK(firn_journal_free_before(w.journal, &w.ctx, 9, &err));
  assert_true(firn_journal_first(w.journal) > 0);
  CHECK_STATUS(firn_batches_open(&w.options, &w.ctx, &w.batches, &err), FIRN_CORRUPT);
  CHECK_SAYS("may be in the tables already");
}

static void a_record_that_is_no_request_stops_it(void **state) {
  (void)state;
  firn_error err;
  world w FIRN_AUTO(world_close);
  begin(&w);
  open_batches(&w);
  firn_bytes nonsense = FIRN_LITERAL("nonsense");
  uint64_t position;
  int64_t wait_us;
  CHECK_OK(firn_journal_add(w.journal, &w.ctx, &nonsense, 1, &position, &err));
  CHECK_OK(firn_journal_sync(w.journal, &w.ctx, NULL, &err));
  CHECK_STATUS(step(&w, false, &wait_us, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("reading the event journal at record 0");
}

static firn_status write_with_little_memory(void) {
  firn_error err;
  world w FIRN_AUTO(world_close);
  FIRN_TRY(world_open(&w, test_folder(), SIZE_MAX, FIRN_IO, &err));
  FIRN_TRY(post_batch(&w, 3, 15, &err));
  FIRN_TRY(post(&w, FIRN_EVENT_BATCHED, "[1,{\"x\":\"\\n\"}]", 2, &err));
  FIRN_TRY(firn_batches_open(&w.options, &w.ctx, &w.batches, &err));
  int64_t wait_us = 0;
  while (wait_us == 0) {
    FIRN_TRY(step(&w, true, &wait_us, &err));
  }
  assert_int_equal(w.covered, 2);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_with_little_memory);
}

RUN_TESTS(an_empty_journal_waits_for_somebody, a_batch_closes_by_its_events,
          a_batch_that_is_exactly_full_does_not_wait, a_large_request_is_a_batch_of_its_own,
          a_large_request_at_the_end_does_not_wait, a_batch_closes_by_its_bytes, a_batch_closes_by_its_period,
          the_clock_going_back_an_hour_holds_no_batch, draining_closes_the_open_batch_at_once,
          several_tables_and_days_are_one_record, what_is_broken_all_the_same_becomes_a_dead_letter,
          a_range_without_events_is_recorded_too, what_was_written_without_a_record_is_written_again,
          every_failing_store_call_loses_and_doubles_nothing,
          every_failing_call_on_a_journal_loses_and_doubles_nothing,
          a_failing_batch_among_several_at_once_is_written_again, a_store_that_refuses_stops_the_service,
          a_log_that_is_ahead_of_the_journal_stops_it, a_log_of_other_journals_means_a_new_one,
          a_log_that_was_lost_stops_it, a_record_that_is_no_request_stops_it, survives_oom)

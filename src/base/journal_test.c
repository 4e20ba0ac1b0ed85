#include "base/journal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "failing_files.h"
#include "journal_records.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char folder[4200];

static void fresh_folder(void) {
  ctx = test_ctx();
  (void)snprintf(folder, sizeof folder, "%s/events", test_folder());
}

static firn_status open_with(firn_ctx *c, uint64_t segment_bytes, firn_journal **out) {
  firn_journal_options options = {.folder = folder, .kind = "events", .segment_bytes = segment_bytes};
  return firn_journal_open(&options, c, out, &err);
}

static firn_journal *open_journal(uint64_t segment_bytes) {
  firn_journal *j = NULL;
  CHECK_OK(open_with(ctx, segment_bytes, &j));
  return j;
}

static void add(firn_journal *j, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    CHECK_OK(journal_record_add(j, ctx, &err));
  }
}

static void sync_all(firn_journal *j) {
  uint64_t durable = 0;
  CHECK_OK(firn_journal_sync(j, ctx, &durable, &err));
  assert_int_equal(durable, firn_journal_next(j));
}

static uint64_t read_from(firn_journal *j, uint64_t from) {
  CHECK_OK(journal_records_read(j, ctx, &from, &err));
  return from;
}

/* --- what it does --- */

static void gives_what_was_synced(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0);
  assert_int_equal(firn_journal_next(j), 0);
  add(j, 100);
  assert_int_equal(read_from(j, 0), 0); /* nothing is durable yet */
  assert_int_equal(firn_journal_durable(j), 0);
  sync_all(j);
  add(j, 1);
  assert_int_equal(firn_journal_durable(j), 100);
  assert_int_equal(read_from(j, 0), 100);
  assert_int_equal(read_from(j, 57), 100);
  firn_journal_close(j);
}

static void a_reader_goes_on_where_it_was(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(2000);
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  CHECK_OK(firn_journal_reader_open(j, ctx, 0, &r, &err));
  for (uint64_t i = 0; i < 60; i++) {
    firn_journal_record record;
    bool is_there = true;
    CHECK_OK(firn_journal_reader_next(r, ctx, &record, &is_there, &err));
    assert_false(is_there);
    add(j, 1);
    sync_all(j);
    CHECK_OK(firn_journal_reader_next(r, ctx, &record, &is_there, &err));
    assert_true(is_there);
    assert_int_equal(record.position, i);
  }
  firn_journal_close(j);
  firn_journal_reader_close(FIRN_HAND_OVER(r)); /* its file is its own */
}

static void goes_on_after_an_open(void **state) {
  (void)state;
  fresh_folder();
  char id[64] = "";
  for (uint64_t round = 0; round < 5; round++) {
    firn_journal *j = open_journal(4096);
    uint64_t torn_bytes;
    assert_null(firn_journal_torn(j, &torn_bytes));
    assert_int_equal(firn_journal_next(j), round * 30);
    assert_int_equal(firn_journal_durable(j), round * 30);
    assert_true(round == 0 || strcmp(id, firn_journal_id(j)) == 0);
    (void)snprintf(id, sizeof id, "%s", firn_journal_id(j));
    add(j, 30);
    sync_all(j);
    assert_int_equal(read_from(j, 0), round * 30 + 30);
    firn_journal_close(j);
  }
}

static void frees_whole_segments(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(4096);
  add(j, 200);
  sync_all(j);
  uint64_t all = firn_journal_bytes(j, 0);
  assert_in_range(all, 200 * 250, 200 * 320);
  assert_int_equal(firn_journal_bytes(j, 200), 0);
  CHECK_OK(firn_journal_free_before(j, ctx, 100, &err));
  uint64_t first = firn_journal_first(j);
  assert_in_range(first, 80, 100);
  assert_true(firn_journal_bytes(j, 100) < all);
  assert_int_equal(read_from(j, first), 200);
  firn_journal_reader *r = NULL;
  CHECK_STATUS(firn_journal_reader_open(j, ctx, first - 1, &r, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("begins with record");
  CHECK_STATUS(firn_journal_reader_open(j, ctx, 201, &r, &err), FIRN_INVALID);
  CHECK_SAYS("ends before record 200");
  CHECK_OK(firn_journal_free_before(j, ctx, first, &err)); /* again: nothing to do */
  assert_int_equal(firn_journal_first(j), first);
  firn_journal_close(j);
}

static void the_position_outlives_every_record(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(4096);
  add(j, 200);
  sync_all(j);
  CHECK_OK(firn_journal_free_before(j, ctx, UINT64_MAX, &err));
  for (int i = 0; i < 3; i++) {
    firn_journal_close(j);
    j = open_journal(4096);
    assert_int_equal(firn_journal_next(j), 200);
    CHECK_OK(firn_journal_free_before(j, ctx, 200, &err));
    assert_in_range(firn_journal_first(j), 180, 200); /* the newest segment stays */
    assert_int_equal(read_from(j, 200), 200);
  }
  add(j, 3);
  sync_all(j);
  assert_int_equal(read_from(j, 200), 203);
  firn_journal_close(j);
}

static void takes_records_of_every_size(void **state) {
  (void)state;
  fresh_folder();
  static uint8_t bytes[300000];
  enum { MOST = sizeof bytes - 1 };
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)test_random();
  }
  static const size_t sizes[] = {0, 1, 7, 8, 9, 0, 65503, 65504, 65505, 262112, 262113, MOST, 3, MOST, 0};
  firn_journal_options options = {
      .folder = folder, .kind = "events", .segment_bytes = 100000, .max_record_bytes = MOST};
  firn_journal *j = NULL;
  for (int round = 0; round < 2; round++) { /* as added, then as an open has written it anew */
    CHECK_OK(firn_journal_open(&options, ctx, &j, &err));
    uint64_t position;
    for (size_t i = 0; round == 0 && i < FIRN_COUNT_OF(sizes); i++) {
      firn_bytes part = {bytes, sizes[i]};
      CHECK_OK(firn_journal_add(j, ctx, &part, sizes[i] == 0 ? i % 2 : 1, &position, &err));
    }
    CHECK_STATUS(firn_journal_add(j, ctx, &(firn_bytes){bytes, MOST + 1}, 1, &position, &err), FIRN_LIMIT);
    sync_all(j);
    FIRN_AUTO_JOURNAL_READER *r = NULL;
    CHECK_OK(firn_journal_reader_open(j, ctx, 0, &r, &err));
    for (size_t i = 0; i < FIRN_COUNT_OF(sizes); i++) {
      firn_journal_record record;
      bool is_there = false;
      CHECK_OK(firn_journal_reader_next(r, ctx, &record, &is_there, &err));
      assert_true(is_there);
      assert_true(firn_bytes_equal(record.bytes, (firn_bytes){bytes, sizes[i]}));
    }
    firn_journal_close(j);
  }
  options.max_record_bytes = 1000; /* never taken for damage */
  CHECK_STATUS(firn_journal_open(&options, ctx, &j, &err), FIRN_LIMIT);
}

static void one_opening_at_a_time(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0), *again = NULL;
  CHECK_STATUS(open_with(ctx, 0, &again), FIRN_BUSY);
  CHECK_SAYS("stop that one first");
  firn_journal_close(j);
  j = open_journal(0);
  firn_journal_close(j);
}

static void refuses_another_kind(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0);
  firn_journal_close(j);
  firn_journal_options options = {.folder = folder, .kind = "commits"};
  CHECK_STATUS(firn_journal_open(&options, ctx, &j, &err), FIRN_INVALID);
  CHECK_SAYS("a journal of \"events\", not of \"commits\"");
  options.kind = "a kind that is too long";
  CHECK_STATUS(firn_journal_open(&options, ctx, &j, &err), FIRN_INVALID);
}

static int64_t no_clock(void *self) {
  (void)self;
  fail_msg("somebody looks at the clock");
  return 0;
}

/* A clock that goes back an hour cannot harm what never looks at it. */
static void knows_no_clock(void **state) {
  (void)state;
  fresh_folder();
  firn_env env = *ctx->env;
  env.now_us = no_clock;
  env.monotonic_us = no_clock;
  firn_ctx timeless = FIRN_CTX_INIT(&env);
  ctx = &timeless;
  for (int i = 0; i < 2; i++) {
    firn_journal *j = open_journal(1000);
    add(j, 300);
    sync_all(j);
    CHECK_OK(firn_journal_free_before(j, ctx, 100, &err));
    (void)read_from(j, firn_journal_first(j));
    firn_journal_close(j);
  }
  ctx = test_ctx();
}

static void an_open_can_be_cancelled(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0);
  add(j, 10);
  sync_all(j);
  firn_journal_close(j);
  atomic_bool cancel = true;
  firn_ctx cancelled = *ctx;
  cancelled.cancel = &cancel;
  CHECK_STATUS(open_with(&cancelled, 0, &j), FIRN_CANCELLED);
  j = open_journal(0);
  assert_int_equal(firn_journal_next(j), 10);
  firn_journal_close(j);
}

static int run_number;

static firn_status use(void) {
  failing_files files; /* without syncs: there are many runs */
  failing_files_init(&files, test_ctx());
  files.skips_sync = true;
  (void)snprintf(folder, sizeof folder, "%s/%d", test_folder(), run_number++);
  firn_status status = FIRN_OK;
  for (int round = 0; round < 2 && status == FIRN_OK; round++) {
    firn_journal *j = NULL;
    status = open_with(&files.ctx, 1000, &j);
    for (int i = 0; i < 70 && status == FIRN_OK; i++) {
      status = journal_record_add(j, &files.ctx, &err);
    }
    if (status == FIRN_OK) {
      status = firn_journal_sync(j, &files.ctx, NULL, &err);
    }
    if (status == FIRN_OK) {
      uint64_t from = firn_journal_first(j);
      status = journal_records_read(j, &files.ctx, &from, &err);
    }
    if (status == FIRN_OK) {
      status = firn_journal_free_before(j, &files.ctx, 30, &err);
    }
    firn_journal_close(j);
  }
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(use);
}

/* --- many threads --- */

enum { N_ADDERS = 4, N_OF_EACH = 300 };

typedef struct crowd {
  firn_journal *j;
  _Atomic uint64_t read[2]; /* by each reader */
  _Atomic int n_failed;
} crowd;

typedef struct adder {
  crowd *crowd;
  uint32_t number;
} adder;

/* A record says who added it and as which of theirs, and is longer or shorter. */
static void *keep_adding(void *arg) {
  const adder *a = arg;
  firn_ctx c = FIRN_CTX_INIT(&firn_env_system);
  firn_error e;
  for (uint32_t i = 0; i < N_OF_EACH; i++) {
    uint8_t bytes[400] = {0};
    memcpy(bytes, &a->number, sizeof a->number);
    memcpy(bytes + sizeof a->number, &i, sizeof i);
    uint64_t position, durable = 0;
    firn_bytes part = {bytes, 8 + (i * 13 + a->number) % 390};
    if (firn_journal_add(a->crowd->j, &c, &part, 1, &position, &e) != FIRN_OK ||
        (i % 3 == 0 &&
         (firn_journal_sync(a->crowd->j, &c, &durable, &e) != FIRN_OK || durable <= position))) {
      a->crowd->n_failed++;
    }
  }
  return NULL;
}

/* Everybody's records come in their order, each once. */
static void *keep_reading(void *arg) {
  crowd *c = ((adder *)arg)->crowd;
  uint32_t who = ((adder *)arg)->number, seen[N_ADDERS] = {0};
  firn_ctx own = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  firn_error e;
  c->n_failed += firn_journal_reader_open(c->j, &own, 0, &r, &e) != FIRN_OK;
  for (uint64_t n = 0; n < N_ADDERS * N_OF_EACH && c->n_failed == 0;) {
    firn_journal_record record;
    bool is_there = false;
    uint32_t number, i;
    c->n_failed += firn_journal_reader_next(r, &own, &record, &is_there, &e) != FIRN_OK;
    if (!is_there || c->n_failed > 0) {
      (void)usleep(100);
      continue;
    }
    memcpy(&number, record.bytes.data, sizeof number);
    memcpy(&i, record.bytes.data + sizeof number, sizeof i);
    if (record.position != n || number >= N_ADDERS || seen[number]++ != i ||
        record.bytes.len != 8 + (i * 13 + number) % 390) {
      c->n_failed++;
    }
    c->read[who] = ++n;
  }
  return NULL;
}

static void *keep_freeing(void *arg) {
  crowd *c = arg;
  firn_ctx own = FIRN_CTX_INIT(&firn_env_system);
  firn_error e;
  uint64_t both;
  do {
    uint64_t a = c->read[0], b = c->read[1];
    both = a < b ? a : b;
    c->n_failed += firn_journal_free_before(c->j, &own, both, &e) != FIRN_OK;
    (void)usleep(300);
  } while (both < N_ADDERS * N_OF_EACH && c->n_failed == 0);
  return NULL;
}

static void threads_share_it(void **state) {
  (void)state;
  fresh_folder();
  crowd c = {.j = open_journal(5000)};
  adder adders[N_ADDERS + 2];
  pthread_t threads[N_ADDERS + 3];
  for (uint32_t i = 0; i < N_ADDERS + 2; i++) {
    bool adds = i < N_ADDERS;
    adders[i] = (adder){&c, adds ? i : i - N_ADDERS};
    assert_int_equal(pthread_create(&threads[i], NULL, adds ? keep_adding : keep_reading, &adders[i]), 0);
  }
  assert_int_equal(pthread_create(&threads[N_ADDERS + 2], NULL, keep_freeing, &c), 0);
  for (uint32_t i = 0; i < N_ADDERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  CHECK_OK(firn_journal_sync(c.j, ctx, NULL, &err)); /* what the last ones did not */
  for (uint32_t i = N_ADDERS; i < N_ADDERS + 3; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(c.n_failed, 0);
  assert_true(firn_journal_first(c.j) > 0);
  firn_journal_close(c.j);
}

static void *sync_until_told(void *arg) {
  firn_journal *j = ((crowd *)arg)->j;
  firn_ctx c = FIRN_CTX_INIT(&firn_env_system);
  firn_error e;
  uint64_t position;
  firn_status status = FIRN_OK;
  while (status == FIRN_OK) {
    status = firn_journal_add(j, &c, &FIRN_LITERAL("x"), 1, &position, &e);
    status = status == FIRN_OK ? firn_journal_sync(j, &c, NULL, &e) : status;
  }
  ((crowd *)arg)->n_failed += status == FIRN_UNCERTAIN;
  return NULL;
}

/* Whoever waits for a sync that fails, or for the one after it, is told. */
static void a_failed_sync_reaches_everybody(void **state) {
  (void)state;
  fresh_folder();
  failing_files files;
  failing_files_init(&files, ctx);
  crowd c = {.j = NULL};
  CHECK_OK(open_with(&files.ctx, 0, &c.j));
  files.only = "sync";
  failing_files_fail(&files, 20, SIZE_MAX);
  pthread_t threads[8];
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, sync_until_told, &c), 0);
  }
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  assert_int_equal(c.n_failed, 8);
  firn_journal_close(c.j);
}

static void callers_share_syncs(void **state) {
  (void)state;
  fresh_folder();
  failing_files files;
  failing_files_init(&files, ctx);
  crowd c = {.j = NULL};
  CHECK_OK(open_with(&files.ctx, 0, &c.j));
  size_t before = files.n_syncs;
  for (uint64_t i = 0; i < 50; i++) {
    CHECK_OK(journal_record_add(c.j, &files.ctx, &err));
  }
  for (int i = 0; i < 10; i++) {
    sync_all(c.j);
  }
  assert_int_equal(files.n_syncs - before, 1); /* what is durable is not synced again */
  firn_journal_close(c.j);
}

RUN_TESTS(gives_what_was_synced, a_reader_goes_on_where_it_was, goes_on_after_an_open, frees_whole_segments,
          the_position_outlives_every_record, takes_records_of_every_size, one_opening_at_a_time,
          refuses_another_kind, knows_no_clock, an_open_can_be_cancelled, survives_oom, threads_share_it,
          a_failed_sync_reaches_everybody, callers_share_syncs)

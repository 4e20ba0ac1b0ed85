#include <pthread.h>
#include <stdio.h>

#include "commitlog/commitlog.h"
#include "failing_files.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char folder[4200];

static firn_commit_log *open_log(void) {
  firn_commit_log *log = NULL;
  CHECK_OK(firn_local_commit_log_open(folder, ctx, &log, &err));
  return log;
}

static firn_commit_log *fresh_log(void) {
  ctx = test_ctx();
  (void)snprintf(folder, sizeof folder, "%s/commits", test_folder());
  return open_log();
}

static void append(firn_commit_log *log, const char *text, uint64_t position) {
  firn_log_position at;
  CHECK_OK(firn_commit_log_append(log, ctx, firn_bytes_of(text), &at, &err));
  assert_int_equal(at.partition, 0);
  assert_int_equal(at.next, position);
}

/* A record of a megabyte, so that a few fill a segment. */
static void append_large(firn_commit_log *log, uint8_t with) {
  static uint8_t bytes[1 << 20];
  memset(bytes, with, sizeof bytes);
  firn_log_position at;
  CHECK_OK(firn_commit_log_append(log, ctx, (firn_bytes){bytes, sizeof bytes}, &at, &err));
}

typedef struct one {
  firn_log_position item;
  firn_log_positions list;
} one;

static const firn_log_positions *at(uint64_t next) {
  static one p;
  p = (one){.item = {.partition = 0, .next = next}, .list = {.n = 1, .items = &p.item}};
  return &p.list;
}

static void range_of(firn_commit_log *log, uint64_t *first, uint64_t *next) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_log_positions from, to;
  CHECK_OK(firn_commit_log_range(log, ctx, &arena, &from, &to, &err));
  assert_true(from.n == 1 && to.n == 1 && from.items[0].partition == 0 && to.items[0].partition == 0);
  *first = from.items[0].next;
  *next = to.items[0].next;
}

static firn_commit_log_consumer *consumer(firn_commit_log *log, const char *name,
                                          const firn_log_positions *from) {
  firn_commit_log_consumer *c = NULL;
  CHECK_OK(firn_commit_log_consumer_add(log, ctx, name, from, &c, &err));
  return c;
}

static void check_next(firn_commit_log_reader *r, const char *text, uint64_t position) {
  firn_commit_log_record record;
  bool is_there = false;
  CHECK_OK(firn_commit_log_reader_next(r, ctx, &record, &is_there, &err));
  assert_int_equal(is_there, text != NULL);
  if (is_there) {
    CHECK_BYTES(record.bytes, text);
    assert_int_equal(record.partition, 0);
    assert_int_equal(record.position, position);
  }
}

static void appends_and_reads(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  append(log, "one", 0);
  append(log, "two", 1);
  FIRN_AUTO_COMMIT_LOG_READER *r = NULL;
  CHECK_OK(firn_commit_log_reader_open(log, ctx, NULL, &r, &err));
  check_next(r, "one", 0);
  check_next(r, "two", 1);
  check_next(r, NULL, 0);
  append(log, "three", 2);
  check_next(r, "three", 2);
  firn_commit_log_reader_close(FIRN_HAND_OVER(r));
  CHECK_OK(firn_commit_log_reader_open(log, ctx, at(1), &r, &err));
  check_next(r, "two", 1);
  firn_commit_log_reader_close(FIRN_HAND_OVER(r));
  firn_commit_log_close(log);
}

static void is_the_same_after_an_open(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  char id[64];
  (void)snprintf(id, sizeof id, "%s", log->id);
  assert_int_equal(strlen(id), 36);
  append(log, "one", 0);
  firn_commit_log_close(log);
  log = open_log();
  assert_string_equal(log->id, id);
  append(log, "two", 1);
  uint64_t first, next;
  range_of(log, &first, &next);
  assert_true(first == 0 && next == 2);
  FIRN_AUTO_COMMIT_LOG_READER *r = NULL;
  CHECK_OK(firn_commit_log_reader_open(log, ctx, at(0), &r, &err));
  check_next(r, "one", 0);
  check_next(r, "two", 1);
  firn_commit_log_reader_close(FIRN_HAND_OVER(r));
  firn_commit_log_close(log);
}

static void a_position_that_is_not_there_is_refused(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  append(log, "one", 0);
  firn_commit_log_reader *r = NULL;
  firn_commit_log_consumer *c = NULL;
  CHECK_STATUS(firn_commit_log_reader_open(log, ctx, at(2), &r, &err), FIRN_INVALID);
  CHECK_SAYS("not the journal that it was");
  CHECK_STATUS(firn_commit_log_consumer_add(log, ctx, "indexer", at(2), &c, &err), FIRN_INVALID);
  CHECK_SAYS("the commit log's consumer indexer");
  firn_log_position other = {.partition = 3};
  firn_log_positions list = {.n = 1, .items = &other};
  CHECK_STATUS(firn_commit_log_reader_open(log, ctx, &list, &r, &err), FIRN_INVALID);
  CHECK_SAYS("partition 3");
  CHECK_OK(firn_commit_log_reader_open(log, ctx, at(1), &r, &err)); /* the one to come */
  check_next(r, NULL, 0);
  firn_commit_log_reader_close(r);
  firn_commit_log_close(log);
}

static void a_record_goes_once_all_have_passed_it(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  for (int i = 0; i < 20; i++) {
    append_large(log, (uint8_t)i);
  }
  firn_commit_log_consumer *committer = consumer(log, "committer", NULL),
                           *indexer = consumer(log, "indexer", at(5));
  uint64_t first, next;
  CHECK_OK(firn_commit_log_consumer_advance(indexer, ctx, at(20), &err));
  range_of(log, &first, &next);
  assert_true(first == 0 && next == 20);
  CHECK_OK(firn_commit_log_consumer_advance(committer, ctx, at(10), &err));
  range_of(log, &first, &next);
  assert_in_range(first, 7, 10);
  CHECK_OK(firn_commit_log_consumer_advance(committer, ctx, at(4), &err)); /* behind where it is: nothing */
  CHECK_STATUS(firn_commit_log_consumer_advance(committer, ctx, at(21), &err), FIRN_INVALID);
  CHECK_SAYS("committer is to pass record 20");
  firn_commit_log_consumer_close(committer); /* it is not done: its records stay */
  CHECK_OK(firn_commit_log_consumer_advance(indexer, ctx, at(20), &err));
  uint64_t kept = first;
  range_of(log, &first, &next);
  assert_int_equal(first, kept);
  firn_commit_log_reader *r = NULL;
  CHECK_STATUS(firn_commit_log_reader_open(log, ctx, at(first - 1), &r, &err), FIRN_NOT_FOUND);
  committer = consumer(log, "committer", at(10)); /* it comes back */
  firn_commit_log_consumer *again = NULL;
  CHECK_STATUS(firn_commit_log_consumer_add(log, ctx, "committer", NULL, &again, &err), FIRN_EXISTS);
  CHECK_OK(firn_commit_log_consumer_advance(committer, ctx, at(20), &err));
  range_of(log, &first, &next);
  assert_in_range(first, 16, 20);
  firn_commit_log_close(log);
  log = open_log(); /* who consumes is not remembered */
  committer = consumer(log, "committer", at(20));
  range_of(log, &first, &next);
  assert_int_equal(next, 20);
  firn_commit_log_consumer_close(committer);
  firn_commit_log_close(log);
}

static void an_append_that_may_be_there_is_uncertain(void **state) {
  (void)state;
  firn_commit_log_close(fresh_log());
  failing_files files;
  failing_files_init(&files, ctx);
  firn_commit_log *log = NULL;
  CHECK_OK(firn_local_commit_log_open(folder, &files.ctx, &log, &err));
  files.only = "sync";
  failing_files_fail(&files, 0, 1);
  firn_log_position where;
  CHECK_STATUS(firn_commit_log_append(log, &files.ctx, FIRN_LITERAL("x"), &where, &err), FIRN_UNCERTAIN);
  CHECK_STATUS(firn_commit_log_append(log, &files.ctx, FIRN_LITERAL("y"), &where, &err), FIRN_UNCERTAIN);
  uint64_t first, next;
  range_of(log, &first, &next);
  assert_int_equal(next, 0); /* nothing of it is shown */
  firn_commit_log_close(log);
  log = open_log();
  range_of(log, &first, &next);
  assert_int_equal(next, 1); /* now it is known: it was there */
  firn_commit_log_close(log);
}

static int run_number;

static firn_status use(void) {
  failing_files files;
  failing_files_init(&files, test_ctx());
  files.skips_sync = true;
  (void)snprintf(folder, sizeof folder, "%s/%d", test_folder(), run_number++);
  firn_commit_log *log = NULL;
  FIRN_TRY(firn_local_commit_log_open(folder, &files.ctx, &log, &err));
  firn_commit_log_consumer *c = NULL;
  FIRN_AUTO_COMMIT_LOG_READER *r = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_log_positions first, next;
  firn_log_position where;
  firn_commit_log_record record;
  bool is_there;
  firn_status status = firn_commit_log_append(log, &files.ctx, FIRN_LITERAL("one"), &where, &err);
  if (status == FIRN_OK) {
    status = firn_commit_log_consumer_add(log, &files.ctx, "committer", NULL, &c, &err);
  }
  if (status == FIRN_OK) {
    status = firn_commit_log_range(log, &files.ctx, &arena, &first, &next, &err);
  }
  if (status == FIRN_OK) {
    status = firn_commit_log_reader_open(log, &files.ctx, &first, &r, &err);
  }
  if (status == FIRN_OK) {
    status = firn_commit_log_reader_next(r, &files.ctx, &record, &is_there, &err);
  }
  if (status == FIRN_OK) {
    status = firn_commit_log_consumer_advance(c, &files.ctx, &next, &err);
  }
  firn_commit_log_consumer_close(c);
  firn_commit_log_reader_close(FIRN_HAND_OVER(r));
  firn_commit_log_close(log);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(use);
}

/* --- threads --- */

enum { N_RECORDS = 200 };

typedef struct shared {
  firn_commit_log *log;
  const char *name;
  int n_failed; /* of one thread */
} shared;

static void *keep_appending(void *arg) {
  shared *s = arg;
  firn_ctx c = FIRN_CTX_INIT(&firn_env_system);
  firn_error e;
  for (int i = 0; i < N_RECORDS / 2; i++) {
    firn_log_position where;
    s->n_failed += firn_commit_log_append(s->log, &c, FIRN_LITERAL("a record"), &where, &e) != FIRN_OK;
  }
  return NULL;
}

static void *keep_consuming(void *arg) {
  shared *s = arg;
  firn_ctx c = FIRN_CTX_INIT(&firn_env_system);
  firn_error e;
  firn_commit_log_consumer *me = NULL;
  FIRN_AUTO_COMMIT_LOG_READER *r = NULL;
  s->n_failed += firn_commit_log_consumer_add(s->log, &c, s->name, NULL, &me, &e) != FIRN_OK;
  s->n_failed += firn_commit_log_reader_open(s->log, &c, NULL, &r, &e) != FIRN_OK;
  for (uint64_t n = 0; n < N_RECORDS && s->n_failed == 0;) {
    firn_commit_log_record record;
    bool is_there = false;
    s->n_failed += firn_commit_log_reader_next(r, &c, &record, &is_there, &e) != FIRN_OK;
    if (is_there) {
      s->n_failed += record.position != n;
      firn_log_position passed = {.partition = 0, .next = ++n};
      s->n_failed +=
          firn_commit_log_consumer_advance(me, &c, &(firn_log_positions){1, &passed}, &e) != FIRN_OK;
    }
  }
  firn_commit_log_consumer_close(me);
  return NULL;
}

static void threads_share_it(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  shared all[4] = {{.log = log}, {.log = log}, {.log = log, .name = "a"}, {.log = log, .name = "b"}};
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? keep_appending : keep_consuming, &all[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(all[i].n_failed, 0);
  }
  firn_commit_log_close(log);
}

RUN_TESTS(appends_and_reads, is_the_same_after_an_open, a_position_that_is_not_there_is_refused,
          a_record_goes_once_all_have_passed_it, an_append_that_may_be_there_is_uncertain, survives_oom,
          threads_share_it)

#include <stdio.h>

#include "commitlog/commitlog.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char folder[4096];

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

static void append(firn_commit_log *log, const char *text) {
  firn_log_position at;
  CHECK_OK(firn_commit_log_append(log, ctx, firn_bytes_of(text), &at, &err));
  assert_int_equal(at.partition, 0);
}

static void appends_and_reads(void **state) {
  (void)state;
  firn_commit_log *log = fresh_log();
  append(log, "one");
  append(log, "two");
  FIRN_AUTO_COMMIT_LOG_READER *r = NULL;
  CHECK_OK(firn_commit_log_reader_open(log, ctx, NULL, &r, &err));
  firn_commit_log_record record;
  bool is_there = false;
  CHECK_OK(firn_commit_log_reader_next(r, ctx, &record, &is_there, &err));
  assert_true(is_there);
  CHECK_BYTES(record.bytes, "one");
  CHECK_OK(firn_commit_log_reader_next(r, ctx, &record, &is_there, &err));
  CHECK_BYTES(record.bytes, "two");
  assert_int_equal(record.position, 1);
  CHECK_OK(firn_commit_log_reader_next(r, ctx, &record, &is_there, &err));
  assert_false(is_there);
  append(log, "three");
  CHECK_OK(firn_commit_log_reader_next(r, ctx, &record, &is_there, &err));
  CHECK_BYTES(record.bytes, "three");
  firn_commit_log_reader_close(FIRN_HAND_OVER(r));
  firn_commit_log_close(log);
}

RUN_TESTS(appends_and_reads)

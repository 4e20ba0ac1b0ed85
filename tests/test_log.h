/* A commit log in memory for tests: one partition, every call may be made to fail, and what all consumers
 * have passed is freed to the record. Header only. */
#ifndef FIRN_TEST_LOG_H
#define FIRN_TEST_LOG_H

#include "test.h"

#include "commitlog/commitlog.h"

enum { TEST_LOG_CONSUMERS = 4 };

struct test_log_reader;

typedef struct test_log {
  firn_commit_log base;
  uint64_t first, next;
  size_t capacity;
  firn_bytes *records; /* by position; freed ones are {NULL, 0} */
  struct {
    bool is_there;
    uint64_t next;
    firn_commit_log_consumer base;
  } consumers[TEST_LOG_CONSUMERS];
  /* What goes wrong: call number `fail_at` (from 0) of all but appends answers `fail_with`. */
  size_t n_calls, fail_at;
  firn_status fail_with;
} test_log;

typedef struct test_log_reader {
  firn_commit_log_reader base;
  uint64_t next;
} test_log_reader;

static bool test_log_fails(test_log *log, firn_error *err) {
  if (log->n_calls++ != log->fail_at) {
    return false;
  }
  FIRN_IGNORE(firn_error_set(err, log->fail_with, "injected fault of the log"));
  return true;
}

static firn_status test_log_append(firn_commit_log *self, firn_ctx *ctx, firn_bytes record,
                                   firn_log_position *at, firn_error *err) {
  test_log *log = (test_log *)self;
  (void)ctx;
  if (log->next == log->capacity) {
    size_t capacity = log->capacity * 2 + 64;
    firn_bytes *records = firn_realloc(log->records, capacity * sizeof *records);
    if (records == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory");
    }
    log->records = records;
    log->capacity = capacity;
  }
  uint8_t *copy = firn_alloc(record.len + 1);
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  memcpy(copy, record.data, record.len);
  *at = (firn_log_position){.next = log->next};
  log->records[log->next++] = (firn_bytes){copy, record.len};
  return FIRN_OK;
}

static firn_status test_log_range(firn_commit_log *self, firn_ctx *ctx, firn_arena *arena,
                                  firn_log_positions *first, firn_log_positions *next, firn_error *err) {
  test_log *log = (test_log *)self;
  (void)ctx;
  firn_log_position *both = firn_new_n(arena, firn_log_position, 2);
  if (both == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  if (test_log_fails(log, err)) {
    return log->fail_with;
  }
  both[0].next = log->first;
  both[1].next = log->next;
  *first = (firn_log_positions){1, &both[0]};
  *next = (firn_log_positions){1, &both[1]};
  return FIRN_OK;
}

static firn_status test_log_reader_open(firn_commit_log *self, firn_ctx *ctx, const firn_log_positions *from,
                                        firn_commit_log_reader **out, firn_error *err) {
  test_log *log = (test_log *)self;
  uint64_t at = from->n == 0 ? log->first : from->items[0].next;
  (void)ctx;
  if (test_log_fails(log, err)) {
    return log->fail_with;
  }
  if (at < log->first || at > log->next) {
    return firn_error_set(err, at < log->first ? FIRN_NOT_FOUND : FIRN_INVALID, "not in the log");
  }
  test_log_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  *r = (test_log_reader){.base.log = self, .next = at};
  *out = &r->base;
  return FIRN_OK;
}

static firn_status test_log_reader_next(firn_commit_log_reader *self, firn_ctx *ctx,
                                        firn_commit_log_record *out, bool *is_there, firn_error *err) {
  test_log_reader *r = (test_log_reader *)self;
  test_log *log = (test_log *)self->log;
  (void)ctx;
  *is_there = r->next < log->next;
  if (!*is_there) {
    return FIRN_OK;
  }
  if (r->next < log->first) {
    return firn_error_set(err, FIRN_NOT_FOUND, "freed under its reader");
  }
  *out = (firn_commit_log_record){.position = r->next, .bytes = log->records[r->next]};
  r->next++; /* a reader that fails may have passed the record */
  return test_log_fails(log, err) ? log->fail_with : FIRN_OK;
}

static void test_log_reader_close(firn_commit_log_reader *self) {
  firn_free(self);
}

static firn_status test_log_consumer_add(firn_commit_log *self, firn_ctx *ctx, const char *name,
                                         const firn_log_positions *from, firn_commit_log_consumer **out,
                                         firn_error *err) {
  test_log *log = (test_log *)self;
  (void)ctx;
  (void)name;
  if (test_log_fails(log, err)) {
    return log->fail_with;
  }
  for (size_t i = 0; i < TEST_LOG_CONSUMERS; i++) {
    if (!log->consumers[i].is_there) {
      log->consumers[i].is_there = true;
      log->consumers[i].next = from->items[0].next;
      log->consumers[i].base.log = self;
      *out = &log->consumers[i].base;
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_LIMIT, "too many consumers for a test");
}

static firn_status test_log_consumer_advance(firn_commit_log_consumer *self, firn_ctx *ctx,
                                             const firn_log_positions *to, firn_error *err) {
  test_log *log = (test_log *)self->log;
  uint64_t least = log->next;
  (void)ctx;
  if (test_log_fails(log, err)) {
    return log->fail_with;
  }
  for (size_t i = 0; i < TEST_LOG_CONSUMERS; i++) {
    uint64_t *next = &log->consumers[i].next;
    if (&log->consumers[i].base == self) {
      assert_true(to->items[0].next >= *next && to->items[0].next <= log->next);
      *next = to->items[0].next;
    }
    least = log->consumers[i].is_there && *next < least ? *next : least;
  }
  for (; log->first < least; log->first++) {
    firn_free((void *)(uintptr_t)log->records[log->first].data);
    log->records[log->first] = (firn_bytes){0};
  }
  return FIRN_OK;
}

static void test_log_consumer_close(firn_commit_log_consumer *self) {
  test_log *log = (test_log *)self->log;
  for (size_t i = 0; i < TEST_LOG_CONSUMERS; i++) {
    if (&log->consumers[i].base == self) {
      log->consumers[i].is_there = false;
    }
  }
}

static FIRN_UNUSED void test_log_free(test_log *log) {
  for (uint64_t i = log->first; i < log->next; i++) {
    firn_free((void *)(uintptr_t)log->records[i].data);
  }
  firn_free(log->records);
  *log = (test_log){0};
}
#define FIRN_AUTO_TEST_LOG FIRN_AUTO(test_log_free) test_log

static FIRN_UNUSED void test_log_init(test_log *log) {
  static const firn_commit_log_ops ops = {
      .kind = "test",
      .append = test_log_append,
      .range = test_log_range,
      .reader_open = test_log_reader_open,
      .reader_next = test_log_reader_next,
      .reader_close = test_log_reader_close,
      .consumer_add = test_log_consumer_add,
      .consumer_advance = test_log_consumer_advance,
      .consumer_close = test_log_consumer_close,
  };
  *log = (test_log){.base = {.ops = &ops, .id = "0197f1a2-0000-7000-8000-00000000c001"},
                    .fail_at = SIZE_MAX,
                    .fail_with = FIRN_IO};
}

#endif

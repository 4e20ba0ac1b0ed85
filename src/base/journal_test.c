#include "base/journal.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char folder[4096];

static void fresh_folder(void) {
  ctx = test_ctx();
  (void)snprintf(folder, sizeof folder, "%s/events", test_folder());
}

static firn_journal *open_journal(uint64_t segment_bytes) {
  firn_journal_options options = {.folder = folder, .kind = "events", .segment_bytes = segment_bytes};
  firn_journal *j = NULL;
  CHECK_OK(firn_journal_open(&options, ctx, &j, &err));
  return j;
}

/* Record `i` is made of its number, so that any can be checked alone. */
static size_t fill(uint64_t i, uint8_t *into) {
  size_t len = (size_t)(i * 37 % 500);
  for (size_t k = 0; k < len; k++) {
    into[k] = (uint8_t)(i * 7 + k);
  }
  return len;
}

static void add_records(firn_journal *j, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    uint8_t bytes[512];
    uint64_t expected = firn_journal_next(j), position = UINT64_MAX;
    size_t len = fill(expected, bytes), half = len / 2;
    firn_bytes parts[] = {{bytes, half}, {NULL, 0}, {bytes + half, len - half}};
    CHECK_OK(firn_journal_add(j, ctx, parts, 3, &position, &err));
    assert_int_equal(position, expected);
  }
}

/* Records from `from` on, as many as there are; each must be right. The position behind the last. */
static uint64_t read_records(firn_journal *j, uint64_t from) {
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  CHECK_OK(firn_journal_reader_open(j, ctx, from, &r, &err));
  for (;;) {
    firn_journal_record record;
    bool is_there;
    CHECK_OK(firn_journal_reader_next(r, ctx, &record, &is_there, &err));
    if (!is_there) {
      return from;
    }
    uint8_t bytes[512];
    size_t len = fill(from, bytes);
    assert_int_equal(record.position, from);
    assert_true(firn_bytes_equal(record.bytes, (firn_bytes){bytes, len}));
    from++;
  }
}

static void gives_what_was_synced(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0);
  assert_int_equal(firn_journal_next(j), 0);
  add_records(j, 100);
  assert_int_equal(read_records(j, 0), 0); /* nothing is durable yet */
  uint64_t durable = 0;
  CHECK_OK(firn_journal_sync(j, ctx, &durable, &err));
  assert_int_equal(durable, 100);
  add_records(j, 1);
  assert_int_equal(read_records(j, 0), 100);
  assert_int_equal(read_records(j, 57), 100);
  firn_journal_close(j);
}

static void goes_on_after_an_open(void **state) {
  (void)state;
  fresh_folder();
  char id[64] = "";
  for (uint64_t round = 0; round < 5; round++) {
    firn_journal *j = open_journal(4096);
    assert_int_equal(firn_journal_next(j), round * 30);
    assert_int_equal(firn_journal_durable(j), round * 30);
    assert_true(round == 0 || strcmp(id, firn_journal_id(j)) == 0);
    (void)snprintf(id, sizeof id, "%s", firn_journal_id(j));
    add_records(j, 30);
    CHECK_OK(firn_journal_sync(j, ctx, NULL, &err));
    assert_int_equal(read_records(j, 0), round * 30 + 30);
    firn_journal_close(j);
  }
}

static void frees_whole_segments(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(4096);
  add_records(j, 200);
  CHECK_OK(firn_journal_sync(j, ctx, NULL, &err));
  uint64_t all = firn_journal_bytes(j, 0);
  assert_true(all > 200 * 250 && all < 200 * 320);
  CHECK_OK(firn_journal_free_before(j, ctx, 100, &err));
  uint64_t first = firn_journal_first(j);
  assert_true(first > 70 && first <= 100);
  assert_true(firn_journal_bytes(j, 100) < all);
  assert_int_equal(read_records(j, first), 200);
  firn_journal_reader *r = NULL;
  CHECK_STATUS(firn_journal_reader_open(j, ctx, first - 1, &r, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_journal_reader_open(j, ctx, 201, &r, &err), FIRN_INVALID);
  CHECK_OK(firn_journal_free_before(j, ctx, 200, &err));
  firn_journal_close(j);
  j = open_journal(4096);
  assert_int_equal(firn_journal_next(j), 200);
  firn_journal_close(j);
}

static void one_opening_at_a_time(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0), *again = NULL;
  firn_journal_options options = {.folder = folder, .kind = "events"};
  CHECK_STATUS(firn_journal_open(&options, ctx, &again, &err), FIRN_BUSY);
  CHECK_SAYS("stop that one first");
  firn_journal_close(j);
  options.kind = "commits";
  CHECK_STATUS(firn_journal_open(&options, ctx, &again, &err), FIRN_INVALID);
  CHECK_SAYS("a journal of \"events\"");
}

static void a_torn_end_is_put_aside(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = open_journal(0);
  add_records(j, 10);
  CHECK_OK(firn_journal_sync(j, ctx, NULL, &err));
  firn_journal_close(j);
  char path[4200];
  (void)snprintf(path, sizeof path, "%s/00000000000000000000.log", folder);
  firn_file_info info;
  CHECK_OK(firn_file_stat(ctx, path, &info, &err));
  assert_int_equal(truncate(path, (off_t)info.size_bytes - 3), 0);
  j = open_journal(0);
  uint64_t torn_bytes;
  assert_non_null(strstr(firn_journal_torn(j, &torn_bytes), ".torn-1"));
  assert_true(torn_bytes > 0);
  assert_int_equal(firn_journal_next(j), 9);
  add_records(j, 5);
  CHECK_OK(firn_journal_sync(j, ctx, NULL, &err));
  assert_int_equal(read_records(j, 0), 14);
  firn_journal_close(j);
}

RUN_TESTS(gives_what_was_synced, goes_on_after_an_open, frees_whole_segments, one_opening_at_a_time,
          a_torn_end_is_put_aside)

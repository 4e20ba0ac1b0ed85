#include <stdio.h>

#include "index/index.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;

static firn_index *begin(void) {
  static char path[4200];
  firn_index *index = NULL;
  ctx = test_ctx();
  (void)snprintf(path, sizeof path, "%s/index.db", test_folder());
  CHECK_OK(firn_sqlite_index_open(path, ctx, &index, &err));
  return index;
}

static void add(firn_index_load *l, const char *subject, bool has_time, int64_t row) {
  firn_index_row r = {.subject = firn_bytes_of(subject),
                      .has_time = has_time,
                      .time_us = has_time ? 1000 + row : 0,
                      .type = FIRN_LITERAL("t"),
                      .id = FIRN_LITERAL("same"),
                      .source = FIRN_LITERAL("/s"),
                      .producer = FIRN_LITERAL("p"),
                      .data_content_type = FIRN_LITERAL("a/b"),
                      .data_version = FIRN_LITERAL("v"),
                      .extras = firn_bytes_of(row == 2 ? "{\"x\":1}" : "{}"),
                      .row = row};
  CHECK_OK(firn_index_load_row(l, ctx, &r, &err));
}

static void load(firn_index *index) {
  FIRN_AUTO_INDEX_LOAD *l = NULL;
  CHECK_OK(firn_index_load_begin(index, ctx, &l, &err));
  CHECK_OK(firn_index_load_file(l, ctx, "a.b", "gone.parquet", &err));
  add(l, "of gone", true, 0);
  CHECK_OK(firn_index_load_file(l, ctx, "a.b", "one.parquet", &err));
  add(l, "one 0", true, 0);
  add(l, "one 2", false, 2); /* without 1 */
  CHECK_OK(firn_index_load_file(l, ctx, "a.b", "two.parquet", &err));
  add(l, "one 0", true, 0); /* the same event once more: this one is found by a search */
  CHECK_OK(firn_index_load_gone(l, ctx, "gone.parquet", &err));
  CHECK_OK(firn_index_load_commit(l, ctx, &err));
}

static bool find(firn_index *index, const char *path, int64_t row, firn_arena *arena, firn_index_row *out) {
  bool is_there = false;
  CHECK_OK(firn_index_row_at(index, ctx, firn_bytes_of(path), row, arena, out, &is_there, &err));
  return is_there;
}

static void a_row_is_found_by_its_key(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_INDEX *index = begin();
  firn_index_row row;
  load(index);
  assert_true(find(index, "one.parquet", 0, &arena, &row));
  CHECK_BYTES(row.subject, "one 0");
  CHECK_BYTES(row.type, "t");
  CHECK_BYTES(row.id, "same");
  CHECK_BYTES(row.source, "/s");
  CHECK_BYTES(row.producer, "p");
  CHECK_BYTES(row.data_content_type, "a/b");
  CHECK_BYTES(row.data_version, "v");
  CHECK_BYTES(row.extras, "{}");
  assert_true(row.has_time);
  assert_int_equal(row.time_us, 1000);
  assert_true(find(index, "one.parquet", 2, &arena, &row));
  CHECK_BYTES(row.extras, "{\"x\":1}");
  assert_false(row.has_time);
  assert_int_equal(row.row, 2);
  assert_true(find(index, "two.parquet", 0, &arena, &row));
}

static void what_is_not_there_is_not_found(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_INDEX *index = begin();
  firn_index_row row;
  load(index);
  assert_false(find(index, "gone.parquet", 0, &arena, &row));
  assert_false(find(index, "one.parquet", 1, &arena, &row));
  assert_false(find(index, "one.parquet", 3, &arena, &row)); /* the next file's */
  assert_false(find(index, "two.parquet", 1, &arena, &row));
  assert_false(find(index, "two.parquet", INT64_MAX, &arena, &row));
  assert_false(find(index, "three.parquet", 0, &arena, &row));
  assert_false(find(index, "", 0, &arena, &row));
}

static firn_index *shared;

static firn_status find_one(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_row row;
  bool is_there = false;
  FIRN_TRY(firn_index_row_at(shared, ctx, FIRN_LITERAL("one.parquet"), 2, &arena, &row, &is_there, &err));
  assert_true(is_there);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  shared = begin();
  load(shared);
  check_survives_oom(find_one);
  firn_index_close(shared);
}

RUN_TESTS(a_row_is_found_by_its_key, what_is_not_there_is_not_found, survives_oom)

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "db/sqlite.h"
#include "index/index.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char path[4200];

static firn_index *open_index(void) {
  firn_index *index = NULL;
  CHECK_OK(firn_sqlite_index_open(path, ctx, &index, &err));
  return index;
}

static firn_index *begin(void) {
  ctx = test_ctx();
  (void)snprintf(path, sizeof path, "%s/index.db", test_folder());
  return open_index();
}

static firn_index_load *begin_load(firn_index *index) {
  firn_index_load *l = NULL;
  CHECK_OK(firn_index_load_begin(index, ctx, &l, &err));
  return l;
}

static void commit(firn_index_load *l) {
  CHECK_OK(firn_index_load_commit(l, ctx, &err));
  firn_index_load_close(l);
}

static firn_index_row row_of(const char *subject, int64_t time_us, const char *type, const char *id,
                             int64_t row) {
  return (firn_index_row){.subject = firn_bytes_of(subject),
                          .has_time = time_us != 0,
                          .time_us = time_us,
                          .type = firn_bytes_of(type),
                          .id = firn_bytes_of(id),
                          .source = FIRN_LITERAL("//s"),
                          .extras = FIRN_LITERAL("{}"),
                          .row = row};
}

static void add(firn_index_load *l, const char *subject, int64_t time_us, const char *type, const char *id,
                int64_t row) {
  firn_index_row r = row_of(subject, time_us, type, id, row);
  CHECK_OK(firn_index_load_row(l, ctx, &r, &err));
}

static firn_index_hits search(firn_index *index, const firn_index_query *q, firn_arena *arena) {
  firn_index_hits hits;
  CHECK_OK(firn_index_search(index, ctx, q, arena, &hits, &err));
  return hits;
}

/* What sqlite3 shows for a query, rows divided by semicolons. */
static const char *shown(const char *sql, firn_arena *arena) {
  FIRN_AUTO_DB *db = NULL;
  FIRN_AUTO_STATEMENT *st = NULL;
  const char *text = "";
  CHECK_OK(firn_sqlite_open(path, NULL, ctx, &db, &err));
  CHECK_OK(firn_db_query(db, ctx, sql, FIRN_DB_NO_VALUES, &st, &err));
  for (;;) {
    bool is_row;
    CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
    if (!is_row) {
      return text;
    }
    firn_bytes cell = firn_statement_bytes(st, 0);
    text = firn_arena_printf(arena, "%s%.*s;", text, FIRN_FORMAT_BYTES(cell));
    assert_non_null(text);
  }
}

static void finds_what_was_added(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_file(l, ctx, "cloudevent.valid", "cloudevent/valid/a.parquet", &err));
  firn_index_row full = {.subject = FIRN_LITERAL("did:erc721:137:0x1:42"),
                         .has_time = true,
                         .time_us = 1750000000123456,
                         .type = FIRN_LITERAL("dimo.status"),
                         .id = FIRN_LITERAL("e-1"),
                         .source = FIRN_LITERAL("0xabc"),
                         .producer = FIRN_LITERAL("did:p"),
                         .data_content_type = FIRN_LITERAL("application/json"),
                         .data_version = FIRN_LITERAL("v2"),
                         .extras = FIRN_LITERAL("{\"tags\":[\"t1\",\"t2\"],\"signature\":\"0x\"}"),
                         .row = 7};
  CHECK_OK(firn_index_load_row(l, ctx, &full, &err));
  commit(l);
  firn_index_hits hits = search(index, &(firn_index_query){.subject = full.subject}, &arena);
  assert_int_equal(hits.n, 1);
  assert_null(hits.cursor);
  assert_string_equal(hits.items[0].key, "cloudevent/valid/a.parquet#7");
  const firn_index_row *got = &hits.items[0].row;
  assert_true(got->has_time && got->time_us == full.time_us && got->row == 7);
  const firn_bytes wanted[] = {full.subject,      full.type,     full.id,
                               full.source,       full.producer, full.data_content_type,
                               full.data_version, full.extras};
  const firn_bytes found[] = {got->subject,      got->type,     got->id,
                              got->source,       got->producer, got->data_content_type,
                              got->data_version, got->extras};
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    assert_true(firn_bytes_equal(found[i], wanted[i]));
  }
}

/* The ledger's columns, in its order (T-02). */
static void a_person_sees_the_ledgers_table(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "a.parquet", &err));
  add(l, "s", 1750000000000001, "t", "1", 0);
  add(l, "s", -1, "t", "2", 1);
  add(l, "s", 0, "t", "3", 2);
  add(l, "s", INT64_MAX, "t", "4", 3);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "b.parquet", &err));
  add(l, "s", 1750000000000001, "t", "1", 5);
  commit(l);
  assert_string_equal(
      shown("SELECT name FROM pragma_table_info('cloud_event')", &arena),
      "subject;event_time;event_type;id;source;producer;data_content_type;data_version;extras;"
      "index_key;");
  assert_string_equal(
      shown(
          "SELECT id || ' ' || coalesce(event_time, 'none') || ' ' || index_key FROM cloud_event ORDER BY id",
          &arena),
      "1 2025-06-15 15:06:40.000001 b.parquet#5;2 1969-12-31 23:59:59.999999 a.parquet#1;3 none a.parquet#2;"
      "4 9223372036854775807 a.parquet#3;");
}

static void the_last_added_stays_and_what_it_hid_comes_back(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_index_query by_id = {.id = FIRN_LITERAL("1")};
  static const char *const files[] = {"a.parquet", "b.parquet", "c.parquet"};
  for (size_t i = 0; i < 3; i++) {
    firn_index_load *l = begin_load(index);
    CHECK_OK(firn_index_load_file(l, ctx, "t", files[i], &err));
    add(l, "s", 5, "t", "1", (int64_t)i);
    commit(l);
  }
  firn_index_hits hits = search(index, &by_id, &arena);
  assert_int_equal(hits.n, 1);
  assert_string_equal(hits.items[0].key, "c.parquet#2");

  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_gone(l, ctx, "c.parquet", &err));
  commit(l);
  hits = search(index, &by_id, &arena);
  assert_int_equal(hits.n, 1);
  assert_string_equal(hits.items[0].key, "b.parquet#1");
}

static void a_file_is_loaded_once(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  firn_index_file_state file;
  CHECK_OK(firn_index_file_state_of(index, ctx, FIRN_LITERAL("a"), &file, &err));
  assert_int_equal(file, FIRN_INDEX_FILE_UNKNOWN);
  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
  add(l, "s", 5, "t", "1", 0);
  CHECK_STATUS(firn_index_load_file(l, ctx, "t", "a", &err), FIRN_EXISTS);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "none", &err));
  CHECK_OK(firn_index_load_gone(l, ctx, "never seen", &err));
  commit(l);
  CHECK_OK(firn_index_file_state_of(index, ctx, FIRN_LITERAL("a"), &file, &err));
  assert_int_equal(file, FIRN_INDEX_FILE_LIVE);

  l = begin_load(index);
  CHECK_STATUS(firn_index_load_file(l, ctx, "t", "a", &err), FIRN_EXISTS);
  CHECK_OK(firn_index_load_gone(l, ctx, "a", &err));
  CHECK_OK(firn_index_load_gone(l, ctx, "a", &err));
  commit(l);
  CHECK_OK(firn_index_file_state_of(index, ctx, FIRN_LITERAL("a"), &file, &err));
  assert_int_equal(file, FIRN_INDEX_FILE_GONE);
  firn_index_count count;
  CHECK_OK(firn_index_count_of(index, ctx, &count, &err));
  assert_int_equal(count.n_rows, 0);
  assert_int_equal(count.n_files_live, 1);
  assert_int_equal(count.n_files_gone, 2);
  assert_true(count.size_bytes > 4096);

  l = begin_load(index); /* a rollback makes it live again */
  CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
  add(l, "s", 5, "t", "1", 0);
  commit(l);
  CHECK_OK(firn_index_count_of(index, ctx, &count, &err));
  assert_int_equal(count.n_rows, 1);
  assert_int_equal(count.n_files_gone, 1);
}

static void rows_and_notes_are_one_transaction(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *note = "?";
  CHECK_OK(firn_index_note(index, ctx, "at", &arena, &note, &err));
  assert_null(note);
  for (int is_committed = 0; is_committed < 2; is_committed++) {
    firn_index_load *l = begin_load(index);
    CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
    add(l, "s", 5, "t", "1", 0);
    CHECK_OK(firn_index_load_note(l, ctx, "at", "6", &err));
    CHECK_OK(firn_index_load_note(l, ctx, "at", "7", &err));
    firn_index_load *second = NULL;
    CHECK_STATUS(firn_index_load_begin(index, ctx, &second, &err), FIRN_BUSY);
    if (is_committed) {
      CHECK_OK(firn_index_load_commit(l, ctx, &err));
    }
    firn_index_load_close(l);
    CHECK_OK(firn_index_note(index, ctx, "at", &arena, &note, &err));
    assert_int_equal(search(index, &(firn_index_query){0}, &arena).n, is_committed);
    assert_int_equal(note != NULL, is_committed);
  }
  assert_string_equal(note, "7");
}

static void a_load_that_failed_is_not_committed(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_row none = row_of("s", 5, "t", "1", 0), negative = row_of("s", 5, "t", "1", -1);
  for (int kind = 0; kind < 3; kind++) {
    firn_index_load *l = begin_load(index);
    if (kind > 0) {
      CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
      add(l, "s", 5, "t", "1", 0);
    }
    firn_status status = firn_index_load_row(l, ctx, kind == 1 ? &negative : &none, &err);
    assert_int_equal(status, kind < 2 ? FIRN_INVALID : FIRN_CONFLICT);
    CHECK_STATUS(firn_index_load_commit(l, ctx, &err), FIRN_INVALID);
    firn_index_load_close(l);
  }
  assert_int_equal(search(index, &(firn_index_query){0}, &arena).n, 0);
}

static void refuses_what_it_did_not_make(void **state) {
  (void)state;
  firn_index_close(begin());
  firn_index *none = NULL;
  FIRN_AUTO_DB *db = NULL;
  CHECK_OK(firn_sqlite_open(path, NULL, ctx, &db, &err));
  CHECK_OK(firn_db_script(db, ctx, "UPDATE firn_versions SET version = 99", &err));
  CHECK_STATUS(firn_sqlite_index_open(path, ctx, &none, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("firn index rebuild");
  CHECK_SAYS("version 99");
  CHECK_OK(firn_db_script(db, ctx, "DROP VIEW cloud_event", &err));
  CHECK_STATUS(firn_sqlite_index_open(path, ctx, &none, &err), FIRN_CORRUPT);
  CHECK_SAYS("no index");
}

static void write_file(const void *data, size_t len) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
}

static void a_damaged_file_is_refused_or_read_rightly(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
  for (int i = 0; i < 300; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "id-%d", i);
    add(l, "s", 5 + i, "t", id, i);
  }
  commit(l);
  firn_index_close(FIRN_HAND_OVER(index)); /* the write-ahead log goes into the file */
  firn_bytes whole = test_read_file(path);
  for (size_t len = 0; len < whole.len; len += len < 200 ? 37 : 1999) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    write_file(whole.data, len);
    firn_index *cut = NULL;
    firn_status status = firn_sqlite_index_open(path, ctx, &cut, &err);
    if (status == FIRN_OK) {
      firn_index_hits hits = {0};
      status = firn_index_search(cut, ctx, &(firn_index_query){.limit = 1000}, &arena, &hits, &err);
      assert_true(status != FIRN_OK || hits.n == (len == 0 ? 0 : 300));
      firn_index_close(cut);
    }
    if (status != FIRN_OK) {
      assert_int_equal(status, FIRN_CORRUPT);
      CHECK_SAYS("firn index rebuild");
    }
  }
  firn_free((void *)(uintptr_t)whole.data);
}

static firn_status load_and_search(void) {
  firn_index *index = NULL;
  (void)unlink(path);
  FIRN_TRY(firn_sqlite_index_open(path, ctx, &index, NULL));
  FIRN_AUTO_INDEX *owned = index;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_load *l = NULL;
  firn_index_hits hits;
  const char *note;
  FIRN_TRY(firn_index_load_begin(owned, ctx, &l, NULL));
  FIRN_AUTO_INDEX_LOAD *load = l;
  firn_index_row row = row_of("s", 5, "t", "1", 0);
  row.extras = FIRN_LITERAL("{\"tags\":[\"a\\n\"]}");
  FIRN_TRY(firn_index_load_file(load, ctx, "t", "a", NULL));
  FIRN_TRY(firn_index_load_row(load, ctx, &row, NULL));
  FIRN_TRY(firn_index_load_gone(load, ctx, "b", NULL));
  FIRN_TRY(firn_index_load_note(load, ctx, "n", "1", NULL));
  FIRN_TRY(firn_index_load_commit(load, ctx, NULL));
  const firn_bytes tag = FIRN_LITERAL("a\n");
  FIRN_TRY(
      firn_index_search(owned, ctx, &(firn_index_query){.n_tags = 1, .tags = &tag}, &arena, &hits, NULL));
  FIRN_TRY(firn_index_note(owned, ctx, "n", &arena, &note, NULL));
  return hits.n == 1 && note != NULL ? FIRN_OK : FIRN_CORRUPT;
}

static void survives_oom(void **state) {
  (void)state;
  firn_index_close(begin());
  check_survives_oom(load_and_search);
}

static void refuses_foreign_cursors(void **state) {
  (void)state;
  FIRN_AUTO_INDEX *index = begin();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_load *l = begin_load(index);
  CHECK_OK(firn_index_load_file(l, ctx, "t", "a", &err));
  add(l, "s", 5, "t", "1", 0);
  add(l, "s", 6, "t", "2", 1);
  commit(l);
  firn_index_hits hits = search(index, &(firn_index_query){.limit = 1}, &arena);
  assert_non_null(hits.cursor);
  const char *const bad[] = {"",         "d",     "x5-1",   "d5",    "d5-", "d05-1",
                             "d5-1 ",    "d 5-1", "d0x5-1", "d+5-1", "5-1", "d5-1234567890abcdef0",
                             hits.cursor};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_index_query q = {.cursor = bad[i], .is_ascending = i + 1 == FIRN_COUNT_OF(bad)};
    CHECK_STATUS(firn_index_search(index, ctx, &q, &arena, &hits, &err), FIRN_INVALID);
    CHECK_SAYS("cursor");
  }
  CHECK_STATUS(firn_index_search(index, ctx, &(firn_index_query){.limit = 10001}, &arena, &hits, &err),
               FIRN_INVALID);
}

RUN_TESTS(finds_what_was_added, a_person_sees_the_ledgers_table,
          the_last_added_stays_and_what_it_hid_comes_back, a_file_is_loaded_once,
          rows_and_notes_are_one_transaction, a_load_that_failed_is_not_committed,
          refuses_what_it_did_not_make, a_damaged_file_is_refused_or_read_rightly, survives_oom,
          refuses_foreign_cursors)

#include "services/indexer/indexer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "db/sqlite.h"
#include "events/archive.h"
#include "events/commit_record.h"
#include "failing_files.h"
#include "iceberg/scan/object.h"
#include "test.h"
#include "test_table.h"

static firn_error err;
static firn_ctx *ctx;

/* One table of events in a memory store, a log and an index in a folder. */
typedef struct world {
  test_catalog catalog;
  firn_commit_log *log;
  firn_commit_log_consumer *committer; /* keeps records until a test lets them go */
  firn_index *index;
  firn_indexer *indexer;
  firn_arena arena;
  char index_path[4200], log_path[4200], lake_path[4200];
  int n_files;
} world;

static world w;
static const char *folder_of_test;

#define UUID_OF(m) (firn_metadata_get(m)->table_uuid)

/* Puts a fresh table of events into the catalog. */
static void make_table(void) {
  firn_table_create how = {.schema = firn_archive_schema(FIRN_ARCHIVE_VALID),
                           .spec = firn_archive_spec(FIRN_ARCHIVE_VALID)};
  const firn_update *updates;
  size_t n;
  firn_metadata_unref(w.catalog.metadata);
  w.catalog.metadata = NULL;
  CHECK_OK(firn_table_create_updates(&how, TEST_LOCATION, ctx->env, &w.arena, &updates, &n, &err));
  CHECK_OK(firn_updates_apply(NULL, NULL, updates, n, 1, &w.catalog.metadata, &err));
}

static void open_indexer(void) {
  const firn_indexer_options options = {.index = w.index,
                                        .log = w.log,
                                        .catalog = &w.catalog.base,
                                        .stores = w.catalog.base.stores,
                                        .warehouse = "memory://lake",
                                        .n_tables = 1,
                                        .tables = &test_table_id,
                                        .max_rows = 25};
  CHECK_OK(firn_indexer_open(&options, ctx, &w.indexer, &err));
}

static void open_index(void) {
  CHECK_OK(firn_sqlite_index_open(w.index_path, ctx, &w.index, &err));
}

static void open_log(void) {
  CHECK_OK(firn_local_commit_log_open(w.log_path, ctx, &w.log, &err));
  firn_log_positions first, next;
  CHECK_OK(firn_commit_log_range(w.log, ctx, &w.arena, &first, &next, &err));
  CHECK_OK(firn_commit_log_consumer_add(w.log, ctx, "committer", &first, &w.committer, &err));
}

/* The warehouse, in a folder: any number of stores may stand on it. */
static firn_store *open_lake(void) {
  firn_store *store = NULL;
  CHECK_OK(firn_local_store_open(w.lake_path, ctx->env, &store, &err));
  return store;
}

static void begin_in(bool a_folder) {
  ctx = test_ctx();
  w = (world){.arena = FIRN_ARENA_INIT(0)};
  const char *folder = folder_of_test = test_folder();
  (void)snprintf(w.lake_path, sizeof w.lake_path, "%s/lake", folder);
  (void)snprintf(w.index_path, sizeof w.index_path, "%s/index.db", folder);
  (void)snprintf(w.log_path, sizeof w.log_path, "%s/commits", folder);
  CHECK_OK(test_catalog_open(a_folder ? open_lake() : NULL, false, NULL, ctx, &w.catalog, &err));
  make_table();
  open_index();
  open_log();
  open_indexer();
}

static void begin(void) {
  begin_in(false);
}

static void close_services(void) {
  firn_indexer_close(w.indexer);
  firn_commit_log_consumer_close(w.committer);
  firn_commit_log_close(w.log);
  firn_index_close(w.index);
  w.indexer = NULL;
  w.committer = NULL;
  w.log = NULL;
  w.index = NULL;
}

static void end(void) {
  close_services();
  test_catalog_close(&w.catalog);
  firn_arena_free(&w.arena);
}

/* As after a kill and a new start. */
static void restart(void) {
  close_services();
  open_index();
  open_log();
  open_indexer();
}

static firn_status step_until_idle(void) {
  int64_t wait = 0;
  for (int i = 0; wait != FIRN_STEP_IDLE; i++) {
    assert_true(i < 200);
    FIRN_TRY(firn_indexer_service.step(w.indexer, ctx, true, &wait, &err));
  }
  return FIRN_OK;
}

/* Looks at everything: what a drain does once. */
static void catch_up(void) {
  firn_indexer_look(w.indexer);
  CHECK_OK(step_until_idle());
}

/* --- files --- */

static firn_event event_of(int64_t number) {
  firn_event e = {.has_time = number % 7 != 0,
                  .time_us = 1750000000000000 + number * 1000003,
                  .extras = number % 3 == 0 ? FIRN_LITERAL("{\"x\": 1}") : FIRN_LITERAL("{}"),
                  .has_data = true,
                  .data = FIRN_LITERAL("{\"speed\":1}")};
  e.texts[FIRN_EVENT_SUBJECT] = firn_bytes_of(firn_arena_printf(&w.arena, "car-%" PRId64, number % 4));
  e.texts[FIRN_EVENT_TYPE] = FIRN_LITERAL("status");
  e.texts[FIRN_EVENT_SOURCE] = FIRN_LITERAL("//fleet");
  e.texts[FIRN_EVENT_ID] = firn_bytes_of(firn_arena_printf(&w.arena, "e-%" PRId64, number));
  e.texts[FIRN_EVENT_SPECVERSION] = number % 5 == 0 ? FIRN_LITERAL("0.3") : FIRN_LITERAL("1.0");
  if (number % 2 == 0) {
    firn_bytes *tag = firn_new(&w.arena, firn_bytes);
    assert_non_null(tag);
    *tag = FIRN_LITERAL("even");
    e.has_tags = true;
    e.n_tags = 1;
    e.tags = tag;
  }
  return e;
}

/* A data file (or two, when they cross a day) of the events [first, first + n), which no table knows yet. */
static const firn_data_file *write_files(int64_t first, int64_t n, size_t *n_files) {
  firn_table_writer *writer = NULL;
  firn_archive_batch batch;
  firn_table_writer_options options = {.schema = firn_archive_schema(FIRN_ARCHIVE_VALID),
                                       .spec = firn_archive_spec(FIRN_ARCHIVE_VALID),
                                       .location = TEST_LOCATION,
                                       .namer = firn_archive_file_name,
                                       .stores = w.catalog.base.stores};
  firn_archive_parquet_options(FIRN_ARCHIVE_VALID, FIRN_CODEC_ZSTD, 1, &options.parquet);
  CHECK_OK(firn_table_writer_open(&options, &writer, &err));
  CHECK_OK(firn_archive_batch_open(FIRN_ARCHIVE_VALID, (size_t)n, &batch, &err));
  for (int64_t i = 0; i < n; i++) {
    firn_event e = event_of(first + i);
    CHECK_OK(firn_archive_batch_add(&batch, &e, &err));
  }
  CHECK_OK(firn_table_writer_write(writer, ctx, &batch.batch, &err));
  const firn_data_file *files;
  CHECK_OK(firn_table_writer_finish(writer, ctx, &files, n_files, &err));
  firn_data_file *copies = firn_new_n(&w.arena, firn_data_file, *n_files);
  for (size_t i = 0; i < *n_files; i++) {
    firn_value *tuple = firn_new(&w.arena, firn_value);
    *tuple = files[i].partition[0];
    copies[i] = (firn_data_file){.path = firn_arena_text(&w.arena, firn_bytes_of(files[i].path)),
                                 .format = "PARQUET",
                                 .partition = tuple,
                                 .record_count = files[i].record_count,
                                 .size_bytes = files[i].size_bytes};
  }
  firn_table_writer_keep(writer);
  firn_table_writer_close(writer, ctx);
  firn_archive_batch_close(&batch);
  return copies;
}

static uint64_t append_record(const firn_data_file *files, size_t n) {
  static const char *const levels[] = {"db"};
  firn_commit_record_table tables[] = {
      {.n_levels = 1,
       .levels = levels,
       .name = "events",
       .uuid = UUID_OF(w.catalog.metadata),
       .n_files = n,
       .files = files},
      {.n_levels = 1,
       .levels = levels,
       .name = "dead_letter",
       .uuid = UUID_OF(w.catalog.metadata),
       .n_files = n,
       .files = files}, /* nobody indexes it */
  };
  firn_commit_record record = {.journal = "j", .first = 0, .next = 1, .n_tables = 2, .tables = tables};
  const firn_metadata *const metadata[] = {w.catalog.metadata, w.catalog.metadata};
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(0);
  firn_log_position at;
  CHECK_OK(firn_commit_record_write(&record, metadata, &json, &err));
  CHECK_OK(firn_commit_log_append(w.log, ctx, firn_builder_bytes(&json), &at, &err));
  return at.next;
}

/* `next` not 0: as the committer does, with its position. */
static int64_t commit_files(const firn_data_file *files, size_t n, uint64_t next) {
  firn_property property = {firn_arena_printf(&w.arena, "firn.positions.%s", w.log->id),
                            firn_arena_printf(&w.arena, "{\"0\":%" PRIu64 "}", next)};
  firn_append append = {.n_files = n, .files = files, .properties = {next != 0, &property}};
  firn_append_result result;
  CHECK_OK(firn_append_commit(&w.catalog.base, ctx, &test_table_id, &append, &w.arena, &result, &err));
  return result.snapshot.snapshot_id;
}

/* The head of main is that snapshot again. */
static void roll_back_to(int64_t snapshot_id) {
  firn_update update = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                        .ref = {.name = "main", .snapshot_id = snapshot_id, .is_branch = true}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &update};
  CHECK_OK(firn_catalog_commit(&w.catalog.base, ctx, &commit, 1, NULL, &err));
}

static void remove_object(const firn_data_file *file) {
  const char *path = file->path + strlen("memory://lake/");
  firn_status each;
  CHECK_OK(firn_store_remove(w.catalog.store, ctx, &path, 1, &each, &err));
}

/* --- what the index has --- */

static uint64_t n_rows(void) {
  firn_index_count count;
  CHECK_OK(firn_index_count_of(w.index, ctx, &count, &err));
  return count.n_rows;
}

static uint64_t n_gone(void) {
  firn_index_count count;
  CHECK_OK(firn_index_count_of(w.index, ctx, &count, &err));
  return count.n_files_gone;
}

static size_t n_found(int64_t number) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_hits hits;
  const char *id = firn_arena_printf(&arena, "e-%" PRId64, number);
  CHECK_OK(
      firn_index_search(w.index, ctx, &(firn_index_query){.id = firn_bytes_of(id)}, &arena, &hits, &err));
  return hits.n;
}

/* All that a person sees, in one text. */
static const char *dump(void) {
  FIRN_AUTO_DB *db = NULL;
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_sqlite_open(w.index_path, NULL, ctx, &db, &err));
  CHECK_OK(
      firn_db_query(db, ctx, "SELECT * FROM cloud_event ORDER BY index_key", FIRN_DB_NO_VALUES, &st, &err));
  for (;;) {
    bool is_row;
    CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
    if (!is_row) {
      return firn_arena_text(&w.arena, firn_builder_bytes(&b));
    }
    for (size_t i = 0; i < 10; i++) {
      firn_builder_add(&b, firn_statement_bytes(st, i));
      firn_builder_add_u8(&b, i == 9 ? '\n' : '|');
    }
  }
}

/* --- tests --- */

static void indexes_files_as_soon_as_their_record_is_there(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 40, &n);
  (void)append_record(files, n);
  assert_int_equal(n_rows(), 0);
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 40);
  for (int64_t i = 0; i < 40; i++) {
    assert_int_equal(n_found(i), 1);
  }
  (void)append_record(files, n); /* again: a record that was written twice changes nothing */
  restart();
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 40);
  end();
}

static void extras_hold_what_has_no_column(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 31, &n);
  (void)append_record(files, n);
  CHECK_OK(step_until_idle());
  static const struct {
    const char *id, *extras;
  } wanted[] = {{"e-1", "{}"},
                {"e-2", "{\"tags\":[\"even\"]}"},
                {"e-3", "{\"x\": 1}"},
                {"e-5", "{\"specversion\":\"0.3\"}"},
                {"e-30", "{\"x\": 1,\"specversion\":\"0.3\",\"tags\":[\"even\"]}"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    firn_index_hits hits;
    CHECK_OK(firn_index_search(w.index, ctx, &(firn_index_query){.id = firn_bytes_of(wanted[i].id)}, &w.arena,
                               &hits, &err));
    assert_int_equal(hits.n, 1);
    CHECK_BYTES(hits.items[0].row.extras, wanted[i].extras);
  }
  const firn_bytes even = FIRN_LITERAL("even");
  firn_index_hits hits;
  CHECK_OK(firn_index_search(w.index, ctx, &(firn_index_query){.n_tags = 1, .tags = &even, .limit = 100},
                             &w.arena, &hits, &err));
  assert_int_equal(hits.n, 16);
  end();
}

static void log_and_snapshots_lead_to_the_same_rows(void **state) {
  (void)state;
  begin();
  for (int i = 0; i < 3; i++) {
    size_t n;
    const firn_data_file *files = write_files(i * 100, 60, &n);
    uint64_t next = append_record(files, n) + 1;
    CHECK_OK(step_until_idle());
    (void)commit_files(files, n, next);
    catch_up();
  }
  assert_int_equal(n_rows(), 180);
  const char *by_log = dump();
  close_services();
  (void)unlink(w.index_path); /* the index is deleted */
  open_index();
  open_log();
  open_indexer();
  CHECK_OK(step_until_idle());
  assert_string_equal(dump(), by_log);

  firn_indexer_close(w.indexer); /* and without the log */
  w.indexer = NULL;
  close_services();
  (void)unlink(w.index_path);
  open_index();
  open_indexer();
  CHECK_OK(step_until_idle());
  assert_string_equal(dump(), by_log);
  end();
}

static void rollback_takes_rows_away_and_brings_them_back(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  int64_t first = commit_files(files, n, 0);
  files = write_files(10, 10, &n);
  int64_t second = commit_files(files, n, 0);
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 20);
  roll_back_to(first);
  catch_up();
  assert_int_equal(n_rows(), 10);
  assert_int_equal(n_found(15), 0);
  firn_index_file_state file;
  CHECK_OK(firn_index_file_state_of(w.index, ctx, firn_bytes_of(files[0].path + strlen("memory://lake/")),
                                    &file, &err));
  assert_int_equal(file, FIRN_INDEX_FILE_GONE);
  roll_back_to(second);
  catch_up();
  assert_int_equal(n_rows(), 20);
  assert_int_equal(n_gone(), 0);
  end();
}

/* The table was dropped and made anew: nothing of what the index noted is in its history. */
static void without_the_old_snapshot_everything_is_compared(void **state) {
  (void)state;
  begin();
  size_t n, n_pending;
  const firn_data_file *files = write_files(0, 10, &n);
  (void)commit_files(files, n, 0);
  CHECK_OK(step_until_idle());
  make_table();
  const firn_data_file *others = write_files(50, 5, &n);
  (void)commit_files(others, n, 0);
  const firn_data_file *pending = write_files(80, 3, &n_pending);
  (void)append_record(pending, n_pending);
  catch_up();
  assert_int_equal(n_found(3), 0);
  assert_int_equal(n_found(52), 1);
  assert_int_equal(n_found(81), 1); /* waits for its commit */
  assert_int_equal(n_rows(), 8);
  end();
}

/* Committed and rewritten between two looks: only the positions tell that nobody need wait for it. */
static void a_file_that_came_and_went_is_gone(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  int64_t first = commit_files(files, n, 0);
  files = write_files(10, 10, &n);
  uint64_t next = append_record(files, n) + 1;
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 20);
  (void)commit_files(files, n, next); /* the property stays when the snapshot goes */
  roll_back_to(first);
  files = write_files(30, 1, &n);
  (void)commit_files(files, n, 0);
  catch_up();
  assert_int_equal(n_found(12), 0);
  assert_int_equal(n_rows(), 11);
  end();
}

static void a_file_that_cannot_be_read_is_passed_over_and_tried_again(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *good = write_files(0, 10, &n);
  (void)commit_files(good, n, 0);
  const firn_data_file *bad = write_files(10, 10, &n);
  (void)commit_files(bad, n, 0);
  const firn_data_file *more = write_files(20, 10, &n);
  (void)commit_files(more, n, 0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes whole;
  CHECK_OK(firn_object_read(w.catalog.base.stores, NULL, ctx, bad[0].path, 1 << 20, &arena, &whole, &err));
  remove_object(&bad[0]);
  CHECK_OK(step_until_idle());
  assert_int_equal(n_found(5), 1);
  assert_int_equal(n_found(25), 1);
  uint64_t without = n_rows();
  assert_int_equal(without, 30 - (uint64_t)bad[0].record_count);
  catch_up();
  assert_int_equal(n_rows(), without);
  const char *path = bad[0].path + strlen("memory://lake/");
  CHECK_OK(firn_store_put(w.catalog.store, ctx, path, whole, (firn_put_if){0}, NULL, &err));
  catch_up();
  assert_int_equal(n_rows(), 30);
  end();
}

static void a_file_of_the_log_is_waited_for_until_its_table_has_it(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  uint64_t next = append_record(files, n) + 1;
  remove_object(&files[0]);
  int64_t wait;
  for (int i = 0; i < 3; i++) {
    CHECK_STATUS(firn_indexer_service.step(w.indexer, ctx, false, &wait, &err), FIRN_IO);
    CHECK_SAYS("record 0 of the commit log");
  }
  const firn_data_file *others = write_files(10, 10, &n);
  (void)commit_files(others, n, next); /* as if somebody had replaced it meanwhile */
  CHECK_OK(step_until_idle());
  assert_int_equal(n_found(15), 1);
  assert_int_equal(n_found(5), 0);
  end();
}

static void a_dropped_table_stops_nobody(void **state) {
  (void)state;
  begin();
  firn_metadata *metadata = w.catalog.metadata;
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  (void)append_record(files, n);
  w.catalog.metadata = NULL;
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 0);
  w.catalog.metadata = metadata; /* renamed, and back: its snapshots bring the files */
  (void)commit_files(files, n, 0);
  catch_up();
  assert_int_equal(n_rows(), 10);
  end();
}

/* The log's own id is in the note: another log begins at its start. */
static void another_log_is_read_from_its_start(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  (void)append_record(files, n);
  (void)append_record(files, n);
  CHECK_OK(step_until_idle());
  (void)snprintf(w.log_path, sizeof w.log_path, "%s/commits-2", folder_of_test);
  restart();
  files = write_files(50, 10, &n);
  (void)append_record(files, n);
  CHECK_OK(step_until_idle());
  assert_int_equal(n_rows(), 20);
  end();
}

/* An index from a backup, or a log from one: nothing that can be looked at again stops the indexer. */
static void a_place_that_the_log_does_not_have_is_no_reason_to_stop(void **state) {
  (void)state;
  static const char *const places[] = {"0:900", "", "1:1", "0:x", "nonsense"};
  for (size_t i = 0; i < FIRN_COUNT_OF(places); i++) {
    begin();
    firn_indexer_close(FIRN_HAND_OVER(w.indexer));
    firn_index_load *l = NULL;
    const char *note = firn_arena_printf(&w.arena, "%s %s", w.log->id, places[i]);
    CHECK_OK(firn_index_load_begin(w.index, ctx, &l, &err));
    CHECK_OK(firn_index_load_note(l, ctx, "log", note, &err));
    CHECK_OK(firn_index_load_note(l, ctx, "table.db.events", places[i], &err));
    CHECK_OK(firn_index_load_commit(l, ctx, &err));
    firn_index_load_close(l);
    size_t n;
    const firn_data_file *files = write_files(0, 10, &n);
    (void)append_record(files, n);
    open_indexer();
    CHECK_OK(step_until_idle());
    assert_int_equal(n_rows(), 10);
    end();
  }
}

/* The record is freed once the committer has passed it and it is durable in the index, and not before. */
static void records_are_kept_until_they_are_indexed(void **state) {
  (void)state;
  begin();
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  remove_object(&files[0]);
  (void)append_record(files, n);
  firn_log_position all = {0, 1};
  const firn_log_positions committed = {1, &all};
  CHECK_OK(firn_commit_log_consumer_advance(w.committer, ctx, &committed, &err));
  int64_t wait;
  CHECK_STATUS(firn_indexer_service.step(w.indexer, ctx, false, &wait, &err), FIRN_IO);
  restart();
  firn_log_positions first, next;
  CHECK_OK(firn_commit_log_range(w.log, ctx, &w.arena, &first, &next, &err));
  assert_int_equal(first.n == 0 ? 0 : first.items[0].next, 0);
  end();
}

static char told[500];
static int n_told;

static void keep_problem(void *arg, const char *text) {
  (void)arg;
  n_told++;
  (void)snprintf(told, sizeof told, "%s", text == NULL ? "fine" : text);
}

static void says_what_it_cannot_follow(void **state) {
  (void)state;
  begin();
  firn_indexer_close(FIRN_HAND_OVER(w.indexer));
  const firn_indexer_options options = {.index = w.index,
                                        .log = w.log,
                                        .catalog = &w.catalog.base,
                                        .stores = w.catalog.base.stores,
                                        .warehouse = "memory://lake",
                                        .n_tables = 1,
                                        .tables = &test_table_id,
                                        .problem = keep_problem};
  CHECK_OK(firn_indexer_open(&options, ctx, &w.indexer, &err));
  told[0] = '\0';
  firn_metadata *metadata = w.catalog.metadata;
  w.catalog.metadata = NULL;
  CHECK_OK(step_until_idle());
  assert_non_null(strstr(told, "table db.events is not followed"));
  w.catalog.metadata = metadata;
  catch_up();
  assert_string_equal(told, "fine");
  size_t n;
  const firn_data_file *files = write_files(0, 10, &n);
  (void)commit_files(files, n, 0);
  remove_object(&files[0]);
  catch_up();
  assert_non_null(strstr(told, "1 files of table db.events cannot be read"));
  n_told = 0;
  catch_up();
  assert_int_equal(n_told, 0); /* once is enough */
  end();
}

static void looks_at_tables_when_it_is_time_or_told(void **state) {
  (void)state;
  begin();
  int64_t wait = 0;
  for (int i = 0; i < 10 && wait == 0; i++) {
    CHECK_OK(firn_indexer_service.step(w.indexer, ctx, false, &wait, &err));
  }
  assert_true(wait > 9000000 && wait <= 10000000);
  size_t n;
  const firn_data_file *files = write_files(0, 5, &n);
  (void)commit_files(files, n, 0);
  CHECK_OK(firn_indexer_service.step(w.indexer, ctx, false, &wait, &err));
  assert_int_equal(n_rows(), 0); /* not yet */
  firn_indexer_look(w.indexer);
  for (int i = 0; i < 10 && n_rows() == 0; i++) {
    CHECK_OK(firn_indexer_service.step(w.indexer, ctx, false, &wait, &err));
  }
  assert_int_equal(n_rows(), 5);
  end();
}

/* --- faults --- */

/* Opens all over `files_ctx` and brings the index up to date; what the first failure was. */
static firn_status follow_once(firn_ctx *over, firn_stores *stores) {
  firn_index *index = NULL;
  firn_indexer *indexer = NULL;
  firn_status status = firn_sqlite_index_open(w.index_path, over, &index, &err);
  if (status == FIRN_OK) {
    const firn_indexer_options options = {.index = index,
                                          .log = w.log,
                                          .catalog = &w.catalog.base,
                                          .stores = stores,
                                          .warehouse = "memory://lake",
                                          .n_tables = 1,
                                          .tables = &test_table_id,
                                          .max_rows = 25};
    status = firn_indexer_open(&options, over, &indexer, &err);
  }
  for (int64_t wait = 0; status == FIRN_OK && wait != FIRN_STEP_IDLE;) {
    status = firn_indexer_service.step(indexer, over, true, &wait, &err);
  }
  firn_indexer_close(indexer);
  firn_index_close(index);
  return status;
}

/* A table with a snapshot that the index has, another one since, and a record that is not committed. The
 * indexer and its index are closed, the log stays open. */
static void prepare_faults(bool in_a_folder) {
  begin_in(in_a_folder);
  size_t n;
  const firn_data_file *files = write_files(0, 30, &n);
  int64_t first = commit_files(files, n, 0);
  files = write_files(30, 30, &n);
  (void)commit_files(files, n, append_record(files, n) + 1);
  CHECK_OK(step_until_idle());
  firn_indexer_close(w.indexer);
  firn_index_close(w.index);
  w.indexer = NULL;
  w.index = NULL;
  roll_back_to(first);
  files = write_files(60, 20, &n);
  (void)commit_files(files, n, 0);
  files = write_files(100, 5, &n);
  (void)append_record(files, n);
}

static failing_files quick; /* without syncs, for the many runs */
static firn_bytes before;   /* the index as it was after the first snapshot */

static void keep_index(void) {
  before = test_read_file(w.index_path);
  quick = (failing_files){0};
  failing_files_init(&quick, ctx);
  failing_files_fail(&quick, SIZE_MAX, 0);
  quick.skips_sync = true;
}

static void put_index_back(void) {
  char path[sizeof w.index_path + 8];
  (void)snprintf(path, sizeof path, "%s-wal", w.index_path);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s-shm", w.index_path);
  (void)unlink(path);
  FILE *f = fopen(w.index_path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(before.data, 1, before.len, f), before.len);
  assert_int_equal(fclose(f), 0);
}

static void end_faults(void) {
  firn_free((void *)(uintptr_t)before.data);
  end();
}

static const char *wanted_dump(void) {
  CHECK_OK(follow_once(&quick.ctx, w.catalog.base.stores));
  const char *wanted = dump();
  put_index_back();
  assert_string_not_equal(dump(), wanted);
  return wanted;
}

static firn_status follow_from_before(void) {
  put_index_back();
  return follow_once(&quick.ctx, w.catalog.base.stores);
}

static void survives_oom(void **state) {
  (void)state;
  size_t n;
  begin();
  firn_indexer_close(FIRN_HAND_OVER(w.indexer));
  firn_index_close(FIRN_HAND_OVER(w.index));
  const firn_data_file *files = write_files(0, 3, &n);
  (void)commit_files(files, n, 0);
  files = write_files(10, 3, &n);
  (void)append_record(files, n);
  keep_index();
  const char *wanted = wanted_dump();
  check_survives_oom(follow_from_before);
  assert_string_equal(dump(), wanted);
  end_faults();
}

/* A full disk, a failed sync: what was not committed is not there, and the next attempt makes it right. */
static void every_failure_of_the_database_is_made_good(void **state) {
  (void)state;
  prepare_faults(false);
  keep_index();
  const char *wanted = wanted_dump();
  size_t n_failed = 0;
  for (size_t at = 0;; at++) {
    failing_files files = {0};
    put_index_back();
    failing_files_init(&files, ctx);
    failing_files_fail(&files, at, 1);
    files.skips_sync = true;
    firn_status status = follow_once(&files.ctx, w.catalog.base.stores);
    if (!failing_files_has_failed(&files)) {
      CHECK_OK(status);
      break;
    }
    n_failed += status != FIRN_OK;
    CHECK_OK(follow_once(&quick.ctx, w.catalog.base.stores));
    assert_string_equal(dump(), wanted);
  }
  assert_true(n_failed > 20);
  end_faults();
}

static void every_failure_of_the_store_is_made_good(void **state) {
  (void)state;
  prepare_faults(true);
  keep_index();
  const char *wanted = wanted_dump();
  static const firn_status faults[] = {FIRN_IO, FIRN_NOT_FOUND, FIRN_BUSY, FIRN_NOMEM};
  size_t n_calls = 1;
  for (size_t i = 0; i < FIRN_COUNT_OF(faults); i++) {
    for (size_t at = 0; at < n_calls; at++) {
      firn_store *faulty = NULL;
      FIRN_AUTO_STORES *stores = NULL;
      put_index_back();
      CHECK_OK(firn_faulty_store_open(open_lake(), at, faults[i], &faulty, &err));
      CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
      CHECK_OK(firn_stores_add(stores, "memory", "lake", faulty, &err));
      (void)follow_once(&quick.ctx, stores); /* it says so, or passes a file over and looks again */
      n_calls = firn_faulty_store_calls(faulty);
      firn_stores_take_out(stores, faulty);
      firn_store_close(faulty);
      CHECK_OK(follow_once(&quick.ctx, w.catalog.base.stores));
      assert_string_equal(dump(), wanted);
    }
  }
  end_faults();
}

RUN_TESTS(survives_oom, every_failure_of_the_database_is_made_good, every_failure_of_the_store_is_made_good,
          indexes_files_as_soon_as_their_record_is_there, extras_hold_what_has_no_column,
          log_and_snapshots_lead_to_the_same_rows, rollback_takes_rows_away_and_brings_them_back,
          without_the_old_snapshot_everything_is_compared, a_file_that_came_and_went_is_gone,
          a_file_that_cannot_be_read_is_passed_over_and_tried_again,
          a_file_of_the_log_is_waited_for_until_its_table_has_it, a_dropped_table_stops_nobody,
          another_log_is_read_from_its_start, a_place_that_the_log_does_not_have_is_no_reason_to_stop,
          records_are_kept_until_they_are_indexed, says_what_it_cannot_follow,
          looks_at_tables_when_it_is_time_or_told)

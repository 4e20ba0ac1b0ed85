/* What is the folder catalog's own: names of files, hints, races between writers, drops that are cut off.
 * What all catalogs promise is asked in catalogs_test.c. */
#include "catalogs/folder/folder.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogs/catalogs.h"
#include "catalogs/folder/folder_internal.h"
#include "formats/codec/codec.h"
#include "test_table.h"

static firn_error err;
static firn_ctx *ctx;
static firn_stores *stores;
static firn_store *lake; /* what memory://lake/ is served from */

static const char *const levels[] = {"db", "raw"};
static const firn_namespace db = {1, levels};
static const firn_namespace raw = {2, levels};
static const firn_table_id events = {.ns = {1, levels}, .name = "events"};

#define FOLDER "wh/db/events/metadata/"

/* A catalog over memory://lake/wh, whose store is `lake` behind a wrapper that may fail. */
static firn_catalog *begin(size_t fail_at, firn_status fault, firn_store **faulty) {
  firn_catalog *c = NULL;
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_OK(firn_memory_store_open(0, &lake, &err));
  CHECK_OK(firn_faulty_store_open(lake, fail_at, fault, faulty, &err));
  CHECK_OK(firn_stores_add(stores, "memory", "lake", *faulty, &err));
  CHECK_OK(firn_catalog_open(ctx, "folder:memory://lake/wh/", NULL, stores, &c, &err));
  return c;
}

static void end(firn_catalog *c, firn_store *faulty) {
  firn_catalog_close(c);
  firn_stores_close(stores);
  firn_store_close(faulty);
}

static firn_status create(firn_catalog *c, const firn_table_id *id, firn_table *out, firn_error *e) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  FIRN_TRY(test_schema_read(TEST_SCHEMA, &arena, &schema, e));
  const firn_table_create how = {.schema = &schema};
  return firn_catalog_table_create(c, ctx, id, &how, out, e);
}

static firn_status set(firn_catalog *c, const char *key, firn_error *e) {
  const firn_property p = {key, "set"};
  const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
  const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
  return firn_catalog_commit(c, ctx, &commit, 1, NULL, e);
}

/* A catalog with the table and `n` commits after its creation. */
static firn_catalog *begin_with(size_t n, firn_store **faulty) {
  firn_catalog *c = begin(SIZE_MAX, FIRN_IO, faulty);
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, NULL, &err));
  CHECK_OK(create(c, &events, NULL, &err));
  for (size_t i = 0; i < n; i++) {
    char key[32];
    (void)snprintf(key, sizeof key, "k%zu", i);
    CHECK_OK(set(c, key, &err));
  }
  return c;
}

static void put(const char *path, const char *text) {
  CHECK_OK(firn_store_put(lake, ctx, path, firn_bytes_of(text), FIRN_PUT_ALWAYS, NULL, &err));
}

static void take(const char *path) {
  CHECK_OK(firn_store_remove(lake, ctx, &path, 1, NULL, &err));
}

static const char *read_text(const char *path, firn_arena *arena) {
  firn_bytes bytes;
  return firn_store_read_all(lake, ctx, path, 1 << 20, arena, &bytes, NULL) == FIRN_OK
             ? firn_arena_text(arena, bytes)
             : NULL;
}

static void check_is_version(firn_catalog *c, int wanted) {
  FIRN_AUTO_TABLE table = {0};
  char location[100];
  (void)snprintf(location, sizeof location, "memory://lake/" FOLDER "v%d.metadata.json", wanted);
  CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
  assert_string_equal(table.metadata_location, location);
}

/* --- the layout --- */

static void a_table_is_a_folder_with_numbered_metadata(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *faulty;
  firn_catalog *c = begin_with(2, &faulty);
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
  assert_string_equal(firn_metadata_get(table.metadata)->location, "memory://lake/wh/db/events");
  assert_string_equal(table.metadata_location, "memory://lake/" FOLDER "v3.metadata.json");
  assert_string_equal(read_text(FOLDER "version-hint.text", &arena), "3");
  assert_non_null(read_text(FOLDER "v1.metadata.json", &arena));
  const firn_metadata_fields *m = firn_metadata_get(table.metadata);
  assert_int_equal(m->n_metadata_log, 2);
  assert_string_equal(m->metadata_log[1].metadata_file, "memory://lake/" FOLDER "v2.metadata.json");
  assert_int_equal(test_count_objects(lake, ctx, "wh/"), 3 + 1 + 1); /* versions, hint, the namespace */
  end(c, faulty);
}

static void names_of_versions_are_told_from_others(void **state) {
  (void)state;
  assert_int_equal(firn_folder_version_of("v12.metadata.json"), 12);
  assert_int_equal(firn_folder_version_of("v1.gz.metadata.json"), 1);
  assert_int_equal(firn_folder_version_of("v2147483647.metadata.json.gz"), INT32_MAX);
  static const char *const others[] = {"v0.metadata.json",
                                       "v.metadata.json",
                                       "v1.metadata.json.bak",
                                       "v1",
                                       "v2147483648.metadata.json",
                                       "v99999999999999999999.metadata.json",
                                       "00001-abc.metadata.json",
                                       "V1.metadata.json",
                                       "v-1.metadata.json",
                                       "v1.zst.metadata.json",
                                       "",
                                       "vfinal.metadata.json"};
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    assert_int_equal(firn_folder_version_of(others[i]), 0);
  }
}

static void what_no_folder_can_be_called_is_refused(void **state) {
  (void)state;
  firn_store *faulty;
  firn_catalog *c = begin_with(0, &faulty);
  static const char *const bad[] = {".", "..", ".firn", "a/b", "/"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    const firn_namespace ns = {1, &bad[i]};
    const firn_table_id id = {.ns = db, .name = bad[i]};
    bool is_there;
    CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &ns, NULL, &err), FIRN_INVALID);
    CHECK_STATUS(firn_catalog_table_exists(c, ctx, &id, &is_there, &err), FIRN_INVALID);
    CHECK_STATUS(create(c, &id, NULL, &err), FIRN_INVALID);
  }
  end(c, faulty);
}

static void a_folder_is_one_thing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *faulty;
  firn_catalog *c = begin_with(0, &faulty);
  const char *const below[] = {"db", "events", "x"};
  const firn_namespace in_table = {3, below};
  const firn_namespace table_itself = {2, below};
  CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &in_table, NULL, &err), FIRN_EXISTS);
  CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &table_itself, NULL, &err), FIRN_EXISTS);
  CHECK_SAYS("is a table's");
  firn_properties p;
  CHECK_STATUS(firn_catalog_namespace_load(c, ctx, &table_itself, &arena, &p, &err), FIRN_NOT_FOUND);
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &raw, NULL, &err));
  const firn_table_id as_namespace = {.ns = db, .name = "raw"};
  CHECK_STATUS(create(c, &as_namespace, NULL, &err), FIRN_EXISTS);
  CHECK_SAYS("there is a namespace of this name already");
  end(c, faulty);
}

/* Whatever made them, folders with tables are namespaces; firn's own folder and files in between are none. */
static void tables_that_others_put_there_are_seen(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *faulty;
  firn_catalog *c = begin_with(0, &faulty);
  firn_namespaces namespaces;
  firn_names names;
  put("wh/spark/deep/t/metadata/v1.metadata.json", read_text(FOLDER "v1.metadata.json", &arena));
  put("wh/spark/deep/t/data/metadata/00000-x.metadata.json", "");
  put("wh/.firn/moved/x/metadata/v1.metadata.json", "");
  put("wh/stray/file.parquet", "");
  put("wh/v1.metadata.json", "");
  CHECK_OK(firn_catalog_namespace_list(c, ctx, NULL, &arena, &namespaces, &err));
  assert_int_equal(namespaces.n, 2);
  assert_string_equal(namespaces.items[0].levels[0], "db");
  assert_string_equal(namespaces.items[1].levels[0], "spark");
  const char *const spark[] = {"spark", "deep"};
  const firn_namespace deep = {2, spark};
  CHECK_OK(firn_catalog_table_list(c, ctx, &deep, &arena, &names, &err));
  assert_int_equal(names.n, 1);
  assert_string_equal(names.items[0].name, "t");
  firn_catalog_look look;
  int64_t n_tables;
  bool has_any;
  CHECK_OK(firn_folder_count_tables(lake, ctx, "wh", &n_tables, &has_any, &err));
  assert_int_equal(n_tables, 2);
  assert_true(has_any);
  const char *uri = firn_arena_printf(&arena, "folder:%s/none", test_folder());
  CHECK_OK(firn_catalog_look_at(ctx, uri, &look, &err));
  assert_false(look.is_there);
  end(c, faulty);
}

/* --- the newest version --- */

static void a_stale_hint_loses_no_commit(void **state) {
  (void)state;
  static const char *const hints[] = {"1",  "3\n", "24", "25",  "26",          "0",         "",
                                      "-3", "x7",  "v3", "3 4", "99999999999", "2147483647"};
  firn_store *faulty;
  firn_catalog *c = begin_with(24, &faulty);
  for (size_t i = 0; i < FIRN_COUNT_OF(hints); i++) {
    put(FOLDER "version-hint.text", hints[i]);
    check_is_version(c, 25);
  }
  take(FOLDER "version-hint.text");
  check_is_version(c, 25);
  for (int v = 1; v < 24; v++) { /* trimmed, as engines do */
    char path[100];
    (void)snprintf(path, sizeof path, FOLDER "v%d.metadata.json", v);
    take(path);
  }
  put(FOLDER "version-hint.text", "2");
  check_is_version(c, 25);
  put(FOLDER "version-hint.text", "1");
  CHECK_OK(set(c, "late", &err));
  check_is_version(c, 26);
  end(c, faulty);
}

static void packed_metadata_of_others_is_read(void **state) {
  (void)state;
  static const char *const names[] = {FOLDER "v3.gz.metadata.json", FOLDER "v3.metadata.json.gz"};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TABLE table = {0};
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0);
    FIRN_AUTO_COMPRESSOR *compressor = NULL;
    firn_store *faulty;
    firn_catalog *c = begin_with(2, &faulty);
    CHECK_OK(firn_compressor_new(FIRN_CODEC_GZIP, FIRN_LEVEL_DEFAULT, &compressor, &err));
    CHECK_OK(firn_compress(compressor, firn_bytes_of(read_text(FOLDER "v3.metadata.json", &arena)), &packed,
                           &err));
    CHECK_OK(firn_store_put(lake, ctx, names[i], firn_builder_bytes(&packed), FIRN_PUT_ALWAYS, NULL, &err));
    take(FOLDER "v3.metadata.json");
    put(FOLDER "version-hint.text", "2");
    CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
    assert_non_null(strstr(table.metadata_location, names[i]));
    assert_non_null(firn_metadata_property(table.metadata, "k1"));
    CHECK_OK(set(c, "after", &err));
    check_is_version(c, 4);
    end(c, faulty);
  }
}

/* --- races --- */

/* A store in which another writer comes first: it makes the next version just before ours is written. */
static void the_second_of_two_writers_sees_a_conflict(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const forms[] = {"v2.metadata.json", "v2.gz.metadata.json"};
  for (size_t i = 0; i < FIRN_COUNT_OF(forms); i++) {
    firn_store *faulty;
    firn_catalog *c = begin_with(0, &faulty);
    put(firn_arena_printf(&arena, FOLDER "%s", forms[i]), "the other's");
    CHECK_STATUS(firn_folder_publish(lake, ctx, "wh/db/events", 2, FOLDER "v1.metadata.json",
                                     FIRN_LITERAL("ours"), &err),
                 FIRN_EXISTS);
    assert_string_equal(read_text(firn_arena_printf(&arena, FOLDER "%s", forms[i]), &arena), "the other's");
    assert_string_equal(read_text(FOLDER "version-hint.text", &arena), "1");
    end(c, faulty);
  }
}

/* Somebody slept while the table went on and trimmed, or was dropped: nobody would ever read his commit. */
static void a_commit_on_a_version_that_is_gone_is_none(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *faulty;
  firn_catalog *c = begin_with(3, &faulty);
  for (int v = 1; v < 4; v++) {
    take(firn_arena_printf(&arena, FOLDER "v%d.metadata.json", v));
  }
  CHECK_STATUS(firn_folder_publish(lake, ctx, "wh/db/events", 2, FOLDER "v1.metadata.json",
                                   FIRN_LITERAL("late"), &err),
               FIRN_UNCERTAIN); /* a later version may or may not have come after it */
  check_is_version(c, 4);
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_STATUS(firn_folder_publish(lake, ctx, "wh/db/events", 5, FOLDER "v4.metadata.json",
                                   FIRN_LITERAL("late"), &err),
               FIRN_CONFLICT);
  bool is_there;
  CHECK_OK(firn_catalog_table_exists(c, ctx, &events, &is_there, &err));
  assert_false(is_there);
  end(c, faulty);
}

static void check_all_set(firn_catalog *c, size_t wanted) {
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
  size_t n_set = 0;
  const firn_properties *all = &firn_metadata_get(table.metadata)->properties;
  for (size_t i = 0; i < all->n; i++) {
    n_set += strcmp(all->items[i].value, "set") == 0;
  }
  assert_int_equal(n_set, wanted);
}

enum { WRITERS = 4, COMMITS = 12 };

/* Sets keys of its own until all of them are in; false: something else than a lost race happened. */
static bool commit_many(firn_catalog *c, firn_ctx *own, int number) {
  for (int i = 0; i < COMMITS;) {
    char key[32];
    (void)snprintf(key, sizeof key, "%d-%d", number, i);
    const firn_property p = {key, "set"};
    const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
    const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
    firn_status status = firn_catalog_commit(c, own, &commit, 1, NULL, NULL);
    i += status == FIRN_OK;
    if (status != FIRN_OK && status != FIRN_CONFLICT) {
      return false;
    }
  }
  return true;
}

typedef struct writer {
  firn_catalog *catalog;
  int number;
  bool is_done;
} writer;

static void *write_many(void *arg) {
  writer *w = arg;
  firn_ctx own = FIRN_CTX_INIT(&firn_env_system);
  w->is_done = commit_many(w->catalog, &own, w->number);
  return NULL;
}

static void threads_commit_at_once(void **state) {
  (void)state;
  firn_store *faulty;
  firn_catalog *c = begin_with(0, &faulty);
  pthread_t threads[WRITERS];
  writer writers[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    writers[i] = (writer){.catalog = c, .number = i};
    assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
  }
  for (int i = 0; i < WRITERS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(writers[i].is_done);
  }
  check_all_set(c, (size_t)WRITERS * COMMITS);
  check_is_version(c, 1 + WRITERS * COMMITS);
  end(c, faulty);
}

static firn_catalog *open_on_disk(const firn_env *env, const char *folder) {
  firn_ctx own = FIRN_CTX_INIT(env);
  firn_catalog *c = NULL;
  char uri[4200];
  (void)snprintf(uri, sizeof uri, "folder:%s/wh", folder);
  CHECK_OK(firn_stores_open(env, &stores, &err));
  CHECK_OK(firn_catalog_open(&own, uri, NULL, stores, &c, &err));
  return c;
}

static void processes_commit_at_once(void **state) {
  (void)state;
  char folder[4096];
  (void)snprintf(folder, sizeof folder, "%s", test_folder());
  ctx = test_ctx();
  firn_catalog *c = open_on_disk(&firn_env_system, folder);
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, NULL, &err));
  CHECK_OK(create(c, &events, NULL, &err));
  firn_catalog_close(c);
  firn_stores_close(stores);
  pid_t children[WRITERS];
  for (int i = 0; i < WRITERS; i++) {
    children[i] = fork();
    assert_true(children[i] >= 0);
    if (children[i] == 0) {
      firn_ctx own = FIRN_CTX_INIT(&firn_env_system);
      _exit(commit_many(open_on_disk(&firn_env_system, folder), &own, i) ? 0 : 1);
    }
  }
  for (int i = 0; i < WRITERS; i++) {
    int status;
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  c = open_on_disk(&firn_env_system, folder);
  assert_true(firn_catalog_can(c, FIRN_CATALOG_DURABLE));
  check_all_set(c, (size_t)WRITERS * COMMITS);
  firn_catalog_close(c);
  firn_stores_close(stores);
}

/* --- faults --- */

static firn_status live(firn_catalog *c, int *n_done) {
  *n_done = 0;
  FIRN_TRY(create(c, &events, NULL, &err));
  *n_done = 1;
  FIRN_TRY(set(c, "one", &err));
  *n_done = 2;
  FIRN_TRY(set(c, "two", &err));
  *n_done = 3;
  return FIRN_OK;
}

/* What was said to be done is there, what was said to have failed is not. */
static void check_after_fault(firn_catalog *c, firn_status status, int n_done) {
  FIRN_AUTO_TABLE table = {0};
  firn_status loaded = firn_catalog_table_load(c, ctx, &events, &table, &err);
  int n_there = 0;
  if (loaded != FIRN_NOT_FOUND) {
    CHECK_STATUS(loaded, FIRN_OK);
    bool one = firn_metadata_property(table.metadata, "one") != NULL;
    bool two = firn_metadata_property(table.metadata, "two") != NULL;
    assert_true(one || !two);
    n_there = 1 + one + two;
  }
  assert_true(n_there == n_done || (status == FIRN_UNCERTAIN && n_there == n_done + 1));
}

static void every_store_call_fails_once(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_UNCERTAIN, FIRN_BUSY, FIRN_DENIED};
  for (size_t f = 0; f < FIRN_COUNT_OF(faults); f++) {
    for (size_t n = 0;; n++) {
      firn_store *faulty;
      firn_catalog *c = begin(n, faults[f], &faulty);
      int n_done;
      put("wh/db/.firn-namespace", "");
      firn_status status = live(c, &n_done);
      bool is_over = firn_faulty_store_calls(faulty) <= n;
      if (is_over) {
        end(c, faulty);
        CHECK_STATUS(status, FIRN_OK);
        assert_true(n > 20);
        break;
      }
      check_after_fault(c, status, n_done);
      end(c, faulty);
      /* One lost answer is always cleared up. */
      assert_true(status != FIRN_UNCERTAIN);
    }
  }
}

/* A store that loses every answer to a conditional write, which it carries out or not. */
typedef struct lossy_store {
  firn_store base;
  bool carries_out;
} lossy_store;

static firn_status lossy_put(firn_store *s, firn_ctx *c, const char *path, firn_bytes data, firn_put_if when,
                             firn_object_info *info, firn_error *e) {
  if (when.kind == FIRN_PUT_ABSENT) {
    if (((lossy_store *)s)->carries_out) {
      FIRN_IGNORE(lake->ops->put(lake, c, path, data, when, info, NULL)); /* done, and not told */
    }
    return firn_error_set(e, FIRN_UNCERTAIN, "lost");
  }
  return lake->ops->put(lake, c, path, data, when, info, e);
}
static firn_status lossy_stat(firn_store *s, firn_ctx *c, const char *path, firn_object_info *out,
                              firn_error *e) {
  (void)s;
  return lake->ops->stat(lake, c, path, out, e);
}
static firn_status lossy_read(firn_store *s, firn_ctx *c, const char *path, firn_range *ranges, size_t n,
                              firn_object_info *info, firn_error *e) {
  (void)s;
  return lake->ops->read(lake, c, path, ranges, n, info, e);
}

static void answers_that_are_always_lost_are_uncertain_or_cleared_up(void **state) {
  (void)state;
  static const firn_store_ops ops = {
      .scheme = "lossy", .put = lossy_put, .stat = lossy_stat, .read = lossy_read};
  firn_store *faulty;
  firn_catalog *c = begin_with(1, &faulty);
  lossy_store lossy = {.base = {.ops = &ops, .can = lake->can, .root = ""}};
  firn_store *s = &lossy.base;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_STATUS(
      firn_folder_publish(s, ctx, "wh/db/events", 3, FOLDER "v2.metadata.json", FIRN_LITERAL("x"), &err),
      FIRN_UNCERTAIN);
  check_is_version(c, 2);
  lossy.carries_out = true;
  CHECK_OK(
      firn_folder_publish(s, ctx, "wh/db/events", 3, FOLDER "v2.metadata.json", FIRN_LITERAL("x"), &err));
  assert_string_equal(read_text(FOLDER "v3.metadata.json", &arena), "x");
  assert_string_equal(read_text(FOLDER "version-hint.text", &arena), "3");
  end(c, faulty);
}

/* --- dropping --- */

static void a_drop_that_is_cut_off_leaves_the_newest_or_nothing(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    firn_store *faulty;
    firn_catalog *c = begin_with(4, &faulty);
    firn_store *broken = NULL;
    firn_arena arena = FIRN_ARENA_INIT(0);
    size_t before = firn_faulty_store_calls(faulty);
    end(c, faulty);
    c = begin(before + n, FIRN_IO, &broken);
    CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, NULL, &err));
    CHECK_OK(create(c, &events, NULL, &err));
    for (int i = 0; i < 4; i++) {
      CHECK_OK(set(c, firn_arena_printf(&arena, "k%d", i), &err));
    }
    firn_status status = firn_catalog_table_drop(c, ctx, &events, &err);
    bool is_over = firn_faulty_store_calls(broken) <= before + n;
    if (is_over) {
      firn_arena_free(&arena);
      end(c, broken);
      CHECK_STATUS(status, FIRN_OK);
      assert_true(n > 8);
      return;
    }
    bool is_there;
    CHECK_OK(firn_catalog_table_exists(c, ctx, &events, &is_there, &err));
    assert_true(status != FIRN_OK || !is_there);
    if (is_there) {
      check_is_version(c, 5);
      CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err)); /* goes on */
    }
    firn_arena_free(&arena);
    end(c, broken);
  }
}

static const char *find_dropped(firn_arena *arena) {
  FIRN_AUTO_LISTING *l = NULL;
  const firn_listed *item;
  CHECK_OK(firn_store_list(lake, ctx, FOLDER "dropped-v", &l, &err));
  CHECK_OK(firn_listing_next(l, ctx, &item, &err));
  assert_non_null(item);
  return firn_arena_printf(arena, "memory://lake/%s", item->path);
}

static void a_dropped_table_can_be_brought_back_and_its_names_are_not_used_again(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE before = {0}, back = {0}, anew = {0};
  firn_store *faulty;
  firn_catalog *c = begin_with(3, &faulty);
  CHECK_OK(firn_catalog_table_load(c, ctx, &events, &before, &err));
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_STATUS(firn_catalog_table_drop(c, ctx, &events, &err), FIRN_NOT_FOUND);
  const char *kept = find_dropped(&arena);
  CHECK_OK(firn_catalog_table_register(c, ctx, &events, kept, &back, &err));
  assert_string_equal(firn_metadata_get(back.metadata)->table_uuid,
                      firn_metadata_get(before.metadata)->table_uuid);
  check_is_version(c, 4); /* versions 1 to 3 are in the log */
  CHECK_OK(set(c, "after", &err));
  check_is_version(c, 5);
  check_all_set(c, 4);
  CHECK_STATUS(firn_catalog_table_register(c, ctx, &events, kept, NULL, &err), FIRN_EXISTS);
  /* A new one of that name begins at 1, and is another to whoever compares etags. */
  FIRN_AUTO_TABLE first = {0};
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_OK(create(c, &events, &first, &err));
  check_is_version(c, 1);
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_OK(create(c, &events, &anew, &err));
  assert_string_equal(first.metadata_location, anew.metadata_location);
  assert_string_not_equal(first.etag, anew.etag);
  end(c, faulty);
}

/* --- places --- */

static void a_table_that_was_moved_is_told(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *faulty;
  firn_catalog *c = begin_with(1, &faulty);
  put("wh/db/copy/metadata/v1.metadata.json", read_text(FOLDER "v2.metadata.json", &arena));
  const firn_table_id copy = {.ns = db, .name = "copy"};
  const firn_property p = {"k", "v"};
  const firn_property path = {"write.metadata.path", "memory://lake/elsewhere"};
  firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
  firn_table_commit commit = {.table = copy, .n_updates = 1, .updates = &update};
  FIRN_AUTO_TABLE table = {0};
  CHECK_STATUS(firn_catalog_table_load(c, ctx, &copy, &table, &err), FIRN_INVALID);
  CHECK_SAYS("one that was moved is read by its path");
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_INVALID);
  commit.table = events;
  update.properties.items = &path;
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("write.metadata.path cannot be set");
  update = (firn_update){.kind = FIRN_UPDATE_SET_LOCATION, .text = "memory://lake/elsewhere"};
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_INVALID);
  check_is_version(c, 2);
  end(c, faulty);
}

static void a_warehouse_of_its_own_and_a_store_with_conditions_are_wanted(void **state) {
  (void)state;
  firn_catalog *c = NULL;
  firn_store *plain;
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_STATUS(firn_catalog_open(ctx, "folder:/lake", "/other", stores, &c, &err), FIRN_INVALID);
  CHECK_SAYS("leave the warehouse /other out");
  CHECK_STATUS(firn_catalog_open(ctx, "folder:", NULL, stores, &c, &err), FIRN_INVALID);
  CHECK_STATUS(firn_catalog_open(ctx, "folder:lake", NULL, stores, &c, &err), FIRN_INVALID);
  CHECK_OK(firn_memory_store_open(0, &plain, &err));
  plain->can = 0;
  CHECK_OK(firn_stores_add(stores, "memory", "plain", plain, &err));
  CHECK_STATUS(firn_catalog_open(ctx, "folder:memory://plain/x", NULL, stores, &c, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("no conditional writes");
  firn_stores_close(stores);
  firn_store_close(plain);
}

/* --- memory runs out --- */

static firn_status live_short(void) {
  FIRN_AUTO_STORES *own = NULL;
  FIRN_AUTO_CATALOG *files = NULL; /* serves memory://files */
  FIRN_AUTO_CATALOG *c = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_namespaces namespaces;
  firn_names names;
  FIRN_TRY(firn_stores_open(ctx->env, &own, NULL));
  FIRN_TRY(firn_catalog_open(ctx, "memory:files", NULL, own, &files, NULL));
  FIRN_TRY(firn_catalog_open(ctx, "folder:memory://files", NULL, own, &c, NULL));
  FIRN_TRY(firn_catalog_namespace_create(c, ctx, &db, NULL, NULL));
  FIRN_TRY(create(c, &events, NULL, NULL));
  FIRN_TRY(set(c, "one", NULL));
  FIRN_TRY(firn_catalog_namespace_list(c, ctx, NULL, &arena, &namespaces, NULL));
  FIRN_TRY(firn_catalog_table_list(c, ctx, &db, &arena, &names, NULL));
  FIRN_TRY(firn_catalog_table_drop(c, ctx, &events, NULL));
  return firn_catalog_namespace_drop(c, ctx, &db, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  ctx = test_ctx();
  check_survives_oom(live_short);
}

RUN_TESTS(a_table_is_a_folder_with_numbered_metadata, names_of_versions_are_told_from_others,
          what_no_folder_can_be_called_is_refused, a_folder_is_one_thing,
          tables_that_others_put_there_are_seen, a_stale_hint_loses_no_commit,
          packed_metadata_of_others_is_read, the_second_of_two_writers_sees_a_conflict,
          a_commit_on_a_version_that_is_gone_is_none, threads_commit_at_once, processes_commit_at_once,
          every_store_call_fails_once, answers_that_are_always_lost_are_uncertain_or_cleared_up,
          a_drop_that_is_cut_off_leaves_the_newest_or_nothing,
          a_dropped_table_can_be_brought_back_and_its_names_are_not_used_again,
          a_table_that_was_moved_is_told, a_warehouse_of_its_own_and_a_store_with_conditions_are_wanted,
          survives_oom)

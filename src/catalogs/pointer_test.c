/* What happens between reading a pointer and swapping it: rivals, lost answers, failing stores. */
#include "catalogs/pointer.h"

#include <stdio.h>
#include <unistd.h>

#include "catalogs/catalogs.h"
#include "test_table.h"

static firn_error err;
static firn_ctx *ctx;
static firn_stores *stores;
static firn_store *lake; /* what memory://lake/ is served from */

static const char *const levels[] = {"db"};
static const firn_namespace db = {1, levels};
static const firn_table_id events = {.ns = {1, levels}, .name = "events"};

/* --- a catalog of one pointer whose swap does as it is told --- */

typedef struct told_catalog {
  firn_pointer_catalog base;
  char location[FIRN_PATH_MAX];
  firn_status answer; /* of swaps */
  bool swaps;         /* whether they happen */
} told_catalog;

static firn_status told_find(firn_catalog *c, firn_ctx *ctx_, const firn_table_id *id, firn_arena *arena,
                             const char **location, firn_error *e) {
  told_catalog *t = (told_catalog *)c;
  (void)ctx_, (void)id;
  if (t->location[0] == '\0') {
    return firn_error_set(e, FIRN_NOT_FOUND, "no table");
  }
  *location = firn_arena_text(arena, firn_bytes_of(t->location));
  return *location == NULL ? firn_error_set(e, FIRN_NOMEM, "no memory") : FIRN_OK;
}

static firn_status told_swap(firn_catalog *c, firn_ctx *ctx_, const firn_pointer_swap *swaps, size_t n,
                             firn_error *e) {
  told_catalog *t = (told_catalog *)c;
  (void)ctx_;
  assert_int_equal(n, 1);
  if (swaps[0].from != NULL && strcmp(swaps[0].from, t->location) != 0) {
    return firn_pointer_lost(e);
  }
  if (t->swaps) {
    (void)snprintf(t->location, sizeof t->location, "%s", swaps[0].to);
  }
  return t->answer == FIRN_OK ? FIRN_OK : firn_error_set(e, t->answer, "as told");
}

static firn_status told_is_used(firn_catalog *c, firn_ctx *ctx_, const char *folder, bool *out,
                                firn_error *e) {
  (void)c, (void)ctx_, (void)folder, (void)e;
  *out = false;
  return FIRN_OK;
}

static firn_status told_namespace_load(firn_catalog *c, firn_ctx *ctx_, const firn_namespace *ns,
                                       firn_arena *arena, firn_properties *out, firn_error *e) {
  (void)c, (void)ctx_, (void)ns, (void)arena, (void)e;
  *out = (firn_properties){0};
  return FIRN_OK;
}

static const firn_pointer_ops told_pointers = {.find = told_find, .swap = told_swap, .is_used = told_is_used};
static const firn_catalog_ops told_ops = {
    .kind = "told",
    .namespace_load = told_namespace_load,
    .table_create = firn_pointer_table_create,
    .table_load = firn_pointer_table_load,
    .table_register = firn_pointer_table_register,
    .commit = firn_pointer_commit,
};

static told_catalog told;

static void begin_told(void) {
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_OK(firn_memory_store_open(0, &lake, &err));
  CHECK_OK(firn_stores_add(stores, "memory", "lake", lake, &err));
  told = (told_catalog){.base = {.base = {.ops = &told_ops, .stores = stores},
                                 .pointers = &told_pointers,
                                 .warehouse = "memory://lake"},
                        .swaps = true};
}

static void end(void) {
  firn_stores_close(stores);
  firn_store_close(lake);
}

static firn_status create(firn_catalog *c, firn_error *e) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  FIRN_TRY(test_schema_read(TEST_SCHEMA, &arena, &schema, e));
  const firn_table_create how = {.schema = &schema};
  return firn_catalog_table_create(c, ctx, &events, &how, NULL, e);
}

static firn_status set(firn_catalog *c, const char *key, firn_error *e) {
  const firn_property p = {key, "set"};
  const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
  const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
  return firn_catalog_commit(c, ctx, &commit, 1, NULL, e);
}

static size_t n_files(void) {
  FIRN_AUTO_LISTING *l = NULL;
  const firn_listed *item;
  size_t n = 0;
  CHECK_OK(firn_store_list(lake, ctx, "", &l, &err));
  for (;;) {
    CHECK_OK(firn_listing_next(l, ctx, &item, &err));
    if (item == NULL) {
      return n;
    }
    n++;
  }
}

/* What a pointer says when it is asked first: a file that a commit has trimmed since. */
static const char *stale;
static int n_stale;

static firn_status stale_find(firn_catalog *c, firn_ctx *ctx_, const firn_table_id *id, firn_arena *arena,
                              const char **location, firn_error *e) {
  if (n_stale == 0) {
    return told_find(c, ctx_, id, arena, location, e);
  }
  n_stale--;
  *location = stale;
  return FIRN_OK;
}

static void metadata_that_was_trimmed_before_we_read_it_is_asked_for_again(void **state) {
  (void)state;
  begin_told();
  CHECK_OK(create(&told.base.base, &err));
  firn_pointer_ops pointers = told_pointers;
  pointers.find = stale_find;
  told.base.pointers = &pointers;
  stale = "memory://lake/db/events/metadata/00000-trimmed.metadata.json";
  n_stale = 1;
  firn_table table;
  CHECK_OK(firn_catalog_table_load(&told.base.base, ctx, &events, &table, &err));
  assert_string_equal(table.metadata_location, told.location);
  firn_table_release(&table);
  n_stale = 2; /* the pointer stays, its file is gone */
  CHECK_STATUS(firn_catalog_table_load(&told.base.base, ctx, &events, &table, &err), FIRN_CORRUPT);
  CHECK_SAYS("its metadata file is gone");
  n_stale = 0;
  end();
}

static void what_certainly_did_not_happen_leaves_no_file(void **state) {
  (void)state;
  begin_told();
  CHECK_OK(create(&told.base.base, &err));
  static const firn_status certain[] = {FIRN_CONFLICT, FIRN_BUSY, FIRN_IO, FIRN_DENIED, FIRN_TIMEOUT};
  told.swaps = false;
  for (size_t i = 0; i < FIRN_COUNT_OF(certain); i++) {
    told.answer = certain[i];
    CHECK_STATUS(set(&told.base.base, "k", &err), certain[i]);
    assert_int_equal(n_files(), 1);
  }
  end();
}

static void an_unknown_outcome_removes_nothing(void **state) {
  (void)state;
  for (int happened = 0; happened < 2; happened++) {
    begin_told();
    CHECK_OK(create(&told.base.base, &err));
    told.answer = FIRN_UNCERTAIN;
    told.swaps = happened == 1;
    CHECK_STATUS(set(&told.base.base, "k", &err), FIRN_UNCERTAIN);
    assert_int_equal(n_files(), 2);
    FIRN_AUTO_TABLE table = {0};
    CHECK_OK(firn_catalog_table_load(&told.base.base, ctx, &events, &table, &err));
    assert_int_equal(firn_metadata_property(table.metadata, "k") != NULL, happened);
    end();
  }
}

/* --- a rival between reading and swapping --- */

typedef struct rival_store {
  firn_store base;
  firn_catalog *catalog;
  bool is_due;
} rival_store;

static firn_status rival_put(firn_store *s, firn_ctx *c, const char *path, firn_bytes data, firn_put_if when,
                             firn_object_info *info, firn_error *e) {
  rival_store *r = (rival_store *)s;
  if (r->is_due) { /* we have read the pointer, and write the file of our commit */
    r->is_due = false;
    CHECK_OK(set(r->catalog, "rival", &err));
  }
  return lake->ops->put(lake, c, path, data, when, info, e);
}
static firn_status rival_read(firn_store *s, firn_ctx *c, const char *path, firn_range *ranges, size_t n,
                              firn_object_info *info, firn_error *e) {
  (void)s;
  return lake->ops->read(lake, c, path, ranges, n, info, e);
}
static firn_status rival_remove(firn_store *s, firn_ctx *c, const char *const *paths, size_t n,
                                firn_status *each, firn_error *e) {
  (void)s;
  return lake->ops->remove(lake, c, paths, n, each, e);
}

static const firn_store_ops rival_ops = {
    .scheme = "rival", .put = rival_put, .read = rival_read, .remove = rival_remove};

static firn_catalog *open_kind(size_t i, const char *warehouse) {
  firn_catalog *c = NULL;
  char uri[4200] = "memory:";
  if (i == 1) {
    (void)snprintf(uri, sizeof uri, "sqlite:%s/catalog.db", test_folder());
  }
  CHECK_OK(firn_catalog_open(ctx, uri, warehouse, stores, &c, &err));
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, NULL, &err));
  return c;
}

static void a_lost_race_is_a_conflict(void **state) {
  (void)state;
  for (size_t kind = 0; kind < 2; kind++) {
    ctx = test_ctx();
    CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
    CHECK_OK(firn_memory_store_open(0, &lake, &err));
    rival_store rival = {.base = {.ops = &rival_ops, .can = lake->can, .root = ""}};
    CHECK_OK(firn_stores_add(stores, "memory", "lake", &rival.base, &err));
    FIRN_AUTO_CATALOG *c = open_kind(kind, "memory://lake");
    CHECK_OK(create(c, &err));
    rival.catalog = c;
    rival.is_due = true;
    CHECK_STATUS(set(c, "late", &err), FIRN_CONFLICT);
    char wanted[200];
    (void)snprintf(wanted, sizeof wanted,
                   "%s: committing to db.events: Commit conflict - table was modified concurrently",
                   c->ops->kind);
    assert_string_equal(err.text, wanted);
    assert_int_equal(n_files(), 2); /* the first one and the rival's */
    CHECK_OK(set(c, "late", &err));
    FIRN_AUTO_TABLE table = {0};
    CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
    assert_non_null(firn_metadata_property(table.metadata, "rival"));
    assert_non_null(firn_metadata_property(table.metadata, "late"));
    firn_catalog_close(FIRN_HAND_OVER(c));
    end();
  }
}

/* --- every call of the store fails once --- */

static firn_status whole_life(firn_catalog *c) {
  FIRN_TRY(create(c, &err));
  FIRN_TRY(set(c, "one", &err));
  return set(c, "two", &err);
}

static void check_after_fault(firn_catalog *c, firn_status status) {
  FIRN_AUTO_TABLE table = {0};
  firn_status loaded = firn_catalog_table_load(c, ctx, &events, &table, &err);
  if (loaded == FIRN_NOT_FOUND) {
    assert_int_not_equal(status, FIRN_OK);
    assert_int_equal(n_files(), 0);
    return;
  }
  CHECK_STATUS(loaded, FIRN_OK);
  bool one = firn_metadata_property(table.metadata, "one") != NULL;
  bool two = firn_metadata_property(table.metadata, "two") != NULL;
  assert_true(one || !two);
  assert_int_equal(two, status == FIRN_OK);
  assert_int_equal(n_files(), 1 + one + two);
}

/* As it is on the first day of a process, when nothing is remembered. */
static void forget_all(firn_catalog *c) {
  firn_pointer_catalog *p = (firn_pointer_catalog *)c;
  firn_metadata_cache_free(p->cache);
  p->cache = NULL;
}

static void every_store_call_fails_once(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_UNCERTAIN, FIRN_NOT_FOUND};
  for (size_t f = 0; f < 2 * FIRN_COUNT_OF(faults); f++) {
    bool remembers = f >= FIRN_COUNT_OF(faults);
    for (size_t n = 0;; n++) {
      ctx = test_ctx();
      CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
      CHECK_OK(firn_memory_store_open(0, &lake, &err));
      FIRN_AUTO_STORE *faulty = NULL;
      CHECK_OK(firn_faulty_store_open(lake, n, faults[f % FIRN_COUNT_OF(faults)], &faulty, &err));
      CHECK_OK(firn_stores_add(stores, "memory", "lake", faulty, &err));
      firn_catalog *c = open_kind(0, "memory://lake");
      if (!remembers) {
        forget_all(c);
      }
      firn_status status = whole_life(c);
      size_t n_calls = firn_faulty_store_calls(faulty);
      if (n_calls > n) {
        check_after_fault(c, status);
      }
      firn_catalog_close(c);
      firn_stores_close(stores);
      if (n_calls <= n) {
        CHECK_STATUS(status, FIRN_OK);
        assert_int_equal(n, remembers ? 3 : 5); /* three writes, two reads */
        break;
      }
    }
  }
}

/* What is remembered after a commit is what a reader of the file gets. */
static void what_is_remembered_is_what_is_written(void **state) {
  (void)state;
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_OK(firn_memory_store_open(0, &lake, &err));
  CHECK_OK(firn_stores_add(stores, "memory", "lake", lake, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_catalog *c = open_kind(1, "memory://lake");
  CHECK_OK(create(c, &err));
  for (int i = 0; i < 8; i++) {
    firn_append_result result;
    if (i % 2 == 0) {
      CHECK_OK(set(c, firn_arena_printf(&arena, "k%d", i), &err));
    } else {
      CHECK_OK(test_append_to(c, ctx, firn_arena_printf(&arena, "f%d-", i), 2, NULL, &arena, &result, &err));
    }
    FIRN_AUTO_TABLE remembered = {0}, again = {0};
    FIRN_AUTO_METADATA *read = NULL;
    FIRN_AUTO_BUILDER one = FIRN_BUILDER_INIT(0), other = FIRN_BUILDER_INIT(0);
    firn_json_writer to_one = FIRN_JSON_WRITER_INIT(&one), to_other = FIRN_JSON_WRITER_INIT(&other);
    CHECK_OK(firn_catalog_table_load(c, ctx, &events, &remembered, &err));
    CHECK_OK(firn_catalog_table_load(c, ctx, &events, &again, &err));
    assert_ptr_equal(remembered.metadata, again.metadata);
    CHECK_OK(firn_metadata_file_read(stores, ctx, remembered.metadata_location, &read, &err));
    firn_metadata_write(remembered.metadata, &to_one);
    firn_metadata_write(read, &to_other);
    assert_true(firn_bytes_equal(firn_builder_bytes(&one), firn_builder_bytes(&other)));
  }
  firn_catalog_close(c);
  end();
}

/* --- memory runs out, threads --- */

static size_t kind_in_turn;
static char database[4200];

static void remove_database(void) {
  static const char *const tails[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < FIRN_COUNT_OF(tails); i++) {
    char path[4300];
    (void)snprintf(path, sizeof path, "%s%s", database, tails[i]);
    (void)unlink(path); /* may not be there */
  }
}

static firn_status live_short(void) {
  FIRN_AUTO_STORES *own = NULL;
  FIRN_AUTO_CATALOG *c = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_namespaces namespaces;
  firn_names names;
  char uri[4300] = "memory:";
  if (kind_in_turn == 1) {
    remove_database();
    (void)snprintf(uri, sizeof uri, "sqlite:%s", database);
  }
  FIRN_TRY(firn_stores_open(ctx->env, &own, NULL));
  FIRN_AUTO_CATALOG *files = NULL; /* serves memory://files */
  FIRN_TRY(firn_catalog_open(ctx, "memory:files", NULL, own, &files, NULL));
  FIRN_TRY(firn_catalog_open(ctx, uri, "memory://files", own, &c, NULL));
  FIRN_TRY(firn_catalog_namespace_create(c, ctx, &db, NULL, NULL));
  FIRN_TRY(whole_life(c));
  FIRN_TRY(firn_catalog_namespace_list(c, ctx, NULL, &arena, &namespaces, NULL));
  FIRN_TRY(firn_catalog_table_list(c, ctx, &db, &arena, &names, NULL));
  FIRN_TRY(firn_catalog_table_drop(c, ctx, &events, NULL));
  return firn_catalog_namespace_drop(c, ctx, &db, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  ctx = test_ctx();
  const char *folder = test_folder();
  const char *disk = test_small_disk(32 << 20, "nothing, but syncing to a real disk takes half a minute");
  (void)snprintf(database, sizeof database, "%s/catalog.db", disk != NULL ? disk : folder);
  for (kind_in_turn = 0; kind_in_turn < 2; kind_in_turn++) {
    check_survives_oom(live_short);
  }
}

enum { THREADS = 3, COMMITS = 20 };

typedef struct committer {
  firn_catalog *catalog;
  int number;
  bool failed;
} committer;

static void *commit_many(void *arg) {
  committer *own = arg;
  firn_env env = firn_env_system; /* its clock, for locks are waited for */
  env.files = ctx->env->files;
  firn_ctx mine = FIRN_CTX_INIT(&env);
  for (int i = 0; i < COMMITS;) {
    char key[32];
    (void)snprintf(key, sizeof key, "%d-%d", own->number, i);
    const firn_property p = {key, "set"};
    const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
    const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
    firn_status status = firn_catalog_commit(own->catalog, &mine, &commit, 1, NULL, NULL);
    i += status == FIRN_OK;
    if (status != FIRN_OK && status != FIRN_CONFLICT) {
      own->failed = true;
      return NULL;
    }
  }
  return NULL;
}

static void threads_may_share_a_catalog(void **state) {
  (void)state;
  for (size_t kind = 0; kind < 2; kind++) {
    ctx = test_ctx();
    CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
    CHECK_OK(firn_memory_store_open(0, &lake, &err));
    CHECK_OK(firn_stores_add(stores, "memory", "lake", lake, &err));
    FIRN_AUTO_CATALOG *c = open_kind(kind, "memory://lake");
    CHECK_OK(create(c, &err));
    pthread_t threads[THREADS];
    committer committers[THREADS];
    for (int i = 0; i < THREADS; i++) {
      committers[i] = (committer){.catalog = c, .number = i};
      assert_int_equal(pthread_create(&threads[i], NULL, commit_many, &committers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
      assert_int_equal(pthread_join(threads[i], NULL), 0);
      assert_false(committers[i].failed);
    }
    FIRN_AUTO_TABLE table = {0};
    CHECK_OK(firn_catalog_table_load(c, ctx, &events, &table, &err));
    size_t n_set = 0;
    const firn_properties *all = &firn_metadata_get(table.metadata)->properties;
    for (size_t i = 0; i < all->n; i++) {
      n_set += strcmp(all->items[i].value, "set") == 0;
    }
    assert_int_equal(n_set, THREADS * COMMITS);
    firn_catalog_close(FIRN_HAND_OVER(c));
    end();
  }
}

RUN_TESTS(metadata_that_was_trimmed_before_we_read_it_is_asked_for_again,
          what_certainly_did_not_happen_leaves_no_file, an_unknown_outcome_removes_nothing,
          a_lost_race_is_a_conflict, every_store_call_fails_once, what_is_remembered_is_what_is_written,
          survives_oom, threads_may_share_a_catalog)

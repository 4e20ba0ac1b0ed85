#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/file.h"
#include "io/stores.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char root[4096];

/* --- a file system that writes down what is asked of it, and fails when told to --- */

static firn_builder trace = FIRN_BUILDER_INIT(0);
static size_t calls, fail_at, dead_at; /* one call fails; from this call on all fail, as after a crash */

typedef struct traced_file {
  firn_file base;
  firn_file *inner;
} traced_file;

static bool hit(const char *what, firn_error *e) {
  size_t call = calls++;
  firn_builder_addf(&trace, "%s ", what);
  if (call == fail_at || call >= dead_at) {
    (void)firn_error_set(e, FIRN_IO, "injected fault");
    return true;
  }
  return false;
}

static const firn_file_ops *real(void) {
  return &firn_file_ops_system;
}

static firn_file *inner(firn_file *f) {
  return ((traced_file *)f)->inner;
}

static const firn_file_ops traced_ops;

static firn_status traced_open(void *self, const char *path, unsigned flags, firn_file **out, firn_error *e) {
  if (hit((flags & FIRN_FILE_NEW) != 0 ? "new" : "open", e)) {
    return FIRN_IO;
  }
  traced_file *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return FIRN_NOMEM;
  }
  firn_status status = real()->open(self, path, flags, &f->inner, e);
  if (status != FIRN_OK) {
    firn_free(f);
    return status;
  }
  f->base.ops = &traced_ops;
  *out = &f->base;
  return FIRN_OK;
}
static firn_status traced_stat(void *self, const char *path, firn_file_info *out, firn_error *e) {
  return hit("stat", e) ? FIRN_IO : real()->stat(self, path, out, e);
}
static firn_status traced_rename(void *self, const char *from, const char *to, firn_error *e) {
  return hit("rename", e) ? FIRN_IO : real()->rename(self, from, to, e);
}
static firn_status traced_link(void *self, const char *from, const char *to, firn_error *e) {
  return hit("link", e) ? FIRN_IO : real()->link(self, from, to, e);
}
static firn_status traced_unlink(void *self, const char *path, firn_error *e) {
  return hit("unlink", e) ? FIRN_IO : real()->unlink(self, path, e);
}
static firn_status traced_make_folder(void *self, const char *path, firn_error *e) {
  return hit("mkdir", e) ? FIRN_IO : real()->make_folder(self, path, e);
}
static firn_status traced_remove_folder(void *self, const char *path, firn_error *e) {
  return hit("rmdir", e) ? FIRN_IO : real()->remove_folder(self, path, e);
}
static firn_status traced_sync_folder(void *self, const char *path, firn_error *e) {
  return hit("sync-folder", e) ? FIRN_IO : real()->sync_folder(self, path, e);
}
static firn_status traced_list(void *self, const char *path, firn_arena *arena, firn_file_name **out,
                               size_t *n, firn_error *e) {
  return hit("list", e) ? FIRN_IO : real()->list(self, path, arena, out, n, e);
}
static firn_status traced_read_at(firn_file *f, uint64_t offset, void *into, size_t len, size_t *got,
                                  firn_error *e) {
  return hit("read", e) ? FIRN_IO : real()->read_at(inner(f), offset, into, len, got, e);
}
static firn_status traced_append(firn_file *f, firn_bytes data, firn_error *e) {
  return hit("append", e) ? FIRN_IO : real()->append(inner(f), data, e);
}
static firn_status traced_write_at(firn_file *f, uint64_t offset, firn_bytes data, firn_error *e) {
  return hit("write", e) ? FIRN_IO : real()->write_at(inner(f), offset, data, e);
}
static firn_status traced_sync(firn_file *f, firn_error *e) {
  return hit("sync", e) ? FIRN_IO : real()->sync(inner(f), e);
}
static firn_status traced_truncate(firn_file *f, uint64_t size, firn_error *e) {
  return hit("truncate", e) ? FIRN_IO : real()->truncate(inner(f), size, e);
}
static firn_status traced_info(firn_file *f, firn_file_info *out, firn_error *e) {
  return hit("info", e) ? FIRN_IO : real()->info(inner(f), out, e);
}
static firn_status traced_lock(firn_file *f, bool wait, firn_error *e) {
  return hit("lock", e) ? FIRN_IO : real()->lock(inner(f), wait, e);
}
static void traced_close(firn_file *f) {
  real()->close(inner(f));
  firn_free(f);
}

static const firn_file_ops traced_ops = {
    .open = traced_open,
    .stat = traced_stat,
    .rename = traced_rename,
    .link = traced_link,
    .unlink = traced_unlink,
    .make_folder = traced_make_folder,
    .remove_folder = traced_remove_folder,
    .sync_folder = traced_sync_folder,
    .list = traced_list,
    .read_at = traced_read_at,
    .append = traced_append,
    .write_at = traced_write_at,
    .sync = traced_sync,
    .truncate = traced_truncate,
    .info = traced_info,
    .lock = traced_lock,
    .close = traced_close,
};

static firn_env traced_env;
static firn_ctx traced_ctx;

static void start_trace(size_t fail, size_t dead) {
  traced_env = *ctx->env;
  traced_env.files = &traced_ops;
  traced_ctx = (firn_ctx)FIRN_CTX_INIT(&traced_env);
  calls = 0;
  fail_at = fail;
  dead_at = dead;
  firn_builder_reset(&trace);
}

/* --- helpers --- */

/* A fresh folder, and a store on it. */
static firn_store *open_store(void) {
  ctx = test_ctx();
  (void)snprintf(root, sizeof root, "%s", test_folder());
  firn_store *store = NULL;
  CHECK_OK(firn_local_store_open(root, ctx->env, &store, &err));
  return store;
}

/* The same, and its folder is known to be durable. */
static firn_store *open_used_store(void) {
  firn_store *store = open_store();
  CHECK_OK(firn_store_put(store, ctx, "first", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err));
  return store;
}

static const char *below_root(const char *path) {
  static char full[8192];
  (void)snprintf(full, sizeof full, "%s/%s", root, path);
  return full;
}

static size_t names_in(const char *path) {
  DIR *d = opendir(below_root(path));
  assert_non_null(d);
  size_t n = 0;
  while (readdir(d) != NULL) {
    n++;
  }
  assert_int_equal(closedir(d), 0);
  return n - 2;
}

static void put(firn_store *store, const char *path, const char *text) {
  CHECK_OK(firn_store_put(store, ctx, path, firn_bytes_of(text), FIRN_PUT_ALWAYS, NULL, &err));
}

static void check_content(firn_store *store, const char *path, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes got;
  CHECK_OK(firn_store_read_all(store, ctx, path, 1 << 20, &arena, &got, &err));
  CHECK_BYTES(got, wanted);
}

static void check_list(firn_store *store, const char *prefix, const char *wanted) {
  FIRN_AUTO_LISTING *l = NULL;
  FIRN_AUTO_BUILDER names = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_store_list(store, ctx, prefix, &l, &err));
  for (;;) {
    const firn_listed *item;
    CHECK_OK(firn_listing_next(l, ctx, &item, &err));
    if (item == NULL) {
      break;
    }
    firn_builder_addf(&names, "%s,", item->path);
  }
  CHECK_BYTES(firn_builder_bytes(&names), wanted);
}

/* --- tests --- */

static void syncs_content_then_name_then_answers(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_used_store();
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(firn_store_put(store, &traced_ctx, "v1", FIRN_LITERAL("x"), FIRN_PUT_IF_ABSENT, NULL, &err));
  CHECK_BYTES(firn_builder_bytes(&trace), "new append sync info link unlink sync-folder ");
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(firn_store_put(store, &traced_ctx, "v1", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_BYTES(firn_builder_bytes(&trace), "new append sync info rename sync-folder ");
}

static firn_status stream(firn_store *store, firn_ctx *c, const char *path, size_t n, firn_bytes piece) {
  FIRN_AUTO_WRITER *w = NULL;
  FIRN_TRY(firn_store_write(store, c, path, FIRN_PUT_ALWAYS, &w, &err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_writer_write(w, c, piece, &err));
  }
  return firn_writer_finish(w, c, NULL, &err);
}

static void gathers_small_writes(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_used_store();
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(stream(store, &traced_ctx, "s", 20000, FIRN_LITERAL("0123456789"))); /* 200,000 bytes */
  CHECK_BYTES(firn_builder_bytes(&trace), "new append append append append sync info rename sync-folder ");
  static uint8_t large[200000];
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(stream(store, &traced_ctx, "l", 2, (firn_bytes){large, sizeof large}));
  CHECK_BYTES(firn_builder_bytes(&trace), "new append append sync info rename sync-folder ");
}

static void makes_folders_and_syncs_their_parents(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(firn_store_put(store, &traced_ctx, "a/b/c", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err));
  size_t made = 0;
  size_t synced = 0;
  const char *const text = (const char *)trace.data;
  for (const char *at = text; (at = strstr(at, "mkdir ")) != NULL; at++) {
    made++;
  }
  for (const char *at = text; (at = strstr(at, "sync-folder ")) != NULL; at++) {
    synced++;
  }
  size_t above = 0; /* folders above the root: whoever made them may not have lived to sync them */
  for (const char *at = root; (at = strchr(at, '/')) != NULL; at++) {
    above++;
  }
  assert_int_equal(made, 2);
  assert_int_equal(synced, above + 3); /* of a, of b, of c */
}

/* A folder that is there may be known to nobody else, when its maker was killed; objects in it would be lost
 * with it. */
static void a_folder_that_was_not_synced_by_its_maker_is_synced(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_used_store();
  assert_int_equal(mkdir(below_root("a"), 0777), 0);
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(firn_store_put(store, &traced_ctx, "a/x", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err));
  assert_non_null(strstr((const char *)trace.data, "stat sync-folder new append sync"));
  start_trace(SIZE_MAX, SIZE_MAX);
  CHECK_OK(firn_store_put(store, &traced_ctx, "a/y", FIRN_LITERAL("y"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_BYTES(firn_builder_bytes(&trace), "new append sync info rename sync-folder ");
}

/* After a failure at any call, and after a crash at any call, an object is whole or not there, what was there
 * before is still whole, and listings show nothing else. */
static void check_after_fault(firn_store *store, firn_status status) {
  firn_object_info info;
  CHECK_OK(firn_store_stat(store, ctx, "d/old", &info, &err));
  check_content(store, "d/old", info.size_bytes == 3 ? "old" : "new and longer");
  firn_status is_there = firn_store_stat(store, ctx, "d/e/fresh", &info, NULL);
  if (is_there == FIRN_OK) {
    check_content(store, "d/e/fresh", "fresh");
  } else {
    assert_int_equal(is_there, FIRN_NOT_FOUND);
    assert_int_not_equal(status, FIRN_OK);
  }
  check_list(store, "", is_there == FIRN_OK ? "d/e/fresh,d/old," : "d/old,");
}

static firn_status replace_and_make(firn_store *store, firn_ctx *c) {
  FIRN_TRY(stream(store, c, "d/old", 1, FIRN_LITERAL("new and longer")));
  return firn_store_put(store, c, "d/e/fresh", FIRN_LITERAL("fresh"), FIRN_PUT_IF_ABSENT, NULL, NULL);
}

static void every_file_call_fails_once(void **state) {
  (void)state;
  for (int crash = 0; crash < 2; crash++) {
    for (size_t n = 0;; n++) {
      FIRN_AUTO_STORE *store = open_store();
      put(store, "d/old", "old");
      start_trace(crash ? SIZE_MAX : n, crash ? n : SIZE_MAX);
      firn_status status = replace_and_make(store, &traced_ctx);
      size_t n_calls = calls;
      fail_at = dead_at = SIZE_MAX;
      check_after_fault(store, status);
      if (n_calls <= n) {
        CHECK_STATUS(status, FIRN_OK);
        assert_true(n > 10);
        break;
      }
      CHECK_OK(firn_store_put(store, ctx, "d/old", FIRN_LITERAL("old"), FIRN_PUT_ALWAYS, NULL,
                              &err)); /* goes on */
    }
  }
}

static void a_failed_write_leaves_no_file(void **state) {
  (void)state;
  for (size_t n = 0; n < 4; n++) { /* new, append, sync, info; a failed unlink may leave one */
    FIRN_AUTO_STORE *store = open_store();
    start_trace(n, SIZE_MAX);
    CHECK_STATUS(firn_store_put(store, &traced_ctx, "x", FIRN_LITERAL("x"), FIRN_PUT_IF_ABSENT, NULL, &err),
                 FIRN_IO);
    assert_int_equal(names_in(""), 0);
  }
}

static void an_unsynced_name_is_uncertain(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_used_store();
  start_trace(5, SIZE_MAX); /* the sync of the folder, see the trace above */
  CHECK_STATUS(firn_store_put(store, &traced_ctx, "x", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_UNCERTAIN);
  check_content(store, "x", "x");
}

static void hides_and_keeps_the_names_of_unfinished_writes(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  FIRN_AUTO_WRITER *w = NULL;
  CHECK_OK(firn_store_write(store, ctx, "t/x.parquet", FIRN_PUT_ALWAYS, &w, &err));
  assert_int_equal(names_in("t"), 1);
  check_list(store, "", "");
  CHECK_STATUS(
      firn_store_put(store, ctx, "t/.x.0123456789abcdef.tmp", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err),
      FIRN_INVALID);
  put(store, "t/.x.0123456789abcdeg.tmp", "");
  put(store, "t/x.0123456789abcdef.tmp", "");
  put(store, "t/.0123456789abcdef.tmp", "");
  check_list(store, "", "t/.0123456789abcdef.tmp,t/.x.0123456789abcdeg.tmp,t/x.0123456789abcdef.tmp,");
}

static void takes_names_up_to_the_limit(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  char name[258];
  memset(name, 'n', sizeof name);
  memcpy(name + 198, "\xE2\x9D\x84", 3); /* where the temporary name is cut */
  name[255] = '\0';
  put(store, name, "x");
  CHECK_OK(stream(store, ctx, name, 1, FIRN_LITERAL("y")));
  check_content(store, name, "y");
  name[255] = 'n';
  name[256] = '\0';
  CHECK_STATUS(firn_store_put(store, ctx, name, FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_INVALID);
  CHECK_SAYS("256 bytes");
  char path[FIRN_PATH_MAX + 1];
  memset(path, 'p', sizeof path);
  for (size_t i = 100; i < FIRN_PATH_MAX; i += 101) {
    path[i] = '/';
  }
  path[FIRN_PATH_MAX] = '\0';
  put(store, path, "deep");
  check_content(store, path, "deep");
}

static void folders_and_objects_do_not_mix(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  put(store, "a/b", "x");
  firn_range none = {.len = 0};
  CHECK_STATUS(firn_store_read(store, ctx, "a", &none, 1, NULL, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("there is a folder of this name");
  CHECK_STATUS(firn_store_put(store, ctx, "a", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err), FIRN_INVALID);
  CHECK_STATUS(firn_store_put(store, ctx, "a/b/c", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_INVALID);
  CHECK_SAYS("a file stands where a folder should be");
  const char *const paths[] = {"a"};
  CHECK_OK(firn_store_remove(store, ctx, paths, 1, NULL, &err));
  check_list(store, "", "a/b,");
}

static void listings_stay_in_the_folder(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  put(store, "in/x", "x");
  put(store, "out/secret", "s");
  assert_int_equal(symlink("../out", below_root("in/link")), 0);
  assert_int_equal(symlink(".", below_root("in/circle")), 0);
  assert_int_equal(symlink("nothing", below_root("in/dangling")), 0);
  assert_int_equal(symlink("loop", below_root("in/loop")), 0);
  assert_int_equal(mkfifo(below_root("in/pipe"), 0600), 0);
  check_list(store, "in/", "in/x,");
  check_content(store, "in/link/secret", "s"); /* a path that names it follows it: the operator's choice */
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(store, ctx, "in/pipe", &info, &err), FIRN_NOT_FOUND);
  const char *const paths[] = {"in/link"};
  CHECK_OK(firn_store_remove(store, ctx, paths, 1, NULL, &err)); /* the link, not what is behind it */
  check_content(store, "out/secret", "s");
}

static void opens_folders_that_are_not_there(void **state) {
  (void)state;
  FIRN_AUTO_STORE *first = open_store();
  FIRN_AUTO_STORE *store = NULL;
  CHECK_OK(firn_local_store_open(below_root("new/folder//"), ctx->env, &store, &err));
  put(store, "x", "x");
  check_list(first, "", "new/folder/x,");
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(store, ctx, "y", &info, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("new/folder/y: ");
  firn_store *none = NULL;
  CHECK_STATUS(firn_local_store_open("relative/path", ctx->env, &none, &err), FIRN_INVALID);
  CHECK_STATUS(firn_local_store_open(below_root("new/folder/x"), ctx->env, &none, &err), FIRN_INVALID);
  CHECK_SAYS("a file stands where a folder should be");
}

static void a_full_disk_is_said_and_leaves_nothing(void **state) {
  (void)state;
  FIRN_AUTO_STORE *unused = open_store();
  const char *disk = test_small_disk(1 << 20, "a full disk under the local store");
  if (disk == NULL) {
    return;
  }
  FIRN_AUTO_STORE *store = NULL;
  CHECK_OK(firn_local_store_open(disk, ctx->env, &store, &err));
  put(store, "kept", "as it was");
  static uint8_t large[3 << 20];
  firn_bytes too_much = {large, sizeof large};
  CHECK_STATUS(firn_store_put(store, ctx, "kept", too_much, FIRN_PUT_ALWAYS, NULL, &err), FIRN_IO);
  CHECK_SAYS("file: writing ");
  CHECK_SAYS("/kept: ");
  CHECK_SAYS("No space left on device: free some space");
  CHECK_STATUS(stream(store, ctx, "a/b/new", 1000, (firn_bytes){large, 10000}), FIRN_IO);
  check_list(store, "", "kept,");
  check_content(store, "kept", "as it was");
  CHECK_OK(firn_store_put(store, ctx, "fits", (firn_bytes){large, 500000}, FIRN_PUT_ALWAYS, NULL, &err));
}

static void a_read_only_disk_is_said(void **state) {
  (void)state;
  FIRN_AUTO_STORE *unused = open_store();
  const char *disk = test_small_disk(1 << 20, "a read-only disk under the local store");
  if (disk == NULL) {
    return;
  }
  FIRN_AUTO_STORE *store = NULL;
  CHECK_OK(firn_local_store_open(disk, ctx->env, &store, &err));
  put(store, "kept", "as it was");
  assert_int_equal(mount(NULL, disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
  CHECK_STATUS(firn_store_put(store, ctx, "new", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_DENIED);
  CHECK_SAYS("Read-only file system");
  CHECK_STATUS(firn_store_put(store, ctx, "a/new", FIRN_LITERAL("x"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_DENIED);
  const char *const paths[] = {"kept"};
  firn_status each[1];
  CHECK_STATUS(firn_store_remove(store, ctx, paths, 1, each, &err), FIRN_DENIED);
  assert_int_equal(each[0], FIRN_DENIED);
  check_content(store, "kept", "as it was");
}

enum { THREADS = 4, ROUNDS = 50 };

typedef struct racer {
  firn_store *store;
  int won;
} racer;

static void *race(void *arg) {
  racer *r = arg;
  firn_ctx own = FIRN_CTX_INIT(&firn_env_system);
  for (int i = 0; i < ROUNDS; i++) {
    char path[32];
    (void)snprintf(path, sizeof path, "v/%d", i);
    r->won +=
        firn_store_put(r->store, &own, path, FIRN_LITERAL("x"), FIRN_PUT_IF_ABSENT, NULL, NULL) == FIRN_OK;
  }
  return NULL;
}

static void one_of_many_makes_an_object(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = open_store();
  pthread_t threads[THREADS];
  racer racers[THREADS];
  int won = 0;
  for (int i = 0; i < THREADS; i++) {
    racers[i] = (racer){store, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    won += racers[i].won;
  }
  assert_int_equal(won, ROUNDS);
  assert_int_equal(names_in("v"), ROUNDS);
}

RUN_TESTS(syncs_content_then_name_then_answers, gathers_small_writes, makes_folders_and_syncs_their_parents,
          a_folder_that_was_not_synced_by_its_maker_is_synced, every_file_call_fails_once,
          a_failed_write_leaves_no_file, an_unsynced_name_is_uncertain,
          hides_and_keeps_the_names_of_unfinished_writes, takes_names_up_to_the_limit,
          folders_and_objects_do_not_mix, listings_stay_in_the_folder, opens_folders_that_are_not_there,
          a_full_disk_is_said_and_leaves_nothing, a_read_only_disk_is_said, one_of_many_makes_an_object)

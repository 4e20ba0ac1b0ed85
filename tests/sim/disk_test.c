#include "sim/disk.h"

#include <stdlib.h>

#include "io/stores.h"
#include "test.h"

enum { NEW_FILE = FIRN_FILE_WRITE | FIRN_FILE_CREATE | FIRN_FILE_NEW, N_SEEDS = 400 };

static firn_ctx *on(disk *d) {
  static firn_env env;
  static firn_ctx ctx;
  env = *test_ctx()->env;
  env.files = disk_ops(d);
  ctx = (firn_ctx)FIRN_CTX_INIT(&env);
  return &ctx;
}

static void write_file(firn_ctx *ctx, const char *path, firn_bytes content, bool syncs) {
  firn_error err;
  FIRN_AUTO_FILE *f = NULL;
  CHECK_OK(firn_file_open(ctx, path, NEW_FILE, &f, &err));
  CHECK_OK(firn_file_append(f, content, &err));
  if (syncs) {
    CHECK_OK(firn_file_sync(f, &err));
  }
}

/* The content of a file; data NULL: there is none. */
static firn_bytes content_of(firn_ctx *ctx, const char *path, firn_arena *arena) {
  firn_error err;
  firn_bytes got = {NULL, 0};
  firn_status status = firn_file_read_all(ctx, path, 1 << 20, arena, &got, &err);
  if (status == FIRN_NOT_FOUND) {
    return (firn_bytes){NULL, 0};
  }
  CHECK_OK(status);
  return got;
}

static bool has(firn_ctx *ctx, const char *path, firn_bytes wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes got = content_of(ctx, path, &arena);
  return got.data != NULL && firn_bytes_equal(got, wanted);
}

static bool is_there(firn_ctx *ctx, const char *path) {
  firn_file_info info;
  return firn_file_stat(ctx, path, &info, NULL) == FIRN_OK;
}

static firn_bytes block(uint8_t with, size_t len) {
  static uint8_t bytes[16384];
  memset(bytes, with, sizeof bytes);
  return (firn_bytes){bytes, len};
}

/* ---- it is a file system ---- */

typedef struct twin {
  firn_ctx *system, *simulated;
  char root[2][256];
} twin;

static const char *at(const twin *t, int which, const char *name, char *into) {
  (void)snprintf(into, 300, "%.250s/%.40s", t->root[which], name);
  return into;
}

static firn_status write_some(firn_ctx *ctx, const char *path, unsigned flags, uint64_t r) {
  FIRN_AUTO_FILE *f = NULL;
  FIRN_TRY(firn_file_open(ctx, path, FIRN_FILE_WRITE | flags, &f, NULL));
  uint64_t where = r >> 20 & 4095;
  firn_bytes data = block((uint8_t)(r >> 8), r >> 40 & 2047);
  switch (r >> 33 & 3) {
    case 0:
      return firn_file_append(f, data, NULL);
    case 1:
      return firn_file_write_at(f, where, data, NULL);
    case 2:
      return firn_file_truncate(f, where, NULL);
    default:
      return firn_file_sync(f, NULL);
  }
}

static firn_status any_operation(firn_ctx *ctx, const char *a, const char *b, unsigned what, uint64_t r) {
  static const unsigned flags[] = {0, FIRN_FILE_CREATE, FIRN_FILE_CREATE | FIRN_FILE_NEW, FIRN_FILE_IN_PLACE,
                                   FIRN_FILE_IN_PLACE | FIRN_FILE_CREATE};
  switch (what) {
    case 0:
      return firn_file_rename(ctx, a, b, NULL);
    case 1:
      return firn_file_link(ctx, a, b, NULL);
    case 2:
      return firn_file_unlink(ctx, a, NULL);
    case 3:
      return firn_folder_make(ctx, a, NULL);
    case 4:
      return firn_folder_remove(ctx, a, NULL);
    case 5:
      return firn_folder_sync(ctx, a, NULL);
    default:
      return write_some(ctx, a, flags[r % FIRN_COUNT_OF(flags)], r);
  }
}

static void compare_file(const twin *t, const char *name) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  char a[300], b[300];
  firn_error err;
  firn_bytes real, simulated;
  CHECK_OK(firn_file_read_all(t->system, at(t, 0, name, a), 1 << 20, &arena, &real, &err));
  CHECK_OK(firn_file_read_all(t->simulated, at(t, 1, name, b), 1 << 20, &arena, &simulated, &err));
  assert_true(firn_bytes_equal(real, simulated));
}

static void compare_folder(const twin *t, const char *name) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  char a[300], b[300];
  firn_error err;
  firn_file_name *real, *simulated;
  size_t n_real, n_simulated;
  CHECK_OK(firn_folder_list(t->system, at(t, 0, name, a), &arena, &real, &n_real, &err));
  CHECK_OK(firn_folder_list(t->simulated, at(t, 1, name, b), &arena, &simulated, &n_simulated, &err));
  assert_int_equal(n_real, n_simulated);
  for (size_t i = 0; i < n_real; i++) {
    char path[128];
    assert_string_equal(real[i].name, simulated[i].name);
    assert_int_equal(real[i].is_folder, simulated[i].is_folder);
    (void)snprintf(path, sizeof path, "%s%s%s", name, name[0] == '\0' ? "" : "/", real[i].name);
    if (!real[i].is_folder) {
      compare_file(t, path);
    } else {
      compare_folder(t, path);
    }
  }
}

static void it_is_like_the_system(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "f", "f/a", "f/b", "f/f", "f/f/a", "none/a"};
  disk *d = disk_new(1);
  firn_ctx real_ctx = *test_ctx();
  twin t = {.system = &real_ctx, .simulated = on(d)};
  (void)snprintf(t.root[0], sizeof t.root[0], "%s", test_folder());
  (void)snprintf(t.root[1], sizeof t.root[1], "/sim");
  firn_error err;
  CHECK_OK(firn_folder_make(t.simulated, "/sim", &err));
  size_t n_done = 0;
  for (int i = 0; i < 10000; i++) {
    uint64_t r = test_random();
    const char *a = names[test_random() % 8], *b = names[test_random() % 8];
    unsigned what = (unsigned)(test_random() % 20);
    char x[300], y[300];
    firn_status wanted = any_operation(t.system, at(&t, 0, a, x), at(&t, 0, b, y), what, r);
    firn_status got = any_operation(t.simulated, at(&t, 1, a, x), at(&t, 1, b, y), what, r);
    bool replaces_its_folder = what == 0 && strncmp(a, b, strlen(b)) == 0; /* never, in other words */
    if (wanted != got && !replaces_its_folder) {
      fail_msg("operation %u on %s and %s: the system says %s, the disk %s", what, a, b,
               firn_status_name(wanted), firn_status_name(got));
    }
    n_done += got == FIRN_OK;
    if (i % 50 == 0) {
      compare_folder(&t, "");
    }
  }
  compare_folder(&t, "");
  assert_in_range(n_done, 1500, 9999);
  disk_free(d);
}

/* ---- what a crash leaves ---- */

static void what_is_synced_is_kept(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    CHECK_OK(firn_folder_make_all(ctx, "/x/y", &err));
    write_file(ctx, "/x/y/a", block('a', 5000), true);
    CHECK_OK(firn_file_link(ctx, "/x/y/a", "/x/y/c", &err));
    CHECK_OK(firn_folder_sync(ctx, "/x/y", &err));
    write_file(ctx, "/x/y/b", block('b', 100), false);
    disk_crash(d, seed);
    assert_true(has(ctx, "/x/y/a", block('a', 5000)) && has(ctx, "/x/y/c", block('a', 5000)));
    disk_crash(d, seed + 1);
    assert_true(has(ctx, "/x/y/a", block('a', 5000)));
    disk_free(d);
  }
}

static bool is_all(firn_bytes bytes, uint8_t with) {
  for (size_t i = 0; i < bytes.len; i++) {
    if (bytes.data[i] != with) {
      return false;
    }
  }
  return true;
}

/* All the ways in which 3,000 bytes that were appended to 1,000 synced ones may be found. */
static void unsynced_content_is_torn_in_every_way(void **state) {
  (void)state;
  size_t n_whole = 0, n_gone = 0, n_short = 0, n_zeros = 0, n_mixed = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 1000), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    firn_file *f = NULL;
    CHECK_OK(firn_file_open(ctx, "/a", FIRN_FILE_WRITE, &f, &err));
    CHECK_OK(firn_file_append(f, block('b', 1500), &err));
    CHECK_OK(firn_file_append(f, block('b', 1500), &err));
    firn_file_close(f);
    disk_crash(d, seed);
    firn_bytes got = content_of(ctx, "/a", &arena);
    assert_true(got.len >= 1000 && got.len <= 4000 && is_all((firn_bytes){got.data, 1000}, 'a'));
    firn_bytes added = firn_bytes_part(got, 1000, SIZE_MAX);
    n_gone += added.len == 0;
    n_whole += added.len == 3000 && is_all(added, 'b');
    n_short += added.len > 0 && added.len < 3000;
    n_zeros += added.len > 0 && is_all(added, 0);
    n_mixed += added.len > 0 && !is_all(added, 0) && !is_all(added, 'b');
    disk_free(d);
  }
  assert_true(n_whole > 20 && n_gone > 20 && n_short > 20 && n_zeros > 20 && n_mixed > 20);
}

/* Bytes in place are the old or the new ones, sector by sector, and never others. */
static void sectors_are_old_or_new(void **state) {
  (void)state;
  size_t n_old = 0, n_new = 0, n_mixed = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 2048), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    firn_file *f = NULL;
    CHECK_OK(firn_file_open(ctx, "/a", FIRN_FILE_WRITE | FIRN_FILE_IN_PLACE, &f, &err));
    CHECK_OK(firn_file_write_at(f, 100, block('b', 1848), &err));
    firn_file_close(f);
    disk_crash(d, seed);
    firn_bytes got = content_of(ctx, "/a", &arena);
    assert_int_equal(got.len, 2048);
    size_t n_b = 0;
    for (size_t i = 0; i < 4; i++) {
      size_t from = i == 0 ? 100 : i * 512, to = i == 3 ? 1948 : (i + 1) * 512;
      firn_bytes sector = firn_bytes_part(got, from, to - from);
      assert_true(is_all(sector, 'a') || is_all(sector, 'b'));
      n_b += is_all(sector, 'b');
    }
    assert_true(is_all((firn_bytes){got.data, 100}, 'a') && is_all(firn_bytes_part(got, 1948, 100), 'a'));
    n_old += n_b == 0;
    n_new += n_b == 4;
    n_mixed += n_b > 0 && n_b < 4;
    disk_free(d);
  }
  assert_true(n_old > 20 && n_new > 20 && n_mixed > 20);
}

/* What was cut off does not come back under what was written later. */
static void a_cut_is_before_what_follows_it(void **state) {
  (void)state;
  size_t n_old = 0, n_new = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 4096), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    firn_file *f = NULL;
    CHECK_OK(firn_file_open(ctx, "/a", FIRN_FILE_WRITE, &f, &err));
    CHECK_OK(firn_file_truncate(f, 512, &err));
    CHECK_OK(firn_file_append(f, block('b', 2048), &err));
    firn_file_close(f);
    disk_crash(d, seed);
    firn_bytes got = content_of(ctx, "/a", &arena);
    firn_bytes tail = firn_bytes_part(got, 512, SIZE_MAX);
    bool is_old = got.len == 4096 && is_all(got, 'a');
    assert_true(is_old || (got.len <= 2560 && memchr(tail.data, 'a', tail.len) == NULL));
    n_old += is_old;
    n_new += got.len == 2560 && is_all(tail, 'b');
    disk_free(d);
  }
  assert_true(n_old > 20 && n_new > 20);
}

static void unsynced_names_come_or_do_not(void **state) {
  (void)state;
  size_t n_seen[4] = {0};
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 100), true);
    write_file(ctx, "/b", block('b', 100), true);
    disk_crash(d, seed);
    n_seen[2 * is_there(ctx, "/b") + is_there(ctx, "/a")]++;
    assert_true(!is_there(ctx, "/a") || has(ctx, "/a", block('a', 100)));
    disk_free(d);
  }
  for (size_t i = 0; i < 4; i++) {
    assert_true(n_seen[i] > 20);
  }
}

static void removed_names_may_come_back(void **state) {
  (void)state;
  size_t n_back = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 100), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    CHECK_OK(firn_file_unlink(ctx, "/a", &err));
    disk_crash(d, seed);
    n_back += has(ctx, "/a", block('a', 100));
    disk_free(d);
  }
  assert_true(n_back > 20 && n_back < N_SEEDS - 20);
}

static void a_renamed_file_is_never_lost(void **state) {
  (void)state;
  size_t n_old = 0, n_new = 0, n_both = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    CHECK_OK(firn_folder_make_all(ctx, "/x", &err));
    write_file(ctx, "/a", block('a', 100), true);
    write_file(ctx, "/x/b", block('b', 100), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    CHECK_OK(firn_folder_sync(ctx, "/x", &err));
    CHECK_OK(firn_file_rename(ctx, "/a", "/x/b", &err));
    disk_crash(d, seed);
    bool is_old = has(ctx, "/a", block('a', 100)), is_new = has(ctx, "/x/b", block('a', 100));
    assert_true((is_old && has(ctx, "/x/b", block('b', 100))) || is_new);
    n_old += is_old && !is_new;
    n_new += is_new && !is_old;
    n_both += is_new && is_old;
    disk_free(d);
  }
  assert_true(n_old > 20 && n_new > 20 && n_both > 10);
}

/* ---- it is not too kind ---- */

typedef struct forgetful {
  bool file, folder; /* forgets to sync it */
} forgetful;

/* Replaces a file as one does, or nearly. */
static firn_status replace(firn_ctx *ctx, forgetful how) {
  FIRN_AUTO_FILE *f = NULL;
  FIRN_TRY(firn_file_open(ctx, "/new", NEW_FILE, &f, NULL));
  FIRN_TRY(firn_file_append(f, block('b', 3000), NULL));
  FIRN_TRY(how.file ? FIRN_OK : firn_file_sync(f, NULL));
  FIRN_TRY(firn_file_rename(ctx, "/new", "/a", NULL));
  return how.folder ? FIRN_OK : firn_folder_sync(ctx, "/", NULL);
}

/* How many of many crashes at every operation and after the answer show that something was lost. */
static size_t n_losses(forgetful how) {
  size_t n_lost = 0;
  for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    write_file(ctx, "/a", block('a', 100), true);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    disk_cut_power_at(d, disk_n_operations(d) + 1 + seed % 6);
    bool is_answered = replace(ctx, how) == FIRN_OK;
    disk_crash(d, seed);
    bool is_new = has(ctx, "/a", block('b', 3000));
    n_lost += !(is_new || (!is_answered && has(ctx, "/a", block('a', 100))));
    disk_free(d);
  }
  return n_lost;
}

static void who_forgets_to_sync_is_caught(void **state) {
  (void)state;
  assert_int_equal(n_losses((forgetful){0}), 0);
  assert_true(n_losses((forgetful){.file = true}) > 20);
  assert_true(n_losses((forgetful){.folder = true}) > 20);
}

static firn_status put(firn_ctx *ctx, firn_put_if when, firn_bytes data, firn_error *err) {
  FIRN_AUTO_STORE *store = NULL;
  FIRN_TRY(firn_local_store_open("/lake", ctx->env, &store, err));
  return firn_store_put(store, ctx, "deep/er/object", data, when, NULL, err);
}

/* The power goes at every operation of a put. */
static void the_local_store_keeps_what_it_answered(void **state) {
  (void)state;
  static const char path[] = "/lake/deep/er/object";
  for (uint64_t seed = 0; seed < 2 * N_SEEDS; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    CHECK_OK(firn_folder_make_all(ctx, "/lake", &err));
    bool replaces = seed % 2 == 0;
    if (replaces) {
      CHECK_OK(put(ctx, FIRN_PUT_IF_ABSENT, block('a', 700), &err));
    }
    disk_cut_power_at(d, disk_n_operations(d) + 1 + seed / 2 % 14);
    firn_status status = put(ctx, replaces ? FIRN_PUT_ALWAYS : FIRN_PUT_IF_ABSENT, block('b', 3000), &err);
    disk_crash(d, seed);
    bool is_old = replaces ? has(ctx, path, block('a', 700)) : !is_there(ctx, path);
    assert_true(has(ctx, path, block('b', 3000)) || (status != FIRN_OK && is_old));
    disk_free(d);
  }
}

/* ---- faults ---- */

static void after_the_cut_nothing_works(void **state) {
  (void)state;
  firn_error err;
  disk *d = disk_new(1);
  firn_ctx *ctx = on(d);
  write_file(ctx, "/a", block('a', 100), true);
  firn_file *f = NULL;
  CHECK_OK(firn_file_open(ctx, "/a", FIRN_FILE_READ | FIRN_FILE_WRITE, &f, &err));
  disk_cut_power_at(d, disk_n_operations(d) + 1);
  CHECK_STATUS(firn_file_append(f, block('b', 1), &err), FIRN_IO);
  CHECK_SAYS("the power is cut");
  uint8_t into[1];
  size_t got;
  firn_file_info info;
  CHECK_STATUS(firn_file_read_at(f, 0, into, 1, &got, &err), FIRN_IO);
  CHECK_STATUS(firn_file_sync(f, &err), FIRN_IO);
  CHECK_STATUS(firn_file_stat(ctx, "/a", &info, &err), FIRN_IO);
  CHECK_STATUS(firn_folder_sync(ctx, "/", &err), FIRN_IO);
  assert_true(disk_is_cut(d));
  firn_file_close(f);
  disk_crash(d, 1);
  assert_false(disk_is_cut(d));
  CHECK_OK(firn_folder_sync(ctx, "/", &err));
  disk_free(d);
}

static void a_full_disk_takes_a_part(void **state) {
  (void)state;
  size_t n_parts = 0;
  for (uint64_t seed = 0; seed < 50; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    firn_file *f = NULL;
    CHECK_OK(firn_file_open(ctx, "/a", NEW_FILE, &f, &err));
    disk_fill_at(d, disk_n_operations(d) + 1, 2);
    CHECK_STATUS(firn_file_append(f, block('a', 1000), &err), FIRN_IO);
    CHECK_SAYS("No space left on device");
    CHECK_STATUS(firn_folder_make(ctx, "/x", &err), FIRN_IO);
    CHECK_OK(firn_folder_make(ctx, "/x", &err));
    firn_file_info info;
    CHECK_OK(firn_file_info_of(f, &info, &err));
    n_parts += info.size_bytes > 0 && info.size_bytes < 1000;
    firn_file_close(f);
    disk_free(d);
  }
  assert_true(n_parts > 40);
}

/* A second sync answers well, and the data are lost all the same: so Linux does. */
static void a_failed_sync_loses_and_is_not_made_good(void **state) {
  (void)state;
  size_t n_lost = 0;
  for (uint64_t seed = 0; seed < 100; seed++) {
    firn_error err;
    disk *d = disk_new(seed);
    firn_ctx *ctx = on(d);
    firn_file *f = NULL;
    CHECK_OK(firn_file_open(ctx, "/a", NEW_FILE, &f, &err));
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    CHECK_OK(firn_file_append(f, block('a', 1000), &err));
    disk_fail_sync_at(d, 1);
    CHECK_STATUS(firn_file_sync(f, &err), FIRN_IO);
    CHECK_OK(firn_file_sync(f, &err));
    firn_file_close(f);
    assert_true(has(ctx, "/a", block('a', 1000)));
    disk_crash(d, seed);
    n_lost += !has(ctx, "/a", block('a', 1000));
    disk_free(d);
  }
  assert_true(n_lost > 20);
}

static void one_seed_is_one_story(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes first = {NULL, 0};
  for (int i = 0; i < 2; i++) {
    disk *d = disk_new(9);
    firn_ctx *ctx = on(d);
    firn_error err;
    write_file(ctx, "/a", block('a', 9000), false);
    CHECK_OK(firn_folder_sync(ctx, "/", &err));
    disk_crash(d, 12);
    firn_bytes got = content_of(ctx, "/a", &arena);
    assert_true(i == 0 || firn_bytes_equal(first, got));
    first = got;
    disk_free(d);
  }
}

static void it_can_be_exported(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  disk *d = disk_new(1);
  firn_ctx *ctx = on(d);
  CHECK_OK(firn_folder_make_all(ctx, "/x/y", &err));
  write_file(ctx, "/x/y/a", block('a', 1000), false);
  const char *to = firn_arena_printf(&arena, "%s/out", test_folder());
  disk_export(d, "/x", to);
  disk_free(d);
  assert_true(has(test_ctx(), firn_arena_printf(&arena, "%s/y/a", to), block('a', 1000)));
}

RUN_TESTS(it_is_like_the_system, what_is_synced_is_kept, unsynced_content_is_torn_in_every_way,
          sectors_are_old_or_new, a_cut_is_before_what_follows_it, unsynced_names_come_or_do_not,
          removed_names_may_come_back, a_renamed_file_is_never_lost, who_forgets_to_sync_is_caught,
          the_local_store_keeps_what_it_answered, after_the_cut_nothing_works, a_full_disk_takes_a_part,
          a_failed_sync_loses_and_is_not_made_good, one_seed_is_one_story, it_can_be_exported)

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_files.h"
#include "test.h"

enum { WRITE_NEW = FIRN_FILE_READ | FIRN_FILE_WRITE | FIRN_FILE_CREATE | FIRN_FILE_NEW };

/* A path below the test's folder, good until the sixteenth call after it. */
static const char *below(const char *folder, const char *name) {
  static char *paths[16];
  static int next;
  char **path = &paths[next++ % 16];
  char *made;
  assert_true(asprintf(&made, "%s/%s", folder, name) > 0);
  free(*path);
  *path = made;
  return made;
}

static void make(const char *path, const char *text) {
  firn_error err;
  FIRN_AUTO_FILE *file = NULL;
  CHECK_OK(firn_file_open(test_ctx(), path, WRITE_NEW, &file, &err));
  CHECK_OK(firn_file_append(file, firn_bytes_of(text), &err));
  CHECK_OK(firn_file_sync(file, &err));
}

static void writes_and_reads(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *path = below(test_folder(), "a");
  FIRN_AUTO_FILE *file = NULL;
  CHECK_OK(firn_file_open(ctx, path, WRITE_NEW, &file, &err));
  CHECK_OK(firn_file_append(file, FIRN_LITERAL("hello "), &err));
  CHECK_OK(firn_file_append(file, FIRN_LITERAL("snow"), &err));
  CHECK_OK(firn_file_append(file, (firn_bytes){NULL, 0}, &err));
  CHECK_OK(firn_file_sync(file, &err));

  char into[20] = {0};
  size_t got = 99;
  CHECK_OK(firn_file_read_at(file, 6, into, sizeof into, &got, &err));
  assert_int_equal(got, 4);
  assert_memory_equal(into, "snow", 4);
  CHECK_OK(firn_file_read_at(file, 100, into, sizeof into, &got, &err));
  assert_int_equal(got, 0);
  CHECK_STATUS(firn_file_read_at(file, UINT64_MAX, into, sizeof into, &got, &err), FIRN_INVALID);

  CHECK_OK(firn_file_truncate(file, 5, &err));
  CHECK_OK(firn_file_append(file, FIRN_LITERAL("!"), &err)); /* behind the new end */
  firn_file_info info;
  CHECK_OK(firn_file_info_of(file, &info, &err));
  assert_true(info.size_bytes == 6 && info.is_file && !info.is_folder && info.inode != 0);
  assert_true(info.modified_ns > INT64_C(1500000000000000000));

  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes all;
  CHECK_OK(firn_file_read_all(ctx, path, 6, &arena, &all, &err));
  CHECK_BYTES(all, "hello!");
  CHECK_STATUS(firn_file_read_all(ctx, path, 5, &arena, &all, &err), FIRN_LIMIT);
}

static void writes_in_place(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *path = below(test_folder(), "a");
  FIRN_AUTO_FILE *file = NULL;
  CHECK_OK(firn_file_open(ctx, path, WRITE_NEW | FIRN_FILE_IN_PLACE, &file, &err));
  CHECK_OK(firn_file_write_at(file, 0, FIRN_LITERAL("hello ice"), &err));
  CHECK_OK(firn_file_write_at(file, 6, FIRN_LITERAL("snow"), &err));
  CHECK_OK(firn_file_write_at(file, 12, FIRN_LITERAL("!"), &err)); /* beyond the end */
  CHECK_OK(firn_file_write_at(file, 3, (firn_bytes){NULL, 0}, &err));
  CHECK_STATUS(firn_file_write_at(file, UINT64_MAX, FIRN_LITERAL("x"), &err), FIRN_INVALID);
  CHECK_STATUS(firn_file_append(file, FIRN_LITERAL("x"), &err), FIRN_INVALID);
  CHECK_SAYS("opened to be written in place");

  char into[20] = {0};
  size_t got;
  CHECK_OK(firn_file_read_at(file, 0, into, sizeof into, &got, &err));
  assert_int_equal(got, 13);
  assert_memory_equal(into, "hello snow\0\0!", 13);

  FIRN_AUTO_FILE *other = NULL;
  CHECK_OK(firn_file_open(ctx, path, FIRN_FILE_WRITE, &other, &err));
  CHECK_STATUS(firn_file_write_at(other, 0, FIRN_LITERAL("x"), &err), FIRN_INVALID);
}

static void says_what_is_wrong(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *folder = test_folder();
  const char *a = below(folder, "a");
  firn_file *file = NULL;
  firn_file_info info;
  CHECK_STATUS(firn_file_open(ctx, a, FIRN_FILE_READ, &file, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("opening ");
  CHECK_SAYS("No such file or directory");
  CHECK_STATUS(firn_file_stat(ctx, a, &info, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_file_unlink(ctx, a, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_file_rename(ctx, a, below(folder, "b"), &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_folder_sync(ctx, a, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_folder_make(ctx, below(a, "x"), &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_folder_remove(ctx, a, &err), FIRN_NOT_FOUND);
  make(a, "x");
  CHECK_STATUS(firn_file_open(ctx, a, WRITE_NEW, &file, &err), FIRN_EXISTS);
  CHECK_STATUS(firn_file_stat(ctx, below(a, "x"), &info, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_file_open(ctx, folder, FIRN_FILE_WRITE, &file, &err), FIRN_INVALID);
  CHECK_STATUS(firn_folder_remove(ctx, folder, &err), FIRN_EXISTS);
  CHECK_STATUS(firn_folder_make_all(ctx, below(a, "x/y"), &err), FIRN_EXISTS);
  CHECK_SAYS("something else has that name");
  assert_null(file);
  CHECK_OK(firn_file_open(ctx, a, FIRN_FILE_READ, &file, &err));
  CHECK_STATUS(firn_file_append(file, FIRN_LITERAL("x"), &err), FIRN_IO);
  firn_file_close(file);
  firn_file_close(NULL);
  assert_int_equal(firn_status_of_errno(ENOSPC), FIRN_IO);
  assert_int_equal(firn_status_of_errno(EROFS), FIRN_DENIED);
  assert_int_equal(firn_status_of_errno(0), FIRN_OK);
}

static void names_move_in_one_step(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *folder = test_folder();
  const char *a = below(folder, "a"), *b = below(folder, "b");
  firn_file_info info, other;
  make(a, "one");
  make(b, "second");
  CHECK_STATUS(firn_file_link(ctx, a, b, &err), FIRN_EXISTS);
  CHECK_OK(firn_file_rename(ctx, a, b, &err));
  CHECK_OK(firn_file_stat(ctx, b, &info, &err));
  assert_int_equal(info.size_bytes, 3);
  CHECK_OK(firn_file_link(ctx, b, a, &err));
  CHECK_OK(firn_file_stat(ctx, a, &other, &err));
  assert_true(info.inode == other.inode && info.device == other.device);
  CHECK_OK(firn_file_unlink(ctx, a, &err));
  CHECK_STATUS(firn_file_stat(ctx, a, &info, &err), FIRN_NOT_FOUND);
  CHECK_OK(firn_folder_sync(ctx, folder, &err));
}

static void makes_and_lists_folders(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *folder = test_folder();
  CHECK_OK(firn_folder_make_all(ctx, below(folder, "x//y/z/"), &err));
  CHECK_OK(firn_folder_make_all(ctx, below(folder, "x/y/z"), &err));
  CHECK_OK(firn_folder_make_all(ctx, "/", &err));
  CHECK_STATUS(firn_folder_make_all(ctx, "", &err), FIRN_INVALID);
  make(below(folder, "x/b"), "1");
  make(below(folder, "x/B"), "1");
  make(below(folder, "x/\xC3\xA9"), "1");
  assert_int_equal(symlink(folder, below(folder, "x/link")), 0);

  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_file_name *names;
  size_t n;
  CHECK_OK(firn_folder_list(ctx, below(folder, "x"), &arena, &names, &n, &err));
  static const char *const wanted[] = {"B", "b", "link", "y", "\xC3\xA9"};
  assert_int_equal(n, 5);
  for (size_t i = 0; i < n; i++) {
    assert_string_equal(names[i].name, wanted[i]);
    assert_int_equal(names[i].is_folder, i == 3);
  }
  CHECK_OK(firn_folder_list(ctx, below(folder, "x/y/z"), &arena, &names, &n, &err));
  assert_int_equal(n, 0);
  CHECK_STATUS(firn_folder_list(ctx, below(folder, "none"), &arena, &names, &n, &err), FIRN_NOT_FOUND);
  CHECK_OK(firn_folder_remove(ctx, below(folder, "x/y/z"), &err));
}

static void makes_folders_below_the_working_folder(void **state) {
  (void)state;
  firn_error err;
  char before[4096];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(test_folder()), 0);
  CHECK_OK(firn_folder_make_all(test_ctx(), "p/q", &err));
  firn_file_info info;
  CHECK_OK(firn_file_stat(test_ctx(), "p/q", &info, &err));
  assert_true(info.is_folder);
  assert_int_equal(chdir(before), 0);
}

static void only_one_has_the_lock(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const char *a = below(test_folder(), "a");
  make(a, "");
  firn_file *first = NULL;
  CHECK_OK(firn_file_open(ctx, a, FIRN_FILE_READ, &first, &err));
  CHECK_OK(firn_file_lock(first, false, &err));
  FIRN_AUTO_FILE *second = NULL;
  CHECK_OK(firn_file_open(ctx, a, FIRN_FILE_READ, &second, &err));
  CHECK_STATUS(firn_file_lock(second, false, &err), FIRN_BUSY);
  firn_file_close(first);
  CHECK_OK(firn_file_lock(second, true, &err));
}

static firn_status refuse_sync(firn_file *file, firn_error *err) {
  (void)file;
  return firn_error_set(err, FIRN_IO, "a broken disk");
}

static const firn_file_ops *broken_ops;

static firn_status open_broken(void *self, const char *path, unsigned flags, firn_file **out,
                               firn_error *err) {
  FIRN_TRY(firn_file_ops_system.open(self, path, flags, out, err));
  (*out)->ops = broken_ops;
  return FIRN_OK;
}

static void the_environment_may_replace_it(void **state) {
  (void)state;
  firn_error err;
  firn_file_ops ops = firn_file_ops_system;
  ops.open = open_broken;
  ops.sync = refuse_sync;
  broken_ops = &ops;
  firn_env env = *test_ctx()->env;
  env.files = &ops;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  FIRN_AUTO_FILE *file = NULL;
  CHECK_OK(firn_file_open(&ctx, below(test_folder(), "a"), WRITE_NEW, &file, &err));
  CHECK_STATUS(firn_file_sync(file, &err), FIRN_IO);
  assert_string_equal(err.text, "syncing: a broken disk");
}

static void says_that_the_disk_is_full(void **state) {
  (void)state;
  firn_error err;
  firn_file *file = NULL;
  if (firn_file_open(test_ctx(), "/dev/full", FIRN_FILE_WRITE, &file, &err) != FIRN_OK) {
    print_message("SKIPPED: there is no /dev/full\n");
    return;
  }
  CHECK_STATUS(firn_file_append(file, FIRN_LITERAL("x"), &err), FIRN_IO);
  assert_string_equal(err.text, "writing 1 bytes: No space left on device: free some space, then try again");
  firn_file_close(file);
}

static const char *oom_folder;

static firn_status list_and_read(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_file_name *names;
  size_t n;
  firn_bytes all;
  FIRN_TRY(firn_folder_list(test_ctx(), oom_folder, &arena, &names, &n, NULL));
  return firn_file_read_all(test_ctx(), below(oom_folder, "a"), 100, &arena, &all, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  oom_folder = test_folder();
  make(below(oom_folder, "a"), "x");
  check_survives_oom(list_and_read);
}

/* A folder that is there may have been made by somebody who died before its name was durable. */
static void what_it_makes_folders_in_is_durable_too(void **state) {
  (void)state;
  firn_error err;
  const char *folder = test_folder();
  failing_files files;
  failing_files_init(&files, test_ctx());
  CHECK_OK(firn_folder_make(&files.ctx, below(folder, "a"), &err));
  files.only = "sync-folder";
  failing_files_fail(&files, 0, 0);
  CHECK_OK(firn_folder_make_all(&files.ctx, below(folder, "a/b/c"), &err));
  assert_true(files.n_calls >= 3); /* at least of a, of b, of c */
}

/* A sync that failed is not told of the folder again, so the next attempt has to make it anew. */
static void a_folder_whose_sync_failed_is_not_there(void **state) {
  (void)state;
  firn_error err;
  const char *folder = test_folder();
  failing_files files;
  failing_files_init(&files, test_ctx());
  files.only = "sync-folder";
  failing_files_fail(&files, 1, 1);
  CHECK_STATUS(firn_folder_make_all(&files.ctx, below(folder, "a"), &err), FIRN_IO);
  firn_file_info info;
  CHECK_STATUS(firn_file_stat(&files.ctx, below(folder, "a"), &info, &err), FIRN_NOT_FOUND);
  CHECK_OK(firn_folder_make_all(&files.ctx, below(folder, "a"), &err));
}

RUN_TESTS(writes_and_reads, writes_in_place, says_what_is_wrong, names_move_in_one_step,
          makes_and_lists_folders, makes_folders_below_the_working_folder,
          what_it_makes_folders_in_is_durable_too, a_folder_whose_sync_failed_is_not_there,
          only_one_has_the_lock, the_environment_may_replace_it, says_that_the_disk_is_full, survives_oom)

#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

void test_check_status(firn_status got, firn_status wanted, const firn_error *err, const char *call,
                       const char *file, int line) {
  if (got != wanted) {
    print_error("%s\n  is %s, not %s%s%s\n", call, firn_status_name(got), firn_status_name(wanted),
                err != NULL && got != FIRN_OK ? ": " : "", err != NULL && got != FIRN_OK ? err->text : "");
    _fail(file, line);
  }
}

void test_check_bytes(firn_bytes got, const char *wanted, const char *file, int line) {
  if (!firn_bytes_is(got, wanted)) {
    print_error("\"%.*s\" is not \"%s\"\n", FIRN_FORMAT_BYTES(got), wanted);
    _fail(file, line);
  }
}

void test_check_says(const firn_error *err, const char *part, const char *file, int line) {
  if (strstr(err->text, part) == NULL) {
    print_error("\"%s\" does not say \"%s\"\n", err->text, part);
    _fail(file, line);
  }
}

/* Atomic, so that a test may look at what runs on other threads. */
static struct {
  _Atomic size_t left; /* allocations until one fails; SIZE_MAX: none does */
  atomic_bool failed;
} oom = {SIZE_MAX, false};

static struct {
  _Atomic size_t left;
  atomic_bool failed;
} once = {SIZE_MAX, false};

bool test_fail_allocation(size_t n) {
  bool failed = once.failed;
  once.left = n;
  once.failed = false;
  return failed;
}

static bool oom_now(void) {
  if (once.left != SIZE_MAX && !once.failed && once.left-- == 0) {
    once.failed = true;
    return true;
  }
  if (oom.left == SIZE_MAX) {
    return false;
  }
  for (size_t left = oom.left; left > 0;) {
    if (atomic_compare_exchange_weak(&oom.left, &left, left - 1)) {
      return false;
    }
  }
  oom.failed = true;
  return true;
}

static void *failing_alloc(void *self, size_t size) {
  (void)self;
  return oom_now() ? NULL : malloc(size);
}

static void *failing_realloc(void *self, void *old, size_t size) {
  (void)self;
  return oom_now() ? NULL : realloc(old, size);
}

static void failing_free(void *self, void *old) {
  (void)self;
  free(old);
}

void check_survives_oom(firn_status (*body)(void)) {
  for (size_t n = 0;; n++) {
    oom.left = n;
    oom.failed = false;
    firn_status status = body();
    oom.left = SIZE_MAX;
    if (!oom.failed) {
      test_check_status(status, FIRN_OK, NULL, "the run without a failed allocation", __FILE__, __LINE__);
      return;
    }
    if (status != FIRN_NOMEM) {
      print_error("allocation %zu failed and the answer was %s\n", n, firn_status_name(status));
      _fail(__FILE__, __LINE__);
    }
  }
}

/* Atomic, so that tests of threads may use them; such tests are not repeatable to the letter. */
static _Atomic uint64_t random_state;
static _Atomic int64_t clock_us;

uint64_t test_random(void) { /* splitmix64 */
  const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
  uint64_t z = atomic_fetch_add(&random_state, step) + step;
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static void seeded_random(void *self, void *into, size_t len) {
  (void)self;
  unsigned char *at = into;
  for (size_t i = 0; i < len; i++) {
    at[i] = (unsigned char)test_random();
  }
}

static int64_t ticking_clock(void *self) {
  (void)self;
  return clock_us++;
}

static void no_sleep(void *self, int64_t duration_us) {
  (void)self;
  clock_us += duration_us;
}

/* SQLite on files of our own sleeps by this clock when threads meet, and gives up after some tries: the
 * others need a moment of real time to get on. */
static void short_sleep(void *self, int64_t duration_us) {
  no_sleep(self, duration_us);
  (void)usleep(1000);
}

firn_ctx *test_ctx(void) {
  static firn_env env = {
      .now_us = ticking_clock, .monotonic_us = ticking_clock, .sleep_us = no_sleep, .random = seeded_random};
  static firn_file_ops files;
  static firn_ctx ctx;
  if (getenv("FIRN_TEST_FILES") != NULL) { /* not the system's own table, so that SQLite uses it too */
    files = firn_file_ops_system;
    env.files = &files;
    env.sleep_us = short_sleep;
  }
  ctx = (firn_ctx)FIRN_CTX_INIT(&env);
  random_state = 7;
  clock_us = INT64_C(1749988800000000);
  return &ctx;
}

static char folder[4096];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

static char small_disk[4200]; /* below the folder; "" when none is mounted */

static void unmount_small_disk(void) {
  if (small_disk[0] != '\0') {
    (void)umount2(small_disk, MNT_DETACH); /* the folder cannot be removed when this fails, which shows */
    small_disk[0] = '\0';
  }
}

static void remove_folder(void) {
  unmount_small_disk();
  (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* at exit: nobody to tell */
}

const char *test_folder(void) {
  unmount_small_disk();
  if (folder[0] != '\0') {
    (void)nftw(folder, remove_one, 16,
               FTW_DEPTH | FTW_PHYS); /* made again below, which fails when this did */
  } else {
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/firn-test-%ld", tmp != NULL ? tmp : "/tmp", (long)getpid());
    (void)atexit(remove_folder);
  }
  if (mkdir(folder, 0700) != 0) {
    fail_msg("cannot make %s", folder);
  }
  return folder;
}

const char *test_small_disk(size_t size_bytes, const char *what_is_skipped) {
  char options[64];
  (void)snprintf(options, sizeof options, "size=%zu", size_bytes);
  (void)snprintf(small_disk, sizeof small_disk, "%s/disk", folder);
  if (folder[0] == '\0' || mkdir(small_disk, 0700) != 0) {
    fail_msg("cannot make %s", small_disk);
  }
  if (mount("tmpfs", small_disk, "tmpfs", 0, options) != 0) {
    small_disk[0] = '\0';
    (void)fprintf(stderr, "SKIPPED without the right to mount a small disk: %s\n", what_is_skipped);
    return NULL;
  }
  return small_disk;
}

const char *test_shared_data(const char *what_is_skipped) {
  static const char path[] = "../shared/testdata";
  if (access(path, R_OK) == 0) {
    return path;
  }
  (void)fprintf(stderr, "SKIPPED without %s: %s\n", path, what_is_skipped);
  return NULL;
}

firn_bytes test_read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    fail_msg("cannot read %s", path);
  }
  long size = ftell(f);
  rewind(f);
  uint8_t *data = firn_alloc((size_t)size);
  if (data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size) {
    fail_msg("cannot read %s", path);
  }
  (void)fclose(f);
  return (firn_bytes){data, (size_t)size};
}

int test_run(const char *names, void (*const *bodies)(void **), size_t n) {
  firn_set_allocator(&(firn_allocator){failing_alloc, failing_realloc, failing_free, NULL});
  char *copy = strdup(names);
  struct CMUnitTest *tests = calloc(n, sizeof *tests);
  if (copy == NULL || tests == NULL) {
    return 1;
  }
  char *rest = copy;
  for (size_t i = 0; i < n; i++) {
    const char *name = strsep(&rest, ",");
    tests[i] = (struct CMUnitTest){.name = name + strspn(name, " \n"), .test_func = bodies[i]};
  }
  int failed = _cmocka_run_group_tests("firn", tests, (size_t)n, NULL, NULL);
  free(tests);
  free(copy);
  return failed;
}

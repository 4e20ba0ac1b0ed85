/* The little that cmocka lacks. A test is a function whose name is a sentence:
 *   static void refuses_every_cut(void **state) { ... CHECK_OK(f(&err)); ... }
 * and main runs them with RUN_TESTS(refuses_every_cut, ...). */
#ifndef FIRN_TEST_H
#define FIRN_TEST_H

/* cmocka wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"

/* CHECK_OK(call) wants FIRN_OK and shows the text of a local `err` when there is another status. */
#define CHECK_OK(call) test_check_status((call), FIRN_OK, &err, #call, __FILE__, __LINE__)
/* CHECK_STATUS(call, wanted): as above without looking at `err`. */
#define CHECK_STATUS(call, wanted) test_check_status((call), (wanted), NULL, #call, __FILE__, __LINE__)
#define CHECK_BYTES(bytes, text) test_check_bytes((bytes), (text), __FILE__, __LINE__)
/* `part` must occur in `err.text`. */
#define CHECK_SAYS(part) test_check_says(&err, (part), __FILE__, __LINE__)

void test_check_status(firn_status got, firn_status wanted, const firn_error *err, const char *call,
                       const char *file, int line);
void test_check_bytes(firn_bytes got, const char *wanted, const char *file, int line);
void test_check_says(const firn_error *err, const char *part, const char *file, int line);

/* Runs `body` again and again; the 1st, 2nd, ... allocation fails, until a run meets no failure. Each failing
 * run must answer FIRN_NOMEM (body's own checks must not run then: return early) and leak nothing (ASan
 * looks). The last must be FIRN_OK. */
void check_survives_oom(firn_status (*body)(void));

/* The allocation number `n` (from 0) from now on fails, that one alone; SIZE_MAX: none does. Whether the one
 * of the call before has failed. */
bool test_fail_allocation(size_t n);

/* A context on a deterministic environment: the clock starts at 2025-06-15T12:00:00Z and each look moves it
 * by a microsecond, random numbers come from a fixed seed. Reset by each call. */
firn_ctx *test_ctx(void);
/* A pseudo-random number from the same seed, for property tests. */
uint64_t test_random(void);

/* A fresh folder below $TMPDIR, removed at exit; borrowed until then. */
const char *test_folder(void);

/* A file system of its own of that size, mounted in the folder of the last test_folder and gone with it;
 * NULL, with what is skipped on standard error, where nobody may mount one. */
const char *test_small_disk(size_t size_bytes, const char *what_is_skipped);

/* The folder of other projects' files, or NULL; says on standard error what is skipped without it. */
const char *test_shared_data(const char *what_is_skipped);

/* Reads a whole file; the test fails when it cannot. Free with firn_free. */
firn_bytes test_read_file(const char *path);

#define RUN_TESTS(...)                                                       \
  int main(void) {                                                           \
    static void (*const bodies[])(void **) = {__VA_ARGS__};                  \
    return test_run(#__VA_ARGS__, bodies, sizeof bodies / sizeof bodies[0]); \
  }
int test_run(const char *names, void (*const *bodies)(void **), size_t n);

#endif

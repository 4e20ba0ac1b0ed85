#include "io/local/folders_internal.h"

#include <stdio.h>

#include "test.h"

static void remembers_many_and_then_starts_over(void **state) {
  (void)state;
  firn_error err;
  firn_known_folders *k = NULL;
  CHECK_OK(firn_known_folders_new(&k, &err));
  assert_false(firn_known_folders_has(k, ""));
  size_t n_known = 0;
  char name[32];
  for (int i = 0; i < 5000; i++) {
    (void)snprintf(name, sizeof name, "/lake/day=%d/", i);
    assert_false(firn_known_folders_has(k, name));
    CHECK_OK(firn_known_folders_add(k, name, &err));
    assert_true(firn_known_folders_has(k, name));
  }
  for (int i = 0; i < 5000; i++) {
    (void)snprintf(name, sizeof name, "/lake/day=%d/", i);
    n_known += firn_known_folders_has(k, name);
  }
  assert_int_equal(n_known, 5000 % 2048);
  firn_known_folders_free(k);
  firn_known_folders_free(NULL);
}

static firn_status remember(void) {
  firn_known_folders *k = NULL;
  FIRN_TRY(firn_known_folders_new(&k, NULL));
  firn_status status = firn_known_folders_add(k, "/lake", NULL);
  firn_known_folders_free(k);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(remember);
}

RUN_TESTS(remembers_many_and_then_starts_over, survives_oom)

#include "services/common/health.h"

#include "test.h"

static void check_text(firn_health *h, const char *wanted) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(64 << 10);
  firn_health_write(h, &b);
  CHECK_BYTES(firn_builder_bytes(&b), wanted);
}

static void is_ready_when_every_service_is(void **state) {
  (void)state;
  firn_error err;
  firn_health *h = NULL;
  size_t a, b;
  CHECK_OK(firn_health_open(&h, &err));
  assert_true(firn_health_is_ready(h)); /* nobody is missing */
  CHECK_OK(firn_health_add(h, "committer", &a, &err));
  CHECK_OK(firn_health_add(h, "indexer", &b, &err));
  check_text(h,
             "{\"ready\":false,\"services\":[{\"name\":\"committer\",\"state\":\"starting\"},"
             "{\"name\":\"indexer\",\"state\":\"starting\"}]}");
  firn_health_set(h, a, FIRN_HEALTH_READY, NULL);
  assert_false(firn_health_is_ready(h));
  firn_health_set(h, b, FIRN_HEALTH_TROUBLED, "the \"index\" is locked");
  assert_true(firn_health_is_ready(h));
  check_text(
      h,
      "{\"ready\":true,\"services\":[{\"name\":\"committer\",\"state\":\"ready\"},{\"name\":\"indexer\","
      "\"state\":\"troubled\",\"text\":\"the \\\"index\\\" is locked\"}]}");
  firn_health_set(h, b, FIRN_HEALTH_STOPPED, NULL);
  assert_false(firn_health_is_ready(h));
  firn_health_close(h);
}

static void keeps_its_bounds(void **state) {
  (void)state;
  firn_error err;
  firn_health *h = NULL;
  size_t i = 0;
  CHECK_OK(firn_health_open(&h, &err));
  for (int n = 0; n < FIRN_HEALTH_MAX_SERVICES; n++) {
    CHECK_OK(firn_health_add(h, "x", &i, &err));
  }
  CHECK_STATUS(firn_health_add(h, "x", &i, &err), FIRN_LIMIT);
  char text[2000];
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = '\0';
  firn_health_set(h, i, FIRN_HEALTH_TROUBLED, text);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(64 << 10);
  firn_health_write(h, &b);
  text[500] = '\0';
  firn_builder_add_u8(&b, '\0');
  assert_non_null(strstr((const char *)b.data, text));
  text[500] = 'a';
  text[501] = '\0';
  assert_null(strstr((const char *)b.data, text));
  firn_health_close(h);
}

static firn_status open_one(void) {
  firn_health *h = NULL;
  firn_status status = firn_health_open(&h, NULL);
  firn_health_close(h);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(open_one);
}

RUN_TESTS(is_ready_when_every_service_is, keeps_its_bounds, survives_oom)

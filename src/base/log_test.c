#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/json.h"
#include "base/pool.h"
#include "test.h"

typedef struct fixture {
  firn_builder lines;
  firn_log *log;
  firn_env env;
  firn_ctx ctx;
} fixture;

static void keep(void *self, firn_bytes line) {
  firn_builder_add(self, line);
}

static fixture *open_fixture(firn_log_level least, firn_log_form form) {
  static fixture f;
  firn_error err;
  f = (fixture){.lines = FIRN_BUILDER_INIT(0), .env = *test_ctx()->env};
  CHECK_OK(firn_log_open(least, form, keep, &f.lines, &f.log, &err));
  f.env.log = f.log;
  f.ctx = (firn_ctx)FIRN_CTX_INIT(&f.env);
  return &f;
}

static void close_fixture(fixture *f) {
  firn_log_close(f->log);
  firn_builder_free(&f->lines);
}

static void writes_lines_for_people(void **state) {
  (void)state;
  fixture *f = open_fixture(FIRN_LOG_INFO, FIRN_LOG_AS_TEXT);
  FIRN_LOG(&f->ctx, FIRN_LOG_DEBUG, "not this");
  FIRN_LOG(&f->ctx, FIRN_LOG_INFO, "started well");
  f->ctx.trace_id = "abc";
  FIRN_LOG_WITH(&f->ctx, FIRN_LOG_ERROR, "two\nlines", FIRN_LOG_TEXT("table", "db.events"),
                FIRN_LOG_INT("rows", -17), FIRN_LOG_BOOL("done", true),
                FIRN_LOG_TEXT("say", "a \"b\" rows=18\n"), FIRN_LOG_TEXT("none", ""), (firn_log_field){0});
  CHECK_BYTES(
      firn_builder_bytes(&f->lines),
      "2025-06-15T12:00:00.000000Z info started well\n"
      "2025-06-15T12:00:00.000001Z error \"two\\nlines\" trace=abc table=db.events rows=-17 done=true "
      "say=\"a \\\"b\\\" rows=18\\n\" none=\"\"\n");
  close_fixture(f);
}

static void writes_lines_for_programs(void **state) {
  (void)state;
  fixture *f = open_fixture(FIRN_LOG_DEBUG, FIRN_LOG_AS_JSON);
  f->ctx.trace_id = "abc";
  FIRN_LOG_WITH(&f->ctx, FIRN_LOG_WARN, "slow\n", FIRN_LOG_TEXT("table", "a\"b\xFF"), FIRN_LOG_INT("us", 7),
                FIRN_LOG_BOOL("done", false), FIRN_LOG_SECRET("key", true), FIRN_LOG_SECRET("token", false));
  CHECK_BYTES(firn_builder_bytes(&f->lines),
              "{\"time\":\"2025-06-15T12:00:00.000000Z\",\"level\":\"warn\",\"message\":\"slow\\n\","
              "\"trace\":\"abc\","
              "\"table\":\"a\\\"b\xEF\xBF\xBD\",\"us\":7,\"done\":false,\"key\":\"(set)\",\"token\":\"(not "
              "set)\"}\n");
  assert_true(firn_json_is_valid(firn_builder_bytes(&f->lines)));
  close_fixture(f);
}

static void without_a_log_nothing_happens(void **state) {
  (void)state;
  assert_false(firn_log_wants(test_ctx(), FIRN_LOG_ERROR));
  FIRN_LOG(test_ctx(), FIRN_LOG_ERROR, "nobody hears this");
  fixture *f = open_fixture(FIRN_LOG_OFF, FIRN_LOG_AS_TEXT);
  assert_false(firn_log_wants(&f->ctx, FIRN_LOG_ERROR));
  FIRN_LOG(&f->ctx, FIRN_LOG_ERROR, "nor this");
  FIRN_LOG(&f->ctx, FIRN_LOG_OFF, "nor this");
  assert_int_equal(f->lines.len, 0);
  close_fixture(f);
  firn_log_close(NULL);
}

static void long_values_are_cut_and_long_lines_counted(void **state) {
  (void)state;
  static char text[20000];
  memset(text, 'x', sizeof text - 1);
  fixture *f = open_fixture(FIRN_LOG_INFO, FIRN_LOG_AS_JSON);
  FIRN_LOG_WITH(&f->ctx, FIRN_LOG_INFO, "long", FIRN_LOG_TEXT("a", text));
  assert_in_range(f->lines.len, 8192, 8400);
  assert_true(firn_json_is_valid(firn_builder_bytes(&f->lines)));
  firn_builder_reset(&f->lines);
  firn_log_field many[20];
  for (size_t i = 0; i < FIRN_COUNT_OF(many); i++) {
    many[i] = FIRN_LOG_TEXT("a", text);
  }
  firn_log_write(&f->ctx, FIRN_LOG_INFO, "longer", many, FIRN_COUNT_OF(many));
  assert_int_equal(f->lines.len, 0);
  assert_int_equal(firn_log_lost(f->log), 1);
  close_fixture(f);
}

static void writes_to_a_descriptor(void **state) {
  (void)state;
  firn_error err;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  firn_log *log = NULL;
  CHECK_OK(firn_log_open_fd(FIRN_LOG_INFO, FIRN_LOG_AS_TEXT, ends[1], &log, &err));
  firn_env env = *test_ctx()->env;
  env.log = log;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  FIRN_LOG(&ctx, FIRN_LOG_INFO, "hello");
  char text[100] = {0};
  assert_int_equal(read(ends[0], text, sizeof text - 1), 39);
  assert_string_equal(text, "2025-06-15T12:00:00.000000Z info hello\n");
  close(ends[1]);
  FIRN_LOG(&ctx, FIRN_LOG_INFO, "lost");
  assert_int_equal(firn_log_lost(log), 1);
  firn_log_close(log);
  close(ends[0]);
}

static firn_status log_some(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)arg;
  (void)err;
  FIRN_LOG_WITH(ctx, FIRN_LOG_INFO, "line", FIRN_LOG_INT("i", (int64_t)i));
  return FIRN_OK;
}

static void threads_write_whole_lines(void **state) {
  (void)state;
  firn_error err;
  fixture *f = open_fixture(FIRN_LOG_INFO, FIRN_LOG_AS_JSON);
  f->env.now_us = firn_env_system.now_us; /* the test's clock is for one thread */
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(3, &pool, &err));
  CHECK_OK(firn_pool_for_each(pool, &f->ctx, 500, log_some, NULL, &err));
  firn_pool_close(pool);
  size_t n = 0, from = 0;
  firn_bytes all = firn_builder_bytes(&f->lines);
  for (size_t i = 0; i < all.len; i++) {
    if (all.data[i] == '\n') {
      assert_true(firn_json_is_valid(firn_bytes_part(all, from, i - from)));
      from = i + 1;
      n++;
    }
  }
  assert_int_equal(n, 500);
  close_fixture(f);
}

static void levels_have_names(void **state) {
  (void)state;
  firn_log_level level;
  assert_true(firn_log_level_parse(FIRN_LITERAL("warn"), &level) && level == FIRN_LOG_WARN);
  assert_true(firn_log_level_parse(FIRN_LITERAL("off"), &level) && level == FIRN_LOG_OFF);
  assert_false(firn_log_level_parse(FIRN_LITERAL("loud"), &level));
}

static firn_status open_and_close(void) {
  firn_log *log = NULL;
  FIRN_TRY(firn_log_open_fd(FIRN_LOG_INFO, FIRN_LOG_AS_TEXT, 2, &log, NULL));
  firn_log_close(log);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(open_and_close);
}

RUN_TESTS(writes_lines_for_people, writes_lines_for_programs, without_a_log_nothing_happens,
          long_values_are_cut_and_long_lines_counted, writes_to_a_descriptor, threads_write_whole_lines,
          levels_have_names, survives_oom)

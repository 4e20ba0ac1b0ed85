#include "services/fetch/query.h"

#include "test.h"

static firn_status add(firn_fetch_query *q, const char *name, const char *value, firn_arena *arena,
                       firn_error *err) {
  return firn_fetch_query_add(q, firn_bytes_of(name), firn_bytes_of(value), arena, err);
}

static void every_parameter_is_read(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fetch_query q = {.takes = FIRN_QUERY_PAGING};
  static const char *const given[][2] = {{"subject", "s"},
                                         {"type", "t"},
                                         {"source", "o"},
                                         {"producer", "p"},
                                         {"id", "i"},
                                         {"dataversion", "v"},
                                         {"tag", "a"},
                                         {"tag", "b"},
                                         {"after", "1970-01-01T00:00:01Z"},
                                         {"before", "1970-01-01T01:00:02.000001+01:00"},
                                         {"limit", "10000"},
                                         {"order", "asc"},
                                         {"cursor", "c"},
                                         {"data", "true"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(given); i++) {
    CHECK_OK(add(&q, given[i][0], given[i][1], &arena, &err));
  }
  CHECK_BYTES(q.index.subject, "s");
  CHECK_BYTES(q.index.type, "t");
  CHECK_BYTES(q.index.source, "o");
  CHECK_BYTES(q.index.producer, "p");
  CHECK_BYTES(q.index.id, "i");
  CHECK_BYTES(q.index.data_version, "v");
  assert_int_equal(q.index.n_tags, 2);
  CHECK_BYTES(q.index.tags[0], "a");
  CHECK_BYTES(q.index.tags[1], "b");
  assert_true(q.index.has_after && q.index.has_before);
  assert_int_equal(q.index.after_us, 1000000);
  assert_int_equal(q.index.before_us, 2000001);
  assert_int_equal(q.index.limit, 10000);
  assert_true(q.index.is_ascending);
  assert_string_equal(q.index.cursor, "c");
  assert_true(q.with_data);
}

static void what_is_wrong_is_said(void **state) {
  (void)state;
  static const struct {
    const char *name, *value, *says;
  } cases[] = {
      {"Subject", "x", "did you mean subject?"},
      {"tags", "x", "did you mean tag?"},
      {"befor", "x", "did you mean before?"},
      {"", "x", "there is no parameter \"\""},
      {"type", "", "type is empty"},
      {"tag", "", "tag is empty"},
      {"cursor", "", "cursor is empty"},
      {"after", "2025-06-15", "no time"},
      {"after", "2025-06-15T12:00:00", "no time"},
      {"after", "2025-06-15T12:00:00 02:00", "%2B"},
      {"limit", "", "1 to 10000"},
      {"limit", "1e3", "1 to 10000"},
      {"limit", "+1", "1 to 10000"},
      {"limit", "000001", "1 to 10000"},
      {"limit", "99999999999999999999", "1 to 10000"},
      {"order", "ASC", "asc or desc"},
      {"data", "yes", "true or false"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_fetch_query q = {.takes = FIRN_QUERY_PAGING};
    CHECK_STATUS(add(&q, cases[i].name, cases[i].value, &arena, &err), FIRN_INVALID);
    CHECK_SAYS(cases[i].says);
  }
}

static void only_what_is_taken_here_is_taken(void **state) {
  (void)state;
  static const char *const paging[] = {"limit", "order", "cursor", "data"};
  static const char *const values[] = {"1", "asc", "x", "true"};
  for (size_t i = 0; i < FIRN_COUNT_OF(paging); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_fetch_query none = {0};
    firn_fetch_query limit = {.takes = FIRN_QUERY_LIMIT};
    CHECK_STATUS(add(&none, paging[i], values[i], &arena, &err), FIRN_INVALID);
    CHECK_STATUS(add(&limit, paging[i], values[i], &arena, &err), i == 0 ? FIRN_OK : FIRN_INVALID);
  }
}

static void nothing_comes_twice_but_tags(void **state) {
  (void)state;
  static const char *const names[] = {"subject", "id", "after", "limit", "order", "cursor", "data"};
  static const char *const values[] = {"x", "x", "2025-06-15T12:00:00Z", "1", "asc", "x", "true"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    firn_fetch_query q = {.takes = FIRN_QUERY_PAGING};
    CHECK_OK(add(&q, names[i], values[i], &arena, &err));
    CHECK_STATUS(add(&q, names[i], values[i], &arena, &err), FIRN_INVALID);
    CHECK_SAYS("given twice");
  }
  firn_fetch_query q = {0};
  for (size_t i = 0; i < FIRN_INDEX_MAX_TAGS; i++) {
    CHECK_OK(add(&q, "tag", "x", &arena, &err));
  }
  CHECK_STATUS(add(&q, "tag", "x", &arena, &err), FIRN_INVALID);
}

static firn_status add_some(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fetch_query q = {.takes = FIRN_QUERY_PAGING};
  FIRN_TRY(add(&q, "tag", "x", &arena, &err));
  return add(&q, "cursor", "x", &arena, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(add_some);
}

RUN_TESTS(every_parameter_is_read, what_is_wrong_is_said, only_what_is_taken_here_is_taken,
          nothing_comes_twice_but_tags, survives_oom)

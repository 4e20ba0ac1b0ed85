/* What the engine's plans say of tables: never fewer rows than the query wants, and files that it does not
 * want are not opened. The same conditions, once where they prune and once where they cannot. */
#include "services/sql/filter_internal.h"

#include "test_sql.h"

static void must(test_sql *t, const char *sql) {
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1 << 20);
  firn_error err;
  if (test_sql_run(t, sql, &out, &err) != FIRN_OK) {
    fail_msg("%s\n  fails: %s", sql, err.text);
  }
}

/* Ten files of a hundred rows, each with values of its own, and one with nulls, zeros and NaN. */
static test_sql open_table(void) {
  test_sql t;
  test_sql_open(&t, false);
  must(&t, "create namespace db");
  must(&t,
       "create table db.t (id bigint, i int, name string, ts timestamp, tz timestamptz, d date, dec "
       "decimal(10,2), "
       "big decimal(38,5), u uuid, b boolean, bin binary, f float, dd double, s struct<a: int, b: string>, "
       "l int[], tm time, \"odd.name\" int, fx fixed(2))");
  for (int k = 0; k < 10; k++) {
    char sql[900];
    (void)snprintf(
        sql, sizeof sql,
        "insert into db.t select n, n %% 1000, 'n' || lpad(n::varchar, 4, '0'), timestamp '2024-01-01' + "
        "to_days(n::int), "
        "timestamptz '2024-01-01 00:00:00+00' + to_hours(n), date '2024-01-01' + n::int, n / 4, n * 1.00001, "
        "('a0eebc99-9c0b-4ef8-bb6d-' || lpad(n::varchar, 12, '0'))::uuid, n >= 500, ('x' || n)::blob, n / "
        "10, n / 3, "
        "{'a': n, 'b': 'b' || n}, [n], time '00:00:00' + to_minutes(n), n, "
        "('\\x' || format('{:02X}', (n // 4) %% 256) || '\\x00')::blob from range(%d, %d) r(n)",
        k * 100, k * 100 + 100);
    must(&t, sql);
  }
  must(&t,
       "insert into db.t (id, f, dd, b) values (2000, 'nan'::float, 'nan'::double, null), "
       "(2001, '-0'::float, '-0'::double, true), (2002, 'inf'::float, '-inf'::double, false), "
       "(null, null, null, null)");
  must(&t, "insert into db.t (id, s) values (3000, {'a': null, 'b': 'of a struct'})");
  return t;
}

static const char *const conditions[] = {
    "id > 950",
    "id >= 950 and id < 960",
    "id = 7",
    "7 = id",
    "id <> 5",
    "not (id <> 5)",
    "id between 10 and 20",
    "id not between 10 and 2000",
    "id in (1, 2, 3)",
    "id in (1, 500, 999, 5000)",
    "id not in (1, 500, 999, 5000)",
    "id is null",
    "id is not null",
    "not (id is null)",
    "id = 5.0",
    "id > 949.5",
    "id = 5.5",
    "id + 1 = 8",
    "i > 3000000000",
    "i < 3000000000",
    "i::bigint = 42",
    "i = 42 or i = 43",
    "i = 42 or name = 'n0777'",
    "(i = 42 and name = 'n0042') or (id > 998 and d is not null)",
    "not (i > 10 or i is null)",
    "not (i > 10 and id > 5)",
    "name = 'n0042'",
    "name like 'n00%'",
    "name not like 'n0%'",
    "name like '%7'",
    "starts_with(name, 'n099')",
    "not starts_with(name, 'n0')",
    "name > 'n0990'",
    "name >= 'n0990' and name < 'n0992'",
    "name ilike 'N0001'",
    "name in ('n0001', 'n0999')",
    "upper(name) = 'N0001'",
    "name is distinct from 'n0001'",
    "name is not distinct from 'n0001'",
    "i is not distinct from null",
    "prefix(name, '')",
    "ts >= '2026-09-01'",
    "ts = timestamp '2024-01-08'",
    "date_trunc('day', ts) = '2024-01-08'",
    "ts::date = '2024-01-08'",
    "ts::date > '2026-09-20'",
    "ts::date <> '2024-01-08'",
    "ts < date '2024-01-03'",
    "year(ts) = 2025",
    "date_trunc('month', ts) = '2024-02-01'",
    "ts > now() - interval 100 year",
    "ts < now()",
    "ts > now()",
    "tz < current_timestamp",
    "d = current_date",
    "d < current_date",
    "d <= today()",
    "ts < localtimestamp",
    "ts < current_localtimestamp()",
    "age(ts) > interval 1 day",
    "\"now\"() > ts",
    "tz = '2024-01-01 07:00:00+00'",
    "tz > '2024-02-10 12:00:00+02'",
    "tz::date = '2024-01-02'",
    "tz::date <= '2024-01-02'",
    "d = '2024-01-08'",
    "d > timestamp '2024-01-08 12:00:00'",
    "d >= timestamp '2024-01-08 12:00:00'",
    "d < timestamp '2024-01-08 12:00:00'",
    "d <= timestamp '2024-01-08 00:00:00'",
    "d = timestamp '2024-01-08 12:00:00'",
    "d <> timestamp '2024-01-08 12:00:00'",
    "d between '2024-01-08' and '2024-01-10'",
    "dec = 1.75",
    "dec > 249",
    "dec = 1.755",
    "dec < 0.5",
    "dec in (1, 2, 3.25)",
    "dec::int = 7",
    "dec::decimal(5,1) = 1.8",
    "big > 990.5",
    "big < 5.00005",
    "big = 7.00007",
    "u = 'a0eebc99-9c0b-4ef8-bb6d-000000000007'",
    "u > 'a0eebc99-9c0b-4ef8-bb6d-000000000990'",
    "u <> 'a0eebc99-9c0b-4ef8-bb6d-000000000007'",
    "b",
    "not b",
    "b = false",
    "b is null",
    "b is distinct from true",
    "b and id > 990",
    "not (b and id > 990)",
    "bin = 'x7'::blob",
    "bin > 'x99'::blob",
    "bin = '\\x00\\xFF'::blob",
    "fx = '\\x07\\x00'::blob",
    "fx > '\\x07'::blob",
    "f = 0",
    "f >= 0",
    "f > 0",
    "f < 0",
    "f <= 0",
    "f <> 0",
    "f > 99.5",
    "f = 0.1",
    "f = 0.1::float",
    "f::double > 99.5",
    "f = 'nan'",
    "f > 'inf'::float",
    "isnan(f)",
    "not isnan(f)",
    "f < 'nan'::float",
    "f in (0, 0.5)",
    "dd = 0",
    "dd >= 0.0",
    "dd = -0.0",
    "dd > 332.9",
    "dd = 'nan'",
    "dd < '-inf'::double or dd > 1e300",
    "dd not in (0, 1)",
    "isnan(dd) or id = 3",
    "s.a = 7",
    "s.a > 990 and s.b like 'b99%'",
    "s.a is null",
    "s.a is not null",
    "s.a is null or id = 7", /* the engine reads the member alone here, in the struct's place */
    "s.a is not null or id = 7",
    "s is null",
    "s['a'] = 7",
    "not (s.a = 7)",
    "l[1] = 7",
    "len(l) = 1",
    "l is null",
    "tm = '00:07:00'",
    "tm > '16:30:00'",
    "\"odd.name\" = 7",
    "\"odd.name\" > 990",
    "coalesce(i, 0) = 0",
    "case when i > 990 then true else false end",
    "if(i > 990, b, false)",
    "i > id",
    "i = id",
    "random() >= 0",
    "id = (select max(id) from db.t where id < 1000)",
    "id in (select id from db.t where i = 7)",
    "exists (select 1 from db.t x where x.id = t.id and x.i = 7)",
    "true",
    "false",
    "null",
    "id > 5 or true",
    "id = 7 and id = 8",
    "id > 990 and name < 'a'",
};

static int64_t count_of(test_sql *t, const char *sql, int64_t *skipped) {
  firn_error err;
  FIRN_AUTO_SQL_RESULT *result = NULL;
  if (firn_sql_run(t->session, t->ctx, firn_bytes_of(sql), &result, &err) != FIRN_OK) {
    fail_msg("%s\n  fails: %s", sql, err.text);
  }
  const firn_batch *batch;
  CHECK_OK(firn_sql_result_next(result, t->ctx, &batch, &err));
  assert_non_null(batch);
  int64_t n = batch->columns[0].i64[0];
  const firn_scan_counts *counts = firn_sql_result_counts(result);
  *skipped = counts->files_skipped + counts->manifests_skipped;
  return n;
}

static void prunes_no_row_that_is_wanted(void **state) {
  (void)state;
  test_sql t = open_table();
  int pruned = 0;
  for (size_t i = 0; i < FIRN_COUNT_OF(conditions); i++) {
    char with[400], without[400], negated[400];
    int64_t skipped, none;
    (void)snprintf(with, sizeof with, "select count(*) from db.t where %s", conditions[i]);
    (void)snprintf(without, sizeof without, "select count(*) filter (where %s) from db.t", conditions[i]);
    /* Conditions with subqueries cannot stand in an aggregate's filter. */
    bool has_query = strstr(conditions[i], "select") != NULL;
    (void)snprintf(negated, sizeof negated,
                   "select count(*) from (select *, row_number() over () from db.t) t where %s",
                   conditions[i]);
    int64_t wanted = count_of(&t, has_query ? negated : without, &none);
    int64_t got = count_of(&t, with, &skipped);
    if (got != wanted) {
      fail_msg("%s: %" PRId64 " rows, not %" PRId64, conditions[i], got, wanted);
    }
    pruned += skipped > 0;
    (void)snprintf(with, sizeof with, "select count(*) from db.t where not (%s)", conditions[i]);
    (void)snprintf(without, sizeof without, "select count(*) filter (where not (%s)) from db.t",
                   conditions[i]);
    if (!has_query && count_of(&t, with, &skipped) != count_of(&t, without, &none)) {
      fail_msg("not (%s) finds other rows when it prunes", conditions[i]);
    }
  }
  assert_true(pruned > (int)FIRN_COUNT_OF(conditions) / 3);
  test_sql_close(&t);
}

static void check_skips(test_sql *t, const char *where, int64_t at_least) {
  char sql[400];
  int64_t skipped;
  (void)snprintf(sql, sizeof sql, "select count(i) from db.t where %s", where);
  (void)count_of(t, sql, &skipped);
  if (skipped < at_least) {
    fail_msg("%s: only %" PRId64 " files are passed over", where, skipped);
  }
}

static void passes_over_files_where_the_filter_decides_it(void **state) {
  (void)state;
  test_sql t = open_table();
  static const char *const one_file[] = {
      "id = 7",
      "id between 210 and 220",
      "id in (1, 2, 3)",
      "name = 'n0042'",
      "name like 'n07%'",
      "starts_with(name, 'n099')",
      "ts = timestamp '2024-01-08'",
      "date_trunc('day', ts) = '2024-01-08'",
      "ts::date = '2024-01-08'",
      "tz::date = '2024-01-02'",
      "d = '2024-01-08'",
      "d = timestamp '2024-01-08'",
      "dec = 1.75",
      "big = 7.00007",
      "id = 5.0",
      "i::bigint = 42",
      "dd > 332.9 and dd < 400",
      "s.a = 7",
      "tm = '00:07:00'",
      "(i = 42 and name = 'n0042') or (i = 43 and d > '2024-01-01' and i < 50)",
      "id = 7 and random() >= 0",
      "i = 42 or i = 43",
      "bin = 'x100'::blob or bin = 'x101'::blob",
      "d > date '2024-01-05' and d < '2024-02-01'",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(one_file); i++) {
    check_skips(&t, one_file[i], 9);
  }
  check_skips(&t, "id > 850", 8);
  check_skips(&t, "ts > now() + interval 100 year", 10);
  check_skips(&t, "ts > '2026-08-01' and name is not null", 8);
  int64_t skipped;
  (void)count_of(&t, "select count(*) from (select * from db.t where id > 950 order by ts limit 3)",
                 &skipped);
  assert_true(skipped >= 9);
  (void)count_of(&t,
                 "with x as (select * from db.t) select count(*) from x a join x b using (id) where a.id = 7 "
                 "and b.i = 7",
                 &skipped);
  assert_true(skipped >= 9);
  (void)count_of(&t,
                 "select count(*) from db.t a left join db.t b on a.id = b.id and b.id = 7 where a.i < 10",
                 &skipped);
  assert_true(skipped >= 9);
  test_sql_close(&t);
}

static void plans_nothing_when_settings_may_differ(void **state) {
  (void)state;
  test_sql t = open_table();
  int64_t skipped;
  assert_int_equal(
      count_of(&t, "select count(*) from db.t where tz = timestamptz '2024-01-02 00:00:00'", &skipped), 1);
  assert_true(skipped > 0);
  must(&t, "set timezone = 'America/New_York'");
  assert_int_equal(
      count_of(&t, "select count(*) from db.t where tz = timestamptz '2024-01-01 19:00:00'", &skipped), 1);
  assert_int_equal(skipped, 0);
  assert_int_equal(
      count_of(&t, "select count(*) from db.t where tz::date = '2024-01-01' and i < 100", &skipped), 24);
  test_sql_close(&t);
}

/* Plans are text from elsewhere: any damage is no filter, or one that was there. */
static void takes_damaged_plans(void **state) {
  (void)state;
  static const char plan[] =
      "{\"error\":false,\"plans\":[{\"type\":\"LOGICAL_FILTER\",\"children\":[{\"type\":\"LOGICAL_GET\","
      "\"names\":[\"a\"],"
      "\"projection_ids\":[0],\"function_data\":{\"table\":\"t\"},\"extra_info\":{\"sample_options\":null},"
      "\"column_indexes\":[{\"index\":0,\"index_type\":\"FULL_READ\"}],\"table_filters\":{\"filters\":[{"
      "\"key\":0,\"value\":{\"filter_"
      "type\":"
      "\"CONSTANT_COMPARISON\",\"comparison_type\":\"COMPARE_EQUAL\",\"constant\":{\"type\":{\"id\":"
      "\"BIGINT\"},\"is_null\":"
      "false,\"value\":5}}}]}}],\"expressions\":[{\"expression_class\":\"BOUND_COMPARISON\",\"type\":"
      "\"COMPARE_LESSTHAN\","
      "\"left\":{\"expression_class\":\"BOUND_REF\",\"index\":0},\"right\":{\"expression_class\":\"BOUND_"
      "CONSTANT\","
      "\"value\":{\"type\":{\"id\":\"DECIMAL\",\"type_info\":{\"scale\":2}},\"is_null\":false,\"value\":{"
      "\"upper\":0,"
      "\"lower\":900}}}}]}]}";
  static const firn_field column = {.id = 1, .name = "a", .kind = FIRN_KIND_LONG};
  static const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t at = 0; at < sizeof plan; at++) {
    for (int flip = 0; flip < 8; flip++) {
      firn_arena_reset(&arena);
      char *copy = firn_arena_text(&arena, FIRN_LITERAL(""));
      copy = firn_arena_text(&arena, firn_bytes_of(plan));
      assert_non_null(copy);
      if (at + 1 < sizeof plan) {
        copy[at] = (char)(copy[at] ^ (1 << flip));
      }
      const firn_json_value *json;
      const firn_expr *filter = NULL;
      bool is_summary;
      firn_error err;
      if (firn_json_tree_read((firn_bytes){(const uint8_t *)copy, sizeof plan - 1}, &arena, &json, &err) ==
          FIRN_OK) {
        CHECK_OK(firn_sql_filter_of(json, "t", &schema, &arena, &filter, &is_summary, &err));
        assert_non_null(filter);
      }
      if (at + 1 == sizeof plan) {
        assert_string_equal(firn_expr_text(filter, &arena), "a = 5 and a < 9.00");
      }
    }
  }
}

int main(void) {
  if (!test_sql_is_there("filters from the engine's plans")) {
    return 77;
  }
  static void (*const bodies[])(void **) = {prunes_no_row_that_is_wanted,
                                            passes_over_files_where_the_filter_decides_it,
                                            plans_nothing_when_settings_may_differ, takes_damaged_plans};
  return test_run(
      "prunes_no_row_that_is_wanted, passes_over_files_where_the_filter_decides_it, "
      "plans_nothing_when_settings_may_differ, takes_damaged_plans",
      bodies, FIRN_COUNT_OF(bodies));
}

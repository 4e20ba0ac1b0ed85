#include "iceberg/expr/prune.h"

#include <math.h>

#include "filters.h"

/* ---- Manifests: the reference's published summaries */

#define SUMMARY_COLUMNS 16

static const char summary_schema[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"int\"},"
    "{\"id\":2,\"name\":\"all_nulls\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":3,\"name\":\"some_nulls\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":4,\"name\":\"no_nulls\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":5,\"name\":\"float\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":6,\"name\":\"all_nulls_double\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":7,\"name\":\"all_nulls_no_nans\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":8,\"name\":\"all_nans\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":9,\"name\":\"both\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":10,\"name\":\"neither\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":11,\"name\":\"all_nulls_float\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":12,\"name\":\"same_or_null\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":13,\"name\":\"same\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":14,\"name\":\"same_with_nan\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":15,\"name\":\"same_nan_unknown\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":16,\"name\":\"same_no_nan\",\"required\":false,\"type\":\"float\"}]}";

#define INT_30 FIRN_LITERAL("\036\0\0\0")
#define INT_79 FIRN_LITERAL("\117\0\0\0")
#define FLOAT_0 FIRN_LITERAL("\0\0\0\0")
#define FLOAT_5 FIRN_LITERAL("\0\0\240\100")
#define FLOAT_20 FIRN_LITERAL("\0\0\240\101")
#define NONE {NULL, 0}

static firn_manifest_file manifest_of(firn_field_summary summaries[SUMMARY_COLUMNS]) {
  firn_field_summary filled[SUMMARY_COLUMNS] = {
      {.lower = INT_30, .upper = INT_79},
      {.contains_null = true},
      {.contains_null = true, .lower = FIRN_LITERAL("a"), .upper = FIRN_LITERAL("z")},
      {.lower = FIRN_LITERAL("a"), .upper = FIRN_LITERAL("z")},
      {.lower = FLOAT_0, .upper = FLOAT_20},
      {.contains_null = true},
      {.contains_null = true, .has_contains_nan = true},
      {.has_contains_nan = true, .contains_nan = true},
      {.contains_null = true, .has_contains_nan = true, .contains_nan = true},
      {.has_contains_nan = true,
       .lower = FLOAT_0,
       .upper = FLOAT_20}, /* of floats, for a double column now */
      {.contains_null = true},
      {.contains_null = true, .lower = FIRN_LITERAL("a"), .upper = FIRN_LITERAL("a")},
      {.lower = FIRN_LITERAL("a"), .upper = FIRN_LITERAL("a")},
      {.has_contains_nan = true, .contains_nan = true, .lower = FLOAT_5, .upper = FLOAT_5},
      {.lower = FLOAT_5, .upper = FLOAT_5},
      {.has_contains_nan = true, .lower = FLOAT_5, .upper = FLOAT_5},
  };
  memcpy(summaries, filled, sizeof filled);
  return (firn_manifest_file){.n_partitions = SUMMARY_COLUMNS, .partitions = summaries};
}

static firn_partition_spec identity_spec(const firn_schema *schema, firn_arena *arena) {
  uint32_t n = schema->root.n_children;
  firn_partition_field *fields = firn_new_n(arena, firn_partition_field, n);
  for (uint32_t i = 0; i < n; i++) {
    const firn_field *column = &schema->root.children[i];
    fields[i] =
        (firn_partition_field){.source_id = column->id, .field_id = 1000 + (int32_t)i, .name = column->name};
  }
  return (firn_partition_spec){.spec_id = 1, .n_fields = n, .fields = fields};
}

static const firn_prune *pruner(const char *filter, const firn_schema *schema,
                                const firn_partition_spec *spec, firn_arena *arena) {
  const firn_prune *p;
  firn_error err;
  CHECK_OK(firn_prune_new(bound(filter, schema, arena), spec, schema, arena, &p, &err));
  return p;
}

static const struct {
  const char *filter;
  bool reads;
} manifest_cases[] = {
    {"all_nulls is not null", false},
    {"all_nulls_float is not null", true}, /* nobody says that there is no NaN */
    {"all_nulls_no_nans is not null", false},
    {"some_nulls is not null", true},
    {"no_nulls is not null", true},
    {"all_nulls is null", true},
    {"some_nulls is null", true},
    {"no_nulls is null", false},
    {"both is null", true},
    {"float is nan", true},
    {"all_nulls_double is nan", true},
    {"all_nulls_float is nan", true},
    {"all_nulls_no_nans is nan", false},
    {"all_nans is nan", true},
    {"both is nan", true},
    {"neither is nan", false},
    {"float is not nan", true},
    {"all_nulls_double is not nan", true},
    {"all_nulls_no_nans is not nan", true},
    {"all_nans is not nan", false},
    {"both is not nan", true},
    {"neither is not nan", true},
    {"not id < 5", true},
    {"not id > 5", false},
    {"id < 5 and id >= 0", false},
    {"id < 5 and id >= 80", false},
    {"id > 5 and id <= 30", true},
    {"id < 5 or id >= 80", false},
    {"id < 5 or id >= 60", true},
    {"id < 5", false},
    {"id < 30", false},
    {"id < 31", true},
    {"id < 79", true},
    {"id <= 29", false},
    {"id <= 30", true},
    {"id > 85", false},
    {"id > 79", false},
    {"id > 78", true},
    {"id >= 80", false},
    {"id >= 79", true},
    {"id = 29", false},
    {"id = 30", true},
    {"id = 79", true},
    {"id = 80", false},
    {"id != 5", true},
    {"id != 30", true},
    {"id in (5, 6)", false},
    {"id in (29, 30)", true},
    {"id in (80, 81)", false},
    {"id not in (5, 6)", true},
    {"id not in (30, 79)", true},
    {"all_nulls in ('abc', 'def')", false},
    {"all_nulls < 'abc'", false},
    {"all_nulls != 'abc'", true},
    {"all_nulls not in ('abc', 'def')", true},
    {"some_nulls in ('abc', 'def')", true},
    {"some_nulls like 'a%'", true},
    {"some_nulls like 'dddd%'", true},
    {"some_nulls like 'z%'", true},
    {"some_nulls like 'zzzz%'", false},
    {"some_nulls like '1%'", false},
    {"all_nulls like 'asad%'", false},
    {"all_nulls not like 'asad%'", true},
    {"some_nulls not like 'zzzz%'", true},
    {"same_or_null not like 'a%'", true},
    {"same not like 'a%'", false},
    {"same not like 'A%'", true},
    {"no_nulls != 'a'", true},
    {"same != 'a'", false},
    {"same != 'b'", true},
    {"same_or_null != 'a'", true},
    {"same_with_nan != 5", true},
    {"same_nan_unknown != 5", true},
    {"same_no_nan != 5", false},
    {"same not in ('a', 'b')", false},
    {"same not in ('b', 'c')", true},
    {"same_or_null not in ('a', 'b')", true},
    {"same_with_nan not in (5, 10)", true},
    {"same_nan_unknown not in (5, 10)", true},
    {"same_no_nan not in (5, 10)", false},
    /* beyond the published ones */
    {"both < 1", false},
    {"both > 1", true}, /* NaN is greater */
    {"all_nulls_no_nans > 1", false},
    {"same_no_nan > 5", false},
    {"same_with_nan > 5", true},
    {"neither > 20", false},
    {"neither < 20", true},
};

static void manifests_by_their_summaries(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(summary_schema, &arena);
  firn_partition_spec spec = identity_spec(&schema, &arena);
  firn_field_summary summaries[SUMMARY_COLUMNS];
  firn_manifest_file manifest = manifest_of(summaries), unknown = {.n_partitions = 0};
  firn_manifest_file strange = {.n_partitions = 2, .partitions = summaries};
  for (size_t i = 0; i < FIRN_COUNT_OF(manifest_cases); i++) {
    const firn_prune *p = pruner(manifest_cases[i].filter, &schema, &spec, &arena);
    if (firn_prune_manifest(p, &manifest) != manifest_cases[i].reads) {
      fail_msg("%s: reads the manifest: %d", manifest_cases[i].filter, !manifest_cases[i].reads);
    }
    assert_true(firn_prune_manifest(p, &unknown)); /* a list without summaries */
    assert_true(firn_prune_manifest(p, &strange)); /* summaries of another spec */
  }
}

static void a_filter_that_is_false_reads_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(summary_schema, &arena);
  firn_partition_spec spec = identity_spec(&schema, &arena);
  firn_field_summary summaries[SUMMARY_COLUMNS];
  firn_manifest_file manifest = manifest_of(summaries), unknown = {.n_partitions = 0};
  const firn_prune *p = pruner("id < -3000000000", &schema, &spec, &arena);
  assert_false(firn_prune_manifest(p, &manifest));
  assert_false(firn_prune_manifest(p, &unknown));
  assert_false(firn_prune_file(p, &(firn_data_file){.record_count = 5}));
}

static void summaries_of_nonsense_say_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(summary_schema, &arena);
  firn_partition_spec spec = identity_spec(&schema, &arena);
  firn_field_summary summaries[SUMMARY_COLUMNS];
  firn_manifest_file manifest = manifest_of(summaries);
  summaries[0] = (firn_field_summary){.lower = FIRN_LITERAL("abc"), .upper = FIRN_LITERAL("")};
  assert_true(firn_prune_manifest(pruner("id = 500", &schema, &spec, &arena), &manifest));
  summaries[0] = (firn_field_summary){.lower = INT_30, .upper = NONE};
  assert_false(firn_prune_manifest(pruner("id = 5", &schema, &spec, &arena), &manifest));
  assert_true(firn_prune_manifest(pruner("id = 500", &schema, &spec, &arena), &manifest));
  summaries[0] = (firn_field_summary){.lower = NONE}; /* neither nulls nor bounds: somebody left them out */
  assert_true(firn_prune_manifest(pruner("id = 500", &schema, &spec, &arena), &manifest));
}

/* ---- Files */

static const firn_partition_spec unpartitioned = {.spec_id = 0};

static firn_data_file file_with(const firn_id_count *counts, const firn_id_bytes *lower,
                                const firn_id_bytes *upper, size_t n) {
  static const firn_id_count no_nulls[] = {{1, 0}, {2, 0}, {4, 0}, {5, 0}, {9, 0}, {11, 0}};
  return (firn_data_file){.record_count = 50,
                          .value_counts = {true, n, counts},
                          .null_counts = {true, 6, no_nulls},
                          .nan_counts = {true, 6, no_nulls},
                          .lower_bounds = {true, n, lower},
                          .upper_bounds = {true, n, upper}};
}

/* Spec: bounds have the type that the column had when the file was written: their length says which. */
static void bounds_are_read_by_their_length(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const firn_id_count counts[] = {{2, 50}, {4, 50}, {9, 50}, {11, 50}};
  /* an int for the long, a float for the double, a date for each timestamp */
  static const uint8_t float_1[] = {0, 0, 0x80, 0x3F}, float_2[] = {0, 0, 0, 0x40};
  const firn_id_bytes lower[] = {
      {2, INT_30}, {4, {float_1, 4}}, {9, FIRN_LITERAL("\001\0\0\0")}, {11, FIRN_LITERAL("\001\0\0\0")}};
  const firn_id_bytes upper[] = {
      {2, INT_79}, {4, {float_2, 4}}, {9, FIRN_LITERAL("\002\0\0\0")}, {11, FIRN_LITERAL("\002\0\0\0")}};
  firn_data_file file = file_with(counts, lower, upper, 4);
  static const struct {
    const char *filter;
    bool reads, surely;
  } cases[] = {
      {"l > 79", false, false},
      {"l >= 79", true, false},
      {"l <= 79", true, true},
      {"l < 30", false, false},
      {"d > 2", false, false},
      {"d >= 1", true, true},
      {"ts > '1970-01-03'", false, false},
      {"ts = '1970-01-02T12:00:00'", true, false},
      {"ns < '1970-01-02'", false, false},
      {"ns >= '1970-01-02'", true, true},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_prune *p = pruner(cases[i].filter, &schema, &unpartitioned, &arena);
    assert_int_equal(firn_prune_file(p, &file), cases[i].reads);
    assert_int_equal(firn_prune_file_surely(p, &file), cases[i].surely);
  }
}

static void bounds_of_any_other_length_are_passed_over(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const char *const filters[] = {"i = 5",
                                        "l = 5",
                                        "f = 5",
                                        "d = 5",
                                        "dec = 5",
                                        "b = true",
                                        "date = 5",
                                        "time = 5",
                                        "ts = 5",
                                        "tstz = 5",
                                        "ns = 5",
                                        "nstz = 5",
                                        "u = '00000000-0000-0000-0000-000000000000'",
                                        "fix = x'000000'"};
  static const uint8_t bytes[20] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
    const firn_prune *p = pruner(filters[i], &schema, &unpartitioned, &arena);
    const firn_expr *e = bound(filters[i], &schema, &arena);
    for (size_t len = 0; len <= sizeof bytes; len++) {
      firn_value ignored;
      firn_bytes in = {bytes, len};
      firn_id_count count = {e->field->id, 50};
      firn_id_bytes bound_bytes = {e->field->id, in};
      firn_data_file file = {.record_count = 50,
                             .value_counts = {true, 1, &count},
                             .lower_bounds = {true, 1, &bound_bytes},
                             .upper_bounds = {true, 1, &bound_bytes}};
      if (!firn_bound_read(in, e->field, &ignored)) {
        assert_true(firn_prune_file(p, &file));
        assert_false(firn_prune_file_surely(p, &file));
      }
    }
  }
}

static void a_file_without_rows_matches_nothing_and_everything(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  firn_data_file file = {.record_count = 0}, unknown = {.record_count = -1};
  const firn_prune *p = pruner("i < 5", &schema, &unpartitioned, &arena);
  assert_false(firn_prune_file(p, &file));
  assert_true(firn_prune_file_surely(p, &file));
  assert_true(firn_prune_file(p, &unknown));
  assert_false(firn_prune_file_surely(p, &unknown));
}

/* Some writers leave nulls out of the number of values, or those of a struct around the column, or count
 * nothing for a column that their file lacks. A row has one value, so what was counted was not rows. */
static void counts_that_are_not_of_all_rows_say_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const firn_id_count fewer[] = {{1, 25}, {4, 25}, {20, 0}}, nulls[] = {{1, 25}, {4, 0}, {20, 0}},
                             nans[] = {{4, 25}};
  firn_data_file file = {.record_count = 50,
                         .value_counts = {true, 3, fewer},
                         .null_counts = {true, 3, nulls},
                         .nan_counts = {true, 1, nans}};
  static const char *const filters[] = {"i is not null", "i = 5",     "i is null",    "d < 5",
                                        "d is not nan",  "d is null", "st.Y is null", "st.Y is not null",
                                        "st.Y = 'a'"};
  for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
    const firn_prune *p = pruner(filters[i], &schema, &unpartitioned, &arena);
    assert_true(firn_prune_file(p, &file));
    assert_false(firn_prune_file_surely(p, &file));
  }
  file.record_count = 25; /* now they are */
  assert_false(firn_prune_file(pruner("i is not null", &schema, &unpartitioned, &arena), &file));
  assert_true(firn_prune_file_surely(pruner("d is nan", &schema, &unpartitioned, &arena), &file));
}

/* Ids in any order, with gaps. */
static void statistics_are_found_wherever_they_stand(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const firn_id_count counts[] = {{9, 50}, {2, 50}, {17, 50}, {1, 50}};
  const firn_id_bytes bounds[] = {{9, FIRN_LITERAL("\0\0\0\0\0\0\0\0")},
                                  {2, FIRN_LITERAL("\005\0\0\0\0\0\0\0")},
                                  {17, FIRN_LITERAL("\006\0\0\0\0\0\0\0")},
                                  {1, INT_30}};
  firn_data_file file = file_with(counts, bounds, bounds, 4);
  assert_true(firn_prune_file(
      pruner("l = 5 and i = 30 and must = 6 and ts = 0", &schema, &unpartitioned, &arena), &file));
  assert_true(firn_prune_file_surely(
      pruner("l = 5 and i = 30 and must = 6 and ts = 0", &schema, &unpartitioned, &arena), &file));
  assert_false(firn_prune_file(pruner("l = 6", &schema, &unpartitioned, &arena), &file));
  assert_false(firn_prune_file(pruner("must = 5", &schema, &unpartitioned, &arena), &file));
  assert_true(firn_prune_file(pruner("date = 5", &schema, &unpartitioned, &arena), &file));
}

/* ---- Tuples and residuals */

static const char orders[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":50,\"name\":\"dateint\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":51,\"name\":\"hour\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":52,\"name\":\"category\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":53,\"name\":\"real\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":54,\"name\":\"ts\",\"required\":false,\"type\":\"timestamp\"},"
    "{\"id\":55,\"name\":\"id\",\"required\":false,\"type\":\"long\"}]}";

static const firn_partition_field order_fields[] = {
    {.source_id = 50, .field_id = 1000, .name = "dateint"},
    {.source_id = 52, .field_id = 1001, .name = "category"},
    {.source_id = 53, .field_id = 1002, .name = "real"},
    {.source_id = 54, .field_id = 1003, .name = "ts_day", .transform = {.kind = FIRN_TRANSFORM_DAY}},
    {.source_id = 55,
     .field_id = 1004,
     .name = "id_bucket",
     .transform = {.kind = FIRN_TRANSFORM_BUCKET, .width = 16}},
};
static const firn_partition_spec order_spec = {.spec_id = 1, .n_fields = 5, .fields = order_fields};

typedef struct order_tuple {
  firn_value values[5];
} order_tuple;

static order_tuple tuple_of(int32_t dateint, const char *category, double real, int32_t day) {
  return (order_tuple){
      {{.kind = FIRN_KIND_INT, .i32 = dateint, .is_null = dateint == 0},
       {.kind = FIRN_KIND_STRING, .bytes = firn_bytes_of(category), .is_null = category == NULL},
       {.kind = FIRN_KIND_DOUBLE, .f64 = real},
       {.kind = FIRN_KIND_DATE, .i32 = day},
       {.kind = FIRN_KIND_INT, .i32 = 7}}};
}

static void check_residual(const char *filter, const order_tuple *tuple, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(orders, &arena);
  const firn_prune *p = pruner(filter, &schema, &order_spec, &arena);
  const firn_expr *residual;
  firn_error err;
  CHECK_OK(firn_prune_residual(p, tuple->values, &arena, &residual, &err));
  check_text(residual, wanted, filter, &arena);
  assert_int_equal(firn_prune_partition(p, tuple->values), residual->op != FIRN_EXPR_FALSE);
}

static void what_the_partition_decides_is_gone(void **state) {
  (void)state;
  static const char days[] =
      "dateint < 20170815 and dateint > 20170801 or dateint = 20170815 and hour < 12 "
      "or dateint = 20170801 and hour > 11";
  order_tuple at_end = tuple_of(20170815, "a", 2, 18231), at_start = tuple_of(20170801, "a", 2, 18231);
  order_tuple inside = tuple_of(20170812, NULL, (double)NAN, 18231),
              outside = tuple_of(20170817, "d", 2, 18234);
  order_tuple null = tuple_of(0, NULL, 2, 18231);
  check_residual(days, &at_end, "hour < 12");
  check_residual(days, &at_start, "hour > 11");
  check_residual(days, &inside, "true");
  check_residual(days, &outside, "false");
  check_residual("dateint in (20170815, 20170816)", &at_end, "true");
  check_residual("dateint in (20170815, 20170816)", &outside, "false");
  check_residual("dateint in (20170815, 20170816)", &null, "false");
  check_residual("dateint not in (20170815, 20170816)", &at_end, "false");
  check_residual("dateint not in (20170815, 20170816)", &null, "true");
  check_residual("category in ('a', 'b')", &at_end, "true");
  check_residual("category in ('a', 'b')", &null, "false");
  check_residual("category not in ('a', 'b')", &null, "true");
  check_residual("category like 'a%' and hour = 1", &at_end, "hour = 1");
  check_residual("real is nan", &inside, "true");
  check_residual("real is nan", &at_end, "false");
  check_residual("real is not nan", &inside, "false");
  check_residual("real > 100", &inside, "true"); /* NaN is greater than every number */
  check_residual("ts in ('2019-12-01', '2019-12-02')", &at_end,
                 "ts in ('2019-12-01T00:00:00.000000', '2019-12-02T00:00:00.000000')");
  check_residual("ts in ('2019-12-01', '2019-12-02')", &outside, "false");
  check_residual("ts not in ('2019-12-01', '2019-12-02')", &at_end,
                 "ts not in ('2019-12-01T00:00:00.000000', '2019-12-02T00:00:00.000000')");
  check_residual("ts not in ('2019-12-01', '2019-12-02')", &outside, "true");
  check_residual("ts >= '2019-12-01'", &outside, "true");
  check_residual("ts >= '2019-12-01T00:00:00.000001' and hour = 3", &at_end,
                 "ts >= '2019-12-01T00:00:00.000001' and hour = 3");
  check_residual("hour = 3", &at_end, "hour = 3");
  check_residual("ts is null", &at_end, "false");
  check_residual("ts is not null or hour = 3", &at_end, "true");
}

static void residuals_without_partitions_are_the_filter(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(orders, &arena);
  static const char *const filters[] = {"true",
                                        "false",
                                        "hour < 5",
                                        "hour >= 16 and id in (1, 2)",
                                        "category is null or category like 'abcd%'",
                                        "real is nan",
                                        "real is not nan"};
  for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
    const firn_expr *e = bound(filters[i], &schema, &arena), *residual;
    const firn_prune *p;
    firn_error err;
    CHECK_OK(firn_prune_new(e, &unpartitioned, &schema, &arena, &p, &err));
    CHECK_OK(firn_prune_residual(p, NULL, &arena, &residual, &err));
    assert_ptr_equal(residual, e);
  }
}

/* Partition and statistics decide together what neither decides alone. */
static void partition_and_statistics_join(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(orders, &arena);
  const firn_prune *p =
      pruner("dateint = 1 and hour > 5 or dateint = 2 and hour < 3", &schema, &order_spec, &arena);
  static const firn_id_count counts[] = {{51, 50}};
  const firn_id_bytes lower[] = {{51, FIRN_LITERAL("\004\0\0\0")}},
                      upper[] = {{51, FIRN_LITERAL("\005\0\0\0")}};
  firn_data_file file = file_with(counts, lower, upper, 1);
  order_tuple first = tuple_of(1, "a", 2, 1), second = tuple_of(2, "a", 2, 1);
  file.partition = first.values;
  assert_false(firn_prune_file(p, &file));
  file.partition = second.values;
  assert_false(firn_prune_file(p, &file));
  p = pruner("dateint = 1 and hour > 5 or dateint = 2 and hour < 5", &schema, &order_spec, &arena);
  assert_true(firn_prune_file(p, &file));
}

/* A tuple of before a promotion, a day that is a plain int, a value of a type that nobody foresaw. */
static void tuples_of_other_kinds_are_understood_or_pass(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(orders, &arena);
  order_tuple t = tuple_of(20170815, "a", 2, 18231);
  t.values[0] = (firn_value){.kind = FIRN_KIND_LONG, .i64 = 20170815};
  t.values[3] = (firn_value){.kind = FIRN_KIND_INT, .i32 = 18231};
  assert_true(firn_prune_partition(pruner("dateint = 20170815", &schema, &order_spec, &arena), t.values));
  assert_false(firn_prune_partition(pruner("dateint = 20170816", &schema, &order_spec, &arena), t.values));
  assert_true(firn_prune_partition(pruner("ts = '2019-12-01'", &schema, &order_spec, &arena), t.values));
  assert_false(firn_prune_partition(pruner("ts = '2019-12-03'", &schema, &order_spec, &arena), t.values));
  t.values[1] = (firn_value){.kind = FIRN_KIND_BOOLEAN, .boolean = true};
  const firn_prune *p = pruner("category = 'x'", &schema, &order_spec, &arena);
  assert_true(firn_prune_partition(p, t.values));
  const firn_expr *residual;
  firn_error err;
  CHECK_OK(firn_prune_residual(p, t.values, &arena, &residual, &err));
  assert_int_equal(residual->op, FIRN_EXPR_EQ);
}

static void buckets_are_compared_by_hash(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(orders, &arena);
  order_tuple t = tuple_of(1, "a", 2, 1);
  firn_value id = {.kind = FIRN_KIND_LONG};
  size_t reads = 0;
  for (id.i64 = 0; id.i64 < 160; id.i64++) {
    const char *filter = firn_arena_printf(&arena, "id = %d", (int)id.i64);
    bool wanted = (firn_bucket_hash(&id) & INT32_MAX) % 16 == 7;
    assert_int_equal(firn_prune_partition(pruner(filter, &schema, &order_spec, &arena), t.values), wanted);
    reads += wanted;
  }
  assert_true(reads > 2 && reads < 30);
}

static firn_status prune_much(void) {
  static const firn_field columns[] = {{.id = 50, .name = "dateint", .kind = FIRN_KIND_INT},
                                       {.id = 54, .name = "ts", .kind = FIRN_KIND_TIMESTAMP}};
  static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                              .name = "",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = 2,
                                              .children = columns}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_expr *e, *residual;
  const firn_prune *p;
  order_tuple t = tuple_of(5, "a", 2, 18231);
  FIRN_TRY(firn_expr_parse(FIRN_LITERAL("(dateint = 5 or ts < 9) and ts in (1, 2)"), &arena, &e, NULL));
  FIRN_TRY(firn_expr_bind(e, &schema, false, &arena, &e, NULL));
  FIRN_TRY(firn_prune_new(e, &order_spec, &schema, &arena, &p, NULL));
  t.values[3].i32 = 0;
  return firn_prune_residual(p, t.values, &arena, &residual, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(prune_much);
}

RUN_TESTS(manifests_by_their_summaries, a_filter_that_is_false_reads_nothing,
          summaries_of_nonsense_say_nothing, bounds_are_read_by_their_length,
          bounds_of_any_other_length_are_passed_over, a_file_without_rows_matches_nothing_and_everything,
          counts_that_are_not_of_all_rows_say_nothing, statistics_are_found_wherever_they_stand,
          what_the_partition_decides_is_gone, residuals_without_partitions_are_the_filter,
          partition_and_statistics_join, tuples_of_other_kinds_are_understood_or_pass,
          buckets_are_compared_by_hash, survives_oom)

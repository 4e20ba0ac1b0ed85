#include "iceberg/types/terms.h"

#include <stdio.h>

#include "base/builder.h"
#include "test.h"

static const firn_field city[] = {{.id = 8, .name = "city", .kind = FIRN_KIND_STRING}};
static const firn_field element[] = {{.id = 9, .name = "element", .kind = FIRN_KIND_STRING}};
static const firn_field columns[] = {
    {.id = 1, .name = "id", .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "name", .kind = FIRN_KIND_STRING},
    {.id = 3, .name = "ts", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 4, .name = "day", .kind = FIRN_KIND_DATE},
    {.id = 5, .name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = city},
    {.id = 6, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = element},
    {.id = 7, .name = "a \"b\".c", .kind = FIRN_KIND_BINARY},
    {.id = 10, .name = "Case", .kind = FIRN_KIND_INT},
    {.id = 11, .name = "case", .kind = FIRN_KIND_INT},
    {.id = 12,
     .name = "gr\xc3\xb6\xc3\x9f"
             "e",
     .kind = FIRN_KIND_INT}};
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = FIRN_COUNT_OF(columns),
                                            .children = columns}};

/* "1000 ts_day 3 day; ..." */
static const char *spec_of(const char *text, firn_arena *arena) {
  firn_error err = {0};
  firn_partition_spec spec;
  CHECK_OK(firn_partition_terms_parse(firn_bytes_of(text), &schema, arena, &spec, &err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < spec.n_fields; i++) {
    char transform[64];
    firn_transform_text(&spec.fields[i].transform, transform);
    firn_builder_addf(&b, "%s%d %s %d %s", i == 0 ? "" : "; ", spec.fields[i].field_id, spec.fields[i].name,
                      spec.fields[i].source_id, transform);
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

static const char *order_of(const char *text, firn_arena *arena) {
  firn_error err = {0};
  firn_sort_order order;
  CHECK_OK(firn_sort_terms_parse(firn_bytes_of(text), &schema, arena, &order, &err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_addf(&b, "%d:", order.order_id);
  for (size_t i = 0; i < order.n_fields; i++) {
    char transform[64];
    firn_transform_text(&order.fields[i].transform, transform);
    firn_builder_addf(&b, " %d %s %s %s", order.fields[i].source_id, transform,
                      order.fields[i].descending ? "desc" : "asc",
                      order.fields[i].nulls_last ? "last" : "first");
  }
  return firn_arena_text(arena, firn_builder_bytes(&b));
}

static void names_and_numbers_are_the_references(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const cases[][2] = {
      {"", ""},
      {" \n\t ", ""},
      {"day(ts), bucket(16, id), truncate(name, 4), name",
       "1000 ts_day 3 day; 1001 id_bucket 1 bucket[16]; 1002 name_trunc 2 truncate[4]; 1003 name 2 identity"},
      {"days(ts)", "1000 ts_day 3 day"},
      {"DATE ( ts )", "1000 ts_day 3 day"},
      {"Hours(ts)", "1000 ts_hour 3 hour"},
      {"date_hour(ts)", "1000 ts_hour 3 hour"},
      {"months(day),year(ts)", "1000 day_month 4 month; 1001 ts_year 3 year"},
      {"bucket[16](id)", "1000 id_bucket 1 bucket[16]"},
      {"bucket(id, 16)", "1000 id_bucket 1 bucket[16]"},
      {"trunc(2147483647, name)", "1000 name_trunc 2 truncate[2147483647]"},
      {"day", "1000 day 4 identity"}, /* a column may be called as a transform is */
      {"identity(day)", "1000 day 4 identity"},
      {"void(id)", "1000 id_null 1 void"},
      {"place.city", "1000 place.city 8 identity"},
      {"bucket(4, `place`.\"city\") as c", "1000 c 8 bucket[4]"},
      {"\"a \"\"b\"\".c\"", "1000 a \"b\".c 7 identity"},
      {"`a \"b\"`.c", "1000 a \"b\".c 7 identity"}, /* a name with a dot, cut there */
      {"bucket(8, id) AS \"Some, name\"", "1000 Some, name 1 bucket[8]"},
      {"DAY(TS)", "1000 ts_day 3 day"},
      {"Place.City", "1000 place.city 8 identity"},
      {"Case", "1000 Case 10 identity"},
      {"gr\xc3\xb6\xc3\x9f"
       "e",
       "1000 gr\xc3\xb6\xc3\x9f"
       "e 12 identity"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    assert_string_equal(spec_of(cases[i][0], &arena), cases[i][1]);
  }
}

static void a_changed_spec_names_the_width(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  const firn_term *terms;
  size_t n;
  CHECK_OK(firn_partition_terms_read(FIRN_LITERAL("bucket(16,id), truncate(name,4), day(ts), name as x"),
                                     &schema, &arena, &terms, &n, &err));
  assert_int_equal(n, 4);
  assert_string_equal(firn_term_name(&terms[0], true, &arena), "id_bucket_16");
  assert_string_equal(firn_term_name(&terms[0], false, &arena), "id_bucket");
  assert_string_equal(firn_term_name(&terms[1], true, &arena), "name_trunc_4");
  assert_string_equal(firn_term_name(&terms[2], true, &arena), "ts_day");
  assert_string_equal(firn_term_name(&terms[3], true, &arena), "name");
  assert_null(terms[0].name);
  assert_string_equal(terms[3].name, "x");
}

static void sorts_nulls_where_the_reference_does(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const cases[][2] = {
      {"", "0:"},
      {"id", "1: 1 identity asc first"},
      {"id asc", "1: 1 identity asc first"},
      {"id DESC", "1: 1 identity desc last"},
      {"ts desc nulls last, bucket(16, id)", "1: 3 identity desc last 1 bucket[16] asc first"},
      {"id Desc Nulls First,day(ts) nulls last", "1: 1 identity desc first 3 day asc last"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    assert_string_equal(order_of(cases[i][0], &arena), cases[i][1]);
  }
}

static void says_what_is_wrong(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const struct {
    const char *text;
    firn_status status;
    const char *says;
  } cases[] = {
      {"tss", FIRN_NOT_FOUND, "there is no column tss; is ts meant?"},
      {"\"TS\"", FIRN_NOT_FOUND, "no column TS"},
      {"CASE", FIRN_NOT_FOUND, "no column CASE"}, /* it could be either */
      {"day(ts", FIRN_INVALID, "ends where \")\" should be"},
      {"day(ts))", FIRN_INVALID, "\")\" stands where \",\" should be"},
      {"day(ts),", FIRN_INVALID, "ends where a column or a transform should be"},
      {",", FIRN_INVALID, "\",\" stands where a column"},
      {"day(ts) as", FIRN_INVALID, "ends where a name should be"},
      {"day(ts) as \"\"", FIRN_INVALID, "is empty"},
      {"day(ts) day(day)", FIRN_INVALID, "stands where \",\""},
      {"hilbert(4, id)", FIRN_INVALID, "no transform hilbert"},
      {"bucket(id)", FIRN_INVALID, "needs a number, as in bucket(16, id)"},
      {"bucket(0, id)", FIRN_INVALID, "no number from 1"},
      {"bucket(2147483648, id)", FIRN_INVALID, "no number from 1"},
      {"bucket(99999999999999999999999, id)", FIRN_INVALID, "no number from 1"},
      {"bucket(1x, id)", FIRN_INVALID, "no number from 1"},
      {"bucket(-1, id)", FIRN_INVALID, "\"-\" stands where a column"},
      {"bucket(4, 4, id)", FIRN_INVALID, "bucket[4] takes no second number"},
      {"bucket[4](4, id)", FIRN_INVALID, "bucket[4] takes no second number"},
      {"bucket(4)", FIRN_INVALID, "bucket names no column"},
      {"bucket()", FIRN_INVALID, "stands where a column"},
      {"bucket(4, id, ts)", FIRN_INVALID, "one column"},
      {"day(4, ts)", FIRN_INVALID, "day takes no number"},
      {"day(id)", FIRN_INVALID, "day takes no long"},
      {"hour(day)", FIRN_INVALID, "hour takes no date"},
      {"place", FIRN_INVALID, "identity takes no struct"},
      {"tags.element", FIRN_INVALID, "no column outside of lists and maps"},
      {"place.", FIRN_INVALID, "ends where a part of a name"},
      {"\"id", FIRN_INVALID, "a quoted name has no end"},
      {"id, id", FIRN_INVALID, "redundant"},
      {"day(ts), hour(ts)", FIRN_INVALID, "day and hour of ts are redundant"},
      {"bucket(4, id), bucket(8, id)", FIRN_INVALID, "id_bucket: two fields have this name"},
      {"bucket(4, id) as name", FIRN_INVALID, "a column has its name"},
      {"a\xff", FIRN_INVALID, "not UTF-8"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_error err = {0};
    firn_partition_spec spec;
    CHECK_STATUS(firn_partition_terms_parse(firn_bytes_of(cases[i].text), &schema, &arena, &spec, &err),
                 cases[i].status);
    CHECK_SAYS(cases[i].says);
  }
  firn_error err = {0};
  firn_sort_order order;
  CHECK_STATUS(firn_sort_terms_parse(FIRN_LITERAL("id nulls"), &schema, &arena, &order, &err), FIRN_INVALID);
  CHECK_SAYS("ends where \"first\" or \"last\" should be");
  CHECK_STATUS(firn_sort_terms_parse(FIRN_LITERAL("id desc asc"), &schema, &arena, &order, &err),
               FIRN_INVALID);
  CHECK_STATUS(
      firn_sort_terms_parse((firn_bytes){(const uint8_t *)"id\0x", 4}, &schema, &arena, &order, &err),
      FIRN_INVALID);
}

static void too_many_terms_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (int i = 0; i <= FIRN_TERMS_MAX; i++) {
    firn_builder_addf(&b, "%sid", i == 0 ? "" : ",");
  }
  firn_error err = {0};
  firn_sort_order order;
  CHECK_STATUS(firn_sort_terms_parse(firn_builder_bytes(&b), &schema, &arena, &order, &err), FIRN_LIMIT);
}

/* Whatever stands there: an answer or one sentence, never a crash. */
static void survives_any_text(void **state) {
  (void)state;
  static const char text[] =
      "day(ts) as \"d\", bucket[16](id), truncate(`name`, 4), place.city desc nulls last";
  static const char signs[] = "\"`().,[]0 9asd\x80\xc3";
  for (size_t i = 0; i < sizeof text; i++) {
    for (size_t k = 0; k < sizeof signs; k++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      char changed[sizeof text];
      memcpy(changed, text, sizeof text);
      changed[i] = signs[k];
      firn_bytes given = {(const uint8_t *)changed, k == 0 ? i : sizeof text - 1};
      firn_partition_spec spec;
      firn_sort_order order;
      FIRN_IGNORE(firn_partition_terms_parse(given, &schema, &arena, &spec, NULL)); /* any answer is fine */
      FIRN_IGNORE(firn_sort_terms_parse(given, &schema, &arena, &order, NULL));
    }
  }
}

static firn_status parse_both(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec;
  firn_sort_order order;
  FIRN_TRY(firn_partition_terms_parse(FIRN_LITERAL("day(ts), bucket(16, id), \"name\" as n, place.city"),
                                      &schema, &arena, &spec, NULL));
  return firn_sort_terms_parse(FIRN_LITERAL("ts desc, bucket(16, id)"), &schema, &arena, &order, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(parse_both);
}

RUN_TESTS(names_and_numbers_are_the_references, a_changed_spec_names_the_width,
          sorts_nulls_where_the_reference_does, says_what_is_wrong, too_many_terms_are_refused,
          survives_any_text, survives_oom)

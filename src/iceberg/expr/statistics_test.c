/* What statistics of a column prove of a filter. The numbers are those of the reference's published cases (an
 * int column from 30 to 79, texts that are all null, partly null, NaN in each measure), and the traps that
 * other implementations fell into. */
#include "filters.h"
#include "iceberg/expr/literal_internal.h"
#include "iceberg/expr/prune.h"

typedef struct column_stats {
  int64_t n_values, n_nulls, n_nans;
  const char *lower, *upper; /* NULL: none */
} column_stats;

typedef struct statistics_case {
  const char *filter;
  bool may, must;
} statistics_case;

typedef struct known {
  const firn_field *field;
  firn_column_stats stats;
} known;

static bool stats_of(void *arg, int32_t field_id, firn_column_stats *out) {
  const known *k = arg;
  if (field_id != k->field->id) {
    return false;
  }
  *out = k->stats;
  return true;
}

static bool bound_of(const char *text, const firn_field *field, firn_arena *arena, firn_value *out) {
  firn_fit fit;
  if (text == NULL) {
    return false;
  }
  firn_literal literal = firn_literal_text(text);
  assert_int_equal(firn_literal_convert(&literal, field, arena, out, &fit, NULL), FIRN_OK);
  assert_int_equal(fit, FIRN_FIT_EXACT);
  return true;
}

static void check_statistics(const char *column, const column_stats *given, const statistics_case *cases,
                             size_t n) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  known k = {.field = firn_schema_find(&schema, column)};
  k.stats = (firn_column_stats){
      .type = k.field, .n_values = given->n_values, .n_nulls = given->n_nulls, .n_nans = given->n_nans};
  k.stats.has_lower = bound_of(given->lower, k.field, &arena, &k.stats.lower);
  k.stats.has_upper = bound_of(given->upper, k.field, &arena, &k.stats.upper);
  for (size_t i = 0; i < n; i++) {
    const firn_expr *e = bound(cases[i].filter, &schema, &arena);
    bool may = firn_expr_may_match(e, stats_of, &k), must = firn_expr_must_match(e, stats_of, &k);
    if (may != cases[i].may || must != cases[i].must) {
      fail_msg("%s: may match: %d, must: %d", cases[i].filter, may, must);
    }
    assert_true(may || !must);
  }
}

#define CHECK_STATISTICS(column, ...)                                            \
  do {                                                                           \
    static const statistics_case cases[] = {__VA_ARGS__};                        \
    check_statistics((column), &given, cases, sizeof(cases) / sizeof(cases[0])); \
  } while (0)

static void numbers_between_their_bounds(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "30", "79"};
  CHECK_STATISTICS(
      "i", {"i < 5", false, false}, {"i < 30", false, false}, {"i < 31", true, false},
      {"i < 79", true, false}, {"i < 80", true, true}, {"i <= 5", false, false}, {"i <= 29", false, false},
      {"i <= 30", true, false}, {"i <= 79", true, true}, {"i <= 80", true, true}, {"i > 85", false, false},
      {"i > 79", false, false}, {"i > 78", true, false}, {"i > 30", true, false}, {"i > 29", true, true},
      {"i >= 85", false, false}, {"i >= 80", false, false}, {"i >= 79", true, false},
      {"i >= 31", true, false}, {"i >= 30", true, true}, {"i = 5", false, false}, {"i = 29", false, false},
      {"i = 30", true, false}, {"i = 75", true, false}, {"i = 79", true, false}, {"i = 80", false, false},
      {"i != 5", true, true}, {"i != 29", true, true}, {"i != 30", true, false}, {"i != 75", true, false},
      {"i != 79", true, false}, {"i != 80", true, true}, {"i in (5, 6)", false, false},
      {"i in (28, 29)", false, false}, {"i in (29, 30)", true, false}, {"i in (75, 76)", true, false},
      {"i in (79, 80)", true, false}, {"i in (80, 81)", false, false}, {"i in (5, 85)", false, false},
      {"i in (1, 2, 3, 29, 80, 81)", false, false}, {"i not in (5, 6)", true, true},
      {"i not in (29, 30)", true, false}, {"i not in (75, 76)", true, false},
      {"i not in (80, 81)", true, true}, {"i not in (5, 85)", true, true}, {"i is null", false, false},
      {"i is not null", true, true}, {"not i < 5", true, true}, {"not i > 5", false, false},
      {"i < 5 and i > 0", false, false}, {"i > 5 and i <= 30", true, false},
      {"i < 5 or i >= 80", false, false}, {"i < 5 or i >= 60", true, false}, {"i < 5 or i >= 30", true, true},
      {"l = 1", true, false}, {"l = 1 and i = 5", false, false}, {"l = 1 or i >= 30", true, true},
      {"true", true, true}, {"false", false, false});
}

static void one_value_is_known(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "5", "5"};
  CHECK_STATISTICS("i", {"i = 5", true, true}, {"i != 5", false, false}, {"i in (5, 6)", true, true},
                   {"i not in (5, 6)", false, false}, {"i not in (6, 7)", true, true},
                   {"i = 6", false, false}, {"i <= 5", true, true}, {"i < 5", false, false});
}

static void one_value_and_nulls(void **state) {
  (void)state;
  static const column_stats given = {50, 10, -1, "5", "5"};
  CHECK_STATISTICS("i", {"i = 5", true, false}, {"i != 5", true, false}, {"i in (5, 6)", true, false},
                   {"i not in (5, 6)", true, false}, {"i != 6", true, true}, {"i not in (6, 7)", true, true},
                   {"i <= 5", true, false}, {"i > 5", false, false});
}

static void all_are_null(void **state) {
  (void)state;
  static const column_stats given = {50, 50, -1, NULL, NULL};
  CHECK_STATISTICS("s", {"s is null", true, true}, {"s is not null", false, false}, {"s < 'a'", false, false},
                   {"s >= 'a'", false, false}, {"s = 'a'", false, false}, {"s != 'a'", true, true},
                   {"s in ('a', 'b')", false, false}, {"s not in ('a', 'b')", true, true},
                   {"s like 'a%'", false, false}, {"s not like 'a%'", true, true});
}

static void some_are_null(void **state) {
  (void)state;
  static const column_stats given = {50, 10, -1, "bbb", "eee"};
  CHECK_STATISTICS("s", {"s is null", true, false}, {"s is not null", true, false},
                   {"s < 'ggg'", true, false}, {"s <= 'eee'", true, false}, {"s > 'aaa'", true, false},
                   {"s >= 'bbb'", true, false}, {"s < 'bbb'", false, false}, {"s > 'eee'", false, false},
                   {"s = 'bbb'", true, false},
                   /* some null is no proof that none is equal */
                   {"s != 'ccc'", true, false}, {"s not in ('ccc', 'zzz')", true, false},
                   {"s != 'zzz'", true, true}, {"s not in ('a', 'zzz')", true, true},
                   {"s not like 'zzz%'", true, true}, {"s not like 'c%'", true, false});
}

static void nothing_is_known(void **state) {
  (void)state;
  static const column_stats given = {-1, -1, -1, NULL, NULL};
  CHECK_STATISTICS("d", {"d < 5", true, false}, {"d <= 30", true, false}, {"d = 70", true, false},
                   {"d > 78", true, false}, {"d >= 90", true, false}, {"d != 101", true, false},
                   {"d is null", true, false}, {"d is not null", true, false}, {"d is nan", true, false},
                   {"d is not nan", true, false}, {"d in (1, 2)", true, false},
                   {"d not in (1, 2)", true, false});
}

static void all_are_nan(void **state) {
  (void)state;
  static const column_stats given = {50, 0, 50, NULL, NULL};
  CHECK_STATISTICS("d", {"d is nan", true, true}, {"d is not nan", false, false}, {"d < 1", false, false},
                   {"d <= 1", false, false}, {"d = 1", false, false}, {"d in (1, 2)", false, false},
                   {"d != 1", true, true}, {"d not in (1, 2)", true, true},
                   /* NaN is greater than every number */
                   {"d > 1", true, false}, {"d >= 1", true, false});
}

static void some_are_nan(void **state) {
  (void)state;
  static const column_stats given = {50, 0, 10, "1", "5"};
  CHECK_STATISTICS("f", {"f is nan", true, false}, {"f is not nan", true, false}, {"f > 7", true, false},
                   {"f >= 7", true, false}, {"f < 1", false, false}, {"f < 7", true, false},
                   {"f = 7", false, false}, {"f != 7", true, true}, {"f != 3", true, false},
                   {"f not in (3, 7)", true, false}, {"f >= 1", true, false});
}

static void none_is_nan(void **state) {
  (void)state;
  static const column_stats given = {50, 0, 0, "1", "5"};
  CHECK_STATISTICS("f", {"f is nan", false, false}, {"f is not nan", true, true}, {"f > 5", false, false},
                   {"f >= 7", false, false}, {"f < 7", true, true}, {"f >= 1", true, true},
                   {"f > 0.5", true, true});
}

/* Early writers counted no NaN; their bounds say nothing of it. */
static void nobody_counted_nan(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "1", "5"};
  CHECK_STATISTICS("d", {"d is nan", true, false}, {"d is not nan", true, false}, {"d > 7", true, false},
                   {"d < 1", false, false}, {"d < 7", true, false}, {"d = 7", false, false},
                   {"d = 3", true, false});
}

static void nan_as_a_bound_is_none(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "NaN", "NaN"};
  CHECK_STATISTICS("d", {"d is nan", true, false}, {"d is not nan", true, false}, {"d < 1", true, false},
                   {"d > 1", true, false}, {"d = 1", true, false}, {"d != 1", true, false},
                   {"d not in (1, 2)", true, false}, {"d is not null", true, true});
}

static void nothing_but_null_and_nan(void **state) {
  (void)state;
  static const column_stats given = {50, 20, 30, NULL, NULL};
  CHECK_STATISTICS("d", {"d < 1", false, false}, {"d = 1", false, false}, {"d > 1", true, false},
                   {"d != 1", true, true}, {"d not in (1, 2)", true, true}, {"d is nan", true, false},
                   {"d is null", true, false}, {"d is not nan", true, false});
}

/* Both orders of zeros were written as bounds; to a filter they are one. */
static void the_zeros_are_equal(void **state) {
  (void)state;
  static const column_stats given = {50, 0, 0, "0.0", "0.0"};
  CHECK_STATISTICS("d", {"d = -0.0e0", true, true}, {"d < 0.0e0", false, false}, {"d >= 0.0e0", true, true},
                   {"d <= -0.0e0", true, true}, {"d != -0.0e0", false, false},
                   {"d in (-0.0e0, 1)", true, true});
}

static void counts_that_cannot_be_are_not_believed(void **state) {
  (void)state;
  static const column_stats given = {50, 60, 0, "1", "5"};
  CHECK_STATISTICS("d", {"d is null", true, false}, {"d is not null", true, false}, {"d < 1", false, false},
                   {"d != 7", true, true}, {"d is nan", true, false});
}

static void bounds_the_wrong_way_round_bound_nothing(void **state) {
  (void)state;
  static const column_stats given = {50, 0, 0, "9", "1"};
  CHECK_STATISTICS("d", {"d < 1", true, false}, {"d > 9", true, false}, {"d = 5", true, false},
                   {"d != 20", true, false});
}

static void prefixes_of_texts(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "aa", "dC"};
  CHECK_STATISTICS("s", {"s like 'a%'", true, false}, {"s like 'aa%'", true, false},
                   {"s like 'aaa%'", true, false}, {"s like 'A%'", false, false},
                   {"s like '1%'", false, false}, {"s like 'd%'", true, false}, {"s like 'dC%'", true, false},
                   {"s like 'dCx%'", false, false}, {"s like 'dWx%'", false, false},
                   {"s like 'z%'", false, false}, {"s not like 'a%'", true, false},
                   {"s not like 'z%'", true, true}, {"s not like '1%'", true, true});
}

static void one_prefix_is_known(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "abc", "abd"};
  CHECK_STATISTICS("s", {"s like 'ab%'", true, true}, {"s like 'a%'", true, true},
                   {"s like 'abc%'", true, false}, {"s like 'abcdef%'", true, false},
                   {"s not like 'ab%'", false, false}, {"s not like 'abc%'", true, false},
                   {"s not like 'aaaa%'", true, true}, {"s like 'zzz%'", false, false},
                   {"s like '%'", true, true});
}

/* Order is that of code points, which is that of UTF-8 bytes and not of UTF-16. */
static void texts_beyond_ascii(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "\357\274\201", "\360\237\230\200"}; /* U+FF01, U+1F600 */
  CHECK_STATISTICS("s", {"s = '\360\237\222\251'", true, false}, {"s < '\357\274\201'", false, false},
                   {"s > 'z'", true, true}, {"s like '\360\237\230\200%'", true, false});
}

static void decimals_dates_and_times(void **state) {
  (void)state;
  {
    static const column_stats given = {50, 0, -1, "1.50", "9.99"};
    CHECK_STATISTICS("dec", {"dec < 1.5", false, false}, {"dec <= 1.505", true, false},
                     {"dec < 10", true, true}, {"dec = 2", true, false}, {"dec > 9.985", true, false},
                     {"dec > 9.99", false, false});
  }
  {
    static const column_stats given = {50, 0, -1, "2024-01-01", "2024-01-31"};
    CHECK_STATISTICS("date", {"date >= '2024-02-01'", false, false}, {"date = '2024-01-31'", true, false},
                     {"date between '2024-01-01' and '2024-01-31'", true, true});
  }
  {
    static const column_stats given = {50, 0, -1, "2024-01-01", "2024-01-02T12:00:00"};
    CHECK_STATISTICS("tstz", {"tstz > '2024-01-02T12:00:00Z'", false, false},
                     {"tstz < '2024-01-02T12:00:00.0000001Z'", true, true});
    CHECK_STATISTICS("ts", {"day(ts) = '2024-01-03'", false, false}, {"day(ts) = '2024-01-02'", true, false},
                     {"day(ts) >= '2024-01-01'", true, true}, {"month(ts) = 648", true, true},
                     {"year(ts) = 53", false, false}, {"hour(ts) < 473352", false, false},
                     {"day(ts) is null", false, false}, {"day(ts) != '2024-01-03'", true, true});
  }
  {
    static const column_stats given = {50, 0, -1, "false", "false"};
    CHECK_STATISTICS("b", {"b = true", false, false}, {"b = false", true, true}, {"b != true", true, true});
  }
}

static void transformed_terms(void **state) {
  (void)state;
  {
    static const column_stats given = {50, 0, -1, "33", "47"};
    CHECK_STATISTICS("i", {"truncate[10](i) = 30", true, false}, {"truncate[10](i) = 20", false, false},
                     {"truncate[10](i) in (30, 40)", true, false}, {"truncate[10](i) < 50", true, true},
                     {"truncate[100](i) = 0", true, true},
                     /* buckets have no order */
                     {"bucket[4](i) = 1", true, false}, {"bucket[4](i) is null", false, false});
  }
  {
    static const column_stats given = {50, 0, -1, "abc", "abz"};
    CHECK_STATISTICS("s", {"truncate[2](s) = 'ab'", true, true}, {"truncate[2](s) = 'ac'", false, false},
                     {"truncate[2](s) != 'ab'", false, false}, {"truncate[2](s) like 'a%'", true, true});
  }
}

/* Some writers ordered UUIDs as two signed numbers; a bound is believed only where both orders agree. */
static void the_order_of_uuids_is_disputed(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "10000000-0000-0000-0000-000000000000",
                                     "20000000-0000-0000-0000-000000000000"};
  CHECK_STATISTICS(
      "u", {"u = '18000000-0000-0000-0000-000000000000'", true, false},
      {"u = '30000000-0000-0000-0000-000000000000'", false, false},
      {"u = '00000000-0000-0000-0000-000000000001'", false, false},
      {"u = 'f0000000-0000-0000-0000-000000000000'", false, false},
      {"u in ('30000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000')", false, false},
      {"u < '10000000-0000-0000-0000-000000000000'", true, false},
      {"u > '20000000-0000-0000-0000-000000000000'", true, false},
      {"u != '30000000-0000-0000-0000-000000000000'", true, true});
}

static void signed_bounds_of_uuids_lose_nothing(void **state) {
  (void)state;
  static const column_stats given = {50, 0, -1, "f0000000-0000-0000-0000-000000000000",
                                     "10000000-0000-0000-0000-000000000000"};
  CHECK_STATISTICS("u", {"u = 'f8000000-0000-0000-0000-000000000000'", true, false},
                   {"u = '08000000-0000-0000-0000-000000000000'", true, false},
                   {"u = '18000000-0000-0000-0000-000000000000'", false, false},
                   {"u != 'f8000000-0000-0000-0000-000000000000'", true, false});
}

static void a_required_column_has_no_nulls(void **state) {
  (void)state;
  static const column_stats given = {-1, -1, -1, "30", "79"};
  CHECK_STATISTICS("must", {"must < 80", true, true}, {"must >= 30", true, true}, {"must = 5", false, false});
  CHECK_STATISTICS("st.x", {"st.x < 80", true, false}); /* the struct around it may be null */
  CHECK_STATISTICS("strict.x", {"strict.x < 80", true, true});
}

/* A file of before a promotion has bounds of the type before. */
static void bounds_of_a_narrower_type_are_widened(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const struct {
    const char *from, *to, *lower, *upper, *filter;
    bool may;
  } cases[] = {
      {"i", "l", "30", "79", "l > 79", false},
      {"i", "l", "30", "79", "l > 78", true},
      {"f", "d", "1.5", "2.5", "d < 1.5", false},
      {"date", "ts", "2024-01-01", "2024-01-02", "ts < '2024-01-01'", false},
      {"date", "ts", "2024-01-01", "2024-01-02", "ts = '2024-01-01T12:00:00'", true},
      {"date", "ns", "2024-01-01", "2024-01-02", "ns > '2024-01-03'", false},
      {"l", "i", "30", "79", "i > 79", false},        /* what fits is what it is */
      {"l", "i", "30", "7900000000", "i > 79", true}, /* what does not says nothing */
      {"s", "i", "30", "79", "i > 79", true},
      {"wide", "dec", "1.50", "2.50", "dec > 3", true}, /* another scale: numbers that mean something else */
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_field *from = firn_schema_find(&schema, cases[i].from);
    known k = {.field = firn_schema_find(&schema, cases[i].to)};
    k.stats = (firn_column_stats){.type = from, .n_values = 50, .n_nulls = 0, .n_nans = 0};
    k.stats.has_lower = bound_of(cases[i].lower, from, &arena, &k.stats.lower);
    k.stats.has_upper = bound_of(cases[i].upper, from, &arena, &k.stats.upper);
    assert_int_equal(firn_expr_may_match(bound(cases[i].filter, &schema, &arena), stats_of, &k),
                     cases[i].may);
  }
}

static void a_bound_cut_within_a_character_still_bounds(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  known k = {.field = firn_schema_find(&schema, "s")};
  k.stats = (firn_column_stats){.type = k.field,
                                .n_values = 50,
                                .n_nulls = 0,
                                .n_nans = -1,
                                .has_lower = true,
                                .has_upper = true,
                                .lower = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("caf\303")},
                                .upper = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("caf\304")}};
  static const statistics_case cases[] = {{"s = 'caf\303\251'", true, false},
                                          {"s = 'cafe'", false, false},
                                          {"s = 'caz'", false, false},
                                          {"s like 'caf%'", true, true},
                                          {"truncate[4](s) = 'caf\303\251'", true, false}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_expr *e = bound(cases[i].filter, &schema, &arena);
    assert_int_equal(firn_expr_may_match(e, stats_of, &k), cases[i].may);
    assert_int_equal(firn_expr_must_match(e, stats_of, &k), cases[i].must);
  }
}

static void what_is_not_bound_concludes_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  known k = {.field = firn_schema_find(&schema, "i")};
  const firn_expr *e = parsed("i = 1 and not i = 2", &arena);
  assert_true(firn_expr_may_match(e, stats_of, &k));
  assert_false(firn_expr_must_match(e, stats_of, &k));
}

RUN_TESTS(numbers_between_their_bounds, one_value_is_known, one_value_and_nulls, all_are_null, some_are_null,
          nothing_is_known, all_are_nan, some_are_nan, none_is_nan, nobody_counted_nan,
          nan_as_a_bound_is_none, nothing_but_null_and_nan, the_zeros_are_equal,
          counts_that_cannot_be_are_not_believed, bounds_the_wrong_way_round_bound_nothing, prefixes_of_texts,
          one_prefix_is_known, texts_beyond_ascii, decimals_dates_and_times, transformed_terms,
          the_order_of_uuids_is_disputed, signed_bounds_of_uuids_lose_nothing, a_required_column_has_no_nulls,
          bounds_of_a_narrower_type_are_widened, a_bound_cut_within_a_character_still_bounds,
          what_is_not_bound_concludes_nothing)

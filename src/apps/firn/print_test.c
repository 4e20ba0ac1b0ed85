#include "apps/firn/print.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

static const char *const heads[] = {"name", ">n"};

/* What the printer says about its rows; freed by the caller. */
static char *printed(const firn_table_printer *p) {
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  firn_table_printer_print(p, to);
  assert_int_equal(fclose(to), 0);
  return text;
}

static void columns_fit_their_cells(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(&arena, heads);
  CHECK_OK(firn_table_printer_add(&p, (const char *[]){"\xC5\xBC\xC3\xB3\xC5\x82w", "1,000"}, &err));
  CHECK_OK(firn_table_printer_add(&p, (const char *[]){NULL, "7"}, &err));
  char *text = printed(&p);
  assert_string_equal(text, "name      n\n\xC5\xBC\xC3\xB3\xC5\x82w  1,000\n-         7\n");
  free(text);
}

/* Widths were once measured again for each row: the files of a large table took minutes to show. */
static void many_rows_are_measured_once(void **state) {
  (void)state;
  enum { ROWS = 100000, LINE = sizeof "name  n" };
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(&arena, heads);
  for (size_t i = 0; i < ROWS; i++) {
    CHECK_OK(firn_table_printer_add(&p, (const char *[]){"ab", "1"}, &err));
  }
  char *text = printed(&p);
  assert_int_equal(strlen(text), (ROWS + 1) * LINE);
  free(text);
}

static void counts_and_sizes_are_for_people(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(firn_print_count(0, &arena), "0");
  assert_string_equal(firn_print_count(-1234567, &arena), "-1,234,567");
  assert_string_equal(firn_print_count(INT64_MIN, &arena), "-9,223,372,036,854,775,808");
  assert_string_equal(firn_print_size(999, &arena), "999 bytes");
  assert_string_equal(firn_print_size(999950, &arena), "1.0 MB");
  assert_string_equal(firn_print_time_ms(-1, &arena), "1969-12-31T23:59:59.999Z");
}

/* A file of no records: what was never filled has no address to give to fwrite. */
static void nothing_is_printed_of_nothing(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER empty = FIRN_BUILDER_INIT(0);
  char *text = NULL;
  size_t len = 0;
  FILE *to = open_memstream(&text, &len);
  assert_non_null(to);
  CHECK_OK(firn_print_builder(&empty, to, &err));
  assert_int_equal(fclose(to), 0);
  assert_int_equal(len, 0);
  free(text);
}

RUN_TESTS(columns_fit_their_cells, many_rows_are_measured_once, counts_and_sizes_are_for_people,
          nothing_is_printed_of_nothing)

#include "rows/csv.h"

#include "base/builder.h"
#include "test_rows.h"

static const firn_csv_options defaults = {0};
static const test_rows_how plainly = {.csv = &defaults};

static void infers_types_of_columns(void **state) {
  (void)state;
  CHECK_ROWS(
      "i,d,s,b,t,empty\n1,1.5,007,true,2024-01-01T00:00:00Z,\n-2,3,x,FALSE,2024-01-01T01:00:00+01:00,\n",
      &plainly,
      "struct<i long, d double, s string, b boolean, t timestamptz, empty string>\n"
      "{\"i\":1,\"d\":1.5,\"s\":\"007\",\"b\":true,\"t\":\"2024-01-01T00:00:00.000000+00:00\",\"empty\":null}"
      "\n"
      "{\"i\":-2,\"d\":3.0,\"s\":\"x\",\"b\":false,\"t\":\"2024-01-01T00:00:00.000000+00:00\",\"empty\":null}"
      "\n");
}

/* RFC 4180, section 2, and what people write besides. */
static void reads_quotes_and_line_ends(void **state) {
  (void)state;
  CHECK_ROWS("a,b\r\n\"x,\"\"y\"\"\",\"two\r\nlines\"\r\n\"\",\r\n", &plainly,
             "struct<a string, b "
             "string>\n{\"a\":\"x,\\\"y\\\"\",\"b\":\"two\\r\\nlines\"}\n{\"a\":\"\",\"b\":null}\n");
  CHECK_ROWS("a,b\nx,y", &plainly, "struct<a string, b string>\n{\"a\":\"x\",\"b\":\"y\"}\n");
  CHECK_ROWS("a,b\rx,y\r", &plainly, "struct<a string, b string>\n{\"a\":\"x\",\"b\":\"y\"}\n");
  CHECK_ROWS("\xEF\xBB\xBF\"a\",b\n\n1,2\n\n\n3,4\n", &plainly,
             "struct<a long, b long>\n{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n");
  CHECK_ROWS("a,b\nx\"y,5\" z\n", &plainly,
             "struct<a string, b string>\n{\"a\":\"x\\\"y\",\"b\":\"5\\\" z\"}\n");
  CHECK_ROWS("only\n1\n\n\"\"\n2\n", &plainly,
             "struct<only long>\n{\"only\":1}\n{\"only\":null}\n{\"only\":null}\n{\"only\":2}\n");
  CHECK_ROWS("a,b\n", &plainly, "struct<a string, b string>\n");
  CHECK_ROWS("a,b", &plainly, "struct<a string, b string>\n");
  CHECK_ROWS("a,\n1,2\n", &plainly, "struct<a long, column_2 long>\n{\"a\":1,\"column_2\":2}\n");
}

static void finds_the_delimiter(void **state) {
  (void)state;
  static const firn_csv_options semicolon = {.delimiter = ';'}, headless = {.no_header = true};
  test_rows_how said = {.csv = &semicolon}, bare = {.csv = &headless};
  CHECK_ROWS("a;b\n1,5;2\n", &plainly, "struct<a string, b long>\n{\"a\":\"1,5\",\"b\":2}\n");
  CHECK_ROWS("a\tb,c\td\n1\t2\t3\n", &plainly,
             "struct<a long, b,c long, d long>\n{\"a\":1,\"b,c\":2,\"d\":3}\n");
  CHECK_ROWS("\"a|b\",c\n1,2\n", &plainly, "struct<a|b long, c long>\n{\"a|b\":1,\"c\":2}\n");
  CHECK_ROWS("a,b\n1,2\n", &said, "struct<a,b string>\n{\"a,b\":\"1,2\"}\n");
  CHECK_ROWS("1,x\n2,y\n", &bare,
             "struct<column_1 long, column_2 string>\n{\"column_1\":1,\"column_2\":\"x\"}\n"
             "{\"column_1\":2,\"column_2\":\"y\"}\n");
}

static void says_the_line_that_is_wrong(void **state) {
  (void)state;
  CHECK_REFUSED("", &plainly, "the input is empty");
  CHECK_REFUSED("a,b\n1\n", &plainly, "line 2: it has 1 fields, and there are 2 columns");
  CHECK_REFUSED("a,b\n\"1\n\n2\",3\n4,5,6\n", &plainly, "line 5: it has 3 fields, and there are 2 columns");
  CHECK_REFUSED("a,b\n1,\"2\n", &plainly, "line 2: a quote is not closed");
  CHECK_REFUSED("a,b\n1,\"2\"x\n", &plainly, "line 2: something stands behind a closing quote");
  CHECK_REFUSED("a,b\n1,\xC3\x28\n", &plainly, "line 2: it is not UTF-8");
  CHECK_REFUSED("a,a\n1,2\n", &plainly, "there are two columns a");
  CHECK_REFUSED("a\0b,c\n1,2\n", &plainly, "zero byte");
}

static const firn_field inner[] = {{.name = "x", .kind = FIRN_KIND_INT}};
static const firn_field given_fields[] = {
    {.name = "Id", .kind = FIRN_KIND_INT},
    {.name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = inner},
    {.name = "note", .kind = FIRN_KIND_STRING},
};
static const firn_field given = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(given_fields), .children = given_fields};
static const test_rows_how with_schema = {.csv = &defaults, .options = {.schema = &given}};
static const test_rows_how noting = {.csv = &defaults, .options = {.schema = &given, .note_unknown = true}};
#define GIVEN "struct<Id int, place struct<x int>, note string>\n"

static void a_given_schema_holds(void **state) {
  (void)state;
  CHECK_ROWS("place,ID,other\n\"{\"\"x\"\": 4}\",+7,z\n,,\n\"\",\"\",\n", &with_schema,
             GIVEN
             "{\"Id\":7,\"place\":{\"x\":4},\"note\":null}\n{\"Id\":null,\"place\":null,\"note\":null}\n"
             "{\"Id\":null,\"place\":null,\"note\":null}\n");
  CHECK_REFUSED("id\n1\nx\n", &with_schema, "line 3: id is \"x\", which is no int");
  CHECK_REFUSED("id,place\n1,{}x\n", &with_schema, "line 2: place is \"{}x\", which is no struct");
  CHECK_REFUSED("id,ID\n1,2\n", &with_schema, "id and ID are both the column Id");
  CHECK_ROWS("id,new\n1,2.5\n", &noting,
             GIVEN "+struct<new double> the input has a column new that the schema lacks\n");
  CHECK_ROWS("id\n1\n3000000000\n", &noting,
             GIVEN
             "{\"Id\":1,\"place\":null,\"note\":null}\n+struct<Id long> line 3: id is \"3000000000\", which "
             "is no int\n");
}

static firn_status count_refused(void *self, uint64_t row, const char *reason, firn_bytes raw,
                                 firn_error *err) {
  uint64_t *sum = self;
  (void)err;
  assert_true(raw.len > 0 && reason[0] != '\0');
  *sum = *sum * 10 + row;
  return FIRN_OK;
}

static void refused_rows_leave_nothing_behind(void **state) {
  (void)state;
  uint64_t refused = 0;
  test_rows_how how = {
      .csv = &defaults,
      .options = {
          .schema = &given, .note_unknown = true, .refused = count_refused, .refused_self = &refused}};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  CHECK_OK(test_read_rows(FIRN_LITERAL("note,id\na,1\nb,x\nc\n,4\nd,5.5\ne,6\n"), &how, &b, &err));
  assert_int_equal(refused, 346);
  CHECK_BYTES(firn_builder_bytes(&b), GIVEN
              "{\"Id\":1,\"place\":null,\"note\":\"a\"}\n"
              "{\"Id\":4,\"place\":null,\"note\":null}\n"
              "{\"Id\":6,\"place\":null,\"note\":\"e\"}\n");
}

static void reads_what_it_writes(void **state) {
  (void)state;
  static const char csv[] = "a,b,c\n1,\"x, \"\"y\"\"\n\",2.5\n2,\"\",NaN\n,,\n3,\" z\",1e+300\n";
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ROWS *rows = NULL;
  firn_error err;
  static const firn_field fields[] = {{.name = "a", .kind = FIRN_KIND_LONG},
                                      {.name = "b", .kind = FIRN_KIND_STRING},
                                      {.name = "c", .kind = FIRN_KIND_DOUBLE}};
  static const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 3, .children = fields};
  firn_rows_options options = {.schema = &schema};
  test_input in = {firn_bytes_of(csv), SIZE_MAX};
  const firn_batch *batch;
  CHECK_OK(
      firn_csv_open((firn_rows_input){test_input_read, &in}, &defaults, &options, test_ctx(), &rows, &err));
  CHECK_OK(firn_rows_next(rows, test_ctx(), &batch, &err));
  firn_csv_write_header(&schema, NULL, &b);
  firn_csv_write_batch(batch, NULL, &b);
  CHECK_BYTES(firn_builder_bytes(&b), csv);
}

/* --- hostile --- */

static void a_quote_without_end_is_refused_in_time(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  test_rows_how how = {.csv = &defaults, .options = {.max_row_bytes = 1 << 16}};
  firn_builder_add_text(&text, "a,b\n1,\"");
  for (int i = 0; i < 40000; i++) {
    firn_builder_add_text(&text, "x,\n\n");
  }
  CHECK_STATUS(test_read_rows(firn_builder_bytes(&text), &how, &b, &err), FIRN_LIMIT);
  CHECK_SAYS("line 2: the row is longer than 65536 bytes; is a quote not closed?");
}

static void very_many_columns(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  for (int i = 0; i < 100000; i++) {
    firn_builder_addf(&text, "%sc%d", i == 0 ? "" : ",", i);
  }
  CHECK_STATUS(test_read_rows(firn_builder_bytes(&text), &plainly, &b, &err), FIRN_LIMIT);
  CHECK_SAYS("there are 100000 columns, more than 10000");
}

static const char sample[] = "id,name,when\n1,\"a \"\"b\"\"\n,c\",2024-01-01\n\n2,,\r\n3.5,\xC3\xA9,x\n";

static void survives_damage(void **state) {
  (void)state;
  uint8_t copy[sizeof sample];
  for (size_t len = 0; len < sizeof sample; len++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    FIRN_IGNORE(test_read_rows((firn_bytes){(const uint8_t *)sample, len}, &plainly, &b, NULL));
    FIRN_IGNORE(test_read_rows((firn_bytes){(const uint8_t *)sample, len}, &noting, &b, NULL));
  }
  for (size_t i = 0; i < sizeof sample - 1; i++) {
    for (int flip = 1; flip < 256; flip = flip * 2 + 1) {
      memcpy(copy, sample, sizeof copy);
      copy[i] ^= (uint8_t)flip;
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      FIRN_IGNORE(test_read_rows((firn_bytes){copy, sizeof copy - 1}, &plainly, &b, NULL));
      FIRN_IGNORE(test_read_rows((firn_bytes){copy, sizeof copy - 1}, &noting, &b, NULL));
    }
  }
}

static firn_status read_sample(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(test_read_rows(firn_bytes_of(sample), &plainly, &b, NULL));
  return test_read_rows(firn_bytes_of(sample), &noting, &b, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_sample);
}

RUN_TESTS(infers_types_of_columns, reads_quotes_and_line_ends, finds_the_delimiter,
          says_the_line_that_is_wrong, a_given_schema_holds, refused_rows_leave_nothing_behind,
          reads_what_it_writes, a_quote_without_end_is_refused_in_time, very_many_columns, survives_damage,
          survives_oom)

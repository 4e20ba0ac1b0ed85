#include "rows/csv.h"
#include "rows/json_rows.h"

#include "base/json_tree.h"
#include "test.h"

enum { N_ROWS = 3 };

static const firn_field element = {.name = "element", .kind = FIRN_KIND_INT};
static const firn_field fields[] = {
    {.name = "id", .kind = FIRN_KIND_LONG},
    {.name = "a \"name\", odd", .kind = FIRN_KIND_STRING},
    {.name = "day", .kind = FIRN_KIND_DATE},
    {.name = "x", .kind = FIRN_KIND_DOUBLE},
    {.name = "yes", .kind = FIRN_KIND_BOOLEAN},
    {.name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
};
static const firn_field schema = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(fields), .children = fields};

/* Row 0 has values, row 1 odd texts, row 2 nothing but nulls. */
static firn_status make_batch(firn_arena *arena, firn_batch *out) {
  FIRN_TRY(firn_batch_new(&schema, N_ROWS, arena, out, NULL));
  out->n_rows = N_ROWS;
  for (uint32_t i = 0; i < schema.n_children; i++) {
    out->columns[i].len = N_ROWS;
    FIRN_TRY(firn_vector_need_validity(&out->columns[i], N_ROWS, arena, NULL));
    firn_vector_set_null(&out->columns[i], 2);
  }
  firn_vector *c = out->columns;
  c[0].i64[0] = INT64_MIN;
  c[0].i64[1] = 7;
  c[1].bytes[0] = FIRN_LITERAL("plain");
  c[1].bytes[1] = FIRN_LITERAL("two\nlines, \"quoted\"");
  c[2].i32[0] = 17486;
  c[3].f64[0] = 0.1;
  c[3].f64[1] = __builtin_nan("");
  firn_bit_set(c[4].bits, 0);
  c[5].dec[0] = -150;
  c[6].offsets[1] = 2;
  c[6].offsets[2] = c[6].offsets[3] = 2;
  c[6].children[0].len = 2;
  c[6].children[0].i32[0] = 1;
  c[6].children[0].i32[1] = 2;
  return FIRN_OK;
}

static void writes_csv(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  CHECK_STATUS(make_batch(&arena, &batch), FIRN_OK);
  firn_csv_write_header(&schema, NULL, &b);
  firn_csv_write_batch(&batch, NULL, &b);
  CHECK_BYTES(firn_builder_bytes(&b),
              "id,\"a \"\"name\"\", odd\",day,x,yes,price,tags\n"
              "-9223372036854775808,plain,2017-11-16,0.1,true,-1.50,\"[1,2]\"\n"
              "7,\"two\nlines, \"\"quoted\"\"\",1970-01-01,NaN,false,0.00,[]\n"
              ",,,,,,\n");
}

static void quotes_what_holds_the_delimiter(void **state) {
  (void)state;
  static const firn_field one = {.name = "a;b", .kind = FIRN_KIND_STRING};
  static const firn_field only = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &one};
  firn_bytes texts[] = {FIRN_LITERAL("a,b"), FIRN_LITERAL("a;b"), FIRN_LITERAL(""), FIRN_LITERAL(" a")};
  firn_vector column = {.kind = FIRN_KIND_STRING, .len = FIRN_COUNT_OF(texts), .bytes = texts};
  firn_batch batch = {.schema = &only, .n_rows = column.len, .columns = &column};
  firn_csv_options options = {.delimiter = ';'};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_csv_write_header(&only, &options, &b);
  firn_csv_write_batch(&batch, &options, &b);
  CHECK_BYTES(firn_builder_bytes(&b), "\"a;b\"\na,b\n\"a;b\"\n\"\"\n\" a\"\n");
}

static void writes_json(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  CHECK_STATUS(make_batch(&arena, &batch), FIRN_OK);
  firn_json_rows_write(&batch, &b);
  CHECK_BYTES(
      firn_builder_bytes(&b),
      "{\"id\":-9223372036854775808,\"a \\\"name\\\", odd\":\"plain\",\"day\":\"2017-11-16\",\"x\":0.1,"
      "\"yes\":true,\"price\":\"-1.50\",\"tags\":[1,2]}\n"
      "{\"id\":7,\"a \\\"name\\\", odd\":\"two\\nlines, "
      "\\\"quoted\\\"\",\"day\":\"1970-01-01\",\"x\":\"NaN\","
      "\"yes\":false,\"price\":\"0.00\",\"tags\":[]}\n"
      "{\"id\":null,\"a \\\"name\\\", odd\":null,\"day\":null,\"x\":null,\"yes\":null,\"price\":null,"
      "\"tags\":null}\n");
}

static void stops_at_the_builder_s_bound(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch batch;
  firn_bytes text;
  CHECK_STATUS(make_batch(&arena, &batch), FIRN_OK);
  FIRN_AUTO_BUILDER csv = FIRN_BUILDER_INIT(100);
  firn_csv_write_batch(&batch, NULL, &csv);
  CHECK_STATUS(firn_builder_finish(&csv, &text, NULL), FIRN_LIMIT);
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(100);
  firn_json_rows_write(&batch, &json);
  CHECK_STATUS(firn_builder_finish(&json, &text, NULL), FIRN_LIMIT);
}

static firn_status write_both(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  firn_bytes text;
  FIRN_TRY(make_batch(&arena, &batch));
  firn_csv_write_header(&schema, NULL, &b);
  firn_csv_write_batch(&batch, NULL, &b);
  firn_json_rows_write(&batch, &b);
  return firn_builder_finish(&b, &text, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_both);
}

RUN_TESTS(writes_csv, quotes_what_holds_the_delimiter, writes_json, stops_at_the_builder_s_bound,
          survives_oom)

#include "formats/avro/avro_json.h"

#include "test.h"

static void check_json(const char *schema, firn_bytes encoded, const char *wanted) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(firn_bytes_of(schema), &arena, &s, &err));
  firn_cursor c = firn_cursor_over(encoded);
  firn_avro_value v;
  CHECK_OK(firn_avro_value_read(&c, s, &arena, &v, &err));
  assert_int_equal(firn_cursor_left(&c), 0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_avro_value_write_json(&v, &w);
  CHECK_BYTES(firn_builder_bytes(&b), wanted);
}

static void check_number(const char *schema, int64_t number, const char *wanted) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&b, number);
  check_json(schema, firn_builder_bytes(&b), wanted);
}

static void numbers_and_times(void **state) {
  (void)state;
  check_number("\"long\"", INT64_MIN, "-9223372036854775808");
  check_number("{\"type\":\"int\",\"logicalType\":\"date\"}", -1, "\"1969-12-31\"");
  check_number("{\"type\":\"long\",\"logicalType\":\"time-micros\"}", 81068000001, "\"22:31:08.000001\"");
  check_number("{\"type\":\"long\",\"logicalType\":\"time-micros\"}", -1, "-1"); /* no time of day */
  check_number("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", 1510871468000001,
               "\"2017-11-16T22:31:08.000001\"");
  check_number("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}",
               1510871468000001, "\"2017-11-16T22:31:08.000001+00:00\"");
  check_number("{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", 1510871468000001001,
               "\"2017-11-16T22:31:08.000001001\"");
  check_number("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", 1, "\"B\"");
  check_json("\"float\"", FIRN_LITERAL("\xCD\xCC\xCC\x3D"), "0.1");
  check_json("\"double\"", FIRN_LITERAL("\0\0\0\0\0\0\xF8\x7F"), "\"NaN\"");
  check_json("\"boolean\"", FIRN_LITERAL("\1"), "true");
}

static void bytes_decimals_and_uuids(void **state) {
  (void)state;
  check_json("\"bytes\"", FIRN_LITERAL("\6\xAB\xFF\1"), "\"abff01\"");
  check_json("\"string\"", FIRN_LITERAL("\6a\"\xFF"), "\"a\\\"\xEF\xBF\xBD\"");
#define DECIMAL(size, scale)                           \
  "{\"type\":\"fixed\",\"name\":\"d\",\"size\":" #size \
  ",\"logicalType\":\"decimal\",\"precision\":38,"     \
  "\"scale\":" #scale "}"
  check_json(DECIMAL(2, 2), FIRN_LITERAL("\x05\x8C"), "\"14.20\"");
  check_json(DECIMAL(2, 2), FIRN_LITERAL("\xFF\xFF"), "\"-0.01\"");
  check_json(DECIMAL(1, 0), FIRN_LITERAL("\0"), "\"0\"");
  check_json(DECIMAL(1, 3), FIRN_LITERAL("\x80"), "\"-0.128\"");
  check_json(DECIMAL(16, 0), FIRN_LITERAL("\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
             "\"-170141183460469231731687303715884105728\"");
  check_json(DECIMAL(17, 0), FIRN_LITERAL("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
             "\"0100000000000000000000000000000000\""); /* wider than our decimals: as bytes */
  check_json("{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
             FIRN_LITERAL("\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7"),
             "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"");
}

static void records_lists_and_maps(void **state) {
  (void)state;
  check_json(
      "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
      "{\"name\":\"a_x2Eb\",\"iceberg-field-name\":\"a.b\",\"type\":[\"null\",\"int\"]},"
      "{\"name\":\"c\",\"type\":[\"null\",\"int\"]}]}",
      FIRN_LITERAL("\2\x0E\0"), "{\"a.b\":7,\"c\":null}");
  check_json("{\"type\":\"array\",\"items\":\"int\"}", FIRN_LITERAL("\4\2\4\0"), "[1,2]");
  check_json("{\"type\":\"map\",\"values\":\"int\"}", FIRN_LITERAL("\4\2x\2\2y\4\0"),
             "{\"keys\":[\"x\",\"y\"],\"values\":[1,2]}");
  check_json(
      "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k\","
      "\"fields\":[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}]}}",
      FIRN_LITERAL("\4\2\2\x0A\4\0\0"), "{\"keys\":[1,2],\"values\":[\"0a\",\"\"]}");
}

static firn_status cat(firn_builder *lines, firn_error *err) {
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_AVRO_WRITER *w = NULL;
  FIRN_AUTO_AVRO_READER *r = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(1 << 20);
  firn_avro_writer_options options = {.codec = FIRN_CODEC_NONE};
  FIRN_TRY(firn_avro_writer_open(FIRN_LITERAL("\"bytes\""), &options, firn_avro_sink_onto(&file), &w, err));
  for (int i = 0; i < 3; i++) {
    firn_avro_put_text(firn_avro_writer_begin(w), i == 1 ? "x" : "");
    FIRN_TRY(firn_avro_writer_record(w, err));
  }
  FIRN_TRY(firn_avro_writer_finish(w, NULL, err));
  firn_bytes rest = firn_builder_bytes(&file);
  FIRN_TRY(firn_avro_reader_open(firn_avro_source_over(&rest), test_ctx(), 0, &r, err));
  for (bool more = true; more;) {
    FIRN_TRY(firn_avro_reader_next_json(r, test_ctx(), &arena, lines, &more, err));
  }
  return FIRN_OK;
}

static void a_file_becomes_lines(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER lines = FIRN_BUILDER_INIT(0);
  CHECK_OK(cat(&lines, &err));
  CHECK_BYTES(firn_builder_bytes(&lines), "\"\"\n\"78\"\n\"\"\n");
}

static firn_status cat_alone(void) {
  FIRN_AUTO_BUILDER lines = FIRN_BUILDER_INIT(0);
  return cat(&lines, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(cat_alone);
}

RUN_TESTS(numbers_and_times, bytes_decimals_and_uuids, records_lists_and_maps, a_file_becomes_lines,
          survives_oom)

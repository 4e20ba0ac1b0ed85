#include "formats/avro/avro.h"

#include <stdio.h>

#include "formats/avro/codec_internal.h"
#include "test.h"

static const char everything[] =
    "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"n.s\",\"fields\":["
    "{\"name\":\"nothing\",\"type\":\"null\"},"
    "{\"name\":\"yes\",\"type\":\"boolean\"},"
    "{\"name\":\"i\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"},\"field-id\":7},"
    "{\"name\":\"l\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}"
    ","
    "\"doc\":\"when\"},"
    "{\"name\":\"f\",\"type\":\"float\"},"
    "{\"name\":\"d\",\"type\":\"double\"},"
    "{\"name\":\"b\",\"type\":\"bytes\"},"
    "{\"name\":\"_x2E\",\"type\":\"string\",\"iceberg-field-name\":\".\"},"
    "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"dec\",\"size\":3,\"logicalType\":\"decimal\","
    "\"precision\":6,\"scale\":2}},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"o.suit\",\"symbols\":[\"A\",\"B\"]}},"
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"long\",\"element-id\":9}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"int\",\"key-id\":10,\"value-id\":11}},"
    "{\"name\":\"u\",\"type\":[\"null\",\"string\",\"dec\"],\"default\":null}"
    "]}";

static void put_float(firn_builder *b, float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  firn_builder_add_u32le(b, bits);
}

static void put_double(firn_builder *b, double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  firn_builder_add_u64le(b, bits);
}

static void put_everything(firn_builder *b, int64_t i) {
  firn_builder_add_u8(b, i % 2 == 0);
  firn_builder_add_zigzag(b, (int32_t)-i);
  firn_builder_add_zigzag(b, INT64_MAX - i);
  put_float(b, 0.5f);
  put_double(b, -1e300);
  firn_avro_put_bytes(b, FIRN_LITERAL("\0\xFF"));
  firn_avro_put_text(b, "gl\xC3\xA4tte");
  firn_builder_add(b, FIRN_LITERAL("\xFF\xFE\xFD"));
  firn_builder_add_zigzag(b, 1); /* B */
  firn_builder_add_zigzag(b, 2); /* a block of two longs */
  firn_builder_add_zigzag(b, 3);
  firn_builder_add_zigzag(b, 27);
  firn_builder_add_zigzag(b, -1); /* a block of one, in one byte */
  firn_builder_add_zigzag(b, 1);
  firn_builder_add_zigzag(b, -5);
  firn_builder_add_zigzag(b, 0);
  firn_builder_add_zigzag(b, -1); /* a map of one, in three bytes */
  firn_builder_add_zigzag(b, 3);
  firn_avro_put_text(b, "k");
  firn_builder_add_zigzag(b, 4);
  firn_builder_add_zigzag(b, 0);
  firn_builder_add_zigzag(b, i % 3);
  if (i % 3 == 1) {
    firn_avro_put_text(b, "one");
  } else if (i % 3 == 2) {
    firn_builder_add(b, FIRN_LITERAL("two"));
  }
}

static firn_status write_file(const char *schema, firn_codec codec, size_t block_bytes, int64_t n,
                              void (*put)(firn_builder *, int64_t), firn_builder *out, firn_error *err) {
  firn_avro_pair meta[] = {{FIRN_LITERAL("colour"), FIRN_LITERAL("white")}};
  firn_avro_writer_options options = {.codec = codec,
                                      .level = FIRN_LEVEL_DEFAULT,
                                      .block_bytes = block_bytes,
                                      .metadata = meta,
                                      .n_metadata = 1};
  memcpy(options.sync, "0123456789abcdef", sizeof options.sync);
  FIRN_AUTO_AVRO_WRITER *w = NULL;
  FIRN_TRY(firn_avro_writer_open(firn_bytes_of(schema), &options, firn_avro_sink_onto(out), &w, err));
  for (int64_t i = 0; i < n; i++) {
    put(firn_avro_writer_begin(w), i);
    FIRN_TRY(firn_avro_writer_record(w, err));
  }
  uint64_t size = 0;
  FIRN_TRY(firn_avro_writer_finish(w, &size, err));
  assert_int_equal(size, out->len);
  assert_int_equal(size, firn_avro_writer_size(w));
  return FIRN_OK;
}

static void check_everything(const firn_avro_value *v, int64_t i) {
  assert_int_equal(v->n_items, 13);
  assert_int_equal(v->items[0].schema->type, FIRN_AVRO_NULL);
  assert_int_equal(v->items[1].boolean, i % 2 == 0);
  assert_int_equal(firn_avro_value_by_id(v, 7)->number, -i);
  assert_int_equal(v->items[3].number, INT64_MAX - i);
  assert_true(v->items[4].real == 0.5 && v->items[5].real == -1e300);
  assert_true(firn_bytes_equal(v->items[6].bytes, FIRN_LITERAL("\0\xFF")));
  CHECK_BYTES(firn_avro_value_by_name(v, ".")->bytes, "gl\xC3\xA4tte");
  CHECK_BYTES(v->items[8].bytes, "\xFF\xFE\xFD");
  assert_int_equal(v->items[9].number, 1);
  const firn_avro_value *a = &v->items[10], *m = &v->items[11], *u = &v->items[12];
  assert_int_equal(a->n_items, 3);
  assert_int_equal(a->items[1].number, 27);
  assert_int_equal(a->items[2].number, -5);
  assert_int_equal(m->n_items, 2);
  CHECK_BYTES(m->items[0].bytes, "k");
  assert_int_equal(m->items[1].number, 4);
  static const firn_avro_type types[] = {FIRN_AVRO_NULL, FIRN_AVRO_STRING, FIRN_AVRO_FIXED};
  assert_int_equal(u->schema->type, types[i % 3]);
  if (i % 3 != 0) {
    CHECK_BYTES(u->bytes, i % 3 == 1 ? "one" : "two");
  }
}

static void reads_what_it_writes_in_every_codec(void **state) {
  (void)state;
  static const firn_codec codecs[] = {FIRN_CODEC_NONE, FIRN_CODEC_DEFLATE, FIRN_CODEC_SNAPPY,
                                      FIRN_CODEC_ZSTD};
  firn_error err;
  for (size_t c = 0; c < FIRN_COUNT_OF(codecs); c++) {
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    CHECK_OK(write_file(everything, codecs[c], 1000, 500, put_everything, &file, &err));
    firn_bytes rest = firn_builder_bytes(&file);
    FIRN_AUTO_AVRO_READER *r = NULL;
    CHECK_OK(firn_avro_reader_open(firn_avro_source_over(&rest), test_ctx(), 0, &r, &err));
    CHECK_BYTES(firn_avro_reader_meta(r, "colour"), "white");
    CHECK_BYTES(firn_avro_reader_meta(r, "avro.schema"), everything);
    assert_null(firn_avro_reader_meta(r, "smell").data);
    size_t n_pairs;
    CHECK_BYTES(firn_avro_reader_pairs(r, &n_pairs)[0].key, "colour");
    assert_int_equal(n_pairs, 3);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const firn_avro_value *v = NULL;
    for (int64_t i = 0; i < 500; i++) {
      firn_arena_reset(&arena);
      CHECK_OK(firn_avro_reader_next(r, test_ctx(), &arena, &v, &err));
      assert_non_null(v);
      check_everything(v, i);
    }
    CHECK_OK(firn_avro_reader_next(r, test_ctx(), &arena, &v, &err));
    assert_null(v);
  }
}

static void keeps_ids_logical_types_and_names(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(firn_bytes_of(everything), &arena, &s, &err));
  assert_string_equal(s->name, "n.s.r");
  assert_string_equal(s->fields[2].schema->logical_type, "date");
  assert_int_equal(s->fields[2].field_id, 7);
  assert_int_equal(s->fields[0].field_id, -1);
  assert_string_equal(s->fields[3].doc, "when");
  assert_true(s->fields[3].schema->adjust_to_utc);
  assert_string_equal(s->fields[7].name, "_x2E");
  assert_string_equal(s->fields[7].true_name, ".");
  assert_string_equal(s->fields[8].schema->name, "n.s.dec");
  assert_int_equal(s->fields[8].schema->precision, 6);
  assert_int_equal(s->fields[8].schema->scale, 2);
  assert_string_equal(s->fields[9].schema->name, "o.suit");
  assert_int_equal(s->fields[10].schema->element_id, 9);
  assert_int_equal(s->fields[11].schema->key_id, 10);
  assert_int_equal(s->fields[11].schema->value_id, 11);
  assert_true(s->fields[12].has_default);
  CHECK_BYTES(s->fields[12].default_json, "null");
  assert_ptr_equal(s->fields[12].schema->items[2], s->fields[8].schema);
  assert_ptr_equal(firn_avro_field_by_id(s, 7), &s->fields[2]);
  assert_null(firn_avro_field_by_id(s, 8));
  assert_int_equal(s->least_bytes, 1 + 1 + 1 + 4 + 8 + 1 + 1 + 3 + 1 + 1 + 1 + 1);
  assert_false(s->always_least);
}

static void adjust_to_utc_is_false_where_absent_trap_59(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(FIRN_LITERAL("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"),
                                 &arena, &s, &err));
  assert_false(s->adjust_to_utc);
  CHECK_OK(firn_avro_schema_read(
      FIRN_LITERAL("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}"), &arena,
      &s, &err));
  assert_true(s->adjust_to_utc);
}

static void wrapped_types_are_read(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(FIRN_LITERAL("{\"type\":{\"type\":[\"null\",{\"type\":\"int\"}]}}"), &arena,
                                 &s, &err));
  assert_int_equal(s->type, FIRN_AVRO_UNION);
  assert_int_equal(s->items[1]->type, FIRN_AVRO_INT);
}

static void broken_schemas_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *json, *says;
    firn_status status;
  } broken[] = {
      {"", "", FIRN_CORRUPT},
      {"7", "neither text", FIRN_CORRUPT},
      {"\"stone\"", "no Avro type \"stone\"", FIRN_CORRUPT},
      {"{\"type\":\"record\",\"fields\":[]}", "name", FIRN_CORRUPT},
      {"{\"type\":\"record\",\"name\":\"\",\"fields\":[]}", "empty name", FIRN_CORRUPT},
      {"{\"type\":\"record\",\"name\":\"a\"}", "fields", FIRN_CORRUPT},
      {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"b\"}]}", "has no type", FIRN_CORRUPT},
      {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"b\",\"type\":\"a\"}]}",
       "field \"b\": Avro record \"a\" contains itself", FIRN_CORRUPT},
      {"{\"type\":\"array\"}", "without \"items\"", FIRN_CORRUPT},
      {"{\"type\":\"fixed\",\"name\":\"a\",\"size\":-1}", "-1 bytes", FIRN_CORRUPT},
      {"{\"type\":\"enum\",\"name\":\"a\",\"symbols\":[1]}", "no string", FIRN_CORRUPT},
      {"[\"null\",[\"null\"]]", "holds a union", FIRN_CORRUPT},
      {"[{\"type\":\"fixed\",\"name\":\"a\",\"size\":1},{\"type\":\"fixed\",\"name\":\"a\",\"size\":1}]",
       "defined twice", FIRN_CORRUPT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(broken); i++) {
    firn_error err = {0};
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const firn_avro_schema *s = NULL;
    CHECK_STATUS(firn_avro_schema_read(firn_bytes_of(broken[i].json), &arena, &s, &err), broken[i].status);
    CHECK_SAYS(broken[i].says);
  }
}

static void deep_and_wide_schemas_are_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER deep = FIRN_BUILDER_INIT(0), wide = FIRN_BUILDER_INIT(0);
  for (int i = 0; i < 65; i++) {
    firn_builder_add_text(&deep, "{\"type\":\"array\",\"items\":");
  }
  firn_builder_add_text(&deep, "\"int\"");
  for (int i = 0; i < 65; i++) {
    firn_builder_add_text(&deep, "}");
  }
  const firn_avro_schema *s = NULL;
  CHECK_STATUS(firn_avro_schema_read(firn_builder_bytes(&deep), &arena, &s, &err), FIRN_LIMIT);
  firn_builder_add_text(&wide, "[\"int\"");
  for (int i = 0; i < 10000; i++) {
    firn_builder_add_text(&wide, ",\"int\"");
  }
  firn_builder_add_text(&wide, "]");
  CHECK_STATUS(firn_avro_schema_read(firn_builder_bytes(&wide), &arena, &s, &err), FIRN_LIMIT);
}

static const char list_schema[] =
    "{\"type\":\"record\",\"name\":\"node\",\"fields\":["
    "{\"name\":\"v\",\"type\":\"long\"},"
    "{\"name\":\"next\",\"type\":[\"null\",{\"type\":\"record\",\"name\":"
    "\"box\",\"fields\":[{\"name\":\"n\",\"type\":\"node\"}]}]}]}";

static void recursive_values_are_read_to_a_depth(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(firn_bytes_of(list_schema), &arena, &s, &err));
  static const struct {
    int n;
    firn_status status;
  } lists[] = {{3, FIRN_OK}, {80, FIRN_OK}, {100000, FIRN_LIMIT}};
  for (size_t i = 0; i < FIRN_COUNT_OF(lists); i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    for (int k = 0; k < lists[i].n; k++) {
      firn_builder_add_zigzag(&b, k);
      firn_builder_add_zigzag(&b, k + 1 < lists[i].n);
    }
    firn_cursor c = firn_cursor_over(firn_builder_bytes(&b)), skipped = c;
    firn_avro_value v;
    CHECK_STATUS(firn_avro_value_read(&c, s, &arena, &v, &err), lists[i].status);
    assert_int_equal(firn_avro_skip(&skipped, s), lists[i].status == FIRN_OK);
    if (lists[i].status == FIRN_OK) {
      assert_int_equal(firn_cursor_left(&c), 0);
      assert_int_equal(firn_cursor_left(&skipped), 0);
      assert_int_equal(v.items[1].items[0].items[0].number, 1);
    }
  }
}

/* What hostile bytes say of a schema. None may take time or memory beyond what stands there. */
static void lying_counts_and_lengths_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *schema;
    int64_t number, then;
    firn_status status;
  } lies[] = {
      {"\"bytes\"", INT64_MAX, 0, FIRN_CORRUPT},
      {"\"string\"", -1, 0, FIRN_CORRUPT},
      {"\"int\"", INT64_C(1) << 31, 0, FIRN_CORRUPT},
      {"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\"]}", 1, 0, FIRN_CORRUPT},
      {"[\"null\",\"int\"]", 2, 0, FIRN_CORRUPT},
      {"[\"null\",\"int\"]", -1, 0, FIRN_CORRUPT},
      {"{\"type\":\"array\",\"items\":\"long\"}", INT64_C(1) << 60, 0, FIRN_CORRUPT},
      {"{\"type\":\"array\",\"items\":\"long\"}", INT64_MIN, 1, FIRN_CORRUPT},
      {"{\"type\":\"array\",\"items\":\"long\"}", -(INT64_C(1) << 60), INT64_C(1) << 60, FIRN_CORRUPT},
      {"{\"type\":\"array\",\"items\":\"long\"}", -1, -1, FIRN_CORRUPT},
      {"{\"type\":\"array\",\"items\":\"null\"}", INT64_C(1) << 60, 0, FIRN_LIMIT},
      {"{\"type\":\"map\",\"values\":\"null\"}", INT64_C(1) << 60, 0, FIRN_CORRUPT},
      {"{\"type\":\"fixed\",\"name\":\"f\",\"size\":2147483647}", 0, 0, FIRN_CORRUPT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(lies); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_builder_add_zigzag(&b, lies[i].number);
    firn_builder_add_zigzag(&b, lies[i].then);
    const firn_avro_schema *s = NULL;
    CHECK_OK(firn_avro_schema_read(firn_bytes_of(lies[i].schema), &arena, &s, &err));
    firn_cursor c = firn_cursor_over(firn_builder_bytes(&b)), skipped = c;
    firn_avro_value v;
    CHECK_STATUS(firn_avro_value_read(&c, s, &arena, &v, &err), lies[i].status);
    (void)firn_avro_skip(&skipped, s); /* returns: 2^60 items take no time */
  }
}

/* Each record holds the one before twice: 2^50 nulls in no bytes, or 2^50 longs that are not there. */
static void doubled_records_take_no_time(void **state) {
  (void)state;
  static const char *const leaves[] = {"null", "long"};
  for (size_t l = 0; l < FIRN_COUNT_OF(leaves); l++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(256 << 20);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    for (int i = 50; i > 0; i--) {
      firn_builder_addf(&b, "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":", i);
    }
    firn_builder_addf(&b, "\"%s\"}]}", leaves[l]);
    for (int i = 1; i < 50; i++) {
      firn_builder_addf(&b, "},{\"name\":\"b\",\"type\":\"r%d\"}]}", i);
    }
    const firn_avro_schema *s = NULL;
    CHECK_OK(firn_avro_schema_read(firn_builder_bytes(&b), &arena, &s, &err));
    firn_cursor c = firn_cursor_over(FIRN_LITERAL("\2\2\2")), skipped = c;
    firn_avro_value v;
    CHECK_STATUS(firn_avro_value_read(&c, s, &arena, &v, &err), l == 0 ? FIRN_LIMIT : FIRN_CORRUPT);
    assert_int_equal(firn_avro_skip(&skipped, s), l == 0);
  }
}

static firn_status read_all(firn_bytes file, size_t max_block, uint64_t *n, firn_error *err) {
  FIRN_AUTO_AVRO_READER *r = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(64 << 20);
  FIRN_TRY(firn_avro_reader_open(firn_avro_source_over(&file), test_ctx(), max_block, &r, err));
  for (*n = 0;; ++*n) {
    const firn_avro_value *v = NULL;
    firn_arena_reset(&arena);
    FIRN_TRY(firn_avro_reader_next(r, test_ctx(), &arena, &v, err));
    if (v == NULL) {
      return FIRN_OK;
    }
  }
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  static const firn_codec codecs[] = {FIRN_CODEC_NONE, FIRN_CODEC_DEFLATE, FIRN_CODEC_SNAPPY,
                                      FIRN_CODEC_ZSTD};
  for (size_t k = 0; k < FIRN_COUNT_OF(codecs); k++) {
    firn_error err;
    uint64_t n = 0;
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    CHECK_OK(write_file(everything, codecs[k], 100, 3, put_everything, &file, &err));
    size_t head = 0; /* a cut right behind the head or a block is a shorter file, and fine */
    for (size_t len = 0; len < file.len; len++) {
      firn_status status = read_all((firn_bytes){file.data, len}, 0, &n, &err);
      if (status == FIRN_OK) {
        assert_memory_equal(file.data + len - 16, "0123456789abcdef", 16);
        head = len;
      } else {
        assert_int_equal(status, FIRN_CORRUPT);
      }
    }
    assert_true(head > 0);
    for (size_t at = 0; at < file.len; at++) {
      file.data[at] ^= (uint8_t)(1U << (at % 8));
      (void)read_all(firn_builder_bytes(&file), 1 << 20, &n, &err); /* any answer; the sanitizers judge */
      file.data[at] ^= 0xFF;
      (void)read_all(firn_builder_bytes(&file), 1 << 20, &n, &err);
      file.data[at] ^= (uint8_t)(0xFF ^ 1U << (at % 8));
    }
  }
}

static void snappy_check_sums_are_checked(void **state) {
  (void)state;
  firn_error err;
  uint64_t n;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_file(everything, FIRN_CODEC_SNAPPY, 0, 1, put_everything, &file, &err));
  file.data[file.len - 17] ^= 1;
  CHECK_STATUS(read_all(firn_builder_bytes(&file), 0, &n, &err), FIRN_CORRUPT);
  CHECK_SAYS("Avro block 1: snappy: the check sum does not match");
}

/* PyIceberg cuts zlib's head and one byte of its check sum off, and leaves the other three. */
static void deflated_blocks_may_end_in_remains_of_a_check_sum(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0), plain = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_COMPRESSOR *c = NULL;
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_compressor_new(FIRN_CODEC_DEFLATE, FIRN_LEVEL_DEFAULT, &c, &err));
  CHECK_OK(firn_decompressor_new(&d, &err));
  CHECK_OK(firn_compress(c, FIRN_LITERAL("snow on snow on snow"), &packed, &err));
  for (int left_over = 0; left_over <= 5; left_over++) {
    firn_builder_reset(&plain);
    CHECK_STATUS(firn_avro_block_decompress(d, FIRN_CODEC_DEFLATE, firn_builder_bytes(&packed), &plain, &err),
                 left_over <= 4 ? FIRN_OK : FIRN_CORRUPT);
    if (left_over <= 4) {
      CHECK_BYTES(firn_builder_bytes(&plain), "snow on snow on snow");
    }
    firn_builder_add_u8(&packed, 0x55);
  }
}

static void block_sizes_of_arrays_must_be_true(void **state) {
  (void)state;
  static const struct {
    int64_t size;
    firn_status status;
  } cases[] = {{2, FIRN_OK}, {1, FIRN_CORRUPT}, {3, FIRN_CORRUPT}};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_avro_schema *s = NULL;
  CHECK_OK(firn_avro_schema_read(FIRN_LITERAL("{\"type\":\"array\",\"items\":\"int\"}"), &arena, &s, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    const int64_t numbers[] = {-2, cases[i].size, 5, 6, 0, 0};
    for (size_t k = 0; k < FIRN_COUNT_OF(numbers); k++) {
      firn_builder_add_zigzag(&b, numbers[k]);
    }
    firn_cursor c = firn_cursor_over(firn_builder_bytes(&b));
    firn_avro_value v;
    CHECK_STATUS(firn_avro_value_read(&c, s, &arena, &v, &err), cases[i].status);
  }
}

static void put_text(firn_builder *b, int64_t i) {
  firn_builder_addf(b, "%c%05d", (char)(5 << 1), (int)i);
}

typedef struct slow_source {
  firn_bytes rest;
  size_t step, most; /* bytes given at once; the largest room that was asked for */
} slow_source;

static firn_status slow_read(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  (void)ctx;
  (void)err;
  slow_source *s = self;
  s->most = len > s->most ? len : s->most;
  firn_bytes part = firn_bytes_part(s->rest, 0, len < s->step ? len : s->step);
  if (part.len > 0) {
    memcpy(into, part.data, part.len);
  }
  s->rest = firn_bytes_part(s->rest, part.len, SIZE_MAX);
  *got = part.len;
  return FIRN_OK;
}

/* 500 KB in blocks of 64 KiB: whatever pieces they come in, and with a buffer of two blocks at most. */
static void streams_with_bounded_memory(void **state) {
  (void)state;
  static const size_t steps[] = {1, 1000, 1 << 20};
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_file("\"string\"", FIRN_CODEC_NONE, 0, 100000, put_text, &file, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(steps); i++) {
    slow_source slow = {firn_builder_bytes(&file), steps[i], 0};
    FIRN_AUTO_AVRO_READER *r = NULL;
    CHECK_OK(firn_avro_reader_open((firn_avro_source){slow_read, &slow}, test_ctx(), 70000, &r, &err));
    for (int k = 0; k < 100000; k++) {
      char text[16];
      (void)snprintf(text, sizeof text, "%05d", k);
      firn_cursor *c = NULL;
      CHECK_OK(firn_avro_reader_record(r, test_ctx(), &c, &err));
      CHECK_BYTES(firn_cursor_take(c, (uint64_t)firn_cursor_zigzag(c)), text);
    }
    assert_true(slow.most <= 256 << 10);
  }
}

static void a_block_beyond_the_bound_is_refused(void **state) {
  (void)state;
  firn_error err;
  uint64_t n;
  static const firn_codec codecs[] = {FIRN_CODEC_NONE, FIRN_CODEC_DEFLATE};
  for (size_t k = 0; k < FIRN_COUNT_OF(codecs); k++) {
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    CHECK_OK(write_file("\"string\"", codecs[k], 0, 9000, put_text, &file, &err));
    CHECK_OK(read_all(firn_builder_bytes(&file), 60000, &n, &err));
    assert_int_equal(n, 9000);
    CHECK_STATUS(read_all(firn_builder_bytes(&file), 50000, &n, &err), FIRN_LIMIT);
    CHECK_SAYS("Avro block 1: ");
  }
}

static void put_nothing(firn_builder *b, int64_t i) {
  (void)b;
  (void)i;
}

static void records_of_no_bytes_are_bounded(void **state) {
  (void)state;
  firn_error err;
  uint64_t n;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_file("\"null\"", FIRN_CODEC_DEFLATE, 0, 5, put_nothing, &file, &err));
  CHECK_OK(read_all(firn_builder_bytes(&file), 0, &n, &err));
  assert_int_equal(n, 5);
  firn_builder_add(&file, FIRN_LITERAL("\xFE\xFF\xFF\xFF\xFF\xFF\x7F\0000123456789abcdef")); /* 2^47 nulls */
  CHECK_STATUS(read_all(firn_builder_bytes(&file), 0, &n, &err), FIRN_LIMIT);
  CHECK_SAYS("Avro block 2: ");
}

static void broken_files_say_what_is_broken(void **state) {
  (void)state;
  const struct {
    firn_bytes file;
    const char *says;
    firn_status status;
  } broken[] = {
      {{NULL, 0}, "no Avro file", FIRN_CORRUPT},
      {FIRN_LITERAL("PAR1"), "no Avro file", FIRN_CORRUPT},
      {FIRN_LITERAL("AGS1...."), "encrypted", FIRN_UNSUPPORTED},
      {FIRN_LITERAL("Obj\1"), "ends early", FIRN_CORRUPT},
      {FIRN_LITERAL("Obj\1\0000123456789abcdef"), "avro.schema", FIRN_CORRUPT},
      {FIRN_LITERAL("Obj\1\2\x14"
                    "avro.codec\x0A"
                    "bzip2\0000123456789abcdef"),
       "compressed with \"bzip2\"", FIRN_UNSUPPORTED},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(broken); i++) {
    firn_error err = {0};
    uint64_t n;
    CHECK_STATUS(read_all(broken[i].file, 0, &n, &err), broken[i].status);
    CHECK_SAYS(broken[i].says);
  }
}

static void a_record_left_half_read_is_noticed(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_file("\"string\"", FIRN_CODEC_NONE, 0, 1, put_text, &file, &err));
  firn_bytes rest = firn_builder_bytes(&file);
  FIRN_AUTO_AVRO_READER *r = NULL;
  CHECK_OK(firn_avro_reader_open(firn_avro_source_over(&rest), test_ctx(), 0, &r, &err));
  firn_cursor *c = NULL;
  CHECK_OK(firn_avro_reader_record(r, test_ctx(), &c, &err));
  (void)firn_cursor_u8(c);
  CHECK_STATUS(firn_avro_reader_record(r, test_ctx(), &c, &err), FIRN_CORRUPT);
  CHECK_SAYS("Avro block 1: 5 bytes are left");
}

static void codecs_that_avro_lacks_are_not_written(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_STATUS(write_file("\"string\"", FIRN_CODEC_BROTLI, 0, 1, put_text, &file, &err), FIRN_INVALID);
  CHECK_SAYS("brotli");
}

static void invalid_names_are_sanitized_trap_30(void **state) {
  (void)state;
  static const struct {
    const char *name, *sane;
  } names[] = {{"plain_Name9", "plain_Name9"},
               {"9lives", "_9lives"},
               {"a.b", "a_x2Eb"},
               {"a b-c", "a_x20b_x2Dc"},
               {"", "_"},
               {"\xC3\xA9t\xC3\xA9", "_xE9t_xE9"},
               {"\xE2\x82\xAC", "_x20AC"},
               {"\xF0\x9F\x98\x80", "_xD83D_xDE00"},
               {"a\xFF\xC3", "a_xFF_xC3"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_avro_name_sanitize(firn_bytes_of(names[i].name), &b);
    CHECK_BYTES(firn_builder_bytes(&b), names[i].sane);
    assert_true(firn_avro_name_is_valid(firn_builder_bytes(&b)));
    assert_int_equal(firn_avro_name_is_valid(firn_bytes_of(names[i].name)), i == 0);
  }
}

static void files_of_other_writers_are_read(void **state) {
  (void)state;
  static const struct {
    const char *path;
    uint64_t n;
  } files[] = {{"avro/share/test/data/weather.avro", 5},
               {"avro/share/test/data/weather-snappy.avro", 5},
               {"avro/share/test/data/syncInMeta.avro", 6001},
               {"arrow-testing/data/avro/nonnullable.impala.avro", 1},
               {"arrow-testing/data/avro/alltypes_dictionary.avro", 2}};
  const char *folder = test_shared_data("files of other Avro writers");
  for (size_t i = 0; folder != NULL && i < FIRN_COUNT_OF(files); i++) {
    firn_error err;
    char path[512];
    uint64_t n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, files[i].path);
    firn_bytes file = test_read_file(path);
    CHECK_OK(read_all(file, 0, &n, &err));
    assert_int_equal(n, files[i].n);
    firn_free((void *)(uintptr_t)file.data);
  }
}

static firn_status write_and_read(void) {
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  FIRN_TRY(write_file(everything, FIRN_CODEC_DEFLATE, 100, 3, put_everything, &file, NULL));
  uint64_t n;
  return read_all(firn_builder_bytes(&file), 0, &n, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_and_read);
}

RUN_TESTS(reads_what_it_writes_in_every_codec, keeps_ids_logical_types_and_names,
          adjust_to_utc_is_false_where_absent_trap_59, wrapped_types_are_read, broken_schemas_are_refused,
          deep_and_wide_schemas_are_refused, recursive_values_are_read_to_a_depth,
          lying_counts_and_lengths_are_refused, doubled_records_take_no_time,
          refuses_every_cut_and_survives_every_flip, snappy_check_sums_are_checked,
          deflated_blocks_may_end_in_remains_of_a_check_sum, block_sizes_of_arrays_must_be_true,
          streams_with_bounded_memory, a_block_beyond_the_bound_is_refused, records_of_no_bytes_are_bounded,
          broken_files_say_what_is_broken, a_record_left_half_read_is_noticed,
          codecs_that_avro_lacks_are_not_written, invalid_names_are_sanitized_trap_30,
          files_of_other_writers_are_read, survives_oom)

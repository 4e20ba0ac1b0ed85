#include "events/commit_record.h"

#include <stdio.h>

#include "test.h"

static const char *const fixture = "tests/data/commit_record.v1.json";

#define METADATA(spec_fields)                                                                                \
  "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"/lake\","    \
  "\"last-sequence-number\":0,\"last-updated-ms\":0,\"last-column-id\":1,\"current-schema-id\":0,"           \
  "\"schemas\":"                                                                                             \
  "[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"at\",\"required\":false,\"type\":" \
  "\"timestamptz\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[" spec_fields   \
  "]}],\"last-partition-id\":1000,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[" \
  "]}],"                                                                                                     \
  "\"properties\":{}}"

static firn_arena arena = FIRN_ARENA_INIT(0);
static firn_metadata *by_day, *plain;
static firn_bytes stored; /* version 1, as it was written once */

static firn_status read_text(const char *json, firn_commit_record *out, firn_error *err) {
  return firn_commit_record_read(firn_bytes_of(json), &arena, out, err);
}

/* The record of the fixture with the tuples of its files. */
static firn_status read_bound(firn_bytes json, firn_arena *into, firn_commit_record *out, firn_error *err) {
  FIRN_TRY(firn_commit_record_read(json, into, out, err));
  firn_commit_record_table *tables = firn_new_n(into, firn_commit_record_table, out->n_tables);
  if (tables == NULL) {
    return FIRN_NOMEM;
  }
  for (size_t i = 0; i < out->n_tables; i++) {
    firn_data_file *files;
    tables[i] = out->tables[i];
    FIRN_TRY(firn_commit_record_bind(&tables[i], by_day, into, &files, err));
    tables[i].files = files;
  }
  out->tables = tables;
  return FIRN_OK;
}

static void reads_what_version_1_wrote(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  firn_arena_reset(&arena);
  CHECK_OK(read_bound(stored, &arena, &r, &err));
  assert_string_equal(r.journal, "0197f1a2-0000-7000-8000-00000000a001");
  assert_int_equal(r.first, 7);
  assert_int_equal(r.next, 120);
  assert_int_equal(r.accepted_us, INT64_C(1749988800000000));
  assert_int_equal(r.written_us, INT64_C(1749988803500000));
  assert_int_equal(r.n_tables, 2);
  const firn_commit_record_table *t = &r.tables[0];
  assert_int_equal(t->n_levels, 1);
  assert_string_equal(t->levels[0], "cloudevent");
  assert_string_equal(t->name, "valid");
  assert_string_equal(t->uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  assert_int_equal(t->n_files, 2);
  const firn_data_file *f = &t->files[0];
  assert_int_equal(f->content, FIRN_CONTENT_DATA);
  assert_string_equal(f->path, "/lake/cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet");
  assert_string_equal(f->format, "PARQUET");
  assert_int_equal(f->record_count, 100);
  assert_int_equal(f->size_bytes, 20000);
  assert_int_equal(f->partition[0].kind, FIRN_KIND_DATE);
  assert_int_equal(f->partition[0].i32, 20254);
  int64_t n;
  assert_true(firn_id_counts_get(&f->column_sizes, 2, &n) && n == 400);
  assert_true(firn_id_counts_get(&f->value_counts, 1, &n) && n == 100);
  assert_true(firn_id_counts_get(&f->null_counts, 1, &n) && n == 0);
  assert_true(f->nan_counts.present && f->nan_counts.n == 0);
  firn_bytes bound;
  assert_true(firn_id_bounds_get(&f->lower_bounds, 1, &bound) && bound.data != NULL && bound.len == 0);
  assert_true(firn_id_bounds_get(&f->lower_bounds, 2, &bound) && bound.len == 8);
  assert_true(firn_id_bounds_get(&f->upper_bounds, 1, &bound));
  CHECK_BYTES(bound, "zz");
  assert_false(firn_id_bounds_get(&f->upper_bounds, 2, &bound));
  assert_int_equal(f->key_metadata.len, 2);
  assert_int_equal(f->key_metadata.data[1], 0xFF);
  assert_int_equal(f->n_split_offsets, 2);
  assert_int_equal(f->split_offsets[1], 9000);
  assert_true(f->has_sort_order_id && f->sort_order_id == 0);
  f = &t->files[1];
  assert_true(f->partition[0].is_null);
  assert_false(f->column_sizes.present || f->lower_bounds.present || f->has_sort_order_id);
  assert_int_equal(f->n_split_offsets, 0);
  assert_int_equal(r.tables[1].n_levels, 2);
  assert_int_equal(r.tables[1].n_files, 0);
}

/* What is stored may not change: a newer program and an older one share a log. */
static void writes_what_version_1_wrote(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  firn_arena_reset(&arena);
  CHECK_OK(read_bound(stored, &arena, &r, &err));
  const firn_metadata *tables[] = {by_day, by_day};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_commit_record_write(&r, tables, &b, &err));
  char *wanted =
      firn_arena_text(&arena, (firn_bytes){stored.data, stored.len - 1}); /* without its line end */
  CHECK_BYTES(firn_builder_bytes(&b), wanted);
}

static void a_newer_version_is_refused_and_unknown_members_are_not(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  CHECK_STATUS(read_text("{\"version\":2,\"anything\":[]}", &r, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("it has version 2, and this program knows versions up to 1");
  CHECK_OK(
      read_text("{\"version\":1,\"journal\":\"j\",\"first\":0,\"next\":1,\"accepted-us\":-1,"
                "\"written-us\":0,\"tables\":[],\"new\":{\"x\":1}}",
                &r, &err));
  assert_int_equal(r.n_tables, 0);
  CHECK_STATUS(read_text("{\"version\":0}", &r, &err), FIRN_CORRUPT);
}

static void refuses_every_cut(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  for (size_t len = 0; len < stored.len - 1; len++) {
    firn_arena_reset(&arena);
    uint8_t *copy = firn_arena_alloc_bytes(&arena, len + 1);
    memcpy(copy, stored.data, len);
    CHECK_STATUS(firn_commit_record_read((firn_bytes){copy, len}, &arena, &r, &err), FIRN_CORRUPT);
  }
}

static void flipped_bytes_do_no_harm(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  for (size_t at = 0; at < stored.len; at++) {
    firn_arena_reset(&arena);
    uint8_t *copy = firn_arena_alloc_bytes(&arena, stored.len);
    memcpy(copy, stored.data, stored.len);
    copy[at] ^= (uint8_t)(at % 2 == 0 ? 0x01 : 0x80);
    firn_status status = read_bound((firn_bytes){copy, stored.len}, &arena, &r, &err);
    if (at % 2 == 1) { /* no UTF-8 any more */
      assert_int_equal(status, FIRN_CORRUPT);
    }
  }
}

/* The fixture with `part` replaced. */
static const char *with(const char *part, const char *by) {
  char *text = firn_arena_text(&arena, stored);
  char *at = strstr(text, part);
  assert_non_null(at);
  return firn_arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
}

static void says_what_is_wrong(void **state) {
  (void)state;
  static const struct {
    const char *part, *by, *says;
    firn_status status;
  } cases[] = {
      {"\"first\":7", "\"first\":-7", "commit record: \"first\" is -7", FIRN_CORRUPT},
      {"\"next\":120", "\"next\":7", "\"next\" is 7", FIRN_CORRUPT},
      {"\"next\":120,", "", "\"next\"", FIRN_CORRUPT},
      {"\"journal\":\"0197f1a2-0000-7000-8000-00000000a001\"", "\"journal\":\"\"", "\"journal\" is empty",
       FIRN_CORRUPT},
      {"[\"cloudevent\"]", "[7]", "table 0: \"namespace\" holds what is no name", FIRN_CORRUPT},
      {"[\"a\",\"b\"]", "[\"a\\u0000\"]", "table 1: \"namespace\" holds what is no name", FIRN_CORRUPT},
      {"9c12d441", "9c12d44", "table 0: \"uuid\" is no UUID", FIRN_CORRUPT},
      {"\"data\"", "\"position-deletes\"", "its content is \"position-deletes\"", FIRN_UNSUPPORTED},
      {"1e4f0000", "1e4f000", "batch-1.parquet: \"partition\" holds what is no hex", FIRN_CORRUPT},
      {"1e4f0000", "1E4f0000", "\"partition\" holds what is no hex", FIRN_CORRUPT},
      {"[\"\",\"00400d29a0370600\"]", "[\"\",null]", "\"lower-bounds\" holds what is no hex", FIRN_CORRUPT},
      {"\"values\":[300,400]", "\"values\":[300]", "\"column-sizes\" has 2 keys and 1 values", FIRN_CORRUPT},
      {"\"values\":[300,400]", "\"values\":[300,4e2]", "\"column-sizes\" holds what is no such number",
       FIRN_CORRUPT},
      {"\"keys\":[1,2]", "\"keys\":[1,2147483648]", "\"column-sizes\" holds what is no such number",
       FIRN_CORRUPT},
      {"\"keys\":[1,2]", "\"keys\":{}", "\"column-sizes\"", FIRN_CORRUPT},
      {"[4,9000]", "[-4,9000]", "\"split-offsets\" holds what is no such number", FIRN_CORRUPT},
      {"\"record-count\":100", "\"record-count\":-1", "\"record-count\" is -1", FIRN_CORRUPT},
      {"/lake/cloudevent/valid/day=unknown/batch-2.parquet", "", "\"file-path\" is empty", FIRN_CORRUPT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_error err;
    firn_commit_record r;
    firn_arena_reset(&arena);
    CHECK_STATUS(read_text(with(cases[i].part, cases[i].by), &r, &err), cases[i].status);
    CHECK_SAYS(cases[i].says);
  }
}

static void a_table_that_lost_the_spec_binds_nothing(void **state) {
  (void)state;
  firn_error err;
  firn_commit_record r;
  firn_data_file *files;
  firn_arena_reset(&arena);
  CHECK_OK(read_text(with("\"spec-id\":0", "\"spec-id\":3"), &r, &err));
  CHECK_STATUS(firn_commit_record_bind(&r.tables[0], by_day, &arena, &files, &err), FIRN_INVALID);
  CHECK_SAYS("batch-1.parquet: the table has no partition spec 3 any more");
  CHECK_OK(firn_commit_record_read(stored, &arena, &r, &err));
  CHECK_STATUS(firn_commit_record_bind(&r.tables[0], plain, &arena, &files, &err), FIRN_CORRUPT);
  CHECK_SAYS("1 partition values where spec 0 has 0");
  CHECK_OK(read_text(with("1e4f0000", "1e4f"), &r, &err));
  CHECK_STATUS(firn_commit_record_bind(&r.tables[0], by_day, &arena, &files, &err), FIRN_CORRUPT);
  CHECK_SAYS("partition field at_day");
}

static void writes_no_record_that_could_not_be_read(void **state) {
  (void)state;
  firn_error err;
  firn_arena_reset(&arena);
  const firn_value day = {.kind = FIRN_KIND_DATE, .i32 = 20254};
  firn_data_file file = {.path = "/lake/a.parquet", .format = "PARQUET", .partition = &day};
  const firn_commit_record_table table = {
      .name = "t", .uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1", .n_files = 1, .files = &file};
  firn_commit_record r = {.journal = "j", .next = 1, .n_tables = 1, .tables = &table};
  const firn_metadata *tables[] = {by_day};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_commit_record_write(&r, tables, &b, &err));
  r.first = 1;
  CHECK_STATUS(firn_commit_record_write(&r, tables, &b, &err), FIRN_INVALID);
  CHECK_SAYS("cannot cover 1 to 1");
  r.first = 0;
  file.path = "/lake/\xFF.parquet"; /* JSON would hold another name */
  CHECK_STATUS(firn_commit_record_write(&r, tables, &b, &err), FIRN_INVALID);
  CHECK_SAYS("cannot hold this path: it is no UTF-8");
  file.path = "/lake/a.parquet";
  file.content = FIRN_CONTENT_POSITION_DELETES;
  CHECK_STATUS(firn_commit_record_write(&r, tables, &b, &err), FIRN_INVALID);
  file.content = FIRN_CONTENT_DATA;
  file.spec_id = 9;
  CHECK_STATUS(firn_commit_record_write(&r, tables, &b, &err), FIRN_INVALID);
  CHECK_SAYS("its table has no partition spec 9");
}

static firn_status read_and_write(void) {
  FIRN_AUTO_ARENA a = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_commit_record r;
  const firn_metadata *tables[] = {by_day, by_day};
  FIRN_TRY(read_bound(stored, &a, &r, NULL));
  return firn_commit_record_write(&r, tables, &b, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_and_write);
}

/* The tests share their table, which RUN_TESTS has no room to make. */
static void begins(void **state) {
  (void)state;
  firn_error err;
  stored = test_read_file(fixture);
  CHECK_OK(firn_metadata_read(FIRN_LITERAL(METADATA("{\"source-id\":1,\"field-id\":1000,\"name\":\"at_day\","
                                                    "\"transform\":\"day\"}")),
                              &by_day, &err));
  CHECK_OK(firn_metadata_read(FIRN_LITERAL(METADATA("")), &plain, &err));
}

static void ends(void **state) {
  (void)state;
  firn_metadata_unref(by_day);
  firn_metadata_unref(plain);
  firn_free((void *)stored.data);
  firn_arena_free(&arena);
}

RUN_TESTS(begins, reads_what_version_1_wrote, writes_what_version_1_wrote,
          a_newer_version_is_refused_and_unknown_members_are_not, refuses_every_cut, flipped_bytes_do_no_harm,
          says_what_is_wrong, a_table_that_lost_the_spec_binds_nothing,
          writes_no_record_that_could_not_be_read, survives_oom, ends)

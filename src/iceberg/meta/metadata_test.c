#include "iceberg/meta/metadata.h"

#include "formats/codec/codec.h"
#include "test.h"

/* A small table of each version, in our own words. Snapshot ids are beyond what a double holds. */
static const char v2_json[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"s3://b/t\","
    "\"last-sequence-number\":7,\"last-updated-ms\":1750000000000,\"last-column-id\":3,"
    "\"current-schema-id\":1,\"schemas\":["
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":"
    "\"long\"}]},"
    "{\"type\":\"struct\",\"schema-id\":1,\"identifier-field-ids\":[1],\"fields\":["
    "{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":\"long\"},"
    "{\"id\":3,\"name\":\"y\",\"required\":false,\"type\":\"timestamptz\",\"doc\":\"when\"}]}],"
    "\"default-spec-id\":1,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":["
    "{\"name\":\"y_day\",\"transform\":\"day\",\"source-id\":3,\"field-id\":1000}]}],\"last-partition-id\":"
    "1000,"
    "\"default-sort-order-id\":1,\"sort-orders\":[{\"order-id\":0,\"fields\":[]},{\"order-id\":1,\"fields\":["
    "{\"transform\":\"identity\",\"source-id\":1,\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}],"
    "\"properties\":{\"owner\":\"lena\",\"empty\":\"\"},\"current-snapshot-id\":3055729675574597005,"
    "\"refs\":{\"main\":{\"snapshot-id\":3055729675574597005,\"type\":\"branch\",\"min-snapshots-to-keep\":5,"
    "\"max-snapshot-age-ms\":86400000},\"eoy\":{\"snapshot-id\":3051729675574597003,\"type\":\"tag\","
    "\"max-ref-age-ms\":10000000}},"
    "\"snapshots\":[{\"sequence-number\":6,\"snapshot-id\":3051729675574597003,\"timestamp-ms\":"
    "1749999990000,"
    "\"summary\":{\"operation\":\"append\",\"added-records\":\"5\"},\"manifest-list\":\"s3://b/t/1.avro\"},"
    "{\"sequence-number\":7,\"snapshot-id\":3055729675574597005,\"parent-snapshot-id\":3051729675574597003,"
    "\"timestamp-ms\":1749999999000,\"summary\":{\"operation\":\"delete\",\"added-records\":\"0\"},"
    "\"manifest-list\":\"s3://b/t/2.avro\",\"schema-id\":1}],"
    "\"statistics\":[{\"snapshot-id\":3055729675574597005,\"statistics-path\":\"s3://b/t/s.puffin\","
    "\"blob-metadata\":[]}],\"partition-statistics\":[{\"snapshot-id\":3051729675574597003,\"n\":[1, 2]}],"
    "\"snapshot-log\":[{\"timestamp-ms\":1749999990000,\"snapshot-id\":3051729675574597003},"
    "{\"timestamp-ms\":1749999999000,\"snapshot-id\":3055729675574597005}],"
    "\"metadata-log\":[{\"timestamp-ms\":1749999990000,\"metadata-file\":\"s3://b/t/0.json\"}]}";

/* Version 1 as the oldest writers left it: nothing that was added later. */
static const char v1_json[] =
    "{\"format-version\":1,\"location\":\"s3://b/t/\",\"last-updated-ms\":1500000000000,\"last-column-id\":2,"
    "\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":"
    "\"long\"},"
    "{\"id\":2,\"name\":\"y\",\"required\":false,\"type\":\"string\"}]},"
    "\"partition-spec\":[{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":1},"
    "{\"name\":\"y_t\",\"transform\":\"truncate[4]\",\"source-id\":2}],"
    "\"current-snapshot-id\":1,\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1499999999999,"
    "\"manifests\":[\"s3://b/t/m1.avro\",\"s3://b/t/m2.avro\"]}]}";

static firn_metadata *load(const char *json) {
  firn_error err;
  firn_metadata *m = NULL;
  CHECK_OK(firn_metadata_read(firn_bytes_of(json), &m, &err));
  return m;
}

/* The text that `m` is written as, terminated, in `b`. */
static const char *written(const firn_metadata *m, firn_builder *b) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_error err;
  firn_bytes out;
  firn_builder_reset(b);
  firn_metadata_write(m, &w);
  firn_builder_add_u8(b, 0);
  CHECK_OK(firn_builder_finish(b, &out, &err));
  return (const char *)out.data;
}

/* `json` with its first `from` replaced. */
static const char *changed(const char *json, const char *from, const char *to, firn_arena *arena) {
  const char *at = strstr(json, from);
  if (at == NULL) {
    fail_msg("%s is not in the text", from);
    return NULL;
  }
  return firn_arena_printf(arena, "%.*s%s%s", (int)(at - json), json, to, at + strlen(from));
}

static void reads_what_it_writes(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *m = load(v2_json);
  assert_string_equal(written(m, &b), v2_json);
  firn_error err;
  FIRN_AUTO_METADATA *copy = NULL;
  CHECK_OK(firn_metadata_new(firn_metadata_get(m), &copy, &err));
  firn_metadata_unref(FIRN_HAND_OVER(m)); /* the copy is whole */
  assert_string_equal(written(copy, &b), v2_json);
}

static void every_field_is_where_it_belongs(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = load(v2_json);
  const firn_metadata_fields *f = firn_metadata_get(m);
  assert_int_equal(f->format_version, 2);
  assert_string_equal(f->table_uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  assert_string_equal(f->location, "s3://b/t");
  assert_int_equal(f->last_sequence_number, 7);
  assert_int_equal(f->last_updated_ms, 1750000000000);
  assert_int_equal(f->last_column_id, 3);
  assert_int_equal(f->last_partition_id, 1000);
  assert_int_equal(firn_metadata_current_schema(m)->root.n_children, 2);
  assert_int_equal(firn_metadata_schema(m, 0)->root.n_children, 1);
  assert_null(firn_metadata_schema(m, 2));
  assert_int_equal(firn_metadata_default_spec(m)->fields[0].transform.kind, FIRN_TRANSFORM_DAY);
  assert_int_equal(firn_metadata_spec(m, 0)->n_fields, 0);
  assert_null(firn_metadata_spec(m, 9));
  assert_int_equal(firn_metadata_sort_order(m, 1)->n_fields, 1);
  assert_null(firn_metadata_sort_order(m, 2));
  assert_string_equal(firn_metadata_property(m, "owner"), "lena");
  assert_string_equal(firn_metadata_property(m, "empty"), "");
  assert_null(firn_metadata_property(m, "nobody"));
  const firn_snapshot *s = firn_metadata_current_snapshot(m);
  assert_string_equal(s->operation, "delete");
  assert_int_equal(s->summary.n, 1);
  assert_string_equal(firn_properties_get(&s->summary, "added-records"), "0");
  assert_true(s->has_parent && s->parent_snapshot_id == 3051729675574597003);
  assert_true(s->has_schema_id && s->schema_id == 1);
  assert_int_equal(s->sequence_number, 7);
  assert_string_equal(s->manifest_list, "s3://b/t/2.avro");
  assert_false(firn_metadata_snapshot(m, 3051729675574597003)->has_parent);
  const firn_ref *ref = firn_metadata_ref_named(m, "main");
  assert_true(ref->is_branch && ref->min_snapshots_to_keep == 5 && ref->max_snapshot_age_ms == 86400000);
  ref = firn_metadata_ref_named(m, "eoy");
  assert_true(!ref->is_branch && ref->max_ref_age_ms == 10000000 && ref->min_snapshots_to_keep == 0);
  assert_null(firn_metadata_ref_named(m, "dev"));
  assert_int_equal(f->statistics[0].snapshot_id, 3055729675574597005);
  CHECK_BYTES(f->partition_statistics[0].json, "{\"snapshot-id\":3051729675574597003,\"n\":[1, 2]}");
}

static void snapshot_ids_are_exact_to_the_last_bit(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const char *json = v2_json;
  while (strstr(json, "3055729675574597005") != NULL) {
    json = changed(json, "3055729675574597005", "9223372036854775807", &arena);
  }
  FIRN_AUTO_METADATA *m = load(json);
  assert_int_equal(firn_metadata_get(m)->current_snapshot_id, INT64_MAX);
  assert_string_equal(written(m, &b), json);
  assert_null(firn_metadata_snapshot(m, INT64_MAX - 1));
}

static void version_1_gets_what_it_left_out(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = load(v1_json);
  const firn_metadata_fields *f = firn_metadata_get(m);
  assert_null(f->table_uuid);
  assert_string_equal(f->location, "s3://b/t");
  assert_int_equal(f->last_sequence_number, 0);
  assert_int_equal(f->n_schemas, 1);
  assert_int_equal(f->current_schema_id, 0);
  assert_int_equal(f->n_specs, 1);
  assert_int_equal(f->default_spec_id, 0);
  assert_int_equal(f->specs[0].fields[0].field_id, 1000);
  assert_int_equal(f->specs[0].fields[1].field_id, 1001);
  assert_int_equal(f->last_partition_id, 1001);
  assert_int_equal(f->n_sort_orders, 1);
  assert_int_equal(firn_metadata_sort_order(m, 0)->n_fields, 0);
  const firn_snapshot *s = firn_metadata_current_snapshot(m);
  assert_null(s->manifest_list);
  assert_null(s->operation);
  assert_int_equal(s->n_manifests, 2);
  assert_string_equal(s->manifests[1], "s3://b/t/m2.avro");
  assert_int_equal(s->sequence_number, 0);
}

static void version_1_has_no_sequence_numbers_whatever_its_writer_thought(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *m =
      load(changed(v1_json, "\"timestamp-ms\":1499", "\"sequence-number\":7,\"timestamp-ms\":1499", &arena));
  assert_int_equal(firn_metadata_current_snapshot(m)->sequence_number, 0);
}

static void version_1_is_written_with_its_old_forms_and_reads_back(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0), c = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *m = load(v1_json);
  const char *text = written(m, &b);
  assert_non_null(strstr(text, "\"schema\":{\"type\":\"struct\",\"schema-id\":0"));
  assert_non_null(strstr(text, "\"schemas\":["));
  assert_non_null(strstr(text, "\"partition-spec\":[{\"name\":\"x\""));
  assert_non_null(strstr(text, "\"partition-specs\":["));
  assert_null(strstr(text, "sequence-number"));
  assert_non_null(strstr(text, "\"manifests\":[\"s3://b/t/m1.avro\""));
  FIRN_AUTO_METADATA *again = load(text);
  assert_string_equal(written(again, &c), text);
}

static void version_2_is_written_without_the_old_forms(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *m = load(v2_json);
  const char *text = written(m, &b);
  assert_null(strstr(text, "\"schema\":"));
  assert_null(strstr(text, "\"partition-spec\":"));
  assert_null(strstr(text, "\"manifests\":"));
}

static void a_missing_main_means_the_current_snapshot(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *old = load(v1_json);
  assert_int_equal(firn_metadata_ref_named(old, "main")->snapshot_id, 1);
  const char *json = changed(v2_json,
                             "\"main\":{\"snapshot-id\":3055729675574597005,\"type\":\"branch\",\"min-"
                             "snapshots-to-keep\":5,\"max-snapshot-age-ms\":86400000},",
                             "", &arena);
  FIRN_AUTO_METADATA *m = load(json);
  const firn_ref *head = firn_metadata_ref_named(m, "main");
  assert_true(head->is_branch && head->snapshot_id == 3055729675574597005);
  assert_non_null(firn_metadata_ref_named(m, "eoy"));
}

static void a_current_snapshot_of_minus_one_or_null_is_none(void **state) {
  (void)state;
  static const char empty[] =
      "{\"format-version\":1,\"location\":\"/t\",\"last-updated-ms\":1,\"last-column-id\":0,"
      "\"schema\":{\"type\":\"struct\",\"fields\":[]},\"partition-spec\":[]";
  static const char *const ways[] = {
      "", ",\"current-snapshot-id\":-1", ",\"current-snapshot-id\":null",
      ",\"current-snapshot-id\":-1,\"refs\":{},\"snapshots\":[]",
      ",\"refs\":null,\"snapshots\":null,\"snapshot-log\":null,\"properties\":null"};
  for (size_t i = 0; i < FIRN_COUNT_OF(ways); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_METADATA *m = load(firn_arena_printf(&arena, "%s%s}", empty, ways[i]));
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    assert_false(firn_metadata_get(m)->has_current_snapshot);
    assert_null(firn_metadata_current_snapshot(m));
    assert_int_equal(firn_metadata_get(m)->n_refs, 0);
    assert_null(strstr(written(m, &b), "current-snapshot-id")); /* optional; some readers refuse -1 */
    assert_int_equal(firn_metadata_get(m)->last_partition_id, 999);
  }
}

static void an_old_file_that_names_no_default_means_what_it_repeats(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *json =
      changed(v1_json, "\"partition-spec\":",
              "\"partition-specs\":[{\"spec-id\":3,\"fields\":[]},{\"spec-id\":2,\"fields\":["
              "{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
              "{\"name\":\"y_t\",\"transform\":\"truncate[4]\",\"source-id\":2,\"field-id\":1001}]}],"
              "\"schemas\":[{\"type\":\"struct\",\"schema-id\":4,\"fields\":[]},"
              "{\"type\":\"struct\",\"schema-id\":5,\"fields\":["
              "{\"id\":1,\"name\":\"x\",\"required\":true,\"type\":\"long\"},"
              "{\"id\":2,\"name\":\"y\",\"required\":false,\"type\":\"string\"}]}],\"partition-spec\":",
              &arena);
  FIRN_AUTO_METADATA *m = load(json);
  assert_int_equal(firn_metadata_get(m)->default_spec_id, 2);
  assert_int_equal(firn_metadata_get(m)->current_schema_id, 5);
  /* Without a repetition: the newest spec. */
  const char *no_spec = changed(json, "\"partition-spec\":", "\"other\":", &arena);
  FIRN_AUTO_METADATA *newest = load(no_spec);
  assert_int_equal(firn_metadata_get(newest)->default_spec_id, 3);
}

static void last_ids_that_lag_behind_are_raised(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *json = changed(v2_json, "\"last-column-id\":3", "\"last-column-id\":1", &arena);
  json = changed(json, "\"last-partition-id\":1000", "\"last-partition-id\":999", &arena);
  FIRN_AUTO_METADATA *m = load(json);
  assert_int_equal(firn_metadata_get(m)->last_column_id, 3);
  assert_int_equal(firn_metadata_get(m)->last_partition_id, 1000);
}

static void time_travel_asks_the_snapshot_log(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  /* A rollback: the log ends with the parent, which the chain of parents would not show. */
  const char *json =
      changed(v2_json, "{\"timestamp-ms\":1749999999000,\"snapshot-id\":3055729675574597005}],",
              "{\"timestamp-ms\":1749999999000,\"snapshot-id\":3055729675574597005},"
              "{\"timestamp-ms\":1749999999500,\"snapshot-id\":3051729675574597003}],",
              &arena);
  FIRN_AUTO_METADATA *m = load(json);
  assert_null(firn_metadata_log_at(m, 1749999989999));
  assert_int_equal(firn_metadata_log_at(m, 1749999990000)->snapshot_id, 3051729675574597003);
  assert_int_equal(firn_metadata_log_at(m, 1749999999499)->snapshot_id, 3055729675574597005);
  assert_int_equal(firn_metadata_log_at(m, INT64_MAX)->snapshot_id, 3051729675574597003);
}

static void summary_values_are_texts(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_metadata *m = NULL;
  firn_error err;
  const char *json = changed(v2_json, "\"added-records\":\"5\"", "\"added-records\":5", &arena);
  assert_int_equal(firn_metadata_read(firn_bytes_of(json), &m, &err), FIRN_CORRUPT);
  CHECK_SAYS("snapshot 3051729675574597003: \"added-records\" is no text");
  json = changed(v2_json, "\"operation\":\"append\",", "", &arena);
  FIRN_AUTO_METADATA *without = load(json); /* as the reference reads it */
  assert_string_equal(firn_metadata_get(without)->snapshots[0].operation, "overwrite");
}

static void keys_given_twice_are_refused_wherever_they_stand(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
  } cases[] = {
      {"\"location\":\"s3://b/t\"", "\"location\":\"s3://b/t\",\"location\":\"s3://b/u\""},
      {"\"snapshots\":[", "\"snapshots\":[],\"snapshots\":["},
      {"\"timestamp-ms\":1749999990000", "\"timestamp-ms\":1,\"timestamp-ms\":2"},
      {"\"added-records\":\"5\"", "\"added-records\":\"5\",\"added-records\":\"6\""},
      {"\"added-records\":\"0\"", "\"added-records\":\"0\",\"added-record\\u0073\":\"6\""},
      {"\"operation\":\"append\"", "\"operation\":\"append\",\"operation\":\"delete\""},
      {"\"owner\":\"lena\"", "\"owner\":\"lena\",\"owner\":\"mia\""},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_metadata *m = NULL;
    firn_error err = {0};
    const char *json = changed(v2_json, cases[i].from, cases[i].to, &arena);
    assert_int_equal(firn_metadata_read(firn_bytes_of(json), &m, &err), FIRN_CORRUPT);
    CHECK_SAYS("is given twice");
  }
}

static void packed_metadata_is_told_by_its_first_bytes(void **state) {
  (void)state;
  static const firn_codec codecs[] = {FIRN_CODEC_GZIP, FIRN_CODEC_ZSTD};
  for (size_t i = 0; i < FIRN_COUNT_OF(codecs); i++) {
    FIRN_AUTO_COMPRESSOR *c = NULL;
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0), b = FIRN_BUILDER_INIT(0);
    firn_error err;
    CHECK_OK(firn_compressor_new(codecs[i], FIRN_LEVEL_DEFAULT, &c, &err));
    CHECK_OK(firn_compress(c, firn_bytes_of(v2_json), &packed, &err));
    FIRN_AUTO_METADATA *m = NULL;
    CHECK_OK(firn_metadata_read(firn_builder_bytes(&packed), &m, &err));
    assert_string_equal(written(m, &b), v2_json);
    for (size_t len = 2; len < packed.len; len += 7) {
      firn_metadata *cut = NULL;
      assert_int_not_equal(firn_metadata_read((firn_bytes){packed.data, len}, &cut, &err), FIRN_OK);
    }
  }
}

static void newer_versions_are_refused_by_name(void **state) {
  (void)state;
  firn_metadata *m = NULL;
  firn_error err;
  assert_int_equal(
      firn_metadata_read(FIRN_LITERAL("{\"format-version\":3,\"schemas\":\"of the future\"}"), &m, &err),
      FIRN_UNSUPPORTED);
  CHECK_SAYS("table format version 3 is not supported");
  assert_int_equal(firn_metadata_read(FIRN_LITERAL("{\"format-version\":0}"), &m, &err), FIRN_CORRUPT);
  assert_int_equal(firn_metadata_read(FIRN_LITERAL("[]"), &m, &err), FIRN_CORRUPT);
  assert_int_equal(firn_metadata_read(FIRN_LITERAL(""), &m, &err), FIRN_CORRUPT);
}

/* Each change breaks one rule; the text says which. */
static void what_does_not_fit_together_is_refused_with_a_sentence(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"\"current-schema-id\":1", "\"current-schema-id\":2", "there is no schema 2"},
      {"\"schema-id\":0", "\"schema-id\":1", "schema 1 is there twice"},
      {"\"default-spec-id\":1", "\"default-spec-id\":4", "there is no partition spec 4"},
      {"\"spec-id\":0", "\"spec-id\":1", "partition spec 1 is there twice"},
      {"\"default-sort-order-id\":1", "\"default-sort-order-id\":2", "there is no sort order 2"},
      {"\"current-snapshot-id\":3055729675574597005", "\"current-snapshot-id\":5", "there is no snapshot 5"},
      {"\"current-snapshot-id\":3055729675574597005", "\"current-snapshot-id\":-1", "main"},
      {"\"current-snapshot-id\":3055729675574597005", "\"current-snapshot-id\":3051729675574597003",
       "main is not a branch at the current snapshot 3051729675574597003"},
      {"\"snapshot-id\":3055729675574597005,\"type\":\"branch\"",
       "\"snapshot-id\":3055729675574597005,\"type\":\"tag\"", "main is not a branch"},
      {"\"eoy\":{\"snapshot-id\":3051729675574597003", "\"eoy\":{\"snapshot-id\":9",
       "tag eoy names snapshot 9"},
      {"\"type\":\"tag\"", "\"type\":\"leaf\"", "ref eoy: \"type\" is neither"},
      {"\"min-snapshots-to-keep\":5", "\"min-snapshots-to-keep\":0",
       "ref main: \"min-snapshots-to-keep\" is not positive"},
      {"\"sequence-number\":7", "\"sequence-number\":8", "has sequence number 8"},
      {"\"snapshot-id\":3051729675574597003,\"timestamp-ms\"",
       "\"snapshot-id\":3055729675574597005,\"timestamp-ms\"", "snapshot 3055729675574597005 is there twice"},
      {"\"location\":\"s3://b/t\"", "\"location\":\"\"", "no location"},
      {"\"table-uuid\":\"9c12", "\"table-uuid\":\"9x12", "\"table-uuid\" is no UUID"},
      {"\"table-uuid\"", "\"table-id\"", "needs a \"table-uuid\""},
      {"\"last-sequence-number\":7,", "", "last-sequence-number"},
      {"\"partition-specs\"", "\"specs\"", "partition-specs"},
      {"\"last-partition-id\"", "\"last-p\"", "last-partition-id"},
      {"\"sort-orders\"", "\"orders\"", "sort-orders"},
      {"\"schemas\"", "\"schema\"", "schemas"},
      {"\"current-schema-id\"", "\"current\"", "current-schema-id"},
      {"\"owner\":\"lena\"", "\"owner\":null", "\"owner\" is no text"},
      {"\"owner\":\"lena\"", "\"owner\":\"le\\u0000na\"", "zero character"},
      {"\"manifest-list\":\"s3://b/t/1.avro\"", "\"a\":1", "manifest-list"},
      {"\"metadata-file\"", "\"file\"", "metadata-file"},
      {"\"snapshot-id\":3051729675574597003,\"n\"", "\"n\"", "\"partition-statistics\""},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_metadata *m = NULL;
    firn_error err = {0};
    const char *json = changed(v2_json, cases[i].from, cases[i].to, &arena);
    firn_status status = firn_metadata_read(firn_bytes_of(json), &m, &err);
    if (status != FIRN_CORRUPT) {
      fail_msg("%s for %s is %s", cases[i].to, cases[i].from, firn_status_name(status));
    }
    CHECK_SAYS(cases[i].says);
  }
}

static void what_a_caller_makes_wrong_is_invalid(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = load(v2_json);
  firn_metadata *made = NULL;
  firn_error err;
  firn_metadata_fields f = *firn_metadata_get(m);
  f.last_column_id = 2;
  assert_int_equal(firn_metadata_new(&f, &made, &err), FIRN_INVALID);
  CHECK_SAYS("schema 1 has field 3, beyond last-column-id 2");
  f = *firn_metadata_get(m);
  f.last_partition_id = 999;
  CHECK_STATUS(firn_metadata_new(&f, &made, NULL), FIRN_INVALID);
  f = *firn_metadata_get(m);
  f.format_version = 3;
  CHECK_STATUS(firn_metadata_new(&f, &made, NULL), FIRN_UNSUPPORTED);
  f = *firn_metadata_get(m);
  f.n_snapshots = 1;
  CHECK_STATUS(firn_metadata_new(&f, &made, NULL), FIRN_INVALID);
  firn_ref twice[] = {f.refs[1], f.refs[1], f.refs[0]};
  f = *firn_metadata_get(m);
  f.refs = twice;
  f.n_refs = 3;
  assert_int_equal(firn_metadata_new(&f, &made, &err), FIRN_INVALID);
  CHECK_SAYS("ref eoy is there twice");
}

static void many_snapshots_are_found_by_id(void **state) {
  (void)state;
  (void)test_ctx();
  enum { N = 9000 };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_METADATA *base = load(v1_json);
  firn_metadata_fields f = *firn_metadata_get(base);
  firn_snapshot *snapshots = firn_new_n(&arena, firn_snapshot, N);
  for (size_t i = 0; i < N; i++) {
    snapshots[i] = f.snapshots[0];
    /* Half of the ids ascend, half are random: both must spread. */
    snapshots[i].snapshot_id = i % 2 == 0 ? (int64_t)i : (int64_t)(test_random() >> 1);
  }
  f.snapshots = snapshots;
  f.n_snapshots = N;
  f.current_snapshot_id = snapshots[N - 1].snapshot_id;
  firn_ref head = {.name = "main", .snapshot_id = f.current_snapshot_id, .is_branch = true};
  f.refs = &head;
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(firn_metadata_new(&f, &m, &err));
  for (size_t i = 0; i < N; i++) {
    assert_ptr_equal(firn_metadata_snapshot(m, snapshots[i].snapshot_id),
                     &firn_metadata_get(m)->snapshots[i]);
  }
  assert_null(firn_metadata_snapshot(m, N));
  assert_null(firn_metadata_snapshot(m, -1));
}

static void is_shared_until_the_last_lets_go(void **state) {
  (void)state;
  firn_metadata *m = load(v2_json);
  firn_metadata *same = firn_metadata_ref(m);
  assert_ptr_equal(m, same);
  firn_metadata_unref(m);
  assert_int_equal(firn_metadata_get(same)->format_version, 2);
  firn_metadata_unref(same);
  firn_metadata_unref(NULL);
}

static void broken_json_is_an_error_and_never_a_crash(void **state) {
  (void)state;
  static const char *const texts[] = {v2_json, v1_json};
  for (size_t t = 0; t < FIRN_COUNT_OF(texts); t++) {
    size_t len = strlen(texts[t]);
    char *text = firn_alloc(len);
    for (size_t i = 0; i < len; i++) {
      firn_metadata *m = NULL;
      memcpy(text, texts[t], len);
      CHECK_STATUS(firn_metadata_read((firn_bytes){(uint8_t *)text, i}, &m, NULL), FIRN_CORRUPT);
      text[i] ^= 0x11;
      firn_status status = firn_metadata_read((firn_bytes){(uint8_t *)text, len}, &m, NULL);
      if (status == FIRN_OK) {
        firn_metadata_unref(m);
      } else {
        assert_true(status == FIRN_CORRUPT || status == FIRN_UNSUPPORTED || status == FIRN_LIMIT);
      }
    }
    firn_free(text);
  }
}

static firn_status read_copy_and_write(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_METADATA *copy = NULL;
  FIRN_TRY(firn_metadata_read(firn_bytes_of(v2_json), &m, NULL));
  FIRN_TRY(firn_metadata_new(firn_metadata_get(m), &copy, NULL));
  firn_metadata_write(copy, &w);
  firn_bytes out;
  FIRN_TRY(firn_builder_finish(&b, &out, NULL));
  CHECK_BYTES(out, v2_json);
  return FIRN_OK;
}

static firn_status read_version_1(void) {
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(firn_metadata_read(firn_bytes_of(v1_json), &m, NULL));
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_copy_and_write);
  check_survives_oom(read_version_1);
}

RUN_TESTS(reads_what_it_writes, every_field_is_where_it_belongs, snapshot_ids_are_exact_to_the_last_bit,
          version_1_gets_what_it_left_out, version_1_has_no_sequence_numbers_whatever_its_writer_thought,
          version_1_is_written_with_its_old_forms_and_reads_back, version_2_is_written_without_the_old_forms,
          a_missing_main_means_the_current_snapshot, a_current_snapshot_of_minus_one_or_null_is_none,
          an_old_file_that_names_no_default_means_what_it_repeats, last_ids_that_lag_behind_are_raised,
          time_travel_asks_the_snapshot_log, summary_values_are_texts,
          keys_given_twice_are_refused_wherever_they_stand, packed_metadata_is_told_by_its_first_bytes,
          newer_versions_are_refused_by_name, what_does_not_fit_together_is_refused_with_a_sentence,
          what_a_caller_makes_wrong_is_invalid, many_snapshots_are_found_by_id,
          is_shared_until_the_last_lets_go, broken_json_is_an_error_and_never_a_crash, survives_oom)

#include "test_table.h"

#define SCHEMA                                                                                    \
  "{\"type\":\"struct\",\"schema-id\":1,\"fields\":[{\"id\":7,\"name\":\"id\",\"required\":true," \
  "\"type\":\"long\"}]}"
#define STATISTICS "{\"snapshot-id\":42,\"statistics-path\":\"memory://lake/s.puffin\",\"extra\":[1,2]}"

/* In the form that is written. */
static const char *const all[] = {
    "{\"action\":\"assign-uuid\",\"uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\"}",
    "{\"action\":\"upgrade-format-version\",\"format-version\":2}",
    "{\"action\":\"add-schema\",\"schema\":" SCHEMA ",\"last-column-id\":7}",
    "{\"action\":\"set-current-schema\",\"schema-id\":-1}",
    "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[{\"name\":\"b\",\"transform\":\"bucket[16]"
    "\","
    "\"source-id\":7,\"field-id\":1000}]}}",
    "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[{\"name\":\"b\",\"transform\":\"bucket[16]"
    "\","
    "\"source-id\":7}]}}",
    "{\"action\":\"set-default-spec\",\"spec-id\":-1}",
    "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":1,\"fields\":[{\"transform\":\"identity\","
    "\"source-id\":7,\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}}",
    "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1}",
    "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"dev\",\"snapshot-id\":8744736658442914487,\"type\":"
    "\"branch\","
    "\"min-snapshots-to-keep\":3,\"max-snapshot-age-ms\":1000,\"max-ref-age-ms\":2000}",
    "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"v1\",\"snapshot-id\":1,\"type\":\"tag\"}",
    "{\"action\":\"remove-snapshots\",\"snapshot-ids\":[8744736658442914487,-1,0]}",
    "{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"dev\"}",
    "{\"action\":\"set-location\",\"location\":\"memory://lake/t\"}",
    "{\"action\":\"set-properties\",\"updates\":{\"a\":\"1\",\"b\":\"\"}}",
    "{\"action\":\"remove-properties\",\"removals\":[\"a\",\"b\"]}",
    "{\"action\":\"set-statistics\",\"statistics\":" STATISTICS ",\"snapshot-id\":42}",
    "{\"action\":\"remove-statistics\",\"snapshot-id\":8744736658442914487}",
    "{\"action\":\"set-partition-statistics\",\"partition-statistics\":" STATISTICS "}",
    "{\"action\":\"remove-partition-statistics\",\"snapshot-id\":42}",
    "{\"action\":\"remove-partition-specs\",\"spec-ids\":[1,2]}",
    "{\"action\":\"remove-schemas\",\"schema-ids\":[]}",
    "{\"action\":\"add-encryption-key\",\"encryption-key\":{\"key-id\":\"k\",\"encrypted-key-metadata\":\"AA="
    "=\"}}",
    "{\"action\":\"remove-encryption-key\",\"key-id\":\"k\"}",
};

static const char add_snapshot[] =
    "{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":8744736658442914487,"
    "\"parent-snapshot-id\":41,\"sequence-number\":9,\"timestamp-ms\":1750000000000,"
    "\"manifest-list\":\"memory://lake/"
    "snap.avro\",\"summary\":{\"operation\":\"append\",\"added-records\":\"3\"},"
    "\"schema-id\":1}}";

static firn_status read(firn_bytes text, firn_arena *arena, firn_update *out, firn_error *err) {
  const firn_json_value *json;
  FIRN_TRY(firn_json_tree_read(text, arena, &json, err));
  return firn_update_read(json, arena, out, err);
}

static firn_status write(const firn_update *u, firn_arena *arena, firn_bytes *out) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_update_write(u, &w);
  return firn_builder_finish_copy(&b, arena, out, NULL);
}

static firn_status round_trips(void) {
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_update u;
    firn_bytes text;
    FIRN_TRY(read(firn_bytes_of(all[i]), &arena, &u, NULL));
    FIRN_TRY(write(&u, &arena, &text));
    CHECK_BYTES(text, all[i]);
  }
  return FIRN_OK;
}

static void every_update_is_read_and_written(void **state) {
  (void)state;
  CHECK_STATUS(round_trips(), FIRN_OK);
}

static void a_snapshot_travels_whole(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_update u, again;
  firn_bytes text;
  CHECK_OK(read(firn_bytes_of(add_snapshot), &arena, &u, &err));
  CHECK_OK(write(&u, &arena, &text));
  CHECK_OK(read(text, &arena, &again, &err));
  assert_int_equal(again.kind, FIRN_UPDATE_ADD_SNAPSHOT);
  const firn_snapshot *s = &again.snapshot;
  assert_int_equal(s->snapshot_id, INT64_C(8744736658442914487)); /* through a double it would be ...914304 */
  assert_true(s->has_parent);
  assert_int_equal(s->parent_snapshot_id, 41);
  assert_int_equal(s->sequence_number, 9);
  assert_int_equal(s->timestamp_ms, INT64_C(1750000000000));
  assert_string_equal(s->manifest_list, "memory://lake/snap.avro");
  assert_string_equal(s->operation, "append");
  assert_string_equal(firn_properties_get(&s->summary, "added-records"), "3");
  assert_true(s->has_schema_id);
  assert_int_equal(s->schema_id, 1);
}

static void the_words_of_early_clients_are_understood(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_update u;
  CHECK_OK(read(FIRN_LITERAL("{\"action\":\"set-properties\",\"updated\":{\"a\":\"1\"}}"), &arena, &u, &err));
  assert_string_equal(firn_properties_get(&u.properties, "a"), "1");
  CHECK_OK(read(FIRN_LITERAL("{\"action\":\"set-properties\",\"updated\":{\"a\":\"1\"},"
                             "\"updates\":{\"a\":\"2\"}}"),
                &arena, &u, &err));
  assert_string_equal(firn_properties_get(&u.properties, "a"), "2");
  CHECK_OK(read(FIRN_LITERAL("{\"action\":\"remove-properties\",\"removed\":[\"a\"]}"), &arena, &u, &err));
  assert_int_equal(u.keys.n, 1);
  CHECK_OK(read(FIRN_LITERAL("{\"action\":\"Assign-UUID\",\"uuid\":\"x\"}"), &arena, &u, &err));
}

static void partition_fields_may_come_without_ids(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_update u;
  CHECK_OK(read(FIRN_LITERAL("{\"action\":\"add-spec\",\"spec\":{\"fields\":["
                             "{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1},"
                             "{\"name\":\"b\",\"transform\":\"identity\",\"source-id\":2}]}}"),
                &arena, &u, &err));
  assert_int_equal(u.spec.fields[0].field_id, FIRN_NO_ID);
  assert_int_equal(u.spec.fields[1].field_id, FIRN_NO_ID);
}

static void refuses_every_cut(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    for (size_t len = 0; len < strlen(all[i]); len++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_update u;
      CHECK_STATUS(read((firn_bytes){(const uint8_t *)all[i], len}, &arena, &u, NULL), FIRN_CORRUPT);
    }
  }
}

static void a_flipped_byte_never_harms(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    char text[512];
    size_t len = strlen(all[i]);
    assert_true(len < sizeof text);
    memcpy(text, all[i], len);
    for (size_t at = 0; at < len; at++) {
      for (unsigned bit = 1; bit < 256; bit <<= 1) {
        FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
        firn_update u;
        firn_bytes written;
        text[at] = (char)((unsigned char)all[i][at] ^ bit);
        if (read((firn_bytes){(const uint8_t *)text, len}, &arena, &u, NULL) == FIRN_OK) {
          CHECK_STATUS(write(&u, &arena, &written), FIRN_OK); /* what was taken can be written */
        }
      }
      text[at] = all[i][at];
    }
  }
}

static void wrong_values_are_refused_by_name(void **state) {
  (void)state;
  static const struct {
    const char *json, *says;
    firn_status status;
  } bad[] = {
      {"{\"action\":\"add-weather\"}", "unknown update \"add-weather\"", FIRN_UNSUPPORTED},
      {"{}", "action", FIRN_CORRUPT},
      {"[]", "action", FIRN_CORRUPT},
      {"{\"action\":\"remove-snapshots\",\"snapshot-ids\":[\"1\"]}", "update remove-snapshots", FIRN_CORRUPT},
      {"{\"action\":\"remove-snapshots\",\"snapshot-ids\":[1.5]}", "snapshot-ids", FIRN_CORRUPT},
      {"{\"action\":\"remove-snapshots\",\"snapshot-ids\":[9223372036854775808]}", "snapshot-ids",
       FIRN_CORRUPT},
      {"{\"action\":\"remove-snapshots\",\"snapshot-ids\":[[1]]}", "snapshot-ids", FIRN_CORRUPT},
      {"{\"action\":\"remove-properties\",\"removals\":[1]}", "removals", FIRN_CORRUPT},
      {"{\"action\":\"set-properties\",\"updates\":{\"a\":1}}", "update set-properties", FIRN_CORRUPT},
      {"{\"action\":\"set-properties\"}", "updates", FIRN_CORRUPT},
      {"{\"action\":\"set-snapshot-ref\",\"ref-name\":\"r\",\"snapshot-id\":1,\"type\":\"bough\"}", "bough",
       FIRN_CORRUPT},
      {"{\"action\":\"set-snapshot-ref\",\"ref-name\":\"r\",\"snapshot-id\":1,\"type\":\"branch\","
       "\"max-ref-age-ms\":0}",
       "max-ref-age-ms", FIRN_CORRUPT},
      {"{\"action\":\"set-statistics\",\"statistics\":{\"snapshot-id\":1}}", "statistics-path", FIRN_CORRUPT},
      {"{\"action\":\"upgrade-format-version\",\"format-version\":4294967297}", "format-version",
       FIRN_CORRUPT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_update u;
    firn_error err;
    CHECK_STATUS(read(firn_bytes_of(bad[i].json), &arena, &u, &err), bad[i].status);
    CHECK_SAYS(bad[i].says);
  }
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(round_trips);
}

RUN_TESTS(every_update_is_read_and_written, a_snapshot_travels_whole,
          the_words_of_early_clients_are_understood, partition_fields_may_come_without_ids, refuses_every_cut,
          a_flipped_byte_never_harms, wrong_values_are_refused_by_name, survives_oom)

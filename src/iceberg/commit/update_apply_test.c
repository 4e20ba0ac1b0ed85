#include "test_table.h"

#define T0 INT64_C(1749988800000) /* where test_ctx's clock starts */

typedef struct built {
  firn_metadata *m;
} built;

static void release(built *b) {
  firn_metadata_unref(b->m);
}
#define AUTO_BUILT FIRN_AUTO(release) built

static const firn_metadata_fields *fields(const built *b) {
  return firn_metadata_get(b->m);
}

static firn_status start(built *b, bool partitioned, firn_error *err) {
  return test_table_new(TEST_LOCATION, partitioned, NULL, test_ctx(), &b->m, err);
}

/* Applies to what is there and takes its place. */
static firn_status apply_at(built *b, const firn_update *updates, size_t n, int64_t now_ms, firn_error *err) {
  firn_metadata *after = NULL;
  FIRN_TRY(firn_updates_apply(b->m, NULL, updates, n, now_ms, &after, err));
  firn_metadata_unref(b->m);
  b->m = after;
  return FIRN_OK;
}

static firn_status apply(built *b, const firn_update *updates, size_t n, firn_error *err) {
  return apply_at(b, updates, n, T0, err);
}

static firn_status apply_one(built *b, firn_update update, firn_error *err) {
  return apply(b, &update, 1, err);
}

static firn_update add_snapshot(int64_t id, int64_t parent, int64_t sequence, int64_t at_ms) {
  return (firn_update){.kind = FIRN_UPDATE_ADD_SNAPSHOT,
                       .snapshot = {.snapshot_id = id,
                                    .has_parent = parent != 0,
                                    .parent_snapshot_id = parent,
                                    .sequence_number = sequence,
                                    .timestamp_ms = at_ms,
                                    .manifest_list = TEST_LOCATION "/metadata/snap.avro",
                                    .operation = "append"}};
}

static firn_update set_branch(const char *name, int64_t id) {
  return (firn_update){.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                       .ref = {.name = name, .snapshot_id = id, .is_branch = true}};
}

static firn_update remove_snapshots(const int64_t *ids, size_t n) {
  return (firn_update){.kind = FIRN_UPDATE_REMOVE_SNAPSHOTS, .ids = {.n = n, .items = ids}};
}

/* Snapshots 1 to `n` on main, one commit each, a second apart. */
static firn_status grow(built *b, int64_t n, firn_error *err) {
  for (int64_t id = 1; id <= n; id++) {
    const firn_update updates[] = {add_snapshot(id, id - 1, id, T0 + id * 1000), set_branch("main", id)};
    FIRN_TRY(apply_at(b, updates, 2, T0 + id * 1000, err));
  }
  return FIRN_OK;
}

/* --- new tables --- */

static void a_new_table_has_what_the_reference_gives_it(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err));
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->format_version, 2);
  assert_int_equal(strlen(m->table_uuid), 36);
  assert_string_equal(m->location, TEST_LOCATION);
  assert_int_equal(m->last_sequence_number, 0);
  assert_int_equal(m->last_column_id, 3);
  assert_int_equal(m->current_schema_id, 0);
  assert_int_equal(m->n_specs, 1);
  assert_int_equal(m->specs[0].fields[0].field_id, 1000);
  assert_int_equal(m->last_partition_id, 1000);
  assert_int_equal(m->n_sort_orders, 1);
  assert_int_equal(m->default_sort_order_id, 0);
  assert_false(m->has_current_snapshot);
  assert_int_equal(m->n_refs, 0);
  assert_string_equal(firn_metadata_property(b.m, "write.parquet.compression-codec"), "zstd");
}

static void an_unpartitioned_table_counts_partition_ids_from_999(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  assert_int_equal(fields(&b)->specs[0].n_fields, 0);
  assert_int_equal(fields(&b)->last_partition_id, 999);
}

static void a_new_table_needs_a_schema_a_location_and_a_uuid(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_update all[] = {
      {.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = schema},
      {.kind = FIRN_UPDATE_SET_LOCATION, .text = TEST_LOCATION "//"},
      {.kind = FIRN_UPDATE_ASSIGN_UUID, .text = "9C12D441-03FE-4693-9A96-A0705DDF69C1"},
  };
  firn_metadata *m = NULL;
  for (size_t n = 0; n < 3; n++) {
    CHECK_STATUS(firn_updates_apply(NULL, NULL, all, n, T0, &m, NULL), FIRN_INVALID);
  }
  CHECK_OK(firn_updates_apply(NULL, NULL, all, 3, T0, &m, &err));
  assert_string_equal(firn_metadata_get(m)->location, TEST_LOCATION); /* without the slashes */
  assert_string_equal(firn_metadata_get(m)->table_uuid, "9c12d441-03fe-4693-9a96-a0705ddf69c1");
  firn_metadata_unref(m);
}

/* --- single fields --- */

static void a_table_keeps_its_uuid(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  firn_update other = {.kind = FIRN_UPDATE_ASSIGN_UUID, .text = "9c12d441-03fe-4693-9a96-a0705ddf69c1"};
  CHECK_STATUS(apply_one(&b, other, &err), FIRN_INVALID);
  CHECK_SAYS("update assign-uuid: cannot give table");
  firn_metadata *before = b.m;
  firn_update same = {.kind = FIRN_UPDATE_ASSIGN_UUID, .text = fields(&b)->table_uuid};
  CHECK_OK(apply_one(&b, same, &err));
  assert_ptr_equal(b.m, before); /* nothing changed: the base itself */
  firn_update none = {.kind = FIRN_UPDATE_ASSIGN_UUID, .text = "not a uuid"};
  CHECK_STATUS(apply_one(&b, none, NULL), FIRN_INVALID);
}

static void version_3_is_refused_until_row_lineage_is_built(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_UPGRADE_FORMAT_VERSION, .id = 3}, &err),
               FIRN_UNSUPPORTED);
  CHECK_SAYS("format version 3 is not written yet");
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_UPGRADE_FORMAT_VERSION, .id = 1}, &err),
               FIRN_INVALID);
  CHECK_SAYS("Cannot downgrade v2 table to v1");
}

static const char version_1[] =
    "{\"format-version\":1,\"location\":\"" TEST_LOCATION
    "\",\"last-updated-ms\":1602638573874,"
    "\"last-column-id\":3,\"schema\":" TEST_SCHEMA
    ",\"partition-spec\":[{\"name\":\"id_bucket\","
    "\"transform\":\"bucket[4]\",\"source-id\":1},{\"name\":\"name\",\"transform\":\"identity\","
    "\"source-id\":3}],\"properties\":{},\"current-snapshot-id\":-1,\"snapshots\":[]}";

static void version_1_fields_without_ids_count_from_1000_and_survive_the_upgrade(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(firn_metadata_read(firn_bytes_of(version_1), &b.m, &err));
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ASSIGN_UUID, .text = "9c12d441-03fe-4693-9a96-a0705ddf69c1"},
      {.kind = FIRN_UPDATE_UPGRADE_FORMAT_VERSION, .id = 2},
  };
  CHECK_OK(apply(&b, updates, 2, &err));
  assert_int_equal(fields(&b)->format_version, 2);
  assert_int_equal(fields(&b)->specs[0].fields[0].field_id, 1000);
  assert_int_equal(fields(&b)->specs[0].fields[1].field_id, 1001);
  assert_int_equal(fields(&b)->last_partition_id, 1001);
  assert_int_equal(fields(&b)->last_sequence_number, 0);
}

static void a_current_snapshot_of_minus_1_is_none_and_takes_a_first_snapshot(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(firn_metadata_read(firn_bytes_of(version_1), &b.m, &err));
  assert_false(fields(&b)->has_current_snapshot);
  const firn_requirement no_main = {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main"};
  CHECK_OK(firn_requirement_check(&no_main, b.m, &err));
  const firn_update updates[] = {add_snapshot(7, 0, 0, T0), set_branch("main", 7)};
  CHECK_OK(apply(&b, updates, 2, &err));
  assert_int_equal(fields(&b)->current_snapshot_id, 7);
}

static void without_refs_the_current_snapshot_is_main(void **state) {
  (void)state;
  static const char old[] =
      "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":"
      "\"" TEST_LOCATION
      "\",\"last-sequence-number\":1,\"last-updated-ms\":1602638573874,\"last-column-id\":3,"
      "\"current-schema-id\":0,\"schemas\":[" TEST_SCHEMA
      "],\"default-spec-id\":0,"
      "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"last-partition-id\":999,"
      "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
      "\"current-snapshot-id\":9,\"snapshots\":[{\"snapshot-id\":9,\"sequence-number\":1,"
      "\"timestamp-ms\":1602638573874,\"manifest-list\":\"" TEST_LOCATION
      "/metadata/snap-9.avro\","
      "\"summary\":{\"operation\":\"append\"}}]}";
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(firn_metadata_read(firn_bytes_of(old), &b.m, &err));
  const firn_requirement is_9 = {
      .kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main", .has_snapshot_id = true, .id = 9};
  const firn_requirement is_none = {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main"};
  CHECK_OK(firn_requirement_check(&is_9, b.m, &err));
  CHECK_STATUS(firn_requirement_check(&is_none, b.m, NULL), FIRN_CONFLICT);
}

static void properties_are_set_and_removed(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  static const firn_property set[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  static const char *const gone[] = {"b", "never-there"};
  firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {3, set}};
  CHECK_OK(apply_one(&b, update, &err));
  assert_string_equal(firn_metadata_property(b.m, "a"), "3");
  assert_string_equal(firn_metadata_property(b.m, "b"), "2");
  firn_metadata *before = b.m;
  firn_update same = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &set[2]}};
  CHECK_OK(apply_one(&b, same, &err));
  assert_ptr_equal(b.m, before);
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {2, gone}};
  CHECK_OK(apply_one(&b, removal, &err));
  assert_null(firn_metadata_property(b.m, "b"));
  assert_string_equal(firn_metadata_property(b.m, "a"), "3");
}

static void encryption_keys_are_unsupported(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  firn_update add = {.kind = FIRN_UPDATE_ADD_ENCRYPTION_KEY, .json = FIRN_LITERAL("{}")};
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_ENCRYPTION_KEY, .text = "k"};
  CHECK_STATUS(apply_one(&b, add, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(apply_one(&b, removal, NULL), FIRN_UNSUPPORTED);
}

/* --- schemas, specs, orders --- */

#define WIDER                                                               \
  "{\"type\":\"struct\",\"schema-id\":77,\"fields\":["                      \
  "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"         \
  "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"}," \
  "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"},"    \
  "{\"id\":9,\"name\":\"more\",\"required\":false,\"type\":\"double\"}]}"

static void a_schema_gets_the_next_id_and_an_equal_one_is_used_again(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema wider, first;
  CHECK_OK(test_schema_read(WIDER, &arena, &wider, &err));
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &first, &err));
  const firn_update grow_it[] = {{.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = wider},
                                 {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED}};
  CHECK_OK(apply(&b, grow_it, 2, &err));
  assert_int_equal(fields(&b)->n_schemas, 2);
  assert_int_equal(fields(&b)->current_schema_id, 1); /* not the 77 that the client gave */
  assert_int_equal(fields(&b)->last_column_id, 9);
  const firn_update go_back[] = {{.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = first},
                                 {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED}};
  CHECK_OK(apply(&b, go_back, 2, &err));
  assert_int_equal(fields(&b)->n_schemas, 2);
  assert_int_equal(fields(&b)->current_schema_id, 0);
  assert_int_equal(fields(&b)->last_column_id, 9); /* ids are never given twice */
}

static void unknown_and_current_schemas_are_protected(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  static const int64_t current[] = {0}, unknown[] = {5};
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = 5}, &err),
               FIRN_INVALID);
  CHECK_SAYS("Cannot set current schema to unknown schema: 5");
  CHECK_STATUS(
      apply_one(&b, (firn_update){.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED}, &err),
      FIRN_INVALID);
  CHECK_SAYS("no schema has been added");
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_SCHEMAS, .ids = {1, current}};
  CHECK_STATUS(apply_one(&b, removal, &err), FIRN_INVALID);
  CHECK_SAYS("Cannot remove the current schema");
  firn_metadata *before = b.m;
  removal.ids.items = unknown;
  CHECK_OK(apply_one(&b, removal, &err));
  assert_ptr_equal(b.m, before);
}

static void an_old_schema_can_be_removed(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema wider;
  static const int64_t old[] = {0};
  CHECK_OK(test_schema_read(WIDER, &arena, &wider, &err));
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = wider},
                                 {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED},
                                 {.kind = FIRN_UPDATE_REMOVE_SCHEMAS, .ids = {1, old}}};
  CHECK_OK(apply(&b, updates, 3, &err));
  assert_int_equal(fields(&b)->n_schemas, 1);
  assert_int_equal(fields(&b)->schemas[0].schema_id, 1);
}

static void types_of_version_3_are_refused_by_column(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(
      test_schema_read("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"l\",\"required\":false,"
                       "\"type\":{\"type\":\"list\",\"element-id\":2,\"element-required\":false,"
                       "\"element\":\"timestamp_ns\"}}]}",
                       &arena, &schema, &err));
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = schema}, &err),
               FIRN_UNSUPPORTED);
  CHECK_SAYS("element: timestamp_ns needs format version 3");
}

static firn_partition_field identity(int32_t source, const char *name, int32_t id) {
  return (firn_partition_field){
      .source_id = source, .field_id = id, .name = name, .transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
}

static firn_status add_spec(built *b, const firn_partition_field *f, size_t n, firn_error *err) {
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SPEC, .spec = {.n_fields = n, .fields = f}},
                                 {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED}};
  return apply(b, updates, 2, err);
}

static void an_equivalent_partition_field_keeps_its_id(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err)); /* at_day = 1000 */
  const firn_partition_field fresh[] = {
      identity(3, "name", FIRN_NO_ID),
      {.source_id = 2, .field_id = FIRN_NO_ID, .name = "d", .transform = {.kind = FIRN_TRANSFORM_DAY}}};
  CHECK_OK(add_spec(&b, fresh, 2, &err));
  const firn_partition_spec *spec = firn_metadata_default_spec(b.m);
  assert_int_equal(spec->spec_id, 1);
  assert_int_equal(spec->fields[0].field_id, 1001); /* new */
  assert_int_equal(spec->fields[1].field_id, 1000); /* day(at), whatever its name */
  assert_int_equal(fields(&b)->last_partition_id, 1001);
}

static void specs_that_differ_only_in_ids_are_one(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err));
  const firn_partition_field other[] = {identity(3, "name", FIRN_NO_ID)};
  CHECK_OK(add_spec(&b, other, 1, &err));
  assert_int_equal(fields(&b)->default_spec_id, 1);
  const firn_partition_field again[] = {
      {.source_id = 2, .field_id = 1234, .name = "at_day", .transform = {.kind = FIRN_TRANSFORM_DAY}}};
  CHECK_OK(add_spec(&b, again, 1, &err));
  assert_int_equal(fields(&b)->n_specs, 2);
  assert_int_equal(fields(&b)->default_spec_id, 0);
  assert_int_equal(fields(&b)->specs[0].fields[0].field_id, 1000);
  assert_int_equal(fields(&b)->last_partition_id, 1001);
}

static void specs_that_make_no_sense_are_refused(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err));
  const firn_partition_field missing[] = {identity(99, "x", FIRN_NO_ID)};
  const firn_partition_field twins[] = {identity(1, "id", 1005), identity(3, "name", 1005)};
  const firn_partition_field strange[] = {{.source_id = 1,
                                           .field_id = FIRN_NO_ID,
                                           .name = "z",
                                           .transform = {.kind = FIRN_TRANSFORM_UNKNOWN, .text = "zorder"}}};
  CHECK_STATUS(add_spec(&b, missing, 1, NULL), FIRN_INVALID);
  CHECK_STATUS(add_spec(&b, twins, 2, &err), FIRN_INVALID);
  CHECK_SAYS("share the id 1005");
  assert_int_not_equal(add_spec(&b, strange, 1, NULL), FIRN_OK);
  static const int64_t current[] = {0};
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_PARTITION_SPECS, .ids = {1, current}};
  CHECK_STATUS(apply_one(&b, removal, &err), FIRN_INVALID);
  CHECK_SAYS("Cannot remove the default partition spec");
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = 4}, NULL),
               FIRN_INVALID);
}

static void version_1_wants_partition_ids_in_sequence(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(firn_metadata_read(firn_bytes_of(version_1), &b.m, &err));
  const firn_partition_field gap[] = {identity(1, "id", 1001)};
  CHECK_STATUS(add_spec(&b, gap, 1, &err), FIRN_INVALID);
  CHECK_SAYS("sequential IDs that are required in v1");
  const firn_partition_field left_out[] = {identity(1, "id", FIRN_NO_ID)};
  CHECK_OK(add_spec(&b, left_out, 1, &err));
  assert_int_equal(firn_metadata_default_spec(b.m)->fields[0].field_id, 1000);
}

static void a_schema_that_loses_the_partition_column_is_refused(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema narrow;
  CHECK_OK(
      test_schema_read("{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,"
                       "\"type\":\"long\"}]}",
                       &arena, &narrow, &err));
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = narrow},
                                 {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED}};
  CHECK_STATUS(apply(&b, updates, 2, &err), FIRN_INVALID);
  CHECK_SAYS("the default partition spec and the current schema");
}

static void sort_orders_count_from_1_and_0_is_unsorted(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  const firn_sort_field by_id = {.source_id = 1};
  const firn_sort_order sorted = {.order_id = 5, .n_fields = 1, .fields = &by_id};
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SORT_ORDER, .sort_order = sorted},
                                 {.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = FIRN_LAST_ADDED}};
  CHECK_OK(apply(&b, updates, 2, &err));
  assert_int_equal(fields(&b)->n_sort_orders, 2);
  assert_int_equal(fields(&b)->default_sort_order_id, 1);
  const firn_update unsort[] = {{.kind = FIRN_UPDATE_ADD_SORT_ORDER},
                                {.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = FIRN_LAST_ADDED}};
  CHECK_OK(apply(&b, unsort, 2, &err));
  assert_int_equal(fields(&b)->n_sort_orders, 2);
  assert_int_equal(fields(&b)->default_sort_order_id, 0);
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = 4}, NULL),
               FIRN_INVALID);
}

/* --- snapshots and refs --- */

static void a_commit_to_main_moves_the_table_and_its_log(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 3, &err));
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->n_snapshots, 3);
  assert_int_equal(m->last_sequence_number, 3);
  assert_int_equal(m->current_snapshot_id, 3);
  assert_int_equal(m->n_snapshot_log, 3);
  assert_int_equal(m->snapshot_log[1].snapshot_id, 2);
  assert_int_equal(m->snapshot_log[1].timestamp_ms, T0 + 2000);
  assert_int_equal(m->last_updated_ms, T0 + 3000);
  assert_int_equal(m->n_refs, 1);
}

static void a_sequence_number_that_is_not_new_loses_the_race(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 2, &err));
  CHECK_STATUS(apply_one(&b, add_snapshot(3, 2, 2, T0 + 3000), &err), FIRN_CONFLICT);
  CHECK_SAYS("Cannot add snapshot with sequence number 2 older than last sequence number 2");
  /* A history of its own may begin from an older base, but the table's number never falls. */
  CHECK_OK(apply_one(&b, add_snapshot(4, 0, 1, T0 + 3000), &err));
  assert_int_equal(fields(&b)->last_sequence_number, 2);
}

static void snapshots_that_make_no_sense_are_refused(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 1, &err));
  CHECK_STATUS(apply_one(&b, add_snapshot(1, 1, 2, T0 + 2000), &err), FIRN_INVALID);
  CHECK_SAYS("Snapshot already exists for id: 1");
  CHECK_STATUS(apply_one(&b, add_snapshot(2, 1, 2, T0 - 3600000), &err), FIRN_INVALID);
  CHECK_SAYS("before last snapshot timestamp");
  CHECK_STATUS(apply_one(&b, add_snapshot(2, 1, 2, T0 + 3600000), &err), FIRN_INVALID);
  CHECK_SAYS("more than a minute ahead");
  firn_update strange = add_snapshot(2, 1, 2, T0 + 2000);
  strange.snapshot.has_schema_id = true;
  strange.snapshot.schema_id = 8;
  CHECK_STATUS(apply_one(&b, strange, &err), FIRN_INVALID);
  CHECK_SAYS("unknown schema 8");
  firn_update listless = add_snapshot(2, 1, 2, T0 + 2000);
  listless.snapshot.manifest_list = NULL;
  CHECK_STATUS(apply_one(&b, listless, NULL), FIRN_INVALID);
}

static void a_clock_a_little_ahead_is_forgiven_and_time_stays_in_order(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  const firn_update updates[] = {add_snapshot(1, 0, 1, T0 + 30000), set_branch("main", 1)};
  CHECK_OK(apply_at(&b, updates, 2, T0, &err));
  assert_int_equal(fields(&b)->last_updated_ms, T0 + 30000);
  static const firn_property p = {"a", "b"};
  firn_update later = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
  CHECK_OK(apply_at(&b, &later, 1, T0 + 5, &err)); /* our own clock is behind the table's */
  assert_int_equal(fields(&b)->last_updated_ms, T0 + 30000);
}

/* The table of `b` with other numbers in it, as a stranger may have written them. */
static void change_fields(built *b, const firn_metadata_fields *f) {
  firn_error err;
  firn_metadata *changed = NULL;
  CHECK_OK(firn_metadata_new(f, &changed, &err));
  firn_metadata_unref(b->m);
  b->m = changed;
}

static void times_at_the_ends_of_the_range_are_compared_without_overflow(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 1, &err));
  CHECK_STATUS(apply_one(&b, add_snapshot(2, 1, 2, INT64_MIN), &err), FIRN_INVALID);
  CHECK_SAYS("before last snapshot timestamp");
  CHECK_STATUS(apply_one(&b, add_snapshot(2, 1, 2, INT64_MAX), &err), FIRN_INVALID);
  CHECK_SAYS("more than a minute ahead");
  firn_metadata_fields f = *fields(&b);
  const firn_snapshot_log_entry log[] = {{.timestamp_ms = INT64_MIN, .snapshot_id = 1}};
  f.last_updated_ms = INT64_MAX;
  f.snapshot_log = log;
  change_fields(&b, &f);
  CHECK_OK(apply_one(&b, add_snapshot(2, 1, 2, INT64_MAX), &err));
}

static void ids_that_others_drove_to_the_end_are_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, true, &err));
  firn_metadata_fields f = *fields(&b);
  firn_schema last_schema = f.schemas[0];
  firn_partition_spec last_spec = f.specs[0];
  firn_sort_order last_order = {.order_id = INT32_MAX};
  last_schema.schema_id = f.current_schema_id = INT32_MAX;
  last_spec.spec_id = f.default_spec_id = f.last_partition_id = INT32_MAX;
  f.default_sort_order_id = INT32_MAX;
  f.schemas = &last_schema;
  f.specs = &last_spec;
  f.sort_orders = &last_order;
  change_fields(&b, &f);
  firn_schema schema;
  CHECK_OK(
      test_schema_read("{\"type\":\"struct\",\"fields\":["
                       "{\"id\":1,\"name\":\"other\",\"required\":true,\"type\":\"long\"}]}",
                       &arena, &schema, &err));
  CHECK_STATUS(apply_one(&b, (firn_update){.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = schema}, &err),
               FIRN_LIMIT);
  CHECK_SAYS("no id is left");
  const firn_partition_field field = {
      .source_id = 1, .field_id = FIRN_NO_ID, .name = "id", .transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
  firn_update add_spec = {.kind = FIRN_UPDATE_ADD_SPEC, .spec = {.n_fields = 1, .fields = &field}};
  CHECK_STATUS(apply_one(&b, add_spec, NULL), FIRN_LIMIT);
  const firn_sort_field by = {.source_id = 1, .transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
  firn_update add_order = {.kind = FIRN_UPDATE_ADD_SORT_ORDER, .sort_order = {.n_fields = 1, .fields = &by}};
  CHECK_STATUS(apply_one(&b, add_order, NULL), FIRN_LIMIT);
  firn_metadata_fields g = *fields(&b); /* ids of specs are left, those of their fields are not */
  last_spec = g.specs[0];
  last_spec.spec_id = g.default_spec_id = 0;
  g.specs = &last_spec;
  change_fields(&b, &g);
  CHECK_STATUS(apply_one(&b, add_spec, &err), FIRN_LIMIT);
}

static void refs_are_checked_and_kept(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 2, &err));
  CHECK_STATUS(apply_one(&b, set_branch("dev", 99), &err), FIRN_INVALID);
  CHECK_SAYS("Cannot set dev to unknown snapshot: 99");
  firn_update tag = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "main", .snapshot_id = 1}};
  CHECK_STATUS(apply_one(&b, tag, &err), FIRN_INVALID);
  CHECK_SAYS("Cannot set main to a tag, it must be a branch");
  tag.ref.name = "gold";
  tag.ref.min_snapshots_to_keep = 2;
  CHECK_STATUS(apply_one(&b, tag, NULL), FIRN_INVALID);
  tag.ref.min_snapshots_to_keep = 0;
  tag.ref.max_ref_age_ms = 5000;
  CHECK_OK(apply_one(&b, tag, &err));
  const firn_ref *gold = firn_metadata_ref_named(b.m, "gold");
  assert_false(gold->is_branch);
  assert_int_equal(gold->max_ref_age_ms, 5000);
  assert_int_equal(fields(&b)->n_snapshot_log, 2); /* only main is in the log */
  firn_metadata *before = b.m;
  CHECK_OK(apply_one(&b, tag, &err));
  assert_ptr_equal(b.m, before);
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "gold"};
  CHECK_OK(apply_one(&b, removal, &err));
  assert_null(firn_metadata_ref_named(b.m, "gold"));
}

static void a_rollback_is_logged_at_the_time_of_the_change(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 2, &err));
  firn_update back = set_branch("main", 1);
  CHECK_OK(apply_at(&b, &back, 1, T0 + 9000, &err));
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->current_snapshot_id, 1);
  assert_int_equal(m->n_snapshot_log, 3);
  assert_int_equal(m->snapshot_log[2].snapshot_id, 1);
  assert_int_equal(m->snapshot_log[2].timestamp_ms, T0 + 9000);
}

static void time_travel_goes_by_the_snapshot_log_and_not_by_parents(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 3, &err));
  firn_update back = set_branch("main", 1);
  CHECK_OK(apply_at(&b, &back, 1, T0 + 9000, &err));
  /* The chain of parents of the current snapshot knows nothing of 2 and 3; the log still does. */
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->n_snapshot_log, 4);
  assert_int_equal(m->snapshot_log[2].snapshot_id, 3);
  assert_false(firn_metadata_current_snapshot(b.m)->has_parent);
}

static void snapshots_replaced_within_one_commit_were_never_current(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  const firn_update updates[] = {add_snapshot(1, 0, 1, T0), set_branch("main", 1),
                                 add_snapshot(2, 1, 2, T0 + 1), set_branch("main", 2)};
  CHECK_OK(apply(&b, updates, 4, &err));
  assert_int_equal(fields(&b)->n_snapshots, 2);
  assert_int_equal(fields(&b)->n_snapshot_log, 1);
  assert_int_equal(fields(&b)->snapshot_log[0].snapshot_id, 2);
}

static void removing_a_snapshot_cuts_the_log_before_it(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 4, &err));
  static const int64_t second[] = {2, 77};
  CHECK_OK(apply_one(&b, remove_snapshots(second, 2), &err));
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->n_snapshots, 3);
  /* 1 would seem to have been current until 3: its entry goes too. */
  assert_int_equal(m->n_snapshot_log, 2);
  assert_int_equal(m->snapshot_log[0].snapshot_id, 3);
  assert_int_equal(m->snapshot_log[1].snapshot_id, 4);
  assert_int_equal(m->current_snapshot_id, 4);
}

static firn_update statistics_of(int64_t id, bool partition) {
  return (firn_update){
      .kind = partition ? FIRN_UPDATE_SET_PARTITION_STATISTICS : FIRN_UPDATE_SET_STATISTICS,
      .statistics = {.snapshot_id = id,
                     .json = id == 1
                                 ? FIRN_LITERAL("{\"snapshot-id\":1,\"statistics-path\":\"memory://lake/1\","
                                                "\"file-size-in-bytes\":1,\"file-footer-size-in-bytes\":1,"
                                                "\"blob-metadata\":[]}")
                                 : FIRN_LITERAL("{\"snapshot-id\":2,\"statistics-path\":\"memory://lake/2\","
                                                "\"file-size-in-bytes\":1,\"file-footer-size-in-bytes\":1,"
                                                "\"blob-metadata\":[]}")}};
}

static void what_belongs_to_a_removed_snapshot_goes_with_it(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 2, &err));
  const firn_update updates[] = {set_branch("dev", 1),   statistics_of(1, false), statistics_of(2, false),
                                 statistics_of(1, true), statistics_of(2, true),  statistics_of(2, true)};
  CHECK_OK(apply(&b, updates, 6, &err));
  assert_int_equal(fields(&b)->n_statistics, 2);
  assert_int_equal(fields(&b)->n_partition_statistics, 2); /* a second one of a snapshot replaces the first */
  static const int64_t first[] = {1};
  CHECK_OK(apply_one(&b, remove_snapshots(first, 1), &err));
  assert_null(firn_metadata_ref_named(b.m, "dev"));
  assert_int_equal(fields(&b)->n_statistics, 1);
  assert_int_equal(fields(&b)->statistics[0].snapshot_id, 2);
  assert_int_equal(fields(&b)->n_partition_statistics, 1);
  static const int64_t second[] = {2};
  firn_update removal = {.kind = FIRN_UPDATE_REMOVE_STATISTICS, .ids = {1, second}};
  CHECK_OK(apply_one(&b, removal, &err));
  removal.kind = FIRN_UPDATE_REMOVE_PARTITION_STATISTICS;
  CHECK_OK(apply_one(&b, removal, &err));
  assert_int_equal(fields(&b)->n_statistics, 0);
  assert_int_equal(fields(&b)->n_partition_statistics, 0);
}

static void removing_the_current_snapshot_empties_main(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  CHECK_OK(grow(&b, 2, &err));
  static const int64_t head[] = {2};
  CHECK_OK(apply_one(&b, remove_snapshots(head, 1), &err));
  assert_false(fields(&b)->has_current_snapshot);
  assert_null(firn_metadata_ref_named(b.m, "main"));
  assert_int_equal(fields(&b)->n_snapshot_log, 0);
}

static void many_snapshots_in_one_commit_stay_cheap(void **state) {
  (void)state;
  enum { MANY = 2000 };
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  firn_update *updates = firn_alloc(MANY * sizeof *updates);
  int64_t *ids = firn_alloc(MANY * sizeof *ids);
  assert_non_null(updates);
  assert_non_null(ids);
  for (int64_t i = 0; i < MANY; i++) {
    updates[i] = add_snapshot(i + 1, i, i + 1, T0);
    ids[i] = i + 1;
  }
  CHECK_OK(apply(&b, updates, MANY, &err));
  assert_int_equal(fields(&b)->n_snapshots, MANY);
  CHECK_OK(apply_one(&b, remove_snapshots(ids, MANY - 1), &err));
  assert_int_equal(fields(&b)->n_snapshots, 1);
  assert_int_equal(fields(&b)->snapshots[0].snapshot_id, MANY);
  firn_free(updates);
  firn_free(ids);
}

/* --- the metadata log --- */

static void the_metadata_log_is_cut_at_its_bound(void **state) {
  (void)state;
  firn_error err;
  AUTO_BUILT b = {0};
  CHECK_OK(start(&b, false, &err));
  static const firn_property three = {"write.metadata.previous-versions-max", "3"};
  char names[6][64];
  for (int i = 0; i < 6; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", i);
    (void)snprintf(names[i], sizeof names[i], TEST_LOCATION "/metadata/%d.json", i);
    const firn_property set[] = {three, {"round", text}};
    const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {2, set}};
    firn_metadata *after = NULL;
    CHECK_OK(firn_updates_apply(b.m, names[i], &update, 1, T0 + i, &after, &err));
    firn_metadata_unref(b.m);
    b.m = after;
  }
  const firn_metadata_fields *m = fields(&b);
  assert_int_equal(m->n_metadata_log, 3);
  assert_string_equal(m->metadata_log[0].metadata_file, names[3]);
  assert_string_equal(m->metadata_log[2].metadata_file, names[5]);
  assert_int_equal(m->metadata_log[2].timestamp_ms, T0 + 4); /* when that file was the newest */
}

/* --- memory --- */

static firn_status everything(void) {
  AUTO_BUILT b = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema wider;
  FIRN_TRY(start(&b, true, NULL));
  FIRN_TRY(grow(&b, 2, NULL));
  FIRN_TRY(test_schema_read(WIDER, &arena, &wider, NULL));
  const firn_partition_field by_name = identity(3, "name", FIRN_NO_ID);
  const firn_sort_field by_id = {.source_id = 1};
  static const firn_property p = {"a", "b"};
  static const char *const gone[] = {"a"};
  static const int64_t first[] = {1};
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = wider},
      {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED},
      {.kind = FIRN_UPDATE_ADD_SPEC, .spec = {.n_fields = 1, .fields = &by_name}},
      {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED},
      {.kind = FIRN_UPDATE_ADD_SORT_ORDER, .sort_order = {.n_fields = 1, .fields = &by_id}},
      {.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = FIRN_LAST_ADDED},
      {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}},
      {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {1, gone}},
      {.kind = FIRN_UPDATE_SET_LOCATION, .text = TEST_LOCATION "2"},
      set_branch("dev", 1),
      statistics_of(1, false),
      remove_snapshots(first, 1),
      add_snapshot(3, 2, 3, T0 + 3000),
      set_branch("main", 3),
  };
  firn_metadata *after = NULL;
  FIRN_TRY(firn_updates_apply(b.m, TEST_LOCATION "/metadata/x.json", updates, FIRN_COUNT_OF(updates),
                              T0 + 3000, &after, NULL));
  firn_metadata_unref(after);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(everything);
}

RUN_TESTS(a_new_table_has_what_the_reference_gives_it, an_unpartitioned_table_counts_partition_ids_from_999,
          a_new_table_needs_a_schema_a_location_and_a_uuid, a_table_keeps_its_uuid,
          version_3_is_refused_until_row_lineage_is_built,
          version_1_fields_without_ids_count_from_1000_and_survive_the_upgrade,
          a_current_snapshot_of_minus_1_is_none_and_takes_a_first_snapshot,
          without_refs_the_current_snapshot_is_main, properties_are_set_and_removed,
          encryption_keys_are_unsupported, a_schema_gets_the_next_id_and_an_equal_one_is_used_again,
          unknown_and_current_schemas_are_protected, an_old_schema_can_be_removed,
          types_of_version_3_are_refused_by_column, an_equivalent_partition_field_keeps_its_id,
          specs_that_differ_only_in_ids_are_one, specs_that_make_no_sense_are_refused,
          version_1_wants_partition_ids_in_sequence, a_schema_that_loses_the_partition_column_is_refused,
          sort_orders_count_from_1_and_0_is_unsorted, a_commit_to_main_moves_the_table_and_its_log,
          a_sequence_number_that_is_not_new_loses_the_race, snapshots_that_make_no_sense_are_refused,
          a_clock_a_little_ahead_is_forgiven_and_time_stays_in_order,
          times_at_the_ends_of_the_range_are_compared_without_overflow,
          ids_that_others_drove_to_the_end_are_refused, refs_are_checked_and_kept,
          a_rollback_is_logged_at_the_time_of_the_change,
          time_travel_goes_by_the_snapshot_log_and_not_by_parents,
          snapshots_replaced_within_one_commit_were_never_current, removing_a_snapshot_cuts_the_log_before_it,
          what_belongs_to_a_removed_snapshot_goes_with_it, removing_the_current_snapshot_empties_main,
          many_snapshots_in_one_commit_stay_cheap, the_metadata_log_is_cut_at_its_bound, survives_oom)

#include "iceberg/inspect/inspect.h"

#include "test_table.h"

/* A table with some appends, and one of its metadata tables. */
static firn_inspect_options of(test_catalog *c, firn_inspect_kind kind) {
  return (firn_inspect_options){.kind = kind,
                                .table_name = "db.events",
                                .metadata = c->metadata,
                                .metadata_location = c->location,
                                .snapshot = firn_metadata_current_snapshot(c->metadata),
                                .stores = c->base.stores};
}

/* Every row as JSON, one a line. */
static firn_status read_rows(const firn_inspect_options *o, firn_ctx *ctx, firn_arena *arena, size_t *n_rows,
                             const char **out, firn_error *err) {
  FIRN_AUTO_INSPECT *i = NULL;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes text;
  *n_rows = 0;
  FIRN_TRY(firn_inspect_open(o, ctx, &i, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_inspect_next(i, ctx, &batch, err));
    if (batch == NULL) {
      break;
    }
    FIRN_TRY(firn_batch_check(batch, err));
    *n_rows += batch->n_rows;
    for (size_t row = 0; row < batch->n_rows; row++) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
      firn_json_begin_object(&w);
      for (uint32_t k = 0; k < batch->schema->n_children; k++) {
        firn_json_key(&w, batch->schema->children[k].name);
        firn_vector_write_json(&batch->columns[k], &batch->schema->children[k], row, &w);
      }
      firn_json_end_object(&w);
      firn_builder_add_u8(&b, '\n');
    }
  }
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  *out = firn_arena_text(arena, text);
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory") : FIRN_OK;
}

static const char *rows_of(test_catalog *c, firn_inspect_kind kind, firn_arena *arena, size_t *n) {
  firn_error err;
  const char *text = NULL;
  firn_inspect_options o = of(c, kind);
  CHECK_OK(read_rows(&o, test_ctx(), arena, n, &text, &err));
  return text;
}

#define EXPECT(text, part)                               \
  do {                                                   \
    if (strstr((text), (part)) == NULL) {                \
      fail_msg("\"%s\" is not in:\n%s", (part), (text)); \
    }                                                    \
  } while (0)

#define TABLE(n_appends)                                                                          \
  firn_error err;                                                                                 \
  firn_ctx *ctx = test_ctx();                                                                     \
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);                                                     \
  FIRN_AUTO_TEST_CATALOG c = {0};                                                                 \
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));                                   \
  for (int a_ = 0; a_ < (n_appends); a_++) {                                                      \
    const char *prefix_ = firn_arena_printf(&arena, "f%d-", a_);                                  \
    CHECK_OK(test_append(&c, ctx, prefix_, 2, &(firn_append){.fast = true}, &arena, NULL, &err)); \
  }                                                                                               \
  size_t n FIRN_UNUSED;                                                                           \
  const char *text FIRN_UNUSED

static void names_are_found_in_any_case(void **state) {
  (void)state;
  firn_inspect_kind kind = FIRN_INSPECT_FILES;
  assert_true(firn_inspect_kind_of(FIRN_LITERAL("All_Data_Files"), &kind));
  assert_int_equal(kind, FIRN_INSPECT_ALL_DATA_FILES);
  assert_false(firn_inspect_kind_of(FIRN_LITERAL("snapshot"), &kind));
  assert_false(firn_inspect_kind_of(FIRN_LITERAL("snapshotss"), &kind));
  assert_false(firn_inspect_kind_of(FIRN_LITERAL(""), &kind));
  for (int k = FIRN_INSPECT_HISTORY; k <= FIRN_INSPECT_ALL_ENTRIES; k++) {
    assert_true(firn_inspect_kind_of(firn_bytes_of(firn_inspect_name((firn_inspect_kind)k)), &kind));
    assert_int_equal(kind, k);
  }
  assert_true(firn_inspect_is_of_snapshot(FIRN_INSPECT_PARTITIONS));
  assert_false(firn_inspect_is_of_snapshot(FIRN_INSPECT_ALL_FILES));
  assert_false(firn_inspect_is_of_snapshot(FIRN_INSPECT_REFS));
}

static void a_table_without_snapshots_has_only_its_file(void **state) {
  (void)state;
  TABLE(0);
  for (int k = FIRN_INSPECT_HISTORY; k <= FIRN_INSPECT_ALL_ENTRIES; k++) {
    text = rows_of(&c, (firn_inspect_kind)k, &arena, &n);
    assert_int_equal(n, k == FIRN_INSPECT_METADATA_LOG_ENTRIES ? 1 : 0);
  }
  text = rows_of(&c, FIRN_INSPECT_METADATA_LOG_ENTRIES, &arena, &n);
  EXPECT(text, c.location);
  EXPECT(text, "\"latest_snapshot_id\":null,\"latest_schema_id\":null,\"latest_sequence_number\":null");
}

static void snapshots_history_and_refs_follow_the_metadata(void **state) {
  (void)state;
  TABLE(2);
  const firn_metadata_fields *m = firn_metadata_get(c.metadata);
  const firn_snapshot *first = &m->snapshots[0];
  const firn_snapshot *second = &m->snapshots[1];
  text = rows_of(&c, FIRN_INSPECT_SNAPSHOTS, &arena, &n);
  assert_int_equal(n, 2);
  EXPECT(text, firn_arena_printf(&arena, "\"snapshot_id\":%lld,\"parent_id\":null,\"operation\":\"append\"",
                                 (long long)first->snapshot_id));
  EXPECT(text,
         firn_arena_printf(&arena, "\"parent_id\":%lld,\"operation\":\"append\",\"manifest_list\":\"%s\"",
                           (long long)first->snapshot_id, second->manifest_list));
  EXPECT(text, "added-data-files");
  text = rows_of(&c, FIRN_INSPECT_HISTORY, &arena, &n);
  assert_int_equal(n, 2);
  EXPECT(text, firn_arena_printf(&arena,
                                 "\"snapshot_id\":%lld,\"parent_id\":%lld,\"is_current_ancestor\":true,"
                                 "\"table_name\":\"db.events\",\"parent_snapshot_id\":%lld,"
                                 "\"operation\":\"append\",\"summary\":{\"keys\":[",
                                 (long long)second->snapshot_id, (long long)first->snapshot_id,
                                 (long long)first->snapshot_id));
  text = rows_of(&c, FIRN_INSPECT_REFS, &arena, &n);
  assert_string_equal(text,
                      firn_arena_printf(&arena,
                                        "{\"name\":\"main\",\"type\":\"BRANCH\",\"snapshot_id\":%lld,"
                                        "\"max_reference_age_in_ms\":null,\"min_snapshots_to_keep\":null,"
                                        "\"max_snapshot_age_in_ms\":null}\n",
                                        (long long)second->snapshot_id));
}

static void files_are_those_of_the_snapshot(void **state) {
  (void)state;
  TABLE(3);
  text = rows_of(&c, FIRN_INSPECT_FILES, &arena, &n);
  assert_int_equal(n, 6);
  EXPECT(text, "{\"content\":0,\"file_path\":\"" TEST_LOCATION
               "/data/f1-0.parquet\",\"file_format\":\"PARQUET\",\"spec_id\":0,"
               "\"partition\":{\"at_day\":\"2024-10-04\"},\"record_count\":10,\"file_size_in_bytes\":1000,");
  EXPECT(text, "\"readable_metrics\":{\"at\":{\"column_size\":null,");
  firn_inspect_options o = of(&c, FIRN_INSPECT_DATA_FILES);
  o.snapshot = &firn_metadata_get(c.metadata)->snapshots[0];
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 2);
  o.kind = FIRN_INSPECT_DELETE_FILES;
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 0);
  o.kind = FIRN_INSPECT_ALL_FILES; /* each manifest once, though three snapshots have the first */
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 6);
  o.kind = FIRN_INSPECT_ALL_MANIFESTS; /* each as often as a snapshot has it */
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 1 + 2 + 3);
  o.kind = FIRN_INSPECT_MANIFESTS;
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 1);
  EXPECT(text,
         "\"added_data_files_count\":2,\"existing_data_files_count\":0,\"deleted_data_files_count\":0,"
         "\"added_delete_files_count\":0,");
  EXPECT(text,
         "[{\"contains_null\":false,\"contains_nan\":false,\"lower_bound\":\"2024-10-04\","
         "\"upper_bound\":\"2024-10-05\"}]");
  o.kind = FIRN_INSPECT_ENTRIES;
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 2);
  EXPECT(text, "{\"status\":1,\"snapshot_id\":");
  EXPECT(text, "\"sequence_number\":1,\"file_sequence_number\":1,\"data_file\":{\"content\":0,");
}

static void partitions_add_up(void **state) {
  (void)state;
  TABLE(3);
  const firn_snapshot *last = firn_metadata_current_snapshot(c.metadata);
  text = rows_of(&c, FIRN_INSPECT_PARTITIONS, &arena, &n);
  assert_int_equal(n, 2);
  EXPECT(text,
         "{\"partition\":{\"at_day\":\"2024-10-04\"},\"spec_id\":0,\"record_count\":30,\"file_count\":3,"
         "\"total_data_file_size_in_bytes\":3000,\"position_delete_record_count\":0,");
  EXPECT(text, firn_arena_printf(&arena, "\"last_updated_snapshot_id\":%lld}", (long long)last->snapshot_id));
}

static void only_the_columns_wanted_come(void **state) {
  (void)state;
  TABLE(2);
  firn_inspect_options o = of(&c, FIRN_INSPECT_FILES);
  firn_field all;
  CHECK_OK(firn_inspect_columns(o.kind, c.metadata, &arena, &all, &err));
  assert_string_equal(all.children[5].name, "record_count");
  assert_string_equal(all.children[1].name, "file_path");
  const uint32_t two[] = {5, 1};
  o.columns = two;
  o.n_columns = 2;
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  EXPECT(text, "{\"record_count\":10,\"file_path\":\"" TEST_LOCATION "/data/f0-0.parquet\"}\n");
  o.n_columns = 0;
  CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
  assert_int_equal(n, 4);
  assert_memory_equal(text, "{}\n{}\n", 6);
  const uint32_t twice[] = {1, 1};
  o.columns = twice;
  o.n_columns = 2;
  CHECK_STATUS(read_rows(&o, ctx, &arena, &n, &text, &err), FIRN_INVALID);
  /* Every column alone, of every kind of table, is what it is among the others. */
  for (int k = FIRN_INSPECT_HISTORY; k <= FIRN_INSPECT_ALL_ENTRIES; k++) {
    o = of(&c, (firn_inspect_kind)k);
    const char *whole;
    CHECK_OK(firn_inspect_columns(o.kind, c.metadata, &arena, &all, &err));
    CHECK_OK(read_rows(&o, ctx, &arena, &n, &whole, &err));
    for (uint32_t column = 0; n > 0 && column < all.n_children; column++) {
      o.columns = &column;
      o.n_columns = 1;
      CHECK_OK(read_rows(&o, ctx, &arena, &n, &text, &err));
      char *line = firn_arena_text(&arena, (firn_bytes){(const uint8_t *)text + 1, strcspn(text, "\n") - 2});
      EXPECT(whole, line);
    }
  }
}

static void a_manifest_that_is_gone_is_named(void **state) {
  (void)state;
  TABLE(1);
  const firn_manifest_file *manifests;
  firn_store *store;
  const char *path;
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  firn_bytes bytes;
  CHECK_OK(test_read_location(c.base.stores, ctx, firn_metadata_current_snapshot(c.metadata)->manifest_list,
                              &arena, &bytes, &err));
  CHECK_OK(firn_manifest_list_open(firn_avro_source_over(&bytes), ctx, &reader, &err));
  CHECK_OK(firn_manifest_list_next(reader, ctx, &manifests, &err));
  CHECK_OK(firn_stores_find(c.base.stores, manifests->path, &arena, &store, &path, &err));
  CHECK_OK(firn_store_remove(store, ctx, &path, 1, NULL, &err));
  firn_inspect_options o = of(&c, FIRN_INSPECT_FILES);
  FIRN_AUTO_INSPECT *i = NULL;
  const firn_batch *batch;
  CHECK_OK(firn_inspect_open(&o, ctx, &i, &err));
  CHECK_STATUS(firn_inspect_next(i, ctx, &batch, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("files: manifest " TEST_LOCATION "/metadata/");
  assert_null(batch);
}

static test_catalog *filled; /* made before the first allocation fails */

static firn_status read_all_tables(void) {
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_inspect_kind kinds[] = {FIRN_INSPECT_HISTORY, FIRN_INSPECT_ALL_ENTRIES,
                                            FIRN_INSPECT_PARTITIONS, FIRN_INSPECT_ALL_MANIFESTS};
  for (size_t k = 0; k < FIRN_COUNT_OF(kinds); k++) {
    size_t n;
    const char *text;
    firn_inspect_options o = of(filled, kinds[k]);
    FIRN_TRY(read_rows(&o, ctx, &arena, &n, &text, &err));
  }
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  TABLE(1);
  text = rows_of(&c, FIRN_INSPECT_FILES, &arena, &n);
  assert_int_equal(n, 2);
  filled = &c;
  check_survives_oom(read_all_tables);
}

RUN_TESTS(names_are_found_in_any_case, a_table_without_snapshots_has_only_its_file,
          snapshots_history_and_refs_follow_the_metadata, files_are_those_of_the_snapshot, partitions_add_up,
          only_the_columns_wanted_come, a_manifest_that_is_gone_is_named, survives_oom)

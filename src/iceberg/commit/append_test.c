#include "iceberg/commit/append.h"

#include "test_table.h"

static const char *summary(const firn_snapshot *s, const char *key) {
  const char *value = firn_properties_get(&s->summary, key);
  return value == NULL ? "(none)" : value;
}

static test_entries read_current(test_catalog *c, firn_ctx *ctx, firn_arena *arena) {
  firn_error err;
  test_entries entries;
  CHECK_OK(test_read_snapshot(c->base.stores, ctx, c->metadata, firn_metadata_current_snapshot(c->metadata),
                              arena, &entries, &err));
  return entries;
}

/* --- what a snapshot holds --- */

static void the_first_append_makes_main(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 3, NULL, &arena, &r, &err));
  const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata);
  assert_non_null(s);
  assert_int_equal(s->snapshot_id, r.snapshot.snapshot_id);
  assert_true(s->snapshot_id > 0);
  assert_false(s->has_parent);
  assert_int_equal(s->sequence_number, 1);
  assert_string_equal(s->operation, "append");
  assert_true(s->has_schema_id);
  assert_string_equal(s->manifest_list, r.snapshot.manifest_list);
  assert_int_equal(r.n_attempts, 1);
  assert_int_equal(r.n_manifests, 1);
  assert_false(r.was_uncertain);
  assert_string_equal(summary(s, "added-data-files"), "3");
  assert_string_equal(summary(s, "added-records"), "30");
  assert_string_equal(summary(s, "added-files-size"), "3000");
  assert_string_equal(summary(s, "changed-partition-count"), "3");
  assert_string_equal(summary(s, "total-data-files"), "3");
  assert_string_equal(summary(s, "total-delete-files"), "0");
  assert_string_equal(summary(s, "total-equality-deletes"), "0");
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 3);
  assert_int_equal(entries.rows, 30);
}

static void totals_are_text_and_carried_forward(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 3, NULL, &arena, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "b", 2, NULL, &arena, NULL, &err));
  const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata);
  assert_string_equal(summary(s, "added-data-files"), "2");
  assert_string_equal(summary(s, "total-data-files"), "5");
  assert_string_equal(summary(s, "total-records"), "50");
  assert_string_equal(summary(s, "total-files-size"), "5000");
  assert_string_equal(summary(s, "total-delete-files"),
                      "0"); /* not forgotten by a snapshot without deletes */
  assert_string_equal(summary(s, "manifests-created"), "1");
  assert_string_equal(summary(s, "manifests-kept"), "1");
}

static void a_total_that_the_parent_does_not_know_stays_unknown(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err));
  /* A foreign engine's snapshot, whose summary says only that there are -7 records and no more. */
  firn_snapshot foreign = *firn_metadata_current_snapshot(c.metadata);
  static const firn_property odd[] = {{"total-records", "-7"}, {"total-data-files", "many"}};
  foreign.parent_snapshot_id = foreign.snapshot_id;
  foreign.has_parent = true;
  foreign.snapshot_id = 5;
  foreign.sequence_number = 2;
  foreign.summary = (firn_properties){2, odd};
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ADD_SNAPSHOT, .snapshot = foreign},
      {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "main", .snapshot_id = 5, .is_branch = true}}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 2, .updates = updates};
  CHECK_OK(firn_catalog_commit(&c.base, ctx, &commit, 1, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err));
  const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata);
  assert_string_equal(summary(s, "total-records"), "(none)");
  assert_string_equal(summary(s, "total-data-files"), "(none)");
  assert_string_equal(summary(s, "added-records"), "10");
}

static void new_entries_inherit_their_numbers_and_old_ones_keep_theirs(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "c", 1, NULL, &arena, NULL, &err));
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 3);
  for (size_t i = 0; i < 3; i++) { /* newest first */
    assert_int_equal(entries.sequence_numbers[i], 3 - (int64_t)i);
    assert_int_equal(entries.snapshot_ids[i], firn_metadata_get(c.metadata)->snapshots[2 - i].snapshot_id);
  }
}

static void an_append_of_nothing_makes_a_snapshot_all_the_same(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  static const firn_property position = {"firn.log.x", "{\"0\":7}"};
  const firn_append how = {.summary = {1, &position}, .properties = {1, &position}};
  CHECK_OK(test_append(&c, ctx, "", 0, &how, &arena, NULL, &err));
  const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata);
  assert_string_equal(summary(s, "firn.log.x"), "{\"0\":7}");
  assert_string_equal(summary(s, "added-data-files"), "(none)");
  assert_string_equal(summary(s, "changed-partition-count"), "0");
  assert_string_equal(firn_metadata_property(c.metadata, "firn.log.x"), "{\"0\":7}");
  assert_int_equal(read_current(&c, ctx, &arena).n_live, 0);
}

static void files_of_two_specs_come_in_two_manifests(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SPEC},
                                 {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 2, .updates = updates};
  CHECK_OK(firn_catalog_commit(&c.base, ctx, &commit, 1, NULL, &err));
  firn_data_file files[] = {test_data_file("memory://lake/1", 20000, &arena),
                            test_data_file("memory://lake/2", 20000, &arena),
                            test_data_file("memory://lake/3", -1, &arena)};
  files[1].spec_id = 1;
  const firn_append append = {.n_files = 3, .files = files};
  firn_append_result r;
  CHECK_OK(firn_append_commit(&c.base, ctx, &test_table_id, &append, &arena, &r, &err));
  assert_int_equal(r.n_manifests, 2);
  assert_string_equal(summary(&r.snapshot, "changed-partition-count"), "3");
  assert_int_equal(read_current(&c, ctx, &arena).n_live, 3);
}

static void manifests_roll_at_their_target_size(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property small = {"commit.manifest.target-size-bytes", "5000"};
  const firn_properties properties = {1, &small};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  firn_append_result r;
  const firn_append how = {.fast = true};
  CHECK_OK(test_append(&c, ctx, "a", 300, &how, &arena, &r, &err));
  assert_true(r.n_manifests > 3);
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 300);
  assert_int_equal(entries.n_twice, 0);
  assert_int_equal(entries.n_manifests, r.n_manifests);
}

static void files_are_named_as_other_engines_expect(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property elsewhere = {"write.metadata.path", "memory://lake/meta/"};
  const firn_properties properties = {1, &elsewhere};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, &r, &err));
  const char *start =
      firn_arena_printf(&arena, "memory://lake/meta/snap-%lld-1-", (long long)r.snapshot.snapshot_id);
  assert_memory_equal(r.snapshot.manifest_list, start, strlen(start));
  assert_int_equal(strlen(r.snapshot.manifest_list), strlen(start) + 36 + strlen(".avro"));
  assert_int_equal(test_count_objects(c.store, ctx, "-m0.avro"), 1);
  assert_int_equal(test_count_objects(c.store, ctx, "meta/"), 4); /* two metadata files, list, manifest */
}

/* --- what is refused --- */

static void a_path_twice_in_one_append_is_refused(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  const firn_data_file files[] = {test_data_file("memory://lake/1", 20000, &arena),
                                  test_data_file("memory://lake/2", 20000, &arena),
                                  test_data_file("memory://lake/1", 20001, &arena)};
  const firn_append append = {.n_files = 3, .files = files};
  CHECK_STATUS(firn_append_commit(&c.base, ctx, &test_table_id, &append, &arena, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("the file memory://lake/1 is in this append twice");
  assert_int_equal(test_count_objects(c.store, ctx, ".avro"), 0);
}

static void files_that_do_not_fit_the_table_are_refused(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_data_file bad[5];
  for (size_t i = 0; i < 5; i++) {
    bad[i] = test_data_file("memory://lake/1", 20000, &arena);
  }
  bad[0].spec_id = 3;
  bad[1].content = FIRN_CONTENT_POSITION_DELETES;
  bad[2].path = "";
  bad[3].record_count = -1;
  bad[4].partition = NULL;
  for (size_t i = 0; i < 5; i++) {
    const firn_append append = {.n_files = 1, .files = &bad[i]};
    CHECK_STATUS(firn_append_commit(&c.base, ctx, &test_table_id, &append, &arena, NULL, NULL), FIRN_INVALID);
  }
  static const firn_property own = {"total-records", "1"};
  const firn_append append = {.summary = {1, &own}};
  CHECK_STATUS(firn_append_commit(&c.base, ctx, &test_table_id, &append, &arena, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("the commit itself writes total-records");
  assert_int_equal(c.n_commits, 0);
}

static void version_1_is_refused_with_its_remedy(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  firn_metadata_unref(c.metadata);
  c.metadata = NULL;
  CHECK_OK(firn_metadata_read(FIRN_LITERAL("{\"format-version\":1,\"location\":\"" TEST_LOCATION
                                           "\",\"last-updated-ms\":1602638573874,\"last-column-id\":3,"
                                           "\"schema\":" TEST_SCHEMA ",\"partition-spec\":[],"
                                           "\"properties\":{},\"current-snapshot-id\":-1,\"snapshots\":[]}"),
                              &c.metadata, &err));
  CHECK_STATUS(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("version 1 can be upgraded to 2");
}

/* --- branches --- */

static void a_new_branch_starts_at_the_current_snapshot(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_append_result main_head, dev_head;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &main_head, &err));
  const firn_append to_dev = {.branch = "dev"};
  CHECK_OK(test_append(&c, ctx, "b", 1, &to_dev, &arena, &dev_head, &err));
  assert_int_equal(dev_head.snapshot.parent_snapshot_id, main_head.snapshot.snapshot_id);
  assert_string_equal(summary(&dev_head.snapshot, "total-data-files"), "3");
  const firn_metadata_fields *m = firn_metadata_get(c.metadata);
  assert_int_equal(m->current_snapshot_id, main_head.snapshot.snapshot_id);
  assert_int_equal(m->n_snapshot_log, 1);
  assert_int_equal(firn_metadata_ref_named(c.metadata, "dev")->snapshot_id, dev_head.snapshot.snapshot_id);
}

static void the_retention_of_a_branch_survives_an_append(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, &r, &err));
  const firn_update update = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                              .ref = {.name = "main",
                                      .snapshot_id = r.snapshot.snapshot_id,
                                      .is_branch = true,
                                      .min_snapshots_to_keep = 5}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &update};
  CHECK_OK(firn_catalog_commit(&c.base, ctx, &commit, 1, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err));
  assert_int_equal(firn_metadata_ref_named(c.metadata, "main")->min_snapshots_to_keep, 5);
}

static void a_tag_takes_no_append(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, &r, &err));
  const firn_update update = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                              .ref = {.name = "gold", .snapshot_id = r.snapshot.snapshot_id}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &update};
  CHECK_OK(firn_catalog_commit(&c.base, ctx, &commit, 1, NULL, &err));
  const firn_append to_tag = {.branch = "gold"};
  CHECK_STATUS(test_append(&c, ctx, "b", 1, &to_tag, &arena, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("gold is a tag");
}

/* --- what must be carried along --- */

static firn_status add_to(void *self, firn_bytes data, firn_error *err) {
  firn_bytes all;
  firn_builder_add(self, data);
  return firn_builder_finish(self, &all, err);
}

static firn_status put(test_catalog *c, firn_ctx *ctx, const char *location, const firn_builder *b,
                       firn_arena *arena, firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(c->base.stores, location, arena, &store, &path, err));
  return firn_store_put(store, ctx, path, firn_builder_bytes(b), FIRN_PUT_ALWAYS, NULL, err);
}

/* Makes snapshot 6 of a manifest list the head of main. */
static firn_status commit_list(test_catalog *c, firn_ctx *ctx, const firn_builder *list, firn_arena *arena,
                               firn_error *err) {
  const char *location = TEST_LOCATION "/metadata/snap-6.avro";
  FIRN_TRY(put(c, ctx, location, list, arena, err));
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ADD_SNAPSHOT,
       .snapshot = {.snapshot_id = 6,
                    .sequence_number = 1,
                    .timestamp_ms = firn_ctx_now_us(ctx) / 1000,
                    .manifest_list = location,
                    .operation = "delete"}},
      {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "main", .snapshot_id = 6, .is_branch = true}}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 2, .updates = updates};
  return firn_catalog_commit(&c->base, ctx, &commit, 1, NULL, err);
}

/* A snapshot of another engine with one manifest of position deletes. */
static firn_status commit_deletes(test_catalog *c, firn_ctx *ctx, firn_arena *arena, firn_error *err) {
  FIRN_AUTO_BUILDER manifest = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER list = FIRN_BUILDER_INIT(0);
  const firn_manifest_writer_options options = {.format_version = 2,
                                                .schema = firn_metadata_current_schema(c->metadata),
                                                .spec = firn_metadata_default_spec(c->metadata),
                                                .is_deletes = true,
                                                .snapshot_id = 6,
                                                .codec = FIRN_CODEC_DEFLATE,
                                                .env = ctx->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, (firn_avro_sink){add_to, &manifest}, &w, err));
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED,
                               .snapshot_id = 6,
                               .file = test_data_file("memory://lake/deletes.parquet", 20000, arena)};
  entry.file.content = FIRN_CONTENT_POSITION_DELETES;
  FIRN_TRY(firn_manifest_writer_add(w, &entry, err));
  firn_manifest_file made;
  FIRN_TRY(firn_manifest_writer_finish(w, arena, &made, err));
  made.path = TEST_LOCATION "/metadata/deletes-m0.avro";
  FIRN_TRY(put(c, ctx, made.path, &manifest, arena, err));
  const firn_manifest_file *manifests[] = {&made};
  const firn_manifest_list_options list_options = {.format_version = 2,
                                                   .snapshot_id = 6,
                                                   .sequence_number = 1,
                                                   .codec = FIRN_CODEC_DEFLATE,
                                                   .env = ctx->env};
  FIRN_TRY(firn_manifest_list_write(&list_options, manifests, 1, &list, err));
  return commit_list(c, ctx, &list, arena, err);
}

static void manifests_of_deletes_are_carried_along(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property eager = {"commit.manifest.min-count-to-merge", "2"};
  const firn_properties properties = {1, &eager};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  CHECK_OK(commit_deletes(&c, ctx, &arena, &err));
  for (int i = 0; i < 3; i++) {
    const char *prefix = firn_arena_printf(&arena, "%d-", i);
    CHECK_OK(test_append(&c, ctx, prefix, 1, NULL, &arena, NULL, &err));
  }
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 4);
  assert_string_equal(entries.paths[3], "memory://lake/deletes.parquet"); /* after the data */
  assert_int_equal(entries.sequence_numbers[3], 1);
  assert_int_equal(entries.n_manifests, 2);
}

/* Makes INT64_MAX - 1 rows one more, which our own writer would not count together with others. */
static void raise_rows(firn_builder *manifest) {
  static const uint8_t nearly[] = {0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01};
  for (size_t i = 0; i + sizeof nearly <= manifest->len; i++) {
    if (memcmp(manifest->data + i, nearly, sizeof nearly) == 0) {
      manifest->data[i] = 0xFE;
    }
  }
}

/* A snapshot of another engine whose list tells neither partitions nor all counts. */
static firn_status commit_manifest(test_catalog *c, firn_ctx *ctx, const firn_manifest_entry *entries,
                                   size_t n, firn_arena *arena, firn_error *err) {
  FIRN_AUTO_BUILDER manifest = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER list = FIRN_BUILDER_INIT(0);
  const firn_manifest_writer_options options = {.format_version = 2,
                                                .schema = firn_metadata_current_schema(c->metadata),
                                                .spec = firn_metadata_default_spec(c->metadata),
                                                .snapshot_id = 6,
                                                .codec = FIRN_CODEC_NONE,
                                                .env = ctx->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, (firn_avro_sink){add_to, &manifest}, &w, err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_manifest_writer_add(w, &entries[i], err));
  }
  firn_manifest_file made;
  FIRN_TRY(firn_manifest_writer_finish(w, arena, &made, err));
  made.path = TEST_LOCATION "/metadata/other-m0.avro";
  made.partitions = NULL;
  made.n_partitions = 0;
  made.n_added_rows = -1;
  raise_rows(&manifest);
  FIRN_TRY(put(c, ctx, made.path, &manifest, arena, err));
  const firn_manifest_file *manifests[] = {&made};
  const firn_manifest_list_options list_options = {.format_version = 2,
                                                   .snapshot_id = 6,
                                                   .sequence_number = 1,
                                                   .codec = FIRN_CODEC_DEFLATE,
                                                   .env = ctx->env};
  FIRN_TRY(firn_manifest_list_write(&list_options, manifests, 1, &list, err));
  return commit_list(c, ctx, &list, arena, err);
}

static void files_that_others_deleted_do_not_come_back_in_a_merge(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property eager = {"commit.manifest.min-count-to-merge", "2"};
  const firn_properties properties = {1, &eager};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  const firn_manifest_entry entries[] = {
      {.status = FIRN_ENTRY_DELETED,
       .snapshot_id = 6,
       .sequence_number = 1,
       .file_sequence_number = 1,
       .file = test_data_file("memory://lake/gone.parquet", 20000, &arena)},
      {.status = FIRN_ENTRY_EXISTING,
       .snapshot_id = 5,
       .sequence_number = 1,
       .file_sequence_number = 1,
       .file = test_data_file("memory://lake/kept.parquet", 20001, &arena)}};
  CHECK_OK(commit_manifest(&c, ctx, entries, 2, &arena, &err));
  assert_int_equal(read_current(&c, ctx, &arena).n_deleted, 1);
  CHECK_OK(test_append(&c, ctx, "", 1, NULL, &arena, NULL, &err));
  test_entries read = read_current(&c, ctx, &arena);
  assert_int_equal(read.n_manifests, 1);
  assert_int_equal(read.n_live, 2);
  assert_int_equal(read.n_deleted, 0);
  for (size_t i = 0; i < read.n_live; i++) {
    assert_string_not_equal(read.paths[i], "memory://lake/gone.parquet");
  }
}

/* A list that does not say how many: the manifest is counted, and what it says of rows need not be small. */
static void rows_of_others_beyond_all_counting_are_refused(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_manifest_entry entries[] = {{.status = FIRN_ENTRY_ADDED,
                                    .snapshot_id = 6,
                                    .file = test_data_file("memory://lake/a.parquet", 20000, &arena)},
                                   {.status = FIRN_ENTRY_ADDED,
                                    .snapshot_id = 6,
                                    .file = test_data_file("memory://lake/b.parquet", 20000, &arena)}};
  entries[0].file.record_count = INT64_MAX - 1;
  entries[1].file.record_count = 1;
  CHECK_OK(commit_manifest(&c, ctx, entries, 2, &arena, &err));
  const firn_append fast = {.fast = true};
  CHECK_STATUS(test_append(&c, ctx, "", 1, &fast, &arena, NULL, &err), FIRN_CORRUPT);
  CHECK_SAYS("other-m0.avro: more files or rows than can be counted");
}

static void unknown_partitions_of_others_stay_unknown_when_carried_along(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  const firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED,
                                     .snapshot_id = 6,
                                     .file = test_data_file("memory://lake/a.parquet", 20000, &arena)};
  CHECK_OK(commit_manifest(&c, ctx, &entry, 1, &arena, &err));
  CHECK_OK(test_append(&c, ctx, "", 1, NULL, &arena, NULL, &err));
  firn_bytes bytes;
  CHECK_OK(test_read_location(c.base.stores, ctx, firn_metadata_current_snapshot(c.metadata)->manifest_list,
                              &arena, &bytes, &err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  CHECK_OK(firn_manifest_list_open(firn_avro_source_over(&bytes), ctx, &reader, &err));
  const firn_manifest_file *m = NULL;
  CHECK_OK(firn_manifest_list_next(reader, ctx, &m, &err));
  assert_int_equal(m->n_partitions, 1); /* ours */
  CHECK_OK(firn_manifest_list_next(reader, ctx, &m, &err));
  assert_null(m->partitions);
  assert_true(m->has_counts); /* counted */
  assert_int_equal(m->n_added_rows, 10);
}

static int64_t an_hour_before(void *self) {
  (void)self;
  return (INT64_C(1749988800) - 3600) * 1000000;
}

static void a_snapshot_is_not_older_than_its_table_when_the_clock_went_back(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err));
  const firn_env *now = ctx->env;
  firn_env earlier = *now;
  earlier.now_us = an_hour_before;
  ctx->env = &earlier;
  CHECK_OK(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err));
  ctx->env = now;
  const firn_metadata_fields *m = firn_metadata_get(c.metadata);
  assert_int_equal(m->n_snapshot_log, 2);
  assert_true(m->snapshots[1].timestamp_ms >= m->snapshots[0].timestamp_ms);
  assert_true(m->snapshot_log[1].timestamp_ms >= m->snapshot_log[0].timestamp_ms);
}

static const firn_property at_2[] = {{"commit.manifest.min-count-to-merge", "2"},
                                     {"write.metadata.delete-after-commit.enabled", "true"},
                                     {"write.metadata.previous-versions-max", "1"}};
static const firn_properties merging = {3, at_2};

/* Two appends, of which the second merges. `n_ok` counts those that are in. */
static firn_status append_two(test_catalog *c, firn_ctx *ctx, size_t *n_ok, firn_error *err) {
  static const char *const prefixes[] = {"a", "b"};
  for (size_t i = 0; i < 2; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_TRY(test_append(c, ctx, prefixes[i], 2, NULL, &arena, NULL, err));
    (*n_ok)++;
  }
  return FIRN_OK;
}

/* --- memory runs out --- */

static firn_status count_objects(test_catalog *c, firn_ctx *ctx, const char *part, size_t *n) {
  FIRN_AUTO_LISTING *listing = NULL;
  FIRN_TRY(firn_store_list(c->store, ctx, "", &listing, NULL));
  for (*n = 0;;) {
    const firn_listed *listed;
    FIRN_TRY(firn_listing_next(listing, ctx, &listed, NULL));
    if (listed == NULL) {
      return FIRN_OK;
    }
    *n += strstr(listed->path, part) != NULL;
  }
}

static firn_status append_and_read(void) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  size_t n_ok = 0, n_manifests, n_metadata;
  test_entries entries;
  FIRN_TRY(test_catalog_open(NULL, true, &merging, ctx, &c, NULL));
  FIRN_TRY(append_two(&c, ctx, &n_ok, NULL));
  FIRN_TRY(test_read_snapshot(c.base.stores, ctx, c.metadata, firn_metadata_current_snapshot(c.metadata),
                              &arena, &entries, NULL));
  FIRN_TRY(count_objects(&c, ctx, "-m", &n_manifests));
  FIRN_TRY(count_objects(&c, ctx, ".metadata.json", &n_metadata));
  if (entries.n_live != 4 || entries.n_twice != 0 || entries.n_manifests != 1) {
    return FIRN_CORRUPT;
  }
  /* An allocation that fails while a commit that has happened tidies up fails nobody; all it leaves is a file
   * too many, and that is how the loop learns of it. */
  return n_manifests == 2 && n_metadata == 2 ? FIRN_OK : FIRN_NOMEM;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(append_and_read);
}

/* --- stores fail, call by call --- */

static size_t count_files(test_catalog *c, firn_ctx *ctx) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(c->base.stores, ctx, c->metadata, firn_metadata_current_snapshot(c->metadata),
                              &arena, &entries, &err));
  assert_int_equal(entries.n_twice, 0);
  return entries.n_live;
}

/* Store call `fail_at` after the table was made fails. True when there was no such call any more. */
static bool run_with_fault(size_t fail_at, firn_status fault) {
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *memory = NULL, *faulty = NULL;
  FIRN_AUTO_TEST_CATALOG c = {0};
  size_t n_before;
  { /* how many calls making the table takes */
    FIRN_AUTO_TEST_CATALOG probe = {0};
    CHECK_OK(firn_memory_store_open(0, &memory, &err));
    CHECK_OK(firn_faulty_store_open(memory, SIZE_MAX, fault, &faulty, &err));
    CHECK_OK(test_catalog_open(faulty, true, &merging, ctx, &probe, &err));
    n_before = firn_faulty_store_calls(faulty);
  }
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, n_before + fail_at, fault, &faulty, &err));
  CHECK_OK(test_catalog_open(faulty, true, &merging, ctx, &c, &err));

  size_t n_ok = 0;
  firn_status status = append_two(&c, ctx, &n_ok, &err);
  if (firn_faulty_store_calls(faulty) <= n_before + fail_at) {
    CHECK_OK(status);
    return true;
  }
  if (status != FIRN_OK) {
    assert_int_equal(status, fault == FIRN_UNCERTAIN ? FIRN_IO : fault);
  }
  /* What was said to be in is in, what failed is not: a failing file is no uncertain commit. */
  assert_int_equal(count_files(&c, ctx), 2 * n_ok);
  assert_int_equal(firn_metadata_get(c.metadata)->n_snapshots, n_ok);
  /* And the table takes the rest. */
  CHECK_OK(test_append(&c, ctx, "again", 2, NULL, &arena, NULL, &err));
  assert_int_equal(count_files(&c, ctx), 2 * n_ok + 2);
  return false;
}

static void every_failing_store_call_leaves_a_right_table(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_UNCERTAIN, FIRN_TIMEOUT, FIRN_DENIED};
  for (size_t k = 0; k < FIRN_COUNT_OF(faults); k++) {
    size_t n = 0;
    while (!run_with_fault(n, faults[k])) {
      n++;
    }
    assert_true(n > 10); /* it did go through all of them */
  }
}

static void a_lost_answer_of_a_store_is_never_an_uncertain_commit(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  firn_store *memory = NULL, *faulty = NULL;
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, 3, FIRN_UNCERTAIN, &faulty, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(faulty, true, &merging, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_true(firn_faulty_store_calls(faulty) > 3);
  assert_false(r.was_uncertain);
  assert_int_equal(r.n_attempts, 1);
  assert_int_equal(count_files(&c, ctx), 2);
}

RUN_TESTS(the_first_append_makes_main, totals_are_text_and_carried_forward,
          a_total_that_the_parent_does_not_know_stays_unknown,
          new_entries_inherit_their_numbers_and_old_ones_keep_theirs,
          an_append_of_nothing_makes_a_snapshot_all_the_same, files_of_two_specs_come_in_two_manifests,
          manifests_roll_at_their_target_size, files_are_named_as_other_engines_expect,
          a_path_twice_in_one_append_is_refused, files_that_do_not_fit_the_table_are_refused,
          version_1_is_refused_with_its_remedy, a_new_branch_starts_at_the_current_snapshot,
          the_retention_of_a_branch_survives_an_append, a_tag_takes_no_append,
          manifests_of_deletes_are_carried_along, files_that_others_deleted_do_not_come_back_in_a_merge,
          rows_of_others_beyond_all_counting_are_refused,
          unknown_partitions_of_others_stay_unknown_when_carried_along,
          a_snapshot_is_not_older_than_its_table_when_the_clock_went_back, survives_oom,
          every_failing_store_call_leaves_a_right_table,
          a_lost_answer_of_a_store_is_never_an_uncertain_commit)

#include "iceberg/commit/metadata_file.h"

#include "test_table.h"

#include "iceberg/commit/table_file.h"

static const char *name_of(const char *location) {
  return strrchr(location, '/') + 1;
}

static void files_are_numbered_one_after_the_other(void **state) {
  (void)state;
  static const struct {
    const char *previous, *start;
  } cases[] = {
      {NULL, "00000-"},
      {TEST_LOCATION "/metadata/00000-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json", "00001-"},
      {TEST_LOCATION "/metadata/00041-9c12d441-03fe-4693-9a96-a0705ddf69c1.gz.metadata.json", "00042-"},
      {TEST_LOCATION "/metadata/99999-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json", "100000-"},
      {TEST_LOCATION "/metadata/v3.metadata.json",
       "00000-"}, /* of a folder catalog: no number of this kind */
      {TEST_LOCATION "/metadata/99999999999999999999-x.metadata.json", "00000-"},
      {"strange", "00000-"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TEST_CATALOG c = {0};
    CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
    const char *location;
    CHECK_OK(
        firn_metadata_file_write(c.base.stores, ctx, c.metadata, cases[i].previous, &arena, &location, &err));
    assert_memory_equal(location, TEST_LOCATION "/metadata/", strlen(TEST_LOCATION "/metadata/"));
    assert_memory_equal(name_of(location), cases[i].start, strlen(cases[i].start));
    assert_int_equal(strlen(name_of(location)), strlen(cases[i].start) + 36 + strlen(".metadata.json"));
  }
}

static void what_is_written_is_read_back_zipped_or_not(void **state) {
  (void)state;
  static const char *const codecs[] = {"none", "gzip", "GZIP", "nonsense"};
  for (size_t i = 0; i < FIRN_COUNT_OF(codecs); i++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TEST_CATALOG c = {0};
    const firn_property codec = {"write.metadata.compression-codec", codecs[i]};
    const firn_properties properties = {1, &codec};
    CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
    bool zipped = i == 1 || i == 2;
    assert_int_equal(strstr(c.location, ".gz.metadata.json") != NULL, zipped);
    firn_bytes bytes;
    CHECK_OK(firn_table_file_read(c.base.stores, ctx, c.location, 1 << 20, &arena, &bytes, &err));
    assert_int_equal(bytes.data[0], zipped ? 0x1F : '{');
    FIRN_AUTO_METADATA *m = NULL;
    CHECK_OK(firn_metadata_file_read(c.base.stores, ctx, c.location, &m, &err));
    assert_string_equal(firn_metadata_get(m)->table_uuid, firn_metadata_get(c.metadata)->table_uuid);
    assert_int_equal(firn_metadata_get(m)->specs[0].n_fields, 1);
  }
}

static void zipped_files_are_known_by_their_bytes_whatever_their_name(void **state) {
  (void)state;
  static const char *const names[] = {"memory://lake/x.metadata.json.gz", "memory://lake/x.gz.metadata.json",
                                      "memory://lake/x.metadata.json"};
  static const firn_property gzip = {"write.metadata.compression-codec", "gzip"};
  const firn_properties properties = {1, &gzip};
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  firn_bytes zipped;
  CHECK_OK(firn_table_file_read(c.base.stores, ctx, c.location, 1 << 20, &arena, &zipped, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    FIRN_AUTO_METADATA *m = NULL;
    CHECK_OK(firn_table_file_write(c.base.stores, ctx, names[i], zipped, &err));
    CHECK_OK(firn_metadata_file_read(c.base.stores, ctx, names[i], &m, &err));
    assert_string_equal(firn_metadata_get(m)->table_uuid, firn_metadata_get(c.metadata)->table_uuid);
  }
}

static void a_missing_or_broken_file_is_named(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_STATUS(firn_metadata_file_read(c.base.stores, ctx, "memory://lake/none.json", &m, &err),
               FIRN_NOT_FOUND);
  CHECK_SAYS("metadata memory://lake/none.json: ");
  CHECK_OK(
      firn_table_file_write(c.base.stores, ctx, "memory://lake/bad.json", FIRN_LITERAL("{\"a\":1"), &err));
  CHECK_STATUS(firn_metadata_file_read(c.base.stores, ctx, "memory://lake/bad.json", &m, &err), FIRN_CORRUPT);
  CHECK_SAYS("metadata memory://lake/bad.json: ");
}

static void change_a_few_times(test_catalog *c, firn_ctx *ctx, int n) {
  for (int i = 0; i < n; i++) {
    firn_error err;
    char text[16];
    (void)snprintf(text, sizeof text, "%d", i);
    const firn_property p = {"round", text};
    const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &p}};
    const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &update};
    CHECK_OK(firn_catalog_commit(&c->base, ctx, &commit, 1, NULL, &err));
  }
}

static void old_files_go_only_where_the_table_asks_for_it(void **state) {
  (void)state;
  static const firn_property keep[] = {{"write.metadata.previous-versions-max", "2"},
                                       {"write.metadata.delete-after-commit.enabled", "true"}};
  for (size_t n_properties = 1; n_properties <= 2; n_properties++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_TEST_CATALOG c = {0};
    const firn_properties properties = {n_properties, keep};
    CHECK_OK(test_catalog_open(NULL, false, &properties, ctx, &c, &err));
    change_a_few_times(&c, ctx, 5);
    assert_int_equal(firn_metadata_get(c.metadata)->n_metadata_log, 2);
    assert_int_equal(test_count_objects(c.store, ctx, ".metadata.json"), n_properties == 1 ? 6 : 3);
  }
}

static void a_log_that_names_other_files_does_not_have_them_removed(void **state) {
  (void)state;
  static const firn_property keep[] = {{"write.metadata.previous-versions-max", "1"},
                                       {"write.metadata.delete-after-commit.enabled", "true"}};
  static const firn_metadata_log_entry log[] = {{1, "memory://lake/precious.metadata.json/key"},
                                                {2, "memory://lake/old.metadata.json"}};
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  const firn_properties properties = {2, keep};
  CHECK_OK(test_catalog_open(NULL, false, &properties, ctx, &c, &err));
  firn_metadata_fields f = *firn_metadata_get(c.metadata);
  f.n_metadata_log = 2;
  f.metadata_log = log;
  firn_metadata *strange = NULL;
  CHECK_OK(firn_metadata_new(&f, &strange, &err));
  firn_metadata_unref(c.metadata);
  c.metadata = strange;
  for (size_t i = 0; i < 2; i++) {
    CHECK_OK(firn_table_file_write(c.base.stores, ctx, log[i].metadata_file, FIRN_LITERAL("snow"), &err));
  }
  change_a_few_times(&c, ctx, 1);
  assert_int_equal(test_count_objects(c.store, ctx, "precious"), 1);
  assert_int_equal(test_count_objects(c.store, ctx, "old.metadata.json"), 0);
}

static void a_lost_answer_of_the_store_is_asked_for_again(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  firn_store *memory = NULL;
  FIRN_AUTO_STORE *faulty = NULL;
  FIRN_AUTO_STORES *stores = NULL;
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, 0, FIRN_UNCERTAIN, &faulty, &err));
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_OK(firn_stores_add(stores, "memory", "lake", faulty, &err));
  CHECK_OK(firn_table_file_write(stores, ctx, "memory://lake/x", FIRN_LITERAL("snow"), &err));
  assert_int_equal(firn_faulty_store_calls(faulty), 2);
  firn_stores_take_out(stores, faulty);
}

static firn_status write_and_read(void) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property gzip = {"write.metadata.compression-codec", "gzip"};
  const firn_properties properties = {1, &gzip};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(test_catalog_open(NULL, true, &properties, ctx, &c, NULL));
  return firn_metadata_file_read(c.base.stores, ctx, c.location, &m, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_and_read);
}

RUN_TESTS(files_are_numbered_one_after_the_other, what_is_written_is_read_back_zipped_or_not,
          zipped_files_are_known_by_their_bytes_whatever_their_name, a_missing_or_broken_file_is_named,
          old_files_go_only_where_the_table_asks_for_it,
          a_log_that_names_other_files_does_not_have_them_removed,
          a_lost_answer_of_the_store_is_asked_for_again, survives_oom)

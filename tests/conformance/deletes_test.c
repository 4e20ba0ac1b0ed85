/* Tables with delete files are refused, never read wrong: a reader that passed deletes over would bring rows
 * back. Spec: Scan Planning; Delete Formats. */
#include "test_table.h"

#include "iceberg/meta/manifest.h"
#include "iceberg/scan/files.h"

#define LIST TEST_LOCATION "/metadata/snap-6.avro"

static const firn_snapshot snapshot = {
    .snapshot_id = 6, .sequence_number = 1, .manifest_list = LIST, .operation = "overwrite"};

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

/* A manifest at `path` with one entry, and what a list says of it. */
static firn_status put_manifest(test_catalog *c, firn_ctx *ctx, const char *path, firn_content content,
                                firn_entry_status status, firn_arena *arena, firn_manifest_file *out,
                                firn_error *err) {
  FIRN_AUTO_BUILDER bytes = FIRN_BUILDER_INIT(0);
  const firn_manifest_writer_options options = {.format_version = 2,
                                                .schema = firn_metadata_current_schema(c->metadata),
                                                .spec = firn_metadata_default_spec(c->metadata),
                                                .is_deletes = content != FIRN_CONTENT_DATA,
                                                .snapshot_id = 6,
                                                .codec = FIRN_CODEC_DEFLATE,
                                                .env = ctx->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, (firn_avro_sink){add_to, &bytes}, &w, err));
  const int32_t ids[] = {1};
  firn_manifest_entry entry = {.status = status,
                               .snapshot_id = 6,
                               .sequence_number = 1,
                               .file_sequence_number = 1,
                               .file = test_data_file("memory://lake/x.parquet", 20000, arena)};
  entry.file.content = content;
  if (content == FIRN_CONTENT_EQUALITY_DELETES) {
    entry.file.n_equality_ids = 1;
    entry.file.equality_ids = ids;
  }
  FIRN_TRY(firn_manifest_writer_add(w, &entry, err));
  FIRN_TRY(firn_manifest_writer_finish(w, arena, out, err));
  out->path = path;
  return put(c, ctx, path, &bytes, arena, err);
}

/* Lists the files of a snapshot of one manifest of data and one of `content`. */
static firn_status list_files(firn_content content, firn_entry_status status, bool list_knows, size_t *n,
                              firn_error *err) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  FIRN_TRY(test_catalog_open(NULL, true, NULL, ctx, &c, err));
  firn_manifest_file data, other;
  FIRN_TRY(put_manifest(&c, ctx, TEST_LOCATION "/metadata/a.avro", FIRN_CONTENT_DATA, FIRN_ENTRY_ADDED,
                        &arena, &data, err));
  FIRN_TRY(put_manifest(&c, ctx, TEST_LOCATION "/metadata/b.avro", content, status, &arena, &other, err));
  other.is_deletes = other.is_deletes && list_knows;
  const firn_manifest_file *manifests[] = {&data, &other};
  const firn_manifest_list_options options = {.format_version = 2,
                                              .snapshot_id = 6,
                                              .sequence_number = 1,
                                              .codec = FIRN_CODEC_DEFLATE,
                                              .env = ctx->env};
  FIRN_AUTO_BUILDER list = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_manifest_list_write(&options, manifests, 2, &list, err));
  FIRN_TRY(put(&c, ctx, LIST, &list, &arena, err));

  FIRN_AUTO_FILES *files = NULL;
  firn_files_options listing = {.metadata = c.metadata, .snapshot = &snapshot, .stores = c.base.stores};
  FIRN_TRY(firn_files_open(&listing, ctx, &files, err));
  *n = 0;
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_files_next(files, ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    *n += 1;
  }
}

static void data_is_listed(void **state) {
  (void)state;
  firn_error err;
  size_t n;
  CHECK_OK(list_files(FIRN_CONTENT_DATA, FIRN_ENTRY_ADDED, true, &n, &err));
  assert_int_equal(n, 2);
}

static void a_snapshot_with_deletes_is_refused(void **state) {
  (void)state;
  static const firn_content kinds[] = {FIRN_CONTENT_POSITION_DELETES, FIRN_CONTENT_EQUALITY_DELETES};
  static const firn_entry_status statuses[] = {FIRN_ENTRY_ADDED, FIRN_ENTRY_EXISTING};
  for (size_t i = 0; i < 4; i++) {
    firn_error err;
    size_t n;
    CHECK_STATUS(list_files(kinds[i / 2], statuses[i % 2], true, &n, &err), FIRN_UNSUPPORTED);
    CHECK_SAYS("has delete files, which are not applied yet");
  }
}

static void deletes_that_are_gone_do_no_harm(void **state) {
  (void)state;
  firn_error err;
  size_t n;
  CHECK_OK(list_files(FIRN_CONTENT_POSITION_DELETES, FIRN_ENTRY_DELETED, true, &n, &err));
  assert_int_equal(n, 1);
}

static void a_list_that_calls_deletes_data_is_not_believed(void **state) {
  (void)state;
  firn_error err;
  size_t n;
  firn_status status = list_files(FIRN_CONTENT_POSITION_DELETES, FIRN_ENTRY_ADDED, false, &n, &err);
  assert_true(status == FIRN_UNSUPPORTED || status == FIRN_CORRUPT);
  CHECK_SAYS("b.avro");
}

RUN_TESTS(data_is_listed, a_snapshot_with_deletes_is_refused, deletes_that_are_gone_do_no_harm,
          a_list_that_calls_deletes_data_is_not_believed)

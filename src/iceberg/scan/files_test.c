#include "iceberg/scan/files.h"

#include "test_lake.h"

#include <stdio.h>

#include "base/pool.h"

/* id (1) long, name (3) string; spec 0 by identity(name), spec 1 by truncate[10](id), spec 2 by a column that
 * is gone (9). Snapshots 1 to 6: 2 appends, 3 replaces, 4 deletes, 5 appends; 6 overwrites. 7 has no parent.
 */
#define SNAPSHOT(id, parent, what)                                                 \
  "{\"snapshot-id\":" id parent ",\"sequence-number\":" id ",\"timestamp-ms\":" id \
  ",\"manifest-list\":\"" LAKE "/list" id ".avro\",\"summary\":{\"operation\":\"" what "\"}}"
#define AFTER(id) ",\"parent-snapshot-id\":" id

static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
    "\"location\":\"" LAKE "\",\"last-sequence-number\":9,\"last-updated-ms\":9,\"last-column-id\":9,"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
    "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"}]},"
    "{\"type\":\"struct\",\"schema-id\":7,\"fields\":["
    "{\"id\":9,\"name\":\"gone\",\"required\":false,\"type\":\"string\"}]}],"
    "\"current-schema-id\":0,\"partition-specs\":["
    "{\"spec-id\":0,\"fields\":[{\"source-id\":3,\"field-id\":1000,\"name\":\"name\","
    "\"transform\":\"identity\"}]},"
    "{\"spec-id\":1,\"fields\":[{\"source-id\":1,\"field-id\":1001,\"name\":\"tens\","
    "\"transform\":\"truncate[10]\"}]},"
    "{\"spec-id\":2,\"fields\":[{\"source-id\":9,\"field-id\":1002,\"name\":\"gone\","
    "\"transform\":\"identity\"}]}],"
    "\"default-spec-id\":0,\"last-partition-id\":1002,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,"
    "\"current-snapshot-id\":5,\"snapshots\":[" SNAPSHOT("1", "", "append") ","
    SNAPSHOT("2", AFTER("1"), "append") "," SNAPSHOT("3", AFTER("2"), "replace") ","
    SNAPSHOT("4", AFTER("3"), "delete") "," SNAPSHOT("5", AFTER("4"), "append") ","
    SNAPSHOT("6", AFTER("5"), "overwrite") "," SNAPSHOT("7", "", "append") "]}";

/* A file of rows with ids [from, to] and all names between `low` and `high`. */
typedef struct file_with {
  const char *path;
  int32_t spec_id;
  const char *low, *high; /* of spec 0 and 2: the partition when they are the same pointer */
  int64_t from, to;
  bool no_statistics;
  firn_entry_status status;
  int64_t snapshot_id; /* 0: of the manifest */
} file_with;

static firn_status make_entry(const file_with *f, int64_t snapshot_id, firn_arena *arena,
                              firn_manifest_entry *out, firn_error *err) {
  firn_value *tuple = firn_new(arena, firn_value);
  firn_id_count *counts = firn_new_n(arena, firn_id_count, 4);
  firn_id_bytes *bounds = firn_new_n(arena, firn_id_bytes, 4);
  firn_bytes from = firn_arena_copy(arena, (firn_bytes){(const uint8_t *)&f->from, 8});
  firn_bytes to = firn_arena_copy(arena, (firn_bytes){(const uint8_t *)&f->to, 8});
  if (tuple == NULL || counts == NULL || bounds == NULL || from.data == NULL || to.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  *tuple = f->spec_id == 1 ? (firn_value){.kind = FIRN_KIND_LONG, .i64 = f->from / 10 * 10}
                           : (firn_value){.kind = FIRN_KIND_STRING,
                                          .is_null = f->low == NULL,
                                          .bytes = firn_bytes_of(f->low == NULL ? "" : f->low)};
  counts[0] = (firn_id_count){1, 10};
  counts[1] = (firn_id_count){3, 10};
  counts[2] = (firn_id_count){1, 0};
  counts[3] = (firn_id_count){3, f->low == NULL ? 10 : 0};
  bounds[0] = (firn_id_bytes){1, from};
  bounds[1] = (firn_id_bytes){3, firn_bytes_of(f->low)};
  bounds[2] = (firn_id_bytes){1, to};
  bounds[3] = (firn_id_bytes){3, firn_bytes_of(f->high)};
  size_t n_bounds = f->low == NULL ? 1 : 2;
  *out = (firn_manifest_entry){.status = f->status,
                               .snapshot_id = f->snapshot_id != 0 ? f->snapshot_id : snapshot_id,
                               .sequence_number = 1,
                               .file_sequence_number = 1,
                               .file = {.path = f->path,
                                        .format = "PARQUET",
                                        .spec_id = f->spec_id,
                                        .partition = tuple,
                                        .record_count = 10,
                                        .size_bytes = 1000}};
  if (!f->no_statistics) {
    out->file.column_sizes = (firn_id_counts){true, 2, counts};
    out->file.value_counts = (firn_id_counts){true, 2, counts};
    out->file.null_counts = (firn_id_counts){true, 2, counts + 2};
    out->file.lower_bounds = (firn_id_bounds){true, n_bounds, bounds};
    out->file.upper_bounds = (firn_id_bounds){true, n_bounds, bounds + 2};
  }
  return FIRN_OK;
}

/* A manifest of a snapshot; its files are of one spec. */
static firn_status add_manifest(test_lake *l, const char *location, int64_t snapshot_id,
                                const file_with *files, size_t n, firn_manifest_file *out, firn_error *err) {
  firn_manifest_entry entries[16];
  assert_true(n <= 16);
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(make_entry(&files[i], snapshot_id, &l->arena, &entries[i], err));
  }
  return test_lake_manifest(l, location, files[0].spec_id, snapshot_id, entries, n, out, err);
}

#define A FIRN_ENTRY_ADDED
#define E FIRN_ENTRY_EXISTING
#define D FIRN_ENTRY_DELETED

static const file_with by_name[] = {
    {"eu1", 0, "eu", "eu", 1, 50, .status = A},  {"eu2", 0, "eu", "eu", 51, 99, .status = A},
    {"us1", 0, "us", "us", 1, 50, .status = A},  {"null", 0, NULL, NULL, 200, 300, .status = A},
    {"gone", 0, "eu", "eu", 1, 50, .status = D},
};
static const file_with asia[] = {{"ap1", 0, "ap", "ap", 1, 500, .status = A},
                                 {"bare", 0, "ap", "ap", 1, 1, true, .status = A}};
static const file_with by_tens[] = {{"t10", 1, "aa", "zz", 10, 19, .status = A},
                                    {"t20", 1, "aa", "mm", 20, 29, .status = A}};
static const file_with by_gone[] = {{"g1", 2, "eu", "zz", 7, 7, .status = A},
                                    {"g2", 2, "us", "us", 300, 400, .status = E}};

/* Snapshot 5: four manifests, of three specs. */
static firn_status fill(test_lake *l, firn_error *err) {
  firn_manifest_file m[4];
  FIRN_TRY(test_lake_open(table, l, err));
  FIRN_TRY(add_manifest(l, LAKE "/name.avro", 5, by_name, FIRN_COUNT_OF(by_name), &m[0], err));
  FIRN_TRY(add_manifest(l, LAKE "/asia.avro", 5, asia, FIRN_COUNT_OF(asia), &m[1], err));
  FIRN_TRY(add_manifest(l, LAKE "/tens.avro", 5, by_tens, FIRN_COUNT_OF(by_tens), &m[2], err));
  FIRN_TRY(add_manifest(l, LAKE "/gone.avro", 5, by_gone, FIRN_COUNT_OF(by_gone), &m[3], err));
  const firn_manifest_file *all[] = {&m[0], &m[1], &m[2], &m[3]};
  return test_lake_list(l, LAKE "/list5.avro", 5, all, 4, err);
}

static const firn_expr *bound(const firn_expr *e, const firn_metadata *m, firn_arena *arena) {
  firn_error err;
  assert_non_null(e);
  CHECK_OK(firn_expr_bind(e, firn_metadata_current_schema(m), false, arena, &e, &err));
  return e;
}

static const firn_expr *name_is(const char *name, firn_arena *arena) {
  return firn_expr_compare(FIRN_EXPR_EQ, "name", firn_literal_text(name), arena);
}

static const firn_expr *id_is(firn_expr_op op, int64_t id, firn_arena *arena) {
  return firn_expr_compare(op, "id", firn_literal_long(id), arena);
}

static firn_files_options options_of(const test_lake *l, const firn_expr *filter, firn_scan_counts *counts) {
  memset(counts, 0, sizeof *counts);
  return (firn_files_options){.metadata = l->metadata,
                              .snapshot = firn_metadata_current_snapshot(l->metadata),
                              .stores = l->stores,
                              .filter = filter,
                              .counts = counts};
}

/* The paths of the files in their order, with blanks between. */
static firn_status list_paths(const firn_files_options *options, firn_ctx *ctx, char *out, size_t size,
                              firn_error *err) {
  FIRN_AUTO_FILES *files = NULL;
  FIRN_TRY(firn_files_open(options, ctx, &files, err));
  size_t len = 0;
  out[0] = '\0';
  for (;;) {
    const firn_manifest_entry *e;
    FIRN_TRY(firn_files_next(files, ctx, &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
    len += (size_t)snprintf(out + len, size - len, "%s%s", len == 0 ? "" : " ", e->file.path);
    assert_true(len < size);
  }
}

#define CHECK_PATHS(lake, options, paths)                                        \
  do {                                                                           \
    char listed_[512];                                                           \
    CHECK_OK(list_paths((options), (lake)->ctx, listed_, sizeof listed_, &err)); \
    assert_string_equal(listed_, (paths));                                       \
  } while (0)

static void all_live_files_are_listed(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o = options_of(&l, NULL, &counts);
  CHECK_PATHS(&l, &o, "eu1 eu2 us1 null ap1 bare t10 t20 g1 g2");
  assert_int_equal(counts.manifests, 4);
  assert_int_equal(counts.manifests_skipped, 0);
  assert_int_equal(counts.files, 10);
  assert_int_equal(counts.files_skipped, 0);
}

static void manifests_and_entries_are_passed_over_by_partition(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o = options_of(&l, bound(name_is("us", &l.arena), l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "us1 t10 g1 g2"); /* t20 by its bounds */
  assert_int_equal(counts.manifests, 3);
  assert_int_equal(counts.manifests_skipped, 1); /* asia */
  assert_int_equal(counts.files, 4);
  assert_int_equal(counts.files_skipped, 4);
}

static void entries_are_passed_over_by_statistics(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o =
      options_of(&l, bound(id_is(FIRN_EXPR_GT, 99, &l.arena), l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "null ap1 bare g2"); /* who has no statistics stays */
  assert_int_equal(counts.manifests_skipped, 1);
  assert_int_equal(counts.files_skipped, 4);
}

static void nulls_are_found_by_partition_and_by_counts(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  const firn_expr *e = firn_expr_unary(FIRN_EXPR_IS_NULL, "name", &l.arena);
  firn_files_options o = options_of(&l, bound(e, l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "null");
}

static void files_of_several_specs_are_judged_each_by_its_own(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  const firn_expr *e = firn_expr_and(name_is("eu", &l.arena), id_is(FIRN_EXPR_LT, 20, &l.arena), &l.arena);
  firn_files_options o = options_of(&l, bound(e, l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "eu1 t10 g1");
}

static void a_filter_that_nothing_matches_reads_no_manifest(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o = options_of(&l, firn_expr_constant(false), &counts);
  CHECK_PATHS(&l, &o, "");
  assert_int_equal(counts.manifests, 0);
  assert_int_equal(counts.manifests_skipped, 4);
}

static void a_filter_may_be_kept_from_skipping(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o = options_of(&l, bound(name_is("us", &l.arena), l.metadata, &l.arena), &counts);
  o.never_skip = true;
  CHECK_PATHS(&l, &o, "eu1 eu2 us1 null ap1 bare t10 t20 g1 g2");
  FIRN_AUTO_FILES *files = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &files, &err));
  const firn_manifest_entry *e;
  CHECK_OK(firn_files_next(files, l.ctx, &e, &err));
  const firn_expr *residual;
  CHECK_OK(firn_files_residual(files, &l.arena, &residual, &err));
  assert_ptr_equal(residual, o.filter);
}

static void statistics_are_those_of_the_filter_unless_all_are_wanted(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  for (int all = 0; all < 2; all++) {
    firn_files_options o =
        options_of(&l, bound(id_is(FIRN_EXPR_GT, 0, &l.arena), l.metadata, &l.arena), &counts);
    o.with_statistics = all == 1;
    FIRN_AUTO_FILES *files = NULL;
    CHECK_OK(firn_files_open(&o, l.ctx, &files, &err));
    const firn_manifest_entry *e;
    CHECK_OK(firn_files_next(files, l.ctx, &e, &err));
    const firn_data_file *f = &e->file;
    int64_t n;
    firn_bytes v;
    assert_string_equal(f->path, "eu1");
    assert_true(f->column_sizes.present == (all == 1));
    assert_true(firn_id_counts_get(&f->value_counts, 1, &n) && n == 10);
    assert_true(firn_id_counts_get(&f->null_counts, 3, &n) == (all == 1));
    assert_true(firn_id_bounds_get(&f->lower_bounds, 1, &v) && v.len == 8);
    assert_true(firn_id_bounds_get(&f->upper_bounds, 3, &v) == (all == 1));
    assert_int_equal(f->record_count, 10);
    assert_int_equal(f->size_bytes, 1000);
  }
}

static void what_the_partition_decides_is_not_asked_of_rows(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  const firn_expr *e =
      bound(firn_expr_and(name_is("eu", &l.arena), id_is(FIRN_EXPR_LT, 70, &l.arena), &l.arena), l.metadata,
            &l.arena);
  firn_files_options o = options_of(&l, e, &counts);
  FIRN_AUTO_FILES *files = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &files, &err));
  /* eu1: all its ids are below 70. eu2: some are. t10: its bounds say all of id and not all of name. */
  static const firn_expr_op wanted[] = {FIRN_EXPR_TRUE, FIRN_EXPR_LT};
  for (size_t i = 0; i < 2; i++) {
    const firn_manifest_entry *entry;
    const firn_expr *residual;
    CHECK_OK(firn_files_next(files, l.ctx, &entry, &err));
    CHECK_OK(firn_files_residual(files, &l.arena, &residual, &err));
    assert_int_equal(residual->op, wanted[i]);
  }
}

static void rows_are_estimated_from_what_is_to_be_read(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_files_options o = options_of(&l, NULL, &counts);
  FIRN_AUTO_FILES *all = NULL, *some = NULL, *none = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &all, &err));
  assert_int_equal(firn_files_row_estimate(all), 100);
  o.filter = bound(name_is("us", &l.arena), l.metadata, &l.arena);
  CHECK_OK(firn_files_open(&o, l.ctx, &some, &err));
  assert_int_equal(firn_files_row_estimate(some), 80);
  o.snapshot = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &none, &err));
  assert_int_equal(firn_files_row_estimate(none), 0);
  const firn_manifest_entry *e;
  CHECK_OK(firn_files_next(none, l.ctx, &e, &err));
  assert_null(e);
  assert_true(firn_files_progress(none) == 1);
}

/* Spec: Snapshots, `manifests` (version 1): nothing is said of them beforehand, not even their spec. */
static void old_snapshots_name_their_manifests(void **state) {
  (void)state;
  static const char old_table[] =
      "{\"format-version\":1,\"location\":\"" LAKE
      "\",\"last-updated-ms\":9,\"last-column-id\":3,"
      "\"schema\":{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
      "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
      "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"}]},"
      "\"partition-spec\":[{\"source-id\":3,\"field-id\":1000,\"name\":\"name\","
      "\"transform\":\"identity\"}],\"current-snapshot-id\":5,\"snapshots\":["
      "{\"snapshot-id\":5,\"timestamp-ms\":5,\"manifests\":[\"" LAKE "/name.avro\",\"" LAKE
      "/asia.avro\"],\"summary\":{\"operation\":\"append\"}}]}";
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  firn_manifest_file m;
  CHECK_OK(test_lake_open(old_table, &l, &err));
  CHECK_OK(add_manifest(&l, LAKE "/name.avro", 5, by_name, FIRN_COUNT_OF(by_name), &m, &err));
  CHECK_OK(add_manifest(&l, LAKE "/asia.avro", 5, asia, FIRN_COUNT_OF(asia), &m, &err));
  firn_files_options o = options_of(&l, NULL, &counts);
  CHECK_PATHS(&l, &o, "eu1 eu2 us1 null ap1 bare");
  o = options_of(&l, bound(name_is("us", &l.arena), l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "us1");
  assert_int_equal(counts.manifests, 2);
  assert_int_equal(counts.files_skipped, 5);
  FIRN_AUTO_FILES *files = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &files, &err));
  assert_int_equal(firn_files_row_estimate(files), -1);
}

static void a_spec_that_the_table_does_not_know_says_nothing_of_partitions(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  firn_manifest_file m;
  CHECK_OK(test_lake_open(table, &l, &err));
  CHECK_OK(add_manifest(&l, LAKE "/name.avro", 5, by_name, FIRN_COUNT_OF(by_name), &m, &err));
  m.spec_id = 44;
  const firn_manifest_file *all[] = {&m};
  CHECK_OK(test_lake_list(&l, LAKE "/list5.avro", 5, all, 1, &err));
  firn_files_options o = options_of(&l, bound(name_is("us", &l.arena), l.metadata, &l.arena), &counts);
  CHECK_PATHS(&l, &o, "us1"); /* by its bounds; the partition would have said so of "null", too */
  FIRN_AUTO_FILES *files = NULL;
  CHECK_OK(firn_files_open(&o, l.ctx, &files, &err));
  const firn_manifest_entry *e;
  const firn_expr *residual;
  CHECK_OK(firn_files_next(files, l.ctx, &e, &err));
  CHECK_OK(firn_files_residual(files, &l.arena, &residual, &err));
  assert_int_equal(firn_files_spec(files)->spec_id, 44);
  assert_int_equal(residual->op, FIRN_EXPR_TRUE); /* all its names are "us": the bounds, and no nulls */
}

/* --- incremental --- */

/* A history: 1 and 2 append; 3 rewrites both into one manifest; 4 deletes a2; 5 appends and merges. */
static firn_status fill_history(test_lake *l, firn_error *err) {
  static const file_with first[] = {{"a1", 0, "eu", "eu", 1, 9, .status = A}};
  static const file_with second[] = {{"a2", 0, "eu", "eu", 10, 19, .status = A},
                                     {"a3", 0, "us", "us", 1, 9, .status = A}};
  static const file_with rewritten[] = {{"r", 0, "eu", "eu", 1, 19, .status = A},
                                        {"a1", 0, "eu", "eu", 1, 9, .status = D, .snapshot_id = 3},
                                        {"a3", 0, "us", "us", 1, 9, .status = E, .snapshot_id = 2}};
  static const file_with deleted[] = {{"a3", 0, "us", "us", 1, 9, .status = D, .snapshot_id = 4},
                                      {"r", 0, "eu", "eu", 1, 19, .status = E, .snapshot_id = 3}};
  static const file_with merged[] = {{"a5", 0, "us", "us", 100, 199, .status = A},
                                     {"r", 0, "eu", "eu", 1, 19, .status = E, .snapshot_id = 3}};
  static const file_with fresh[] = {{"a6", 0, "us", "us", 100, 199, .status = A}};
  firn_manifest_file m[6];
  FIRN_TRY(test_lake_open(table, l, err));
  FIRN_TRY(add_manifest(l, LAKE "/1.avro", 1, first, 1, &m[0], err));
  FIRN_TRY(add_manifest(l, LAKE "/2.avro", 2, second, 2, &m[1], err));
  FIRN_TRY(add_manifest(l, LAKE "/3.avro", 3, rewritten, 3, &m[2], err));
  FIRN_TRY(add_manifest(l, LAKE "/4.avro", 4, deleted, 2, &m[3], err));
  FIRN_TRY(add_manifest(l, LAKE "/5.avro", 5, merged, 2, &m[4], err));
  FIRN_TRY(add_manifest(l, LAKE "/6.avro", 6, fresh, 1, &m[5], err));
  m[0].sequence_number = m[0].min_sequence_number = 1; /* in the second list it is an old one */
  FIRN_TRY(test_lake_list(l, LAKE "/list1.avro", 1, (const firn_manifest_file *[]){&m[0]}, 1, err));
  FIRN_TRY(test_lake_list(l, LAKE "/list2.avro", 2, (const firn_manifest_file *[]){&m[1], &m[0]}, 2, err));
  FIRN_TRY(test_lake_list(l, LAKE "/list3.avro", 3, (const firn_manifest_file *[]){&m[2]}, 1, err));
  FIRN_TRY(test_lake_list(l, LAKE "/list4.avro", 4, (const firn_manifest_file *[]){&m[3]}, 1, err));
  FIRN_TRY(test_lake_list(l, LAKE "/list5.avro", 5, (const firn_manifest_file *[]){&m[4]}, 1, err));
  return test_lake_list(l, LAKE "/list6.avro", 6, (const firn_manifest_file *[]){&m[5]}, 1, err);
}

static firn_files_options since(const test_lake *l, int64_t after, int64_t until, firn_scan_counts *counts) {
  firn_files_options o = options_of(l, NULL, counts);
  o.is_incremental = true;
  o.after_snapshot_id = after;
  o.snapshot = firn_metadata_snapshot(l->metadata, until);
  return o;
}

static void appends_since_a_snapshot_are_listed_oldest_first(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill_history(&l, &err));
  firn_files_options o = since(&l, 1, 2, &counts);
  CHECK_PATHS(&l, &o, "a2 a3");
  o = since(&l, 1, 5, &counts); /* what 3 rewrote and 4 deleted had been appended all the same */
  CHECK_PATHS(&l, &o, "a2 a3 a5");
  o = since(&l, 2, 5, &counts);
  CHECK_PATHS(&l, &o, "a5");
  o = since(&l, 2, 4, &counts);
  CHECK_PATHS(&l, &o, "");
  o = since(&l, 5, 5, &counts);
  CHECK_PATHS(&l, &o, "");
}

static void appends_are_filtered_like_others(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill_history(&l, &err));
  firn_files_options o = since(&l, 1, 5, &counts);
  o.filter = bound(name_is("us", &l.arena), l.metadata, &l.arena);
  CHECK_PATHS(&l, &o, "a3 a5");
  o.filter = bound(id_is(FIRN_EXPR_GT, 50, &l.arena), l.metadata, &l.arena);
  CHECK_PATHS(&l, &o, "a5");
}

static void an_increment_over_an_overwrite_is_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill_history(&l, &err));
  FIRN_AUTO_FILES *files = NULL;
  firn_files_options o = since(&l, 5, 6, &counts);
  CHECK_STATUS(firn_files_open(&o, l.ctx, &files, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("snapshot 6 (operation 'overwrite')");
  o = since(&l, 1, 6, &counts);
  CHECK_STATUS(firn_files_open(&o, l.ctx, &files, &err), FIRN_UNSUPPORTED);
}

static void an_increment_needs_an_ancestor(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill_history(&l, &err));
  FIRN_AUTO_FILES *files = NULL;
  firn_files_options o = since(&l, 7, 5, &counts);
  CHECK_STATUS(firn_files_open(&o, l.ctx, &files, &err), FIRN_INVALID);
  CHECK_SAYS("snapshot 7 is no ancestor of snapshot 5");
}

/* --- hostile and unlucky --- */

static void a_broken_manifest_is_an_error_and_no_crash(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill(&l, &err));
  firn_bytes whole;
  firn_store *store;
  const char *path;
  CHECK_OK(firn_stores_find(l.stores, LAKE "/name.avro", &l.arena, &store, &path, &err));
  CHECK_OK(firn_store_read_all(store, l.ctx, path, 1 << 20, &l.arena, &whole, &err));
  firn_files_options o = options_of(&l, bound(name_is("eu", &l.arena), l.metadata, &l.arena), &counts);
  char paths[512];
  size_t n_whole = 0;
  uint8_t *copy = firn_arena_alloc_bytes(&l.arena, whole.len);
  for (size_t i = 0; i < whole.len; i++) {
    bool is_cut = i % 2 == 0;
    memcpy(copy, whole.data, whole.len);
    if (!is_cut) {
      copy[i] = (uint8_t)(copy[i] ^ 1U << test_random() % 8);
    }
    CHECK_OK(test_lake_put(&l, LAKE "/name.avro", (firn_bytes){copy, is_cut ? i : whole.len}, &err));
    firn_status status = list_paths(&o, l.ctx, paths, sizeof paths, &err);
    n_whole += is_cut && status == FIRN_OK;
  }
  assert_in_range(n_whole, 0, 1); /* cut behind its head it is a manifest without entries */
}

static firn_status list_without_memory(void) {
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  char paths[512];
  FIRN_TRY(fill(&l, &err));
  const firn_expr *e = name_is("us", &l.arena);
  if (e == NULL) {
    return FIRN_NOMEM;
  }
  FIRN_TRY(firn_expr_bind(e, firn_metadata_current_schema(l.metadata), false, &l.arena, &e, &err));
  firn_files_options o = options_of(&l, e, &counts);
  return list_paths(&o, l.ctx, paths, sizeof paths, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(list_without_memory);
}

/* --- many manifests --- */

enum { MANY = 40 };

static firn_status fill_many(test_lake *l, firn_error *err) {
  firn_manifest_file m[MANY];
  const firn_manifest_file *all[MANY];
  FIRN_TRY(test_lake_open(table, l, err));
  for (int i = 0; i < MANY; i++) {
    const char *path = firn_arena_printf(&l->arena, "%d", i);
    const char *location = firn_arena_printf(&l->arena, LAKE "/m%d.avro", i);
    file_with f = {path, 1, "aa", "zz", i * 10, i * 10 + 9, .status = A};
    FIRN_TRY(add_manifest(l, location, 5, &f, 1, &m[i], err));
    all[i] = &m[i];
  }
  return test_lake_list(l, LAKE "/list5.avro", 5, all, MANY, err);
}

static void manifests_that_are_read_ahead_keep_their_order(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_LAKE l = {0};
  firn_scan_counts counts;
  CHECK_OK(fill_many(&l, &err));
  char alone[512], together[512];
  firn_files_options o = options_of(&l, NULL, &counts);
  CHECK_OK(list_paths(&o, l.ctx, alone, sizeof alone, &err));
  assert_memory_equal(alone, "0 1 2 3 4 5 6 7 8 9 10 11 ", 26);
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(3, &pool, &err));
  firn_env env = *l.ctx->env;
  env.pool = pool;
  firn_ctx ctx = *l.ctx;
  ctx.env = &env;
  CHECK_OK(list_paths(&o, &ctx, together, sizeof together, &err));
  assert_string_equal(alone, together);
  o.filter = bound(id_is(FIRN_EXPR_EQ, 123, &l.arena), l.metadata, &l.arena);
  CHECK_OK(list_paths(&o, &ctx, together, sizeof together, &err));
  assert_string_equal(together, "12");
  firn_store *store;
  const char *path;
  CHECK_OK(firn_stores_find(l.stores, LAKE "/m20.avro", &l.arena, &store, &path, &err));
  firn_status each;
  CHECK_OK(firn_store_remove(store, l.ctx, &path, 1, &each, &err));
  o.filter = NULL;
  CHECK_STATUS(list_paths(&o, &ctx, together, sizeof together, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("m20.avro");
  firn_pool_close(pool);
}

RUN_TESTS(all_live_files_are_listed, manifests_and_entries_are_passed_over_by_partition,
          entries_are_passed_over_by_statistics, nulls_are_found_by_partition_and_by_counts,
          files_of_several_specs_are_judged_each_by_its_own, a_filter_that_nothing_matches_reads_no_manifest,
          a_filter_may_be_kept_from_skipping, statistics_are_those_of_the_filter_unless_all_are_wanted,
          what_the_partition_decides_is_not_asked_of_rows, rows_are_estimated_from_what_is_to_be_read,
          old_snapshots_name_their_manifests, a_spec_that_the_table_does_not_know_says_nothing_of_partitions,
          appends_since_a_snapshot_are_listed_oldest_first, appends_are_filtered_like_others,
          an_increment_over_an_overwrite_is_refused, an_increment_needs_an_ancestor,
          a_broken_manifest_is_an_error_and_no_crash, survives_oom,
          manifests_that_are_read_ahead_keep_their_order)

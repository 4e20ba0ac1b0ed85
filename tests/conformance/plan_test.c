/* Tables of other engines under filters: whatever is passed over, a manifest, a file, a row group, a page, no
 * row is lost; and a file is passed over exactly when all that is known of it says so. Spec: Scan Planning.
 */
#include "test.h"

#include <limits.h>
#include <stdlib.h>

#include "iceberg/scan/path.h"
#include "iceberg/scan/scan.h"

/* Below duckdb-iceberg/data/persistent. */
static const char *const tables[] = {
    "iceberg_v1_deprecated/default/legacy_v1",
    "partition_decimal_hugeint",
    "partition_fixed_length_binary/default.db/partition_fixed_length_binary",
    "partition_timestamp/default.db/partition_timestamp",
    "null_stats/default/test_nulls",
    "partition_integer",
    "partition_double",
    "hive_partitioned_table",
    "partition_bool",
    "partition_decimal_integer",
    "partition_decimal_smallint",
    "add_columns_with_defaults_in_struct/default.db/add_columns_with_defaults_in_struct",
    "partition_decimal_bigint",
    "uuid",
};

typedef struct table {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_metadata *metadata;
  firn_moved moved;
  firn_arena arena;
  const firn_snapshot *snapshot;
  const firn_schema *schema;
} table;

static void table_close(table *t) {
  firn_metadata_unref(t->metadata);
  firn_stores_close(t->stores);
  firn_arena_free(&t->arena);
}
#define AUTO_TABLE FIRN_AUTO(table_close) table

typedef struct totals {
  int tables, filters;
  int64_t files, skipped; /* by plans */
} totals;

static firn_status table_open(table *t, const char *root, const char *path, firn_error *err) {
  t->ctx = test_ctx();
  const char *location;
  const char *folder = firn_arena_printf(&t->arena, "%s/duckdb-iceberg/data/persistent/%s", root, path);
  FIRN_TRY(firn_stores_open(t->ctx->env, &t->stores, err));
  return firn_path_table_open(t->stores, t->ctx, folder, &t->arena, &t->metadata, &location, &t->moved, err);
}

static firn_files_options options_of(const table *t) {
  return (firn_files_options){.metadata = t->metadata,
                              .snapshot = t->snapshot,
                              .schema = t->schema,
                              .stores = t->stores,
                              .moved = &t->moved};
}

/* The rows that match, by reading them. */
static int64_t count_rows(const table *t, const firn_expr *filter, bool never_skip) {
  firn_error err;
  FIRN_AUTO_SCAN *scan = NULL;
  const firn_scan_options options = {.metadata = t->metadata,
                                     .snapshot = t->snapshot,
                                     .stores = t->stores,
                                     .moved = t->moved,
                                     .filter = filter,
                                     .never_skip = never_skip};
  CHECK_OK(firn_scan_open(&options, t->ctx, &scan, &err));
  for (int64_t n = 0;;) {
    const firn_batch *batch;
    CHECK_OK(firn_scan_next(scan, t->ctx, &batch, &err));
    if (batch == NULL) {
      return n;
    }
    n += (int64_t)batch->n_rows;
  }
}

/* What the plan keeps is what each file's own entry, with everything known of it, cannot exclude. */
static void check_plan(const table *t, const firn_expr *bound, totals *sum) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_FILES *all = NULL, *chosen = NULL;
  firn_files_options options = options_of(t);
  options.with_statistics = true;
  CHECK_OK(firn_files_open(&options, t->ctx, &all, &err));
  options.with_statistics = false;
  options.filter = bound;
  CHECK_OK(firn_files_open(&options, t->ctx, &chosen, &err));
  for (;;) {
    const firn_manifest_entry *e, *kept;
    CHECK_OK(firn_files_next(all, t->ctx, &e, &err));
    if (e == NULL) {
      CHECK_OK(firn_files_next(chosen, t->ctx, &kept, &err));
      assert_null(kept);
      return;
    }
    const firn_prune *prune;
    CHECK_OK(firn_prune_new(bound, firn_metadata_spec(t->metadata, e->file.spec_id), t->schema, &arena,
                            &prune, &err));
    sum->files++;
    if (!firn_prune_file(prune, &e->file)) {
      sum->skipped++;
      continue;
    }
    CHECK_OK(firn_files_next(chosen, t->ctx, &kept, &err));
    assert_non_null(kept);
    assert_string_equal(kept->file.path, e->file.path);
  }
}

static void check_filter(const table *t, const firn_expr *e, totals *sum) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_expr *bound;
  assert_non_null(e);
  CHECK_OK(firn_expr_bind(e, t->schema, false, &arena, &bound, &err));
  check_plan(t, bound, sum);
  assert_int_equal(count_rows(t, e, false), count_rows(t, e, true));
  sum->filters++;
}

/* A value that some file's statistics name; false: none does. */
static bool some_bound(const table *t, const firn_field *column, bool upper, firn_arena *arena,
                       firn_value *out) {
  firn_error err;
  FIRN_AUTO_FILES *files = NULL;
  firn_files_options options = options_of(t);
  options.with_statistics = true;
  CHECK_OK(firn_files_open(&options, t->ctx, &files, &err));
  for (;;) {
    const firn_manifest_entry *e;
    CHECK_OK(firn_files_next(files, t->ctx, &e, &err));
    if (e == NULL) {
      return false;
    }
    firn_bytes bound;
    firn_value v;
    if (firn_id_bounds_get(upper ? &e->file.upper_bounds : &e->file.lower_bounds, column->id, &bound) &&
        firn_bound_read(bound, column, &v)) {
      CHECK_OK(firn_value_copy(&v, arena, out, &err));
      return true;
    }
  }
}

static void check_column(const table *t, const firn_field *column, totals *sum) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  check_filter(t, firn_expr_unary(FIRN_EXPR_IS_NULL, column->name, &arena), sum);
  check_filter(t, firn_expr_unary(FIRN_EXPR_NOT_NULL, column->name, &arena), sum);
  for (int upper = 0; upper < 2; upper++) {
    static const firn_expr_op ops[] = {FIRN_EXPR_EQ,    FIRN_EXPR_NOT_EQ, FIRN_EXPR_LT,
                                       FIRN_EXPR_LT_EQ, FIRN_EXPR_GT,     FIRN_EXPR_GT_EQ};
    firn_literal literal = {.precision = column->precision, .scale = column->scale};
    if (!some_bound(t, column, upper == 1, &arena, &literal.value)) {
      continue;
    }
    for (size_t i = 0; i < FIRN_COUNT_OF(ops); i++) {
      check_filter(t, firn_expr_compare(ops[i], column->name, literal, &arena), sum);
    }
  }
}

static void check_table(const char *root, const char *path, totals *sum) {
  firn_error err;
  AUTO_TABLE t = {0};
  CHECK_OK(table_open(&t, root, path, &err));
  const firn_metadata_fields *m = firn_metadata_get(t.metadata);
  for (size_t i = 0; i < m->n_snapshots; i++) {
    const firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_ID, .id = m->snapshots[i].snapshot_id};
    CHECK_OK(firn_snapshot_choose(t.metadata, &choice, &t.snapshot, &t.schema, &err));
    for (uint32_t c = 0; c < t.schema->root.n_children; c++) {
      if (!firn_kind_is_nested(t.schema->root.children[c].kind)) {
        check_column(&t, &t.schema->root.children[c], sum);
      }
    }
  }
  sum->tables++;
}

static void no_filter_loses_a_row_of_a_foreign_table(void **state) {
  (void)state;
  char root[PATH_MAX];
  const char *shared = test_shared_data("tables of other engines under filters");
  if (shared == NULL || realpath(shared, root) == NULL) {
    skip();
  }
  totals sum = {0};
  for (size_t i = 0; i < FIRN_COUNT_OF(tables); i++) {
    check_table(root, tables[i], &sum);
  }
  assert_int_equal(sum.tables, FIRN_COUNT_OF(tables));
  assert_true(sum.filters > 300);
  assert_true(sum.skipped > sum.files / 20);
}

RUN_TESTS(no_filter_loses_a_row_of_a_foreign_table)

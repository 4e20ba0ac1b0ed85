/* Filters: any bytes, as text and as JSON. What is read is written and read back as the same tree; bound to a
 * schema with a column of each kind it is the same when it is bound again, and projects, prunes and filters
 * without a contradiction: what matches a row is admitted by its partition. */
#include <stdlib.h>

#include "iceberg/expr/evaluate.h"
#include "iceberg/expr/prune.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

enum { COLUMNS = 16, FIELDS = 6 };

static const firn_field columns[COLUMNS] = {
    {.id = 1, .name = "i", .kind = FIRN_KIND_INT},
    {.id = 2, .name = "l", .kind = FIRN_KIND_LONG, .required = true},
    {.id = 3, .name = "f", .kind = FIRN_KIND_FLOAT},
    {.id = 4, .name = "d", .kind = FIRN_KIND_DOUBLE},
    {.id = 5, .name = "dec", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.id = 6, .name = "b", .kind = FIRN_KIND_BOOLEAN},
    {.id = 7, .name = "date", .kind = FIRN_KIND_DATE},
    {.id = 8, .name = "time", .kind = FIRN_KIND_TIME},
    {.id = 9, .name = "ts", .kind = FIRN_KIND_TIMESTAMP},
    {.id = 10, .name = "tstz", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 11, .name = "ns", .kind = FIRN_KIND_TIMESTAMP_NS},
    {.id = 12, .name = "s", .kind = FIRN_KIND_STRING},
    {.id = 13, .name = "u", .kind = FIRN_KIND_UUID},
    {.id = 14, .name = "fix", .kind = FIRN_KIND_FIXED, .width = 3},
    {.id = 15, .name = "bin", .kind = FIRN_KIND_BINARY},
    {.id = 16, .name = "nothing", .kind = FIRN_KIND_UNKNOWN},
};
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .required = true,
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = COLUMNS,
                                            .children = columns}};
static const firn_partition_field fields[FIELDS] = {
    {.source_id = 1, .field_id = 1000, .name = "i_trunc", .transform = {FIRN_TRANSFORM_TRUNCATE, 10, NULL}},
    {.source_id = 2, .field_id = 1001, .name = "l_bucket", .transform = {FIRN_TRANSFORM_BUCKET, 16, NULL}},
    {.source_id = 9, .field_id = 1002, .name = "ts_day", .transform = {FIRN_TRANSFORM_DAY, 0, NULL}},
    {.source_id = 9, .field_id = 1003, .name = "ts_month", .transform = {FIRN_TRANSFORM_MONTH, 0, NULL}},
    {.source_id = 12, .field_id = 1004, .name = "s_trunc", .transform = {FIRN_TRANSFORM_TRUNCATE, 2, NULL}},
    {.source_id = 4, .field_id = 1005, .name = "d", .transform = {FIRN_TRANSFORM_IDENTITY, 0, NULL}},
};
static const firn_partition_spec spec = {.spec_id = 1, .n_fields = FIELDS, .fields = fields};

/* A row, all of it made from one number. */
static void make_row(int64_t n, firn_value *row) {
  static const uint8_t bytes[16] = {'a', 'b', 'c', 'd'};
  for (size_t c = 0; c < COLUMNS; c++) {
    firn_kind kind = columns[c].kind;
    row[c] =
        (firn_value){.kind = kind, .is_null = kind == FIRN_KIND_UNKNOWN || (n == 3 && !columns[c].required)};
    if (firn_kind_is_bytes(kind)) {
      size_t len = kind == FIRN_KIND_UUID ? 16 : kind == FIRN_KIND_FIXED ? 3 : (size_t)n % 4;
      row[c].bytes = (firn_bytes){bytes, len};
    } else if (kind == FIRN_KIND_FLOAT) {
      row[c].f32 = (float)n;
    } else if (kind == FIRN_KIND_DOUBLE) {
      row[c].f64 = n == 2 ? (double)__builtin_nanf("") : (double)n;
    } else if (kind == FIRN_KIND_DECIMAL) {
      row[c].dec = n;
    } else if (kind == FIRN_KIND_INT || kind == FIRN_KIND_DATE) {
      row[c].i32 = (int32_t)n;
    } else if (kind == FIRN_KIND_BOOLEAN) {
      row[c].boolean = n % 2 == 0;
    } else if (kind != FIRN_KIND_UNKNOWN) {
      row[c].i64 = n;
    }
  }
}

static void prune(const firn_expr *e, firn_arena *arena) {
  const firn_prune *p;
  check(firn_prune_new(e, &spec, &schema, arena, &p, NULL) == FIRN_OK);
  for (int64_t n = -2; n < 4; n++) {
    firn_value row[COLUMNS], tuple[FIELDS];
    const firn_expr *residual;
    bool matches = false, remains = false;
    make_row(n * (n % 2 == 0 ? 1 : 86400000), row);
    if (firn_expr_eval(e, &schema.root, row, &matches, NULL) != FIRN_OK) {
      return; /* a transform that does not reach a value */
    }
    for (size_t i = 0; i < FIELDS; i++) {
      const firn_field *source = &columns[fields[i].source_id - 1];
      check(firn_transform_apply(&fields[i].transform, source, &row[source->id - 1], arena, &tuple[i],
                                 NULL) == FIRN_OK);
    }
    check(!matches || firn_prune_partition(p, tuple));
    check(firn_prune_residual(p, tuple, arena, &residual, NULL) == FIRN_OK);
    check(firn_expr_eval(residual, &schema.root, row, &remains, NULL) == FIRN_OK && remains == matches);
  }
}

static void use(const firn_expr *e, firn_arena *arena) {
  const firn_expr *bound, *again;
  if (firn_expr_bind(e, &schema, true, arena, &bound, NULL) != FIRN_OK) {
    return;
  }
  check(firn_expr_bind(bound, &schema, true, arena, &again, NULL) == FIRN_OK);
  check(firn_expr_equal(bound, again));
  prune(bound, arena);
}

static void as_text(firn_bytes in, firn_arena *arena) {
  const firn_expr *e, *again;
  if (firn_expr_parse(in, arena, &e, NULL) != FIRN_OK) {
    return;
  }
  const char *text = firn_expr_text(e, arena);
  check(text != NULL && firn_expr_parse(firn_bytes_of(text), arena, &again, NULL) == FIRN_OK);
  check(firn_expr_equal(e, again));
  use(e, arena);
}

static void as_json(firn_bytes in, firn_arena *arena) {
  FIRN_AUTO_BUILDER to = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&to);
  const firn_json_value *tree;
  const firn_expr *e, *again;
  if (firn_json_tree_read(in, arena, &tree, NULL) != FIRN_OK ||
      firn_expr_read(tree, arena, &e, NULL) != FIRN_OK) {
    return;
  }
  firn_expr_write(e, &w);
  check(firn_json_tree_read(firn_builder_bytes(&to), arena, &tree, NULL) == FIRN_OK);
  check(firn_expr_read(tree, arena, &again, NULL) == FIRN_OK && firn_expr_equal(e, again));
  use(e, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  as_text((firn_bytes){data, size}, &arena);
  as_json((firn_bytes){data, size}, &arena);
  return 0;
}

/* Whatever a filter says of rows that are there must be admitted by all that is said of rows nobody has read:
 * by projections of their partition, by statistics of their file, by summaries of its manifest. For random
 * schemas, specs, rows and filters, from a seed; bounds are cut, missing, of an early writer's mind. */
#include <math.h>

#include "base/time.h"
#include "filters.h"
#include "iceberg/expr/evaluate.h"
#include "iceberg/expr/prune.h"
#include "random_batch.h"

enum { ROUNDS = 1500, MAX_COLUMNS = 4, MAX_FIELDS = 3, ROWS = 24, FILTERS = 24, MAX_TUPLES = ROWS };

/* One random world. */
typedef struct world {
  random_source random;
  firn_arena *arena;
  firn_field columns[MAX_COLUMNS];
  firn_schema schema;
  uint32_t n_columns;
  firn_partition_field fields[MAX_FIELDS];
  firn_partition_spec spec;
  firn_field partition_type;
  bool is_early_java; /* times before 1970 are rounded towards zero */
  firn_value rows[ROWS][MAX_COLUMNS];
  firn_value tuples[ROWS][MAX_FIELDS];
  bool is_null_batch;
} world;

/* ---- Making it */

static firn_field random_column(world *w, uint32_t i) {
  static const firn_kind kinds[] = {FIRN_KIND_BOOLEAN,     FIRN_KIND_INT,          FIRN_KIND_LONG,
                                    FIRN_KIND_FLOAT,       FIRN_KIND_DOUBLE,       FIRN_KIND_DECIMAL,
                                    FIRN_KIND_DATE,        FIRN_KIND_TIME,         FIRN_KIND_TIMESTAMP,
                                    FIRN_KIND_TIMESTAMPTZ, FIRN_KIND_TIMESTAMP_NS, FIRN_KIND_STRING,
                                    FIRN_KIND_STRING,      FIRN_KIND_UUID,         FIRN_KIND_FIXED,
                                    FIRN_KIND_BINARY,      FIRN_KIND_DOUBLE,       FIRN_KIND_TIMESTAMP};
  static const char *const names[MAX_COLUMNS] = {"a", "b", "c", "d"};
  firn_field f = {.id = (int32_t)i + 1,
                  .name = names[i],
                  .kind = kinds[random_below(&w->random, FIRN_COUNT_OF(kinds))],
                  .required = random_below(&w->random, 5) == 0};
  f.precision = f.kind == FIRN_KIND_DECIMAL ? 9 : 0;
  f.scale = f.kind == FIRN_KIND_DECIMAL ? 2 : 0;
  f.width = f.kind == FIRN_KIND_FIXED ? 2 : 0;
  return f;
}

static int64_t random_time(world *w, int64_t per_day) {
  int64_t hour = per_day / 24, r = (int64_t)random_below(&w->random, 7) - 3;
  switch (random_below(&w->random, 4)) {
    case 0:
      return r; /* around 1970 */
    case 1:
      return r * hour + (int64_t)random_below(&w->random, 3) - 1;
    case 2:
      return r * per_day + (int64_t)random_below(&w->random, 3) - 1;
    default:
      return r * per_day * 31 + (int64_t)random_below(&w->random, 5) * hour;
  }
}

static firn_bytes random_choice(world *w, firn_kind kind) {
  static const char *const texts[] = {"",
                                      "a",
                                      "ab",
                                      "abc",
                                      "abd",
                                      "b",
                                      "zz",
                                      "\303\251",
                                      "\303\251a",
                                      "\357\277\275",
                                      "\360\237\230\200",
                                      "\360\237\230\200\360\237\230\200",
                                      "ab\303\251",
                                      "\355\237\277"};
  static const uint8_t raw[][2] = {{0, 0},    {0, 1},       {1, 0},      {0x7F, 0xFF},
                                   {0x80, 0}, {0xFF, 0xFE}, {0xFF, 0xFF}};
  if (kind == FIRN_KIND_STRING) {
    return firn_bytes_of(texts[random_below(&w->random, FIRN_COUNT_OF(texts))]);
  }
  const uint8_t *two = raw[random_below(&w->random, FIRN_COUNT_OF(raw))];
  if (kind == FIRN_KIND_UUID) {
    uint8_t *uuid = firn_arena_alloc_bytes(w->arena, 16);
    assert_non_null(uuid);
    memset(uuid, 0, 16);
    memcpy(uuid, two, 2);
    memcpy(uuid + 8, raw[random_below(&w->random, FIRN_COUNT_OF(raw))], 2);
    return (firn_bytes){uuid, 16};
  }
  return (firn_bytes){two, kind == FIRN_KIND_FIXED ? 2 : random_below(&w->random, 3)};
}

/* A value that is not null; the same few come again and again, so that filters meet them. */
static firn_value random_value_of(world *w, const firn_field *f) {
  static const double reals[] = {-1.5, -0.0, 0.0, 1.5, 2.5, 1e30, -1e30};
  random_source *r = &w->random;
  firn_value v = {.kind = f->kind};
  int64_t small = (int64_t)random_below(r, 25) - 12;
  switch (f->kind) {
    case FIRN_KIND_BOOLEAN:
      v.boolean = random_below(r, 2) == 0;
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      v.i32 = random_below(r, 30) == 0 ? (small < 0 ? INT32_MIN + 8 : INT32_MAX)
                                       : (int32_t)small * (f->kind == FIRN_KIND_DATE ? 11 : 1);
      break;
    case FIRN_KIND_LONG:
      v.i64 = random_below(r, 30) == 0 ? (small < 0 ? INT64_MIN + 8 : INT64_MAX) : small;
      break;
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE: {
      size_t which = random_below(r, 10);
      double real = which < 7    ? reals[which]
                    : which == 7 ? (double)NAN
                    : which == 8 ? (double)INFINITY
                                 : -(double)INFINITY;
      if (f->kind == FIRN_KIND_FLOAT) {
        v.f32 = (float)real;
      } else {
        v.f64 = real;
      }
      break;
    }
    case FIRN_KIND_DECIMAL:
      v.dec = small * 7;
      break;
    case FIRN_KIND_TIME:
      v.i64 = small + 12;
      break;
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
      v.i64 = random_time(w, FIRN_US_PER_DAY);
      break;
    case FIRN_KIND_TIMESTAMP_NS:
      v.i64 = random_time(w, FIRN_NS_PER_DAY);
      break;
    default:
      v.bytes = random_choice(w, f->kind);
  }
  return v;
}

static firn_transform random_transform(world *w, const firn_field *source) {
  firn_transform t;
  do {
    t = (firn_transform){.kind = (firn_transform_kind)random_below(&w->random, FIRN_TRANSFORM_VOID + 1)};
    t.width = t.kind == FIRN_TRANSFORM_BUCKET || t.kind == FIRN_TRANSFORM_TRUNCATE
                  ? 1 + (int32_t)random_below(&w->random, 4)
                  : 0;
  } while (!firn_transform_takes(&t, source));
  return t;
}

/* What an early writer made of a time: the hour, day, month or year towards zero. */
static void round_wrongly(const firn_partition_field *field, const firn_field *source, const firn_value *in,
                          firn_value *out) {
  bool is_time = field->transform.kind >= FIRN_TRANSFORM_YEAR && field->transform.kind <= FIRN_TRANSFORM_HOUR;
  bool is_day_of_date = field->transform.kind == FIRN_TRANSFORM_DAY && source->kind == FIRN_KIND_DATE;
  if (in->is_null || out->is_null || !is_time || is_day_of_date || out->i32 >= 0) {
    return;
  }
  firn_value before = *in, earlier;
  if (in->kind == FIRN_KIND_DATE) {
    before.i32--;
  } else {
    before.i64--;
  }
  /* A time that begins its partition was right; all others were one too late. */
  firn_arena none = FIRN_ARENA_INIT(0);
  if (firn_transform_apply(&field->transform, source, &before, &none, &earlier, NULL) == FIRN_OK &&
      earlier.i32 == out->i32) {
    out->i32++;
  }
}

static void make_tuple(world *w, size_t row) {
  for (size_t i = 0; i < w->spec.n_fields; i++) {
    const firn_partition_field *field = &w->fields[i];
    const firn_field *source = &w->columns[field->source_id - 1];
    const firn_value *in = &w->rows[row][field->source_id - 1];
    firn_error err;
    CHECK_OK(firn_transform_apply(&field->transform, source, in, w->arena, &w->tuples[row][i], &err));
    if (w->is_early_java) {
      round_wrongly(field, source, in, &w->tuples[row][i]);
    }
  }
}

static void make_world(world *w) {
  static const char *const names[MAX_FIELDS] = {"p0", "p1", "p2"};
  random_source *r = &w->random;
  w->n_columns = 1 + (uint32_t)random_below(r, MAX_COLUMNS);
  for (uint32_t i = 0; i < w->n_columns; i++) {
    w->columns[i] = random_column(w, i);
  }
  w->schema = (firn_schema){.root = {.id = FIRN_NO_ID,
                                     .name = "",
                                     .required = true,
                                     .kind = FIRN_KIND_STRUCT,
                                     .n_children = w->n_columns,
                                     .children = w->columns}};
  w->spec =
      (firn_partition_spec){.spec_id = 1, .n_fields = random_below(r, MAX_FIELDS + 1), .fields = w->fields};
  for (size_t i = 0; i < w->spec.n_fields; i++) {
    uint32_t source = (uint32_t)random_below(r, w->n_columns);
    w->fields[i] = (firn_partition_field){.source_id = (int32_t)source + 1,
                                          .field_id = 1000 + (int32_t)i,
                                          .name = names[i],
                                          .transform = random_transform(w, &w->columns[source])};
  }
  w->is_early_java = random_below(r, 3) == 0;
  firn_error err;
  CHECK_OK(firn_partition_type(&w->spec, &w->schema, w->arena, &w->partition_type, &err));
  size_t variety = 1 + random_below(r, 6), null_odds = 1 + random_below(r, 6);
  firn_value pool[MAX_COLUMNS][6];
  for (uint32_t c = 0; c < w->n_columns; c++) {
    for (size_t i = 0; i < variety; i++) {
      pool[c][i] = random_value_of(w, &w->columns[c]);
    }
  }
  for (size_t row = 0; row < ROWS; row++) {
    for (uint32_t c = 0; c < w->n_columns; c++) {
      w->rows[row][c] = pool[c][random_below(r, variety)];
      w->rows[row][c].is_null = !w->columns[c].required && random_below(r, null_odds * 2) == 0;
    }
    make_tuple(w, row);
  }
}

/* ---- Filters */

static firn_expr_op random_op(world *w, const firn_field *f) {
  for (;;) {
    firn_expr_op op = (firn_expr_op)(FIRN_EXPR_IS_NULL +
                                     random_below(&w->random, FIRN_EXPR_NOT_IN - FIRN_EXPR_IS_NULL + 1));
    bool nan = op == FIRN_EXPR_IS_NAN || op == FIRN_EXPR_NOT_NAN;
    bool prefix = op == FIRN_EXPR_STARTS_WITH || op == FIRN_EXPR_NOT_STARTS_WITH;
    bool is_real = f->kind == FIRN_KIND_FLOAT || f->kind == FIRN_KIND_DOUBLE;
    if ((!nan || is_real) && (!prefix || f->kind == FIRN_KIND_STRING)) {
      return op;
    }
  }
}

/* A literal near the rows: one of theirs, or another of the few; for a transformed term, what it makes. */
static firn_literal random_literal(world *w, uint32_t c, const firn_transform *t) {
  const firn_field *f = &w->columns[c];
  firn_literal l = {.precision = f->precision, .scale = f->scale};
  l.value =
      random_below(&w->random, 2) == 0 ? w->rows[random_below(&w->random, ROWS)][c] : random_value_of(w, f);
  if (l.value.is_null) {
    l.value = random_value_of(w, f);
  }
  firn_value made;
  firn_error err;
  CHECK_OK(firn_transform_apply(t, f, &l.value, w->arena, &made, &err));
  l.value = made;
  return l;
}

static const firn_expr *random_predicate(world *w) {
  uint32_t c = (uint32_t)random_below(&w->random, w->n_columns);
  const firn_field *f = &w->columns[c];
  firn_expr like = {.name = f->name};
  if (random_below(&w->random, 6) == 0) {
    like.transform = random_transform(w, f);
  }
  if (like.transform.kind == FIRN_TRANSFORM_VOID) {
    like.transform.kind = FIRN_TRANSFORM_IDENTITY;
  }
  firn_field type = *f;
  firn_transform_result(&like.transform, f, &type);
  firn_expr_op op = random_op(w, &type);
  size_t n = op >= FIRN_EXPR_IN ? 1 + random_below(&w->random, 9) : op >= FIRN_EXPR_LT ? 1 : 0;
  firn_literal *literals = firn_new_n(w->arena, firn_literal, n);
  firn_expr *e = firn_new(w->arena, firn_expr);
  assert_true(literals != NULL && e != NULL);
  for (size_t i = 0; i < n; i++) {
    literals[i] = random_literal(w, c, &like.transform);
  }
  *e = like;
  e->op = op;
  e->literals = literals;
  e->n_literals = n;
  return e;
}

static const firn_expr *random_filter(world *w, int depth) {
  switch (depth == 0 ? 9 : random_below(&w->random, 6)) {
    case 0:
      return firn_expr_and(random_filter(w, depth - 1), random_filter(w, depth - 1), w->arena);
    case 1:
      return firn_expr_or(random_filter(w, depth - 1), random_filter(w, depth - 1), w->arena);
    case 2:
      return firn_expr_not(random_filter(w, depth - 1), w->arena);
    default:
      return random_predicate(w);
  }
}

/* ---- Statistics, as writers make them */

typedef struct statistics {
  firn_id_count values[MAX_COLUMNS], nulls[MAX_COLUMNS], nans[MAX_COLUMNS];
  firn_id_bytes lower[MAX_COLUMNS], upper[MAX_COLUMNS];
} statistics;

static bool is_nan(const firn_value *v) {
  return (v->kind == FIRN_KIND_FLOAT && isnan(v->f32)) || (v->kind == FIRN_KIND_DOUBLE && isnan(v->f64));
}

static int order_signed(const firn_value *a, const firn_value *b) {
  uint8_t x[16], y[16];
  memcpy(x, a->bytes.data, 16);
  memcpy(y, b->bytes.data, 16);
  x[0] ^= 0x80;
  y[0] ^= 0x80;
  x[8] ^= 0x80;
  y[8] ^= 0x80;
  return memcmp(x, y, 16);
}

static firn_bytes encoded(world *w, const firn_value *v) {
  FIRN_AUTO_BUILDER to = FIRN_BUILDER_INIT(0);
  firn_bytes out;
  firn_error err;
  firn_value_write(v, &to);
  CHECK_OK(firn_builder_finish_copy(&to, w->arena, &out, &err));
  return out;
}

/* Cut to a few bytes, wherever that is in a character, and for an upper bound made larger; empty when there
 * is nothing larger. */
static firn_bytes cut(world *w, firn_bytes full, bool is_upper) {
  size_t len = 1 + random_below(&w->random, 3);
  if (len >= full.len) {
    return full;
  }
  firn_bytes part = firn_arena_copy(w->arena, firn_bytes_part(full, 0, len));
  uint8_t *bytes = (uint8_t *)(uintptr_t)part.data;
  while (is_upper && len > 0 && bytes[len - 1] == 0xFF) {
    len--;
  }
  if (is_upper && len > 0) {
    bytes[len - 1]++;
  }
  return is_upper && len == 0 ? full : (firn_bytes){bytes, len};
}

static void find_bounds(world *w, const firn_value *const *values, size_t n, bool is_signed,
                        const firn_value **low, const firn_value **high) {
  (void)w;
  for (size_t i = 0; i < n; i++) {
    if (values[i]->is_null || is_nan(values[i])) {
      continue;
    }
    if (*low == NULL ||
        (is_signed ? order_signed(values[i], *low) : firn_value_compare(values[i], *low)) < 0) {
      *low = values[i];
    }
    if (*high == NULL ||
        (is_signed ? order_signed(values[i], *high) : firn_value_compare(values[i], *high)) > 0) {
      *high = values[i];
    }
  }
}

static bool is_sloppy(world *w) {
  return random_below(&w->random, 4) == 0;
}

static void measure(world *w, const size_t *rows, size_t n, statistics *s, firn_data_file *file) {
  size_t n_lower = 0, n_upper = 0, n_nans = 0;
  for (uint32_t c = 0; c < w->n_columns; c++) {
    const firn_field *f = &w->columns[c];
    const firn_value *values[ROWS], *low = NULL, *high = NULL;
    bool is_text = f->kind == FIRN_KIND_STRING || f->kind == FIRN_KIND_BINARY;
    bool is_real = f->kind == FIRN_KIND_FLOAT || f->kind == FIRN_KIND_DOUBLE;
    int64_t nulls = 0, nans = 0;
    for (size_t i = 0; i < n; i++) {
      values[i] = &w->rows[rows[i]][c];
      nulls += values[i]->is_null;
      nans += !values[i]->is_null && is_nan(values[i]);
    }
    find_bounds(w, values, n, f->kind == FIRN_KIND_UUID && is_sloppy(w), &low, &high);
    s->values[c] = (firn_id_count){f->id, (int64_t)n};
    s->nulls[c] = (firn_id_count){f->id, nulls};
    if (is_real && !is_sloppy(w)) {
      s->nans[n_nans++] = (firn_id_count){f->id, nans};
    }
    firn_value nan = {.kind = f->kind};
    if (is_real && nans > 0 && is_sloppy(w)) { /* early writers took NaN for a bound */
      if (f->kind == FIRN_KIND_FLOAT) {
        nan.f32 = (float)NAN;
      } else {
        nan.f64 = (double)NAN;
      }
      high = &nan;
    }
    if (low != NULL && !is_sloppy(w)) {
      firn_bytes b = encoded(w, low);
      s->lower[n_lower++] = (firn_id_bytes){f->id, is_text ? cut(w, b, false) : b};
    }
    if (high != NULL && !is_sloppy(w)) {
      firn_bytes b = encoded(w, high);
      s->upper[n_upper++] = (firn_id_bytes){f->id, is_text ? cut(w, b, true) : b};
    }
  }
  *file = (firn_data_file){.record_count = (int64_t)n,
                           .value_counts = {!is_sloppy(w), w->n_columns, s->values},
                           .null_counts = {!is_sloppy(w), w->n_columns, s->nulls},
                           .nan_counts = {!is_sloppy(w), n_nans, s->nans},
                           .lower_bounds = {!is_sloppy(w), n_lower, s->lower},
                           .upper_bounds = {!is_sloppy(w), n_upper, s->upper}};
}

static void summarise(world *w, firn_field_summary *out) {
  for (size_t i = 0; i < w->spec.n_fields; i++) {
    const firn_value *values[ROWS], *low = NULL, *high = NULL;
    bool nulls = false, nans = false;
    for (size_t row = 0; row < ROWS; row++) {
      values[row] = &w->tuples[row][i];
      nulls = nulls || values[row]->is_null;
      nans = nans || (!values[row]->is_null && is_nan(values[row]));
    }
    find_bounds(w, values, ROWS, false, &low, &high);
    out[i] =
        (firn_field_summary){.contains_null = nulls, .has_contains_nan = !is_sloppy(w), .contains_nan = nans};
    if (low != NULL) {
      out[i].lower = encoded(w, low);
      out[i].upper = encoded(w, high);
      if (out[i].lower.data == NULL || out[i].upper.data == NULL) {
        out[i].lower = out[i].upper = FIRN_LITERAL("");
      }
    }
  }
}

/* ---- What must hold */

typedef struct tally {
  size_t files, files_skipped, files_sure, manifests, manifests_skipped, residuals_gone;
} tally;

static bool same_tuple(const world *w, size_t a, size_t b) {
  for (size_t i = 0; i < w->spec.n_fields; i++) {
    if (!firn_value_equal(&w->tuples[a][i], &w->tuples[b][i])) {
      return false;
    }
  }
  return true;
}

static bool matches(const world *w, const firn_expr *e, const firn_field *type, const firn_value *values) {
  bool yes = false;
  firn_error err;
  (void)w;
  CHECK_OK(firn_expr_eval(e, type, values, &yes, &err));
  return yes;
}

typedef struct question {
  const firn_expr *e, *inclusive, *strict;
  const firn_prune *prune;
  bool row_matches[ROWS];
  uint64_t seed;
} question;

static void wrong(const world *w, const question *q, const char *what) {
  fail_msg("seed %llu: %s: %s", (unsigned long long)q->seed, what, firn_expr_text(q->e, w->arena));
}

/* The file of all rows that have the tuple of row `first`. */
static void check_file(world *w, const question *q, size_t first, tally *t) {
  size_t rows[ROWS], n = 0, n_match = 0;
  const firn_value *tuple = w->tuples[first];
  const firn_expr *residual;
  firn_data_file file;
  statistics s;
  firn_error err;
  for (size_t row = first; row < ROWS; row++) {
    if (same_tuple(w, first, row)) {
      rows[n++] = row;
      n_match += q->row_matches[row];
    }
  }
  measure(w, rows, n, &s, &file);
  file.partition = tuple;
  bool may = firn_prune_file(q->prune, &file), surely = firn_prune_file_surely(q->prune, &file);
  bool partition_may = firn_prune_partition(q->prune, tuple);
  if (n_match > 0 && (!may || !partition_may || !matches(w, q->inclusive, &w->partition_type, tuple))) {
    wrong(w, q, may ? "its partition is pruned and has a match" : "a file is pruned and has a match");
  }
  if (n_match < n && (surely || matches(w, q->strict, &w->partition_type, tuple))) {
    wrong(w, q, "a file surely matches and has a row that does not");
  }
  CHECK_OK(firn_prune_residual(q->prune, tuple, w->arena, &residual, &err));
  for (size_t i = 0; i < n; i++) {
    if (matches(w, residual, &w->schema.root, w->rows[rows[i]]) != q->row_matches[rows[i]]) {
      wrong(w, q, "the residual says otherwise");
    }
  }
  t->files++;
  t->files_skipped += !may;
  t->files_sure += surely;
  t->residuals_gone += residual->op <= FIRN_EXPR_FALSE;
}

static firn_batch batch_of(world *w) {
  firn_batch batch;
  firn_error err;
  CHECK_OK(firn_batch_new(&w->schema.root, ROWS, w->arena, &batch, &err));
  batch.n_rows = ROWS;
  for (uint32_t c = 0; c < w->n_columns; c++) {
    firn_vector *v = &batch.columns[c];
    v->len = ROWS;
    CHECK_OK(firn_vector_need_validity(v, ROWS, w->arena, &err));
    for (size_t row = 0; row < ROWS; row++) {
      const firn_value *value = &w->rows[row][c];
      size_t size = firn_kind_value_size(v->kind);
      if (value->is_null) {
        firn_vector_set_null(v, row);
      } else if (v->kind == FIRN_KIND_BOOLEAN && value->boolean) {
        firn_bit_set(v->bits, row);
      } else if (size > 0) {
        memcpy((uint8_t *)v->values + row * size, &value->boolean, size); /* all members begin there */
      }
    }
  }
  return batch;
}

static void check_filter(world *w, const firn_batch *batch, const firn_field_summary *summaries,
                         uint64_t seed, tally *t) {
  const firn_expr *loose = random_filter(w, 2), *again;
  question q = {.seed = seed};
  uint64_t bits[(ROWS + 63) / 64];
  firn_error err;
  bool any = false;
  CHECK_OK(firn_expr_bind(loose, &w->schema, false, w->arena, &q.e, &err));
  CHECK_OK(firn_expr_bind(q.e, &w->schema, false, w->arena, &again, &err));
  if (!firn_expr_equal(q.e, again)) {
    wrong(w, &q, "bound again it is another");
  }
  CHECK_OK(firn_expr_filter(q.e, batch, false, w->arena, bits, &err));
  for (size_t row = 0; row < ROWS; row++) {
    q.row_matches[row] = matches(w, q.e, &w->schema.root, w->rows[row]);
    any = any || q.row_matches[row];
    if (firn_bit(bits, row) != q.row_matches[row]) {
      wrong(w, &q, "a batch says otherwise than its row");
    }
  }
  CHECK_OK(firn_prune_new(q.e, &w->spec, &w->schema, w->arena, &q.prune, &err));
  CHECK_OK(firn_expr_project_inclusive(q.e, &w->spec, &w->schema, w->arena, &q.inclusive, &err));
  CHECK_OK(firn_expr_project_strict(q.e, &w->spec, &w->schema, w->arena, &q.strict, &err));
  for (size_t row = 0; row < ROWS; row++) {
    bool is_first = true;
    for (size_t before = 0; before < row; before++) {
      is_first = is_first && !same_tuple(w, before, row);
    }
    if (is_first) {
      check_file(w, &q, row, t);
    }
  }
  firn_manifest_file manifest = {.n_partitions = w->spec.n_fields, .partitions = summaries};
  bool reads = firn_prune_manifest(q.prune, &manifest);
  if (any && !reads) {
    wrong(w, &q, "a manifest is pruned and has a match");
  }
  t->manifests++;
  t->manifests_skipped += !reads;
}

static void what_matches_is_never_pruned(void **state) {
  (void)state;
  tally t = {0};
  for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    world *w = firn_new(&arena, world);
    assert_non_null(w);
    w->random.state = seed;
    w->arena = &arena;
    make_world(w);
    firn_field_summary summaries[MAX_FIELDS];
    summarise(w, summaries);
    firn_batch batch = batch_of(w);
    for (size_t i = 0; i < FILTERS; i++) {
      check_filter(w, &batch, summaries, seed, &t);
    }
  }
  /* It would also hold if nothing were ever pruned. */
  print_message("files %zu, skipped %zu, sure %zu, decided by partition %zu; manifests %zu, skipped %zu\n",
                t.files, t.files_skipped, t.files_sure, t.residuals_gone, t.manifests, t.manifests_skipped);
  assert_true(t.files_skipped > t.files / 5 && t.files_sure > t.files / 20);
  assert_true(t.residuals_gone > t.files / 10 && t.manifests_skipped > t.manifests / 20);
}

RUN_TESTS(what_matches_is_never_pruned)

/* What filters cost: filter [ROUNDS]. First, per data file, judging 100,000 files with full statistics of 14
 * columns, by one column and by two, kept and passed over; then, per row, filtering batches of each kind. The
 * best round counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "iceberg/expr/evaluate.h"
#include "iceberg/expr/prune.h"

enum { N_COLUMNS = 14, N_FILES = 100000, N_KINDS = 64, N_ROWS = 1 << 16 };

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t random_state = 7;

static uint64_t next_random(void) { /* splitmix64 */
  random_state += UINT64_C(0x9E3779B97F4A7C15);
  uint64_t z = random_state;
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static void must(bool holds, const char *what) {
  if (!holds) {
    (void)fprintf(stderr, "filter: %s\n", what);
    exit(1);
  }
}

static const firn_field columns[N_COLUMNS] = {
    {.id = 1, .name = "subject", .kind = FIRN_KIND_STRING},
    {.id = 2, .name = "time", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 3, .name = "type", .kind = FIRN_KIND_STRING},
    {.id = 4, .name = "id", .kind = FIRN_KIND_LONG},
    {.id = 5, .name = "i", .kind = FIRN_KIND_INT},
    {.id = 6, .name = "d", .kind = FIRN_KIND_DOUBLE},
    {.id = 7, .name = "dec", .kind = FIRN_KIND_DECIMAL, .precision = 18, .scale = 2},
    {.id = 8, .name = "date", .kind = FIRN_KIND_DATE},
    {.id = 9, .name = "f", .kind = FIRN_KIND_FLOAT},
    {.id = 10, .name = "b", .kind = FIRN_KIND_BOOLEAN},
    {.id = 11, .name = "s1", .kind = FIRN_KIND_STRING},
    {.id = 12, .name = "s2", .kind = FIRN_KIND_STRING},
    {.id = 13, .name = "s3", .kind = FIRN_KIND_STRING},
    {.id = 14, .name = "data", .kind = FIRN_KIND_BINARY},
};
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .required = true,
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = N_COLUMNS,
                                            .children = columns}};
static const firn_partition_field by_day = {
    .source_id = 2, .field_id = 1000, .name = "time_day", .transform = {.kind = FIRN_TRANSFORM_DAY}};
static const firn_partition_spec spec = {.spec_id = 0, .n_fields = 1, .fields = &by_day};

static const firn_expr *bound(const char *text, firn_arena *arena) {
  const firn_expr *e;
  firn_error err = {.text = ""};
  must(firn_expr_parse(firn_bytes_of(text), arena, &e, &err) == FIRN_OK, err.text);
  must(firn_expr_bind(e, &schema, false, arena, &e, &err) == FIRN_OK, err.text);
  return e;
}

/* ---- Files */

typedef struct file_with_statistics {
  firn_data_file file;
  firn_value day;
  firn_id_count values[N_COLUMNS], nulls[N_COLUMNS], nans[N_COLUMNS];
  firn_id_bytes lower[N_COLUMNS], upper[N_COLUMNS];
  uint8_t bounds[2][N_COLUMNS][16];
} file_with_statistics;

static size_t bound_bytes(firn_kind kind) {
  size_t size = firn_kind_value_size(kind);
  return kind == FIRN_KIND_BOOLEAN ? 1 : firn_kind_is_bytes(kind) ? 12 : kind == FIRN_KIND_DECIMAL ? 4 : size;
}

static void make_file(file_with_statistics *f) {
  int64_t day = 19700 + (int64_t)(next_random() % 100);
  for (int c = 0; c < N_COLUMNS; c++) {
    size_t len = bound_bytes(columns[c].kind);
    for (int b = 0; b < 2; b++) {
      uint64_t low = next_random() % 1000000 + (b == 0 ? 0 : 1000000);
      memcpy(f->bounds[b][c], &low, 8);
      if (c == 1) {
        int64_t time = day * INT64_C(86400000000) + b * INT64_C(80000000000);
        memcpy(f->bounds[b][c], &time, 8);
      }
    }
    f->values[c] = (firn_id_count){c + 1, 100000};
    f->nulls[c] = (firn_id_count){c + 1, 0};
    f->nans[c] = (firn_id_count){c + 1, 0};
    f->lower[c] = (firn_id_bytes){c + 1, {f->bounds[0][c], len}};
    f->upper[c] = (firn_id_bytes){c + 1, {f->bounds[1][c], len}};
  }
  f->day = (firn_value){.kind = FIRN_KIND_DATE, .i32 = (int32_t)day};
  f->file = (firn_data_file){.record_count = 100000,
                             .partition = &f->day,
                             .value_counts = {true, N_COLUMNS, f->values},
                             .null_counts = {true, N_COLUMNS, f->nulls},
                             .nan_counts = {true, N_COLUMNS, f->nans},
                             .lower_bounds = {true, N_COLUMNS, f->lower},
                             .upper_bounds = {true, N_COLUMNS, f->upper}};
}

static void judge_files(const char *filter, const file_with_statistics *files, int rounds,
                        firn_arena *arena) {
  const firn_prune *p;
  firn_error err = {.text = ""};
  must(firn_prune_new(bound(filter, arena), &spec, &schema, arena, &p, &err) == FIRN_OK, err.text);
  double best = 1e9;
  size_t kept = 0;
  for (int round = 0; round < rounds; round++) {
    double start = now_s();
    kept = 0;
    for (size_t i = 0; i < N_FILES; i++) {
      kept += firn_prune_file(p, &files[i % N_KINDS].file);
    }
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  printf("%6.0f ns a file, %5.1f %% kept: %s\n", best / N_FILES * 1e9, 100.0 * (double)kept / N_FILES,
         filter);
}

/* ---- Rows */

static void fill_column(firn_vector *v, firn_arena *arena) {
  for (size_t i = 0; i < N_ROWS; i++) {
    uint64_t r = next_random();
    switch (v->kind) {
      case FIRN_KIND_INT:
      case FIRN_KIND_DATE:
        v->i32[i] = (int32_t)(r % 1000);
        break;
      case FIRN_KIND_FLOAT:
        v->f32[i] = (float)(r % 1000);
        break;
      case FIRN_KIND_DOUBLE:
        v->f64[i] = (double)(r % 1000);
        break;
      case FIRN_KIND_DECIMAL:
        v->dec[i] = (firn_decimal)(r % 100000);
        break;
      case FIRN_KIND_BOOLEAN:
        v->bits[i / 64] = r;
        break;
      case FIRN_KIND_STRING:
      case FIRN_KIND_BINARY:
        v->bytes[i] = firn_bytes_of(firn_arena_printf(arena, "vehicle-%06" PRIu64, r % 1000));
        break;
      default:
        v->i64[i] = (int64_t)(r % 1000);
    }
  }
  v->len = N_ROWS;
}

static void filter_rows(const char *filter, const firn_batch *batch, int rounds, firn_arena *arena) {
  const firn_expr *e = bound(filter, arena);
  uint64_t *bits = firn_new_n(arena, uint64_t, N_ROWS / 64);
  firn_error err = {.text = ""};
  double best = 1e9;
  must(bits != NULL, "no memory");
  for (int round = 0; round < rounds; round++) {
    FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
    double start = now_s();
    must(firn_expr_filter(e, batch, false, &scratch, bits, &err) == FIRN_OK, err.text);
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  size_t n = 0;
  for (size_t i = 0; i < N_ROWS / 64; i++) {
    n += (size_t)__builtin_popcountll(bits[i]);
  }
  printf("%6.2f ns a row, %5.1f %% match: %s\n", best / N_ROWS * 1e9, 100.0 * (double)n / N_ROWS, filter);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const of_files[] = {
      "id = 5000000",
      "id = 1000000",
      "time >= '2024-01-01' and time < '2024-01-02'",
      "subject = 'vehicle' and id > 100",
      "type in ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h') and dec > 1.50",
      "time >= '2024-01-01' and d < 500 or s3 like 'ab%'",
  };
  static const char *const of_rows[] = {
      "i < 10",
      "id = 500",
      "time between 100 and 200",
      "date != 500",
      "d >= 990",
      "f < 10",
      "dec < 10.00",
      "b = true",
      "subject = 'vehicle-000500'",
      "subject < 'vehicle-000500'",
      "type like 'vehicle-0005%'",
      "id in (1, 2, 3)",
      "id in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)",
      "id in (1, 2, 3, 5, 8, 13, 21, 34, 55, 1000000000)",
      "subject in ('vehicle-000001', 'vehicle-000002', 'vehicle-000003')",
      "subject in ('vehicle-000001', 'vehicle-000002', 'vehicle-000003', 'a', 'b', 'c', 'd', 'e', 'f', 'g')",
      "i < 500 and id < 500 and d < 500",
  };
  file_with_statistics *files = calloc(N_KINDS, sizeof *files);
  firn_batch batch;
  firn_error err = {.text = ""};
  must(rounds > 0 && files != NULL, "filter [ROUNDS]");
  for (size_t i = 0; i < N_KINDS; i++) {
    make_file(&files[i]);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(of_files); i++) {
    judge_files(of_files[i], files, rounds, &arena);
  }
  must(firn_batch_new(&schema.root, N_ROWS, &arena, &batch, &err) == FIRN_OK, err.text);
  for (size_t c = 0; c < N_COLUMNS; c++) {
    fill_column(&batch.columns[c], &arena);
  }
  batch.n_rows = N_ROWS;
  for (size_t i = 0; i < FIRN_COUNT_OF(of_rows); i++) {
    filter_rows(of_rows[i], &batch, rounds * 10, &arena);
  }
  free(files);
  return 0;
}

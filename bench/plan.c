/* How fast the files of a table are planned.
 *
 *   plan make FOLDER APPENDS FILES           makes a table below FOLDER by commits of FILES data files each
 * (no data), the files of a commit in one day; prints the metadata's path plan inflate MANIFEST... the floor:
 * libdeflate alone on the blocks of these manifests plan files|full|tasks METADATA [FILTER [ROUNDS]] every
 * file that may match: without statistics, with them, as tasks
 *
 * Prints one line: seconds (the best round), files, files skipped, manifests, manifests skipped, rows, MB of
 * memory at the peak. */
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "catalogs/memory/memory.h"
#include "iceberg/commit/append.h"
#include "iceberg/scan/path.h"
#include "iceberg/scan/tasks.h"

enum { N_COLUMNS = 14, FIRST_DAY = 19875, LARGEST_PLAIN = 64 << 20 };

/* Of the processor: these machines are shared. */
static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

/* --- making a table --- */

/* Statistics as they are: sizes and bounds differ from file to file, counts hardly do. Column 2 is the time,
 * column 1 a number that rises with the files, the others are text. */
typedef struct statistics {
  firn_id_count sizes[N_COLUMNS], values[N_COLUMNS], nulls[N_COLUMNS];
  firn_id_bytes lower[N_COLUMNS], upper[N_COLUMNS];
  uint8_t bounds[2][N_COLUMNS][16];
  firn_value day;
  int64_t offset;
} statistics;

static void fill(statistics *s, int64_t n, int32_t day) {
  s->day = (firn_value){.kind = FIRN_KIND_DATE, .i32 = day};
  s->offset = 4;
  for (int c = 0; c < N_COLUMNS; c++) {
    s->sizes[c] = (firn_id_count){c + 1, (int64_t)(next_random() % 9000000)};
    s->values[c] = (firn_id_count){c + 1, 100000};
    s->nulls[c] = (firn_id_count){c + 1, c < 6 ? 0 : (int64_t)(next_random() % 1000)};
    for (int b = 0; b < 2; b++) {
      int64_t number = c == 0 ? n * 1000 + b * 999
                              : day * INT64_C(86400000000) + (b == 0 ? 0 : INT64_C(43200000000)) +
                                    (int64_t)(next_random() % 43200000000);
      if (c < 2) {
        memcpy(s->bounds[b][c], &number, sizeof number); /* little endian, as the machines of a benchmark */
      } else {
        (void)snprintf((char *)s->bounds[b][c], 16, "%c-value-%06" PRIx64, b == 0 ? 'a' : 'z',
                       next_random() & 0xFFFFFF);
      }
    }
    size_t len = c < 2 ? 8 : 14;
    s->lower[c] = (firn_id_bytes){c + 1, {s->bounds[0][c], len}};
    s->upper[c] = (firn_id_bytes){c + 1, {s->bounds[1][c], len}};
  }
}

static firn_data_file data_file(const char *path, const statistics *s) {
  return (firn_data_file){.path = path,
                          .format = "PARQUET",
                          .partition = &s->day,
                          .record_count = 100000,
                          .size_bytes = 120000000 + (int64_t)(next_random() % 1000000),
                          .column_sizes = {true, N_COLUMNS, s->sizes},
                          .value_counts = {true, N_COLUMNS, s->values},
                          .null_counts = {true, N_COLUMNS, s->nulls},
                          .nan_counts = {true, 0, NULL},
                          .lower_bounds = {true, N_COLUMNS, s->lower},
                          .upper_bounds = {true, N_COLUMNS, s->upper},
                          .n_split_offsets = 1,
                          .split_offsets = &s->offset};
}

static firn_status append(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *id, int64_t number,
                          int64_t n_files, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_data_file *files = firn_new_n(&arena, firn_data_file, (size_t)n_files);
  statistics *all = firn_new_n(&arena, statistics, (size_t)n_files);
  for (int64_t i = 0; files != NULL && all != NULL && i < n_files; i++) {
    fill(&all[i], number * n_files + i, FIRST_DAY + (int32_t)number);
    const char *path = firn_arena_printf(&arena,
                                         "s3://warehouse/cloudevent/valid/year=2024/month=06/day=%02d/"
                                         "batch-%016" PRIx64 "%016" PRIx64 ".parquet",
                                         (int)(number % 28) + 1, next_random(), next_random());
    files[i] = data_file(path, &all[i]);
    files = path == NULL ? NULL : files;
  }
  if (files == NULL || all == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %" PRId64 " files", n_files);
  }
  const firn_append one = {.n_files = (size_t)n_files, .files = files};
  return firn_append_commit(catalog, ctx, id, &one, &arena, NULL, err);
}

static firn_status make(firn_ctx *ctx, const char *folder, int64_t n_appends, int64_t n_files,
                        firn_error *err) {
  static const char *const levels[] = {"bench"};
  const firn_table_id id = {.ns = {1, levels}, .name = "plan"};
  firn_field columns[N_COLUMNS];
  char names[N_COLUMNS][16];
  for (int c = 0; c < N_COLUMNS; c++) {
    (void)snprintf(names[c], sizeof names[c], "column_%d", c + 1);
    columns[c] = (firn_field){.id = c + 1, .name = names[c], .kind = FIRN_KIND_STRING};
  }
  columns[0].kind = FIRN_KIND_LONG;
  columns[1].kind = FIRN_KIND_TIMESTAMPTZ;
  const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                       .name = "",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = N_COLUMNS,
                                       .children = columns}};
  const firn_partition_field field = {2, 1000, "day", {FIRN_TRANSFORM_DAY, 0, NULL}};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &field};
  const firn_table_create how = {.schema = &schema, .spec = &spec};
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  FIRN_TRY(firn_stores_open(ctx->env, &stores, err));
  FIRN_TRY(firn_memory_catalog_open(ctx, "bench", folder, stores, &catalog, err));
  FIRN_TRY(firn_catalog_namespace_create(catalog, ctx, &id.ns, NULL, err));
  FIRN_TRY(firn_catalog_table_create(catalog, ctx, &id, &how, NULL, err));
  for (int64_t i = 0; i < n_appends; i++) {
    FIRN_TRY(append(catalog, ctx, &id, i, n_files, err));
  }
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_load(catalog, ctx, &id, &table, err));
  (void)printf("%s\n", table.metadata_location);
  return FIRN_OK;
}

/* --- the floor --- */

static firn_bytes take_run(firn_cursor *c) {
  return firn_cursor_take(c, (uint64_t)firn_cursor_zigzag(c));
}

/* Walks the container by hand and gives each block to libdeflate, nothing else. */
static bool inflate(firn_bytes file, uint8_t *plain, struct libdeflate_decompressor *d,
                    uint64_t *plain_bytes) {
  firn_cursor c = firn_cursor_over(file);
  (void)firn_cursor_take(&c, 4);
  for (int64_t n; (n = firn_cursor_zigzag(&c)) > 0;) {
    for (int64_t i = 0; i < 2 * n; i++) {
      (void)take_run(&c);
    }
  }
  (void)firn_cursor_take(&c, 16);
  while (firn_cursor_left(&c) > 0) {
    size_t len = 0, read = 0;
    (void)firn_cursor_zigzag(&c);
    firn_bytes packed = take_run(&c);
    (void)firn_cursor_take(&c, 16);
    if (c.bad || libdeflate_deflate_decompress_ex(d, packed.data, packed.len, plain, LARGEST_PLAIN, &read,
                                                  &len) != LIBDEFLATE_SUCCESS) {
      return false;
    }
    *plain_bytes += len;
  }
  return true;
}

static firn_bytes map_file(const char *path) {
  struct stat info;
  int fd = open(path, O_RDONLY);
  void *data = fd < 0 || fstat(fd, &info) != 0
                   ? MAP_FAILED
                   : mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (data == MAP_FAILED) {
    perror(path);
    exit(1);
  }
  (void)close(fd);
  return (firn_bytes){data, (size_t)info.st_size};
}

static int measure_floor(char **paths, int n, int rounds) {
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  uint8_t *plain = firn_alloc_raw(LARGEST_PLAIN);
  firn_bytes *files = firn_alloc((size_t)n * sizeof *files);
  uint64_t packed = 0, plain_bytes = 0;
  for (int i = 0; i < n; i++) {
    files[i] = map_file(paths[i]);
    packed += files[i].len;
  }
  double best = 1e9;
  for (int r = 0; r < rounds; r++) {
    double start = now_s();
    plain_bytes = 0;
    for (int i = 0; i < n; i++) {
      if (!inflate(files[i], plain, d, &plain_bytes)) {
        (void)fprintf(stderr, "%s: not a deflated container\n", paths[i]);
        return 1;
      }
    }
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  (void)printf("%.6f %" PRIu64 " %" PRIu64 "\n", best, packed, plain_bytes);
  return 0;
}

/* --- planning --- */

typedef struct totals {
  firn_scan_counts counts;
  int64_t rows;
} totals;

static firn_status run_files(const firn_files_options *options, firn_ctx *ctx, totals *sum, firn_error *err) {
  FIRN_AUTO_FILES *files = NULL;
  FIRN_TRY(firn_files_open(options, ctx, &files, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_files_next(files, ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    sum->rows += entry->file.record_count;
  }
}

static firn_status run_tasks(const firn_files_options *options, firn_ctx *ctx, totals *sum, firn_error *err) {
  FIRN_AUTO_TASKS *tasks = NULL;
  firn_scan_task task = {0};
  firn_status status = firn_tasks_open(options, 0, ctx, &tasks, err);
  for (bool is_over = false; status == FIRN_OK && !is_over;) {
    status = firn_tasks_next(tasks, ctx, &task, &is_over, err);
    sum->rows += is_over || status != FIRN_OK || task.start > 0 ? 0 : task.file.record_count;
  }
  firn_arena_free(&task.arena);
  return status;
}

/* Of this program alone: getrusage would count the parent's memory of before the exec, too. */
static long peak_mb(void) {
  char line[128];
  long kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    if (strncmp(line, "VmHWM:", 6) == 0) {
      kb = strtol(line + 6, NULL, 10);
    }
  }
  if (f != NULL) {
    (void)fclose(f);
  }
  return kb / 1024;
}

static void report(double best, const totals *sum) {
  (void)printf("%.6f %lld %lld %lld %lld %lld %ld\n", best, (long long)sum->counts.files,
               (long long)sum->counts.files_skipped, (long long)sum->counts.manifests,
               (long long)sum->counts.manifests_skipped, (long long)sum->rows, peak_mb());
}

static firn_status plan(firn_ctx *ctx, const char *how, const char *metadata, const char *filter, int rounds,
                        firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_METADATA *m = NULL;
  firn_moved moved;
  const char *location;
  FIRN_TRY(firn_stores_open(ctx->env, &stores, err));
  FIRN_TRY(firn_path_table_open(stores, ctx, metadata, &arena, &m, &location, &moved, err));
  double best = 1e9;
  totals sum;
  for (int r = 0; r < rounds; r++) {
    memset(&sum, 0, sizeof sum);
    firn_files_options options = {.metadata = m,
                                  .snapshot = firn_metadata_current_snapshot(m),
                                  .stores = stores,
                                  .moved = &moved,
                                  .with_statistics = strcmp(how, "full") == 0,
                                  .counts = &sum.counts};
    double start = now_s();
    if (filter != NULL && filter[0] != '\0') {
      FIRN_TRY(firn_expr_parse(firn_bytes_of(filter), &arena, &options.filter, err));
      FIRN_TRY(firn_expr_bind(options.filter, firn_metadata_current_schema(m), false, &arena, &options.filter,
                              err));
    }
    FIRN_TRY(strcmp(how, "tasks") == 0 ? run_tasks(&options, ctx, &sum, err)
                                       : run_files(&options, ctx, &sum, err));
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  report(best, &sum);
  return FIRN_OK;
}

int main(int argc, char **argv) {
  firn_error err = {0};
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_status status = FIRN_OK;
  if (argc == 5 && strcmp(argv[1], "make") == 0) {
    status = make(&ctx, argv[2], strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10), &err);
  } else if (argc > 2 && strcmp(argv[1], "inflate") == 0) {
    return measure_floor(argv + 2, argc - 2, 5);
  } else if (argc > 2) {
    status = plan(&ctx, argv[1], argv[2], argc > 3 ? argv[3] : NULL,
                  argc > 4 ? (int)strtol(argv[4], NULL, 10) : 5, &err);
  }
  if (argc < 3 || status != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", argc < 3 ? "usage: see the head of bench/plan.c" : err.text);
    return 1;
  }
  return 0;
}

/* How fast manifests are decoded: manifest_read [ROUNDS [FILE...]]. Without files, manifests of 100,000 data
 * files with full statistics of 14 columns are made in memory first (ten of 10,000). Every entry is decoded
 * and its counts and bounds are looked at; beside it the floor, libdeflate alone on the same blocks. The best
 * round counts. */
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "iceberg/meta/manifest.h"

enum { N_COLUMNS = 14, N_MANIFESTS = 10, N_FILES = 10000, LARGEST_PLAIN = 16 << 20 };

typedef struct totals {
  uint64_t files, rows, counts, bound_bytes, plain_bytes;
} totals;

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

/* Statistics as they are: sizes and bounds differ from file to file, counts hardly do. */
typedef struct statistics {
  firn_id_count sizes[N_COLUMNS], values[N_COLUMNS], nulls[N_COLUMNS];
  firn_id_bytes lower[N_COLUMNS], upper[N_COLUMNS];
  uint8_t bounds[2][N_COLUMNS][16];
  char path[160];
  int64_t offset;
} statistics;

static void fill(statistics *s, int n) {
  (void)snprintf(s->path, sizeof s->path,
                 "s3://warehouse/cloudevent/valid/year=2024/month=06/day=%02d/batch-%016" PRIx64 "%016" PRIx64
                 ".parquet",
                 n % 28 + 1, next_random(), next_random());
  for (int c = 0; c < N_COLUMNS; c++) {
    s->sizes[c] = (firn_id_count){c + 1, (int64_t)(next_random() % 9000000)};
    s->values[c] = (firn_id_count){c + 1, 100000};
    s->nulls[c] = (firn_id_count){c + 1, c < 6 ? 0 : (int64_t)(next_random() % 1000)};
    for (int b = 0; b < 2; b++) {
      uint64_t random = next_random();
      (void)snprintf((char *)s->bounds[b][c], 16, "%c-value-%06" PRIx64, b == 0 ? 'a' : 'z',
                     random & 0xFFFFFF);
    }
    size_t len = c == 1 ? 8 : 15;
    s->lower[c] = (firn_id_bytes){c + 1, {s->bounds[0][c], len}};
    s->upper[c] = (firn_id_bytes){c + 1, {s->bounds[1][c], len}};
  }
}

static firn_status make_manifest(firn_builder *out, firn_manifest_file *m, firn_error *err) {
  firn_field columns[N_COLUMNS];
  char names[N_COLUMNS][16];
  for (int c = 0; c < N_COLUMNS; c++) {
    (void)snprintf(names[c], sizeof names[c], "column_%d", c);
    columns[c] = (firn_field){
        .id = c + 1, .name = names[c], .kind = c == 1 ? FIRN_KIND_TIMESTAMPTZ : FIRN_KIND_STRING};
  }
  const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                       .name = "",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = N_COLUMNS,
                                       .children = columns}};
  const firn_partition_field field = {2, 1000, "day", {FIRN_TRANSFORM_DAY, 0, NULL}};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &field};
  firn_manifest_writer_options options = {.format_version = 2,
                                          .schema = &schema,
                                          .spec = &spec,
                                          .snapshot_id = 1,
                                          .codec = FIRN_CODEC_DEFLATE,
                                          .env = &firn_env_system};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, firn_avro_sink_onto(out), &w, err));
  for (int i = 0; i < N_FILES; i++) {
    static statistics s;
    fill(&s, i);
    firn_value day = {.kind = FIRN_KIND_DATE, .i32 = 19875 + i % 28};
    s.offset = 4;
    firn_manifest_entry e = {.status = FIRN_ENTRY_ADDED,
                             .file = {.path = s.path,
                                      .format = "PARQUET",
                                      .partition = &day,
                                      .record_count = 100000,
                                      .size_bytes = 128000000 + (int64_t)(next_random() % 1000000),
                                      .column_sizes = {true, N_COLUMNS, s.sizes},
                                      .value_counts = {true, N_COLUMNS, s.values},
                                      .null_counts = {true, N_COLUMNS, s.nulls},
                                      .nan_counts = {true, 0, NULL},
                                      .lower_bounds = {true, N_COLUMNS, s.lower},
                                      .upper_bounds = {true, N_COLUMNS, s.upper},
                                      .n_split_offsets = 1,
                                      .split_offsets = &s.offset}};
    FIRN_TRY(firn_manifest_writer_add(w, &e, err));
  }
  FIRN_TRY(firn_manifest_writer_finish(w, &arena, m, err));
  *m = (firn_manifest_file){.path = "made", .spec_id = -1, .sequence_number = 1, .added_snapshot_id = 1};
  return FIRN_OK;
}

static firn_status decode(firn_bytes file, totals *sum, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_manifest_file m = {.path = "manifest", .spec_id = -1, .sequence_number = 1, .added_snapshot_id = 1};
  FIRN_AUTO_MANIFEST_READER *r = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&file), &ctx, &m, NULL, &r, err));
  for (;;) {
    const firn_manifest_entry *e = NULL;
    FIRN_TRY(firn_manifest_next(r, &ctx, &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
    sum->files++;
    sum->rows += (uint64_t)e->file.record_count;
    for (size_t i = 0; i < e->file.null_counts.n; i++) {
      sum->counts += (uint64_t)e->file.null_counts.items[i].n;
    }
    for (size_t i = 0; i < e->file.lower_bounds.n; i++) {
      sum->bound_bytes += e->file.lower_bounds.items[i].value.len;
    }
  }
}

static firn_bytes take_run(firn_cursor *c) {
  return firn_cursor_take(c, (uint64_t)firn_cursor_zigzag(c));
}

/* Walks the container by hand and gives each block to libdeflate, nothing else. */
static firn_status inflate(firn_bytes file, totals *sum, firn_error *err) {
  static uint8_t *plain;
  struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
  plain = plain == NULL ? firn_alloc_raw(LARGEST_PLAIN) : plain;
  firn_cursor c = firn_cursor_over(file);
  (void)firn_cursor_take(&c, 4);
  for (int64_t n; (n = firn_cursor_zigzag(&c)) > 0;) {
    for (int64_t i = 0; i < 2 * n; i++) {
      (void)take_run(&c);
    }
  }
  (void)firn_cursor_take(&c, 16);
  bool failed = d == NULL || plain == NULL;
  while (firn_cursor_left(&c) > 0 && !failed) {
    size_t len = 0, read = 0;
    (void)firn_cursor_zigzag(&c);
    firn_bytes packed = take_run(&c);
    (void)firn_cursor_take(&c, 16);
    failed = c.bad || libdeflate_deflate_decompress_ex(d, packed.data, packed.len, plain, LARGEST_PLAIN,
                                                       &read, &len) != LIBDEFLATE_SUCCESS;
    sum->plain_bytes += len;
  }
  libdeflate_free_decompressor(d);
  return failed ? firn_error_set(err, FIRN_CORRUPT, "not a deflated container") : FIRN_OK;
}

typedef firn_status (*work)(firn_bytes file, totals *sum, firn_error *err);

static double measure(work run, const firn_bytes *files, size_t n, long rounds, totals *sum) {
  double best = 1e9;
  for (long i = 0; i < rounds; i++) {
    *sum = (totals){0};
    double start = now_s();
    for (size_t k = 0; k < n; k++) {
      firn_error err;
      if (run(files[k], sum, &err) != FIRN_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
      }
    }
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  return best;
}

static firn_bytes read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    return (firn_bytes){NULL, 0};
  }
  size_t size = (size_t)ftell(f);
  rewind(f);
  uint8_t *data = firn_alloc_raw(size);
  size_t got = data == NULL ? 0 : fread(data, 1, size, f);
  (void)fclose(f);
  return (firn_bytes){data, got};
}

static long peak_mb(void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

static void report(const firn_bytes *files, size_t n, long rounds) {
  totals sum, floor;
  uint64_t packed = 0;
  for (size_t i = 0; i < n; i++) {
    packed += files[i].len;
  }
  long before = peak_mb();
  double decoded = measure(decode, files, n, rounds, &sum);
  long after = peak_mb();
  double inflated = measure(inflate, files, n, rounds, &floor);
  (void)printf("%zu manifests, %" PRIu64 " files, %.1f MB, %.1f MB inflated\n", n, sum.files,
               (double)packed * 1e-6, (double)floor.plain_bytes * 1e-6);
  (void)printf("decoded     %.3f s  %.2f us a file  (%" PRIu64 " rows, %" PRIu64 " nulls, %" PRIu64
               " bytes of bounds; peak %ld MB, %ld before)\n",
               decoded, decoded / (double)sum.files * 1e6, sum.rows, sum.counts, sum.bound_bytes, after,
               before);
  (void)printf("libdeflate  %.3f s  so decoding is %.2fx of it\n", inflated, decoded / inflated);
}

int main(int argc, char **argv) {
  long rounds = argc >= 2 ? strtol(argv[1], NULL, 10) : 5;
  size_t n = argc >= 3 ? (size_t)argc - 2 : N_MANIFESTS;
  firn_bytes *files = firn_alloc(n * sizeof *files);
  for (size_t i = 0; files != NULL && i < n; i++) {
    firn_builder b = FIRN_BUILDER_INIT(0);
    firn_manifest_file m;
    firn_error err = {.text = "cannot read"};
    files[i] = argc >= 3 ? read_file(argv[i + 2]) : files[i];
    if (argc < 3 && make_manifest(&b, &m, &err) == FIRN_OK) {
      files[i] = firn_builder_bytes(&b); /* kept until the end */
    }
    if (files[i].data == NULL) {
      (void)fprintf(stderr, "manifest %zu: %s\n", i, err.text);
      return 1;
    }
  }
  if (files == NULL || rounds < 1) {
    (void)fprintf(stderr, "usage: %s [ROUNDS [MANIFEST...]]\n", argv[0]);
    return 2;
  }
  report(files, n, rounds);
  return 0;
}

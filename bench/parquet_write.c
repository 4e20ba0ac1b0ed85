/* Times the Parquet writer on a table like the CloudEvents archive: 14 columns, mostly text.
 * parquet_write FILE [ROWS [ROUNDS]]     leaves the table in FILE (zstd 1), for parquet_write_peer.py
 * Each line is the median of the rounds: encoding alone, then with compression, then as the archive is
 * written. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "formats/parquet/reader.h"
#include "formats/parquet/writer.h"

enum { COLUMNS = 14, BATCH_ROWS = 65536, ROUNDS_MAX = 21, SUBJECTS = 5000, SOURCES = 20 };

static const firn_field tags_element[] = {{.id = 15, .name = "element", .kind = FIRN_KIND_STRING}};
static const firn_field columns[COLUMNS] = {
    {.id = 1, .name = "subject", .kind = FIRN_KIND_STRING},
    {.id = 2, .name = "time", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 3, .name = "type", .kind = FIRN_KIND_STRING},
    {.id = 4, .name = "id", .kind = FIRN_KIND_STRING},
    {.id = 5, .name = "source", .kind = FIRN_KIND_STRING},
    {.id = 6, .name = "producer", .kind = FIRN_KIND_STRING},
    {.id = 7, .name = "data_content_type", .kind = FIRN_KIND_STRING},
    {.id = 8, .name = "data_version", .kind = FIRN_KIND_STRING},
    {.id = 9, .name = "specversion", .kind = FIRN_KIND_STRING},
    {.id = 10, .name = "dataschema", .kind = FIRN_KIND_STRING},
    {.id = 11, .name = "signature", .kind = FIRN_KIND_STRING},
    {.id = 12, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = tags_element},
    {.id = 13, .name = "extras", .kind = FIRN_KIND_STRING},
    {.id = 14, .name = "data", .kind = FIRN_KIND_BINARY}};
static const firn_field schema = {
    .id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = COLUMNS, .children = columns};

static uint64_t random_state = 7;

static uint64_t next_random(void) { /* splitmix64 */
  uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static void stop(const char *why) {
  (void)fprintf(stderr, "parquet_write: %s\n", why);
  exit(1);
}

static firn_bytes text(firn_arena *arena, const char *made) {
  if (made == NULL) {
    stop("no memory");
  }
  (void)arena;
  return firn_bytes_of(made);
}

typedef struct names {
  firn_bytes subjects[SUBJECTS], sources[SOURCES];
} names;

static firn_bytes hex_name(firn_arena *arena, const char *before) {
  return text(arena, firn_arena_printf(arena, "%s0x%016" PRIx64 "%016" PRIx64 "%08x", before, next_random(),
                                       next_random(), (unsigned)next_random()));
}

static firn_bytes payload(firn_arena *arena) {
  double speed = (double)(next_random() % 13000) / 100, fuel = (double)(next_random() % 1000) / 10;
  double lat = (double)(next_random() % 180000000) / 1e6 - 90,
         lon = (double)(next_random() % 360000000) / 1e6 - 180;
  return text(arena, firn_arena_printf(arena,
                                       "{\"speed\":%.2f,\"odometer\":%u,\"fuel\":%.1f,\"loc\":{\"lat\":%.6f,"
                                       "\"lon\":%.6f},\"unit\":\"metric\",\"ignition\":%s}",
                                       speed, (unsigned)(next_random() % 300000), fuel, lat, lon,
                                       next_random() % 2 == 0 ? "true" : "false"));
}

static firn_bytes uuid(firn_arena *arena) {
  uint64_t a = next_random(), b = next_random();
  return text(arena, firn_arena_printf(arena, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(a >> 32),
                                       (unsigned)(a >> 16) & 0xFFFF, (unsigned)a & 0xFFF,
                                       0x8000 | ((unsigned)(b >> 48) & 0x3FFF), b & 0xFFFFFFFFFFFF));
}

static void fill(firn_batch *batch, const names *n, size_t first, firn_arena *arena) {
  static const char *const types[] = {"dimo.status", "dimo.fingerprint", "dimo.attestation"};
  firn_vector *c = batch->columns;
  for (size_t i = 0; i < batch->n_rows; i++) {
    size_t type = next_random() % 10;
    c[0].bytes[i] = n->subjects[next_random() % SUBJECTS];
    c[1].i64[i] = INT64_C(1750000000000000) + (int64_t)((first + i) * 200 + next_random() % 2000000);
    c[2].bytes[i] = firn_bytes_of(types[type < 8 ? 0 : type - 7]);
    c[3].bytes[i] = uuid(arena);
    c[4].bytes[i] = n->sources[next_random() % SOURCES];
    c[5].bytes[i] = c[0].bytes[i];
    c[6].bytes[i] = FIRN_LITERAL("application/json");
    c[7].bytes[i] = FIRN_LITERAL("r/v0/s");
    c[8].bytes[i] = FIRN_LITERAL("1.0");
    firn_vector_set_null(&c[9], i);
    firn_vector_set_null(&c[10], i);
    firn_vector_set_null(&c[11], i);
    c[12].bytes[i] = FIRN_LITERAL("{}");
    c[13].bytes[i] = payload(arena);
  }
}

static firn_batch *make_table(size_t n_rows, size_t *n_batches, firn_arena *arena) {
  firn_error err;
  names *n = firn_new(arena, names);
  *n_batches = (n_rows + BATCH_ROWS - 1) / BATCH_ROWS;
  firn_batch *batches = firn_new_n(arena, firn_batch, *n_batches);
  if (n == NULL || batches == NULL) {
    stop("no memory");
  }
  for (size_t i = 0; i < SUBJECTS; i++) {
    n->subjects[i] = hex_name(arena, "did:erc721:137:");
  }
  for (size_t i = 0; i < SOURCES; i++) {
    n->sources[i] = hex_name(arena, "");
  }
  for (size_t b = 0; b < *n_batches; b++) {
    firn_batch *batch = &batches[b];
    size_t rows = n_rows - b * BATCH_ROWS < BATCH_ROWS ? n_rows - b * BATCH_ROWS : BATCH_ROWS;
    if (firn_batch_new(&schema, rows, arena, batch, &err) != FIRN_OK) {
      stop(err.text);
    }
    batch->n_rows = rows;
    for (uint32_t c = 0; c < COLUMNS; c++) {
      batch->columns[c].len = rows;
      if (c >= 9 && c <= 11 && firn_vector_need_validity(&batch->columns[c], rows, arena, &err) != FIRN_OK) {
        stop(err.text);
      }
    }
    fill(batch, n, b * BATCH_ROWS, arena);
  }
  return batches;
}

static void *copy(firn_arena *arena, const void *from, size_t size) {
  firn_bytes copied = firn_arena_copy(arena, (firn_bytes){from, size});
  if (copied.data == NULL) {
    stop("no memory");
  }
  return (void *)(uintptr_t)copied.data;
}

/* What a reader lends until its next batch, kept. */
static void keep(firn_vector *v, firn_arena *arena) {
  if (v->validity != NULL) {
    v->validity = copy(arena, v->validity, firn_bit_words(v->len) * sizeof *v->validity);
  }
  size_t n = v->len;
  if (v->kind == FIRN_KIND_LIST || v->kind == FIRN_KIND_MAP) {
    v->offsets = copy(arena, v->offsets, (n + 1) * sizeof *v->offsets);
  } else if (firn_kind_is_bytes(v->kind)) {
    v->bytes = copy(arena, v->bytes, n * sizeof *v->bytes);
    for (size_t i = 0; i < n; i++) {
      v->bytes[i].data = copy(arena, v->bytes[i].data, v->bytes[i].len);
    }
  } else {
    v->values = copy(arena, v->values, n * firn_kind_value_size(v->kind));
  }
  v->children = v->n_children == 0 ? NULL : copy(arena, v->children, v->n_children * sizeof *v->children);
  for (uint32_t i = 0; i < v->n_children; i++) {
    keep(&v->children[i], arena);
  }
}

static firn_status read_batches(const char *path, firn_arena *arena, firn_batch **out, size_t *n_batches,
                                size_t *n_rows, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_PARQUET_FILE *file = NULL;
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  int fd = open(path, O_RDONLY);
  off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
  void *mapped = size <= 0 ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (mapped == MAP_FAILED) {
    return firn_error_set(err, FIRN_IO, "%s cannot be read", path);
  }
  firn_bytes bytes = {mapped, (size_t)size};
  size_t capacity = 0;
  *n_rows = *n_batches = 0;
  FIRN_TRY(firn_parquet_file_open(firn_parquet_source_over(&bytes), &ctx, 0, 0, &file, err));
  FIRN_TRY(
      firn_parquet_reader_open(file, &(firn_parquet_reader_options){.batch_rows = BATCH_ROWS}, &reader, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(reader, &ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    *out = firn_arena_grow(arena, *out, *n_batches, &capacity, sizeof **out);
    if (*out == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory");
    }
    firn_batch *kept = &(*out)[(*n_batches)++];
    *kept = *batch;
    kept->schema = &schema;
    kept->columns = copy(arena, batch->columns, COLUMNS * sizeof *batch->columns);
    for (uint32_t c = 0; c < COLUMNS; c++) {
      keep(&kept->columns[c], arena);
    }
    *n_rows += batch->n_rows;
  }
}

static firn_status write_out(void *self, firn_bytes data, firn_error *err) {
  int fd = *(const int *)self;
  for (size_t at = 0; at < data.len;) {
    ssize_t n = write(fd, data.data + at, data.len - at);
    if (n <= 0) {
      return firn_error_set(err, FIRN_IO, "the file cannot be written");
    }
    at += (size_t)n;
  }
  return FIRN_OK;
}

static firn_status write_nowhere(void *self, firn_bytes data, firn_error *err) {
  (void)err;
  *(size_t *)self += data.len;
  return FIRN_OK;
}

static double seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* cannot fail */
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct measured {
  double seconds;
  uint64_t size;
  size_t memory;
} measured;

/* `path` NULL: nowhere. */
static measured write_table(const firn_batch *batches, size_t n, const firn_parquet_writer_options *options,
                            const char *path) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  size_t counted = 0, most = 0;
  int fd = path == NULL ? -1 : open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (path != NULL && fd < 0) {
    stop("the file cannot be made");
  }
  double start = seconds();
  firn_parquet_sink sink =
      path == NULL ? (firn_parquet_sink){write_nowhere, &counted} : (firn_parquet_sink){write_out, &fd};
  firn_status status = firn_parquet_writer_open(&schema, options, sink, &w, &err);
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    status = firn_parquet_writer_write(w, &batches[i], &err);
    size_t held = status == FIRN_OK ? firn_parquet_writer_memory(w) : 0;
    most = held > most ? held : most;
  }
  if (status != FIRN_OK || firn_parquet_writer_finish(w, &arena, &info, &err) != FIRN_OK) {
    stop(err.text);
  }
  measured m = {seconds() - start, info.size_bytes, most};
  if (fd >= 0) {
    (void)close(fd);
  }
  return m;
}

static int compare_seconds(const void *a, const void *b) {
  double x = ((const measured *)a)->seconds, y = ((const measured *)b)->seconds;
  return (x > y) - (x < y);
}

static void report(const char *what, const firn_batch *batches, size_t n,
                   const firn_parquet_writer_options *options, const char *path, int rounds) {
  measured m[ROUNDS_MAX];
  for (int i = 0; i < rounds; i++) {
    m[i] = write_table(batches, n, options, path);
  }
  qsort(m, (size_t)rounds, sizeof m[0], compare_seconds);
  (void)printf("%-44s %.3f s (%.3f to %.3f)  %6.1f MB  writer holds %.1f MB\n", what, m[rounds / 2].seconds,
               m[0].seconds, m[rounds - 1].seconds, (double)m[0].size / 1e6, (double)m[0].memory / 1e6);
}

int main(int argc, char **argv) {
  size_t n_rows = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 1000000, n = 0;
  bool is_read = argc > 2 && strstr(argv[2], ".parquet") != NULL;
  int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5;
  int line = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;
  if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX) {
    (void)fprintf(stderr, "usage: bench_parquet_write FILE [ROWS | TABLE.parquet [ROUNDS [LINE]]]\n");
    return 2;
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch *batches = NULL;
  firn_error err;
  if (!is_read) {
    batches = make_table(n_rows, &n, &arena);
  } else if (read_batches(argv[2], &arena, &batches, &n, &n_rows, &err) != FIRN_OK) {
    stop(err.text);
  }
  static const firn_parquet_column_options own[] = {{.path = "data", .bounds = FIRN_BOUNDS_NONE},
                                                    {.path = "id", .bloom_filter = true},
                                                    {.path = "subject", .bloom_filter = true}};
  firn_parquet_writer_options none = {.codec = FIRN_CODEC_NONE},
                              zstd = {.codec = FIRN_CODEC_ZSTD, .level = 1};
  firn_parquet_writer_options archive = {.codec = FIRN_CODEC_ZSTD,
                                         .level = 1,
                                         .page_bytes = 64 << 10,
                                         .row_group_bytes = 32 << 20,
                                         .skip_incompressible = true,
                                         .n_columns = FIRN_COUNT_OF(own),
                                         .columns = own};
  (void)printf("%zu rows, medians of %d\n", n_rows, rounds);
  if (line == 0 || line == 1) {
    report("encode only, nowhere", batches, n, &none, NULL, rounds);
  }
  if (line == 0 || line == 2) {
    report("archive: 64 KiB pages, 32 MiB groups, filters", batches, n, &archive, argv[1], rounds);
  }
  if (line == 0 || line == 3) {
    report("zstd 1", batches, n, &zstd, argv[1], rounds);
  }
  return 0;
}

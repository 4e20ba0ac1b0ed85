/* How fast one row is read by its number: parquet_row FILE [N]. The file is open and in the page cache; rows
 * are drawn evenly. All columns, then the last alone (in the archive: the payload). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "formats/parquet/reader.h"

typedef struct counted {
  int fd;
  size_t n_reads, n_ranges, n_bytes;
} counted;

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static firn_status read_file(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                             firn_error *err) {
  counted *c = self;
  (void)ctx;
  c->n_reads++;
  for (size_t i = 0; i < n; i++) {
    c->n_ranges++;
    c->n_bytes += ranges[i].len;
    for (size_t got = 0; got < ranges[i].len;) {
      ssize_t k = pread(c->fd, ranges[i].into + got, ranges[i].len - got, (off_t)(ranges[i].offset + got));
      if (k <= 0) {
        return firn_error_set(err, FIRN_IO, "cannot read at %" PRIu64, ranges[i].offset + got);
      }
      got += (size_t)k;
    }
  }
  return FIRN_OK;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static firn_status measure(const firn_parquet_file *f, counted *c, const char *what, const uint32_t *columns,
                           size_t n_columns, size_t n, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  int64_t n_rows = firn_parquet_file_metadata(f)->n_rows;
  uint64_t seed = 7;
  double *seconds = firn_new_n(&arena, double, n);
  FIRN_AUTO_ARENA row_arena = FIRN_ARENA_INIT(0);
  c->n_reads = c->n_ranges = c->n_bytes = 0;
  for (size_t i = 0; i < n; i++) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    int64_t row = (int64_t)((seed >> 33) % (uint64_t)n_rows);
    firn_batch batch;
    double start = now_s();
    firn_arena_reset(&row_arena);
    FIRN_TRY(firn_parquet_read_row(f, &ctx, row, columns, n_columns, &row_arena, &batch, err));
    seconds[i] = now_s() - start;
  }
  qsort(seconds, n, sizeof *seconds, compare);
  (void)printf("%-8s p50 %.3f ms, p99 %.3f ms; %.1f reads of %.1f ranges, %.0f bytes a row\n", what,
               seconds[n / 2] * 1e3, seconds[n * 99 / 100] * 1e3, (double)c->n_reads / (double)n,
               (double)c->n_ranges / (double)n, (double)c->n_bytes / (double)n);
  return FIRN_OK;
}

int main(int argc, char **argv) {
  counted c = {.fd = argc < 2 ? -1 : open(argv[1], O_RDONLY)};
  size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 2000;
  if (c.fd < 0 || n == 0) {
    (void)fprintf(stderr, "usage: parquet_row FILE [N]\n");
    return 2;
  }
  firn_error err;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_parquet_source source = {read_file, &c, (uint64_t)lseek(c.fd, 0, SEEK_END)};
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  double start = now_s();
  firn_status status = firn_parquet_file_open(source, &ctx, 512 << 10, 0, &f, &err);
  if (status == FIRN_OK) {
    (void)printf("opened in %.3f ms\n", (now_s() - start) * 1e3);
    uint32_t last = firn_parquet_file_metadata(f)->schema->n_children - 1;
    status = measure(f, &c, "all", NULL, 0, n, &err);
    if (status == FIRN_OK) {
      status = measure(f, &c, "the last", &last, 1, n, &err);
    }
  }
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
  }
  return status == FIRN_OK ? 0 : 1;
}

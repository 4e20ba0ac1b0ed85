/* How fast a Parquet file is read: parquet_read FILE [ROUNDS [BATCH_ROWS]]. One thread, the file in the page
 * cache. Beside it the floor: reading and decompressing the same pages without looking into them. Every value
 * is made; of each only its address or one addition is used. peers: parquet_read_peer.py FILE. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "formats/parquet/pages_internal.h"
#include "formats/parquet/reader.h"

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static firn_status read_file(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                             firn_error *err) {
  const int *fd = self;
  (void)ctx;
  for (size_t i = 0; i < n; i++) {
    for (size_t got = 0; got < ranges[i].len;) {
      ssize_t k = pread(*fd, ranges[i].into + got, ranges[i].len - got, (off_t)(ranges[i].offset + got));
      if (k <= 0) {
        return firn_error_set(err, FIRN_IO, "cannot read at %" PRIu64, ranges[i].offset + got);
      }
      got += (size_t)k;
    }
  }
  return FIRN_OK;
}

/* Bytes that the values would take in Arrow, so that figures can be compared; 16 for a view. */
static uint64_t weigh(const firn_vector *v) {
  uint64_t bytes = (v->validity == NULL ? 0 : v->len / 8) + v->len * firn_kind_value_size(v->kind);
  for (uint32_t i = 0; i < v->n_children; i++) {
    bytes += weigh(&v->children[i]);
  }
  return bytes;
}

static firn_status read_all(firn_parquet_source source, size_t batch_rows, uint64_t *rows, uint64_t *bytes,
                            size_t *batches, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_PARQUET_FILE *file = NULL;
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  firn_parquet_reader_options options = {.batch_rows = batch_rows};
  FIRN_TRY(firn_parquet_file_open(source, &ctx, 0, 0, &file, err));
  FIRN_TRY(firn_parquet_reader_open(file, &options, &reader, err));
  for (*rows = *bytes = *batches = 0;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(reader, &ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    *rows += batch->n_rows;
    *batches += 1;
    for (uint32_t i = 0; i < batch->schema->n_children; i++) {
      *bytes += weigh(&batch->columns[i]);
    }
  }
}

static firn_status inflate_all(firn_parquet_source source, uint64_t *bytes, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_PARQUET_FILE *file = NULL;
  FIRN_AUTO_DECOMPRESSOR *decompressor = NULL;
  FIRN_TRY(firn_parquet_file_open(source, &ctx, 0, 0, &file, err));
  FIRN_TRY(firn_decompressor_new(&decompressor, err));
  const firn_parquet_metadata *m = firn_parquet_file_metadata(file);
  firn_parquet_pages pages = {
      .file = file, .decompressor = decompressor, .max_page_bytes = 1 << 30, .window_bytes = 1 << 20};
  firn_status status = FIRN_OK;
  *bytes = 0;
  for (size_t i = 0; i < m->n_row_groups * m->n_leaves && status == FIRN_OK; i++) {
    const firn_parquet_chunk *c = &m->row_groups[i / m->n_leaves].chunks[i % m->n_leaves];
    status = firn_parquet_pages_begin(&pages, c, (uint64_t)c->offset, (uint64_t)c->offset,
                                      (uint64_t)(c->offset + c->compressed_bytes), err);
    while (status == FIRN_OK && !firn_parquet_pages_at_end(&pages)) {
      firn_parquet_page page;
      firn_parquet_pages_recycle(&pages, 0);
      status = firn_parquet_pages_next(&pages, &ctx, &page, err);
      *bytes += (uint64_t)page.head.uncompressed_bytes;
    }
  }
  firn_parquet_pages_free(&pages);
  return status;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  enum { ROUNDS_MAX = 99 };
  int fd = argc < 2 ? -1 : open(argv[1], O_RDONLY);
  int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
  if (fd < 0 || rounds < 1 || rounds > ROUNDS_MAX) {
    (void)fprintf(stderr, "usage: parquet_read FILE [ROUNDS [BATCH_ROWS]]\n");
    return 2;
  }
  firn_parquet_source source = {read_file, &fd, (uint64_t)lseek(fd, 0, SEEK_END)};
  double read_s[ROUNDS_MAX];
  double floor_s[ROUNDS_MAX];
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint64_t inflated = 0;
  size_t batches = 0;
  for (int i = 0; i < rounds; i++) {
    firn_error err;
    double t0 = now_s();
    firn_status status =
        read_all(source, argc > 3 ? strtoul(argv[3], NULL, 10) : 0, &rows, &bytes, &batches, &err);
    double t1 = now_s();
    if (status == FIRN_OK) {
      status = inflate_all(source, &inflated, &err);
    }
    if (status != FIRN_OK) {
      (void)fprintf(stderr, "%s\n", err.text);
      return 1;
    }
    read_s[i] = t1 - t0;
    floor_s[i] = now_s() - t1;
  }
  qsort(read_s, (size_t)rounds, sizeof *read_s, compare);
  qsort(floor_s, (size_t)rounds, sizeof *floor_s, compare);
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)printf("%" PRIu64 " rows in %zu batches, %" PRIu64 " bytes of values, %" PRIu64 " bytes of pages\n",
               rows, batches, bytes, inflated);
  (void)printf("read   best %.3f s, median %.3f s\n", read_s[0], read_s[rounds / 2]);
  (void)printf("floor  best %.3f s, median %.3f s (read and decompress only)\n", floor_s[0],
               floor_s[rounds / 2]);
  (void)printf("memory %ld MiB at most\n", usage.ru_maxrss / 1024);
  return 0;
}

/* How fast a journal is: bench_journal FOLDER [SECONDS]. The folder must not be there, or be empty, and lie
 * on the disk that is meant. Beside the figures of one thread stands the floor: the same bytes appended to a
 * plain file and synced. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/journal.h"

enum { SMALL = 500, LARGE = 1 << 20, MOST_SAMPLES = 1 << 20 };

static double seconds = 2;
static char folder[4000];
static uint8_t payload[LARGE];
static double samples[MOST_SAMPLES];

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(firn_status status, const firn_error *err) {
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "bench_journal: %s\n", err->text);
    exit(1);
  }
}

static firn_journal *open_journal(const char *name, firn_ctx *ctx) {
  char path[4096];
  firn_error err;
  firn_journal *j = NULL;
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  firn_journal_options options = {.folder = path, .kind = "bench"};
  check(firn_journal_open(&options, ctx, &j, &err), &err);
  return j;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_latency(const char *what, size_t n) {
  qsort(samples, n, sizeof *samples, ascending);
  (void)printf("%-44s %7zu times, p50 %.0f us, p99 %.0f us\n", what, n, samples[n / 2] * 1e6,
               samples[n * 99 / 100] * 1e6);
}

static void one_by_one(firn_ctx *ctx) {
  firn_journal *j = open_journal("single", ctx);
  firn_error err;
  size_t n = 0;
  for (double start = now_s(), at = start; at < start + seconds && n < MOST_SAMPLES; n++) {
    uint64_t position;
    firn_bytes part = {payload, SMALL};
    check(firn_journal_add(j, ctx, &part, 1, &position, &err), &err);
    check(firn_journal_sync(j, ctx, NULL, &err), &err);
    double end = now_s();
    samples[n] = end - at;
    at = end;
  }
  print_latency("journal: add 500 bytes, sync", n);
  firn_journal_close(j);
}

static void floor_of_one(void) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/plain", folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
  size_t n = 0;
  for (double start = now_s(), at = start; at < start + seconds && n < MOST_SAMPLES; n++) {
    if (write(fd, payload, SMALL + 36) != SMALL + 36 || fdatasync(fd) != 0) {
      (void)fprintf(stderr, "bench_journal: cannot write %s\n", path);
      exit(1);
    }
    double end = now_s();
    samples[n] = end - at;
    at = end;
  }
  print_latency("floor: write 536 bytes, fdatasync", n);
  (void)close(fd);
}

/* --- many threads --- */

typedef struct crowd {
  firn_journal *j;
  firn_ctx *ctx;
  double until;
  bool syncs_itself;
  pthread_mutex_t lock; /* guards the total */
  uint64_t n_records;
} crowd;

static void *add_and_sync(void *arg) {
  crowd *c = arg;
  uint64_t n = 0;
  firn_error err;
  for (; now_s() < c->until; n++) {
    uint64_t position;
    firn_bytes part = {payload, SMALL};
    check(firn_journal_add(c->j, c->ctx, &part, 1, &position, &err), &err);
    if (c->syncs_itself) {
      check(firn_journal_sync(c->j, c->ctx, NULL, &err), &err);
    }
  }
  pthread_mutex_lock(&c->lock);
  c->n_records += n;
  pthread_mutex_unlock(&c->lock);
  return NULL;
}

static void many_threads(firn_ctx *ctx, int n_threads, bool syncs_itself) {
  char name[64];
  (void)snprintf(name, sizeof name, "threads-%d-%d", n_threads, syncs_itself);
  crowd c = {.j = open_journal(name, ctx), .ctx = ctx, .syncs_itself = syncs_itself};
  pthread_mutex_init(&c.lock, NULL);
  pthread_t threads[64];
  double start = now_s();
  c.until = start + seconds;
  for (int i = 0; i < n_threads; i++) {
    if (pthread_create(&threads[i], NULL, add_and_sync, &c) != 0) {
      exit(1);
    }
  }
  uint64_t n_syncs = 0;
  firn_error err;
  for (; !syncs_itself && now_s() < c.until; n_syncs++) {
    check(firn_journal_sync(c.j, ctx, NULL, &err), &err);
  }
  for (int i = 0; i < n_threads; i++) {
    pthread_join(threads[i], NULL);
  }
  check(firn_journal_sync(c.j, ctx, NULL, &err), &err);
  double took = now_s() - start;
  (void)printf("journal: %2d threads add 500 bytes, %s %9.0f records/s\n", n_threads,
               syncs_itself ? "each syncs     " : "another syncs  ", (double)c.n_records / took);
  firn_journal_close(c.j);
}

static void large_records(firn_ctx *ctx) {
  firn_journal *j = open_journal("large", ctx);
  firn_error err;
  uint64_t n = 0;
  double start = now_s();
  while (now_s() < start + seconds && n < 2048) {
    uint64_t position;
    firn_bytes part = {payload, LARGE};
    check(firn_journal_add(j, ctx, &part, 1, &position, &err), &err);
    if (++n % 16 == 0) {
      check(firn_journal_sync(j, ctx, NULL, &err), &err);
    }
  }
  check(firn_journal_sync(j, ctx, NULL, &err), &err);
  (void)printf("journal: records of 1 MiB, sync every 16: %.0f MB/s\n",
               (double)n * LARGE / (now_s() - start) * 1e-6);
  firn_journal_close(j);
}

static void open_and_read(const char *name, const char *what, firn_ctx *ctx) {
  double start = now_s();
  firn_journal *j = open_journal(name, ctx);
  double opened = now_s();
  firn_error err;
  firn_journal_reader *r = NULL;
  check(firn_journal_reader_open(j, ctx, firn_journal_first(j), &r, &err), &err);
  bool is_there = true;
  while (is_there) {
    firn_journal_record record;
    check(firn_journal_reader_next(r, ctx, &record, &is_there, &err), &err);
  }
  double read = now_s();
  double bytes = (double)firn_journal_bytes(j, 0) * 1e-9;
  (void)printf("journal: %.2f GB of %s: opened at %.1f GB/s, read at %.1f GB/s\n", bytes, what,
               bytes / (opened - start), bytes / (read - opened));
  firn_journal_reader_close(r);
  firn_journal_close(j);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: bench_journal FOLDER [SECONDS]\n");
    return 2;
  }
  (void)snprintf(folder, sizeof folder, "%s", argv[1]);
  seconds = argc > 2 ? strtod(argv[2], NULL) : seconds;
  for (size_t i = 0; i < sizeof payload; i++) {
    payload[i] = (uint8_t)(i * 2654435761U >> 13);
  }
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  one_by_one(&ctx);
  floor_of_one();
  many_threads(&ctx, 64, true);
  many_threads(&ctx, 8, true);
  many_threads(&ctx, 64, false);
  large_records(&ctx);
  open_and_read("threads-64-0", "records of 500 bytes", &ctx);
  open_and_read("large", "records of 1 MiB", &ctx);
  return 0;
}

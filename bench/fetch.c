/* How fast an event comes back by its key, in process:
 *
 *   bench_fetch WAREHOUSE [KEYS [CLIENTS [INDEX]]]   keys of a file, one a line (bench/fetch.py makes one)
 *
 * Payload alone, and payload with header; warm (footers and page indexes cached) and cold (a fetch that was
 * just opened, so that each key costs the end of its file too; what the kernel caches stays cached). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "services/fetch/fetch.h"

enum { WARM_SECONDS = 2, COLD_KEYS = 300, MAX_SAMPLES = 1 << 20 };

typedef struct bench {
  firn_fetch_options options;
  firn_fetch *fetch;
  firn_bytes *keys;
  size_t n_keys;
  unsigned what;
  atomic_size_t next;
  size_t n_wanted;
  int64_t until_us;
  int64_t *took_ns;
} bench;

static int64_t now_ns(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const firn_error *err) {
  (void)fprintf(stderr, "%s\n", err->text);
  exit(1);
}

static void *client(void *arg) {
  bench *b = arg;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_arena arena = FIRN_ARENA_INIT(0);
  firn_error err;
  for (;;) {
    size_t i = atomic_fetch_add(&b->next, 1);
    if (i >= b->n_wanted || now_ns() / 1000 > b->until_us) {
      break;
    }
    firn_event e;
    int64_t start = now_ns();
    firn_arena_reset(&arena);
    /* A multiplier prime to any count: keys in no order. */
    firn_bytes key = b->keys[(i * 7919 + 13) % b->n_keys];
    if (firn_fetch_key_event(b->fetch, &ctx, key, b->what, &arena, &e, &err) != FIRN_OK) {
      fail(&err);
    }
    b->took_ns[i] = now_ns() - start;
  }
  firn_arena_free(&arena);
  return NULL;
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a;
  int64_t y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void report(const char *name, unsigned n_clients, int64_t *took_ns, size_t n, double seconds) {
  qsort(took_ns, n, sizeof *took_ns, compare);
  (void)printf("%-28s %2u clients  p50 %8.3f ms  p99 %8.3f ms  %9.0f a second\n", name, n_clients,
               (double)took_ns[n / 2] * 1e-6, (double)took_ns[n * 99 / 100] * 1e-6, (double)n / seconds);
  (void)fflush(stdout);
}

static void open_fetch(bench *b) {
  firn_error err;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_fetch_close(b->fetch);
  if (firn_fetch_open(&b->options, &ctx, &b->fetch, &err) != FIRN_OK) {
    fail(&err);
  }
}

static size_t run(bench *b, unsigned n_clients, size_t n, double seconds) {
  pthread_t threads[256];
  atomic_store(&b->next, 0);
  b->n_wanted = n;
  b->until_us = now_ns() / 1000 + (int64_t)(seconds * 1e6);
  for (unsigned i = 0; i < n_clients; i++) {
    if (pthread_create(&threads[i], NULL, client, b) != 0) {
      exit(1);
    }
  }
  for (unsigned i = 0; i < n_clients; i++) {
    (void)pthread_join(threads[i], NULL);
  }
  size_t done = atomic_load(&b->next);
  done = done > n_clients ? done - n_clients : 0; /* each stopped at one that it did not fetch */
  return done < n ? done : n;
}

static void warm(bench *b, const char *name, unsigned n_clients) {
  open_fetch(b);
  (void)run(b, n_clients, b->n_keys < 2000 ? b->n_keys : 2000, 10);
  int64_t start = now_ns();
  size_t n = run(b, n_clients, MAX_SAMPLES, WARM_SECONDS);
  report(name, n_clients, b->took_ns, n, (double)(now_ns() - start) * 1e-9);
}

static void cold(bench *b, const char *name) {
  int64_t took[COLD_KEYS];
  int64_t start = now_ns();
  for (size_t i = 0; i < COLD_KEYS; i++) {
    firn_error err;
    firn_event e;
    firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    open_fetch(b);
    int64_t from = now_ns();
    if (firn_fetch_key_event(b->fetch, &ctx, b->keys[(i * 7919 + 13) % b->n_keys], b->what, &arena, &e,
                             &err) != FIRN_OK) {
      fail(&err);
    }
    took[i] = now_ns() - from;
  }
  report(name, 1, took, COLD_KEYS, (double)(now_ns() - start) * 1e-9);
}

static void read_keys(bench *b, const char *path) {
  firn_arena *arena = malloc(sizeof *arena);
  *arena = (firn_arena)FIRN_ARENA_INIT(0); /* lives as long as the program */
  FILE *f = fopen(path, "r");
  char line[4096];
  size_t capacity = 0;
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    b->keys = firn_arena_grow(arena, b->keys, b->n_keys, &capacity, sizeof *b->keys);
    b->keys[b->n_keys++] = firn_arena_copy(arena, firn_bytes_of(line));
  }
  if (b->n_keys == 0) {
    (void)fprintf(stderr, "no keys in %s\n", path);
    exit(1);
  }
  (void)fclose(f);
}

int main(int argc, char **argv) {
  bench b = {.options.warehouse = argc > 1 ? argv[1] : NULL};
  firn_error err;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  if (argc < 3) {
    (void)fprintf(stderr, "usage: bench_fetch WAREHOUSE KEYS [CLIENTS [INDEX]]\n");
    return 2;
  }
  unsigned n_clients = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 64;
  firn_index *index = NULL;
  read_keys(&b, argv[2]);
  b.took_ns = malloc(MAX_SAMPLES * sizeof *b.took_ns);
  if (firn_stores_open(&firn_env_system, &b.options.stores, &err) != FIRN_OK ||
      (argc > 4 && firn_sqlite_index_open(argv[4], &ctx, &index, &err) != FIRN_OK)) {
    fail(&err);
  }
  b.options.index = index;
  b.what = FIRN_FETCH_DATA;
  warm(&b, "payload, warm", 1);
  warm(&b, "payload, warm", n_clients);
  cold(&b, "payload, cold");
  b.what = FIRN_FETCH_DATA | FIRN_FETCH_HEADER;
  warm(&b, "payload and header, warm", 1);
  warm(&b, "payload and header, warm", n_clients);
  cold(&b, "payload and header, cold");
  firn_fetch_close(b.fetch);
  firn_index_close(index);
  firn_stores_close(b.options.stores);
  return 0;
}

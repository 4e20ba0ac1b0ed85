/* The index: rows added a second, its size, and how long searches take.
 *
 *   bench_index_search FILE [ROWS [SEARCHES [ROWS_A_LOAD]]]
 *
 * FILE is made when it is not there: events of 100,000 subjects, 8 types, 4 sources, every 20th with one of
 * 50 tags, in files of 10,000 rows, arriving roughly in the order of their times. Then each search is made
 * SEARCHES times with other values, its limit 100 (latest: 1), and the spread of the times printed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "index/index.h"

enum { SUBJECTS = 100000, TYPES = 8, SOURCES = 4, TAGS = 50, FILE_ROWS = 10000 };
#define FIRST_US INT64_C(1750000000000000)
#define STEP_US INT64_C(20000)

static firn_error err;
static firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);

static void need(firn_status status) {
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
    exit(1);
  }
}

static double seconds(void) {
  return (double)firn_ctx_monotonic_us(&ctx) / 1e6;
}

/* SplitMix64 of a number: the same event every time. */
static uint64_t mix(uint64_t n) {
  n += UINT64_C(0x9E3779B97F4A7C15) * (n + 1);
  n = (n ^ n >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  n = (n ^ n >> 27) * UINT64_C(0x94D049BB133111EB);
  return n ^ n >> 31;
}

typedef struct event {
  char subject[80], type[32], source[64], producer[80], id[40], extras[64];
  firn_index_row row;
} event;

static void make(uint64_t n, event *e) {
  uint64_t random = mix(n), more = mix(random);
  (void)snprintf(e->subject, sizeof e->subject,
                 "did:erc721:137:0xbA5738a18d83D41847dfFbDC6101d37C69c9B0cF:%" PRIu64, random % SUBJECTS);
  (void)snprintf(e->type, sizeof e->type, "dimo.type.%" PRIu64, (random >> 20) % TYPES);
  (void)snprintf(e->source, sizeof e->source, "0xFFEE022fAb46610EAFe24b87377B42e366364a%02" PRIx64,
                 (random >> 24) % SOURCES);
  (void)snprintf(e->producer, sizeof e->producer,
                 "did:erc721:137:0x9c94C395cBcBDe662235E0A9d3bB87Ad708561BA:%" PRIu64, random % SUBJECTS);
  (void)snprintf(e->id, sizeof e->id, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64,
                 random >> 32, random >> 16 & 0xFFFF, random >> 4 & 0xFFF, more & 0xFFF, more >> 16);
  (void)snprintf(e->extras, sizeof e->extras, "{\"tags\":[\"tag-%" PRIu64 "\"]}", more % TAGS);
  e->row = (firn_index_row){.subject = firn_bytes_of(e->subject),
                            .has_time = true,
                            .time_us = FIRST_US + (int64_t)n * STEP_US + (int64_t)(more % 60000000),
                            .type = firn_bytes_of(e->type),
                            .id = firn_bytes_of(e->id),
                            .source = firn_bytes_of(e->source),
                            .producer = firn_bytes_of(e->producer),
                            .data_content_type = FIRN_LITERAL("application/json"),
                            .data_version = FIRN_LITERAL("v1.0"),
                            .extras = n % 20 == 0 ? firn_bytes_of(e->extras) : FIRN_LITERAL("{}"),
                            .row = (int64_t)(n % FILE_ROWS)};
}

static double cpu_seconds(void) {
  struct rusage u;
  (void)getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void fill(firn_index *index, uint64_t n_rows, uint64_t load_rows) {
  double begun = seconds(), told = begun;
  uint64_t told_at = 0;
  for (uint64_t n = 0; n < n_rows;) {
    firn_index_load *l = NULL;
    need(firn_index_load_begin(index, &ctx, &l, &err));
    for (uint64_t end = n + load_rows < n_rows ? n + load_rows : n_rows; n < end; n++) {
      event e;
      make(n, &e);
      if (n % FILE_ROWS == 0) {
        char path[128];
        (void)snprintf(path, sizeof path,
                       "cloudevent/valid/year=2025/month=06/day=15/batch-%08" PRIx64
                       "-0000-7000-8000-000000000000.parquet",
                       n / FILE_ROWS);
        need(firn_index_load_file(l, &ctx, "cloudevent.valid", path, &err));
      }
      need(firn_index_load_row(l, &ctx, &e.row, &err));
    }
    need(firn_index_load_commit(l, &ctx, &err));
    firn_index_load_close(l);
    if (n % 1000000 < load_rows || n == n_rows) {
      double now = seconds();
      (void)printf(
          "%9" PRIu64 " rows   %8.0f rows/s lately   %8.0f rows/s in all   %6.2f us of processor a row\n", n,
          (double)(n - told_at) / (now - told), (double)n / (now - begun), cpu_seconds() / (double)n * 1e6);
      (void)fflush(stdout);
      told = now;
      told_at = n;
    }
  }
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef void (*asking)(const event *e, firn_index_query *q);

static void by_subject(const event *e, firn_index_query *q) {
  q->subject = e->row.subject;
}
static void by_id(const event *e, firn_index_query *q) {
  q->id = e->row.id;
}
static void by_subject_and_type(const event *e, firn_index_query *q) {
  q->subject = e->row.subject;
  q->type = e->row.type;
}
static void by_subject_and_time(const event *e, firn_index_query *q) {
  q->subject = e->row.subject;
  q->has_after = q->has_before = true;
  q->after_us = e->row.time_us - INT64_C(3600000000);
  q->before_us = e->row.time_us + INT64_C(3600000000);
}
static void latest_of_subject(const event *e, firn_index_query *q) {
  q->subject = e->row.subject;
  q->limit = 1;
}
static void latest_of_subject_and_type(const event *e, firn_index_query *q) {
  by_subject_and_type(e, q);
  q->limit = 1;
}
static void by_type(const event *e, firn_index_query *q) {
  q->type = e->row.type;
}
static void by_type_and_time(const event *e, firn_index_query *q) {
  q->type = e->row.type;
  q->has_before = true;
  q->before_us = e->row.time_us;
}
static void by_source(const event *e, firn_index_query *q) {
  q->source = e->row.source;
}
static void by_producer(const event *e, firn_index_query *q) {
  q->producer = e->row.producer;
}
static void by_tag(const event *e, firn_index_query *q) {
  static char text[16];
  static firn_bytes tag;
  (void)snprintf(text, sizeof text, "tag-%u", (unsigned)e->id[0] % TAGS);
  tag = firn_bytes_of(text);
  q->tags = &tag;
  q->n_tags = 1;
}
static void latest(const event *e, firn_index_query *q) {
  (void)e;
  (void)q;
}
static void by_time(const event *e, firn_index_query *q) {
  q->has_before = true;
  q->before_us = e->row.time_us;
}

static double thread_seconds(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* On a machine with other work the processor's time says more than the clock on the wall. */
static void ask(firn_index *index, const char *name, asking how, uint64_t n_rows, size_t n) {
  double *times = calloc(n, sizeof *times), *busy = calloc(n, sizeof *busy);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  size_t hits_in_all = 0;
  if (times == NULL || busy == NULL) {
    exit(1);
  }
  double begun = seconds();
  size_t done = 0;
  for (; done < n && (done < 20 || seconds() - begun < 10); done++) {
    event e;
    firn_index_query q = {.limit = 100};
    firn_index_hits hits;
    make(mix(done * 7 + 3) % n_rows, &e);
    how(&e, &q);
    firn_arena_reset(&arena);
    double from = seconds(), busy_from = thread_seconds();
    need(firn_index_search(index, &ctx, &q, &arena, &hits, &err));
    times[done] = seconds() - from;
    busy[done] = thread_seconds() - busy_from;
    hits_in_all += hits.n;
  }
  qsort(times, done, sizeof *times, by_value);
  qsort(busy, done, sizeof *busy, by_value);
  (void)printf(
      "%-24s p50 %9.3f   p99 %9.3f   processor: p50 %9.3f   p99 %9.3f ms   %6.1f hits   %zu searches\n", name,
      times[done / 2] * 1e3, times[done * 99 / 100] * 1e3, busy[done / 2] * 1e3, busy[done * 99 / 100] * 1e3,
      (double)hits_in_all / (double)done, done);
  (void)fflush(stdout);
  free(times);
  free(busy);
}

/* Into the system's page cache. */
static void warm(const char *path) {
  FILE *f = fopen(path, "rb");
  static char buffer[1 << 20];
  while (f != NULL && fread(buffer, 1, sizeof buffer, f) > 0) {
  }
  if (f != NULL) {
    (void)fclose(f);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: %s FILE [ROWS [SEARCHES [ROWS_A_LOAD]]]\n", argv[0]);
    return 2;
  }
  uint64_t n_rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
  size_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000;
  uint64_t load_rows = argc > 4 ? strtoull(argv[4], NULL, 10) : 100000;
  struct stat info;
  bool is_there = stat(argv[1], &info) == 0;
  FIRN_AUTO_INDEX *index = NULL;
  firn_index_count count;
  need(firn_sqlite_index_open(argv[1], &ctx, &index, &err));
  if (!is_there) {
    fill(index, n_rows, load_rows);
  }
  need(firn_index_count_of(index, &ctx, &count, &err));
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)printf("%" PRIu64 " rows, %.1f MB, %.0f bytes a row, peak memory %.0f MB\n", count.n_rows,
               (double)count.size_bytes / 1e6, (double)count.size_bytes / (double)count.n_rows,
               (double)usage.ru_maxrss / 1024);
  if (n == 0) {
    return 0;
  }
  n_rows = count.n_rows;
  warm(argv[1]);
  static const struct {
    const char *name;
    asking how;
  } all[] = {{"subject", by_subject},
             {"id", by_id},
             {"subject, latest", latest_of_subject},
             {"subject, type", by_subject_and_type},
             {"subject, type, latest", latest_of_subject_and_type},
             {"subject, two hours", by_subject_and_time},
             {"type", by_type},
             {"type, before a time", by_type_and_time},
             {"source", by_source},
             {"tag", by_tag},
             {"newest", latest},
             {"before a time", by_time},
             {"producer", by_producer}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    ask(index, all[i].name, all[i].how, n_rows, n);
  }
  return 0;
}

/* How fast events are walked: json_scan FILE [ROUNDS]. The file holds one JSON object a line. Each line's
 * members are walked and their values passed over with full validation, by the reader that is used here and
 * by the plain one; beside them the floor, finding the lines. The best round counts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/json_internal.h"

typedef struct totals {
  uint64_t lines, members, value_bytes;
} totals;

typedef firn_status (*member_reader)(firn_json *, firn_json_token *, firn_json_token *, firn_error *);

static double now_s(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static firn_status walk(firn_bytes line, member_reader next_member, totals *sum, firn_error *err) {
  firn_json j;
  firn_json_token key, value;
  firn_json_init(&j, line);
  FIRN_TRY(firn_json_next(&j, &key, err));
  for (;;) {
    FIRN_TRY(next_member(&j, &key, &value, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      return firn_json_next(&j, &key, err);
    }
    sum->members++;
    sum->value_bytes += value.raw.len;
  }
}

static firn_status walk_lines(firn_bytes text, member_reader next_member, totals *sum, firn_error *err) {
  const uint8_t *at = text.data, *end = text.data + text.len;
  while (at < end) {
    const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
    line_end = line_end == NULL ? end : line_end;
    sum->lines++;
    if (next_member != NULL && line_end > at) {
      FIRN_TRY(walk((firn_bytes){at, (size_t)(line_end - at)}, next_member, sum, err));
    }
    at = line_end + (line_end < end);
  }
  return FIRN_OK;
}

static int measure(const char *name, firn_bytes text, member_reader next_member, int rounds) {
  double best = 1e9;
  totals sum = {0};
  for (int i = 0; i < rounds; i++) {
    firn_error err;
    sum = (totals){0};
    double start = now_s();
    if (walk_lines(text, next_member, &sum, &err) != FIRN_OK) {
      (void)fprintf(stderr, "line %" PRIu64 ": %s\n", sum.lines, err.text);
      return 1;
    }
    double took = now_s() - start;
    best = took < best ? took : best;
  }
  (void)printf("%-8s %6.3f GB/s  %7.1f ns a line  (%" PRIu64 " lines, %" PRIu64 " members, %" PRIu64
               " bytes of values)\n",
               name, (double)text.len / best * 1e-9, best / (double)sum.lines * 1e9, sum.lines, sum.members,
               sum.value_bytes);
  return 0;
}

static firn_bytes read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
    return (firn_bytes){NULL, 0};
  }
  size_t size = (size_t)ftell(f);
  rewind(f);
  uint8_t *data = firn_alloc_raw(size);
  if (data != NULL && fread(data, 1, size, f) != size) {
    firn_free(data);
    data = NULL;
  }
  (void)fclose(f);
  return (firn_bytes){data, size};
}

int main(int argc, char **argv) {
  firn_bytes text = argc >= 2 ? read_file(argv[1]) : (firn_bytes){NULL, 0};
  int rounds = argc >= 3 ? (int)strtol(argv[2], NULL, 10) : 5;
  if (text.data == NULL || rounds < 1) {
    (void)fprintf(stderr, "usage: %s FILE-OF-JSON-LINES [ROUNDS]\n", argv[0]);
    return 2;
  }
  int failed = measure("lines", text, NULL, rounds);
  failed += measure("used", text, firn_json_next_member, rounds);
#if defined(__x86_64__)
  failed += measure("avx2", text, firn_json_avx2.next_member, rounds);
#endif
  failed += measure("swar", text, firn_json_swar.next_member, rounds);
  failed += measure("plain", text, firn_json_plain.next_member, rounds);
  firn_free((void *)(uintptr_t)text.data);
  return failed != 0;
}

#include "sim/story.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"
#include "column/vector.h"
#include "iceberg/scan/scan.h"

enum { DAY_S = 86400, N_DAYS = 5 };

static uint64_t mix(const story *s, uint64_t number) {
  uint64_t z = (s->world->seed + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ number * UINT64_C(0xD1342543DE82EF95);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

void story_open(story *s, world *w) {
  *s = (story){.world = w};
}

void story_close(story *s) {
  free(s->events);
}

uint64_t story_next(story *s, uint64_t group) {
  if (s->n == s->capacity) {
    s->capacity = s->capacity == 0 ? 256 : s->capacity * 2;
    s->events = realloc(s->events, s->capacity * sizeof *s->events);
    if (s->events == NULL) {
      world_fail(s->world, "no memory for events");
    }
  }
  s->events[s->n] = (story_event){.group = group};
  return s->n++;
}

void story_sent(story *s, uint64_t number, uint8_t most) {
  s->events[number].most = most;
}

void story_answered(story *s, uint64_t number) {
  s->events[number].least = 1;
}

/* ---- what an event is ---- */

firn_archive_table story_table(const story *s, uint64_t number) {
  uint64_t kind = mix(s, number) % 20;
  return kind == 0 ? FIRN_ARCHIVE_DEAD_LETTER : kind < 3 ? FIRN_ARCHIVE_PARTIAL : FIRN_ARCHIVE_VALID;
}

story_header story_header_of(const story *s, uint64_t number) {
  uint64_t m = mix(s, number);
  story_header h = {.has_subject = m % 20 != 1, .has_time = m % 20 != 2};
  (void)snprintf(h.subject, sizeof h.subject, "car-%" PRIu64, m >> 8 & 15);
  (void)snprintf(h.type, sizeof h.type, "t%" PRIu64, m >> 12 & 3);
  (void)snprintf(h.id, sizeof h.id, "e-%" PRIu64, number);
  (void)snprintf(h.source, sizeof h.source, "s%" PRIu64, m >> 14 & 3);
  int64_t day = (int64_t)((m >> 16) % N_DAYS);
  h.time_us = (INT64_C(1749513600) + day * DAY_S) * 1000000 + (int64_t)(m >> 20 & 0xFFFFF) * 80000 +
              (int64_t)(number % 80000);
  return h;
}

/* Mostly small, some larger than a page, a few larger than all others together. */
static size_t padding(uint64_t m) {
  uint64_t r = m >> 32;
  switch (m >> 24 & 63) {
    case 0:
      return r % 120000;
    case 1:
    case 2:
      return r % 20000;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
      return r % 2000;
    default:
      return r % 60;
  }
}

void story_write_data(const story *s, uint64_t number, firn_builder *out) {
  uint64_t m = mix(s, number);
  size_t len = padding(m);
  firn_builder_addf(out, "{\"n\":%" PRIu64 ", \"pad\":\"", number);
  uint8_t *pad = firn_builder_reserve(out, len);
  for (size_t i = 0; pad != NULL && i < len; i++) {
    m = m * UINT64_C(6364136223846793005) + 1442695040888963407U;
    pad[i] = (uint8_t)('a' + (m >> 60));
  }
  firn_builder_claim(out, pad != NULL ? len : 0);
  firn_builder_add_text(out, "\"}");
}

void story_time_text(int64_t time_us, char out[48]) {
  static_assert(FIRN_TIME_TEXT_MAX <= 48, "");
  (void)firn_timestamp_text(time_us, FIRN_MICROS, true, out);
}

void story_write(const story *s, uint64_t number, firn_builder *out) {
  story_header h = story_header_of(s, number);
  char time[FIRN_TIME_TEXT_MAX];
  firn_builder_addf(out, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\",\"type\":\"%s\"", h.id,
                    h.source, h.type);
  if (h.has_subject) {
    firn_builder_addf(out, ",\"subject\":\"%s\"", h.subject);
  }
  if (h.has_time) {
    story_time_text(h.time_us, time);
    firn_builder_addf(out, ",\"time\":\"%s\"", time);
  }
  if (story_table(s, number) == FIRN_ARCHIVE_DEAD_LETTER) {
    firn_builder_add_text(out, ",\"id\":\"twice\""); /* then it is no CloudEvent */
  }
  firn_builder_add_text(out, ",\"data\":");
  story_write_data(s, number, out);
  firn_builder_add_text(out, "}");
}

uint64_t story_number(firn_bytes payload) {
  static const char key[] = "\"n\":";
  const uint8_t *at = payload.len == 0 ? NULL : memmem(payload.data, payload.len, key, sizeof key - 1);
  if (at == NULL) {
    return UINT64_MAX;
  }
  uint64_t n = 0;
  for (at += sizeof key - 1; at < payload.data + payload.len && *at >= '0' && *at <= '9'; at++) {
    n = n * 10 + (uint64_t)(*at - '0');
  }
  return n;
}

/* ---- what the tables hold ---- */

static const firn_vector *column(const story *s, const firn_batch *b, const char *name) {
  for (size_t i = 0; i < b->schema->n_children; i++) {
    if (strcmp(b->schema->children[i].name, name) == 0) {
      return &b->columns[i];
    }
  }
  world_fail(s->world, "the table has no column %s", name);
}

static void check_text(const story *s, uint64_t number, const firn_batch *b, size_t row, const char *name,
                       const char *wanted) {
  const firn_vector *v = column(s, b, name);
  bool is_null = firn_vector_is_null(v, row);
  if (is_null != (wanted == NULL) || (!is_null && !firn_bytes_is(v->bytes[row], wanted))) {
    world_fail(s->world, "event %" PRIu64 ": its %s is not what was sent", number, name);
  }
}

static void check_header(const story *s, uint64_t number, const firn_batch *b, size_t row) {
  story_header h = story_header_of(s, number);
  check_text(s, number, b, row, "id", h.id);
  check_text(s, number, b, row, "type", h.type);
  check_text(s, number, b, row, "source", h.source);
  check_text(s, number, b, row, "subject", h.has_subject ? h.subject : NULL);
  const firn_vector *time = column(s, b, "time");
  bool is_null = firn_vector_is_null(time, row);
  if (is_null == h.has_time || (!is_null && time->i64[row] != h.time_us)) {
    world_fail(s->world, "event %" PRIu64 ": its time is not what was sent", number);
  }
}

static void check_payload(const story *s, uint64_t number, firn_archive_table t, firn_bytes got) {
  FIRN_AUTO_BUILDER wanted = FIRN_BUILDER_INIT(0);
  bool is_dead = t == FIRN_ARCHIVE_DEAD_LETTER, has_head = is_dead && s->events[number].is_headers != 0;
  (is_dead && !has_head ? story_write : story_write_data)(s, number, &wanted);
  firn_bytes body = got;
  if (has_head && got.len > wanted.len) { /* the request's headers are before it */
    body = firn_bytes_part(got, got.len - wanted.len, SIZE_MAX);
  }
  if (!firn_bytes_equal(firn_builder_bytes(&wanted), body)) {
    world_fail(s->world, "event %" PRIu64 " in %s: its payload is not what was sent, but \"%.*s\"", number,
               firn_archive_table_name(t), got.len < 300 ? (int)got.len : 300, (const char *)got.data);
  }
}

static void check_row(story *s, firn_archive_table t, const firn_batch *b, size_t row) {
  const firn_vector *v = column(s, b, t == FIRN_ARCHIVE_DEAD_LETTER ? "payload" : "data");
  if (firn_vector_is_null(v, row)) {
    world_fail(s->world, "%s has a row without a payload", firn_archive_table_name(t));
  }
  uint64_t number = story_number(v->bytes[row]);
  if (number >= s->n) {
    world_fail(s->world, "%s has a row that nobody sent", firn_archive_table_name(t));
  }
  if (story_table(s, number) != t) {
    world_fail(s->world, "event %" PRIu64 " is in %s", number, firn_archive_table_name(t));
  }
  check_payload(s, number, t, v->bytes[row]);
  if (t != FIRN_ARCHIVE_DEAD_LETTER) {
    check_header(s, number, b, row);
  }
  s->events[number].seen++;
  s->n_rows[t]++;
}

static void must(const story *s, firn_status status, const char *what, const firn_error *err) {
  if (status != FIRN_OK) {
    world_fail(s->world, "%s: %s: %s", what, firn_status_name(status), err->text);
  }
}

static void check_rows(story *s, firn_archive_table t, const firn_metadata *metadata, firn_stores *stores) {
  firn_error err;
  FIRN_AUTO_SCAN *scan = NULL;
  firn_scan_options options = {.metadata = metadata, .stores = stores};
  const char *name = firn_archive_table_name(t);
  must(s, firn_scan_open(&options, &s->world->ctx, &scan, &err), name, &err);
  for (;;) {
    const firn_batch *batch;
    must(s, firn_scan_next(scan, &s->world->ctx, &batch, &err), name, &err);
    if (batch == NULL) {
      return;
    }
    for (size_t i = 0; i < batch->n_rows; i++) {
      check_row(s, t, batch, i);
    }
  }
}

/* From the current snapshot back each has one parent, until the first or until what has expired. */
static void check_history(const story *s, firn_archive_table t, const firn_metadata *metadata) {
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  const firn_snapshot *at = firn_metadata_current_snapshot(metadata);
  size_t n = 0;
  for (; at != NULL; n++) {
    const firn_snapshot *parent =
        at->has_parent ? firn_metadata_snapshot(metadata, at->parent_snapshot_id) : NULL;
    if (parent != NULL && parent->sequence_number >= at->sequence_number) {
      world_fail(s->world, "%s: a snapshot's parent is not older", firn_archive_table_name(t));
    }
    at = parent;
  }
  if (n != m->n_snapshots) {
    world_fail(s->world, "%s has %zu snapshots, of which %zu are the history", firn_archive_table_name(t),
               m->n_snapshots, n);
  }
}

static void check_table(story *s, firn_catalog *catalog, firn_archive_table t, const firn_table_id *id) {
  firn_error err;
  FIRN_AUTO_TABLE table = {0};
  firn_status status = firn_catalog_table_load(catalog, &s->world->ctx, id, &table, &err);
  if (status == FIRN_NOT_FOUND) {
    return;
  }
  must(s, status, "loading a table", &err);
  check_rows(s, t, table.metadata, catalog->stores);
  check_history(s, t, table.metadata);
}

/* The events of a group come one behind the other, or mixed with those of the two groups beside it. */
static void check_group(const story *s, size_t i) {
  for (size_t back = 1; back <= i && back < 64; back++) {
    const story_event *e = &s->events[i], *before = &s->events[i - back];
    if (before->group == e->group && before->seen != e->seen) {
      world_fail(s->world, "events %zu and %zu came together, and one is there", i - back, i);
    }
  }
}

static void check_counts(const story *s) {
  for (size_t i = 0; i < s->n; i++) {
    const story_event *e = &s->events[i];
    if (e->seen < e->least || e->seen > e->most) {
      world_fail(s->world, "event %zu is there %u times; it was sent %u times and %sanswered", i, e->seen,
                 e->most, e->least > 0 ? "" : "not ");
    }
    if (e->group != STORY_ALONE) {
      check_group(s, i);
    }
  }
}

void story_check(story *s, firn_catalog *catalog, const firn_table_id *tables) {
  for (size_t i = 0; i < s->n; i++) {
    s->events[i].seen = 0;
  }
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    s->n_rows[t] = 0;
    check_table(s, catalog, (firn_archive_table)t, &tables[t]);
  }
  check_counts(s);
}

#include "iceberg/scan/choose.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/time.h"

enum { MS_PER_DAY = 86400000 };

const firn_schema *firn_snapshot_schema(const firn_metadata *metadata, const firn_snapshot *snapshot) {
  const firn_schema *own =
      snapshot->has_schema_id ? firn_metadata_schema(metadata, snapshot->schema_id) : NULL;
  return own != NULL ? own : firn_metadata_current_schema(metadata);
}

/* --- texts --- */

static firn_bytes trimmed(firn_bytes text) {
  while (text.len > 0 && text.data[0] == ' ') {
    text = firn_bytes_part(text, 1, text.len);
  }
  while (text.len > 0 && text.data[text.len - 1] == ' ') {
    text.len--;
  }
  return text;
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

/* A time as people write it, in its parts. */
typedef struct moment {
  firn_bytes date, clock;
  char offset[8]; /* "+02:00"; empty: UTC */
} moment;

enum { DATE_LEN = 10 /* YYYY-MM-DD */ };

/* From what stands behind the clock; false when that is no offset. */
static bool read_offset(firn_bytes text, char out[8]) {
  out[0] = '\0';
  text = trimmed(text);
  if (text.len == 0 || firn_bytes_is(text, "Z") || firn_bytes_is(text, "z") || firn_bytes_is(text, "UTC")) {
    return true;
  }
  const uint8_t *t = text.data;
  bool hours = text.len >= 3 && is_digit(t[1]) && is_digit(t[2]);
  size_t minutes = text.len == 6 && t[3] == ':' ? 4 : 3;
  bool is_whole =
      text.len == 3 || (text.len == minutes + 2 && is_digit(t[minutes]) && is_digit(t[minutes + 1]));
  if (!hours || !is_whole) {
    return false;
  }
  (void)snprintf(out, 8, "%c%c%c:%c%c", t[0], t[1], t[2], text.len == 3 ? '0' : t[minutes],
                 text.len == 3 ? '0' : t[minutes + 1]);
  return true;
}

/* False: no time. */
static bool take_apart(firn_bytes text, moment *out) {
  uint8_t between = text.len > DATE_LEN ? text.data[DATE_LEN] : ' ';
  if (text.len < DATE_LEN || (between != ' ' && between != 'T' && between != 't')) {
    return false;
  }
  out->date = firn_bytes_part(text, 0, DATE_LEN);
  firn_bytes rest = firn_bytes_part(text, DATE_LEN + 1, text.len);
  size_t len = 0;
  while (len < rest.len && (is_digit(rest.data[len]) || rest.data[len] == ':' || rest.data[len] == '.')) {
    len++;
  }
  out->clock = firn_bytes_part(rest, 0, len);
  return read_offset(firn_bytes_part(rest, len, rest.len), out->offset) && (len > 0 || rest.len == 0);
}

/* False: no time. */
static bool read_time(firn_bytes text, int64_t *timestamp_ms) {
  enum { LONGEST = 48, SHORT_CLOCK = 5 /* HH:MM */ };
  char whole[LONGEST + 16];
  moment m;
  text = trimmed(text);
  int32_t days;
  if (text.len > LONGEST || !take_apart(text, &m)) {
    return false;
  }
  if (m.clock.len == 0) {
    bool is_date = firn_date_parse(m.date, &days, NULL) == FIRN_OK;
    *timestamp_ms = is_date ? days * (int64_t)MS_PER_DAY : 0;
    return is_date;
  }
  int len =
      snprintf(whole, sizeof whole, "%.*sT%.*s%s%s", FIRN_FORMAT_BYTES(m.date), FIRN_FORMAT_BYTES(m.clock),
               m.clock.len == SHORT_CLOCK ? ":00" : "", m.offset[0] == '\0' ? "+00:00" : m.offset);
  int64_t us;
  firn_bytes zoned = {(const uint8_t *)whole, (size_t)len};
  if (firn_timestamp_parse(zoned, FIRN_MICROS, true, &us, NULL) != FIRN_OK) {
    return false;
  }
  *timestamp_ms = firn_floor_div(us, 1000);
  return true;
}

firn_status firn_snapshot_choice_of_time(firn_bytes text, firn_snapshot_choice *out, firn_error *err) {
  firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_TIME};
  if (!read_time(text, &choice.timestamp_ms)) {
    firn_bytes shown = firn_bytes_part(text, 0, 64);
    return firn_error_set(
        err, FIRN_INVALID,
        "'%.*s' is no time: write '2024-06-15' or '2024-06-15 12:00:00', in UTC, or with an "
        "offset, '2024-06-15 12:00:00+02:00'",
        FIRN_FORMAT_BYTES(shown));
  }
  *out = choice;
  return FIRN_OK;
}

static bool read_id(firn_bytes text, int64_t *out) {
  int64_t v = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_digit(text.data[i]) || __builtin_mul_overflow(v, 10, &v) ||
        __builtin_add_overflow(v, text.data[i] - '0', &v)) {
      return false;
    }
  }
  *out = v;
  return text.len > 0;
}

firn_status firn_snapshot_choice_of_version(firn_bytes text, firn_arena *arena, firn_snapshot_choice *out,
                                            firn_error *err) {
  text = trimmed(text);
  if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
    return firn_error_set(err, FIRN_INVALID, "a snapshot is named by its id, a branch, a tag or a time");
  }
  firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_REF, .ref = firn_arena_text(arena, text)};
  if (choice.ref == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a snapshot");
  }
  if (read_id(text, &choice.id)) {
    choice.kind = FIRN_CHOOSE_ID;
  }
  *out = choice;
  return FIRN_OK;
}

/* --- choosing --- */

static const char *time_text(int64_t timestamp_ms, char out[FIRN_TIME_TEXT_MAX]) {
  int64_t us;
  if (__builtin_mul_overflow(timestamp_ms, 1000, &us)) {
    return "a time beyond the calendar";
  }
  (void)firn_timestamp_text(us, FIRN_MICROS, true, out);
  return out;
}

static firn_status by_time(const firn_metadata *m, int64_t timestamp_ms, const firn_snapshot **out,
                           firn_error *err) {
  const firn_metadata_fields *f = firn_metadata_get(m);
  const firn_snapshot_log_entry *entry = firn_metadata_log_at(m, timestamp_ms);
  char asked[FIRN_TIME_TEXT_MAX], oldest[FIRN_TIME_TEXT_MAX];
  if (entry == NULL && f->n_snapshot_log == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "the table's metadata has no log of snapshots to ask for %s",
                          time_text(timestamp_ms, asked));
  }
  if (entry == NULL) {
    int64_t first = f->snapshot_log[0].timestamp_ms;
    for (size_t i = 1; i < f->n_snapshot_log; i++) {
      first = f->snapshot_log[i].timestamp_ms < first ? f->snapshot_log[i].timestamp_ms : first;
    }
    return firn_error_set(err, FIRN_NOT_FOUND, "the table's log of snapshots begins at %s, after %s",
                          time_text(first, oldest), time_text(timestamp_ms, asked));
  }
  *out = firn_metadata_snapshot(m, entry->snapshot_id);
  if (*out == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "snapshot %" PRId64 ", current at %s, has expired",
                          entry->snapshot_id, time_text(timestamp_ms, asked));
  }
  return FIRN_OK;
}

static firn_status no_ref(const firn_metadata *m, const char *name, firn_error *err) {
  enum { MOST = 256 };
  const firn_metadata_fields *f = firn_metadata_get(m);
  const char *names[MOST] = {"main"};
  size_t n = 1;
  for (size_t i = 0; i < f->n_refs && n < MOST; i++) {
    names[n++] = f->refs[i].name;
  }
  const char *near = firn_nearest(firn_bytes_of(name), names, n);
  if (near == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "the table has no branch or tag '%s'; it has %zu others", name,
                          f->n_refs);
  }
  return firn_error_set(err, FIRN_NOT_FOUND, "the table has no branch or tag '%s'; is '%s' meant?", name,
                        near);
}

/* A branch is read with the table's schema, a tag with its snapshot's, as the reference does. */
static firn_status by_ref(const firn_metadata *m, const firn_ref *ref, const firn_snapshot **snapshot,
                          const firn_schema **schema, firn_error *err) {
  *snapshot = firn_metadata_snapshot(m, ref->snapshot_id);
  if (*snapshot == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "%s '%s' names snapshot %" PRId64 ", which is gone",
                          ref->is_branch ? "branch" : "tag", ref->name, ref->snapshot_id);
  }
  *schema = ref->is_branch ? firn_metadata_current_schema(m) : firn_snapshot_schema(m, *snapshot);
  return FIRN_OK;
}

static firn_status by_name(const firn_metadata *m, const char *name, const firn_snapshot **snapshot,
                           const firn_schema **schema, firn_error *err) {
  const firn_ref *ref = firn_metadata_ref_named(m, name);
  int64_t timestamp_ms;
  if (ref != NULL) {
    return by_ref(m, ref, snapshot, schema, err);
  }
  if (strcmp(name, "main") == 0) {
    *snapshot = firn_metadata_current_snapshot(m);
    *schema = firn_metadata_current_schema(m);
    return FIRN_OK;
  }
  if (!read_time(firn_bytes_of(name), &timestamp_ms)) {
    return no_ref(m, name, err);
  }
  FIRN_TRY(by_time(m, timestamp_ms, snapshot, err));
  *schema = firn_snapshot_schema(m, *snapshot);
  return FIRN_OK;
}

static firn_status by_id(const firn_metadata *m, const firn_snapshot_choice *choice,
                         const firn_snapshot **snapshot, const firn_schema **schema, firn_error *err) {
  const firn_snapshot *found = firn_metadata_snapshot(m, choice->id);
  const firn_ref *ref = choice->ref == NULL ? NULL : firn_metadata_ref_named(m, choice->ref);
  if (found == NULL && ref != NULL) {
    return by_ref(m, ref, snapshot, schema, err);
  }
  if (found == NULL) {
    const firn_snapshot *current = firn_metadata_current_snapshot(m);
    return current == NULL
               ? firn_error_set(err, FIRN_NOT_FOUND, "the table has no snapshot %" PRId64 ", nor any other",
                                choice->id)
               : firn_error_set(err, FIRN_NOT_FOUND,
                                "the table has no snapshot %" PRId64
                                "; the current one of its %zu is %" PRId64,
                                choice->id, firn_metadata_get(m)->n_snapshots, current->snapshot_id);
  }
  *snapshot = found;
  *schema = firn_snapshot_schema(m, found);
  return FIRN_OK;
}

static firn_status choose(const firn_metadata *m, const firn_snapshot_choice *choice,
                          const firn_snapshot **snapshot, const firn_schema **schema, firn_error *err) {
  switch (choice->kind) {
    case FIRN_CHOOSE_ID:
      return by_id(m, choice, snapshot, schema, err);
    case FIRN_CHOOSE_TIME:
      FIRN_TRY(by_time(m, choice->timestamp_ms, snapshot, err));
      *schema = firn_snapshot_schema(m, *snapshot);
      return FIRN_OK;
    case FIRN_CHOOSE_REF:
      return by_name(m, choice->ref, snapshot, schema, err);
    default:
      *snapshot = firn_metadata_current_snapshot(m);
      *schema = firn_metadata_current_schema(m);
      return FIRN_OK;
  }
}

firn_status firn_snapshot_choose(const firn_metadata *metadata, const firn_snapshot_choice *choice,
                                 const firn_snapshot **snapshot, const firn_schema **schema,
                                 firn_error *err) {
  const firn_snapshot *found = NULL;
  const firn_schema *read_with = NULL;
  FIRN_TRY(choose(metadata, choice, &found, &read_with, err));
  *snapshot = found;
  *schema = read_with;
  return FIRN_OK;
}

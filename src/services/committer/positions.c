#include "services/committer/positions.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json_tree.h"
#include "base/json_write.h"

/* --- small things --- */

/* Where a partition stands, or would stand. */
static size_t place_of(const firn_log_positions *p, int32_t partition) {
  size_t i = 0;
  while (i < p->n && p->items[i].partition < partition) {
    i++;
  }
  return i;
}

uint64_t firn_positions_get(const firn_log_positions *p, int32_t partition) {
  size_t i = place_of(p, partition);
  return i < p->n && p->items[i].partition == partition ? p->items[i].next : 0;
}

firn_status firn_positions_raise(firn_log_positions *p, int32_t partition, uint64_t next, firn_arena *arena,
                                 firn_error *err) {
  size_t at = place_of(p, partition);
  if (at < p->n && p->items[at].partition == partition) {
    p->items[at].next = next > p->items[at].next ? next : p->items[at].next;
    return FIRN_OK;
  }
  firn_log_position *items = firn_new_n(arena, firn_log_position, p->n + 1);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu positions", p->n + 1);
  }
  for (size_t i = 0; i < p->n; i++) {
    items[i < at ? i : i + 1] = p->items[i];
  }
  items[at] = (firn_log_position){.partition = partition, .next = next};
  *p = (firn_log_positions){.n = p->n + 1, .items = items};
  return FIRN_OK;
}

firn_status firn_positions_merge(firn_log_positions *p, const firn_log_positions *other, firn_arena *arena,
                                 firn_error *err) {
  for (size_t i = 0; i < other->n; i++) {
    FIRN_TRY(firn_positions_raise(p, other->items[i].partition, other->items[i].next, arena, err));
  }
  return FIRN_OK;
}

firn_status firn_positions_copy(const firn_log_positions *from, firn_arena *arena, firn_log_positions *out,
                                firn_error *err) {
  firn_log_positions copy = {0};
  FIRN_TRY(firn_positions_merge(&copy, from, arena, err));
  *out = copy;
  return FIRN_OK;
}

bool firn_positions_reach(const firn_log_positions *p, const firn_log_positions *other) {
  for (size_t i = 0; i < other->n; i++) {
    if (firn_positions_get(p, other->items[i].partition) < other->items[i].next) {
      return false;
    }
  }
  return true;
}

uint64_t firn_positions_distance(const firn_log_positions *from, const firn_log_positions *to) {
  uint64_t sum = 0;
  for (size_t i = 0; i < to->n; i++) {
    uint64_t at = firn_positions_get(from, to->items[i].partition);
    sum += to->items[i].next > at ? to->items[i].next - at : 0;
  }
  return sum;
}

/* --- text --- */

const char *firn_positions_text(const firn_log_positions *p, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_u8(&b, '{');
  for (size_t i = 0; i < p->n; i++) {
    firn_builder_addf(&b, "%s\"%" PRId32 "\":%" PRIu64, i == 0 ? "" : ",", p->items[i].partition,
                      p->items[i].next);
  }
  firn_builder_add_u8(&b, '}');
  return b.failed != FIRN_OK ? NULL : firn_arena_text(arena, firn_builder_bytes(&b));
}

/* A partition's number as it is written: digits, no zero in front. */
static bool read_partition(firn_bytes text, int32_t *out) {
  int64_t v = 0;
  if (text.len == 0 || text.len > 10 || (text.len > 1 && text.data[0] == '0')) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    v = v * 10 + (text.data[i] - '0');
  }
  *out = (int32_t)v;
  return v <= INT32_MAX;
}

static firn_status read_positions(const char *text, firn_arena *arena, firn_log_positions *out,
                                  firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* bounded by the text */
  const firn_json_value *json;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(text), &scratch, &json, err));
  if (json->kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "it is no JSON object");
  }
  firn_log_positions p = {0};
  for (size_t i = 0; i < json->n_items; i++) {
    int32_t partition;
    int64_t next;
    if (!read_partition(json->members[i].key, &partition) ||
        !firn_json_value_int64(json->members[i].value, &next) || next < 0) {
      return firn_error_set(err, FIRN_CORRUPT, "a member is no partition and its position");
    }
    FIRN_TRY(firn_positions_raise(&p, partition, (uint64_t)next, arena, err));
  }
  *out = p;
  return FIRN_OK;
}

firn_status firn_positions_parse(const char *text, firn_arena *arena, firn_log_positions *out,
                                 firn_error *err) {
  firn_status status = read_positions(text, arena, out, err);
  return status == FIRN_OK || status == FIRN_NOMEM
             ? status
             : firn_error_while(err, FIRN_CORRUPT, "the positions %.100s", text);
}

/* --- of a table --- */

static firn_status add_from(const firn_properties *properties, const char *key, firn_arena *arena,
                            firn_log_positions *into, firn_error *err) {
  const char *text = firn_properties_get(properties, key);
  if (text == NULL) {
    return FIRN_OK;
  }
  firn_log_positions found;
  firn_status status = firn_positions_parse(text, arena, &found, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", key);
  }
  return firn_positions_merge(into, &found, arena, err);
}

/* Where a branch ends; one that does not exist yet starts at the current snapshot. */
static const firn_snapshot *head_of(const firn_metadata *metadata, const char *branch) {
  const firn_ref *ref = firn_metadata_ref_named(metadata, branch);
  return ref != NULL ? firn_metadata_snapshot(metadata, ref->snapshot_id)
                     : firn_metadata_current_snapshot(metadata);
}

firn_status firn_positions_of(const firn_metadata *metadata, const char *log_id, const char *branch,
                              firn_arena *arena, firn_log_positions *out, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  const char *property = firn_arena_printf(&scratch, FIRN_POSITIONS_PROPERTY "%s", log_id);
  const char *summary = firn_arena_printf(&scratch, FIRN_POSITIONS_SUMMARY "%s", log_id);
  if (property == NULL || summary == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the positions of a table");
  }
  firn_log_positions p = {0};
  FIRN_TRY(add_from(&m->properties, property, &scratch, &p, err));
  const firn_snapshot *s = head_of(metadata, branch);
  /* No history is longer than there are snapshots, whatever parents a broken one names. */
  for (size_t i = 0; s != NULL && i < m->n_snapshots; i++) {
    firn_status status = add_from(&s->summary, summary, &scratch, &p, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "snapshot %" PRId64, s->snapshot_id);
    }
    s = s->has_parent ? firn_metadata_snapshot(metadata, s->parent_snapshot_id) : NULL;
  }
  return firn_positions_copy(&p, arena, out, err);
}

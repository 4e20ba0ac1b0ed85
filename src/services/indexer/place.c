#include "services/indexer/place_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/builder.h"
#include "base/json_tree.h"

enum { MAX_TEXT = FIRN_PLACE_MAX_PARTITIONS * FIRN_RECORD_TEXT };

/* The first that is not below `partition`. */
static size_t find(const firn_place *p, int32_t partition) {
  size_t i = 0;
  while (i < p->n && p->items[i].partition < partition) {
    i++;
  }
  return i;
}

uint64_t firn_place_get(const firn_place *p, int32_t partition) {
  size_t i = find(p, partition);
  return i < p->n && p->items[i].partition == partition ? p->items[i].next : 0;
}

firn_status firn_place_set(firn_place *p, int32_t partition, uint64_t next, firn_error *err) {
  size_t i = find(p, partition);
  if (i == p->n || p->items[i].partition != partition) {
    if (p->n == FIRN_PLACE_MAX_PARTITIONS) {
      return firn_error_set(err, FIRN_LIMIT, "the commit log has more than %d partitions", (int)p->n);
    }
    memmove(&p->items[i + 1], &p->items[i], (p->n - i) * sizeof *p->items);
    p->n++;
  }
  p->items[i] = (firn_log_position){partition, next};
  return FIRN_OK;
}

firn_status firn_place_copy(const firn_log_positions *from, firn_place *out, firn_error *err) {
  out->n = 0;
  for (size_t i = 0; i < from->n; i++) {
    FIRN_TRY(firn_place_set(out, from->items[i].partition, from->items[i].next, err));
  }
  return FIRN_OK;
}

firn_log_positions firn_place_positions(firn_place *p) {
  return (firn_log_positions){p->n, p->items};
}

const char *firn_place_text(const firn_place *p, const char *log_id, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(MAX_TEXT);
  firn_bytes text;
  firn_builder_addf(&b, "%s ", log_id);
  for (size_t i = 0; i < p->n; i++) {
    char record[FIRN_RECORD_TEXT];
    firn_record_text(p->items[i].partition, p->items[i].next, record);
    firn_builder_addf(&b, "%s%s", i == 0 ? "" : ",", record);
  }
  return firn_builder_finish(&b, &text, NULL) == FIRN_OK ? firn_arena_text(arena, text) : NULL;
}

bool firn_place_parse(const char *text, const char *log_id, firn_place *out) {
  size_t len = strlen(log_id);
  out->n = 0;
  if (strncmp(text, log_id, len) != 0 || text[len] != ' ') {
    return false;
  }
  const char *at = text + len + 1;
  while (*at != '\0') {
    int32_t partition;
    uint64_t next;
    if (!firn_record_parse(at, &partition, &next) || firn_place_set(out, partition, next, NULL) != FIRN_OK) {
      return false;
    }
    const char *comma = strchr(at, ',');
    at = comma == NULL ? "" : comma + 1;
  }
  return true;
}

void firn_record_text(int32_t partition, uint64_t position, char out[FIRN_RECORD_TEXT]) {
  (void)snprintf(out, FIRN_RECORD_TEXT, "%" PRId32 ":%" PRIu64, partition, position);
}

bool firn_record_parse(const char *text, int32_t *partition, uint64_t *position) {
  return sscanf(text, "%" SCNd32 ":%" SCNu64, partition, position) == 2;
}

firn_status firn_record_is_committed(const firn_metadata *metadata, const char *log_id, int32_t partition,
                                     uint64_t position, bool *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  char name[16];
  const firn_json_value *positions;
  int64_t next = 0;
  *out = false;
  (void)snprintf(name, sizeof name, "%" PRId32, partition);
  const char *key = firn_arena_printf(&arena, "firn.positions.%s", log_id);
  if (key == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a property");
  }
  const char *text = firn_metadata_property(metadata, key);
  if (text == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_tree_read(firn_bytes_of(text), &arena, &positions, err);
  if (status == FIRN_OK && firn_json_may_int64(positions, name, &next, NULL) == FIRN_OK) {
    *out = next > 0 && position < (uint64_t)next;
  }
  return status == FIRN_NOMEM ? status : FIRN_OK;
}

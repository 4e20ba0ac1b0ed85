/* Snapshots and string maps as JSON. Spec: Snapshots; Appendix C, Table Metadata and Snapshots. */
#include <inttypes.h>

#include "iceberg/meta/metadata_internal.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a snapshot");
}

/* Terminated text; a zero byte inside would cut it short, so it is refused. */
static firn_status take_text(firn_bytes text, firn_arena *arena, const char **out, firn_error *err) {
  if (text.len > 0 && memchr(text.data, 0, text.len) != NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "a text holds a zero character");
  }
  const char *copy = firn_arena_text(arena, text);
  if (copy == NULL) {
    return no_memory(err);
  }
  *out = copy;
  return FIRN_OK;
}

/* A string map, leaving out `without` (NULL: nothing). Keys that `before` has in the same place are shared.
 */
static firn_status read_map(const firn_json_value *json, const char *without, const firn_properties *before,
                            firn_arena *arena, firn_properties *out, firn_error *err) {
  if (json == NULL || json->kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "a map of texts is no object");
  }
  firn_property *items = firn_new_n(arena, firn_property, json->n_items);
  if (items == NULL) {
    return no_memory(err);
  }
  size_t n = 0;
  for (size_t i = 0; i < json->n_items; i++) {
    const firn_json_member *member = &json->members[i];
    if (member->value->kind != FIRN_JSON_STRING) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%.*s\" is no text",
                            FIRN_FORMAT_BYTES(firn_bytes_part(member->key, 0, 100)));
    }
    if (without != NULL && firn_bytes_is(member->key, without)) {
      continue;
    }
    if (before != NULL && n < before->n && firn_bytes_is(member->key, before->items[n].key)) {
      items[n].key = before->items[n].key;
    } else {
      FIRN_TRY(take_text(member->key, arena, &items[n].key, err));
    }
    FIRN_TRY(take_text(member->value->text, arena, &items[n].value, err));
    n++;
  }
  *out = (firn_properties){n, items};
  return FIRN_OK;
}

firn_status firn_properties_read(const firn_json_value *json, firn_arena *arena, firn_properties *out,
                                 firn_error *err) {
  return read_map(json, NULL, NULL, arena, out, err);
}

static void write_items(const firn_properties *p, firn_json_writer *w) {
  for (size_t i = 0; i < p->n; i++) {
    firn_json_add_text(w, p->items[i].key, p->items[i].value);
  }
}

void firn_properties_write(const firn_properties *p, firn_json_writer *w) {
  firn_json_begin_object(w);
  write_items(p, w);
  firn_json_end_object(w);
}

static firn_status read_summary(const firn_json_value *json, const firn_snapshot *before, firn_arena *arena,
                                firn_snapshot *out, firn_error *err) {
  const firn_json_value *summary = NULL;
  FIRN_TRY(firn_json_may_object(json, "summary", &summary, err));
  if (summary == NULL || summary->n_items == 0) {
    return FIRN_OK;
  }
  /* The reference takes a summary without its required operation for an overwrite. */
  out->operation = "overwrite";
  FIRN_TRY(firn_json_may_text(summary, "operation", arena, &out->operation, err));
  return read_map(summary, "operation", before == NULL ? NULL : &before->summary, arena, &out->summary, err);
}

static firn_status read_manifests(const firn_json_value *json, firn_arena *arena, firn_snapshot *out,
                                  firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_text(json, "manifest-list", arena, &out->manifest_list, err));
  FIRN_TRY(firn_json_may_array(json, "manifests", &list, err));
  if (out->manifest_list != NULL) {
    return FIRN_OK; /* Spec: "manifests" must be omitted then; the list says the same */
  }
  if (list == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "neither \"manifest-list\" nor \"manifests\" is there");
  }
  const char **manifests = firn_new_n(arena, const char *, list->n_items);
  if (manifests == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < list->n_items; i++) {
    if (list->items[i].kind != FIRN_JSON_STRING) {
      return firn_error_set(err, FIRN_CORRUPT, "\"manifests\" is no list of texts");
    }
    FIRN_TRY(take_text(list->items[i].text, arena, &manifests[i], err));
  }
  out->n_manifests = list->n_items;
  out->manifests = manifests;
  return FIRN_OK;
}

firn_status firn_snapshot_read_after(const firn_json_value *json, const firn_snapshot *before,
                                     firn_arena *arena, firn_snapshot *out, firn_error *err) {
  firn_snapshot s = {0};
  FIRN_TRY(firn_json_need_int64(json, "snapshot-id", &s.snapshot_id, err));
  s.has_parent = firn_json_get_some(json, "parent-snapshot-id") != NULL;
  FIRN_TRY(firn_json_may_int64(json, "parent-snapshot-id", &s.parent_snapshot_id, err));
  FIRN_TRY(firn_json_may_int64(json, "sequence-number", &s.sequence_number, err));
  FIRN_TRY(firn_json_need_int64(json, "timestamp-ms", &s.timestamp_ms, err));
  s.has_schema_id = firn_json_get_some(json, "schema-id") != NULL;
  FIRN_TRY(firn_json_may_int32(json, "schema-id", &s.schema_id, err));
  firn_status status = read_summary(json, before, arena, &s, err);
  if (status == FIRN_OK) {
    status = read_manifests(json, arena, &s, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "snapshot %" PRId64, s.snapshot_id);
  }
  *out = s;
  return FIRN_OK;
}

firn_status firn_snapshot_read(const firn_json_value *json, firn_arena *arena, firn_snapshot *out,
                               firn_error *err) {
  return firn_snapshot_read_after(json, NULL, arena, out, err);
}

void firn_snapshot_write(const firn_snapshot *s, int32_t format_version, firn_json_writer *w) {
  firn_json_begin_object(w);
  if (format_version > 1) {
    firn_json_add_int64(w, "sequence-number", s->sequence_number);
  }
  firn_json_add_int64(w, "snapshot-id", s->snapshot_id);
  if (s->has_parent) {
    firn_json_add_int64(w, "parent-snapshot-id", s->parent_snapshot_id);
  }
  firn_json_add_int64(w, "timestamp-ms", s->timestamp_ms);
  if (s->operation != NULL) {
    firn_json_key(w, "summary");
    firn_json_begin_object(w);
    firn_json_add_text(w, "operation", s->operation);
    write_items(&s->summary, w);
    firn_json_end_object(w);
  }
  if (s->manifest_list != NULL) {
    firn_json_add_text(w, "manifest-list", s->manifest_list);
  } else {
    firn_json_key(w, "manifests");
    firn_json_begin_array(w);
    for (size_t i = 0; i < s->n_manifests; i++) {
      firn_json_write_text(w, s->manifests[i]);
    }
    firn_json_end_array(w);
  }
  if (s->has_schema_id) {
    firn_json_add_int64(w, "schema-id", s->schema_id);
  }
  firn_json_end_object(w);
}

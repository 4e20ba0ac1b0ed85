/* Snapshots and string maps as JSON. Spec: Snapshots; Appendix C, Table Metadata and Snapshots. */
#include <inttypes.h>
#include <stdlib.h>

#include "iceberg/meta/metadata_internal.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a snapshot");
}

static firn_status wrong_type(const char *key, const char *wanted, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is not %s", key, wanted);
}

/* Terminated text. A zero character would cut it short, so it is refused; only an escape can make one. */
static firn_status take_text(const firn_json_token *token, firn_arena *arena, const char **out,
                             firn_error *err) {
  firn_bytes text;
  FIRN_TRY(firn_json_text(token, arena, &text, err));
  if (token->has_escapes && text.len > 0 && memchr(text.data, 0, text.len) != NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "a text holds a zero character");
  }
  const char *copy = firn_arena_text(arena, text);
  if (copy == NULL) {
    return no_memory(err);
  }
  *out = copy;
  return FIRN_OK;
}

static int compare_keys(const void *a, const void *b) {
  return strcmp(((const firn_property *)a)->key, ((const firn_property *)b)->key);
}

static firn_status check_unique(const firn_properties *p, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* bounded by the text */
  firn_property *sorted = firn_new_n(&scratch, firn_property, p->n);
  if (sorted == NULL) {
    return no_memory(err);
  }
  if (p->n > 0) {
    memcpy(sorted, p->items, p->n * sizeof *sorted);
  }
  qsort(sorted, p->n, sizeof *sorted, compare_keys);
  for (size_t i = 1; i < p->n; i++) {
    if (strcmp(sorted[i - 1].key, sorted[i].key) == 0) {
      return firn_error_set(err, FIRN_CORRUPT, "key \"%s\" is given twice", sorted[i].key);
    }
  }
  return FIRN_OK;
}

/* The entries of a string map whose object has begun. What `operation` (NULL: nothing) is for does not become
 * an entry. Keys that `before` has in the same place are shared with it: tables with thousands of snapshots
 * repeat a dozen of them. */
static firn_status read_entries(firn_json *j, const firn_properties *before, const char **operation,
                                firn_arena *arena, firn_properties *out, firn_error *err) {
  size_t n = 0, capacity = before == NULL ? 0 : before->n;
  firn_property *items = firn_new_n(arena, firn_property, capacity);
  bool all_shared = items != NULL;
  for (;;) {
    firn_json_token key, value;
    FIRN_TRY(firn_json_next(j, &key, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      break;
    }
    FIRN_TRY(firn_json_next(j, &value, err));
    if (value.kind != FIRN_JSON_STRING) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%.*s\" is no text",
                            FIRN_FORMAT_BYTES(firn_bytes_part(key.raw, 0, 100)));
    }
    if (operation != NULL && firn_bytes_is(key.raw, "operation")) {
      if (*operation != NULL) {
        return firn_error_set(err, FIRN_CORRUPT, "key \"operation\" is given twice");
      }
      FIRN_TRY(take_text(&value, arena, operation, err));
      continue;
    }
    items = items == NULL ? NULL : firn_arena_grow(arena, items, n, &capacity, sizeof *items);
    if (items == NULL) {
      return no_memory(err);
    }
    bool shared =
        before != NULL && n < before->n && !key.has_escapes && firn_bytes_is(key.raw, before->items[n].key);
    if (shared) {
      items[n].key = before->items[n].key;
    } else {
      FIRN_TRY(take_text(&key, arena, &items[n].key, err));
      all_shared = false;
    }
    FIRN_TRY(take_text(&value, arena, &items[n].value, err));
    n++;
  }
  *out = (firn_properties){n, items};
  return all_shared ? FIRN_OK : check_unique(out, err);
}

firn_status firn_properties_read(const firn_json_value *json, firn_arena *arena, firn_properties *out,
                                 firn_error *err) {
  if (json == NULL || json->kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "a map of texts is no object");
  }
  firn_json j;
  firn_json_token begin;
  firn_json_init(&j, json->span);
  FIRN_TRY(firn_json_next(&j, &begin, err));
  return read_entries(&j, NULL, NULL, arena, out, err);
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

/* The members of a snapshot that mean something here, in the order of their bits in `seen`. */
static const char *const member_names[] = {"snapshot-id",   "parent-snapshot-id", "sequence-number",
                                           "timestamp-ms",  "schema-id",          "summary",
                                           "manifest-list", "manifests"};
typedef enum member {
  SNAPSHOT_ID,
  PARENT_ID,
  SEQUENCE_NUMBER,
  TIMESTAMP,
  SCHEMA_ID,
  SUMMARY,
  MANIFEST_LIST,
  MANIFESTS,
  UNKNOWN_MEMBER
} member;

static member member_of(firn_bytes key) {
  for (member i = SNAPSHOT_ID; i < UNKNOWN_MEMBER; i++) {
    if (firn_bytes_is(key, member_names[i])) {
      return i;
    }
  }
  return UNKNOWN_MEMBER;
}

static firn_status take_number(const firn_json_token *token, member which, firn_snapshot *s,
                               firn_error *err) {
  int64_t v;
  if (firn_json_int64(token, &v, NULL) != FIRN_OK) {
    return wrong_type(member_names[which], "an integer of 64 bits", err);
  }
  switch (which) {
    case SNAPSHOT_ID:
      s->snapshot_id = v;
      break;
    case PARENT_ID:
      s->has_parent = true;
      s->parent_snapshot_id = v;
      break;
    case SEQUENCE_NUMBER:
      s->sequence_number = v;
      break;
    case TIMESTAMP:
      s->timestamp_ms = v;
      break;
    default:
      if (v < INT32_MIN || v > INT32_MAX) {
        return wrong_type(member_names[which], "an integer of 32 bits", err);
      }
      s->has_schema_id = true;
      s->schema_id = (int32_t)v;
  }
  return FIRN_OK;
}

static firn_status take_summary(firn_json *j, const firn_snapshot *before, firn_arena *arena,
                                firn_snapshot *s, firn_error *err) {
  FIRN_TRY(read_entries(j, before == NULL ? NULL : &before->summary, &s->operation, arena, &s->summary, err));
  if (s->operation == NULL && s->summary.n > 0) {
    s->operation = "overwrite"; /* as the reference takes a summary without its required operation */
  }
  return FIRN_OK;
}

static firn_status take_manifests(firn_json *j, firn_arena *arena, firn_snapshot *s, firn_error *err) {
  const char **manifests = NULL;
  size_t n = 0, capacity = 0;
  for (;;) {
    firn_json_token token;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_ARRAY_END) {
      break;
    }
    manifests = firn_arena_grow(arena, manifests, n, &capacity, sizeof *manifests);
    if (manifests == NULL) {
      return no_memory(err);
    }
    if (token.kind != FIRN_JSON_STRING) {
      return wrong_type("manifests", "a list of texts", err);
    }
    FIRN_TRY(take_text(&token, arena, &manifests[n++], err));
  }
  s->n_manifests = n;
  s->manifests = manifests;
  return FIRN_OK;
}

static firn_status take_member(firn_json *j, const firn_json_token *token, member which,
                               const firn_snapshot *before, firn_arena *arena, firn_snapshot *s,
                               firn_error *err) {
  switch (which) {
    case SUMMARY:
      return token->kind == FIRN_JSON_OBJECT ? take_summary(j, before, arena, s, err)
                                             : wrong_type("summary", "an object", err);
    case MANIFEST_LIST:
      return token->kind == FIRN_JSON_STRING ? take_text(token, arena, &s->manifest_list, err)
                                             : wrong_type("manifest-list", "a text", err);
    case MANIFESTS:
      return token->kind == FIRN_JSON_ARRAY ? take_manifests(j, arena, s, err)
                                            : wrong_type("manifests", "a list of texts", err);
    default:
      return take_number(token, which, s, err);
  }
}

/* Every member of an object that has begun; `*seen` gets a bit for each that is there and not null. */
static firn_status take_members(firn_json *j, const firn_snapshot *before, firn_arena *arena,
                                firn_snapshot *s, unsigned *seen, firn_error *err) {
  unsigned named = 0;
  for (;;) {
    firn_json_token token;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    firn_bytes key;
    FIRN_TRY(firn_json_text(&token, arena, &key, err));
    member which = member_of(key);
    if (which == UNKNOWN_MEMBER) {
      firn_bytes skipped;
      FIRN_TRY(firn_json_skip(j, &skipped, err));
      continue;
    }
    if ((named & 1u << which) != 0) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is given twice", member_names[which]);
    }
    named |= 1u << which;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind != FIRN_JSON_NULL) {
      *seen |= 1u << which;
      FIRN_TRY(take_member(j, &token, which, before, arena, s, err));
    }
  }
}

static firn_status check_members(firn_snapshot *s, unsigned seen, firn_error *err) {
  static const member needed[] = {SNAPSHOT_ID, TIMESTAMP};
  for (size_t i = 0; i < FIRN_COUNT_OF(needed); i++) {
    if ((seen & 1u << needed[i]) == 0) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is missing", member_names[needed[i]]);
    }
  }
  if ((seen & (1u << MANIFEST_LIST | 1u << MANIFESTS)) == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "neither \"manifest-list\" nor \"manifests\" is there");
  }
  if (s->manifest_list != NULL) {
    s->n_manifests = 0; /* Spec: "manifests" must be omitted then; the list says the same */
    s->manifests = NULL;
  }
  return FIRN_OK;
}

firn_status firn_snapshot_next(firn_json *j, const firn_snapshot *before, firn_arena *arena,
                               firn_snapshot *out, firn_error *err) {
  firn_snapshot s = {0};
  unsigned seen = 0;
  firn_status status = take_members(j, before, arena, &s, &seen, err);
  if (status == FIRN_OK) {
    status = check_members(&s, seen, err);
  }
  if (status != FIRN_OK) {
    return (seen & 1u << SNAPSHOT_ID) == 0 || s.snapshot_id == 0
               ? firn_error_while(err, status, "a snapshot")
               : firn_error_while(err, status, "snapshot %" PRId64, s.snapshot_id);
  }
  *out = s;
  return FIRN_OK;
}

firn_status firn_snapshot_read(const firn_json_value *json, firn_arena *arena, firn_snapshot *out,
                               firn_error *err) {
  if (json == NULL || json->kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "a snapshot is no object");
  }
  firn_json j;
  firn_json_token begin;
  firn_json_init(&j, json->span);
  FIRN_TRY(firn_json_next(&j, &begin, err));
  return firn_snapshot_next(&j, NULL, arena, out, err);
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

/* Requirements: their JSON, and whether they hold. Follows open-api/rest-catalog-open-api.yaml,
 * TableRequirement. */
#include <inttypes.h>
#include <strings.h>

#include "iceberg/commit/update.h"

typedef enum payload { NOTHING, UUID, REF, ID32 } payload;

/* By kind: the name on the wire, what it carries, under which key. */
static const struct {
  const char *type;
  payload payload;
  const char *key;
} kinds[] = {
    [FIRN_ASSERT_CREATE] = {"assert-create", NOTHING, NULL},
    [FIRN_ASSERT_TABLE_UUID] = {"assert-table-uuid", UUID, "uuid"},
    [FIRN_ASSERT_REF_SNAPSHOT_ID] = {"assert-ref-snapshot-id", REF, "snapshot-id"},
    [FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID] = {"assert-last-assigned-field-id", ID32, "last-assigned-field-id"},
    [FIRN_ASSERT_CURRENT_SCHEMA_ID] = {"assert-current-schema-id", ID32, "current-schema-id"},
    [FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID] = {"assert-last-assigned-partition-id", ID32,
                                                "last-assigned-partition-id"},
    [FIRN_ASSERT_DEFAULT_SPEC_ID] = {"assert-default-spec-id", ID32, "default-spec-id"},
    [FIRN_ASSERT_DEFAULT_SORT_ORDER_ID] = {"assert-default-sort-order-id", ID32, "default-sort-order-id"},
};

static firn_status read_payload(const firn_json_value *json, firn_arena *arena, firn_requirement *out,
                                firn_error *err) {
  const char *key = kinds[out->kind].key;
  switch (kinds[out->kind].payload) {
    case NOTHING:
      return FIRN_OK;
    case UUID:
      return firn_json_need_text(json, key, arena, &out->text, err);
    case REF:
      FIRN_TRY(firn_json_need_text(json, "ref", arena, &out->text, err));
      out->has_snapshot_id = firn_json_get_some(json, key) != NULL;
      return firn_json_may_int64(json, key, &out->id, err);
    case ID32: {
      int32_t id;
      FIRN_TRY(firn_json_need_int32(json, key, &id, err));
      out->id = id;
      return FIRN_OK;
    }
  }
  return FIRN_OK;
}

firn_status firn_requirement_read(const firn_json_value *json, firn_arena *arena, firn_requirement *out,
                                  firn_error *err) {
  const char *type;
  FIRN_TRY(firn_json_need_text(json, "type", arena, &type, err));
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    if (strcasecmp(type, kinds[i].type) == 0) {
      firn_requirement read = {.kind = (firn_requirement_kind)i};
      firn_status status = read_payload(json, arena, &read, err);
      if (status != FIRN_OK) {
        return firn_error_while(err, status, "requirement %s", kinds[i].type);
      }
      *out = read;
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "unknown requirement \"%.80s\"", type);
}

void firn_requirement_write(const firn_requirement *r, firn_json_writer *w) {
  const char *key = kinds[r->kind].key;
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", kinds[r->kind].type);
  switch (kinds[r->kind].payload) {
    case NOTHING:
      break;
    case UUID:
      firn_json_add_text(w, key, r->text);
      break;
    case REF:
      firn_json_add_text(w, "ref", r->text);
      firn_json_key(w, key);
      if (r->has_snapshot_id) {
        firn_json_write_int64(w, r->id);
      } else {
        firn_json_write_null(w); /* required by the specification: null is what says "must not exist" */
      }
      break;
    case ID32:
      firn_json_add_int64(w, key, r->id);
      break;
  }
  firn_json_end_object(w);
}

/* --- checks: clients look at these texts, word for word --- */

static firn_status check_ref(const firn_requirement *r, const firn_metadata *base, firn_error *err) {
  const firn_ref *ref = firn_metadata_ref_named(base, r->text);
  if (ref == NULL) {
    return !r->has_snapshot_id
               ? FIRN_OK
               : firn_error_set(err, FIRN_CONFLICT,
                                "Requirement failed: branch or tag %s is missing, expected %" PRId64, r->text,
                                r->id);
  }
  const char *type = ref->is_branch ? "branch" : "tag";
  if (!r->has_snapshot_id) {
    return firn_error_set(err, FIRN_CONFLICT, "Requirement failed: %s %s was created concurrently", type,
                          r->text);
  }
  if (r->id != ref->snapshot_id) {
    return firn_error_set(err, FIRN_CONFLICT,
                          "Requirement failed: %s %s has changed: expected id %" PRId64 " != %" PRId64, type,
                          r->text, r->id, ref->snapshot_id);
  }
  return FIRN_OK;
}

static firn_status check_uuid(const firn_requirement *r, const firn_metadata *base, firn_error *err) {
  const char *uuid = firn_metadata_get(base)->table_uuid;
  if (uuid != NULL && strcasecmp(uuid, r->text) == 0) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_CONFLICT, "Requirement failed: UUID does not match: expected %s != %s",
                        uuid == NULL ? "null" : uuid, r->text);
}

static firn_status check_id(const char *what, int64_t wanted, int64_t is, firn_error *err) {
  if (wanted == is) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_CONFLICT,
                        "Requirement failed: %s changed: expected id %" PRId64 " != %" PRId64, what, wanted,
                        is);
}

/* Of a table that does not exist nothing has been assigned yet, so what speaks of assigned ids holds. */
static firn_status check_absent(const firn_requirement *r, firn_error *err) {
  switch (r->kind) {
    case FIRN_ASSERT_CREATE:
    case FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID:
    case FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID:
      return FIRN_OK;
    case FIRN_ASSERT_REF_SNAPSHOT_ID:
      if (!r->has_snapshot_id) {
        return FIRN_OK;
      }
      break;
    default:
      break;
  }
  return firn_error_set(err, FIRN_CONFLICT, "Requirement failed: the table does not exist");
}

firn_status firn_requirement_check(const firn_requirement *r, const firn_metadata *base, firn_error *err) {
  if (base == NULL) {
    return check_absent(r, err);
  }
  const firn_metadata_fields *m = firn_metadata_get(base);
  switch (r->kind) {
    case FIRN_ASSERT_CREATE:
      return firn_error_set(err, FIRN_CONFLICT, "Requirement failed: table already exists");
    case FIRN_ASSERT_TABLE_UUID:
      return check_uuid(r, base, err);
    case FIRN_ASSERT_REF_SNAPSHOT_ID:
      return check_ref(r, base, err);
    case FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID:
      return check_id("last assigned field id", r->id, m->last_column_id, err);
    case FIRN_ASSERT_CURRENT_SCHEMA_ID:
      return check_id("current schema", r->id, m->current_schema_id, err);
    case FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID:
      return check_id("last assigned partition id", r->id, m->last_partition_id, err);
    case FIRN_ASSERT_DEFAULT_SPEC_ID:
      return check_id("default partition spec", r->id, m->default_spec_id, err);
    case FIRN_ASSERT_DEFAULT_SORT_ORDER_ID:
      return check_id("default sort order", r->id, m->default_sort_order_id, err);
  }
  return FIRN_OK;
}

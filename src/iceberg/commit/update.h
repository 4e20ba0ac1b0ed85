/* Changes to a table, in the one wire language of every catalog: requirements and updates of the REST
 * specification (open-api/rest-catalog-open-api.yaml: TableRequirement, TableUpdate), with their JSON.
 *
 * File and SQL catalogs apply them to metadata and compare-and-swap; a REST client posts them; a server
 * receives them. All kinds have a codec; those that are not built yet answer FIRN_UNSUPPORTED when they are
 * applied. Plain structs in an arena. */
#ifndef FIRN_ICEBERG_COMMIT_UPDATE_H
#define FIRN_ICEBERG_COMMIT_UPDATE_H

#include "iceberg/meta/metadata.h"

typedef enum firn_requirement_kind {
  FIRN_ASSERT_CREATE = 0,
  FIRN_ASSERT_TABLE_UUID,
  FIRN_ASSERT_REF_SNAPSHOT_ID,
  FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID,
  FIRN_ASSERT_CURRENT_SCHEMA_ID,
  FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID,
  FIRN_ASSERT_DEFAULT_SPEC_ID,
  FIRN_ASSERT_DEFAULT_SORT_ORDER_ID,
} firn_requirement_kind;

typedef struct firn_requirement {
  firn_requirement_kind kind;
  const char *text;     /* TABLE_UUID: uuid; REF_SNAPSHOT_ID: the ref */
  bool has_snapshot_id; /* REF_SNAPSHOT_ID: false means that the ref must not exist */
  int64_t id;           /* REF_SNAPSHOT_ID: snapshot; else the id that is asserted */
} firn_requirement;

typedef enum firn_update_kind {
  FIRN_UPDATE_ASSIGN_UUID = 0,
  FIRN_UPDATE_UPGRADE_FORMAT_VERSION,
  FIRN_UPDATE_ADD_SCHEMA,
  FIRN_UPDATE_SET_CURRENT_SCHEMA,
  FIRN_UPDATE_ADD_SPEC,
  FIRN_UPDATE_SET_DEFAULT_SPEC,
  FIRN_UPDATE_ADD_SORT_ORDER,
  FIRN_UPDATE_SET_DEFAULT_SORT_ORDER,
  FIRN_UPDATE_ADD_SNAPSHOT,
  FIRN_UPDATE_SET_SNAPSHOT_REF,
  FIRN_UPDATE_REMOVE_SNAPSHOTS,
  FIRN_UPDATE_REMOVE_SNAPSHOT_REF,
  FIRN_UPDATE_SET_LOCATION,
  FIRN_UPDATE_SET_PROPERTIES,
  FIRN_UPDATE_REMOVE_PROPERTIES,
  FIRN_UPDATE_SET_STATISTICS,
  FIRN_UPDATE_REMOVE_STATISTICS,
  FIRN_UPDATE_SET_PARTITION_STATISTICS,
  FIRN_UPDATE_REMOVE_PARTITION_STATISTICS,
  FIRN_UPDATE_REMOVE_PARTITION_SPECS,
  FIRN_UPDATE_REMOVE_SCHEMAS,
  FIRN_UPDATE_ADD_ENCRYPTION_KEY,
  FIRN_UPDATE_REMOVE_ENCRYPTION_KEY,
} firn_update_kind;

enum {
  FIRN_LAST_ADDED = -1
}; /* SET_CURRENT_SCHEMA, SET_DEFAULT_...: the one added in this list of updates */

typedef struct firn_update {
  firn_update_kind kind;
  union {
    const char
        *text;  /* ASSIGN_UUID, SET_LOCATION, REMOVE_SNAPSHOT_REF, REMOVE_ENCRYPTION_KEY: the key's id */
    int32_t id; /* UPGRADE_FORMAT_VERSION, SET_CURRENT_SCHEMA, SET_DEFAULT_SPEC, ..._SORT_ORDER */
    firn_schema schema;         /* ADD_SCHEMA */
    firn_partition_spec spec;   /* ADD_SPEC; a field id of FIRN_NO_ID is given one when it is applied */
    firn_sort_order sort_order; /* ADD_SORT_ORDER */
    firn_snapshot snapshot;     /* ADD_SNAPSHOT */
    firn_ref ref;               /* SET_SNAPSHOT_REF */
    firn_properties properties; /* SET_PROPERTIES */
    struct {
      size_t n;
      const char *const *items;
    } keys; /* REMOVE_PROPERTIES */
    struct {
      size_t n;
      const int64_t *items;
    } ids; /* REMOVE_SNAPSHOTS, REMOVE_PARTITION_SPECS, REMOVE_SCHEMAS, REMOVE_..._STATISTICS */
    firn_statistics_file statistics; /* SET_STATISTICS, SET_PARTITION_STATISTICS */
    firn_bytes json;                 /* ADD_ENCRYPTION_KEY: the whole object */
  };
} firn_update;

FIRN_MUST_USE firn_status firn_requirement_read(const firn_json_value *json, firn_arena *arena,
                                                firn_requirement *out, firn_error *err);
void firn_requirement_write(const firn_requirement *r, firn_json_writer *w);
FIRN_MUST_USE firn_status firn_update_read(const firn_json_value *json, firn_arena *arena, firn_update *out,
                                           firn_error *err);
void firn_update_write(const firn_update *u, firn_json_writer *w);
/* "add-snapshot" and so on. */
const char *firn_update_name(firn_update_kind kind);

/* FIRN_CONFLICT with the reference's text ("Requirement failed: ...") when it does not hold. `base` NULL: no
 * such table. */
FIRN_MUST_USE firn_status firn_requirement_check(const firn_requirement *r, const firn_metadata *base,
                                                 firn_error *err);

/* The metadata after all updates, in order. `base` NULL: a new table. `now_ms` becomes last-updated (never
 * before the base's); `base_location` (NULL: none) is the file of `base`, which enters the metadata log,
 * trimmed by write.metadata.previous-versions-max. `*out` is the base itself, shared, when nothing changed.
 */
FIRN_MUST_USE firn_status firn_updates_apply(const firn_metadata *base, const char *base_location,
                                             const firn_update *updates, size_t n, int64_t now_ms,
                                             firn_metadata **out, firn_error *err);

#endif

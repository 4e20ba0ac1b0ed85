/* Properties: set, removed, and kept true when columns change their names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "iceberg/commit/alter_internal.h"
#include "iceberg/commit/alter_mapping_internal.h"
#include "iceberg/commit/property.h"

#define FORMAT_VERSION "format-version"
#define NAME_MAPPING "schema.name-mapping.default"

static size_t find_property(const firn_altering *a, const char *key) {
  size_t i = 0;
  while (i < a->n_properties && strcmp(a->properties[i].key, key) != 0) {
    i++;
  }
  return i;
}

firn_status firn_alter_set_property(firn_altering *a, const char *key, const char *value, firn_error *err) {
  size_t at = find_property(a, key);
  if (at == a->n_properties) {
    a->properties = firn_arena_grow(a->arena, a->properties, a->n_properties, &a->capacity_properties,
                                    sizeof *a->properties);
    if (a->properties == NULL) {
      return firn_alter_no_memory(err);
    }
    a->n_properties++;
  }
  a->properties[at] = (firn_property){key, value};
  return FIRN_OK;
}

void firn_alter_remove_property(firn_altering *a, const char *key) {
  size_t at = find_property(a, key);
  if (at < a->n_properties) {
    memmove(&a->properties[at], &a->properties[at + 1], (a->n_properties - at - 1) * sizeof *a->properties);
    a->n_properties--;
  }
}

firn_status firn_alter_set_version(firn_altering *a, int64_t version, firn_error *err) {
  if (version < 1 || version > INT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "there is no format version %" PRId64, version);
  }
  if (version < a->version) {
    return firn_error_set(err, FIRN_INVALID,
                          "a table of format version %" PRId32 " cannot go back to %" PRId64, a->version,
                          version);
  }
  a->version = (int32_t)version;
  return FIRN_OK;
}

/* Setting this "property" has always been the way to upgrade a table. */
static firn_status set_version(firn_altering *a, const char *value, firn_error *err) {
  char *end;
  long version = strtol(value, &end, 10);
  if (end == value || *end != '\0') {
    return firn_error_set(err, FIRN_INVALID, FORMAT_VERSION " must be a whole number, not \"%.40s\"", value);
  }
  return firn_alter_set_version(a, version, err);
}

static firn_status check_key(const char *key, firn_error *err) {
  FIRN_TRY(firn_alter_name_check(key, "a property's name", err));
  if (firn_property_is_reserved(key)) {
    return firn_error_set(err, FIRN_INVALID, "%.80s is no property: tables tell it from their metadata", key);
  }
  return FIRN_OK;
}

firn_status firn_alter_set_properties(firn_altering *a, const firn_change *c, firn_error *err) {
  for (size_t i = 0; i < c->properties.n; i++) {
    const firn_property *p = &c->properties.items[i];
    FIRN_TRY(firn_alter_name_check(p->key, "a property's name", err));
    if (p->value == NULL || !firn_utf8_is_valid(firn_bytes_of(p->value))) {
      return firn_error_set(err, FIRN_INVALID, "the value of property %.80s must be UTF-8", p->key);
    }
    if (strcmp(p->key, FORMAT_VERSION) == 0) {
      FIRN_TRY(set_version(a, p->value, err));
      continue;
    }
    FIRN_TRY(check_key(p->key, err));
    FIRN_TRY(firn_alter_set_property(a, p->key, p->value, err));
  }
  return FIRN_OK;
}

firn_status firn_alter_remove_properties(firn_altering *a, const firn_change *c, firn_error *err) {
  for (size_t i = 0; i < c->n_names; i++) {
    FIRN_TRY(check_key(c->names[i], err));
    firn_alter_remove_property(a, c->names[i]);
  }
  return FIRN_OK;
}

/* --- properties that speak of columns --- */

/* The column that a property is about; NULL: it is about none. */
static const char *column_of(const char *key, size_t *prefix_len) {
  static const char *const prefixes[] = {
      "write.metadata.metrics.column.",
      "write.parquet.bloom-filter-enabled.column.",
      "write.parquet.stats-enabled.column.",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(prefixes); i++) {
    *prefix_len = strlen(prefixes[i]);
    if (strncmp(key, prefixes[i], *prefix_len) == 0) {
      return key + *prefix_len;
    }
  }
  return NULL;
}

/* What becomes of one property: stays, is called otherwise, or goes with its column. */
static firn_status follow_column(firn_altering *a, const firn_property *p, firn_error *err) {
  size_t prefix_len;
  const char *column = column_of(p->key, &prefix_len);
  const firn_field *was =
      column == NULL ? NULL : firn_schema_find(firn_metadata_current_schema(a->base), column);
  if (was == NULL) {
    return FIRN_OK;
  }
  const char *now = firn_schema_name_of(&a->schema, was->id, a->arena);
  if (now != NULL && strcmp(now, column) == 0) {
    return FIRN_OK;
  }
  if (now == NULL && firn_field_find(&a->schema.root, was->id) != NULL) {
    return firn_alter_no_memory(err);
  }
  firn_alter_remove_property(a, p->key);
  if (now == NULL) {
    return FIRN_OK;
  }
  const char *key = firn_arena_printf(a->arena, "%.*s%s", (int)prefix_len, p->key, now);
  return key == NULL ? firn_alter_no_memory(err) : firn_alter_set_property(a, key, p->value, err);
}

static firn_status follow_mapping(firn_altering *a, firn_error *err) {
  size_t at = find_property(a, NAME_MAPPING);
  if (at == a->n_properties) {
    return FIRN_OK;
  }
  const char *text;
  FIRN_TRY(firn_alter_mapping_update(a->properties[at].value, firn_metadata_current_schema(a->base),
                                     &a->schema, a->arena, &text, err));
  a->properties[at].value = text;
  return FIRN_OK;
}

firn_status firn_alter_follow_columns(firn_altering *a, firn_error *err) {
  if (firn_schema_equal(&a->schema, firn_metadata_current_schema(a->base))) {
    return FIRN_OK;
  }
  const firn_properties *before = &a->f->properties; /* those set just now are meant as they are */
  for (size_t i = 0; i < before->n; i++) {
    FIRN_TRY(follow_column(a, &before->items[i], err));
  }
  return follow_mapping(a, err);
}

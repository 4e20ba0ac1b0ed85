#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "iceberg/commit/property.h"
#include "iceberg/commit/update_internal.h"

enum { NEWEST_FORMAT = 2 };

/* --- helpers that the other files share --- */

static void *copy_array(firn_draft *d, const void *items, size_t n, size_t capacity, size_t item_size) {
  void *own = firn_arena_alloc_n(d->arena, capacity, item_size);
  if (own != NULL && n > 0) {
    memcpy(own, items, n * item_size);
  }
  return own;
}

void *firn_draft_room(firn_draft *d, const void *items, size_t n, size_t *capacity, size_t item_size) {
  if (n < *capacity) {
    return (void *)items; /* the draft's own, made here before */
  }
  void *own = copy_array(d, items, n, n * 2 + 1, item_size);
  *capacity = own == NULL ? *capacity : n * 2 + 1;
  return own;
}

void *firn_draft_own(firn_draft *d, const void *items, size_t n, size_t *capacity, size_t item_size) {
  if (*capacity > 0) {
    return (void *)items;
  }
  void *own = copy_array(d, items, n, n + 1, item_size);
  *capacity = own == NULL ? *capacity : n + 1;
  return own;
}

static int compare_ids(const void *a, const void *b) {
  int64_t left, right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return (left > right) - (left < right);
}

firn_status firn_id_set_make(const int64_t *ids, size_t n, firn_arena *arena, firn_id_set *out,
                             firn_error *err) {
  int64_t *sorted = firn_new_n(arena, int64_t, n);
  if (sorted == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu ids", n);
  }
  if (n > 0) {
    memcpy(sorted, ids, n * sizeof *ids);
    qsort(sorted, n, sizeof *sorted, compare_ids);
  }
  *out = (firn_id_set){.n = n, .ids = sorted};
  return FIRN_OK;
}

bool firn_id_set_has(const firn_id_set *set, int64_t id) {
  return set->n > 0 && bsearch(&id, set->ids, set->n, sizeof id, compare_ids) != NULL;
}

/* --- updates of single fields --- */

static firn_status assign_uuid(firn_draft *d, const char *text, firn_error *err) {
  firn_uuid read;
  FIRN_TRY(firn_uuid_parse(firn_bytes_of(text), &read, err));
  char *uuid = firn_new_n(d->arena, char, FIRN_UUID_TEXT);
  if (uuid == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a UUID");
  }
  firn_uuid_text(read, uuid);
  if (d->f.table_uuid != NULL && strcmp(d->f.table_uuid, uuid) == 0) {
    return FIRN_OK;
  }
  if (d->f.table_uuid != NULL) {
    /* Who reads this table knows it by its UUID; another one would be another table. */
    return firn_error_set(err, FIRN_INVALID, "cannot give table %s the UUID %s: it keeps its own",
                          d->f.table_uuid, uuid);
  }
  d->f.table_uuid = uuid;
  d->changed = true;
  return FIRN_OK;
}

static firn_status upgrade(firn_draft *d, int32_t version, firn_error *err) {
  if (version > NEWEST_FORMAT) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "format version %" PRId32 " is not written yet; %d is the newest that is", version,
                          NEWEST_FORMAT);
  }
  if (version < 1 || version < d->f.format_version) {
    return firn_error_set(err, FIRN_INVALID, "Cannot downgrade v%" PRId32 " table to v%" PRId32,
                          d->f.format_version, version);
  }
  d->changed = d->changed || version != d->f.format_version;
  d->f.format_version = version;
  return FIRN_OK;
}

static firn_status set_location(firn_draft *d, const char *text, firn_error *err) {
  size_t len = strlen(text);
  while (len > 1 && text[len - 1] == '/') {
    len--;
  }
  if (len == 0) {
    return firn_error_set(err, FIRN_INVALID, "a table needs a location");
  }
  if (d->f.location != NULL && firn_bytes_is((firn_bytes){(const uint8_t *)text, len}, d->f.location)) {
    return FIRN_OK;
  }
  d->f.location = firn_arena_text(d->arena, (firn_bytes){(const uint8_t *)text, len});
  if (d->f.location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a location");
  }
  d->changed = true;
  return FIRN_OK;
}

/* --- properties --- */

static size_t find_property(const firn_property *items, size_t n, const char *key) {
  size_t i = 0;
  while (i < n && strcmp(items[i].key, key) != 0) {
    i++;
  }
  return i;
}

static firn_status set_properties(firn_draft *d, const firn_properties *set, firn_error *err) {
  size_t n = d->f.properties.n;
  firn_property *own = firn_new_n(d->arena, firn_property, n + set->n);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", n + set->n);
  }
  if (n > 0) {
    memcpy(own, d->f.properties.items, n * sizeof *own);
  }
  for (size_t i = 0; i < set->n; i++) {
    size_t at = find_property(own, n, set->items[i].key);
    if (at == n || strcmp(own[at].value, set->items[i].value) != 0) {
      own[at] = set->items[i];
      n += at == n;
      d->changed = true;
    }
  }
  d->f.properties = (firn_properties){.n = n, .items = own};
  return FIRN_OK;
}

static firn_status remove_properties(firn_draft *d, const char *const *keys, size_t n_keys, firn_error *err) {
  firn_property *own = firn_new_n(d->arena, firn_property, d->f.properties.n);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", d->f.properties.n);
  }
  size_t n = 0;
  for (size_t i = 0; i < d->f.properties.n; i++) {
    bool removed = false;
    for (size_t k = 0; k < n_keys && !removed; k++) {
      removed = strcmp(keys[k], d->f.properties.items[i].key) == 0;
    }
    if (!removed) {
      own[n++] = d->f.properties.items[i];
    }
  }
  d->changed = d->changed || n != d->f.properties.n;
  d->f.properties = (firn_properties){.n = n, .items = own};
  return FIRN_OK;
}

/* --- one update --- */

static firn_status apply_one(firn_draft *d, const firn_update *u, firn_error *err) {
  switch (u->kind) {
    case FIRN_UPDATE_ASSIGN_UUID:
      return assign_uuid(d, u->text, err);
    case FIRN_UPDATE_UPGRADE_FORMAT_VERSION:
      return upgrade(d, u->id, err);
    case FIRN_UPDATE_ADD_SCHEMA:
      return firn_draft_add_schema(d, &u->schema, err);
    case FIRN_UPDATE_SET_CURRENT_SCHEMA:
      return firn_draft_set_schema(d, u->id, err);
    case FIRN_UPDATE_ADD_SPEC:
      return firn_draft_add_spec(d, &u->spec, err);
    case FIRN_UPDATE_SET_DEFAULT_SPEC:
      return firn_draft_set_spec(d, u->id, err);
    case FIRN_UPDATE_ADD_SORT_ORDER:
      return firn_draft_add_order(d, &u->sort_order, err);
    case FIRN_UPDATE_SET_DEFAULT_SORT_ORDER:
      return firn_draft_set_order(d, u->id, err);
    case FIRN_UPDATE_ADD_SNAPSHOT:
      return firn_draft_add_snapshot(d, &u->snapshot, err);
    case FIRN_UPDATE_SET_SNAPSHOT_REF:
      return firn_draft_set_ref(d, &u->ref, err);
    case FIRN_UPDATE_REMOVE_SNAPSHOTS:
      return firn_draft_remove_snapshots(d, u->ids.items, u->ids.n, err);
    case FIRN_UPDATE_REMOVE_SNAPSHOT_REF:
      return firn_draft_remove_ref(d, u->text, err);
    case FIRN_UPDATE_SET_LOCATION:
      return set_location(d, u->text, err);
    case FIRN_UPDATE_SET_PROPERTIES:
      return set_properties(d, &u->properties, err);
    case FIRN_UPDATE_REMOVE_PROPERTIES:
      return remove_properties(d, u->keys.items, u->keys.n, err);
    case FIRN_UPDATE_SET_STATISTICS:
    case FIRN_UPDATE_SET_PARTITION_STATISTICS:
      return firn_draft_set_statistics(d, &u->statistics, u->kind == FIRN_UPDATE_SET_PARTITION_STATISTICS,
                                       err);
    case FIRN_UPDATE_REMOVE_STATISTICS:
    case FIRN_UPDATE_REMOVE_PARTITION_STATISTICS:
      return firn_draft_remove_statistics(d, u->ids.items, u->ids.n,
                                          u->kind == FIRN_UPDATE_REMOVE_PARTITION_STATISTICS, err);
    case FIRN_UPDATE_REMOVE_PARTITION_SPECS:
      return firn_draft_remove_specs(d, u->ids.items, u->ids.n, err);
    case FIRN_UPDATE_REMOVE_SCHEMAS:
      return firn_draft_remove_schemas(d, u->ids.items, u->ids.n, err);
    case FIRN_UPDATE_ADD_ENCRYPTION_KEY:
    case FIRN_UPDATE_REMOVE_ENCRYPTION_KEY:
      return firn_error_set(err, FIRN_UNSUPPORTED, "encryption keys are not built yet");
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "unknown kind of update");
}

/* --- all updates --- */

/* The base's own file enters the log of earlier files, the oldest ones fall off. */
static firn_status log_base_file(firn_draft *d, const char *base_location, firn_error *err) {
  if (d->base == NULL || base_location == NULL) {
    return FIRN_OK;
  }
  int64_t max = firn_property_int64(&d->f.properties, FIRN_PROPERTY_PREVIOUS_VERSIONS_MAX, 100);
  size_t keep = max < 1 ? 0 : (size_t)max - 1;
  size_t n = d->f.n_metadata_log < keep ? d->f.n_metadata_log : keep;
  size_t capacity = 0;
  size_t skipped = d->f.n_metadata_log - n;
  firn_metadata_log_entry *own =
      firn_draft_room(d, n == 0 ? NULL : d->f.metadata_log + skipped, n, &capacity, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the metadata log");
  }
  own[n] = (firn_metadata_log_entry){.timestamp_ms = firn_metadata_get(d->base)->last_updated_ms,
                                     .metadata_file = base_location};
  d->f.metadata_log = own;
  d->f.n_metadata_log = n + 1;
  return FIRN_OK;
}

static firn_draft begin(const firn_metadata *base, int64_t now_ms, firn_arena *arena) {
  firn_draft d = {.base = base, .arena = arena, .now_ms = now_ms};
  if (base != NULL) {
    d.f = *firn_metadata_get(base);
    d.now_ms = now_ms < d.f.last_updated_ms ? d.f.last_updated_ms : now_ms;
    d.first_new_log = d.f.n_snapshot_log;
  } else {
    d.f.last_partition_id = FIRN_FIRST_PARTITION_ID - 1;
  }
  return d;
}

/* A new table is of the version that its updates name first, else of the newest. */
static void choose_version(firn_draft *d, const firn_update *updates, size_t n) {
  d->f.format_version = NEWEST_FORMAT;
  for (size_t i = 0; i < n; i++) {
    if (updates[i].kind == FIRN_UPDATE_UPGRADE_FORMAT_VERSION && updates[i].id == 1) {
      d->f.format_version = 1;
      return;
    }
  }
}

static firn_status finish(firn_draft *d, const char *base_location, firn_error *err) {
  FIRN_TRY(firn_draft_finish_schemas(d, err));
  FIRN_TRY(firn_draft_finish_log(d, err));
  FIRN_TRY(log_base_file(d, base_location, err));
  if (d->f.location == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a new table needs a location");
  }
  if (d->f.table_uuid == NULL && d->f.format_version > 1) {
    return firn_error_set(err, FIRN_INVALID, "a table of version 2 needs a UUID");
  }
  d->f.last_updated_ms = d->now_ms;
  return FIRN_OK;
}

firn_status firn_updates_apply(const firn_metadata *base, const char *base_location,
                               const firn_update *updates, size_t n, int64_t now_ms, firn_metadata **out,
                               firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_draft d = begin(base, now_ms, &arena);
  if (base == NULL) {
    choose_version(&d, updates, n);
  }
  for (size_t i = 0; i < n; i++) {
    firn_status status = apply_one(&d, &updates[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "update %s", firn_update_name(updates[i].kind));
    }
  }
  if (base != NULL && !d.changed) {
    *out = firn_metadata_ref((firn_metadata *)base); /* counted, not changed */
    return FIRN_OK;
  }
  FIRN_TRY(finish(&d, base_location, err));
  return firn_metadata_new(&d.f, out, err);
}

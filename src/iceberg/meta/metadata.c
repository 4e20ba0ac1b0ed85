#include "iceberg/meta/metadata.h"

#include <assert.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "iceberg/meta/metadata_internal.h"

firn_status firn_metadata_blank(firn_metadata **out, firn_error *err) {
  firn_metadata *m = firn_alloc(sizeof *m);
  if (m == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
  }
  atomic_init(&m->refs, 1);
  m->arena = (firn_arena)FIRN_ARENA_INIT(0);
  *out = m;
  return FIRN_OK;
}

firn_metadata *firn_metadata_ref(firn_metadata *m) {
  (void)atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
  return m;
}

void firn_metadata_unref(firn_metadata *m) {
  if (m != NULL && atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) == 1) {
    firn_arena_free(&m->arena);
    firn_free(m);
  }
}

void firn_metadata_unref_pointer(firn_metadata **m) {
  firn_metadata_unref(*m);
}

firn_status firn_metadata_new(const firn_metadata_fields *fields, firn_metadata **out, firn_error *err) {
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(firn_metadata_blank(&m, err));
  FIRN_TRY(firn_metadata_fill(m, fields, err));
  FIRN_TRY(firn_metadata_freeze(m, FIRN_INVALID, err));
  *out = FIRN_HAND_OVER(m);
  return FIRN_OK;
}

/* Ids are random, but what comes from outside may not be: spread the bits. */
static size_t first_place(const firn_metadata *m, int64_t snapshot_id) {
  uint64_t mixed = (uint64_t)snapshot_id * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)(mixed ^ mixed >> 32) & (m->n_places - 1);
}

static firn_status index_snapshots(firn_metadata *m, firn_status wrong, firn_error *err) {
  if (m->f.n_snapshots >= UINT32_MAX / 4) {
    return firn_error_set(err, FIRN_LIMIT, "%zu snapshots are too many", m->f.n_snapshots);
  }
  m->n_places = 8;
  while (m->n_places < m->f.n_snapshots * 2) {
    m->n_places *= 2;
  }
  m->places = firn_new_n(&m->arena, uint32_t, m->n_places);
  if (m->places == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
  }
  for (size_t i = 0; i < m->f.n_snapshots; i++) {
    int64_t id = m->f.snapshots[i].snapshot_id;
    if (firn_metadata_snapshot(m, id) != NULL) {
      return firn_error_set(err, wrong, "snapshot %" PRId64 " is there twice", id);
    }
    size_t at = first_place(m, id);
    while (m->places[at] != 0) {
      at = (at + 1) & (m->n_places - 1);
    }
    m->places[at] = (uint32_t)i + 1;
  }
  return FIRN_OK;
}

firn_status firn_metadata_freeze(firn_metadata *m, firn_status wrong, firn_error *err) {
  assert(m->places == NULL);
  FIRN_TRY(index_snapshots(m, wrong, err));
  return firn_metadata_check(m, wrong, err);
}

const firn_metadata_fields *firn_metadata_get(const firn_metadata *m) {
  return &m->f;
}

size_t firn_metadata_size(const firn_metadata *m) {
  return sizeof *m + m->arena.used_bytes;
}

const firn_schema *firn_metadata_schema(const firn_metadata *m, int32_t schema_id) {
  for (size_t i = 0; i < m->f.n_schemas; i++) {
    if (m->f.schemas[i].schema_id == schema_id) {
      return &m->f.schemas[i];
    }
  }
  return NULL;
}

const firn_schema *firn_metadata_current_schema(const firn_metadata *m) {
  return firn_metadata_schema(m, m->f.current_schema_id);
}

const firn_partition_spec *firn_metadata_spec(const firn_metadata *m, int32_t spec_id) {
  for (size_t i = 0; i < m->f.n_specs; i++) {
    if (m->f.specs[i].spec_id == spec_id) {
      return &m->f.specs[i];
    }
  }
  return NULL;
}

const firn_partition_spec *firn_metadata_default_spec(const firn_metadata *m) {
  return firn_metadata_spec(m, m->f.default_spec_id);
}

static bool has_sources(const firn_schema *schema, const firn_partition_spec *spec) {
  for (size_t i = 0; i < spec->n_fields; i++) {
    if (firn_field_find(&schema->root, spec->fields[i].source_id) == NULL) {
      return false;
    }
  }
  return true;
}

const firn_schema *firn_metadata_schema_of_spec(const firn_metadata *m, const firn_partition_spec *spec) {
  const firn_schema *current = firn_metadata_current_schema(m);
  if (has_sources(current, spec)) {
    return current;
  }
  for (size_t i = m->f.n_schemas; i > 0; i--) {
    if (has_sources(&m->f.schemas[i - 1], spec)) {
      return &m->f.schemas[i - 1];
    }
  }
  return NULL;
}

const firn_sort_order *firn_metadata_sort_order(const firn_metadata *m, int32_t order_id) {
  for (size_t i = 0; i < m->f.n_sort_orders; i++) {
    if (m->f.sort_orders[i].order_id == order_id) {
      return &m->f.sort_orders[i];
    }
  }
  return NULL;
}

const firn_snapshot *firn_metadata_snapshot(const firn_metadata *m, int64_t snapshot_id) {
  for (size_t at = first_place(m, snapshot_id); m->places[at] != 0; at = (at + 1) & (m->n_places - 1)) {
    const firn_snapshot *snapshot = &m->f.snapshots[m->places[at] - 1];
    if (snapshot->snapshot_id == snapshot_id) {
      return snapshot;
    }
  }
  return NULL;
}

const firn_snapshot *firn_metadata_current_snapshot(const firn_metadata *m) {
  return m->f.has_current_snapshot ? firn_metadata_snapshot(m, m->f.current_snapshot_id) : NULL;
}

/* Spec: Point in Time Reads: what was current then, which the parents of a snapshot do not tell. */
const firn_snapshot_log_entry *firn_metadata_log_at(const firn_metadata *m, int64_t timestamp_ms) {
  const firn_snapshot_log_entry *found = NULL;
  for (size_t i = 0; i < m->f.n_snapshot_log; i++) {
    const firn_snapshot_log_entry *entry = &m->f.snapshot_log[i];
    bool later = found == NULL || entry->timestamp_ms >= found->timestamp_ms;
    if (entry->timestamp_ms <= timestamp_ms && later) {
      found = entry;
    }
  }
  return found;
}

const firn_ref *firn_metadata_ref_named(const firn_metadata *m, const char *name) {
  for (size_t i = 0; i < m->f.n_refs; i++) {
    if (strcmp(m->f.refs[i].name, name) == 0) {
      return &m->f.refs[i];
    }
  }
  return NULL;
}

const char *firn_metadata_property(const firn_metadata *m, const char *key) {
  return firn_properties_get(&m->f.properties, key);
}

const char *firn_properties_get(const firn_properties *p, const char *key) {
  for (size_t i = 0; i < p->n; i++) {
    if (strcmp(p->items[i].key, key) == 0) {
      return p->items[i].value;
    }
  }
  return NULL;
}

/* The deep copy that makes table metadata independent of what it was made from. */
#include "iceberg/meta/metadata_internal.h"

/* Copies into an arena; remembers that memory ran out, so that one question at the end is enough. */
typedef struct copier {
  firn_arena *arena;
  bool failed;
} copier;

static const char *copy_text(copier *c, const char *from) {
  if (from == NULL || c->failed) {
    return NULL;
  }
  const char *copy = firn_arena_text(c->arena, firn_bytes_of(from));
  c->failed = copy == NULL;
  return copy;
}

/* `n` items of `size` bytes, as they are; NULL after a failure. */
static void *copy_items(copier *c, const void *from, size_t n, size_t size) {
  void *copy = c->failed ? NULL : firn_arena_alloc_n(c->arena, n, size);
  if (copy == NULL) {
    c->failed = true;
  } else if (n > 0) {
    memcpy(copy, from, n * size);
  }
  return copy;
}

/* Summaries repeat their keys: one that the snapshot before has in the same place is shared with it. */
static firn_properties copy_properties(copier *c, firn_properties from, const firn_properties *before) {
  firn_property *items = copy_items(c, from.items, from.n, sizeof *items);
  for (size_t i = 0; i < from.n && !c->failed; i++) {
    bool shared = before != NULL && i < before->n && strcmp(before->items[i].key, items[i].key) == 0;
    items[i].key = shared ? before->items[i].key : copy_text(c, items[i].key);
    items[i].value = copy_text(c, items[i].value);
  }
  return (firn_properties){from.n, items};
}

static void copy_snapshots(copier *c, firn_metadata_fields *f) {
  firn_snapshot *copy = copy_items(c, f->snapshots, f->n_snapshots, sizeof *copy);
  for (size_t i = 0; i < f->n_snapshots && !c->failed; i++) {
    firn_snapshot *s = &copy[i];
    const char **manifests = copy_items(c, s->manifests, s->n_manifests, sizeof *manifests);
    for (size_t k = 0; k < s->n_manifests && !c->failed; k++) {
      manifests[k] = copy_text(c, manifests[k]);
    }
    s->manifests = manifests;
    s->manifest_list = copy_text(c, s->manifest_list);
    s->operation = copy_text(c, s->operation);
    s->summary = copy_properties(c, s->summary, i == 0 ? NULL : &copy[i - 1].summary);
  }
  f->snapshots = copy;
}

static const firn_statistics_file *copy_statistics(copier *c, const firn_statistics_file *from, size_t n) {
  firn_statistics_file *copy = copy_items(c, from, n, sizeof *copy);
  for (size_t i = 0; i < n && !c->failed; i++) {
    copy[i].json = firn_arena_copy(c->arena, copy[i].json);
    c->failed = copy[i].json.data == NULL;
  }
  return copy;
}

static firn_status copy_schemas(copier *c, firn_metadata_fields *f, firn_error *err) {
  firn_schema *schemas = copy_items(c, f->schemas, f->n_schemas, sizeof *schemas);
  firn_partition_spec *specs = copy_items(c, f->specs, f->n_specs, sizeof *specs);
  firn_sort_order *orders = copy_items(c, f->sort_orders, f->n_sort_orders, sizeof *orders);
  if (c->failed) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
  }
  for (size_t i = 0; i < f->n_schemas; i++) {
    FIRN_TRY(firn_schema_copy(&f->schemas[i], c->arena, &schemas[i], err));
  }
  for (size_t i = 0; i < f->n_specs; i++) {
    FIRN_TRY(firn_partition_spec_copy(&f->specs[i], c->arena, &specs[i], err));
  }
  for (size_t i = 0; i < f->n_sort_orders; i++) {
    FIRN_TRY(firn_sort_order_copy(&f->sort_orders[i], c->arena, &orders[i], err));
  }
  f->schemas = schemas;
  f->specs = specs;
  f->sort_orders = orders;
  return FIRN_OK;
}

static void copy_logs_and_refs(copier *c, firn_metadata_fields *f) {
  f->snapshot_log = copy_items(c, f->snapshot_log, f->n_snapshot_log, sizeof *f->snapshot_log);
  firn_metadata_log_entry *log = copy_items(c, f->metadata_log, f->n_metadata_log, sizeof *log);
  for (size_t i = 0; i < f->n_metadata_log && !c->failed; i++) {
    log[i].metadata_file = copy_text(c, log[i].metadata_file);
  }
  f->metadata_log = log;
  firn_ref *refs = copy_items(c, f->refs, f->n_refs, sizeof *refs);
  for (size_t i = 0; i < f->n_refs && !c->failed; i++) {
    refs[i].name = copy_text(c, refs[i].name);
  }
  f->refs = refs;
}

firn_status firn_metadata_fill(firn_metadata *m, const firn_metadata_fields *from, firn_error *err) {
  copier c = {&m->arena, false};
  m->f = *from;
  firn_metadata_fields *f = &m->f;
  f->table_uuid = copy_text(&c, from->table_uuid);
  f->location = copy_text(&c, from->location);
  f->properties = copy_properties(&c, from->properties, NULL);
  FIRN_TRY(copy_schemas(&c, f, err));
  copy_snapshots(&c, f);
  copy_logs_and_refs(&c, f);
  f->statistics = copy_statistics(&c, from->statistics, from->n_statistics);
  f->partition_statistics = copy_statistics(&c, from->partition_statistics, from->n_partition_statistics);
  return c.failed ? firn_error_set(err, FIRN_NOMEM, "no memory for table metadata") : FIRN_OK;
}

#include "iceberg/inspect/columns_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

/* Ids, names, types and their order are the reference's. Two things are told more honestly: what old tables
 * may lack is optional, and what stands behind `is_current_ancestor` is an addition. */
#define NEEDED(i, n, k) {.id = (i), .name = (n), .required = true, .kind = FIRN_KIND_##k}
#define MAYBE(i, n, k) {.id = (i), .name = (n), .kind = FIRN_KIND_##k}
#define MAP_OF(i, n, kv) {.id = (i), .name = (n), .kind = FIRN_KIND_MAP, .n_children = 2, .children = (kv)}
#define LIST_OF(i, n, e) {.id = (i), .name = (n), .kind = FIRN_KIND_LIST, .n_children = 1, .children = (e)}
#define ID_TO(i, v) {NEEDED(i, "key", INT), NEEDED((i) + 1, "value", v)}

static const firn_field history_summary[] = {NEEDED(9, "key", STRING), NEEDED(10, "value", STRING)};
static const firn_field history[] = {
    NEEDED(1, "made_current_at", TIMESTAMPTZ),
    NEEDED(2, "snapshot_id", LONG),
    MAYBE(3, "parent_id", LONG),
    NEEDED(4, "is_current_ancestor", BOOLEAN),
    NEEDED(5, "table_name", STRING),
    MAYBE(6, "parent_snapshot_id", LONG),
    MAYBE(7, "operation", STRING),
    MAP_OF(8, "summary", history_summary),
    MAYBE(11, "committed_at", TIMESTAMPTZ),
};

static const firn_field snapshots_summary[] = {NEEDED(7, "key", STRING), NEEDED(8, "value", STRING)};
static const firn_field snapshots[] = {
    NEEDED(1, "committed_at", TIMESTAMPTZ),
    NEEDED(2, "snapshot_id", LONG),
    MAYBE(3, "parent_id", LONG),
    MAYBE(4, "operation", STRING),
    MAYBE(5, "manifest_list", STRING),
    MAP_OF(6, "summary", snapshots_summary),
};

static const firn_field refs[] = {
    NEEDED(1, "name", STRING),
    NEEDED(2, "type", STRING),
    NEEDED(3, "snapshot_id", LONG),
    MAYBE(4, "max_reference_age_in_ms", LONG),
    MAYBE(5, "min_snapshots_to_keep", INT),
    MAYBE(6, "max_snapshot_age_in_ms", LONG),
};

static const firn_field metadata_log_entries[] = {
    NEEDED(1, "timestamp", TIMESTAMPTZ),      NEEDED(2, "file", STRING),
    MAYBE(3, "latest_snapshot_id", LONG),     MAYBE(4, "latest_schema_id", INT),
    MAYBE(5, "latest_sequence_number", LONG),
};

static const firn_field summary_fields[] = {
    NEEDED(10, "contains_null", BOOLEAN),
    MAYBE(11, "contains_nan", BOOLEAN),
    MAYBE(12, "lower_bound", STRING),
    MAYBE(13, "upper_bound", STRING),
};
static const firn_field summary_element[] = {{.id = 9,
                                              .name = "element",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = FIRN_COUNT_OF(summary_fields),
                                              .children = summary_fields}};
/* The last two are those of all_manifests alone. */
static const firn_field manifests[] = {
    NEEDED(14, "content", INT),
    NEEDED(1, "path", STRING),
    MAYBE(2, "length", LONG),
    MAYBE(3, "partition_spec_id", INT),
    MAYBE(4, "added_snapshot_id", LONG),
    MAYBE(5, "added_data_files_count", INT),
    MAYBE(6, "existing_data_files_count", INT),
    MAYBE(7, "deleted_data_files_count", INT),
    MAYBE(15, "added_delete_files_count", INT),
    MAYBE(16, "existing_delete_files_count", INT),
    MAYBE(17, "deleted_delete_files_count", INT),
    LIST_OF(8, "partition_summaries", summary_element),
    NEEDED(18, "reference_snapshot_id", LONG),
    MAYBE(19, "key_metadata", BINARY),
};
enum { N_MANIFESTS = FIRN_COUNT_OF(manifests) - 2 };

static const firn_field column_sizes[] = ID_TO(117, LONG);
static const firn_field value_counts[] = ID_TO(119, LONG);
static const firn_field null_counts[] = ID_TO(121, LONG);
static const firn_field lower_bounds[] = ID_TO(126, BINARY);
static const firn_field upper_bounds[] = ID_TO(129, BINARY);
static const firn_field nan_counts[] = ID_TO(138, LONG);
static const firn_field split_offset[] = {NEEDED(133, "element", LONG)};
static const firn_field equality_id[] = {NEEDED(136, "element", INT)};

static const firn_field file_head[] = {
    MAYBE(134, "content", INT),
    NEEDED(100, "file_path", STRING),
    NEEDED(101, "file_format", STRING),
    MAYBE(141, "spec_id", INT),
};
static const firn_field file_tail[] = {
    NEEDED(103, "record_count", LONG),
    NEEDED(104, "file_size_in_bytes", LONG),
    MAP_OF(108, "column_sizes", column_sizes),
    MAP_OF(109, "value_counts", value_counts),
    MAP_OF(110, "null_value_counts", null_counts),
    MAP_OF(137, "nan_value_counts", nan_counts),
    MAP_OF(125, "lower_bounds", lower_bounds),
    MAP_OF(128, "upper_bounds", upper_bounds),
    MAYBE(131, "key_metadata", BINARY),
    LIST_OF(132, "split_offsets", split_offset),
    LIST_OF(135, "equality_ids", equality_id),
    MAYBE(140, "sort_order_id", INT),
    MAYBE(142, "first_row_id", LONG),
    MAYBE(143, "referenced_data_file", STRING),
    MAYBE(144, "content_offset", LONG),
    MAYBE(145, "content_size_in_bytes", LONG),
};
enum { PARTITION_ID = 102, FILE_LAST_ID = 145, DATA_FILE_ID = 2 };

static const firn_field entry_head[] = {
    NEEDED(0, "status", INT),
    MAYBE(1, "snapshot_id", LONG),
    MAYBE(3, "sequence_number", LONG),
    MAYBE(4, "file_sequence_number", LONG),
};

static const firn_field partition_tail[] = {
    NEEDED(2, "record_count", LONG),
    NEEDED(3, "file_count", INT),
    NEEDED(11, "total_data_file_size_in_bytes", LONG),
    NEEDED(5, "position_delete_record_count", LONG),
    NEEDED(6, "position_delete_file_count", INT),
    NEEDED(7, "equality_delete_record_count", LONG),
    NEEDED(8, "equality_delete_file_count", INT),
    MAYBE(9, "last_updated_at", TIMESTAMPTZ),
    MAYBE(10, "last_updated_snapshot_id", LONG),
};

static const firn_field metrics[] = {
    MAYBE(0, "column_size", LONG),     MAYBE(0, "value_count", LONG),    MAYBE(0, "null_value_count", LONG),
    MAYBE(0, "nan_value_count", LONG), MAYBE(0, "lower_bound", UNKNOWN), MAYBE(0, "upper_bound", UNKNOWN),
};
enum { N_METRICS = FIRN_COUNT_OF(metrics), FIRST_BOUND = 4 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the columns of a metadata table");
}

static firn_field struct_of(int32_t id, const char *name, bool required, const firn_field *children,
                            size_t n) {
  return (firn_field){.id = id,
                      .name = name,
                      .required = required,
                      .kind = FIRN_KIND_STRUCT,
                      .n_children = (uint32_t)n,
                      .children = children};
}

/* --- the partition struct --- */

static bool means_the_same(const firn_unified_field *column, const firn_partition_field *f) {
  return column->type.id == f->field_id && column->source_id == f->source_id &&
         (firn_transform_equal(&column->transform, &f->transform) ||
          column->transform.kind == FIRN_TRANSFORM_VOID || f->transform.kind == FIRN_TRANSFORM_VOID);
}

int firn_unified_place(const firn_unified_field *column, const firn_partition_spec *spec) {
  for (size_t i = 0; i < spec->n_fields; i++) {
    if (means_the_same(column, &spec->fields[i])) {
      return (int)i;
    }
  }
  return -1;
}

/* In tables of version 1 one id may have had two meanings, and a name may have been used twice. */
static const char *free_name(const firn_unified_field *fields, size_t n, const firn_partition_field *f,
                             firn_arena *arena) {
  for (size_t i = 0; i < n; i++) {
    if (strcasecmp(fields[i].type.name, f->name) == 0) {
      return firn_arena_printf(arena, "%s_%" PRId32 "_%zu", f->name, f->field_id, n);
    }
  }
  return f->name;
}

/* A field whose source is gone from the schema has no type any more, and an unknown transform none yet: the
 * reference shows neither. */
static firn_status unify_field(const firn_partition_field *f, const firn_schema *schema, firn_arena *arena,
                               firn_unified_field *fields, size_t *n, firn_error *err) {
  const firn_field *source = firn_spec_source(schema, f->source_id);
  if (source == NULL || f->transform.kind == FIRN_TRANSFORM_UNKNOWN) {
    return FIRN_OK;
  }
  size_t at = 0;
  while (at < *n && !means_the_same(&fields[at], f)) {
    at++;
  }
  if (at == *n) {
    fields[at] = (firn_unified_field){.source_id = f->source_id, .transform = {.kind = FIRN_TRANSFORM_VOID}};
    fields[at].type = (firn_field){.id = f->field_id, .name = free_name(fields, *n, f, arena)};
    if (fields[at].type.name == NULL) {
      return no_memory(err);
    }
    *n += 1;
  }
  if (fields[at].transform.kind == FIRN_TRANSFORM_VOID) { /* dropped in version 1: its type was another */
    fields[at].transform = f->transform;
    firn_transform_result(&f->transform, source, &fields[at].type);
  }
  return FIRN_OK;
}

static int newest_spec_first(const void *a, const void *b) {
  const firn_partition_spec *x = *(const firn_partition_spec *const *)a;
  const firn_partition_spec *y = *(const firn_partition_spec *const *)b;
  return (x->spec_id < y->spec_id) - (x->spec_id > y->spec_id);
}

static int by_id(const void *a, const void *b) {
  const firn_unified_field *x = a;
  const firn_unified_field *y = b;
  return (x->type.id > y->type.id) - (x->type.id < y->type.id);
}

static firn_status unify(const firn_metadata *metadata, firn_arena *arena, firn_unified *out,
                         firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(metadata);
  size_t most = 0;
  size_t n = 0;
  const firn_partition_spec **specs = firn_new_n(arena, const firn_partition_spec *, m->n_specs);
  if (specs == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < m->n_specs; i++) {
    specs[i] = &m->specs[i];
    most += specs[i]->n_fields;
  }
  qsort(specs, m->n_specs, sizeof *specs, newest_spec_first);
  firn_unified_field *fields = firn_new_n(arena, firn_unified_field, most);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < m->n_specs; i++) {
    for (size_t j = 0; j < specs[i]->n_fields; j++) {
      FIRN_TRY(
          unify_field(&specs[i]->fields[j], firn_metadata_current_schema(metadata), arena, fields, &n, err));
    }
  }
  qsort(fields, n, sizeof *fields, by_id);
  *out = (firn_unified){.n = n, .fields = fields};
  return FIRN_OK;
}

/* Adds the column when there is anything in it: engines do not like empty structs. */
static firn_status add_partition(const firn_unified *partition, int32_t id, firn_arena *arena,
                                 firn_field *fields, size_t *n, firn_error *err) {
  if (partition->n == 0) {
    return FIRN_OK;
  }
  firn_field *children = firn_new_n(arena, firn_field, partition->n);
  if (children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < partition->n; i++) {
    children[i] = partition->fields[i].type;
  }
  fields[(*n)++] = struct_of(id, "partition", true, children, partition->n);
  return FIRN_OK;
}

/* --- readable_metrics --- */

static size_t count_primitives(const firn_field *f) {
  if (!firn_kind_is_nested(f->kind)) {
    return f->kind != FIRN_KIND_VARIANT;
  }
  size_t n = 0;
  for (uint32_t i = 0; i < f->n_children; i++) {
    n += count_primitives(&f->children[i]);
  }
  return n;
}

static firn_status collect_primitives(const firn_field *f, const char *prefix, firn_arena *arena,
                                      firn_measured *into, size_t *n, firn_error *err) {
  for (uint32_t i = 0; i < f->n_children; i++) {
    const firn_field *child = &f->children[i];
    const char *name = prefix == NULL ? child->name : firn_arena_printf(arena, "%s.%s", prefix, child->name);
    if (name == NULL) {
      return no_memory(err);
    }
    if (firn_kind_is_nested(child->kind)) {
      FIRN_TRY(collect_primitives(child, name, arena, into, n, err));
    } else if (child->kind != FIRN_KIND_VARIANT) {
      into[(*n)++] = (firn_measured){.name = name, .field = child};
    }
  }
  return FIRN_OK;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const firn_measured *)a)->name, ((const firn_measured *)b)->name);
}

static firn_status measure(const firn_schema *schema, firn_arena *arena, firn_metadata_columns *out,
                           firn_error *err) {
  firn_measured *measured = firn_new_n(arena, firn_measured, count_primitives(&schema->root));
  if (measured == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(collect_primitives(&schema->root, NULL, arena, measured, &out->n_measured, err));
  qsort(measured, out->n_measured, sizeof *measured, by_name);
  out->measured = measured;
  return FIRN_OK;
}

static const firn_field *metrics_of(const firn_field *column, int32_t *last_id, firn_arena *arena) {
  firn_field *of = firn_new_n(arena, firn_field, N_METRICS);
  for (size_t i = 0; of != NULL && i < N_METRICS; i++) {
    of[i] = metrics[i];
    of[i].id = ++*last_id;
    if (i >= FIRST_BOUND) {
      of[i].kind = column->kind;
      of[i].precision = column->precision;
      of[i].scale = column->scale;
      of[i].width = column->width;
      of[i].crs = column->crs;
      of[i].algorithm = column->algorithm;
    }
  }
  return of;
}

static firn_status add_metrics(const firn_metadata_columns *columns, firn_arena *arena, firn_field *fields,
                               size_t *n, firn_error *err) {
  int32_t last_id = FILE_LAST_ID;
  for (size_t i = 0; i < columns->partition.n; i++) {
    int32_t id = columns->partition.fields[i].type.id;
    last_id = id > last_id ? id : last_id;
  }
  if (columns->n_measured == 0) {
    return FIRN_OK;
  }
  firn_field *children = firn_new_n(arena, firn_field, columns->n_measured);
  if (children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < columns->n_measured; i++) {
    int32_t id = ++last_id;
    const firn_field *of = metrics_of(columns->measured[i].field, &last_id, arena);
    if (of == NULL) {
      return no_memory(err);
    }
    children[i] = struct_of(id, columns->measured[i].name, false, of, N_METRICS);
  }
  fields[(*n)++] = struct_of(++last_id, "readable_metrics", false, children, columns->n_measured);
  return FIRN_OK;
}

/* --- whole tables --- */

static void add_all(firn_field *fields, size_t *n, const firn_field *more, size_t n_more) {
  for (size_t i = 0; i < n_more; i++) {
    fields[(*n)++] = more[i];
  }
}

static firn_status file_columns(const firn_metadata_columns *columns, firn_arena *arena, firn_field *fields,
                                size_t *n, firn_error *err) {
  add_all(fields, n, file_head, FIRN_COUNT_OF(file_head));
  FIRN_TRY(add_partition(&columns->partition, PARTITION_ID, arena, fields, n, err));
  add_all(fields, n, file_tail, FIRN_COUNT_OF(file_tail));
  return FIRN_OK;
}

enum { MOST_COLUMNS = FIRN_COUNT_OF(file_head) + FIRN_COUNT_OF(file_tail) + 2 };

static firn_status files_or_entries(bool is_entries, const firn_metadata *metadata, firn_arena *arena,
                                    firn_metadata_columns *out, firn_error *err) {
  firn_field *fields = firn_new_n(arena, firn_field, MOST_COLUMNS);
  firn_field *top = is_entries ? firn_new_n(arena, firn_field, FIRN_COUNT_OF(entry_head) + 2) : fields;
  size_t n = 0;
  if (fields == NULL || top == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(unify(metadata, arena, &out->partition, err));
  FIRN_TRY(measure(firn_metadata_current_schema(metadata), arena, out, err));
  FIRN_TRY(file_columns(out, arena, fields, &n, err));
  if (is_entries) {
    size_t n_file = n;
    n = 0;
    add_all(top, &n, entry_head, FIRN_COUNT_OF(entry_head));
    top[n++] = struct_of(DATA_FILE_ID, "data_file", true, fields, n_file);
  }
  FIRN_TRY(add_metrics(out, arena, top, &n, err));
  out->root = struct_of(FIRN_NO_ID, "", true, top, n);
  return FIRN_OK;
}

static firn_status partitions(const firn_metadata *metadata, firn_arena *arena, firn_metadata_columns *out,
                              firn_error *err) {
  firn_field *fields = firn_new_n(arena, firn_field, FIRN_COUNT_OF(partition_tail) + 2);
  size_t n = 0;
  if (fields == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(unify(metadata, arena, &out->partition, err));
  FIRN_TRY(add_partition(&out->partition, 1, arena, fields, &n, err));
  if (out->partition.n > 0) {
    fields[n++] = (firn_field)NEEDED(4, "spec_id", INT);
  }
  add_all(fields, &n, partition_tail, FIRN_COUNT_OF(partition_tail));
  out->root = struct_of(FIRN_NO_ID, "", true, fields, n);
  return FIRN_OK;
}

firn_status firn_columns_make(firn_inspect_kind kind, const firn_metadata *metadata, firn_arena *arena,
                              firn_metadata_columns *out, firn_error *err) {
  *out = (firn_metadata_columns){0};
  switch (kind) {
    case FIRN_INSPECT_HISTORY:
      out->root = struct_of(FIRN_NO_ID, "", true, history, FIRN_COUNT_OF(history));
      return FIRN_OK;
    case FIRN_INSPECT_SNAPSHOTS:
      out->root = struct_of(FIRN_NO_ID, "", true, snapshots, FIRN_COUNT_OF(snapshots));
      return FIRN_OK;
    case FIRN_INSPECT_REFS:
      out->root = struct_of(FIRN_NO_ID, "", true, refs, FIRN_COUNT_OF(refs));
      return FIRN_OK;
    case FIRN_INSPECT_METADATA_LOG_ENTRIES:
      out->root = struct_of(FIRN_NO_ID, "", true, metadata_log_entries, FIRN_COUNT_OF(metadata_log_entries));
      return FIRN_OK;
    case FIRN_INSPECT_MANIFESTS:
    case FIRN_INSPECT_ALL_MANIFESTS:
      out->root = struct_of(FIRN_NO_ID, "", true, manifests,
                            kind == FIRN_INSPECT_MANIFESTS ? N_MANIFESTS : FIRN_COUNT_OF(manifests));
      return FIRN_OK;
    case FIRN_INSPECT_PARTITIONS:
      return partitions(metadata, arena, out, err);
    default:
      return files_or_entries(kind == FIRN_INSPECT_ENTRIES || kind == FIRN_INSPECT_ALL_ENTRIES, metadata,
                              arena, out, err);
  }
}

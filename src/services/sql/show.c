/* What firn itself knows and shows: namespaces, tables, columns. */
#include "services/sql/session_internal.h"

#include "iceberg/types/spec.h"

/* Rows of texts, made one by one. */
typedef struct text_rows {
  firn_arena *arena;
  size_t n_columns;
  const char **values; /* n_columns each */
  size_t n_rows, capacity;
} text_rows;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a statement's answer");
}

/* NULL is null. */
static firn_status add_row(text_rows *rows, const char *const *values, firn_error *err) {
  rows->values = firn_arena_grow(rows->arena, rows->values, rows->n_rows, &rows->capacity,
                                 rows->n_columns * sizeof *rows->values);
  if (rows->values == NULL) {
    return no_memory(err);
  }
  memcpy(rows->values + rows->n_rows * rows->n_columns, values, rows->n_columns * sizeof *values);
  rows->n_rows++;
  return FIRN_OK;
}

static firn_status fill_column(const text_rows *rows, size_t column, firn_vector *v, firn_error *err) {
  FIRN_TRY(firn_vector_need_validity(v, rows->n_rows, rows->arena, err));
  v->len = rows->n_rows;
  for (size_t i = 0; i < rows->n_rows; i++) {
    const char *value = rows->values[i * rows->n_columns + column];
    v->bytes[i] = firn_bytes_of(value);
    if (value == NULL) {
      firn_vector_set_null(v, i);
    } else {
      firn_bit_set(v->validity, i);
    }
  }
  return FIRN_OK;
}

static firn_status rows_finish(const text_rows *rows, const char *const *names, firn_sql_result *r,
                               firn_error *err) {
  firn_field *fields = firn_new_n(rows->arena, firn_field, rows->n_columns);
  firn_field *schema = firn_new(rows->arena, firn_field);
  firn_batch *batch = firn_new(rows->arena, firn_batch);
  if (fields == NULL || schema == NULL || batch == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < rows->n_columns; i++) {
    fields[i] = (firn_field){.id = FIRN_NO_ID, .name = names[i], .kind = FIRN_KIND_STRING};
  }
  *schema = r->no_columns;
  schema->n_children = (uint32_t)rows->n_columns;
  schema->children = fields;
  FIRN_TRY(firn_batch_new(schema, rows->n_rows, rows->arena, batch, err));
  batch->n_rows = rows->n_rows;
  for (size_t i = 0; i < rows->n_columns; i++) {
    FIRN_TRY(fill_column(rows, i, &batch->columns[i], err));
  }
  r->own = batch;
  return FIRN_OK;
}

/* "struct<a: int, b: list<string>>" and so on, as people write types. */
static void add_type(const firn_field *f, firn_builder *b, firn_arena *arena) {
  switch (f->kind) {
    case FIRN_KIND_STRUCT:
      firn_builder_add_text(b, "struct<");
      for (uint32_t i = 0; i < f->n_children; i++) {
        firn_builder_addf(b, "%s%s: ", i == 0 ? "" : ", ", f->children[i].name);
        add_type(&f->children[i], b, arena);
      }
      firn_builder_add_text(b, ">");
      break;
    case FIRN_KIND_LIST:
      firn_builder_add_text(b, "list<");
      add_type(&f->children[0], b, arena);
      firn_builder_add_text(b, ">");
      break;
    case FIRN_KIND_MAP:
      firn_builder_add_text(b, "map<");
      add_type(&f->children[0], b, arena);
      firn_builder_add_text(b, ", ");
      add_type(&f->children[1], b, arena);
      firn_builder_add_text(b, ">");
      break;
    default: {
      const char *text = firn_type_text(f, arena);
      firn_builder_add_text(b, text == NULL ? "" : text);
    }
  }
}

/* "day, bucket[16]": the transforms of the fields that stand on a column; NULL: none does. */
static const char *partitioned_by(const firn_partition_spec *spec, int32_t id, firn_arena *arena) {
  const char *all = NULL;
  for (size_t i = 0; spec != NULL && i < spec->n_fields; i++) {
    if (spec->fields[i].source_id != id || spec->fields[i].transform.kind == FIRN_TRANSFORM_VOID) {
      continue;
    }
    char text[64];
    firn_transform_text(&spec->fields[i].transform, text);
    all = all == NULL ? firn_arena_printf(arena, "%s", text) : firn_arena_printf(arena, "%s, %s", all, text);
  }
  return all;
}

firn_status firn_sql_describe(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  static const char *const names[] = {"column_name", "column_type", "null", "partitioned_by", "comment"};
  const firn_sql_statement *s = &r->statement;
  firn_sql_found found;
  FIRN_TRY(firn_sql_table_find(&r->names, ctx, s->target, s->n_target, s->target_is_path, &found, err));
  text_rows rows = {.arena = &r->arena, .n_columns = FIRN_COUNT_OF(names)};
  const firn_schema *schema = firn_metadata_current_schema(found.metadata);
  const firn_partition_spec *spec = firn_metadata_default_spec(found.metadata);
  for (uint32_t i = 0; i < schema->root.n_children; i++) {
    const firn_field *f = &schema->root.children[i];
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 24);
    add_type(f, &b, &r->arena);
    firn_bytes type;
    FIRN_TRY(firn_builder_finish(&b, &type, err));
    const char *values[] = {f->name, firn_arena_text(&r->arena, type), f->required ? "NO" : "YES",
                            partitioned_by(spec, f->id, &r->arena), f->doc};
    if (values[1] == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(add_row(&rows, values, err));
  }
  return rows_finish(&rows, names, r, err);
}

static firn_status add_namespaces(text_rows *rows, firn_sql_result *r, firn_ctx *ctx,
                                  const firn_namespace *parent, firn_error *err) {
  firn_namespaces below;
  FIRN_TRY(firn_catalog_namespace_list(r->names.catalog, ctx, parent, &r->arena, &below, err));
  for (size_t i = 0; i < below.n; i++) {
    const char *text = firn_namespace_text(&below.items[i], &r->arena);
    if (text == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(add_row(rows, &text, err));
    if (below.items[i].n_levels < FIRN_NAMESPACE_MAX_LEVELS) {
      FIRN_TRY(add_namespaces(rows, r, ctx, &below.items[i], err));
    }
  }
  return FIRN_OK;
}

static firn_status need_catalog(const firn_sql_result *r, firn_error *err) {
  return r->names.catalog != NULL ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "there is no catalog");
}

firn_status firn_sql_show_namespaces(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  static const char *const names[] = {"namespace"};
  const firn_sql_statement *s = &r->statement;
  FIRN_TRY(need_catalog(r, err));
  firn_namespace parent;
  if (s->n_target > 0) {
    FIRN_TRY(firn_sql_namespace_find(&r->names, ctx, s->target, s->n_target, &parent, err));
  }
  text_rows rows = {.arena = &r->arena, .n_columns = 1};
  FIRN_TRY(add_namespaces(&rows, r, ctx, s->n_target > 0 ? &parent : NULL, err));
  return rows_finish(&rows, names, r, err);
}

static firn_status add_tables(text_rows *rows, firn_sql_result *r, firn_ctx *ctx, const firn_namespace *ns,
                              firn_error *err) {
  firn_names tables;
  FIRN_TRY(firn_catalog_table_list(r->names.catalog, ctx, ns, &r->arena, &tables, err));
  const char *text = firn_namespace_text(ns, &r->arena);
  if (text == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < tables.n; i++) {
    const char *values[] = {text, tables.items[i].name};
    FIRN_TRY(add_row(rows, values, err));
  }
  return FIRN_OK;
}

/* Those of the namespace named, of the one in use, of all. */
firn_status firn_sql_show_tables(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  static const char *const names[] = {"namespace", "table"};
  const firn_sql_statement *s = &r->statement;
  FIRN_TRY(need_catalog(r, err));
  text_rows rows = {.arena = &r->arena, .n_columns = 2};
  firn_namespace ns = r->names.ns;
  if (s->n_target > 0) {
    FIRN_TRY(firn_sql_namespace_find(&r->names, ctx, s->target, s->n_target, &ns, err));
  }
  if (ns.n_levels > 0) {
    FIRN_TRY(add_tables(&rows, r, ctx, &ns, err));
    return rows_finish(&rows, names, r, err);
  }
  text_rows all = {.arena = &r->arena, .n_columns = 1};
  FIRN_TRY(add_namespaces(&all, r, ctx, NULL, err));
  for (size_t i = 0; i < all.n_rows; i++) {
    FIRN_TRY(firn_namespace_parse(all.values[i], &r->arena, &ns, err));
    FIRN_TRY(add_tables(&rows, r, ctx, &ns, err));
  }
  return rows_finish(&rows, names, r, err);
}

firn_status firn_sql_use(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_namespace ns;
  r->names.ns = (firn_namespace){0};
  FIRN_TRY(firn_sql_namespace_find(&r->names, ctx, s->target, s->n_target, &ns, err));
  return firn_sql_session_keep_ns(r->session, &ns, err);
}

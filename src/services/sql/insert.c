/* INSERT: the engine makes the rows, of the table's types and in its columns' names, and firn writes them. */
#include <inttypes.h>
#include <strings.h>

#include "base/nearest.h"
#include "services/load/load.h"
#include "services/sql/change_internal.h"
#include "services/sql/rewrite_internal.h"

/* Which column of the table each column of the query goes to. */
typedef struct mapping {
  size_t n;
  const char **from; /* the query's names */
  const firn_field **to;
} mapping;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an INSERT");
}

/* The engine has no fixed: such columns come as binary, and are checked here. */
static firn_status fixed_check(const firn_field *field, const firn_vector *v, firn_error *err) {
  for (size_t i = 0; i < v->len; i++) {
    if (!firn_vector_is_null(v, i) && v->bytes[i].len != field->width) {
      return firn_error_set(err, FIRN_INVALID, "column %s takes %" PRIu32 " bytes, not %zu", field->name,
                            field->width, v->bytes[i].len);
    }
  }
  return FIRN_OK;
}

/* A batch of the engine's with the types of the columns that it goes to. */
static firn_status retype(const firn_batch *batch, const firn_field *const *to, firn_arena *arena,
                          firn_batch *out, firn_error *err) {
  uint32_t n = batch->schema->n_children;
  firn_field *schema = firn_new(arena, firn_field), *fields = firn_new_n(arena, firn_field, n);
  firn_vector *columns = firn_new_n(arena, firn_vector, n);
  if (schema == NULL || fields == NULL || columns == NULL) {
    return no_memory(err);
  }
  memcpy(fields, batch->schema->children, n * sizeof *fields);
  memcpy(columns, batch->columns, n * sizeof *columns);
  for (uint32_t i = 0; i < n; i++) {
    if (to[i]->kind == FIRN_KIND_FIXED && columns[i].kind == FIRN_KIND_BINARY) {
      FIRN_TRY(fixed_check(to[i], &columns[i], err));
      fields[i].kind = columns[i].kind = FIRN_KIND_FIXED;
      fields[i].width = to[i]->width;
    }
  }
  *schema = *batch->schema;
  schema->children = fields;
  *out = (firn_batch){.schema = schema, .n_rows = batch->n_rows, .columns = columns};
  return FIRN_OK;
}

static firn_status batch_load(firn_load *load, firn_ctx *ctx, const firn_batch *batch,
                              const firn_field *const *to, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_batch typed = *batch;
  if (to != NULL) {
    FIRN_TRY(retype(batch, to, &scratch, &typed, err));
  }
  return firn_load_batch(load, ctx, &typed, err);
}

firn_status firn_sql_rows_load(firn_sql_result *r, firn_ctx *ctx, const firn_table_id *table,
                               const firn_field *const *to, uint64_t *n_rows, firn_error *err) {
  const firn_load_options options = {
      .catalog = r->names.catalog, .table = *table, .evolution = FIRN_LOAD_STRICT};
  firn_load *load;
  FIRN_TRY(firn_load_open(&options, ctx, &load, err));
  firn_status status = FIRN_OK;
  for (;;) {
    const firn_batch *batch;
    status = firn_engine_rows_next(r->rows, ctx, &batch, err);
    if (status != FIRN_OK || batch == NULL) {
      break;
    }
    status = batch_load(load, ctx, batch, to, err);
    if (status != FIRN_OK) {
      break;
    }
  }
  firn_load_result done = {0};
  if (status == FIRN_OK) {
    status = firn_load_finish(load, ctx, &done, err);
  }
  firn_load_close(load, ctx);
  *n_rows = done.n_rows;
  return status;
}

static const firn_field *column_named(const firn_schema *schema, const char *name) {
  const firn_field *found = firn_field_child(&schema->root, name);
  for (uint32_t i = 0; found == NULL && i < schema->root.n_children; i++) {
    const firn_field *f = &schema->root.children[i];
    found = strcasecmp(f->name, name) == 0 ? f : NULL;
  }
  return found;
}

static firn_status column_absent(const firn_schema *schema, const char *table, const char *name,
                                 firn_arena *arena, firn_error *err) {
  const char **names = firn_new_n(arena, const char *, schema->root.n_children + 1);
  if (names == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < schema->root.n_children; i++) {
    names[i] = schema->root.children[i].name;
  }
  const char *near = firn_nearest(firn_bytes_of(name), names, schema->root.n_children);
  return near == NULL ? firn_error_set(err, FIRN_NOT_FOUND, "the table %s has no column %s", table, name)
                      : firn_error_set(err, FIRN_NOT_FOUND, "the table %s has no column %s; did you mean %s?",
                                       table, name, near);
}

/* The names of the query's columns: what DESCRIBE says of it. */
static firn_status learn_columns(firn_sql_result *r, firn_ctx *ctx, const char *query, mapping *out,
                                 firn_error *err) {
  const char *describe = firn_arena_printf(&r->arena, "DESCRIBE %s", query);
  if (describe == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_sql_engine_start(r, ctx, describe, err));
  size_t capacity = 0;
  firn_status status = FIRN_OK;
  while (status == FIRN_OK) { /* also a failure within the batch ends it */
    const firn_batch *batch;
    status = firn_engine_rows_next(r->rows, ctx, &batch, err);
    if (status != FIRN_OK || batch == NULL) {
      break;
    }
    for (size_t i = 0; i < batch->n_rows && status == FIRN_OK; i++) {
      out->from = firn_arena_grow(&r->arena, out->from, out->n, &capacity, sizeof *out->from);
      const char *name = out->from == NULL ? NULL : firn_arena_text(&r->arena, batch->columns[0].bytes[i]);
      if (name == NULL) {
        status = no_memory(err);
        break;
      }
      out->from[out->n++] = name;
    }
  }
  firn_engine_rows_close(r->rows);
  r->rows = NULL;
  return status;
}

static firn_status map_by_position(const firn_sql_result *r, const firn_sql_found *table, mapping *m,
                                   firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  const firn_schema *schema = firn_metadata_current_schema(table->metadata);
  size_t wanted = s->n_columns > 0 ? s->n_columns : schema->root.n_children;
  if (m->n != wanted) {
    return firn_error_set(err, FIRN_INVALID, "the rows have %zu columns, and %zu are wanted for %s%s", m->n,
                          wanted, table->shown,
                          s->n_columns > 0 ? "" : ": name those that are given, or write BY NAME");
  }
  for (size_t i = 0; i < m->n && s->n_columns == 0; i++) {
    m->to[i] = &schema->root.children[i];
  }
  return FIRN_OK;
}

static firn_status map_by_name(firn_sql_result *r, const firn_sql_found *table, const char *const *names,
                               mapping *m, firn_error *err) {
  const firn_schema *schema = firn_metadata_current_schema(table->metadata);
  for (size_t i = 0; i < m->n; i++) {
    m->to[i] = column_named(schema, names[i]);
    if (m->to[i] == NULL) {
      return column_absent(schema, table->shown, names[i], &r->arena, err);
    }
    for (size_t k = 0; k < i; k++) {
      if (m->to[k] == m->to[i]) {
        return firn_error_set(err, FIRN_INVALID, "the column %s is given twice", names[i]);
      }
    }
  }
  return FIRN_OK;
}

/* Columns that are not given become null, or what the table has for them. */
static firn_status required_check(const firn_sql_found *table, const mapping *m, firn_error *err) {
  const firn_schema *schema = firn_metadata_current_schema(table->metadata);
  for (uint32_t i = 0; i < schema->root.n_children; i++) {
    const firn_field *f = &schema->root.children[i];
    bool may_lack = !f->required || f->write_default.len > 0;
    for (size_t k = 0; !may_lack && k < m->n; k++) {
      may_lack = m->to[k] == f;
    }
    if (!may_lack) {
      return firn_error_set(err, FIRN_INVALID, "the column %s of %s is required and is not given", f->name,
                            table->shown);
    }
  }
  return FIRN_OK;
}

static firn_status map_columns(firn_sql_result *r, const firn_sql_found *table, mapping *m, firn_error *err) {
  m->to = firn_new_n(&r->arena, const firn_field *, m->n + 1);
  if (m->to == NULL) {
    return no_memory(err);
  }
  const firn_sql_statement *s = &r->statement;
  if (s->by_name) {
    return map_by_name(r, table, m->from, m, err);
  }
  FIRN_TRY(map_by_position(r, table, m, err));
  return s->n_columns > 0 ? map_by_name(r, table, s->columns, m, err) : FIRN_OK;
}

/* SELECT CAST(c1 AS type) AS "name", ... FROM (query) AS firn_rows(c1, ...) */
static firn_status write_select(firn_sql_result *r, const char *query, const mapping *m, const char **out,
                                firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(4 * FIRN_SQL_MAX_BYTES);
  for (size_t i = 0; i < m->n; i++) {
    firn_builder_addf(&b, "%s CAST(c%zu AS ", i == 0 ? "SELECT" : ",", i);
    firn_engine_type_text(m->to[i], &b);
    firn_builder_add_text(&b, ") AS ");
    firn_engine_name_text(m->to[i]->name, &b);
  }
  firn_builder_addf(&b, " FROM (%s\n) AS firn_rows(", query);
  for (size_t i = 0; i < m->n; i++) {
    firn_builder_addf(&b, "%sc%zu", i == 0 ? "" : ", ", i);
  }
  firn_builder_add_text(&b, ")");
  firn_bytes made;
  FIRN_TRY(firn_builder_finish(&b, &made, err));
  *out = firn_arena_text(&r->arena, made);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_sql_insert(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_sql_found table;
  bool is_engines;
  FIRN_TRY(firn_sql_target_find(r, ctx, &table, &is_engines, err));
  if (is_engines) {
    return firn_sql_query_start(r, ctx, 0, s->text.len, err);
  }
  const char *query, *select;
  mapping m = {0};
  FIRN_TRY(firn_sql_refs_open(r, ctx, err));
  FIRN_TRY(firn_sql_rewrite(s, s->query_at, s->query_len, r->generated, &r->arena, &query, err));
  FIRN_TRY(learn_columns(r, ctx, query, &m, err));
  FIRN_TRY(map_columns(r, &table, &m, err));
  FIRN_TRY(required_check(&table, &m, err));
  FIRN_TRY(write_select(r, query, &m, &select, err));
  FIRN_TRY(firn_sql_filters_set(r, ctx, err));
  FIRN_TRY(firn_sql_engine_start(r, ctx, select, err));
  uint64_t n = 0;
  FIRN_TRY(firn_sql_rows_load(r, ctx, &table.id, m.to, &n, err));
  firn_engine_rows_close(r->rows);
  r->rows = NULL;
  return firn_sql_say(
      r,
      firn_arena_printf(&r->arena, "%" PRIu64 " row%s inserted into %s", n, n == 1 ? "" : "s", table.shown),
      err);
}

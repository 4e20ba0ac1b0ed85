#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "iceberg/types/terms.h"
#include "services/sql/change_internal.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a CREATE TABLE");
}

/* The statement's properties: the comment among them, the format version taken out. */
static firn_status read_properties(firn_sql_result *r, firn_table_create *how, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_property *items = firn_new_n(&r->arena, firn_property, s->properties.n + 1);
  if (items == NULL) {
    return no_memory(err);
  }
  size_t n = 0;
  for (size_t i = 0; i < s->properties.n; i++) {
    if (strcmp(s->properties.items[i].key, "format-version") != 0) {
      items[n++] = s->properties.items[i];
      continue;
    }
    const char *version = s->properties.items[i].value;
    if (version[0] < '1' || version[0] > '3' || version[1] != 0) {
      return firn_error_set(err, FIRN_INVALID, "there is no format version %.20s", version);
    }
    how->format_version = version[0] - '0';
  }
  if (s->comment != NULL) {
    items[n++] = (firn_property){"comment", s->comment};
  }
  how->properties = (firn_properties){n, items};
  return FIRN_OK;
}

/* The columns that the query yields, optional, with ids. */
static firn_status schema_of_rows(firn_sql_result *r, firn_schema *out, firn_error *err) {
  const firn_field *rows = firn_engine_rows_schema(r->rows);
  firn_schema shown = {.root = *rows};
  int32_t last_id = 0;
  return firn_schema_assign_ids(&shown, &last_id, &r->arena, out, err);
}

/* What breaks the format in a file is a slip in a statement. */
/* SQL finds columns in any case: of two that differ in nothing else it would answer one for the other. */
static firn_status names_check(const firn_field *root, firn_error *err) {
  for (uint32_t i = 0; i < root->n_children; i++) {
    for (uint32_t j = 0; j < i; j++) {
      const char *a = root->children[j].name;
      const char *b = root->children[i].name;
      if (strcasecmp(a, b) == 0 && strcmp(a, b) != 0) {
        return firn_error_set(err, FIRN_INVALID,
                              "the columns %s and %s differ in case only, and SQL tells no case apart", a, b);
      }
    }
  }
  return FIRN_OK;
}

static firn_status schema_check(const firn_schema *schema, firn_error *err) {
  FIRN_TRY(names_check(&schema->root, err));
  firn_status status = firn_schema_check(schema, err);
  return status == FIRN_CORRUPT ? firn_error_while(err, FIRN_INVALID, "the columns") : status;
}

static firn_status plan_table(firn_sql_result *r, const firn_schema *schema, firn_partition_spec *spec,
                              firn_sort_order *order, firn_table_create *how, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  how->schema = schema;
  how->location = s->location;
  FIRN_TRY(schema_check(schema, err));
  FIRN_TRY(read_properties(r, how, err));
  if (s->partition_by != NULL) {
    firn_bytes terms = firn_bytes_of(s->partition_by);
    firn_status status = firn_partition_terms_parse(terms, schema, &r->arena, spec, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "PARTITIONED BY");
    }
    how->spec = spec;
  }
  if (s->sort_by != NULL) {
    firn_bytes terms = firn_bytes_of(s->sort_by);
    firn_status status = firn_sort_terms_parse(terms, schema, &r->arena, order, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "sort order");
    }
    how->sort_order = order;
  }
  return FIRN_OK;
}

/* Makes the table and fills it; a table that could not be filled is taken away again. */
static firn_status make(firn_sql_result *r, firn_ctx *ctx, const firn_table_id *id, uint64_t *n_rows,
                        firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_schema of_rows;
  const firn_schema *schema = &s->schema;
  if (s->query_len > 0) {
    FIRN_TRY(firn_sql_query_start(r, ctx, s->query_at, s->query_len, err));
    FIRN_TRY(schema_of_rows(r, &of_rows, err));
    schema = &of_rows;
  }
  firn_table_create how = {0};
  firn_partition_spec spec;
  firn_sort_order order;
  FIRN_TRY(plan_table(r, schema, &spec, &order, &how, err));
  FIRN_TRY(firn_catalog_table_create(r->names.catalog, ctx, id, &how, NULL, err));
  if (s->query_len == 0) {
    return FIRN_OK;
  }
  firn_status status = firn_sql_rows_load(r, ctx, id, NULL, n_rows, err);
  if (status != FIRN_OK && status != FIRN_UNCERTAIN) {
    firn_error ignored; /* what went wrong is the first failure */
    FIRN_IGNORE(firn_catalog_table_drop(r->names.catalog, ctx, id, &ignored));
  }
  return status;
}

/* OR REPLACE: the new table is made and filled under a name of its own, so that the old one stays until
 * nothing more can go wrong than two steps of the catalog. The old one's files stay. */
static firn_status replace(firn_sql_result *r, firn_ctx *ctx, const firn_table_id *id, uint64_t *n_rows,
                           firn_error *err) {
  uint64_t random;
  firn_ctx_random(ctx, &random, sizeof random);
  const char *name = firn_arena_printf(&r->arena, "%s_%016" PRIx64, id->name, random);
  if (name == NULL) {
    return no_memory(err);
  }
  const firn_table_id made = {.ns = id->ns, .name = name};
  FIRN_TRY(make(r, ctx, &made, n_rows, err));
  firn_status status = firn_catalog_table_drop(r->names.catalog, ctx, id, err);
  if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
    firn_error ignored;
    FIRN_IGNORE(firn_catalog_table_drop(r->names.catalog, ctx, &made, &ignored));
    return status;
  }
  status = firn_catalog_table_rename(r->names.catalog, ctx, &made, id, err);
  return status == FIRN_OK
             ? status
             : firn_error_while(err, status, "the new table is %s, the old one is dropped", name);
}

firn_status firn_sql_create_table(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_table_id id;
  FIRN_TRY(firn_sql_new_table_id(&r->names, ctx, s->target, s->n_target, &id, err));
  const char *shown = firn_table_id_text(&id, &r->arena);
  bool is_there = false;
  if (shown == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_catalog_table_exists(r->names.catalog, ctx, &id, &is_there, err));
  if (is_there && s->if_not_exists) {
    return firn_sql_say(r, firn_arena_printf(&r->arena, "the table %s is there", shown), err);
  }
  if (is_there && !s->or_replace) {
    return firn_error_set(err, FIRN_EXISTS, "the table %s is there already", shown);
  }
  uint64_t n = 0;
  FIRN_TRY(is_there ? replace(r, ctx, &id, &n, err) : make(r, ctx, &id, &n, err));
  firn_engine_rows_close(r->rows);
  r->rows = NULL;
  const char *message = s->query_len == 0
                            ? firn_arena_printf(&r->arena, "table %s created", shown)
                            : firn_arena_printf(&r->arena, "table %s created with %" PRIu64 " row%s", shown,
                                                n, n == 1 ? "" : "s");
  return firn_sql_say(r, message, err);
}

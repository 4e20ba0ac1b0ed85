/* Namespaces of the SQL catalog. */
#include <stdlib.h>

#include "base/builder.h"
#include "catalogs/sql/sql_internal.h"

/* The property whose row stands for a namespace that has no others. Written and read here alone. */
#define EXISTS_KEY "exists"

static firn_sql_catalog *of(firn_catalog *c) {
  return (firn_sql_catalog *)c;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a namespace");
}

firn_status firn_sql_check_length(const char *what, const char *text, size_t most, firn_error *err) {
  size_t n = 0;
  for (const char *at = text; *at != '\0'; at++) {
    n += ((unsigned char)*at & 0xC0) != 0x80; /* characters, as databases count */
  }
  if (n > most) {
    return firn_error_set(err, FIRN_INVALID, "%s has %zu characters, and a SQL catalog keeps %zu", what, n,
                          most);
  }
  return FIRN_OK;
}

firn_status firn_sql_namespace_text(const firn_namespace *ns, firn_arena *arena, const char **out,
                                    firn_error *err) {
  for (size_t i = 0; i < ns->n_levels; i++) {
    if (strchr(ns->levels[i], '.') != NULL) {
      return firn_error_set(err, FIRN_INVALID,
                            "the level \"%.80s\" contains a dot, which divides levels in a SQL catalog",
                            ns->levels[i]);
    }
  }
  *out = firn_namespace_text(ns, arena);
  return *out == NULL ? no_memory(err)
                      : firn_sql_check_length("the namespace", *out, FIRN_SQL_NAME_MOST, err);
}

/* "a.b." of "a.b", "" of "": what everything below begins with. */
static firn_status text_below(const char *ns, firn_arena *arena, const char **out, firn_error *err) {
  *out = ns[0] == '\0' ? "" : firn_arena_printf(arena, "%s.", ns);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

/* Whether a query has a row. */
static firn_status has_row(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values, bool *out,
                           firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_db_query(db, ctx, sql, values, &st, err));
  return firn_statement_next(st, ctx, out, err);
}

firn_status firn_sql_namespace_exists(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const char *ns,
                                      bool *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *below;
  FIRN_TRY(text_below(ns, &arena, &below, err));
  return has_row(db, ctx,
                 "SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = $1"
                 " AND (namespace = $2 OR SUBSTR(namespace, 1, LENGTH($3)) = $3)"
                 " UNION ALL SELECT 1 FROM iceberg_tables WHERE catalog_name = $1"
                 " AND (table_namespace = $2 OR SUBSTR(table_namespace, 1, LENGTH($3)) = $3)"
                 " LIMIT 1",
                 FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(ns), firn_db_text(below)), out, err);
}

firn_status firn_sql_namespace_check(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const char *ns,
                                     firn_error *err) {
  bool is_there;
  FIRN_TRY(firn_sql_namespace_exists(s, db, ctx, ns, &is_there, err));
  return is_there ? FIRN_OK : firn_error_set(err, FIRN_NOT_FOUND, "there is no such namespace");
}

/* --- properties --- */

static firn_status check_key(const char *key, firn_error *err) {
  if (strcmp(key, EXISTS_KEY) == 0) {
    return firn_error_set(err, FIRN_INVALID, "the property \"" EXISTS_KEY "\" is the catalog's own");
  }
  return firn_sql_check_length("the key of a property", key, FIRN_SQL_NAME_MOST, err);
}

static firn_status check_properties(const firn_properties *p, firn_error *err) {
  for (size_t i = 0; i < p->n; i++) {
    FIRN_TRY(check_key(p->items[i].key, err));
    FIRN_TRY(firn_sql_check_length("the value of a property", p->items[i].value, FIRN_SQL_VALUE_MOST, err));
  }
  return FIRN_OK;
}

static firn_status set_property(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const char *ns,
                                const char *key, const char *value, firn_error *err) {
  return firn_db_run(
      db, ctx,
      "INSERT INTO iceberg_namespace_properties"
      " (catalog_name, namespace, property_key, property_value) VALUES ($1, $2, $3, $4)"
      " ON CONFLICT (catalog_name, namespace, property_key)"
      " DO UPDATE SET property_value = excluded.property_value",
      FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(ns), firn_db_text(key), firn_db_text(value)), NULL,
      err);
}

/* Afterwards the namespace has a row of its own. */
static firn_status set_properties(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const char *ns,
                                  const firn_properties *p, firn_error *err) {
  bool has_own;
  for (size_t i = 0; i < p->n; i++) {
    FIRN_TRY(set_property(s, db, ctx, ns, p->items[i].key, p->items[i].value, err));
  }
  FIRN_TRY(
      has_row(db, ctx,
              "SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = $1 AND namespace = $2 LIMIT 1",
              FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(ns)), &has_own, err));
  return has_own ? FIRN_OK : set_property(s, db, ctx, ns, EXISTS_KEY, "true", err);
}

static firn_status read_properties(firn_statement *st, firn_ctx *ctx, firn_arena *arena, firn_properties *out,
                                   firn_error *err) {
  firn_property *items = NULL;
  size_t n = 0;
  size_t capacity = 0;
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      break;
    }
    if (firn_bytes_is(firn_statement_bytes(st, 0), EXISTS_KEY)) {
      continue;
    }
    items = firn_arena_grow(arena, items, n, &capacity, sizeof *items);
    const char *key = firn_arena_text(arena, firn_statement_bytes(st, 0));
    const char *value = firn_arena_text(arena, firn_statement_bytes(st, 1));
    if (items == NULL || key == NULL || value == NULL) {
      return no_memory(err);
    }
    items[n++] = (firn_property){key, value};
  }
  *out = (firn_properties){.n = n, .items = items};
  return FIRN_OK;
}

firn_status firn_sql_namespace_load(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    firn_arena *arena, firn_properties *out, firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text;
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_sql_namespace_text(ns, arena, &text, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_sql_namespace_check(s, conn.db, ctx, text, err));
  FIRN_TRY(firn_db_query(conn.db, ctx,
                         "SELECT property_key, property_value FROM iceberg_namespace_properties"
                         " WHERE catalog_name = $1 AND namespace = $2 ORDER BY property_key",
                         FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(text)), &st, err));
  return read_properties(st, ctx, arena, out, err);
}

firn_status firn_sql_namespace_update(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                      const firn_properties *set, const char *const *remove, size_t n_remove,
                                      firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_sql_namespace_text(ns, &arena, &text, err));
  FIRN_TRY(check_properties(set, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  FIRN_TRY(firn_sql_namespace_check(s, conn.db, ctx, text, err));
  for (size_t i = 0; i < n_remove; i++) {
    FIRN_TRY(check_key(remove[i], err));
    FIRN_TRY(firn_db_run(conn.db, ctx,
                         "DELETE FROM iceberg_namespace_properties"
                         " WHERE catalog_name = $1 AND namespace = $2 AND property_key = $3",
                         FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(text), firn_db_text(remove[i])),
                         NULL, err));
  }
  FIRN_TRY(set_properties(s, conn.db, ctx, text, set, err));
  return firn_transaction_commit(&t, ctx, err);
}

/* --- create, list, drop --- */

/* The namespaces above get rows of their own, so that they stay when this one goes. */
static firn_status create_above(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const firn_namespace *ns,
                                firn_arena *arena, firn_error *err) {
  static const firn_properties none = {0};
  for (size_t n = 1; n < ns->n_levels; n++) {
    firn_namespace above = {.n_levels = n, .levels = ns->levels};
    const char *text;
    FIRN_TRY(firn_sql_namespace_text(&above, arena, &text, err));
    FIRN_TRY(set_properties(s, db, ctx, text, &none, err));
  }
  return FIRN_OK;
}

firn_status firn_sql_namespace_create(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                      const firn_properties *properties, firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text;
  bool is_there;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_sql_namespace_text(ns, &arena, &text, err));
  FIRN_TRY(check_properties(properties, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  FIRN_TRY(firn_sql_namespace_exists(s, conn.db, ctx, text, &is_there, err));
  if (is_there) {
    return firn_error_set(err, FIRN_EXISTS, "there is a namespace of this name already");
  }
  FIRN_TRY(create_above(s, conn.db, ctx, ns, &arena, err));
  FIRN_TRY(set_properties(s, conn.db, ctx, text, properties, err));
  return firn_transaction_commit(&t, ctx, err);
}

static int compare_texts(const void *a, const void *b) {
  const char *left;
  const char *right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return strcmp(left, right);
}

/* The level behind `n_skipped` bytes of each row's namespace; sorted, each once. */
static firn_status read_children(firn_statement *st, firn_ctx *ctx, size_t n_skipped, firn_arena *arena,
                                 const char ***out, size_t *n_out, firn_error *err) {
  const char **children = NULL;
  size_t n = 0;
  size_t capacity = 0;
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      break;
    }
    firn_bytes whole = firn_statement_bytes(st, 0);
    firn_bytes rest = firn_bytes_part(whole, n_skipped, whole.len);
    const uint8_t *dot = rest.len == 0 ? NULL : memchr(rest.data, '.', rest.len);
    rest.len = dot == NULL ? rest.len : (size_t)(dot - rest.data);
    if (rest.len == 0) { /* an empty level: no name that we could take */
      continue;
    }
    children = firn_arena_grow(arena, children, n, &capacity, sizeof *children);
    const char *child = firn_arena_text(arena, rest);
    if (children == NULL || child == NULL) {
      return no_memory(err);
    }
    children[n++] = child;
  }
  size_t n_unique = 0;
  if (n > 0) {
    qsort(children, n, sizeof *children, compare_texts);
  }
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || strcmp(children[i], children[n_unique - 1]) != 0) {
      children[n_unique++] = children[i];
    }
  }
  *out = children;
  *n_out = n_unique;
  return FIRN_OK;
}

static firn_status make_namespaces(const firn_namespace *parent, const char *const *children, size_t n,
                                   firn_arena *arena, firn_namespaces *out, firn_error *err) {
  size_t n_above = parent == NULL ? 0 : parent->n_levels;
  firn_namespace *items = firn_new_n(arena, firn_namespace, n);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    const char **levels = firn_new_n(arena, const char *, n_above + 1);
    if (levels == NULL) {
      return no_memory(err);
    }
    for (size_t j = 0; j < n_above; j++) {
      levels[j] = firn_arena_text(arena, firn_bytes_of(parent->levels[j]));
      if (levels[j] == NULL) {
        return no_memory(err);
      }
    }
    levels[n_above] = children[i];
    items[i] = (firn_namespace){.n_levels = n_above + 1, .levels = levels};
  }
  *out = (firn_namespaces){.n = n, .items = items};
  return FIRN_OK;
}

firn_status firn_sql_namespace_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *parent,
                                    firn_arena *arena, firn_namespaces *out, firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text = "";
  const char *below;
  const char **children;
  size_t n;
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(parent == NULL ? FIRN_OK : firn_sql_namespace_text(parent, arena, &text, err));
  FIRN_TRY(text_below(text, arena, &below, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(parent == NULL ? FIRN_OK : firn_sql_namespace_check(s, conn.db, ctx, text, err));
  FIRN_TRY(firn_db_query(conn.db, ctx,
                         "SELECT namespace FROM iceberg_namespace_properties"
                         " WHERE catalog_name = $1 AND SUBSTR(namespace, 1, LENGTH($2)) = $2"
                         " UNION SELECT table_namespace FROM iceberg_tables"
                         " WHERE catalog_name = $1 AND SUBSTR(table_namespace, 1, LENGTH($2)) = $2",
                         FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(below)), &st, err));
  FIRN_TRY(read_children(st, ctx, strlen(below), arena, &children, &n, err));
  return make_namespaces(parent, children, n, arena, out, err);
}

firn_status firn_sql_namespace_drop(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text;
  const char *below;
  bool is_used;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_sql_namespace_text(ns, &arena, &text, err));
  FIRN_TRY(text_below(text, &arena, &below, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  FIRN_TRY(firn_sql_namespace_check(s, conn.db, ctx, text, err));
  FIRN_TRY(has_row(conn.db, ctx, /* views count too */
                   "SELECT 1 FROM iceberg_tables WHERE catalog_name = $1"
                   " AND (table_namespace = $2 OR SUBSTR(table_namespace, 1, LENGTH($3)) = $3)"
                   " UNION ALL SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = $1"
                   " AND SUBSTR(namespace, 1, LENGTH($3)) = $3 LIMIT 1",
                   FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(text), firn_db_text(below)), &is_used,
                   err));
  if (is_used) {
    return firn_error_set(err, FIRN_CONFLICT, "the namespace is not empty: drop what is in it first");
  }
  FIRN_TRY(firn_db_run(conn.db, ctx,
                       "DELETE FROM iceberg_namespace_properties WHERE catalog_name = $1 AND namespace = $2",
                       FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(text)), NULL, err));
  return firn_transaction_commit(&t, ctx, err);
}

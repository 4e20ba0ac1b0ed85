#include "catalogs/sql/sql.h"

#include "base/alloc.h"
#include "catalogs/sql/sql_internal.h"
#include "db/migrate.h"
#include "db/sqlite.h"

/* As PyIceberg 0.12 (SQLAlchemy) makes them. firn's own version of the part is in firn_versions. */
static const char *const migrations[] = {
    "CREATE TABLE IF NOT EXISTS iceberg_tables ("
    " catalog_name VARCHAR(255) NOT NULL,"
    " table_namespace VARCHAR(255) NOT NULL,"
    " table_name VARCHAR(255) NOT NULL,"
    " metadata_location VARCHAR(1000),"
    " previous_metadata_location VARCHAR(1000),"
    " iceberg_type VARCHAR(5),"
    " PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties ("
    " catalog_name VARCHAR(255) NOT NULL,"
    " namespace VARCHAR(255) NOT NULL,"
    " property_key VARCHAR(255) NOT NULL,"
    " property_value VARCHAR(1000) NOT NULL,"
    " PRIMARY KEY (catalog_name, namespace, property_key))",
};

/* PyIceberg writes TABLE and takes null for it; others write VIEW for what is none. */
#define IS_TABLE " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)"
#define THIS_TABLE " WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3"

static firn_sql_catalog *of(firn_catalog *c) {
  return (firn_sql_catalog *)c;
}

/* One of two spellings of a statement: with and without the column iceberg_type. */
#define SQL_FOR(catalog, sql, condition) ((catalog)->has_type ? (sql condition) : (sql))

/* The names of a table as its rows have them. */
typedef struct row_key {
  const char *ns, *name;
} row_key;

static firn_status key_of(const firn_table_id *id, firn_arena *arena, row_key *out, firn_error *err) {
  FIRN_TRY(firn_sql_namespace_text(&id->ns, arena, &out->ns, err));
  FIRN_TRY(firn_sql_check_length("the table's name", id->name, FIRN_SQL_NAME_MOST, err));
  out->name = id->name;
  return FIRN_OK;
}

static firn_status no_table(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no such table");
}

/* --- pointers --- */

static firn_status pointer_find(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_arena *arena,
                                const char **location, firn_error *err) {
  firn_sql_catalog *s = of(c);
  row_key key;
  bool is_row;
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(key_of(id, arena, &key, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_query(
      conn.db, ctx, SQL_FOR(s, "SELECT metadata_location FROM iceberg_tables" THIS_TABLE, IS_TABLE),
      FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(key.ns), firn_db_text(key.name)), &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  if (!is_row) {
    return no_table(err);
  }
  if (firn_statement_bytes(st, 0).len == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "its row in iceberg_tables has no metadata_location");
  }
  *location = firn_arena_text(arena, firn_statement_bytes(st, 0));
  return *location == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a location") : FIRN_OK;
}

static firn_status pointer_is_used(firn_catalog *c, firn_ctx *ctx, const char *folder, bool *out,
                                   firn_error *err) {
  firn_sql_catalog *s = of(c);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_query(
      conn.db, ctx, /* of every catalog in this database */
      "SELECT 1 FROM iceberg_tables WHERE SUBSTR(metadata_location, 1, LENGTH($1)) = $1 LIMIT 1",
      FIRN_DB_VALUES(firn_db_text(folder)), &st, err));
  return firn_statement_next(st, ctx, out, err);
}

static firn_status insert_pointer(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const row_key *key,
                                  const char *to, firn_error *err) {
  FIRN_TRY(firn_sql_namespace_check(s, db, ctx, key->ns, err));
  const char *sql = s->has_type
                        ? "INSERT INTO iceberg_tables"
                          " (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)"
                          " VALUES ($1, $2, $3, $4, 'TABLE')"
                        : "INSERT INTO iceberg_tables"
                          " (catalog_name, table_namespace, table_name, metadata_location)"
                          " VALUES ($1, $2, $3, $4)";
  firn_db_values values =
      FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(key->ns), firn_db_text(key->name), firn_db_text(to));
  firn_status status = firn_db_run(db, ctx, sql, values, NULL, err);
  return status == FIRN_CONFLICT
             ? firn_error_set(err, FIRN_EXISTS, "there is a table or view of this name already")
             : status;
}

static firn_status move_pointer(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx, const row_key *key,
                                const firn_pointer_swap *swap, firn_error *err) {
  uint64_t n_changed;
  FIRN_TRY(firn_db_run(
      db, ctx,
      SQL_FOR(s,
              "UPDATE iceberg_tables SET metadata_location = $5, previous_metadata_location = $4" THIS_TABLE
              " AND metadata_location = $4",
              IS_TABLE),
      FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(key->ns), firn_db_text(key->name),
                     firn_db_text(swap->from), firn_db_text(swap->to)),
      &n_changed, err));
  return n_changed == 1 ? FIRN_OK : firn_pointer_lost(err);
}

static firn_status pointer_swap(firn_catalog *c, firn_ctx *ctx, const firn_pointer_swap *swaps, size_t n,
                                firn_error *err) {
  firn_sql_catalog *s = of(c);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  for (size_t i = 0; i < n; i++) {
    row_key key;
    FIRN_TRY(key_of(swaps[i].table, &arena, &key, err));
    FIRN_TRY(firn_sql_check_length("the location of the metadata", swaps[i].to, FIRN_SQL_VALUE_MOST, err));
    FIRN_TRY(swaps[i].from == NULL ? insert_pointer(s, conn.db, ctx, &key, swaps[i].to, err)
                                   : move_pointer(s, conn.db, ctx, &key, &swaps[i], err));
  }
  return firn_transaction_commit(&t, ctx, err);
}

/* --- tables --- */

static firn_status copy_namespace(const firn_namespace *from, firn_arena *arena, firn_namespace *out,
                                  firn_error *err) {
  const char **levels = firn_new_n(arena, const char *, from->n_levels);
  bool good = levels != NULL;
  for (size_t i = 0; i < from->n_levels && good; i++) {
    levels[i] = firn_arena_text(arena, firn_bytes_of(from->levels[i]));
    good = levels[i] != NULL;
  }
  *out = (firn_namespace){.n_levels = from->n_levels, .levels = levels};
  return good ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a namespace");
}

static firn_status read_names(firn_statement *st, firn_ctx *ctx, const firn_namespace *ns, firn_arena *arena,
                              firn_names *out, firn_error *err) {
  firn_table_id *items = NULL;
  size_t n = 0;
  size_t capacity = 0;
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      break;
    }
    items = firn_arena_grow(arena, items, n, &capacity, sizeof *items);
    const char *name = firn_arena_text(arena, firn_statement_bytes(st, 0));
    if (items == NULL || name == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", n + 1);
    }
    items[n++] = (firn_table_id){.ns = *ns, .name = name};
  }
  *out = (firn_names){.n = n, .items = items};
  return FIRN_OK;
}

static firn_status table_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns, firn_arena *arena,
                              firn_names *out, firn_error *err) {
  firn_sql_catalog *s = of(c);
  const char *text;
  firn_namespace own;
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_sql_namespace_text(ns, arena, &text, err));
  FIRN_TRY(copy_namespace(ns, arena, &own, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_sql_namespace_check(s, conn.db, ctx, text, err));
  const char *sql = s->has_type ? "SELECT table_name FROM iceberg_tables WHERE catalog_name = $1"
                                  " AND table_namespace = $2" IS_TABLE " ORDER BY table_name"
                                : "SELECT table_name FROM iceberg_tables WHERE catalog_name = $1"
                                  " AND table_namespace = $2 ORDER BY table_name";
  FIRN_TRY(
      firn_db_query(conn.db, ctx, sql, FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(text)), &st, err));
  return read_names(st, ctx, &own, arena, out, err);
}

static firn_status table_drop(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_error *err) {
  firn_sql_catalog *s = of(c);
  row_key key;
  uint64_t n_changed;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(key_of(id, &arena, &key, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  FIRN_TRY(firn_db_run(conn.db, ctx, SQL_FOR(s, "DELETE FROM iceberg_tables" THIS_TABLE, IS_TABLE),
                       FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(key.ns), firn_db_text(key.name)),
                       &n_changed, err));
  return n_changed == 0 ? no_table(err) : firn_transaction_commit(&t, ctx, err);
}

static firn_status table_rename(firn_catalog *c, firn_ctx *ctx, const firn_table_id *from,
                                const firn_table_id *to, firn_error *err) {
  firn_sql_catalog *s = of(c);
  row_key old_key;
  row_key new_key;
  uint64_t n_changed;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(key_of(from, &arena, &old_key, err));
  FIRN_TRY(key_of(to, &arena, &new_key, err));
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_begin(conn.db, ctx, &t, err));
  FIRN_TRY(firn_sql_namespace_check(s, conn.db, ctx, new_key.ns, err));
  firn_status status = firn_db_run(
      conn.db, ctx,
      SQL_FOR(s, "UPDATE iceberg_tables SET table_namespace = $4, table_name = $5" THIS_TABLE, IS_TABLE),
      FIRN_DB_VALUES(firn_db_text(s->name), firn_db_text(old_key.ns), firn_db_text(old_key.name),
                     firn_db_text(new_key.ns), firn_db_text(new_key.name)),
      &n_changed, err);
  if (status == FIRN_CONFLICT) {
    return firn_error_set(err, FIRN_EXISTS, "there is a table or view of the new name already");
  }
  FIRN_TRY(status);
  return n_changed == 0 ? no_table(err) : firn_transaction_commit(&t, ctx, err);
}

/* --- open, close --- */

static void sql_catalog_close(firn_catalog *c) {
  firn_sql_catalog *s = of(c);
  firn_connections_free(s->connections);
  firn_metadata_cache_free(s->base.cache);
  firn_arena_free(&s->arena);
  firn_free(s);
}

static const firn_catalog_ops sqlite_ops = {
    .kind = "sqlite",
    .can = FIRN_CATALOG_MULTI_TABLE | FIRN_CATALOG_NAMESPACE_PROPERTIES | FIRN_CATALOG_DURABLE,
    .namespace_create = firn_sql_namespace_create,
    .namespace_load = firn_sql_namespace_load,
    .namespace_list = firn_sql_namespace_list,
    .namespace_update = firn_sql_namespace_update,
    .namespace_drop = firn_sql_namespace_drop,
    .table_list = table_list,
    .table_create = firn_pointer_table_create,
    .table_load = firn_pointer_table_load,
    .table_exists = firn_pointer_table_exists,
    .table_register = firn_pointer_table_register,
    .table_rename = table_rename,
    .table_drop = table_drop,
    .commit = firn_pointer_commit,
    .close = sql_catalog_close,
};

static const firn_pointer_ops pointer_ops = {
    .find = pointer_find, .swap = pointer_swap, .is_used = pointer_is_used};

static firn_status connect_sqlite(const void *self, firn_ctx *ctx, firn_db **out, firn_error *err) {
  const firn_sql_catalog *s = self;
  return firn_sqlite_open(s->path, NULL, ctx, out, err);
}

/* Whether a query can be understood: the tables and columns are there. */
static firn_status is_understood(firn_db *db, firn_ctx *ctx, const char *sql, bool *out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  firn_status status = firn_db_query(db, ctx, sql, FIRN_DB_NO_VALUES, &st, err);
  if (status != FIRN_OK && status != FIRN_INVALID) {
    return status;
  }
  *out = status == FIRN_OK;
  return FIRN_OK;
}

static firn_status check_tables(firn_db *db, firn_ctx *ctx, firn_error *err) {
  bool is_ours;
  FIRN_TRY(is_understood(
      db, ctx,
      "SELECT t.catalog_name, t.table_namespace, t.table_name, t.metadata_location,"
      " t.previous_metadata_location, p.catalog_name, p.namespace, p.property_key, p.property_value"
      " FROM iceberg_tables t, iceberg_namespace_properties p LIMIT 0",
      &is_ours, err));
  return is_ours ? FIRN_OK
                 : firn_error_while(err, FIRN_CORRUPT, "its tables are not those of an Iceberg catalog");
}

/* Tables of an older PyIceberg lack iceberg_type; we leave them as they are. */
static firn_status set_up_tables(firn_sql_catalog *s, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_CONNECTION conn = {0};
  FIRN_TRY(firn_connections_borrow(s->connections, ctx, &conn, err));
  FIRN_TRY(firn_db_migrate(conn.db, ctx, "catalog", migrations, FIRN_COUNT_OF(migrations), err));
  FIRN_TRY(check_tables(conn.db, ctx, err));
  return is_understood(conn.db, ctx, "SELECT iceberg_type FROM iceberg_tables LIMIT 0", &s->has_type, err);
}

/* "PATH?name=N" into `s`. */
static firn_status parse(const char *rest, firn_sql_catalog *s, firn_error *err) {
  const char *question = strchr(rest, '?');
  size_t path_len = question == NULL ? strlen(rest) : (size_t)(question - rest);
  const char *name = "default";
  if (path_len == 0 || strncmp(rest, "//", 2) == 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "\"sqlite:%.240s\" names no file: write sqlite:/absolute/path or sqlite:path",
                          rest);
  }
  if (question != NULL) {
    if (strncmp(question, "?name=", 6) != 0 || question[6] == '\0' || strchr(question, '&') != NULL) {
      return firn_error_set(err, FIRN_INVALID,
                            "\"%.80s\" is no option of a SQLite catalog: there is ?name=NAME", question);
    }
    name = question + 6;
  }
  FIRN_TRY(firn_sql_check_length("the catalog's name", name, FIRN_SQL_NAME_MOST, err));
  s->path = firn_arena_text(&s->arena, (firn_bytes){(const uint8_t *)rest, path_len});
  s->name = firn_arena_text(&s->arena, firn_bytes_of(name));
  return s->path == NULL || s->name == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a catalog")
                                            : FIRN_OK;
}

static firn_status set_up(firn_sql_catalog *s, firn_ctx *ctx, const char *rest, const char *warehouse,
                          firn_error *err) {
  FIRN_TRY(parse(rest, s, err));
  if (warehouse != NULL) {
    firn_bytes text = firn_bytes_of(warehouse);
    while (text.len > 1 && text.data[text.len - 1] == '/') {
      text.len--;
    }
    s->base.warehouse = firn_arena_text(&s->arena, text);
    if (s->base.warehouse == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a catalog");
    }
  }
  FIRN_TRY(firn_metadata_cache_new(FIRN_POINTER_CACHE_BYTES, &s->base.cache, err));
  FIRN_TRY(firn_connections_new(connect_sqlite, s, &s->connections, err));
  return set_up_tables(s, ctx, err);
}

firn_status firn_sqlite_catalog_open(firn_ctx *ctx, const char *rest, const char *warehouse,
                                     firn_stores *stores, firn_catalog **out, firn_error *err) {
  firn_sql_catalog *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a catalog");
  }
  *s = (firn_sql_catalog){
      .base = {.base = {.ops = &sqlite_ops, .stores = stores}, .pointers = &pointer_ops},
      .arena = FIRN_ARENA_INIT(0),
  };
  firn_status status = set_up(s, ctx, rest, warehouse, err);
  if (status != FIRN_OK) {
    sql_catalog_close(&s->base.base);
    return status;
  }
  *out = &s->base.base;
  return FIRN_OK;
}

/* One number that a query of one row gives. */
static firn_status query_number(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                                int64_t *out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_db_query(db, ctx, sql, values, &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  *out = is_row ? firn_statement_int64(st, 0) : 0;
  return FIRN_OK;
}

static firn_status look(firn_sql_catalog *s, firn_ctx *ctx, const char *rest, bool *is_there,
                        int64_t *n_tables, firn_error *err) {
  FIRN_AUTO_DB *db = NULL;
  int64_t n_found, version;
  *is_there = false;
  *n_tables = 0;
  FIRN_TRY(parse(rest, s, err));
  FIRN_TRY(firn_sqlite_check_writable(s->path, err));
  firn_status status = firn_sqlite_open(s->path, &(firn_sqlite_options){.is_read_only = true}, ctx, &db, err);
  if (status != FIRN_OK) {
    return status == FIRN_NOT_FOUND ? FIRN_OK : status; /* its folder is there */
  }
  FIRN_TRY(firn_db_version_check(db, ctx, "catalog", FIRN_COUNT_OF(migrations), &version, err));
  FIRN_TRY(query_number(db, ctx, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'iceberg_tables'",
                        FIRN_DB_NO_VALUES, &n_found, err));
  if (n_found == 0) {
    return FIRN_OK; /* another program's database, which gets our tables */
  }
  FIRN_TRY(check_tables(db, ctx, err));
  FIRN_TRY(query_number(db, ctx, "SELECT COUNT(*) FROM iceberg_tables WHERE catalog_name = $1",
                        FIRN_DB_VALUES(firn_db_text(s->name)), n_tables, err));
  *is_there = true;
  return FIRN_OK;
}

firn_status firn_sqlite_catalog_look(firn_ctx *ctx, const char *rest, bool *is_there, int64_t *n_tables,
                                     firn_error *err) {
  firn_sql_catalog s = {.arena = FIRN_ARENA_INIT(0)};
  firn_status status = look(&s, ctx, rest, is_there, n_tables, err);
  firn_arena_free(&s.arena);
  return status;
}

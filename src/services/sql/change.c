/* Statements that change a catalog or its tables: namespaces, DROP, RENAME, ALTER, CALL. create_table.c and
 * insert.c have the rest. */
#include "services/sql/change_internal.h"

#include "iceberg/commit/alter.h"
#include "iceberg/commit/purge.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
}

firn_status firn_sql_say(firn_sql_result *r, const char *message, firn_error *err) {
  r->message = message;
  return message == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_sql_target_find(firn_sql_result *r, firn_ctx *ctx, firn_sql_found *out, bool *is_engines,
                                 firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  *is_engines = false;
  firn_status status = firn_sql_table_find(&r->names, ctx, s->target, s->n_target, false, out, err);
  if (status != FIRN_NOT_FOUND) {
    return status;
  }
  const firn_sql_ref ref = {.n_parts = s->n_target, .parts = s->target};
  firn_error ignored;
  bool has = false;
  firn_status asked = firn_sql_engine_has(r, ctx, &ref, &has, &ignored);
  *is_engines = asked == FIRN_OK && has;
  return *is_engines ? FIRN_OK : status;
}

static firn_status with_comment(firn_sql_result *r, const firn_properties *given, const char *key,
                                const char *value, firn_properties *out, firn_error *err) {
  *out = *given;
  if (value == NULL) {
    return FIRN_OK;
  }
  firn_property *items = firn_new_n(&r->arena, firn_property, given->n + 1);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < given->n; i++) {
    items[i] = given->items[i];
  }
  items[given->n] = (firn_property){key, value};
  *out = (firn_properties){given->n + 1, items};
  return FIRN_OK;
}

static firn_status create_namespace(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_namespace ns;
  FIRN_TRY(firn_sql_new_namespace(&r->names, ctx, s->target, s->n_target, &ns, err));
  firn_properties properties;
  FIRN_TRY(with_comment(r, &s->properties, "comment", s->comment, &properties, err));
  FIRN_TRY(with_comment(r, &properties, "location", s->location, &properties, err));
  const char *text = firn_namespace_text(&ns, &r->arena);
  if (text == NULL) {
    return no_memory(err);
  }
  const firn_properties *said = properties.n > 0 ? &properties : NULL;
  firn_status status = firn_catalog_namespace_create(r->names.catalog, ctx, &ns, said, err);
  if (status == FIRN_EXISTS && s->if_not_exists) {
    return firn_sql_say(r, firn_arena_printf(&r->arena, "the namespace %s is there", text), err);
  }
  FIRN_TRY(status);
  return firn_sql_say(r, firn_arena_printf(&r->arena, "namespace %s created", text), err);
}

/* Tables are forgotten, their files stay. */
static firn_status empty_namespace(firn_sql_result *r, firn_ctx *ctx, const firn_namespace *ns,
                                   firn_error *err) {
  firn_names tables;
  FIRN_TRY(firn_catalog_table_list(r->names.catalog, ctx, ns, &r->arena, &tables, err));
  for (size_t i = 0; i < tables.n; i++) {
    FIRN_TRY(firn_catalog_table_drop(r->names.catalog, ctx, &tables.items[i], err));
  }
  firn_namespaces below = {0};
  if (ns->n_levels < FIRN_NAMESPACE_MAX_LEVELS) {
    FIRN_TRY(firn_catalog_namespace_list(r->names.catalog, ctx, ns, &r->arena, &below, err));
  }
  for (size_t i = 0; i < below.n; i++) {
    FIRN_TRY(empty_namespace(r, ctx, &below.items[i], err));
    FIRN_TRY(firn_catalog_namespace_drop(r->names.catalog, ctx, &below.items[i], err));
  }
  return FIRN_OK;
}

static firn_status drop_namespace(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_namespace ns;
  firn_status status = firn_sql_namespace_find(&r->names, ctx, s->target, s->n_target, &ns, err);
  if (status == FIRN_NOT_FOUND && s->if_exists) {
    return firn_sql_say(r, "there was no such namespace", err);
  }
  FIRN_TRY(status);
  const char *text = firn_namespace_text(&ns, &r->arena);
  if (text == NULL) {
    return no_memory(err);
  }
  if (s->cascade) {
    FIRN_TRY(empty_namespace(r, ctx, &ns, err));
  }
  FIRN_TRY(firn_catalog_namespace_drop(r->names.catalog, ctx, &ns, err));
  return firn_sql_say(r, firn_arena_printf(&r->arena, "namespace %s dropped", text), err);
}

/* The table that the statement changes. `*is_done`: it is a table of the engine's own, which was asked, or it
 * is not there and need not be. */
static firn_status target_open(firn_sql_result *r, firn_ctx *ctx, firn_sql_found *found, bool *is_done,
                               firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  bool is_engines;
  firn_status status = firn_sql_target_find(r, ctx, found, &is_engines, err);
  *is_done = true;
  if (status == FIRN_NOT_FOUND && s->if_exists) {
    return firn_sql_say(r, "there was no such table", err);
  }
  FIRN_TRY(status);
  *is_done = is_engines;
  return is_engines ? firn_sql_query_start(r, ctx, 0, s->text.len, err) : FIRN_OK;
}

static firn_status drop_table(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_sql_found found;
  bool is_done;
  FIRN_TRY(target_open(r, ctx, &found, &is_done, err));
  if (is_done) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_catalog_table_drop(r->names.catalog, ctx, &found.id, err));
  if (!s->purge) {
    return firn_sql_say(r, firn_arena_printf(&r->arena, "table %s dropped; its files stay", found.shown),
                        err);
  }
  firn_purge_result purged;
  FIRN_TRY(firn_table_purge(r->names.stores, ctx, found.metadata, found.metadata_location, &purged, err));
  const char *note = purged.n_failed > 0 ? "; some files could not be removed" : "";
  return firn_sql_say(r, firn_arena_printf(&r->arena, "table %s dropped%s", found.shown, note), err);
}

static firn_status rename_table(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_sql_found found;
  firn_status status = firn_sql_table_find(&r->names, ctx, s->target, s->n_target, false, &found, err);
  if (status == FIRN_NOT_FOUND && s->if_exists) {
    return firn_sql_say(r, "there was no such table", err);
  }
  FIRN_TRY(status);
  firn_table_id to = {.ns = found.id.ns, .name = s->to[0]};
  if (s->n_to > 1) {
    FIRN_TRY(firn_sql_new_table_id(&r->names, ctx, s->to, s->n_to, &to, err));
  }
  FIRN_TRY(firn_catalog_table_rename(r->names.catalog, ctx, &found.id, &to, err));
  const char *text = firn_table_id_text(&to, &r->arena);
  return firn_sql_say(
      r, text == NULL ? NULL : firn_arena_printf(&r->arena, "table %s is now %s", found.shown, text), err);
}

/* CREATE OR REPLACE of a branch or tag that is not there makes it. */
static firn_status settle_refs(firn_sql_result *r, const firn_metadata *metadata, const firn_change **out,
                               firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_change *settled = firn_new_n(&r->arena, firn_change, s->n_changes);
  if (settled == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < s->n_changes; i++) {
    firn_change *c = &settled[i];
    *c = s->changes[i];
    bool replaces = c->kind == FIRN_CHANGE_REPLACE_BRANCH || c->kind == FIRN_CHANGE_REPLACE_TAG;
    if (!replaces) {
      continue;
    }
    if (c->if_not_exists && firn_metadata_ref_named(metadata, c->name) == NULL) {
      c->kind = c->kind == FIRN_CHANGE_REPLACE_TAG ? FIRN_CHANGE_CREATE_TAG : FIRN_CHANGE_CREATE_BRANCH;
    }
    c->if_not_exists = false;
  }
  *out = settled;
  return FIRN_OK;
}

static firn_status alter_table(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  const firn_sql_statement *s = &r->statement;
  firn_sql_found found;
  bool is_done;
  FIRN_TRY(target_open(r, ctx, &found, &is_done, err));
  if (is_done) {
    return FIRN_OK;
  }
  const firn_change *changes;
  FIRN_TRY(settle_refs(r, found.metadata, &changes, err));
  firn_alter_result done;
  const firn_alter alter = {.n_changes = s->n_changes, .changes = changes};
  FIRN_TRY(firn_alter_commit(r->names.catalog, ctx, &found.id, &alter, &r->arena, &done, err));
  return firn_sql_say(
      r,
      firn_arena_printf(&r->arena, done.is_committed ? "table %s changed" : "table %s is so already",
                        found.shown),
      err);
}

firn_status firn_sql_change(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  switch (r->statement.kind) {
    case FIRN_SQL_CREATE_NAMESPACE:
      return create_namespace(r, ctx, err);
    case FIRN_SQL_DROP_NAMESPACE:
      return drop_namespace(r, ctx, err);
    case FIRN_SQL_CREATE_TABLE:
      return firn_sql_create_table(r, ctx, err);
    case FIRN_SQL_DROP_TABLE:
      return drop_table(r, ctx, err);
    case FIRN_SQL_RENAME_TABLE:
      return rename_table(r, ctx, err);
    case FIRN_SQL_ALTER_TABLE:
      return alter_table(r, ctx, err);
    default:
      return firn_sql_insert(r, ctx, err);
  }
}

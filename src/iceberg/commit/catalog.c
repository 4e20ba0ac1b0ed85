#include "iceberg/commit/catalog.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/builder.h"

enum { SHOWN_MAX = 160 }; /* of an identifier in an error's text */

/* An identifier for people; long ones are cut, no memory is needed. */
typedef struct shown {
  char text[SHOWN_MAX];
} shown;

static size_t show_part(shown *s, size_t at, const char *part) {
  for (size_t i = 0; part != NULL && part[i] != '\0' && at < SHOWN_MAX - 4; i++) {
    s->text[at++] = part[i];
  }
  return at;
}

static shown show(const firn_namespace *ns, const char *name) {
  shown s = {0};
  size_t at = 0;
  for (size_t i = 0; ns != NULL && i < ns->n_levels; i++) {
    at = show_part(&s, at, i == 0 ? "" : ".");
    at = show_part(&s, at, ns->levels[i]);
  }
  if (name != NULL) {
    at = show_part(&s, at, at == 0 ? "" : ".");
    at = show_part(&s, at, name);
  }
  if (at >= SHOWN_MAX - 4) {
    memcpy(s.text + SHOWN_MAX - 4, "...", 4);
  }
  return s;
}

/* --- identifiers --- */

static firn_status split(const char *text, firn_arena *arena, firn_namespace *out, firn_error *err) {
  size_t n = 1;
  for (const char *at = text; *at != '\0'; at++) {
    n += *at == '.';
  }
  if (n > FIRN_NAMESPACE_MAX_LEVELS + 1) {
    return firn_error_set(err, FIRN_INVALID, "\"%.80s...\" has more than %d parts", text,
                          FIRN_NAMESPACE_MAX_LEVELS);
  }
  const char **parts = firn_new_n(arena, const char *, n);
  if (parts == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu parts of a name", n);
  }
  const char *at = text;
  for (size_t i = 0; i < n; i++) {
    size_t len = strcspn(at, ".");
    if (len == 0) {
      return firn_error_set(err, FIRN_INVALID, "\"%.80s\" has an empty part", text);
    }
    parts[i] = firn_arena_text(arena, (firn_bytes){(const uint8_t *)at, len});
    if (parts[i] == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a part of a name");
    }
    at += len + 1;
  }
  *out = (firn_namespace){.n_levels = n, .levels = parts};
  return FIRN_OK;
}

firn_status firn_namespace_parse(const char *text, firn_arena *arena, firn_namespace *out, firn_error *err) {
  firn_namespace parts;
  FIRN_TRY(split(text, arena, &parts, err));
  if (parts.n_levels > FIRN_NAMESPACE_MAX_LEVELS) {
    return firn_error_set(err, FIRN_INVALID, "namespace \"%.80s...\" has more than %d levels", text,
                          FIRN_NAMESPACE_MAX_LEVELS);
  }
  *out = parts;
  return FIRN_OK;
}

firn_status firn_table_id_parse(const char *text, firn_arena *arena, firn_table_id *out, firn_error *err) {
  firn_namespace parts;
  FIRN_TRY(split(text, arena, &parts, err));
  if (parts.n_levels < 2) {
    return firn_error_set(err, FIRN_INVALID, "\"%.80s\" names no namespace: a table is NAMESPACE.TABLE",
                          text);
  }
  const char *name = parts.levels[parts.n_levels - 1];
  parts.n_levels--;
  *out = (firn_table_id){.ns = parts, .name = name};
  return FIRN_OK;
}

static const char *join(const firn_namespace *ns, const char *name, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < ns->n_levels; i++) {
    firn_builder_add_text(&b, i == 0 ? "" : ".");
    firn_builder_add_text(&b, ns->levels[i]);
  }
  if (name != NULL) {
    firn_builder_add_text(&b, ns->n_levels == 0 ? "" : ".");
    firn_builder_add_text(&b, name);
  }
  firn_bytes text;
  return firn_builder_finish(&b, &text, NULL) == FIRN_OK ? firn_arena_text(arena, text) : NULL;
}

const char *firn_table_id_text(const firn_table_id *id, firn_arena *arena) {
  return join(&id->ns, id->name, arena);
}

const char *firn_namespace_text(const firn_namespace *ns, firn_arena *arena) {
  return join(ns, NULL, arena);
}

bool firn_table_id_equal(const firn_table_id *a, const firn_table_id *b) {
  if (a->ns.n_levels != b->ns.n_levels || strcmp(a->name, b->name) != 0) {
    return false;
  }
  for (size_t i = 0; i < a->ns.n_levels; i++) {
    if (strcmp(a->ns.levels[i], b->ns.levels[i]) != 0) {
      return false;
    }
  }
  return true;
}

void firn_table_release(firn_table *table) {
  firn_metadata_unref(table->metadata);
  firn_free(table->metadata_location);
  *table = (firn_table){0};
}

/* --- what every call checks --- */

static firn_status lacks(const firn_catalog *c, const char *what, firn_error *err) {
  return firn_error_set(err, FIRN_UNSUPPORTED, "a %s catalog cannot %s", c->ops->kind, what);
}

static firn_status check_namespace(const firn_namespace *ns, firn_error *err) {
  if (ns->n_levels == 0) {
    return firn_error_set(err, FIRN_INVALID, "a namespace needs a name");
  }
  if (ns->n_levels > FIRN_NAMESPACE_MAX_LEVELS) {
    return firn_error_set(err, FIRN_INVALID, "%zu levels of namespace are more than %d", ns->n_levels,
                          FIRN_NAMESPACE_MAX_LEVELS);
  }
  for (size_t i = 0; i < ns->n_levels; i++) {
    if (ns->levels[i] == NULL || ns->levels[i][0] == '\0') {
      return firn_error_set(err, FIRN_INVALID, "level %zu of the namespace is empty", i + 1);
    }
  }
  return FIRN_OK;
}

static firn_status check_table(const firn_table_id *id, firn_error *err) {
  FIRN_TRY(check_namespace(&id->ns, err));
  if (id->name == NULL || id->name[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "a table needs a name");
  }
  return FIRN_OK;
}

/* "memory: loading db.events: ..." */
static firn_status answer(const firn_catalog *c, firn_status status, const char *doing,
                          const firn_namespace *ns, const char *name, firn_error *err) {
  if (status == FIRN_OK) {
    return FIRN_OK;
  }
  shown s = show(ns, name);
  return firn_error_while(err, status, "%s: %s %s", c->ops->kind, doing, s.text);
}

/* --- namespaces --- */

firn_status firn_catalog_namespace_create(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                          const firn_properties *properties, firn_error *err) {
  static const firn_properties none = {0};
  firn_status status = check_namespace(ns, err);
  if (status == FIRN_OK) {
    status = c->ops->namespace_create == NULL
                 ? lacks(c, "make namespaces", err)
                 : c->ops->namespace_create(c, ctx, ns, properties == NULL ? &none : properties, err);
  }
  return answer(c, status, "making namespace", ns, NULL, err);
}

firn_status firn_catalog_namespace_load(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                        firn_arena *arena, firn_properties *out, firn_error *err) {
  firn_status status = check_namespace(ns, err);
  if (status == FIRN_OK) {
    status = c->ops->namespace_load == NULL ? lacks(c, "load namespaces", err)
                                            : c->ops->namespace_load(c, ctx, ns, arena, out, err);
  }
  return answer(c, status, "loading namespace", ns, NULL, err);
}

firn_status firn_catalog_namespace_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *parent,
                                        firn_arena *arena, firn_namespaces *out, firn_error *err) {
  bool top = parent == NULL || parent->n_levels == 0;
  firn_status status = top ? FIRN_OK : check_namespace(parent, err);
  if (status == FIRN_OK) {
    status = c->ops->namespace_list == NULL
                 ? lacks(c, "list namespaces", err)
                 : c->ops->namespace_list(c, ctx, top ? NULL : parent, arena, out, err);
  }
  return answer(c, status, top ? "listing namespaces" : "listing namespaces below", parent, NULL, err);
}

firn_status firn_catalog_namespace_update(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                          const firn_properties *set, const char *const *remove,
                                          size_t n_remove, firn_error *err) {
  static const firn_properties none = {0};
  firn_status status = check_namespace(ns, err);
  if (status == FIRN_OK) {
    status = c->ops->namespace_update == NULL
                 ? lacks(c, "keep properties of namespaces", err)
                 : c->ops->namespace_update(c, ctx, ns, set == NULL ? &none : set, remove, n_remove, err);
  }
  return answer(c, status, "updating namespace", ns, NULL, err);
}

firn_status firn_catalog_namespace_drop(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                        firn_error *err) {
  firn_status status = check_namespace(ns, err);
  if (status == FIRN_OK) {
    status = c->ops->namespace_drop == NULL ? lacks(c, "drop namespaces", err)
                                            : c->ops->namespace_drop(c, ctx, ns, err);
  }
  return answer(c, status, "dropping namespace", ns, NULL, err);
}

/* --- tables --- */

firn_status firn_catalog_table_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    firn_arena *arena, firn_names *out, firn_error *err) {
  firn_status status = check_namespace(ns, err);
  if (status == FIRN_OK) {
    status = c->ops->table_list == NULL ? lacks(c, "list tables", err)
                                        : c->ops->table_list(c, ctx, ns, arena, out, err);
  }
  return answer(c, status, "listing tables of", ns, NULL, err);
}

/* Backends always get a table to fill; when the caller wants none it is let go here. */
static void deliver(firn_table *made, firn_table *out) {
  if (out != NULL) {
    *out = *made;
  } else {
    firn_table_release(made);
  }
}

firn_status firn_catalog_table_create(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                      const firn_table_create *how, firn_table *out, firn_error *err) {
  assert(how->schema != NULL);
  firn_table made = {0};
  firn_status status = check_table(id, err);
  if (status == FIRN_OK) {
    status = c->ops->table_create == NULL ? lacks(c, "create tables", err)
                                          : c->ops->table_create(c, ctx, id, how, &made, err);
  }
  if (status != FIRN_OK) {
    return answer(c, status, "creating table", &id->ns, id->name, err);
  }
  deliver(&made, out);
  return FIRN_OK;
}

firn_status firn_catalog_table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                                    firn_error *err) {
  firn_table made = {0};
  firn_status status = check_table(id, err);
  if (status == FIRN_OK) {
    status = c->ops->table_load == NULL ? lacks(c, "load tables", err)
                                        : c->ops->table_load(c, ctx, id, &made, err);
  }
  if (status != FIRN_OK) {
    return answer(c, status, "loading table", &id->ns, id->name, err);
  }
  *out = made;
  return FIRN_OK;
}

firn_status firn_catalog_table_exists(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, bool *out,
                                      firn_error *err) {
  firn_status status = check_table(id, err);
  if (status == FIRN_OK) {
    status = c->ops->table_exists == NULL ? lacks(c, "look for tables", err)
                                          : c->ops->table_exists(c, ctx, id, out, err);
  }
  return answer(c, status, "looking for table", &id->ns, id->name, err);
}

firn_status firn_catalog_table_register(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                        const char *metadata_location, firn_table *out, firn_error *err) {
  firn_table made = {0};
  firn_status status = check_table(id, err);
  if (status == FIRN_OK) {
    status = c->ops->table_register == NULL
                 ? lacks(c, "register tables", err)
                 : c->ops->table_register(c, ctx, id, metadata_location, &made, err);
  }
  if (status != FIRN_OK) {
    return answer(c, status, "registering table", &id->ns, id->name, err);
  }
  deliver(&made, out);
  return FIRN_OK;
}

firn_status firn_catalog_table_rename(firn_catalog *c, firn_ctx *ctx, const firn_table_id *from,
                                      const firn_table_id *to, firn_error *err) {
  firn_status status = check_table(from, err);
  if (status == FIRN_OK) {
    status = check_table(to, err);
  }
  if (status == FIRN_OK) {
    status = c->ops->table_rename == NULL ? lacks(c, "rename tables", err)
                                          : c->ops->table_rename(c, ctx, from, to, err);
  }
  if (status == FIRN_OK) {
    return FIRN_OK;
  }
  shown old_name = show(&from->ns, from->name);
  shown new_name = show(&to->ns, to->name);
  return firn_error_while(err, status, "%s: renaming table %s to %s", c->ops->kind, old_name.text,
                          new_name.text);
}

firn_status firn_catalog_table_drop(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                    firn_error *err) {
  firn_status status = check_table(id, err);
  if (status == FIRN_OK) {
    status = c->ops->table_drop == NULL ? lacks(c, "drop tables", err) : c->ops->table_drop(c, ctx, id, err);
  }
  return answer(c, status, "dropping table", &id->ns, id->name, err);
}

/* --- commits --- */

static firn_status check_commits(const firn_catalog *c, const firn_table_commit *commits, size_t n,
                                 firn_error *err) {
  if (c->ops->commit == NULL) {
    return lacks(c, "commit", err);
  }
  if (n > 1 && !firn_catalog_can(c, FIRN_CATALOG_MULTI_TABLE)) {
    return lacks(c, "commit to several tables at once", err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(check_table(&commits[i].table, err));
    for (size_t j = 0; j < i; j++) {
      if (firn_table_id_equal(&commits[i].table, &commits[j].table)) {
        return firn_error_set(err, FIRN_INVALID, "the table is in this commit twice");
      }
    }
  }
  return FIRN_OK;
}

firn_status firn_catalog_commit(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commits, size_t n,
                                firn_table *out, firn_error *err) {
  if (n == 0) {
    return FIRN_OK;
  }
  firn_status status = check_commits(c, commits, n, err);
  if (status != FIRN_OK) {
    return answer(c, status, "committing to", &commits[0].table.ns, commits[0].table.name, err);
  }
  firn_table *made = firn_alloc(n * sizeof *made);
  if (made == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", n);
  }
  status = c->ops->commit(c, ctx, commits, n, made, err);
  for (size_t i = 0; status == FIRN_OK && i < n; i++) {
    deliver(&made[i], out == NULL ? NULL : &out[i]);
  }
  firn_free(made);
  return answer(c, status, "committing to", &commits[0].table.ns, commits[0].table.name, err);
}

bool firn_catalog_can(const firn_catalog *c, unsigned wanted) {
  return (c->ops->can & wanted) == wanted;
}

void firn_catalog_close(firn_catalog *c) {
  if (c != NULL) {
    c->ops->close(c);
  }
}

void firn_catalog_close_pointer(firn_catalog **c) {
  firn_catalog_close(*c);
}

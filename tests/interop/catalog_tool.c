/* Speaks to a catalog for catalog_test.py.
 *   catalog_tool CATALOG WAREHOUSE COMMAND [WORD...]
 * Answers are lines of text or JSON. A failure is one line "STATUS: text" on standard error and exit
 * status 1. */
#include <stdio.h>
#include <stdlib.h>

#include "base/builder.h"
#include "catalogs/catalogs.h"

typedef struct tool {
  firn_catalog *catalog;
  firn_ctx *ctx;
  firn_arena *arena;
  char **words;
  size_t n_words;
} tool;

static firn_status usage(firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "wrong usage: see the code");
}

/* "k=v" words from `first` on. */
static firn_status properties_of(const tool *t, size_t first, firn_properties *out, firn_error *err) {
  size_t n = t->n_words > first ? t->n_words - first : 0;
  firn_property *items = firn_new_n(t->arena, firn_property, n);
  for (size_t i = 0; i < n; i++) {
    const char *equals = strchr(t->words[first + i], '=');
    if (equals == NULL || items == NULL) {
      return usage(err);
    }
    size_t len = (size_t)(equals - t->words[first + i]);
    items[i].key = firn_arena_text(t->arena, (firn_bytes){(const uint8_t *)t->words[first + i], len});
    items[i].value = equals + 1;
  }
  *out = (firn_properties){.n = n, .items = items};
  return FIRN_OK;
}

static firn_status namespace_at(const tool *t, size_t i, firn_namespace *out, firn_error *err) {
  return i < t->n_words ? firn_namespace_parse(t->words[i], t->arena, out, err) : usage(err);
}

static firn_status table_at(const tool *t, size_t i, firn_table_id *out, firn_error *err) {
  return i < t->n_words ? firn_table_id_parse(t->words[i], t->arena, out, err) : usage(err);
}

static firn_status namespaces(const tool *t, firn_error *err) {
  firn_namespace parent = {0};
  firn_namespaces all;
  FIRN_TRY(t->n_words == 0 ? FIRN_OK : namespace_at(t, 0, &parent, err));
  FIRN_TRY(firn_catalog_namespace_list(t->catalog, t->ctx, &parent, t->arena, &all, err));
  for (size_t i = 0; i < all.n; i++) {
    (void)puts(firn_namespace_text(&all.items[i], t->arena));
  }
  return FIRN_OK;
}

static firn_status namespace_create(const tool *t, firn_error *err) {
  firn_namespace ns;
  firn_properties p;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  FIRN_TRY(properties_of(t, 1, &p, err));
  return firn_catalog_namespace_create(t->catalog, t->ctx, &ns, &p, err);
}

static firn_status namespace_show(const tool *t, firn_error *err) {
  firn_namespace ns;
  firn_properties p;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  FIRN_TRY(firn_catalog_namespace_load(t->catalog, t->ctx, &ns, t->arena, &p, err));
  for (size_t i = 0; i < p.n; i++) {
    (void)printf("%s=%s\n", p.items[i].key, p.items[i].value);
  }
  return FIRN_OK;
}

static firn_status namespace_set(const tool *t, firn_error *err) {
  firn_namespace ns;
  firn_properties p;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  FIRN_TRY(properties_of(t, 1, &p, err));
  return firn_catalog_namespace_update(t->catalog, t->ctx, &ns, &p, NULL, 0, err);
}

static firn_status namespace_unset(const tool *t, firn_error *err) {
  firn_namespace ns;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  return firn_catalog_namespace_update(t->catalog, t->ctx, &ns, NULL, (const char *const *)t->words + 1,
                                       t->n_words - 1, err);
}

static firn_status namespace_drop(const tool *t, firn_error *err) {
  firn_namespace ns;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  return firn_catalog_namespace_drop(t->catalog, t->ctx, &ns, err);
}

static firn_status tables(const tool *t, firn_error *err) {
  firn_namespace ns;
  firn_names all;
  FIRN_TRY(namespace_at(t, 0, &ns, err));
  FIRN_TRY(firn_catalog_table_list(t->catalog, t->ctx, &ns, t->arena, &all, err));
  for (size_t i = 0; i < all.n; i++) {
    (void)puts(firn_table_id_text(&all.items[i], t->arena));
  }
  return FIRN_OK;
}

static firn_status show(const firn_table *table, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_bytes text;
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "metadata-location", table->metadata_location);
  firn_json_key(&w, "metadata");
  firn_metadata_write(table->metadata, &w);
  firn_json_end_object(&w);
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  (void)printf("%.*s\n", FIRN_FORMAT_BYTES(text));
  return FIRN_OK;
}

/* create TABLE SCHEMA-JSON [K=V...] */
static firn_status create(const tool *t, firn_error *err) {
  firn_table_id id;
  const firn_json_value *json;
  firn_schema schema;
  firn_table_create how = {.schema = &schema};
  FIRN_AUTO_TABLE made = {0};
  FIRN_TRY(table_at(t, 0, &id, err));
  FIRN_TRY(t->n_words < 2 ? usage(err) : FIRN_OK);
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(t->words[1]), t->arena, &json, err));
  FIRN_TRY(firn_schema_read(json, t->arena, &schema, err));
  FIRN_TRY(properties_of(t, 2, &how.properties, err));
  FIRN_TRY(firn_catalog_table_create(t->catalog, t->ctx, &id, &how, &made, err));
  return show(&made, err);
}

static firn_status load(const tool *t, firn_error *err) {
  firn_table_id id;
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(table_at(t, 0, &id, err));
  FIRN_TRY(firn_catalog_table_load(t->catalog, t->ctx, &id, &table, err));
  return show(&table, err);
}

static firn_status drop(const tool *t, firn_error *err) {
  firn_table_id id;
  FIRN_TRY(table_at(t, 0, &id, err));
  return firn_catalog_table_drop(t->catalog, t->ctx, &id, err);
}

static firn_status rename_table(const tool *t, firn_error *err) {
  firn_table_id from;
  firn_table_id to;
  FIRN_TRY(table_at(t, 0, &from, err));
  FIRN_TRY(table_at(t, 1, &to, err));
  return firn_catalog_table_rename(t->catalog, t->ctx, &from, &to, err);
}

static firn_status register_table(const tool *t, firn_error *err) {
  firn_table_id id;
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(table_at(t, 0, &id, err));
  FIRN_TRY(t->n_words < 2 ? usage(err) : FIRN_OK);
  FIRN_TRY(firn_catalog_table_register(t->catalog, t->ctx, &id, t->words[1], &table, err));
  return show(&table, err);
}

static firn_status commit_properties(const tool *t, const firn_table_id *id, const firn_properties *p,
                                     firn_error *err) {
  const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = *p};
  const firn_table_commit commit = {.table = *id, .n_updates = 1, .updates = &update};
  return firn_catalog_commit(t->catalog, t->ctx, &commit, 1, NULL, err);
}

static firn_status set(const tool *t, firn_error *err) {
  firn_table_id id;
  firn_properties p;
  FIRN_TRY(table_at(t, 0, &id, err));
  FIRN_TRY(properties_of(t, 1, &p, err));
  return commit_properties(t, &id, &p, err);
}

/* hammer TABLE PREFIX N: N commits that set PREFIX-0, PREFIX-1, ...; each tried until it succeeds, its number
 * printed then. The last line says how many races were lost. */
static firn_status hammer(const tool *t, firn_error *err) {
  firn_table_id id;
  size_t n_lost = 0;
  FIRN_TRY(table_at(t, 0, &id, err));
  FIRN_TRY(t->n_words < 3 ? usage(err) : FIRN_OK);
  long n = strtol(t->words[2], NULL, 10);
  for (long i = 0; i < n;) {
    const firn_property one = {firn_arena_printf(t->arena, "%s-%ld", t->words[1], i), "set"};
    firn_status status = commit_properties(t, &id, &(firn_properties){1, &one}, err);
    if (status == FIRN_OK) {
      (void)printf("%ld\n", i++);
      (void)fflush(stdout);
    } else if (status == FIRN_CONFLICT || status == FIRN_BUSY) {
      n_lost++;
    } else {
      return status;
    }
  }
  (void)printf("lost %zu\n", n_lost);
  return FIRN_OK;
}

static const struct {
  const char *name;
  firn_status (*run)(const tool *, firn_error *);
} commands[] = {
    {"namespaces", namespaces},
    {"namespace-create", namespace_create},
    {"namespace-show", namespace_show},
    {"namespace-set", namespace_set},
    {"namespace-unset", namespace_unset},
    {"namespace-drop", namespace_drop},
    {"tables", tables},
    {"create", create},
    {"load", load},
    {"drop", drop},
    {"rename", rename_table},
    {"register", register_table},
    {"set", set},
    {"hammer", hammer},
};

static firn_status run(char **words, size_t n, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  FIRN_TRY(n < 3 ? usage(err) : FIRN_OK);
  FIRN_TRY(firn_stores_open(ctx.env, &stores, err));
  FIRN_TRY(firn_catalog_open(&ctx, words[0], words[1], stores, &catalog, err));
  const tool t = {catalog, &ctx, &arena, words + 3, n - 3};
  for (size_t i = 0; i < FIRN_COUNT_OF(commands); i++) {
    if (strcmp(commands[i].name, words[2]) == 0) {
      return commands[i].run(&t, err);
    }
  }
  return usage(err);
}

int main(int argc, char **argv) {
  firn_error err;
  firn_status status = run(argv + 1, (size_t)argc - 1, &err);
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
    return 1;
  }
  return 0;
}

/* What catalog.h promises, asked of every kind of catalog that is built in. */
#include "catalogs/catalogs.h"

#include <stdio.h>

#include "base/file.h"
#include "db/sqlite.h"
#include "test_table.h"

static firn_error err;
static firn_ctx *ctx;
static firn_stores *stores;

static const char *const db_levels[] = {"db", "raw"};
static const firn_namespace db = {1, db_levels};
static const firn_namespace raw = {2, db_levels};
static const firn_table_id events = {.ns = {1, db_levels}, .name = "events"};
static const firn_table_id other = {.ns = {2, db_levels}, .name = "other"};

static firn_catalog *open_memory(void) {
  firn_catalog *c = NULL;
  CHECK_OK(firn_catalog_open(ctx, "memory:", NULL, stores, &c, &err));
  return c;
}

static firn_catalog *open_sqlite(void) {
  char uri[4200];
  char warehouse[4200];
  const char *folder = test_folder();
  firn_catalog *c = NULL;
  (void)snprintf(uri, sizeof uri, "sqlite:%s/catalog.db", folder);
  (void)snprintf(warehouse, sizeof warehouse, "file://%s/warehouse/", folder);
  CHECK_OK(firn_catalog_open(ctx, uri, warehouse, stores, &c, &err));
  return c;
}

static firn_catalog *open_folder(void) {
  char uri[4200];
  firn_catalog *c = NULL;
  (void)snprintf(uri, sizeof uri, "folder:file://%s/lake/", test_folder());
  CHECK_OK(firn_catalog_open(ctx, uri, NULL, stores, &c, &err));
  return c;
}

static firn_catalog *(*const openers[])(void) = {open_memory, open_sqlite, open_folder};

/* Names of files are pointers there: tables cannot have other names or places. */
static bool is_folder(const firn_catalog *c) {
  return strcmp(c->ops->kind, "folder") == 0;
}

static void for_each_kind(void (*body)(firn_catalog *)) {
  for (size_t i = 0; i < FIRN_COUNT_OF(openers); i++) {
    ctx = test_ctx();
    CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
    firn_catalog *c = openers[i]();
    print_message("  on %s\n", c->ops->kind);
    body(c);
    firn_catalog_close(c);
    firn_stores_close(stores);
  }
}

#define ON_EVERY_KIND(name)        \
  static void name(void **state) { \
    (void)state;                   \
    for_each_kind(name##_on);      \
  }

static void make_namespaces(firn_catalog *c) {
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &raw, NULL, &err));
}

static void make_table(firn_catalog *c, const firn_table_id *id, firn_table *out) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_table_create how = {.schema = &schema};
  CHECK_OK(firn_catalog_table_create(c, ctx, id, &how, out, &err));
}

static void check_properties(firn_catalog *c, const firn_namespace *ns, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_properties p;
  CHECK_OK(firn_catalog_namespace_load(c, ctx, ns, &arena, &p, &err));
  for (size_t i = 0; i < p.n; i++) {
    firn_builder_addf(&text, "%s=%s,", p.items[i].key, p.items[i].value);
  }
  CHECK_BYTES(firn_builder_bytes(&text), wanted);
}

static void check_namespaces(firn_catalog *c, const firn_namespace *parent, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_namespaces all;
  CHECK_OK(firn_catalog_namespace_list(c, ctx, parent, &arena, &all, &err));
  for (size_t i = 0; i < all.n; i++) {
    firn_builder_addf(&text, "%s,", firn_namespace_text(&all.items[i], &arena));
  }
  CHECK_BYTES(firn_builder_bytes(&text), wanted);
}

static void check_tables(firn_catalog *c, const firn_namespace *ns, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_names all;
  CHECK_OK(firn_catalog_table_list(c, ctx, ns, &arena, &all, &err));
  for (size_t i = 0; i < all.n; i++) {
    firn_builder_addf(&text, "%s,", firn_table_id_text(&all.items[i], &arena));
  }
  CHECK_BYTES(firn_builder_bytes(&text), wanted);
}

/* --- namespaces --- */

static void keeps_namespaces_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_properties p;
  check_namespaces(c, NULL, "");
  CHECK_STATUS(firn_catalog_namespace_load(c, ctx, &db, &arena, &p, &err), FIRN_NOT_FOUND);
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &raw, NULL, &err));
  CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &raw, NULL, &err), FIRN_EXISTS);
  CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &db, NULL, &err), FIRN_EXISTS); /* came with db.raw */
  check_properties(c, &raw, "");
  check_properties(c, &db, "");
  check_namespaces(c, NULL, "db,");
  check_namespaces(c, &db, "db.raw,");
  check_namespaces(c, &raw, "");
  CHECK_OK(firn_catalog_namespace_drop(c, ctx, &raw, &err));
  check_namespaces(c, NULL, "db,");
  CHECK_OK(firn_catalog_namespace_drop(c, ctx, &db, &err));
  CHECK_STATUS(firn_catalog_namespace_drop(c, ctx, &db, &err), FIRN_NOT_FOUND);
  firn_namespaces none;
  CHECK_STATUS(firn_catalog_namespace_list(c, ctx, &db, &arena, &none, &err), FIRN_NOT_FOUND);
}
ON_EVERY_KIND(keeps_namespaces)

static void namespaces_are_told_apart_on(firn_catalog *c) {
  /* Patterns of SQL, one name within another, and case. */
  static const char *const names[] = {"a", "a%", "a_", "ab", "A", "a b", "it's", "\xC3\xA9"};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    const char *const levels[] = {names[i], "x"};
    const firn_namespace top = {1, levels};
    CHECK_OK(firn_catalog_namespace_create(c, ctx, &top, NULL, &err));
    if (i % 2 == 0) {
      const firn_namespace below = {2, levels};
      CHECK_OK(firn_catalog_namespace_create(c, ctx, &below, NULL, &err));
    }
  }
  check_namespaces(c, NULL, "A,a,a b,a%,a_,ab,it's,\xC3\xA9,");
  const char *const a[] = {"a"};
  const char *const pattern[] = {"a%"};
  check_namespaces(c, &(firn_namespace){1, a}, "a.x,");
  check_namespaces(c, &(firn_namespace){1, pattern}, "");
}
ON_EVERY_KIND(namespaces_are_told_apart)

static void keeps_properties_of_namespaces_on(firn_catalog *c) {
  const firn_property items[] = {{"owner", "snow"}, {"size", "1"}};
  const firn_property changed[] = {{"size", "2"}, {"new", ""}};
  const char *const remove[] = {"owner", "none"};
  if (!firn_catalog_can(c, FIRN_CATALOG_NAMESPACE_PROPERTIES)) {
    CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &db, &(firn_properties){2, items}, &err),
                 FIRN_UNSUPPORTED);
    CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, NULL, &err));
    CHECK_STATUS(firn_catalog_namespace_update(c, ctx, &db, &(firn_properties){1, changed}, remove, 2, &err),
                 FIRN_UNSUPPORTED);
    CHECK_SAYS("a folder catalog cannot keep properties of namespaces");
    return;
  }
  CHECK_OK(firn_catalog_namespace_create(c, ctx, &db, &(firn_properties){2, items}, &err));
  check_properties(c, &db, "owner=snow,size=1,");
  CHECK_OK(firn_catalog_namespace_update(c, ctx, &db, &(firn_properties){1, changed}, remove, 2, &err));
  check_properties(c, &db, "size=2,");
  CHECK_OK(firn_catalog_namespace_update(c, ctx, &db, &(firn_properties){1, changed + 1}, NULL, 0, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_properties p;
  CHECK_OK(firn_catalog_namespace_load(c, ctx, &db, &arena, &p, &err));
  assert_string_equal(firn_properties_get(&p, "new"), "");
  const char *const all[] = {"size", "new"};
  CHECK_OK(firn_catalog_namespace_update(c, ctx, &db, NULL, all, 2, &err));
  check_properties(c, &db, ""); /* and it is still there */
  CHECK_STATUS(firn_catalog_namespace_update(c, ctx, &raw, NULL, all, 2, &err), FIRN_NOT_FOUND);
}
ON_EVERY_KIND(keeps_properties_of_namespaces)

static void drops_only_what_is_empty_on(firn_catalog *c) {
  make_namespaces(c);
  make_table(c, &other, NULL);
  CHECK_STATUS(firn_catalog_namespace_drop(c, ctx, &db, &err), FIRN_CONFLICT);
  CHECK_STATUS(firn_catalog_namespace_drop(c, ctx, &raw, &err), FIRN_CONFLICT);
  CHECK_SAYS("dropping namespace db.raw: the namespace is not empty");
  CHECK_OK(firn_catalog_table_drop(c, ctx, &other, &err));
  CHECK_OK(firn_catalog_namespace_drop(c, ctx, &raw, &err));
  CHECK_OK(firn_catalog_namespace_drop(c, ctx, &db, &err));
}
ON_EVERY_KIND(drops_only_what_is_empty)

/* --- tables --- */

static void keeps_tables_on(firn_catalog *c) {
  FIRN_AUTO_TABLE made = {0};
  FIRN_AUTO_TABLE loaded = {0};
  bool is_there = true;
  make_namespaces(c);
  CHECK_OK(firn_catalog_table_exists(c, ctx, &events, &is_there, &err));
  assert_false(is_there);
  CHECK_STATUS(firn_catalog_table_load(c, ctx, &events, &loaded, &err), FIRN_NOT_FOUND);
  make_table(c, &events, &made);
  CHECK_OK(firn_catalog_table_exists(c, ctx, &events, &is_there, &err));
  assert_true(is_there);
  CHECK_OK(firn_catalog_table_load(c, ctx, &events, &loaded, &err));
  assert_string_equal(loaded.metadata_location, made.metadata_location);
  assert_string_equal(loaded.etag, made.etag);
  assert_int_not_equal(strlen(loaded.etag), 0);
  const firn_metadata_fields *m = firn_metadata_get(loaded.metadata);
  assert_string_equal(m->table_uuid, firn_metadata_get(made.metadata)->table_uuid);
  assert_non_null(strstr(m->location, "/db/events"));
  assert_non_null(strstr(loaded.metadata_location, is_folder(c) ? "/db/events/metadata/v1.metadata.json"
                                                                : "/db/events/metadata/00000-"));
  make_table(c, &other, NULL);
  check_tables(c, &db, "db.events,");
  check_tables(c, &raw, "db.raw.other,");
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_STATUS(firn_catalog_table_drop(c, ctx, &events, &err), FIRN_NOT_FOUND);
  check_tables(c, &db, "");
}
ON_EVERY_KIND(keeps_tables)

static void creates_a_table_once_and_in_a_namespace_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_table_create how = {.schema = &schema};
  CHECK_STATUS(firn_catalog_table_create(c, ctx, &events, &how, NULL, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("creating table db.events: there is no such namespace");
  make_namespaces(c);
  CHECK_OK(firn_catalog_table_create(c, ctx, &events, &how, NULL, &err));
  CHECK_STATUS(firn_catalog_table_create(c, ctx, &events, &how, NULL, &err), FIRN_EXISTS);
  firn_names names;
  const char *const none[] = {"none"};
  CHECK_STATUS(firn_catalog_table_list(c, ctx, &(firn_namespace){1, none}, &arena, &names, &err),
               FIRN_NOT_FOUND);
}
ON_EVERY_KIND(creates_a_table_once_and_in_a_namespace)

static void a_table_lies_where_it_is_told_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE first = {0};
  FIRN_AUTO_TABLE second = {0};
  firn_schema schema;
  make_namespaces(c);
  make_table(c, &events, &first);
  const char *folder = firn_metadata_get(first.metadata)->location;
  const firn_property location = {"location", firn_arena_printf(&arena, "%s-moved/", folder)};
  if (is_folder(c)) {
    CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
    const firn_table_create how = {.schema = &schema, .location = location.value};
    CHECK_STATUS(firn_catalog_table_create(c, ctx, &other, &how, NULL, &err), FIRN_INVALID);
    CHECK_SAYS("a folder catalog's tables lie nowhere else");
    return;
  }
  CHECK_OK(firn_catalog_namespace_update(c, ctx, &db, &(firn_properties){1, &location}, NULL, 0, &err));
  const firn_table_id by_namespace = {.ns = db, .name = "t"};
  make_table(c, &by_namespace, &second);
  assert_string_equal(firn_metadata_get(second.metadata)->location,
                      firn_arena_printf(&arena, "%s-moved/t", folder));

  FIRN_AUTO_TABLE third = {0};
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_table_create how = {.schema = &schema, .location = firn_arena_printf(&arena, "%s-own/", folder)};
  CHECK_OK(firn_catalog_table_create(c, ctx, &other, &how, &third, &err));
  assert_string_equal(firn_metadata_get(third.metadata)->location,
                      firn_arena_printf(&arena, "%s-own", folder));

  static const char *const escapes[] = {"..", ".", "a/b"};
  for (size_t i = 0; i < FIRN_COUNT_OF(escapes); i++) {
    const firn_table_id escaping = {.ns = db, .name = escapes[i]};
    const firn_table_create plain = {.schema = &schema};
    CHECK_STATUS(firn_catalog_table_create(c, ctx, &escaping, &plain, NULL, &err), FIRN_INVALID);
  }
}
ON_EVERY_KIND(a_table_lies_where_it_is_told)

static void renames_tables_on(firn_catalog *c) {
  FIRN_AUTO_TABLE before = {0};
  FIRN_AUTO_TABLE after = {0};
  make_namespaces(c);
  make_table(c, &events, &before);
  if (is_folder(c)) {
    CHECK_STATUS(firn_catalog_table_rename(c, ctx, &events, &other, &err), FIRN_UNSUPPORTED);
    CHECK_SAYS("a folder catalog cannot rename tables");
    return;
  }
  CHECK_OK(firn_catalog_table_rename(c, ctx, &events, &other, &err));
  CHECK_OK(firn_catalog_table_load(c, ctx, &other, &after, &err));
  assert_string_equal(before.metadata_location, after.metadata_location);
  CHECK_STATUS(firn_catalog_table_rename(c, ctx, &events, &other, &err), FIRN_NOT_FOUND);
  FIRN_AUTO_TABLE successor = {0};
  make_table(c, &events, &successor);
  CHECK_STATUS(firn_catalog_table_rename(c, ctx, &events, &other, &err), FIRN_EXISTS);
  const char *const none[] = {"none"};
  const firn_table_id homeless = {.ns = {1, none}, .name = "t"};
  CHECK_STATUS(firn_catalog_table_rename(c, ctx, &events, &homeless, &err), FIRN_NOT_FOUND);
  /* Both live, so they must not share a folder. */
  const char *one = firn_metadata_get(after.metadata)->location;
  const char *two = firn_metadata_get(successor.metadata)->location;
  assert_string_not_equal(one, two);
  assert_true(strncmp(two, one, strlen(one)) == 0 && two[strlen(one)] == '-');
}
ON_EVERY_KIND(renames_tables)

static void registers_tables_on(firn_catalog *c) {
  FIRN_AUTO_TABLE made = {0};
  FIRN_AUTO_TABLE registered = {0};
  make_namespaces(c);
  make_table(c, &events, &made);
  CHECK_STATUS(firn_catalog_table_register(c, ctx, &events, made.metadata_location, NULL, &err), FIRN_EXISTS);
  if (is_folder(c)) {
    CHECK_STATUS(firn_catalog_table_register(c, ctx, &other, made.metadata_location, NULL, &err),
                 FIRN_INVALID);
    CHECK_SAYS("is not its folder in this catalog");
    return;
  }
  CHECK_OK(firn_catalog_table_drop(c, ctx, &events, &err));
  CHECK_OK(firn_catalog_table_register(c, ctx, &other, made.metadata_location, &registered, &err));
  assert_string_equal(registered.metadata_location, made.metadata_location);
  char nowhere[4300];
  (void)snprintf(nowhere, sizeof nowhere, "%s.gone", made.metadata_location);
  CHECK_STATUS(firn_catalog_table_register(c, ctx, &events, nowhere, NULL, &err), FIRN_NOT_FOUND);
  check_tables(c, &db, "");
}
ON_EVERY_KIND(registers_tables)

/* --- commits --- */

static firn_update set_one(const firn_property *p) {
  return (firn_update){.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, p}};
}

static const char *property_of(firn_catalog *c, const firn_table_id *id, const char *key, firn_arena *arena) {
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(c, ctx, id, &table, &err));
  const char *value = firn_metadata_property(table.metadata, key);
  return value == NULL ? NULL : firn_arena_text(arena, firn_bytes_of(value));
}

static void commits_what_is_asked_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE before = {0};
  FIRN_AUTO_TABLE after = {0};
  const firn_property p = {"k", "1"};
  const firn_update update = set_one(&p);
  make_namespaces(c);
  make_table(c, &events, &before);
  const firn_requirement uuid = {.kind = FIRN_ASSERT_TABLE_UUID,
                                 .text = firn_metadata_get(before.metadata)->table_uuid};
  const firn_table_commit commit = {
      .table = events, .n_requirements = 1, .requirements = &uuid, .n_updates = 1, .updates = &update};
  CHECK_OK(firn_catalog_commit(c, ctx, &commit, 1, &after, &err));
  assert_string_equal(firn_metadata_property(after.metadata, "k"), "1");
  assert_string_not_equal(after.etag, before.etag);
  assert_non_null(
      strstr(after.metadata_location, is_folder(c) ? "/metadata/v2.metadata.json" : "/metadata/00001-"));
  assert_string_equal(property_of(c, &events, "k", &arena), "1");
  const firn_metadata_fields *m = firn_metadata_get(after.metadata);
  assert_int_equal(m->n_metadata_log, 1);
  assert_string_equal(m->metadata_log[0].metadata_file, before.metadata_location);

  FIRN_AUTO_TABLE same = {0}; /* what changes nothing writes nothing */
  CHECK_OK(firn_catalog_commit(c, ctx, &(firn_table_commit){.table = events}, 1, &same, &err));
  assert_string_equal(same.metadata_location, after.metadata_location);

  const firn_table_commit missing = {.table = other, .n_updates = 1, .updates = &update};
  CHECK_STATUS(firn_catalog_commit(c, ctx, &missing, 1, NULL, &err), FIRN_NOT_FOUND);
}
ON_EVERY_KIND(commits_what_is_asked)

static size_t n_files_of(const char *folder) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_LISTING *l = NULL;
  firn_store *store;
  const char *path;
  const firn_listed *item;
  size_t n = 0;
  CHECK_OK(firn_stores_find(stores, folder, &arena, &store, &path, &err));
  CHECK_OK(firn_store_list(store, ctx, path, &l, &err));
  for (;;) {
    CHECK_OK(firn_listing_next(l, ctx, &item, &err));
    if (item == NULL) {
      return n;
    }
    n++;
  }
}

static void a_failed_requirement_changes_nothing_on(firn_catalog *c) {
  FIRN_AUTO_TABLE table = {0};
  const firn_property p = {"k", "1"};
  const firn_update update = set_one(&p);
  const firn_requirement ref = {
      .kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main", .has_snapshot_id = true, .id = 7};
  const firn_requirement create = {.kind = FIRN_ASSERT_CREATE};
  make_namespaces(c);
  make_table(c, &events, &table);
  firn_table_commit commit = {
      .table = events, .n_requirements = 1, .requirements = &ref, .n_updates = 1, .updates = &update};
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("Requirement failed: ");
  commit.requirements = &create;
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("Requirement failed: table already exists");
  assert_int_equal(n_files_of(firn_metadata_get(table.metadata)->location), is_folder(c) ? 2 : 1);
}
ON_EVERY_KIND(a_failed_requirement_changes_nothing)

static void a_commit_may_make_a_table_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  firn_schema schema;
  const firn_update *updates;
  size_t n;
  make_namespaces(c);
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_table_create how = {.schema = &schema};
  CHECK_OK(firn_table_create_updates(&how, "unused", ctx->env, &arena, &updates, &n, &err));
  firn_update kept[16];
  size_t n_kept = 0;
  for (size_t i = 0; i < n; i++) { /* without a location: the catalog's choice */
    if (updates[i].kind != FIRN_UPDATE_SET_LOCATION) {
      kept[n_kept++] = updates[i];
    }
  }
  const firn_requirement create = {.kind = FIRN_ASSERT_CREATE};
  const firn_table_commit commit = {
      .table = events, .n_requirements = 1, .requirements = &create, .n_updates = n_kept, .updates = kept};
  CHECK_OK(firn_catalog_commit(c, ctx, &commit, 1, &table, &err));
  assert_non_null(strstr(firn_metadata_get(table.metadata)->location, "/db/events"));
  CHECK_STATUS(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err), FIRN_CONFLICT);
}
ON_EVERY_KIND(a_commit_may_make_a_table)

static void several_tables_change_together_or_not_at_all_on(firn_catalog *c) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table made[2] = {{0}, {0}};
  const firn_property p = {"k", "1"};
  const firn_update update = set_one(&p);
  const firn_requirement ref = {
      .kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main", .has_snapshot_id = true, .id = 7};
  make_namespaces(c);
  make_table(c, &events, NULL);
  make_table(c, &other, NULL);
  firn_table_commit both[2] = {{.table = events, .n_updates = 1, .updates = &update},
                               {.table = other, .n_updates = 1, .updates = &update}};
  if (!firn_catalog_can(c, FIRN_CATALOG_MULTI_TABLE)) {
    CHECK_STATUS(firn_catalog_commit(c, ctx, both, 2, made, &err), FIRN_UNSUPPORTED);
    assert_null(property_of(c, &events, "k", &arena));
    return;
  }
  both[1].n_requirements = 1;
  both[1].requirements = &ref;
  CHECK_STATUS(firn_catalog_commit(c, ctx, both, 2, made, &err), FIRN_CONFLICT);
  CHECK_SAYS("table other: Requirement failed");
  assert_null(property_of(c, &events, "k", &arena));
  both[1].n_requirements = 0;
  CHECK_OK(firn_catalog_commit(c, ctx, both, 2, made, &err));
  assert_string_equal(property_of(c, &events, "k", &arena), "1");
  assert_string_equal(property_of(c, &other, "k", &arena), "1");
  firn_table_release(&made[0]);
  firn_table_release(&made[1]);
}
ON_EVERY_KIND(several_tables_change_together_or_not_at_all)

static void old_metadata_is_trimmed_when_asked_on(firn_catalog *c) {
  FIRN_AUTO_TABLE table = {0};
  const firn_property settings[] = {{"write.metadata.previous-versions-max", "2"},
                                    {"write.metadata.delete-after-commit.enabled", "true"}};
  make_namespaces(c);
  make_table(c, &events, &table);
  for (int i = 0; i < 6; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", i);
    const firn_property p = {"k", text};
    const firn_update update =
        i == 0 ? (firn_update){.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {2, settings}} : set_one(&p);
    const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
    CHECK_OK(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err));
  }
  /* The current one and two before, and a folder catalog's hint. */
  assert_int_equal(n_files_of(firn_metadata_get(table.metadata)->location), is_folder(c) ? 4 : 3);
}
ON_EVERY_KIND(old_metadata_is_trimmed_when_asked)

static void set_text(firn_catalog *c, const char *key, const char *value) {
  const firn_property p = {key, value};
  const firn_update update = set_one(&p);
  const firn_table_commit commit = {.table = events, .n_updates = 1, .updates = &update};
  CHECK_OK(firn_catalog_commit(c, ctx, &commit, 1, NULL, &err));
}

/* Two names for one history: what one trims is what the other points to. */
static void trimming_leaves_what_another_table_points_to_on(firn_catalog *c) {
  FIRN_AUTO_TABLE table = {0}, twin = {0};
  make_namespaces(c);
  make_table(c, &events, &table);
  if (is_folder(c)) {
    return; /* no table is there twice */
  }
  CHECK_OK(firn_catalog_table_register(c, ctx, &other, table.metadata_location, NULL, &err));
  set_text(c, "write.metadata.previous-versions-max", "1");
  set_text(c, "write.metadata.delete-after-commit.enabled", "true");
  set_text(c, "k", "1");
  set_text(c, "k", "2");
  CHECK_OK(firn_catalog_table_load(c, ctx, &other, &twin, &err));
  assert_string_equal(twin.metadata_location, table.metadata_location);
  /* The twin's, the current one and the one before. */
  assert_int_equal(n_files_of(firn_metadata_get(table.metadata)->location), 3);
}
ON_EVERY_KIND(trimming_leaves_what_another_table_points_to)

/* --- the URI --- */

/* A dot would make one level look like two, and PyIceberg has no more room than its columns. */
static void a_sql_catalog_takes_no_dots_and_nothing_longer_than_its_columns(void **state) {
  (void)state;
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  firn_catalog *c = open_sqlite();
  static const char *const dotted[] = {"a.b"};
  const firn_namespace ns = {1, dotted};
  const firn_table_id t = {.ns = ns, .name = "t"};
  firn_table table;
  CHECK_STATUS(firn_catalog_namespace_create(c, ctx, &ns, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("contains a dot");
  CHECK_STATUS(firn_catalog_table_load(c, ctx, &t, &table, &err), FIRN_INVALID);
  make_namespaces(c);
  make_table(c, &events, &table);
  /* The same file under a name of 1000 characters fits, under one more it does not. */
  char location[1100];
  const char *path = strstr(table.metadata_location, "://") + 3;
  for (int extra = 0; extra < 2; extra++) {
    size_t n = 1000 + (size_t)extra - 7 - strlen(path);
    memcpy(location, "file://", 7);
    memset(location + 7, '/', n);
    memcpy(location + 7 + n, path, strlen(path) + 1);
    firn_status status = firn_catalog_table_register(c, ctx, &other, location, NULL, &err);
    assert_int_equal(status, extra == 0 ? FIRN_OK : FIRN_INVALID);
    if (extra == 0) {
      CHECK_OK(firn_catalog_table_drop(c, ctx, &other, &err));
    }
  }
  CHECK_SAYS("1001 characters");
  firn_table_release(&table);
  firn_catalog_close(c);
  firn_stores_close(stores);
}

static void refuses_what_names_no_catalog(void **state) {
  (void)state;
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  static const struct {
    const char *uri;
    firn_status wanted;
  } bad[] = {
      {"", FIRN_INVALID},
      {"catalog.db", FIRN_INVALID},
      {"glue:eu-west-1", FIRN_UNSUPPORTED},
      {"sqlite:", FIRN_INVALID},
      {"sqlite:?name=x", FIRN_INVALID},
      {"sqlite:///relative/or/not", FIRN_INVALID},
      {"sqlite:/tmp/x?user=y", FIRN_INVALID},
      {"sqlite:/tmp/x?name=", FIRN_INVALID},
      {"sqlite:/no/such/folder/x", FIRN_NOT_FOUND},
      {"memory:a/b", FIRN_INVALID},
  };
  firn_catalog *c = NULL;
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    CHECK_STATUS(firn_catalog_open(ctx, bad[i].uri, NULL, stores, &c, &err), bad[i].wanted);
  }
  CHECK_STATUS(firn_catalog_open(ctx, "memory:", "relative/warehouse", stores, &c, &err), FIRN_INVALID);
  CHECK_STATUS(firn_catalog_open(ctx, "memory:", "ftp://x/y", stores, &c, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("warehouse: the location ftp://x/y");
  FIRN_AUTO_CATALOG *one = NULL;
  CHECK_OK(firn_catalog_open(ctx, "memory:", NULL, stores, &one, &err));
  CHECK_STATUS(firn_catalog_open(ctx, "memory:", NULL, stores, &c, &err), FIRN_EXISTS);
  FIRN_AUTO_CATALOG *two = NULL;
  CHECK_OK(firn_catalog_open(ctx, "memory:two", NULL, stores, &two, &err));
  firn_catalog_close(FIRN_HAND_OVER(one));
  firn_catalog_close(FIRN_HAND_OVER(two));
  firn_stores_close(stores);
}

static void a_look_finds_what_is_there_and_makes_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  ctx = test_ctx();
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  firn_catalog_look found = {.is_there = true, .n_tables = 9};
  const char *uri = firn_arena_printf(&arena, "sqlite:%s/catalog.db", test_folder());
  CHECK_OK(firn_catalog_look_at(ctx, uri, &found, &err));
  assert_false(found.is_there);
  assert_int_equal(found.n_tables, 0);
  firn_file_info info;
  CHECK_STATUS(firn_file_stat(ctx, uri + 7, &info, &err), FIRN_NOT_FOUND);

  firn_table table = {0};
  FIRN_AUTO_CATALOG *c = NULL;
  CHECK_OK(firn_catalog_open(ctx, uri, firn_arena_printf(&arena, "%s/w", test_folder()), stores, &c, &err));
  CHECK_OK(firn_catalog_look_at(ctx, uri, &found, &err));
  assert_true(found.is_there);
  assert_int_equal(found.n_tables, 0);
  make_namespaces(c);
  make_table(c, &other, &table);
  firn_table_release(&table);
  CHECK_OK(firn_catalog_look_at(ctx, uri, &found, &err)); /* while it is open */
  assert_int_equal(found.n_tables, 1);
  firn_catalog_close(FIRN_HAND_OVER(c));
  CHECK_OK(firn_catalog_look_at(ctx, uri, &found, &err));
  assert_int_equal(found.n_tables, 1);
  CHECK_OK(firn_catalog_look_at(ctx, firn_arena_printf(&arena, "%s?name=another", uri), &found, &err));
  assert_int_equal(found.n_tables, 0);
  CHECK_OK(firn_catalog_look_at(ctx, "memory:", &found, &err));
  assert_false(found.is_there);

  CHECK_STATUS(firn_catalog_look_at(ctx, "sqlite:/no/such/folder/x", &found, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_catalog_look_at(ctx, "catalog.db", &found, &err), FIRN_INVALID);
  CHECK_STATUS(firn_catalog_look_at(ctx, "glue:eu", &found, &err), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_look_at(ctx, firn_arena_printf(&arena, "%s?user=x", uri), &found, &err),
               FIRN_INVALID);
  firn_stores_close(stores);
}

static void a_look_tells_what_is_no_catalog(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  ctx = test_ctx();
  firn_catalog_look found = {0};
  const char *uri = firn_arena_printf(&arena, "sqlite:%s/x.db", test_folder());
  FIRN_AUTO_DB *file = NULL;
  CHECK_OK(firn_sqlite_open(uri + 7, NULL, ctx, &file, &err));
  CHECK_OK(firn_db_script(file, ctx, "CREATE TABLE mine (x)", &err));
  CHECK_OK(firn_catalog_look_at(ctx, uri, &found, &err));
  assert_false(found.is_there); /* of another program, without a catalog: ours would be put into it */
  CHECK_OK(firn_db_script(file, ctx, "CREATE TABLE iceberg_tables (x)", &err));
  CHECK_STATUS(firn_catalog_look_at(ctx, uri, &found, &err), FIRN_CORRUPT);
  CHECK_SAYS("not those of an Iceberg catalog");
  CHECK_OK(
      firn_db_script(file, ctx,
                     "CREATE TABLE firn_versions (part VARCHAR(64) NOT NULL PRIMARY KEY, version BIGINT);"
                     "INSERT INTO firn_versions VALUES ('catalog', 99)",
                     &err));
  CHECK_STATUS(firn_catalog_look_at(ctx, uri, &found, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("use the newer firn");
}

RUN_TESTS(a_look_finds_what_is_there_and_makes_nothing, a_look_tells_what_is_no_catalog,
          a_sql_catalog_takes_no_dots_and_nothing_longer_than_its_columns, keeps_namespaces,
          namespaces_are_told_apart, keeps_properties_of_namespaces, drops_only_what_is_empty, keeps_tables,
          creates_a_table_once_and_in_a_namespace, a_table_lies_where_it_is_told, renames_tables,
          registers_tables, commits_what_is_asked, a_failed_requirement_changes_nothing,
          a_commit_may_make_a_table, several_tables_change_together_or_not_at_all,
          old_metadata_is_trimmed_when_asked, trimming_leaves_what_another_table_points_to,
          refuses_what_names_no_catalog)

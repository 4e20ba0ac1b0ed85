#include "iceberg/commit/catalog.h"

#include "test.h"

static const char *const levels[] = {"db", "raw"};
static const firn_table_id events = {.ns = {2, levels}, .name = "events"};

static void splits_identifiers_at_dots(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table_id id;
  CHECK_OK(firn_table_id_parse("db.raw.events", &arena, &id, &err));
  assert_int_equal(id.ns.n_levels, 2);
  assert_string_equal(id.ns.levels[0], "db");
  assert_string_equal(id.ns.levels[1], "raw");
  assert_string_equal(id.name, "events");
  assert_string_equal(firn_table_id_text(&id, &arena), "db.raw.events");
  assert_string_equal(firn_namespace_text(&id.ns, &arena), "db.raw");
  firn_namespace ns;
  CHECK_OK(firn_namespace_parse("db", &arena, &ns, &err));
  assert_int_equal(ns.n_levels, 1);
}

static void refuses_identifiers_with_empty_parts(void **state) {
  (void)state;
  static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_table_id id;
    CHECK_STATUS(firn_table_id_parse(bad[i], &arena, &id, NULL), FIRN_INVALID);
  }
}

static void bounds_the_levels_of_a_namespace(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table_id id;
  firn_namespace ns;
  CHECK_STATUS(firn_table_id_parse("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.t", &arena, &id, NULL), FIRN_OK);
  CHECK_STATUS(firn_table_id_parse("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.t", &arena, &id, NULL),
               FIRN_INVALID);
  CHECK_STATUS(firn_namespace_parse("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17", &arena, &ns, NULL),
               FIRN_INVALID);
}

static firn_status failing_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                                firn_error *err) {
  (void)c, (void)ctx, (void)id, (void)out;
  return firn_error_set(err, FIRN_NOT_FOUND, "there is none");
}

static firn_status counting_commit(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commits, size_t n,
                                   firn_table *out, firn_error *err) {
  (void)c, (void)ctx, (void)commits, (void)err;
  for (size_t i = 0; i < n; i++) {
    out[i] = (firn_table){.metadata_location = firn_alloc(8)};
  }
  return FIRN_OK;
}

static void says_which_catalog_and_table_failed(void **state) {
  (void)state;
  static const firn_catalog_ops ops = {.kind = "test", .table_load = failing_load};
  firn_catalog catalog = {.ops = &ops};
  firn_table table = {0};
  firn_error err;
  CHECK_STATUS(firn_catalog_table_load(&catalog, test_ctx(), &events, &table, &err), FIRN_NOT_FOUND);
  assert_string_equal(err.text, "test: loading table db.raw.events: there is none");
  assert_null(table.metadata);
}

static void a_call_that_a_catalog_lacks_is_unsupported(void **state) {
  (void)state;
  static const firn_catalog_ops ops = {.kind = "test"};
  firn_catalog c = {.ops = &ops};
  firn_ctx *ctx = test_ctx();
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_namespaces namespaces;
  firn_properties properties;
  firn_names names;
  firn_table table;
  bool exists;
  const firn_schema schema = {0};
  const firn_table_create how = {.schema = &schema};
  const firn_table_commit commit = {.table = events};
  CHECK_STATUS(firn_catalog_namespace_create(&c, ctx, &events.ns, NULL, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("a test catalog cannot make namespaces");
  CHECK_STATUS(firn_catalog_namespace_load(&c, ctx, &events.ns, &arena, &properties, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_namespace_list(&c, ctx, NULL, &arena, &namespaces, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_namespace_update(&c, ctx, &events.ns, NULL, NULL, 0, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_namespace_drop(&c, ctx, &events.ns, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_list(&c, ctx, &events.ns, &arena, &names, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_create(&c, ctx, &events, &how, NULL, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_load(&c, ctx, &events, &table, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_exists(&c, ctx, &events, &exists, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_register(&c, ctx, &events, "x", NULL, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_rename(&c, ctx, &events, &events, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_table_drop(&c, ctx, &events, NULL), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_catalog_commit(&c, ctx, &commit, 1, NULL, NULL), FIRN_UNSUPPORTED);
}

static void identifiers_are_checked_before_a_catalog_sees_them(void **state) {
  (void)state;
  static const firn_catalog_ops ops = {.kind = "test", .table_load = failing_load};
  static const char *const hollow[] = {"db", ""};
  firn_catalog c = {.ops = &ops};
  firn_table table;
  const firn_table_id nameless = {.ns = {1, levels}, .name = ""};
  const firn_table_id homeless = {.ns = {0, NULL}, .name = "t"};
  const firn_table_id gap = {.ns = {2, hollow}, .name = "t"};
  CHECK_STATUS(firn_catalog_table_load(&c, test_ctx(), &nameless, &table, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_catalog_table_load(&c, test_ctx(), &homeless, &table, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_catalog_table_load(&c, test_ctx(), &gap, &table, NULL), FIRN_INVALID);
}

static void several_tables_at_once_need_a_catalog_that_can(void **state) {
  (void)state;
  static const firn_catalog_ops single = {.kind = "test", .commit = counting_commit};
  static const firn_catalog_ops several = {
      .kind = "test", .can = FIRN_CATALOG_MULTI_TABLE, .commit = counting_commit};
  const firn_table_commit two[] = {{.table = events}, {.table = {.ns = {1, levels}, .name = "other"}}};
  const firn_table_commit twice[] = {{.table = events}, {.table = events}};
  firn_catalog c = {.ops = &single};
  firn_error err;
  CHECK_STATUS(firn_catalog_commit(&c, test_ctx(), two, 2, NULL, NULL), FIRN_UNSUPPORTED);
  CHECK_OK(firn_catalog_commit(&c, test_ctx(), two, 1, NULL, &err));
  c.ops = &several;
  firn_table tables[2];
  CHECK_OK(firn_catalog_commit(&c, test_ctx(), two, 2, tables, &err));
  firn_table_release(&tables[0]);
  firn_table_release(&tables[1]);
  firn_table_release(&tables[1]); /* twice is fine */
  CHECK_STATUS(firn_catalog_commit(&c, test_ctx(), twice, 2, tables, NULL), FIRN_INVALID);
}

static void cuts_a_long_name_in_errors(void **state) {
  (void)state;
  static const firn_catalog_ops ops = {.kind = "test", .table_load = failing_load};
  char name[1000];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  firn_catalog c = {.ops = &ops};
  firn_table table;
  firn_error err;
  const firn_table_id id = {.ns = {1, levels}, .name = name};
  CHECK_STATUS(firn_catalog_table_load(&c, test_ctx(), &id, &table, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("nnn...: there is none");
}

static firn_status parse(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table_id id;
  FIRN_TRY(firn_table_id_parse("a.b.c", &arena, &id, NULL));
  return firn_table_id_text(&id, &arena) == NULL ? FIRN_NOMEM : FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(parse);
}

RUN_TESTS(splits_identifiers_at_dots, refuses_identifiers_with_empty_parts, bounds_the_levels_of_a_namespace,
          says_which_catalog_and_table_failed, a_call_that_a_catalog_lacks_is_unsupported,
          identifiers_are_checked_before_a_catalog_sees_them, several_tables_at_once_need_a_catalog_that_can,
          cuts_a_long_name_in_errors, survives_oom)

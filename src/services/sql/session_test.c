/* Statements from end to end: a memory catalog, the real engine. */
#include "services/load/load.h"
#include "test_sql.h"

/* id long, name string: `n` rows from `first` on, named "n<id>". One snapshot. */
static void add_rows(test_sql *t, const char *table, int64_t first, size_t n) {
  static const firn_field fields[] = {{.id = 1, .name = "id", .kind = FIRN_KIND_LONG},
                                      {.id = 2, .name = "name", .kind = FIRN_KIND_STRING}};
  static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                              .name = "t",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = 2,
                                              .children = fields}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_batch batch;
  CHECK_OK(firn_batch_new(&schema.root, n, &arena, &batch, &err));
  batch.n_rows = batch.columns[0].len = batch.columns[1].len = n;
  for (size_t i = 0; i < n; i++) {
    batch.columns[0].i64[i] = first + (int64_t)i;
    batch.columns[1].bytes[i] = firn_bytes_of(firn_arena_printf(&arena, "n%" PRId64, first + (int64_t)i));
  }
  firn_load_options options = {.catalog = t->catalog, .schema = &schema};
  CHECK_OK(firn_table_id_parse(table, &arena, &options.table, &err));
  firn_load *load;
  firn_load_result done;
  CHECK_OK(firn_load_open(&options, t->ctx, &load, &err));
  CHECK_OK(firn_load_batch(load, t->ctx, &batch, &err));
  CHECK_OK(firn_load_finish(load, t->ctx, &done, &err));
  firn_load_close(load, t->ctx);
}

static void add_namespace(test_sql *t, const char *text) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_namespace ns;
  CHECK_OK(firn_namespace_parse(text, &arena, &ns, &err));
  CHECK_OK(firn_catalog_namespace_create(t->catalog, t->ctx, &ns, NULL, &err));
}

static test_sql open_tables(bool is_read_only) {
  test_sql t;
  test_sql_open(&t, is_read_only);
  add_namespace(&t, "a");
  add_namespace(&t, "a.b");
  add_namespace(&t, "c");
  add_namespace(&t, "archive");
  add_rows(&t, "a.users", 1, 2);
  add_rows(&t, "a.users", 3, 1);
  add_rows(&t, "a.b.deep", 10, 3);
  add_rows(&t, "c.users", 7, 1);
  return t;
}

static void reads_tables_by_name(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  test_sql_yields(&t, "select * from a.users order by id", "1 \"n1\"\n2 \"n2\"\n3 \"n3\"\n");
  test_sql_yields(&t, "select id from a.b.deep order by id desc limit 1", "12\n");
  test_sql_yields(&t, "select users.id from a.users where a.users.name = 'n2'", "2\n");
  test_sql_yields(
      &t, "select a.users.* from a.users, a.b.deep where a.users.id + 9 = a.b.deep.id and deep.id = 11",
      "2 \"n2\"\n");
  test_sql_yields(&t, "select a.users.id, c.users.id from a.users, c.users where a.users.id = 2", "2 7\n");
  test_sql_yields(&t,
                  "select x.id from lakehouse.a.users x, iceberg.a.b.deep y where x.id + 9 = y.id order by 1",
                  "1\n2\n3\n");
  test_sql_yields(&t, "select count(*) from A.Users", "3\n");
  test_sql_yields(&t, "with users as (select 42 as id) select id from users", "42\n");
  test_sql_yields(&t,
                  "select (select max(id) from a.users u where u.id < d.id - 8) from a.b.deep d order by 1",
                  "1\n2\n3\n");
  test_sql_yields(&t, "from `a`.`users` u select u.`id` order by all", "1\n2\n3\n");
  test_sql_yields(&t, "table c.users", "7 \"n7\"\n");
  test_sql_yields(&t, "select column_name, count from (summarize c.users)", "\"id\" 1\n\"name\" 1\n");
  test_sql_yields(&t, "pivot c.users on name using sum(id)", "\"7\"\n");
  test_sql_close(&t);
}

static void a_namespace_can_be_in_use(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  test_sql_fails(&t, "select * from users", FIRN_NOT_FOUND,
                 "line 1, column 15: there is no table users: its namespace must be written before it");
  test_sql_yields(&t, "use a", "");
  test_sql_yields(&t, "select count(*), max(users.id) from users", "3 3\n");
  test_sql_yields(&t, "select count(*) from b.deep", "3\n");
  test_sql_yields(&t, "select count(*) from users.snapshots", "2\n");
  test_sql_yields(&t, "select count(*) from c.users", "1\n");
  test_sql_yields(&t, "use a.b", "");
  test_sql_yields(&t, "select min(id) from deep", "10\n");
  test_sql_fails(&t, "use nowhere", FIRN_NOT_FOUND, "there is no namespace nowhere");
  test_sql_yields(&t, "select min(id) from deep", "10\n");
  test_sql_close(&t);
}

static void says_what_is_nearest(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  test_sql_fails(&t, "select *\nfrom a.user", FIRN_NOT_FOUND,
                 "line 2, column 6: there is no table a.user; did you mean a.users?");
  test_sql_fails(&t, "select * from arhcive.x", FIRN_NOT_FOUND,
                 "there is no namespace arhcive; did you mean archive?");
  test_sql_fails(&t, "select * from zzz.deep", FIRN_NOT_FOUND, "there is no namespace zzz");
  test_sql_fails(&t, "select * from a.users.snapshot", FIRN_NOT_FOUND,
                 "there is no metadata table a.users.snapshot; did you mean a.users.snapshots?");
  test_sql_fails(&t, "select nothing from a.users", FIRN_INVALID, "nothing");
  test_sql_fails(&t, "select id from a.users x, c.users y", FIRN_INVALID, "id");
  test_sql_fails(&t, "select * from a.users for version as of 42", FIRN_NOT_FOUND, "42");
  test_sql_fails(&t, "select * from a.users for version as of 'nope'", FIRN_NOT_FOUND, "nope");
  test_sql_fails(&t, "select * from a.users for timestamp as of '1999-01-01'", FIRN_NOT_FOUND, "1999");
  test_sql_fails(&t, "select * from a.users.branch_nope", FIRN_NOT_FOUND, "nope");
  test_sql_fails(&t, "delete from a.users", FIRN_UNSUPPORTED, "come with deletes");
  test_sql_close(&t);
}

static void travels_in_time(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  FIRN_AUTO_BUILDER id = FIRN_BUILDER_INIT(1000);
  firn_error err;
  CHECK_OK(
      test_sql_run(&t, "select snapshot_id from a.users.snapshots order by committed_at limit 1", &id, &err));
  long long first = strtoll((const char *)id.data, NULL, 10);
  char sql[300];
  (void)snprintf(sql, sizeof sql, "select count(*) from a.users for version as of %lld", first);
  test_sql_yields(&t, sql, "2\n");
  (void)snprintf(
      sql, sizeof sql,
      "select x.id, y.id from a.users for version as of %lld x full join a.users y using (id) order by 2",
      first);
  test_sql_yields(&t, sql, "1 1\n2 2\nnull 3\n");
  (void)snprintf(sql, sizeof sql, "select count(*) from a.users.files for version as of %lld", first);
  test_sql_yields(&t, sql, "1\n");
  test_sql_yields(&t, "select count(*) from a.users.branch_main", "3\n");
  test_sql_yields(&t, "select count(*) from a.users version as of 'main'", "3\n");
  test_sql_yields(&t, "select count(*) from a.users$snapshots", "2\n");
  test_sql_yields(&t, "select count(*) from a.\"users$history\"", "2\n");
  test_sql_close(&t);
}

static void shows_what_there_is(void **state) {
  (void)state;
  test_sql t = open_tables(true);
  test_sql_yields(&t, "show namespaces", "\"a\"\n\"a.b\"\n\"archive\"\n\"c\"\n");
  test_sql_yields(&t, "show schemas in a", "\"a.b\"\n");
  test_sql_yields(&t, "show tables", "\"a\" \"users\"\n\"a.b\" \"deep\"\n\"c\" \"users\"\n");
  test_sql_yields(&t, "show tables from a.b", "\"a.b\" \"deep\"\n");
  test_sql_yields(&t, "describe a.users",
                  "\"id\" \"long\" \"YES\" null null\n\"name\" \"string\" \"YES\" null null\n");
  test_sql_yields(&t, "describe select id from a.users", "\"id\" \"BIGINT\" \"YES\" null null null\n");
  test_sql_fails(&t, "show tables in archiv", FIRN_NOT_FOUND,
                 "there is no namespace archiv; did you mean archive?");
  test_sql_fails(&t, "describe a.user", FIRN_NOT_FOUND, "did you mean a.users?");
  test_sql_close(&t);
}

static void read_only_reads_tables_alone(void **state) {
  (void)state;
  test_sql t = open_tables(true);
  test_sql_yields(&t, "select count(*) from a.users", "3\n");
  static const char *const hostile[] = {"select * from '/etc/passwd'",
                                        "select * from read_text('/etc/passwd')",
                                        "copy (select 1) to '/tmp/firn_never'",
                                        "attach '/tmp/firn_never' as x",
                                        "install httpfs",
                                        "load 'x'",
                                        "pragma database_list",
                                        "set threads = 1",
                                        "select * from duckdb_settings()",
                                        "select getenv('HOME')",
                                        "create table a.x (i int)",
                                        "drop table a.users",
                                        "export database '/tmp/firn_never'",
                                        "insert into a.users values (1, 'x')",
                                        "call pragma_version()"};
  for (size_t i = 0; i < FIRN_COUNT_OF(hostile); i++) {
    test_sql_fails(&t, hostile[i], FIRN_DENIED, "allowed here");
  }
  static const char *const engines[] = {
      "duckdb_tables", "pg_catalog.pg_settings", "information_schema.tables",
      "sqlite_master", "main.duckdb_columns",    "x.csv"};
  for (size_t i = 0; i < FIRN_COUNT_OF(engines); i++) {
    char sql[100];
    (void)snprintf(sql, sizeof sql, "select * from %s", engines[i]);
    test_sql_fails(&t, sql, FIRN_NOT_FOUND, "there is no");
  }
  assert_int_not_equal(access("/tmp/firn_never", F_OK), 0);
  FIRN_AUTO_BUILDER sum = FIRN_BUILDER_INIT(1 << 20);
  firn_builder_add_text(&sum, "select 1");
  for (int i = 0; i < 900; i++) {
    firn_builder_add_text(&sum, " + 1");
  }
  firn_builder_add_u8(&sum, 0);
  test_sql_fails(&t, (const char *)sum.data, FIRN_INVALID, "depth");
  test_sql_close(&t);
}

static void the_engines_own_statements_work(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  test_sql_yields(&t, "create temp table mine (x int)", "");
  test_sql_yields(&t, "select count(*) from mine", "0\n");
  test_sql_yields(&t, "select count(*) > 0 from information_schema.tables", "true\n");
  test_sql_yields(&t, "set threads = 1", "");
  test_sql_fails(&t, "selec 1", FIRN_INVALID, "selec");
  test_sql_close(&t);
}

static void a_session_has_one_result_at_a_time(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  firn_error err;
  FIRN_AUTO_SQL_RESULT *result = NULL;
  CHECK_OK(firn_sql_run(t.session, t.ctx, FIRN_LITERAL("select * from a.users"), &result, &err));
  firn_sql_result *other;
  CHECK_STATUS(firn_sql_run(t.session, t.ctx, FIRN_LITERAL("select 1"), &other, &err), FIRN_INVALID);
  firn_sql_result_close(FIRN_HAND_OVER(result));
  CHECK_OK(firn_sql_run(t.session, t.ctx, FIRN_LITERAL("select 1"), &result, &err));
  firn_sql_result_close(FIRN_HAND_OVER(result));
  test_sql_close(&t);
}

static void statements_are_cut_at_their_ends(void **state) {
  (void)state;
  static const struct {
    const char *text, *first;
    bool is_there, is_open;
    const char *rest;
  } cases[] = {
      {"select 1; select 2", "select 1", true, false, " select 2"},
      {";; /* ; */ select ';', \";\", $$;$$ -- ;\n ; x", "select ';', \";\", $$;$$ -- ;\n ", true, false,
       " x"},
      {"select 1", "select 1", true, true, ""},
      {"select 'a;", "select 'a;", true, true, ""},
      {"  ; -- nothing", "", false, false, ""},
      {"", "", false, false, ""},
      {"/* open", "/* open", true, true, ""},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_bytes rest = firn_bytes_of(cases[i].text), statement = {0};
    bool is_open = false;
    assert_int_equal(firn_sql_next_statement(&rest, &statement, &is_open), cases[i].is_there);
    assert_int_equal(is_open, cases[i].is_open);
    if (cases[i].is_there) {
      CHECK_BYTES(statement, cases[i].first);
      CHECK_BYTES(rest, cases[i].rest);
    }
  }
}

static void check_completes(test_sql *t, const char *line, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const char *const *items;
  size_t n;
  firn_error err;
  CHECK_OK(firn_sql_complete(t->session, t->ctx, firn_bytes_of(line), &arena, &items, &n, &err));
  for (size_t i = 0; i < n; i++) {
    firn_builder_addf(&b, "%s%s", i == 0 ? "" : "|", items[i]);
  }
  firn_builder_add_u8(&b, 0);
  assert_string_equal((const char *)b.data, wanted);
}

static void completes_names_and_keywords(void **state) {
  (void)state;
  test_sql t = open_tables(false);
  check_completes(&t, "sel", "select");
  check_completes(&t, "SEL", "SELECT");
  check_completes(&t, "select * from a.", "a.b|a.users");
  check_completes(&t, "select * from a.u", "a.users");
  check_completes(&t, "select * from arc", "archive");
  check_completes(&t, "select * from a.users.sn", "a.users.snapshots");
  check_completes(&t, "select * from a.users where na", "name|namespace");
  check_completes(&t, "select * from a.users where i", "id|in|insert into|intersect|is|is not null|is null");
  check_completes(&t, "select 'not closed na", "namespace");
  check_completes(&t, "select * from ..", "");
  check_completes(&t, "", "a|archive|c");
  test_sql_yields(&t, "use a", "");
  check_completes(&t, "select * from us", "users|use|using");
  test_sql_close(&t);
}

int main(void) {
  if (!test_sql_is_there("SQL statements")) {
    return 77;
  }
  static void (*const bodies[])(void **) = {
      reads_tables_by_name,
      a_namespace_can_be_in_use,
      says_what_is_nearest,
      travels_in_time,
      shows_what_there_is,
      read_only_reads_tables_alone,
      the_engines_own_statements_work,
      a_session_has_one_result_at_a_time,
      statements_are_cut_at_their_ends,
      completes_names_and_keywords,
  };
  return test_run(
      "reads_tables_by_name, a_namespace_can_be_in_use, says_what_is_nearest, travels_in_time, "
      "shows_what_there_is, read_only_reads_tables_alone, the_engines_own_statements_work, "
      "a_session_has_one_result_at_a_time, statements_are_cut_at_their_ends, completes_names_and_keywords",
      bodies, FIRN_COUNT_OF(bodies));
}

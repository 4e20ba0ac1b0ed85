/* Statements that change a catalog or its tables, from end to end. */
#include "test_sql.h"

static void says(test_sql *t, const char *sql, const char *message) {
  char line[400];
  (void)snprintf(line, sizeof line, "%s\n", message);
  test_sql_yields(t, sql, line);
}

static test_sql open_empty(void) {
  test_sql t;
  test_sql_open(&t, false);
  says(&t, "create namespace db", "namespace db created");
  return t;
}

static void namespaces_come_and_go(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t, "create schema if not exists db", "the namespace db is there");
  test_sql_fails(&t, "create schema db", FIRN_EXISTS, "db");
  says(&t, "create namespace db.deep comment 'c' with properties ('a' = 'b')", "namespace db.deep created");
  says(&t, "create table db.deep.t (i int)", "table db.deep.t created");
  test_sql_fails(&t, "drop namespace db.deep", FIRN_CONFLICT, "db.deep");
  says(&t, "drop namespace db.deep cascade", "namespace db.deep dropped");
  says(&t, "drop schema if exists db.deep", "there was no such namespace");
  test_sql_fails(&t, "drop schema db.deep", FIRN_NOT_FOUND, "there is no namespace db.deep");
  test_sql_close(&t);
}

static void tables_are_made_in_every_dialect(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t,
       "CREATE TABLE db.spark (id BIGINT NOT NULL COMMENT 'key', ts TIMESTAMP_LTZ, s STRUCT<a: INT, b: "
       "ARRAY<STRING>>, "
       "m MAP<STRING, DECIMAL(10,2)>) USING iceberg PARTITIONED BY (days(ts), bucket(16, id)) "
       "TBLPROPERTIES ('write.format.default'='parquet', 'x' = 1) COMMENT 'a table'",
       "table db.spark created");
  test_sql_yields(&t, "describe db.spark",
                  "\"id\" \"long\" \"NO\" \"bucket[16]\" \"key\"\n"
                  "\"ts\" \"timestamptz\" \"YES\" \"day\" null\n"
                  "\"s\" \"struct<a: int, b: list<string>>\" \"YES\" null null\n"
                  "\"m\" \"map<string, decimal(10, 2)>\" \"YES\" null null\n");
  says(&t,
       "create table db.trino (c1 integer, c2 varchar, c3 row(x double, y real), c4 array(date), c5 "
       "timestamp(6) with time "
       "zone, c6 varbinary) with (partitioning = ARRAY['truncate(c2, 4)', 'c1'], sorted_by = ARRAY['c1 "
       "DESC'], "
       "format = 'PARQUET', format_version = 2)",
       "table db.trino created");
  test_sql_yields(&t, "select column_name from (describe db.trino) limit 1", "\"c1\"\n");
  test_sql_yields(&t, "describe db.trino",
                  "\"c1\" \"int\" \"YES\" \"identity\" null\n"
                  "\"c2\" \"string\" \"YES\" \"truncate[4]\" null\n"
                  "\"c3\" \"struct<x: double, y: float>\" \"YES\" null null\n"
                  "\"c4\" \"list<date>\" \"YES\" null null\n"
                  "\"c5\" \"timestamptz\" \"YES\" null null\n"
                  "\"c6\" \"binary\" \"YES\" null null\n");
  says(&t, "create table db.duck (a hugeint, b uuid primary key, c int[][], d time, e blob, f text)",
       "table db.duck created");
  says(&t, "create table if not exists db.duck (a int)", "the table db.duck is there");
  test_sql_fails(&t, "create table db.duck (a int)", FIRN_EXISTS, "the table db.duck is there already");
  test_sql_fails(&t, "create table nowhere.t (a int)", FIRN_NOT_FOUND, "there is no namespace nowhere");
  test_sql_fails(&t, "create table t (a int)", FIRN_INVALID, "needs a namespace");
  test_sql_fails(&t, "create table db.x (a int, a string)", FIRN_INVALID, "a");
  test_sql_fails(&t, "create table db.x (a nothing)", FIRN_INVALID, "line 1, column 22: a type");
  test_sql_fails(&t, "create table db.x (a decimal(39, 1))", FIRN_INVALID, "a precision from 1 to 38");
  test_sql_fails(&t, "create table db.x (a int", FIRN_INVALID, "but the statement ends");
  test_sql_fails(&t, "create table db.x", FIRN_INVALID, "the columns in brackets");
  test_sql_fails(&t, "create table db.x (a int) using delta", FIRN_INVALID, "ICEBERG is expected");
  test_sql_fails(&t, "create table db.x (date_key int) partitioned by (months(date_key))", FIRN_INVALID,
                 "date_key");
  test_sql_fails(&t, "create table db.x (a int) partitioned by (days(b))", FIRN_NOT_FOUND, "b");
  test_sql_fails(&t, "create view db.v as select 1", FIRN_UNSUPPORTED, "views are not built yet");
  test_sql_close(&t);
}

static void rows_are_inserted(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t, "create table db.t (id bigint, name string, since timestamp, price decimal(10,2))",
       "table db.t created");
  says(&t, "insert into db.t values (1, 'a', timestamp '2024-01-01 10:00:00', 1.5), (2, null, null, 2)",
       "2 rows inserted into db.t");
  says(&t, "insert into db.t (name, id) values ('c', '3')", "1 row inserted into db.t");
  says(&t, "insert into db.t by name select 4 as ID, 'd' as name", "1 row inserted into db.t");
  says(&t, "insert into db.t select id + 10, name, since, price from db.t where id <= 2",
       "2 rows inserted into db.t");
  says(&t, "insert into db.t with x as (select 20 as i) select i, 'w', null, 0 from x",
       "1 row inserted into db.t");
  says(&t, "insert into db.t select * from db.t where false", "0 rows inserted into db.t");
  test_sql_yields(&t, "select id, name, price from db.t order by id",
                  "1 \"a\" \"1.50\"\n2 null \"2.00\"\n3 \"c\" null\n4 \"d\" null\n11 \"a\" \"1.50\"\n"
                  "12 null \"2.00\"\n20 \"w\" \"0.00\"\n");
  test_sql_fails(&t, "insert into db.t select 1", FIRN_INVALID,
                 "the rows have 1 columns, and 4 are wanted for db.t");
  test_sql_fails(&t, "insert into db.t (id, nam) values (1, 'x')", FIRN_NOT_FOUND,
                 "no column nam; did you mean name?");
  test_sql_fails(&t, "insert into db.t (id, id) values (1, 2)", FIRN_INVALID, "given twice");
  test_sql_fails(&t, "insert into db.t values ('x', 'a', null, null)", FIRN_INVALID, "x");
  test_sql_fails(&t, "insert into db.tt values (1)", FIRN_NOT_FOUND, "db.tt");
  test_sql_fails(&t, "insert into db.t", FIRN_INVALID, "a query is expected");
  test_sql_fails(&t, "insert overwrite db.t select 1", FIRN_UNSUPPORTED, "come with deletes");
  test_sql_yields(&t, "select count(*) from db.t", "7\n");
  test_sql_yields(&t, "create temp table mine as select * from db.t where id > 10", "");
  test_sql_yields(&t, "insert into mine select * from db.t where id = 1", "");
  test_sql_yields(&t, "select count(*) from mine", "4\n");
  says(&t, "insert into db.t select * from mine", "4 rows inserted into db.t");
  test_sql_yields(&t, "drop table mine", "");
  test_sql_close(&t);
}

static void what_cannot_be_done_is_not_begun(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t, "create table db.a (id int not null, b int)", "table db.a created");
  says(&t, "insert into db.a (id) values (1)", "1 row inserted into db.a");
  static const char *const transactions[] = {"begin",  "BEGIN TRANSACTION", "start transaction",
                                             "commit", "rollback",          "abort"};
  for (size_t i = 0; i < FIRN_COUNT_OF(transactions); i++) {
    test_sql_fails(&t, transactions[i], FIRN_UNSUPPORTED, "no transactions of several statements");
  }
  test_sql_fails(&t, "insert into db.a (b) values (1)", FIRN_INVALID,
                 "the column id of db.a is required and is not given");
  test_sql_fails(&t, "insert into db.a by name select 1 as b", FIRN_INVALID, "id of db.a is required");
  test_sql_fails(&t, "insert into db.a.snapshots values (1)", FIRN_INVALID,
                 "db.a.snapshots shows the table db.a and can only be queried");
  test_sql_fails(&t, "describe db.a.branch_main", FIRN_INVALID, "can only be queried");
  test_sql_yields(&t, "select * from db.a", "1 null\n");
  test_sql_fails(&t, "create table db.c as select 1 as a, 2 as \"A\"", FIRN_INVALID, "differ in case only");
  test_sql_fails(&t, "create table db.c (a int, \"A\" int)", FIRN_INVALID, "differ in case only");
  test_sql_close(&t);
}

static void tables_are_made_of_queries(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t,
       "create table db.a partitioned by (bucket(4, id)) as select range as id, 'n' || range as name, "
       "[range] as l, "
       "{'x': range} as s from range(1000)",
       "table db.a created with 1000 rows");
  test_sql_yields(&t, "select count(*), sum(id), max(name), sum(s.x), sum(l[1]) from db.a",
                  "1000 \"499500\" \"n999\" \"499500\" \"499500\"\n");
  says(&t, "create or replace table db.a as select max(id) as m from db.a", "table db.a created with 1 row");
  test_sql_yields(&t, "select * from db.a", "999\n");
  test_sql_fails(&t, "create or replace table db.a as select error('no') as x", FIRN_INVALID, "no");
  test_sql_yields(&t, "select * from db.a", "999\n");
  test_sql_fails(
      &t,
      "create table db.c as select range as x, case when range = 5000 then error('late') end as y from "
      "range(10000)",
      FIRN_INVALID, "late");
  test_sql_yields(&t, "show tables", "\"db\" \"a\"\n");
  test_sql_close(&t);
}

static void tables_change(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t, "create table db.users (id bigint, email string, at timestamp, n int)", "table db.users created");
  says(&t, "insert into db.users values (1, 'x', timestamp '2024-01-01', 1)", "1 row inserted into db.users");
  static const char *const fine[] = {
      "ALTER TABLE db.users ADD COLUMN email_verified BOOLEAN",
      "alter table db.users add columns (x int comment 'doc' after id, y struct<a: int>)",
      "alter table db.users add column y.b string",
      "alter table db.users RENAME COLUMN email TO mail",
      "alter table db.users rename mail to email2",
      "alter table db.users alter column n type bigint",
      "alter table db.users alter n set data type bigint",
      "alter table db.users alter column x first",
      "alter table db.users alter column email2 comment 'where to'",
      "alter table db.users drop column email_verified",
      "alter table db.users drop column if exists nothing",
      "alter table db.users set partition spec (days(at))",
      "alter table db.users add partition field bucket(8, id) as shard",
      "alter table db.users replace partition field at_day with hours(at)",
      "alter table db.users drop partition field shard",
      "alter table db.users write ordered by at desc, id",
      "alter table db.users set tblproperties ('a' = 'b', 'c.d' = '1')",
      "alter table db.users set properties e = 'f'",
      "alter table db.users unset tblproperties ('a')",
      "alter table db.users create tag t1 retain 7 days",
      "alter table db.users create branch b1 with snapshot retention 3 snapshots 2 days",
      "alter table db.users create or replace branch b2",
      "alter table db.users replace branch b2 retain 5 hours",
      "alter table db.users rename branch b2 to b3",
      "alter table db.users drop tag t1",
      "alter table db.users drop branch if exists t1",
      "comment on table db.users is 'people'",
      "comment on column db.users.n is 'number'",
      "call iceberg.system.fast_forward('db.users', 'b1', 'main')",
      "call system.fast_forward(table => 'db.users', branch => 'b1', to => 'main')",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(fine); i++) {
    FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1000);
    firn_error err;
    if (test_sql_run(&t, fine[i], &out, &err) != FIRN_OK) {
      fail_msg("%s\n  fails: %s", fine[i], err.text);
    }
    assert_non_null(memmem(out.data, out.len, "table db.users", 14));
  }
  test_sql_yields(&t, "select * from db.users", "null 1 \"x\" \"2024-01-01T00:00:00.000000\" 1 null\n");
  test_sql_yields(
      &t, "describe db.users",
      "\"x\" \"int\" \"YES\" null \"doc\"\n\"id\" \"long\" \"YES\" null null\n"
      "\"email2\" \"string\" \"YES\" null \"where to\"\n\"at\" \"timestamp\" \"YES\" \"hour\" null\n"
      "\"n\" \"long\" \"YES\" null \"number\"\n\"y\" \"struct<a: int, b: string>\" \"YES\" null null\n");
  test_sql_yields(&t, "select name, type from db.users.refs order by name",
                  "\"b1\" \"BRANCH\"\n\"b3\" \"BRANCH\"\n\"main\" \"BRANCH\"\n");
  test_sql_fails(&t, "alter table db.users drop column nothing", FIRN_NOT_FOUND, "nothing");
  test_sql_fails(&t, "alter table db.users add column z int not null", FIRN_INVALID,
                 "a column that may be null");
  test_sql_fails(&t, "alter table db.users alter column n type int", FIRN_INVALID, "n");
  test_sql_fails(&t, "alter table db.users frobnicate", FIRN_INVALID, "ADD, DROP, RENAME");
  test_sql_fails(&t, "alter table db.users create tag x as of version 42", FIRN_NOT_FOUND, "42");
  test_sql_fails(&t, "call system.rewrite_data_files('db.users')", FIRN_UNSUPPORTED, "rollback_to_snapshot");
  test_sql_fails(&t, "call system.rollback_to_snapshot('db.users')", FIRN_INVALID, "every argument");
  test_sql_fails(&t, "call system.rollback_to_snapshot('db.users', 1, 2, 3)", FIRN_INVALID, "an argument");
  says(&t, "alter table if exists db.nobody add column x int", "there was no such table");
  says(&t, "alter table db.users rename to people", "table db.users is now db.people");
  says(&t, "drop table db.people purge", "table db.people dropped");
  says(&t, "drop table if exists db.people", "there was no such table");
  test_sql_close(&t);
}

static void rolls_back(void **state) {
  (void)state;
  test_sql t = open_empty();
  says(&t, "create table db.t as select 1 as x", "table db.t created with 1 row");
  says(&t, "insert into db.t values (2)", "1 row inserted into db.t");
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1000);
  firn_error err;
  CHECK_OK(test_sql_run(&t, "select snapshot_id from db.t.snapshots order by committed_at", &out, &err));
  firn_builder_add_u8(&out, 0);
  char *end;
  long long first = strtoll((const char *)out.data, &end, 10), second = strtoll(end, NULL, 10);
  char sql[200];
  (void)snprintf(sql, sizeof sql, "call lake.system.rollback_to_snapshot('db.t', %lld)", first);
  says(&t, sql, "table db.t changed");
  test_sql_yields(&t, "select * from db.t", "1\n");
  (void)snprintf(sql, sizeof sql, "call system.set_current_snapshot(table => 'db.t', snapshot_id => %lld)",
                 second);
  says(&t, sql, "table db.t changed");
  test_sql_yields(&t, "select * from db.t order by 1", "1\n2\n");
  (void)snprintf(sql, sizeof sql, "alter table db.t execute rollback_to_snapshot(%lld)", first);
  says(&t, sql, "table db.t changed");
  (void)snprintf(sql, sizeof sql, "alter table db.t create tag second as of version %lld", second);
  says(&t, sql, "table db.t changed");
  test_sql_yields(&t, "select * from db.t.tag_second order by 1", "1\n2\n");
  says(&t, "call system.set_current_snapshot('db.t', ref => 'second')", "table db.t changed");
  test_sql_yields(&t, "select count(*) from db.t", "2\n");
  test_sql_close(&t);
}

int main(void) {
  if (!test_sql_is_there("SQL statements that change tables")) {
    return 77;
  }
  static void (*const bodies[])(void **) = {
      namespaces_come_and_go,
      tables_are_made_in_every_dialect,
      rows_are_inserted,
      tables_are_made_of_queries,
      tables_change,
      rolls_back,
      what_cannot_be_done_is_not_begun,
  };
  return test_run(
      "namespaces_come_and_go, tables_are_made_in_every_dialect, rows_are_inserted, "
      "tables_are_made_of_queries, tables_change, rolls_back, what_cannot_be_done_is_not_begun",
      bodies, FIRN_COUNT_OF(bodies));
}

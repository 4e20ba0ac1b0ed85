#include "services/sql/statement_internal.h"

#include "base/builder.h"
#include "test.h"

/* Tables that a statement names, as "a.b+ path 'x/y' @id": + where an alias stands, = where none may. */
static firn_status describe(const char *sql, firn_arena *arena, const char **out, firn_error *err) {
  firn_sql_statement s;
  FIRN_TRY(firn_sql_statement_read(firn_bytes_of(sql), arena, &s, err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  for (size_t i = 0; i < s.n_refs; i++) {
    const firn_sql_ref *r = &s.refs[i];
    firn_builder_add_text(&b, i == 0 ? "" : " ");
    for (size_t k = 0; k < r->n_parts; k++) {
      firn_builder_addf(&b, "%s%s", k == 0 ? "" : ".", r->parts[k]);
    }
    firn_builder_add_text(&b, r->is_path ? "/" : "");
    firn_builder_add_text(&b, r->takes_no_alias ? "=" : r->has_alias ? "+" : "");
    if (r->has_choice && r->choice.kind == FIRN_CHOOSE_ID) {
      firn_builder_addf(&b, "@%lld", (long long)r->choice.id);
    } else if (r->has_choice && r->choice.kind == FIRN_CHOOSE_REF) {
      firn_builder_addf(&b, "@%s", r->choice.ref);
    } else if (r->has_choice) {
      firn_builder_addf(&b, "@t%lld", (long long)r->choice.timestamp_ms);
    }
  }
  for (size_t i = 0; i < s.n_functions; i++) {
    const firn_token *t = &s.tokens[s.functions[i]];
    firn_builder_addf(&b, " %.*s()", (int)t->len, sql + t->at);
  }
  firn_bytes made;
  FIRN_TRY(firn_builder_finish(&b, &made, err));
  *out = firn_arena_text(arena, made);
  return *out == NULL ? FIRN_NOMEM : FIRN_OK;
}

static void check_refs(const char *sql, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const char *got = NULL;
  CHECK_OK(describe(sql, &arena, &got, &err));
  if (strcmp(got, wanted) != 0) {
    fail_msg("%s\n  gives  %s\n  wanted %s", sql, got, wanted);
  }
}

static void finds_tables_where_they_may_stand(void **state) {
  (void)state;
  check_refs("select * from t", "t");
  check_refs("SELECT * FROM a.t x, b.c.t AS y join \"D d\".e using (id) where 1 in (select z from f)",
             "a.t+ b.c.t+ D d.e f");
  check_refs("from a.t", "a.t");
  check_refs("from a.t select x, y, z", "a.t");
  check_refs("select x from (a.t join b.t on a.t.i = b.t.i), c.t", "a.t b.t c.t");
  check_refs("select (select max(v) from a.b where b.i = t.i) from c.t, lateral (select * from d.t) l",
             "a.b c.t d.t");
  check_refs("table a.t", "a.t=");
  check_refs("summarize a.t", "a.t=");
  check_refs("describe select * from a.t", "a.t");
  check_refs("explain analyze select * from a.t", "a.t");
  check_refs("explain (analyze, format json) select * from a.t", "a.t");
  check_refs("select * from (describe a.t)", "a.t=");
  check_refs("(select * from a) union all (select * from b) order by 1", "a b");
  check_refs("((select * from a) union select * from b) intersect from c", "a b c");
  check_refs("select * from ((select * from a) union (select * from b)) x", "a b");
  check_refs("pivot a.t on x, y using sum(v), max(w) group by z, u", "a.t");
  check_refs("pivot (select * from a.t) on x, y", "a.t");
  check_refs("from a.t pivot (sum(x) for y in (select y from b)) order by 1, 2", "a.t b");
  check_refs("unpivot a.t on b, c into name n value v", "a.t");
  check_refs("select * from a using sample 10%, b", "a b");
  check_refs("select * from a tablesample reservoir(10%) , b.c", "a b.c");
  check_refs("select * from a asof join b on a.t >= b.t, c", "a b c");
  check_refs("select * from a positional join b semi join c using (x) cross join d", "a b c d");
  check_refs("select * from values (1), (2) v(x) join a on true", "a");
  check_refs("select * from (values (1, 2), (3, 4)) v(x, y), a", "a");
  check_refs("values (1), ((select max(x) from a))", "a");
  check_refs("select * from x : a.t, y : b", "a.t+ b+");
  check_refs("select array(select x from a), exists (from b), [x for x in [1, 2] if x > 1] from c", "a b c");
  check_refs("select 1 where exists(select * from a group by x having count(*) > (select avg(y) from b))",
             "a b");
}

static void leaves_alone_what_is_no_table(void **state) {
  (void)state;
  check_refs("select 1", "");
  check_refs("values (1), (2)", "");
  check_refs(
      "select extract(year from ts), trim(both ' ' from s), trim(from s), substring(s from 2 for 3) from a",
      "a");
  check_refs("select x is distinct from y, x is not distinct from z, w from a", "a");
  check_refs("select 'from b', \"from\", $$ from c $$, $q$ from d $q$, e'\\' from f' from a -- from e", "a");
  check_refs("select /* from b /* from c */ from d */ x from a", "a");
  check_refs("select t.from, a.select as from, 1 as select, 2 from a t", "a+");
  check_refs("select * from range(3), unnest([1, 2]) u(x), a", "a range() unnest()");
  check_refs(
      "select count(*) filter (where x) over (partition by a, b order by c), d from e window w as (order by "
      "f)",
      "e");
  check_refs("select interval 1 day, x::timestamp, {'from': 1} from a", "a");
}

static void sees_the_scopes_of_common_table_expressions(void **state) {
  (void)state;
  check_refs("with a as (select * from b), c as (select * from a) select * from c, a, d", "b d");
  check_refs("with t as (select * from t) select * from t", "t");
  check_refs("with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) from t, u", "u");
  check_refs("with recursive t(n) using key (n) as (select 1 union select n from t) from t, u", "u");
  check_refs("with a as not materialized (from b) select (with c as (from d) select x from c), y from c",
             "b d c");
  check_refs("with \"A\" as (select 1) select * from a, s.a", "s.a");
  check_refs(
      "with a(x, y) as (values (1, 2)), b as (select * from a, u) (select * from b) union select * from v",
      "u v");
  check_refs("select * from (with a as (select 1) select * from a) x, a", "a");
  check_refs("with recursive as (select 1) select * from recursive, b", "b");
}

static void reads_every_form_of_time_travel(void **state) {
  (void)state;
  check_refs("select * from t for version as of 7", "t@7");
  check_refs("select * from t for system_version as of 123456789 as x", "t+@123456789");
  check_refs("select * from t for version as of 'audit' x", "t+@audit");
  check_refs("select * from t for version as of '12'", "t@12");
  check_refs("select * from t version as of 'b' where x", "t@b");
  check_refs("select * from a.t at (version => 5) x, a.t at (version => 6) y", "a.t+@5 a.t+@6");
  check_refs("select * from t for timestamp as of timestamp '2024-06-15 12:00:00'", "t@t1718452800000");
  check_refs("select * from t for system_time as of '2024-06-15 12:00:00' where 1 = 1", "t@t1718452800000");
  check_refs("select * from t timestamp as of '2024-06-15T12:00:00+02:00'", "t@t1718445600000");
  check_refs("select * from t timestamp as of 1718452800", "t@t1718452800000");
  check_refs("select * from t timestamp as of 1718452800000", "t@t1718452800000");
  check_refs("select * from t at (timestamp => '2024-06-15'::timestamp) join u on true",
             "t@t1718409600000 u");
  check_refs("select * from t at (timestamp => cast('2024-06-15' as timestamp with time zone))",
             "t@t1718409600000");
  check_refs("select * from t timestamp, u version", "t+ u+");
}

static void takes_paths(void **state) {
  (void)state;
  check_refs("select * from 'a/b'", "a/b/");
  check_refs("select * from \"a/b\" x", "a/b/+");
  check_refs("select * from 'x.csv' y, 's3://b/t' for version as of 4", "x.csv+ s3://b/t/@4");
}

static void names_may_be_keywords_quoted_or_apart(void **state) {
  (void)state;
  check_refs("select * from version, timestamp.snapshots, \"select\".\"from\"",
             "version timestamp.snapshots select.from");
  check_refs("select * from a /* x */ . -- y\n b . c", "a.b.c");
  check_refs("select * from `a`.`b``c` d", "a.b`c+");
  check_refs("from \"ns\".\"t\" as x(a,b)", "ns.t+");
  check_refs("select * from a.b.c.d.e.snapshots", "a.b.c.d.e.snapshots");
  check_refs("select * from a.\"x\"\"y\", t$snapshots", "a.x\"y t$snapshots");
}

static void check_fails(const char *sql, firn_status status, const char *says) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_sql_statement s;
  CHECK_STATUS(firn_sql_statement_read(firn_bytes_of(sql), &arena, &s, &err), status);
  CHECK_SAYS(says);
}

static void complains_with_line_and_column(void **state) {
  (void)state;
  check_fails("select 'abc", FIRN_INVALID, "line 1, column 8: a text in quotes begins here and does not end");
  check_fails("select\n  \"abc", FIRN_INVALID, "line 2, column 3: a name in quotes");
  check_fails("select /* a /* b */", FIRN_INVALID, "line 1, column 8: a comment begins here");
  check_fails("select $x$ a $y$", FIRN_INVALID, "line 1, column 8: a text in dollar quotes");
  check_fails("select \xff", FIRN_INVALID, "line 1, column 8: this is not UTF-8");
  check_fails("  -- nothing", FIRN_INVALID, "there is no statement");
  check_fails("select * from t for system_time between 1 and 2", FIRN_INVALID,
              "line 1, column 33: AS OF is expected, not between");
  check_fails("select * from t at (branch => 1)", FIRN_INVALID,
              "VERSION or TIMESTAMP is expected, not branch");
  check_fails("select * from t for version as of x", FIRN_INVALID, "column 35: a snapshot's id");
  check_fails("select * from t for timestamp as of '2024-13-01'", FIRN_INVALID, "line 1, column 37");
  check_fails("select * from t for version as of 99999999999999999999", FIRN_INVALID, "column 35");
  check_fails("select * from a.", FIRN_INVALID, "a table's name is expected, but the statement ends");
  check_fails("select * from a.\"\"", FIRN_INVALID, "a table's name is expected");
  check_fails("explain drop table x", FIRN_INVALID, "a query is expected, not drop");
  check_fails("with a as (select 1) insert into t select * from a", FIRN_UNSUPPORTED,
              "write INSERT INTO t WITH");
}

/* More of it is only slower: under ASan a second for each. */
enum { TRIED_BYTES = 1 << 20 };

static firn_bytes repeated(firn_arena *arena, const char *part, size_t bytes) {
  uint8_t *made = firn_arena_alloc_bytes(arena, bytes);
  assert_non_null(made);
  size_t len = strlen(part);
  for (size_t i = 0; i < bytes; i++) {
    made[i] = (uint8_t)part[i % len];
  }
  return (firn_bytes){made, bytes};
}

static void megabytes_of_anything_are_quick(void **state) {
  (void)state;
  static const char *const parts[] = {"(",  ")",      "[{",      "1,",    "a ", "from a,",     "'",
                                      "''", "\"",     "/*",      "$",     "$$", "with a as (", ".",
                                      "a.", "union ", "select ", "case ", "->", "-- \n",       "\n"};
  for (size_t i = 0; i < FIRN_COUNT_OF(parts); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_sql_statement s;
    firn_error err = {0};
    firn_status status = firn_sql_statement_read(repeated(&arena, parts[i], TRIED_BYTES), &arena, &s, &err);
    assert_true(status == FIRN_OK || (status != FIRN_NOMEM && err.text[0] != 0));
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_sql_statement s;
  firn_error err = {0};
  CHECK_STATUS(firn_sql_statement_read(repeated(&arena, " ", FIRN_SQL_MAX_BYTES + 1), &arena, &s, &err),
               FIRN_LIMIT);
  CHECK_STATUS(firn_sql_statement_read(repeated(&arena, "(", 10 << 20), &arena, &s, &err), FIRN_LIMIT);
  CHECK_SAYS("line 1, column 201: more than 200 brackets within each other");
}

static const char hostile[] =
    "with recursive a(x) as (select 'q''q', e'\\x41' from \"n\"\"s\".t for version as of 7) -- c\n"
    "select $a$ b $a$, x -> 1, [1, {'k': 2}] /* c /* d */ */ from a, `b`.c at (timestamp => '2024-01-01'), "
    "'p/q'";

static void survives_every_cut_and_flip(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t len = 0; len < sizeof hostile - 1; len++) {
    for (int flip = 0; flip < 9; flip++) {
      firn_arena_reset(&arena);
      uint8_t *copy = firn_arena_alloc_bytes(&arena, len + 1);
      assert_non_null(copy);
      memcpy(copy, hostile, len + 1);
      if (flip > 0) {
        copy[len] ^= (uint8_t)(1 << (flip - 1));
      }
      firn_sql_statement s;
      firn_error err = {0};
      firn_status status = firn_sql_statement_read((firn_bytes){copy, len + (flip > 0)}, &arena, &s, &err);
      assert_true(status == FIRN_OK || err.text[0] != 0);
    }
  }
}

static firn_status read_hostile(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_sql_statement s;
  return firn_sql_statement_read(firn_bytes_of(hostile), &arena, &s, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_hostile);
}

static void check_denied(const char *sql, const char *says) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_sql_statement s;
  CHECK_OK(firn_sql_statement_read(firn_bytes_of(sql), &arena, &s, &err));
  CHECK_STATUS(firn_sql_read_only_check(&s, &err), FIRN_DENIED);
  CHECK_SAYS(says);
}

static void read_only_allows_queries_of_tables_alone(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const fine[] = {
      "select * from a.t, range(3), unnest([1]) where x like 'read_csv(%'",
      "describe a.t",
      "show tables",
      "show namespaces",
      "with a as (select 1) from a",
      "summarize a.t",
      "explain select \"getenv\" from a.t",
      "values (1)",
      "select t.show from a.t t",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(fine); i++) {
    firn_error err = {0};
    firn_sql_statement s;
    CHECK_OK(firn_sql_statement_read(firn_bytes_of(fine[i]), &arena, &s, &err));
    CHECK_OK(firn_sql_read_only_check(&s, &err));
  }
  check_denied("select * from read_csv('/etc/passwd')", "line 1, column 15: the table function read_csv");
  check_denied("select * from \"read_text\" ('/etc/passwd')", "read_text");
  check_denied("select * from main.duckdb_settings()", "duckdb_settings");
  check_denied("select (select content from read_blob('x'))", "read_blob");
  check_denied("select getenv /* */ ('HOME')", "the function getenv");
  check_denied("select 'HOME'.\"getenv\"()", "getenv");
  check_denied("select current_setting('memory_limit')", "current_setting");
  check_denied("select json_serialize_plan('select 1')", "json_serialize_plan");
  check_denied("select * from query('select 1')", "query");
  check_denied("select * from 'a/b'", "tables by path");
  check_denied("select * from 'x.csv'", "tables by path");
  check_denied("select * from \"/etc/passwd\"", "tables by path");
  check_denied("select * from (show all tables)", "show");
  check_denied("describe 'a/b'", "the path 'a/b'");
  check_denied("copy (select 1) to 'x'", "only queries are allowed here, not copy");
  check_denied("attach 'x' as y", "not attach");
  check_denied("set memory_limit = '1GB'", "not set");
  check_denied("pragma version", "not pragma");
  check_denied("install httpfs", "not install");
  check_denied("drop table a.t", "not drop");
  check_denied("use a", "not use");
  check_denied("delete from a.t", "not delete");
  check_denied("call a()", "not call");
  check_denied("prepare x as select 1", "not prepare");
  check_denied("create temp table x as select 1", "not create");
}

RUN_TESTS(finds_tables_where_they_may_stand, leaves_alone_what_is_no_table,
          sees_the_scopes_of_common_table_expressions, reads_every_form_of_time_travel, takes_paths,
          names_may_be_keywords_quoted_or_apart, complains_with_line_and_column,
          megabytes_of_anything_are_quick, survives_every_cut_and_flip, survives_oom,
          read_only_allows_queries_of_tables_alone)

#include "services/sql/statement_internal.h"

#include "services/sql/ddl_internal.h"

static firn_status refuse(firn_sql_statement *out, const char *sentence) {
  out->kind = FIRN_SQL_REFUSED;
  out->refusal = sentence;
  return FIRN_OK;
}

static firn_status engine_own(firn_parser *p, firn_sql_statement *out) {
  (void)p;
  out->kind = FIRN_SQL_ENGINE;
  return FIRN_OK;
}

static firn_status target(firn_parser *p, const char *what, firn_sql_statement *out, firn_error *err) {
  return firn_parser_names(p, what, &out->n_target, &out->target, err);
}

static firn_status read_query(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_QUERY;
  out->query_at = firn_parser_token(p, 0)->at;
  out->query_len = out->text.len - out->query_at;
  return firn_sql_query_read(p, out, err);
}

/* Behind EXPLAIN: ANALYZE, and options in brackets. */
static firn_status read_explain(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  (void)(firn_parser_takes(p, "analyze") || firn_parser_takes(p, "analyse"));
  if (firn_parser_sees_all(p, "( analyze") || firn_parser_sees_all(p, "( format")) {
    FIRN_TRY(firn_parser_skip_brackets(p, err));
  }
  if (!firn_sql_query_begins(p, 0) && !firn_parser_sees(p, 0, "(")) {
    return firn_parser_fail(p, "a query", err);
  }
  out->is_explained = true;
  return read_query(p, out, err);
}

static firn_status describe_target(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_DESCRIBE;
  if (firn_parser_token(p, 0)->kind == FIRN_TOKEN_TEXT) {
    const char **parts = firn_new_n(p->arena, const char *, 1);
    if (parts == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    }
    FIRN_TRY(firn_parser_quoted_text(p, "a path", &parts[0], err));
    out->target = parts;
    out->n_target = 1;
    out->target_is_path = true;
  } else {
    FIRN_TRY(target(p, "a table or a query", out, err));
  }
  return firn_parser_need_end(p, err);
}

static firn_status read_describe(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  bool is_query = firn_sql_query_begins(p, 0) && !firn_parser_sees(p, 0, "table");
  if (is_query || firn_parser_sees(p, 0, "(")) {
    out->is_explained = true;
    return read_query(p, out, err);
  }
  (void)(firn_parser_takes(p, "table extended") || firn_parser_takes(p, "table") ||
         firn_parser_takes(p, "extended"));
  return describe_target(p, out, err);
}

static firn_status read_summarize(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->is_explained = true;
  return read_query(p, out, err);
}

static firn_status read_show(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  bool namespaces = firn_parser_takes(p, "namespaces") || firn_parser_takes(p, "schemas") ||
                    firn_parser_takes(p, "databases");
  bool tables = !namespaces && (firn_parser_takes(p, "tables") || firn_parser_takes(p, "all tables"));
  if (namespaces || tables) {
    out->kind = namespaces ? FIRN_SQL_SHOW_NAMESPACES : FIRN_SQL_SHOW_TABLES;
    if (firn_parser_takes(p, "in") || firn_parser_takes(p, "from")) {
      FIRN_TRY(target(p, "a namespace", out, err));
    }
    return firn_parser_need_end(p, err);
  }
  if (firn_parser_takes(p, "columns from") || firn_parser_takes(p, "columns in")) {
    return describe_target(p, out, err);
  }
  if (firn_parser_sees_all(p, "create table")) {
    return refuse(out, "SHOW CREATE TABLE is not built; DESCRIBE shows the columns");
  }
  return engine_own(p, out);
}

static firn_status read_use(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  out->kind = FIRN_SQL_USE;
  (void)(firn_parser_takes(p, "namespace") || firn_parser_takes(p, "schema"));
  FIRN_TRY(target(p, "a namespace", out, err));
  return firn_parser_need_end(p, err);
}

static firn_status read_drop_namespace(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_DROP_NAMESPACE;
  out->if_exists = firn_parser_takes(p, "if exists");
  FIRN_TRY(target(p, "a namespace", out, err));
  out->cascade = firn_parser_takes(p, "cascade");
  (void)firn_parser_takes(p, "restrict");
  return firn_parser_need_end(p, err);
}

static firn_status read_drop(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  if (firn_parser_takes(p, "namespace") || firn_parser_takes(p, "schema") ||
      firn_parser_takes(p, "database")) {
    return read_drop_namespace(p, out, err);
  }
  if (!firn_parser_takes(p, "table")) {
    return engine_own(p, out);
  }
  out->kind = FIRN_SQL_DROP_TABLE;
  out->if_exists = firn_parser_takes(p, "if exists");
  FIRN_TRY(target(p, "a table", out, err));
  out->purge = firn_parser_takes(p, "purge");
  return firn_parser_need_end(p, err);
}

static firn_status read_deletes(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  (void)p;
  (void)err;
  return refuse(
      out,
      "DELETE, UPDATE, MERGE and TRUNCATE come with deletes, which firn does not write yet; rows can be "
      "added (INSERT) and tables made anew (CREATE OR REPLACE TABLE ... AS)");
}

static firn_status read_transaction(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  (void)p;
  (void)err;
  return refuse(out,
                "there are no transactions of several statements: each statement is kept when it is done");
}

static firn_status read_create_namespace(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_CREATE_NAMESPACE;
  out->if_not_exists = firn_parser_takes(p, "if not exists");
  FIRN_TRY(target(p, "a namespace", out, err));
  for (;;) {
    if (firn_parser_takes(p, "comment")) {
      FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes", &out->comment, err));
    } else if (firn_parser_takes(p, "location")) {
      FIRN_TRY(firn_parser_quoted_text(p, "a location in quotes", &out->location, err));
    } else if (firn_parser_takes(p, "with dbproperties") || firn_parser_takes(p, "with properties") ||
               firn_parser_sees_all(p, "with (")) {
      (void)firn_parser_takes(p, "with");
      FIRN_TRY(firn_sql_properties_read(p, &out->properties, err));
    } else {
      return firn_parser_need_end(p, err);
    }
  }
}

/* CREATE TEMP TABLE x AS query, and what else of the engine's holds a query: its tables are ours. */
static firn_status read_query_behind_as(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  while (!firn_parser_is_over(p)) {
    if (firn_parser_sees(p, 0, "(")) {
      FIRN_TRY(firn_parser_skip_brackets(p, err));
    } else if (firn_parser_takes(p, "as")) {
      FIRN_TRY(firn_sql_query_read(p, out, err));
    } else {
      p->at++;
    }
  }
  return engine_own(p, out);
}

static firn_status read_create(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  out->or_replace = firn_parser_takes(p, "or replace");
  if (firn_parser_takes(p, "namespace") || firn_parser_takes(p, "schema") ||
      firn_parser_takes(p, "database")) {
    return read_create_namespace(p, out, err);
  }
  if (firn_parser_takes(p, "table")) {
    return firn_sql_create_table_read(p, out, err);
  }
  if (firn_parser_takes(p, "temp table") || firn_parser_takes(p, "temporary table")) {
    return read_query_behind_as(p, out, err);
  }
  if (firn_parser_sees(p, 0, "view") || firn_parser_sees_all(p, "materialized view") ||
      firn_parser_sees_all(p, "temp view") || firn_parser_sees_all(p, "temporary view")) {
    return refuse(out,
                  "views are not built yet; CREATE TEMP TABLE t AS keeps a query's rows for the session");
  }
  return engine_own(p, out);
}

/* COPY (query) TO, COPY table TO: what is read is ours. */
static firn_status read_copy(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  out->kind = FIRN_SQL_ENGINE;
  if (firn_parser_sees(p, 0, "(")) {
    return firn_sql_query_read(p, out, err);
  }
  return FIRN_OK;
}

static firn_status read_alter(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  return firn_parser_takes(p, "table") ? firn_sql_alter_read(p, out, err) : engine_own(p, out);
}

static firn_status read_insert(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  return firn_sql_insert_read(p, out, err);
}

static firn_status read_call(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  return firn_sql_call_read(p, out, err);
}

static firn_status read_comment(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  p->at++;
  return firn_parser_takes(p, "on") ? firn_sql_comment_read(p, out, err) : engine_own(p, out);
}

static firn_status read_engine_own(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  (void)err;
  return engine_own(p, out);
}

typedef firn_status (*reader)(firn_parser *p, firn_sql_statement *out, firn_error *err);

static reader reader_of(const firn_parser *p) {
  static const struct {
    const char *word;
    reader read;
  } readers[] = {
      {"explain", read_explain},
      {"describe", read_describe},
      {"desc", read_describe},
      {"summarize", read_summarize},
      {"show", read_show},
      {"use", read_use},
      {"drop", read_drop},
      {"delete", read_deletes},
      {"update", read_deletes},
      {"create", read_create},
      {"alter", read_alter},
      {"insert", read_insert},
      {"call", read_call},
      {"copy", read_copy},
      {"comment", read_comment},
      {"merge", read_deletes},
      {"truncate", read_deletes},
      {"begin", read_transaction},
      {"start", read_transaction},
      {"commit", read_transaction},
      {"end", read_transaction},
      {"abort", read_transaction},
      {"rollback", read_transaction},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(readers); i++) {
    if (firn_parser_sees(p, 0, readers[i].word)) {
      return readers[i].read;
    }
  }
  bool is_query = firn_sql_query_begins(p, 0) || firn_parser_sees(p, 0, "(");
  return is_query ? read_query : read_engine_own;
}

firn_status firn_sql_statement_read(firn_bytes text, firn_arena *arena, firn_sql_statement *out,
                                    firn_error *err) {
  firn_sql_statement s = {.text = text};
  FIRN_TRY(firn_sql_tokens(text, arena, &s.tokens, &s.n_tokens, err));
  firn_parser p = {.text = text, .tokens = s.tokens, .n = s.n_tokens, .arena = arena};
  if (s.n_tokens == 0) {
    return firn_error_set(err, FIRN_INVALID, "there is no statement");
  }
  FIRN_TRY(reader_of(&p)(&p, &s, err));
  *out = s;
  return FIRN_OK;
}

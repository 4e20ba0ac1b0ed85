#include "services/sql/statement_internal.h"

#include "services/sql/query_internal.h"

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

static firn_status read_later(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  (void)err;
  bool is_engines = firn_parser_takes(p, "create") && !firn_parser_takes(p, "or replace") &&
                    !firn_parser_sees(p, 0, "table") && !firn_parser_sees(p, 0, "namespace") &&
                    !firn_parser_sees(p, 0, "schema");
  return is_engines ? engine_own(p, out) : refuse(out, "this statement is not built yet");
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
      {"explain", read_explain},     {"describe", read_describe}, {"desc", read_describe},
      {"summarize", read_summarize}, {"show", read_show},         {"use", read_use},
      {"drop", read_drop},           {"delete", read_deletes},    {"update", read_deletes},
      {"create", read_later},        {"alter", read_later},       {"insert", read_later},
      {"call", read_later},          {"merge", read_deletes},     {"truncate", read_deletes},
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

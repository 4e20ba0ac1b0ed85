/* What may be asked from a network. A list of what is allowed, where there is one: statements, table
 * functions; of scalar functions, which are very many, those are refused that tell of the machine or run text
 * as SQL. The engine itself is opened closed besides: it reaches no file and no setting can be changed. */
#include "services/sql/statement_internal.h"

#include <strings.h>

static bool is_among(const firn_parser *p, const firn_token *t, const char *const *list, size_t n) {
  firn_bytes name = firn_parser_bytes(p, t);
  if (t->kind == FIRN_TOKEN_QUOTED && name.len >= 2) {
    name = firn_bytes_part(name, 1, name.len - 2);
  }
  for (size_t i = 0; i < n; i++) {
    if (name.len == strlen(list[i]) && strncasecmp((const char *)name.data, list[i], name.len) == 0) {
      return true;
    }
  }
  return false;
}

static firn_status denied(const firn_parser *p, const firn_token *t, const char *what, firn_error *err) {
  firn_sql_place place = firn_sql_place_of(p->text, t->at);
  firn_bytes name = firn_bytes_part(firn_parser_bytes(p, t), 0, 60);
  return firn_error_set(err, FIRN_DENIED, "line %zu, column %zu: %s %.*s is not allowed here", place.line,
                        place.column, what, FIRN_FORMAT_BYTES(name));
}

static firn_status functions_check(const firn_sql_statement *s, const firn_parser *p, firn_error *err) {
  static const char *const tables[] = {
      "unnest",    "range",     "generate_series", "generate_subscripts", "repeat", "repeat_row",
      "json_each", "json_tree", "values",
  };
  static const char *const refused[] = {
      "getenv",
      "current_setting",
      "json_serialize_plan",
      "json_serialize_sql",
      "json_deserialize_sql",
      "nextval",
      "currval",
      "write_log",
      "getvariable",
      "query",
      "query_table",
      "json_execute_serialized_sql",
      "add_parquet_key",
      "which_secret",
      "parse_duckdb_log_message",
      "txid_current",
      "pg_get_viewdef",
      "setseed",
      "current_database",
      "current_schemas",
      "read_text",
      "read_blob",
      "read_csv",
      "read_csv_auto",
      "read_json",
      "read_json_auto",
      "read_parquet",
      "parquet_scan",
      "glob",
      "sniff_csv",
      "checkpoint",
      "force_checkpoint",
  };
  for (size_t i = 0; i < s->n_functions; i++) {
    if (!is_among(p, &s->tokens[s->functions[i]], tables, FIRN_COUNT_OF(tables))) {
      return denied(p, &s->tokens[s->functions[i]], "the table function", err);
    }
  }
  for (size_t i = 0; i + 1 < s->n_tokens; i++) {
    const firn_token *next = &s->tokens[i + 1];
    bool is_call = next->kind == FIRN_TOKEN_MARK && s->text.data[next->at] == '(' &&
                   (s->tokens[i].kind == FIRN_TOKEN_WORD || s->tokens[i].kind == FIRN_TOKEN_QUOTED);
    if (is_call && is_among(p, &s->tokens[i], refused, FIRN_COUNT_OF(refused))) {
      return denied(p, &s->tokens[i], "the function", err);
    }
  }
  return FIRN_OK;
}

/* SHOW within a query tells of the engine's own names. */
static firn_status shows_check(const firn_sql_statement *s, const firn_parser *p, firn_error *err) {
  static const char *const show[] = {"show"};
  for (size_t i = 0; i < s->n_tokens; i++) {
    bool is_column =
        i > 0 && s->tokens[i - 1].kind == FIRN_TOKEN_MARK && s->text.data[s->tokens[i - 1].at] == '.';
    if (s->tokens[i].kind == FIRN_TOKEN_WORD && !is_column && is_among(p, &s->tokens[i], show, 1)) {
      return denied(p, &s->tokens[i], "within a query", err);
    }
  }
  return FIRN_OK;
}

firn_status firn_sql_read_only_check(const firn_sql_statement *s, firn_error *err) {
  const firn_parser p = {.text = s->text, .tokens = s->tokens, .n = s->n_tokens};
  switch (s->kind) {
    case FIRN_SQL_DESCRIBE:
    case FIRN_SQL_SHOW_NAMESPACES:
    case FIRN_SQL_SHOW_TABLES:
      return s->target_is_path ? denied(&p, &s->tokens[s->n_tokens - 1], "the path", err) : FIRN_OK;
    case FIRN_SQL_QUERY:
      break;
    default: {
      firn_bytes first = firn_bytes_part(firn_parser_bytes(&p, &s->tokens[0]), 0, 60);
      return firn_error_set(err, FIRN_DENIED, "only queries are allowed here, not %.*s",
                            FIRN_FORMAT_BYTES(first));
    }
  }
  FIRN_TRY(functions_check(s, &p, err));
  FIRN_TRY(shows_check(s, &p, err));
  for (size_t i = 0; i < s->n_refs; i++) {
    if (s->refs[i].is_path || s->refs[i].is_text) {
      firn_sql_place place = firn_sql_place_of(s->text, s->refs[i].at);
      return firn_error_set(err, FIRN_DENIED,
                            "line %zu, column %zu: tables by path are not allowed here, only tables by name",
                            place.line, place.column);
    }
  }
  return FIRN_OK;
}

/* CALL catalog.system.procedure(...), as Spark has it: those that move branches. */
#include <strings.h>

#include "services/sql/ddl_internal.h"

typedef struct procedure {
  const char *name;
  firn_change_kind kind;
  const char *parameters[3]; /* in their order; the first is the table */
} procedure;

static const procedure procedures[] = {
    {"rollback_to_snapshot", FIRN_CHANGE_ROLLBACK, {"table", "snapshot_id"}},
    {"rollback_to_timestamp", FIRN_CHANGE_ROLLBACK, {"table", "timestamp"}},
    {"set_current_snapshot", FIRN_CHANGE_SET_CURRENT, {"table", "snapshot_id", "ref"}},
    {"fast_forward", FIRN_CHANGE_FAST_FORWARD, {"table", "branch", "to"}},
};

static firn_status read_table(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  const char *text;
  FIRN_TRY(firn_parser_quoted_text(p, "a table's name in quotes", &text, err));
  firn_parser inner = {.text = firn_bytes_of(text), .arena = p->arena};
  FIRN_TRY(firn_sql_tokens(inner.text, inner.arena, &inner.tokens, &inner.n, err));
  FIRN_TRY(firn_parser_names(&inner, "a table's name", &out->n_target, &out->target, err));
  return firn_parser_need_end(&inner, err);
}

/* The argument of one parameter. */
static firn_status read_argument(firn_parser *p, const char *parameter, firn_sql_statement *out,
                                 firn_change *change, firn_error *err) {
  if (strcmp(parameter, "table") == 0) {
    return read_table(p, out, err);
  }
  if (strcmp(parameter, "snapshot_id") == 0) {
    change->at.kind = FIRN_AT_ID;
    return firn_parser_whole(p, "a snapshot's id", &change->at.id, err);
  }
  if (strcmp(parameter, "timestamp") == 0) {
    firn_snapshot_choice choice;
    FIRN_TRY(firn_sql_time_read(p, &choice, err));
    change->at = (firn_change_at){.kind = FIRN_AT_TIME, .id = choice.timestamp_ms};
    return FIRN_OK;
  }
  if (strcmp(parameter, "ref") == 0) {
    change->at.kind = FIRN_AT_REF;
    return firn_parser_quoted_text(p, "a branch or tag in quotes", &change->at.ref, err);
  }
  return firn_parser_quoted_text(p, "a branch in quotes",
                                 strcmp(parameter, "to") == 0 ? &change->to : &change->name, err);
}

static const char *parameter_named(const procedure *of, firn_parser *p) {
  for (size_t i = 0; i < FIRN_COUNT_OF(of->parameters) && of->parameters[i] != NULL; i++) {
    if (firn_parser_sees(p, 0, of->parameters[i])) {
      return of->parameters[i];
    }
  }
  return NULL;
}

static firn_status read_arguments(firn_parser *p, const procedure *of, firn_sql_statement *out,
                                  firn_change *change, firn_error *err) {
  size_t n = 0;
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    bool is_named = firn_parser_sees(p, 1, "=>");
    const char *parameter = is_named                            ? parameter_named(of, p)
                            : n < FIRN_COUNT_OF(of->parameters) ? of->parameters[n]
                                                                : NULL;
    if (parameter == NULL) {
      return firn_parser_fail(p, "an argument that the procedure has", err);
    }
    p->at += is_named ? 2 : 0;
    FIRN_TRY(read_argument(p, parameter, out, change, err));
    n++;
  } while (firn_parser_takes(p, ","));
  return firn_parser_need(p, ")", err);
}

static firn_status check_arguments(const firn_parser *p, const firn_sql_statement *out,
                                   const firn_change *change, firn_error *err) {
  bool has_all = change->kind == FIRN_CHANGE_FAST_FORWARD ? change->name != NULL && change->to != NULL
                                                          : change->at.kind != FIRN_AT_CURRENT;
  return out->n_target > 0 && has_all ? FIRN_OK : firn_parser_fail(p, "every argument of the procedure", err);
}

firn_status firn_sql_call_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  size_t n;
  const char *const *parts;
  FIRN_TRY(firn_parser_names(p, "a procedure", &n, &parts, err));
  bool is_system = n >= 2 && n <= 3 && strcasecmp(parts[n - 2], "system") == 0;
  if (!is_system) {
    out->kind = FIRN_SQL_ENGINE;
    return FIRN_OK;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(procedures); i++) {
    if (strcasecmp(parts[n - 1], procedures[i].name) != 0) {
      continue;
    }
    firn_change *change = firn_new(p->arena, firn_change);
    if (change == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
    }
    change->kind = procedures[i].kind;
    FIRN_TRY(read_arguments(p, &procedures[i], out, change, err));
    FIRN_TRY(firn_parser_need_end(p, err));
    FIRN_TRY(check_arguments(p, out, change, err));
    out->kind = FIRN_SQL_ALTER_TABLE;
    out->changes = change;
    out->n_changes = 1;
    return FIRN_OK;
  }
  out->kind = FIRN_SQL_REFUSED;
  out->refusal =
      "of the procedures in system, rollback_to_snapshot, rollback_to_timestamp, "
      "set_current_snapshot and fast_forward are built, the others not yet";
  return FIRN_OK;
}

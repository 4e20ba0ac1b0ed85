/* ALTER TABLE in the forms of DuckDB, Spark with Iceberg's extensions, and Trino. */
#include "services/sql/ddl_internal.h"

typedef struct changes {
  firn_parser *p;
  firn_sql_statement *out;
  firn_change *items;
  size_t n, capacity;
  int32_t last_id; /* of columns that are read */
} changes;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
}

static firn_status add(changes *c, firn_change change, firn_error *err) {
  enum { CHANGES_MAX = 10000 };
  if (c->n >= CHANGES_MAX) {
    return firn_parser_fail(c->p, "fewer changes", err);
  }
  c->items = firn_arena_grow(c->p->arena, c->items, c->n, &c->capacity, sizeof *c->items);
  if (c->items == NULL) {
    return no_memory(err);
  }
  change.ignore_case = true;
  c->items[c->n++] = change;
  return FIRN_OK;
}

/* A column by its dotted name; `last` (may be NULL) is the part behind the last dot. */
static firn_status read_column(changes *c, const char **dotted, const char **last, firn_error *err) {
  firn_namespace parts;
  FIRN_TRY(firn_parser_names(c->p, "a column's name", &parts.n_levels, &parts.levels, err));
  *dotted = firn_namespace_text(&parts, c->p->arena);
  if (last != NULL) {
    *last = parts.levels[parts.n_levels - 1];
  }
  return *dotted == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_place(changes *c, firn_column_place *out, bool *taken, firn_error *err) {
  *taken = true;
  if (firn_parser_takes(c->p, "first")) {
    out->kind = FIRN_PLACE_FIRST;
    return FIRN_OK;
  }
  bool after = firn_parser_takes(c->p, "after");
  if (after || firn_parser_takes(c->p, "before")) {
    out->kind = after ? FIRN_PLACE_AFTER : FIRN_PLACE_BEFORE;
    return read_column(c, &out->of, NULL, err);
  }
  if (firn_parser_takes(c->p, "last")) {
    out->kind = FIRN_PLACE_LAST;
    return FIRN_OK;
  }
  *taken = false;
  return FIRN_OK;
}

static firn_status read_added(changes *c, bool if_not_exists, firn_error *err) {
  firn_parser *p = c->p;
  firn_change change = {.kind = FIRN_CHANGE_ADD_COLUMN, .if_not_exists = if_not_exists};
  FIRN_TRY(read_column(c, &change.name, &change.field.name, err));
  change.field.id = ++c->last_id;
  const char *name = change.field.name;
  FIRN_TRY(firn_sql_type_read(p, &c->last_id, &change.field, err));
  change.field.name = name;
  for (;;) {
    bool taken = false;
    FIRN_TRY(read_place(c, &change.place, &taken, err));
    if (taken || firn_parser_takes(p, "null")) {
      continue;
    }
    if (firn_parser_takes(p, "comment")) {
      FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes", &change.field.doc, err));
    } else if (firn_parser_sees_all(p, "not null") || firn_parser_sees(p, 0, "default")) {
      return firn_parser_fail(p, "a column that may be null (rows that are there have no value of it)", err);
    } else {
      return add(c, change, err);
    }
  }
}

static firn_status read_add(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  if (firn_parser_takes(p, "partition field")) {
    firn_change change = {.kind = FIRN_CHANGE_ADD_PARTITION};
    FIRN_TRY(firn_sql_text_until(p, NULL, &change.text, err));
    return add(c, change, err);
  }
  (void)(firn_parser_takes(p, "columns") || firn_parser_takes(p, "column"));
  bool if_not_exists = firn_parser_takes(p, "if not exists");
  bool in_brackets = firn_parser_takes(p, "(");
  do {
    FIRN_TRY(read_added(c, if_not_exists, err));
  } while (firn_parser_takes(p, ","));
  return in_brackets ? firn_parser_need(p, ")", err) : FIRN_OK;
}

static firn_status read_dropped_ref(changes *c, firn_change_kind kind, firn_error *err) {
  firn_change change = {.kind = kind, .if_exists = firn_parser_takes(c->p, "if exists")};
  FIRN_TRY(firn_parser_name(c->p, "a branch's or tag's name", &change.name, err));
  return add(c, change, err);
}

static firn_status read_drop(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  if (firn_parser_takes(p, "partition field")) {
    firn_change change = {.kind = FIRN_CHANGE_DROP_PARTITION};
    FIRN_TRY(firn_sql_text_until(p, NULL, &change.text, err));
    return add(c, change, err);
  }
  if (firn_parser_takes(p, "branch")) {
    return read_dropped_ref(c, FIRN_CHANGE_DROP_BRANCH, err);
  }
  if (firn_parser_takes(p, "tag")) {
    return read_dropped_ref(c, FIRN_CHANGE_DROP_TAG, err);
  }
  if (firn_parser_sees_all(p, "identifier fields")) {
    return firn_parser_fail(p, "SET IDENTIFIER FIELDS with those that remain", err);
  }
  (void)(firn_parser_takes(p, "columns") || firn_parser_takes(p, "column"));
  bool if_exists = firn_parser_takes(p, "if exists"), in_brackets = firn_parser_takes(p, "(");
  do {
    firn_change change = {.kind = FIRN_CHANGE_DROP_COLUMN, .if_exists = if_exists};
    FIRN_TRY(read_column(c, &change.name, NULL, err));
    FIRN_TRY(add(c, change, err));
  } while (firn_parser_takes(p, ","));
  return in_brackets ? firn_parser_need(p, ")", err) : FIRN_OK;
}

static firn_status read_rename(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  if (firn_parser_takes(p, "to")) {
    c->out->kind = FIRN_SQL_RENAME_TABLE;
    return firn_parser_names(p, "the new name", &c->out->n_to, &c->out->to, err);
  }
  firn_change change = {.kind = FIRN_CHANGE_RENAME_COLUMN};
  if (firn_parser_takes(p, "branch") || firn_parser_takes(p, "tag")) {
    change.kind = FIRN_CHANGE_RENAME_REF;
    FIRN_TRY(firn_parser_name(p, "a branch's or tag's name", &change.name, err));
  } else if (firn_parser_takes(p, "partition field")) {
    change.kind = FIRN_CHANGE_RENAME_PARTITION;
    FIRN_TRY(firn_parser_name(p, "a partition field's name", &change.name, err));
  } else {
    (void)firn_parser_takes(p, "column");
    change.if_exists = firn_parser_takes(p, "if exists");
    FIRN_TRY(read_column(c, &change.name, NULL, err));
  }
  FIRN_TRY(firn_parser_need(p, "to", err));
  FIRN_TRY(firn_parser_name(p, "the new name", &change.to, err));
  return add(c, change, err);
}

/* ALTER COLUMN x ... */
static firn_status read_alter_column(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  (void)firn_parser_takes(p, "column");
  firn_change change = {0};
  bool taken = false;
  FIRN_TRY(read_column(c, &change.name, NULL, err));
  FIRN_TRY(read_place(c, &change.place, &taken, err));
  if (taken) {
    change.kind = FIRN_CHANGE_MOVE_COLUMN;
  } else if (firn_parser_takes(p, "drop not null")) {
    change.kind = FIRN_CHANGE_SET_OPTIONAL;
  } else if (firn_parser_takes(p, "set not null")) {
    change.kind = FIRN_CHANGE_SET_REQUIRED;
  } else if (firn_parser_takes(p, "comment")) {
    change.kind = FIRN_CHANGE_SET_DOC;
    FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes", &change.text, err));
  } else if (firn_parser_takes(p, "set data type") || firn_parser_takes(p, "type")) {
    change.kind = FIRN_CHANGE_SET_TYPE;
    FIRN_TRY(firn_sql_type_read(p, &c->last_id, &change.field, err));
  } else {
    return firn_parser_fail(p, "TYPE, SET NOT NULL, DROP NOT NULL, COMMENT, FIRST or AFTER", err);
  }
  return add(c, change, err);
}

static firn_status read_replace_partition(changes *c, firn_error *err) {
  firn_change drop = {.kind = FIRN_CHANGE_DROP_PARTITION}, made = {.kind = FIRN_CHANGE_ADD_PARTITION};
  FIRN_TRY(firn_sql_text_until(c->p, "with", &drop.text, err));
  FIRN_TRY(firn_parser_need(c->p, "with", err));
  FIRN_TRY(firn_sql_text_until(c->p, NULL, &made.text, err));
  FIRN_TRY(add(c, drop, err));
  return add(c, made, err);
}

/* n DAYS, HOURS or MINUTES as milliseconds. */
static firn_status read_duration(firn_parser *p, int64_t n, int64_t *out, firn_error *err) {
  static const struct {
    const char *word;
    int64_t ms;
  } units[] = {{"day", 86400000},  {"days", 86400000}, {"hour", 3600000},
               {"hours", 3600000}, {"minute", 60000},  {"minutes", 60000}};
  for (size_t i = 0; i < FIRN_COUNT_OF(units); i++) {
    if (n > 0 && n <= INT64_MAX / units[i].ms && firn_parser_takes(p, units[i].word)) {
      *out = n * units[i].ms;
      return FIRN_OK;
    }
  }
  return firn_parser_fail(p, "DAYS, HOURS or MINUTES, a positive number of them,", err);
}

static firn_status read_retention(firn_parser *p, firn_change *change, firn_error *err) {
  int64_t n;
  if (firn_parser_takes(p, "retain")) {
    FIRN_TRY(firn_parser_whole(p, "a number", &n, err));
    FIRN_TRY(read_duration(p, n, &change->max_ref_age_ms, err));
  }
  if (!firn_parser_takes(p, "with snapshot retention")) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_parser_whole(p, "a number", &n, err));
  if (n > 0 && firn_parser_takes(p, "snapshots")) {
    change->min_snapshots_to_keep = n;
    if (firn_parser_token(p, 0)->kind != FIRN_TOKEN_NUMBER) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_parser_whole(p, "a number", &n, err));
  }
  return read_duration(p, n, &change->max_snapshot_age_ms, err);
}

/* CREATE [OR REPLACE], REPLACE: BRANCH or TAG. A replacement with `if_not_exists` makes what is missing. */
static firn_status read_ref(changes *c, bool replaces, bool creates, firn_error *err) {
  firn_parser *p = c->p;
  bool is_tag = firn_parser_takes(p, "tag");
  if (!is_tag) {
    FIRN_TRY(firn_parser_takes(p, "branch") ? FIRN_OK : firn_parser_fail(p, "BRANCH or TAG", err));
  }
  firn_change change = {.kind = is_tag ? FIRN_CHANGE_CREATE_TAG : FIRN_CHANGE_CREATE_BRANCH};
  if (replaces) {
    change.kind = is_tag ? FIRN_CHANGE_REPLACE_TAG : FIRN_CHANGE_REPLACE_BRANCH;
    change.if_not_exists = creates;
  }
  change.if_not_exists |= firn_parser_takes(p, "if not exists");
  FIRN_TRY(firn_parser_name(p, "a branch's or tag's name", &change.name, err));
  if (firn_parser_takes(p, "as of version")) {
    change.at.kind = FIRN_AT_ID;
    FIRN_TRY(firn_parser_whole(p, "a snapshot's id", &change.at.id, err));
  } else if (firn_parser_takes(p, "as of timestamp")) {
    firn_snapshot_choice choice;
    FIRN_TRY(firn_sql_time_read(p, &choice, err));
    change.at = (firn_change_at){.kind = FIRN_AT_TIME, .id = choice.timestamp_ms};
  }
  FIRN_TRY(read_retention(p, &change, err));
  return add(c, change, err);
}

static firn_status read_identifiers(changes *c, firn_error *err) {
  firn_change change = {.kind = FIRN_CHANGE_SET_IDENTIFIERS};
  const char **names = NULL;
  size_t capacity = 0;
  do {
    names = firn_arena_grow(c->p->arena, names, change.n_names, &capacity, sizeof *names);
    if (names == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_column(c, &names[change.n_names], NULL, err));
    change.n_names++;
  } while (firn_parser_takes(c->p, ","));
  change.names = names;
  return add(c, change, err);
}

/* Trino's: k = v, k = v, without brackets. */
static firn_status read_bare_properties(changes *c, firn_change *change, firn_error *err) {
  const char *text;
  FIRN_TRY(firn_sql_text_until(c->p, NULL, &text, err));
  const char *wrapped = firn_arena_printf(c->p->arena, "(%s)", text);
  if (wrapped == NULL) {
    return no_memory(err);
  }
  firn_parser inner = {.text = firn_bytes_of(wrapped), .arena = c->p->arena};
  FIRN_TRY(firn_sql_tokens(inner.text, inner.arena, &inner.tokens, &inner.n, err));
  return firn_sql_properties_read(&inner, &change->properties, err);
}

static firn_status read_set(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  firn_change change = {.kind = FIRN_CHANGE_SET_PROPERTIES};
  if (firn_parser_takes(p, "tblproperties") || firn_parser_sees(p, 0, "(")) {
    FIRN_TRY(firn_sql_properties_read(p, &change.properties, err));
  } else if (firn_parser_takes(p, "properties")) {
    FIRN_TRY(read_bare_properties(c, &change, err));
  } else if (firn_parser_takes(p, "partition spec") || firn_parser_takes(p, "partitioned by")) {
    change.kind = FIRN_CHANGE_SET_PARTITIONING;
    FIRN_TRY(firn_sql_bracketed_text(p, &change.text, err));
  } else if (firn_parser_takes(p, "sorted by")) {
    change.kind = FIRN_CHANGE_SET_SORT_ORDER;
    FIRN_TRY(firn_sql_bracketed_text(p, &change.text, err));
  } else if (firn_parser_takes(p, "location")) {
    change.kind = FIRN_CHANGE_SET_LOCATION;
    FIRN_TRY(firn_parser_quoted_text(p, "a location in quotes", &change.text, err));
  } else if (firn_parser_takes(p, "identifier fields")) {
    return read_identifiers(c, err);
  } else {
    return firn_parser_fail(
        p, "TBLPROPERTIES, PARTITION SPEC, SORTED BY, LOCATION or IDENTIFIER FIELDS behind SET", err);
  }
  return add(c, change, err);
}

static firn_status read_unset(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  firn_change change = {.kind = FIRN_CHANGE_REMOVE_PROPERTIES};
  FIRN_TRY(firn_parser_need(p, "tblproperties", err));
  change.if_exists = firn_parser_takes(p, "if exists");
  const char **names = NULL;
  size_t capacity = 0;
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    names = firn_arena_grow(p->arena, names, change.n_names, &capacity, sizeof *names);
    if (names == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(firn_parser_quoted_text(p, "a property's name in quotes", &names[change.n_names++], err));
  } while (firn_parser_takes(p, ","));
  change.names = names;
  FIRN_TRY(firn_parser_need(p, ")", err));
  return add(c, change, err);
}

/* WRITE [DISTRIBUTED BY PARTITION] [LOCALLY] ORDERED BY terms, WRITE UNORDERED. How rows are spread over
 * writers is Spark's; it is kept as the property that Spark keeps. */
static firn_status read_write(changes *c, firn_error *err) {
  static const firn_property hash = {"write.distribution-mode", "hash"};
  firn_parser *p = c->p;
  bool distributed = firn_parser_takes(p, "distributed by partition");
  if (distributed) {
    FIRN_TRY(add(c, (firn_change){.kind = FIRN_CHANGE_SET_PROPERTIES, .properties = {1, &hash}}, err));
  }
  firn_change change = {.kind = FIRN_CHANGE_SET_SORT_ORDER, .text = ""};
  if (firn_parser_takes(p, "unordered")) {
    return add(c, change, err);
  }
  (void)firn_parser_takes(p, "locally");
  if (distributed && firn_parser_is_over(p)) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_parser_need(p, "ordered by", err));
  FIRN_TRY(firn_sql_text_until(p, NULL, &change.text, err));
  return add(c, change, err);
}

static firn_status read_reset(changes *c, firn_error *err) {
  bool partitioned = firn_parser_takes(c->p, "partitioned by");
  if (!partitioned) {
    FIRN_TRY(firn_parser_need(c->p, "sorted by", err));
  }
  firn_change change = {.kind = partitioned ? FIRN_CHANGE_SET_PARTITIONING : FIRN_CHANGE_SET_SORT_ORDER,
                        .text = ""};
  return add(c, change, err);
}

/* Trino's way to call procedures. */
static firn_status read_execute(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  if (!firn_parser_takes(p, "rollback_to_snapshot (")) {
    return firn_parser_fail(p, "rollback_to_snapshot, the one procedure built,", err);
  }
  (void)firn_parser_takes(p, "snapshot_id =>");
  firn_change change = {.kind = FIRN_CHANGE_ROLLBACK, .at.kind = FIRN_AT_ID};
  FIRN_TRY(firn_parser_whole(p, "a snapshot's id", &change.at.id, err));
  FIRN_TRY(firn_parser_need(p, ")", err));
  return add(c, change, err);
}

static firn_status read_action(changes *c, firn_error *err) {
  firn_parser *p = c->p;
  if (firn_parser_takes(p, "replace partition field")) {
    return read_replace_partition(c, err);
  }
  if (firn_parser_takes(p, "create or replace")) {
    return read_ref(c, true, true, err);
  }
  bool replaces = firn_parser_takes(p, "replace");
  if (replaces || firn_parser_takes(p, "create")) {
    return read_ref(c, replaces, false, err);
  }
  static const struct {
    const char *word;
    firn_status (*read)(changes *c, firn_error *err);
  } actions[] = {
      {"add", read_add},         {"drop", read_drop},   {"rename", read_rename}, {"alter", read_alter_column},
      {"set", read_set},         {"unset", read_unset}, {"write", read_write},   {"reset", read_reset},
      {"execute", read_execute},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(actions); i++) {
    if (firn_parser_takes(p, actions[i].word)) {
      return actions[i].read(c, err);
    }
  }
  return firn_parser_fail(p, "ADD, DROP, RENAME, ALTER, SET, UNSET, WRITE, CREATE or REPLACE", err);
}

firn_status firn_sql_alter_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_ALTER_TABLE;
  out->if_exists = firn_parser_takes(p, "if exists");
  FIRN_TRY(firn_parser_names(p, "a table", &out->n_target, &out->target, err));
  changes c = {.p = p, .out = out};
  FIRN_TRY(read_action(&c, err));
  out->changes = c.items;
  out->n_changes = c.n;
  return firn_parser_need_end(p, err);
}

firn_status firn_sql_comment_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_ALTER_TABLE;
  bool of_column = firn_parser_takes(p, "column");
  if (!of_column) {
    FIRN_TRY(firn_parser_takes(p, "table") ? FIRN_OK : firn_parser_fail(p, "TABLE or COLUMN", err));
  }
  FIRN_TRY(firn_parser_names(p, "a name", &out->n_target, &out->target, err));
  FIRN_TRY(firn_parser_need(p, "is", err));
  const char *text = NULL;
  if (!firn_parser_takes(p, "null")) {
    FIRN_TRY(firn_parser_quoted_text(p, "a comment in quotes, or NULL,", &text, err));
  }
  firn_property *comment = firn_new(p->arena, firn_property);
  const char **key = firn_new(p->arena, const char *);
  changes c = {.p = p, .out = out};
  if (comment == NULL || key == NULL) {
    return no_memory(err);
  }
  *comment = (firn_property){"comment", text};
  *key = "comment";
  firn_change change = {.kind = FIRN_CHANGE_SET_PROPERTIES, .properties = {1, comment}};
  if (of_column && out->n_target < 2) {
    return firn_parser_fail(p, "a table before the column's name", err);
  }
  if (of_column) {
    change = (firn_change){.kind = FIRN_CHANGE_SET_DOC, .name = out->target[--out->n_target], .text = text};
  } else if (text == NULL) {
    change = (firn_change){.kind = FIRN_CHANGE_REMOVE_PROPERTIES, .n_names = 1, .names = key};
  }
  FIRN_TRY(add(&c, change, err));
  out->changes = c.items;
  out->n_changes = c.n;
  return firn_parser_need_end(p, err);
}

/* CREATE TABLE as DuckDB, Spark and Trino write it. */
#include "services/sql/ddl_internal.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
}

static firn_status text_of(const firn_parser *p, size_t from, size_t to, const char **out, firn_error *err) {
  *out = firn_arena_text(p->arena, firn_bytes_part(p->text, from, to - from));
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_sql_bracketed_text(firn_parser *p, const char **out, firn_error *err) {
  if (!firn_parser_sees(p, 0, "(")) {
    return firn_parser_fail(p, "(", err);
  }
  size_t from = firn_parser_token(p, 1)->at;
  FIRN_TRY(firn_parser_skip_brackets(p, err));
  return text_of(p, from, p->tokens[p->at - 1].at, out, err);
}

firn_status firn_sql_text_until(firn_parser *p, const char *word, const char **out, firn_error *err) {
  size_t from = firn_parser_token(p, 0)->at, to = from;
  while (!firn_parser_is_over(p) && !(word != NULL && firn_parser_sees(p, 0, word))) {
    if (firn_parser_sees(p, 0, "(")) {
      FIRN_TRY(firn_parser_skip_brackets(p, err));
    } else {
      p->at++;
    }
    to = (size_t)p->tokens[p->at - 1].at + p->tokens[p->at - 1].len;
  }
  return text_of(p, from, to, out, err);
}

/* 'text', a number, TRUE: as text. */
static firn_status read_value(firn_parser *p, const char **out, firn_error *err) {
  const firn_token *t = firn_parser_token(p, 0);
  if (t->kind == FIRN_TOKEN_TEXT) {
    return firn_parser_quoted_text(p, "a value", out, err);
  }
  size_t from = t->at;
  (void)firn_parser_takes(p, "-");
  t = firn_parser_token(p, 0);
  if (t->kind != FIRN_TOKEN_NUMBER && t->kind != FIRN_TOKEN_WORD) {
    return firn_parser_fail(p, "a value", err);
  }
  p->at++;
  return text_of(p, from, (size_t)t->at + t->len, out, err);
}

/* 'key' or key.with.dots. */
static firn_status read_key(firn_parser *p, const char **out, firn_error *err) {
  if (firn_parser_token(p, 0)->kind == FIRN_TOKEN_TEXT) {
    return firn_parser_quoted_text(p, "a property's name", out, err);
  }
  firn_namespace parts;
  const char *whole = NULL;
  size_t from = firn_parser_token(p, 0)->at;
  FIRN_TRY(firn_parser_names(p, "a property's name", &parts.n_levels, &parts.levels, err));
  while (firn_parser_takes(p, "-")) { /* write.target-file-size-bytes */
    size_t ignored_n;
    const char *const *ignored;
    FIRN_TRY(firn_parser_names(p, "a property's name", &ignored_n, &ignored, err));
  }
  const firn_token *last = &p->tokens[p->at - 1];
  FIRN_TRY(text_of(p, from, (size_t)last->at + last->len, &whole, err));
  *out = parts.n_levels == 1 && strchr(whole, '-') == NULL ? parts.levels[0] : whole;
  return FIRN_OK;
}

static firn_status property_add(firn_parser *p, firn_properties *list, size_t *capacity, const char *key,
                                const char *value, firn_error *err) {
  if (firn_properties_get(list, key) != NULL) {
    return firn_error_set(err, FIRN_INVALID, "the property %s is given twice", key);
  }
  firn_property *items = (firn_property *)(uintptr_t)list->items;
  items = firn_arena_grow(p->arena, items, list->n, capacity, sizeof *items);
  if (items == NULL) {
    return no_memory(err);
  }
  items[list->n++] = (firn_property){key, value};
  list->items = items;
  return FIRN_OK;
}

firn_status firn_sql_properties_read(firn_parser *p, firn_properties *out, firn_error *err) {
  enum { PROPERTIES_MAX = 1000 };
  size_t capacity = 0;
  *out = (firn_properties){0};
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    const char *key = NULL, *value = NULL;
    FIRN_TRY(read_key(p, &key, err));
    (void)firn_parser_takes(p, "=");
    FIRN_TRY(read_value(p, &value, err));
    FIRN_TRY(property_add(p, out, &capacity, key, value, err));
    if (out->n > PROPERTIES_MAX) {
      return firn_parser_fail(p, "fewer properties", err);
    }
  } while (firn_parser_takes(p, ","));
  return firn_parser_need(p, ")", err);
}

/* PRIMARY KEY (a, b): the identifier fields. */
static firn_status read_key_columns(firn_parser *p, firn_field *fields, size_t n, bool *is_identifier,
                                    firn_error *err) {
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    const char *name;
    FIRN_TRY(firn_parser_name(p, "a column's name", &name, err));
    size_t i = 0;
    while (i < n && strcmp(fields[i].name, name) != 0) {
      i++;
    }
    if (i == n) {
      return firn_error_set(err, FIRN_NOT_FOUND, "PRIMARY KEY names no column of the table: %s", name);
    }
    fields[i].required = is_identifier[i] = true;
  } while (firn_parser_takes(p, ","));
  return firn_parser_need(p, ")", err);
}

static firn_status keep_columns(firn_parser *p, firn_sql_statement *out, firn_field *fields, size_t n,
                                const bool *is_identifier, firn_error *err) {
  int32_t *ids = firn_new_n(p->arena, int32_t, n);
  if (ids == NULL) {
    return no_memory(err);
  }
  out->schema = (firn_schema){.root = {.id = FIRN_NO_ID,
                                       .name = "table",
                                       .required = true,
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = (uint32_t)n,
                                       .children = fields},
                              .identifier_ids = ids};
  for (size_t i = 0; i < n; i++) {
    if (is_identifier[i]) {
      ids[out->schema.n_identifier_ids++] = fields[i].id;
    }
  }
  return FIRN_OK;
}

static firn_status read_columns(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  enum { COLUMNS_MAX = 10000 };
  firn_field *fields = NULL;
  bool *is_identifier = NULL;
  size_t n = 0, capacity = 0, flags_capacity = 0;
  int32_t last_id = 0;
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    if (n > 0 && firn_parser_takes(p, "primary key")) {
      FIRN_TRY(read_key_columns(p, fields, n, is_identifier, err));
      continue;
    }
    fields = firn_arena_grow(p->arena, fields, n, &capacity, sizeof *fields);
    is_identifier = firn_arena_grow(p->arena, is_identifier, n, &flags_capacity, sizeof *is_identifier);
    if (fields == NULL || is_identifier == NULL) {
      return no_memory(err);
    }
    if (n >= COLUMNS_MAX) {
      return firn_parser_fail(p, "at most 10000 columns", err);
    }
    is_identifier[n] = false;
    FIRN_TRY(firn_sql_column_read(p, &last_id, &fields[n], &is_identifier[n], err));
    n++;
  } while (firn_parser_takes(p, ","));
  FIRN_TRY(firn_parser_need(p, ")", err));
  return keep_columns(p, out, fields, n, is_identifier, err);
}

/* ARRAY['day(ts)', 'bucket(id, 16)']: the terms, joined by commas. */
static firn_status read_terms_array(firn_parser *p, const char **out, firn_error *err) {
  const char *all = "";
  FIRN_TRY(firn_parser_need(p, "array [", err));
  while (!firn_parser_takes(p, "]")) {
    const char *term;
    FIRN_TRY(firn_parser_quoted_text(p, "a term in quotes", &term, err));
    all = firn_arena_printf(p->arena, "%s%s%s", all, all[0] == 0 ? "" : ", ", term);
    if (all == NULL) {
      return no_memory(err);
    }
    if (!firn_parser_sees(p, 0, "]")) {
      FIRN_TRY(firn_parser_need(p, ",", err));
    }
  }
  *out = all;
  return FIRN_OK;
}

/* One of WITH (...): Trino's own, or a property. */
static firn_status read_with_item(firn_parser *p, firn_sql_statement *out, size_t *capacity,
                                  firn_error *err) {
  const char *key = NULL, *value = NULL;
  FIRN_TRY(read_key(p, &key, err));
  FIRN_TRY(firn_parser_need(p, "=", err));
  if (strcmp(key, "partitioning") == 0) {
    return read_terms_array(p, &out->partition_by, err);
  }
  if (strcmp(key, "sorted_by") == 0) {
    return read_terms_array(p, &out->sort_by, err);
  }
  FIRN_TRY(read_value(p, &value, err));
  if (strcmp(key, "location") == 0) {
    out->location = value;
    return FIRN_OK;
  }
  static const char *const ours[][2] = {{"format", "write.format.default"},
                                        {"format_version", "format-version"},
                                        {"compression_codec", "write.parquet.compression-codec"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(ours); i++) {
    key = strcmp(key, ours[i][0]) == 0 ? ours[i][1] : key;
  }
  return property_add(p, &out->properties, capacity, key, value, err);
}

static firn_status read_with(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  size_t capacity = 0;
  FIRN_TRY(firn_parser_need(p, "(", err));
  do {
    FIRN_TRY(read_with_item(p, out, &capacity, err));
  } while (firn_parser_takes(p, ","));
  return firn_parser_need(p, ")", err);
}

static firn_status read_using(firn_parser *p, firn_error *err) {
  return firn_parser_takes(p, "iceberg") ? FIRN_OK : firn_parser_fail(p, "ICEBERG", err);
}

/* One clause behind the columns; `*taken` false: none comes. */
static firn_status read_clause(firn_parser *p, firn_sql_statement *out, bool *taken, firn_error *err) {
  *taken = true;
  if (firn_parser_takes(p, "using")) {
    return read_using(p, err);
  }
  if (firn_parser_takes(p, "partitioned by")) {
    return firn_sql_bracketed_text(p, &out->partition_by, err);
  }
  if (firn_parser_takes(p, "sorted by") || firn_parser_takes(p, "write ordered by")) {
    return firn_parser_sees(p, 0, "(") ? firn_sql_bracketed_text(p, &out->sort_by, err)
                                       : firn_sql_text_until(p, "as", &out->sort_by, err);
  }
  if (firn_parser_takes(p, "tblproperties") || firn_parser_takes(p, "options")) {
    return firn_sql_properties_read(p, &out->properties, err);
  }
  if (firn_parser_sees_all(p, "with (")) {
    p->at++;
    return read_with(p, out, err);
  }
  if (firn_parser_takes(p, "location")) {
    return firn_parser_quoted_text(p, "a location in quotes", &out->location, err);
  }
  if (firn_parser_takes(p, "comment")) {
    return firn_parser_quoted_text(p, "a comment in quotes", &out->comment, err);
  }
  *taken = false;
  return FIRN_OK;
}

static firn_status read_as(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->query_at = firn_parser_token(p, 0)->at;
  out->query_len = out->text.len - out->query_at;
  if (!firn_sql_query_begins(p, 0) && !firn_parser_sees(p, 0, "(")) {
    return firn_parser_fail(p, "a query", err);
  }
  return firn_sql_query_read(p, out, err);
}

firn_status firn_sql_create_table_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  out->kind = FIRN_SQL_CREATE_TABLE;
  out->if_not_exists = firn_parser_takes(p, "if not exists");
  FIRN_TRY(firn_parser_names(p, "a table", &out->n_target, &out->target, err));
  if (firn_parser_sees(p, 0, "(")) {
    FIRN_TRY(read_columns(p, out, err));
  }
  bool taken = true;
  while (taken) {
    FIRN_TRY(read_clause(p, out, &taken, err));
  }
  if (firn_parser_takes(p, "as")) {
    if (out->schema.root.n_children > 0) {
      return firn_parser_fail(p, "no query where columns are given", err);
    }
    return read_as(p, out, err);
  }
  if (out->schema.root.n_children == 0) {
    return firn_parser_fail(p, "the columns in brackets, or AS and a query,", err);
  }
  return firn_parser_need_end(p, err);
}

firn_status firn_sql_insert_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  if (firn_parser_sees(p, 0, "overwrite") || firn_parser_sees(p, 0, "or")) {
    out->kind = FIRN_SQL_REFUSED;
    out->refusal = "INSERT OVERWRITE and INSERT OR REPLACE come with deletes, which firn does not write yet";
    return FIRN_OK;
  }
  out->kind = FIRN_SQL_INSERT;
  FIRN_TRY(firn_parser_need(p, "into", err));
  (void)(firn_parser_sees(p, 1, ".") ? false : firn_parser_takes(p, "table"));
  FIRN_TRY(firn_parser_names(p, "a table", &out->n_target, &out->target, err));
  if (firn_parser_sees(p, 0, "(") && !firn_sql_query_begins(p, 1) && !firn_parser_sees(p, 1, "(")) {
    const char **columns = NULL;
    size_t capacity = 0;
    p->at++;
    do {
      columns = firn_arena_grow(p->arena, columns, out->n_columns, &capacity, sizeof *columns);
      if (columns == NULL) {
        return no_memory(err);
      }
      FIRN_TRY(firn_parser_name(p, "a column's name", &columns[out->n_columns++], err));
    } while (firn_parser_takes(p, ","));
    out->columns = columns;
    FIRN_TRY(firn_parser_need(p, ")", err));
  }
  out->by_name = firn_parser_takes(p, "by name");
  if (!out->by_name) {
    (void)firn_parser_takes(p, "by position");
  }
  return read_as(p, out, err);
}

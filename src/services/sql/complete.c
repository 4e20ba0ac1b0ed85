/* What may come next on a line: keywords, namespaces and tables, metadata tables, columns of tables that the
 * line names. */
#include <strings.h>

#include "services/sql/session_internal.h"

enum { FOUND_MAX = 1000 };

typedef struct completions {
  firn_arena *arena;
  firn_bytes word; /* that is being written, dots and all */
  const char **items;
  size_t n, capacity;
} completions;

static const char *const keywords[] = {
    "alter table",
    "and",
    "as",
    "as of",
    "between",
    "branch",
    "by name",
    "case",
    "cast",
    "count",
    "create",
    "cross join",
    "describe",
    "desc",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "for timestamp as of",
    "for version as of",
    "from",
    "full join",
    "group by",
    "having",
    "in",
    "insert into",
    "intersect",
    "is",
    "is not null",
    "is null",
    "join",
    "left join",
    "like",
    "limit",
    "max",
    "min",
    "namespace",
    "not",
    "null",
    "nulls last",
    "offset",
    "on",
    "or",
    "order by",
    "partitioned by",
    "qualify",
    "right join",
    "select",
    "show namespaces",
    "show tables",
    "sum",
    "summarize",
    "table",
    "tag",
    "then",
    "timestamp",
    "union",
    "union all",
    "unnest",
    "use",
    "using",
    "values",
    "when",
    "where",
    "window",
    "with",
};

static bool is_name_byte(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '.' || c >= 0x80;
}

static bool begins(const char *text, firn_bytes word) {
  return strlen(text) >= word.len &&
         (word.len == 0 || strncasecmp(text, (const char *)word.data, word.len) == 0);
}

static firn_status add(completions *c, const char *text, firn_error *err) {
  if (text == NULL || c->n >= FOUND_MAX || !begins(text, c->word)) {
    return text == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for completions") : FIRN_OK;
  }
  for (size_t i = 0; i < c->n; i++) {
    if (strcmp(c->items[i], text) == 0) {
      return FIRN_OK;
    }
  }
  c->items = firn_arena_grow(c->arena, c->items, c->n, &c->capacity, sizeof *c->items);
  if (c->items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for completions");
  }
  c->items[c->n++] = text;
  return FIRN_OK;
}

/* In capitals where the word is begun so. */
static firn_status add_keywords(completions *c, firn_error *err) {
  bool capitals = c->word.len > 0 && c->word.data[0] >= 'A' && c->word.data[0] <= 'Z';
  for (size_t i = 0; i < FIRN_COUNT_OF(keywords) && c->word.len > 0; i++) {
    if (!begins(keywords[i], c->word)) {
      continue;
    }
    char *copy = firn_arena_text(c->arena, firn_bytes_of(keywords[i]));
    for (char *at = copy; capitals && at != NULL && *at != 0; at++) {
      *at = *at >= 'a' && *at <= 'z' ? (char)(*at & ~0x20) : *at;
    }
    FIRN_TRY(add(c, copy, err));
  }
  return FIRN_OK;
}

/* The parts before the word's last dot; none when it has no dot. */
static size_t parts_before(const completions *c, const char **parts, size_t max) {
  size_t n = 0, start = 0;
  for (size_t i = 0; i < c->word.len && n < max; i++) {
    if (c->word.data[i] == '.') {
      parts[n] = firn_arena_text(c->arena, firn_bytes_part(c->word, start, i - start));
      if (parts[n] == NULL || parts[n][0] == 0) {
        return 0;
      }
      n++;
      start = i + 1;
    }
  }
  return n;
}

/* What is below a namespace, written as the word writes it. A catalog that fails completes nothing. */
static firn_status add_below(completions *c, firn_sql_names *names, firn_ctx *ctx, const firn_namespace *ns,
                             const char *written, firn_error *err) {
  firn_namespaces below = {0};
  firn_names tables = {0};
  const firn_namespace *parent = ns->n_levels == 0 ? NULL : ns;
  if (firn_catalog_namespace_list(names->catalog, ctx, parent, c->arena, &below, NULL) != FIRN_OK) {
    below.n = 0;
  }
  if (parent == NULL ||
      firn_catalog_table_list(names->catalog, ctx, ns, c->arena, &tables, NULL) != FIRN_OK) {
    tables.n = 0;
  }
  for (size_t i = 0; i < below.n; i++) {
    const char *last = below.items[i].levels[below.items[i].n_levels - 1];
    FIRN_TRY(add(c, firn_arena_printf(c->arena, "%s%s", written, last), err));
  }
  for (size_t i = 0; i < tables.n; i++) {
    FIRN_TRY(add(c, firn_arena_printf(c->arena, "%s%s", written, tables.items[i].name), err));
  }
  return FIRN_OK;
}

static firn_status add_names(completions *c, firn_sql_names *names, firn_ctx *ctx, firn_error *err) {
  const char *parts[FIRN_NAMESPACE_MAX_LEVELS];
  size_t n = parts_before(c, parts, FIRN_COUNT_OF(parts));
  firn_namespace ns = {0};
  if (n == 0) {
    FIRN_TRY(add_below(c, names, ctx, &ns, "", err));
    return names->ns.n_levels == 0 ? FIRN_OK : add_below(c, names, ctx, &names->ns, "", err);
  }
  size_t last = c->word.len;
  while (last > 0 && c->word.data[last - 1] != '.') {
    last--;
  }
  const char *written = firn_arena_text(c->arena, firn_bytes_part(c->word, 0, last));
  if (written == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for completions");
  }
  if (firn_sql_namespace_find(names, ctx, parts, n, &ns, NULL) == FIRN_OK) {
    FIRN_TRY(add_below(c, names, ctx, &ns, written, err));
  }
  firn_sql_found table;
  if (firn_sql_table_find(names, ctx, parts, n, false, &table, NULL) != FIRN_OK) {
    return FIRN_OK;
  }
  for (int k = 0; k <= FIRN_INSPECT_ALL_ENTRIES; k++) {
    const char *kind = firn_inspect_name((firn_inspect_kind)k);
    FIRN_TRY(add(c, firn_arena_printf(c->arena, "%s%s", written, kind), err));
  }
  return FIRN_OK;
}

/* A line that cannot be read yet has no tables yet. */
static firn_status add_columns(completions *c, firn_sql_names *names, firn_ctx *ctx, firn_bytes line,
                               firn_error *err) {
  firn_sql_statement s;
  if (firn_sql_statement_read(line, c->arena, &s, NULL) != FIRN_OK) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < s.n_refs; i++) {
    const firn_sql_ref *ref = &s.refs[i];
    firn_sql_found table;
    if (ref->is_text ||
        firn_sql_table_find(names, ctx, ref->parts, ref->n_parts, ref->is_path, &table, NULL) != FIRN_OK) {
      continue;
    }
    const firn_schema *schema = firn_metadata_current_schema(table.metadata);
    for (uint32_t k = 0; k < schema->root.n_children; k++) {
      const char *name = firn_arena_text(c->arena, firn_bytes_of(schema->root.children[k].name));
      FIRN_TRY(add(c, name, err));
    }
  }
  return FIRN_OK;
}

static firn_status complete(completions *c, firn_sql_names *names, firn_ctx *ctx, firn_bytes line,
                            firn_error *err) {
  firn_bytes before = firn_bytes_part(line, 0, line.len - c->word.len);
  FIRN_TRY(add_columns(c, names, ctx, before, err));
  if (names->catalog != NULL) {
    FIRN_TRY(add_names(c, names, ctx, err));
  }
  return add_keywords(c, err);
}

firn_status firn_sql_complete(firn_sql_session *s, firn_ctx *ctx, firn_bytes line_so_far, firn_arena *arena,
                              const char *const **out, size_t *n, firn_error *err) {
  size_t start = line_so_far.len;
  while (start > 0 && is_name_byte(line_so_far.data[start - 1])) {
    start--;
  }
  completions c = {.arena = arena, .word = firn_bytes_part(line_so_far, start, line_so_far.len)};
  firn_sql_names names;
  firn_sql_session_names(s, arena, NULL, &names);
  firn_status status = complete(&c, &names, ctx, line_so_far, err);
  firn_sql_names_close(&names);
  FIRN_TRY(status);
  *out = c.items;
  *n = c.n;
  return FIRN_OK;
}

/* One walk over the tokens with a frame for each bracket that is open. A frame knows whether it is a query or
 * an expression and, of a query, whether a table's name may come next; whatever is not understood is passed
 * over, and the engine says what is wrong with it. Nothing recurses. */
#include "services/sql/query_internal.h"

#include <strings.h>

typedef enum state {
  IN_EXPRESSION = 0, /* not a query */
  AT_START,          /* of a query, or of the operand of UNION and its like */
  IN_CTES,           /* behind WITH: a name is to come */
  IN_CTE,            /* behind a name: AS ( is to come */
  IN_FROM,
  IN_OTHER, /* SELECT's list, WHERE, GROUP BY, ... */
} state;

typedef struct frame {
  state state;
  bool wants_table;    /* IN_FROM: a table comes next */
  bool takes_no_alias; /* TABLE t, SUMMARIZE t */
  bool has_alias;      /* "alias : table" */
  bool is_values;      /* FROM VALUES (1), (2): no comma brings a table */
  bool is_pivot;       /* the statement PIVOT t ON ...: after ON comes no table */
  bool sees_itself;    /* WITH RECURSIVE */
  bool body_is_next;   /* IN_CTE: AS was there */
  bool is_cte_body;
  size_t open_joins; /* JOINs whose ON or USING has not come */
  size_t scope;
  size_t n_ctes; /* names seen when the frame was opened */
  firn_bytes cte_name;
} frame;

typedef struct walk {
  firn_parser *p;
  frame frames[FIRN_SQL_MAX_DEPTH + 2];
  size_t depth; /* the top frame's index */
  size_t n_scopes;
  firn_bytes *ctes; /* unquoted names in sight */
  size_t n_ctes, ctes_capacity;
  firn_sql_ref *refs;
  size_t n_refs, refs_capacity;
  uint32_t *functions;
  size_t n_functions, functions_capacity;
  size_t n_lookups;
} walk;

typedef enum keyword {
  NO_KEYWORD = 0,
  KEY_AS,
  KEY_CLAUSE, /* WHERE and all others behind FROM */
  KEY_DESCRIBE,
  KEY_FROM,
  KEY_JOIN,
  KEY_CHANGE, /* INSERT, ... */
  KEY_ON,
  KEY_PIVOT,
  KEY_RECURSIVE,
  KEY_SELECT,
  KEY_SET, /* UNION, ... */
  KEY_TABLE,
  KEY_VALUES,
  KEY_WITH,
} keyword;

static keyword keyword_of(const firn_parser *p, const firn_token *t) {
  static const struct {
    const char *word;
    keyword key;
  } table[] = {
      {"as", KEY_AS},
      {"delete", KEY_CHANGE},
      {"desc", KEY_DESCRIBE},
      {"describe", KEY_DESCRIBE},
      {"except", KEY_SET},
      {"fetch", KEY_CLAUSE},
      {"from", KEY_FROM},
      {"group", KEY_CLAUSE},
      {"having", KEY_CLAUSE},
      {"insert", KEY_CHANGE},
      {"intersect", KEY_SET},
      {"join", KEY_JOIN},
      {"limit", KEY_CLAUSE},
      {"merge", KEY_CHANGE},
      {"offset", KEY_CLAUSE},
      {"on", KEY_ON},
      {"order", KEY_CLAUSE},
      {"pivot", KEY_PIVOT},
      {"pivot_longer", KEY_PIVOT},
      {"pivot_wider", KEY_PIVOT},
      {"qualify", KEY_CLAUSE},
      {"recursive", KEY_RECURSIVE},
      {"select", KEY_SELECT},
      {"show", KEY_DESCRIBE},
      {"summarize", KEY_DESCRIBE},
      {"table", KEY_TABLE},
      {"truncate", KEY_CHANGE},
      {"union", KEY_SET},
      {"unpivot", KEY_PIVOT},
      {"update", KEY_CHANGE},
      {"using", KEY_ON},
      {"values", KEY_VALUES},
      {"where", KEY_CLAUSE},
      {"window", KEY_CLAUSE},
      {"with", KEY_WITH},
  };
  if (t->kind != FIRN_TOKEN_WORD || t->len > 12) {
    return NO_KEYWORD;
  }
  const char *word = (const char *)p->text.data + t->at;
  size_t low = 0, high = FIRN_COUNT_OF(table);
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = strncasecmp(word, table[middle].word, t->len);
    order = order == 0 && table[middle].word[t->len] != 0 ? -1 : order;
    if (order == 0) {
      return table[middle].key;
    }
    *(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
  }
  return NO_KEYWORD;
}

bool firn_sql_query_begins(const firn_parser *p, size_t ahead) {
  switch (keyword_of(p, firn_parser_token(p, ahead))) {
    case KEY_SELECT:
    case KEY_WITH:
    case KEY_FROM:
    case KEY_VALUES:
    case KEY_TABLE:
    case KEY_DESCRIBE:
    case KEY_PIVOT:
      return true;
    default:
      return false;
  }
}

static frame *top(walk *w) {
  return &w->frames[w->depth];
}

static const firn_token *before(const firn_parser *p, size_t n) {
  return p->at >= n ? &p->tokens[p->at - n] : &p->tokens[p->n];
}

static bool is_before(const firn_parser *p, size_t n, const char *word) {
  firn_parser behind = *p;
  if (p->at < n) {
    return false;
  }
  behind.at -= n;
  return firn_parser_sees(&behind, 0, word);
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the tables of a query");
}

static firn_status too_many(const walk *w, size_t max, const char *what, firn_error *err) {
  firn_sql_place place = firn_sql_place_of(w->p->text, firn_parser_token(w->p, 0)->at);
  return firn_error_set(err, FIRN_LIMIT, "line %zu, column %zu: more than %zu %s in one statement",
                        place.line, place.column, max, what);
}

/* The name that a word or quoted token says, quotes undone. */
static firn_status name_bytes(walk *w, const firn_token *t, firn_bytes *out, firn_error *err) {
  const char *text = NULL;
  FIRN_TRY(firn_token_text(w->p->text, t, w->p->arena, &text, err));
  *out = firn_bytes_of(text);
  return FIRN_OK;
}

static firn_status cte_add(walk *w, firn_bytes name, firn_error *err) {
  if (w->n_ctes >= FIRN_SQL_MAX_CTES) {
    return too_many(w, FIRN_SQL_MAX_CTES, "common table expressions", err);
  }
  w->ctes = firn_arena_grow(w->p->arena, w->ctes, w->n_ctes, &w->ctes_capacity, sizeof *w->ctes);
  if (w->ctes == NULL) {
    return no_memory(err);
  }
  w->ctes[w->n_ctes++] = name;
  return FIRN_OK;
}

static bool is_cte(const walk *w, const char *name) {
  firn_bytes b = firn_bytes_of(name);
  for (size_t i = 0; i < w->n_ctes; i++) {
    if (w->ctes[i].len == b.len && strncasecmp((const char *)w->ctes[i].data, name, b.len) == 0) {
      return true;
    }
  }
  return false;
}

/* What an opening bracket begins, seen from the frame that it stands in. */
static frame frame_within(walk *w, bool is_round) {
  frame *f = top(w);
  frame inner = {.state = IN_EXPRESSION, .n_ctes = w->n_ctes};
  bool query_begins = is_round && firn_sql_query_begins(w->p, 1);
  if (is_round && f->state == IN_FROM && f->wants_table) {
    f->wants_table = false;
    inner.state = query_begins ? AT_START : IN_FROM;
    inner.wants_table = !query_begins;
    inner.scope = f->scope;
  } else if (is_round && f->state == IN_CTE && f->body_is_next) {
    f->body_is_next = false;
    inner.state = AT_START;
    inner.is_cte_body = true;
  } else if (is_round && f->state == AT_START) {
    inner.state = AT_START;
  } else if (query_begins && !(firn_parser_sees(w->p, 1, "from") && is_before(w->p, 1, "trim"))) {
    inner.state = AT_START;
  }
  return inner;
}

static firn_status bracket_open(walk *w, bool is_round, firn_error *err) {
  frame inner = frame_within(w, is_round);
  if (w->depth + 1 >= FIRN_COUNT_OF(w->frames)) {
    return too_many(w, FIRN_SQL_MAX_DEPTH, "brackets within each other", err);
  }
  w->frames[++w->depth] = inner;
  w->p->at++;
  return FIRN_OK;
}

static firn_status bracket_close(walk *w, firn_error *err) {
  w->p->at++;
  if (w->depth == 0) {
    return FIRN_OK; /* the engine says so */
  }
  bool was_body = top(w)->is_cte_body;
  w->n_ctes = top(w)->n_ctes;
  w->depth--;
  frame *f = top(w);
  if (!was_body || f->sees_itself) {
    return FIRN_OK;
  }
  return cte_add(w, f->cte_name, err);
}

static firn_status mark(walk *w, firn_error *err) {
  const firn_token *t = firn_parser_token(w->p, 0);
  frame *f = top(w);
  uint8_t c = w->p->text.data[t->at];
  if (t->len == 1 && (c == '(' || c == '[' || c == '{')) {
    return bracket_open(w, c == '(', err);
  }
  if (t->len == 1 && (c == ')' || c == ']' || c == '}')) {
    return bracket_close(w, err);
  }
  if (c == ',' && f->state == IN_FROM && !f->is_values) {
    f->wants_table = true;
  } else if (c == ',' && f->state == IN_CTE) {
    f->state = IN_CTES;
  }
  w->p->at++;
  return FIRN_OK;
}

static firn_status function_add(walk *w, size_t token, firn_error *err) {
  w->functions = firn_arena_grow(w->p->arena, w->functions, w->n_functions, &w->functions_capacity,
                                 sizeof *w->functions);
  if (w->functions == NULL) {
    return no_memory(err);
  }
  w->functions[w->n_functions++] = (uint32_t)token;
  return FIRN_OK;
}

/* Whether the table named before the place is given a name of its own. */
static bool has_alias(const firn_parser *p) {
  const firn_token *t = firn_parser_token(p, 0);
  if (t->kind == FIRN_TOKEN_QUOTED || t->kind == FIRN_TOKEN_TEXT || firn_parser_sees(p, 0, "as")) {
    return true;
  }
  return t->kind == FIRN_TOKEN_WORD && !firn_parser_is_no_alias(firn_parser_bytes(p, t));
}

static firn_status ref_add(walk *w, firn_sql_ref *ref, firn_error *err) {
  firn_parser *p = w->p;
  FIRN_TRY(firn_sql_as_of_read(p, ref, err));
  const firn_token *last = before(p, 1);
  ref->len = last->at + last->len - ref->at;
  ref->has_alias = top(w)->has_alias || has_alias(p);
  ref->takes_no_alias = top(w)->takes_no_alias;
  ref->scope = top(w)->scope;
  if (w->n_refs >= FIRN_SQL_MAX_REFS) {
    return too_many(w, FIRN_SQL_MAX_REFS, "tables", err);
  }
  w->refs = firn_arena_grow(p->arena, w->refs, w->n_refs, &w->refs_capacity, sizeof *w->refs);
  if (w->refs == NULL) {
    return no_memory(err);
  }
  w->refs[w->n_refs++] = *ref;
  top(w)->has_alias = false;
  return FIRN_OK;
}

static firn_status text_ref(walk *w, firn_error *err) {
  firn_parser *p = w->p;
  firn_sql_ref ref = {.at = firn_parser_token(p, 0)->at, .is_text = true, .n_parts = 1};
  const char **parts = firn_new_n(p->arena, const char *, 1);
  if (parts == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_parser_quoted_text(p, "a path", &parts[0], err));
  ref.parts = parts;
  ref.is_path = strchr(parts[0], '/') != NULL;
  top(w)->wants_table = false;
  return ref_add(w, &ref, err);
}

static firn_status name_ref(walk *w, firn_error *err) {
  firn_parser *p = w->p;
  if (++w->n_lookups > FIRN_SQL_MAX_LOOKUPS) {
    return too_many(w, FIRN_SQL_MAX_LOOKUPS, "names of tables", err);
  }
  bool is_quoted = firn_parser_token(p, 0)->kind == FIRN_TOKEN_QUOTED;
  firn_sql_ref ref = {.at = firn_parser_token(p, 0)->at};
  FIRN_TRY(firn_parser_names(p, "a table's name", &ref.n_parts, &ref.parts, err));
  if (ref.n_parts == 1 && firn_parser_takes(p, ":")) {
    top(w)->has_alias = true; /* alias : table */
    return FIRN_OK;
  }
  top(w)->wants_table = false;
  if (firn_parser_sees(p, 0, "(")) {
    top(w)->has_alias = false;
    return function_add(w, p->at - 1, err);
  }
  if (ref.n_parts == 1 && is_cte(w, ref.parts[0])) {
    top(w)->has_alias = false;
    return FIRN_OK;
  }
  ref.is_path = ref.n_parts == 1 && is_quoted && strchr(ref.parts[0], '/') != NULL;
  return ref_add(w, &ref, err);
}

static void from_begins(walk *w, frame *f) {
  f->state = IN_FROM;
  f->wants_table = true;
  f->takes_no_alias = false;
  f->is_values = false;
  f->open_joins = 0;
  f->scope = ++w->n_scopes;
}

/* TABLE t, DESCRIBE t, SUMMARIZE t, SHOW t within a query. DESCRIBE SELECT ... goes on as a query. */
static void describe_begins(walk *w, frame *f) {
  firn_parser *p = w->p;
  bool is_show = firn_parser_sees(p, 0, "show");
  p->at++;
  if (is_show && (firn_parser_sees(p, 0, "all") || firn_parser_sees(p, 0, "tables") ||
                  firn_parser_sees(p, 0, "databases"))) {
    f->state = IN_OTHER;
  } else if (!firn_sql_query_begins(p, 0) && !firn_parser_sees(p, 0, "(")) {
    from_begins(w, f);
    f->takes_no_alias = true;
  }
}

static firn_status change_found(const firn_parser *p, firn_error *err) {
  firn_bytes word = firn_parser_bytes(p, firn_parser_token(p, 0));
  firn_sql_place place = firn_sql_place_of(p->text, firn_parser_token(p, 0)->at);
  return firn_error_set(
      err, FIRN_UNSUPPORTED,
      "line %zu, column %zu: %.*s cannot stand behind WITH or in a query; write INSERT INTO t "
      "WITH ...",
      place.line, place.column, FIRN_FORMAT_BYTES(word));
}

/* A keyword at the start of a query or of an operand of UNION. */
static firn_status start_word(walk *w, keyword key, firn_error *err) {
  frame *f = top(w);
  switch (key) {
    case KEY_SELECT:
    case KEY_VALUES:
      f->state = IN_OTHER;
      break;
    case KEY_FROM:
      from_begins(w, f);
      break;
    case KEY_WITH:
      f->state = IN_CTES;
      f->sees_itself = false;
      break;
    case KEY_TABLE:
      from_begins(w, f);
      f->takes_no_alias = true;
      break;
    case KEY_PIVOT:
      from_begins(w, f);
      f->is_pivot = true;
      break;
    case KEY_DESCRIBE:
      describe_begins(w, f);
      return FIRN_OK;
    case KEY_CHANGE:
      return change_found(w->p, err);
    default:
      break; /* ALL, DISTINCT, BY NAME, EXPLAIN, ANALYZE */
  }
  w->p->at++;
  return FIRN_OK;
}

static bool is_distinct_from(const firn_parser *p) {
  return is_before(p, 1, "distinct") && (is_before(p, 2, "is") || is_before(p, 2, "not"));
}

/* A keyword behind a query's start. */
static void later_word(walk *w, keyword key) {
  frame *f = top(w);
  bool is_label = is_before(w->p, 1, "as") && f->state == IN_OTHER;
  if (key == KEY_FROM && !is_distinct_from(w->p) && !is_label) {
    from_begins(w, f);
  } else if (key == KEY_SELECT && !is_label) {
    f->state = IN_OTHER; /* FROM t SELECT x */
  } else if (key == KEY_SET && !is_label) {
    f->state = AT_START;
  } else if (f->state == IN_FROM && key == KEY_CLAUSE) {
    f->state = IN_OTHER;
  } else if (f->state == IN_FROM && key == KEY_JOIN) {
    f->wants_table = true;
    f->is_values = false;
    f->open_joins++;
  } else if (f->state == IN_FROM && key == KEY_ON) {
    f->wants_table = false;
    if (f->open_joins == 0 && f->is_pivot) {
      f->state = IN_OTHER;
    }
    f->open_joins -= f->open_joins > 0;
  }
  w->p->at++;
}

static firn_status cte_word(walk *w, keyword key, firn_error *err) {
  frame *f = top(w);
  firn_parser *p = w->p;
  if (f->state == IN_CTES) {
    bool is_word = key == KEY_RECURSIVE && !firn_parser_sees(p, 1, "as") && !firn_parser_sees(p, 1, "(");
    if (is_word) {
      f->sees_itself = true;
    } else {
      FIRN_TRY(name_bytes(w, firn_parser_token(p, 0), &f->cte_name, err));
      f->state = IN_CTE;
      f->body_is_next = false;
      if (f->sees_itself) {
        FIRN_TRY(cte_add(w, f->cte_name, err));
      }
    }
    p->at++;
    return FIRN_OK;
  }
  if (key == KEY_AS) {
    f->body_is_next = true;
  } else if (key != KEY_ON && !f->body_is_next && !is_before(p, 1, "using")) {
    f->state = AT_START; /* the query that the expressions were for */
    return start_word(w, key, err);
  }
  p->at++; /* AS, NOT, MATERIALIZED, USING KEY */
  return FIRN_OK;
}

/* VALUES (1), (2) where a table may stand. */
static bool takes_values(walk *w) {
  if (!firn_parser_sees_all(w->p, "values (")) {
    return false;
  }
  w->p->at++;
  top(w)->wants_table = false;
  top(w)->is_values = true;
  return true;
}

static firn_status word(walk *w, firn_error *err) {
  firn_parser *p = w->p;
  frame *f = top(w);
  const firn_token *t = firn_parser_token(p, 0);
  if (is_before(p, 1, ".")) {
    p->at++; /* a.from */
    return FIRN_OK;
  }
  if (f->state == IN_FROM && f->wants_table) {
    if (firn_parser_takes(p, "lateral") || takes_values(w)) {
      return FIRN_OK;
    }
    if (t->kind == FIRN_TOKEN_QUOTED || !firn_parser_is_reserved(firn_parser_bytes(p, t))) {
      return name_ref(w, err);
    }
    f->wants_table = false;
  }
  keyword key = keyword_of(p, t);
  switch (f->state) {
    case IN_EXPRESSION:
      if (!is_before(p, 1, "as") && (key == KEY_SELECT || key == KEY_SET)) {
        f->state = key == KEY_SET ? AT_START : IN_OTHER; /* ((SELECT 1) UNION SELECT 2) */
      }
      p->at++;
      return FIRN_OK;
    case AT_START:
      return start_word(w, key, err);
    case IN_CTES:
    case IN_CTE:
      return cte_word(w, key, err);
    default:
      later_word(w, key);
      return FIRN_OK;
  }
}

static firn_status step(walk *w, firn_error *err) {
  switch (firn_parser_token(w->p, 0)->kind) {
    case FIRN_TOKEN_WORD:
    case FIRN_TOKEN_QUOTED:
      return word(w, err);
    case FIRN_TOKEN_MARK:
      return mark(w, err);
    case FIRN_TOKEN_TEXT:
      if (top(w)->state == IN_FROM && top(w)->wants_table) {
        return text_ref(w, err);
      }
      break;
    default:
      break;
  }
  w->p->at++;
  return FIRN_OK;
}

firn_status firn_sql_query_read(firn_parser *p, firn_sql_statement *out, firn_error *err) {
  walk w = {.p = p};
  w.frames[0] = (frame){.state = AT_START};
  while (!firn_parser_is_over(p)) {
    FIRN_TRY(step(&w, err));
  }
  out->refs = w.refs;
  out->n_refs = w.n_refs;
  out->functions = w.functions;
  out->n_functions = w.n_functions;
  return FIRN_OK;
}

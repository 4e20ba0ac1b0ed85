#include "services/sql/rewrite_internal.h"

#include <stdlib.h>
#include <strings.h>

#include "base/time.h"

/* A reference of several parts without an alias, whose columns may be written with all of them. */
typedef struct prefix {
  const firn_sql_ref *ref;
  const char *alias;
} prefix;

typedef struct writer {
  const firn_sql_statement *s;
  firn_arena *arena;
  const char **aliases; /* of each reference; NULL: it takes none */
  prefix *prefixes;     /* sorted by the parts */
  size_t n_prefixes;
  bool has_now;
  int64_t now_us; /* of the plan */
  firn_builder out;
} writer;

static int compare_parts(const firn_sql_ref *a, const char *const *parts, size_t n) {
  for (size_t i = 0; i < a->n_parts && i < n; i++) {
    int order = strcasecmp(a->parts[i], parts[i]);
    if (order != 0) {
      return order;
    }
  }
  return (a->n_parts > n) - (a->n_parts < n);
}

static int compare_prefixes(const void *a, const void *b) {
  const prefix *left = a, *right = b;
  return compare_parts(left->ref, right->ref->parts, right->ref->n_parts);
}

static bool takes_alias(const firn_sql_ref *r) {
  return !r->has_alias && !r->takes_no_alias;
}

/* Two tables of one FROM that would be called alike are called by their whole names. */
static bool is_ambiguous(const firn_sql_statement *s, size_t i) {
  const firn_sql_ref *r = &s->refs[i];
  for (size_t k = 0; k < s->n_refs; k++) {
    const firn_sql_ref *other = &s->refs[k];
    if (k != i && other->scope == r->scope && takes_alias(other) &&
        strcasecmp(other->parts[other->n_parts - 1], r->parts[r->n_parts - 1]) == 0 &&
        compare_parts(other, r->parts, r->n_parts) != 0) {
      return true;
    }
  }
  return false;
}

/* The last part; of a path, its last folder. */
static const char *alias_of(const firn_sql_statement *s, size_t i, firn_arena *arena) {
  const firn_sql_ref *r = &s->refs[i];
  if (r->is_path) {
    const char *end = r->parts[0] + strlen(r->parts[0]);
    while (end > r->parts[0] && end[-1] == '/') {
      end--;
    }
    const char *start = end;
    while (start > r->parts[0] && start[-1] != '/') {
      start--;
    }
    return firn_arena_text(arena, (firn_bytes){(const uint8_t *)start, (size_t)(end - start)});
  }
  if (!is_ambiguous(s, i)) {
    return r->parts[r->n_parts - 1];
  }
  firn_namespace all = {r->n_parts, r->parts};
  return firn_namespace_text(&all, arena);
}

static void add_quoted(firn_builder *b, const char *name) {
  firn_builder_add_u8(b, '"');
  for (; *name != 0; name++) {
    if (*name == '"') {
      firn_builder_add_u8(b, '"');
    }
    firn_builder_add_u8(b, (uint8_t)*name);
  }
  firn_builder_add_u8(b, '"');
}

static firn_status prepare(writer *w, firn_error *err) {
  const firn_sql_statement *s = w->s;
  w->aliases = firn_new_n(w->arena, const char *, s->n_refs + 1);
  w->prefixes = firn_new_n(w->arena, prefix, s->n_refs + 1);
  if (w->aliases == NULL || w->prefixes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to rewrite a statement");
  }
  for (size_t i = 0; i < s->n_refs; i++) {
    if (!takes_alias(&s->refs[i])) {
      continue;
    }
    w->aliases[i] = alias_of(s, i, w->arena);
    if (w->aliases[i] == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory to rewrite a statement");
    }
    if (s->refs[i].n_parts > 1) {
      w->prefixes[w->n_prefixes++] = (prefix){&s->refs[i], w->aliases[i]};
    }
  }
  if (w->n_prefixes > 0) {
    qsort(w->prefixes, w->n_prefixes, sizeof *w->prefixes, compare_prefixes);
  }
  return FIRN_OK;
}

static const prefix *prefix_find(const writer *w, const char *const *parts, size_t n) {
  size_t low = 0, high = w->n_prefixes;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = compare_parts(w->prefixes[middle].ref, parts, n);
    if (order == 0) {
      return &w->prefixes[middle];
    }
    *(order > 0 ? &high : &low) = order > 0 ? middle : middle + 1;
  }
  return NULL;
}

/* A chain of names a.b.c that begins at the parser's place: where its leading parts are a table's whole name,
 * that becomes the table's alias. Passes over what it wrote. */
static firn_status chain(writer *w, firn_parser *p, bool *taken, firn_error *err) {
  const char *parts[FIRN_SQL_MAX_PARTS];
  size_t n = 0, at = p->at;
  *taken = false;
  while (n < FIRN_SQL_MAX_PARTS &&
         (p->tokens[at].kind == FIRN_TOKEN_WORD || p->tokens[at].kind == FIRN_TOKEN_QUOTED)) {
    FIRN_TRY(firn_token_text(p->text, &p->tokens[at], p->arena, &parts[n++], err));
    const firn_token *dot = &p->tokens[at + 1 < p->n ? at + 1 : p->n];
    if (dot->kind != FIRN_TOKEN_MARK || p->text.data[dot->at] != '.') {
      break;
    }
    at += at + 2 <= p->n ? 2 : 1;
  }
  for (size_t k = n; k-- > 2;) { /* at least the column stays behind it */
    const prefix *found = prefix_find(w, parts, k);
    if (found != NULL) {
      add_quoted(&w->out, found->alias);
      p->at += 2 * k - 1;
      *taken = true;
      return FIRN_OK;
    }
  }
  /* ns.t.* : the star is no part */
  const firn_token *last = &p->tokens[at < p->n ? at : p->n];
  if (n >= 2 && last->kind == FIRN_TOKEN_MARK && p->text.data[last->at] == '*') {
    const prefix *found = prefix_find(w, parts, n);
    if (found != NULL) {
      add_quoted(&w->out, found->alias);
      p->at += 2 * n - 1;
      *taken = true;
    }
  }
  return FIRN_OK;
}

/* A token as it stands; Spark's quotes become the engine's. */
static firn_status one_token(writer *w, firn_parser *p, firn_error *err) {
  const firn_token *t = &p->tokens[p->at];
  p->at++;
  if (t->kind != FIRN_TOKEN_QUOTED || p->text.data[t->at] != '`') {
    firn_builder_add(&w->out, firn_parser_bytes(p, t));
    return FIRN_OK;
  }
  const char *name;
  FIRN_TRY(firn_token_text(p->text, t, p->arena, &name, err));
  add_quoted(&w->out, name);
  return FIRN_OK;
}

/* What asks for the time, or for what else depends on who asks. */
typedef enum asking { ASKS_NOTHING = 0, ASKS_INSTANT, ASKS_LOCAL, ASKS_DATE, ASKS_OTHER } asking;

static asking asks(const firn_parser *p) {
  static const struct {
    const char *name;
    asking kind;
    bool is_bare; /* without brackets too */
  } names[] = {
      {"now", ASKS_INSTANT, false},
      {"get_current_timestamp", ASKS_INSTANT, false},
      {"transaction_timestamp", ASKS_INSTANT, false},
      {"current_timestamp", ASKS_INSTANT, true},
      {"localtimestamp", ASKS_LOCAL, true},
      {"current_localtimestamp", ASKS_LOCAL, false},
      {"current_date", ASKS_DATE, true},
      {"today", ASKS_DATE, false},
      {"current_time", ASKS_OTHER, true},
      {"localtime", ASKS_OTHER, true},
      {"current_localtime", ASKS_OTHER, false},
      {"get_current_time", ASKS_OTHER, false},
      {"age", ASKS_OTHER, false},
      {"ago", ASKS_OTHER, false},
      {"current_setting", ASKS_OTHER, false},
      {"getvariable", ASKS_OTHER, false},
      {"current_schema", ASKS_OTHER, false},
      {"current_schemas", ASKS_OTHER, false},
      {"in_search_path", ASKS_OTHER, false},
      {"txid_current", ASKS_OTHER, false},
      {"pg_conf_load_time", ASKS_OTHER, false},
      {"pg_postmaster_start_time", ASKS_OTHER, false},
  };
  const firn_token *t = &p->tokens[p->at];
  firn_bytes name = firn_parser_bytes(p, t);
  if (t->kind == FIRN_TOKEN_QUOTED && name.len > 2) {
    name = firn_bytes_part(name, 1, name.len - 2);
  }
  bool is_call = firn_parser_sees(p, 1, "(");
  bool after_dot = p->at > 0 && p->tokens[p->at - 1].kind == FIRN_TOKEN_MARK &&
                   p->text.data[p->tokens[p->at - 1].at] == '.';
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    bool is_word = t->kind == FIRN_TOKEN_WORD && names[i].is_bare && !after_dot;
    if ((!is_call && !is_word) || name.len != strlen(names[i].name) ||
        strncasecmp((const char *)name.data, names[i].name, name.len) != 0) {
      continue;
    }
    bool is_simple = !after_dot && (!is_call || firn_parser_sees(p, 2, ")"));
    return is_simple ? names[i].kind : ASKS_OTHER;
  }
  return ASKS_NOTHING;
}

bool firn_sql_asks_for_time(const firn_sql_statement *s, bool *can_be_planned) {
  firn_parser p = {.text = s->text, .tokens = s->tokens, .n = s->n_tokens};
  bool found = false;
  *can_be_planned = true;
  for (; p.at < p.n; p.at++) {
    if (p.tokens[p.at].kind != FIRN_TOKEN_WORD && p.tokens[p.at].kind != FIRN_TOKEN_QUOTED) {
      continue;
    }
    asking kind = asks(&p);
    found |= kind != ASKS_NOTHING;
    *can_be_planned &= kind != ASKS_OTHER;
  }
  return found;
}

/* The plan's time instead of the question for it. */
static bool takes_now(writer *w, firn_parser *p) {
  const firn_token *t = &p->tokens[p->at];
  if (!w->has_now || (t->kind != FIRN_TOKEN_WORD && t->kind != FIRN_TOKEN_QUOTED)) {
    return false;
  }
  asking kind = asks(p);
  char text[FIRN_TIME_TEXT_MAX];
  if (kind == ASKS_DATE) {
    (void)firn_date_text((int32_t)firn_floor_div(w->now_us, FIRN_US_PER_DAY), text);
  } else {
    (void)firn_timestamp_text(w->now_us, FIRN_MICROS, kind == ASKS_INSTANT, text);
  }
  if (kind == ASKS_NOTHING || kind == ASKS_OTHER) {
    return false;
  }
  const char *type = kind == ASKS_DATE ? "DATE" : kind == ASKS_LOCAL ? "TIMESTAMP" : "TIMESTAMPTZ";
  firn_builder_addf(&w->out, "CAST('%s' AS %s)", text, type);
  p->at += firn_parser_sees(p, 1, "(") ? 3 : 1;
  return true;
}

static bool begins_chain(const writer *w, const firn_parser *p) {
  const firn_token *t = &p->tokens[p->at];
  bool is_name = t->kind == FIRN_TOKEN_WORD || t->kind == FIRN_TOKEN_QUOTED;
  bool after_dot = p->at > 0 && p->tokens[p->at - 1].kind == FIRN_TOKEN_MARK &&
                   p->text.data[p->tokens[p->at - 1].at] == '.';
  return w->n_prefixes > 0 && is_name && !after_dot && firn_parser_sees(p, 1, ".");
}

static firn_status write_tokens(writer *w, size_t at, size_t len, const char *const *generated,
                                firn_error *err) {
  const firn_sql_statement *s = w->s;
  firn_parser p = {.text = s->text, .tokens = s->tokens, .n = s->n_tokens, .arena = w->arena};
  size_t ref = 0, done = at;
  while (p.at < p.n && p.tokens[p.at].at < at + len) {
    size_t start = p.tokens[p.at].at;
    if (start < at) {
      p.at++;
      continue;
    }
    while (ref < s->n_refs && s->refs[ref].at < start) {
      ref++;
    }
    firn_builder_add(&w->out, (firn_bytes){s->text.data + done, start - done});
    if (ref < s->n_refs && s->refs[ref].at == start && generated[ref] != NULL) {
      firn_builder_add_text(&w->out, generated[ref]);
      if (w->aliases[ref] != NULL) {
        firn_builder_add_text(&w->out, " AS ");
        add_quoted(&w->out, w->aliases[ref]);
      }
      done = start + s->refs[ref].len;
      while (p.at < p.n && p.tokens[p.at].at < done) {
        p.at++;
      }
      continue;
    }
    bool taken = takes_now(w, &p);
    if (!taken && begins_chain(w, &p)) {
      FIRN_TRY(chain(w, &p, &taken, err));
    }
    if (!taken) {
      FIRN_TRY(one_token(w, &p, err));
    }
    const firn_token *last = &p.tokens[p.at - 1];
    done = (size_t)last->at + last->len;
  }
  firn_builder_add(&w->out, (firn_bytes){s->text.data + done, at + len - done});
  return FIRN_OK;
}

static firn_status write_all(writer *w, size_t at, size_t len, const char *const *generated, const char **out,
                             firn_error *err) {
  firn_status status = prepare(w, err);
  if (status == FIRN_OK) {
    status = write_tokens(w, at, len, generated, err);
  }
  firn_bytes made;
  if (status == FIRN_OK) {
    status = firn_builder_finish(&w->out, &made, err);
  }
  if (status == FIRN_OK) {
    *out = firn_arena_text(w->arena, made);
    status = *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory to rewrite a statement") : FIRN_OK;
  }
  firn_builder_free(&w->out);
  return status;
}

firn_status firn_sql_rewrite(const firn_sql_statement *s, size_t at, size_t len, const char *const *generated,
                             firn_arena *arena, const char **out, firn_error *err) {
  writer w = {.s = s, .arena = arena, .out = FIRN_BUILDER_INIT(2 * FIRN_SQL_MAX_BYTES)};
  return write_all(&w, at, len, generated, out, err);
}

firn_status firn_sql_rewrite_at(const firn_sql_statement *s, size_t at, size_t len,
                                const char *const *generated, int64_t now_us, firn_arena *arena,
                                const char **out, firn_error *err) {
  writer w = {.s = s,
              .arena = arena,
              .has_now = true,
              .now_us = now_us,
              .out = FIRN_BUILDER_INIT(2 * FIRN_SQL_MAX_BYTES)};
  return write_all(&w, at, len, generated, out, err);
}

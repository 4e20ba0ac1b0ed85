#include "services/sql/rewrite_internal.h"

#include <stdlib.h>
#include <strings.h>

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
    bool taken = false;
    if (begins_chain(w, &p)) {
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

firn_status firn_sql_rewrite(const firn_sql_statement *s, size_t at, size_t len, const char *const *generated,
                             firn_arena *arena, const char **out, firn_error *err) {
  writer w = {.s = s, .arena = arena, .out = FIRN_BUILDER_INIT(2 * FIRN_SQL_MAX_BYTES)};
  firn_status status = prepare(&w, err);
  if (status == FIRN_OK) {
    status = write_tokens(&w, at, len, generated, err);
  }
  firn_bytes made;
  if (status == FIRN_OK) {
    status = firn_builder_finish(&w.out, &made, err);
  }
  if (status == FIRN_OK) {
    *out = firn_arena_text(arena, made);
    status = *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory to rewrite a statement") : FIRN_OK;
  }
  firn_builder_free(&w.out);
  return status;
}

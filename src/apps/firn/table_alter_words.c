/* The words of firn table alter. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apps/firn/rows.h"
#include "apps/firn/table_alter.h"
#include "iceberg/types/terms.h"

typedef struct reader {
  firn_app *app;
  const firn_args *args;
  size_t at;
  const char *doing; /* the change's own word */
  const char *usage; /* what stands behind it */
} reader;

static bool is_end(const reader *r) {
  return r->at >= r->args->n_words || strcmp(r->args->words[r->at], ",") == 0;
}

static bool is_word(const reader *r, const char *word) {
  return !is_end(r) && strcmp(r->args->words[r->at], word) == 0;
}

static firn_status wrong(const reader *r, firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "%s takes %s%s%s", r->doing, r->usage, is_end(r) ? "" : ", not ",
                        is_end(r) ? "" : r->args->words[r->at]);
}

static firn_status take(reader *r, const char **out, firn_error *err) {
  if (is_end(r)) {
    return wrong(r, err);
  }
  *out = r->args->words[r->at++];
  return FIRN_OK;
}

/* --- parts --- */

static firn_status take_place(reader *r, firn_change *c, firn_error *err) {
  static const struct {
    const char *word;
    int kind;
    bool has_sibling;
  } places[] = {{"first", FIRN_PLACE_FIRST, false},
                {"last", FIRN_PLACE_LAST, false},
                {"before", FIRN_PLACE_BEFORE, true},
                {"after", FIRN_PLACE_AFTER, true}};
  for (size_t i = 0; i < FIRN_COUNT_OF(places); i++) {
    if (is_word(r, places[i].word)) {
      r->at++;
      c->place.kind = places[i].kind;
      return places[i].has_sibling ? take(r, &c->place.of, err) : FIRN_OK;
    }
  }
  return wrong(r, err);
}

static firn_status take_type(reader *r, firn_change *c, firn_error *err) {
  const char *text = NULL;
  FIRN_TRY(take(r, &text, err));
  return firn_type_parse(firn_bytes_of(text), r->app->arena, &c->field, err);
}

static firn_status read_add(reader *r, firn_change *c, firn_error *err) {
  FIRN_TRY(take(r, &c->name, err));
  FIRN_TRY(take_type(r, c, err));
  while (!is_end(r)) {
    if (is_word(r, "required")) {
      r->at++;
      c->field.required = true;
    } else if (is_word(r, "doc")) {
      r->at++;
      FIRN_TRY(take(r, &c->field.doc, err));
    } else {
      FIRN_TRY(take_place(r, c, err));
    }
  }
  return FIRN_OK;
}

static firn_status read_move(reader *r, firn_change *c, firn_error *err) {
  FIRN_TRY(take(r, &c->name, err));
  return take_place(r, c, err);
}

static firn_status read_type(reader *r, firn_change *c, firn_error *err) {
  FIRN_TRY(take(r, &c->name, err));
  return take_type(r, c, err);
}

static firn_status read_name(reader *r, firn_change *c, firn_error *err) {
  return take(r, &c->name, err);
}

static firn_status read_rename(reader *r, firn_change *c, firn_error *err) {
  FIRN_TRY(take(r, &c->name, err));
  return take(r, &c->to, err);
}

static firn_status read_doc(reader *r, firn_change *c, firn_error *err) {
  FIRN_TRY(take(r, &c->name, err));
  FIRN_TRY(take(r, &c->text, err));
  c->text = c->text[0] == '\0' ? NULL : c->text;
  return FIRN_OK;
}

static firn_status read_text(reader *r, firn_change *c, firn_error *err) {
  return take(r, &c->text, err);
}

static firn_status read_names(reader *r, firn_change *c, firn_error *err) {
  const char *text = NULL;
  FIRN_TRY(take(r, &text, err));
  return text[0] == '\0' ? FIRN_OK : firn_split_names(text, r->app->arena, &c->names, &c->n_names, err);
}

static firn_status read_location(reader *r, firn_change *c, firn_error *err) {
  const char *text = NULL;
  FIRN_TRY(take(r, &text, err));
  c->text = firn_app_absolute(r->app, text);
  return c->text != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a path");
}

static firn_status read_version(reader *r, firn_change *c, firn_error *err) {
  const char *text = NULL;
  FIRN_TRY(take(r, &text, err));
  char *end;
  c->id = strtol(text, &end, 10);
  return end != text && *end == '\0' ? FIRN_OK
                                     : firn_error_set(err, FIRN_INVALID, "\"%s\" is no format version", text);
}

static firn_status read_widen(reader *r, firn_change *c, firn_error *err) {
  const char *path;
  const firn_json_value *json;
  firn_schema schema;
  FIRN_TRY(take(r, &path, err));
  FIRN_TRY(firn_app_read_json(r->app, path, &json, err));
  firn_status status = firn_schema_read(json, r->app->arena, &schema, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", path);
  }
  c->field = schema.root;
  return FIRN_OK;
}

/* --- changes --- */

#define PLACE "first|last|before COLUMN|after COLUMN"

static const struct {
  const char *word, *usage;
  firn_change_kind kind;
  firn_status (*read)(reader *r, firn_change *c, firn_error *err);
} changes[] = {
    {"add-column", "NAME TYPE [required] [doc TEXT] [" PLACE "]", FIRN_CHANGE_ADD_COLUMN, read_add},
    {"drop-column", "NAME", FIRN_CHANGE_DROP_COLUMN, read_name},
    {"rename-column", "NAME NEW-NAME", FIRN_CHANGE_RENAME_COLUMN, read_rename},
    {"move-column", "NAME " PLACE, FIRN_CHANGE_MOVE_COLUMN, read_move},
    {"set-type", "NAME TYPE", FIRN_CHANGE_SET_TYPE, read_type},
    {"set-optional", "NAME", FIRN_CHANGE_SET_OPTIONAL, read_name},
    {"set-required", "NAME", FIRN_CHANGE_SET_REQUIRED, read_name},
    {"set-doc", "NAME TEXT", FIRN_CHANGE_SET_DOC, read_doc},
    {"set-identifiers", "NAME,... or \"\"", FIRN_CHANGE_SET_IDENTIFIERS, read_names},
    {"widen", "SCHEMA-FILE", FIRN_CHANGE_WIDEN, read_widen},
    {"add-partition", "TERMS", FIRN_CHANGE_ADD_PARTITION, read_text},
    {"drop-partition", "NAME or TERMS", FIRN_CHANGE_DROP_PARTITION, read_text},
    {"rename-partition", "NAME NEW-NAME", FIRN_CHANGE_RENAME_PARTITION, read_rename},
    {"partition-by", "TERMS or \"\"", FIRN_CHANGE_SET_PARTITIONING, read_text},
    {"sort-by", "TERMS or \"\"", FIRN_CHANGE_SET_SORT_ORDER, read_text},
    {"set-location", "LOCATION", FIRN_CHANGE_SET_LOCATION, read_location},
    {"upgrade", "VERSION", FIRN_CHANGE_UPGRADE, read_version},
};

static firn_status no_such_change(const char *word, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(changes); i++) {
    firn_builder_addf(&b, "%s%s", i == 0 ? "" : ", ", changes[i].word);
  }
  return firn_error_set(err, FIRN_INVALID, "there is no change \"%s\"; there are %.*s", word,
                        FIRN_FORMAT_BYTES(firn_builder_bytes(&b)));
}

static firn_status read_change(reader *r, firn_change *out, firn_error *err) {
  *out = (firn_change){.if_exists = firn_args_has(r->args, "if-exists"),
                       .if_not_exists = firn_args_has(r->args, "if-not-exists"),
                       .force = firn_args_has(r->args, "force")};
  const char *word = is_end(r) ? "" : r->args->words[r->at++];
  for (size_t i = 0; i < FIRN_COUNT_OF(changes); i++) {
    if (strcmp(word, changes[i].word) == 0) {
      r->doing = word;
      r->usage = changes[i].usage;
      out->kind = changes[i].kind;
      FIRN_TRY(changes[i].read(r, out, err));
      return is_end(r) ? FIRN_OK : wrong(r, err);
    }
  }
  return no_such_change(word, err);
}

firn_status firn_change_words_read(firn_app *app, const firn_args *args, size_t from, const firn_change **out,
                                   size_t *n, firn_error *err) {
  reader r = {.app = app, .args = args, .at = from};
  firn_change *items = firn_new_n(app->arena, firn_change, args->n_words); /* each takes a word at least */
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for changes");
  }
  for (*n = 0;; r.at++) {
    FIRN_TRY(read_change(&r, &items[*n], err));
    (*n)++;
    if (r.at >= args->n_words) {
      break;
    }
  }
  *out = items;
  return FIRN_OK;
}

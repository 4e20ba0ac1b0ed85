#include "base/config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/config_internal.h"
#include "base/nearest.h"

enum { PATH_MAX_BYTES = 200 };

/* One reading. */
typedef struct reading {
  const firn_config_key *keys;
  size_t n;
  const firn_config_sources *sources;
  firn_arena *arena;
  void *into;
  firn_config_origin *origins;
} reading;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a configuration");
}

const firn_config_key *firn_config_find(const firn_config_key *keys, size_t n, const char *path) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(keys[i].path, path) == 0) {
      return &keys[i];
    }
  }
  return NULL;
}

const char *firn_config_env_name(const firn_config_key *key, char out[FIRN_CONFIG_TEXT_MAX]) {
  if (key->env != NULL) {
    (void)snprintf(out, FIRN_CONFIG_TEXT_MAX, "%s", key->env);
    return out;
  }
  (void)snprintf(out, FIRN_CONFIG_TEXT_MAX, "FIRN_%s", key->path);
  for (char *at = out; *at != '\0'; at++) {
    *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at == '.' || *at == '-' ? '_' : *at;
  }
  return out;
}

const char *firn_config_origin_text(const firn_config_origin *origin, char out[FIRN_CONFIG_TEXT_MAX]) {
  switch (origin->from) {
    case FIRN_CONFIG_FROM_PRESET:
      return "default";
    case FIRN_CONFIG_FROM_FILE:
      (void)snprintf(out, FIRN_CONFIG_TEXT_MAX, "%s:%" PRIu32, origin->name, origin->line);
      return out;
    case FIRN_CONFIG_FROM_ENV:
      (void)snprintf(out, FIRN_CONFIG_TEXT_MAX, "%s", origin->name);
      return out;
    case FIRN_CONFIG_FROM_FLAG:
      (void)snprintf(out, FIRN_CONFIG_TEXT_MAX, "--%s", origin->name);
      return out;
    default:
      return "nowhere";
  }
}

static firn_status while_at(const firn_config_origin *origin, firn_status status, firn_error *err) {
  char place[FIRN_CONFIG_TEXT_MAX];
  if (status == FIRN_OK || status == FIRN_NOMEM) {
    return status;
  }
  return firn_error_while(err, status, "%s", firn_config_origin_text(origin, place));
}

/* Files: names. */

static const char *last_part(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot == NULL ? path : dot + 1;
}

static size_t count_dots(const char *path) {
  size_t n = 0;
  for (; *path != '\0'; path++) {
    n += *path == '.';
  }
  return n;
}

/* Whether `path` is where keys stand below: "server" of "server.listen". */
static bool is_section(const reading *r, const char *path) {
  size_t len = strlen(path);
  for (size_t i = 0; i < r->n; i++) {
    if (strncmp(r->keys[i].path, path, len) == 0 && r->keys[i].path[len] == '.') {
      return true;
    }
  }
  return false;
}

/* The first `n_dots` + 1 parts of a path; NULL: it has fewer, or there is no memory. */
static const char *cut_path(firn_arena *arena, const char *path, size_t n_dots) {
  size_t len = 0;
  for (size_t dots = 0; path[len] != '\0' && (path[len] != '.' || dots < n_dots); len++) {
    dots += path[len] == '.';
  }
  return count_dots(path) < n_dots ? NULL : firn_arena_text(arena, (firn_bytes){(const uint8_t *)path, len});
}

/* A key or section that was probably meant: first at the same depth, then one of the same name elsewhere. */
static const char *nearest_path(const reading *r, const char *written) {
  const char **names = firn_new_n(r->arena, const char *, r->n);
  if (names == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < r->n; i++) {
    names[i] = cut_path(r->arena, r->keys[i].path, count_dots(written));
  }
  const char *near = firn_nearest(firn_bytes_of(written), names, r->n);
  if (near != NULL) {
    return near;
  }
  for (size_t i = 0; i < r->n; i++) {
    names[i] = last_part(r->keys[i].path);
  }
  near = firn_nearest(firn_bytes_of(last_part(written)), names, r->n);
  for (size_t i = 0; near != NULL && i < r->n; i++) {
    if (names[i] == near) {
      return r->keys[i].path;
    }
  }
  return NULL;
}

static firn_status unknown_key(const reading *r, const char *path, firn_error *err) {
  const char *near = nearest_path(r, path);
  if (near != NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s is no key; did you mean %s?", path, near);
  }
  return firn_error_set(err, FIRN_INVALID, "%s is no key", path);
}

/* Files: values. */

static firn_status scalar_text(const reading *r, const firn_config_key *key, const firn_yaml *v,
                               firn_bytes *out, firn_error *err) {
  static const char *const nothings[] = {"~", "null", "Null", "NULL"};
  bool is_nothing = v->kind == FIRN_YAML_NULL;
  for (size_t i = 0; i < FIRN_COUNT_OF(nothings) && v->kind == FIRN_YAML_SCALAR && !v->is_quoted; i++) {
    is_nothing = is_nothing || firn_bytes_is(v->text, nothings[i]);
  }
  if (is_nothing) {
    return firn_error_set(err, FIRN_INVALID, "%s has no value; give it one%s, or leave the line out",
                          key->path, v->kind == FIRN_YAML_SCALAR ? " (a text like that in quotes)" : "");
  }
  if (v->kind != FIRN_YAML_SCALAR) {
    char allowed[FIRN_CONFIG_TEXT_MAX];
    return firn_error_set(err, FIRN_INVALID, "%s is a %s; it must be %s", key->path,
                          v->kind == FIRN_YAML_MAP ? "map" : "list", firn_config_allowed(key, allowed));
  }
  firn_status status = firn_config_expand(v->text, r->sources, r->arena, out, err);
  return status == FIRN_OK || status == FIRN_NOMEM ? status : firn_error_while(err, status, "%s", key->path);
}

static firn_status put_list(const reading *r, const firn_config_key *key, const firn_yaml *v,
                            firn_error *err) {
  bool is_list = v->kind == FIRN_YAML_LIST;
  size_t n = is_list ? v->n : 1;
  firn_bytes *texts = firn_new_n(r->arena, firn_bytes, n);
  if (texts == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(scalar_text(r, key, is_list ? v->items[i] : v, &texts[i], err));
  }
  if (!is_list && texts[0].len == 0) {
    return FIRN_OK;
  }
  return firn_config_put_texts(key, texts, n, r->arena, r->into, err);
}

static firn_status put_node(const reading *r, size_t i, const firn_yaml *v, firn_error *err) {
  const firn_config_key *key = &r->keys[i];
  firn_bytes text;
  if (key->type == FIRN_CONFIG_TEXTS) {
    return put_list(r, key, v, err);
  }
  FIRN_TRY(scalar_text(r, key, v, &text, err));
  return text.len == 0 ? FIRN_OK : firn_config_put(key, text, r->arena, r->into, err);
}

static firn_status read_leaf(reading *r, size_t i, const firn_yaml_member *m, firn_error *err) {
  firn_config_origin *origin = &r->origins[i];
  if (origin->from == FIRN_CONFIG_FROM_FILE) { /* once in its section, once with dots */
    return firn_error_set(err, FIRN_INVALID, "%s is given again, first in line %" PRIu32, r->keys[i].path,
                          origin->line);
  }
  FIRN_TRY(put_node(r, i, m->value, err));
  *origin = (firn_config_origin){FIRN_CONFIG_FROM_FILE, r->sources->file_name, m->line};
  return FIRN_OK;
}

static firn_status read_map(reading *r, const firn_yaml *map, const char *path, firn_error *err);

static firn_status read_member(reading *r, const firn_yaml_member *m, const char *section, firn_error *err) {
  firn_config_origin here = {FIRN_CONFIG_FROM_FILE, r->sources->file_name, m->line};
  if (m->key.len + strlen(section) >= PATH_MAX_BYTES) {
    return while_at(&here, firn_error_set(err, FIRN_INVALID, "a name of %zu bytes is no key", m->key.len),
                    err);
  }
  const char *path = firn_arena_printf(r->arena, "%s%s%.*s", section, section[0] == '\0' ? "" : ".",
                                       FIRN_FORMAT_BYTES(m->key));
  if (path == NULL) {
    return no_memory(err);
  }
  const firn_config_key *key = firn_config_find(r->keys, r->n, path);
  if (key != NULL) {
    return while_at(&here, read_leaf(r, (size_t)(key - r->keys), m, err), err);
  }
  if (!is_section(r, path)) {
    return while_at(&here, unknown_key(r, path, err), err);
  }
  return m->value->kind == FIRN_YAML_NULL ? FIRN_OK /* a section whose keys are all left out */
                                          : read_map(r, m->value, path, err);
}

static firn_status read_map(reading *r, const firn_yaml *map, const char *path, firn_error *err) {
  if (map->kind != FIRN_YAML_MAP) {
    firn_config_origin here = {FIRN_CONFIG_FROM_FILE, r->sources->file_name, map->line};
    return while_at(
        &here,
        firn_error_set(err, FIRN_INVALID, "%s must have keys below it", path[0] == '\0' ? "the file" : path),
        err);
  }
  for (size_t i = 0; i < map->n; i++) {
    FIRN_TRY(read_member(r, &map->members[i], path, err));
  }
  return FIRN_OK;
}

/* The other sources. */

static firn_status put_presets(reading *r, firn_error *err) {
  for (size_t i = 0; i < r->n; i++) {
    const firn_config_key *key = &r->keys[i];
    firn_bytes text = firn_bytes_of(key->preset);
    if (key->type == FIRN_CONFIG_TEXTS) {
      FIRN_TRY(firn_config_put_texts(key, &text, key->preset == NULL ? 0 : 1, r->arena, r->into, err));
    } else if (key->preset != NULL) {
      FIRN_TRY(firn_config_put(key, text, r->arena, r->into, err));
    } else {
      static const int64_t nothing = 0; /* no text is NULL: all bits zero, as everywhere that we run */
      memcpy((uint8_t *)r->into + key->offset, &nothing,
             key->type == FIRN_CONFIG_BOOL ? sizeof(bool) : sizeof nothing);
    }
    r->origins[i] = (firn_config_origin){
        key->preset == NULL ? FIRN_CONFIG_FROM_NOWHERE : FIRN_CONFIG_FROM_PRESET, NULL, 0};
  }
  return FIRN_OK;
}

/* "a, b,c" */
static firn_status put_with_commas(const reading *r, const firn_config_key *key, const char *text,
                                   firn_error *err) {
  size_t n = 1;
  for (const char *at = text; *at != '\0'; at++) {
    n += *at == ',';
  }
  firn_bytes *texts = firn_new_n(r->arena, firn_bytes, n);
  if (texts == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    text += strspn(text, " ");
    size_t len = strcspn(text, ",");
    texts[i] = (firn_bytes){(const uint8_t *)text, len};
    while (texts[i].len > 0 && text[texts[i].len - 1] == ' ') {
      texts[i].len--;
    }
    text += len + (text[len] == ',');
  }
  return firn_config_put_texts(key, texts, n, r->arena, r->into, err);
}

static firn_status put_outside(reading *r, size_t i, const char *text, firn_config_origin origin,
                               firn_error *err) {
  const firn_config_key *key = &r->keys[i];
  firn_status status = key->type == FIRN_CONFIG_TEXTS
                           ? put_with_commas(r, key, text, err)
                           : firn_config_put(key, firn_bytes_of(text), r->arena, r->into, err);
  r->origins[i] = origin;
  return while_at(&origin, status, err);
}

/* The variable that sets a key; `*name` (in the arena) is NULL when there is none. */
static firn_status find_variable(const reading *r, const firn_config_key *key, const char **name,
                                 const char **value, firn_error *err) {
  char own[FIRN_CONFIG_TEXT_MAX];
  const char *names[] = {firn_config_env_name(key, own), key->env_too};
  *name = NULL;
  for (size_t i = 0; i < FIRN_COUNT_OF(names) && r->sources->env != NULL && names[i] != NULL; i++) {
    *value = r->sources->env(r->sources->self, names[i]);
    if (*value != NULL && (*value)[0] != '\0') {
      *name = firn_arena_text(r->arena, firn_bytes_of(names[i]));
      return *name == NULL ? no_memory(err) : FIRN_OK;
    }
  }
  return FIRN_OK;
}

static firn_status put_outsides(reading *r, firn_error *err) {
  for (size_t i = 0; i < r->n; i++) {
    const firn_config_key *key = &r->keys[i];
    bool may_ask = key->flag != NULL && r->sources->flag != NULL;
    const char *value = may_ask ? r->sources->flag(r->sources->self, key->flag) : NULL;
    if (value != NULL && (value[0] != '\0' || key->type == FIRN_CONFIG_BOOL)) {
      value = value[0] == '\0' ? "true" : value; /* a switch */
      FIRN_TRY(put_outside(r, i, value, (firn_config_origin){FIRN_CONFIG_FROM_FLAG, key->flag, 0}, err));
      continue;
    }
    const char *name;
    FIRN_TRY(find_variable(r, key, &name, &value, err));
    if (name != NULL) {
      FIRN_TRY(put_outside(r, i, value, (firn_config_origin){FIRN_CONFIG_FROM_ENV, name, 0}, err));
    }
  }
  return FIRN_OK;
}

firn_status firn_config_read(const firn_config_key *keys, size_t n, const firn_config_sources *sources,
                             firn_arena *arena, void *into, firn_config_origin *origins, firn_error *err) {
  firn_config_origin *own = origins != NULL ? origins : firn_new_n(arena, firn_config_origin, n);
  if (own == NULL) {
    return no_memory(err);
  }
  reading r = {keys, n, sources, arena, into, own};
  FIRN_TRY(put_presets(&r, err));
  if (sources->file != NULL && sources->file->kind != FIRN_YAML_NULL) { /* an empty file is fine */
    FIRN_TRY(read_map(&r, sources->file, "", err));
  }
  return put_outsides(&r, err);
}

firn_status firn_config_print(const firn_config_key *keys, size_t n, const void *from,
                              const firn_config_origin *origins, firn_builder *out, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    char place[FIRN_CONFIG_TEXT_MAX];
    FIRN_AUTO_BUILDER value = FIRN_BUILDER_INIT(0);
    bool is_there = firn_config_add_value(&keys[i], from, &value);
    bool is_given = is_there && origins[i].from != FIRN_CONFIG_FROM_NOWHERE;
    firn_bytes text;
    FIRN_TRY(firn_builder_finish(&value, &text, err));
    if (keys[i].is_secret) {
      firn_builder_addf(out, "# %s: (%s)", keys[i].path, is_given ? "set" : "not set");
    } else if (!is_given) {
      firn_builder_addf(out, "# %s: (not set)", keys[i].path);
    } else {
      firn_builder_addf(out, "%s: %.*s", keys[i].path, FIRN_FORMAT_BYTES(text));
    }
    firn_builder_addf(out, is_given ? "  # %s\n" : "\n", firn_config_origin_text(&origins[i], place));
  }
  return firn_builder_finish(out, &(firn_bytes){0}, err);
}

#include "rows/json_value_internal.h"

#include "rows/guess_internal.h"
#include "rows/text_internal.h"

static firn_status does_not_fit(firn_json_filling *f, const firn_column *column,
                                const firn_json_token *value) {
  f->column = column;
  f->value = value->raw;
  f->value_kind = value->kind;
  return FIRN_INVALID;
}

static firn_status given_twice(const firn_column *column, firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "the key \"%s\" is given twice",
                        column->field->name == NULL ? "" : column->field->name);
}

/* --- objects --- */

/* The child that a key names. The usual case is the one that follows the last. */
static firn_status find_child(firn_json_filling *f, firn_column *parent, const firn_json_token *key,
                              firn_column **out, firn_error *err) {
  const firn_field *field = parent->field;
  firn_bytes name = key->raw;
  uint32_t at = parent->expected;
  *out = NULL;
  if (at < field->n_children && !key->has_escapes) {
    const char *expected = field->children[at].name;
    if (strncmp(expected, (const char *)name.data, name.len) == 0 && expected[name.len] == '\0') {
      parent->expected = at + 1;
      *out = &parent->children[at];
      return FIRN_OK;
    }
  }
  if (key->has_escapes) {
    FIRN_TRY(firn_json_text(key, &f->columns->arena, &name, err));
  }
  at = firn_name_index_find(&parent->names, name);
  if (at != FIRN_NO_CHILD) {
    parent->expected = at + 1;
    *out = &parent->children[at];
  }
  return FIRN_OK;
}

static firn_status fill_members(firn_json_filling *f, firn_column *parent, size_t i, firn_json *j,
                                firn_error *err) {
  firn_json_token key, value;
  uint64_t stamp = ++f->stamp;
  parent->expected = 0;
  for (;;) {
    FIRN_TRY(firn_json_next_member(j, &key, &value, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    firn_column *child;
    FIRN_TRY(find_child(f, parent, &key, &child, err));
    if (child == NULL) {
      if (f->stop_at_unknown && firn_guess_tells(&value)) {
        f->is_unknown = true;
        f->column = parent;
        f->key = key.raw;
        return FIRN_INVALID;
      }
      continue;
    }
    if (child->stamp == stamp) {
      return given_twice(child, err);
    }
    child->stamp = stamp;
    FIRN_TRY(firn_json_fill(f, child, i, &value, err));
  }
}

static firn_status fill_struct(firn_json_filling *f, firn_column *column, size_t i,
                               const firn_json_token *value, firn_error *err) {
  firn_json j;
  firn_json_token start;
  if (value->kind != FIRN_JSON_OBJECT) {
    return does_not_fit(f, column, value);
  }
  firn_column_set_valid(column, i);
  firn_json_init(&j, value->raw);
  FIRN_TRY(firn_json_next(&j, &start, err));
  return fill_members(f, column, i, &j, err);
}

firn_status firn_json_fill_row(firn_json_filling *f, size_t row, firn_bytes object, firn_error *err) {
  firn_json j;
  firn_json_token token;
  firn_json_init(&j, object);
  f->is_unknown = false;
  FIRN_TRY(firn_json_next(&j, &token, err));
  if (token.kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "it is JSON, but no object");
  }
  FIRN_TRY(fill_members(f, &f->columns->root, row, &j, err));
  return firn_json_next(&j, &token, err); /* END, or what stands behind the object */
}

/* --- arrays and maps --- */

static firn_status fill_items(firn_json_filling *f, firn_column *column, firn_column *into, size_t *n,
                              const firn_json_token *array, firn_error *err) {
  firn_json j;
  firn_json_token item;
  (void)column;
  firn_json_init(&j, array->raw);
  FIRN_TRY(firn_json_next(&j, &item, err));
  for (;; (*n)++) {
    FIRN_TRY(firn_json_next_item(&j, &item, err));
    if (item.kind == FIRN_JSON_ARRAY_END) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_column_need(f->columns, into, *n, err));
    FIRN_TRY(firn_json_fill(f, into, *n, &item, err));
  }
}

static firn_status fill_list(firn_json_filling *f, firn_column *column, size_t i,
                             const firn_json_token *value, firn_error *err) {
  if (value->kind != FIRN_JSON_ARRAY) {
    return does_not_fit(f, column, value);
  }
  firn_column_begin_list(column, i);
  FIRN_TRY(fill_items(f, column, &column->children[0], &column->n_entries, value, err));
  firn_column_end_list(column, i);
  return FIRN_OK;
}

/* {"keys": [...], "values": [...]}, the specification's form: both arrays, and nothing else. */
static bool is_pair_of_arrays(firn_bytes object, firn_json_token *keys, firn_json_token *values) {
  firn_json j;
  firn_json_token key, value;
  *keys = *values = (firn_json_token){.kind = FIRN_JSON_END};
  firn_json_init(&j, object);
  if (firn_json_next(&j, &key, NULL) != FIRN_OK) {
    return false;
  }
  while (firn_json_next_member(&j, &key, &value, NULL) == FIRN_OK && key.kind != FIRN_JSON_OBJECT_END) {
    if (value.kind != FIRN_JSON_ARRAY) {
      return false;
    }
    if (firn_bytes_is(key.raw, "keys")) {
      *keys = value;
    } else if (firn_bytes_is(key.raw, "values")) {
      *values = value;
    } else {
      return false;
    }
  }
  return keys->kind == FIRN_JSON_ARRAY && values->kind == FIRN_JSON_ARRAY;
}

/* An object whose keys are data. */
static firn_status fill_map_members(firn_json_filling *f, firn_column *column, const firn_json_token *object,
                                    firn_error *err) {
  firn_json j;
  firn_json_token key, value;
  firn_json_init(&j, object->raw);
  FIRN_TRY(firn_json_next(&j, &key, err));
  for (;; column->n_entries++) {
    FIRN_TRY(firn_json_next_member(&j, &key, &value, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_column_need(f->columns, &column->children[0], column->n_entries, err));
    FIRN_TRY(firn_column_need(f->columns, &column->children[1], column->n_entries, err));
    key.kind = FIRN_JSON_STRING;
    FIRN_TRY(firn_json_fill(f, &column->children[0], column->n_entries, &key, err));
    FIRN_TRY(firn_json_fill(f, &column->children[1], column->n_entries, &value, err));
  }
}

static firn_status fill_map(firn_json_filling *f, firn_column *column, size_t i, const firn_json_token *value,
                            firn_error *err) {
  firn_json_token keys, values;
  if (value->kind != FIRN_JSON_OBJECT) {
    return does_not_fit(f, column, value);
  }
  firn_column_begin_list(column, i);
  if (!is_pair_of_arrays(value->raw, &keys, &values)) {
    FIRN_TRY(fill_map_members(f, column, value, err));
  } else {
    size_t n_keys = column->n_entries, n_values = column->n_entries;
    FIRN_TRY(fill_items(f, column, &column->children[0], &n_keys, &keys, err));
    FIRN_TRY(fill_items(f, column, &column->children[1], &n_values, &values, err));
    for (size_t k = column->n_entries; k < n_keys; k++) {
      if (!firn_bit(column->children[0].v->validity, k)) {
        return does_not_fit(f, column, value); /* a key is never null */
      }
    }
    if (n_keys != n_values) {
      return does_not_fit(f, column, value);
    }
    column->n_entries = n_keys;
  }
  firn_column_end_list(column, i);
  return FIRN_OK;
}

/* --- scalars --- */

static firn_status fill_text(firn_json_filling *f, firn_column *column, size_t i,
                             const firn_json_token *value, firn_error *err) {
  firn_bytes text;
  FIRN_TRY(firn_json_text(value, &f->columns->arena, &text, err));
  bool wants_boolean = column->field->kind == FIRN_KIND_BOOLEAN;
  bool wants_integer = column->field->kind == FIRN_KIND_INT || column->field->kind == FIRN_KIND_LONG;
  bool is_number = text.len > 0 && (text.data[0] <= '9' && text.data[0] != 'N');
  bool wants_floating = column->field->kind == FIRN_KIND_FLOAT || column->field->kind == FIRN_KIND_DOUBLE;
  /* "5" is a text; only decimals are also written so, and what JSON has no numbers for. */
  if (wants_boolean || wants_integer || (wants_floating && is_number && !firn_bytes_is(text, "-Infinity"))) {
    return does_not_fit(f, column, value);
  }
  firn_status status = firn_column_set_text(f->columns, column, i, text, err);
  return status == FIRN_INVALID ? does_not_fit(f, column, value) : status;
}

static firn_status fill_scalar(firn_json_filling *f, firn_column *column, size_t i,
                               const firn_json_token *value, firn_error *err) {
  firn_status status = FIRN_INVALID;
  if (column->field->kind == FIRN_KIND_STRING) { /* whatever it is, as JSON */
    column->v->bytes[i] = value->raw;
    firn_column_set_valid(column, i);
    return FIRN_OK;
  }
  if (value->kind == FIRN_JSON_NUMBER) {
    status = firn_column_set_number(column, i, value->raw, value->is_integer, err);
  } else if (column->field->kind == FIRN_KIND_BOOLEAN &&
             (value->kind == FIRN_JSON_TRUE || value->kind == FIRN_JSON_FALSE)) {
    firn_column_set_bit(column, i, value->kind == FIRN_JSON_TRUE);
    firn_column_set_valid(column, i);
    status = FIRN_OK;
  }
  return status == FIRN_INVALID ? does_not_fit(f, column, value) : status;
}

firn_status firn_json_fill(firn_json_filling *f, firn_column *column, size_t i, const firn_json_token *value,
                           firn_error *err) {
  if (value->kind == FIRN_JSON_NULL) {
    return FIRN_OK;
  }
  switch (column->field->kind) {
    case FIRN_KIND_STRUCT:
      return fill_struct(f, column, i, value, err);
    case FIRN_KIND_LIST:
      return fill_list(f, column, i, value, err);
    case FIRN_KIND_MAP:
      return fill_map(f, column, i, value, err);
    default:
      return value->kind == FIRN_JSON_STRING ? fill_text(f, column, i, value, err)
                                             : fill_scalar(f, column, i, value, err);
  }
}

#include "services/sql/duck_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What each kind is to the engine; nested ones and decimals are made from their parts. */
static const struct {
  duck_type_id id;
  const char *text;
} shown_as[] = {
    [FIRN_KIND_UNKNOWN] = {DUCK_INTEGER, "INTEGER"},
    [FIRN_KIND_BOOLEAN] = {DUCK_BOOLEAN, "BOOLEAN"},
    [FIRN_KIND_INT] = {DUCK_INTEGER, "INTEGER"},
    [FIRN_KIND_LONG] = {DUCK_BIGINT, "BIGINT"},
    [FIRN_KIND_FLOAT] = {DUCK_FLOAT, "FLOAT"},
    [FIRN_KIND_DOUBLE] = {DUCK_DOUBLE, "DOUBLE"},
    [FIRN_KIND_DECIMAL] = {DUCK_DECIMAL, "DECIMAL"},
    [FIRN_KIND_DATE] = {DUCK_DATE, "DATE"},
    [FIRN_KIND_TIME] = {DUCK_TIME, "TIME"},
    [FIRN_KIND_TIMESTAMP] = {DUCK_TIMESTAMP, "TIMESTAMP"},
    [FIRN_KIND_TIMESTAMPTZ] = {DUCK_TIMESTAMP_TZ, "TIMESTAMPTZ"},
    [FIRN_KIND_TIMESTAMP_NS] = {DUCK_TIMESTAMP_NS, "TIMESTAMP_NS"},
    [FIRN_KIND_TIMESTAMPTZ_NS] = {DUCK_TIMESTAMP_NS, "TIMESTAMP_NS"},
    [FIRN_KIND_STRING] = {DUCK_VARCHAR, "VARCHAR"},
    [FIRN_KIND_UUID] = {DUCK_UUID, "UUID"},
    [FIRN_KIND_FIXED] = {DUCK_BLOB, "BLOB"},
    [FIRN_KIND_BINARY] = {DUCK_BLOB, "BLOB"},
    [FIRN_KIND_STRUCT] = {DUCK_STRUCT, "STRUCT"},
    [FIRN_KIND_LIST] = {DUCK_LIST, "LIST"},
    [FIRN_KIND_MAP] = {DUCK_MAP, "MAP"},
    [FIRN_KIND_VARIANT] = {DUCK_BLOB, "BLOB"},
    [FIRN_KIND_GEOMETRY] = {DUCK_BLOB, "BLOB"},
    [FIRN_KIND_GEOGRAPHY] = {DUCK_BLOB, "BLOB"},
};

static int by_name(const void *a, const void *b) {
  return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_taken(const firn_field *parent, const char *const *names, size_t n, const char *name) {
  for (size_t i = 0; i < parent->n_children; i++) {
    if (strcasecmp(i < n ? names[i] : parent->children[i].name, name) == 0) {
      return true;
    }
  }
  return false;
}

/* The engine does not tell names apart by case: the later of two that it would confuse gets a number. */
static bool tell_apart(const firn_field *parent, const char **names, firn_arena *arena) {
  for (size_t i = 0; i < parent->n_children; i++) {
    const char *name = names[i];
    bool is_second = false;
    for (size_t k = 0; k < i && !is_second; k++) {
      is_second = strcasecmp(names[k], name) == 0;
    }
    for (unsigned number = 1; is_second && is_taken(parent, names, i, name); number++) {
      name = firn_arena_printf(arena, "%s_%u", names[i], number);
      if (name == NULL) {
        return false;
      }
    }
    names[i] = name;
  }
  return true;
}

const char **firn_duck_names(const firn_field *parent, firn_arena *arena) {
  size_t n = parent->n_children;
  const char **names = firn_new_n(arena, const char *, n + 1);
  const char **sorted = firn_new_n(arena, const char *, n + 1);
  if (names == NULL || sorted == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < n; i++) {
    names[i] = sorted[i] = parent->children[i].name;
  }
  qsort(sorted, n, sizeof *sorted, by_name);
  for (size_t i = 1; i < n; i++) {
    if (strcasecmp(sorted[i - 1], sorted[i]) == 0) {
      return tell_apart(parent, names, arena) ? names : NULL;
    }
  }
  return names;
}

static duck_type struct_type_of(const duck_api *api, const firn_field *field) {
  size_t n = field->n_children;
  duck_type *members FIRN_AUTO(firn_free_pointer) = firn_alloc((n + 1) * sizeof *members);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char **names = firn_duck_names(field, &arena);
  if (members == NULL || names == NULL) {
    return NULL;
  }
  size_t made = 0;
  for (; made < n; made++) {
    members[made] = firn_duck_type_of(api, &field->children[made]);
    if (members[made] == NULL) {
      break;
    }
  }
  duck_type type = made == n ? api->create_struct_type(members, names, n) : NULL;
  for (size_t i = 0; i < made; i++) {
    api->destroy_logical_type(&members[i]);
  }
  return type;
}

static duck_type list_type_of(const duck_api *api, const firn_field *field) {
  duck_type element = firn_duck_type_of(api, &field->children[0]);
  if (element == NULL) {
    return NULL;
  }
  duck_type type = api->create_list_type(element);
  api->destroy_logical_type(&element);
  return type;
}

static duck_type map_type_of(const duck_api *api, const firn_field *field) {
  duck_type key = firn_duck_type_of(api, &field->children[0]);
  duck_type value = key == NULL ? NULL : firn_duck_type_of(api, &field->children[1]);
  duck_type type = value == NULL ? NULL : api->create_map_type(key, value);
  api->destroy_logical_type(&value);
  api->destroy_logical_type(&key);
  return type;
}

duck_type firn_duck_type_of(const duck_api *api, const firn_field *field) {
  switch (field->kind) {
    case FIRN_KIND_STRUCT:
      return struct_type_of(api, field);
    case FIRN_KIND_LIST:
      return list_type_of(api, field);
    case FIRN_KIND_MAP:
      return map_type_of(api, field);
    case FIRN_KIND_DECIMAL:
      return api->create_decimal_type(field->precision, field->scale);
    default:
      return api->create_logical_type(shown_as[field->kind].id);
  }
}

void firn_duck_name_text(const char *name, firn_builder *out) {
  firn_builder_add_u8(out, '"');
  for (const char *at = name; *at != '\0'; at++) {
    if (*at == '"') {
      firn_builder_add_u8(out, '"');
    }
    firn_builder_add_u8(out, (uint8_t)*at);
  }
  firn_builder_add_u8(out, '"');
}

void firn_duck_columns_text(const firn_field *parent, firn_builder *out) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char **names = firn_duck_names(parent, &arena);
  if (names == NULL) {
    out->failed = FIRN_NOMEM;
    return;
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    firn_builder_add_text(out, i == 0 ? "(" : ", ");
    firn_duck_name_text(names[i], out);
    firn_builder_add_u8(out, ' ');
    firn_duck_type_text(&parent->children[i], out);
  }
  firn_builder_add_u8(out, ')');
}

void firn_duck_type_text(const firn_field *field, firn_builder *out) {
  switch (field->kind) {
    case FIRN_KIND_STRUCT:
      firn_builder_add_text(out, "STRUCT(");
      for (uint32_t i = 0; i < field->n_children; i++) {
        firn_builder_add_text(out, i == 0 ? "" : ", ");
        firn_duck_name_text(field->children[i].name, out);
        firn_builder_add_u8(out, ' ');
        firn_duck_type_text(&field->children[i], out);
      }
      firn_builder_add_u8(out, ')');
      return;
    case FIRN_KIND_LIST:
      firn_duck_type_text(&field->children[0], out);
      firn_builder_add_text(out, "[]");
      return;
    case FIRN_KIND_MAP:
      firn_builder_add_text(out, "MAP(");
      firn_duck_type_text(&field->children[0], out);
      firn_builder_add_text(out, ", ");
      firn_duck_type_text(&field->children[1], out);
      firn_builder_add_u8(out, ')');
      return;
    case FIRN_KIND_DECIMAL:
      firn_builder_addf(out, "DECIMAL(%u,%u)", field->precision, field->scale);
      return;
    default:
      firn_builder_add_text(out, shown_as[field->kind].text);
  }
}

/* What a column of a result becomes. What the table does not name is looked at in firn_duck_column_of, or has
 * no form here. */
static const struct {
  bool is_known;
  firn_kind kind;
  uint8_t precision;
} taken_as[] = {
    [DUCK_BOOLEAN] = {true, FIRN_KIND_BOOLEAN, 0},
    [DUCK_TINYINT] = {true, FIRN_KIND_INT, 0},
    [DUCK_SMALLINT] = {true, FIRN_KIND_INT, 0},
    [DUCK_INTEGER] = {true, FIRN_KIND_INT, 0},
    [DUCK_BIGINT] = {true, FIRN_KIND_LONG, 0},
    [DUCK_UTINYINT] = {true, FIRN_KIND_INT, 0},
    [DUCK_USMALLINT] = {true, FIRN_KIND_INT, 0},
    [DUCK_UINTEGER] = {true, FIRN_KIND_LONG, 0},
    [DUCK_UBIGINT] = {true, FIRN_KIND_DECIMAL, 20},
    [DUCK_HUGEINT] = {true, FIRN_KIND_DECIMAL, 38},
    [DUCK_UHUGEINT] = {true, FIRN_KIND_DECIMAL, 38},
    [DUCK_FLOAT] = {true, FIRN_KIND_FLOAT, 0},
    [DUCK_DOUBLE] = {true, FIRN_KIND_DOUBLE, 0},
    [DUCK_DECIMAL] = {true, FIRN_KIND_DECIMAL, 0},
    [DUCK_DATE] = {true, FIRN_KIND_DATE, 0},
    [DUCK_TIME] = {true, FIRN_KIND_TIME, 0},
    [DUCK_TIMESTAMP] = {true, FIRN_KIND_TIMESTAMP, 0},
    [DUCK_TIMESTAMP_S] = {true, FIRN_KIND_TIMESTAMP, 0},
    [DUCK_TIMESTAMP_MS] = {true, FIRN_KIND_TIMESTAMP, 0},
    [DUCK_TIMESTAMP_NS] = {true, FIRN_KIND_TIMESTAMP_NS, 0},
    [DUCK_TIMESTAMP_TZ] = {true, FIRN_KIND_TIMESTAMPTZ, 0},
    [DUCK_VARCHAR] = {true, FIRN_KIND_STRING, 0},
    [DUCK_ENUM] = {true, FIRN_KIND_STRING, 0},
    [DUCK_INTERVAL] = {true, FIRN_KIND_STRING, 0},
    [DUCK_TIME_TZ] = {true, FIRN_KIND_STRING, 0},
    [DUCK_TIME_NS] = {true, FIRN_KIND_STRING, 0},
    [DUCK_BIT] = {true, FIRN_KIND_STRING, 0},
    [DUCK_BIGNUM] = {true, FIRN_KIND_STRING, 0},
    [DUCK_UNION] = {true, FIRN_KIND_STRING, 0},
    [DUCK_UUID] = {true, FIRN_KIND_UUID, 0},
    [DUCK_BLOB] = {true, FIRN_KIND_BINARY, 0},
    [DUCK_GEOMETRY] = {true, FIRN_KIND_BINARY, 0},
    [DUCK_STRUCT] = {true, FIRN_KIND_STRUCT, 0},
    [DUCK_LIST] = {true, FIRN_KIND_LIST, 0},
    [DUCK_ARRAY] = {true, FIRN_KIND_LIST, 0},
    [DUCK_MAP] = {true, FIRN_KIND_MAP, 0},
    [DUCK_SQLNULL] = {true, FIRN_KIND_UNKNOWN, 0},
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the columns of a result");
}

static firn_status column_at(const duck_api *api, duck_type type, const char *name, unsigned depth,
                             firn_arena *arena, firn_duck_column *out, firn_error *err);

/* Child `i`, whose type is given up here. */
static firn_status child_at(const duck_api *api, duck_type type, const char *name, unsigned depth,
                            firn_arena *arena, firn_duck_column *out, firn_error *err) {
  if (type == NULL) {
    return no_memory(err);
  }
  firn_status status = column_at(api, type, name, depth + 1, arena, out, err);
  api->destroy_logical_type(&type);
  return status;
}

/* The engine's structs may lack names: then they are numbered. */
static firn_status member_name(const duck_api *api, duck_type type, uint32_t i, firn_arena *arena,
                               const char **out, firn_error *err) {
  char *name = api->struct_type_child_name(type, i);
  if (name == NULL || name[0] == '\0') {
    *out = firn_arena_printf(arena, "v%u", i + 1);
  } else {
    *out = firn_arena_text(arena, firn_bytes_of(name));
  }
  api->free(name);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status struct_children(const duck_api *api, duck_type type, unsigned depth, firn_arena *arena,
                                   firn_duck_column *out, firn_error *err) {
  for (uint32_t i = 0; i < out->n_children; i++) {
    const char *name;
    FIRN_TRY(member_name(api, type, i, arena, &name, err));
    FIRN_TRY(child_at(api, api->struct_type_child_type(type, i), name, depth, arena, &out->children[i], err));
  }
  return FIRN_OK;
}

static firn_status children_of(const duck_api *api, duck_type type, unsigned depth, firn_arena *arena,
                               firn_duck_column *out, firn_error *err) {
  out->n_children = out->id == DUCK_STRUCT  ? (uint32_t)api->struct_type_child_count(type)
                    : out->id == DUCK_UNION ? (uint32_t)api->union_type_member_count(type)
                    : out->id == DUCK_MAP   ? 2
                                            : 1;
  out->children = firn_new_n(arena, firn_duck_column, (size_t)out->n_children + 1);
  if (out->children == NULL) {
    return no_memory(err);
  }
  switch ((int)out->id) {
    case DUCK_STRUCT:
      return struct_children(api, type, depth, arena, out, err);
    case DUCK_MAP:
      FIRN_TRY(child_at(api, api->map_type_key_type(type), "key", depth, arena, &out->children[0], err));
      return child_at(api, api->map_type_value_type(type), "value", depth, arena, &out->children[1], err);
    case DUCK_UNION:
      for (uint32_t i = 0; i < out->n_children; i++) {
        FIRN_TRY(child_at(api, api->union_type_member_type(type, i), "member", depth, arena,
                          &out->children[i], err));
      }
      return FIRN_OK;
    case DUCK_ARRAY:
      out->array_size = (size_t)api->array_type_array_size(type);
      return child_at(api, api->array_type_child_type(type), "element", depth, arena, &out->children[0], err);
    default:
      return child_at(api, api->list_type_child_type(type), "element", depth, arena, &out->children[0], err);
  }
}

/* The fields of the children beside one another, as firn_field wants them. */
static firn_status join_fields(firn_arena *arena, firn_duck_column *out, firn_error *err) {
  firn_field *fields = firn_new_n(arena, firn_field, (size_t)out->n_children + 1);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < out->n_children; i++) {
    fields[i] = out->children[i].field;
  }
  if (out->id == DUCK_MAP) {
    fields[0].required = true; /* a key is never null */
  }
  out->field.n_children = out->n_children;
  out->field.children = fields;
  return FIRN_OK;
}

static firn_status read_dictionary(const duck_api *api, duck_type type, firn_arena *arena,
                                   firn_duck_column *out, firn_error *err) {
  out->codes = api->enum_internal_type(type);
  out->n_dictionary = api->enum_dictionary_size(type);
  firn_bytes *words = firn_new_n(arena, firn_bytes, out->n_dictionary + 1);
  if (words == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < out->n_dictionary; i++) {
    char *word = api->enum_dictionary_value(type, i);
    if (word == NULL) {
      return no_memory(err);
    }
    words[i] = firn_arena_copy(arena, firn_bytes_of(word));
    api->free(word);
    if (words[i].data == NULL) {
      return no_memory(err);
    }
  }
  out->dictionary = words;
  return FIRN_OK;
}

static bool has_children(duck_type_id id) {
  return id == DUCK_STRUCT || id == DUCK_LIST || id == DUCK_MAP || id == DUCK_ARRAY || id == DUCK_UNION;
}

static firn_status column_at(const duck_api *api, duck_type type, const char *name, unsigned depth,
                             firn_arena *arena, firn_duck_column *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "a column's type is nested deeper than %d levels",
                          FIRN_TYPE_MAX_DEPTH);
  }
  duck_type_id id = api->get_type_id(type);
  if ((size_t)id >= FIRN_COUNT_OF(taken_as) || !taken_as[id].is_known) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "column %s is %s: cast it, for example to VARCHAR", name,
                          id == DUCK_VARIANT ? "a VARIANT" : "of a type that cannot be shown");
  }
  *out = (firn_duck_column){.id = id,
                            .field = {.id = FIRN_NO_ID,
                                      .name = firn_arena_text(arena, firn_bytes_of(name)),
                                      .kind = taken_as[id].kind,
                                      .precision = taken_as[id].precision}};
  if (out->field.name == NULL) {
    return no_memory(err);
  }
  if (id == DUCK_DECIMAL) {
    out->field.precision = api->decimal_width(type);
    out->field.scale = api->decimal_scale(type);
  }
  if (id == DUCK_ENUM) {
    return read_dictionary(api, type, arena, out, err);
  }
  if (!has_children(id)) {
    return FIRN_OK;
  }
  FIRN_TRY(children_of(api, type, depth, arena, out, err));
  return id == DUCK_UNION ? FIRN_OK : join_fields(arena, out, err);
}

firn_status firn_duck_column_of(const duck_api *api, duck_type type, const char *name, firn_arena *arena,
                                firn_duck_column *out, firn_error *err) {
  return column_at(api, type, name, 0, arena, out, err);
}

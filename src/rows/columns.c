#include "rows/columns_internal.h"

enum {
  BATCH_BYTES = 32 << 20, /* of vectors: with many columns batches have fewer rows */
  ARENA_MAX = 1 << 30,
  LEAST_ROWS = 8,
  FIRST_ENTRIES = 1024,
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a batch of rows");
}

/* --- the tree --- */

static firn_status plan_column(firn_columns *c, const firn_field *field, const firn_column *parent, int depth,
                               firn_column *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  *out = (firn_column){.field = field, .parent = parent};
  if (field->kind == FIRN_KIND_STRUCT) {
    FIRN_TRY(firn_name_index_new(field, &c->plan, &out->names, err));
  }
  out->children = firn_new_n(&c->plan, firn_column, field->n_children);
  if (out->children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(plan_column(c, &field->children[i], out, depth + 1, &out->children[i], err));
  }
  return FIRN_OK;
}

/* Bytes that a value takes in the vectors of a field and the structs below it. */
static size_t width_of(const firn_field *field) {
  size_t width = firn_kind_value_size(field->kind) + 1 + sizeof(int32_t);
  for (uint32_t i = 0; field->kind == FIRN_KIND_STRUCT && i < field->n_children; i++) {
    width += width_of(&field->children[i]);
  }
  return width;
}

firn_status firn_columns_open(firn_columns *c, const firn_field *schema, size_t max_rows, firn_error *err) {
  firn_arena_reset(&c->plan);
  c->arena.max_bytes = ARENA_MAX;
  size_t fitting = BATCH_BYTES / width_of(schema);
  fitting = fitting < LEAST_ROWS ? LEAST_ROWS : fitting;
  c->capacity = max_rows < fitting ? max_rows : fitting;
  return plan_column(c, schema, NULL, 0, &c->root, err);
}

void firn_columns_free(firn_columns *c) {
  firn_arena_free(&c->plan);
  firn_arena_free(&c->arena);
}

/* --- room --- */

static size_t values_size(firn_kind kind, size_t n) {
  switch (kind) {
    case FIRN_KIND_BOOLEAN:
      return firn_bit_words(n) * sizeof(uint64_t);
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
      return (n + 1) * sizeof(int32_t);
    default:
      return n * firn_kind_value_size(kind);
  }
}

static void *moved(firn_arena *arena, const void *from, size_t used, size_t size) {
  void *to = firn_arena_alloc(arena, size);
  if (to != NULL && from != NULL && used > 0) {
    memcpy(to, from, used);
  }
  return to;
}

/* Room for `n` values, of structs' fields too; what is there stays, the rest is null. */
static firn_status grow(firn_columns *c, firn_column *column, size_t n, firn_error *err) {
  firn_vector *v = column->v;
  firn_kind kind = column->field->kind;
  size_t before = column->capacity;
  size_t size = values_size(kind, n);
  void *values =
      size == 0 ? NULL : moved(&c->arena, v->values, v->values == NULL ? 0 : values_size(kind, before), size);
  uint64_t *validity = moved(&c->arena, v->validity, firn_bit_words(before) * sizeof(uint64_t),
                             firn_bit_words(n) * sizeof(uint64_t));
  if ((size > 0 && values == NULL) || validity == NULL) {
    return no_memory(err);
  }
  v->values = values;
  v->validity = validity;
  column->capacity = n;
  for (uint32_t i = 0; kind == FIRN_KIND_STRUCT && i < column->field->n_children; i++) {
    FIRN_TRY(grow(c, &column->children[i], n, err));
  }
  return FIRN_OK;
}

/* Vectors for the children of a nested column. Those of lists get their room when entries come. */
static firn_status begin_column(firn_columns *c, firn_column *column, firn_vector *v, firn_error *err) {
  const firn_field *field = column->field;
  *v = (firn_vector){.kind = field->kind, .n_children = field->n_children};
  column->v = v;
  column->capacity = column->n_entries = column->n_filled = 0;
  v->children = firn_new_n(&c->arena, firn_vector, field->n_children);
  if (v->children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(begin_column(c, &column->children[i], &v->children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_columns_begin(firn_columns *c, firn_error *err) {
  const firn_field *schema = c->root.field;
  firn_arena_reset(&c->arena);
  firn_vector *columns = firn_new_n(&c->arena, firn_vector, schema->n_children);
  if (columns == NULL) {
    return no_memory(err);
  }
  c->batch = (firn_batch){.schema = schema, .columns = columns};
  for (uint32_t i = 0; i < schema->n_children; i++) {
    FIRN_TRY(begin_column(c, &c->root.children[i], &columns[i], err));
    FIRN_TRY(grow(c, &c->root.children[i], c->capacity, err));
  }
  return FIRN_OK;
}

firn_status firn_column_need(firn_columns *c, firn_column *column, size_t i, firn_error *err) {
  if (i < column->capacity) {
    return FIRN_OK;
  }
  if (i >= INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "a batch holds more than %d list entries", INT32_MAX);
  }
  size_t n = column->capacity < FIRST_ENTRIES ? FIRST_ENTRIES : column->capacity * 2;
  return grow(c, column, n, err);
}

/* --- lists --- */

static void fill_offsets(firn_column *column, size_t n) {
  for (; column->n_filled < n; column->n_filled++) {
    column->v->offsets[column->n_filled + 1] = (int32_t)column->n_entries;
  }
}

void firn_column_begin_list(firn_column *column, size_t i) {
  fill_offsets(column, i);
  firn_column_set_valid(column, i);
}

void firn_column_end_list(firn_column *column, size_t i) {
  fill_offsets(column, i + 1);
}

/* --- the end --- */

static void clear_from(firn_column *column, size_t from) {
  uint64_t *validity = column->v->validity;
  for (size_t i = from; i < column->capacity && i % 64 != 0; i++) {
    firn_bit_clear(validity, i);
  }
  size_t word = firn_bit_words(from);
  if (word < firn_bit_words(column->capacity)) {
    memset(validity + word, 0, (firn_bit_words(column->capacity) - word) * sizeof *validity);
  }
  const firn_field *field = column->field;
  if (firn_kind_is_bytes(field->kind) && from < column->capacity) { /* runs of bytes are empty where null */
    memset(column->v->bytes + from, 0, (column->capacity - from) * sizeof *column->v->bytes);
  }
  size_t below = from;
  if (field->kind == FIRN_KIND_LIST || field->kind == FIRN_KIND_MAP) {
    fill_offsets(column, from);
    column->n_filled = from;
    column->n_entries = below = from == 0 ? 0 : (size_t)column->v->offsets[from];
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    clear_from(&column->children[i], below);
  }
}

void firn_columns_undo(firn_columns *c, size_t row) {
  for (uint32_t i = 0; i < c->root.field->n_children; i++) {
    clear_from(&c->root.children[i], row);
  }
}

static size_t count_valid(const uint64_t *validity, size_t n) {
  size_t set = 0;
  for (size_t w = 0; w < n / 64; w++) {
    set += (size_t)__builtin_popcountll(validity[w]);
  }
  if (n % 64 != 0) {
    set += (size_t)__builtin_popcountll(validity[n / 64] & ((UINT64_C(1) << (n % 64)) - 1));
  }
  return set;
}

static firn_status finish_column(firn_columns *c, firn_column *column, size_t n, firn_error *err) {
  firn_vector *v = column->v;
  bool is_list = column->field->kind == FIRN_KIND_LIST || column->field->kind == FIRN_KIND_MAP;
  if (column->capacity == 0) { /* a list without entries */
    FIRN_TRY(grow(c, column, 1, err));
  }
  if (is_list) {
    fill_offsets(column, n);
  }
  v->len = n;
  v->n_nulls = n - count_valid(v->validity, n);
  if (v->n_nulls == 0) {
    v->validity = NULL;
  }
  size_t below = is_list ? column->n_entries : n;
  for (uint32_t i = 0; i < column->field->n_children; i++) {
    FIRN_TRY(finish_column(c, &column->children[i], below, err));
  }
  return FIRN_OK;
}

firn_status firn_columns_finish(firn_columns *c, size_t n_rows, const firn_batch **out, firn_error *err) {
  for (uint32_t i = 0; i < c->root.field->n_children; i++) {
    FIRN_TRY(finish_column(c, &c->root.children[i], n_rows, err));
  }
  c->batch.n_rows = n_rows;
  *out = &c->batch;
  return FIRN_OK;
}

const char *firn_column_path(const firn_column *column, firn_arena *arena) {
  const char *path = column->field->name == NULL ? "?" : column->field->name;
  for (const firn_column *c = column->parent; c != NULL && c->parent != NULL && path != NULL; c = c->parent) {
    path = firn_arena_printf(arena, "%s.%s", c->field->name, path);
  }
  return path == NULL ? "?" : path;
}

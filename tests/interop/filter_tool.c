/* What filter_test.py asks of firn: lines of JSON on standard input, each a table's schema and spec, a filter
 * in the REST specification's JSON, files, manifests and rows, values as hexadecimal digits of their binary
 * form and null for none. For each line comes one of answers:
 *   {"files": [[may match, must match, its partition may], ...], "manifests": [...], "rows": [...]}
 * or {"error": "..."}. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "iceberg/expr/evaluate.h"
#include "iceberg/expr/prune.h"

enum { MAX_LINE = 1 << 20, MAX_COLUMNS = 32 };

typedef struct asked {
  firn_arena arena;
  firn_schema schema;
  firn_partition_spec spec;
  firn_field partition_type;
  const firn_expr *filter;
  const firn_prune *prune;
} asked;

static int digit(uint8_t c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* `data` NULL: null. */
static firn_bytes bytes_of(const firn_json_value *json, firn_arena *arena) {
  if (json == NULL || json->kind != FIRN_JSON_STRING) {
    return (firn_bytes){NULL, 0};
  }
  uint8_t *out = firn_arena_alloc_bytes(arena, json->text.len / 2 + 1);
  for (size_t i = 0; out != NULL && i + 1 < json->text.len; i += 2) {
    out[i / 2] = (uint8_t)(digit(json->text.data[i]) << 4 | digit(json->text.data[i + 1]));
  }
  return (firn_bytes){out, json->text.len / 2};
}

static firn_status read_values(asked *a, const firn_json_value *json, const firn_field *type, firn_value *out,
                               firn_error *err) {
  for (size_t i = 0; i < type->n_children; i++) {
    firn_bytes in = i < json->n_items ? bytes_of(&json->items[i], &a->arena) : (firn_bytes){NULL, 0};
    out[i] = (firn_value){.kind = type->children[i].kind, .is_null = true};
    if (in.data != NULL) {
      FIRN_TRY(firn_value_read(in, &type->children[i], &out[i], err));
    }
  }
  return FIRN_OK;
}

/* [[id, count], ...] */
static firn_id_counts counts_of(asked *a, const firn_json_value *json) {
  firn_id_count *items = json == NULL ? NULL : firn_new_n(&a->arena, firn_id_count, json->n_items);
  for (size_t i = 0; items != NULL && i < json->n_items; i++) {
    int64_t id = 0;
    (void)firn_json_value_int64(&json->items[i].items[0], &id);
    (void)firn_json_value_int64(&json->items[i].items[1], &items[i].n);
    items[i].id = (int32_t)id;
  }
  return (firn_id_counts){items != NULL, items == NULL ? 0 : json->n_items, items};
}

static firn_id_bounds bounds_of(asked *a, const firn_json_value *json) {
  firn_id_bytes *items = json == NULL ? NULL : firn_new_n(&a->arena, firn_id_bytes, json->n_items);
  for (size_t i = 0; items != NULL && i < json->n_items; i++) {
    int64_t id = 0;
    (void)firn_json_value_int64(&json->items[i].items[0], &id);
    items[i] = (firn_id_bytes){(int32_t)id, bytes_of(&json->items[i].items[1], &a->arena)};
  }
  return (firn_id_bounds){items != NULL, items == NULL ? 0 : json->n_items, items};
}

static firn_status answer_file(asked *a, const firn_json_value *json, firn_json_writer *w, firn_error *err) {
  firn_value tuple[MAX_COLUMNS];
  firn_data_file file = {.partition = tuple,
                         .value_counts = counts_of(a, firn_json_get_some(json, "values")),
                         .null_counts = counts_of(a, firn_json_get_some(json, "nulls")),
                         .nan_counts = counts_of(a, firn_json_get_some(json, "nans")),
                         .lower_bounds = bounds_of(a, firn_json_get_some(json, "lower")),
                         .upper_bounds = bounds_of(a, firn_json_get_some(json, "upper"))};
  FIRN_TRY(firn_json_need_int64(json, "records", &file.record_count, err));
  FIRN_TRY(read_values(a, firn_json_get_some(json, "partition"), &a->partition_type, tuple, err));
  firn_json_begin_array(w);
  firn_json_write_bool(w, firn_prune_file(a->prune, &file));
  firn_json_write_bool(w, firn_prune_file_surely(a->prune, &file));
  firn_json_write_bool(w, firn_prune_partition(a->prune, tuple));
  firn_json_end_array(w);
  return FIRN_OK;
}

static firn_status answer_manifest(asked *a, const firn_json_value *json, firn_json_writer *w,
                                   firn_error *err) {
  firn_field_summary summaries[MAX_COLUMNS] = {{0}};
  for (size_t i = 0; i < json->n_items && i < MAX_COLUMNS; i++) {
    const firn_json_value *s = &json->items[i];
    FIRN_TRY(firn_json_need_bool(s, "null", &summaries[i].contains_null, err));
    summaries[i].has_contains_nan = firn_json_get_some(s, "nan") != NULL;
    FIRN_TRY(firn_json_may_bool(s, "nan", &summaries[i].contains_nan, err));
    summaries[i].lower = bytes_of(firn_json_get_some(s, "lower"), &a->arena);
    summaries[i].upper = bytes_of(firn_json_get_some(s, "upper"), &a->arena);
  }
  firn_manifest_file manifest = {.n_partitions = json->n_items, .partitions = summaries};
  firn_json_write_bool(w, firn_prune_manifest(a->prune, &manifest));
  return FIRN_OK;
}

static firn_status answer_row(asked *a, const firn_json_value *json, firn_json_writer *w, firn_error *err) {
  firn_value row[MAX_COLUMNS];
  bool matches;
  FIRN_TRY(read_values(a, json, &a->schema.root, row, err));
  FIRN_TRY(firn_expr_eval(a->filter, &a->schema.root, row, &matches, err));
  firn_json_write_bool(w, matches);
  return FIRN_OK;
}

typedef firn_status (*answer_one)(asked *, const firn_json_value *, firn_json_writer *, firn_error *);

static firn_status answer_all(asked *a, const firn_json_value *json, const char *key, answer_one one,
                              firn_json_writer *w, firn_error *err) {
  const firn_json_value *list;
  FIRN_TRY(firn_json_need_array(json, key, &list, err));
  firn_json_key(w, key);
  firn_json_begin_array(w);
  for (size_t i = 0; i < list->n_items; i++) {
    FIRN_TRY(one(a, &list->items[i], w, err));
  }
  firn_json_end_array(w);
  return FIRN_OK;
}

static firn_status answer(asked *a, firn_bytes line, firn_builder *out, firn_error *err) {
  const firn_json_value *json, *part;
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  FIRN_TRY(firn_json_tree_read(line, &a->arena, &json, err));
  FIRN_TRY(firn_json_need_object(json, "schema", &part, err));
  FIRN_TRY(firn_schema_read(part, &a->arena, &a->schema, err));
  FIRN_TRY(firn_json_need_object(json, "spec", &part, err));
  FIRN_TRY(firn_partition_spec_read(part, &a->arena, &a->spec, err));
  FIRN_TRY(firn_partition_type(&a->spec, &a->schema, &a->arena, &a->partition_type, err));
  if (a->schema.root.n_children > MAX_COLUMNS || a->spec.n_fields > MAX_COLUMNS) {
    return firn_error_set(err, FIRN_LIMIT, "too many columns");
  }
  part = firn_json_get_some(json, "filter");
  FIRN_TRY(firn_expr_read(part, &a->arena, &a->filter, err));
  FIRN_TRY(firn_expr_bind(a->filter, &a->schema, false, &a->arena, &a->filter, err));
  FIRN_TRY(firn_prune_new(a->filter, &a->spec, &a->schema, &a->arena, &a->prune, err));
  firn_json_begin_object(&w);
  FIRN_TRY(answer_all(a, json, "files", answer_file, &w, err));
  FIRN_TRY(answer_all(a, json, "manifests", answer_manifest, &w, err));
  FIRN_TRY(answer_all(a, json, "rows", answer_row, &w, err));
  firn_json_add_text(&w, "bound", firn_expr_text(a->filter, &a->arena));
  firn_json_end_object(&w);
  return FIRN_OK;
}

static int answer_line(firn_bytes line) {
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0);
  firn_error err = {.text = ""};
  firn_bytes built;
  asked a = {.arena = FIRN_ARENA_INIT(0)};
  firn_status status = answer(&a, line, &out, &err);
  if (status != FIRN_OK) {
    firn_builder_reset(&out);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&out);
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "error", err.text);
    firn_json_end_object(&w);
  }
  status = firn_builder_finish(&out, &built, &err);
  (void)printf("%.*s\n", FIRN_FORMAT_BYTES(built));
  firn_arena_free(&a.arena);
  return status == FIRN_OK ? 0 : 1;
}

int main(void) {
  char *line = firn_alloc(MAX_LINE);
  int status = line == NULL;
  while (status == 0 && fgets(line, MAX_LINE, stdin) != NULL) {
    status = answer_line(firn_bytes_of(line));
  }
  firn_free(line);
  return status;
}

/* firn parquet schema|meta|cat FILE: what a Parquet file says and holds. */
#include <inttypes.h>

#include "apps/firn/print.h"
#include "apps/firn/rows.h"
#include "base/json_write.h"
#include "formats/parquet/reader.h"
#include "iceberg/scan/object.h"
#include "iceberg/types/schema.h"

/* An opened file and what it stands on. */
typedef struct opened {
  firn_parquet_object object;
  firn_parquet_file *file;
} opened;

static firn_status open_parquet(firn_app *app, const char *path, opened *out, firn_error *err) {
  firn_stores *stores;
  const char *location = firn_app_absolute(app, path);
  if (location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  FIRN_TRY(firn_app_stores(app, &stores, err));
  FIRN_TRY(firn_parquet_object_find(stores, NULL, &app->ctx, location, 0, app->arena, &out->object, err));
  firn_status status =
      firn_parquet_file_open(firn_parquet_object_source(&out->object), &app->ctx, 0, 0, &out->file, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", path);
}

static firn_status with_file(firn_app *app, const firn_args *args,
                             firn_status (*show)(firn_app *, const firn_args *, const opened *, firn_error *),
                             firn_error *err) {
  opened o = {0};
  FIRN_TRY(open_parquet(app, args->words[0], &o, err));
  firn_status status = show(app, args, &o, err);
  firn_parquet_file_close(o.file);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", args->words[0]);
}

static const char *physical_name(const firn_parquet_node *leaf, firn_arena *arena) {
  static const char *const names[] = {"boolean", "int32",  "int64",      "int96",
                                      "float",   "double", "byte_array", "fixed_len_byte_array"};
  const char *name = (size_t)leaf->type < FIRN_COUNT_OF(names) ? names[leaf->type] : "?";
  if (leaf->type != FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY) {
    return name;
  }
  const char *text = firn_arena_printf(arena, "%s(%" PRId32 ")", name, leaf->type_length);
  return text == NULL ? name : text;
}

static const char *logical_name(const firn_parquet_node *node, firn_arena *arena) {
  static const char *const names[] = {
      "",     "string", "map",  "list", "enum",    "decimal", "date",     "time",      "timestamp", "integer",
      "null", "json",   "bson", "uuid", "float16", "variant", "geometry", "geography", "interval"};
  static const char *const units[] = {"", "millis", "micros", "nanos"};
  const char *name = (size_t)node->logical < FIRN_COUNT_OF(names) ? names[node->logical] : "?";
  const char *text = name;
  switch (node->logical) {
    case FIRN_LOGICAL_DECIMAL:
      text = firn_arena_printf(arena, "decimal(%" PRId32 ", %" PRId32 ")", node->precision, node->scale);
      break;
    case FIRN_LOGICAL_TIME:
    case FIRN_LOGICAL_TIMESTAMP:
      text = firn_arena_printf(arena, "%s(%s, %s)", name, units[node->unit], node->is_utc ? "utc" : "local");
      break;
    case FIRN_LOGICAL_INTEGER:
      text = firn_arena_printf(arena, "%s%d", node->is_signed ? "int" : "uint", node->bit_width);
      break;
    default:
      break;
  }
  return text == NULL ? name : text;
}

static void print_node(firn_app *app, const firn_parquet_node *node, int depth) {
  static const char *const repetitions[] = {"required", "optional", "repeated"};
  const char *logical = logical_name(node, app->arena);
  (void)fprintf(app->out, "%*s%s %s", depth * 2, "", repetitions[node->repetition],
                node->n_children > 0 ? "group" : physical_name(node, app->arena));
  (void)fprintf(app->out, " %s%s%s%s", node->name, logical[0] == '\0' ? "" : " (", logical,
                logical[0] == '\0' ? "" : ")");
  if (node->field_id != FIRN_NO_ID) {
    (void)fprintf(app->out, " = %" PRId32, node->field_id);
  }
  (void)fputs("\n", app->out);
  for (uint32_t i = 0; i < node->n_children; i++) {
    print_node(app, &node->children[i], depth + 1);
  }
}

static firn_status show_schema(firn_app *app, const firn_args *args, const opened *o, firn_error *err) {
  (void)args;
  const firn_parquet_metadata *m = firn_parquet_file_metadata(o->file);
  if (app->format != FIRN_FORMAT_JSON) {
    for (uint32_t i = 0; i < m->root->n_children; i++) {
      print_node(app, &m->root->children[i], 0);
    }
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_schema schema = {.root = *m->schema};
  firn_schema_write(&schema, &w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, app->out, err);
}

/* "rle_dictionary, plain, rle": the encodings of a chunk. */
static const char *encodings_text(uint32_t encodings, firn_arena *arena) {
  static const char *const names[] = {
      "plain",          "group_var_int",       "plain_dictionary",        "rle",
      "bit_packed",     "delta_binary_packed", "delta_length_byte_array", "delta_byte_array",
      "rle_dictionary", "byte_stream_split"};
  const char *text = "";
  for (size_t i = 0; i < FIRN_COUNT_OF(names) && text != NULL; i++) {
    if ((encodings >> i & 1) != 0) {
      text = firn_arena_printf(arena, "%s%s%s", text, text[0] == '\0' ? "" : ", ", names[i]);
    }
  }
  return text == NULL ? "?" : text;
}

/* The dotted path of a leaf. */
static const char *leaf_path(const firn_parquet_node *node, const firn_parquet_node *leaf, const char *before,
                             firn_arena *arena) {
  for (uint32_t i = 0; i < node->n_children; i++) {
    const firn_parquet_node *child = &node->children[i];
    const char *path = firn_arena_printf(arena, "%s%s%s", before, before[0] == '\0' ? "" : ".", child->name);
    if (child == leaf || path == NULL) {
      return path;
    }
    const char *below = leaf_path(child, leaf, path, arena);
    if (below != NULL) {
      return below;
    }
  }
  return NULL;
}

static firn_status print_chunks(firn_app *app, const firn_parquet_metadata *m,
                                const firn_parquet_row_group *g, firn_error *err) {
  static const char *const heads[] = {"column",      "codec",         ">values",   ">nulls",
                                      ">compressed", ">uncompressed", "encodings", "has"};
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  for (uint32_t i = 0; i < m->n_leaves; i++) {
    const firn_parquet_chunk *c = &g->chunks[i];
    const char *codec = c->codec_known ? firn_codec_name(c->codec)
                                       : firn_arena_printf(app->arena, "codec %" PRId32, c->codec_number);
    const char *cells[] = {
        leaf_path(m->root, c->leaf, "", app->arena),
        codec,
        firn_print_count(c->n_values, app->arena),
        c->statistics.n_nulls < 0 ? NULL : firn_print_count(c->statistics.n_nulls, app->arena),
        firn_print_count(c->compressed_bytes, app->arena),
        firn_print_count(c->uncompressed_bytes, app->arena),
        encodings_text(c->encodings, app->arena),
        firn_arena_printf(app->arena, "%s%s%s", c->column_index_offset > 0 ? "column index " : "",
                          c->offset_index_offset > 0 ? "offset index " : "",
                          c->bloom_filter_offset > 0 ? "bloom filter" : ""),
    };
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  firn_table_printer_print(&p, app->out);
  return FIRN_OK;
}

static firn_status meta_text(firn_app *app, const opened *o, firn_error *err) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(o->file);
  (void)fprintf(app->out, "created by  %.*s\n", FIRN_FORMAT_BYTES(m->created_by));
  (void)fprintf(app->out, "size        %s\n", firn_print_size(o->object.size_bytes, app->arena));
  (void)fprintf(app->out, "rows        %s\n", firn_print_count(m->n_rows, app->arena));
  (void)fprintf(app->out, "row groups  %zu\n", m->n_row_groups);
  for (size_t i = 0; i < m->n_key_values; i++) {
    firn_bytes value = firn_bytes_part(m->key_values[i].value, 0, 60);
    (void)fprintf(app->out, "%s%.*s = %.*s%s\n", i == 0 ? "key values  " : "            ",
                  FIRN_FORMAT_BYTES(m->key_values[i].key), FIRN_FORMAT_BYTES(value),
                  value.len < m->key_values[i].value.len ? "..." : "");
  }
  for (size_t i = 0; i < m->n_row_groups; i++) {
    const firn_parquet_row_group *g = &m->row_groups[i];
    (void)fprintf(app->out, "\nrow group %zu: %s rows, %s before compression\n", i,
                  firn_print_count(g->n_rows, app->arena),
                  firn_print_size((uint64_t)g->total_bytes, app->arena));
    FIRN_TRY(print_chunks(app, m, g, err));
  }
  return FIRN_OK;
}

static void write_chunk(firn_app *app, const firn_parquet_metadata *m, const firn_parquet_chunk *c,
                        firn_json_writer *w) {
  const char *path = leaf_path(m->root, c->leaf, "", app->arena);
  firn_json_begin_object(w);
  firn_json_add_text(w, "path", path == NULL ? "?" : path);
  firn_json_add_text(w, "type", physical_name(c->leaf, app->arena));
  firn_json_add_text(w, "codec", c->codec_known ? firn_codec_name(c->codec) : "unknown");
  firn_json_add_text(w, "encodings", encodings_text(c->encodings, app->arena));
  firn_json_add_int64(w, "values", c->n_values);
  firn_json_key(w, "nulls");
  if (c->statistics.n_nulls < 0) {
    firn_json_write_null(w);
  } else {
    firn_json_write_int64(w, c->statistics.n_nulls);
  }
  firn_json_add_int64(w, "compressed-bytes", c->compressed_bytes);
  firn_json_add_int64(w, "uncompressed-bytes", c->uncompressed_bytes);
  firn_json_add_bool(w, "column-index", c->column_index_offset > 0);
  firn_json_add_bool(w, "offset-index", c->offset_index_offset > 0);
  firn_json_add_bool(w, "bloom-filter", c->bloom_filter_offset > 0);
  firn_json_end_object(w);
}

static firn_status show_meta(firn_app *app, const firn_args *args, const opened *o, firn_error *err) {
  (void)args;
  if (app->format != FIRN_FORMAT_JSON) {
    return meta_text(app, o, err);
  }
  const firn_parquet_metadata *m = firn_parquet_file_metadata(o->file);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_key(&w, "created-by");
  firn_json_write_bytes(&w, m->created_by);
  firn_json_add_int64(&w, "bytes", (int64_t)o->object.size_bytes);
  firn_json_add_int64(&w, "rows", m->n_rows);
  firn_json_key(&w, "row-groups");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < m->n_row_groups; i++) {
    firn_json_begin_object(&w);
    firn_json_add_int64(&w, "rows", m->row_groups[i].n_rows);
    firn_json_key(&w, "columns");
    firn_json_begin_array(&w);
    for (uint32_t j = 0; j < m->n_leaves; j++) {
      write_chunk(app, m, &m->row_groups[i].chunks[j], &w);
    }
    firn_json_end_array(&w);
    firn_json_end_object(&w);
  }
  firn_json_end_array(&w);
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, app->out, err);
}

static firn_status choose_columns(firn_app *app, const firn_args *args, const firn_field *schema,
                                  firn_parquet_reader_options *o, firn_error *err) {
  const char *const *names;
  size_t n;
  FIRN_TRY(firn_split_names(firn_args_value(args, "columns"), app->arena, &names, &n, err));
  if (names == NULL) {
    return FIRN_OK;
  }
  uint32_t *columns = firn_new_n(app->arena, uint32_t, n);
  if (columns == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu columns", n);
  }
  for (size_t i = 0; i < n; i++) {
    const firn_field *field = firn_field_child(schema, names[i]);
    if (field == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND, "the file has no column %s", names[i]);
    }
    columns[i] = (uint32_t)(field - schema->children);
  }
  o->columns = columns;
  o->n_columns = n;
  return FIRN_OK;
}

static firn_status show_rows(firn_app *app, const firn_args *args, const opened *o, firn_error *err) {
  firn_parquet_reader_options options = {0};
  uint64_t limit = INT64_MAX;
  uint64_t first = 0;
  FIRN_TRY(firn_args_count(args, "limit", &limit, err));
  FIRN_TRY(firn_args_count(args, "row", &first, err));
  FIRN_TRY(choose_columns(app, args, firn_parquet_file_metadata(o->file)->schema, &options, err));
  options.first_row = first > INT64_MAX ? INT64_MAX : (int64_t)first;
  options.n_rows = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
  if (limit == 0) {
    return FIRN_OK;
  }
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  FIRN_TRY(firn_parquet_reader_open(o->file, &options, &reader, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(reader, &app->ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_print_rows(app, batch, batch->n_rows, err));
  }
}

static firn_status run_schema(firn_app *app, const firn_args *args, firn_error *err) {
  return with_file(app, args, show_schema, err);
}

static firn_status run_meta(firn_app *app, const firn_args *args, firn_error *err) {
  return with_file(app, args, show_meta, err);
}

static firn_status run_cat(firn_app *app, const firn_args *args, firn_error *err) {
  return with_file(app, args, show_rows, err);
}

static const firn_option cat_options[] = {
    {"columns", "A,B,...", "only these columns, in this order"},
    {"row", "N", "begin at this row, counted from 0"},
    {"limit", "N", "at most so many rows"},
    {0},
};

const firn_command firn_parquet_commands[] = {
    {"schema", "FILE", "its columns", 1, 1, NULL, run_schema, NULL},
    {"meta", "FILE", "its row groups, chunks, codecs, encodings and indexes", 1, 1, NULL, run_meta, NULL},
    {"cat", "FILE", "its rows, as one JSON object a line", 1, 1, cat_options, run_cat, NULL},
    {0},
};
